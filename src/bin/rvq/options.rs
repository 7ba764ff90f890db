//! What several subcommands share: global options, plans, console and exit codes.

use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use rvq::flow::fit::FitError;
use rvq::ingest::IngestError;
use rvq::interaction::TableError;
use rvq::realism::RealismError;
use rvq::run::{Dataset, FULL, ResolvedPlan, Run, RunError};

/// Options of every subcommand.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// Threads to use [default: all cores]; results do not depend on it.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Show no progress.
    #[arg(long, global = true)]
    quiet: bool,
}

impl Global {
    /// Sets the number of threads.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads.get())
                .build_global()
                .with_context(|| format!("cannot start {threads} threads"))?;
        }
        Ok(())
    }

    pub(crate) fn console(&self) -> Console {
        if self.quiet {
            Console::Quiet
        } else if io::stderr().is_terminal() {
            Console::Terminal(ProgressBar::no_length().with_finish(ProgressFinish::AndClear))
        } else {
            Console::Lines
        }
    }
}

/// Where a command tells its progress (standard error) and prints its results (standard output).
#[derive(Debug)]
pub(crate) enum Console {
    /// Progress is one line that changes.
    Terminal(ProgressBar),
    /// Progress is plain lines.
    Lines,
    /// No progress.
    Quiet,
}

impl Console {
    /// Tells what is going on.
    pub(crate) fn say(&self, text: &str) {
        match self {
            Self::Terminal(bar) => {
                bar.set_style(style("{spinner} {elapsed} {msg}"));
                bar.enable_steady_tick(Duration::from_millis(120));
                bar.set_message(text.to_owned());
            }
            Self::Lines => eprintln!("{text}"),
            Self::Quiet => {}
        }
    }

    /// Tells that `done` of `total` are done, after every one; plain lines come ten times.
    pub(crate) fn count(&self, what: &str, done: u64, total: u64) {
        match self {
            Self::Terminal(bar) => {
                if bar.length().is_none() {
                    bar.set_style(style("{bar:40} {percent} % of {len} {msg}, {eta} to go"));
                    bar.set_length(total);
                    bar.set_message(what.to_owned());
                }
                bar.set_position(done);
            }
            Self::Lines if done * 10 / total > (done - 1) * 10 / total => {
                eprintln!("{done} of {total} {what}");
            }
            Self::Lines | Self::Quiet => {}
        }
    }

    /// Tells what must be heard, `--quiet` or not.
    pub(crate) fn warn(&self, text: &str) {
        match self {
            Self::Terminal(bar) => bar.suspend(|| eprintln!("{text}")),
            Self::Lines | Self::Quiet => eprintln!("{text}"),
        }
    }

    /// Prints results, progress out of the way. A reader who has seen enough (`| head`) is no
    /// error.
    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        if let Self::Terminal(bar) = self {
            bar.disable_steady_tick();
            bar.suspend(|| write_out(text))
        } else {
            write_out(text)
        }
        .context("cannot write to standard output")
    }

    /// As [`print`](Self::print), with an end of line.
    pub(crate) fn print_line(&self, text: &str) -> anyhow::Result<()> {
        self.print(&format!("{text}\n"))
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a constant template")
}

fn write_out(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// A plan and what is laid over it.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    /// Plan, TOML; for `rvq audit` a log folder will do.
    pub(crate) plan: PathBuf,
    /// Profile of the plan: `full`, or a table of `[profiles]`.
    #[arg(long, default_value = FULL)]
    profile: String,
    /// Overrides a key of the plan, such as `world.accounts=500`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Root seed: short for `--set run.seed=N`.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Another cohort, or other resamples, of the same seed: short for `--set run.replication=N`.
    #[arg(long, value_name = "N")]
    replication: Option<u32>,
    /// Read and check the plan and its data, say what would be done, but do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl PlanArgs {
    /// Folder that paths in the plan start from.
    pub(crate) fn folder(&self) -> &Path {
        self.plan.parent().unwrap_or(Path::new(""))
    }

    /// The plan with its data, checked.
    pub(crate) fn prepare(&self, console: &Console) -> Result<Run, RunError> {
        let mut overrides = self.overrides.clone();
        overrides.extend(self.seed.map(|seed| format!("run.seed={seed}")));
        overrides.extend(self.replication.map(|number| format!("run.replication={number}")));
        let resolved = ResolvedPlan::load(&self.plan, &self.profile, &overrides)?;
        console.say("plan and data");
        let run = Run::prepare(resolved)?;
        if self.dry_run {
            run.datasets().iter().try_for_each(Dataset::check)?;
        }
        Ok(run)
    }
}

/// An amount of memory, such as `512MiB` or `2GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory(usize);

impl Memory {
    /// In bytes.
    pub(crate) fn bytes(self) -> usize {
        self.0
    }
}

impl std::str::FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected =
            || format!("`{text}` is no amount of memory, expected one such as `512MiB` or `2GiB`");
        let (number, unit) =
            text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let number: usize = number.parse().map_err(|_| expected())?;
        let unit: usize = match unit.trim().to_ascii_lowercase().as_str() {
            "mib" | "mb" | "m" => 1 << 20,
            "gib" | "gb" | "g" => 1 << 30,
            _ => return Err(expected()),
        };
        number.checked_mul(unit).filter(|&bytes| bytes > 0).map(Self).ok_or_else(expected)
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

/// The exit code that an error asks for; 2 for what only a command can object to.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    error.chain().find_map(known_code).unwrap_or(2)
}

fn known_code(cause: &(dyn Error + 'static)) -> Option<u8> {
    if let Some(error) = cause.downcast_ref::<RunError>() {
        return Some(error.exit_code());
    }
    if let Some(error) = cause.downcast_ref::<IngestError>() {
        return Some(rvq::run::ingest_exit_code(error));
    }
    if let Some(error) = cause.downcast_ref::<FitError>() {
        // A catalogue that breaks a rule of flows is data; the rest is too little of them.
        return Some(if matches!(error, FitError::Flow(_)) { 3 } else { 4 });
    }
    if cause.is::<RealismError>() {
        return Some(4);
    }
    cause.is::<TableError>().then_some(3)
}

/// The error and its causes in words, each once: many messages hold their cause already.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    // Diagnostics carry their own heading.
    if text.starts_with("error:") { text } else { format!("error: {text}") }
}
