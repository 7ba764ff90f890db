//! The built-in flow is what its README says; every rule of the checker is seen to reject.

use proptest::prelude::*;
use rvq::diagnostic::{Problems, Source};
use rvq::flow::{Catalogue, CatalogueEntry, Flow, FlowError};
use rvq::interaction::Stage;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/flows/b2b");

/// A small flow without a problem; each rejection breaks it in one place.
const FLOW: &str = r#"catalogue = "c.csv"
retention_entry = "using"
[entry]
aware = 1
[transactions]
on_close = "signed"
on_purchase = { order = 1.0 }
on_renewal = "renewed"
[[levels]]
name = "aware"
stage = "acquisition"
wait = { exponential = { mean_days = 9 } }
mix = { mail = 0.75, meeting = 0.25 }
[[levels]]
name = "deal"
stage = "closing"
wait = { log_normal = { median_days = 9, sigma = 0.5 } }
mix = { talk = 1.0 }
exits = [{ reason = "lost", probability = 0.02 }]
[[levels]]
name = "using"
stage = "retention"
wait = { weibull = { shape = 1.2, scale_days = 30 } }
mix = { call = 0.9, outage = 0.1 }
follow_ups = [{ after = "outage", then = "repair", probability = 0.5, wait = { gamma = { shape = 2.0, mean_days = 3 } } }]
"#;

const CATALOGUE: &str = "\
interaction_type,segment_id,stage,rv,variable_cost,critical,transactional,trigger_to
mail,,acquisition,0.5,1,,,
meeting,,acquisition,5,200,,,deal
talk,,closing,2,20,,,
signed,,closing,8,60,,true,using
call,,retention,1.5,20,,,
call,public,,1,25,,,
outage,,retention,-12,300,true,,
repair,,retention,3,120,,,
order,,retention,3,8,,true,
renewed,,retention,6,60,,true,
";

