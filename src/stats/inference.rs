//! Standard errors, intervals and p-values of a panel statistic.
//!
//! [`cluster_ewc`] is the default. The others are for comparison only and say so in `method`: on
//! customer panels the usual time-series errors reject a true null far too often, because the same
//! units recur at every period.

use std::f64::consts::PI;

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::error::StatsError;
use super::panel::PanelStatistic;

/// An estimate with its standard error, 95 % interval and two-sided p-value.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Degrees of freedom of the t distribution used.
    pub df: f64,
    /// Lower end of the 95 % interval.
    pub ci_low: f64,
    /// Upper end of the 95 % interval.
    pub ci_high: f64,
    /// Two-sided p-value against the null value.
    pub p_value: f64,
    /// Units that contributed.
    pub n_units: usize,
    /// Unit-periods that contributed.
    pub n_pairs: usize,
    /// Periods that contributed.
    pub n_periods: usize,
    /// How the standard error was made.
    pub method: &'static str,
}

/// Default inference on a panel mean: unit-clustered variance plus the excess of fixed-b date variance.
///
/// ```text
/// SE² = Va + max(0, Vd − Vo)
/// Va = G/(G−1) Σₐ sₐ²                           sₐ: influence of unit a, G units
/// Vd = E(d),  Vo = Σₐ E(ψₐ)                     dₜ: per-period values, ψₐₜ: influence of a on dₜ
/// E(z) = (1/T) (1/B) Σⱼ Λⱼ²,  Λⱼ = √(2/T) Σₜ (zₜ − z̄) cos(π j (t − ½) / T),  j = 1..B
/// B  = max(1, ⌊0.4 T^⅔⌋)
/// df = SE⁴ / (Va²/(G−1) + Vd²/B) where Vd > Vo, else G − 1          Satterthwaite
/// ```
///
/// Units guard against accidental alignment of stable levels, the equal-weighted cosine (EWC)
/// variance against a statistic that drifts over time. What units that have nothing in common would
/// give the date variance is in the unit variance already and is taken off, as the intersection is in
/// two-way clustering; what is left is what all units share. Undefined periods are skipped: the series
/// closes up.
///
/// - `stat`: at least 2 units and 2 periods. `null`: value tested against, in the statistic's unit.
///
/// # Errors
///
/// `TooFew` with fewer than 2 units or periods; `Constant` when nothing varies; `OutOfRange` for a
/// `null` that is not finite, or values too large to square.
///
/// # Source
///
/// Cluster part: Liang and Zeger (1986), *Biometrika* 73(1). Intersection: Cameron, Gelbach and Miller
/// (2011), *J. Business & Economic Statistics* 29(2). EWC: Lazarus, Lewis, Stock and Watson
/// (2018), *J. Business & Economic Statistics* 36(4), 541–559. Their union is not a packaged
/// estimator; kin: Thompson (2011), *J. Financial Economics* 99(1). Parity: independent NumPy code,
/// `tests/fixtures/panel.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, cluster_ewc, mean_level};
/// let level = mean_level(Grid::new(&[1.0, 2.0, 3.0, 5.0, 4.0, 9.0], 2, 3)?, 2)?;
/// let test = cluster_ewc(&level, 0.0)?;
/// assert!((test.estimate - 4.0).abs() < 1e-12 && test.p_value > 0.05);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn cluster_ewc(stat: &PanelStatistic, null: f64) -> Result<Inference, StatsError> {
    let statistic = "cluster_ewc";
    needs(statistic, 2, stat.n_units)?;
    needs(statistic, 2, stat.n_periods)?;
    let unit = unit_variance(stat);
    let unit_df = (stat.n_units - 1) as f64;
    let frequencies = LowFrequencies::new(stat.n_periods);
    let date = frequencies.variance(&stat.series());
    let excess = (date - frequencies.independent_variance(stat)).max(0.0);
    let cosines = frequencies.cosines.len();
    let total = unit + excess;
    // Shares, not variances, so that the squares cannot underflow.
    let shared = if excess > 0.0 { (date / total).powi(2) / cosines as f64 } else { 0.0 };
    let df = 1.0 / ((unit / total).powi(2) / unit_df + shared);
    conclude(stat, null, total, df, "unit-clustered + excess EWC (date) variance, Satterthwaite t")
}

