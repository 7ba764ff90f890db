//! `rvq ingest`: exports through a mapping into a log folder; a first mapping; a mapping explained.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{bail, ensure};
use rvq::ingest::{
    Acceptance, Ingest, IngestError, KeyError, Mapping, PseudonymKey, checkup, propose,
};
use rvq::run::AnsweredMapping;

use crate::options::{Console, Format, Memory};

/// Read exports through a mapping into a log.
///
/// Formats: CSV and other delimited text, JSON lines, Parquet, XES and OCEL 2.0 (JSON, XML); all but Parquet
/// also compressed with gzip or Zstandard. A source is a file, a folder, a pattern such as `exports/2024-*.csv`,
/// or a list of these, inside the data folder; or a table or query of a PostgreSQL database, for an `rvq` built with
/// `--features postgres`.
///
/// Every row is accepted or rejected with its reason; the ledger is printed and kept in the log, and the
/// rejected rows with it (`rejected.parquet`). Rules for exports that overlap are declared in the mapping
/// (`deduplicate`).
///
/// `--propose` writes a first mapping for files that nobody has mapped yet, with a catalogue and a plan beside
/// it: what could not be known says TODO. `--check` explains a mapping column by column and writes nothing; its
/// exit code is 0 when the mapping would be accepted, 2 when it names what is not there, 3 when the data would be
/// refused.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples, in a clone:\n  rvq ingest --propose data/sample/accounts.csv data/sample/interactions.csv \
                  data/sample/outcomes.csv --out my-study/mapping.toml\n  \
                  rvq ingest --check data/sample/mapping.toml\n  \
                  rvq ingest data/sample/mapping.toml --out my-log\n  \
                  rvq ingest data/sample/mapping.toml --out my-log --pseudonymise my.key"
)]
pub(crate) struct Args {
    /// Mapping, TOML: which column of which file fills which of ours.
    #[arg(required_unless_present = "propose")]
    mapping: Option<PathBuf>,
    /// Folder with the exports [default: folder of the mapping].
    #[arg(long, value_name = "DIR", conflicts_with = "propose")]
    data: Option<PathBuf>,
    /// Folder of the log, or with `--propose` the mapping [default there: mapping.toml]; must not exist yet.
    #[arg(long, value_name = "PATH", required_unless_present_any = ["propose", "check", "dry_run"])]
    out: Option<PathBuf>,
    /// Read and check every row and print the ledger, but write no log.
    #[arg(long)]
    dry_run: bool,
    /// Propose a mapping for these files.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["mapping", "check", "dry_run"])]
    propose: Vec<PathBuf>,
    /// Explain the mapping column by column, with examples of values that break a rule.
    #[arg(long, conflicts_with_all = ["out", "dry_run"])]
    check: bool,
    /// Memory that rows may take while they are sorted by account, such as `512MiB`, and what SQL of the mapping
    /// may hold; the rest waits on disk [default: 512MiB for rows, no limit for SQL].
    #[arg(long, value_name = "SIZE", conflicts_with = "propose")]
    memory: Option<Memory>,
    /// Write keyed hashes (HMAC-SHA-256) in the place of all ids, and drop texts that neither mapping nor
    /// catalogue declares. The key, of 32 bytes or more, is in this file, or with `env:NAME` in this
    /// environment variable; it is never written.
    #[arg(long, value_name = "KEYFILE", conflicts_with_all = ["check", "propose"])]
    pseudonymise: Option<String>,
    /// How `--check` prints.
    #[arg(long, value_enum, default_value_t = Format::Table, requires = "check")]
    format: Format,
}

pub(crate) fn run(args: &Args, console: &Console) -> anyhow::Result<ExitCode> {
    let Some(path) = &args.mapping else { return propose_mapping(args, console) };
    let mapping = Mapping::load(path)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let data = args.data.clone().unwrap_or(folder);
    if !mapping.database_tables().is_empty() {
        console.say("copying from the database");
    } else if mapping.queries().next().is_some() {
        console.say("answering the queries of the mapping");
    }
    let memory = args.memory.map(Memory::bytes);
    let answered = AnsweredMapping::staged(mapping, &data, &staging(args)?, memory);
    let answered = match answered {
        // What the engine says may hold a value.
        Err(error) if args.pseudonymise.is_some() && error.may_hold_values() => {
            bail!(
                "the mapping's queries cannot be answered; without `--pseudonymise` it is said why"
            )
        }
        answered => answered?,
    };
    let mapping = answered.mapping();
    if args.check {
        return check(args, mapping, &data, console);
    }
    read(args, mapping, &data, console).map(|()| ExitCode::SUCCESS)
}

