//! Exceptions: relationships that fall out of pattern, for better or worse.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PatternError;
use crate::panel::{Panel, PanelScore};
use crate::rng::Draws;
use crate::stats::EwmaChart;

/// `[exceptions]` of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExceptionParams {
    /// Weight of the latest month in the moving average, `[.05, 1]`.
    pub smoothing: f64,
    /// Months between false alarms of one account, `[2, 1e4]`.
    pub run_length_months: f64,
    /// Fewest accounts of a segment at an age for a template.
    pub min_accounts: u32,
    /// Ages from here on share one template \[months\].
    pub settled_age_months: u32,
}

impl Default for ExceptionParams {
    fn default() -> Self {
        Self { smoothing: 0.2, run_length_months: 120.0, min_accounts: 20, settled_age_months: 24 }
    }
}

impl ExceptionParams {
    /// Whether charts can be drawn with these settings.
    ///
    /// # Errors
    ///
    /// [`PatternError::InvalidParameter`] naming the setting that is out of its range.
    pub fn check(&self) -> Result<(), PatternError> {
        let settings = [
            ("min_accounts", f64::from(self.min_accounts), 2.0..=f64::INFINITY, "2 or more"),
            ("settled_age_months", f64::from(self.settled_age_months), 2.0..=1_200.0, "2 to 1200"),
            ("smoothing", self.smoothing, 0.05..=1.0, "from .05 to 1"),
            ("run_length_months", self.run_length_months, 2.0..=1e4, "from 2 to 10000 months"),
        ];
        match settings.into_iter().find(|(_, value, range, _)| !range.contains(value)) {
            Some((name, value, _, expected)) => {
                Err(PatternError::InvalidParameter { name, value, expected })
            }
            None => Ok(()),
        }
    }

    fn chart(&self) -> Result<EwmaChart, PatternError> {
        self.check()?;
        let chart = EwmaChart::for_run_length(self.smoothing, self.run_length_months);
        Ok(chart.expect("smoothing and run length are in range"))
    }
}

/// Which way a relationship fell out of pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Better than its own course let expect.
    Good,
    /// Worse.
    Bad,
}

/// One alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The account.
    pub account_id: String,
    /// At whose end the alarm was raised, `YYYY-MM`.
    pub month: String,
    /// Months as a customer.
    pub age_months: i32,
    /// Which way.
    pub direction: Direction,
    /// Where the score stood: standard deviations from the template of segment and age.
    pub deviation: f64,
    /// The moving average of surprises, as a multiple of the limit.
    pub strength: f64,
}

/// What the charts of all accounts say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    /// The score.
    pub score: String,
    /// Weight of the latest month.
    pub smoothing: f64,
    /// Limit of the moving average, in its standard deviations.
    pub limit: f64,
    /// Months between false alarms asked for.
    pub run_length_months: f64,
    /// Accounts charted.
    pub n_accounts: u64,
    /// Account-months charted.
    pub n_account_months: u64,
    /// Alarms when each account's own surprises come in a random order: the mean of 99 shuffles.
    pub expected_alarms: f64,
    /// The least and the most alarms of the middle 95 % of shuffles.
    pub expected_range: [u64; 2],
    /// Alarms for the better.
    pub n_good: u64,
    /// Alarms for the worse.
    pub n_bad: u64,
    /// Alarms of the last three months, strongest first.
    pub current: Vec<Exception>,
}

/// Months for which an alarm is current.
const CURRENT: usize = 3;

/// Pairs of months from which persistence is read.
const MIN_PAIRS: f64 = 100.0;

/// Shuffles, and how many lie beyond each end of the middle 95 %.
const SHUFFLES: u64 = 99;
const BEYOND: usize = 2;

