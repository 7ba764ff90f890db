//! The walk through the flow against closed forms of renewal theory, and its keyed draws.
//!
//! Every expected value is computed here from the laws as written; bounds are 4 standard errors.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, UInt32Type};
use chrono::{DateTime, Datelike, Timelike, Utc, Weekday};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rvq::diagnostic::{Problems, Source};
use rvq::flow::{Flow, LevelIndex};
use rvq::ids::{AccountIndex, ContactIndex};
use rvq::interaction::WalkWriter;
use rvq::rng::Streams;
use rvq::simulate::{PlainFlow, WalkColumns};
use rvq::time::{Calendar, Instant, Month};

const MICROS_PER_DAY: f64 = 86_400e6;

/// What every flow here begins with; customers start at `a`.
const HEAD: &str = r#"
catalogue = "c.csv"
retention_entry = "a"
[entry]
lead = 1.0
[transactions]
on_close = "order"
on_renewal = "order"
on_purchase = { order = 1.0 }
[[levels]]
name = "lead"
stage = "acquisition"
wait = { exponential = { mean_days = 30 } }
mix = { letter = 1.0 }
"#;

/// The flow of `levels`, and of `types`: names, relative values, levels they move to.
fn checked(head: &str, levels: &str, types: &[(&str, f64, &str)]) -> Result<Flow, Problems> {
    let mut catalogue = "interaction_type,rv,stage,transactional,trigger_to\n\
        letter,1,acquisition,,\norder,1,retention,true,\n"
        .to_owned();
    for (name, rv, to) in types {
        writeln!(catalogue, "{name},{rv},retention,,{to}").unwrap();
    }
    let flow = Source::new("flow.toml", format!("{head}{levels}"));
    Flow::from_sources(flow, Source::new("c.csv", catalogue))
}

fn flow(levels: &str, types: &[(&str, f64, &str)]) -> Flow {
    checked(HEAD, levels, types).unwrap_or_else(|problems| panic!("{problems}"))
}

fn level(name: &str, rest: &str) -> String {
    format!("[[levels]]\nname = \"{name}\"\nstage = \"retention\"\n{rest}\n")
}

fn plain(flow: &Flow, months: u32) -> PlainFlow {
    // 1 January 2024 is a Monday.
    let start = Month::new(2024, 1).unwrap();
    PlainFlow::new(flow, Streams::new(29), Calendar::UTC, start, months).of_customers()
}

fn start() -> Instant {
    Calendar::UTC.start_of(Month::new(2024, 1).unwrap())
}

/// Rows (day since the start, name of the type) of each contact.
fn walks(flow: &Flow, contacts: u32, months: u32) -> Vec<Vec<(f64, String)>> {
    let mut columns = WalkColumns::default();
    plain(flow, months).walk(0..contacts, &mut columns);
    let mut walks = vec![Vec::new(); contacts as usize];
    let rows = columns.contact.iter().zip(&columns.kind).zip(&columns.occurred_at);
    for ((&contact, &kind), &at) in rows {
        let day = (at - start().micros()) as f64 / MICROS_PER_DAY;
        let name = flow.catalogue().entries()[usize::from(kind)].interaction_type.clone();
        walks[contact as usize].push((day, name));
    }
    walks
}

/// Mean and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

fn assert_mean(what: &str, values: &[f64], expected: f64) {
    let (found, error) = mean(values);
    let off = (found - expected).abs();
    assert!(off < 4.0 * error, "{what}: {found} ± {error}, expected {expected}");
}

fn count(walk: &[(f64, String)], name: &str) -> f64 {
    walk.iter().filter(|(_, kind)| kind == name).count() as f64
}

/// Three levels with unlike laws; the type of each step tells where it leads.
fn three_levels() -> Flow {
    let levels = [
        level("a", "wait = { exponential = { mean_days = 10 } }\nmix = { a_a = 0.6, a_b = 0.4 }"),
        level(
            "b",
            "wait = { gamma = { shape = 0.5, mean_days = 30 } }\n\
             mix = { b_b = 0.5, b_c = 0.3, b_a = 0.2 }",
        ),
        level(
            "c",
            "wait = { piecewise = { breaks_days = [10, 40], rates_per_day = [0.02, 0.1, 0.05] } }\n\
             mix = { c_c = 0.2, c_a = 0.8 }",
        ),
    ];
    let types = [
        ("a_a", 1.0, ""),
        ("a_b", 2.0, "b"),
        ("b_b", -1.0, ""),
        ("b_c", 3.0, "c"),
        ("b_a", 0.5, "a"),
        ("c_c", -4.0, ""),
        ("c_a", 1.5, "a"),
    ];
    flow(&levels.concat(), &types)
}

