//! Rows in the order in which a sweep over time meets them.

use super::super::super::error::StatsError;
use super::super::super::rank::same;
use super::NAME;
use super::rows::CoxRows;

/// Rows that meet an event time, standardised, sorted by the last event time they meet.
///
/// Event times of all strata stand in one sequence, stratum after stratum; a row is at risk at the
/// positions `first[i]..end[i]` of it, so that strata need no care beyond their numbering.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) columns: usize,
    /// Event times, ascending within a stratum.
    pub(super) times: Vec<f64>,
    /// Stratum of each event time.
    pub(super) strata: Vec<u32>,
    /// Row of the input.
    pub(super) row: Vec<usize>,
    pub(super) first: Vec<u32>,
    pub(super) end: Vec<u32>,
    pub(super) event: Vec<bool>,
    /// Standardised covariates, row by row.
    pub(super) x: Vec<f64>,
    /// Rows by `first`, descending.
    pub(super) leaving: Vec<u32>,
    /// Rows with an event, by event time ascending, and where each event time's begin.
    pub(super) events: Vec<u32>,
    pub(super) events_from: Vec<usize>,
    pub(super) centre: Vec<f64>,
    pub(super) scale: Vec<f64>,
}

impl Layout {
    pub(super) fn new(rows: &CoxRows) -> Result<Self, StatsError> {
        let (times, strata) = event_times(rows);
        if times.is_empty() {
            return Err(StatsError::TooFew { statistic: "events of cox", needed: 1, got: 0 });
        }
        let spans = spans(rows, &times, &strata);
        let is_met = |row: &usize| spans[*row].0 < spans[*row].1;
        let met: Vec<usize> = (0..rows.exit.len()).filter(is_met).collect();
        let slots = times.len() + 1;
        let row = by_slot_descending(&met, slots, |row| spans[row].1);
        let first: Vec<u32> = row.iter().map(|&row| spans[row].0).collect();
        let end: Vec<u32> = row.iter().map(|&row| spans[row].1).collect();
        let event: Vec<bool> = row.iter().map(|&row| rows.event[row]).collect();
        let positions: Vec<usize> = (0..row.len()).collect();
        let leaving = by_slot_descending(&positions, slots, |position| first[position]);
        let leaving = leaving.into_iter().map(|position| position as u32).collect();
        // Positions run down in time: the last event comes first.
        let events: Vec<u32> = (0..row.len() as u32).rev().filter(|&i| event[i as usize]).collect();
        let from = |time| events.partition_point(|&i| end[i as usize] <= time);
        let events_from = (0..slots as u32).map(from).collect();
        let (centre, scale) = standard(rows, &row)?;
        let x = row.iter().flat_map(|&row| {
            let values = &rows.x[row * rows.columns..(row + 1) * rows.columns];
            values.iter().zip(centre.iter().zip(&scale)).map(|(x, (c, s))| (x - c) / s)
        });
        let x = x.collect();
        let columns = rows.columns;
        Ok(Self {
            columns,
            times,
            strata,
            row,
            first,
            end,
            event,
            x,
            leaving,
            events,
            events_from,
            centre,
            scale,
        })
    }

    /// Covariates of a row.
    pub(super) fn x(&self, i: usize) -> &[f64] {
        &self.x[i * self.columns..(i + 1) * self.columns]
    }

    /// Rows with an event at an event time.
    pub(super) fn events_at(&self, time: usize) -> &[u32] {
        &self.events[self.events_from[time]..self.events_from[time + 1]]
    }

    /// Event times at which a row is at risk.
    pub(super) fn span(&self, i: usize) -> (usize, usize) {
        (self.first[i] as usize, self.end[i] as usize)
    }
}

/// Distinct event times with their strata, by stratum and time.
fn event_times(rows: &CoxRows) -> (Vec<f64>, Vec<u32>) {
    let mut events: Vec<(u32, f64)> = (0..rows.exit.len())
        .filter(|&row| rows.event[row])
        .map(|row| (rows.stratum_of(row), rows.exit[row]))
        .collect();
    events.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    events.dedup_by(|a, b| a.0 == b.0 && same(a.1, b.1));
    events.into_iter().map(|(stratum, time)| (time, stratum)).unzip()
}

/// Positions of the event times at which each row is at risk.
fn spans(rows: &CoxRows, times: &[f64], strata: &[u32]) -> Vec<(u32, u32)> {
    let up_to = |stratum: u32| {
        (strata.partition_point(|s| *s < stratum), strata.partition_point(|s| *s <= stratum))
    };
    let mut known = up_to(0);
    let mut of = 0;
    (0..rows.exit.len())
        .map(|row| {
            let stratum = rows.stratum_of(row);
            if stratum != of {
                (known, of) = (up_to(stratum), stratum);
            }
            let own = &times[known.0..known.1];
            let passed = |time: f64| (known.0 + own.partition_point(|t| *t <= time)) as u32;
            (passed(rows.entry[row]), passed(rows.exit[row]))
        })
        .collect()
}

/// Items by their slot, the last slot first, in their order within a slot.
fn by_slot_descending(items: &[usize], slots: usize, slot: impl Fn(usize) -> u32) -> Vec<usize> {
    let mut next = vec![0; slots + 1];
    for &item in items {
        next[slots - 1 - slot(item) as usize + 1] += 1;
    }
    for position in 1..=slots {
        next[position] += next[position - 1];
    }
    let mut ordered = vec![0; items.len()];
    for &item in items {
        let place = &mut next[slots - 1 - slot(item) as usize];
        ordered[*place] = item;
        *place += 1;
    }
    ordered
}

/// Mean and root mean square deviation of each column, without squares of large numbers.
fn standard(rows: &CoxRows, used: &[usize]) -> Result<(Vec<f64>, Vec<f64>), StatsError> {
    let n = used.len() as f64;
    let of_column = |column: usize| {
        let values = || used.iter().map(move |&row| rows.x[row * rows.columns + column]);
        let mean: f64 = values().map(|x| x / n).sum();
        let largest = values().map(|x| (x - mean).abs()).fold(0.0, f64::max);
        let squares: f64 = values().map(|x| ((x - mean) / largest).powi(2) / n).sum();
        let scale = largest * squares.sqrt();
        // A constant column leaves what its mean was rounded by.
        let varies = largest > 1e-13 * mean.abs() && scale.is_finite() && scale > 0.0;
        if varies {
            Ok((mean, scale))
        } else {
            Err(StatsError::Collinear { statistic: NAME, column })
        }
    };
    let parts: Result<Vec<_>, _> = (0..rows.columns).map(of_column).collect();
    Ok(parts?.into_iter().unzip())
}
