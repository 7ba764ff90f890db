//! Fixed effects, half-panel jackknife, wild cluster bootstrap and panel Granger causality.

use rvq::rng::{Purpose, Streams};
use rvq::stats::{
    Estimate, FixedEffects, GrangerVariance, Grid, LongPanel, PanelVariance, WildTest, WildWeights,
    both_directions, dumitrescu_hurlin, fixed_effects, half_panel_granger, half_panel_jackknife,
    wild_cluster_bootstrap,
};
use serde::Deserialize;

use super::Fixture;

fn estimates(coefficients: &[Estimate]) -> Vec<f64> {
    coefficients.iter().map(|b| b.estimate).collect()
}

fn errors(coefficients: &[Estimate]) -> Vec<f64> {
    coefficients.iter().map(|b| b.std_error).collect()
}

fn p_values(coefficients: &[Estimate]) -> Vec<f64> {
    coefficients.iter().map(|b| b.p_value).collect()
}

fn effects(name: &str) -> Option<FixedEffects> {
    match name {
        "none" => None,
        "unit" => Some(FixedEffects::Unit),
        "unit and period" => Some(FixedEffects::UnitAndPeriod),
        _ => panic!("unknown effects {name}"),
    }
}

#[derive(Deserialize)]
struct Rows {
    columns: usize,
    unit: Vec<u32>,
    period: Vec<u32>,
    y: Vec<f64>,
    x: Vec<f64>,
}

impl Rows {
    fn panel(&self) -> LongPanel {
        LongPanel::new(&self.unit, &self.period, &self.y, &self.x, self.columns).unwrap()
    }
}

#[derive(Deserialize)]
struct EffectsCase {
    name: String,
    #[serde(flatten)]
    rows: Rows,
    effects: String,
    coefficients: Vec<f64>,
    observations: usize,
    by_unit: Vec<f64>,
    by_unit_p: Vec<f64>,
    two_way: Option<Vec<f64>>,
    lags: usize,
    driscoll_kraay: Vec<f64>,
    linearmodels: Vec<f64>,
    linearmodels_coefficients: Vec<f64>,
}

#[test]
fn fixed_effects_match_pyfixest_and_linearmodels() {
    let fixture = Fixture::<EffectsCase>::read("fixed_effects");
    let mut two_way = 0;
    for case in &fixture.cases {
        let panel = case.rows.panel();
        let levels = effects(&case.effects).unwrap();
        let fit = |variance| fixed_effects(&panel, levels, variance).unwrap();
        let by_unit = fit(PanelVariance::Unit);
        assert_eq!(by_unit.observations, case.observations, "{}", case.name);
        assert_eq!(by_unit.singletons, panel.rows() - case.observations, "{}", case.name);
        let b = &by_unit.coefficients;
        fixture.all_near(&case.name, &estimates(b), &case.coefficients);
        fixture.all_near(&format!("{}: unit", case.name), &errors(b), &case.by_unit);
        fixture.all_near(&format!("{}: p", case.name), &p_values(b), &case.by_unit_p);
        fixture.all_near(&case.name, &estimates(b), &case.linearmodels_coefficients);
        // Its variance has the divisor n without any other factor.
        let (groups, n) = (by_unit.units as f64, by_unit.observations as f64);
        let counted = match levels {
            FixedEffects::Unit => 1,
            FixedEffects::UnitAndPeriod => by_unit.periods,
        };
        let k = (case.rows.columns + counted) as f64;
        let correction = groups / (groups - 1.0) * (n - 1.0) / (n - k);
        let plain: Vec<f64> = errors(b).iter().map(|se| se / correction.sqrt()).collect();
        fixture.all_near(&format!("{}: plain", case.name), &plain, &case.linearmodels);
        let kraay = fit(PanelVariance::DriscollKraay { lags: case.lags }).coefficients;
        fixture.all_near(&format!("{}: DK", case.name), &errors(&kraay), &case.driscoll_kraay);
        if let Some(expected) = &case.two_way {
            let found = fit(PanelVariance::UnitAndPeriod).coefficients;
            fixture.all_near(&format!("{}: two-way", case.name), &errors(&found), expected);
            two_way += 1;
        }
    }
    assert!(two_way > 3, "{two_way}");
}

