//! Discrimination and calibration of probabilities.

use rvq::stats::{
    Estimate, Recalibration, average_precision, brier_score, calibration_error, clustered_auc,
    clustered_auc_difference, clustered_recalibration, delong, delong_difference, lift_at,
    log_loss, net_benefit, recalibration, roc_auc, top_decile_lift,
};
use serde::Deserialize;

use super::Fixture;

#[derive(Deserialize)]
struct ClassificationCase {
    name: String,
    probability: Vec<f64>,
    other: Vec<f64>,
    event: Vec<bool>,
    account: Vec<u32>,
    auc: f64,
    clustered_auc: [f64; 2],
    clustered_difference: [f64; 2],
    average_precision: [f64; 2],
    lift: Vec<(usize, f64)>,
    top_decile_lift: f64,
    log_loss: f64,
    brier_score: f64,
    recalibration: ExpectedRecalibration,
    net_benefit: DecisionCurve,
}

/// Estimate, standard error, interval and p of intercept, slope and calibration in the large.
#[derive(Deserialize)]
struct ExpectedRecalibration {
    model_based: [[f64; 5]; 3],
    clustered: [[f64; 5]; 3],
}

#[derive(Deserialize)]
struct DecisionCurve {
    thresholds: Vec<f64>,
    model: Vec<f64>,
    treat_all: Vec<f64>,
}

#[test]
fn discrimination_matches_scikit_learn_and_obuchowski() {
    let fixture = Fixture::<ClassificationCase>::read("classification");
    for case in &fixture.cases {
        let (name, p, event) = (&case.name, &case.probability, &case.event);
        fixture.near(name, roc_auc(p, event).unwrap(), case.auc);
        let auc = clustered_auc(p, event, &case.account).unwrap();
        fixture.all_near(name, &[auc.estimate, auc.std_error], &case.clustered_auc);
        let apart = clustered_auc_difference(p, &case.other, event, &case.account).unwrap();
        fixture.all_near(name, &[apart.estimate, apart.std_error], &case.clustered_difference);
        for (score, expected) in [p, &case.other].into_iter().zip(case.average_precision) {
            fixture.near(name, average_precision(score, event).unwrap(), expected);
        }
        for (k, expected) in &case.lift {
            fixture.near(name, lift_at(p, event, *k).unwrap(), *expected);
        }
        fixture.near(name, top_decile_lift(p, event).unwrap(), case.top_decile_lift);
    }
}

#[test]
fn losses_and_decision_curves_match_scikit_learn_and_dcurves() {
    let fixture = Fixture::<ClassificationCase>::read("classification");
    for case in &fixture.cases {
        let (name, p, event) = (&case.name, &case.probability, &case.event);
        fixture.near(name, log_loss(p, event).unwrap(), case.log_loss);
        fixture.near(name, brier_score(p, event).unwrap(), case.brier_score);
        let known = &case.net_benefit;
        let curve = net_benefit(p, event, &known.thresholds).unwrap();
        let model: Vec<f64> = curve.iter().map(|at| at.model).collect();
        let treat_all: Vec<f64> = curve.iter().map(|at| at.treat_all).collect();
        fixture.all_near(name, &model, &known.model);
        fixture.all_near(name, &treat_all, &known.treat_all);
    }
}

fn numbers(of: &Estimate) -> [f64; 5] {
    [of.estimate, of.std_error, of.ci_low, of.ci_high, of.p_value]
}

impl Fixture<ClassificationCase> {
    #[track_caller]
    fn same_recalibration(&self, what: &str, actual: &Recalibration, expected: &[[f64; 5]; 3]) {
        let found = [&actual.intercept, &actual.slope, &actual.in_the_large];
        for (found, expected) in found.into_iter().zip(expected) {
            self.all_near(what, &numbers(found), expected);
        }
    }
}

#[test]
fn recalibration_matches_statsmodels() {
    let fixture = Fixture::<ClassificationCase>::read("classification");
    for case in &fixture.cases {
        let (p, event) = (&case.probability, &case.event);
        let plain = recalibration(p, event).unwrap();
        fixture.same_recalibration(&case.name, &plain, &case.recalibration.model_based);
        let clustered = clustered_recalibration(p, event, &case.account).unwrap();
        fixture.same_recalibration(&case.name, &clustered, &case.recalibration.clustered);
    }
}

#[derive(Deserialize)]
struct RocCase {
    name: String,
    event: Vec<bool>,
    a: Vec<f64>,
    b: Vec<f64>,
    area: [f64; 2],
    difference: [f64; 3],
}

#[test]
fn delong_matches_r_proc() {
    let fixture = Fixture::<RocCase>::read("roc");
    for case in &fixture.cases {
        let auc = delong(&case.a, &case.event).unwrap();
        fixture.all_near(&case.name, &[auc.estimate, auc.std_error], &case.area);
        let apart = delong_difference(&case.a, &case.b, &case.event).unwrap();
        let found = [apart.estimate, apart.std_error, apart.p_value];
        fixture.all_near(&case.name, &found, &case.difference);
    }
}

#[derive(Deserialize)]
struct CalibrationCase {
    name: String,
    p: Vec<f64>,
    event: Vec<bool>,
    knots: usize,
    /// Estimate and standard error of intercept, slope and calibration in the large.
    estimates: [[f64; 2]; 3],
    /// ICI, E50, E90 and the maximum.
    errors: [f64; 4],
    smoothed: Vec<f64>,
}

#[test]
fn calibration_matches_r_glm_on_a_natural_spline() {
    let fixture = Fixture::<CalibrationCase>::read("calibration");
    for case in &fixture.cases {
        let found = recalibration(&case.p, &case.event).unwrap();
        let estimates = [&found.intercept, &found.slope, &found.in_the_large];
        for (found, expected) in estimates.into_iter().zip(&case.estimates) {
            fixture.all_near(&case.name, &[found.estimate, found.std_error], expected);
        }
        let error = calibration_error(&case.p, &case.event, case.knots).unwrap();
        let found = [error.ici, error.e50, error.e90, error.e_max];
        fixture.all_near(&case.name, &found, &case.errors);
        fixture.all_near(&case.name, &error.smoothed[..case.smoothed.len()], &case.smoothed);
    }
}
