//! Share still customers, by band of the score at the landmark.

use super::{Chart, ChartError};

/// The curve of one band of the score.
#[derive(Debug, Clone, PartialEq)]
pub struct AttritionBand {
    /// Name shown, such as `highest fifth`.
    pub label: String,
    /// Share still customers, in `[0, 1]`; shape `(months,)`.
    pub survival: Vec<f64>,
    /// Lower ends of the 95 % intervals.
    pub low: Vec<f64>,
    /// Upper ends of the 95 % intervals.
    pub high: Vec<f64>,
    /// Customers still observed.
    pub at_risk: Vec<u64>,
}

/// What [`attrition_by_band`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct AttritionData {
    /// The x-axis: months since the landmark, the date on which the score was read.
    pub months: Vec<i32>,
    /// Bands of the score as of the landmark, lowest first.
    pub bands: Vec<AttritionBand>,
    /// Score that makes the bands.
    pub score: String,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the share still customers by months since the landmark, one curve per band of the score.
///
/// # Errors
///
/// `LengthMismatch` when a curve is not as long as `months`; `Font` and `Draw` when drawing fails.
pub fn attrition_by_band(data: &AttritionData) -> Result<Chart, ChartError> {
    unimplemented!("{data:?}")
}
