//! Whether two groups of curves differ, and when.

use rand::RngExt;
use rayon::prelude::*;

use super::super::error::StatsError;
use super::super::grid::Grid;
use super::super::permutation::shuffle_within;
use super::Repeats;
use super::contrast::{Contrast, Sides};
use crate::rng::Draws;

const NAME: &str = "curve_test";

/// The difference of two groups of curves at one period, with a band over all periods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurveDifference {
    /// Mean of the first group less mean of the second, within strata.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Lower end of the simultaneous 95 % band.
    pub band_low: f64,
    /// Upper end of the simultaneous 95 % band.
    pub band_high: f64,
}

/// A comparison of two groups of curves.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveTest {
    /// Root mean square of the difference over periods.
    pub l2: f64,
    /// Its permutation p-value: for small differences that last.
    pub l2_p_value: f64,
    /// Largest |difference| in standard errors over periods.
    pub max_t: f64,
    /// Its permutation p-value: for large differences that do not last.
    pub max_t_p_value: f64,
    /// Half the width of the band, in standard errors.
    pub critical_value: f64,
    /// By period; none where the groups cannot be compared.
    pub differences: Vec<Option<CurveDifference>>,
    /// Curves of the first and of the second group with an observed value.
    pub n: [usize; 2],
}

/// Permutation test of two groups of curves on a common grid, with a simultaneous band.
///
/// ```text
/// y_at = μ_st + d_t g_a + e_at      per period t by least squares, s: stratum of a, g: first group
/// L2 = √(mean over t of d_t²)       max-t = max over t of |d_t| / SE_t      SE: HC2
/// p = (k + 1)/(B + 1)               k permutations at least as extreme
/// band: d_t ± c SE_t                c: 95 % point of max-t of B wild bootstrap samples
/// ```
///
/// With one stratum d is the difference of the two means and SE that of Welch. Labels move between
/// whole curves within strata, so that dependence over time and gaps stay with their curve; in
/// each permutation a period counts only where the groups can be compared.
///
/// The band comes from a bootstrap and not from the permutations, whose null says that the
/// groups are alike in all: each curve's residuals, divided by √(1 − leverage), keep or change their
/// sign together, and max-t is computed anew from them with its own standard errors. The band may
/// then disagree with the p-value at the margin. With fewer than about ten curves in a group trust
/// the p-value.
///
/// - `curves`: shape `(units, periods)`, NaN where not observed. `first`, `strata`: shape `(units,)`.
/// - `permutations`: B, for both; at least 19. Permutation b is named by `draws.stream(b)`, signs by
///   `draws.part(1).stream(b)`. O(B · units · periods).
///
/// # Errors
///
/// `LengthMismatch`; `OutOfRange` for fewer than 19 permutations; `NoPeriod` when no period has two
/// curves to compare in each group; `Constant` when a group does not vary where the other differs, so
/// that max-t has no bound.
///
/// # Source
///
/// Ramsay, Hooker and Graves (2009), *Functional Data Analysis with R and MATLAB*, section 10.2
/// (permutation of curves); Phipson and Smyth (2010), *Stat. Appl. Genet. Mol. Biol.* 9(1), 39;
/// Horn, Horn and Duncan (1975), *J. Am. Stat. Assoc.* 70(350), 380–385 (HC2); Wu (1986), *Ann. Stat.* 14(4),
/// 1261–1295 (wild bootstrap). Parity: `statsmodels` OLS with HC2 per period and p-values over all
/// permutations in NumPy, `tests/fixtures/two_sample.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::{Grid, curve_test}};
/// let values: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 11) + f64::from(i / 30) * 9.0).collect();
/// let first: Vec<bool> = (0..20).map(|i| i >= 10).collect();
/// let draws = Streams::new(1).global(Purpose::Permutation);
/// let test = curve_test(Grid::new(&values, 20, 3)?, &first, &[0; 20], 199, draws)?;
/// assert!(test.max_t_p_value < 0.01 && test.l2_p_value < 0.01);
/// assert!(test.differences.iter().flatten().all(|at| at.band_low > 0.0));
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn curve_test(
    curves: Grid<'_>,
    first: &[bool],
    strata: &[u32],
    permutations: usize,
    draws: Draws,
) -> Result<CurveTest, StatsError> {
    let repeats = Repeats::new(permutations, 19, draws)?;
    for right in [first.len(), strata.len()] {
        if curves.units() != right {
            let left = curves.units();
            return Err(StatsError::LengthMismatch { statistic: NAME, left, right });
        }
    }
    let sides = Sides::new(curves, strata);
    let values = sides.by_period(curves);
    let observed = sides.contrasts(&values, first);
    let (l2, max_t) = norms(&observed);
    if observed.iter().all(Option::is_none) {
        return Err(StatsError::NoPeriod { statistic: NAME, needed: 2 });
    }
    if max_t.is_infinite() {
        return Err(StatsError::Constant { statistic: NAME });
    }
    let permuted: Vec<(f64, f64)> = (0..permutations)
        .into_par_iter()
        .map(|b| norms(&sides.contrasts(&values, &permuted(&sides, strata, first, repeats, b))))
        .collect();
    let critical_value = critical_value(&sides, &values, first, &observed, repeats)?;
    let band = |at: &Contrast| CurveDifference {
        estimate: at.estimate,
        std_error: at.std_error,
        band_low: at.estimate - critical_value * at.std_error,
        band_high: at.estimate + critical_value * at.std_error,
    };
    Ok(CurveTest {
        l2,
        l2_p_value: repeats.p_value(l2, permuted.iter().map(|p| p.0)),
        max_t,
        max_t_p_value: repeats.p_value(max_t, permuted.iter().map(|p| p.1)),
        critical_value,
        differences: observed.iter().map(|at| at.as_ref().map(band)).collect(),
        n: sides.sizes(first),
    })
}

