//! Survival analysis against R, lifelines, scikit-survival and statsmodels.

use std::collections::BTreeMap;

use rvq::stats::{
    CensoringCurve, CoxFit, CoxRows, Ties, TimeTransform, aalen_johansen, dynamic_auc,
    harrell_concordance, integrated_brier_score, ipcw_brier_score, log_rank, nelson_aalen,
    uno_concordance,
};
use serde::Deserialize;

use super::Fixture;

fn causes(cause: &[u32]) -> Vec<Option<u32>> {
    cause.iter().map(|cause| (*cause > 0).then_some(*cause)).collect()
}

fn events(cause: &[u32]) -> Vec<bool> {
    cause.iter().map(|cause| *cause > 0).collect()
}

#[derive(Deserialize)]
struct CurvesByR {
    name: String,
    entry: Vec<f64>,
    time: Vec<f64>,
    cause: Vec<u32>,
    times: Vec<f64>,
    at_risk: Vec<usize>,
    hazard: Vec<f64>,
    std_error: Vec<f64>,
    incidence_times: Vec<f64>,
    incidence: Vec<Vec<f64>>,
}

#[test]
fn curves_match_r() {
    let fixture = Fixture::<CurvesByR>::read("survival_curves_r");
    for case in &fixture.cases {
        let name = &case.name;
        let hazard = nelson_aalen(&case.entry, &case.time, &events(&case.cause)).unwrap();
        let steps = &hazard.steps;
        let of = |f: fn(&rvq::stats::HazardStep) -> f64| steps.iter().map(f).collect::<Vec<_>>();
        fixture.all_near(name, &of(|s| s.time), &case.times);
        assert_eq!(steps.iter().map(|s| s.at_risk).collect::<Vec<_>>(), case.at_risk);
        fixture.all_near(name, &of(|s| s.cumulative_hazard), &case.hazard);
        fixture.all_near(name, &of(|s| s.std_error), &case.std_error);
        let curves = aalen_johansen(&case.entry, &case.time, &causes(&case.cause)).unwrap();
        for (curve, expected) in curves.iter().zip(&case.incidence) {
            let at: Vec<f64> = case.incidence_times.iter().map(|t| curve.at(*t)).collect();
            fixture.all_near(&format!("{name}, cause {}", curve.cause), &at, expected);
        }
    }
}

