//! How fast does Relationship Value fade, and how much worse is bad than good? Estimated from outcomes.

use rayon::prelude::*;

use crate::score::{Rv, RvParams, ScoreError, ValuedHistory, series};
use crate::stats::{ClusteredLeastSquares, StatsError};
use crate::time::Instant;

/// A parameter of [`RvParams`] that outcomes can say something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShapeParameter {
    /// Half-life \[days\].
    HalfLife,
    /// Weight of what is negative.
    Asymmetry,
    /// Power by which repeated types count less.
    Position,
    /// Share that a failure of the product destroys.
    ShockProduct,
    /// Share that a failure of the relationship destroys.
    ShockRelational,
    /// Share that a recovery gives back.
    Recovery,
}

impl ShapeParameter {
    /// Its key in a plan.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HalfLife => "half_life_days",
            Self::Asymmetry => "asymmetry",
            Self::Position => "position",
            Self::ShockProduct => "shock_product",
            Self::ShockRelational => "shock_relational",
            Self::Recovery => "recovery",
        }
    }

    const fn is_share(self) -> bool {
        matches!(self, Self::ShockProduct | Self::ShockRelational | Self::Recovery)
    }

    fn of(self, params: &RvParams) -> f64 {
        match self {
            Self::HalfLife => params.half_life_days.unwrap_or(f64::INFINITY),
            Self::Asymmetry => params.asymmetry,
            Self::Position => params.position,
            Self::ShockProduct => params.shock_product,
            Self::ShockRelational => params.shock_relational,
            Self::Recovery => params.recovery,
        }
    }

    fn set(self, params: &mut RvParams, value: f64) {
        match self {
            Self::HalfLife => params.half_life_days = Some(value),
            Self::Asymmetry => params.asymmetry = value,
            Self::Position => params.position = value,
            Self::ShockProduct => params.shock_product = value,
            Self::ShockRelational => params.shock_relational = value,
            Self::Recovery => params.recovery = value,
        }
    }

    /// As it is searched: the log of a half-life, which scales time. The others enter the score
    /// linearly or nearly so: their estimates are closest to normal as they are.
    fn free(self, value: f64) -> f64 {
        if self == Self::HalfLife { value.ln() } else { value }
    }

    fn bound(self, free: f64) -> f64 {
        if self == Self::HalfLife { free.exp() } else { free }
    }

    /// What a step may lead to: inside the range, so that both sides can be looked at.
    fn inside(self, free: f64) -> f64 {
        match self {
            Self::HalfLife => free,
            Self::Asymmetry | Self::Position => free.max(EDGE),
            Self::ShockProduct | Self::ShockRelational | Self::Recovery => {
                free.clamp(EDGE, 1.0 - EDGE)
            }
        }
    }

    /// An end of an interval, which ends where the range does.
    fn end(self, free: f64) -> f64 {
        match self {
            Self::HalfLife => free.exp(),
            Self::Asymmetry | Self::Position => free.max(0.0),
            Self::ShockProduct | Self::ShockRelational | Self::Recovery => free.clamp(0.0, 1.0),
        }
    }
}

/// How near to the edge of its range a parameter is searched.
const EDGE: f64 = 1e-3;

/// One account with what followed its score.
#[derive(Debug, Clone)]
pub struct ShapeAccount {
    /// Its past.
    pub history: ValuedHistory,
    /// When the score is read, ascending.
    pub dates: Vec<Instant>,
    /// What followed each date; NaN where it is not known.
    pub outcomes: Vec<f64>,
}

/// One parameter as estimated.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct ShapeEstimate {
    /// Which one.
    pub parameter: ShapeParameter,
    /// Estimate.
    pub estimate: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Parameters of Relationship Value that fit outcomes best.
#[derive(Debug, Clone, PartialEq)]
pub struct ShapeFit {
    /// The parameters, estimated ones in place.
    pub params: RvParams,
    /// What was estimated.
    pub estimates: Vec<ShapeEstimate>,
    /// Outcome per unit of the score, and its standard error at these parameters.
    pub slope: (f64, f64),
    /// Accounts.
    pub accounts: usize,
    /// Pairs of score and outcome.
    pub rows: usize,
    /// Rounds until the steps were negligible.
    pub rounds: u32,
}

