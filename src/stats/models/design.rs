//! The columns of a model on a common scale, and sandwich variances.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};

use crate::stats::error::{StatsError, check_finite};

/// Columns that others determine beyond this are refused.
const RANK_TOLERANCE: f64 = 1e-10;

/// Ones, and the columns centred and scaled, so that their units do not decide about the rank.
pub(in crate::stats) struct Design {
    pub(in crate::stats) matrix: DMatrix<f64>,
    pub(super) mean: Vec<f64>,
    pub(super) scale: Vec<f64>,
}

impl Design {
    pub(in crate::stats) fn new(x: &[f64], columns: usize, rows: usize) -> Self {
        let (mean, scale) = moments(x, columns);
        let cell = |row: usize, column: usize| match column.checked_sub(1) {
            None => 1.0,
            Some(at) => (x[row * columns + at] - mean[at]) / scale[at],
        };
        Self { matrix: DMatrix::from_fn(rows, columns + 1, cell), mean, scale }
    }

    /// A checked design: shapes fit, values are finite, more rows than coefficients and no column
    /// that others determine.
    pub(super) fn checked(
        name: &'static str,
        x: &[f64],
        columns: usize,
        rows: usize,
    ) -> Result<Self, StatsError> {
        if x.len() != columns * rows {
            let (left, right) = (x.len(), columns * rows);
            return Err(StatsError::LengthMismatch { statistic: name, left, right });
        }
        let needed = columns + 2;
        if rows < needed {
            return Err(StatsError::TooFew { statistic: name, needed, got: rows });
        }
        check_finite(x)?;
        let design = Self::new(x, columns, rows);
        design.inverse(name)?;
        Ok(design)
    }

    /// (X'X)⁻¹.
    pub(in crate::stats) fn inverse(&self, name: &'static str) -> Result<DMatrix<f64>, StatsError> {
        inverse_of_full_rank(&self.matrix, name)
    }

    /// Each row times its residual.
    pub(super) fn scores(&self, residuals: &[f64]) -> DMatrix<f64> {
        scaled_rows(&self.matrix, residuals)
    }

    /// From scaled coefficients to those in the units of the columns.
    pub(super) fn back(&self) -> DMatrix<f64> {
        let width = self.matrix.ncols();
        let mut back = DMatrix::identity(width, width);
        for (at, (mean, scale)) in self.mean.iter().zip(&self.scale).enumerate() {
            back[(0, at + 1)] = -mean / scale;
            back[(at + 1, at + 1)] = scale.recip();
        }
        back
    }
}

/// (X'X)⁻¹ of columns on a common scale, when none is determined by the others.
pub(in crate::stats) fn inverse_of_full_rank(
    x: &DMatrix<f64>,
    name: &'static str,
) -> Result<DMatrix<f64>, StatsError> {
    let rows = x.nrows() as f64;
    (x.tr_mul(x) / rows)
        .cholesky()
        .filter(|found| found.l_dirty().diagonal().iter().all(|d| d * d > RANK_TOLERANCE))
        .map(|found| found.inverse() / rows)
        .ok_or(StatsError::Constant { statistic: name })
}

/// Each row times its factor.
pub(in crate::stats) fn scaled_rows(x: &DMatrix<f64>, factors: &[f64]) -> DMatrix<f64> {
    DMatrix::from_fn(x.nrows(), x.ncols(), |row, column| x[(row, column)] * factors[row])
}

/// X' diag(w) X.
pub(super) fn weighted_cross(x: &DMatrix<f64>, weights: &[f64]) -> DMatrix<f64> {
    scaled_rows(x, weights).tr_mul(x)
}

/// Outer products of the sums over clusters, added up, and the number of clusters.
pub(in crate::stats) fn cluster_meat(
    scores: &DMatrix<f64>,
    cluster: &[u32],
) -> (DMatrix<f64>, usize) {
    let width = scores.ncols();
    let mut sums: BTreeMap<u32, DVector<f64>> = BTreeMap::new();
    for (row, key) in cluster.iter().enumerate() {
        let sum = sums.entry(*key).or_insert_with(|| DVector::zeros(width));
        *sum += scores.row(row).transpose();
    }
    let none = DMatrix::zeros(width, width);
    (sums.values().fold(none, |meat, sum| meat + sum * sum.transpose()), sums.len())
}

/// Mean and standard deviation of each column; 1 for a column that does not vary.
fn moments(x: &[f64], columns: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = || x.chunks_exact(columns.max(1));
    let n = rows().len() as f64;
    let mean: Vec<f64> = (0..columns).map(|j| rows().map(|row| row[j]).sum::<f64>() / n).collect();
    let spread = |j: usize| {
        let squares: f64 = rows().map(|row| (row[j] - mean[j]).powi(2)).sum();
        let spread = (squares / n).sqrt();
        if spread > 0.0 { spread } else { 1.0 }
    };
    let scale = (0..columns).map(spread).collect();
    (mean, scale)
}
