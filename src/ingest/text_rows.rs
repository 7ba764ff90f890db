//! CSV and other delimited text.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::cell::Cell;
use super::error::SourceError;
use super::mapping::Delimiter;
use super::source::{Broken, Each, SourceRow};

const BYTE_ORDER_MARK: &str = "\u{feff}";

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
    pub(super) fn of(delimiter: Option<Delimiter>, path: &Path) -> Self {
        match delimiter {
            Some(Delimiter::Byte(byte)) => Self::Delimited(byte),
            Some(Delimiter::Whitespace) => Self::Blanks,
            None if path.extension().is_some_and(|extension| extension == "tsv") => {
                Self::Delimited(b'\t')
            }
            None => Self::Delimited(b','),
        }
    }
}

fn unreadable(file: &str, error: &impl ToString) -> SourceError {
    SourceError::Unreadable { file: file.to_owned(), reason: error.to_string() }
}

fn reader(file: &str, path: &Path, delimiter: u8) -> Result<csv::Reader<File>, SourceError> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_path(path)
        .map_err(|error| unreadable(file, &error))
}

fn lines(file: &str, path: &Path) -> Result<std::io::Split<BufReader<File>>, SourceError> {
    Ok(BufReader::new(File::open(path).map_err(|error| unreadable(file, &error))?).split(b'\n'))
}

/// Names in the header.
pub(super) fn columns(file: &str, path: &Path, cut: Cut) -> Result<Vec<String>, SourceError> {
    let names: Vec<String> = match cut {
        Cut::Delimited(delimiter) => reader(file, path, delimiter)?
            .headers()
            .map_err(|error| unreadable(file, &error))?
            .iter()
            .map(|name| name.trim().to_owned())
            .collect(),
        Cut::Blanks => {
            let line = lines(file, path)?
                .next()
                .transpose()
                .map_err(|error| unreadable(file, &error))?
                .unwrap_or_default();
            String::from_utf8(line)
                .map_err(|error| unreadable(file, &error))?
                .trim_start_matches(BYTE_ORDER_MARK)
                .split_whitespace()
                .map(str::to_owned)
                .collect()
        }
    };
    if names.iter().all(String::is_empty) {
        return Err(SourceError::Empty { file: file.to_owned() });
    }
    Ok(names)
}

/// Gives every row to `each`; `shape` is the number of columns and the positions wanted.
pub(super) fn for_each(
    file: &str,
    path: &Path,
    cut: Cut,
    shape: (usize, &[usize]),
    each: &mut Each<'_>,
) -> Result<(), SourceError> {
    match cut {
        Cut::Delimited(delimiter) => {
            let mut reader = reader(file, path, delimiter)?;
            let mut record = csv::ByteRecord::new();
            while reader.read_byte_record(&mut record).map_err(|error| unreadable(file, &error))? {
                let number = record.position().map_or(0, csv::Position::line);
                let values: Vec<&[u8]> = record.iter().collect();
                each(SourceRow { number, cells: cells(&values, shape) })?;
            }
        }
        Cut::Blanks => {
            for (line, number) in lines(file, path)?.zip(1..).skip(1) {
                let line = line.map_err(|error| unreadable(file, &error))?;
                let values: Vec<&[u8]> =
                    line.split(u8::is_ascii_whitespace).filter(|value| !value.is_empty()).collect();
                if !values.is_empty() {
                    each(SourceRow { number, cells: cells(&values, shape) })?;
                }
            }
        }
    }
    Ok(())
}

fn cells<'a>(
    values: &[&'a [u8]],
    (columns, wanted): (usize, &[usize]),
) -> Result<Vec<Cell<'a>>, Broken> {
    let text = || String::from_utf8_lossy(&values.join(&b","[..])).into_owned();
    if values.len() != columns {
        return Err(Broken::Ragged { values: values.len(), columns, text: text() });
    }
    wanted
        .iter()
        .map(|&position| {
            std::str::from_utf8(values[position])
                .map(Cell::from_text)
                .map_err(|_| Broken::NotUtf8 { text: text() })
        })
        .collect()
}
