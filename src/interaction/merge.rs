//! Joins the tables of a log by account: each is read once, forward, in flat memory.

use std::cmp::Ordering;
use std::path::PathBuf;

use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::check::check;
use super::error::{Fault, TableError};
use super::read::{decode, next_batch};
use super::rows::{
    AccountRows, ContactRows, InteractionRows, OutcomeRows, Rows, Scope, SurveyRows, TruthRows,
};
use super::schema::{Table, column};
use super::{ACCOUNT_ONCE, ACCOUNTS_ASCEND, Account, AccountHistory, Contact, TableCounts};
use crate::ids::TypeNames;

/// Iterator over the accounts of a [`Log`](super::Log).
#[derive(Debug)]
pub struct Histories {
    pub(super) types: TypeNames,
    pub(super) accounts: Cursor<AccountRows>,
    pub(super) contacts: Cursor<ContactRows>,
    pub(super) interactions: Cursor<InteractionRows>,
    pub(super) outcomes: Cursor<OutcomeRows>,
    pub(super) surveys: Cursor<SurveyRows>,
    pub(super) truth: Cursor<TruthRows>,
    pub(super) ended: bool,
}

impl Iterator for Histories {
    type Item = Result<AccountHistory, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut faults = Vec::new();
        let history = match self.next_history(&mut faults) {
            Ok(history) => history,
            Err(stop) => {
                self.ended = true;
                if let Stop::Failed(error) = stop {
                    return Some(Err(error));
                }
                None
            }
        };
        if faults.is_empty() { history.map(Ok) } else { Some(Err(TableError::Rows { faults })) }
    }
}

/// Why no account follows.
enum Stop {
    /// All were read, or what is left is out of order: then that is among the faults.
    Ended,
    /// A file could not be read.
    Failed(TableError),
}

impl Histories {
    /// The next account; absent when one of its cells is, which is then among the faults.
    fn next_history(&mut self, faults: &mut Vec<Fault>) -> Result<Option<AccountHistory>, Stop> {
        let types = &self.types;
        let next = self.accounts.take_account(types, faults)?;
        let id = next.as_ref().map(|next| next.id.as_str());
        // Without a next account, whatever rows are left have no account.
        let (contacts, first_contact) = self.contacts.take(id, &[], types, faults)?;
        let (interactions, first_interaction) =
            self.interactions.take(id, &contacts, types, faults)?;
        let (outcomes, first_outcome) = self.outcomes.take(id, &contacts, types, faults)?;
        let (surveys, first_survey) = self.surveys.take(id, &contacts, types, faults)?;
        let (truth, first_truth) = self.truth.take(id, &contacts, types, faults)?;
        let NextAccount { account, row, .. } = next.ok_or(Stop::Ended)?;
        let Some(account) = account else {
            return Ok(None);
        };
        let history = AccountHistory { account, contacts, interactions, outcomes, surveys, truth };
        if faults.is_empty() {
            let before = TableCounts {
                accounts: row,
                contacts: first_contact,
                interactions: first_interaction,
                outcomes: first_outcome,
                surveys: first_survey,
                truth: first_truth,
            };
            *faults = check(&history, types.len(), &before);
        }
        Ok(Some(history))
    }
}

/// A row of `accounts`: its id, its place (from 0), and all of it where no cell is missing.
struct NextAccount {
    id: String,
    row: u64,
    account: Option<Account>,
}

/// A place in one table, which moves forward only.
#[derive(Debug)]
pub(super) struct Cursor<R> {
    path: PathBuf,
    /// Absent when the log has no such table.
    batches: Option<ParquetRecordBatchReader>,
    current: Option<R>,
    /// Row in the current batch.
    next: usize,
    /// Rows before the current batch.
    passed: u64,
    last_account: Option<String>,
}

impl<R: Rows> Cursor<R> {
    /// The first row of the file at `path`.
    pub(super) fn new(path: PathBuf, batches: Option<ParquetRecordBatchReader>) -> Self {
        Self { path, batches, current: None, next: 0, passed: 0, last_account: None }
    }

    /// Makes sure that there is a next row in the current batch; false when the table has ended.
    fn load(&mut self, types: &TypeNames) -> Result<bool, Stop> {
        while self.current.as_ref().is_none_or(|rows| self.next >= rows.accounts().len()) {
            let Some(batches) = &mut self.batches else {
                return Ok(false);
            };
            let batch = decode(|| next_batch(batches)).map_err(|source| {
                Stop::Failed(TableError::Parquet { path: self.path.clone(), source })
            })?;
            let Some(batch) = batch else {
                return Ok(false);
            };
            self.passed += self.next as u64;
            self.next = 0;
            self.current = Some(R::new(&batch, types));
        }
        Ok(true)
    }

