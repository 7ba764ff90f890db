//! A flow fitted to logs of which the flow is known.

use assert_cmd::cargo::cargo_bin_cmd;
use rvq::diagnostic::Source;
use rvq::flow::fit::{
    AccountRecord, Family, FlowFit, LawFit, LevelSource, Span, Waits, fit_family, fit_flow,
};
use rvq::flow::{Catalogue, Flow, LevelIndex, SojournLaw};
use rvq::ids::{AccountIndex, ContactIndex, TypeNames};
use rvq::interaction::{Account, AccountHistory, Contact, Details, Interaction, LogWriter};
use rvq::realism::{
    Aspect, Grade, jensen_shannon, realism_score, simulate_like, split, wasserstein,
};
use rvq::rng::{Purpose, Streams};
use rvq::simulate::PlainFlow;
use rvq::time::{Calendar, Instant, Month};

const CATALOGUE: &str = "\
interaction_type,stage,rv,transactional,trigger_to
mail,acquisition,0.2,,
visit,acquisition,1,,
call,acquisition,1,,
demo,acquisition,2,,engaged
reply,acquisition,1,,
silence,acquisition,-1,,aware
signed,closing,8,true,running
delivery,retention,1,,
question,retention,0.3,,
answer,retention,2,,
rating,retention,0.5,,
fault,retention,-4,,trouble
repair,retention,3,,running
talk,retention,1,,
order,retention,3,true,
renewal,retention,5,true,
";

const FLOW: &str = r#"
catalogue = "catalogue.csv"
retention_entry = "running"
[entry]
aware = 0.7
engaged = 0.3
[transactions]
on_close = "signed"
on_renewal = "renewal"
[transactions.on_purchase]
order = 1.0
[[levels]]
name = "aware"
stage = "acquisition"
wait = { weibull = { shape = 1.5, scale_days = 20 } }
exits = [{ reason = "left", probability = 0.04 }]
[levels.mix]
mail = 0.5
visit = 0.3
demo = 0.2
[[levels]]
name = "engaged"
stage = "acquisition"
wait = { log_normal = { median_days = 10, sigma = 0.8 } }
exits = [{ reason = "left", probability = 0.02 }]
follow_ups = [
  { after = "call", then = "reply", probability = 0.6, wait = { exponential = { mean_days = 2 } } },
]
[levels.mix]
mail = 0.15
visit = 0.3
call = 0.3
reply = 0.1
silence = 0.15
[[levels]]
name = "running"
stage = "retention"
wait = { gamma = { shape = 2.0, mean_days = 24 } }
exits = [{ reason = "left", probability = 0.01 }]
follow_ups = [
  { after = "question", then = "answer", probability = 0.7, wait = { exponential = { mean_days = 3 } } },
  { after = "answer", then = "rating", probability = 0.3, wait = { gamma = { shape = 2.0, mean_days = 5 } } },
]
[levels.mix]
delivery = 0.5
question = 0.2
answer = 0.05
talk = 0.2
fault = 0.05
[[levels]]
name = "trouble"
stage = "retention"
wait = { exponential = { mean_days = 8 } }
exits = [{ reason = "left", probability = 0.05 }]
[levels.mix]
talk = 0.5
question = 0.2
repair = 0.3
"#;

fn flow() -> Flow {
    Flow::from_sources(Source::new("flow.toml", FLOW), Source::new("catalogue.csv", CATALOGUE))
        .unwrap()
}

fn start() -> Instant {
    "2022-01-01T00:00:00Z".parse().unwrap()
}

const DAYS: f64 = 730.0;

/// A log of the plain flow: accounts of three contacts who join at random, half of them before the
/// log, a third as prospects.
fn log(flow: &Flow, accounts: u32, seed: u64) -> Vec<AccountHistory> {
    let streams = Streams::new(seed);
    let month = Month::new(2000, 1).unwrap();
    let walks = PlainFlow::new(flow, streams, Calendar::UTC, month, 1);
    (0..accounts).map(|account| history((flow, &walks), account, streams)).collect()
}

