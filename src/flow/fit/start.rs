//! Where records start when their first level is unknown: a mixture over the levels of the stage.

use super::levels::{Event, Levels};
use super::prepare::Types;
use super::record::Record;
use crate::interaction::Stage;

/// Rounds of expectation and maximisation: a start for the full likelihood, not the estimate.
const ROUNDS: usize = 40;

/// What one record did before its level became known.
struct Opening {
    /// Types with their counts.
    counts: Vec<(u16, f64)>,
    candidates: Vec<u16>,
}

/// Rows by level and type, where the level is known.
struct Known {
    rows: Vec<Vec<f64>>,
    openings: Vec<(usize, Opening)>,
}

/// Probability of every candidate level of every record, in the order of the records.
pub(super) fn start_levels(
    levels: &Levels,
    records: &[&Record],
    types: &Types,
) -> Vec<Vec<(u16, f64)>> {
    let known = Known::new(levels, records, types, None);
    let (posteriors, _) = known.fit(levels, types);
    let mut all: Vec<Vec<(u16, f64)>> = records
        .iter()
        .map(|record| {
            let candidates = levels.candidates(record);
            let share = (candidates.len() as f64).recip();
            candidates.into_iter().map(|level| (level, share)).collect()
        })
        .collect();
    for ((record, opening), posterior) in known.openings.iter().zip(posteriors) {
        all[*record] = opening.candidates.iter().copied().zip(posterior).collect();
    }
    all
}

/// Adds, per stage, the level at which contacts start and to which no trigger leads, if the rows
/// ask for one: no level of the stage is known, or the mixture with one more level has the
/// smaller Bayesian information criterion.
pub(super) fn add_hidden_levels(levels: &mut Levels, records: &[&Record], types: &Types) {
    for stage in Stage::ALL {
        let open: Vec<&Record> = records
            .iter()
            .copied()
            .filter(|record| record.stage == stage && !record.rows.is_empty())
            .filter(|record| {
                levels.candidates(record).len() != 1 || levels.of_stage(stage).next().is_none()
            })
            .collect();
        if open.is_empty() {
            continue;
        }
        let mut more = levels.clone();
        let name = hidden_name(levels, stage);
        more.insert(&name, stage);
        if levels.of_stage(stage).next().is_none() {
            *levels = more;
            continue;
        }
        let before = Known::new(levels, records, types, Some(stage));
        let after = Known::new(&more, records, types, Some(stage));
        let (_, likelihood) = before.fit(levels, types);
        let (_, with_one_more) = after.fit(&more, types);
        let rows: f64 =
            after.openings.iter().flat_map(|(_, o)| &o.counts).map(|(_, count)| count).sum();
        let of_stage = types.entries().iter().filter(|e| e.stage == stage && !e.transactional);
        let parameters = of_stage.count() as f64;
        if with_one_more - likelihood > 0.5 * parameters * rows.max(1.0).ln() {
            *levels = more;
        }
    }
}

fn hidden_name(levels: &Levels, stage: Stage) -> String {
    let mut name = stage.name().to_owned();
    while levels.names.contains(&name) {
        name.push_str("_start");
    }
    name
}

impl Known {
    /// Counts what is known; with `stage`, only records that start in it.
    fn new(levels: &Levels, records: &[&Record], types: &Types, stage: Option<Stage>) -> Self {
        let mut rows = vec![vec![0.0; types.entries().len()]; levels.names.len()];
        let mut openings = Vec::new();
        for (position, record) in records.iter().enumerate() {
            let candidates = levels.candidates(record);
            let path = levels.path(record, candidates[0], 1.0);
            let open = candidates.len() > 1;
            let mut counts = Vec::new();
            let mut opening = open;
            for event in path.events {
                match event {
                    Event::Row { kind, level, moves, .. } => {
                        // Only types of the stage tell levels of it apart: others are late answers.
                        if types.entries()[usize::from(kind)].stage
                            == levels.stages[usize::from(level)]
                        {
                            if opening {
                                add(&mut counts, kind);
                            } else {
                                rows[usize::from(level)][usize::from(kind)] += 1.0;
                            }
                        }
                        // A trigger ends the opening, be the level before it another or the same.
                        opening &= !moves && levels.triggers[usize::from(kind)].is_none();
                    }
                    Event::Reset { .. } | Event::Lost => opening = false,
                }
            }
            if open && stage.is_none_or(|stage| record.stage == stage) {
                openings.push((position, Opening { counts, candidates }));
            }
        }
        Self { rows, openings }
    }

