//! `rvq backtest`: findings and verdicts of a plan, without a run folder.

use rvq::report::{Results, RunInfo, SCHEMA_VERSION, verdict_table, write_json};
use rvq::run::{Run, analyse, world_results};

use crate::options::{Format, PlanArgs, Progress};

/// Back-test a plan's scores and print verdicts (table), all results (json) or findings (csv).
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, in a clone:\n  rvq backtest --profile smoke experiments/starting_benchmark/plan.toml"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

pub(crate) fn run(args: &Args, progress: &Progress) -> anyhow::Result<()> {
    let run = Run::prepare(args.plan.load()?)?;
    let mut worlds = Vec::new();
    let mut warnings = Vec::new();
    for dataset in run.datasets() {
        let analysis = analyse(dataset, run.plan(), None, &|text| progress.say(text))?;
        warnings.extend(analysis.warnings.iter().map(|text| format!("{}: {text}", dataset.name)));
        worlds.push(world_results(dataset, &analysis));
    }
    progress.finish();
    let info: RunInfo = run.info();
    let results =
        Results { schema_version: SCHEMA_VERSION.to_owned(), run: info, worlds, warnings };
    match args.format {
        Format::Table => print!("{}", verdict_table(&results)),
        Format::Json => println!("{}", write_json(&results)?),
        Format::Csv => print!("{}", crate::report::findings_csv(&results)?),
    }
    Ok(())
}
