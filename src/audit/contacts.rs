//! Contacts: rows of nobody, of people who were not there, one touch copied to many, and groups.

use std::collections::BTreeMap;

use super::finding::{AuditFinding, Severity, Tally, Wording};
use super::{LogCheck, LogSpan};
use crate::interaction::AccountHistory;
use crate::time::Instant;

const OUTSIDE: Wording = Wording {
    check: "contact_not_there",
    why: "value of a contact counts while the contact is at the account: these rows count never, or \
          only later",
    remedy: "correct `valid_from` and `valid_to`, or the contact of these rows",
};

/// Interactions with a contact more than a day before they joined or after they left.
#[derive(Debug, Default)]
pub(super) struct OutsideMembership(Tally);

impl LogCheck for OutsideMembership {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        for row in &history.interactions {
            let contact = row.contact.map(|index| &history.contacts[usize::from(index.0)]);
            let outside = contact.is_some_and(|contact| {
                let early = |from: Instant| row.occurred_at.plus_days(1.0) < from;
                let late = |to: Instant| row.occurred_at > to.plus_days(1.0);
                contact.valid_from.is_some_and(early) || contact.valid_to.is_some_and(late)
            });
            self.0.see(outside, || {
                let name = contact.map_or("", |contact| contact.id.as_str());
                format!("{}: {name} on {}", history.account.id, span.day(row.occurred_at))
            });
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!(
            "{} interactions are with a contact who had not joined yet or had left",
            self.0.affected
        );
        (self.0.affected > 0).then(|| {
            self.0.finding(OUTSIDE, Severity::Bias, ("interactions", "interactions"), what)
        })
    }
}

const COPIED: Wording = Wording {
    check: "copied_to_contacts",
    why: "one touch of the account that is written to several contacts counts several times in sums \
          and costs, and its contacts are no independent observations",
    remedy: "give the rows of one touch one `source_id`: its cost then counts once",
};

/// Share of rows from which on copies are more than meetings without an id.
const MANY_COPIES: f64 = 0.2;

/// Interactions of several contacts with one type and instant, and no source id that says so.
#[derive(Debug, Default)]
pub(super) struct CopiedToContacts(Tally);

impl LogCheck for CopiedToContacts {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        let mut groups: BTreeMap<_, usize> = BTreeMap::new();
        let key = |row: &crate::interaction::Interaction| {
            let id = row.details.as_ref().and_then(|details| details.source_id.as_ref());
            (row.contact.is_some() && id.is_none()).then_some((row.occurred_at, row.kind))
        };
        for row in &history.interactions {
            if let Some(key) = key(row) {
                *groups.entry(key).or_default() += 1;
            }
        }
        for row in &history.interactions {
            let many = key(row).is_some_and(|key| groups[&key] > 1);
            self.0.see(many, || format!("{}: {}", history.account.id, span.day(row.occurred_at)));
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!(
            "{} interactions share type and instant with one of another contact of the account",
            self.0.affected
        );
        let many = self.0.share() >= MANY_COPIES;
        let severity = if many { Severity::Bias } else { Severity::Note };
        (self.0.affected > 0)
            .then(|| self.0.finding(COPIED, severity, ("interactions", "interactions"), what))
    }
}

const NO_CONTACT: Wording = Wording {
    check: "no_contact",
    why: "value without a contact has the mean influence, and nobody takes it along when they leave",
    remedy: "map the contact of these rows where the source has one",
};

/// Share of rows without a contact that is worth a word.
const MANY_WITHOUT: f64 = 0.05;

/// Interactions that name no contact, of accounts that have contacts; purchases left out.
#[derive(Debug, Default)]
pub(super) struct NoContact(Tally);

