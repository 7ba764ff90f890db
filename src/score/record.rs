//! Interaction records: whose rows accumulate together.

use super::value::ValuedInteraction;
use crate::ids::ContactIndex;
use crate::interaction::{AccountHistory, Interaction};

/// One interaction record: a contact (or the account itself) in a segment and an initiative.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    /// Contact; absent for the account's own.
    pub contact: Option<ContactIndex>,
    /// Segment that the rows name, where it is not the account's.
    pub segment: Option<String>,
    /// Initiative that the rows are part of.
    pub initiative: Option<String>,
}

/// A [`RecordKey`] while its texts are the history's.
type Key<'h> = (Option<ContactIndex>, Option<&'h str>, Option<&'h str>);

/// The interaction records of one account.
///
/// First come those of the contacts, by position, then that of the account itself: rows that name
/// neither segment nor initiative. Behind them stand the others, in order of their key, so that their
/// order depends on no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    contacts: usize,
    others: Vec<RecordKey>,
}

/// The record of a row, unless that is the contact's or the account's own.
fn key<'h>(history: &'h AccountHistory, row: &'h Interaction) -> Option<Key<'h>> {
    let segment = row.details.as_deref().and_then(|details| details.segment_id.as_deref());
    let own = segment.filter(|name| Some(*name) != history.account.segment_id.as_deref());
    let initiative = row.initiative.map(|at| history.initiatives[at.0 as usize].as_str());
    let plain = own.is_none() && initiative.is_none();
    (!plain).then_some((row.contact, own, initiative))
}

impl Records {
    /// The records of `history`, and the position of its record in each of `valued`, row by row.
    pub(super) fn of(
        history: &AccountHistory,
        contacts: usize,
        valued: &mut [ValuedInteraction],
    ) -> Self {
        let mut others: Vec<Key<'_>> =
            history.interactions.iter().filter_map(|row| key(history, row)).collect();
        others.sort_unstable();
        others.dedup();
        let owned = |&(contact, segment, initiative): &Key<'_>| RecordKey {
            contact,
            segment: segment.map(str::to_owned),
            initiative: initiative.map(str::to_owned),
        };
        let records = Self { contacts, others: others.iter().map(owned).collect() };
        let has_others = !others.is_empty();
        for (row, valued) in history.interactions.iter().zip(valued) {
            valued.record = match has_others.then(|| key(history, row)).flatten() {
                None => records.base(row.contact),
                Some(key) => {
                    let at = others.binary_search(&key).expect("the key was just listed");
                    contacts + 1 + at
                }
            };
        }
        records
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.contacts + 1 + self.others.len()
    }

    /// Never: the account itself always has one.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Position of the record of `contact`, or of the account itself.
    pub fn base(&self, contact: Option<ContactIndex>) -> usize {
        contact.map_or(self.contacts, |contact| usize::from(contact.0)).min(self.contacts)
    }

    /// Position of the record of the contact, or of the account itself, whose record is at `record`.
    pub fn base_of(&self, record: usize) -> usize {
        match record.checked_sub(self.contacts + 1) {
            None => record,
            Some(other) => self.base(self.others[other].contact),
        }
    }

    /// Whose record is at `record`, and in what.
    pub fn key(&self, record: usize) -> RecordKey {
        if let Some(other) = record.checked_sub(self.contacts + 1) {
            return self.others[other].clone();
        }
        let contact = (record < self.contacts).then_some(ContactIndex(record as u16));
        RecordKey { contact, segment: None, initiative: None }
    }
}
