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

use rayon::prelude::*;

use self::joined::Joined;
use super::finding::AuditFinding;
use super::{LogSpan, sorted};
use crate::ingest::{FeatureColumn, FeatureTable};
use crate::interaction::AccountHistory;
use crate::score::Valuation;

pub use recompute::{NothingCompared, changed_features};

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
        let of_columns: Vec<Vec<AuditFinding>> =
            joined.table.columns.par_iter().map(|column| of_column(joined, column)).collect();
        findings.extend(of_columns.into_iter().flatten());
        sorted(findings)
    }
}

fn of_column(joined: &Joined<'_>, column: &FeatureColumn) -> Vec<AuditFinding> {
    let grid = joined.grid(column);
    let mut findings = Vec::from_iter(normalised::finding(joined, column));
    match whole_life::finding(joined, &column.name, &grid) {
        Some(finding) => findings.push(finding),
        None => findings.extend(later::findings(joined, &column.name, &grid)),
    }
    findings
}
