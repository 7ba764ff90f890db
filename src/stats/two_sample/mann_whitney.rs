//! Whether one group stands above another.

use statrs::distribution::{ContinuousCDF, Normal};

use super::super::error::{StatsError, check_finite};
use super::super::estimate::Estimate;
use super::super::rank::{mid_ranks, same};

/// Sizes below this take the exact distribution, when no values are tied.
const EXACT_BELOW: usize = 50;

/// A Mann-Whitney test.
#[derive(Debug, Clone, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which x stands above y; ties count half.
    pub u: f64,
    /// Cliff's δ: the share of pairs with x above y less the share with x below; in `[-1, 1]`.
    pub delta: f64,
    /// Two-sided p-value.
    pub p_value: f64,
    /// Whether the p-value is exact; else by the normal law with corrections for ties and steps.
    pub exact: bool,
    /// Sizes of x and y.
    pub n: [usize; 2],
}

/// Mann-Whitney test of two independent samples, also known as Wilcoxon's rank sum test.
///
/// ```text
/// U = #{x > y} + ½ #{x = y}      δ = 2U/(mn) − 1
/// exact:  p = 2 min(P(U' ≤ U), P(U' ≥ U)), over all orders
/// normal: z = (|U − mn/2| − ½) / σ,   σ² = mn/12 · (N + 1 − Σ (t³ − t)/(N(N − 1)))
/// ```
///
/// The exact distribution is used when both samples are below 50 and no values are tied. The test
/// takes the two distributions to be equal under the null; [`cliffs_delta`] does not.
///
/// - `x`, `y`: shapes `(m,)` and `(n,)`, any unit, one value or more each.
///
/// # Errors
///
/// `TooFew`, `NotFinite`; `Constant` when all values are equal.
///
/// # Source
///
/// Mann and Whitney (1947), *Ann. Math. Stat.* 18(1), 50–60. Parity: `scipy.stats.mannwhitneyu`,
/// `tests/fixtures/two_sample.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let test = rvq::stats::mann_whitney(&[1.1, 2.2, 3.3], &[4.4, 5.5, 6.6])?;
/// assert!(test.exact && test.u.abs() < 1e-12);
/// assert!((test.p_value - 0.1).abs() < 1e-12 && (test.delta + 1.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn mann_whitney(x: &[f64], y: &[f64]) -> Result<MannWhitney, StatsError> {
    let statistic = "mann_whitney";
    check(statistic, x, y, 1)?;
    let pooled: Vec<f64> = x.iter().chain(y).copied().collect();
    let ties = ties(&pooled);
    if ties.largest == pooled.len() {
        return Err(StatsError::Constant { statistic });
    }
    let pairs = x.len() as f64 * y.len() as f64;
    let rank_sum: f64 = mid_ranks(&pooled)[..x.len()].iter().sum();
    let u = rank_sum - (x.len() * (x.len() + 1) / 2) as f64;
    let exact = ties.largest == 1 && x.len().max(y.len()) < EXACT_BELOW;
    let p_value = if exact {
        exact_p(u.min(pairs - u) as usize, x.len(), y.len())
    } else {
        normal_p(u, [x.len(), y.len()].map(|n| n as f64), ties.correction)
    };
    let delta = 2.0 * u / pairs - 1.0;
    Ok(MannWhitney { u, delta, p_value, exact, n: [x.len(), y.len()] })
}

