//! How the times of a column are written.

use chrono::Timelike as _;

use crate::ingest::cell::{Cell, TimeReader};
use crate::time::{Calendar, Instant};

/// Patterns that are tried, the first being none: what is read without `time_format`.
///
/// Day before month stands beside month before day, in this order.
const PATTERNS: [&str; 27] = [
    "",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %I:%M %p",
    "%m/%d/%Y %I:%M %p",
    "%d-%m-%Y %H:%M",
    "%m-%d-%Y %H:%M",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %H:%M",
    "%d/%m/%y",
    "%m/%d/%y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
];
/// Values after which a column that hardly ever reads as a time is no longer tried.
const ENOUGH: u64 = 1_000;
/// Years that dates of customers have; numbers that are ids seldom read as such dates.
const YEARS: std::ops::RangeInclusive<i32> = 1950..=2100;

/// The values of one column, tried as times.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Values tried.
    n: u64,
    fits: [Fit; PATTERNS.len()],
    /// Values that say their own offset from UTC.
    n_with_offset: u64,
    /// Values with a time of day other than midnight.
    n_with_clock: u64,
    /// Values that any pattern reads.
    n_read: u64,
    /// Whether another column of the file shows that the month comes first.
    month_first: bool,
}

/// The values that one pattern reads.
#[derive(Debug, Default, Clone, Copy)]
struct Fit {
    n: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// What is to be said of the way in which a column writes its times.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Writing {
    /// Patterns for `time_format`, none where the times are read without.
    pub(super) patterns: Vec<&'static str>,
    /// Whether day and month cannot be told apart: no day is above 12, here or beside it.
    pub(super) day_or_month: bool,
}

impl Times {
    /// Notes one value.
    pub(super) fn take(&mut self, cell: &Cell<'_>, text: &str) {
        let before = self.n;
        self.n += 1;
        let hopeless = self.n > ENOUGH && self.n_read * 100 < self.n;
        if hopeless || !text.bytes().any(|byte| byte.is_ascii_digit()) || text.len() > 40 {
            return;
        }
        self.n_with_offset +=
            u64::from(matches!(cell, Cell::Time(_)) || text.parse::<Instant>().is_ok());
        let always = |fit: &Fit| fit.n == before;
        let mut read = false;
        for pass in [true, false] {
            for (position, pattern) in PATTERNS.iter().enumerate() {
                if always(&self.fits[position]) == pass
                    && let Some(at) = instant(cell, pattern)
                {
                    if !read {
                        let midnight = at.0;
                        self.n_with_clock += u64::from(!midnight);
                    }
                    read = true;
                    self.fits[position].take(at.1);
                }
            }
            // What no pattern that fitted so far reads is tried with the others.
            if read {
                self.n_read += 1;
                break;
            }
        }
    }

    /// Values that the patterns chosen read.
    pub(super) fn read(&self) -> u64 {
        let writing = self.chosen();
        writing.iter().map(|&position| self.fits[position].n).sum::<u64>().min(self.n)
    }

    /// Whether all values carry their own offset.
    pub(super) fn has_offsets(&self) -> bool {
        self.n > 0 && self.n_with_offset == self.n
    }

    /// Whether any value has a time of day.
    pub(super) fn has_clock(&self) -> bool {
        self.n_with_clock > 0
    }

    /// Earliest and latest time, as the pattern chosen reads them in UTC.
    pub(super) fn range(&self) -> Option<(Instant, Instant)> {
        let fits = || self.chosen().into_iter().map(|position| self.fits[position]);
        let first = fits().filter_map(|fit| fit.first).min()?;
        Some((first, fits().filter_map(|fit| fit.last).max()?))
    }

    /// The range in words.
    pub(super) fn span(&self) -> String {
        let day = |at: Instant| Calendar::UTC.date_of(at).to_string();
        self.range().map_or_else(String::new, |(first, last)| {
            format!("from {} to {}", day(first), day(last))
        })
    }

    /// Whether day or month comes first, where the values tell: `Some(true)` for the month.
    pub(super) fn order(&self) -> Option<bool> {
        let &best = self.by_count().first()?;
        let pattern = PATTERNS[best];
        let dated =
            pattern.starts_with("%d/") || pattern.starts_with("%d-") || pattern.starts_with("%m");
        (dated && !pattern.contains("%b") && !self.is_doubtful(best))
            .then(|| pattern.starts_with("%m"))
    }

    /// Takes the month first wherever the values do not tell.
    pub(super) fn put_month_first(&mut self) {
        self.month_first = true;
    }

