//! `rvq run`: a plan from data to report.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use rvq::report::{verdict_table, write_json};
use rvq::run::{Expectation, Finished, check_expectations};

use crate::options::{Console, Format, PlanArgs};
use crate::report::findings_csv;

/// Run a plan: data, panel, back-test, verdicts, patterns, charts and report in one run folder.
///
/// A run that is there already is verified instead. Ends with exit code 1 when a gate of the plan
/// or an expectation fails.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, in a clone:\n  rvq run --profile smoke experiments/starting_benchmark/plan.toml"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Folder below which the run folder is written.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    /// Write the run anew, even if it is there.
    #[arg(long)]
    force: bool,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Compare with what an earlier run found: counts exactly, estimates to their tolerance.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Write what this run found as an expectation for `--check`.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    record: Option<PathBuf>,
}

/// Tolerance of a recorded estimate: room for another platform's rounding, not for another result.
const TOLERANCE: f64 = 1e-6;

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<ExitCode> {
    let run = args.plan.prepare(console)?;
    let expected = args.check.as_deref().map(read_expectations).transpose()?;
    if args.plan.dry_run {
        let folder = run.folder(&args.out)?;
        console.print_line(&format!("would write {}", folder.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let finished = run.execute(&args.out, args.force, &|text| console.say(text))?;
    if let Some(file) = &args.record {
        let text = serde_json::to_string_pretty(&Expectation::of(&finished.results, TOLERANCE))?;
        std::fs::write(file, text + "\n")
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    let differences =
        expected.map_or_else(Vec::new, |expected| check_expectations(&expected, &finished.results));
    console.print(&match args.format {
        Format::Table => table(args, &finished, &differences),
        Format::Json => write_json(&finished.results)?,
        Format::Csv => findings_csv(&finished.results)?,
    })?;
    let gates = finished.gates.iter().filter(|gate| !gate.passed);
    let failures: Vec<String> = gates
        .map(|gate| format!("gate `{}` failed: {}", gate.name, gate.message))
        .chain(differences.into_iter().map(|text| format!("not as expected: {text}")))
        .collect();
    for failure in &failures {
        console.warn(failure);
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn read_expectations(file: &Path) -> anyhow::Result<Vec<Expectation>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read expectation `{}`", file.display()))?;
    let expected: Vec<Expectation> = serde_json::from_str(&text)
        .with_context(|| format!("`{}` is no file of `--record`", file.display()))?;
    ensure!(!expected.is_empty(), "`{}` expects nothing", file.display());
    Ok(expected)
}

/// Verdicts, then what came of gates and expectations.
fn table(args: &Args, finished: &Finished, differences: &[String]) -> String {
    let mut text = verdict_table(&finished.results);
    if finished.existed {
        text += "\nThis run was there already; its files have the bytes of its manifest.\n";
    }
    let page = finished.folder.join("report.html");
    let _ = writeln!(text, "\nReport: {}", page.display());
    for gate in finished.gates.iter().filter(|gate| gate.passed) {
        let _ = writeln!(text, "gate `{}` passed: {}", gate.name, gate.message);
    }
    if let (Some(file), true) = (&args.check, differences.is_empty()) {
        let _ = writeln!(text, "as expected in {}", file.display());
    }
    text
}
