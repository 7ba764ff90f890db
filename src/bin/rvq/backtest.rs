//! `rvq backtest`: findings and verdicts of a plan, without a run folder.

use rvq::report::{Results, RunInfo, SCHEMA_VERSION, verdict_table, write_json};
use rvq::run::{analyse, world_results};

use crate::options::{Console, Format, PlanArgs};

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

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let run = args.plan.prepare(console)?;
    if args.plan.dry_run {
        return console.print_line(&format!("would back-test {}", run.names()));
    }
    let mut worlds = Vec::new();
    let mut warnings = Vec::new();
    for dataset in run.datasets() {
        let analysis = analyse(dataset, run.plan(), None, &|text| console.say(text))?;
        warnings.extend(analysis.warnings.iter().map(|text| format!("{}: {text}", dataset.name)));
        worlds.push(world_results(dataset, &analysis));
    }
    let info: RunInfo = run.info()?;
    let results =
        Results { schema_version: SCHEMA_VERSION.to_owned(), run: info, worlds, warnings };
    console.print(&match args.format {
        Format::Table => verdict_table(&results),
        Format::Json => write_json(&results)?,
        Format::Csv => crate::report::findings_csv(&results)?,
    })
}
