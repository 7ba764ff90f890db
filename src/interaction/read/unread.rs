//! Accounts whose rows are found but still in columns: any thread may turn them into values.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::super::check::{Way, check};
use super::super::error::{Fault, TableError};
use super::super::{AccountHistory, TableCounts};
use super::cells::{Around, Scope};
use super::measures::{CustomerValueRows, LedgerRows, OutcomeRows, SurveyRows, TruthRows};
use super::rows::{AccountRows, ContactRows, InteractionRows, Rows};

/// One account of a [`Log`](super::Log), found but not yet read: `AccountHistory::try_from` reads it.
///
/// Finding accounts has to go forward; reading them may be shared among threads.
#[derive(Debug)]
pub struct UnreadAccount {
    pub(super) names: Arc<LogNames>,
    pub(super) pieces: Pieces,
    /// Broken rules on the way to its rows.
    pub(super) faults: Vec<Fault>,
    /// Why a file could not be read as far as this.
    pub(super) failure: Option<TableError>,
}

/// Names that belong to the whole log.
#[derive(Debug)]
pub(super) struct LogNames {
    /// Number of interaction types.
    pub(super) types: usize,
    /// Ids of all staff and of all initiatives, where the log lists them.
    pub(super) staff: Option<BTreeSet<String>>,
    pub(super) initiatives: Option<BTreeSet<String>>,
}

/// Rows of one account that follow each other in one batch of a table.
#[derive(Debug)]
pub(super) struct Slice<R> {
    pub(super) batch: Arc<R>,
    pub(super) rows: Range<usize>,
    /// Place of the first in the table, from 0.
    pub(super) first: u64,
}

/// Rows of one account in one table: nearly always they follow each other in one batch.
pub(super) type Piece<R> = SmallVec<[Slice<R>; 1]>;

/// The rows of one account in every table.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Id of the account; empty for rows without one after the last.
    pub(super) id: String,
    pub(super) account: Piece<AccountRows>,
    pub(super) contacts: Piece<ContactRows>,
    pub(super) interactions: Piece<InteractionRows>,
    pub(super) outcomes: Piece<OutcomeRows>,
    pub(super) surveys: Piece<SurveyRows>,
    pub(super) ledger: Piece<LedgerRows>,
    pub(super) customer_value: Piece<CustomerValueRows>,
    pub(super) truth: Piece<TruthRows>,
}

impl TryFrom<UnreadAccount> for AccountHistory {
    type Error = TableError;

    /// Reads the rows.
    ///
    /// # Errors
    ///
    /// [`TableError::Rows`] names every broken rule; [`TableError::Parquet`] where the files could not be read as
    /// far as this account.
    fn try_from(unread: UnreadAccount) -> Result<Self, TableError> {
        let UnreadAccount { names, pieces, faults, failure } = unread;
        if let Some(failure) = failure {
            return Err(failure);
        }
        let mut around = Around::new(names.staff.as_ref(), names.initiatives.as_ref(), faults);
        let history = pieces.read(&mut around);
        let mut faults = around.faults;
        // Those on the way came first.
        faults.sort_by_key(|fault| (fault.table as usize, fault.row));
        if let Some(history) = &history
            && faults.is_empty()
        {
            faults = check(history, names.types, &pieces.before(), Way::In);
        }
        history.filter(|_| faults.is_empty()).ok_or(TableError::Rows { faults })
    }
}

impl Pieces {
    /// The history; absent when a cell of the account's own row is.
    fn read(&self, around: &mut Around<'_>) -> Option<AccountHistory> {
        let id = self.id.as_str();
        let account = rows(&self.account, id, around).pop();
        around.contacts.all = rows(&self.contacts, id, around);
        let interactions = rows(&self.interactions, id, around);
        let outcomes = rows(&self.outcomes, id, around);
        let surveys = rows(&self.surveys, id, around);
        let ledger = rows(&self.ledger, id, around);
        let customer_value = rows(&self.customer_value, id, around);
        let truth = rows(&self.truth, id, around);
        Some(AccountHistory {
            account: account?,
            contacts: std::mem::take(&mut around.contacts.all),
            owners: around.owners.take_names(),
            initiatives: around.initiatives.take_names(),
            interactions,
            outcomes,
            surveys,
            ledger,
            customer_value,
            truth,
        })
    }

    /// Number of rows in each table before those of the account; of no meaning where it has none.
    fn before(&self) -> TableCounts {
        TableCounts {
            accounts: first(&self.account),
            contacts: first(&self.contacts),
            interactions: first(&self.interactions),
            outcomes: first(&self.outcomes),
            surveys: first(&self.surveys),
            value_ledger: first(&self.ledger),
            customer_value: first(&self.customer_value),
            truth: first(&self.truth),
            ..TableCounts::default()
        }
    }
}

fn first<R>(piece: &[Slice<R>]) -> u64 {
    piece.first().map_or(0, |slice| slice.first)
}

/// The rows of `piece`, which belong to the account `id`.
fn rows<R: Rows>(piece: &[Slice<R>], id: &str, around: &mut Around<'_>) -> Vec<R::Row> {
    let mut all = Vec::with_capacity(piece.iter().map(|slice| slice.rows.len()).sum());
    for slice in piece {
        around.enter_batch();
        for (row, number) in slice.rows.clone().zip(slice.first + 1..) {
            let mut scope = Scope { table: R::TABLE, account: id, number, around };
            if let Some(row) = slice.batch.row(row, &mut scope) {
                all.push(row);
            }
        }
    }
    all
}
