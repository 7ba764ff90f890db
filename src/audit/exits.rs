//! Exits: rows after them, status words against them, and logs that hold none.

use super::finding::{AuditFinding, Severity, Tally, Wording};
use super::{LogCheck, LogSpan};
use crate::interaction::{AccountHistory, Status};
use crate::time::Instant;

const AFTER_EXIT: Wording = Wording {
    check: "after_exit",
    why: "an exit that is dated before the last rows is dated wrongly, or the rows are: attrition \
          is then predicted from what happened after it",
    remedy: "date the exit when the relationship ended, or correct the dates of these rows",
};

/// Interactions later than the day of their account's exit.
#[derive(Debug, Default)]
pub(super) struct AfterExit(Tally);

impl LogCheck for AfterExit {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        // Logs often know the day of an exit, not its hour.
        let left = history.account.exited_at.map(|exit| exit.plus_days(1.0));
        for row in &history.interactions {
            self.0.see(left.is_some_and(|left| row.occurred_at >= left), || {
                let exit = history.account.exited_at.map(|exit| span.day(exit));
                let (id, exit) = (&history.account.id, exit.unwrap_or_default());
                format!("{id}: exit {exit}, interaction {}", span.day(row.occurred_at))
            });
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!("{} interactions are later than their account's exit", self.0.affected);
        (self.0.affected > 0).then(|| {
            self.0.finding(AFTER_EXIT, Severity::Bias, ("interactions", "interactions"), what)
        })
    }
}

const STATUS: Wording = Wording {
    check: "status_against_exit",
    why: "the status word and the exit date contradict each other, so one of them is not attrition",
    remedy: "decide which of the two is true, and derive the other from it",
};

/// Outcomes whose status is `exited` without an exit, or `customer` in a period after it.
#[derive(Debug, Default)]
pub(super) struct StatusAgainstExit(Tally);

impl LogCheck for StatusAgainstExit {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        let exit = history.account.exited_at;
        for outcome in &history.outcomes {
            let contradicts = match outcome.status {
                Status::Exited => exit.is_none_or(|exit| exit >= outcome.period_end),
                Status::Customer => exit.is_some_and(|exit| exit <= outcome.period_start),
                Status::Prospect => false,
            };
            self.0.see(contradicts, || {
                let exit = exit.map_or_else(|| "none".to_owned(), |exit| span.day(exit));
                let (id, from) = (&history.account.id, span.day(outcome.period_start));
                format!("{id}: `{}` in the period from {from}, exit {exit}", outcome.status)
            });
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!("{} outcomes have a status that their account's exit contradicts", {
            self.0.affected
        });
        (self.0.affected > 0)
            .then(|| self.0.finding(STATUS, Severity::Bias, ("outcomes", "outcomes"), what))
    }
}

const SURVIVORSHIP: Wording = Wording {
    check: "survivorship",
    why: "a log of those who stayed has no attrition to test, and whatever they have in common \
          looks like a reason to stay",
    remedy: "export the accounts that left too, with everything up to their exit",
};

/// Exits a year that hardly any customer base stays below.
const LOW_ATTRITION: f64 = 0.02;
/// Probability below which a silence of exits is no accident.
const ACCIDENT: f64 = 0.001;
/// Share of the log's account time without an exit from which on it matters.
const LONG_SILENCE: f64 = 0.25;
/// Months in which an account must have a row to count as active at the end.
const ACTIVE_MONTHS: i32 = 3;

/// Logs without exits, or without any before or after some date.
///
/// ```text
/// none at all:    P = exp(−0.02 · account years)                       bias when P < .001
/// none before d:  P = (account time after d / account time)^exits      bias when P < .001 and at
///                                                                      least a quarter lies before
/// none after d:   likewise, before and after exchanged
/// ```
#[derive(Debug, Default)]
pub(super) struct Survivorship {
    stays: Vec<Stay>,
    active: Tally,
}

/// A stay in the log: from, to, whether it ends in an exit.
type Stay = (Instant, Instant, bool);