/// Cliff's δ with its unbiased variance and an interval that stays inside −1 to 1.
///
/// ```text
/// δ = mean of dᵢⱼ,  dᵢⱼ = sign(xᵢ − yⱼ)
/// S² = (n² Σᵢ (dᵢ. − δ)² + m² Σⱼ (d.ⱼ − δ)² − Σᵢⱼ (dᵢⱼ − δ)²) / (mn (m − 1)(n − 1))
/// interval: (δ − δ³ ± z S √((1 − δ²)² + z² S²)) / (1 − δ² + z² S²),   z = Φ⁻¹(.975)
/// p = 2 Φ(−|δ|/S)
/// ```
///
/// Unlike the Mann-Whitney p-value this one does not take the shapes to be equal under the null.
/// Where S² falls below (1 − δ²)/(mn − 1) it is raised to it, after Cliff.
///
/// - `x`, `y`: shapes `(m,)` and `(n,)`, any unit, 2 values or more each. `n` of the result is m + n.
///
/// # Errors
///
/// `TooFew`, `NotFinite`; `Constant` when all values are equal; `OutOfRange` for a standard error of
/// 0, when the samples do not overlap ([`mann_whitney`] still has δ and p).
///
/// # Source
///
/// Cliff (1993), *Psychological Bulletin* 114(3), 494–509; interval: Feng and Cliff (2004), *J.
/// Modern Applied Statistical Methods* 3(2), 322–332, with z. Parity: independent NumPy code over
/// pairs, `tests/fixtures/two_sample.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let delta = rvq::stats::cliffs_delta(&[3.0, 5.0, 7.0, 9.0], &[1.0, 4.0, 6.0, 2.0])?;
/// assert!((delta.estimate - 0.625).abs() < 1e-12);
/// assert!(delta.ci_low > -1.0 && delta.ci_high < 1.0);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn cliffs_delta(x: &[f64], y: &[f64]) -> Result<Estimate, StatsError> {
    let statistic = "cliffs_delta";
    check(statistic, x, y, 2)?;
    if x.iter().chain(y).all(|v| same(*v, x[0])) {
        return Err(StatsError::Constant { statistic });
    }
    let (m, n) = (x.len() as f64, y.len() as f64);
    let (of_x, of_y) = (dominance(x, y), dominance(y, x));
    let delta = of_x.iter().sum::<f64>() / m;
    let squares =
        |rows: &[f64], center: f64| rows.iter().map(|d| (d - center).powi(2)).sum::<f64>();
    let untied = m * n - tied_pairs(x, y);
    let cells = untied - m * n * delta * delta;
    let sum = n * n * squares(&of_x, delta) + m * m * squares(&of_y, -delta) - cells;
    let least = (1.0 - delta * delta) / (m * n - 1.0);
    let variance = (sum / (m * n * (m - 1.0) * (n - 1.0))).max(least);
    let method = "Cliff's variance, asymmetric interval";
    let mut found = Estimate::normal(delta, variance.sqrt(), 0.0, x.len() + y.len(), method)?;
    let width = Normal::standard().inverse_cdf(0.975).powi(2) * variance;
    let rest = 1.0 - delta * delta;
    let half = (width * (rest * rest + width)).sqrt();
    let end = |half: f64| ((delta * rest + half) / (rest + width)).clamp(-1.0, 1.0);
    (found.ci_low, found.ci_high) = (end(-half), end(half));
    Ok(found)
}

fn check(statistic: &'static str, x: &[f64], y: &[f64], needed: usize) -> Result<(), StatsError> {
    let got = x.len().min(y.len());
    if got < needed {
        return Err(StatsError::TooFew { statistic, needed, got });
    }
    check_finite(x)?;
    check_finite(y)
}

struct Ties {
    largest: usize,
    /// Σ (t³ − t) over groups of t tied values.
    correction: f64,
}

fn ties(values: &[f64]) -> Ties {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let sizes: Vec<usize> = sorted.chunk_by(|a, b| same(*a, *b)).map(<[f64]>::len).collect();
    let cube = |&size: &usize| (size as f64).powi(3) - size as f64;
    Ties {
        largest: sizes.iter().copied().max().unwrap_or(0),
        correction: sizes.iter().map(cube).sum(),
    }
}

/// Two-sided p-value of the smaller U, over all orders of m and n values.
///
/// P(m, n, u) is built by whether the largest of all belongs to the first sample, in which case it
/// stands above all n: shares are only added, so nothing cancels.
fn exact_p(smaller: usize, m: usize, n: usize) -> f64 {
    let mut before: Vec<Vec<f64>> = vec![vec![1.0]; n + 1];
    for i in 1..=m {
        let mut now: Vec<Vec<f64>> = vec![vec![1.0]];
        for j in 1..=n {
            let share = i as f64 / (i + j) as f64;
            let mut law = vec![0.0; i * j + 1];
            for (u, p) in before[j].iter().enumerate() {
                law[u + j] += share * p;
            }
            for (u, p) in now[j - 1].iter().enumerate() {
                law[u] += (1.0 - share) * p;
            }
            now.push(law);
        }
        before = now;
    }
    (2.0 * before[n][..=smaller].iter().sum::<f64>()).min(1.0)
}

