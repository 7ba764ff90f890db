//! Parquet, one batch of rows at a time; only the wanted columns are decoded.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::Each;
use super::files::ExportFile;
use crate::ingest::cell::Cell;
use crate::ingest::error::SourceError;

const MICROS_PER_DAY: i64 = 86_400_000_000;

fn builder(file: &ExportFile) -> Result<ParquetRecordBatchReaderBuilder<File>, SourceError> {
    let opened = file.as_file().map_err(|error| file.unreadable(&error))?;
    ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|error| file.unreadable(&error))
}

/// Names of the top-level columns.
pub(super) fn columns(file: &ExportFile) -> Result<Vec<String>, SourceError> {
    let schema = builder(file)?.schema().clone();
    Ok(schema.fields().iter().map(|field| field.name().clone()).collect())
}

/// Types of the top-level columns.
pub(super) fn types(file: &ExportFile) -> Result<Vec<DataType>, SourceError> {
    let schema = builder(file)?.schema().clone();
    Ok(schema.fields().iter().map(|field| field.data_type().clone()).collect())
}

/// Number of rows, as the footer says.
pub(super) fn count(file: &ExportFile) -> Result<u64, SourceError> {
    let rows = builder(file)?.metadata().file_metadata().num_rows();
    Ok(u64::try_from(rows).unwrap_or(0))
}

/// Names of the columns whose type cannot be read.
pub(super) fn unread(file: &ExportFile) -> Result<BTreeSet<String>, SourceError> {
    let schema = builder(file)?.schema().clone();
    let unread = schema.fields().iter().filter(|field| Read::of(field.data_type()).is_none());
    Ok(unread.map(|field| field.name().clone()).collect())
}

/// Gives every row to `each`, cells in the order of `wanted`.
pub(super) fn for_each(
    file: &ExportFile,
    wanted: &[Option<usize>],
    each: &mut Each<'_>,
) -> Result<(), SourceError> {
    let builder = builder(file)?;
    // A projection keeps the file's order: find each wanted column among those kept.
    let mut kept: Vec<usize> = wanted.iter().copied().flatten().collect();
    kept.sort_unstable();
    kept.dedup();
    let mask = ProjectionMask::roots(builder.parquet_schema(), kept.iter().copied());
    let places: Vec<Option<usize>> = wanted
        .iter()
        .map(|column| {
            column.map(|column| kept.binary_search(&column).expect("every wanted column is kept"))
        })
        .collect();
    let reader = builder.with_projection(mask).build().map_err(|error| file.unreadable(&error))?;
    let mut number = 0;
    for batch in reader {
        let batch = batch.map_err(|error| file.unreadable(&error))?;
        let schema = batch.schema();
        let read = |place: usize| {
            Column::of(batch.column(place)).ok_or_else(|| SourceError::UnsupportedColumn {
                file: file.name.clone(),
                column: schema.field(place).name().clone(),
                data_type: schema.field(place).data_type().to_string(),
            })
        };
        let columns: Vec<Option<Column<'_>>> =
            places.iter().map(|place| place.map(read).transpose()).collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            number += 1;
            let cells = columns.iter().map(|column| match column {
                Some(column) => column.cell(row),
                None => Cell::Missing,
            });
            each(number, Ok(cells.collect()))?;
        }
    }
    Ok(())
}

/// A column of one batch and how its values are read.
struct Column<'a> {
    array: &'a ArrayRef,
    read: Read,
}

#[derive(Debug, Clone, Copy)]
enum Read {
    Null,
    Utf8,
    LargeUtf8,
    Utf8View,
    Dictionary,
    Bool,
    Integer(fn(&ArrayRef, usize) -> i128),
    Number(fn(&ArrayRef, usize) -> f64),
    Decimal(i8),
    Date,
    /// Value in some unit to microseconds; with a time zone the value is a point in time.
    Time {
        micros: fn(&ArrayRef, usize) -> Option<i64>,
        zoned: bool,
    },
}

fn integer<T: ArrowPrimitiveType<Native: Into<i128>>>(array: &ArrayRef, row: usize) -> i128 {
    array.as_primitive::<T>().value(row).into()
}

