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

pub(super) fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (squares / (n - 1.0).max(1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};

    fn draws() -> Draws {
        Streams::new(11).global(Purpose::Bootstrap)
    }

    /// Clusters with unequal sizes whose ratio is near 2.
    fn clusters() -> (Vec<f64>, Vec<f64>) {
        let size = |i: u32| f64::from(1 + i * 7 % 9);
        let noise = |i: u32| f64::from(i * 31 % 17) - 8.0;
        (0..80).map(|i| (2.0 * size(i) + noise(i), size(i))).unzip()
    }

    #[test]
    fn the_standard_error_is_near_the_delta_method() {
        let (num, den) = clusters();
        let boot = ratio_bootstrap(&num, &den, 4_000, draws()).unwrap();
        let total: f64 = den.iter().sum();
        let squares = num.iter().zip(&den).map(|(n, d)| (n - boot.estimate * d).powi(2));
        let delta = squares.sum::<f64>().sqrt() / total;
        // The standard deviation of 4,000 resamples has a relative error of 1.1 %; what is left is
        // the curvature of the ratio, of order 1/80.
        assert!((boot.std_error / delta - 1.0).abs() < 0.05, "{} and {delta}", boot.std_error);
        assert!(boot.ci_low < boot.estimate && boot.estimate < boot.ci_high);
        assert!((boot.ci_high - boot.ci_low - 2.0 * 1.96 * delta).abs() < 0.4 * delta);
    }

    #[test]
    fn the_same_bytes_come_out_of_any_number_of_threads() {
        let (num, den) = clusters();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| ratio_bootstrap(&num, &den, 300, draws()).unwrap())
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(5));
    }

    #[test]
    fn empty_clusters_do_not_count_and_a_lone_denominator_is_drawn_again() {
        let boot = ratio_bootstrap(&[1.0, 0.0, 3.0, 2.0], &[0.0, 0.0, 0.0, 4.0], 500, draws());
        let boot = boot.unwrap();
        assert_eq!(boot.n_clusters, 3);
        assert!((boot.estimate - 1.5).abs() < 1e-12);
        assert!(boot.ci_low.is_finite() && boot.ci_high.is_finite() && boot.std_error > 0.0);
    }

    #[test]
    fn clusters_that_all_agree_have_no_error_and_the_smallest_p() {
        let boot = ratio_bootstrap(&[2.0; 9], &[1.0; 9], 99, draws()).unwrap();
        assert!(boot.std_error.abs() < 1e-15 && (boot.p_value - 0.02).abs() < 1e-15);
        let none = ratio_bootstrap(&[0.0; 9], &[1.0; 9], 99, draws()).unwrap();
        assert!((none.p_value - 1.0).abs() < 1e-15);
    }

    #[test]
    fn bad_input_is_an_error() {
        let on = |num: &[f64], den: &[f64]| ratio_bootstrap(num, den, 9, draws());
        assert!(matches!(on(&[1.0], &[1.0]), Err(StatsError::TooFew { got: 1, .. })));
        assert!(matches!(on(&[], &[]), Err(StatsError::TooFew { got: 0, .. })));
        assert!(matches!(on(&[1.0; 2], &[1.0]), Err(StatsError::LengthMismatch { .. })));
        assert!(matches!(on(&[1.0; 2], &[1.0, -1.0]), Err(StatsError::OutOfRange { .. })));
        assert!(matches!(on(&[1.0; 2], &[0.0; 2]), Err(StatsError::OutOfRange { .. })));
        assert!(matches!(on(&[f64::NAN, 1.0], &[1.0; 2]), Err(StatsError::NotFinite { .. })));
        assert!(ratio_bootstrap(&[1.0; 2], &[1.0; 2], 0, draws()).is_err());
    }
}
