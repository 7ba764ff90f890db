//! Bootstrap of one time series by blocks.

use rand::RngExt;
use rayon::prelude::*;

use super::bootstrap::standard_deviation;
use super::error::{StatsError, check_finite};
use super::estimate::Estimate;
use super::rank::same;
use super::spline::quantile;
use crate::rng::Draws;

/// Mean length of blocks that balances bias and variance of a bootstrapped mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockLength {
    /// For the stationary bootstrap: the mean of lengths that vary.
    pub stationary: f64,
    /// For the circular bootstrap: one length for all.
    pub circular: f64,
}

/// Block length for the bootstrap of the mean of a series, chosen from its autocorrelation.
///
/// ```text
/// b = (2 G² / D)^⅓ n^⅓      G = Σ_{|k| ≤ M} λ(k/M) |k| γₖ,  g = Σ_{|k| ≤ M} λ(k/M) γₖ
/// D = 2 g² (stationary), 4/3 g² (circular)
/// λ(s) = 1 for |s| ≤ ½, 2 (1 − |s|) up to 1      M = 2 max(m, 1)
/// m: first lag after which K = max(5, ⌊log₁₀ n⌋) autocorrelations lie below 2 √(log₁₀ n / n)
/// b ≤ ⌈min(3 √n, n/3)⌉,  M ≤ ⌈√n⌉ + K, which is also M where no such lag is found
/// ```
///
/// Autocovariances have divisor n; the autocorrelations compared with the limit are scaled by the
/// two stretches of the series they pair. A length below 1 means independent draws.
///
/// - `series`: shape `(n,)`, in order of time, any unit, `n ≥ 11`.
///
/// # Errors
///
/// `TooFew`, `NotFinite`; `Constant` for a series that does not vary.
///
/// # Source
///
/// Politis and White (2004), *Econometric Reviews* 23(1), 53–70, with the constant for the stationary
/// bootstrap corrected by Patton, Politis and White (2009), *Econometric Reviews* 28(4), 372–375.
/// Parity: `arch.bootstrap.optimal_block_length`, `tests/fixtures/block_length.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let series: Vec<f64> = (0..64).map(|t| f64::from(t * t % 17)).collect();
/// let length = rvq::stats::optimal_block_length(&series)?;
/// assert!((length.stationary - 2.142_668).abs() < 1e-6);
/// assert!((length.circular / length.stationary - 1.5_f64.cbrt()).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn optimal_block_length(series: &[f64]) -> Result<BlockLength, StatsError> {
    let statistic = "optimal_block_length";
    if series.len() < 11 {
        return Err(StatsError::TooFew { statistic, needed: 11, got: series.len() });
    }
    check_finite(series)?;
    if series.iter().all(|v| same(*v, series[0])) {
        return Err(StatsError::Constant { statistic });
    }
    let n = series.len() as f64;
    let lags = Autocovariances::new(series);
    let width = lags.bandwidth(n);
    let weight = |k: usize| (2.0 * (1.0 - k as f64 / width as f64)).min(1.0);
    let sum = |of: &dyn Fn(usize) -> f64| (1..=width).map(|k| 2.0 * weight(k) * of(k)).sum::<f64>();
    let slope = sum(&|k| k as f64 * lags.covariance[k]);
    let level = lags.covariance[0] + sum(&|k| lags.covariance[k]);
    let longest = (3.0 * n.sqrt()).min(n / 3.0).ceil();
    let length = |d: f64| {
        let found = (2.0 * (slope / level).powi(2) / d * n).cbrt();
        if found.is_nan() { longest } else { found.min(longest) }
    };
    Ok(BlockLength { stationary: length(2.0), circular: length(4.0 / 3.0) })
}

struct Autocovariances {
    /// From lag 0, with divisor n.
    covariance: Vec<f64>,
    /// Size of the correlation of the two stretches of the series.
    correlation: Vec<f64>,
    run: usize,
}

