//! XML as a stream of elements, for event logs.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::lines::{LONGEST_RECORD, broken};

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
    reader: Reader<Counted>,
    buffer: Vec<u8>,
    /// Names of the elements that are open.
    open: Vec<String>,
    any: bool,
}

impl Document {
    pub(super) fn new(bytes: Box<dyn BufRead>) -> Self {
        let mut reader = Reader::from_reader(Counted { inner: bytes, line: 1, used: 0 });
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), open: Vec::new(), any: false }
    }

    /// Bytes read.
    pub(super) fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    /// Line of the next byte, from 1.
    pub(super) fn line(&self) -> u64 {
        self.reader.get_ref().line
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
        let (begin, line) = (self.position(), self.line());
        loop {
            let step = self.step()?;
            if self.position() - begin > LONGEST_RECORD as u64 {
                let name = &within[0].name;
                return Err(format!(
                    "the `<{name}>` in line {line} is longer than {MEBIBYTES} MiB"
                ));
            }
            match step {
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
        let line = self.line();
        self.reader.get_mut().used = 0;
        let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| {
            format!("{error}, at byte {}", self.reader.error_position().max(at))
        })?;
        let step = match event {
            Event::Start(start) => {
                let element = element(&start).map_err(|error| format!("{error}, at byte {at}"))?;
                if self.open.is_empty() && self.any {
                    let name = element.name;
                    return Err(format!("a second `<{name}>` in line {line}, expected one"));
                }
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

/// Bytes of a document, by line; one tag or text of them has a bound.
struct Counted {
    inner: Box<dyn BufRead>,
    /// Line of the next byte, from 1.
    line: u64,
    /// Bytes of the tag or text that is read.
    used: usize,
}

const MEBIBYTES: usize = LONGEST_RECORD >> 20;

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used > LONGEST_RECORD {
            let line = self.line;
            return Err(broken(format!(
                "a tag or text that ends in line {line} or later is longer than {MEBIBYTES} MiB"
            )));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.used += amount;
        if let Ok(bytes) = self.inner.fill_buf() {
            let passed = &bytes[..amount.min(bytes.len())];
            self.line += passed.split(|&byte| byte == b'\n').count() as u64 - 1;
        }
        self.inner.consume(amount);
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
    let mut keys = BTreeSet::new();
    // The parser would compare each attribute with all before it.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| format!("`<{name}>`: {error}"))?;
        if !keys.insert(attribute.key) {
            let key = utf8(attribute.key.as_ref())?;
            return Err(format!("`<{name}>` has two attributes `{key}`"));
        }
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
        insta::assert_snapshot!(problem("<a>\n</a>\n<b/>"), @"a second `<b>` in line 3, expected one");
        insta::assert_snapshot!(problem("<a b='1' b='2'/>"), @"`<a>` has two attributes `b`, at byte 0");
        assert!(problem("<a b='&x;'/>").starts_with("`<a>`: "));
    }
}
