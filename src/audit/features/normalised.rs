//! Features scaled by the whole sample, the months to come included.

use std::collections::BTreeMap;

use super::joined::Joined;
use crate::audit::finding::{AuditFinding, Severity, Tally, Wording};
use crate::ingest::FeatureColumn;
use crate::stats::mid_ranks;

const NORMALISED: Wording = Wording {
    check: "normalisation_leak",
    why: "the mean, spread or quantiles of the whole sample are known only at its end: early rows \
          tell how later ones compare",
    remedy: "fit the scaling within each date, or on the training part of each fold",
};

/// How near the whole sample's mean must be to 0, and its spread to 1.
const EXACT: f64 = 1e-3;
/// How far a date's own mean must be from 0 for the scaling not to be the date's.
const OWN: f64 = 0.02;
/// Values below which nothing is said.
const LEAST_VALUES: usize = 100;
/// Groups that are taken for quantiles.
const QUANTILES: std::ops::RangeInclusive<usize> = 3..=100;
/// By how much group sizes may differ where ties are cut.
const UNEVEN: usize = 2;

/// A column whose mean and spread are 0 and 1, whose groups are of one size, or whose values are
/// ranks, over all rows, and not within each date.
pub(super) fn finding(joined: &Joined<'_>, column: &FeatureColumn) -> Option<AuditFinding> {
    let rows: Vec<usize> =
        (0..column.values.len()).filter(|&row| !column.values[row].is_nan()).collect();
    if rows.len() < LEAST_VALUES || joined.dates.len() < 2 {
        return None;
    }
    let values: Vec<f64> = rows.iter().map(|&row| column.values[row]).collect();
    let mut dates: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for &row in &rows {
        dates.entry(joined.places[row].1).or_default().push(column.values[row]);
    }
    let dates: Vec<Vec<f64>> = dates.into_values().filter(|values| values.len() > 1).collect();
    let what = standardised(&values, &dates)
        .or_else(|| quantiles(&values, &dates))
        .or_else(|| ranks(&values, &dates))?;
    let mut tally = Tally::default();
    for &row in &rows {
        tally.see(true, || format!("{}: {:.4}", joined.row_name(row), column.values[row]));
    }
    let what = format!("`{}` {what}", column.name);
    Some(tally.finding(NORMALISED, Severity::Leak, (&column.name, "values"), what))
}

fn mean_and_spread(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

fn standardised(values: &[f64], dates: &[Vec<f64>]) -> Option<String> {
    let (mean, spread) = mean_and_spread(values);
    // Some divide by n, some by n - 1.
    let n = values.len() as f64;
    let one = |spread: f64| (spread - 1.0).abs() <= EXACT;
    let of_whole = mean.abs() <= EXACT && (one(spread) || one(spread * (n / (n - 1.0)).sqrt()));
    let farthest = dates.iter().map(|date| mean_and_spread(date).0.abs()).fold(0.0, f64::max);
    (of_whole && farthest > OWN).then(|| {
        format!(
            "has mean 0 and standard deviation 1 over all {} values, while the means of single \
             dates reach {farthest:.2}",
            values.len()
        )
    })
}

/// Sizes of the groups of equal values.
fn sizes(values: &[f64]) -> Vec<usize> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a.to_bits() == b.to_bits()).map(<[f64]>::len).collect()
}

fn uneven(sizes: &[usize]) -> usize {
    let largest = sizes.iter().max().copied().unwrap_or(0);
    largest - sizes.iter().min().copied().unwrap_or(0)
}

fn quantiles(values: &[f64], dates: &[Vec<f64>]) -> Option<String> {
    let whole = sizes(values);
    let groups = whole.len();
    let large = QUANTILES.contains(&groups) && values.len() >= 10 * groups;
    let own = |date: &Vec<f64>| {
        let sizes = sizes(date);
        sizes.len() == groups.min(date.len()) && uneven(&sizes) <= UNEVEN
    };
    (large && uneven(&whole) <= UNEVEN && !dates.iter().all(own)).then(|| {
        format!(
            "cuts all {} values into {groups} groups of one size, while single dates have other \
             sizes: the edges are those of the whole sample",
            values.len()
        )
    })
}