impl Autocovariances {
    fn new(series: &[f64]) -> Self {
        let n = series.len();
        // Scaled, so that squares of very large or small values neither overflow nor vanish.
        let size = series.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let mean = series.iter().map(|v| v / size).sum::<f64>() / n as f64;
        let d: Vec<f64> = series.iter().map(|v| v / size - mean).collect();
        let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let run = ((n as f64).log10() as usize).max(5);
        let last = (n as f64).sqrt().ceil() as usize + run;
        let products: Vec<f64> = (0..=last).map(|k| inner(&d[k..], &d[..n - k])).collect();
        let correlate = |(k, product): (usize, &f64)| {
            // The stretches are one shorter than the product's, as in the authors' code.
            let (late, early) = (&d[k + 1..], &d[..n - k - 1]);
            product.abs() / (inner(late, late) * inner(early, early)).sqrt()
        };
        let correlation = products.iter().enumerate().map(correlate).collect();
        let covariance = products.iter().map(|product| product / n as f64).collect();
        Self { covariance, correlation, run }
    }

    /// M: twice the first lag after which a run of correlations is small.
    fn bandwidth(&self, n: f64) -> usize {
        let limit = 2.0 * (n.log10() / n).sqrt();
        let last = self.covariance.len() - 1;
        let runs = self.correlation[..last].windows(self.run);
        let quiet = runs.into_iter().position(|run| run.iter().all(|r| *r < limit));
        quiet.map_or(last, |lag| (2 * lag.max(1)).min(last))
    }
}

/// Rows of one stationary bootstrap sample: blocks of random length from a series bent to a circle.
///
/// ```text
/// i₁ uniform;  iₜ₊₁ = iₜ + 1 (after the last comes the first), or with probability 1/b uniform anew
/// ```
///
/// - `n`: length of the series, 1 or more. `mean_block`: b, at least 1. Sample `resample` is
///   named by `draws.stream(resample)`. Returns shape `(n,)`, in `0..n`.
///
/// # Errors
///
/// `TooFew` for an empty series; `OutOfRange` for a block below 1 or not finite.
///
/// # Source
///
/// Politis and Romano (1994), *J. Am. Stat. Assoc.* 89(428), 1303–1313.
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::stationary_indices};
/// let draws = Streams::new(1).global(Purpose::Bootstrap);
/// let rows = stationary_indices(50, 1e9, draws, 0)?;
/// assert!(rows.windows(2).all(|pair| pair[1] == (pair[0] + 1) % 50));
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn stationary_indices(
    n: usize,
    mean_block: f64,
    draws: Draws,
    resample: u64,
) -> Result<Vec<usize>, StatsError> {
    if n == 0 {
        return Err(StatsError::TooFew { statistic: "stationary_indices", needed: 1, got: 0 });
    }
    if !(mean_block >= 1.0 && mean_block.is_finite()) {
        let (argument, expected) = ("mean_block", "1 or more");
        return Err(StatsError::OutOfRange { argument, value: mean_block, expected });
    }
    let mut stream = draws.stream(resample);
    let mut at = stream.random_range(0..n);
    let mut rows = vec![at];
    while rows.len() < n {
        at = if stream.uniform() * mean_block < 1.0 {
            stream.random_range(0..n)
        } else {
            (at + 1) % n
        };
        rows.push(at);
    }
    Ok(rows)
}

