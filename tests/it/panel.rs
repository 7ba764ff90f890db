//! The panel: hand-made histories with every cell written down, and properties of simulated ones.

use proptest::prelude::*;
use rvq::flow::Flow;
use rvq::ids::{TypeIndex, TypeNames};
use rvq::interaction::{
    Account, AccountHistory, ColumnData, Interaction, Log, LogWriter, Outcome, Projection, Status,
    write_table,
};
use rvq::panel::{Measure, Panel, PanelError, PanelParams, Relative};
use rvq::rng::Streams;
use rvq::run::panel_columns;
use rvq::score::{self, RvParams, ScoreColumn, ScoreSpec, Valuation};
use rvq::simulate::{Simulation, World};
use rvq::time::{Calendar, Instant, Month};

const NONE: f64 = f64::NAN;

fn first() -> Month {
    Month::new(2024, 1).unwrap()
}

fn start(calendar: Calendar, month: i32) -> Instant {
    calendar.start_of(first().plus(month))
}

fn specs() -> Vec<Box<dyn ScoreColumn>> {
    [ScoreSpec::default_family(), ScoreSpec::baselines()]
        .concat()
        .iter()
        .map(|spec| spec.build().unwrap())
        .collect()
}

fn valuation(flow: &Flow) -> Valuation {
    let types = flow.catalogue().entries().iter().map(|e| e.interaction_type.as_str()).collect();
    Valuation::new(flow.catalogue(), &types).unwrap()
}

fn params(months: u32, warm_up_months: u32, min_age_months: u32) -> PanelParams {
    PanelParams { calendar: Calendar::UTC, first: first(), months, warm_up_months, min_age_months }
}

fn build(histories: Vec<AccountHistory>, params: PanelParams) -> Result<Panel, PanelError> {
    Panel::build(histories.into_iter(), &valuation(&Flow::builtin()), &specs(), &params)
}

/// Revenue 100·k, gross profit 50·k, cost to engage 10, cost to serve k, wallet k/10 in month k
/// (counted from 1): contribution 49·k − 10.
fn outcome(calendar: Calendar, month: i32, status: Status) -> Outcome {
    let k = f64::from(month + 1);
    let paying = status != Status::Prospect;
    let money = if paying { k } else { 0.0 };
    Outcome {
        period_start: start(calendar, month),
        period_end: start(calendar, month + 1),
        known_at: start(calendar, month + 1),
        revenue: 100.0 * money,
        gross_profit: Some(50.0 * money),
        cost_to_engage: Some(10.0),
        cost_to_serve: Some(money),
        share_of_wallet: paying.then_some(k / 10.0),
        status,
        ..Outcome::default()
    }
}

/// An account with one status per month from `from` on, entered `days` into that month.
fn account(id: &str, (from, days): (i32, f64), statuses: &str) -> AccountHistory {
    let outcomes: Vec<Outcome> = statuses
        .chars()
        .zip(from..)
        .map(|(letter, month)| {
            let status = match letter {
                'p' => Status::Prospect,
                'c' => Status::Customer,
                _ => Status::Exited,
            };
            outcome(Calendar::UTC, month, status)
        })
        .collect();
    let exited = outcomes.iter().find(|o| o.status == Status::Exited);
    AccountHistory {
        account: Account {
            id: id.to_owned(),
            entered_at: start(Calendar::UTC, from).plus_days(days),
            exited_at: exited.map(|outcome| outcome.period_start.plus_days(9.0)),
            ..Account::default()
        },
        contacts: Vec::new(),
        interactions: Vec::new(),
        outcomes,
        ..AccountHistory::default()
    }
}

fn same(found: &[f64], expected: &[f64]) {
    let equal = |a: f64, b: f64| (a.is_nan() && b.is_nan()) || (a - b).abs() < 1e-9;
    let all = found.iter().zip(expected).all(|(&a, &b)| equal(a, b));
    assert!(found.len() == expected.len() && all, "{found:?} instead of {expected:?}");
}

fn drops(panel: &Panel) -> Vec<(&'static str, u64)> {
    panel.drops().iter().map(|drop| (drop.reason, drop.count)).collect()
}

