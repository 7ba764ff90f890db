//! The number that a world's paragraph promises, computed from its truth table.

use crate::interaction::{AccountHistory, RelationshipState, Status, Truth};
use crate::simulate::{Correlation, Criterion, Simulation, Statistic};
use crate::stats::{LeastSquares, RestrictedCubicSpline, StatsError, mid_ranks, pearson};

use super::sample::{Sample, Sampler};

/// A criterion and what came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The criterion of the world.
    pub criterion: Criterion,
    /// Its value.
    pub value: f64,
    /// Accounts simulated.
    pub accounts: u32,
}

impl Measured {
    /// Whether the value lies in the criterion's band.
    pub fn holds(&self) -> bool {
        self.criterion.holds(self.value)
    }
}

/// Measures `criterion` on the first `accounts` accounts of a simulation.
///
/// # Errors
///
/// [`StatsError`] when too few accounts are there for a correlation.
pub fn measure(
    simulation: &Simulation,
    criterion: &Criterion,
    accounts: u32,
) -> Result<Measured, StatsError> {
    let value = match &criterion.statistic {
        Statistic::RankCorrelation(of) => mean(&by_date(simulation, of, accounts)?),
        Statistic::Difference { first, second } => {
            mean(&by_date(simulation, first, accounts)?)
                - mean(&by_date(simulation, second, accounts)?)
        }
        Statistic::Spread(of) => deviation(&by_date(simulation, of, accounts)?),
        Statistic::RiskAtRelease => ratio(simulation, accounts, risk_at_release),
        Statistic::FallAfterCritical => {
            ratio(simulation, accounts, |history| fall(history, true))
                - ratio(simulation, accounts, |history| fall(history, false))
        }
        Statistic::MissingExits => missing_exits(simulation, accounts),
        Statistic::LoggingGap => {
            logging(simulation, accounts, RelationshipState::Damaged)
                - logging(simulation, accounts, RelationshipState::Communal)
        }
    };
    Ok(Measured { criterion: criterion.clone(), value, accounts })
}

/// The correlation at each date.
fn by_date(
    simulation: &Simulation,
    of: &Correlation,
    accounts: u32,
) -> Result<Vec<f64>, StatsError> {
    correlations(simulation, std::slice::from_ref(of), accounts).swap_remove(0)
}

/// Each correlation at each of its dates, from one pass over the accounts.
pub(super) fn correlations(
    simulation: &Simulation,
    of: &[Correlation],
    accounts: u32,
) -> Vec<Result<Vec<f64>, StatsError>> {
    let samplers: Vec<Sampler<'_>> = of.iter().map(|of| Sampler::new(simulation, of)).collect();
    let mut samples: Vec<Vec<Sample>> = samplers.iter().map(Sampler::empty).collect();
    for history in simulation.histories(accounts) {
        for (sampler, samples) in samplers.iter().zip(&mut samples) {
            sampler.add(&history, samples);
        }
    }
    samples.iter().map(|dates| dates.iter().map(partial_rank_correlation).collect()).collect()
}

/// Knots of the splines that hold a control constant.
const KNOTS: usize = 5;

/// Correlation of the ranks of score and outcome, freed of what splines of the controls' ranks
/// explain.
///
/// ```text
/// ρ = corr(rank(x) − E[rank(x) | s(z)], rank(y) − E[rank(y) | s(z)])
/// ```
fn partial_rank_correlation(sample: &Sample) -> Result<f64, StatsError> {
    let (x, y) = (mid_ranks(&sample.score), mid_ranks(&sample.outcome));
    if sample.controls.is_empty() {
        return pearson(&x, &y);
    }
    let n = x.len();
    let mut rows: Vec<Vec<f64>> = vec![Vec::new(); n];
    for control in &sample.controls {
        let ranks: Vec<f64> = mid_ranks(control).iter().map(|r| r / n as f64).collect();
        let spline = RestrictedCubicSpline::from_quantiles(&ranks, KNOTS)?;
        for (row, rank) in rows.iter_mut().zip(&ranks) {
            spline.basis(*rank, row);
        }
    }
    let columns = rows.first().map_or(0, Vec::len);
    let design: Vec<f64> = rows.into_iter().flatten().collect();
    let freed = |values: &[f64]| -> Result<Vec<f64>, StatsError> {
        let fit = LeastSquares::fit(&design, columns, values)?;
        let rows = design.chunks(columns);
        Ok(values.iter().zip(rows).map(|(v, row)| v - fit.predict_row(row)).collect())
    };
    pearson(&freed(&x)?, &freed(&y)?)
}

/// Sum of numerators over sum of denominators.
fn ratio(
    simulation: &Simulation,
    accounts: u32,
    of: impl Fn(&AccountHistory) -> (f64, f64),
) -> f64 {
    let (mut above, mut below) = (0.0, 0.0);
    for history in simulation.histories(accounts) {
        let (numerator, denominator) = of(&history);
        above += numerator;
        below += denominator;
    }
    above / below
}

fn risk_at_release(history: &AccountHistory) -> (f64, f64) {
    let risk = |rows: &mut dyn Iterator<Item = &Truth>| rows.map(|truth| truth.hazard).sum();
    let free = risk(&mut history.truth.iter().filter(|truth| truth.locked_in < 0.5));
    (free, risk(&mut history.truth.iter()))
}

/// Months after a critical interaction at which the relationship is looked at.
const AFTERWARDS: usize = 3;

/// Months in a good state, with or without a critical interaction felt by a fifth of the buying
/// influence, and how many of them lead to a damaged relationship.
fn fall(history: &AccountHistory, critical: bool) -> (f64, f64) {
    let (mut fallen, mut months) = (0.0, 0.0);
    for pair in history.truth.windows(AFTERWARDS + 1) {
        let (now, later) = (&pair[0], &pair[AFTERWARDS]);
        let good = now.state >= RelationshipState::Transitional;
        let wanted = if critical { now.critical >= 0.2 } else { now.critical <= 0.0 };
        if good && wanted {
            months += 1.0;
            fallen += f64::from(u8::from(later.state == RelationshipState::Damaged));
        }
    }
    (fallen, months)
}

fn missing_exits(simulation: &Simulation, accounts: u32) -> f64 {
    let expected = ratio(simulation, accounts, |history| {
        (history.truth.iter().map(|truth| truth.hazard).sum(), customer_years(history))
    });
    let seen = ratio(simulation, accounts, |history| {
        (f64::from(u8::from(history.account.exited_at.is_some())), customer_years(history))
    });
    expected - seen
}

fn customer_years(history: &AccountHistory) -> f64 {
    let customer = |status| status != Status::Prospect;
    history.outcomes.iter().filter(|outcome| customer(outcome.status)).count() as f64 / 12.0
}

/// Share of touches not logged in months that `state` governs.
fn logging(simulation: &Simulation, accounts: u32, state: RelationshipState) -> f64 {
    ratio(simulation, accounts, |history| {
        let (mut lost, mut logged) = (0.0, 0.0);
        let mut rows = history.interactions.iter().peekable();
        for (outcome, truth) in history.outcomes.iter().zip(&history.truth) {
            let mut here = 0.0;
            while rows.next_if(|row| row.occurred_at < outcome.period_end).is_some() {
                here += 1.0;
            }
            if truth.state == state && outcome.status == Status::Customer {
                lost += truth.unlogged;
                logged += here - truth.mirrored_purchases;
            }
        }
        (lost, lost + logged)
    })
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}
