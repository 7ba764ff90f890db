//! One value of a source, and how it becomes a text, a number or an instant.

use std::borrow::Cow;

use chrono::format::{Parsed, StrftimeItems};
use chrono::{DateTime, NaiveDateTime};
use serde::{Deserialize, Deserializer, Serialize};

use super::ledger::Reason;
use crate::time::{Calendar, Instant, TimeError};

/// A value as a source holds it: texts from CSV, typed values from Parquet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(super) enum Cell<'a> {
    /// Nothing, or only blanks.
    Missing,
    Text(#[serde(borrow)] Cow<'a, str>),
    Integer(i128),
    Number(f64),
    Bool(bool),
    /// A point in time \[µs\].
    Time(i64),
    /// A date and time of day without zone [µs since 1970-01-01T00:00].
    WallClock(i64),
    /// What an event log says several times of one row, and the lists of JSON.
    Several(#[serde(deserialize_with = "owned")] Vec<Cell<'static>>),
}

fn owned<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Cell<'static>>, D::Error> {
    Ok(Vec::<Cell<'de>>::deserialize(from)?.into_iter().map(Cell::into_owned).collect())
}

/// Why a value is not what its column needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl Misfit {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// How times are read: the zone for wall clocks and, where given, the one pattern of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeReader {
    pub(super) calendar: Calendar,
    pub(super) formats: Vec<String>,
}

/// How numbers in texts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberReader {
    pub(super) decimal: char,
    pub(super) thousands: Option<char>,
}

impl Default for NumberReader {
    fn default() -> Self {
        Self { decimal: '.', thousands: None }
    }
}

impl NumberReader {
    /// The number that `text` writes; groups of thousands must be whole.
    pub(super) fn parse(self, text: &str) -> Option<f64> {
        if self == Self::default() {
            return text.parse().ok();
        }
        let (whole, rest) =
            text.split_once(self.decimal).map_or((text, None), |(w, r)| (w, Some(r)));
        let digits = match self.thousands.filter(|&sign| whole.contains(sign)) {
            None => whole.to_owned(),
            Some(sign) => {
                let mut groups = whole.split(sign);
                let first = groups.next()?.trim_start_matches(['+', '-']);
                let whole_group = |g: &str| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit());
                if !(1..=3).contains(&first.len()) || !groups.all(whole_group) {
                    return None;
                }
                whole.replace(sign, "")
            }
        };
        match rest {
            // What this reader calls a sign may not stand for another one.
            _ if digits.contains(['.', ',']) => None,
            Some(rest) if rest.contains(['.', ',']) => None,
            Some(rest) => format!("{digits}.{rest}").parse().ok(),
            None => digits.parse().ok(),
        }
    }
}

impl<'a> Cell<'a> {
    /// A text without the blanks around it; blank is missing.
    pub(super) fn from_text(text: &'a str) -> Self {
        let text = text.trim();
        if text.is_empty() { Self::Missing } else { Self::Text(Cow::Borrowed(text)) }
    }

