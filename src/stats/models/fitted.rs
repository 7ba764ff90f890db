//! What a fitted model says of its coefficients.

use nalgebra::{DMatrix, DVector};

use super::design::cluster_meat;
use crate::stats::error::StatsError;
use crate::stats::estimate::Estimate;

/// How the variance of coefficients is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelVariance<'a> {
    /// The inverse information: right when the model is and observations are independent.
    Classical,
    /// Sandwich over single observations.
    Robust,
    /// Sandwich over clusters, one key for each observation; intervals and p-values by Student's t
    /// with clusters − 1 degrees of freedom.
    Clustered(&'a [u32]),
}

/// Coefficients of a model fitted by maximum likelihood.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedModel {
    /// The intercept, then one for each column.
    pub coefficients: Vec<Estimate>,
    /// Their covariances, row by row.
    pub covariance: Vec<f64>,
    /// The log-likelihood reached; penalised for Firth's method.
    pub log_likelihood: f64,
    /// Iterations taken.
    pub iterations: usize,
}

impl FittedModel {
    /// The linear predictor for one row of the fitted columns.
    pub fn linear_predictor(&self, row: &[f64]) -> f64 {
        debug_assert_eq!(row.len() + 1, self.coefficients.len());
        let slopes = self.coefficients[1..].iter().zip(row).map(|(b, x)| b.estimate * x);
        self.coefficients[0].estimate + slopes.sum::<f64>()
    }
}

/// Coefficients and what their variance is made of, all on the scale of the search.
pub(super) struct Sandwich<'a> {
    pub(super) name: &'static str,
    pub(super) at: &'a DVector<f64>,
    /// The inverse information.
    pub(super) bread: &'a DMatrix<f64>,
    /// First derivatives of each observation's log-likelihood, one row each.
    pub(super) scores: &'a DMatrix<f64>,
    /// To the units of the columns.
    pub(super) back: &'a DMatrix<f64>,
}

impl Sandwich<'_> {
    /// Estimates in the units of the columns and their covariances, row by row.
    ///
    /// ```text
    /// V = c · A⁻¹ (Σ_g s_g s_g') A⁻¹      c = G/(G − 1) · (n − 1)/(n − k)
    /// ```
    pub(super) fn estimates(
        &self,
        variance: ModelVariance<'_>,
    ) -> Result<(Vec<Estimate>, Vec<f64>), StatsError> {
        let rows = self.scores.nrows();
        let (covariance, clusters) = match variance {
            ModelVariance::Classical => (self.bread.clone(), None),
            ModelVariance::Robust => {
                let each: Vec<u32> = (0..rows as u32).collect();
                (self.clustered(&each)?.0, None)
            }
            ModelVariance::Clustered(keys) => {
                let (covariance, clusters) = self.clustered(keys)?;
                (covariance, Some(clusters))
            }
        };
        let covariance = self.back * covariance * self.back.transpose();
        let smallest = self.back * self.bread * self.back.transpose();
        let values = self.back * self.at;
        let estimates = values.iter().enumerate().map(|(j, value)| {
            // Below this it is rounding: the clusters leave this coefficient no error at all.
            let square = covariance[(j, j)];
            let error = if square > 1e-24 * smallest[(j, j)] { square.sqrt() } else { 0.0 };
            match (variance, clusters) {
                (_, Some(clusters)) => {
                    let df = clusters as f64 - 1.0;
                    Estimate::student_t(*value, error, df, 0.0, clusters, "cluster-robust, t(G−1)")
                }
                (ModelVariance::Classical, _) => {
                    Estimate::normal(*value, error, 0.0, rows, "inverse information")
                }
                _ => Estimate::normal(*value, error, 0.0, rows, "heteroskedasticity-robust"),
            }
        });
        Ok((estimates.collect::<Result<_, _>>()?, row_major(&covariance)))
    }

    fn clustered(&self, keys: &[u32]) -> Result<(DMatrix<f64>, usize), StatsError> {
        let (rows, width) = self.scores.shape();
        if keys.len() != rows {
            let (left, right) = (rows, keys.len());
            return Err(StatsError::LengthMismatch { statistic: self.name, left, right });
        }
        let (meat, clusters) = cluster_meat(self.scores, keys);
        if clusters < 2 {
            return Err(StatsError::TooFew { statistic: self.name, needed: 2, got: clusters });
        }
        let (groups, n, k) = (clusters as f64, rows as f64, width as f64);
        let correction = groups / (groups - 1.0) * (n - 1.0) / (n - k);
        Ok((self.bread * meat * self.bread * correction, clusters))
    }
}

/// A symmetric matrix as a vector.
pub(super) fn row_major(matrix: &DMatrix<f64>) -> Vec<f64> {
    matrix.iter().copied().collect()
}
