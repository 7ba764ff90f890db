//! CSV and other delimited text.

use std::io::BufRead;

use super::files::ExportFile;
use super::lines::Lines;
use super::records::Records;
use super::{Broken, Each};
use crate::ingest::cell::Cell;
use crate::ingest::error::SourceError;
use crate::ingest::ledger::Reason;
use crate::ingest::mapping::Delimiter;

/// How a line is cut into values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// By one character, with quotes as in RFC 4180.
    Delimited(u8),
    /// At every run of blanks.
    Blanks,
}

impl Cut {
    /// As the mapping says, else by tabs in `.tsv` and by commas elsewhere.
    pub(super) fn of(delimiter: Option<Delimiter>, ending: &str) -> Self {
        match delimiter {
            Some(Delimiter::Byte(byte)) => Self::Delimited(byte),
            Some(Delimiter::Whitespace) => Self::Blanks,
            None if ending == "tsv" => Self::Delimited(b'\t'),
            None => Self::Delimited(b','),
        }
    }
}

type Text = Records<Box<dyn BufRead>>;

fn reader(file: &ExportFile, delimiter: u8) -> Result<csv::Reader<Text>, SourceError> {
    let inner = file.open().map_err(|error| file.unreadable(&error))?;
    let records = Records::new(inner, delimiter);
    Ok(csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(records))
}

/// Names in the header.
pub(super) fn columns(file: &ExportFile, cut: Cut) -> Result<Vec<String>, SourceError> {
    let names: Vec<String> = match cut {
        Cut::Delimited(delimiter) => reader(file, delimiter)?
            .headers()
            .map_err(|error| file.unreadable(&plain(&error)))?
            .iter()
            .map(|name| name.trim().to_owned())
            .collect(),
        Cut::Blanks => {
            let mut lines = Lines::of(file)?;
            let (_, line) = lines.next()?.unwrap_or_default();
            std::str::from_utf8(line)
                .map_err(|_| file.unreadable(&"its header is not UTF-8"))?
                .split_whitespace()
                .map(str::to_owned)
                .collect()
        }
    };
    if names.iter().all(String::is_empty) {
        return Err(SourceError::Empty { file: file.name.clone() });
    }
    let unnamed: Vec<String> = names
        .iter()
        .zip(1..)
        .filter(|(name, _)| name.is_empty())
        .map(|(_, position)| format!("{position}"))
        .collect();
    if unnamed.len() > 1 {
        let places = unnamed.join(", ");
        let reason = format!("columns {places} of its header have no name, expected at most one");
        return Err(file.unreadable(&reason));
    }
    Ok(names)
}

/// What is wrong, without the words of a parser.
fn plain(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "its header is not UTF-8".to_owned(),
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

/// Gives every row to `each`; `shape` is the number of columns and the positions wanted.
pub(super) fn for_each(
    file: &ExportFile,
    cut: Cut,
    shape: (usize, &[Option<usize>]),
    each: &mut Each<'_>,
) -> Result<(), SourceError> {
    match cut {
        Cut::Delimited(delimiter) => {
            let mut reader = reader(file, delimiter)?;
            let mut record = csv::ByteRecord::new();
            while reader
                .read_byte_record(&mut record)
                .map_err(|error| file.unreadable(&plain(&error)))?
            {
                let byte = record.position().map_or(0, csv::Position::byte);
                let number = reader.get_mut().line_of(byte);
                let values: Vec<&[u8]> = record.iter().collect();
                each(number, cells(&values, shape))?;
            }
        }
        Cut::Blanks => {
            let mut lines = Lines::of(file)?;
            lines.next()?;
            while let Some((number, line)) = lines.next()? {
                let values: Vec<&[u8]> =
                    line.split(u8::is_ascii_whitespace).filter(|value| !value.is_empty()).collect();
                if !values.is_empty() {
                    each(number, cells(&values, shape))?;
                }
            }
        }
    }
    Ok(())
}

fn cells<'a>(
    values: &[&'a [u8]],
    (columns, wanted): (usize, &[Option<usize>]),
) -> Result<Vec<Cell<'a>>, Broken> {
    let text = || values.join(&b","[..]);
    if values.len() != columns {
        let lines = text().split(|&byte| byte == b'\n').count();
        let quote = if lines > 1 {
            format!("; the row runs over {lines} lines: is a quote left open?")
        } else {
            String::new()
        };
        let plural = if values.len() == 1 { "" } else { "s" };
        let message =
            format!("{} value{plural}, expected {columns} as in the header{quote}", values.len());
        return Err(Broken::text(Reason::Ragged, message, &text()));
    }
    wanted
        .iter()
        .map(|&position| {
            let Some(position) = position else { return Ok(Cell::Missing) };
            std::str::from_utf8(values[position])
                .map(Cell::from_text)
                .map_err(|_| Broken::text(Reason::NotUtf8, "bytes that are not UTF-8", &text()))
        })
        .collect()
}
