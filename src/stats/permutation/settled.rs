//! Periods at which ranks do not change when histories move: every unit that may move is observed in x
//! and in y.
//!
//! There both rankings are known before anything moves. They are kept as small whole numbers, tile by
//! tile of periods, so that a permutation is one pass of multiply and add over contiguous rows, exact in
//! any order; influences take a second, which mostly ends early
//! ([`Studentised::at_least`](super::correlation::Studentised::at_least)).

use super::correlation::Correlation;
use super::ranks::SortedPeriod;

/// Periods that are multiplied together: their sums fit into vector registers, and whole years of months
/// leave no gap.
const TILE: usize = 12;

/// Sums in which a unit's influences are added up.
const LANES: usize = 4;

/// Ranks of one unit at the periods of a tile, doubled and centred; 0 where a period is not settled.
type Tile = [i16; TILE];

/// The known ranks of x and of each outcome.
pub(super) struct Settled {
    /// Periods settled for any outcome, in order; a column of the tables each.
    periods: Vec<usize>,
    x: Table,
    ys: Vec<Table>,
}

/// Ranks at the settled periods.
struct Table {
    /// Tile after tile of columns, each unit by unit of those that move.
    tiles: Vec<Tile>,
    units: usize,
    /// Σ r² of each column; none where this grid has gaps.
    squares: Vec<Option<f64>>,
}

/// What influences at the periods of a tile are made of; 0 where a period is not settled.
#[derive(Clone, Copy, Default)]
struct Factors {
    cross: [f64; TILE],
    of_x: [f64; TILE],
    of_y: [f64; TILE],
}

impl Settled {
    /// - `movers`: units that may move; there are no settled periods below `needed` of them.
    pub(super) fn new(
        x: &[SortedPeriod],
        ys: &[Vec<SortedPeriod>],
        movers: &[u32],
        moves: &[bool],
        needed: usize,
    ) -> Self {
        let fits = movers.len() >= needed.max(1) && i16::try_from(movers.len()).is_ok();
        let full = |at: &SortedPeriod| movers.iter().all(|&unit| at.observed[unit as usize]);
        let settled = |t: &usize| fits && full(&x[*t]) && ys.iter().any(|y| full(&y[*t]));
        let periods: Vec<usize> = (0..x.len()).filter(settled).collect();
        let table = |grid: &[SortedPeriod]| {
            let column = |&t: &usize| full(&grid[t]).then_some(&grid[t]);
            let columns: Vec<_> = periods.iter().map(column).collect();
            Table::new(&columns, movers, moves)
        };
        let (x, ys) = (table(x), ys.iter().map(|y| table(y)).collect());
        Self { periods, x, ys }
    }

    /// The period of each column.
    pub(super) fn periods(&self) -> &[usize] {
        &self.periods
    }

    /// Whether the ranks of an outcome are known at a period.
    pub(super) fn holds(&self, outcome: usize, period: usize) -> bool {
        let column = self.periods.binary_search(&period);
        column.is_ok_and(|column| self.ys[outcome].squares[column].is_some())
    }

    /// The correlations of an outcome with moved x, by column; none where not settled or not varying.
    ///
    /// - `givers`: for each mover the one whose x it received.
    pub(super) fn correlations(&self, outcome: usize, givers: &[u32]) -> Vec<Option<Correlation>> {
        let y = &self.ys[outcome];
        let products = self.x.rows().zip(y.rows()).flat_map(|(x, y)| products(x, y, givers));
        let squares = self.x.squares.iter().zip(&y.squares);
        let correlation = |((x, y), products): ((&Option<f64>, &Option<f64>), i64)| {
            Correlation::new(products as f64, (*x)?, (*y)?)
        };
        squares.zip(products).map(correlation).collect()
    }

    /// The sum over columns of each mover's influence, made one at a time.
    pub(super) fn influences(
        &self,
        outcome: usize,
        givers: &[u32],
        correlations: &[Option<Correlation>],
    ) -> impl Iterator<Item = f64> {
        let factors: Vec<Factors> = correlations.chunks(TILE).map(Factors::new).collect();
        givers.iter().enumerate().map(move |(unit, &giver)| {
            let mut sums = [0.0; LANES];
            for (tile, factors) in factors.iter().enumerate() {
                let x = self.x.tile(tile, giver as usize);
                factors.add(x, self.ys[outcome].tile(tile, unit), &mut sums);
            }
            sums.iter().sum()
        })
    }
}

impl Table {
    fn new(columns: &[Option<&SortedPeriod>], movers: &[u32], moves: &[bool]) -> Self {
        let units = movers.len();
        let mut tiles = vec![[0; TILE]; columns.len().div_ceil(TILE) * units];
        let mut ranks = vec![0; moves.len()];
        let mut squares = Vec::with_capacity(columns.len());
        for (column, at) in columns.iter().enumerate() {
            squares.push(at.map(|at| {
                let squares = at.rank(&at.order, moves, units as i32, &mut ranks);
                let rows = &mut tiles[column / TILE * units..];
                for (row, &unit) in rows.iter_mut().zip(movers) {
                    row[column % TILE] = ranks[unit as usize] as i16;
                }
                squares
            }));
        }
        Self { tiles, units, squares }
    }

    /// Tile by tile, the units' ranks.
    fn rows(&self) -> impl Iterator<Item = &[Tile]> {
        self.tiles.chunks_exact(self.units.max(1))
    }

    fn tile(&self, tile: usize, unit: usize) -> &Tile {
        &self.tiles[tile * self.units + unit]
    }
}

impl Factors {
    fn new(correlations: &[Option<Correlation>]) -> Self {
        let mut factors = Self::default();
        for (t, known) in correlations.iter().enumerate() {
            if let Some(known) = known {
                (factors.cross[t], factors.of_x[t], factors.of_y[t]) =
                    (known.cross, known.of_x, known.of_y);
            }
        }
        factors
    }

    /// [`Correlation::influence`] at each period, each lane its own sum.
    fn add(&self, x: &Tile, y: &Tile, sums: &mut [f64; LANES]) {
        for start in (0..TILE).step_by(LANES) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let t = start + lane;
                let (x, y) = (f64::from(x[t]), f64::from(y[t]));
                *sum += x * (self.cross[t] * y - self.of_x[t] * x) - self.of_y[t] * y * y;
            }
        }
    }
}

/// Σ rx ry over units, for each period of a tile.
fn products(x: &[Tile], y: &[Tile], givers: &[u32]) -> [i64; TILE] {
    // A doubled and centred rank is below the number of units: so many products fit into an i32.
    let units = (i32::MAX / (givers.len() as i32).pow(2)) as usize;
    let mut total = [0; TILE];
    for (y, givers) in y.chunks(units).zip(givers.chunks(units)) {
        let mut sums = [0_i32; TILE];
        for (y, &giver) in y.iter().zip(givers) {
            let x = &x[giver as usize];
            for t in 0..TILE {
                sums[t] += i32::from(x[t]) * i32::from(y[t]);
            }
        }
        for (total, sum) in total.iter_mut().zip(sums) {
            *total += i64::from(sum);
        }
    }
    total
}
