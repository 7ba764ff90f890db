//! One Parquet file of a log while it is written.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use tempfile::TempPath;

use super::super::error::TableError;
use super::super::schema::{
    Column, ColumnKind, RUN_ID_KEY, SCHEMA_VERSION, SCHEMA_VERSION_KEY, Table, column,
};
use super::cells::{Builder, Cells, written_schema};
use super::hidden_file;
use crate::ids::TypeNames;

/// Rows gathered before they are encoded: columns of this length stay in the cache.
const ROWS_PER_BATCH: usize = 16_384;

/// Rows whose encoded pages are held before they go to disk: this bounds the memory.
const ROWS_PER_GROUP: usize = 524_288;

/// One file that is being written.
#[derive(Debug)]
pub(super) struct TableWriter {
    pub(super) table: Table,
    path: PathBuf,
    /// After `writer`, so that the file is closed before it is removed.
    writer: ArrowWriter<File>,
    hidden: TempPath,
    schema: SchemaRef,
    columns: Vec<Builder>,
    rows: usize,
}

impl TableWriter {
    pub(super) fn create(
        dir: &Path,
        table: Table,
        run_id: &str,
        types: &TypeNames,
    ) -> Result<Self, TableError> {
        let path = dir.join(table.file_name());
        if path.exists() {
            return Err(TableError::Occupied { path });
        }
        let (file, hidden) = hidden_file(&path)?;
        let schema = written_schema(table);
        let options = ArrowWriterOptions::new()
            .with_properties(properties(table, run_id))
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options)
            .map_err(|source| TableError::Parquet { path: path.clone(), source })?;
        let columns = table.columns().iter().map(|column| Builder::new(column, types)).collect();
        Ok(Self { table, path, writer, hidden, schema, columns, rows: 0 })
    }

    /// Takes `rows` rows, whose cells `write` fills in.
    pub(super) fn append(
        &mut self,
        rows: usize,
        write: impl FnOnce(&mut Cells<'_>),
    ) -> Result<(), TableError> {
        if rows == 0 {
            return Ok(());
        }
        let mut cells = Cells::new(self.table, &mut self.columns, rows);
        write(&mut cells);
        cells.finish();
        self.rows += rows;
        if self.rows >= ROWS_PER_BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), TableError> {
        self.rows = 0;
        let columns: Result<_, _> = self.columns.iter_mut().map(Builder::finish).collect();
        columns
            .and_then(|columns| RecordBatch::try_new(Arc::clone(&self.schema), columns))
            .map_err(ParquetError::from)
            .and_then(|batch| self.writer.write(&batch))
            .map_err(|source| TableError::Parquet { path: self.path.clone(), source })
    }

    /// Completes the file: its hidden name, and the name it is to have.
    pub(super) fn close(mut self) -> Result<(TempPath, PathBuf), TableError> {
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
    let encode = |builder: WriterPropertiesBuilder, Column { name, kind, required }: &Column| {
        let path = ColumnPath::from(*name);
        let builder = match kind {
            ColumnKind::Word | ColumnKind::Kind => builder
                .set_column_dictionary_enabled(path.clone(), true)
                .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY),
            ColumnKind::Flag => builder,
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
        // A reader of some accounts, or of a span of time, skips row groups by these, and columns in which a row group
        // has nothing; people and initiatives are in most groups, and to compare them all takes long.
        let orders = *name == table.key() || Some(*name) == table.order();
        let refers = matches!(*name, column::CONTACT_ID | column::OWNER_ID | column::INITIATIVE_ID);
        if orders || !(*required || refers) {
            builder.set_column_statistics_enabled(path, EnabledStatistics::Chunk)
        } else {
            builder
        }
    };
    table.columns().iter().fold(general, encode).build()
}
