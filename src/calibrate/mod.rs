//! Worlds fitted to figures of a firm's customers, by simulated moments.
//!
//! [`calibrate`] simulates a cohort, compares its [`Moments`] with the [`Targets`] and moves the
//! free [`Parameter`]s until they agree. Every evaluation has the same accounts and the same
//! random numbers, so that differences between worlds are not noise. What contradicts itself by
//! algebra is refused before anything is simulated: see [`contradictions`].
//!
//! Nothing here looks at scores: how strongly the relationship works is not a target.

mod fit;
mod identities;
mod overlay;
mod parameter;
mod table;
mod targets;

use nalgebra::{DMatrix, DVector};

use crate::backtest::{Moments, StartingBenchmark};
use crate::flow::Flow;
use crate::rng::Streams;
use crate::simulate::{Simulation, SimulationError, World};
use crate::time::{Calendar, Month};

use self::fit::{Fitted, Stop, differences, fit, point_covariance};

pub use identities::{
    Contradiction, contradictions, cost_share, entrant_size, new_revenue_share, profit_share,
    revenue_ratio, top_fifth_share,
};
pub use overlay::{OverlayError, overlay};
pub use parameter::Parameter;
pub use table::{all_met, target_table};
pub use targets::{Target, Targets, TargetsError};

/// Why there is no calibration.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// The world does not fit its flow.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The log is too short for a year and the customers before it.
    #[error("a log of {months} months has no year to compare, expected {FEWEST_MONTHS} or more")]
    TooShort {
        /// Months of the log.
        months: u32,
    },
    /// A moment is not a number.
    #[error(
        "{accounts} accounts of `{world}` give no moments: too few customers, or no cost at all"
    )]
    NoMoments {
        /// Name of the world.
        world: String,
        /// Accounts simulated.
        accounts: u32,
    },
}

/// Twelve months, and one before to have customers in.
const FEWEST_MONTHS: u32 = 13;

/// What is held fixed while worlds are compared.
#[derive(Debug, Clone)]
pub struct Template {
    /// The flow that is walked.
    pub flow: Flow,
    /// Random numbers, the same for every world.
    pub streams: Streams,
    /// Time zone of the months.
    pub calendar: Calendar,
    /// First month of the log.
    pub first: Month,
    /// Number of months of the log.
    pub months: u32,
}

impl Template {
    /// The moments of the first `accounts` accounts of `world`; histories are not kept.
    ///
    /// # Errors
    ///
    /// [`CalibrationError`] when there are none.
    pub fn moments(&self, world: &World, accounts: u32) -> Result<Moments, CalibrationError> {
        let Self { flow, streams, calendar, first, months } = self;
        if *months < FEWEST_MONTHS {
            return Err(CalibrationError::TooShort { months: *months });
        }
        let cohort =
            Simulation::new(flow.clone(), world.clone(), *streams, *calendar, (*first, *months))?;
        let end = calendar.start_of(first.plus(*months as i32));
        let mut benchmark = StartingBenchmark::new(end);
        cohort.histories(accounts).for_each(|history| benchmark.add(&history));
        let name = || world.name.clone();
        benchmark.moments().ok_or_else(|| CalibrationError::NoMoments { world: name(), accounts })
    }
}

/// How a calibration goes about it.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationParams {
    /// Accounts of each stage; every stage goes on where the one before ended. A last stage with
    /// many accounts takes out what is peculiar to the first few.
    pub accounts: Vec<u32>,
    /// Most evaluations of a stage, first derivatives left out.
    pub evaluations: u32,
    /// Largest residual at which a stage stops \[half-widths of a band\].
    pub tolerance: f64,
}

impl Default for CalibrationParams {
    fn default() -> Self {
        Self { accounts: vec![10_000, 50_000], evaluations: 12, tolerance: 0.1 }
    }
}

/// One number of a world, fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Which number.
    pub parameter: Parameter,
    /// What it was.
    pub before: f64,
    /// What it is now.
    pub value: f64,
    /// How far another seed would move it; absent when it moves no target.
    pub std_error: Option<f64>,
}

/// How one stage of a calibration went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Accounts of every evaluation.
    pub accounts: u32,
    /// Cohorts simulated.
    pub evaluations: u32,
    /// Largest residual at the end \[half-widths of a band\].
    pub worst: f64,
    /// Whether the residuals are within the tolerance, or as small as they get.
    pub converged: bool,
}

/// A world fitted to targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The world, its numbers rounded to what is written.
    pub world: World,
    /// What was changed.
    pub estimates: Vec<Estimate>,
    /// How the fit went.
    pub stages: Vec<Stage>,
    /// What the world reaches with the accounts of the last stage.
    pub moments: Moments,
}

impl Calibration {
    /// Whether the last stage converged.
    pub fn converged(&self) -> bool {
        self.stages.last().is_some_and(|stage| stage.converged)
    }
}

