//! Rows entered or imported in one go: one instant for many, one day on which much became known.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::finding::{AuditFinding, Severity, Tally, Wording};
use super::{LogCheck, LogSpan, share};
use crate::ids::TypeIndex;
use crate::interaction::AccountHistory;
use crate::time::Instant;

/// Rows that make a bulk.
const LEAST_BULK: u64 = 50;

const ONE_INSTANT: Wording = Wording {
    check: "one_instant",
    why: "many rows with one time of day to the microsecond were stamped by a program: it is the time \
          of an import and not of what happened",
    remedy: "map the time at which these rows happened to `occurred_at`, and this one to `known_at`",
};

/// Share of the rows from which on one instant is too many.
const INSTANT_SHARE: f64 = 0.001;
/// Instants that are counted at once: any with a share of 1/4097 or more of the rows is found.
const COUNTERS: usize = 4_096;
/// Share of one type from which on an instant is a campaign.
const CAMPAIGN: f64 = 0.9;

/// Instants shared by many rows; purchases and days without a time of day left out.
///
/// Counted by Misra and Gries: in memory that does not grow, each count at most rows/4097 too low.
#[derive(Debug, Default)]
pub(super) struct OneInstant {
    counters: BTreeMap<Instant, Counter>,
    rows: u64,
}

#[derive(Debug, Default)]
struct Counter {
    /// Falls when there is no room for another instant.
    credit: u64,
    rows: u64,
    by_type: BTreeMap<TypeIndex, u64>,
    first: String,
}

impl OneInstant {
    fn count(&mut self, at: Instant, kind: TypeIndex, account: &str) {
        self.rows += 1;
        if self.counters.len() == COUNTERS && !self.counters.contains_key(&at) {
            for counter in self.counters.values_mut() {
                counter.credit -= 1;
            }
            self.counters.retain(|_, counter| counter.credit > 0);
            return;
        }
        let counter = self.counters.entry(at).or_default();
        if counter.rows == 0 {
            account.clone_into(&mut counter.first);
        }
        counter.credit += 1;
        counter.rows += 1;
        *counter.by_type.entry(kind).or_default() += 1;
    }
}

impl LogCheck for OneInstant {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        for row in &history.interactions {
            if !span.type_of(row.kind).transactional && !span.is_day(row.occurred_at) {
                self.count(row.occurred_at, row.kind, &history.account.id);
            }
        }
    }

    fn finding(&self, span: &LogSpan) -> Option<AuditFinding> {
        let mut tally = Tally::default();
        let (mut rows, mut mixed) = (0, false);
        for (at, counter) in &self.counters {
            let many =
                counter.rows >= LEAST_BULK && share(counter.rows, self.rows) >= INSTANT_SHARE;
            let largest = counter.by_type.values().max().copied().unwrap_or(0);
            rows += if many { counter.rows } else { 0 };
            mixed |= many && share(largest, counter.rows) < CAMPAIGN;
            tally.see(many, || {
                let (count, first) = (counter.rows, &counter.first);
                format!("{}: {count} interactions, the first of {first}", span.moment(*at))
            });
        }
        let what = format!("{} instants hold {rows} interactions", tally.affected);
        (tally.affected, tally.of) = (rows, self.rows);
        let severity = if mixed { Severity::Bias } else { Severity::Note };
        (rows > 0)
            .then(|| tally.finding(ONE_INSTANT, severity, ("interactions", "interactions"), what))
    }
}

const KNOWN: Wording = Wording {
    check: "known_in_bulk",
    why: "what happened long before and became known on one day is the day of an import or migration: \
          scores read before it lack these rows for all accounts, and jump on it",
    remedy: "map the date on which each row was first entered to `known_at`, in whichever system that \
             was, or begin the back-test after the import",
};

/// Delay from which on a row is no longer entered late but imported \[days\].
const LONG_DELAY_DAYS: f64 = 30.0;
/// A day is bulk from this multiple of the busiest ordinary days on.
const BULK_FACTOR: f64 = 5.0;
/// Quantile of days that stands for the busiest ordinary ones.
const BUSY: f64 = 0.95;

/// Days on which far more became known that was long past than on the busiest ordinary days.
#[derive(Debug, Default)]
pub(super) struct KnownInBulk {
    days: BTreeMap<NaiveDate, Import>,
    rows: u64,
}

#[derive(Debug)]
struct Import {
    rows: u64,
    from: Instant,
    to: Instant,
    first: String,
}