fn number<T: ArrowPrimitiveType<Native: Into<f64>>>(array: &ArrayRef, row: usize) -> f64 {
    array.as_primitive::<T>().value(row).into()
}

impl Read {
    /// How values of `data_type` are read; none where they are not.
    fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Null => Read::Null,
            DataType::Utf8 => Read::Utf8,
            DataType::LargeUtf8 => Read::LargeUtf8,
            DataType::Utf8View => Read::Utf8View,
            DataType::Dictionary(_, values) if **values == DataType::Utf8 => Read::Dictionary,
            DataType::Boolean => Read::Bool,
            DataType::Int8 => Read::Integer(integer::<Int8Type>),
            DataType::Int16 => Read::Integer(integer::<Int16Type>),
            DataType::Int32 => Read::Integer(integer::<Int32Type>),
            DataType::Int64 => Read::Integer(integer::<Int64Type>),
            DataType::UInt8 => Read::Integer(integer::<UInt8Type>),
            DataType::UInt16 => Read::Integer(integer::<UInt16Type>),
            DataType::UInt32 => Read::Integer(integer::<UInt32Type>),
            DataType::UInt64 => Read::Integer(integer::<UInt64Type>),
            DataType::Float32 => Read::Number(number::<Float32Type>),
            DataType::Float64 => Read::Number(number::<Float64Type>),
            DataType::Decimal128(_, scale) => Read::Decimal(*scale),
            DataType::Date32 => Read::Date,
            DataType::Timestamp(unit, zone) => {
                Read::Time { micros: time_reader(*unit), zoned: zone.is_some() }
            }
            _ => return None,
        })
    }
}

impl<'a> Column<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        Read::of(array.data_type()).map(|read| Self { array, read })
    }

    fn cell(&self, row: usize) -> Cell<'a> {
        if self.array.is_null(row) {
            return Cell::Missing;
        }
        match self.read {
            Read::Null => Cell::Missing,
            Read::Utf8 => Cell::from_text(self.array.as_string::<i32>().value(row)),
            Read::LargeUtf8 => Cell::from_text(self.array.as_string::<i64>().value(row)),
            Read::Utf8View => Cell::from_text(self.array.as_string_view().value(row)),
            Read::Dictionary => {
                let dictionary = self.array.as_any_dictionary();
                let values = dictionary.values().as_string::<i32>();
                match dictionary.normalized_keys().get(row) {
                    Some(&key) if values.is_valid(key) => Cell::from_text(values.value(key)),
                    _ => Cell::Missing,
                }
            }
            Read::Bool => Cell::Bool(self.array.as_boolean().value(row)),
            Read::Integer(value) => Cell::Integer(value(self.array, row)),
            Read::Number(value) => Cell::Number(value(self.array, row)),
            Read::Decimal(scale) => {
                let value = self.array.as_primitive::<Decimal128Type>().value(row);
                if scale == 0 {
                    Cell::Integer(value)
                } else {
                    Cell::Number(value as f64 / 10_f64.powi(i32::from(scale)))
                }
            }
            Read::Date => {
                let days = self.array.as_primitive::<Date32Type>().value(row);
                Cell::WallClock(i64::from(days) * MICROS_PER_DAY)
            }
            Read::Time { micros, zoned } => match micros(self.array, row) {
                Some(micros) if zoned => Cell::Time(micros),
                Some(micros) => Cell::WallClock(micros),
                None => Cell::Text(Cow::Borrowed("a time out of range")),
            },
        }
    }
}

fn time_reader(unit: TimeUnit) -> fn(&ArrayRef, usize) -> Option<i64> {
    match unit {
        TimeUnit::Second => |array, row| {
            array.as_primitive::<TimestampSecondType>().value(row).checked_mul(1_000_000)
        },
        TimeUnit::Millisecond => |array, row| {
            array.as_primitive::<TimestampMillisecondType>().value(row).checked_mul(1_000)
        },
        TimeUnit::Microsecond => {
            |array, row| Some(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => |array, row| {
            Some(array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1_000))
        },
    }
}
