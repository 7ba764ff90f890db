//! Rows into account histories: identity, references and order in time.

use std::collections::{BTreeMap, BTreeSet};

use super::field::Field;
use super::ledger::{Aside, Breach, Place, Reason, Tally};
use super::mapping::Mapping;
use super::outcomes::{Months, status_in, take_outcome};
use super::row::Row;
use crate::diagnostic::nearest;
use crate::ids::{ContactIndex, InitiativeIndex, OwnerIndex, TypeIndex};
use crate::interaction::{
    Account, AccountHistory, Contact, Details, Interaction, Outcome, Placement, Status, Survey,
    Table,
};
use crate::time::Instant;

/// What became of a row that breaks no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// One row of the table was made of it.
    Made,
    /// It was added to a row of the table that other rows made.
    Combined,
    /// The mapping leaves it out.
    Aside(Aside),
}

/// An account while its rows come in.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// As its own row says; id and entry are filled in at the end.
    account: Account,
    pub(super) entered_at: Option<Instant>,
    listed: Option<Listed>,
    first_seen: Option<Instant>,
    /// Contacts with their positions in order of appearance.
    contacts: BTreeMap<String, (u16, Contact)>,
    owners: Names,
    initiatives: Names,
    interactions: Vec<Interaction>,
    pub(super) outcomes: BTreeMap<Instant, Outcome>,
    pub(super) months: Months,
    surveys: Vec<Survey>,
}

/// Names that the interactions of one account refer to, in order of appearance.
#[derive(Debug, Default)]
struct Names {
    names: Vec<String>,
    positions: BTreeMap<String, u16>,
}

impl Names {
    /// Position of `name`; absent when there is no room for another.
    fn position(&mut self, name: String) -> Option<u16> {
        if let Some(&position) = self.positions.get(&name) {
            return Some(position);
        }
        let position = u16::try_from(self.names.len()).ok().filter(|&p| p < u16::MAX)?;
        self.names.push(name.clone());
        self.positions.insert(name, position);
        Some(position)
    }
}

/// Where an account's own row is: it may yet turn out to be unusable.
#[derive(Debug)]
struct Listed {
    block: usize,
    place: Place,
    raw: String,
}

/// Collects the rows of all blocks.
#[derive(Debug)]
pub(super) struct Assembly<'m> {
    pub(super) mapping: &'m Mapping,
    drafts: BTreeMap<String, Draft>,
    /// Names of interactions in the systems they came from.
    source_ids: BTreeSet<(String, String)>,
    /// By block, account and distinct values: position of the interaction they made.
    combined: BTreeMap<(usize, String, Vec<String>), usize>,
}

/// What the assembly made.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) histories: Vec<AccountHistory>,
    pub(super) n_entries_inferred: u64,
}

impl Draft {
    /// Notes that the account was alive at `instant`.
    pub(super) fn seen(&mut self, instant: Instant) {
        self.first_seen = Some(self.first_seen.map_or(instant, |first| first.min(instant)));
    }

    /// When the account entered: as its row says, else its earliest date.
    fn entered(&self) -> Option<Instant> {
        self.entered_at.or_else(|| self.first_seen.into_iter().chain(self.account.exited_at).min())
    }

    /// Status in a period where the log states none.
    pub(super) fn status_in(&self, period_start: Instant) -> Status {
        status_in(self.account.exited_at, period_start)
    }

    fn contact(&mut self, id: &str) -> Option<u16> {
        self.contacts.get(id).map(|(position, _)| *position)
    }

    /// `false` when the account can hold no more contacts.
    fn add_contact(&mut self, contact: Contact) -> bool {
        let Ok(position) = u16::try_from(self.contacts.len()) else { return false };
        self.contacts.insert(contact.id.clone(), (position, contact));
        true
    }
}

