//! Which hypotheses a plan tests, and on what.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::panel::Measure;

use super::id::HypothesisId;

/// `[hypotheses]` of a plan.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "BTreeMap<HypothesisId, Written>")]
pub struct Hypotheses(BTreeMap<HypothesisId, HypothesisParams>);

impl std::ops::Deref for Hypotheses {
    type Target = BTreeMap<HypothesisId, HypothesisParams>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Hypotheses {
    type Item = (&'a HypothesisId, &'a HypothesisParams);
    type IntoIter = std::collections::btree_map::Iter<'a, HypothesisId, HypothesisParams>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// What a hypothesis is tested on.
#[derive(Debug, Clone, PartialEq)]
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

impl HypothesisParams {
    /// What `id` is tested on unless the plan says otherwise.
    pub fn of(id: HypothesisId) -> Self {
        Written::default().of(id)
    }
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

/// A hypothesis as a plan writes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    score: Option<String>,
    outcome: Option<Measure>,
    horizon: Option<u32>,
    delta: Option<Delta>,
}

impl Written {
    fn of(self, id: HypothesisId) -> HypothesisParams {
        let usual = id.hypothesis();
        HypothesisParams {
            score: self.score.unwrap_or_else(|| usual.default_score.to_owned()),
            outcome: self.outcome.unwrap_or(usual.outcomes[0]),
            horizon: self.horizon.unwrap_or(usual.default_horizon),
            delta: self.delta.unwrap_or(usual.default_delta),
        }
    }
}

impl From<BTreeMap<HypothesisId, Written>> for Hypotheses {
    fn from(written: BTreeMap<HypothesisId, Written>) -> Self {
        Self(written.into_iter().map(|(id, written)| (id, written.of(id))).collect())
    }
}
