//! Ranking anew after histories have moved: units are sorted once, a move is then linear.

use super::correlation::Correlation;
use crate::stats::grid::Grid;
use crate::stats::rank::same;

/// The units observed at one period, from the lowest value to the highest.
pub(super) struct SortedPeriod {
    pub(super) order: Vec<u32>,
    /// Whether a unit is observed, shape `(units,)`.
    pub(super) observed: Vec<bool>,
    runs: Vec<Run>,
}

/// A stretch of the order up to `end`: units of one value, or units of which no two share theirs.
struct Run {
    end: usize,
    tied: bool,
}

impl SortedPeriod {
    pub(super) fn new(grid: Grid<'_>, period: usize) -> Self {
        let value = |unit: usize| Some((grid.get(unit, period)?, unit as u32));
        let mut present: Vec<(f64, u32)> = (0..grid.units()).filter_map(value).collect();
        present.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut runs: Vec<Run> = Vec::new();
        let mut end = 0;
        for group in present.chunk_by(|a, b| same(a.0, b.0)) {
            end += group.len();
            let tied = group.len() > 1;
            match runs.last_mut() {
                Some(run) if !run.tied && !tied => run.end = end,
                _ => runs.push(Run { end, tied }),
            }
        }
        Self {
            order: present.iter().map(|(_, unit)| *unit).collect(),
            observed: (0..grid.units()).map(|unit| grid.get(unit, period).is_some()).collect(),
            runs,
        }
    }

    /// Ranks the `members` of a period, doubled and centred as in [`Correlation`], and gives Σ r².
    ///
    /// - `units`: in place of the units of `order`. Members are those that are `present` as well.
    /// - `ranks`: by unit; 0 for all but the members.
    pub(super) fn rank(
        &self,
        units: &[u32],
        present: &[bool],
        members: i32,
        ranks: &mut [i32],
    ) -> f64 {
        let ranks = &mut ranks[..present.len()];
        ranks.fill(0);
        let (mut below, mut start, mut ties) = (0, 0, 0.0);
        for run in &self.runs {
            let units = &units[start..run.end];
            start = run.end;
            if run.tied {
                let tied: i32 = units.iter().map(|&unit| i32::from(present[unit as usize])).sum();
                let rank = 2 * below + tied - members;
                for &unit in units {
                    let member = i32::from(present[unit as usize]);
                    ranks[unit as usize] = rank * member;
                }
                below += tied;
                ties += cubic(tied);
            } else {
                for &unit in units {
                    let member = i32::from(present[unit as usize]);
                    ranks[unit as usize] = (2 * below + 1 - members) * member;
                    below += member;
                }
            }
        }
        (cubic(members) - ties) / 3.0
    }
}

/// n³ − n: three times the Σ r² of n members that differ. Exact up to about 200,000.
fn cubic(n: i32) -> f64 {
    let n = f64::from(n);
    n * (n * n - 1.0)
}

/// Room to rank one period after another.
pub(super) struct Ranks {
    /// The units that received the x of a period, in its order.
    receivers: Vec<u32>,
    /// Whether a unit received an x.
    received: Vec<bool>,
    /// By unit, as [`SortedPeriod::rank`] leaves them.
    x: Vec<i32>,
    y: Vec<i32>,
}

impl Ranks {
    pub(super) fn new(units: usize) -> Self {
        let zeros = || vec![0; units];
        Self { receivers: Vec::new(), received: vec![false; units], x: zeros(), y: zeros() }
    }

    /// Moves the x of a period.
    pub(super) fn place(&mut self, x: &SortedPeriod, recipient: &[u32]) {
        self.receivers.clear();
        self.receivers.extend(x.order.iter().map(|&unit| recipient[unit as usize]));
        self.received.fill(false);
        for &unit in &self.receivers {
            self.received[unit as usize] = true;
        }
    }

    /// The rank correlation of the placed x with y; none of fewer than `needed` members or without variation.
    pub(super) fn correlation(
        &mut self,
        x: &SortedPeriod,
        y: &SortedPeriod,
        needed: usize,
    ) -> Option<Correlation> {
        let both =
            self.received.iter().zip(&y.observed).map(|(x, y)| i32::from(*x) * i32::from(*y));
        let members: i32 = both.sum();
        if (members as usize) < needed {
            return None;
        }
        let squares_x = x.rank(&self.receivers, &y.observed, members, &mut self.x);
        let squares_y = y.rank(&y.order, &self.received, members, &mut self.y);
        Correlation::new(products(&self.x, &self.y), squares_x, squares_y)
    }

    /// Adds the influences on the correlation found last.
    pub(super) fn add_influences(&self, correlation: &Correlation, influence: &mut [f64]) {
        for ((sum, x), y) in influence.iter_mut().zip(&self.x).zip(&self.y) {
            *sum += correlation.influence(f64::from(*x), f64::from(*y));
        }
    }
}

/// Σ rx ry: of whole numbers, so that eight sums give what one would.
fn products(x: &[i32], y: &[i32]) -> f64 {
    let mut sums = [0.0; 8];
    let (xs, rest_x) = x.as_chunks::<8>();
    let (ys, rest_y) = y.as_chunks::<8>();
    for (x, y) in xs.iter().zip(ys) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += f64::from(*x) * f64::from(*y);
        }
    }
    let rest: f64 = rest_x.iter().zip(rest_y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    sums.iter().sum::<f64>() + rest
}
