//! `rvq score`: the panel of a plan, or why one account scores what it does.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use rvq::interaction::{ColumnData, write_csv, write_table};
use rvq::panel::Panel;
use rvq::run::{
    Columns, Dataset, PANEL_MEASURES, Run, age_columns, build_panel, panel_columns, record_columns,
    unit_columns, write_panel,
};
use rvq::score::AgeClock;

use crate::explain::ExplainArgs;
use crate::options::{Console, Format, PlanArgs};
use crate::score_fit::FitArgs;

/// Score every account at every month end, and write the panel: scores beside the next month.
///
/// With `--explain`, say what the score of one account is made of, and why it moved. With `--fit`, estimate
/// parameters of scores.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples, in a clone:\n  rvq score --profile smoke experiments/starting_benchmark/plan.toml --out panels\n  rvq score experiments/starting_benchmark/plan.toml --out panels --also records,units,ages\n  rvq score experiments/starting_benchmark/plan.toml --explain A0000012\n  rvq score experiments/starting_benchmark/plan.toml --explain A0000012 --since 2024-07-01 --chart charts\n  rvq score experiments/starting_benchmark/plan.toml --fit shape --free half-life-days"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Folder for one panel per data set.
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present_any = ["explain", "fit", "score", "at", "since", "catalogue", "chart"]
    )]
    out: Option<PathBuf>,
    /// `csv` writes panels as CSV instead of Parquet; `json` prints an explanation as JSON.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Tables to write beside each panel.
    #[arg(long, value_enum, value_name = "TABLE", value_delimiter = ',', requires = "out")]
    also: Vec<Also>,
    /// Clock of `--also ages`: `first` interaction, `index` of interactions, or first of a stage.
    #[arg(long, value_name = "CLOCK", default_value = "first", requires = "also")]
    clock: AgeClock,
    /// Ages of `--also ages`, in days or interactions.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = AGES, requires = "also")]
    ages: Vec<f64>,
    /// Replace tables that are there already.
    #[arg(long, requires = "out")]
    force: bool,
    #[command(flatten)]
    explain: ExplainArgs,
    #[command(flatten)]
    fit: FitArgs,
}

/// Ages by default: a quarter of a year, to two years.
const AGES: [f64; 8] = [90.0, 180.0, 270.0, 360.0, 450.0, 540.0, 630.0, 720.0];

/// A table beside the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Also {
    /// Interaction records at the end of the data: contact × segment × initiative.
    Records,
    /// The first score by segment, business unit, division and enterprise.
    Units,
    /// The first score at equal ages.
    Ages,
}

impl Also {
    const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Units => "units",
            Self::Ages => "ages",
        }
    }
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let run = args.plan.prepare(console)?;
    if let Some(account) = &args.explain.explain {
        return args.explain.run(account, &run, args.format, console);
    }
    if let Some(fit) = args.fit.fit {
        let score = || args.explain.chosen(&run.plan().score.scores);
        let how = (args.format, args.plan.dry_run);
        return args.fit.run(fit, &run, score, how, console);
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
        let panel = build_panel(dataset, run.plan(), &PANEL_MEASURES, &|text| console.say(text))?;
        let path = place(args, out, &dataset.name)?;
        if args.format == Format::Csv {
            write_csv(&path, &panel_columns(&panel, 0..panel.accounts().len()))?;
        } else {
            write_panel(&path, &panel)?;
        }
        console.print_line(&format!(
            "{}: {} account-months, {} scores",
            path.display(),
            panel.rows(),
            panel.scores().len()
        ))?;
        for drop in panel.drops() {
            console.print_line(&format!("  left out: {} × {}", drop.count, drop.reason))?;
        }
        for &also in &args.also {
            let columns = beside(also, args, run, dataset, &panel)?;
            let name = format!("{}.{}", dataset.name, also.name());
            let path = write(args, out, &name, &columns)?;
            console.print_line(&format!("{}: {} rows", path.display(), columns[0].1.len()))?;
        }
    }
    Ok(())
}

/// A table beside the panel, of the first score of the plan that it can be made of.
fn beside(
    also: Also,
    args: &Args,
    run: &Run,
    dataset: &Dataset,
    panel: &Panel,
) -> anyhow::Result<Columns> {
    let scores = &run.plan().score.scores;
    Ok(match also {
        Also::Records => record_columns(dataset, &args.explain.chosen(scores)?, dataset.end())?,
        Also::Units => unit_columns(panel, &panel.scores()[0].name)?,
        Also::Ages => age_columns(dataset, scores[0].build()?.as_ref(), args.clock, &args.ages)?,
    })
}

fn write(
    args: &Args,
    out: &Path,
    name: &str,
    columns: &[(&str, ColumnData)],
) -> anyhow::Result<PathBuf> {
    let path = place(args, out, name)?;
    if args.format == Format::Csv {
        write_csv(&path, columns)?;
    } else {
        write_table(&path, columns)?;
    }
    Ok(path)
}

/// Where the table `name` goes; refused where a file is and may not be replaced.
fn place(args: &Args, out: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let extension = if args.format == Format::Csv { "csv" } else { "parquet" };
    let path = out.join(format!("{name}.{extension}"));
    let shown = path.display();
    ensure!(args.force || !path.exists(), "`{shown}` is there already; `--force` replaces it");
    Ok(path)
}
