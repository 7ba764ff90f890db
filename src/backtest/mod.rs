//! Back-tests on the panel: does a score lead an outcome?
//!
//! Everything here reads a [`Panel`](crate::panel::Panel) and gives [`Finding`]s. Each outcome and
//! horizon is computed apart from the others: adding one changes no other number.

mod attrition;
mod benchmark;
mod concentration;
mod diagnostics;
mod finding;
mod hazard;
mod incremental;
mod information;
mod moments;
mod placebo;
mod power;
mod quantile;
mod rank_flips;
mod rate_ratio;
mod shape;
mod share;
mod strata;
mod weights;
mod within;

use serde::Deserialize;

use crate::panel::Measure;
use crate::stats::StatsError;

pub use attrition::{AttritionBand, attrition_auc, attrition_by_band};
pub use benchmark::{BenchmarkFigures, Figure, StartingBenchmark};
pub use concentration::Concentration;
pub use diagnostics::{
    DateIc, DatedCounts, DroppedMoments, EventContrast, EventPoint, EventStudy, EventStudyFigures,
    GroupIc, Heterogeneity, IcByGroup, LateRows, LeakageLift, Migration, Monotonicity,
    RankPersistence, SIGN_HALF_LIFE_DAYS, SignCheck, SignStanding, TypeSample, TypeSign,
    event_study, ic_by_group, leakage_lift, migration, monotonicity, sign_check,
};
pub use finding::Finding;
pub use hazard::attrition_hazard;
pub use incremental::{Baseline, Gain, incremental_gain};
pub use information::{
    InformationCoefficient, LeadLag, before_cost, from_inference, information_coefficient, lead_lag,
};
pub use moments::{Moment, Moments};
pub use placebo::{
    CatalogueSample, Claim, DatedExposures, DrawnPlacebo, NegativeControl, Placebo, PlaceboDates,
    PlaceboFigures, PlaceboKind, negative_control, negative_horizon, swapped_histories, time_shift,
};
pub use power::{Power, power_from_error, power_of};
pub use quantile::{QuantileMeans, quantile_means, quantile_spread};
pub use rank_flips::{AccountRank, CatalogueDraws, RankFlips, rank_flips};
pub use rate_ratio::{ReadAt, rate_ratio};
pub use shape::{ShapeAccount, ShapeError, ShapeEstimate, ShapeFit, ShapeParameter, fit_shape};
pub use share::share_model;
pub use strata::{AccountGroup, account_groups, account_strata};
pub use weights::{
    Constraint, ExpertType, LearnedWeights, NullAuc, NullBand, OrderReversal, Standing, TypeWeight,
    WeightAuc, WeightError, WeightFit, WeightParams, WeightSample, learn_weights, period_dates,
};
pub use within::{signs_differ, within_account, within_account_jackknifed};

/// `[backtest]` of a plan.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BacktestParams {
    /// Outcomes tested.
    pub outcomes: Vec<Measure>,
    /// Horizons tested \[months\].
    pub horizons: Vec<u32>,
    /// Horizons of the lead-lag curve, drawn on both sides \[months\].
    pub lead_lag: Vec<u32>,
    /// Permutations of whole account histories.
    pub permutations: u32,
    /// Resamples of accounts in bootstraps.
    pub resamples: u32,
    /// Quantiles of the spread.
    pub quantiles: u32,
    /// Fewest accounts at a date for a cross-sectional statistic.
    pub min_accounts: u32,
    /// Fewest exits at a landmark for an AUC.
    pub min_exits: u32,
    /// Fewest accounts in a permutation stratum.
    pub min_stratum: u32,
    /// Groups of accounts in the out-of-sample test.
    pub account_groups: u32,
    /// Fewest training months in the out-of-sample test \[months\].
    pub min_train_months: u32,
    /// Length of a block of test months \[months\].
    pub test_block_months: u32,
    /// How long before the attrition window the score is read for "leads" \[months\].
    pub attrition_lead_months: u32,
    /// Outcomes that no interaction can bring about.
    pub negative_controls: Vec<NegativeControl>,
    /// Interaction type that makes the moments of the event study; the first critical interaction of
    /// each account when absent.
    pub moment: Option<String>,
}

impl Default for BacktestParams {
    fn default() -> Self {
        Self {
            outcomes: vec![Measure::Contribution],
            horizons: vec![1, 3, 6, 12],
            lead_lag: vec![1, 2, 3, 6, 9, 12],
            permutations: 199,
            resamples: 999,
            quantiles: 5,
            min_accounts: 20,
            min_exits: 3,
            min_stratum: 20,
            account_groups: 5,
            min_train_months: 12,
            test_block_months: 6,
            attrition_lead_months: 3,
            negative_controls: vec![NegativeControl::Size],
            moment: None,
        }
    }
}

/// Why a back-test could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BacktestError {
    /// A statistic could not be computed.
    #[error("{what}: {source}")]
    Statistic {
        /// What was computed.
        what: String,
        /// Why it could not be.
        source: StatsError,
    },
    /// The panel has no score of that name.
    #[error("the panel has no score `{name}`; it has {known}")]
    UnknownScore {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A level that grows with tenure against another one.
    #[error(
        "`{score}` on `{outcome}` is refused: both grow with tenure, so they correlate (about .9 \
         between accounts) even when they are independent; use an outcome over a horizon, or a \
         score that does not accumulate"
    )]
    LevelOnLevel {
        /// The score.
        score: String,
        /// The outcome.
        outcome: &'static str,
    },
    /// The walk-forward split has no fold.
    #[error(
        "no walk-forward fold: {months} months do not hold {needed} months of training, purge, \
         embargo and test at a horizon of {horizon} months"
    )]
    NoFold {
        /// Months of the panel.
        months: usize,
        /// Months needed.
        needed: usize,
        /// Horizon.
        horizon: u32,
    },
}

/// Refuses a score that accumulates against an outcome that accumulates.
///
/// # Errors
///
/// [`BacktestError::LevelOnLevel`] with the reason.
pub fn refuse_level_on_level(
    score: &str,
    accumulates: bool,
    outcome: Measure,
) -> Result<(), BacktestError> {
    if accumulates && outcome.is_cumulative() {
        return Err(BacktestError::LevelOnLevel {
            score: score.to_owned(),
            outcome: outcome.name(),
        });
    }
    Ok(())
}

/// Adjusts the p-values of the family by Benjamini-Hochberg; other findings keep none.
///
/// A test of the family that could not be computed stays in it with p = 1.
pub fn adjust_family(findings: &mut [Finding]) {
    let family: Vec<usize> = (0..findings.len()).filter(|&i| findings[i].in_family).collect();
    let p_values: Vec<f64> = family.iter().map(|&i| findings[i].p_value.unwrap_or(1.0)).collect();
    for (&i, adjusted) in family.iter().zip(crate::stats::benjamini_hochberg(&p_values)) {
        findings[i].p_adjusted = findings[i].p_value.map(|_| adjusted);
    }
}
