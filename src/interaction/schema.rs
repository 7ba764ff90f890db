//! Names, order and types of the columns: the only place where a column name is written.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// Version of the tables, written into every file under [`SCHEMA_VERSION_KEY`].
pub const SCHEMA_VERSION: &str = "2";

/// Versions that are read: version 1 lacks columns and tables that are optional.
pub(super) const READABLE_VERSIONS: [&str; 2] = ["1", SCHEMA_VERSION];

/// Metadata key of the version of the tables.
pub const SCHEMA_VERSION_KEY: &str = "rvq.schema_version";

/// Metadata key of the run that wrote a file.
pub const RUN_ID_KEY: &str = "rvq.run_id";

/// Names of columns.
#[expect(missing_docs, reason = "the fields of the row types explain them")]
pub mod column {
    pub const ACCOUNT_ID: &str = "account_id";
    pub const SEGMENT_ID: &str = "segment_id";
    pub const ENTERED_AT: &str = "entered_at";
    pub const EXITED_AT: &str = "exited_at";
    pub const EXIT_REASON: &str = "exit_reason";
    pub const SIZE: &str = "size";
    pub const CONTRACT_END: &str = "contract_end";
    pub const PRIORITY: &str = "priority";
    pub const PARENT_ID: &str = "parent_id";
    pub const INDUSTRY: &str = "industry";
    pub const TERRITORY: &str = "territory";
    pub const REGION: &str = "region";
    pub const DIVISION: &str = "division";
    pub const BUSINESS_UNIT: &str = "business_unit";
    pub const PRODUCT_LINE: &str = "product_line";
    pub const CONTACT_ID: &str = "contact_id";
    pub const STAKEHOLDER_TYPE: &str = "stakeholder_type";
    pub const ROLE: &str = "role";
    pub const INFLUENCE: &str = "influence";
    pub const VALID_FROM: &str = "valid_from";
    pub const VALID_TO: &str = "valid_to";
    /// Number of an interaction among those of its account, from 0: unique only together with
    /// [`ACCOUNT_ID`].
    pub const INTERACTION_ID: &str = "interaction_id";
    pub const INITIATIVE_ID: &str = "initiative_id";
    pub const INTERACTION_TYPE: &str = "interaction_type";
    pub const OCCURRED_AT: &str = "occurred_at";
    pub const KNOWN_AT: &str = "known_at";
    pub const RV: &str = "rv";
    pub const VARIABLE_COST: &str = "variable_cost";
    pub const CUSTOMER_EFFORT: &str = "customer_effort";
    pub const STAGE: &str = "stage";
    pub const DIRECTION: &str = "direction";
    pub const LEVEL: &str = "level";
    pub const FUNCTION: &str = "function";
    pub const CHANNEL: &str = "channel";
    pub const OWNER_ID: &str = "owner_id";
    pub const PLANNED: &str = "planned";
    pub const SEVERITY: &str = "severity";
    pub const SENTIMENT: &str = "sentiment";
    pub const SOURCE_SYSTEM: &str = "source_system";
    pub const SOURCE_ID: &str = "source_id";
    pub const PERIOD_START: &str = "period_start";
    pub const PERIOD_END: &str = "period_end";
    pub const REVENUE: &str = "revenue";
    pub const GROSS_PROFIT: &str = "gross_profit";
    pub const COST_TO_ENGAGE: &str = "cost_to_engage";
    pub const COST_TO_SERVE: &str = "cost_to_serve";
    pub const CUSTOMER_EFFORT_COST: &str = "customer_effort_cost";
    pub const WALLET_SIZE: &str = "wallet_size";
    pub const SHARE_OF_WALLET: &str = "share_of_wallet";
    pub const STATUS: &str = "status";
    pub const ASKED_AT: &str = "asked_at";
    pub const ANSWERED_AT: &str = "answered_at";
    pub const INSTRUMENT: &str = "instrument";
    pub const DIMENSION: &str = "dimension";
    pub const SUBJECT: &str = "subject";
    pub const VALUE: &str = "value";
    pub const RESPONSE_EXPECTED: &str = "response_expected";
    pub const COMPONENT: &str = "component";
    pub const QUANTITY: &str = "quantity";
    pub const VALUE_LOW: &str = "value_low";
    pub const VALUE_HIGH: &str = "value_high";
    pub const ASPECT: &str = "aspect";
    pub const SCORE: &str = "score";
    pub const TOTAL_COST_OF_OWNERSHIP: &str = "total_cost_of_ownership";
    pub const STATE: &str = "state";
    pub const HAZARD: &str = "hazard";
    pub const EXPECTED_PROFIT: &str = "expected_profit";
    pub const EXPECTED_REVENUE: &str = "expected_revenue";
    pub const EXPECTED_SATISFACTION: &str = "expected_satisfaction";
    pub const EXPECTED_SHARE_OF_WALLET: &str = "expected_share_of_wallet";
    pub const MIRRORED_PURCHASES: &str = "mirrored_purchases";
    pub const OWNER_TARGET: &str = "owner_target";
    pub const FELT_EFFECT: &str = "felt_effect";
    pub const GOODWILL: &str = "goodwill";
    pub const UNLOGGED: &str = "unlogged";
    pub const CRITICAL: &str = "critical";
    pub const LOCKED_IN: &str = "locked_in";
    pub const TEAM: &str = "team";
    pub const JOINED_AT: &str = "joined_at";
    pub const LEFT_AT: &str = "left_at";
    pub const PURPOSE: &str = "purpose";
    pub const OPEN: &str = "open";
    pub const STARTED_AT: &str = "started_at";
    pub const ENDED_AT: &str = "ended_at";
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text that differs in most rows.
    Name,
    /// Text that neighbouring rows often share.
    Word,
    /// One of the interaction types of the log.
    Kind,
    /// Yes or no.
    Flag,
    /// Finite number.
    Number,
    /// UTC microseconds.
    Instant,
    /// Non-negative whole number.
    Position,
}

