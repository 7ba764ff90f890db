//! From an analysis to charts and to `results.json`.

use crate::backtest::{
    AttritionBand, DrawnPlacebo, EventContrast, Figure, PlaceboKind, Standing, TypeWeight,
};
use crate::chart::{
    self, AttritionData, Chart, ChartError, ConcentrationData, Curve, DecileData, Estimate,
    EventStudyData, LeadLagData, LearnedWeightsData, PathAge, PatternCurve, PlaceboColumn,
    PlaceboData, PlanPathData, TrajectoryData, WeightRow,
};
use crate::report::{Benchmark, Beside, DataInfo, Dropped, Interval, WeightResults, WorldResults};

use super::analyse::{Analysis, PatternsFound};
use super::data::Dataset;
use super::data_map::data_map_data;

/// Oldest age drawn in a trajectory \[months\].
const OLDEST_AGE: i32 = 36;

/// The charts of one data set; one that has nothing to show is left out.
///
/// # Errors
///
/// [`ChartError`] when a chart cannot be drawn.
pub(super) fn charts(
    dataset: &Dataset,
    analysis: &Analysis,
    currency: &str,
) -> Result<Vec<Chart>, ChartError> {
    let simulated = dataset.simulation().is_some();
    let mut charts = vec![chart::trajectories(&trajectories(analysis, simulated))?];
    if let Some(data) = deciles(analysis, currency, simulated) {
        charts.push(chart::outcome_by_decile(&data)?);
    }
    if let Some(data) = lead_lag(analysis, simulated) {
        charts.push(chart::lead_lag(&data)?);
    }
    if let Some(data) = placebos(analysis, simulated) {
        charts.push(chart::placebos(&data)?);
    }
    if let Some(data) = event_study(analysis, currency, simulated) {
        charts.push(chart::event_study(&data)?);
    }
    if let Some(data) = attrition(analysis, simulated) {
        charts.push(chart::attrition_by_band(&data)?);
    }
    if let Some(data) = concentration(analysis, simulated) {
        charts.push(chart::concentration(&data)?);
    }
    if let Some(data) = plan_path(analysis, simulated) {
        charts.push(chart::plan_path(&data)?);
    }
    charts.push(chart::data_map(&data_map_data(&analysis.data_map, dataset))?);
    if let Some(data) = learned_weights(analysis, simulated) {
        charts.push(chart::learned_weights(&data)?);
    }
    if let Some(simulation) = dataset.simulation() {
        charts.push(chart::flow_diagram(simulation.flow())?);
    }
    Ok(charts)
}

fn trajectories(analysis: &Analysis, simulated: bool) -> TrajectoryData {
    let everyone: Vec<usize> = (0..analysis.panel.accounts().len())
        .filter(|&account| analysis.panel.accounts()[account].entry >= 0)
        .collect();
    let mut curves = Vec::new();
    if let Some(PatternsFound { patterns, accounts }) = &analysis.patterns {
        for (position, summary) in patterns.summaries().iter().enumerate() {
            let members: Vec<usize> = accounts
                .iter()
                .zip(&patterns.assignments)
                .filter(|(_, assigned)| **assigned == Some(position))
                .map(|(&account, _)| account)
                .collect();
            curves.push(PatternCurve {
                name: format!("Pattern {}", summary.pattern),
                label: summary.label,
                curve: curve(analysis, &members),
            });
        }
    }
    TrajectoryData {
        months: ages(analysis),
        since: "the account became a customer".to_owned(),
        patterns: curves,
        overall: curve(analysis, &everyone),
        score: analysis.focus.score.clone(),
        simulated,
    }
}

fn ages(analysis: &Analysis) -> Vec<i32> {
    (0..=OLDEST_AGE.min(analysis.panel.months() as i32 - 1)).collect()
}

