//! `rvq flow`: checks, shows and fits an interaction process flow with its catalogue.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rvq::flow::{CatalogueEntry, Flow, Level};
use rvq::ids::TypeIndex;
use rvq::interaction::Stage;
use rvq::run::RunError;

use crate::flow_fit;
use crate::options::Console;

/// Check, show or fit an interaction process flow.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check a flow and its catalogue, and show every problem with its place.
    #[command(after_help = "Example:\n  rvq flow check data/flows/b2b/flow.toml")]
    Check {
        /// Flow file (TOML); without it the built-in flow is checked.
        path: Option<PathBuf>,
    },
    /// Show interaction types by function and stage, and the levels with what they bring.
    #[command(after_help = "Example:\n  rvq flow show data/flows/b2b/flow.toml --svg flow.svg")]
    Show {
        /// Flow file (TOML); without it the built-in flow is shown.
        path: Option<PathBuf>,
        /// Also write a drawing of the flow to this file.
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    Fit(flow_fit::Args),
}

pub(crate) fn run(command: &Command, console: &Console) -> anyhow::Result<()> {
    match command {
        Command::Fit(args) => flow_fit::run(args, console),
        Command::Check { path } => console.print(&summary(&load(path.as_deref())?)),
        Command::Show { path, svg } => {
            let flow = load(path.as_deref())?;
            if let Some(file) = svg {
                let chart = rvq::chart::flow_diagram(&flow)?;
                fs::write(file, chart.svg)
                    .with_context(|| format!("cannot write `{}`", file.display()))?;
            }
            let (types, levels) = (types_table(&flow), levels_table(&flow));
            console.print(&format!("{}\n{types}\n{levels}", summary(&flow)))
        }
    }
}

fn load(path: Option<&Path>) -> Result<Flow, RunError> {
    Ok(path.map_or_else(|| Ok(Flow::builtin()), Flow::load)?)
}

fn summary(flow: &Flow) -> String {
    let types = flow.catalogue().entries();
    let count = |is: fn(&CatalogueEntry) -> bool| types.iter().filter(|entry| is(entry)).count();
    format!(
        "ok: {} levels, {} types ({} voice of the customer, {} negative, {} critical, {} transactional), {} overrides, catalogue version {}\n",
        flow.levels().len(),
        types.len(),
        count(|entry| entry.is_voc),
        count(|entry| entry.worth.rv < 0.0),
        count(|entry| entry.critical),
        count(|entry| entry.transactional),
        types.iter().map(|entry| entry.overrides.len()).sum::<usize>(),
        flow.catalogue().version(),
    )
}

/// Number of types and their mean relative value, by function and stage.
fn types_table(flow: &Flow) -> String {
    let types = flow.catalogue().entries();
    let mut functions: Vec<&str> = Vec::new();
    for entry in types {
        if !functions.contains(&entry.function.as_str()) {
            functions.push(&entry.function);
        }
    }
    let mut table = String::from("types and their mean relative value\n");
    row(&mut table, "function", Stage::ALL.map(|stage| stage.name().to_owned()));
    for function in functions {
        let cells = Stage::ALL
            .map(|stage| cell(types.iter().filter(|e| e.function == function && e.stage == stage)));
        row(&mut table, function, cells);
    }
    row(&mut table, "all", Stage::ALL.map(|stage| cell(types.iter().filter(|e| e.stage == stage))));
    table
}

fn row(table: &mut String, name: &str, cells: [String; 3]) {
    let [acquisition, closing, retention] = cells;
    let line = format!("{name:<14}{acquisition:>14}{closing:>14}{retention:>14}\n");
    table.push_str(&line);
}

fn cell<'a>(entries: impl Iterator<Item = &'a CatalogueEntry>) -> String {
    let values: Vec<f64> = entries.map(|entry| entry.worth.rv).collect();
    if values.is_empty() {
        return "-".to_owned();
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    format!("{} {mean:>+7.1}", values.len())
}

/// Each level with its mean wait, what one interaction is worth, and where it leads.
fn levels_table(flow: &Flow) -> String {
    let mut table = format!(
        "levels: mean wait, mean relative value and share of negatives per interaction\n\
         {:<16}{:<13}{:>10}{:>8}{:>10}  leads to\n",
        "level", "stage", "wait", "value", "negative",
    );
    for level in flow.levels() {
        let _ = writeln!(
            table,
            "{:<16}{:<13}{:>8.1} d{:>+8.2}{:>8.1} %  {}",
            level.name,
            level.stage.name(),
            level.wait.mean_days(),
            level.mean_rv(flow.catalogue()),
            100.0 * level.negative_share(flow.catalogue()),
            targets(flow, level).join(", "),
        );
    }
    table
}

/// Names of the levels to which interactions at `level` move a contact.
fn targets<'a>(flow: &'a Flow, level: &Level) -> Vec<&'a str> {
    let trigger = |(kind, _): (TypeIndex, f64)| flow.trigger(kind);
    let mut positions: Vec<_> =
        level.expected_interactions().into_iter().filter_map(trigger).collect();
    positions.sort_unstable();
    positions.dedup();
    let names = positions.into_iter().map(|to| flow.levels()[usize::from(to.0)].name.as_str());
    names.filter(|name| *name != level.name).collect()
}
