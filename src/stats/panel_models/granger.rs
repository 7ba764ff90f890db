//! Does one series of a unit help to foresee another, in any unit of a panel?

use statrs::distribution::{ContinuousCDF, Normal};

use super::unit_regression::{Basis, dot};
use crate::stats::error::StatsError;
use crate::stats::grid::Grid;

const NAME: &str = "dumitrescu_hurlin";

/// Dumitrescu-Hurlin test of Granger non-causality in a heterogeneous panel.
///
/// The null is that the cause has no effect in any unit, the alternative that it has one in some.
#[derive(Debug, Clone, PartialEq)]
pub struct DumitrescuHurlin {
    /// Mean of the Wald statistics of the units.
    pub w_bar: f64,
    /// Standardised by the moments of a long series.
    pub z_bar: f64,
    /// Its two-sided p-value.
    pub z_bar_p_value: f64,
    /// Standardised by the moments of series of this length: the one to read.
    pub z_bar_tilde: f64,
    /// Its two-sided p-value.
    pub p_value: f64,
    /// Wald statistic of each unit, chi-square with as many degrees of freedom as lags; none for a
    /// unit that was not used.
    pub wald: Vec<Option<f64>>,
    /// Lags.
    pub lags: usize,
    /// Units used.
    pub n_units: usize,
    /// Units with too few periods.
    pub too_short: usize,
    /// Units that cannot be fitted: a series without variation, or one that others determine.
    pub degenerate: usize,
}

/// Dumitrescu-Hurlin panel Granger non-causality test, from `cause` to `effect`.
///
/// ```text
/// yᵢₜ = αᵢ + Σₖ γᵢₖ yᵢ,ₜ₋ₖ + Σₖ βᵢₖ xᵢ,ₜ₋ₖ + eᵢₜ,  k = 1..K     Wᵢ: Wald statistic of βᵢ = 0
/// W̄ = (1/N) Σᵢ Wᵢ       Z̄ = √(N/2K) (W̄ − K)
/// Z̃ = √N (W̄ − (1/N) Σᵢ Eᵢ) / √((1/N) Σᵢ Vᵢ)
/// Eᵢ = K (Tᵢ − 2K − 1)/(Tᵢ − 2K − 3)
/// Vᵢ = 2K (Tᵢ − 2K − 1)² (Tᵢ − K − 3) / ((Tᵢ − 2K − 3)² (Tᵢ − 2K − 5))
/// ```
///
/// Here Tᵢ is the number of rows of a unit *after* its first K periods are lost, as in Dumitrescu
/// and Hurlin. With T counted before, as in Lopez and Weber and in R's `pgrangertest`, the same
/// formula reads `T − 3K − 1` and so on: the numbers are the same. A unit is used when
/// Tᵢ > 5 + 2K, which is T > 5 + 3K before; R refuses the panel instead. The Wald statistic has the
/// residual variance with Tᵢ − 2K − 1 degrees of freedom.
///
/// A row counts when it and its K predecessors were observed in both series, so gaps cost rows; R
/// takes lags across them. The p-values are two-sided as in R; a cause moves Z̃ up.
/// Z̃ is exact in mean and variance where the cause has no memory. With memory it rejects too often:
/// 11 % at a nominal 5 % for 30 units of 25 periods, x AR(1) .6 and y AR(1) .5 (300 repetitions).
/// The test takes units as independent: common shocks make it reject too often. A small W̄ can
/// hide a few units with strong effects, for which `wald` is given.
///
/// - `cause`, `effect`: the same units and periods. `lags`: K, 1 or more.
///
/// # Errors
///
/// `LengthMismatch` for grids of different shape; `OutOfRange` for no lags; `TooFew` when no unit
/// can be used.
///
/// # Source
///
/// Dumitrescu and Hurlin (2012), *Economic Modelling* 29(4), 1450-1460; Lopez and Weber (2017),
/// *Stata Journal* 17(4), 972-984. Parity: R `plm::pgrangertest`,
/// `tests/fixtures/granger_r.json`, tolerance 1e-9.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, dumitrescu_hurlin};
/// // y repeats what x was a period before, with a disturbance.
/// let x: Vec<f64> = (0..60).map(|i| f64::from(i * i % 11)).collect();
/// let y: Vec<f64> =
///     (0..60).map(|i| f64::from((i - 1) * (i - 1) % 11) + 0.1 * f64::from(i * 7 % 5)).collect();
/// let test = dumitrescu_hurlin(Grid::new(&x, 3, 20)?, Grid::new(&y, 3, 20)?, 1)?;
/// assert!(test.p_value < 1e-6 && test.n_units == 3);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn dumitrescu_hurlin(
    cause: Grid<'_>,
    effect: Grid<'_>,
    lags: usize,
) -> Result<DumitrescuHurlin, StatsError> {
    cause.check_same_shape(&effect, NAME)?;
    check_lags(lags)?;
    let k = lags as f64;
    let (mut sum, mut mean, mut variance, mut used) = (0.0, 0.0, 0.0, 0_usize);
    let (mut too_short, mut degenerate) = (0, 0);
    let mut wald = Vec::with_capacity(cause.units());
    for unit in 0..cause.units() {
        let rows = LaggedRows::new(cause.row(unit), effect.row(unit), lags);
        let statistic = if rows.count > 5 + 2 * lags {
            let statistic = rows.wald();
            degenerate += usize::from(statistic.is_none());
            statistic
        } else {
            too_short += 1;
            None
        };
        if let Some(statistic) = statistic {
            let df = rows.count as f64 - 2.0 * k;
            sum += statistic;
            mean += k * (df - 1.0) / (df - 3.0);
            variance +=
                2.0 * k * (df - 1.0).powi(2) * (df + k - 3.0) / ((df - 3.0).powi(2) * (df - 5.0));
            used += 1;
        }
        wald.push(statistic);
    }
    if used == 0 {
        return Err(StatsError::TooFew { statistic: NAME, needed: 1, got: 0 });
    }
    let n = used as f64;
    let w_bar = sum / n;
    let z_bar = (n / (2.0 * k)).sqrt() * (w_bar - k);
    let z_bar_tilde = (sum - mean) / variance.sqrt();
    let two_sided = |z: f64| (2.0 * Normal::standard().sf(z.abs())).min(1.0);
    Ok(DumitrescuHurlin {
        w_bar,
        z_bar,
        z_bar_p_value: two_sided(z_bar),
        z_bar_tilde,
        p_value: two_sided(z_bar_tilde),
        wald,
        lags,
        n_units: used,
        too_short,
        degenerate,
    })
}

