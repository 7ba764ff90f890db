//! Sources as rows of cells, whatever their format.
//!
//! A source is one file or several. CSV and Parquet have a header; the rows of JSON lines and of
//! event logs name their own values, so their columns are those that any row has.

mod files;
mod json_lines;
mod named;
mod ocel;
mod parquet_rows;
mod text_rows;
mod xes;
mod xml;

use std::collections::BTreeSet;
use std::io::BufRead as _;
use std::path::Path;

use super::cell::Cell;
use super::error::SourceError;
use super::ledger::{Breach, Reason};
use super::mapping::{Delimiter, SourceFile};
use crate::diagnostic::nearest;
pub(super) use files::{ExportFile, Exports};

/// A source whose headers are known and sound.
#[derive(Debug)]
pub(super) struct OpenSource {
    files: Vec<OpenFile>,
    columns: Vec<String>,
}

/// One file of a source.
#[derive(Debug)]
struct OpenFile {
    file: ExportFile,
    format: Format,
    columns: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Parquet,
    Text(text_rows::Cut),
    JsonLines,
    Xes,
    OcelJson,
    OcelXml,
}

/// One row of a source; broken rows carry the reason instead of values.
#[derive(Debug)]
pub(super) struct SourceRow<'a> {
    /// Position of the file among those of the source.
    pub(super) file: usize,
    /// Line of a text file, row or event of others; from 1.
    pub(super) number: u64,
    pub(super) cells: Result<Vec<Cell<'a>>, Broken>,
}

/// A row that could not be cut into values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) breach: Breach,
    /// The row as read, JSON.
    pub(super) raw: String,
}

impl Broken {
    /// A row that breaks `reason` as a whole.
    fn new(reason: Reason, message: impl Into<String>, raw: String) -> Self {
        let (column, value) = (String::new(), String::new());
        Self { breach: Breach { column, value, reason, message: message.into() }, raw }
    }

    /// The same for a text: a JSON string.
    fn text(reason: Reason, message: impl Into<String>, text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text).into_owned();
        Self::new(reason, message, serde_json::Value::String(text).to_string())
    }
}

/// What takes the rows of one file.
type Each<'a> = dyn FnMut(u64, Result<Vec<Cell<'_>>, Broken>) -> Result<(), SourceError> + 'a;

impl Format {
    /// The format of `file`, told by its first bytes, then by its name.
    fn of(file: &ExportFile, delimiter: Option<Delimiter>) -> Result<Self, SourceError> {
        let ending = file.ending();
        let mut reader = file.open().map_err(|error| file.unreadable(&error))?;
        let start = reader.fill_buf().map_err(|error| file.unreadable(&error))?;
        if start.is_empty() {
            return Err(SourceError::Empty { file: file.name.clone() });
        }
        if start.starts_with(b"PAR1") || ending == "parquet" {
            return Ok(Self::Parquet);
        }
        let refused = [
            (b"PK\x03\x04".as_slice(), "it is a ZIP archive or spreadsheet: save it as CSV"),
            (b"SQLite format 3\0", "it is an SQLite database: export it as CSV, OCEL JSON or XML"),
            (b"\xff\xfe", "it is written in UTF-16, expected UTF-8"),
            (b"\xfe\xff", "it is written in UTF-16, expected UTF-8"),
        ];
        if let Some((_, reason)) = refused.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Err(file.unreadable(reason));
        }
        Ok(match ending.as_str() {
            "jsonl" | "ndjson" => Self::JsonLines,
            "json" | "jsonocel" => {
                if ocel::is_log(&mut reader).map_err(|error| file.unreadable(&error))? {
                    Self::OcelJson
                } else {
                    Self::JsonLines
                }
            }
            "xes" => Self::Xes,
            "xml" | "xmlocel" => Self::OcelXml,
            _ => Self::Text(text_rows::Cut::of(delimiter, &ending)),
        })
    }
}

impl OpenFile {
    fn open(file: ExportFile, delimiter: Option<Delimiter>) -> Result<Self, SourceError> {
        let format = Format::of(&file, delimiter)?;
        let columns = match format {
            Format::Parquet => parquet_rows::columns(&file)?,
            Format::Text(cut) => text_rows::columns(&file, cut)?,
            _ => named::columns(&file, |each| Self::named_rows(&file, format, each))?,
        };
        let mut seen = BTreeSet::new();
        match columns.iter().find(|column| !seen.insert(column.as_str())) {
            Some(column) => {
                Err(SourceError::DuplicateColumn { file: file.name, column: column.clone() })
            }
            None => Ok(Self { file, format, columns }),
        }
    }

