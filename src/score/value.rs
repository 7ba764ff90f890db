//! What each interaction of a log is worth: catalogue values joined to rows, once per account.

use std::collections::BTreeMap;

use super::error::{ScoreError, UnknownType};
use crate::flow::{Catalogue, CatalogueEntry, Worth};
use crate::ids::{ContactIndex, TypeIndex, TypeNames};
use crate::interaction::{AccountHistory, Direction, Failure, Interaction, Outcome, Stage};
use crate::time::Instant;

/// The catalogue's values, arranged by the types of one log.
#[derive(Debug, Clone)]
pub struct Valuation {
    base: Vec<TypeValue>,
    /// Only segments for which the catalogue overrides a value.
    segments: BTreeMap<String, Vec<TypeValue>>,
    functions: Vec<String>,
}

/// What one interaction of a type is worth, unless its row says otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
struct TypeValue {
    rv: f64,
    variable_cost: f64,
    customer_effort: f64,
    transactional: bool,
    emotional: bool,
    failure: Option<Failure>,
    recovery: bool,
    direction: Direction,
    function: u16,
    level: Option<u16>,
}

impl TypeValue {
    fn new(entry: &CatalogueEntry, worth: Worth, (function, level): (u16, Option<u16>)) -> Self {
        Self {
            rv: worth.rv,
            variable_cost: worth.variable_cost,
            customer_effort: entry.customer_effort,
            transactional: entry.transactional,
            emotional: entry.emotional,
            failure: entry.failure,
            recovery: entry.recovery,
            direction: entry.direction,
            function,
            level,
        }
    }
}

impl Valuation {
    /// Arranges the values of `catalogue` by the positions of `types`.
    ///
    /// # Errors
    ///
    /// [`ScoreError::UnknownTypes`] listing every type of the log that the catalogue lacks.
    pub fn new(catalogue: &Catalogue, types: &TypeNames) -> Result<Self, ScoreError> {
        let known = || catalogue.entries().iter().map(|entry| entry.interaction_type.as_str());
        let mut entries = Vec::with_capacity(types.len());
        let mut unknown = Vec::new();
        for name in types.iter() {
            match catalogue.get(name) {
                Some(entry) => entries.push(entry),
                None => unknown.push(UnknownType::new(name, known())),
            }
        }
        if !unknown.is_empty() {
            let catalogue = catalogue.version().to_owned();
            return Err(ScoreError::UnknownTypes { catalogue, unknown });
        }
        let functions = ranks(catalogue.entries().iter().map(|entry| entry.function.as_str()));
        let levels = levels(catalogue);
        let places = |entry: &CatalogueEntry| {
            let level = entry.trigger_to.as_deref().map(|level| position(&levels, level));
            (position(&functions, &entry.function) - 1, level)
        };
        let values = |segment: Option<&str>| -> Vec<TypeValue> {
            let value = |entry: &&CatalogueEntry| {
                TypeValue::new(entry, entry.worth_in(segment), places(entry))
            };
            entries.iter().map(value).collect()
        };
        let segments = entries
            .iter()
            .flat_map(|entry| &entry.overrides)
            .map(|(segment, _)| (segment.clone(), values(Some(segment))))
            .collect();
        let (base, functions) = (values(None), functions.into_iter().map(str::to_owned).collect());
        Ok(Self { base, segments, functions })
    }

    /// Functions of the firm, as [`ValuedInteraction::function`] counts them.
    pub fn functions(&self) -> &[String] {
        &self.functions
    }

    /// Value of a type where no segment overrides it.
    pub fn base_value(&self, kind: TypeIndex) -> f64 {
        self.base[usize::from(kind.0)].rv
    }

    /// Value of a type in `segment`.
    pub fn value_in(&self, segment: Option<&str>, kind: TypeIndex) -> f64 {
        self.of_segment(segment)[usize::from(kind.0)].rv
    }

    fn of_segment(&self, segment: Option<&str>) -> &[TypeValue] {
        segment.and_then(|id| self.segments.get(id)).unwrap_or(&self.base)
    }
}

/// Each of `names` once, in order of first appearance.
fn ranks<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut all = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// Levels to which types move a contact: by stage of the first type that does, then as listed.
fn levels(catalogue: &Catalogue) -> Vec<&str> {
    let moves = |stage: Stage| {
        let of_stage = catalogue.entries().iter().filter(move |entry| entry.stage == stage);
        of_stage.filter_map(|entry| entry.trigger_to.as_deref())
    };
    ranks(Stage::ALL.into_iter().flat_map(moves))
}

