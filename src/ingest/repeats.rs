//! Rows that say again what another row says: which of them is kept.
//!
//! Rows that are equal in all columns belong to one account and are told apart while its rows are
//! read. Versions of one key and rows under one `source_id` may stand in several accounts: they are
//! found beforehand, in one walk over all rows for each rule.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use roaring::RoaringTreemap;
use sha2::{Digest as _, Sha256};

use super::accounts::{Accounts, Step, settle};
use super::assemble::Assembly;
use super::cell::Cell;
use super::checked::Checked;
use super::field::Field;
use super::ledger::{Aside, Breach, Reason};
use super::mapping::{Deduplicate, Keep};
use super::row::{Plan, Row};
use super::spill::{Entries, Room, Spill};
use super::spool::{Origin, in_order, of_order};
use crate::time::Instant;

type Fingerprint = [u8; 32];

/// What the rules say about one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Take,
    Aside(Aside),
    /// It repeats a row of its own file in all columns.
    Repeats,
    /// Another row has its `source_id`.
    Namesake,
}

/// What is known of rows that repeat others.
#[derive(Debug)]
pub(super) struct Repeats {
    /// By block: rows that are not taken.
    marks: Vec<Marks>,
    /// Rows of the account at hand, by block and all cells: the file of the first of them.
    equal: BTreeMap<(usize, Fingerprint), usize>,
}

/// Rows of one block, by their number.
#[derive(Debug, Default, Clone)]
struct Marks {
    repeated: RoaringTreemap,
    superseded: RoaringTreemap,
    namesakes: RoaringTreemap,
}

impl Repeats {
    /// Finds the rows that the rules of all blocks do not take.
    pub(super) fn find(accounts: &mut Accounts<'_>, room: &Room) -> io::Result<Self> {
        let plans = accounts.plans;
        let mut repeats =
            Self { marks: vec![Marks::default(); plans.len()], equal: BTreeMap::new() };
        for (block, plan) in plans.iter().enumerate() {
            if let Deduplicate::By { columns, keep } = &plan.block.deduplicate {
                let by: Vec<usize> = columns.iter().map(|name| plan.place(name)).collect();
                repeats.find_versions(accounts, room, block, (&by, *keep))?;
            }
        }
        if plans.iter().any(Plan::has_source_ids) {
            repeats.find_namesakes(accounts, room)?;
        }
        Ok(repeats)
    }

    /// Rows of another account follow.
    pub(super) fn next_account(&mut self) {
        self.equal.clear();
    }

    /// What becomes of a row that its block selects.
    pub(super) fn verdict(&mut self, plan: &Plan<'_>, at: Origin, cells: &[Cell<'_>]) -> Verdict {
        let marks = &self.marks[at.block];
        if marks.repeated.contains(at.number) {
            return Verdict::Aside(Aside::Repeated);
        }
        if marks.superseded.contains(at.number) {
            return Verdict::Aside(Aside::Superseded);
        }
        let unless_equal =
            if marks.namesakes.contains(at.number) { Verdict::Namesake } else { Verdict::Take };
        if plan.block.deduplicate != Deduplicate::Equal {
            return unless_equal;
        }
        match self.equal.entry((at.block, fingerprint(cells))) {
            Entry::Vacant(new) => {
                new.insert(at.place.file);
                unless_equal
            }
            Entry::Occupied(first) if plan.in_one_file(*first.get(), at.place.file) => {
                Verdict::Repeats
            }
            Entry::Occupied(_) => Verdict::Aside(Aside::Repeated),
        }
    }

    /// A row that was to be taken is not: what is equal to it repeats nothing.
    pub(super) fn not_taken(&mut self, plan: &Plan<'_>, at: Origin, cells: &[Cell<'_>]) {
        if plan.block.deduplicate == Deduplicate::Equal {
            self.equal.remove(&(at.block, fingerprint(cells)));
        }
    }

    /// Of the usable rows with one key: those that are not kept.
    fn find_versions(
        &mut self,
        accounts: &mut Accounts<'_>,
        room: &Room,
        block: usize,
        (by, keep): (&[usize], Keep),
    ) -> io::Result<()> {
        let mut versions = Spill::new(room);
        accounts.walk(self, |repeats, step| -> io::Result<()> {
            let Step::Row { assembly, plan, at, cells } = step else { return Ok(()) };
            if at.block < block {
                settle(repeats, assembly, plan, at, cells);
            } else if at.block == block
                && let Some(key) = key(by, cells)
                && is_usable(plan, assembly, cells)
            {
                let known = known(plan, cells).map(Instant::micros);
                versions.add(
                    &[&key[..], &in_order(block, at.number)].concat(),
                    &encoded(&(known, fingerprint(cells)))?,
                )?;
            }
            Ok(())
        })?;
        let marks = &mut self.marks[block];
        for_each_group(&mut versions.sorted()?.entries()?, |rows: &[Member<Option<i64>>]| {
            // Of rows known at one time, the order of reading decides.
            let kept = match keep {
                Keep::First => rows.iter().min_by_key(|row| row.what),
                Keep::Last => rows.iter().max_by_key(|row| row.what),
            };
            let kept = kept.expect("a group has rows");
            for row in rows.iter().filter(|row| row.number != kept.number) {
                let same = row.cells == kept.cells;
                let marked = if same { &mut marks.repeated } else { &mut marks.superseded };
                marked.insert(row.number);
            }
        })
    }

    /// Of the rows that the tables would take under one `source_id`: all but the first.
    fn find_namesakes(&mut self, accounts: &mut Accounts<'_>, room: &Room) -> io::Result<()> {
        let mut names = Spill::new(room);
        accounts.walk(self, |repeats, step| -> io::Result<()> {
            let Step::Row { assembly, plan, at, cells } = step else { return Ok(()) };
            let fate = settle(repeats, assembly, plan, at, cells);
            if let Some(name) = source_id(plan, cells).filter(|_| fate.is_accepted()) {
                names.add(
                    &[&name[..], &in_order(at.block, at.number)].concat(),
                    &encoded(&(at.place.file, fingerprint(cells)))?,
                )?;
            }
            Ok(())
        })?;
        for_each_group(&mut names.sorted()?.entries()?, |rows: &[Member<usize>]| {
            let (first, others) = rows.split_first().expect("a group has rows");
            for row in others {
                let plan = &accounts.plans[row.block];
                let exported_twice = row.block == first.block
                    && plan.sorts_out_source_ids()
                    && !plan.in_one_file(first.what, row.what)
                    && row.cells == first.cells;
                let marks = &mut self.marks[row.block];
                let marked =
                    if exported_twice { &mut marks.repeated } else { &mut marks.namesakes };
                marked.insert(row.number);
            }
        })
    }
}

