//! The rules that rows keep, whether they are written or read.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::error::Fault;
use super::schema::{Table, column};
use super::{
    AccountHistory, CustomerValue, Initiative, Interaction, LedgerEntry, Staff, TableCounts, Truth,
    ValueAspect,
};
use crate::ids::{ContactIndex, InitiativeIndex, OwnerIndex, TypeIndex};
use crate::time::Instant;

/// Years 1 to 9999: beyond, text and calendar months have no form for an instant.
pub const WRITABLE: std::ops::RangeInclusive<Instant> =
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
const NEXT_ID: &str = "an id after that of the row before, each once";

/// Whether rows are about to be written or were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    In,
    /// Every number of the truth has to be known; a log of version 1 has not all of them.
    Out,
}

/// Every broken rule in `history`; `before` counts the rows of the accounts before it.
pub(super) fn check(
    history: &AccountHistory,
    types: usize,
    before: &TableCounts,
    way: Way,
) -> Vec<Fault> {
    let mut checker = Checker { history, before, way, faults: Vec::new() };
    checker.account();
    checker.contacts();
    checker.names(column::OWNER_ID, &history.owners);
    checker.names(column::INITIATIVE_ID, &history.initiatives);
    checker.interactions(types);
    checker.outcomes();
    checker.surveys();
    checker.ledger();
    checker.customer_value();
    checker.truth();
    checker.faults
}

/// Every broken rule in the `row`-th (from 0) of the staff, which follows that of id `previous`.
pub(super) fn check_staff(staff: &Staff, row: u64, previous: Option<&str>) -> Vec<Fault> {
    let mut checker = LogChecker { place: (Table::Staff, row), faults: Vec::new() };
    checker.id(column::OWNER_ID, &staff.id, previous);
    checker.name(column::FUNCTION, &staff.function);
    checker.span((column::JOINED_AT, staff.joined_at), (column::LEFT_AT, staff.left_at), LEAVING);
    checker.faults
}

/// Every broken rule in the `row`-th (from 0) initiative, which follows that of id `previous`.
pub(super) fn check_initiative(
    initiative: &Initiative,
    row: u64,
    previous: Option<&str>,
) -> Vec<Fault> {
    let mut checker = LogChecker { place: (Table::Initiatives, row), faults: Vec::new() };
    checker.id(column::INITIATIVE_ID, &initiative.id, previous);
    checker.name(column::PURPOSE, &initiative.purpose);
    let (start, end) = (initiative.started_at, initiative.ended_at);
    checker.span((column::STARTED_AT, start), (column::ENDED_AT, end), ENDING);
    checker.faults
}

const LEAVING: &str = "a time at or after `joined_at`";
const ENDING: &str = "a time at or after `started_at`";
const YEARS: &str = "a time in the years 1 to 9999";

/// Checks a row that belongs to the whole log.
struct LogChecker {
    place: (Table, u64),
    faults: Vec<Fault>,
}

impl LogChecker {
    fn fault(&mut self, column: &'static str, value: impl Display, rule: &'static str) {
        let (table, row) = self.place;
        self.faults.push(Fault {
            table,
            row: row + 1,
            account: String::new(),
            column,
            value: value.to_string(),
            rule,
        });
    }

    fn name(&mut self, column: &'static str, value: &str) {
        if value.is_empty() {
            self.fault(column, value, NOT_EMPTY);
        }
    }

    fn id(&mut self, column: &'static str, id: &str, previous: Option<&str>) {
        self.name(column, id);
        if previous.is_some_and(|previous| previous >= id) {
            self.fault(column, id, NEXT_ID);
        }
    }

    fn span(
        &mut self,
        (from_column, from): (&'static str, Option<Instant>),
        (to_column, to): (&'static str, Option<Instant>),
        rule: &'static str,
    ) {
        for (column, time) in [(from_column, from), (to_column, to)] {
            if let Some(time) = time.filter(|time| !WRITABLE.contains(time)) {
                self.fault(column, time, YEARS);
            }
        }
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            self.fault(to_column, to, rule);
        }
    }
}

struct Checker<'a> {
    history: &'a AccountHistory,
    before: &'a TableCounts,
    way: Way,
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

