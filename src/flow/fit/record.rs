//! What one contact did and how long it was watched: the unit of every estimate of a flow.

use super::prepare::Types;
use crate::ids::TypeIndex;
use crate::interaction::{AccountHistory, Stage, Status};
use crate::time::Instant;

/// When the log was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First instant of the log.
    pub start: Instant,
    /// First instant after the log.
    pub end: Instant,
}

impl Span {
    /// From the first row or outcome of `histories` to the last; `None` without any row.
    pub fn of(histories: &[AccountHistory]) -> Option<Self> {
        let rows = histories.iter().flat_map(|h| h.interactions.iter().map(|row| row.occurred_at));
        let (mut start, mut end) = (None::<Instant>, None::<Instant>);
        for at in rows {
            start = Some(start.map_or(at, |known| known.min(at)));
            end = Some(end.map_or(at, |known| known.max(at)));
        }
        for outcome in histories.iter().flat_map(|h| &h.outcomes) {
            start = start.map(|known| known.min(outcome.period_start));
            end = end.map(|known| known.max(outcome.period_end));
        }
        Some(Self { start: start?, end: end? })
    }
}

/// One interaction of a contact that the flow should explain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// When.
    pub at: Instant,
    /// Position in the fitted catalogue.
    pub kind: TypeIndex,
    /// Level as the row says, by position in [`Types::level_names`].
    pub(super) level: Option<u16>,
    /// Stage of the row, of its type where it says none.
    pub(super) stage: Stage,
}

/// One contact, or the rows of an account that name none, as far as it was watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// From here on it was watched: it joined, or this is its first row in the log.
    pub start: Instant,
    /// Whether it joined inside the log, so that the wait for its first row is known.
    pub joined: bool,
    /// Stage at `start`.
    pub stage: Stage,
    /// Its interactions in order of time, transactional ones left out; without the first one that
    /// `start` is, unless it joined.
    pub rows: Vec<Row>,
    /// The row at `start`, unless it joined.
    pub(super) anchor: Option<Row>,
    /// Until then it could have been seen: the account's exit or the end of the log.
    pub until: Instant,
    /// When it left by itself.
    pub left_at: Option<Instant>,
    /// Transactional rows that move it, in order of time.
    pub(super) moves: Vec<(Instant, TypeIndex)>,
}

impl Record {
    /// The same contact, watched as long, that did something else.
    #[must_use]
    pub fn with(&self, rows: &[(Instant, TypeIndex)], left_at: Option<Instant>) -> Self {
        let stage = self.stage;
        let row = |&(at, kind): &(Instant, TypeIndex)| Row { at, kind, level: None, stage };
        let rows = rows.iter().map(row).collect();
        Self { rows, left_at, anchor: self.anchor, moves: self.moves.clone(), ..*self }
    }

    /// Transactional rows that move it, in order of time.
    pub fn moves(&self) -> &[(Instant, TypeIndex)] {
        &self.moves
    }
}

/// One account as far as it was watched.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountRecord {
    /// Its contacts that were watched.
    pub contacts: Vec<Record>,
    /// Transactional rows that are purchases: no close, no renewal.
    pub purchases: Vec<(Instant, TypeIndex)>,
    /// While it was a customer inside the log.
    pub customer: Option<(Instant, Instant)>,
    /// Contacts that were never seen: they joined before the log and have no row in it.
    pub(super) unseen: u32,
    /// Waits of no length, from rows of one instant.
    pub(super) tied: u32,
}

impl AccountRecord {
    /// The same account, a customer as long, whose contacts did something else.
    #[must_use]
    pub fn with(&self, contacts: Vec<Record>, purchases: Vec<(Instant, TypeIndex)>) -> Self {
        Self { contacts, purchases, ..*self }
    }

    /// Cuts `history` into what was watched of each contact.
    pub fn new(history: &AccountHistory, types: &Types, span: Span) -> Self {
        let end = history.account.exited_at.map_or(span.end, |exit| exit.min(span.end));
        let close = types.close.and_then(|close| {
            let rows = history.interactions.iter();
            rows.clone().find(|row| types.kind(row.kind) == close).map(|row| row.occurred_at)
        });
        let since = customer_since(history, types, close, span);
        let mut record = Self {
            contacts: Vec::new(),
            purchases: history
                .interactions
                .iter()
                .map(|row| (row.occurred_at, types.kind(row.kind)))
                .filter(|(_, kind)| types.is_purchase(*kind))
                .collect(),
            customer: since.map(|at| (at.max(span.start), end)).filter(|(from, to)| from < to),
            unseen: 0,
            tied: 0,
        };
        let contacts = (0..history.contacts.len()).map(Some).chain([None]);
        for contact in contacts {
            let watched = Watched { history, types, span, end, close, since, contact };
            match watched.record() {
                Some(found) => {
                    let all = found.anchor.iter().chain(&found.rows);
                    let ties = all.clone().zip(all.skip(1)).filter(|(a, b)| a.at == b.at);
                    record.tied += ties.count() as u32;
                    record.contacts.push(found);
                }
                None if contact.is_some() => record.unseen += 1,
                None => {}
            }
        }
        record
    }
}