/// Stationary law of the steps of [`three_levels`], mean waits, and mean value of a step.
fn three_levels_by_hand() -> ([f64; 3], [f64; 3], [f64; 3]) {
    // Balance of the embedded chain: πc·0.8 = πb·0.3, πa·0.4 = πb·0.2 + πc·0.8, so with πb = 1:
    let (a, b, c) = (0.5 / 0.4, 1.0, 0.3 / 0.8);
    let total = a + b + c;
    // Piecewise: ∫ S dt = (1 − e^−.2)/.02 + e^−.2·(1 − e^−3)/.1 + e^−3.2/.05.
    let (first, second) = ((-0.2_f64).exp(), (-3.2_f64).exp());
    let wait = (1.0 - first) / 0.02 + (first - second) / 0.1 + second / 0.05;
    let values = [0.6 + 2.0 * 0.4, -0.5 + 3.0 * 0.3 + 0.5 * 0.2, -4.0 * 0.2 + 1.5 * 0.8];
    ([a / total, b / total, c / total], [10.0, 30.0, wait], values)
}

#[test]
fn time_at_levels_and_value_per_day_are_those_of_the_semi_markov_process() {
    let flow = three_levels();
    // Twenty years to settle and forty to look at; a cycle through the levels takes 100 days.
    let walks = walks(&flow, 400, 60 * 12);
    let (from, until) = (20.0 * 365.25, 60.0 * 365.25 - 1.0);
    let (steps, waits, values) = three_levels_by_hand();
    let cycle: f64 = steps.iter().zip(waits).map(|(step, wait)| step * wait).sum();
    for (position, name) in ["a", "b", "c"].into_iter().enumerate() {
        let shares: Vec<f64> = walks
            .iter()
            .map(|walk| {
                let (mut here, mut since, mut spent) = ("a", 0.0_f64, 0.0);
                for (day, kind) in walk {
                    if here == name {
                        spent += (day.min(until) - since.max(from)).max(0.0);
                    }
                    (here, since) = (&kind[2..], *day);
                }
                if here == name {
                    spent += until - since.max(from);
                }
                spent / (until - from)
            })
            .collect();
        assert_mean(name, &shares, steps[position] * waits[position] / cycle);
    }
    let value = |kind: &str| flow.catalogue().get(kind).unwrap().worth.rv;
    let gains: Vec<f64> = walks
        .iter()
        .map(|walk| {
            let window = walk.iter().filter(|(day, _)| (from..until).contains(day));
            window.map(|(_, kind)| value(kind)).sum::<f64>() / (until - from)
        })
        .collect();
    let gain: f64 = steps.iter().zip(values).map(|(step, value)| step * value).sum();
    assert_mean("value per day", &gains, gain / cycle);
}

#[test]
fn competing_exits_and_moves_share_contacts_by_their_probabilities() {
    let exits = "exits = [{ reason = \"x\", probability = 0.02 }, \
        { reason = \"y\", probability = 0.03 }]";
    let levels = [
        level(
            "a",
            &format!(
                "wait = {{ weibull = {{ shape = 0.7, scale_days = 3 }} }}\n{exits}\n\
                      mix = {{ stay = 0.9, move = 0.1 }}"
            ),
        ),
        level(
            "b",
            "wait = { log_normal = { median_days = 2, sigma = 0.5 } }\n\
             exits = [{ reason = \"x\", probability = 0.2 }]\nmix = { rest = 1.0 }",
        ),
    ];
    let flow = flow(&levels.concat(), &[("stay", 1.0, ""), ("move", 1.0, "b"), ("rest", 1.0, "")]);
    // Ten years are enough to leave: the chance to stay is below .95^300.
    let walks = walks(&flow, 20_000, 120);
    let moved: Vec<f64> = walks.iter().map(|walk| count(walk, "move")).collect();
    let move_first = 0.095 / (0.095 + 0.05);
    assert_mean("moves before an exit", &moved, move_first);
    let stays: Vec<f64> = walks.iter().map(|walk| count(walk, "stay")).collect();
    assert_mean("steps before either", &stays, 0.855 / (0.095 + 0.05));
    let rests: Vec<f64> = walks.iter().map(|walk| count(walk, "rest")).collect();
    assert_mean("steps at the last level", &rests, move_first * 0.8 / 0.2);
}