impl ColumnKind {
    /// Type of the column in Arrow.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Name | Self::Word | Self::Kind => DataType::Utf8,
            Self::Flag => DataType::Boolean,
            Self::Number => DataType::Float64,
            Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Position => DataType::UInt64,
        }
    }
}

/// One column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name in the file.
    pub name: &'static str,
    /// What its cells hold.
    pub kind: ColumnKind,
    /// Whether the column and all of its cells must be there.
    pub required: bool,
}

const fn required(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind, required: true }
}

const fn optional(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind, required: false }
}

/// One of the tables of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// One row per account.
    Accounts,
    /// One row per contact.
    Contacts,
    /// One row per touch between customer and firm; its key is (`account_id`, `interaction_id`).
    Interactions,
    /// One row per account and period.
    Outcomes,
    /// One row per question asked.
    Surveys,
    /// One row per value that changed hands without money.
    ValueLedger,
    /// One row per account, period and aspect of what the firm is worth to it.
    CustomerValue,
    /// One row per simulated account and period.
    Truth,
    /// One row per member of staff.
    Staff,
    /// One row per initiative.
    Initiatives,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 10] = [
        Self::Accounts,
        Self::Contacts,
        Self::Interactions,
        Self::Outcomes,
        Self::Surveys,
        Self::ValueLedger,
        Self::CustomerValue,
        Self::Truth,
        Self::Staff,
        Self::Initiatives,
    ];

    /// Name of the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Contacts => "contacts",
            Self::Interactions => "interactions",
            Self::Outcomes => "outcomes",
            Self::Surveys => "surveys",
            Self::ValueLedger => "value_ledger",
            Self::CustomerValue => "customer_value",
            Self::Truth => "truth",
            Self::Staff => "staff",
            Self::Initiatives => "initiatives",
        }
    }

    /// Name of the table's file in a log folder.
    pub fn file_name(self) -> String {
        format!("{}.parquet", self.name())
    }

    /// Whether every log has this table.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Accounts | Self::Contacts | Self::Interactions | Self::Outcomes)
    }

    /// Columns in the order of the file.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Accounts => &ACCOUNTS,
            Self::Contacts => &CONTACTS,
            Self::Interactions => &INTERACTIONS,
            Self::Outcomes => &OUTCOMES,
            Self::Surveys => &SURVEYS,
            Self::ValueLedger => &VALUE_LEDGER,
            Self::CustomerValue => &CUSTOMER_VALUE,
            Self::Truth => &TRUTH,
            Self::Staff => &STAFF,
            Self::Initiatives => &INITIATIVES,
        }
    }

    /// Column that names what the rows belong to, and orders the file.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Staff => column::OWNER_ID,
            Self::Initiatives => column::INITIATIVE_ID,
            _ => column::ACCOUNT_ID,
        }
    }

    /// Column that orders the rows of one account; absent where there is none.
    pub(super) const fn order(self) -> Option<&'static str> {
        match self {
            Self::Accounts | Self::Contacts | Self::Staff | Self::Initiatives => None,
            Self::Interactions | Self::ValueLedger => Some(column::OCCURRED_AT),
            Self::Outcomes | Self::CustomerValue | Self::Truth => Some(column::PERIOD_START),
            Self::Surveys => Some(column::ASKED_AT),
        }
    }

    /// Columns by which the rows of its file are in order, ascending.
    pub fn sorted_by(self) -> Vec<&'static str> {
        std::iter::once(self.key()).chain(self.order()).collect()
    }

    /// Schema of the table in Arrow.
    pub fn schema(self) -> SchemaRef {
        let field = |c: &Column| Field::new(c.name, c.kind.data_type(), !c.required);
        Arc::new(Schema::new(self.columns().iter().map(field).collect::<Vec<_>>()))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

use ColumnKind::{Flag, Instant, Kind, Name, Number, Position, Word};

const ACCOUNTS: [Column; 15] = [
    required(column::ACCOUNT_ID, Name),
    optional(column::PARENT_ID, Name),
    optional(column::SEGMENT_ID, Word),
    optional(column::INDUSTRY, Word),
    optional(column::TERRITORY, Word),
    optional(column::REGION, Word),
    optional(column::DIVISION, Word),
    optional(column::BUSINESS_UNIT, Word),
    optional(column::PRODUCT_LINE, Word),
    required(column::ENTERED_AT, Instant),
    optional(column::EXITED_AT, Instant),
    optional(column::EXIT_REASON, Word),
    optional(column::SIZE, Number),
    optional(column::CONTRACT_END, Instant),
    optional(column::PRIORITY, Flag),
];

const CONTACTS: [Column; 7] = [
    required(column::ACCOUNT_ID, Word),
    required(column::CONTACT_ID, Name),
    optional(column::STAKEHOLDER_TYPE, Word),
    optional(column::ROLE, Word),
    required(column::INFLUENCE, Number),
    optional(column::VALID_FROM, Instant),
    optional(column::VALID_TO, Instant),
];

const INTERACTIONS: [Column; 22] = [
    optional(column::INTERACTION_ID, Position),
    required(column::ACCOUNT_ID, Word),
    optional(column::CONTACT_ID, Word),
    optional(column::SEGMENT_ID, Word),
    optional(column::INITIATIVE_ID, Word),
    required(column::INTERACTION_TYPE, Kind),
    required(column::OCCURRED_AT, Instant),
    optional(column::KNOWN_AT, Instant),
    optional(column::STAGE, Word),
    optional(column::LEVEL, Word),
    optional(column::FUNCTION, Word),
    optional(column::CHANNEL, Word),
    optional(column::DIRECTION, Word),
    optional(column::OWNER_ID, Word),
    optional(column::PLANNED, Flag),
    optional(column::RV, Number),
    optional(column::VARIABLE_COST, Number),
    optional(column::CUSTOMER_EFFORT, Number),
    optional(column::SEVERITY, Number),
    optional(column::SENTIMENT, Number),
    optional(column::SOURCE_SYSTEM, Word),
    optional(column::SOURCE_ID, Name),
];

const OUTCOMES: [Column; 12] = [
    required(column::ACCOUNT_ID, Word),
    required(column::PERIOD_START, Instant),
    required(column::PERIOD_END, Instant),
    optional(column::KNOWN_AT, Instant),
    required(column::REVENUE, Number),
    optional(column::GROSS_PROFIT, Number),
    optional(column::COST_TO_ENGAGE, Number),
    optional(column::COST_TO_SERVE, Number),
    optional(column::CUSTOMER_EFFORT_COST, Number),
    optional(column::WALLET_SIZE, Number),
    optional(column::SHARE_OF_WALLET, Number),
    required(column::STATUS, Word),
];

const SURVEYS: [Column; 9] = [
    required(column::ACCOUNT_ID, Word),
    optional(column::CONTACT_ID, Word),
    required(column::ASKED_AT, Instant),
    optional(column::ANSWERED_AT, Instant),
    required(column::INSTRUMENT, Word),
    optional(column::DIMENSION, Word),
    optional(column::SUBJECT, Word),
    optional(column::VALUE, Number),
    optional(column::RESPONSE_EXPECTED, Flag),
];

const VALUE_LEDGER: [Column; 8] = [
    required(column::ACCOUNT_ID, Word),
    optional(column::CONTACT_ID, Word),
    required(column::OCCURRED_AT, Instant),
    required(column::COMPONENT, Word),
    required(column::DIRECTION, Word),
    required(column::QUANTITY, Number),
    optional(column::VALUE_LOW, Number),
    optional(column::VALUE_HIGH, Number),
];

const CUSTOMER_VALUE: [Column; 5] = [
    required(column::ACCOUNT_ID, Word),
    required(column::PERIOD_START, Instant),
    required(column::ASPECT, Word),
    required(column::SCORE, Number),
    optional(column::TOTAL_COST_OF_OWNERSHIP, Number),
];

const TRUTH: [Column; 15] = [
    required(column::ACCOUNT_ID, Word),
    required(column::PERIOD_START, Instant),
    required(column::STATE, Word),
    required(column::HAZARD, Number),
    required(column::EXPECTED_PROFIT, Number),
    required(column::EXPECTED_REVENUE, Number),
    required(column::EXPECTED_SATISFACTION, Number),
    required(column::EXPECTED_SHARE_OF_WALLET, Number),
    optional(column::MIRRORED_PURCHASES, Number),
    optional(column::OWNER_TARGET, Number),
    optional(column::FELT_EFFECT, Number),
    optional(column::GOODWILL, Number),
    optional(column::UNLOGGED, Number),
    optional(column::CRITICAL, Number),
    optional(column::LOCKED_IN, Number),
];

const STAFF: [Column; 5] = [
    required(column::OWNER_ID, Name),
    required(column::FUNCTION, Word),
    optional(column::TEAM, Word),
    optional(column::JOINED_AT, Instant),
    optional(column::LEFT_AT, Instant),
];

const INITIATIVES: [Column; 5] = [
    required(column::INITIATIVE_ID, Name),
    required(column::PURPOSE, Word),
    optional(column::OPEN, Flag),
    optional(column::STARTED_AT, Instant),
    optional(column::ENDED_AT, Instant),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_its_key_and_no_column_twice() {
        for table in Table::ALL {
            let mut names: Vec<_> = table.columns().iter().map(|c| c.name).collect();
            assert!(names.contains(&table.key()), "{table}");
            if let Some(order) = table.order() {
                assert!(table.columns().iter().any(|c| c.name == order && c.required), "{table}");
            }
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.columns().len(), "{table}");
        }
    }
}
