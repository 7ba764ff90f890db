//! XES (IEEE 1849) event logs: one row per event.
//!
//! Attributes of the event keep their key (`concept:name`, `time:timestamp`), those of its trace get
//! `case:` in front (`case:concept:name`), nested ones a dot (`cost.currency`). Declarations
//! (extensions, globals, classifiers) and attributes of the log are not read: they belong to no row.

use super::Broken;
use super::files::ExportFile;
use super::named::{Each, NamedRow};
use super::xml::{Document, Element, Next};
use crate::ingest::cell::Cell;
use crate::ingest::error::SourceError;
use crate::ingest::ledger::Reason;

/// Bytes of the longest trace \[64 MiB\]: it is kept until its end, where its attributes may stand.
const LONGEST_TRACE: u64 = 64 << 20;

/// Gives every event to `each`, in the order of the file.
pub(super) fn for_each(file: &ExportFile, each: &mut Each<'_>) -> Result<(), SourceError> {
    let bytes = file.open().map_err(|error| file.unreadable(&error))?;
    let mut log = Log { file, xml: Document::new(bytes), number: 0, each };
    match log.next()? {
        Next::Open(root) if root.name == "log" => log.read(),
        Next::Open(root) => {
            Err(file.unreadable(&format!("`<{}>` is not the `<log>` of XES", root.name)))
        }
        Next::Close | Next::End => unreachable!("a document begins with an element"),
    }
}

struct Log<'a, 'e> {
    file: &'a ExportFile,
    xml: Document,
    number: u64,
    each: &'a mut Each<'e>,
}

impl Log<'_, '_> {
    fn next(&mut self) -> Result<Next, SourceError> {
        self.xml.next().map_err(|reason| self.file.unreadable(&reason))
    }

    fn whole(&mut self, start: Element) -> Result<Element, SourceError> {
        self.xml.whole(start).map_err(|reason| self.file.unreadable(&reason))
    }

    fn read(&mut self) -> Result<(), SourceError> {
        loop {
            match self.next()? {
                Next::Open(start) if start.name == "trace" => self.trace()?,
                Next::Open(start) if start.name == "event" => {
                    let event = self.whole(start)?;
                    self.give(&[], &event)?;
                }
                Next::Open(_) => {
                    self.xml.skip().map_err(|reason| self.file.unreadable(&reason))?;
                }
                Next::Close => {}
                Next::End => return Ok(()),
            }
        }
    }

    /// The events of one trace; its attributes may stand anywhere in it.
    fn trace(&mut self) -> Result<(), SourceError> {
        let (mut attributes, mut events) = (Vec::new(), Vec::new());
        let (begin, line) = (self.xml.position(), self.xml.line());
        while let Next::Open(start) = self.next()? {
            if self.xml.position() - begin > LONGEST_TRACE {
                let most = LONGEST_TRACE >> 20;
                let reason = format!("the `<trace>` in line {line} is longer than {most} MiB");
                return Err(self.file.unreadable(&reason));
            }
            let is_event = start.name == "event";
            let element = self.whole(start)?;
            if is_event { events.push(element) } else { attributes.push(element) }
        }
        events.iter().try_for_each(|event| self.give(&attributes, event))
    }

    fn give(&mut self, of_trace: &[Element], event: &Element) -> Result<(), SourceError> {
        self.number += 1;
        (self.each)(self.number, row(of_trace, event))
    }
}

fn row(of_trace: &[Element], event: &Element) -> Result<NamedRow, Broken> {
    let mut row = NamedRow::default();
    let complete = of_trace
        .iter()
        .try_for_each(|attribute| add(&mut row, "case:", attribute))
        .and_then(|()| event.children.iter().try_for_each(|child| add(&mut row, "", child)));
    match complete {
        Ok(()) => Ok(row),
        Err(name) => {
            let message = format!("an attribute `<{name}>` without `key`");
            Err(row.broken(Reason::Malformed, ("", ""), message))
        }
    }
}

/// Adds an attribute and those within it; an error is the name of one without key.
fn add(row: &mut NamedRow, before: &str, attribute: &Element) -> Result<(), String> {
    // The values of a list stand in an element of their own, which has no key.
    if attribute.name == "values" {
        return attribute.children.iter().try_for_each(|child| add(row, before, child));
    }
    let key = attribute.get("key").filter(|key| !key.trim().is_empty());
    let name = format!("{before}{}", key.ok_or_else(|| attribute.name.clone())?.trim());
    if let Some(value) = attribute.get("value") {
        row.add(name.clone(), Cell::from_text(value).into_owned());
    }
    let before = format!("{name}.");
    attribute.children.iter().try_for_each(|child| add(row, &before, child))
}