    /// Whether `id` comes after, is the same as or comes before the account of the rows before.
    fn order_of(&self, id: &str) -> Ordering {
        self.last_account.as_deref().map_or(Ordering::Greater, |last| id.cmp(last))
    }

    fn remember(&mut self, id: &str) {
        let last = self.last_account.get_or_insert_default();
        last.clear();
        last.push_str(id);
    }

    fn fault(&self, id: &str, rule: &'static str) -> Fault {
        Fault {
            table: R::TABLE,
            row: self.passed + self.next as u64 + 1,
            account: id.to_owned(),
            column: column::ACCOUNT_ID,
            value: id.to_owned(),
            rule,
        }
    }

    /// All rows of `account` and the place of the first (from 0).
    ///
    /// Rows on the way that belong to no account, which is all of them where `account` is absent,
    /// become faults: one for every account that is not there.
    fn take(
        &mut self,
        account: Option<&str>,
        contacts: &[Contact],
        types: &TypeNames,
        faults: &mut Vec<Fault>,
    ) -> Result<(Vec<R::Row>, u64), Stop> {
        let mut taken = Vec::new();
        let mut first = None;
        while self.load(types)?
            && let Some(rows) = &self.current
        {
            let id = rows.accounts().get(self.next).unwrap_or_default();
            let wanted = account.map_or(Ordering::Less, |account| id.cmp(account));
            match wanted {
                Ordering::Greater => break,
                Ordering::Less => {
                    let id = id.to_owned();
                    self.pass_orphan(&id, faults)?;
                }
                Ordering::Equal if first.is_none() => {
                    first = Some(self.passed + self.next as u64);
                    let id = id.to_owned();
                    self.remember(&id);
                }
                Ordering::Equal => {
                    let place = self.passed + self.next as u64;
                    let table = R::TABLE;
                    let mut scope =
                        Scope { table, account: id, number: place + 1, contacts, faults };
                    taken.extend(rows.row(self.next, &mut scope));
                    self.next += 1;
                }
            }
        }
        Ok((taken, first.unwrap_or(self.passed + self.next as u64)))
    }

    fn pass_orphan(&mut self, id: &str, faults: &mut Vec<Fault>) -> Result<(), Stop> {
        if id.is_empty() {
            faults.push(self.fault(id, "the id of an account"));
        } else {
            match self.order_of(id) {
                Ordering::Less => {
                    faults.push(self.fault(id, ACCOUNTS_ASCEND));
                    return Err(Stop::Ended);
                }
                // The rows before were the same account's, and said so.
                Ordering::Equal => {}
                Ordering::Greater => {
                    faults.push(self.fault(id, "an account of `accounts.parquet`"));
                    self.remember(id);
                }
            }
        }
        self.next += 1;
        Ok(())
    }
}

impl Cursor<AccountRows> {
    fn take_account(
        &mut self,
        types: &TypeNames,
        faults: &mut Vec<Fault>,
    ) -> Result<Option<NextAccount>, Stop> {
        while self.load(types)?
            && let Some(rows) = &self.current
        {
            let id = rows.accounts().get(self.next).unwrap_or_default().to_owned();
            let row = self.passed + self.next as u64;
            let rule = match self.order_of(&id) {
                _ if id.is_empty() => "a name",
                Ordering::Less => {
                    faults.push(self.fault(&id, ACCOUNTS_ASCEND));
                    return Err(Stop::Ended);
                }
                Ordering::Equal => ACCOUNT_ONCE,
                Ordering::Greater => {
                    let account = self.account(&id, row, faults);
                    self.remember(&id);
                    self.next += 1;
                    return Ok(Some(NextAccount { id, row, account }));
                }
            };
            faults.push(self.fault(&id, rule));
            self.next += 1;
        }
        Ok(None)
    }

    fn account(&self, id: &str, row: u64, faults: &mut Vec<Fault>) -> Option<Account> {
        let table = Table::Accounts;
        let mut scope = Scope { table, account: id, number: row + 1, contacts: &[], faults };
        self.current.as_ref()?.row(self.next, &mut scope)
    }
}
