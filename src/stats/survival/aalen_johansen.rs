//! Cumulative incidence where exits compete.

use statrs::distribution::{ContinuousCDF, Normal};

use super::super::binomial::Interval;
use super::super::error::StatsError;
use super::risk_sets::{RiskSet, check_rows, risk_sets, runs, sorted};

/// One step of a cumulative incidence: what holds from this exit time on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IncidenceStep {
    /// Time of an exit by this cause, in the unit of the input.
    pub time: f64,
    /// Units at risk of any exit just before it.
    pub at_risk: usize,
    /// Exits by this cause at it.
    pub events: usize,
    /// Probability of an exit by this cause up to and including it.
    pub incidence: f64,
    /// Standard error of the incidence; none once nobody is left, where the variance is undefined.
    pub std_error: Option<f64>,
    /// 95 % interval; none without a positive standard error.
    pub interval: Option<Interval>,
}

/// Cumulative incidence of one cause of exit.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidenceCurve {
    /// The cause, as given.
    pub cause: u32,
    /// One step per distinct time of an exit by this cause, ascending; 0 before the first.
    pub steps: Vec<IncidenceStep>,
    /// Units.
    pub n_units: usize,
    /// Exits by this cause.
    pub n_events: usize,
}

impl IncidenceCurve {
    /// Probability of an exit by this cause up to and including `time`.
    pub fn at(&self, time: f64) -> f64 {
        let past = self.steps.partition_point(|step| step.time <= time);
        past.checked_sub(1).map_or(0.0, |last| self.steps[last].incidence)
    }
}

/// Aalen-Johansen cumulative incidence of each cause of exit, with late entry and right censoring.
///
/// ```text
/// F_k(t) = Σ over s ≤ t of S(s⁻) d_k(s)/n(s)       S: Kaplan-Meier of any exit
/// V_k(t) = Σ_{s ≤ t} { (F_k(t) − F_k(s))² d / (n (n − d)) + S(s⁻)² d_k (n − d_k) / n³
///                      − 2 (F_k(t) − F_k(s)) S(s⁻) d_k / n² }
/// interval: F^exp(± z √V / (F log F))              log-log scale, z = Φ⁻¹(0.975)
/// ```
///
/// One minus the Kaplan-Meier curve of one cause, the others taken as censoring, is larger: it is
/// the incidence in a world where the other exits cannot happen. Within an exit time all causes
/// share one risk set.
///
/// - `entry`, `time`: as for [`kaplan_meier`](super::kaplan_meier).
/// - `cause`: shape `(n,)`, why the unit left, none when it was still there (censored).
/// - Returns one curve per cause that occurs, causes ascending; none when nobody left.
///
/// # Errors
///
/// As [`kaplan_meier`](super::kaplan_meier).
///
/// # Source
///
/// Aalen and Johansen (1978), *Scand. J. Stat.* 5(3), 141–150; Dinse and Larson (1986), *Biometrika*
/// 73(2), 379–386 (variance). Parity: R `survival::survfit` on competing states (incidence, late
/// entry), scikit-survival `cumulative_incidence_competing_risks` with `Dinse_Approx` (interval) and
/// `lifelines.AalenJohansenFitter`, `tests/fixtures/survival_curves.json` and
/// `survival_curves_r.json`, tolerance 1e-10. R's own standard errors are an infinitesimal
/// jackknife, which differs from this formula by terms of higher order.
///
/// # Examples
///
/// ```
/// let cause = [Some(1), Some(2), None, Some(1)];
/// let curves = rvq::stats::aalen_johansen(&[0.0; 4], &[1.0, 2.0, 3.0, 4.0], &cause)?;
/// assert!((curves[0].at(4.0) - 0.75).abs() < 1e-12 && (curves[1].at(4.0) - 0.25).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn aalen_johansen(
    entry: &[f64],
    time: &[f64],
    cause: &[Option<u32>],
) -> Result<Vec<IncidenceCurve>, StatsError> {
    check_rows("aalen_johansen", entry, time, cause.len())?;
    let left: Vec<bool> = cause.iter().map(Option::is_some).collect();
    let exits = risk_sets(entry, time, &left);
    let mut causes: Vec<u32> = cause.iter().flatten().copied().collect();
    causes.sort_unstable();
    causes.dedup();
    let curve = |cause_of_exit: u32| {
        let own = time.iter().zip(cause).filter(|(_, cause)| **cause == Some(cause_of_exit));
        let own = sorted(own.map(|(time, _)| *time));
        let steps = incidence(&exits, &own);
        IncidenceCurve { cause: cause_of_exit, steps, n_units: time.len(), n_events: own.len() }
    };
    Ok(causes.into_iter().map(curve).collect())
}

/// The sums of the variance, carried forward so that no difference of large numbers is taken:
/// with D the incidence gained since an exit, Σ D² g, Σ D g, Σ g, Σ D h, Σ h and Σ v.
#[derive(Debug, Default)]
struct Variance {
    squared: f64,
    crossed: f64,
    greenwood: f64,
    shared_crossed: f64,
    shared: f64,
    own: f64,
}

