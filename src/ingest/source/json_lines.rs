//! JSON lines: one object per line; nested objects are columns such as `customer.id`.

use std::fmt;
use std::io::BufRead as _;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use super::Broken;
use super::files::ExportFile;
use super::named::{Each, NamedRow};
use crate::ingest::cell::Cell;
use crate::ingest::error::SourceError;
use crate::ingest::ledger::Reason;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// From here on neighbouring whole numbers are one number: an id would change.
const INEXACT: f64 = 18_446_744_073_709_551_616.0;

/// Gives every line that is not blank to `each`.
pub(super) fn for_each(file: &ExportFile, each: &mut Each<'_>) -> Result<(), SourceError> {
    let mut reader = file.open().map_err(|error| file.unreadable(&error))?;
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(|error| file.unreadable(&error))?;
        if read == 0 {
            return Ok(());
        }
        number += 1;
        let text = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK) } else { None };
        let text = text.unwrap_or(&line).trim_ascii();
        if !text.is_empty() {
            each(number, row(text))?;
        }
    }
}

fn row(line: &[u8]) -> Result<NamedRow, Broken> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Err(Broken::text(Reason::NotUtf8, "bytes that are not UTF-8", line));
    };
    if !text.starts_with('{') {
        let message = if text.starts_with('[') {
            "a JSON array, expected one object per line"
        } else {
            "not a JSON object, expected one per line"
        };
        return Err(Broken::text(Reason::Malformed, message, line));
    }
    let mut row = NamedRow::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Value { row: &mut row, name: String::new() }.deserialize(&mut json);
    match read.and_then(|()| json.end()) {
        Ok(()) => {}
        Err(error) => {
            // Every line is line 1 to the parser: only its column helps.
            let message = error.to_string().replace(" at line 1 column ", " at character ");
            return Err(Broken::text(Reason::Malformed, message, line));
        }
    }
    match row.repeated().map(str::to_owned) {
        None => Ok(row),
        Some(name) => {
            let message = format!("`{name}` occurs twice in one object");
            let mut broken = Broken::text(Reason::Malformed, message, line);
            broken.breach.column = name;
            Err(broken)
        }
    }
}

/// Reads one value into the columns of `row` below `name`.
struct Value<'a> {
    row: &'a mut NamedRow,
    name: String,
}

impl Value<'_> {
    fn add(self, cell: Cell<'static>) {
        self.row.add(self.name, cell);
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.add(Cell::Missing);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.add(Cell::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.add(Cell::Integer(value.into()));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.add(Cell::Integer(value.into()));
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        if value.abs() >= INEXACT {
            let name = self.name;
            return Err(E::custom(format!(
                "`{name}` is a number of more than 19 digits, expected a text in quotes"
            )));
        }
        self.add(Cell::Number(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.add(Cell::from_text(value).into_owned());
        Ok(())
    }

    /// A list is its values: one column with several.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut values = Cell::Missing;
        while let Some(value) = list.next_element::<serde_json::Value>()? {
            values = values.and(scalar(&value));
        }
        self.add(values);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key::<String>()? {
            if key.is_empty() {
                return Err(A::Error::custom("a value without name"));
            }
            let name = if self.name.is_empty() { key } else { format!("{}.{key}", self.name) };
            object.next_value_seed(Value { row: self.row, name })?;
        }
        Ok(())
    }
}

/// A value that is part of a list; what is no text, number or flag stays JSON.
pub(super) fn scalar(value: &serde_json::Value) -> Cell<'static> {
    match value {
        serde_json::Value::Null => Cell::Missing,
        serde_json::Value::Bool(value) => Cell::Bool(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cell::Integer(whole.into()),
            (None, Some(value)) => Cell::Number(value),
            (None, None) => Cell::Text(number.to_string().into()),
        },
        serde_json::Value::String(text) => Cell::from_text(text).into_owned(),
        nested => Cell::Text(nested.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<NamedRow, String> {
        row(line.as_bytes()).map_err(|broken| broken.breach.message)
    }

    #[test]
    fn nested_objects_are_columns_with_a_dot() {
        let mut expected = NamedRow::default();
        expected.add("who.id".into(), Cell::Integer(7));
        expected.add("who.tags".into(), Cell::Text("a".into()).and(Cell::Text("b".into())));
        expected.add("at".into(), Cell::Missing);
        assert_eq!(read(r#"{"who": {"id": 7, "tags": ["a", "b"]}, "at": null}"#), Ok(expected));
    }

    #[test]
    fn lines_that_are_no_object_say_what_they_are() {
        let message = |line: &str| read(line).unwrap_err();
        insta::assert_snapshot!(message("[1]"), @"a JSON array, expected one object per line");
        insta::assert_snapshot!(message("7"), @"not a JSON object, expected one per line");
        insta::assert_snapshot!(message(r#"{"a": 1"#), @"EOF while parsing an object at character 7");
        insta::assert_snapshot!(message(r#"{"a": 1} x"#), @"trailing characters at character 10");
        insta::assert_snapshot!(message(r#"{"a": 1, "a": 2}"#), @"`a` occurs twice in one object");
        insta::assert_snapshot!(message(r#"{"id": 123456789012345678901234}"#), @"`id` is a number of more than 19 digits, expected a text in quotes at character 31");
    }
}
