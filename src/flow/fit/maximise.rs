//! Maximisation: from expected counts to a model, and the rounds of both.

use rayon::prelude::*;

use super::expect::{Lattice, Model, Rule, SHORTEST_DAYS, Tally};
use super::law::{Family, Law, LawFit, Waits, fit_family, fit_law};
use super::levels::{Event, Levels, Path};
use super::pairs::Pair;
use super::prepare::Types;
use super::record::Record;
use crate::interaction::Stage;

/// Rounds at most, and the gain in log likelihood still to come below which they end: moving one
/// parameter by one standard error costs 0.5.
const MOST_ROUNDS: usize = 200;
const GAIN: f64 = 0.005;

/// Answers whose probability is not this many standard errors above 0 are dropped.
const CLEAR: f64 = 4.0;

/// Rounds in which the families of the laws are chosen anew.
const CHOOSE: [usize; 3] = [2, 8, 16];

/// An answer that takes this many times the mean wait at its level is none: what comes that late
/// cannot be told from what the mix brings.
const TOO_LATE: f64 = 3.0;

/// Waits of a level with fewer ends are taken as exponential.
const LEAST_ENDS: f64 = 8.0;

/// Records read at a time by one thread: the sums are taken in this order.
const CHUNK: usize = 128;

/// Start levels less likely than this are dropped.
const UNLIKELY: f64 = 1e-4;

/// A fitted model with what it rests on.
#[derive(Debug, Clone)]
pub(super) struct Estimate {
    pub(super) model: Model,
    pub(super) tally: Tally,
    pub(super) waits: Vec<Option<LawFit>>,
    pub(super) answers: Vec<Option<LawFit>>,
    /// By class of start (see [`class_of`]) and level: weight of the records.
    pub(super) starts: Vec<Vec<f64>>,
    pub(super) rounds: usize,
    pub(super) converged: bool,
}

/// Classes of starts: customers watched from before the log, customers who joined, prospects who
/// joined, prospects watched from before the log in acquisition and in closing.
pub(super) const CLASSES: usize = 5;

/// Class of a record's start.
pub(super) fn class_of(record: &Record) -> usize {
    match (record.stage, record.joined) {
        (Stage::Retention, false) => 0,
        (Stage::Retention, true) => 1,
        (_, true) => 2,
        (Stage::Acquisition, false) => 3,
        (Stage::Closing, false) => 4,
    }
}

/// One record with its possible paths.
pub(super) struct Reading {
    class: usize,
    paths: Vec<Path>,
}

impl Reading {
    pub(super) fn new(record: &Record, levels: &Levels, starts: &[(u16, f64)]) -> Self {
        let likely = starts.iter().filter(|(_, weight)| *weight > UNLIKELY);
        let paths = likely.map(|&(level, weight)| levels.path(record, level, weight)).collect();
        Self { class: class_of(record), paths }
    }

    /// The most likely path.
    pub(super) fn best(&self) -> Option<&Path> {
        self.paths.iter().max_by(|a, b| a.weight.total_cmp(&b.weight))
    }
}

/// Fits the model to `readings`; their weights are updated on the way.
pub(super) fn estimate(
    readings: &mut [Reading],
    levels: &Levels,
    types: &Types,
    pairs: &[Pair],
) -> Estimate {
    let model = first_model(readings, levels, types, pairs);
    let mut state = rounds(model, readings, 0);
    let unclear = |state: &Estimate, rule: usize| {
        let probability = state.model.rules[rule].probability;
        let answers = state.tally.lags[rule].n_complete();
        let Rule { level, wait, .. } = state.model.rules[rule];
        let late = TOO_LATE * state.model.waits[usize::from(level)].mean_days();
        answers < 3.0
            || probability < CLEAR * probability_error(state, rule)
            || wait.mean_days() > late
    };
    let kept: Vec<Rule> = (0..state.model.rules.len())
        .filter(|&rule| !unclear(&state, rule))
        .map(|rule| state.model.rules[rule])
        .collect();
    if kept.len() < state.model.rules.len() {
        let mut model = state.model.clone();
        model.by_answer = by_answer(&kept, types.entries().len());
        model.rules = kept;
        state = rounds(model, readings, CHOOSE[0]);
    }
    finish(state)
}

/// Standard error of an answer's probability, with what is unknown about who answered whom.
///
/// ```text
/// 1/SE² = n/(p(1−p)) − Σ w(1−w)/(p(1−p))²      Louis (1982), J. R. Stat. Soc. B 44, 226–233
/// ```
pub(super) fn probability_error(state: &Estimate, rule: usize) -> f64 {
    let p = state.model.rules[rule].probability.clamp(1e-9, 1.0 - 1e-9);
    let spread = p * (1.0 - p);
    let known = state.tally.asked[rule] / spread;
    let missing = state.tally.unsure[rule] / (spread * spread);
    (known - missing).max(0.05 * known).recip().sqrt()
}