fn history((flow, walks): (&Flow, &PlainFlow), account: u32, streams: Streams) -> AccountHistory {
    let id = format!("A{account:05}");
    let prospect = account.is_multiple_of(3);
    let end = start().plus_days(DAYS);
    let mut contacts = Vec::new();
    let mut interactions = Vec::new();
    for contact in 0..3_u16 {
        let who = (streams, AccountIndex(account), ContactIndex(contact));
        let draws = streams.draws(Purpose::Contact, who.1, who.2);
        let from = start().plus_days((draws.uniform(0) - 0.5) * 1.6 * DAYS);
        let level = if prospect {
            LevelIndex(u16::from(draws.uniform(1) >= flow.entry()[0].1))
        } else {
            flow.retention_entry()
        };
        let walk = walks.contact_walk((who.1, who.2), level, (from, end));
        if walk.left_at.is_some_and(|left| left < start()) {
            continue;
        }
        let position = ContactIndex(contacts.len() as u16);
        contacts.push(Contact {
            id: format!("{id}-{contact}"),
            valid_from: Some(from),
            valid_to: walk.left_at,
            ..Contact::default()
        });
        let rows = walk.rows.into_iter().filter(|(at, _)| *at >= start());
        interactions.extend(rows.map(|(at, kind)| Interaction {
            contact: Some(position),
            kind,
            occurred_at: at,
            known_at: at,
            ..Interaction::default()
        }));
    }
    interactions.sort_by_key(|row| row.occurred_at);
    let account = Account { id, entered_at: start(), ..Account::default() };
    AccountHistory { contacts, interactions, ..AccountHistory::empty(account) }
}

fn names(flow: &Flow) -> TypeNames {
    flow.catalogue().entries().iter().map(|entry| entry.interaction_type.as_str()).collect()
}

fn fitted(flow: &Flow, histories: &[AccountHistory]) -> FlowFit {
    let span = Span { start: start(), end: start().plus_days(DAYS) };
    fit_flow(histories, &names(flow), Some(flow.catalogue()), span).unwrap()
}

/// `found` must be within three standard errors of `expected`.
#[track_caller]
fn near(what: &str, found: f64, expected: f64, std_error: f64) {
    let distance = (found - expected).abs() / std_error;
    assert!(distance <= 3.0, "{what}: {found}, expected {expected} ± {std_error}: {distance:.1}");
}

/// Standard error of a share of `n` draws.
fn of_share(p: f64, n: f64) -> f64 {
    (p * (1.0 - p) / n).sqrt()
}

/// Accounts of the logs of these tests: about 24,000 rows.
const ACCOUNTS: u32 = 400;

#[test]
fn what_was_planted_is_recovered() {
    let flow = flow();
    let fit = fitted(&flow, &log(&flow, ACCOUNTS, 5));
    let report = &fit.report;
    assert_eq!(report.level_source, LevelSource::Triggers);
    assert!(report.converged);
    assert_eq!(fit.flow.levels().len(), flow.levels().len());
    for truth in flow.levels() {
        let found = report.levels.iter().find(|level| level.name == truth.name).unwrap();
        let name = &truth.name;
        for &(kind, share) in &truth.mix {
            let kind = &flow.catalogue().entries()[usize::from(kind.0)].interaction_type;
            let own = found.mix.iter().find(|share| share.interaction_type == *kind).unwrap();
            near(&format!("{kind} at {name}"), own.share, share, of_share(share, found.n_steps));
        }
        let exit = truth.exits[0].probability;
        near(
            &format!("exit of {name}"),
            found.exit_probability,
            exit,
            of_share(exit, found.n_steps),
        );
        // Ends by exits and steps alike; a censored wait only adds to what is known.
        let ends = found.n_steps + found.n_exits;
        let law = found.wait.as_ref().unwrap();
        near(
            &format!("wait at {name}"),
            law.law().mean_days(),
            truth.wait.mean_days(),
            standard_deviation(&truth.wait) / ends.sqrt(),
        );
        family_and_shape(law, &truth.wait, ends);
    }
    let entry = report.entry.iter().find(|entry| entry.level == "aware").unwrap();
    let prospects = f64::from(ACCOUNTS);
    // A third of the accounts has three prospects each, of whom a joiner counts with 5/8.
    near("entry", entry.share, 0.7, of_share(0.7, prospects * 0.625));
    assert_eq!(report.retention_entry, "running");
}

