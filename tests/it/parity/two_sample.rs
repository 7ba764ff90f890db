//! Tests of two samples: of values, of points, of curves.

use rvq::rng::{Draws, Purpose, Streams};
use rvq::stats::{Grid, cliffs_delta, curve_test, energy_distance, energy_test, mann_whitney};
use serde::Deserialize;

use super::Fixture;

#[derive(Deserialize)]
struct TwoSampleCase {
    values: Vec<ValuesCase>,
    points: Points,
    curves: Vec<CurvesCase>,
}

#[derive(Deserialize)]
struct ValuesCase {
    name: String,
    x: Vec<f64>,
    y: Vec<f64>,
    u: f64,
    p_value: f64,
    exact: bool,
    /// Estimate, standard error, interval, p.
    delta: [f64; 5],
}

#[derive(Deserialize)]
struct Points {
    distances: Vec<DistanceCase>,
    clustered: ClusteredCase,
}

#[derive(Deserialize)]
struct DistanceCase {
    name: String,
    x: Vec<f64>,
    y: Vec<f64>,
    distance: f64,
}

#[derive(Deserialize)]
struct ClusteredCase {
    values: Vec<f64>,
    account: Vec<u32>,
    first: Vec<bool>,
    statistic: f64,
    p_value: f64,
}

#[derive(Deserialize)]
struct CurvesCase {
    name: String,
    units: usize,
    periods: usize,
    values: Vec<Option<f64>>,
    first: Vec<bool>,
    stratum: Vec<u32>,
    contrast: Vec<Option<[f64; 2]>>,
    l2: f64,
    max_t: f64,
    /// Of L2 and max-t, over all permutations.
    p_values: Option<[f64; 2]>,
}

fn draws() -> Draws {
    Streams::new(2).global(Purpose::Permutation)
}

/// Asserts that a p-value of B permutations is the exact one but for 4 standard errors.
#[track_caller]
fn within_chance(what: &str, found: f64, exact: f64, permutations: usize) {
    let b = permutations as f64;
    let band = 4.0 * (exact * (1.0 - exact) / b).sqrt() + 1.0 / b;
    assert!((found - exact).abs() <= band, "{what}: {found}, but {exact} ± {band}");
}

#[test]
fn mann_whitney_matches_scipy_and_cliffs_delta_its_definition() {
    let fixture = Fixture::<TwoSampleCase>::read("two_sample");
    for case in &fixture.cases[0].values {
        let test = mann_whitney(&case.x, &case.y).unwrap();
        fixture.all_near(&case.name, &[test.u, test.p_value], &[case.u, case.p_value]);
        fixture.near(&case.name, test.delta, case.delta[0]);
        assert_eq!(test.exact, case.exact, "{}", case.name);
        let delta = cliffs_delta(&case.x, &case.y).unwrap();
        let found = [delta.estimate, delta.std_error, delta.ci_low, delta.ci_high, delta.p_value];
        fixture.all_near(&case.name, &found, &case.delta);
    }
}

#[test]
fn energy_distance_matches_scipy() {
    let fixture = Fixture::<TwoSampleCase>::read("two_sample");
    for case in &fixture.cases[0].points.distances {
        let found = energy_distance(&case.x, &case.y, 1).unwrap();
        fixture.near(&case.name, found, case.distance);
    }
    let case = &fixture.cases[0].points.clustered;
    let test = energy_test(&case.values, 1, &case.first, &case.account, 9_999, draws()).unwrap();
    fixture.near("clustered", test.statistic, case.statistic);
    within_chance("clustered", test.p_value, case.p_value, 9_999);
}

#[derive(Deserialize)]
struct EnergyCase {
    columns: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    statistic: f64,
}

#[test]
fn energy_statistics_in_several_dimensions_match_r() {
    let fixture = Fixture::<EnergyCase>::read("energy");
    for case in &fixture.cases {
        let distance = energy_distance(&case.x, &case.y, case.columns).unwrap();
        let [m, n] = [&case.x, &case.y].map(|rows| (rows.len() / case.columns) as f64);
        fixture.near("energy", m * n / (m + n) * distance * distance, case.statistic);
    }
}

#[test]
fn curve_differences_match_least_squares_by_statsmodels() {
    let fixture = Fixture::<TwoSampleCase>::read("two_sample");
    for case in &fixture.cases[0].curves {
        let values: Vec<f64> = case.values.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
        let grid = Grid::new(&values, case.units, case.periods).unwrap();
        let test = curve_test(grid, &case.first, &case.stratum, 4_999, draws()).unwrap();
        for (found, expected) in test.differences.iter().zip(&case.contrast) {
            let found = found.map(|at| [at.estimate, at.std_error]);
            assert_eq!(found.is_some(), expected.is_some(), "{}", case.name);
            if let (Some(found), Some(expected)) = (found, expected) {
                fixture.all_near(&case.name, &found, expected);
            }
        }
        fixture.all_near(&case.name, &[test.l2, test.max_t], &[case.l2, case.max_t]);
        if let Some([l2, max_t]) = case.p_values {
            within_chance("L2", test.l2_p_value, l2, 4_999);
            within_chance("max-t", test.max_t_p_value, max_t, 4_999);
        }
    }
}
