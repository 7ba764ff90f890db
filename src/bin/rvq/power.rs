//! `rvq power`: what the hypotheses of a plan could show on its data, before any result.

use rvq::panel::Measure;
use rvq::report::{HypothesisPower, power_table};
use rvq::run::{build_panel, powers};

use crate::options::{Console, Format, PlanArgs};

/// Say what a plan's hypotheses could show on its data: detectable effects, power, and what more it takes.
///
/// No result is computed: scores move between accounts, whole histories at a time, before they meet an
/// outcome.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, in a clone:\n  rvq power --profile smoke experiments/starting_benchmark/plan.toml"
)]
pub(crate) struct Args {
    #[command(flatten)]
    plan: PlanArgs,
    /// `csv` prints the power curves, `json` everything.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let run = args.plan.prepare(console)?;
    if args.plan.dry_run {
        return console.print_line(&format!("would state the power of {}", run.names()));
    }
    let mut all: Vec<(String, Vec<HypothesisPower>)> = Vec::new();
    for dataset in run.datasets() {
        let panel = build_panel(dataset, run.plan(), &Measure::ALL, &|text| console.say(text))?;
        console.say(&format!("{}: power", dataset.name));
        let (powers, warnings) = powers(&panel, run.plan());
        for warning in &warnings {
            console.say(&format!("warning: {warning}"));
        }
        all.push((dataset.name.clone(), powers));
    }
    match args.format {
        Format::Table => console.print(&power_table(&all)),
        Format::Json => {
            let named: serde_json::Map<String, serde_json::Value> = all
                .iter()
                .map(|(name, powers)| Ok((name.clone(), serde_json::to_value(powers)?)))
                .collect::<Result<_, serde_json::Error>>()?;
            console.print_line(&serde_json::to_string_pretty(&named)?)
        }
        Format::Csv => console.print(&curves(&all)?),
    }
}

fn curves(all: &[(String, Vec<HypothesisPower>)]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["data", "hypothesis", "statistic", "effect", "power"])?;
    for (name, powers) in all {
        for HypothesisPower { hypothesis, power, .. } in powers {
            for (effect, found) in &power.curve {
                let cells = [effect.to_string(), found.to_string()];
                let [effect, found] = &cells;
                writer.write_record([name, hypothesis, &power.statistic, effect, found])?;
            }
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