fn standard_deviation(law: &SojournLaw) -> f64 {
    match *law {
        SojournLaw::Exponential { mean_days } => mean_days,
        SojournLaw::Gamma { shape, mean_days } => mean_days / shape.sqrt(),
        SojournLaw::LogNormal { sigma, .. } => {
            law.mean_days() * ((sigma * sigma).exp() - 1.0).sqrt()
        }
        // Weibull 1.5: Γ(1 + 4/3) − Γ(1 + 2/3)² = 0.3757, of a scale of 1.
        SojournLaw::Weibull { scale_days, .. } => 0.3757_f64.sqrt() * scale_days,
        _ => f64::NAN,
    }
}

/// The family that was planted, and its shape within three asymptotic standard errors.
fn family_and_shape(found: &LawFit, truth: &SojournLaw, n: f64) {
    let first = found.parameters[0];
    match *truth {
        // In about one log in 25 BIC takes one of the two families that hold the exponential. It does so
        // just when their shape is more than √ln n, here 2.8, errors from 1, so three are no bound.
        // Information of gamma's shape 1 at a known mean: ψ′(1) − 1 = 0.6449; Weibull's as below.
        SojournLaw::Exponential { .. } => {
            let error = match found.family {
                Family::Exponential => return,
                Family::Gamma => (n * 0.6449).sqrt().recip(),
                Family::Weibull => 0.7797 / n.sqrt(),
                Family::LogNormal => panic!("a log-normal is no exponential: {found:?}"),
            };
            assert!((first - 1.0).abs() < 4.0 * error, "{found:?} instead of an exponential");
        }
        SojournLaw::Gamma { shape, .. } => {
            assert_eq!(found.family, Family::Gamma);
            // Information of the shape at a known mean: ψ′(2) − 1/2 = 0.1449.
            near("shape of gamma", first, shape, (n * 0.1449).sqrt().recip());
        }
        SojournLaw::LogNormal { sigma, .. } => {
            assert_eq!(found.family, Family::LogNormal);
            near("sigma", found.parameters[1], sigma, sigma / (2.0 * n).sqrt());
        }
        SojournLaw::Weibull { shape, .. } => {
            assert_eq!(found.family, Family::Weibull);
            // √6/π: Bain (1978), with the scale unknown.
            near("shape of Weibull", first, shape, 0.7797 * shape / n.sqrt());
        }
        _ => {}
    }
}

#[test]
fn planted_answers_are_found_and_no_others() {
    let flow = flow();
    let fit = fitted(&flow, &log(&flow, ACCOUNTS, 6));
    let name = |kind: rvq::ids::TypeIndex| {
        flow.catalogue().entries()[usize::from(kind.0)].interaction_type.as_str()
    };
    let mut planted = 0;
    for level in flow.levels() {
        for rule in &level.follow_ups {
            planted += 1;
            let (after, then) = (name(rule.after), name(rule.then));
            let found = fit
                .report
                .follow_ups
                .iter()
                .find(|f| (&*f.level, &*f.after, &*f.then) == (&*level.name, after, then));
            let found = found.unwrap_or_else(|| panic!("{after} -> {then} was not found"));
            let error = of_share(rule.probability, found.n_asked);
            near(&format!("{after} -> {then}"), found.probability, rule.probability, error);
            // Not knowing who answered whom leaves less information about waits too, by about the
            // share by which it does about the probability.
            let known = of_share(found.probability, found.n_asked) / found.std_error;
            let error = standard_deviation(&rule.wait) / found.n_answers.sqrt() / known;
            let (wait, planted) = (found.mean_wait_days, rule.wait.mean_days());
            near(&format!("wait of {then}"), wait, planted, error);
        }
    }
    assert_eq!(fit.report.follow_ups.len(), planted, "{:?}", fit.report.follow_ups);
}

