//! Reports hold the numbers, escape what came from data, and load nothing.

use rvq::report::{
    GateResult, ReportContext, Results, html, junit, results_schema, summary_markdown,
    verdict_table, write_json,
};

use crate::example;

fn context() -> ReportContext {
    ReportContext {
        methods: vec!["999 permutations inside strata.".to_owned()],
        limits: vec!["The simulator knows no competitor.".to_owned()],
        gates: gates(),
    }
}

fn gates() -> Vec<GateResult> {
    let gate = |name: &str, passed, message: &str| GateResult {
        name: name.to_owned(),
        passed,
        message: message.to_owned(),
    };
    vec![
        gate("h1_supported", true, "H1 is supported, expected supported"),
        gate("size", false, "rate .081, expected at most .07"),
    ]
}

/// Results whose every text carries markup.
fn hostile() -> Results {
    let attack = "<script>alert(1)</script>\"'|{{ 7 * 7 }}";
    let mut results = example::results();
    attack.clone_into(&mut results.run.name);
    results.warnings = vec![attack.to_owned()];
    for world in &mut results.worlds {
        attack.clone_into(&mut world.name);
        attack.clone_into(&mut world.description);
        world.patterns_note = Some(attack.to_owned());
        let mut weights = example::weights();
        attack.clone_into(&mut weights.learned.score);
        let fit = weights.learned.fit.as_mut().unwrap();
        attack.clone_into(&mut fit.types[0].interaction_type);
        attack.clone_into(&mut fit.order_reversed[0].expert_lower);
        world.weights = Some(weights);
        let mut diagnostics = example::diagnostics();
        attack.clone_into(&mut diagnostics.signs.types[0].interaction_type);
        attack.clone_into(&mut diagnostics.by_group[0].groups[0].group);
        attack.clone_into(&mut diagnostics.by_group[0].score);
        attack.clone_into(&mut diagnostics.event_study.moment);
        diagnostics.placebos[2].refusal = Some(attack.to_owned());
        world.diagnostics = Some(diagnostics);
        attack.clone_into(&mut world.data.dropped[0].reason);
        for finding in &mut world.findings {
            attack.clone_into(&mut finding.score);
            attack.clone_into(&mut finding.outcome);
            attack.clone_into(&mut finding.method);
        }
        for verdict in &mut world.verdicts {
            attack.clone_into(&mut verdict.hypothesis);
            attack.clone_into(&mut verdict.claim);
            attack.clone_into(&mut verdict.why);
        }
    }
    results
}

/// The results of a run that learned weights.
fn with_weights() -> Results {
    let mut results = example::results();
    results.worlds[0].weights = Some(example::weights());
    results
}

#[test]
fn weights_come_back_from_json_and_are_in_the_schema() {
    let results = with_weights();
    let text = write_json(&results).unwrap();
    assert_eq!(serde_json::from_str::<Results>(&text).unwrap(), results);
    let schema = results_schema();
    let value = serde_json::to_value(results).unwrap();
    let fit = &value["worlds"][0]["weights"]["learned"]["fit"];
    for key in fit.as_object().unwrap().keys() {
        assert!(!schema["$defs"]["WeightFit"]["properties"][key].is_null(), "`{key}`");
    }
    // Whoever asks for no weights reads what he read before.
    let plain = serde_json::to_value(example::results()).unwrap();
    assert!(plain["worlds"][0].get("weights").is_none());
}

#[test]
fn learned_weights_stand_beside_their_null_and_name_what_the_data_contradict() {
    let results = with_weights();
    let page = html(&results, &example::charts(), &context()).unwrap();
    // The comment shows only the types that differ.
    assert!(page.contains("too few exits: expert kept"));
    for text in [page, summary_markdown(&results)] {
        for part in [
            "Learned weights forecast better than the expert",
            "0.660 (0.610 to 0.700)",
            "0.500 (0.460 to 0.540)",
            "The data contradict the sign of product_sample",
            "newsletter above product_sample",
            "the opposite sign",
            "leaves its third",
        ] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
    }
}

