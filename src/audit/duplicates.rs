//! The same row twice, and the same account under two names.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::finding::{AuditFinding, Severity, Tally, Wording};
use super::{LogCheck, LogSpan};
use crate::interaction::{AccountHistory, Details, Interaction};

const ROWS: Wording = Wording {
    check: "duplicate_rows",
    why: "a row that is there twice counts twice in every score and in cost to engage",
    remedy: "set `deduplicate = true` in the mapping, or drop repeated source ids from the export",
};

/// Interactions of one account with the same type, contact and instant, and no source ids that
/// tell them apart.
#[derive(Debug, Default)]
pub(super) struct DuplicateRows {
    tally: Tally,
    /// Repeated rows with a source id or a time of day: two like them are no accident.
    sure: u64,
}

impl LogCheck for DuplicateRows {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        let mut seen = BTreeSet::new();
        for row in &history.interactions {
            let id = row.details.as_ref().and_then(|details| details.source_id.as_deref());
            let new = seen.insert((row.occurred_at, row.kind, row.contact, id));
            let sure = id.is_some() || !span.is_day(row.occurred_at);
            self.sure += u64::from(!new && sure);
            self.tally.see(!new, || {
                let (account, day) = (&history.account.id, span.day(row.occurred_at));
                id.map_or_else(
                    || format!("{account}: {day}"),
                    |id| format!("{account}: {day}, source id `{id}`"),
                )
            });
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!(
            "{} interactions repeat an earlier one: same account, contact, type, instant and \
             source id",
            self.tally.affected
        );
        // Days without a time of day and source ids cannot tell two alike from one twice.
        let severity = if self.sure > 0 { Severity::Bias } else { Severity::Note };
        (self.tally.affected > 0)
            .then(|| self.tally.finding(ROWS, severity, ("interactions", "interactions"), what))
    }
}

const NEW_IDS: Wording = Wording {
    check: "repeated_under_new_ids",
    why: "the same rows exported twice, or by two systems, under other ids count twice in every score \
          and in cost to engage, and no rule by id can tell",
    remedy: "export the period once, or set `deduplicate = { by = [...] }` on the columns that say \
             what happened",
};

/// Share of rows from which on repeats are more than two touches within one second.
const MANY_REPEATS: f64 = 0.01;

/// Interactions that differ from an earlier one of the account in nothing but source and source id;
/// days without a time of day and purchases, which are booked line by line, left out.
#[derive(Debug, Default)]
pub(super) struct RepeatedUnderNewIds(Tally);

impl LogCheck for RepeatedUnderNewIds {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        let mut seen: BTreeMap<_, Vec<&Interaction>> = BTreeMap::new();
        for row in &history.interactions {
            if span.is_day(row.occurred_at) || span.type_of(row.kind).transactional {
                continue;
            }
            let alike = seen.entry((row.occurred_at, row.kind, row.contact)).or_default();
            let other = alike.iter().any(|earlier| is_repeat(earlier, row));
            self.0.see(other, || span.row(&history.account.id, row));
            alike.push(row);
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!(
            "{} interactions differ from an earlier one of the account in their id or source only",
            self.0.affected
        );
        let many = self.0.share() >= MANY_REPEATS;
        let severity = if many { Severity::Bias } else { Severity::Note };
        (self.0.affected > 0)
            .then(|| self.0.finding(NEW_IDS, severity, ("interactions", "interactions"), what))
    }
}

/// Whether two rows of one account are equal but for where they come from and their name there.
fn is_repeat(earlier: &Interaction, row: &Interaction) -> bool {
    let named = |row: &Interaction| {
        let details = row.details.as_deref();
        details.map(|of| (of.source_system.clone(), of.source_id.clone())).unwrap_or_default()
    };
    let nameless = |row: &Interaction| {
        let details = row.details.as_deref().cloned().unwrap_or_default();
        Details { source_system: None, source_id: None, ..details }
    };
    named(earlier) != named(row)
        && earlier.owner == row.owner
        && (earlier.rv, earlier.variable_cost) == (row.rv, row.variable_cost)
        && nameless(earlier) == nameless(row)
}

const ACCOUNTS: Wording = Wording {
    check: "duplicate_accounts",
    why: "one customer under two names counts as two independent ones, and may be trained on under \
          one name and tested under the other",
    remedy: "merge these accounts before ingest",
};

/// Rows from which on two equal histories are no accident.
const LEAST_ROWS: usize = 3;

/// Accounts with exactly the interactions and outcomes of another one.
#[derive(Debug, Default)]
pub(super) struct DuplicateAccounts {
    /// By fingerprint: the first account that has it.
    seen: BTreeMap<u64, String>,
    tally: Tally,
}