/// Why no shape could be estimated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum ShapeError {
    /// A start at the edge of what a parameter can be.
    #[error(
        "`{parameter}` starts at {value}, expected a number {range}: at the edge nothing tells in \
         which direction to go"
    )]
    StartAtEdge { parameter: &'static str, value: f64, range: &'static str },
    /// The score.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// Outcomes that do not tell the parameters apart.
    #[error("the outcomes do not tell {parameters} apart: {source}")]
    NotIdentified { parameters: String, source: StatsError },
    /// Steps that never became small.
    #[error(
        "no best values of {parameters} after {rounds} rounds: the outcomes hardly depend on them"
    )]
    NotConverged { parameters: String, rounds: u32 },
}

/// Rounds at most.
const MOST_ROUNDS: u32 = 60;

/// Steps below which the search ends, and the longest step of one round.
const SMALL: f64 = 1e-6;
const LONGEST: f64 = 1.0;

/// Half the width of the differences that stand for derivatives.
const WIDTH: f64 = 1e-4;

/// Estimates `free` parameters from outcomes by non-linear least squares, from `start` on.
///
/// ```text
/// y_at = α + β RV_θ(a, t) + e_at        minimised over α, β and θ; Gauss-Newton with halved steps
/// V: as of least squares on RV and β ∂RV/∂θ, clustered by account
/// intervals: θ ± t(.975, G − 1) SE, cut at the ends of the range; of a half-life on the log scale
/// ```
///
/// - `start`: the other parameters as they are to stay, and where the search begins: inside the
///   range of each free parameter.
/// - An estimate at the edge of its range has no interval worth the name: it ends there.
/// - Errors of an account may depend on each other in any way; accounts are independent. The
///   intervals hold where RV has an effect; where β is 0, nothing can be said about θ.
///
/// # Errors
///
/// [`ShapeError`] when a start lies at an edge, the outcomes do not tell the parameters apart, or no
/// best values are found.
///
/// # Source
///
/// Non-linear least squares with clustered errors: Cameron and Miller (2015), *Journal of Human
/// Resources* 50(2), 317-372.
pub fn fit_shape(
    accounts: &[ShapeAccount],
    start: RvParams,
    free: &[ShapeParameter],
) -> Result<ShapeFit, ShapeError> {
    check_start(&start, free)?;
    let sample = Sample::new(accounts, start, free);
    let mut theta: Vec<f64> = free.iter().map(|p| p.free(p.of(&start))).collect();
    let mut loss = sample.line(&sample.scores(&theta)?)?.residual_sum;
    for round in 1..=MOST_ROUNDS {
        let linear = sample.linearised(&theta)?;
        // The coefficients after the intercept and the slope.
        let step: Vec<f64> =
            linear.coefficients[2..].iter().map(|step| step.clamp(-LONGEST, LONGEST)).collect();
        let Some((next, less)) = sample.halved(&theta, &step, loss)? else {
            return sample.found(&theta, round);
        };
        let moved = theta.iter().zip(&next).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        (theta, loss) = (next, less);
        if moved < SMALL {
            return sample.found(&theta, round);
        }
    }
    Err(ShapeError::NotConverged { parameters: sample.names(), rounds: MOST_ROUNDS })
}

fn check_start(start: &RvParams, free: &[ShapeParameter]) -> Result<(), ShapeError> {
    for parameter in free {
        let value = parameter.of(start);
        let (inside, range) = if parameter.is_share() {
            (value > 0.0 && value < 1.0, "between 0 and 1")
        } else {
            (value > 0.0 && value.is_finite(), "above 0")
        };
        if !inside {
            return Err(ShapeError::StartAtEdge { parameter: parameter.name(), value, range });
        }
    }
    Rv::new(*start)?;
    Ok(())
}

/// Accounts, and what is known of each row.
struct Sample<'a> {
    accounts: &'a [ShapeAccount],
    start: RvParams,
    free: &'a [ShapeParameter],
    outcomes: Vec<f64>,
    cluster: Vec<u32>,
}

