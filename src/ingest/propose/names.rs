//! Column names that people already have, by the table and field they mean.
//!
//! Names are compared in lower case with every other sign as `_`; the first of a list is the surest.

use crate::ingest::field::Field;
use crate::interaction::Table;

type Known = (Field, &'static [&'static str]);

const ACCOUNT: &[&str] = &[
    "account_id",
    "account_number",
    "account_no",
    "accountid",
    "customer_id",
    "customer_number",
    "customer_no",
    "customerid",
    "cust_id",
    "client_id",
    "household_id",
    "household_key",
    "company_id",
    "organization_id",
    "organisation_id",
    "user_id",
    "userid",
    "account",
    "customer",
    "client",
    "company",
    "organization",
    "organisation",
    "household",
    "user",
    "kundennummer",
    "kunde",
    "account_name",
    "customer_name",
    "company_name",
    "case_concept_name",
];
const CONTACT: &[&str] = &[
    "contact_id",
    "contactid",
    "contact",
    "person_id",
    "person",
    "contact_name",
    "contact_email",
    "attendee",
];

const ACCOUNTS: &[Known] = &[
    (Field::AccountId, ACCOUNT),
    (Field::ParentId, &["parent_id", "parent_account", "subsidiary_of", "parent"]),
    (Field::SegmentId, &["segment_id", "segment", "customer_segment", "tier"]),
    (Field::Industry, &["industry", "sector", "branche"]),
    (Field::Territory, &["territory"]),
    (Field::Region, &["region", "office_location", "country", "state"]),
    (Field::Division, &["division"]),
    (Field::BusinessUnit, &["business_unit", "bu"]),
    (Field::ProductLine, &["product_line", "product"]),
    (
        Field::EnteredAt,
        &[
            "entered_at",
            "customer_since",
            "joined_at",
            "joined",
            "signup_date",
            "sign_up_date",
            "since",
            "start_date",
            "created_at",
            "created_date",
            "created",
            "onboarded_at",
            "kunde_seit",
        ],
    ),
    (
        Field::ExitedAt,
        &[
            "exited_at",
            "exit_date",
            "closed_on",
            "churned_at",
            "churn_date",
            "cancelled_at",
            "canceled_at",
            "cancellation_date",
            "left_on",
            "end_date",
            "terminated_at",
        ],
    ),
    (Field::ExitReason, &["exit_reason", "loss_reason", "churn_reason", "cancellation_reason"]),
    (Field::Size, &["size", "seats", "employees", "n_employees", "number_of_employees", "users"]),
    (Field::ContractEnd, &["contract_end", "renewal_date", "contract_end_date"]),
    (Field::Priority, &["priority", "key_account", "is_priority", "vip"]),
];
const CONTACTS: &[Known] = &[
    (Field::AccountId, ACCOUNT),
    (Field::ContactId, &["contact_id", "contactid", "person_id", "contact", "id", "email", "name"]),
    (Field::StakeholderType, &["stakeholder_type", "stakeholder"]),
    (Field::Role, &["role", "buying_role", "job_title", "title", "position"]),
    (Field::Influence, &["influence", "weight", "buying_influence"]),
    (Field::ValidFrom, &["valid_from", "added_on", "created_at", "created_date", "start_date"]),
    (Field::ValidTo, &["valid_to", "left_on", "end_date", "removed_on"]),
];
const INTERACTIONS: &[Known] = &[
    (Field::AccountId, ACCOUNT),
    (Field::ContactId, CONTACT),
    (
        Field::InteractionType,
        &[
            "interaction_type",
            "activity_type",
            "event_type",
            "event_type_id",
            "event_name",
            "event",
            "activity",
            "concept_name",
            "ocel_type",
            "touchpoint",
            "action",
            "type",
            "campaign_type",
            "category",
            "ticket_type",
            "case_type",
        ],
    ),
    (
        Field::OccurredAt,
        &[
            "occurred_at",
            "activity_date",
            "event_time",
            "event_date",
            "timestamp",
            "time_timestamp",
            "ocel_time",
            "datetime",
            "date_time",
            "date",
            "time",
            "transaction_timestamp",
            "transaction_date",
            "order_date",
            "invoice_date",
            "purchase_date",
            "start_time",
            "started_at",
            "opened_at",
            "created_at",
            "created_date",
            "created_on",
            "datum",
        ],
    ),
    (Field::KnownAt, &["known_at", "recorded_at", "entered_on", "logged_at", "loaded_at"]),
    (
        Field::SourceId,
        &[
            "source_id",
            "activity_id",
            "interaction_id",
            "event_id",
            "ticket_id",
            "ocel_id",
            "case_id",
            "call_id",
            "id",
        ],
    ),
    (Field::SourceSystem, &["source_system", "system"]),
    (Field::Direction, &["direction", "in_out", "inbound_outbound"]),
    (Field::Channel, &["channel", "medium"]),
    (
        Field::OwnerId,
        &[
            "owner_id",
            "owner",
            "org_resource",
            "resource",
            "agent",
            "sales_agent",
            "sales_rep",
            "rep",
            "assigned_to",
            "staff_id",
            "employee_id",
            "created_by",
        ],
    ),
    (Field::InitiativeId, &["initiative_id", "initiative", "campaign_id", "campaign"]),
    (Field::SegmentId, &["segment_id"]),
    (Field::Function, &["function", "department", "team"]),
    (Field::Stage, &["stage"]),
    (Field::Level, &["level"]),
    (Field::Planned, &["planned"]),
    (Field::Severity, &["severity"]),
    (Field::Sentiment, &["sentiment", "sentiment_score"]),
    (Field::CustomerEffort, &["customer_effort", "effort_minutes"]),
    (Field::VariableCost, &["variable_cost"]),
    (Field::Rv, &["rv"]),
];
const AMOUNTS: &[Known] = &[
    (
        Field::Revenue,
        &[
            "revenue",
            "net_sales",
            "net_revenue",
            "sales",
            "turnover",
            "sales_value",
            "amount",
            "spend",
            "value",
            "order_value",
            "net_amount",
            "total_amount",
            "dollar_value",
            "price",
            "close_value",
            "umsatz",
        ],
    ),
    (
        Field::GrossProfit,
        &["gross_profit", "gross_margin", "profit", "margin", "contribution_margin", "rohertrag"],
    ),
    (Field::CostToEngage, &["cost_to_engage", "sales_cost"]),
    (Field::CostToServe, &["cost_to_serve", "service_cost", "support_cost"]),
];
const PERIODS: &[Known] = &[
    (Field::AccountId, ACCOUNT),
    (Field::Month, &["month", "period", "year_month", "yearmonth", "billing_month", "monat"]),
    (Field::PeriodStart, &["period_start", "start", "from", "start_date"]),
    (Field::PeriodEnd, &["period_end", "stop", "end", "until", "end_date"]),
    (Field::WalletSize, &["wallet_size", "category_spend"]),
    (Field::ShareOfWallet, &["share_of_wallet", "sow"]),
    (Field::Status, &["status"]),
    (Field::KnownAt, &["known_at", "booked_at"]),
];
const SURVEYS: &[Known] = &[
    (Field::AccountId, ACCOUNT),
    (Field::ContactId, CONTACT),
    (Field::AskedAt, &["asked_at", "sent_at", "survey_date", "sent_on", "date", "timestamp"]),
    (Field::AnsweredAt, &["answered_at", "response_date", "responded_at", "answered_on"]),
    (Field::Instrument, &["instrument", "survey", "survey_type", "questionnaire"]),
    (Field::Dimension, &["dimension", "question"]),
    (Field::Subject, &["subject", "about"]),
    (Field::Value, &["nps", "csat", "ces", "nps_score", "csat_score", "rating", "score", "answer"]),
];
const DATED: &[Known] = &[(Field::AccountId, ACCOUNT), (Field::OccurredAt, INTERACTIONS[3].1)];

