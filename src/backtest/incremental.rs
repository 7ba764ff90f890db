//! Does the score add to forecasts that already use the baselines, out of sample?

use crate::ids::{AccountIndex, ContactIndex};
use crate::panel::{Measure, Panel, PanelScore, WalkForward};
use crate::rng::{Purpose, Streams};
use crate::stats::{self, NormalEquations, RestrictedCubicSpline, StatsError};

use super::information::failed;
use super::power::detectable;
use super::{BacktestError, BacktestParams, Finding};

/// How the baselines enter the forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// Linearly.
    Linear,
    /// Through restricted cubic splines and the product of every pair, so that neither a bend nor an
    /// interaction can easily pass for lead.
    ///
    /// Ranks within a date of n accounts measure a baseline with an error of variance 1/n: a score
    /// that is a bent copy of it keeps a gain of that order (.01 at 200 accounts for a parabola).
    Flexible,
}

impl Baseline {
    const fn statistic(self) -> &'static str {
        match self {
            Self::Linear => "oos_gain_linear",
            Self::Flexible => "oos_gain_flexible",
        }
    }

    /// Regressors of one feature.
    const fn width(self) -> usize {
        match self {
            Self::Linear => 1,
            Self::Flexible => KNOTS.len() - 1,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Flexible => "flexible (splines and products of pairs)",
        }
    }
}

/// Out-of-sample gain of one score over the baselines.
#[derive(Debug, Clone, PartialEq)]
pub struct Gain {
    /// The finding: relative gain of the forecast with the score, freed of the cost of estimation.
    pub finding: Finding,
    /// Walk-forward folds used.
    pub folds: usize,
}

/// Knots at these quantiles of the standard normal: features are normal scores by date, so the
/// knots need no data (Harrell's placement for four knots: .05, .35, .65, .95).
const KNOTS: [f64; 4] = [-1.644_853_6, -0.385_320_5, 0.385_320_5, 1.644_853_6];

/// Out-of-sample gain of `score` over `baselines` for `outcome` at `horizon`.
///
/// ```text
/// gain = Σ (y − f₀)(f₁ − f₀) / Σ (y − f₀)²      f₀: forecast of the baselines, f₁: with the score
/// ```
///
/// The numerator is half of (y − f₀)² − (y − f₁)² + (f₀ − f₁)², the fall of the squared error freed of
/// what estimating the score's part costs the larger forecast (Clark and West 2007): without that a
/// forecast that holds a useless score would lose, and one that holds a weak one could not win. The
/// fall of the squared error as it is stands in `method`.
///
/// Scores and amounts enter as normal scores within their date (an exit as 0 or 1, so that the
/// loss is Brier's); least squares; walk-forward folds with purge and embargo of one horizon;
/// an account is forecast only by models that never saw it. The interval resamples accounts.
///
/// # Source
///
/// Clark and West (2007), *J. Econometrics* 138(1), 291–311; clustered by account.
///
/// # Errors
///
/// [`BacktestError::NoFold`] when the panel is too short, [`BacktestError::Statistic`] when a
/// regression fails or fewer than `min_accounts` accounts are forecast: few of them resampled have too
/// small an error.
pub fn incremental_gain(
    panel: &Panel,
    score: &PanelScore,
    baselines: &[&PanelScore],
    (outcome, horizon): (Measure, u32),
    kind: Baseline,
    params: &BacktestParams,
    streams: Streams,
) -> Result<Gain, BacktestError> {
    let (accounts, months) = (panel.accounts().len(), panel.months());
    let first = (0..months).find(|&m| (0..accounts).any(|a| panel.is_active(a, m))).unwrap_or(0);
    let split = WalkForward::new(
        (first, months),
        accounts,
        horizon as usize,
        (params.min_train_months as usize, params.test_block_months as usize),
        params.account_groups,
        streams,
    );
    if split.folds().is_empty() {
        let needed = first + params.min_train_months as usize + 3 * horizon as usize + 1;
        return Err(BacktestError::NoFold { months, needed, horizon });
    }
    let target = panel.outcome(outcome, horizon as i32);
    let target =
        if outcome == Measure::Attrition { target } else { normal_scores_by_date(&target, panel) };
    let features: Vec<Vec<f64>> = baselines
        .iter()
        .map(|b| normal_scores_by_date(&b.values, panel))
        .chain([normal_scores_by_date(&score.values, panel)])
        .collect();
    let fail = || failed("out-of-sample gain", &score.name, outcome, horizon as i32);
    let design = Design { features: &features, target: &target, months, kind };
    let losses = walk(&design, accounts, &split).map_err(fail())?;
    let (gains, base): (Vec<f64>, Vec<f64>) =
        losses.iter().filter(|loss| loss.n > 0).map(|loss| (loss.gain, loss.without)).unzip();
    let (needed, got) = (params.min_accounts as usize, gains.len());
    if got < needed {
        let statistic = "out-of-sample gain by accounts";
        return Err(fail()(StatsError::TooFew { statistic, needed, got }));
    }
    let fall: f64 = losses.iter().map(|loss| loss.without - loss.with).sum::<f64>()
        / losses.iter().map(|loss| loss.without).sum::<f64>();
    let draws = streams.draws(Purpose::Bootstrap, AccountIndex(u32::MAX), ContactIndex(0));
    let interval =
        stats::ratio_bootstrap(&gains, &base, params.resamples as usize, draws).map_err(fail())?;
    let finding = Finding {
        hypothesis: None,
        score: score.name.clone(),
        outcome: outcome.name().to_owned(),
        horizon_months: horizon as i32,
        statistic: kind.statistic().to_owned(),
        estimate: Some(interval.estimate),
        std_error: Some(interval.std_error),
        ci_low: Some(interval.ci_low),
        ci_high: Some(interval.ci_high),
        p_value: Some(interval.p_value),
        p_adjusted: None,
        n_accounts: gains.len() as u64,
        n_events: losses.iter().map(|loss| loss.n).sum(),
        n_periods: split.folds().iter().map(|f| (f.test_end - f.test_start) as u64).sum(),
        method: format!(
            "out-of-sample gain over {} baselines (Clark-West; squared error itself falls by \
             {fall:.4}); walk-forward, purged and embargoed by the horizon, grouped by account; \
             account-cluster bootstrap",
            kind.words()
        ),
        detectable_effect: Some(detectable() * interval.std_error),
        in_family: false,
    };
    Ok(Gain { finding, folds: split.folds().len() })
}