#[test]
fn a_weibull_clock_that_runs_on_counts_like_a_power_law_process() {
    for (shape, scale) in [(1.7, 60.0), (0.6, 12.0), (1.0, 40.0)] {
        let wait = format!(
            "wait = {{ weibull = {{ shape = {shape}, scale_days = {scale} }} }}\n\
             clock = \"forward\"\nmix = {{ call = 1.0 }}"
        );
        let flow = flow(&level("a", &wait), &[("call", 1.0, "")]);
        let walks = walks(&flow, 4_000, 12);
        let expected = |day: f64| (day / scale).powf(shape);
        for (from, until) in [(0.0, 100.0), (100.0, 366.0)] {
            let counts: Vec<f64> = walks
                .iter()
                .map(|walk| {
                    walk.iter().filter(|(day, _)| (from..until).contains(day)).count() as f64
                })
                .collect();
            let rate = expected(until) - expected(from);
            let n = counts.len() as f64;
            let (found, error) = mean(&counts);
            let bound = 4.0 * (rate / n).sqrt();
            assert!((found - rate).abs() < bound, "{shape}: {found}, expected {rate}");
            // Poisson: the variance is the mean; its standard error is √((μ₄ − μ₂²)/n) with
            // μ₄ = m + 3m².
            let variance = error * error * n;
            let bound = 4.0 * ((rate + 2.0 * rate * rate) / n).sqrt();
            assert!((variance - rate).abs() < bound, "{shape}: variance {variance}, not {rate}");
        }
    }
}

#[test]
fn a_clock_that_runs_on_begins_anew_at_every_level_that_is_entered() {
    // Every step changes the level, so both clocks are the same renewal process.
    let forward = |kind: &str| {
        format!(
            "wait = {{ weibull = {{ shape = 3.0, scale_days = 20 }} }}\n\
             clock = \"forward\"\nmix = {{ {kind} = 1.0 }}"
        )
    };
    let levels = [level("a", &forward("to_b")), level("b", &forward("to_a"))].concat();
    let flow = flow(&levels, &[("to_b", 1.0, "b"), ("to_a", 1.0, "a")]);
    let reset = levels.replace("clock = \"forward\"\n", "");
    let waits = |walks: Vec<Vec<(f64, String)>>| -> Vec<f64> {
        walks.iter().map(|walk| walk[40].0 / 41.0).collect()
    };
    // Γ(4/3) = .892979511569249.
    let expected = 20.0 * 0.892_979_511_569_249;
    assert_mean("forward", &waits(walks(&flow, 500, 60)), expected);
    let flow = self::flow(&reset, &[("to_b", 1.0, "b"), ("to_a", 1.0, "a")]);
    assert_mean("reset", &waits(walks(&flow, 500, 60)), expected);
}

/// Calls every five days, answered slowly: many answers are on their way at a time.
fn with_answers(probability: f64) -> Flow {
    let answers = format!(
        "wait = {{ gamma = {{ shape = 2.0, mean_days = 5 }} }}\nmix = {{ call = 1.0 }}\n\
         follow_ups = [\n\
         {{ after = \"call\", then = \"report\", probability = {probability}, \
            wait = {{ exponential = {{ mean_days = 60 }} }} }},\n\
         {{ after = \"call\", then = \"survey\", probability = 0.3, \
            wait = {{ exponential = {{ mean_days = 60 }} }} }},\n\
         {{ after = \"report\", then = \"thanks\", probability = 0.25, \
            wait = {{ exponential = {{ mean_days = 60 }} }} }},\n]"
    );
    let types = [("call", 1.0, ""), ("report", 1.0, ""), ("survey", 1.0, ""), ("thanks", 1.0, "")];
    flow(&level("a", &answers), &types)
}

#[test]
fn answers_come_in_their_proportion_and_in_order_of_time() {
    let walks = walks(&with_answers(0.8), 300, 60);
    for walk in &walks {
        assert!(walk.is_sorted_by_key(|(day, _)| *day));
    }
    // Waits of 60 days twice in a row: after 760 days answers to answers come at their long-run
    // rate to within e^(−12), so answers per call of the same window have the stated mean.
    let within = |name: &str| -> f64 {
        let late = |walk: &Vec<(f64, String)>| walk.partition_point(|(day, _)| *day < 760.0);
        walks.iter().map(|walk| count(&walk[late(walk)..], name)).sum()
    };
    let calls = within("call");
    for (name, expected) in [("report", 0.8), ("survey", 0.3), ("thanks", 0.8 * 0.25)] {
        let share = within(name) / calls;
        // Long waits mix the answers of many calls: their number is at most Poisson, and so is
        // that of the calls, whose gamma waits vary less than exponential ones.
        let error = ((expected + expected * expected) / calls).sqrt();
        assert!((share - expected).abs() < 4.0 * error, "{name}: {share}, not {expected}");
    }
}

