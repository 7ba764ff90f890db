//! `[weights]` of a plan.

use serde::Deserialize;

use super::constraint::Constraint;

/// `[weights]` of a plan.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightParams {
    /// Score of the plan whose weights are learned: linear in the catalogue's values.
    pub score: String,
    /// Within which an exit counts; periods are as long \[months\].
    #[serde(default = "default_horizon")]
    pub horizon: u32,
    /// What the weights may be.
    #[serde(default)]
    pub constraint: Constraint,
    /// Penalties to choose from.
    #[serde(default = "default_penalties")]
    pub penalties: Vec<f64>,
    /// Groups of accounts in the outer folds; their months are those of `[backtest]`.
    #[serde(default = "default_folds")]
    pub folds: u32,
    /// Groups of accounts in the inner folds, which choose the penalty.
    #[serde(default = "default_inner_folds")]
    pub inner_folds: u32,
    /// Replications of the null.
    #[serde(default = "default_null_replications")]
    pub null_replications: u32,
    /// Half-samples of the stability selection.
    #[serde(default = "default_half_samples")]
    pub half_samples: u32,
    /// Fewest exits of accounts exposed to a type for a weight of its own.
    #[serde(default = "default_min_events")]
    pub min_events: u32,
    /// Fewest exits per free weight for any learning.
    #[serde(default = "default_exits_per_weight")]
    pub exits_per_weight: f64,
    /// Draws of the catalogue for rank flips.
    #[serde(default = "default_draws")]
    pub draws: u32,
}

fn default_horizon() -> u32 {
    3
}

fn default_penalties() -> Vec<f64> {
    vec![1.0, 3.0, 10.0, 30.0, 100.0]
}

fn default_folds() -> u32 {
    5
}

fn default_inner_folds() -> u32 {
    3
}

fn default_null_replications() -> u32 {
    39
}

fn default_half_samples() -> u32 {
    50
}

fn default_min_events() -> u32 {
    30
}

fn default_exits_per_weight() -> f64 {
    2.0
}

fn default_draws() -> u32 {
    200
}

impl WeightParams {
    /// The defaults for `score`.
    pub fn new(score: impl Into<String>) -> Self {
        Self {
            score: score.into(),
            horizon: default_horizon(),
            constraint: Constraint::default(),
            penalties: default_penalties(),
            folds: default_folds(),
            inner_folds: default_inner_folds(),
            null_replications: default_null_replications(),
            half_samples: default_half_samples(),
            min_events: default_min_events(),
            exits_per_weight: default_exits_per_weight(),
            draws: default_draws(),
        }
    }

    /// Keys with values that cannot be used, and why.
    pub fn broken(&self) -> Vec<(&'static str, String)> {
        let in_order = self.penalties.iter().all(|penalty| penalty.is_finite() && *penalty > 0.0);
        [
            (
                !(1..=1_200).contains(&self.horizon),
                "horizon",
                format!("`horizon` is {}, expected 1 to 1200 months", self.horizon),
            ),
            (
                self.penalties.is_empty() || !in_order,
                "penalties",
                "`penalties` is empty or has one that is not above 0".to_owned(),
            ),
            (
                !(2..=100).contains(&self.folds),
                "folds",
                format!(
                    "`folds` is {}, expected 2 to 100: someone must be left to train on",
                    self.folds
                ),
            ),
            (
                !(2..=100).contains(&self.inner_folds),
                "inner_folds",
                format!("`inner_folds` is {}, expected 2 to 100", self.inner_folds),
            ),
            (
                self.null_replications == 0,
                "null_replications",
                "`null_replications` is 0: weights are not learned without their null".to_owned(),
            ),
            (
                self.half_samples == 0,
                "half_samples",
                "`half_samples` is 0, expected at least 1".to_owned(),
            ),
            (
                !(self.exits_per_weight.is_finite() && self.exits_per_weight >= 0.0),
                "exits_per_weight",
                format!("`exits_per_weight` is {}, expected 0 or more", self.exits_per_weight),
            ),
            (self.draws == 0, "draws", "`draws` is 0, expected at least 1".to_owned()),
        ]
        .into_iter()
        .filter(|(is_broken, _, _)| *is_broken)
        .map(|(_, key, message)| (key, message))
        .collect()
    }
}