/// Stationary bootstrap of a statistic of one series.
///
/// ```text
/// θ* = statistic of the series in the order of `stationary_indices`, R times
/// SE: standard deviation of θ*      interval: 2.5 % and 97.5 % quantiles of θ*
/// p = min(1, 2 (1 + min(#{θ* ≤ 0}, #{θ* ≥ 0})) / (R + 1))
/// ```
///
/// - `series`: shape `(n,)`, in order of time. `mean_block`: at least 1, from
///   [`optimal_block_length`] (`stationary.max(1.0)`). `resamples`: R, at least 1 (1,000 or more for an
///   interval). `statistic`: none where it is undefined, such as for a sample without variation.
/// - Returns an estimate whose `n` is the length of the series; the null is 0.
///
/// # Errors
///
/// `TooFew` with fewer than 2 values; `NotFinite` for a value or a statistic; `OutOfRange` for
/// `mean_block` or `resamples`; `Constant` when the statistic is undefined for the series or for a
/// sample, or never varies.
///
/// # Source
///
/// Politis and Romano (1994), *J. Am. Stat. Assoc.* 89(428), 1303–1313. Checked in this file against
/// the exact standard error of a mean.
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::stationary_bootstrap};
/// let series: Vec<f64> = (0..50).map(|t| 1.0 + f64::from(t * 37 % 11)).collect();
/// let draws = Streams::new(1).global(Purpose::Bootstrap);
/// let mean = |values: &[f64]| Some(values.iter().sum::<f64>() / values.len() as f64);
/// let found = stationary_bootstrap(&series, 3.0, 999, draws, mean)?;
/// assert!(found.ci_low < found.estimate && found.estimate < found.ci_high && found.p_value < 0.01);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn stationary_bootstrap(
    series: &[f64],
    mean_block: f64,
    resamples: usize,
    draws: Draws,
    statistic: impl Fn(&[f64]) -> Option<f64> + Sync,
) -> Result<Estimate, StatsError> {
    let name = "stationary_bootstrap";
    if series.len() < 2 {
        return Err(StatsError::TooFew { statistic: name, needed: 2, got: series.len() });
    }
    check_finite(series)?;
    if resamples == 0 {
        let expected = "1 or more";
        return Err(StatsError::OutOfRange { argument: "resamples", value: 0.0, expected });
    }
    let known = |value: Option<f64>| match value {
        Some(value) if value.is_finite() => Ok(value),
        Some(value) => Err(StatsError::NotFinite { index: 0, value }),
        None => Err(StatsError::Constant { statistic: name }),
    };
    let estimate = known(statistic(series))?;
    let resample = |b: usize| {
        let rows = stationary_indices(series.len(), mean_block, draws, b as u64)?;
        let sample: Vec<f64> = rows.into_iter().map(|row| series[row]).collect();
        known(statistic(&sample))
    };
    let mut resampled: Vec<f64> =
        (0..resamples).into_par_iter().map(resample).collect::<Result<_, _>>()?;
    resampled.sort_by(f64::total_cmp);
    if same(resampled[0], resampled[resamples - 1]) {
        return Err(StatsError::Constant { statistic: name });
    }
    let at_most = resampled.partition_point(|v| *v <= 0.0);
    let at_least = resamples - resampled.partition_point(|v| *v < 0.0);
    let tail = (1 + at_most.min(at_least)) as f64 / (resamples + 1) as f64;
    Ok(Estimate {
        estimate,
        std_error: standard_deviation(&resampled),
        ci_low: quantile(&resampled, 0.025),
        ci_high: quantile(&resampled, 0.975),
        p_value: (2.0 * tail).min(1.0),
        n: series.len(),
        method: "stationary bootstrap, percentile interval",
    })
}

#[cfg(test)]
mod tests {
    use rand_distr::StandardNormal;

    use super::*;
    use crate::rng::{Purpose, Streams};

    fn draws() -> Draws {
        Streams::new(12).global(Purpose::Bootstrap)
    }

    #[expect(clippy::unnecessary_wraps, reason = "the signature of a statistic")]
    fn mean(values: &[f64]) -> Option<f64> {
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }

    fn autoregression(n: usize, persistence: f64) -> Vec<f64> {
        let mut stream = draws().part(5).stream(0);
        let mut value = 0.0;
        (0..n)
            .map(|_| {
                let step: f64 = stream.sample(StandardNormal);
                value = persistence * value + step;
                value
            })
            .collect()
    }

