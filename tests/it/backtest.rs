//! Back-tests against plain loops, and on panels in which the truth was planted.

use rand_distr::{Distribution, StandardNormal};
use rvq::backtest::{
    BacktestError, BacktestParams, Baseline, Finding, StartingBenchmark, account_strata,
    incremental_gain, information_coefficient, power_of, refuse_level_on_level, share_model,
    signs_differ, within_account, within_account_jackknifed,
};
use rvq::flow::{Catalogue, CatalogueEntry};
use rvq::hypothesis::{Bench, HypothesisId, HypothesisParams};
use rvq::ids::{AccountIndex, ContactIndex, TypeIndex, TypeNames};
use rvq::interaction::{Account, AccountHistory, Interaction, Outcome, Status};
use rvq::panel::{Measure, Panel, PanelParams, PanelScore, WalkForward};
use rvq::rng::{Purpose, Streams};
use rvq::score::{Score, ScoreColumn, Unit, Valuation, ValuedInteraction};
use rvq::time::{Calendar, Instant, Month};

fn month_start(month: i32) -> Instant {
    Calendar::UTC.start_of(Month::new(2020, 1).unwrap().plus(month))
}

/// A score that is whatever the last row of its type says: how tests plant columns.
struct Planted(TypeIndex);

impl Score for Planted {
    type State = f64;

    fn name(&self) -> String {
        format!("planted_{}", self.0.0)
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        interaction.kind == self.0
    }

    fn observe(&self, value: &mut f64, interaction: &ValuedInteraction) {
        *value = interaction.rv;
    }

    fn value(&self, value: &f64, _as_of: Instant) -> f64 {
        *value
    }
}

/// An account that is a customer throughout; `columns[score][month]` are its scores as of each
/// month end, `profit` its contribution month by month.
fn account(index: usize, columns: &[Vec<f64>], profit: &[f64]) -> AccountHistory {
    let row = |month: usize, kind: usize| Interaction {
        contact: None,
        kind: TypeIndex(kind as u16),
        occurred_at: month_start(month as i32),
        known_at: month_start(month as i32),
        rv: Some(columns[kind][month]),
        ..Interaction::default()
    };
    let outcome = |month: usize| Outcome {
        period_start: month_start(month as i32),
        period_end: month_start(month as i32 + 1),
        known_at: month_start(month as i32 + 1),
        revenue: profit[month].abs(),
        gross_profit: Some(profit[month]),
        cost_to_engage: None,
        cost_to_serve: None,
        share_of_wallet: None,
        status: Status::Customer,
        ..Outcome::default()
    };
    let months = profit.len();
    AccountHistory {
        account: Account {
            id: format!("{index:05}"),
            entered_at: month_start(-12),
            exited_at: None,
            ..Account::default()
        },
        contacts: Vec::new(),
        interactions: (0..months)
            .flat_map(|month| (0..columns.len()).map(move |kind| row(month, kind)))
            .collect(),
        outcomes: (0..months).map(outcome).collect(),
        ..AccountHistory::default()
    }
}

fn panel(histories: Vec<AccountHistory>, columns: u16, months: u32) -> Panel {
    let entry = |kind: u16| CatalogueEntry::plain(&format!("type_{kind}"), 0.0);
    let catalogue = Catalogue::from_entries("test", (0..columns).map(entry).collect()).unwrap();
    let types: TypeNames =
        catalogue.entries().iter().map(|e| e.interaction_type.as_str()).collect();
    let scores: Vec<Box<dyn ScoreColumn>> = (0..columns)
        .map(|kind| -> Box<dyn ScoreColumn> { Box::new(Planted(TypeIndex(kind))) })
        .collect();
    let params = PanelParams {
        calendar: Calendar::UTC,
        first: Month::new(2020, 1).unwrap(),
        months,
        warm_up_months: 0,
        min_age_months: 0,
    };
    let valuation = Valuation::new(&catalogue, &types).unwrap();
    Panel::build(histories.into_iter(), &valuation, &scores, &params).unwrap()
}

