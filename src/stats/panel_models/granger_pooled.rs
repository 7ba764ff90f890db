//! Granger causality with one effect for all units, which short series can still show.

use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::granger::{LaggedRows, check_lags};
use super::unit_regression::Basis;
use crate::stats::error::StatsError;
use crate::stats::estimate::Estimate;
use crate::stats::grid::Grid;

const NAME: &str = "half_panel_granger";

/// How the variance of the pooled effects is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrangerVariance {
    /// Robust to variances that differ between units and periods.
    Robust,
    /// Clustered by unit: also robust to dependence over time within units.
    Unit,
}

/// Pooled Granger non-causality test with half-panel jackknife correction.
#[derive(Debug, Clone, PartialEq)]
pub struct HalfPanelGranger {
    /// One for each lag of the cause, nearest first.
    pub coefficients: Vec<Estimate>,
    /// The same without correction.
    pub uncorrected: Vec<f64>,
    /// Wald statistic of all of them being 0.
    pub wald: f64,
    /// Its p-value: chi-square with as many degrees of freedom as lags.
    pub p_value: f64,
    /// Units used.
    pub n_units: usize,
    /// Rows used.
    pub n_rows: usize,
    /// Units with too few periods, or whose own past cannot be fitted in one of the halves.
    pub left_out: usize,
}

/// Juodis-Karavias-Sarafidis test of Granger non-causality, from `cause` to `effect`.
///
/// ```text
/// yᵢₜ = αᵢ + Σₖ γᵢₖ yᵢ,ₜ₋ₖ + Σₖ βₖ xᵢ,ₜ₋ₖ + eᵢₜ      β common to all units, αᵢ and γᵢ not
/// β̂ = (Σᵢ X̃ᵢ'X̃ᵢ)⁻¹ Σᵢ X̃ᵢ'ỹᵢ                          ~: residuals on a unit's own αᵢ, γᵢ
/// β̃ = 2 β̂ − (β̂₁ + β̂₂)/2                               halves of each unit's rows
/// V = c (Σ X̃'X̃)⁻¹ S (Σ X̃'X̃)⁻¹,   ẽ = ỹ − X̃ β̃
/// robust: S = Σᵢₜ x̃ᵢₜ x̃ᵢₜ' ẽᵢₜ²,        c = n/(n − N(1 + K) − K)
/// unit:   S = Σᵢ (X̃ᵢ'ẽᵢ)(X̃ᵢ'ẽᵢ)',      c = N/(N − 1)
/// W = β̃' V⁻¹ β̃ ~ χ²(K)
/// ```
///
/// Under the null every βᵢ is 0, and so the same: pooling them loses nothing and converges at the
/// rate √(NT). Against effects that differ in sign and cancel it has no power, where
/// [`dumitrescu_hurlin`](super::dumitrescu_hurlin) has.
///
/// Halves are of the rows after the first K periods; the lags of a row may lie in the other half. An
/// odd number of rows is split both ways and the corrections averaged, where the paper has an even
/// number. It was not compared with Stata's `xtgrangert`, which has options of its own for the
/// variance and its degrees of freedom.
///
/// - `cause`, `effect`: the same units and periods, gaps allowed; `lags`: K, 1 or more.
///
/// # Errors
///
/// `LengthMismatch`, `OutOfRange` for no lags; `TooFew` with no more units than lags that can be
/// used; `Constant` when the cause does not vary beyond what the effect's own past tells.
///
/// # Source
///
/// Juodis, Karavias and Sarafidis (2021), *Empirical Economics* 60(1), 93-112. Parity: dummies and
/// interactions in plain NumPy, `tests/fixtures/granger_pooled.json`, tolerance 1e-9.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, GrangerVariance, half_panel_granger};
/// let x: Vec<f64> = (0..60).map(|i| f64::from(i * i % 11)).collect();
/// let y: Vec<f64> =
///     (0..60).map(|i| f64::from((i - 1) * (i - 1) % 11) + 0.1 * f64::from(i * 7 % 5)).collect();
/// let (x, y) = (Grid::new(&x, 3, 20)?, Grid::new(&y, 3, 20)?);
/// let test = half_panel_granger(x, y, 1, GrangerVariance::Robust)?;
/// assert!((test.coefficients[0].estimate - 1.0).abs() < 0.05);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn half_panel_granger(
    cause: Grid<'_>,
    effect: Grid<'_>,
    lags: usize,
    variance: GrangerVariance,
) -> Result<HalfPanelGranger, StatsError> {
    cause.check_same_shape(&effect, NAME)?;
    check_lags(lags)?;
    let units: Vec<[Pooled; 5]> = (0..cause.units())
        .filter_map(|unit| parts(&LaggedRows::new(cause.row(unit), effect.row(unit), lags), lags))
        .collect();
    let n_units = units.len();
    if n_units <= lags {
        return Err(StatsError::TooFew { statistic: NAME, needed: lags + 1, got: n_units });
    }
    let [whole, halves @ ..] = [0, 1, 2, 3, 4].map(|part| pooled(&units, part, lags));
    let (plain, inverse) = whole?;
    let mut corrected = &plain * 2.0;
    for half in halves {
        corrected -= half?.0 / 4.0;
    }
    let n_rows: usize = units.iter().map(|unit| unit[0].y.len()).sum();
    let meat = meat(&units, &corrected, variance);
    let (n, groups, k) = (n_rows as f64, n_units as f64, lags as f64);
    let correction = match variance {
        GrangerVariance::Robust => n / (n - groups * (1.0 + k) - k),
        GrangerVariance::Unit => groups / (groups - 1.0),
    };
    let covariance = &inverse * meat * &inverse * correction;
    let solved = covariance.clone().cholesky().map(|factor| factor.solve(&corrected));
    let wald = corrected.dot(&solved.ok_or(StatsError::Constant { statistic: NAME })?);
    let law = ChiSquared::new(k).expect("one lag or more");
    let method = match variance {
        GrangerVariance::Robust => "half-panel jackknife, heteroskedasticity-robust",
        GrangerVariance::Unit => "half-panel jackknife, clustered by unit",
    };
    let estimate = |(j, value): (usize, &f64)| {
        Estimate::normal(*value, covariance[(j, j)].sqrt(), 0.0, n_units, method)
    };
    Ok(HalfPanelGranger {
        coefficients: corrected.iter().enumerate().map(estimate).collect::<Result<_, _>>()?,
        uncorrected: plain.iter().copied().collect(),
        wald,
        p_value: law.sf(wald),
        n_units,
        n_rows,
        left_out: cause.units() - n_units,
    })
}