/// Mean score of `members` by age with its 95 % band.
fn curve(analysis: &Analysis, members: &[usize]) -> Curve {
    let panel = &analysis.panel;
    let score = panel.score(&analysis.focus.score).expect("the focus is a score of the panel");
    let mut curve = Curve { mean: vec![], low: vec![], high: vec![], at_risk: vec![] };
    for age in ages(analysis) {
        let values: Vec<f64> = members
            .iter()
            .filter_map(|&account| {
                let month = panel.accounts()[account].entry + age;
                let inside = month < panel.months() as i32;
                inside.then(|| score.values[account * panel.months() + month as usize])
            })
            .filter(|value| !value.is_nan())
            .collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let half = if values.len() > 1 { 1.96 * (variance / n).sqrt() } else { f64::NAN };
        curve.mean.push(if values.is_empty() { f64::NAN } else { mean });
        curve.low.push(mean - half);
        curve.high.push(mean + half);
        curve.at_risk.push(values.len() as u64);
    }
    curve
}

fn deciles(analysis: &Analysis, currency: &str, simulated: bool) -> Option<DecileData> {
    let deciles = analysis.deciles.as_ref()?;
    let focus = &analysis.focus;
    let unit = if focus.outcome.is_money() { currency } else { "" };
    Some(DecileData {
        score: focus.score.clone(),
        outcome: focus.outcome.name().replace('_', " "),
        unit: unit.to_owned(),
        horizon_months: focus.horizon as i32,
        decile_means: deciles.means.iter().map(|mean| mean.estimate).collect(),
        low: deciles.means.iter().map(|mean| mean.ci_low).collect(),
        high: deciles.means.iter().map(|mean| mean.ci_high).collect(),
        n: deciles.means.iter().map(|mean| mean.n_units as u64).collect(),
        overall: deciles.overall,
        simulated,
    })
}

fn lead_lag(analysis: &Analysis, simulated: bool) -> Option<LeadLagData> {
    let curve = analysis.lead_lag.as_ref().filter(|curve| !curve.horizons.is_empty())?;
    Some(LeadLagData {
        horizons: curve.horizons.clone(),
        ic: curve.ic.iter().map(|ic| ic.estimate).collect(),
        low: curve.ic.iter().map(|ic| ic.ci_low).collect(),
        high: curve.ic.iter().map(|ic| ic.ci_high).collect(),
        envelope_low: curve.envelope.iter().map(|edge| edge.0).collect(),
        envelope_high: curve.envelope.iter().map(|edge| edge.1).collect(),
        score: analysis.focus.score.clone(),
        outcome: curve.outcome.name().replace('_', " "),
        simulated,
    })
}

/// The placebos of the focus that are drawn many times and are about its information coefficient.
fn placebos(analysis: &Analysis, simulated: bool) -> Option<PlaceboData> {
    let focus = &analysis.focus;
    let column = |drawn: &DrawnPlacebo| {
        let figures = drawn.placebo.figures.as_ref()?;
        Some(PlaceboColumn {
            name: drawn.placebo.placebo.words().to_owned(),
            real: figures.real,
            draws: drawn.draws.clone(),
            percentile: figures.percentile?,
            p_value: figures.p_value,
        })
    };
    let of_focus = |drawn: &&DrawnPlacebo| {
        let placebo = &drawn.placebo;
        placebo.placebo != PlaceboKind::FakeDates
            && placebo.score == focus.score
            && placebo.outcome == focus.outcome.name()
            && placebo.horizon_months == focus.horizon
    };
    let placebos = analysis.diagnosed.placebos.iter().filter(of_focus);
    let columns: Vec<PlaceboColumn> = placebos.filter_map(column).collect();
    (!columns.is_empty()).then(|| PlaceboData {
        score: focus.score.clone(),
        outcome: focus.outcome.name().replace('_', " "),
        horizon_months: focus.horizon,
        columns,
        simulated,
    })
}