fn check(flow: &str, catalogue: &str) -> Result<Flow, Problems> {
    Flow::from_sources(Source::new("flow.toml", flow), Source::new("c.csv", catalogue))
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` occurs once");
    text.replace(from, to)
}

/// What is said when `from` in the flow reads `to` instead.
fn flow_with(from: &str, to: &str) -> String {
    check(&replaced(FLOW, from, to), CATALOGUE).unwrap_err().to_string()
}

/// What is said when `from` in the catalogue reads `to` instead.
fn catalogue_with(from: &str, to: &str) -> String {
    check(FLOW, &replaced(CATALOGUE, from, to)).unwrap_err().to_string()
}

fn count(types: &[CatalogueEntry], is: impl Fn(&CatalogueEntry) -> bool) -> usize {
    types.iter().filter(|entry| is(entry)).count()
}

#[test]
fn the_files_in_the_clone_are_the_builtin_flow() {
    let path = format!("{FOLDER}/flow.toml");
    assert_eq!(Flow::load(path).unwrap_or_else(|error| panic!("{error}")), Flow::builtin());
}

#[test]
fn the_builtin_catalogue_has_the_shape_its_readme_states() {
    let flow = Flow::builtin();
    let types = flow.catalogue().entries();
    let shape = |voc: bool| Stage::ALL.map(|s| count(types, |e| e.stage == s && e.is_voc == voc));
    assert_eq!(shape(false), [34, 26, 42]);
    assert_eq!(shape(true), [10, 6, 14]);
    assert_eq!(count(types, |e| !e.is_voc && e.worth.rv < 0.0), 26);
    assert_eq!(count(types, |e| e.critical), 5);
    assert!(count(types, |e| e.emotional) >= 10);
    assert!(types.iter().all(|e| (-15.0..=10.0).contains(&e.worth.rv)));
    let rv = |name| flow.catalogue().get(name).unwrap().worth_in(None).rv;
    assert_eq!(rv("key_executive_meeting"), 10.0);
    assert!(rv("demo_downloaded") < rv("key_executive_meeting"));
    for segment in ["manufacturing", "services", "public"] {
        let overridden = |e: &CatalogueEntry| e.overrides.iter().any(|(id, _)| id == segment);
        assert!(count(types, overridden) >= 4, "{segment}");
    }
    let late = flow.catalogue().get("delivery_late").unwrap();
    assert_eq!(late.worth_in(Some("manufacturing")).rv, -4.0);
    assert_eq!(late.worth_in(Some("public")), late.worth);
}

#[test]
fn every_type_occurs_at_a_level_or_follows_from_an_outcome() {
    let flow = Flow::builtin();
    let transactions = flow.transactions();
    let mut occurring = vec![transactions.on_close, transactions.on_renewal];
    occurring.extend(transactions.on_purchase.iter().map(|(kind, _)| *kind));
    for level in flow.levels() {
        occurring.extend(level.expected_interactions().iter().map(|(kind, _)| *kind));
    }
    for (position, entry) in flow.catalogue().entries().iter().enumerate() {
        let occurs = occurring.iter().any(|kind| usize::from(kind.0) == position);
        assert!(occurs, "{} never occurs", entry.interaction_type);
    }
}

#[test]
fn retention_levels_are_modestly_positive_and_not_without_trouble() {
    let flow = Flow::builtin();
    let catalogue = flow.catalogue();
    for level in flow.levels().iter().filter(|level| level.stage == Stage::Retention) {
        let (name, rv) = (&level.name, level.mean_rv(catalogue));
        assert!((0.5..=2.0).contains(&rv), "{name}: {rv} per interaction");
        let negative = level.negative_share(catalogue);
        assert!((0.12..=0.18).contains(&negative), "{name}: {negative} negative");
        let wait = level.wait.mean_days();
        assert!((25.0..=45.0).contains(&wait), "{name}: {wait} days");
    }
}

#[test]
fn what_is_written_is_what_is_loaded() {
    let text = std::fs::read_to_string(format!("{FOLDER}/flow.toml")).unwrap();
    let written: toml::Table = text.parse().unwrap();
    let flow = Flow::builtin();
    let types = flow.catalogue().entries();
    let levels = written["levels"].as_array().unwrap();
    assert_eq!(flow.levels().len(), levels.len());
    for (level, written) in flow.levels().iter().zip(levels) {
        assert_eq!(level.name, written["name"].as_str().unwrap());
        let mix: toml::Table = level
            .mix
            .iter()
            .map(|(kind, p)| (types[usize::from(kind.0)].interaction_type.clone(), (*p).into()))
            .collect();
        assert_eq!(&mix, written["mix"].as_table().unwrap());
        let answers = written.get("follow_ups").map_or(0, |list| list.as_array().unwrap().len());
        assert_eq!(level.follow_ups.len(), answers);
    }
}

#[test]
fn only_type_and_relative_value_are_required() {
    let text = "rv,interaction_type\n1.5, call \n";
    let catalogue = Catalogue::from_source(Source::new("mine.csv", text)).unwrap();
    let entry = catalogue.get("call").unwrap();
    assert_eq!((entry.stage, entry.worth.rv), (Stage::Retention, 1.5));
    assert_eq!((entry.function.as_str(), entry.worth.variable_cost), ("", 0.0));
    assert!(!entry.transactional && catalogue.version().is_empty());
}

#[test]
fn an_override_keeps_the_values_it_does_not_state() {
    let catalogue = replaced(CATALOGUE, "call,public,,1,25", "call,public,,1,");
    let flow = check(FLOW, &catalogue).unwrap();
    let worth = flow.catalogue().get("call").unwrap().worth_in(Some("public"));
    assert_eq!((worth.rv, worth.variable_cost), (1.0, 20.0));
}

#[test]
fn a_missing_file_is_named() {
    let error = Flow::load("no/such/flow.toml").unwrap_err();
    assert!(matches!(error, FlowError::Read { .. }));
    assert_eq!(error.to_string(), "cannot read `no/such/flow.toml`");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flow.toml");
    std::fs::write(&path, FLOW).unwrap();
    let error = Flow::load(&path).unwrap_err().to_string();
    assert!(error.contains("cannot read catalogue `") && error.contains("c.csv"), "{error}");
}