impl LogCheck for NoContact {
    fn see(&mut self, history: &AccountHistory, span: &LogSpan) {
        if history.contacts.is_empty() {
            return;
        }
        for row in &history.interactions {
            if !span.type_of(row.kind).transactional {
                let example = || format!("{}: {}", history.account.id, span.day(row.occurred_at));
                self.0.see(row.contact.is_none(), example);
            }
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let what = format!("{} interactions are with nobody whom the log names", self.0.affected);
        (self.0.share() >= MANY_WITHOUT)
            .then(|| self.0.finding(NO_CONTACT, Severity::Note, ("contacts", "interactions"), what))
    }
}

const PARENT: Wording = Wording {
    check: "shared_parent",
    why: "accounts are dealt into folds one by one: companies of one group then are trained on and \
          tested on, and count as independent",
    remedy: "merge accounts of one parent before ingest where they decide together",
};

/// Accounts that have a parent in common.
#[derive(Debug, Default)]
pub(super) struct SharedParent {
    by_parent: BTreeMap<String, Vec<String>>,
    accounts: u64,
}

impl LogCheck for SharedParent {
    fn see(&mut self, history: &AccountHistory, _: &LogSpan) {
        self.accounts += 1;
        if let Some(parent) = &history.account.placement.parent_id {
            let children = self.by_parent.entry(parent.clone()).or_default();
            children.push(history.account.id.clone());
        }
    }

    fn finding(&self, _: &LogSpan) -> Option<AuditFinding> {
        let mut tally = Tally::default();
        let groups = self.by_parent.iter().filter(|(_, children)| children.len() > 1);
        let affected = groups.clone().map(|(_, children)| children.len() as u64).sum();
        for (parent, children) in groups {
            tally.see(true, || format!("{parent}: {}", children.join(", ")));
        }
        (tally.affected > 0).then(|| {
            let what = format!("{affected} accounts share {} parents", tally.affected);
            (tally.affected, tally.of) = (affected, self.accounts);
            tally.finding(PARENT, Severity::Note, ("accounts", "accounts"), what)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{at, found, history, row};
    use super::*;
    use crate::ids::ContactIndex;
    use crate::interaction::{Contact, Details};

    fn log() -> AccountHistory {
        let mut log = history("A", "2024-01-01", None);
        let contact = |id: &str| Contact { id: id.to_owned(), ..Contact::default() };
        log.contacts = vec![contact("P1"), contact("P2")];
        log.interactions = vec![row("2024-02-01"), row("2024-02-01"), row("2024-03-01")];
        for (row, contact) in log.interactions.iter_mut().zip([0, 1, 1]) {
            row.contact = Some(ContactIndex(contact));
        }
        log
    }

    #[test]
    fn rows_with_people_who_were_not_there_are_counted() {
        let mut log = log();
        assert_eq!(found(OutsideMembership::default(), &[log.clone()]), None);
        log.contacts[1].valid_from = Some(at("2024-02-15"));
        let finding = found(OutsideMembership::default(), &[log.clone()]).unwrap();
        assert_eq!((finding.affected, finding.of), (1, 3));
        log.contacts[1].valid_from = Some(at("2024-02-01 12:00"));
        assert_eq!(found(OutsideMembership::default(), &[log]), None);
    }

    #[test]
    fn one_touch_of_two_contacts_is_no_copy_when_a_source_id_says_so() {
        let mut log = log();
        let finding = found(CopiedToContacts::default(), &[log.clone()]).unwrap();
        assert_eq!((finding.affected, finding.of, finding.severity), (2, 3, Severity::Bias));
        for row in &mut log.interactions {
            let details = Details { source_id: Some("1".to_owned()), ..Details::default() };
            row.details = Some(Box::new(details));
        }
        assert_eq!(found(CopiedToContacts::default(), &[log]), None);
    }

    #[test]
    fn rows_of_nobody_are_noted_where_contacts_are_known() {
        let mut log = log();
        assert_eq!(found(NoContact::default(), &[log.clone()]), None);
        log.interactions[2].contact = None;
        assert_eq!(found(NoContact::default(), &[log.clone()]).unwrap().affected, 1);
        log.contacts.clear();
        assert_eq!(found(NoContact::default(), &[log]), None);
    }

    #[test]
    fn companies_of_one_group_are_named() {
        let (mut a, mut b) = (log(), history("B", "2024-01-01", None));
        a.account.placement.parent_id = Some("G".to_owned());
        assert_eq!(found(SharedParent::default(), &[a.clone(), b.clone()]), None);
        b.account.placement.parent_id = Some("G".to_owned());
        let finding = found(SharedParent::default(), &[a, b]).unwrap();
        assert_eq!((finding.affected, finding.examples), (2, vec!["G: A, B".to_owned()]));
    }
}
