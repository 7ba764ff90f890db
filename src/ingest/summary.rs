//! What the histories of a log are together: counts, and what a reader of results must know.

use super::ledger::{IngestReport, SourceReport};
use super::mapping::Mapping;
use crate::interaction::{AccountHistory, Table};

/// Counts over the histories so far.
#[derive(Debug, Default)]
pub(super) struct Summary {
    accounts: u64,
    exits: u64,
    entries_inferred: u64,
    contacts: u64,
    interactions: u64,
    outcomes: u64,
    surveys: u64,
    /// Accounts without revenue in any period.
    without_revenue: u64,
    /// Outcomes with a gross profit.
    profits: u64,
    /// Interactions on a later day than the exit of their account.
    after_exit: u64,
    /// Interactions of another stage than the catalogue's.
    other_stage: u64,
}

impl Summary {
    pub(super) fn count(
        &mut self,
        mapping: &Mapping,
        history: &AccountHistory,
        entry_inferred: bool,
    ) {
        let AccountHistory { account, contacts, interactions, outcomes, surveys, .. } = history;
        let entries = mapping.catalogue().entries();
        self.accounts += 1;
        self.exits += u64::from(account.exited_at.is_some());
        self.entries_inferred += u64::from(entry_inferred);
        self.contacts += contacts.len() as u64;
        self.interactions += interactions.len() as u64;
        self.outcomes += outcomes.len() as u64;
        self.without_revenue +=
            u64::from(!outcomes.iter().any(|outcome| outcome.revenue.abs() > 0.0));
        self.surveys += surveys.len() as u64;
        self.profits +=
            outcomes.iter().filter(|outcome| outcome.gross_profit.is_some()).count() as u64;
        // An exit that is a date is known as its midnight: what happens on its own day is not late.
        let day = |at| mapping.calendar().date_of(at);
        let exit_day = account.exited_at.map(day);
        for row in interactions {
            let stage = entries[usize::from(row.kind.0)].stage;
            self.after_exit += u64::from(exit_day.is_some_and(|exit| day(row.occurred_at) > exit));
            self.other_stage += u64::from(row.stage.is_some_and(|own| own != stage));
        }
    }

    pub(super) fn outcomes(&self) -> u64 {
        self.outcomes
    }

    /// The ledger with what became of the rows of all `sources`.
    pub(super) fn report(self, mapping: &Mapping, sources: Vec<SourceReport>) -> IngestReport {
        IngestReport {
            name: mapping.name().to_owned(),
            description: mapping.description().to_owned(),
            time_zone: mapping.calendar().name().to_owned(),
            currency: mapping.currency().to_owned(),
            data_start: mapping.data_start(),
            data_end: mapping.data_end(),
            max_rejected: mapping.max_rejected(),
            n_accounts: self.accounts,
            n_exits: self.exits,
            n_entries_inferred: self.entries_inferred,
            n_contacts: self.contacts,
            n_interactions: self.interactions,
            n_outcomes: self.outcomes,
            n_surveys: self.surveys,
            warnings: self.warnings(mapping, &sources),
            sources,
        }
    }

    /// What a reader of results must know about this log.
    fn warnings(&self, mapping: &Mapping, sources: &[SourceReport]) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.exits == 0 {
            warnings.push(
                "no account has an exit: attrition cannot be tested, and the log may hold only \
                 survivors"
                    .to_owned(),
            );
        }
        if self.outcomes == 0 {
            warnings.push(
                "no outcomes: relationship value cannot be tested against anything".to_owned(),
            );
        } else if self.profits == 0 {
            warnings
                .push("no accepted row has a gross profit: outcomes are revenue only".to_owned());
        }
        if self.outcomes > 0 && self.without_revenue > 0 {
            warnings.push(format!(
                "{} of {} accounts have no revenue in any month: dated amounts that are missing count as 0",
                self.without_revenue, self.accounts
            ));
        }
        warnings.extend(sources.iter().filter_map(|source| currency_unread(mapping, source)));
        if self.entries_inferred > 0 {
            warnings.push(format!(
                "{} of {} accounts have no entry date and enter with their first row: relationships \
                 that began earlier are cut off on the left",
                self.entries_inferred, self.accounts
            ));
        }
        if self.after_exit > 0 {
            let n = self.after_exit;
            warnings.push(format!("{n} interactions are on a later day than their account's exit"));
        }
        if self.other_stage > 0 {
            warnings.push(format!(
                "{} interactions have another stage than the catalogue gives their type",
                self.other_stage
            ));
        }
        warnings
    }
}

/// Amounts whose currency nobody looks at.
fn currency_unread(mapping: &Mapping, source: &SourceReport) -> Option<String> {
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
            mapping.currency()
        )
    })
}
