//! The tables where simulated and real data meet, as values: one [`AccountHistory`] per account.
//!
//! [`schema`] is the only place where a column name is written; [`LogWriter`] and [`Log`] turn
//! histories into Parquet and back. What a type is worth is not here: that is the catalogue's.

mod check;
mod columns;
mod error;
mod flat;
mod projection;
mod read;
mod row;
pub mod schema;
mod words;
mod write;

pub use check::WRITABLE;
pub use columns::InteractionColumns;
pub use error::{Fault, FileProblem, TableError};
pub use flat::{ColumnData, FlatWriter, harmless, write_csv, write_table};
pub use projection::Projection;
pub use read::{Histories, Log, ReadAhead, UnreadAccount};
pub use row::{
    Account, Contact, CustomerValue, Details, Initiative, Interaction, LedgerEntry, Outcome,
    Placement, Staff, Survey, Truth,
};
pub use schema::Table;
pub use words::{
    Direction, Failure, LedgerComponent, RelationshipState, Stage, Status, UnknownWord,
    ValueAspect, ValueDirection,
};
pub use write::{LogWriter, WalkWriter};

const ACCOUNT_ONCE: &str = "an account id that occurs once";
const ACCOUNTS_ASCEND: &str = "an account id after that of the row before, in order of bytes";
const LISTED_OWNER: &str = "a member of `staff.parquet`";
const LISTED_INITIATIVE: &str = "an initiative of `initiatives.parquet`";

/// Everything the tables hold about one account; rows in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccountHistory {
    /// The account.
    pub account: Account,
    /// Its contacts, in order of id.
    pub contacts: Vec<Contact>,
    /// Names of the staff that its interactions refer to, each once.
    pub owners: Vec<String>,
    /// Names of the initiatives that its interactions refer to, each once.
    pub initiatives: Vec<String>,
    /// Its interactions, in order of occurrence.
    pub interactions: Vec<Interaction>,
    /// Its outcomes, in order of period.
    pub outcomes: Vec<Outcome>,
    /// Its survey rows, in order of asking.
    pub surveys: Vec<Survey>,
    /// Values that changed hands without money, in order of occurrence.
    pub ledger: Vec<LedgerEntry>,
    /// What the firm was worth to it, in order of period.
    pub customer_value: Vec<CustomerValue>,
    /// What only a simulation knows, in order of period; empty for real data.
    pub truth: Vec<Truth>,
}

impl AccountHistory {
    /// A history of `account` without any row.
    ///
    /// ```
    /// use rvq::interaction::{Account, AccountHistory, Interaction};
    ///
    /// let account = Account { id: "A1".to_owned(), ..Account::default() };
    /// let history = AccountHistory {
    ///     interactions: vec![Interaction { rv: Some(2.0), ..Interaction::default() }],
    ///     ..AccountHistory::empty(account)
    /// };
    /// assert_eq!(history.interactions.len(), 1);
    /// assert!(history.outcomes.is_empty());
    /// ```
    pub fn empty(account: Account) -> Self {
        Self { account, ..Self::default() }
    }
}

/// Number of rows in each table of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the tables")]
pub struct TableCounts {
    pub accounts: u64,
    pub contacts: u64,
    pub interactions: u64,
    pub outcomes: u64,
    pub surveys: u64,
    pub value_ledger: u64,
    pub customer_value: u64,
    pub truth: u64,
    pub staff: u64,
    pub initiatives: u64,
}

impl TableCounts {
    /// Number of rows in `table`.
    pub const fn of(&self, table: Table) -> u64 {
        match table {
            Table::Accounts => self.accounts,
            Table::Contacts => self.contacts,
            Table::Interactions => self.interactions,
            Table::Outcomes => self.outcomes,
            Table::Surveys => self.surveys,
            Table::ValueLedger => self.value_ledger,
            Table::CustomerValue => self.customer_value,
            Table::Truth => self.truth,
            Table::Staff => self.staff,
            Table::Initiatives => self.initiatives,
        }
    }

    /// The number of rows of every table, as `rows` tells it.
    fn from_each(rows: impl Fn(Table) -> u64) -> Self {
        Self {
            accounts: rows(Table::Accounts),
            contacts: rows(Table::Contacts),
            interactions: rows(Table::Interactions),
            outcomes: rows(Table::Outcomes),
            surveys: rows(Table::Surveys),
            value_ledger: rows(Table::ValueLedger),
            customer_value: rows(Table::CustomerValue),
            truth: rows(Table::Truth),
            staff: rows(Table::Staff),
            initiatives: rows(Table::Initiatives),
        }
    }

    fn add(&mut self, history: &AccountHistory) {
        self.accounts += 1;
        self.contacts += history.contacts.len() as u64;
        self.interactions += history.interactions.len() as u64;
        self.outcomes += history.outcomes.len() as u64;
        self.surveys += history.surveys.len() as u64;
        self.value_ledger += history.ledger.len() as u64;
        self.customer_value += history.customer_value.len() as u64;
        self.truth += history.truth.len() as u64;
    }
}