    #[test]
    fn blocks_have_the_stated_mean_length_and_rows_come_equally_often() {
        let (mut joins, mut counts) = (0_usize, [0_usize; 40]);
        for b in 0..500 {
            let rows = stationary_indices(40, 5.0, draws(), b).unwrap();
            joins += rows.windows(2).filter(|pair| pair[1] == (pair[0] + 1) % 40).count();
            for row in rows {
                counts[row] += 1;
            }
        }
        // A block goes on with probability .8, or by chance: .8 + .2/40 of 19,500 pairs, with a
        // standard error of .0028; 4 of them.
        let share = joins as f64 / 19_500.0;
        assert!((share - 0.805).abs() < 0.0114, "{share}");
        // 500 expected of each row; blocks of 5 make the variance about 9 times the binomial one.
        assert!(counts.iter().all(|n| n.abs_diff(500) < 280), "{counts:?}");
    }

    #[test]
    fn the_standard_error_of_a_mean_is_that_of_its_definition() {
        // The variance of the bootstrapped mean is Σ over pairs of γ*(lag) in closed form:
        // n⁻¹ (c₀ + 2 Σ_k (1 − k/n) (1 − 1/b)^k c_k), c circular autocovariances.
        let series = autoregression(60, 0.6);
        let n = series.len();
        let center = mean(&series).unwrap();
        let circular = |k: usize| {
            (0..n).map(|t| (series[t] - center) * (series[(t + k) % n] - center)).sum::<f64>()
                / n as f64
        };
        let weight = |k: usize| (1.0 - k as f64 / n as f64) * 0.75_f64.powi(k as i32);
        let sum = circular(0) + 2.0 * (1..n).map(|k| weight(k) * circular(k)).sum::<f64>();
        let expected = (sum / n as f64).sqrt();
        let found = stationary_bootstrap(&series, 4.0, 4_000, draws(), mean).unwrap();
        // The standard deviation of 4,000 has a relative error of 1.1 %; 4 of them.
        assert!((found.std_error / expected - 1.0).abs() < 0.045, "{} {expected}", found.std_error);
    }

    #[test]
    fn persistent_series_take_longer_blocks_and_scale_does_not_matter() {
        let lengths = [0.0, 0.5, 0.9].map(|persistence| {
            optimal_block_length(&autoregression(400, persistence)).unwrap().stationary
        });
        assert!(lengths[0] < lengths[1] && lengths[1] < lengths[2], "{lengths:?}");
        let series = autoregression(100, 0.5);
        let plain = optimal_block_length(&series).unwrap();
        for scale in [1e250, 1e-250] {
            let scaled: Vec<f64> = series.iter().map(|v| v * scale).collect();
            let found = optimal_block_length(&scaled).unwrap();
            assert!((found.stationary - plain.stationary).abs() < 1e-9);
        }
    }

    #[test]
    fn the_same_bytes_come_out_of_any_number_of_threads() {
        let series = autoregression(60, 0.6);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| stationary_bootstrap(&series, 4.0, 200, draws(), mean).unwrap())
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(5));
    }

    #[test]
    fn bad_input_is_an_error() {
        let series = autoregression(20, 0.6);
        let on = |series: &[f64], block, resamples| {
            stationary_bootstrap(series, block, resamples, draws(), mean)
        };
        assert!(matches!(on(&series, 0.5, 9), Err(StatsError::OutOfRange { .. })));
        assert!(matches!(on(&series, f64::NAN, 9), Err(StatsError::OutOfRange { .. })));
        assert!(matches!(on(&series, 2.0, 0), Err(StatsError::OutOfRange { .. })));
        assert!(matches!(on(&[1.0], 2.0, 9), Err(StatsError::TooFew { .. })));
        assert!(matches!(on(&[1.0; 9], 2.0, 9), Err(StatsError::Constant { .. })));
        assert!(matches!(on(&[1.0, f64::NAN], 2.0, 9), Err(StatsError::NotFinite { .. })));
        assert!(stationary_bootstrap(&series, 2.0, 9, draws(), |_| None).is_err());
        assert!(stationary_indices(0, 2.0, draws(), 0).is_err());
        assert!(matches!(optimal_block_length(&[2.0; 20]), Err(StatsError::Constant { .. })));
        assert!(matches!(optimal_block_length(&series[..10]), Err(StatsError::TooFew { .. })));
    }
}
