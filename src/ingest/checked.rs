//! What one row says, checked against the mapping and the accounts and contacts read before it.
//!
//! Nothing is added here, so that a row can be checked before it is decided whether it counts.
//! Absent: what depends on the other rows of its block (a name that occurs twice, a table that is
//! full), which is found out when the row is added.

use super::assemble::Assembly;
use super::field::Field;
use super::ledger::{Aside, Breach, Reason};
use super::outcomes::{self, Amount};
use super::row::Row;
use crate::diagnostic::nearest;
use crate::ids::TypeIndex;
use crate::interaction::{
    Account, Contact, Details, Interaction, Outcome, Placement, Status, Survey, Table,
};
use crate::time::Instant;

/// A row of a table, and the id of the account that it belongs to.
#[derive(Debug)]
pub(super) enum Checked {
    /// Outside the log's span.
    Aside(Aside),
    /// With the entry that its row states.
    Account(Box<Account>, Option<Instant>),
    Contact(String, Contact),
    Interaction(String, Box<Interaction>, NamesOf),
    /// With the status that its row states.
    Outcome(String, Box<Outcome>, Option<Status>),
    Amount(String, Amount),
    /// With its contact.
    Survey(String, Box<Survey>, Option<String>),
}

/// Names that an interaction refers to.
#[derive(Debug)]
pub(super) struct NamesOf {
    pub(super) contact: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) initiative: Option<String>,
}

impl Assembly<'_> {
    /// What `row` says, and the first rule that it breaks.
    pub(super) fn check(&self, row: Row<'_>) -> Result<Checked, Breach> {
        match row.plan.block.table {
            Table::Accounts => account(row),
            Table::Contacts => self.contact(row),
            Table::Interactions => self.interaction(row),
            Table::Outcomes if row.plan.block.aggregate => outcomes::amount(self, row),
            Table::Outcomes => outcomes::period(self, row),
            Table::Surveys => self.survey(row),
            Table::ValueLedger
            | Table::CustomerValue
            | Table::Truth
            | Table::Staff
            | Table::Initiatives => unreachable!("no block of a mapping fills this table"),
        }
    }

    fn contact(&self, row: Row<'_>) -> Result<Checked, Breach> {
        let account = row.needed_text(Field::AccountId)?;
        self.check_account(row, &account)?;
        let id = row.needed_text(Field::ContactId)?;
        let valid_from = row.instant(Field::ValidFrom)?;
        let valid_to = row.instant(Field::ValidTo)?;
        check_order(row, valid_from, (Field::ValidTo, valid_to))?;
        let contact = Contact {
            id,
            stakeholder_type: row.text(Field::StakeholderType)?,
            role: row.text(Field::Role)?,
            influence: row.number_within(Field::Influence, 0.0..=f64::INFINITY)?.unwrap_or(1.0),
            valid_from,
            valid_to,
        };
        Ok(Checked::Contact(account, contact))
    }

    /// The row's contact, which must be known where contacts are listed.
    fn contact_named(&self, row: Row<'_>, account: &str) -> Result<Option<String>, Breach> {
        let id = row.text(Field::ContactId)?;
        if let Some(id) = &id {
            self.check_contact(row, account, id)?;
        }
        Ok(id)
    }

    pub(super) fn kind(&self, row: Row<'_>) -> Result<TypeIndex, Breach> {
        let name = row.needed_text(Field::InteractionType)?;
        self.mapping.types().get(&name).ok_or_else(|| {
            let near = nearest(&name, self.mapping.types().iter())
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            let message = format!("`{name}` is not an interaction type of the catalogue{near}");
            row.breach(Field::InteractionType, Reason::UnknownInteractionType, message)
        })
    }

    fn interaction(&self, row: Row<'_>) -> Result<Checked, Breach> {
        let account = row.needed_text(Field::AccountId)?;
        let occurred_at = row.needed_instant(Field::OccurredAt)?;
        if let Some(why) = self.outside_span(occurred_at) {
            return Ok(Checked::Aside(why));
        }
        self.check_account(row, &account)?;
        self.check_entry(row, &account, (Field::OccurredAt, occurred_at))?;
        let kind = self.kind(row)?;
        let known_at = row.instant(Field::KnownAt)?;
        check_known(row, occurred_at, known_at)?;
        let not_negative = 0.0..=f64::INFINITY;
        let interaction = Interaction {
            contact: None,
            kind,
            occurred_at,
            known_at: known_at.unwrap_or(occurred_at),
            rv: row.number(Field::Rv)?,
            variable_cost: row.number_within(Field::VariableCost, not_negative.clone())?,
            customer_effort: row.number_within(Field::CustomerEffort, not_negative)?,
            stage: row.word(Field::Stage)?,
            direction: row.word(Field::Direction)?,
            owner: None,
            initiative: None,
            details: details(row)?,
        };
        let names = NamesOf {
            contact: self.contact_named(row, &account)?,
            owner: row.text(Field::OwnerId)?,
            initiative: row.text(Field::InitiativeId)?,
        };
        Ok(Checked::Interaction(account, Box::new(interaction), names))
    }

    fn survey(&self, row: Row<'_>) -> Result<Checked, Breach> {
        let account = row.needed_text(Field::AccountId)?;
        let asked_at = row.needed_instant(Field::AskedAt)?;
        if let Some(why) = self.outside_span(asked_at) {
            return Ok(Checked::Aside(why));
        }
        self.check_account(row, &account)?;
        self.check_entry(row, &account, (Field::AskedAt, asked_at))?;
        let answered_at = row.instant(Field::AnsweredAt)?;
        check_order(row, Some(asked_at), (Field::AnsweredAt, answered_at))?;
        let survey = Survey {
            contact: None,
            asked_at,
            answered_at,
            instrument: row.needed_text(Field::Instrument)?,
            dimension: row.text(Field::Dimension)?,
            subject: row.text(Field::Subject)?,
            value: row.number(Field::Value)?,
            response_expected: row.flag(Field::ResponseExpected)?,
        };
        let contact = self.contact_named(row, &account)?;
        Ok(Checked::Survey(account, Box::new(survey), contact))
    }
}

