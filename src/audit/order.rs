//! Impossible orders: what belongs to a customer before there was one, and rows that ingest refused.

use super::finding::{AuditFinding, Severity, Tally, Wording};
use super::{LogCheck, LogSpan, share};
use crate::interaction::{AccountHistory, Interaction, Stage};

const STAGES: Wording = Wording {
    check: "stage_order",
    why: "what belongs to customers, such as use or a ticket, before anything that won them, such as a \
          signup, is dated wrongly or of another account, and Relationship Value starts too early",
    remedy: "compare the clocks and keys of the systems that these rows come from; where customers are \
             not won by the types of acquisition and closing, correct their stage in the catalogue",
};

/// Share of accounts up to which a wrong order is a fault; where it is common, it is no order.
const RARE: f64 = 0.1;
/// How much earlier a row must be \[days\]: systems keep different clocks, and some only the day.
const LEAST_LEAD_DAYS: f64 = 1.0;

/// Interactions of the stage of retention before the account's first of acquisition or closing, of
/// accounts that entered after the log's first month.
#[derive(Debug, Default)]
pub(super) struct StageOrder {
    rows: Tally,
    accounts: u64,
    wrong: u64,
}

impl LogCheck for StageOrder {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        if history.account.entered_at < span.calendar.end_of(span.first) {
            return;
        }
        let stage = |row: &Interaction| row.stage.unwrap_or(span.type_of(row.kind).stage);
        let won = history.interactions.iter().find(|row| stage(row) != Stage::Retention);
        let Some(won) = won else { return };
        let before = self.rows.affected;
        for row in history.interactions.iter().filter(|row| stage(row) == Stage::Retention) {
            let early = row.occurred_at.plus_days(LEAST_LEAD_DAYS) <= won.occurred_at;
            self.rows.see(early, || {
                let first = span.moment(won.occurred_at);
                let kind = &span.type_of(won.kind).name;
                format!("{}, first {kind} on {first}", span.row(&history.account.id, row))
            });
        }
        self.accounts += 1;
        self.wrong += u64::from(self.rows.affected > before);
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let Self { rows, accounts, wrong } = self;
        let severity = match share(*wrong, *accounts) {
            0.0 => return None,
            few if few <= RARE => Severity::Bias,
            _ => Severity::Note,
        };
        let what = format!(
            "{} interactions of retention are before the first one of acquisition or closing, in \
             {wrong} of {accounts} accounts that have both",
            rows.affected
        );
        Some(rows.finding(STAGES, severity, ("interactions", "interactions"), what))
    }
}

const REFUSED: Wording = Wording {
    check: "impossible_order",
    why: "these rows are in no score, and where the date that they contradict is the wrong one, the \
          rows that remain are of the wrong age",
    remedy: "ask which date is right: `rejected.parquet`, which `rvq ingest` writes, holds every such row",
};

/// Rows of one source that ingest refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRows {
    /// Name of the reason, such as `before_entry`.
    pub reason: String,
    /// Source, as the mapping names it.
    pub source: String,
    /// Rows refused for this reason.
    pub rows: u64,
    /// Rows of the source that were read.
    pub read: u64,
    /// The first of them: where it is, and the rule in words.
    pub example: Option<String>,
}

/// Reasons that are an order in time.
const ORDERS: [&str; 3] = ["before_entry", "known_before_it_happened", "ends_before_it_begins"];
/// Share of the rows of a source from which on refused rows are more than slips of the pen.
const MANY_REFUSED: f64 = 0.01;

