//! `rvq flow fit`: an interaction process flow from a log, and how realistic it is.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rvq::flow::Catalogue;
use rvq::flow::fit::{AccountRecord, FitReport, FlowFit, Span, fit_flow};
use rvq::interaction::{AccountHistory, Log};
use rvq::realism::{RealismScore, realism_score, simulate_like, split};
use rvq::rng::Streams;
use rvq::time::Calendar;

use crate::options::{Console, Format};

/// Simulated logs of the held-out accounts: their median distance is judged.
const SIMULATIONS: u32 = 20;

/// Fit a flow to a log, and score on held-out accounts how realistic it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, in a clone:
  rvq simulate experiments/starting_benchmark/plan.toml --set world.accounts=600 --out log
  rvq flow fit log --out fitted
  rvq flow check fitted/flow.toml")]
pub(crate) struct Args {
    /// Folder of the log, as `rvq simulate` and `rvq ingest` write it; its `catalogue.csv` is used
    /// where there is one.
    log: PathBuf,
    /// Folder for `flow.toml`, `catalogue.csv` and `fit.json`; without it nothing is written.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace files of an earlier fit.
    #[arg(long, requires = "out")]
    force: bool,
    /// Share of the accounts that are held out of the fit and scored against.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0 / 3.0)]
    held_out: f64,
    /// Time zone of weekdays, hours and months [default: of the log's mapping, else UTC].
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Seed of the split, the simulations and the draws.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How the result is printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// What `--format json` prints and `fit.json` holds.
#[derive(serde::Serialize)]
struct Result<'a> {
    schema_version: u32,
    fit: &'a FitReport,
    realism: &'a RealismScore,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    if !(args.held_out > 0.0 && args.held_out < 1.0) {
        bail!("`--held-out` is {}, expected a share between 0 and 1", args.held_out);
    }
    if args.format == Format::Csv {
        bail!("`--format csv` is not known here, expected table or json");
    }
    vacant(args)?;
    let calendar = calendar(args)?;
    console.say("reading the log");
    let log = Log::open(&args.log)?;
    let path = args.log.join("catalogue.csv");
    let catalogue = path.is_file().then(|| Catalogue::load(&path)).transpose();
    let catalogue = catalogue.map_err(rvq::run::RunError::from)?;
    let histories = log.histories()?.collect::<std::result::Result<Vec<AccountHistory>, _>>()?;
    let Some(span) = Span::of(&histories) else {
        return Err(rvq::flow::fit::FitError::TooFewRows { got: 0, needed: 20 }.into());
    };
    let (fitting, held_out) = split(histories, args.seed, args.held_out);
    console.say(&format!("fitting a flow to {} accounts", fitting.len()));
    let fit = fit_flow(&fitting, log.types(), catalogue.as_ref(), span)?;
    console.say(&format!("simulating {} held-out accounts", held_out.len()));
    let realism = realism(&fit, (&fitting, &held_out), span, calendar, args.seed)?;
    let result = Result { schema_version: 1, fit: &fit.report, realism: &realism };
    let json = format!("{}\n", serde_json::to_string_pretty(&result)?);
    if let Some(out) = &args.out {
        write(out, &fit, &json)?;
    }
    if args.format == Format::Json {
        return console.print(&json);
    }
    console.print(&format!("{}\n{}", fit_text(&fit.report), realism_text(&realism)))?;
    match &args.out {
        Some(out) => console.print_line(&format!("\nflow and catalogue in {}", out.display())),
        None => Ok(()),
    }
}

fn vacant(args: &Args) -> anyhow::Result<()> {
    let Some(out) = args.out.as_ref().filter(|_| !args.force) else { return Ok(()) };
    let names = ["flow.toml", "catalogue.csv", "fit.json"];
    match names.iter().map(|name| out.join(name)).find(|path| path.exists()) {
        Some(path) => bail!("`{}` is there already: `--force` replaces it", path.display()),
        None => Ok(()),
    }
}

/// Only the time zone of the mapping that `rvq ingest` leaves in a log.
#[derive(serde::Deserialize)]
struct Mapping {
    time_zone: Option<String>,
}

fn calendar(args: &Args) -> anyhow::Result<Calendar> {
    let mapping = args.log.join("mapping.toml");
    let zone = match &args.time_zone {
        Some(zone) => Some(zone.clone()),
        None if mapping.is_file() => {
            let text = fs::read_to_string(&mapping)
                .with_context(|| format!("cannot read `{}`", mapping.display()))?;
            let read: Mapping = toml::from_str(&text)
                .with_context(|| format!("cannot read `{}`", mapping.display()))?;
            read.time_zone
        }
        None => None,
    };
    Ok(zone.map_or(Ok(Calendar::UTC), |zone| Calendar::new(&zone))?)
}

