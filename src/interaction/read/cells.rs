//! Columns of a batch, cell by cell, and what surrounds the row that is being read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampMicrosecondType};
use arrow_array::{Array, BooleanArray, DictionaryArray, Float64Array, RecordBatch, StringArray};
use arrow_array::{PrimitiveArray, TimestampMicrosecondArray};

use super::super::error::Fault;
use super::super::schema::{Table, column};
use super::super::{Contact, UnknownWord};
use crate::ids::{ContactIndex, InitiativeIndex, OwnerIndex, TypeIndex, TypeNames};
use crate::time::Instant;

/// What surrounds the rows of one account.
#[derive(Debug)]
pub(super) struct Around<'a> {
    pub(super) types: &'a TypeNames,
    pub(super) contacts: Vec<Contact>,
    pub(super) owners: Register<'a>,
    pub(super) initiatives: Register<'a>,
    pub(super) faults: Vec<Fault>,
}

/// Names that the rows of one account refer to, in order of appearance.
#[derive(Debug)]
pub(super) struct Register<'a> {
    names: Vec<String>,
    positions: BTreeMap<String, u16>,
    /// Position of the name before: neighbouring rows often have the same.
    last: Option<u16>,
    /// All names there are, where the log says so.
    listed: Option<&'a BTreeSet<String>>,
}

impl<'a> Register<'a> {
    pub(super) fn new(listed: Option<&'a BTreeSet<String>>) -> Self {
        Self { names: Vec::new(), positions: BTreeMap::new(), last: None, listed }
    }

    /// The names that were registered, of which nothing is then left.
    pub(super) fn take_names(&mut self) -> Vec<String> {
        self.last = None;
        self.positions.clear();
        std::mem::take(&mut self.names)
    }

    /// Position of `name`, or the rule that it breaks.
    fn position(&mut self, name: &str, unlisted: &'static str) -> Result<u16, &'static str> {
        if let Some(last) = self.last
            && self.names[usize::from(last)] == name
        {
            return Ok(last);
        }
        let position = match self.positions.get(name) {
            Some(&position) => position,
            None => self.register(name, unlisted)?,
        };
        self.last = Some(position);
        Ok(position)
    }

    fn register(&mut self, name: &str, unlisted: &'static str) -> Result<u16, &'static str> {
        if self.listed.is_some_and(|listed| !listed.contains(name)) {
            return Err(unlisted);
        }
        let position = u16::try_from(self.names.len())
            .ok()
            .filter(|&position| position < u16::MAX)
            .ok_or("at most 65,535 of them per account")?;
        self.names.push(name.to_owned());
        self.positions.insert(name.to_owned(), position);
        Ok(position)
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

    pub(super) fn required<T>(&mut self, column: &'static str, cell: Option<T>) -> Option<T> {
        if cell.is_none() {
            self.fault(column, "", "a value");
        }
        cell
    }

    pub(super) fn word<W: FromStr<Err = UnknownWord>>(
        &mut self,
        column: &'static str,
        cell: Option<&str>,
    ) -> Option<W> {
        match cell?.parse() {
            Ok(word) => Some(word),
            Err(UnknownWord { value, expected }) => {
                self.fault(column, value, expected);
                None
            }
        }
    }

    pub(super) fn required_word<W: FromStr<Err = UnknownWord>>(
        &mut self,
        column: &'static str,
        cell: Option<&str>,
    ) -> Option<W> {
        let cell = self.required(column, cell);
        self.word(column, cell)
    }

    pub(super) fn contact(&mut self, cell: Option<&str>) -> Option<ContactIndex> {
        let id = cell?;
        let contacts = &self.around.contacts;
        let ordered = contacts.binary_search_by(|contact| contact.id.as_str().cmp(id)).ok();
        // Contacts out of order are a fault of their own, not one of every row.
        let position = ordered.or_else(|| contacts.iter().position(|c| c.id == id));
        let index = position.and_then(|p| u16::try_from(p).ok()).map(ContactIndex);
        if index.is_none() {
            self.fault(column::CONTACT_ID, id, "a contact of the account");
        }
        index
    }

    pub(super) fn owner(&mut self, cell: Option<&str>) -> Option<OwnerIndex> {
        let id = cell?;
        match self.around.owners.position(id, super::super::LISTED_OWNER) {
            Ok(position) => Some(OwnerIndex(position)),
            Err(rule) => {
                self.fault(column::OWNER_ID, id, rule);
                None
            }
        }
    }

    pub(super) fn initiative(&mut self, cell: Option<&str>) -> Option<InitiativeIndex> {
        let id = cell?;
        match self.around.initiatives.position(id, super::super::LISTED_INITIATIVE) {
            Ok(position) => Some(InitiativeIndex(position)),
            Err(rule) => {
                self.fault(column::INITIATIVE_ID, id, rule);
                None
            }
        }
    }
}

/// A column of texts, empty throughout when the file has none.
#[derive(Debug)]
pub(super) struct Texts {
    cells: Option<Cells>,
    rows: usize,
}

/// Texts as they are decoded: those that neighbouring rows share are positions in a dictionary.
#[derive(Debug)]
enum Cells {
    Plain(StringArray),
    Shared { positions: PrimitiveArray<Int32Type>, words: StringArray },
}

impl Texts {
    pub(super) fn new(batch: &RecordBatch, name: &str) -> Self {
        // A column of nothing is not asked row by row.
        let column = batch.column_by_name(name).filter(|cells| cells.null_count() < cells.len());
        let cells = column.map(|cells| match cells.as_dictionary_opt::<Int32Type>() {
            None => Cells::Plain(cells.as_string().clone()),
            Some(shared) => Cells::Shared {
                positions: shared.keys().clone(),
                words: shared.values().as_string().clone(),
            },
        });
        Self { cells, rows: batch.num_rows() }
    }

    /// Number of rows, whether the file has the column or not.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    pub(super) fn get(&self, row: usize) -> Option<&str> {
        match self.cells.as_ref()? {
            Cells::Plain(cells) => cells.is_valid(row).then(|| cells.value(row)),
            Cells::Shared { positions, words } => {
                value(positions, row).map(|position| words.value(position as usize))
            }
        }
    }

    pub(super) fn owned(&self, row: usize) -> Option<String> {
        self.get(row).map(str::to_owned)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_none()
    }
}

/// A column of interaction types, looked up once per batch.
#[derive(Debug)]
pub(super) struct Kinds {
    cells: DictionaryArray<Int32Type>,
    indices: Vec<Option<TypeIndex>>,
}

impl Kinds {
    pub(super) fn new(batch: &RecordBatch, types: &TypeNames) -> Self {
        let cells = batch[column::INTERACTION_TYPE].as_dictionary::<Int32Type>().clone();
        let words = cells.values().as_string::<i32>();
        let indices = words.iter().map(|word| word.and_then(|word| types.get(word))).collect();
        Self { cells, indices }
    }

    pub(super) fn get(&self, row: usize) -> Option<TypeIndex> {
        self.cells.key(row).and_then(|position| self.indices[position])
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
