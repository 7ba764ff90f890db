//! The mean rank correlation of moved histories, of one x with several outcomes.

use super::FEWEST;
use super::correlation::{Correlation, Studentised};
use super::ranks::{Ranks, SortedPeriod};
use super::settled::{Pair, Settled};
use crate::stats::grid::Grid;

/// Histories of x and of outcomes, ready to move: at some periods their ranks are known beforehand
/// ([`Settled`]), at the others units are ranked anew ([`Ranks`]).
pub(super) struct Histories {
    x: Vec<SortedPeriod>,
    ys: Vec<Vec<SortedPeriod>>,
    /// Units that may move.
    movers: Vec<u32>,
    /// Position of each unit among the movers; any for those that are none.
    position: Vec<u32>,
    settled: Settled,
    /// At each period the outcomes that have a correlation in the data, and are not settled.
    unsettled: Vec<Vec<usize>>,
}

/// Room for one permutation after another.
pub(super) struct Room {
    ranks: Ranks,
    /// For each mover, the mover whose x it received.
    givers: Vec<u32>,
    /// The moved x of a tile.
    moved: Vec<Pair>,
    outcomes: Vec<Found>,
}

/// What a permutation found of an outcome.
struct Found {
    /// Correlation of each period.
    rho: Vec<Option<f64>>,
    /// By unit, summed over the periods ranked anew.
    influence: Vec<f64>,
}

