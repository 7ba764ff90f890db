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

/// The test of a cause: the relative change that it makes, with a t test on the accounts' differences.
///
/// ```text
/// d̄ = (1/n) Σₐ (y'ₐ − yₐ) / ȳ      yₐ, y'ₐ: account a's mean outcome without and with the cause
/// ```
///
/// Both runs share every draw that the cause does not touch. Accounts of one team share its staff, so
/// that differences may be a little less independent than the test takes them to be. Nothing where the
/// hypothesis has no cause of its own.
pub(in crate::recover) fn cause(
    simulation: &Simulation,
    id: HypothesisId,
    accounts: u32,
) -> Option<Trial> {
    let claim = claim(id);
    let counterfactual = claim.counterfactual?;
    let other = counterfactual.of(simulation)?;
    let column = column(claim.before_cost)?;
    let mean = |history: &AccountHistory| {
        let mut sums = Sums::default();
        sums.add(history);
        (sums.months > 0.0).then(|| sums.sums[column] / sums.months)
    };
    let pairs: Vec<(f64, f64)> = simulation
        .histories(accounts)
        .zip(other.histories(accounts))
        .filter_map(|(before, after)| Some((mean(&before)?, mean(&after)?)))
        .collect();
    let n = pairs.len() as f64;
    let level = pairs.iter().map(|pair| pair.0).sum::<f64>() / n;
    let sign = if counterfactual == Counterfactual::Unharmed { 1.0 } else { claim.sign };
    let changes: Vec<f64> = pairs.iter().map(|(y, other)| sign * (other - y) / level).collect();
    let estimate = changes.iter().sum::<f64>() / n;
    let squares: f64 = changes.iter().map(|change| (change - estimate).powi(2)).sum();
    let error = (squares / (n - 1.0) / n).sqrt();
    let test = Estimate::student_t(estimate, error, n - 1.0, 0.0, pairs.len(), "paired t");
    Some(match test {
        Ok(test) => Trial {
            estimate,
            half_width: (test.ci_high - test.ci_low) / 2.0,
            rejects: test.p_value <= LEVEL && estimate > 0.0,
        },
        // Every account is the same in both: nothing is caused.
        Err(_) => Trial { estimate, half_width: 0.0, rejects: false },
    })
}