#[test]
fn an_answer_comes_after_its_wait() {
    // A year and more between calls: every report belongs to the call before it.
    let rare = "wait = { gamma = { shape = 400.0, mean_days = 500 } }\nmix = { call = 1.0 }\n\
        follow_ups = [{ after = \"call\", then = \"report\", probability = 0.5, \
        wait = { exponential = { mean_days = 3 } } }]";
    let rare = flow(&level("a", rare), &[("call", 1.0, ""), ("report", 1.0, "")]);
    let mut waits = Vec::new();
    for walk in walks(&rare, 1_000, 60) {
        for pair in walk.windows(2).filter(|pair| pair[1].1 == "report") {
            assert_eq!(pair[0].1, "call");
            waits.push(pair[1].0 - pair[0].0);
        }
    }
    let n = waits.len() as f64;
    let mean = waits.iter().sum::<f64>() / n;
    assert!(n > 1_000.0 && (mean - 3.0).abs() < 3.0 * 3.0 / n.sqrt(), "{mean} over {n}");
}

#[test]
fn more_answers_move_no_draw_of_a_step_or_of_another_answer() {
    let (few, many) = (walks(&with_answers(0.2), 50, 24), walks(&with_answers(0.9), 50, 24));
    for (few, many) in few.iter().zip(&many) {
        for name in ["call", "survey"] {
            let of = |walk: &[(f64, String)]| -> Vec<u64> {
                walk.iter().filter(|row| row.1 == name).map(|row| row.0.to_bits()).collect()
            };
            assert_eq!(of(few), of(many), "{name}");
        }
        // A draw below .2 is below .9: every report stays where it was.
        let reports: Vec<_> = few.iter().filter(|row| row.1 == "report").collect();
        assert!(reports.iter().all(|row| many.contains(row)));
        assert!(count(many, "report") > count(few, "report"));
    }
}

#[test]
fn a_walk_does_not_depend_on_the_contacts_beside_it() {
    let flow = plain(&Flow::builtin(), 24);
    let (mut whole, mut parts) = (WalkColumns::default(), WalkColumns::default());
    flow.walk(0..60, &mut whole);
    flow.walk(0..7, &mut parts);
    flow.walk(7..60, &mut parts);
    assert_eq!(whole, parts);
    let onboarding = Flow::builtin().retention_entry();
    let end = Calendar::UTC.start_of(Month::new(2026, 1).unwrap());
    let who = (AccountIndex(31), ContactIndex(0));
    let alone = flow.contact_walk(who, onboarding, (start(), end));
    let rows = whole.contact.iter().zip(&whole.kind).zip(&whole.occurred_at);
    let same: Vec<(i64, u16)> =
        rows.filter(|((contact, _), _)| **contact == 31).map(|((_, &k), &at)| (at, k)).collect();
    assert_eq!(alone.rows.iter().map(|(at, k)| (at.micros(), k.0)).collect::<Vec<_>>(), same);
    assert_ne!(flow.contact_walk(who, LevelIndex(0), (start(), end)), alone);
}

#[test]
fn opening_hours_hold_every_row_and_keep_every_week_of_the_walk() {
    let (open, always) = (Flow::builtin(), Flow::builtin().without_calendar());
    // 1 January and 1 July 2024 are Mondays: both walks see the same 26 weeks.
    let (mut inside, mut around) = (WalkColumns::default(), WalkColumns::default());
    plain(&open, 6).walk(0..500, &mut inside);
    plain(&always, 6).walk(0..500, &mut around);
    assert_eq!(inside.kind, around.kind);
    assert_eq!(inside.contact, around.contact);
    let week = |at: i64| (at - start().micros()).div_euclid(7 * 86_400_000_000);
    for (&open_at, &at) in inside.occurred_at.iter().zip(&around.occurred_at) {
        assert_eq!(week(open_at), week(at));
        let time = DateTime::<Utc>::from_timestamp_micros(open_at).unwrap();
        assert!(!matches!(time.weekday(), Weekday::Sat | Weekday::Sun), "{time}");
        assert!((8..18).contains(&time.hour()), "{time}");
    }
    assert!(inside.kind.len() > 2_000);
}

/// What is said about a flow with this head and this wait at its only level of customers.
fn complaint(head: &str, wait: &str) -> String {
    let levels = level("a", &format!("{wait}\nmix = {{ call = 1.0 }}"));
    checked(head, &levels, &[("call", 1.0, "")]).unwrap_err().to_string()
}

