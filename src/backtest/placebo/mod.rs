//! Placebos: tests in which nothing may be found, run like the real one.
//!
//! Each sets the statistic of the data beside what it is where the claim cannot hold: histories of other
//! accounts, other catalogues, other months, outcomes of the past, outcomes that nothing can bring about,
//! dates on which nothing happened.

mod catalogues;
mod control;
mod histories;
mod shift;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::panel::{Measure, Panel, PanelParams, PanelScore};
use crate::stats::{self, Grid, PanelStatistic, StatsError};

pub use catalogues::{CatalogueSample, DatedExposures};
pub use control::{NegativeControl, negative_control, negative_horizon};
pub use histories::swapped_histories;
pub use shift::time_shift;

use super::{BacktestError, BacktestParams};

/// What is not true in a placebo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaceboKind {
    /// Scores belong to other accounts of the stratum.
    SwappedHistories,
    /// The catalogue's values belong to other interaction types of the same sign.
    RandomCatalogues,
    /// Scores belong to other months of the same account.
    TimeShift,
    /// The outcome came before the score.
    NegativeHorizon,
    /// The outcome is one that no interaction can bring about.
    NegativeControl,
    /// The moments happened at other dates, to other accounts.
    FakeDates,
}

impl PlaceboKind {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::SwappedHistories => "swapped histories",
            Self::RandomCatalogues => "random catalogues",
            Self::TimeShift => "time shift",
            Self::NegativeHorizon => "negative horizon",
            Self::NegativeControl => "negative control",
            Self::FakeDates => "fake dates",
        }
    }
}

/// One placebo beside the real thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placebo {
    /// What is not true in it.
    pub placebo: PlaceboKind,
    /// Score.
    pub score: String,
    /// Outcome of the placebo.
    pub outcome: String,
    /// Horizon of the real thing \[months\].
    pub horizon_months: u32,
    /// What came out; absent where it could not be computed.
    pub figures: Option<PlaceboFigures>,
    /// Why it could not, where it could not.
    pub refusal: Option<String>,
}

/// What came out of a placebo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceboFigures {
    /// The statistic of the data, on the rows that the placebo has.
    pub real: f64,
    /// Median of the draws; where nothing is drawn, the estimate.
    pub median: f64,
    /// 2.5 % quantile of the draws; where nothing is drawn, the lower end of the 95 % interval.
    pub low: f64,
    /// 97.5 % quantile of the draws; where nothing is drawn, the upper end of the 95 % interval.
    pub high: f64,
    /// Share of the draws below the real value, ties half; absent where nothing is drawn.
    pub percentile: Option<f64>,
    /// p-value of the question that `method` asks.
    pub p_value: f64,
    /// Number of draws; 0 where nothing is drawn.
    pub draws: u32,
    /// Accounts that took part.
    pub n_accounts: u64,
    /// Dates that took part.
    pub n_periods: u64,
    /// What was drawn or measured, and what the p-value asks.
    pub method: String,
}

/// A placebo with every draw, in the order drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnPlacebo {
    /// The placebo.
    pub placebo: Placebo,
    /// The statistic of each draw.
    pub draws: Vec<f64>,
}

/// What a placebo is about.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The panel.
    pub panel: &'a Panel,
    /// Score under test.
    pub score: &'a PanelScore,
    /// Outcome.
    pub outcome: Measure,
    /// Horizon \[months\].
    pub horizon: u32,
    /// Settings.
    pub params: &'a BacktestParams,
}