/// Where answers and copies wait: beside the log, as rows do, or in the system's folder for temporary files.
fn staging(args: &Args) -> anyhow::Result<PathBuf> {
    let Some(out) = args.out.as_deref().filter(|_| !args.dry_run) else {
        return Ok(std::env::temp_dir());
    };
    if out.exists() {
        return Err(IngestError::Occupied { path: out.to_owned() }.into());
    }
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)
        .map_err(|source| IngestError::Write { path: out.to_owned(), source })?;
    Ok(parent.to_owned())
}

/// Writes a first mapping, catalogue and plan.
fn propose_mapping(args: &Args, console: &Console) -> anyhow::Result<ExitCode> {
    console.say("reading the files");
    let proposal = propose(&args.propose)?;
    let out = args.out.clone().unwrap_or_else(|| proposal.folder().join("mapping.toml"));
    let [mapping, catalogue, plan] = proposal.write(&out)?;
    for (file, what) in proposal.files() {
        console.print_line(&format!("{file}: {what}"))?;
    }
    let data = if out.parent() == Some(proposal.folder()) {
        String::new()
    } else {
        format!(" --data {}", shown(proposal.folder()))
    };
    let (mapping, catalogue, plan) = (mapping.display(), catalogue.display(), plan.display());
    console.print_line(&format!(
        "\n{mapping}: edit; {} lines say TODO\n\
         {catalogue}: edit; {} interaction types, all worth 1 and free of cost until you say otherwise\n\
         {plan}: a first plan\n\
         next: rvq ingest --check {mapping}{data}\n\
         then: rvq audit {plan}\n\
         and:  rvq run {plan}",
        proposal.n_todo(),
        proposal.n_types(),
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn shown(folder: &Path) -> String {
    if folder.as_os_str().is_empty() { ".".to_owned() } else { folder.display().to_string() }
}

/// Explains a mapping.
fn check(
    args: &Args,
    mapping: &Mapping,
    data: &Path,
    console: &Console,
) -> anyhow::Result<ExitCode> {
    ensure!(args.format != Format::Csv, "`--check` prints a table or JSON, not CSV");
    console.say("reading the sources");
    let checkup = checkup(mapping, data);
    console.print_line(&match args.format {
        Format::Json => serde_json::to_string_pretty(&checkup)?,
        Format::Table | Format::Csv => checkup.to_string(),
    })?;
    Ok(match checkup.acceptance {
        Acceptance::Accepted => ExitCode::SUCCESS,
        Acceptance::MappingWrong => ExitCode::from(2),
        Acceptance::DataRefused => ExitCode::from(3),
    })
}

/// The key of pseudonyms, from a file or `env:NAME`.
fn key(place: &str) -> Result<PseudonymKey, KeyError> {
    match place.strip_prefix("env:") {
        Some(name) => PseudonymKey::of_variable(name),
        None => PseudonymKey::read(Path::new(place)),
    }
}

/// Reads the exports and writes the log.
fn read(args: &Args, mapping: &Mapping, data: &Path, console: &Console) -> anyhow::Result<()> {
    let out = args.out.as_deref().filter(|_| !args.dry_run);
    if let Some(occupied) = out.filter(|out| out.exists()) {
        return Err(IngestError::Occupied { path: occupied.to_owned() }.into());
    }
    let key = args.pseudonymise.as_deref().map(key).transpose()?;
    let mut ingest = Ingest::new(mapping, data);
    if let Some(memory) = args.memory {
        ingest = ingest.with_memory(memory.bytes());
    }
    if let Some(key) = &key {
        ingest = ingest.with_pseudonyms(key);
    }
    console.say("reading the sources");
    let report = match out.map_or_else(|| ingest.report(), |out| ingest.write(out)) {
        Err(IngestError::TooManyRejected { report }) => {
            console.print_line(&report.to_string())?;
            return Err(IngestError::TooManyRejected { report }.into());
        }
        read => read?,
    };
    console.print_line(&report.to_string())?;
    let place =
        out.map_or_else(|| "would be in the log".to_owned(), |out| format!("in {}", out.display()));
    console.print_line(&format!(
        "{} accounts, {} contacts, {} interactions, {} outcomes, {} survey rows {place}",
        report.n_accounts,
        report.n_contacts,
        report.n_interactions,
        report.n_outcomes,
        report.n_surveys,
    ))
}
