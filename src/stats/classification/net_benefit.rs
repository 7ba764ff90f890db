//! Decision curves.

use super::super::error::StatsError;
use super::labels::check_probabilities;

/// The net benefit of acting at one threshold; acting on nobody has a net benefit of 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetBenefit {
    /// Probability from which one acts.
    pub threshold: f64,
    /// Of acting on those at or above the threshold.
    pub model: f64,
    /// Of acting on all.
    pub treat_all: f64,
}

/// Net benefit of acting on predicted probabilities, at each threshold.
///
/// ```text
/// NB(t)  = TP/n − FP/n · t/(1 − t)      acting where p ≥ t
/// all(t) = q − (1 − q) · t/(1 − t)      q: share of events;  none(t) = 0
/// ```
///
/// The threshold says how many needless actions one is worth: at t = .1, nine. The unit is true
/// positives per row, so .02 means two events per hundred rows caught at no needless action.
///
/// - `probability`: shape `(n,)`, in `[0, 1]`. `event`: shape `(n,)`. `thresholds`: in `[0, 1)`.
///   Returns one entry for each threshold, in the order given.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`, `TooFew`; `OutOfRange` for a probability or a threshold.
///
/// # Source
///
/// Vickers and Elkin (2006), *Medical Decision Making* 26(6), 565–574. Parity: `dcurves.dca`,
/// `tests/fixtures/classification.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let curve = rvq::stats::net_benefit(&[0.1, 0.4, 0.6, 0.2], &[false, true, true, false], &[0.2])?;
/// assert!((curve[0].model - (0.5 - 0.25 * 0.25)).abs() < 1e-12);
/// assert!((curve[0].treat_all - (0.5 - 0.5 * 0.25)).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn net_benefit(
    probability: &[f64],
    event: &[bool],
    thresholds: &[f64],
) -> Result<Vec<NetBenefit>, StatsError> {
    check_probabilities("net_benefit", probability, event)?;
    if let Some(&value) = thresholds.iter().find(|t| !(0.0..1.0).contains(*t)) {
        let expected = "at least 0 and below 1";
        return Err(StatsError::OutOfRange { argument: "threshold", value, expected });
    }
    let n = event.len() as f64;
    let share = event.iter().filter(|e| **e).count() as f64 / n;
    let at = |&threshold: &f64| {
        let odds = threshold / (1.0 - threshold);
        let acted = probability.iter().zip(event).filter(|(p, _)| **p >= threshold);
        let (hits, needless) = acted
            .fold((0_usize, 0_usize), |(t, f), (_, e)| if *e { (t + 1, f) } else { (t, f + 1) });
        NetBenefit {
            threshold,
            model: hits as f64 / n - needless as f64 / n * odds,
            treat_all: share - (1.0 - share) * odds,
        }
    };
    Ok(thresholds.iter().map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_threshold_zero_everyone_is_treated() {
        let curve = net_benefit(&[0.0, 0.7], &[true, false], &[0.0]).unwrap();
        assert!((curve[0].model - 0.5).abs() < 1e-15);
        assert!((curve[0].treat_all - 0.5).abs() < 1e-15);
    }

    #[test]
    fn a_perfect_model_gains_the_share_of_events_at_any_threshold() {
        let thresholds = [0.01, 0.5, 0.99];
        let curve = net_benefit(&[1.0, 0.0, 0.0, 0.0], &[true, false, false, false], &thresholds);
        assert!(curve.unwrap().iter().all(|at| (at.model - 0.25).abs() < 1e-15));
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(net_benefit(&[0.5], &[true], &[1.0]).is_err());
        assert!(net_benefit(&[0.5], &[true], &[f64::NAN]).is_err());
        assert!(net_benefit(&[], &[], &[0.5]).is_err());
        assert!(net_benefit(&[0.5], &[true], &[]).unwrap().is_empty());
    }
}