fn normal_p(u: f64, [m, n]: [f64; 2], ties: f64) -> f64 {
    let all = m + n;
    let variance = m * n / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    let z = ((u - m * n / 2.0).abs() - 0.5) / variance.sqrt();
    (2.0 * Normal::standard().sf(z)).min(1.0)
}

/// For each value, the share of the others below it less the share above.
fn dominance(values: &[f64], others: &[f64]) -> Vec<f64> {
    let mut sorted = others.to_vec();
    sorted.sort_by(f64::total_cmp);
    let net = |v: &f64| {
        let below = sorted.partition_point(|other| other < v);
        let up_to = sorted.partition_point(|other| other <= v);
        below as f64 - (sorted.len() - up_to) as f64
    };
    values.iter().map(|v| net(v) / sorted.len() as f64).collect()
}

fn tied_pairs(x: &[f64], y: &[f64]) -> f64 {
    let mut sorted = y.to_vec();
    sorted.sort_by(f64::total_cmp);
    let tied = |v: &f64| sorted.partition_point(|y| y <= v) - sorted.partition_point(|y| y < v);
    x.iter().map(|v| tied(v) as f64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_values_and_swapped_samples() {
        let test = mann_whitney(&[1.0], &[2.0]).unwrap();
        assert!((test.p_value - 1.0).abs() < 1e-15 && test.exact);
        let (x, y) = ([1.0, 4.0, 4.0, 7.0], [2.0, 3.0, 4.0]);
        let (there, back) = (mann_whitney(&x, &y).unwrap(), mann_whitney(&y, &x).unwrap());
        assert!((there.u + back.u - 12.0).abs() < 1e-12);
        assert!((there.p_value - back.p_value).abs() < 1e-15 && !there.exact);
        let (there, back) = (cliffs_delta(&x, &y).unwrap(), cliffs_delta(&y, &x).unwrap());
        assert!((there.estimate + back.estimate).abs() < 1e-15);
        assert!((there.std_error - back.std_error).abs() < 1e-15);
        assert!((there.ci_low + back.ci_high).abs() < 1e-15);
    }

    #[test]
    fn scale_does_not_matter() {
        let (x, y) = ([1.0, 4.0, 5.0, 7.0], [2.0, 3.0, 4.0]);
        let plain = (mann_whitney(&x, &y).unwrap(), cliffs_delta(&x, &y).unwrap());
        for scale in [1e300, 1e-300] {
            let [x, y] = [&x[..], &y[..]].map(|v| v.iter().map(|v| v * scale).collect::<Vec<_>>());
            assert_eq!((mann_whitney(&x, &y).unwrap(), cliffs_delta(&x, &y).unwrap()), plain);
        }
    }

    #[test]
    fn samples_apart_have_a_test_but_no_interval() {
        let (x, y) = ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]);
        assert!((mann_whitney(&x, &y).unwrap().delta + 1.0).abs() < 1e-15);
        assert!(matches!(cliffs_delta(&x, &y), Err(StatsError::OutOfRange { .. })));
    }

    #[test]
    fn large_samples_take_the_normal_law_and_agree_with_the_exact_one() {
        let value = |i: usize, step: usize| (i * step % 101) as f64 + step as f64 / 100.0;
        let x: Vec<f64> = (0..49).map(|i| value(i, 7)).collect();
        let y: Vec<f64> = (0..49).map(|i| value(i, 13) + 9.0).collect();
        let exact = mann_whitney(&x, &y).unwrap();
        let pooled = normal_p(exact.u, [49.0, 49.0], 0.0);
        assert!(exact.exact && (exact.p_value - pooled).abs() < 1e-3, "{exact:?} {pooled}");
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(mann_whitney(&[], &[1.0]).is_err());
        assert!(mann_whitney(&[f64::NAN], &[1.0]).is_err());
        assert!(matches!(mann_whitney(&[1.0; 3], &[1.0; 2]), Err(StatsError::Constant { .. })));
        assert!(matches!(cliffs_delta(&[1.0; 3], &[1.0; 2]), Err(StatsError::Constant { .. })));
        assert!(cliffs_delta(&[1.0], &[2.0, 0.0]).is_err());
    }
}