fn realism(
    fit: &FlowFit,
    (fitting, held_out): (&[AccountHistory], &[AccountHistory]),
    span: Span,
    calendar: Calendar,
    seed: u64,
) -> anyhow::Result<RealismScore> {
    let records = |histories: &[AccountHistory]| -> Vec<AccountRecord> {
        histories.iter().map(|history| AccountRecord::new(history, &fit.types, span)).collect()
    };
    let (fitting, held_out) = (records(fitting), records(held_out));
    let streams = Streams::new(seed);
    let simulated: Vec<Vec<AccountRecord>> = (1..=SIMULATIONS)
        .map(|replication| simulate_like(fit, &held_out, streams.replication(replication)))
        .collect();
    Ok(realism_score(&fitting, &held_out, &simulated, calendar, streams)?)
}

fn write(out: &Path, fit: &FlowFit, json: &str) -> anyhow::Result<()> {
    fs::create_dir_all(out).with_context(|| format!("cannot create `{}`", out.display()))?;
    let files = [
        ("catalogue.csv", fit.catalogue_csv.as_str()),
        ("fit.json", json),
        ("flow.toml", fit.flow_toml.as_str()),
    ];
    for (name, text) in files {
        let path = out.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

fn fit_text(report: &FitReport) -> String {
    let mut text = format!(
        "flow of {} accounts: {} contacts, {} interactions that are no transactions\n\
         levels: {}\n\n\
         {:<18}{:<13}{:>9}{:>10}  {:<36}{:>16}\n",
        report.n_accounts,
        report.n_records,
        report.n_rows,
        report.level_explanation,
        "level",
        "stage",
        "steps",
        "wait",
        "law (± standard error)",
        "exit per step",
    );
    for level in &report.levels {
        let law = level.wait.as_ref().map_or_else(
            || "too few waits: a guess".to_owned(),
            |fit| {
                let parameters = fit.parameters.iter().zip(&fit.std_errors);
                let parameters: Vec<String> =
                    parameters.map(|(value, error)| format!("{value:.2} ± {error:.2}")).collect();
                format!("{} {}", fit.family.name(), parameters.join(", "))
            },
        );
        let _ = writeln!(
            text,
            "{:<18}{:<13}{:>9.0}{:>8.1} d  {law:<36}{:>7.4} ± {:.4}",
            level.name,
            level.stage,
            level.n_steps,
            level.mean_wait_days,
            level.exit_probability,
            level.exit_std_error,
        );
    }
    let entry: Vec<String> =
        report.entry.iter().map(|e| format!("{} {:.1} %", e.level, 100.0 * e.share)).collect();
    let _ = writeln!(
        text,
        "\nprospects enter at {}; customers begin at {}",
        entry.join(", "),
        report.retention_entry
    );
    if let Some(law) = &report.purchases {
        let _ = writeln!(
            text,
            "customers buy {:.2} times a month (relative variance of the rate {:.2}, n = {}): the \
             world's business, not the flow's",
            law.monthly_rate, law.relative_variance, law.n_purchases,
        );
    }
    let _ = writeln!(
        text,
        "\n{} answers among {} pairs tested (family-wise error rate {})",
        report.follow_ups.len(),
        report.n_pairs_tested,
        report.follow_up_error_rate,
    );
    for answer in &report.follow_ups {
        let _ = writeln!(
            text,
            "  {}: {} -> {}  {:.3} ± {:.3} after {:.1} days, n = {:.0}",
            answer.level,
            answer.after,
            answer.then,
            answer.probability,
            answer.std_error,
            answer.mean_wait_days,
            answer.n_asked,
        );
    }
    if !report.notes.is_empty() {
        text.push_str("\nnotes\n");
    }
    for note in &report.notes {
        let _ = writeln!(text, "- {note}");
    }
    text
}

fn realism_text(score: &RealismScore) -> String {
    let mut text = format!(
        "realism: {}, on {} held-out accounts\n\
         simulated: median distance of {} simulations; real: distance of as many accounts drawn \
         from the other {}\n\n\
         {:<48}{:>10}{:>13}{:>11}  verdict\n",
        score.grade,
        score.n_held_out,
        score.n_candidates,
        score.n_fitting,
        "distance",
        "simulated",
        "real median",
        "real 95 %",
    );
    for aspect in &score.aspects {
        let _ = writeln!(
            text,
            "{:<48}{:>10.4}{:>13.4}{:>11.4}  {}",
            aspect.aspect.explanation(),
            aspect.distance,
            aspect.real_median,
            aspect.real_limit,
            if aspect.inside { "inside" } else { "outside" },
        );
    }
    text
}
