//! The score: every distance beside those of real accounts, and a grade.

use std::fmt;

use rayon::prelude::*;
use serde::Serialize;

use super::features::{Aspect, Cells, Counts, Dense};
use crate::flow::fit::AccountRecord;
use crate::rng::{Purpose, Streams};
use crate::stats::holm;
use crate::time::Calendar;

/// Draws of real accounts: enough for a 95 % limit and for Holm's correction of nine verdicts.
const RESAMPLES: u64 = 400;

/// Fewer accounts in a part carry no score.
const LEAST_ACCOUNTS: usize = 10;

/// Error rate of one verdict, and of the grade after Holm's correction.
const LEVEL: f64 = 0.05;

/// Why there is no score.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum RealismError {
    /// A part that is too small.
    #[error("{part} has {got} accounts, expected at least {needed}")]
    TooFewAccounts { part: &'static str, got: usize, needed: usize },
    /// Nothing to judge.
    #[error("no simulated log is given, expected at least 1")]
    NoCandidate,
}

/// One aspect of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AspectScore {
    /// What is compared.
    pub aspect: Aspect,
    /// Median distance of the candidates from the held-out accounts.
    pub distance: f64,
    /// Median distance of real accounts from the held-out ones.
    pub real_median: f64,
    /// 95 % quantile of the distances of real accounts.
    pub real_limit: f64,
    /// Share of draws of real accounts that are at least as far away.
    pub p_value: f64,
    /// The p-value after Holm's correction for all aspects.
    pub p_adjusted: f64,
    /// Whether the distance is at most the limit.
    pub inside: bool,
}

/// What the verdicts add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// No aspect is outside after correction for their number.
    Realistic,
    /// At least half of the aspects are inside.
    Partly,
    /// Fewer are.
    Unrealistic,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Realistic => "realistic",
            Self::Partly => "partly realistic",
            Self::Unrealistic => "unrealistic",
        })
    }
}

/// How like the held-out accounts the candidates are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RealismScore {
    /// One score per aspect that the held-out accounts show.
    pub aspects: Vec<AspectScore>,
    /// What they add up to.
    pub grade: Grade,
    /// Accounts of the fitting part.
    pub n_fitting: usize,
    /// Accounts held out.
    pub n_held_out: usize,
    /// Candidates.
    pub n_candidates: usize,
    /// Draws of real accounts.
    pub n_resamples: u64,
}

impl RealismScore {
    /// The score of one aspect; `None` when the held-out accounts do not show it.
    pub fn of(&self, aspect: Aspect) -> Option<&AspectScore> {
        self.aspects.iter().find(|score| score.aspect == aspect)
    }
}

/// Scores `candidates` against the accounts `held_out`, beside draws of accounts from `fitting`.
///
/// ```text
/// distance: median over candidates of d(candidate, held-out)
/// limit:    95 % quantile over draws of d(draw, held-out)
///           draw: as many accounts as are held out, from the fitting part, with replacement
/// ```
///
/// - `candidates`: logs of the held-out contacts, see
///   [`simulate_like`](super::simulate_like); `calendar`: for weekdays, hours and months.
/// - Draws repeat accounts, so they are noisier than fresh samples by the noise of the fitting
///   part: the same noise that a fit has.
///
/// # Errors
///
/// [`RealismError::TooFewAccounts`] for a part of fewer than 10, [`RealismError::NoCandidate`].
///
/// # Source
///
/// Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, ch. 16; accounts are drawn, not
/// rows, since rows of one account are alike.
pub fn realism_score(
    fitting: &[AccountRecord],
    held_out: &[AccountRecord],
    candidates: &[Vec<AccountRecord>],
    calendar: Calendar,
    streams: Streams,
) -> Result<RealismScore, RealismError> {
    for (part, accounts) in [("the fitting part", fitting), ("the held-out part", held_out)] {
        if accounts.len() < LEAST_ACCOUNTS {
            let (got, needed) = (accounts.len(), LEAST_ACCOUNTS);
            return Err(RealismError::TooFewAccounts { part, got, needed });
        }
    }
    if candidates.is_empty() {
        return Err(RealismError::NoCandidate);
    }
    let count = |accounts: &[AccountRecord]| -> Vec<Counts> {
        accounts.par_iter().map(|account| Counts::of(account, calendar)).collect()
    };
    let (real, held) = (count(fitting), count(held_out));
    let simulated: Vec<Vec<Counts>> = candidates.iter().map(|log| count(log)).collect();
    let cells = Cells::over(&real.iter().chain(&held).chain(simulated.iter().flatten()));
    let place = |counts: &[Counts]| -> Vec<Dense> {
        counts.iter().map(|counts| cells.place(counts)).collect()
    };
    let (real, held) = (place(&real), place(&held));
    let target = cells.sum(held.iter());
    let distances = |sum: &[Vec<f64>; 9]| {
        Aspect::ALL.map(|a| a.distance(&sum[a as usize], &target[a as usize]))
    };
    let own: Vec<[f64; 9]> =
        simulated.iter().map(|log| distances(&cells.sum(place(log).iter()))).collect();
    let draws = streams.global(Purpose::Bootstrap);
    let drawn: Vec<[f64; 9]> = (0..RESAMPLES)
        .into_par_iter()
        .map(|resample| {
            let mut stream = draws.stream(resample);
            let picks: Vec<usize> = (0..held.len())
                .map(|_| ((stream.uniform() * real.len() as f64) as usize).min(real.len() - 1))
                .collect();
            distances(&cells.sum(picks.iter().map(|&pick| &real[pick])))
        })
        .collect();
    let mut aspects: Vec<AspectScore> = Aspect::ALL
        .into_iter()
        .filter(|aspect| target[*aspect as usize].iter().sum::<f64>() > 0.0)
        .map(|aspect| judge(aspect, &own, &drawn))
        .collect();
    let p_values: Vec<f64> = aspects.iter().map(|score| score.p_value).collect();
    for (score, p_adjusted) in aspects.iter_mut().zip(holm(&p_values)) {
        score.p_adjusted = p_adjusted;
    }
    Ok(RealismScore {
        grade: grade(&aspects),
        aspects,
        n_fitting: fitting.len(),
        n_held_out: held_out.len(),
        n_candidates: candidates.len(),
        n_resamples: RESAMPLES,
    })
}

fn judge(aspect: Aspect, own: &[[f64; 9]], drawn: &[[f64; 9]]) -> AspectScore {
    let sorted = |rows: &[[f64; 9]]| {
        let mut values: Vec<f64> = rows.iter().map(|row| row[aspect as usize]).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (own, real) = (sorted(own), sorted(drawn));
    let distance = middle(&own);
    let limit = real[(real.len() as f64 * (1.0 - LEVEL)) as usize];
    let farther = real.iter().filter(|value| **value >= distance).count();
    AspectScore {
        aspect,
        distance,
        real_median: middle(&real),
        real_limit: limit,
        p_value: (farther + 1) as f64 / (real.len() + 1) as f64,
        p_adjusted: 1.0,
        inside: distance <= limit,
    }
}

fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { 0.5 * (sorted[half - 1] + sorted[half]) }
}

fn grade(aspects: &[AspectScore]) -> Grade {
    let inside = aspects.iter().filter(|score| score.inside).count();
    if aspects.iter().all(|score| score.p_adjusted > LEVEL) {
        Grade::Realistic
    } else if 2 * inside >= aspects.len() {
        Grade::Partly
    } else {
        Grade::Unrealistic
    }
}
