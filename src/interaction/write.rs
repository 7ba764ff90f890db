//! Writes histories as the Parquet files of a log, account by account, in flat memory.
//!
//! Files carry hidden names until [`LogWriter::finish`] renames them, the file that every reader
//! asks for first as the last: a run that was stopped leaves no folder that reads as a log.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, Float64Builder, StringBuilder, TimestampMicrosecondBuilder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use tempfile::TempPath;

use super::check::check;
use super::error::{Fault, TableError};
use super::schema::{
    Column, ColumnKind, RUN_ID_KEY, SCHEMA_VERSION, SCHEMA_VERSION_KEY, Table, column,
};
use super::{AccountHistory, Details, Interaction, TableCounts};
use crate::ids::{ContactIndex, TypeNames};
use crate::time::Instant;

/// Rows gathered before they are encoded: columns of this length stay in the cache.
const ROWS_PER_BATCH: usize = 16_384;

/// Rows whose encoded pages are held before they go to disk: this bounds the memory.
const ROWS_PER_GROUP: usize = 524_288;

/// Writes a log, one account after another.
///
/// Dropping it without [`finish`](Self::finish) removes what was written.
#[derive(Debug)]
pub struct LogWriter {
    types: TypeNames,
    counts: TableCounts,
    last_account: Option<String>,
    accounts: TableWriter,
    contacts: TableWriter,
    interactions: TableWriter,
    outcomes: TableWriter,
    surveys: TableWriter,
    truth: TableWriter,
}

impl LogWriter {
    /// Starts a log in the folder `dir`, which is made if need be.
    ///
    /// - `types`: names that the interactions of all histories refer to.
    /// - `run_id`: written into the metadata of every file.
    ///
    /// # Errors
    ///
    /// [`TableError::Occupied`] when `dir` holds a table already; [`TableError::Io`] and
    /// [`TableError::Parquet`] when a file cannot be made.
    pub fn create(dir: &Path, types: &TypeNames, run_id: &str) -> Result<Self, TableError> {
        fs::create_dir_all(dir)
            .map_err(|source| TableError::Io { path: dir.to_owned(), source })?;
        let table = |table| TableWriter::create(dir, table, run_id);
        Ok(Self {
            types: types.clone(),
            counts: TableCounts::default(),
            last_account: None,
            accounts: table(Table::Accounts)?,
            contacts: table(Table::Contacts)?,
            interactions: table(Table::Interactions)?,
            outcomes: table(Table::Outcomes)?,
            surveys: table(Table::Surveys)?,
            truth: table(Table::Truth)?,
        })
    }

    /// Writes one account, whose id comes after that of the account before (in order of bytes).
    ///
    /// # Errors
    ///
    /// [`TableError::Rows`] names every broken rule of the account, of which nothing is then
    /// written; [`TableError::Parquet`] when a file cannot be written.
    pub fn write(&mut self, history: &AccountHistory) -> Result<(), TableError> {
        let mut faults: Vec<_> = self.order_fault(&history.account.id).into_iter().collect();
        faults.extend(check(history, self.types.len(), &self.counts));
        if !faults.is_empty() {
            return Err(TableError::Rows { faults });
        }
        self.last_account = Some(history.account.id.clone());
        self.counts.add(history);
        self.accounts.append(1, |cells| write_account(cells, history))?;
        self.contacts.append(history.contacts.len(), |cells| write_contacts(cells, history))?;
        let types = &self.types;
        self.interactions.append(history.interactions.len(), |cells| {
            write_interactions(cells, history, types);
        })?;
        self.outcomes.append(history.outcomes.len(), |cells| write_outcomes(cells, history))?;
        self.surveys.append(history.surveys.len(), |cells| write_surveys(cells, history))?;
        self.truth.append(history.truth.len(), |cells| write_truth(cells, history))
    }

    fn order_fault(&self, id: &str) -> Option<Fault> {
        let last = self.last_account.as_deref()?;
        let rule = match id.cmp(last) {
            std::cmp::Ordering::Greater => return None,
            std::cmp::Ordering::Equal => super::ACCOUNT_ONCE,
            std::cmp::Ordering::Less => super::ACCOUNTS_ASCEND,
        };
        Some(Fault {
            table: Table::Accounts,
            row: self.counts.accounts + 1,
            account: id.to_owned(),
            column: column::ACCOUNT_ID,
            value: id.to_owned(),
            rule,
        })
    }

