//! Columns of a batch, cell by cell, and what surrounds the row that is being read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampMicrosecondType};
use arrow_array::{Array, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow_array::{PrimitiveArray, TimestampMicrosecondArray};

use super::super::error::Fault;
use super::super::schema::{Table, column};
use super::super::{Contact, UnknownWord};
use crate::ids::{ContactIndex, InitiativeIndex, OwnerIndex};
use crate::time::Instant;

/// What surrounds the rows of one account.
#[derive(Debug)]
pub(super) struct Around<'a> {
    pub(super) contacts: Contacts,
    pub(super) owners: Register<'a>,
    pub(super) initiatives: Register<'a>,
    pub(super) faults: Vec<Fault>,
}

impl<'a> Around<'a> {
    /// Of an account of a log whose staff and initiatives are `staff` and `initiatives`, where it lists them.
    pub(super) fn new(
        staff: Option<&'a BTreeSet<String>>,
        initiatives: Option<&'a BTreeSet<String>>,
        faults: Vec<Fault>,
    ) -> Self {
        Self {
            contacts: Contacts::default(),
            owners: Register::new(staff),
            initiatives: Register::new(initiatives),
            faults,
        }
    }

    /// Forgets places in dictionaries, since other columns follow.
    pub(super) fn enter_batch(&mut self) {
        self.contacts.seen.forget();
        self.owners.seen.forget();
        self.initiatives.seen.forget();
    }
}

/// Number of names whose positions are remembered; a power of two.
const REMEMBERED: usize = 64;

/// What the names at some places of a dictionary are to an account, so that each is looked up once.
///
/// The names of an account are neighbours in a dictionary, since they appeared together.
#[derive(Debug)]
struct Seen {
    positions: [(u32, u16); REMEMBERED],
    is_new: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self { positions: [(NOWHERE, 0); REMEMBERED], is_new: true }
    }
}

/// No place of a dictionary, which has fewer words.
const NOWHERE: u32 = u32::MAX;

impl Seen {
    /// Position of the name at `place` of the dictionary: the one before, or else what `look_up` finds.
    #[inline]
    fn position<E>(
        &mut self,
        place: usize,
        look_up: impl FnOnce() -> Result<u16, E>,
    ) -> Result<u16, E> {
        let (known, position) = &mut self.positions[place % REMEMBERED];
        if *known != place as u32 {
            *position = look_up()?;
            *known = place as u32;
            self.is_new = false;
        }
        Ok(*position)
    }

    fn forget(&mut self) {
        if !self.is_new {
            *self = Self::default();
        }
    }
}

/// The contacts of one account.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    pub(super) all: Vec<Contact>,
    seen: Seen,
}

impl Contacts {
    /// Position of the contact named at `place` of `names`, or the rule that the name breaks.
    #[inline]
    fn position(&mut self, names: &Texts, place: usize) -> Result<u16, &'static str> {
        let Self { all, seen } = self;
        seen.position(place, || {
            let id = names.at(place);
            let ordered = all.binary_search_by(|contact| contact.id.as_str().cmp(id)).ok();
            // Contacts out of order are a fault of their own, not one of every row.
            let position = ordered.or_else(|| all.iter().position(|contact| contact.id == id));
            position.and_then(|p| u16::try_from(p).ok()).ok_or("a contact of the account")
        })
    }
}

/// Names that the rows of one account refer to, in order of appearance.
#[derive(Debug)]
pub(super) struct Register<'a> {
    names: Vec<String>,
    positions: BTreeMap<String, u16>,
    /// All names there are, where the log says so.
    listed: Option<&'a BTreeSet<String>>,
    seen: Seen,
}

impl<'a> Register<'a> {
    fn new(listed: Option<&'a BTreeSet<String>>) -> Self {
        Self { names: Vec::new(), positions: BTreeMap::new(), listed, seen: Seen::default() }
    }

    /// The names that were registered, of which nothing is then left.
    pub(super) fn take_names(&mut self) -> Vec<String> {
        self.positions.clear();
        std::mem::take(&mut self.names)
    }

