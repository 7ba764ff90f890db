//! Later outcome by decile of a score.

use super::{Chart, ChartError};

/// What [`outcome_by_decile`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct DecileData {
    /// Score that makes the deciles.
    pub score: String,
    /// Outcome, in words, such as `contribution`.
    pub outcome: String,
    /// Unit of the outcome, such as `EUR per month`; empty for a pure number.
    pub unit: String,
    /// Months ahead at which the outcome is measured.
    pub horizon_months: i32,
    /// Mean outcome by decile, lowest score first; shape `(deciles,)`.
    pub decile_means: Vec<f64>,
    /// Lower ends of the 95 % intervals.
    pub low: Vec<f64>,
    /// Upper ends of the 95 % intervals.
    pub high: Vec<f64>,
    /// Accounts or account-dates in each decile.
    pub n: Vec<u64>,
    /// Mean outcome of all.
    pub overall: f64,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the mean later outcome of each decile of the score, with 95 % intervals and the overall mean.
///
/// # Errors
///
/// `LengthMismatch` when a column is not as long as `decile_means`; `Font` and `Draw` when drawing
/// fails.
pub fn outcome_by_decile(data: &DecileData) -> Result<Chart, ChartError> {
    unimplemented!("{data:?}")
}
