//! Opens a log folder: files, footers, columns and interaction types.
//!
//! [`Log::open`] looks at every footer, [`Log::histories`] at every row. What is deliberately
//! absent: nothing is sorted, converted or left out; that is the work of ingest.

mod ahead;
mod batches;
mod cells;
mod file;
mod listed;
mod measures;
mod merge;
mod rows;
mod unread;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::error::TableError;
use super::schema::{RUN_ID_KEY, Table, column};
use super::{Initiative, Projection, Staff, TableCounts};
use crate::ids::TypeNames;
use crate::time::Instant;
use batches::Batches;
use file::TableFile;
use listed::Listed;
use merge::{Cursor, Cursors};
use rows::Rows;
use unread::LogNames;

pub use ahead::ReadAhead;
pub use merge::Histories;
pub use unread::UnreadAccount;

/// A log folder whose files are all there and have the right columns.
#[derive(Debug, Clone)]
pub struct Log {
    files: [Option<TableFile>; Table::ALL.len()],
    types: Arc<TypeNames>,
    projection: Projection,
}

impl Log {
    /// Looks at the files of the folder `dir` and collects the names of its interaction types,
    /// in order of bytes.
    ///
    /// # Errors
    ///
    /// [`TableError::Files`] names every file that is missing, empty, cut off, of another schema
    /// version, or without a column of the right type; [`TableError::Io`] and
    /// [`TableError::Parquet`] when a file cannot be read.
    pub fn open(dir: &Path) -> Result<Self, TableError> {
        let mut problems = Vec::new();
        let files = Table::ALL.map(|table| TableFile::open(dir, table, &mut problems));
        if !problems.is_empty() {
            return Err(TableError::Files { problems });
        }
        let types = match &files[Table::Interactions as usize] {
            Some(file) => file.interaction_types()?,
            None => TypeNames::default(),
        };
        Ok(Self { files, types: Arc::new(types), projection: Projection::ALL })
    }

    /// The same log as if it had nothing but the tables and columns of `projection`: [`histories`](Self::histories)
    /// reads no more, and checks no more.
    #[must_use]
    pub fn with_projection(self, projection: Projection) -> Self {
        Self { projection, ..self }
    }

    /// Interaction types that occur in the log, in order of bytes.
    pub fn types(&self) -> &TypeNames {
        &self.types
    }

    /// Number of rows in each table, as the footers say.
    pub fn counts(&self) -> TableCounts {
        TableCounts::from_each(|table| self.file(table).map_or(0, TableFile::rows))
    }

    /// All members of staff, in order of id; none when the log does not list them.
    ///
    /// # Errors
    ///
    /// [`TableError::Io`] and [`TableError::Parquet`] when the file cannot be read,
    /// [`TableError::Rows`] names every broken rule.
    pub fn staff(&self) -> Result<Vec<Staff>, TableError> {
        self.list()
    }

    /// All initiatives, in order of id; none when the log does not list them.
    ///
    /// # Errors
    ///
    /// As [`staff`](Self::staff).
    pub fn initiatives(&self) -> Result<Vec<Initiative>, TableError> {
        self.list()
    }

    fn list<L: Listed>(&self) -> Result<Vec<L>, TableError> {
        self.file(L::TABLE).map_or(Ok(Vec::new()), TableFile::list)
    }

    /// Ids of a list; absent when the log has no such table.
    fn listed<L: Listed>(&self) -> Result<Option<BTreeSet<String>>, TableError> {
        let ids = |file: &TableFile| -> Result<_, TableError> {
            Ok(file.list::<L>()?.iter().map(|row| row.id().to_owned()).collect())
        };
        let file = self.file(L::TABLE).filter(|_| self.projection.has(L::TABLE));
        file.map(ids).transpose()
    }

