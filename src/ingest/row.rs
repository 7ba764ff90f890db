//! One row of a source through its block: the values of our columns, or the rule it breaks.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cell::{Cell, Misfit, NumberReader};
use super::error::SourceError;
use super::field::Field;
use super::ledger::{Breach, Reason};
use super::links::{LinkIndex, LinkIndices, key_of};
use super::mapping::{Block, Deduplicate, Lookup, Mapping};
use super::source::{Exports, OpenSource, raw};
use crate::diagnostic::nearest;
use crate::time::Instant;

/// A block with its source opened and every column found.
#[derive(Debug)]
pub(super) struct Plan<'m> {
    pub(super) block: &'m Block,
    pub(super) source: OpenSource,
    /// Positions of the columns read, in the source's order.
    pub(super) wanted: Vec<usize>,
    slots: [Slot; Field::COUNT],
    lookup: Option<Lookups<'m>>,
    linked: Vec<Linked>,
    filter: Option<usize>,
    distinct: Vec<usize>,
    /// Position of the currency among the cells, and the one that is expected.
    currency: Option<(usize, &'m str)>,
}

/// Bytes of the longest text that is taken for a name or word.
const LONGEST_TEXT: usize = 1 << 16;

/// Where the value of one of our columns comes from; positions are within the cells read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Absent,
    Column(usize),
    Constant,
    Lookup(usize),
    /// The id that keys lead to: position among the linked fields.
    Linked(usize),
}

/// A field whose value is found through the keys of a row.
#[derive(Debug)]
struct Linked {
    index: Arc<LinkIndex>,
    /// Keys, strongest first, with their positions among the cells.
    keys: Vec<(usize, usize)>,
}

impl Linked {
    /// The strongest key that a row has, and its position among the cells.
    fn key(&self, cells: &[Cell<'_>]) -> Option<(usize, usize)> {
        self.keys.iter().copied().find(|&(_, at)| key_of(&cells[at]).is_some())
    }
}

/// The rows of a lookup source, by key.
#[derive(Debug)]
struct Lookups<'m> {
    lookup: &'m Lookup,
    /// Position of the key among the cells of the block's source.
    key: usize,
    fields: Vec<Field>,
    rows: BTreeMap<String, Vec<Cell<'static>>>,
}

impl<'m> Plan<'m> {
    /// Opens the sources of `block` in `exports`; every problem is noted.
    pub(super) fn open(
        exports: Exports<'_>,
        mapping: &'m Mapping,
        block: &'m Block,
        links: &LinkIndices,
        problems: &mut Vec<SourceError>,
    ) -> Option<Self> {
        let before = problems.len();
        let source =
            OpenSource::open(exports, &block.file).map_err(|error| problems.push(error)).ok();
        let opened_lookup = block.lookup.as_ref().and_then(|lookup| {
            read_lookup(exports, lookup).map_err(|errors| problems.extend(errors)).ok()
        });
        let source = source?;
        let mut names: BTreeSet<&str> = block.columns.values().map(String::as_str).collect();
        names.extend(block.distinct.iter().map(String::as_str));
        names.extend(block.keys.values().flat_map(BTreeMap::values).map(String::as_str));
        names.extend(block.filter.as_ref().map(|filter| filter.column.as_str()));
        names.extend(block.lookup.as_ref().map(|lookup| lookup.key.as_str()));
        names.extend(block.currency_column.as_deref());
        if let Deduplicate::By { columns, .. } = &block.deduplicate {
            names.extend(columns.iter().map(String::as_str));
        }
        let mut wanted = BTreeSet::new();
        for name in names {
            match source.position(name) {
                Ok(position) => {
                    wanted.insert(position);
                }
                Err(error) => problems.push(error),
            }
        }
        if problems.len() > before {
            return None;
        }
        if block.deduplicate == Deduplicate::Equal {
            wanted.extend(0..source.columns().len());
        }
        let wanted: Vec<usize> = wanted.into_iter().collect();
        let place = |name: &str| {
            wanted
                .iter()
                .position(|&column| source.columns()[column] == name)
                .expect("every column named by the block is wanted")
        };
        let lookup = block.lookup.as_ref().zip(opened_lookup).map(|(lookup, rows)| Lookups {
            lookup,
            key: place(&lookup.key),
            fields: lookup.columns.keys().copied().collect(),
            rows,
        });
        let mut slots = [Slot::Absent; Field::COUNT];
        for (&field, name) in &block.columns {
            slots[field as usize] = Slot::Column(place(name));
        }
        for &field in block.constants.keys() {
            slots[field as usize] = Slot::Constant;
        }
        for (position, &field) in lookup.iter().flat_map(|l| &l.fields).enumerate() {
            slots[field as usize] = Slot::Lookup(position);
        }
        let mut linked = Vec::new();
        for (&field, keys) in &block.keys {
            slots[field as usize] = Slot::Linked(linked.len());
            let keys = keys.iter().map(|(&key, name)| (key, place(name))).collect();
            linked.push(Linked { index: Arc::clone(&links[&field]), keys });
        }
        let filter = block.filter.as_ref().map(|filter| place(&filter.column));
        let distinct = block.distinct.iter().map(|name| place(name)).collect();
        let currency = block.currency_column.as_ref().map(|name| (place(name), mapping.currency()));
        Some(Self { block, source, wanted, slots, lookup, linked, filter, distinct, currency })
    }

