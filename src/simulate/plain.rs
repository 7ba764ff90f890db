//! The plain flow: contacts that walk, without accounts and their hidden life.
//!
//! The same walk as in a [`Simulation`](super::Simulation), for users who need the flow alone:
//! checks of a fitted flow, comparisons with other simulators, resampling of single walks.

use std::ops::Range;
use std::path::Path;

use crate::flow::{Flow, LevelIndex};
use crate::ids::{AccountIndex, ContactIndex, TypeIndex};
use crate::interaction::{TableError, WalkWriter};
use crate::rng::{Purpose, Streams};
use crate::time::{Calendar, Instant, Month};

use super::sampler::AliasTable;
use super::walk::{Border, Motion, Terrain, Walker};

/// Waits and odds as the flow states them.
const AS_STATED: Motion = Motion { pace: 1.0, tilt: 1.0 };

/// Contacts that walk at a time on their way to a file: their columns stay in the cache.
const CONTACTS_PER_CHUNK: u32 = 1_024;

/// What one contact did.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactWalk {
    /// Its interactions in order of time.
    pub rows: Vec<(Instant, TypeIndex)>,
    /// When it left the flow.
    pub left_at: Option<Instant>,
}

/// A flow that independent contacts walk from the first of a month on.
///
/// # Examples
///
/// ```
/// use rvq::flow::Flow;
/// use rvq::rng::Streams;
/// use rvq::simulate::{PlainFlow, WalkColumns};
/// use rvq::time::{Calendar, Month};
///
/// let start = Month::new(2024, 1).expect("January is a month");
/// let flow = PlainFlow::new(&Flow::builtin(), Streams::new(1), Calendar::UTC, start, 12);
/// let mut rows = WalkColumns::default();
/// flow.walk(0..100, &mut rows);
/// assert_eq!(rows.contact.first(), Some(&0));
/// assert_eq!(rows.contact.len(), rows.occurred_at.len());
/// ```
#[derive(Debug, Clone)]
pub struct PlainFlow {
    terrain: Terrain,
    streams: Streams,
    entry: AliasTable<LevelIndex>,
    retention_entry: LevelIndex,
    types: Vec<String>,
    start: Instant,
    end: Border,
    never: Border,
}

/// Interactions as columns, ordered by contact and then time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WalkColumns {
    /// Number of the contact.
    pub contact: Vec<u32>,
    /// Catalogue position of the type.
    pub kind: Vec<u16>,
    /// When it happened \[µs since 1970-01-01T00:00:00Z\].
    pub occurred_at: Vec<i64>,
}

impl WalkColumns {
    /// Empties the columns and keeps their memory.
    pub fn clear(&mut self) {
        self.contact.clear();
        self.kind.clear();
        self.occurred_at.clear();
    }
}

impl PlainFlow {
    /// Contacts that begin at the start of `start`, each at a level drawn from the flow's `entry`,
    /// and walk for `months` months or until they leave.
    pub fn new(
        flow: &Flow,
        streams: Streams,
        calendar: Calendar,
        start: Month,
        months: u32,
    ) -> Self {
        let terrain = Terrain::new(flow, calendar, &[]);
        Self {
            end: terrain.border(calendar.start_of(start.plus(months as i32))),
            never: terrain.border(Instant::from_micros(i64::MAX / 2)),
            terrain,
            streams,
            entry: AliasTable::new(flow.entry().iter().copied())
                .expect("the entry of a checked flow sums to 1"),
            retention_entry: flow.retention_entry(),
            types: flow.catalogue().entries().iter().map(|e| e.interaction_type.clone()).collect(),
            start: calendar.start_of(start),
        }
    }

    /// The same flow with contacts of customers: they begin at `retention_entry`.
    #[must_use]
    pub fn of_customers(self) -> Self {
        let entry = AliasTable::new([(self.retention_entry, 1.0)].into_iter());
        Self { entry: entry.expect("a weight is positive"), ..self }
    }

