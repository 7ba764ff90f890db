//! What an interaction does: the same accounts, with the same draws, in two worlds.

use crate::hypothesis::HypothesisId;
use crate::interaction::{AccountHistory, Truth};
use crate::simulate::{Intervention, Simulation, World};
use crate::stats::Estimate;

use super::super::trial::Trial;
use super::as_of::Series;
use super::claim::claim;

/// The world with which a cause is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counterfactual {
    /// Every customer gets one account manager's visit a month more.
    Visits,
    /// Critical interactions destroy nothing beyond what they are felt to be worth.
    Unharmed,
}

impl Counterfactual {
    pub(super) const ALL: [Self; 2] = [Self::Visits, Self::Unharmed];

    /// The same accounts in that world; nothing where accounts are missing from the log, so that
    /// two logs do not hold the same ones.
    pub(super) fn of(self, simulation: &Simulation) -> Option<Simulation> {
        let world = simulation.world();
        let other = || simulation.in_world(self.change(world.clone()));
        (!world.observation.survivors_only)
            .then(|| other().expect("the built-in flow has such visits"))
    }

    fn change(self, mut world: World) -> World {
        match self {
            Self::Visits => world.interventions.push(Intervention {
                name: "visits".to_owned(),
                from_month: 0,
                to_month: None,
                share: 1.0,
                by_team: false,
                interaction_type: "account_manager_visit".to_owned(),
                per_month: 1.0,
            }),
            Self::Unharmed => {
                world.relationship.critical_cut = 0.0;
                world.relationship.betrayal_per_critical = 0.0;
            }
        }
        world
    }
}

/// Sums of the truth columns over months as a customer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    months: f64,
    /// Revenue, satisfaction, share of wallet, hazard.
    sums: [f64; 4],
}

impl Sums {
    pub(super) fn add(&mut self, history: &AccountHistory) {
        for truth in history.truth.iter().filter(|truth| truth.expected_revenue > 0.0) {
            self.months += 1.0;
            for (sum, value) in self.sums.iter_mut().zip(columns(truth)) {
                *sum += value;
            }
        }
    }

    /// Relative change of a column's mean from `self` to `other`; profit and cost are not kept.
    pub(super) fn change(&self, other: &Self, series: Series) -> Option<f64> {
        let column = column(series)?;
        let mean = |of: &Self| of.sums[column] / of.months;
        Some(mean(other) / mean(self) - 1.0)
    }
}

/// Position of a series among the sums; profit and cost are not kept.
fn column(series: Series) -> Option<usize> {
    match series {
        Series::Revenue => Some(0),
        Series::Satisfaction => Some(1),
        Series::Share => Some(2),
        Series::Hazard => Some(3),
        Series::Profit | Series::Cost => None,
    }
}

fn columns(truth: &Truth) -> [f64; 4] {
    [
        truth.expected_revenue,
        truth.expected_satisfaction,
        truth.expected_share_of_wallet,
        truth.hazard,
    ]
}

/// Level of the test.
const LEVEL: f64 = 0.05;

/// Fewest teams of which the spread between teams says anything.
const FEWEST_TEAMS: usize = 5;

