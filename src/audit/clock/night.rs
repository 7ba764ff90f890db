//! Hours of the day held against those in which people work.

use super::super::finding::{AuditFinding, Severity, Tally, Wording};
use super::super::{LogCheck, LogSpan, share};
use super::{BySource, HOURS, Hours};
use crate::interaction::AccountHistory;

const NIGHT: Wording = Wording {
    check: "work_at_night",
    why: "rows that have the shape of a working day, but at another time of day, were read in the \
          wrong time zone: rows near midnight fall into another day or month",
    remedy: "set `time_zone` of the source, or of all, in the mapping to the zone of its clock",
};

/// Rows of a source from which on its hours say something.
const LEAST_ROWS: u64 = 200;
/// Length of a working day \[hours\].
const WORKING_DAY: usize = 10;
/// Share of rows within it from which on hours are those of work.
const WITHIN: f64 = 0.95;
/// Share of rows from which on an hour is worked in, and how many of these make a day: a batch job
/// has fewer.
const WORKED_HOUR: f64 = 0.05;
const WORKED_HOURS: usize = 6;
/// Hours at which working days begin.
const BEGINS: std::ops::Range<usize> = 5..12;

/// Sources with a working day that begins in the afternoon, evening or night; purchases left out.
#[derive(Debug, Default)]
pub(in crate::audit) struct WorkAtNight {
    hours: BySource<Hours>,
    rows: u64,
}

impl LogCheck for WorkAtNight {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        for row in &history.interactions {
            if !span.type_of(row.kind).transactional && !span.is_day(row.occurred_at) {
                let (_, hour) = span.calendar.weekday_and_hour(row.occurred_at);
                self.hours.of(row)[hour as usize] += 1;
                self.rows += 1;
            }
        }
    }

    fn finding(&self, span: &LogSpan) -> Option<AuditFinding> {
        let mut tally = Tally::default();
        let mut rows = 0;
        for (name, hours) in self.hours.named(span) {
            let begin = working_day(hours).filter(|begin| !BEGINS.contains(begin));
            let n: u64 = hours.iter().sum();
            rows += begin.map_or(0, |_| n);
            tally.see(begin.is_some(), || {
                let (begin, end) = (begin.unwrap_or(0), (begin.unwrap_or(0) + WORKING_DAY) % HOURS);
                format!("{name}: {n} rows, {begin:02}:00 to {end:02}:00")
            });
        }
        let what = format!(
            "{} sources have a working day that does not begin between {:02}:00 and {:02}:00 {} time",
            tally.affected,
            BEGINS.start,
            BEGINS.end,
            span.calendar.name()
        );
        (tally.affected, tally.of) = (rows, self.rows);
        (rows > 0)
            .then(|| tally.finding(NIGHT, Severity::Note, ("interactions", "interactions"), what))
    }
}

/// Hour at which the working day of a source begins, where its rows have the shape of one.
fn working_day(hours: &Hours) -> Option<usize> {
    let rows: u64 = hours.iter().sum();
    let within = |begin: usize| (0..WORKING_DAY).map(|h| hours[(begin + h) % HOURS]).sum::<u64>();
    let begin = (0..HOURS).rev().max_by_key(|begin| within(*begin))?;
    let worked = hours.iter().filter(|n| share(**n, rows) >= WORKED_HOUR).count();
    let holds =
        rows >= LEAST_ROWS && share(within(begin), rows) >= WITHIN && worked >= WORKED_HOURS;
    holds.then_some(begin)
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::found;
    use super::super::sample::{log, working_day};
    use super::*;

    #[test]
    fn a_working_day_in_the_evening_is_noted_and_one_in_the_morning_is_not() {
        let check = |shift| found(WorkAtNight::default(), &[log([working_day("crm", 400, shift)])]);
        for shift in [0.0, -2.0, 3.0] {
            assert_eq!(check(shift), None, "{shift}");
        }
        let finding = check(5.0).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (400, 400, Severity::Note));
        assert_eq!(finding.examples, ["crm: 400 rows, 13:00 to 23:00"]);
        assert_eq!(check(-7.0).unwrap().examples, ["crm: 400 rows, 01:00 to 11:00"]);
    }

    #[test]
    fn a_batch_job_at_night_is_no_working_day() {
        let mut rows = working_day("crm", 400, 0.0);
        for row in &mut rows {
            row.occurred_at = super::super::super::sample::at("2024-03-01 02:30");
        }
        assert_eq!(found(WorkAtNight::default(), &[log([rows])]), None);
    }
}
