//! Ranks, panel statistics, regression and the rest of what the back-test stood on first.

use rvq::rng::{Purpose, Streams};
use rvq::stats::{
    ClusteredLeastSquares, Grid, Inference, LeastSquares, PanelStatistic, RestrictedCubicSpline,
    StatsError, benjamini_hochberg, cluster_ewc, coarsen, detectable_effect, difference, holm,
    kaplan_meier, kendall, mean_auc, mean_correlation, mean_level, mean_log_ratio,
    mean_rank_correlation, mid_ranks, naive_t, newey_west, normal_scores, pearson,
    permute_histories, quantile_spread, rejection_limit, spearman, two_way_clustered,
    unit_clustered, wilson_interval,
};
use serde::Deserialize;

use super::Fixture;

fn nan_for_missing(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().map(|v| v.unwrap_or(f64::NAN)).collect()
}

#[derive(Deserialize)]
struct RanksCase {
    name: String,
    values: Vec<f64>,
    ranks: Vec<f64>,
    normal_scores: Vec<f64>,
}

#[test]
fn mid_ranks_and_normal_scores_match_scipy() {
    let fixture = Fixture::<RanksCase>::read("rank");
    for case in &fixture.cases {
        assert_eq!(mid_ranks(&case.values), case.ranks, "{}", case.name);
        fixture.all_near(&case.name, &normal_scores(&case.values), &case.normal_scores);
    }
}

#[derive(Deserialize)]
struct CorrelationCase {
    name: String,
    x: Vec<f64>,
    y: Vec<f64>,
    pearson: f64,
    spearman: f64,
}

#[test]
fn correlations_match_scipy() {
    let fixture = Fixture::<CorrelationCase>::read("correlation");
    for case in &fixture.cases {
        fixture.near(&case.name, pearson(&case.x, &case.y).unwrap(), case.pearson);
        fixture.near(&case.name, spearman(&case.x, &case.y).unwrap(), case.spearman);
    }
}

#[derive(Deserialize)]
struct KendallCase {
    name: String,
    x: Vec<f64>,
    y: Vec<f64>,
    tau: f64,
}

#[test]
fn agreement_of_rankings_matches_scipy() {
    let fixture = Fixture::<KendallCase>::read("kendall");
    for case in &fixture.cases {
        fixture.near(&case.name, kendall(&case.x, &case.y).unwrap(), case.tau);
    }
}

#[derive(Deserialize)]
struct PanelCase {
    units: usize,
    periods: usize,
    min_units: usize,
    x: Vec<Option<f64>>,
    y: Vec<Option<f64>>,
    later: Vec<Option<f64>>,
    rank_correlation: Expected,
    terciles: Expected,
    difference: Expected,
}

#[derive(Deserialize)]
struct Expected {
    per_period: Vec<Option<f64>>,
    unit_influence: Vec<f64>,
    inference: ExpectedInference,
}

#[derive(Deserialize)]
struct ExpectedInference {
    estimate: f64,
    std_error: f64,
    df: f64,
    ci_low: f64,
    ci_high: f64,
    p_value: f64,
    n_units: usize,
    n_pairs: usize,
    n_periods: usize,
}

impl Fixture<PanelCase> {
    #[track_caller]
    fn same(&self, what: &str, actual: &PanelStatistic, expected: &Expected) {
        self.periods_near(what, &actual.per_period, &expected.per_period);
        self.all_near(what, &actual.unit_influence, &expected.unit_influence);
        let (test, known) = (cluster_ewc(actual, 0.0).unwrap(), &expected.inference);
        let Inference { estimate, std_error, df, ci_low, ci_high, p_value, .. } = test;
        self.all_near(
            what,
            &[estimate, std_error, df, ci_low, ci_high, p_value],
            &[
                known.estimate,
                known.std_error,
                known.df,
                known.ci_low,
                known.ci_high,
                known.p_value,
            ],
        );
        assert_eq!(
            (test.n_units, test.n_pairs, test.n_periods),
            (known.n_units, known.n_pairs, known.n_periods),
            "{what}"
        );
    }
}

