//! The rules that the rows of one account keep, whether they are written or read.

use std::fmt::Display;

use super::error::Fault;
use super::schema::{Table, column};
use super::{AccountHistory, Interaction, TableCounts};
use crate::ids::ContactIndex;
use crate::time::Instant;

/// Years 1 to 9999: beyond, text and calendar months have no form for an instant.
const WRITABLE: std::ops::RangeInclusive<Instant> =
    Instant::from_micros(-62_135_596_800_000_000)..=Instant::from_micros(253_402_300_799_999_999);

const FINITE: &str = "a finite number";
const NOT_NEGATIVE: &str = "a finite number of at least 0";
const SHARE: &str = "a number from 0 to 1";
const NOT_EMPTY: &str = "a name";
const AFTER_ENTRY: &str = "a time at or after the account's entry";
const IN_ORDER: &str = "a time at or after that of the row before";
const AFTER_OCCURRENCE: &str = "a time at or after `occurred_at`";
const AFTER_PERIOD: &str = "a time at or after `period_end`";
const AFTER_QUESTION: &str = "a time at or after `asked_at`";
const AFTER_JOINING: &str = "a time at or after `valid_from`";
const KNOWN_CONTACT: &str = "a contact of the account";

/// Every broken rule in `history`; `before` counts the rows of the accounts before it.
pub(super) fn check(history: &AccountHistory, types: usize, before: &TableCounts) -> Vec<Fault> {
    let mut checker = Checker { history, before, faults: Vec::new() };
    checker.account();
    checker.contacts();
    checker.interactions(types);
    checker.outcomes();
    checker.surveys();
    checker.truth();
    checker.faults
}

struct Checker<'a> {
    history: &'a AccountHistory,
    before: &'a TableCounts,
    faults: Vec<Fault>,
}

/// One row that is being checked.
#[derive(Clone, Copy)]
struct Place(Table, usize);

