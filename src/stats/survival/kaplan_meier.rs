//! Survival curves with late entry.

use statrs::distribution::{ContinuousCDF, Normal};

use super::super::binomial::Interval;
use super::super::error::StatsError;
use super::risk_sets::{RiskSet, check_rows, risk_sets};

/// One step of a survival curve: what holds from this event time on.
#[derive(Debug, Clone, PartialEq)]
pub struct SurvivalStep {
    /// Event time, in the unit of the input.
    pub time: f64,
    /// Units at risk just before it.
    pub at_risk: usize,
    /// Events at it.
    pub events: usize,
    /// Probability of surviving beyond it.
    pub survival: f64,
    /// 95 % interval; none once the curve has reached 0, where Greenwood's variance is undefined.
    pub interval: Option<Interval>,
}

/// A Kaplan-Meier survival curve.
#[derive(Debug, Clone, PartialEq)]
pub struct SurvivalCurve {
    /// One step per distinct event time, ascending; survival is 1 before the first.
    pub steps: Vec<SurvivalStep>,
    /// Units.
    pub n_units: usize,
    /// Events.
    pub n_events: usize,
}

impl SurvivalCurve {
    /// Probability of surviving beyond `time`.
    pub fn at(&self, time: f64) -> f64 {
        let past = self.steps.partition_point(|step| step.time <= time);
        past.checked_sub(1).map_or(1.0, |last| self.steps[last].survival)
    }

    /// Probability of surviving until `time`, an event at it not yet counted.
    pub fn before(&self, time: f64) -> f64 {
        let past = self.steps.partition_point(|step| step.time < time);
        past.checked_sub(1).map_or(1.0, |last| self.steps[last].survival)
    }
}

/// Kaplan-Meier survival curve with late entry (left truncation) and right censoring.
///
/// ```text
/// S(t) = Π over event times s ≤ t of (1 − d(s)/n(s))      n(s) = #{i : entryᵢ < s ≤ timeᵢ}
/// V(t) = Σ d / (n (n − d))                                Greenwood
/// interval: S(t)^exp(± z √V / log S(t))                   log-log scale, z = Φ⁻¹(0.975)
/// ```
///
/// A unit counts as at risk only after it came under observation; otherwise those who left before
/// the log began would make survival look better than it is. With late entry the first risk sets
/// can be so small that all of them fail: the curve is then 0 from there on, which says the start
/// of the log cannot be used, not that nobody survives. Landmark the data in that case.
///
/// - `entry`: shape `(n,)`, time at which observation began (0 for all without late entry).
/// - `time`: shape `(n,)`, time of the event or of censoring, after `entry`; one unit for both.
/// - `event`: shape `(n,)`, whether `time` is the event.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`, `TooFew` for no units; `OutOfRange` when a time is not after its
/// entry.
///
/// # Source
///
/// Kaplan and Meier (1958), *J. Am. Stat. Assoc.* 53(282), 457–481; Kalbfleisch and Prentice
/// (2002), *The Statistical Analysis of Failure Time Data*, section 1.4 (interval). Parity:
/// `lifelines.KaplanMeierFitter` with `entry`, `tests/fixtures/kaplan_meier.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let curve = rvq::stats::kaplan_meier(&[0.0; 4], &[1.0, 2.0, 2.0, 3.0], &[true, true, false, true])?;
/// assert!((curve.at(2.5) - 0.5).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn kaplan_meier(
    entry: &[f64],
    time: &[f64],
    event: &[bool],
) -> Result<SurvivalCurve, StatsError> {
    check_rows("kaplan_meier", entry, time, event.len())?;
    let z = Normal::standard().inverse_cdf(0.975);
    let (mut survival, mut greenwood) = (1.0, 0.0);
    let mut steps = Vec::new();
    for RiskSet { time, at_risk, events } in risk_sets(entry, time, event) {
        let (n, d) = (at_risk as f64, events as f64);
        survival *= 1.0 - d / n;
        greenwood += d / (n * (n - d));
        let interval = (survival > 0.0).then(|| log_log_interval(survival, greenwood, z));
        steps.push(SurvivalStep { time, at_risk, events, survival, interval });
    }
    let n_events = event.iter().filter(|event| **event).count();
    Ok(SurvivalCurve { steps, n_units: time.len(), n_events })
}

fn log_log_interval(survival: f64, greenwood: f64, z: f64) -> Interval {
    let spread = z * greenwood.sqrt() / survival.ln();
    Interval { low: survival.powf((-spread).exp()), high: survival.powf(spread.exp()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_curve_and_stays_inside_zero_and_one() {
        let time: Vec<f64> = (1..=20).map(f64::from).collect();
        let event: Vec<bool> = (0..20).map(|i| i % 3 != 1).collect();
        let curve = kaplan_meier(&[0.0; 20], &time, &event).unwrap();
        for step in &curve.steps {
            let interval = step.interval.unwrap();
            assert!(interval.low > 0.0 && interval.high < 1.0);
            assert!(interval.low < step.survival && step.survival < interval.high);
        }
    }

    #[test]
    fn units_not_yet_observed_are_not_at_risk() {
        let curve = kaplan_meier(&[0.0, 0.0, 5.0], &[2.0, 7.0, 8.0], &[true, true, true]).unwrap();
        let at_risk: Vec<usize> = curve.steps.iter().map(|s| s.at_risk).collect();
        assert_eq!(at_risk, [2, 2, 1]);
        assert!((curve.at(2.0) - 0.5).abs() < 1e-15 && (curve.at(1.9) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_curve_at_zero_has_no_interval() {
        let curve = kaplan_meier(&[0.0, 3.0], &[1.0, 4.0], &[true, true]).unwrap();
        assert!(curve.at(1.0).abs() < 1e-15 && curve.steps[0].interval.is_none());
        assert!(curve.steps[1].survival.abs() < 1e-15);
    }

    #[test]
    fn without_events_the_curve_stays_at_one() {
        let curve = kaplan_meier(&[0.0, 0.0], &[1.0, 2.0], &[false, false]).unwrap();
        assert!(curve.steps.is_empty() && (curve.at(9.0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(kaplan_meier(&[], &[], &[]).is_err());
        assert!(kaplan_meier(&[1.0], &[1.0], &[true]).is_err());
        assert!(kaplan_meier(&[0.0], &[f64::NAN], &[true]).is_err());
        assert!(kaplan_meier(&[0.0], &[1.0], &[]).is_err());
    }
}
