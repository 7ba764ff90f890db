//! Rows of one account with exactly one time.

use super::super::finding::{AuditFinding, Severity, Tally, Wording};
use super::super::{LogCheck, LogSpan};
use crate::interaction::AccountHistory;

const TIES: Wording = Wording {
    check: "clock_ties",
    why: "which of two interactions with one time came first is not in the log: scores in which order \
          counts, such as `rv_position` or shocks with recovery, take them as the export lists them",
    remedy: "export times to the second, or the number by which the source orders them; where an import \
             stamped these rows, map the time at which they happened",
};

/// Share of rows from which on ties are more than two touches at once.
const MANY_TIES: f64 = 0.05;

/// Interactions at exactly the time of another one of the account that is of another type.
#[derive(Debug, Default)]
pub(in crate::audit) struct ClockTies {
    rows: Tally,
    /// Ties of days without a time of day.
    days: u64,
}

impl LogCheck for ClockTies {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        for group in history.interactions.chunk_by(|a, b| a.occurred_at == b.occurred_at) {
            let tie = group.iter().any(|row| row.kind != group[0].kind);
            for row in group {
                self.days += u64::from(tie && span.is_day(row.occurred_at));
                self.rows.see(tie, || span.row(&history.account.id, row));
            }
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let Self { rows, days } = self;
        let timed = (rows.affected - days) as f64;
        let many = timed >= MANY_TIES * rows.of as f64;
        let severity = if many { Severity::Bias } else { Severity::Note };
        let what = format!(
            "{} interactions have exactly the time of one of another type of the account, {days} of them \
             a day without a time",
            rows.affected
        );
        (rows.affected > 0)
            .then(|| rows.finding(TIES, severity, ("interactions", "interactions"), what))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::{found, history, row};
    use super::*;
    use crate::ids::TypeIndex;
    use crate::interaction::Interaction;

    #[test]
    fn two_types_at_one_time_are_a_tie_and_two_of_a_type_are_not() {
        let tied = |time: &str, kind: u16| {
            let mut log = history("A", "2024-01-01", None);
            log.interactions =
                (1..=18).map(|day| row(&format!("2024-02-{day:02} 09:00"))).collect();
            log.interactions.push(row(time));
            log.interactions.push(Interaction { kind: TypeIndex(kind), ..row(time) });
            found(ClockTies::default(), &[log])
        };
        assert_eq!(tied("2024-03-01 10:00", 0), None);
        let finding = tied("2024-03-01 10:00", 2).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (2, 20, Severity::Bias));
        assert_eq!(finding.examples[1], "A: visit on 2024-03-01 10:00:00");
        let finding = tied("2024-03-01", 2).unwrap();
        assert_eq!((finding.affected, finding.severity), (2, Severity::Note));
        assert!(finding.what.contains("2 of them a day"), "{}", finding.what);
    }
}
