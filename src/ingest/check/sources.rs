//! Where the rows of a mapping come from: files inside the data folder, or queries over named sources.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path};

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Check, WireBlock};
use crate::ingest::mapping::{Delimiter, SourceFile};
use crate::ingest::query;
use crate::interaction::Table;

/// A source that `sql` names, where it takes more than its files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSource {
    source: Value,
    delimiter: Option<String>,
}

impl Check {
    pub(super) fn file(
        &mut self,
        source: &Spanned<Value>,
        delimiter: Option<&Spanned<String>>,
    ) -> SourceFile {
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
        SourceFile { name: patterns.join(", "), patterns, delimiter, answer: None }
    }

    /// The sources that queries name: files, or a table with files and a delimiter.
    pub(super) fn named_sources(
        &mut self,
        wire: BTreeMap<Spanned<String>, Spanned<Value>>,
    ) -> BTreeMap<String, SourceFile> {
        let mut sources = BTreeMap::new();
        for (name, value) in wire {
            let file = match value.get_ref() {
                Value::Table(table) => match table.clone().try_into::<WireSource>() {
                    Ok(wire) => {
                        let delimiter = wire.delimiter.map(|text| Spanned::new(value.span(), text));
                        let source = Spanned::new(value.span(), wire.source);
                        self.file(&source, delimiter.as_ref())
                    }
                    Err(error) => {
                        let help =
                            "as in `calls = { source = \"calls-*.csv\", delimiter = \";\" }`";
                        self.add(value.span(), error.message(), Some(help.to_owned()));
                        continue;
                    }
                },
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

/// One text or a list of texts.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(all) => all.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}
