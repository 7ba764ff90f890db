//! `rvq simulate`: the cohort of a plan as a log folder, or beside itself in another world.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use rvq::backtest::StartingBenchmark;
use rvq::calibrate::{Targets, target_table};
use rvq::interaction::{AccountHistory, LogWriter};
use rvq::run::{Dataset, Run};
use rvq::simulate::{PairedDifference, Simulation, World, paired_difference};

use crate::calibrate::{Fit, calibrate};
use crate::options::{Console, PlanArgs};

/// Simulate the cohort of a plan's `[world]` into a log folder, truth included.
///
/// With `--against`, say what another world makes of the same accounts instead; with
/// `--calibrate`, fit the world to figures of a firm's customers.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples, in a clone:\n  rvq simulate experiments/starting_benchmark/plan.toml --set world.accounts=200 --out log\n  rvq simulate experiments/starting_benchmark/plan.toml --set world.accounts=200 --shard 1/2 --out log-1\n  rvq simulate experiments/starting_benchmark/plan.toml --against mirror"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Folder of the log, which must not hold one yet; with `--calibrate` the file of the fitted
    /// world.
    #[arg(long, value_name = "PATH", required_unless_present_any = ["calibrate", "against"])]
    out: Option<PathBuf>,
    /// Only the I-th of N parts of the cohort; one after the other, the parts are the whole.
    #[arg(long, value_name = "I/N", conflicts_with_all = ["calibrate", "against"])]
    shard: Option<Shard>,
    /// Simulate the same accounts in this world too (a built-in name or a TOML file) and print what
    /// it changes: all draws that it does not touch are shared.
    #[arg(long, value_name = "WORLD", conflicts_with_all = ["calibrate", "out"])]
    against: Option<String>,
    /// Fit the world to these targets instead: a TOML file, or `default`, `mild`, `kanthal`,
    /// `extreme`. Exit code 1 when a target is missed.
    #[arg(long, value_name = "TARGETS")]
    calibrate: Option<String>,
    /// Accounts of the first, coarse fit; the plan's accounts, if more, make the second.
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "calibrate")]
    fit_accounts: u32,
}

/// One part of a cohort.
#[derive(Debug, Clone, Copy)]
struct Shard {
    number: u32,
    of: u32,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("expected I/N with I from 1 to N, such as `2/4`".to_owned()),
        }
    }
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<ExitCode> {
    match (&args.calibrate, &args.against, &args.out) {
        (Some(targets), _, out) => {
            let (accounts, out) = (args.fit_accounts, out.as_deref());
            calibrate(&args.plan, &Fit { targets, accounts, out }, console)
        }
        (_, Some(world), _) => compare(args, world, console).map(|()| ExitCode::SUCCESS),
        (_, _, Some(out)) => simulate(args, out, console).map(|()| ExitCode::SUCCESS),
        (None, None, None) => bail!("`--out` names no folder for the log"),
    }
}

/// The plan's first data set, its simulation and number of accounts.
fn simulated(run: &Run) -> anyhow::Result<(&Dataset, &Simulation, u32)> {
    let dataset = &run.datasets()[0];
    let (Some(simulation), Some(world)) = (dataset.simulation(), &run.plan().world) else {
        bail!("the plan has no `[world]`: there is nothing to simulate");
    };
    Ok((dataset, simulation, world.accounts))
}

fn simulate(args: &Args, out: &Path, console: &Console) -> anyhow::Result<()> {
    let run = args.plan.prepare(console)?;
    let (dataset, simulation, accounts) = simulated(&run)?;
    let part = args
        .shard
        .map_or(0..accounts, |Shard { number, of }| simulation.shard((number, of), accounts));
    if part.is_empty() {
        bail!("the shard is empty: {accounts} accounts are fewer teams than shards");
    }
    let accounts = part.end - part.start;
    if args.plan.dry_run {
        let (months, out) = (dataset.months, out.display());
        return console.print_line(&format!(
            "would simulate {accounts} accounts of `{}` over {months} months into {out}",
            dataset.name
        ));
    }
    std::fs::create_dir_all(out).with_context(|| format!("cannot create `{}`", out.display()))?;
    let mut writer = LogWriter::create(out, &dataset.types, run.id()?)?;
    let targets = Targets::of_world(&dataset.name);
    let end = dataset.calendar.start_of(dataset.first.plus(dataset.months as i32));
    let mut benchmark = StartingBenchmark::new(end);
    for (done, history) in (1..).zip(simulation.histories_in(part.clone())) {
        writer.write(&history)?;
        if targets.is_some() {
            benchmark.add(&history);
        }
        console.count("accounts", done, accounts.into());
    }
    for member in simulation.staff_in(part) {
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

/// A figure of one account.
type Figure = fn(&AccountHistory) -> f64;

/// What is compared of an account, over the whole log.
const COMPARED: [(&str, Figure); 7] = [
    ("interactions", |history| history.interactions.len() as f64),
    ("revenue", |history| history.outcomes.iter().map(|o| o.revenue).sum()),
    ("gross profit", |history| sum(history.outcomes.iter().map(|o| o.gross_profit))),
    ("cost to engage", |history| sum(history.outcomes.iter().map(|o| o.cost_to_engage))),
    ("cost to serve", |history| sum(history.outcomes.iter().map(|o| o.cost_to_serve))),
    ("expected profit", |history| history.truth.iter().map(|t| t.expected_profit).sum()),
    ("accounts that left", |history| f64::from(u8::from(history.account.exited_at.is_some()))),
];

fn sum(amounts: impl Iterator<Item = Option<f64>>) -> f64 {
    amounts.flatten().sum()
}

fn compare(args: &Args, other: &str, console: &Console) -> anyhow::Result<()> {
    let run = args.plan.prepare(console)?;
    let (dataset, simulation, accounts) = simulated(&run)?;
    let world = World::load(other)?;
    let name = world.name.clone();
    let beside = simulation.in_world(world)?;
    if args.plan.dry_run {
        return console.print_line(&format!(
            "would simulate {accounts} accounts over {} months in `{}` and in `{name}`",
            dataset.months, dataset.name
        ));
    }
    console.say(&format!("{accounts} accounts in two worlds"));
    let values = |history: &AccountHistory| COMPARED.map(|(_, value)| value(history));
    let found = paired_difference((simulation, &beside), accounts, values)?;
    console.print(&paired_table((&dataset.name, &name), &found))
}

/// A row for each figure: mean per account, what the other world changes, and what pairing saves.
fn paired_table((before, after): (&str, &str), found: &[PairedDifference]) -> String {
    let mut text = format!(
        "Mean per account over the log in `{before}`, and what changes in `{after}`.\n\n\
         {:<20}{:>16}{:>16}{:>14}{:>16}{:>12}\n",
        "", before, "change", "std. error", "unpaired", "reduction"
    );
    for ((name, _), row) in COMPARED.iter().zip(found) {
        let reduction = if row.std_error > 0.0 {
            format!("{:.1}", row.variance_reduction)
        } else {
            "-".to_owned()
        };
        let PairedDifference { before, estimate, std_error, independent_std_error, .. } = row;
        let line = writeln!(
            text,
            "{name:<20}{before:>16.3}{estimate:>16.3}{std_error:>14.3}\
             {independent_std_error:>16.3}{reduction:>12}"
        );
        line.expect("a text takes what is written to it");
    }
    let PairedDifference { accounts, untouched, .. } = found[0];
    text + &format!(
        "\n{untouched} of {accounts} accounts are the same in both. \
         unpaired: standard error of two unrelated cohorts;\n\
         reduction: by how much pairing divides the variance.\n"
    )
}
