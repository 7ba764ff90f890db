//! The share model: does a move of a score come before a move of the share of wallet, account by account?

use super::information::failed;
use super::within::{slope, within_accounts};
use super::{BacktestError, Finding};
use crate::panel::{Measure, Panel, PanelScore};

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
    let odds: Vec<f64> = shares.into_iter().map(log_odds).collect();
    let fit = within_accounts(panel, &score.values, &odds).map_err(fail())?;
    let described = Finding {
        statistic: "share_log_odds_within".to_owned(),
        method: "share model: log-odds of the share of wallet on the score with account effects, \
                 errors clustered by account"
            .to_owned(),
        ..slope(&fit, panel, score, (Measure::ShareOfWallet, horizon)).map_err(fail())?
    };
    Ok(described)
}

/// NaN stays NaN.
fn log_odds(share: f64) -> f64 {
    let share = share.clamp(EDGE, 1.0 - EDGE);
    (share / (1.0 - share)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_odds_end_at_the_edges() {
        assert!((log_odds(0.0) + log_odds(1.0)).abs() < 1e-12);
        assert!(log_odds(0.5).abs() < 1e-15);
        assert!((log_odds(0.0) - (0.001_f64 / 0.999).ln()).abs() < 1e-12);
    }
}
