//! XML as a stream of elements, for event logs.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Elements within elements that are kept; deeper ones are refused, they would exhaust the stack.
const DEEPEST: usize = 64;

/// One element with all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Name without namespace.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    /// Characters directly in it.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Value of the attribute `name`.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// What comes next in a document.
#[derive(Debug)]
pub(super) enum Next {
    /// The start of an element, without what is in it.
    Open(Element),
    Close,
    /// The document is complete.
    End,
}

/// A document that is read from front to back.
pub(super) struct Document {
    reader: Reader<Box<dyn BufRead>>,
    buffer: Vec<u8>,
    /// Names of the elements that are open.
    open: Vec<String>,
    any: bool,
}

impl Document {
    pub(super) fn new(bytes: Box<dyn BufRead>) -> Self {
        let mut reader = Reader::from_reader(bytes);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), open: Vec::new(), any: false }
    }

    /// The next start or end of an element; characters between them are passed over.
    pub(super) fn next(&mut self) -> Result<Next, String> {
        loop {
            match self.step()? {
                Step::Open(element) => return Ok(Next::Open(element)),
                Step::Close => return Ok(Next::Close),
                Step::End => return Ok(Next::End),
                Step::Text(_) => {}
            }
        }
    }

    /// All that is in `element`, which was just opened.
    pub(super) fn whole(&mut self, element: Element) -> Result<Element, String> {
        let mut within = vec![element];
        loop {
            match self.step()? {
                Step::Open(child) if within.len() < DEEPEST => within.push(child),
                Step::Open(child) => {
                    return Err(format!("`<{}>` is more than {DEEPEST} elements deep", child.name));
                }
                Step::Text(text) => {
                    within.last_mut().expect("the element is open").text += &text;
                }
                Step::Close => {
                    let done = within.pop().expect("the element is open");
                    match within.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Step::End => unreachable!("the end comes when no element is open"),
            }
        }
    }

    /// Passes over all that is in the element that was just opened.
    pub(super) fn skip(&mut self) -> Result<(), String> {
        let depth = self.open.len();
        while self.open.len() >= depth {
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Step, String> {
        self.buffer.clear();
        let at = self.reader.buffer_position();
        let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| {
            format!("{error}, at byte {}", self.reader.error_position().max(at))
        })?;
        let step = match event {
            Event::Start(start) => {
                let element = element(&start).map_err(|error| format!("{error}, at byte {at}"))?;
                self.any = true;
                self.open.push(element.name.clone());
                Step::Open(element)
            }
            Event::End(_) => {
                self.open.pop();
                Step::Close
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|error| format!("{error}, at byte {at}"))?;
                Step::Text(text.into_owned())
            }
            Event::CData(data) => {
                let text = data.decode().map_err(|error| format!("{error}, at byte {at}"))?;
                Step::Text(text.into_owned())
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| format!("{error}, at byte {at}"))?;
                let text = format!("&{name};");
                let text = quick_xml::escape::unescape(&text)
                    .map_err(|error| format!("{error}, at byte {at}"))?;
                Step::Text(text.into_owned())
            }
            Event::Eof => match self.open.last() {
                Some(name) => return Err(format!("it ends inside `<{name}>`: it is cut off")),
                None if !self.any => return Err("it has no XML element".to_owned()),
                None => Step::End,
            },
            _ => Step::Text(String::new()),
        };
        Ok(step)
    }
}

enum Step {
    Open(Element),
    Text(String),
    Close,
    End,
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let utf8 = |bytes: &[u8]| {
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| "bytes that are not UTF-8".to_owned())
    };
    let name = utf8(start.local_name().as_ref())?;
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("`<{name}>`: {error}"))?;
        let value = utf8(&attribute.value)?;
        let value = quick_xml::escape::unescape(&value)
            .map_err(|error| format!("`<{name}>`: {error}"))?
            .into_owned();
        attributes.push((utf8(attribute.key.local_name().as_ref())?, value));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &'static str) -> Document {
        Document::new(Box::new(text.as_bytes()))
    }

    #[test]
    fn an_element_holds_its_texts_and_children() {
        let mut xml = document("<?xml version='1.0'?><x:a b='1 &lt; 2'>so &amp; <c/>so</x:a>");
        let Ok(Next::Open(start)) = xml.next() else { panic!("an element") };
        let whole = xml.whole(start).unwrap();
        assert_eq!((whole.name.as_str(), whole.get("b")), ("a", Some("1 < 2")));
        assert_eq!((whole.text.as_str(), whole.children.len()), ("so & so", 1));
        assert!(matches!(xml.next(), Ok(Next::End)));
    }

    #[test]
    fn what_is_broken_says_where() {
        let problem = |text: &'static str| {
            let mut xml = document(text);
            loop {
                match xml.next() {
                    Ok(Next::End) => return "none".to_owned(),
                    Ok(_) => {}
                    Err(problem) => return problem,
                }
            }
        };
        insta::assert_snapshot!(problem("<log><trace>"), @"it ends inside `<trace>`: it is cut off");
        insta::assert_snapshot!(problem("no xml"), @"it has no XML element");
        insta::assert_snapshot!(problem("<a></b>"), @"ill-formed document: expected `</a>`, but `</b>` was found, at byte 3");
        assert!(problem("<a b='&x;'/>").starts_with("`<a>`: "));
    }
}
