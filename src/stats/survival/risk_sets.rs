//! Who was at risk when something happened.

use super::super::error::{StatsError, check_finite, check_pair};
use super::super::rank::same;

/// An event time, how many were at risk just before it and how many had the event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RiskSet {
    pub(super) time: f64,
    pub(super) at_risk: usize,
    pub(super) events: usize,
}

/// Checks that rows pair up, are finite and end after they begin.
pub(super) fn check_rows(
    statistic: &'static str,
    entry: &[f64],
    time: &[f64],
    events: usize,
) -> Result<(), StatsError> {
    check_pair(statistic, entry, time, 1)?;
    check_length(statistic, time.len(), events)?;
    match entry.iter().zip(time).find(|(entry, time)| time <= entry) {
        Some((_, &value)) => {
            let expected = "after its entry";
            Err(StatsError::OutOfRange { argument: "time", value, expected })
        }
        None => Ok(()),
    }
}

/// Checks durations from a common origin: paired, finite, not negative.
pub(super) fn check_durations(
    statistic: &'static str,
    time: &[f64],
    events: usize,
) -> Result<(), StatsError> {
    check_length(statistic, time.len(), events)?;
    if time.is_empty() {
        return Err(StatsError::TooFew { statistic, needed: 1, got: 0 });
    }
    check_finite(time)
}

/// Checks that an input has as many values as there are rows.
pub(super) fn check_length(
    statistic: &'static str,
    left: usize,
    right: usize,
) -> Result<(), StatsError> {
    if left == right {
        return Ok(());
    }
    Err(StatsError::LengthMismatch { statistic, left, right })
}

pub(super) fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// Distinct values of a sorted sample with their counts.
pub(super) fn runs(sorted: &[f64]) -> impl Iterator<Item = (f64, usize)> {
    sorted.chunk_by(|a, b| same(*a, *b)).map(|tied| (tied[0], tied.len()))
}

/// Entries and exits in order, to count who is at risk.
#[derive(Debug)]
pub(super) struct AtRisk {
    entries: Vec<f64>,
    exits: Vec<f64>,
}

impl AtRisk {
    pub(super) fn new(rows: impl Iterator<Item = (f64, f64)>) -> Self {
        let (entries, exits): (Vec<f64>, Vec<f64>) = rows.unzip();
        Self { entries: sorted(entries), exits: sorted(exits) }
    }

    /// Rows with `entry < time ≤ exit`.
    pub(super) fn at(&self, time: f64) -> usize {
        let entered = self.entries.partition_point(|entry| *entry < time);
        entered - self.exits.partition_point(|exit| *exit < time)
    }
}

/// The risk set of every distinct event time, ascending.
pub(super) fn risk_sets(entry: &[f64], time: &[f64], event: &[bool]) -> Vec<RiskSet> {
    let at_risk = AtRisk::new(entry.iter().copied().zip(time.iter().copied()));
    let happened = sorted(time.iter().zip(event).filter(|(_, event)| **event).map(|(t, _)| *t));
    runs(&happened)
        .map(|(time, events)| RiskSet { time, at_risk: at_risk.at(time), events })
        .collect()
}
