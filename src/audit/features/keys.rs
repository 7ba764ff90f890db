//! The rows of a feature table: whose they are, when, in which fold, and who is missing.

use std::collections::{BTreeMap, BTreeSet};

use super::joined::Joined;
use crate::audit::finding::{AuditFinding, Severity, Tally, Wording};
use crate::interaction::AccountHistory;

pub(super) fn findings(joined: &Joined<'_>) -> Vec<AuditFinding> {
    let checks = [unknown, before_entry, after_exit, folds, repeated, contacts];
    checks.iter().filter_map(|check| check(joined)).collect()
}

const UNKNOWN: Wording = Wording {
    check: "unknown_account",
    why: "features of accounts that the log does not have cannot be held against anything",
    remedy: "use the same account ids, and the same export, for both",
};

fn unknown(joined: &Joined<'_>) -> Option<AuditFinding> {
    let mut tally = Tally::default();
    for (row, (account, _)) in joined.places.iter().enumerate() {
        tally.see(joined.facts[*account].is_none(), || joined.row_name(row));
    }
    let what = format!("{} rows name an account that the log does not have", tally.affected);
    (tally.affected > 0)
        .then(|| tally.finding(UNKNOWN, Severity::Bias, (&joined.table.name, "rows"), what))
}

const BEFORE_ENTRY: Wording = Wording {
    check: "before_entry",
    why: "nothing is known of an account before it enters: a row there was filled in later",
    remedy: "drop rows before the account's entry",
};

/// Rows with a value at a date by which the account had not entered.
fn before_entry(joined: &Joined<'_>) -> Option<AuditFinding> {
    let outside = |account: usize, date: usize| {
        let facts = joined.facts[account].as_ref();
        facts.is_some_and(|facts| joined.dates[date] <= facts.entered_at)
    };
    outside_life(joined, BEFORE_ENTRY, "before the account had entered", outside)
}

const AFTER_EXIT: Wording = Wording {
    check: "features_after_exit",
    why: "a score that is frozen or reset when an account leaves tells the exit to whoever reads it",
    remedy: "end the rows of an account with its exit",
};

/// Days after an exit in which a row may still be of the month that it ends.
const GRACE_DAYS: f64 = 31.0;

/// Rows with a value more than a month after the account's exit.
fn after_exit(joined: &Joined<'_>) -> Option<AuditFinding> {
    let outside = |account: usize, date: usize| {
        let exit = joined.facts[account].as_ref().and_then(|facts| facts.exited_at);
        exit.is_some_and(|exit| joined.dates[date] > exit.plus_days(GRACE_DAYS))
    };
    outside_life(joined, AFTER_EXIT, "more than a month after the account's exit", outside)
}

fn outside_life(
    joined: &Joined<'_>,
    wording: Wording,
    when: &str,
    outside: impl Fn(usize, usize) -> bool,
) -> Option<AuditFinding> {
    let mut tally = Tally::default();
    for (row, &(account, date)) in joined.places.iter().enumerate() {
        let filled = joined.table.columns.iter().any(|column| !column.values[row].is_nan());
        tally.see(filled && outside(account, date), || joined.row_name(row));
    }
    let what = format!("{} rows have values {when}", tally.affected);
    (tally.affected > 0)
        .then(|| tally.finding(wording, Severity::Bias, (&joined.table.name, "rows"), what))
}

const FOLDS: Wording = Wording {
    check: "account_in_two_folds",
    why: "a model that has seen an account recognises it in the test: lasting differences between \
          accounts then pass for skill",
    remedy: "deal whole accounts (or parents) into folds",
};

/// Rows of accounts, or of accounts with one parent, that are in more than one fold.
///
/// Where every date is in one fold only, the split is by time and the same accounts are on both
/// sides by design: a note.
fn folds(joined: &Joined<'_>) -> Option<AuditFinding> {
    let folds = joined.table.folds.as_ref()?;
    let group = |account: usize| {
        let parent = joined.facts[account].as_ref().and_then(|facts| facts.parent.as_deref());
        parent.unwrap_or(joined.names[account])
    };
    let mut of_group: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut of_date: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for (&(account, date), fold) in joined.places.iter().zip(folds).filter(|(_, f)| !f.is_empty()) {
        of_group.entry(group(account)).or_default().insert(fold);
        of_date.entry(date).or_default().insert(fold);
    }
    let split = |folds: &BTreeSet<&str>| folds.len() > 1;
    let mut tally = Tally::default();
    let mut named = BTreeSet::new();
    for &(account, _) in &joined.places {
        let group = group(account);
        let affected = of_group.get(group).is_some_and(split);
        tally.see(affected, String::new);
        if affected {
            named.insert(group);
        }
    }
    if named.is_empty() {
        return None;
    }
    let by_time = !of_date.values().any(split);
    let severity = if by_time { Severity::Note } else { Severity::Leak };
    let how = if by_time { "; the folds part time, not accounts" } else { "" };
    let what = format!("{} rows are of {} accounts in more than one fold{how}", tally.affected, {
        named.len()
    });
    let mut finding = tally.finding(FOLDS, severity, (&joined.table.name, "rows"), what);
    let words = |group: &&str| {
        let folds: Vec<&str> = of_group[*group].iter().copied().collect();
        format!("{group} in {}", folds.join(", "))
    };
    finding.examples = named.iter().take(3).map(words).collect();
    Some(finding)
}

const REPEATED: Wording = Wording {
    check: "repeated_rows",
    why: "a row that is there twice counts as two observations and narrows every interval",
    remedy: "keep one row per account, contact and date",
};

