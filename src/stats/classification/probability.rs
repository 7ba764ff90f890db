//! Losses of probabilities.

use super::super::error::StatsError;
use super::labels::check_probabilities;

/// Mean log loss of probabilities: minus the mean log-likelihood of what happened.
///
/// ```text
/// L = −(1/n) Σ (y log p + (1 − y) log(1 − p))      natural logarithm
/// ```
///
/// A probability of exactly 0 or 1 that came true costs nothing; one that did not is an infinite
/// loss and refused, not clipped: how large a clipped loss is depends on the clip alone.
///
/// - `probability`: shape `(n,)`, in `[0, 1]`. `event`: shape `(n,)`. `n ≥ 1`.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`, `TooFew`; `OutOfRange` outside `[0, 1]` and for an infinite loss.
///
/// # Source
///
/// Good (1952), *J. R. Stat. Soc. B* 14(1), 107–114. Parity: `sklearn.metrics.log_loss`,
/// `tests/fixtures/classification.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let loss = rvq::stats::log_loss(&[0.5, 0.5], &[true, false])?;
/// assert!((loss - 2.0_f64.ln()).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn log_loss(probability: &[f64], event: &[bool]) -> Result<f64, StatsError> {
    check_probabilities("log_loss", probability, event)?;
    let mut sum = 0.0;
    for (&p, &is_event) in probability.iter().zip(event) {
        let loss = if is_event { -p.ln() } else { -(-p).ln_1p() };
        if loss.is_infinite() {
            let expected = "not 0 for an event nor 1 for none";
            return Err(StatsError::OutOfRange { argument: "probability", value: p, expected });
        }
        sum += loss;
    }
    Ok(sum / event.len() as f64)
}

/// Brier score: mean squared error of probabilities.
///
/// ```text
/// BS = (1/n) Σ (p − y)²
/// ```
///
/// - `probability`, `event`: as for [`log_loss`]. Returns `[0, 1]`; the constant base rate q scores
///   q (1 − q).
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`, `TooFew`; `OutOfRange` for a probability outside `[0, 1]`.
///
/// # Source
///
/// Brier (1950), *Monthly Weather Review* 78(1), 1–3, here the half of his two-category sum.
/// Parity: `sklearn.metrics.brier_score_loss`, `tests/fixtures/classification.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// assert!((rvq::stats::brier_score(&[0.5, 1.0], &[true, true])? - 0.125).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn brier_score(probability: &[f64], event: &[bool]) -> Result<f64, StatsError> {
    check_probabilities("brier_score", probability, event)?;
    let squares = probability.iter().zip(event).map(|(p, e)| (p - f64::from(u8::from(*e))).powi(2));
    Ok(squares.sum::<f64>() / event.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_that_came_true_costs_nothing_and_else_too_much() {
        assert!(log_loss(&[0.0, 1.0], &[false, true]).unwrap().abs() < 1e-15);
        let refused = log_loss(&[0.3, 1.0], &[false, false]);
        assert!(matches!(refused, Err(StatsError::OutOfRange { argument: "probability", .. })));
        assert!((brier_score(&[0.0, 1.0], &[true, false]).unwrap() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_tiny_probability_is_not_lost_to_rounding() {
        let loss = log_loss(&[1e-300], &[false]).unwrap();
        assert!(loss > 0.0 && loss < 1e-299);
        assert!((log_loss(&[1e-300], &[true]).unwrap() - 690.775_527_898_213_7).abs() < 1e-9);
    }

    #[test]
    fn bad_input_is_an_error() {
        for score in [log_loss, brier_score] {
            assert!(score(&[], &[]).is_err());
            assert!(score(&[1.1], &[true]).is_err());
            assert!(score(&[f64::NAN], &[true]).is_err());
            assert!(score(&[0.5], &[]).is_err());
        }
    }
}
