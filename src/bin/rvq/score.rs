//! `rvq score`: the panel of a plan.

use std::path::PathBuf;

use anyhow::Context as _;
use rvq::interaction::{write_csv, write_table};
use rvq::run::{build_panel, panel_columns};

use crate::options::{Console, Format, PlanArgs};

/// Score every account at every month end, and write the panel: scores beside the next month.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, in a clone:\n  rvq score --profile smoke experiments/starting_benchmark/plan.toml --out panels"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Folder for one panel per data set.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// `csv` writes CSV; otherwise Parquet is written.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let run = args.plan.prepare(console)?;
    if args.plan.dry_run {
        let out = args.out.display();
        return console.print_line(&format!("would write panels of {} to {out}", run.names()));
    }
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create `{}`", args.out.display()))?;
    for dataset in run.datasets() {
        let (panel, _, _) = build_panel(dataset, run.plan(), None, &|text| console.say(text))?;
        let columns = panel_columns(&panel);
        let path = if args.format == Format::Csv {
            let path = args.out.join(format!("{}.csv", dataset.name));
            write_csv(&path, &columns)?;
            path
        } else {
            let path = args.out.join(format!("{}.parquet", dataset.name));
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
