//! `rvq patterns`: relationship patterns of a plan's data, and where other accounts belong.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use rvq::interaction::harmless;
use rvq::panel::{Measure, Panel};
use rvq::patterns::{PatternModel, PatternSummary};
use rvq::run::{Dataset, PatternsFound, Plan, Run, build_panel, courses, patterns_of};
use serde_json::json;

use crate::options::{Console, Format, PlanArgs};

/// Find relationship patterns, or place accounts into patterns found before.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, in a clone:\n  rvq patterns --profile smoke experiments/starting_benchmark/plan.toml"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// How patterns are printed.
    #[arg(long, value_enum, default_value = "table", conflicts_with = "assign")]
    format: Format,
    /// Save the patterns of the first data set, for `--assign`.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Place the accounts of the first data set into saved patterns, and print CSV.
    #[arg(long, value_name = "FILE", conflicts_with = "save")]
    assign: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let run = args.plan.prepare(console)?;
    let model = args.assign.as_deref().map(read_model).transpose()?;
    if args.plan.dry_run {
        return console.print_line(&format!("would look for patterns in {}", run.names()));
    }
    let panel_of = |dataset: &Dataset| {
        build_panel(dataset, run.plan(), &Measure::ALL, &|text| console.say(text))
    };
    if let Some(model) = model {
        let panel = panel_of(&run.datasets()[0])?;
        return console.print(&assign(&model, &panel, run.plan())?);
    }
    let mut found = Vec::new();
    for dataset in run.datasets() {
        let panel = panel_of(dataset)?;
        console.say(&format!("{}: patterns", dataset.name));
        found.push(patterns_of(&panel, run.plan())?);
    }
    console.print(&match args.format {
        Format::Table => table(&run, &found),
        Format::Json => json(&run, &found)?,
        Format::Csv => csv(&run, &found)?,
    })?;
    if let (Some(file), Some(PatternsFound { patterns, .. })) = (&args.save, found.first()) {
        let why = patterns.why_none().unwrap_or_default();
        let model = patterns.model().with_context(|| format!("nothing to save: {why}"))?;
        std::fs::write(file, serde_json::to_string(model)?)
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    Ok(())
}

fn by_dataset<'a>(
    run: &'a Run,
    found: &'a [PatternsFound],
) -> impl Iterator<Item = (&'a str, &'a PatternsFound)> {
    run.datasets().iter().map(|dataset| dataset.name.as_str()).zip(found)
}

fn table(run: &Run, found: &[PatternsFound]) -> String {
    let mut text = String::new();
    for (name, PatternsFound { patterns, accounts }) in by_dataset(run, found) {
        let _ = writeln!(text, "{name}: {} accounts with a complete course", accounts.len());
        for summary in patterns.summaries() {
            let _ = writeln!(text, "  {}", line(summary));
        }
        if let Some(why) = patterns.why_none() {
            let _ = writeln!(text, "  no stable pattern: {why}");
        }
    }
    text
}

fn line(summary: &PatternSummary) -> String {
    let PatternSummary { pattern, n_accounts, stability, outcome, .. } = summary;
    let difference = match (summary.difference, summary.ci_low, summary.ci_high) {
        (Some(by), Some(low), Some(high)) => format!("{by:+.4} [{low:+.4}, {high:+.4}]"),
        _ => "not estimated".to_owned(),
    };
    format!(
        "pattern {pattern} ({}): {n_accounts} accounts, stability {stability:.2}; \
         {outcome}, against the others: {difference} on {} held-out accounts",
        label(summary).replace('_', " "),
        summary.n_held_out,
    )
}

/// The label as `results.json` writes it.
fn label(summary: &PatternSummary) -> String {
    json!(summary.label).as_str().unwrap_or_default().to_owned()
}

fn json(run: &Run, found: &[PatternsFound]) -> anyhow::Result<String> {
    let datasets: Vec<_> = by_dataset(run, found)
        .map(|(name, PatternsFound { patterns, accounts })| {
            json!({
                "world": name,
                "n_accounts": accounts.len(),
                "patterns": patterns.summaries(),
                "why_none": patterns.why_none(),
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&datasets)? + "\n")
}

fn csv(run: &Run, found: &[PatternsFound]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "world",
        "pattern",
        "label",
        "n_accounts",
        "n_held_out",
        "stability",
        "outcome",
        "difference",
        "ci_low",
        "ci_high",
    ])?;
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for (name, PatternsFound { patterns, .. }) in by_dataset(run, found) {
        for summary in patterns.summaries() {
            writer.write_record([
                harmless(name),
                summary.pattern.to_string(),
                label(summary),
                summary.n_accounts.to_string(),
                summary.n_held_out.to_string(),
                summary.stability.to_string(),
                summary.outcome.clone(),
                number(summary.difference),
                number(summary.ci_low),
                number(summary.ci_high),
            ])?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn read_model(file: &Path) -> anyhow::Result<PatternModel> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read patterns `{}`", file.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!("`{}` holds no patterns, expected a file of `--save`", file.display())
    })
}

fn assign(model: &PatternModel, panel: &Panel, plan: &Plan) -> anyhow::Result<String> {
    let courses = courses(panel, plan);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["account_id", "pattern", "margin"])?;
    let mut placed = 0;
    for (row, &account) in courses.accounts.iter().enumerate() {
        let course = courses.trajectories.values.row(row).to_vec();
        if let Some(assigned) = model.assign(&course) {
            placed += 1;
            writer.write_record([
                &harmless(&panel.accounts()[account].id),
                &(assigned.pattern + 1).to_string(),
                &assigned.margin.to_string(),
            ])?;
        }
    }
    ensure!(
        placed == courses.accounts.len(),
        "{placed} of {} accounts could be placed: the plan's `[patterns]` has {} ages, the saved \
         patterns others",
        courses.accounts.len(),
        courses.trajectories.ages_months.len()
    );
    Ok(String::from_utf8(writer.into_inner()?)?)
}