/// Charts every account of the panel month by month; also gives all alarms in order of account and month.
///
/// ```text
/// z_t = (score − mean) / sd      template: accounts of the segment at this age, seen so far
/// e_t = (z_t − φ z_{t−1}) / s    surprise: φ, s by segment, from what was seen so far
/// w_t = (1 − λ) w_{t−1} + λ e_t  alarm when |w_t| > c √(λ / (2 − λ)); w then begins anew at 0
/// ```
///
/// - c is such that independent normal surprises alarm every `run_length_months` on average. What real ones
///   do by chance is told by shuffling the months of each account ([`Exceptions::expected_alarms`]): as many
///   accounts, months and outliers, in an order that means nothing.
/// - Nothing after a month moves its alarms.
/// - Scores persist: charting z itself would alarm for years on every account that merely is different.
///
/// # Errors
///
/// [`PatternError::InvalidParameter`] naming the setting that is out of its range.
///
/// # Source
///
/// Alwan and Roberts (1988), *J. Business and Economic Statistics* 6(1), 87-95 (charts of residuals); Lucas
/// and Saccucci (1990), *Technometrics* 32(1), 1-12.
pub fn exceptions(
    panel: &Panel,
    score: &PanelScore,
    params: &ExceptionParams,
    draws: Draws,
) -> Result<(Exceptions, Vec<Exception>), PatternError> {
    let chart = params.chart()?;
    let steps = surprises(panel, score, params);
    let months = panel.months();
    let (mut alarms, mut current) = (Vec::new(), Vec::new());
    for (account, info) in panel.accounts().iter().enumerate() {
        let course = &steps[account * months..][..months];
        let known = || course.iter().enumerate().filter_map(|(at, step)| Some((at, (*step)?)));
        let charted: Vec<(usize, Step)> = known().collect();
        let surprises = charted.iter().map(|(_, step)| step.surprise);
        for (position, average) in alarms_of(chart, surprises) {
            let (month, step) = charted[position];
            let alarm = Exception {
                account_id: info.id.clone(),
                month: panel.first_month().plus(month as i32).to_string(),
                age_months: month as i32 - info.entry,
                direction: if average > 0.0 { Direction::Good } else { Direction::Bad },
                deviation: step.deviation,
                strength: average.abs() / chart.edge(),
            };
            if month + CURRENT >= months {
                current.push(alarm.clone());
            }
            alarms.push(alarm);
        }
    }
    current.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    let charted: Vec<Vec<f64>> = steps
        .chunks_exact(months)
        .map(|of| of.iter().flatten().map(|step| step.surprise).collect::<Vec<f64>>())
        .filter(|of| !of.is_empty())
        .collect();
    let n_good = alarms.iter().filter(|alarm| alarm.direction == Direction::Good).count();
    let shuffled = shuffled_alarms(chart, &charted, draws);
    let figures = Exceptions {
        score: score.name.clone(),
        smoothing: chart.smoothing(),
        limit: chart.limit(),
        run_length_months: params.run_length_months,
        n_accounts: charted.len() as u64,
        n_account_months: charted.iter().map(Vec::len).sum::<usize>() as u64,
        expected_alarms: shuffled.iter().sum::<u64>() as f64 / SHUFFLES as f64,
        expected_range: [shuffled[BEYOND], shuffled[shuffled.len() - 1 - BEYOND]],
        n_good: n_good as u64,
        n_bad: (alarms.len() - n_good) as u64,
        current,
    };
    Ok((figures, alarms))
}

/// One month of one account.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    deviation: f64,
    surprise: f64,
}

