//! OCEL 2.0 as JSON.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Events, WireEvent};
use crate::ingest::error::SourceError;
use crate::ingest::source::files::ExportFile;
use crate::ingest::source::json_lines::{inexact, scalar};
use crate::ingest::source::lines::{LONGEST_RECORD, broken};
use crate::ingest::source::named::Each;

/// Gives every event to `each`; the objects are read before, wherever they stand.
pub(in crate::ingest::source) fn for_each(
    file: &ExportFile,
    each: &mut Each<'_>,
) -> Result<(), SourceError> {
    let mut events = Events::default();
    let mut problem = None;
    read(file, "objects", &mut |object| {
        if let (Some(id), Some(of_type)) = (text(&object, "id"), text(&object, "type"))
            && let Err(found) = events.objects.add(&id, &of_type)
        {
            problem = Some(file.unreadable(&found));
        }
        problem.is_none()
    })?;
    if let Some(problem) = problem {
        return Err(problem);
    }
    let (mut number, mut stopped) = (0, Ok(()));
    read(file, "events", &mut |event| {
        number += 1;
        stopped = each(number, events.row(wire(&event)));
        stopped.is_ok()
    })?;
    stopped
}

/// Gives every element of the list `section` to `each` until it answers no.
fn read(
    file: &ExportFile,
    section: &'static str,
    each: &mut dyn FnMut(Value) -> bool,
) -> Result<(), SourceError> {
    let inner = file.open().map_err(|error| file.unreadable(&error))?;
    let used = Rc::new(Cell::new(Some(0)));
    let mut json = serde_json::Deserializer::from_reader(Bounded { inner, used: Rc::clone(&used) });
    let mut log = Section { name: section, each, used, found: false, stopped: false };
    let read = log.deserialize(&mut json).and_then(|()| json.end());
    let (found, stopped) = (log.found, log.stopped);
    if stopped {
        return Ok(());
    }
    read.map_err(|error| file.unreadable(&error))?;
    if found {
        return Ok(());
    }
    let reason = format!("it has no list `{section}`, expected OCEL 2.0 or one object per line");
    Err(file.unreadable(&reason))
}

/// One list of a log, element by element; the others are passed over.
struct Section<'a> {
    name: &'static str,
    each: &'a mut dyn FnMut(Value) -> bool,
    /// Bytes of the element that is read; none while a list is passed over.
    used: Rc<Cell<Option<usize>>>,
    found: bool,
    stopped: bool,
}

/// Bytes of which one element has a bound.
struct Bounded<R> {
    inner: R,
    used: Rc<Cell<Option<usize>>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(used) = self.used.get() {
            if used + read > LONGEST_RECORD {
                let most = LONGEST_RECORD >> 20;
                return Err(broken(format!("an object or event is longer than {most} MiB")));
            }
            self.used.set(Some(used + read));
        }
        Ok(read)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Section<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Section<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an OCEL 2.0 log")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut log: A) -> Result<(), A::Error> {
        while let Some(key) = log.next_key::<String>()? {
            if key == self.name {
                self.found = true;
                log.next_value_seed(Elements(&mut *self))?;
            } else {
                self.used.set(None);
                log.next_value::<IgnoredAny>()?;
                self.used.set(Some(0));
            }
        }
        Ok(())
    }
}

struct Elements<'s, 'a>(&'s mut Section<'a>);

impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.0.name)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<Value>()? {
            if !(self.0.each)(element) {
                self.0.stopped = true;
                return Err(serde::de::Error::custom("stopped"));
            }
            self.0.used.set(Some(0));
        }
        Ok(())
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        // Digits that a floating-point number lost make no name.
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

fn wire(event: &Value) -> WireEvent {
    let mut wire = WireEvent {
        id: text(event, "id"),
        kind: text(event, "type"),
        time: text(event, "time"),
        ..WireEvent::default()
    };
    if !event.is_object() {
        wire.problem = Some(format!("`{event}` is not an event"));
    }
    for attribute in list(event, "attributes", &mut wire.problem) {
        match (text(attribute, "name"), attribute.get("value")) {
            (Some(name), value) => match scalar(value.unwrap_or(&Value::Null)) {
                Some(value) => wire.attributes.push((name, value)),
                None => wire.problem = Some(inexact(&name)),
            },
            (None, _) => wire.problem = Some("an attribute without `name`".to_owned()),
        }
    }
    for relation in list(event, "relationships", &mut wire.problem) {
        match text(relation, "objectId") {
            Some(id) => {
                wire.relations.push((id, text(relation, "qualifier").unwrap_or_default()));
            }
            None => wire.problem = Some("a relationship without `objectId`".to_owned()),
        }
    }
    wire
}

fn list<'v>(event: &'v Value, key: &str, problem: &mut Option<String>) -> &'v [Value] {
    match event.get(key) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(values)) => values,
        Some(_) => {
            *problem = Some(format!("`{key}` is not a list"));
            &[]
        }
    }
}
