//! Discrimination and calibration of scores and probabilities of an event.
//!
//! Discrimination asks whether those with the event stand above those without ([`roc_auc`],
//! [`average_precision`], [`lift_at`]); calibration whether probabilities mean what they say
//! ([`recalibration`], [`calibration_error`]); log loss and the Brier score judge both at once, and
//! [`net_benefit`] judges decisions. Where the same account comes more than once, the clustered
//! forms count accounts, not rows.

mod calibration;
mod labels;
mod net_benefit;
mod probability;
mod ranking;
mod roc;

pub use calibration::{
    CalibrationError, Recalibration, calibration_error, clustered_recalibration, recalibration,
};
pub use net_benefit::{NetBenefit, net_benefit};
pub use probability::{brier_score, log_loss};
pub use ranking::{average_precision, lift_at, top_decile_lift};
pub(super) use roc::placements;
pub use roc::{clustered_auc, clustered_auc_difference, delong, delong_difference, roc_auc};
