//! Answers as text: aligned columns, CSV that a spreadsheet may open, JSON.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, SchemaRef};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Value};

use super::SqlError;
use crate::interaction::harmless;

/// How cells are written: nothing for what is missing, instants as in RFC 3339.
const CELLS: FormatOptions<'_> = FormatOptions::new().with_null("");

fn failed(error: &ArrowError) -> SqlError {
    SqlError::Query { reason: error.to_string() }
}

/// The rows of a batch as texts.
///
/// # Errors
///
/// [`SqlError::Query`] for a column whose type has no text.
pub fn rows(batch: &RecordBatch) -> Result<Vec<Vec<String>>, SqlError> {
    let columns: Result<Vec<ArrayFormatter<'_>>, ArrowError> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &CELLS)).collect();
    let columns = columns.map_err(|error| failed(&error))?;
    Ok((0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect())
        .collect())
}

/// Rows under the names of their columns, aligned: numbers to the right, other cells to the left, line by line.
pub fn aligned(schema: &SchemaRef, rows: &[Vec<String>]) -> String {
    let header: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let lines: Vec<Vec<String>> =
        std::iter::once(&header).chain(rows).flat_map(|row| lines(row)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..header.len()).map(|column| width(column).unwrap_or(0)).collect();
    let right: Vec<bool> = schema.fields().iter().map(|f| f.data_type().is_numeric()).collect();
    let line = |cells: &Vec<String>| {
        let cells: Vec<String> = (0..cells.len())
            .map(|column| {
                let (cell, width) = (&cells[column], widths[column]);
                if right[column] { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            })
            .collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}

/// A row as the lines that its longest cell needs; control characters do not reach a terminal.
fn lines(row: &[String]) -> Vec<Vec<String>> {
    let clean = |text: &str| -> String {
        text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
    };
    let cells: Vec<Vec<&str>> =
        row.iter().map(|cell| cell.trim_end().split('\n').collect()).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(1);
    (0..height)
        .map(|line| cells.iter().map(|cell| clean(cell.get(line).unwrap_or(&""))).collect())
        .collect()
}

/// The header of a CSV.
pub fn csv_header(schema: &SchemaRef) -> String {
    csv_line(schema.fields().iter().map(|field| harmless(field.name())))
}

/// Rows of a CSV; a text that a spreadsheet would run as a formula gets an apostrophe in front.
///
/// # Errors
///
/// As [`rows`].
pub fn csv_rows(batch: &RecordBatch) -> Result<String, SqlError> {
    let is_number: Vec<bool> =
        batch.schema().fields().iter().map(|field| field.data_type().is_numeric()).collect();
    let line = |row: Vec<String>| {
        csv_line(row.into_iter().zip(&is_number).map(
            |(cell, &number)| {
                if number { cell } else { harmless(&cell) }
            },
        ))
    };
    Ok(rows(batch)?.into_iter().map(line).collect())
}

fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).expect("writing to memory");
    let bytes = writer.into_inner().expect("writing to memory");
    String::from_utf8(bytes).expect("texts")
}

/// Rows as JSON objects: numbers and truths as such, null for what is missing or no number, other cells as texts.
///
/// # Errors
///
/// As [`rows`], and for two columns of one name.
pub fn json_rows(batch: &RecordBatch) -> Result<Vec<Value>, SqlError> {
    let texts = rows(batch)?;
    let schema = batch.schema();
    let mut seen = BTreeSet::new();
    if let Some(twice) = schema.fields().iter().find(|field| !seen.insert(field.name())) {
        let reason = format!("two columns are named `{}`: rename one with `AS`", twice.name());
        return Err(SqlError::Query { reason });
    }
    let object = |(row, texts): (usize, Vec<String>)| {
        let cells = texts.into_iter().enumerate().map(|(position, text)| {
            let value = json(batch.column(position), row, text);
            (schema.field(position).name().clone(), value)
        });
        Value::Object(cells.collect::<Map<_, _>>())
    };
    Ok(texts.into_iter().enumerate().map(object).collect())
}

fn json(column: &dyn Array, row: usize, text: String) -> Value {
    if column.is_null(row) || *column.data_type() == DataType::Null {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float32 => f64::from(column.as_primitive::<Float32Type>().value(row)).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        _ => text.into(),
    }
}
