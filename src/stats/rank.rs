//! Ranks and correlations of two samples.

use statrs::distribution::{ContinuousCDF, Normal};

use super::error::{StatsError, check_pair};

/// Mid-ranks of a sample: ties share the mean of the ranks they occupy.
///
/// ```text
/// R(xᵢ) = #{j : xⱼ < xᵢ} + (#{j : xⱼ = xᵢ} + 1) / 2
/// ```
///
/// - `values`: shape `(n,)`, any unit, no NaN (a NaN would take the last ranks).
/// - Returns shape `(n,)`, in `1..=n`. O(n log n).
///
/// # Source
///
/// Kendall (1945), *Biometrika* 33(3), 239–251. Parity: `scipy.stats.rankdata`,
/// `tests/fixtures/rank.json`, exact.
///
/// # Examples
///
/// ```
/// assert_eq!(rvq::stats::mid_ranks(&[10.0, 30.0, 10.0]), [1.5, 3.0, 1.5]);
/// ```
pub fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let ties = order[start..].iter().take_while(|&&i| same(values[i], values[order[start]]));
        let end = start + ties.count().max(1);
        let rank = (start + 1 + end) as f64 / 2.0;
        for &i in &order[start..end] {
            ranks[i] = rank;
        }
        start = end;
    }
    ranks
}

/// Whether two values are tied: equal as numbers, so that −0 ties with 0.
#[expect(clippy::float_cmp, reason = "a tie is exact equality")]
pub(super) fn same(a: f64, b: f64) -> bool {
    a == b
}

/// Pearson product-moment correlation of two paired samples.
///
/// ```text
/// r = Σ (xᵢ − x̄)(yᵢ − ȳ) / √(Σ (xᵢ − x̄)² · Σ (yᵢ − ȳ)²)
/// ```
///
/// - `x`, `y`: shape `(n,)`, paired by position, any unit, `n ≥ 2`. Each is scaled by its largest
///   deviation first, so that squares of very large or small values neither overflow nor vanish.
/// - Returns r in `[-1, 1]`, unitless.
///
/// # Errors
///
/// `LengthMismatch`, `TooFew`, `NotFinite`; `Constant` when a sample has one distinct value.
///
/// # Source
///
/// Pearson (1895), *Proc. R. Soc. Lond.* 58, 240–242. Parity: `scipy.stats.pearsonr`,
/// `tests/fixtures/correlation.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let r = rvq::stats::pearson(&[1.0, 2.0, 3.0], &[2.0, 4.0, 7.0])?;
/// assert!((r - 0.993_399_267_798_783).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn pearson(x: &[f64], y: &[f64]) -> Result<f64, StatsError> {
    check_pair("pearson", x, y, 2)?;
    correlate(x, y).ok_or(StatsError::Constant { statistic: "pearson" })
}

/// Spearman rank correlation of two paired samples, ties taking mid-ranks.
///
/// ```text
/// ρ = cov(R(x), R(y)) / √(var R(x) · var R(y))      R: mid-rank in 1..=n
/// ```
///
/// - `x`, `y`: shape `(n,)`, paired by position; any unit; `n ≥ 2`.
/// - Returns ρ in `[-1, 1]`, unitless. O(n log n).
///
/// # Errors
///
/// `LengthMismatch`, `TooFew`, `NotFinite`; `Constant` when a sample has one distinct value.
///
/// # Source
///
/// Spearman (1904), *Am. J. Psychol.* 15(1), 72–101. Parity: `scipy.stats.spearmanr`,
/// `tests/fixtures/correlation.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let rho = rvq::stats::spearman(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0])?;
/// assert!((rho - 0.8).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn spearman(x: &[f64], y: &[f64]) -> Result<f64, StatsError> {
    check_pair("spearman", x, y, 2)?;
    correlate(&mid_ranks(x), &mid_ranks(y)).ok_or(StatsError::Constant { statistic: "spearman" })
}

