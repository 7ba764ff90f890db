//! Rates of a suite with their Monte-Carlo error, and the bands they are held to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hypothesis::{HypothesisId, HypothesisParams, Rung};
use crate::stats::{rejection_limit, wilson_interval};

use super::job::{Role, SHAKEN};
use super::suite::Trials;
use super::trial::{HEADLINE, LEVEL, TestName, Trial};
use super::truth::TruthTable;

/// Rate of one test in one setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryRow {
    /// World.
    pub world: String,
    /// Accounts of each cohort.
    pub accounts: u32,
    /// Months of each log.
    pub months: u32,
    /// Whether every account is a customer from the first day.
    pub balanced: bool,
    /// Hypothesis, such as `H1`.
    pub hypothesis: String,
    /// Rung.
    pub rung: Rung,
    /// `headline` decides; others stand beside it.
    pub estimator: String,
    /// Whether rejections are false alarms (`null`), finds (`true`) or only told (`shown`).
    pub role: Role,
    /// Cohorts.
    pub replications: u32,
    /// Cohorts on which the test could not be computed: they count as not rejecting.
    pub undefined: u32,
    /// Share of cohorts on which the test rejects.
    pub rate: f64,
    /// Monte-Carlo standard error of the rate.
    pub mc_error: f64,
    /// Mean estimate less its null value: bias where the cell is null.
    pub mean_estimate: f64,
    /// Standard deviation of the estimates over cohorts; absent with fewer than two.
    pub spread: Option<f64>,
    /// Share of 95 % intervals that hold the null value (null cells), or the mean estimate of all
    /// cohorts (others); absent where the test has no interval.
    pub coverage: Option<f64>,
    /// Share of cohorts whose 95 % interval lies wholly on the other side of the null value: for *leads*
    /// of H1 the outcome leads the score, not the score the outcome. Absent without an interval.
    pub reversed: Option<f64>,
    /// Share of cohorts whose 95 % interval lies wholly on the other side of the null value or inside ±δ: what a
    /// verdict calls contradicted at this rung. Absent without an interval.
    pub contradicted: Option<f64>,
    /// The band the rate is held to; absent for what is only told.
    pub band: Option<Band>,
}

/// What a rate is held to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Band {
    /// At most, for false alarms.
    pub at_most: Option<f64>,
    /// At least, for finds.
    pub at_least: Option<f64>,
    /// Whether the rate is inside.
    pub holds: bool,
}

/// Error of the whole run that one of its bands is left by chance.
const RUN_ERROR: f64 = 0.01;

/// Size to which tests are held where every slope is shaken by date.
const SHAKEN_LEVEL: f64 = 0.13;

/// Power that a true cell has to reach at the accounts it names.
const POWER: f64 = 0.5;

/// Rates of all tests of the jobs, each held to its band.
///
/// A null cell fails when its rate is significantly above 5 % (13 % with slope shocks), a true one at
/// the accounts it names or more when it is significantly below one half: binomial, one-sided, 1 %
/// shared by all cells of the run (Bonferroni).
pub fn rows(jobs: &[Trials], table: &TruthTable) -> Vec<RecoveryRow> {
    let held = |trials: &Trials, name: &TestName| {
        let role = trials.job.role(table, name.hypothesis, name.rung);
        name.estimator == HEADLINE && role != Role::Shown
    };
    let cells = jobs.iter().flat_map(|job| job.tests.keys().map(move |name| (job, name)));
    let cells = cells.filter(|(job, name)| held(job, name)).count();
    jobs.iter()
        .flat_map(|job| {
            let row = move |(name, trials): (&TestName, &Vec<Option<Trial>>)| {
                let role = job.job.role(table, name.hypothesis, name.rung);
                row(job, name, trials, role, cells)
            };
            job.tests.iter().map(row)
        })
        .collect()
}

