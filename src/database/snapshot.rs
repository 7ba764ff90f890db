//! Several tables of one database as they are at one instant, each written into a file.

use std::fs::File;
use std::io::{BufRead as _, BufWriter, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use postgres::error::{DbError, ErrorPosition, SqlState};
use postgres::{CopyOutReader, IsolationLevel, SimpleQueryMessage, Statement, Transaction};
use sha2::{Digest as _, Sha256};

use super::connection::Connection;
use super::error::{DatabaseError, in_words};
use crate::diagnostic::{Problems, Source, nearest};
use crate::ingest::{DatabaseTable, TableCopy};

/// How values are written, whatever role, database and server would have it; until the transaction ends.
const FORMATS: &str = "SET LOCAL DateStyle TO 'ISO'; SET LOCAL TimeZone TO 'UTC'; SET LOCAL extra_float_digits TO 3; \
                       SET LOCAL IntervalStyle TO 'iso_8601'; SET LOCAL bytea_output TO 'hex'";

/// Tables that a query could have meant.
const TABLES: &str = "SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c \
                      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' \
                      AND n.nspname !~ '^pg_' ORDER BY 1";

/// Writes the rows of each of `tables` into the file of the same position among `paths`.
pub(super) fn copy_all(
    connection: &Connection,
    tables: &[&DatabaseTable],
    paths: &[PathBuf],
) -> Result<Vec<TableCopy>, DatabaseError> {
    let mut client = connection.open()?;
    let lost = |error: postgres::Error| DatabaseError::Rows {
        table: connection.variable().to_owned(),
        reason: in_words(&error),
    };
    let mut snapshot = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .map_err(lost)?;
    snapshot.batch_execute(FORMATS).map_err(lost)?;
    let mut problems = Problems::default();
    let mut queries = Vec::with_capacity(tables.len());
    for table in tables {
        match understood(&mut snapshot, table, &mut problems) {
            Ok(query) => queries.push(query),
            Err(error) => return Err(failed(table, &error)),
        }
    }
    problems.into_result(()).map_err(DatabaseError::Queries)?;
    let mut copies = Vec::with_capacity(tables.len());
    for ((table, query), path) in tables.iter().zip(queries.into_iter().flatten()).zip(paths) {
        copies.push(query.copy(&mut snapshot, table, path)?);
    }
    Ok(copies)
}

fn failed(table: &DatabaseTable, error: &postgres::Error) -> DatabaseError {
    DatabaseError::Rows { table: table.name().to_owned(), reason: in_words(error) }
}

/// The statement that copies a query, and where the query begins in it.
struct CopyQuery {
    text: String,
    shift: usize,
}

/// The query of `table` as one statement by itself, which the server understands; else none, and the problem is noted.
fn understood(
    snapshot: &mut Transaction<'_>,
    table: &DatabaseTable,
    problems: &mut Problems,
) -> Result<Option<CopyQuery>, postgres::Error> {
    // A query that fails undoes nothing but its own attempt.
    let mut attempt = snapshot.transaction()?;
    let prepared = attempt.prepare(table.statement());
    match prepared {
        Ok(statement) => match no_query(&statement) {
            None => return attempt.commit().map(|()| Some(CopyQuery::of(table, &statement))),
            Some(message) => {
                let source = source(table, problems);
                problems.add(source, 0..table.statement().len(), message, None);
            }
        },
        Err(error) => {
            let Some(said) = error.as_db_error() else { return Err(error) };
            attempt.rollback()?;
            let help = match said.hint() {
                Some(hint) => Some(hint.to_owned()),
                None => likely_table(snapshot, said)?,
            };
            note(table, said, (0, help), problems);
            return Ok(None);
        }
    }
    attempt.rollback()?;
    Ok(None)
}

/// Why a statement gives no rows that could be read.
fn no_query(statement: &Statement) -> Option<&'static str> {
    if !statement.params().is_empty() {
        Some("the query has parameters, and nothing fills them")
    } else if statement.columns().is_empty() {
        Some("this gives no columns, expected a query as in `SELECT … FROM …`")
    } else {
        None
    }
}

fn source(table: &DatabaseTable, problems: &mut Problems) -> usize {
    problems.add_source(Source::new(table.name(), table.statement()))
}

