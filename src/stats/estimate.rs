//! One estimate of one number, with what is needed to believe it.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::error::StatsError;

/// An estimate with its standard error, 95 % interval, two-sided p-value, sample size and method.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Lower end of the 95 % interval.
    pub ci_low: f64,
    /// Upper end of the 95 % interval.
    pub ci_high: f64,
    /// Two-sided p-value against the null value.
    pub p_value: f64,
    /// Independent units that contributed: observations, clusters or accounts, as `method` says.
    pub n: usize,
    /// How the standard error was made.
    pub method: &'static str,
}

impl Estimate {
    /// From a statistic that is normal about its value.
    ///
    /// ```text
    /// interval: θ ± Φ⁻¹(.975) SE      p = 2 Φ(−|θ − θ₀| / SE)
    /// ```
    ///
    /// # Errors
    ///
    /// `OutOfRange` for a standard error that is not positive and finite; `NotFinite` for the
    /// estimate.
    ///
    /// # Examples
    ///
    /// ```
    /// let gain = rvq::stats::Estimate::normal(0.2, 0.1, 0.0, 50, "delta method")?;
    /// assert!((gain.ci_low - 0.004).abs() < 1e-3 && (gain.p_value - 0.0455).abs() < 1e-4);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn normal(
        estimate: f64,
        std_error: f64,
        null: f64,
        n: usize,
        method: &'static str,
    ) -> Result<Self, StatsError> {
        Self::by(&Normal::standard(), [estimate, std_error, null], n, method)
    }

    /// From a statistic whose standard error has `df` degrees of freedom.
    ///
    /// ```text
    /// interval: θ ± t.975,df SE      p = 2 P(T_df > |θ − θ₀| / SE)
    /// ```
    ///
    /// # Errors
    ///
    /// As [`normal`](Self::normal), and `OutOfRange` for degrees of freedom that are not positive and
    /// finite.
    ///
    /// # Examples
    ///
    /// ```
    /// let gain = rvq::stats::Estimate::student_t(0.2, 0.1, 9.0, 0.0, 10, "cluster")?;
    /// assert!((gain.p_value - 0.0766).abs() < 1e-4);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn student_t(
        estimate: f64,
        std_error: f64,
        df: f64,
        null: f64,
        n: usize,
        method: &'static str,
    ) -> Result<Self, StatsError> {
        let refused =
            StatsError::OutOfRange { argument: "df", value: df, expected: "positive and finite" };
        if df.is_infinite() {
            return Err(refused);
        }
        let law = StudentsT::new(0.0, 1.0, df).map_err(|_| refused)?;
        Self::by(&law, [estimate, std_error, null], n, method)
    }

    fn by(
        law: &impl ContinuousCDF<f64, f64>,
        [estimate, std_error, null]: [f64; 3],
        n: usize,
        method: &'static str,
    ) -> Result<Self, StatsError> {
        if !estimate.is_finite() {
            return Err(StatsError::NotFinite { index: 0, value: estimate });
        }
        if !(std_error > 0.0 && std_error.is_finite()) {
            let (argument, expected) = ("std_error", "positive and finite");
            return Err(StatsError::OutOfRange { argument, value: std_error, expected });
        }
        let half_width = law.inverse_cdf(0.975) * std_error;
        Ok(Self {
            estimate,
            std_error,
            ci_low: estimate - half_width,
            ci_high: estimate + half_width,
            p_value: (2.0 * law.sf(((estimate - null) / std_error).abs())).min(1.0),
            n,
            method,
        })
    }
}
