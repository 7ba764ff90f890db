//! Several statistics of the same units taken together: are they equal, do they rise?

use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ContinuousCDF, FisherSnedecor, StudentsT};

use super::error::StatsError;
use super::panel::PanelStatistic;

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
    let counts: Vec<usize> = statistics.iter().map(units_of).collect();
    let fewest = counts.iter().copied().min().unwrap_or(0);
    if fewest <= df + 1 {
        return Err(StatsError::TooFew { statistic: name, needed: df + 2, got: fewest });
    }
    let scaled = |unit: usize, j: usize| scale(counts[j]) * statistics[j].unit_influence[unit];
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

/// One-sided test that every step between neighbouring statistics is up: the least sure of the steps decides.
///
/// ```text
/// tⱼ = (θⱼ₊₁ − θⱼ) / √(Σₐ δₐⱼ²)     δₐⱼ = cⱼ₊₁ sₐ,ⱼ₊₁ − cⱼ sₐⱼ,  cⱼ² = Gⱼ/(Gⱼ−1)
/// p  = maxⱼ P(t(min(Gⱼ, Gⱼ₊₁) − 1) ≥ tⱼ)
/// ```
///
/// sₐⱼ is the influence of unit a on statistic j, in which Gⱼ units take part. The null is that some step is
/// not up: an intersection-union test, in which no step needs a level of its own for all to be claimed at once.
/// Where one step is flat and the others are large it rejects as often as its level says; where several are
/// flat, less often. A test against "all are equal" rejects far too often in the first case.
///
/// - `statistics`: two or more, over the same units.
///
/// # Errors
///
/// `TooFew` for fewer than two statistics, or one with fewer than two units; `LengthMismatch` when their units
/// differ; `Constant` when a step does not vary.
///
/// # Source
///
/// Berger (1982), *Technometrics* 24(4), 295-300. Parity: independent NumPy code with SciPy's t,
/// `tests/fixtures/joint.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, mean_level, rise_test};
/// let level = |shift: f64, step: i32| {
///     let y: Vec<f64> = (0..40).map(|i| shift + f64::from(step * i % 5)).collect();
///     mean_level(Grid::new(&y, 40, 1)?, 2)
/// };
/// let test = rise_test(&[level(0.0, 1)?, level(3.0, 2)?, level(5.0, 3)?])?;
/// assert!(test.at == 1 && (test.smallest_step - 2.0).abs() < 1e-12 && test.p_value < 0.01);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn rise_test(statistics: &[PanelStatistic]) -> Result<RiseTest, StatsError> {
    same_units("rise_test", statistics)?;
    let mut p_value = 0.0_f64;
    let mut smallest = (0, f64::INFINITY);
    for (at, pair) in statistics.windows(2).enumerate() {
        let step = pair[1].estimate - pair[0].estimate;
        if step < smallest.1 {
            smallest = (at, step);
        }
        p_value = p_value.max(step_is_up(&pair[0], &pair[1])?);
    }
    Ok(RiseTest { smallest_step: smallest.1, at: smallest.0, p_value })
}

/// One-sided p-value of a step from one statistic to another.
fn step_is_up(low: &PanelStatistic, high: &PanelStatistic) -> Result<f64, StatsError> {
    let statistic = "rise_test";
    let fewest = units_of(low).min(units_of(high));
    if fewest < 2 {
        return Err(StatsError::TooFew { statistic, needed: 2, got: fewest });
    }
    let (of_low, of_high) = (scale(units_of(low)), scale(units_of(high)));
    let pairs = low.unit_influence.iter().zip(&high.unit_influence);
    let std_error = pairs.map(|(a, b)| (of_high * b - of_low * a).powi(2)).sum::<f64>().sqrt();
    // Rounding leaves a little where nothing varies.
    let nothing = 1e-14 * low.estimate.abs().max(high.estimate.abs());
    if std_error <= nothing || !std_error.is_finite() {
        return Err(StatsError::Constant { statistic });
    }
    let law = StudentsT::new(0.0, 1.0, (fewest - 1) as f64)
        .map_err(|_| StatsError::Constant { statistic })?;
    Ok(law.sf((high.estimate - low.estimate) / std_error))
}

/// Units that take part in a statistic.
fn units_of(statistic: &PanelStatistic) -> usize {
    statistic.unit_influence.iter().filter(|v| v.abs() > 0.0).count()
}

/// What makes influences of so many units unbiased: √(G/(G−1)).
fn scale(units: usize) -> f64 {
    let units = units as f64;
    (units / (units - 1.0)).sqrt()
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

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::super::grid::Grid;
    use super::super::panel::mean_level;
    use super::*;
    use crate::rng::{Purpose, Streams};

    const UNITS: usize = 30;

    /// Means of noise about `levels`: of the same units, or of units of their own.
    fn noisy(levels: &[f64], apart: bool, draw: u64) -> Vec<PanelStatistic> {
        let mut stream = Streams::new(71).global(Purpose::Bootstrap).stream(draw);
        let units = if apart { UNITS * levels.len() } else { UNITS };
        let mut level = |(position, level): (usize, &f64)| {
            let own = |unit: usize| !apart || unit / UNITS == position;
            let values: Vec<f64> = (0..units)
                .map(|unit| {
                    let noise: f64 = stream.sample(StandardNormal);
                    if own(unit) { level + noise } else { f64::NAN }
                })
                .collect();
            mean_level(Grid::new(&values, units, 1).unwrap(), 2).unwrap()
        };
        levels.iter().enumerate().map(&mut level).collect()
    }

    /// How often five in a hundred is the level, in 2,000 draws.
    fn rises(levels: &[f64], apart: bool) -> usize {
        let rises = |draw| rise_test(&noisy(levels, apart, draw)).unwrap().p_value <= 0.05;
        (0..2000).filter(|&draw| rises(draw)).count()
    }

    #[test]
    fn one_flat_step_among_large_ones_is_called_a_rise_as_often_as_the_level_says() {
        // 100 are expected, with a standard deviation of 9.75: four of these either way.
        for levels in [[0.0, 0.0, 9.0, 18.0], [0.0, 9.0, 9.0, 18.0], [0.0, 9.0, 18.0, 18.0]] {
            for apart in [false, true] {
                let found = rises(&levels, apart);
                assert!((61..=139).contains(&found), "{levels:?}, apart {apart}: {found} of 2000");
            }
        }
    }

    #[test]
    fn several_flat_steps_are_called_a_rise_less_often_and_a_fall_never() {
        let flat = rises(&[1.0; 4], true);
        assert!(flat <= 61, "{flat} of 2000");
        assert_eq!(rises(&[0.0, 9.0, 7.0, 18.0], true), 0);
        assert_eq!(rises(&[0.0, 9.0, 18.0, 27.0], true), 2000);
    }

    #[test]
    fn a_step_that_does_not_vary_is_refused() {
        let level = |shift: f64| {
            let values: Vec<f64> = (0..8).map(|unit| shift + f64::from(unit % 4)).collect();
            mean_level(Grid::new(&values, 8, 1).unwrap(), 2).unwrap()
        };
        let refused = Err(StatsError::Constant { statistic: "rise_test" });
        assert_eq!(rise_test(&[level(0.0), level(2.0)]), refused);
    }
}
