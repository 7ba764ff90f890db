//! How much better would the score look on the final data?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backtest::BacktestError;
use crate::backtest::information::{failed, grid};
use crate::backtest::placebo::Claim;
use crate::stats::{PanelStatistic, cluster_ewc, difference, mean_rank_correlation};

/// Rows that became known after they had happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LateRows {
    /// Late rows of all tables that scores read.
    pub rows: u64,
    /// Accounts with a late row.
    pub accounts: u64,
}

/// The information coefficient on data as they were finally known, less that on data as they were known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeakageLift {
    /// Score.
    pub score: String,
    /// Outcome.
    pub outcome: String,
    /// Horizon \[months\].
    pub horizon_months: u32,
    /// Mean rank IC of the score as it could be read at each date.
    pub as_known: f64,
    /// Mean rank IC of the score as the final data would have it at each date.
    pub as_finally_known: f64,
    /// The second less the first.
    pub lift: f64,
    /// Its standard error: account cluster + EWC date variance of the paired difference; 0 where nothing
    /// differs.
    pub std_error: f64,
    /// Lower end of the 95 % interval.
    pub ci_low: f64,
    /// Upper end of the 95 % interval.
    pub ci_high: f64,
    /// Two-sided p-value; absent where nothing differs.
    pub p_value: Option<f64>,
    /// Account-months whose score differs.
    pub n_moved: u64,
    /// Accounts that contributed.
    pub n_accounts: u64,
}

/// The leakage lift of a score.
///
/// ```text
/// lift = IC(score read as if every row had been known when it happened) − IC(score as known)
/// ```
///
/// The lift is what a back-test that forgets `known_at` would add. A positive one says that rows logged late know
/// the outcome (a meeting entered after the contract was won); zero is what nothing late gives, exactly.
///
/// - `finally`: the score on the final data, shape `(accounts, months)`.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when an IC is undefined, or a lift that is not 0 for all has no standard error.
pub fn leakage_lift(claim: &Claim<'_>, finally: &[f64]) -> Result<LeakageLift, BacktestError> {
    let horizon = claim.horizon as i32;
    let fail = || failed("leakage lift", &claim.score.name, claim.outcome, horizon);
    let outcome = claim.panel.outcome(claim.outcome, horizon);
    let ic = |values: &[f64]| {
        let (x, y) = (grid(values, claim.panel)?, grid(&outcome, claim.panel)?);
        mean_rank_correlation(x, y, claim.params.min_accounts as usize)
    };
    let known = ic(&claim.score.values).map_err(fail())?;
    let final_ic = ic(finally).map_err(fail())?;
    let pairs = claim.score.values.iter().zip(finally);
    let n_moved = pairs.filter(|(a, b)| (**a - **b).abs() > 0.0).count() as u64;
    let mut found = LeakageLift {
        score: claim.score.name.clone(),
        outcome: claim.outcome.name().to_owned(),
        horizon_months: claim.horizon,
        as_known: known.estimate,
        as_finally_known: final_ic.estimate,
        lift: 0.0,
        std_error: 0.0,
        ci_low: 0.0,
        ci_high: 0.0,
        p_value: None,
        n_moved,
        n_accounts: known.n_units as u64,
    };
    if n_moved > 0 {
        let lift = difference(&final_ic, &known).map_err(fail())?;
        found.lift = lift.estimate;
        // Scores that move without a rank that moves have a lift of 0 for certain.
        if !is_nothing(&lift) {
            let test = cluster_ewc(&lift, 0.0).map_err(fail())?;
            found.std_error = test.std_error;
            (found.ci_low, found.ci_high) = (test.ci_low, test.ci_high);
            found.p_value = Some(test.p_value);
        }
    }
    Ok(found)
}

/// Whether a difference is exactly 0 for all accounts at all dates.
fn is_nothing(lift: &PanelStatistic) -> bool {
    let zero = |value: &f64| value.abs() <= 0.0;
    lift.per_period.iter().flatten().all(zero) && lift.unit_influence.iter().all(zero)
}
