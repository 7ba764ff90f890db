//! Information coefficient: the rank correlation of a score with an outcome, date by date.

use crate::panel::{Measure, Panel, PanelScore};
use crate::rng::Draws;
use crate::stats::{
    self, Grid, Inference, PanelStatistic, StatsError, cluster_ewc, detectable_effect,
    permute_histories_many,
};

use super::finding::headline_p;
use super::{BacktestError, BacktestParams, Finding, refuse_level_on_level};

/// The mean rank information coefficient of one score, outcome and horizon with its inference.
#[derive(Debug, Clone, PartialEq)]
pub struct InformationCoefficient {
    /// Score.
    pub score: String,
    /// Outcome.
    pub outcome: Measure,
    /// Horizon \[months\]; negative looks back.
    pub horizon: i32,
    /// Account-clustered with EWC date variance.
    pub inference: Inference,
    /// Permutation p-value; absent when not asked for.
    pub permutation_p: Option<f64>,
    /// Share of accounts without an overlapping partner in their stratum.
    pub share_without_partner: f64,
    /// The usual one-sample t on the series of coefficients, for comparison only.
    pub naive: Inference,
    /// Newey-West on that series, for comparison only.
    pub newey_west: Inference,
}

impl InformationCoefficient {
    /// The headline p-value: the larger of clustered and permuted, unless too many accounts have
    /// no partner; then the clustered one alone.
    pub fn headline_p(&self) -> f64 {
        let clustered = self.inference.p_value;
        let without = self.share_without_partner;
        self.permutation_p.map_or(clustered, |permuted| headline_p(clustered, permuted, without))
    }

    /// The findings: the headline, and beside it what the usual tests would have said.
    pub fn findings(&self, in_family: bool) -> Vec<Finding> {
        let finding = |statistic: &str, inference: &Inference| {
            from_inference(statistic, &self.score, self.outcome, self.horizon, inference, 0.0)
        };
        let compared = |statistic: &str, inference: &Inference| Finding {
            detectable_effect: None,
            ..finding(statistic, inference)
        };
        let headline = Finding {
            method: "mean of rank correlations by date; account cluster + EWC date variance"
                .to_owned(),
            in_family,
            ..finding("mean_rank_ic", &self.inference)
        };
        let without = self.share_without_partner;
        vec![
            match self.permutation_p {
                Some(permuted) => headline.with_permutation(permuted, without),
                None => headline,
            },
            compared("mean_rank_ic_naive_t", &self.naive),
            compared("mean_rank_ic_newey_west", &self.newey_west),
        ]
    }
}

/// Names the computation that failed.
pub(super) fn failed(
    what: &str,
    score: &str,
    outcome: Measure,
    horizon: i32,
) -> impl FnOnce(StatsError) -> BacktestError {
    let what = format!("{what} of `{score}` on `{}` at horizon {horizon}", outcome.name());
    move |source| BacktestError::Statistic { what, source }
}

pub(super) fn grid<'a>(values: &'a [f64], panel: &Panel) -> Result<Grid<'a>, StatsError> {
    Grid::new(values, panel.accounts().len(), panel.months())
}

/// Information coefficients of `score` with `outcome` at `horizons`, in that order.
///
/// The same draws serve all horizons; without `permutation` (strata and draws) the
/// clustered inference stands alone.
///
/// # Errors
///
/// [`BacktestError::LevelOnLevel`] when both accumulate. A horizon whose statistic cannot be
/// computed is an error inside the list, so that it does not hide the others.
pub fn information_coefficient(
    panel: &Panel,
    score: &PanelScore,
    outcome: Measure,
    horizons: &[i32],
    params: &BacktestParams,
    permutation: Option<(&[u32], Draws)>,
) -> Result<Vec<Result<InformationCoefficient, BacktestError>>, BacktestError> {
    refuse_level_on_level(&score.name, score.accumulates, outcome)?;
    let outcomes: Vec<Vec<f64>> = horizons.iter().map(|&h| panel.outcome(outcome, h)).collect();
    let coefficient = |position: usize| -> Result<InformationCoefficient, BacktestError> {
        let horizon = horizons[position];
        let fail = || failed("information coefficient", &score.name, outcome, horizon);
        let statistic = ic_statistic(panel, score, &outcomes[position], params).map_err(fail())?;
        let overlap = horizon.unsigned_abs().saturating_sub(1) as usize;
        // A comparison must not refuse what the headline can answer.
        let lag = overlap.min(statistic.n_periods.saturating_sub(1));
        let mut result = InformationCoefficient {
            score: score.name.clone(),
            outcome,
            horizon,
            inference: cluster_ewc(&statistic, 0.0).map_err(fail())?,
            permutation_p: None,
            share_without_partner: 0.0,
            naive: stats::naive_t(&statistic, 0.0).map_err(fail())?,
            newey_west: stats::newey_west(&statistic, 0.0, lag).map_err(fail())?,
        };
        if let Some((strata, draws)) = permutation {
            let test = stats::permute_histories(
                grid(&score.values, panel).map_err(fail())?,
                grid(&outcomes[position], panel).map_err(fail())?,
                strata,
                params.permutations as usize,
                draws,
                params.min_accounts as usize,
            )
            .map_err(fail())?;
            result.permutation_p = Some(test.p_value);
            result.share_without_partner = test.share_without_partner;
        }
        Ok(result)
    };
    Ok((0..horizons.len()).map(coefficient).collect())
}