fn row(
    job: &Trials,
    name: &TestName,
    trials: &[Option<Trial>],
    role: Role,
    cells: usize,
) -> RecoveryRow {
    let setting = &job.job.setting;
    let known: Vec<Trial> = trials.iter().flatten().copied().collect();
    let found = |trial: &&Trial| {
        // Finds have a direction, false alarms have not.
        trial.rejects && (role == Role::Null || trial.estimate > 0.0)
    };
    let (hits, n) = (known.iter().filter(found).count(), trials.len());
    let rate = hits as f64 / n as f64;
    let sum = known.iter().fold(0.0, |sum, trial| sum + trial.estimate);
    let mean = sum / known.len().max(1) as f64;
    let squares: f64 = known.iter().map(|trial| (trial.estimate - mean).powi(2)).sum();
    let spread = (known.len() > 1).then(|| (squares / (known.len() - 1) as f64).sqrt());
    let centre = if role == Role::Null { 0.0 } else { mean };
    let covers = |trial: &&Trial| (trial.estimate - centre).abs() <= trial.half_width;
    let with_interval = known.iter().any(|trial| trial.half_width > 0.0);
    let coverage =
        with_interval.then(|| known.iter().filter(covers).count() as f64 / known.len() as f64);
    let held = name.estimator == HEADLINE && role != Role::Shown;
    RecoveryRow {
        world: setting.world.clone(),
        accounts: setting.accounts,
        months: setting.months,
        balanced: setting.balanced,
        hypothesis: HypothesisId::name(name.hypothesis).to_owned(),
        rung: name.rung,
        estimator: name.estimator.clone(),
        role,
        replications: n as u32,
        undefined: (n - known.len()) as u32,
        rate,
        mc_error: (rate * (1.0 - rate) / n as f64).sqrt(),
        mean_estimate: mean,
        spread,
        coverage,
        reversed: with_interval.then(|| {
            let below = known.iter().filter(|trial| trial.estimate + trial.half_width < 0.0);
            below.count() as f64 / n as f64
        }),
        contradicted: smallest_relevant(name)
            .filter(|_| with_interval && name.estimator == HEADLINE)
            .map(|delta| {
                let contradicts = known.iter().filter(|trial| trial.contradicts(delta));
                contradicts.count() as f64 / n as f64
            }),
        band: if held { band(role, (hits as u64, n as u64), cells, &setting.world) } else { None },
    }
}

/// δ of a rung that has one.
fn smallest_relevant(name: &TestName) -> Option<f64> {
    let delta = HypothesisParams::of(name.hypothesis).delta;
    match name.rung {
        Rung::Associated => Some(delta.associated),
        Rung::Leads => Some(delta.leads),
        Rung::AddsToBaselines => Some(delta.adds),
        Rung::Robust | Rung::Causal => None,
    }
}

fn band(role: Role, (hits, n): (u64, u64), cells: usize, world: &str) -> Option<Band> {
    let share = RUN_ERROR / cells.max(1) as f64;
    let rate = hits as f64 / n as f64;
    match role {
        Role::Null => {
            let size = if world == SHAKEN { SHAKEN_LEVEL } else { LEVEL };
            let limit = rejection_limit(size, n, share).ok()?;
            let at_most = (limit.saturating_sub(1)) as f64 / n as f64;
            Some(Band { at_most: Some(at_most), at_least: None, holds: hits < limit })
        }
        Role::True => {
            // As many misses would be significantly more than one half.
            let limit = rejection_limit(1.0 - POWER, n, share).ok()?;
            let at_least = 1.0 - (limit.saturating_sub(1)) as f64 / n as f64;
            Some(Band { at_most: None, at_least: Some(at_least), holds: rate >= at_least })
        }
        Role::Shown => None,
    }
}

impl RecoveryRow {
    /// The 95 % interval of the rate.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let hits = (self.rate * f64::from(self.replications)).round() as u64;
        let interval = wilson_interval(hits, u64::from(self.replications)).ok()?;
        Some((interval.low, interval.high))
    }
}
