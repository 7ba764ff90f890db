//! Statistics of a panel: the mean over periods of a statistic across units, with what inference
//! needs about them.
//!
//! Each statistic is linearised: its error is close to a sum of one influence per unit and period.
//! Standard errors are deliberately absent here; they depend on what is taken to be independent
//! (`inference.rs`).

use super::classification::placements;
use super::error::StatsError;
use super::grid::Grid;
use super::rank::{mid_ranks, same};

/// A mean over periods of a statistic across units, with its influences.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelStatistic {
    /// Mean of the defined periods.
    pub estimate: f64,
    /// Influence of each unit on the estimate, shape `(units,)`: sums to about 0, and is 0 for a
    /// unit that never contributes.
    pub unit_influence: Vec<f64>,
    /// The statistic at each period; none where too few units were observed or nothing varied.
    pub per_period: Vec<Option<f64>>,
    /// Units observed at one defined period or more.
    pub n_units: usize,
    /// Unit-periods observed at the defined periods.
    pub n_pairs: usize,
    /// Defined periods.
    pub n_periods: usize,
    /// Influence of each unit on the statistic of each period, shape `(units, periods)`, row-major
    /// by unit; NaN where the unit takes no part. Over units it sums to 0 in each period.
    influence: Vec<f64>,
}

impl PanelStatistic {
    /// The defined periods' values, in the order of time.
    pub fn series(&self) -> Vec<f64> {
        self.per_period.iter().flatten().copied().collect()
    }

    /// Influences of one unit on the statistic of each period; NaN where it takes no part.
    pub(super) fn influence_of(&self, unit: usize) -> &[f64] {
        let periods = self.per_period.len();
        &self.influence[unit * periods..(unit + 1) * periods]
    }

    fn average(
        statistic: &'static str,
        needed: usize,
        per_period: Vec<Option<f64>>,
        influence: Vec<f64>,
    ) -> Result<Self, StatsError> {
        let periods = per_period.len();
        let n_periods = per_period.iter().flatten().count();
        if n_periods == 0 {
            return Err(StatsError::NoPeriod { statistic, needed });
        }
        let total = n_periods as f64;
        let estimate = per_period.iter().flatten().sum::<f64>() / total;
        let (mut n_units, mut n_pairs) = (0, 0);
        let mut unit_influence = Vec::with_capacity(influence.len() / periods);
        for row in influence.chunks_exact(periods) {
            let pairs = row.iter().filter(|v| !v.is_nan()).count();
            n_units += usize::from(pairs > 0);
            n_pairs += pairs;
            unit_influence.push(row.iter().filter(|v| !v.is_nan()).sum::<f64>() / total);
        }
        Ok(Self { estimate, unit_influence, per_period, n_units, n_pairs, n_periods, influence })
    }
}

/// Mean rank information coefficient: Spearman's ρ across units, averaged over periods.
///
/// ```text
/// IC = (1/T) Σₜ ρₜ          ρₜ = Spearman of x and y over the units observed in both at t
/// ψₐₜ = (zx zy − ρₜ (zx² + zy²) / 2) / nₜ      influence of unit a on ρₜ
/// ```
///
/// zx, zy are the mid-ranks at t, standardised to mean 0 and variance 1. The influence treats the
/// ranks as known: exact to first order where x and y are independent, an approximation elsewhere.
/// Over 1,000 simulated panels of 80 units and 12 periods the unit-clustered standard error was
/// 0.93 to 1.03 of the true spread at mean correlations of 0, .18, .35 and .60; an influence that
/// also counts the error of the ranks moved it by 2 to 5 % only.
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
/// Spearman (1904), *Am. J. Psychol.* 15(1); averaging over dates as in Fama and MacBeth (1973),
/// *J. Political Economy* 81(3), 607–636. Parity: `scipy.stats.spearmanr` per period,
/// `tests/fixtures/panel.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, mean_rank_correlation};
/// let x = [1.0, 4.0, 2.0, 3.0, 3.0, 2.0, 4.0, 1.0];
/// let y = [1.0, 4.0, 3.0, 3.0, 2.0, 2.0, 4.0, 1.0];
/// let ic = mean_rank_correlation(Grid::new(&x, 4, 2)?, Grid::new(&y, 4, 2)?, 3)?;
/// assert!((ic.estimate - 0.9).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn mean_rank_correlation(
    x: Grid<'_>,
    y: Grid<'_>,
    min_units: usize,
) -> Result<PanelStatistic, StatsError> {
    let needed = min_units.max(3);
    over_periods("mean_rank_correlation", x, y, needed, |x, y, influence| {
        let (zx, zy) = (standardised_ranks(x)?, standardised_ranks(y)?);
        let n = zx.len() as f64;
        let rho = zx.iter().zip(&zy).map(|(a, b)| a * b).sum::<f64>() / n;
        let psi = |a: f64, b: f64| (a * b - rho * (a * a + b * b) / 2.0) / n;
        influence.extend(zx.iter().zip(&zy).map(|(&a, &b)| psi(a, b)));
        Some(rho)
    })
}