#[test]
fn weights_that_beat_chance_by_nothing_are_not_recommended() {
    let mut results = with_weights();
    let fit = results.worlds[0].weights.as_mut().unwrap().learned.fit.as_mut().unwrap();
    fit.learned.estimate = 0.53;
    assert!(summary_markdown(&results).contains("no better than chance, so nothing was learned"));
    let learned = &mut results.worlds[0].weights.as_mut().unwrap().learned;
    (learned.fit, learned.refusal) = (None, Some("12 exits for 30 weights".to_owned()));
    let text = summary_markdown(&results);
    assert!(text.contains("the expert's stand: 12 exits for 30 weights."), "{text}");
}

#[test]
fn diagnostics_come_back_from_json_and_older_results_are_still_read() {
    let mut results = example::results();
    results.worlds[0].diagnostics = Some(example::diagnostics());
    let text = write_json(&results).unwrap();
    assert_eq!(serde_json::from_str::<Results>(&text).unwrap(), results);
    let schema = results_schema();
    for of in ["Diagnostics", "Placebo", "PlaceboFigures", "LeakageLift", "TypeSign", "Migration"] {
        assert!(!schema["$defs"][of].is_null(), "`{of}`");
    }
    let older = text.replace(rvq::report::SCHEMA_VERSION, "1.2");
    let mut older: serde_json::Value = serde_json::from_str(&older).unwrap();
    older["worlds"][0].as_object_mut().unwrap().remove("diagnostics");
    assert_eq!(serde_json::from_value::<Results>(older).unwrap().worlds[0].diagnostics, None);
}

#[test]
fn diagnostics_say_what_stands_behind_a_coefficient() {
    let mut results = example::results();
    results.worlds[0].diagnostics = Some(example::diagnostics());
    let page = html(&results, &example::charts(), &context()).unwrap();
    for part in [
        "does better than 98.5 % of 199 catalogues",
        "3 accounts are long enough",
        "1,234 rows of 56 accounts became known after they had happened",
        "0.0200 to 0.0600",
        "1 have the catalogue's sign",
        "1 the other sign",
        "below 0 at 1 of 2 dates",
        "its sign turns round between groups",
        "cannot be shown to rise at every step (smallest step −1.00, from quantile 2 to 3",
        "correlates with its later self 0.850 after 3 months (30.0 % of the top quantile left it)",
        "differs by −300 (−380 to −220; p &lt; 0.001)",
        "Left out: 12 moments, no row in the panel.",
    ] {
        let found = page.replace("&#x27;", "'").replace('\u{a0}', " ").contains(part);
        assert!(found, "`{part}` is not in the page");
    }
    let text = summary_markdown(&results);
    assert!(text.contains("leakage lift: 1,234 rows"), "{text}");
}

#[test]
fn json_comes_back_as_it_was_written() {
    let results = example::results();
    let text = write_json(&results).unwrap();
    assert!(text.ends_with("}\n"));
    assert_eq!(serde_json::from_str::<Results>(&text).unwrap(), results);
}