#[test]
fn panel_statistics_and_default_inference_match_numpy() {
    let fixture = Fixture::<PanelCase>::read("panel");
    for case in &fixture.cases {
        let values = [&case.x, &case.y, &case.later].map(|v| nan_for_missing(v));
        let [x, y, later] =
            [0, 1, 2].map(|i| Grid::new(&values[i], case.units, case.periods).unwrap());
        let ic = mean_rank_correlation(x, y, case.min_units).unwrap();
        let ic_later = mean_rank_correlation(x, later, case.min_units).unwrap();
        fixture.same("rank correlation", &ic, &case.rank_correlation);
        let terciles = quantile_spread(x, y, 3, case.min_units).unwrap();
        fixture.same("terciles", &terciles, &case.terciles);
        fixture.same("difference", &difference(&ic, &ic_later).unwrap(), &case.difference);

        // The permutation test ranks in another way; its observed value is the same statistic.
        let strata = coarsen(&vec![[0, 0, 0]; case.units], 5);
        let draws = Streams::new(1).global(Purpose::Permutation);
        let test = permute_histories(x, y, &strata, 9, draws, case.min_units).unwrap();
        fixture.near("observed", test.observed, case.rank_correlation.inference.estimate);
    }
}

#[derive(Deserialize)]
struct AucCase {
    name: String,
    units: usize,
    periods: usize,
    min_events: usize,
    x: Vec<f64>,
    event: Vec<Option<f64>>,
    per_period: Vec<Option<f64>>,
    estimate: f64,
    unit_influence: Vec<f64>,
    events: Option<usize>,
    s10: Option<f64>,
    s01: Option<f64>,
}

#[test]
fn auc_matches_scikit_learn_and_delong() {
    let fixture = Fixture::<AucCase>::read("auc");
    let mut delong = 0;
    for case in &fixture.cases {
        let event = nan_for_missing(&case.event);
        let x = Grid::new(&case.x, case.units, case.periods).unwrap();
        let event = Grid::new(&event, case.units, case.periods).unwrap();
        let auc = mean_auc(x, event, case.min_events).unwrap();
        fixture.near(&case.name, auc.estimate, case.estimate);
        fixture.periods_near(&case.name, &auc.per_period, &case.per_period);
        fixture.all_near(&case.name, &auc.unit_influence, &case.unit_influence);
        if let (Some(events), Some(s10), Some(s01)) = (case.events, case.s10, case.s01) {
            // Σψ² has divisor m where DeLong's variances have m − 1.
            let (m, n) = (events as f64, (case.units - events) as f64);
            let expected = s10 * (m - 1.0) / (m * m) + s01 * (n - 1.0) / (n * n);
            let actual: f64 = auc.unit_influence.iter().map(|s| s * s).sum();
            fixture.near("DeLong variance", actual, expected);
            delong += 1;
        }
    }
    assert_eq!(delong, 1);
}

#[derive(Deserialize)]
struct SeriesCase {
    name: String,
    series: Vec<f64>,
    null: f64,
    naive: Naive,
    newey_west: Vec<Lagged>,
    detectable: Vec<Detectable>,
}

#[derive(Deserialize)]
struct Naive {
    std_error: f64,
    p_value: f64,
    ci_low: f64,
    ci_high: f64,
}

#[derive(Deserialize)]
struct Lagged {
    lag: usize,
    std_error: f64,
    p_value: f64,
}

#[derive(Deserialize)]
struct Detectable {
    df: f64,
    std_error: f64,
    effect: f64,
}

#[test]
fn series_inference_matches_scipy_and_statsmodels() {
    let fixture = Fixture::<SeriesCase>::read("series");
    for case in &fixture.cases {
        // Two units around each value give the series as period means.
        let around: Vec<f64> =
            [1.0, -1.0].iter().flat_map(|d| case.series.iter().map(move |v| v + d)).collect();
        let grid = Grid::new(&around, 2, case.series.len()).unwrap();
        let level = mean_level(grid, 2).unwrap();
        let naive = naive_t(&level, case.null).unwrap();
        fixture.all_near(
            &case.name,
            &[naive.std_error, naive.p_value, naive.ci_low, naive.ci_high],
            &[case.naive.std_error, case.naive.p_value, case.naive.ci_low, case.naive.ci_high],
        );
        for known in &case.newey_west {
            let hac = newey_west(&level, case.null, known.lag).unwrap();
            fixture.near(
                &format!("{} lag {}", case.name, known.lag),
                hac.std_error,
                known.std_error,
            );
            fixture.near(&format!("{} lag {}", case.name, known.lag), hac.p_value, known.p_value);
        }
        for known in &case.detectable {
            let effect = detectable_effect(known.std_error, known.df).unwrap();
            fixture.near(&format!("detectable at df {}", known.df), effect, known.effect);
        }
    }
}