/// A number that accounts with the same rows share.
fn fingerprint(history: &AccountHistory) -> Option<u64> {
    let paid = history.outcomes.iter().filter(|outcome| outcome.revenue != 0.0);
    if history.interactions.len() + paid.clone().count() < LEAST_ROWS {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    for row in &history.interactions {
        (row.occurred_at, row.kind, row.contact).hash(&mut hasher);
    }
    for outcome in paid {
        (outcome.period_start, outcome.revenue.to_bits()).hash(&mut hasher);
    }
    Some(hasher.finish())
}

impl LogCheck for DuplicateAccounts {
    fn see(&mut self, history: &AccountHistory, _: &LogSpan) {
        let id = &history.account.id;
        let print = fingerprint(history);
        let first = print.and_then(|print| self.seen.get(&print));
        self.tally.see(first.is_some(), || format!("{id} is {}", first.map_or("", |id| id)));
        if let (Some(print), None) = (print, first) {
            self.seen.insert(print, id.clone());
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!(
            "{} accounts have exactly the interactions and revenue of an earlier account",
            self.tally.affected
        );
        (self.tally.affected > 0)
            .then(|| self.tally.finding(ACCOUNTS, Severity::Bias, ("accounts", "accounts"), what))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{found, history, row};
    use super::*;
    use crate::ids::ContactIndex;

    fn log(id: &str) -> AccountHistory {
        let mut log = history(id, "2024-01-01", None);
        log.interactions = vec![row("2024-02-01"), row("2024-03-01"), row("2024-03-02")];
        log
    }

    #[test]
    fn a_repeated_row_is_named_and_a_row_with_another_contact_or_source_id_is_not() {
        let mut log = log("A");
        assert_eq!(found(DuplicateRows::default(), &[log.clone()]), None);
        let mut other = log.interactions[2].clone();
        other.contact = Some(ContactIndex(1));
        let mut named = log.interactions[2].clone();
        let details = Details { source_id: Some("7".to_owned()), ..Details::default() };
        named.details = Some(Box::new(details));
        log.interactions.extend([other, named]);
        assert_eq!(found(DuplicateRows::default(), &[log.clone()]), None);
        log.interactions.push(log.interactions[4].clone());
        let finding = found(DuplicateRows::default(), &[log]).unwrap();
        assert_eq!((finding.affected, finding.of), (1, 6));
        assert_eq!(finding.examples, ["A: 2024-03-02, source id `7`"]);
        assert_eq!(finding.severity, Severity::Bias);
    }

    #[test]
    fn rows_exported_twice_under_new_ids_are_named_and_lines_of_an_order_are_not() {
        let named = |time: &str, id: usize| {
            let source_id = Some(id.to_string());
            Interaction {
                details: Some(Box::new(Details { source_id, ..Details::default() })),
                ..row(time)
            }
        };
        let mut log = log("A");
        log.interactions = (10..28).map(|d| named(&format!("2024-02-{d} 09:30"), d)).collect();
        assert_eq!(found(RepeatedUnderNewIds::default(), &[log.clone()]), None);
        let mut again = named("2024-02-12 09:30", 99);
        log.interactions.push(again.clone());
        let finding = found(RepeatedUnderNewIds::default(), &[log.clone()]).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (1, 19, Severity::Bias));
        assert_eq!(finding.examples, ["A: call on 2024-02-12 09:30:00, source id `99`"]);
        // Another amount, or a purchase, is another line of what was bought at once.
        again.rv = Some(2.0);
        log.interactions[18] = again;
        assert_eq!(found(RepeatedUnderNewIds::default(), &[log.clone()]), None);
        for row in &mut log.interactions {
            (row.rv, row.kind) = (None, crate::ids::TypeIndex(1));
        }
        assert_eq!(found(RepeatedUnderNewIds::default(), &[log]), None);
    }

    #[test]
    fn two_rows_of_one_day_without_a_time_may_be_two() {
        let twice = |time: &str| {
            let mut log = log("A");
            log.interactions.extend([row(time), row(time)]);
            found(DuplicateRows::default(), &[log]).unwrap().severity
        };
        assert_eq!(twice("2024-04-01"), Severity::Note);
        assert_eq!(twice("2024-04-01 10:30"), Severity::Bias);
    }

    #[test]
    fn an_account_that_is_there_under_two_names_is_named() {
        let mut other = log("B");
        let finding = found(DuplicateAccounts::default(), &[log("A"), other.clone()]).unwrap();
        assert_eq!(finding.examples, ["B is A"]);
        other.interactions[1] = row("2024-03-01 00:01");
        assert_eq!(found(DuplicateAccounts::default(), &[log("A"), other]), None);
        let mut short = [log("A"), log("B")];
        for log in &mut short {
            log.interactions.truncate(2);
        }
        assert_eq!(found(DuplicateAccounts::default(), &short), None);
    }
}