impl LogCheck for Survivorship {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        let account = &history.account;
        let from = account.entered_at.max(span.start());
        let exit = account.exited_at.filter(|exit| *exit < span.end());
        let to = exit.unwrap_or(span.end());
        if from < to {
            self.stays.push((from, to, exit.is_some()));
        }
        let recent = span.calendar.start_of(span.first.plus(span.months as i32 - ACTIVE_MONTHS));
        let last = history.interactions.last().map(|row| row.occurred_at);
        let paid = history.outcomes.iter().rev().find(|o| o.revenue != 0.0).map(|o| o.period_start);
        self.active.see(last.max(paid).is_some_and(|last| last >= recent), || account.id.clone());
    }

    fn finding(&self, span: &LogSpan) -> Option<AuditFinding> {
        let days: f64 = self.stays.iter().map(|(from, to, _)| to.days_since(*from)).sum();
        let first = self.stays.iter().filter(|stay| stay.2).map(|stay| stay.1).min();
        let about = ("accounts", "accounts");
        let Some(first) = first else {
            let years = days / 365.25;
            let grave = (-LOW_ATTRITION * years).exp() < ACCIDENT;
            let severity = if grave { Severity::Bias } else { Severity::Note };
            let what = format!(
                "no account has an exit in {years:.0} account years; {} of {} accounts have a row \
                 in the last {ACTIVE_MONTHS} months",
                self.active.affected, self.active.of
            );
            let tally = Tally::counted(self.active.of, self.active.of);
            return Some(tally.finding(SURVIVORSHIP, severity, about, what));
        };
        let last = self.stays.iter().filter(|stay| stay.2).map(|stay| stay.1).max();
        let last = last.expect("there is a first exit");
        let silent = |within: &dyn Fn(&Stay) -> f64| {
            let silence = self.stays.iter().map(|stay| within(stay).max(0.0)).sum::<f64>() / days;
            self.is_no_accident(silence).then_some(silence)
        };
        let before = silent(&|stay| stay.1.min(first).days_since(stay.0));
        let after = silent(&|stay| stay.1.days_since(stay.0.max(last)));
        let (side, date, silence, there) = match (before, after) {
            (Some(silence), _) => {
                ("before", first, silence, self.stays.iter().filter(|s| s.0 < first).count())
            }
            (None, Some(silence)) => {
                ("after", last, silence, self.stays.iter().filter(|s| s.1 > last).count())
            }
            (None, None) => return None,
        };
        let tally = Tally::counted(there as u64, self.active.of);
        let what = format!(
            "none of {} exits is {side} {}, though {:.0} % of the time that accounts were watched is",
            self.exits(),
            span.day(date),
            100.0 * silence
        );
        Some(tally.finding(SURVIVORSHIP, Severity::Bias, about, what))
    }
}

impl Survivorship {
    fn exits(&self) -> usize {
        self.stays.iter().filter(|stay| stay.2).count()
    }

    /// Whether a share `silence` of the account time without any exit is more than chance.
    fn is_no_accident(&self, silence: f64) -> bool {
        let accident = (1.0 - silence).powi(self.exits().min(1_000_000) as i32);
        silence >= LONG_SILENCE && accident < ACCIDENT
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{at, found, history, outcome, row};
    use super::*;

    #[test]
    fn rows_after_the_day_of_exit_are_counted_and_rows_on_it_are_not() {
        let mut left = history("A", "2024-01-01", Some("2024-06-01"));
        left.interactions = vec![row("2024-05-01"), row("2024-06-01 15:00"), row("2024-07-01")];
        let finding = found(AfterExit::default(), &[left.clone()]).unwrap();
        assert_eq!((finding.affected, finding.of), (1, 3));
        assert_eq!(finding.examples, ["A: exit 2024-06-01, interaction 2024-07-01"]);
        left.interactions.pop();
        assert_eq!(found(AfterExit::default(), &[left]), None);
    }

    #[test]
    fn a_status_that_contradicts_the_exit_is_named() {
        let mut left = history("A", "2024-01-01", Some("2024-06-10"));
        left.outcomes = vec![
            outcome("2024-05", 1.0, Status::Customer),
            outcome("2024-06", 1.0, Status::Exited),
            outcome("2024-07", 1.0, Status::Customer),
        ];
        let finding = found(StatusAgainstExit::default(), &[left.clone()]).unwrap();
        assert_eq!((finding.affected, finding.of), (1, 3));
        left.outcomes.pop();
        assert_eq!(found(StatusAgainstExit::default(), &[left.clone()]), None);
        left.account.exited_at = None;
        assert_eq!(found(StatusAgainstExit::default(), &[left]).unwrap().affected, 1);
    }

    fn cohort(
        accounts: usize,
        exit: impl Fn(usize) -> Option<&'static str>,
    ) -> Vec<AccountHistory> {
        (0..accounts).map(|i| history(&format!("A{i:04}"), "2023-01-01", exit(i))).collect()
    }

    #[test]
    fn a_log_without_exits_is_grave_only_when_some_were_due() {
        // Two years each: 400 account years expect 8 exits at the least.
        let large = found(Survivorship::default(), &cohort(200, |_| None)).unwrap();
        assert_eq!((large.severity, large.affected), (Severity::Bias, 200));
        let small = found(Survivorship::default(), &cohort(20, |_| None)).unwrap();
        assert_eq!(small.severity, Severity::Note);
    }

    #[test]
    fn exits_that_cease_are_a_list_that_ends_early() {
        let stopped = cohort(200, |i| (i % 8 == 0).then_some("2024-06-15"));
        let both = cohort(200, |i| match i % 8 {
            0 => Some("2024-01-20"),
            1 => Some("2024-12-01"),
            _ => None,
        });
        for (log, date) in [(stopped, "before 2024-06-15"), (both, "after 2024-12-01")] {
            let finding = found(Survivorship::default(), &log).unwrap();
            assert_eq!(finding.severity, Severity::Bias);
            assert!(finding.what.contains(date), "{}", finding.what);
        }
    }

    #[test]
    fn exits_that_begin_late_are_survivorship_and_those_all_along_are_not() {
        let late = cohort(200, |i| (i % 10 == 0).then_some("2025-07-01"));
        let finding = found(Survivorship::default(), &late).unwrap();
        assert_eq!((finding.severity, finding.affected), (Severity::Bias, 200));
        assert!(finding.what.contains("before 2025-07-01"), "{}", finding.what);
        let steady = cohort(200, |i| match i % 10 {
            0 => Some("2024-02-01"),
            1 => Some("2025-07-01"),
            _ => None,
        });
        assert_eq!(found(Survivorship::default(), &steady), None);
        assert!(at("2025-07-01") > at("2024-02-01"));
    }
}
