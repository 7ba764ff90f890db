//! From sources to tables: rows are read once, sorted by account, and leave account after account.
//!
//! ```text
//! sources ── rows ──> by account (on disk beyond the memory) ──> repeats ──> histories ──> tables
//!               └────────── rejected rows ──────────────────────────┴──> in the order read ──> tables
//! ```

use super::accounts::{Accounts, Fate, Step, settle};
use super::assemble::{Assembled, Undated};
use super::error::{IngestError, SourceError, SourceProblems};
use super::field::Field;
use super::ledger::{Aside, IngestReport, Place, RejectedRow, Tally};
use super::links::LinkIndex;
use super::mapping::Mapping;
use super::pseudonym::Pseudonyms;
use super::query::GivenSource;
use super::rejects::Rejects;
use super::repeats::{Repeats, rule_in_words};
use super::row::Plan;
use super::source::{Exports, SourceRow};
use super::spill::Room;
use super::spool::{Origin, Spool};
use super::summary::Summary;
use crate::interaction::AccountHistory;

/// What takes the tables of a log.
pub(super) trait Tables {
    /// Takes one history; accounts come in order of their ids.
    fn history(&mut self, history: AccountHistory) -> Result<(), IngestError>;
    /// Takes one rejected row, after all histories, in the order of the mapping's blocks and then of the source.
    fn rejected(&mut self, row: RejectedRow) -> Result<(), IngestError>;
}

/// Reads the sources of `mapping` into `tables`; above `max_rejected` the tables are complete but refused.
pub(super) fn read_all(
    mapping: &Mapping,
    exports: Exports<'_>,
    room: &Room,
    pseudonyms: Option<&Pseudonyms<'_>>,
    tables: &mut dyn Tables,
) -> Result<IngestReport, IngestError> {
    if mapping.queries().next().is_some() {
        return Err(IngestError::Unanswered);
    }
    if !mapping.database_tables().is_empty() {
        return Err(IngestError::NotCopied);
    }
    let plans = open(mapping, exports)?;
    let mut tallies: Vec<Tally> = plans.iter().map(Plan::tally).collect();
    let mut rejects = Rejects::new(&room.part(8));
    let spool = gather(&plans, &mut tallies, &mut rejects, pseudonyms, &room.part(2))?;
    let mut accounts = Accounts { mapping, plans: &plans, rows: spool.sorted()? };
    let mut repeats = Repeats::find(&mut accounts, &room.part(2))?;
    let mut summary = Summary::default();
    accounts.walk(&mut repeats, |repeats, step| match step {
        Step::Row { assembly, plan, at, cells } => {
            match settle(repeats, assembly, plan, at, cells) {
                Fate::Taken(taken) => tallies[at.block].take(taken),
                Fate::Rejected(breach) => rejects.add(at, &breach, &plan.raw(cells))?,
            }
            Ok::<(), IngestError>(())
        }
        Step::End(assembly) => match assembly.finish() {
            Assembled::Nothing => Ok(()),
            Assembled::NoEntry(rows, breach) => {
                for Undated { origin, raw } in rows {
                    tallies[origin.block].take_back();
                    rejects.add(origin, &breach, &raw)?;
                }
                Ok(())
            }
            Assembled::History { mut history, entry_inferred } => {
                summary.count(mapping, &history, entry_inferred);
                if let Some(pseudonyms) = pseudonyms {
                    pseudonyms.give_to(&mut history);
                }
                tables.history(*history)
            }
        },
    })?;
    let mut hand_over = |mut row: RejectedRow| {
        if pseudonyms.is_some() {
            row.leave_out_values();
        }
        tables.rejected(row)
    };
    for row in mapping.given.iter().flat_map(GivenSource::rejected) {
        hand_over(row.clone())?;
    }
    rejects.give(&plans, &mut tallies, &mut hand_over)?;
    for plan in &plans {
        plan.source.check_unchanged().map_err(SourceProblems::one)?;
    }
    let mut report = report(mapping, &plans, tallies, summary);
    if pseudonyms.is_some() {
        report.leave_out_values();
    }
    if report.over_limit().next().is_some() {
        return Err(IngestError::TooManyRejected { report: Box::new(report) });
    }
    Ok(report)
}