#[test]
fn an_installed_account_that_stays_has_every_window_inside_the_data() {
    let panel = build(vec![account("a", (0, -400.0), "cccccc")], params(6, 0, 0)).unwrap();
    assert_eq!((panel.rows(), panel.accounts()[0].exit), (6, None));
    assert!(panel.accounts()[0].entry < 0);
    let of = |measure, horizon| panel.outcome(measure, horizon);
    // Contribution 39, 88, 137, 186, 235, 284.
    same(&of(Measure::Contribution, 1), &[88.0, 137.0, 186.0, 235.0, 284.0, NONE]);
    same(&of(Measure::Contribution, -1), &[39.0, 88.0, 137.0, 186.0, 235.0, 284.0]);
    same(&of(Measure::Contribution, 3), &[411.0, 558.0, 705.0, NONE, NONE, NONE]);
    same(&of(Measure::Contribution, -3), &[NONE, NONE, 264.0, 411.0, 558.0, 705.0]);
    same(&of(Measure::GrossProfit, 1), &[100.0, 150.0, 200.0, 250.0, 300.0, NONE]);
    same(&of(Measure::GrossProfit, -3), &[NONE, NONE, 300.0, 450.0, 600.0, 750.0]);
    same(&of(Measure::Revenue, 3), &[900.0, 1200.0, 1500.0, NONE, NONE, NONE]);
    same(&of(Measure::Revenue, -1), &[100.0, 200.0, 300.0, 400.0, 500.0, 600.0]);
    same(&of(Measure::ShareOfWallet, 1), &[0.2, 0.3, 0.4, 0.5, 0.6, NONE]);
    same(&of(Measure::ShareOfWallet, 3), &[0.3, 0.4, 0.5, NONE, NONE, NONE]);
    same(&of(Measure::ShareOfWallet, -3), &[NONE, NONE, 0.2, 0.3, 0.4, 0.5]);
    same(&of(Measure::Attrition, 1), &[0.0, 0.0, 0.0, 0.0, 0.0, NONE]);
    same(&of(Measure::Attrition, 3), &[0.0, 0.0, 0.0, NONE, NONE, NONE]);
    same(&of(Measure::Attrition, -1), &[NONE; 6]);
    same(&of(Measure::CumulativeRevenue, 1), &[300.0, 600.0, 1000.0, 1500.0, 2100.0, NONE]);
    same(&of(Measure::CumulativeRevenue, -1), &[100.0, 300.0, 600.0, 1000.0, 1500.0, 2100.0]);
    same(&of(Measure::CumulativeRevenue, 3), &[1000.0, 1500.0, 2100.0, NONE, NONE, NONE]);
    same(&of(Measure::CumulativeContribution, -3), &[NONE, NONE, 264.0, 450.0, 685.0, 969.0]);
    same(&of(Measure::Contribution, 0), &[NONE; 6]);
}

#[test]
fn after_an_exit_money_is_zero_and_a_share_has_no_value() {
    let panel = build(vec![account("a", (0, -400.0), "ccce")], params(7, 0, 0)).unwrap();
    assert_eq!((panel.rows(), panel.accounts()[0].exit), (3, Some(3)));
    let of = |measure, horizon| panel.outcome(measure, horizon);
    let rest = [NONE; 4];
    let cells = |values: [f64; 3]| [&values[..], &rest[..]].concat();
    // The month of exit still brings something (186), the months after it nothing.
    same(&of(Measure::Contribution, 1), &cells([88.0, 137.0, 186.0]));
    same(&of(Measure::Contribution, 3), &cells([411.0, 323.0, 186.0]));
    same(&of(Measure::GrossProfit, 3), &cells([450.0, 350.0, 200.0]));
    same(&of(Measure::Revenue, 3), &cells([900.0, 700.0, 400.0]));
    same(&of(Measure::CumulativeRevenue, 3), &cells([1000.0, 1000.0, 1000.0]));
    same(&of(Measure::CumulativeContribution, 3), &cells([450.0, 450.0, 450.0]));
    same(&of(Measure::ShareOfWallet, 1), &cells([0.2, 0.3, 0.4]));
    same(&of(Measure::ShareOfWallet, 3), &cells([0.3, NONE, NONE]));
    same(&of(Measure::Attrition, 1), &cells([0.0, 0.0, 1.0]));
    same(&of(Measure::Attrition, 3), &cells([1.0, 1.0, 1.0]));
    // A window that ends before the exit does not see it.
    same(&of(Measure::Attrition, 2), &cells([0.0, 1.0, 1.0]));
    assert_eq!(drops(&panel), [("account-month in or after the month of exit", 4)]);
}

