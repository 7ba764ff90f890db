//! What an interaction does: the same accounts, with the same draws, in two worlds.

use crate::interaction::{AccountHistory, Truth};
use crate::simulate::{Intervention, Simulation, World};

use super::as_of::Series;

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
        let column = match series {
            Series::Revenue => 0,
            Series::Satisfaction => 1,
            Series::Share => 2,
            Series::Hazard => 3,
            Series::Profit | Series::Cost => return None,
        };
        let mean = |of: &Self| of.sums[column] / of.months;
        Some(mean(other) / mean(self) - 1.0)
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