    /// Position among the cells of a column that the block names.
    pub(super) fn place(&self, name: &str) -> usize {
        (0..self.wanted.len())
            .find(|&cell| self.name_of(cell) == name)
            .expect("every column named by the block is wanted")
    }

    /// Whether rows have the names of the system that they come from.
    pub(super) fn has_source_ids(&self) -> bool {
        self.slots[Field::SourceId as usize] != Slot::Absent
    }

    /// Whether rows of several files may meet under one `source_id`, and no other rule says which is kept.
    pub(super) fn sorts_out_source_ids(&self) -> bool {
        let several = self.source.files().count() > 1 || self.block.query.is_some();
        self.has_source_ids() && several && self.block.deduplicate == Deduplicate::No
    }

    /// Whether two rows are known to stand in one file: those of an answer may come from any.
    pub(super) fn in_one_file(&self, first: usize, second: usize) -> bool {
        first == second && self.block.query.is_none()
    }

    /// Whether the block reads every column of its source.
    pub(super) fn reads_all_columns(&self) -> bool {
        self.wanted.len() == self.source.columns().len()
    }

    /// Whether the block uses the column `name` of its source.
    pub(super) fn uses(&self, name: &str) -> bool {
        self.block.columns.values().any(|column| column == name)
            || self.block.distinct.iter().any(|column| column == name)
            || self.block.keys.values().flat_map(BTreeMap::values).any(|column| column == name)
            || self.block.filter.as_ref().is_some_and(|filter| filter.column == name)
            || self.block.lookup.as_ref().is_some_and(|lookup| lookup.key == name)
            || self.block.currency_column.as_deref() == Some(name)
            || matches!(&self.block.deduplicate,
                Deduplicate::By { columns, .. } if columns.iter().any(|column| column == name))
    }

    fn name_of(&self, cell: usize) -> &str {
        &self.source.columns()[self.wanted[cell]]
    }

