//! One file of a log: footer, columns, row groups.

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
use rayon::prelude::*;

use super::super::error::{FileProblem, TableError};
use super::super::schema::{
    ColumnKind, READABLE_VERSIONS, SCHEMA_VERSION, SCHEMA_VERSION_KEY, Table, column,
};
use super::listed::Listed;
use crate::ids::TypeNames;
use crate::time::Instant;

/// Rows decoded at a time: columns of this length stay in the cache.
const ROWS_PER_BATCH: usize = 8_192;

/// One file of a log, with its footer.
#[derive(Debug, Clone)]
pub(super) struct TableFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl TableFile {
    pub(super) fn open(dir: &Path, table: Table, problems: &mut Vec<FileProblem>) -> Option<Self> {
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

    pub(super) fn metadata_value(&self, key: &str) -> Option<&str> {
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

    pub(super) fn rows(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows().try_into().unwrap_or(0)
    }

    /// The row groups in which `column`, by which the file is ordered, may lie between `first` and `last`.
    pub(super) fn groups_between(&self, column: &str, first: &str, last: &str) -> Range<usize> {
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
    pub(super) fn rows_before(&self, group: usize) -> u64 {
        let groups = &self.metadata.metadata().row_groups()[..group];
        groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum()
    }

    /// All row groups.
    pub(super) fn groups(&self) -> Range<usize> {
        0..self.metadata.metadata().num_row_groups()
    }

    /// Those of the columns `names` of which the row group `group` has a value, as far as its statistics tell.
    pub(super) fn filled<'n>(&self, names: &[&'n str], group: usize) -> Vec<&'n str> {
        let group = self.metadata.metadata().row_group(group);
        let rows = u64::try_from(group.num_rows()).ok();
        let is_empty = |name: &str| {
            let chunk = group.columns().iter().find(|chunk| chunk.column_descr().name() == name);
            let nulls = chunk.and_then(|chunk| chunk.statistics()?.null_count_opt());
            nulls.is_some() && nulls == rows
        };
        names.iter().copied().filter(|name| !is_empty(name)).collect()
    }

    /// Batches of the columns `names` from the row groups `groups`.
    pub(super) fn read(
        &self,
        names: &[&str],
        groups: Range<usize>,
    ) -> Result<ParquetRecordBatchReader, TableError> {
        let file = File::open(&self.path)
            .map_err(|source| TableError::Io { path: self.path.clone(), source })?;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
        builder
            .with_row_groups(groups.collect())
            .with_projection(mask)
            .with_batch_size(ROWS_PER_BATCH)
            .build()
            .map_err(|source| self.failed(source))
    }

    /// All rows of a short table; every broken rule is named.
    pub(super) fn list<L: Listed>(&self) -> Result<Vec<L>, TableError> {
        let mut rows: Vec<L> = Vec::new();
        let mut faults = Vec::new();
        let names: Vec<&str> = L::TABLE.columns().iter().map(|column| column.name).collect();
        let mut batches = self.read(&names, self.groups())?;
        while let Some(batch) = decode(|| next_batch(&mut batches)).map_err(|e| self.failed(e))? {
            for row in L::rows(&batch) {
                faults.extend(row.check(rows.len() as u64, rows.last().map(L::id)));
                rows.push(row);
            }
        }
        if faults.is_empty() { Ok(rows) } else { Err(TableError::Rows { faults }) }
    }

    /// The least and the greatest instant of the column `name`: a pass over the one column.
    pub(super) fn span(&self, name: &str) -> Result<Option<(Instant, Instant)>, TableError> {
        let mut span: Option<(i64, i64)> = None;
        let mut batches = self.read(&[name], self.groups())?;
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
    pub(super) fn interaction_types(&self) -> Result<TypeNames, TableError> {
        let in_groups: Vec<Result<BTreeSet<String>, TableError>> =
            self.groups().into_par_iter().map(|group| self.types_in(group)).collect();
        let mut names = BTreeSet::new();
        for found in in_groups {
            names.append(&mut found?);
        }
        Ok(names.iter().map(String::as_str).collect())
    }

    /// Distinct interaction types in the row group `group`.
    fn types_in(&self, group: usize) -> Result<BTreeSet<String>, TableError> {
        let mut names = BTreeSet::new();
        let mut batches = self.read(&[column::INTERACTION_TYPE], group..group + 1)?;
        while let Some(batch) = decode(|| next_batch(&mut batches)).map_err(|e| self.failed(e))? {
            let words = batch.column(0).as_dictionary::<Int32Type>();
            for name in words.values().as_string::<i32>().iter().flatten() {
                if !names.contains(name) {
                    names.insert(name.to_owned());
                }
            }
        }
        Ok(names)
    }

    pub(super) fn failed(&self, source: ParquetError) -> TableError {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TypeIndex;
    use crate::interaction::{Account, AccountHistory, Interaction, LogWriter};

    #[test]
    fn a_column_of_nothing_is_left_out_of_a_row_group_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let types = ["call"].into_iter().collect();
        let mut writer = LogWriter::create(folder.path(), &types, "test").unwrap();
        let row = |cost| Interaction {
            kind: TypeIndex(0),
            variable_cost: cost,
            ..Interaction::default()
        };
        writer
            .write(&AccountHistory {
                interactions: vec![row(None), row(Some(2.0))],
                ..AccountHistory::empty(Account { id: "A".to_owned(), ..Account::default() })
            })
            .unwrap();
        writer.finish().unwrap();
        let mut problems = Vec::new();
        let file = TableFile::open(folder.path(), Table::Interactions, &mut problems).unwrap();
        let names =
            [column::ACCOUNT_ID, column::SEGMENT_ID, column::RV, column::VARIABLE_COST, "unknown"];
        assert_eq!(file.filled(&names, 0), [column::ACCOUNT_ID, column::VARIABLE_COST, "unknown"]);
    }
}
