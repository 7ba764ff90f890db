//! How often each interaction type was met, where older interactions count less.

use super::value::ValuedHistory;
use crate::ids::TypeIndex;
use crate::time::Instant;

/// Decayed counts of one account by interaction type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecayedCounts {
    /// The types that the account met, in order of position.
    pub types: Vec<TypeIndex>,
    /// Interactions of each type that were known by the last date.
    pub interactions: Vec<u32>,
    /// Shape `(dates, types)`, row-major.
    pub values: Vec<f64>,
}

impl DecayedCounts {
    /// The counts at the date at position `date`, in the order of `types`.
    pub fn at(&self, date: usize) -> &[f64] {
        &self.values[date * self.types.len()..][..self.types.len()]
    }
}

/// Decayed counts of an account at each of `as_of`: contacts are not told apart, purchases are counted too.
///
/// ```text
/// count_m(t) = Σ 2^(−(t − t_i) / half-life)      over interactions i of type m, happened and known before t
/// ```
///
/// - `half_life_days`: above 0 \[days\]. `as_of`: ascending and exclusive, as in [`series`](super::series).
/// - O(rows + dates × types): the sum over what is known fades as a whole, whenever a row became known.
///
/// # Examples
///
/// ```
/// use rvq::score::decayed_counts;
/// # fn check(history: &rvq::score::ValuedHistory, at: rvq::time::Instant) {
/// let counts = decayed_counts(history, 180.0, &[at]);
/// assert_eq!(counts.at(0).len(), counts.types.len());
/// # }
/// ```
pub fn decayed_counts(
    history: &ValuedHistory,
    half_life_days: f64,
    as_of: &[Instant],
) -> DecayedCounts {
    let rows = history.interactions();
    let mut types: Vec<TypeIndex> = rows.iter().map(|row| row.kind).collect();
    types.sort_unstable();
    types.dedup();
    let readable = |at: usize| rows[at].occurred_at.max(rows[at].known_at);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&at| readable(at));
    let mut waiting = order.into_iter().peekable();
    let mut found = DecayedCounts {
        interactions: vec![0; types.len()],
        values: Vec::with_capacity(types.len() * as_of.len()),
        types,
    };
    let mut current = vec![0.0; found.types.len()];
    let mut before: Option<Instant> = None;
    for &date in as_of {
        if let Some(before) = before {
            let fading = (-date.days_since(before) / half_life_days).exp2();
            for count in &mut current {
                *count *= fading;
            }
        }
        while let Some(at) = waiting.next_if(|&at| readable(at) < date) {
            let column = found.types.binary_search(&rows[at].kind).expect("collected above");
            let age = date.days_since(rows[at].occurred_at);
            current[column] += (-age / half_life_days).exp2();
            found.interactions[column] += 1;
        }
        found.values.extend_from_slice(&current);
        before = Some(date);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Catalogue, CatalogueEntry};
    use crate::ids::TypeNames;
    use crate::interaction::{AccountHistory, Interaction};
    use crate::score::Valuation;

    const DAY: i64 = 86_400_000_000;

    fn row(kind: u16, day: i64, known: i64) -> Interaction {
        Interaction {
            kind: TypeIndex(kind),
            occurred_at: Instant::from_micros(day * DAY),
            known_at: Instant::from_micros(known * DAY),
            ..Interaction::default()
        }
    }

    #[test]
    fn counts_fade_by_half_in_a_half_life_and_late_rows_count_once_they_are_known() {
        let entries = vec![CatalogueEntry::plain("a", 1.0), CatalogueEntry::plain("b", -1.0)];
        let catalogue = Catalogue::from_entries("test", entries).unwrap();
        let types: TypeNames = ["a", "b"].into_iter().collect();
        let valuation = Valuation::new(&catalogue, &types).unwrap();
        let history = AccountHistory {
            interactions: vec![row(0, 0, 0), row(1, 5, 15), row(0, 10, 10)],
            ..AccountHistory::default()
        };
        let valued = ValuedHistory::new(&history, &valuation);
        let dates = [10, 20, 30].map(|day| Instant::from_micros(day * DAY));
        let counts = decayed_counts(&valued, 10.0, &dates);
        assert_eq!(counts.types, [TypeIndex(0), TypeIndex(1)]);
        assert_eq!(counts.interactions, [2, 1]);
        let expected =
            [[0.5, 0.0], [0.25 + 0.5, 0.5_f64.powf(1.5)], [0.125 + 0.25, 0.5_f64.powf(2.5)]];
        for (date, wanted) in expected.iter().enumerate() {
            for (count, wanted) in counts.at(date).iter().zip(wanted) {
                assert!((count - wanted).abs() < 1e-12, "{count} is not {wanted}");
            }
        }
        let finally = decayed_counts(&valued.finally_known(), 10.0, &dates);
        assert!((finally.at(0)[1] - 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!((valued.late_rows(), valued.finally_known().late_rows()), (1, 0));
    }
}
