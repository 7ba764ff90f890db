//! Ranking anew after histories have moved: units are sorted once, a move is then linear.

use super::FEWEST;
use crate::stats::grid::Grid;
use crate::stats::rank::same;

/// An estimate, and how many standard errors it lies from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Studentised {
    pub(super) estimate: f64,
    pub(super) t: f64,
}

impl Studentised {
    /// From the influences of units on the estimate; none where neither differs from 0.
    pub(super) fn new(estimate: f64, influence: &[f64]) -> Option<Self> {
        let units = influence.iter().filter(|s| s.abs() > 0.0).count() as f64;
        let squares: f64 = influence.iter().map(|s| s * s).sum();
        // What rounding leaves of influences that cancel is not variation.
        if units < 2.0 || squares <= 1e-24 * estimate * estimate {
            let certain = estimate.abs() > 0.0;
            return certain.then_some(Self { estimate, t: f64::INFINITY.copysign(estimate) });
        }
        Some(Self { estimate, t: estimate / (units / (units - 1.0) * squares).sqrt() })
    }
}

/// One observed unit in a period's sorted order.
#[derive(Clone, Copy)]
struct Entry {
    unit: u32,
    /// Whether the value differs from the one before.
    new_value: bool,
}

/// A grid with the observed units of each period sorted by value.
pub(super) struct SortedGrid {
    order: Vec<Vec<Entry>>,
    /// Shape `(periods, units)`.
    observed: Vec<bool>,
    units: usize,
}

impl SortedGrid {
    pub(super) fn new(grid: Grid<'_>) -> Self {
        let units = grid.units();
        let mut observed = Vec::with_capacity(units * grid.periods());
        let mut order = Vec::with_capacity(grid.periods());
        let mut present: Vec<(f64, u32)> = Vec::with_capacity(units);
        for period in 0..grid.periods() {
            present.clear();
            for unit in 0..units {
                let value = grid.get(unit, period);
                observed.push(value.is_some());
                present.extend(value.map(|v| (v, unit as u32)));
            }
            present.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut before = f64::NAN;
            let mut entry = |&(value, unit): &(f64, u32)| {
                let new_value = !same(value, before);
                before = value;
                Entry { unit, new_value }
            };
            order.push(present.iter().map(&mut entry).collect());
        }
        Self { order, observed, units }
    }

    fn observed_at(&self, period: usize) -> &[bool] {
        &self.observed[period * self.units..(period + 1) * self.units]
    }
}

/// Mid-ranks of one period's members, and room to make them.
pub(super) struct Ranks {
    /// Mid-rank of x by receiving unit; 0 for units that are not members.
    of_x: Vec<f64>,
    /// Mid-rank of y by unit, of the members.
    of_y: Vec<f64>,
    /// Sum over periods of each unit's influence.
    influence: Vec<f64>,
    tied: Vec<u32>,
    members: Vec<u32>,
}

/// What a walk over a sorted period found.
#[derive(Default)]
struct Walk {
    members: usize,
    /// Σ (t³ − t) over groups of t tied members.
    ties: f64,
}

impl Walk {
    /// Takes a group of `tied` members and returns their mid-rank.
    fn advance(&mut self, tied: usize) -> f64 {
        let t = tied as f64;
        let rank = self.members as f64 + f64::midpoint(t, 1.0);
        self.members += tied;
        self.ties += t * (t * t - 1.0);
        rank
    }

    /// Σ (R − R̄)², exact in floating point up to about 200,000 members.
    fn squares(&self) -> f64 {
        let n = self.members as f64;
        (n * (n * n - 1.0) - self.ties) / 12.0
    }
}

impl Ranks {
    pub(super) fn new(units: usize) -> Self {
        let zeros = || vec![0.0; units];
        let (of_x, of_y, influence) = (zeros(), zeros(), zeros());
        Self { of_x, of_y, influence, tied: Vec::new(), members: Vec::new() }
    }

    /// Periods in which `needed` units or more vary in both.
    pub(super) fn defined_periods(
        &mut self,
        x: &SortedGrid,
        y: &SortedGrid,
        recipient: &[u32],
        needed: usize,
    ) -> Vec<usize> {
        let periods = 0..x.order.len();
        periods.filter(|&t| self.correlation(x, y, recipient, needed, t).is_some()).collect()
    }

