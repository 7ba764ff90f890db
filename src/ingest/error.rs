//! Why an ingest ends without tables.

use std::fmt;
use std::path::{Path, PathBuf};

use super::ledger::{IngestReport, printable};
use crate::diagnostic::Problems;
use crate::interaction::{Table, TableError};

/// Why an ingest ends without tables.
///
/// [`IngestError::Mapping`], [`IngestError::UnreadableMapping`], [`IngestError::Occupied`] and
/// [`IngestError::Exists`] are mistakes in what the user wrote (exit code 2); the others are broken promises of the data (exit
/// code 3).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum IngestError {
    /// The mapping or its catalogue cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    UnreadableMapping { path: PathBuf, source: std::io::Error },
    /// The mapping or its catalogue is wrong; all problems at once.
    #[error("{0}")]
    Mapping(Problems),
    /// Sources that cannot be read or lack what the mapping promises; all at once.
    #[error("{0}")]
    Sources(SourceProblems),
    /// A source has more rejected rows than allowed; carries the ledger.
    #[error("{}", too_many(report))]
    TooManyRejected { report: Box<IngestReport> },
    /// Rows beyond the memory cannot be put on disk or read back.
    #[error("cannot sort the rows on disk: {0}")]
    Sorting(#[from] std::io::Error),
    /// A mapping with queries that nobody has answered.
    #[error("the mapping asks for SQL, which nobody has answered")]
    Unanswered,
    /// A mapping with tables of a database that nobody has copied.
    #[error("the mapping reads a database, from which nobody has copied")]
    NotCopied,
    /// A log may only be written where there is nothing.
    #[error("`{}` is already there, expected a new folder", path.display())]
    Occupied { path: PathBuf },
    /// Nothing is overwritten.
    #[error("`{}` is already there, and nothing is overwritten: move it, or name another file with `--out`", path.display())]
    Exists { path: PathBuf },
    /// A log cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// A table of a log cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
}

fn too_many(report: &IngestReport) -> String {
    let sources: Vec<String> = report
        .over_limit()
        .map(|source| {
            format!(
                "`{}` ({}): {} of {} rows rejected, {:.2} %, more than the {:.2} % that \
                 `max_rejected` allows",
                source.source,
                source.table,
                source.n_rejected(),
                source.read,
                100.0 * source.rejected_share(),
                100.0 * report.max_rejected
            )
        })
        .collect();
    sources.join("\n")
}

/// All that is wrong with the sources of one ingest.
#[derive(Debug)]
pub struct SourceProblems(Vec<SourceError>);

impl SourceProblems {
    /// Each problem once: two blocks may read the same source.
    pub(super) fn new(problems: Vec<SourceError>) -> Self {
        let mut once: Vec<SourceError> = Vec::with_capacity(problems.len());
        for problem in problems {
            if !once.contains(&problem) {
                once.push(problem);
            }
        }
        Self(once)
    }

    /// An ingest that ends for one problem.
    pub(super) fn one(problem: SourceError) -> IngestError {
        IngestError::Sources(Self(vec![problem]))
    }

    /// The problems, in the order of the mapping.
    pub fn as_slice(&self) -> &[SourceError] {
        &self.0
    }
}

impl fmt::Display for SourceProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// Why one source cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum SourceError {
    /// No such file in the data folder.
    #[error("`{}` is not in the data folder `{}`", printable(file), shown(folder))]
    Missing { file: String, folder: PathBuf },
    /// No file fits a pattern.
    #[error("no file in the data folder `{}` matches `{}`", shown(folder), printable(pattern))]
    NoMatch { pattern: String, folder: PathBuf },
    /// A link that leads out of the data folder.
    #[error(
        "`{}` leads out of the data folder `{}`: copy it in, links are followed inside it only",
        printable(file),
        shown(folder)
    )]
    Outside { file: String, folder: PathBuf },
    /// A file that two entries of one source name.
    #[error(
        "`{}` is named twice, by `{}` and by `{}`: its rows would count twice",
        printable(file),
        printable(first),
        printable(second)
    )]
    Twice { file: String, first: String, second: String },
    /// Nothing in it.
    #[error("`{}` is empty, expected a header and rows", printable(file))]
    Empty { file: String },
    /// A header, but no row.
    #[error("`{}` has no rows", printable(file))]
    NoRows { file: String },
    /// Broken, or not of its format.
    #[error("`{}` cannot be read: {}", printable(file), printable(reason))]
    Unreadable { file: String, reason: String },
    /// Lacks a column that the mapping names.
    #[error("`{}` has no column `{}`{}", printable(file), printable(column), printable(&suggestion(nearest.as_ref(), known)))]
    MissingColumn { file: String, column: String, nearest: Option<String>, known: Vec<String> },
    /// Two columns with one name.
    #[error("`{}` has two columns named `{}`", printable(file), printable(column))]
    DuplicateColumn { file: String, column: String },
    /// A column type that is not read.
    #[error(
        "column `{}` of `{}` has type {data_type}, which cannot be mapped",
        printable(column),
        printable(file)
    )]
    UnsupportedColumn { file: String, column: String, data_type: String },
    /// The answer to a query lacks what its table needs.
    #[error(
        "`{query}` gives {} without `{needed}`, which {table} need: name it so, or add it to `columns` (the answer has {})",
        table.name(),
        printable(&given.join(", "))
    )]
    QueryLacks { query: String, table: Table, needed: String, given: Vec<String> },
    /// Not what it was when it was opened.
    #[error("`{}` changed while it was read: read it again", printable(file))]
    Changed { file: String },
    /// A lookup key that is not unique.
    #[error(
        "row {row} of `{}`: key `{}` occurs twice in column `{}`",
        printable(file),
        printable(key),
        printable(column)
    )]
    DuplicateKey { file: String, column: String, key: String, row: u64 },
}

impl SourceError {
    /// Ends the reading of a source for a reason that is told elsewhere.
    pub(super) fn stopped() -> Self {
        Self::Unreadable { file: String::new(), reason: String::new() }
    }
}

fn shown(folder: &Path) -> String {
    printable(&folder.display().to_string())
}

fn suggestion(nearest: Option<&String>, known: &[String]) -> String {
    if let [header] = known
        && let Some(sign) = [';', '\t', '|', ','].into_iter().find(|&sign| header.contains(sign))
    {
        let sign = sign.escape_default();
        return format!(
            ": its header is one name, `{header}`; is it cut by `{sign}`? Write \
             `delimiter = \"{sign}\"` into the block"
        );
    }
    match nearest {
        Some(near) => format!(": did you mean `{near}`?"),
        None if known.len() == 1 => format!(": it has only `{}`", known[0]),
        None => format!(": it has {}", known.join(", ")),
    }
}