/// Quantile spread: mean of y in the top minus the bottom quantile group by x, over periods.
///
/// ```text
/// spread = (1/T) Σₜ (ȳₜ,top − ȳₜ,bottom)        group = ⌊q (R(x) − ½) / nₜ⌋ in 0..q
/// ψₐₜ = ±(y − ȳₜ,group) / nₜ,group in the two outer groups, else 0
/// ```
///
/// R is the mid-rank of x at t, so tied units are always in one group; a period whose outer groups
/// are not both filled is left out. Group membership is treated as known in the influence.
///
/// - `x`, `y`: shape `(units, periods)`, NaN where not observed. Returns the unit of y.
/// - `quantiles`: number of groups q, at least 2 (5 for quintiles).
/// - `min_units`: periods with fewer units observed in both are left out; never below q.
///
/// # Errors
///
/// `LengthMismatch` when the grids differ in shape; `OutOfRange` for fewer than two groups;
/// `NoPeriod` when no period is defined.
///
/// # Source
///
/// Portfolio sorts: Fama and French (1992), *J. Finance* 47(2), 427–465. Parity: independent NumPy
/// code, `tests/fixtures/panel.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, quantile_spread};
/// let (x, y) = ([1.0, 2.0, 3.0, 4.0], [10.0, 12.0, 15.0, 21.0]);
/// let spread = quantile_spread(Grid::new(&x, 4, 1)?, Grid::new(&y, 4, 1)?, 2, 4)?;
/// assert!((spread.estimate - 7.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn quantile_spread(
    x: Grid<'_>,
    y: Grid<'_>,
    quantiles: usize,
    min_units: usize,
) -> Result<PanelStatistic, StatsError> {
    if quantiles < 2 {
        return Err(StatsError::OutOfRange {
            argument: "quantiles",
            value: quantiles as f64,
            expected: "2 or more",
        });
    }
    let needed = min_units.max(quantiles);
    over_periods("quantile_spread", x, y, needed, |x, y, influence| {
        let groups = quantile_groups(x, quantiles);
        let top = group_mean(y, &groups, quantiles - 1)?;
        let bottom = group_mean(y, &groups, 0)?;
        influence.extend(y.iter().zip(&groups).map(|(y, &group)| match group {
            0 => (bottom.mean - y) / bottom.count,
            g if g == quantiles - 1 => (y - top.mean) / top.count,
            _ => 0.0,
        }));
        Some(top.mean - bottom.mean)
    })
}

/// Quantile group of each value, `0..quantiles` from low to high; ties are never split.
///
/// ```text
/// group = ⌊q (R(x) − ½) / n⌋      R: mid-rank in 1..=n
/// ```
///
/// - `values`: shape `(n,)`, no NaN. A group can be empty when values are tied.
///
/// # Source
///
/// The Hazen plotting position, Hyndman and Fan (1996), *Am. Stat.* 50(4), 361–365, applied to
/// mid-ranks.
///
/// # Examples
///
/// ```
/// assert_eq!(rvq::stats::quantile_groups(&[5.0, 1.0, 1.0, 9.0], 2), [1, 0, 0, 1]);
/// ```
pub fn quantile_groups(values: &[f64], quantiles: usize) -> Vec<usize> {
    let n = values.len() as f64;
    let group = |rank: &f64| (quantiles as f64 * (rank - 0.5) / n) as usize;
    mid_ranks(values).iter().map(group).collect()
}

