//! Joins the tables of a log by account: each is read once, forward, in flat memory.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::PathBuf;

use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::super::check::{Way, check};
use super::super::error::{Fault, TableError};
use super::super::schema::{Table, column};
use super::super::{ACCOUNT_ONCE, ACCOUNTS_ASCEND, Account, AccountHistory, TableCounts};
use super::cells::{Around, Register, Scope};
use super::measures::{CustomerValueRows, LedgerRows, OutcomeRows, SurveyRows, TruthRows};
use super::rows::{AccountRows, ContactRows, InteractionRows, Rows};
use super::{decode, next_batch};
use crate::ids::TypeNames;

/// Iterator over the accounts of a [`Log`](super::Log).
#[derive(Debug)]
pub struct Histories {
    pub(super) types: TypeNames,
    /// Ids of all staff and of all initiatives, where the log lists them.
    pub(super) staff: Option<BTreeSet<String>>,
    pub(super) initiatives: Option<BTreeSet<String>>,
    pub(super) cursors: Cursors,
    pub(super) ended: bool,
}

/// A place in each table.
#[derive(Debug)]
pub(super) struct Cursors {
    pub(super) accounts: Cursor<AccountRows>,
    pub(super) contacts: Cursor<ContactRows>,
    pub(super) interactions: Cursor<InteractionRows>,
    pub(super) outcomes: Cursor<OutcomeRows>,
    pub(super) surveys: Cursor<SurveyRows>,
    pub(super) ledger: Cursor<LedgerRows>,
    pub(super) customer_value: Cursor<CustomerValueRows>,
    pub(super) truth: Cursor<TruthRows>,
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
        let mut around = Around {
            types: &self.types,
            contacts: Vec::new(),
            owners: Register::new(self.staff.as_ref()),
            initiatives: Register::new(self.initiatives.as_ref()),
            faults: std::mem::take(faults),
        };
        let history = self.cursors.next_history(&mut around);
        *faults = around.faults;
        history
    }
}

impl Cursors {
    fn next_history(&mut self, around: &mut Around<'_>) -> Result<Option<AccountHistory>, Stop> {
        let next = self.accounts.take_account(around)?;
        let id = next.as_ref().map(|next| next.id.as_str());
        // Without a next account, whatever rows are left have no account.
        let contacts = self.contacts.take(id, around)?;
        around.contacts = contacts.rows;
        let interactions = self.interactions.take(id, around)?;
        let outcomes = self.outcomes.take(id, around)?;
        let surveys = self.surveys.take(id, around)?;
        let ledger = self.ledger.take(id, around)?;
        let customer_value = self.customer_value.take(id, around)?;
        let truth = self.truth.take(id, around)?;
        let NextAccount { account, row, .. } = next.ok_or(Stop::Ended)?;
        let Some(account) = account else {
            return Ok(None);
        };
        let before = TableCounts {
            accounts: row,
            contacts: contacts.first,
            interactions: interactions.first,
            outcomes: outcomes.first,
            surveys: surveys.first,
            value_ledger: ledger.first,
            customer_value: customer_value.first,
            truth: truth.first,
            ..TableCounts::default()
        };
        let history = AccountHistory {
            account,
            contacts: std::mem::take(&mut around.contacts),
            owners: around.owners.take_names(),
            initiatives: around.initiatives.take_names(),
            interactions: interactions.rows,
            outcomes: outcomes.rows,
            surveys: surveys.rows,
            ledger: ledger.rows,
            customer_value: customer_value.rows,
            truth: truth.rows,
        };
        if around.faults.is_empty() {
            around.faults = check(&history, around.types.len(), &before, Way::In);
        }
        Ok(Some(history))
    }
}

/// The rows of one account in one table, and the place of the first (from 0).
struct Taken<T> {
    rows: Vec<T>,
    first: u64,
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
    /// First and last account that are read; absent where all are.
    within: Option<(String, String)>,
}

