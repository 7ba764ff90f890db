//! The only reader of a history: it folds rows in order of occurrence and never reads ahead.
//!
//! A row may be read as of `t` when `max(occurred_at, known_at) < t`: it has happened and is known. An
//! outcome may be read from the close of its period on, once it is known: `known_at ≤ t`.
//! Planned rows and rows logged late therefore wait. Rows before the first waiting row are folded
//! once; those after it are folded again, on a copy, for every date until it becomes known.

use super::rollup::Members;
use super::value::{Row, Step, ValuedHistory, ValuedInteraction};
use super::{Score, Unit};
use crate::time::Instant;

/// Values of `score` at each of `as_of`.
///
/// - `as_of`: ascending and exclusive: the end of a month is the first instant after it.
/// - Returns one finite value per as-of. O(rows + dates) when rows become known in the order in
///   which they occurred; each late row adds the rows behind it once per date it is late.
///
/// # Panics
///
/// When `as_of` is not in ascending order.
pub fn series<S: Score>(score: &S, history: &ValuedHistory, as_of: &[Instant]) -> Vec<f64> {
    assert!(as_of.is_sorted(), "as-of instants are in ascending order");
    let mut settled = Fold::new(score, history);
    let mut records = Values::default();
    as_of
        .iter()
        .map(|&as_of| {
            settled.advance(as_of);
            if settled.is_complete(as_of) {
                settled.value(as_of, &mut records)
            } else {
                let mut tail = settled.clone();
                tail.advance_past_waiting(as_of);
                tail.value(as_of, &mut records)
            }
        })
        .collect()
}

/// The state of a score after some rows of a history.
struct Fold<'a, S: Score> {
    score: &'a S,
    history: &'a ValuedHistory,
    /// Position of the next step to read.
    next: usize,
    /// By position of the record; one alone for scores of the account.
    records: Vec<Record<S::State>>,
}

#[derive(Clone, Default)]
struct Record<T> {
    state: T,
    seen: bool,
}

impl<S: Score> Clone for Fold<'_, S> {
    fn clone(&self) -> Self {
        Self {
            score: self.score,
            history: self.history,
            next: self.next,
            records: self.records.clone(),
        }
    }
}

impl<'a, S: Score> Fold<'a, S> {
    fn new(score: &'a S, history: &'a ValuedHistory) -> Self {
        let count = match score.unit() {
            Unit::Account => 1,
            Unit::Contact => history.contacts().len() + 1,
            Unit::Record => history.records().len(),
        };
        let mut records = vec![Record::default(); count];
        if score.unit() == Unit::Account {
            score.enter(&mut records[0].state, history.start());
        }
        Self { score, history, next: 0, records }
    }

    fn advance(&mut self, as_of: Instant) {
        while let Some(step) = self.peek().filter(|step| step.readable < as_of) {
            self.read(step);
        }
    }

    /// Reads every step that may be read as of `as_of`, leaving out those that must wait.
    fn advance_past_waiting(&mut self, as_of: Instant) {
        while let Some(step) = self.peek().filter(|step| step.at < as_of) {
            if step.readable < as_of {
                self.read(step);
            } else {
                self.next += 1;
            }
        }
    }

    /// Whether nothing that happened before `as_of` is left to read.
    fn is_complete(&mut self, as_of: Instant) -> bool {
        self.peek().is_none_or(|step| step.at >= as_of)
    }

    /// The next step that concerns the score; a late row that does not must hold nothing up.
    fn peek(&mut self) -> Option<&'a Step> {
        while let Some(step) = self.history.steps().get(self.next) {
            if self.concerns(step.row) {
                return Some(step);
            }
            self.next += 1;
        }
        None
    }

    fn concerns(&self, row: Row) -> bool {
        match row {
            Row::Interaction(position) => self.score.reads(&self.history.interactions()[position]),
            _ => self.score.unit() == Unit::Account,
        }
    }

    fn read(&mut self, step: &Step) {
        self.next += 1;
        if let Row::Interaction(position) = step.row {
            self.observe(&self.history.interactions()[position]);
        } else if let Some(fact) = self.history.fact(step.row) {
            self.score.note(&mut self.records[0].state, fact);
        }
    }

    fn observe(&mut self, interaction: &ValuedInteraction) {
        let position = match self.score.unit() {
            Unit::Account => 0,
            Unit::Contact => self.history.records().base(interaction.contact),
            Unit::Record => interaction.record,
        };
        let record = &mut self.records[position];
        record.seen = true;
        self.score.observe(&mut record.state, interaction);
    }

    fn value(&self, as_of: Instant, scratch: &mut Values) -> f64 {
        let value = |record: &Record<S::State>| self.score.value(&record.state, as_of);
        if self.score.unit() == Unit::Account {
            return value(&self.records[0]);
        }
        let Values { records: values, members } = scratch;
        values.clear();
        values.extend(self.records.iter().map(|record| (value(record), record.seen)));
        let contacts = self.history.contacts();
        for position in contacts.len() + 1..values.len() {
            let (value, seen) = values[position];
            let whose = self.history.records().base_of(position);
            if seen {
                values[whose].0 += value;
                values[whose].1 = true;
            }
        }
        let (own, own_seen) = values[contacts.len()];
        let there = contacts
            .iter()
            .zip(values)
            .filter(|(contact, (_, seen))| contact.counts(as_of, *seen))
            .map(|(contact, (value, _))| (contact.influence, *value));
        members.fill(there, own_seen.then_some(own));
        self.score.rollup().value(members)
    }
}

/// Room for the values of an account at one date.
#[derive(Default)]
struct Values {
    /// Of each record, and whether it has an interaction.
    records: Vec<(f64, bool)>,
    members: Members,
}
