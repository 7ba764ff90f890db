//! Outcomes that the score cannot bring about: those of the past, and who the account was from the start.

use serde::{Deserialize, Serialize};

use super::{Claim, Placebo, PlaceboFigures, PlaceboKind};
use crate::backtest::BacktestError;
use crate::backtest::information::{before_cost, grid};
use crate::panel::{Measure, Panel};
use crate::stats::{PanelStatistic, StatsError, cluster_ewc, difference, mean_rank_correlation};

/// An outcome that no interaction can bring about, as a plan names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NegativeControl {
    /// Recorded size of the account: it stands in the log from the start.
    Size,
    /// Month in which the account became a customer.
    Entry,
}

impl NegativeControl {
    /// Name as written in plans and results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Entry => "entry",
        }
    }

    /// Its value for every row of the panel, shape `(accounts, months)`.
    fn values(self, panel: &Panel) -> Vec<f64> {
        let of_account = |account: &crate::panel::PanelAccount| match self {
            Self::Size => account.size.unwrap_or(f64::NAN),
            Self::Entry => f64::from(account.entry),
        };
        let accounts = panel.accounts().iter().map(of_account);
        accounts.flat_map(|value| std::iter::repeat_n(value, panel.months())).collect()
    }
}

/// The mean rank IC with a negative control, beside that with the outcome.
///
/// - The score is read where the outcome is known. p asks whether the score goes with the control at all: a
///   small one says that the score tells who the account is, so that the IC with the outcome may be due to
///   that. It is no false alarm of the test.
/// - What was measured in months before is a control too: [`negative_horizon`]. The same outcome before the
///   first interaction that still feeds a score would be a better one, but a score that fades has no such
///   month.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when an IC is undefined, as where no account has the control.
///
/// # Source
///
/// Lipsitch, Tchetgen Tchetgen and Cohen (2010), *Epidemiology* 21(3), 383-388.
pub fn negative_control(
    claim: &Claim<'_>,
    control: NegativeControl,
) -> Result<Placebo, BacktestError> {
    let kind = PlaceboKind::NegativeControl;
    let fail = claim.failed(kind);
    let outcome = claim.panel.outcome(claim.outcome, claim.horizon as i32);
    let mut values = control.values(claim.panel);
    for (value, outcome) in values.iter_mut().zip(&outcome) {
        if outcome.is_nan() {
            *value = f64::NAN;
        }
    }
    let real = ic(claim, &outcome).map_err(&fail)?;
    let measured = ic(claim, &values).map_err(&fail)?;
    let inference = cluster_ewc(&measured, 0.0).map_err(&fail)?;
    let figures = PlaceboFigures {
        real: real.estimate,
        median: inference.estimate,
        low: inference.ci_low,
        high: inference.ci_high,
        percentile: None,
        p_value: inference.p_value,
        draws: 0,
        n_accounts: inference.n_units as u64,
        n_periods: inference.n_periods as u64,
        method: format!(
            "mean rank IC with {}, which no interaction brings about; p asks whether the score goes with it",
            control.name()
        ),
    };
    let outcome = control.name().to_owned();
    Ok(Placebo { outcome, ..claim.found(kind, figures) })
}

/// The mean rank IC with what came, beside that with what had been.
///
/// On gross profit where the outcome is contribution, which holds the cost of the interactions that make the
/// score. Both at the dates that have both; p asks whether they differ.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when an IC is undefined.
pub fn negative_horizon(claim: &Claim<'_>) -> Result<Placebo, BacktestError> {
    let kind = PlaceboKind::NegativeHorizon;
    let fail = claim.failed(kind);
    let outcome: Measure = before_cost(claim.outcome);
    let months = claim.horizon as i32;
    let [mut ahead, mut behind] = [months, -months].map(|h| claim.panel.outcome(outcome, h));
    let (first, second) = (ic(claim, &ahead).map_err(&fail)?, ic(claim, &behind).map_err(&fail)?);
    let defined = first.per_period.iter().zip(&second.per_period);
    let common: Vec<bool> = defined.map(|(a, b)| a.is_some() && b.is_some()).collect();
    for values in [&mut ahead, &mut behind] {
        let cells = values.iter_mut().enumerate();
        cells.filter(|(at, _)| !common[at % common.len()]).for_each(|(_, value)| *value = f64::NAN);
    }
    let (ahead, behind) = (ic(claim, &ahead).map_err(&fail)?, ic(claim, &behind).map_err(&fail)?);
    let contrast = difference(&ahead, &behind).map_err(&fail)?;
    let test = cluster_ewc(&contrast, 0.0).map_err(&fail)?;
    let inference = cluster_ewc(&behind, 0.0).map_err(&fail)?;
    let figures = PlaceboFigures {
        real: ahead.estimate,
        median: inference.estimate,
        low: inference.ci_low,
        high: inference.ci_high,
        percentile: None,
        p_value: test.p_value,
        draws: 0,
        n_accounts: inference.n_units as u64,
        n_periods: inference.n_periods as u64,
        method: format!(
            "mean rank IC with {} of the {months} months before; p asks whether it differs from that of \
             the months after",
            outcome.name().replace('_', " ")
        ),
    };
    Ok(Placebo { outcome: outcome.name().to_owned(), ..claim.found(kind, figures) })
}

fn ic(claim: &Claim<'_>, outcome: &[f64]) -> Result<PanelStatistic, StatsError> {
    let (x, y) = (grid(&claim.score.values, claim.panel)?, grid(outcome, claim.panel)?);
    mean_rank_correlation(x, y, claim.params.min_accounts as usize)
}
