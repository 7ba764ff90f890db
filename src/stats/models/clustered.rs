//! Least squares whose errors know that observations of one cluster belong together.

use nalgebra::DVector;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::design::{Design, cluster_meat};
use crate::stats::error::{StatsError, check_finite};

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
        let inverse = design.inverse(NAME)?;
        let response = DVector::from_column_slice(y);
        let scaled = &inverse * design.matrix.transpose() * &response;
        let residuals = &response - &design.matrix * &scaled;
        let (meat, clusters) = cluster_meat(&design.scores(residuals.as_slice()), cluster);
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
