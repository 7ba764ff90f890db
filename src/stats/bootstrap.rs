//! Bootstrap over clusters.

use rand::RngExt;
use rayon::prelude::*;

use super::error::{StatsError, check_pair};
use super::spline::quantile;
use crate::rng::Draws;

/// A bootstrapped estimate with its percentile interval.
#[derive(Debug, Clone, PartialEq)]
pub struct BootstrapInterval {
    /// The estimate from the data.
    pub estimate: f64,
    /// Lower end of the 95 % interval.
    pub ci_low: f64,
    /// Upper end of the 95 % interval.
    pub ci_high: f64,
    /// Standard deviation of the resampled estimates.
    pub std_error: f64,
    /// Two-sided p-value against 0.
    pub p_value: f64,
    /// Clusters that carry anything.
    pub n_clusters: usize,
}

/// Cluster bootstrap of a ratio of sums, such as a mean loss difference or one ratio to another.
///
/// ```text
/// θ = Σ numerator / Σ denominator      resampled over clusters, percentile interval
/// p = min(1, 2 (1 + min(#{θ* ≤ 0}, #{θ* ≥ 0})) / (R + 1))
/// ```
///
/// - `numerator`, `denominator`: shape `(clusters,)`, each cluster's sums; denominators are not
///   negative. Clusters with both sums 0 (no observations) are left out.
/// - `resamples`: R, at least 1 (1,000 or more for an interval). Resample b is named by
///   `draws.stream(b)`; one whose denominators sum to 0 is drawn again from the same stream.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` with fewer than 2 clusters; `OutOfRange` for a negative
/// denominator, all of them 0, or no resample.
///
/// # Source
///
/// Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapters 13 and 15; Cameron,
/// Gelbach and Miller (2008), *Rev. Econ. Stat.* 90(3), on clusters. Checked in this file against
/// the delta-method standard error.
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::ratio_bootstrap};
/// let gains: Vec<f64> = (0..50).map(|i| f64::from(i % 5) - 1.0).collect();
/// let draws = Streams::new(1).global(Purpose::Bootstrap);
/// let gain = ratio_bootstrap(&gains, &[1.0; 50], 999, draws)?;
/// assert!((gain.estimate - 1.0).abs() < 1e-12 && gain.ci_low > 0.0 && gain.p_value < 0.01);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn ratio_bootstrap(
    numerator: &[f64],
    denominator: &[f64],
    resamples: usize,
    draws: Draws,
) -> Result<BootstrapInterval, StatsError> {
    let statistic = "ratio_bootstrap";
    check_pair(statistic, numerator, denominator, 0)?;
    if let Some(&value) = denominator.iter().find(|d| **d < 0.0) {
        let expected = "zero or more";
        return Err(StatsError::OutOfRange { argument: "denominator", value, expected });
    }
    if resamples == 0 {
        let expected = "1 or more";
        return Err(StatsError::OutOfRange { argument: "resamples", value: 0.0, expected });
    }
    let clusters: Vec<(f64, f64)> = numerator
        .iter()
        .zip(denominator)
        .filter(|(num, den)| **num != 0.0 || **den > 0.0)
        .map(|(num, den)| (*num, *den))
        .collect();
    if clusters.len() < 2 {
        return Err(StatsError::TooFew { statistic, needed: 2, got: clusters.len() });
    }
    let Some(estimate) = ratio(clusters.iter()) else {
        let expected = "a positive sum";
        return Err(StatsError::OutOfRange { argument: "denominator", value: 0.0, expected });
    };
    let mut resampled: Vec<f64> =
        (0..resamples).into_par_iter().map(|b| resample(&clusters, draws, b as u64)).collect();
    resampled.sort_by(f64::total_cmp);
    let (at_most, at_least) = (
        resampled.iter().filter(|v| **v <= 0.0).count(),
        resampled.iter().filter(|v| **v >= 0.0).count(),
    );
    let tail = (1 + at_most.min(at_least)) as f64 / (resamples + 1) as f64;
    Ok(BootstrapInterval {
        estimate,
        ci_low: quantile(&resampled, 0.025),
        ci_high: quantile(&resampled, 0.975),
        std_error: standard_deviation(&resampled),
        p_value: (2.0 * tail).min(1.0),
        n_clusters: clusters.len(),
    })
}

fn resample(clusters: &[(f64, f64)], draws: Draws, b: u64) -> f64 {
    let mut stream = draws.stream(b);
    loop {
        let drawn = (0..clusters.len()).map(|_| &clusters[stream.random_range(0..clusters.len())]);
        if let Some(value) = ratio(drawn) {
            return value;
        }
    }
}

fn ratio<'a>(clusters: impl Iterator<Item = &'a (f64, f64)>) -> Option<f64> {
    let (num, den) = clusters.fold((0.0, 0.0), |(n, d), (num, den)| (n + num, d + den));
    (den > 0.0).then(|| num / den)
}

fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (squares / (n - 1.0).max(1.0)).sqrt()
}
