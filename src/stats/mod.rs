//! Statistics on plain slices: numbers in, numbers out; nothing here knows of customers.
//!
//! In reading order: ranks and correlations of two samples, statistics of a panel of units and
//! periods, inference on them, permutation of unit histories, then what back-tests and reports
//! need beside: strata, multiplicity, regression, bootstrap, proportions, survival curves.
//!
//! An undefined statistic is an error, never NaN; NaN means "not observed" and only in a [`Grid`].

mod binomial;
mod block_bootstrap;
mod bootstrap;
mod classification;
mod contrast;
mod control_chart;
mod error;
mod estimate;
mod forecast;
#[cfg(test)]
mod generator;
mod grid;
mod inference;
mod joint;
mod kendall;
mod models;
mod multiplicity;
mod panel;
mod panel_models;
mod permutation;
mod purchases;
mod rank;
mod regression;
mod spline;
mod strata;
mod survival;
mod two_sample;

pub use binomial::{Interval, rejection_limit, wilson_interval};
pub use block_bootstrap::{
    BlockLength, optimal_block_length, stationary_bootstrap, stationary_indices,
};
pub use bootstrap::{BootstrapInterval, ratio_bootstrap};
pub use classification::{
    CalibrationError, NetBenefit, Recalibration, average_precision, brier_score, calibration_error,
    clustered_auc, clustered_auc_difference, clustered_recalibration, delong, delong_difference,
    lift_at, log_loss, net_benefit, recalibration, roc_auc, top_decile_lift,
};
pub use contrast::{mean_correlation, mean_log_ratio};
pub use control_chart::EwmaChart;
pub use error::StatsError;
pub use estimate::Estimate;
pub use forecast::{
    ConfidenceSet, Equivalence, NestedGain, NonInferiority, ResampledMeans, SetStatistic,
    clark_west, clustered_clark_west, clustered_diebold_mariano, diebold_mariano, equivalence,
    model_confidence_set, non_inferiority,
};
pub use grid::Grid;
pub use inference::{
    Inference, cluster_ewc, detectable_effect, naive_t, newey_west, two_way_clustered,
    unit_clustered,
};
pub use joint::{EqualityTest, RiseTest, equality_test, rise_test};
pub use kendall::kendall;
pub use models::{
    BinaryLink, ClusteredLeastSquares, DiscreteHazard, FittedModel, ModelVariance, OrderedLogit,
    PeriodEffects, PersonPeriods, binary_regression, firth_logistic, fractional_logit,
};
pub use multiplicity::{benjamini_hochberg, benjamini_yekutieli, holm, romano_wolf};
pub use panel::{
    MeanStatistic, PanelStatistic, difference, mean_auc, mean_level, mean_rank_correlation,
    quantile_groups, quantile_spread,
};
pub use panel_models::{
    DumitrescuHurlin, FixedEffects, FixedEffectsFit, GrangerVariance, HalfPanelGranger,
    HalfPanelJackknife, LongPanel, PanelVariance, WildBootstrap, WildTest, WildWeights,
    both_directions, dumitrescu_hurlin, fixed_effects, half_panel_granger, half_panel_jackknife,
    wild_cluster_bootstrap,
};
pub use permutation::{
    PermutationTest, permute_histories, permute_histories_many, permute_statistic, shuffle_within,
};
pub use purchases::{
    BgBb, BgNbd, BgNbdFit, Cohort, GammaGamma, MbgNbd, OccasionSummary, ParetoNbd, PurchaseFit,
    PurchaseSummary, ShiftedBetaGeometric, SpendSummary,
};
pub use rank::{mid_ranks, normal_scores, pearson, spearman};
pub use regression::{LeastSquares, NormalEquations};
pub use spline::RestrictedCubicSpline;
pub use strata::coarsen;
pub use survival::{
    CensoringCurve, ChiSquareTest, Concordance, CoxFit, CoxRows, CumulativeHazard, DynamicAuc,
    HazardCurve, HazardStep, IncidenceCurve, IncidenceStep, LogRank, LogRankGroup,
    ProportionalHazardsTest, SchoenfeldResidual, SurvivalCurve, SurvivalStep, Ties, TimeTransform,
    aalen_johansen, dynamic_auc, harrell_concordance, integrated_brier_score, ipcw_brier_score,
    kaplan_meier, log_rank, nelson_aalen, uno_concordance,
};
pub use two_sample::{
    CurveDifference, CurveTest, EnergyTest, MannWhitney, cliffs_delta, curve_test, energy_distance,
    energy_test, mann_whitney,
};
