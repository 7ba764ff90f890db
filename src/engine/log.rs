//! A log with what its interactions are worth: what functions read, and the tables that only it can give.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType};

use super::SqlError;
use crate::flow::{Catalogue, CatalogueEntry, Worth};
use crate::interaction::schema::{ColumnKind, column};
use crate::interaction::{AccountHistory, Histories, Log, Table};
use crate::score::{ScoreColumn, Valuation, ValuedHistory};
use crate::time::Instant;

/// A log folder with what its interactions are worth.
#[derive(Debug)]
pub struct ScoredLog {
    log: Log,
    catalogue: Catalogue,
    valuation: Valuation,
    /// Readers that have come part of the way: requests mostly ascend.
    readers: Mutex<Vec<Reader>>,
}

/// A reader of the log, and the account that it has come to.
#[derive(Debug)]
struct Reader {
    histories: Histories,
    /// None at the end.
    current: Option<AccountHistory>,
}

impl ScoredLog {
    /// Opens the log in `folder`, valued by `catalogue`. One that this program did not write is read once, to see
    /// that it is in order.
    ///
    /// # Errors
    ///
    /// [`SqlError::Log`] when the log cannot be read, [`SqlError::Score`] when the catalogue lacks a type.
    pub fn open(folder: &Path, catalogue: Catalogue) -> Result<Self, SqlError> {
        let log = Log::open(folder)?;
        let valuation = Valuation::new(&catalogue, log.types())?;
        let tables = Table::ALL.into_iter().filter(|table| log.counts().of(*table) > 0);
        if !tables.into_iter().all(|table| log.was_written_whole(table)) {
            log.histories()?.try_for_each(|history| history.map(|_| ()))?;
        }
        Ok(Self { log, catalogue, valuation, readers: Mutex::default() })
    }

    /// The catalogue: one row per type, and one more per segment in which it has another value.
    pub(super) fn catalogue(&self) -> Result<RecordBatch, ArrowError> {
        let rows: Vec<(&CatalogueEntry, Option<&str>, Worth)> = self
            .catalogue
            .entries()
            .iter()
            .flat_map(|entry| {
                let own =
                    entry.overrides.iter().map(|(segment, worth)| (Some(segment.as_str()), *worth));
                std::iter::once((None, entry.worth))
                    .chain(own)
                    .map(move |(s, worth)| (entry, s, worth))
            })
            .collect();
        let text = |of: fn(&CatalogueEntry) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(|(entry, ..)| of(entry))))
        };
        let flag = |of: fn(&CatalogueEntry) -> bool| -> ArrayRef {
            Arc::new(rows.iter().map(|(entry, ..)| Some(of(entry))).collect::<BooleanArray>())
        };
        let number = |of: fn(&CatalogueEntry, Worth) -> f64| -> ArrayRef {
            let values = rows.iter().map(|(entry, _, worth)| of(entry, *worth));
            Arc::new(Float64Array::from_iter_values(values))
        };
        let segments: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>());
        RecordBatch::try_from_iter_with_nullable([
            (column::INTERACTION_TYPE, text(|entry| &entry.interaction_type), false),
            (column::SEGMENT_ID, segments, true),
            (column::STAGE, text(|entry| entry.stage.name()), false),
            (column::FUNCTION, text(|entry| &entry.function), false),
            (column::DIRECTION, text(|entry| entry.direction.name()), false),
            (column::RV, number(|_, worth| worth.rv), false),
            (column::VARIABLE_COST, number(|_, worth| worth.variable_cost), false),
            (column::CUSTOMER_EFFORT, number(|entry, _| entry.customer_effort), false),
            ("emotional", flag(|entry| entry.emotional), false),
            (column::CRITICAL, flag(|entry| entry.critical), false),
            ("transactional", flag(|entry| entry.transactional), false),
            ("is_voc", flag(|entry| entry.is_voc), false),
        ])
    }

    /// Values of `score`, one per request; none where the log does not have the account.
    pub(super) fn values(
        &self,
        score: &dyn ScoreColumn,
        requests: &[Option<(&str, Instant)>],
    ) -> Result<Vec<Option<f64>>, SqlError> {
        let mut by_account: BTreeMap<&str, Vec<(Instant, usize)>> = BTreeMap::new();
        for (row, request) in requests.iter().enumerate() {
            if let Some((account, as_of)) = request {
                by_account.entry(account).or_default().push((*as_of, row));
            }
        }
        let mut values = vec![None; requests.len()];
        let ends = by_account.keys().next().zip(by_account.keys().next_back());
        let Some((&first, &last)) = ends else { return Ok(values) };
        let mut reader = self.reader_before(first)?;
        while let Some(history) = &reader.current
            && history.account.id.as_str() <= last
        {
            if let Some(asked) = by_account.get_mut(history.account.id.as_str()) {
                self.answer(score, history, asked, &mut values);
            }
            if history.account.id == last {
                // The next request may go on with this account.
                break;
            }
            reader.advance()?;
        }
        self.keep(reader);
        Ok(values)
    }

    /// The values of one account at the instants that are asked, each with its row.
    fn answer(
        &self,
        score: &dyn ScoreColumn,
        history: &AccountHistory,
        asked: &mut [(Instant, usize)],
        values: &mut [Option<f64>],
    ) {
        asked.sort_unstable();
        let mut dates: Vec<Instant> = asked.iter().map(|(as_of, _)| *as_of).collect();
        dates.dedup();
        let series = score.series(&ValuedHistory::new(history, &self.valuation), &dates);
        for (as_of, row) in asked {
            let at = dates.binary_search(as_of).expect("every date asked is among the dates");
            values[*row] = Some(series[at]);
        }
    }

    /// A reader that has not passed the account `first`: the one that has come furthest, else a new one there.
    fn reader_before(&self, first: &str) -> Result<Reader, SqlError> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = readers.iter().enumerate().filter(|(_, reader)| reader.id() <= Some(first));
        let furthest = ready.max_by_key(|(_, reader)| reader.id()).map(|(position, _)| position);
        if let Some(position) = furthest {
            return Ok(readers.swap_remove(position));
        }
        drop(readers);
        let mut reader =
            Reader { histories: self.log.histories_between(first, LAST)?, current: None };
        reader.advance()?;
        Ok(reader)
    }

    /// Keeps `reader` for later requests, unless it has come to the end or there are many.
    fn keep(&self, reader: Reader) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.current.is_some() && readers.len() < MOST_READERS {
            readers.push(reader);
        }
    }
}

/// After every account.
const LAST: &str = "\u{10ffff}";

/// Readers that are kept: each has all files of the log open.
const MOST_READERS: usize = 8;

impl Reader {
    fn id(&self) -> Option<&str> {
        self.current.as_ref().map(|history| history.account.id.as_str())
    }

    /// Comes to the next account.
    fn advance(&mut self) -> Result<(), SqlError> {
        self.current = self.histories.next().transpose()?;
        Ok(())
    }
}

/// Type of a column of instants.
pub(super) fn instant() -> DataType {
    ColumnKind::Instant.data_type()
}