#[test]
fn contacts_that_merely_differ_ask_no_questions() {
    // Half of the accounts only talk and fault, the others only take deliveries: without answers,
    // neighbours are far from independent.
    let without =
        FLOW.replace("after = \"question\"", "after = \"talk\"").replace("0.7, wait", "0.0, wait");
    let quiet = Flow::from_sources(
        Source::new(
            "flow.toml",
            without
                .replace("probability = 0.3,", "probability = 0.0,")
                .replace("probability = 0.6,", "probability = 0.0,"),
        ),
        Source::new("catalogue.csv", CATALOGUE),
    )
    .unwrap();
    let mut log = log(&quiet, ACCOUNTS, 7);
    let kind = |name: &str| names(&quiet).get(name).unwrap();
    for (position, history) in log.iter_mut().enumerate() {
        for row in &mut history.interactions {
            if row.kind == kind("talk") && position.is_multiple_of(2) {
                row.kind = kind("delivery");
            } else if row.kind == kind("delivery") && position % 2 == 1 {
                row.kind = kind("talk");
            }
        }
    }
    let fit = fitted(&quiet, &log);
    assert_eq!(fit.report.follow_ups, [], "of {} pairs", fit.report.n_pairs_tested);
}

#[test]
fn levels_that_rows_carry_are_taken_and_their_triggers_inferred() {
    let flow = flow();
    let types = names(&flow);
    let mut log = log(&flow, 200, 8);
    for history in &mut log {
        label(&flow, history);
    }
    let mut entries = flow.catalogue().entries().to_vec();
    for entry in &mut entries {
        entry.trigger_to = None;
    }
    let bare = Catalogue::from_entries("bare", entries).unwrap();
    let span = Span { start: start(), end: start().plus_days(DAYS) };
    let fit = fit_flow(&log, &types, Some(&bare), span).unwrap();
    assert_eq!(fit.report.level_source, LevelSource::Column);
    for entry in flow.catalogue().entries().iter().filter(|entry| !entry.transactional) {
        let found = fit.flow.catalogue().get(&entry.interaction_type).unwrap();
        assert_eq!(found.trigger_to, entry.trigger_to, "{}", entry.interaction_type);
    }
}

/// Writes into every row the level at which it happened, by a second reading of the flow's rules.
fn label(flow: &Flow, history: &mut AccountHistory) {
    for contact in 0..history.contacts.len() {
        let own = |row: &Interaction| row.contact.is_some_and(|c| usize::from(c.0) == contact);
        let prospect = history.account.id[1..].parse::<u32>().unwrap().is_multiple_of(3);
        // The level before the first trigger is that of which the trigger is a type.
        let first = history.interactions.iter().filter(|row| own(row)).find_map(|row| {
            let kind = &flow.catalogue().entries()[usize::from(row.kind.0)];
            match kind.interaction_type.as_str() {
                "demo" => Some("aware"),
                "silence" | "call" | "reply" => Some("engaged"),
                "fault" | "delivery" => Some("running"),
                "repair" => Some("trouble"),
                _ => None,
            }
        });
        let fallback = if prospect { "aware" } else { "running" };
        let mut level = first.unwrap_or(fallback).to_owned();
        for row in history.interactions.iter_mut().filter(|row| own(row)) {
            row.details =
                Some(Box::new(Details { level: Some(level.clone()), ..Details::default() }));
            let entry = &flow.catalogue().entries()[usize::from(row.kind.0)];
            level = entry.trigger_to.clone().unwrap_or(level);
        }
    }
}

/// The fit of one part of a log and the records of both.
fn halves(seed: u64) -> (FlowFit, Vec<AccountRecord>, Vec<AccountRecord>) {
    let flow = flow();
    let (fitting, held_out) = split(log(&flow, ACCOUNTS, seed), 1, 1.0 / 3.0);
    let fit = fitted(&flow, &fitting);
    let span = Span { start: start(), end: start().plus_days(DAYS) };
    let records = |histories: &[AccountHistory]| -> Vec<AccountRecord> {
        histories.iter().map(|history| AccountRecord::new(history, &fit.types, span)).collect()
    };
    let (fitting, held_out) = (records(&fitting), records(&held_out));
    (fit, fitting, held_out)
}

