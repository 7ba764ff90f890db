//! Score and outcome of a hypothesis on one panel, looked at whole, in a stratum, or within accounts.

use crate::backtest::BacktestParams;
use crate::panel::{Measure, Panel, PanelScore};
use crate::stats::{
    Grid, NormalEquations, PanelStatistic, RestrictedCubicSpline, StatsError, difference, mean_auc,
    mean_correlation, mean_log_ratio, mean_rank_correlation, mid_ranks, normal_scores,
    quantile_groups,
};

use super::core::Statistic;

/// Knots at these quantiles of the standard normal: .05, .35, .65 and .95, for normal scores.
const KNOTS: [f64; 4] = [-1.644_853_6, -0.385_320_5, 0.385_320_5, 1.644_853_6];

/// Groups by outcome of which the outer two are compared.
const FIFTHS: usize = 5;

/// What a statistic is computed from; every grid has shape `(accounts, months)`.
#[derive(Debug, Clone)]
pub(super) struct View<'a> {
    panel: &'a Panel,
    pub(super) score: Vec<f64>,
    /// Critical interactions, for the statistic that asks for them.
    critical: Option<Vec<f64>>,
    /// Numbers of interactions by kind, for the statistic that asks for them.
    mix: Vec<Vec<f64>>,
    pub(super) outcome: Vec<f64>,
    /// Revenue and cost of the same time, for the statistic that asks for them.
    money: Option<(Vec<f64>, Vec<f64>)>,
    pub(super) min_accounts: usize,
    pub(super) min_exits: usize,
}

impl<'a> View<'a> {
    /// The score and `outcome` at `horizon` (negative: looking back) on the whole panel.
    pub(super) fn new(
        panel: &'a Panel,
        score: &PanelScore,
        (outcome, horizon): (Measure, i32),
        statistic: Statistic,
        params: &BacktestParams,
    ) -> Self {
        let column = |name: &str| panel.score(name).map(|score| score.values.clone());
        let wants_mix = statistic == Statistic::Sufficiency;
        let mix = panel.scores().iter().filter(|s| wants_mix && super::columns::is_mix(&s.name));
        let wants_money = statistic == Statistic::TopFifth;
        let money = |measure| panel.outcome(measure, horizon);
        Self {
            panel,
            score: score.values.clone(),
            critical: column(super::columns::CRITICAL)
                .filter(|_| statistic == Statistic::CriticalGivenScore),
            mix: mix.map(|score| score.values.clone()).collect(),
            outcome: panel.outcome(outcome, horizon),
            money: wants_money.then(|| (money(Measure::Revenue), money(Measure::CostToEngage))),
            min_accounts: params.min_accounts as usize,
            min_exits: params.min_exits as usize,
        }
    }

    /// Only the cells that `keep` keeps, by position.
    pub(super) fn kept(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut view = self.clone();
        for (cell, value) in view.outcome.iter_mut().enumerate() {
            if !keep(cell) {
                *value = f64::NAN;
            }
        }
        view
    }

    /// Every account compared with itself: ranks by date less the account's mean rank.
    ///
    /// Events stay as they are: the question is then whether the score was low for that account.
    pub(super) fn within_accounts(&self, statistic: Statistic) -> Self {
        let events = matches!(statistic, Statistic::Risk | Statistic::OwnOverSegment);
        let own = |values: &[f64]| self.less_account_mean(self.by_date(values, centred_ranks));
        Self {
            score: own(&self.score),
            critical: self.critical.as_deref().map(own),
            mix: self.mix.iter().map(|column| own(column)).collect(),
            outcome: if events { self.outcome.clone() } else { own(&self.outcome) },
            ..self.clone()
        }
    }

    /// The statistic, not less its null value.
    ///
    /// # Errors
    ///
    /// [`StatsError`] where no date has enough accounts, or the log lacks a column.
    pub(super) fn measure(&self, statistic: Statistic) -> Result<PanelStatistic, StatsError> {
        match statistic {
            Statistic::RankCorrelation => self.rank_correlation(&self.score, &self.outcome),
            Statistic::Risk => self.risk(&self.score),
            Statistic::Extremes => {
                mean_auc(self.grid(&self.score)?, self.grid(&self.extremes())?, self.min_exits)
            }
            Statistic::CriticalGivenScore => {
                let (harm, rest) = self.freed()?;
                mean_correlation(self.grid(&harm)?, self.grid(&rest)?, self.min_accounts)
            }
            Statistic::Sufficiency => self.sufficiency(),
            Statistic::TopFifth => self.top_fifth(),
            Statistic::OwnOverSegment => {
                difference(&self.risk(&self.score)?, &self.risk(&self.segment_means())?)
            }
            Statistic::RankOverRaw => {
                let ranked = self.rank_correlation(&self.score, &self.outcome)?;
                let outcome = self.by_date(&self.outcome_where_scored(), centred_ranks);
                let (raw, outcome) = (self.grid(&self.score)?, self.grid(&outcome)?);
                let raw = mean_correlation(raw, outcome, self.min_accounts)?;
                // 2a − b = a − (b − a)
                difference(&ranked, &difference(&raw, &ranked)?)
            }
        }
    }

