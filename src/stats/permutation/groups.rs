//! Which units may swap histories, and their permutations.

use rand::seq::SliceRandom;

use crate::rng::Draws;
use crate::stats::grid::Grid;

/// Permutation `b` of units inside strata: the unit that each one's history moves to.
///
/// - `strata`, `takes_part`: shape `(units,)`; who does not take part stays. Named by `draws.stream(b)`.
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::shuffle_within};
/// let draws = Streams::new(1).global(Purpose::Permutation);
/// let moved = shuffle_within(&[0, 1, 0, 1], &[true, true, true, false], draws, 0);
/// assert_eq!((moved[1], moved[3]), (1, 3));
/// assert_eq!(moved[0] + moved[2], 2);
/// ```
pub fn shuffle_within(strata: &[u32], takes_part: &[bool], draws: Draws, b: u64) -> Vec<u32> {
    Groups::new(strata, takes_part).shuffle((0..strata.len() as u32).collect(), draws, b)
}

/// The units that may swap histories, by stratum.
pub(super) struct Groups {
    members: Vec<Vec<u32>>,
}

impl Groups {
    pub(super) fn new(strata: &[u32], contributes: &[bool]) -> Self {
        let mut units: Vec<u32> =
            (0..strata.len() as u32).filter(|&u| contributes[u as usize]).collect();
        units.sort_by_key(|&u| strata[u as usize]);
        let stratum = |u: &u32| strata[*u as usize];
        let members =
            units.chunk_by(|a, b| stratum(a) == stratum(b)).map(<[u32]>::to_vec).collect();
        Self { members }
    }

    /// Permutation `b`: which unit receives each unit's x history.
    pub(super) fn shuffle(&self, mut recipient: Vec<u32>, draws: Draws, b: u64) -> Vec<u32> {
        let mut stream = draws.stream(b);
        for group in &self.members {
            let mut shuffled = group.clone();
            shuffled.shuffle(&mut stream);
            for (&from, to) in group.iter().zip(shuffled) {
                recipient[from as usize] = to;
            }
        }
        recipient
    }
}

/// Units with one jointly observed pair or more in any outcome.
pub(super) fn contributing(x: Grid<'_>, ys: &[Grid<'_>]) -> Vec<bool> {
    let pair = |unit: usize, y: &Grid<'_>| {
        x.row(unit).iter().zip(y.row(unit)).any(|(x, y)| !x.is_nan() && !y.is_nan())
    };
    (0..x.units()).map(|unit| ys.iter().any(|y| pair(unit, y))).collect()
}

/// Share of contributing units whose y overlaps no other contributing unit's x in their stratum.
pub(super) fn without_partner(x: Grid<'_>, y: Grid<'_>, strata: &[u32]) -> f64 {
    let contributes = contributing(x, &[y]);
    let groups = Groups::new(strata, &contributes);
    let periods = x.periods();
    let (mut alone, mut all) = (0_usize, 0_usize);
    for group in &groups.members {
        let mut observed = vec![0_usize; periods];
        for &unit in group {
            for (count, x) in observed.iter_mut().zip(x.row(unit as usize)) {
                *count += usize::from(!x.is_nan());
            }
        }
        for &unit in group {
            let (xs, ys) = (x.row(unit as usize), y.row(unit as usize));
            let overlaps = |t: usize| !ys[t].is_nan() && observed[t] > usize::from(!xs[t].is_nan());
            alone += usize::from(!(0..periods).any(overlaps));
            all += 1;
        }
    }
    if all == 0 { 0.0 } else { alone as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: f64 = f64::NAN;

    #[test]
    fn units_that_never_overlap_are_not_partners() {
        // Units 0 and 1 are observed early, 2 and 3 late, 4 never: 0 and 1 are partners of each
        // other, and so are 2 and 3, unless the strata part them.
        let mut x = vec![GAP; 20];
        for (unit, from) in [(0, 0), (1, 0), (2, 2), (3, 2)] {
            for t in from..from + 2 {
                x[unit * 4 + t] = (unit * 3 + t) as f64;
            }
        }
        let grid = Grid::new(&x, 5, 4).unwrap();
        let share = |strata: [u32; 5]| without_partner(grid, grid, &strata);
        assert!(share([0; 5]).abs() < 1e-15);
        assert!((share([0, 1, 0, 1, 0]) - 1.0).abs() < 1e-15);
        assert!((share([0, 0, 2, 3, 3]) - 0.5).abs() < 1e-15);
    }
}