impl<'m> Assembly<'m> {
    pub(super) fn new(mapping: &'m Mapping) -> Self {
        Self {
            mapping,
            drafts: BTreeMap::new(),
            source_ids: BTreeSet::new(),
            combined: BTreeMap::new(),
        }
    }

    /// Takes one row of block number `block`.
    pub(super) fn take(&mut self, block: usize, row: Row<'_>) -> Result<Taken, Breach> {
        match row.plan.block.table {
            Table::Accounts => self.take_account(block, row),
            Table::Contacts => self.take_contact(row),
            Table::Interactions => self.take_interaction(block, row),
            Table::Outcomes => take_outcome(self, row),
            Table::Surveys => self.take_survey(row),
            Table::ValueLedger
            | Table::CustomerValue
            | Table::Truth
            | Table::Staff
            | Table::Initiatives => unreachable!("no block of a mapping fills this table"),
        }
    }

    /// Why the log's span leaves out a row of this time, if it does.
    pub(super) fn outside_span(&self, at: Instant) -> Option<Aside> {
        if self.mapping.data_start().is_some_and(|start| at < start) {
            Some(Aside::BeforeDataStart)
        } else if self.mapping.data_end().is_some_and(|end| at >= end) {
            Some(Aside::AfterDataEnd)
        } else {
            None
        }
    }

    /// Checks that rows may name this account.
    pub(super) fn check_account(&self, row: Row<'_>, id: &str) -> Result<(), Breach> {
        let known = self.drafts.get(id).is_some_and(|draft| draft.listed.is_some());
        if known || !self.mapping.lists_accounts() || self.mapping.adds_unlisted_accounts() {
            return Ok(());
        }
        let message = format!("`{id}` is in no accounts row");
        Err(row.breach(Field::AccountId, Reason::UnknownAccount, message))
    }

    /// Checks that the account had entered by `at`.
    pub(super) fn check_entry(
        &self,
        row: Row<'_>,
        id: &str,
        (field, at): (Field, Instant),
    ) -> Result<(), Breach> {
        match self.drafts.get(id).and_then(|draft| draft.entered_at) {
            Some(entered) if at < entered => {
                let message = format!("{at} is before account `{id}` entered on {entered}");
                Err(row.breach(field, Reason::BeforeEntry, message))
            }
            _ => Ok(()),
        }
    }

    /// The account called `id`, made when it is new.
    pub(super) fn draft(&mut self, id: &str) -> &mut Draft {
        if !self.drafts.contains_key(id) {
            self.drafts.insert(id.to_owned(), Draft::default());
        }
        self.drafts.get_mut(id).expect("the account was just made")
    }

    fn take_account(&mut self, block: usize, row: Row<'_>) -> Result<Taken, Breach> {
        let id = row.needed_text(Field::AccountId)?;
        if let Some(first) = self.drafts.get(&id).and_then(|draft| draft.listed.as_ref()) {
            let message = if first.block == block && first.place.file == row.place.file {
                format!("account `{id}` is already in row {}", first.place.row)
            } else {
                format!("account `{id}` is already in another file")
            };
            return Err(row.breach(Field::AccountId, Reason::Duplicate, message));
        }
        let entered_at = row.instant(Field::EnteredAt)?;
        let exited_at = row.instant(Field::ExitedAt)?;
        check_order(row, entered_at, (Field::ExitedAt, exited_at))?;
        let account = Account {
            id: id.clone(),
            segment_id: row.text(Field::SegmentId)?,
            entered_at: Instant::default(),
            exited_at,
            exit_reason: row.text(Field::ExitReason)?,
            size: row.number_within(Field::Size, 0.0..=f64::INFINITY)?,
            contract_end: row.instant(Field::ContractEnd)?,
            priority: row.flag(Field::Priority)?,
            placement: placement(row)?,
        };
        let listed = Some(Listed { block, place: row.place, raw: row.raw() });
        let draft = self.draft(&id);
        *draft = Draft { account, entered_at, listed, ..Draft::default() };
        Ok(Taken::Made)
    }

