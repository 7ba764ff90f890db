//! The past of one account with what each interaction is worth, in the one order in which scores read it.

use super::Fact;
use super::record::Records;
use super::valuation::{TypeValue, Valuation};
use crate::ids::{ContactIndex, TypeIndex};
use crate::interaction::{
    AccountHistory, CustomerValue, Direction, Failure, Interaction, LedgerEntry, Outcome, Stage,
    Survey,
};
use crate::time::{Calendar, Instant};

/// One interaction with its value and cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValuedInteraction {
    /// Position of the contact; absent for account-level rows.
    pub contact: Option<ContactIndex>,
    /// What happened.
    pub kind: TypeIndex,
    /// When it happened.
    pub occurred_at: Instant,
    /// When the row could first have been read.
    pub known_at: Instant,
    /// Relative value: signed, no unit.
    pub rv: f64,
    /// Variable cost \[currency\].
    pub variable_cost: f64,
    /// Effort of the customer \[minutes\].
    pub customer_effort: f64,
    /// A purchase, renewal or invoice (rule R1).
    pub transactional: bool,
    /// An emotional moment.
    pub emotional: bool,
    /// What it fails in, when it is a critical one, which can destroy goodwill.
    pub failure: Option<Failure>,
    /// It repairs what a critical one destroyed.
    pub recovery: bool,
    /// Stage of the relationship that it belongs to.
    pub stage: Stage,
    /// Who moved first.
    pub direction: Direction,
    /// Position of the firm's function among [`Valuation::functions`].
    pub function: u16,
    /// Rank of the level to which it moves the contact, from 1 in order of stage and catalogue.
    pub level: Option<u16>,
    /// How the customer sounded, from −1 (angry) to 1 (delighted); 0 where nobody says.
    pub sentiment: f64,
    /// How many base values of its type it is worth: 1, or what its segment makes of it; absent where the
    /// row has a value of its own, or the base value is 0 and the segment's is not.
    pub multiple: Option<f64>,
    /// Position of its interaction record in [`ValuedHistory::records`].
    pub record: usize,
}

impl ValuedInteraction {
    /// An interaction of the account, known at once, that has a relative value and nothing else.
    pub fn plain(kind: TypeIndex, occurred_at: Instant, rv: f64) -> Self {
        Self {
            contact: None,
            kind,
            occurred_at,
            known_at: occurred_at,
            rv,
            variable_cost: 0.0,
            customer_effort: 0.0,
            transactional: false,
            emotional: false,
            failure: None,
            recovery: false,
            stage: Stage::Retention,
            direction: Direction::Outbound,
            function: 0,
            level: None,
            sentiment: 0.0,
            multiple: None,
            record: 0,
        }
    }

    /// Values one row of an account whose segment gives the types the values `of_account`.
    ///
    /// What the row says itself comes first, then what its own segment does, then the account's.
    #[inline]
    fn new(row: &Interaction, of_account: &[TypeValue], valuation: &Valuation) -> Self {
        let value = valuation.of_row(row).unwrap_or_else(|| &of_account[usize::from(row.kind.0)]);
        Self {
            contact: row.contact,
            kind: row.kind,
            occurred_at: row.occurred_at,
            known_at: row.known_at,
            rv: row.rv.unwrap_or(value.rv),
            variable_cost: row.variable_cost.unwrap_or(value.variable_cost),
            customer_effort: row.customer_effort.unwrap_or(value.customer_effort),
            transactional: value.transactional,
            emotional: value.emotional,
            failure: value.failure,
            recovery: value.recovery,
            stage: row.stage.unwrap_or(value.stage),
            direction: row.direction.unwrap_or(value.direction),
            function: valuation.function_of_row(row).unwrap_or(value.function),
            level: value.level,
            sentiment: row.details.as_deref().and_then(|d| d.sentiment).unwrap_or(0.0),
            multiple: value.multiple.filter(|_| row.rv.is_none()),
            record: 0,
        }
    }
}

/// What a roll-up needs to know about a contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Membership {
    /// Buying influence, non-negative; only ratios within an account matter.
    pub influence: f64,
    /// Joined the account; absent means with the first interaction.
    pub valid_from: Option<Instant>,
    /// Left the account; absent while the contact stays.
    pub valid_to: Option<Instant>,
}

/// The past of one account in the one order in which scores read it.
#[derive(Debug, Clone)]
pub struct ValuedHistory {
    interactions: Vec<ValuedInteraction>,
    facts: Facts,
    contacts: Vec<Membership>,
    records: Records,
    start: Start,
    steps: Vec<Step>,
}

