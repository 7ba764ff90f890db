//! Reads a log folder back as histories: a merge join of the tables by account, in flat memory.
//!
//! [`Log::open`] looks at every footer, [`Log::histories`] at every row. What is deliberately
//! absent: nothing is sorted, converted or left out; that is the work of ingest.

use std::cmp::Ordering;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use super::check::check;
use super::error::{Fault, FileProblem, TableError};
use super::rows::{
    AccountRows, ContactRows, InteractionRows, OutcomeRows, Rows, Scope, SurveyRows, TruthRows,
};
use super::schema::{RUN_ID_KEY, SCHEMA_VERSION, SCHEMA_VERSION_KEY, Table, column};
use super::{ACCOUNT_ONCE, ACCOUNTS_ASCEND, Account, AccountHistory, Contact, TableCounts};
use crate::ids::TypeNames;

/// Rows decoded at a time: columns of this length stay in the cache.
const ROWS_PER_BATCH: usize = 8_192;

/// A log folder whose files are all there and have the right columns.
#[derive(Debug, Clone)]
pub struct Log {
    files: [Option<TableFile>; 6],
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
        let rows = |table: Table| self.file(table).map_or(0, TableFile::rows);
        TableCounts {
            accounts: rows(Table::Accounts),
            contacts: rows(Table::Contacts),
            interactions: rows(Table::Interactions),
            outcomes: rows(Table::Outcomes),
            surveys: rows(Table::Surveys),
            truth: rows(Table::Truth),
        }
    }

    /// Run that wrote the log, where the files say so.
    pub fn run_id(&self) -> Option<&str> {
        self.file(Table::Accounts)?.metadata_value(RUN_ID_KEY)
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
        Ok(Histories {
            types: self.types.clone(),
            accounts: self.cursor()?,
            contacts: self.cursor()?,
            interactions: self.cursor()?,
            outcomes: self.cursor()?,
            surveys: self.cursor()?,
            truth: self.cursor()?,
            done: false,
        })
    }

    fn file(&self, table: Table) -> Option<&TableFile> {
        self.files[table as usize].as_ref()
    }

    fn cursor<R: Rows>(&self) -> Result<Cursor<R>, TableError> {
        let file = self.file(R::TABLE);
        Ok(Cursor {
            path: file.map(|f| f.path.clone()).unwrap_or_default(),
            batches: file.map(|f| f.batches(None)).transpose()?,
            current: None,
            next: 0,
            passed: 0,
            last_account: None,
        })
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
                file.with_dictionary(column::INTERACTION_TYPE)
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
        ArrowReaderMetadata::load(&file, options())
            .map_err(|source| FileProblem::Unreadable { path, source })
    }

    fn metadata_value(&self, key: &str) -> Option<&str> {
        let pairs = self.metadata.metadata().file_metadata().key_value_metadata()?;
        pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
    }

    /// A file without version was written by another program: its columns decide.
    fn check_version(&self, problems: &mut Vec<FileProblem>) {
        if let Some(found) = self.metadata_value(SCHEMA_VERSION_KEY)
            && found != SCHEMA_VERSION
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

    /// The same file with the column `name`, if there is one, read as positions in a dictionary:
    /// a text is then looked up once per dictionary, not once per row.
    fn with_dictionary(self, name: &str) -> Result<Self, (PathBuf, ParquetError)> {
        let Self { path, metadata } = self;
        if metadata.schema().column_with_name(name).is_none() {
            return Ok(Self { path, metadata });
        }
        let words = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
        let as_words = |field: &Arc<Field>| {
            if field.name() == name {
                Arc::new(Field::new(name, words.clone(), field.is_nullable()))
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

    /// Batches of the columns named, or of all.
    fn batches(&self, only: Option<&str>) -> Result<ParquetRecordBatchReader, TableError> {
        let file = File::open(&self.path)
            .map_err(|source| TableError::Io { path: self.path.clone(), source })?;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = match only {
            Some(name) => ProjectionMask::columns(builder.parquet_schema(), [name]),
            None => ProjectionMask::all(),
        };
        builder
            .with_projection(mask)
            .with_batch_size(ROWS_PER_BATCH)
            .build()
            .map_err(|source| TableError::Parquet { path: self.path.clone(), source })
    }

    /// Distinct interaction types: a pass over the one column, decoded as far as its dictionaries.
    fn interaction_types(&self) -> Result<TypeNames, TableError> {
        let mut names = std::collections::BTreeSet::new();
        for batch in self.batches(Some(column::INTERACTION_TYPE))? {
            let batch = batch.map_err(|error| self.failed(error.into()))?;
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

/// Iterator over the accounts of a [`Log`].
#[derive(Debug)]
pub struct Histories {
    types: TypeNames,
    accounts: Cursor<AccountRows>,
    contacts: Cursor<ContactRows>,
    interactions: Cursor<InteractionRows>,
    outcomes: Cursor<OutcomeRows>,
    surveys: Cursor<SurveyRows>,
    truth: Cursor<TruthRows>,
    done: bool,
}

impl Iterator for Histories {
    type Item = Result<AccountHistory, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let mut faults = Vec::new();
        let history = match self.next_history(&mut faults) {
            Ok(history) => history,
            Err(stop) => {
                self.done = true;
                if let Stop::Failed(error) = stop {
                    return Some(Err(error));
                }
                None
            }
        };
        if faults.is_empty() { history.map(Ok) } else { Some(Err(TableError::Rows { faults })) }
    }
}

/// Why no account follows.
enum Stop {
    /// All were read, or what is left is out of order: then that is among the faults.
    Ended,
    /// A file could not be read.
    Failed(TableError),
}

impl Histories {
    /// The next account; absent when one of its cells is, which is then among the faults.
    fn next_history(&mut self, faults: &mut Vec<Fault>) -> Result<Option<AccountHistory>, Stop> {
        let types = &self.types;
        let next = self.accounts.take_account(types, faults)?;
        let id = next.as_ref().map(|next| next.id.as_str());
        // Without a next account, whatever rows are left have no account.
        let (contacts, first_contact) = self.contacts.take(id, &[], types, faults)?;
        let (interactions, first_interaction) =
            self.interactions.take(id, &contacts, types, faults)?;
        let (outcomes, first_outcome) = self.outcomes.take(id, &contacts, types, faults)?;
        let (surveys, first_survey) = self.surveys.take(id, &contacts, types, faults)?;
        let (truth, first_truth) = self.truth.take(id, &contacts, types, faults)?;
        let NextAccount { account, row, .. } = next.ok_or(Stop::Ended)?;
        let Some(account) = account else {
            return Ok(None);
        };
        let history = AccountHistory { account, contacts, interactions, outcomes, surveys, truth };
        if faults.is_empty() {
            let before = TableCounts {
                accounts: row,
                contacts: first_contact,
                interactions: first_interaction,
                outcomes: first_outcome,
                surveys: first_survey,
                truth: first_truth,
            };
            *faults = check(&history, types.len(), &before);
        }
        Ok(Some(history))
    }
}

/// A row of `accounts`: its id, its place (from 0), and all of it where no cell is missing.
struct NextAccount {
    id: String,
    row: u64,
    account: Option<Account>,
}

/// A place in one table, which moves forward only.
#[derive(Debug)]
struct Cursor<R> {
    path: PathBuf,
    /// Absent when the log has no such table.
    batches: Option<ParquetRecordBatchReader>,
    current: Option<R>,
    /// Row in the current batch.
    next: usize,
    /// Rows before the current batch.
    passed: u64,
    last_account: Option<String>,
}

impl<R: Rows> Cursor<R> {
    /// Makes sure that there is a next row in the current batch; false when the table has ended.
    fn load(&mut self, types: &TypeNames) -> Result<bool, Stop> {
        while self.current.as_ref().is_none_or(|rows| self.next >= rows.accounts().len()) {
            let Some(batch) = self.batches.as_mut().and_then(Iterator::next) else {
                return Ok(false);
            };
            let batch = batch.map_err(|error| {
                Stop::Failed(TableError::Parquet { path: self.path.clone(), source: error.into() })
            })?;
            self.passed += self.next as u64;
            self.next = 0;
            self.current = Some(R::new(&batch, types));
        }
        Ok(true)
    }

    /// Whether `id` comes after, is the same as or comes before the account of the rows before.
    fn order_of(&self, id: &str) -> Ordering {
        self.last_account.as_deref().map_or(Ordering::Greater, |last| id.cmp(last))
    }

    fn remember(&mut self, id: &str) {
        let last = self.last_account.get_or_insert_default();
        last.clear();
        last.push_str(id);
    }

    fn fault(&self, id: &str, rule: &'static str) -> Fault {
        Fault {
            table: R::TABLE,
            row: self.passed + self.next as u64 + 1,
            account: id.to_owned(),
            column: column::ACCOUNT_ID,
            value: id.to_owned(),
            rule,
        }
    }

    /// All rows of `account` and the place of the first (from 0).
    ///
    /// Rows on the way that belong to no account, which is all of them where `account` is absent,
    /// become faults: one for every account that is not there.
    fn take(
        &mut self,
        account: Option<&str>,
        contacts: &[Contact],
        types: &TypeNames,
        faults: &mut Vec<Fault>,
    ) -> Result<(Vec<R::Row>, u64), Stop> {
        let mut taken = Vec::new();
        let mut first = None;
        while self.load(types)?
            && let Some(rows) = &self.current
        {
            let id = rows.accounts().get(self.next).unwrap_or_default();
            let wanted = account.map_or(Ordering::Less, |account| id.cmp(account));
            match wanted {
                Ordering::Greater => break,
                Ordering::Less => {
                    let id = id.to_owned();
                    self.pass_orphan(&id, faults)?;
                }
                Ordering::Equal if first.is_none() => {
                    first = Some(self.passed + self.next as u64);
                    let id = id.to_owned();
                    self.remember(&id);
                }
                Ordering::Equal => {
                    let place = self.passed + self.next as u64;
                    let table = R::TABLE;
                    let mut scope =
                        Scope { table, account: id, number: place + 1, contacts, faults };
                    taken.extend(rows.row(self.next, &mut scope));
                    self.next += 1;
                }
            }
        }
        Ok((taken, first.unwrap_or(self.passed + self.next as u64)))
    }

    fn pass_orphan(&mut self, id: &str, faults: &mut Vec<Fault>) -> Result<(), Stop> {
        if id.is_empty() {
            faults.push(self.fault(id, "the id of an account"));
        } else {
            match self.order_of(id) {
                Ordering::Less => {
                    faults.push(self.fault(id, ACCOUNTS_ASCEND));
                    return Err(Stop::Ended);
                }
                // The rows before were the same account's, and said so.
                Ordering::Equal => {}
                Ordering::Greater => {
                    faults.push(self.fault(id, "an account of `accounts.parquet`"));
                    self.remember(id);
                }
            }
        }
        self.next += 1;
        Ok(())
    }
}

impl Cursor<AccountRows> {
    fn take_account(
        &mut self,
        types: &TypeNames,
        faults: &mut Vec<Fault>,
    ) -> Result<Option<NextAccount>, Stop> {
        while self.load(types)?
            && let Some(rows) = &self.current
        {
            let id = rows.accounts().get(self.next).unwrap_or_default().to_owned();
            let row = self.passed + self.next as u64;
            let rule = match self.order_of(&id) {
                _ if id.is_empty() => "a name",
                Ordering::Less => {
                    faults.push(self.fault(&id, ACCOUNTS_ASCEND));
                    return Err(Stop::Ended);
                }
                Ordering::Equal => ACCOUNT_ONCE,
                Ordering::Greater => {
                    let account = self.account(&id, row, faults);
                    self.remember(&id);
                    self.next += 1;
                    return Ok(Some(NextAccount { id, row, account }));
                }
            };
            faults.push(self.fault(&id, rule));
            self.next += 1;
        }
        Ok(None)
    }

    fn account(&self, id: &str, row: u64, faults: &mut Vec<Fault>) -> Option<Account> {
        let table = Table::Accounts;
        let mut scope = Scope { table, account: id, number: row + 1, contacts: &[], faults };
        self.current.as_ref()?.row(self.next, &mut scope)
    }
}
