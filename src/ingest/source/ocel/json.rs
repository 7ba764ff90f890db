//! OCEL 2.0 as JSON.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Events, WireEvent};
use crate::ingest::error::SourceError;
use crate::ingest::source::files::ExportFile;
use crate::ingest::source::json_lines::scalar;
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
    let reader = file.open().map_err(|error| file.unreadable(&error))?;
    let mut json = serde_json::Deserializer::from_reader(reader);
    let mut log = Section { name: section, each, found: false, stopped: false };
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
    found: bool,
    stopped: bool,
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
                log.next_value_seed(Elements(self))?;
            } else {
                log.next_value::<IgnoredAny>()?;
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
        }
        Ok(())
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
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
            (Some(name), value) => {
                wire.attributes.push((name, scalar(value.unwrap_or(&Value::Null))));
            }
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
