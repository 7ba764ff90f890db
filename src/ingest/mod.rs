//! Real exports, read through a declared mapping: every row is accepted or rejected with its reason.
//!
//! ```text
//! mapping.toml + catalogue.csv ── Mapping::load ──┐
//! exports (CSV, Parquet, JSONL, XES, OCEL) ────────┴─ ingest ── histories + report + rejected rows
//! ```
//!
//! Tables of databases and answers to SQL come as files that others made: `database` and `engine`.
//!
//! Nothing is guessed: what a log does not hold (an exit, a profit) stays absent, and the report
//! says so. Joins of sources are absent too, except the lookup of a row by one key.

mod accounts;
mod assemble;
mod cell;
mod check;
mod checked;
mod checkup;
mod database;
mod error;
mod features;
mod field;
mod ledger;
mod links;
mod mapping;
mod outcomes;
mod propose;
mod pseudonym;
mod query;
mod read;
mod rejects;
mod repeats;
mod row;
mod source;
mod spill;
mod spool;
mod summary;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::flow::Catalogue;
use crate::ids::TypeNames;
use crate::interaction::AccountHistory;

pub use checkup::{
    Acceptance, BlockCheck, BrokenRule, Checkup, FieldCheck, JoinCheck, Offender, checkup,
};
pub use database::{DatabaseTable, TableCopy};
pub use error::{IngestError, SourceError, SourceProblems};
pub use features::{FeatureColumn, FeatureError, FeatureTable};
pub use ledger::{FileReport, IngestReport, Reason, RejectedRow, SetAside, SourceReport};
pub use mapping::Mapping;
pub use propose::{Proposal, propose, propose_bytes};
pub use pseudonym::{KeyError, PseudonymKey};
pub use query::{GivenSource, Query};

use pseudonym::Pseudonyms;
use read::{Tables, read_all};
use source::Exports;
use spill::Room;

/// Bytes that sorting may take unless told otherwise.
const MEMORY: usize = 512 << 20;

/// The tables of one log, and what became of every row of its sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Ingested {
    /// One history per account, in order of account id.
    pub histories: Vec<AccountHistory>,
    /// Interaction types, in the order of the catalogue.
    pub types: TypeNames,
    /// What the interaction types are worth.
    pub catalogue: Catalogue,
    /// The ledger.
    pub report: IngestReport,
    /// Rows that could not be used, in the order of the mapping's blocks and then of the source.
    pub rejected: Vec<RejectedRow>,
}

impl Tables for (Vec<AccountHistory>, Vec<RejectedRow>) {
    fn history(&mut self, history: AccountHistory) -> Result<(), IngestError> {
        self.0.push(history);
        Ok(())
    }

    fn rejected(&mut self, row: RejectedRow) -> Result<(), IngestError> {
        self.1.push(row);
        Ok(())
    }
}

/// Only the ledger is wanted.
impl Tables for () {
    fn history(&mut self, _: AccountHistory) -> Result<(), IngestError> {
        Ok(())
    }

    fn rejected(&mut self, _: RejectedRow) -> Result<(), IngestError> {
        Ok(())
    }
}

/// One reading of the sources that a mapping names.
///
/// Per source `rows = set aside + read` and `read = accepted + rejected`, always. Rows are sorted by
/// account; those beyond the memory wait on disk.
///
/// # Examples
///
/// ```
/// use std::path::Path;
///
/// use rvq::ingest::{Ingest, Mapping};
///
/// let data = Path::new("data/sample");
/// let mapping = Mapping::load(&data.join("mapping.toml"))?;
/// let report = Ingest::new(&mapping, data).with_memory(64 << 20).report()?;
/// assert!(report.sources.iter().all(|source| source.read == source.accepted + source.n_rejected()));
/// # Ok::<(), rvq::ingest::IngestError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ingest<'a> {
    mapping: &'a Mapping,
    exports: Exports<'a>,
    memory: usize,
    pseudonyms: Option<Pseudonyms<'a>>,
}

impl<'a> Ingest<'a> {
    /// An ingest of the sources of `mapping` in the folder `data`.
    pub fn new(mapping: &'a Mapping, data: &'a Path) -> Self {
        Self::of(mapping, Exports::Folder(data))
    }

