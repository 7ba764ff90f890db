//! Real exports, read through a declared mapping: every row is accepted or rejected with its reason.
//!
//! ```text
//! mapping.toml + catalogue.csv ── Mapping::load ──┐
//! exports (CSV, Parquet, JSONL, XES, OCEL) ────────┴─ ingest ── histories + report + rejected rows
//! ```
//!
//! Nothing is guessed: what a log does not hold (an exit, a profit) stays absent, and the report
//! says so. Joins of sources are absent too, except the lookup of a row by one key.

mod assemble;
mod cell;
mod check;
mod checked;
mod checkup;
mod error;
mod features;
mod field;
mod ledger;
mod mapping;
mod outcomes;
mod propose;
mod pseudonym;
mod query;
mod repeats;
mod row;
mod source;
mod write;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::flow::Catalogue;
use crate::ids::TypeNames;
use crate::interaction::{Account, AccountHistory, Interaction, Table};

pub use checkup::{
    Acceptance, BlockCheck, BrokenRule, Checkup, FieldCheck, JoinCheck, Offender, checkup,
};
pub use error::{IngestError, SourceError, SourceProblems};
pub use features::{FeatureColumn, FeatureError, FeatureTable};
pub use ledger::{FileReport, IngestReport, Reason, RejectedRow, SetAside, SourceReport};
pub use mapping::Mapping;
pub use propose::{Proposal, propose, propose_bytes};
pub use pseudonym::{KeyError, PseudonymKey};
pub use query::{GivenSource, Query};

use assemble::{Assembly, Taken};
use ledger::{Breach, Place, Tally};
use mapping::{Deduplicate, Keep};
use repeats::{Repeats, Verdict};
use row::Plan;
use source::{Exports, SourceRow};

/// The tables of one log, and what became of every row of its sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Ingested {
    /// One history per account, in order of account id.
    pub histories: Vec<AccountHistory>,
    /// Interaction types, in the order of the catalogue.
    pub types: TypeNames,
    /// What the interaction types are worth.
    pub catalogue: Catalogue,
    /// The ledger.
    pub report: IngestReport,
    /// Rows that could not be used, in the order of the mapping's blocks and then of the source.
    pub rejected: Vec<RejectedRow>,
}

/// Reads the sources that `mapping` names in the folder `data`.
///
/// Per source `rows = set aside + read` and `read = accepted + rejected`, always.
///
/// # Errors
///
/// `Sources` with every source that cannot be read or lacks a mapped column; `TooManyRejected`
/// when a source has a larger share of rejected rows than the mapping allows.
pub fn ingest(mapping: &Mapping, data: &Path) -> Result<Ingested, IngestError> {
    read_all(mapping, Exports::Folder(data))
}

/// Reads the sources that `mapping` names from memory: their bytes by name.
///
/// # Errors
///
/// As [`ingest`].
///
/// # Examples
///
/// ```
/// use rvq::flow::{Catalogue, CatalogueEntry};
/// use rvq::ingest::{Mapping, ingest_bytes};
///
/// let mapping = r#"
/// name = "calls"
/// description = "an example"
/// time_zone = "UTC"
/// currency = "EUR"
/// catalogue = "catalogue.csv"
///
/// [[interactions]]
/// source = "calls-*.jsonl"
/// columns = { account_id = "who.id", occurred_at = "at" }
/// constants = { interaction_type = "call" }
/// "#;
/// let entries = vec![CatalogueEntry::plain("call", 1.0)];
/// let catalogue = Catalogue::from_entries("1", entries).ok_or("a name twice")?;
/// let may = br#"{"who": {"id": "A"}, "at": "2026-05-04"}"#.as_slice();
/// let log = ingest_bytes(
///     &Mapping::parse(mapping, catalogue)?,
///     &[("calls-05.jsonl".to_owned(), may.into())].into(),
/// )?;
/// assert_eq!(log.report.n_interactions, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn ingest_bytes(
    mapping: &Mapping,
    files: &BTreeMap<String, Arc<[u8]>>,
) -> Result<Ingested, IngestError> {
    read_all(mapping, Exports::Memory(files))
}