/// Standard normal draws named by seed and account.
fn normals(seed: u64, account: usize, n: usize) -> Vec<f64> {
    let draws =
        Streams::new(seed).draws(Purpose::Account, AccountIndex(account as u32), ContactIndex(0));
    let mut stream = draws.stream(0);
    (0..n).map(|_| StandardNormal.sample(&mut stream)).collect()
}

/// A persistent baseline (`.7` stable, the rest new each month).
fn baseline(seed: u64, account: usize, months: usize) -> Vec<f64> {
    let z = normals(seed, account, months + 1);
    z[1..].iter().map(|new| 0.7_f64.sqrt() * z[0] + 0.3_f64.sqrt() * new).collect()
}

/// A panel of `accounts` × `months` in which profit in month t + 1 is what `world` makes of the
/// baseline, the other signal and noise at t; `score` makes the tested score of the first two.
fn planted(
    seed: u64,
    (accounts, months): (usize, usize),
    score: fn(f64, f64) -> f64,
    world: fn(f64, f64, f64) -> f64,
) -> Panel {
    let histories = (0..accounts)
        .map(|index| {
            let base = baseline(3 * seed, index, months);
            let other = baseline(3 * seed + 1, index, months);
            let noise = normals(3 * seed + 2, index, months + 1);
            let tested = (0..months).map(|t| score(base[t], other[t])).collect();
            let mut profit = vec![noise[months]];
            profit.extend((0..months - 1).map(|t| world(base[t], other[t], noise[t])));
            account(index, &[base, tested], &profit)
        })
        .collect();
    panel(histories, 2, months as u32)
}

fn score<'a>(panel: &'a Panel, name: &str) -> &'a PanelScore {
    panel.score(name).unwrap()
}

fn params() -> BacktestParams {
    BacktestParams {
        min_accounts: 5,
        permutations: 49,
        resamples: 199,
        ..BacktestParams::default()
    }
}

fn gain(panel: &Panel, kind: Baseline, seed: u64) -> Finding {
    let (base, tested) = (score(panel, "planted_0"), score(panel, "planted_1"));
    let target = (Measure::Contribution, 1);
    incremental_gain(panel, tested, &[base], target, kind, &params(), Streams::new(seed))
        .unwrap_or_else(|error| panic!("{error}"))
        .finding
}

/// Rank correlation by counting: for each value the others below it, halves for ties.
fn rank_correlation(pairs: &[(f64, f64)]) -> f64 {
    let rank = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        let count = |a: &(f64, f64)| -> f64 {
            pairs
                .iter()
                .map(|b| match of(b).partial_cmp(&of(a)).unwrap() {
                    std::cmp::Ordering::Less => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Greater => 0.0,
                })
                .sum()
        };
        pairs.iter().map(count).collect()
    };
    let (x, y) = (rank(|pair| pair.0), rank(|pair| pair.1));
    let middle = pairs.len() as f64 / 2.0;
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(&y) {
        xy += (a - middle) * (b - middle);
        xx += (a - middle) * (a - middle);
        yy += (b - middle) * (b - middle);
    }
    xy / (xx * yy).sqrt()
}

#[test]
fn the_mean_information_coefficient_is_that_of_plain_loops() {
    let (accounts, months) = (12, 9);
    // Rounded, so that there are ties.
    let panel = planted(
        7,
        (accounts, months),
        |b, o| (b + o).round(),
        |b, o, e| (2.0 * (b + o + e)).round(),
    );
    let tested = score(&panel, "planted_1");
    let horizons = [-3, -1, 1, 3];
    let found =
        information_coefficient(&panel, tested, Measure::Contribution, &horizons, &params(), None)
            .unwrap();
    for (horizon, found) in horizons.into_iter().zip(found) {
        let found = found.unwrap();
        let mut dates = Vec::new();
        for t in 0..months as i32 {
            let window = if horizon > 0 { t + 1..t + horizon + 1 } else { t + horizon + 1..t + 1 };
            if window.start < 0 || window.end > months as i32 {
                continue;
            }
            let monthly = panel.outcome(Measure::Contribution, -1);
            let pair = |a: usize| {
                let at = |m: i32| monthly[a * months + m as usize];
                (tested.values[a * months + t as usize], window.clone().map(at).sum())
            };
            dates.push(rank_correlation(&(0..accounts).map(pair).collect::<Vec<_>>()));
        }
        let mean = dates.iter().sum::<f64>() / dates.len() as f64;
        assert!((found.inference.estimate - mean).abs() < 1e-12, "horizon {horizon}");
        assert_eq!(found.inference.n_periods, dates.len());
        assert_eq!(found.findings(true)[0].estimate, Some(found.inference.estimate));
        let (n, of) = (dates.len() as f64, |d: &f64| (d - mean) * (d - mean));
        let naive = (dates.iter().map(of).sum::<f64>() / (n * (n - 1.0))).sqrt();
        assert!((found.naive.std_error - naive).abs() < 1e-12);
    }
}

