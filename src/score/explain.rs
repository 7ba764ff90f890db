//! Why is a score what it is, and why did it move? Parts that add up to it exactly.
//!
//! The value of an account is a weighted sum over its records ([`Rollup`](super::Rollup)), and that
//! of a record a sum over its interactions: fading and shocks scale what earlier interactions left,
//! so each keeps its share. A recovery gives back in its own name.

use std::collections::BTreeMap;

use super::error::ScoreError;
use super::record::RecordKey;
use super::rollup::Members;
use super::rv::{Clock, Lost, Rv, RvParams};
use super::value::{ValuedHistory, ValuedInteraction};
use super::{Score as _, Unit};
use crate::ids::{ContactIndex, TypeIndex};
use crate::time::Instant;

/// What one interaction is worth today in the score of its account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Driver {
    /// What happened.
    pub kind: TypeIndex,
    /// With whom; absent for interactions of the account.
    pub contact: Option<ContactIndex>,
    /// Position of the firm's function among [`Valuation::functions`](super::Valuation::functions).
    pub function: u16,
    /// When it happened.
    pub occurred_at: Instant,
    /// Its part of the score.
    pub part: f64,
}

/// The parts of `score` at `as_of`, in order of occurrence: they add up to its value.
///
/// Interactions of contacts who are not there any more have no part.
///
/// # Errors
///
/// [`ScoreError::NotAdditive`] when the roll-up of `score` is no weighted sum.
///
/// # Examples
///
/// ```
/// use rvq::score::{Rv, ValuedHistory, drivers, series};
/// # fn check(history: &ValuedHistory, as_of: rvq::time::Instant) -> Result<(), rvq::score::ScoreError> {
/// let score = Rv::decay(180.0)?;
/// let parts: f64 = drivers(&score, history, as_of)?.iter().map(|driver| driver.part).sum();
/// assert!((parts - series(&score, history, &[as_of])[0]).abs() < 1e-9);
/// # Ok(())
/// # }
/// ```
pub fn drivers(
    score: &Rv,
    history: &ValuedHistory,
    as_of: Instant,
) -> Result<Vec<Driver>, ScoreError> {
    let view = View { known: as_of, happened: as_of, at: as_of };
    let shares = shares(score, history, view);
    let weights = Weights::new(score, history, &shares, as_of)?;
    let driver = |share: &Share| {
        let row = &history.interactions()[share.row];
        Driver {
            kind: row.kind,
            contact: row.contact,
            function: row.function,
            occurred_at: row.occurred_at,
            part: weights.of(row) * share.part,
        }
    };
    let counts = |share: &&Share| weights.of(&history.interactions()[share.row]) != 0.0;
    Ok(shares.iter().filter(counts).map(driver).collect())
}

/// Why a score moved from one as-of to another: steps that add up to the difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bridge {
    /// Value at the first as-of, with the first catalogue.
    pub from: f64,
    /// The second catalogue, applied to what was known then.
    pub catalogue: f64,
    /// What had happened by then and became known later.
    pub late: f64,
    /// Passing of time over what had happened by then.
    pub fading: f64,
    /// What has happened since.
    pub behaviour: f64,
    /// Contacts who came or left, and the weights of those who stayed.
    pub aggregation: f64,
    /// Value at the second as-of, with the second catalogue.
    pub to: f64,
}

