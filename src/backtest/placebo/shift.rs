//! Would the scores of other months of the same account do as well?

use rand::RngExt;
use rayon::prelude::*;

use super::{Claim, DrawnPlacebo, PlaceboDates, PlaceboKind, drawn_figures};
use crate::backtest::BacktestError;
use crate::panel::Panel;
use crate::rng::{Draws, Stream};
use crate::stats::{MeanStatistic, PanelStatistic, cluster_ewc, difference, mid_ranks};

/// Least distance between a month and the one whose score it gets \[months\].
const LEAST: usize = 12;

/// Shifts made at a time: their influences are held at once.
const AT_ONCE: u64 = 16;

/// The mean rank IC beside that of scores moved by at least a year within their account.
///
/// ```text
/// x*(a, i) = R(a, (i + s_a) mod n_a)      i: number of a's row in the panel, s_a uniform in 12 ..= n_a − 12
/// ```
///
/// R is the score's rank among the accounts of its date, over their number: what all scores have in common at a
/// date must not move to another.
///
/// - What is left under a shift goes with who the account is; what is gone goes with when. An IC that a
///   shift leaves alone says nothing of lead, whatever its p-value elsewhere.
/// - Accounts with fewer than 24 rows cannot be shifted and take no part, in the real value either.
/// - p: two-sided, of the real IC less the mean of the shifted ones, account cluster + EWC date variance. The rank
///   of the real IC among the shifted ones is no test: a circle joins the last month to the first, so series
///   that last go together by chance more as they are than shifted.
/// - Read at `dates`. `draws`: K = `params.permutations` shifts of all accounts, number k from `draws.stream(k)`.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when the IC is undefined. Too few long accounts are a refusal inside the
/// result.
pub fn time_shift(
    claim: &Claim<'_>,
    dates: &PlaceboDates,
    draws: Draws,
) -> Result<DrawnPlacebo, BacktestError> {
    let kind = PlaceboKind::TimeShift;
    let panel = claim.panel;
    let rows = long_rows(panel);
    let long = rows.iter().filter(|rows| !rows.is_empty()).count();
    if long < claim.params.min_accounts as usize {
        let why = format!(
            "{long} accounts have at least {} months in the panel, expected {} or more",
            2 * LEAST,
            claim.params.min_accounts
        );
        return Ok(claim.refused(kind, why));
    }
    let outcome = dates.of_grid(&panel.outcome(claim.outcome, claim.horizon as i32));
    let ranks = shares_of_rank(panel, &claim.score.values);
    let fail = claim.failed(kind);
    let ic = |shift: &mut dyn FnMut(usize) -> usize| {
        let scores = shifted(&ranks, &rows, shift);
        dates.ic(&dates.of_grid(&scores), &outcome, claim.params.min_accounts)
    };
    let real = ic(&mut |_| 0).map_err(&fail)?;
    let random = |k: u64| {
        let mut stream: Stream = draws.stream(k);
        ic(&mut |n: usize| stream.random_range(LEAST..=n - LEAST))
    };
    let (mut found, mut mean): (Vec<f64>, Option<MeanStatistic>) = (Vec::new(), None);
    let all = u64::from(claim.params.permutations);
    for first in (0..all).step_by(AT_ONCE as usize) {
        let shifts: Vec<PanelStatistic> = (first..all.min(first + AT_ONCE))
            .into_par_iter()
            .map(random)
            .collect::<Result<_, _>>()
            .map_err(&fail)?;
        for shift in shifts {
            found.push(shift.estimate);
            match &mut mean {
                Some(mean) => mean.add(&shift).map_err(&fail)?,
                None => mean = Some(MeanStatistic::new(&shift)),
            }
        }
    }
    let mean = mean.expect("a plan asks for permutations").finish().map_err(&fail)?;
    let timing = difference(&real, &mean).and_then(|d| cluster_ewc(&d, 0.0)).map_err(&fail)?;
    let method = "mean rank IC with ranks moved by at least 12 months within their account, every third month, \
                  accounts of 24 months or more; p asks whether it matters when the score was read (real less mean \
                  of the draws, clustered by account)";
    let shape = (real.n_units, real.n_periods);
    let mut figures = drawn_figures(real.estimate, &found, shape, method.to_owned());
    figures.p_value = timing.p_value;
    Ok(DrawnPlacebo { placebo: claim.found(kind, figures), draws: found })
}

/// Rank of each score among those of its date over their number and one; NaN where there is none.
fn shares_of_rank(panel: &Panel, values: &[f64]) -> Vec<f64> {
    let months = panel.months();
    let mut shares = vec![f64::NAN; values.len()];
    for month in 0..months {
        let cells: Vec<usize> =
            (month..values.len()).step_by(months).filter(|&cell| !values[cell].is_nan()).collect();
        let own: Vec<f64> = cells.iter().map(|&cell| values[cell]).collect();
        let n = own.len() as f64;
        cells.iter().zip(mid_ranks(&own)).for_each(|(&cell, rank)| shares[cell] = rank / (n + 1.0));
    }
    shares
}

/// Cells of each account that can be shifted by a year either way, in order; none of the others.
fn long_rows(panel: &Panel) -> Vec<Vec<usize>> {
    let months = panel.months();
    let of_account = |account: usize| {
        let cells = (0..months).filter(|&month| panel.is_active(account, month));
        let cells: Vec<usize> = cells.map(|month| account * months + month).collect();
        if cells.len() < 2 * LEAST { Vec::new() } else { cells }
    };
    (0..panel.accounts().len()).map(of_account).collect()
}

/// Every row with the score of the row `shift(n)` further on, round the n rows of its account.
fn shifted(values: &[f64], rows: &[Vec<usize>], shift: &mut dyn FnMut(usize) -> usize) -> Vec<f64> {
    let mut moved = vec![f64::NAN; values.len()];
    for cells in rows.iter().filter(|cells| !cells.is_empty()) {
        let by = shift(cells.len());
        for (position, &cell) in cells.iter().enumerate() {
            moved[cell] = values[cells[(position + by) % cells.len()]];
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_goes_round_the_rows_of_its_own_account() {
        let values = [1.0, 2.0, 3.0, f64::NAN, 7.0, 8.0, 9.0, 6.0];
        let rows = vec![vec![0, 1, 2], vec![], vec![4, 5, 6, 7]];
        let moved = shifted(&values, &rows, &mut |n| n - 1);
        assert_eq!(moved[..3], [3.0, 1.0, 2.0]);
        assert!(moved[3].is_nan());
        assert_eq!(moved[4..], [6.0, 7.0, 8.0, 9.0]);
    }
}
