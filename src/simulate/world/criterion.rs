//! What a world's paragraph means as one number of its truth.

use serde::Deserialize;

/// One number of the truth table, and the band in which it must lie.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// The number.
    pub statistic: Statistic,
    /// Lower end of the band.
    pub at_least: Option<f64>,
    /// Upper end of the band.
    pub at_most: Option<f64>,
}

impl Criterion {
    /// The band in words.
    pub fn band(&self) -> String {
        match (self.at_least, self.at_most) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            (Some(low), None) => format!("at least {low}"),
            (None, Some(high)) => format!("at most {high}"),
            (None, None) => "any".to_owned(),
        }
    }

    /// Whether `value` lies in the band.
    pub fn holds(&self, value: f64) -> bool {
        self.at_least.is_none_or(|low| value >= low)
            && self.at_most.is_none_or(|high| value <= high)
    }
}

/// A number of the truth table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Statistic {
    /// A rank correlation of Relationship Value with what is expected to come.
    RankCorrelation(Correlation),
    /// One rank correlation less another.
    Difference {
        /// The one.
        first: Correlation,
        /// The other.
        second: Correlation,
    },
    /// Standard deviation of a rank correlation over dates.
    Spread(Correlation),
    /// Share of all risk of leaving that falls on months in which a term ends.
    RiskAtRelease,
    /// Probability of a damaged relationship three months after a critical interaction, less that
    /// of months without one.
    FallAfterCritical,
    /// Exits a year that the truth expects, less those a year in the log.
    MissingExits,
    /// Share of touches that are not logged in a damaged relationship, less that in a communal one.
    LoggingGap,
}

/// A rank correlation over accounts, averaged over dates, of non-transactional Relationship Value
/// with the mean of a truth column over the months from a date on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    /// How Relationship Value accumulates.
    #[serde(default)]
    pub score: Accumulation,
    /// Whose weights it has.
    #[serde(default)]
    pub weights: Weights,
    /// Functions whose interactions count; all of them without it.
    #[serde(default)]
    pub functions: Option<Vec<String>>,
    /// Column of the truth table.
    #[serde(default)]
    pub outcome: TruthColumn,
    /// Months after the date over which it is averaged; negative for those before.
    #[serde(default = "three")]
    pub months: i32,
    /// What is held constant, in ranks and without assuming straight lines.
    #[serde(default)]
    pub given: Vec<Control>,
    /// First date \[months of the log\].
    #[serde(default)]
    pub from_month: Option<u32>,
    /// First date no longer used \[months of the log\].
    #[serde(default)]
    pub to_month: Option<u32>,
}

impl Default for Correlation {
    fn default() -> Self {
        Self {
            score: Accumulation::default(),
            weights: Weights::default(),
            functions: None,
            outcome: TruthColumn::default(),
            months: three(),
            given: Vec::new(),
            from_month: None,
            to_month: None,
        }
    }
}

const fn three() -> i32 {
    3
}

/// How Relationship Value accumulates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accumulation {
    /// With a half-life of 180 days.
    #[default]
    Decay,
    /// For ever.
    Sum,
}

/// Whose weights Relationship Value has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// Those of the catalogue.
    #[default]
    Catalogue,
    /// The true effects.
    True,
}

/// A column of the truth table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named as the columns")]
pub enum TruthColumn {
    #[default]
    ExpectedProfit,
    ExpectedRevenue,
    ExpectedSatisfaction,
    ExpectedShareOfWallet,
    Hazard,
}

/// What a correlation holds constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// Number of purchases, accumulated as Relationship Value is.
    PurchaseCount,
    /// Revenue, accumulated as Relationship Value is.
    PurchaseValue,
    /// Contribution of the trailing twelve months.
    PastProfit,
    /// What staff targeted, accumulated as Relationship Value is.
    OwnerTarget,
    /// Time since the account was first seen.
    Age,
    /// Size on record.
    Size,
}