impl Bridge {
    /// The steps with their names, in order.
    pub fn steps(&self) -> [(&'static str, f64); 5] {
        [
            ("catalogue", self.catalogue),
            ("late data", self.late),
            ("fading", self.fading),
            ("behaviour", self.behaviour),
            ("aggregation", self.aggregation),
        ]
    }
}

/// The bridge of `score` from `before` to `after`.
///
/// - `before`, `after`: the same account as valued by the two catalogues (the same twice where the
///   catalogue did not change), each with its as-of; the second is the later one.
/// - Steps are taken one after the other, each on top of those before it. Interactions of contacts
///   who were not there at the first as-of belong to `aggregation`.
///
/// # Errors
///
/// [`ScoreError::NotAdditive`] when the roll-up of `score` is no weighted sum.
pub fn bridge(
    score: &Rv,
    before: (&ValuedHistory, Instant),
    after: (&ValuedHistory, Instant),
) -> Result<Bridge, ScoreError> {
    let ((old, first), (new, last)) = (before, after);
    let at_first = View { known: first, happened: first, at: first };
    let start = shares(score, old, at_first);
    let weights = Weights::new(score, old, &start, first)?;
    let total =
        |history: &ValuedHistory, view| weights.total(history, &shares(score, history, view));
    let from = weights.total(old, &start);
    let revalued = total(new, at_first);
    let informed = total(new, View { known: last, ..at_first });
    let faded = total(new, View { known: last, at: last, ..at_first });
    let at_last = View { known: last, happened: last, at: last };
    let acted = total(new, at_last);
    let end = shares(score, new, at_last);
    let to = Weights::new(score, new, &end, last)?.total(new, &end);
    Ok(Bridge {
        from,
        catalogue: revalued - from,
        late: informed - revalued,
        fading: faded - informed,
        behaviour: acted - faded,
        aggregation: to - acted,
        to,
    })
}

/// One interaction record as of an instant: a contact (or the account) in a segment and an initiative.
#[derive(Debug, Clone, PartialEq)]
pub struct InteractionRecord {
    /// Whose it is, and in what.
    pub key: RecordKey,
    /// Relative value accumulated in it.
    pub value: f64,
    /// Cost to engage: sum of the variable costs of its interactions \[currency\].
    pub cost: f64,
    /// Number of its interactions.
    pub interactions: u32,
    /// The first of them.
    pub first: Instant,
    /// The last of them.
    pub last: Instant,
}

/// The interaction records of an account as of `as_of`, those without a known interaction left out.
///
/// - `score` is applied to each record on its own, without weights; a contact's records add up to what
///   [`Rv`] with `per_record` gives the contact.
/// - Positions count within each record. Cost and number are of all interactions, transactional ones too,
///   and not faded.
pub fn interaction_records(
    score: &Rv,
    history: &ValuedHistory,
    as_of: Instant,
) -> Vec<InteractionRecord> {
    let params = RvParams { per_record: true, ..*score.params() };
    let score = Rv::new(params).expect("the parameters were valid");
    let mut records: BTreeMap<usize, InteractionRecord> = BTreeMap::new();
    let is_known = |row: &&ValuedInteraction| row.occurred_at.max(row.known_at) < as_of;
    for row in history.interactions().iter().filter(is_known) {
        let record = records.entry(row.record).or_insert_with(|| InteractionRecord {
            key: history.records().key(row.record),
            value: 0.0,
            cost: 0.0,
            interactions: 0,
            first: row.occurred_at,
            last: row.occurred_at,
        });
        record.cost += row.variable_cost;
        record.interactions += 1;
        record.last = row.occurred_at;
    }
    let view = View { known: as_of, happened: as_of, at: as_of };
    for share in shares(&score, history, view) {
        let record = history.interactions()[share.row].record;
        records.get_mut(&record).expect("a row that is read is known").value += share.part;
    }
    records.into_values().collect()
}

/// Which interactions are read, and when their value is taken.
#[derive(Debug, Clone, Copy)]
struct View {
    known: Instant,
    happened: Instant,
    at: Instant,
}

/// What an interaction is worth in its record.
#[derive(Debug, Clone, Copy)]
struct Share {
    row: usize,
    part: f64,
}

/// A record while its shares are followed.
#[derive(Default)]
struct Record {
    shares: Vec<Share>,
    clock: Clock,
    lost: Lost,
}

impl Record {
    fn observe(&mut self, score: &Rv, row: usize, interaction: &ValuedInteraction) {
        let change = score.step(&mut self.clock, interaction);
        self.scale(change.kept);
        if change.cut > 0.0 {
            let stock: f64 = self.shares.iter().map(|share| share.part).sum();
            let lost = change.cut * stock.max(0.0);
            if stock > 0.0 {
                self.scale(1.0 - change.cut);
            }
            self.lost = Lost { amount: self.lost.amount + lost, at: Some(interaction.occurred_at) };
        }
        let mut part = change.added;
        if change.recovery {
            part += score.given_back(&mut self.lost, interaction.occurred_at);
        }
        self.shares.push(Share { row, part });
    }

    fn scale(&mut self, factor: f64) {
        if factor.to_bits() != 1.0_f64.to_bits() {
            self.shares.iter_mut().for_each(|share| share.part *= factor);
        }
    }
}

/// The shares of the interactions that `view` reads.
fn shares(score: &Rv, history: &ValuedHistory, view: View) -> Vec<Share> {
    let mut records: Vec<Record> = Vec::new();
    records.resize_with(history.records().len(), Record::default);
    for (row, interaction) in history.interactions().iter().enumerate() {
        let read = interaction.occurred_at < view.happened && interaction.known_at < view.known;
        if read && score.reads(interaction) {
            records[record_of(score, history, interaction)].observe(score, row, interaction);
        }
    }
    let mut all: Vec<Share> = Vec::new();
    for mut record in records {
        record.scale(score.left(&record.clock, view.at));
        all.append(&mut record.shares);
    }
    all.sort_by_key(|share| share.row);
    all
}

/// Position of the record that `interaction` belongs to, for `score`.
fn record_of(score: &Rv, history: &ValuedHistory, interaction: &ValuedInteraction) -> usize {
    if score.unit() == Unit::Record {
        interaction.record
    } else {
        history.records().base(interaction.contact)
    }
}

/// What the value of each record counts for the account.
struct Weights {
    /// By record; the account's own is the last.
    by_record: Vec<f64>,
}

impl Weights {
    fn new(
        score: &Rv,
        history: &ValuedHistory,
        shares: &[Share],
        as_of: Instant,
    ) -> Result<Self, ScoreError> {
        let contacts = history.contacts();
        let mut seen = vec![false; contacts.len() + 1];
        for share in shares {
            seen[history.records().base(history.interactions()[share.row].contact)] = true;
        }
        let counted: Vec<usize> =
            (0..contacts.len()).filter(|&at| contacts[at].counts(as_of, seen[at])).collect();
        let influences = counted.iter().map(|&at| (contacts[at].influence, 0.0));
        let members = Members::new(influences, seen[contacts.len()].then_some(0.0));
        let Some((weights, own)) = score.rollup().weights(&members) else {
            return Err(ScoreError::NotAdditive { score: score.name() });
        };
        let mut by_record = vec![0.0; contacts.len() + 1];
        for (at, weight) in counted.into_iter().zip(weights) {
            by_record[at] = weight;
        }
        by_record[contacts.len()] = own;
        Ok(Self { by_record })
    }

    fn of(&self, interaction: &ValuedInteraction) -> f64 {
        let own = self.by_record.len() - 1;
        self.by_record[interaction.contact.map_or(own, |c| usize::from(c.0)).min(own)]
    }

    fn total(&self, history: &ValuedHistory, shares: &[Share]) -> f64 {
        shares.iter().map(|s| self.of(&history.interactions()[s.row]) * s.part).sum()
    }
}
