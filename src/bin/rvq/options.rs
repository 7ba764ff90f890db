//! What several subcommands share: global options, plans, progress and exit codes.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use rvq::diagnostic::Problems;
use rvq::ingest::IngestError;
use rvq::interaction::TableError;
use rvq::run::{FULL, PlanError, ResolvedPlan, RunError};

/// Options of every subcommand.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// Threads to use [default: all cores]; results do not depend on it.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
    /// Show no progress.
    #[arg(long, global = true)]
    quiet: bool,
}

/// Tells the user what is going on.
#[derive(Debug)]
pub(crate) enum Progress {
    /// A line that changes, on a terminal.
    Spinner(indicatif::ProgressBar),
    /// Plain lines, elsewhere.
    Lines,
    /// Nothing.
    Quiet,
}

impl Progress {
    pub(crate) fn say(&self, text: &str) {
        match self {
            Self::Spinner(spinner) => spinner.set_message(text.to_owned()),
            Self::Lines => eprintln!("{text}"),
            Self::Quiet => {}
        }
    }

    /// Clears the line, so that results stand alone.
    pub(crate) fn finish(&self) {
        if let Self::Spinner(spinner) = self {
            spinner.finish_and_clear();
        }
    }
}

impl Global {
    /// Sets the number of threads.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build_global()
                .context("cannot start that many threads")?;
        }
        Ok(())
    }

    pub(crate) fn progress(&self) -> Progress {
        if self.quiet {
            return Progress::Quiet;
        }
        if !std::io::stderr().is_terminal() {
            return Progress::Lines;
        }
        let spinner = indicatif::ProgressBar::new_spinner();
        let style = indicatif::ProgressStyle::with_template("{spinner} {elapsed} {msg}");
        spinner.set_style(style.expect("a constant template"));
        spinner.enable_steady_tick(Duration::from_millis(120));
        Progress::Spinner(spinner)
    }
}

/// A plan and what is laid over it.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// Plan, TOML.
    plan: PathBuf,
    /// Profile of the plan: `full`, or a table of `[profiles]`.
    #[arg(long, default_value = FULL)]
    profile: String,
    /// Overrides a key of the plan, such as `world.accounts=500`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Root seed: short for `--set run.seed=N`.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl PlanArgs {
    pub(crate) fn load(&self) -> Result<ResolvedPlan, RunError> {
        let mut overrides = self.overrides.clone();
        overrides.extend(self.seed.map(|seed| format!("run.seed={seed}")));
        Ok(ResolvedPlan::load(&self.plan, &self.profile, &overrides)?)
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people.
    Table,
    /// JSON, for machines.
    Json,
    /// CSV, for spreadsheets.
    Csv,
}

/// The exit code that an error asks for.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if let Some(error) = cause.downcast_ref::<RunError>() {
            return error.exit_code();
        }
        if cause.is::<Problems>() || cause.is::<PlanError>() {
            return 2;
        }
        if let Some(error) = cause.downcast_ref::<IngestError>() {
            let is_mapping =
                matches!(error, IngestError::Mapping(_) | IngestError::UnreadableMapping { .. });
            return if is_mapping { 2 } else { 3 };
        }
        if cause.is::<TableError>() {
            return 3;
        }
    }
    2
}

/// The error in words: diagnostics carry their own heading.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    if text.starts_with("error:") { text } else { format!("error: {text}") }
}
