//! Charts are well-formed, say what they show, and survive data that show nothing.

use quick_xml::Reader;
use quick_xml::events::Event;
use rvq::chart::{
    AttritionData, Chart, ChartError, ConcentrationData, Curve, DecileData, LeadLagData,
    TrajectoryData, VerdictBoardData, WaterfallData, attrition_by_band, concentration,
    flow_diagram, lead_lag, outcome_by_decile, trajectories, verdict_board, waterfall,
};
use rvq::flow::Flow;

use crate::example;

/// Every text of the SVG, line by line; fails when it is not well-formed XML.
fn texts(svg: &str) -> Vec<String> {
    let mut reader = Reader::from_str(svg);
    reader.config_mut().check_end_names = true;
    let (mut found, mut depth, mut line) = (Vec::new(), 0, String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(_) => {
                depth += 1;
                line.clear();
            }
            Event::End(_) => {
                depth -= 1;
                if !line.trim().is_empty() {
                    found.push(line.trim().to_owned());
                }
                line.clear();
            }
            Event::Text(text) => line.push_str(&text.decode().unwrap()),
            Event::GeneralRef(name) => {
                let name = name.decode().unwrap();
                line.push_str(quick_xml::escape::resolve_predefined_entity(&name).unwrap());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "every element is closed");
    found
}

fn assert_says(chart: &Chart, axis_labels: &[&str]) {
    let texts = texts(&chart.svg);
    assert!(texts.contains(&chart.title), "`{}` is the title of {}", chart.title, chart.name);
    assert!(texts.contains(&chart.alt), "{} carries its description", chart.name);
    for label in axis_labels {
        assert!(texts.iter().any(|text| text == label), "{} has no axis `{label}`", chart.name);
    }
    assert!(chart.svg.contains("viewBox=\"0 0 960 540\""));
    assert!(!chart.svg.contains("NaN") && !chart.svg.contains("\"inf"));
    for row in &chart.table.rows {
        assert_eq!(row.len(), chart.table.headers.len(), "a row of {}", chart.name);
    }
}

#[test]
fn every_chart_carries_its_title_description_and_axis_labels() {
    let curves = trajectories(&example::trajectory_data()).unwrap();
    assert_says(&curves, &["Months since the first interaction", "rv_decay_90d [RV points]"]);
    let deciles = outcome_by_decile(&example::decile_data()).unwrap();
    assert_says(
        &deciles,
        &["Decile of rv_velocity_3m (1 = lowest)", "contribution [EUR per month]"],
    );
    let lags = lead_lag(&example::lead_lag_data()).unwrap();
    let horizon = "Horizon [months]: outcomes before the as-of date | after it";
    assert_says(&lags, &[horizon, "Mean rank IC"]);
    let survival = attrition_by_band(&example::attrition_data()).unwrap();
    assert_says(&survival, &["Months since the landmark", "Still customers [%], cut"]);
    let whale = concentration(&example::concentration_data()).unwrap();
    assert_says(&whale, &["Accounts, most profitable first [%]", "Share of total [%]"]);
    assert_says(&verdict_board(&example::board_data()).unwrap(), &["associated", "leads"]);
    let flow = Flow::builtin();
    let stages = ["acquisition", "closing", "retention"];
    assert_says(&flow_diagram(&flow).unwrap(), &stages);
}

fn steps(steps: &[(&str, f64)], to: f64) -> WaterfallData {
    WaterfallData {
        title: "A score moved".to_owned(),
        note: "Step by step.".to_owned(),
        name: vec!["bridge".to_owned(), "A1".to_owned()],
        from: Some(("in January".to_owned(), 4.0)),
        steps: steps.iter().map(|(label, step)| ((*label).to_owned(), *step)).collect(),
        to: ("in July".to_owned(), to),
        simulated: false,
    }
}

#[test]
fn a_waterfall_writes_every_step_and_its_ends_whole() {
    let chart = waterfall(&steps(&[("fading", -1.5), ("behaviour", 2.0)], 4.5)).unwrap();
    assert_says(
        &chart,
        &["in January", "fading", "−1.50", "behaviour", "+2.00", "in July", "4.50"],
    );
    assert_eq!(chart.name, "bridge_a1");
    assert_eq!(chart.alt.matches("fading −1.50").count(), 1);
    let column = |at: usize| -> Vec<String> {
        chart.table.rows.iter().map(|row| row[at].display()).collect()
    };
    assert_eq!(column(2), ["4.00", "2.50", "4.50", "4.50"]);
}

#[test]
fn of_many_steps_the_largest_are_drawn_and_the_rest_is_summed() {
    let labels: Vec<String> = (1..=20).map(|i| format!("type {i}")).collect();
    let many: Vec<(&str, f64)> =
        labels.iter().zip(1..).map(|(label, i)| (label.as_str(), f64::from(i))).collect();
    let chart = waterfall(&steps(&many, 214.0)).unwrap();
    // The 11 largest have a bar; 1 + … + 9 = 45 is the rest. The table has them all.
    assert_says(&chart, &["type 20", "type 10", "9 others", "+45.0"]);
    assert!(!texts(&chart.svg).contains(&"type 9".to_owned()));
    assert_eq!(chart.table.rows.len(), 22);
    let nothing = waterfall(&WaterfallData { from: None, ..steps(&[("a", 0.0)], 0.0) }).unwrap();
    assert_says(&nothing, &["nothing to add up: all parts are 0"]);
}

#[test]
fn the_flow_diagram_shows_every_level_and_lists_every_way_out() {
    let flow = Flow::builtin();
    let chart = flow_diagram(&flow).unwrap();
    let texts = texts(&chart.svg);
    for level in flow.levels() {
        assert!(texts.contains(&level.name), "`{}` is missing", level.name);
    }
    let exits: usize = flow.levels().iter().map(|level| level.exits.len()).sum();
    let out = chart.table.rows.iter().filter(|row| row[1].display() == "out").count();
    assert_eq!(out, exits);
}

#[test]
fn the_same_data_give_the_same_bytes() {
    assert_eq!(example::charts(), example::charts());
}

#[test]
fn simulated_data_are_watermarked_and_real_data_are_not() {
    let words = "Simulated data: planted, recovered.";
    let data = example::decile_data();
    assert!(texts(&outcome_by_decile(&data).unwrap().svg).iter().any(|text| text == words));
    let real = DecileData { simulated: false, ..data };
    assert!(!outcome_by_decile(&real).unwrap().svg.contains("planted"));
}

#[test]
fn titles_state_what_the_intervals_allow() {
    let clear = outcome_by_decile(&example::decile_data()).unwrap().title;
    assert_eq!(
        clear,
        "Contribution 3 months later is 692 EUR per month in the highest group by \
         rv_velocity_3m, 310 EUR per month in the lowest"
    );
    let mut wide = example::decile_data();
    wide.low.iter_mut().for_each(|low| *low -= 500.0);
    assert!(outcome_by_decile(&wide).unwrap().title.starts_with("Inconclusive: "));

    let lead = lead_lag(&example::lead_lag_data()).unwrap().title;
    assert_eq!(
        lead,
        "rv_velocity_3m goes with later contribution at 12 of 12 horizons; with earlier \
         contribution at 0 of 12 horizons"
    );
    let mut inside = example::lead_lag_data();
    inside.envelope_high.fill(0.5);
    assert!(lead_lag(&inside).unwrap().title.starts_with("Inconclusive: "));

    let board = verdict_board(&example::board_data()).unwrap().title;
    assert_eq!(board, "Hypotheses supported: 1 of 3 in informative, 0 of 3 in irrelevant");
    let none = TrajectoryData { patterns: Vec::new(), ..example::trajectory_data() };
    assert!(trajectories(&none).unwrap().title.starts_with("No stable pattern"));
}

#[test]
fn charts_of_nothing_say_so() {
    let curves = TrajectoryData {
        months: Vec::new(),
        since: "entry".to_owned(),
        patterns: Vec::new(),
        overall: Curve::default(),
        score: "rv".to_owned(),
        simulated: false,
    };
    let deciles = DecileData {
        decile_means: Vec::new(),
        low: Vec::new(),
        high: Vec::new(),
        n: Vec::new(),
        overall: f64::NAN,
        ..example::decile_data()
    };
    let attrition =
        AttritionData { months: Vec::new(), bands: Vec::new(), ..example::attrition_data() };
    let lags = LeadLagData {
        horizons: Vec::new(),
        ic: Vec::new(),
        low: Vec::new(),
        high: Vec::new(),
        envelope_low: Vec::new(),
        envelope_high: Vec::new(),
        ..example::lead_lag_data()
    };
    let whale = ConcentrationData {
        share_of_accounts: Vec::new(),
        cumulative_profit: Vec::new(),
        cumulative_cost: Vec::new(),
        cumulative_revenue: Vec::new(),
        ..example::concentration_data()
    };
    let board = VerdictBoardData { worlds: Vec::new(), simulated: false };
    for chart in [
        trajectories(&curves).unwrap(),
        outcome_by_decile(&deciles).unwrap(),
        attrition_by_band(&attrition).unwrap(),
        lead_lag(&lags).unwrap(),
        concentration(&whale).unwrap(),
        verdict_board(&board).unwrap(),
    ] {
        assert_says(&chart, &[]);
        assert!(chart.table.rows.is_empty(), "{}", chart.name);
    }
}

#[test]
fn constant_missing_and_absurd_values_are_drawn_without_panic() {
    for value in [0.0, 7.0, -7.0, f64::NAN, f64::INFINITY, 1e300, -1e14, 1e-300] {
        let mut deciles = example::decile_data();
        deciles.decile_means.fill(value);
        deciles.low.fill(value);
        deciles.high.fill(value);
        deciles.overall = value;
        assert_says(&outcome_by_decile(&deciles).unwrap(), &[]);

        let mut lags = example::lead_lag_data();
        lags.ic.fill(value);
        lags.low[3] = value;
        assert_says(&lead_lag(&lags).unwrap(), &[]);

        let mut attrition = example::attrition_data();
        attrition.bands[0].survival[1..].fill(value);
        attrition.bands.truncate(1);
        assert_says(&attrition_by_band(&attrition).unwrap(), &[]);

        let mut curves = example::trajectory_data();
        curves.patterns[1].curve.mean[5] = value;
        curves.patterns[2].curve.high.fill(value);
        assert_says(&trajectories(&curves).unwrap(), &[]);

        let mut whale = example::concentration_data();
        whale.cumulative_profit[4] = value;
        whale.top20_profit.value = value;
        assert_says(&concentration(&whale).unwrap(), &[]);
    }
}

#[test]
fn names_from_data_cannot_leave_the_folder_or_the_text() {
    let data = DecileData {
        score: "../<script>&x".to_owned(),
        outcome: "=cmd()\u{7}".to_owned(),
        ..example::decile_data()
    };
    let chart = outcome_by_decile(&data).unwrap();
    assert_eq!(chart.name, "outcome_by_decile_script_x_cmd_3m");
    assert!(!chart.svg.contains("<script>"));
    texts(&chart.svg);
}

#[test]
fn a_column_of_another_length_is_named() {
    let mut data = example::attrition_data();
    data.bands[2].low.pop();
    let error = attrition_by_band(&data).unwrap_err();
    assert!(matches!(error, ChartError::LengthMismatch { actual: 24, expected: 25, .. }));
    let words = "`middle fifth: low` of chart `attrition_by_band` has 24 values, expected 25";
    assert_eq!(error.to_string(), words);
}

#[test]
fn the_numbers_drawn_are_the_numbers_given() {
    insta::assert_snapshot!(
        "outcome_by_decile",
        outcome_by_decile(&example::decile_data()).unwrap().table.to_csv()
    );
    insta::assert_snapshot!(
        "verdict_board",
        verdict_board(&example::board_data()).unwrap().table.to_csv()
    );
}
