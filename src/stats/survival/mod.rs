//! Times to an event: curves, tests between groups, Cox regression and how well a risk predicts.
//!
//! A row is under observation in `(entry, exit]`: it is at risk at an event time `t` when
//! `entry < t ≤ exit`. Times tie when they are equal as numbers; round them first if they come from
//! arithmetic. Deliberately absent: parametric laws, frailty and interval censoring.

mod aalen_johansen;
mod brier;
mod censoring;
mod chi_square;
mod concordance;
mod cox;
mod dynamic_auc;
mod kaplan_meier;
mod log_rank;
mod nelson_aalen;
mod rank_sums;
mod risk_sets;

pub use aalen_johansen::{IncidenceCurve, IncidenceStep, aalen_johansen};
pub use brier::{integrated_brier_score, ipcw_brier_score};
pub use censoring::CensoringCurve;
pub use chi_square::ChiSquareTest;
pub use concordance::{Concordance, harrell_concordance, uno_concordance};
pub use cox::{
    CoxFit, CoxRows, CumulativeHazard, ProportionalHazardsTest, SchoenfeldResidual, Ties,
    TimeTransform,
};
pub use dynamic_auc::{DynamicAuc, dynamic_auc};
pub use kaplan_meier::{SurvivalCurve, SurvivalStep, kaplan_meier};
pub use log_rank::{LogRank, LogRankGroup, log_rank};
pub use nelson_aalen::{HazardCurve, HazardStep, nelson_aalen};