#[test]
fn the_schema_names_every_field_of_the_results() {
    let schema = results_schema();
    let value = serde_json::to_value(example::results()).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    for key in value.as_object().unwrap().keys() {
        assert!(properties.contains_key(key), "`{key}` is not in the schema");
    }
    let findings = &value["worlds"][0]["findings"][0];
    for key in findings.as_object().unwrap().keys() {
        assert!(!schema["$defs"]["Finding"]["properties"][key].is_null(), "`{key}`");
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn the_page_is_whole_and_loads_nothing() {
    let page = html(&example::results(), &example::charts(), &context()).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    for loads in ["<script", "<link", "<img", "src=", "@import", "url(", "http-equiv=\"refresh"] {
        assert!(!page.contains(loads), "the page contains `{loads}`");
    }
    let addresses = page.matches("http").count();
    let namespaces = page.matches("http://www.w3.org/2000/svg").count();
    assert_eq!(addresses, namespaces + page.matches("http-equiv").count());
    assert_eq!(page.matches("<svg").count(), example::charts().len());
}

#[test]
fn the_page_says_what_a_reader_needs_in_this_order() {
    let page = html(&example::results(), &example::charts(), &context()).unwrap();
    let order = [
        "Planted, recovered",
        "<h2>Verdicts</h2>",
        "0.0796 to 0.162",
        "detectable effect",
        "not computed: 4 exits, at least 20 needed",
        "12.4 % of account-months were lost",
        "rate .081, expected at most .07",
        "<h2>Starting benchmark</h2>",
        "not independent evidence",
        "Data table",
        "Patterns in informative",
        "no number of patterns reached a stability of .75",
        "What this cannot show",
        "predictive, not causal",
        "The simulator knows no competitor.",
        "accounts younger than the score",
        "<h2>Methods</h2>",
        "999 permutations inside strata.",
        "<h2>All estimates</h2>",
    ];
    let mut from = 0;
    for words in order {
        let at = page[from..].find(words);
        assert!(at.is_some(), "`{words}` is missing or out of order");
        from += at.unwrap();
    }
}

#[test]
fn real_data_are_not_called_planted() {
    let mut results = example::results();
    results.run.simulated = false;
    let page = html(&results, &[], &ReportContext::default()).unwrap();
    assert!(!page.contains("Planted"));
    assert!(!verdict_table(&results).contains("planted"));
    assert!(!summary_markdown(&results).contains("Planted"));
}

#[test]
fn nothing_from_data_reaches_a_report_as_markup() {
    let results = hostile();
    let page = html(&results, &[], &ReportContext::default()).unwrap();
    assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
    assert!(page.contains("{{ 7 * 7 }}"), "text is never read as a template");
    assert!(!summary_markdown(&results).contains("<script>"));
    let xml = junit(&results, &[]);
    assert!(!xml.contains("<script>") && xml.contains("&lt;script&gt;"));
}

#[test]
fn results_without_worlds_verdicts_or_benchmark_still_make_reports() {
    let mut results = example::results();
    results.worlds.truncate(1);
    let world = &mut results.worlds[0];
    world.benchmark = None;
    world.findings.clear();
    world.verdicts.clear();
    world.patterns.clear();
    let page = html(&results, &[], &ReportContext::default()).unwrap();
    assert!(page.contains("No hypothesis was judged") && page.contains("No benchmark"));
    assert!(verdict_table(&results).contains("no hypothesis was judged"));
    results.worlds.clear();
    assert!(html(&results, &example::charts(), &context()).unwrap().contains("<svg"));
    assert!(summary_markdown(&results).contains("seed 20261122"));
}

#[test]
fn a_failed_gate_is_the_only_failure_of_the_junit_report() {
    let xml = junit(&example::results(), &gates());
    assert!(xml.contains("tests=\"8\" failures=\"1\" errors=\"0\""), "{xml}");
    assert!(xml.contains("<failure message=\"rate .081, expected at most .07\""), "{xml}");
    assert!(!xml.contains("timestamp") && !xml.contains("time="));
}

#[test]
fn columns_of_the_verdict_table_line_up() {
    let table = verdict_table(&example::results());
    let rows: Vec<Vec<char>> = table
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("hypothesis"))
        .take(4)
        .map(|line| line.chars().collect())
        .collect();
    let start: String = rows[0].iter().collect();
    for header in ["score", "outcome", "estimate", "95 % interval", "verdict"] {
        let column = start.find(header).unwrap();
        for row in &rows {
            assert!(row[column - 1] == ' ' && row[column] != ' ', "{header}: {row:?}");
        }
    }
}

#[test]
fn the_summary_reads_as_a_comment() {
    insta::assert_snapshot!("summary", summary_markdown(&example::results()));
}