/// Mean area under the ROC curve of x for an event, over periods.
///
/// ```text
/// AUC = (1/T) Σₜ P̂ₜ(x of an event > x of a non-event) + ½ P̂ₜ(equal)
/// ψₐₜ = (V − AUCₜ) / m      V: DeLong placement among the other kind, m: units of its own kind
/// ```
///
/// - `x`: shape `(units, periods)`, any unit; larger means the event is likelier.
/// - `event`: shape `(units, periods)`, 1 event, 0 none, NaN not observed.
/// - `min_events`: periods with fewer events, or fewer non-events, are left out; never below 1.
///
/// # Errors
///
/// `LengthMismatch` when the grids differ in shape; `OutOfRange` for an event other than 0 and 1;
/// `NoPeriod` when no period is defined.
///
/// # Source
///
/// DeLong, DeLong and Clarke-Pearson (1988), *Biometrics* 44(3), 837–845. Parity:
/// `sklearn.metrics.roc_auc_score` and a from-scratch NumPy variance, `tests/fixtures/auc.json`,
/// tolerance 1e-12.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, mean_auc};
/// let (x, exited) = ([0.1, 0.4, 0.4, 0.9], [0.0, 0.0, 1.0, 1.0]);
/// let auc = mean_auc(Grid::new(&x, 4, 1)?, Grid::new(&exited, 4, 1)?, 1)?;
/// assert!((auc.estimate - 0.875).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn mean_auc(
    x: Grid<'_>,
    event: Grid<'_>,
    min_events: usize,
) -> Result<PanelStatistic, StatsError> {
    for unit in 0..event.units() {
        let odd = |v: &&f64| !v.is_nan() && !same(**v, 0.0) && !same(**v, 1.0);
        if let Some(&value) = event.row(unit).iter().find(odd) {
            return Err(StatsError::OutOfRange { argument: "event", value, expected: "0 or 1" });
        }
    }
    let needed = min_events.max(1);
    over_periods("mean_auc", x, event, 2 * needed, |x, event, influence| {
        auc_section(x, event, needed, influence)
    })
}

fn auc_section(x: &[f64], event: &[f64], needed: usize, influence: &mut Vec<f64>) -> Option<f64> {
    let of_kind = |kind: bool| -> Vec<f64> {
        x.iter().zip(event).filter(|(_, e)| (**e > 0.5) == kind).map(|(x, _)| *x).collect()
    };
    let (positive, negative) = (of_kind(true), of_kind(false));
    if positive.len() < needed || negative.len() < needed {
        return None;
    }
    let (events, others) = (positive.len() as f64, negative.len() as f64);
    let is_event: Vec<bool> = event.iter().map(|e| *e > 0.5).collect();
    let placements = placements(x, &is_event);
    let above = placements.iter().zip(event).filter(|(_, e)| **e > 0.5).map(|(v, _)| *v);
    let auc = above.sum::<f64>() / events;
    influence.extend(placements.iter().zip(event).map(|(v, e)| {
        let own_kind = if *e > 0.5 { events } else { others };
        (v - auc) / own_kind
    }));
    Some(auc)
}

/// Mean level of y across units, averaged over periods: a base rate that inference can be made on.
///
/// ```text
/// m = (1/T) Σₜ ȳₜ          ψₐₜ = (y − ȳₜ) / nₜ
/// ```
///
/// - `y`: shape `(units, periods)`, NaN where not observed. Returns the unit of y.
/// - `min_units`: periods with fewer observed units are left out; never below 2.
///
/// # Errors
///
/// `NoPeriod` when no period is defined.
///
/// # Source
///
/// Fama and MacBeth (1973), *J. Political Economy* 81(3), 607–636. Parity: weighted mean in
/// `linearmodels`, `tests/fixtures/two_way.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, mean_level};
/// let level = mean_level(Grid::new(&[1.0, 5.0, 3.0, f64::NAN, 2.0, 7.0], 3, 2)?, 2)?;
/// assert!((level.estimate - 4.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn mean_level(y: Grid<'_>, min_units: usize) -> Result<PanelStatistic, StatsError> {
    over_periods("mean_level", y, y, min_units.max(2), |_, y, influence| {
        let n = y.len() as f64;
        let mean = y.iter().sum::<f64>() / n;
        influence.extend(y.iter().map(|y| (y - mean) / n));
        Some(mean)
    })
}

