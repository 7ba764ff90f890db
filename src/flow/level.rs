//! What a level is expected to bring: counts, relative value and share of negative interactions.

use super::{Catalogue, Flow, Level};
use crate::ids::TypeIndex;

impl Level {
    /// Expected number of interactions of each type per step, answers included.
    ///
    /// ```text
    /// v = m + Fᵀ v      m: mix, F: probability that a type is followed by another
    /// ```
    ///
    /// - Returns pairs in catalogue order; the numbers sum to at least 1.
    pub fn expected_interactions(&self) -> Vec<(TypeIndex, f64)> {
        let mut total = self.mix.clone();
        let mut generation = self.mix.clone();
        // Answers form no loop in a checked flow, so no generation outlives their number.
        for _ in 0..self.follow_ups.len() {
            let mut answers: Vec<(TypeIndex, f64)> = Vec::new();
            for follow_up in &self.follow_ups {
                let asked = generation.iter().find(|(kind, _)| *kind == follow_up.after);
                if let Some((_, count)) = asked {
                    add(&mut answers, follow_up.then, count * follow_up.probability);
                }
            }
            for (kind, count) in &answers {
                add(&mut total, *kind, *count);
            }
            generation = answers;
        }
        total.sort_by_key(|(kind, _)| *kind);
        total
    }

    /// Mean relative value of one interaction at this level, answers included.
    pub fn mean_rv(&self, catalogue: &Catalogue) -> f64 {
        self.mean_of(|kind| catalogue.entries()[usize::from(kind.0)].worth.rv)
    }

    /// Share of interactions at this level with negative relative value, answers included.
    pub fn negative_share(&self, catalogue: &Catalogue) -> f64 {
        self.mean_of(|kind| {
            f64::from(u8::from(catalogue.entries()[usize::from(kind.0)].worth.rv < 0.0))
        })
    }

    fn mean_of(&self, value: impl Fn(TypeIndex) -> f64) -> f64 {
        let expected = self.expected_interactions();
        let total: f64 = expected.iter().map(|(_, count)| count).sum();
        expected.iter().map(|(kind, count)| count * value(*kind)).sum::<f64>() / total
    }

    /// Every type that can occur at this level.
    pub(super) fn types(&self) -> impl Iterator<Item = TypeIndex> {
        let possible = |probability: f64| probability > 0.0;
        let mix = self.mix.iter().filter(move |(_, p)| possible(*p)).map(|(kind, _)| *kind);
        let answers = self.follow_ups.iter().filter(move |f| possible(f.probability));
        mix.chain(answers.map(|follow_up| follow_up.then))
    }
}

impl Flow {
    /// The level called `name`.
    pub fn level(&self, name: &str) -> Option<&Level> {
        self.levels.iter().find(|level| level.name == name)
    }
}

fn add(counts: &mut Vec<(TypeIndex, f64)>, kind: TypeIndex, count: f64) {
    match counts.iter_mut().find(|(known, _)| *known == kind) {
        Some((_, total)) => *total += count,
        None => counts.push((kind, count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Clock, FollowUp, SojournLaw};
    use crate::interaction::Stage;

    #[test]
    fn answers_to_answers_count_too() {
        let wait = SojournLaw::Exponential { mean_days: 1.0 };
        let answer = |after, then| FollowUp {
            after: TypeIndex(after),
            then: TypeIndex(then),
            probability: 0.5,
            wait: wait.clone(),
        };
        let level = Level {
            name: "one".to_owned(),
            stage: Stage::Retention,
            wait: wait.clone(),
            clock: Clock::Reset,
            mix: vec![(TypeIndex(0), 0.8), (TypeIndex(2), 0.2)],
            follow_ups: vec![answer(1, 2), answer(0, 1)],
            exits: Vec::new(),
        };
        let expected = [(TypeIndex(0), 0.8), (TypeIndex(1), 0.4), (TypeIndex(2), 0.4)];
        for ((kind, count), (expected_kind, expected)) in
            level.expected_interactions().into_iter().zip(expected)
        {
            assert_eq!(kind, expected_kind);
            assert!((count - expected).abs() < 1e-12);
        }
    }
}
