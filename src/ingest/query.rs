//! Tables that a mapping gives as SQL: what a query may read, and its answer in place of a source.
//!
//! Nothing is asked here; that is the engine's. A query reads named sources, each given as Parquet: as it is, or as
//! texts cut by the same readers as any source, so that rows which cannot be cut are rejected with their reason. The
//! answer is one more Parquet file, and its rows pass the same checks as all others.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field as ArrowField, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::cell::Cell;
use super::error::{IngestError, SourceError, SourceProblems};
use super::field::Field;
use super::ledger::{Place, RejectedRow, SourceReport, Tally};
use super::mapping::{Block, Mapping, Origin, SourceFile};
use super::source::{Exports, OpenSource};
use crate::interaction::Table;

/// Rows gathered before they are written.
const ROWS_PER_BATCH: usize = 16_384;

/// One table of a mapping that is given as SQL.
#[derive(Debug, Clone, Copy)]
pub struct Query<'m> {
    /// Position of its block among those of the mapping.
    block: usize,
    /// Name in the ledger.
    name: &'m str,
    sql: &'m str,
}

impl<'m> Query<'m> {
    /// Name in the ledger and in messages.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// The statement as the mapping writes it.
    pub fn sql(&self) -> &'m str {
        self.sql
    }
}

/// A named source as queries read it.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenSource {
    /// Name in the mapping's `[sources]`.
    pub name: String,
    /// Its rows as Parquet files of the same columns.
    pub files: Vec<PathBuf>,
    /// What became of its rows: those that could be cut into values are accepted.
    report: SourceReport,
    rejected: Vec<RejectedRow>,
}

impl GivenSource {
    pub(super) fn report(&self) -> &SourceReport {
        &self.report
    }

    pub(super) fn rejected(&self) -> &[RejectedRow] {
        &self.rejected
    }
}

impl Mapping {
    /// The tables that are given as SQL, in the order of the mapping; none once they are answered.
    pub fn queries(&self) -> impl Iterator<Item = Query<'_>> {
        self.blocks.iter().enumerate().filter_map(|(block, of)| {
            let sql = of.query.as_deref().filter(|_| of.file.origin == Origin::Query(None))?;
            Some(Query { block, name: &of.file.name, sql })
        })
    }

    /// Gives every named source to queries as Parquet, those that are not in files in the folder `staging`.
    ///
    /// # Errors
    ///
    /// `Sources` with every source that cannot be read, `Write` when `staging` cannot be written.
    pub fn give_sources(
        &self,
        data: &Path,
        staging: &Path,
    ) -> Result<Vec<GivenSource>, IngestError> {
        let (mut given, mut problems) = (Vec::new(), Vec::new());
        for (name, source) in &self.sources {
            let opened = match OpenSource::open(Exports::Folder(data), source) {
                Ok(opened) => opened,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let out = staging.join(format!("source_{}.parquet", given.len()));
            match give(name, self.first_to_name(name), &opened, &out) {
                Ok(source) => given.push(source),
                Err(NotGiven::Source(problem)) => problems.push(problem),
                Err(NotGiven::Write(error)) => {
                    let source = std::io::Error::other(error);
                    return Err(IngestError::Write { path: out, source });
                }
            }
        }
        if problems.is_empty() {
            Ok(given)
        } else {
            Err(IngestError::Sources(SourceProblems::new(problems)))
        }
    }

    /// Table of the first query that seems to name the source `name`.
    fn first_to_name(&self, name: &str) -> Table {
        let first = self
            .blocks
            .iter()
            .find(|block| block.query.as_deref().is_some_and(|sql| is_named(sql, name)));
        first.map_or(Table::Interactions, |block| block.table)
    }

    /// The mapping in which every query is replaced by its answer, a Parquet file each, in the order of
    /// [`queries`](Self::queries); columns of an answer that have the name of one of ours fill it.
    ///
    /// # Errors
    ///
    /// `Sources` naming every answer that cannot be read or lacks a column that its table needs.
    ///
    /// # Panics
    ///
    /// When there are more or fewer answers than queries.
    pub fn answered(
        mut self,
        given: Vec<GivenSource>,
        answers: Vec<PathBuf>,
    ) -> Result<Self, IngestError> {
        let blocks: Vec<usize> = self.queries().map(|query| query.block).collect();
        assert_eq!(blocks.len(), answers.len(), "one answer for each query");
        let mut problems = Vec::new();
        for (block, answer) in blocks.into_iter().zip(answers) {
            let block = &mut self.blocks[block];
            block.file.origin = Origin::Query(Some(answer));
            if let Err(problem) = fill(block) {
                problems.push(problem);
            }
        }
        self.given = given;
        if problems.is_empty() {
            Ok(self)
        } else {
            Err(IngestError::Sources(SourceProblems::new(problems)))
        }
    }
}

/// Whether `name` stands in `sql` as a word.
pub(super) fn is_named(sql: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (sql, name) = (sql.to_lowercase(), name.to_lowercase());
    sql.match_indices(&name).any(|(at, _)| {
        let before = sql[..at].chars().next_back().is_some_and(is_word);
        let after = sql[at + name.len()..].chars().next().is_some_and(is_word);
        !name.is_empty() && !before && !after
    })
}