fn ranks(values: &[f64], dates: &[Vec<f64>]) -> Option<String> {
    let distinct = sizes(values).len();
    (10 * distinct >= 9 * values.len() && are_ranks(values) && !dates.iter().all(|d| are_ranks(d)))
        .then(|| format!("ranks all {} values of the whole sample", values.len()))
}

/// Whether the values are their own ranks, up to place and scale.
fn are_ranks(values: &[f64]) -> bool {
    let ranks = mid_ranks(values);
    let ((m, s), (rank_m, rank_s)) = (mean_and_spread(values), mean_and_spread(&ranks));
    s > 0.0
        && values
            .iter()
            .zip(&ranks)
            .all(|(value, rank)| ((value - m) / s - (rank - rank_m) / rank_s).abs() < EXACT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two dates of 60 values, the second higher.
    fn sample() -> (Vec<f64>, Vec<Vec<f64>>) {
        let date = |shift: f64| (0..60).map(|i| f64::from(i * i) + shift).collect::<Vec<f64>>();
        let dates = vec![date(0.0), date(700.5)];
        (dates.concat(), dates)
    }

    fn scaled(values: &[f64], (mean, spread): (f64, f64)) -> Vec<f64> {
        values.iter().map(|v| (v - mean) / spread).collect()
    }

    fn apart(values: &[f64]) -> Vec<Vec<f64>> {
        values.chunks(60).map(<[f64]>::to_vec).collect()
    }

    #[test]
    fn scaling_by_the_whole_sample_is_named_and_by_each_date_is_not() {
        let (values, dates) = sample();
        assert_eq!(standardised(&values, &dates), None);
        let whole = scaled(&values, mean_and_spread(&values));
        assert!(standardised(&whole, &apart(&whole)).is_some());
        let own = dates.iter().flat_map(|date| scaled(date, mean_and_spread(date)));
        let own: Vec<f64> = own.collect();
        assert_eq!(standardised(&own, &apart(&own)), None);
        // Fitted on the first date only, as a training part would be.
        let trained = scaled(&values, mean_and_spread(&dates[0]));
        assert_eq!(standardised(&trained, &apart(&trained)), None);
    }

    #[test]
    fn either_divisor_of_the_variance_is_named_at_a_hundred_rows() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let (mean, spread) = mean_and_spread(&values);
        let of = |spread: f64| {
            let scaled = scaled(&values, (mean, spread));
            let dates: Vec<Vec<f64>> = scaled.chunks(50).map(<[f64]>::to_vec).collect();
            standardised(&scaled, &dates).is_some()
        };
        let sample = spread * (100.0_f64 / 99.0).sqrt();
        assert!(of(spread) && of(sample));
        assert!(!of(1.01 * sample) && !of(0.99 * spread));
    }

    #[test]
    fn quantile_edges_of_the_whole_sample_are_named_and_those_of_each_date_are_not() {
        let (values, dates) = sample();
        let cut = |values: &[f64]| {
            let n = values.len() as f64;
            mid_ranks(values).iter().map(|r| ((r - 0.5) / n * 5.0).floor()).collect::<Vec<f64>>()
        };
        let whole = cut(&values);
        assert!(quantiles(&whole, &apart(&whole)).is_some());
        let own: Vec<f64> = dates.iter().flat_map(|date| cut(date)).collect();
        assert_eq!(quantiles(&own, &apart(&own)), None);
        let given: Vec<f64> =
            (0..120).map(|i| f64::from(u8::from(i % 7 < 3) + u8::from(i % 7 < 1))).collect();
        assert_eq!(quantiles(&given, &apart(&given)), None);
    }

    #[test]
    fn ranks_of_the_whole_sample_are_named_and_those_of_each_date_are_not() {
        let (values, dates) = sample();
        assert_eq!(ranks(&values, &dates), None);
        let whole = mid_ranks(&values);
        assert!(ranks(&whole, &apart(&whole)).is_some());
        let own: Vec<f64> = dates.iter().flat_map(|date| mid_ranks(date)).collect();
        assert_eq!(ranks(&own, &apart(&own)), None);
    }
}
