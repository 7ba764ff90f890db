//! OCEL 2.0 as XML.

use super::{Events, Objects, WireEvent};
use crate::ingest::cell::Cell;
use crate::ingest::error::SourceError;
use crate::ingest::source::files::ExportFile;
use crate::ingest::source::named::Each;
use crate::ingest::source::xml::{Document, Element, Next};

/// Gives every event to `each`; the objects are read before, wherever they stand.
pub(in crate::ingest::source) fn for_each(
    file: &ExportFile,
    each: &mut Each<'_>,
) -> Result<(), SourceError> {
    let mut objects = Objects::default();
    elements(file, "object", &mut |object| match (object.get("id"), object.get("type")) {
        (Some(id), Some(of_type)) => {
            objects.add(id, of_type).map_err(|problem| file.unreadable(&problem))
        }
        _ => Ok(()),
    })?;
    let mut events = Events { objects, ..Events::default() };
    let mut number = 0;
    elements(file, "event", &mut |event| {
        number += 1;
        each(number, events.row(wire(&event)))
    })
}

/// Gives every element `name` that stands in a list of its kind (`<events>`) to `each`.
fn elements(
    file: &ExportFile,
    name: &str,
    each: &mut dyn FnMut(Element) -> Result<(), SourceError>,
) -> Result<(), SourceError> {
    let bytes = file.open().map_err(|error| file.unreadable(&error))?;
    let broken = |reason: String| file.unreadable(&reason);
    let mut xml = Document::new(bytes);
    match xml.next().map_err(broken)? {
        Next::Open(root) if root.name == "log" => {}
        Next::Open(root) => {
            return Err(broken(format!("`<{}>` is not the `<log>` of OCEL 2.0", root.name)));
        }
        Next::Close | Next::End => unreachable!("a document begins with an element"),
    }
    let list = format!("{name}s");
    let mut found = false;
    loop {
        match xml.next().map_err(broken)? {
            Next::Open(section) if section.name == list => {
                found = true;
                while let Next::Open(start) = xml.next().map_err(broken)? {
                    if start.name == name {
                        each(xml.whole(start).map_err(broken)?)?;
                    } else {
                        xml.skip().map_err(broken)?;
                    }
                }
            }
            Next::Open(_) => xml.skip().map_err(broken)?,
            Next::Close => {}
            Next::End if found => return Ok(()),
            Next::End => return Err(broken(format!("it has no `<{list}>`, expected OCEL 2.0"))),
        }
    }
}

fn wire(event: &Element) -> WireEvent {
    let text = |name: &str| event.get(name).map(str::to_owned);
    let mut wire = WireEvent {
        id: text("id"),
        kind: text("type"),
        time: text("time"),
        ..WireEvent::default()
    };
    for list in &event.children {
        for child in &list.children {
            match (list.name.as_str(), child.get("name"), child.get("object-id")) {
                ("attributes", Some(name), _) => {
                    let value = Cell::from_text(&child.text).into_owned();
                    wire.attributes.push((name.to_owned(), value));
                }
                ("attributes", None, _) => {
                    wire.problem = Some("an attribute without `name`".to_owned());
                }
                ("objects", _, Some(id)) => {
                    let qualifier = child.get("qualifier").unwrap_or_default();
                    wire.relations.push((id.to_owned(), qualifier.to_owned()));
                }
                ("objects", _, None) => {
                    wire.problem = Some("a relationship without `object-id`".to_owned());
                }
                _ => {}
            }
        }
    }
    wire
}
