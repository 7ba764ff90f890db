//! How concentrated revenue, profit and cost are over accounts.

use crate::interaction::Outcome;

/// What one account brought in the trailing year.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Year {
    pub(super) revenue: f64,
    pub(super) contribution: f64,
    pub(super) cost_to_engage: f64,
}

impl Year {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.revenue += outcome.revenue;
        self.contribution += outcome.contribution().unwrap_or(0.0);
        self.cost_to_engage += outcome.cost_to_engage.unwrap_or(0.0);
    }

    /// Adds `factor` times `other`.
    pub(super) fn add_scaled(&mut self, other: &Self, factor: f64) {
        self.revenue += factor * other.revenue;
        self.contribution += factor * other.contribution;
        self.cost_to_engage += factor * other.cost_to_engage;
    }
}

/// Cumulative shares over accounts, most profitable first.
#[derive(Debug, Clone, PartialEq)]
pub struct Concentration {
    /// Share of accounts, from 0 to 1.
    pub share_of_accounts: Vec<f64>,
    /// Cumulative share of contribution; above 1 where the rest loses money.
    pub contribution: Vec<f64>,
    /// Cumulative share of revenue.
    pub revenue: Vec<f64>,
    /// Cumulative share of cost to engage.
    pub cost_to_engage: Vec<f64>,
}

/// Points of the curves.
const POINTS: usize = 100;

/// Cumulative shares of `years`, ranked by contribution; absent when a total is not positive.
pub(super) fn curves(years: &[Year]) -> Option<Concentration> {
    let mut ranked = years.to_vec();
    ranked.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
    let n = ranked.len();
    let column = |value: fn(&Year) -> f64| -> Option<Vec<f64>> {
        let total: f64 = ranked.iter().map(value).sum();
        let mut sum = 0.0;
        let cumulative: Vec<f64> = std::iter::once(0.0)
            .chain(ranked.iter().map(|year| {
                sum += value(year);
                sum / total
            }))
            .collect();
        let at = |point: usize| cumulative[n * point / POINTS];
        (total > 0.0).then(|| (0..=POINTS).map(at).collect())
    };
    Some(Concentration {
        share_of_accounts: (0..=POINTS).map(|p| p as f64 / POINTS as f64).collect(),
        contribution: column(|year| year.contribution)?,
        revenue: column(|year| year.revenue)?,
        cost_to_engage: column(|year| year.cost_to_engage)?,
    })
}
