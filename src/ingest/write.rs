//! A log folder: the tables, and all that is needed to know where they came from.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Ingest;
use super::error::IngestError;
use super::ledger::{IngestReport, RejectedRow};
use super::read::Tables;
use super::source::Exports;
use crate::interaction::{AccountHistory, ColumnData, FlatWriter, LogWriter, TableError};

/// Rejected rows, and their bytes, gathered before they are written.
const MOST_GATHERED: (usize, usize) = (65_536, 16 << 20);

impl Ingest<'_> {
    /// Writes the tables, `catalogue.csv`, `mapping.toml`, `ingest.json` (the ledger) and
    /// `rejected.parquet` into the new folder `out`, which appears only when complete.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); `Occupied` when `out` exists, `Write` and `Table` when something cannot be written.
    pub fn write(&self, out: &Path) -> Result<IngestReport, IngestError> {
        if out.exists() {
            return Err(IngestError::Occupied { path: out.to_owned() });
        }
        let failed = |source| IngestError::Write { path: out.to_owned(), source };
        let parent = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(failed)?;
        // The log is a folder inside the temporary one, which goes whatever happens.
        let hidden =
            tempfile::Builder::new().prefix(".rvq-ingest-").tempdir_in(parent).map_err(failed)?;
        let log = hidden.path().join("log");
        fs::create_dir(&log).map_err(failed)?;
        let id = self.log_id(out)?;
        let mut tables = LogTables {
            log: LogWriter::create(&log, self.mapping.types(), &id)?,
            rejected: RejectedRows::create(&log.join("rejected.parquet"))?,
        };
        let report = self.read_into(&mut tables, hidden.path().to_owned())?;
        tables.log.finish()?;
        tables.rejected.close()?;
        let ledger =
            serde_json::to_string_pretty(&report).expect("a report holds only texts and numbers");
        fs::write(log.join("ingest.json"), ledger + "\n").map_err(failed)?;
        fs::write(log.join("mapping.toml"), self.mapping.text()).map_err(failed)?;
        let catalogue = self.catalogue_bytes().map_err(failed)?;
        fs::write(log.join("catalogue.csv"), catalogue).map_err(failed)?;
        fs::rename(&log, out).map_err(failed)?;
        Ok(report)
    }

    /// Name of the log: a digest of the mapping, its catalogue and every source.
    fn log_id(&self, out: &Path) -> Result<String, IngestError> {
        let failed = |source| IngestError::Write { path: out.to_owned(), source };
        let mut digest = Sha256::new();
        digest.update(Sha256::digest(self.mapping.text()));
        digest.update(Sha256::digest(self.catalogue_bytes().map_err(failed)?));
        match self.exports {
            Exports::Folder(data) => {
                for file in self.mapping.files(data)? {
                    digest.update(digest_of_file(&data.join(file)).map_err(failed)?);
                }
                for (_, sha256) in self.mapping.copies() {
                    digest.update(sha256);
                }
            }
            Exports::Memory(files) => {
                for bytes in files.values() {
                    digest.update(Sha256::digest(bytes));
                }
            }
        }
        let first = digest.finalize().iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte));
        Ok(format!("{first:016x}"))
    }

    fn catalogue_bytes(&self) -> io::Result<Vec<u8>> {
        match self.exports {
            Exports::Folder(_) => fs::read(self.mapping.catalogue_path()),
            Exports::Memory(_) => Ok(self.mapping.catalogue().to_csv().into_bytes()),
        }
    }
}

fn digest_of_file(path: &Path) -> io::Result<impl AsRef<[u8]>> {
    let mut digest = Sha256::new();
    io::copy(&mut File::open(path)?, &mut digest)?;
    Ok(digest.finalize())
}

/// The tables on their way into a folder.
struct LogTables {
    log: LogWriter,
    rejected: RejectedRows,
}

impl Tables for LogTables {
    fn history(&mut self, history: AccountHistory) -> Result<(), IngestError> {
        Ok(self.log.write(&history)?)
    }

    fn rejected(&mut self, row: RejectedRow) -> Result<(), IngestError> {
        Ok(self.rejected.add(row)?)
    }
}

/// `rejected.parquet` while it is written.
struct RejectedRows {
    writer: FlatWriter,
    rows: Vec<RejectedRow>,
    bytes: usize,
}

impl RejectedRows {
    fn create(path: &Path) -> Result<Self, TableError> {
        Ok(Self { writer: FlatWriter::create(path, &columns(&[]))?, rows: Vec::new(), bytes: 0 })
    }

    fn add(&mut self, row: RejectedRow) -> Result<(), TableError> {
        self.bytes += row.raw.len() + row.value.len() + row.message.len();
        self.rows.push(row);
        let (rows, bytes) = MOST_GATHERED;
        if self.rows.len() < rows && self.bytes < bytes { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), TableError> {
        self.writer.write(&columns(&self.rows))?;
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }

    fn close(mut self) -> Result<(), TableError> {
        self.flush()?;
        self.writer.close()
    }
}

fn columns(rows: &[RejectedRow]) -> [(&'static str, ColumnData); 9] {
    let text = |of: fn(&RejectedRow) -> &str| {
        ColumnData::Text(rows.iter().map(|row| of(row).to_owned()).collect())
    };
    [
        ("table", text(|row| row.table.name())),
        ("source", text(|row| &row.source)),
        ("file", text(|row| &row.file)),
        ("row", ColumnData::Integer(rows.iter().map(|row| row.row as i64).collect())),
        ("column", text(|row| &row.column)),
        ("value", text(|row| &row.value)),
        ("reason", text(|row| row.reason.name())),
        ("message", text(|row| &row.message)),
        ("raw", text(|row| &row.raw)),
    ]
}
