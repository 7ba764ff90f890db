//! From contacts to the account: one number, or one of the views that a number hides.

use serde::{Deserialize, Serialize};

use super::error::{ScoreError, above_zero, finite};
use super::name::number;
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

/// What an account is said to have, given what its contacts have.
///
/// ```text
/// vᵢ: value of contact i, wᵢ: its buying influence, Σ wᵢ = 1, over the n contacts who are there
/// strength       Σ wᵢ vᵢ                          in the unit of the values
/// softmin        −(1/b) ln Σ wᵢ exp(−b vᵢ)        b → 0: strength; b → ∞: weakest; b < 0: upwards
/// sum            Σ vᵢ                             grows with the number of contacts
/// weakest        min vᵢ                           one who is lost may lose the account
/// dispersion     √(Σ wᵢ (vᵢ − strength)²)         do they see the same firm?
/// engaged        #{i: vᵢ > x}                     contacts with a relationship
/// density        #{i: vᵢ > x} / n                 their share of the known contacts, in [0, 1]
/// authority      Σ wᵢ 1(vᵢ > x)                   the influence that they hold, in [0, 1]
/// concentration  Σ (vᵢ⁺ / Σ vⱼ⁺)²                 1: all hangs on one contact; 0: nobody is positive
/// ```
///
/// Interactions without a contact are a record of the account. In `strength`, `softmin` and `sum` it
/// takes part with the mean influence of the contacts; it is nobody, so the other views leave it
/// out. When every influence is 0 all contacts weigh the same. Without any record the value is 0.
/// How many people there are besides those known is in no log, so coverage of them is not here.
///
/// # Source
///
/// Palmatier (2008), *Journal of Marketing* 72(4), 76-89: quality, density and authority of contacts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Rollup {
    /// Influence-weighted mean.
    #[default]
    Strength,
    /// Between the mean and the weakest.
    Softmin {
        /// Sharpness \[1 / unit of the value\].
        b: f64,
    },
    /// Plain sum.
    Sum,
    /// The least of all.
    Weakest,
    /// Influence-weighted standard deviation.
    Dispersion,
    /// Number of contacts above a threshold.
    Engaged {
        /// Threshold.
        above: f64,
    },
    /// Share of contacts above a threshold.
    Density {
        /// Threshold.
        above: f64,
    },
    /// Influence above a threshold.
    Authority {
        /// Threshold.
        above: f64,
    },
    /// Herfindahl index of what is positive.
    Concentration,
    /// Known people over those thought to take part in buying, at most 1.
    Coverage {
        /// Estimated number of people.
        people: f64,
    },
}

/// The records of an account that take part: weight and value.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    /// Contacts who are there.
    contacts: Vec<(f64, f64)>,
    /// The record of the account itself.
    account: Option<(f64, f64)>,
    /// Sum of all weights.
    total: f64,
}

impl Members {
    /// From influences (non-negative) and values of contacts, and the value of the account's record.
    pub(super) fn new(
        contacts: impl Iterator<Item = (f64, f64)>,
        account_level: Option<f64>,
    ) -> Self {
        let mut members = Self::default();
        members.fill(contacts, account_level);
        members
    }

    /// As [`new`](Self::new), in place of those before.
    pub(super) fn fill(
        &mut self,
        contacts: impl Iterator<Item = (f64, f64)>,
        account_level: Option<f64>,
    ) {
        self.contacts.clear();
        self.contacts.extend(contacts);
        let n = self.contacts.len() as f64;
        self.total = weight_of(&self.contacts);
        if self.total <= 0.0 {
            for (weight, _) in &mut self.contacts {
                *weight = 1.0;
            }
            self.total = n;
        }
        let mean = if n > 0.0 { self.total / n } else { 1.0 };
        self.account = account_level.map(|value| (mean, value));
        self.total += self.account.map_or(0.0, |(weight, _)| weight);
    }