/// Normal scores of a sample by the rankit rule; ties share a score.
///
/// ```text
/// sᵢ = Φ⁻¹((R(xᵢ) − ½) / n)      R: mid-rank in 1..=n
/// ```
///
/// - `values`: shape `(n,)`, any unit, no NaN. Returns shape `(n,)`, standard normal quantiles.
///
/// # Source
///
/// Bliss (1967), *Statistics in Biology* 1, ch. 5 (rankits); Blom's rule would use
/// `(R − 3/8) / (n + 1/4)`. Parity: `scipy.stats.norm.ppf` of `rankdata`,
/// `tests/fixtures/rank.json`, tolerance 1e-12.
///
/// # Examples
///
/// ```
/// let scores = rvq::stats::normal_scores(&[5.0, 1.0, 3.0]);
/// assert!((scores[0] - 0.967_421_566_101_701).abs() < 1e-9 && scores[2].abs() < 1e-9);
/// ```
pub fn normal_scores(values: &[f64]) -> Vec<f64> {
    let normal = Normal::standard();
    let n = values.len() as f64;
    mid_ranks(values).iter().map(|rank| normal.inverse_cdf((rank - 0.5) / n)).collect()
}

/// Pearson correlation of finite samples of one length; none when one of them is constant.
fn correlate(x: &[f64], y: &[f64]) -> Option<f64> {
    let (x, y) = (standardised(x)?, standardised(y)?);
    Some(x.iter().zip(&y).map(|(a, b)| a * b).sum::<f64>().clamp(-1.0, 1.0))
}

/// Deviations from the mean, scaled to a sum of squares of one; none for a constant sample.
fn standardised(values: &[f64]) -> Option<Vec<f64>> {
    let first = *values.first()?;
    if values.iter().all(|&v| same(v, first)) {
        return None;
    }
    let size = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let mean = values.iter().map(|v| v / size).sum::<f64>() / values.len() as f64;
    let mut deviations: Vec<f64> = values.iter().map(|v| v / size - mean).collect();
    let largest = deviations.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    for d in &mut deviations {
        *d /= largest;
    }
    let norm = deviations.iter().map(|d| d * d).sum::<f64>().sqrt();
    for d in &mut deviations {
        *d /= norm;
    }
    Some(deviations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn ranks_of_nothing_and_of_one() {
        assert!(mid_ranks(&[]).is_empty());
        assert!(near(mid_ranks(&[4.0])[0], 1.0));
    }

    #[test]
    fn negative_zero_ties_with_zero() {
        assert!(mid_ranks(&[0.0, -0.0]).iter().all(|&r| near(r, 1.5)));
    }

    #[test]
    fn a_nan_takes_the_last_rank() {
        let ranks = mid_ranks(&[f64::NAN, 1.0, 2.0]);
        assert!(near(ranks[0], 3.0) && near(ranks[1], 1.0));
    }

    #[test]
    fn two_points_are_perfectly_correlated() {
        assert!(near(spearman(&[1.0, 2.0], &[9.0, 3.0]).unwrap(), -1.0));
        assert!(near(pearson(&[1.0, 2.0], &[3.0, 9.0]).unwrap(), 1.0));
    }

    #[test]
    fn scale_does_not_matter_however_extreme() {
        let (x, y) = ([1.0, 2.0, 4.0, 7.0], [3.0, 1.0, 8.0, 5.0]);
        let expected = pearson(&x, &y).unwrap();
        for scale in [1e300, 1e-300, 1e155, 1e-160] {
            let scaled: Vec<f64> = x.iter().map(|v| v * scale).collect();
            assert!(near(pearson(&scaled, &y).unwrap(), expected), "scale {scale}");
        }
    }

    #[test]
    fn constants_nan_and_short_samples_are_errors() {
        assert_eq!(
            pearson(&[0.1; 3], &[1.0, 2.0, 3.0]),
            Err(StatsError::Constant { statistic: "pearson" })
        );
        assert_eq!(
            spearman(&[1.0, 2.0], &[1.0]),
            Err(StatsError::LengthMismatch { statistic: "spearman", left: 2, right: 1 })
        );
        assert_eq!(
            spearman(&[1.0], &[1.0]),
            Err(StatsError::TooFew { statistic: "spearman", needed: 2, got: 1 })
        );
        assert!(matches!(
            pearson(&[1.0, f64::NAN], &[1.0, 2.0]),
            Err(StatsError::NotFinite { index: 1, .. })
        ));
    }

    #[test]
    fn tied_values_share_a_normal_score_and_scores_are_symmetric() {
        let scores = normal_scores(&[1.0, 2.0, 2.0, 3.0]);
        assert!(near(scores[1], scores[2]) && scores[1].abs() < 1e-9);
        assert!((scores[0] + scores[3]).abs() < 1e-9);
    }
}