    /// Starts of the first and of the last period with an outcome; absent without any.
    ///
    /// # Errors
    ///
    /// [`TableError::Io`] and [`TableError::Parquet`] when the file cannot be read.
    pub fn outcome_span(&self) -> Result<Option<(Instant, Instant)>, TableError> {
        self.file(Table::Outcomes).map_or(Ok(None), |file| file.span(column::PERIOD_START))
    }

    /// Run that wrote the log, where the files say so.
    pub fn run_id(&self) -> Option<&str> {
        self.file(Table::Accounts)?.metadata_value(RUN_ID_KEY)
    }

    /// Whether the file of `table` was written with the log's accounts, by a [`LogWriter`](super::LogWriter):
    /// then its rows are in order.
    pub fn was_written_whole(&self, table: Table) -> bool {
        let run = self.run_id();
        run.is_some() && self.file(table).and_then(|file| file.metadata_value(RUN_ID_KEY)) == run
    }

    /// All accounts with their rows, in order of id.
    ///
    /// An account whose rows break a rule is an error that names every broken rule; the accounts
    /// after it still follow. Rows of accounts that are not in `accounts` are named with the next
    /// account. After accounts out of order or a failed read, nothing follows. A file is opened when the first of
    /// its rows is needed, and again for every row group.
    ///
    /// # Errors
    ///
    /// [`TableError::Io`] and [`TableError::Parquet`] when a file cannot be opened or read,
    /// [`TableError::Rows`] for broken rules.
    pub fn histories(&self) -> Result<Histories, TableError> {
        self.histories_within(None)
    }

    /// The accounts from `first` to `last`, both included, in order of id: only the parts of the files that may
    /// hold them are read, and nothing is said about rows elsewhere.
    ///
    /// # Errors
    ///
    /// As [`histories`](Self::histories).
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::{ids::TypeNames, interaction::{Account, AccountHistory, Log, LogWriter}};
    /// let folder = tempfile::tempdir()?;
    /// let mut writer = LogWriter::create(folder.path(), &TypeNames::default(), "example")?;
    /// for id in ["A", "B", "C"] {
    ///     writer.write(&AccountHistory::empty(Account { id: id.to_owned(), ..Account::default() }))?;
    /// }
    /// writer.finish()?;
    /// let log = Log::open(folder.path())?;
    /// let ids: Result<Vec<_>, _> =
    ///     log.histories_between("AA", "B")?.map(|history| history.map(|h| h.account.id)).collect();
    /// assert_eq!(ids?, ["B"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn histories_between(&self, first: &str, last: &str) -> Result<Histories, TableError> {
        self.histories_within(Some((first, last)))
    }

    fn histories_within(&self, within: Option<(&str, &str)>) -> Result<Histories, TableError> {
        let cursors = Cursors {
            accounts: self.cursor(within),
            contacts: self.cursor(within),
            interactions: self.cursor(within),
            outcomes: self.cursor(within),
            surveys: self.cursor(within),
            ledger: self.cursor(within),
            customer_value: self.cursor(within),
            truth: self.cursor(within),
        };
        let names = LogNames {
            types: self.types.len(),
            staff: self.listed::<Staff>()?,
            initiatives: self.listed::<Initiative>()?,
        };
        Ok(Histories::new(names, cursors))
    }

    fn file(&self, table: Table) -> Option<&TableFile> {
        self.files[table as usize].as_ref()
    }

    fn cursor<R: Rows>(&self, within: Option<(&str, &str)>) -> Cursor<R> {
        let columns = self.projection.columns(R::TABLE);
        let batches = |file, groups| Batches::new(file, columns, groups, &self.types);
        let file = self.file(R::TABLE).filter(|_| self.projection.has(R::TABLE));
        let Some(file) = file else { return Cursor::new(batches(None, 0..0)) };
        let Some((first, last)) = within else {
            return Cursor::new(batches(Some(file.clone()), file.groups()));
        };
        let groups = file.groups_between(R::TABLE.key(), first, last);
        let passed = file.rows_before(groups.start);
        Cursor::between(batches(Some(file.clone()), groups), passed, (first, last))
    }
}
