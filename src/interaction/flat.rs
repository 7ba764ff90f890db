//! Tables of results: named columns of one length, as Parquet or as CSV for a spreadsheet.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions,
    compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

use super::error::TableError;
use super::schema::{ColumnKind, SCHEMA_VERSION, SCHEMA_VERSION_KEY};
use crate::time::Instant;

/// Rows encoded at a time.
const ROWS_PER_BATCH: usize = 65_536;

/// Rows whose encoded pages are held before they go to disk: this bounds the memory.
const ROWS_PER_GROUP: usize = 16 * ROWS_PER_BATCH;

/// The cells of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    /// Texts.
    Text(Vec<String>),
    /// Texts that rows share: position of each row's among them.
    #[expect(missing_docs, reason = "explained above")]
    Shared { texts: Vec<String>, rows: Vec<u32> },
    /// Numbers; NaN is an empty cell.
    Number(Vec<f64>),
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Instants.
    Instant(Vec<Instant>),
}

impl ColumnData {
    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Shared { rows, .. } => rows.len(),
            Self::Number(cells) => cells.len(),
            Self::Integer(cells) => cells.len(),
            Self::Instant(cells) => cells.len(),
        }
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) | Self::Shared { .. } => ColumnKind::Word.data_type(),
            Self::Number(_) => ColumnKind::Number.data_type(),
            Self::Integer(_) => DataType::Int64,
            Self::Instant(_) => ColumnKind::Instant.data_type(),
        }
    }

    fn slice(&self, from: usize, to: usize) -> ArrayRef {
        match self {
            Self::Text(cells) => Arc::new(StringArray::from_iter_values(&cells[from..to])),
            Self::Shared { texts, rows } => {
                let cells = rows[from..to].iter().map(|&row| texts[row as usize].as_str());
                Arc::new(StringArray::from_iter_values(cells))
            }
            Self::Number(cells) => {
                let cells = &cells[from..to];
                let there: NullBuffer = cells.iter().map(|cell| !cell.is_nan()).collect();
                Arc::new(Float64Array::new(cells.to_vec().into(), Some(there)))
            }
            Self::Integer(cells) => {
                Arc::new(Int64Array::from_iter_values(cells[from..to].iter().copied()))
            }
            Self::Instant(cells) => {
                let micros = cells[from..to].iter().map(|instant| instant.micros());
                let array = TimestampMicrosecondArray::from_iter_values(micros);
                Arc::new(array.with_data_type(self.data_type()))
            }
        }
    }

    /// The cell in `row` as a spreadsheet may open it.
    fn csv_cell(&self, row: usize) -> String {
        match self {
            Self::Text(cells) => harmless(&cells[row]),
            Self::Shared { texts, rows } => harmless(&texts[rows[row] as usize]),
            Self::Number(cells) if cells[row].is_nan() => String::new(),
            Self::Number(cells) => cells[row].to_string(),
            Self::Integer(cells) => cells[row].to_string(),
            Self::Instant(cells) => cells[row].to_string(),
        }
    }
}

/// `text`, with an apostrophe in front where a spreadsheet would take it for a formula.
pub fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Number of rows of `columns`, which must agree on it.
fn rows(columns: &[(&str, ColumnData)]) -> Result<usize, TableError> {
    let expected = columns.first().map_or(0, |(_, cells)| cells.len());
    match columns.iter().find(|(_, cells)| cells.len() != expected) {
        Some((name, cells)) => {
            Err(TableError::ColumnLength { column: (*name).to_owned(), got: cells.len(), expected })
        }
        None => Ok(expected),
    }
}

/// Writes `columns` as the Parquet file `path`, encoded in parallel.
///
/// # Errors
///
/// [`TableError::ColumnLength`] when the columns differ in length, [`TableError::Io`] and
/// [`TableError::Parquet`] when the file cannot be written.
pub fn write_table(path: &Path, columns: &[(&str, ColumnData)]) -> Result<(), TableError> {
    rows(columns)?;
    let mut writer = FlatWriter::create(path, columns)?;
    writer.write(columns)?;
    writer.close()
}

/// A Parquet file that is written part by part; every part is one row group or more.
pub struct FlatWriter {
    path: PathBuf,
    writer: SerializedFileWriter<File>,
    encoders: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    n_groups: usize,
}

impl fmt::Debug for FlatWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlatWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