#[test]
fn another_horizon_or_outcome_changes_no_other_finding() {
    let panel = planted(8, (40, 18), |b, o| b + o, |b, o, e| b + o + e);
    let tested = score(&panel, "planted_1");
    let strata = account_strata(&panel, 20);
    let draws = Streams::new(1).global(Purpose::Permutation);
    let run = |outcome, horizons: &[i32]| -> Vec<_> {
        information_coefficient(
            &panel,
            tested,
            outcome,
            horizons,
            &params(),
            Some((&strata, draws)),
        )
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect()
    };
    let alone = run(Measure::Contribution, &[3]);
    let among = run(Measure::Contribution, &[-6, 1, 3, 12]);
    run(Measure::Revenue, &[3]);
    assert_eq!(alone[0], among[2]);
    assert_eq!(alone, run(Measure::Contribution, &[3]));
}

#[test]
fn a_horizon_that_cannot_be_computed_hides_no_other() {
    let panel = planted(8, (40, 14), |b, o| b + o, |b, o, e| b + o + e);
    let found = information_coefficient(
        &panel,
        score(&panel, "planted_1"),
        Measure::Contribution,
        // Two dates hold twelve months ahead, fewer than the lags of Newey-West; none holds 14.
        &[1, 12, 14],
        &params(),
        None,
    )
    .unwrap();
    assert!(found[0].is_ok());
    assert_eq!(found[1].as_ref().unwrap().inference.n_periods, 2);
    assert!(matches!(found[2], Err(BacktestError::Statistic { .. })));
}

#[test]
fn a_level_is_refused_on_a_level() {
    let panel = planted(9, (20, 12), |b, o| b + o, |b, o, e| b + o + e);
    let level = PanelScore { accumulates: true, ..score(&panel, "planted_1").clone() };
    for outcome in [Measure::CumulativeContribution, Measure::CumulativeRevenue] {
        let refused = information_coefficient(&panel, &level, outcome, &[1], &params(), None);
        assert!(matches!(refused, Err(BacktestError::LevelOnLevel { .. })));
        assert!(refuse_level_on_level("rv_decay_180d", false, outcome).is_ok());
    }
    for outcome in [Measure::Contribution, Measure::Attrition, Measure::ShareOfWallet] {
        assert!(refuse_level_on_level("rv_sum", true, outcome).is_ok());
    }
}

#[test]
fn a_score_that_only_echoes_the_past_does_not_lead() {
    // The score at t is the profit of month t: it goes with what was, not with what comes.
    let (accounts, months) = (60, 24);
    let histories = (0..accounts)
        .map(|index| {
            let profit = normals(40, index, months);
            account(index, std::slice::from_ref(&profit), &profit)
        })
        .collect();
    let panel = panel(histories, 1, months as u32);
    let echo = lead(&panel, "planted_0");
    // The coefficient is 0 ahead and 1 behind.
    assert!(echo.ci_low.unwrap() < -1.0 && echo.ci_high.unwrap() > -1.0, "{echo:?}");
    assert!(echo.p_value.unwrap() < 0.001 && echo.estimate.unwrap() < 0.0, "{echo:?}");
    let leading = planted(41, (60, 24), |_, o| o, |_, o, e| o + 0.3 * e);
    assert!(lead(&leading, "planted_1").ci_low.unwrap() > 0.0);
}

/// What H1 finds of the lead of one score over the next month.
fn lead(panel: &Panel, score: &str) -> Finding {
    let params = params();
    let bench = Bench::new(panel, &params, Vec::new(), Streams::new(1));
    let asked = HypothesisParams {
        score: score.to_owned(),
        horizon: 1,
        ..HypothesisParams::of(HypothesisId::H1)
    };
    bench.leads(HypothesisId::H1, &asked).unwrap().unwrap()
}

