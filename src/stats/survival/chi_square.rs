//! A statistic that is chi-squared under its null.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::super::error::StatsError;

/// A test whose statistic follows a chi-squared law under its null.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquareTest {
    /// The statistic, zero or more.
    pub statistic: f64,
    /// Degrees of freedom, one or more.
    pub df: usize,
    /// Probability of a statistic as large or larger under the null.
    pub p_value: f64,
}

impl ChiSquareTest {
    /// Of a statistic, which rounding may have left a little below 0.
    pub(super) fn new(statistic: f64, df: usize) -> Result<Self, StatsError> {
        if !statistic.is_finite() {
            return Err(StatsError::NotFinite { index: 0, value: statistic });
        }
        let refused = StatsError::OutOfRange {
            argument: "degrees of freedom",
            value: df as f64,
            expected: "1 or more",
        };
        let law = ChiSquared::new(df as f64).map_err(|_| refused)?;
        let statistic = statistic.max(0.0);
        Ok(Self { statistic, df, p_value: law.sf(statistic) })
    }
}