/// The same test in both directions: from `x` to `y` first, then from `y` to `x`.
///
/// # Errors
///
/// Those of the test.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, both_directions, dumitrescu_hurlin};
/// let x: Vec<f64> = (0..60).map(|i| f64::from(i * i % 11)).collect();
/// let y: Vec<f64> =
///     (0..60).map(|i| f64::from((i - 1) * (i - 1) % 11) + 0.1 * f64::from(i * 7 % 5)).collect();
/// let (x, y) = (Grid::new(&x, 3, 20)?, Grid::new(&y, 3, 20)?);
/// let (leads, lags) = both_directions(x, y, |a, b| dumitrescu_hurlin(a, b, 1))?;
/// assert!(leads.z_bar_tilde > 10.0 * lags.z_bar_tilde);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn both_directions<T>(
    x: Grid<'_>,
    y: Grid<'_>,
    test: impl Fn(Grid<'_>, Grid<'_>) -> Result<T, StatsError>,
) -> Result<(T, T), StatsError> {
    Ok((test(x, y)?, test(y, x)?))
}

pub(super) fn check_lags(lags: usize) -> Result<(), StatsError> {
    if lags == 0 {
        let expected = "1 or more";
        return Err(StatsError::OutOfRange { argument: "lags", value: 0.0, expected });
    }
    Ok(())
}

/// The rows of one unit at which it and its lags were observed.
pub(super) struct LaggedRows {
    pub(super) count: usize,
    /// The lags of the effect, nearest first.
    pub(super) own: Vec<Vec<f64>>,
    /// The lags of the cause, nearest first.
    pub(super) cause: Vec<Vec<f64>>,
    pub(super) effect: Vec<f64>,
}

impl LaggedRows {
    pub(super) fn new(cause: &[f64], effect: &[f64], lags: usize) -> Self {
        let seen = |t: usize| !cause[t].is_nan() && !effect[t].is_nan();
        let mut run = 0;
        let mut at = Vec::with_capacity(effect.len());
        for (t, value) in effect.iter().enumerate() {
            // The cause is not needed in the row's own period.
            if run >= lags && !value.is_nan() {
                at.push(t);
            }
            run = if seen(t) { run + 1 } else { 0 };
        }
        let lagged = |series: &[f64]| -> Vec<Vec<f64>> {
            (1..=lags).map(|lag| at.iter().map(|t| series[t - lag]).collect()).collect()
        };
        Self {
            count: at.len(),
            own: lagged(effect),
            cause: lagged(cause),
            effect: at.iter().map(|&t| effect[t]).collect(),
        }
    }

    /// The directions of the intercept and the lags of the effect; none when one determines
    /// another.
    pub(super) fn own_directions(&self) -> Option<Basis> {
        let mut basis = Basis::new();
        let fits = basis.add(vec![1.0; self.count])
            && self.own.iter().all(|column| basis.add(column.clone()));
        fits.then_some(basis)
    }

