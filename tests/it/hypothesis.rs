//! The statistics of the core hypotheses against plain loops, and on panels in which the truth was
//! planted.

use rvq::backtest::BacktestParams;
use rvq::hypothesis::{Bench, HypothesisId, HypothesisParams};
use rvq::interaction::{AccountHistory, Survey};
use rvq::panel::{Measure, Panel};
use rvq::rng::Streams;

use crate::told::{Told, cost, history, month_start, normals, panel, panel_of};

const RV: &str = "rv_decay_180d";

fn params() -> BacktestParams {
    BacktestParams { min_accounts: 5, min_exits: 1, permutations: 49, ..BacktestParams::default() }
}

fn asked(id: HypothesisId, horizon: u32) -> HypothesisParams {
    HypothesisParams { score: RV.to_owned(), horizon, ..HypothesisParams::of(id) }
}

/// The estimate of *associated*.
fn estimate(panel: &Panel, id: HypothesisId, horizon: u32) -> f64 {
    let params = params();
    let bench = Bench::new(panel, &params, Vec::new(), Streams::new(1));
    let found = bench.associated(id, &asked(id, horizon)).unwrap_or_else(|error| panic!("{error}"));
    found.headline().estimate.unwrap()
}

const ACCOUNTS: usize = 60;
const MONTHS: usize = 12;

/// Accounts whose outcome in month t + 1 is what `world` makes of the first column and of noise at t.
fn planted(seed: u64, columns: usize, world: fn(&[f64], f64) -> f64) -> Vec<Told> {
    (0..ACCOUNTS)
        .map(|index| {
            let columns: Vec<Vec<f64>> =
                (0..columns).map(|c| normals(10 * seed + c as u64, index, MONTHS)).collect();
            let noise = normals(10 * seed + 9, index, MONTHS);
            let at = |t: usize| columns.iter().map(|column| column[t]).collect::<Vec<f64>>();
            let mut value = vec![noise[0]];
            value.extend((1..MONTHS).map(|t| world(&at(t - 1), noise[t])));
            Told {
                segment: ["a", "b"][index % 2],
                share: value.iter().map(|v| 1.0 / (1.0 + (-v).exp())).collect(),
                profit: value,
                columns,
                exit: None,
            }
        })
        .collect()
}

#[test]
fn extremes_compare_the_outer_fifths_of_a_date_pair_by_pair() {
    let accounts = planted(1, 1, |x, e| x[0] + e);
    let found = estimate(&panel(&[RV], &accounts), HypothesisId::H3, 1);
    let mut by_date = Vec::new();
    for t in 0..MONTHS - 1 {
        let mut pairs: Vec<(f64, f64)> = accounts
            .iter()
            .map(|a| (a.profit[t + 1] - cost(a.profit[t + 1]), a.columns[0][t]))
            .collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (low, high) = (&pairs[..ACCOUNTS / 5], &pairs[ACCOUNTS * 4 / 5..]);
        let above = |h: &&(f64, f64)| low.iter().filter(|l| l.1 < h.1).count();
        let wins: usize = high.iter().map(|h| above(&h)).sum();
        by_date.push(wins as f64 / (low.len() * high.len()) as f64);
    }
    let expected = by_date.iter().sum::<f64>() / by_date.len() as f64;
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
}

#[test]
fn at_equal_score_only_what_harm_adds_counts() {
    // Harm goes with the score, and only the score moves the outcome: nothing is left.
    let through = planted(2, 2, |x, e| x[0] + 0.5 * e)
        .into_iter()
        .map(|told| {
            let own = told.columns[0].iter().zip(&told.columns[1]);
            let harm = own.map(|(score, other)| 0.5 * other - score).collect();
            Told { columns: vec![told.columns[0].clone(), harm], ..told }
        })
        .collect::<Vec<_>>();
    let names = [RV, "critical_count_90d"];
    let through = estimate(&panel(&names, &through), HypothesisId::H9, 1);
    assert!(through.abs() < 0.1, "{through}");
    let own = planted(3, 2, |x, e| x[0] - x[1] + 0.5 * e);
    let own = estimate(&panel(&names, &own), HypothesisId::H9, 1);
    assert!(own > 0.6, "{own}");
}

#[test]
fn the_score_suffices_where_the_mix_adds_nothing_and_not_where_it_says_all() {
    let names = [RV, "count_of_sales_180d", "count_of_service_180d"];
    let score = planted(4, 3, |x, e| x[0] + e);
    let found = estimate(&panel(&names, &score), HypothesisId::H10, 1);
    assert!(found > 0.5, "{found}");
    let mix = planted(5, 3, |x, e| x[1] - x[2] + e);
    let found = estimate(&panel(&names, &mix), HypothesisId::H10, 1);
    assert!(found < -0.5, "{found}");
}

#[test]
fn the_top_fifth_is_compared_by_logs_of_means() {
    let accounts = planted(6, 1, |_, e| (1.0 + e).exp());
    let found = estimate(&panel(&[RV], &accounts), HypothesisId::H14, 3);
    let mut by_date = Vec::new();
    for t in 2..MONTHS {
        let sum = |told: &Told, of: fn(f64) -> f64| -> f64 {
            told.profit[t - 2..=t].iter().map(|profit| of(*profit)).sum()
        };
        let mut rows: Vec<(f64, f64, f64)> = accounts
            .iter()
            .map(|told| (sum(told, |p| p - cost(p)), sum(told, f64::abs), sum(told, cost)))
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (rest, top) = rows.split_at(ACCOUNTS * 4 / 5);
        let ratio = |of: fn(&(f64, f64, f64)) -> f64| {
            let mean =
                |rows: &[(f64, f64, f64)]| rows.iter().map(of).sum::<f64>() / rows.len() as f64;
            (mean(top) / mean(rest)).ln()
        };
        by_date.push(ratio(|row| row.1) - ratio(|row| row.2));
    }
    let expected = by_date.iter().sum::<f64>() / by_date.len() as f64;
    assert!((found - expected).abs() < 1e-12 && found > 0.3, "{found} {expected}");
}

