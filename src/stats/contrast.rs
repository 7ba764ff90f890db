//! Statistics of a panel on values as they are: correlation and ratio of group means, by period.

use super::error::StatsError;
use super::grid::Grid;
use super::panel::{PanelStatistic, over_periods};

/// Mean correlation: Pearson's r across units, averaged over periods.
///
/// ```text
/// r̄ = (1/T) Σₜ rₜ          rₜ = Pearson of x and y over the units observed in both at t
/// ψₐₜ = (zx zy − rₜ (zx² + zy²) / 2) / nₜ      influence of unit a on rₜ
/// ```
///
/// zx, zy are the values at t, standardised to mean 0 and variance 1.
///
/// - `x`, `y`: shape `(units, periods)`, any unit, NaN where not observed.
/// - `min_units`: periods with fewer units observed in both are left out; never below 3. So are
///   periods in which x or y is constant.
///
/// # Errors
///
/// `LengthMismatch` when the grids differ in shape; `NoPeriod` when no period is defined.
///
/// # Source
///
/// Averaging over dates as in Fama and MacBeth (1973), *J. Political Economy* 81(3), 607–636.
/// Parity: `scipy.stats.pearsonr` per period, influences by numerical derivatives,
/// `tests/fixtures/contrast.json`, tolerance 1e-7.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, mean_correlation};
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 9.0]);
/// let r = mean_correlation(Grid::new(&x, 4, 1)?, Grid::new(&y, 4, 1)?, 3)?;
/// assert!((r.estimate - 0.9944).abs() < 1e-4);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn mean_correlation(
    x: Grid<'_>,
    y: Grid<'_>,
    min_units: usize,
) -> Result<PanelStatistic, StatsError> {
    over_periods("mean_correlation", x, y, min_units.max(3), |x, y, influence| {
        let (zx, zy) = (standardised(x)?, standardised(y)?);
        let n = zx.len() as f64;
        let r = zx.iter().zip(&zy).map(|(a, b)| a * b).sum::<f64>() / n;
        influence
            .extend(zx.iter().zip(&zy).map(|(&a, &b)| (a * b - r * (a * a + b * b) / 2.0) / n));
        Some(r)
    })
}

/// Log ratio of the mean of y in one group to that in the other, averaged over periods.
///
/// ```text
/// L = (1/T) Σₜ ln(ȳₜ₁ / ȳₜ₀)          ψₐₜ = ±(y − ȳₜ,group) / (nₜ,group ȳₜ,group)      delta method
/// ```
///
/// - `group`: shape `(units, periods)`, 1 or 0, NaN where not observed; membership is taken as known.
/// - `y`: shape `(units, periods)`, NaN where not observed. Periods in which a group is empty or has
///   no positive mean are left out.
///
/// # Errors
///
/// `LengthMismatch` when the grids differ in shape; `NoPeriod` when no period is defined.
///
/// # Source
///
/// Delta method: Casella and Berger (2002), *Statistical Inference*, section 5.5.4. Parity:
/// independent NumPy code, influences by numerical derivatives, `tests/fixtures/contrast.json`,
/// tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, mean_log_ratio};
/// let (top, y) = ([1.0, 0.0, 0.0, 1.0], [6.0, 1.0, 3.0, 2.0]);
/// let ratio = mean_log_ratio(Grid::new(&top, 4, 1)?, Grid::new(&y, 4, 1)?)?;
/// assert!((ratio.estimate - 2.0_f64.ln()).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn mean_log_ratio(group: Grid<'_>, y: Grid<'_>) -> Result<PanelStatistic, StatsError> {
    over_periods("mean_log_ratio", group, y, 2, |group, y, influence| {
        let of = |wanted: bool| {
            let members = group.iter().zip(y).filter(|(g, _)| (**g > 0.5) == wanted);
            let values: Vec<f64> = members.map(|(_, y)| *y).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            (mean > 0.0).then_some((mean, n))
        };
        let (top, rest) = (of(true)?, of(false)?);
        influence.extend(group.iter().zip(y).map(|(group, y)| {
            if *group > 0.5 {
                (y - top.0) / (top.1 * top.0)
            } else {
                (rest.0 - y) / (rest.1 * rest.0)
            }
        }));
        Some((top.0 / rest.0).ln())
    })
}

/// Values with mean 0 and variance 1 (divisor n); none when all are equal.
fn standardised(values: &[f64]) -> Option<Vec<f64>> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
    let sd = variance.sqrt();
    // What rounding leaves of a constant is not variation.
    (sd > 1e-12 * mean.abs()).then(|| values.iter().map(|v| (v - mean) / sd).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_group_mean_has_no_influence_and_an_empty_group_no_value() {
        let group = Grid::new(&[1.0, 1.0, 0.0, 0.0], 2, 2).unwrap();
        assert!(mean_log_ratio(group, Grid::new(&[2.0, 4.0, 2.0, 1.0], 2, 2).unwrap()).is_ok());
        let all = Grid::new(&[1.0; 4], 2, 2).unwrap();
        assert!(matches!(mean_log_ratio(all, group), Err(StatsError::NoPeriod { .. })));
    }

    #[test]
    fn scale_and_shift_do_not_change_a_correlation() {
        let (x, y) = ([1.0, 5.0, 2.0, 8.0], [3.0, 4.0, 1.0, 9.0]);
        let on = |x: &[f64]| {
            let y = Grid::new(&y, 4, 1).unwrap();
            mean_correlation(Grid::new(x, 4, 1).unwrap(), y, 3).unwrap().estimate
        };
        let moved: Vec<f64> = x.iter().map(|x| 1e3 + 0.5 * x).collect();
        assert!((on(&x) - on(&moved)).abs() < 1e-9);
        let y = Grid::new(&y, 4, 1).unwrap();
        let constant = [0.1 + 0.2; 4];
        assert!(mean_correlation(Grid::new(&constant, 4, 1).unwrap(), y, 3).is_err());
    }
}
