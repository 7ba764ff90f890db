//! Whether probabilities mean what they say.

use super::super::error::StatsError;
use super::super::estimate::Estimate;
use super::super::models::{BinaryLink, FittedModel, ModelVariance, logit_with_offset};
use super::super::rank::same;
use super::super::regression::LeastSquares;
use super::super::spline::{RestrictedCubicSpline, quantile};
use super::labels::{check_probabilities, check_scores};

/// How probabilities should have been moved to fit what happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalibration {
    /// Intercept a of log-odds a + b · logit p; 0 for calibrated probabilities.
    pub intercept: Estimate,
    /// Slope b, tested against 1: below 1 the probabilities are too extreme.
    pub slope: Estimate,
    /// Calibration in the large, a of log-odds a + logit p: above 0 they are too low on the whole.
    pub in_the_large: Estimate,
}

/// Calibration slope and intercept by logistic recalibration, and calibration in the large.
///
/// ```text
/// logit P(y = 1) = a + b · logit p      intercept and slope
/// logit P(y = 1) = a + logit p          in the large
/// ```
///
/// Errors from the information matrix, intervals by the normal law; rows are independent.
///
/// - `probability`: shape `(n,)`, strictly between 0 and 1. `event`: shape `(n,)`.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` without an event or without a non-event; `OutOfRange` for
/// a probability of 0 or 1; `Constant` when all are equal; `Separation` when they tell all events
/// from the others.
///
/// # Source
///
/// Cox (1958), *Biometrika* 45(3/4), 562–565; Van Calster and others (2016), *J. Clinical
/// Epidemiology* 74, 167–176. Parity: R `glm`, `tests/fixtures/calibration.json`, tolerance 1e-8.
///
/// # Examples
///
/// ```
/// let p = [0.2, 0.2, 0.2, 0.2, 0.8, 0.8, 0.8, 0.8];
/// let event = [true, false, false, false, true, true, true, false];
/// let found = rvq::stats::recalibration(&p, &event)?;
/// // One in four and three in four: the log-odds are ln 3 where ln 4 was said.
/// assert!((found.slope.estimate - 3.0_f64.ln() / 4.0_f64.ln()).abs() < 1e-9);
/// assert!(found.in_the_large.estimate.abs() < 1e-9);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn recalibration(probability: &[f64], event: &[bool]) -> Result<Recalibration, StatsError> {
    recalibrated("recalibration", probability, event, None)
}

/// [`recalibration`] with errors for rows that come in clusters.
///
/// ```text
/// V = c · H⁻¹ (Σ_g s_g s_g') H⁻¹      s_g = Σ over cluster g of x (y − p̂), H: information
/// c = G/(G − 1) · (n − 1)/(n − k)     intervals and p by Student's t with G − 1 df
/// ```
///
/// - `cluster`: shape `(n,)`, the account of each row; `n` of the results counts clusters.
///
/// # Errors
///
/// As [`recalibration`], and `TooFew` with fewer than 2 clusters or 3 rows; `OutOfRange` for a
/// variance of 0.
///
/// # Source
///
/// Liang and Zeger (1986), *Biometrika* 73(1), 13–22. Parity: `statsmodels` GLM with
/// `cov_type="cluster"`, `tests/fixtures/classification.json`, tolerance 1e-8.
///
/// # Examples
///
/// ```
/// let p = [0.2, 0.2, 0.2, 0.2, 0.8, 0.8, 0.8, 0.8];
/// let event = [true, false, false, false, true, true, true, false];
/// let found = rvq::stats::clustered_recalibration(&p, &event, &[0, 1, 2, 3, 0, 1, 2, 3])?;
/// assert_eq!(found.slope.n, 4);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn clustered_recalibration(
    probability: &[f64],
    event: &[bool],
    cluster: &[u32],
) -> Result<Recalibration, StatsError> {
    recalibrated("clustered_recalibration", probability, event, Some(cluster))
}

fn recalibrated(
    statistic: &'static str,
    probability: &[f64],
    event: &[bool],
    cluster: Option<&[u32]>,
) -> Result<Recalibration, StatsError> {
    let log_odds = log_odds(statistic, probability, event)?;
    if log_odds.iter().all(|l| same(*l, log_odds[0])) {
        return Err(StatsError::Constant { statistic });
    }
    let variance = cluster.map_or(ModelVariance::Classical, ModelVariance::Clustered);
    let moved = logit_with_offset(statistic, (&log_odds, 1), None, event, variance)?;
    let shifted = logit_with_offset(statistic, (&[], 0), Some(&log_odds), event, variance)?;
    let said = |fit: &FittedModel, at: usize, null: f64| -> Result<Estimate, StatsError> {
        let Estimate { estimate, std_error, n, .. } = fit.coefficients[at];
        if cluster.is_none() {
            return Estimate::normal(estimate, std_error, null, n, "logistic, model-based");
        }
        Estimate::student_t(estimate, std_error, n as f64 - 1.0, null, n, "logistic, by cluster")
    };
    Ok(Recalibration {
        intercept: said(&moved, 0, 0.0)?,
        slope: said(&moved, 1, 1.0)?,
        in_the_large: said(&shifted, 0, 0.0)?,
    })
}

