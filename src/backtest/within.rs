//! Within accounts: does the outcome move when the account's own score has moved?

use super::information::failed;
use super::{BacktestError, Finding};
use crate::panel::{Measure, Panel, PanelScore};
use crate::stats::{
    ClusteredLeastSquares, FixedEffects, LongPanel, StatsError, detectable_effect,
    half_panel_jackknife, mid_ranks,
};

/// Slope of the outcome's rank on the score's rank within accounts, beside the pooled coefficient.
///
/// ```text
/// R(y)_{a,t+h} = α_a + β R(score)_{a,t} + ε     R: mid-rank at its date over n + 1, less ½
/// ```
///
/// - Account effects by demeaning, errors clustered by account. Whatever makes an account good for good, and
///   draws contact for that, is gone; the pooled coefficient holds it.
/// - Accounts observed once take no part. Short panels bias β toward 0 or beyond where the outcome moves the
///   score later (Nickell 1981), so it stands beside the headline and decides nothing by itself;
///   [`within_account_jackknifed`] takes most of that off.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when fewer than two accounts have a score that moves.
pub fn within_account(
    panel: &Panel,
    score: &PanelScore,
    outcome: Measure,
    horizon: u32,
) -> Result<Finding, BacktestError> {
    let fail = || failed("within-account slope", &score.name, outcome, horizon as i32);
    let [x, y] = ranks_of_both(panel, score, outcome, horizon);
    let fit = within_accounts(panel, &x, &y).map_err(fail())?;
    Ok(Finding {
        statistic: "within_account_slope".to_owned(),
        method: "slope of ranks by date with account effects, errors clustered by account"
            .to_owned(),
        ..slope(&fit, panel, score, (outcome, horizon)).map_err(fail())?
    })
}

/// The slope of [`within_account`] without its bias of order 1/T, by half-panel jackknife.
///
/// ```text
/// β̃ = 2 β̂ − (β̂₁ + β̂₂)/2     β̂₁, β̂₂: from the first and the second half of each account's dates
/// ```
///
/// A score that follows the outcome, as one that counts purchases does, has β̂ < 0 where nothing is there:
/// an account's mean holds what came after the score. Ranks are those of the whole panel.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when a half has fewer than two accounts or no score that moves.
///
/// # Source
///
/// Dhaene and Jochmans (2015); [`half_panel_jackknife`].
pub fn within_account_jackknifed(
    panel: &Panel,
    score: &PanelScore,
    outcome: Measure,
    horizon: u32,
) -> Result<Finding, BacktestError> {
    let fail = || failed("jackknifed within-account slope", &score.name, outcome, horizon as i32);
    let [x, y] = ranks_of_both(panel, score, outcome, horizon);
    let months = panel.months();
    let seen: Vec<usize> = (0..x.len()).filter(|&at| x[at].is_finite()).collect();
    let place = |of: fn(usize, usize) -> usize| -> Vec<u32> {
        seen.iter().map(|&at| of(at, months) as u32).collect()
    };
    let values = |of: &[f64]| -> Vec<f64> { seen.iter().map(|&at| of[at]).collect() };
    let (unit, period) = (place(|at, months| at / months), place(|at, months| at % months));
    let rows = LongPanel::new(&unit, &period, &values(&y), &values(&x), 1).map_err(fail())?;
    let fit = half_panel_jackknife(&rows, FixedEffects::Unit).map_err(fail())?;
    let slope = &fit.coefficients[0];
    Ok(Finding {
        hypothesis: None,
        score: score.name.clone(),
        outcome: outcome.name().to_owned(),
        horizon_months: horizon as i32,
        statistic: "within_account_slope_jackknifed".to_owned(),
        estimate: Some(slope.estimate),
        std_error: Some(slope.std_error),
        ci_low: Some(slope.ci_low),
        ci_high: Some(slope.ci_high),
        p_value: Some(slope.p_value),
        p_adjusted: None,
        n_accounts: fit.units as u64,
        n_events: seen.len() as u64,
        n_periods: months as u64,
        method:
            "slope of ranks by date with account effects, half-panel jackknife, errors clustered \
                 by account"
                .to_owned(),
        detectable_effect: detectable_effect(slope.std_error, fit.units as f64 - 1.0).ok(),
        in_family: false,
    })
}

