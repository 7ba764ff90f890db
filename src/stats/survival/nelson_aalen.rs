//! Cumulative hazards with late entry.

use statrs::distribution::{ContinuousCDF, Normal};

use super::super::binomial::Interval;
use super::super::error::StatsError;
use super::risk_sets::{RiskSet, check_rows, risk_sets};

/// One step of a cumulative hazard: what holds from this event time on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HazardStep {
    /// Event time, in the unit of the input.
    pub time: f64,
    /// Units at risk just before it.
    pub at_risk: usize,
    /// Events at it.
    pub events: usize,
    /// Events per unit at risk, summed up to and including it.
    pub cumulative_hazard: f64,
    /// Standard error of the cumulative hazard.
    pub std_error: f64,
    /// 95 % interval.
    pub interval: Interval,
}

/// A Nelson-Aalen cumulative hazard.
#[derive(Debug, Clone, PartialEq)]
pub struct HazardCurve {
    /// One step per distinct event time, ascending; the hazard is 0 before the first.
    pub steps: Vec<HazardStep>,
    /// Units.
    pub n_units: usize,
    /// Events.
    pub n_events: usize,
}

impl HazardCurve {
    /// Cumulative hazard up to and including `time`.
    pub fn at(&self, time: f64) -> f64 {
        let past = self.steps.partition_point(|step| step.time <= time);
        past.checked_sub(1).map_or(0.0, |last| self.steps[last].cumulative_hazard)
    }
}

/// Nelson-Aalen cumulative hazard with late entry (left truncation) and right censoring.
///
/// ```text
/// H(t) = Σ over event times s ≤ t of d(s)/n(s)      n(s) = #{i : entryᵢ < s ≤ timeᵢ}
/// V(t) = Σ d/n²
/// interval: H(t) exp(± z √V / H(t))                 log scale, z = Φ⁻¹(0.975)
/// ```
///
/// Tied events are taken as simultaneous: d/n, as the type 1 cumulative hazard of R. The variant
/// that breaks ties at random (1/n + 1/(n − 1) + …, lifelines' default) is larger.
///
/// - `entry`, `time`, `event`: as for [`kaplan_meier`](super::kaplan_meier).
///
/// # Errors
///
/// As [`kaplan_meier`](super::kaplan_meier).
///
/// # Source
///
/// Nelson (1972), *Technometrics* 14(4), 945–966; Aalen (1978), *Ann. Stat.* 6(4), 701–726. Parity:
/// R `survival::survfit` (`ctype = 1`), `lifelines.NelsonAalenFitter` without smoothing of ties and
/// `sksurv.nonparametric.nelson_aalen_estimator`, `tests/fixtures/survival_curves.json` and
/// `survival_curves_r.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let hazard = rvq::stats::nelson_aalen(&[0.0; 3], &[1.0, 2.0, 3.0], &[true, false, true])?;
/// assert!((hazard.at(2.5) - 1.0 / 3.0).abs() < 1e-12 && (hazard.at(3.0) - 4.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn nelson_aalen(
    entry: &[f64],
    time: &[f64],
    event: &[bool],
) -> Result<HazardCurve, StatsError> {
    check_rows("nelson_aalen", entry, time, event.len())?;
    let z = Normal::standard().inverse_cdf(0.975);
    let (mut hazard, mut variance) = (0.0_f64, 0.0_f64);
    let steps =
        risk_sets(entry, time, event).into_iter().map(|RiskSet { time, at_risk, events }| {
            let (n, d) = (at_risk as f64, events as f64);
            hazard += d / n;
            variance += d / (n * n);
            let std_error = variance.sqrt();
            let factor = (z * std_error / hazard).exp();
            let interval = Interval { low: hazard / factor, high: hazard * factor };
            HazardStep { time, at_risk, events, cumulative_hazard: hazard, std_error, interval }
        });
    let steps = steps.collect();
    let n_events = event.iter().filter(|event| **event).count();
    Ok(HazardCurve { steps, n_units: time.len(), n_events })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::kaplan_meier;

    #[test]
    fn it_is_above_minus_the_logarithm_of_survival_by_little_when_many_are_at_risk() {
        let time: Vec<f64> = (1..=400).map(f64::from).collect();
        let (entry, event) = (vec![0.0; 400], vec![true; 400]);
        let hazard = nelson_aalen(&entry, &time, &event).unwrap();
        let survival = kaplan_meier(&entry, &time, &event).unwrap();
        for t in [1.0, 100.0, 200.0] {
            let gap = -survival.at(t).ln() - hazard.at(t);
            assert!(gap > 0.0 && gap < 2e-3, "{gap}");
        }
    }

    #[test]
    fn units_not_yet_observed_are_not_at_risk() {
        let hazard = nelson_aalen(&[0.0, 0.0, 5.0], &[2.0, 7.0, 8.0], &[true; 3]).unwrap();
        let at_risk: Vec<usize> = hazard.steps.iter().map(|step| step.at_risk).collect();
        assert_eq!(at_risk, [2, 2, 1]);
        assert!(hazard.at(1.9).abs() < 1e-15 && (hazard.at(7.0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn without_events_it_stays_at_zero() {
        let hazard = nelson_aalen(&[0.0, 0.0], &[1.0, 2.0], &[false, false]).unwrap();
        assert!(hazard.steps.is_empty() && hazard.at(9.0).abs() < 1e-15);
    }

    #[test]
    fn tied_events_count_together_and_bad_input_is_an_error() {
        let hazard = nelson_aalen(&[0.0; 4], &[1.0, 1.0, 1.0, 2.0], &[true; 4]).unwrap();
        assert!((hazard.at(1.0) - 0.75).abs() < 1e-15 && hazard.steps.len() == 2);
        assert!(nelson_aalen(&[], &[], &[]).is_err());
        assert!(nelson_aalen(&[1.0], &[1.0], &[true]).is_err());
        assert!(nelson_aalen(&[0.0], &[f64::NAN], &[true]).is_err());
        assert!(nelson_aalen(&[0.0], &[1.0], &[]).is_err());
    }
}
