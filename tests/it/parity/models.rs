//! Regression of outcomes that happen or not, of shares, of ordered categories, and hazards.

use rvq::stats::{
    BinaryLink, DiscreteHazard, Estimate, ModelVariance, OrderedLogit, PeriodEffects,
    PersonPeriods, RestrictedCubicSpline, binary_regression, firth_logistic, fractional_logit,
};
use serde::Deserialize;

use super::Fixture;

fn link(name: &str) -> BinaryLink {
    match name {
        "logit" => BinaryLink::Logit,
        "cloglog" => BinaryLink::ComplementaryLogLog,
        _ => panic!("unknown link {name}"),
    }
}

fn estimates(coefficients: &[Estimate]) -> Vec<f64> {
    coefficients.iter().map(|b| b.estimate).collect()
}

fn errors(coefficients: &[Estimate]) -> Vec<f64> {
    coefficients.iter().map(|b| b.std_error).collect()
}

fn p_values(coefficients: &[Estimate]) -> Vec<f64> {
    coefficients.iter().map(|b| b.p_value).collect()
}

fn scaled(values: &[f64], unit: &[f64]) -> Vec<f64> {
    values.iter().zip(unit).map(|(value, unit)| value * unit).collect()
}

#[derive(Deserialize)]
struct BinaryCase {
    name: String,
    link: String,
    columns: usize,
    x: Vec<f64>,
    y: Vec<bool>,
    cluster: Vec<u32>,
    unit: Vec<f64>,
    params: Vec<f64>,
    std_errors: Vec<f64>,
    p_values: Vec<f64>,
    clustered_std_errors: Option<Vec<f64>>,
    clustered_p_values: Option<Vec<f64>>,
    log_likelihood: f64,
}

#[test]
fn binary_regression_matches_statsmodels() {
    let fixture = Fixture::<BinaryCase>::read("binary_regression");
    for case in &fixture.cases {
        let fit = |variance| {
            binary_regression(link(&case.link), &case.x, case.columns, &case.y, variance).unwrap()
        };
        let classical = fit(ModelVariance::Classical);
        let params = scaled(&estimates(&classical.coefficients), &case.unit);
        fixture.all_near(&case.name, &params, &case.params);
        let found = scaled(&errors(&classical.coefficients), &case.unit);
        fixture.all_near(&format!("{}: errors", case.name), &found, &case.std_errors);
        let p = p_values(&classical.coefficients);
        fixture.all_near(&format!("{}: p", case.name), &p, &case.p_values);
        fixture.near(&case.name, classical.log_likelihood, case.log_likelihood);
        let (Some(known), Some(known_p)) = (&case.clustered_std_errors, &case.clustered_p_values)
        else {
            continue;
        };
        let clustered = fit(ModelVariance::Clustered(&case.cluster));
        let found = scaled(&errors(&clustered.coefficients), &case.unit);
        fixture.all_near(&format!("{}: clustered", case.name), &found, known);
        let p = p_values(&clustered.coefficients);
        fixture.all_near(&format!("{}: clustered p", case.name), &p, known_p);
    }
}

#[derive(Deserialize)]
struct BinaryByR {
    name: String,
    link: String,
    columns: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    cluster: Vec<u32>,
    params: Vec<f64>,
    std_errors: Option<Vec<f64>>,
    robust_std_errors: Vec<f64>,
    clustered_std_errors: Vec<f64>,
}

#[test]
fn binary_regression_and_shares_match_r() {
    let fixture = Fixture::<BinaryByR>::read("binary_regression_r");
    let mut shares = 0;
    for case in &fixture.cases {
        let happened: Vec<bool> = case.y.iter().map(|y| *y > 0.5).collect();
        let fit = |variance| match (&case.std_errors, variance) {
            (Some(_), variance) => {
                binary_regression(link(&case.link), &case.x, case.columns, &happened, variance)
            }
            (None, ModelVariance::Clustered(keys)) => {
                fractional_logit(&case.x, case.columns, &case.y, Some(keys))
            }
            (None, _) => fractional_logit(&case.x, case.columns, &case.y, None),
        };
        let robust = fit(ModelVariance::Robust).unwrap().coefficients;
        fixture.all_near(&case.name, &estimates(&robust), &case.params);
        fixture.all_near(&case.name, &errors(&robust), &case.robust_std_errors);
        let clustered = fit(ModelVariance::Clustered(&case.cluster)).unwrap().coefficients;
        fixture.all_near(&case.name, &errors(&clustered), &case.clustered_std_errors);
        match &case.std_errors {
            Some(expected) => {
                let classical = fit(ModelVariance::Classical).unwrap().coefficients;
                fixture.all_near(&case.name, &errors(&classical), expected);
            }
            None => shares += 1,
        }
    }
    assert_eq!(shares, 1);
}

#[derive(Deserialize)]
struct FirthCase {
    name: String,
    columns: usize,
    x: Vec<f64>,
    y: Vec<bool>,
    params: Vec<f64>,
    std_errors: Option<Vec<f64>>,
    #[serde(default)]
    p_values: Vec<Option<f64>>,
    #[serde(default)]
    ci_low: Vec<Option<f64>>,
    #[serde(default)]
    ci_high: Vec<Option<f64>>,
    log_likelihood: Option<f64>,
}