impl Claim<'_> {
    pub(super) fn failed(&self, kind: PlaceboKind) -> impl Fn(StatsError) -> BacktestError {
        let (score, outcome) = (&self.score.name, self.outcome.name());
        let what = format!("{} of `{score}` on `{outcome}`", kind.words());
        move |source| BacktestError::Statistic { what: what.clone(), source }
    }

    /// The placebo of this claim with its figures.
    pub(super) fn found(&self, kind: PlaceboKind, figures: PlaceboFigures) -> Placebo {
        Placebo {
            placebo: kind,
            score: self.score.name.clone(),
            outcome: self.outcome.name().to_owned(),
            horizon_months: self.horizon,
            figures: Some(figures),
            refusal: None,
        }
    }

    /// The placebo of this claim, and why there is none.
    pub fn refused(&self, kind: PlaceboKind, why: String) -> DrawnPlacebo {
        let placebo = Placebo {
            placebo: kind,
            score: self.score.name.clone(),
            outcome: self.outcome.name().to_owned(),
            horizon_months: self.horizon,
            figures: None,
            refusal: Some(why),
        };
        DrawnPlacebo { placebo, draws: Vec::new() }
    }
}

/// Months between the dates at which placebos that need many rankings read the panel.
const STEP: usize = 3;

/// The dates of a panel at which placebos that need many rankings read it: every third month.
///
/// Scores move little within a quarter; the real value is read at the same dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceboDates {
    months: Vec<usize>,
    of: usize,
}

impl PlaceboDates {
    /// The dates of a panel cut by `params`, of which not all need have rows.
    pub fn new(params: &PanelParams) -> Self {
        let of = params.months as usize;
        Self { months: (params.warm_up_months as usize..of).step_by(STEP).collect(), of }
    }

    /// Positions among these dates of those of `months` that are one, and their positions in `months`.
    pub fn among(&self, months: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let date = |month: &usize| self.months.binary_search(month).ok();
        let found = months.iter().enumerate().filter_map(|(at, month)| Some((date(month)?, at)));
        found.unzip()
    }

    /// Positions of the months, ascending.
    pub fn months(&self) -> &[usize] {
        &self.months
    }

    /// The values of a grid of the panel at these dates, shape `(accounts, dates)`.
    pub(super) fn of_grid(&self, values: &[f64]) -> Vec<f64> {
        let rows = values.chunks_exact(self.of);
        rows.flat_map(|row| self.months.iter().map(|&month| row[month])).collect()
    }

    /// The mean rank correlation of two grids at these dates.
    fn ic(&self, x: &[f64], y: &[f64], min_accounts: u32) -> Result<PanelStatistic, StatsError> {
        let dates = self.months.len();
        let accounts = x.len().checked_div(dates).unwrap_or(0);
        let (x, y) = (Grid::new(x, accounts, dates)?, Grid::new(y, accounts, dates)?);
        stats::mean_rank_correlation(x, y, min_accounts as usize)
    }
}

/// The figures of a placebo that was drawn many times; p: no more draws reach the real value than chance
/// would bring, `(k + 1) / (K + 1)` with k draws at or above it.
pub(super) fn drawn_figures(
    real: f64,
    draws: &[f64],
    (n_accounts, n_periods): (usize, usize),
    method: String,
) -> PlaceboFigures {
    let mut sorted = draws.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let at = |share: f64| sorted[((n - 1) as f64 * share).round() as usize];
    // A draw that repeats the data may differ by rounding.
    let margin = 1e-9 * real.abs();
    let above = draws.iter().filter(|draw| **draw > real + margin).count();
    let below = draws.iter().filter(|draw| **draw < real - margin).count();
    let ties = n - above - below;
    PlaceboFigures {
        real,
        median: at(0.5),
        low: at(0.025),
        high: at(0.975),
        percentile: Some((below as f64 + 0.5 * ties as f64) / n as f64),
        p_value: (above + ties + 1) as f64 / (n + 1) as f64,
        draws: n as u32,
        n_accounts: n_accounts as u64,
        n_periods: n_periods as u64,
        method,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_counts_ties_half_and_p_counts_them_whole() {
        let figures = drawn_figures(2.0, &[1.0, 2.0, 3.0, 0.0], (5, 2), String::new());
        assert_eq!((figures.percentile, figures.p_value), (Some(0.625), 0.6));
        assert_eq!((figures.low, figures.high, figures.draws), (0.0, 3.0, 4));
        let highest = drawn_figures(9.0, &[1.0; 199], (5, 2), String::new());
        assert_eq!((highest.percentile, highest.p_value), (Some(1.0), 0.005));
    }
}