/// Fits the free parameters of `world` to `targets` by the method of simulated moments.
///
/// ```text
/// minimise Σ ((m(θ) − target) / within)²        over θ, with common random numbers
/// ```
///
/// A parameter is free when a moment that it moves first of all has a target, so a fit is exactly
/// or over-identified. First derivatives are forward differences; then damped Gauss-Newton steps
/// with Broyden's update, stage by stage. Standard errors come from the sampling covariance of the
/// moments. `say` is told the accounts, the evaluation and its largest residual.
///
/// # Errors
///
/// [`CalibrationError`] when a world on the way has no moments.
///
/// # Source
///
/// Pakes and Pollard (1989), *Econometrica* 57(5); Gouriéroux and Monfort (1996), *Simulation-Based
/// Econometric Methods*, chapter 2.
pub fn calibrate(
    template: &Template,
    world: &World,
    targets: &Targets,
    params: &CalibrationParams,
    say: &mut dyn FnMut(Stage),
) -> Result<Calibration, CalibrationError> {
    let free = Parameter::free(targets);
    let place = |point: &DVector<f64>| placed(world, &free, point);
    let mut point = DVector::from_iterator(
        free.len(),
        free.iter().map(|parameter| parameter.coordinate(parameter.of(world))),
    );
    let steps: Vec<f64> = free.iter().map(|parameter| parameter.step()).collect();
    let reach: Vec<f64> = steps.iter().map(|step| REACH * step).collect();
    let stop = Stop { worst: params.tolerance, gain: GAIN, evaluations: params.evaluations };
    let mut jacobian = None;
    let mut stages = Vec::new();
    let mut latest: Option<(u32, World, Moments)> = None;
    for &accounts in &params.accounts {
        let mut evaluations = 0;
        let mut residuals = |point: &DVector<f64>| {
            let world = place(point);
            let moments = template.moments(&world, accounts)?;
            let found = residuals(targets, &moments);
            latest = Some((accounts, world, moments));
            evaluations += 1;
            say(Stage { accounts, evaluations, worst: found.amax(), converged: false });
            Ok::<_, CalibrationError>(found)
        };
        let at_start = residuals(&point)?;
        let slopes = match jacobian.take() {
            Some(known) => known,
            None => differences(&mut residuals, (&point, &at_start), &steps)?,
        };
        let start = Fitted::starting((point, at_start), slopes);
        let found = fit(&mut residuals, start, &reach, stop)?;
        let (worst, converged) = (found.residuals.amax(), found.converged);
        stages.push(Stage { accounts, evaluations, worst, converged });
        (point, jacobian) = (found.point, Some(found.jacobian));
    }
    let fitted = place(&point);
    let accounts = params.accounts.last().copied().unwrap_or(0);
    let moments = match latest {
        Some((of, world, moments)) if of == accounts && world == fitted => moments,
        _ => template.moments(&fitted, accounts)?,
    };
    let errors = jacobian.and_then(|slopes| std_errors(targets, &moments, &slopes));
    let estimates = free
        .iter()
        .enumerate()
        .map(|(j, &parameter)| {
            let value = parameter.of(&fitted);
            let std_error = errors.as_ref().map(|errors| parameter.slope(value) * errors[j]);
            Estimate { parameter, before: parameter.of(world), value, std_error }
        })
        .collect();
    Ok(Calibration { world: fitted, estimates, stages, moments })
}

/// Steps of the first differences that one step of the fit may go.
const REACH: f64 = 5.0;

/// Share of the sum of squares below which a promised gain is not worth a cohort.
const GAIN: f64 = 0.01;

/// The world with the free parameters at `point`, rounded to four significant digits.
fn placed(world: &World, free: &[Parameter], point: &DVector<f64>) -> World {
    let mut world = world.clone();
    for (parameter, coordinate) in free.iter().zip(point.iter()) {
        parameter.set(&mut world, rounded(parameter.at(*coordinate)));
    }
    world
}

fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().expect("a number as written is a number")
}

/// Distance from each target \[half-widths of its band\].
fn residuals(targets: &Targets, moments: &Moments) -> DVector<f64> {
    let targets = targets.as_slice();
    let distance = |target: &Target| (moments.value(target.moment) - target.value) / target.within;
    DVector::from_iterator(targets.len(), targets.iter().map(distance))
}

/// Standard errors of the fitted coordinates.
fn std_errors(targets: &Targets, moments: &Moments, slopes: &DMatrix<f64>) -> Option<Vec<f64>> {
    let targets = targets.as_slice();
    let covariance = DMatrix::from_fn(targets.len(), targets.len(), |i, j| {
        let (a, b) = (&targets[i], &targets[j]);
        moments.covariance(a.moment, b.moment) / (a.within * b.within)
    });
    let found = point_covariance(slopes, &covariance)?;
    Some(found.diagonal().iter().map(|variance| variance.max(0.0).sqrt()).collect())
}
