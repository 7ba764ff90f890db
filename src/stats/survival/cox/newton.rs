//! The maximum of the partial likelihood.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::super::super::error::StatsError;
use super::NAME;
use super::layout::Layout;
use super::rows::Ties;
use super::sweep::{Moments, Sweep};

/// A column that the others leave less than this share of its information is refused.
const COLLINEAR: f64 = 1e-10;

/// Information that fell to this share of what it was at 0 went along a likelihood without maximum:
/// there each step takes it down by a constant factor.
const VANISHED: f64 = 1e-10;

/// Newton steps; a likelihood with a maximum takes about ten.
const STEPS: usize = 60;

/// The search ends after a step below this, in standard deviations of the covariates. The error that
/// it leaves is of the order of its square.
const SMALL_STEP: f64 = 1e-9;

/// Below this step a likelihood that falls does so by rounding.
const ROUNDING_STEP: f64 = 1e-5;

/// A step below this leaves the information as it was, to about this share of it: the next step, of
/// the order of its square, needs no other.
const INFORMATION_HOLDS: f64 = 1e-5;

/// The fit in units of standardised covariates.
#[derive(Debug, Clone)]
pub(super) struct Optimum {
    pub(super) beta: Vec<f64>,
    pub(super) sweep: Sweep,
    pub(super) moments: Moments,
    pub(super) factor: Cholesky<f64, Dyn>,
    pub(super) null_log_likelihood: f64,
    /// Score test statistic at 0.
    pub(super) score_statistic: f64,
    pub(super) iterations: usize,
}

pub(super) fn maximise(layout: &Layout, ties: Ties) -> Result<Optimum, StatsError> {
    let mut beta = vec![0.0; layout.columns()];
    let mut sweep = Sweep::at_zero(layout, ties);
    let null_log_likelihood = sweep.log_likelihood;
    let mut moments = sweep.moments();
    let information = sweep.information(layout, &moments, |_| 1.0);
    let at_null: Vec<f64> = information.diagonal().iter().copied().collect();
    check_information(layout, &at_null)?;
    let collinear = |column| StatsError::Collinear { statistic: NAME, column };
    let separated = |column| StatsError::Separated { statistic: NAME, column };
    let mut factor = factorise(&information, COLLINEAR).map_err(collinear)?;
    let mut step = factor.solve(&score(layout, &moments, |_| 1.0));
    let score_statistic = step.dot(&score(layout, &moments, |_| 1.0));
    for iteration in 1..=STEPS {
        let size = step.amax();
        (beta, sweep) = advance(layout, ties, &beta, &sweep, &mut step);
        moments = sweep.moments();
        let converged = size < SMALL_STEP;
        if converged || size >= INFORMATION_HOLDS {
            let information = sweep.information(layout, &moments, |_| 1.0);
            let left = information.diagonal();
            let vanished = |&k: &usize| left[k].is_nan() || left[k] < VANISHED * at_null[k];
            if let Some(column) = (0..layout.columns()).find(vanished) {
                return Err(separated(column));
            }
            factor = factorise(&information, 1e-3 * COLLINEAR).map_err(separated)?;
        }
        if converged {
            let iterations = iteration;
            return Ok(Optimum {
                beta,
                sweep,
                moments,
                factor,
                null_log_likelihood,
                score_statistic,
                iterations,
            });
        }
        step = factor.solve(&score(layout, &moments, |_| 1.0));
    }
    Err(separated(step.iamax()))
}

/// Takes a Newton step, halved until the likelihood rises.
fn advance(
    layout: &Layout,
    ties: Ties,
    beta: &[f64],
    sweep: &Sweep,
    step: &mut DVector<f64>,
) -> (Vec<f64>, Sweep) {
    loop {
        let next: Vec<f64> = beta.iter().zip(step.iter()).map(|(beta, step)| beta + step).collect();
        let swept = Sweep::new(layout, &next, ties);
        if swept.log_likelihood >= sweep.log_likelihood || step.amax() < ROUNDING_STEP {
            return (next, swept);
        }
        *step *= 0.5;
    }
}

/// Σ over events of `weight(j)` times how far their covariates are from the mean of the risk set.
pub(super) fn score(
    layout: &Layout,
    moments: &Moments,
    weight: impl Fn(usize) -> f64,
) -> DVector<f64> {
    let p = layout.columns();
    let mut score = DVector::zeros(p);
    for (i, j) in layout.each_event() {
        let parts = layout.x.row(i).zip(&moments.mean[j * p..]);
        for (score, (x, mean)) in score.iter_mut().zip(parts) {
            *score += weight(j) * (x - mean);
        }
    }
    score
}

/// A column that does not vary within any risk set has information of rounding only.
fn check_information(layout: &Layout, diagonal: &[f64]) -> Result<(), StatsError> {
    let least = COLLINEAR * layout.events.len() as f64;
    match diagonal.iter().position(|information| *information < least) {
        Some(column) => Err(StatsError::Collinear { statistic: NAME, column }),
        None => Ok(()),
    }
}

/// Cholesky factor, or the first column of which the earlier ones leave less than `tolerance`.
pub(super) fn factorise(
    matrix: &DMatrix<f64>,
    tolerance: f64,
) -> Result<Cholesky<f64, Dyn>, usize> {
    // Past a pivot of rounding the next ones say nothing: each column is judged by a factor that ends
    // with it.
    let leaves_too_little = |&k: &usize| {
        let leading = matrix.view((0, 0), (k + 1, k + 1)).into_owned().cholesky();
        leading.is_none_or(|factor| factor.l_dirty()[(k, k)].powi(2) < tolerance * matrix[(k, k)])
    };
    let column = (0..matrix.nrows()).find(leaves_too_little);
    column.map_or_else(|| matrix.clone().cholesky().ok_or(0), Err)
}
