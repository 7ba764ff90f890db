//! What an account may bring.

use serde::{Deserialize, Serialize};

use crate::interaction::schema::column;
use crate::interaction::{Outcome, Projection, Table};

/// An outcome of the panel, as written in plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Gross profit less cost to engage and cost to serve, summed over the horizon \[currency\].
    Contribution,
    /// Gross profit, summed over the horizon \[currency\].
    GrossProfit,
    /// Revenue, summed over the horizon \[currency\].
    Revenue,
    /// Cost of interactions, summed over the horizon \[currency\].
    CostToEngage,
    /// Mean share of wallet over the horizon.
    ShareOfWallet,
    /// Mean answer about the firm as a whole to the instrument `satisfaction`, over the months of the
    /// horizon that have one.
    Satisfaction,
    /// Growth of revenue over the horizon against the same time before, in `[−1, 1]`.
    ///
    /// ```text
    /// (after − before) / (after + before)      ranks as ln(after / before), and is finite at 0
    /// ```
    ///
    /// Of customers who stay throughout: who leaves is what `attrition` is about.
    RevenueGrowth,
    /// Growth of the share of wallet, as that of revenue.
    ShareOfWalletGrowth,
    /// Whether the account exits within the horizon.
    Attrition,
    /// Contribution since entry: a level that grows with tenure \[currency\].
    CumulativeContribution,
    /// Revenue since entry: a level that grows with tenure \[currency\].
    CumulativeRevenue,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Contribution,
        Self::GrossProfit,
        Self::Revenue,
        Self::CostToEngage,
        Self::ShareOfWallet,
        Self::Satisfaction,
        Self::RevenueGrowth,
        Self::ShareOfWalletGrowth,
        Self::Attrition,
        Self::CumulativeContribution,
        Self::CumulativeRevenue,
    ];

    /// The tables and columns of a log that it is made of.
    pub fn projection(self) -> Projection {
        let outcomes = |names: &[&str]| Projection::LEAST.with(Table::Outcomes, names);
        match self {
            Self::Contribution | Self::CumulativeContribution => {
                outcomes(&[column::GROSS_PROFIT, column::COST_TO_ENGAGE, column::COST_TO_SERVE])
            }
            Self::GrossProfit => outcomes(&[column::GROSS_PROFIT]),
            Self::CostToEngage => outcomes(&[column::COST_TO_ENGAGE]),
            Self::ShareOfWallet | Self::ShareOfWalletGrowth => outcomes(&[column::SHARE_OF_WALLET]),
            Self::Satisfaction => {
                let answers = [column::SUBJECT, column::DIMENSION, column::VALUE];
                Projection::LEAST.with(Table::Surveys, &answers)
            }
            Self::Attrition => Projection::LEAST.with(Table::Accounts, &[column::EXITED_AT]),
            Self::Revenue | Self::RevenueGrowth | Self::CumulativeRevenue => Projection::LEAST,
        }
    }

    /// Number of monthly series a panel stores.
    pub(super) const STORED: usize = 6;

    /// Position of the monthly series it is made of; none for attrition.
    pub(super) const fn stored(self) -> Option<usize> {
        match self {
            Self::Contribution | Self::CumulativeContribution => Some(0),
            Self::GrossProfit => Some(1),
            Self::Revenue | Self::CumulativeRevenue | Self::RevenueGrowth => Some(2),
            Self::ShareOfWallet | Self::ShareOfWalletGrowth => Some(3),
            Self::CostToEngage => Some(4),
            Self::Satisfaction => Some(5),
            Self::Attrition => None,
        }
    }

    /// The monthly values that a panel stores, in order of [`Measure::stored`]; answers come apart.
    pub(super) fn monthly(outcome: &Outcome) -> [f64; Self::STORED] {
        [
            outcome.contribution().unwrap_or(f64::NAN),
            outcome.gross_profit.unwrap_or(f64::NAN),
            outcome.revenue,
            outcome.share_of_wallet.unwrap_or(f64::NAN),
            outcome.cost_to_engage.unwrap_or(f64::NAN),
            f64::NAN,
        ]
    }

    /// Whether it is an amount: summed over a horizon, and 0 after an exit.
    pub const fn is_money(self) -> bool {
        matches!(
            self,
            Self::Contribution
                | Self::GrossProfit
                | Self::Revenue
                | Self::CostToEngage
                | Self::CumulativeContribution
                | Self::CumulativeRevenue
        )
    }

    /// Whether it grows with tenure by construction.
    pub const fn is_cumulative(self) -> bool {
        matches!(self, Self::CumulativeContribution | Self::CumulativeRevenue)
    }

    /// Whether it compares the horizon with the same time before it.
    pub const fn is_growth(self) -> bool {
        matches!(self, Self::RevenueGrowth | Self::ShareOfWalletGrowth)
    }

    /// Name as written in plans and results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contribution => "contribution",
            Self::GrossProfit => "gross_profit",
            Self::Revenue => "revenue",
            Self::CostToEngage => "cost_to_engage",
            Self::ShareOfWallet => "share_of_wallet",
            Self::Satisfaction => "satisfaction",
            Self::RevenueGrowth => "revenue_growth",
            Self::ShareOfWalletGrowth => "share_of_wallet_growth",
            Self::Attrition => "attrition",
            Self::CumulativeContribution => "cumulative_contribution",
            Self::CumulativeRevenue => "cumulative_revenue",
        }
    }
}