fn ic_statistic(
    panel: &Panel,
    score: &PanelScore,
    outcome: &[f64],
    params: &BacktestParams,
) -> Result<PanelStatistic, StatsError> {
    let (x, y) = (grid(&score.values, panel)?, grid(outcome, panel)?);
    stats::mean_rank_correlation(x, y, params.min_accounts as usize)
}

/// The outcome by which lead is judged: before and after are not compared on contribution, which
/// holds the cost of the interactions that make the score.
pub fn before_cost(outcome: Measure) -> Measure {
    if outcome == Measure::Contribution { Measure::GrossProfit } else { outcome }
}

/// A finding from an inference against `null`, with its detectable effect.
pub fn from_inference(
    statistic: &str,
    score: &str,
    outcome: Measure,
    horizon: i32,
    inference: &Inference,
    null: f64,
) -> Finding {
    Finding {
        hypothesis: None,
        score: score.to_owned(),
        outcome: outcome.name().to_owned(),
        horizon_months: horizon,
        statistic: statistic.to_owned(),
        estimate: Some(inference.estimate),
        std_error: Some(inference.std_error),
        ci_low: Some(inference.ci_low),
        ci_high: Some(inference.ci_high),
        p_value: Some(inference.p_value),
        p_adjusted: None,
        n_accounts: inference.n_units as u64,
        n_events: inference.n_pairs as u64,
        n_periods: inference.n_periods as u64,
        method: if null == 0.0 {
            inference.method.to_owned()
        } else {
            format!("{} against {null}", inference.method)
        },
        detectable_effect: detectable(inference),
        in_family: false,
    }
}

/// The effect detectable with 80 % power; absent where the standard error is 0.
fn detectable(inference: &Inference) -> Option<f64> {
    detectable_effect(inference.std_error, inference.df).ok()
}

/// The lead-lag curve with its permutation envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct LeadLag {
    /// Outcome: gross profit where contribution was asked for, as in [`before_cost`].
    pub outcome: Measure,
    /// Horizons, negative first \[months\].
    pub horizons: Vec<i32>,
    /// Mean rank IC at each horizon with its 95 % interval.
    pub ic: Vec<Inference>,
    /// 2.5 % and 97.5 % quantiles of the mean rank IC over permuted histories.
    pub envelope: Vec<(f64, f64)>,
}

/// The lead-lag curve of `score` with `outcome`; horizons that cannot be computed are left out.
///
/// # Errors
///
/// [`BacktestError::LevelOnLevel`], or [`BacktestError::Statistic`] when the permutation fails.
pub fn lead_lag(
    panel: &Panel,
    score: &PanelScore,
    outcome: Measure,
    params: &BacktestParams,
    (strata, draws): (&[u32], Draws),
) -> Result<LeadLag, BacktestError> {
    refuse_level_on_level(&score.name, score.accumulates, outcome)?;
    let ahead = params.lead_lag.iter().map(|&h| h as i32);
    let mut wanted: Vec<i32> = ahead.clone().map(|h| -h).chain(ahead).collect();
    wanted.sort_unstable();
    let outcome = before_cost(outcome);
    let mut curve = LeadLag { outcome, horizons: Vec::new(), ic: Vec::new(), envelope: Vec::new() };
    let mut outcomes = Vec::new();
    for horizon in wanted {
        let values = panel.outcome(outcome, horizon);
        let Ok(inference) = ic_statistic(panel, score, &values, params)
            .and_then(|statistic| cluster_ewc(&statistic, 0.0))
        else {
            continue;
        };
        curve.horizons.push(horizon);
        curve.ic.push(inference);
        outcomes.push(values);
    }
    let fail = || failed("lead-lag envelope", &score.name, outcome, 0);
    let grids: Vec<Grid<'_>> = outcomes
        .iter()
        .map(|values| grid(values, panel))
        .collect::<Result<_, _>>()
        .map_err(fail())?;
    let tests = permute_histories_many(
        grid(&score.values, panel).map_err(fail())?,
        &grids,
        strata,
        params.permutations as usize,
        draws,
        params.min_accounts as usize,
    )
    .map_err(fail())?;
    for (position, test) in tests.into_iter().enumerate().rev() {
        let Some(mut null) = test.map(|test| test.null).filter(|null| !null.is_empty()) else {
            curve.horizons.remove(position);
            curve.ic.remove(position);
            continue;
        };
        null.sort_by(f64::total_cmp);
        let at = |share: f64| null[((null.len() - 1) as f64 * share).round() as usize];
        curve.envelope.push((at(0.025), at(0.975)));
    }
    curve.envelope.reverse();
    Ok(curve)
}
