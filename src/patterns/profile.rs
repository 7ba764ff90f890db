//! What a pattern is worth: the later outcome of held-out accounts.

use ndarray::ArrayView2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::error::PatternError;
use super::features::normal_scores;
use super::kmeans::Clustering;
use super::stability::PatternStability;
use super::summary::{PatternLabel, PatternSummary};

/// Fewest held-out accounts, in a pattern and outside it, for a comparison.
const MIN_HELD_OUT: usize = 5;

/// The scale on which later outcomes are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeScale {
    /// Normal scores of the held-out accounts' ranks: for profit and other heavy-tailed outcomes.
    #[default]
    NormalScore,
    /// The outcome's own unit.
    Raw,
}

/// Accounts the patterns have not seen.
#[derive(Debug, Clone, Copy)]
pub struct HeldOut<'a> {
    /// Shape `(accounts, features)`, on the scale learnt from the training accounts.
    pub features: ArrayView2<'a, f64>,
    /// Outcome of each account later than its last age; NaN when it was not observed.
    pub later_outcome: &'a [f64],
    /// Name of the outcome.
    pub outcome: &'a str,
    /// Scale of the comparison.
    pub scale: OutcomeScale,
}

/// Names every pattern by the later outcome of held-out accounts in it, less that of the others.
///
/// ```text
/// difference ± t(1 − .05 / 2k, ν) · √(s₁²/n₁ + s₂²/n₂)      ν: Welch-Satterthwaite
/// ```
///
/// The intervals hold together with 95 % (Bonferroni over the `k` patterns), so a label is the
/// sign of an interval that excludes zero. One account is one row, and accounts are independent.
/// On the default scale the difference is in normal scores, hence in standard deviations. On the
/// raw scale of a heavy-tailed outcome the intervals are approximate.
/// A pattern with fewer than 5 observed held-out accounts, inside or outside it, gets no difference.
///
/// # Errors
///
/// `LengthMismatch` when features and outcomes differ in length; `NotFinite` for an infinite outcome.
///
/// # Source
///
/// Welch (1947), *Biometrika* 34, 28-35.
pub fn profile(
    clustering: &Clustering,
    stability: &PatternStability,
    held_out: &HeldOut<'_>,
) -> Result<Vec<PatternSummary>, PatternError> {
    check(held_out)?;
    let placed: Vec<usize> =
        held_out.features.rows().into_iter().map(|row| clustering.assign(row).pattern).collect();
    let observed: Vec<usize> =
        (0..placed.len()).filter(|&i| held_out.later_outcome[i].is_finite()).collect();
    let values: Vec<f64> = observed.iter().map(|&i| held_out.later_outcome[i]).collect();
    let values = match held_out.scale {
        OutcomeScale::NormalScore => normal_scores(&values),
        OutcomeScale::Raw => values,
    };
    let k = clustering.k();
    let summary = |pattern: usize| {
        let split = |wanted: bool| -> Vec<f64> {
            let rows = observed.iter().zip(&values);
            rows.filter(|(i, _)| (placed[**i] == pattern) == wanted).map(|(_, &v)| v).collect()
        };
        let interval = welch(&split(true), &split(false), 0.05 / k as f64);
        PatternSummary {
            pattern: pattern as u32 + 1,
            label: label(interval),
            n_accounts: clustering.sizes[pattern] as u64,
            n_held_out: placed.iter().filter(|&&p| p == pattern).count() as u64,
            stability: stability.jaccard[pattern],
            outcome: held_out.outcome.to_owned(),
            difference: interval.map(|i| i.difference),
            ci_low: interval.map(|i| i.low),
            ci_high: interval.map(|i| i.high),
        }
    };
    Ok((0..k).map(summary).collect())
}

fn check(held_out: &HeldOut<'_>) -> Result<(), PatternError> {
    let (got, expected) = (held_out.later_outcome.len(), held_out.features.nrows());
    if got != expected {
        return Err(PatternError::LengthMismatch { what: "later_outcome", got, expected });
    }
    match held_out.later_outcome.iter().position(|value| value.is_infinite()) {
        Some(account) => Err(PatternError::NotFinite {
            what: "later_outcome",
            account,
            position: 0,
            value: held_out.later_outcome[account],
        }),
        None => Ok(()),
    }
}

