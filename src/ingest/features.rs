//! A table of the user's own features: one row per account (or contact) and date, columns of numbers.

use std::path::Path;

use super::cell::{Cell, NumberReader, TimeReader};
use super::error::SourceError;
use super::source::{OpenSource, SourceRow};
use crate::time::{Calendar, Instant, Month};

/// Features as a user computed them, CSV or Parquet.
///
/// `account_id` and `as_of` (or `month`) must be there, `contact_id` and `fold` may be; every other
/// column is a feature when its cells are numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureTable {
    /// Name of the file.
    pub name: String,
    /// Account of each row.
    pub accounts: Vec<String>,
    /// Contact of each row; none where the table has no such column.
    pub contacts: Option<Vec<String>>,
    /// First instant that the row may not know. A month or a day counts up to its end.
    pub as_of: Vec<Instant>,
    /// Fold of each row; none where the table has no such column.
    pub folds: Option<Vec<String>>,
    /// The features.
    pub columns: Vec<FeatureColumn>,
    /// Columns that hold other things than numbers, and are not audited.
    pub texts: Vec<String>,
}

/// One feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureColumn {
    /// Its name.
    pub name: String,
    /// One value per row; NaN where the cell is empty.
    pub values: Vec<f64>,
}

/// Why a table of features cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum FeatureError {
    /// The file.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Rows without an account or a date; the first of them.
    #[error("{problems}{}", more(*rows))]
    Rows { rows: usize, problems: String },
    /// Nothing to audit.
    #[error(
        "`{file}` has no feature: expected a column of numbers beside `account_id` and `as_of`"
    )]
    NoFeature { file: String },
}

/// Broken rows that an error shows.
const SHOWN: usize = 5;

fn more(rows: usize) -> String {
    match rows.saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("\nand {more} more rows"),
    }
}

const ACCOUNT: &str = "account_id";
const CONTACT: &str = "contact_id";
const AS_OF: [&str; 2] = ["as_of", "month"];
const FOLD: &str = "fold";

impl FeatureTable {
    /// Reads the CSV or Parquet file at `path`; days and months are those of `calendar`.
    ///
    /// # Errors
    ///
    /// [`FeatureError`] when the file cannot be read, has no `account_id` or `as_of`, or has rows
    /// without them.
    pub fn load(path: &Path, calendar: Calendar) -> Result<Self, FeatureError> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if !path.is_file() {
            let reason = "there is no such file".to_owned();
            let file = path.display().to_string();
            return Err(SourceError::Unreadable { file, reason }.into());
        }
        let source = OpenSource::at(path)?;
        let account = source.position(ACCOUNT)?;
        let month = source.position(AS_OF[1]).ok();
        let as_of = source.position(AS_OF[0]).or_else(|error| month.ok_or(error))?;
        let contact = source.position(CONTACT).ok();
        let fold = source.position(FOLD).ok();
        let keys = [Some(account), Some(as_of), contact, fold];
        let of_columns = |position: &usize| !keys.contains(&Some(*position));
        let features: Vec<usize> = (0..source.columns().len()).filter(of_columns).collect();
        let all: Vec<usize> = (0..source.columns().len()).collect();
        let mut rows = Rows {
            table: Self {
                name: name.unwrap_or_default(),
                accounts: Vec::new(),
                contacts: contact.map(|_| Vec::new()),
                as_of: Vec::new(),
                folds: fold.map(|_| Vec::new()),
                columns: Vec::new(),
                texts: Vec::new(),
            },
            values: features.iter().map(|_| Some(Vec::new())).collect(),
            broken: Vec::new(),
        };
        let places = Places { account, as_of, contact, fold, features };
        let reader = TimeReader { calendar, formats: Vec::new() };
        source.for_each(&all, |row| {
            rows.take(&row, &places, &reader);
            Ok(())
        })?;
        rows.finish(&places, source.columns())
    }
}

/// Positions of the columns.
struct Places {
    account: usize,
    as_of: usize,
    contact: Option<usize>,
    fold: Option<usize>,
    features: Vec<usize>,
}

/// A table while its rows come in.
struct Rows {
    table: FeatureTable,
    /// By feature: its values so far; none once a cell was no number.
    values: Vec<Option<Vec<f64>>>,
    broken: Vec<String>,
}

impl Rows {
    fn take(&mut self, row: &SourceRow<'_>, places: &Places, reader: &TimeReader) {
        if let Err(problem) = self.keep(row.cells.as_ref().ok(), places, reader) {
            self.broken.push(format!("row {} of `{}`: {problem}", row.number, self.table.name));
        }
    }

