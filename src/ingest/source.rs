//! Sources as rows of cells, whatever their format.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::cell::Cell;
use super::error::SourceError;
use super::mapping::SourceFile;
use super::{parquet_rows, text_rows};
use crate::diagnostic::nearest;

/// A source whose header is known and sound.
#[derive(Debug)]
pub(super) struct OpenSource {
    name: String,
    path: PathBuf,
    columns: Vec<String>,
    format: Format,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Parquet,
    Text(text_rows::Cut),
}

/// One row of a source; broken rows carry the reason instead of values.
#[derive(Debug)]
pub(super) struct SourceRow<'a> {
    /// Line of a text file, row of a Parquet file; from 1.
    pub(super) number: u64,
    pub(super) cells: Result<Vec<Cell<'a>>, Broken>,
}

/// A row that could not be cut into values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    Ragged { values: usize, columns: usize, text: String },
    NotUtf8 { text: String },
}

impl OpenSource {
    /// Opens `file` in `folder` and reads its header.
    pub(super) fn open(folder: &Path, file: &SourceFile) -> Result<Self, SourceError> {
        let name = file.name.clone();
        let path = folder.join(&name);
        let mut start = [0; 4];
        let length = match File::open(&path).and_then(|mut opened| opened.read(&mut start)) {
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(SourceError::Missing { file: name, folder: folder.to_owned() });
            }
            Err(error) => {
                return Err(SourceError::Unreadable { file: name, reason: error.to_string() });
            }
        };
        if length == 0 {
            return Err(SourceError::Empty { file: name });
        }
        let is_parquet = start == *b"PAR1"
            || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
        let (format, columns) = if is_parquet {
            (Format::Parquet, parquet_rows::columns(&name, &path)?)
        } else {
            let cut = text_rows::Cut::of(file.delimiter, &path);
            (Format::Text(cut), text_rows::columns(&name, &path, cut)?)
        };
        let mut seen = BTreeSet::new();
        match columns.iter().find(|column| !seen.insert(column.as_str())) {
            Some(column) => {
                Err(SourceError::DuplicateColumn { file: name, column: column.clone() })
            }
            None => Ok(Self { name, path, columns, format }),
        }
    }

    /// Column names, in the order of the file.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Position of the column called `name`.
    pub(super) fn position(&self, name: &str) -> Result<usize, SourceError> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| {
            SourceError::MissingColumn {
                file: self.name.clone(),
                column: name.to_owned(),
                nearest: nearest(name, self.columns.iter().map(String::as_str)).map(str::to_owned),
                known: self.columns.clone(),
            }
        })
    }

    /// Gives every row to `each`, cells in the order of `wanted` column positions.
    pub(super) fn for_each(
        &self,
        wanted: &[usize],
        mut each: impl FnMut(SourceRow<'_>) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        let mut any = false;
        let mut counted = |row: SourceRow<'_>| {
            any = true;
            each(row)
        };
        match self.format {
            Format::Parquet => {
                parquet_rows::for_each(&self.name, &self.path, wanted, &mut counted)?;
            }
            Format::Text(cut) => {
                text_rows::for_each(
                    &self.name,
                    &self.path,
                    cut,
                    (self.columns.len(), wanted),
                    &mut counted,
                )?;
            }
        }
        if any { Ok(()) } else { Err(SourceError::NoRows { file: self.name.clone() }) }
    }
}

/// What takes the rows of a source.
pub(super) type Each<'a> = dyn FnMut(SourceRow<'_>) -> Result<(), SourceError> + 'a;
