//! Forecasts compared by their losses; families of tests; block lengths.

use rvq::stats::{
    Estimate, ResampledMeans, SetStatistic, benjamini_yekutieli, clark_west, clustered_clark_west,
    clustered_diebold_mariano, diebold_mariano, equivalence, model_confidence_set, non_inferiority,
    optimal_block_length, romano_wolf,
};
use serde::Deserialize;

use super::Fixture;

#[derive(Deserialize)]
struct ForecastCase {
    nested: Vec<NestedCase>,
    panel: Vec<PanelCase>,
    margins: Vec<MarginCase>,
}

#[derive(Deserialize)]
struct NestedCase {
    horizon: usize,
    actual: Vec<f64>,
    smaller: Vec<f64>,
    larger: Vec<f64>,
    estimate: [f64; 5],
    p_value: f64,
}

#[derive(Deserialize)]
struct PanelCase {
    name: String,
    account: Vec<u32>,
    actual: Vec<f64>,
    smaller: Vec<f64>,
    larger: Vec<f64>,
    loss_a: Vec<f64>,
    loss_b: Vec<f64>,
    diebold_mariano: [f64; 5],
    clark_west: [f64; 5],
    clark_west_p: f64,
}

#[derive(Deserialize)]
struct MarginCase {
    estimate: f64,
    std_error: f64,
    df: Option<f64>,
    low: f64,
    high: f64,
    p_values: [f64; 3],
    interval: [f64; 2],
    non_inferiority: f64,
}

fn numbers(of: &Estimate) -> [f64; 5] {
    [of.estimate, of.std_error, of.ci_low, of.ci_high, of.p_value]
}

#[test]
fn clark_west_matches_statsmodels() {
    let fixture = Fixture::<ForecastCase>::read("forecast");
    for case in &fixture.cases[0].nested {
        let test = clark_west(&case.actual, &case.smaller, &case.larger, case.horizon).unwrap();
        let name = format!("horizon {}", case.horizon);
        fixture.all_near(&name, &numbers(&test.gain), &case.estimate);
        fixture.near(&name, test.p_value, case.p_value);
    }
}

#[test]
fn comparisons_by_account_match_statsmodels() {
    let fixture = Fixture::<ForecastCase>::read("forecast");
    for case in &fixture.cases[0].panel {
        let found = clustered_diebold_mariano(&case.loss_a, &case.loss_b, &case.account).unwrap();
        fixture.all_near(&case.name, &numbers(&found), &case.diebold_mariano);
        let nested =
            clustered_clark_west(&case.actual, &case.smaller, &case.larger, &case.account).unwrap();
        fixture.all_near(&case.name, &numbers(&nested.gain), &case.clark_west);
        fixture.near(&case.name, nested.p_value, case.clark_west_p);
    }
}

#[test]
fn equivalence_matches_statsmodels() {
    let fixture = Fixture::<ForecastCase>::read("forecast");
    for case in &fixture.cases[0].margins {
        let df = case.df.unwrap_or(f64::INFINITY);
        let (estimate, std_error) = (case.estimate, case.std_error);
        let test = equivalence(estimate, std_error, df, case.low, case.high).unwrap();
        let p_values = [test.p_value, test.p_above_low, test.p_below_high];
        fixture.all_near("p", &p_values, &case.p_values);
        fixture.all_near("interval", &[test.ci_low, test.ci_high], &case.interval);
        let inferior = non_inferiority(estimate, std_error, df, -case.low).unwrap();
        fixture.near("non-inferiority", inferior.p_value, case.non_inferiority);
    }
}

#[derive(Deserialize)]
struct LossesCase {
    a: Vec<f64>,
    b: Vec<f64>,
    horizon: usize,
    /// Estimate, standard error, p.
    test: [f64; 3],
}

#[test]
fn diebold_mariano_matches_r_forecast() {
    let fixture = Fixture::<LossesCase>::read("diebold_mariano");
    for case in &fixture.cases {
        let found = diebold_mariano(&case.a, &case.b, case.horizon).unwrap();
        let numbers = [found.estimate, found.std_error, found.p_value];
        fixture.all_near(&format!("horizon {}", case.horizon), &numbers, &case.test);
    }
}

