//! The rows of one account into its history: identity, references and order in time.

use std::collections::BTreeMap;

use super::checked::{Checked, NamesOf};
use super::field::Field;
use super::ledger::{Aside, Breach, Reason};
use super::mapping::Mapping;
use super::outcomes::{Months, add_amount, add_period, status_in};
use super::row::Row;
use super::spool::Origin;
use crate::ids::{ContactIndex, InitiativeIndex, OwnerIndex};
use crate::interaction::{Account, AccountHistory, Contact, Interaction, Outcome, Status, Survey};
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
    /// Where its own row is.
    listed: Option<Origin>,
    /// Rows without a date, which are lost unless others have one.
    undated: Vec<Undated>,
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

/// A row that may yet turn out to be unusable.
#[derive(Debug)]
pub(super) struct Undated {
    pub(super) origin: Origin,
    pub(super) raw: String,
}

/// Collects the rows of one account from all blocks.
#[derive(Debug)]
pub(super) struct Assembly<'m> {
    pub(super) mapping: &'m Mapping,
    draft: Option<Draft>,
    /// By block and distinct values: position of the interaction they made.
    combined: BTreeMap<(usize, Vec<String>), usize>,
}

/// What the rows of one account are together.
#[derive(Debug)]
pub(super) enum Assembled {
    /// No row could be used.
    Nothing,
    History {
        history: Box<AccountHistory>,
        /// Whether the entry is only the first row seen.
        entry_inferred: bool,
    },
    /// An account without any date: its rows must be rejected.
    NoEntry(Vec<Undated>, Breach),
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

    fn contact(&self, id: &str) -> Option<u16> {
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
        Self { mapping, draft: None, combined: BTreeMap::new() }
    }

