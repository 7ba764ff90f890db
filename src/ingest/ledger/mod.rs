//! What became of every row: read = accepted + rejected, per source and reason.

mod show;
mod tally;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::interaction::Table;
use crate::time::Instant;

pub(super) use show::printable;
pub(super) use tally::{Aside, Place, Tally};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// The rule that a rejected row breaks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Name as written in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// All of them.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }
    };
}

reasons! {
    /// Not built as its format demands.
    Malformed "malformed",
    /// More or fewer values than the header.
    Ragged "ragged",
    /// Bytes that are not UTF-8.
    NotUtf8 "not_utf8",
    /// A needed value is empty.
    Empty "empty",
    /// Not a time.
    NotATime "not_a_time",
    /// A wall-clock time that the time zone skips.
    SkippedByClock "skipped_by_clock",
    /// Not a number.
    NotANumber "not_a_number",
    /// NaN or infinite.
    NotFinite "not_finite",
    /// A number outside what its column can hold.
    OutOfRange "out_of_range",
    /// Not an interaction type of the catalogue.
    UnknownInteractionType "unknown_interaction_type",
    /// A value that the mapping's `values` do not list, or a word its column does not know.
    UnknownValue "unknown_value",
    /// An account that no accounts row names.
    UnknownAccount "unknown_account",
    /// A contact that no contacts row of the account names.
    UnknownContact "unknown_contact",
    /// An object that an event log does not have.
    UnknownObject "unknown_object",
    /// Several values where one is expected.
    SeveralValues "several_values",
    /// Longer than any name or word.
    TooLong "too_long",
    /// An amount in a currency that is not the log's.
    OtherCurrency "other_currency",
    /// A key that several accounts or contacts share.
    AmbiguousKey "ambiguous_key",
    /// No row of the lookup source has the key.
    NoLookupMatch "no_lookup_match",
    /// Happened before the account entered.
    BeforeEntry "before_entry",
    /// Could be read before it happened.
    KnownBeforeItHappened "known_before_it_happened",
    /// Ends before it begins.
    EndsBeforeItBegins "ends_before_it_begins",
    /// Says again what an earlier row says.
    Duplicate "duplicate",
    /// Shares time with another period of the account.
    OverlappingPeriod "overlapping_period",
    /// An account without entry date and without any dated row.
    NoEntry "no_entry",
    /// More contacts than one account can hold.
    TooManyContacts "too_many_contacts",
    /// More distinct names of one kind than one account can hold.
    TooManyNames "too_many_names",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn table_name<S: serde::Serializer>(table: &Table, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(table.name())
}

/// A row that could not be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedRow {
    /// Table that the row was meant for.
    #[serde(serialize_with = "table_name")]
    pub table: Table,
    /// Source, as the mapping names it.
    pub source: String,
    /// File of the source.
    pub file: String,
    /// Line of a text file, row of a Parquet file, event of an event log; from 1.
    pub row: u64,
    /// Column of the source that breaks the rule; empty when the whole row does.
    pub column: String,
    /// Value that breaks the rule.
    pub value: String,
    /// Rule that is broken.
    pub reason: Reason,
    /// The rule in words, with the nearest known value where there is one.
    pub message: String,
    /// The row as read: a JSON object of all its columns, or a text where it has none.
    pub raw: String,
}

/// Rows that the mapping itself leaves out of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SetAside {
    /// Rows that `where` does not select.
    pub not_selected: u64,
    /// Rows before `data_start`.
    pub before_data_start: u64,
    /// Rows at or after `data_end`.
    pub after_data_end: u64,
    /// Rows that another one repeats, by the rule of the block: of two equal exports, one counts.
    pub repeated: u64,
    /// Other versions of a row that is kept, by the rule of the block.
    pub superseded: u64,
}

impl SetAside {
    /// All of them.
    pub const fn total(self) -> u64 {
        self.not_selected
            + self.before_data_start
            + self.after_data_end
            + self.repeated
            + self.superseded
    }
}

/// Rows in one file of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Path inside the data folder.
    pub file: String,
    /// Rows in it.
    pub rows: u64,
}

/// What became of the rows of one block of a mapping.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceReport {
    /// Table that the block fills.
    #[serde(serialize_with = "table_name")]
    pub table: Table,
    /// Source, as the mapping names it.
    pub source: String,
    /// Files of the source, in the order read.
    pub files: Vec<FileReport>,
    /// Which rows say the same thing and which of them is kept, in words; none without a rule.
    pub deduplicated: Option<String>,
    /// Whether queries of the mapping read it, and no table directly: then a row is accepted when it can be cut
    /// into values, and `table` is that of the first query that names it.
    pub for_queries: bool,
    /// Rows in the source: those set aside and those read.
    pub rows: u64,
    /// Rows that the mapping itself leaves out.
    pub set_aside: SetAside,
    /// Rows read: those accepted and those rejected.
    pub read: u64,
    /// Rows accepted.
    pub accepted: u64,
    /// Rows rejected, by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Rows of the table made from the accepted ones: fewer when rows were combined.
    pub made: u64,
    /// Columns of the source that the mapping does not use.
    pub unused_columns: Vec<String>,
    /// The first rejected row of every reason.
    pub examples: Vec<RejectedRow>,
}

impl SourceReport {
    /// Rows rejected for any reason.
    pub fn n_rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Share of the rows read that was rejected, in `[0, 1]`.
    pub fn rejected_share(&self) -> f64 {
        if self.read == 0 { 0.0 } else { self.n_rejected() as f64 / self.read as f64 }
    }
}

/// What an ingest read, what it made of it, and what it could not use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IngestReport {
    /// Name of the log, from the mapping.
    pub name: String,
    /// What the log can and cannot show, from the mapping.
    pub description: String,
    /// Time zone of months and wall clocks.
    pub time_zone: String,
    /// Currency of all amounts.
    pub currency: String,
    /// First instant the log covers, where the mapping states it.
    pub data_start: Option<Instant>,
    /// First instant the log no longer covers, where the mapping states it.
    pub data_end: Option<Instant>,
    /// Largest share of rejected rows allowed in a source.
    pub max_rejected: f64,
    /// Accounts made.
    pub n_accounts: u64,
    /// Accounts with an end.
    pub n_exits: u64,
    /// Accounts whose entry is only the first row seen: they may have begun earlier.
    pub n_entries_inferred: u64,
    /// Contacts made.
    pub n_contacts: u64,
    /// Interactions made.
    pub n_interactions: u64,
    /// Outcomes made.
    pub n_outcomes: u64,
    /// Survey rows made.
    pub n_surveys: u64,
    /// What became of every row, block by block.
    pub sources: Vec<SourceReport>,
    /// What a reader of results must know.
    pub warnings: Vec<String>,
}

impl IngestReport {
    /// Sources with a larger share of rejected rows than allowed.
    pub fn over_limit(&self) -> impl Iterator<Item = &SourceReport> {
        self.sources.iter().filter(|source| source.rejected_share() > self.max_rejected)
    }
}

/// What a row breaks: the column and value at fault and the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breach {
    pub(super) column: String,
    pub(super) value: String,
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl Breach {
    /// A row that repeats an earlier one in all its values.
    pub(super) fn repeated_row() -> Self {
        Self {
            column: String::new(),
            value: String::new(),
            reason: Reason::Duplicate,
            message: "repeats an earlier row in all columns".to_owned(),
        }
    }
}
