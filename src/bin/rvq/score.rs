//! `rvq score`: the panel of a plan, or why one account scores what it does.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rvq::interaction::{write_csv, write_table};
use rvq::run::{Run, build_panel, panel_columns};

use crate::explain::ExplainArgs;
use crate::options::{Console, Format, PlanArgs};

/// Score every account at every month end, and write the panel: scores beside the next month.
///
/// With `--explain`, say what the score of one account is made of, and why it moved.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples, in a clone:\n  rvq score --profile smoke experiments/starting_benchmark/plan.toml --out panels\n  rvq score experiments/starting_benchmark/plan.toml --explain A0000012\n  rvq score experiments/starting_benchmark/plan.toml --explain A0000012 --since 2024-07-01 --chart charts"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Folder for one panel per data set.
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present_any = ["explain", "score", "at", "since", "catalogue", "chart"]
    )]
    out: Option<PathBuf>,
    /// `csv` writes panels as CSV instead of Parquet; `json` prints an explanation as JSON.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    explain: ExplainArgs,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let run = args.plan.prepare(console)?;
    if let Some(account) = &args.explain.explain {
        return args.explain.run(account, &run, args.format, console);
    }
    let Some(out) = &args.out else { bail!("`--out` names no folder for the panels") };
    if args.format == Format::Json {
        bail!(
            "a panel is written as Parquet, or with `--format csv` as CSV; JSON is for `--explain`"
        );
    }
    write_panels(args, &run, out, console)
}

fn write_panels(args: &Args, run: &Run, out: &Path, console: &Console) -> anyhow::Result<()> {
    if args.plan.dry_run {
        let out = out.display();
        return console.print_line(&format!("would write panels of {} to {out}", run.names()));
    }
    std::fs::create_dir_all(out).with_context(|| format!("cannot create `{}`", out.display()))?;
    for dataset in run.datasets() {
        let (panel, _, _) = build_panel(dataset, run.plan(), None, &|text| console.say(text))?;
        let columns = panel_columns(&panel);
        let path = if args.format == Format::Csv {
            let path = out.join(format!("{}.csv", dataset.name));
            write_csv(&path, &columns)?;
            path
        } else {
            let path = out.join(format!("{}.parquet", dataset.name));
            write_table(&path, &columns)?;
            path
        };
        console.print_line(&format!(
            "{}: {} account-months, {} scores",
            path.display(),
            panel.rows(),
            panel.scores().len()
        ))?;
        for drop in panel.drops() {
            console.print_line(&format!("  left out: {} × {}", drop.count, drop.reason))?;
        }
    }
    Ok(())
}
