//! JSON lines: one object per line; nested objects are columns such as `customer.id`.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Broken;
use super::files::ExportFile;
use super::lines::Lines;
use super::named::{Each, NamedRow};
use crate::ingest::cell::Cell;
use crate::ingest::error::SourceError;
use crate::ingest::ledger::Reason;

/// Whole numbers outside are floating point, where neighbours are one number: an id would change.
const EXACT: Range<f64> = -9_223_372_036_854_775_808.0..18_446_744_073_709_551_616.0;

/// Gives every line that is not blank to `each`.
pub(super) fn for_each(file: &ExportFile, each: &mut Each<'_>) -> Result<(), SourceError> {
    let mut lines = Lines::of(file)?;
    while let Some((number, text)) = lines.next()? {
        if !text.is_empty() {
            each(number, row(text))?;
        }
    }
    Ok(())
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
    let read = Field { row: &mut row, name: String::new() }.deserialize(&mut json);
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
struct Field<'a> {
    row: &'a mut NamedRow,
    name: String,
}

impl Field<'_> {
    fn add(self, cell: Cell<'static>) {
        self.row.add(self.name, cell);
    }
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
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
        if !EXACT.contains(&value) {
            return Err(E::custom(inexact(&self.name)));
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
        while let Some(value) = list.next_element::<Value>()? {
            let value = scalar(&value).ok_or_else(|| A::Error::custom(inexact(&self.name)))?;
            values = values.and(value);
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
            object.next_value_seed(Field { row: self.row, name })?;
        }
        Ok(())
    }
}

/// That the value of `name` would change.
pub(super) fn inexact(name: &str) -> String {
    format!("`{name}` is a number of more than 19 digits, expected a text in quotes")
}

/// A value that is part of a list; what is no text, number or flag stays JSON. None where a number
/// in it lost digits.
pub(super) fn scalar(value: &Value) -> Option<Cell<'static>> {
    if !is_exact(value) {
        return None;
    }
    Some(match value {
        Value::Null => Cell::Missing,
        Value::Bool(value) => Cell::Bool(*value),
        Value::Number(number) => match (number.as_i128(), number.as_f64()) {
            (Some(whole), _) => Cell::Integer(whole),
            (None, Some(value)) => Cell::Number(value),
            (None, None) => Cell::Text(number.to_string().into()),
        },
        Value::String(text) => Cell::from_text(text).into_owned(),
        nested => Cell::Text(nested.to_string().into()),
    })
}

/// Whether all numbers in `value` are those that were written.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) if number.is_f64() => {
            number.as_f64().is_some_and(|value| EXACT.contains(&value))
        }
        Value::Array(values) => values.iter().all(is_exact),
        Value::Object(values) => values.values().all(is_exact),
        _ => true,
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
