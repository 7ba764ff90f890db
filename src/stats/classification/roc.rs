//! The area under the ROC curve and its error.

use std::collections::BTreeMap;

use super::super::error::StatsError;
use super::super::estimate::Estimate;
use super::super::rank::mid_ranks;
use super::labels::{Counts, check_length, check_scores};

/// Area under the ROC curve of a score for an event.
///
/// ```text
/// AUC = P̂(score of an event > score of a non-event) + ½ P̂(equal)
/// ```
///
/// - `score`: shape `(n,)`, any unit; larger means the event is likelier. `event`: shape `(n,)`.
/// - Returns a number in `[0, 1]`, also where [`delong`] has no error to give. O(n log n).
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` without an event or without a non-event.
///
/// # Source
///
/// Bamber (1975), *J. Mathematical Psychology* 12(4), 387–415. Parity: `sklearn.metrics.roc_auc_score`,
/// `tests/fixtures/classification.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let auc = rvq::stats::roc_auc(&[0.1, 0.4, 0.4, 0.9], &[false, false, true, true])?;
/// assert!((auc - 0.875).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn roc_auc(score: &[f64], event: &[bool]) -> Result<f64, StatsError> {
    check_scores("roc_auc", score, event, 1)?;
    Ok(area(&placements(score, event), event))
}

/// Area under the ROC curve with DeLong's standard error; rows are independent.
///
/// ```text
/// V = S²(V over events) / m + S²(V over non-events) / n      S² with divisors m − 1 and n − 1
/// V: placement, the share of the other kind that stands on the right side (ties count half)
/// ```
///
/// - `score`, `event`: as for [`roc_auc`], at least 2 events and 2 non-events. The null is ½; `n` of
///   the result counts rows.
///
/// # Errors
///
/// As [`roc_auc`], and `OutOfRange` for a standard error of 0: perfect separation or a constant
/// score, where the area itself still stands.
///
/// # Source
///
/// DeLong, DeLong and Clarke-Pearson (1988), *Biometrics* 44(3), 837–845. Parity: R `pROC` `var`,
/// `tests/fixtures/roc.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let score = [0.1, 0.4, 0.2, 0.5, 0.3, 0.9];
/// let auc = rvq::stats::delong(&score, &[false, false, false, true, true, true])?;
/// assert!((auc.estimate - 8.0 / 9.0).abs() < 1e-12 && (auc.std_error - 0.157_134_8).abs() < 1e-6);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn delong(score: &[f64], event: &[bool]) -> Result<Estimate, StatsError> {
    let counts = check_scores("delong", score, event, 2)?;
    let rows = every_row(event);
    let placed = placements(score, event);
    let auc = area(&placed, event);
    let variance = clustered_variance("delong", &placed, event, &rows, counts)?;
    Estimate::normal(auc, variance.value.sqrt(), 0.5, event.len(), "DeLong")
}

/// Difference of the areas under the ROC curves of two scores of the same rows, after DeLong.
///
/// ```text
/// θ = AUC(a) − AUC(b)      variance as in `delong`, of the differences of placements
/// ```
///
/// - `a`, `b`, `event`: shape `(n,)`, paired by position. The null is 0.
///
/// # Errors
///
/// As [`delong`]; a standard error of 0 where both scores rank alike.
///
/// # Source
///
/// As [`delong`]. Parity: R `pROC::roc.test(method = "delong", paired = TRUE)`,
/// `tests/fixtures/roc.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let event = [false, false, false, true, true, true];
/// let (a, b) = ([0.1, 0.4, 0.2, 0.5, 0.3, 0.9], [0.3, 0.4, 0.2, 0.1, 0.5, 0.6]);
/// let gain = rvq::stats::delong_difference(&a, &b, &event)?;
/// assert!((gain.estimate - 2.0 / 9.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn delong_difference(a: &[f64], b: &[f64], event: &[bool]) -> Result<Estimate, StatsError> {
    let rows = every_row(event);
    let found = difference("delong_difference", [a, b], event, &rows)?;
    let std_error = found.variance.value.sqrt();
    Estimate::normal(found.estimate, std_error, 0.0, event.len(), "DeLong, paired")
}

