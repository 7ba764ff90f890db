//! Least squares whose errors know that observations of one cluster belong together.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::StatsError;
use super::error::check_finite;

/// Least squares with an intercept and a variance clustered by one key.
///
/// ```text
/// b = (X'X)⁻¹ X'y,   e = y − Xb
/// V = c · (X'X)⁻¹ (Σ_g s_g s_g') (X'X)⁻¹      s_g = Σ over cluster g of x_i e_i
/// c = G/(G − 1) · (n − 1)/(n − k)             k: coefficients with the intercept
/// intervals and p by Student's t with G − 1 degrees of freedom
/// ```
///
/// # Source
///
/// Liang and Zeger (1986), *Biometrika* 73(1), 13-22; the correction as in Stata and statsmodels.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusteredLeastSquares {
    /// The intercept, then one coefficient for each column.
    pub coefficients: Vec<f64>,
    /// Their standard errors.
    pub std_errors: Vec<f64>,
    /// Clusters.
    pub clusters: usize,
    /// Observations.
    pub observations: usize,
    /// Sum of squared residuals.
    pub residual_sum: f64,
}

/// Columns that others determine beyond this are refused.
const RANK_TOLERANCE: f64 = 1e-10;

impl ClusteredLeastSquares {
    /// Fits `y` to `columns` columns.
    ///
    /// - `x`: row by row, shape `(n, columns)`.
    /// - `cluster`: the cluster of each observation; shape `(n,)`.
    ///
    /// # Errors
    ///
    /// [`StatsError::LengthMismatch`] for shapes that do not fit, [`StatsError::NotFinite`] for a
    /// value, [`StatsError::TooFew`] for fewer than two clusters or no more observations than
    /// coefficients, [`StatsError::Constant`] when a column is determined by the others.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::ClusteredLeastSquares;
    ///
    /// let (x, y) = ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 3.1, 4.9, 7.0, 9.2, 10.8]);
    /// let fit = ClusteredLeastSquares::fit(&x, 1, &y, &[0, 0, 1, 1, 2, 2])?;
    /// assert!((fit.coefficients[1] - 1.983).abs() < 1e-3);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn fit(x: &[f64], columns: usize, y: &[f64], cluster: &[u32]) -> Result<Self, StatsError> {
        check_shapes(x, columns, y, cluster)?;
        let design = Design::new(x, columns, y.len());
        let inverse = design.inverse()?;
        let response = DVector::from_column_slice(y);
        let scaled = &inverse * design.matrix.transpose() * &response;
        let residuals = &response - &design.matrix * &scaled;
        let (meat, clusters) = design.meat(&residuals, cluster);
        if clusters < 2 {
            return Err(StatsError::TooFew { statistic: NAME, needed: 2, got: clusters });
        }
        let (groups, rows, width) = (clusters as f64, y.len() as f64, columns as f64 + 1.0);
        let correction = groups / (groups - 1.0) * (rows - 1.0) / (rows - width);
        let back = design.back();
        let coefficients = &back * scaled;
        let variance = &back * &inverse * meat * &inverse * back.transpose() * correction;
        Ok(Self {
            coefficients: coefficients.iter().copied().collect(),
            std_errors: variance.diagonal().iter().map(|v| v.max(0.0).sqrt()).collect(),
            clusters,
            observations: y.len(),
            residual_sum: residuals.norm_squared(),
        })
    }

    /// Half the width of the interval of this confidence, in standard errors.
    ///
    /// # Errors
    ///
    /// [`StatsError::OutOfRange`] for a confidence outside `(0, 1)`.
    pub fn critical_value(&self, confidence: f64) -> Result<f64, StatsError> {
        let expected = "a confidence between 0 and 1";
        if !(confidence > 0.0 && confidence < 1.0) {
            let (argument, value) = ("confidence", confidence);
            return Err(StatsError::OutOfRange { argument, value, expected });
        }
        let law = StudentsT::new(0.0, 1.0, self.clusters as f64 - 1.0).expect("two clusters");
        Ok(law.inverse_cdf(0.5 + confidence / 2.0))
    }

    /// Two-sided p-value of each coefficient being 0.
    pub fn p_values(&self) -> Vec<f64> {
        let law = StudentsT::new(0.0, 1.0, self.clusters as f64 - 1.0).expect("two clusters");
        let p = |(b, se): (&f64, &f64)| 2.0 * law.sf((b / se).abs());
        self.coefficients.iter().zip(&self.std_errors).map(p).collect()
    }
}

const NAME: &str = "clustered least squares";

fn check_shapes(x: &[f64], columns: usize, y: &[f64], cluster: &[u32]) -> Result<(), StatsError> {
    for (left, right) in [(x.len(), columns * y.len()), (cluster.len(), y.len())] {
        if left != right {
            return Err(StatsError::LengthMismatch { statistic: NAME, left, right });
        }
    }
    let needed = columns + 2;
    if y.len() < needed {
        return Err(StatsError::TooFew { statistic: NAME, needed, got: y.len() });
    }
    check_finite(x)?;
    check_finite(y)
}

/// Ones, and the columns centred and scaled, so that their units do not decide about the rank.
struct Design {
    matrix: DMatrix<f64>,
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl Design {
    fn new(x: &[f64], columns: usize, rows: usize) -> Self {
        let (mean, scale) = moments(x, columns);
        let cell = |row: usize, column: usize| match column.checked_sub(1) {
            None => 1.0,
            Some(at) => (x[row * columns + at] - mean[at]) / scale[at],
        };
        Self { matrix: DMatrix::from_fn(rows, columns + 1, cell), mean, scale }
    }

    /// (X'X)⁻¹.
    fn inverse(&self) -> Result<DMatrix<f64>, StatsError> {
        let rows = self.matrix.nrows() as f64;
        (self.matrix.transpose() * &self.matrix / rows)
            .cholesky()
            .filter(|found| found.l_dirty().diagonal().iter().all(|d| d * d > RANK_TOLERANCE))
            .map(|found| found.inverse() / rows)
            .ok_or(StatsError::Constant { statistic: NAME })
    }

    /// Outer products of the sums over clusters, added up, and the number of clusters.
    fn meat(&self, residuals: &DVector<f64>, cluster: &[u32]) -> (DMatrix<f64>, usize) {
        let width = self.matrix.ncols();
        let mut sums: BTreeMap<u32, DVector<f64>> = BTreeMap::new();
        for (row, key) in cluster.iter().enumerate() {
            let sum = sums.entry(*key).or_insert_with(|| DVector::zeros(width));
            *sum += self.matrix.row(row).transpose() * residuals[row];
        }
        let none = DMatrix::zeros(width, width);
        (sums.values().fold(none, |meat, sum| meat + sum * sum.transpose()), sums.len())
    }

    /// From scaled coefficients to those in the units of the columns.
    fn back(&self) -> DMatrix<f64> {
        let width = self.matrix.ncols();
        let mut back = DMatrix::identity(width, width);
        for (at, (mean, scale)) in self.mean.iter().zip(&self.scale).enumerate() {
            back[(0, at + 1)] = -mean / scale;
            back[(at + 1, at + 1)] = scale.recip();
        }
        back
    }
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
