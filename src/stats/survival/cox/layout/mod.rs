//! Rows in the order in which a sweep over time meets them.

pub(super) mod columns;
mod event_times;

use std::ops::Range;

use super::super::super::error::StatsError;
use super::NAME;
use super::rows::CoxRows;
use columns::{Columns, largest, total};
use event_times::EventTimes;

/// Rows that meet an event time, standardised, sorted by the last event time they meet.
///
/// Event times of all strata stand in one sequence, stratum after stratum; a row is at risk at a range
/// of its positions, so that strata need no care beyond their numbering.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Event times, ascending within a stratum.
    pub(super) times: Vec<f64>,
    /// Stratum of each event time.
    pub(super) strata: Vec<u32>,
    /// Row of the input.
    pub(super) row: Vec<u32>,
    /// Rows at risk at the same event times: all of a month, where months are what is told apart.
    pub(super) runs: Vec<Run>,
    /// Whether anybody at risk at an event time is so at the next one too.
    pub(super) carries: Vec<bool>,
    /// Standardised covariates.
    pub(super) x: Columns,
    /// Rows with an event, by event time, and where each event time's begin.
    pub(super) events: Vec<u32>,
    events_from: Vec<usize>,
    pub(super) centre: Vec<f64>,
    pub(super) scale: Vec<f64>,
}

/// Neighbours in a layout that are at risk at the event times `first..end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) end: u32,
    from: u32,
    to: u32,
}

impl Run {
    /// The rows.
    pub(super) fn rows(&self) -> Range<usize> {
        self.from as usize..self.to as usize
    }

    /// The event times.
    pub(super) fn span(&self) -> Range<usize> {
        self.first as usize..self.end as usize
    }
}

impl Layout {
    pub(super) fn new(rows: &CoxRows) -> Result<Self, StatsError> {
        let events = EventTimes::new(rows);
        if events.times.is_empty() {
            return Err(StatsError::TooFew { statistic: "events of cox", needed: 1, got: 0 });
        }
        let spans = events.spans(rows);
        let EventTimes { times, strata, .. } = events;
        let slots = times.len() + 1;
        let met = (0..rows.exit.len() as u32).filter(|&row| {
            let (first, end) = spans[row as usize];
            first < end
        });
        let by_first = by_slot(met, slots, |row| spans[row as usize].0);
        let row = by_slot(by_first.iter().copied(), slots, |row| spans[row as usize].1);
        let runs = runs(&row, &spans);
        let has_event = |&i: &u32| rows.event[row[i as usize] as usize];
        let events: Vec<u32> = (0..row.len() as u32).filter(has_event).collect();
        let from = |time| events.partition_point(|&i| spans[row[i as usize] as usize].1 <= time);
        let events_from = (0..slots as u32).map(from).collect();
        let mut x = Columns::gathered(rows.x, rows.columns, &row);
        let (centre, scale) = standardise(&mut x)?;
        let carries = carries(&runs, times.len());
        Ok(Self { times, strata, row, runs, carries, x, events, events_from, centre, scale })
    }

    pub(super) fn columns(&self) -> usize {
        self.scale.len()
    }

    /// Rows with an event at an event time.
    pub(super) fn events_at(&self, time: usize) -> &[u32] {
        &self.events[self.events_from[time]..self.events_from[time + 1]]
    }

    /// Rows with an event, with their event times.
    pub(super) fn each_event(&self) -> impl Iterator<Item = (usize, usize)> {
        let at = |time| self.events_at(time).iter().map(move |&i| (i as usize, time));
        (0..self.times.len()).flat_map(at)
    }
}

/// Rows by their slot, in their order within a slot.
fn by_slot(
    rows: impl Iterator<Item = u32> + Clone,
    slots: usize,
    slot: impl Fn(u32) -> u32,
) -> Vec<u32> {
    let mut next = vec![0_u32; slots + 1];
    for row in rows.clone() {
        next[slot(row) as usize + 1] += 1;
    }
    for position in 1..=slots {
        next[position] += next[position - 1];
    }
    let mut ordered = vec![0; next[slots] as usize];
    for row in rows {
        let place = &mut next[slot(row) as usize];
        ordered[*place as usize] = row;
        *place += 1;
    }
    ordered
}

fn runs(row: &[u32], spans: &[(u32, u32)]) -> Vec<Run> {
    let span = |row: u32| spans[row as usize];
    let mut to = 0;
    let run = |rows: &[u32]| {
        let (first, end) = span(rows[0]);
        let from = to;
        to += rows.len() as u32;
        Run { first, end, from, to }
    };
    row.chunk_by(|a, b| span(*a) == span(*b)).map(run).collect()
}

fn carries(runs: &[Run], times: usize) -> Vec<bool> {
    let mut change = vec![0_i64; times];
    for run in runs {
        change[run.first as usize] += 1;
        change[run.end as usize - 1] -= 1;
    }
    let mut carried = 0;
    let carries = |change| {
        carried += change;
        carried > 0
    };
    change.into_iter().map(carries).collect()
}

/// Takes each column's mean off and divides by the root mean square, without squares of large numbers.
fn standardise(x: &mut Columns) -> Result<(Vec<f64>, Vec<f64>), StatsError> {
    let of_column = |(column, values): (usize, &mut [f64])| {
        let share = 1.0 / values.len() as f64;
        let mean = total(values, |x| share * x);
        let largest = largest(values, 0.0, |x| (x - mean).abs());
        let to_largest = largest.recip();
        let mean_square = total(values, |x| ((x - mean) * to_largest).powi(2)) * share;
        let scale = largest * mean_square.sqrt();
        let to_scale = scale.recip();
        for x in values {
            *x = (*x - mean) * to_scale;
        }
        // A constant column leaves what its mean was rounded by.
        let varies = largest > 1e-13 * mean.abs() && scale.is_finite() && scale > 0.0;
        if varies {
            Ok((mean, scale))
        } else {
            Err(StatsError::Collinear { statistic: NAME, column })
        }
    };
    let parts: Result<Vec<_>, _> = x.iter_mut().enumerate().map(of_column).collect();
    Ok(parts?.into_iter().unzip())
}