/// Rows that ingest refused for an impossible order in time.
///
/// A bias from one row in a hundred of a source on, else a note.
///
/// # Examples
///
/// ```
/// use rvq::audit::{RefusedRows, audit_refused};
///
/// let refused = RefusedRows {
///     reason: "before_entry".to_owned(),
///     source: "tickets.csv".to_owned(),
///     rows: 3,
///     read: 100,
///     example: None,
/// };
/// assert_eq!(audit_refused(&[refused]).ok_or("nothing found")?.affected, 3);
/// assert_eq!(audit_refused(&[]), None);
/// # Ok::<(), &str>(())
/// ```
pub fn audit_refused(refused: &[RefusedRows]) -> Option<AuditFinding> {
    let order = |rows: &&RefusedRows| rows.rows > 0 && ORDERS.contains(&rows.reason.as_str());
    let orders: Vec<&RefusedRows> = refused.iter().filter(order).collect();
    let mut read: Vec<(&str, u64)> =
        orders.iter().map(|rows| (rows.source.as_str(), rows.read)).collect();
    read.dedup();
    let mut tally = Tally::default();
    for rows in &orders {
        tally.see(true, || rows.example.clone().unwrap_or_else(|| rows.source.clone()));
    }
    tally.affected = orders.iter().map(|rows| rows.rows).sum();
    tally.of = read.iter().map(|(_, rows)| rows).sum();
    let many = orders.iter().any(|rows| share(rows.rows, rows.read) >= MANY_REFUSED);
    let severity = if many { Severity::Bias } else { Severity::Note };
    let count = |rows: &&RefusedRows| format!("{} `{}` in {}", rows.rows, rows.reason, rows.source);
    let counts: Vec<String> = orders.iter().map(count).collect();
    let what = format!("ingest refused rows whose dates contradict others: {}", counts.join(", "));
    (!orders.is_empty())
        .then(|| tally.finding(REFUSED, severity, ("rows of the export", "rows read"), what))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{found, history, row};
    use super::*;
    use crate::ids::TypeIndex;

    /// An account that entered in March with a trial on the 10th and a call at `call`.
    fn account(id: usize, call: &str) -> AccountHistory {
        let mut history = history(&format!("A{id:02}"), "2024-03-01", None);
        let trial = Interaction { kind: TypeIndex(3), ..row("2024-03-10 09:00") };
        history.interactions = vec![trial, row(call)];
        history.interactions.sort_by_key(|row| row.occurred_at);
        history
    }

    #[test]
    fn one_call_before_any_trial_is_a_fault_and_many_are_another_business() {
        let mut log: Vec<_> = (0..20).map(|id| account(id, "2024-03-10 08:00")).collect();
        assert_eq!(found(StageOrder::default(), &log), None);
        log[7] = account(7, "2024-03-05 08:00");
        let finding = found(StageOrder::default(), &log).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (1, 20, Severity::Bias));
        let example = "A07: call on 2024-03-05 08:00:00, first trial on 2024-03-10 09:00:00";
        assert_eq!(finding.examples, [example]);
        for (id, account_) in log.iter_mut().enumerate().take(10) {
            *account_ = account(id, "2024-03-05");
        }
        assert_eq!(found(StageOrder::default(), &log).unwrap().severity, Severity::Note);
        // Who was there before the log was won before it.
        for history in &mut log {
            history.account.entered_at = super::super::sample::at("2023-05-01");
        }
        assert_eq!(found(StageOrder::default(), &log), None);
    }

    #[test]
    fn refused_rows_are_told_when_an_order_in_time_is_the_reason() {
        let refused = |reason: &str, rows: u64| RefusedRows {
            reason: reason.to_owned(),
            source: "calls.csv".to_owned(),
            rows,
            read: 1_000,
            example: Some(format!("calls.csv, row 7: {reason}")),
        };
        assert_eq!(audit_refused(&[refused("not_a_number", 5)]), None);
        let finding = audit_refused(&[refused("before_entry", 9), refused("not_a_time", 50)]);
        let finding = finding.unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (9, 1_000, Severity::Note));
        assert_eq!(finding.examples, ["calls.csv, row 7: before_entry"]);
        let two = [refused("before_entry", 10), refused("known_before_it_happened", 1)];
        let finding = audit_refused(&two).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (11, 1_000, Severity::Bias));
    }
}
