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