    fn keep(
        &mut self,
        cells: Option<&Vec<Cell<'_>>>,
        places: &Places,
        reader: &TimeReader,
    ) -> Result<(), String> {
        let cells = cells.ok_or("not as many values as the header has, or not UTF-8")?;
        let account = cells[places.account].text();
        let account =
            account.ok_or_else(|| format!("`{ACCOUNT}` is empty, expected an account"))?;
        let as_of = end_of(&cells[places.as_of], reader)?;
        self.table.accounts.push(account.into_owned());
        self.table.as_of.push(as_of);
        let text = |position: usize| cells[position].text().unwrap_or_default().into_owned();
        if let (Some(contacts), Some(position)) = (&mut self.table.contacts, places.contact) {
            contacts.push(text(position));
        }
        if let (Some(folds), Some(position)) = (&mut self.table.folds, places.fold) {
            folds.push(text(position));
        }
        for (values, &position) in self.values.iter_mut().zip(&places.features) {
            match (number(&cells[position]), &mut *values) {
                (Some(value), Some(values)) => values.push(value),
                _ => *values = None,
            }
        }
        Ok(())
    }

    fn finish(self, places: &Places, names: &[String]) -> Result<FeatureTable, FeatureError> {
        let Self { mut table, values, broken } = self;
        if !broken.is_empty() {
            let problems = broken[..broken.len().min(SHOWN)].join("\n");
            return Err(FeatureError::Rows { rows: broken.len(), problems });
        }
        for (values, &position) in values.into_iter().zip(&places.features) {
            let name = names[position].clone();
            match values {
                Some(values) => table.columns.push(FeatureColumn { name, values }),
                None => table.texts.push(name),
            }
        }
        if table.columns.is_empty() {
            return Err(FeatureError::NoFeature { file: table.name });
        }
        Ok(table)
    }
}

/// A number, flag or nothing (NaN); none for anything else.
fn number(cell: &Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Bool(value) => Some(f64::from(u8::from(*value))),
        Cell::Text(text) if text.eq_ignore_ascii_case("true") => Some(1.0),
        Cell::Text(text) if text.eq_ignore_ascii_case("false") => Some(0.0),
        Cell::Text(text) if text.eq_ignore_ascii_case("nan") => Some(f64::NAN),
        Cell::Number(value) if value.is_nan() => Some(f64::NAN),
        cell => cell.number(NumberReader::default()).ok().map(|value| value.unwrap_or(f64::NAN)),
    }
}

/// A day in microseconds.
const DAY: i64 = 86_400_000_000;

/// The first instant that a row of this date may not know.
fn end_of(cell: &Cell<'_>, reader: &TimeReader) -> Result<Instant, String> {
    let text = cell.text().ok_or_else(|| format!("`{}` is empty, expected a date", AS_OF[0]))?;
    if let Ok(month) = text.parse::<Month>() {
        return Ok(reader.calendar.end_of(month));
    }
    let at = cell.instant(reader).map_err(|misfit| misfit.message)?;
    let at = at.expect("the cell is not empty");
    let day = match cell {
        Cell::WallClock(micros) => micros % DAY == 0,
        cell => {
            matches!(cell, Cell::Text(_) | Cell::Integer(_)) && text.len() <= "2024-01-31".len()
        }
    };
    Ok(if day { at.plus_days(1.0) } else { at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<FeatureTable, FeatureError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.csv");
        std::fs::write(&path, text).unwrap();
        FeatureTable::load(&path, Calendar::UTC)
    }

    #[test]
    fn months_days_and_instants_are_read_and_words_are_no_features() {
        let table = load(
            "account_id,as_of,fold,rv,segment,flag\n\
             A,2024-02,1,1.5,gold,true\n\
             A,2024-02-28,1,,gold,false\n\
             B,2024-02-28T12:00:00Z,2,-2,,false\n",
        )
        .unwrap();
        let ends: Vec<String> = table.as_of.iter().map(ToString::to_string).collect();
        assert_eq!(ends, ["2024-03-01T00:00:00Z", "2024-02-29T00:00:00Z", "2024-02-28T12:00:00Z"]);
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((names, table.texts), (vec!["rv", "flag"], vec!["segment".to_owned()]));
        assert!(table.columns[0].values[1].is_nan() && table.contacts.is_none());
        assert_eq!(table.columns[1].values, [1.0, 0.0, 0.0]);
        assert_eq!(table.folds.unwrap(), ["1", "1", "2"]);
    }

    #[test]
    fn a_table_that_cannot_be_used_says_why() {
        let error = |text: &str| load(text).unwrap_err().to_string();
        insta::assert_snapshot!(error("account_id,rv\nA,1\n"),
            @"`f.csv` has no column `as_of`: it has account_id, rv");
        insta::assert_snapshot!(error("account_id,as_of,rv\nA,soon,1\n,2024-01,2\n"), @r"
        row 2 of `f.csv`: `soon` is not a time: expected RFC 3339, `YYYY-MM-DD HH:MM:SS` or `YYYY-MM-DD`
        row 3 of `f.csv`: `account_id` is empty, expected an account
        ");
        insta::assert_snapshot!(error("account_id,as_of,word\nA,2024-01,x\n"),
            @"`f.csv` has no feature: expected a column of numbers beside `account_id` and `as_of`");
    }
}