#[derive(Deserialize)]
struct Incidence {
    times: Vec<f64>,
    values: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

#[derive(Deserialize)]
struct CurvesByPython {
    name: String,
    time: Vec<f64>,
    cause: Vec<u32>,
    group: Vec<u32>,
    times: Vec<f64>,
    hazard: Vec<f64>,
    incidence: BTreeMap<u32, Incidence>,
    log_rank: f64,
    log_rank_p: f64,
}

#[test]
fn curves_match_lifelines_and_scikit_survival() {
    let fixture = Fixture::<CurvesByPython>::read("survival_curves");
    for case in &fixture.cases {
        let (name, event) = (&case.name, events(&case.cause));
        let entry = vec![-1.0; event.len()];
        let hazard = nelson_aalen(&entry, &case.time, &event).unwrap();
        let at: Vec<f64> = case.times.iter().map(|t| hazard.at(*t)).collect();
        fixture.all_near(name, &at, &case.hazard);
        for curve in aalen_johansen(&entry, &case.time, &causes(&case.cause)).unwrap() {
            let expected = &case.incidence[&curve.cause];
            let what = format!("{name}, cause {}", curve.cause);
            let of = |f: fn(&rvq::stats::IncidenceStep) -> f64| {
                curve.steps.iter().map(f).collect::<Vec<_>>()
            };
            fixture.all_near(&what, &of(|s| s.time), &expected.times);
            fixture.all_near(&what, &of(|s| s.incidence), &expected.values);
            fixture.all_near(&what, &of(|s| s.interval.unwrap().low), &expected.low);
            fixture.all_near(&what, &of(|s| s.interval.unwrap().high), &expected.high);
        }
        let ranked = log_rank(&entry, &case.time, &event, &case.group, None).unwrap();
        fixture.near(name, ranked.test.statistic, case.log_rank);
        fixture.near(name, ranked.test.p_value, case.log_rank_p);
    }
}

#[derive(Deserialize)]
struct LogRankCase {
    name: String,
    entry: Vec<f64>,
    time: Vec<f64>,
    event: Vec<bool>,
    group: Vec<u32>,
    stratum: Vec<u32>,
    statistic: f64,
    df: usize,
    observed: Vec<usize>,
    expected: Vec<f64>,
}

fn given<T>(values: &[T]) -> Option<&[T]> {
    (!values.is_empty()).then_some(values)
}

#[test]
fn log_rank_matches_r() {
    let fixture = Fixture::<LogRankCase>::read("log_rank_r");
    for case in &fixture.cases {
        let stratum = given(&case.stratum);
        let ranked = log_rank(&case.entry, &case.time, &case.event, &case.group, stratum).unwrap();
        fixture.near(&case.name, ranked.test.statistic, case.statistic);
        assert_eq!(ranked.test.df, case.df, "{}", case.name);
        for ((group, observed), expected) in
            ranked.groups.iter().zip(&case.observed).zip(&case.expected)
        {
            assert_eq!(group.observed, *observed, "{}", case.name);
            fixture.near(&case.name, group.expected, *expected);
        }
    }
}

#[derive(Deserialize)]
struct CoxByR {
    name: String,
    ties: String,
    entry: Vec<f64>,
    exit: Vec<f64>,
    event: Vec<bool>,
    x: Vec<f64>,
    cluster: Vec<u32>,
    stratum: Vec<u32>,
    coefficients: Vec<f64>,
    std_errors: Vec<f64>,
    model_std_errors: Vec<f64>,
    log_likelihoods: [f64; 2],
    score: f64,
    wald: f64,
    martingale: Vec<f64>,
    schoenfeld_sums: Vec<f64>,
    schoenfeld_first: Vec<f64>,
    hazard_at: Vec<f64>,
    hazard: Vec<f64>,
    zph: BTreeMap<String, Vec<f64>>,
}

fn ties(name: &str) -> Ties {
    if name == "efron" { Ties::Efron } else { Ties::Breslow }
}

impl CoxByR {
    fn fit(&self) -> CoxFit {
        let columns = self.coefficients.len();
        let rows = CoxRows::new(&self.entry, &self.exit, &self.event, &self.x, columns).unwrap();
        let rows = given(&self.cluster).map_or(rows, |c| rows.with_clusters(c).unwrap());
        let rows = given(&self.stratum).map_or(rows, |s| rows.with_strata(s).unwrap());
        CoxFit::fit(&rows, ties(&self.ties)).unwrap()
    }
}

#[test]
fn cox_matches_r() {
    let fixture = Fixture::<CoxByR>::read("cox_r");
    for case in &fixture.cases {
        let fit = case.fit();
        let what = |part: &str| format!("{}: {part}", case.name);
        // Relative to the reference: coefficients may be of any size.
        let ratios = |actual: Vec<f64>, expected: &[f64]| -> Vec<f64> {
            actual.iter().zip(expected).map(|(a, e)| a / e).collect()
        };
        let ones = vec![1.0; case.coefficients.len()];
        let of = |f: fn(&rvq::stats::Estimate) -> f64| fit.coefficients.iter().map(f).collect();
        let coefficients = ratios(of(|c| c.estimate), &case.coefficients);
        fixture.all_near(&what("coefficient over R's"), &coefficients, &ones);
        let errors = ratios(of(|c| c.std_error), &case.std_errors);
        fixture.all_near(&what("standard error over R's"), &errors, &ones);
        let errors = ratios(fit.model_std_errors.clone(), &case.model_std_errors);
        fixture.all_near(&what("model standard error over R's"), &errors, &ones);
        let log_likelihoods = [fit.null_log_likelihood, fit.log_likelihood];
        fixture.all_near(&what("log likelihood"), &log_likelihoods, &case.log_likelihoods);
        let gain = case.log_likelihoods[1] - case.log_likelihoods[0];
        fixture.near(&what("likelihood ratio"), fit.likelihood_ratio.statistic, 2.0 * gain);
        fixture.near(&what("score"), fit.score.statistic, case.score);
        fixture.near(&what("wald"), fit.wald.statistic, case.wald);
        residuals_match(&fixture, case, &fit);
    }
}

fn residuals_match(fixture: &Fixture<CoxByR>, case: &CoxByR, fit: &CoxFit) {
    let what = |part: &str| format!("{}: {part}", case.name);
    fixture.all_near(&what("martingale"), &fit.martingale_residuals(), &case.martingale);
    let residuals = fit.schoenfeld_residuals();
    let sums =
        (0..case.coefficients.len()).map(|k| residuals.iter().map(|r| r.values[k].powi(2)).sum());
    fixture.all_near(&what("schoenfeld"), &sums.collect::<Vec<f64>>(), &case.schoenfeld_sums);
    let first = residuals.iter().find(|r| {
        r.values
            .iter()
            .zip(&case.schoenfeld_first)
            .all(|(a, b)| (a - b).abs() < 1e-6 * b.abs().max(1.0))
    });
    assert!(first.is_some_and(|r| r.time <= residuals[3].time), "{}", what("first residual"));
    let baseline = &fit.cumulative_hazard(&vec![0.0; case.coefficients.len()]).unwrap()[0];
    let hazard: Vec<f64> = case.hazard_at.iter().map(|t| baseline.at(*t)).collect();
    fixture.all_near(&what("baseline hazard"), &hazard, &case.hazard);
    for (transform, expected) in &case.zph {
        let clock = match transform.as_str() {
            "km" => TimeTransform::KaplanMeier,
            "identity" => TimeTransform::Identity,
            _ => TimeTransform::Log,
        };
        let test = fit.proportional_hazards(clock).unwrap();
        let statistics: Vec<f64> =
            test.columns.iter().chain([&test.global]).map(|test| test.statistic).collect();
        fixture.all_near(&what(transform), &statistics, expected);
    }
}

#[derive(Deserialize)]
struct CoxByPython {
    name: String,
    ties: String,
    clusters: bool,
    late_entry: bool,
    entry: Vec<f64>,
    exit: Vec<f64>,
    event: Vec<bool>,
    cluster: Vec<u32>,
    x: Vec<f64>,
    coefficients: Vec<f64>,
    std_errors: Vec<f64>,
    log_likelihood: f64,
}

#[test]
fn cox_matches_lifelines_and_statsmodels() {
    let fixture = Fixture::<CoxByPython>::read("cox");
    let data = &fixture.cases[0];
    let from_the_start = vec![0.0; data.exit.len()];
    for case in &fixture.cases {
        let entry = if case.late_entry { &data.entry } else { &from_the_start };
        let exit = given(&case.exit).unwrap_or(&data.exit);
        let rows = CoxRows::new(entry, exit, &data.event, &data.x, 2).unwrap();
        let clustered = rows.with_clusters(&data.cluster).unwrap();
        let fit =
            CoxFit::fit(if case.clusters { &clustered } else { &rows }, ties(&case.ties)).unwrap();
        let coefficients: Vec<f64> = fit.coefficients.iter().map(|c| c.estimate).collect();
        let errors: Vec<f64> = fit.coefficients.iter().map(|c| c.std_error).collect();
        fixture.all_near(&case.name, &coefficients, &case.coefficients);
        fixture.all_near(&case.name, &errors, &case.std_errors);
        fixture.near(&case.name, fit.log_likelihood, case.log_likelihood);
    }
}

#[derive(Deserialize)]
struct ConcordanceByR {
    name: String,
    entry: Vec<f64>,
    time: Vec<f64>,
    event: Vec<bool>,
    risk: Vec<f64>,
    cluster: Vec<u32>,
    uno: bool,
    concordance: f64,
    std_error: f64,
    counts: Vec<f64>,
}

#[test]
fn concordance_matches_r() {
    let fixture = Fixture::<ConcordanceByR>::read("concordance_r");
    for case in &fixture.cases {
        let (time, event, risk) = (&case.time, &case.event, &case.risk);
        let found = if case.uno {
            let censoring = CensoringCurve::fit(time, event).unwrap();
            uno_concordance(time, event, risk, &censoring, f64::INFINITY).unwrap()
        } else {
            harrell_concordance(&case.entry, time, event, risk, given(&case.cluster)).unwrap()
        };
        fixture.near(&case.name, found.concordance.estimate, case.concordance);
        fixture.near(&case.name, found.concordance.std_error, case.std_error);
        if !case.uno {
            let counts = [found.concordant, found.discordant, found.tied];
            fixture.all_near(&case.name, &counts, &case.counts);
        }
    }
}

#[derive(Deserialize)]
struct MetricsCase {
    name: String,
    time: Vec<f64>,
    event: Vec<bool>,
    risk: Vec<f64>,
    at: Vec<f64>,
    tau: f64,
    survival: Vec<f64>,
    harrell: f64,
    counts: Vec<f64>,
    uno: f64,
    auc: Vec<f64>,
    mean_auc: f64,
    brier: Vec<f64>,
    integrated_brier: f64,
}

#[test]
fn metrics_match_scikit_survival() {
    let fixture = Fixture::<MetricsCase>::read("survival_metrics");
    for case in &fixture.cases {
        let (name, time, event, risk) = (&case.name, &case.time, &case.event, &case.risk);
        let censoring = CensoringCurve::fit(time, event).unwrap();
        let harrell =
            harrell_concordance(&vec![-1.0; time.len()], time, event, risk, None).unwrap();
        fixture.near(name, harrell.concordance.estimate, case.harrell);
        let counts = [harrell.concordant, harrell.discordant, harrell.tied];
        fixture.all_near(name, &counts, &case.counts);
        let uno = uno_concordance(time, event, risk, &censoring, case.tau).unwrap();
        fixture.near(name, uno.concordance.estimate, case.uno);
        let auc = dynamic_auc(time, event, risk, &case.at, &censoring).unwrap();
        fixture.all_near(name, &auc.auc, &case.auc);
        fixture.near(name, auc.mean, case.mean_auc);
        let brier = ipcw_brier_score(time, event, &case.survival, &case.at, &censoring).unwrap();
        fixture.all_near(name, &brier, &case.brier);
        let integrated =
            integrated_brier_score(time, event, &case.survival, &case.at, &censoring).unwrap();
        fixture.near(name, integrated, case.integrated_brier);
    }
}
