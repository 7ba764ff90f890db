//! Columns of the panel that hypotheses need beside the plan's scores and baselines.

use crate::score::{CriticalCount, ScoreColumn, ScoreError, Valuation, interaction_mix};

use super::core::Statistic;
use super::id::HypothesisId;

/// Name of the column of critical interactions.
pub(super) const CRITICAL: &str = "critical_count_90d";

/// Window over which critical interactions are counted \[days\].
const WINDOW_DAYS: f64 = 90.0;

/// Half-life of the numbers of interactions by kind \[days\].
const HALF_LIFE_DAYS: f64 = 180.0;

/// Whether a column is a number of interactions by kind.
pub(super) fn is_mix(name: &str) -> bool {
    name.starts_with("count_of_")
}

/// The columns that the tests of `hypotheses` need beside scores and baselines.
///
/// # Errors
///
/// [`ScoreError`] as the scores' constructors; windows and half-lives here are constants that they take.
pub fn columns(
    hypotheses: impl IntoIterator<Item = HypothesisId>,
    valuation: &Valuation,
) -> Result<Vec<Box<dyn ScoreColumn>>, ScoreError> {
    let mut columns: Vec<Box<dyn ScoreColumn>> = Vec::new();
    for id in hypotheses {
        match id.hypothesis().statistic {
            Statistic::CriticalGivenScore => {
                columns.push(Box::new(CriticalCount::new(WINDOW_DAYS)?));
            }
            Statistic::Sufficiency => columns.extend(interaction_mix(valuation, HALF_LIFE_DAYS)?),
            _ => {}
        }
    }
    Ok(columns)
}
