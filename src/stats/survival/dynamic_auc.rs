//! How well a risk tells those gone by a time from those still there.

use super::super::error::{StatsError, check_finite};
use super::super::rank::mid_ranks;
use super::censoring::CensoringCurve;
use super::kaplan_meier::kaplan_meier;
use super::risk_sets::{check_durations, check_length};

/// Cumulative/dynamic AUC at several times.
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicAuc {
    /// AUC at each time, in `[0, 1]`.
    pub auc: Vec<f64>,
    /// Their mean over the times, weighted by the events that fall between them.
    pub mean: f64,
}

/// Time-dependent AUC: events up to t against units still there after t, weighted for censoring.
///
/// ```text
/// AUC(t) = Σᵢ Σⱼ wᵢ (1{rᵢ > rⱼ} + ½ 1{rᵢ = rⱼ}) / (Σᵢ wᵢ · #j)
/// i: tᵢ ≤ t with an event, wᵢ = 1/G(tᵢ⁻)      j: tⱼ > t
/// mean = Σ_k AUC(t_k) (S(t_{k−1}) − S(t_k)) / (1 − S(t_K))      S: Kaplan-Meier, S(t₀) = 1
/// ```
///
/// - `time`, `event`, `risk`: shape `(n,)`, durations from a common origin; higher is earlier.
/// - `at`: times, ascending. `censoring`: G, usually of the sample that the risk was fitted on.
///
/// O(n) a time, after one sort. For an interval resample units and compute it again.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `OutOfRange` for times that do not ascend or an event that the
/// censoring sample cannot weigh; `TooFew` for a time before the first event or with nobody left.
///
/// # Source
///
/// Uno, Cai, Tian and Wei (2007), *J. Am. Stat. Assoc.* 102(478), 527–537; Lambert and Chevret (2016),
/// *Stat. Methods Med. Res.* 25(5), 2088–2102 (mean). G is taken just before the event, see
/// [`uno_concordance`](super::uno_concordance). Parity: scikit-survival `cumulative_dynamic_auc` on
/// times without ties of events and censorings, and a plain double loop with them,
/// `tests/fixtures/survival_metrics.json`.
///
/// # Examples
///
/// ```
/// use rvq::stats::{CensoringCurve, dynamic_auc};
///
/// let (time, event) = ([1.0, 2.0, 3.0, 4.0], [true, false, true, false]);
/// let censoring = CensoringCurve::fit(&time, &event)?;
/// let auc = dynamic_auc(&time, &event, &[3.0, 4.0, 2.0, 1.0], &[1.5, 3.5], &censoring)?;
/// assert!((auc.auc[0] - 2.0 / 3.0).abs() < 1e-12 && (auc.auc[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn dynamic_auc(
    time: &[f64],
    event: &[bool],
    risk: &[f64],
    at: &[f64],
    censoring: &CensoringCurve,
) -> Result<DynamicAuc, StatsError> {
    let statistic = "dynamic_auc";
    check_durations(statistic, time, event.len())?;
    check_length(statistic, time.len(), risk.len())?;
    check_finite(risk)?;
    check_ascending(statistic, at)?;
    let ranks = mid_ranks(risk);
    let mut order: Vec<usize> = (0..time.len()).collect();
    order.sort_unstable_by(|&a, &b| ranks[a].total_cmp(&ranks[b]).then(a.cmp(&b)));
    let at_time = |at: f64| {
        let mut sums = Sums::default();
        for tied in order.chunk_by(|&a, &b| super::super::rank::same(ranks[a], ranks[b])) {
            sums.add(tied, time, event, at, censoring)?;
        }
        sums.auc().ok_or(StatsError::TooFew { statistic, needed: 1, got: 0 })
    };
    let auc: Vec<f64> = at.iter().map(|at| at_time(*at)).collect::<Result<_, _>>()?;
    let mean = mean_over_events(&auc, &survival_at(time, event, at)?);
    Ok(DynamicAuc { auc, mean })
}

