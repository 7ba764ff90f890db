//! Why SQL could not be answered, in words that help whoever wrote it.

use datafusion::common::{Column, DataFusionError, SchemaError};
use datafusion::sql::sqlparser::parser::ParserError;

use crate::diagnostic::nearest;
use crate::ingest::IngestError;
use crate::interaction::TableError;
use crate::score::ScoreError;

/// Why SQL could not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum SqlError {
    /// The engine did not start.
    #[error("the SQL engine cannot start: {reason}")]
    Start { reason: String },
    /// A file is no table.
    #[error("`{path}` cannot be read as the table `{table}`: {reason}")]
    Table { table: String, path: String, reason: String },
    /// The query says what cannot be answered.
    #[error("SQL: {reason}")]
    Query { reason: String },
    /// The query was understood, and failed on the rows.
    #[error("SQL, on the way through the rows: {reason}")]
    Rows { reason: String },
    /// A query of a mapping whose answer would depend on more than its sources.
    #[error("SQL: `{function}` gives something else in every run, and a log must be the same")]
    NotRepeatable { function: String },
    /// The query does more than read.
    #[error("SQL: {reason}; a query may only read, as in `SELECT … FROM …`")]
    NotAQuery { reason: String },
    /// More memory is needed than was given.
    #[error("the memory limit does not suffice: {reason}; give more with `--memory`")]
    Memory { reason: String },
    /// A query of a mapping.
    #[error("{query} of the mapping: {error}")]
    InMapping { query: String, error: Box<SqlError> },
    /// A source of a mapping, or an answer that lacks a column.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The log cannot be scored.
    #[error(transparent)]
    Log(#[from] TableError),
    /// The catalogue does not fit the log.
    #[error(transparent)]
    Score(#[from] ScoreError),
}

impl SqlError {
    /// The error of the engine in words, where there are the tables `known`.
    pub(super) fn of(error: &DataFusionError, known: &[String]) -> Self {
        let reason = in_words(error);
        let reason = no_table(&reason, known).unwrap_or(reason);
        match root(error) {
            DataFusionError::ResourcesExhausted(_) => Self::Memory { reason },
            DataFusionError::Plan(text)
                if ["DDL not supported", "DML not supported", "Statement not supported"]
                    .iter()
                    .any(|refused| text.starts_with(refused)) =>
            {
                Self::NotAQuery { reason }
            }
            _ => Self::Query { reason },
        }
    }

    /// The error that a query ends with after it was understood.
    pub(super) fn of_rows(error: &DataFusionError) -> Self {
        match Self::of(error, &[]) {
            Self::Query { reason } => Self::Rows { reason },
            other => other,
        }
    }
}

/// The innermost error of the engine itself.
fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root(inner),
        DataFusionError::Shared(inner) => root(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(error, root),
        _ => error,
    }
}

/// What is wrong, with the nearest name where one is not known.
pub(super) fn in_words(error: &DataFusionError) -> String {
    match root(error) {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => no_column(field, valid_fields),
            other => other.to_string(),
        },
        DataFusionError::External(cause) => cause.to_string(),
        DataFusionError::ParquetError(cause) => cause.to_string(),
        DataFusionError::ArrowError(cause, _) => cause.to_string(),
        other => plain(other),
    }
}

/// A table that is not there, beside those that are.
fn no_table(reason: &str, known: &[String]) -> Option<String> {
    let name = reason.strip_prefix("table 'datafusion.public.")?.strip_suffix("' not found")?;
    let near = nearest(name, known.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    if known.is_empty() {
        return Some(format!("no table `{name}`, and there is none"));
    }
    Some(format!("no table `{name}`{near} (there are `{}`)", known.join("`, `")))
}

/// A column that is not there, beside those that are.
fn no_column(field: &Column, known: &[Column]) -> String {
    let near = nearest(&field.name, known.iter().map(|column| column.name.as_str()))
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let names: Vec<String> = known.iter().map(|column| format!("`{}`", column.name)).collect();
    let names =
        if names.is_empty() { String::new() } else { format!(" (there are {})", names.join(", ")) };
    format!("no column `{}`{near}{names}", field.name)
}

/// The message alone: without the name of its kind, a backtrace, and what the engine says of its own ways.
fn plain(error: &DataFusionError) -> String {
    let text = match error {
        DataFusionError::SQL(error, _) => match error.as_ref() {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
            ParserError::RecursionLimitExceeded => "it is nested too deeply".to_owned(),
        },
        other => other.message().into_owned(),
    };
    let text = text.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default();
    let own = text.split("coercion failed with: Error during planning: ").last().unwrap_or(text);
    own.split(". No function matches the given name").next().unwrap_or(own).trim().to_owned()
}