/// Labels after permutation `b`.
fn permuted(
    sides: &Sides,
    strata: &[u32],
    first: &[bool],
    repeats: Repeats,
    b: usize,
) -> Vec<bool> {
    let mut labels = first.to_vec();
    let moved = shuffle_within(strata, sides.observed(), repeats.draws, b as u64);
    for (from, to) in moved.into_iter().enumerate() {
        labels[to as usize] = first[from];
    }
    labels
}

/// L2 and max-t; without a period that can be compared nothing is known, which is as extreme as can
/// be.
fn norms(contrasts: &[Option<Contrast>]) -> (f64, f64) {
    let known = || contrasts.iter().flatten();
    let periods = known().count();
    if periods == 0 {
        return (f64::INFINITY, f64::INFINITY);
    }
    let squares: f64 = known().map(|at| at.estimate * at.estimate).sum();
    let max_t = known().map(Contrast::t).fold(0.0, f64::max);
    ((squares / periods as f64).sqrt(), max_t)
}

/// The 95 % point of max-t when each curve's residuals change sign at random.
fn critical_value(
    sides: &Sides,
    values: &[f64],
    first: &[bool],
    observed: &[Option<Contrast>],
    repeats: Repeats,
) -> Result<f64, StatsError> {
    let residuals = sides.residuals(values, first, observed);
    let draws = repeats.draws.part(1);
    let resample = |b: usize| {
        let mut stream = draws.stream(b as u64);
        let signs: Vec<f64> =
            (0..first.len()).map(|_| if stream.random_bool(0.5) { 1.0 } else { -1.0 }).collect();
        let signed: Vec<f64> = residuals
            .chunks(first.len())
            .flat_map(|row| row.iter().zip(&signs))
            .map(|(r, s)| r * s)
            .collect();
        norms(&sides.contrasts(&signed, first)).1
    };
    let mut resampled: Vec<f64> = (0..repeats.count).into_par_iter().map(resample).collect();
    resampled.sort_by(f64::total_cmp);
    // The order statistic that a further draw stays below with 95 %.
    let position = ((repeats.count + 1) as f64 * 0.95).ceil() as usize;
    let found = resampled[position.min(repeats.count) - 1];
    if found.is_finite() { Ok(found) } else { Err(StatsError::Constant { statistic: NAME }) }
}

#[cfg(test)]
mod tests {
    use rand_distr::StandardNormal;

    use super::*;
    use crate::rng::{Purpose, Streams};

    const GAP: f64 = f64::NAN;

    fn draws(replication: u32) -> Draws {
        Streams::new(6).replication(replication).global(Purpose::Permutation)
    }

    /// Random walks of 24 units over 6 periods, unit 3k observed from period 2 on; the first
    /// twelve have twice the spread.
    fn walks(replication: u32) -> (Vec<f64>, Vec<bool>) {
        let mut stream = draws(replication).part(7).stream(0);
        let mut values = vec![];
        for unit in 0..24 {
            let mut level = 0.0;
            for period in 0..6 {
                let step: f64 = stream.sample(StandardNormal);
                level += step * if unit < 12 { 2.0 } else { 1.0 };
                values.push(if unit % 3 == 0 && period < 2 { GAP } else { level });
            }
        }
        (values, (0..24).map(|unit| unit < 12).collect())
    }

    fn test(values: &[f64], first: &[bool], strata: &[u32]) -> Result<CurveTest, StatsError> {
        let periods = values.len() / first.len();
        curve_test(Grid::new(values, first.len(), periods).unwrap(), first, strata, 99, draws(1))
    }