    pub(super) fn grid<'b>(&self, values: &'b [f64]) -> Result<Grid<'b>, StatsError> {
        Grid::new(values, self.panel.accounts().len(), self.panel.months())
    }

    fn rank_correlation(&self, x: &[f64], y: &[f64]) -> Result<PanelStatistic, StatsError> {
        mean_rank_correlation(self.grid(x)?, self.grid(y)?, self.min_accounts)
    }

    fn risk(&self, score: &[f64]) -> Result<PanelStatistic, StatsError> {
        let risk: Vec<f64> = score.iter().map(|value| -value).collect();
        mean_auc(self.grid(&risk)?, self.grid(&self.outcome)?, self.min_exits)
    }

    /// 1 in the highest fifth of a date by outcome, 0 in the lowest, NaN between.
    pub(super) fn extremes(&self) -> Vec<f64> {
        self.by_date(&self.outcome_where_scored(), |values| {
            let event = |group: usize| match group {
                0 => 0.0,
                last if last + 1 == FIFTHS => 1.0,
                _ => f64::NAN,
            };
            quantile_groups(values, FIFTHS).into_iter().map(event).collect()
        })
    }

    fn outcome_where_scored(&self) -> Vec<f64> {
        let known =
            |(outcome, score): (&f64, &f64)| if score.is_nan() { f64::NAN } else { *outcome };
        self.outcome.iter().zip(&self.score).map(known).collect()
    }

    /// −1 × ranks of critical interactions and ranks of the outcome, both freed of the score.
    pub(super) fn freed(&self) -> Result<(Vec<f64>, Vec<f64>), StatsError> {
        let lacking = StatsError::TooFew { statistic: "critical interactions", needed: 1, got: 0 };
        let critical = self.critical.as_deref().ok_or(lacking)?;
        let both = |values: &[f64]| -> Vec<f64> {
            let cells = values.iter().zip(&self.score).zip(&self.outcome);
            cells.map(|((v, s), o)| if s.is_nan() || o.is_nan() { f64::NAN } else { *v }).collect()
        };
        let given = self.splines(&both(&self.score))?;
        let free = |values: &[f64]| -> Result<Vec<f64>, StatsError> {
            let ranks = self.by_date(&both(values), centred_ranks);
            let fit = fitted(&given, &ranks, |_| true)?;
            Ok(residuals(&given, &ranks, &fit))
        };
        let harm = free(critical)?.into_iter().map(|value| -value).collect();
        Ok((harm, free(&self.outcome)?))
    }

    /// Spline basis of the score's normal scores by date; an empty row where it is unknown.
    fn splines(&self, score: &[f64]) -> Result<Vec<Vec<f64>>, StatsError> {
        let spline = RestrictedCubicSpline::new(KNOTS.to_vec())?;
        let scores = self.by_date(score, normal_scores);
        let basis = |value: &f64| {
            let mut row = Vec::new();
            if !value.is_nan() {
                spline.basis(*value, &mut row);
            }
            row
        };
        Ok(scores.iter().map(basis).collect())
    }

    fn sufficiency(&self) -> Result<PanelStatistic, StatsError> {
        let score_says = self.rank_correlation(&self.score, &self.outcome)?;
        let known = self.outcome_where_scored();
        let outcome = self.by_date(&known, centred_ranks);
        let of_cells = |values: &[f64]| -> Vec<f64> {
            values
                .iter()
                .zip(&outcome)
                .map(|(v, y)| if y.is_nan() { f64::NAN } else { *v })
                .collect()
        };
        let alone = self.splines(&of_cells(&self.score))?;
        let columns: Vec<Vec<f64>> =
            self.mix.iter().map(|column| self.by_date(&of_cells(column), centred_ranks)).collect();
        let together: Vec<Vec<f64>> = alone
            .iter()
            .enumerate()
            .map(|(cell, row)| match row[..] {
                [] => Vec::new(),
                _ => row.iter().copied().chain(columns.iter().map(|c| c[cell])).collect(),
            })
            .collect();
        let months = self.panel.months();
        let half = |cell: usize| (cell / months) % 2;
        let (mut added, mut rest) = (vec![f64::NAN; outcome.len()], vec![f64::NAN; outcome.len()]);
        for fold in 0..2 {
            let train = |cell: usize| half(cell) != fold;
            let (base, full) =
                (fitted(&alone, &outcome, train)?, fitted(&together, &outcome, train)?);
            for cell in (0..outcome.len()).filter(|cell| half(*cell) == fold) {
                if !alone[cell].is_empty() && !outcome[cell].is_nan() {
                    let known = base.predict_row(&alone[cell]);
                    added[cell] = full.predict_row(&together[cell]) - known;
                    rest[cell] = outcome[cell] - known;
                }
            }
        }
        let mix_adds = mean_correlation(self.grid(&added)?, self.grid(&rest)?, self.min_accounts)?;
        difference(&score_says, &mix_adds)
    }

    fn top_fifth(&self) -> Result<PanelStatistic, StatsError> {
        let lacking = StatsError::TooFew { statistic: "cost to engage", needed: 1, got: 0 };
        let (revenue, cost) = self.money.as_ref().ok_or(lacking)?;
        let top = self.by_date(&self.outcome, |values| {
            let is_top = |group: usize| f64::from(u8::from(group + 1 == FIFTHS));
            quantile_groups(values, FIFTHS).into_iter().map(is_top).collect()
        });
        let top = self.grid(&top)?;
        difference(
            &mean_log_ratio(top, self.grid(revenue)?)?,
            &mean_log_ratio(top, self.grid(cost)?)?,
        )
    }

    /// The mean score of the account's segment at each date.
    fn segment_means(&self) -> Vec<f64> {
        let mut segments: Vec<Option<&str>> =
            self.panel.accounts().iter().map(|account| account.segment.as_deref()).collect();
        segments.sort_unstable();
        segments.dedup();
        let mut means = vec![f64::NAN; self.score.len()];
        let months = self.panel.months();
        for segment in segments {
            let members: Vec<usize> = (0..self.panel.accounts().len())
                .filter(|&a| self.panel.accounts()[a].segment.as_deref() == segment)
                .collect();
            for month in 0..months {
                let cells = || {
                    let cells = members.iter().map(|account| account * months + month);
                    cells.filter(|&cell| !self.score[cell].is_nan())
                };
                let n = cells().count() as f64;
                let mean = cells().map(|cell| self.score[cell]).sum::<f64>() / n;
                cells().for_each(|cell| means[cell] = mean);
            }
        }
        means
    }

    /// The values known at each date, changed together; NaN stays NaN.
    fn by_date(&self, values: &[f64], change: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        let months = self.panel.months();
        let mut changed = vec![f64::NAN; values.len()];
        for month in 0..months {
            let cells: Vec<usize> =
                (month..values.len()).step_by(months).filter(|&c| !values[c].is_nan()).collect();
            let here: Vec<f64> = cells.iter().map(|&cell| values[cell]).collect();
            for (&cell, value) in cells.iter().zip(change(&here)) {
                changed[cell] = value;
            }
        }
        changed
    }

    fn less_account_mean(&self, mut values: Vec<f64>) -> Vec<f64> {
        for own in values.chunks_exact_mut(self.panel.months()) {
            let known = || own.iter().filter(|value| !value.is_nan());
            let mean = known().sum::<f64>() / known().count() as f64;
            for value in own.iter_mut() {
                *value -= mean;
            }
        }
        values
    }
}

/// Mid-ranks in `(−½, ½)` about 0.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    mid_ranks(values).into_iter().map(|rank| (rank - 0.5) / n - 0.5).collect()
}

/// Least squares of the outcome on rows, over the cells of `train` where both are known.
fn fitted(
    rows: &[Vec<f64>],
    outcome: &[f64],
    train: impl Fn(usize) -> bool,
) -> Result<crate::stats::LeastSquares, StatsError> {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut sums = NormalEquations::new(width);
    for (cell, (row, y)) in rows.iter().zip(outcome).enumerate() {
        if !row.is_empty() && !y.is_nan() && train(cell) {
            sums.add(row, *y)?;
        }
    }
    sums.solve()
}

fn residuals(rows: &[Vec<f64>], outcome: &[f64], fit: &crate::stats::LeastSquares) -> Vec<f64> {
    let rest = |(row, y): (&Vec<f64>, &f64)| match row[..] {
        [] => f64::NAN,
        _ => y - fit.predict_row(row),
    };
    rows.iter().zip(outcome).map(rest).collect()
}
