//! What a score that is linear in the catalogue's values multiplies each of them with.

use super::error::ScoreError;
use super::fold::series;
use super::rollup::Rollup;
use super::rv::{Measure, Rv, RvRecord};
use super::value::{ValuedHistory, ValuedInteraction};
use super::{Score, Unit};
use crate::ids::TypeIndex;
use crate::time::Instant;

/// A linear score of one account taken apart by interaction type.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposures {
    /// The types that the account met, in order of position.
    pub types: Vec<TypeIndex>,
    /// Shape `(dates, types)`, row-major: the factor of each type's base value.
    pub values: Vec<f64>,
    /// By date: the part of the score that no value of the catalogue scales.
    pub fixed: Vec<f64>,
}

impl Exposures {
    /// The factors at the date at position `date`, in the order of `types`.
    pub fn at(&self, date: usize) -> &[f64] {
        &self.values[date * self.types.len()..][..self.types.len()]
    }
}

/// The exposures of an account at each of `as_of`.
///
/// ```text
/// score(t) = fixed(t) + Σ_m v(m) · exposure_m(t)        v(m): base value of type m in the catalogue
/// ```
///
/// - Each exposure is the score itself, folded by [`series`] over the same rows with the value 1 for one
///   type and 0 for all others: decay, position, roll-up and lateness are those of the score.
/// - A segment's own value counts as a multiple of the base value. Where the base value is 0 it is no
///   multiple and goes to `fixed`.
/// - A row with a value of its own goes to `fixed`: someone judged that one interaction, so a new
///   weight of its type says nothing about it.
/// - `as_of`: ascending and exclusive.
/// - O(rows + dates) for each type that the account met.
///
/// # Errors
///
/// [`ScoreError::NotLinear`] when the score is not linear in the values: a measure other than `rv`, an
/// asymmetry other than 1, sentiment, a shock, or a roll-up that is no weighted sum.
///
/// # Examples
///
/// ```
/// use rvq::score::{Rv, Valuation, ValuedHistory, exposures, series};
/// # fn check(history: &ValuedHistory, valuation: &Valuation, at: rvq::time::Instant)
/// # -> Result<(), rvq::score::ScoreError> {
/// let score = Rv::decay(180.0)?;
/// let found = exposures(&score, history, &[at])?;
/// let parts = found.types.iter().zip(found.at(0)).map(|(&kind, e)| valuation.base_value(kind) * e);
/// let sum = found.fixed[0] + parts.sum::<f64>();
/// assert!((sum - series(&score, history, &[at])[0]).abs() < 1e-9);
/// # Ok(())
/// # }
/// ```
pub fn exposures(
    score: &Rv,
    history: &ValuedHistory,
    as_of: &[Instant],
) -> Result<Exposures, ScoreError> {
    check_linear(score)?;
    let mut types: Vec<TypeIndex> =
        history.interactions().iter().filter(|row| score.reads(row)).map(|row| row.kind).collect();
    types.sort_unstable();
    types.dedup();
    let fold = |of| series(&Part { score, of }, history, as_of);
    let mut values = vec![0.0; types.len() * as_of.len()];
    for (column, &kind) in types.iter().enumerate() {
        for (date, value) in fold(Of::Type(kind)).into_iter().enumerate() {
            values[date * types.len() + column] = value;
        }
    }
    Ok(Exposures { values, fixed: fold(Of::Own), types })
}

/// Refuses a score that is not linear in the catalogue's values.
///
/// # Errors
///
/// [`ScoreError::NotLinear`] with the parameter that makes it so.
pub fn check_linear(score: &Rv) -> Result<(), ScoreError> {
    let params = score.params();
    let unlike = |value: f64, usual: f64| value.to_bits() != usual.to_bits();
    let why = if params.measure != Measure::Rv {
        "its measure is not `rv`".to_owned()
    } else if unlike(params.asymmetry, 1.0) {
        format!("its `asymmetry` is {}, expected 1", params.asymmetry)
    } else if params.sentiment > 0.0 {
        "it reads sentiment, which moves a value by its size and not by its sign".to_owned()
    } else if params.shock_product > 0.0 || params.shock_relational > 0.0 {
        "it has a shock, which takes a share of what was built up".to_owned()
    } else if !matches!(params.rollup, Rollup::Strength | Rollup::Sum) {
        "its roll-up is no weighted sum, expected `strength` or `sum`".to_owned()
    } else {
        return Ok(());
    };
    Err(ScoreError::NotLinear { score: Score::name(score), why })
}

/// Which part of a score is folded.
#[derive(Debug, Clone, Copy)]
enum Of {
    /// What one base value of this type brings.
    Type(TypeIndex),
    /// What the catalogue's base values do not scale.
    Own,
}

/// The score with other values on the same rows.
struct Part<'a> {
    score: &'a Rv,
    of: Of,
}

impl Score for Part<'_> {
    type State = RvRecord;

    fn name(&self) -> String {
        Score::name(self.score)
    }

    fn unit(&self) -> Unit {
        self.score.unit()
    }

    fn rollup(&self) -> Rollup {
        self.score.rollup()
    }

    fn reads(&self, row: &ValuedInteraction) -> bool {
        self.score.reads(row)
    }

    fn observe(&self, record: &mut RvRecord, row: &ValuedInteraction) {
        let rv = match (self.of, row.multiple) {
            (Of::Type(kind), Some(multiple)) if kind == row.kind => multiple,
            (Of::Own, None) => row.rv,
            _ => 0.0,
        };
        self.score.observe(record, &ValuedInteraction { rv, ..*row });
    }

    fn value(&self, record: &RvRecord, as_of: Instant) -> f64 {
        self.score.value(record, as_of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::RvParams;

    #[test]
    fn a_score_that_is_not_linear_is_refused_with_the_reason() {
        let refused = |params: RvParams| {
            check_linear(&Rv::new(params).unwrap()).err().map(|error| error.to_string())
        };
        assert_eq!(refused(RvParams::default()), None);
        let linear = RvParams { position: 0.5, emotion: 1.0, recovery: 0.5, ..RvParams::default() };
        assert_eq!(refused(linear), None);
        assert_eq!(
            refused(RvParams { asymmetry: 2.0, ..RvParams::default() }).as_deref(),
            Some(
                "`rv_sum_asymmetry_2` is not linear in the catalogue's values: its `asymmetry` is 2, \
                 expected 1"
            )
        );
        for params in [
            RvParams { shock_relational: 0.5, ..RvParams::default() },
            RvParams { measure: Measure::Activity, ..RvParams::default() },
            RvParams { rollup: Rollup::Weakest, ..RvParams::default() },
        ] {
            assert!(refused(params).is_some(), "{params:?}");
        }
    }
}