/// Why the pooled and the within-account estimate must not be read alone: they have opposite signs, and at
/// least one is told apart from 0.
pub fn signs_differ(pooled: &Finding, within: &Finding) -> Option<String> {
    let (first, second) = (pooled.estimate?, within.estimate?);
    let clear = |finding: &Finding| finding.ci_low > Some(0.0) || finding.ci_high < Some(0.0);
    let differ = first * second < 0.0 && (clear(pooled) || clear(within));
    differ.then(|| {
        format!(
            "`{}` and `{}` at {} months go together as {first:.3} over accounts but {second:.3} within \
             them: who has more is not who gains (contact may be aimed at good customers)",
            pooled.score, pooled.outcome, pooled.horizon_months
        )
    })
}

/// Ranks of score and outcome among the accounts of a date that have both.
fn ranks_of_both(
    panel: &Panel,
    score: &PanelScore,
    outcome: Measure,
    horizon: u32,
) -> [Vec<f64>; 2] {
    let values = panel.outcome(outcome, horizon as i32);
    let both: Vec<bool> = score
        .values
        .iter()
        .zip(&values)
        .map(|(score, value)| score.is_finite() && value.is_finite())
        .collect();
    [ranks_by_date(panel, &score.values, &both), ranks_by_date(panel, &values, &both)]
}

/// Mid-ranks among the accounts of a date that have both values, NaN elsewhere.
fn ranks_by_date(panel: &Panel, values: &[f64], both: &[bool]) -> Vec<f64> {
    let months = panel.months();
    let mut ranks = vec![f64::NAN; values.len()];
    for month in 0..months {
        let cells: Vec<usize> = (0..panel.accounts().len())
            .map(|a| a * months + month)
            .filter(|at| both[*at])
            .collect();
        let own: Vec<f64> = cells.iter().map(|at| values[*at]).collect();
        let n = own.len() as f64;
        for (at, rank) in cells.into_iter().zip(mid_ranks(&own)) {
            ranks[at] = rank / (n + 1.0) - 0.5;
        }
    }
    ranks
}

/// Least squares of `y` on `x`, both less the means of their account.
pub(super) fn within_accounts(
    panel: &Panel,
    x: &[f64],
    y: &[f64],
) -> Result<ClusteredLeastSquares, StatsError> {
    let (mut xs, mut ys, mut cluster) = (Vec::new(), Vec::new(), Vec::new());
    for account in 0..panel.accounts().len() {
        let months = account * panel.months()..(account + 1) * panel.months();
        let pairs: Vec<(f64, f64)> = months
            .map(|at| (x[at], y[at]))
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .collect();
        if pairs.len() < 2 {
            continue;
        }
        let n = pairs.len() as f64;
        let mean_x = pairs.iter().map(|pair| pair.0).sum::<f64>() / n;
        let mean_y = pairs.iter().map(|pair| pair.1).sum::<f64>() / n;
        xs.extend(pairs.iter().map(|pair| pair.0 - mean_x));
        ys.extend(pairs.iter().map(|pair| pair.1 - mean_y));
        cluster.extend(std::iter::repeat_n(account as u32, pairs.len()));
    }
    ClusteredLeastSquares::fit(&xs, 1, &ys, &cluster)
}

/// The slope of a fit of one column, as a finding without a name.
pub(super) fn slope(
    fit: &ClusteredLeastSquares,
    panel: &Panel,
    score: &PanelScore,
    (outcome, horizon): (Measure, u32),
) -> Result<Finding, StatsError> {
    let critical = fit.critical_value(0.95)?;
    let (estimate, error) = (fit.coefficients[1], fit.std_errors[1]);
    Ok(Finding {
        hypothesis: None,
        score: score.name.clone(),
        outcome: outcome.name().to_owned(),
        horizon_months: horizon as i32,
        statistic: String::new(),
        estimate: Some(estimate),
        std_error: Some(error),
        ci_low: Some(estimate - critical * error),
        ci_high: Some(estimate + critical * error),
        p_value: Some(fit.p_values()[1]),
        p_adjusted: None,
        n_accounts: fit.clusters as u64,
        n_events: fit.observations as u64,
        n_periods: panel.months() as u64,
        method: String::new(),
        detectable_effect: detectable_effect(error, fit.clusters as f64 - 1.0).ok(),
        in_family: false,
    })
}