/// What an account has beside its interactions.
#[derive(Debug, Clone)]
struct Facts {
    outcomes: Vec<Outcome>,
    surveys: Vec<Survey>,
    ledger: Vec<LedgerEntry>,
    appraisals: Vec<CustomerValue>,
}

/// What is known of an account from the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Start {
    /// When the relationship began.
    pub entered_at: Instant,
    /// Recorded size, where the log has it.
    pub size: Option<f64>,
}

/// One interaction or outcome, with the instants that decide when a score may read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// When it happened: rows are folded in this order.
    pub(super) at: Instant,
    /// When it had happened and was known: from the next instant on it may be read.
    pub(super) readable: Instant,
    pub(super) row: Row,
}

/// Position of a row in its table.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row {
    Interaction(usize),
    Outcome(usize),
    Survey(usize),
    Ledger(usize),
    Appraisal(usize),
}

impl ValuedHistory {
    /// Values the rows of `history`.
    ///
    /// Interactions are put in order of occurrence, those of the same instant in order of position.
    /// An outcome comes at the last instant of its period, after the interactions of that instant, and
    /// so does an appraisal, in the last two hours of its month; a survey comes when it is answered.
    /// Of the rows of one interaction with several contacts (same source id, type and instant) those
    /// that became known first share its cost equally, the others carry none.
    ///
    /// # Panics
    ///
    /// When `valuation` was made for another log and lacks a type.
    pub fn new(history: &AccountHistory, valuation: &Valuation) -> Self {
        let values = valuation.of_segment(history.account.segment_id.as_deref());
        let value = |row| ValuedInteraction::new(row, values, valuation);
        let mut interactions: Vec<_> = history.interactions.iter().map(value).collect();
        share_costs(&history.interactions, &mut interactions);
        let contacts = contacts(history);
        let records = Records::of(history, contacts.len(), &mut interactions);
        interactions.sort_by_key(|interaction| interaction.occurred_at);
        let facts = Facts::of(history);
        let account = &history.account;
        Self {
            steps: steps(&interactions, &facts),
            contacts,
            records,
            start: Start { entered_at: account.entered_at, size: account.size },
            interactions,
            facts,
        }
    }

    /// The same past as if every row had been known when it happened: what a score that looks at the final
    /// data sees, and no honest one.
    #[must_use]
    pub fn finally_known(&self) -> Self {
        let mut known = self.clone();
        for interaction in &mut known.interactions {
            interaction.known_at = interaction.occurred_at;
        }
        for step in &mut known.steps {
            step.readable = step.at;
        }
        known
    }

    /// Number of rows that became known after they had happened.
    pub fn late_rows(&self) -> usize {
        self.steps.iter().filter(|step| step.readable > step.at).count()
    }

    /// The interactions, in order of occurrence.
    pub fn interactions(&self) -> &[ValuedInteraction] {
        &self.interactions
    }

    /// The outcomes, in order of period.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.facts.outcomes
    }

    /// The contacts, by position; those that occur only in interactions have influence 1.
    pub fn contacts(&self) -> &[Membership] {
        &self.contacts
    }

    /// Its interaction records: one per contact, and one more per contact, segment and initiative.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// What is known from the start.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// What a row beside the interactions says; absent for an interaction.
    pub(super) fn fact(&self, row: Row) -> Option<Fact<'_>> {
        let facts = &self.facts;
        Some(match row {
            Row::Interaction(_) => return None,
            Row::Outcome(at) => Fact::Outcome(&facts.outcomes[at]),
            Row::Survey(at) => Fact::Survey(&facts.surveys[at]),
            Row::Ledger(at) => Fact::Ledger(&facts.ledger[at]),
            Row::Appraisal(at) => Fact::Appraisal(&facts.appraisals[at]),
        })
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// Counts the cost of an interaction with several contacts once: its value accrues to each of them, its
/// cost was paid once. Its rows share source id, type and instant.
///
/// Those that became known first share the cost equally and later ones carry none, so that no value
/// depends on a row that was not known yet.
fn share_costs(rows: &[Interaction], valued: &mut [ValuedInteraction]) {
    let source = |at: usize| rows[at].details.as_deref()?.source_id.as_deref();
    let named = |&at: &usize| rows[at].contact.is_some() && source(at).is_some();
    let key = |at: usize| (rows[at].occurred_at, rows[at].kind, source(at));
    let mut positions: Vec<usize> = (0..rows.len()).filter(named).collect();
    positions.sort_by(|&a, &b| key(a).cmp(&key(b)));
    for shared in positions.chunk_by(|&a, &b| key(a) == key(b)).filter(|shared| shared.len() > 1) {
        let first = shared.iter().map(|&at| rows[at].known_at).min();
        let mut contacts: Vec<_> = shared
            .iter()
            .filter(|&&at| Some(rows[at].known_at) == first)
            .map(|&at| rows[at].contact)
            .collect();
        contacts.sort_unstable();
        contacts.dedup();
        for &at in shared {
            // A second row of a contact who shares the cost is a duplicate, not a further guest.
            let shares = contacts.contains(&rows[at].contact);
            let part = if shares { (contacts.len() as f64).recip() } else { 0.0 };
            valued[at].variable_cost *= part;
        }
    }
}