#[test]
fn prospects_have_no_rows_and_windows_skip_the_month_of_signing() {
    let panel = build(vec![account("a", (0, 3.0), "ppcccc")], params(6, 0, 0)).unwrap();
    assert_eq!((panel.rows(), panel.accounts()[0].entry), (4, 2));
    let of = |horizon| panel.outcome(Measure::Contribution, horizon);
    same(&of(1), &[NONE, NONE, 186.0, 235.0, 284.0, NONE]);
    same(&of(-1), &[NONE, NONE, NONE, 186.0, 235.0, 284.0]);
    same(&of(-3), &[NONE, NONE, NONE, NONE, NONE, 705.0]);
    let since_entry = panel.outcome(Measure::CumulativeRevenue, -1);
    same(&since_entry, &[NONE, NONE, NONE, 700.0, 1200.0, 1800.0]);
    assert_eq!(drops(&panel), [("account-month of a prospect or before entry", 2)]);
}

#[test]
fn warm_up_and_minimum_age_leave_out_months_and_say_so() {
    let histories = vec![account("old", (0, -90.0), "cccccc"), account("young", (1, 2.0), "pcccc")];
    let panel = build(histories, params(6, 2, 3)).unwrap();
    let rows: Vec<bool> = (0..2)
        .flat_map(|a| (0..6).map(move |m| (a, m)))
        .map(|(a, m)| panel.is_active(a, m))
        .collect();
    let expected =
        [[false, false, true, true, true, true], [false, false, false, false, false, true]];
    assert_eq!(rows, expected.concat());
    assert_eq!(
        drops(&panel),
        [
            ("account-month in the warm-up: it only feeds the scores", 4),
            ("account-month below the minimum age as a customer", 3),
        ]
    );
}

/// A year of 300 simulated accounts as a log.
fn simulated_log(seed: u64) -> (tempfile::TempDir, Log) {
    let world = World::load("informative").unwrap();
    let months = (first(), 12);
    let simulation =
        Simulation::new(Flow::builtin(), world, Streams::new(seed), Calendar::UTC, months).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = LogWriter::create(folder.path(), &simulation.types(), "test").unwrap();
    for history in simulation.histories(300) {
        writer.write(&history).unwrap();
    }
    writer.finish().unwrap();
    let log = Log::open(folder.path()).unwrap();
    (folder, log)
}

/// The panel of `log` without scores.
fn log_panel(log: &Log, projection: Projection) -> Panel {
    let valuation = Valuation::new(Flow::builtin().catalogue(), log.types()).unwrap();
    let accounts = log.clone().with_projection(projection).histories().unwrap().unread();
    Panel::build(accounts, &valuation, &[], &params(12, 0, 0)).unwrap()
}

#[test]
fn a_panel_reads_of_a_log_what_it_needs_and_is_the_same() {
    let (_folder, log) = simulated_log(3);
    let valuation = Valuation::new(Flow::builtin().catalogue(), log.types()).unwrap();
    let (scores, params) = (specs(), params(12, 0, 0));
    let same =
        |a: &[f64], b: &[f64]| a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits()));
    let whole: Vec<_> = log.histories().unwrap().collect::<Result<_, _>>().unwrap();
    let whole = Panel::build(whole.into_iter(), &valuation, &scores, &params).unwrap();
    let measures = [Measure::Contribution, Measure::Satisfaction, Measure::Attrition];
    let less = log.with_projection(Panel::projection(&scores, &measures));
    assert!(less.histories().unwrap().all(|one| one.unwrap().truth.is_empty()));
    let some = Panel::build(less.histories().unwrap().unread(), &valuation, &scores, &params);
    let ahead =
        Panel::build(less.histories().unwrap().unread_ahead(), &valuation, &scores, &params);
    for panel in [some.unwrap(), ahead.unwrap()] {
        assert_eq!(panel.accounts(), whole.accounts());
        assert_eq!(panel.drops(), whole.drops());
        for (one, other) in panel.scores().iter().zip(whole.scores()) {
            assert!(same(&one.values, &other.values), "{}", one.name);
        }
        for measure in measures {
            assert!(panel.has(measure), "{measure:?}");
            assert!(same(&panel.outcome(measure, 1), &whole.outcome(measure, 1)), "{measure:?}");
        }
        assert!(whole.has(Measure::ShareOfWallet) && !panel.has(Measure::ShareOfWallet));
        assert!(panel.outcome(Measure::ShareOfWallet, 1).iter().all(|value| value.is_nan()));
    }
}