    /// Whether every row has the same columns.
    fn has_header(&self) -> bool {
        matches!(self.format, Format::Parquet | Format::Text(_))
    }

    /// The rows of a file whose rows name their own values.
    fn named_rows(
        file: &ExportFile,
        format: Format,
        each: &mut named::Each<'_>,
    ) -> Result<(), SourceError> {
        match format {
            Format::JsonLines => json_lines::for_each(file, each),
            Format::Xes => xes::for_each(file, each),
            Format::OcelJson => ocel::json::for_each(file, each),
            Format::OcelXml => ocel::xml::for_each(file, each),
            Format::Parquet | Format::Text(_) => unreachable!("these have a header"),
        }
    }

    /// Gives every row to `each`, cells in the order of `wanted` column names.
    fn for_each(&self, wanted: &[&str], each: &mut Each<'_>) -> Result<(), SourceError> {
        let places: Vec<Option<usize>> = wanted
            .iter()
            .map(|name| self.columns.iter().position(|column| column == name))
            .collect();
        match self.format {
            Format::Parquet => parquet_rows::for_each(&self.file, &places, each),
            Format::Text(cut) => {
                text_rows::for_each(&self.file, cut, (self.columns.len(), &places), each)
            }
            format => {
                named::for_each(wanted, each, |each| Self::named_rows(&self.file, format, each))
            }
        }
    }
}

impl OpenSource {
    /// Opens every file of `source` and reads its header.
    pub(super) fn open(exports: Exports<'_>, source: &SourceFile) -> Result<Self, SourceError> {
        let mut files = Vec::new();
        for pattern in &source.patterns {
            files.extend(exports.find(pattern)?);
        }
        Self::of(files, source.delimiter)
    }

    /// Opens one file that need not be in a data folder.
    pub(super) fn at(path: &Path) -> Result<Self, SourceError> {
        Self::of(vec![ExportFile::at(path)], None)
    }

    fn of(files: Vec<ExportFile>, delimiter: Option<Delimiter>) -> Result<Self, SourceError> {
        let mut opened = Vec::with_capacity(files.len());
        let mut columns: Vec<String> = Vec::new();
        let mut seen = BTreeSet::new();
        for file in files {
            let file = OpenFile::open(file, delimiter)?;
            columns
                .extend(file.columns.iter().filter(|name| seen.insert((*name).clone())).cloned());
            opened.push(file);
        }
        Ok(Self { files: opened, columns })
    }

    /// Column names: those of the first file, then what further files add.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Names of the files, in the order read.
    pub(super) fn files(&self) -> impl Iterator<Item = &ExportFile> {
        self.files.iter().map(|file| &file.file)
    }

    /// Position of the column called `name`, which every file with a header must have.
    pub(super) fn position(&self, name: &str) -> Result<usize, SourceError> {
        let has = |columns: &[String]| columns.iter().any(|column| column == name);
        let lacking = self.files.iter().find(|file| file.has_header() && !has(&file.columns));
        let found = self.columns.iter().position(|column| column == name);
        match (lacking, found) {
            (None, Some(position)) => Ok(position),
            (lacking, _) => {
                let file = lacking.unwrap_or(&self.files[0]);
                let known = if lacking.is_some() { &file.columns } else { &self.columns };
                Err(SourceError::MissingColumn {
                    file: file.file.name.clone(),
                    column: name.to_owned(),
                    nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
                    known: known.clone(),
                })
            }
        }
    }

    /// Gives every row to `each`, cells in the order of `wanted` column positions.
    pub(super) fn for_each(
        &self,
        wanted: &[usize],
        mut each: impl FnMut(SourceRow<'_>) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        let wanted: Vec<&str> =
            wanted.iter().map(|&column| self.columns[column].as_str()).collect();
        for (position, file) in self.files.iter().enumerate() {
            let mut any = false;
            file.for_each(&wanted, &mut |number, cells| {
                any = true;
                each(SourceRow { file: position, number, cells })
            })?;
            if !any {
                return Err(SourceError::NoRows { file: file.file.name.clone() });
            }
        }
        Ok(())
    }
}
