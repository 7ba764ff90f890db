//! Adjusting a family of p-values.

use super::error::{StatsError, check_finite};

/// Benjamini-Hochberg adjusted p-values: control of the false discovery rate.
///
/// ```text
/// q₍ᵢ₎ = min over j ≥ i of min(1, m p₍ⱼ₎ / j)      p₍₁₎ ≤ … ≤ p₍ₘ₎
/// ```
///
/// - `p_values`: shape `(m,)`, in `[0, 1]`; NaN counts as 1, for a test that could not be computed
///   still belongs to its family. Returns shape `(m,)`, in the order given.
///
/// # Source
///
/// Benjamini and Hochberg (1995), *J. R. Stat. Soc. B* 57(1), 289–300. Parity:
/// `statsmodels.stats.multitest.multipletests(method="fdr_bh")`, `tests/fixtures/multiplicity.json`,
/// tolerance 1e-12.
///
/// # Examples
///
/// ```
/// let q = rvq::stats::benjamini_hochberg(&[0.01, 0.04, 0.03]);
/// assert!((q[0] - 0.03).abs() < 1e-12 && (q[1] - 0.04).abs() < 1e-12);
/// ```
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let m = p_values.len() as f64;
    let order = ascending(p_values);
    let mut adjusted = vec![1.0; p_values.len()];
    let mut smallest: f64 = 1.0;
    for (position, &i) in order.iter().enumerate().rev() {
        smallest = smallest.min(m * known(p_values[i]) / (position + 1) as f64);
        adjusted[i] = smallest;
    }
    adjusted
}

/// Holm adjusted p-values: control of the family-wise error rate.
///
/// ```text
/// q₍ᵢ₎ = max over j ≤ i of min(1, (m − j + 1) p₍ⱼ₎)      p₍₁₎ ≤ … ≤ p₍ₘ₎
/// ```
///
/// - `p_values`: as for [`benjamini_hochberg`]. Returns shape `(m,)`, in the order given.
///
/// # Source
///
/// Holm (1979), *Scand. J. Stat.* 6(2), 65–70. Parity:
/// `statsmodels.stats.multitest.multipletests(method="holm")`, `tests/fixtures/multiplicity.json`,
/// tolerance 1e-12.
///
/// # Examples
///
/// ```
/// let q = rvq::stats::holm(&[0.01, 0.04, 0.03]);
/// assert!((q[0] - 0.03).abs() < 1e-12 && (q[1] - 0.06).abs() < 1e-12);
/// ```
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let m = p_values.len();
    let mut adjusted = vec![1.0; m];
    let mut largest: f64 = 0.0;
    for (position, &i) in ascending(p_values).iter().enumerate() {
        largest = largest.max((m - position) as f64 * known(p_values[i])).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

/// Benjamini-Yekutieli adjusted p-values: the false discovery rate under any dependence.
///
/// ```text
/// q₍ᵢ₎ = min over j ≥ i of min(1, c m p₍ⱼ₎ / j)      c = Σ_{k=1..m} 1/k
/// ```
///
/// - `p_values`: as for [`benjamini_hochberg`]. Returns shape `(m,)`, in the order given.
///
/// # Source
///
/// Benjamini and Yekutieli (2001), *Ann. Stat.* 29(4), 1165–1188. Parity:
/// `statsmodels.stats.multitest.multipletests(method="fdr_by")`, `tests/fixtures/families.json`,
/// tolerance 1e-12.
///
/// # Examples
///
/// ```
/// let q = rvq::stats::benjamini_yekutieli(&[0.01, 0.04, 0.03]);
/// assert!((q[0] - 0.055).abs() < 1e-12 && (q[1] - 0.04 * 11.0 / 6.0).abs() < 1e-12);
/// ```
pub fn benjamini_yekutieli(p_values: &[f64]) -> Vec<f64> {
    let harmonic: f64 = (1..=p_values.len()).map(|k| 1.0 / k as f64).sum();
    // c is 1 or more, so that the bound of Benjamini and Hochberg's q at 1 changes nothing.
    benjamini_hochberg(p_values).into_iter().map(|q| (harmonic * q).min(1.0)).collect()
}

/// Romano-Wolf step-down adjusted p-values: the family-wise error rate, using how tests depend.
///
/// ```text
/// |t|₍₁₎ ≥ … ≥ |t|₍ₘ₎      Mⱼ* = max over the tests ranked j or later of |t*|
/// q₍ⱼ₎ = max over i ≤ j of (1 + #{b : Mᵢ*ᵇ ≥ |t|₍ᵢ₎}) / (B + 1)
/// ```
///
/// At least as powerful as [`holm`], and more so the more the tests go together.
///
/// - `observed`: statistics whose size tells against their null, all on one scale (studentised);
///   shape `(m,)`.
/// - `resampled`: the same statistics under the null, row by row, shape `(B, m)`: of the same
///   permutation for all, or of the same bootstrap sample less the observed estimate.
/// - Returns shape `(m,)`, in the order given.
///
/// # Errors
///
/// `TooFew` without a resample; `LengthMismatch` when they do not fill rows; `NotFinite`.
///
/// # Source
///
/// Romano and Wolf (2005), *J. Am. Stat. Assoc.* 100(469), 94–108; (2016), *Statistics & Probability
/// Letters* 113, 38–40 (p-values). Parity: `pyfixest` and, over all permutations, R
/// `multtest::mt.maxT`, `tests/fixtures/families.json` and `max_t.json`, tolerance 1e-12.
///
/// # Examples
///
/// ```
/// let resampled = [0.5, 1.0, -2.5, 0.1, 0.3, 0.2];
/// let q = rvq::stats::romano_wolf(&[2.0, -3.0], &resampled)?;
/// assert_eq!(q, [0.5, 0.25]);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn romano_wolf(observed: &[f64], resampled: &[f64]) -> Result<Vec<f64>, StatsError> {
    let statistic = "romano_wolf";
    let m = observed.len();
    if resampled.is_empty() {
        return Err(StatsError::TooFew { statistic, needed: 1, got: 0 });
    }
    if m == 0 || !resampled.len().is_multiple_of(m) {
        let (left, right) = (m, resampled.len());
        return Err(StatsError::LengthMismatch { statistic, left, right });
    }
    check_finite(observed)?;
    check_finite(resampled)?;
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| observed[a].abs().total_cmp(&observed[b].abs()));
    let mut reached = vec![0_usize; m];
    for row in resampled.chunks(m) {
        let mut largest: f64 = 0.0;
        for &test in &order {
            largest = largest.max(row[test].abs());
            // A resample that repeats the data may differ by rounding.
            reached[test] += usize::from(largest >= observed[test].abs() * (1.0 - 1e-12));
        }
    }
    let resamples = resampled.len() / m;
    let (mut adjusted, mut before) = (vec![1.0; m], 0.0_f64);
    for &test in order.iter().rev() {
        before = before.max((reached[test] + 1) as f64 / (resamples + 1) as f64);
        adjusted[test] = before;
    }
    Ok(adjusted)
}

