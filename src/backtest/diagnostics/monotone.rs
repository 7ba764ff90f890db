//! Does the outcome rise from each quantile of the score to the next?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backtest::BacktestError;
use crate::backtest::information::failed;
use crate::backtest::placebo::Claim;
use crate::backtest::quantile::quantile_levels;
use crate::stats::rise_test;

/// Mean outcome by quantile, and whether it rises throughout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monotonicity {
    /// Score.
    pub score: String,
    /// Outcome.
    pub outcome: String,
    /// Horizon \[months\].
    pub horizon_months: u32,
    /// Mean outcome by quantile, lowest score first.
    pub means: Vec<f64>,
    /// Smallest step from a quantile to the next.
    pub smallest_step: f64,
    /// The quantile below that step, 1 the lowest.
    pub below: u32,
    /// One-sided p-value: small where every step is up.
    pub p_value: f64,
    /// Accounts that contributed.
    pub n_accounts: u64,
}

/// Tests that the mean outcome rises from each quantile of the score to the next.
///
/// Quantiles within each date, means averaged over dates; [`rise_test`] on the steps, clustered by account.
/// Membership in a quantile is taken as known. A few wide quantiles ask less of the data than many narrow ones.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when a quantile is empty at every date, or a step does not vary.
pub fn monotonicity(claim: &Claim<'_>) -> Result<Monotonicity, BacktestError> {
    let horizon = claim.horizon as i32;
    let fail = || failed("monotonicity", &claim.score.name, claim.outcome, horizon);
    let outcome = claim.panel.outcome(claim.outcome, horizon);
    let quantiles = claim.params.quantiles;
    let levels = quantile_levels(claim.panel, &claim.score.values, &outcome, quantiles as usize)
        .map_err(fail())?;
    let test = rise_test(&levels).map_err(fail())?;
    let mut n_accounts = vec![false; claim.panel.accounts().len()];
    for level in &levels {
        for (takes_part, influence) in n_accounts.iter_mut().zip(&level.unit_influence) {
            *takes_part |= influence.abs() > 0.0;
        }
    }
    Ok(Monotonicity {
        score: claim.score.name.clone(),
        outcome: claim.outcome.name().to_owned(),
        horizon_months: claim.horizon,
        means: levels.iter().map(|level| level.estimate).collect(),
        smallest_step: test.smallest_step,
        below: test.at as u32 + 1,
        p_value: test.p_value,
        n_accounts: n_accounts.into_iter().filter(|takes_part| *takes_part).count() as u64,
    })
}