    /// The Wald statistic of all lags of the cause; none when the unit cannot be fitted.
    fn wald(&self) -> Option<f64> {
        let mut basis = self.own_directions()?;
        let before = basis.directions.len();
        if !self.cause.iter().all(|column| basis.add(column.clone())) {
            return None;
        }
        let left = basis.residual(self.effect.clone())?;
        let of_cause = basis.directions[before..].iter();
        let explained: f64 = of_cause.map(|d| dot(d, &self.effect).powi(2)).sum();
        let df = (self.count - basis.directions.len()) as f64;
        Some(explained / (dot(&left, &left) / df))
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::*;
    use crate::rng::{Purpose, Streams};

    /// x and y of 30 units and 25 periods; y follows x a period later by `slope`, and x itself.
    fn panel(replication: u32, slope: f64, persistence: f64) -> (Vec<f64>, Vec<f64>) {
        let draws = Streams::new(5).replication(replication).global(Purpose::Outcome);
        let mut stream = draws.stream(0);
        let (mut xs, mut ys) = (vec![], vec![]);
        for _ in 0..30 {
            let level: f64 = stream.sample(StandardNormal);
            let (mut x, mut y) = (0.0, 0.0);
            for t in 0..45 {
                let (dx, dy): (f64, f64) =
                    (stream.sample(StandardNormal), stream.sample(StandardNormal));
                (x, y) = (persistence * x + dx, level + 0.5 * y + slope * x + dy);
                if t >= 20 {
                    xs.push(x);
                    ys.push(y);
                }
            }
        }
        (xs, ys)
    }

    fn both(x: &[f64], y: &[f64], lags: usize) -> (DumitrescuHurlin, DumitrescuHurlin) {
        let (x, y) = (Grid::new(x, 30, 25).unwrap(), Grid::new(y, 30, 25).unwrap());
        both_directions(x, y, |a, b| dumitrescu_hurlin(a, b, lags)).unwrap()
    }

    #[test]
    fn the_short_form_keeps_its_size_and_the_direction_is_found() {
        let (mut rejected, mut seen) = (0, 0);
        for replication in 0..300 {
            let (x, y) = panel(replication, 0.0, 0.0);
            rejected += usize::from(both(&x, &y, 1).0.p_value < 0.05);
            if replication < 20 {
                let (x, y) = panel(replication, 0.3, 0.6);
                let (leads, back) = both(&x, &y, 1);
                seen += usize::from(leads.p_value < 0.01 && leads.p_value < back.p_value);
            }
        }
        // Where x has no memory each statistic is exactly F. 5 % of 300 is 15, standard error 3.8:
        // four of them above.
        assert!(rejected <= 30, "{rejected}");
        assert_eq!(seen, 20);
    }

    #[test]
    fn scales_levels_and_the_order_of_units_do_not_matter() {
        let (x, y) = panel(0, 0.2, 0.6);
        let (plain, _) = both(&x, &y, 2);
        let moved: Vec<f64> = x.iter().map(|x| 1e7 + 1e3 * x).collect();
        let turned: Vec<f64> = y.chunks(25).rev().flatten().map(|y| y * 1e-9).collect();
        let moved: Vec<f64> = moved.chunks(25).rev().flatten().copied().collect();
        let (other, _) = both(&moved, &turned, 2);
        assert!((plain.z_bar_tilde - other.z_bar_tilde).abs() < 1e-6);
        assert!((plain.wald[0].unwrap() - other.wald[29].unwrap()).abs() < 1e-6);
    }

    #[test]
    fn units_that_cannot_be_used_are_counted() {
        let (mut x, mut y) = panel(1, 0.0, 0.6);
        x[..25].fill(3.0);
        y[25..50].fill(-1.0);
        x[50..63].fill(f64::NAN);
        let (test, _) = both(&x, &y, 2);
        // 12 seen periods leave 10 rows, and 5 + 2K is 9; 8 rows do not do.
        assert_eq!((test.n_units, test.too_short, test.degenerate), (28, 0, 2));
        x[50..65].fill(f64::NAN);
        let (test, _) = both(&x, &y, 2);
        assert_eq!((test.n_units, test.too_short, test.degenerate), (27, 1, 2));
        assert!(test.wald[..3].iter().all(Option::is_none));
        // Two series that are one: each determines the other.
        let same = Grid::new(&y, 30, 25).unwrap();
        let refused = dumitrescu_hurlin(same, same, 1);
        assert_eq!(refused.unwrap_err(), StatsError::TooFew { statistic: NAME, needed: 1, got: 0 });
        assert!(dumitrescu_hurlin(same, same, 0).is_err());
    }
}