fn rounds(mut model: Model, readings: &mut [Reading], first: usize) -> Estimate {
    let mut starts = weights(readings, model.waits.len());
    let mut round = first;
    let (mut before, mut last_gain) = (f64::NEG_INFINITY, f64::INFINITY);
    loop {
        let (tally, log_likelihood) = expect(&model, readings, &starts);
        starts = weights(readings, model.waits.len());
        model = maximise(&model, &tally, CHOOSE.contains(&round));
        round += 1;
        // Gains shrink by a steady factor: what is still to come is their geometric sum (Aitken).
        let gain = (log_likelihood - before).abs();
        let factor = (gain / last_gain).min(0.99);
        let settled = gain * factor.max(0.5) / (1.0 - factor) < GAIN;
        (before, last_gain) = (log_likelihood, gain);
        let converged = settled && round > CHOOSE[CHOOSE.len() - 1] + 1;
        if converged || round >= MOST_ROUNDS {
            let (waits, answers) = (Vec::new(), Vec::new());
            return Estimate { model, tally, waits, answers, starts, rounds: round, converged };
        }
    }
}

/// Chooses the families once more and keeps the fits with their standard errors.
fn finish(mut state: Estimate) -> Estimate {
    let fit = |waits: &Waits, current: Law| {
        if waits.n_complete() < LEAST_ENDS {
            return fit_family(Family::Exponential, waits).ok();
        }
        fit_law(waits).or_else(|_| fit_family(current.family(), waits)).ok()
    };
    state.waits =
        state.tally.waits.iter().zip(&state.model.waits).map(|(w, l)| fit(w, *l)).collect();
    let lags = state.tally.lags.iter().zip(&state.model.rules);
    state.answers = lags.map(|(lags, rule)| fit(lags, rule.wait)).collect();
    state
}

fn weights(readings: &[Reading], levels: usize) -> Vec<Vec<f64>> {
    let mut starts = vec![vec![0.0; levels]; CLASSES];
    for reading in readings {
        for path in &reading.paths {
            starts[reading.class][usize::from(path.start_level)] += path.weight;
        }
    }
    starts
}

/// Reads every record with `model`; the weights of its start levels are updated.
fn expect(model: &Model, readings: &mut [Reading], starts: &[Vec<f64>]) -> (Tally, f64) {
    let sums: Vec<f64> = starts.iter().map(|starts| starts.iter().sum::<f64>().max(1e-6)).collect();
    let parts: Vec<(Tally, f64)> = readings
        .par_chunks_mut(CHUNK)
        .map(|chunk| {
            let mut tally = Tally::new(model);
            let mut log_likelihood = 0.0;
            for reading in chunk {
                let class = reading.class;
                log_likelihood +=
                    read(model, reading, &starts[class], &mut tally) - sums[class].ln();
            }
            (tally, log_likelihood)
        })
        .collect();
    let (mut tally, mut log_likelihood) = (Tally::new(model), 0.0);
    for (part, own) in parts {
        tally.add(part);
        log_likelihood += own;
    }
    (tally, log_likelihood)
}

/// Reads one record and gives its log likelihood.
fn read(model: &Model, reading: &mut Reading, starts: &[f64], tally: &mut Tally) -> f64 {
    let lattices: Vec<Lattice<'_>> =
        reading.paths.iter().map(|path| Lattice::new(model, path)).collect();
    let logs: Vec<f64> = lattices
        .iter()
        .zip(&reading.paths)
        .map(|(lattice, path)| {
            starts[usize::from(path.start_level)].max(1e-6).ln() + lattice.log_likelihood()
        })
        .collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logs.iter().map(|log| (log - most).exp()).sum();
    let shares: Vec<f64> = logs.iter().map(|log| (log - most).exp() / total).collect();
    for (lattice, share) in lattices.iter().zip(&shares) {
        if *share > UNLIKELY {
            lattice.tally(*share, tally);
        }
    }
    for (path, share) in reading.paths.iter_mut().zip(shares) {
        path.weight = share;
    }
    reading.paths.retain(|path| path.weight > UNLIKELY);
    most + total.ln()
}

