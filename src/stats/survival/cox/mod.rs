//! Cox proportional hazards on start-stop rows.
//!
//! In reading order: the rows as given, their layout for sweeping over time, the sums of one sweep,
//! the fit, its residuals and the test of proportional hazards.

mod fit;
mod layout;
mod newton;
mod proportional;
mod range_sums;
mod residuals;
mod rows;
mod sweep;
#[cfg(test)]
mod tests;

pub use fit::CoxFit;
pub use proportional::{ProportionalHazardsTest, TimeTransform};
pub use residuals::{CumulativeHazard, SchoenfeldResidual};
pub use rows::{CoxRows, Ties};

/// The statistic's name in errors.
const NAME: &str = "cox";