/// Difference `a − b` of two statistics of the same units, over the periods where both are defined.
///
/// Influences subtract unit by unit, so inference on the difference keeps how the two move
/// together. Both estimates are averaged anew over the common periods: the difference need not be
/// that of the two estimates.
///
/// - `a`, `b`: statistics of grids of one shape.
///
/// # Errors
///
/// `LengthMismatch` when the shapes differ; `NoPeriod` when no period is common.
///
/// # Source
///
/// A paired comparison by the influence function; Cameron and Miller (2015), *J. Human Resources*
/// 50(2), section II.
///
/// # Examples
///
/// ```
/// use rvq::stats::{Grid, difference, mean_level};
/// let a = mean_level(Grid::new(&[1.0, 2.0, 3.0, 4.0], 2, 2)?, 2)?;
/// let b = mean_level(Grid::new(&[0.0, f64::NAN, 1.0, 4.0], 2, 2)?, 2)?;
/// let paired = difference(&a, &b)?;
/// assert!((paired.estimate - 1.5).abs() < 1e-12 && paired.n_periods == 1);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn difference(a: &PanelStatistic, b: &PanelStatistic) -> Result<PanelStatistic, StatsError> {
    let statistic = "difference";
    for (left, right) in
        [(a.per_period.len(), b.per_period.len()), (a.unit_influence.len(), b.unit_influence.len())]
    {
        if left != right {
            return Err(StatsError::LengthMismatch { statistic, left, right });
        }
    }
    let per_period: Vec<Option<f64>> =
        a.per_period.iter().zip(&b.per_period).map(|(a, b)| Some((*a)? - (*b)?)).collect();
    let periods = per_period.len();
    let mut influence = vec![f64::NAN; a.influence.len()];
    for (i, cell) in influence.iter_mut().enumerate() {
        let (left, right) = (a.influence[i], b.influence[i]);
        let observed = !(left.is_nan() && right.is_nan());
        if observed && per_period[i % periods].is_some() {
            *cell = known(left) - known(right);
        }
    }
    PanelStatistic::average(statistic, 1, per_period, influence)
}

/// The mean of several statistics of the same units, built up one at a time.
///
/// A period counts where every one of them is defined; influences are averaged, so that inference keeps how
/// they move together.
#[derive(Debug, Clone)]
pub struct MeanStatistic {
    count: f64,
    /// Sums by period.
    per_period: Vec<Option<f64>>,
    /// Sums by unit and period; NaN where a unit took part in none.
    influence: Vec<f64>,
}

impl MeanStatistic {
    /// The mean of one statistic.
    pub fn new(first: &PanelStatistic) -> Self {
        let (per_period, influence) = (first.per_period.clone(), first.influence.clone());
        Self { count: 1.0, per_period, influence }
    }

    /// One statistic more.
    ///
    /// # Errors
    ///
    /// `LengthMismatch` when it has another shape.
    pub fn add(&mut self, more: &PanelStatistic) -> Result<(), StatsError> {
        let (left, right) = (self.influence.len(), more.influence.len());
        if left != right || self.per_period.len() != more.per_period.len() {
            return Err(StatsError::LengthMismatch { statistic: "mean_statistic", left, right });
        }
        self.count += 1.0;
        for (sum, value) in self.per_period.iter_mut().zip(&more.per_period) {
            *sum = (*sum).zip(*value).map(|(sum, value)| sum + value);
        }
        for (sum, value) in self.influence.iter_mut().zip(&more.influence) {
            if !value.is_nan() {
                *sum = known(*sum) + value;
            }
        }
        Ok(())
    }

    /// The mean of what was added.
    ///
    /// # Errors
    ///
    /// `NoPeriod` when they have no period in common.
    pub fn finish(mut self) -> Result<PanelStatistic, StatsError> {
        let periods = self.per_period.len();
        for (i, value) in self.influence.iter_mut().enumerate() {
            let defined = self.per_period[i % periods].is_some();
            *value = if defined { *value / self.count } else { f64::NAN };
        }
        let per_period =
            self.per_period.iter().map(|sum| sum.map(|sum| sum / self.count)).collect();
        PanelStatistic::average("mean_statistic", 1, per_period, self.influence)
    }
}

/// An influence, 0 where the unit takes no part.
fn known(influence: f64) -> f64 {
    if influence.is_nan() { 0.0 } else { influence }
}