/// Opens every source; all problems at once.
fn open<'m>(mapping: &'m Mapping, exports: Exports<'_>) -> Result<Vec<Plan<'m>>, IngestError> {
    let mut problems = Vec::new();
    let links = LinkIndex::open_all(exports, mapping, &mut problems);
    let plans = mapping
        .blocks
        .iter()
        .filter_map(|block| Plan::open(exports, mapping, block, &links, &mut problems))
        .collect();
    if problems.is_empty() {
        Ok(plans)
    } else {
        Err(IngestError::Sources(SourceProblems::new(problems)))
    }
}

/// Reads the rows of all blocks; those that cannot be cut or are not selected go no further.
fn gather(
    plans: &[Plan<'_>],
    tallies: &mut [Tally],
    rejects: &mut Rejects,
    pseudonyms: Option<&Pseudonyms<'_>>,
    room: &Room,
) -> Result<Spool, IngestError> {
    let mut spool = Spool::new(room);
    let mut problems = Vec::new();
    for (block, (plan, tally)) in plans.iter().zip(tallies).enumerate() {
        let mut number = 0;
        let mut kept = Ok(());
        let read = plan.source.for_each(&plan.wanted, |SourceRow { file, number: row, cells }| {
            let at = Origin { block, number, place: Place { file, row } };
            number += 1;
            tally.row(at.place);
            let result = match cells {
                Err(broken) => rejects.add(at, &broken.breach, &broken.raw),
                Ok(cells) if plan.selects(&cells) => {
                    let account = plan
                        .row(&cells)
                        .and_then(|row| row.needed_text(Field::AccountId))
                        .ok()
                        .map(|id| pseudonyms.map_or_else(|| id.clone(), |names| names.of(&id)));
                    spool.add(account.as_deref(), at, &cells)
                }
                Ok(_) => {
                    tally.set_aside(Aside::NotSelected);
                    Ok(())
                }
            };
            kept = result;
            // Where the disk is full nothing more is read.
            if kept.is_ok() { Ok(()) } else { Err(SourceError::stopped()) }
        });
        kept?;
        problems.extend(read.err());
    }
    if problems.is_empty() {
        Ok(spool)
    } else {
        Err(IngestError::Sources(SourceProblems::new(problems)))
    }
}

fn report(
    mapping: &Mapping,
    plans: &[Plan<'_>],
    mut tallies: Vec<Tally>,
    summary: Summary,
) -> IngestReport {
    if let Some(first) = mapping.blocks.iter().position(|block| block.aggregate) {
        // Sums of several blocks meet in one outcome: the first block shows them.
        tallies[first].made = summary.outcomes();
    }
    let given = mapping.given.iter().map(|source| source.report().clone());
    let read = tallies
        .into_iter()
        .zip(plans)
        .map(|(tally, plan)| tally.finish(unused_columns(plan, plans), rule_in_words(plan)));
    summary.report(mapping, given.chain(read).collect())
}

impl Plan<'_> {
    fn tally(&self) -> Tally {
        let files = self.source.files().map(|file| file.name.clone());
        Tally::new(self.block.table, &self.block.file.name, files)
    }
}

/// Columns of the plan's source that no block uses.
fn unused_columns(plan: &Plan<'_>, plans: &[Plan<'_>]) -> Vec<String> {
    let same = |other: &&Plan<'_>| other.block.file.name == plan.block.file.name;
    let unused = |name: &&String| !plans.iter().filter(same).any(|other| other.uses(name));
    plan.source.columns().iter().filter(unused).cloned().collect()
}