/// Sums over units by ascending risk.
#[derive(Debug, Default)]
struct Sums {
    still_there: f64,
    gone: f64,
    won: f64,
}

impl Sums {
    fn add(
        &mut self,
        tied: &[usize],
        time: &[f64],
        event: &[bool],
        at: f64,
        censoring: &CensoringCurve,
    ) -> Result<(), StatsError> {
        let still_there = tied.iter().filter(|&&i| time[i] > at).count() as f64;
        let mut gone = 0.0;
        for &i in tied.iter().filter(|&&i| event[i] && time[i] <= at) {
            gone += censoring.event_weight(time[i])?;
        }
        self.won += gone * (self.still_there + 0.5 * still_there);
        self.still_there += still_there;
        self.gone += gone;
        Ok(())
    }

    fn auc(&self) -> Option<f64> {
        (self.gone > 0.0 && self.still_there > 0.0)
            .then(|| self.won / (self.gone * self.still_there))
    }
}

/// Kaplan-Meier survival from the origin, wherever the durations begin.
fn survival_at(time: &[f64], event: &[bool], at: &[f64]) -> Result<Vec<f64>, StatsError> {
    let first = time.iter().copied().fold(f64::INFINITY, f64::min);
    let entry = vec![first - first.abs() - 1.0; time.len()];
    let curve = kaplan_meier(&entry, time, event)?;
    Ok(at.iter().map(|at| curve.at(*at)).collect())
}

fn mean_over_events(auc: &[f64], survival: &[f64]) -> f64 {
    let mut before = 1.0;
    let mut sum = 0.0;
    for (auc, survival) in auc.iter().zip(survival) {
        sum += auc * (before - survival);
        before = *survival;
    }
    sum / (1.0 - before)
}

/// Checks that there are times and that they ascend.
pub(super) fn check_ascending(statistic: &'static str, at: &[f64]) -> Result<(), StatsError> {
    if at.is_empty() {
        return Err(StatsError::TooFew { statistic, needed: 1, got: 0 });
    }
    check_finite(at)?;
    match at.windows(2).find(|pair| pair[1] <= pair[0]) {
        Some(pair) => {
            let expected = "later than the time before it";
            Err(StatsError::OutOfRange { argument: "at", value: pair[1], expected })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Vec<f64>, Vec<bool>, Vec<f64>) {
        let time = (0..80).map(|i| 1.0 + f64::from(i * 37 % 80) / 8.0).collect();
        let event = (0..80).map(|i| i % 3 != 1).collect();
        (time, event, (0..80).map(|i| f64::from(i * i % 9)).collect())
    }

    #[test]
    fn a_constant_risk_says_a_half_and_the_opposite_risk_the_rest() {
        let (time, event, risk) = sample();
        let censoring = CensoringCurve::fit(&time, &event).unwrap();
        let of =
            |risk: &[f64]| dynamic_auc(&time, &event, risk, &[2.0, 5.0, 8.0], &censoring).unwrap();
        let constant = of(&[3.0; 80]);
        assert!(constant.auc.iter().all(|auc| (auc - 0.5).abs() < 1e-12));
        assert!((constant.mean - 0.5).abs() < 1e-12);
        let opposite: Vec<f64> = risk.iter().map(|r| -r).collect();
        for (auc, opposite) in of(&risk).auc.iter().zip(of(&opposite).auc) {
            assert!((auc + opposite - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn times_without_both_sides_are_an_error() {
        let (time, event, risk) = sample();
        let censoring = CensoringCurve::fit(&time, &event).unwrap();
        let of = |at: &[f64]| dynamic_auc(&time, &event, &risk, at, &censoring);
        assert!(matches!(of(&[0.5]), Err(StatsError::TooFew { .. })));
        assert!(of(&[99.0]).is_err());
        assert!(matches!(of(&[2.0, 2.0]), Err(StatsError::OutOfRange { .. })));
        assert!(of(&[]).is_err() && of(&[f64::NAN]).is_err());
    }
}