fn event_study(analysis: &Analysis, currency: &str, simulated: bool) -> Option<EventStudyData> {
    let study = &analysis.diagnosed.diagnostics.event_study;
    let figures = study.figures.as_ref()?;
    let contrast =
        |of: &EventContrast| Estimate { value: of.estimate, low: of.ci_low, high: of.ci_high };
    let fake = analysis
        .diagnosed
        .placebos
        .iter()
        .find(|drawn| drawn.placebo.placebo == PlaceboKind::FakeDates)
        .and_then(|drawn| drawn.placebo.figures.as_ref());
    Some(EventStudyData {
        moment: study.moment.clone(),
        outcome: study.outcome.replace('_', " "),
        unit: currency.to_owned(),
        months: figures.path.iter().map(|point| point.month).collect(),
        effect: figures.path.iter().map(|point| point.effect).collect(),
        low: figures.path.iter().map(|point| point.ci_low).collect(),
        high: figures.path.iter().map(|point| point.ci_high).collect(),
        after: contrast(&figures.after),
        before: contrast(&figures.before),
        fake: fake.map(|figures| (figures.low, figures.high)),
        n_moments: figures.n_moments,
        simulated,
    })
}

fn attrition(analysis: &Analysis, simulated: bool) -> Option<AttritionData> {
    let bands = analysis.attrition.as_ref()?;
    if bands.iter().all(|band| band.curve.n_events == 0) {
        return None;
    }
    let followed = |band: &AttritionBand| band.durations.iter().copied().fold(0.0, f64::max);
    let last = bands.iter().map(followed).fold(0.0, f64::max) as i32;
    let months: Vec<i32> = (0..=last).collect();
    let bands = bands.iter().map(|band| monthly(band, &months)).collect();
    Some(AttritionData { months, bands, score: analysis.focus.score.clone(), simulated })
}

/// A survival curve read at each month.
fn monthly(band: &AttritionBand, months: &[i32]) -> chart::AttritionBand {
    let mut drawn = chart::AttritionBand {
        label: band.label.clone(),
        survival: vec![],
        low: vec![],
        high: vec![],
        at_risk: vec![],
    };
    for &month in months {
        let time = f64::from(month);
        let step = band.curve.steps.iter().rev().find(|step| step.time <= time);
        let (survival, interval) = step.map_or((1.0, None), |step| (step.survival, step.interval));
        drawn.survival.push(survival);
        drawn.low.push(interval.map_or(survival, |interval| interval.low));
        drawn.high.push(interval.map_or(survival, |interval| interval.high));
        drawn.at_risk.push(band.durations.iter().filter(|&&d| d >= time).count() as u64);
    }
    drawn
}

fn concentration(analysis: &Analysis, simulated: bool) -> Option<ConcentrationData> {
    let figures = analysis.benchmark.as_ref()?;
    let curves = figures.concentration.as_ref()?;
    let estimate =
        |figure: Figure| Estimate { value: figure.estimate, low: figure.low, high: figure.high };
    Some(ConcentrationData {
        share_of_accounts: curves.share_of_accounts.clone(),
        cumulative_profit: curves.contribution.clone(),
        cumulative_cost: curves.cost_to_engage.clone(),
        cumulative_revenue: curves.revenue.clone(),
        top20_profit: estimate(figures.profit_share),
        top20_revenue: estimate(figures.revenue_share),
        cost_ratio: estimate(figures.cost_ratio),
        simulated,
    })
}

fn plan_path(analysis: &Analysis, simulated: bool) -> Option<PlanPathData> {
    let figures = analysis.plan_actual.as_ref()?;
    let age = |point: &crate::journey::PathPoint| PathAge {
        month: point.age_months as i32,
        planned: point.planned_rv,
        actual: point.actual_rv,
        margin: point.actual_rv_margin,
        contacts: point.n_contacts,
    };
    Some(PlanPathData { path: figures.path.iter().map(age).collect(), simulated })
}