/// For comparison only: one-sample t test on the per-period series, as if periods were independent.
///
/// ```text
/// SE² = Σₜ (dₜ − d̄)² / (T (T − 1)),  df = T − 1
/// ```
///
/// # Errors
///
/// `TooFew` with fewer than 2 periods; `Constant` when the series does not vary.
///
/// # Source
///
/// Student (1908), *Biometrika* 6(1), 1–25. Parity: `scipy.stats.ttest_1samp`,
/// `tests/fixtures/series.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, mean_level, naive_t};
/// let level = mean_level(Grid::new(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0], 2, 3)?, 2)?;
/// let test = naive_t(&level, 3.0)?;
/// assert!((test.std_error - 1.0 / 3.0_f64.sqrt()).abs() < 1e-12 && test.p_value > 0.99);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn naive_t(stat: &PanelStatistic, null: f64) -> Result<Inference, StatsError> {
    needs("naive_t", 2, stat.n_periods)?;
    let n = stat.n_periods as f64;
    let sum: f64 = centred(&stat.series()).iter().map(|d| d * d).sum();
    conclude(stat, null, sum / (n * (n - 1.0)), n - 1.0, "comparison only: t on the period series")
}

/// For comparison only: Newey-West (Bartlett) errors on the per-period series.
///
/// ```text
/// SE² = (1/T) (γ₀ + 2 Σₗ (1 − l/(L+1)) γₗ),  γₗ = (1/T) Σₜ (dₜ − d̄)(dₜ₋ₗ − d̄),  df = T − 1
/// ```
///
/// No small-sample factor. Undefined periods are skipped: the series closes up.
///
/// - `lag`: L, below the number of periods.
///
/// # Errors
///
/// `TooFew` with fewer than 2 periods, or no more than `lag`; `Constant` when nothing varies.
///
/// # Source
///
/// Newey and West (1987), *Econometrica* 55(3), 703–708. Parity: `statsmodels` OLS on a constant
/// with `cov_type="HAC"`, `tests/fixtures/series.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, mean_level, newey_west};
/// let level = mean_level(Grid::new(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0], 2, 3)?, 2)?;
/// let test = newey_west(&level, 0.0, 0)?;
/// assert!((test.std_error - (2.0_f64 / 9.0).sqrt()).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn newey_west(stat: &PanelStatistic, null: f64, lag: usize) -> Result<Inference, StatsError> {
    needs("newey_west", (lag + 1).max(2), stat.n_periods)?;
    let n = stat.n_periods as f64;
    let d = centred(&stat.series());
    let covariance = |l: usize| d[l..].iter().zip(&d).map(|(a, b)| a * b).sum::<f64>() / n;
    let weight = |l: usize| 1.0 - l as f64 / (lag + 1) as f64;
    let long_run = covariance(0) + (1..=lag).map(|l| 2.0 * weight(l) * covariance(l)).sum::<f64>();
    conclude(stat, null, long_run / n, n - 1.0, "comparison only: Newey-West on the period series")
}

/// For comparison only: unit-clustered errors, which ignore what all units share at a period.
///
/// ```text
/// SE² = G/(G−1) Σₐ sₐ²,  df = G − 1
/// ```
///
/// # Errors
///
/// `TooFew` with fewer than 2 units; `Constant` when no unit has any influence.
///
/// # Source
///
/// Liang and Zeger (1986), *Biometrika* 73(1), 13–22. Parity: `linearmodels`,
/// `tests/fixtures/two_way.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, mean_level, unit_clustered};
/// let level = mean_level(Grid::new(&[1.0, 1.0, 3.0, 3.0], 2, 2)?, 2)?;
/// assert!((unit_clustered(&level, 0.0)?.std_error - 1.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn unit_clustered(stat: &PanelStatistic, null: f64) -> Result<Inference, StatsError> {
    needs("unit_clustered", 2, stat.n_units)?;
    let df = (stat.n_units - 1) as f64;
    conclude(stat, null, unit_variance(stat), df, "comparison only: unit-clustered")
}

