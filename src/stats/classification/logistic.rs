//! Logistic regression with an offset, as calibration needs it.

use std::collections::BTreeMap;

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::super::error::StatsError;

/// Steps after which a likelihood that still rises is taken to have no maximum.
const MAX_STEPS: usize = 60;
/// Largest change of a linear predictor at which the search ends; the next step squares it.
const TOLERANCE: f64 = 1e-9;

/// A logistic regression at its maximum.
pub(super) struct LogisticFit {
    pub(super) coefficients: DVector<f64>,
    /// Inverse of the information matrix.
    pub(super) covariance: DMatrix<f64>,
    /// Fitted probability of each row.
    pub(super) fitted: Vec<f64>,
}

/// Maximises the likelihood of `event` given log-odds `offset + design · b`, by Newton's method.
///
/// The information matrix is singular only where a column says nothing new or the fit separates the
/// events: the first is the caller's to exclude.
pub(super) fn fit(
    statistic: &'static str,
    design: &DMatrix<f64>,
    offset: &[f64],
    event: &[bool],
) -> Result<LogisticFit, StatsError> {
    let separated = StatsError::Separated { statistic, column: design.ncols() - 1 };
    let offset = DVector::from_column_slice(offset);
    let mut coefficients = DVector::zeros(design.ncols());
    let mut log_odds = offset.clone();
    let mut likelihood = log_likelihood(&log_odds, event);
    for _ in 0..MAX_STEPS {
        let information = information(design, &log_odds).ok_or_else(|| separated.clone())?;
        let mut step = information.solve(&(design.transpose() * residuals(&log_odds, event)));
        loop {
            let next = &offset + design * (&coefficients + &step);
            let reached = log_likelihood(&next, event);
            let moved = (&next - &log_odds).amax();
            // A step too long for the quadratic approximation is halved; near the top rounding
            // decides about the likelihood, not the step.
            if !moved.is_finite() {
                return Err(separated);
            }
            if reached >= likelihood || moved < TOLERANCE {
                coefficients += &step;
                (log_odds, likelihood) = (next, reached);
                if moved < TOLERANCE {
                    return finish(design, coefficients, &log_odds).ok_or(separated);
                }
                break;
            }
            step /= 2.0;
        }
    }
    Err(separated)
}

/// Covariance of the coefficients when rows of one cluster belong together.
///
/// ```text
/// c · H⁻¹ (Σ_g s_g s_g') H⁻¹      s_g = Σ over cluster g of x (y − p)
/// c = G/(G − 1) · (n − 1)/(n − k)
/// ```
pub(super) fn clustered_covariance(
    fit: &LogisticFit,
    design: &DMatrix<f64>,
    event: &[bool],
    cluster: &[u32],
) -> (DMatrix<f64>, usize) {
    let (rows, width) = design.shape();
    let mut scores: BTreeMap<u32, DVector<f64>> = BTreeMap::new();
    for (row, cluster) in cluster.iter().enumerate() {
        let residual = f64::from(u8::from(event[row])) - fit.fitted[row];
        let score = scores.entry(*cluster).or_insert_with(|| DVector::zeros(width));
        *score += design.row(row).transpose() * residual;
    }
    let meat = scores.values().fold(DMatrix::zeros(width, width), |sum, s| sum + s * s.transpose());
    let (groups, n) = (scores.len() as f64, rows as f64);
    let correction = groups / (groups - 1.0) * (n - 1.0) / (n - width as f64);
    (&fit.covariance * meat * &fit.covariance * correction, scores.len())
}

fn finish(
    design: &DMatrix<f64>,
    coefficients: DVector<f64>,
    log_odds: &DVector<f64>,
) -> Option<LogisticFit> {
    let covariance = information(design, log_odds)?.inverse();
    let fitted = log_odds.iter().map(|&l| probability(l)).collect();
    Some(LogisticFit { coefficients, covariance, fitted })
}

fn information(design: &DMatrix<f64>, log_odds: &DVector<f64>) -> Option<Cholesky<f64, Dyn>> {
    let mut weighted = design.clone();
    for (mut row, l) in weighted.row_iter_mut().zip(log_odds.iter()) {
        row *= probability(*l) * probability(-l);
    }
    (weighted.transpose() * design).cholesky()
}

fn residuals(log_odds: &DVector<f64>, event: &[bool]) -> DVector<f64> {
    let residual = |(l, e): (&f64, &bool)| if *e { probability(-l) } else { -probability(*l) };
    DVector::from_iterator(event.len(), log_odds.iter().zip(event).map(residual))
}

fn log_likelihood(log_odds: &DVector<f64>, event: &[bool]) -> f64 {
    // log(1 + exp(−l)) for the signed log-odds l of what happened, without overflow.
    let loss = |(l, e): (&f64, &bool)| {
        let signed = if *e { *l } else { -l };
        (-signed.abs()).exp().ln_1p() + (-signed).max(0.0)
    };
    -log_odds.iter().zip(event).map(loss).sum::<f64>()
}

fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
