//! Why a log could not be written or read: all problems of one look at once.

use std::fmt;
use std::io;
use std::path::PathBuf;

use parquet::errors::ParquetError;

use super::schema::{Table, column};

/// Why tables could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum TableError {
    /// The operating system refused.
    #[error("cannot use `{}`: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// A Parquet file cannot be written, or its pages cannot be read.
    #[error("cannot read or write `{}`: {source}", path.display())]
    Parquet { path: PathBuf, source: ParquetError },
    /// A text file cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Csv { path: PathBuf, source: csv::Error },
    /// A log may only be written where there is none.
    #[error("`{}` is already there, expected a folder without a log", path.display())]
    Occupied { path: PathBuf },
    /// Columns of one table differ in length.
    #[error("column `{column}` has {got} rows, expected {expected} as in the first column")]
    ColumnLength { column: String, got: usize, expected: usize },
    /// Files of a log are missing or have other columns.
    #[error("{}", lines(.problems))]
    Files { problems: Vec<FileProblem> },
    /// Rows break rules of their tables.
    #[error("{}", lines(.faults))]
    Rows { faults: Vec<Fault> },
}

/// What is wrong with one file of a log, whatever its rows hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum FileProblem {
    /// Every log has this table.
    #[error("`{}` is missing, expected a Parquet file", path.display())]
    Missing { path: PathBuf },
    /// Nothing was written.
    #[error("`{}` is empty, expected a Parquet file", path.display())]
    Empty { path: PathBuf },
    /// Not a Parquet file, or one that was cut off.
    #[error("`{}` is not a whole Parquet file: {source}", path.display())]
    Unreadable { path: PathBuf, source: ParquetError },
    /// Written for another version of the tables.
    #[error("`{}` has schema version `{found}`, expected `{expected}`", path.display())]
    Version { path: PathBuf, found: String, expected: &'static str },
    /// A column that must be there is not.
    #[error("`{}` has no column `{column}`, expected one of type {expected}", path.display())]
    MissingColumn { path: PathBuf, column: &'static str, expected: String },
    /// A column holds something else.
    #[error("column `{column}` of `{}` has type {found}, expected {expected}", path.display())]
    ColumnType { path: PathBuf, column: &'static str, found: String, expected: String },
}

/// One cell that breaks a rule of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Table of the row.
    pub table: Table,
    /// Row in the table's file, from 1.
    pub row: u64,
    /// Account of the row; empty in tables that are not about accounts.
    pub account: String,
    /// Column of the cell.
    pub column: &'static str,
    /// What the cell holds; empty when it holds nothing.
    pub value: String,
    /// What it should hold.
    pub rule: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, row, account, value, rule, .. } = self;
        write!(f, "row {row} of `{}`", table.file_name())?;
        if table.key() == column::ACCOUNT_ID {
            write!(f, ", account `{account}`")?;
        }
        write!(f, ": `{}` is ", self.column)?;
        if value.is_empty() { f.write_str("empty") } else { write!(f, "`{value}`") }?;
        write!(f, ", expected {rule}")
    }
}

fn lines<T: fmt::Display>(all: &[T]) -> String {
    all.iter().map(T::to_string).collect::<Vec<_>>().join("\n")
}
