//! How concentrated profit, revenue and cost to engage are.

use super::{Chart, ChartError, Estimate};

/// What [`concentration`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct ConcentrationData {
    /// The x-axis: share of accounts from 0 to 1, most profitable first; shape `(points,)`.
    pub share_of_accounts: Vec<f64>,
    /// Share of total profit held by them; above 1 while the others lose money.
    pub cumulative_profit: Vec<f64>,
    /// Share of total cost to engage spent on them.
    pub cumulative_cost: Vec<f64>,
    /// Share of total revenue from them.
    pub cumulative_revenue: Vec<f64>,
    /// Share of profit held by the top fifth.
    pub top20_profit: Estimate,
    /// Share of revenue held by the top fifth.
    pub top20_revenue: Estimate,
    /// Cost to engage per account, top fifth over the others.
    pub cost_ratio: Estimate,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws the whale curve: cumulative shares of profit, revenue and cost to engage by share of accounts.
///
/// # Errors
///
/// `LengthMismatch` when a column is not as long as `share_of_accounts`; `Font` and `Draw` when
/// drawing fails.
pub fn concentration(data: &ConcentrationData) -> Result<Chart, ChartError> {
    unimplemented!("{data:?}")
}
