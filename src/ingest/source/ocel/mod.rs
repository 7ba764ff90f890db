//! OCEL 2.0, object-centric event logs: one row per event.
//!
//! `ocel:id`, `concept:name` (type of the event) and `time:timestamp`, its attributes under their
//! own names, and the objects that it is about: `object:TYPE` has all of a type,
//! `object:TYPE:QUALIFIER` those of one qualifier. Attributes of objects and relations between them
//! are not read: they belong to no event.

pub(super) mod json;
pub(super) mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use super::Broken;
use super::named::NamedRow;
use crate::ingest::cell::Cell;
use crate::ingest::ledger::Reason;

/// Types of the objects of a log, by id.
#[derive(Debug, Default)]
struct Objects(BTreeMap<String, String>);

impl Objects {
    /// Adds an object; an error is in words.
    fn add(&mut self, id: &str, of_type: &str) -> Result<(), String> {
        match self.0.insert(id.to_owned(), of_type.to_owned()) {
            Some(other) if other != of_type => {
                Err(format!("object `{id}` is both a `{other}` and a `{of_type}`"))
            }
            _ => Ok(()),
        }
    }
}

/// One event as written; what it lacks is `None`.
#[derive(Debug, Default)]
struct WireEvent {
    id: Option<String>,
    kind: Option<String>,
    time: Option<String>,
    attributes: Vec<(String, Cell<'static>)>,
    /// Object ids with their qualifiers.
    relations: Vec<(String, String)>,
    /// What is not as OCEL wants it.
    problem: Option<String>,
}

/// Events into rows; an id may occur once.
#[derive(Debug, Default)]
struct Events {
    objects: Objects,
    ids: BTreeSet<String>,
}

impl Events {
    fn row(&mut self, event: WireEvent) -> Result<NamedRow, Broken> {
        let mut row = NamedRow::default();
        let of = |text: &Option<String>| {
            text.as_deref().map_or(Cell::Missing, Cell::from_text).into_owned()
        };
        row.add("ocel:id".to_owned(), of(&event.id));
        row.add("concept:name".to_owned(), of(&event.kind));
        row.add("time:timestamp".to_owned(), of(&event.time));
        for (name, value) in event.attributes {
            row.add(name, value);
        }
        let mut dangling = None;
        for (id, qualifier) in event.relations {
            let cell = Cell::from_text(&id).into_owned();
            if let Some(of_type) = self.objects.0.get(&id) {
                row.add(format!("object:{of_type}"), cell.clone());
                if !qualifier.trim().is_empty() {
                    row.add(format!("object:{of_type}:{}", qualifier.trim()), cell);
                }
            } else {
                row.add("object:".to_owned(), cell);
                dangling = dangling.or(Some(id));
            }
        }
        if let Some(problem) = event.problem {
            return Err(row.broken(Reason::Malformed, ("", ""), problem));
        }
        let Some(id) = event.id.filter(|id| !id.trim().is_empty()) else {
            return Err(row.broken(Reason::Malformed, ("ocel:id", ""), "an event without id"));
        };
        if let Some(object) = dangling {
            let message =
                format!("event `{id}` is about `{object}`, which is no object of the log");
            return Err(row.broken(Reason::UnknownObject, ("object:", &object), message));
        }
        if self.ids.insert(id.clone()) {
            return Ok(row);
        }
        let message = format!("`{id}` is the id of an earlier event");
        Err(row.broken(Reason::Duplicate, ("ocel:id", &id), message))
    }
}

/// Whether a `.json` file is one log, and not one object per line.
pub(super) fn is_log(reader: &mut dyn BufRead) -> io::Result<bool> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    let first = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&line);
    Ok(first.map_or(!line.trim_ascii().starts_with(b"["), |object| {
        object.contains_key("events") || object.contains_key("objects")
    }))
}