/// Position of `name`, from 1.
fn position(all: &[&str], name: &str) -> u16 {
    all.iter().position(|known| *known == name).map_or(0, |at| at as u16 + 1)
}

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
    /// Who moved first.
    pub direction: Direction,
    /// Position of the firm's function among [`Valuation::functions`].
    pub function: u16,
    /// Rank of the level to which it moves the contact, from 1 in order of stage and catalogue.
    pub level: Option<u16>,
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
            direction: Direction::Outbound,
            function: 0,
            level: None,
        }
    }

    fn new(row: &Interaction, value: &TypeValue) -> Self {
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
            direction: row.direction.unwrap_or(value.direction),
            function: value.function,
            level: value.level,
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
    outcomes: Vec<Outcome>,
    contacts: Vec<Membership>,
    entered_at: Instant,
    steps: Vec<Step>,
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
}

impl ValuedHistory {
    /// Values the rows of `history`.
    ///
    /// Interactions are put in order of occurrence, those of the same instant in order of position.
    /// An outcome comes at the last instant of its period, after the interactions of that instant.
    /// Of the rows of one interaction with several contacts (same source id, type and instant) those
    /// that became known first share its cost equally, the others carry none.
    ///
    /// # Panics
    ///
    /// When `valuation` was made for another log and lacks a type.
    pub fn new(history: &AccountHistory, valuation: &Valuation) -> Self {
        let values = valuation.of_segment(history.account.segment_id.as_deref());
        let mut interactions: Vec<_> = history
            .interactions
            .iter()
            .map(|row| ValuedInteraction::new(row, &values[usize::from(row.kind.0)]))
            .collect();
        share_costs(&history.interactions, &mut interactions);
        interactions.sort_by_key(|interaction| interaction.occurred_at);
        let mut outcomes = history.outcomes.clone();
        outcomes.sort_by_key(|outcome| outcome.period_end);
        Self {
            steps: steps(&interactions, &outcomes),
            contacts: contacts(history),
            entered_at: history.account.entered_at,
            interactions,
            outcomes,
        }
    }

    /// The interactions, in order of occurrence.
    pub fn interactions(&self) -> &[ValuedInteraction] {
        &self.interactions
    }

    /// The outcomes, in order of period.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The contacts, by position; those that occur only in interactions have influence 1.
    pub fn contacts(&self) -> &[Membership] {
        &self.contacts
    }

    /// When the relationship began.
    pub fn entered_at(&self) -> Instant {
        self.entered_at
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
    let source = |row: &Interaction| row.details.as_deref()?.source_id.clone();
    let mut shared: BTreeMap<(String, TypeIndex, Instant), Vec<usize>> = BTreeMap::new();
    for (position, row) in rows.iter().enumerate() {
        if let (Some(id), Some(_)) = (source(row), row.contact) {
            shared.entry((id, row.kind, row.occurred_at)).or_default().push(position);
        }
    }
    for positions in shared.values().filter(|positions| positions.len() > 1) {
        let first = positions.iter().map(|&at| rows[at].known_at).min();
        let mut contacts: Vec<_> = positions
            .iter()
            .filter(|&&at| Some(rows[at].known_at) == first)
            .map(|&at| rows[at].contact)
            .collect();
        contacts.sort_unstable();
        contacts.dedup();
        for &at in positions {
            // A second row of a contact who shares the cost is a duplicate, not a further guest.
            let shares = contacts.contains(&rows[at].contact);
            let part = if shares { (contacts.len() as f64).recip() } else { 0.0 };
            valued[at].variable_cost *= part;
        }
    }
}

fn steps(interactions: &[ValuedInteraction], outcomes: &[Outcome]) -> Vec<Step> {
    let step = |at: Instant, known_at: Instant, row| Step { at, readable: at.max(known_at), row };
    let mut steps: Vec<Step> = interactions
        .iter()
        .enumerate()
        .map(|(n, row)| step(row.occurred_at, row.known_at, Row::Interaction(n)))
        .chain(outcomes.iter().enumerate().map(|(n, row)| {
            // A period and what is known at its close belong to the as-of at that close: baselines
            // must not lag a month behind scores that see every row up to it.
            let just_before = |at: Instant| Instant::from_micros(at.micros() - 1);
            step(just_before(row.period_end), just_before(row.known_at), Row::Outcome(n))
        }))
        .collect();
    steps.sort_by_key(|step| step.at);
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
    use crate::interaction::Account;

    fn worth(rv: f64) -> Worth {
        Worth { rv, rv_sd: None, variable_cost: 10.0 * rv, cost_sd: None }
    }

    fn entry(name: &str, rv: f64) -> CatalogueEntry {
        CatalogueEntry {
            interaction_type: name.to_owned(),
            stage: Stage::Closing,
            function: "sales".to_owned(),
            direction: Direction::Outbound,
            worth: worth(rv),
            overrides: Vec::new(),
            customer_effort: 15.0,
            emotional: false,
            critical: true,
            transactional: false,
            trigger_to: None,
            is_voc: false,
            expected_within_days: None,
            failure: None,
            recovery: false,
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
    fn a_catalogue_with_a_repeated_name_does_not_exist() {
        let entries = vec![entry("call", 1.0), entry("call", 2.0)];
        assert_eq!(Catalogue::from_entries("1", entries), None);
    }
}
