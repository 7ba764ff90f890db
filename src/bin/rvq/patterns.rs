//! `rvq patterns`: relationship patterns of a plan's data, and where other accounts belong.

use std::path::PathBuf;

use anyhow::Context as _;
use rvq::patterns::PatternModel;
use rvq::run::{Run, build_panel, courses, patterns_of};

use crate::options::{PlanArgs, Progress};

/// Find relationship patterns, or place accounts into patterns found before.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, in a clone:\n  rvq patterns --profile smoke experiments/starting_benchmark/plan.toml"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// Save the patterns of the first data set, for `--assign`.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Place the accounts of the first data set into saved patterns, and print CSV.
    #[arg(long, value_name = "FILE", conflicts_with = "save")]
    assign: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, progress: &Progress) -> anyhow::Result<()> {
    let run = Run::prepare(args.plan.load()?)?;
    for (position, dataset) in run.datasets().iter().enumerate() {
        progress.say(&format!("{}: panel", dataset.name));
        let (panel, _, _) = build_panel(dataset, run.plan(), None)?;
        if let Some(file) = &args.assign {
            progress.finish();
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read patterns `{}`", file.display()))?;
            let model: PatternModel = serde_json::from_str(&text)
                .with_context(|| format!("`{}` holds no patterns", file.display()))?;
            return assign(&model, &panel, run.plan());
        }
        progress.say(&format!("{}: patterns", dataset.name));
        let found = patterns_of(&panel, run.plan())?;
        progress.finish();
        println!("{}: {} accounts with a complete course", dataset.name, found.accounts.len());
        for pattern in found.patterns.summaries() {
            println!("{}", serde_json::to_string(pattern)?);
        }
        if let Some(why) = found.patterns.why_none() {
            println!("no stable pattern: {why}");
        }
        if let (0, Some(file)) = (position, &args.save) {
            let model = found.patterns.model().context("there are no patterns to save")?;
            std::fs::write(file, serde_json::to_string(model)?)
                .with_context(|| format!("cannot write `{}`", file.display()))?;
        }
    }
    Ok(())
}

fn assign(
    model: &PatternModel,
    panel: &rvq::panel::Panel,
    plan: &rvq::run::Plan,
) -> anyhow::Result<()> {
    let courses = courses(panel, plan);
    println!("account_id,pattern,margin");
    for (row, &account) in courses.accounts.iter().enumerate() {
        let course = courses.trajectories.values.row(row).to_vec();
        if let Some(assigned) = model.assign(&course) {
            let id = &panel.accounts()[account].id;
            println!("{id},{},{}", assigned.pattern + 1, assigned.margin);
        }
    }
    Ok(())
}
