//! Which hypotheses a plan tests, and on what.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::panel::Measure;

/// `[hypotheses]` of a plan.
pub type Hypotheses = BTreeMap<HypothesisId, HypothesisParams>;

/// A hypothesis that can be tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum HypothesisId {
    /// Relationship Value leads profit.
    H1,
    /// Relationship Value tells who will leave.
    H8,
}

impl HypothesisId {
    /// Name as written in plans and results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H1 => "H1",
            Self::H8 => "H8",
        }
    }

    /// The claim in one sentence.
    pub fn claim(self, params: &HypothesisParams) -> String {
        let months = if params.horizon == 1 { "month" } else { "months" };
        match self {
            Self::H1 => format!(
                "accounts with a higher `{}` bring more {} over the next {} {months}",
                params.score,
                params.outcome.name().replace('_', " "),
                params.horizon
            ),
            Self::H8 => format!(
                "accounts with a lower `{}` are more likely to leave within {} {months}",
                params.score, params.horizon
            ),
        }
    }
}

/// What a hypothesis is tested on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HypothesisParams {
    /// Score whose lead is claimed.
    pub score: String,
    /// Outcome it is claimed to lead.
    pub outcome: Measure,
    /// Horizon \[months\].
    pub horizon: u32,
    /// Smallest relevant effect: an interval wholly inside ±δ contradicts the claim.
    ///
    /// In units of the rung's statistic: rank correlation, AUC above one half, relative gain.
    pub delta: Delta,
}

/// Smallest relevant effect at each rung.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// For "associated": rank correlation, or AUC above one half.
    pub associated: f64,
    /// For "leads": difference of rank correlations, or AUC above one half.
    pub leads: f64,
    /// For "adds to baselines": relative fall of the loss.
    pub adds: f64,
}