#[test]
fn noise_gains_nothing_out_of_sample() {
    // The score is independent of everything. A two-sided 95 % interval that only fails upwards
    // fails 2.5 % of the time or less; 6 of 60 would have probability .003.
    let gaining = (0..60)
        .filter(|&seed| {
            let panel = planted(100 + seed, (60, 24), |_, o| o, |b, _, e| b + e);
            gain(&panel, Baseline::Linear, seed).ci_low.unwrap() > 0.0
        })
        .count();
    assert!(gaining <= 6, "{gaining} of 60 intervals lie above 0");
}

/// A bowl: a parabola that runs on as a line outside the outer knots of the splines.
fn bowl(x: f64) -> f64 {
    let (inside, size) = (1.645, x.abs());
    if size < inside { x * x } else { inside * (2.0 * size - inside) }
}

#[test]
fn a_bent_baseline_gains_over_lines_and_its_gain_over_flexible_baselines_vanishes_with_more_accounts()
 {
    // Profit follows a curve of the baseline and the score is that curve: nothing new. Ranks within
    // a date of n accounts measure the baseline with an error of variance 1/n, which the score,
    // ranked after bending, does not share: its gain over splines falls like 1/n, here to a
    // twentieth, however many knots there are. A quarter leaves room for the noise of one panel.
    let panel = |accounts, months| {
        planted(300, (accounts, months), |b, _| bowl(b), |b, _, e| bowl(b) + 1.5 * e)
    };
    let (few, many) = (panel(50, 240), panel(1_000, 30));
    let linear = gain(&many, Baseline::Linear, 1);
    assert!(linear.ci_low.unwrap() > 0.1, "{linear:?}");
    let (few, many) = (gain(&few, Baseline::Flexible, 1), gain(&many, Baseline::Flexible, 1));
    assert!(few.ci_low.unwrap() > 0.0, "{few:?}");
    assert!(many.estimate.unwrap() < few.estimate.unwrap() / 4.0, "{few:?} {many:?}");
}

/// Gain of a score over two baselines, where the score is `of` both and profit is that and noise.
fn gain_of_an_interaction(of: fn(f64, f64) -> f64, kind: Baseline) -> Finding {
    let (accounts, months) = (800, 30);
    let histories = (0..accounts)
        .map(|index| {
            let [one, two] = [0, 1].map(|which| baseline(900 + which, index, months));
            let noise = normals(902, index, months + 1);
            let both: Vec<f64> = one.iter().zip(&two).map(|(a, b)| of(*a, *b)).collect();
            let mut profit = vec![noise[months]];
            profit.extend(both.iter().zip(&noise).take(months - 1).map(|(both, e)| both + e));
            account(index, &[one, two, both], &profit)
        })
        .collect();
    let panel = panel(histories, 3, months as u32);
    let [one, two, both] = ["planted_0", "planted_1", "planted_2"].map(|name| score(&panel, name));
    let target = (Measure::Contribution, 1);
    incremental_gain(&panel, both, &[one, two], target, kind, &params(), Streams::new(1))
        .unwrap_or_else(|error| panic!("{error}"))
        .finding
}

#[test]
fn a_gain_over_fewer_accounts_than_a_date_needs_is_not_computed() {
    let panel = planted(3, (4, 60), |_, o| o, |b, o, e| b + o + e);
    let (base, tested) = (score(&panel, "planted_0"), score(&panel, "planted_1"));
    let target = (Measure::Contribution, 1);
    let gain = |least: u32| {
        let params = BacktestParams { min_accounts: least, ..params() };
        let streams = Streams::new(1);
        incremental_gain(&panel, tested, &[base], target, Baseline::Linear, &params, streams)
    };
    assert!(gain(4).is_ok());
    let error = gain(5).unwrap_err().to_string();
    assert!(error.contains("needs at least 5 observations, got 4"), "{error}");
}