    /// The same value, borrowing nothing.
    pub(super) fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Missing => Cell::Missing,
            Self::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
            Self::Integer(value) => Cell::Integer(value),
            Self::Number(value) => Cell::Number(value),
            Self::Bool(value) => Cell::Bool(value),
            Self::Time(micros) => Cell::Time(micros),
            Self::WallClock(micros) => Cell::WallClock(micros),
            Self::Several(values) => Cell::Several(values),
        }
    }

    /// This value and another of the same row and column; missing ones do not count.
    pub(super) fn and(self, other: Cell<'static>) -> Cell<'static> {
        match (self.into_owned(), other) {
            (Cell::Missing, value) | (value, Cell::Missing) => value,
            (Cell::Several(mut values), Cell::Several(more)) => {
                values.extend(more);
                Cell::Several(values)
            }
            (Cell::Several(mut values), value) => {
                values.push(value);
                Cell::Several(values)
            }
            (first, Cell::Several(mut more)) => {
                more.insert(0, first);
                Cell::Several(more)
            }
            (first, second) => Cell::Several(vec![first, second]),
        }
    }

    /// The value as a text; missing is `None`, several are a list with `; `.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Missing => return None,
            Self::Text(text) => Cow::Borrowed(text.as_ref()),
            Self::Integer(value) => Cow::Owned(value.to_string()),
            Self::Number(value) => Cow::Owned(value.to_string()),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Time(micros) => Cow::Owned(Instant::from_micros(*micros).to_string()),
            Self::WallClock(micros) => Cow::Owned(match wall_clock(*micros) {
                Some(local) => local.format("%Y-%m-%d %H:%M:%S%.f").to_string(),
                None => format!("{micros} µs"),
            }),
            Self::Several(values) => {
                let texts: Vec<Cow<'_, str>> = values.iter().filter_map(Cell::text).collect();
                Cow::Owned(texts.join("; "))
            }
        })
    }

    /// The value as a finite number; missing is `None`.
    pub(super) fn number(&self, reader: NumberReader) -> Result<Option<f64>, Misfit> {
        let value = match self {
            Self::Missing => return Ok(None),
            Self::Number(value) => *value,
            Self::Integer(value) => *value as f64,
            Self::Text(text) => reader.parse(text).ok_or_else(|| self.not_a_number(reader))?,
            Self::Bool(_) | Self::Time(_) | Self::WallClock(_) | Self::Several(_) => {
                return Err(self.not_a_number(reader));
            }
        };
        if value.is_finite() {
            Ok(Some(value))
        } else {
            Err(Misfit::new(Reason::NotFinite, format!("`{value}` is not a finite number")))
        }
    }

    fn not_a_number(&self, reader: NumberReader) -> Misfit {
        let text = self.text().unwrap_or_default();
        let digits = text.bytes().any(|byte| byte.is_ascii_digit());
        let hint = match (text.rfind(','), text.rfind('.')) {
            _ if !digits || reader != NumberReader::default() => "",
            (Some(comma), Some(point)) if comma < point => {
                "; where commas part thousands, write `thousands = \",\"` into the block"
            }
            (Some(_), Some(_)) => {
                "; where a comma is the decimal sign, write `decimal = \",\"` and `thousands = \".\"` \
                 into the block"
            }
            (Some(_), None) => {
                "; where a comma is the decimal sign, write `decimal = \",\"` into the block"
            }
            (None, _) => "",
        };
        Misfit::new(Reason::NotANumber, format!("`{text}` is not a number{hint}"))
    }

    /// The value as an instant; missing is `None`.
    pub(super) fn instant(&self, reader: &TimeReader) -> Result<Option<Instant>, Misfit> {
        let instant = match self {
            Self::Missing => return Ok(None),
            Self::Time(micros) => Instant::from_micros(*micros),
            Self::WallClock(micros) => {
                let local = wall_clock(*micros).ok_or_else(|| self.not_a_time(reader))?;
                at(local, reader.calendar)?
            }
            Self::Text(text) if reader.formats.is_empty() => {
                reader.calendar.parse(text).map_err(|error| misfit(&error))?
            }
            Self::Text(text) => {
                let time = reader.formats.iter().find_map(|format| Written::parse(text, format));
                match time.ok_or_else(|| self.not_a_time(reader))? {
                    Written::Instant(instant) => instant,
                    Written::Local(local) => at(local, reader.calendar)?,
                }
            }
            // Parquet often holds dates such as 19970101 as whole numbers.
            Self::Integer(value) => {
                reader.calendar.parse(&value.to_string()).map_err(|error| misfit(&error))?
            }
            Self::Number(_) | Self::Bool(_) | Self::Several(_) => {
                return Err(self.not_a_time(reader));
            }
        };
        if (FIRST_MICROS..LAST_MICROS).contains(&instant.micros()) {
            Ok(Some(instant))
        } else {
            Err(self.not_a_time(reader))
        }
    }

    fn not_a_time(&self, reader: &TimeReader) -> Misfit {
        let text = self.text().unwrap_or_default();
        let message = if reader.formats.is_empty() {
            format!("`{text}` is not a time within the years 1 to 9999")
        } else {
            format!("`{text}` is not a time written as `{}`", reader.formats.join("` or `"))
        };
        Misfit::new(Reason::NotATime, message)
    }
}

/// 0001-01-02T00:00:00Z and 9999-12-30T00:00:00Z \[µs\]: a day inside what every zone can write.
const FIRST_MICROS: i64 = -62_135_510_400_000_000;
const LAST_MICROS: i64 = 253_402_128_000_000_000;

fn wall_clock(micros: i64) -> Option<NaiveDateTime> {
    if !(FIRST_MICROS..LAST_MICROS).contains(&micros) {
        return None;
    }
    DateTime::from_timestamp_micros(micros).map(|time| time.naive_utc())
}

/// A time as a text states it.
enum Written {
    /// With an offset, or as seconds since 1970.
    Instant(Instant),
    /// Without.
    Local(NaiveDateTime),
}

impl Written {
    fn parse(text: &str, format: &str) -> Option<Self> {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, text, StrftimeItems::new(format)).ok()?;
        // Seconds since 1970 need no zone.
        let offset = parsed.offset().or_else(|| parsed.timestamp().map(|_| 0));
        let local = parsed
            .to_naive_datetime_with_offset(offset.unwrap_or(0))
            .ok()
            .or_else(|| parsed.to_naive_date().ok()?.and_hms_opt(0, 0, 0))?;
        Some(match offset {
            None => Self::Local(local),
            Some(offset) => {
                let micros = local.and_utc().timestamp_micros() - i64::from(offset) * 1_000_000;
                Self::Instant(Instant::from_micros(micros))
            }
        })
    }
}

fn at(local: NaiveDateTime, calendar: Calendar) -> Result<Instant, Misfit> {
    calendar.instant_at(local).map_err(|error| misfit(&error))
}