#[test]
fn a_panel_becomes_the_same_columns_account_by_account() {
    let panel = log_panel(&simulated_log(3).1, Projection::ALL);
    let n = panel.accounts().len();
    let texts = |columns: &[(&str, ColumnData)]| -> Vec<Vec<String>> {
        let cell = |cells: &ColumnData, row: usize| match cells {
            ColumnData::Shared { texts, rows } => texts[rows[row] as usize].clone(),
            ColumnData::Integer(cells) => cells[row].to_string(),
            ColumnData::Number(cells) => cells[row].to_string(),
            other => panic!("no column of a panel: {other:?}"),
        };
        let column = |(_, cells): &(&str, ColumnData)| {
            (0..cells.len()).map(|row| cell(cells, row)).collect()
        };
        columns.iter().map(column).collect()
    };
    let mut parts = texts(&panel_columns(&panel, 0..0));
    for part in [0..1, 1..n / 2, n / 2..n] {
        for (all, more) in parts.iter_mut().zip(texts(&panel_columns(&panel, part))) {
            all.extend(more);
        }
    }
    assert_eq!(parts[0].len(), panel.rows());
    assert_eq!(parts, texts(&panel_columns(&panel, 0..n)));
    // The money of the month after: none after the last.
    let names = panel_columns(&panel, 0..0).iter().map(|(name, _)| *name).collect::<Vec<_>>();
    assert_eq!(names, ["account_id", "month", "age", "contribution", "gross_profit", "revenue"]);
    let last = parts[1].iter().zip(&parts[5]).filter(|(month, _)| *month == "2024-12");
    assert!(last.clone().count() > 0 && last.clone().all(|(_, revenue)| revenue == "NaN"));
}

#[test]
fn every_measure_asks_for_what_it_is_made_of() {
    let log = simulated_log(3);
    let whole = log_panel(&log.1, Projection::ALL);
    for measure in Measure::ALL {
        let panel = log_panel(&log.1, Panel::projection(&[], &[measure]));
        assert!(panel.has(measure), "{measure:?}");
        let values = |panel: &Panel| -> Vec<u64> {
            panel.outcome(measure, 2).into_iter().map(f64::to_bits).collect()
        };
        assert_eq!(values(&panel), values(&whole), "{measure:?}");
    }
}

#[test]
fn an_account_that_cannot_be_read_is_named_by_the_panel() {
    let mut broken = account("b", (0, -90.0), "ccc");
    broken.account.exited_at = Some(broken.account.entered_at);
    let folder = tempfile::tempdir().unwrap();
    let mut writer = LogWriter::create(folder.path(), &TypeNames::default(), "test").unwrap();
    for history in [account("a", (0, -90.0), "ccc"), broken] {
        writer.write(&history).unwrap();
    }
    writer.finish().unwrap();
    let rows = [
        ("account_id", ColumnData::Text(vec!["b".to_owned()])),
        ("contact_id", ColumnData::Text(vec!["c".to_owned()])),
        ("influence", ColumnData::Number(vec![-1.0])),
    ];
    write_table(&folder.path().join("contacts.parquet"), &rows).unwrap();
    let unread = Log::open(folder.path()).unwrap().histories().unwrap().unread_ahead();
    let valuation = valuation(&Flow::builtin());
    let error = Panel::build(unread, &valuation, &specs(), &params(3, 0, 0)).unwrap_err();
    insta::assert_snapshot!(error, @"row 1 of `contacts.parquet`, account `b`: `influence` is `-1`, expected a finite number of at least 0");
}

#[test]
fn a_panel_without_rows_and_periods_that_are_no_months_are_errors() {
    let empty = build(vec![account("a", (0, 3.0), "pppp")], params(4, 0, 0));
    let of_one = |error: &PanelError| matches!(error, PanelError::Empty { accounts: 1, .. });
    assert!(empty.is_err_and(|error| of_one(&error)));
    let mut odd = account("a", (0, -90.0), "ccc");
    odd.outcomes[1].period_end = odd.outcomes[1].period_end.plus_days(-1.0);
    assert!(matches!(build(vec![odd], params(3, 0, 0)), Err(PanelError::NotMonthly { .. })));
}