/// Distances between probabilities and what happened to their like.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationError {
    /// Integrated calibration index: mean of |p − p̂|.
    pub ici: f64,
    /// Median of |p − p̂|.
    pub e50: f64,
    /// Its 90 % quantile.
    pub e90: f64,
    /// Its maximum.
    pub e_max: f64,
    /// p̂, the smoothed frequency of the event at each probability; shape `(n,)`.
    pub smoothed: Vec<f64>,
}

/// Integrated calibration index and its kin, by a spline.
///
/// ```text
/// logit p̂ = β₀ + Σ βⱼ Bⱼ(logit p)      B: restricted cubic spline, knots at quantiles of logit p
/// ICI = (1/n) Σ |p − p̂|                E50, E90: quantiles of |p − p̂| (type 7)
/// ```
///
/// The smoother is a logistic regression on a spline, not loess: it gives probabilities, has a
/// stated number of parameters and no span to choose. With loess the numbers differ in the second
/// digit. A calibrated model does not score 0: print the value beside that of permuted events or of
/// another model, for it shrinks with n.
///
/// - `probability`: shape `(n,)`, strictly between 0 and 1. `event`: shape `(n,)`. `knots`: 3 to 7 (4
///   is usual), as [`RestrictedCubicSpline::from_quantiles`]; ties leave fewer, few distinct values
///   fewer columns, and constant probabilities the base rate.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` without an event or without a non-event; `OutOfRange` for
/// a probability of 0 or 1 or for `knots`; `Separation` when the spline tells all events apart.
///
/// # Source
///
/// Austin and Steyerberg (2019), *Stat. Med.* 38(21), 4051–4065; with splines, for survival: Austin,
/// Harrell and van Klaveren (2020), *Stat. Med.* 39(21), 2714–2742. Parity: R `glm` on
/// `splines::ns` with the same knots, `tests/fixtures/calibration.json`, tolerance 1e-8.
///
/// # Examples
///
/// ```
/// let p = [0.2, 0.2, 0.2, 0.2, 0.8, 0.8, 0.8, 0.8];
/// let event = [true, false, false, false, true, true, true, false];
/// let error = rvq::stats::calibration_error(&p, &event, 3)?;
/// assert!((error.ici - 0.05).abs() < 1e-9 && (error.e_max - 0.05).abs() < 1e-9);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn calibration_error(
    probability: &[f64],
    event: &[bool],
    knots: usize,
) -> Result<CalibrationError, StatsError> {
    let statistic = "calibration_error";
    let log_odds = log_odds(statistic, probability, event)?;
    let spline = RestrictedCubicSpline::from_quantiles(&log_odds, knots)?;
    let (rows, columns) = smoother(&spline, &log_odds, event)?;
    let classical = ModelVariance::Classical;
    let fit = logit_with_offset(statistic, (&rows, columns), None, event, classical)?;
    let frequency = |row: usize| {
        let own = &rows[row * columns..(row + 1) * columns];
        BinaryLink::Logit.probability(fit.linear_predictor(own))
    };
    let smoothed: Vec<f64> = (0..event.len()).map(frequency).collect();
    let mut apart: Vec<f64> =
        probability.iter().zip(&smoothed).map(|(p, smooth)| (p - smooth).abs()).collect();
    let ici = apart.iter().sum::<f64>() / apart.len() as f64;
    apart.sort_by(f64::total_cmp);
    let [e50, e90, e_max] = [0.5, 0.9, 1.0].map(|share| quantile(&apart, share));
    Ok(CalibrationError { ici, e50, e90, e_max, smoothed })
}

/// The columns of the spline row by row, without those that few distinct values leave nothing to say,
/// and their number.
fn smoother(
    spline: &RestrictedCubicSpline,
    log_odds: &[f64],
    event: &[bool],
) -> Result<(Vec<f64>, usize), StatsError> {
    let width = spline.columns();
    let mut rows = Vec::with_capacity(log_odds.len() * width);
    for l in log_odds {
        spline.basis(*l, &mut rows);
    }
    let outcome: Vec<f64> = event.iter().map(|e| f64::from(u8::from(*e))).collect();
    let dropped = LeastSquares::fit(&rows, width, &outcome)?.dropped;
    let kept: Vec<usize> = (0..width).filter(|column| !dropped.contains(column)).collect();
    let left = rows.chunks_exact(width).flat_map(|row| kept.iter().map(|&column| row[column]));
    Ok((left.collect(), kept.len()))
}

