//! Instants in UTC microseconds and calendar months in the plan's time zone.
//!
//! The clock is not here: only `run/mod.rs` may read it.

mod opening;

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone, Timelike, Utc,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use opening::{BusinessCalendar, OpeningHours};

const MICROS_PER_DAY: f64 = 86_400_000_000.0;

/// A point in time: microseconds since 1970-01-01T00:00:00Z \[µs\].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// The instant `micros` microseconds after the Unix epoch \[µs\].
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch \[µs\].
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This instant moved by `days` \[days\]; fractions and negative values are allowed.
    #[must_use]
    pub fn plus_days(self, days: f64) -> Self {
        Self(self.0.saturating_add(rounded(days * MICROS_PER_DAY)))
    }

    /// Days from `earlier` to this instant \[days\]; negative when `earlier` is later.
    pub fn days_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / MICROS_PER_DAY
    }
}

/// `value.round() as i64`, which is a call into the mathematics library on the oldest processors of
/// this kind, without one.
#[inline]
fn rounded(value: f64) -> i64 {
    let whole = value as i64;
    // Exact, and not beyond ±1 unless the cast was cut.
    let rest = value - whole as f64;
    whole.saturating_add(i64::from(rest >= 0.5) - i64::from(rest <= -0.5))
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{} µs", self.0),
        }
    }
}

/// Why a text is no instant, month or time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Not an RFC 3339 time, a date-time or a date.
    #[error("`{0}` is not a time: expected RFC 3339, `YYYY-MM-DD HH:MM:SS` or `YYYY-MM-DD`")]
    NotATime(String),
    /// A wall-clock time that the time zone skips.
    #[error("`{0}` does not exist in time zone `{1}`: clocks are put forward over it")]
    SkippedByClock(String, String),
    /// Not a month.
    #[error("`{0}` is not a month: expected `YYYY-MM`")]
    NotAMonth(String),
    /// Not an IANA time zone.
    #[error("`{0}` is not an IANA time zone such as `UTC` or `Europe/Berlin`")]
    NotATimeZone(String),
}

/// Times with an offset as databases write them: 2025-01-31 12:00:00+00.
const OFFSET_FORMATS: [&str; 2] = ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"];

/// Times of day without offset.
const LOCAL_FORMATS: [&str; 4] =
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];

impl FromStr for Instant {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .or_else(|| {
                let parse = |format: &&str| DateTime::parse_from_str(text, format).ok();
                OFFSET_FORMATS.iter().find_map(parse)
            })
            .map(|time| Self(time.timestamp_micros()))
            .ok_or_else(|| TimeError::NotATime(text.to_owned()))
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A calendar month, counted from year 0: `Month` arithmetic is integer arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// The month `month` (1..=12) of `year`.
    pub fn new(year: i32, month: u32) -> Option<Self> {
        (1..=12).contains(&month).then(|| Self(year * 12 + month as i32 - 1))
    }

    /// This month moved by `months`.
    #[must_use]
    pub const fn plus(self, months: i32) -> Self {
        Self(self.0 + months)
    }

    /// Months from `earlier` to this month.
    pub const fn since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    /// Position in its year, from 0 (January).
    pub const fn of_year(self) -> u64 {
        self.0.rem_euclid(12) as u64
    }

    fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.0.div_euclid(12), self.0.rem_euclid(12) as u32 + 1, 1)
            .expect("months are within chrono's range of years")
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

impl FromStr for Month {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::NotAMonth(text.to_owned());
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        let year: i32 = year.parse().map_err(|_| wrong())?;
        if !(1..=9999).contains(&year) {
            return Err(wrong());
        }
        Self::new(year, month.parse().map_err(|_| wrong())?).ok_or_else(wrong)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Turns instants into months and wall-clock texts into instants, in one time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    zone: chrono_tz::Tz,
}

impl Calendar {
    /// The calendar of coordinated universal time.
    pub const UTC: Self = Self { zone: chrono_tz::UTC };

    /// The calendar of the IANA time zone `name`.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotATimeZone`] when `name` is not in the IANA database.
    pub fn new(name: &str) -> Result<Self, TimeError> {
        let zone = name.parse().map_err(|_| TimeError::NotATimeZone(name.to_owned()))?;
        Ok(Self { zone })
    }

