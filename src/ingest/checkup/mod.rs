//! What a mapping makes of its files, column by column: every value tried, whatever else is wrong.
//!
//! An ingest stops a row at the first rule that it breaks, and a block at the first column that is
//! not there. This reads on: each column is tried by itself, and then the whole as an ingest would.

mod column;
mod joins;
mod missing;
mod show;

use std::path::Path;

use serde::Serialize;

pub use self::column::{BlockCheck, FieldCheck, Offender};
use self::column::{Ids, check_block};
pub use self::joins::JoinCheck;
use super::Ingest;
use super::error::IngestError;
use super::ledger::{IngestReport, Reason, RejectedRow};
use super::mapping::Mapping;
use super::read::Tables;
use super::source::Exports;
use crate::interaction::AccountHistory;

/// Offending values or rows shown of one kind.
const MOST_EXAMPLES: usize = 3;

/// What an ingest by this mapping would end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Acceptance {
    /// A log.
    Accepted,
    /// Too many rows are rejected, or a file is broken.
    DataRefused,
    /// The mapping names files or columns that are not there.
    MappingWrong,
}

/// Rows of one source that break one rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BrokenRule {
    /// Source, as the mapping names it.
    pub source: String,
    /// The rule.
    pub reason: Reason,
    /// Rows that break it.
    pub rows: u64,
    /// Up to three of them.
    pub examples: Vec<Offender>,
}

/// A mapping, explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checkup {
    /// Name of the log.
    pub name: String,
    /// Time zone of times without offset.
    pub time_zone: String,
    /// What an ingest would end with.
    pub acceptance: Acceptance,
    /// Why, in words.
    pub why: String,
    /// Block by block, field by field.
    pub blocks: Vec<BlockCheck>,
    /// Which accounts and contacts the tables share.
    pub joins: Vec<JoinCheck>,
    /// Rules that whole rows break, as the ingest counts them: each row once, by the first.
    pub broken_rules: Vec<BrokenRule>,
    /// The ledger, where all sources can be read.
    pub ledger: Option<IngestReport>,
    /// What the tables could not show for lack of columns or values.
    pub untestable: Vec<String>,
}

/// Tries `mapping` on the files in the folder `data`.
pub fn checkup(mapping: &Mapping, data: &Path) -> Checkup {
    let exports = Exports::Folder(data);
    let mut ids = Ids::default();
    let blocks: Vec<BlockCheck> =
        mapping.blocks.iter().map(|block| check_block(exports, mapping, block, &mut ids)).collect();
    let named_wrongly = blocks.iter().any(|block| block.is_named_wrongly);
    let mut broken = BrokenRules::default();
    let ingest = Ingest::new(mapping, data);
    let (acceptance, why, ledger) = match ingest.read_into(&mut broken, std::env::temp_dir()) {
        Ok(report) => {
            let read = report.sources.iter().filter(|source| !source.for_queries);
            let (rejected, read, aside) =
                read.fold((0, 0, 0), |(rejected, read, aside), source| {
                    let aside = aside + source.set_aside.total();
                    (rejected + source.n_rejected(), read + source.read, aside)
                });
            let why = format!(
                "{rejected} of {read} rows read would be rejected; {aside} more are set aside by the mapping"
            );
            (Acceptance::Accepted, why, Some(report))
        }
        Err(error) => {
            let why = error.to_string();
            let acceptance =
                if named_wrongly { Acceptance::MappingWrong } else { Acceptance::DataRefused };
            match error {
                IngestError::TooManyRejected { report } => (acceptance, why, Some(*report)),
                _ => (acceptance, why, None),
            }
        }
    };
    Checkup {
        name: mapping.name().to_owned(),
        time_zone: mapping.calendar().name().to_owned(),
        acceptance,
        why,
        joins: ids.joins(),
        untestable: missing::untestable(mapping, &blocks),
        broken_rules: broken.0,
        blocks,
        ledger,
    }
}

/// The rules that rejected rows break, each with its first examples.
#[derive(Debug, Default)]
struct BrokenRules(Vec<BrokenRule>);

impl Tables for BrokenRules {
    fn history(&mut self, _: AccountHistory) -> Result<(), IngestError> {
        Ok(())
    }

    fn rejected(&mut self, row: RejectedRow) -> Result<(), IngestError> {
        let same = |rule: &&mut BrokenRule| rule.source == row.source && rule.reason == row.reason;
        let example = Offender::of(&row);
        match self.0.iter_mut().find(same) {
            Some(rule) => {
                rule.rows += 1;
                if rule.examples.len() < MOST_EXAMPLES {
                    rule.examples.push(example);
                }
            }
            None => self.0.push(BrokenRule {
                source: row.source,
                reason: row.reason,
                rows: 1,
                examples: vec![example],
            }),
        }
        Ok(())
    }
}