#[derive(Debug, Clone, Copy)]
struct Interval {
    difference: f64,
    low: f64,
    high: f64,
}

fn welch(inside: &[f64], outside: &[f64], alpha: f64) -> Option<Interval> {
    if inside.len().min(outside.len()) < MIN_HELD_OUT {
        return None;
    }
    let moments = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, variance / n, n)
    };
    let (mean_in, square_in, n_in) = moments(inside);
    let (mean_out, square_out, n_out) = moments(outside);
    let square = square_in + square_out;
    let difference = mean_in - mean_out;
    if square <= 0.0 {
        return None;
    }
    let freedom =
        square.powi(2) / (square_in.powi(2) / (n_in - 1.0) + square_out.powi(2) / (n_out - 1.0));
    let quantile = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(1.0 - alpha / 2.0);
    let half = quantile * square.sqrt();
    Some(Interval { difference, low: difference - half, high: difference + half })
}

fn label(interval: Option<Interval>) -> PatternLabel {
    match interval {
        Some(interval) if interval.low > 0.0 => PatternLabel::BestPractice,
        Some(interval) if interval.high < 0.0 => PatternLabel::AtRisk,
        _ => PatternLabel::Unremarkable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn two_patterns() -> (Clustering, PatternStability) {
        let clustering = Clustering {
            centroids: vec![vec![0.0], vec![1.0]],
            assignments: vec![0, 0, 1],
            sizes: vec![2, 1],
            inertia: 0.0,
        };
        (clustering, PatternStability { jaccard: vec![0.9, 0.8], resamples: 50 })
    }

    fn labels(outcome: &[f64], scale: OutcomeScale) -> Vec<PatternSummary> {
        let (clustering, stability) = two_patterns();
        let features =
            Array2::from_shape_fn((outcome.len(), 1), |(i, _)| f64::from(u8::from(i % 2 == 1)));
        let held_out = HeldOut {
            features: features.view(),
            later_outcome: outcome,
            outcome: "gross_profit",
            scale,
        };
        profile(&clustering, &stability, &held_out).unwrap()
    }

    #[test]
    fn welch_matches_scipy() {
        // scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(.95), SciPy 1.17.1.
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0];
        let b = [2.0, 2.5, 3.5, 8.0, 9.0];
        let found = welch(&a, &b, 0.05).unwrap();
        assert!((found.difference - (-1.333_333_333_333_333)).abs() < 1e-12);
        assert!((found.low - (-5.393_604_083_389_539)).abs() < 1e-6, "{found:?}");
        assert!((found.high - 2.726_937_416_722_871).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn the_better_half_is_best_practice_and_the_other_at_risk() {
        let outcome: Vec<f64> = (0..40).map(|i| f64::from(i + 100 * (i % 2))).collect();
        let found = labels(&outcome, OutcomeScale::NormalScore);
        assert_eq!(found[0].label, PatternLabel::AtRisk);
        assert_eq!(found[1].label, PatternLabel::BestPractice);
        assert_eq!((found[1].pattern, found[1].n_accounts, found[1].n_held_out), (2, 1, 20));
    }

    #[test]
    fn one_huge_outcome_names_no_pattern() {
        let mut outcome: Vec<f64> = (0..40).map(|i| f64::from(i / 2)).collect();
        outcome[1] = 1e9;
        let found = labels(&outcome, OutcomeScale::NormalScore);
        assert!(found.iter().all(|pattern| pattern.label == PatternLabel::Unremarkable));
    }

    #[test]
    fn unobserved_outcomes_are_left_out_and_too_few_give_no_difference() {
        let mut outcome: Vec<f64> = (0..40).map(f64::from).collect();
        for i in (1..33).step_by(2) {
            outcome[i] = f64::NAN;
        }
        let found = labels(&outcome, OutcomeScale::Raw);
        assert_eq!(found[1].n_held_out, 20);
        assert!(found.iter().all(|pattern| pattern.difference.is_none()));
        outcome[3] = f64::INFINITY;
        let (clustering, stability) = two_patterns();
        let features = Array2::zeros((40, 1));
        let held_out = HeldOut {
            features: features.view(),
            later_outcome: &outcome,
            outcome: "gross_profit",
            scale: OutcomeScale::Raw,
        };
        assert!(profile(&clustering, &stability, &held_out).is_err());
    }
}
