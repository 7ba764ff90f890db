//! Where do accounts of a quantile stand later, and how long does a ranking last?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backtest::BacktestError;
use crate::backtest::information::{failed, grid};
use crate::backtest::placebo::Claim;
use crate::backtest::quantile::groups_by_date;
use crate::stats::mean_rank_correlation;

/// How alike the ranking of accounts is to that of some months later.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RankPersistence {
    /// Months between the rankings.
    pub months: u32,
    /// Mean over dates of the rank correlation of the score with itself, over accounts that stay.
    pub autocorrelation: f64,
    /// Share of the accounts of the top quantile that stay and are no longer in it.
    pub top_turnover: f64,
    /// Dates that contributed.
    pub n_periods: u64,
}

/// Migration between quantiles of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Score.
    pub score: String,
    /// Months between the dates.
    pub horizon_months: u32,
    /// By quantile of the start, lowest first: shares in each quantile of `horizon_months` later, lowest
    /// first, and last the share of those that exited. Each row adds up to 1.
    pub shares: Vec<Vec<f64>>,
    /// Account-months that start in each quantile.
    pub n_start: Vec<u64>,
    /// Account-months without a row `horizon_months` later that did not exit: left out of the shares.
    pub n_dropped: u64,
    /// Persistence of the ranking at each horizon of the plan.
    pub persistence: Vec<RankPersistence>,
}

/// Migration between the quantiles of a score over the horizon of a claim, and persistence over `horizons`.
///
/// ```text
/// share(i, j) = #{(a, t): a in quantile i at t, in j at t + h} / #{(a, t): a in i at t, in any or exited by t + h}
/// ```
///
/// Quantiles are those of each date among the accounts with a row then. Starts too near to the end of the data
/// are not counted.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when no account has a row both before and after.
pub fn migration(claim: &Claim<'_>, horizons: &[u32]) -> Result<Migration, BacktestError> {
    let (panel, values) = (claim.panel, &claim.score.values);
    let quantiles = claim.params.quantiles as usize;
    let months = panel.months();
    let groups = groups_by_date(panel, values, values, quantiles);
    let step = claim.horizon as usize;
    let mut counts = vec![vec![0_u64; quantiles + 1]; quantiles];
    let mut n_dropped = 0;
    for (cell, from) in groups.iter().enumerate() {
        let (account, month) = (cell / months, cell % months);
        let Some(from) = from.filter(|_| month + step < months) else { continue };
        let left = panel.accounts()[account].exit.is_some_and(|exit| exit <= (month + step) as i32);
        match groups[cell + step] {
            Some(to) => counts[from][to] += 1,
            None if left => counts[from][quantiles] += 1,
            None => n_dropped += 1,
        }
    }
    let n_start: Vec<u64> = counts.iter().map(|row| row.iter().sum()).collect();
    let share = |(row, n): (&Vec<u64>, &u64)| {
        row.iter().map(|count| *count as f64 / (*n).max(1) as f64).collect()
    };
    let shares = counts.iter().zip(&n_start).map(share).collect();
    let mut persistence = Vec::new();
    for &horizon in horizons {
        persistence.extend(persists(claim, &groups, horizon as usize));
    }
    let least = claim.params.min_accounts as usize;
    if persistence.is_empty() {
        let source = crate::stats::StatsError::NoPeriod { statistic: "migration", needed: least };
        return Err(failed("migration", &claim.score.name, claim.outcome, step as i32)(source));
    }
    Ok(Migration {
        score: claim.score.name.clone(),
        horizon_months: claim.horizon,
        shares,
        n_start,
        n_dropped,
        persistence,
    })
}

/// Persistence over one horizon; none where no date has enough accounts.
fn persists(claim: &Claim<'_>, groups: &[Option<usize>], step: usize) -> Option<RankPersistence> {
    let months = claim.panel.months();
    let values = &claim.score.values;
    let later: Vec<f64> = (0..values.len())
        .map(|cell| if cell % months + step < months { values[cell + step] } else { f64::NAN })
        .collect();
    let least = claim.params.min_accounts as usize;
    let (x, y) = (grid(values, claim.panel).ok()?, grid(&later, claim.panel).ok()?);
    let statistic = mean_rank_correlation(x, y, least).ok()?;
    let top = claim.params.quantiles as usize - 1;
    let stays = (0..groups.len()).filter(|&cell| !later[cell].is_nan());
    let started: Vec<usize> = stays.filter(|&cell| groups[cell] == Some(top)).collect();
    let gone = started.iter().filter(|&&cell| groups[cell + step] != Some(top)).count();
    Some(RankPersistence {
        months: step as u32,
        autocorrelation: statistic.estimate,
        top_turnover: gone as f64 / started.len().max(1) as f64,
        n_periods: statistic.n_periods as u64,
    })
}
