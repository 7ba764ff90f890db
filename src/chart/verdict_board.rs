//! Hypothesis × rung, the informative world beside the irrelevant one.

use super::{Chart, ChartError};
use crate::hypothesis::Verdict;

/// The verdicts on one data set.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardColumn {
    /// World of a simulation, or name of the log.
    pub world: String,
    /// Its verdicts.
    pub verdicts: Vec<Verdict>,
}

/// What [`verdict_board`] draws.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictBoardData {
    /// Data sets side by side, at most three.
    pub worlds: Vec<BoardColumn>,
    /// Whether the data are simulated.
    pub simulated: bool,
}

/// Draws which rungs of the evidence ladder each hypothesis passed in each data set.
///
/// # Errors
///
/// `Font` and `Draw` when drawing fails.
pub fn verdict_board(data: &VerdictBoardData) -> Result<Chart, ChartError> {
    unimplemented!("{data:?}")
}
