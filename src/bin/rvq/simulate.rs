//! `rvq simulate`: the cohort of a plan as a log folder.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use rvq::interaction::LogWriter;

use crate::options::{Console, PlanArgs};

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

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let run = args.plan.prepare(console)?;
    let dataset = &run.datasets()[0];
    let Some(simulation) = dataset.simulation() else {
        bail!("the plan has no `[world]`: there is nothing to simulate");
    };
    let accounts = run.plan().world.as_ref().map_or(0, |world| world.accounts);
    if args.plan.dry_run {
        let (months, out) = (dataset.months, args.out.display());
        return console.print_line(&format!(
            "would simulate {accounts} accounts of `{}` over {months} months into {out}",
            dataset.name
        ));
    }
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create `{}`", args.out.display()))?;
    let mut writer = LogWriter::create(&args.out, &dataset.types, run.id())?;
    for (done, history) in (1..).zip(simulation.histories(accounts)) {
        writer.write(&history)?;
        console.count("accounts", done, accounts.into());
    }
    for member in simulation.staff(accounts) {
        writer.write_staff(&member)?;
    }
    for initiative in simulation.initiatives() {
        writer.write_initiative(&initiative)?;
    }
    let counts = writer.finish()?;
    let catalogue = args.out.join("catalogue.csv");
    std::fs::write(&catalogue, dataset.catalogue.to_csv())
        .with_context(|| format!("cannot write `{}`", catalogue.display()))?;
    console.print_line(&format!(
        "{} accounts, {} contacts, {} interactions, {} outcomes, {} surveys in {}",
        counts.accounts,
        counts.contacts,
        counts.interactions,
        counts.outcomes,
        counts.surveys,
        args.out.display()
    ))
}
