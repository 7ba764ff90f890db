//! Attrition month by month: who leaves next, among those who are still there?

use super::incremental::normal_scores_by_date;
use super::information::failed;
use super::power::detectable;
use super::{BacktestError, Finding};
use crate::panel::{Measure, Panel, PanelScore};
use crate::stats::{CoxFit, CoxRows, StatsError, Ties};

/// Log hazard ratio of one standard deviation of the score, on one start-stop row per account and month.
///
/// ```text
/// hazard of account a in (t, t+1]:  λ(t) exp(β z(score)_{a,t} + γ'z(given)_{a,t})
/// ```
///
/// - The clock is the calendar, so that a risk set is the accounts of one date: what strikes all of them
///   at once, and the months a panel happens to cover, are in λ. Accounts come in with their first row
///   (late entry) and leave by exit or with the data (censored).
/// - Every value is read at the start of its row: a score as of t says something of (t, t+1] only.
///   What an account gathers by staying never tells that it stayed (no immortal time).
/// - z: normal scores within the date. Exits of a month are tied (Efron). Errors are clustered by account.
/// - With baselines `given` the ratio is that among accounts alike in them; one that earlier baselines
///   determine is left out.
///
/// Negative: who has more leaves less. A hazard ratio is `exp(β)`.
///
/// # Errors
///
/// [`BacktestError::Statistic`] without exits, or when the score does not vary among accounts alike in
/// the baselines.
///
/// # Source
///
/// Andersen and Gill (1982), *Ann. Stat.* 10(4); Lin and Wei (1989), *J. Am. Stat. Assoc.* 84(408). Parity
/// of the regression: see [`CoxFit::fit`].
pub fn attrition_hazard(
    panel: &Panel,
    score: &PanelScore,
    given: &[&PanelScore],
) -> Result<Finding, BacktestError> {
    let fail = || failed("attrition hazard", &score.name, Measure::Attrition, 1);
    let rows = Rows::new(panel, score, given);
    let (fit, kept) = rows.fit().map_err(fail())?;
    let Some(ratio) = fit.coefficients.last() else {
        return Err(fail()(StatsError::TooFew { statistic: "cox", needed: 1, got: 0 }));
    };
    let (statistic, among) = if given.is_empty() {
        ("log_hazard_ratio", String::new())
    } else {
        let names: Vec<&str> =
            kept.iter().filter_map(|&column| Some(given.get(column)?.name.as_str())).collect();
        ("log_hazard_ratio_given_baselines", format!(" given {}", names.join(", ")))
    };
    Ok(Finding {
        hypothesis: None,
        score: score.name.clone(),
        outcome: Measure::Attrition.name().to_owned(),
        horizon_months: 1,
        statistic: statistic.to_owned(),
        estimate: Some(ratio.estimate),
        std_error: Some(ratio.std_error),
        ci_low: Some(ratio.ci_low),
        ci_high: Some(ratio.ci_high),
        p_value: Some(ratio.p_value),
        p_adjusted: None,
        n_accounts: ratio.n as u64,
        n_events: fit.n_events as u64,
        n_periods: rows.periods() as u64,
        method: format!(
            "Cox regression on monthly start-stop rows, score as of the row's start{among}; Efron ties, \
             errors clustered by account"
        ),
        detectable_effect: Some(detectable() * ratio.std_error),
        in_family: false,
    })
}

/// Start-stop rows, the score's column last.
struct Rows {
    entry: Vec<f64>,
    exit: Vec<f64>,
    event: Vec<bool>,
    account: Vec<u32>,
    x: Vec<f64>,
    columns: usize,
}

impl Rows {
    /// One row for each account and month at which everything is known, and whether it left in the next.
    fn new(panel: &Panel, score: &PanelScore, given: &[&PanelScore]) -> Self {
        let months = panel.months();
        let exits = panel.outcome(Measure::Attrition, 1);
        let columns: Vec<Vec<f64>> = given
            .iter()
            .chain([&score])
            .map(|column| normal_scores_by_date(&column.values, panel))
            .collect();
        let mut rows = Self {
            entry: Vec::new(),
            exit: Vec::new(),
            event: Vec::new(),
            account: Vec::new(),
            x: Vec::new(),
            columns: columns.len(),
        };
        for (cell, &left) in exits.iter().enumerate() {
            if left.is_nan() || columns.iter().any(|column| column[cell].is_nan()) {
                continue;
            }
            let month = (cell % months) as f64;
            rows.entry.push(month);
            rows.exit.push(month + 1.0);
            rows.event.push(left > 0.5);
            rows.account.push((cell / months) as u32);
            rows.x.extend(columns.iter().map(|column| column[cell]));
        }
        rows
    }

    /// The regression and the columns in it; one that earlier ones determine is left out, but not the score's.
    fn fit(&self) -> Result<(CoxFit, Vec<usize>), StatsError> {
        let (mut x, mut kept): (_, Vec<usize>) = (self.x.clone(), (0..self.columns).collect());
        loop {
            let columns = kept.len();
            let rows = CoxRows::new(&self.entry, &self.exit, &self.event, &x, columns)?
                .with_clusters(&self.account)?;
            match CoxFit::fit(&rows, Ties::Efron) {
                Err(StatsError::Collinear { column, .. }) if column + 1 < columns => {
                    x = without(&x, columns, column);
                    kept.remove(column);
                }
                result => return Ok((result?, kept)),
            }
        }
    }

    fn periods(&self) -> usize {
        let mut months: Vec<u32> = self.entry.iter().map(|&month| month as u32).collect();
        months.sort_unstable();
        months.dedup();
        months.len()
    }
}

/// Rows of `columns` values without that of `column`.
fn without(x: &[f64], columns: usize, column: usize) -> Vec<f64> {
    let kept = |(at, value): (usize, &f64)| (at % columns != column).then_some(*value);
    x.iter().enumerate().filter_map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn a_column_is_taken_out_of_every_row() {
        assert_eq!(without(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3, 1), [1.0, 3.0, 4.0, 6.0]);
    }
}