/// Rows with the account, contact and date of an earlier one.
fn repeated(joined: &Joined<'_>) -> Option<AuditFinding> {
    let mut seen = BTreeSet::new();
    let mut tally = Tally::default();
    for (row, place) in joined.places.iter().enumerate() {
        let contact = joined.table.contacts.as_ref().map(|contacts| &contacts[row]);
        tally.see(!seen.insert((place, contact)), || joined.row_name(row));
    }
    let what = format!("{} rows repeat account, contact and date", tally.affected);
    (tally.affected > 0)
        .then(|| tally.finding(REPEATED, Severity::Bias, (&joined.table.name, "rows"), what))
}

const CONTACTS: Wording = Wording {
    check: "contacts_as_independent",
    why: "outcomes are the account's: its contacts share one, so they are one observation and not \
          several, and errors that count them apart are too small",
    remedy: "roll contacts up to the account, or take the account as the cluster of every error",
};

/// Rows of contacts that share account and date with another contact's row.
fn contacts(joined: &Joined<'_>) -> Option<AuditFinding> {
    let contacts = joined.table.contacts.as_ref()?;
    let mut at: BTreeMap<(usize, usize), BTreeSet<&str>> = BTreeMap::new();
    for (place, contact) in joined.places.iter().zip(contacts) {
        at.entry(*place).or_default().insert(contact);
    }
    let mut tally = Tally::default();
    for (row, place) in joined.places.iter().enumerate() {
        tally.see(at[place].len() > 1, || format!("{} {}", joined.row_name(row), contacts[row]));
    }
    let same = copied_columns(joined);
    let copied = if same.is_empty() {
        String::new()
    } else {
        format!("; the same for all contacts of an account: {}", same.join(", "))
    };
    let what = format!(
        "{} rows are contacts beside others of their account and date: {} rows stand for {} \
         observations{copied}",
        tally.affected,
        joined.places.len(),
        at.len()
    );
    (tally.affected > 0)
        .then(|| tally.finding(CONTACTS, Severity::Bias, (&joined.table.name, "rows"), what))
}

/// Columns with one value for all contacts of an account at a date, wherever it has several.
fn copied_columns<'a>(joined: &Joined<'a>) -> Vec<&'a str> {
    let of_account = |values: &[f64]| {
        let mut first: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        joined.places.iter().zip(values).all(|(place, value)| {
            first.entry(*place).or_insert(*value).to_bits() == value.to_bits()
        })
    };
    let columns = joined.table.columns.iter().filter(|column| of_account(&column.values));
    columns.map(|column| column.name.as_str()).collect()
}

const SURVIVORS: Wording = Wording {
    check: "features_of_survivors",
    why: "accounts that left are missing from the features though they were there at its dates: \
          what is left has stayed, whatever its features say",
    remedy: "compute the features for every account that was a customer at each date",
};

/// Accounts of the log that were there at a date of the table: left later or not, in it or not.
#[derive(Debug, Default)]
pub(super) struct Survivors {
    /// By whether they left: in the table, in all.
    counts: [(u64, u64); 2],
    missing: Vec<String>,
}

/// Accounts that left, below which nothing is said.
const LEAST_LEFT: u64 = 10;
/// Standard errors by which the two shares must differ.
const SURE: f64 = 4.0;

impl Survivors {
    pub(super) fn see(&mut self, history: &AccountHistory, joined: &Joined<'_>) {
        let account = &history.account;
        let exit = account.exited_at;
        // A month within the log, so that a table may leave out the months around entry and exit.
        let there = joined.dates.iter().any(|date| {
            account.entered_at.plus_days(6.0 * GRACE_DAYS) < *date
                && exit.is_none_or(|exit| exit >= date.plus_days(GRACE_DAYS))
        });
        if there {
            let listed = joined.names.binary_search(&account.id.as_str()).is_ok();
            let (inside, all) = &mut self.counts[usize::from(exit.is_some())];
            (*inside, *all) = (*inside + u64::from(listed), *all + 1);
            if exit.is_some() && !listed && self.missing.len() < 3 {
                self.missing.push(account.id.clone());
            }
        }
    }

    /// Half of those who left or fewer, against those who stayed, and no accident.
    pub(super) fn finding(&self) -> Option<AuditFinding> {
        let [stayed, left] = self.counts.map(|(inside, all)| (inside as f64, all as f64));
        let (p_stayed, p_left) = (stayed.0 / stayed.1, left.0 / left.1);
        let p = (stayed.0 + left.0) / (stayed.1 + left.1);
        let error = (p * (1.0 - p) * (1.0 / stayed.1 + 1.0 / left.1)).sqrt();
        let lopsided = p_left <= p_stayed / 2.0 && p_stayed - p_left >= SURE * error;
        (self.counts[1].1 >= LEAST_LEFT && lopsided).then(|| AuditFinding {
            check: SURVIVORS.check,
            severity: Severity::Bias,
            about: "accounts".to_owned(),
            affected: self.counts[1].1 - self.counts[1].0,
            of: self.counts[1].1,
            unit: "accounts that left",
            what: format!(
                "{} of {} accounts that left later are in the table, and {} of {} that stayed",
                self.counts[1].0, self.counts[1].1, self.counts[0].0, self.counts[0].1
            ),
            examples: self.missing.clone(),
            why: SURVIVORS.why,
            remedy: SURVIVORS.remedy,
        })
    }
}