    /// An ingest of the sources of `mapping` from memory: their bytes by name.
    pub fn from_bytes(mapping: &'a Mapping, files: &'a BTreeMap<String, Arc<[u8]>>) -> Self {
        Self::of(mapping, Exports::Memory(files))
    }

    fn of(mapping: &'a Mapping, exports: Exports<'a>) -> Self {
        Self { mapping, exports, memory: MEMORY, pseudonyms: None }
    }

    /// With so many bytes for rows that are sorted, instead of 512 MiB; further ones wait on disk.
    ///
    /// Some 40 MiB are taken however few it is.
    #[must_use]
    pub fn with_memory(self, bytes: usize) -> Self {
        Self { memory: bytes, ..self }
    }

    /// With pseudonyms for ids and without texts that the mapping and its catalogue do not declare; rejected rows keep
    /// their place and reason, and nothing of what they hold.
    ///
    /// Accounts and contacts are in order of their pseudonyms.
    #[must_use]
    pub fn with_pseudonyms(self, key: &'a PseudonymKey) -> Self {
        Self { pseudonyms: Some(Pseudonyms::new(key, self.mapping)), ..self }
    }

    /// Reads everything into memory.
    ///
    /// # Errors
    ///
    /// `Sources` with every source that cannot be read or lacks a mapped column; `TooManyRejected`
    /// when a source has a larger share of rejected rows than the mapping allows; `Sorting` when the disk cannot hold
    /// what the memory does not.
    pub fn read(&self) -> Result<Ingested, IngestError> {
        let mut tables = (Vec::new(), Vec::new());
        let report = self.read_into(&mut tables, std::env::temp_dir())?;
        let (histories, rejected) = tables;
        Ok(Ingested {
            histories,
            types: self.mapping.types().clone(),
            catalogue: self.mapping.catalogue().clone(),
            report,
            rejected,
        })
    }

    /// Reads and checks every row, and keeps only the ledger.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn report(&self) -> Result<IngestReport, IngestError> {
        self.read_into(&mut (), std::env::temp_dir())
    }

    /// Reads everything into `tables`; what the memory cannot hold waits in `folder`.
    fn read_into(
        &self,
        tables: &mut dyn Tables,
        folder: PathBuf,
    ) -> Result<IngestReport, IngestError> {
        let room = Room { memory: self.memory, folder };
        let pseudonyms = self.pseudonyms.as_ref();
        read_all(self.mapping, self.exports, &room, pseudonyms, tables)
            .map_err(|error| if pseudonyms.is_some() { error.without_values() } else { error })
    }
}

/// Reads the sources that `mapping` names in the folder `data`, as [`Ingest::read`].
///
/// # Errors
///
/// As [`Ingest::read`].
pub fn ingest(mapping: &Mapping, data: &Path) -> Result<Ingested, IngestError> {
    Ingest::new(mapping, data).read()
}

/// Reads the sources that `mapping` names from memory: their bytes by name.
///
/// # Errors
///
/// As [`ingest`].
///
/// # Examples
///
/// ```
/// use rvq::flow::{Catalogue, CatalogueEntry};
/// use rvq::ingest::{Mapping, ingest_bytes};
///
/// let mapping = r#"
/// name = "calls"
/// description = "an example"
/// time_zone = "UTC"
/// currency = "EUR"
/// catalogue = "catalogue.csv"
///
/// [[interactions]]
/// source = "calls-*.jsonl"
/// columns = { account_id = "who.id", occurred_at = "at" }
/// constants = { interaction_type = "call" }
/// "#;
/// let entries = vec![CatalogueEntry::plain("call", 1.0)];
/// let catalogue = Catalogue::from_entries("1", entries).ok_or("a name twice")?;
/// let may = br#"{"who": {"id": "A"}, "at": "2026-05-04"}"#.as_slice();
/// let log = ingest_bytes(
///     &Mapping::parse(mapping, catalogue)?,
///     &[("calls-05.jsonl".to_owned(), may.into())].into(),
/// )?;
/// assert_eq!(log.report.n_interactions, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn ingest_bytes(
    mapping: &Mapping,
    files: &BTreeMap<String, Arc<[u8]>>,
) -> Result<Ingested, IngestError> {
    Ingest::from_bytes(mapping, files).read()
}