#[derive(Deserialize)]
struct EffectsByR {
    name: String,
    #[serde(flatten)]
    rows: Rows,
    effects: String,
    lags: usize,
    coefficients: Vec<f64>,
    scc: Vec<f64>,
    by_unit: Vec<f64>,
}

#[test]
fn fixed_effects_match_plm() {
    let fixture = Fixture::<EffectsByR>::read("fixed_effects_r");
    for case in &fixture.cases {
        let panel = case.rows.panel();
        let levels = effects(&case.effects).unwrap();
        let lags = case.lags;
        let kraay = PanelVariance::DriscollKraay { lags };
        for (variance, expected) in [(PanelVariance::Unit, &case.by_unit), (kraay, &case.scc)] {
            let fit = fixed_effects(&panel, levels, variance).unwrap();
            fixture.all_near(&case.name, &estimates(&fit.coefficients), &case.coefficients);
            let (units, periods) = (fit.units as f64, fit.periods as f64);
            let (groups, counted) = match (variance, levels) {
                (PanelVariance::Unit, FixedEffects::Unit) => (units, 1.0),
                (PanelVariance::Unit, FixedEffects::UnitAndPeriod) => (units, periods),
                (_, FixedEffects::Unit) => (periods, units),
                (_, FixedEffects::UnitAndPeriod) => (periods, units + periods - 1.0),
            };
            let n = fit.observations as f64;
            let k = case.rows.columns as f64 + counted;
            let correction = groups / (groups - 1.0) * (n - 1.0) / (n - k);
            let plain = errors(&fit.coefficients);
            let plain: Vec<f64> = plain.iter().map(|se| se / correction.sqrt()).collect();
            fixture.all_near(&format!("{} {variance:?}", case.name), &plain, expected);
        }
    }
}

#[derive(Deserialize)]
struct HalfCase {
    name: String,
    #[serde(flatten)]
    rows: Rows,
    effects: String,
    uncorrected: Vec<f64>,
    coefficients: Vec<f64>,
    std_errors: Vec<f64>,
}

#[test]
fn the_half_panel_jackknife_matches_dummies_in_numpy() {
    let fixture = Fixture::<HalfCase>::read("half_panel");
    for case in &fixture.cases {
        let levels = effects(&case.effects).unwrap();
        let fit = half_panel_jackknife(&case.rows.panel(), levels).unwrap();
        fixture.all_near(&case.name, &fit.uncorrected, &case.uncorrected);
        fixture.all_near(&case.name, &estimates(&fit.coefficients), &case.coefficients);
        fixture.all_near(&case.name, &errors(&fit.coefficients), &case.std_errors);
    }
}

#[derive(Deserialize)]
struct WildCase {
    name: String,
    #[serde(flatten)]
    rows: Rows,
    cluster: Vec<u32>,
    weights: String,
    effects: String,
    null: f64,
    estimate: f64,
    p_value: f64,
    wildboottest: Option<f64>,
}

#[test]
fn the_wild_bootstrap_matches_wildboottest_and_refits() {
    let fixture = Fixture::<WildCase>::read("wild");
    let mut by_package = 0;
    for case in &fixture.cases {
        let weights = match case.weights.as_str() {
            "webb" => WildWeights::Webb,
            _ => WildWeights::Rademacher,
        };
        let (null, resamples) = (case.null, 2000);
        let draws = Streams::new(1).global(Purpose::Bootstrap);
        let test = |null| {
            let test = WildTest { column: 0, null, weights, resamples, draws };
            let levels = effects(&case.effects);
            wild_cluster_bootstrap(&case.rows.panel(), levels, &case.cluster, test).unwrap()
        };
        let found = test(null);
        assert!(found.enumerated, "{}", case.name);
        fixture.near(&case.name, found.estimate, case.estimate);
        fixture.near(&case.name, found.p_value, case.p_value);
        if let Some(expected) = case.wildboottest {
            fixture.near(&format!("{}: package", case.name), found.p_value, expected);
            by_package += 1;
        }
        // The interval holds what its test does not reject, and ends there.
        if let Some(interval) = &found.interval {
            let width = interval.high - interval.low;
            for (end, out) in [(interval.low, -1e-6), (interval.high, 1e-6)] {
                assert!(test(end - out * width).p_value >= 0.05, "{}", case.name);
                assert!(test(end + out * width).p_value < 0.05, "{}", case.name);
            }
        }
    }
    assert_eq!(by_package, 1);
}