    fn all(&self) -> impl Iterator<Item = (f64, f64)> + Clone + '_ {
        self.contacts.iter().copied().chain(self.account)
    }

    fn strength(&self) -> f64 {
        let weighted: f64 = self.all().map(|(weight, value)| weight * value).sum();
        if self.total > 0.0 { weighted / self.total } else { 0.0 }
    }

    fn softmin(&self, b: f64) -> f64 {
        if b == 0.0 {
            return self.strength();
        }
        let exponents = self.all().map(|(_, value)| -b * value);
        let most = exponents.fold(f64::NEG_INFINITY, f64::max);
        if most == f64::NEG_INFINITY {
            return 0.0;
        }
        let sum: f64 = self.all().map(|(weight, value)| weight * (-b * value - most).exp()).sum();
        -(most + (sum / self.total).ln()) / b
    }

    fn dispersion(&self) -> f64 {
        let total = weight_of(&self.contacts);
        if total <= 0.0 {
            return 0.0;
        }
        let mean = |of: &dyn Fn(f64) -> f64| -> f64 {
            self.contacts.iter().map(|&(weight, value)| weight * of(value)).sum::<f64>() / total
        };
        let centre = mean(&|value| value);
        mean(&|value| (value - centre).powi(2)).sqrt()
    }

    fn concentration(&self) -> f64 {
        let positive = || self.contacts.iter().map(|(_, value)| value.max(0.0));
        let most = positive().fold(0.0, f64::max);
        if most <= 0.0 {
            return 0.0;
        }
        // In shares of the largest, so that nothing can overflow.
        let total: f64 = positive().map(|value| value / most).sum();
        positive().map(|value| (value / most / total).powi(2)).sum()
    }

    fn engaged(&self, above: f64) -> f64 {
        self.contacts.iter().filter(|(_, value)| *value > above).count() as f64
    }
}

fn weight_of(contacts: &[(f64, f64)]) -> f64 {
    contacts.iter().map(|(weight, _)| weight).sum()
}