impl Histories {
    /// - `moves`: whether a unit may move, as all with a jointly observed pair in any outcome do.
    /// - `needed`: fewest units of a period of the data.
    pub(super) fn new(x: Grid<'_>, ys: &[Grid<'_>], moves: &[bool], needed: usize) -> Self {
        let sorted = |grid: &Grid<'_>| -> Vec<SortedPeriod> {
            (0..grid.periods()).map(|period| SortedPeriod::new(*grid, period)).collect()
        };
        let (x, ys): (_, Vec<_>) = (sorted(&x), ys.iter().map(sorted).collect());
        let mut position = vec![0; moves.len()];
        let mut movers = Vec::new();
        for unit in (0..moves.len()).filter(|&unit| moves[unit]) {
            position[unit] = movers.len() as u32;
            movers.push(unit as u32);
        }
        let settled = Settled::new(&x, &ys, &movers, moves, needed);
        let mut ranks = Ranks::new(moves.len());
        let identity: Vec<u32> = (0..moves.len() as u32).collect();
        let outcomes = |t: usize| {
            ranks.place(&x[t], &identity);
            let mut defined = |y: usize| ranks.correlation(&x[t], &ys[y][t], needed).is_some();
            (0..ys.len()).filter(|&y| !settled.holds(y, t) && defined(y)).collect()
        };
        let unsettled = (0..x.len()).map(outcomes).collect();
        Self { x, ys, movers, position, settled, unsettled }
    }

    pub(super) fn room(&self) -> Room {
        let (units, periods) = (self.position.len(), self.x.len());
        let found = |_: &_| Found { rho: vec![None; periods], influence: vec![0.0; units] };
        Room {
            ranks: Ranks::new(units),
            givers: vec![0; self.movers.len()],
            moved: Vec::with_capacity(self.movers.len().div_ceil(2)),
            outcomes: self.ys.iter().map(found).collect(),
        }
    }

    /// The mean over periods of each outcome's correlation after x histories moved to `recipient`.
    ///
    /// - `least`: of each outcome, as for [`Studentised::at_least`].
    pub(super) fn moved(
        &self,
        recipient: &[u32],
        least: &[f64],
        room: &mut Room,
    ) -> Vec<Option<Studentised>> {
        for (mover, &unit) in self.movers.iter().enumerate() {
            let receiver = recipient[unit as usize];
            room.givers[self.position[receiver as usize] as usize] = mover as u32;
        }
        self.rank_anew(recipient, room);
        let known = self.settled.correlations(&room.givers, &mut room.moved);
        let outcomes = room.outcomes.iter_mut().zip(least).zip(&known).enumerate();
        let mean = |(y, ((found, least), known)): (usize, ((&mut Found, &f64), &Vec<_>))| {
            self.mean(y, *least, (&room.givers, known), found)
        };
        outcomes.map(mean).collect()
    }

    fn rank_anew(&self, recipient: &[u32], room: &mut Room) {
        for found in &mut room.outcomes {
            found.rho.fill(None);
            found.influence.fill(0.0);
        }
        for (t, outcomes) in self.unsettled.iter().enumerate() {
            if outcomes.is_empty() {
                continue;
            }
            room.ranks.place(&self.x[t], recipient);
            for &y in outcomes {
                let found = &mut room.outcomes[y];
                let correlation = room.ranks.correlation(&self.x[t], &self.ys[y][t], FEWEST);
                if let Some(correlation) = correlation {
                    found.rho[t] = Some(correlation.rho);
                    room.ranks.add_influences(&correlation, &mut found.influence);
                }
            }
        }
    }

    /// The mean over periods, of which those ranked anew are found already.
    fn mean(
        &self,
        outcome: usize,
        least: f64,
        (givers, known): (&[u32], &[Option<Correlation>]),
        found: &mut Found,
    ) -> Option<Studentised> {
        for (&period, known) in self.settled.periods().iter().zip(known) {
            found.rho[period] = known.map(|known| known.rho).or(found.rho[period]);
        }
        let defined = found.rho.iter().flatten().count() as f64;
        let sum: f64 = found.rho.iter().flatten().sum();
        let anew = self.movers.iter().map(|&unit| found.influence[unit as usize]);
        let influence = anew.zip(self.settled.influences(outcome, givers, known));
        let influence = influence.map(|(anew, known)| anew + known);
        // The number of periods would divide both the estimate and the influences: t needs no division.
        let Studentised { t, .. } = Studentised::at_least(least, sum, defined, influence)?;
        Some(Studentised { estimate: sum / defined, t })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::groups::{Groups, contributing};
    use super::*;
    use crate::rng::{Purpose, Streams};
    use crate::stats::panel::mean_rank_correlation;

    const GAP: f64 = f64::NAN;

    /// Values of few levels or many, with gaps at the periods from `complete` on.
    fn values(seed: u64, units: usize, periods: usize, complete: usize, levels: f64) -> Vec<f64> {
        let draws = Streams::new(seed).global(Purpose::Outcome);
        let cell = |i: u64| {
            let gap = i as usize % periods >= complete && draws.uniform(2 * i) < 0.3;
            if gap { GAP } else { (levels * draws.uniform(2 * i + 1)).floor() }
        };
        (0..(units * periods) as u64).map(cell).collect()
    }

    proptest! {
        #[test]
        fn a_move_gives_what_the_statistic_of_moved_values_gives(
            units in 3..30_usize,
            periods in 1..40_usize,
            complete in 0..40_usize,
            levels in prop_oneof![Just(3.0), Just(1e9)],
            seed in 0..1_000_u64,
        ) {
            let grid = |seed| values(seed, units, periods, complete, levels);
            let (mut x, y) = (grid(2 * seed), grid(2 * seed + 1));
            let y = Grid::new(&y, units, periods).unwrap();
            // Periods that the data leave undefined count for no permutation.
            let of_data = mean_rank_correlation(Grid::new(&x, units, periods).unwrap(), y, 3);
            let Ok(of_data) = of_data else { return Ok(()) };
            for t in (0..periods).filter(|&t| of_data.per_period[t].is_none()) {
                (0..units).for_each(|unit| x[unit * periods + t] = GAP);
            }
            let x = Grid::new(&x, units, periods).unwrap();
            let moves = contributing(x, &[y]);
            let draws = Streams::new(seed).global(Purpose::Permutation);
            let identity: Vec<u32> = (0..units as u32).collect();
            let recipient = Groups::new(&vec![0; units], &moves).shuffle(identity, draws, 0);
            let mut moved = vec![GAP; units * periods];
            for (from, &to) in recipient.iter().enumerate() {
                moved[to as usize * periods..][..periods].copy_from_slice(x.row(from));
            }
            let expected = mean_rank_correlation(Grid::new(&moved, units, periods).unwrap(), y, 3);
            let histories = Histories::new(x, &[y], &moves, 3);
            let found = histories.moved(&recipient, &[0.0], &mut histories.room())[0];
            let (Ok(expected), Some(found)) = (expected, found) else { return Ok(()) };
            prop_assert!((found.estimate - expected.estimate).abs() < 1e-12);
            // An estimate that cancels has no t but that of its rounding.
            if expected.estimate.abs() > 1e-12 {
                let whole = Studentised::new(expected.estimate, &expected.unit_influence).unwrap();
                let certain = found.t.is_infinite() && whole.t.abs() > 1e9;
                let near = (found.t - whole.t).abs() <= 1e-9 * whole.t.abs();
                prop_assert!(certain || near, "{} {}", found.t, whole.t);
            }
        }
    }

    #[test]
    fn sums_of_many_units_do_not_overflow() {
        // Ranks of more than 32,767 units are no longer kept beforehand.
        for (units, settled) in [(3_000, 1), (32_767, 1), (32_768, 0)] {
            let values: Vec<f64> = (0..units).map(f64::from).collect();
            let grid = Grid::new(&values, values.len(), 1).unwrap();
            let histories = Histories::new(grid, &[grid], &vec![true; values.len()], 3);
            let identity: Vec<u32> = (0..units as u32).collect();
            let found = histories.moved(&identity, &[0.0], &mut histories.room())[0].unwrap();
            assert!((found.estimate - 1.0).abs() < 1e-15 && found.t.is_infinite());
            assert_eq!(histories.settled.periods().len(), settled);
        }
    }

    #[test]
    fn full_periods_are_settled_and_others_ranked_anew() {
        let mut y: Vec<f64> = (0..20_u8).map(f64::from).collect();
        let x = y.clone();
        y[5] = GAP;
        let (x, y) = (Grid::new(&x, 5, 4).unwrap(), Grid::new(&y, 5, 4).unwrap());
        let histories = Histories::new(x, &[y, x], &[true; 5], 3);
        assert_eq!(histories.settled.periods(), [0, 1, 2, 3]);
        assert_eq!(histories.unsettled, [vec![], vec![0], vec![], vec![]]);
    }
}
