//! Pseudonyms on request: ids become keyed hashes, and texts that nobody declared are dropped.
//!
//! ```text
//! pseudonym = first 32 hexadecimal digits of HMAC-SHA-256(key, id)
//! ```
//!
//! One id has one pseudonym wherever it stands and whenever it is read with the same key, so that
//! logs can be joined; without the key nobody can tell whether an id is in the log. Words that the
//! mapping or the catalogue writes down are no data and stay.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::error::{IngestError, SourceError, SourceProblems};
use super::ledger::{IngestReport, RejectedRow};
use super::mapping::Mapping;
use crate::ids::ContactIndex;
use crate::interaction::{
    Account, AccountHistory, Contact, Details, Interaction, Placement, Survey,
};

/// Shortest key: as long as what SHA-256 gives (RFC 2104, section 3).
const SHORTEST_KEY: usize = 32;
/// Subject of surveys about the firm itself.
const US: &str = "us";
/// What stands in the place of a value or message of a row that was refused.
const LEFT_OUT: &str = "values are left out, since ids and texts are not to be written";

/// The secret by which ids become pseudonyms; never printed or written.
#[derive(Clone)]
pub struct PseudonymKey(Vec<u8>);

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum KeyError {
    /// The key is too easy to guess.
    #[error(
        "the key of `{place}` has {got} bytes, expected at least {SHORTEST_KEY} (`openssl rand -hex 32` makes one)"
    )]
    Short { place: String, got: usize },
    /// The file cannot be read.
    #[error("cannot read the key `{place}`: {source}")]
    Unreadable { place: String, source: std::io::Error },
    /// The environment variable is not set.
    #[error("the environment variable `{name}` is not set, expected a key")]
    Unset { name: String },
}

impl PseudonymKey {
    /// The key in `bytes`, without blanks and line ends around it; `place` names it in messages.
    ///
    /// # Errors
    ///
    /// [`KeyError::Short`] below 32 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::ingest::PseudonymKey;
    ///
    /// let key = PseudonymKey::new(b"0123456789abcdef0123456789abcdef\n", "an example")?;
    /// assert_eq!(key.pseudonym("ACC-1").len(), 32);
    /// assert_eq!(key.pseudonym("ACC-1"), key.pseudonym("ACC-1"));
    /// assert!(PseudonymKey::new(b"secret", "an example").is_err());
    /// # Ok::<(), rvq::ingest::KeyError>(())
    /// ```
    pub fn new(bytes: &[u8], place: &str) -> Result<Self, KeyError> {
        let key = bytes.trim_ascii();
        if key.len() < SHORTEST_KEY {
            return Err(KeyError::Short { place: place.to_owned(), got: key.len() });
        }
        Ok(Self(key.to_owned()))
    }

    /// The key in the file `path`.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unreadable`], and as [`PseudonymKey::new`].
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let place = path.display().to_string();
        match std::fs::read(path) {
            Ok(bytes) => Self::new(&bytes, &place),
            Err(source) => Err(KeyError::Unreadable { place, source }),
        }
    }

    /// The key in the environment variable `name`.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unset`], and as [`PseudonymKey::new`].
    pub fn of_variable(name: &str) -> Result<Self, KeyError> {
        let value = std::env::var_os(name).ok_or(KeyError::Unset { name: name.to_owned() })?;
        Self::new(value.as_encoded_bytes(), name)
    }

    /// The pseudonym of `id`: 32 hexadecimal digits, 128 bits, so that two ids of a billion do not meet.
    pub fn pseudonym(&self, id: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(id.as_bytes());
        let digest = mac.finalize().into_bytes();
        let (first, _) = digest.split_first_chunk().expect("SHA-256 gives 256 bits");
        format!("{:032x}", u128::from_be_bytes(*first))
    }
}

impl IngestError {
    /// The same error without anything that a source holds; a ledger holds nothing of it any more.
    pub(super) fn without_values(self) -> Self {
        match self {
            Self::Sources(problems) => {
                let problems = problems.as_slice().iter().cloned().map(without_values);
                Self::Sources(SourceProblems::new(problems.collect()))
            }
            error => error,
        }
    }
}

/// A file without header has values for names of its columns.
fn without_values(problem: SourceError) -> SourceError {
    let left_out = || LEFT_OUT.to_owned();
    match problem {
        SourceError::MissingColumn { file, column, .. } => {
            let known = vec!["others".to_owned(), left_out()];
            SourceError::MissingColumn { file, column, nearest: None, known }
        }
        SourceError::DuplicateColumn { file, .. } => {
            SourceError::DuplicateColumn { file, column: left_out() }
        }
        SourceError::Unreadable { file, .. } => {
            SourceError::Unreadable { file, reason: left_out() }
        }
        SourceError::DuplicateKey { file, column, row, .. } => {
            SourceError::DuplicateKey { file, column, key: left_out(), row }
        }
        problem => problem,
    }
}

impl RejectedRow {
    pub(super) fn leave_out_values(&mut self) {
        LEFT_OUT.clone_into(&mut self.message);
        self.value.clear();
        self.raw.clear();
    }
}

impl IngestReport {
    pub(super) fn leave_out_values(&mut self) {
        let examples = self.sources.iter_mut().flat_map(|source| &mut source.examples);
        examples.for_each(RejectedRow::leave_out_values);
        self.warnings.push(
            "ids are pseudonyms, texts that neither mapping nor catalogue declares are dropped, and rejected \
             rows keep their place and reason only"
                .to_owned(),
        );
    }
}