fn read_all(mapping: &Mapping, exports: Exports<'_>) -> Result<Ingested, IngestError> {
    if mapping.queries().next().is_some() {
        return Err(IngestError::Unanswered);
    }
    let mut problems = Vec::new();
    let plans: Vec<Plan<'_>> = mapping
        .blocks
        .iter()
        .filter_map(|block| Plan::open(exports, mapping, block, &mut problems))
        .collect();
    if !problems.is_empty() {
        return Err(IngestError::Sources(SourceProblems::new(problems)));
    }
    let mut assembly = Assembly::new(mapping);
    let mut tallies = Vec::with_capacity(plans.len());
    for (position, plan) in plans.iter().enumerate() {
        let files = plan.source.files().map(|file| file.name.clone());
        let mut tally = Tally::new(plan.block.table, &plan.block.file.name, files);
        match read(plan, position, &mut assembly, &mut tally) {
            Ok(()) => {}
            Err(problem) => problems.push(problem),
        }
        tallies.push(tally);
    }
    if !problems.is_empty() {
        return Err(IngestError::Sources(SourceProblems::new(problems)));
    }
    finish(mapping, &plans, assembly, tallies)
}

/// Reads all rows of one block.
fn read(
    plan: &Plan<'_>,
    position: usize,
    assembly: &mut Assembly<'_>,
    tally: &mut Tally,
) -> Result<(), SourceError> {
    let mut repeats = Repeats::new(plan, assembly)?;
    plan.source.for_each(&plan.wanted, |row| {
        let SourceRow { file, number, cells } = row;
        let place = Place { file, row: number };
        tally.row(place);
        let cells = match cells {
            Ok(cells) => cells,
            Err(broken) => {
                tally.reject(place, broken.breach, broken.raw);
                return Ok(());
            }
        };
        if !plan.selects(&cells) {
            tally.set_aside(ledger::Aside::NotSelected);
            return Ok(());
        }
        match repeats.verdict(assembly, place, &cells) {
            Verdict::Take => {}
            Verdict::Aside(why) => {
                tally.set_aside(why);
                return Ok(());
            }
            Verdict::Repeats => {
                tally.reject(place, Breach::repeated_row(), plan.raw(&cells));
                return Ok(());
            }
        }
        match plan.row(place, &cells).and_then(|row| assembly.take(position, row)) {
            Ok(Taken::Made) => {
                tally.made += 1;
                tally.accept();
            }
            Ok(Taken::Combined) => tally.accept(),
            Ok(Taken::Aside(why)) => tally.set_aside(why),
            Err(breach) => {
                repeats.rejected(place, &cells);
                tally.reject(place, breach, plan.raw(&cells));
            }
        }
        Ok(())
    })
}

fn finish(
    mapping: &Mapping,
    plans: &[Plan<'_>],
    assembly: Assembly<'_>,
    mut tallies: Vec<Tally>,
) -> Result<Ingested, IngestError> {
    let assembled = assembly.finish(&mut tallies);
    for (plan, tally) in plans.iter().zip(&mut tallies) {
        complete_raw_rows(plan, tally);
    }
    let histories = assembled.histories;
    let count = |of: fn(&AccountHistory) -> usize| histories.iter().map(of).sum::<usize>() as u64;
    let n_outcomes = count(|history| history.outcomes.len());
    if let Some(first) = mapping.blocks.iter().position(|block| block.aggregate) {
        // Sums of several blocks meet in one outcome: the first block shows them.
        tallies[first].made = n_outcomes;
    }
    let given = &mapping.given;
    let mut sources: Vec<_> = given.iter().map(|source| source.report().clone()).collect();
    let mut rejected: Vec<_> = given.iter().flat_map(|s| s.rejected().iter().cloned()).collect();
    for (tally, plan) in tallies.into_iter().zip(plans) {
        let (report, rows) = tally.finish(unused_columns(plan, plans), rule_in_words(plan));
        sources.push(report);
        rejected.extend(rows);
    }
    let mut report = IngestReport {
        name: mapping.name().to_owned(),
        description: mapping.description().to_owned(),
        time_zone: mapping.calendar().name().to_owned(),
        currency: mapping.currency().to_owned(),
        data_start: mapping.data_start(),
        data_end: mapping.data_end(),
        max_rejected: mapping.max_rejected(),
        n_accounts: histories.len() as u64,
        n_exits: count(|history| usize::from(history.account.exited_at.is_some())),
        n_entries_inferred: assembled.n_entries_inferred,
        n_contacts: count(|history| history.contacts.len()),
        n_interactions: count(|history| history.interactions.len()),
        n_outcomes,
        n_surveys: count(|history| history.surveys.len()),
        sources,
        warnings: Vec::new(),
    };
    report.warnings = warnings(mapping, &report, &histories);
    if report.over_limit().next().is_some() {
        return Err(IngestError::TooManyRejected { report: Box::new(report), rejected });
    }
    Ok(Ingested {
        histories,
        types: mapping.types().clone(),
        catalogue: mapping.catalogue().clone(),
        report,
        rejected,
    })
}

/// Gives rejected rows the columns that the block does not read, by reading the source once more.
fn complete_raw_rows(plan: &Plan<'_>, tally: &mut Tally) {
    let columns = plan.source.columns();
    let rejected = tally.rejected();
    if rejected.is_empty() || plan.wanted.len() == columns.len() {
        return;
    }
    let at: BTreeMap<Place, usize> =
        rejected.iter().enumerate().map(|(position, (place, _))| (*place, position)).collect();
    // What was read once can be read again, but for files that change meanwhile: then the columns
    // that the block reads are all there is.
    let _ = plan.source.for_each_raw(|file, row, raw| {
        if let Some(&position) = at.get(&Place { file, row }) {
            rejected[position].1.raw = raw();
        }
        Ok(())
    });
}

/// Which rows of a block say the same thing and which of them is kept.
fn rule_in_words(plan: &Plan<'_>) -> Option<String> {
    Some(match &plan.block.deduplicate {
        Deduplicate::Equal => "as equal in all columns, the first is kept".to_owned(),
        Deduplicate::By { columns, keep } => format!(
            "by `{}`, the one known {} is kept",
            columns.join("`, `"),
            match keep {
                Keep::First => "first",
                Keep::Last => "last",
            }
        ),
        Deduplicate::No if plan.sorts_out_source_ids() => {
            "by `source_id` across files, the first of equal rows is kept".to_owned()
        }
        Deduplicate::No => return None,
    })
}

/// Columns of the plan's source that no block uses.
fn unused_columns(plan: &Plan<'_>, plans: &[Plan<'_>]) -> Vec<String> {
    let same = |other: &&Plan<'_>| other.block.file.name == plan.block.file.name;
    let unused = |name: &&String| !plans.iter().filter(same).any(|other| other.uses(name));
    plan.source.columns().iter().filter(unused).cloned().collect()
}

