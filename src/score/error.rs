//! Why no score could be made.

use crate::diagnostic::nearest;

/// Why no score could be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum ScoreError {
    /// The log holds interaction types that the catalogue does not value; all of them are listed.
    #[error("catalogue `{catalogue}` has no {}", list(unknown))]
    UnknownTypes { catalogue: String, unknown: Vec<UnknownType> },
    /// A parameter is zero, negative, NaN, or infinite where it must be finite.
    #[error("`{parameter}` of `{score}` is {value}, expected a positive number of days")]
    NotPositive { score: &'static str, parameter: &'static str, value: f64 },
    /// A parameter lies outside its range.
    #[error("`{parameter}` of `{score}` is {value}, expected {expected}")]
    OutOfRange { score: &'static str, parameter: &'static str, value: f64, expected: String },
    /// A score of which the interactions have no parts that add up.
    #[error("`{score}` is no sum over interactions: it cannot be explained by them")]
    NotAdditive { score: String },
    /// A score that new values of the catalogue change in another way than in proportion.
    #[error("`{score}` is not linear in the catalogue's values: {why}")]
    NotLinear { score: String, why: String },
}

/// An interaction type that occurs in the log but not in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownType {
    /// The type as the log names it.
    pub name: String,
    /// The catalogue's type most like it.
    pub nearest: Option<String>,
}

impl UnknownType {
    pub(super) fn new<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self { name: name.to_owned(), nearest: nearest(name, known).map(str::to_owned) }
    }
}

fn list(unknown: &[UnknownType]) -> String {
    let items: Vec<String> = unknown
        .iter()
        .map(|item| match &item.nearest {
            Some(near) => format!("`{}` (nearest: `{near}`)", item.name),
            None => format!("`{}`", item.name),
        })
        .collect();
    items.join(", ")
}

/// `value` when it is positive; it may be infinite.
pub(super) fn positive(
    score: &'static str,
    parameter: &'static str,
    value: f64,
) -> Result<f64, ScoreError> {
    if value > 0.0 { Ok(value) } else { Err(ScoreError::NotPositive { score, parameter, value }) }
}

/// `value` when it is positive and finite.
pub(super) fn positive_finite(
    score: &'static str,
    parameter: &'static str,
    value: f64,
) -> Result<f64, ScoreError> {
    if value.is_finite() {
        positive(score, parameter, value)
    } else {
        Err(ScoreError::NotPositive { score, parameter, value })
    }
}

/// Refuses a `value` below `least`, or one that is no finite number.
pub(super) fn at_least(
    score: &'static str,
    parameter: &'static str,
    value: f64,
    least: f64,
) -> Result<(), ScoreError> {
    let expected = || format!("a finite number of at least {least}");
    in_range(value.is_finite() && value >= least, (score, parameter, value), expected)
}

/// Refuses a `value` that is not above 0, or no finite number.
pub(super) fn above_zero(
    score: &'static str,
    parameter: &'static str,
    value: f64,
) -> Result<(), ScoreError> {
    let expected = || "a finite number above 0".to_owned();
    in_range(value.is_finite() && value > 0.0, (score, parameter, value), expected)
}

/// Refuses a `value` outside `[0, 1]`.
pub(super) fn share(
    score: &'static str,
    parameter: &'static str,
    value: f64,
) -> Result<(), ScoreError> {
    let expected = || "a share between 0 and 1".to_owned();
    in_range((0.0..=1.0).contains(&value), (score, parameter, value), expected)
}

/// Refuses a `value` that is no finite number.
pub(super) fn finite(
    score: &'static str,
    parameter: &'static str,
    value: f64,
) -> Result<(), ScoreError> {
    in_range(value.is_finite(), (score, parameter, value), || "a finite number".to_owned())
}

fn in_range(
    is_in: bool,
    (score, parameter, value): (&'static str, &'static str, f64),
    expected: impl FnOnce() -> String,
) -> Result<(), ScoreError> {
    if is_in {
        return Ok(());
    }
    Err(ScoreError::OutOfRange { score, parameter, value, expected: expected() })
}