#[test]
fn a_log_of_the_fitted_flow_is_inside_and_a_shuffled_one_outside() {
    let (fit, fitting, held_out) = halves(9);
    let streams = Streams::new(3);
    let score = |candidates: &[Vec<AccountRecord>]| {
        realism_score(&fitting, &held_out, candidates, Calendar::UTC, streams).unwrap()
    };
    let simulated: Vec<Vec<AccountRecord>> = (1..=10)
        .map(|replication| simulate_like(&fit, &held_out, streams.replication(replication)))
        .collect();
    let own = score(&simulated);
    assert_eq!(own.grade, Grade::Realistic, "{own:#?}");
    for aspect in [Aspect::Types, Aspect::Pairs, Aspect::Triples, Aspect::Waits, Aspect::Counts] {
        assert!(own.of(aspect).unwrap().inside, "{own:#?}");
    }

    // Types dealt anew over all rows: the shares stay, their order goes.
    let mut dealt = held_out.clone();
    let mut kinds: Vec<_> = rows(&mut dealt).map(|row| row.kind).collect();
    shuffle(&mut kinds, streams);
    for (row, kind) in rows(&mut dealt).zip(kinds) {
        row.kind = kind;
    }
    let score_of_dealt = score(&[dealt]);
    assert!(score_of_dealt.of(Aspect::Types).unwrap().inside);
    for aspect in [Aspect::Pairs, Aspect::Triples] {
        assert!(!score_of_dealt.of(aspect).unwrap().inside, "{score_of_dealt:#?}");
    }
    assert_ne!(score_of_dealt.grade, Grade::Realistic);

    // Times drawn anew inside each contact's window: the counts stay, the waits go.
    let mut redrawn = held_out.clone();
    let mut stream = streams.global(Purpose::Permutation).stream(1);
    for contact in redrawn.iter_mut().flat_map(|account| &mut account.contacts) {
        let days = contact.until.days_since(contact.start);
        let times = contact.rows.iter().map(|_| contact.start.plus_days(stream.uniform() * days));
        let mut times: Vec<Instant> = times.collect();
        times.sort_unstable();
        for (row, at) in contact.rows.iter_mut().zip(times) {
            row.at = at;
        }
    }
    let score_of_redrawn = score(&[redrawn]);
    assert!(!score_of_redrawn.of(Aspect::Waits).unwrap().inside, "{score_of_redrawn:#?}");
    assert_ne!(score_of_redrawn.grade, Grade::Realistic);
}

fn rows(log: &mut [AccountRecord]) -> impl Iterator<Item = &mut rvq::flow::fit::Row> {
    log.iter_mut().flat_map(|account| &mut account.contacts).flat_map(|contact| &mut contact.rows)
}

fn shuffle<T>(values: &mut [T], streams: Streams) {
    let mut stream = streams.global(Purpose::Permutation).stream(0);
    for last in (1..values.len()).rev() {
        let other = (stream.uniform() * (last + 1) as f64) as usize;
        values.swap(last, other.min(last));
    }
}

#[test]
fn the_same_log_gives_the_same_flow_on_any_number_of_threads() {
    let flow = flow();
    let log = log(&flow, 60, 10);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fitted(&flow, &log).flow_toml)
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
}

#[test]
fn a_log_without_catalogue_or_levels_gives_one_level_per_stage() {
    let flow = flow();
    let log = log(&flow, 30, 11);
    let span = Span { start: start(), end: start().plus_days(DAYS) };
    let fit = fit_flow(&log, &names(&flow), None, span).unwrap();
    assert_eq!(fit.report.level_source, LevelSource::Stages);
    assert_eq!(fit.report.retention_entry, "retention");
    let added: Vec<_> = fit.report.notes.iter().filter(|n| n.contains("is added")).collect();
    // No stage before retention, no close, no renewal and no purchase: each is added and said so.
    assert_eq!(added.len(), 5, "{:#?}", fit.report.notes);
    let error = fit_flow(&log[..0], &names(&flow), None, span).unwrap_err();
    assert_eq!(error.to_string(), "0 interactions that are no transactions, expected at least 20");
}