    /// IANA name of the time zone.
    pub fn name(self) -> &'static str {
        self.zone.name()
    }

    fn local(self, instant: Instant) -> DateTime<chrono_tz::Tz> {
        DateTime::<Utc>::from_timestamp_micros(instant.0)
            .expect("instants are within chrono's range")
            .with_timezone(&self.zone)
    }

    /// The month that contains `instant`.
    pub fn month_of(self, instant: Instant) -> Month {
        let local = self.local(instant);
        Month(local.year() * 12 + local.month0() as i32)
    }

    /// The day that contains `instant`.
    pub fn date_of(self, instant: Instant) -> NaiveDate {
        self.local(instant).date_naive()
    }

    /// Day of the week (0: Monday) and hour of the day of `instant`.
    pub fn weekday_and_hour(self, instant: Instant) -> (u32, u32) {
        let local = self.local(instant);
        (local.weekday().num_days_from_monday(), local.hour())
    }

    /// Time of the day of `instant`, as clocks show it.
    pub fn time_of_day(self, instant: Instant) -> NaiveTime {
        self.local(instant).time()
    }

    /// First instant of `month`.
    pub fn start_of(self, month: Month) -> Instant {
        let midnight = month.first_day().and_hms_opt(0, 0, 0).expect("midnight is a time");
        // A few zones put clocks forward at midnight: the month then starts an hour later.
        let start = self
            .zone
            .from_local_datetime(&midnight)
            .earliest()
            .or_else(|| {
                self.zone.from_local_datetime(&(midnight + chrono::Duration::hours(1))).earliest()
            })
            .expect("clocks are never put forward by more than an hour at the first of a month");
        Instant(start.timestamp_micros())
    }

    /// First instant after `month`: an as-of read at the end of `month` sees everything before it.
    pub fn end_of(self, month: Month) -> Instant {
        self.start_of(month.plus(1))
    }

    /// Reads an RFC 3339 time, also with an offset such as `+00`, or a date-time or date without offset in this time
    /// zone.
    ///
    /// A wall-clock time that occurs twice (clocks put back) is taken as the earlier one.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotATime`] for any other text, [`TimeError::SkippedByClock`] when the time
    /// zone has no such wall-clock time.
    pub fn parse(self, text: &str) -> Result<Instant, TimeError> {
        let text = text.trim();
        if let Ok(instant) = text.parse() {
            return Ok(instant);
        }
        let local = LOCAL_FORMATS
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
            .or_else(|| {
                ["%Y-%m-%d", "%Y%m%d"]
                    .iter()
                    .find_map(|format| NaiveDate::parse_from_str(text, format).ok())
                    .and_then(|date| date.and_hms_opt(0, 0, 0))
            })
            .ok_or_else(|| TimeError::NotATime(text.to_owned()))?;
        self.instant_at(local)
    }

    /// The instant of a date and time of day in this time zone; the earlier one of two.
    ///
    /// # Errors
    ///
    /// [`TimeError::SkippedByClock`] when the time zone has no such wall-clock time.
    pub fn instant_at(self, local: NaiveDateTime) -> Result<Instant, TimeError> {
        self.zone
            .from_local_datetime(&local)
            .earliest()
            .map(|time| Instant(time.timestamp_micros()))
            .ok_or_else(|| TimeError::SkippedByClock(local.to_string(), self.name().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_the_library() {
        let near = [0.0, 0.499_999_999_999_999_94, 0.5, 1.5, 2.5, 4_503_599_627_370_495.5, 1e19];
        for value in near.into_iter().chain([1e300, f64::INFINITY, f64::NAN]) {
            for value in [value, -value] {
                assert_eq!(rounded(value), value.round() as i64, "{value}");
            }
        }
    }

    #[test]
    fn a_day_is_that_of_the_time_zone() {
        let berlin = Calendar::new("Europe/Berlin").unwrap();
        let midnight = berlin.parse("2024-07-01").unwrap();
        assert_eq!(berlin.date_of(midnight).to_string(), "2024-07-01");
        assert_eq!(Calendar::UTC.date_of(midnight).to_string(), "2024-06-30");
    }

    #[test]
    fn months_count_across_years() {
        let december: Month = "2025-12".parse().unwrap();
        assert_eq!(december.plus(1).to_string(), "2026-01");
        assert_eq!("2026-03".parse::<Month>().unwrap().since(december), 3);
        assert!("2026-13".parse::<Month>().is_err());
    }

    #[test]
    fn a_month_starts_at_local_midnight() {
        let berlin = Calendar::new("Europe/Berlin").unwrap();
        let july: Month = "2026-07".parse().unwrap();
        assert_eq!(berlin.start_of(july).to_string(), "2026-06-30T22:00:00Z");
        assert_eq!(berlin.month_of(berlin.start_of(july)), july);
        assert_eq!(Calendar::UTC.month_of(berlin.start_of(july)), july.plus(-1));
    }

    #[test]
    fn weekday_and_hour_are_local() {
        let berlin = Calendar::new("Europe/Berlin").unwrap();
        let sunday_night: Instant = "2026-07-05T22:30:00Z".parse().unwrap();
        assert_eq!(berlin.weekday_and_hour(sunday_night), (0, 0));
        assert_eq!(Calendar::UTC.weekday_and_hour(sunday_night), (6, 22));
    }

    #[test]
    fn offsets_are_read_as_databases_write_them() {
        let berlin = Calendar::new("Europe/Berlin").unwrap();
        let noon = "2025-07-01T12:00:00Z".parse().unwrap();
        for text in [
            "2025-07-01 12:00:00+00",
            "2025-07-01 14:00:00+02",
            "2025-07-01 17:30:00.000+0530",
            "2025-07-01T08:00:00-04",
            "2025-07-01T14:00",
            "2025-07-01 14:00",
        ] {
            assert_eq!(berlin.parse(text), Ok(noon), "{text}");
        }
        for text in ["2025-07-01 12:00:00+", "2025-07-01 12:00:00+00 x", "2025-07-01T12"] {
            assert!(matches!(berlin.parse(text), Err(TimeError::NotATime(_))), "{text}");
        }
    }

    #[test]
    fn a_wall_clock_time_skipped_by_the_clock_change_is_an_error() {
        let berlin = Calendar::new("Europe/Berlin").unwrap();
        let error = berlin.parse("2026-03-29 02:30:00").unwrap_err();
        assert!(matches!(error, TimeError::SkippedByClock(..)), "{error}");
        assert_eq!(berlin.parse("2026-03-29").unwrap().to_string(), "2026-03-28T23:00:00Z");
    }

    #[test]
    fn instants_survive_a_round_trip_through_text() {
        let instant = Instant::from_micros(1_700_000_000_123_456);
        assert_eq!(instant.to_string().parse::<Instant>().unwrap(), instant);
        assert!((instant.plus_days(1.5).days_since(instant) - 1.5).abs() < 1e-12);
    }
}