/// Words that mapping and catalogue write down: what a user declared is no data.
fn declared(mapping: &Mapping) -> BTreeSet<String> {
    let constants = mapping.blocks.iter().flat_map(|block| block.constants.values());
    let values = mapping.blocks.iter().flat_map(|block| block.values.values());
    let values = values.flat_map(|of| of.values());
    let entries = mapping.catalogue().entries();
    let segments = entries.iter().flat_map(|entry| entry.overrides.iter().map(|of| &of.0));
    let functions = entries.iter().map(|entry| &entry.function);
    let mut words: BTreeSet<String> =
        constants.chain(values).chain(segments).chain(functions).cloned().collect();
    words.insert(US.to_owned());
    words
}

/// What gives a log its pseudonyms.
#[derive(Debug, Clone)]
pub(super) struct Pseudonyms<'a> {
    key: &'a PseudonymKey,
    declared: BTreeSet<String>,
}

impl<'a> Pseudonyms<'a> {
    pub(super) fn new(key: &'a PseudonymKey, mapping: &Mapping) -> Self {
        Self { key, declared: declared(mapping) }
    }

    /// The pseudonym of `id`.
    pub(super) fn of(&self, id: &str) -> String {
        self.key.pseudonym(id)
    }

    /// An id: always a pseudonym.
    fn id(&self, id: &mut String) {
        *id = self.key.pseudonym(id);
    }

    /// A group that results tell apart: its declared word, else a pseudonym.
    fn group(&self, name: &mut String) {
        if !self.declared.contains(name) {
            self.id(name);
        }
    }

    /// A text: its declared word, else nothing.
    fn text(&self, text: &mut Option<String>) {
        text.take_if(|text| !self.declared.contains(text));
    }

    /// Gives a history its pseudonyms; contacts are in order of theirs.
    pub(super) fn give_to(&self, history: &mut AccountHistory) {
        self.account(&mut history.account);
        for names in [&mut history.owners, &mut history.initiatives] {
            for name in names {
                self.id(name);
            }
        }
        let moved = self.contacts(&mut history.contacts);
        let moved = |contact: &mut Option<ContactIndex>| {
            *contact = contact.map(|ContactIndex(old)| moved[usize::from(old)]);
        };
        for row in &mut history.interactions {
            moved(&mut row.contact);
            self.interaction(row);
        }
        for survey in &mut history.surveys {
            moved(&mut survey.contact);
            self.survey(survey);
        }
        for entry in &mut history.ledger {
            moved(&mut entry.contact);
        }
    }

    fn account(&self, account: &mut Account) {
        self.id(&mut account.id);
        if let Some(id) = &mut account.segment_id {
            self.group(id);
        }
        self.text(&mut account.exit_reason);
        let Placement {
            parent_id,
            industry,
            territory,
            region,
            division,
            business_unit,
            product_line,
        } = &mut account.placement;
        if let Some(id) = parent_id {
            self.id(id);
        }
        for text in [industry, territory, region, division, business_unit, product_line] {
            self.text(text);
        }
    }

    /// Renames contacts and puts them in order; gives the new position of each.
    fn contacts(&self, contacts: &mut [Contact]) -> Vec<ContactIndex> {
        for contact in contacts.iter_mut() {
            self.id(&mut contact.id);
            self.text(&mut contact.stakeholder_type);
            self.text(&mut contact.role);
        }
        let mut order: Vec<usize> = (0..contacts.len()).collect();
        order.sort_by(|a, b| contacts[*a].id.cmp(&contacts[*b].id));
        let mut moved = vec![ContactIndex(0); contacts.len()];
        for (new, &old) in order.iter().enumerate() {
            moved[old] = ContactIndex(new as u16);
        }
        contacts.sort_by(|a, b| a.id.cmp(&b.id));
        moved
    }

    fn interaction(&self, row: &mut Interaction) {
        let Some(details) = &mut row.details else { return };
        let Details { segment_id, level, function, channel, source_system, source_id, .. } =
            &mut **details;
        if let Some(id) = segment_id {
            self.group(id);
        }
        if let Some(id) = source_id {
            self.id(id);
        }
        for text in [level, function, channel, source_system] {
            self.text(text);
        }
    }

    fn survey(&self, survey: &mut Survey) {
        self.group(&mut survey.instrument);
        for name in [&mut survey.dimension, &mut survey.subject].into_iter().flatten() {
            self.group(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_hmac_sha_256_cut_to_128_bits() {
        // RFC 4231, test case 6: a key of 131 bytes.
        let key = PseudonymKey::new(&[0xaa; 131], "the test").unwrap();
        let id = "Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(key.pseudonym(id), "60e431591ee0b67f0d8a26aacbf5b77f");
        // printf ACC-0001 | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        let key = PseudonymKey::new(b"0123456789abcdef0123456789abcdef\n", "the test").unwrap();
        assert_eq!(key.pseudonym("ACC-0001"), "0c60f43f33421f313646d440339ec890");
    }

    #[test]
    fn a_short_key_is_refused_and_no_key_is_shown() {
        let refused = |bytes: &[u8]| PseudonymKey::new(bytes, "my.key").unwrap_err().to_string();
        for bytes in [&b""[..], b"  \n", b"hunter2"] {
            let message = refused(bytes);
            assert!(message.contains("`my.key`") && message.contains("at least 32"), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
        let key = PseudonymKey::new(&[b'x'; 32], "my.key").unwrap();
        assert_eq!(format!("{key:?}"), "PseudonymKey");
    }
}