/// For comparison only: two-way clustered errors, by unit and by period.
///
/// ```text
/// SE² = G/(G−1) Σₐ (Σₜ uₐₜ)² + T/(T−1) Σₜ (Σₐ uₐₜ)² − N/(N−1) Σₐₜ uₐₜ²
/// uₐₜ = (ψₐₜ + (dₜ − d̄)/nₜ) / T,  df = min(G, T) − 1
/// ```
///
/// Each term carries its own small-sample factor. Should the difference not be positive, the larger
/// of the two one-way variances is used instead (zero, the eigenvalue repair of a scalar, would
/// claim certainty).
///
/// # Errors
///
/// `TooFew` with fewer than 2 units or periods; `Constant` when nothing varies.
///
/// # Source
///
/// Cameron, Gelbach and Miller (2011), *J. Business & Economic Statistics* 29(2), 238–249. Parity:
/// `linearmodels` with its own factors taken out, `tests/fixtures/two_way.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, mean_level, two_way_clustered};
/// let level = mean_level(Grid::new(&[1.0, 2.0, 3.0, 5.0, 4.0, 9.0], 2, 3)?, 2)?;
/// assert!(two_way_clustered(&level, 0.0)?.std_error > 0.0);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn two_way_clustered(stat: &PanelStatistic, null: f64) -> Result<Inference, StatsError> {
    let statistic = "two_way_clustered";
    needs(statistic, 2, stat.n_units)?;
    needs(statistic, 2, stat.n_periods)?;
    let (g, t, n) = (stat.n_units as f64, stat.n_periods as f64, stat.n_pairs as f64);
    let shared = shared_influence(stat);
    let (mut by_unit, mut by_pair) = (0.0, 0.0);
    for unit in 0..stat.unit_influence.len() {
        let pairs = stat.influence_of(unit).iter().zip(&shared).filter(|(psi, _)| !psi.is_nan());
        let (mut sum, mut squares) = (0.0, 0.0);
        for u in pairs.map(|(psi, shared)| (psi + shared) / t) {
            sum += u;
            squares += u * u;
        }
        by_unit += sum * sum;
        by_pair += squares;
    }
    let by_period: f64 = centred(&stat.series()).iter().map(|d| (d / t).powi(2)).sum();
    let (by_unit, by_period) = (by_unit * g / (g - 1.0), by_period * t / (t - 1.0));
    let difference = by_unit + by_period - by_pair * n / (n - 1.0);
    let variance = if difference > 0.0 { difference } else { by_unit.max(by_period) };
    conclude(stat, null, variance, g.min(t) - 1.0, "comparison only: two-way (unit, period)")
}

/// Smallest true effect that a two-sided 5 % test at this standard error finds with 80 % power.
///
/// ```text
/// effect = (t.975 + t.80) · SE      quantiles of t with df degrees of freedom
/// ```
///
/// - `std_error`: in the unit of the estimate; `df`: positive. Never computed from the estimate.
///
/// # Errors
///
/// `OutOfRange` when `std_error` is negative or `df` not positive.
///
/// # Source
///
/// Bloom (1995), *Evaluation Review* 19(5), 547–556. Parity: `scipy.stats.t.ppf`,
/// `tests/fixtures/series.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let effect = rvq::stats::detectable_effect(0.05, 1e6)?;
/// assert!((effect - 0.140_08).abs() < 1e-4);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn detectable_effect(std_error: f64, df: f64) -> Result<f64, StatsError> {
    if std_error.is_nan() || std_error < 0.0 {
        let expected = "zero or more";
        return Err(StatsError::OutOfRange { argument: "std_error", value: std_error, expected });
    }
    let t = students_t(df)?;
    Ok((t.inverse_cdf(0.975) + t.inverse_cdf(0.80)) * std_error)
}

fn needs(statistic: &'static str, needed: usize, got: usize) -> Result<(), StatsError> {
    if got < needed { Err(StatsError::TooFew { statistic, needed, got }) } else { Ok(()) }
}

/// G/(G−1) Σ s².
fn unit_variance(stat: &PanelStatistic) -> f64 {
    let g = stat.n_units as f64;
    g / (g - 1.0) * stat.unit_influence.iter().map(|s| s * s).sum::<f64>()
}

/// Each period's deviation from the mean, spread evenly over its units; 0 for undefined periods.
fn shared_influence(stat: &PanelStatistic) -> Vec<f64> {
    let mut members = vec![0_usize; stat.per_period.len()];
    for unit in 0..stat.unit_influence.len() {
        for (count, psi) in members.iter_mut().zip(stat.influence_of(unit)) {
            *count += usize::from(!psi.is_nan());
        }
    }
    let share = |(value, n): (&Option<f64>, usize)| {
        value.map_or(0.0, |value| (value - stat.estimate) / n as f64)
    };
    stat.per_period.iter().zip(members).map(share).collect()
}

/// The lowest frequencies of series of one length, as equal-weighted cosines see them.
struct LowFrequencies {
    /// √(2/T) cos(π j (t − ½)/T), shape `(B, T)`.
    cosines: Vec<Vec<f64>>,
    periods: usize,
}