/// The tests of causes: the relative change that each makes, by a t test on paired differences.
///
/// ```text
/// d̄ = Σₐ dₐ / n,  dₐ = ±(y'ₐ − yₐ)/ȳ      yₐ, y'ₐ: account a's mean outcome without and with the cause
/// SE² = T/(T−1) Σₜ (Σ_{a in t} (dₐ − d̄))² / n²      T teams
/// ```
///
/// Both runs share every draw that the cause does not touch. Accounts of one team share its staff, so teams
/// are the units; with fewer than five of them there is no test. The second test of each takes accounts for
/// units, for comparison. A hypothesis that has no cause of its own is
/// left out.
pub(in crate::recover) fn causes(
    simulation: &Simulation,
    ids: &[HypothesisId],
    accounts: u32,
) -> Vec<(HypothesisId, Trial, Trial)> {
    let mut found = Vec::new();
    let per_team = simulation.world().staff.accounts_per_team;
    if ((accounts / per_team) as usize) < FEWEST_TEAMS {
        return found;
    }
    let mut before: Option<Vec<Means>> = None;
    for counterfactual in Counterfactual::ALL {
        let of = |id: &&HypothesisId| claim(**id).counterfactual == Some(counterfactual);
        let ids: Vec<HypothesisId> = ids.iter().filter(of).copied().collect();
        let other = if ids.is_empty() { None } else { counterfactual.of(simulation) };
        let Some(other) = other else { continue };
        let before = before.get_or_insert_with(|| means(simulation, accounts));
        let after = means(&other, accounts);
        for id in ids {
            let claim = claim(id);
            let sign = if counterfactual == Counterfactual::Unharmed { 1.0 } else { claim.sign };
            if let Some(column) = column(claim.before_cost) {
                let changes = changes(before, &after, column);
                let team = |account: usize| account / per_team as usize;
                let signed = changes.iter().enumerate();
                let signed: Vec<(usize, f64)> =
                    signed.filter_map(|(a, change)| Some((a, sign * (*change)?))).collect();
                let teams: Vec<_> = signed.iter().map(|(a, change)| (team(*a), *change)).collect();
                found.push((id, paired_test(&teams), paired_test(&signed)));
            }
        }
    }
    found
}

/// Mean of each column over an account's months as a customer; nothing for one that never was.
type Means = Option<[f64; 4]>;

fn means(simulation: &Simulation, accounts: u32) -> Vec<Means> {
    let of = |history: AccountHistory| {
        let mut sums = Sums::default();
        sums.add(&history);
        (sums.months > 0.0).then(|| sums.sums.map(|sum| sum / sums.months))
    };
    simulation.histories(accounts).map(of).collect()
}

/// What each account's mean changes by, in means of all.
fn changes(before: &[Means], after: &[Means], column: usize) -> Vec<Option<f64>> {
    let pair = |(y, other): (&Means, &Means)| Some((y.as_ref()?[column], other.as_ref()?[column]));
    let pairs: Vec<Option<(f64, f64)>> = before.iter().zip(after).map(pair).collect();
    let known: Vec<f64> = pairs.iter().flatten().map(|(y, _)| *y).collect();
    let level = known.iter().sum::<f64>() / known.len() as f64;
    pairs.into_iter().map(|pair| pair.map(|(y, other)| (other - y) / level)).collect()
}

/// A t test on differences, with the spread between units.
fn paired_test(changes: &[(usize, f64)]) -> Trial {
    let n = changes.len() as f64;
    let estimate = changes.iter().map(|(_, change)| change).sum::<f64>() / n;
    let sums: Vec<f64> = changes
        .chunk_by(|a, b| a.0 == b.0)
        .map(|unit| unit.iter().map(|(_, change)| change - estimate).sum())
        .collect();
    let units = sums.len() as f64;
    let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
    let error = (units / (units - 1.0) * squares).sqrt() / n;
    match Estimate::student_t(estimate, error, units - 1.0, 0.0, sums.len(), "paired t") {
        Ok(test) => Trial {
            estimate,
            half_width: (test.ci_high - test.ci_low) / 2.0,
            rejects: test.p_value <= LEVEL && estimate > 0.0,
        },
        // Every account is the same in both: nothing is caused.
        Err(_) => Trial { estimate, half_width: 0.0, rejects: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paired_differences_of_single_units_are_the_usual_t_test() {
        // SciPy: ttest_1samp([.1, .3, .2, .4, .1, .2], 0) has p .006170, mean .216667, 95 % ± .122684.
        let changes = [0.1, 0.3, 0.2, 0.4, 0.1, 0.2];
        let alone: Vec<(usize, f64)> = changes.into_iter().enumerate().collect();
        let test = paired_test(&alone);
        assert!((test.estimate - 0.216_667).abs() < 1e-6 && test.rejects);
        assert!((test.half_width - 0.122_684).abs() < 1e-5, "{}", test.half_width);
        // Two equal halves: the spread between them is nothing, and no test.
        let halves = [(0, 0.1), (0, 0.3), (1, 0.3), (1, 0.1)];
        assert!(paired_test(&halves).half_width.abs() < 1e-15);
    }
}