/// Which rows of a block say the same thing and which of them is kept.
pub(super) fn rule_in_words(plan: &Plan<'_>) -> Option<String> {
    Some(match &plan.block.deduplicate {
        Deduplicate::Equal => "as equal in all columns, the first is kept".to_owned(),
        Deduplicate::By { columns, keep } => format!(
            "by `{}`, the one known {} is kept",
            columns.join("`, `"),
            match keep {
                Keep::First => "first",
                Keep::Last => "last",
            }
        ),
        Deduplicate::No if plan.sorts_out_source_ids() => {
            "by `source_id` across files, the first of equal rows is kept".to_owned()
        }
        Deduplicate::No => return None,
    })
}

/// What a row breaks whose `source_id` another one has.
pub(super) fn namesake(row: Row<'_>) -> Breach {
    let id = row.text(Field::SourceId).ok().flatten().unwrap_or_default();
    let message = format!("`{id}` is the name of an earlier row");
    row.breach(Field::SourceId, Reason::Duplicate, message)
}

/// One of the rows that share a key.
struct Member<T> {
    block: usize,
    number: u64,
    what: T,
    cells: Fingerprint,
}

fn encoded<T: serde::Serialize>(value: &T) -> io::Result<Vec<u8>> {
    postcard::to_extend(value, Vec::new()).map_err(io::Error::other)
}

/// Rows that share the fingerprint with which their keys begin, in the order read.
fn for_each_group<T: serde::de::DeserializeOwned>(
    entries: &mut Entries,
    mut each: impl FnMut(&[Member<T>]),
) -> io::Result<()> {
    let mut group = Vec::new();
    let mut shared: Fingerprint = [0; 32];
    while let Some((key, value)) = entries.next()? {
        let (of, order) = key.split_last_chunk().expect("a key ends with its order");
        if of != shared {
            if !group.is_empty() {
                each(&group);
                group.clear();
            }
            shared.copy_from_slice(of);
        }
        let (block, number) = of_order(order);
        let (what, cells) = postcard::from_bytes(value).map_err(io::Error::other)?;
        group.push(Member { block, number, what, cells });
    }
    if !group.is_empty() {
        each(&group);
    }
    Ok(())
}

/// The values of the columns `by`; a row that has none of them is like no other.
fn key(by: &[usize], cells: &[Cell<'_>]) -> Option<Fingerprint> {
    let texts = || by.iter().map(|&at| text(&cells[at]));
    texts().any(|text| !text.is_empty()).then(|| digest(texts()))
}

/// Whether the tables would take the row, were it alone.
fn is_usable(plan: &Plan<'_>, assembly: &Assembly<'_>, cells: &[Cell<'_>]) -> bool {
    let checked = plan.row(cells).and_then(|row| assembly.check(row));
    checked.is_ok_and(|checked| !matches!(checked, Checked::Aside(_)))
}

/// When a row could first be read: absent, with the event; none where rows have no time.
fn known(plan: &Plan<'_>, cells: &[Cell<'_>]) -> Option<Instant> {
    let row = plan.row(cells).ok()?;
    [Field::KnownAt, Field::OccurredAt, Field::AskedAt]
        .into_iter()
        .find_map(|field| row.instant(field).ok().flatten())
}

/// Name of a row in the system it came from.
fn source_id(plan: &Plan<'_>, cells: &[Cell<'_>]) -> Option<Fingerprint> {
    if !plan.has_source_ids() {
        return None;
    }
    let row = plan.row(cells).ok()?;
    let text = |field| row.text(field).ok().flatten();
    let id = text(Field::SourceId)?;
    Some(digest([text(Field::SourceSystem).unwrap_or_default(), id].into_iter()))
}

/// A fingerprint of all cells.
fn fingerprint(cells: &[Cell<'_>]) -> Fingerprint {
    digest(cells.iter().map(text))
}

fn text<'c>(cell: &'c Cell<'_>) -> Cow<'c, str> {
    cell.text().unwrap_or_default()
}

fn digest(texts: impl Iterator<Item = impl AsRef<str>>) -> Fingerprint {
    let mut digest = Sha256::new();
    for text in texts {
        let text = text.as_ref();
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
    digest.finalize().into()
}