/// Rows of a unit without its own past.
struct Pooled {
    x: DMatrix<f64>,
    y: DVector<f64>,
}

/// The whole of a unit, and its halves split below and above the middle.
fn parts(rows: &LaggedRows, lags: usize) -> Option<[Pooled; 5]> {
    let (n, low, high) = (rows.count, rows.count / 2, rows.count.div_ceil(2));
    if low < lags + 3 {
        return None;
    }
    Some([
        part(rows, 0, n)?,
        part(rows, 0, low)?,
        part(rows, low, n)?,
        part(rows, 0, high)?,
        part(rows, high, n)?,
    ])
}

fn part(rows: &LaggedRows, from: usize, to: usize) -> Option<Pooled> {
    let cut = |column: &Vec<f64>| column[from..to].to_vec();
    let part = LaggedRows {
        count: to - from,
        own: rows.own.iter().map(cut).collect(),
        cause: rows.cause.iter().map(cut).collect(),
        effect: cut(&rows.effect),
    };
    let basis = part.own_directions()?;
    let swept = |column: &Vec<f64>| left_of(&basis, column);
    let x: Vec<f64> = part.cause.iter().flat_map(swept).collect();
    let y = left_of(&basis, &part.effect);
    Some(Pooled { x: DMatrix::from_vec(part.count, part.cause.len(), x), y: DVector::from_vec(y) })
}

/// What the directions leave of a column; zeros when that is only rounding.
fn left_of(basis: &Basis, column: &[f64]) -> Vec<f64> {
    basis.residual(column.to_vec()).unwrap_or_else(|| vec![0.0; column.len()])
}

/// The pooled coefficients of one part of all units, and (Σ X̃'X̃)⁻¹.
fn pooled(
    units: &[[Pooled; 5]],
    part: usize,
    lags: usize,
) -> Result<(DVector<f64>, DMatrix<f64>), StatsError> {
    let (mut cross, mut target) = (DMatrix::zeros(lags, lags), DVector::zeros(lags));
    for unit in units {
        let Pooled { x, y } = &unit[part];
        cross += x.tr_mul(x);
        target += x.tr_mul(y);
    }
    let scale = cross.diagonal().iter().fold(0.0_f64, |most, v| most.max(*v));
    let inverse = (&cross / scale)
        .cholesky()
        .filter(|found| found.l_dirty().diagonal().iter().all(|d| d * d > 1e-10))
        .map(|found| found.inverse() / scale)
        .ok_or(StatsError::Constant { statistic: NAME })?;
    Ok((&inverse * target, inverse))
}

