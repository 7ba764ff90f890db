//! The numbers behind a chart.

use super::three_digits;
use crate::interaction::harmless;

/// One value of a [`ChartTable`].
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A count or a month.
    Integer(i64),
    /// A measurement; NaN is missing.
    Number(f64),
}

/// The numbers a chart draws, one row per mark.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChartTable {
    /// Column names, with units in brackets.
    pub headers: Vec<String>,
    /// Rows, each as long as the headers.
    pub rows: Vec<Vec<Cell>>,
}

impl Cell {
    /// The value as people read it: three significant digits.
    pub fn display(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(value) => value.to_string().replace('-', "−"),
            Self::Number(value) => three_digits(*value),
        }
    }

    /// The value at full precision for machines; missing is empty.
    fn machine(&self) -> String {
        match self {
            Self::Text(text) => harmless(text),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) if value.is_finite() => value.to_string(),
            Self::Number(_) => String::new(),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i32> for Cell {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl ChartTable {
    /// A table with these columns and no rows.
    pub(super) fn new(headers: &[&str]) -> Self {
        Self { headers: headers.iter().map(|&h| h.to_owned()).collect(), rows: Vec::new() }
    }

    /// The table as CSV with a header line, at full precision.
    ///
    /// Text that a spreadsheet would take for a formula begins with an apostrophe.
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let headers = self.headers.iter().map(|header| harmless(header));
        let rows = self.rows.iter().map(|row| row.iter().map(Cell::machine).collect());
        for record in std::iter::once(headers.collect::<Vec<_>>()).chain(rows) {
            writer.write_record(record).expect("rows are as long as the headers");
        }
        let bytes = writer.into_inner().expect("a vector takes every byte");
        String::from_utf8(bytes).expect("every field is UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_keeps_full_precision_quotes_commas_and_disarms_formulas() {
        let mut table = ChartTable::new(&["name", "n", "mean [EUR]"]);
        table.rows.push(vec!["=1+1".into(), 3_i32.into(), (1.0 / 3.0).into()]);
        table.rows.push(vec!["a, b".into(), (-3_i32).into(), f64::NAN.into()]);
        assert_eq!(table.to_csv(), "name,n,mean [EUR]\n'=1+1,3,0.3333333333333333\n\"a, b\",-3,\n");
    }

    #[test]
    fn people_see_three_digits() {
        assert_eq!(Cell::from(1.0 / 3.0).display(), "0.333");
        assert_eq!(Cell::from(-3_i32).display(), "−3");
    }
}