impl Variance {
    fn gain(&mut self, gained: f64) {
        self.squared += gained * (2.0 * self.crossed + gained * self.greenwood);
        self.crossed += gained * self.greenwood;
        self.shared_crossed += gained * self.shared;
    }

    fn value(&self) -> f64 {
        (self.squared + self.own - 2.0 * self.shared_crossed).max(0.0)
    }
}

fn incidence(exits: &[RiskSet], own: &[f64]) -> Vec<IncidenceStep> {
    let (mut survival, mut incidence) = (1.0_f64, 0.0_f64);
    let mut variance = Variance::default();
    let mut steps = Vec::new();
    let mut own = runs(own).peekable();
    for exit in exits {
        let (n, all) = (exit.at_risk as f64, exit.events as f64);
        let events = own.next_if(|(time, _)| *time <= exit.time).map_or(0, |(_, count)| count);
        let d = events as f64;
        let gained = survival * d / n;
        incidence += gained;
        variance.gain(gained);
        variance.own += survival * survival * d * (n - d) / (n * n * n);
        variance.shared += survival * d / (n * n);
        let everybody = exit.events == exit.at_risk;
        if events > 0 {
            // Once nobody is left nothing is gained any more, and Greenwood's sum is not needed.
            let std_error = (survival > 0.0).then(|| variance.value().sqrt());
            let interval = std_error.and_then(|std_error| log_log(incidence, std_error));
            let RiskSet { time, at_risk, .. } = *exit;
            steps.push(IncidenceStep { time, at_risk, events, incidence, std_error, interval });
        }
        if everybody {
            survival = 0.0;
        } else {
            variance.greenwood += all / (n * (n - all));
            survival *= 1.0 - all / n;
        }
    }
    steps
}

fn log_log(incidence: f64, std_error: f64) -> Option<Interval> {
    if std_error <= 0.0 || incidence >= 1.0 {
        return None;
    }
    let z = Normal::standard().inverse_cdf(0.975);
    let spread = z * std_error / (incidence * -incidence.ln());
    Some(Interval { low: incidence.powf(spread.exp()), high: incidence.powf((-spread).exp()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::kaplan_meier;

    fn cohort() -> (Vec<f64>, Vec<f64>, Vec<Option<u32>>) {
        let entry = (0..60).map(|i| f64::from(i % 4) * 0.7).collect();
        let time = (0..60).map(|i| 3.0 + f64::from(i * 37 % 23)).collect();
        let cause = (0..60).map(|i| [Some(3), None, Some(1), Some(3), None][i % 5]).collect();
        (entry, time, cause)
    }

    #[test]
    fn incidences_and_survival_add_to_one() {
        let (entry, time, cause) = cohort();
        let curves = aalen_johansen(&entry, &time, &cause).unwrap();
        let left: Vec<bool> = cause.iter().map(Option::is_some).collect();
        let survival = kaplan_meier(&entry, &time, &left).unwrap();
        for t in [2.0, 5.5, 11.0, 26.0] {
            let sum: f64 = curves.iter().map(|curve| curve.at(t)).sum();
            assert!((sum + survival.at(t) - 1.0).abs() < 1e-12);
        }
        assert_eq!(curves.iter().map(|c| c.cause).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn one_cause_is_the_complement_of_kaplan_meier_with_greenwoods_variance() {
        let (entry, time, cause) = cohort();
        let left: Vec<bool> = cause.iter().map(Option::is_some).collect();
        let one: Vec<Option<u32>> = left.iter().map(|left| left.then_some(7)).collect();
        let curve = aalen_johansen(&entry, &time, &one).unwrap().remove(0);
        let survival = kaplan_meier(&entry, &time, &left).unwrap();
        let mut greenwood = 0.0;
        for (step, of_survival) in curve.steps.iter().zip(&survival.steps) {
            let (n, d) = (step.at_risk as f64, step.events as f64);
            assert!((step.incidence + of_survival.survival - 1.0).abs() < 1e-12);
            if step.at_risk > step.events {
                greenwood += d / (n * (n - d));
                let expected = of_survival.survival * greenwood.sqrt();
                assert!((step.std_error.unwrap() - expected).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn after_everybody_left_nothing_is_gained_and_no_error_is_given() {
        let curves = aalen_johansen(&[0.0, 3.0], &[1.0, 4.0], &[Some(1), Some(1)]).unwrap();
        assert!((curves[0].at(9.0) - 1.0).abs() < 1e-15);
        assert!(curves[0].steps[0].interval.is_none() && curves[0].steps[1].std_error.is_none());
    }

    #[test]
    fn without_exits_there_is_no_curve_and_bad_input_is_an_error() {
        assert!(aalen_johansen(&[0.0], &[1.0], &[None]).unwrap().is_empty());
        assert!(aalen_johansen(&[], &[], &[]).is_err());
        assert!(aalen_johansen(&[0.0], &[1.0], &[]).is_err());
        assert!(aalen_johansen(&[2.0], &[1.0], &[None]).is_err());
    }
}