    /// Takes the row from `origin`.
    pub(super) fn take(&mut self, origin: Origin, row: Row<'_>) -> Result<Taken, Breach> {
        match self.check(row)? {
            Checked::Aside(why) => Ok(Taken::Aside(why)),
            Checked::Account(account, entered_at) => {
                self.add_account(origin, row, *account, entered_at)
            }
            Checked::Contact(account, contact) => {
                self.add_contact(row, &account, contact)?;
                self.draft(&account).undated.push(Undated { origin, raw: row.raw() });
                Ok(Taken::Made)
            }
            Checked::Interaction(account, interaction, names) => {
                self.add_interaction(origin.block, row, &account, *interaction, names)
            }
            Checked::Outcome(account, outcome, status) => {
                add_period(self, row, &account, *outcome, status)
            }
            Checked::Amount(account, amount) => Ok(add_amount(self, &account, amount)),
            Checked::Survey(account, survey, contact) => {
                self.add_survey(row, &account, *survey, contact)
            }
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
        let known = self.draft.as_ref().is_some_and(|draft| draft.listed.is_some());
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
        match self.draft.as_ref().and_then(|draft| draft.entered_at) {
            Some(entered) if at < entered => {
                let message = format!("{at} is before account `{id}` entered on {entered}");
                Err(row.breach(field, Reason::BeforeEntry, message))
            }
            _ => Ok(()),
        }
    }

    /// The account, called `id`, made when it is new.
    pub(super) fn draft(&mut self, id: &str) -> &mut Draft {
        self.draft.get_or_insert_with(|| Draft {
            account: Account { id: id.to_owned(), ..Account::default() },
            ..Draft::default()
        })
    }

    fn add_account(
        &mut self,
        origin: Origin,
        row: Row<'_>,
        account: Account,
        entered_at: Option<Instant>,
    ) -> Result<Taken, Breach> {
        if let Some(first) = self.draft.as_ref().and_then(|draft| draft.listed) {
            let id = &account.id;
            let message = if first.block == origin.block && first.place.file == origin.place.file {
                format!("account `{id}` is already in row {}", first.place.row)
            } else {
                format!("account `{id}` is already in another file")
            };
            return Err(row.breach(Field::AccountId, Reason::Duplicate, message));
        }
        let undated = vec![Undated { origin, raw: row.raw() }];
        let listed = Some(origin);
        self.draft = Some(Draft { account, entered_at, listed, undated, ..Draft::default() });
        Ok(Taken::Made)
    }

    fn draft_contact(&self, id: &str) -> Option<u16> {
        self.draft.as_ref().and_then(|draft| draft.contact(id))
    }

    fn add_contact(&mut self, row: Row<'_>, account: &str, contact: Contact) -> Result<(), Breach> {
        if self.draft_contact(&contact.id).is_some() {
            let id = contact.id;
            let message = format!("contact `{id}` of account `{account}` is in an earlier row");
            return Err(row.breach(Field::ContactId, Reason::Duplicate, message));
        }
        if self.draft(account).add_contact(contact) {
            return Ok(());
        }
        let message = format!("account `{account}` has more than 65,536 contacts");
        Err(row.breach(Field::ContactId, Reason::TooManyContacts, message))
    }

    /// Checks that rows may name this contact.
    pub(super) fn check_contact(
        &self,
        row: Row<'_>,
        account: &str,
        id: &str,
    ) -> Result<(), Breach> {
        if !self.mapping.lists_contacts() || self.draft_contact(id).is_some() {
            return Ok(());
        }
        let message = format!("`{id}` is in no contacts row of account `{account}`");
        Err(row.breach(Field::ContactId, Reason::UnknownContact, message))
    }

    /// Position of a contact; without a contacts table, contacts come from the rows.
    fn contact_of(
        &mut self,
        row: Row<'_>,
        account: &str,
        id: Option<String>,
    ) -> Result<Option<ContactIndex>, Breach> {
        let Some(id) = id else { return Ok(None) };
        if self.draft_contact(&id).is_none() {
            let contact = Contact { id: id.clone(), ..Contact::default() };
            self.add_contact(row, account, contact)?;
        }
        Ok(self.draft_contact(&id).map(ContactIndex))
    }

    fn add_interaction(
        &mut self,
        block: usize,
        row: Row<'_>,
        account: &str,
        mut interaction: Interaction,
        names: NamesOf,
    ) -> Result<Taken, Breach> {
        interaction.contact = self.contact_of(row, account, names.contact)?;
        let position = |names: &mut Names, field, name: Option<String>| {
            name.map(|name| names.position(name).ok_or_else(|| too_many_names(row, field, account)))
                .transpose()
        };
        let draft = self.draft(account);
        interaction.owner =
            position(&mut draft.owners, Field::OwnerId, names.owner)?.map(OwnerIndex);
        interaction.initiative =
            position(&mut draft.initiatives, Field::InitiativeId, names.initiative)?
                .map(InitiativeIndex);
        let key = row.distinct().map(|values| (block, values));
        let made = key.as_ref().and_then(|key| self.combined.get(key)).copied();
        let draft = self.draft(account);
        draft.seen(interaction.occurred_at);
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

    fn add_survey(
        &mut self,
        row: Row<'_>,
        account: &str,
        survey: Survey,
        contact: Option<String>,
    ) -> Result<Taken, Breach> {
        let contact = self.contact_of(row, account, contact)?;
        let draft = self.draft(account);
        draft.seen(survey.asked_at);
        draft.surveys.push(Survey { contact, ..survey });
        Ok(Taken::Made)
    }

    /// The history of the account.
    pub(super) fn finish(self) -> Assembled {
        let Some(mut draft) = self.draft else { return Assembled::Nothing };
        let Some(entered_at) = draft.entered() else {
            let message =
                format!("account `{}` has no entry date and no dated row", draft.account.id);
            let (column, value) = (String::new(), String::new());
            let breach = Breach { column, value, reason: Reason::NoEntry, message };
            return Assembled::NoEntry(draft.undated, breach);
        };
        let entry_inferred = draft.entered_at.is_none();
        let account = Account { entered_at, ..std::mem::take(&mut draft.account) };
        let history = Box::new(history(self.mapping, account, draft));
        Assembled::History { history, entry_inferred }
    }
}

fn too_many_names(row: Row<'_>, field: Field, account: &str) -> Breach {
    let message = format!("account `{account}` has more than 65,535 values of `{}`", field.name());
    row.breach(field, Reason::TooManyNames, message)
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
