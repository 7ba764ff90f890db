//! Rows that say again what another row says: which of them is kept.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use sha2::{Digest as _, Sha256};

use super::assemble::Assembly;
use super::cell::Cell;
use super::checked::Checked;
use super::error::SourceError;
use super::field::Field;
use super::ledger::{Aside, Place};
use super::mapping::{Deduplicate, Keep};
use super::row::Plan;
use crate::time::Instant;

type Fingerprint = [u8; 32];

/// What the rule of a block says about one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Take,
    Aside(Aside),
    /// It repeats a row of its own file in all columns.
    Repeats,
}

/// The rows of one block so far, by what makes them the same.
#[derive(Debug)]
pub(super) struct Repeats<'p> {
    plan: &'p Plan<'p>,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    None,
    /// By all cells: the file of the first of them.
    Equal(BTreeMap<Fingerprint, usize>),
    /// By `source_system` and `source_id`: place and cells of the first of them.
    SourceId(BTreeMap<(String, String), (Place, Fingerprint)>),
    /// By the columns that the mapping names: the row that is kept.
    By(Vec<usize>, BTreeMap<Vec<String>, Kept>),
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    known: Option<Instant>,
    place: Place,
    cells: Fingerprint,
}

impl<'p> Repeats<'p> {
    /// The rule of the plan's block; a rule by columns reads the source once to find what is kept.
    pub(super) fn new(plan: &'p Plan<'p>, assembly: &Assembly<'_>) -> Result<Self, SourceError> {
        let rule = match &plan.block.deduplicate {
            Deduplicate::Equal => Rule::Equal(BTreeMap::new()),
            Deduplicate::By { columns, keep } => {
                let by: Vec<usize> = columns.iter().map(|name| plan.place(name)).collect();
                let kept = kept(plan, assembly, &by, *keep)?;
                Rule::By(by, kept)
            }
            Deduplicate::No if plan.sorts_out_source_ids() => Rule::SourceId(BTreeMap::new()),
            Deduplicate::No => Rule::None,
        };
        Ok(Self { plan, rule })
    }

    /// What becomes of a row that the block selects.
    pub(super) fn verdict(
        &mut self,
        assembly: &Assembly<'_>,
        place: Place,
        cells: &[Cell<'_>],
    ) -> Verdict {
        match &mut self.rule {
            Rule::None => Verdict::Take,
            Rule::Equal(seen) => match seen.entry(fingerprint(cells)) {
                Entry::Vacant(new) => {
                    new.insert(place.file);
                    Verdict::Take
                }
                Entry::Occupied(first) if self.plan.in_one_file(*first.get(), place.file) => {
                    Verdict::Repeats
                }
                Entry::Occupied(_) => Verdict::Aside(Aside::Repeated),
            },
            Rule::SourceId(seen) => {
                let Some(id) = source_id(self.plan, place, cells) else { return Verdict::Take };
                let cells = fingerprint(cells);
                match seen.get(&id) {
                    Some((first, same))
                        if !self.plan.in_one_file(first.file, place.file) && *same == cells =>
                    {
                        Verdict::Aside(Aside::Repeated)
                    }
                    // The same id for something else: the tables refuse it.
                    Some(_) => Verdict::Take,
                    None => {
                        seen.insert(id, (place, cells));
                        Verdict::Take
                    }
                }
            }
            Rule::By(by, kept) => match kept.get(&key(by, cells)) {
                Some(kept) if kept.place != place && usable(self.plan, assembly, place, cells) => {
                    let same = kept.cells == fingerprint(cells);
                    Verdict::Aside(if same { Aside::Repeated } else { Aside::Superseded })
                }
                _ => Verdict::Take,
            },
        }
    }

    /// A row that was taken is rejected: what is equal to it repeats nothing.
    pub(super) fn rejected(&mut self, place: Place, cells: &[Cell<'_>]) {
        match &mut self.rule {
            Rule::Equal(seen) => {
                seen.remove(&fingerprint(cells));
            }
            Rule::SourceId(seen) => {
                if let Some(id) = source_id(self.plan, place, cells)
                    && seen.get(&id).is_some_and(|(first, _)| *first == place)
                {
                    seen.remove(&id);
                }
            }
            Rule::None | Rule::By(..) => {}
        }
    }
}

/// By key: the row that is kept of those that could be used.
fn kept(
    plan: &Plan<'_>,
    assembly: &Assembly<'_>,
    by: &[usize],
    keep: Keep,
) -> Result<BTreeMap<Vec<String>, Kept>, SourceError> {
    let mut kept: BTreeMap<Vec<String>, Kept> = BTreeMap::new();
    plan.source.for_each(&plan.wanted, |row| {
        let place = Place { file: row.file, row: row.number };
        let Ok(cells) = row.cells else { return Ok(()) };
        if !plan.selects(&cells) || !usable(plan, assembly, place, &cells) {
            return Ok(());
        }
        let new = Kept { known: known(plan, place, &cells), place, cells: fingerprint(&cells) };
        match kept.entry(key(by, &cells)) {
            Entry::Vacant(entry) => {
                entry.insert(new);
            }
            Entry::Occupied(mut entry) => {
                // Of rows known at one time, the order of reading decides.
                let better = match keep {
                    Keep::First => new.known < entry.get().known,
                    Keep::Last => new.known >= entry.get().known,
                };
                if better {
                    entry.insert(new);
                }
            }
        }
        Ok(())
    })?;
    // A row without key is like no other.
    kept.remove(&vec![String::new(); by.len()]);
    Ok(kept)
}

/// The values of the columns `by`.
fn key(by: &[usize], cells: &[Cell<'_>]) -> Vec<String> {
    by.iter().map(|&at| cells[at].text().unwrap_or_default().into_owned()).collect()
}

/// Whether the tables would take the row, were it alone.
fn usable(plan: &Plan<'_>, assembly: &Assembly<'_>, place: Place, cells: &[Cell<'_>]) -> bool {
    let checked = plan.row(place, cells).and_then(|row| assembly.check(row));
    checked.is_ok_and(|checked| !matches!(checked, Checked::Aside(_)))
}

/// When a row could first be read: absent, with the event; none where rows have no time.
fn known(plan: &Plan<'_>, place: Place, cells: &[Cell<'_>]) -> Option<Instant> {
    let row = plan.row(place, cells).ok()?;
    [Field::KnownAt, Field::OccurredAt, Field::AskedAt]
        .into_iter()
        .find_map(|field| row.instant(field).ok().flatten())
}

/// Name of a row in the system it came from.
fn source_id(plan: &Plan<'_>, place: Place, cells: &[Cell<'_>]) -> Option<(String, String)> {
    let row = plan.row(place, cells).ok()?;
    let text = |field| row.text(field).ok().flatten();
    Some((text(Field::SourceSystem).unwrap_or_default(), text(Field::SourceId)?))
}

/// A fingerprint of all cells.
fn fingerprint(cells: &[Cell<'_>]) -> Fingerprint {
    let mut digest = Sha256::new();
    for cell in cells {
        let text = cell.text().unwrap_or_default();
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
    digest.finalize().into()
}