impl<R: Rows> Cursor<R> {
    /// A table that the log does not have.
    pub(super) fn empty() -> Self {
        Self {
            path: PathBuf::new(),
            batches: None,
            current: None,
            next: 0,
            passed: 0,
            last_account: None,
            within: None,
        }
    }

    /// The first row of the file at `path`.
    pub(super) fn new(path: PathBuf, batches: ParquetRecordBatchReader) -> Self {
        Self { path, batches: Some(batches), ..Self::empty() }
    }

    /// The first row of the accounts from `first` to `last` in the file at `path`, of which `batches` leave
    /// out `passed` rows.
    pub(super) fn between(
        path: PathBuf,
        batches: ParquetRecordBatchReader,
        passed: u64,
        (first, last): (&str, &str),
    ) -> Self {
        let within = Some((first.to_owned(), last.to_owned()));
        Self { passed, within, ..Self::new(path, batches) }
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
            self.skip_before();
        }
        Ok(!self.is_past())
    }

    /// Passes the rows of accounts before the first that is read.
    fn skip_before(&mut self) {
        let (Some(rows), Some((first, _))) = (&self.current, &self.within) else { return };
        let ids = rows.accounts();
        let before = |row: &usize| ids.get(*row).is_some_and(|id| id < first.as_str());
        self.next += (self.next..ids.len()).take_while(before).count();
    }

    /// Whether the next row belongs to an account after the last that is read.
    fn is_past(&self) -> bool {
        let (Some(rows), Some((_, last))) = (&self.current, &self.within) else { return false };
        rows.accounts().get(self.next).is_some_and(|id| id > last.as_str())
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
        around: &mut Around<'_>,
    ) -> Result<Taken<R::Row>, Stop> {
        let mut taken = Vec::new();
        let mut first = None;
        while self.load(around.types)?
            && let Some(rows) = &self.current
        {
            let id = rows.accounts().get(self.next).unwrap_or_default();
            let wanted = account.map_or(Ordering::Less, |account| id.cmp(account));
            match wanted {
                Ordering::Greater => break,
                Ordering::Less => {
                    let id = id.to_owned();
                    self.pass_orphan(&id, &mut around.faults)?;
                }
                Ordering::Equal if first.is_none() => {
                    first = Some(self.passed + self.next as u64);
                    let id = id.to_owned();
                    self.remember(&id);
                }
                Ordering::Equal => {
                    let place = self.passed + self.next as u64;
                    let mut scope =
                        Scope { table: R::TABLE, account: id, number: place + 1, around };
                    taken.extend(rows.row(self.next, &mut scope));
                    self.next += 1;
                }
            }
        }
        let first = first.unwrap_or(self.passed + self.next as u64);
        Ok(Taken { rows: taken, first })
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
    fn take_account(&mut self, around: &mut Around<'_>) -> Result<Option<NextAccount>, Stop> {
        while self.load(around.types)?
            && let Some(rows) = &self.current
        {
            let id = rows.accounts().get(self.next).unwrap_or_default().to_owned();
            let row = self.passed + self.next as u64;
            let rule = match self.order_of(&id) {
                _ if id.is_empty() => "a name",
                Ordering::Less => {
                    around.faults.push(self.fault(&id, ACCOUNTS_ASCEND));
                    return Err(Stop::Ended);
                }
                Ordering::Equal => ACCOUNT_ONCE,
                Ordering::Greater => {
                    let account = self.account(&id, row, around);
                    self.remember(&id);
                    self.next += 1;
                    return Ok(Some(NextAccount { id, row, account }));
                }
            };
            around.faults.push(self.fault(&id, rule));
            self.next += 1;
        }
        Ok(None)
    }

    fn account(&self, id: &str, row: u64, around: &mut Around<'_>) -> Option<Account> {
        let mut scope = Scope { table: Table::Accounts, account: id, number: row + 1, around };
        self.current.as_ref()?.row(self.next, &mut scope)
    }
}
