//! Periods at which ranks do not change when histories move: every unit that may move is observed in x
//! and in y.
//!
//! There both rankings are known before anything moves. They are kept as small whole numbers, tile by
//! tile of periods, so that a permutation is one pass of multiply and add over contiguous rows, exact in
//! any order; influences take a second, which mostly ends early
//! ([`Studentised::at_least`](super::correlation::Studentised::at_least)).

use wide::{i16x8, i32x4};

use super::correlation::Correlation;
use super::ranks::SortedPeriod;

/// Periods that are multiplied together.
const TILE: usize = 8;

/// Sums in which a unit's influences are added up.
const LANES: usize = 4;

/// Ranks of one unit at the periods of a tile, doubled and centred; 0 where a period is not settled.
type Tile = [i16; TILE];

/// Ranks of two units at the periods of a tile, side by side: four periods and four.
pub(super) type Pair = [i16x8; 2];

/// The known ranks of x and of each outcome.
pub(super) struct Settled {
    /// Periods settled for any outcome, in order; a column of the tables each.
    periods: Vec<usize>,
    x: Table,
    ys: Vec<Table>,
    /// Of each outcome, tile after tile.
    pairs: Vec<Vec<Pair>>,
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
        let (x, ys): (_, Vec<Table>) = (table(x), ys.iter().map(|y| table(y)).collect());
        let pairs = ys.iter().map(|y| y.rows().flat_map(|rows| pairs(rows.iter())).collect());
        Self { periods, x, pairs: pairs.collect(), ys }
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

    /// The correlations of each outcome with moved x, by column; none where not settled or not varying.
    ///
    /// - `givers`: for each mover the one whose x it received.
    /// - `moved`: room for the moved x.
    pub(super) fn correlations(
        &self,
        givers: &[u32],
        moved: &mut Vec<Pair>,
    ) -> Vec<Vec<Option<Correlation>>> {
        let mut found = vec![Vec::with_capacity(self.periods.len()); self.ys.len()];
        let n_pairs = givers.len().div_ceil(2);
        for (tile, x) in self.x.rows().enumerate() {
            moved.clear();
            moved.extend(pairs(givers.iter().map(|&giver| &x[giver as usize])));
            for ((y, pairs), found) in self.ys.iter().zip(&self.pairs).zip(&mut found) {
                let products = products(moved, &pairs[tile * n_pairs..][..n_pairs], givers.len());
                let squares = self.x.squares.iter().zip(&y.squares).skip(tile * TILE);
                found.extend(
                    squares
                        .zip(products)
                        .map(|((x, y), products)| Correlation::new(products as f64, (*x)?, (*y)?)),
                );
            }
        }
        found
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

/// Units' ranks in a tile, two units at a time; a last one stands beside ranks of 0.
fn pairs<'a>(mut units: impl ExactSizeIterator<Item = &'a Tile>) -> impl Iterator<Item = Pair> {
    (0..units.len().div_ceil(2)).map(move |_| {
        let mut next = || units.next().unwrap_or(&[0; TILE]);
        side_by_side([next(), next()])
    })
}

/// Two units' ranks in a tile side by side, period by period: what multiplies and adds pairs of small
/// numbers then sums over units.
fn side_by_side([a, b]: [&Tile; 2]) -> Pair {
    let both = |from: usize| {
        let place = |i: usize| if i.is_multiple_of(2) { a[from + i / 2] } else { b[from + i / 2] };
        i16x8::new(std::array::from_fn(place))
    };
    [both(0), both(TILE / 2)]
}

/// Σ rx ry over pairs of units, for each period of a tile.
///
/// - `units`: more than any doubled and centred rank.
fn products(x: &[Pair], y: &[Pair], units: usize) -> [i64; TILE] {
    // So many sums of two products fit into an i32; one does, since a rank fits into an i16.
    let pairs = i32::MAX as usize / (2 * units.pow(2));
    let mut total = [0; TILE];
    for (x, y) in x.chunks(pairs).zip(y.chunks(pairs)) {
        let mut sums = [i32x4::ZERO; 2];
        for (x, y) in x.iter().zip(y) {
            sums[0] += x[0].dot(y[0]);
            sums[1] += x[1].dot(y[1]);
        }
        for (total, sum) in total.iter_mut().zip(sums.map(i32x4::to_array).as_flattened()) {
            *total += i64::from(*sum);
        }
    }
    total
}
