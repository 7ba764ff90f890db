//! Comparing forecasts by their losses, and showing that two numbers hardly differ.
//!
//! Two forecasts, neither of which is a special case of the other: [`diebold_mariano`]; a model
//! and its extension: [`clark_west`]; many: [`model_confidence_set`]. Losses of a panel recur by
//! account, so each has a form that counts accounts. The time-series forms are for one series.

mod confidence_set;
mod equivalence;
mod loss_difference;
mod resampled;

pub use confidence_set::{ConfidenceSet, SetStatistic, model_confidence_set};
pub use equivalence::{Equivalence, NonInferiority, equivalence, non_inferiority};
pub use loss_difference::{
    NestedGain, clark_west, clustered_clark_west, clustered_diebold_mariano, diebold_mariano,
};
pub use resampled::ResampledMeans;