#[derive(Deserialize)]
struct PooledCase {
    name: String,
    units: usize,
    periods: usize,
    lags: usize,
    x: Vec<Option<f64>>,
    y: Vec<Option<f64>>,
    n_units: usize,
    uncorrected: Vec<f64>,
    coefficients: Vec<f64>,
    robust: Vec<f64>,
    by_unit: Vec<f64>,
    wald: Vec<f64>,
    p_values: Vec<f64>,
}

#[test]
fn pooled_granger_causality_matches_dummies_in_numpy() {
    let fixture = Fixture::<PooledCase>::read("granger_pooled");
    for case in &fixture.cases {
        let [x, y] = [&case.x, &case.y]
            .map(|v| v.iter().map(|v| v.unwrap_or(f64::NAN)).collect::<Vec<f64>>());
        let x = Grid::new(&x, case.units, case.periods).unwrap();
        let y = Grid::new(&y, case.units, case.periods).unwrap();
        let variances = [GrangerVariance::Robust, GrangerVariance::Unit];
        for (at, (variance, known)) in
            variances.iter().zip([&case.robust, &case.by_unit]).enumerate()
        {
            let test = half_panel_granger(x, y, case.lags, *variance).unwrap();
            assert_eq!(test.n_units, case.n_units, "{}", case.name);
            fixture.all_near(&case.name, &test.uncorrected, &case.uncorrected);
            fixture.all_near(&case.name, &estimates(&test.coefficients), &case.coefficients);
            fixture.all_near(&case.name, &errors(&test.coefficients), known);
            fixture.near(&case.name, test.wald, case.wald[at]);
            fixture.near(&case.name, test.p_value, case.p_values[at]);
        }
    }
}

#[derive(Deserialize)]
struct GrangerCase {
    name: String,
    units: usize,
    periods: usize,
    lags: usize,
    /// Periods of each unit; the rest of its row is not observed.
    length: Vec<usize>,
    x: Vec<Option<f64>>,
    y: Vec<Option<f64>>,
    forward: Direction,
    back: Direction,
}

#[derive(Deserialize)]
struct Direction {
    wald: Vec<f64>,
    w_bar: f64,
    z_bar: Option<f64>,
    z_bar_p_value: Option<f64>,
    z_bar_tilde: f64,
    p_value: f64,
}

#[test]
fn panel_granger_causality_matches_plm_in_both_directions() {
    let fixture = Fixture::<GrangerCase>::read("granger_r");
    for case in &fixture.cases {
        let [x, y] = [&case.x, &case.y]
            .map(|v| v.iter().map(|v| v.unwrap_or(f64::NAN)).collect::<Vec<f64>>());
        let x = Grid::new(&x, case.units, case.periods).unwrap();
        let y = Grid::new(&y, case.units, case.periods).unwrap();
        assert_eq!(case.length.len(), case.units);
        let (forward, back) =
            both_directions(x, y, |a, b| dumitrescu_hurlin(a, b, case.lags)).unwrap();
        for (found, known) in [(forward, &case.forward), (back, &case.back)] {
            let wald: Vec<f64> = found.wald.iter().flatten().copied().collect();
            fixture.all_near(&case.name, &wald, &known.wald);
            fixture.near(&case.name, found.w_bar, known.w_bar);
            fixture.near(&case.name, found.z_bar_tilde, known.z_bar_tilde);
            fixture.near(&case.name, found.p_value, known.p_value);
            if let (Some(z), Some(p)) = (known.z_bar, known.z_bar_p_value) {
                fixture.near(&case.name, found.z_bar, z);
                fixture.near(&case.name, found.z_bar_p_value, p);
            }
        }
    }
}
