//! Fixed effects regression of panels with gaps.

use nalgebra::{DMatrix, SymmetricEigen};

use super::long_panel::LongPanel;
use super::within::{FixedEffects, Within};
use crate::stats::error::StatsError;
use crate::stats::estimate::Estimate;
use crate::stats::models::{cluster_meat, scaled_rows};

const NAME: &str = "fixed effects regression";

/// How the variance of fixed effects coefficients is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanelVariance {
    /// Clustered by unit.
    Unit,
    /// Clustered by unit and by period.
    UnitAndPeriod,
    /// Driscoll-Kraay: periods may depend on each other up to this many apart, and units in any
    /// way. Needs many periods.
    DriscollKraay {
        /// Lags of the Bartlett kernel; 0 clusters by period.
        lags: usize,
    },
}

/// A fixed effects regression.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedEffectsFit {
    /// One for each column.
    pub coefficients: Vec<Estimate>,
    /// Their covariances, row by row.
    pub covariance: Vec<f64>,
    /// Rows used.
    pub observations: usize,
    /// Rows left out since their unit, or their period, has no other row.
    pub singletons: usize,
    /// Units used.
    pub units: usize,
    /// Periods used.
    pub periods: usize,
    /// Sum of squared residuals.
    pub residual_sum: f64,
}

/// Fixed effects (within) regression with unit, or unit and period, effects.
///
/// ```text
/// yᵢₜ = αᵢ (+ λₜ) + xᵢₜ'β + eᵢₜ      x̃, ỹ: residuals on the effects, β̂ = (X̃'X̃)⁻¹ X̃'ỹ
/// V = c (X̃'X̃)⁻¹ S (X̃'X̃)⁻¹,   hᵢₜ = x̃ᵢₜ êᵢₜ
/// unit:       S = Σᵢ hᵢ hᵢ',  hᵢ = Σₜ hᵢₜ
/// two-way:    S = S by unit + S by period − Σᵢₜ hᵢₜ hᵢₜ'
/// Driscoll-Kraay: S = Γ₀ + Σ_l (1 − l/(L + 1)) (Γ_l + Γ_l'),  Γ_l = Σₜ hₜ hₜ₋ₗ',  hₜ = Σᵢ hᵢₜ
/// c = G/(G − 1) · (n − 1)/(n − k)      G: units; the smaller of units and periods; periods
/// intervals and p by Student's t with G − 1 degrees of freedom
/// ```
///
/// k counts the columns and the effects that are not nested in clusters, as in fixest and pyfixest:
/// unit effects in units, both in two-way clusters. By unit it is columns + 1, or columns + periods
/// with period effects. Driscoll-Kraay counts all effects. `linearmodels` counts the same effects
/// with other factors, and R's `plm::vcovSCC` has c = 1. A two-way variance that is not positive has
/// its negative eigenvalues set to 0 (Cameron, Gelbach and Miller, 2011), which pyfixest leaves.
/// Driscoll-Kraay takes neighbouring observed periods as neighbours.
///
/// Units of one row, and with period effects periods of one row, say nothing about β and are left
/// out before anything is counted.
///
/// # Errors
///
/// `TooFew` with fewer than 2 clusters or no more rows than coefficients and effects; `Constant`
/// when the effects or other columns determine a column; `OutOfRange` for lags that are not below
/// the number of periods, or a coefficient without error.
///
/// # Source
///
/// Wooldridge (2010), *Econometric Analysis of Cross Section and Panel Data*, 2nd ed., ch. 10;
/// Cameron, Gelbach and Miller (2011), *J. Business & Economic Statistics* 29(2), 238-249; Driscoll
/// and Kraay (1998), *Rev. Econ. Stat.* 80(4), 549-560. Parity: pyfixest and `linearmodels`,
/// `tests/fixtures/fixed_effects.json`, and R `plm` with `vcovSCC` and `vcovHC`,
/// `tests/fixtures/fixed_effects_r.json`, tolerance 1e-9.
///
/// # Examples
///
/// ```
/// use rvq::stats::{FixedEffects, LongPanel, PanelVariance, fixed_effects};
/// let (unit, period) = ([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]);
/// let (x, y) = ([0.0, 1.0, 2.0, 5.0, 6.0, 9.0], [1.0, 3.0, 5.5, -4.0, -2.0, 4.0]);
/// let panel = LongPanel::new(&unit, &period, &y, &x, 1)?;
/// let fit = fixed_effects(&panel, FixedEffects::Unit, PanelVariance::Unit)?;
/// assert!((fit.coefficients[0].estimate - 2.047).abs() < 1e-3);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn fixed_effects(
    panel: &LongPanel,
    effects: FixedEffects,
    variance: PanelVariance,
) -> Result<FixedEffectsFit, StatsError> {
    let within = Within::new(panel, effects, NAME)?;
    let coefficients = within.coefficients();
    let residuals = within.residuals(&coefficients);
    let scores = scaled_rows(&within.x, residuals.as_slice());
    let kept = &within.panel;
    let (units, periods) = (kept.spans().len(), kept.periods().len());
    let sandwich = Sandwich { within: &within, scores: &scores, units, periods };
    let (covariance, clusters) = sandwich.covariance(variance)?;
    let method = match variance {
        PanelVariance::Unit => "clustered by unit, t(G−1)",
        PanelVariance::UnitAndPeriod => "clustered by unit and period, t(min G−1)",
        PanelVariance::DriscollKraay { .. } => "Driscoll-Kraay, t(T−1)",
    };
    let plain = &within.inverse * (residuals.norm_squared() / kept.rows() as f64);
    let estimate = |(j, value): (usize, f64)| {
        let square = covariance[(j, j)];
        // Below this it is rounding.
        let error = if square > 1e-24 * plain[(j, j)] { square.sqrt() } else { 0.0 };
        let df = clusters as f64 - 1.0;
        Estimate::student_t(value, error / within.scale[j], df, 0.0, clusters, method)
    };
    let values = within.in_units(&coefficients);
    let unit = |i: usize, j: usize| covariance[(i, j)] / (within.scale[i] * within.scale[j]);
    let width = kept.columns;
    Ok(FixedEffectsFit {
        coefficients: values.into_iter().enumerate().map(estimate).collect::<Result<_, _>>()?,
        covariance: (0..width * width).map(|at| unit(at / width, at % width)).collect(),
        observations: kept.rows(),
        singletons: within.singletons,
        units,
        periods,
        residual_sum: residuals.norm_squared(),
    })
}

