//! `rvq map`: which interactions have data, from where and since when, and what priority accounts lack.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use rvq::chart;
use rvq::interaction::write_csv;
use rvq::journey::{DataMapFigures, GapParams, PriorityRule, SilenceKind, gaps_csv, gaps_mapping};
use rvq::run::{Run, data_map_columns, data_map_data, data_map_of, gaps_of};

use crate::options::{Console, PlanArgs};

/// Map what a log holds: interaction types, source systems, functions by month, gaps and silences.
///
/// In place of a plan, a log folder that `rvq ingest` or `rvq simulate` wrote will do. With `--out`, tables and a
/// heat map are written, and the gaps of priority accounts by owner (`data_gaps.csv`) to fill in, with the mapping
/// that reads them back (`data_gaps.toml`).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  rvq map my-log --out my-map")]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Folder for tables, chart and gaps; must not exist yet.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let run = if args.plan.plan.is_dir() {
        console.say("log");
        Run::of_log(&args.plan.plan)?
    } else {
        args.plan.prepare(console)?
    };
    if let Some(out) = &args.out {
        ensure!(!out.exists(), "`{}` is already there, expected a new folder", out.display());
    }
    let dataset = &run.datasets()[0];
    console.say(&format!("{}: data map", dataset.name));
    let figures = data_map_of(dataset)?;
    console.print_line(&table(&figures))?;
    let Some(out) = &args.out else { return Ok(()) };
    let (gaps, rule) = gaps_of(dataset, &GapParams::default())?;
    let drawn = chart::data_map(&data_map_data(&figures, dataset))?;
    fs::create_dir_all(out).with_context(|| format!("cannot create `{}`", out.display()))?;
    let write = |name: &str, text: &str| {
        let path = out.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))
    };
    write_csv(&out.join("data_map.csv"), &data_map_columns(&figures))?;
    write("data_map_months.csv", &drawn.table.to_csv())?;
    write("data_map.svg", &drawn.svg)?;
    write("data_gaps.csv", &gaps_csv(&gaps))?;
    write("catalogue.csv", &dataset.catalogue.to_csv())?;
    let conventions = &run.plan().run;
    let mapping = gaps_mapping(
        "data_gaps.csv",
        "catalogue.csv",
        &conventions.time_zone,
        &conventions.currency,
    );
    write("data_gaps.toml", &mapping)?;
    let priority = match rule {
        PriorityRule::Flagged => "accounts flagged as priority",
        PriorityRule::TopRevenue => {
            "the fifth of accounts with most revenue, as none is flagged as priority"
        }
    };
    console.print_line(&format!(
        "{} gaps of {priority} in {}; filled in, they are read by {}",
        gaps.len(),
        out.join("data_gaps.csv").display(),
        out.join("data_gaps.toml").display()
    ))
}

/// The map as aligned columns.
fn table(figures: &DataMapFigures) -> String {
    let mut text = format!(
        "{} of {} accounts and {} of {} contacts have an interaction\n\n{:<32} {:<14} {:>9} {:>9}  {:<10} {:<10}  systems\n",
        figures.n_accounts_seen,
        figures.n_accounts,
        figures.n_contacts_seen,
        figures.n_contacts,
        "interaction type",
        "function",
        "rows",
        "accounts",
        "first",
        "last"
    );
    let day = |at: &Option<String>| {
        at.as_deref().map_or(String::new(), |at| at.chars().take(10).collect())
    };
    for one in figures.types.iter().filter(|one| one.rows > 0) {
        let systems: Vec<&str> = one.systems.iter().map(|(name, _)| name.as_str()).collect();
        let _ = writeln!(
            text,
            "{:<32} {:<14} {:>9} {:>9}  {:<10} {:<10}  {}",
            one.interaction_type,
            one.function,
            one.rows,
            one.n_accounts,
            day(&one.first_at),
            day(&one.last_at),
            systems.join(", ")
        );
    }
    let never: Vec<&str> = figures.never_seen().map(|one| one.interaction_type.as_str()).collect();
    if !never.is_empty() {
        let _ = writeln!(text, "\nnever seen: {}", never.join(", "));
    }
    for silence in &figures.silences {
        let verb = match silence.kind {
            SilenceKind::Starts => "has no row until it starts at once",
            SilenceKind::Pauses => "pauses",
            SilenceKind::Stops => "stops",
        };
        let _ = writeln!(
            text,
            "\nsilence: {} {} {verb}: no row in {} to {}, where its usual rate would have brought {:.0}",
            silence.what, silence.name, silence.from, silence.to, silence.expected_rows
        );
    }
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}