/// What a reader of results must know about this log.
fn warnings(mapping: &Mapping, report: &IngestReport, histories: &[AccountHistory]) -> Vec<String> {
    let mut warnings = Vec::new();
    if report.n_exits == 0 {
        warnings.push(
            "no account has an exit: attrition cannot be tested, and the log may hold only \
             survivors"
                .to_owned(),
        );
    }
    let mut outcomes = histories.iter().flat_map(|history| &history.outcomes);
    if report.n_outcomes == 0 {
        warnings.push("no outcomes: relationship value cannot be tested against anything".into());
    } else if outcomes.all(|outcome| outcome.gross_profit.is_none()) {
        warnings.push("no gross profit: outcomes are revenue only".to_owned());
    }
    for source in report.sources.iter().filter(|source| source.table == Table::Outcomes) {
        let is_currency = |name: &&String| {
            ["currency", "currency_code", "currencyisocode"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        };
        if let Some(column) = source.unused_columns.iter().find(is_currency) {
            warnings.push(format!(
                "`{column}` of {} is not read: amounts of several currencies would be taken for {}; \
                 name it as `currency_column`",
                source.source, report.currency
            ));
        }
    }
    if report.n_entries_inferred > 0 {
        warnings.push(format!(
            "{} of {} accounts have no entry date and enter with their first row: relationships \
             that began earlier are cut off on the left",
            report.n_entries_inferred, report.n_accounts
        ));
    }
    let after_exit = count_interactions(histories, |account, row| {
        account.exited_at.is_some_and(|exit| row.occurred_at > exit)
    });
    if after_exit > 0 {
        warnings.push(format!("{after_exit} interactions are later than their account's exit"));
    }
    let entries = mapping.catalogue().entries();
    let conflicts = count_interactions(histories, |_, row| {
        row.stage.is_some_and(|stage| stage != entries[usize::from(row.kind.0)].stage)
    });
    if conflicts > 0 {
        warnings.push(format!(
            "{conflicts} interactions have another stage than the catalogue gives their type"
        ));
    }
    warnings
}

fn count_interactions(
    histories: &[AccountHistory],
    which: impl Fn(&Account, &Interaction) -> bool,
) -> usize {
    let of = |history: &AccountHistory| {
        history.interactions.iter().filter(|row| which(&history.account, row)).count()
    };
    histories.iter().map(of).sum()
}