impl Rollup {
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] for a parameter that is no finite number.
    pub(super) fn check(self) -> Result<(), ScoreError> {
        match self {
            Self::Softmin { b } => finite("rollup", "b", b),
            Self::Engaged { above } | Self::Density { above } | Self::Authority { above } => {
                finite("rollup", "above", above)
            }
            Self::Coverage { people } => above_zero("rollup", "people", people),
            Self::Strength | Self::Sum | Self::Weakest | Self::Dispersion | Self::Concentration => {
                Ok(())
            }
        }
    }

    pub(super) fn value(self, members: &Members) -> f64 {
        let n = members.contacts.len() as f64;
        match self {
            Self::Strength => members.strength(),
            Self::Softmin { b } => members.softmin(b),
            Self::Sum => members.all().fold(0.0, |sum, (_, value)| sum + value),
            Self::Weakest => {
                members.contacts.iter().map(|(_, value)| *value).reduce(f64::min).unwrap_or(0.0)
            }
            Self::Dispersion => members.dispersion(),
            Self::Engaged { above } => members.engaged(above),
            Self::Density { above } => members.engaged(above) / n.max(1.0),
            Self::Authority { above } => {
                let held = members.contacts.iter().filter(|(_, value)| *value > above);
                let held: f64 = held.map(|(weight, _)| weight).sum();
                let total = weight_of(&members.contacts);
                if total > 0.0 { held / total } else { 0.0 }
            }
            Self::Concentration => members.concentration(),
            Self::Coverage { people } => (n / people).min(1.0),
        }
    }

    /// Last part of the name of a score; nothing for the default.
    pub(super) fn name(self) -> String {
        match self {
            Self::Strength => String::new(),
            Self::Softmin { b } => format!("softmin_{}", number(b)),
            Self::Sum => "summed".to_owned(),
            Self::Weakest => "weakest".to_owned(),
            Self::Dispersion => "dispersion".to_owned(),
            Self::Engaged { above } => format!("engaged_above_{}", number(above)),
            Self::Density { above } => format!("density_above_{}", number(above)),
            Self::Authority { above } => format!("authority_above_{}", number(above)),
            Self::Concentration => "concentration".to_owned(),
            Self::Coverage { people } => format!("coverage_of_{}", number(people)),
        }
    }

    /// The weights with which values of the contacts, in order, and of the account's record add up
    /// to that of the account; `None` where they do not add up.
    pub(super) fn weights(self, members: &Members) -> Option<(Vec<f64>, f64)> {
        let divisor = match self {
            Self::Strength => members.total,
            Self::Sum => return Some((vec![1.0; members.contacts.len()], 1.0)),
            _ => return None,
        };
        let weights = members.contacts.iter().map(|(weight, _)| weight / divisor).collect();
        Some((weights, members.account.map_or(0.0, |(weight, _)| weight / divisor)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rollup: Rollup, contacts: &[(f64, f64)], account_level: Option<f64>) -> f64 {
        rollup.value(&Members::new(contacts.iter().copied(), account_level))
    }

    fn is(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 1e-12
    }

    fn strength(contacts: &[(f64, f64)], account_level: Option<f64>) -> f64 {
        of(Rollup::Strength, contacts, account_level)
    }

    #[test]
    fn strength_weighs_by_influence() {
        // (3·10 + 1·2) / 4 = 8; with an account-level record of weight 2: (32 + 2·5) / 6 = 7.
        assert!(is(strength(&[(3.0, 10.0), (1.0, 2.0)], None), 8.0));
        assert!(is(strength(&[(3.0, 10.0), (1.0, 2.0)], Some(5.0)), 7.0));
    }

    #[test]
    fn without_any_influence_all_records_weigh_the_same() {
        assert!(is(strength(&[(0.0, 1.0), (0.0, 3.0)], None), 2.0));
        assert!(is(strength(&[(0.0, 1.0), (0.0, 3.0)], Some(5.0)), 3.0));
    }

    #[test]
    fn the_account_level_record_stands_alone_when_nobody_counts() {
        assert!(is(strength(&[], Some(5.0)), 5.0));
        assert!(is(strength(&[], None), 0.0));
    }

    #[test]
    fn only_ratios_of_influence_matter() {
        let small = strength(&[(1.0, 2.0), (3.0, 6.0)], Some(1.0));
        let large = strength(&[(8.0, 2.0), (24.0, 6.0)], Some(1.0));
        assert!(is(small, large), "{small} {large}");
    }

    #[test]
    fn softmin_goes_from_the_strongest_over_the_mean_to_the_weakest() {
        let contacts = [(3.0, 10.0), (1.0, 2.0)];
        let softmin = |b| of(Rollup::Softmin { b }, &contacts, None);
        assert!(is(softmin(0.0), 8.0));
        assert!((softmin(1e-9) - 8.0).abs() < 1e-6);
        assert!((softmin(1e6) - 2.0).abs() < 1e-4 && (softmin(-1e6) - 10.0).abs() < 1e-4);
        // By hand: −ln(.75·e^−10 + .25·e^−2) = 3.3853…
        let expected = -(0.75 * (-10.0_f64).exp() + 0.25 * (-2.0_f64).exp()).ln();
        assert!(is(softmin(1.0), expected), "{}", softmin(1.0));
        assert!(is(of(Rollup::Softmin { b: 1.0 }, &[], None), 0.0));
        assert!(softmin(1e300).is_finite() && softmin(-1e300).is_finite());
    }

    #[test]
    fn every_view_of_four_contacts_is_as_worked_by_hand() {
        // Influences .4 .3 .2 .1, values 10 −2 5 0; mean 4.4 = 4 − .6 + 1 + 0.
        let contacts = [(4.0, 10.0), (3.0, -2.0), (2.0, 5.0), (1.0, 0.0)];
        let all = |rollup| of(rollup, &contacts, None);
        assert!(is(all(Rollup::Strength), 4.4));
        assert!(is(all(Rollup::Sum), 13.0));
        assert!(is(all(Rollup::Weakest), -2.0));
        // .4·5.6² + .3·6.4² + .2·.6² + .1·4.4² = 12.544 + 12.288 + .072 + 1.936 = 26.84.
        assert!(is(all(Rollup::Dispersion), 26.84_f64.sqrt()));
        assert!(is(all(Rollup::Engaged { above: 1.0 }), 2.0));
        assert!(is(all(Rollup::Density { above: 1.0 }), 0.5));
        assert!(is(all(Rollup::Authority { above: 1.0 }), 0.6));
        // Shares 2/3 and 1/3 of what is positive.
        assert!(is(all(Rollup::Concentration), 5.0 / 9.0));
        assert!(is(all(Rollup::Coverage { people: 5.0 }), 0.8));
        assert!(is(all(Rollup::Coverage { people: 3.0 }), 1.0));
        // The account's own record is nobody.
        let with = |rollup| of(rollup, &contacts, Some(-50.0));
        assert!(is(with(Rollup::Weakest), -2.0) && is(with(Rollup::Authority { above: 1.0 }), 0.6));
        assert!(is(with(Rollup::Dispersion), 26.84_f64.sqrt()));
    }

    #[test]
    fn without_contacts_every_view_is_nothing() {
        for rollup in [
            Rollup::Strength,
            Rollup::Softmin { b: 2.0 },
            Rollup::Sum,
            Rollup::Weakest,
            Rollup::Dispersion,
            Rollup::Engaged { above: 0.0 },
            Rollup::Density { above: 0.0 },
            Rollup::Authority { above: 0.0 },
            Rollup::Concentration,
            Rollup::Coverage { people: 7.0 },
        ] {
            assert!(is(of(rollup, &[], None), 0.0), "{rollup:?}");
        }
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
