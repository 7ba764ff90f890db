//! Proportions: their interval, and when one is too high.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};

use super::error::StatsError;

/// An interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Wilson score interval (95 %) of a proportion of `successes` in `trials`.
///
/// ```text
/// (p̂ + z²/2n ± z √(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)      z = Φ⁻¹(0.975)
/// ```
///
/// # Errors
///
/// `TooFew` for no trials; `OutOfRange` for more successes than trials.
///
/// # Source
///
/// Wilson (1927), *J. Am. Stat. Assoc.* 22(158), 209–212. Parity:
/// `statsmodels.stats.proportion.proportion_confint(method="wilson")`,
/// `tests/fixtures/binomial.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let interval = rvq::stats::wilson_interval(0, 10)?;
/// assert!(interval.low == 0.0 && (interval.high - 0.277_532_799_862_889).abs() < 1e-9);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn wilson_interval(successes: u64, trials: u64) -> Result<Interval, StatsError> {
    if trials == 0 {
        return Err(StatsError::TooFew { statistic: "wilson_interval", needed: 1, got: 0 });
    }
    if successes > trials {
        let (argument, value) = ("successes", successes as f64);
        return Err(StatsError::OutOfRange { argument, value, expected: "at most the trials" });
    }
    let n = trials as f64;
    let p = successes as f64 / n;
    let z2 = Normal::standard().inverse_cdf(0.975).powi(2);
    let centre = p + z2 / (2.0 * n);
    let half = (z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))).sqrt();
    let scale = 1.0 + z2 / n;
    // The ends are 0 and 1 in exact arithmetic; rounding would leave a trace.
    let low = if successes == 0 { 0.0 } else { (centre - half) / scale };
    let high = if successes == trials { 1.0 } else { (centre + half) / scale };
    Ok(Interval { low, high })
}

/// Smallest number of rejections that is significantly too many for a test of `nominal` size.
///
/// ```text
/// c = min{k : P(X ≥ k) ≤ α},  X ~ Binomial(replications, nominal)
/// ```
///
/// A test whose rejections reach `c` fails; `c − 1` still passes.
///
/// - `nominal`: size of the test, in `(0, 1)`; `alpha`: one-sided level of this check, in `(0, 1)`.
///
/// # Errors
///
/// `OutOfRange` for a probability outside `(0, 1)`; `TooFew` for no replications.
///
/// # Source
///
/// Clopper and Pearson (1934), *Biometrika* 26(4), 404–413. Parity: `scipy.stats.binom.isf`,
/// `tests/fixtures/binomial.json`, exact.
///
/// # Examples
///
/// ```
/// assert_eq!(rvq::stats::rejection_limit(0.05, 1_000, 0.01)?, 68);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn rejection_limit(nominal: f64, replications: u64, alpha: f64) -> Result<u64, StatsError> {
    for (argument, value) in [("nominal", nominal), ("alpha", alpha)] {
        if !(value > 0.0 && value < 1.0) {
            let expected = "between 0 and 1";
            return Err(StatsError::OutOfRange { argument, value, expected });
        }
    }
    if replications == 0 {
        return Err(StatsError::TooFew { statistic: "rejection_limit", needed: 1, got: 0 });
    }
    let count = Binomial::new(nominal, replications).expect("a probability in (0, 1)");
    // P(X > k) falls in k: bisect for the first k with P(X > k) ≤ alpha, then c = k + 1.
    let (mut low, mut high) = (0, replications);
    while low < high {
        let middle = u64::midpoint(low, high);
        if count.sf(middle) <= alpha { high = middle } else { low = middle + 1 }
    }
    Ok(low + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_stays_inside_zero_and_one() {
        for (k, n) in [(0, 1), (1, 1), (3, 7), (0, 1_000_000), (1_000_000, 1_000_000)] {
            let interval = wilson_interval(k, n).unwrap();
            let p = k as f64 / n as f64;
            assert!(interval.low >= 0.0 && interval.high <= 1.0);
            assert!(interval.low <= p && p <= interval.high, "{k} of {n}: {interval:?}");
        }
        assert!(wilson_interval(2, 1).is_err() && wilson_interval(0, 0).is_err());
    }

    #[test]
    fn the_limit_is_the_smallest_significant_count() {
        for (nominal, n, alpha) in [(0.05, 400, 0.01), (0.05, 200, 0.01 / 20.0), (0.5, 1, 0.01)] {
            let limit = rejection_limit(nominal, n, alpha).unwrap();
            let count = Binomial::new(nominal, n).unwrap();
            assert!(count.sf(limit - 1) <= alpha);
            assert!(limit == 1 || count.sf(limit - 2) > alpha);
        }
    }

    #[test]
    fn impossible_arguments_are_errors() {
        assert!(rejection_limit(0.0, 100, 0.01).is_err());
        assert!(rejection_limit(0.05, 100, f64::NAN).is_err());
        assert!(rejection_limit(0.05, 0, 0.01).is_err());
    }
}
