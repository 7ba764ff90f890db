//! Does a log, a plan or a table of features know what it could not have known?
//!
//! ```text
//! AccountHistory, one by one ──> LogAudit      what is wrong with the log itself
//!            │
//!            └─ FeatureTable ──> FeatureAudit  what is wrong with features that were made of it
//! ```
//!
//! Every check is one object that sees the accounts once, in order, and says at the end what it
//! found, with the number of rows and examples. Orders that ingest and the reader of logs refuse
//! (a row known before it happened, an answer before its question, an outcome known before its
//! period ended, a contact that no table has) are not checked here: no such log can be read.

mod bulk;
mod clock;
mod contacts;
mod duplicates;
mod entry;
mod exits;
mod features;
mod finding;
mod flags;
mod known;
mod order;
mod plan;

pub use features::{FeatureAudit, NothingCompared, changed_features};
pub use finding::{AuditFinding, Severity};
pub use order::{RefusedRows, audit_refused};
pub use plan::{PlanPair, audit_pairs};

use crate::ids::TypeIndex;
use crate::interaction::{AccountHistory, Interaction, Stage};
use crate::time::{Calendar, Instant, Month};

/// What checks know of an interaction type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogType {
    /// Its name.
    pub name: String,
    /// Stage of the relationship in which it belongs.
    pub stage: Stage,
    /// Whether it is a purchase, renewal or invoice.
    pub transactional: bool,
}

/// What checks know of a log beside its accounts.
#[derive(Debug, Clone)]
pub struct LogSpan {
    /// Time zone of the months.
    pub calendar: Calendar,
    /// First month of the outcomes.
    pub first: Month,
    /// Number of months of the outcomes.
    pub months: u32,
    /// The interaction types, by position.
    pub types: Vec<LogType>,
}

impl LogSpan {
    /// First instant of the log.
    pub fn start(&self) -> Instant {
        self.calendar.start_of(self.first)
    }

    /// First instant after the log.
    pub fn end(&self) -> Instant {
        self.calendar.start_of(self.first.plus(self.months as i32))
    }

    /// The day of `at`, as examples write it.
    fn day(&self, at: Instant) -> String {
        self.calendar.date_of(at).to_string()
    }

    fn type_of(&self, TypeIndex(kind): TypeIndex) -> &LogType {
        &self.types[usize::from(kind)]
    }

    /// Whether `at` is a day without a time of day.
    fn is_day(&self, at: Instant) -> bool {
        let before = Instant::from_micros(at.micros() - 1);
        self.calendar.date_of(before) != self.calendar.date_of(at)
    }

    /// The day of `at` and its time of day, where it has one.
    fn moment(&self, at: Instant) -> String {
        let day = self.day(at);
        if self.is_day(at) {
            return day;
        }
        format!("{day} {}", self.calendar.time_of_day(at).format("%H:%M:%S"))
    }

    /// `row` of `account`, as examples write it: account, type, time and where it is said its name.
    fn row(&self, account: &str, row: &Interaction) -> String {
        let (kind, moment) = (&self.type_of(row.kind).name, self.moment(row.occurred_at));
        match row.details.as_ref().and_then(|details| details.source_id.as_deref()) {
            Some(id) => format!("{account}: {kind} on {moment}, source id `{id}`"),
            None => format!("{account}: {kind} on {moment}"),
        }
    }
}

/// One check of a log: sees every account once, in order.
trait LogCheck {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan);

    /// What it found; none when there is nothing to say.
    fn finding(&self, span: &LogSpan) -> Option<AuditFinding>;
}

/// All checks of a log, in one pass and in memory that does not grow with rows.
pub struct LogAudit {
    span: LogSpan,
    checks: Vec<Box<dyn LogCheck>>,
}

impl std::fmt::Debug for LogAudit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogAudit").field("span", &self.span).finish_non_exhaustive()
    }
}