#[test]
fn an_interaction_of_baselines_passes_for_lead_over_lines_and_not_over_flexible_baselines() {
    let product = |kind| gain_of_an_interaction(|a, b| a * b, kind).estimate.unwrap();
    // The product has half of the variance of profit; lines see nothing of it.
    let (linear, flexible) = (product(Baseline::Linear), product(Baseline::Flexible));
    assert!(linear > 0.3 && flexible < 0.02, "{linear} {flexible}");
}

#[test]
fn of_an_interaction_with_a_step_products_see_a_part() {
    // Both above their mean. Of the step's interaction products see (2φ(0))⁴ = .405; the rest is
    // .595·9/16 = .335 of variance beside the noise's 1: a gain of at most .25 remains.
    let step = |kind| {
        let both = |a: f64, b: f64| if a > 0.0 && b > 0.0 { 3.0 } else { 0.0 };
        gain_of_an_interaction(both, kind).estimate.unwrap()
    };
    let (linear, flexible) = (step(Baseline::Linear), step(Baseline::Flexible));
    assert!(flexible < 0.25 && flexible < 0.7 * linear, "{linear} {flexible}");
}

#[test]
fn a_monotone_function_of_a_baseline_has_its_ranks_and_gains_nothing() {
    let panel = planted(301, (60, 24), |b, _| b.powi(3) + b, |b, _, e| b.exp() + e);
    for kind in [Baseline::Linear, Baseline::Flexible] {
        let found = gain(&panel, kind, 1);
        assert!(found.estimate.unwrap().abs() < 1e-9, "{found:?}");
    }
}

#[test]
fn a_planted_signal_is_found_over_linear_and_flexible_baselines() {
    let panel = planted(302, (100, 30), |_, o| o.exp(), |b, o, e| b + 0.6 * o + 0.8 * e);
    for kind in [Baseline::Linear, Baseline::Flexible] {
        let found = gain(&panel, kind, 1);
        // Variances 1, .36 and .64: the signal is .36 of the 1.00 that the baseline leaves.
        assert!((0.2..0.45).contains(&found.estimate.unwrap()), "{found:?}");
        assert!(found.ci_low.unwrap() > 0.1 && found.p_value.unwrap() < 0.05, "{found:?}");
    }
}

#[test]
fn a_panel_too_short_for_a_fold_is_an_error_that_says_how_long_it_must_be() {
    let run = |months: usize| {
        let panel = planted(303, (30, months), |_, o| o, |b, _, e| b + e);
        let (base, tested) = (score(&panel, "planted_0"), score(&panel, "planted_1"));
        let target = (Measure::Contribution, 2);
        incremental_gain(
            &panel,
            tested,
            &[base],
            target,
            Baseline::Linear,
            &params(),
            Streams::new(1),
        )
    };
    let Err(BacktestError::NoFold { needed, .. }) = run(15) else { panic!("no fold fits") };
    assert!(run(needed).is_ok());
    assert!(matches!(run(needed - 1), Err(BacktestError::NoFold { .. })));
}

#[test]
fn every_account_is_in_one_group_and_no_group_is_empty() {
    let split = WalkForward::new((0, 48), 200, 3, (12, 6), 5, Streams::new(1));
    assert!((0..200).all(|account| split.group(account) < split.n_groups()));
    assert!((0..5).all(|group| (0..200).any(|account| split.group(account) == group)));
}

/// A year of one customer: `revenue`, half of it gross profit, and `cost` each month.
fn customer(index: usize, revenue: f64, cost: f64) -> AccountHistory {
    let mut history = account(index, &[], &[0.5 * revenue; 12]);
    for outcome in &mut history.outcomes {
        outcome.revenue = revenue;
        outcome.cost_to_engage = Some(cost);
    }
    history
}