impl Checker<'_> {
    #[cold]
    fn fault(
        &mut self,
        place: Place,
        column: &'static str,
        value: impl Display,
        rule: &'static str,
    ) {
        let Place(table, position) = place;
        self.faults.push(Fault {
            table,
            row: self.before.of(table) + position as u64 + 1,
            account: self.history.account.id.clone(),
            column,
            value: value.to_string(),
            rule,
        });
    }

    fn name(&mut self, place: Place, column: &'static str, value: &str) {
        if value.is_empty() {
            self.fault(place, column, value, NOT_EMPTY);
        }
    }

    fn finite(&mut self, place: Place, column: &'static str, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into().filter(|v| !v.is_finite()) {
            self.fault(place, column, value, FINITE);
        }
    }

    fn not_negative(&mut self, place: Place, column: &'static str, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into().filter(|v| !(v.is_finite() && *v >= 0.0)) {
            self.fault(place, column, value, NOT_NEGATIVE);
        }
    }

    fn share(&mut self, place: Place, column: &'static str, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into().filter(|v| !(0.0..=1.0).contains(v)) {
            self.fault(place, column, value, SHARE);
        }
    }

    fn not_before(
        &mut self,
        place: Place,
        column: &'static str,
        time: Instant,
        earliest: Instant,
        rule: &'static str,
    ) {
        if time < earliest {
            self.fault(place, column, time, rule);
        }
    }

    fn writable(&mut self, place: Place, column: &'static str, time: impl Into<Option<Instant>>) {
        if let Some(time) = time.into().filter(|time| !WRITABLE.contains(time)) {
            self.fault(place, column, time, "a time in the years 1 to 9999");
        }
    }

    fn contact(&mut self, place: Place, contact: Option<ContactIndex>) {
        if let Some(ContactIndex(position)) = contact
            && usize::from(position) >= self.history.contacts.len()
        {
            self.fault(
                place,
                column::CONTACT_ID,
                format_args!("position {position}"),
                KNOWN_CONTACT,
            );
        }
    }

    fn account(&mut self) {
        let account = &self.history.account;
        let place = Place(Table::Accounts, 0);
        self.name(place, column::ACCOUNT_ID, &account.id);
        self.not_negative(place, column::SIZE, account.size);
        self.writable(place, column::ENTERED_AT, account.entered_at);
        self.writable(place, column::EXITED_AT, account.exited_at);
        if let Some(exit) = account.exited_at {
            self.not_before(place, column::EXITED_AT, exit, account.entered_at, AFTER_ENTRY);
        }
    }

    fn contacts(&mut self) {
        let mut previous: Option<&str> = None;
        for (position, contact) in self.history.contacts.iter().enumerate() {
            let place = Place(Table::Contacts, position);
            self.name(place, column::CONTACT_ID, &contact.id);
            if previous.is_some_and(|id| id >= contact.id.as_str()) {
                let rule = "an id after that of the row before, each once";
                self.fault(place, column::CONTACT_ID, &contact.id, rule);
            }
            previous = Some(&contact.id);
            self.not_negative(place, column::INFLUENCE, contact.influence);
            self.writable(place, column::VALID_FROM, contact.valid_from);
            self.writable(place, column::VALID_TO, contact.valid_to);
            if let (Some(from), Some(to)) = (contact.valid_from, contact.valid_to) {
                self.not_before(place, column::VALID_TO, to, from, AFTER_JOINING);
            }
        }
        if self.history.contacts.len() > usize::from(u16::MAX) {
            let place = Place(Table::Contacts, usize::from(u16::MAX));
            let count = self.history.contacts.len();
            self.fault(place, column::CONTACT_ID, count, "at most 65,535 contacts per account");
        }
    }

    fn interactions(&mut self, types: usize) {
        let entered_at = self.history.account.entered_at;
        let mut earliest = entered_at;
        let mut rule = AFTER_ENTRY;
        for (position, interaction) in self.history.interactions.iter().enumerate() {
            let place = Place(Table::Interactions, position);
            let Interaction { contact, kind, occurred_at, known_at, .. } = *interaction;
            self.contact(place, contact);
            if usize::from(kind.0) >= types {
                let value = format_args!("position {}", kind.0);
                self.fault(place, column::INTERACTION_TYPE, value, "a registered interaction type");
            }
            self.not_before(place, column::OCCURRED_AT, occurred_at, earliest, rule);
            if occurred_at >= earliest {
                (earliest, rule) = (occurred_at, IN_ORDER);
            }
            self.not_before(place, column::KNOWN_AT, known_at, occurred_at, AFTER_OCCURRENCE);
            self.writable(place, column::KNOWN_AT, known_at);
            self.finite(place, column::RV, interaction.rv);
            self.finite(place, column::VARIABLE_COST, interaction.variable_cost);
            self.finite(place, column::CUSTOMER_EFFORT, interaction.customer_effort);
        }
    }

    fn outcomes(&mut self) {
        let mut free_from: Option<Instant> = None;
        for (position, outcome) in self.history.outcomes.iter().enumerate() {
            let place = Place(Table::Outcomes, position);
            if let Some(end) = free_from {
                let rule = "a time at or after the end of the period before";
                self.not_before(place, column::PERIOD_START, outcome.period_start, end, rule);
            }
            if outcome.period_end <= outcome.period_start {
                let rule = "a time after `period_start`";
                self.fault(place, column::PERIOD_END, outcome.period_end, rule);
            }
            free_from = free_from.max(Some(outcome.period_end));
            let (known_at, end) = (outcome.known_at, outcome.period_end);
            self.not_before(place, column::KNOWN_AT, known_at, end, AFTER_PERIOD);
            self.writable(place, column::PERIOD_START, outcome.period_start);
            self.writable(place, column::KNOWN_AT, known_at);
            self.finite(place, column::REVENUE, outcome.revenue);
            self.finite(place, column::GROSS_PROFIT, outcome.gross_profit);
            self.finite(place, column::COST_TO_ENGAGE, outcome.cost_to_engage);
            self.finite(place, column::COST_TO_SERVE, outcome.cost_to_serve);
            self.share(place, column::SHARE_OF_WALLET, outcome.share_of_wallet);
        }
    }

    fn surveys(&mut self) {
        let mut earliest = self.history.account.entered_at;
        let mut rule = AFTER_ENTRY;
        for (position, survey) in self.history.surveys.iter().enumerate() {
            let place = Place(Table::Surveys, position);
            self.contact(place, survey.contact);
            self.not_before(place, column::ASKED_AT, survey.asked_at, earliest, rule);
            if survey.asked_at >= earliest {
                (earliest, rule) = (survey.asked_at, IN_ORDER);
            }
            if let Some(answered_at) = survey.answered_at {
                let asked_at = survey.asked_at;
                self.not_before(place, column::ANSWERED_AT, answered_at, asked_at, AFTER_QUESTION);
            }
            self.writable(place, column::ASKED_AT, survey.asked_at);
            self.writable(place, column::ANSWERED_AT, survey.answered_at);
            self.name(place, column::INSTRUMENT, &survey.instrument);
            self.finite(place, column::VALUE, survey.value);
        }
    }

    fn truth(&mut self) {
        let mut previous: Option<Instant> = None;
        for (position, truth) in self.history.truth.iter().enumerate() {
            let place = Place(Table::Truth, position);
            if previous.is_some_and(|start| truth.period_start <= start) {
                let rule = "a time after that of the row before";
                self.fault(place, column::PERIOD_START, truth.period_start, rule);
            }
            previous = previous.max(Some(truth.period_start));
            self.writable(place, column::PERIOD_START, truth.period_start);
            self.name(place, column::STATE, &truth.state);
            self.share(place, column::HAZARD, truth.hazard);
            self.finite(place, column::EXPECTED_PROFIT, truth.expected_profit);
            self.finite(place, column::EXPECTED_REVENUE, truth.expected_revenue);
            self.finite(place, column::EXPECTED_SATISFACTION, truth.expected_satisfaction);
            let share = truth.expected_share_of_wallet;
            self.share(place, column::EXPECTED_SHARE_OF_WALLET, share);
        }
    }
}
