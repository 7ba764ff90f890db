//! Where the rows of a mapping come from: files inside the data folder, tables of a database, or queries over named
//! sources.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path};

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Check, WireBlock};
use crate::ingest::database::DatabaseTable;
use crate::ingest::mapping::{Delimiter, Origin, SourceFile};
use crate::ingest::query;
use crate::interaction::Table;

/// A source that `sql` names, where it takes more than its files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSource {
    source: Value,
    delimiter: Option<String>,
}

/// A source that is no file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDatabase {
    /// Environment variable that holds the connection.
    postgres: String,
    table: Option<String>,
    query: Option<String>,
}

impl Check {
    /// A source as a block, lookup or table of links names it.
    pub(super) fn file(
        &mut self,
        source: &Spanned<Value>,
        delimiter: Option<&Spanned<String>>,
    ) -> SourceFile {
        if let Value::Table(table) = source.get_ref() {
            if let Some(delimiter) = delimiter {
                self.add(
                    delimiter.span(),
                    "`delimiter` belongs to a file, not to a database",
                    None,
                );
            }
            let table = self.database(table, source.span());
            return SourceFile { name: table.name().to_owned(), origin: Origin::Database(table) };
        }
        let patterns = texts(source.get_ref()).unwrap_or_default();
        if patterns.is_empty() {
            let help =
                "write it as in `\"calls.csv\"`, `\"exports/2024-*.csv\"` or a list of these";
            self.add(source.span(), "`source` names no file", Some(help.to_owned()));
        }
        for pattern in patterns.iter().filter(|pattern| !stays_inside(pattern)) {
            self.add(
                source.span(),
                format!("`{pattern}` leaves the data folder"),
                Some("name a file inside the folder given with `--data`".to_owned()),
            );
        }
        let delimiter = delimiter.and_then(|text| match (text.as_ref().as_str(), text.span()) {
            ("whitespace", _) => Some(Delimiter::Whitespace),
            (one, _) if one.len() == 1 && one != "\"" && one != "\n" => {
                Some(Delimiter::Byte(one.as_bytes()[0]))
            }
            (other, span) => {
                let message = format!("`{other}` is no delimiter");
                let help = "one ASCII character such as `,`, `;` or `\\t`, or `whitespace`";
                self.add(span, message, Some(help.to_owned()));
                None
            }
        });
        SourceFile { name: patterns.join(", "), origin: Origin::Files { patterns, delimiter } }
    }

    /// A table of a database.
    fn database(&mut self, wire: &toml::Table, span: Range<usize>) -> DatabaseTable {
        const AS_IN: &str = "as in `source = { postgres = \"CRM_DATABASE\", table = \"crm.activity\" }`, or with `query = \"SELECT …\"` \
                             in place of `table`; `CRM_DATABASE` is an environment variable that holds the connection";
        let wire = match wire.clone().try_into::<WireDatabase>() {
            Ok(wire) => wire,
            Err(error) => {
                self.add(span, error.message(), Some(AS_IN.to_owned()));
                return DatabaseTable::table("", "");
            }
        };
        if !is_variable(&wire.postgres) {
            // What stands there may be a password: it is not shown.
            let message = "`postgres` is no name of an environment variable; the connection, with its password, \
                           is in that variable and not in the mapping";
            self.add(0..0, message, Some(AS_IN.to_owned()));
        }
        match (&wire.table, &wire.query) {
            (Some(name), None) if name.split('.').all(|part| !part.trim().is_empty()) => {
                DatabaseTable::table(&wire.postgres, name)
            }
            (None, Some(query)) if !query.trim().is_empty() => {
                let next = self.database_queries.len() + 1;
                let key = (wire.postgres.clone(), query.clone());
                let number = *self.database_queries.entry(key).or_insert(next);
                DatabaseTable::query(&wire.postgres, query, number)
            }
            _ => {
                let message = "a source in a database is one of `table` and `query`";
                self.add(span, message, Some(AS_IN.to_owned()));
                DatabaseTable::table("", "")
            }
        }
    }

    /// The sources that queries name: files, or a table with files and a delimiter.
    pub(super) fn named_sources(
        &mut self,
        wire: BTreeMap<Spanned<String>, Spanned<Value>>,
    ) -> BTreeMap<String, SourceFile> {
        let mut sources = BTreeMap::new();
        for (name, value) in wire {
            let file = match value.get_ref() {
                Value::Table(table) if !table.contains_key("postgres") => {
                    match table.clone().try_into::<WireSource>() {
                        Ok(wire) => {
                            let delimiter =
                                wire.delimiter.map(|text| Spanned::new(value.span(), text));
                            let source = Spanned::new(value.span(), wire.source);
                            self.file(&source, delimiter.as_ref())
                        }
                        Err(error) => {
                            let help = "as in `calls = { source = \"calls-*.csv\", delimiter = \";\" }`, or \
                                    `calls = { postgres = \"CRM_DATABASE\", table = \"crm.calls\" }`";
                            self.add(value.span(), error.message(), Some(help.to_owned()));
                            continue;
                        }
                    }
                }
                _ => self.file(&value, None),
            };
            sources.insert(name.into_inner(), file);
        }
        sources
    }

    /// Where the rows of a block come from: files, or the answer to a query, the `number`th of the mapping.
    pub(super) fn origin(
        &mut self,
        wire: &WireBlock,
        table: Table,
        number: usize,
    ) -> (SourceFile, Range<usize>) {
        match (&wire.source, &wire.sql) {
            (Some(source), None) => (self.file(source, wire.delimiter.as_ref()), source.span()),
            (None, Some(sql)) => {
                if let Some(delimiter) = &wire.delimiter {
                    let help = "as in `calls = { source = \"calls.csv\", delimiter = \";\" }` of `[sources]`";
                    let message = "`delimiter` belongs to a source, not to `sql`";
                    self.add(delimiter.span(), message, Some(help.to_owned()));
                }
                (query::unanswered(number), sql.span())
            }
            (Some(source), Some(_)) => {
                self.add(source.span(), "both `source` and `sql`, expected one of them", None);
                (query::unanswered(number), source.span())
            }
            (None, None) => {
                let help = format!("as in `[[{table}]]` with `source = \"{table}.csv\"`");
                self.add(
                    0..0,
                    format!("a block of {table} has neither `source` nor `sql`"),
                    Some(help),
                );
                (query::unanswered(number), 0..0)
            }
        }
    }
}

/// Whether a relative path stays inside the folder it starts from.
pub(super) fn stays_inside(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Whether `text` can be the name of an environment variable.
fn is_variable(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(|c: char| !c.is_ascii_digit()) && text.chars().all(is_part)
}

/// One text or a list of texts.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(all) => all.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}
