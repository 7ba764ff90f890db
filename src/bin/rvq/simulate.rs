//! `rvq simulate`: the cohort of a plan as a log folder.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use rvq::backtest::StartingBenchmark;
use rvq::calibrate::{Targets, target_table};
use rvq::interaction::LogWriter;

use crate::calibrate::{Fit, calibrate};
use crate::options::{Console, PlanArgs};

/// Simulate the cohort of a plan's `[world]` into a log folder, truth included.
///
/// With `--calibrate`, fit the world to figures of a firm's customers instead.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, in a clone:\n  rvq simulate experiments/starting_benchmark/plan.toml --set world.accounts=200 --out log"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Folder of the log, which must not hold one yet; with `--calibrate` the file of the fitted
    /// world.
    #[arg(long, value_name = "PATH", required_unless_present = "calibrate")]
    out: Option<PathBuf>,
    /// Fit the world to these targets instead: a TOML file, or `default`, `mild`, `kanthal`,
    /// `extreme`. Exit code 1 when a target is missed.
    #[arg(long, value_name = "TARGETS")]
    calibrate: Option<String>,
    /// Accounts of the first, coarse fit; the plan's accounts, if more, make the second.
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "calibrate")]
    fit_accounts: u32,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<ExitCode> {
    match (&args.calibrate, &args.out) {
        (Some(targets), out) => {
            let (accounts, out) = (args.fit_accounts, out.as_deref());
            calibrate(&args.plan, &Fit { targets, accounts, out }, console)
        }
        (None, Some(out)) => simulate(args, out, console).map(|()| ExitCode::SUCCESS),
        (None, None) => bail!("`--out` names no folder for the log"),
    }
}

fn simulate(args: &Args, out: &Path, console: &Console) -> anyhow::Result<()> {
    let run = args.plan.prepare(console)?;
    let dataset = &run.datasets()[0];
    let Some(simulation) = dataset.simulation() else {
        bail!("the plan has no `[world]`: there is nothing to simulate");
    };
    let accounts = run.plan().world.as_ref().map_or(0, |world| world.accounts);
    if args.plan.dry_run {
        let (months, out) = (dataset.months, out.display());
        return console.print_line(&format!(
            "would simulate {accounts} accounts of `{}` over {months} months into {out}",
            dataset.name
        ));
    }
    std::fs::create_dir_all(out).with_context(|| format!("cannot create `{}`", out.display()))?;
    let mut writer = LogWriter::create(out, &dataset.types, run.id())?;
    let targets = Targets::of_world(&dataset.name);
    let end = dataset.calendar.start_of(dataset.first.plus(dataset.months as i32));
    let mut benchmark = StartingBenchmark::new(end);
    for (done, history) in (1..).zip(simulation.histories(accounts)) {
        writer.write(&history)?;
        if targets.is_some() {
            benchmark.add(&history);
        }
        console.count("accounts", done, accounts.into());
    }
    for member in simulation.staff(accounts) {
        writer.write_staff(&member)?;
    }
    for initiative in simulation.initiatives() {
        writer.write_initiative(&initiative)?;
    }
    let counts = writer.finish()?;
    let catalogue = out.join("catalogue.csv");
    std::fs::write(&catalogue, dataset.catalogue.to_csv())
        .with_context(|| format!("cannot write `{}`", catalogue.display()))?;
    console.print_line(&format!(
        "{} accounts, {} contacts, {} interactions, {} outcomes, {} surveys in {}",
        counts.accounts,
        counts.contacts,
        counts.interactions,
        counts.outcomes,
        counts.surveys,
        out.display()
    ))?;
    match targets.zip(benchmark.moments()) {
        Some((targets, moments)) => console.print(&target_table(&targets, &moments)),
        None => Ok(()),
    }
}