struct Sandwich<'a> {
    within: &'a Within,
    scores: &'a DMatrix<f64>,
    units: usize,
    periods: usize,
}

impl Sandwich<'_> {
    /// The covariance of the scaled coefficients, and the clusters that count.
    fn covariance(&self, variance: PanelVariance) -> Result<(DMatrix<f64>, usize), StatsError> {
        let panel = &self.within.panel;
        let (meat, clusters) = match variance {
            PanelVariance::Unit => (cluster_meat(self.scores, &panel.unit).0, self.units),
            PanelVariance::UnitAndPeriod => {
                let by_unit = cluster_meat(self.scores, &panel.unit).0;
                let by_period = cluster_meat(self.scores, &panel.period).0;
                let both = by_unit + by_period - self.scores.tr_mul(self.scores);
                (positive(both), self.units.min(self.periods))
            }
            PanelVariance::DriscollKraay { lags } => (self.driscoll_kraay(lags)?, self.periods),
        };
        if clusters < 2 {
            return Err(StatsError::TooFew { statistic: NAME, needed: 2, got: clusters });
        }
        let rows = panel.rows();
        let counted = self.counted(variance);
        if rows <= counted {
            let needed = counted + 1;
            return Err(StatsError::TooFew { statistic: NAME, needed, got: rows });
        }
        let (n, k, groups) = (rows as f64, counted as f64, clusters as f64);
        let correction = groups / (groups - 1.0) * (n - 1.0) / (n - k);
        Ok((&self.within.inverse * meat * &self.within.inverse * correction, clusters))
    }

    /// Columns, and effects that are not nested in clusters.
    fn counted(&self, variance: PanelVariance) -> usize {
        let two_way = self.within.effects == FixedEffects::UnitAndPeriod;
        let effects = match (variance, two_way) {
            (PanelVariance::Unit, true) => self.periods,
            (PanelVariance::Unit | PanelVariance::UnitAndPeriod, _) => 1,
            (PanelVariance::DriscollKraay { .. }, true) => self.units + self.periods - 1,
            (PanelVariance::DriscollKraay { .. }, false) => self.units,
        };
        self.within.panel.columns + effects
    }

    fn driscoll_kraay(&self, lags: usize) -> Result<DMatrix<f64>, StatsError> {
        if lags >= self.periods {
            let (argument, expected) = ("lags", "below the number of periods");
            return Err(StatsError::OutOfRange { argument, value: lags as f64, expected });
        }
        let panel = &self.within.panel;
        let periods = panel.periods();
        let mut sums = DMatrix::zeros(periods.len(), panel.columns);
        for (row, period) in panel.period.iter().enumerate() {
            let at = periods.partition_point(|other| other < period);
            let mut sum = sums.row_mut(at);
            sum += self.scores.row(row);
        }
        let mut meat = sums.tr_mul(&sums);
        for lag in 1..=lags {
            let rows = periods.len() - lag;
            let product = sums.rows(lag, rows).tr_mul(&sums.rows(0, rows));
            let weight = 1.0 - lag as f64 / (lags as f64 + 1.0);
            meat += (&product + product.transpose()) * weight;
        }
        Ok(meat)
    }
}