fn learned_weights(analysis: &Analysis, simulated: bool) -> Option<LearnedWeightsData> {
    let fit = analysis.weights.as_ref()?.learned.fit.as_ref()?;
    let differs = |of: &TypeWeight| !matches!(of.standing, Standing::Kept | Standing::Refused);
    let mut types: Vec<&TypeWeight> =
        fit.types.iter().filter(|of| of.standing != Standing::Refused).collect();
    types.sort_by_key(|of| (!differs(of), std::cmp::Reverse(of.exits)));
    let row = |of: &&TypeWeight| WeightRow {
        interaction_type: of.interaction_type.clone(),
        expert: of.expert_weight,
        learned: Estimate {
            value: of.learned_weight,
            low: of.low.unwrap_or(of.learned_weight),
            high: of.high.unwrap_or(of.learned_weight),
        },
    };
    Some(LearnedWeightsData {
        rows: types.iter().map(row).collect(),
        differing: fit.types.iter().filter(|of| differs(of)).count(),
        types: fit.types.len(),
        auc: fit.learned.estimate,
        chance: (fit.null.out_of_sample.low, fit.null.out_of_sample.high),
        simulated,
    })
}

/// What `results.json` holds of one data set.
pub fn world_results(dataset: &Dataset, analysis: &Analysis) -> WorldResults {
    let panel = &analysis.panel;
    let drops = panel
        .drops()
        .iter()
        .map(|drop| Dropped { reason: drop.reason.to_owned(), count: drop.count });
    let last = panel.first_month().plus(panel.months() as i32 - 1);
    let found = analysis.patterns.as_ref().map(|found| &found.patterns);
    WorldResults {
        name: dataset.name.clone(),
        description: dataset.description.split_whitespace().collect::<Vec<_>>().join(" "),
        data: DataInfo {
            n_accounts: analysis.counts.accounts,
            n_contacts: analysis.counts.contacts,
            n_interactions: analysis.counts.interactions,
            n_exits: analysis.counts.exits,
            first_month: panel.first_month().to_string(),
            last_month: last.to_string(),
            n_account_months: panel.rows() as u64,
            dropped: dataset.dropped.iter().cloned().chain(drops).collect(),
        },
        benchmark: analysis.benchmark.as_ref().map(|figures| {
            let interval = |figure: Figure| Interval {
                estimate: figure.estimate,
                ci_low: figure.low,
                ci_high: figure.high,
            };
            Benchmark {
                cost_ratio: interval(figures.cost_ratio),
                revenue_ratio: interval(figures.revenue_ratio),
                top20_revenue_share: interval(figures.revenue_share),
                top20_profit_share: interval(figures.profit_share),
                repeat_revenue_share: interval(figures.repeat_share),
                annual_attrition: interval(figures.attrition),
                n_accounts: figures.accounts as u64,
            }
        }),
        beside: Beside {
            value_exchange: analysis.exchange.clone(),
            rivals: analysis.rivals.clone(),
            plan_against_actual: analysis.plan_actual.clone(),
            goodwill: analysis.goodwill.as_ref().map(|(figures, _)| figures.clone()),
        },
        power: analysis.powers.clone(),
        findings: analysis.findings.clone(),
        verdicts: analysis.verdicts.clone(),
        exceptions: analysis.exceptions.as_ref().map(|(figures, _)| figures.clone()),
        weights: analysis.weights.as_ref().map(|found| WeightResults {
            learned: found.learned.clone(),
            rank_flips: found.ranks.as_ref().map(|(flips, _)| flips.clone()),
        }),
        data_map: Some(analysis.data_map.clone()),
        diagnostics: Some(analysis.diagnosed.diagnostics.clone()),
        patterns: found.map(|found| found.summaries().to_vec()).unwrap_or_default(),
        patterns_note: found.and_then(|found| found.why_none().map(str::to_owned)),
    }
}