    /// Completes all files and gives the number of rows in each.
    ///
    /// `surveys` and `truth` are left out when they have no rows.
    ///
    /// # Errors
    ///
    /// [`TableError::Parquet`] and [`TableError::Io`] when a file cannot be completed.
    pub fn finish(self) -> Result<TableCounts, TableError> {
        let Self { counts, accounts, contacts, interactions, outcomes, surveys, truth, .. } = self;
        // Tables that a log may lack come first: without the others, they are no log.
        let tables = [surveys, truth, contacts, interactions, outcomes, accounts];
        let complete: Vec<_> = tables
            .into_iter()
            .filter(|writer| writer.table.is_required() || counts.of(writer.table) > 0)
            .map(TableWriter::close)
            .collect::<Result<_, _>>()?;
        for (hidden, path) in complete {
            hidden.persist(&path).map_err(|error| TableError::Io { path, source: error.error })?;
        }
        Ok(counts)
    }
}

/// One file that is being written.
#[derive(Debug)]
struct TableWriter {
    table: Table,
    path: PathBuf,
    /// After `writer`, so that the file is closed before it is removed.
    writer: ArrowWriter<File>,
    hidden: TempPath,
    schema: SchemaRef,
    columns: Vec<Builder>,
    rows: usize,
}

impl TableWriter {
    fn create(dir: &Path, table: Table, run_id: &str) -> Result<Self, TableError> {
        let path = dir.join(table.file_name());
        if path.exists() {
            return Err(TableError::Occupied { path });
        }
        let hidden = dir.join(format!(".{}.partial", table.file_name()));
        let io = |source| TableError::Io { path: path.clone(), source };
        let file = File::create(&hidden).map_err(io)?;
        let hidden = TempPath::try_from_path(hidden).map_err(io)?;
        let schema = table.schema();
        let options = ArrowWriterOptions::new()
            .with_properties(properties(table, run_id))
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options)
            .map_err(|source| TableError::Parquet { path: path.clone(), source })?;
        let columns = table.columns().iter().map(Builder::new).collect();
        Ok(Self { table, path, writer, hidden, schema, columns, rows: 0 })
    }

    fn append(
        &mut self,
        rows: usize,
        write: impl FnOnce(&mut Cells<'_>),
    ) -> Result<(), TableError> {
        let columns = self.table.columns().iter().zip(&mut self.columns);
        let mut cells = Cells { columns };
        write(&mut cells);
        debug_assert!(cells.columns.next().is_none(), "every column is written");
        self.rows += rows;
        if self.rows >= ROWS_PER_BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), TableError> {
        self.rows = 0;
        let columns = self.columns.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(ParquetError::from)
            .and_then(|batch| self.writer.write(&batch))
            .map_err(|source| TableError::Parquet { path: self.path.clone(), source })
    }

    fn close(mut self) -> Result<(TempPath, PathBuf), TableError> {
        self.flush()?;
        match self.writer.close() {
            Ok(_) => Ok((self.hidden, self.path)),
            Err(source) => Err(TableError::Parquet { path: self.path, source }),
        }
    }
}

/// How each column is encoded; measured choices, see the bench `tables`.
fn properties(table: Table, run_id: &str) -> WriterProperties {
    let metadata = vec![
        KeyValue::new(SCHEMA_VERSION_KEY.to_owned(), SCHEMA_VERSION.to_owned()),
        KeyValue::new(RUN_ID_KEY.to_owned(), run_id.to_owned()),
    ];
    let general = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a zstd level")))
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false)
        .set_key_value_metadata(Some(metadata));
    let encode = |builder: WriterPropertiesBuilder, column: &Column| {
        let path = ColumnPath::from(column.name);
        let builder = match column.kind {
            ColumnKind::Word => builder
                .set_column_dictionary_enabled(path.clone(), true)
                .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY),
            ColumnKind::Name => {
                builder.set_column_encoding(path.clone(), Encoding::DELTA_BYTE_ARRAY)
            }
            ColumnKind::Number => {
                builder.set_column_encoding(path.clone(), Encoding::BYTE_STREAM_SPLIT)
            }
            ColumnKind::Instant | ColumnKind::Position => {
                builder.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
            }
        };
        // A reader of some accounts, or of a span of time, skips row groups by these.
        if column.name == column::ACCOUNT_ID || Some(column.name) == table.order() {
            builder.set_column_statistics_enabled(path, EnabledStatistics::Chunk)
        } else {
            builder
        }
    };
    table.columns().iter().fold(general, encode).build()
}

