//! Several statistics of the same units taken together: are they equal, do they rise?

use nalgebra::{DMatrix, DVector};
use rand::RngExt;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use super::error::StatsError;
use super::panel::PanelStatistic;
use crate::rng::Draws;

/// A test that several statistics are equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EqualityTest {
    /// The Wald statistic over its degrees of freedom.
    pub f: f64,
    /// Degrees of freedom: statistics less one.
    pub df: usize,
    /// Units of the statistic with the fewest, less one.
    pub df_units: usize,
    /// P-value.
    pub p_value: f64,
}

/// Wald test that statistics of the same units are equal, units being independent.
///
/// ```text
/// F = dᵀ V⁻¹ d / q,  dⱼ = θⱼ − θ_{q+1},  V = Σₐ δₐ δₐᵀ,  δₐⱼ = cⱼ sₐⱼ − c_{q+1} sₐ,q+1,  cⱼ² = Gⱼ/(Gⱼ−1)
/// F(q, min Gⱼ − 1)
/// ```
///
/// sₐⱼ is the influence of unit a on statistic j: units may take part in one of them, or in several. Gⱼ of them
/// take part in statistic j: each variance rests on its own units, and the smallest number of them decides.
///
/// - `statistics`: two or more, over the same units.
///
/// # Errors
///
/// `TooFew` for fewer than two statistics, or one with no more units than there are statistics;
/// `LengthMismatch` when their units differ; `Constant` when the differences do not vary.
///
/// # Source
///
/// Cameron and Miller (2015), *J. Human Resources* 50(2), sections VI and VII on few clusters. Parity:
/// independent NumPy code with SciPy's F, `tests/fixtures/joint.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, equality_test, mean_level};
/// let y = [1.0, 2.0, 4.0, 5.0, 3.0, 6.0];
/// let level = |keep: usize| {
///     let own: Vec<f64> = (0..6).map(|i| if i / 3 == keep { y[i] } else { f64::NAN }).collect();
///     mean_level(Grid::new(&own, 6, 1)?, 2)
/// };
/// let test = equality_test(&[level(0)?, level(1)?])?;
/// assert!((test.f - 3.5).abs() < 1e-12 && test.df_units == 2);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn equality_test(statistics: &[PanelStatistic]) -> Result<EqualityTest, StatsError> {
    let name = "equality_test";
    let units = same_units(name, statistics)?;
    let df = statistics.len() - 1;
    let (others, last) = (&statistics[..df], &statistics[df]);
    let d = DVector::from_iterator(df, others.iter().map(|s| s.estimate - last.estimate));
    let parts = |s: &PanelStatistic| s.unit_influence.iter().filter(|v| v.abs() > 0.0).count();
    let counts: Vec<usize> = statistics.iter().map(parts).collect();
    let fewest = counts.iter().copied().min().unwrap_or(0);
    if fewest <= df + 1 {
        return Err(StatsError::TooFew { statistic: name, needed: df + 2, got: fewest });
    }
    let scaled = |unit: usize, j: usize| {
        let units = counts[j] as f64;
        (units / (units - 1.0)).sqrt() * statistics[j].unit_influence[unit]
    };
    let mut variance = DMatrix::zeros(df, df);
    for unit in 0..units {
        let own = scaled(unit, df);
        let delta = DVector::from_iterator(df, (0..df).map(|j| scaled(unit, j) - own));
        variance += &delta * delta.transpose();
    }
    let df_units = fewest - 1;
    let factor = variance.cholesky().ok_or(StatsError::Constant { statistic: name })?;
    let f = d.dot(&factor.solve(&d)) / df as f64;
    let law = FisherSnedecor::new(df as f64, df_units as f64)
        .map_err(|_| StatsError::Constant { statistic: name })?;
    Ok(EqualityTest { f, df, df_units, p_value: law.sf(f) })
}

/// A test that statistics rise from each to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct RiseTest {
    /// The smallest step, the next less the one before.
    pub smallest_step: f64,
    /// Position of the statistic before that step.
    pub at: usize,
    /// One-sided p-value: small where every step is up.
    pub p_value: f64,
}