    /// How the times are written.
    pub(super) fn writing(&self) -> Writing {
        let chosen = self.chosen();
        let doubtful = self.by_count().first().is_some_and(|&best| self.is_doubtful(best));
        let patterns = match chosen.as_slice() {
            [0] | [] => Vec::new(),
            several => several.iter().map(|&position| named(position)).collect(),
        };
        Writing { patterns, day_or_month: doubtful && !self.month_first }
    }

    /// Whether the pattern at `position` and the one with the month first read the same values.
    fn is_doubtful(&self, position: usize) -> bool {
        PATTERNS[position].starts_with("%d")
            && PATTERNS.get(position + 1).is_some_and(|next| next.starts_with("%m"))
            && self.fits[position].n == self.fits[position + 1].n
    }

    /// Positions of the patterns that read anything, the most frequent first.
    fn by_count(&self) -> Vec<usize> {
        let mut by_count: Vec<usize> =
            (0..PATTERNS.len()).filter(|&position| self.fits[position].n > 0).collect();
        by_count.sort_by_key(|&position| std::cmp::Reverse(self.fits[position].n));
        by_count
    }

    /// Positions of the fewest patterns that read most values, the most frequent first.
    fn chosen(&self) -> Vec<usize> {
        let by_count = self.by_count();
        let Some(&first) = by_count.first() else { return Vec::new() };
        let best = first + usize::from(self.month_first && self.is_doubtful(first));
        if self.fits[best].n * 100 >= self.n * 99 {
            return vec![best];
        }
        // Patterns that share values, such as day first and month first, cannot both be meant.
        let other = by_count.into_iter().skip(1).find(|&position| {
            self.fits[position].n * 20 >= self.n
                && self.fits[position].n + self.fits[best].n <= self.n
        });
        std::iter::once(best).chain(other).collect()
    }
}

/// The pattern at `position` as a mapping writes it.
fn named(position: usize) -> &'static str {
    if position == 0 { "%Y-%m-%d" } else { PATTERNS[position] }
}

impl Fit {
    fn take(&mut self, at: Instant) {
        self.n += 1;
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }
}

/// The instant that `pattern` reads, and whether it is a midnight.
fn instant(cell: &Cell<'_>, pattern: &str) -> Option<(bool, Instant)> {
    let formats = if pattern.is_empty() { Vec::new() } else { vec![pattern.to_owned()] };
    if !pattern.is_empty() && !matches!(cell, Cell::Text(_)) {
        return None;
    }
    let reader = TimeReader { calendar: Calendar::UTC, formats };
    let at = cell.instant(&reader).ok().flatten()?;
    let time = chrono::DateTime::from_timestamp_micros(at.micros())?;
    YEARS
        .contains(&chrono::Datelike::year(&time))
        .then(|| (time.num_seconds_from_midnight() == 0, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(values: &[&'static str]) -> Times {
        let mut times = Times::default();
        for value in values {
            times.take(&Cell::from_text(value), value);
        }
        times
    }

    #[test]
    fn a_day_above_twelve_tells_day_from_month() {
        let us = times(&["02/03/2024 10:00", "02/17/2024 16:41"]).writing();
        assert_eq!((us.patterns, us.day_or_month), (vec!["%m/%d/%Y %H:%M"], false));
        let uk = times(&["02/03/2024", "17/02/2024"]).writing();
        assert_eq!((uk.patterns, uk.day_or_month), (vec!["%d/%m/%Y"], false));
        let unknown = times(&["02/03/2024", "05/06/2024"]).writing();
        assert_eq!((unknown.patterns, unknown.day_or_month), (vec!["%d/%m/%Y"], true));
    }

    #[test]
    fn iso_needs_no_pattern_and_numbers_are_no_dates() {
        let iso = times(&["2024-02-03T10:00:00Z", "2024-02-04T00:00:00Z"]);
        assert!(iso.writing().patterns.is_empty() && iso.has_offsets() && iso.has_clock());
        assert_eq!(times(&["100001", "100002"]).read(), 0);
        assert_eq!(times(&["01/02/24"]).writing().patterns, ["%d/%m/%y"]);
    }

    #[test]
    fn two_ways_of_writing_in_one_column_are_both_named() {
        let mixed = times(&["2024-02-03", "2024-02-04", "17.02.2024", "18.02.2024"]).writing();
        assert_eq!(mixed.patterns.len(), 2);
        assert!(mixed.patterns.contains(&"%d.%m.%Y") && mixed.patterns.contains(&"%Y-%m-%d"));
    }
}