    /// Position of what is named at `place` of `texts`, or the rule that the name breaks.
    #[inline]
    fn position(
        &mut self,
        texts: &Texts,
        place: usize,
        unlisted: &'static str,
    ) -> Result<u16, &'static str> {
        let Self { names, positions, listed, seen } = self;
        seen.position(place, || {
            let name = texts.at(place);
            if let Some(&position) = positions.get(name) {
                return Ok(position);
            }
            if listed.is_some_and(|listed| !listed.contains(name)) {
                return Err(unlisted);
            }
            let position = u16::try_from(names.len())
                .ok()
                .filter(|&position| position < u16::MAX)
                .ok_or("at most 65,535 of them per account")?;
            names.push(name.to_owned());
            positions.insert(name.to_owned(), position);
            Ok(position)
        })
    }
}

/// One row that is being read.
#[derive(Debug)]
pub(super) struct Scope<'a, 'l> {
    pub(super) table: Table,
    pub(super) account: &'a str,
    /// Row in the file, from 1.
    pub(super) number: u64,
    pub(super) around: &'a mut Around<'l>,
}

impl Scope<'_, '_> {
    #[cold]
    pub(super) fn fault(&mut self, column: &'static str, value: impl Display, rule: &'static str) {
        self.around.faults.push(Fault {
            table: self.table,
            row: self.number,
            account: self.account.to_owned(),
            column,
            value: value.to_string(),
            rule,
        });
    }

    #[inline]
    pub(super) fn required<T>(&mut self, column: &'static str, cell: Option<T>) -> Option<T> {
        if cell.is_none() {
            self.fault(column, "", "a value");
        }
        cell
    }

    #[inline]
    pub(super) fn word<W: Copy + FromStr<Err = UnknownWord>>(
        &mut self,
        column: &'static str,
        cells: &Words<W>,
        row: usize,
    ) -> Option<W> {
        let place = cells.texts.place(row)?;
        if let Some(word) = cells.meanings[place] {
            return Some(word);
        }
        if let Err(UnknownWord { value, expected }) = cells.texts.at(place).parse::<W>() {
            self.fault(column, value, expected);
        }
        None
    }

    pub(super) fn required_word<W: Copy + FromStr<Err = UnknownWord>>(
        &mut self,
        column: &'static str,
        cells: &Words<W>,
        row: usize,
    ) -> Option<W> {
        self.required(column, cells.texts.place(row))?;
        self.word(column, cells, row)
    }

    #[inline]
    pub(super) fn contact(&mut self, names: &Texts, row: usize) -> Option<ContactIndex> {
        let place = names.place(row)?;
        let found = self.around.contacts.position(names, place);
        self.found(column::CONTACT_ID, names, place, found).map(ContactIndex)
    }

    #[inline]
    pub(super) fn owner(&mut self, names: &Texts, row: usize) -> Option<OwnerIndex> {
        let place = names.place(row)?;
        let found = self.around.owners.position(names, place, super::super::LISTED_OWNER);
        self.found(column::OWNER_ID, names, place, found).map(OwnerIndex)
    }

    #[inline]
    pub(super) fn initiative(&mut self, names: &Texts, row: usize) -> Option<InitiativeIndex> {
        let place = names.place(row)?;
        let rule = super::super::LISTED_INITIATIVE;
        let found = self.around.initiatives.position(names, place, rule);
        self.found(column::INITIATIVE_ID, names, place, found).map(InitiativeIndex)
    }

    /// The position that was found for what is named at `place`; a rule that the name breaks becomes a fault.
    #[inline]
    fn found(
        &mut self,
        column: &'static str,
        names: &Texts,
        place: usize,
        position: Result<u16, &'static str>,
    ) -> Option<u16> {
        position.map_err(|rule| self.fault(column, names.at(place), rule)).ok()
    }
}

/// A column of texts, empty throughout when the file has none.
#[derive(Debug)]
pub(super) struct Texts {
    cells: Option<Cells>,
    rows: usize,
}

/// Texts as they are decoded: those that neighbouring rows share are places in a dictionary.
#[derive(Debug)]
struct Cells {
    /// Absent where each row has a word of its own.
    places: Option<Int32Array>,
    words: StringArray,
}

