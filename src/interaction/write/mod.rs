//! Writes histories as the Parquet files of a log, account by account, in flat memory.
//!
//! Files carry hidden names until [`LogWriter::finish`] renames them, the file that every reader
//! asks for first as the last: a run that was stopped leaves no folder that reads as a log.

mod cells;
mod listing;
mod rows;
mod table;
mod walks;

use std::fs::{self, File};
use std::path::Path;

use tempfile::TempPath;

use super::check::{Way, check, check_initiative, check_staff};
use super::error::{Fault, TableError};
use super::schema::{Table, column};
use super::{AccountHistory, Initiative, InteractionColumns, Staff, TableCounts};
use crate::ids::{InitiativeIndex, OwnerIndex, TypeNames};
use listing::Listing;
use table::TableWriter;

pub use walks::WalkWriter;

/// Writes a log, one account after another.
///
/// Dropping it without [`finish`](Self::finish) removes what was written.
#[derive(Debug)]
pub struct LogWriter {
    types: TypeNames,
    counts: TableCounts,
    last_account: Option<String>,
    owners: Listing,
    initiatives: Listing,
    files: Files,
}

/// The files of a log.
#[derive(Debug)]
struct Files {
    accounts: TableWriter,
    contacts: TableWriter,
    interactions: TableWriter,
    outcomes: TableWriter,
    surveys: TableWriter,
    ledger: TableWriter,
    customer_value: TableWriter,
    truth: TableWriter,
    staff: TableWriter,
    initiatives: TableWriter,
}

impl LogWriter {
    /// Starts a log in the folder `dir`, which is made if need be.
    ///
    /// - `types`: names that the interactions of all histories refer to.
    /// - `run_id`: written into the metadata of every file.
    ///
    /// # Errors
    ///
    /// [`TableError::Occupied`] when `dir` holds a table already; [`TableError::Io`] and
    /// [`TableError::Parquet`] when a file cannot be made.
    pub fn create(dir: &Path, types: &TypeNames, run_id: &str) -> Result<Self, TableError> {
        fs::create_dir_all(dir)
            .map_err(|source| TableError::Io { path: dir.to_owned(), source })?;
        let table = |table| TableWriter::create(dir, table, run_id, types);
        let files = Files {
            accounts: table(Table::Accounts)?,
            contacts: table(Table::Contacts)?,
            interactions: table(Table::Interactions)?,
            outcomes: table(Table::Outcomes)?,
            surveys: table(Table::Surveys)?,
            ledger: table(Table::ValueLedger)?,
            customer_value: table(Table::CustomerValue)?,
            truth: table(Table::Truth)?,
            staff: table(Table::Staff)?,
            initiatives: table(Table::Initiatives)?,
        };
        Ok(Self {
            types: types.clone(),
            counts: TableCounts::default(),
            last_account: None,
            owners: Listing::default(),
            initiatives: Listing::default(),
            files,
        })
    }

    /// Writes one account, whose id comes after that of the account before (in order of bytes).
    ///
    /// # Errors
    ///
    /// [`TableError::Rows`] names every broken rule of the account, of which nothing is then
    /// written; [`TableError::Parquet`] when a file cannot be written.
    pub fn write(&mut self, history: &AccountHistory) -> Result<(), TableError> {
        let mut faults: Vec<_> = self.order_fault(&history.account.id).into_iter().collect();
        faults.extend(check(history, self.types.len(), &self.counts, Way::Out));
        all_kept(faults)?;
        self.note_names(history);
        let n_rows = history.interactions.len();
        self.files.interactions.append(n_rows, |cells| rows::interactions(cells, history))?;
        self.write_rest(history)
    }

    /// Writes one account as [`write`](Self::write) does, with its interactions as columns:
    /// `history` has none.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); [`TableError::ColumnLength`] when the columns differ in length.
    pub fn write_columns(
        &mut self,
        history: &AccountHistory,
        columns: &InteractionColumns<'_>,
    ) -> Result<(), TableError> {
        columns.check_lengths()?;
        let types = self.types.len();
        let mut faults: Vec<_> = self.order_fault(&history.account.id).into_iter().collect();
        faults.extend(check(history, types, &self.counts, Way::Out));
        faults.extend(columns.check(history, types, self.counts.interactions));
        all_kept(faults)?;
        let n_rows = columns.len();
        self.files.interactions.append(n_rows, |cells| rows::columns(cells, history, columns))?;
        self.counts.interactions += n_rows as u64;
        self.write_rest(history)
    }

