//! Opens a log folder: files, footers, columns and interaction types.
//!
//! [`Log::open`] looks at every footer, [`Log::histories`] at every row. What is deliberately
//! absent: nothing is sorted, converted or left out; that is the work of ingest.

mod ahead;
mod cells;
mod listed;
mod measures;
mod merge;
mod rows;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMicrosecondType};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use super::error::{FileProblem, TableError};
use super::schema::{
    ColumnKind, READABLE_VERSIONS, RUN_ID_KEY, SCHEMA_VERSION, SCHEMA_VERSION_KEY, Table, column,
};
use super::{Initiative, Staff, TableCounts};
use crate::ids::TypeNames;
use crate::time::Instant;
use listed::Listed;
use merge::{Cursor, Cursors};
use rows::Rows;

pub use ahead::ReadAhead;
pub use merge::Histories;

/// Rows decoded at a time: columns of this length stay in the cache.
const ROWS_PER_BATCH: usize = 8_192;

/// A log folder whose files are all there and have the right columns.
#[derive(Debug, Clone)]
pub struct Log {
    files: [Option<TableFile>; Table::ALL.len()],
    types: TypeNames,
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
        Ok(Self { files, types })
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
        self.file(L::TABLE).map(ids).transpose()
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
    /// account. After accounts out of order or a failed read, nothing follows.
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
            accounts: self.cursor(within)?,
            contacts: self.cursor(within)?,
            interactions: self.cursor(within)?,
            outcomes: self.cursor(within)?,
            surveys: self.cursor(within)?,
            ledger: self.cursor(within)?,
            customer_value: self.cursor(within)?,
            truth: self.cursor(within)?,
        };
        Ok(Histories {
            types: self.types.clone(),
            staff: self.listed::<Staff>()?,
            initiatives: self.listed::<Initiative>()?,
            cursors,
            ended: false,
        })
    }

    fn file(&self, table: Table) -> Option<&TableFile> {
        self.files[table as usize].as_ref()
    }

    fn cursor<R: Rows>(&self, within: Option<(&str, &str)>) -> Result<Cursor<R>, TableError> {
        let Some(file) = self.file(R::TABLE) else { return Ok(Cursor::empty()) };
        let Some((first, last)) = within else {
            return Ok(Cursor::new(file.path.clone(), file.batches(None)?));
        };
        let groups = file.groups_between(R::TABLE.key(), first, last);
        let passed = file.rows_before(groups.start);
        let batches = file.read(None, Some(groups.collect()))?;
        Ok(Cursor::between(file.path.clone(), batches, passed, (first, last)))
    }
}

/// One file of a log, with its footer.
#[derive(Debug, Clone)]
struct TableFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl TableFile {
    fn open(dir: &Path, table: Table, problems: &mut Vec<FileProblem>) -> Option<Self> {
        let path = dir.join(table.file_name());
        match Self::footer(&path) {
            Ok(metadata) => {
                let file = Self { path, metadata };
                let found = problems.len();
                file.check_version(problems);
                file.check_columns(table, problems);
                if problems.len() > found {
                    return None;
                }
                file.with_dictionaries(table)
                    .map_err(|(path, source)| {
                        problems.push(FileProblem::Unreadable { path, source });
                    })
                    .ok()
            }
            Err(FileProblem::Missing { .. }) if !table.is_required() => None,
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }

    fn footer(path: &Path) -> Result<ArrowReaderMetadata, FileProblem> {
        let path = path.to_owned();
        let unreadable = |path, source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => FileProblem::Missing { path },
            _ => FileProblem::Unreadable { path, source: ParquetError::External(source.into()) },
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(source) => return Err(unreadable(path, source)),
        };
        match file.metadata() {
            Ok(metadata) if metadata.len() == 0 => return Err(FileProblem::Empty { path }),
            Ok(_) => {}
            Err(source) => return Err(unreadable(path, source)),
        }
        decode(|| ArrowReaderMetadata::load(&file, options()))
            .map_err(|source| FileProblem::Unreadable { path, source })
    }

    fn metadata_value(&self, key: &str) -> Option<&str> {
        let pairs = self.metadata.metadata().file_metadata().key_value_metadata()?;
        pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
    }

    /// A file without version was written by another program: its columns decide.
    fn check_version(&self, problems: &mut Vec<FileProblem>) {
        if let Some(found) = self.metadata_value(SCHEMA_VERSION_KEY)
            && !READABLE_VERSIONS.contains(&found)
        {
            problems.push(FileProblem::Version {
                path: self.path.clone(),
                found: found.to_owned(),
                expected: SCHEMA_VERSION,
            });
        }
    }

    fn check_columns(&self, table: Table, problems: &mut Vec<FileProblem>) {
        for column in table.columns() {
            let expected = column.kind.data_type();
            let (path, expected_text) = (self.path.clone(), expected.to_string());
            match self.metadata.schema().field_with_name(column.name) {
                Ok(field) if *field.data_type() == expected => {}
                Ok(field) => problems.push(FileProblem::ColumnType {
                    path,
                    column: column.name,
                    found: field.data_type().to_string(),
                    expected: expected_text,
                }),
                Err(_) if !column.required => {}
                Err(_) => problems.push(FileProblem::MissingColumn {
                    path,
                    column: column.name,
                    expected: expected_text,
                }),
            }
        }
    }