    fn take_contact(&mut self, row: Row<'_>) -> Result<Taken, Breach> {
        let account = row.needed_text(Field::AccountId)?;
        self.check_account(row, &account)?;
        let id = row.needed_text(Field::ContactId)?;
        if self.draft_contact(&account, &id).is_some() {
            let message = format!("contact `{id}` of account `{account}` is in an earlier row");
            return Err(row.breach(Field::ContactId, Reason::Duplicate, message));
        }
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
        self.add_contact(row, &account, contact)?;
        Ok(Taken::Made)
    }

    fn draft_contact(&mut self, account: &str, id: &str) -> Option<u16> {
        self.drafts.get_mut(account).and_then(|draft| draft.contact(id))
    }

    fn add_contact(&mut self, row: Row<'_>, account: &str, contact: Contact) -> Result<(), Breach> {
        if self.draft(account).add_contact(contact) {
            return Ok(());
        }
        let message = format!("account `{account}` has more than 65,536 contacts");
        Err(row.breach(Field::ContactId, Reason::TooManyContacts, message))
    }

    /// Position of the row's contact; without a contacts table, contacts come from the rows.
    fn contact_of(&mut self, row: Row<'_>, account: &str) -> Result<Option<ContactIndex>, Breach> {
        let Some(id) = row.text(Field::ContactId)? else { return Ok(None) };
        if let Some(position) = self.draft_contact(account, &id) {
            return Ok(Some(ContactIndex(position)));
        }
        if self.mapping.lists_contacts() {
            let message = format!("`{id}` is in no contacts row of account `{account}`");
            return Err(row.breach(Field::ContactId, Reason::UnknownContact, message));
        }
        let contact = Contact { id: id.clone(), ..Contact::default() };
        self.add_contact(row, account, contact)?;
        Ok(self.draft_contact(account, &id).map(ContactIndex))
    }

    fn owner_of(&mut self, row: Row<'_>, account: &str) -> Result<Option<u16>, Breach> {
        let Some(id) = row.text(Field::OwnerId)? else { return Ok(None) };
        let position = self.draft(account).owners.position(id);
        position.map(Some).ok_or_else(|| too_many_names(row, Field::OwnerId, account))
    }