/// Log-odds of probabilities that are neither 0 nor 1, of rows where both kinds occur.
fn log_odds(
    statistic: &'static str,
    probability: &[f64],
    event: &[bool],
) -> Result<Vec<f64>, StatsError> {
    check_probabilities(statistic, probability, event)?;
    check_scores(statistic, probability, event, 1)?;
    if let Some(&value) = probability.iter().find(|p| **p <= 0.0 || **p >= 1.0) {
        let expected = "above 0 and below 1";
        return Err(StatsError::OutOfRange { argument: "probability", value, expected });
    }
    Ok(probability.iter().map(|p| p.ln() - (-p).ln_1p()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};

    fn calibrated(n: usize, replication: u32) -> (Vec<f64>, Vec<bool>) {
        let draws = Streams::new(8).replication(replication).global(Purpose::Outcome);
        let mut stream = draws.stream(0);
        let row = |_| {
            let p = 0.02 + 0.96 * stream.uniform();
            (p, stream.uniform() < p)
        };
        (0..n).map(row).unzip()
    }

    #[test]
    fn stretched_log_odds_halve_the_slope() {
        let (p, event) = calibrated(400, 0);
        let stretched: Vec<f64> = p.iter().map(|p| p * p / (p * p + (1.0 - p).powi(2))).collect();
        let (plain, too_extreme) =
            (recalibration(&p, &event).unwrap(), recalibration(&stretched, &event).unwrap());
        assert!((too_extreme.slope.estimate - plain.slope.estimate / 2.0).abs() < 1e-9);
        assert!((too_extreme.intercept.estimate - plain.intercept.estimate).abs() < 1e-9);
    }

    #[test]
    fn the_interval_of_the_slope_covers_one_when_calibrated() {
        let covered = (0..200)
            .filter(|&replication| {
                let (p, event) = calibrated(300, replication);
                let slope = recalibration(&p, &event).unwrap().slope;
                slope.ci_low < 1.0 && 1.0 < slope.ci_high
            })
            .count();
        // 95 % of 200 with binomial limits at the two-sided 1 % level: 181 to 197.
        assert!((181..=197).contains(&covered), "{covered}");
    }

    #[test]
    fn separation_is_an_error_and_not_a_large_number() {
        let (p, event) = ([0.1, 0.2, 0.8, 0.9], [false, false, true, true]);
        assert!(matches!(recalibration(&p, &event), Err(StatsError::Separation { .. })));
        assert!(matches!(calibration_error(&p, &event, 3), Err(StatsError::Separation { .. })));
        let mixed = [false, true, false, true];
        assert!(recalibration(&p, &mixed).is_ok());
    }

    #[test]
    fn equal_probabilities_have_no_slope_but_an_error() {
        let event = [true, false, false, false];
        assert!(matches!(recalibration(&[0.4; 4], &event), Err(StatsError::Constant { .. })));
        let error = calibration_error(&[0.4; 4], &event, 4).unwrap();
        assert!((error.ici - 0.15).abs() < 1e-12 && (error.e90 - 0.15).abs() < 1e-12);
    }

    #[test]
    fn few_distinct_probabilities_leave_as_many_columns() {
        // Each value is smoothed to its own frequency: three values, an intercept and two columns.
        let p: Vec<f64> = (0..30).map(|i| [0.2, 0.5, 0.7][i % 3]).collect();
        let event: Vec<bool> = (0..30).map(|i| [i < 9, i % 2 == 0, i % 9 < 6][i % 3]).collect();
        for knots in 3..=7 {
            let error = calibration_error(&p, &event, knots).unwrap();
            for (at, expected) in [(0, 0.3), (1, 0.5), (2, 0.7)] {
                assert!((error.smoothed[at] - expected).abs() < 1e-9, "{:?}", &error.smoothed[..3]);
            }
        }
    }

    #[test]
    fn tiny_probabilities_are_recalibrated_too() {
        let p: Vec<f64> = (0..200).map(|i| 1e-9 * f64::from(1 + i % 7)).collect();
        let event: Vec<bool> = (0..200).map(|i| i % 40 == 3).collect();
        let found = recalibration(&p, &event).unwrap();
        assert!(found.in_the_large.estimate > 10.0 && found.in_the_large.estimate.is_finite());
    }

    #[test]
    fn bad_input_is_an_error() {
        let event = [true, false, true, false];
        assert!(recalibration(&[0.1, 0.0, 0.5, 0.6], &event).is_err());
        assert!(recalibration(&[0.1; 4], &[true; 4]).is_err());
        assert!(calibration_error(&[0.1, 0.2, 0.3, 0.4], &event, 9).is_err());
        let p = [0.4, 0.6, 0.5, 0.6];
        assert!(clustered_recalibration(&p, &event, &[1; 4]).is_err());
        assert!(clustered_recalibration(&p, &event, &[1; 3]).is_err());
        assert!(clustered_recalibration(&[0.4, 0.5], &[true, false], &[0, 1]).is_err());
    }
}