impl Facts {
    fn of(history: &AccountHistory) -> Self {
        let mut outcomes = history.outcomes.clone();
        outcomes.sort_by_key(|outcome| outcome.period_end);
        Self {
            outcomes,
            surveys: history.surveys.clone(),
            ledger: history.ledger.clone(),
            appraisals: history.customer_value.clone(),
        }
    }

    fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        // A period and what is known at its close belong to the as-of at that close: baselines
        // must not lag a month behind scores that see every row up to it.
        let just_before = |at: Instant| Instant::from_micros(at.micros() - 1);
        let closed = move |end: Instant, known_at: Instant, row| {
            Step::new(just_before(end), just_before(known_at), row)
        };
        let outcomes =
            self.outcomes.iter().enumerate().map(move |(n, outcome)| {
                closed(outcome.period_end, outcome.known_at, Row::Outcome(n))
            });
        let appraisals = self.appraisals.iter().enumerate().map(move |(n, appraisal)| {
            let end = end_of_month(appraisal.period_start);
            closed(end, end, Row::Appraisal(n))
        });
        let surveys = self.surveys.iter().enumerate().filter_map(|(n, survey)| {
            let answered_at = survey.answered_at?;
            survey.value.map(|_| Step::new(answered_at, answered_at, Row::Survey(n)))
        });
        let ledger = self.ledger.iter().enumerate();
        let ledger = ledger
            .map(|(n, entry)| Step::new(entry.occurred_at, entry.occurred_at, Row::Ledger(n)));
        outcomes.chain(surveys).chain(ledger).chain(appraisals)
    }
}

/// The end of the calendar month that begins at `start` in some time zone, or up to two hours before it.
///
/// The month is that of fourteen hours later in UTC, whatever the zone; an hour is taken off for a clock
/// that is put forward on the way.
fn end_of_month(start: Instant) -> Instant {
    let inside = Calendar::UTC.month_of(start.plus_days(14.0 / 24.0));
    let days = Calendar::UTC.end_of(inside).days_since(Calendar::UTC.start_of(inside));
    start.plus_days(days - 1.0 / 24.0)
}

impl Step {
    fn new(at: Instant, known_at: Instant, row: Row) -> Self {
        Self { at, readable: at.max(known_at), row }
    }
}

/// All rows in order; of those that happened at the same time, interactions come first.
fn steps(interactions: &[ValuedInteraction], facts: &Facts) -> Vec<Step> {
    let mut facts: Vec<Step> = facts.steps().collect();
    facts.sort_by_key(|step| step.at);
    let mut steps = Vec::with_capacity(interactions.len() + facts.len());
    let step = |at: usize| {
        let row = &interactions[at];
        Step::new(row.occurred_at, row.known_at, Row::Interaction(at))
    };
    let mut done = 0;
    for fact in facts {
        let until = interactions.partition_point(|row| row.occurred_at <= fact.at);
        steps.extend((done..until).map(step));
        steps.push(fact);
        done = until;
    }
    steps.extend((done..interactions.len()).map(step));
    steps
}

