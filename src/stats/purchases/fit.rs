//! The largest likelihood over positive parameters, and how sharp it is.

use std::cell::RefCell;
use std::convert::Infallible;

use argmin::core::{CostFunction, Error as ArgminError, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use nalgebra::{DMatrix, DVector};

use super::super::error::StatsError;

/// The model with the largest likelihood, and how sure its parameters are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PurchaseFit<M, const N: usize> {
    /// The model.
    pub model: M,
    /// Its log-likelihood.
    pub log_likelihood: f64,
    /// Customers.
    pub customers: usize,
    /// Standard errors of the parameters, in the order of the model's `parameters`, by the
    /// curvature of the likelihood at its top (observed information, over the logs of the
    /// parameters, then times the parameter). Parameters are far from normal: for an interval
    /// take that of the log, `θ · exp(± 1.96 SE / θ)`, which holds the truth in .92 to .95 of samples of
    /// 400 MBG/NBD customers and in .93 to .95 of 1,600.
    pub std_errors: [f64; N],
}

/// A log-likelihood over the logs of N positive parameters.
pub(super) trait LogLikelihood<const N: usize> {
    /// Whether the curvature costs no more than a few values, so that Newton's method may start early.
    const CHEAP_CURVATURE: bool = false;

    /// Observations: the likelihood per observation is what the search sees.
    fn observations(&self) -> f64;

    /// The log-likelihood.
    fn value(&self, logs: &[f64; N]) -> f64;

    /// The log-likelihood and its derivatives; by differences unless a model knows better.
    fn with_gradient(&self, logs: &[f64; N]) -> (f64, [f64; N]) {
        let slope = |i: usize| {
            let [far, up, down, low] = [2.0, 1.0, -1.0, -2.0]
                .map(|by| self.value(&moved(logs, [(i, by * SLOPE_STEP), (i, 0.0)])));
            (8.0 * (up - down) - (far - low)) / (12.0 * SLOPE_STEP)
        };
        (self.value(logs), std::array::from_fn(slope))
    }

    /// Its second derivatives; by differences unless a model knows better.
    fn curvature(&self, logs: &[f64; N]) -> [[f64; N]; N] {
        let middle = self.value(logs);
        // Differences of second order at two steps, whose leading errors cancel.
        let second = |i: usize, j: usize| {
            let [near, far] = [CURVE_STEP, 2.0 * CURVE_STEP]
                .map(|step| second_difference(logs, [i, j], step, middle, |at| self.value(at)));
            (4.0 * near - far) / 3.0
        };
        let lower: [[f64; N]; N] = std::array::from_fn(|i| {
            std::array::from_fn(|j| if j <= i { second(i, j) } else { 0.0 })
        });
        std::array::from_fn(|i| std::array::from_fn(|j| lower[i.max(j)][i.min(j)]))
    }
}

/// Steps of the differences, where what they leave out and what rounding adds are about equal.
const SLOPE_STEP: f64 = 3e-3;
const CURVE_STEP: f64 = 1e-2;

fn moved<const N: usize>(logs: &[f64; N], by: [(usize, f64); 2]) -> [f64; N] {
    let mut moved = *logs;
    for (at, step) in by {
        moved[at] += step;
    }
    moved
}

fn second_difference<const N: usize>(
    logs: &[f64; N],
    [i, j]: [usize; 2],
    step: f64,
    middle: f64,
    value: impl Fn(&[f64; N]) -> f64,
) -> f64 {
    let at = |first: f64, second: f64| value(&moved(logs, [(i, first * step), (j, second * step)]));
    if i == j {
        (at(1.0, 0.0) - 2.0 * middle + at(-1.0, 0.0)) / (step * step)
    } else {
        (at(1.0, 1.0) - at(1.0, -1.0) - at(-1.0, 1.0) + at(-1.0, -1.0)) / (4.0 * step * step)
    }
}

/// The top of a likelihood.
pub(super) struct Maximum<const N: usize> {
    /// Logs of the parameters.
    pub(super) logs: [f64; N],
    /// Standard errors of the logs.
    pub(super) std_errors: [f64; N],
}

/// Logs of parameters beyond which the likelihood is taken to have no top.
const EDGE: f64 = 15.0;
/// Searches, each begun where the one before it ended.
const MOST_SEARCHES: usize = 8;
/// Steps of one search, and of Newton's method after it.
const MOST_STEPS: u64 = 400;
const MOST_NEWTON_STEPS: usize = 25;
/// A step of Newton's method that is as good as none.
const SMALL_STEP: f64 = 1e-6;
/// Curvature per observation below which the likelihood is taken to be flat.
const FLAT: f64 = 1e-8;

/// Where the likelihood is largest.
///
/// - L-BFGS (argmin) climbs; Newton's method then settles the last digits, and its curvature gives
///   the standard errors. A top is one only if Newton's method comes to rest on it: where the
///   likelihood creeps up for ever, its steps do not shrink.
///
/// # Errors
///
/// `NoFit` when there is no such top.
pub(super) fn maximise<L: LogLikelihood<N>, const N: usize>(
    statistic: &'static str,
    likelihood: &L,
    start: [f64; N],
) -> Result<Maximum<N>, StatsError> {
    let search = Search { likelihood, last: RefCell::new(None), best: RefCell::new(None) };
    let mut at = start;
    for round in 0..MOST_SEARCHES {
        at = search.climb(at, if L::CHEAP_CURVATURE && round == 0 { 1e-3 } else { 1e-8 });
        match search.settle(at) {
            Ok(maximum) => return Ok(maximum),
            Err(stopped) => at = stopped,
        }
        if at.iter().any(|log| log.abs() > EDGE) {
            break;
        }
    }
    let reason = "the likelihood has no maximum at finite parameters";
    Err(StatsError::NoFit { statistic, reason })
}

