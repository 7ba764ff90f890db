//! Showing that a number is near another, or not much below it.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::super::error::StatsError;

/// Whether an effect lies between two margins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equivalence {
    /// P-value of the test, the larger of the next two.
    pub p_value: f64,
    /// One-sided p-value against an effect at or below the lower margin.
    pub p_above_low: f64,
    /// One-sided p-value against an effect at or above the upper margin.
    pub p_below_high: f64,
    /// Lower end of the 90 % interval, inside the margins when the 5 % test rejects.
    pub ci_low: f64,
    /// Upper end of the 90 % interval.
    pub ci_high: f64,
}

/// Equivalence by two one-sided tests (TOST).
///
/// ```text
/// p = max(P(T > (θ − low)/SE), P(T < (θ − high)/SE))      T: Student's t with df
/// interval: θ ± t.95,df SE, that is 90 %
/// ```
///
/// A two-sided test that does not reject shows nothing of the kind: this one can.
///
/// - `estimate`, `std_error`: in one unit; `df`: degrees of freedom, `f64::INFINITY` for the normal law.
/// - `low`, `high`: margins, fixed before looking, `low < high`.
///
/// # Errors
///
/// `NotFinite` for the estimate; `OutOfRange` for a standard error or df that is not positive, and for
/// margins that are not finite or not in order.
///
/// # Source
///
/// Schuirmann (1987), *J. Pharmacokinetics and Biopharmaceutics* 15(6), 657–680. Parity:
/// `statsmodels.stats.weightstats.ttost_ind`, `tests/fixtures/forecast.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let test = rvq::stats::equivalence(0.01, 0.02, f64::INFINITY, -0.05, 0.05)?;
/// assert!((test.p_value - 0.022_75).abs() < 1e-5 && test.ci_high < 0.05);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn equivalence(
    estimate: f64,
    std_error: f64,
    df: f64,
    low: f64,
    high: f64,
) -> Result<Equivalence, StatsError> {
    let law = check(estimate, std_error, df)?;
    for value in [low, high] {
        if !value.is_finite() || low >= high {
            let expected = "finite, low below high";
            return Err(StatsError::OutOfRange { argument: "margin", value, expected });
        }
    }
    let p_above_low = law.sf((estimate - low) / std_error);
    let p_below_high = law.sf((high - estimate) / std_error);
    let half = law.inverse_cdf(0.95) * std_error;
    Ok(Equivalence {
        p_value: p_above_low.max(p_below_high),
        p_above_low,
        p_below_high,
        ci_low: estimate - half,
        ci_high: estimate + half,
    })
}

/// Whether an effect is not below a margin under zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NonInferiority {
    /// One-sided p-value against an effect at or below −margin.
    pub p_value: f64,
    /// Lower 95 % confidence bound, above −margin when the 5 % test rejects.
    pub lower_bound: f64,
}

/// Non-inferiority: that an effect, larger being better, is not worse than −margin.
///
/// ```text
/// p = P(T > (θ + margin)/SE)      bound: θ − t.95,df SE      T: Student's t with df
/// ```
///
/// It means something only where the comparison could have shown a difference: first show that
/// the reference beats nothing at all in the same data. For an effect where smaller is better give
/// its negative.
///
/// - `estimate`, `std_error`, `df`: as for [`equivalence`]. `margin`: zero or more, fixed before looking.
///
/// # Errors
///
/// As [`equivalence`]; `OutOfRange` for a negative margin.
///
/// # Source
///
/// Wellek (2010), *Testing Statistical Hypotheses of Equivalence and Noninferiority*, 2nd ed.,
/// chapter 2. Parity: `statsmodels.stats.weightstats.ttest_ind(alternative="larger")`,
/// `tests/fixtures/forecast.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let test = rvq::stats::non_inferiority(-0.01, 0.02, f64::INFINITY, 0.05)?;
/// assert!((test.p_value - 0.022_75).abs() < 1e-5 && test.lower_bound > -0.05);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn non_inferiority(
    estimate: f64,
    std_error: f64,
    df: f64,
    margin: f64,
) -> Result<NonInferiority, StatsError> {
    let law = check(estimate, std_error, df)?;
    if !(margin >= 0.0 && margin.is_finite()) {
        let expected = "zero or more";
        return Err(StatsError::OutOfRange { argument: "margin", value: margin, expected });
    }
    Ok(NonInferiority {
        p_value: law.sf((estimate + margin) / std_error),
        lower_bound: estimate - law.inverse_cdf(0.95) * std_error,
    })
}

/// The law of the estimate in standard errors.
fn check(
    estimate: f64,
    std_error: f64,
    df: f64,
) -> Result<Box<dyn ContinuousCDF<f64, f64>>, StatsError> {
    if !estimate.is_finite() {
        return Err(StatsError::NotFinite { index: 0, value: estimate });
    }
    if !(std_error > 0.0 && std_error.is_finite()) {
        let (argument, expected) = ("std_error", "positive and finite");
        return Err(StatsError::OutOfRange { argument, value: std_error, expected });
    }
    // Student's quantile is searched for, without end where df is infinite.
    if df == f64::INFINITY {
        return Ok(Box::new(Normal::standard()));
    }
    match StudentsT::new(0.0, 1.0, df) {
        Ok(law) => Ok(Box::new(law)),
        Err(_) => Err(StatsError::OutOfRange { argument: "df", value: df, expected: "positive" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_rejects_when_the_interval_lies_inside() {
        for (estimate, inside) in [(0.0, true), (0.03, false), (-0.03, false), (0.016, true)] {
            let test = equivalence(estimate, 0.02, 40.0, -0.05, 0.05).unwrap();
            let lies_inside = test.ci_low > -0.05 && test.ci_high < 0.05;
            assert_eq!((lies_inside, test.p_value < 0.05), (inside, inside), "{estimate}");
            let lower = non_inferiority(estimate, 0.02, 40.0, 0.05).unwrap();
            assert!((lower.p_value - test.p_above_low).abs() < 1e-15);
            assert!((lower.lower_bound - test.ci_low).abs() < 1e-15);
        }
    }

    #[test]
    fn an_effect_outside_the_margins_is_never_equivalent() {
        let test = equivalence(1.0, 0.001, 9.0, -0.05, 0.05).unwrap();
        assert!(test.p_value > 0.999);
    }

    #[test]
    fn scale_does_not_matter() {
        let plain = equivalence(0.01, 0.02, 7.0, -0.03, 0.06).unwrap();
        for scale in [1e200, 1e-200] {
            let scaled =
                equivalence(0.01 * scale, 0.02 * scale, 7.0, -0.03 * scale, 0.06 * scale).unwrap();
            assert!((scaled.p_value - plain.p_value).abs() < 1e-14);
        }
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(equivalence(f64::NAN, 1.0, 5.0, -1.0, 1.0).is_err());
        assert!(equivalence(0.0, 0.0, 5.0, -1.0, 1.0).is_err());
        assert!(equivalence(0.0, 1.0, 0.0, -1.0, 1.0).is_err());
        assert!(equivalence(0.0, 1.0, 5.0, 1.0, -1.0).is_err());
        assert!(equivalence(0.0, 1.0, 5.0, f64::NEG_INFINITY, 1.0).is_err());
        assert!(non_inferiority(0.0, 1.0, 5.0, -0.1).is_err());
        assert!(non_inferiority(0.0, 1.0, 5.0, f64::NAN).is_err());
    }
}
