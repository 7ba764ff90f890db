//! What the histories of a log are together: counts, and what a reader of results must know.

use super::ledger::{IngestReport, SourceReport};
use super::mapping::Mapping;
use crate::interaction::{AccountHistory, Table};

/// Counts over the histories so far.
#[derive(Debug)]
pub(super) struct Summary<'m> {
    mapping: &'m Mapping,
    n_accounts: u64,
    n_exits: u64,
    n_entries_inferred: u64,
    n_contacts: u64,
    n_interactions: u64,
    n_outcomes: u64,
    n_surveys: u64,
    /// Outcomes with a gross profit.
    n_profits: u64,
    /// Interactions later than the exit of their account.
    n_after_exit: u64,
    /// Interactions of another stage than the catalogue's.
    n_other_stage: u64,
}

impl<'m> Summary<'m> {
    pub(super) fn new(mapping: &'m Mapping) -> Self {
        Self {
            mapping,
            n_accounts: 0,
            n_exits: 0,
            n_entries_inferred: 0,
            n_contacts: 0,
            n_interactions: 0,
            n_outcomes: 0,
            n_surveys: 0,
            n_profits: 0,
            n_after_exit: 0,
            n_other_stage: 0,
        }
    }

    pub(super) fn count(&mut self, history: &AccountHistory, entry_inferred: bool) {
        let AccountHistory { account, contacts, interactions, outcomes, surveys, .. } = history;
        let entries = self.mapping.catalogue().entries();
        self.n_accounts += 1;
        self.n_exits += u64::from(account.exited_at.is_some());
        self.n_entries_inferred += u64::from(entry_inferred);
        self.n_contacts += contacts.len() as u64;
        self.n_interactions += interactions.len() as u64;
        self.n_outcomes += outcomes.len() as u64;
        self.n_surveys += surveys.len() as u64;
        self.n_profits +=
            outcomes.iter().filter(|outcome| outcome.gross_profit.is_some()).count() as u64;
        for row in interactions {
            let stage = entries[usize::from(row.kind.0)].stage;
            self.n_after_exit +=
                u64::from(account.exited_at.is_some_and(|exit| row.occurred_at > exit));
            self.n_other_stage += u64::from(row.stage.is_some_and(|own| own != stage));
        }
    }

    pub(super) fn n_outcomes(&self) -> u64 {
        self.n_outcomes
    }

    /// The ledger with what became of the rows of all `sources`.
    pub(super) fn report(self, sources: Vec<SourceReport>) -> IngestReport {
        let mapping = self.mapping;
        IngestReport {
            name: mapping.name().to_owned(),
            description: mapping.description().to_owned(),
            time_zone: mapping.calendar().name().to_owned(),
            currency: mapping.currency().to_owned(),
            data_start: mapping.data_start(),
            data_end: mapping.data_end(),
            max_rejected: mapping.max_rejected(),
            n_accounts: self.n_accounts,
            n_exits: self.n_exits,
            n_entries_inferred: self.n_entries_inferred,
            n_contacts: self.n_contacts,
            n_interactions: self.n_interactions,
            n_outcomes: self.n_outcomes,
            n_surveys: self.n_surveys,
            warnings: self.warnings(&sources),
            sources,
        }
    }

    /// What a reader of results must know about this log.
    fn warnings(&self, sources: &[SourceReport]) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.n_exits == 0 {
            warnings.push(
                "no account has an exit: attrition cannot be tested, and the log may hold only \
                 survivors"
                    .to_owned(),
            );
        }
        if self.n_outcomes == 0 {
            warnings.push(
                "no outcomes: relationship value cannot be tested against anything".to_owned(),
            );
        } else if self.n_profits == 0 {
            warnings.push("no gross profit: outcomes are revenue only".to_owned());
        }
        warnings.extend(sources.iter().filter_map(|source| self.currency_unread(source)));
        if self.n_entries_inferred > 0 {
            warnings.push(format!(
                "{} of {} accounts have no entry date and enter with their first row: relationships \
                 that began earlier are cut off on the left",
                self.n_entries_inferred, self.n_accounts
            ));
        }
        if self.n_after_exit > 0 {
            let n = self.n_after_exit;
            warnings.push(format!("{n} interactions are later than their account's exit"));
        }
        if self.n_other_stage > 0 {
            warnings.push(format!(
                "{} interactions have another stage than the catalogue gives their type",
                self.n_other_stage
            ));
        }
        warnings
    }

    fn currency_unread(&self, source: &SourceReport) -> Option<String> {
        let is_currency = |name: &&String| {
            ["currency", "currency_code", "currencyisocode"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        };
        let column = source.unused_columns.iter().find(is_currency)?;
        (source.table == Table::Outcomes).then(|| {
            format!(
                "`{column}` of {} is not read: amounts of several currencies would be taken for {}; \
                 name it as `currency_column`",
                source.source,
                self.mapping.currency()
            )
        })
    }
}
