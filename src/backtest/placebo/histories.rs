//! Would the history of any account of the stratum do as well?

use super::{Claim, DrawnPlacebo, PlaceboKind, drawn_figures};
use crate::backtest::BacktestError;
use crate::backtest::information::grid;
use crate::rng::Draws;
use crate::stats::permute_histories;

/// The mean rank IC beside that of histories swapped between accounts of a stratum.
///
/// The permutation of the headline, with its p-value (studentised, two-sided) and all its draws.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when the IC is undefined.
pub fn swapped_histories(
    claim: &Claim<'_>,
    (strata, draws): (&[u32], Draws),
) -> Result<DrawnPlacebo, BacktestError> {
    let kind = PlaceboKind::SwappedHistories;
    let fail = claim.failed(kind);
    let outcome = claim.panel.outcome(claim.outcome, claim.horizon as i32);
    let (score, least) = (&claim.score.values, claim.params.min_accounts as usize);
    let (x, y) =
        (grid(score, claim.panel).map_err(&fail)?, grid(&outcome, claim.panel).map_err(&fail)?);
    let permutations = claim.params.permutations as usize;
    let test = permute_histories(x, y, strata, permutations, draws, least).map_err(&fail)?;
    let shape = crate::stats::mean_rank_correlation(x, y, least).map_err(&fail)?;
    let method = "mean rank IC with whole score histories swapped between accounts of a stratum; p asks, on \
                  both sides and in standard errors, whether other histories do as well";
    let mut figures = drawn_figures(
        test.observed,
        &test.null,
        (shape.n_units, shape.n_periods),
        method.to_owned(),
    );
    figures.p_value = test.p_value;
    Ok(DrawnPlacebo { placebo: claim.found(kind, figures), draws: test.null })
}
