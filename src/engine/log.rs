//! A log with what its interactions are worth: what functions read, and the tables that only it can give.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::SqlError;
use crate::flow::{Catalogue, CatalogueEntry, Worth};
use crate::interaction::Log;
use crate::interaction::schema::{ColumnKind, column};
use crate::score::{ScoreColumn, Valuation, ValuedHistory};
use crate::time::{Calendar, Instant, Month};

/// A log folder with what its interactions are worth.
#[derive(Debug)]
pub struct ScoredLog {
    log: Log,
    catalogue: Catalogue,
    valuation: Valuation,
    calendar: Calendar,
    /// First and last month with an outcome.
    months: Option<(Month, Month)>,
}

impl ScoredLog {
    /// Opens the log in `folder`, valued by `catalogue`; months are those of `calendar`.
    ///
    /// # Errors
    ///
    /// [`SqlError::Log`] when the log cannot be read, [`SqlError::Score`] when the catalogue lacks a type.
    pub fn open(folder: &Path, catalogue: Catalogue, calendar: Calendar) -> Result<Self, SqlError> {
        let log = Log::open(folder)?;
        let valuation = Valuation::new(&catalogue, log.types())?;
        let of = |(first, last)| (calendar.month_of(first), calendar.month_of(last));
        let months = log.outcome_span()?.map(of);
        Ok(Self { log, catalogue, valuation, calendar, months })
    }

    /// Months with outcomes and the instants at which they end: those of the panel.
    pub(super) fn months(&self) -> Result<RecordBatch, ArrowError> {
        let mut names = StringBuilder::new();
        let mut ends = TimestampMicrosecondBuilder::new().with_data_type(instant());
        let count = self.months.map_or(0, |(first, last)| last.since(first) + 1);
        for month in
            self.months.into_iter().flat_map(|(first, _)| (0..count).map(move |m| first.plus(m)))
        {
            names.append_value(month.to_string());
            ends.append_value(self.calendar.end_of(month).micros());
        }
        let schema = Schema::new(vec![
            Field::new("month", DataType::Utf8, false),
            Field::new("as_of", instant(), false),
        ]);
        let columns: Vec<ArrayRef> = vec![Arc::new(names.finish()), Arc::new(ends.finish())];
        RecordBatch::try_new(Arc::new(schema), columns)
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
        let (Some((first, _)), Some((last, _))) =
            (by_account.first_key_value(), by_account.last_key_value())
        else {
            return Ok(values);
        };
        for history in self.log.histories_between(first, last)? {
            let history = history?;
            let Some(asked) = by_account.get_mut(history.account.id.as_str()) else { continue };
            asked.sort_unstable();
            let mut dates: Vec<Instant> = asked.iter().map(|(as_of, _)| *as_of).collect();
            dates.dedup();
            let valued = ValuedHistory::new(&history, &self.valuation);
            let series = score.series(&valued, &dates);
            for (as_of, row) in asked {
                let at = dates.binary_search(as_of).expect("every date asked is among the dates");
                values[*row] = Some(series[at]);
            }
        }
        Ok(values)
    }
}

/// Type of a column of instants.
pub(super) fn instant() -> DataType {
    ColumnKind::Instant.data_type()
}