/// When the account became a customer: at its close, or in its first period as one.
fn customer_since(
    history: &AccountHistory,
    types: &Types,
    close: Option<Instant>,
    span: Span,
) -> Option<Instant> {
    let first = history.outcomes.iter().find(|outcome| outcome.status == Status::Customer);
    match (close, first) {
        (Some(close), _) => Some(close),
        (None, Some(outcome)) => Some(outcome.period_start),
        (None, None) if history.outcomes.is_empty() => {
            let retention = history.interactions.iter().any(|row| {
                let stage = row.stage.unwrap_or(types.entry(types.kind(row.kind)).stage);
                stage == Stage::Retention
            });
            retention.then_some(span.start)
        }
        // An account that left in its first period never has the status of a customer.
        (None, None) => history.account.exited_at.map(|_| span.start),
    }
}

struct Watched<'a> {
    history: &'a AccountHistory,
    types: &'a Types,
    span: Span,
    end: Instant,
    close: Option<Instant>,
    since: Option<Instant>,
    /// Position of the contact; `None` for the rows that name none.
    contact: Option<usize>,
}

impl Watched<'_> {
    fn record(&self) -> Option<Record> {
        let mut rows = self.rows();
        let contact = self.contact.map(|position| &self.history.contacts[position]);
        let from = contact.and_then(|contact| contact.valid_from);
        let left_at = contact
            .and_then(|contact| contact.valid_to)
            .filter(|&left| left < self.end && rows.last().is_none_or(|row| row.at <= left));
        let joined = from.is_some_and(|from| {
            // A first row at the very instant of joining says that joining is only its echo.
            from >= self.span.start
                && from < self.end
                && rows.first().is_none_or(|row| row.at > from)
        });
        let (start, anchor) = match from {
            Some(from) if joined => (from, None),
            _ => {
                let first = *rows.first()?;
                rows.remove(0);
                (first.at, Some(first))
            }
        };
        if start >= self.end {
            return None;
        }
        let first = anchor.as_ref().or(rows.first());
        let stage = self.stage_at(start, first.map(|row| row.stage));
        let moves = self.moves(start);
        let until = self.end;
        Some(Record { start, joined, stage, rows, anchor, until, left_at, moves })
    }

    fn stage_at(&self, start: Instant, first: Option<Stage>) -> Stage {
        let customer = self.since.is_some_and(|since| start >= since);
        match first {
            _ if customer => Stage::Retention,
            Some(Stage::Closing) => Stage::Closing,
            Some(Stage::Retention) if self.close.is_none() => Stage::Retention,
            _ => Stage::Acquisition,
        }
    }

    /// Rows of the contact that are no transactions.
    fn rows(&self) -> Vec<Row> {
        let own = self.history.interactions.iter().filter(|row| {
            row.contact.map(|contact| usize::from(contact.0)) == self.contact
                && row.occurred_at < self.end
        });
        own.filter_map(|row| {
            let kind = self.types.kind(row.kind);
            let entry = self.types.entry(kind);
            let level = row.details.as_ref().and_then(|details| details.level.as_deref());
            (!entry.transactional).then(|| Row {
                at: row.occurred_at,
                kind,
                level: level.and_then(|name| self.types.level_position(name)),
                stage: row.stage.unwrap_or(entry.stage),
            })
        })
        .collect()
    }

    /// The close moves every contact of the account, another transaction its own contact.
    fn moves(&self, start: Instant) -> Vec<(Instant, TypeIndex)> {
        let rows = self.history.interactions.iter();
        let inside = rows.filter(|row| row.occurred_at > start && row.occurred_at < self.end);
        inside
            .filter_map(|row| {
                let kind = self.types.kind(row.kind);
                let entry = self.types.entry(kind);
                let own = row.contact.map(|contact| usize::from(contact.0)) == self.contact;
                let closes = Some(kind) == self.types.close && Some(row.occurred_at) == self.close;
                let moves = entry.transactional && entry.trigger_to.is_some();
                (closes || (moves && own && Some(kind) != self.types.close))
                    .then_some((row.occurred_at, kind))
            })
            .collect()
    }
}
