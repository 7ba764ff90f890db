//! Entries: relationships older than the log, and entry dates that are only first rows.

use std::collections::BTreeMap;

use super::finding::{AuditFinding, Severity, Tally, Wording};
use super::{LogCheck, LogSpan};
use crate::interaction::AccountHistory;
use crate::time::{Instant, Month};

const LEFT_TRUNCATION: Wording = Wording {
    check: "left_truncation",
    why: "what happened before the log is not in it: the Relationship Value these accounts started \
          with is unknown, and those who left before the log are not there at all",
    remedy: "leave enough `warm_up_months`, prefer scores that fade to sums, and compare accounts \
             that entered within the log beside the rest",
};

/// Accounts that entered before the log.
#[derive(Debug, Default)]
pub(super) struct LeftTruncation(Tally);

impl LogCheck for LeftTruncation {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        let account = &history.account;
        self.0.see(account.entered_at < span.start(), || {
            format!("{}: entered {}", account.id, span.day(account.entered_at))
        });
    }

    fn finding(&self, span: &LogSpan) -> Option<AuditFinding> {
        let what = format!(
            "{} of {} accounts entered before the log begins on {}",
            self.0.affected,
            self.0.of,
            span.day(span.start())
        );
        (self.0.affected > 0).then(|| {
            self.0.finding(LEFT_TRUNCATION, Severity::Note, ("accounts", "accounts"), what)
        })
    }
}

const PILE_UP: Wording = Wording {
    check: "entry_dates_inferred",
    why: "customers of long standing pass for new ones: tenure, equal-age comparisons and survival \
          curves start at the wrong time",
    remedy: "map the true entry date, or leave it out of every comparison by age",
};

/// Entries of the log's first month are this many times those of a later month.
const PILE: f64 = 10.0;
/// Entries that make a pile.
const LEAST_PILE: u64 = 20;
/// Distance from the entry at which the first row still is the entry \[days\].
const FIRST_ROW_DAYS: f64 = 1.0;

/// Far more accounts enter in the log's first month than later, each with its first row.
#[derive(Debug, Default)]
pub(super) struct EntryPileUp {
    by_month: BTreeMap<Month, u64>,
    first: Tally,
}

impl LogCheck for EntryPileUp {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        let account = &history.account;
        let month = span.calendar.month_of(account.entered_at);
        *self.by_month.entry(month).or_default() += 1;
        let row = history.interactions.first().map(|row| row.occurred_at);
        let period = history.outcomes.first().map(|outcome| outcome.period_start);
        let first = [row, period].into_iter().flatten().min();
        let by_row =
            first.is_some_and(|at| at.days_since(account.entered_at).abs() <= FIRST_ROW_DAYS);
        self.first.see(month == span.first && by_row, || {
            format!("{}: entered {} with its first row", account.id, span.day(account.entered_at))
        });
    }

    fn finding(&self, span: &LogSpan) -> Option<AuditFinding> {
        let later: u64 = self.by_month.range(span.first.plus(1)..).map(|(_, n)| n).sum();
        let mean = later as f64 / f64::from(span.months.saturating_sub(1).max(1));
        let pile = self.first.affected;
        (pile >= LEAST_PILE && pile as f64 > PILE * mean).then(|| {
            let what = format!(
                "{pile} accounts enter with their first row in {}, the log's first month, against \
                 {mean:.1} a month later",
                span.first
            );
            self.first.finding(PILE_UP, Severity::Bias, ("accounts", "accounts"), what)
        })
    }
}

const CLOSED: Wording = Wording {
    check: "closed_cohort",
    why: "nobody new comes in: the accounts grow older together, so that a date, an age and a change \
          of the market cannot be told apart, and later customers may be unlike them",
    remedy: "export the accounts that came later too, or state that results are of this cohort",
};

/// Probability below which months without entries are no accident.
const ACCIDENT: f64 = 0.001;
/// Share of the log without entries from which on it is worth a word.
const LONG_PAUSE: f64 = 0.25;

/// Logs that no account enters after some date, their first month included.
///
/// ```text
/// entries of the log n, last at d:  P = (time before d / time)^n     note when P < .001 and at least
///                                                                    a quarter of the time is later
/// ```
#[derive(Debug, Default)]
pub(super) struct ClosedCohort {
    accounts: u64,
    /// Entries within the log.
    entries: u64,
    last: Option<Instant>,
}

/// Accounts from which on a log without any entry is worth a word.
const LEAST_CLOSED: u64 = 20;

impl LogCheck for ClosedCohort {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        let entered = history.account.entered_at;
        self.accounts += 1;
        if (span.start()..span.end()).contains(&entered) {
            self.entries += 1;
            self.last = self.last.max(Some(entered));
        }
    }

    fn finding(&self, span: &LogSpan) -> Option<AuditFinding> {
        let last = self.last.unwrap_or(span.start());
        let pause = span.end().days_since(last) / span.end().days_since(span.start());
        let accident = (1.0 - pause).powi(self.entries.min(1_000_000) as i32);
        let none = self.entries == 0 && self.accounts >= LEAST_CLOSED;
        let closed = self.entries > 0 && accident < ACCIDENT && pause >= LONG_PAUSE;
        (none || closed).then(|| {
            let tally = Tally::counted(self.accounts, self.accounts);
            let what = format!(
                "no account enters after {}, the last {:.0} % of the log",
                span.day(last),
                100.0 * pause
            );
            tally.finding(CLOSED, Severity::Note, ("accounts", "accounts"), what)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{found, history, row};
    use super::*;

    fn entering(id: usize, entered: &str) -> AccountHistory {
        let mut history = history(&format!("A{id:03}"), entered, None);
        history.interactions = vec![row(entered)];
        history
    }

    #[test]
    fn accounts_older_than_the_log_are_counted() {
        let log = [entering(1, "2023-12-31"), entering(2, "2024-01-01")];
        let finding = found(LeftTruncation::default(), &log).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (1, 2, Severity::Note));
        assert_eq!(found(LeftTruncation::default(), &log[1..]), None);
    }

    #[test]
    fn a_pile_of_entries_in_the_first_month_is_named_and_even_entries_are_not() {
        let piled: Vec<_> = (0..60).map(|i| entering(i, "2024-01-05")).collect();
        let finding = found(EntryPileUp::default(), &piled).unwrap();
        assert_eq!((finding.affected, finding.severity), (60, Severity::Bias));
        let months = (0..20).flat_map(|month| {
            (0..3).map(move |i| format!("202{}-{:02}-0{}", 4 + month / 12, month % 12 + 1, i + 1))
        });
        let even: Vec<_> = months.enumerate().map(|(i, day)| entering(i, &day)).collect();
        assert_eq!(found(EntryPileUp::default(), &even), None);
    }

    #[test]
    fn a_log_that_nobody_enters_later_is_a_closed_cohort() {
        let early: Vec<_> = (0..40).map(|i| entering(i, "2024-03-05")).collect();
        let finding = found(ClosedCohort::default(), &early).unwrap();
        assert_eq!((finding.affected, finding.severity), (40, Severity::Note));
        assert!(finding.what.contains("after 2024-03-05, the last 91 %"), "{}", finding.what);
        let before: Vec<_> = (0..40).map(|i| entering(i, "2020-03-05")).collect();
        assert!(found(ClosedCohort::default(), &before).is_some());
        assert_eq!(found(ClosedCohort::default(), &before[..19]), None);
        let mut open = early;
        open.push(entering(41, "2025-08-01"));
        assert_eq!(found(ClosedCohort::default(), &open), None);
    }
}
