//! When rows became known: never said, or many at once.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::finding::{AuditFinding, Severity, Tally, Wording};
use super::{LogCheck, LogSpan};
use crate::ids::TypeIndex;
use crate::interaction::AccountHistory;

const KNOWN_AT: Wording = Wording {
    check: "known_at_absent",
    why: "every row counts as known when it happened: rows that were entered late or back-dated \
          let a score look ahead, unseen",
    remedy: "map the date on which a row was created or last edited to `known_at`",
};

/// No row was known later than it happened.
#[derive(Debug, Default)]
pub(super) struct KnownAt(Tally);

impl LogCheck for KnownAt {
    fn see(&mut self, history: &AccountHistory, _: &LogSpan) {
        for row in &history.interactions {
            self.0.see(row.known_at == row.occurred_at, || history.account.id.clone());
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        (self.0.of > 0 && self.0.affected == self.0.of).then(|| {
            let what = "no interaction was known later than it happened".to_owned();
            let tally = Tally::counted(self.0.affected, self.0.of);
            tally.finding(KNOWN_AT, Severity::Note, ("interactions", "interactions"), what)
        })
    }
}

const BULK: Wording = Wording {
    check: "bulk_entry",
    why: "rows that were entered in one go carry the day of entry, or happened long before they \
          were known: a score read between the two looks ahead",
    remedy: "ask who entered these rows and when; map the day of entry to `known_at` and the true \
             day to `occurred_at`",
};

/// A day is bulk from this multiple of the busiest ordinary days on.
const BULK_FACTOR: f64 = 5.0;
/// Rows that make a bulk.
const LEAST_BULK: u64 = 50;
/// Quantile of rows per day that stands for the busiest ordinary days.
const BUSY: f64 = 0.95;

/// Days with far more interactions than the busiest ordinary ones; purchases, which keep to the
/// calendar of invoices, left out.
#[derive(Debug, Default)]
pub(super) struct BulkEntry {
    days: BTreeMap<NaiveDate, Day>,
}

#[derive(Debug, Default)]
struct Day {
    rows: u64,
    /// Rows that do not say when they became known.
    unsaid: u64,
    by_type: BTreeMap<TypeIndex, u64>,
}

impl Day {
    /// A campaign is of one type; rows that somebody entered for others are of many.
    fn is_campaign(&self) -> bool {
        let largest = self.by_type.values().max().copied().unwrap_or(0);
        largest as f64 >= CAMPAIGN * self.rows as f64
    }
}

/// Share of one type from which on a day is a campaign.
const CAMPAIGN: f64 = 0.9;

impl LogCheck for BulkEntry {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        for row in &history.interactions {
            if span.type_of(row.kind).transactional {
                continue;
            }
            let day = self.days.entry(span.calendar.date_of(row.occurred_at)).or_default();
            day.rows += 1;
            day.unsaid += u64::from(row.known_at == row.occurred_at);
            *day.by_type.entry(row.kind).or_default() += 1;
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let mut counts: Vec<u64> = self.days.values().map(|day| day.rows).collect();
        counts.sort_unstable();
        let busy = *counts.get((BUSY * counts.len() as f64) as usize)?;
        let limit = (BULK_FACTOR * busy as f64).max(LEAST_BULK as f64);
        let bulk: Vec<_> = self.days.iter().filter(|(_, day)| day.rows as f64 >= limit).collect();
        let rows: u64 = bulk.iter().map(|(_, day)| day.rows).sum();
        let mixed = bulk.iter().filter(|(_, day)| !day.is_campaign());
        let unsaid: u64 = mixed.map(|(_, day)| day.unsaid).sum();
        (rows > 0).then(|| {
            let mut tally = Tally::default();
            for (date, day) in &bulk {
                tally.see(true, || format!("{date}: {} interactions", day.rows));
            }
            (tally.affected, tally.of) = (rows, counts.iter().sum());
            let what = format!(
                "{} days hold {rows} interactions, where 95 % of days hold at most {busy} (purchases \
                 are left out of all counts)",
                bulk.len()
            );
            // With days of their own in `known_at` the rows cannot look ahead; campaigns happen.
            let severity = if 2 * unsaid > rows { Severity::Bias } else { Severity::Note };
            tally.finding(BULK, severity, ("interactions", "interactions"), what)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{at, found, history, row};
    use super::*;

    fn daily() -> AccountHistory {
        let mut log = history("A", "2024-01-01", None);
        log.interactions = (0..300)
            .map(|day| row(&at("2024-01-01").plus_days(f64::from(day)).to_string()))
            .collect();
        log
    }

    #[test]
    fn rows_all_known_when_they_happened_are_noted_and_one_late_row_is_enough() {
        let mut log = daily();
        let finding = found(KnownAt::default(), &[log.clone()]).unwrap();
        assert_eq!((finding.severity, finding.affected), (Severity::Note, 300));
        log.interactions[7].known_at = log.interactions[7].occurred_at.plus_days(2.0);
        assert_eq!(found(KnownAt::default(), &[log]), None);
    }

    #[test]
    fn a_day_on_which_a_hundred_rows_were_entered_stands_out() {
        let mut log = daily();
        assert_eq!(found(BulkEntry::default(), &[log.clone()]), None);
        log.interactions.extend((0..100).map(|_| row("2024-12-31 09:00")));
        // All of one type: a campaign.
        let campaign = found(BulkEntry::default(), &[log.clone()]).unwrap();
        assert_eq!(campaign.severity, Severity::Note);
        for row in log.interactions[300..].iter_mut().step_by(3) {
            row.kind = TypeIndex(2);
        }
        let finding = found(BulkEntry::default(), &[log.clone()]).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (100, 400, Severity::Bias));
        assert_eq!(finding.examples, ["2024-12-31: 100 interactions"]);
        for row in &mut log.interactions[300..] {
            row.known_at = row.occurred_at.plus_days(3.0);
        }
        assert_eq!(found(BulkEntry::default(), &[log]).unwrap().severity, Severity::Note);
    }
}
