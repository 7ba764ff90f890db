//! `rvq simulate`: the cohort of a plan as a log folder.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use rvq::interaction::LogWriter;
use rvq::run::Run;

use crate::options::{PlanArgs, Progress};

/// Simulate the cohort of a plan's `[world]` into a log folder, truth included.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, in a clone:\n  rvq simulate experiments/starting_benchmark/plan.toml --set world.accounts=200 --out log"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Folder of the log; must not hold one yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, progress: &Progress) -> anyhow::Result<()> {
    let run = Run::prepare(args.plan.load()?)?;
    let dataset = &run.datasets()[0];
    let Some(simulation) = dataset.simulation() else {
        bail!("the plan has no `[world]`: there is nothing to simulate");
    };
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create `{}`", args.out.display()))?;
    let accounts = run.plan().world.as_ref().map_or(0, |world| world.accounts);
    let mut writer = LogWriter::create(&args.out, &dataset.types, run.id())?;
    for (position, history) in simulation.histories(accounts).enumerate() {
        if position % 1_000 == 0 {
            progress.say(&format!("{position} of {accounts} accounts"));
        }
        writer.write(&history)?;
    }
    let counts = writer.finish()?;
    let catalogue = args.out.join("catalogue.csv");
    std::fs::write(&catalogue, dataset.catalogue.to_csv())
        .with_context(|| format!("cannot write `{}`", catalogue.display()))?;
    progress.finish();
    println!(
        "{} accounts, {} contacts, {} interactions, {} outcomes, {} surveys in {}",
        counts.accounts,
        counts.contacts,
        counts.interactions,
        counts.outcomes,
        counts.surveys,
        args.out.display()
    );
    Ok(())
}
