//! From contacts to the account: the influence-weighted mean, the default strength of a relationship.
//!
//! Density, authority coverage, weakest link and concentration are not here yet.

use super::value::Membership;
use crate::time::Instant;

impl Membership {
    /// Whether the contact belongs to the account just before `as_of`.
    ///
    /// `seen`: whether an interaction of the contact was read by then. Without `valid_from` a
    /// contact joins with its first interaction, so that nobody counts before they are known.
    pub fn counts(&self, as_of: Instant, seen: bool) -> bool {
        let joined = self.valid_from.map_or(seen, |from| from < as_of);
        joined && self.valid_to.is_none_or(|to| to >= as_of)
    }
}

/// Influence-weighted mean over the records of one account.
///
/// ```text
/// strength = Σ wᵢ vᵢ / Σ wᵢ        wᵢ: influence, vᵢ: value of contact i
/// ```
///
/// The account-level record (interactions without a contact) has the mean influence of the
/// contacts that count. When every influence is 0 all records weigh the same.
///
/// - `contacts`: pairs of influence (non-negative) and value.
/// - `account_level`: value of the account-level record; absent when there is none.
/// - Returns the mean in the unit of the values; 0 when there is no record at all. A contact who
///   left is not among `contacts`, so the account loses what that contact had built up.
///
/// # Examples
///
/// ```
/// use rvq::score::strength;
///
/// // (3·10 + 1·2) / 4 = 8; with an account-level record of weight 2: (32 + 2·5) / 6 = 7.
/// assert!((strength([(3.0, 10.0), (1.0, 2.0)], None) - 8.0).abs() < 1e-12);
/// assert!((strength([(3.0, 10.0), (1.0, 2.0)], Some(5.0)) - 7.0).abs() < 1e-12);
/// ```
pub fn strength(contacts: impl IntoIterator<Item = (f64, f64)>, account_level: Option<f64>) -> f64 {
    let (mut count, mut weight, mut weighted, mut plain) = (0.0, 0.0, 0.0, 0.0);
    for (influence, value) in contacts {
        count += 1.0;
        weight += influence;
        weighted += influence * value;
        plain += value;
    }
    if weight <= 0.0 {
        (weight, weighted) = (count, plain);
    }
    if let Some(value) = account_level {
        let mean_influence = if count > 0.0 { weight / count } else { 1.0 };
        weight += mean_influence;
        weighted += mean_influence * value;
    }
    if weight > 0.0 { weighted / weight } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 1e-12
    }

    #[test]
    fn without_any_influence_all_records_weigh_the_same() {
        assert!(is(strength([(0.0, 1.0), (0.0, 3.0)], None), 2.0));
        assert!(is(strength([(0.0, 1.0), (0.0, 3.0)], Some(5.0)), 3.0));
    }

    #[test]
    fn the_account_level_record_stands_alone_when_nobody_counts() {
        assert!(is(strength([], Some(5.0)), 5.0));
        assert!(is(strength([], None), 0.0));
    }

    #[test]
    fn only_ratios_of_influence_matter() {
        let small = strength([(1.0, 2.0), (3.0, 6.0)], Some(1.0));
        let large = strength([(8.0, 2.0), (24.0, 6.0)], Some(1.0));
        assert!(is(small, large), "{small} {large}");
    }

    #[test]
    fn membership_is_decided_by_what_happened_before_the_as_of() {
        let at = Instant::from_micros;
        let member =
            Membership { influence: 1.0, valid_from: Some(at(10)), valid_to: Some(at(20)) };
        let counts: Vec<bool> =
            [10, 11, 20, 21].into_iter().map(|as_of| member.counts(at(as_of), true)).collect();
        assert_eq!(counts, [false, true, true, false]);
        let unlisted = Membership { valid_from: None, ..member };
        assert!(!unlisted.counts(at(15), false) && unlisted.counts(at(15), true));
    }
}
