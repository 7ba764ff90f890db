//! One number of many accounts at dates, for each kind of claim.

use crate::stats::{LeastSquares, pearson};

use super::as_of::{AsOf, Book, Quarter, Series};
use super::claim::{Claim, Column, Form};
use super::pool::{Pool, partial_correlation, splines};

/// A claim, and where its outcome is read.
#[derive(Clone, Copy)]
pub(super) struct Probe<'a> {
    pub(super) claim: &'a Claim,
    pub(super) series: Series,
    pub(super) book: Book,
    pub(super) quarter: Quarter,
    /// What is held constant beside what the claim holds constant.
    pub(super) given: &'a [Column],
}

impl Probe<'_> {
    fn outcome(&self, row: &AsOf) -> f64 {
        let at = |quarter| row.outcome(self.book, self.series, quarter);
        match self.claim.form {
            Form::Level => at(self.quarter),
            Form::Growth => (at(self.quarter) / at(self.quarter.previous())).ln(),
        }
    }
}

/// The effect, positive in the claimed direction, then what it is made of; nothing where score or
/// outcome is the same for all.
pub(super) type Measure = fn(&Pool<'_>, &Probe<'_>) -> Option<Vec<f64>>;

/// The rows whose outcome is known, and its ranks.
fn known<'a>(pool: &Pool<'a>, probe: &Probe<'_>) -> (Pool<'a>, Vec<f64>) {
    let pool = pool.filter(|_, row| probe.outcome(row).is_finite());
    let outcome = pool.ranks(|row| probe.outcome(row));
    (pool, outcome)
}

/// Rank correlation of score and outcome, freed of what splines of the controls' ranks explain.
///
/// ```text
/// ρ = corr(rank(x) − E[rank(x) | s(z)], rank(y) − E[rank(y) | s(z)])
/// ```
pub(super) fn correlation(pool: &Pool<'_>, probe: &Probe<'_>) -> Option<Vec<f64>> {
    let (pool, y) = known(pool, probe);
    let x = pool.ranks(probe.claim.score);
    let given = probe.claim.given.iter().chain(probe.given);
    let controls: Vec<Vec<f64>> = given.map(|control| pool.ranks(control)).collect();
    Some(vec![probe.claim.sign * partial_correlation(&x, &y, &controls)?])
}

/// [`correlation`], then that of the level of RV.
pub(super) fn trend(pool: &Pool<'_>, probe: &Probe<'_>) -> Option<Vec<f64>> {
    let mut effect = correlation(pool, probe)?;
    let (pool, y) = known(pool, probe);
    effect.push(pearson(&pool.ranks(|row| row.value), &y).ok()?);
    Some(effect)
}

/// AUC − ½ of the score between the highest and the lowest fifth by outcome.
///
/// ```text
/// AUC − ½ = (R̄₁ − R̄₀)/n        R̄: mean rank of the score in each fifth, n rows of both
/// ```
pub(super) fn separation(pool: &Pool<'_>, probe: &Probe<'_>) -> Option<Vec<f64>> {
    let (pool, y) = known(pool, probe);
    let (low, high) = (quantile(&y, 0.2)?, quantile(&y, 0.8)?);
    let extreme = pool.filter(|k, _| y[k] < low || y[k] > high);
    let best: Vec<bool> = y.iter().filter(|y| **y < low || **y > high).map(|y| *y > high).collect();
    let ranks = extreme.ranks(probe.claim.score);
    let of = |wanted: bool| {
        let here = ranks.iter().zip(&best).filter(|(_, best)| **best == wanted);
        mean(&here.map(|(rank, _)| *rank).collect::<Vec<f64>>())
    };
    Some(vec![of(true)? - of(false)?])
}

