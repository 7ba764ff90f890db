//! How far predicted survival is from what happened.

use super::super::error::{StatsError, check_finite};
use super::censoring::CensoringCurve;
use super::dynamic_auc::check_ascending;
use super::risk_sets::{check_durations, check_length};

/// Brier score of predicted survival at several times, weighted for censoring.
///
/// ```text
/// BS(t) = 1/n Σᵢ { p̂ᵢ(t)² 1{tᵢ ≤ t, event}/G(tᵢ⁻) + (1 − p̂ᵢ(t))² 1{tᵢ > t}/G(t) }
/// ```
///
/// A unit censored up to t counts 0: those like it that stayed stand for it. A forecast of ½ for all
/// has about ¼; compare with the Kaplan-Meier curve of everybody, not with 0.
///
/// - `time`, `event`: shape `(n,)`, durations from a common origin.
/// - `survival`: predicted probability of surviving beyond each time, unit by unit, shape
///   `(n, times)`, in `[0, 1]`. `at`: shape `(times,)`, ascending.
/// - `censoring`: G, usually of the sample that the model was fitted on.
/// - Returns shape `(times,)`.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`, `TooFew`; `OutOfRange` for a probability outside `[0, 1]`, times
/// that do not ascend, or times that nobody in the censoring sample outlived.
///
/// # Source
///
/// Graf, Schmoor, Sauerbrei and Schumacher (1999), *Stat. Med.* 18(17–18), 2529–2545. G is taken just
/// before the event, see [`uno_concordance`](super::uno_concordance). Parity: scikit-survival
/// `brier_score` on times without ties of events and censorings, and the formula unit by unit with
/// ties, `tests/fixtures/survival_metrics.json`.
///
/// # Examples
///
/// ```
/// use rvq::stats::{CensoringCurve, ipcw_brier_score};
///
/// let (time, event) = ([1.0, 2.0, 3.0, 4.0], [true, false, true, true]);
/// let censoring = CensoringCurve::fit(&time, &event)?;
/// let score = ipcw_brier_score(&time, &event, &[0.2, 0.8, 0.5, 1.0], &[2.5], &censoring)?;
/// assert!((score[0] - (0.04 + 0.25 / (2.0 / 3.0)) / 4.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn ipcw_brier_score(
    time: &[f64],
    event: &[bool],
    survival: &[f64],
    at: &[f64],
    censoring: &CensoringCurve,
) -> Result<Vec<f64>, StatsError> {
    let statistic = "ipcw_brier_score";
    check_durations(statistic, time, event.len())?;
    check_ascending(statistic, at)?;
    let times = at.len();
    check_length(statistic, time.len() * times, survival.len())?;
    check_finite(survival)?;
    if let Some(&value) = survival.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        let expected = "a probability";
        return Err(StatsError::OutOfRange { argument: "survival", value, expected });
    }
    let n = time.len() as f64;
    let at_time = |(k, &at): (usize, &f64)| {
        let mut sum = 0.0;
        for (i, (&time, &event)) in time.iter().zip(event).enumerate() {
            let predicted = survival[i * times + k];
            if time > at {
                sum += (1.0 - predicted).powi(2) * censoring.survivor_weight(at)?;
            } else if event {
                sum += predicted.powi(2) * censoring.event_weight(time)?;
            }
        }
        Ok(sum / n)
    };
    at.iter().enumerate().map(at_time).collect()
}

/// Brier score integrated over time by trapezoids: its mean between the first and the last time.
///
/// ```text
/// IBS = ∫ BS(t) dt / (t_K − t₁)
/// ```
///
/// - Arguments as for [`ipcw_brier_score`], with two times or more.
///
/// # Errors
///
/// As [`ipcw_brier_score`]; `TooFew` with fewer than two times.
///
/// # Source
///
/// Graf, Schmoor, Sauerbrei and Schumacher (1999), *Stat. Med.* 18(17–18), 2529–2545. Parity:
/// scikit-survival `integrated_brier_score`, `tests/fixtures/survival_metrics.json`.
///
/// # Examples
///
/// ```
/// use rvq::stats::{CensoringCurve, integrated_brier_score};
///
/// let (time, event) = ([1.0, 2.0, 3.0], [true, true, true]);
/// let censoring = CensoringCurve::fit(&time, &event)?;
/// let score = integrated_brier_score(&time, &event, &[0.5; 6], &[0.5, 2.5], &censoring)?;
/// assert!((score - 0.25).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn integrated_brier_score(
    time: &[f64],
    event: &[bool],
    survival: &[f64],
    at: &[f64],
    censoring: &CensoringCurve,
) -> Result<f64, StatsError> {
    if at.len() < 2 {
        let statistic = "integrated_brier_score";
        return Err(StatsError::TooFew { statistic, needed: 2, got: at.len() });
    }
    let scores = ipcw_brier_score(time, event, survival, at, censoring)?;
    let pieces = at.windows(2).zip(scores.windows(2));
    let area: f64 = pieces.map(|(t, s)| (t[1] - t[0]) * (s[0] + s[1]) / 2.0).sum();
    Ok(area / (at[at.len() - 1] - at[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_forecast_scores_zero_and_a_wrong_one_one() {
        let (time, event) = ([1.0, 2.0, 3.0, 4.0], [true; 4]);
        let censoring = CensoringCurve::fit(&time, &event).unwrap();
        let of = |p: &[f64]| ipcw_brier_score(&time, &event, p, &[2.5], &censoring).unwrap()[0];
        assert!(of(&[0.0, 0.0, 1.0, 1.0]).abs() < 1e-15);
        assert!((of(&[1.0, 1.0, 0.0, 0.0]) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn bad_input_is_an_error() {
        let (time, event) = ([1.0, 2.0], [true, false]);
        let censoring = CensoringCurve::fit(&time, &event).unwrap();
        let of = |p: &[f64], at: &[f64]| ipcw_brier_score(&time, &event, p, at, &censoring);
        assert!(matches!(of(&[1.1, 0.0], &[1.0]), Err(StatsError::OutOfRange { .. })));
        assert!(matches!(of(&[1.0], &[1.0]), Err(StatsError::LengthMismatch { .. })));
        assert!(of(&[f64::NAN, 0.0], &[1.0]).is_err() && of(&[], &[]).is_err());
        let one = integrated_brier_score(&time, &event, &[0.5; 2], &[1.0], &censoring);
        assert!(matches!(one, Err(StatsError::TooFew { got: 1, .. })));
        // Nobody outlived time 2 in the censoring sample, but nobody is left there to weigh.
        assert!(of(&[0.5; 2], &[2.0]).is_ok());
        let later = ipcw_brier_score(&[1.0, 3.0], &event, &[0.5; 2], &[2.0], &censoring);
        assert!(matches!(later, Err(StatsError::OutOfRange { .. })));
    }
}