    /// Whether the block's `where` selects the row.
    pub(super) fn selects(&self, cells: &[Cell<'_>]) -> bool {
        let (Some(position), Some(filter)) = (self.filter, &self.block.filter) else { return true };
        let text = cells[position].text().unwrap_or_default();
        filter.equals.iter().any(|value| *value == text)
    }

    /// The row as the tables see it.
    pub(super) fn row<'r>(&'r self, cells: &'r [Cell<'r>]) -> Result<Row<'r>, Breach> {
        self.check_currency(cells)?;
        let looked_up = match &self.lookup {
            None => &[],
            Some(lookups) => {
                let key = cells[lookups.key].text().unwrap_or_default();
                lookups.rows.get(key.as_ref()).map(Vec::as_slice).ok_or_else(|| Breach {
                    column: self.name_of(lookups.key).to_owned(),
                    value: key.clone().into_owned(),
                    reason: Reason::NoLookupMatch,
                    message: format!(
                        "`{key}` is not a `{}` of `{}`",
                        lookups.lookup.key, lookups.lookup.file.name
                    ),
                })?
            }
        };
        Ok(Row { plan: self, cells, looked_up })
    }

    /// Amounts of several currencies must not meet in one sum.
    fn check_currency(&self, cells: &[Cell<'_>]) -> Result<(), Breach> {
        let Some((position, expected)) = self.currency else { return Ok(()) };
        let found = cells[position].text().unwrap_or_default();
        if found == expected {
            return Ok(());
        }
        let column = self.name_of(position).to_owned();
        let message = if found.is_empty() {
            format!("no currency, expected `{expected}`")
        } else {
            format!("an amount in `{found}`, expected `{expected}`: convert it before")
        };
        let (value, reason) = (found.into_owned(), Reason::OtherCurrency);
        Err(Breach { column, value, reason, message })
    }

    /// The cells as a JSON object, for `rejected`.
    pub(super) fn raw(&self, cells: &[Cell<'_>]) -> String {
        raw((0..cells.len()).map(|position| self.name_of(position)), cells)
    }
}

/// The rows of a lookup source; its keys must be unique.
fn read_lookup(
    exports: Exports<'_>,
    lookup: &Lookup,
) -> Result<BTreeMap<String, Vec<Cell<'static>>>, Vec<SourceError>> {
    let source = OpenSource::open(exports, &lookup.file).map_err(|error| vec![error])?;
    let mut wanted = Vec::new();
    let mut missing = Vec::new();
    for name in std::iter::once(&lookup.key).chain(lookup.columns.values()) {
        match source.position(name) {
            Ok(position) => wanted.push(position),
            Err(error) => missing.push(error),
        }
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    let mut rows = BTreeMap::new();
    let read = source.for_each(&wanted, |row| {
        let unreadable =
            |reason: String| SourceError::Unreadable { file: lookup.file.name.clone(), reason };
        let cells = row.cells.map_err(|broken| {
            unreadable(format!("row {}: {}", row.number, broken.breach.message))
        })?;
        let mut cells = cells.into_iter();
        let key = cells.next().and_then(|cell| cell.text().map(Cow::into_owned));
        let key = key.ok_or_else(|| unreadable(format!("row {}: no key", row.number)))?;
        let values = cells.map(Cell::into_owned).collect();
        match rows.insert(key.clone(), values) {
            None => Ok(()),
            Some(_) => Err(SourceError::DuplicateKey {
                file: lookup.file.name.clone(),
                column: lookup.key.clone(),
                key,
                row: row.number,
            }),
        }
    });
    read.map(|()| rows).map_err(|error| vec![error])
}

/// One row: asks for values by our columns' names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'r> {
    pub(super) plan: &'r Plan<'r>,
    pub(super) cells: &'r [Cell<'r>],
    looked_up: &'r [Cell<'static>],
}