fn known(p_value: f64) -> f64 {
    if p_value.is_nan() { 1.0 } else { p_value }
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| known(p_values[a]).total_cmp(&known(p_values[b])));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_family_stays_empty() {
        assert!(benjamini_hochberg(&[]).is_empty() && holm(&[]).is_empty());
    }

    #[test]
    fn one_test_needs_no_adjustment() {
        assert!((benjamini_hochberg(&[0.2])[0] - 0.2).abs() < 1e-15);
        assert!((holm(&[0.2])[0] - 0.2).abs() < 1e-15);
    }

    #[test]
    fn a_test_that_could_not_be_computed_still_counts() {
        let with = benjamini_hochberg(&[0.01, f64::NAN]);
        assert!((with[0] - 0.02).abs() < 1e-15 && (with[1] - 1.0).abs() < 1e-15);
        assert!((holm(&[f64::NAN, 0.01])[1] - 0.02).abs() < 1e-15);
    }

    #[test]
    fn benjamini_yekutieli_multiplies_and_stays_below_one() {
        assert!(benjamini_yekutieli(&[]).is_empty());
        let p = [0.9, 0.001, f64::NAN, 0.02];
        let (by, bh) = (benjamini_yekutieli(&p), benjamini_hochberg(&p));
        assert!(by.iter().zip(&bh).all(|(by, bh)| by >= bh && *by <= 1.0));
    }

    #[test]
    fn one_test_is_its_permutation_p_and_ties_share_theirs() {
        let alone = romano_wolf(&[2.0], &[1.0, -2.0, 3.0]).unwrap();
        assert!((alone[0] - 0.75).abs() < 1e-15);
        let tied = romano_wolf(&[2.0, -2.0], &[1.0, 0.0, 0.0, 3.0, 0.5, 0.5]).unwrap();
        assert!((tied[0] - tied[1]).abs() < 1e-15 && (tied[0] - 0.5).abs() < 1e-15);
    }

    #[test]
    fn tests_that_always_go_together_need_no_adjustment() {
        let base: Vec<f64> = (0..99).map(|b| f64::from(b * 37 % 99) / 33.0).collect();
        let together: Vec<f64> = base.iter().flat_map(|t| [*t; 4]).collect();
        let adjusted = romano_wolf(&[2.5; 4], &together).unwrap();
        let alone = romano_wolf(&[2.5], &base).unwrap();
        assert!(adjusted.iter().all(|q| (q - alone[0]).abs() < 1e-15));
    }

    #[test]
    fn bad_resamples_are_errors() {
        assert!(romano_wolf(&[1.0], &[]).is_err());
        assert!(romano_wolf(&[], &[1.0]).is_err());
        assert!(romano_wolf(&[1.0, 2.0], &[1.0; 3]).is_err());
        assert!(romano_wolf(&[1.0, f64::NAN], &[1.0; 4]).is_err());
        assert!(romano_wolf(&[1.0, 2.0], &[1.0, 2.0, 3.0, f64::INFINITY]).is_err());
    }

    #[test]
    fn holm_is_never_below_benjamini_hochberg() {
        let p: Vec<f64> = (1..30).map(|i| f64::from(i * i % 31) / 31.0).collect();
        let pairs = holm(&p).into_iter().zip(benjamini_hochberg(&p));
        assert!(pairs.into_iter().all(|(holm, bh)| holm >= bh - 1e-15));
    }
}