    fn sentiment(&mut self, place: Place, value: Option<f64>) {
        if let Some(value) = value.filter(|v| !(-1.0..=1.0).contains(v)) {
            self.fault(place, column::SENTIMENT, value, "a number between -1 and 1");
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
            self.fault(place, column, time, YEARS);
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
        self.writable(place, column::CONTRACT_END, account.contract_end);
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
                self.fault(place, column::CONTACT_ID, &contact.id, NEXT_ID);
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

    /// Names that interactions refer to: a fault is placed at the account's first interaction.
    fn names(&mut self, column: &'static str, names: &[String]) {
        let place = Place(Table::Interactions, 0);
        let mut seen = BTreeSet::new();
        for name in names {
            self.name(place, column, name);
            if !seen.insert(name) {
                self.fault(place, column, name, "a name that is listed once");
            }
        }
        if names.len() > usize::from(u16::MAX) {
            self.fault(place, column, names.len(), "at most 65,535 of them per account");
        }
    }

    fn reference(&mut self, place: Place, column: &'static str, index: Option<u16>, names: usize) {
        if let Some(position) = index.filter(|index| usize::from(*index) >= names) {
            let value = format_args!("position {position}");
            self.fault(place, column, value, "the position of a name that the history lists");
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
            let owner = interaction.owner.map(|OwnerIndex(position)| position);
            self.reference(place, column::OWNER_ID, owner, self.history.owners.len());
            let initiative = interaction.initiative.map(|InitiativeIndex(position)| position);
            let initiatives = self.history.initiatives.len();
            self.reference(place, column::INITIATIVE_ID, initiative, initiatives);
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
            if let Some(details) = &interaction.details {
                self.not_negative(place, column::SEVERITY, details.severity);
                self.sentiment(place, details.sentiment);
            }
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
            self.finite(place, column::CUSTOMER_EFFORT_COST, outcome.customer_effort_cost);
            self.not_negative(place, column::WALLET_SIZE, outcome.wallet_size);
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

    fn ledger(&mut self) {
        let mut earliest = self.history.account.entered_at;
        let mut rule = AFTER_ENTRY;
        for (position, entry) in self.history.ledger.iter().enumerate() {
            let place = Place(Table::ValueLedger, position);
            let LedgerEntry { contact, occurred_at, quantity, value_low, value_high, .. } = *entry;
            self.contact(place, contact);
            self.not_before(place, column::OCCURRED_AT, occurred_at, earliest, rule);
            if occurred_at >= earliest {
                (earliest, rule) = (occurred_at, IN_ORDER);
            }
            self.writable(place, column::OCCURRED_AT, occurred_at);
            self.not_negative(place, column::QUANTITY, quantity);
            self.finite(place, column::VALUE_LOW, value_low);
            self.finite(place, column::VALUE_HIGH, value_high);
            if let (Some(low), Some(high)) = (value_low, value_high)
                && high < low
            {
                self.fault(place, column::VALUE_HIGH, high, "a number of at least `value_low`");
            }
        }
    }

    fn customer_value(&mut self) {
        let mut period: Option<Instant> = None;
        let mut scored: Vec<ValueAspect> = Vec::new();
        for (position, value) in self.history.customer_value.iter().enumerate() {
            let place = Place(Table::CustomerValue, position);
            let CustomerValue { period_start, aspect, score, total_cost_of_ownership } = *value;
            if let Some(earliest) = period {
                self.not_before(place, column::PERIOD_START, period_start, earliest, IN_ORDER);
            }
            if period.is_none_or(|period| period_start > period) {
                period = Some(period_start);
                scored.clear();
            }
            if scored.contains(&aspect) {
                self.fault(place, column::ASPECT, aspect, "each aspect once per period");
            }
            scored.push(aspect);
            self.writable(place, column::PERIOD_START, period_start);
            self.share(place, column::SCORE, score);
            self.finite(place, column::TOTAL_COST_OF_OWNERSHIP, total_cost_of_ownership);
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
            self.share(place, column::HAZARD, truth.hazard);
            self.finite(place, column::EXPECTED_PROFIT, truth.expected_profit);
            self.finite(place, column::EXPECTED_REVENUE, truth.expected_revenue);
            self.finite(place, column::EXPECTED_SATISFACTION, truth.expected_satisfaction);
            let share = truth.expected_share_of_wallet;
            self.share(place, column::EXPECTED_SHARE_OF_WALLET, share);
            for (name, number) in effects(truth) {
                if self.way == Way::Out || !number.is_nan() {
                    self.finite(place, name, number);
                }
            }
        }
    }
}

/// The numbers of the truth that a log of version 1 lacks.
pub(super) fn effects(truth: &Truth) -> [(&'static str, f64); 7] {
    [
        (column::MIRRORED_PURCHASES, truth.mirrored_purchases),
        (column::OWNER_TARGET, truth.owner_target),
        (column::FELT_EFFECT, truth.felt_effect),
        (column::GOODWILL, truth.goodwill),
        (column::UNLOGGED, truth.unlogged),
        (column::CRITICAL, truth.critical),
        (column::LOCKED_IN, truth.locked_in),
    ]
}

/// Checks columns of interactions of one account.
pub(super) struct ColumnChecker<'a> {
    history: &'a AccountHistory,
    before: u64,
    pub(super) faults: Vec<Fault>,
}

impl<'a> ColumnChecker<'a> {
    pub(super) fn new(history: &'a AccountHistory, before: u64) -> Self {
        Self { history, before, faults: Vec::new() }
    }

    #[cold]
    fn fault(&mut self, row: usize, column: &'static str, value: impl Display, rule: &'static str) {
        self.faults.push(Fault {
            table: Table::Interactions,
            row: self.before + row as u64 + 1,
            account: self.history.account.id.clone(),
            column,
            value: value.to_string(),
            rule,
        });
    }

    pub(super) fn times(&mut self, times: &[Instant]) {
        let mut earliest = self.history.account.entered_at;
        let mut rule = AFTER_ENTRY;
        for (row, &time) in times.iter().enumerate() {
            if time < earliest {
                self.fault(row, column::OCCURRED_AT, time, rule);
            } else {
                (earliest, rule) = (time, IN_ORDER);
            }
        }
        if let Some(&last) = times.last()
            && !WRITABLE.contains(&last)
        {
            self.fault(times.len() - 1, column::OCCURRED_AT, last, YEARS);
        }
    }

    pub(super) fn kinds(&mut self, kinds: &[TypeIndex], types: usize) {
        for (row, kind) in kinds.iter().enumerate() {
            if usize::from(kind.0) >= types {
                let value = format_args!("position {}", kind.0);
                self.fault(row, column::INTERACTION_TYPE, value, "a registered interaction type");
            }
        }
    }

    pub(super) fn contacts(&mut self, contacts: &[ContactIndex]) {
        for (row, contact) in contacts.iter().enumerate() {
            if usize::from(contact.0) >= self.history.contacts.len() {
                let value = format_args!("position {}", contact.0);
                self.fault(row, column::CONTACT_ID, value, KNOWN_CONTACT);
            }
        }
    }

    pub(super) fn costs(&mut self, costs: &[f64]) {
        for (row, cost) in costs.iter().enumerate() {
            if !cost.is_finite() {
                self.fault(row, column::VARIABLE_COST, cost, FINITE);
            }
        }
    }

    pub(super) fn rows_too(&mut self, rows: usize) {
        let value = format_args!("{rows} rows");
        self.fault(
            0,
            column::INTERACTION_ID,
            value,
            "interactions as rows or as columns, not both",
        );
    }
}