/// Area under the ROC curve with a standard error for rows that come in clusters.
///
/// ```text
/// V   = S₁₀/m + S₀₁/n + 2 S₁₁/(m n)
/// S₁₀ = I₁/((I₁ − 1) m) Σ_g a_g²      a_g = Σ over events of cluster g of (V − AUC)
/// S₀₁ = I₀/((I₀ − 1) n) Σ_g b_g²      b_g: likewise over non-events
/// S₁₁ = I/(I − 1) Σ_g a_g b_g         I₁, I₀: clusters with an event, with a non-event; I: all
/// ```
///
/// With one row to each cluster this is [`delong`].
///
/// - `cluster`: shape `(n,)`, the account of each row. The null is ½; `n` of the result counts
///   clusters.
///
/// # Errors
///
/// As [`roc_auc`]; `TooFew` with fewer than 2 clusters that hold an event, or a non-event;
/// `OutOfRange` for a variance that is not positive.
///
/// # Source
///
/// Obuchowski (1997), *Biometrics* 53(2), 567–578. Parity: independent NumPy code over pairs,
/// `tests/fixtures/classification.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let score = [0.1, 0.4, 0.2, 0.5, 0.3, 0.9];
/// let event = [false, false, false, true, true, true];
/// let auc = rvq::stats::clustered_auc(&score, &event, &[0, 1, 2, 0, 1, 2])?;
/// assert_eq!(auc.n, 3);
/// assert!((auc.estimate - 8.0 / 9.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn clustered_auc(
    score: &[f64],
    event: &[bool],
    cluster: &[u32],
) -> Result<Estimate, StatsError> {
    let statistic = "clustered_auc";
    let counts = check_scores(statistic, score, event, 1)?;
    let placed = placements(score, event);
    let auc = area(&placed, event);
    let variance = clustered_variance(statistic, &placed, event, cluster, counts)?;
    Estimate::normal(auc, variance.value.sqrt(), 0.5, variance.clusters, "Obuchowski, by cluster")
}

/// Difference of two areas under the ROC curve for rows that come in clusters.
///
/// ```text
/// θ = AUC(a) − AUC(b)      variance as in `clustered_auc`, of the differences of placements
/// ```
///
/// - `a`, `b`, `event`, `cluster`: shape `(n,)`. The null is 0; `n` of the result counts clusters.
///
/// # Errors
///
/// As [`clustered_auc`].
///
/// # Source
///
/// As [`clustered_auc`]. Parity: independent NumPy code, `tests/fixtures/classification.json`,
/// tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let event = [false, false, false, true, true, true];
/// let (a, b) = ([0.1, 0.4, 0.2, 0.5, 0.3, 0.9], [0.3, 0.4, 0.2, 0.1, 0.5, 0.6]);
/// let gain = rvq::stats::clustered_auc_difference(&a, &b, &event, &[0, 1, 2, 3, 4, 5])?;
/// let rows = rvq::stats::delong_difference(&a, &b, &event)?;
/// assert!((gain.std_error - rows.std_error).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn clustered_auc_difference(
    a: &[f64],
    b: &[f64],
    event: &[bool],
    cluster: &[u32],
) -> Result<Estimate, StatsError> {
    let found = difference("clustered_auc_difference", [a, b], event, cluster)?;
    let Variance { value, clusters } = found.variance;
    let method = "Obuchowski, by cluster, paired";
    Estimate::normal(found.estimate, value.sqrt(), 0.0, clusters, method)
}

/// The placement of each row among the other kind: the share of it that stands on the right side.
///
/// It is the rank among all minus the rank among the own kind. Both kinds must occur.
pub(in super::super) fn placements(score: &[f64], event: &[bool]) -> Vec<f64> {
    let of_kind = |kind: bool| -> Vec<f64> {
        score.iter().zip(event).filter(|(_, e)| **e == kind).map(|(s, _)| *s).collect()
    };
    let (positive, negative) = (mid_ranks(&of_kind(true)), mid_ranks(&of_kind(false)));
    let (events, others) = (positive.len() as f64, negative.len() as f64);
    let (mut next_positive, mut next_negative) = (positive.iter(), negative.iter());
    let place = |(rank, is_event): (f64, &bool)| {
        let own = if *is_event { next_positive.next() } else { next_negative.next() };
        let others_below = rank - own.expect("one own rank per row of its kind");
        if *is_event { others_below / others } else { 1.0 - others_below / events }
    };
    mid_ranks(score).into_iter().zip(event).map(place).collect()
}