    fn initiative_of(&mut self, row: Row<'_>, account: &str) -> Result<Option<u16>, Breach> {
        let Some(id) = row.text(Field::InitiativeId)? else { return Ok(None) };
        let position = self.draft(account).initiatives.position(id);
        position.map(Some).ok_or_else(|| too_many_names(row, Field::InitiativeId, account))
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

    fn take_interaction(&mut self, block: usize, row: Row<'_>) -> Result<Taken, Breach> {
        let account = row.needed_text(Field::AccountId)?;
        let occurred_at = row.needed_instant(Field::OccurredAt)?;
        if let Some(why) = self.outside_span(occurred_at) {
            return Ok(Taken::Aside(why));
        }
        self.check_account(row, &account)?;
        self.check_entry(row, &account, (Field::OccurredAt, occurred_at))?;
        let kind = self.kind(row)?;
        let known_at = row.instant(Field::KnownAt)?;
        check_known(row, occurred_at, known_at)?;
        let not_negative = 0.0..=f64::INFINITY;
        let mut interaction = Interaction {
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
        let source_id = source_id(&interaction);
        if let Some(key) = &source_id
            && self.source_ids.contains(key)
        {
            let message = format!("`{}` is the name of an earlier row", key.1);
            return Err(row.breach(Field::SourceId, Reason::Duplicate, message));
        }
        interaction.contact = self.contact_of(row, &account)?;
        interaction.owner = self.owner_of(row, &account)?.map(OwnerIndex);
        interaction.initiative = self.initiative_of(row, &account)?.map(InitiativeIndex);
        self.source_ids.extend(source_id);
        let key = row.distinct().map(|values| (block, account.clone(), values));
        let made = key.as_ref().and_then(|key| self.combined.get(key)).copied();
        let draft = self.draft(&account);
        draft.seen(occurred_at);
        if let Some(position) = made {
            let first = &mut draft.interactions[position];
            if interaction.occurred_at < first.occurred_at {
                *first = interaction;
            }
            return Ok(Taken::Combined);
        }
        draft.interactions.push(interaction);
        let position = draft.interactions.len() - 1;
        self.combined.extend(key.map(|key| (key, position)));
        Ok(Taken::Made)
    }

    fn take_survey(&mut self, row: Row<'_>) -> Result<Taken, Breach> {
        let account = row.needed_text(Field::AccountId)?;
        let asked_at = row.needed_instant(Field::AskedAt)?;
        if let Some(why) = self.outside_span(asked_at) {
            return Ok(Taken::Aside(why));
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
        let contact = self.contact_of(row, &account)?;
        let draft = self.draft(&account);
        draft.seen(asked_at);
        draft.surveys.push(Survey { contact, ..survey });
        Ok(Taken::Made)
    }

    /// The histories in order of account id; accounts without any date are rejected.
    pub(super) fn finish(self, tallies: &mut [Tally]) -> Assembled {
        let mut assembled = Assembled { histories: Vec::new(), n_entries_inferred: 0 };
        for (id, mut draft) in self.drafts {
            let Some(entered_at) = draft.entered() else {
                if let Some(listed) = draft.listed {
                    let breach = Breach {
                        column: String::new(),
                        value: String::new(),
                        reason: Reason::NoEntry,
                        message: format!("account `{id}` has no entry date and no dated row"),
                    };
                    tallies[listed.block].reject_accepted(listed.place, breach, listed.raw);
                }
                continue;
            };
            assembled.n_entries_inferred += u64::from(draft.entered_at.is_none());
            let account = Account { id, entered_at, ..std::mem::take(&mut draft.account) };
            assembled.histories.push(history(self.mapping, account, draft));
        }
        assembled
    }
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

fn too_many_names(row: Row<'_>, field: Field, account: &str) -> Breach {
    let message = format!("account `{account}` has more than 65,535 values of `{}`", field.name());
    row.breach(field, Reason::TooManyNames, message)
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

fn source_id(interaction: &Interaction) -> Option<(String, String)> {
    let details = interaction.details.as_ref()?;
    let id = details.source_id.clone()?;
    Some((details.source_system.clone().unwrap_or_default(), id))
}

/// Puts the rows of one account in order; contacts go by id.
fn history(mapping: &Mapping, account: Account, draft: Draft) -> AccountHistory {
    let mut position_of = vec![0; draft.contacts.len()];
    let mut contacts = Vec::with_capacity(draft.contacts.len());
    for (first, contact) in draft.contacts.into_values() {
        position_of[usize::from(first)] = contacts.len() as u16;
        contacts.push(contact);
    }
    let by_id = |contact: Option<ContactIndex>| {
        contact.map(|first| ContactIndex(position_of[usize::from(first.0)]))
    };
    let mut interactions = draft.interactions;
    for interaction in &mut interactions {
        interaction.contact = by_id(interaction.contact);
    }
    interactions.sort_by_key(|interaction| interaction.occurred_at);
    let mut surveys = draft.surveys;
    for survey in &mut surveys {
        survey.contact = by_id(survey.contact);
    }
    surveys.sort_by_key(|survey| survey.asked_at);
    let mut outcomes: Vec<Outcome> = draft.outcomes.into_values().collect();
    outcomes.extend(draft.months.outcomes(mapping, &account));
    AccountHistory {
        contacts,
        owners: draft.owners.names,
        initiatives: draft.initiatives.names,
        interactions,
        outcomes,
        surveys,
        ..AccountHistory::empty(account)
    }
}