/// Columns of the answer that have the name of a field fill it, unless something else does.
fn fill(block: &mut Block) -> Result<(), SourceError> {
    let source = OpenSource::open(Exports::Folder(Path::new("")), &block.file)?;
    let aggregated = block.aggregate;
    let known = source.columns();
    for &field in Field::of(block.table, aggregated) {
        let filled = block.columns.contains_key(&field)
            || block.constants.contains_key(&field)
            || block.lookup.as_ref().is_some_and(|lookup| lookup.columns.contains_key(&field))
            || block.keys.contains_key(&field);
        if !filled && known.iter().any(|column| column == field.name()) {
            block.columns.insert(field, field.name().to_owned());
        }
    }
    match block.unfilled(aggregated).next() {
        None => Ok(()),
        Some(needed) => Err(SourceError::QueryLacks {
            query: block.file.name.clone(),
            table: block.table,
            needed: needed.to_owned(),
            given: known.to_vec(),
        }),
    }
}

/// Why a source was not given to queries.
enum NotGiven {
    Source(SourceError),
    Write(ParquetError),
}

impl From<SourceError> for NotGiven {
    fn from(problem: SourceError) -> Self {
        Self::Source(problem)
    }
}

impl From<ParquetError> for NotGiven {
    fn from(error: ParquetError) -> Self {
        Self::Write(error)
    }
}

/// Gives `source` as it is where it is Parquet throughout, else as texts in the file `out`.
fn give(
    name: &str,
    table: Table,
    source: &OpenSource,
    out: &Path,
) -> Result<GivenSource, NotGiven> {
    let mut tally = Tally::new(table, name, source.files().map(|file| file.name.clone()));
    let mut rejected = Vec::new();
    let files = if let Some(files) = source.as_parquet()? {
        for (file, (_, rows)) in files.iter().enumerate() {
            tally.accept_all(file, *rows);
        }
        files.into_iter().map(|(path, _)| path).collect()
    } else {
        write_texts(source, &mut tally, &mut rejected, out)?;
        vec![out.to_owned()]
    };
    let mut report = tally.finish(Vec::new(), None);
    report.for_queries = true;
    Ok(GivenSource { name: name.to_owned(), files, report, rejected })
}

/// Writes the rows of `source` that can be cut into values, and counts all.
fn write_texts(
    source: &OpenSource,
    tally: &mut Tally,
    rejected: &mut Vec<RejectedRow>,
    out: &Path,
) -> Result<(), NotGiven> {
    let mut texts = TextWriter::create(out, source.columns())?;
    let wanted: Vec<usize> = (0..source.columns().len()).collect();
    let mut failure = None;
    source.for_each(&wanted, |row| {
        let place = Place { file: row.file, row: row.number };
        tally.row(place);
        match row.cells {
            Ok(cells) => {
                tally.accept();
                if failure.is_none() {
                    failure = texts.add(cells.iter().map(Cell::text)).err();
                }
            }
            Err(broken) => rejected.push(tally.reject(place, broken.breach, broken.raw)),
        }
        Ok(())
    })?;
    failure.map_or(Ok(()), Err)?;
    Ok(texts.finish()?)
}

/// A Parquet file whose columns are all texts.
struct TextWriter {
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    columns: Vec<StringBuilder>,
    rows: usize,
}

impl TextWriter {
    fn create(path: &Path, columns: &[String]) -> Result<Self, ParquetError> {
        let field = |name: &String| ArrowField::new(name, DataType::Utf8, true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = File::create(path)?;
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?;
        let columns = columns.iter().map(|_| StringBuilder::new()).collect();
        Ok(Self { writer, schema, columns, rows: 0 })
    }

    fn add<T: AsRef<str>>(
        &mut self,
        cells: impl Iterator<Item = Option<T>>,
    ) -> Result<(), ParquetError> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.append_option(cell);
        }
        self.rows += 1;
        if self.rows == ROWS_PER_BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        self.rows = 0;
        let columns: Vec<ArrayRef> =
            self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    fn finish(mut self) -> Result<(), ParquetError> {
        self.flush()?;
        self.writer.close().map(|_| ())
    }
}

impl Block {
    /// What the block's table needs and nothing fills.
    pub(super) fn unfilled(&self, aggregated: bool) -> impl Iterator<Item = &'static str> {
        let filled: BTreeSet<Field> = self
            .columns
            .keys()
            .chain(self.constants.keys())
            .chain(self.lookup.iter().flat_map(|lookup| lookup.columns.keys()))
            .chain(self.keys.keys())
            .copied()
            .collect();
        let needed: Vec<&str> = Field::required(self.table, aggregated)
            .iter()
            .filter(|field| !filled.contains(field))
            .map(|field| field.name())
            .collect();
        needed.into_iter()
    }
}

/// The source of a block that is given as SQL, before it is answered.
pub(super) fn unanswered(number: usize) -> SourceFile {
    SourceFile { name: format!("query {number}"), origin: Origin::Query(None) }
}