#[test]
fn firth_regression_matches_brglm2_and_firthmodels() {
    let mut ends = 0;
    for file in ["firth_r", "firth"] {
        let fixture = Fixture::<FirthCase>::read(file);
        for case in &fixture.cases {
            let fit = firth_logistic(&case.x, case.columns, &case.y).unwrap();
            let b = &fit.coefficients;
            fixture.all_near(&case.name, &estimates(b), &case.params);
            if let Some(expected) = &case.std_errors {
                fixture.all_near(&format!("{}: errors", case.name), &errors(b), expected);
            }
            let Some(log_likelihood) = case.log_likelihood else { continue };
            fixture.near(&case.name, fit.log_likelihood, log_likelihood);
            for (b, expected) in b.iter().zip(&case.p_values) {
                let Some(expected) = expected else { continue };
                fixture.near(&format!("{}: p", case.name), b.p_value, *expected);
            }
            for (b, (low, high)) in b.iter().zip(case.ci_low.iter().zip(&case.ci_high)) {
                for (actual, expected) in [(b.ci_low, low), (b.ci_high, high)] {
                    let Some(expected) = expected else { continue };
                    fixture.near(&format!("{}: interval", case.name), actual, *expected);
                    ends += 1;
                }
            }
        }
    }
    assert!(ends > 15, "{ends}");
}

#[test]
fn the_endometrial_cancer_rows_give_the_published_numbers() {
    // Heinze and Schemper (2002), table of the endometrial cancer study: coefficients and profile
    // intervals as they are printed.
    let fixture = Fixture::<FirthCase>::read("firth_r");
    let case = fixture.cases.iter().find(|case| case.name == "endometrial").unwrap();
    let fit = firth_logistic(&case.x, case.columns, &case.y).unwrap();
    let [_, nv, pi, eh] = &fit.coefficients[..] else { panic!("four coefficients") };
    for (b, [estimate, low, high]) in
        [(nv, [2.93, 0.61, 7.85]), (pi, [-0.03, -0.12, 0.04]), (eh, [-2.60, -4.37, -1.23])]
    {
        assert!((b.estimate - estimate).abs() < 0.006, "{b:?}");
        assert!((b.ci_low - low).abs() < 0.006 && (b.ci_high - high).abs() < 0.006, "{b:?}");
    }
}

#[derive(Deserialize)]
struct OrderedCase {
    name: String,
    columns: usize,
    x: Vec<f64>,
    y: Vec<u32>,
    coefficients: Vec<f64>,
    thresholds: Vec<f64>,
    std_errors: Vec<f64>,
    probabilities: Vec<Vec<f64>>,
    log_likelihood: f64,
}

#[test]
fn ordered_logit_matches_statsmodels() {
    let fixture = Fixture::<OrderedCase>::read("ordered_logit");
    for case in &fixture.cases {
        let fit = OrderedLogit::fit(&case.x, case.columns, &case.y, ModelVariance::Classical);
        let fit = fit.unwrap();
        fixture.all_near(&case.name, &estimates(&fit.coefficients), &case.coefficients);
        fixture.all_near(&case.name, &estimates(&fit.thresholds), &case.thresholds);
        fixture.all_near(&case.name, &errors(&fit.coefficients), &case.std_errors);
        fixture.near(&case.name, fit.log_likelihood, case.log_likelihood);
        for (row, expected) in case.x.chunks(case.columns).zip(&case.probabilities) {
            fixture.all_near(&case.name, &fit.probabilities(row), expected);
        }
    }
}

#[derive(Deserialize)]
struct OrderedByR {
    name: String,
    columns: usize,
    x: Vec<f64>,
    y: Vec<u32>,
    cluster: Vec<u32>,
    params: Vec<f64>,
    std_errors: Vec<f64>,
    clustered_std_errors: Vec<f64>,
    log_likelihood: f64,
}

#[test]
fn ordered_logit_matches_clm() {
    let fixture = Fixture::<OrderedByR>::read("ordered_logit_r");
    for case in &fixture.cases {
        let fit = |variance| {
            OrderedLogit::fit(&case.x, case.columns, &case.y, variance).map(|fit| {
                let all = [fit.thresholds, fit.coefficients].concat();
                (estimates(&all), errors(&all), fit.log_likelihood)
            })
        };
        let (params, std_errors, log_likelihood) = fit(ModelVariance::Classical).unwrap();
        fixture.all_near(&case.name, &params, &case.params);
        fixture.all_near(&case.name, &std_errors, &case.std_errors);
        fixture.near(&case.name, log_likelihood, case.log_likelihood);
        let (_, clustered, _) = fit(ModelVariance::Clustered(&case.cluster)).unwrap();
        fixture.all_near(&case.name, &clustered, &case.clustered_std_errors);
    }
}

#[derive(Deserialize)]
struct HazardCase {
    name: String,
    link: String,
    effects: String,
    knots: Vec<f64>,
    entry: Vec<u32>,
    exit: Vec<u32>,
    event: Vec<bool>,
    x: Vec<f64>,
    params: Vec<f64>,
    std_errors: Vec<f64>,
}

#[test]
fn discrete_hazards_match_r() {
    let fixture = Fixture::<HazardCase>::read("hazard_r");
    for case in &fixture.cases {
        let rows = PersonPeriods::split(&case.entry, &case.exit, &case.event).unwrap();
        let x: Vec<f64> = rows.account().iter().map(|i| case.x[*i as usize]).collect();
        let effects = match case.effects.as_str() {
            "spline" => {
                PeriodEffects::Spline(RestrictedCubicSpline::new(case.knots.clone()).unwrap())
            }
            _ => PeriodEffects::Dummies,
        };
        let fit = DiscreteHazard::fit(link(&case.link), &rows, &x, 1, effects).unwrap();
        let b = &fit.model.coefficients;
        fixture.all_near(&case.name, &estimates(b), &case.params);
        fixture.all_near(&case.name, &errors(b), &case.std_errors);
    }
}
