//! Keys of several systems that name one account or contact, as written, and their checks.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Check, Words};
use crate::diagnostic::nearest;
use crate::ingest::field::Field;
use crate::ingest::mapping::{LinkTable, Links};
use crate::interaction::Table;

/// `[links.account_id]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireLinks {
    precedence: Spanned<Vec<String>>,
    tables: Vec<WireLinkTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLinkTable {
    source: Spanned<Value>,
    delimiter: Option<Spanned<String>>,
    columns: Words,
}

impl Check {
    /// The links of accounts and contacts.
    pub(super) fn links(
        &mut self,
        wire: BTreeMap<Spanned<String>, WireLinks>,
    ) -> BTreeMap<Field, Links> {
        let mut links = BTreeMap::new();
        for (name, wire) in wire {
            let field = match name.get_ref().as_str() {
                "account_id" => Field::AccountId,
                "contact_id" => Field::ContactId,
                other => {
                    let help = "`[links.account_id]` or `[links.contact_id]`".to_owned();
                    self.add(name.span(), format!("`{other}` is not linked"), Some(help));
                    continue;
                }
            };
            let span = wire.precedence.span();
            let precedence = wire.precedence.into_inner();
            let twice = (1..precedence.len()).any(|at| precedence[..at].contains(&precedence[at]));
            let unnamed = precedence.iter().any(|key| key.is_empty() || key.contains(':'));
            if precedence.is_empty() || twice || unnamed {
                let message = "`precedence` names every key once, strongest first, without `:`";
                let help = "as in `precedence = [\"crm\", \"erp\", \"email\"]`";
                self.add(span, message, Some(help.to_owned()));
            }
            if wire.tables.iter().all(|table| table.columns.is_empty()) {
                let help = "as in `tables = [{ source = \"crosswalk.csv\", columns = { crm = \"Id\", erp = \"No\" } }]`";
                self.add(
                    name.span(),
                    "no table says which keys belong together",
                    Some(help.to_owned()),
                );
            }
            let mut tables = Vec::new();
            for table in wire.tables {
                let columns = self.by_key(table.columns, &precedence);
                tables.push(LinkTable {
                    file: self.file(&table.source, table.delimiter.as_ref()),
                    columns,
                });
            }
            links.insert(field, Links { precedence, tables });
        }
        links
    }

    /// Columns by the position of their key in `precedence`.
    fn by_key(&mut self, words: Words, precedence: &[String]) -> BTreeMap<usize, String> {
        let mut columns = BTreeMap::new();
        for (key, column) in words {
            if let Some(position) = precedence.iter().position(|name| name == key.get_ref()) {
                columns.insert(position, column.into_inner());
                continue;
            }
            let near = nearest(key.get_ref(), precedence.iter().map(String::as_str));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            self.add(key.span(), format!("`{}` is not in `precedence`", key.get_ref()), help);
        }
        columns
    }

    /// The keys of a block's rows.
    pub(super) fn keys(
        &mut self,
        wire: BTreeMap<Spanned<String>, Words>,
        table: Table,
        aggregated: bool,
    ) -> BTreeMap<Field, BTreeMap<usize, String>> {
        let mut keys = BTreeMap::new();
        for (name, words) in wire {
            let Some(field) = self.field(&name, table, aggregated) else { continue };
            let Some(precedence) = self.precedences.get(&field).cloned() else {
                let message = format!("no links say what the keys of `{}` name", field.name());
                let help = "declare `[links.account_id]` or `[links.contact_id]`";
                self.add(name.span(), message, Some(help.to_owned()));
                continue;
            };
            if words.is_empty() {
                let message = format!("`keys.{}` names no column", field.name());
                self.add(name.span(), message, None);
            }
            keys.insert(field, self.by_key(words, &precedence));
        }
        keys
    }
}
