//! Scores as a plan writes them, such as `{ rv_decay = { half_life_days = 180 } }`.

use serde::{Deserialize, Serialize};

use super::{
    Count, Frequency, LastValue, PastProfit, Recency, RvDecay, RvSum, RvVelocity, ScoreColumn,
    ScoreError, Spend, Tenure,
};

/// One score as a plan writes it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ScoreSpec {
    /// [`RvSum`].
    RvSum {
        /// Whether transactional rows are included.
        #[serde(default)]
        transactions: bool,
    },
    /// [`RvDecay`].
    RvDecay {
        /// Half-life [days].
        half_life_days: f64,
        /// Whether transactional rows are included.
        #[serde(default)]
        transactions: bool,
    },
    /// [`RvVelocity`].
    RvVelocity {
        /// Trailing window [days].
        window_days: f64,
        /// Whether transactional rows are included.
        #[serde(default)]
        transactions: bool,
    },
    /// [`Count`].
    Count {},
    /// [`Recency`].
    Recency {},
    /// [`Frequency`].
    Frequency {},
    /// [`Spend`].
    Spend {},
    /// [`PastProfit`].
    PastProfit {},
    /// [`Tenure`].
    Tenure {},
    /// [`LastValue`].
    LastValue {},
    /// [`Count::of_purchases`].
    PurchaseCount {},
    /// [`Recency::of_purchases`].
    PurchaseRecency {},
}

impl ScoreSpec {
    /// Sum, decay with a half-life of 180 days, velocity over 90 days; without transactional rows.
    pub fn default_family() -> Vec<Self> {
        vec![
            Self::RvSum { transactions: false },
            Self::RvDecay { half_life_days: 180.0, transactions: false },
            Self::RvVelocity { window_days: 90.0, transactions: false },
        ]
    }

    /// Every baseline.
    pub fn baselines() -> Vec<Self> {
        vec![
            Self::Count {},
            Self::Recency {},
            Self::Frequency {},
            Self::Spend {},
            Self::PastProfit {},
            Self::Tenure {},
            Self::LastValue {},
            Self::PurchaseCount {},
            Self::PurchaseRecency {},
        ]
    }

    /// The score itself.
    ///
    /// # Errors
    ///
    /// [`ScoreError::NotPositive`] when a half-life or window is not a positive number of days.
    pub fn build(&self) -> Result<Box<dyn ScoreColumn>, ScoreError> {
        Ok(match *self {
            Self::RvSum { transactions } => {
                Box::new(RvSum::default().with_transactions(transactions))
            }
            Self::RvDecay { half_life_days, transactions } => {
                Box::new(RvDecay::new(half_life_days)?.with_transactions(transactions))
            }
            Self::RvVelocity { window_days, transactions } => {
                Box::new(RvVelocity::new(window_days)?.with_transactions(transactions))
            }
            Self::Count {} => Box::new(Count::default()),
            Self::Recency {} => Box::new(Recency::default()),
            Self::Frequency {} => Box::new(Frequency),
            Self::Spend {} => Box::new(Spend),
            Self::PastProfit {} => Box::new(PastProfit),
            Self::Tenure {} => Box::new(Tenure),
            Self::LastValue {} => Box::new(LastValue),
            Self::PurchaseCount {} => Box::new(Count::of_purchases()),
            Self::PurchaseRecency {} => Box::new(Recency::of_purchases()),
        })
    }
}
