//! The tables where simulated and real data meet, as values: one [`AccountHistory`] per account.
//!
//! [`schema`] is the only place where a column name is written; [`LogWriter`] and [`Log`] turn
//! histories into Parquet and back. What a type is worth is not here: that is the catalogue's.

mod check;
mod error;
mod flat;
mod merge;
mod read;
mod rows;
pub mod schema;
mod write;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{ContactIndex, TypeIndex};
use crate::time::Instant;

pub use error::{Fault, FileProblem, TableError};
pub use flat::{ColumnData, harmless, write_csv, write_table};
pub use merge::Histories;
pub use read::Log;
pub use schema::Table;
pub use write::LogWriter;

const ACCOUNT_ONCE: &str = "an account id that occurs once";
const ACCOUNTS_ASCEND: &str = "an account id after that of the row before, in order of bytes";

/// The three phases of a relationship.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Before there is an opportunity.
    Acquisition,
    /// From opportunity to signed contract.
    Closing,
    /// From signed contract on.
    Retention,
}

impl Stage {
    /// All stages, in the order of a relationship.
    pub const ALL: [Self; 3] = [Self::Acquisition, Self::Closing, Self::Retention];

    /// Name as written in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acquisition => "acquisition",
            Self::Closing => "closing",
            Self::Retention => "retention",
        }
    }
}

/// Who moved first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the customer to the firm.
    Inbound,
    /// From the firm to the customer.
    Outbound,
}

impl Direction {
    /// Both directions.
    pub const ALL: [Self; 2] = [Self::Inbound, Self::Outbound];

    /// Name as written in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// Where an account stands in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Known, but not buying yet.
    Prospect,
    /// A customer.
    Customer,
    /// Was a customer.
    Exited,
}

impl Status {
    /// All statuses, in the order of a relationship.
    pub const ALL: [Self; 3] = [Self::Prospect, Self::Customer, Self::Exited];

    /// Name as written in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prospect => "prospect",
            Self::Customer => "customer",
            Self::Exited => "exited",
        }
    }
}

/// A word that is not one of the fixed values of a column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not one of {expected}")]
pub struct UnknownWord {
    /// What was written.
    pub value: String,
    /// The words that are understood.
    pub expected: &'static str,
}

macro_rules! words {
    ($type:ty, $expected:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL
                    .into_iter()
                    .find(|word| word.name() == text)
                    .ok_or_else(|| UnknownWord { value: text.to_owned(), expected: $expected })
            }
        }
    };
}

words!(Stage, "`acquisition`, `closing`, `retention`");
words!(Direction, "`inbound`, `outbound`");
words!(Status, "`prospect`, `customer`, `exited`");

/// One row of `accounts`.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Unique name of the account.
    pub id: String,
    /// Customer segment, which may override catalogue values.
    pub segment_id: Option<String>,
    /// When the relationship began; may lie before the first row of the log.
    pub entered_at: Instant,
    /// When the relationship ended; absent while it lasts.
    pub exited_at: Option<Instant>,
    /// Why it ended.
    pub exit_reason: Option<String>,
    /// Size of the account in any unit (people, seats, …), used for strata.
    pub size: Option<f64>,
}

/// One row of `contacts`.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Unique name of the contact.
    pub id: String,
    /// Role in the buying group.
    pub role: Option<String>,
    /// Buying influence, non-negative; only ratios within an account matter.
    pub influence: f64,
    /// Joined the account.
    pub valid_from: Option<Instant>,
    /// Left the account.
    pub valid_to: Option<Instant>,
}

/// One row of `interactions`: one touch between customer and firm.
#[derive(Debug, Clone, PartialEq)]
pub struct Interaction {
    /// Position of the contact in [`AccountHistory::contacts`]; absent for account-level rows.
    pub contact: Option<ContactIndex>,
    /// What happened.
    pub kind: TypeIndex,
    /// When it happened.
    pub occurred_at: Instant,
    /// When the row could first have been read.
    pub known_at: Instant,
    /// Overrides the catalogue's relative value.
    pub rv: Option<f64>,
    /// Overrides the catalogue's variable cost \[currency\].
    pub variable_cost: Option<f64>,
    /// Overrides the catalogue's customer effort \[minutes\].
    pub customer_effort: Option<f64>,
    /// Overrides the catalogue's stage.
    pub stage: Option<Stage>,
    /// Overrides the catalogue's direction.
    pub direction: Option<Direction>,
    /// Texts that few rows have.
    pub details: Option<Box<Details>>,
}

