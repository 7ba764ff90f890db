//! Rows that name their own values: JSON lines and event logs.

use std::collections::BTreeMap;

use super::files::ExportFile;
use super::{Broken, Each as EachCells, raw};
use crate::ingest::cell::Cell;
use crate::ingest::error::SourceError;
use crate::ingest::ledger::Reason;

/// Names and values of one row, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct NamedRow {
    values: Vec<(String, Cell<'static>)>,
}

/// What takes the rows of one file, with their numbers.
pub(super) type Each<'a> = dyn FnMut(u64, Result<NamedRow, Broken>) -> Result<(), SourceError> + 'a;

impl NamedRow {
    /// Adds a value; a name that is there already then has several.
    pub(super) fn add(&mut self, name: String, value: Cell<'static>) {
        self.values.push((name, value));
    }

    /// The first name that occurs twice.
    pub(super) fn repeated(&self) -> Option<&str> {
        let mut seen = std::collections::BTreeSet::new();
        self.values.iter().map(|(name, _)| name.as_str()).find(|name| !seen.insert(*name))
    }

    /// All that the row holds as a JSON object.
    pub(super) fn raw(&self) -> String {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut cells: Vec<(&str, Cell<'static>)> = Vec::with_capacity(self.values.len());
        for (name, value) in &self.values {
            let place = *places.entry(name).or_insert(cells.len());
            if place == cells.len() {
                cells.push((name, Cell::Missing));
            }
            let cell = std::mem::replace(&mut cells[place].1, Cell::Missing);
            cells[place].1 = cell.and(value.clone());
        }
        let (names, cells): (Vec<&str>, Vec<Cell<'_>>) = cells.into_iter().unzip();
        raw(names.into_iter(), &cells)
    }

    /// This row, rejected for `reason`.
    pub(super) fn broken(
        &self,
        reason: Reason,
        (column, value): (&str, &str),
        message: impl Into<String>,
    ) -> Broken {
        let mut broken = Broken::new(reason, message, self.raw());
        column.clone_into(&mut broken.breach.column);
        value.clone_into(&mut broken.breach.value);
        broken
    }
}

/// The names that any row of a file has, in order of appearance.
///
/// A file none of whose rows can be read has no columns: then its first row says why.
pub(super) fn columns(
    file: &ExportFile,
    read: impl FnOnce(&mut Each<'_>) -> Result<(), SourceError>,
) -> Result<Vec<String>, SourceError> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut first_problem = None;
    read(&mut |number, row| {
        match row {
            Ok(row) => {
                for (name, _) in row.values {
                    let position = known.len();
                    known.entry(name).or_insert(position);
                }
            }
            Err(broken) => {
                let problem = || format!("row {number}: {}", broken.breach.message);
                first_problem.get_or_insert_with(problem);
            }
        }
        Ok(())
    })?;
    if let (true, Some(problem)) = (known.is_empty(), first_problem) {
        return Err(file.unreadable(&problem));
    }
    let mut names: Vec<(String, usize)> = known.into_iter().collect();
    names.sort_by_key(|(_, position)| *position);
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

/// Gives every row to `each` as cells in the order of `wanted` names.
pub(super) fn for_each(
    wanted: &[&str],
    each: &mut EachCells<'_>,
    read: impl FnOnce(&mut Each<'_>) -> Result<(), SourceError>,
) -> Result<(), SourceError> {
    // One name may be wanted for several purposes.
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, &name) in wanted.iter().enumerate() {
        places.entry(name).or_default().push(place);
    }
    read(&mut |number, row| {
        let cells = row.map(|row| {
            let mut cells = vec![Cell::Missing; wanted.len()];
            for (name, value) in row.values {
                for &place in places.get(name.as_str()).into_iter().flatten() {
                    let cell = std::mem::replace(&mut cells[place], Cell::Missing);
                    cells[place] = cell.and(value.clone());
                }
            }
            cells
        });
        each(number, cells)
    })
}