/// Gathers the cells of one column.
#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Number(Float64Builder),
    Instant(TimestampMicrosecondBuilder),
    Position(UInt64Builder),
}

impl Builder {
    fn new(column: &Column) -> Self {
        match column.kind {
            ColumnKind::Name | ColumnKind::Word => Self::Text(StringBuilder::new()),
            ColumnKind::Number => Self::Number(Float64Builder::new()),
            ColumnKind::Instant => Self::Instant(
                TimestampMicrosecondBuilder::new().with_data_type(column.kind.data_type()),
            ),
            ColumnKind::Position => Self::Position(UInt64Builder::new()),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => ArrayBuilder::finish(builder),
            Self::Number(builder) => ArrayBuilder::finish(builder),
            Self::Instant(builder) => ArrayBuilder::finish(builder),
            Self::Position(builder) => ArrayBuilder::finish(builder),
        }
    }
}

/// The columns of a table, to be filled in the order of its schema.
struct Cells<'a> {
    columns: std::iter::Zip<std::slice::Iter<'static, Column>, std::slice::IterMut<'a, Builder>>,
}

impl Cells<'_> {
    fn next(&mut self, name: &str) -> &mut Builder {
        let (column, builder) = self.columns.next().expect("no cells beyond the last column");
        assert_eq!(column.name, name, "columns are written in the order of the schema");
        builder
    }

    fn texts<'t>(&mut self, name: &str, values: impl Iterator<Item = Option<&'t str>>) {
        match self.next(name) {
            Builder::Text(builder) => values.for_each(|value| builder.append_option(value)),
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }

    fn numbers<N: Into<Option<f64>>>(&mut self, name: &str, values: impl Iterator<Item = N>) {
        match self.next(name) {
            Builder::Number(builder) => values.for_each(|v| builder.append_option(v.into())),
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }

    fn instants<I: Into<Option<Instant>>>(&mut self, name: &str, values: impl Iterator<Item = I>) {
        match self.next(name) {
            Builder::Instant(builder) => {
                values.for_each(|v| builder.append_option(v.into().map(Instant::micros)));
            }
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }

    fn positions(&mut self, name: &str, rows: usize) {
        match self.next(name) {
            Builder::Position(builder) => (0..rows as u64).for_each(|v| builder.append_value(v)),
            other => unreachable!("column `{name}` is built by {other:?}"),
        }
    }
}

fn write_account(cells: &mut Cells<'_>, history: &AccountHistory) {
    let row = || std::iter::once(&history.account);
    cells.texts(column::ACCOUNT_ID, row().map(|a| Some(a.id.as_str())));
    cells.texts(column::SEGMENT_ID, row().map(|a| a.segment_id.as_deref()));
    cells.instants(column::ENTERED_AT, row().map(|a| a.entered_at));
    cells.instants(column::EXITED_AT, row().map(|a| a.exited_at));
    cells.texts(column::EXIT_REASON, row().map(|a| a.exit_reason.as_deref()));
    cells.numbers(column::SIZE, row().map(|a| a.size));
}

fn write_contacts(cells: &mut Cells<'_>, history: &AccountHistory) {
    let rows = || history.contacts.iter();
    cells.texts(column::ACCOUNT_ID, account_ids(history, history.contacts.len()));
    cells.texts(column::CONTACT_ID, rows().map(|c| Some(c.id.as_str())));
    cells.texts(column::ROLE, rows().map(|c| c.role.as_deref()));
    cells.numbers(column::INFLUENCE, rows().map(|c| c.influence));
    cells.instants(column::VALID_FROM, rows().map(|c| c.valid_from));
    cells.instants(column::VALID_TO, rows().map(|c| c.valid_to));
}

fn write_interactions(cells: &mut Cells<'_>, history: &AccountHistory, types: &TypeNames) {
    type Text = fn(&Details) -> Option<&str>;
    let rows = || history.interactions.iter();
    let detail = |text: Text| rows().map(move |i| i.details.as_deref().and_then(text));
    let known_later = |i: &Interaction| (i.known_at != i.occurred_at).then_some(i.known_at);
    cells.positions(column::INTERACTION_ID, history.interactions.len());
    cells.texts(column::ACCOUNT_ID, account_ids(history, history.interactions.len()));
    cells.texts(column::CONTACT_ID, rows().map(|i| contact_id(history, i.contact)));
    cells.texts(column::INTERACTION_TYPE, rows().map(|i| Some(types.name(i.kind))));
    cells.instants(column::OCCURRED_AT, rows().map(|i| i.occurred_at));
    cells.instants(column::KNOWN_AT, rows().map(known_later));
    cells.texts(column::STAGE, rows().map(|i| i.stage.map(super::Stage::name)));
    cells.texts(column::LEVEL, detail(|d| d.level.as_deref()));
    cells.texts(column::FUNCTION, detail(|d| d.function.as_deref()));
    cells.texts(column::CHANNEL, detail(|d| d.channel.as_deref()));
    cells.texts(column::DIRECTION, rows().map(|i| i.direction.map(super::Direction::name)));
    cells.texts(column::OWNER_ID, detail(|d| d.owner_id.as_deref()));
    cells.numbers(column::RV, rows().map(|i| i.rv));
    cells.numbers(column::VARIABLE_COST, rows().map(|i| i.variable_cost));
    cells.numbers(column::CUSTOMER_EFFORT, rows().map(|i| i.customer_effort));
    cells.texts(column::SOURCE_SYSTEM, detail(|d| d.source_system.as_deref()));
    cells.texts(column::SOURCE_ID, detail(|d| d.source_id.as_deref()));
}

fn write_outcomes(cells: &mut Cells<'_>, history: &AccountHistory) {
    let rows = || history.outcomes.iter();
    cells.texts(column::ACCOUNT_ID, account_ids(history, history.outcomes.len()));
    cells.instants(column::PERIOD_START, rows().map(|o| o.period_start));
    cells.instants(column::PERIOD_END, rows().map(|o| o.period_end));
    let known_later = rows().map(|o| (o.known_at != o.period_end).then_some(o.known_at));
    cells.instants(column::KNOWN_AT, known_later);
    cells.numbers(column::REVENUE, rows().map(|o| o.revenue));
    cells.numbers(column::GROSS_PROFIT, rows().map(|o| o.gross_profit));
    cells.numbers(column::COST_TO_ENGAGE, rows().map(|o| o.cost_to_engage));
    cells.numbers(column::COST_TO_SERVE, rows().map(|o| o.cost_to_serve));
    cells.numbers(column::SHARE_OF_WALLET, rows().map(|o| o.share_of_wallet));
    cells.texts(column::STATUS, rows().map(|o| Some(o.status.name())));
}

fn write_surveys(cells: &mut Cells<'_>, history: &AccountHistory) {
    let rows = || history.surveys.iter();
    cells.texts(column::ACCOUNT_ID, account_ids(history, history.surveys.len()));
    cells.texts(column::CONTACT_ID, rows().map(|s| contact_id(history, s.contact)));
    cells.instants(column::ASKED_AT, rows().map(|s| s.asked_at));
    cells.instants(column::ANSWERED_AT, rows().map(|s| s.answered_at));
    cells.texts(column::INSTRUMENT, rows().map(|s| Some(s.instrument.as_str())));
    cells.numbers(column::VALUE, rows().map(|s| s.value));
}

fn write_truth(cells: &mut Cells<'_>, history: &AccountHistory) {
    let rows = || history.truth.iter();
    cells.texts(column::ACCOUNT_ID, account_ids(history, history.truth.len()));
    cells.instants(column::PERIOD_START, rows().map(|t| t.period_start));
    cells.texts(column::STATE, rows().map(|t| Some(t.state.as_str())));
    cells.numbers(column::HAZARD, rows().map(|t| t.hazard));
    cells.numbers(column::EXPECTED_PROFIT, rows().map(|t| t.expected_profit));
    cells.numbers(column::EXPECTED_REVENUE, rows().map(|t| t.expected_revenue));
    cells.numbers(column::EXPECTED_SATISFACTION, rows().map(|t| t.expected_satisfaction));
    cells.numbers(column::EXPECTED_SHARE_OF_WALLET, rows().map(|t| t.expected_share_of_wallet));
}

fn account_ids(history: &AccountHistory, rows: usize) -> impl Iterator<Item = Option<&str>> {
    std::iter::repeat_n(Some(history.account.id.as_str()), rows)
}

fn contact_id(history: &AccountHistory, contact: Option<ContactIndex>) -> Option<&str> {
    contact.map(|ContactIndex(position)| history.contacts[usize::from(position)].id.as_str())
}
