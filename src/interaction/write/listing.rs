//! Names that histories refer to, against the table that lists them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::error::Fault;
use super::super::schema::Table;
use super::super::{AccountHistory, Interaction};

/// The ids of one list, and those that interactions refer to.
#[derive(Debug, Default)]
pub(super) struct Listing {
    listed: BTreeSet<String>,
    used: BTreeMap<String, FirstUse>,
}

/// Where a name was used first.
#[derive(Debug)]
struct FirstUse {
    account: String,
    /// Row in the file, from 1.
    row: u64,
}

impl Listing {
    /// Id of the row before.
    pub(super) fn last(&self) -> Option<&str> {
        self.listed.last().map(String::as_str)
    }

    pub(super) fn list(&mut self, id: &str) {
        self.listed.insert(id.to_owned());
    }

    /// Notes the `names` of a history whose first interaction is the `before`-th (from 0); `of`
    /// gives the position of an interaction's name among them.
    pub(super) fn note(
        &mut self,
        history: &AccountHistory,
        names: &[String],
        before: u64,
        of: impl Fn(&Interaction) -> Option<u16>,
    ) {
        for (position, name) in names.iter().enumerate() {
            if self.used.contains_key(name) {
                continue;
            }
            let refers = |row: &Interaction| of(row).is_some_and(|o| usize::from(o) == position);
            if let Some(row) = history.interactions.iter().position(refers) {
                let first =
                    FirstUse { account: history.account.id.clone(), row: before + row as u64 + 1 };
                self.used.insert(name.clone(), first);
            }
        }
    }

    /// A fault for every name that is used but not in the list; none where nothing is listed.
    pub(super) fn faults(&self, column: &'static str, rule: &'static str) -> Vec<Fault> {
        if self.listed.is_empty() {
            return Vec::new();
        }
        let unlisted = self.used.iter().filter(|(name, _)| !self.listed.contains(*name));
        unlisted
            .map(|(name, first)| Fault {
                table: Table::Interactions,
                row: first.row,
                account: first.account.clone(),
                column,
                value: name.clone(),
                rule,
            })
            .collect()
    }
}
