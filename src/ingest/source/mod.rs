//! Sources as rows of cells, whatever their format.
//!
//! A source is one file or several. CSV and Parquet have a header; the rows of JSON lines and of
//! event logs name their own values, so their columns are those that any row has.

mod files;
mod json_lines;
mod lines;
mod named;
mod ocel;
mod parquet_rows;
mod records;
mod text_rows;
mod xes;
mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use super::cell::Cell;
use super::error::SourceError;
use super::ledger::{Breach, Reason};
use super::mapping::{Delimiter, Origin, SourceFile};
use crate::diagnostic::nearest;
use files::Stamp;
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
    /// As it was when it was opened.
    stamp: Option<Stamp>,
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
    /// As databases copy their tables out.
    const CSV: Self = Self::Text(text_rows::Cut::Delimited(b','));

    /// The format of `file`, told by its first bytes, then by its name.
    fn of(file: &ExportFile, delimiter: Option<Delimiter>) -> Result<Self, SourceError> {
        let ending = file.ending();
        let mut reader = file.open().map_err(|error| file.unreadable(&error))?;
        let start = reader.fill_buf().map_err(|error| file.unreadable(&error))?;
        if start.is_empty() {
            return Err(SourceError::Empty { file: file.name.clone() });
        }
        if start.starts_with(b"PAR1") || ending == "parquet" {
            return if file.is_compressed().map_err(|error| file.unreadable(&error))? {
                Err(file.unreadable(&"it is Parquet inside gzip or Zstandard: decompress it"))
            } else {
                Ok(Self::Parquet)
            };
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
        Self::with_format(file, format)
    }

    fn with_format(file: ExportFile, format: Format) -> Result<Self, SourceError> {
        let stamp = file.stamp().map_err(|error| file.unreadable(&error))?;
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
            None => Ok(Self { file, format, columns, stamp }),
        }
    }

    /// Whether every row has the same columns.
    fn has_header(&self) -> bool {
        matches!(self.format, Format::Parquet | Format::Text(_))
    }

    /// Columns of types that cannot be read.
    fn unread(&self) -> Result<BTreeSet<String>, SourceError> {
        match self.format {
            Format::Parquet => parquet_rows::unread(&self.file),
            _ => Ok(BTreeSet::new()),
        }
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
        let places = || -> Vec<Option<usize>> {
            let of: BTreeMap<&str, usize> =
                self.columns.iter().map(String::as_str).zip(0..).collect();
            wanted.iter().map(|name| of.get(name).copied()).collect()
        };
        match self.format {
            Format::Parquet => parquet_rows::for_each(&self.file, &places(), each),
            Format::Text(cut) => {
                text_rows::for_each(&self.file, cut, (self.columns.len(), &places()), each)
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
        let called = |path: &Path| ExportFile::at(path).called(&source.name);
        let (patterns, delimiter) = match &source.origin {
            Origin::Files { patterns, delimiter } => (patterns, *delimiter),
            Origin::Query(answer) => return Self::of(answer.iter().map(|path| called(path)), None),
            Origin::Database(table) => {
                let files =
                    table.copy().map(|copy| OpenFile::with_format(called(copy), Format::CSV));
                return Ok(Self::with_files(files.into_iter().collect::<Result<_, _>>()?));
            }
        };
        let mut files = Vec::new();
        let mut entries: BTreeMap<PathBuf, &str> = BTreeMap::new();
        for pattern in patterns {
            for file in exports.find(pattern)? {
                if let Some(first) = entries.insert(file.identity(), pattern) {
                    let (first, second) = (first.to_owned(), pattern.clone());
                    return Err(SourceError::Twice { file: file.name, first, second });
                }
                files.push(file);
            }
        }
        Self::of(files, delimiter)
    }

    /// Opens one file that need not be in a data folder.
    pub(super) fn at(path: &Path) -> Result<Self, SourceError> {
        Self::of([ExportFile::at(path)], None)
    }

    fn of(
        files: impl IntoIterator<Item = ExportFile>,
        delimiter: Option<Delimiter>,
    ) -> Result<Self, SourceError> {
        let opened = files.into_iter().map(|file| OpenFile::open(file, delimiter));
        Ok(Self::with_files(opened.collect::<Result<_, _>>()?))
    }

    fn with_files(files: Vec<OpenFile>) -> Self {
        let mut columns: Vec<String> = Vec::new();
        let mut seen = BTreeSet::new();
        for file in &files {
            columns
                .extend(file.columns.iter().filter(|name| seen.insert((*name).clone())).cloned());
        }
        Self { files, columns }
    }

    /// Column names: those of the first file, then what further files add.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Names of the files, in the order read.
    pub(super) fn files(&self) -> impl Iterator<Item = &ExportFile> {
        self.files.iter().map(|file| &file.file)
    }

    /// The files with the number of their rows, where all are Parquet and have the same columns of the same types.
    pub(super) fn as_parquet(&self) -> Result<Option<Vec<(PathBuf, u64)>>, SourceError> {
        let mut found = Vec::with_capacity(self.files.len());
        let mut types = None;
        for OpenFile { file, format, columns, .. } in &self.files {
            let (Format::Parquet, Some(path)) = (format, file.path()) else { return Ok(None) };
            let own = parquet_rows::types(file)?;
            if *columns != self.columns || *types.get_or_insert_with(|| own.clone()) != own {
                return Ok(None);
            }
            found.push((path.to_owned(), parquet_rows::count(file)?));
        }
        Ok(Some(found))
    }

    /// Checks that no file changed since it was opened, as far as its length and time tell.
    pub(super) fn check_unchanged(&self) -> Result<(), SourceError> {
        let changed = |open: &&OpenFile| open.file.stamp().ok() != Some(open.stamp);
        match self.files.iter().find(changed) {
            Some(open) => Err(SourceError::Changed { file: open.file.name.clone() }),
            None => Ok(()),
        }
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

    /// Gives every row to `each` as a JSON object of all that it holds: file, number, object.
    ///
    /// Rows with a header name every column of the source that can be read, others what they have.
    pub(super) fn for_each_raw(
        &self,
        mut each: impl FnMut(usize, u64, &dyn Fn() -> String) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        for (position, file) in self.files.iter().enumerate() {
            if file.has_header() {
                let unread = file.unread()?;
                let readable = |name: &&str| !unread.contains(*name);
                let names: Vec<&str> =
                    self.columns.iter().map(String::as_str).filter(readable).collect();
                file.for_each(&names, &mut |number, cells| {
                    each(position, number, &|| match &cells {
                        Ok(cells) => raw(names.iter().copied(), cells),
                        Err(broken) => broken.raw.clone(),
                    })
                })?;
            } else {
                OpenFile::named_rows(&file.file, file.format, &mut |number, row| {
                    each(position, number, &|| match &row {
                        Ok(row) => row.raw(),
                        Err(broken) => broken.raw.clone(),
                    })
                })?;
            }
        }
        Ok(())
    }
}

/// Cells with their names as a JSON object.
pub(super) fn raw<'n>(names: impl Iterator<Item = &'n str>, cells: &[Cell<'_>]) -> String {
    let object: serde_json::Map<String, serde_json::Value> = names
        .zip(cells)
        .map(|(name, cell)| {
            (name.to_owned(), cell.text().map_or(serde_json::Value::Null, Into::into))
        })
        .collect();
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_grows_or_goes_while_it_is_read_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.csv");
        fs::write(&path, "who\nA\n").unwrap();
        let source = OpenSource::at(&path).unwrap();
        assert_eq!(source.check_unchanged(), Ok(()));
        fs::write(&path, "who\nA\nB\n").unwrap();
        let changed = SourceError::Changed { file: "calls.csv".to_owned() };
        assert_eq!(source.check_unchanged(), Err(changed.clone()));
        fs::remove_file(&path).unwrap();
        assert_eq!(source.check_unchanged(), Err(changed));
    }
}
