//! The twelve core hypotheses, one object each: variables, statistic, null, rungs, defaults.

use crate::panel::Measure;

use super::id::HypothesisId;
use super::plan::{Delta, HypothesisParams};
use super::verdict::Rung;

/// One number of the panel that is zero (or one half) where the hypothesis is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// Mean over dates of the rank correlation of score and outcome.
    RankCorrelation,
    /// Mean over dates of the AUC of a low score for the event.
    Risk,
    /// Mean over dates of the AUC of the score between the highest and the lowest fifth by outcome.
    Extremes,
    /// −1 × mean over dates of the correlation of recent critical interactions and the outcome, both
    /// ranked and freed of what splines of the score explain.
    CriticalGivenScore,
    /// Rank correlation of the score and the outcome, less the correlation with what the mix and number
    /// of interactions adds at equal score (cross-fitted over two halves of the accounts).
    Sufficiency,
    /// Log ratio of revenue less log ratio of cost to engage, of the most profitable fifth to the rest.
    TopFifth,
    /// AUC of a low score for the event, less that of the low mean score of the account's segment.
    OwnOverSegment,
    /// Twice the correlation with ranked scores less that with raw ones: positive where ranks keep at
    /// least half of what raw values say.
    RankOverRaw,
}

impl Statistic {
    /// Name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RankCorrelation => "mean_rank_ic",
            Self::Risk => "landmark_auc",
            Self::Extremes => "extremes_auc",
            Self::CriticalGivenScore => "critical_partial_correlation",
            Self::Sufficiency => "sufficiency_contrast",
            Self::TopFifth => "top_fifth_log_ratio",
            Self::OwnOverSegment => "auc_over_segment_mean",
            Self::RankOverRaw => "rank_over_raw_contrast",
        }
    }

    /// Value where the hypothesis is wrong.
    pub const fn null(self) -> f64 {
        match self {
            Self::Risk | Self::Extremes => 0.5,
            _ => 0.0,
        }
    }
}

/// What *leads* compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// The statistic with what comes, less that with what was.
    Contrast,
    /// The statistic with events that begin months after the score is read: who left has no past.
    Delayed,
    /// Nothing: the rung makes no sense.
    No,
}

/// A hypothesis as it is tested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hypothesis {
    /// Its name.
    pub id: HypothesisId,
    /// What is tested.
    pub statistic: Statistic,
    /// What is null.
    pub null: &'static str,
    /// The outcomes on which it can be tested; the first is the default.
    pub outcomes: &'static [Measure],
    /// Score that is tested unless the plan names another.
    pub default_score: &'static str,
    /// Horizon unless the plan names another \[months\].
    pub default_horizon: u32,
    /// Smallest relevant effects unless the plan names others.
    pub default_delta: Delta,
    /// The test of *leads*.
    pub lead: Lead,
    /// Whether *adds to baselines* makes sense.
    pub adds: bool,
    /// Whether the statistic has a meaning within accounts.
    pub within: bool,
    /// The rung that has to be passed for "supported" without a rung.
    pub decisive: Rung,
    /// Rungs whose test seldom finds what is true even with 800 accounts: what it does not find there says
    /// nothing against the claim.
    pub known_limits: &'static [Rung],
}

const DECAY: &str = "rv_decay_180d";
const VELOCITY: &str = "rv_velocity_90d";

/// RV and a level of an outcome ahead, at all rungs.
const LEVEL: Hypothesis = Hypothesis {
    id: HypothesisId::H1,
    statistic: Statistic::RankCorrelation,
    null: "the rank correlation is 0, and the score adds nothing to the baselines",
    outcomes: &[Measure::Contribution, Measure::GrossProfit, Measure::Revenue],
    default_score: DECAY,
    default_horizon: 3,
    default_delta: Delta { associated: 0.02, leads: 0.02, adds: 0.002 },
    lead: Lead::Contrast,
    adds: true,
    within: true,
    decisive: Rung::AddsToBaselines,
    known_limits: &[],
};

/// A comparison of groups or scores: what leads, adds or causes is answered by H1, H2 and H8.
const COMPARISON: Hypothesis =
    Hypothesis { lead: Lead::No, adds: false, decisive: Rung::Robust, ..LEVEL };

