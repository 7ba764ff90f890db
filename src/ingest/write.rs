//! A log folder: the tables, and all that is needed to know where they came from.

use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Ingested;
use super::error::IngestError;
use super::ledger::RejectedRow;
use super::mapping::Mapping;
use crate::interaction::{ColumnData, LogWriter, write_table};

impl Ingested {
    /// Writes the tables, `catalogue.csv`, `mapping.toml`, `ingest.json` (the ledger) and
    /// `rejected.parquet` into the new folder `out`, which appears only when complete.
    ///
    /// - `data`: folder the sources were read from; their bytes name the log.
    ///
    /// # Errors
    ///
    /// `Occupied` when `out` exists, `Write` and `Table` when something cannot be written.
    pub fn write(&self, mapping: &Mapping, data: &Path, out: &Path) -> Result<(), IngestError> {
        if out.exists() {
            return Err(IngestError::Occupied { path: out.to_owned() });
        }
        let failed = |source| IngestError::Write { path: out.to_owned(), source };
        let parent = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(failed)?;
        // The log is a folder inside the temporary one: that is private to this user, a log is not.
        let hidden =
            tempfile::Builder::new().prefix(".rvq-ingest-").tempdir_in(parent).map_err(failed)?;
        let log = hidden.path().join("log");
        fs::create_dir(&log).map_err(failed)?;
        let id = log_id(mapping, data, out)?;
        let mut writer = LogWriter::create(&log, &self.types, &id)?;
        for history in &self.histories {
            writer.write(history)?;
        }
        writer.finish()?;
        write_rejected(&log.join("rejected.parquet"), &self.rejected)?;
        let report = serde_json::to_string_pretty(&self.report)
            .expect("a report holds only texts and numbers");
        fs::write(log.join("ingest.json"), report + "\n").map_err(failed)?;
        fs::write(log.join("mapping.toml"), mapping.text()).map_err(failed)?;
        fs::copy(mapping.catalogue_path(), log.join("catalogue.csv")).map_err(failed)?;
        fs::rename(&log, out).map_err(failed)
    }
}

fn write_rejected(path: &Path, rows: &[RejectedRow]) -> Result<(), IngestError> {
    let text = |of: fn(&RejectedRow) -> &str| {
        ColumnData::Text(rows.iter().map(|row| of(row).to_owned()).collect())
    };
    let columns = [
        ("table", text(|row| row.table.name())),
        ("source", text(|row| &row.source)),
        ("file", text(|row| &row.file)),
        ("row", ColumnData::Integer(rows.iter().map(|row| row.row as i64).collect())),
        ("column", text(|row| &row.column)),
        ("value", text(|row| &row.value)),
        ("reason", text(|row| row.reason.name())),
        ("message", text(|row| &row.message)),
        ("raw", text(|row| &row.raw)),
    ];
    Ok(write_table(path, &columns)?)
}

/// Name of a log: a digest of the mapping, its catalogue and every source.
fn log_id(mapping: &Mapping, data: &Path, out: &Path) -> Result<String, IngestError> {
    let mut digest = Sha256::new();
    digest.update(Sha256::digest(mapping.text()));
    let read = |path: &Path| {
        fs::read(path).map_err(|source| IngestError::Write { path: out.to_owned(), source })
    };
    digest.update(Sha256::digest(read(mapping.catalogue_path())?));
    for file in mapping.files(data)? {
        digest.update(Sha256::digest(read(&data.join(file))?));
    }
    let first = digest.finalize().iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte));
    Ok(format!("{first:016x}"))
}