    /// Writes and counts what the tables hold of an account beside its interactions.
    fn write_rest(&mut self, history: &AccountHistory) -> Result<(), TableError> {
        let account = history.account.id.as_str();
        self.last_account = Some(account.to_owned());
        self.counts.add(history);
        let AccountHistory { contacts, outcomes, surveys, ledger, customer_value, truth, .. } =
            history;
        let files = &mut self.files;
        files.accounts.append(1, |cells| rows::account(cells, &history.account))?;
        files.contacts.append(contacts.len(), |cells| rows::contacts(cells, account, contacts))?;
        files.outcomes.append(outcomes.len(), |cells| rows::outcomes(cells, account, outcomes))?;
        files.surveys.append(surveys.len(), |cells| rows::surveys(cells, history, surveys))?;
        files.ledger.append(ledger.len(), |cells| rows::ledger(cells, history, ledger))?;
        files.customer_value.append(customer_value.len(), |cells| {
            rows::customer_value(cells, account, customer_value);
        })?;
        files.truth.append(truth.len(), |cells| rows::truth(cells, account, truth))
    }

    /// Writes one member of staff, whose id comes after that of the one before.
    ///
    /// Once one is written, every owner that interactions refer to has to be.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn write_staff(&mut self, staff: &Staff) -> Result<(), TableError> {
        all_kept(check_staff(staff, self.counts.staff, self.owners.last()))?;
        self.owners.list(&staff.id);
        self.counts.staff += 1;
        self.files.staff.append(1, |cells| rows::staff(cells, staff))
    }

    /// Writes one initiative, whose id comes after that of the one before.
    ///
    /// Once one is written, every initiative that interactions refer to has to be.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn write_initiative(&mut self, initiative: &Initiative) -> Result<(), TableError> {
        let (row, previous) = (self.counts.initiatives, self.initiatives.last());
        all_kept(check_initiative(initiative, row, previous))?;
        self.initiatives.list(&initiative.id);
        self.counts.initiatives += 1;
        self.files.initiatives.append(1, |cells| rows::initiative(cells, initiative))
    }

    fn note_names(&mut self, history: &AccountHistory) {
        let before = self.counts.interactions;
        self.owners.note(history, &history.owners, before, |row| {
            row.owner.map(|OwnerIndex(position)| position)
        });
        self.initiatives.note(history, &history.initiatives, before, |row| {
            row.initiative.map(|InitiativeIndex(position)| position)
        });
    }

    fn order_fault(&self, id: &str) -> Option<Fault> {
        let last = self.last_account.as_deref()?;
        let rule = match id.cmp(last) {
            std::cmp::Ordering::Greater => return None,
            std::cmp::Ordering::Equal => super::ACCOUNT_ONCE,
            std::cmp::Ordering::Less => super::ACCOUNTS_ASCEND,
        };
        Some(Fault {
            table: Table::Accounts,
            row: self.counts.accounts + 1,
            account: id.to_owned(),
            column: column::ACCOUNT_ID,
            value: id.to_owned(),
            rule,
        })
    }

    /// Completes all files and gives the number of rows in each.
    ///
    /// Tables that a log may lack are left out when they have no rows.
    ///
    /// # Errors
    ///
    /// [`TableError::Rows`] when interactions refer to staff or initiatives that are not listed
    /// though others are; [`TableError::Parquet`] and [`TableError::Io`] when a file cannot be
    /// completed.
    pub fn finish(self) -> Result<TableCounts, TableError> {
        let Self { counts, files, owners, initiatives, .. } = self;
        let mut faults = owners.faults(column::OWNER_ID, super::LISTED_OWNER);
        faults.extend(initiatives.faults(column::INITIATIVE_ID, super::LISTED_INITIATIVE));
        all_kept(faults)?;
        let complete: Vec<_> = files
            .in_order_of_need()
            .into_iter()
            .filter(|writer| writer.table.is_required() || counts.of(writer.table) > 0)
            .map(TableWriter::close)
            .collect::<Result<_, _>>()?;
        for (hidden, path) in complete {
            hidden.persist(&path).map_err(|error| TableError::Io { path, source: error.error })?;
        }
        Ok(counts)
    }
}

impl Files {
    /// Tables that a log may lack come first: without the others, they are no log.
    fn in_order_of_need(self) -> [TableWriter; Table::ALL.len()] {
        [
            self.staff,
            self.initiatives,
            self.surveys,
            self.ledger,
            self.customer_value,
            self.truth,
            self.contacts,
            self.interactions,
            self.outcomes,
            self.accounts,
        ]
    }
}

fn all_kept(faults: Vec<Fault>) -> Result<(), TableError> {
    if faults.is_empty() { Ok(()) } else { Err(TableError::Rows { faults }) }
}

/// A file beside `path` that goes under a hidden name until it is complete.
fn hidden_file(path: &Path) -> Result<(File, TempPath), TableError> {
    let io = |source| TableError::Io { path: path.to_owned(), source };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hidden = path.with_file_name(format!(".{name}.partial"));
    let file = File::create(&hidden).map_err(io)?;
    Ok((file, TempPath::try_from_path(hidden).map_err(io)?))
}