impl LowFrequencies {
    fn new(periods: usize) -> Self {
        let n = periods as f64;
        let count = ((0.4 * n.powf(2.0 / 3.0)) as usize).max(1);
        let weight =
            |j: usize, t: usize| (2.0 / n).sqrt() * (PI * j as f64 * (t as f64 + 0.5) / n).cos();
        let cosine = |j: usize| (0..periods).map(|t| weight(j, t)).collect();
        Self { cosines: (1..=count).map(cosine).collect(), periods }
    }

    /// Variance of the mean of a series.
    fn variance(&self, series: &[f64]) -> f64 {
        let centred = centred(series);
        let squared = |cosine: &Vec<f64>| {
            let weight: f64 = centred.iter().zip(cosine).map(|(d, c)| d * c).sum();
            weight * weight
        };
        let sum: f64 = self.cosines.iter().map(squared).sum();
        sum / self.cosines.len() as f64 / self.periods as f64
    }

    /// What the variance would be on average if units had nothing in common.
    fn independent_variance(&self, stat: &PanelStatistic) -> f64 {
        let defined: Vec<usize> =
            (0..stat.per_period.len()).filter(|&t| stat.per_period[t].is_some()).collect();
        let of_unit = |unit: usize| {
            let influence = stat.influence_of(unit);
            let known = |t: &usize| if influence[*t].is_nan() { 0.0 } else { influence[*t] };
            self.variance(&defined.iter().map(known).collect::<Vec<f64>>())
        };
        (0..stat.unit_influence.len()).map(of_unit).sum()
    }
}

fn centred(series: &[f64]) -> Vec<f64> {
    let mean = series.iter().sum::<f64>() / series.len() as f64;
    series.iter().map(|d| d - mean).collect()
}

fn conclude(
    stat: &PanelStatistic,
    null: f64,
    variance: f64,
    df: f64,
    method: &'static str,
) -> Result<Inference, StatsError> {
    if !null.is_finite() {
        return Err(StatsError::OutOfRange { argument: "null", value: null, expected: "finite" });
    }
    let std_error = variance.sqrt();
    // Rounding leaves a little where nothing varies.
    let scale = stat.estimate.abs().max(stat.series().iter().fold(0.0, |m, d| d.abs().max(m)));
    if !std_error.is_finite() {
        let expected = "finite: rescale the data";
        return Err(StatsError::OutOfRange { argument: "std_error", value: std_error, expected });
    }
    if std_error <= 1e-14 * scale {
        return Err(StatsError::Constant { statistic: method });
    }
    let t = students_t(df)?;
    let half_width = t.inverse_cdf(0.975) * std_error;
    Ok(Inference {
        estimate: stat.estimate,
        std_error,
        df,
        ci_low: stat.estimate - half_width,
        ci_high: stat.estimate + half_width,
        p_value: 2.0 * t.sf(((stat.estimate - null) / std_error).abs()),
        n_units: stat.n_units,
        n_pairs: stat.n_pairs,
        n_periods: stat.n_periods,
        method,
    })
}

fn students_t(df: f64) -> Result<StudentsT, StatsError> {
    let refused = StatsError::OutOfRange { argument: "df", value: df, expected: "positive" };
    StudentsT::new(0.0, 1.0, df).map_err(|_| refused)
}

#[cfg(test)]
mod tests {
    use super::super::binomial::rejection_limit;
    use super::super::generator::{World, panel};
    use super::super::grid::Grid;
    use super::super::panel::{mean_level, mean_rank_correlation};
    use super::*;

    type Test = fn(&PanelStatistic, f64) -> Result<Inference, StatsError>;

    const NULL: World = World { units: 80, periods: 36, stable: 0.5, slope: 0.0, slope_drift: 0.0 };

    /// How often tests of the mean rank correlation reject at 5 % in 200 replications.
    fn rejections(world: World, tests: &[Test]) -> Vec<u64> {
        let mut counts = vec![0; tests.len()];
        for replication in 0..200 {
            let (x, y) = panel(world, replication);
            let grid = |values| Grid::new(values, world.units, world.periods).unwrap();
            let ic = mean_rank_correlation(grid(&x), grid(&y), 3).unwrap();
            for (count, test) in counts.iter_mut().zip(tests) {
                *count += u64::from(test(&ic, 0.0).unwrap().p_value < 0.05);
            }
        }
        counts
    }

    fn level(values: &[f64], units: usize) -> PanelStatistic {
        mean_level(Grid::new(values, units, values.len() / units).unwrap(), 2).unwrap()
    }