#[test]
fn an_own_score_beats_its_segments_mean_only_where_accounts_differ() {
    let leaves = |own: bool| {
        let mut accounts = planted(7, 1, |_, e| e);
        for (index, told) in accounts.iter_mut().enumerate() {
            let low = if own { index % 3 == 0 } else { told.segment == "a" && index % 4 == 0 };
            let at_risk = if own { low } else { told.segment == "a" };
            for value in &mut told.columns[0] {
                *value = 0.01 * *value - f64::from(u8::from(at_risk));
            }
            told.exit = low.then_some(6 + index / 4 % 5);
        }
        estimate(&panel(&[RV], &accounts), HypothesisId::H31, 3)
    };
    let (own, shared) = (leaves(true), leaves(false));
    assert!(own > 0.15 && shared.abs() < 0.15 && own > shared + 0.1, "{own} {shared}");
}

#[test]
fn ranks_say_twice_their_correlation_less_that_of_raw_values() {
    let accounts = planted(8, 1, |x, e| x[0] + e);
    let panel = panel(&[RV], &accounts);
    let found = estimate(&panel, HypothesisId::H33, 1);
    let pearson = |x: &[f64], y: &[f64]| {
        let n = x.len() as f64;
        let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
        let s = |a: &[f64], ma: f64, b: &[f64], mb: f64| {
            a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum::<f64>()
        };
        s(x, mx, y, my) / (s(x, mx, x, mx) * s(y, my, y, my)).sqrt()
    };
    let ranks = |values: &[f64]| -> Vec<f64> {
        values.iter().map(|v| values.iter().filter(|w| *w < v).count() as f64).collect()
    };
    let mut by_date = Vec::new();
    for t in 0..MONTHS - 1 {
        let x: Vec<f64> = accounts.iter().map(|a| a.columns[0][t]).collect();
        let y: Vec<f64> = accounts.iter().map(|a| a.share[t + 1]).collect();
        by_date.push(2.0 * pearson(&ranks(&x), &ranks(&y)) - pearson(&x, &ranks(&y)));
    }
    let expected = by_date.iter().sum::<f64>() / by_date.len() as f64;
    assert!((found - expected).abs() < 1e-10, "{found} {expected}");
}

#[test]
fn robust_names_the_stratum_that_reverses() {
    let reversed = planted(9, 1, |x, e| x[0] + 0.5 * e)
        .into_iter()
        .map(|mut told| {
            if told.segment == "b" {
                told.columns[0].iter_mut().for_each(|value| *value *= -0.2);
            }
            told
        })
        .collect::<Vec<_>>();
    let panel = panel(&[RV], &reversed);
    let params = params();
    let bench = Bench::new(&panel, &params, Vec::new(), Streams::new(1));
    let asked = asked(HypothesisId::H1, 1);
    let associated = bench.associated(HypothesisId::H1, &asked).unwrap().headline();
    let robust = bench.robust(HypothesisId::H1, &asked, &associated).unwrap();
    assert_eq!(robust.weakest().unwrap().place, "segment `b`");
    assert!(!robust.holds(0.05) && robust.weakest().unwrap().estimate < -0.5);
    let places: Vec<&str> = robust.checks.iter().map(|check| check.place.as_str()).collect();
    assert!(places.contains(&"within accounts") && places.contains(&"lowest third of size"));
}

#[test]
fn growth_compares_with_as_long_before_and_satisfaction_averages_answers() {
    let mut accounts = planted(11, 1, |_, e| e);
    accounts[0].profit = (0..MONTHS).map(|t| [10.0, 30.0][usize::from(t >= 6)]).collect();
    accounts[1].exit = Some(7);
    let mut histories: Vec<AccountHistory> =
        accounts.iter().enumerate().map(|(index, told)| history(index, told)).collect();
    let answer = |month: usize, value: f64, dimension: Option<&str>| Survey {
        asked_at: month_start(month).plus_days(2.0),
        answered_at: Some(month_start(month).plus_days(3.0)),
        instrument: "satisfaction".to_owned(),
        dimension: dimension.map(str::to_owned),
        value: Some(value),
        ..Survey::default()
    };
    histories[0].surveys = vec![
        answer(6, 4.0, None),
        answer(6, 2.0, None),
        answer(7, 5.0, None),
        answer(7, 1.0, Some("price")),
    ];
    let panel = panel_of(&[RV], histories.into_iter(), MONTHS);
    let growth = panel.outcome(Measure::RevenueGrowth, 3);
    // As of the end of month 5: months 6 to 8 against 3 to 5.
    assert!((growth[5] - (90.0 - 30.0) / 120.0).abs() < 1e-12);
    assert!((growth[6] - (90.0 - 50.0) / 140.0).abs() < 1e-12);
    // Who leaves in month 7 has no growth over it.
    assert!(growth[MONTHS + 5].is_nan() && !growth[MONTHS + 3].is_nan());
    let answers = panel.outcome(Measure::Satisfaction, 3);
    assert!((answers[5] - f64::midpoint(3.0, 5.0)).abs() < 1e-12);
    assert!((answers[4] - f64::midpoint(3.0, 5.0)).abs() < 1e-12 && answers[8].is_nan());
}