/// Applies a cross-sectional statistic to the units observed in both grids at each period.
///
/// `section` gets the paired values, appends one influence per unit and returns the value; none
/// leaves the period out.
pub(super) fn over_periods(
    statistic: &'static str,
    x: Grid<'_>,
    y: Grid<'_>,
    needed: usize,
    section: impl Fn(&[f64], &[f64], &mut Vec<f64>) -> Option<f64>,
) -> Result<PanelStatistic, StatsError> {
    x.check_same_shape(&y, statistic)?;
    let (units, periods) = (x.units(), x.periods());
    let mut influence = vec![f64::NAN; units * periods];
    let (mut members, mut xs, mut ys, mut psi) = (vec![], vec![], vec![], vec![]);
    let per_period = (0..periods).map(|period| {
        members.clear();
        xs.clear();
        ys.clear();
        psi.clear();
        for unit in 0..units {
            if let (Some(x), Some(y)) = (x.get(unit, period), y.get(unit, period)) {
                members.push(unit);
                xs.push(x);
                ys.push(y);
            }
        }
        if members.len() < needed {
            return None;
        }
        let value = section(&xs, &ys, &mut psi)?;
        for (unit, psi) in members.iter().zip(&psi) {
            influence[unit * periods + period] = *psi;
        }
        Some(value)
    });
    let per_period = per_period.collect();
    PanelStatistic::average(statistic, needed, per_period, influence)
}

/// Mid-ranks with mean 0 and variance 1 (divisor n); none when all are tied.
fn standardised_ranks(values: &[f64]) -> Option<Vec<f64>> {
    let mut ranks = mid_ranks(values);
    let n = ranks.len() as f64;
    let mean = f64::midpoint(n, 1.0);
    let variance = ranks.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / n;
    if variance <= 0.0 {
        return None;
    }
    let sd = variance.sqrt();
    for rank in &mut ranks {
        *rank = (*rank - mean) / sd;
    }
    Some(ranks)
}

struct GroupMean {
    mean: f64,
    count: f64,
}

fn group_mean(y: &[f64], groups: &[usize], group: usize) -> Option<GroupMean> {
    let members = || y.iter().zip(groups).filter(|(_, g)| **g == group).map(|(y, _)| *y);
    let count = members().count() as f64;
    (count > 0.0).then(|| GroupMean { mean: members().sum::<f64>() / count, count })
}

#[cfg(test)]
mod tests {
    use super::super::generator::{World, panel};
    use super::super::inference::unit_clustered;
    use super::*;

    const GAP: f64 = f64::NAN;

