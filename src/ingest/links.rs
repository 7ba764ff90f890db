//! One account or contact under the keys of several systems.
//!
//! ```toml
//! [links.account_id]
//! precedence = ["crm", "erp", "email"]                     # strongest first
//! tables = [{ source = "crosswalk.csv", columns = { crm = "Id", erp = "CustNo", email = "Mail" } }]
//!
//! [[interactions]]
//! keys.account_id = { erp = "Customer", email = "Sender" }  # the strongest that a row has decides
//! ```
//!
//! The id is the value of the strongest key, or where an entity has none of it `erp:…`, with the name of the strongest
//! that it has. Nothing is guessed: a weaker key that would make two ids one is ambiguous, and rows that have no
//! stronger key are rejected.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cell::Cell;
use super::error::SourceError;
use super::field::Field;
use super::mapping::{LinkTable, Links, Mapping};
use super::source::{Exports, OpenSource};

/// The links of each linked field.
pub(super) type LinkIndices = BTreeMap<Field, Arc<LinkIndex>>;

/// Ids by key and value.
#[derive(Debug, Default)]
pub(super) struct LinkIndex {
    /// Names of the keys, strongest first.
    names: Vec<String>,
    /// By key: ids of the entities that a value names.
    ids: Vec<BTreeMap<String, BTreeSet<String>>>,
}

/// A row of a table of links: the value of every key that it has.
type Keys = Vec<Option<String>>;

impl LinkIndex {
    /// Reads the tables of all links of a mapping; every problem is noted.
    pub(super) fn open_all(
        exports: Exports<'_>,
        mapping: &Mapping,
        problems: &mut Vec<SourceError>,
    ) -> LinkIndices {
        let mut open = |links: &Links| {
            let mut rows = Vec::new();
            for table in &links.tables {
                if let Err(problem) = read(exports, table, links.precedence.len(), &mut rows) {
                    problems.push(problem);
                }
            }
            Arc::new(Self::of(links.precedence.clone(), &rows))
        };
        mapping.links.iter().map(|(&field, links)| (field, open(links))).collect()
    }

    fn of(names: Vec<String>, rows: &[Keys]) -> Self {
        let mut entities = Entities::new(rows.len());
        for key in 0..names.len() {
            let mut holders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (row, keys) in rows.iter().enumerate() {
                if let Some(value) = &keys[key] {
                    holders.entry(value).or_default().push(row);
                }
            }
            for (value, rows) in holders {
                entities.meet(&rows, || id_of(&names, key, value));
            }
        }
        let mut ids = vec![BTreeMap::<String, BTreeSet<String>>::new(); names.len()];
        for (row, keys) in rows.iter().enumerate() {
            for (known, value) in ids.iter_mut().zip(keys) {
                if let Some(value) = value {
                    let known = known.entry(value.clone()).or_default();
                    known.extend(entities.ids(row).iter().cloned());
                }
            }
        }
        Self { names, ids }
    }

    /// The id of what `value` of key number `key` names; a value that no table has names an entity of its own.
    ///
    /// # Errors
    ///
    /// The ids that it may be, where there are several.
    pub(super) fn id(&self, key: usize, value: &str) -> Result<String, &BTreeSet<String>> {
        match self.ids[key].get(value) {
            None => Ok(id_of(&self.names, key, value)),
            Some(ids) if ids.len() == 1 => Ok(ids.first().expect("one id").clone()),
            Some(ids) => Err(ids),
        }
    }

    /// Name of key number `key`.
    pub(super) fn name(&self, key: usize) -> &str {
        &self.names[key]
    }
}

fn id_of(names: &[String], key: usize, value: &str) -> String {
    if key == 0 { value.to_owned() } else { format!("{}:{value}", names[key]) }
}

/// Rows that are one entity, and the ids that they may have: several where they are ambiguous.
struct Entities {
    parents: Vec<usize>,
    /// Of the first row of each entity.
    ids: Vec<BTreeSet<String>>,
}

impl Entities {
    fn new(rows: usize) -> Self {
        Self { parents: (0..rows).collect(), ids: vec![BTreeSet::new(); rows] }
    }

    /// The first row of the entity of `row`; the way there gets shorter.
    fn first(&mut self, mut row: usize) -> usize {
        while self.parents[row] != row {
            self.parents[row] = self.parents[self.parents[row]];
            row = self.parents[row];
        }
        row
    }

    fn ids(&mut self, row: usize) -> &BTreeSet<String> {
        let first = self.first(row);
        &self.ids[first]
    }