    /// Posteriors of the candidates of every opening, and the log likelihood of all of them.
    fn fit(&self, levels: &Levels, types: &Types) -> (Vec<Vec<f64>>, f64) {
        let mut posteriors: Vec<Vec<f64>> = self
            .openings
            .iter()
            .map(|(_, opening)| {
                // Levels of which nothing is known yet take the rows at first.
                let empty = |level: &u16| self.rows[usize::from(*level)].iter().sum::<f64>() <= 0.0;
                let any = opening.candidates.iter().any(empty);
                let weight = |l: &u16| if any && !empty(l) { 0.2 } else { 1.0 };
                normalised(opening.candidates.iter().map(weight).collect())
            })
            .collect();
        let mut likelihood = 0.0;
        for _ in 0..ROUNDS {
            let mixes = self.mixes(levels, types, &posteriors);
            let priors = self.priors(levels, &posteriors);
            likelihood = 0.0;
            for ((_, opening), posterior) in self.openings.iter().zip(&mut posteriors) {
                let logs: Vec<f64> = opening
                    .candidates
                    .iter()
                    .map(|&level| {
                        let mix = &mixes[usize::from(level)];
                        let rows: f64 =
                            opening.counts.iter().map(|&(k, n)| n * mix[usize::from(k)].ln()).sum();
                        priors[usize::from(level)].ln() + rows
                    })
                    .collect();
                let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let shares: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
                likelihood += most + shares.iter().sum::<f64>().ln();
                *posterior = normalised(shares);
            }
        }
        (posteriors, likelihood)
    }

    /// Shares of types by level, pulled slightly towards those of the stage.
    fn mixes(&self, levels: &Levels, types: &Types, posteriors: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut rows = self.rows.clone();
        for ((_, opening), posterior) in self.openings.iter().zip(posteriors) {
            for (&level, weight) in opening.candidates.iter().zip(posterior) {
                for &(kind, count) in &opening.counts {
                    rows[usize::from(level)][usize::from(kind)] += weight * count;
                }
            }
        }
        (0..)
            .zip(&rows)
            .map(|(level, own)| {
                let stage = levels.stages[level];
                let of_stage: Vec<f64> = types
                    .entries()
                    .iter()
                    .map(|entry| f64::from(u8::from(entry.stage == stage && !entry.transactional)))
                    .collect();
                let n: f64 = of_stage.iter().sum::<f64>().max(1.0);
                // Half a row per type, in the manner of Jeffreys.
                normalised(
                    own.iter()
                        .zip(&of_stage)
                        .map(|(rows, fits)| rows + 0.5 * fits + 1e-6 / n)
                        .collect(),
                )
            })
            .collect()
    }

    fn priors(&self, levels: &Levels, posteriors: &[Vec<f64>]) -> Vec<f64> {
        let mut weights = vec![0.5; levels.names.len()];
        for ((_, opening), posterior) in self.openings.iter().zip(posteriors) {
            for (&level, weight) in opening.candidates.iter().zip(posterior) {
                weights[usize::from(level)] += weight;
            }
        }
        normalised(weights)
    }
}

fn add(counts: &mut Vec<(u16, f64)>, kind: u16) {
    match counts.iter_mut().find(|(known, _)| *known == kind) {
        Some((_, count)) => *count += 1.0,
        None => counts.push((kind, 1.0)),
    }
}

fn normalised(mut weights: Vec<f64>) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= total;
    }
    weights
}