    /// Mean over periods of the rank correlation after x histories moved to `recipient`.
    pub(super) fn mean_correlation(
        &mut self,
        x: &SortedGrid,
        y: &SortedGrid,
        recipient: &[u32],
        periods: &[usize],
    ) -> Option<Studentised> {
        self.influence.fill(0.0);
        let (mut sum, mut defined) = (0.0, 0_usize);
        for &period in periods {
            if let Some(rho) = self.correlation(x, y, recipient, FEWEST, period) {
                sum += rho;
                defined += 1;
            }
        }
        let total = defined as f64;
        (defined > 0).then(|| {
            for influence in &mut self.influence {
                *influence /= total;
            }
            Studentised::new(sum / total, &self.influence)
        })?
    }

    /// The rank correlation of one period; its influences are added to those of the periods before.
    fn correlation(
        &mut self,
        x: &SortedGrid,
        y: &SortedGrid,
        recipient: &[u32],
        needed: usize,
        period: usize,
    ) -> Option<f64> {
        let walk_x = self.rank_x(&x.order[period], y.observed_at(period), recipient);
        if walk_x.members < needed {
            return None;
        }
        let (walk_y, products) = self.rank_y(&y.order[period]);
        let n = walk_x.members as f64;
        let (squares_x, squares_y) = (walk_x.squares(), walk_y.squares());
        let scale = (squares_x * squares_y).sqrt();
        if scale <= 0.0 {
            return None;
        }
        let rho = (products - n * (n + 1.0) * (n + 1.0) / 4.0) / scale;
        let middle = f64::midpoint(n, 1.0);
        let (sd_x, sd_y) = ((squares_x / n).sqrt(), (squares_y / n).sqrt());
        for &unit in &self.members {
            let unit = unit as usize;
            let (zx, zy) = ((self.of_x[unit] - middle) / sd_x, (self.of_y[unit] - middle) / sd_y);
            self.influence[unit] += (zx * zy - rho * (zx * zx + zy * zy) / 2.0) / n;
        }
        Some(rho)
    }

    /// Ranks the moved x of the units that have y, and remembers them by unit.
    fn rank_x(&mut self, order: &[Entry], has_y: &[bool], recipient: &[u32]) -> Walk {
        self.of_x.fill(0.0);
        self.tied.clear();
        let mut walk = Walk::default();
        for entry in order {
            if entry.new_value {
                self.close_x(&mut walk);
            }
            let unit = recipient[entry.unit as usize];
            if has_y[unit as usize] {
                self.tied.push(unit);
            }
        }
        self.close_x(&mut walk);
        walk
    }

    fn close_x(&mut self, walk: &mut Walk) {
        if self.tied.is_empty() {
            return;
        }
        let rank = walk.advance(self.tied.len());
        for unit in self.tied.drain(..) {
            self.of_x[unit as usize] = rank;
        }
    }

    /// Ranks the y of the members and sums the products with their x ranks.
    fn rank_y(&mut self, order: &[Entry]) -> (Walk, f64) {
        let mut walk = Walk::default();
        let mut products = 0.0;
        self.members.clear();
        // Position of the first member of the group that is tied so far.
        let mut first = 0;
        for entry in order {
            if entry.new_value {
                products += self.close_y(&mut walk, first);
                first = self.members.len();
            }
            if self.of_x[entry.unit as usize] > 0.0 {
                self.members.push(entry.unit);
            }
        }
        products += self.close_y(&mut walk, first);
        (walk, products)
    }

    /// Ranks the members from `first` on, which are tied; gives the products with their x ranks.
    fn close_y(&mut self, walk: &mut Walk, first: usize) -> f64 {
        let tied = &self.members[first..];
        if tied.is_empty() {
            return 0.0;
        }
        let rank = walk.advance(tied.len());
        let mut sum = 0.0;
        for &unit in tied {
            self.of_y[unit as usize] = rank;
            sum += self.of_x[unit as usize];
        }
        rank * sum
    }
}