fn misfit(error: &TimeError) -> Misfit {
    let reason = match error {
        TimeError::SkippedByClock(..) => Reason::SkippedByClock,
        _ => Reason::NotATime,
    };
    Misfit::new(reason, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(format: Option<&str>) -> TimeReader {
        TimeReader {
            calendar: Calendar::new("Europe/Berlin").unwrap(),
            formats: format.map(str::to_owned).into_iter().collect(),
        }
    }

    fn reason_of<T: std::fmt::Debug>(result: Result<T, Misfit>) -> Reason {
        result.unwrap_err().reason
    }

    #[test]
    fn a_blank_is_missing() {
        assert_eq!(Cell::from_text("  "), Cell::Missing);
        assert_eq!(Cell::from_text("").number(NumberReader::default()), Ok(None));
    }

    #[test]
    fn numbers_must_be_finite() {
        assert_eq!(Cell::from_text(" 1.5 ").number(NumberReader::default()), Ok(Some(1.5)));
        assert_eq!(
            reason_of(Cell::from_text("NaN").number(NumberReader::default())),
            Reason::NotFinite
        );
        assert_eq!(
            reason_of(Cell::from_text("inf").number(NumberReader::default())),
            Reason::NotFinite
        );
        assert_eq!(
            reason_of(Cell::from_text("1e999").number(NumberReader::default())),
            Reason::NotFinite
        );
        assert_eq!(
            reason_of(Cell::Number(f64::NAN).number(NumberReader::default())),
            Reason::NotFinite
        );
        assert_eq!(
            reason_of(Cell::from_text("12,50").number(NumberReader::default())),
            Reason::NotANumber
        );
        assert_eq!(reason_of(Cell::Bool(true).number(NumberReader::default())), Reason::NotANumber);
    }

    #[test]
    fn decimal_commas_and_thousands_are_read_only_where_declared() {
        let german = NumberReader { decimal: ',', thousands: Some('.') };
        let read = |text: &'static str, reader| Cell::from_text(text).number(reader).ok().flatten();
        for (text, expected) in [
            ("1.234,5", Some(1234.5)),
            ("-1.234.567", Some(-1_234_567.0)),
            ("12,50", Some(12.5)),
            ("1234,5", Some(1234.5)),
            ("12.50", None),
            ("1.23,5", None),
            ("1,2,3", None),
            ("1,234.5", None),
            (",5", Some(0.5)),
        ] {
            assert_eq!(read(text, german), expected, "{text}");
        }
        let english = NumberReader { decimal: '.', thousands: Some(',') };
        assert_eq!(read("1,234.50", english), Some(1234.5));
        assert_eq!(read("1,23", english), None);
        assert_eq!(read("1,234.50", NumberReader::default()), None);
        let message = Cell::from_text("12,50").number(NumberReader::default()).unwrap_err().message;
        insta::assert_snapshot!(message, @r#"`12,50` is not a number; where a comma is the decimal sign, write `decimal = ","` into the block"#);
    }

    #[test]
    fn a_wall_clock_is_read_in_the_zone_of_the_reader() {
        let noon_utc = 1_751_371_200_000_000;
        let instant = Cell::WallClock(noon_utc).instant(&berlin(None)).unwrap().unwrap();
        assert_eq!(instant.to_string(), "2025-07-01T10:00:00Z");
        assert_eq!(
            Cell::Time(noon_utc).instant(&berlin(None)).unwrap().unwrap().to_string(),
            "2025-07-01T12:00:00Z"
        );
        let text = Cell::from_text("2025-07-01 12:00:00").instant(&berlin(None));
        assert_eq!(text.unwrap(), Some(instant));
    }

    #[test]
    fn a_time_that_the_clock_skips_is_no_time() {
        for cell in [Cell::from_text("2026-03-29 02:30:00"), Cell::WallClock(1_774_751_400_000_000)]
        {
            assert_eq!(reason_of(cell.instant(&berlin(None))), Reason::SkippedByClock);
        }
    }

    #[test]
    fn a_stated_format_is_the_only_one() {
        let reader = berlin(Some("%d/%m/%Y %H:%M"));
        let instant = Cell::from_text("01/07/2025 12:00").instant(&reader).unwrap().unwrap();
        assert_eq!(instant.to_string(), "2025-07-01T10:00:00Z");
        assert_eq!(reason_of(Cell::from_text("2025-07-01").instant(&reader)), Reason::NotATime);
        let day = Cell::from_text("31/12/2025").instant(&berlin(Some("%d/%m/%Y")));
        assert_eq!(day.unwrap().unwrap().to_string(), "2025-12-30T23:00:00Z");
    }

    #[test]
    fn times_outside_the_calendar_are_rejected_not_a_panic() {
        for cell in [Cell::Time(i64::MAX), Cell::WallClock(i64::MIN), Cell::Integer(i128::MAX)] {
            assert_eq!(reason_of(cell.instant(&berlin(None))), Reason::NotATime);
        }
    }

    #[test]
    fn whole_numbers_written_as_dates_are_dates() {
        let instant = Cell::Integer(19_970_101).instant(&berlin(None)).unwrap().unwrap();
        assert_eq!(instant.to_string(), "1996-12-31T23:00:00Z");
    }
}
