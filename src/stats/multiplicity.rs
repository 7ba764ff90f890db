//! Adjusting a family of p-values.

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
    fn holm_is_never_below_benjamini_hochberg() {
        let p: Vec<f64> = (1..30).map(|i| f64::from(i * i % 31) / 31.0).collect();
        let pairs = holm(&p).into_iter().zip(benjamini_hochberg(&p));
        assert!(pairs.into_iter().all(|(holm, bh)| holm >= bh - 1e-15));
    }
}