fn meat(units: &[[Pooled; 5]], at: &DVector<f64>, variance: GrangerVariance) -> DMatrix<f64> {
    let mut meat = DMatrix::zeros(at.len(), at.len());
    for [Pooled { x, y }, ..] in units {
        let residuals = y - x * at;
        match variance {
            GrangerVariance::Robust => {
                for (row, e) in x.row_iter().zip(residuals.iter()) {
                    meat += row.transpose() * row * (e * e);
                }
            }
            GrangerVariance::Unit => {
                let score = x.tr_mul(&residuals);
                meat += &score * score.transpose();
            }
        }
    }
    meat
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::*;
    use crate::rng::{Purpose, Streams};

    const UNITS: usize = 60;
    const PERIODS: usize = 24;

    /// y follows its own past, by a share that differs between units, and x by `slope`.
    fn panel(replication: u32, slope: f64) -> (Vec<f64>, Vec<f64>) {
        let draws = Streams::new(6).replication(replication).global(Purpose::Outcome);
        let mut stream = draws.stream(0);
        let (mut xs, mut ys) = (vec![], vec![]);
        for unit in 0..UNITS {
            let own = 0.2 + 0.4 * (unit % 5) as f64 / 4.0;
            let (mut x, mut y) = (0.0, 0.0);
            for t in 0..20 + PERIODS {
                let (dx, dy): (f64, f64) =
                    (stream.sample(StandardNormal), stream.sample(StandardNormal));
                (x, y) = (0.5 * x + dx, own * y + slope * x + dy);
                if t >= 20 {
                    xs.push(x);
                    ys.push(y);
                }
            }
        }
        (xs, ys)
    }

    fn run(x: &[f64], y: &[f64], lags: usize, variance: GrangerVariance) -> HalfPanelGranger {
        let x = Grid::new(x, UNITS, PERIODS).unwrap();
        let y = Grid::new(y, UNITS, PERIODS).unwrap();
        half_panel_granger(x, y, lags, variance).unwrap()
    }

    #[test]
    fn it_rejects_a_true_null_seldom_and_sees_a_small_effect() {
        let (mut rejected, mut seen) = (0, 0);
        for replication in 0..200 {
            let (x, y) = panel(replication, 0.0);
            let test = run(&x, &y, 1, GrangerVariance::Unit);
            rejected += usize::from(test.p_value < 0.05);
            if replication < 20 {
                let (x, y) = panel(replication, 0.15);
                seen += usize::from(run(&x, &y, 1, GrangerVariance::Robust).p_value < 0.05);
            }
        }
        assert!(rejected <= 24, "{rejected}");
        assert!(seen >= 19, "{seen}");
    }

    #[test]
    fn scale_does_not_matter() {
        let (x, y) = panel(0, 0.1);
        let one = run(&x, &y, 2, GrangerVariance::Robust);
        let (x, y): (Vec<f64>, Vec<f64>) =
            x.iter().zip(&y).map(|(x, y)| (1e6 + x * 1e3, y * 1e-6)).unzip();
        let other = run(&x, &y, 2, GrangerVariance::Robust);
        assert!((one.wald - other.wald).abs() < 1e-6 * one.wald);
        let (a, b) = (&one.coefficients[0], &other.coefficients[0]);
        assert!((a.estimate - b.estimate * 1e9).abs() < 1e-6);
    }

    #[test]
    fn units_that_are_too_short_are_left_out_and_a_cause_without_variation_is_an_error() {
        let (mut x, y) = panel(0, 0.0);
        // 8 rows are needed with one lag, of 9 periods.
        x[..PERIODS - 8].fill(f64::NAN);
        let test = run(&x, &y, 1, GrangerVariance::Robust);
        assert_eq!((test.n_units, test.left_out), (UNITS - 1, 1));
        let flat = vec![2.0; x.len()];
        let (x, y) = (Grid::new(&flat, UNITS, PERIODS), Grid::new(&y, UNITS, PERIODS));
        let (x, y) = (x.unwrap(), y.unwrap());
        let refused = half_panel_granger(x, y, 1, GrangerVariance::Robust);
        assert_eq!(refused.unwrap_err(), StatsError::Constant { statistic: NAME });
        assert!(half_panel_granger(x, y, 0, GrangerVariance::Robust).is_err());
        assert!(half_panel_granger(x, y, 20, GrangerVariance::Robust).is_err());
    }
}
