//! How much of the events stands at the top of a ranking.

use super::super::error::StatsError;
use super::super::rank::same;
use super::labels::{Counts, check_scores};

/// Average precision: the area under the precision-recall curve as a sum of steps.
///
/// ```text
/// AP = Σ_g (R_g − R_{g−1}) P_g      over distinct scores from the highest down
/// R, P: recall and precision when everything from the score g up counts as predicted
/// ```
///
/// No interpolation: a straight line between two points of this curve is out of reach and
/// flatters. By chance it is the share of events, so print that beside it.
///
/// - `score`: shape `(n,)`, larger means likelier; ties are taken together. `event`: shape `(n,)`.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` without an event or without a non-event.
///
/// # Source
///
/// Davis and Goadrich (2006), *ICML*, 233–240, on interpolation. Parity:
/// `sklearn.metrics.average_precision_score`, `tests/fixtures/classification.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let score = [0.1, 0.4, 0.35, 0.8];
/// let precision = rvq::stats::average_precision(&score, &[false, false, true, true])?;
/// assert!((precision - 5.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn average_precision(score: &[f64], event: &[bool]) -> Result<f64, StatsError> {
    let Counts { events, .. } = check_scores("average_precision", score, event, 1)?;
    let (mut rows, mut found, mut area) = (0, 0, 0.0);
    for tied in from_the_top(score, event) {
        rows += tied.rows;
        found += tied.events;
        area += tied.events as f64 / events as f64 * found as f64 / rows as f64;
    }
    Ok(area)
}

/// Lift at k: the share of events among the k highest scores, over the share among all.
///
/// ```text
/// lift = (E(k) / k) / (m / n)      E(k): events among the top k
/// ```
///
/// A tie across the cut is divided in proportion: its mean over all orders of the tied rows, so
/// that the order of the input does not matter.
///
/// - `score`, `event`: shape `(n,)`. `k`: 1 to n.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` without an event or without a non-event; `OutOfRange`
/// for another `k`.
///
/// # Source
///
/// Common practice in direct marketing. Parity: NumPy over all orders of the ties,
/// `tests/fixtures/classification.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let event = [false, false, true, true];
/// assert!((rvq::stats::lift_at(&[0.1, 0.4, 0.4, 0.8], &event, 1)? - 2.0).abs() < 1e-12);
/// assert!((rvq::stats::lift_at(&[0.1, 0.4, 0.4, 0.8], &event, 2)? - 1.5).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn lift_at(score: &[f64], event: &[bool], k: usize) -> Result<f64, StatsError> {
    let Counts { events, .. } = check_scores("lift_at", score, event, 1)?;
    if k == 0 || k > score.len() {
        let expected = "1 to the number of rows";
        return Err(StatsError::OutOfRange { argument: "k", value: k as f64, expected });
    }
    let (mut left, mut found) = (k, 0.0);
    for tied in from_the_top(score, event) {
        let taken = tied.rows.min(left);
        found += tied.events as f64 * taken as f64 / tied.rows as f64;
        left -= taken;
    }
    Ok(found / k as f64 / (events as f64 / score.len() as f64))
}

/// Top-decile lift: [`lift_at`] the tenth of the rows with the highest scores.
///
/// ```text
/// k = ⌈n / 10⌉
/// ```
///
/// - `score`, `event`: as for [`lift_at`]. Returns 0 to 10; 1 is chance.
///
/// # Errors
///
/// As [`lift_at`].
///
/// # Source
///
/// Lemmens and Croux (2006), *J. Marketing Research* 43(2), 276–286, use it for churn. Parity: as
/// [`lift_at`].
///
/// # Examples
///
/// ```
/// let score: Vec<f64> = (0..20).map(f64::from).collect();
/// let event: Vec<bool> = (0..20).map(|i| i >= 15).collect();
/// assert!((rvq::stats::top_decile_lift(&score, &event)? - 4.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn top_decile_lift(score: &[f64], event: &[bool]) -> Result<f64, StatsError> {
    lift_at(score, event, score.len().div_ceil(10).max(1))
}

/// Rows of one score.
struct Tied {
    rows: usize,
    events: usize,
}

fn from_the_top(score: &[f64], event: &[bool]) -> Vec<Tied> {
    let mut order: Vec<usize> = (0..score.len()).collect();
    order.sort_unstable_by(|&a, &b| score[b].total_cmp(&score[a]));
    let tied = |rows: &[usize]| {
        let events = rows.iter().filter(|&&i| event[i]).count();
        Tied { rows: rows.len(), events }
    };
    order.chunk_by(|&a, &b| same(score[a], score[b])).map(tied).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: [bool; 4] = [false, true, false, true];

    #[test]
    fn a_constant_score_is_chance() {
        assert!((average_precision(&[2.0; 4], &EVENT).unwrap() - 0.5).abs() < 1e-15);
        for k in 1..=4 {
            assert!((lift_at(&[2.0; 4], &EVENT, k).unwrap() - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn perfect_separation_is_the_best_there_is() {
        let score = [-1.0, 5.0, -2.0, 4.0];
        assert!((average_precision(&score, &EVENT).unwrap() - 1.0).abs() < 1e-15);
        assert!((lift_at(&score, &EVENT, 2).unwrap() - 2.0).abs() < 1e-15);
    }

    #[test]
    fn zeros_of_either_sign_are_tied() {
        let there = average_precision(&[0.0, -0.0], &[true, false]).unwrap();
        let back = average_precision(&[-0.0, 0.0], &[true, false]).unwrap();
        assert!((there - back).abs() < 1e-15 && (there - 0.5).abs() < 1e-15);
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(average_precision(&[1.0], &[true]).is_err());
        assert!(lift_at(&[1.0; 4], &EVENT, 0).is_err());
        assert!(lift_at(&[1.0; 4], &EVENT, 5).is_err());
        assert!(lift_at(&[1.0; 3], &EVENT, 1).is_err());
        assert!(top_decile_lift(&[], &[]).is_err());
    }
}