/// Logs, minus the log-likelihood per observation, and its derivatives.
type Point<const N: usize> = ([f64; N], f64, [f64; N]);

struct Search<'a, L, const N: usize> {
    likelihood: &'a L,
    /// The point that was asked for last: cost and gradient come from one evaluation.
    last: RefCell<Option<Point<N>>>,
    best: RefCell<Option<Point<N>>>,
}

impl<L: LogLikelihood<N>, const N: usize> Search<'_, L, N> {
    /// Minus the log-likelihood per observation; beyond the edge that of the edge and a penalty,
    /// so that a line search which leaves the plane is sent back.
    fn point(&self, logs: [f64; N]) -> Point<N> {
        if let Some(known) = *self.last.borrow()
            && known.0.map(f64::to_bits) == logs.map(f64::to_bits)
        {
            return known;
        }
        let inside = logs.map(|log| log.clamp(-EDGE - 1.0, EDGE + 1.0));
        let (value, slopes) = self.likelihood.with_gradient(&inside);
        let size = self.likelihood.observations();
        let excess: [f64; N] = std::array::from_fn(|i| logs[i] - inside[i]);
        let penalty: f64 = excess.iter().map(|e| e * e).sum();
        let gradient =
            std::array::from_fn(
                |i| {
                    if excess[i] == 0.0 { -slopes[i] / size } else { 2.0 * excess[i] }
                },
            );
        let point = (logs, penalty - value / size, gradient);
        *self.last.borrow_mut() = Some(point);
        let mut best = self.best.borrow_mut();
        if best.is_none_or(|best| point.1 < best.1) {
            *best = Some(point);
        }
        point
    }

    /// The best point on the way up from `start`; a search that fails half-way still has one.
    fn climb(&self, start: [f64; N], least_slope: f64) -> [f64; N] {
        *self.best.borrow_mut() = None;
        self.point(start);
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), N + 3)
            .with_tolerance_grad(least_slope)
            .and_then(|solver| solver.with_tolerance_cost(1e-15));
        if let Ok(solver) = solver {
            let configured = Executor::new(self, solver)
                .configure(|state| state.param(start.to_vec()).max_iters(MOST_STEPS));
            // A line search ends in an error where rounding hides the slope: at a top.
            let _ended = configured.run();
        }
        self.best.borrow().map_or(start, |best| best.0)
    }

    /// Newton's method from `at` to a top, or where it was given up.
    fn settle(&self, mut at: [f64; N]) -> Result<Maximum<N>, [f64; N]> {
        for _ in 0..MOST_NEWTON_STEPS {
            if at.iter().any(|log| log.abs() > EDGE) {
                return Err(at);
            }
            let (_, cost, gradient) = self.point(at);
            let Some(inverse) = self.inverse_curvature(&at) else { return Err(at) };
            let step = &inverse * DVector::from_column_slice(&gradient);
            // Beyond a step of 1 a parabola is no likeness of the likelihood.
            let shorter = step.amax().max(1.0);
            let next: [f64; N] = std::array::from_fn(|i| at[i] - step[i] / shorter);
            if step.amax() <= SMALL_STEP {
                let size = self.likelihood.observations();
                let std_errors = std::array::from_fn(|i| (inverse[(i, i)] / size).sqrt());
                return Ok(Maximum { logs: next, std_errors });
            }
            // Near the top rounding alone can make the likelihood seem to fall.
            if self.point(next).1 - cost > 1e-12 * (1.0 + cost.abs()) {
                return Err(at);
            }
            at = next;
        }
        Err(at)
    }

    /// Inverse of the matrix of second derivatives; none where the likelihood is no peak.
    fn inverse_curvature(&self, at: &[f64; N]) -> Option<DMatrix<f64>> {
        let curvature = self.likelihood.curvature(at);
        let size = self.likelihood.observations();
        let matrix = DMatrix::from_fn(N, N, |i, j| -curvature[i][j] / size);
        let is_finite = matrix.iter().all(|value| value.is_finite());
        let is_peak = is_finite && matrix.symmetric_eigenvalues().min() > FLAT;
        if is_peak { matrix.try_inverse() } else { None }
    }
}

fn array<const N: usize>(logs: &[f64]) -> [f64; N] {
    std::array::from_fn(|i| logs[i])
}

impl<L: LogLikelihood<N>, const N: usize> CostFunction for &Search<'_, L, N> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, logs: &Vec<f64>) -> Result<f64, ArgminError> {
        Ok::<f64, Infallible>(self.point(array(logs)).1).map_err(ArgminError::from)
    }
}

impl<L: LogLikelihood<N>, const N: usize> Gradient for &Search<'_, L, N> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, logs: &Vec<f64>) -> Result<Vec<f64>, ArgminError> {
        let gradient = self.point(array(logs)).2.to_vec();
        Ok::<Vec<f64>, Infallible>(gradient).map_err(ArgminError::from)
    }
}
