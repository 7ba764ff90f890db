//! The share model: does a move of a score come before a move of the share of wallet, account by account?

use super::information::failed;
use super::{BacktestError, Finding};
use crate::panel::{Measure, Panel, PanelScore};
use crate::stats::{ClusteredLeastSquares, StatsError, detectable_effect};

/// Shares are kept this far from 0 and 1, where log-odds end.
const EDGE: f64 = 0.001;

/// θ of the share model with account effects: log-odds of the share of wallet over the horizon.
///
/// ```text
/// SOW_j = exp(θ RV_j) / Σ_k exp(θ RV_k)     so, for one leading rival,
/// ln(SOW / (1 − SOW))_{a, t+h} = α_a + θ score_{a,t} + ε      score = RV of us less that of the rival
/// ```
///
/// - `score`: standing against rivals, or any other; `horizon` \[months\], at least 1.
/// - Account effects by demeaning; errors clustered by account. Accounts with one month drop out. Shares are
///   kept within `[0.001, 0.999]`.
/// - Within accounts, levels that differ for good cannot pass for an effect; that short panels bias it
///   (Nickell) matters only where the score follows the share.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when fewer than two accounts have a moving score and a share.
pub fn share_model(
    panel: &Panel,
    score: &PanelScore,
    horizon: u32,
) -> Result<Finding, BacktestError> {
    let fail = || failed("share model", &score.name, Measure::ShareOfWallet, horizon as i32);
    let shares = panel.outcome(Measure::ShareOfWallet, horizon as i32);
    let rows = Within::new(panel, &score.values, &shares);
    if rows.x.is_empty() {
        let (statistic, needed) = ("share model", 2);
        return Err(fail()(StatsError::TooFew { statistic, needed, got: 0 }));
    }
    let fit = ClusteredLeastSquares::fit(&rows.x, 1, &rows.y, &rows.cluster).map_err(fail())?;
    let critical = fit.critical_value(0.95).map_err(fail())?;
    let (theta, error) = (fit.coefficients[1], fit.std_errors[1]);
    Ok(Finding {
        hypothesis: None,
        score: score.name.clone(),
        outcome: Measure::ShareOfWallet.name().to_owned(),
        horizon_months: horizon as i32,
        statistic: "share_log_odds_within".to_owned(),
        estimate: Some(theta),
        std_error: Some(error),
        ci_low: Some(theta - critical * error),
        ci_high: Some(theta + critical * error),
        p_value: Some(fit.p_values()[1]),
        p_adjusted: None,
        n_accounts: fit.clusters as u64,
        n_events: fit.observations as u64,
        n_periods: panel.months() as u64,
        method: "share model: log-odds of the share of wallet on the score with account effects, \
                 errors clustered by account"
            .to_owned(),
        detectable_effect: detectable_effect(error, fit.clusters as f64 - 1.0).ok(),
        in_family: false,
    })
}

/// Account-months less the means of their account.
#[derive(Debug, Default)]
struct Within {
    x: Vec<f64>,
    y: Vec<f64>,
    cluster: Vec<u32>,
}

impl Within {
    fn new(panel: &Panel, scores: &[f64], shares: &[f64]) -> Self {
        let mut rows = Self::default();
        for account in 0..panel.accounts().len() {
            let months = account * panel.months()..(account + 1) * panel.months();
            let pairs: Vec<(f64, f64)> = months
                .map(|at| (scores[at], log_odds(shares[at])))
                .filter(|(x, y)| x.is_finite() && y.is_finite())
                .collect();
            if pairs.len() < 2 {
                continue;
            }
            let n = pairs.len() as f64;
            let x = pairs.iter().map(|pair| pair.0).sum::<f64>() / n;
            let y = pairs.iter().map(|pair| pair.1).sum::<f64>() / n;
            rows.x.extend(pairs.iter().map(|pair| pair.0 - x));
            rows.y.extend(pairs.iter().map(|pair| pair.1 - y));
            rows.cluster.extend(std::iter::repeat_n(account as u32, pairs.len()));
        }
        rows
    }
}

fn log_odds(share: f64) -> f64 {
    let share = share.clamp(EDGE, 1.0 - EDGE);
    (share / (1.0 - share)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_accounts_for_good_is_no_effect() {
        // Within accounts the log-odds move by .5 per point; between them, against the score.
        let mut rows = Within::default();
        for account in 0..8_u32 {
            let level = f64::from(account);
            let x: Vec<f64> = [0.0, 1.0, 2.0, 1.0].map(|step| level + step).to_vec();
            let odds: Vec<f64> = x.iter().map(|x| -3.0 * level + 0.5 * (x - level)).collect();
            let noise = [0.1, -0.1, 0.1, -0.1].map(|e| e * (1.0 + level / 8.0));
            let y: Vec<f64> = odds.iter().zip(noise).map(|(y, e)| y + e).collect();
            let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
            let (mx, my) = (mean(&x), mean(&y));
            rows.x.extend(x.iter().map(|x| x - mx));
            rows.y.extend(y.iter().map(|y| y - my));
            rows.cluster.extend([account; 4]);
        }
        let fit = ClusteredLeastSquares::fit(&rows.x, 1, &rows.y, &rows.cluster).unwrap();
        // The noise is even in the score: it moves no slope.
        assert!((fit.coefficients[1] - 0.5).abs() < 1e-12, "{:?}", fit.coefficients);
    }

    #[test]
    fn log_odds_end_at_the_edges() {
        assert!((log_odds(0.0) + log_odds(1.0)).abs() < 1e-12);
        assert!(log_odds(0.5).abs() < 1e-15);
        assert!((log_odds(0.0) - (0.001_f64 / 0.999).ln()).abs() < 1e-12);
    }
}