impl LogAudit {
    /// An audit that has seen no account.
    pub fn new(span: LogSpan) -> Self {
        Self {
            span,
            checks: vec![
                Box::<known::KnownAt>::default(),
                Box::<known::BulkEntry>::default(),
                Box::<bulk::OneInstant>::default(),
                Box::<bulk::KnownInBulk>::default(),
                Box::<exits::AfterExit>::default(),
                Box::<exits::StatusAgainstExit>::default(),
                Box::<exits::Survivorship>::default(),
                Box::<flags::ExitReasonAlone>::default(),
                Box::<flags::RevenueAfterExit>::default(),
                Box::<flags::RevenueAgainstStatus>::default(),
                Box::<order::StageOrder>::default(),
                Box::<entry::EntryPileUp>::default(),
                Box::<entry::LeftTruncation>::default(),
                Box::<entry::ClosedCohort>::default(),
                Box::<clock::HoursShifted>::default(),
                Box::<clock::WorkAtNight>::default(),
                Box::<clock::EveningDates>::default(),
                Box::<clock::ClockTies>::default(),
                Box::<duplicates::DuplicateRows>::default(),
                Box::<duplicates::RepeatedUnderNewIds>::default(),
                Box::<duplicates::DuplicateAccounts>::default(),
                Box::<contacts::OutsideMembership>::default(),
                Box::<contacts::CopiedToContacts>::default(),
                Box::<contacts::NoContact>::default(),
                Box::<contacts::SharedParent>::default(),
            ],
        }
    }

    /// Looks at one account.
    pub fn see(&mut self, history: &AccountHistory) {
        for check in &mut self.checks {
            check.see(history, &self.span);
        }
    }

    /// What was found, gravest first.
    pub fn findings(&self) -> Vec<AuditFinding> {
        let found = self.checks.iter().filter_map(|check| check.finding(&self.span));
        sorted(found.collect())
    }
}

/// `part` of `whole`, in `[0, 1]`; 0 without a whole.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Gravest first; otherwise as they come.
fn sorted(mut findings: Vec<AuditFinding>) -> Vec<AuditFinding> {
    findings.sort_by_key(|finding| finding.severity);
    findings
}

#[cfg(test)]
mod sample {
    //! Small logs for the tests of the checks.

    use super::*;
    use crate::interaction::{Account, Outcome, Status};

    pub(super) fn span() -> LogSpan {
        LogSpan {
            calendar: Calendar::UTC,
            first: "2024-01".parse().expect("a month"),
            months: 24,
            types: [("call", false), ("order", true), ("visit", false), ("trial", false)]
                .map(|(name, transactional)| LogType {
                    name: name.to_owned(),
                    stage: if name == "trial" { Stage::Acquisition } else { Stage::Retention },
                    transactional,
                })
                .into(),
        }
    }

    pub(super) fn at(text: &str) -> Instant {
        Calendar::UTC.parse(text).expect("a time")
    }

    pub(super) fn history(id: &str, entered: &str, exited: Option<&str>) -> AccountHistory {
        AccountHistory::empty(Account {
            id: id.to_owned(),
            entered_at: at(entered),
            exited_at: exited.map(at),
            ..Account::default()
        })
    }

    pub(super) fn row(occurred: &str) -> Interaction {
        let occurred_at = at(occurred);
        Interaction { occurred_at, known_at: occurred_at, ..Interaction::default() }
    }

    pub(super) fn outcome(month: &str, revenue: f64, status: Status) -> Outcome {
        let month: Month = month.parse().expect("a month");
        let (start, end) = (Calendar::UTC.start_of(month), Calendar::UTC.end_of(month));
        Outcome {
            period_start: start,
            period_end: end,
            known_at: end,
            revenue,
            status,
            ..Outcome::default()
        }
    }

    /// What `check` finds in `histories`.
    pub(super) fn found(
        mut check: impl LogCheck,
        histories: &[AccountHistory],
    ) -> Option<AuditFinding> {
        for history in histories {
            check.see(history, &span());
        }
        check.finding(&span())
    }
}
