//! Features of the user's own, held against the log that they were made of.
//!
//! A feature may predict; it may not know. So significance accuses nobody here: a finding needs a
//! tie to later rows, beyond what was known, that is stronger than a forecast can be.

mod facts;
mod joined;
mod keys;
mod later;
mod normalised;
mod partial;
mod recompute;
mod whole_life;

use self::joined::Joined;
use super::finding::AuditFinding;
use super::{LogSpan, sorted};
use crate::ingest::FeatureTable;
use crate::interaction::AccountHistory;
use crate::score::Valuation;

pub use recompute::changed_features;

/// Checks of a feature table against a log that is seen account by account.
#[derive(Debug)]
pub struct FeatureAudit<'a> {
    joined: Joined<'a>,
    valuation: &'a Valuation,
    survivors: keys::Survivors,
}

impl<'a> FeatureAudit<'a> {
    /// An audit of `table` that has seen no account.
    pub fn new(table: &'a FeatureTable, valuation: &'a Valuation, span: LogSpan) -> Self {
        let joined = Joined::new(table, span);
        Self { joined, valuation, survivors: keys::Survivors::default() }
    }

    /// Looks at one account.
    pub fn see(&mut self, history: &AccountHistory) {
        self.joined.see(history, self.valuation);
        self.survivors.see(history, &self.joined);
    }

    /// What was found, gravest first.
    pub fn findings(&self) -> Vec<AuditFinding> {
        let joined = &self.joined;
        let mut findings = keys::findings(joined);
        findings.extend(self.survivors.finding());
        for column in &joined.table.columns {
            let grid = joined.grid(column);
            findings.extend(normalised::finding(joined, column));
            let whole = whole_life::finding(joined, &column.name, &grid);
            let constant = whole.is_some();
            findings.extend(whole);
            if !constant {
                findings.extend(later::findings(joined, &column.name, &grid));
            }
        }
        sorted(findings)
    }
}