/// Correlation of RV less that which the mix and number of interactions adds at equal RV, then both.
///
/// The addition is cross-fitted over two halves of the accounts, so that it is 0 on average where
/// there is nothing to add.
pub(super) fn sufficiency(pool: &Pool<'_>, probe: &Probe<'_>) -> Option<Vec<f64>> {
    let (pool, y) = known(pool, probe);
    let x = pool.ranks(probe.claim.score);
    let value = pearson(&x, &y).ok()?;
    let base = splines(&[x]);
    let width = pool.rows.first()?.mix.len();
    let columns: Vec<Vec<f64>> = (0..width).map(|c| pool.ranks(|row| row.mix[c])).collect();
    let full: Vec<Vec<f64>> = base
        .iter()
        .enumerate()
        .map(|(k, row)| row.iter().copied().chain(columns.iter().map(|of| of[k])).collect())
        .collect();
    let half = |k: usize| pool.rows[k].account % 2;
    let added = |fold: usize| -> Option<f64> {
        let fit = |design: &[Vec<f64>]| {
            let train: Vec<usize> = (0..y.len()).filter(|k| half(*k) != fold).collect();
            let rows: Vec<f64> = train.iter().flat_map(|k| design[*k].iter().copied()).collect();
            let y: Vec<f64> = train.iter().map(|k| y[*k]).collect();
            LeastSquares::fit(&rows, design.first()?.len(), &y).ok()
        };
        let (alone, together) = (fit(&base)?, fit(&full)?);
        let test = (0..y.len()).filter(|k| half(*k) == fold);
        let (gain, rest): (Vec<f64>, Vec<f64>) = test
            .map(|k| {
                let known = alone.predict_row(&base[k]);
                (together.predict_row(&full[k]) - known, y[k] - known)
            })
            .unzip();
        pearson(&gain, &rest).ok()
    };
    let mix = f64::midpoint(added(0)?, added(1)?);
    Some(vec![value - mix, value, mix])
}

/// Log ratio of revenue less that of cost, of the most profitable fifth to the rest, per customer;
/// then the log ratios of cost and of revenue, and the fifth's share of profit.
pub(super) fn benchmark(pool: &Pool<'_>, probe: &Probe<'_>) -> Option<Vec<f64>> {
    let (pool, profit) = known(pool, probe);
    let top = |series: Series, wanted: bool| {
        let here = pool.rows.iter().zip(&profit).filter(|(_, rank)| (**rank > 0.3) == wanted);
        let values: Vec<f64> =
            here.map(|(row, _)| row.outcome(probe.book, series, probe.quarter)).collect();
        Some((mean(&values)?, values.len() as f64))
    };
    let ratio = |series| Some((top(series, true)?.0 / top(series, false)?.0).ln());
    let (cost, revenue) = (ratio(Series::Cost)?, ratio(Series::Revenue)?);
    let total = |wanted| top(Series::Profit, wanted).map(|(mean, n)| mean * n);
    let share = total(true)? / (total(true)? + total(false)?);
    let effect = vec![revenue - cost, cost, revenue, share];
    effect.iter().all(|number| number.is_finite()).then_some(effect)
}

/// Correlation of an account's own score less that of its segment's mean score, then both.
pub(super) fn individual(pool: &Pool<'_>, probe: &Probe<'_>) -> Option<Vec<f64>> {
    let (pool, y) = known(pool, probe);
    let score = probe.claim.score;
    let average = |row: &AsOf| {
        let peers = pool.rows.iter().filter(|r| (r.segment, r.date) == (row.segment, row.date));
        mean(&peers.map(|row| score(row)).collect::<Vec<f64>>()).unwrap_or(0.0)
    };
    let mut averages = std::collections::BTreeMap::new();
    for row in &pool.rows {
        averages.entry((row.segment, row.date)).or_insert_with(|| average(row));
    }
    let own = probe.claim.sign * pearson(&pool.ranks(score), &y).ok()?;
    // Where all are of one segment, its mean tells them apart by nothing.
    let means = pool.ranks(|row| averages[&(row.segment, row.date)]);
    let segment = probe.claim.sign * pearson(&means, &y).unwrap_or(0.0);
    Some(vec![own - segment, own, segment])
}

/// Twice the correlation of the ranked score less that of the raw one, then both.
pub(super) fn ordinal(pool: &Pool<'_>, probe: &Probe<'_>) -> Option<Vec<f64>> {
    let (pool, y) = known(pool, probe);
    let rank = pearson(&pool.ranks(probe.claim.score), &y).ok()?;
    let raw = pearson(&pool.standardised(probe.claim.score), &y).ok()?;
    Some(vec![2.0 * rank - raw, rank, raw])
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn quantile(values: &[f64], probability: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((probability * sorted.len() as f64) as usize).copied()
}
