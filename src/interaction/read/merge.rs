//! Joins the tables of a log by account: each is read once, forward, in flat memory.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::error::{Fault, TableError};
use super::super::schema::column;
use super::super::{ACCOUNT_ONCE, ACCOUNTS_ASCEND, AccountHistory};
use super::ahead::ReadAhead;
use super::batches::Batches;
use super::measures::{CustomerValueRows, LedgerRows, OutcomeRows, SurveyRows, TruthRows};
use super::rows::{AccountRows, ContactRows, InteractionRows, Rows};
use super::unread::{LogNames, Piece, Pieces, Slice, UnreadAccount};

/// Iterator over the accounts of a [`Log`](super::Log).
#[derive(Debug)]
pub struct Histories {
    names: Arc<LogNames>,
    cursors: Cursors,
    ended: bool,
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
        self.next_unread().map(AccountHistory::try_from)
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
    pub(super) fn new(names: LogNames, cursors: Cursors) -> Self {
        Self { names: Arc::new(names), cursors, ended: false }
    }

    /// The same accounts in the same order, read on another thread; dropping the iterator ends it.
    pub fn read_ahead(self) -> ReadAhead<Result<AccountHistory, TableError>> {
        ReadAhead::of(self, ACCOUNTS_PER_CHUNK, CHUNKS_WAITING)
    }

    /// The same accounts in the same order, each to be read by whoever gets it.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::{ids::TypeNames, interaction::{Account, AccountHistory, Log, LogWriter}};
    /// let folder = tempfile::tempdir()?;
    /// let mut writer = LogWriter::create(folder.path(), &TypeNames::default(), "example")?;
    /// writer.write(&AccountHistory::empty(Account { id: "A".to_owned(), ..Account::default() }))?;
    /// writer.finish()?;
    /// for unread in Log::open(folder.path())?.histories()?.unread() {
    ///     assert_eq!(AccountHistory::try_from(unread)?.account.id, "A");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unread(mut self) -> impl Iterator<Item = UnreadAccount> + Send {
        std::iter::from_fn(move || self.next_unread())
    }

    /// [`unread`](Self::unread), decoded and found on other threads; dropping the iterator ends them.
    pub fn unread_ahead(mut self) -> ReadAhead<UnreadAccount> {
        self.cursors.interactions.batches.go_ahead();
        ReadAhead::of(self.unread(), ACCOUNTS_PER_CHUNK, CHUNKS_WAITING)
    }

    fn next_unread(&mut self) -> Option<UnreadAccount> {
        if self.ended {
            return None;
        }
        let mut pieces = Pieces::default();
        let mut faults = Vec::new();
        let stop = self.cursors.next_account(&mut pieces, &mut faults).err();
        self.ended = stop.is_some();
        let failure = match stop {
            Some(Stop::Ended) if faults.is_empty() => return None,
            Some(Stop::Failed(error)) => Some(error),
            _ => None,
        };
        Some(UnreadAccount { names: Arc::clone(&self.names), pieces, faults, failure })
    }
}

/// Accounts handed over at a time.
const ACCOUNTS_PER_CHUNK: usize = 64;

/// Chunks of accounts that may wait: this bounds the memory.
const CHUNKS_WAITING: usize = 4;

impl Cursors {
    /// Adds the rows of the next account to `pieces`.
    fn next_account(&mut self, pieces: &mut Pieces, faults: &mut Vec<Fault>) -> Result<(), Stop> {
        let next = self.accounts.take_account(&mut pieces.account, faults)?;
        pieces.id = next.clone().unwrap_or_default();
        // Without a next account, whatever rows are left have no account.
        let id = next.as_deref();
        self.contacts.take(id, &mut pieces.contacts, faults)?;
        self.interactions.take(id, &mut pieces.interactions, faults)?;
        self.outcomes.take(id, &mut pieces.outcomes, faults)?;
        self.surveys.take(id, &mut pieces.surveys, faults)?;
        self.ledger.take(id, &mut pieces.ledger, faults)?;
        self.customer_value.take(id, &mut pieces.customer_value, faults)?;
        self.truth.take(id, &mut pieces.truth, faults)?;
        next.map(|_| ()).ok_or(Stop::Ended)
    }
}

