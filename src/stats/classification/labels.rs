//! What predictions of an event must fulfil.

use super::super::error::{StatsError, check_finite};

/// How many had the event and how many did not.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub(super) events: usize,
    pub(super) others: usize,
}

/// Checks that scores are finite, pair with their labels, and that both kinds occur `needed` times.
pub(super) fn check_scores(
    statistic: &'static str,
    score: &[f64],
    event: &[bool],
    needed: usize,
) -> Result<Counts, StatsError> {
    check_length(statistic, score, event)?;
    check_finite(score)?;
    let events = event.iter().filter(|e| **e).count();
    let others = event.len() - events;
    let got = events.min(others);
    if got < needed {
        return Err(StatsError::TooFew { statistic, needed, got });
    }
    Ok(Counts { events, others })
}

/// Checks that there is at least one prediction, and all pair with labels and lie in `[0, 1]`.
pub(super) fn check_probabilities(
    statistic: &'static str,
    probability: &[f64],
    event: &[bool],
) -> Result<(), StatsError> {
    check_length(statistic, probability, event)?;
    if probability.is_empty() {
        return Err(StatsError::TooFew { statistic, needed: 1, got: 0 });
    }
    check_finite(probability)?;
    match probability.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        Some(&value) => {
            let expected = "between 0 and 1";
            Err(StatsError::OutOfRange { argument: "probability", value, expected })
        }
        None => Ok(()),
    }
}

pub(super) fn check_length<A, B>(
    statistic: &'static str,
    left: &[A],
    right: &[B],
) -> Result<(), StatsError> {
    let (left, right) = (left.len(), right.len());
    if left == right { Ok(()) } else { Err(StatsError::LengthMismatch { statistic, left, right }) }
}