#[test]
fn months_are_those_of_the_plan_s_time_zone() {
    let berlin = Calendar::new("Europe/Berlin").unwrap();
    let mut history = account("a", (0, -90.0), "cccccc");
    history.outcomes = (0..6).map(|month| outcome(berlin, month, Status::Customer)).collect();
    // Half an hour past midnight of 1 March in Berlin is still February in UTC.
    let at = start(berlin, 2).plus_days(0.5 / 24.0);
    assert_eq!(Calendar::UTC.month_of(at), first().plus(1));
    let contact = None;
    history.interactions = vec![Interaction {
        contact,
        kind: TypeIndex(0),
        occurred_at: at,
        known_at: at,
        rv: Some(5.0),
        ..Interaction::default()
    }];
    let zoned = |calendar| PanelParams { calendar, ..params(6, 0, 0) };
    let panel = build(vec![history.clone()], zoned(berlin)).unwrap();
    same(&panel.score("rv_sum").unwrap().values, &[0.0, 0.0, 5.0, 5.0, 5.0, 5.0]);
    same(&panel.outcome(Measure::Revenue, 1), &[200.0, 300.0, 400.0, 500.0, 600.0, NONE]);
    assert!(matches!(
        build(vec![history.clone()], zoned(Calendar::UTC)),
        Err(PanelError::NotMonthly { .. })
    ));
    // An exit half an hour before midnight in Berlin belongs to the month that ends there.
    history.account.exited_at = Some(start(berlin, 4).plus_days(-0.5 / 24.0));
    history.outcomes.truncate(4);
    history.outcomes[3].status = Status::Exited;
    let panel = build(vec![history], zoned(berlin)).unwrap();
    assert_eq!((panel.rows(), panel.accounts()[0].exit), (3, Some(3)));
}

const MONTHS: u32 = 20;