    /// Appends the walks of `contacts` to `out`; a contact's walk does not depend on the range.
    pub fn walk(&self, contacts: Range<u32>, out: &mut WalkColumns) {
        for contact in contacts {
            let draws = self.streams.draws(Purpose::Contact, AccountIndex(contact), FIRST);
            let level = self.entry.pick(draws.bits(0) as u32);
            let rows = out.kind.len();
            let mut walker = self.walker(contact, level, self.start);
            walker.advance(&self.terrain, self.end, AS_STATED, |at, kind, _| {
                out.kind.push(kind.0);
                out.occurred_at.push(self.terrain.to_wall(at).micros());
            });
            let found = out.kind.len() - rows;
            out.contact.extend(std::iter::repeat_n(contact, found));
        }
    }

    /// Names of the interaction types by position, as [`WalkColumns::kind`] refers to them.
    pub fn types(&self) -> impl ExactSizeIterator<Item = &str> {
        self.types.iter().map(String::as_str)
    }

    /// Writes the walks of `contacts` as the Parquet file `path` with the columns `contact`,
    /// `interaction_type` and `occurred_at`, and gives the number of rows.
    ///
    /// Some contacts walk while those before are written, in flat memory; the bytes are the same
    /// on any number of threads.
    ///
    /// # Errors
    ///
    /// [`TableError`] when the file cannot be written; none is left then.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::flow::Flow;
    /// use rvq::rng::Streams;
    /// use rvq::simulate::{PlainFlow, WalkColumns};
    /// use rvq::time::{Calendar, Month};
    ///
    /// let start = Month::new(2024, 1).expect("January is a month");
    /// let flow = PlainFlow::new(&Flow::builtin(), Streams::new(1), Calendar::UTC, start, 12);
    /// let folder = tempfile::tempdir()?;
    /// let rows = flow.write_parquet(0..1_000, &folder.path().join("walks.parquet"))?;
    /// let mut columns = WalkColumns::default();
    /// flow.walk(0..1_000, &mut columns);
    /// assert_eq!(rows, columns.kind.len() as u64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_parquet(&self, contacts: Range<u32>, path: &Path) -> Result<u64, TableError> {
        let mut file = WalkWriter::create(path, self.types())?;
        let (mut ready, mut next) = (WalkColumns::default(), WalkColumns::default());
        let mut from = contacts.start;
        while from < contacts.end || !ready.kind.is_empty() {
            let to = contacts.end.min(from.saturating_add(CONTACTS_PER_CHUNK)).max(from);
            let (written, ()) = rayon::join(
                || file.write(&ready.contact, &ready.kind, &ready.occurred_at),
                || {
                    next.clear();
                    self.walk(from..to, &mut next);
                },
            );
            written?;
            std::mem::swap(&mut ready, &mut next);
            from = to;
        }
        file.finish()
    }

    /// One contact that enters `level` at `from` and is watched until `until`.
    ///
    /// The walk depends on nothing but its arguments: `account` and `contact` name its draws.
    pub fn contact_walk(
        &self,
        (account, contact): (AccountIndex, ContactIndex),
        level: LevelIndex,
        (from, until): (Instant, Instant),
    ) -> ContactWalk {
        let mut rows = Vec::new();
        let own = self.streams.account(account);
        let mut walker =
            Walker::start(&self.terrain, own, contact, 0, level, (from, self.never), AS_STATED);
        let until = self.terrain.border(until);
        let report = |at, kind, _| rows.push((self.terrain.to_wall(at), kind));
        let stays = walker.advance(&self.terrain, until, AS_STATED, report);
        ContactWalk { rows, left_at: (!stays).then_some(walker.leaves_at()) }
    }

    fn walker(&self, contact: u32, level: LevelIndex, from: Instant) -> Walker {
        let own = self.streams.account(AccountIndex(contact));
        Walker::start(&self.terrain, own, FIRST, 0, level, (from, self.never), AS_STATED)
    }
}

const FIRST: ContactIndex = ContactIndex(0);
