//! Which row answers which, where several rows may answer one of several questions.
//!
//! Every question has at most one answer and every row answers at most one question or is a step of
//! the walk. The marginal probabilities of such a matching are those of belief propagation, as for
//! the permanent of a matrix: Huang and Jebara (2009), arXiv:0908.1769.

/// A row that may answer an earlier one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) row: usize,
    pub(super) rule: usize,
    /// Position of the row that asks.
    pub(super) question: usize,
    /// Density of the answer at this time, without what may answer beside it.
    pub(super) density: f64,
    /// Probability that the question stays without answer while it is watched.
    pub(super) silent: f64,
    /// Factor on `density` by what else may answer the question: `1/silent` if nothing else does,
    /// about 0 where another row surely did.
    pub(super) free: f64,
}

impl Link {
    /// How much reading the row as this answer raises the likelihood.
    pub(super) fn weight(&self) -> f64 {
        self.density * self.free
    }
}

/// Rounds of messages; they settle geometrically.
const ROUNDS: usize = 24;

/// Bounds of a message: beyond them a row or question is taken for certain.
const CERTAIN: f64 = 1e12;

/// Sets [`Link::free`] of all links.
///
/// ```text
/// free(q → a) = 1 / (silent(q) + Σ_{b ≠ a} density(q, b) idle(b → q))
/// idle(a → q) = 1 / (step(a)   + Σ_{r ≠ q} density(r, a) free(r → a))
/// ```
///
/// - `links`: ordered by row.
/// - `step`: by row, the weight of reading it as a step, in the unit of [`Link::weight`].
pub(super) fn settle(links: &mut [Link], step: &[f64]) {
    let by_row = groups(links, |link| (link.row, 0));
    let by_question = groups(links, |link| (link.question, link.rule));
    let mut idle = vec![0.0; links.len()];
    for _ in 0..ROUNDS {
        for group in &by_row {
            let step = step[links[group[0]].row];
            exclude(
                group,
                |at| links[at].weight(),
                |at, others| {
                    idle[at] = (step + others).recip().clamp(CERTAIN.recip(), CERTAIN);
                },
            );
        }
        let offered: Vec<f64> =
            links.iter().zip(&idle).map(|(link, idle)| link.density * idle).collect();
        for group in &by_question {
            exclude(
                group,
                |at| offered[at],
                |at, others| {
                    let free = (links[at].silent + others).recip();
                    links[at].free = free.clamp(CERTAIN.recip(), CERTAIN);
                },
            );
        }
    }
}

/// Positions of links that share a key.
fn groups<K: Ord>(links: &[Link], key: impl Fn(&Link) -> K) -> Vec<Vec<usize>> {
    let mut positions: Vec<usize> = (0..links.len()).collect();
    positions.sort_by_key(|&at| key(&links[at]));
    positions.chunk_by(|&a, &b| key(&links[a]) == key(&links[b])).map(<[usize]>::to_vec).collect()
}

/// For each member of `group`, the sum of `value` over the others.
fn exclude(group: &[usize], value: impl Fn(usize) -> f64, mut found: impl FnMut(usize, f64)) {
    // From both ends: a difference to the total would lose what is small beside a large member.
    let mut after: Vec<f64> = vec![0.0; group.len()];
    for at in (1..group.len()).rev() {
        after[at - 1] = after[at] + value(group[at]);
    }
    let values: Vec<f64> = group.iter().map(|&at| value(at)).collect();
    let mut before = 0.0;
    for (position, &at) in group.iter().enumerate() {
        found(at, before + after[position]);
        before += values[position];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(row: usize, question: usize, density: f64, silent: f64) -> Link {
        Link { row, rule: 0, question, density, silent, free: silent.recip() }
    }

    /// Probabilities of the links by adding up every matching.
    fn enumerated(links: &[Link], step: &[f64]) -> Vec<f64> {
        let mut shares = vec![0.0; links.len()];
        let mut total = 0.0;
        for chosen in 0_u32..1 << links.len() {
            let taken: Vec<&Link> =
                (0..links.len()).filter(|at| chosen >> at & 1 == 1).map(|at| &links[at]).collect();
            let clash = |a: &Link, b: &Link| a.row == b.row || a.question == b.question;
            if taken.iter().enumerate().any(|(at, a)| taken[..at].iter().any(|b| clash(a, b))) {
                continue;
            }
            let mut weight = 1.0;
            for (row, step) in step.iter().enumerate() {
                weight *= match taken.iter().find(|link| link.row == row) {
                    Some(link) => link.density / link.silent,
                    None => *step,
                };
            }
            total += weight;
            for (at, share) in shares.iter_mut().enumerate() {
                *share += if chosen >> at & 1 == 1 { weight } else { 0.0 };
            }
        }
        shares.iter().map(|share| share / total).collect()
    }

    fn settled(links: &mut [Link], step: &[f64]) -> Vec<f64> {
        settle(links, step);
        let total = |row: usize| {
            let weights = links.iter().filter(|link| link.row == row).map(Link::weight);
            step[row] + weights.sum::<f64>()
        };
        links.iter().map(|link| link.weight() / total(link.row)).collect()
    }

    #[test]
    fn a_tree_of_questions_and_answers_is_solved_exactly() {
        // Question 0 may be answered by rows 0 and 1, question 1 by rows 1 and 2.
        let step = [0.3, 0.05, 2.0];
        let mut links = [
            link(0, 0, 0.2, 0.5),
            link(1, 0, 0.4, 0.5),
            link(1, 1, 0.1, 0.25),
            link(2, 1, 0.7, 0.25),
        ];
        let expected = enumerated(&links, &step);
        for (found, expected) in settled(&mut links, &step).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
        }
    }

    #[test]
    fn a_row_that_is_no_step_takes_its_question_from_the_others() {
        let step = [0.0, 1.0];
        let mut links = [link(0, 0, 0.2, 0.5), link(1, 0, 0.4, 0.5)];
        let shares = settled(&mut links, &step);
        assert!(shares[0] > 1.0 - 1e-9 && shares[1] < 1e-9, "{shares:?}");
    }

    #[test]
    fn a_loop_is_solved_to_two_hundredths() {
        // Belief propagation is exact on trees only; where two rows may answer the same two
        // questions, as here, Bethe's approximation is off by .017.
        let step = [0.4, 0.5];
        let mut links = [
            link(0, 0, 0.5, 0.6),
            link(0, 1, 0.2, 0.6),
            link(1, 0, 0.3, 0.6),
            link(1, 1, 0.4, 0.6),
        ];
        let expected = enumerated(&links, &step);
        for (found, expected) in settled(&mut links, &step).into_iter().zip(expected) {
            assert!((found - expected).abs() < 0.02, "{found} instead of {expected}");
        }
    }
}