fn maximise(model: &Model, tally: &Tally, choose: bool) -> Model {
    let mixes = model
        .mixes
        .iter()
        .zip(&tally.mixes)
        .map(|(old, counts)| {
            // A type that was ever possible stays possible, however unlikely.
            let kept: Vec<f64> = old
                .iter()
                .zip(counts)
                .map(|(old, count)| if *old > 0.0 { count.max(1e-6) } else { 0.0 })
                .collect();
            let total: f64 = kept.iter().sum();
            kept.iter().map(|count| if total > 0.0 { count / total } else { 0.0 }).collect()
        })
        .collect();
    let exits =
        tally.exits.iter().zip(&tally.mixes).map(|(exits, mix)| share(*exits, mix)).collect();
    let waits =
        model.waits.iter().zip(&tally.waits).map(|(old, waits)| law(*old, waits, choose)).collect();
    let rules = model
        .rules
        .iter()
        .enumerate()
        .map(|(at, rule)| {
            let (lags, asked) = (&tally.lags[at], tally.asked[at]);
            let answers: f64 =
                lags.complete.iter().chain(&lags.censored).map(|(_, weight)| weight).sum();
            let probability = (answers / asked.max(1e-9)).clamp(1e-6, 0.98);
            Rule { probability, wait: law(rule.wait, lags, choose), ..*rule }
        })
        .collect();
    Model { mixes, waits, exits, rules, by_answer: model.by_answer.clone() }
}

fn share(exits: f64, mix: &[f64]) -> f64 {
    let steps: f64 = mix.iter().sum();
    if exits > 0.0 { (exits / (exits + steps)).min(0.95) } else { 0.0 }
}

/// The law of `waits`: of a newly chosen family, or of the one of `old`.
fn law(old: Law, waits: &Waits, choose: bool) -> Law {
    let fit = if waits.n_complete() < LEAST_ENDS {
        fit_family(Family::Exponential, waits)
    } else if choose {
        fit_law(waits)
    } else {
        fit_family(old.family(), waits).or_else(|_| fit_law(waits))
    };
    fit.map_or(old, |fit| fit.as_law())
}

fn by_answer(rules: &[Rule], types: usize) -> Vec<Vec<usize>> {
    let mut by_answer = vec![Vec::new(); types];
    for (position, rule) in rules.iter().enumerate() {
        by_answer[usize::from(rule.then)].push(position);
    }
    by_answer
}

/// Share of a row that counts as a step at the start, when it stands next to its question.
const RARELY_A_STEP: f64 = 0.05;

/// Plain counts as a start: rows are steps unless they stand next to their question, waits go from
/// row to row.
fn first_model(readings: &[Reading], levels: &Levels, types: &Types, pairs: &[Pair]) -> Model {
    let (n_levels, n_types) = (levels.names.len(), types.entries().len());
    let mut counts = vec![vec![0.0; n_types]; n_levels];
    let (mut days, mut ends, mut exits) =
        (vec![0.0; n_levels], vec![0.0; n_levels], vec![0.0; n_levels]);
    for path in readings.iter().flat_map(|reading| &reading.paths) {
        let mut clock = path.clock;
        let mut before = None;
        for event in &path.events {
            match *event {
                Event::Row { at, kind, level, .. } => {
                    let answers =
                        pairs.iter().any(|p| before == Some((p.level, p.after)) && p.then == kind);
                    before = Some((level, kind));
                    let level = usize::from(level);
                    if types.entries()[usize::from(kind)].stage == levels.stages[level] {
                        let share = if answers { RARELY_A_STEP } else { 1.0 };
                        counts[level][usize::from(kind)] += share * path.weight;
                    }
                    if let Some(clock) = clock {
                        days[level] += path.weight * at.days_since(clock).max(SHORTEST_DAYS);
                        ends[level] += path.weight;
                    }
                    clock = Some(at);
                }
                Event::Reset { at, .. } => clock = Some(at),
                Event::Lost => clock = None,
            }
        }
        if path.left {
            exits[usize::from(path.end_level)] += path.weight;
        }
    }
    let all_days: f64 = days.iter().sum();
    let all_ends: f64 = ends.iter().sum();
    let usual = if all_ends > 0.0 { (all_days / all_ends).max(SHORTEST_DAYS) } else { 30.0 };
    let waits = days
        .iter()
        .zip(&ends)
        .map(|(days, ends)| Law::exponential(if *ends > 1.0 { days / ends } else { usual }))
        .collect();
    let shares = counts
        .iter()
        .map(|counts| {
            let total: f64 = counts.iter().sum();
            counts.iter().map(|count| if total > 0.0 { count / total } else { 0.0 }).collect()
        })
        .collect();
    let exits = exits.iter().zip(&counts).map(|(exits, counts)| share(*exits, counts)).collect();
    let rules: Vec<Rule> = pairs
        .iter()
        .map(|pair| Rule {
            level: pair.level,
            after: pair.after,
            then: pair.then,
            probability: pair.excess.clamp(0.01, 0.95),
            wait: Law::exponential(pair.lag_days.max(SHORTEST_DAYS)),
        })
        .collect();
    let by_answer = by_answer(&rules, n_types);
    Model { mixes: shares, waits, exits, rules, by_answer }
}