    /// Rows that share a value are one entity, unless they may have several ids: then those without one may have
    /// all of them.
    fn meet(&mut self, rows: &[usize], id: impl FnOnce() -> String) {
        let mut known = BTreeSet::new();
        for &row in rows {
            known.extend(self.ids(row).iter().cloned());
        }
        let firsts: Vec<usize> = rows.iter().map(|&row| self.first(row)).collect();
        if known.len() > 1 {
            for first in firsts {
                if self.ids[first].is_empty() {
                    self.ids[first].clone_from(&known);
                }
            }
            return;
        }
        if known.is_empty() {
            known.insert(id());
        }
        let first = firsts[0];
        for &other in &firsts[1..] {
            self.parents[other] = first;
        }
        self.ids[first] = known;
    }
}

fn read(
    exports: Exports<'_>,
    table: &LinkTable,
    n_keys: usize,
    rows: &mut Vec<Keys>,
) -> Result<(), SourceError> {
    let LinkTable { file, columns } = table;
    let source = OpenSource::open(exports, file)?;
    let wanted: Vec<usize> =
        columns.values().map(|name| source.position(name)).collect::<Result<_, _>>()?;
    source.for_each(&wanted, |row| {
        let cells = row.cells.map_err(|broken| SourceError::Unreadable {
            file: file.name.clone(),
            reason: format!("row {}: {}", row.number, broken.breach.message),
        })?;
        let mut keys = vec![None; n_keys];
        for ((&key, name), cell) in columns.iter().zip(&cells) {
            if let Cell::Several(values) = cell {
                let (row, n) = (row.number, values.len());
                let reason = format!("row {row}: {n} values of `{name}`, expected one");
                return Err(SourceError::Unreadable { file: file.name.clone(), reason });
            }
            keys[key] = key_of(cell).map(Cow::into_owned);
        }
        rows.push(keys);
        Ok(())
    })
}

/// The text of a cell that holds a key; what is no number names nothing.
pub(super) fn key_of<'c>(cell: &'c Cell<'_>) -> Option<Cow<'c, str>> {
    match cell {
        Cell::Number(number) if !number.is_finite() => None,
        cell => cell.text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys in the order crm, erp, email; `-` is none.
    fn index(rows: &[[&str; 3]]) -> LinkIndex {
        let names = ["crm", "erp", "email"].map(str::to_owned).to_vec();
        let keys = |row: &[&str; 3]| {
            row.iter().map(|&value| (value != "-").then(|| value.to_owned())).collect()
        };
        LinkIndex::of(names, &rows.iter().map(keys).collect::<Vec<Keys>>())
    }

    #[test]
    fn keys_lead_to_the_strongest_key_over_any_number_of_rows() {
        let rows = [["-", "-", "a@x"], ["-", "7", "a@x"], ["A", "7", "-"], ["-", "8", "b@x"]];
        for turned in 0..rows.len() {
            let mut rows = rows;
            rows.rotate_left(turned);
            let index = index(&rows);
            for (key, value) in [(0, "A"), (1, "7"), (2, "a@x")] {
                assert_eq!(index.id(key, value), Ok("A".to_owned()), "{value}");
            }
            assert_eq!(index.id(2, "b@x"), Ok("erp:8".to_owned()));
        }
    }

    #[test]
    fn what_no_table_has_is_an_entity_of_its_own() {
        let index = index(&[["A", "7", "-"]]);
        assert_eq!(index.id(0, "B"), Ok("B".to_owned()));
        assert_eq!(index.id(2, "c@x"), Ok("email:c@x".to_owned()));
    }

    #[test]
    fn what_is_ambiguous_stays_so_through_further_keys() {
        let index =
            index(&[["A", "7", "-"], ["B", "7", "-"], ["-", "7", "e@x"], ["-", "-", "e@x"]]);
        // Two accounts of the CRM have customer number 7: nothing says which one writes from e@x.
        let ids = ["A", "B"].map(str::to_owned).into();
        assert_eq!(index.id(1, "7"), Err(&ids));
        assert_eq!(index.id(2, "e@x"), Err(&ids));
        let index =
            self::index(&[["A", "7", "-"], ["B", "7", "-"], ["-", "7", "e@x"], ["-", "9", "e@x"]]);
        let ids = ["A", "B", "erp:9"].map(str::to_owned).into();
        assert_eq!(index.id(2, "e@x"), Err(&ids));
    }

    #[test]
    fn a_weaker_key_of_two_ids_joins_nothing_and_is_ambiguous() {
        let index = index(&[
            ["A", "7", "info@x"],
            ["B", "8", "info@x"],
            ["-", "9", "info@x"],
            ["-", "-", "info@x"],
        ]);
        let ids = ["A", "B", "erp:9"].map(str::to_owned).into();
        assert_eq!(index.id(2, "info@x"), Err(&ids));
        assert_eq!(index.id(1, "7"), Ok("A".to_owned()));
        assert_eq!(index.id(1, "9"), Ok("erp:9".to_owned()));
    }
}