/// In the order of [`HypothesisId::ALL`].
static CORE: [Hypothesis; 12] = [
    LEVEL,
    Hypothesis { id: HypothesisId::H2, outcomes: &[Measure::Satisfaction], ..LEVEL },
    Hypothesis {
        id: HypothesisId::H3,
        statistic: Statistic::Extremes,
        null: "the score is as likely to be higher in the least as in the most profitable fifth",
        lead: Lead::Contrast,
        ..COMPARISON
    },
    Hypothesis {
        id: HypothesisId::H4,
        outcomes: &[Measure::RevenueGrowth],
        default_score: VELOCITY,
        ..LEVEL
    },
    Hypothesis {
        id: HypothesisId::H5,
        outcomes: &[Measure::ShareOfWalletGrowth],
        default_score: VELOCITY,
        ..LEVEL
    },
    Hypothesis {
        id: HypothesisId::H8,
        statistic: Statistic::Risk,
        null: "the AUC is one half, and the score adds nothing to the baselines",
        outcomes: &[Measure::Attrition],
        lead: Lead::Delayed,
        known_limits: &[Rung::AddsToBaselines],
        ..LEVEL
    },
    Hypothesis {
        id: HypothesisId::H9,
        statistic: Statistic::CriticalGivenScore,
        null: "at equal score critical interactions say nothing of what follows",
        outcomes: &[Measure::ShareOfWallet, Measure::Satisfaction, Measure::Revenue],
        lead: Lead::No,
        known_limits: &[Rung::Causal],
        ..LEVEL
    },
    Hypothesis {
        id: HypothesisId::H10,
        statistic: Statistic::Sufficiency,
        null: "mix and number of interactions say as much at equal score as the score does",
        outcomes: &[Measure::ShareOfWallet, Measure::Contribution, Measure::Revenue],
        ..COMPARISON
    },
    Hypothesis {
        id: HypothesisId::H14,
        statistic: Statistic::TopFifth,
        null: "the top fifth brings no more revenue than its cost to engage would tell",
        outcomes: &[Measure::Contribution],
        default_horizon: 12,
        default_delta: Delta { associated: 0.1, leads: 0.1, adds: 0.002 },
        within: false,
        ..COMPARISON
    },
    Hypothesis {
        id: HypothesisId::H30,
        null: "the rank correlation with the answers of the same time is 0",
        outcomes: &[Measure::Satisfaction],
        ..COMPARISON
    },
    Hypothesis {
        id: HypothesisId::H31,
        statistic: Statistic::OwnOverSegment,
        null: "the mean of its segment tells as well who will leave as the account's own score",
        outcomes: &[Measure::Attrition],
        within: false,
        ..COMPARISON
    },
    Hypothesis {
        id: HypothesisId::H33,
        statistic: Statistic::RankOverRaw,
        null: "ranks keep less than half of what raw values say",
        outcomes: &[Measure::ShareOfWallet, Measure::Contribution, Measure::Revenue],
        ..COMPARISON
    },
];

impl Hypothesis {
    /// The horizon on which the statistic looks \[months\]: H14 and H30 look back.
    pub fn horizon(&self, params: &HypothesisParams) -> i32 {
        let back = matches!(self.id, HypothesisId::H14 | HypothesisId::H30);
        if back { -(params.horizon as i32) } else { params.horizon as i32 }
    }

    /// Whether swapped histories give the spread of its statistic where nothing is: for the rank
    /// correlation with what comes and for risk. Of the others power is told from the standard error.
    pub fn has_power(&self) -> bool {
        let told = matches!(self.statistic, Statistic::RankCorrelation | Statistic::Risk);
        told && self.id != HypothesisId::H30
    }
}

impl HypothesisId {
    /// The hypothesis as it is tested.
    pub const fn hypothesis(self) -> &'static Hypothesis {
        &CORE[self as usize]
    }

    /// The claim in one sentence.
    pub fn claim(self, params: &HypothesisParams) -> String {
        let score = &params.score;
        let over = match params.horizon {
            1 => "the next month".to_owned(),
            months => format!("the next {months} months"),
        };
        let outcome = params.outcome.name().replace('_', " ");
        match self {
            Self::H1 => {
                format!("accounts with a higher `{score}` bring more {outcome} over {over}")
            }
            Self::H2 => format!("accounts with a higher `{score}` answer better over {over}"),
            Self::H3 => format!(
                "the fifth of accounts that brings most {outcome} over {over} has a higher `{score}` \
                 now than the fifth that brings least"
            ),
            Self::H4 | Self::H5 => {
                format!("accounts with a higher `{score}` have more {outcome} over {over}")
            }
            Self::H8 => {
                format!("accounts with a lower `{score}` are more likely to leave within {over}")
            }
            Self::H9 => format!(
                "at equal `{score}`, accounts that met a critical interaction in the last 90 days \
                 have less {outcome} over {over}"
            ),
            Self::H10 => format!(
                "`{score}` says more of {outcome} over {over} than type mix and number of \
                 interactions add to it"
            ),
            Self::H14 => format!(
                "the most profitable fifth of the last {} months brings more revenue per account \
                 than it costs more to engage",
                params.horizon
            ),
            Self::H30 => {
                format!(
                    "accounts with a higher `{score}` answered better over the last {} months",
                    params.horizon
                )
            }
            Self::H31 => format!(
                "an account's own `{score}` tells better than the mean of its segment who will \
                 leave within {over}"
            ),
            Self::H33 => format!(
                "ranks of `{score}` keep at least half of what raw values say of {outcome} over \
                 {over}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hypothesis_stands_at_its_own_place() {
        for id in HypothesisId::ALL {
            assert_eq!(id.hypothesis().id, id);
            assert!(!id.hypothesis().outcomes.is_empty());
        }
    }
}