/// One-sided test that every step between neighbouring statistics is up: the smallest step beside what
/// resampled units bring where no step is.
///
/// ```text
/// J = minⱼ (θⱼ₊₁ − θⱼ)      J_b = minⱼ Σₐ w_ab (sₐ,ⱼ₊₁ − sₐⱼ)      p = (1 + #{b : J_b ≥ J}) / (B + 1)
/// ```
///
/// `w_ab` counts how often unit a is among G units drawn with replacement; influences stand for the statistics
/// drawn anew. The null is that all are equal, the least favourable of those in which some step is not up: where
/// some are far apart and one is not, the test rejects less often than its level says.
///
/// - `statistics`: two or more, over the same units. `resamples`: B; resample b is named by `draws.stream(b)`.
///
/// # Errors
///
/// `TooFew` for fewer than two statistics or units; `LengthMismatch` when their units differ.
///
/// # Source
///
/// Patton and Timmermann (2010), *J. Financial Economics* 98(3), 605-625, with resampled units in place of
/// blocks of time.
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::{Grid, mean_level, rise_test}};
/// let level = |shift: f64, step: i32| {
///     let y: Vec<f64> = (0..40).map(|i| shift + f64::from(step * i % 5)).collect();
///     mean_level(Grid::new(&y, 40, 1)?, 2)
/// };
/// let draws = Streams::new(1).global(Purpose::Bootstrap);
/// let test = rise_test(&[level(0.0, 1)?, level(3.0, 2)?, level(5.0, 3)?], 99, draws)?;
/// assert!(test.at == 1 && (test.smallest_step - 2.0).abs() < 1e-12 && test.p_value < 0.02);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn rise_test(
    statistics: &[PanelStatistic],
    resamples: usize,
    draws: Draws,
) -> Result<RiseTest, StatsError> {
    let name = "rise_test";
    let units = same_units(name, statistics)?;
    let steps = statistics.windows(2).map(|pair| pair[1].estimate - pair[0].estimate);
    let (at, smallest_step) = steps
        .enumerate()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .expect("two statistics or more have a step");
    let influence: Vec<Vec<f64>> = (0..units)
        .map(|unit| {
            let of = |s: &PanelStatistic| s.unit_influence[unit];
            statistics.windows(2).map(|pair| of(&pair[1]) - of(&pair[0])).collect()
        })
        .filter(|steps: &Vec<f64>| steps.iter().any(|step| step.abs() > 0.0))
        .collect();
    if influence.len() < 2 {
        return Err(StatsError::TooFew { statistic: name, needed: 2, got: influence.len() });
    }
    let resampled = |b: u64| {
        let mut stream = draws.stream(b);
        let mut sums = vec![0.0; statistics.len() - 1];
        for _ in 0..influence.len() {
            let drawn = &influence[stream.random_range(0..influence.len())];
            sums.iter_mut().zip(drawn).for_each(|(sum, step)| *sum += step);
        }
        sums.into_iter().fold(f64::INFINITY, f64::min)
    };
    let reached =
        (0..resamples as u64).into_par_iter().filter(|&b| resampled(b) >= smallest_step).count();
    let p_value = (reached + 1) as f64 / (resamples + 1) as f64;
    Ok(RiseTest { smallest_step, at, p_value })
}

/// The number of units, which all statistics share.
fn same_units(statistic: &'static str, statistics: &[PanelStatistic]) -> Result<usize, StatsError> {
    let [first, rest @ ..] = statistics else {
        return Err(StatsError::TooFew { statistic, needed: 2, got: 0 });
    };
    if rest.is_empty() {
        return Err(StatsError::TooFew { statistic, needed: 2, got: 1 });
    }
    let left = first.unit_influence.len();
    match rest.iter().map(|s| s.unit_influence.len()).find(|right| *right != left) {
        Some(right) => Err(StatsError::LengthMismatch { statistic, left, right }),
        None => Ok(left),
    }
}
