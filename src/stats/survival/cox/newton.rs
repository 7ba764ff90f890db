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
    let mut beta = vec![0.0; layout.columns];
    let mut sweep = Sweep::new(layout, &beta, ties);
    let null_log_likelihood = sweep.log_likelihood;
    let mut moments = sweep.moments();
    let mut information = sweep.information(layout, &moments, |_| 1.0);
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
        information = sweep.information(layout, &moments, |_| 1.0);
        if let Some(column) = (0..layout.columns)
            .find(|&k| information[(k, k)].is_nan() || information[(k, k)] < VANISHED * at_null[k])
        {
            return Err(separated(column));
        }
        factor = factorise(&information, 1e-3 * COLLINEAR).map_err(separated)?;
        if size < SMALL_STEP {
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
    let p = layout.columns;
    let mut score = DVector::zeros(p);
    for j in 0..layout.times.len() {
        let mean = &moments.mean[j * p..(j + 1) * p];
        for &i in layout.events_at(j) {
            for (k, (x, mean)) in layout.x(i as usize).iter().zip(mean).enumerate() {
                score[k] += weight(j) * (x - mean);
            }
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
    let factor = matrix.clone().cholesky();
    if let Some(factor) = &factor {
        let lower = factor.l_dirty();
        let left = |k: usize| lower[(k, k)] * lower[(k, k)] / matrix[(k, k)];
        if let Some(column) = (0..matrix.nrows()).find(|&k| left(k) < tolerance) {
            return Err(column);
        }
    }
    factor.ok_or_else(|| {
        let leading = |k: &usize| matrix.view((0, 0), (k + 1, k + 1)).into_owned().cholesky();
        (0..matrix.nrows()).find(|k| leading(k).is_none()).unwrap_or(0)
    })
}