#[test]
fn waits_and_clocks_are_checked_at_their_place() {
    let cases = [
        (
            "wait = { piecewise = { breaks_days = [7, 3], rates_per_day = [0.1, 0.1, 0.1] } }",
            "break 3 follows 7, expected a later one",
        ),
        (
            "wait = { piecewise = { breaks_days = [7], rates_per_day = [0.1, 0.1, 0.1] } }",
            "3 rates for 1 breaks, expected 2",
        ),
        (
            "wait = { piecewise = { breaks_days = [7], rates_per_day = [0.1, 0] } }",
            "last rate is 0, expected above 0",
        ),
        (
            "wait = { piecewise = { breaks_days = [7], rates_per_day = [-0.1, 1] } }",
            "`rates_per_day` is -0.1, expected a finite number of at least 0",
        ),
        ("wait = { empirical = { days = [4] } }", "1 observed waits, expected at least 2"),
        ("wait = { empirical = { days = [0, 0] } }", "mean wait is 0 days"),
        (
            "wait = { empirical = { days = [4, 5] } }\nclock = \"forward\"",
            "clock `forward` with an empirical wait, which ends at its last day",
        ),
    ];
    for (wait, expected) in cases {
        let found = complaint(HEAD, wait);
        assert!(found.contains(expected) && found.contains("--> flow.toml:"), "{found}");
    }
}

#[test]
fn calendars_are_checked_at_their_place() {
    let wait = "wait = { exponential = { mean_days = 9 } }";
    let cases = [
        ("[]", "8", "18", "\"2024-12-25\"", "no working days, expected at least 1"),
        ("[\"mon\", \"day\"]", "8", "18", "\"2024-12-25\"", "`day` is no weekday"),
        ("[\"mon\", \"monday\"]", "8", "18", "\"2024-12-25\"", "working day `monday` occurs twice"),
        ("[\"mon\"]", "24", "18", "\"2024-12-25\"", "`opens` is 24, expected an hour from 0 to 23"),
        ("[\"mon\"]", "18", "8", "\"2024-12-25\"", "`closes` is 8, expected an hour after 18"),
        ("[\"mon\"]", "8", "18", "\"25.12.\"", "`25.12.` is no date, expected `YYYY-MM-DD`"),
    ];
    for (days, opens, closes, holidays, expected) in cases {
        let calendar = format!(
            "[calendar]\nworking_days = {days}\nopens = {opens}\ncloses = {closes}\n\
             holidays = [{holidays}]\n"
        );
        // A table ends the keys of the head: the calendar stands before the levels.
        let head = HEAD.replace("[[levels]]", &format!("{calendar}[[levels]]"));
        let found = complaint(&head, wait);
        assert!(found.contains(expected) && found.contains("--> flow.toml:"), "{found}");
    }
}

#[test]
fn walks_written_to_a_file_are_those_in_memory() {
    let start = Month::new(2024, 1).unwrap();
    let flow = PlainFlow::new(&Flow::builtin(), Streams::new(7), Calendar::UTC, start, 24);
    let mut walked = WalkColumns::default();
    flow.walk(10..3_000, &mut walked);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("walks.parquet");
    std::fs::write(&path, "a file that was there is replaced").unwrap();
    let rows = flow.write_parquet(10..3_000, &path).unwrap();
    assert_eq!(rows, walked.kind.len() as u64);

    let names: Vec<&str> = flow.types().collect();
    let file = std::fs::File::open(&path).unwrap();
    let mut row = 0;
    for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let column = |name| batch.column_by_name(name).unwrap();
        let contacts = column("contact").as_primitive::<UInt32Type>();
        let kinds = column("interaction_type").as_string::<i32>();
        let times = column("occurred_at").as_primitive::<TimestampMicrosecondType>();
        for at in 0..batch.num_rows() {
            assert_eq!(contacts.value(at), walked.contact[row]);
            assert_eq!(kinds.value(at), names[usize::from(walked.kind[row])]);
            assert_eq!(times.value(at), walked.occurred_at[row]);
            row += 1;
        }
    }
    assert_eq!(row, walked.kind.len());
}

#[test]
fn columns_that_do_not_fit_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("walks.parquet");
    let mut writer = WalkWriter::create(&path, ["call", "visit"].into_iter()).unwrap();
    let short = writer.write(&[1, 2], &[0], &[5, 6]).unwrap_err();
    assert!(short.to_string().contains("walks.parquet"), "{short}");
    writer.write(&[1], &[2], &[5]).unwrap_err();
    writer.write(&[1], &[1], &[5]).unwrap();
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
