//! Agreement of two rankings.

use super::error::{StatsError, check_pair};
use super::rank::same;

/// Kendall's τ-b of two paired samples.
///
/// ```text
/// τ = (C − D) / √((n₀ − n_x)(n₀ − n_y)),   n₀ = n(n − 1)/2
/// C, D: pairs in the same and in the opposite order;  n_x, n_y: pairs tied in x, in y
/// ```
///
/// - `x`, `y`: shape `(n,)`, paired by position, any unit, `n ≥ 2`.
/// - Returns τ in `[-1, 1]`, unitless. O(n log n).
///
/// # Errors
///
/// `LengthMismatch`, `TooFew`, `NotFinite`; `Constant` when a sample has one distinct value.
///
/// # Source
///
/// Knight (1966), *J. Am. Stat. Assoc.* 61(314), 436-439. Parity: `scipy.stats.kendalltau`,
/// `tests/fixtures/kendall.json`, tolerance 1e-12.
///
/// # Examples
///
/// ```
/// // Five of the six pairs agree, one does not.
/// let tau = rvq::stats::kendall(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0])?;
/// assert!((tau - 4.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn kendall(x: &[f64], y: &[f64]) -> Result<f64, StatsError> {
    check_pair("kendall", x, y, 2)?;
    let mut order: Vec<usize> = (0..x.len()).collect();
    // −0 and 0 are one value.
    let key = |value: f64| if value == 0.0 { 0.0 } else { value };
    order.sort_unstable_by(|&i, &j| {
        key(x[i]).total_cmp(&key(x[j])).then(key(y[i]).total_cmp(&key(y[j])))
    });
    let pairs = |n: usize| (n * n.saturating_sub(1) / 2) as f64;
    let tied = |groups: &mut dyn Iterator<Item = usize>| groups.map(pairs).sum::<f64>();
    let of_x = tied(&mut order.chunk_by(|&i, &j| same(x[i], x[j])).map(<[usize]>::len));
    let both = tied(
        &mut order.chunk_by(|&i, &j| same(x[i], x[j]) && same(y[i], y[j])).map(<[usize]>::len),
    );
    let mut by_y: Vec<f64> = order.iter().map(|&i| key(y[i])).collect();
    let swaps = sort_counting(&mut by_y) as f64;
    let of_y = tied(&mut by_y.chunk_by(|a, b| same(*a, *b)).map(<[f64]>::len));
    let all = pairs(x.len());
    let (distinct_x, distinct_y) = (all - of_x, all - of_y);
    if distinct_x <= 0.0 || distinct_y <= 0.0 {
        return Err(StatsError::Constant { statistic: "kendall" });
    }
    let concordant_less_discordant = all - of_x - of_y + both - 2.0 * swaps;
    Ok(concordant_less_discordant / distinct_x.sqrt() / distinct_y.sqrt())
}

/// Merge sort that counts the pairs out of order.
fn sort_counting(values: &mut [f64]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut swaps = sort_counting(left) + sort_counting(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        if right[j] < left[i] {
            swaps += (left.len() - i) as u64;
            merged.push(right[j]);
            j += 1;
        } else {
            merged.push(left[i]);
            i += 1;
        }
    }
    merged.extend_from_slice(&left[i..]);
    merged.extend_from_slice(&right[j..]);
    values.copy_from_slice(&merged);
    swaps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Its definition, pair by pair.
    fn by_pairs(x: &[f64], y: &[f64]) -> f64 {
        let (mut score, mut of_x, mut of_y) = (0.0, 0.0_f64, 0.0_f64);
        for i in 0..x.len() {
            for j in 0..i {
                let sign = |a: f64, b: f64| f64::from(i8::from(a > b) - i8::from(a < b));
                let (dx, dy) = (sign(x[i], x[j]), sign(y[i], y[j]));
                score += dx * dy;
                of_x += dx.abs();
                of_y += dy.abs();
            }
        }
        score / (of_x * of_y).sqrt()
    }

    proptest! {
        #[test]
        fn it_is_what_counting_pairs_gives(
            pairs in proptest::collection::vec((-4_i32..5, -4_i32..5), 2..40),
        ) {
            let (x, y): (Vec<f64>, Vec<f64>) =
                pairs.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).unzip();
            let expected = by_pairs(&x, &y);
            match kendall(&x, &y) {
                Ok(tau) => prop_assert!((tau - expected).abs() < 1e-12, "{} {}", tau, expected),
                Err(error) => {
                    prop_assert!(expected.is_nan());
                    prop_assert_eq!(error, StatsError::Constant { statistic: "kendall" });
                }
            }
        }
    }
}
