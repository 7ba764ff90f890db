//! A CSV file as cells that know their place, so that a problem can point at one.

use std::ops::Range;

use crate::diagnostic::{Problems, nearest};

/// The cells of one row that are not empty, by position in the list of known columns.
#[derive(Debug)]
pub(super) struct Row {
    cells: Vec<Option<Cell>>,
    /// The whole row.
    pub(super) span: Range<usize>,
}

/// One value and its bytes in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

impl Row {
    /// The value in column `column`; `None` when it is empty or the file has no such column.
    pub(super) fn get(&self, column: usize) -> Option<&Cell> {
        self.cells[column].as_ref()
    }
}

/// Reads the rows of the CSV file at position `source`, whose header may name any of `known`.
///
/// Rows that do not fit the header are noted as problems and left out.
pub(super) fn read(
    problems: &mut Problems,
    source: usize,
    known: &[&str],
    required: &[&str],
) -> Vec<Row> {
    let text = problems.sources()[source].text.clone();
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = reader.records().map(|record| {
        let record = record.expect("a UTF-8 text is read without an error");
        let start = record.position().expect("a record that was read has a place").byte() as usize;
        cells(&text, start, &record)
    });
    let Some(header) = records.next() else {
        let help = format!("the first line names the columns, at least {}", required.join(", "));
        problems.add(source, 0..0, "file is empty, expected a header", Some(help));
        return Vec::new();
    };
    let columns = header_columns(problems, source, known, required, &header);
    let mut rows = Vec::new();
    for cells in records {
        let span = row_span(&cells);
        if cells.len() == header.len() {
            let mut row = Row { cells: vec![None; known.len()], span };
            for (cell, column) in cells.into_iter().zip(&columns) {
                if let (false, Some(column)) = (cell.text.is_empty(), column) {
                    row.cells[*column] = Some(cell);
                }
            }
            rows.push(row);
        } else {
            let (found, expected) = (cells.len(), header.len());
            let message = format!("row has {found} columns, expected {expected} as in the header");
            problems.add(source, span, message, None);
        }
    }
    rows
}

/// For each column of the file, its position in `known`.
fn header_columns(
    problems: &mut Problems,
    source: usize,
    known: &[&str],
    required: &[&str],
    header: &[Cell],
) -> Vec<Option<usize>> {
    for name in required {
        if !header.iter().any(|cell| cell.text == *name) {
            let message = format!("column `{name}` is missing");
            problems.add(source, row_span(header), message, None);
        }
    }
    let mut columns: Vec<Option<usize>> = Vec::with_capacity(header.len());
    for cell in header {
        let column = known.iter().position(|name| *name == cell.text);
        if column.is_none() {
            let message = format!("unknown column `{}`", cell.text);
            let help = match nearest(&cell.text, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known columns: {}", known.join(", ")),
            };
            problems.add(source, cell.span.clone(), message, Some(help));
        } else if columns.contains(&column) {
            let message = format!("column `{}` occurs twice", cell.text);
            problems.add(source, cell.span.clone(), message, None);
        }
        columns.push(column);
    }
    columns
}

fn row_span(cells: &[Cell]) -> Range<usize> {
    match (cells.first(), cells.last()) {
        (Some(first), Some(last)) => first.span.start..last.span.end,
        _ => 0..0,
    }
}

/// The trimmed fields of the record that starts at or after byte `start` of `text`.
///
/// The parser gives values without their places, so the raw text is walked beside them.
fn cells(text: &str, start: usize, record: &csv::StringRecord) -> Vec<Cell> {
    let bytes = text.as_bytes();
    let mut at = start;
    while matches!(bytes.get(at), Some(b'\n' | b'\r')) {
        at += 1;
    }
    if at == 0 && text.starts_with('\u{feff}') {
        at = '\u{feff}'.len_utf8();
    }
    let mut cells = Vec::with_capacity(record.len());
    for value in record {
        let end = field_end(bytes, at);
        let raw = &text[at..end];
        let left = at + raw.len() - raw.trim_start().len();
        let span = left..left + raw.trim().len();
        cells.push(Cell { text: value.trim().to_owned(), span });
        at = end + 1;
    }
    cells
}

/// Where the field that starts at `at` ends: a comma or line end outside quotes.
fn field_end(bytes: &[u8], at: usize) -> usize {
    let mut quoted = false;
    let mut end = at;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            // Only a quote that opens the field makes it quoted; a doubled one toggles twice.
            b'"' if quoted || end == at => quoted = !quoted,
            b'"' if bytes[at] == b'"' => quoted = true,
            b',' | b'\n' | b'\r' if !quoted => break,
            _ => {}
        }
        end += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diagnostic::Source;

    fn rows(text: &str) -> Vec<Row> {
        let mut problems = Problems::default();
        let source = problems.add_source(Source::new("a.csv", text));
        read(&mut problems, source, &["a", "b"], &["a"])
    }

    #[test]
    fn a_cell_knows_its_bytes_after_quotes_blank_lines_and_a_byte_order_mark() {
        let text = "\u{feff}a,b\r\n\r\n\"x, \"\"y\"\"\", 2 \r\n\n3,\n";
        let rows = rows(text);
        let quoted = rows[0].get(0).unwrap();
        assert_eq!(quoted.text, "x, \"y\"");
        assert_eq!(&text[quoted.span.clone()], "\"x, \"\"y\"\"\"");
        assert_eq!(&text[rows[0].get(1).unwrap().span.clone()], "2");
        assert_eq!(&text[rows[1].get(0).unwrap().span.clone()], "3");
        assert_eq!(rows[1].get(1), None);
    }

    proptest! {
        #[test]
        fn unquoted_cells_are_found_where_they_stand(
            values in prop::collection::vec(("[a-zäß0-9]{1,6}", "[a-z ü]{0,5}"), 1..8),
        ) {
            let mut text = "a,b\n".to_owned();
            for (a, b) in &values {
                text.extend([a.as_str(), ",", b.as_str(), "\n"]);
            }
            for (row, (a, _)) in rows(&text).iter().zip(&values) {
                for column in 0..2 {
                    if let Some(cell) = row.get(column) {
                        prop_assert_eq!(&text[cell.span.clone()], &cell.text);
                    }
                }
                prop_assert_eq!(&row.get(0).unwrap().text, a);
            }
        }
    }
}
