//! What a mapping can fill: the columns of our tables, and which of them a table needs.

use crate::diagnostic::nearest;
use crate::interaction::Table;
use crate::interaction::schema::column;

macro_rules! fields {
    ($($variant:ident $name:expr,)*) => {
        /// One column of our tables, as a mapping names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Field {
            $($variant,)*
        }

        impl Field {
            const ALL: &[Self] = &[$(Self::$variant,)*];

            /// How many there are.
            pub(super) const COUNT: usize = Self::ALL.len();

            /// Name as written in mappings.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

fields! {
    AccountId column::ACCOUNT_ID,
    SegmentId column::SEGMENT_ID,
    EnteredAt column::ENTERED_AT,
    ExitedAt column::EXITED_AT,
    ExitReason column::EXIT_REASON,
    Size column::SIZE,
    ContractEnd column::CONTRACT_END,
    Priority column::PRIORITY,
    ParentId column::PARENT_ID,
    Industry column::INDUSTRY,
    Territory column::TERRITORY,
    Region column::REGION,
    Division column::DIVISION,
    BusinessUnit column::BUSINESS_UNIT,
    ProductLine column::PRODUCT_LINE,
    ContactId column::CONTACT_ID,
    StakeholderType column::STAKEHOLDER_TYPE,
    Role column::ROLE,
    Influence column::INFLUENCE,
    ValidFrom column::VALID_FROM,
    ValidTo column::VALID_TO,
    InteractionType column::INTERACTION_TYPE,
    OccurredAt column::OCCURRED_AT,
    KnownAt column::KNOWN_AT,
    Rv column::RV,
    VariableCost column::VARIABLE_COST,
    CustomerEffort column::CUSTOMER_EFFORT,
    Stage column::STAGE,
    Direction column::DIRECTION,
    Level column::LEVEL,
    Function column::FUNCTION,
    Channel column::CHANNEL,
    OwnerId column::OWNER_ID,
    InitiativeId column::INITIATIVE_ID,
    Planned column::PLANNED,
    Severity column::SEVERITY,
    Sentiment column::SENTIMENT,
    SourceSystem column::SOURCE_SYSTEM,
    SourceId column::SOURCE_ID,
    PeriodStart column::PERIOD_START,
    PeriodEnd column::PERIOD_END,
    // Not a column of ours: it stands for `period_start` and `period_end`.
    Month "month",
    Revenue column::REVENUE,
    GrossProfit column::GROSS_PROFIT,
    CostToEngage column::COST_TO_ENGAGE,
    CostToServe column::COST_TO_SERVE,
    CustomerEffortCost column::CUSTOMER_EFFORT_COST,
    WalletSize column::WALLET_SIZE,
    ShareOfWallet column::SHARE_OF_WALLET,
    Status column::STATUS,
    AskedAt column::ASKED_AT,
    AnsweredAt column::ANSWERED_AT,
    Instrument column::INSTRUMENT,
    Dimension column::DIMENSION,
    Subject column::SUBJECT,
    Value column::VALUE,
    ResponseExpected column::RESPONSE_EXPECTED,
}

impl Field {
    /// The columns of `table`; `aggregated` outcomes are sums of dated rows.
    pub(super) fn of(table: Table, aggregated: bool) -> &'static [Self] {
        use Field as F;
        match (table, aggregated) {
            (Table::Accounts, _) => &[
                F::AccountId,
                F::ParentId,
                F::SegmentId,
                F::Industry,
                F::Territory,
                F::Region,
                F::Division,
                F::BusinessUnit,
                F::ProductLine,
                F::EnteredAt,
                F::ExitedAt,
                F::ExitReason,
                F::Size,
                F::ContractEnd,
                F::Priority,
            ],
            (Table::Contacts, _) => &[
                F::AccountId,
                F::ContactId,
                F::StakeholderType,
                F::Role,
                F::Influence,
                F::ValidFrom,
                F::ValidTo,
            ],
            (Table::Interactions, _) => &[
                F::AccountId,
                F::ContactId,
                F::SegmentId,
                F::InitiativeId,
                F::InteractionType,
                F::OccurredAt,
                F::KnownAt,
                F::Rv,
                F::VariableCost,
                F::CustomerEffort,
                F::Stage,
                F::Direction,
                F::Level,
                F::Function,
                F::Channel,
                F::OwnerId,
                F::Planned,
                F::Severity,
                F::Sentiment,
                F::SourceSystem,
                F::SourceId,
            ],
            (Table::Outcomes, true) => &[
                F::AccountId,
                F::OccurredAt,
                F::Revenue,
                F::GrossProfit,
                F::CostToEngage,
                F::CostToServe,
            ],
            (Table::Outcomes, false) => &[
                F::AccountId,
                F::Month,
                F::PeriodStart,
                F::PeriodEnd,
                F::KnownAt,
                F::Revenue,
                F::GrossProfit,
                F::CostToEngage,
                F::CostToServe,
                F::CustomerEffortCost,
                F::WalletSize,
                F::ShareOfWallet,
                F::Status,
            ],
            (Table::Surveys, _) => &[
                F::AccountId,
                F::ContactId,
                F::AskedAt,
                F::AnsweredAt,
                F::Instrument,
                F::Dimension,
                F::Subject,
                F::Value,
                F::ResponseExpected,
            ],
            // No block of a mapping fills these yet.
            (
                Table::ValueLedger
                | Table::CustomerValue
                | Table::Truth
                | Table::Staff
                | Table::Initiatives,
                _,
            ) => &[],
        }
    }

    /// The columns without which a row of `table` means nothing.
    pub(super) fn required(table: Table, aggregated: bool) -> &'static [Self] {
        match (table, aggregated) {
            (Table::Accounts, _) => &[Self::AccountId],
            (Table::Contacts, _) => &[Self::AccountId, Self::ContactId],
            (Table::Interactions, _) => &[Self::AccountId, Self::InteractionType, Self::OccurredAt],
            (Table::Outcomes, true) => &[Self::AccountId, Self::OccurredAt, Self::Revenue],
            // The period comes either as `month` or as its two ends: checked with the mapping.
            (Table::Outcomes, false) => &[Self::AccountId, Self::Revenue],
            (Table::Surveys, _) => &[Self::AccountId, Self::AskedAt, Self::Instrument],
            (
                Table::ValueLedger
                | Table::CustomerValue
                | Table::Truth
                | Table::Staff
                | Table::Initiatives,
                _,
            ) => &[],
        }
    }

    /// The column of `table` called `name`, or the nearest one.
    pub(super) fn find(
        name: &str,
        table: Table,
        aggregated: bool,
    ) -> Result<Self, Option<&'static str>> {
        let known = Self::of(table, aggregated);
        known
            .iter()
            .copied()
            .find(|field| field.name() == name)
            .ok_or_else(|| nearest(name, known.iter().map(|field| field.name())))
    }

    /// Whether the column takes a point in time.
    pub(super) const fn is_time(self) -> bool {
        matches!(
            self,
            Self::EnteredAt
                | Self::ExitedAt
                | Self::ContractEnd
                | Self::ValidFrom
                | Self::ValidTo
                | Self::OccurredAt
                | Self::KnownAt
                | Self::PeriodStart
                | Self::PeriodEnd
                | Self::AskedAt
                | Self::AnsweredAt
        )
    }

    /// Whether the column takes a number.
    pub(super) const fn is_number(self) -> bool {
        matches!(
            self,
            Self::Size
                | Self::Influence
                | Self::Rv
                | Self::VariableCost
                | Self::CustomerEffort
                | Self::Severity
                | Self::Sentiment
                | Self::Revenue
                | Self::GrossProfit
                | Self::CostToEngage
                | Self::CostToServe
                | Self::CustomerEffortCost
                | Self::WalletSize
                | Self::ShareOfWallet
                | Self::Value
        )
    }

    /// Whether the column takes one of a list of words, so that `values` makes sense for it.
    pub(super) const fn is_text(self) -> bool {
        !self.is_time() && !self.is_number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_of_mappings_names_every_column_of_every_table() {
        let reference = include_str!("../../data/README.md");
        for table in Table::ALL {
            for aggregated in [false, true] {
                let known = Field::of(table, aggregated);
                let start = match (table, aggregated) {
                    (Table::Outcomes, true) => "| outcomes with `aggregate` | ".to_owned(),
                    _ => format!("| {table} | "),
                };
                let row = reference.lines().find(|line| line.starts_with(&start));
                for field in known {
                    let row = row.unwrap_or_else(|| panic!("no row for {table}"));
                    let needed = Field::required(table, aggregated).contains(field);
                    let written = format!("`{}`", field.name());
                    let written = if needed { format!("**{written}**") } else { written };
                    assert!(row.contains(&written), "{table}: {written}");
                }
            }
        }
    }

    #[test]
    fn every_required_column_is_a_column_of_its_table() {
        for table in Table::ALL {
            for aggregated in [false, true] {
                let known = Field::of(table, aggregated);
                for field in Field::required(table, aggregated) {
                    assert!(known.contains(field), "{table} lacks {}", field.name());
                }
            }
        }
    }

    #[test]
    fn a_misspelt_column_names_the_nearest_one_of_its_table() {
        assert_eq!(Field::find("acount_id", Table::Surveys, false), Err(Some("account_id")));
        assert_eq!(Field::find("role", Table::Contacts, false), Ok(Field::Role));
    }
}
