//! Suspicious silences: months without a row where the usual rate would have brought many.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Month;

/// When a silence is suspicious.
///
/// ```text
/// u = median over the last `usual_months` months before the silence (after it, at the log's start) of
///     rows / active accounts
/// E = u · Σ active accounts over the silent months
/// φ = max(1, variance / mean) of the rows of those months
/// suspicious:  E / φ ≥ least_expected   and   rate of the month beside the silence ≥ u / 2
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SilenceParams {
    /// Months by which the usual rate is judged; fewer than three tell nothing.
    pub usual_months: usize,
    /// Rows that the silent months should have brought, freed of how rows come in bursts.
    pub least_expected: f64,
}

impl Default for SilenceParams {
    fn default() -> Self {
        Self { usual_months: 6, least_expected: 10.0 }
    }
}

/// Where in the log a silence lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SilenceKind {
    /// Nothing until a month, then at once as usual.
    Starts,
    /// Nothing for some months in between.
    Pauses,
    /// Nothing from a month to the log's end.
    Stops,
}

/// Months in which a function or source system is silent, though it should not be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// `function` or `system`.
    pub what: String,
    /// Its name.
    pub name: String,
    /// Where the silence lies.
    pub kind: SilenceKind,
    /// First silent month, `YYYY-MM`.
    pub from: String,
    /// Last silent month, `YYYY-MM`.
    pub to: String,
    /// Rows that the usual rate would have brought.
    pub expected_rows: f64,
}

/// A silence by positions of months.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    kind: SilenceKind,
    first: usize,
    last: usize,
    expected: f64,
}

impl Run {
    pub(super) fn named(self, what: &str, name: &str, first: Month) -> Silence {
        let month = |position: usize| first.plus(position as i32).to_string();
        Silence {
            what: what.to_owned(),
            name: name.to_owned(),
            kind: self.kind,
            from: month(self.first),
            to: month(self.last),
            expected_rows: self.expected,
        }
    }
}

/// The suspicious silences among months with `rows` while `active` accounts were there.
pub(super) fn silences(params: &SilenceParams, rows: &[u64], active: &[u64]) -> Vec<Run> {
    let mut found = Vec::new();
    let mut month = 0;
    while month < rows.len() {
        if rows[month] > 0 {
            month += 1;
            continue;
        }
        let first = month;
        while month < rows.len() && rows[month] == 0 {
            month += 1;
        }
        let (kind, beside): (_, Vec<usize>) = if first > 0 {
            let kind = if month == rows.len() { SilenceKind::Stops } else { SilenceKind::Pauses };
            (kind, (0..first).rev().take(params.usual_months).collect())
        } else {
            (SilenceKind::Starts, (month..rows.len()).take(params.usual_months).collect())
        };
        let silent: u64 = active[first..month].iter().sum();
        if let Some(expected) = expected(params, rows, active, &beside, silent) {
            found.push(Run { kind, first, last: month - 1, expected });
        }
    }
    found
}

/// Rows that `silent` account-months should have brought, where that is suspiciously many.
fn expected(
    params: &SilenceParams,
    rows: &[u64],
    active: &[u64],
    beside: &[usize],
    silent: u64,
) -> Option<f64> {
    let months: Vec<usize> = beside.iter().copied().filter(|&month| active[month] > 0).collect();
    if months.len() < 3 {
        return None;
    }
    let rate = |month: usize| rows[month] as f64 / active[month] as f64;
    let mut rates: Vec<f64> = months.iter().map(|&month| rate(month)).collect();
    rates.sort_by(f64::total_cmp);
    let middle = rates.len() / 2;
    let usual = if rates.len() % 2 == 1 {
        rates[middle]
    } else {
        f64::midpoint(rates[middle - 1], rates[middle])
    };
    let n = months.len() as f64;
    let mean = months.iter().map(|&month| rows[month] as f64).sum::<f64>() / n;
    let squares = months.iter().map(|&month| (rows[month] as f64 - mean).powi(2));
    let bursts = (squares.sum::<f64>() / (n - 1.0) / mean.max(f64::MIN_POSITIVE)).max(1.0);
    let expected = usual * silent as f64;
    let abrupt = rate(months[0]) >= usual / 2.0;
    (abrupt && usual > 0.0 && expected / bursts >= params.least_expected).then_some(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(rows: &[u64], active: &[u64]) -> Vec<(SilenceKind, usize, usize)> {
        let found = silences(&SilenceParams::default(), rows, active);
        found.into_iter().map(|run| (run.kind, run.first, run.last)).collect()
    }

    #[test]
    fn an_abrupt_stop_start_and_pause_are_suspicious() {
        let active = [100; 12];
        let stops = [20, 22, 19, 21, 20, 18, 20, 21, 0, 0, 0, 0];
        assert_eq!(kinds(&stops, &active), [(SilenceKind::Stops, 8, 11)]);
        let starts = [0, 0, 0, 20, 22, 19, 21, 20, 18, 20, 21, 20];
        assert_eq!(kinds(&starts, &active), [(SilenceKind::Starts, 0, 2)]);
        let pauses = [20, 22, 19, 21, 0, 18, 20, 21, 20, 18, 20, 21];
        assert_eq!(kinds(&pauses, &active), [(SilenceKind::Pauses, 4, 4)]);
    }

    #[test]
    fn what_fades_is_rare_or_comes_in_bursts_is_not() {
        let active = [100; 12];
        assert_eq!(kinds(&[40, 38, 30, 24, 16, 9, 5, 2, 1, 0, 0, 0], &active), []);
        assert_eq!(kinds(&[1, 0, 2, 1, 1, 0, 1, 2, 1, 1, 0, 0], &active), []);
        assert_eq!(kinds(&[0, 90, 0, 0, 85, 0, 0, 99, 0, 0, 91, 0], &active), []);
    }

    #[test]
    fn nobody_there_is_no_silence() {
        let mut active = [100; 12];
        active[8..].fill(0);
        assert_eq!(kinds(&[20, 22, 19, 21, 20, 18, 20, 21, 0, 0, 0, 0], &active), []);
    }

    #[test]
    fn the_expected_rows_are_the_usual_rate_times_the_accounts_that_are_there() {
        let rows = [10, 10, 10, 10, 10, 10, 0, 0];
        let active = [100, 100, 100, 100, 100, 100, 80, 60];
        let found = silences(&SilenceParams::default(), &rows, &active);
        assert!((found[0].expected - 0.1 * 140.0).abs() < 1e-12, "{found:?}");
    }
}
