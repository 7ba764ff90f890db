//! Models fitted to rows: least squares with clustered errors, outcomes that happen or not, ordered
//! categories, and the hazard of leaving in each period.

mod binary;
mod clustered;
mod design;
mod firth;
mod fitted;
mod hazard;
mod newton;
mod ordered;

pub(in crate::stats) use binary::logit_with_offset;
pub use binary::{BinaryLink, binary_regression, fractional_logit};
pub use clustered::ClusteredLeastSquares;
pub(in crate::stats) use design::{cluster_meat, inverse_of_full_rank, scaled_rows};
pub use firth::firth_logistic;
pub use fitted::{FittedModel, ModelVariance};
pub use hazard::{DiscreteHazard, PeriodEffects, PersonPeriods};
pub use ordered::OrderedLogit;