fn contacts(history: &AccountHistory) -> Vec<Membership> {
    let mut contacts: Vec<Membership> = history
        .contacts
        .iter()
        .map(|contact| Membership {
            influence: contact.influence,
            valid_from: contact.valid_from,
            valid_to: contact.valid_to,
        })
        .collect();
    let seen = history.interactions.iter().filter_map(|row| row.contact);
    let needed = seen.map(|contact| usize::from(contact.0) + 1).max().unwrap_or(0);
    let unlisted = Membership { influence: 1.0, valid_from: None, valid_to: None };
    contacts.resize(contacts.len().max(needed), unlisted);
    contacts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Catalogue, CatalogueEntry, Worth};
    use crate::ids::TypeNames;
    use crate::interaction::Account;
    use crate::time::Month;

    fn worth(rv: f64) -> Worth {
        Worth { rv, rv_sd: None, variable_cost: 10.0 * rv, cost_sd: None }
    }

    fn entry(name: &str, rv: f64) -> CatalogueEntry {
        CatalogueEntry {
            stage: Stage::Closing,
            worth: worth(rv),
            customer_effort: 15.0,
            critical: true,
            ..CatalogueEntry::plain(name, rv)
        }
    }

    fn day(day: f64) -> Instant {
        Instant::from_micros(0).plus_days(day)
    }

    fn row(kind: TypeIndex, occurred: f64, rv: Option<f64>) -> Interaction {
        Interaction {
            contact: None,
            kind,
            occurred_at: day(occurred),
            known_at: day(occurred),
            rv,
            ..Interaction::default()
        }
    }

    fn history(segment: Option<&str>, interactions: Vec<Interaction>) -> AccountHistory {
        AccountHistory {
            account: Account {
                id: "a".to_owned(),
                segment_id: segment.map(str::to_owned),
                entered_at: day(0.0),
                exited_at: None,
                ..Account::default()
            },
            contacts: Vec::new(),
            interactions,
            outcomes: Vec::new(),
            ..AccountHistory::default()
        }
    }

    #[test]
    fn the_row_beats_the_segment_and_the_segment_beats_the_base() {
        let mut call = entry("call", 1.0);
        call.overrides = vec![("large".to_owned(), worth(3.0))];
        let catalogue = Catalogue::from_entries("1", vec![entry("visit", 5.0), call]).unwrap();
        let types: TypeNames = ["call", "visit"].into_iter().collect();
        let valuation = Valuation::new(&catalogue, &types).unwrap();
        let (call, visit) = (TypeIndex(0), TypeIndex(1));
        let rows = vec![row(call, 0.0, None), row(visit, 1.0, None), row(call, 2.0, Some(-7.0))];
        let values = |segment| -> Vec<(f64, f64)> {
            let valued = ValuedHistory::new(&history(segment, rows.clone()), &valuation);
            valued.interactions().iter().map(|row| (row.rv, row.variable_cost)).collect()
        };
        assert_eq!(values(None), [(1.0, 10.0), (5.0, 50.0), (-7.0, 10.0)]);
        assert_eq!(values(Some("small")), values(None));
        assert_eq!(values(Some("large")), [(3.0, 30.0), (5.0, 50.0), (-7.0, 30.0)]);
    }

    #[test]
    fn interactions_come_in_order_of_occurrence_and_ties_in_order_of_position() {
        let catalogue = Catalogue::from_entries("1", vec![entry("call", 1.0)]).unwrap();
        let valuation = Valuation::new(&catalogue, &["call"].into_iter().collect()).unwrap();
        let call = |occurred, rv| row(TypeIndex(0), occurred, Some(rv));
        let rows = vec![call(2.0, 1.0), call(1.0, 2.0), call(2.0, 3.0), call(0.5, 4.0)];
        let valued = ValuedHistory::new(&history(None, rows), &valuation);
        let values: Vec<f64> = valued.interactions().iter().map(|row| row.rv).collect();
        assert_eq!(values, [4.0, 2.0, 1.0, 3.0]);
    }

    #[test]
    fn all_unknown_types_are_named_at_once_with_the_nearest_known_type() {
        let entries = vec![entry("executive_meeting", 10.0), entry("call", 1.0)];
        let catalogue = Catalogue::from_entries("2026-01", entries).unwrap();
        let types: TypeNames = ["executive_meetng", "call", "zzz"].into_iter().collect();
        let error = Valuation::new(&catalogue, &types).unwrap_err();
        assert_eq!(
            error.to_string(),
            "catalogue `2026-01` has no `executive_meetng` (nearest: `executive_meeting`), `zzz`"
        );
    }

    #[test]
    fn an_appraisal_is_known_when_its_month_ends_and_never_later() {
        for zone in ["UTC", "Europe/Berlin", "Pacific/Auckland", "Pacific/Honolulu"] {
            let calendar = Calendar::new(zone).unwrap();
            for number in 0..24 {
                let month = Month::new(2023, 1).unwrap().plus(number);
                let end = calendar.end_of(month);
                let early = end.days_since(end_of_month(calendar.start_of(month)));
                assert!((0.0..=2.0 / 24.0 + 1e-9).contains(&early), "{zone} {month}: {early}");
            }
        }
    }

    #[test]
    fn a_catalogue_with_a_repeated_name_does_not_exist() {
        let entries = vec![entry("call", 1.0), entry("call", 2.0)];
        assert_eq!(Catalogue::from_entries("1", entries), None);
    }
}
