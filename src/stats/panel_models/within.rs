//! Taking unit and period effects out of a panel.

use nalgebra::{DMatrix, DVector};

use super::long_panel::LongPanel;
use crate::stats::error::StatsError;
use crate::stats::models::inverse_of_full_rank;
use crate::stats::regression::Factor;

/// Which levels a model leaves free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FixedEffects {
    /// One for each unit.
    Unit,
    /// One for each unit and one for each period.
    UnitAndPeriod,
}

/// A panel without its effects: rows that say nothing are gone, columns are on a common scale.
pub(super) struct Within {
    pub(super) panel: LongPanel,
    pub(super) x: DMatrix<f64>,
    pub(super) y: DVector<f64>,
    pub(super) scale: Vec<f64>,
    /// (X'X)⁻¹ of the scaled columns.
    pub(super) inverse: DMatrix<f64>,
    pub(super) effects: FixedEffects,
    pub(super) singletons: usize,
}

/// A column of which effects leave a smaller share of its sum of squares is one of them.
const ABSORBED: f64 = 1e-18;

impl Within {
    pub(super) fn new(
        panel: &LongPanel,
        effects: FixedEffects,
        name: &'static str,
    ) -> Result<Self, StatsError> {
        let kept = without_singletons(panel, effects);
        let singletons = panel.rows() - kept.rows();
        let rows = kept.rows();
        let needed = kept.columns + 2;
        if rows < needed {
            return Err(StatsError::TooFew { statistic: name, needed, got: rows });
        }
        let sweep = Sweep::new(&kept, effects);
        let mut x = DMatrix::zeros(rows, kept.columns);
        let mut scale = Vec::new();
        for j in 0..kept.columns {
            let raw: Vec<f64> = kept.x.iter().skip(j).step_by(kept.columns).copied().collect();
            let total: f64 = raw.iter().map(|v| v * v).sum();
            let swept = sweep.residuals(&raw);
            let left: f64 = swept.iter().map(|v| v * v).sum();
            if left.is_nan() || left <= ABSORBED * total {
                return Err(StatsError::Constant { statistic: name });
            }
            let unit = (left / rows as f64).sqrt();
            x.set_column(j, &(DVector::from_vec(swept) / unit));
            scale.push(unit);
        }
        let y = DVector::from_vec(sweep.residuals(&kept.y));
        let inverse = inverse_of_full_rank(&x, name)?;
        Ok(Self { panel: kept, x, y, scale, inverse, effects, singletons })
    }

    /// Coefficients of the scaled columns.
    pub(super) fn coefficients(&self) -> DVector<f64> {
        &self.inverse * self.x.tr_mul(&self.y)
    }

    /// Coefficients in the units of the columns.
    pub(super) fn in_units(&self, scaled: &DVector<f64>) -> Vec<f64> {
        scaled.iter().zip(&self.scale).map(|(b, unit)| b / unit).collect()
    }

    pub(super) fn residuals(&self, coefficients: &DVector<f64>) -> DVector<f64> {
        &self.y - &self.x * coefficients
    }
}

/// Leaves out units, and with period effects also periods, of one row, until none is left.
pub(super) fn without_singletons(panel: &LongPanel, effects: FixedEffects) -> LongPanel {
    let mut kept = panel.clone();
    loop {
        let mut keep = vec![true; kept.rows()];
        for span in kept.spans().into_iter().filter(|span| span.len() == 1) {
            keep[span.start] = false;
        }
        if effects == FixedEffects::UnitAndPeriod {
            let mut periods = kept.period.clone();
            periods.sort_unstable();
            for (row, period) in kept.period.iter().enumerate() {
                let first = periods.partition_point(|other| other < period);
                let alone = periods.get(first + 1) != Some(period);
                keep[row] = keep[row] && !alone;
            }
        }
        if keep.iter().all(|keep| *keep) {
            return kept;
        }
        kept = kept.subset(&keep);
    }
}

/// Residuals on the effects, exactly, for panels with gaps too.
///
/// Unit means go first; what period dummies, themselves without unit means, explain goes next, by
/// one small system of periods.
struct Sweep {
    spans: Vec<std::ops::Range<usize>>,
    /// Position of each row's period; empty without period effects.
    period: Vec<usize>,
    spread: Vec<f64>,
    factor: Option<Factor>,
}

impl Sweep {
    fn new(panel: &LongPanel, effects: FixedEffects) -> Self {
        let spans = panel.spans();
        if effects == FixedEffects::Unit {
            return Self { spans, period: vec![], spread: vec![], factor: None };
        }
        let periods = panel.periods();
        let position = |period: &u32| periods.partition_point(|other| other < period);
        let period: Vec<usize> = panel.period.iter().map(position).collect();
        let cross = dummies(&spans, &period, periods.len());
        let at = |i: usize, j: usize| cross[(i, j)];
        let spread: Vec<f64> = (0..periods.len()).map(|t| at(t, t).max(0.0).sqrt()).collect();
        let correlation = |i: usize, j: usize| at(i, j) / (spread[i] * spread[j]);
        let factor = Factor::new(periods.len(), correlation, |t| at(t, t) > 1e-9);
        Self { spans, period, spread, factor: Some(factor) }
    }

    fn residuals(&self, values: &[f64]) -> Vec<f64> {
        let mut left = values.to_vec();
        self.subtract_means(&mut left);
        // A second round takes what rounding left of a large level.
        self.subtract_means(&mut left);
        let Some(factor) = &self.factor else { return left };
        for _ in 0..2 {
            let mut sums = vec![0.0; self.spread.len()];
            for (value, period) in left.iter().zip(&self.period) {
                sums[*period] += value;
            }
            let per = |t: usize, value: f64| {
                if factor.kept[t] { value / self.spread[t] } else { 0.0 }
            };
            let target: Vec<f64> = sums.iter().enumerate().map(|(t, v)| per(t, *v)).collect();
            let levels = factor.solve(&target);
            let levels: Vec<f64> = levels.iter().enumerate().map(|(t, v)| per(t, *v)).collect();
            for (value, period) in left.iter_mut().zip(&self.period) {
                *value -= levels[*period];
            }
            self.subtract_means(&mut left);
        }
        left
    }

    fn subtract_means(&self, values: &mut [f64]) {
        for span in &self.spans {
            let mean = values[span.clone()].iter().sum::<f64>() / span.len() as f64;
            values[span.clone()].iter_mut().for_each(|value| *value -= mean);
        }
    }
}

/// Cross-products of period dummies without unit means.
fn dummies(spans: &[std::ops::Range<usize>], period: &[usize], periods: usize) -> DMatrix<f64> {
    let mut cross = DMatrix::zeros(periods, periods);
    for span in spans {
        let share = 1.0 / span.len() as f64;
        for &s in &period[span.clone()] {
            cross[(s, s)] += 1.0;
            for &t in &period[span.clone()] {
                cross[(s, t)] -= share;
            }
        }
    }
    cross
}
