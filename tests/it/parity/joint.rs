//! Statistics of the same units taken together.

use rvq::stats::{Grid, PanelStatistic, equality_test, mean_level, rise_test};
use serde::Deserialize;

use super::Fixture;

#[derive(Deserialize)]
struct EqualityCase {
    units: usize,
    periods: usize,
    groups: Vec<Vec<Option<f64>>>,
    f: f64,
    p_value: f64,
    rise: RiseCase,
}

#[derive(Deserialize)]
struct RiseCase {
    smallest_step: f64,
    at: usize,
    p_value: f64,
}

#[test]
fn tests_of_several_statistics_match_numpy() {
    let fixture = Fixture::<EqualityCase>::read("joint");
    for case in &fixture.cases {
        let level = |group: &Vec<Option<f64>>| -> PanelStatistic {
            let values: Vec<f64> = group.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            mean_level(Grid::new(&values, case.units, case.periods).unwrap(), 2).unwrap()
        };
        let levels: Vec<PanelStatistic> = case.groups.iter().map(level).collect();
        let test = equality_test(&levels).unwrap();
        fixture.near("F", test.f, case.f);
        fixture.near("p", test.p_value, case.p_value);
        assert_eq!(test.df, case.groups.len() - 1);
        let rise = rise_test(&levels).unwrap();
        fixture.near("smallest step", rise.smallest_step, case.rise.smallest_step);
        fixture.near("p of the rise", rise.p_value, case.rise.p_value);
        assert_eq!(rise.at, case.rise.at);
    }
}
