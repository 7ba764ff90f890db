//! Why a statistic could not be computed.

/// Why a statistic could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum StatsError {
    /// Fewer observations than the statistic is defined for.
    #[error("`{statistic}` needs at least {needed} observations, got {got}")]
    TooFew { statistic: &'static str, needed: usize, got: usize },
    /// Two inputs that belong together differ in length.
    #[error("`{statistic}` pairs its inputs by position, got lengths {left} and {right}")]
    LengthMismatch { statistic: &'static str, left: usize, right: usize },
    /// A value is NaN or infinite.
    #[error("value {value} at index {index} is not finite")]
    NotFinite { index: usize, value: f64 },
    /// Nothing varies, so the statistic is undefined.
    #[error("`{statistic}` is undefined for a constant sample")]
    Constant { statistic: &'static str },
    /// The number of values is not units × periods.
    #[error("a grid of {units} units and {periods} periods cannot hold {values} values")]
    Shape { values: usize, units: usize, periods: usize },
    /// No period has enough observations that vary.
    #[error("`{statistic}` has no period with {needed} or more observations that vary")]
    NoPeriod { statistic: &'static str, needed: usize },
    /// An argument is outside its range.
    #[error("`{argument}` is {value}, expected {expected}")]
    OutOfRange { argument: &'static str, value: f64, expected: &'static str },
    /// A regressor carries nothing of its own.
    #[error("column {column} of `{statistic}` is constant or determined by the columns before it")]
    Collinear { statistic: &'static str, column: usize },
    /// A likelihood rises without end along a column, so that it has no maximum.
    #[error(
        "`{statistic}` has no finite estimate: column {column} tells all events from the others"
    )]
    Separated { statistic: &'static str, column: usize },
    /// An observation that cannot have been made.
    #[error("observation {index} is impossible: {reason}")]
    Impossible { index: usize, reason: &'static str },
    /// The observations do not determine the parameters.
    #[error("`{statistic}` cannot be fitted: {reason}")]
    NoFit { statistic: &'static str, reason: &'static str },
    /// Some combination of the columns tells outcomes apart without fail.
    #[error(
        "`{statistic}` has no finite estimate: its columns separate the outcomes (without the \
         column that does, or by Firth's penalised likelihood, it has one)"
    )]
    Separation { statistic: &'static str },
    /// The search for the best fit did not end.
    #[error("`{statistic}` did not converge in {iterations} iterations")]
    NotConverged { statistic: &'static str, iterations: usize },
}

/// Checks that two samples pair up, are long enough and finite.
pub(super) fn check_pair(
    statistic: &'static str,
    x: &[f64],
    y: &[f64],
    needed: usize,
) -> Result<(), StatsError> {
    if x.len() != y.len() {
        return Err(StatsError::LengthMismatch { statistic, left: x.len(), right: y.len() });
    }
    if x.len() < needed {
        return Err(StatsError::TooFew { statistic, needed, got: x.len() });
    }
    check_finite(x)?;
    check_finite(y)
}

/// Checks that every value is finite.
pub(super) fn check_finite(values: &[f64]) -> Result<(), StatsError> {
    match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(StatsError::NotFinite { index, value: values[index] }),
        None => Ok(()),
    }
}
