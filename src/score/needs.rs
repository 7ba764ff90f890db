//! What scores need of a log, by what they read of an interaction or beside it.

use crate::interaction::schema::column;
use crate::interaction::{Projection, Table};

/// What every score is told: with whom and when interactions of which type happened, and when they were known.
pub(super) fn interactions() -> Projection {
    Projection::LEAST
        .with(Table::Accounts, &[column::SEGMENT_ID, column::SIZE])
        .with(Table::Contacts, &[column::VALID_FROM, column::VALID_TO])
        .with(Table::Interactions, &[column::CONTACT_ID, column::KNOWN_AT])
}

/// What interactions are worth: segments have values of their own.
pub(super) fn values() -> Projection {
    of_interactions(&[column::SEGMENT_ID, column::RV])
}

/// What interactions cost, which those with several contacts share.
pub(super) fn costs() -> Projection {
    of_interactions(&[column::SEGMENT_ID, column::VARIABLE_COST, column::SOURCE_ID])
}

/// Minutes of the customer.
pub(super) fn effort() -> Projection {
    of_interactions(&[column::CUSTOMER_EFFORT])
}

/// How the customer sounded.
pub(super) fn sentiment() -> Projection {
    of_interactions(&[column::SENTIMENT])
}

/// Who moved first.
pub(super) fn direction() -> Projection {
    of_interactions(&[column::DIRECTION])
}

/// The firm's functions.
pub(super) fn functions() -> Projection {
    of_interactions(&[column::FUNCTION])
}

/// Interaction records, by segment and initiative.
pub(super) fn records() -> Projection {
    of_interactions(&[column::SEGMENT_ID, column::INITIATIVE_ID]).with_all_of(Table::Initiatives)
}

/// What accounts brought, and when that was known.
pub(super) fn outcomes() -> Projection {
    let costs = [column::COST_TO_ENGAGE, column::COST_TO_SERVE];
    interactions()
        .with(Table::Outcomes, &[column::KNOWN_AT, column::GROSS_PROFIT])
        .with(Table::Outcomes, &costs)
}

/// What customers answered.
pub(super) fn surveys() -> Projection {
    interactions().with_all_of(Table::Surveys)
}

/// What changed hands without money.
pub(super) fn ledger() -> Projection {
    interactions().with_all_of(Table::ValueLedger)
}

/// What the firm was worth to the customer.
pub(super) fn appraisals() -> Projection {
    interactions().with_all_of(Table::CustomerValue)
}

fn of_interactions(names: &[&str]) -> Projection {
    interactions().with(Table::Interactions, names)
}
