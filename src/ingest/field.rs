//! What a mapping can fill: the columns of our tables, and which of them a table needs.

use std::fmt;

use crate::diagnostic::nearest;

/// A table that a block of a mapping fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// One row per account.
    Accounts,
    /// One row per contact.
    Contacts,
    /// One row per touch.
    Interactions,
    /// One row per account and period.
    Outcomes,
    /// One row per question asked.
    Surveys,
}

impl Table {
    /// Name as written in mappings and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Contacts => "contacts",
            Self::Interactions => "interactions",
            Self::Outcomes => "outcomes",
            Self::Surveys => "surveys",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

macro_rules! fields {
    ($($variant:ident $name:literal,)*) => {
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
    AccountId "account_id",
    SegmentId "segment_id",
    EnteredAt "entered_at",
    ExitedAt "exited_at",
    ExitReason "exit_reason",
    Size "size",
    ContactId "contact_id",
    Role "role",
    Influence "influence",
    ValidFrom "valid_from",
    ValidTo "valid_to",
    InteractionType "interaction_type",
    OccurredAt "occurred_at",
    KnownAt "known_at",
    Rv "rv",
    VariableCost "variable_cost",
    CustomerEffort "customer_effort",
    Stage "stage",
    Direction "direction",
    Level "level",
    Function "function",
    Channel "channel",
    OwnerId "owner_id",
    SourceSystem "source_system",
    SourceId "source_id",
    PeriodStart "period_start",
    PeriodEnd "period_end",
    Month "month",
    Revenue "revenue",
    GrossProfit "gross_profit",
    CostToEngage "cost_to_engage",
    CostToServe "cost_to_serve",
    ShareOfWallet "share_of_wallet",
    Status "status",
    AskedAt "asked_at",
    AnsweredAt "answered_at",
    Instrument "instrument",
    Value "value",
}

impl Field {
    /// The columns of `table`; `aggregated` outcomes are sums of dated rows.
    pub(super) fn of(table: Table, aggregated: bool) -> &'static [Self] {
        use Field as F;
        match (table, aggregated) {
            (Table::Accounts, _) => {
                &[F::AccountId, F::SegmentId, F::EnteredAt, F::ExitedAt, F::ExitReason, F::Size]
            }
            (Table::Contacts, _) => {
                &[F::AccountId, F::ContactId, F::Role, F::Influence, F::ValidFrom, F::ValidTo]
            }
            (Table::Interactions, _) => &[
                F::AccountId,
                F::ContactId,
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
                F::ShareOfWallet,
                F::Status,
            ],
            (Table::Surveys, _) => {
                &[F::AccountId, F::ContactId, F::AskedAt, F::AnsweredAt, F::Instrument, F::Value]
            }
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

    /// Whether the column takes one of a list of words, so that `values` makes sense for it.
    pub(super) const fn is_text(self) -> bool {
        !matches!(
            self,
            Self::EnteredAt
                | Self::ExitedAt
                | Self::Size
                | Self::Influence
                | Self::ValidFrom
                | Self::ValidTo
                | Self::OccurredAt
                | Self::KnownAt
                | Self::Rv
                | Self::VariableCost
                | Self::CustomerEffort
                | Self::PeriodStart
                | Self::PeriodEnd
                | Self::Revenue
                | Self::GrossProfit
                | Self::CostToEngage
                | Self::CostToServe
                | Self::ShareOfWallet
                | Self::AskedAt
                | Self::AnsweredAt
                | Self::Value
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_required_column_is_a_column_of_its_table() {
        for table in
            [Table::Accounts, Table::Contacts, Table::Interactions, Table::Outcomes, Table::Surveys]
        {
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
