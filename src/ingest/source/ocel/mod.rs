//! OCEL 2.0, object-centric event logs: one row per event.
//!
//! `ocel:id`, `concept:name` (type of the event) and `time:timestamp`, its attributes under their
//! own names, and the objects that it is about: `object:TYPE` has all of a type,
//! `object:TYPE:QUALIFIER` those of one qualifier. Attributes of objects and relations between them
//! are not read: they belong to no event.

pub(super) mod json;
pub(super) mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

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
        // An object may stand in an event under several qualifiers, and is one object.
        let mut related = BTreeSet::new();
        for (id, qualifier) in event.relations {
            let columns = if let Some(of_type) = self.objects.0.get(&id) {
                let qualifier = qualifier.trim();
                let qualified =
                    (!qualifier.is_empty()).then(|| format!("object:{of_type}:{qualifier}"));
                vec![Some(format!("object:{of_type}")), qualified]
            } else {
                dangling = dangling.or_else(|| Some(id.clone()));
                vec![Some("object:".to_owned())]
            };
            for column in columns.into_iter().flatten() {
                if related.insert((column.clone(), id.clone())) {
                    row.add(column, Cell::from_text(&id).into_owned());
                }
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
    let mut line = FirstLine { reader, begun: false, ended: false, array: false };
    let mut json = serde_json::Deserializer::from_reader(&mut line);
    let keys = IsLog.deserialize(&mut json).and_then(|is_log| {
        // What stands behind an object of one line belongs to no log.
        if is_log { Ok(true) } else { json.end().map(|()| false) }
    });
    match keys {
        Ok(is_log) => Ok(is_log),
        Err(error) if error.is_io() => Err(error.into()),
        Err(_) => Ok(!line.array),
    }
}

/// The first line that is not blank, and nothing behind it.
struct FirstLine<'r> {
    reader: &'r mut dyn BufRead,
    begun: bool,
    ended: bool,
    /// It begins as an array does.
    array: bool,
}

impl Read for FirstLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !buffer.is_empty() {
            let bytes = self.reader.fill_buf()?;
            let blank = if self.begun {
                0
            } else {
                bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
            };
            let line = &bytes[blank..];
            if bytes.is_empty() {
                self.ended = true;
            } else if line.is_empty() {
                self.reader.consume(blank);
            } else {
                if !self.begun {
                    self.array = line[0] == b'[';
                    self.begun = true;
                }
                let most = &line[..line.len().min(buffer.len())];
                let end = most.iter().position(|&byte| byte == b'\n');
                self.ended = end.is_some();
                let length = end.unwrap_or(most.len());
                buffer[..length].copy_from_slice(&most[..length]);
                self.reader.consume(blank + length);
                if length > 0 {
                    return Ok(length);
                }
            }
        }
        Ok(0)
    }
}

/// Whether an object has the lists of a log; nothing else of it is kept.
struct IsLog;

impl<'de> DeserializeSeed<'de> for IsLog {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for IsLog {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<bool, A::Error> {
        while let Some(key) = object.next_key::<String>()? {
            if matches!(key.as_str(), "events" | "objects") {
                return Ok(true);
            }
            object.next_value::<IgnoredAny>()?;
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_by_its_lists() {
        for (text, expected) in [
            ("{\"events\": []}", true),
            ("{\"a\": {\"events\": 1}}\n{\"objects\": 1}", false),
            ("\n \r\n{\"a\": 1}\n", false),
            ("{\n\"events\": []\n}", true),
            ("{\"a\": [1,\n2]}", true),
            ("  [\n1]", false),
            ("", true),
        ] {
            for size in [1, 3, 100] {
                let mut reader = io::BufReader::with_capacity(size, text.as_bytes());
                assert_eq!(is_log(&mut reader).unwrap(), expected, "{text} {size}");
            }
        }
    }
}