#[derive(Deserialize)]
struct TwoWayCase {
    name: String,
    units: usize,
    periods: usize,
    y: Vec<Option<f64>>,
    estimate: f64,
    unit_std_error: Option<f64>,
    two_way_std_error: f64,
}

#[test]
fn clustered_errors_match_linearmodels() {
    let fixture = Fixture::<TwoWayCase>::read("two_way");
    for case in &fixture.cases {
        let y = nan_for_missing(&case.y);
        let level = mean_level(Grid::new(&y, case.units, case.periods).unwrap(), 2).unwrap();
        fixture.near(&case.name, level.estimate, case.estimate);
        let two_way = two_way_clustered(&level, 0.0).unwrap();
        fixture.near(&case.name, two_way.std_error, case.two_way_std_error);
        if let Some(expected) = case.unit_std_error {
            let one_way = unit_clustered(&level, 0.0).unwrap();
            fixture.near(&case.name, one_way.std_error, expected);
        }
    }
}

#[derive(Deserialize)]
struct FamilyCase {
    name: String,
    p_values: Vec<f64>,
    benjamini_hochberg: Vec<f64>,
    holm: Vec<f64>,
}

#[test]
fn adjusted_p_values_match_statsmodels() {
    let fixture = Fixture::<FamilyCase>::read("multiplicity");
    for case in &fixture.cases {
        let adjusted = benjamini_hochberg(&case.p_values);
        fixture.all_near(&case.name, &adjusted, &case.benjamini_hochberg);
        fixture.all_near(&case.name, &holm(&case.p_values), &case.holm);
    }
}

#[derive(Deserialize)]
struct RegressionCase {
    name: String,
    columns: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    intercept: f64,
    coefficients: Vec<f64>,
    dropped: Vec<usize>,
    residual_sum_of_squares: f64,
}

#[test]
fn least_squares_matches_statsmodels() {
    let fixture = Fixture::<RegressionCase>::read("regression");
    for case in &fixture.cases {
        let fit = LeastSquares::fit(&case.x, case.columns, &case.y).unwrap();
        assert_eq!(fit.dropped, case.dropped, "{}", case.name);
        let known = [case.intercept, case.residual_sum_of_squares];
        for (actual, expected) in [fit.intercept, fit.residual_sum_of_squares]
            .iter()
            .chain(&fit.coefficients)
            .zip(known.iter().chain(&case.coefficients))
            .filter(|(_, expected)| **expected != 0.0)
        {
            fixture.near(&case.name, actual / expected, 1.0);
        }
        for column in &case.dropped {
            assert_eq!(fit.coefficients[*column], 0.0, "{}", case.name);
        }
    }
}

#[derive(Deserialize)]
struct SplineCase {
    name: String,
    k: usize,
    values: Vec<f64>,
    knots: Vec<f64>,
    at: Vec<f64>,
    basis: Vec<Vec<f64>>,
}

#[test]
fn spline_basis_matches_the_formula_and_numpy_quantiles() {
    let fixture = Fixture::<SplineCase>::read("spline");
    for case in &fixture.cases {
        let spline = RestrictedCubicSpline::from_quantiles(&case.values, case.k).unwrap();
        fixture.all_near(&case.name, spline.knots(), &case.knots);
        for (x, expected) in case.at.iter().zip(&case.basis) {
            let mut row = Vec::new();
            spline.basis(*x, &mut row);
            fixture.all_near(&format!("{} at {x}", case.name), &row, expected);
        }
    }
}

#[derive(Deserialize)]
struct BinomialCase {
    intervals: Vec<WilsonCase>,
    limits: Vec<LimitCase>,
}