impl FlatWriter {
    /// Starts the file `path`; `columns` give names and types, their cells are not written yet.
    ///
    /// # Errors
    ///
    /// [`TableError::Io`] and [`TableError::Parquet`] when the file cannot be made.
    pub fn create(path: &Path, columns: &[(&str, ColumnData)]) -> Result<Self, TableError> {
        let field = |(name, cells): &(&str, ColumnData)| {
            Field::new(*name, cells.data_type(), matches!(cells, ColumnData::Number(_)))
        };
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let options = ArrowWriterOptions::new()
            .with_properties(properties(columns))
            .with_skip_arrow_metadata(true);
        let path = path.to_owned();
        let file = match File::create(&path) {
            Ok(file) => file,
            Err(source) => return Err(TableError::Io { path, source }),
        };
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options)
            .and_then(ArrowWriter::into_serialized_writer);
        match writer {
            Ok((writer, encoders)) => Ok(Self { path, writer, encoders, schema, n_groups: 0 }),
            Err(source) => Err(TableError::Parquet { path, source }),
        }
    }

    /// Adds the rows of `columns`, which have the names and types of those that began the file.
    ///
    /// # Errors
    ///
    /// [`TableError::ColumnLength`] when the columns differ in length, [`TableError::Parquet`] when they cannot be
    /// written.
    pub fn write(&mut self, columns: &[(&str, ColumnData)]) -> Result<(), TableError> {
        let rows = rows(columns)?;
        for from in (0..rows).step_by(ROWS_PER_GROUP) {
            self.write_group(columns, from..rows.min(from + ROWS_PER_GROUP))
                .map_err(|source| TableError::Parquet { path: self.path.clone(), source })?;
        }
        Ok(())
    }

    fn write_group(
        &mut self,
        columns: &[(&str, ColumnData)],
        rows: Range<usize>,
    ) -> Result<(), ParquetError> {
        let encoders = self.encoders.create_column_writers(self.n_groups)?;
        self.n_groups += 1;
        let schema = &self.schema;
        let columns: Vec<Result<ArrowColumnChunk, ParquetError>> = encoders
            .into_par_iter()
            .zip(columns)
            .enumerate()
            .map(|(at, (encoder, (_, cells)))| {
                encode(encoder, schema.field(at), cells, rows.clone())
            })
            .collect();
        let mut written = self.writer.next_row_group()?;
        for column in columns {
            column?.append_to_row_group(&mut written)?;
        }
        written.close().map(|_| ())
    }

    /// Completes the file.
    ///
    /// # Errors
    ///
    /// [`TableError::Parquet`] when its end cannot be written.
    pub fn close(self) -> Result<(), TableError> {
        let Self { path, writer, .. } = self;
        writer.close().map(|_| ()).map_err(|source| TableError::Parquet { path, source })
    }
}

/// How each column is encoded: as the tables of a log, texts in dictionaries and numbers by their bytes.
fn properties(columns: &[(&str, ColumnData)]) -> WriterProperties {
    let version = KeyValue::new(SCHEMA_VERSION_KEY.to_owned(), SCHEMA_VERSION.to_owned());
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a zstd level")))
        .set_key_value_metadata(Some(vec![version]))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None);
    // Most tables are in the order of their first column: a reader skips row groups by it.
    if let Some((name, _)) = columns.first() {
        let path = ColumnPath::from(*name);
        builder = builder.set_column_statistics_enabled(path, EnabledStatistics::Chunk);
    }
    for (name, cells) in columns {
        let path = ColumnPath::from(*name);
        builder = match cells {
            ColumnData::Text(_) | ColumnData::Shared { .. } => {
                builder.set_column_dictionary_enabled(path, true)
            }
            ColumnData::Number(_) => builder.set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT),
            ColumnData::Integer(_) | ColumnData::Instant(_) => {
                builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED)
            }
        };
    }
    builder.build()
}

/// The rows of one column, as it is written.
fn encode(
    mut encoder: ArrowColumnWriter,
    field: &Field,
    cells: &ColumnData,
    rows: Range<usize>,
) -> Result<ArrowColumnChunk, ParquetError> {
    for from in rows.clone().step_by(ROWS_PER_BATCH) {
        let cells = cells.slice(from, rows.end.min(from + ROWS_PER_BATCH));
        for leaf in compute_leaves(field, &cells)? {
            encoder.write(&leaf)?;
        }
    }
    encoder.close()
}

/// Writes `columns` as the CSV file `path`: a header, then one line per row.
///
/// A text that a spreadsheet would run as a formula gets an apostrophe in front.
///
/// # Errors
///
/// [`TableError::ColumnLength`] when the columns differ in length, [`TableError::Csv`] when the
/// file cannot be written.
pub fn write_csv(path: &Path, columns: &[(&str, ColumnData)]) -> Result<(), TableError> {
    let rows = rows(columns)?;
    let write = || -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_path(path)?;
        writer.write_record(columns.iter().map(|(name, _)| harmless(name)))?;
        for row in 0..rows {
            writer.write_record(columns.iter().map(|(_, cells)| cells.csv_cell(row)))?;
        }
        Ok(writer.flush()?)
    };
    write().map_err(|source| TableError::Csv { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<(&'static str, ColumnData)> {
        let text = ["=1+1", "-a", "a,\"b\"", ""].map(str::to_owned).to_vec();
        vec![
            ("name", ColumnData::Text(text)),
            ("ic", ColumnData::Number(vec![-0.5, f64::NAN, 1e-7, 0.1])),
            ("n", ColumnData::Integer(vec![-1, 0, 1, 2])),
            ("at", ColumnData::Instant(vec![Instant::from_micros(1_500_000); 4])),
        ]
    }

    #[test]
    fn csv_defuses_formulas_and_leaves_numbers_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        write_csv(&path, &sample()).unwrap();
        insta::assert_snapshot!(std::fs::read_to_string(path).unwrap(), @r#"
        name,ic,n,at
        '=1+1,-0.5,-1,1970-01-01T00:00:01.500Z
        '-a,,0,1970-01-01T00:00:01.500Z
        "a,""b""",0.0000001,1,1970-01-01T00:00:01.500Z
        ,0.1,2,1970-01-01T00:00:01.500Z
        "#);
    }

    #[test]
    fn columns_of_different_length_are_refused() {
        let columns = [("a", ColumnData::Integer(vec![1])), ("b", ColumnData::Number(vec![]))];
        let error = write_table(Path::new("unused"), &columns).unwrap_err();
        insta::assert_snapshot!(error, @"column `b` has 0 rows, expected 1 as in the first column");
    }
}