#[test]
fn names_and_probabilities_are_checked() {
    insta::assert_snapshot!(flow_with("meeting = 0.25", "meeting = 0.2"), @"");
    insta::assert_snapshot!(flow_with("probability = 0.5", "probability = 1.5"), @"");
    insta::assert_snapshot!(flow_with("mail = 0.75", "mial = 0.75"), @"");
    insta::assert_snapshot!(flow_with("aware = 1", "awear = 1"), @"");
    insta::assert_snapshot!(flow_with("name = \"deal\"", "name = \"aware\""), @"");
    insta::assert_snapshot!(flow_with("median_days = 9", "median_days = -9"), @"");
    insta::assert_snapshot!(flow_with("sigma = 0.5", "sigma = 40"), @"");
}

#[test]
fn levels_and_types_must_fit_each_other() {
    insta::assert_snapshot!(flow_with("call = 0.9", "order = 0.9"), @"");
    insta::assert_snapshot!(flow_with("talk = 1.0", "call = 1.0"), @"");
    insta::assert_snapshot!(flow_with("after = \"outage\"", "after = \"repair\""), @"");
    insta::assert_snapshot!(flow_with("order = 1.0", "call = 1.0"), @"");
    insta::assert_snapshot!(flow_with("retention_entry = \"using\"", "retention_entry = \"deal\""), @"");
    insta::assert_snapshot!(catalogue_with(",,,deal", ",,,"), @"");
    insta::assert_snapshot!(catalogue_with(",,,deal", ",,,dael"), @"");
    insta::assert_snapshot!(catalogue_with("talk,,closing,2,20,,,", "talk,,closing,2,20,,,using"), @"");
}

#[test]
fn catalogue_values_are_checked() {
    insta::assert_snapshot!(catalogue_with("mail,,acquisition,0.5,1", "mail,,acquisition,0.5,-1"), @"");
    insta::assert_snapshot!(catalogue_with("mail,,acquisition,0.5,1", "mail,,acquisition,0.5,NaN"), @"");
    insta::assert_snapshot!(catalogue_with("mail,,acquisition,0.5,1", "mail,,acquisition,inf,1"), @"");
    insta::assert_snapshot!(catalogue_with("outage,,retention,-12", "outage,,retention,12"), @"");
    insta::assert_snapshot!(catalogue_with("call,public,,1", "cal,public,,1"), @"");
    insta::assert_snapshot!(catalogue_with("call,public,,", "call,public,closing,"), @"");
    insta::assert_snapshot!(catalogue_with("repair,,", "mail,,"), @"");
}

#[test]
fn the_shape_of_the_catalogue_is_checked() {
    insta::assert_snapshot!(catalogue_with("meeting,,acquisition,5,200,,,deal", "meeting,,acquisition,5,200"), @"");
    insta::assert_snapshot!(catalogue_with(",rv,variable_cost", ",rv,variabel_cost"), @"");
    insta::assert_snapshot!(Catalogue::from_source(Source::new("c.csv", "")).unwrap_err(), @"");
}

#[test]
fn all_problems_of_both_files_come_at_once() {
    let flow = replaced(FLOW, "talk = 1.0", "talk = 0.9").replace("mean_days = 9", "mean_days = 0");
    let catalogue = replaced(CATALOGUE, "outage,,retention,-12,300", "outage,,retention,12,-300");
    let problems = check(&flow, &catalogue).unwrap_err();
    let lines: Vec<(usize, usize)> = problems
        .diagnostics()
        .iter()
        .map(|p| (p.source, problems.sources()[p.source].line(p.span.start)))
        .collect();
    assert_eq!(lines, [(1, 8), (1, 8), (0, 12), (0, 18)]);
}

proptest! {
    #[test]
    fn a_mix_that_does_not_sum_to_one_is_reported(change in -0.7_f64..0.25) {
        let flow = replaced(FLOW, "mail = 0.75", &format!("mail = {}", 0.75 + change));
        let result = check(&flow, CATALOGUE);
        if change.abs() <= 1e-6 {
            prop_assert!(result.is_ok());
        } else {
            let problems = result.unwrap_err();
            prop_assert_eq!(problems.diagnostics().len(), 1);
            prop_assert!(problems.diagnostics()[0].message.contains("mix of `aware` sum to"));
        }
    }
}
