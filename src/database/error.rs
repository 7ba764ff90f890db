//! Why a database could not be read, in words that help, and without the connection.

use std::error::Error as _;
use std::path::PathBuf;

use postgres::error::DbError;

use crate::diagnostic::Problems;

/// Why a database could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum DatabaseError {
    /// No connection is given.
    #[error(
        "the environment variable `{variable}` is not set, expected the connection to a PostgreSQL database, as in \
         `postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=require`"
    )]
    Unset { variable: String },
    /// What is given is no connection; it is not shown, because it may hold a password.
    #[error("the environment variable `{variable}` holds no connection that can be used: {reason}")]
    Unreadable { variable: String, reason: String },
    /// The server is not there, or does not let us in.
    #[error("no connection to the database of `{variable}` at {place}: {reason}")]
    Refused { variable: String, place: String, reason: String },
    /// Queries that the server does not understand; those of one connection at once.
    #[error("{0}")]
    Queries(Problems),
    /// A query that was understood, and failed.
    #[error("`{table}` cannot be read from the database: {reason}")]
    Rows { table: String, reason: String },
    /// A copy that cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

/// What the server says, or why nothing was heard from it.
pub(super) fn in_words(error: &postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said_in_words(said);
    }
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = inner.source();
    }
    words
}

fn said_in_words(said: &DbError) -> String {
    let more = [("", said.detail()), ("hint: ", said.hint())];
    let more = more.into_iter().filter_map(|(name, text)| Some(format!("; {name}{}", text?)));
    std::iter::once(format!("the server says: {}", said.message())).chain(more).collect()
}