impl Texts {
    pub(super) fn new(batch: &RecordBatch, name: &str) -> Self {
        // A column of nothing is not asked row by row.
        let column = batch.column_by_name(name).filter(|cells| cells.null_count() < cells.len());
        let cells = column.map(|cells| match cells.as_dictionary_opt::<Int32Type>() {
            None => Cells { places: None, words: cells.as_string().clone() },
            Some(shared) => Cells {
                places: Some(shared.keys().clone()),
                words: shared.values().as_string().clone(),
            },
        });
        Self { cells, rows: batch.num_rows() }
    }

    /// Number of rows, whether the file has the column or not.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        self.place(row).map(|place| self.at(place))
    }

    pub(super) fn owned(&self, row: usize) -> Option<String> {
        self.get(row).map(str::to_owned)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_none()
    }

    /// The row after those from `row` on that have its text, as far as the dictionary tells.
    pub(super) fn end_of_run(&self, row: usize) -> usize {
        match &self.cells {
            Some(Cells { places: Some(places), .. }) if places.null_count() == 0 => {
                let places = &places.values()[row..];
                row + places.iter().take_while(|place| **place == places[0]).count()
            }
            _ => row + 1,
        }
    }

    /// Place of the text in `row`.
    #[inline]
    fn place(&self, row: usize) -> Option<usize> {
        let Cells { places, words } = self.cells.as_ref()?;
        match places {
            Some(places) => value(places, row).map(|place| place as usize),
            None => words.is_valid(row).then_some(row),
        }
    }

    /// The text at `place`, which [`place`](Self::place) gave.
    fn at(&self, place: usize) -> &str {
        self.cells.as_ref().map_or("", |cells| cells.words.value(place))
    }
}

/// A column of words and what they mean, looked up once per dictionary.
#[derive(Debug)]
pub(super) struct Words<W> {
    texts: Texts,
    /// By place in the dictionary; absent for words that mean nothing.
    meanings: Vec<Option<W>>,
}

impl<W: Copy> Words<W> {
    pub(super) fn new(
        batch: &RecordBatch,
        name: &str,
        meaning: impl Fn(&str) -> Option<W>,
    ) -> Self {
        let texts = Texts::new(batch, name);
        let words = texts.cells.iter().flat_map(|cells| cells.words.iter());
        let meanings = words.map(|word| word.and_then(&meaning)).collect();
        Self { texts, meanings }
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<W> {
        self.texts.place(row).and_then(|place| self.meanings[place])
    }
}

impl<W: Copy + FromStr> Words<W> {
    /// Of words that are fixed.
    pub(super) fn fixed(batch: &RecordBatch, name: &str) -> Self {
        Self::new(batch, name, |word| word.parse().ok())
    }
}

/// A column of numbers, empty throughout when the file has none.
#[derive(Debug)]
pub(super) struct Numbers(Option<Float64Array>);

impl Numbers {
    pub(super) fn new(batch: &RecordBatch, name: &str) -> Self {
        let cells = batch.column_by_name(name).map(|c| c.as_primitive::<Float64Type>().clone());
        Self(cells.filter(|cells| cells.null_count() < cells.len()))
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<f64> {
        value(self.0.as_ref()?, row)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// A column of instants, empty throughout when the file has none.
#[derive(Debug)]
pub(super) struct Instants(Option<TimestampMicrosecondArray>);

impl Instants {
    pub(super) fn new(batch: &RecordBatch, name: &str) -> Self {
        let cells = batch
            .column_by_name(name)
            .map(|c| c.as_primitive::<TimestampMicrosecondType>().clone());
        Self(cells.filter(|cells| cells.null_count() < cells.len()))
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<Instant> {
        value(self.0.as_ref()?, row).map(Instant::from_micros)
    }
}

/// A column of yes and no, empty throughout when the file has none.
#[derive(Debug)]
pub(super) struct Flags(Option<BooleanArray>);

impl Flags {
    pub(super) fn new(batch: &RecordBatch, name: &str) -> Self {
        let cells = batch.column_by_name(name).map(|c| c.as_boolean().clone());
        Self(cells.filter(|cells| cells.null_count() < cells.len()))
    }

    pub(super) fn get(&self, row: usize) -> Option<bool> {
        self.0.as_ref().filter(|cells| cells.is_valid(row)).map(|cells| cells.value(row))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

fn value<T: arrow_array::ArrowPrimitiveType>(
    cells: &PrimitiveArray<T>,
    row: usize,
) -> Option<T::Native> {
    cells.is_valid(row).then(|| cells.value(row))
}