/// Deviation and surprise of each account-month, from what was known then; shape `(accounts, months)`.
fn surprises(panel: &Panel, score: &PanelScore, params: &ExceptionParams) -> Vec<Option<Step>> {
    let months = panel.months();
    let accounts = panel.accounts();
    let mut deviations = vec![f64::NAN; score.values.len()];
    let mut steps = vec![None; score.values.len()];
    let mut last_age: Vec<Option<i32>> = vec![None; accounts.len()];
    let mut templates: BTreeMap<(Option<&str>, i32), Moments> = BTreeMap::new();
    let mut courses: BTreeMap<Option<&str>, Pairs> = BTreeMap::new();
    for month in 0..months {
        let rows = || {
            (0..accounts.len())
                .map(|account| (account, account * months + month))
                .filter(|&(_, at)| !score.values[at].is_nan())
        };
        let class = |account: usize| {
            let age = month as i32 - accounts[account].entry;
            (accounts[account].segment.as_deref(), age.min(params.settled_age_months as i32))
        };
        for (account, at) in rows() {
            let template = templates.entry(class(account)).or_default();
            template.add(score.values[at]);
            let age = class(account).1;
            template.accounts += u32::from(last_age[account].replace(age) != Some(age));
        }
        for (account, at) in rows() {
            let template = &templates[&class(account)];
            deviations[at] = template.deviation(score.values[at], params.min_accounts);
        }
        let pair = |at: usize| (month > 0).then(|| (deviations[at - 1], deviations[at]));
        let pairs = || {
            rows()
                .filter_map(|(account, at)| Some((account, at, pair(at)?)))
                .filter(|(_, _, (before, now))| !before.is_nan() && !now.is_nan())
        };
        for (account, _, (before, now)) in pairs() {
            courses.entry(accounts[account].segment.as_deref()).or_default().add(before, now);
        }
        for (account, at, (before, now)) in pairs() {
            let course = &courses[&accounts[account].segment.as_deref()];
            let step = |surprise| Step { deviation: now, surprise };
            steps[at] = course.surprise(before, now).map(step);
        }
    }
    steps
}

/// Running mean and spread.
#[derive(Debug, Default)]
struct Moments {
    /// Accounts that are in it.
    accounts: u32,
    n: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.n += 1.0;
        let ahead = value - self.mean;
        self.mean += ahead / self.n;
        self.squares += ahead * (value - self.mean);
    }

    /// NaN where there is no template.
    fn deviation(&self, value: f64, min_accounts: u32) -> f64 {
        let sd = (self.squares / (self.n - 1.0)).sqrt();
        let known = self.accounts >= min_accounts && sd > 0.0;
        if known { (value - self.mean) / sd } else { f64::NAN }
    }
}

/// Months and the months after them.
#[derive(Debug, Default)]
struct Pairs {
    n: f64,
    before: f64,
    both: f64,
    now: f64,
}

impl Pairs {
    fn add(&mut self, before: f64, now: f64) {
        self.n += 1.0;
        self.before += before * before;
        self.both += before * now;
        self.now += now * now;
    }

    fn surprise(&self, before: f64, now: f64) -> Option<f64> {
        let persistence = self.both / self.before;
        let spread = ((self.now - persistence * self.both) / self.n).sqrt();
        (self.n >= MIN_PAIRS && spread > 1e-9).then(|| (now - persistence * before) / spread)
    }
}

/// Positions of the alarms in a series of surprises, with the average that raised each.
fn alarms_of(
    chart: EwmaChart,
    surprises: impl Iterator<Item = f64>,
) -> impl Iterator<Item = (usize, f64)> {
    let mut average = 0.0;
    surprises.enumerate().filter_map(move |(position, surprise)| {
        average = chart.next(average, surprise);
        let alarm = (average.abs() > chart.edge()).then_some((position, average));
        if alarm.is_some() {
            average = 0.0;
        }
        alarm
    })
}

/// Numbers of alarms, ascending, of shuffles of each account's surprises.
fn shuffled_alarms(chart: EwmaChart, accounts: &[Vec<f64>], draws: Draws) -> Vec<u64> {
    let mut counts: Vec<u64> = (0..SHUFFLES)
        .into_par_iter()
        .map(|shuffle| {
            let mut stream = draws.stream(shuffle);
            let count = |surprises: &Vec<f64>| {
                let mut order = surprises.clone();
                order.shuffle(&mut stream);
                alarms_of(chart, order.into_iter()).count() as u64
            };
            accounts.iter().map(count).sum()
        })
        .collect();
    counts.sort_unstable();
    counts
}