/// Notes what the server says of the query of `table`, which begins `shift` characters behind the start of what it was
/// told.
fn note(
    table: &DatabaseTable,
    said: &DbError,
    (shift, help): (usize, Option<String>),
    problems: &mut Problems,
) {
    let text = table.statement();
    let span = match said.position() {
        Some(ErrorPosition::Original(position)) => {
            word_at(text, (*position as usize).saturating_sub(1).saturating_sub(shift))
        }
        _ => 0..text.len(),
    };
    let detail = said.detail().map(|detail| format!("; {detail}")).unwrap_or_default();
    let source = source(table, problems);
    problems.add(source, span, format!("the server says: {}{detail}", said.message()), help);
}

/// Bytes of the word that begins at the character `position`.
fn word_at(text: &str, position: usize) -> Range<usize> {
    let start = text.char_indices().nth(position).map_or(text.len(), |(at, _)| at);
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '$');
    let length = text[start..].find(|c| !is_word(c)).unwrap_or(text.len() - start);
    start..(start + length.max(1)).min(text.len())
}

/// The table most like one that is not there.
fn likely_table(
    snapshot: &mut Transaction<'_>,
    said: &DbError,
) -> Result<Option<String>, postgres::Error> {
    if *said.code() != SqlState::UNDEFINED_TABLE {
        return Ok(None);
    }
    let Some(name) = said.message().split('"').nth(1) else { return Ok(None) };
    let rows = snapshot.simple_query(TABLES)?;
    let names = rows.iter().filter_map(|row| match row {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let names = names.flat_map(|name| [Some(name), name.split_once('.').map(|(_, own)| own)]);
    Ok(nearest(name, names.flatten()).map(|near| format!("did you mean `{near}`?")))
}

impl CopyQuery {
    fn of(table: &DatabaseTable, statement: &Statement) -> Self {
        // A comment may end the query, so it ends in a line of its own.
        let start = "COPY (\n";
        let end = "\n) TO STDOUT WITH (FORMAT csv, HEADER)";
        let query = table.statement();
        match statement.columns() {
            // A row of one absent value would be an empty line, which is none.
            [only] => {
                let name = format!("\"{}\"", only.name().replace('"', "\"\""));
                let start = format!("COPY (SELECT coalesce({name}::text, '') AS {name} FROM (\n");
                let shift = start.chars().count();
                let end = end.replacen(')', ") AS one)", 1);
                Self { text: format!("{start}{query}{end}"), shift }
            }
            _ => Self { text: format!("{start}{query}{end}"), shift: start.chars().count() },
        }
    }

    /// Writes the rows into the file `path`.
    fn copy(
        &self,
        snapshot: &mut Transaction<'_>,
        table: &DatabaseTable,
        path: &Path,
    ) -> Result<TableCopy, DatabaseError> {
        let rows = snapshot.copy_out(&self.text).map_err(|error| match error.as_db_error() {
            Some(said) => {
                let mut problems = Problems::default();
                let help = said.hint().map(str::to_owned);
                note(table, said, (self.shift, help), &mut problems);
                DatabaseError::Queries(problems)
            }
            None => failed(table, &error),
        })?;
        write(rows, table, path)
    }
}

fn write(
    mut rows: CopyOutReader<'_>,
    table: &DatabaseTable,
    path: &Path,
) -> Result<TableCopy, DatabaseError> {
    let unwritten = |source| DatabaseError::Write { path: path.to_owned(), source };
    let mut file = BufWriter::with_capacity(1 << 16, File::create(path).map_err(unwritten)?);
    let mut hash = Sha256::new();
    loop {
        let piece = rows.fill_buf().map_err(|error| {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<postgres::Error>());
            let reason = cause.map_or_else(|| error.to_string(), in_words);
            DatabaseError::Rows { table: table.name().to_owned(), reason }
        })?;
        if piece.is_empty() {
            break;
        }
        hash.update(piece);
        file.write_all(piece).map_err(unwritten)?;
        let length = piece.len();
        rows.consume(length);
    }
    file.flush().map_err(unwritten)?;
    Ok(TableCopy { path: path.to_owned(), sha256: hash.finalize().into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_by_its_characters() {
        let text = "SELECT 'ü', crm.x\nFROM t";
        assert_eq!(&text[word_at(text, 12)], "crm.x");
        assert_eq!(&text[word_at(text, 7)], "'");
        assert_eq!(word_at(text, 99), text.len()..text.len());
    }
}