    #[test]
    fn scale_and_swapped_groups_change_what_they_should_only() {
        let (values, first) = walks(0);
        let plain = test(&values, &first, &[0; 24]).unwrap();
        let scaled: Vec<f64> = values.iter().map(|v| v * 1e120).collect();
        let scaled = test(&scaled, &first, &[0; 24]).unwrap();
        assert!((scaled.l2 / 1e120 / plain.l2 - 1.0).abs() < 1e-12);
        assert!((scaled.max_t - plain.max_t).abs() < 1e-9);
        assert!((scaled.max_t_p_value - plain.max_t_p_value).abs() < 1e-15);
        let swapped: Vec<bool> = first.iter().map(|f| !f).collect();
        let swapped = test(&values, &swapped, &[0; 24]).unwrap();
        for (a, b) in plain.differences.iter().zip(&swapped.differences) {
            assert!((a.unwrap().estimate + b.unwrap().estimate).abs() < 1e-12);
        }
    }

    #[test]
    fn the_band_covers_no_difference_and_the_test_keeps_its_size() {
        let (mut covered, mut rejected) = (0, 0);
        for replication in 0..200 {
            let (values, first) = walks(replication);
            let grid = Grid::new(&values, 24, 6).unwrap();
            let found = curve_test(grid, &first, &[0; 24], 99, draws(replication)).unwrap();
            let inside = |at: &CurveDifference| (at.band_low..=at.band_high).contains(&0.0);
            covered += usize::from(found.differences.iter().flatten().all(inside));
            rejected += usize::from(found.max_t_p_value <= 0.05);
        }
        // Binomial limits of 200 at the one-sided 1 % level: coverage of 95 % at least 181, size of
        // 5 % at most 18. Groups of equal size keep the studentised test valid under unequal spread.
        assert!(covered >= 181, "{covered} of 200");
        assert!(rejected <= 18, "{rejected} of 200");
    }

    #[test]
    fn a_stratum_that_differs_in_level_does_not_pass_for_a_difference() {
        // Stratum 1 stands 100 higher and is mostly in the first group.
        let (mut values, first) = walks(3);
        let strata: Vec<u32> = (0..24).map(|unit| u32::from(!(9..=20).contains(&unit))).collect();
        for (unit, stratum) in strata.iter().enumerate() {
            for value in &mut values[unit * 6..(unit + 1) * 6] {
                *value += 100.0 * f64::from(*stratum);
            }
        }
        let pooled = test(&values, &first, &[0; 24]).unwrap();
        let within = test(&values, &first, &strata).unwrap();
        assert!(pooled.l2 > 40.0 && within.l2 < 5.0, "{} {}", pooled.l2, within.l2);
        assert!(pooled.max_t_p_value < 0.05 && within.max_t_p_value > 0.05);
    }

    #[test]
    fn periods_that_cannot_be_compared_are_left_out() {
        let (mut values, first) = walks(5);
        for unit in 0..24 {
            values[unit * 6 + 4] = 3.3;
            if unit > 0 && unit < 12 {
                values[unit * 6 + 5] = GAP;
            }
        }
        let found = test(&values, &first, &[0; 24]).unwrap();
        let known: Vec<bool> = found.differences.iter().map(Option::is_some).collect();
        assert_eq!(known, [true, true, true, true, false, false]);
        assert_eq!(found.n, [12, 12]);
    }

    #[test]
    fn the_same_bytes_come_out_of_any_number_of_threads() {
        let (values, first) = walks(2);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| test(&values, &first, &[0; 24]).unwrap())
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(5));
    }

    #[test]
    fn bad_input_is_an_error() {
        let two = [true, false];
        assert!(matches!(test(&[1.0, 2.0], &two, &[0; 2]), Err(StatsError::NoPeriod { .. })));
        assert!(matches!(test(&[GAP; 4], &two, &[0; 2]), Err(StatsError::NoPeriod { .. })));
        let four = [true, true, false, false];
        assert!(matches!(test(&[1.0; 4], &four, &[0; 4]), Err(StatsError::NoPeriod { .. })));
        let apart = [2.0, 2.0, 1.0, 1.0];
        assert!(matches!(test(&apart, &four, &[0; 4]), Err(StatsError::Constant { .. })));
        assert!(matches!(test(&apart, &four, &[0; 3]), Err(StatsError::LengthMismatch { .. })));
        assert!(test(&apart, &[true; 4], &[0; 4]).is_err());
        let grid = Grid::new(&apart, 4, 1).unwrap();
        assert!(curve_test(grid, &four, &[0; 4], 18, draws(0)).is_err());
    }
}