/// A place in one table, which moves forward only.
#[derive(Debug)]
pub(super) struct Cursor<R> {
    batches: Batches<R>,
    current: Option<Arc<R>>,
    /// Row in the current batch.
    next: usize,
    /// Rows before the current batch.
    passed: u64,
    last_account: Option<String>,
    /// First and last account that are read; absent where all are.
    within: Option<(String, String)>,
}

impl<R: Rows> Cursor<R> {
    /// The first row of `batches`.
    pub(super) fn new(batches: Batches<R>) -> Self {
        Self { batches, current: None, next: 0, passed: 0, last_account: None, within: None }
    }

    /// The first row of the accounts from `first` to `last` in `batches`, which leave out `passed` rows.
    pub(super) fn between(batches: Batches<R>, passed: u64, (first, last): (&str, &str)) -> Self {
        let within = Some((first.to_owned(), last.to_owned()));
        Self { passed, within, ..Self::new(batches) }
    }

    /// The current batch, in which there is a next row; absent when the table has ended.
    fn load(&mut self) -> Result<Option<Arc<R>>, Stop> {
        while self.current.as_ref().is_none_or(|rows| self.next >= rows.accounts().len()) {
            let Some(batch) = self.batches.next() else {
                return Ok(None);
            };
            self.passed += self.next as u64;
            self.next = 0;
            self.current = Some(Arc::new(batch.map_err(Stop::Failed)?));
            self.skip_before();
        }
        Ok(self.current.clone().filter(|rows| !self.is_past(rows)))
    }

    /// Passes the rows of accounts before the first that is read.
    fn skip_before(&mut self) {
        let (Some(rows), Some((first, _))) = (&self.current, &self.within) else { return };
        let ids = rows.accounts();
        let before = |row: &usize| ids.get(*row).is_some_and(|id| id < first.as_str());
        self.next += (self.next..ids.len()).take_while(before).count();
    }

    /// Whether the next row belongs to an account after the last that is read.
    fn is_past(&self, rows: &R) -> bool {
        let Some((_, last)) = &self.within else { return false };
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

    /// Place of the next row in the table, from 0.
    fn place(&self) -> u64 {
        self.passed + self.next as u64
    }

    fn fault(&self, id: &str, rule: &'static str) -> Fault {
        Fault {
            table: R::TABLE,
            row: self.place() + 1,
            account: id.to_owned(),
            column: column::ACCOUNT_ID,
            value: id.to_owned(),
            rule,
        }
    }

    /// Adds all rows of `account` to `piece`.
    ///
    /// Rows on the way that belong to no account, which is all of them where `account` is absent,
    /// become faults: one for every account that is not there.
    fn take(
        &mut self,
        account: Option<&str>,
        piece: &mut Piece<R>,
        faults: &mut Vec<Fault>,
    ) -> Result<(), Stop> {
        while let Some(rows) = self.load()? {
            let id = rows.accounts().get(self.next).unwrap_or_default();
            match account.map_or(Ordering::Less, |account| id.cmp(account)) {
                Ordering::Greater => break,
                Ordering::Less => self.pass_orphan(id, faults)?,
                Ordering::Equal => {
                    self.remember(id);
                    let end = rows.accounts().end_of_run(self.next);
                    piece.push(self.slice(&rows, end));
                }
            }
        }
        Ok(())
    }

    /// The rows up to `end` of the current batch, which are then passed.
    fn slice(&mut self, rows: &Arc<R>, end: usize) -> Slice<R> {
        let first = self.place();
        let range = std::mem::replace(&mut self.next, end)..end;
        Slice { batch: Arc::clone(rows), rows: range, first }
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
    /// The next account, whose row is added to `piece`.
    fn take_account(
        &mut self,
        piece: &mut Piece<AccountRows>,
        faults: &mut Vec<Fault>,
    ) -> Result<Option<String>, Stop> {
        while let Some(rows) = self.load()? {
            let id = rows.accounts().get(self.next).unwrap_or_default();
            let rule = match self.order_of(id) {
                _ if id.is_empty() => "a name",
                Ordering::Less => {
                    faults.push(self.fault(id, ACCOUNTS_ASCEND));
                    return Err(Stop::Ended);
                }
                Ordering::Equal => ACCOUNT_ONCE,
                Ordering::Greater => {
                    self.remember(id);
                    piece.push(self.slice(&rows, self.next + 1));
                    return Ok(Some(id.to_owned()));
                }
            };
            faults.push(self.fault(id, rule));
            self.next += 1;
        }
        Ok(None)
    }
}
