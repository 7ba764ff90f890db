//! What accounts bring later, by quantile of the score.

use crate::panel::{Measure, Panel, PanelScore};
use crate::stats::{self, Inference, PanelStatistic, StatsError, cluster_ewc};

use super::information::{failed, from_inference, grid};
use super::{BacktestError, BacktestParams, Finding};

/// Mean later outcome in each quantile of the score, averaged over dates.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileMeans {
    /// From the lowest quantile to the highest.
    pub means: Vec<Inference>,
    /// Mean over all accounts and dates.
    pub overall: f64,
}

/// Mean outcome of the top quantile less that of the bottom quantile, averaged over dates.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when no date has enough accounts.
pub fn quantile_spread(
    panel: &Panel,
    score: &PanelScore,
    outcome: Measure,
    horizon: u32,
    params: &BacktestParams,
) -> Result<Finding, BacktestError> {
    let signed = horizon as i32;
    let fail = || failed("quantile spread", &score.name, outcome, signed);
    let values = panel.outcome(outcome, signed);
    let statistic = stats::quantile_spread(
        grid(&score.values, panel).map_err(fail())?,
        grid(&values, panel).map_err(fail())?,
        params.quantiles as usize,
        params.min_accounts as usize,
    )
    .map_err(fail())?;
    let inference = cluster_ewc(&statistic, 0.0).map_err(fail())?;
    Ok(from_inference("quantile_spread", &score.name, outcome, signed, &inference, 0.0))
}

/// Mean outcome by quantile of the score, each with its interval.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when no date has enough accounts.
pub fn quantile_means(
    panel: &Panel,
    score: &PanelScore,
    outcome: Measure,
    horizon: u32,
    quantiles: u32,
) -> Result<QuantileMeans, BacktestError> {
    let signed = horizon as i32;
    let fail = || failed("quantile means", &score.name, outcome, signed);
    let values = panel.outcome(outcome, signed);
    let means = quantile_levels(panel, &score.values, &values, quantiles as usize)
        .and_then(|levels| levels.iter().map(|level| cluster_ewc(level, 0.0)).collect())
        .map_err(fail())?;
    let paired = score.values.iter().zip(&values).filter(|(s, v)| !s.is_nan() && !v.is_nan());
    let (sum, n) = paired.fold((0.0, 0_u64), |(sum, n), (_, v)| (sum + v, n + 1));
    Ok(QuantileMeans { means, overall: sum / n as f64 })
}

/// Mean of `values` in each quantile of the score, lowest first.
pub(super) fn quantile_levels(
    panel: &Panel,
    scores: &[f64],
    values: &[f64],
    quantiles: usize,
) -> Result<Vec<PanelStatistic>, StatsError> {
    let groups = groups_by_date(panel, scores, values, quantiles);
    let level = |quantile: usize| {
        let own: Vec<f64> = values
            .iter()
            .zip(&groups)
            .map(|(value, group)| if *group == Some(quantile) { *value } else { f64::NAN })
            .collect();
        stats::mean_level(grid(&own, panel)?, 2)
    };
    (0..quantiles).map(level).collect()
}

/// Quantile of the score within its date, where score and outcome are both there.
pub(super) fn groups_by_date(
    panel: &Panel,
    scores: &[f64],
    values: &[f64],
    quantiles: usize,
) -> Vec<Option<usize>> {
    let (accounts, months) = (panel.accounts().len(), panel.months());
    let mut groups = vec![None; scores.len()];
    for month in 0..months {
        let cells: Vec<usize> = (0..accounts)
            .map(|account| account * months + month)
            .filter(|&cell| !scores[cell].is_nan() && !values[cell].is_nan())
            .collect();
        let present: Vec<f64> = cells.iter().map(|&cell| scores[cell]).collect();
        for (&cell, group) in cells.iter().zip(stats::quantile_groups(&present, quantiles)) {
            groups[cell] = Some(group);
        }
    }
    groups
}