fn account(row: Row<'_>) -> Result<Checked, Breach> {
    let id = row.needed_text(Field::AccountId)?;
    let entered_at = row.instant(Field::EnteredAt)?;
    let exited_at = row.instant(Field::ExitedAt)?;
    check_order(row, entered_at, (Field::ExitedAt, exited_at))?;
    let account = Account {
        id,
        segment_id: row.text(Field::SegmentId)?,
        entered_at: Instant::default(),
        exited_at,
        exit_reason: row.text(Field::ExitReason)?,
        size: row.number_within(Field::Size, 0.0..=f64::INFINITY)?,
        contract_end: row.instant(Field::ContractEnd)?,
        priority: row.flag(Field::Priority)?,
        placement: placement(row)?,
    };
    Ok(Checked::Account(Box::new(account), entered_at))
}

fn placement(row: Row<'_>) -> Result<Placement, Breach> {
    Ok(Placement {
        parent_id: row.text(Field::ParentId)?,
        industry: row.text(Field::Industry)?,
        territory: row.text(Field::Territory)?,
        region: row.text(Field::Region)?,
        division: row.text(Field::Division)?,
        business_unit: row.text(Field::BusinessUnit)?,
        product_line: row.text(Field::ProductLine)?,
    })
}

fn details(row: Row<'_>) -> Result<Option<Box<Details>>, Breach> {
    let details = Details {
        segment_id: row.text(Field::SegmentId)?,
        level: row.text(Field::Level)?,
        function: row.text(Field::Function)?,
        channel: row.text(Field::Channel)?,
        planned: row.flag(Field::Planned)?,
        severity: row.number_within(Field::Severity, 0.0..=f64::INFINITY)?,
        sentiment: row.number_within(Field::Sentiment, -1.0..=1.0)?,
        source_system: row.text(Field::SourceSystem)?,
        source_id: row.text(Field::SourceId)?,
    };
    Ok((details != Details::default()).then(|| Box::new(details)))
}

fn check_order(
    row: Row<'_>,
    from: Option<Instant>,
    (field, to): (Field, Option<Instant>),
) -> Result<(), Breach> {
    match (from, to) {
        (Some(from), Some(to)) if to < from => {
            let message = format!("{to} is before {from}, when it begins");
            Err(row.breach(field, Reason::EndsBeforeItBegins, message))
        }
        _ => Ok(()),
    }
}

/// Nothing is known before it happens.
pub(super) fn check_known(
    row: Row<'_>,
    happened_at: Instant,
    known_at: Option<Instant>,
) -> Result<(), Breach> {
    match known_at {
        Some(known_at) if known_at < happened_at => {
            let message = format!("known at {known_at}, before it happened at {happened_at}");
            Err(row.breach(Field::KnownAt, Reason::KnownBeforeItHappened, message))
        }
        _ => Ok(()),
    }
}
