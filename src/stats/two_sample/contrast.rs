//! The difference of two groups within strata, period by period, with its HC2 standard error.

use std::collections::BTreeMap;

use super::super::grid::Grid;
use super::super::rank::same;

/// Leverage within rounding of 1: the residual is 0 whatever the value.
const FULL_LEVERAGE: f64 = 1.0 - 1e-9;
/// A standard error below this share of the difference is rounding.
const NO_SPREAD: f64 = 1e-10;

/// A difference at one period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contrast {
    pub(super) estimate: f64,
    pub(super) std_error: f64,
}

impl Contrast {
    /// |difference| in standard errors; infinite where there is a difference without spread.
    pub(super) fn t(&self) -> f64 {
        if self.std_error <= NO_SPREAD * self.estimate.abs() {
            return if same(self.estimate, 0.0) { 0.0 } else { f64::INFINITY };
        }
        self.estimate.abs() / self.std_error
    }
}

/// What the labels of the groups do not change.
pub(super) struct Sides {
    /// Stratum of each unit, numbered from 0.
    stratum: Vec<usize>,
    strata: usize,
    /// Whether the unit has any value.
    observed: Vec<bool>,
    /// Whether the period has a stratum whose values differ.
    varies: Vec<bool>,
}

/// Observed units of one stratum at one period, of the second and of the first group.
#[derive(Default, Clone, Copy)]
struct Cell {
    count: [usize; 2],
    sum: [f64; 2],
}

impl Cell {
    fn size(&self) -> f64 {
        (self.count[0] + self.count[1]) as f64
    }

    /// Σ (g − ḡ)²: 0 where one group is missing.
    fn weight(&self) -> f64 {
        self.count[0] as f64 * self.count[1] as f64 / self.size().max(1.0)
    }

    fn share_of_first(&self) -> f64 {
        self.count[1] as f64 / self.size()
    }

    fn mean(&self) -> f64 {
        (self.sum[0] + self.sum[1]) / self.size()
    }

    fn difference(&self) -> f64 {
        self.sum[1] / self.count[1] as f64 - self.sum[0] / self.count[0] as f64
    }
}

impl Sides {
    pub(super) fn new(curves: Grid<'_>, strata: &[u32]) -> Self {
        let mut number: BTreeMap<u32, usize> = strata.iter().map(|s| (*s, 0)).collect();
        for (i, at) in number.values_mut().enumerate() {
            *at = i;
        }
        let stratum: Vec<usize> = strata.iter().map(|s| number[s]).collect();
        let varies = |period: usize| {
            let mut seen: Vec<Option<f64>> = vec![None; number.len()];
            (0..curves.units())
                .filter_map(|unit| Some((unit, curves.get(unit, period)?)))
                .any(|(unit, value)| !same(*seen[stratum[unit]].get_or_insert(value), value))
        };
        let varies = (0..curves.periods()).map(varies).collect();
        let observed =
            (0..curves.units()).map(|u| curves.row(u).iter().any(|v| !v.is_nan())).collect();
        Self { strata: number.len(), stratum, observed, varies }
    }

    /// Values by period, shape `(periods, units)`.
    pub(super) fn by_period(&self, curves: Grid<'_>) -> Vec<f64> {
        let units = self.stratum.len();
        let value = |period: usize, unit: usize| curves.row(unit)[period];
        (0..curves.periods()).flat_map(|t| (0..units).map(move |unit| value(t, unit))).collect()
    }

    pub(super) fn observed(&self) -> &[bool] {
        &self.observed
    }

    /// Units with a value in the first and in the second group.
    pub(super) fn sizes(&self, first: &[bool]) -> [usize; 2] {
        let of = |group: bool| {
            self.observed.iter().zip(first).filter(|(seen, f)| **seen && **f == group).count()
        };
        [of(true), of(false)]
    }

    /// The contrast at each period; none where a group has too few or nothing varies.
    pub(super) fn contrasts(&self, values: &[f64], first: &[bool]) -> Vec<Option<Contrast>> {
        let rows = values.chunks(first.len().max(1)).zip(&self.varies);
        rows.map(|(row, varies)| varies.then(|| self.contrast(row, first)).flatten()).collect()
    }

    fn contrast(&self, row: &[f64], first: &[bool]) -> Option<Contrast> {
        let cells = self.cells(row, first);
        let (weight, estimate) = pooled(&cells)?;
        let mut variance = 0.0;
        for (unit, value) in row.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
            let cell = &cells[self.stratum[unit]];
            if cell.weight() > 0.0 {
                let (side, residual) = cell.adjusted(*value, first[unit], weight, estimate)?;
                variance += (side * residual).powi(2);
            }
        }
        Some(Contrast { estimate, std_error: variance.sqrt() / weight })
    }

    /// Residuals over √(1 − leverage), shape `(periods, units)`; NaN where they take no part.
    pub(super) fn residuals(
        &self,
        values: &[f64],
        first: &[bool],
        contrasts: &[Option<Contrast>],
    ) -> Vec<f64> {
        let mut residuals = vec![f64::NAN; values.len()];
        let units = first.len();
        for (period, row) in values.chunks(units).enumerate() {
            let cells = self.cells(row, first);
            let (Some(_), Some((weight, estimate))) = (&contrasts[period], pooled(&cells)) else {
                continue;
            };
            for (unit, value) in row.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
                let cell = &cells[self.stratum[unit]];
                if cell.weight() > 0.0 {
                    let found = cell.adjusted(*value, first[unit], weight, estimate);
                    residuals[period * units + unit] = found.map_or(f64::NAN, |(_, r)| r);
                }
            }
        }
        residuals
    }

    fn cells(&self, row: &[f64], first: &[bool]) -> Vec<Cell> {
        let mut cells = vec![Cell::default(); self.strata];
        for (unit, value) in row.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
            let cell = &mut cells[self.stratum[unit]];
            cell.count[usize::from(first[unit])] += 1;
            cell.sum[usize::from(first[unit])] += value;
        }
        cells
    }
}

impl Cell {
    /// g − ḡ and the residual over √(1 − leverage); none where the leverage is 1.
    fn adjusted(&self, value: f64, first: bool, weight: f64, estimate: f64) -> Option<(f64, f64)> {
        let side = f64::from(u8::from(first)) - self.share_of_first();
        let leverage = 1.0 / self.size() + side * side / weight;
        let residual = value - self.mean() - estimate * side;
        (leverage < FULL_LEVERAGE).then(|| (side, residual / (1.0 - leverage).sqrt()))
    }
}

/// Sum of the weights, and the weighted mean of the differences within strata.
fn pooled(cells: &[Cell]) -> Option<(f64, f64)> {
    let both = || cells.iter().filter(|cell| cell.weight() > 0.0);
    let weight: f64 = both().map(Cell::weight).sum();
    let sum: f64 = both().map(|cell| cell.weight() * cell.difference()).sum();
    (weight > 0.0).then(|| (weight, sum / weight))
}