impl<'a> Sample<'a> {
    fn new(accounts: &'a [ShapeAccount], start: RvParams, free: &'a [ShapeParameter]) -> Self {
        let (mut outcomes, mut cluster) = (Vec::new(), Vec::new());
        for (number, account) in (0..).zip(accounts) {
            let known = account.outcomes.iter().filter(|outcome| outcome.is_finite());
            outcomes.extend(known);
            cluster.resize(outcomes.len(), number);
        }
        Self { accounts, start, free, outcomes, cluster }
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.free.iter().map(|p| format!("`{}`", p.name())).collect();
        names.join(", ")
    }

    fn unclear(&self, source: StatsError) -> ShapeError {
        ShapeError::NotIdentified { parameters: self.names(), source }
    }

    fn params(&self, theta: &[f64]) -> RvParams {
        let mut params = self.start;
        for (parameter, value) in self.free.iter().zip(theta) {
            parameter.set(&mut params, parameter.bound(*value));
        }
        params
    }

    /// Scores of all rows with an outcome.
    fn scores(&self, theta: &[f64]) -> Result<Vec<f64>, ScoreError> {
        let score = Rv::new(self.params(theta))?;
        let own = |account: &ShapeAccount| -> Vec<f64> {
            let all = series(&score, &account.history, &account.dates);
            let known = all.into_iter().zip(&account.outcomes);
            known.filter(|(_, outcome)| outcome.is_finite()).map(|(value, _)| value).collect()
        };
        let parts: Vec<Vec<f64>> = self.accounts.par_iter().map(own).collect();
        Ok(parts.concat())
    }

    /// Outcomes on the scores alone.
    fn line(&self, scores: &[f64]) -> Result<ClusteredLeastSquares, ShapeError> {
        ClusteredLeastSquares::fit(scores, 1, &self.outcomes, &self.cluster)
            .map_err(|source| self.unclear(source))
    }

    /// Outcomes on the scores and what a step of each parameter changes of the fitted values.
    fn linearised(&self, theta: &[f64]) -> Result<ClusteredLeastSquares, ShapeError> {
        let scores = self.scores(theta)?;
        let slope = self.line(&scores)?.coefficients[1];
        let mut columns = vec![scores];
        for at in 0..theta.len() {
            let moved = |by: f64| {
                let mut near = theta.to_vec();
                near[at] += by;
                self.scores(&near)
            };
            let (up, down) = (moved(WIDTH)?, moved(-WIDTH)?);
            let change = up.iter().zip(&down).map(|(u, d)| slope * (u - d) / (2.0 * WIDTH));
            columns.push(change.collect());
        }
        let k = columns.len();
        let mut x = Vec::with_capacity(k * self.outcomes.len());
        for row in 0..self.outcomes.len() {
            x.extend(columns.iter().map(|column| column[row]));
        }
        ClusteredLeastSquares::fit(&x, k, &self.outcomes, &self.cluster)
            .map_err(|source| self.unclear(source))
    }

    /// The first of ever shorter steps that lessens the loss; `None` when none does.
    fn halved(
        &self,
        theta: &[f64],
        step: &[f64],
        loss: f64,
    ) -> Result<Option<(Vec<f64>, f64)>, ShapeError> {
        let mut share = 1.0;
        for _ in 0..12 {
            let moved = theta.iter().zip(step).map(|(t, s)| t + share * s);
            let next: Vec<f64> = moved.zip(self.free).map(|(t, p)| p.inside(t)).collect();
            let found = self.line(&self.scores(&next)?)?.residual_sum;
            if found < loss {
                return Ok(Some((next, found)));
            }
            share /= 2.0;
        }
        Ok(None)
    }

    fn found(&self, theta: &[f64], rounds: u32) -> Result<ShapeFit, ShapeError> {
        let fit = self.linearised(theta)?;
        let critical = fit.critical_value(0.95).map_err(|source| self.unclear(source))?;
        let estimate = |(at, parameter): (usize, &ShapeParameter)| {
            let (value, half) = (theta[at], critical * fit.std_errors[at + 2]);
            ShapeEstimate {
                parameter: *parameter,
                estimate: parameter.bound(value),
                low: parameter.end(value - half),
                high: parameter.end(value + half),
            }
        };
        Ok(ShapeFit {
            params: self.params(theta),
            estimates: self.free.iter().enumerate().map(estimate).collect(),
            slope: (fit.coefficients[1], fit.std_errors[1]),
            accounts: fit.clusters,
            rows: fit.observations,
            rounds,
        })
    }
}
