//! Attrition: does a low score tell who will leave? As-of scores only: no immortal time.

use crate::panel::{Measure, Panel, PanelScore};
use crate::rng::Draws;
use crate::stats::{self, SurvivalCurve, cluster_ewc};

use super::information::{failed, from_inference, grid};
use super::{BacktestError, BacktestParams, Finding};

/// AUC of a low score for exits within `horizon` months, averaged over landmark months.
///
/// With strata and draws of a `permutation` the p-value is the larger of the clustered one and that of
/// whole-history permutation (of the rank correlation of score and exit: AUC − ½ scaled at each date).
/// The score is read `lead` months before the window opens: with `lead` > 0 exits in
/// `(t + lead, t + lead + horizon]` count, among accounts still there at t + lead.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when no landmark has enough exits.
pub fn attrition_auc(
    panel: &Panel,
    score: &PanelScore,
    (horizon, lead): (u32, u32),
    params: &BacktestParams,
    permutation: Option<(&[u32], Draws)>,
) -> Result<Finding, BacktestError> {
    let signed = horizon as i32;
    let fail = || failed("attrition AUC", &score.name, Measure::Attrition, signed);
    let risk: Vec<f64> = score.values.iter().map(|value| -value).collect();
    let events = shifted_exits(panel, signed, lead as usize);
    let statistic = stats::mean_auc(
        grid(&risk, panel).map_err(fail())?,
        grid(&events, panel).map_err(fail())?,
        params.min_exits as usize,
    )
    .map_err(fail())?;
    let inference = cluster_ewc(&statistic, 0.5).map_err(fail())?;
    let name = if lead == 0 { "landmark_auc" } else { "landmark_auc_ahead" };
    let exits = events.iter().filter(|&&event| event > 0.5).count() as u64;
    let mut finding =
        from_inference(name, &score.name, Measure::Attrition, signed, &inference, 0.5);
    finding.n_events = exits;
    if let Some((strata, draws)) = permutation {
        let (risk, events) = (grid(&risk, panel), grid(&events, panel));
        let (permutations, least) = (params.permutations as usize, params.min_accounts as usize);
        let test = risk
            .and_then(|risk| {
                stats::permute_histories(risk, events?, strata, permutations, draws, least)
            })
            .map_err(fail())?;
        finding = finding.with_permutation(test.p_value, test.share_without_partner);
    }
    if lead > 0 {
        finding.method = format!("{}; score read {lead} months ahead", finding.method);
    }
    Ok(finding)
}

/// Exits in `(t + lead, t + lead + horizon]`, written at as-of month t.
fn shifted_exits(panel: &Panel, horizon: i32, lead: usize) -> Vec<f64> {
    let exits = panel.outcome(Measure::Attrition, horizon);
    let months = panel.months();
    let mut shifted = vec![f64::NAN; exits.len()];
    for account in 0..panel.accounts().len() {
        for month in 0..months.saturating_sub(lead) {
            shifted[account * months + month] = exits[account * months + month + lead];
        }
    }
    shifted
}

/// Survival of the accounts in one band of the score at the landmark.
#[derive(Debug, Clone, PartialEq)]
pub struct AttritionBand {
    /// Band, lowest first.
    pub label: String,
    /// Kaplan-Meier curve in months since the landmark.
    pub curve: SurvivalCurve,
    /// Months followed since the landmark, by account.
    pub durations: Vec<f64>,
}

/// Survival from the landmark month on, by third of the score at that month.
///
/// The landmark is the first month with rows, so that follow-up is longest; accounts that left
/// before are not in it, and the score is not read again.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when a band holds no account.
pub fn attrition_by_band(
    panel: &Panel,
    score: &PanelScore,
) -> Result<Vec<AttritionBand>, BacktestError> {
    let fail = || failed("attrition by band", &score.name, Measure::Attrition, 0);
    let months = panel.months();
    let landmark = (0..months)
        .find(|&month| (0..panel.accounts().len()).any(|a| panel.is_active(a, month)))
        .unwrap_or(0);
    let mut members: Vec<(f64, f64, bool)> = Vec::new();
    for (account, info) in panel.accounts().iter().enumerate() {
        if panel.is_active(account, landmark) {
            let exit = info.exit.filter(|&exit| (exit as usize) < months);
            let last = exit.unwrap_or(months as i32 - 1);
            let duration = f64::from(last - landmark as i32);
            members.push((score.values[account * months + landmark], duration, exit.is_some()));
        }
    }
    members.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n = members.len();
    ["lowest third", "middle third", "highest third"]
        .iter()
        .enumerate()
        .map(|(band, label)| {
            let part = &members[n * band / 3..n * (band + 1) / 3];
            let durations: Vec<f64> = part.iter().map(|m| m.1).collect();
            let observed: Vec<bool> = part.iter().map(|m| m.2).collect();
            let curve = stats::kaplan_meier(&vec![0.0; part.len()], &durations, &observed)
                .map_err(fail())?;
            Ok(AttritionBand { label: (*label).to_owned(), curve, durations })
        })
        .collect()
}