#[derive(Deserialize)]
struct WilsonCase {
    successes: u64,
    trials: u64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct LimitCase {
    nominal: f64,
    replications: u64,
    alpha: f64,
    limit: u64,
}

#[test]
fn proportions_match_scipy_and_statsmodels() {
    let fixture = Fixture::<BinomialCase>::read("binomial");
    for known in &fixture.cases[0].intervals {
        let interval = wilson_interval(known.successes, known.trials).unwrap();
        fixture.near("low", interval.low, known.low);
        fixture.near("high", interval.high, known.high);
    }
    for known in &fixture.cases[0].limits {
        let limit = rejection_limit(known.nominal, known.replications, known.alpha).unwrap();
        assert_eq!(limit, known.limit, "of {} at {}", known.replications, known.alpha);
    }
}

#[derive(Deserialize)]
struct SurvivalCase {
    name: String,
    entry: Vec<f64>,
    time: Vec<f64>,
    event: Vec<bool>,
    steps: Vec<f64>,
    at_risk: Vec<usize>,
    events: Vec<usize>,
    survival: Vec<f64>,
    low: Vec<Option<f64>>,
    high: Vec<Option<f64>>,
}

#[test]
fn survival_curves_match_lifelines() {
    let fixture = Fixture::<SurvivalCase>::read("kaplan_meier");
    for case in &fixture.cases {
        let curve = kaplan_meier(&case.entry, &case.time, &case.event).unwrap();
        assert_eq!(curve.steps.len(), case.steps.len(), "{}", case.name);
        for (i, step) in curve.steps.iter().enumerate() {
            let what = format!("{} step {i}", case.name);
            fixture.near(&what, step.time, case.steps[i]);
            assert_eq!((step.at_risk, step.events), (case.at_risk[i], case.events[i]), "{what}");
            fixture.near(&what, step.survival, case.survival[i]);
            if let (Some(interval), Some(low), Some(high)) =
                (step.interval, case.low[i], case.high[i])
            {
                fixture.near(&what, interval.low, low);
                fixture.near(&what, interval.high, high);
            }
        }
        assert!(curve.steps.iter().filter(|s| s.interval.is_some()).count() > 5, "{}", case.name);
    }
}

#[derive(Deserialize)]
struct ClusteredCase {
    name: String,
    columns: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    cluster: Vec<u32>,
    coefficients: Vec<f64>,
    std_errors: Vec<f64>,
    p_values: Vec<f64>,
    half_widths: Vec<f64>,
    residual_sum: f64,
}

#[test]
fn clustered_least_squares_match_statsmodels() {
    let fixture = Fixture::<ClusteredCase>::read("clustered_regression");
    for case in &fixture.cases {
        let fit =
            ClusteredLeastSquares::fit(&case.x, case.columns, &case.y, &case.cluster).unwrap();
        let relative = |what: &str, actual: &[f64], expected: &[f64]| {
            let ratios: Vec<f64> = actual.iter().zip(expected).map(|(a, b)| a / b).collect();
            fixture.all_near(&format!("{} {what}", case.name), &ratios, &vec![1.0; ratios.len()]);
        };
        relative("coefficients", &fit.coefficients, &case.coefficients);
        relative("errors", &fit.std_errors, &case.std_errors);
        // Far in the tail, p changes by t² times what the error does: it is compared as it is.
        fixture.all_near(&case.name, &fit.p_values(), &case.p_values);
        let critical = fit.critical_value(0.95).unwrap();
        let widths: Vec<f64> = fit.std_errors.iter().map(|error| critical * error).collect();
        relative("half widths", &widths, &case.half_widths);
        relative("residuals", &[fit.residual_sum], &[case.residual_sum]);
    }
    let twice = [1.0, 2.0, 2.0, 4.0, 3.0, 6.0, 4.0, 8.0, 5.0, 10.0];
    let refused = ClusteredLeastSquares::fit(&twice, 2, &[1.0; 5], &[0, 0, 1, 1, 2]).unwrap_err();
    assert!(matches!(refused, StatsError::Constant { .. }), "{refused}");
}

#[derive(Deserialize)]
struct ContrastCase {
    name: String,
    units: usize,
    periods: usize,
    x: Vec<Option<f64>>,
    y: Vec<Option<f64>>,
    per_period: Vec<Option<f64>>,
    estimate: f64,
    unit_influence: Vec<f64>,
}

#[test]
fn correlations_and_log_ratios_by_period_match_scipy_and_numerical_influences() {
    let fixture = Fixture::<ContrastCase>::read("contrast");
    for case in &fixture.cases {
        let (x, y) = (nan_for_missing(&case.x), nan_for_missing(&case.y));
        let x = Grid::new(&x, case.units, case.periods).unwrap();
        let y = Grid::new(&y, case.units, case.periods).unwrap();
        let found = match case.name.as_str() {
            "correlation" => mean_correlation(x, y, 3).unwrap(),
            _ => mean_log_ratio(x, y).unwrap(),
        };
        fixture.near(&case.name, found.estimate, case.estimate);
        fixture.periods_near(&case.name, &found.per_period, &case.per_period);
        fixture.all_near(&case.name, &found.unit_influence, &case.unit_influence);
    }
}
