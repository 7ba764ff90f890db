//! What the columns of one file look like, from all of its values.

use std::collections::BTreeMap;

use super::times::Times;
use crate::ingest::cell::{Cell, NumberReader};
use crate::ingest::error::SourceError;
use crate::ingest::mapping::{Delimiter, Origin, SourceFile};
use crate::ingest::source::{Exports, OpenSource};

/// Distinct values of one column that are counted apart; further ones are only known to be more.
const MOST_DISTINCT: usize = 100_000;
/// Rows by which a delimiter is judged.
const ROWS_TO_JUDGE: usize = 200;

/// Ways to write numbers: sign of decimals, sign of thousands.
pub(super) const NUMBER_STYLES: [NumberReader; 6] = [
    style('.', None),
    style(',', None),
    style(',', Some('.')),
    style('.', Some(',')),
    style(',', Some(' ')),
    style('.', Some('\'')),
];

const fn style(decimal: char, thousands: Option<char>) -> NumberReader {
    NumberReader { decimal, thousands }
}

/// One file with the columns that it has.
#[derive(Debug)]
pub(super) struct FileProfile {
    /// Path inside the data folder.
    pub(super) name: String,
    /// What parts its values, where that is not what its ending says.
    pub(super) delimiter: Option<Delimiter>,
    pub(super) rows: u64,
    /// Rows that could not be cut into values, and why the first of them could not.
    pub(super) broken: (u64, Option<String>),
    pub(super) columns: Vec<Column>,
}

/// One column: its values counted and tried as times, numbers and flags.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// Values that are there.
    pub(super) n: u64,
    pub(super) n_empty: u64,
    pub(super) words: BTreeMap<String, u64>,
    /// Whether there are more distinct values than `words` holds.
    pub(super) more_words: bool,
    pub(super) times: Times,
    /// Values that each of [`NUMBER_STYLES`] reads.
    pub(super) numbers: [u64; NUMBER_STYLES.len()],
    /// Values that would be numbers without a sign of currency.
    pub(super) n_with_currency: u64,
    pub(super) n_flags: u64,
    pub(super) n_months: u64,
}

impl Column {
    fn take(&mut self, cell: &Cell<'_>) {
        let Some(text) = cell.text() else {
            self.n_empty += 1;
            return;
        };
        self.n += 1;
        self.times.take(cell, &text);
        self.take_number(cell, &text);
        self.n_flags += u64::from(matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "0" | "1"
        ));
        self.n_months += u64::from(text.parse::<crate::time::Month>().is_ok());
        if let Some(count) = self.words.get_mut(text.as_ref()) {
            *count += 1;
        } else if self.words.len() < MOST_DISTINCT {
            self.words.insert(text.into_owned(), 1);
        } else {
            self.more_words = true;
        }
    }

    fn take_number(&mut self, cell: &Cell<'_>, text: &str) {
        let numeric = |text: &str| {
            text.bytes().any(|byte| byte.is_ascii_digit())
                && text.chars().all(|c| c.is_ascii_digit() || "+-.,' eE\u{a0}".contains(c))
        };
        let bare = text.trim_matches(|c: char| "€$£¥".contains(c) || c.is_whitespace());
        if !numeric(text) {
            let with_currency = bare != text && numeric(bare);
            self.n_with_currency += u64::from(with_currency);
            return;
        }
        for (count, style) in self.numbers.iter_mut().zip(NUMBER_STYLES) {
            *count += u64::from(match cell {
                Cell::Text(text) => style.parse(text).is_some_and(f64::is_finite),
                _ => matches!(cell.number(style), Ok(Some(_))),
            });
        }
    }

    /// Whether nearly all values are times in some way of writing them.
    pub(super) fn is_time(&self) -> bool {
        self.n > 0 && self.times.read() * 10 >= self.n * 9
    }

    /// Whether nearly all values are numbers in one way of writing them.
    pub(super) fn is_number(&self) -> bool {
        self.n > 0 && self.numbers.iter().any(|&read| read * 10 >= self.n * 9)
    }

    /// Whether every value is there once.
    pub(super) fn is_key(&self) -> bool {
        self.n > 1 && self.n_empty == 0 && self.words.values().all(|&count| count == 1)
    }

    /// Whether every row has a value, and hardly any comes again.
    pub(super) fn is_nearly_key(&self) -> bool {
        let distinct = self.words.len() as u64;
        self.n > 1 && self.n_empty == 0 && (self.more_words || distinct * 20 >= self.n * 19)
    }

    /// Whether values are a few words that come again and again.
    pub(super) fn is_few_words(&self) -> bool {
        let distinct = self.words.len() as u64;
        !self.more_words && (2..=500).contains(&distinct) && self.n >= 3 * distinct
    }

    /// What the values look like, in words.
    pub(super) fn looks(&self) -> String {
        if self.n == 0 {
            return "always empty".to_owned();
        }
        let distinct = if self.more_words {
            format!("more than {MOST_DISTINCT} distinct")
        } else {
            format!("{} distinct", self.words.len())
        };
        let kind = if self.is_time() {
            format!("dates {}", self.times.span())
        } else if self.is_number() {
            "numbers".to_owned()
        } else if self.n_with_currency * 2 > self.n {
            "amounts with a sign of currency, which are not read: take the sign out".to_owned()
        } else if self.is_few_words() {
            "few words".to_owned()
        } else {
            "texts".to_owned()
        };
        let empty = match self.n_empty {
            0 => String::new(),
            some => format!(", {some} empty"),
        };
        format!("{kind}, {distinct}{empty}")
    }
}

