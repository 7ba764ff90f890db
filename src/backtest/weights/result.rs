//! What learning weights brought, never without its null.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::concordance::WeightAuc;
use super::constraint::Constraint;
use crate::backtest::Finding;

/// Weights learned from attrition, or why none were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LearnedWeights {
    /// Score whose weights were asked for.
    pub score: String,
    /// Within which an exit counts \[months\].
    pub horizon_months: u32,
    /// What the weights may be.
    pub constraint: Constraint,
    /// Accounts with a row.
    pub n_accounts: u64,
    /// Account-periods.
    pub n_rows: u64,
    /// Exits among them.
    pub n_exits: u64,
    /// Why nothing was learned; the expert's weights then stand.
    pub refusal: Option<String>,
    /// What was learned.
    pub fit: Option<WeightFit>,
}

/// Learned weights with what they are worth out of sample and what chance would have brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightFit {
    /// Penalty chosen inside the whole sample.
    pub penalty: f64,
    /// a: what one unit of the expert's score adds to the log odds of staying.
    pub scale: f64,
    /// AUC of the learned weights on the rows that they were learned from: to be read only beside `null`.
    pub in_sample: WeightAuc,
    /// AUC of the learned weights out of sample.
    pub learned: WeightAuc,
    /// AUC of the expert's weights out of sample, with the same controls and a scale of their own.
    pub expert: WeightAuc,
    /// AUC of the controls alone out of sample.
    pub baselines: WeightAuc,
    /// Relative fall of the log loss out of sample, learned against expert.
    pub gain_over_expert: Finding,
    /// Relative fall of the log loss out of sample, learned against the controls alone.
    pub gain_over_baselines: Finding,
    /// The whole procedure on outcomes that moved between accounts.
    pub null: NullAuc,
    /// Half-samples behind the shares.
    pub half_samples: u32,
    /// Types falsely selected are expected to be at most so many.
    pub false_selections_at_most: f64,
    /// Every type.
    pub types: Vec<TypeWeight>,
    /// Pairs that the data put the other way round, most certain first.
    pub order_reversed: Vec<OrderReversal>,
}

/// What chance brings: outcomes that belong to other accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NullAuc {
    /// Replications of the whole procedure.
    pub replications: u32,
    /// On the rows that were learned from.
    pub in_sample: NullBand,
    /// Out of sample.
    pub out_of_sample: NullBand,
    /// (1 + replications with at least the AUC found out of sample) / (1 + replications).
    pub p_value: f64,
    /// Mean number of exits, which is less than in the data where accounts were not there together.
    pub mean_exits: f64,
}

/// Mean and the band that holds 95 % of replications.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NullBand {
    /// Mean.
    pub mean: f64,
    /// 2.5 % quantile.
    pub low: f64,
    /// 97.5 % quantile.
    pub high: f64,
}

/// One interaction type: the expert's weight and the learned one \[log odds of staying per exposure\].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypeWeight {
    /// Name in the catalogue.
    pub interaction_type: String,
    /// Exits of accounts that were exposed to it.
    pub exits: u64,
    /// Value in the catalogue.
    pub expert_value: f64,
    /// a times it.
    pub expert_weight: f64,
    /// Learned weight.
    pub learned_weight: f64,
    /// Standard deviation of its exposure; 0 where the type keeps the expert's weight.
    pub spread: f64,
    /// 2.5 % quantile of the weight in half-samples.
    pub low: Option<f64>,
    /// 97.5 % quantile of the weight in half-samples.
    pub high: Option<f64>,
    /// Share of half-samples in which the weight differs from the expert's in the direction found.
    pub share_moved: f64,
    /// What follows.
    pub standing: Standing,
}

/// What the data say of an expert's weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Too few exits to say anything: the expert's weight stands.
    Refused,
    /// Nothing that half-samples agree on.
    Kept,
    /// Selected, in the expert's direction, larger.
    Stronger,
    /// Selected, smaller.
    Weaker,
    /// Selected, with the opposite sign.
    Reversed,
}

impl Standing {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Refused => "too few exits: expert kept",
            Self::Kept => "no stable difference",
            Self::Stronger => "stronger than the expert says",
            Self::Weaker => "weaker than the expert says",
            Self::Reversed => "the opposite sign",
        }
    }
}

/// Two types that the data put the other way round than the expert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderReversal {
    /// The expert values this one less; the data more.
    pub expert_lower: String,
    /// The other one.
    pub expert_higher: String,
    /// Share of half-samples that agree.
    pub share: f64,
}
