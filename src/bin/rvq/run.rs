//! `rvq run`: a plan from data to report.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use rvq::report::verdict_table;
use rvq::run::{Expectation, Run, check_expectations};

use crate::options::{PlanArgs, Progress};

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
    /// Read and check everything, name the run, but run nothing.
    #[arg(long)]
    dry_run: bool,
    /// Compare with what an earlier run found: counts exactly, estimates to their tolerance.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Write what this run found as an expectation for `--check`.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    record: Option<PathBuf>,
}

/// Tolerance of a recorded estimate: room for another platform's rounding, not for another result.
const TOLERANCE: f64 = 1e-6;

pub(crate) fn run(args: &Args, progress: &Progress) -> anyhow::Result<ExitCode> {
    let run = Run::prepare(args.plan.load()?)?;
    if args.dry_run {
        progress.finish();
        println!("would write {}", run.folder(&args.out).display());
        return Ok(ExitCode::SUCCESS);
    }
    let finished = run.execute(&args.out, args.force, &|text| progress.say(text))?;
    progress.finish();
    print!("{}", verdict_table(&finished.results));
    if finished.existed {
        println!("\nThis run was there already; its bytes are those of its manifest.");
    }
    println!("\nReport: {}", finished.folder.join("report.html").display());
    let mut failed = false;
    for gate in &finished.gates {
        let verdict = if gate.passed { "passed" } else { "FAILED" };
        println!("gate {}: {verdict}: {}", gate.name, gate.message);
        failed |= !gate.passed;
    }
    if let Some(file) = &args.record {
        let text = serde_json::to_string_pretty(&Expectation::of(&finished.results, TOLERANCE))?;
        std::fs::write(file, text + "\n")
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    if let Some(file) = &args.check {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read expectation `{}`", file.display()))?;
        let expected: Vec<Expectation> = serde_json::from_str(&text)
            .with_context(|| format!("`{}` is no expectation", file.display()))?;
        ensure!(!expected.is_empty(), "`{}` expects nothing", file.display());
        let differences = check_expectations(&expected, &finished.results);
        for difference in &differences {
            println!("not as expected: {difference}");
        }
        if differences.is_empty() {
            println!("as expected in {}", file.display());
        }
        failed |= !differences.is_empty();
    }
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
