//! The interactions of one account as columns.

use super::AccountHistory;
use super::check::ColumnChecker;
use super::error::{Fault, TableError};
use super::schema::column;
use crate::ids::{ContactIndex, TypeIndex};
use crate::time::Instant;

/// The interactions of one account as columns of one length, known when they happened.
///
/// For whoever has columns: nothing is turned into rows on the way to the file.
#[derive(Debug, Clone, Copy)]
pub struct InteractionColumns<'a> {
    /// Positions of the contacts; absent where all rows are of the account.
    pub contact: Option<&'a [ContactIndex]>,
    /// What happened.
    pub kind: &'a [TypeIndex],
    /// When it happened, in order.
    pub occurred_at: &'a [Instant],
    /// Variable costs, where they override the catalogue's \[currency\].
    pub variable_cost: Option<&'a [f64]>,
}

impl InteractionColumns<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.kind.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.kind.is_empty()
    }

    /// Whether all columns are of one length.
    pub(super) fn check_lengths(&self) -> Result<(), TableError> {
        let expected = self.len();
        let lengths = [
            (column::OCCURRED_AT, Some(self.occurred_at.len())),
            (column::CONTACT_ID, self.contact.map(<[_]>::len)),
            (column::VARIABLE_COST, self.variable_cost.map(<[_]>::len)),
        ];
        for (name, length) in lengths {
            if let Some(got) = length.filter(|&length| length != expected) {
                return Err(TableError::ColumnLength { column: name.to_owned(), got, expected });
            }
        }
        Ok(())
    }

    /// Every broken rule; the account's first row is the `before`-th of the file (from 0).
    pub(super) fn check(&self, history: &AccountHistory, types: usize, before: u64) -> Vec<Fault> {
        let mut checker = ColumnChecker::new(history, before);
        checker.times(self.occurred_at);
        checker.kinds(self.kind, types);
        if let Some(contacts) = self.contact {
            checker.contacts(contacts);
        }
        if let Some(costs) = self.variable_cost {
            checker.costs(costs);
        }
        if !history.interactions.is_empty() {
            checker.rows_too(history.interactions.len());
        }
        checker.faults
    }
}