impl LogCheck for KnownInBulk {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        self.rows += history.interactions.len() as u64;
        for row in &history.interactions {
            let at = row.occurred_at;
            if row.known_at.days_since(at) > LONG_DELAY_DAYS {
                let day = span.calendar.date_of(row.known_at);
                let new =
                    || Import { rows: 0, from: at, to: at, first: history.account.id.clone() };
                let import = self.days.entry(day).or_insert_with(new);
                import.rows += 1;
                (import.from, import.to) = (import.from.min(at), import.to.max(at));
            }
        }
    }

    fn finding(&self, span: &LogSpan) -> Option<AuditFinding> {
        // Days on which nothing of the kind became known are ordinary days too.
        let days = (span.end().days_since(span.start()) as usize).max(self.days.len());
        let mut counts = vec![0; days - self.days.len()];
        counts.extend(self.days.values().map(|import| import.rows));
        counts.sort_unstable();
        let busy = *counts.get((BUSY * days as f64) as usize)?;
        let limit = (BULK_FACTOR * busy as f64).max(LEAST_BULK as f64);
        let mut tally = Tally::default();
        let mut rows = 0;
        for (day, import) in &self.days {
            let bulk = import.rows as f64 >= limit;
            rows += if bulk { import.rows } else { 0 };
            tally.see(bulk, || {
                let Import { rows, from, to, first } = import;
                let (from, to) = (span.day(*from), span.day(*to));
                format!("{day}: {rows} interactions of {from} to {to}, the first of {first}")
            });
        }
        let what = format!(
            "{rows} interactions became known on {} days, more than {LONG_DELAY_DAYS:.0} days after \
             they happened, where 95 % of days have at most {busy} such",
            tally.affected
        );
        (tally.affected, tally.of) = (rows, self.rows);
        (rows > 0)
            .then(|| tally.finding(KNOWN, Severity::Bias, ("interactions", "interactions"), what))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{at, found, history, row};
    use super::*;

    /// Six rows a day for two years, at different times.
    fn steady() -> AccountHistory {
        let mut log = history("A", "2024-01-01", None);
        let start = at("2024-01-01");
        let time = |n: u32| start.plus_days(f64::from(n) / 6.0 + 0.013);
        log.interactions = (0..4_380).map(|n| row(&time(n).to_string())).collect();
        log
    }

    #[test]
    fn an_instant_that_many_rows_share_is_an_import_even_on_a_busy_day() {
        let mut log = steady();
        assert_eq!(found(OneInstant::default(), &[log.clone()]), None);
        for (n, row) in log.interactions[1_000..1_060].iter_mut().enumerate() {
            row.occurred_at = at("2024-06-20 02:15");
            row.kind = TypeIndex(if n % 2 == 0 { 0 } else { 2 });
        }
        let finding = found(OneInstant::default(), &[log.clone()]).unwrap();
        assert_eq!((finding.affected, finding.severity), (60, Severity::Bias));
        assert_eq!(finding.examples, ["2024-06-20 02:15:00: 60 interactions, the first of A"]);
        for row in &mut log.interactions {
            row.kind = TypeIndex(0);
        }
        assert_eq!(found(OneInstant::default(), &[log.clone()]).unwrap().severity, Severity::Note);
        for row in &mut log.interactions {
            row.kind = TypeIndex(1);
        }
        assert_eq!(found(OneInstant::default(), &[log]), None);
    }

    #[test]
    fn a_frequent_instant_is_found_among_more_instants_than_there_are_counters() {
        let mut check = OneInstant::default();
        for n in 0..100_000 {
            check.count(Instant::from_micros(n), TypeIndex(0), "A");
            if n % 500 == 0 {
                check.count(Instant::from_micros(-1), TypeIndex(0), "A");
            }
        }
        assert!(check.counters.len() <= COUNTERS);
        let rows = check.counters[&Instant::from_micros(-1)].rows;
        assert!((200 - 100_200 / 4_097..=200).contains(&rows), "{rows}");
    }

    #[test]
    fn rows_that_became_known_in_one_import_are_named_and_late_entry_is_not() {
        let mut log = steady();
        for (n, row) in log.interactions.iter_mut().enumerate() {
            row.known_at = row.occurred_at.plus_days(if n % 20 == 0 { 40.0 } else { 2.0 });
        }
        assert_eq!(found(KnownInBulk::default(), &[log.clone()]), None);
        for row in &mut log.interactions[..80] {
            row.known_at = at("2024-06-30 03:00");
        }
        let finding = found(KnownInBulk::default(), &[log]).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (80, 4_380, Severity::Bias));
        let example = "2024-06-30: 80 interactions of 2024-01-01 to 2024-01-14, the first of A";
        assert_eq!(finding.examples, [example]);
    }
}
