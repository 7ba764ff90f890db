//! Statistics on plain slices: numbers in, numbers out; nothing here knows of customers.
//!
//! In reading order: ranks and correlations of two samples, statistics of a panel of units and
//! periods, inference on them, permutation of unit histories, then what back-tests and reports
//! need beside: strata, multiplicity, regression, bootstrap, proportions, survival curves.
//!
//! An undefined statistic is an error, never NaN; NaN means "not observed" and only in a [`Grid`].

mod bg_nbd;
mod binomial;
mod bootstrap;
mod error;
mod estimate;
#[cfg(test)]
mod generator;
mod grid;
mod inference;
mod kaplan_meier;
mod kendall;
mod models;
mod multiplicity;
mod panel;
mod panel_models;
mod permutation;
mod rank;
mod regression;
mod spline;
mod strata;

pub use bg_nbd::{BgNbd, BgNbdFit, PurchaseSummary};
pub use binomial::{Interval, rejection_limit, wilson_interval};
pub use bootstrap::{BootstrapInterval, ratio_bootstrap};
pub use error::StatsError;
pub use estimate::Estimate;
pub use grid::Grid;
pub use inference::{
    Inference, cluster_ewc, detectable_effect, naive_t, newey_west, two_way_clustered,
    unit_clustered,
};
pub use kaplan_meier::{SurvivalCurve, SurvivalStep, kaplan_meier};
pub use kendall::kendall;
pub use models::{
    BinaryLink, ClusteredLeastSquares, DiscreteHazard, FittedModel, ModelVariance, OrderedLogit,
    PeriodEffects, PersonPeriods, binary_regression, firth_logistic, fractional_logit,
};
pub use multiplicity::{benjamini_hochberg, holm};
pub use panel::{
    PanelStatistic, difference, mean_auc, mean_level, mean_rank_correlation, quantile_groups,
    quantile_spread,
};
pub use panel_models::{
    DumitrescuHurlin, FixedEffects, FixedEffectsFit, GrangerVariance, HalfPanelGranger,
    HalfPanelJackknife, LongPanel, PanelVariance, WildBootstrap, WildTest, WildWeights,
    both_directions, dumitrescu_hurlin, fixed_effects, half_panel_granger, half_panel_jackknife,
    wild_cluster_bootstrap,
};
pub use permutation::{PermutationTest, permute_histories, permute_histories_many, shuffle_within};
pub use rank::{mid_ranks, normal_scores, pearson, spearman};
pub use regression::{LeastSquares, NormalEquations};
pub use spline::RestrictedCubicSpline;
pub use strata::coarsen;
