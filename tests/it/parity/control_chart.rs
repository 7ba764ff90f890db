//! Control charts.

use rvq::stats::EwmaChart;
use serde::Deserialize;

use super::Fixture;

#[derive(Deserialize)]
struct Case {
    smoothing: f64,
    limit: f64,
    mean: Vec<f64>,
    run_length: Vec<f64>,
}

#[test]
fn run_lengths_are_those_of_r() {
    let fixture = Fixture::<Case>::read("control_chart_r");
    for case in &fixture.cases {
        let chart = EwmaChart::new(case.smoothing, case.limit).unwrap();
        let lengths: Vec<f64> = case.mean.iter().map(|&mean| chart.run_length(mean)).collect();
        let what = format!("λ = {}, c = {}", case.smoothing, case.limit);
        fixture.all_near(&what, &lengths, &case.run_length);
    }
}