/// Each row its own cluster.
fn every_row(event: &[bool]) -> Vec<u32> {
    (0..event.len() as u32).collect()
}

/// Mean placement of the events.
fn area(placed: &[f64], event: &[bool]) -> f64 {
    let of_events = placed.iter().zip(event).filter(|(_, e)| **e).map(|(v, _)| *v);
    of_events.sum::<f64>() / event.iter().filter(|e| **e).count() as f64
}

struct Difference {
    estimate: f64,
    variance: Variance,
}

fn difference(
    statistic: &'static str,
    [a, b]: [&[f64]; 2],
    event: &[bool],
    cluster: &[u32],
) -> Result<Difference, StatsError> {
    let counts = check_scores(statistic, a, event, 1)?;
    check_scores(statistic, b, event, 1)?;
    let (of_a, of_b) = (placements(a, event), placements(b, event));
    let apart: Vec<f64> = of_a.iter().zip(&of_b).map(|(a, b)| a - b).collect();
    let variance = clustered_variance(statistic, &apart, event, cluster, counts)?;
    Ok(Difference { estimate: area(&apart, event), variance })
}

struct Variance {
    value: f64,
    clusters: usize,
}

/// Sums of centred placements of one cluster, by kind; none where the cluster has none of it.
#[derive(Default, Clone, Copy)]
struct ClusterSums {
    events: Option<f64>,
    others: Option<f64>,
}

/// Obuchowski's variance of the mean placement of events.
fn clustered_variance(
    statistic: &'static str,
    placed: &[f64],
    event: &[bool],
    cluster: &[u32],
    counts: Counts,
) -> Result<Variance, StatsError> {
    check_length(statistic, event, cluster)?;
    let center = area(placed, event);
    let mut sums: BTreeMap<u32, ClusterSums> = BTreeMap::new();
    for ((v, is_event), cluster) in placed.iter().zip(event).zip(cluster) {
        let of = sums.entry(*cluster).or_default();
        let kind = if *is_event { &mut of.events } else { &mut of.others };
        *kind.get_or_insert(0.0) += v - center;
    }
    let (m, n) = (counts.events as f64, counts.others as f64);
    let events = spread(statistic, sums.values().filter_map(|s| s.events))?;
    let others = spread(statistic, sums.values().filter_map(|s| s.others))?;
    let both = sums.values().filter_map(|s| Some(s.events? * s.others?)).sum::<f64>();
    let clusters = sums.len() as f64;
    let joint = clusters / (clusters - 1.0) * both;
    let value = events / (m * m) + others / (n * n) + 2.0 * joint / (m * n);
    Ok(Variance { value: value.max(0.0), clusters: sums.len() })
}