/// What a file may fill, with the names of its columns.
pub(super) fn known(table: Table, dated: bool) -> Vec<Known> {
    match (table, dated) {
        (Table::Accounts, _) => ACCOUNTS.to_vec(),
        (Table::Contacts, _) => CONTACTS.to_vec(),
        (Table::Interactions, _) => INTERACTIONS.to_vec(),
        (Table::Outcomes, true) => [DATED, AMOUNTS].concat(),
        (Table::Outcomes, false) => [PERIODS, AMOUNTS].concat(),
        (Table::Surveys, _) => SURVEYS.to_vec(),
        _ => Vec::new(),
    }
}

/// `name` in lower case, words parted by `_`.
pub(super) fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for c in name.chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && after_small {
                plain.push('_');
            }
            plain.extend(c.to_lowercase());
            after_small = c.is_lowercase() || c.is_ascii_digit();
        } else {
            if !plain.is_empty() && !plain.ends_with('_') {
                plain.push('_');
            }
            after_small = false;
        }
    }
    plain.trim_end_matches('_').to_owned()
}

/// Place of the column `name` in the list of `known` names, the whole name before a part of it.
pub(super) fn place(name: &str, known: &[&str]) -> Option<usize> {
    let whole = plain(name);
    // Attributes of a case or object in an event log: `case:customer`, `object:Customer`.
    let part = name.split_once(':').filter(|(kind, _)| matches!(*kind, "case" | "object"));
    let at = |name: &str| known.iter().position(|known| *known == name);
    at(&whole).or_else(|| part.and_then(|(_, rest)| at(&plain(rest))))
}

/// Whether the column is called a month.
pub(super) fn is_month(name: &str) -> bool {
    PERIODS[1].1.contains(&plain(name).as_str())
}

/// What a file without dated rows is known as, if its columns are those of another tool's input.
pub(super) fn summary(columns: &[String]) -> Option<&'static str> {
    let has = |names: &[&str]| names.iter().all(|name| columns.iter().any(|c| c == name));
    if has(&["frequency", "recency", "T"]) || has(&["x", "t_x", "T"]) {
        Some(
            "a summary of purchases per customer (frequency, recency, T): scores need the dated \
             purchases that it was made from",
        )
    } else if has(&["start", "stop", "event"])
        || has(&["duration", "observed"])
        || has(&["duration", "censor"])
    {
        Some(
            "survival data (duration, observed or censor): exits belong to `[[accounts]]` as \
             `exited_at`, with dates; note that `censor = 1` often means still a customer",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_signs() {
        for (name, expected) in [
            ("Account Number", "account_number"),
            ("accountId", "account_id"),
            ("In/Out", "in_out"),
            ("case:concept:name", "case_concept_name"),
            ("  CSAT Score ", "csat_score"),
        ] {
            assert_eq!(plain(name), expected);
        }
        assert_eq!(place("object:Customer", ACCOUNT), place("customer", ACCOUNT));
        assert!(place("Customer ID", ACCOUNT) < place("customer", ACCOUNT));
        assert_eq!(place("subcustomer", ACCOUNT), None);
    }

    #[test]
    fn every_known_name_is_written_as_it_is_compared() {
        for table in Table::ALL {
            for dated in [false, true] {
                for (field, names) in known(table, dated) {
                    assert!(Field::of(table, dated).contains(&field), "{table} {}", field.name());
                    for name in names {
                        assert_eq!(plain(name), *name);
                    }
                }
            }
        }
    }
}
