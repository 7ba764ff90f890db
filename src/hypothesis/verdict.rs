//! What is decided about a hypothesis, and how far up the ladder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rung of the evidence ladder, lowest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Score and later outcome go together.
    Associated,
    /// The score goes with later outcomes more than with earlier ones.
    Leads,
    /// The score improves out-of-sample forecasts that already use the baselines.
    AddsToBaselines,
    /// The association holds within accounts, in every stratum, and against permuted histories.
    Robust,
    /// The score's cause moves the outcome: simulated or randomised designs only.
    Causal,
}

impl Rung {
    /// All rungs, lowest first.
    pub const ALL: [Self; 5] =
        [Self::Associated, Self::Leads, Self::AddsToBaselines, Self::Robust, Self::Causal];

    /// The rung in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Associated => "associated",
            Self::Leads => "leads",
            Self::AddsToBaselines => "adds to baselines",
            Self::Robust => "robust",
            Self::Causal => "causal",
        }
    }
}

/// The three honest answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The interval excludes zero in the claimed direction and the rung's test passes.
    Supported,
    /// The interval excludes zero the other way, or lies wholly inside ±δ.
    Contradicted,
    /// Neither: the detectable effect says what could have been seen.
    Inconclusive,
}

/// One rung, judged alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RungResult {
    /// The rung.
    pub rung: Rung,
    /// The answer at this rung.
    pub decision: Decision,
    /// The estimate, interval and p-value the answer rests on, in one sentence.
    pub why: String,
}

/// What is decided about one hypothesis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// Hypothesis, such as `H1`.
    pub hypothesis: String,
    /// What it is about, in a few words.
    pub title: String,
    /// The claim in one sentence.
    pub claim: String,
    /// Highest rung passed; absent when none was.
    pub rung: Option<Rung>,
    /// The answer. "Supported" needs the hypothesis' decisive rung unless the rung is named beside it.
    pub verdict: Decision,
    /// The reason in one sentence, with failed lower rungs and the detectable effect.
    pub why: String,
    /// Every rung that was judged.
    pub rungs: Vec<RungResult>,
}
