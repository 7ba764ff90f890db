//! Dates that passed through another time zone: midnight there is the evening before here.

use std::collections::BTreeMap;

use chrono::Timelike as _;

use super::super::finding::{AuditFinding, Severity, Tally, Wording};
use super::super::{LogCheck, LogSpan, share};
use super::BySource;
use crate::interaction::{AccountHistory, Interaction};

const EVENING: Wording = Wording {
    check: "dates_in_the_evening",
    why: "dates that were written as midnight of another time zone are read as the evening before: \
          every row is a day early, and those of the first of a month are in the month before",
    remedy: "export plain dates, or set `time_zone` of the source to the zone whose midnight it is",
};

/// Rows of a source from which on its times of day say something.
const LEAST_ROWS: u64 = 50;
/// Share of its rows at one time of day, or two an hour apart, from which on they are dates.
const DATES: f64 = 0.9;
/// Share of these in the evening from which on it is no accident.
const LEAST_SHARE: f64 = 0.05;
/// Minutes of the day from which on a midnight elsewhere is the evening before.
const EVENING_BEGINS: u32 = 14 * 60;
/// Share of the rarer of two times of day from which on clocks were put forward and back.
const BOTH_CLOCKS: f64 = 0.1;
const DAY: u32 = 24 * 60;

/// Sources all of whose rows are at one evening time of day, or at two an hour apart, as clocks put
/// forward make of one.
///
/// Sure (bias) when there are two, or when all are at midnight UTC in another zone; one evening time
/// alone may be a nightly job (note).
#[derive(Debug, Default)]
pub(in crate::audit) struct EveningDates {
    sources: BySource<Times>,
    rows: u64,
}

#[derive(Debug, Default)]
struct Times {
    rows: u64,
    /// Rows at midnight UTC.
    utc_midnight: u64,
    /// Rows by minute of the day, where it is a quarter of an hour.
    by_minute: BTreeMap<u32, u64>,
    /// The first row of the evening.
    example: Option<String>,
}

impl Times {
    fn count(&mut self, account: &str, row: &Interaction, span: &LogSpan) {
        self.rows += 1;
        let time = span.calendar.time_of_day(row.occurred_at);
        let seconds = time.num_seconds_from_midnight();
        if !seconds.is_multiple_of(900) || time.nanosecond() != 0 {
            return;
        }
        let minute = seconds / 60;
        *self.by_minute.entry(minute).or_default() += 1;
        self.utc_midnight += u64::from(row.occurred_at.micros().rem_euclid(86_400_000_000) == 0);
        if minute >= EVENING_BEGINS && self.example.is_none() {
            self.example = Some(span.row(account, row));
        }
    }

    /// Rows in the evening of a source of dates, and whether it is sure that they are.
    fn evening(&self, span: &LogSpan) -> Option<(u64, bool)> {
        let hour_later = |minute: u32| (minute + 60) % DAY;
        let at = |minute: u32| self.by_minute.get(&minute).copied().unwrap_or(0);
        let pair = |minute: u32| at(minute) + at(hour_later(minute));
        let &first = self.by_minute.keys().max_by_key(|minute| pair(**minute))?;
        let times = [first, hour_later(first)];
        let evening = times.iter().filter(|m| **m >= EVENING_BEGINS).map(|m| at(*m)).sum::<u64>();
        let dates = self.rows >= LEAST_ROWS
            && share(pair(first), self.rows) >= DATES
            && share(evening, self.rows) >= LEAST_SHARE;
        let both = times.iter().all(|minute| share(at(*minute), self.rows) >= BOTH_CLOCKS);
        let utc = share(self.utc_midnight, self.rows) >= DATES && span.calendar.name() != "UTC";
        dates.then_some((evening, both || utc))
    }
}

impl LogCheck for EveningDates {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        self.rows += history.interactions.len() as u64;
        for row in &history.interactions {
            self.sources.of(row).count(&history.account.id, row, span);
        }
    }

    fn finding(&self, span: &LogSpan) -> Option<AuditFinding> {
        let mut tally = Tally::default();
        let (mut rows, mut sure) = (0, false);
        for (name, times) in self.sources.named(span) {
            let evening = times.evening(span);
            tally.see(evening.is_some(), || {
                let example = times.example.as_deref().unwrap_or_default();
                format!("{name}: {} rows, such as {example}", evening.map_or(0, |of| of.0))
            });
            rows += evening.map_or(0, |of| of.0);
            sure |= evening.is_some_and(|of| of.1);
        }
        let what = format!(
            "{} sources have dates at one evening hour and no times of day",
            tally.affected
        );
        (tally.affected, tally.of) = (rows, self.rows);
        let severity = if sure { Severity::Bias } else { Severity::Note };
        (rows > 0).then(|| tally.finding(EVENING, severity, ("interactions", "interactions"), what))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::{at, found};
    use super::super::sample::{log, working_day};
    use super::*;

    /// Sixty rows at `times` of the day, in turn.
    fn dates(times: &[&str]) -> AccountHistory {
        let mut rows = working_day("erp", 60, 0.0);
        for (n, row) in rows.iter_mut().enumerate() {
            let (day, time) = (n % 28 + 1, times[n % times.len()]);
            row.occurred_at = at(&format!("2024-02-{day:02} {time}"));
        }
        log([rows, working_day("crm", 600, 0.0)])
    }

    #[test]
    fn midnight_elsewhere_is_sure_when_clocks_were_put_forward() {
        let finding = found(EveningDates::default(), &[dates(&["22:00", "23:00"])]).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (60, 660, Severity::Bias));
        assert_eq!(finding.examples, ["erp: 60 rows, such as A: call on 2024-02-01 22:00:00"]);
        let finding = found(EveningDates::default(), &[dates(&["23:00", "00:00"])]).unwrap();
        assert_eq!((finding.affected, finding.severity), (30, Severity::Bias));
    }

    #[test]
    fn one_evening_hour_may_be_a_job_and_a_morning_hour_is_the_right_day() {
        let finding = found(EveningDates::default(), &[dates(&["23:00"])]).unwrap();
        assert_eq!(finding.severity, Severity::Note);
        for times in [&["00:00"][..], &["09:00"], &["01:00", "02:00"], &["19:00", "11:20", "22:00"]]
        {
            assert_eq!(found(EveningDates::default(), &[dates(times)]), None, "{times:?}");
        }
    }

    #[test]
    fn midnight_utc_in_new_york_is_the_day_before() {
        let calendar = crate::time::Calendar::new("America/New_York").unwrap();
        let span = LogSpan { calendar, ..super::super::super::sample::span() };
        let mut check = EveningDates::default();
        check.see(&dates(&["00:00"]), &span);
        let finding = check.finding(&span).unwrap();
        assert_eq!((finding.affected, finding.severity), (60, Severity::Bias));
        assert_eq!(finding.examples, ["erp: 60 rows, such as A: call on 2024-01-31 19:00:00"]);
    }
}
