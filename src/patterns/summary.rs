//! What is reported about a pattern.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of a pattern, earned only by outcomes later than its features, on held-out accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PatternLabel {
    /// Later outcome above that of the other accounts: the interval of the difference excludes zero.
    BestPractice,
    /// Later outcome below that of the other accounts: the interval of the difference excludes zero.
    AtRisk,
    /// The interval of the difference contains zero.
    Unremarkable,
}

/// One pattern as `results.json` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatternSummary {
    /// Number of the pattern, from 1, largest first.
    pub pattern: u32,
    /// Its name, decided on held-out accounts.
    pub label: PatternLabel,
    /// Accounts the pattern was found on.
    pub n_accounts: u64,
    /// Held-out accounts assigned to it.
    pub n_held_out: u64,
    /// Mean bootstrap Jaccard similarity, in `[0, 1]`; stable from .75.
    pub stability: f64,
    /// Outcome the name rests on.
    pub outcome: String,
    /// Mean later outcome of held-out accounts in the pattern less that of the others.
    pub difference: Option<f64>,
    /// Lower end of its 95 % interval.
    pub ci_low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub ci_high: Option<f64>,
}