#[test]
fn the_starting_benchmark_finds_the_figures_of_a_cohort_built_to_have_them() {
    // A fifth of accounts with 80 % of revenue has (.8/.2)/(.2/.8) = 16 times the revenue per
    // account; cost is 3 to 1 by construction.
    let mut benchmark = StartingBenchmark::new(month_start(12));
    for index in 0..100 {
        let top = index % 5 == 0;
        let (revenue, cost) = if top { (1_600.0, 30.0) } else { (100.0, 10.0) };
        benchmark.add(&customer(index, revenue, cost));
    }
    let found = benchmark.finish(99, Streams::new(1)).unwrap();
    let near = |value: f64, expected: f64| (value - expected).abs() < 1e-9;
    assert!(near(found.revenue_share.estimate, 0.8));
    assert!(near(found.revenue_ratio.estimate, 16.0));
    assert!(near(found.cost_ratio.estimate, 3.0));
    // Contribution per month: 770 and 40, so 20 · 770 of 20 · 770 + 80 · 40.
    assert!(near(found.profit_share.estimate, 15_400.0 / 18_600.0));
    assert!(near(found.repeat_share.estimate, 1.0));
    assert!(near(found.attrition.estimate, 0.0));
    assert_eq!(found.accounts, 100);
    assert!(found.revenue_share.low <= 0.8 && found.revenue_share.high >= 0.8);
    let curves = found.concentration.unwrap();
    assert!(near(curves.revenue[20], 0.8) && near(curves.cost_to_engage[20], 3.0 / 7.0));
    assert!(near(curves.revenue[100], 1.0) && near(curves.revenue[0], 0.0));
}

#[test]
fn the_benchmark_counts_new_customers_exits_and_only_the_trailing_year() {
    let mut benchmark = StartingBenchmark::new(month_start(24));
    for index in 0..20 {
        let mut history = account(index, &[], &[50.0; 24]);
        let outcomes = &mut history.outcomes;
        for outcome in outcomes.iter_mut() {
            outcome.revenue = 100.0;
            outcome.cost_to_engage = Some(1.0);
        }
        // The year before counts for nothing but exposure.
        outcomes[0].revenue = 1e9;
        if index < 5 {
            // Became a customer at the beginning of the trailing year.
            outcomes[..12].iter_mut().for_each(|o| (o.status, o.revenue) = (Status::Prospect, 0.0));
        }
        if index >= 18 {
            // Left in the last month.
            outcomes[23].status = Status::Exited;
            history.account.exited_at = Some(month_start(23).plus_days(3.0));
        }
        benchmark.add(&history);
    }
    let found = benchmark.finish(99, Streams::new(1)).unwrap();
    assert!((found.revenue_ratio.estimate - 1.0).abs() < 1e-9);
    assert!((found.repeat_share.estimate - 0.75).abs() < 1e-9);
    // 15 accounts for two years (one of them leap: 2020) and 5 for one; two of them left with 28
    // days of December to come.
    let years = (15.0 * 731.0 + 5.0 * 365.0 - 2.0 * 28.0) / 365.25;
    assert!((found.attrition.estimate - 2.0 / years).abs() < 1e-9);
}

#[test]
fn nine_accounts_are_too_few_for_a_benchmark() {
    let mut benchmark = StartingBenchmark::new(month_start(12));
    for index in 0..9 {
        benchmark.add(&customer(index, 100.0, 1.0));
    }
    assert!(benchmark.finish(9, Streams::new(1)).is_none());
    benchmark.add(&customer(9, 100.0, 1.0));
    assert!(benchmark.finish(9, Streams::new(1)).is_some());
}

/// Accounts whose score level goes with profit by `between` and whose moves do by `within`; the share of
/// wallet follows the score within accounts by half a log-odd per point.
fn levels_and_moves(between: f64, within: f64) -> Panel {
    let (accounts, months) = (120, 24);
    let history = |index: usize| {
        let z = normals(90, index, 2 * months + 1);
        let level = 2.0 * z[0];
        let score: Vec<f64> = z[1..=months].iter().map(|move_| level + move_).collect();
        // The profit of month t + 1 follows the score as of the end of month t.
        let profit: Vec<f64> = (0..months)
            .map(|month| {
                let moved = if month > 0 { score[month - 1] - level } else { 0.0 };
                between * level + within * moved + 0.5 * z[months + 1 + month % months]
            })
            .collect();
        let mut history = account(index, std::slice::from_ref(&score), &profit);
        for (month, outcome) in history.outcomes.iter_mut().enumerate() {
            let odds = -level + if month > 0 { 0.5 * (score[month - 1] - level) } else { 0.0 };
            outcome.share_of_wallet = Some(1.0 / (1.0 + (-odds).exp()));
        }
        history
    };
    panel((0..accounts).map(history).collect(), 1, months as u32)
}

