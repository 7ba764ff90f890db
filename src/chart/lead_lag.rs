//! Information coefficient before and after the as-of date.

use super::{Chart, ChartError};

/// What [`lead_lag`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadLagData {
    /// The x-axis [months]: negative looks back from the as-of date; shape `(horizons,)`.
    pub horizons: Vec<i32>,
    /// Mean rank IC at each horizon.
    pub ic: Vec<f64>,
    /// Lower ends of the 95 % intervals.
    pub low: Vec<f64>,
    /// Upper ends of the 95 % intervals.
    pub high: Vec<f64>,
    /// Lower edge of what histories swapped between accounts gave.
    pub envelope_low: Vec<f64>,
    /// Upper edge of what histories swapped between accounts gave.
    pub envelope_high: Vec<f64>,
    /// Score.
    pub score: String,
    /// Outcome, in words.
    pub outcome: String,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the mean rank IC at each horizon with its 95 % interval, over the permutation envelope.
///
/// A score that leads goes with later outcomes more than with earlier ones.
///
/// # Errors
///
/// `LengthMismatch` when a column is not as long as `horizons`; `Font` and `Draw` when drawing fails.
pub fn lead_lag(data: &LeadLagData) -> Result<Chart, ChartError> {
    unimplemented!("{data:?}")
}