    /// The same file with texts that neighbouring rows share read as positions in a dictionary: they are
    /// copied, and interaction types looked up, once per dictionary and not once per row.
    fn with_dictionaries(self, table: Table) -> Result<Self, (PathBuf, ParquetError)> {
        let Self { path, metadata } = self;
        let shared = |name: &str| {
            let column = table.columns().iter().find(|column| column.name == name);
            column.is_some_and(|c| matches!(c.kind, ColumnKind::Kind | ColumnKind::Word))
        };
        let words = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
        let as_words = |field: &Arc<Field>| {
            if shared(field.name()) {
                Arc::new(Field::new(field.name(), words.clone(), field.is_nullable()))
            } else {
                Arc::clone(field)
            }
        };
        let fields: Vec<_> = metadata.schema().fields().iter().map(as_words).collect();
        let options = options().with_schema(Arc::new(Schema::new(fields)));
        match ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options) {
            Ok(metadata) => Ok(Self { path, metadata }),
            Err(source) => Err((path, source)),
        }
    }

    fn rows(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows().try_into().unwrap_or(0)
    }

    /// The row groups in which `column`, by which the file is ordered, may lie between `first` and `last`.
    fn groups_between(&self, column: &str, first: &str, last: &str) -> Range<usize> {
        let metadata = self.metadata.metadata();
        let position =
            self.metadata.parquet_schema().columns().iter().position(|c| c.name() == column);
        let bounds = |group: usize| {
            let statistics = metadata.row_group(group).column(position?).statistics()?;
            Some((statistics.min_bytes_opt()?, statistics.max_bytes_opt()?))
        };
        let groups = metadata.num_row_groups();
        // A group without statistics may hold anything.
        let ends_before =
            |group: &usize| bounds(*group).is_some_and(|(_, max)| max < first.as_bytes());
        let begins_after =
            |group: &usize| bounds(*group).is_some_and(|(min, _)| min > last.as_bytes());
        let start = (0..groups).take_while(ends_before).count();
        let end = groups - (start..groups).rev().take_while(begins_after).count();
        start..end
    }

    /// Number of rows before the row group `group`.
    fn rows_before(&self, group: usize) -> u64 {
        let groups = &self.metadata.metadata().row_groups()[..group];
        groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum()
    }

    /// Batches of the columns named, or of all.
    fn batches(&self, only: Option<&str>) -> Result<ParquetRecordBatchReader, TableError> {
        self.read(only, None)
    }

    /// Batches of the columns named, or of all, from some row groups or all.
    fn read(
        &self,
        only: Option<&str>,
        groups: Option<Vec<usize>>,
    ) -> Result<ParquetRecordBatchReader, TableError> {
        let file = File::open(&self.path)
            .map_err(|source| TableError::Io { path: self.path.clone(), source })?;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = match only {
            Some(name) => ProjectionMask::columns(builder.parquet_schema(), [name]),
            None => ProjectionMask::all(),
        };
        let builder = match groups {
            Some(groups) => builder.with_row_groups(groups),
            None => builder,
        };
        builder
            .with_projection(mask)
            .with_batch_size(ROWS_PER_BATCH)
            .build()
            .map_err(|source| TableError::Parquet { path: self.path.clone(), source })
    }

    /// All rows of a short table; every broken rule is named.
    fn list<L: Listed>(&self) -> Result<Vec<L>, TableError> {
        let mut rows: Vec<L> = Vec::new();
        let mut faults = Vec::new();
        let mut batches = self.batches(None)?;
        while let Some(batch) = decode(|| next_batch(&mut batches)).map_err(|e| self.failed(e))? {
            for row in L::rows(&batch) {
                faults.extend(row.check(rows.len() as u64, rows.last().map(L::id)));
                rows.push(row);
            }
        }
        if faults.is_empty() { Ok(rows) } else { Err(TableError::Rows { faults }) }
    }

    /// The least and the greatest instant of the column `name`: a pass over the one column.
    fn span(&self, name: &str) -> Result<Option<(Instant, Instant)>, TableError> {
        let mut span: Option<(i64, i64)> = None;
        let mut batches = self.batches(Some(name))?;
        while let Some(batch) = decode(|| next_batch(&mut batches)).map_err(|e| self.failed(e))? {
            let cells = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            for cell in cells.iter().flatten() {
                let (first, last) = span.unwrap_or((cell, cell));
                span = Some((first.min(cell), last.max(cell)));
            }
        }
        Ok(span.map(|(first, last)| (Instant::from_micros(first), Instant::from_micros(last))))
    }

    /// Distinct interaction types: a pass over the one column, decoded as far as its dictionaries.
    fn interaction_types(&self) -> Result<TypeNames, TableError> {
        let mut names = BTreeSet::new();
        let mut batches = self.batches(Some(column::INTERACTION_TYPE))?;
        while let Some(batch) = decode(|| next_batch(&mut batches)).map_err(|e| self.failed(e))? {
            let words = batch.column(0).as_dictionary::<Int32Type>();
            for name in words.values().as_string::<i32>().iter().flatten() {
                if !names.contains(name) {
                    names.insert(name.to_owned());
                }
            }
        }
        Ok(names.iter().map(String::as_str).collect())
    }

    fn failed(&self, source: ParquetError) -> TableError {
        TableError::Parquet { path: self.path.clone(), source }
    }
}

/// Types as Parquet gives them: a schema that another program embedded does not change them.
fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
}

pub(super) fn next_batch(
    batches: &mut ParquetRecordBatchReader,
) -> Result<Option<RecordBatch>, ParquetError> {
    Ok(batches.next().transpose()?)
}

/// The result of `work`, or an error where the decoder panics, as it does on some damaged pages.
///
/// What `work` borrows is not used after an error.
pub(super) fn decode<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ParquetError::General("a page is damaged".to_owned())))
}
