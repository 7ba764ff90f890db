//! `rvq report`: what a run found, in the form that is needed.

use std::path::PathBuf;

use rvq::interaction::harmless;
use rvq::report::{Results, summary_markdown, verdict_table, write_json};
use rvq::run::read_results;

use crate::options::Console;

/// Print what a run found: verdicts, a Markdown summary, JSON, or all findings as CSV.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, after a run:\n  rvq report runs/starting_benchmark-* --format markdown"
)]
pub(crate) struct Args {
    /// Run folder.
    run: PathBuf,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "table")]
    format: ReportFormat,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ReportFormat {
    /// The verdict table.
    Table,
    /// A summary that fits a pull request.
    Markdown,
    /// `results.json`.
    Json,
    /// Every finding, one a line.
    Csv,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let results = read_results(&args.run)?;
    console.print(&match args.format {
        ReportFormat::Table => {
            let page = args.run.join("report.html");
            format!("{}\nReport: {}\n", verdict_table(&results), page.display())
        }
        ReportFormat::Markdown => summary_markdown(&results),
        ReportFormat::Json => write_json(&results)?,
        ReportFormat::Csv => findings_csv(&results)?,
    })
}

/// Every finding of every data set as CSV.
pub(crate) fn findings_csv(results: &Results) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "world",
        "hypothesis",
        "score",
        "outcome",
        "horizon_months",
        "statistic",
        "estimate",
        "std_error",
        "ci_low",
        "ci_high",
        "p_value",
        "p_adjusted",
        "n_accounts",
        "n_events",
        "n_periods",
        "detectable_effect",
        "in_family",
        "method",
    ])?;
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for world in &results.worlds {
        for f in &world.findings {
            writer.write_record([
                harmless(&world.name),
                f.hypothesis.clone().unwrap_or_default(),
                f.score.clone(),
                f.outcome.clone(),
                f.horizon_months.to_string(),
                f.statistic.clone(),
                number(f.estimate),
                number(f.std_error),
                number(f.ci_low),
                number(f.ci_high),
                number(f.p_value),
                number(f.p_adjusted),
                f.n_accounts.to_string(),
                f.n_events.to_string(),
                f.n_periods.to_string(),
                number(f.detectable_effect),
                f.in_family.to_string(),
                f.method.clone(),
            ])?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