/// Numbers of another system with their tolerance.
#[derive(serde::Deserialize)]
struct Fixture<C> {
    tool: String,
    tolerance: f64,
    cases: Vec<C>,
}

fn fixture<C: serde::de::DeserializeOwned>(name: &str) -> Fixture<C> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[derive(serde::Deserialize)]
struct CensoredCase {
    name: String,
    time: Vec<f64>,
    observed: Vec<bool>,
    laws: std::collections::BTreeMap<String, ReferenceLaw>,
}

#[derive(serde::Deserialize)]
struct ReferenceLaw {
    parameters: Vec<f64>,
    log_likelihood: f64,
}

#[test]
fn censored_laws_match_lifelines_and_scipy() {
    let fixture: Fixture<CensoredCase> = fixture("censored_laws");
    for case in &fixture.cases {
        let of = |seen: bool| {
            let waits = case.time.iter().zip(&case.observed).filter(|(_, o)| **o == seen);
            waits.map(|(time, _)| (*time, 1.0)).collect()
        };
        let waits = Waits { complete: of(true), censored: of(false) };
        for family in Family::ALL {
            let expected = &case.laws[family.name()];
            let found = fit_family(family, &waits).unwrap();
            let pairs = found.parameters.iter().zip(&expected.parameters);
            for (found, expected) in
                pairs.chain([(&found.log_likelihood, &expected.log_likelihood)])
            {
                let error = (found / expected - 1.0).abs();
                assert!(
                    error < fixture.tolerance,
                    "{}, {}: {found}, but {expected} by {}",
                    case.name,
                    family.name(),
                    fixture.tool
                );
            }
        }
    }
}

#[derive(serde::Deserialize)]
struct DistanceCase {
    p: Vec<f64>,
    q: Vec<f64>,
    width: f64,
    jensen_shannon: f64,
    wasserstein: f64,
}

#[test]
fn distances_match_scipy() {
    let fixture: Fixture<DistanceCase> = fixture("distances");
    for case in &fixture.cases {
        let found = [jensen_shannon(&case.p, &case.q), wasserstein(&case.p, &case.q, case.width)];
        for (found, expected) in found.iter().zip([case.jensen_shannon, case.wasserstein]) {
            assert!((found - expected).abs() < fixture.tolerance, "{found}, but {expected}");
        }
    }
}

fn rvq(arguments: &[&str], folder: &std::path::Path) -> std::process::Output {
    cargo_bin_cmd!("rvq").args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn the_command_writes_a_flow_that_checks_and_keeps_what_is_there() {
    let flow = flow();
    let folder = tempfile::tempdir().unwrap();
    let types = names(&flow);
    let log_folder = folder.path().join("log");
    std::fs::create_dir(&log_folder).unwrap();
    let mut writer = LogWriter::create(&log_folder, &types, "test").unwrap();
    for history in log(&flow, 90, 12) {
        writer.write(&history).unwrap();
    }
    writer.finish().unwrap();
    std::fs::write(log_folder.join("catalogue.csv"), flow.catalogue().to_csv()).unwrap();

    let fitted = rvq(&["flow", "fit", "log", "--out", "fitted"], folder.path());
    let text = String::from_utf8(fitted.stdout).unwrap();
    assert_eq!(fitted.status.code(), Some(0), "{}", String::from_utf8_lossy(&fitted.stderr));
    assert!(text.contains("replayed from `trigger_to`"), "{text}");
    assert!(text.contains("running: question -> answer"), "{text}");
    assert!(text.contains("realism: "), "{text}");
    let checked = rvq(&["flow", "check", "fitted/flow.toml"], folder.path());
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stderr));

    let again = rvq(&["flow", "fit", "log", "--out", "fitted"], folder.path());
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("`--force` replaces it"));
    let json = rvq(
        &["flow", "fit", "log", "--out", "fitted", "--force", "--format", "json"],
        folder.path(),
    );
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["fit"]["level_source"], "triggers");
    assert_eq!(json["realism"]["n_resamples"], 400);

    let missing = rvq(&["flow", "fit", "nowhere"], folder.path());
    assert_eq!(missing.status.code(), Some(3));
}
