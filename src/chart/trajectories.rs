//! Score by age of the relationship, one curve per pattern.

use super::{Chart, ChartError};
use crate::patterns::PatternLabel;

/// A mean over accounts with its 95 % band, by month.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// Mean score; shape `(months,)`, NaN where it is unknown.
    pub mean: Vec<f64>,
    /// Lower end of the band.
    pub low: Vec<f64>,
    /// Upper end of the band.
    pub high: Vec<f64>,
    /// Accounts that contribute.
    pub at_risk: Vec<u64>,
}

/// The curve of one pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternCurve {
    /// Name shown, such as `Pattern 1`.
    pub name: String,
    /// What the pattern is called on held-out accounts.
    pub label: PatternLabel,
    /// Its curve.
    pub curve: Curve,
}

/// What [`trajectories`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct TrajectoryData {
    /// The x-axis: months since `since`; shape `(months,)`.
    pub months: Vec<i32>,
    /// What the months count from, such as `the first interaction`.
    pub since: String,
    /// Stable patterns; empty when there is none.
    pub patterns: Vec<PatternCurve>,
    /// All accounts; drawn when there is no pattern.
    pub overall: Curve,
    /// Score drawn.
    pub score: String,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the mean score by month of each pattern, with 95 % bands and the number at risk.
///
/// Without patterns the mean of all accounts is drawn and the title says so.
///
/// # Errors
///
/// `LengthMismatch` when a curve is not as long as `months`; `Font` and `Draw` when drawing fails.
pub fn trajectories(data: &TrajectoryData) -> Result<Chart, ChartError> {
    unimplemented!("{data:?}")
}
