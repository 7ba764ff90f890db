//! Walks of single contacts as one Parquet file: no accounts, three columns.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::types::UInt16Type;
use arrow_array::{
    ArrayRef, DictionaryArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt16Array,
    UInt32Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use tempfile::TempPath;

use super::super::error::TableError;
use super::super::schema::{ColumnKind, SCHEMA_VERSION, SCHEMA_VERSION_KEY, column};
use super::hidden_file;

/// Number of a contact.
const CONTACT: &str = "contact";

/// Rows whose encoded pages are held before they go to disk: this bounds the memory.
const ROWS_PER_GROUP: usize = 1_048_576;

/// Writes interactions of contacts that belong to no account: `contact` (its number),
/// `interaction_type` and `occurred_at`.
///
/// Dropping it without [`finish`](Self::finish) leaves no file.
#[derive(Debug)]
pub struct WalkWriter {
    path: PathBuf,
    /// Before `hidden`, so that the file is closed before it is removed.
    writer: ArrowWriter<File>,
    hidden: TempPath,
    schema: SchemaRef,
    types: ArrayRef,
    rows: u64,
}

impl WalkWriter {
    /// Starts the file `path`; one that is there is replaced once this one is complete.
    ///
    /// - `types`: names of the interaction types by position, each once.
    ///
    /// # Errors
    ///
    /// [`TableError::Io`] and [`TableError::Parquet`] when the file cannot be made.
    pub fn create<'t>(
        path: &Path,
        types: impl Iterator<Item = &'t str>,
    ) -> Result<Self, TableError> {
        let (file, hidden) = hidden_file(path)?;
        let schema = schema();
        let options =
            ArrowWriterOptions::new().with_properties(properties()).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options)
            .map_err(|source| TableError::Parquet { path: path.to_owned(), source })?;
        let types = Arc::new(StringArray::from_iter_values(types));
        Ok(Self { path: path.to_owned(), writer, hidden, schema, types, rows: 0 })
    }

    /// Writes rows that come as columns: numbers of contacts, positions of types, and times
    /// \[µs since 1970-01-01T00:00:00Z\].
    ///
    /// # Errors
    ///
    /// [`TableError::Parquet`] when the columns differ in length, a position is none of the types',
    /// or the file cannot be written.
    pub fn write(
        &mut self,
        contact: &[u32],
        kind: &[u16],
        occurred_at: &[i64],
    ) -> Result<(), TableError> {
        self.batch(contact, kind, occurred_at)
            .map_err(ParquetError::from)
            .and_then(|batch| self.writer.write(&batch))
            .map_err(|source| TableError::Parquet { path: self.path.clone(), source })?;
        self.rows += contact.len() as u64;
        Ok(())
    }

    fn batch(
        &self,
        contact: &[u32],
        kind: &[u16],
        occurred_at: &[i64],
    ) -> Result<RecordBatch, ArrowError> {
        let kinds = UInt16Array::from(kind.to_vec());
        let kinds = DictionaryArray::<UInt16Type>::try_new(kinds, Arc::clone(&self.types))?;
        let times = TimestampMicrosecondArray::from(occurred_at.to_vec());
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(contact.to_vec())),
            Arc::new(kinds),
            Arc::new(times.with_data_type(ColumnKind::Instant.data_type())),
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }

    /// Completes the file and gives the number of its rows.
    ///
    /// # Errors
    ///
    /// [`TableError::Parquet`] and [`TableError::Io`] when the file cannot be completed.
    pub fn finish(self) -> Result<u64, TableError> {
        let Self { path, writer, hidden, rows, .. } = self;
        if let Err(source) = writer.close() {
            return Err(TableError::Parquet { path, source });
        }
        match hidden.persist(&path) {
            Ok(()) => Ok(rows),
            Err(error) => Err(TableError::Io { path, source: error.error }),
        }
    }
}

fn schema() -> SchemaRef {
    let word = DataType::Dictionary(DataType::UInt16.into(), DataType::Utf8.into());
    Arc::new(Schema::new(vec![
        Field::new(CONTACT, DataType::UInt32, false),
        Field::new(column::INTERACTION_TYPE, word, false),
        Field::new(column::OCCURRED_AT, ColumnKind::Instant.data_type(), false),
    ]))
}

/// Differences for what ascends, a dictionary for the types, no statistics but of the contacts.
fn properties() -> WriterProperties {
    let version = KeyValue::new(SCHEMA_VERSION_KEY.to_owned(), SCHEMA_VERSION.to_owned());
    let contact = ColumnPath::from(CONTACT);
    let differences = Encoding::DELTA_BINARY_PACKED;
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a zstd level")))
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_statistics_enabled(contact.clone(), EnabledStatistics::Chunk)
        .set_column_encoding(contact, differences)
        .set_column_encoding(ColumnPath::from(column::OCCURRED_AT), differences)
        .set_column_dictionary_enabled(ColumnPath::from(column::INTERACTION_TYPE), true)
        .set_key_value_metadata(Some(vec![version]))
        .build()
}
