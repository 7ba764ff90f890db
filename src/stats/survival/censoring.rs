//! How long units would have stayed under observation.

use super::super::error::StatsError;
use super::super::rank::same;
use super::risk_sets::{check_durations, sorted};

/// The Kaplan-Meier curve of the time to censoring, for weights that make up for it.
///
/// ```text
/// G(t) = Π over censoring times s ≤ t of (1 − c(s)/m(s))
/// c(s): censored at s     m(s): still there at s, less those with an event at s
/// ```
///
/// An event goes before a censoring at the same time. So a unit with an event at t stayed under
/// observation with probability G(t⁻), and one still there after t with G(t).
#[derive(Debug, Clone, PartialEq)]
pub struct CensoringCurve {
    /// Censoring times, ascending.
    times: Vec<f64>,
    /// G from each on.
    values: Vec<f64>,
}

impl CensoringCurve {
    /// Estimates it; from the sample that a model was fitted to, when another one is predicted.
    ///
    /// - `time`: shape `(n,)`, durations from a common origin, any unit.
    /// - `event`: shape `(n,)`, whether `time` is the event (false: censored).
    ///
    /// # Errors
    ///
    /// `LengthMismatch`, `NotFinite`; `TooFew` for no units.
    ///
    /// # Source
    ///
    /// Robins and Finkelstein (2000), *Biometrics* 56(3), 779–788, on such weights. Parity: through
    /// [`uno_concordance`](super::uno_concordance), [`dynamic_auc`](super::dynamic_auc) and
    /// [`ipcw_brier_score`](super::ipcw_brier_score), which weigh by it.
    ///
    /// # Examples
    ///
    /// ```
    /// let censoring = rvq::stats::CensoringCurve::fit(&[1.0, 2.0, 2.0, 3.0], &[true, false, true, true])?;
    /// assert!((censoring.before(2.0) - 1.0).abs() < 1e-12 && (censoring.at(2.0) - 0.5).abs() < 1e-12);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn fit(time: &[f64], event: &[bool]) -> Result<Self, StatsError> {
        check_durations("censoring_curve", time, event.len())?;
        let all = sorted(time.iter().copied());
        let of = |wanted: bool| {
            sorted(time.iter().zip(event).filter(|(_, e)| **e == wanted).map(|(t, _)| *t))
        };
        let (events, censored) = (of(true), of(false));
        let mut value = 1.0;
        let (mut times, mut values) = (Vec::new(), Vec::new());
        for tied in censored.chunk_by(|a, b| same(*a, *b)) {
            let now = tied[0];
            let gone = all.partition_point(|t| *t < now);
            let with_event =
                events.partition_point(|t| *t <= now) - events.partition_point(|t| *t < now);
            let still = (all.len() - gone - with_event) as f64;
            value *= 1.0 - tied.len() as f64 / still;
            times.push(now);
            values.push(value);
        }
        Ok(Self { times, values })
    }

    /// Probability of staying under observation beyond `time`.
    pub fn at(&self, time: f64) -> f64 {
        let past = self.times.partition_point(|t| *t <= time);
        past.checked_sub(1).map_or(1.0, |last| self.values[last])
    }

    /// Probability of staying under observation until `time`.
    pub fn before(&self, time: f64) -> f64 {
        let past = self.times.partition_point(|t| *t < time);
        past.checked_sub(1).map_or(1.0, |last| self.values[last])
    }

    /// The weight of an event: one over the probability of seeing it.
    pub(super) fn event_weight(&self, time: f64) -> Result<f64, StatsError> {
        inverse(self.before(time), time)
    }

    /// The weight of a unit still there after `time`.
    pub(super) fn survivor_weight(&self, time: f64) -> Result<f64, StatsError> {
        inverse(self.at(time), time)
    }
}

fn inverse(probability: f64, time: f64) -> Result<f64, StatsError> {
    if probability > 0.0 {
        return Ok(1.0 / probability);
    }
    let expected = "a time that some of the censoring sample outlived";
    Err(StatsError::OutOfRange { argument: "time", value: time, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_censoring_nothing_needs_weight() {
        let curve = CensoringCurve::fit(&[1.0, 2.0], &[true, true]).unwrap();
        assert!((curve.at(9.0) - 1.0).abs() < 1e-15);
        assert!((curve.event_weight(2.0).unwrap() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_time_that_nobody_outlived_has_no_weight() {
        let curve = CensoringCurve::fit(&[1.0, 2.0], &[true, false]).unwrap();
        assert!(curve.survivor_weight(2.0).is_err() && curve.event_weight(2.0).is_ok());
        assert!(curve.event_weight(2.1).is_err());
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(CensoringCurve::fit(&[], &[]).is_err());
        assert!(CensoringCurve::fit(&[1.0], &[]).is_err());
        assert!(CensoringCurve::fit(&[f64::NAN], &[true]).is_err());
    }
}