/// The texts of an [`Interaction`] that few rows have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Level of the contact when it happened.
    pub level: Option<String>,
    /// Overrides the catalogue's function.
    pub function: Option<String>,
    /// Channel, such as `email` or `phone`.
    pub channel: Option<String>,
    /// Member of staff.
    pub owner_id: Option<String>,
    /// System the row came from.
    pub source_system: Option<String>,
    /// The row's name in that system.
    pub source_id: Option<String>,
}

/// One row of `outcomes`: what an account brought in one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// First instant of the period.
    pub period_start: Instant,
    /// First instant after the period.
    pub period_end: Instant,
    /// When the row could first have been read.
    pub known_at: Instant,
    /// Revenue \[currency\].
    pub revenue: f64,
    /// Revenue less the variable cost of what was sold \[currency\]; absent when the log has none.
    pub gross_profit: Option<f64>,
    /// Variable cost of interactions \[currency\].
    pub cost_to_engage: Option<f64>,
    /// Cost of serving beyond interactions \[currency\].
    pub cost_to_serve: Option<f64>,
    /// Share of the customer's spend in the category, in `[0, 1]`.
    pub share_of_wallet: Option<f64>,
    /// Where the account stood at the end of the period.
    pub status: Status,
}

impl Outcome {
    /// Gross profit less cost to engage and cost to serve, where these are known \[currency\].
    ///
    /// Absent when gross profit is.
    pub fn contribution(&self) -> Option<f64> {
        let costs = self.cost_to_engage.unwrap_or(0.0) + self.cost_to_serve.unwrap_or(0.0);
        self.gross_profit.map(|profit| profit - costs)
    }
}

/// One row of `surveys`: a question asked, and its answer where there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Position of the contact in [`AccountHistory::contacts`].
    pub contact: Option<ContactIndex>,
    /// When it was asked.
    pub asked_at: Instant,
    /// When it was answered.
    pub answered_at: Option<Instant>,
    /// Questionnaire, such as `satisfaction`.
    pub instrument: String,
    /// The answer.
    pub value: Option<f64>,
}

/// One row of `truth`: what only a simulation knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// First instant of the period.
    pub period_start: Instant,
    /// Hidden relationship state.
    pub state: String,
    /// Probability of leaving in this period.
    pub hazard: f64,
    /// Expected contribution in this period given the state \[currency\].
    pub expected_profit: f64,
    /// Expected revenue in this period given the state \[currency\].
    pub expected_revenue: f64,
    /// Expected answer to the satisfaction survey given the state.
    pub expected_satisfaction: f64,
    /// Expected share of wallet given the state.
    pub expected_share_of_wallet: f64,
}

/// Everything the tables hold about one account; rows in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountHistory {
    /// The account.
    pub account: Account,
    /// Its contacts, in order of id.
    pub contacts: Vec<Contact>,
    /// Its interactions, in order of occurrence.
    pub interactions: Vec<Interaction>,
    /// Its outcomes, in order of period.
    pub outcomes: Vec<Outcome>,
    /// Its survey rows, in order of asking.
    pub surveys: Vec<Survey>,
    /// What only a simulation knows, in order of period; empty for real data.
    pub truth: Vec<Truth>,
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
    pub truth: u64,
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
            Table::Truth => self.truth,
        }
    }

    fn add(&mut self, history: &AccountHistory) {
        self.accounts += 1;
        self.contacts += history.contacts.len() as u64;
        self.interactions += history.interactions.len() as u64;
        self.outcomes += history.outcomes.len() as u64;
        self.surveys += history.surveys.len() as u64;
        self.truth += history.truth.len() as u64;
    }
}
