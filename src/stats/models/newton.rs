//! Maximum likelihood by Newton's method with step halving.

use nalgebra::{DMatrix, DVector};

use crate::stats::error::StatsError;

/// Twice what the log-likelihood may still gain when the search ends: steps of 1e-11 standard
/// errors.
const TOLERANCE: f64 = 1e-22;
const MAX_ITERATIONS: usize = 200;
/// From here on a search that has not ended is asked whether it runs away.
const SUSPICIOUS: usize = 12;

/// First and second derivatives of a log-likelihood.
pub(super) struct Derivatives {
    pub(super) score: DVector<f64>,
    /// Minus the second derivatives, or what is expected of them.
    pub(super) information: DMatrix<f64>,
}

/// What is maximised.
pub(super) trait Likelihood {
    /// Name of the model, for errors.
    fn name(&self) -> &'static str;

    /// The log-likelihood; not finite where it is not defined.
    fn value(&self, at: &DVector<f64>) -> f64;

    fn derivatives(&self, at: &DVector<f64>) -> Derivatives;

    /// What a step does to each observation: how far it moves it in the direction that its outcome
    /// asks for, negative when against it. Empty when there is always a maximum.
    fn gains(&self, step: &DVector<f64>) -> Vec<f64>;
}

/// Where the log-likelihood is largest.
#[derive(Debug)]
pub(super) struct Maximum {
    pub(super) at: DVector<f64>,
    pub(super) value: f64,
    pub(super) inverse_information: DMatrix<f64>,
    pub(super) iterations: usize,
}

/// # Errors
///
/// `Separation` when the likelihood has no maximum, `NotConverged` when none was found.
pub(super) fn maximise(
    model: &impl Likelihood,
    start: DVector<f64>,
) -> Result<Maximum, StatsError> {
    let statistic = model.name();
    let (mut at, mut last_step) = (start, None);
    let mut value = model.value(&at);
    for iterations in 0..MAX_ITERATIONS {
        let Derivatives { score, information } = model.derivatives(&at);
        let Some(factor) = information.cholesky() else {
            return Err(match last_step {
                Some(step) if separates(&model.gains(&step)) => {
                    StatsError::Separation { statistic }
                }
                _ => StatsError::NotConverged { statistic, iterations },
            });
        };
        let step = factor.solve(&score);
        if iterations >= SUSPICIOUS && separates(&model.gains(&step)) {
            return Err(StatsError::Separation { statistic });
        }
        let to_gain = score.dot(&step);
        let done = to_gain < TOLERANCE;
        match halved(model, &at, value, &step) {
            Some((next, higher)) if !done => (at, value) = (next, higher),
            // A step that only rounding keeps from being better ends the search as well.
            _ if done || to_gain < TOLERANCE.sqrt() => {
                return Ok(Maximum {
                    at,
                    value,
                    inverse_information: factor.inverse(),
                    iterations,
                });
            }
            _ => return Err(StatsError::NotConverged { statistic, iterations }),
        }
        last_step = Some(step);
    }
    Err(StatsError::NotConverged { statistic, iterations: MAX_ITERATIONS })
}

/// The longest of the step, its half, its quarter… that does not lose.
fn halved(
    model: &impl Likelihood,
    at: &DVector<f64>,
    value: f64,
    step: &DVector<f64>,
) -> Option<(DVector<f64>, f64)> {
    let rounding = 1e-13 * value.abs();
    (0..40).map(|k| at + step * 0.5_f64.powi(k)).find_map(|next| {
        let there = model.value(&next);
        (there >= value - rounding).then_some((next, there))
    })
}

/// Whether a direction improves some observations without end and harms none.
///
/// Along such a direction the likelihood grows for ever (Albert and Anderson, 1984). A search that
/// converges takes steps that shrink and harm some observations.
fn separates(gains: &[f64]) -> bool {
    let most = gains.iter().copied().fold(0.0, f64::max);
    let least = gains.iter().copied().fold(f64::INFINITY, f64::min);
    most > 1e-3 && least >= -1e-6 * most
}
