//! Accounts at dates, ranked within each date.

use std::collections::BTreeMap;

use crate::stats::{LeastSquares, RestrictedCubicSpline, mid_ranks, pearson};

use super::as_of::AsOf;

/// Rows of several dates that are compared within dates only.
#[derive(Clone)]
pub(super) struct Pool<'a> {
    pub(super) rows: Vec<&'a AsOf>,
    /// Whether an account is compared with itself only: its mean over dates is taken off.
    pub(super) within: bool,
}

/// Knots of the splines that hold a control constant.
const KNOTS: usize = 5;

impl<'a> Pool<'a> {
    pub(super) fn new(rows: &'a [AsOf]) -> Self {
        Self { rows: rows.iter().collect(), within: false }
    }

    /// The rows that `keep` keeps, by position.
    pub(super) fn filter(&self, keep: impl Fn(usize, &AsOf) -> bool) -> Self {
        let kept = self.rows.iter().enumerate().filter(|(k, row)| keep(*k, row));
        Self { rows: kept.map(|(_, row)| *row).collect(), within: self.within }
    }

    pub(super) fn values(&self, of: impl Fn(&AsOf) -> f64) -> Vec<f64> {
        self.rows.iter().map(|row| of(row)).collect()
    }

    /// Mid-ranks within each date, in `(−½, ½)` about their mean 0.
    pub(super) fn ranks(&self, of: impl Fn(&AsOf) -> f64) -> Vec<f64> {
        self.ranked(&self.values(of))
    }

    /// The same of values that are not those of single rows.
    pub(super) fn ranked(&self, values: &[f64]) -> Vec<f64> {
        let centred = |values: &[f64]| {
            let n = values.len() as f64;
            mid_ranks(values).into_iter().map(|rank| (rank - 0.5) / n - 0.5).collect()
        };
        self.centre(self.by(|row| row.date, values, centred))
    }

    /// Values in standard deviations of their date from its mean.
    pub(super) fn standardised(&self, of: impl Fn(&AsOf) -> f64) -> Vec<f64> {
        let standard = |values: &[f64]| {
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            let scale = variance.sqrt().max(f64::MIN_POSITIVE);
            values.iter().map(|v| (v - mean) / scale).collect()
        };
        self.centre(self.by(|row| row.date, &self.values(of), standard))
    }

    fn centre(&self, values: Vec<f64>) -> Vec<f64> {
        if !self.within {
            return values;
        }
        self.by(
            |row| row.account,
            &values,
            |values| {
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                values.iter().map(|value| value - mean).collect()
            },
        )
    }

    /// Changes the values of each group of rows together.
    fn by(
        &self,
        group: impl Fn(&AsOf) -> usize,
        values: &[f64],
        change: impl Fn(&[f64]) -> Vec<f64>,
    ) -> Vec<f64> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (position, row) in self.rows.iter().enumerate() {
            groups.entry(group(row)).or_default().push(position);
        }
        let mut changed = vec![0.0; values.len()];
        for positions in groups.values() {
            let here: Vec<f64> = positions.iter().map(|position| values[*position]).collect();
            for (position, value) in positions.iter().zip(change(&here)) {
                changed[*position] = value;
            }
        }
        changed
    }
}

/// Rows of a design matrix: splines of columns that are held constant.
pub(super) fn splines(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut rows = vec![Vec::new(); columns.first().map_or(0, Vec::len)];
    for column in columns {
        let spline = RestrictedCubicSpline::from_quantiles(column, KNOTS).ok();
        for (row, value) in rows.iter_mut().zip(column) {
            match &spline {
                Some(spline) => spline.basis(*value, row),
                None => row.push(*value),
            }
        }
    }
    rows
}

/// Correlation of `x` and `y`, both freed of what splines of the controls explain.
pub(super) fn partial_correlation(x: &[f64], y: &[f64], controls: &[Vec<f64>]) -> Option<f64> {
    if controls.is_empty() {
        return pearson(x, y).ok();
    }
    let rows = splines(controls);
    let columns = rows.first()?.len();
    let design = rows.concat();
    let freed = |values: &[f64]| -> Option<Vec<f64>> {
        let fit = LeastSquares::fit(&design, columns, values).ok()?;
        let rows = values.iter().zip(&rows);
        Some(rows.map(|(value, row)| value - fit.predict_row(row)).collect())
    };
    pearson(&freed(x)?, &freed(y)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_that_explains_both_leaves_nothing() {
        let z: Vec<f64> = (0..200).map(f64::from).collect();
        let noisy = |pace: f64| -> Vec<f64> {
            (0..200).map(f64::from).map(|k| k + 10.0 * (pace * k * k).sin()).collect()
        };
        let (x, y) = (noisy(0.7), noisy(1.3));
        let plain = partial_correlation(&x, &y, &[]).unwrap();
        let given = partial_correlation(&x, &y, &[z]).unwrap();
        assert!(plain > 0.95 && given.abs() < 0.2, "{plain} {given}");
    }
}
