//! Which accounts and contacts the tables of a mapping share.

use serde::Serialize;

use super::column::Ids;
use crate::interaction::Table;

/// How the ids of one table are found in another one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JoinCheck {
    /// Table whose ids are looked up.
    pub from: String,
    /// Table in which they are looked up.
    pub to: String,
    /// `account_id` or `contact_id`.
    pub id: String,
    /// Distinct ids in `from`.
    pub ids: u64,
    /// Of them, those in `to`.
    pub found: u64,
    /// Rows of `from` whose id is not in `to`.
    pub rows_not_found: u64,
    /// Up to three ids that are not there.
    pub examples: Vec<String>,
}

impl JoinCheck {
    fn of<K: Ord>(
        (from, to): (Table, Table),
        id: &str,
        (ids, known): (&std::collections::BTreeMap<K, u64>, &std::collections::BTreeMap<K, u64>),
        text: impl Fn(&K) -> String,
    ) -> Self {
        let missing = || ids.iter().filter(|(id, _)| !known.contains_key(*id));
        let n_missing = missing().count();
        Self {
            from: from.name().to_owned(),
            to: to.name().to_owned(),
            id: id.to_owned(),
            ids: ids.len() as u64,
            found: (ids.len() - n_missing) as u64,
            rows_not_found: missing().map(|(_, rows)| rows).sum(),
            examples: missing().take(super::MOST_EXAMPLES).map(|(id, _)| text(id)).collect(),
        }
    }
}

impl Ids {
    /// Every table's accounts among those listed and the other way round, then contacts.
    pub(super) fn joins(&self) -> Vec<JoinCheck> {
        let mut joins = Vec::new();
        // Without a table of accounts, who has outcomes must still be who has interactions.
        let hub = if self.accounts.contains_key(&Table::Accounts) {
            Table::Accounts
        } else {
            Table::Interactions
        };
        if let Some(known) = self.accounts.get(&hub) {
            for (&table, ids) in self.accounts.iter().filter(|(table, _)| **table != hub) {
                for (from, to, ids, known) in [(table, hub, ids, known), (hub, table, known, ids)] {
                    let account = |id: &String| id.clone();
                    joins.push(JoinCheck::of((from, to), "account_id", (ids, known), account));
                }
            }
        }
        if let Some(known) = self.contacts.get(&Table::Contacts) {
            for (&table, ids) in self.contacts.iter().filter(|(t, _)| **t != Table::Contacts) {
                let contact =
                    |(account, contact): &(String, String)| format!("{contact} of {account}");
                let tables = (table, Table::Contacts);
                joins.push(JoinCheck::of(tables, "contact_id", (ids, known), contact));
            }
        }
        joins
    }
}