/// A simulated cohort in which one row in three is logged about three weeks late.
fn simulated(seed: u64, accounts: u32) -> Vec<AccountHistory> {
    let mut world = World::load("informative").unwrap();
    world.cohort.contacts_mean = 2.0;
    world.outcome.annual_attrition = 0.3;
    world.observation.late_probability = 0.3;
    world.observation.late_mean_days = 20.0;
    let streams = Streams::new(seed);
    Simulation::new(Flow::builtin(), world, streams, Calendar::UTC, (first(), MONTHS))
        .unwrap()
        .histories(accounts)
        .collect()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn another_account_or_score_changes_no_other_cell() {
    let histories = simulated(5, 30);
    let some = build(histories[..20].to_vec(), params(MONTHS, 3, 0)).unwrap();
    let all = build(histories.clone(), params(MONTHS, 3, 0)).unwrap();
    let one: Vec<Box<dyn ScoreColumn>> = specs().drain(1..2).collect();
    let valuation = valuation(&Flow::builtin());
    let alone =
        Panel::build(histories.into_iter(), &valuation, &one, &params(MONTHS, 3, 0)).unwrap();
    assert_eq!(bits(&alone.scores()[0].values), bits(&all.scores()[1].values));
    for (few, many) in some.scores().iter().zip(all.scores()) {
        assert_eq!(bits(&few.values), bits(&many.values[..few.values.len()]));
    }
    for horizon in [-3, 1, 6] {
        let (few, many) = (
            some.outcome(Measure::Contribution, horizon),
            all.outcome(Measure::Contribution, horizon),
        );
        assert_eq!(bits(&few), bits(&many[..few.len()]));
        assert_eq!(bits(&many), bits(&alone.outcome(Measure::Contribution, horizon)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_and_drops_add_up_to_all_account_months(
        seed in 0_u64..1_000,
        accounts in 3_u32..12,
        warm_up in 0_u32..6,
        min_age in 0_u32..6,
    ) {
        let panel = build(simulated(seed, accounts), params(MONTHS, warm_up, min_age));
        if let Ok(panel) = panel {
            let dropped: u64 = panel.drops().iter().map(|drop| drop.count).sum();
            prop_assert_eq!(panel.rows() as u64 + dropped, u64::from(accounts * MONTHS));
            for score in panel.scores() {
                let valued = score.values.iter().filter(|value| !value.is_nan()).count();
                prop_assert_eq!(valued, panel.rows());
            }
        }
    }

    #[test]
    fn nothing_after_an_as_of_date_changes_a_score_up_to_it(
        seed in 0_u64..1_000,
        cut in 4_i32..16,
        rv in -50.0_f64..50.0,
    ) {
        let before = simulated(seed, 8);
        let as_of = start(Calendar::UTC, cut);
        let mut after = before.clone();
        for history in &mut after {
            // What was not known before the as-of date is other than it was, or missing.
            for (position, row) in history.interactions.iter_mut().enumerate() {
                if row.known_at >= as_of {
                    row.rv = Some(rv);
                    row.kind = TypeIndex((position % 7) as u16);
                }
            }
            let late = |row: &Interaction| row.known_at >= as_of && row.rv.is_some_and(|_| row.kind.0 == 3);
            history.interactions.retain(|row| !late(row));
            for outcome in &mut history.outcomes {
                if outcome.known_at > as_of || outcome.period_end > as_of {
                    outcome.revenue = rv.abs();
                    outcome.gross_profit = Some(rv);
                    outcome.cost_to_engage = None;
                }
            }
        }
        prop_assert!(before != after);
        let cells = |histories: Vec<AccountHistory>| {
            let panel = build(histories, params(MONTHS, 0, 0)).unwrap();
            let months = MONTHS as usize;
            let seen = |values: &[f64]| -> Vec<u64> {
                let rows = values.chunks(months).flat_map(|row| &row[..cut as usize]);
                rows.map(|value| value.to_bits()).collect()
            };
            panel.scores().iter().map(|score| seen(&score.values)).collect::<Vec<_>>()
        };
        prop_assert_eq!(cells(before), cells(after));
    }
}

#[test]
fn a_score_is_seen_among_the_accounts_of_its_segment_and_month() {
    // Segment a: values 2, 8, 5 at costs 0, e − 1, e² − 1; segment b: 1 and 1; c alone.
    let e = std::f64::consts::E;
    let rows = [
        ("a", 2.0, 0.0),
        ("b", 1.0, 4.0),
        ("a", 8.0, e - 1.0),
        ("b", 1.0, 9.0),
        ("a", 5.0, e * e - 1.0),
        ("c", 7.0, 3.0),
    ];
    let histories = rows.iter().enumerate().map(|(number, (segment, rv, cost))| {
        let mut history = account(&format!("x{number}"), (0, 0.0), "ccc");
        history.account.segment_id = Some((*segment).to_owned());
        history.interactions.push(Interaction {
            kind: TypeIndex(0),
            occurred_at: start(Calendar::UTC, 0).plus_days(5.0),
            known_at: start(Calendar::UTC, 0).plus_days(5.0),
            rv: Some(*rv),
            variable_cost: Some(*cost),
            ..Interaction::default()
        });
        history
    });
    let cost = RvParams { measure: score::Measure::VariableCost, ..RvParams::default() };
    let scores: Vec<Box<dyn ScoreColumn>> =
        [ScoreSpec::RvSum { transactions: false }, ScoreSpec::Rv(cost)]
            .iter()
            .map(|spec| spec.build().unwrap())
            .collect();
    let valuation = valuation(&Flow::builtin());
    let mut panel = Panel::build(histories, &valuation, &scores, &params(3, 0, 0)).unwrap();
    let of = || "rv_sum".to_owned();
    let residual = Relative::Residual { of: of(), on: "cost_sum".to_owned() };
    for relative in [Relative::Rank { of: of() }, Relative::Z { of: of() }, residual] {
        panel.add_relative(&relative).unwrap();
    }
    let at_second = |name: &str| -> Vec<f64> {
        panel.score(name).unwrap().values.iter().skip(1).step_by(3).copied().collect()
    };
    let near = |found: Vec<f64>, expected: [f64; 6]| {
        let close = found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-12);
        assert!(close, "{found:?} instead of {expected:?}");
    };
    near(at_second("rv_sum_rank"), [1.0 / 6.0, 0.5, 5.0 / 6.0, 0.5, 0.5, 0.5]);
    // Mean 5, standard deviation 3.
    near(at_second("rv_sum_z"), [-1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    // On x = 0, 1, 2 the line is 3.5 + 1.5 x: fitted 3.5, 5, 6.5.
    near(at_second("rv_sum_residual_on_cost_sum"), [-1.5, 0.0, 3.0, 0.0, -1.5, 0.0]);
    let missing = panel.add_relative(&Relative::Z { of: "rv_sums".to_owned() }).unwrap_err();
    assert_eq!(missing.to_string(), "the panel has no score `rv_sums`");
}