#[derive(Deserialize)]
struct ConfidenceSetCase {
    name: String,
    models: usize,
    losses: Vec<f64>,
    rows: Vec<Vec<usize>>,
    range: Vec<f64>,
    max: Vec<f64>,
}

#[test]
fn model_confidence_sets_match_arch() {
    let fixture = Fixture::<ConfidenceSetCase>::read("confidence_set");
    for case in &fixture.cases {
        let means = ResampledMeans::from_rows(&case.losses, case.models, &case.rows).unwrap();
        let range = model_confidence_set(&means, SetStatistic::Range).unwrap();
        fixture.all_near(&case.name, &range.p_values, &case.range);
        let max = model_confidence_set(&means, SetStatistic::Max).unwrap();
        fixture.all_near(&case.name, &max.p_values, &case.max);
    }
}

#[derive(Deserialize)]
struct FamilyCase {
    name: String,
    p_values: Vec<f64>,
    benjamini_yekutieli: Vec<f64>,
    observed: Vec<f64>,
    resampled: Vec<f64>,
    romano_wolf: Vec<f64>,
}

#[test]
fn adjusted_p_values_match_statsmodels_and_pyfixest() {
    let fixture = Fixture::<FamilyCase>::read("families");
    for case in &fixture.cases {
        let adjusted = benjamini_yekutieli(&case.p_values);
        fixture.all_near(&case.name, &adjusted, &case.benjamini_yekutieli);
        let adjusted = romano_wolf(&case.observed, &case.resampled).unwrap();
        fixture.all_near(&case.name, &adjusted, &case.romano_wolf);
    }
}

#[derive(Deserialize)]
struct MaxTCase {
    /// One row for each test.
    values: Vec<Vec<f64>>,
    label: Vec<usize>,
    adjusted: Vec<f64>,
}

impl MaxTCase {
    /// Welch's t of each test when these units are of the second group.
    fn statistics(&self, second: &dyn Fn(usize) -> bool) -> Vec<f64> {
        let of = |row: &[f64], group: bool| {
            let (values, n): (Vec<f64>, f64) = {
                let values: Vec<f64> =
                    (0..row.len()).filter(|i| second(*i) == group).map(|i| row[i]).collect();
                let n = values.len() as f64;
                (values, n)
            };
            let mean = values.iter().sum::<f64>() / n;
            let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
            (mean, squares / (n - 1.0) / n)
        };
        let t = |row: &Vec<f64>| {
            let ((second, of_second), (first, of_first)) = (of(row, true), of(row, false));
            (second - first) / (of_first + of_second).sqrt()
        };
        self.values.iter().map(t).collect()
    }
}

#[test]
fn step_down_over_all_permutations_matches_r_multtest() {
    let fixture = Fixture::<MaxTCase>::read("max_t");
    for case in &fixture.cases {
        let (units, size) = (case.label.len(), case.label.iter().sum::<usize>() as u32);
        let actual = (0..units).filter(|i| case.label[*i] == 1).fold(0, |mask, i| mask | 1 << i);
        let observed = case.statistics(&|i| actual >> i & 1 == 1);
        // The data are one of the permutations and enter by the + 1.
        let others = (0..1_u32 << units).filter(|mask| mask.count_ones() == size);
        let resampled: Vec<f64> = others
            .filter(|mask| *mask != actual)
            .flat_map(|mask| case.statistics(&|i| mask >> i & 1 == 1))
            .collect();
        let adjusted = romano_wolf(&observed, &resampled).unwrap();
        fixture.all_near("max-t", &adjusted, &case.adjusted);
    }
}

#[derive(Deserialize)]
struct BlockCase {
    name: String,
    series: Vec<f64>,
    stationary: f64,
    circular: f64,
}

#[test]
fn block_lengths_match_arch() {
    let fixture = Fixture::<BlockCase>::read("block_length");
    for case in &fixture.cases {
        let found = optimal_block_length(&case.series).unwrap();
        let expected = [case.stationary, case.circular];
        fixture.all_near(&case.name, &[found.stationary, found.circular], &expected);
    }
}
