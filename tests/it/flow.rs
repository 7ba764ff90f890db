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
fn every_catalogue_of_a_mapping_loads() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mappings");
    let mut loaded = 0;
    for mapping in std::fs::read_dir(folder).unwrap() {
        let path = mapping.unwrap().path().join("catalogue.csv");
        if path.exists() {
            Catalogue::load(&path).unwrap_or_else(|error| panic!("{error}"));
            loaded += 1;
        }
    }
    assert!(loaded > 0);
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
    insta::assert_snapshot!(flow_with("meeting = 0.25", "meeting = 0.2"), @r"
    error: probabilities in mix of `aware` sum to 0.950000, expected 1
      --> flow.toml:13:7
       |
    13 | mix = { mail = 0.75, meeting = 0.2 }
       |       ^^
       |
       = help: scale the probabilities, or add the missing one
    ");
    insta::assert_snapshot!(flow_with("probability = 0.5", "probability = 1.5"), @r#"
    error: probability is 1.5, expected 0 to 1
      --> flow.toml:25:66
       |
    25 | follow_ups = [{ after = "outage", then = "repair", probability = 1.5, wait = { gamma = { shape = 2.0, mean_days = 3 } } }]
       |                                                                  ^^^
    "#);
    insta::assert_snapshot!(flow_with("mail = 0.75", "mial = 0.75"), @r"
    error: unknown interaction type `mial`
      --> flow.toml:13:9
       |
    13 | mix = { mial = 0.75, meeting = 0.25 }
       |         ^^^^
       |
       = help: did you mean `mail`?
    ");
    insta::assert_snapshot!(flow_with("aware = 1", "awear = 1"), @r"
    error: unknown level `awear`
     --> flow.toml:4:1
      |
    4 | awear = 1
      | ^^^^^
      |
      = help: did you mean `aware`?
    ");
    insta::assert_snapshot!(flow_with("name = \"deal\"", "name = \"aware\""), @r#"
    error: level `aware` occurs twice
      --> flow.toml:15:8
       |
    15 | name = "aware"
       |        ^^^^^^^

    error: `trigger_to` is unknown level `deal`
     --> c.csv:3:30
      |
    3 | meeting,,acquisition,5,200,,,deal
      |                              ^^^^
      |
      = help: 2 levels are known
    "#);
    insta::assert_snapshot!(flow_with("mix = { talk = 1.0 }\nexits = [{ reason = \"lost\", probability = 0.02 }]", "exits = [{ reason = \"lost\", probability = 1 }]\n[levels.mix]\ntalk = 0.9"), @r#"
    error: probabilities in mix of `deal` sum to 0.900000, expected 1
      --> flow.toml:19:1
       |
    19 | [levels.mix]
       | ^^^^^^^^^^^^
       |
       = help: scale the probabilities, or add the missing one

    error: exits of `deal` sum to 1, expected less than 1
      --> flow.toml:18:43
       |
    18 | exits = [{ reason = "lost", probability = 1 }]
       |                                           ^
    "#);
    insta::assert_snapshot!(flow_with("median_days = 9", "median_days = -9"), @r"
    error: `median_days` is -9, expected a finite number above 0
      --> flow.toml:17:39
       |
    17 | wait = { log_normal = { median_days = -9, sigma = 0.5 } }
       |                                       ^^
    ");
    insta::assert_snapshot!(flow_with("sigma = 0.5", "sigma = 40"), @r"
    error: mean wait is inf days, expected a finite number above 0
      --> flow.toml:17:8
       |
    17 | wait = { log_normal = { median_days = 9, sigma = 40 } }
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
}

#[test]
fn levels_and_types_must_fit_each_other() {
    insta::assert_snapshot!(flow_with("call = 0.9", "order = 0.9"), @r"
    error: transactional type `order` occurs at level `using`
      --> flow.toml:24:9
       |
    24 | mix = { order = 0.9, outage = 0.1 }
       |         ^^^^^
       |
       = help: outcomes bring it about: list it under `[transactions]`
    ");
    insta::assert_snapshot!(flow_with("talk = 1.0", "call = 1.0"), @r"
    error: `call` is of stage retention, expected closing as level `deal`
      --> flow.toml:18:9
       |
    18 | mix = { call = 1.0 }
       |         ^^^^
    ");
    insta::assert_snapshot!(flow_with("after = \"outage\"", "after = \"repair\""), @r#"
    error: follow-ups of `repair` lead back to it
      --> flow.toml:25:25
       |
    25 | follow_ups = [{ after = "repair", then = "repair", probability = 0.5, wait = { gamma = { shape = 2.0, mean_days = 3 } } }]
       |                         ^^^^^^^^
    "#);
    insta::assert_snapshot!(flow_with("after = \"outage\"", "after = \"mail\""), @r#"
    error: follow-up of `mail`, which never occurs at level `using`
      --> flow.toml:25:25
       |
    25 | follow_ups = [{ after = "mail", then = "repair", probability = 0.5, wait = { gamma = { shape = 2.0, mean_days = 3 } } }]
       |                         ^^^^^^
    "#);
    insta::assert_snapshot!(flow_with("order = 1.0", "call = 1.0"), @r"
    error: `call` is not transactional
     --> flow.toml:7:17
      |
    7 | on_purchase = { call = 1.0 }
      |                 ^^^^
      |
      = help: only transactional types follow from outcomes
    ");
    insta::assert_snapshot!(flow_with("retention_entry = \"using\"", "retention_entry = \"deal\""), @r#"
    error: `retention_entry` is a level of closing, expected retention
     --> flow.toml:2:19
      |
    2 | retention_entry = "deal"
      |                   ^^^^^^
    "#);
    insta::assert_snapshot!(catalogue_with(",,,deal", ",,,"), @r#"
    error: level `deal` is never reached
      --> flow.toml:15:8
       |
    15 | name = "deal"
       |        ^^^^^^
       |
       = help: enter at it, or let a type of another level trigger it
    "#);
    insta::assert_snapshot!(catalogue_with(",,,deal", ",,,dael"), @r"
    error: `trigger_to` is unknown level `dael`
     --> c.csv:3:30
      |
    3 | meeting,,acquisition,5,200,,,dael
      |                              ^^^^
      |
      = help: did you mean `deal`?
    ");
    insta::assert_snapshot!(catalogue_with("talk,,closing,2,20,,,", "talk,,closing,2,20,,,using"), @r"
    error: `talk` of stage closing moves to a level of retention
     --> c.csv:4:22
      |
    4 | talk,,closing,2,20,,,using
      |                      ^^^^^
      |
      = help: only the type named by `on_close` leads into retention
    ");
}

#[test]
fn catalogue_values_are_checked() {
    insta::assert_snapshot!(catalogue_with("mail,,acquisition,0.5,1", "mail,,acquisition,0.5,-1"), @r"
    error: `variable_cost` is `-1`, expected a finite number of at least 0
     --> c.csv:2:23
      |
    2 | mail,,acquisition,0.5,-1,,,
      |                       ^^
    ");
    insta::assert_snapshot!(catalogue_with("mail,,acquisition,0.5,1", "mail,,acquisition,0.5,NaN"), @r"
    error: `variable_cost` is `NaN`, expected a finite number of at least 0
     --> c.csv:2:23
      |
    2 | mail,,acquisition,0.5,NaN,,,
      |                       ^^^
    ");
    insta::assert_snapshot!(catalogue_with("mail,,acquisition,0.5,1", "mail,,acquisition,inf,1"), @r"
    error: `rv` is `inf`, expected a finite number
     --> c.csv:2:19
      |
    2 | mail,,acquisition,inf,1,,,
      |                   ^^^
    ");
    insta::assert_snapshot!(catalogue_with("outage,,retention,-12", "outage,,retention,12"), @r"
    error: `rv` of a critical type is 12, expected a negative number
     --> c.csv:8:19
      |
    8 | outage,,retention,12,300,true,,
      |                   ^^
    ");
    insta::assert_snapshot!(catalogue_with("call,public,,1", "cal,public,,1"), @r"
    error: override of `cal` has no base row
     --> c.csv:7:1
      |
    7 | cal,public,,1,25,,,
      | ^^^
      |
      = help: did you mean `call`?
    ");
    insta::assert_snapshot!(catalogue_with("call,public,,", "call,public,closing,"), @r"
    error: `stage` of an override is `closing`, expected `retention` as in its base row
     --> c.csv:7:13
      |
    7 | call,public,closing,1,25,,,
      |             ^^^^^^^
      |
      = help: only `rv`, `rv_sd`, `variable_cost` and `cost_sd` may differ
    ");
    insta::assert_snapshot!(catalogue_with("repair,,", "mail,,"), @r#"
    error: type `mail` occurs twice
     --> c.csv:9:1
      |
    9 | mail,,retention,3,120,,,
      | ^^^^
      |
      = help: remove one row, or give it a `segment_id` to make it an override

    error: unknown interaction type `repair`
      --> flow.toml:25:42
       |
    25 | follow_ups = [{ after = "outage", then = "repair", probability = 0.5, wait = { gamma = { shape = 2.0, mean_days = 3 } } }]
       |                                          ^^^^^^^^
       |
       = help: 8 types are known
    "#);
}

#[test]
fn the_shape_of_the_catalogue_is_checked() {
    insta::assert_snapshot!(catalogue_with("meeting,,acquisition,5,200,,,deal", "meeting,,acquisition,5,200"), @r"
    error: row has 5 columns, expected 8 as in the header
     --> c.csv:3:1
      |
    3 | meeting,,acquisition,5,200
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^

    error: unknown interaction type `meeting`
      --> flow.toml:13:22
       |
    13 | mix = { mail = 0.75, meeting = 0.25 }
       |                      ^^^^^^^
       |
       = help: 8 types are known
    ");
    insta::assert_snapshot!(catalogue_with(",rv,variable_cost", ",rv,variabel_cost"), @r"
    error: unknown column `variabel_cost`
     --> c.csv:1:38
      |
    1 | interaction_type,segment_id,stage,rv,variabel_cost,critical,transactional,trigger_to
      |                                      ^^^^^^^^^^^^^
      |
      = help: did you mean `variable_cost`?
    ");
    insta::assert_snapshot!(Catalogue::from_source(Source::new("c.csv", "")).unwrap_err(), @r"
    error: file is empty, expected a header
     --> c.csv:1:1
      |
    1 |
      | ^
      |
      = help: the first line names the columns, at least interaction_type, rv
    ");
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

#[test]
fn the_reference_names_every_column_of_the_catalogue() {
    let reference = include_str!("../../data/README.md");
    let (_, section) = reference.split_once("### Catalogue").unwrap();
    let entries = vec![CatalogueEntry::plain("call", 1.0)];
    let csv = Catalogue::from_entries("1", entries).unwrap().to_csv();
    for column in csv.lines().next().unwrap().split(',') {
        assert!(section.contains(&format!("`{column}`")), "{column}");
    }
}
