//! `rvq ingest`: exports through a mapping into a log folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rvq::ingest::{IngestError, Mapping, ingest};

/// Read exports (CSV, Parquet) through a mapping into a log.
///
/// Every row is accepted or rejected with its reason; the ledger is printed and kept in the log.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Mapping, TOML: which column of which file fills which of ours.
    mapping: PathBuf,
    /// Folder with the exports [default: folder of the mapping].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder of the log; must not exist yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mapping = Mapping::load(&args.mapping)?;
    let folder = args.mapping.parent().unwrap_or(Path::new("")).to_owned();
    let data = args.data.clone().unwrap_or(folder);
    let mut stdout = std::io::stdout().lock();
    let ingested = match ingest(&mapping, &data) {
        Ok(ingested) => ingested,
        Err(error) => {
            if let IngestError::TooManyRejected { report, .. } = &error {
                writeln!(stdout, "{report}")?;
            }
            return Err(error.into());
        }
    };
    writeln!(stdout, "{}", ingested.report)?;
    ingested.write(&mapping, &data, &args.out).context("the log was not written")?;
    let report = &ingested.report;
    writeln!(
        stdout,
        "{} accounts, {} contacts, {} interactions, {} outcomes, {} survey rows in {}",
        report.n_accounts,
        report.n_contacts,
        report.n_interactions,
        report.n_outcomes,
        report.n_surveys,
        args.out.display()
    )?;
    Ok(())
}