impl FileProfile {
    /// Reads the whole file `name`.
    pub(super) fn read(exports: Exports<'_>, name: &str) -> Result<Self, SourceError> {
        let (source, delimiter) = open(exports, name)?;
        let mut columns: Vec<Column> = source
            .columns()
            .iter()
            .map(|name| Column { name: name.clone(), ..Column::default() })
            .collect();
        let (mut rows, mut broken) = (0, (0, None));
        let all: Vec<usize> = (0..columns.len()).collect();
        source.for_each(&all, |row| {
            rows += 1;
            match row.cells {
                Ok(cells) => {
                    for (column, cell) in columns.iter_mut().zip(&cells) {
                        column.take(cell);
                    }
                }
                Err(why) => {
                    broken.0 += 1;
                    let place = || format!("row {}: {}", row.number, why.breach.message);
                    broken.1.get_or_insert_with(place);
                }
            }
            Ok(())
        })?;
        // A day above 12 in one column tells day from month in the others of the file.
        let orders: Vec<bool> = columns.iter().filter_map(|column| column.times.order()).collect();
        if !orders.is_empty() && orders.iter().all(|&month_first| month_first) {
            for column in &mut columns {
                column.times.put_month_first();
            }
        }
        Ok(Self { name: name.to_owned(), delimiter, rows, broken, columns })
    }

    /// Position of the column called `name`.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Opens `name` with the delimiter that cuts it into most columns, all rows alike.
fn open(exports: Exports<'_>, name: &str) -> Result<(OpenSource, Option<Delimiter>), SourceError> {
    let with = |delimiter: Option<Delimiter>| {
        let origin = Origin::Files { patterns: vec![name.to_owned()], delimiter };
        OpenSource::open(exports, &SourceFile { name: name.to_owned(), origin })
    };
    let plain = with(None);
    // A header of one name holds the delimiter, if it is another one.
    let header = match &plain {
        Ok(source) if source.columns().len() == 1 => source.columns()[0].clone(),
        _ => return plain.map(|source| (source, None)),
    };
    let candidates = [b';', b'\t', b'|', b','].map(Delimiter::Byte);
    let best = candidates
        .into_iter()
        .filter(|sign| matches!(sign, Delimiter::Byte(byte) if header.contains(char::from(*byte))))
        .chain(header.contains(' ').then_some(Delimiter::Whitespace))
        .filter_map(|sign| Some((sign, with(Some(sign)).ok()?)))
        .filter(|(_, source)| source.columns().len() > 1 && is_even(source))
        .max_by_key(|(sign, source)| (*sign != Delimiter::Whitespace, source.columns().len()));
    match best {
        Some((sign, source)) => Ok((source, Some(sign))),
        None => plain.map(|source| (source, None)),
    }
}

/// Whether nine in ten of the first rows have as many values as the header.
fn is_even(source: &OpenSource) -> bool {
    let (mut rows, mut whole) = (0_usize, 0_usize);
    let enough = || SourceError::NoRows { file: String::new() };
    let _ = source.for_each(&[0], |row| {
        rows += 1;
        whole += usize::from(row.cells.is_ok());
        if rows < ROWS_TO_JUDGE { Ok(()) } else { Err(enough()) }
    });
    rows > 0 && whole * 10 >= rows * 9
}