    #[test]
    fn with_stable_unit_levels_the_default_keeps_its_size_and_time_series_tests_do_not() {
        let hac: Test = |stat, null| newey_west(stat, null, 3);
        let counts = rejections(NULL, &[cluster_ewc, unit_clustered, naive_t, hac]);
        let limit = rejection_limit(0.05, 200, 0.01).unwrap();
        assert!(counts[0] < limit && counts[1] < limit, "{counts:?}, limit {limit}");
        // Both are near 70 %; 100 of 200 lies 6 standard errors below.
        assert!(counts[2] > 100 && counts[3] > 80, "{counts:?}");
    }

    #[test]
    fn a_drifting_slope_fools_clustering_by_unit_alone() {
        let world = World { stable: 0.0, slope_drift: 0.2, ..NULL };
        let counts = rejections(world, &[cluster_ewc, unit_clustered]);
        // The default is allowed 13 % here.
        let limit = rejection_limit(0.13, 200, 0.01).unwrap();
        assert!(counts[0] < limit && counts[1] > 50, "{counts:?}, limit {limit}");
    }

    #[test]
    fn the_default_finds_an_effect_that_is_there() {
        let counts = rejections(World { slope: 0.4, ..NULL }, &[cluster_ewc]);
        assert!(counts[0] > 180, "{counts:?}");
    }

    #[test]
    fn the_default_is_never_surer_than_clustering_by_unit() {
        let (x, y) = panel(NULL, 3);
        let grid = |values| Grid::new(values, NULL.units, NULL.periods).unwrap();
        let ic = mean_rank_correlation(grid(&x), grid(&y), 3).unwrap();
        let (both, unit) = (cluster_ewc(&ic, 0.0).unwrap(), unit_clustered(&ic, 0.0).unwrap());
        assert!(both.std_error >= unit.std_error && both.df > 4.0);
        assert!(both.ci_low < both.estimate && both.estimate < both.ci_high);
    }

    #[test]
    fn the_null_value_shifts_the_test_and_not_the_interval() {
        let stat = level(&[1.0, 2.0, 3.0, 5.0, 4.0, 9.0], 2);
        let (zero, four) = (cluster_ewc(&stat, 0.0).unwrap(), cluster_ewc(&stat, 4.0).unwrap());
        assert!((four.p_value - 1.0).abs() < 1e-12 && zero.p_value < 1.0);
        assert!((zero.ci_low - four.ci_low).abs() < 1e-12);
        assert!(cluster_ewc(&stat, f64::NAN).is_err());
    }

    #[test]
    fn scale_changes_the_error_in_proportion_and_the_p_value_not_at_all() {
        let values = [1.0, 2.0, 3.0, 5.0, 4.0, 9.0];
        let plain = cluster_ewc(&level(&values, 2), 0.0).unwrap();
        for scale in [1e120, 1e-120] {
            let scaled = cluster_ewc(&level(&values.map(|v| v * scale), 2), 0.0).unwrap();
            assert!((scaled.std_error / scale / plain.std_error - 1.0).abs() < 1e-12);
            assert!((scaled.p_value - plain.p_value).abs() < 1e-12);
        }
        let huge = level(&values.map(|v| v * 1e200), 2);
        assert!(matches!(cluster_ewc(&huge, 0.0), Err(StatsError::OutOfRange { .. })));
    }

    #[test]
    fn one_period_or_one_unit_is_too_few_and_no_variation_is_undefined() {
        let one_period = level(&[1.0, 2.0, 4.0], 3);
        assert_eq!(
            cluster_ewc(&one_period, 0.0),
            Err(StatsError::TooFew { statistic: "cluster_ewc", needed: 2, got: 1 })
        );
        assert!(naive_t(&one_period, 0.0).is_err() && two_way_clustered(&one_period, 0.0).is_err());
        assert!(unit_clustered(&one_period, 0.0).is_ok());
        assert!(newey_west(&level(&[1.0, 2.0, 3.0, 4.0], 2), 0.0, 2).is_err());
        let constant = level(&[0.1; 12], 4);
        for test in [cluster_ewc, naive_t, unit_clustered, two_way_clustered] {
            assert!(matches!(test(&constant, 0.0), Err(StatsError::Constant { .. })));
        }
    }

    #[test]
    fn a_detectable_effect_needs_a_standard_error() {
        assert!(detectable_effect(-0.1, 5.0).is_err() && detectable_effect(f64::NAN, 5.0).is_err());
        assert!(detectable_effect(0.1, 0.0).is_err() && detectable_effect(0.1, f64::NAN).is_err());
        assert!(detectable_effect(0.0, 5.0).unwrap().abs() < 1e-15);
    }
}