/// Values as normal scores within their date; NaN stays NaN.
pub(super) fn normal_scores_by_date(values: &[f64], panel: &Panel) -> Vec<f64> {
    let (accounts, months) = (panel.accounts().len(), panel.months());
    let mut scores = vec![f64::NAN; values.len()];
    for month in 0..months {
        let present: Vec<usize> = (0..accounts)
            .map(|account| account * months + month)
            .filter(|&cell| !values[cell].is_nan())
            .collect();
        let cross_section: Vec<f64> = present.iter().map(|&cell| values[cell]).collect();
        for (&cell, value) in present.iter().zip(stats::normal_scores(&cross_section)) {
            scores[cell] = value;
        }
    }
    scores
}

struct Design<'a> {
    /// Baselines, then the score; shape `(accounts, months)` each.
    features: &'a [Vec<f64>],
    target: &'a [f64],
    months: usize,
    kind: Baseline,
}

impl Design<'_> {
    /// Fills `row` with the regressors of one cell: baselines first, the score's last.
    ///
    /// Gives the number of regressors that belong to the baselines; `None` where anything is
    /// missing.
    fn row(
        &self,
        spline: &RestrictedCubicSpline,
        cell: usize,
        row: &mut Vec<f64>,
    ) -> Option<usize> {
        row.clear();
        if self.target[cell].is_nan() || self.features.iter().any(|f| f[cell].is_nan()) {
            return None;
        }
        let (score, baselines) = self.features.split_last()?;
        let push = |value: f64, row: &mut Vec<f64>| match self.kind {
            Baseline::Linear => row.push(value),
            Baseline::Flexible => spline.basis(value, row),
        };
        for baseline in baselines {
            push(baseline[cell], row);
        }
        if self.kind == Baseline::Flexible {
            for (position, right) in baselines.iter().enumerate() {
                row.extend(baselines[..position].iter().map(|left| left[cell] * right[cell]));
            }
        }
        let of_baselines = row.len();
        push(score[cell], row);
        Some(of_baselines)
    }

    /// Regressors of the baselines, and of all.
    fn columns(&self) -> (usize, usize) {
        let (baselines, width) = (self.features.len() - 1, self.kind.width());
        let pairs = match self.kind {
            Baseline::Linear => 0,
            Baseline::Flexible => baselines * baselines.saturating_sub(1) / 2,
        };
        let of_baselines = baselines * width + pairs;
        (of_baselines, of_baselines + width)
    }
}

/// Squared errors of one account, summed over its test dates.
#[derive(Debug, Clone, Copy, Default)]
struct Losses {
    without: f64,
    with: f64,
    /// Errors without the score, times what the score changes in the forecast.
    gain: f64,
    n: u64,
}

/// Normal equations without and with the score.
#[derive(Clone)]
struct Pair {
    without: NormalEquations,
    with: NormalEquations,
}

fn walk(
    design: &Design<'_>,
    accounts: usize,
    split: &WalkForward,
) -> Result<Vec<Losses>, StatsError> {
    let spline = RestrictedCubicSpline::new(KNOTS.to_vec())?;
    let (of_baselines, columns) = design.columns();
    let empty =
        Pair { without: NormalEquations::new(of_baselines), with: NormalEquations::new(columns) };
    let mut sums = vec![empty.clone(); split.n_groups() as usize];
    let mut losses = vec![Losses::default(); accounts];
    let mut row = Vec::with_capacity(columns);
    let mut trained = 0;
    for fold in split.folds() {
        for account in 0..accounts {
            let sum = &mut sums[split.group(account) as usize];
            for month in trained..fold.train_end {
                let cell = account * design.months + month;
                if let Some(of_baselines) = design.row(&spline, cell, &mut row) {
                    sum.without.add(&row[..of_baselines], design.target[cell])?;
                    sum.with.add(&row, design.target[cell])?;
                }
            }
        }
        trained = fold.train_end;
        for group in 0..split.n_groups() {
            let mut train = empty.clone();
            for (other, sum) in sums.iter().enumerate() {
                if other != group as usize {
                    train.without.merge(&sum.without)?;
                    train.with.merge(&sum.with)?;
                }
            }
            let (without, with) = (train.without.solve()?, train.with.solve()?);
            for account in (0..accounts).filter(|&a| split.group(a) == group) {
                for month in fold.test_start..fold.test_end {
                    let cell = account * design.months + month;
                    if let Some(of_baselines) = design.row(&spline, cell, &mut row) {
                        let y = design.target[cell];
                        let loss = &mut losses[account];
                        let alone = without.predict_row(&row[..of_baselines]);
                        let together = with.predict_row(&row);
                        loss.without += (y - alone).powi(2);
                        loss.with += (y - together).powi(2);
                        loss.gain += (y - alone) * (together - alone);
                        loss.n += 1;
                    }
                }
            }
        }
    }
    Ok(losses)
}