impl<'r> Row<'r> {
    /// The value of `field` as it is in the source; absent columns are missing.
    pub(super) fn cell(&self, field: Field) -> Cell<'r> {
        match self.plan.slots[field as usize] {
            Slot::Absent => Cell::Missing,
            Slot::Column(position) => self.cells[position].clone(),
            Slot::Lookup(position) => self.looked_up[position].clone(),
            Slot::Constant => Cell::from_text(&self.plan.block.constants[&field]),
            Slot::Linked(position) => match self.plan.linked[position].key(self.cells) {
                Some((_, at)) => self.cells[at].clone(),
                None => Cell::Missing,
            },
        }
    }

    /// Name of the source column that fills `field`.
    fn origin(&self, field: Field) -> String {
        match self.plan.slots[field as usize] {
            Slot::Column(position) => self.plan.name_of(position).to_owned(),
            Slot::Lookup(_) => {
                let lookups = self.plan.lookup.as_ref().expect("a lookup slot has a lookup");
                lookups.lookup.columns[&field].clone()
            }
            Slot::Linked(position) => {
                let linked = &self.plan.linked[position];
                let first = linked.keys.first().map(|&(_, at)| at);
                let at = linked.key(self.cells).map(|(_, at)| at).or(first);
                at.map_or_else(|| field.name().to_owned(), |at| self.plan.name_of(at).to_owned())
            }
            Slot::Constant | Slot::Absent => field.name().to_owned(),
        }
    }

    /// What the row breaks when `field` breaks `reason`.
    pub(super) fn breach(&self, field: Field, reason: Reason, message: String) -> Breach {
        let value = self.cell(field).text().unwrap_or_default().into_owned();
        Breach { column: self.origin(field), value, reason, message }
    }

    fn misfit(&self, field: Field, misfit: &Misfit) -> Breach {
        let message = format!("{}: {}", field.name(), misfit.message);
        self.breach(field, misfit.reason, message)
    }

    fn needed<T>(&self, field: Field, value: Option<T>) -> Result<T, Breach> {
        value.ok_or_else(|| {
            let message = match self.plan.slots[field as usize] {
                Slot::Linked(position) => {
                    let keys = self.plan.linked[position].keys.iter();
                    let names: Vec<&str> = keys.map(|&(_, at)| self.plan.name_of(at)).collect();
                    format!(
                        "`{}` is empty: none of `{}` is there",
                        field.name(),
                        names.join("`, `")
                    )
                }
                _ => format!("`{}` is empty", field.name()),
            };
            self.breach(field, Reason::Empty, message)
        })
    }

    fn several(&self, field: Field, n: usize) -> Breach {
        let text = self.cell(field).text().unwrap_or_default().into_owned();
        let message = format!("{n} values, `{text}`, expected one");
        self.breach(field, Reason::SeveralValues, message)
    }

    /// The id that the strongest key of the row leads to.
    fn linked(&self, field: Field, linked: &Linked) -> Result<Cell<'r>, Breach> {
        let Some((key, at)) = linked.key(self.cells) else { return Ok(Cell::Missing) };
        if let Cell::Several(values) = &self.cells[at] {
            return Err(self.several(field, values.len()));
        }
        let value = self.cells[at].text().unwrap_or_default();
        match linked.index.id(key, &value) {
            Ok(id) => Ok(Cell::Text(Cow::Owned(id))),
            Err(ids) => {
                let ids: Vec<String> = ids.iter().take(3).map(|id| format!("`{id}`")).collect();
                let message = format!(
                    "`{value}` ({}) may be {}: correct the tables of links, or map a stronger key",
                    linked.index.name(key),
                    ids.join(" or ")
                );
                Err(self.breach(field, Reason::AmbiguousKey, message))
            }
        }
    }

    /// The one value of `field`.
    fn single(&self, field: Field) -> Result<Cell<'r>, Breach> {
        if let Slot::Linked(position) = self.plan.slots[field as usize] {
            return self.linked(field, &self.plan.linked[position]);
        }
        match self.cell(field) {
            Cell::Several(values) => Err(self.several(field, values.len())),
            cell => Ok(cell),
        }
    }

    /// The text of `field`, translated by the block's `values` where it has some.
    pub(super) fn text(&self, field: Field) -> Result<Option<String>, Breach> {
        let cell = self.single(field)?;
        if let Cell::Text(text) = &cell
            && text.len() > LONGEST_TEXT
        {
            let message = format!(
                "`{}` has {} bytes, expected at most {LONGEST_TEXT}: is a quote left open?",
                field.name(),
                text.len()
            );
            return Err(self.breach(field, Reason::TooLong, message));
        }
        let Some(text) = cell.text() else { return Ok(None) };
        let translate = !matches!(self.plan.slots[field as usize], Slot::Constant);
        match self.plan.block.values.get(&field).filter(|_| translate) {
            None => Ok(Some(text.into_owned())),
            Some(words) => {
                words.get(text.as_ref()).map(|word| Some(word.clone())).ok_or_else(|| {
                    let near = nearest(&text, words.keys().map(String::as_str))
                        .map(|near| format!("; did you mean `{near}`?"))
                        .unwrap_or_default();
                    let message = format!(
                        "`{text}` is not among the mapping's `values` for `{}`{near}",
                        field.name()
                    );
                    self.breach(field, Reason::UnknownValue, message)
                })
            }
        }
    }

    pub(super) fn needed_text(&self, field: Field) -> Result<String, Breach> {
        let text = self.text(field)?;
        self.needed(field, text)
    }

    /// The word of `field` as one of the fixed values of its column.
    pub(super) fn word<T>(&self, field: Field) -> Result<Option<T>, Breach>
    where
        T: std::str::FromStr<Err = crate::interaction::UnknownWord>,
    {
        self.text(field)?.map(|text| text.parse()).transpose().map_err(
            |error: crate::interaction::UnknownWord| {
                self.breach(field, Reason::UnknownValue, error.to_string())
            },
        )
    }

    /// Yes or no: `true`, `t`, `yes`, `1` or `false`, `f`, `no`, `0`, in any case.
    pub(super) fn flag(&self, field: Field) -> Result<Option<bool>, Breach> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "1" => Ok(Some(true)),
            "false" | "f" | "no" | "0" => Ok(Some(false)),
            _ => {
                let message = format!("`{text}` is neither `true` nor `false`");
                Err(self.breach(field, Reason::UnknownValue, message))
            }
        }
    }

    pub(super) fn number(&self, field: Field) -> Result<Option<f64>, Breach> {
        // A constant is a number of the mapping, not of the source.
        let numbers = match self.plan.slots[field as usize] {
            Slot::Constant => NumberReader::default(),
            _ => self.plan.block.numbers,
        };
        self.single(field)?.number(numbers).map_err(|misfit| self.misfit(field, &misfit))
    }

    pub(super) fn needed_number(&self, field: Field) -> Result<f64, Breach> {
        let number = self.number(field)?;
        self.needed(field, number)
    }

    /// A number in `range`.
    pub(super) fn number_within(
        &self,
        field: Field,
        range: std::ops::RangeInclusive<f64>,
    ) -> Result<Option<f64>, Breach> {
        let number = self.number(field)?;
        match number.filter(|number| !range.contains(number)) {
            None => Ok(number),
            Some(number) => {
                let message = if range.end().is_finite() {
                    format!("{number} is not within {} to {}", range.start(), range.end())
                } else {
                    format!("{number} is below {}", range.start())
                };
                Err(self.breach(field, Reason::OutOfRange, message))
            }
        }
    }

    pub(super) fn instant(&self, field: Field) -> Result<Option<Instant>, Breach> {
        self.single(field)?
            .instant(&self.plan.block.times)
            .map_err(|misfit| self.misfit(field, &misfit))
    }

    pub(super) fn needed_instant(&self, field: Field) -> Result<Instant, Breach> {
        let instant = self.instant(field)?;
        self.needed(field, instant)
    }

    /// Values of the block's `distinct` columns; `None` when it has none.
    pub(super) fn distinct(&self) -> Option<Vec<String>> {
        let key = |&position: &usize| {
            self.cells[position].text().map(Cow::into_owned).unwrap_or_default()
        };
        let key: Vec<String> = self.plan.distinct.iter().map(key).collect();
        (!key.is_empty()).then_some(key)
    }

    /// The row as read, for `rejected`.
    pub(super) fn raw(&self) -> String {
        self.plan.raw(self.cells)
    }
}