#[test]
fn a_within_account_slope_of_the_other_sign_is_found_and_warned_about() {
    let both = |between, within| {
        let panel = levels_and_moves(between, within);
        let score = &panel.scores()[0];
        let params = BacktestParams::default();
        let results =
            information_coefficient(&panel, score, Measure::Contribution, &[1], &params, None);
        let pooled = results.unwrap().remove(0).unwrap().findings(true).remove(0);
        let within = within_account(&panel, score, Measure::Contribution, 1).unwrap();
        (signs_differ(&pooled, &within), pooled, within)
    };
    let (warning, pooled, within) = both(1.0, -1.0);
    assert!(pooled.ci_low > Some(0.0) && within.ci_high < Some(0.0), "{pooled:?} {within:?}");
    assert!(warning.unwrap().contains("who has more is not who gains"));
    let (warning, pooled, within) = both(1.0, 1.0);
    assert!(pooled.ci_low > Some(0.0) && within.ci_low > Some(0.0), "{within:?}");
    assert_eq!(warning, None);
    // Nothing moves with the score: only levels go together.
    let (_, _, within) = both(1.0, 0.0);
    assert!(within.ci_low < Some(0.0) && within.ci_high > Some(0.0), "{within:?}");
}

/// Orders without memory, and a score that counts them as they come: nothing leads anything.
#[test]
fn a_score_that_follows_the_outcome_has_no_slope_once_the_short_panel_is_allowed_for() {
    let (accounts, months) = (400, 24);
    let history = |index: usize| {
        let orders: Vec<f64> = normals(91, index, months).iter().map(|z| z.exp()).collect();
        let mut stock = 0.0;
        // Known by the end of the month in which the orders came.
        let score: Vec<f64> = orders
            .iter()
            .map(|orders| {
                stock = 0.8 * stock + orders;
                stock
            })
            .collect();
        account(index, std::slice::from_ref(&score), &orders)
    };
    let panel = panel((0..accounts).map(history).collect(), 1, months as u32);
    let score = &panel.scores()[0];
    let of = |finding: Finding| (finding.estimate.unwrap(), finding.ci_low, finding.ci_high);
    let slope = of(within_account(&panel, score, Measure::Contribution, 1).unwrap());
    assert!(slope.0 < -0.05 && slope.2 < Some(0.0), "{slope:?}");
    let freed = of(within_account_jackknifed(&panel, score, Measure::Contribution, 1).unwrap());
    assert!(freed.0.abs() < 0.03 && freed.1 < Some(0.0) && freed.2 > Some(0.0), "{freed:?}");
}

#[test]
fn the_share_model_finds_the_slope_within_accounts() {
    let panel = levels_and_moves(0.0, 0.0);
    let found = share_model(&panel, &panel.scores()[0], 1).unwrap();
    // Over accounts the share falls with the score; within them log-odds rise by .5 a point.
    assert!((found.estimate.unwrap() - 0.5).abs() < 0.01, "{found:?}");
    assert!(found.ci_low > Some(0.4), "{found:?}");
}

#[test]
fn power_is_stated_from_the_panel_and_not_from_the_association() {
    let stated = |between, within| {
        let panel = levels_and_moves(between, within);
        let params = BacktestParams::default();
        let strata = account_strata(&panel, params.min_stratum as usize);
        let draws = Streams::new(1).global(Purpose::Permutation);
        let score = &panel.scores()[0];
        let tested = (Measure::Contribution, 1);
        power_of(&panel, score, tested, &params, (&strata, draws)).unwrap()
    };
    let strong = stated(1.0, 1.0);
    assert_eq!((strong.n_accounts, strong.n_periods), (120, 23));
    // Levels that last make the null spread of a mean over 23 dates almost that of one date.
    let one_date = (119.0_f64).sqrt().recip();
    assert!(strong.null_std_error > 0.6 * one_date, "{strong:?}");
    assert!(strong.lasting > Some(0.4), "{strong:?}");
    // Where nothing lasts in the outcome, dates average out.
    let none = stated(0.0, 0.0);
    assert!(none.null_std_error < 0.45 * one_date, "{none:?}");
}