    fn grid(values: &[f64], units: usize) -> Grid<'_> {
        Grid::new(values, units, values.len() / units).unwrap()
    }

    #[test]
    fn influences_sum_to_zero_and_units_out_of_the_panel_have_none() {
        let x = [1.0, 2.0, 4.0, 1.0, 2.0, 3.0, 3.0, 9.0, GAP, GAP];
        let y = [2.0, 1.0, 3.0, 3.0, 1.0, 1.0, 5.0, 4.0, 6.0, 6.0];
        let stats = [
            mean_rank_correlation(grid(&x, 5), grid(&y, 5), 3).unwrap(),
            quantile_spread(grid(&x, 5), grid(&y, 5), 2, 3).unwrap(),
        ];
        for stat in stats {
            assert!(stat.unit_influence.iter().sum::<f64>().abs() < 1e-15);
            assert!(stat.unit_influence[4].abs() < 1e-15);
            assert_eq!((stat.n_units, stat.n_pairs, stat.n_periods), (4, 8, 2));
        }
    }

    #[test]
    fn constant_thin_and_empty_periods_are_left_out() {
        // Period 0 is constant in y, period 1 has two units, period 2 none, period 3 is defined.
        let x = [1.0, 1.0, GAP, 1.0, 2.0, 2.0, GAP, 2.0, 3.0, GAP, GAP, 3.0];
        let y = [5.0, 1.0, 1.0, 1.0, 5.0, 2.0, 2.0, 2.0, 5.0, 3.0, 3.0, 3.0];
        let ic = mean_rank_correlation(grid(&x, 3), grid(&y, 3), 0).unwrap();
        assert_eq!(ic.per_period[..3], [None, None, None]);
        assert!((ic.estimate - 1.0).abs() < 1e-15 && ic.n_pairs == 3 && ic.series().len() == 1);
    }

    #[test]
    fn no_defined_period_is_an_error() {
        let empty = [GAP; 12];
        for min_units in [0, 4] {
            assert_eq!(
                mean_rank_correlation(grid(&empty, 4), grid(&empty, 4), min_units),
                Err(StatsError::NoPeriod {
                    statistic: "mean_rank_correlation",
                    needed: min_units.max(3)
                })
            );
        }
        assert!(mean_level(grid(&empty, 4), 2).is_err());
        assert!(mean_rank_correlation(grid(&[], 1), grid(&[], 1), 3).is_err());
    }

    #[test]
    fn different_shapes_are_an_error() {
        let values = [1.0; 12];
        assert!(matches!(
            mean_rank_correlation(grid(&values, 4), grid(&values, 3), 3),
            Err(StatsError::LengthMismatch { left: 4, right: 3, .. })
        ));
    }

    #[test]
    fn rank_correlation_does_not_change_under_monotone_maps_at_any_scale() {
        let world = World { units: 20, periods: 3, stable: 0.5, slope: 0.5, slope_drift: 0.0 };
        let (x, y) = panel(world, 0);
        let plain = mean_rank_correlation(grid(&x, 20), grid(&y, 20), 3).unwrap();
        for scale in [1e300, 1e-300] {
            let mapped: Vec<f64> = x.iter().map(|v| v.atan() * scale).collect();
            let again = mean_rank_correlation(grid(&mapped, 20), grid(&y, 20), 3).unwrap();
            assert_eq!(plain, again);
        }
    }

    #[test]
    fn tied_units_share_a_quantile_group() {
        assert_eq!(quantile_groups(&[1.0, 1.0, 1.0, 1.0, 2.0, 3.0], 3), [1, 1, 1, 1, 2, 2]);
        let x = [1.0, 1.0, 1.0, 1.0, 2.0, 3.0];
        // The bottom third is empty: the spread is undefined, not a comparison with the middle.
        assert!(quantile_spread(grid(&x, 6), grid(&x, 6), 3, 3).is_err());
        assert!(quantile_spread(grid(&x, 6), grid(&x, 6), 1, 3).is_err());
    }

    #[test]
    fn auc_of_separated_of_tied_and_of_impossible_events() {
        let event = [0.0, 0.0, 1.0, 1.0];
        let apart = mean_auc(grid(&[1.0, 2.0, 3.0, 4.0], 4), grid(&event, 4), 1).unwrap();
        assert!((apart.estimate - 1.0).abs() < 1e-15);
        let tied = mean_auc(grid(&[7.0; 4], 4), grid(&event, 4), 1).unwrap();
        assert!((tied.estimate - 0.5).abs() < 1e-15);
        assert!(mean_auc(grid(&[7.0; 4], 4), grid(&event, 4), 3).is_err());
        assert_eq!(
            mean_auc(grid(&[7.0; 4], 4), grid(&[0.0, 2.0, 1.0, 1.0], 4), 1),
            Err(StatsError::OutOfRange { argument: "event", value: 2.0, expected: "0 or 1" })
        );
    }

    #[test]
    fn a_difference_with_itself_is_zero_and_keeps_common_periods_only() {
        let a = [1.0, 2.0, 3.0, 5.0, 4.0, 9.0];
        let b = [0.0, GAP, 1.0, 1.0, 4.0, 2.0];
        let (a, b) = (mean_level(grid(&a, 2), 2).unwrap(), mean_level(grid(&b, 2), 2).unwrap());
        let none = difference(&a, &a).unwrap();
        assert!(none.estimate.abs() < 1e-15 && none.unit_influence.iter().all(|s| s.abs() < 1e-15));
        let common = difference(&a, &b).unwrap();
        assert_eq!((common.per_period[1], common.n_periods, common.n_pairs), (None, 2, 4));
        assert!((common.estimate - 3.5).abs() < 1e-15);
        let other = mean_level(grid(&[1.0, 2.0, 3.0, 4.0], 2), 2).unwrap();
        assert!(difference(&a, &other).is_err());
    }

    #[test]
    fn clustered_errors_are_near_the_spread_over_replications() {
        // 400 replications give a standard deviation to 3.5 %: 4 of these, and 3 % for 80 clusters.
        for slope in [0.0, 0.4] {
            let world = World { units: 80, periods: 12, stable: 0.5, slope, slope_drift: 0.0 };
            let tests: Vec<_> = (0..400)
                .map(|replication| {
                    let (x, y) = panel(world, replication);
                    let ic = mean_rank_correlation(grid(&x, 80), grid(&y, 80), 3).unwrap();
                    unit_clustered(&ic, 0.0).unwrap()
                })
                .collect();
            let mean = tests.iter().map(|t| t.estimate).sum::<f64>() / 400.0;
            let spread = tests.iter().map(|t| (t.estimate - mean).powi(2)).sum::<f64>() / 399.0;
            let claimed = tests.iter().map(|t| t.std_error.powi(2)).sum::<f64>() / 400.0;
            let ratio = (claimed / spread).sqrt();
            assert!((ratio - 1.0).abs() < 0.17, "slope {slope}: SE / SD = {ratio}");
        }
    }
}