/// The nearest matrix without negative eigenvalues.
fn positive(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(matrix.clone());
    if eigen.eigenvalues.iter().all(|value| *value >= 0.0) {
        return matrix;
    }
    let kept = DMatrix::from_diagonal(&eigen.eigenvalues.map(|value| value.max(0.0)));
    &eigen.eigenvectors * kept * eigen.eigenvectors.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(scale: f64, level: f64) -> LongPanel {
        let rows = || (0..60_u32).filter(|i| i % 7 != 3);
        let unit: Vec<u32> = rows().map(|i| i / 6).collect();
        let period: Vec<u32> = rows().map(|i| i % 6).collect();
        let x: Vec<f64> = rows().map(|i| f64::from(i * i % 17) * scale + level).collect();
        let y: Vec<f64> =
            rows().map(|i| f64::from(i * i % 17) * 0.5 + f64::from(i * 31 % 19) - 5.0).collect();
        LongPanel::new(&unit, &period, &y, &x, 1).unwrap()
    }

    #[test]
    fn effects_can_be_added_to_the_outcome_without_change() {
        let plain = panel(1.0, 0.0);
        let mut moved = plain.clone();
        for row in 0..moved.rows() {
            moved.y[row] += 100.0 * f64::from(moved.unit[row] % 3) - f64::from(moved.period[row]);
        }
        for variance in [PanelVariance::Unit, PanelVariance::DriscollKraay { lags: 1 }] {
            let fit = |panel| fixed_effects(panel, FixedEffects::UnitAndPeriod, variance).unwrap();
            let (a, b) = (fit(&plain), fit(&moved));
            assert!((a.coefficients[0].estimate - b.coefficients[0].estimate).abs() < 1e-10);
            assert!((a.coefficients[0].std_error - b.coefficients[0].std_error).abs() < 1e-10);
        }
    }

    #[test]
    fn units_of_measurement_and_levels_do_not_matter() {
        let fit = |panel| {
            let fit = fixed_effects(&panel, FixedEffects::UnitAndPeriod, PanelVariance::Unit);
            fit.unwrap().coefficients.remove(0)
        };
        let plain = fit(panel(1.0, 0.0));
        for (scale, level) in [(1e6, 0.0), (1e-6, 0.0), (1.0, 1e6)] {
            let other = fit(panel(scale, level));
            assert!((other.estimate * scale - plain.estimate).abs() < 1e-8, "{scale} {level}");
            assert!((other.p_value - plain.p_value).abs() < 1e-8, "{scale} {level}");
        }
    }

    #[test]
    fn two_periods_are_a_regression_of_differences() {
        let x = [1.0, 3.0, 0.0, 5.0, 2.0, 1.0, 4.0, 4.5];
        let y = [0.0, 2.0, 1.0, 3.0, 5.0, 5.5, 1.0, 2.0];
        let (unit, period) = ([0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 0, 1, 0, 1, 0, 1]);
        let panel = LongPanel::new(&unit, &period, &y, &x, 1).unwrap();
        let fit = fixed_effects(&panel, FixedEffects::UnitAndPeriod, PanelVariance::Unit).unwrap();
        let (dx, dy) = ([2.0, 5.0, -1.0, 0.5], [2.0, 2.0, 0.5, 1.0]);
        let known = crate::stats::LeastSquares::fit(&dx, 1, &dy).unwrap();
        assert!((fit.coefficients[0].estimate - known.coefficients[0]).abs() < 1e-12);
    }

    #[test]
    fn what_effects_determine_and_too_few_clusters_are_errors() {
        let (unit, period) = ([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]);
        let y = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0];
        let fit = |x: &[f64], unit: &[u32]| {
            let panel = LongPanel::new(unit, &period, &y[..unit.len()], x, 1).unwrap();
            fixed_effects(&panel, FixedEffects::UnitAndPeriod, PanelVariance::Unit)
        };
        let trend = [3.0, 4.0, 5.0, 13.0, 14.0, 15.0];
        assert_eq!(fit(&trend, &unit).unwrap_err(), StatsError::Constant { statistic: NAME });
        let one =
            LongPanel::new(&[1; 6], &[0, 1, 2, 3, 4, 5], &y, &[1.0, 5.0, 2.0, 2.5, 0.0, 7.0], 1);
        let one = one.unwrap();
        let one_unit = fixed_effects(&one, FixedEffects::Unit, PanelVariance::Unit);
        assert!(matches!(one_unit, Err(StatsError::TooFew { got: 1, .. })));
        let lags = PanelVariance::DriscollKraay { lags: 6 };
        let too_many = fixed_effects(&one, FixedEffects::Unit, lags);
        assert!(matches!(too_many, Err(StatsError::OutOfRange { argument: "lags", .. })));
        let alone = LongPanel::new(&[0, 1, 2], &[0, 1, 2], &[1.0, 2.0, 3.0], &[1.0, 4.0, 2.0], 1);
        let alone = fixed_effects(&alone.unwrap(), FixedEffects::Unit, PanelVariance::Unit);
        assert!(matches!(alone, Err(StatsError::TooFew { got: 0, .. })));
    }
}