/// I/(I − 1) Σ a².
fn spread(statistic: &'static str, sums: impl Iterator<Item = f64>) -> Result<f64, StatsError> {
    let (count, squares) = sums.fold((0_usize, 0.0), |(i, total), a| (i + 1, total + a * a));
    if count < 2 {
        return Err(StatsError::TooFew { statistic, needed: 2, got: count });
    }
    Ok(count as f64 / (count - 1) as f64 * squares)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::rng::{Purpose, Streams};

    const EVENT: [bool; 6] = [false, false, false, true, true, true];

    #[test]
    fn perfect_separation_has_an_area_but_no_error() {
        let score = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert!((roc_auc(&score, &EVENT).unwrap() - 1.0).abs() < 1e-15);
        let refused = delong(&score, &EVENT);
        assert!(matches!(refused, Err(StatsError::OutOfRange { argument: "std_error", .. })));
        assert!((roc_auc(&[1.0; 6], &EVENT).unwrap() - 0.5).abs() < 1e-15);
        assert!(delong(&[1.0; 6], &EVENT).is_err());
    }

    #[test]
    fn order_and_monotone_scale_do_not_matter() {
        let score = [0.1, 0.4, 0.4, 0.5, 0.3, 0.9];
        let found = delong(&score, &EVENT).unwrap();
        for scale in [1e300, 1e-300] {
            let scaled: Vec<f64> = score.iter().map(|s| s * scale).collect();
            assert_eq!(delong(&scaled, &EVENT).unwrap(), found);
        }
        let (back, flipped): (Vec<f64>, Vec<bool>) =
            score.iter().zip(EVENT).rev().map(|(s, e)| (*s, e)).unzip();
        let other = delong(&back, &flipped).unwrap();
        assert!((other.std_error - found.std_error).abs() < 1e-15);
        let negative: Vec<f64> = score.iter().map(|s| -s).collect();
        let mirrored = delong(&negative, &EVENT).unwrap();
        assert!((mirrored.estimate + found.estimate - 1.0).abs() < 1e-15);
        assert!((mirrored.std_error - found.std_error).abs() < 1e-15);
    }

    #[test]
    fn doubled_rows_in_clusters_tell_no_more_than_single_ones() {
        let score = [0.1, 0.4, 0.6, 0.5, 0.3, 0.9];
        let twice = |index: usize| index % 6;
        let scores: Vec<f64> = (0..12).map(|i| score[twice(i)]).collect();
        let events: Vec<bool> = (0..12).map(|i| EVENT[twice(i)]).collect();
        let clusters: Vec<u32> = (0..12).map(|i| twice(i) as u32).collect();
        let found = clustered_auc(&scores, &events, &clusters).unwrap();
        let single = delong(&score, &EVENT).unwrap();
        assert!((found.std_error - single.std_error).abs() < 1e-15);
        assert!(delong(&scores, &events).unwrap().std_error < 0.8 * single.std_error);
        assert_eq!(found.n, 6);
    }

    #[test]
    fn one_cluster_or_one_event_is_an_error() {
        let score = [0.1, 0.4, 0.6, 0.5, 0.3, 0.9];
        assert!(matches!(
            clustered_auc(&score, &EVENT, &[7; 6]),
            Err(StatsError::TooFew { got: 1, .. })
        ));
        assert!(delong(&[1.0, 2.0], &[false, true]).is_err());
        assert!(roc_auc(&[1.0, 2.0], &[true, true]).is_err());
        assert!(roc_auc(&[f64::NAN, 2.0], &[true, false]).is_err());
        assert!(clustered_auc(&score, &EVENT, &[0; 5]).is_err());
        assert!(delong_difference(&score, &score, &EVENT).is_err());
    }

    #[test]
    fn clusters_keep_the_size_that_rows_lose() {
        // Sixty accounts with ten dates each: score and risk are stable within the account and
        // independent of each other, so that the true area is ½.
        let (mut by_row, mut by_cluster) = (0, 0);
        for replication in 0..200 {
            let draws = Streams::new(3).replication(replication).global(Purpose::Outcome);
            let mut stream = draws.stream(0);
            let (mut score, mut event, mut cluster) = (vec![], vec![], vec![]);
            for account in 0..60 {
                let (level, risk) =
                    (stream.uniform(), f64::from(stream.random_range(1..10)) / 10.0);
                for _ in 0..10 {
                    score.push(level + 0.1 * stream.uniform());
                    event.push(stream.uniform() < risk);
                    cluster.push(account);
                }
            }
            by_row += usize::from(delong(&score, &event).unwrap().p_value < 0.05);
            let clustered = clustered_auc(&score, &event, &cluster).unwrap();
            by_cluster += usize::from(clustered.p_value < 0.05);
        }
        // Binomial limit for 5 % of 200 at the one-sided 1 % level: 18.
        assert!(by_cluster <= 18, "{by_cluster} of 200");
        assert!(by_row > 40, "{by_row} of 200");
    }
}
