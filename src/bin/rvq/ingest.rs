//! `rvq ingest`: exports through a mapping into a log folder.

use std::path::{Path, PathBuf};

use rvq::ingest::{IngestError, Mapping, ingest};

use crate::options::Console;

/// Read exports through a mapping into a log.
///
/// Formats: CSV and other delimited text, JSON lines, Parquet, XES and OCEL 2.0 (JSON, XML); all but Parquet
/// also compressed with gzip or Zstandard. A source is a file, a folder, a pattern such as `exports/2024-*.csv`,
/// or a list of these, inside the data folder.
///
/// Every row is accepted or rejected with its reason; the ledger is printed and kept in the log, and the
/// rejected rows with it (`rejected.parquet`). Rules for exports that overlap are declared in the mapping
/// (`deduplicate`).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, in a clone:\n  rvq ingest data/sample/mapping.toml --out my-log")]
pub(crate) struct Args {
    /// Mapping, TOML: which column of which file fills which of ours.
    mapping: PathBuf,
    /// Folder with the exports [default: folder of the mapping].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder of the log; must not exist yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Read and check every row and print the ledger, but write no log.
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    let mapping = Mapping::load(&args.mapping)?;
    let folder = args.mapping.parent().unwrap_or(Path::new("")).to_owned();
    let data = args.data.clone().unwrap_or(folder);
    if !args.dry_run && args.out.exists() {
        return Err(IngestError::Occupied { path: args.out.clone() }.into());
    }
    console.say("reading the sources");
    let ingested = match ingest(&mapping, &data) {
        Ok(ingested) => ingested,
        Err(error) => {
            if let IngestError::TooManyRejected { report, .. } = &error {
                console.print_line(&report.to_string())?;
            }
            return Err(error.into());
        }
    };
    let report = &ingested.report;
    console.print_line(&report.to_string())?;
    if !args.dry_run {
        console.say("writing the log");
        ingested.write(&mapping, &data, &args.out)?;
    }
    console.print_line(&format!(
        "{} accounts, {} contacts, {} interactions, {} outcomes, {} survey rows {} {}",
        report.n_accounts,
        report.n_contacts,
        report.n_interactions,
        report.n_outcomes,
        report.n_surveys,
        if args.dry_run { "would be in" } else { "in" },
        args.out.display()
    ))
}
