//! Flags that the money contradicts: a reason to have left without an exit, revenue of those gone.

use super::finding::{AuditFinding, Severity, Tally, Wording};
use super::{LogCheck, LogSpan};
use crate::interaction::{AccountHistory, Outcome, Status};

const REASON: Wording = Wording {
    check: "exit_reason_without_exit",
    why: "somebody wrote down why the account left, and no date says that it did: attrition counts it \
          among those who stayed",
    remedy: "map the date of the exit to `exited_at`, or ask whether the account came back",
};

/// Accounts with a reason to have left and no exit.
#[derive(Debug, Default)]
pub(super) struct ExitReasonAlone(Tally);

impl LogCheck for ExitReasonAlone {
    fn see(&mut self, history: &AccountHistory, _: &LogSpan) {
        let account = &history.account;
        let alone = account.exited_at.is_none() && account.exit_reason.is_some();
        self.0.see(alone, || {
            format!("{}: `{}`", account.id, account.exit_reason.as_deref().unwrap_or_default())
        });
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!("{} accounts have a reason to have left but no exit", self.0.affected);
        (self.0.affected > 0)
            .then(|| self.0.finding(REASON, Severity::Bias, ("accounts", "accounts"), what))
    }
}

const AFTER_EXIT: Wording = Wording {
    check: "revenue_after_exit",
    why: "an account that pays has not left: its exit is dated too early or wrong, and attrition is \
          predicted from customers",
    remedy: "date the exit after the last revenue, or book late payments in the month they are for",
};

/// Days after an exit in which last invoices arrive.
const LAST_INVOICES_DAYS: f64 = 31.0;

/// Revenue of periods that begin more than a month after the account's exit.
#[derive(Debug, Default)]
pub(super) struct RevenueAfterExit(Tally);

impl LogCheck for RevenueAfterExit {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        let exit = history.account.exited_at;
        let settled = exit.map(|exit| exit.plus_days(LAST_INVOICES_DAYS));
        for outcome in &history.outcomes {
            let late = settled.is_some_and(|settled| outcome.period_start >= settled);
            self.0.see(late && outcome.revenue > 0.0, || {
                let exit = exit.map(|exit| span.day(exit)).unwrap_or_default();
                format!("{}, exit {exit}", paid(&history.account.id, outcome, span))
            });
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!(
            "{} outcomes have revenue more than a month after their account's exit",
            self.0.affected
        );
        (self.0.affected > 0)
            .then(|| self.0.finding(AFTER_EXIT, Severity::Bias, ("outcomes", "outcomes"), what))
    }
}

const STATUS: Wording = Wording {
    check: "revenue_against_status",
    why: "a prospect who pays is a customer, and so is one who goes on paying after a period at whose \
          end it had left: status words then are no attrition",
    remedy: "derive the status from revenue and exits, or correct the periods",
};

/// Revenue of prospects, and of accounts that had left by the end of an earlier period.
#[derive(Debug, Default)]
pub(super) struct RevenueAgainstStatus(Tally);

impl LogCheck for RevenueAgainstStatus {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        let mut gone = false;
        for outcome in &history.outcomes {
            let contradicts = match outcome.status {
                Status::Prospect => true,
                Status::Exited => gone,
                Status::Customer => false,
            };
            self.0.see(contradicts && outcome.revenue > 0.0, || {
                format!("{}, `{}`", paid(&history.account.id, outcome, span), outcome.status)
            });
            gone = outcome.status == Status::Exited;
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!(
            "{} outcomes have revenue of a prospect, or of an account that had left by the period \
             before",
            self.0.affected
        );
        (self.0.affected > 0)
            .then(|| self.0.finding(STATUS, Severity::Bias, ("outcomes", "outcomes"), what))
    }
}

fn paid(account: &str, outcome: &Outcome, span: &LogSpan) -> String {
    let from = span.day(outcome.period_start);
    format!("{account}: {:.2} in the period from {from}", outcome.revenue)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{found, history, outcome};
    use super::*;

    #[test]
    fn a_reason_to_leave_without_an_exit_is_named() {
        let mut stays = history("A", "2024-01-01", None);
        assert_eq!(found(ExitReasonAlone::default(), &[stays.clone()]), None);
        stays.account.exit_reason = Some("price".to_owned());
        let mut left = history("B", "2024-01-01", Some("2024-06-01"));
        left.account.exit_reason = Some("price".to_owned());
        let finding = found(ExitReasonAlone::default(), &[stays, left]).unwrap();
        assert_eq!((finding.affected, finding.of), (1, 2));
        assert_eq!(finding.examples, ["A: `price`"]);
    }

    #[test]
    fn revenue_long_after_an_exit_is_named_and_a_last_invoice_is_not() {
        let mut left = history("A", "2024-01-01", Some("2024-05-10"));
        left.outcomes = ["2024-05", "2024-06"].map(|m| outcome(m, 9.0, Status::Exited)).into();
        assert_eq!(found(RevenueAfterExit::default(), &[left.clone()]), None);
        left.outcomes.push(outcome("2024-07", 0.0, Status::Exited));
        left.outcomes.push(outcome("2024-08", 7.5, Status::Exited));
        let finding = found(RevenueAfterExit::default(), &[left]).unwrap();
        assert_eq!((finding.affected, finding.of), (1, 4));
        assert_eq!(finding.examples, ["A: 7.50 in the period from 2024-08-01, exit 2024-05-10"]);
    }

    #[test]
    fn prospects_do_not_pay_nor_do_those_who_left_a_period_ago() {
        let mut log = history("A", "2024-01-01", None);
        log.outcomes = vec![
            outcome("2024-01", 0.0, Status::Prospect),
            outcome("2024-02", 3.0, Status::Customer),
            outcome("2024-03", 3.0, Status::Exited),
            outcome("2024-04", 0.0, Status::Exited),
        ];
        assert_eq!(found(RevenueAgainstStatus::default(), &[log.clone()]), None);
        log.outcomes[0].revenue = 1.0;
        log.outcomes[3].revenue = 1.0;
        let finding = found(RevenueAgainstStatus::default(), &[log]).unwrap();
        assert_eq!((finding.affected, finding.of), (2, 4));
    }
}
