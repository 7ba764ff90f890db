//! Cox proportional hazards on start-stop rows.
//!
//! In reading order: the rows as given, their layout for sweeping over time (event times, columns),
//! the sums of one sweep (exponentials, sums at risk and over ranges), the maximum, the fit, its
//! residuals and the test of proportional hazards.

mod fit;
mod layout;
#[cfg(test)]
mod naive;
mod newton;
mod proportional;
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
