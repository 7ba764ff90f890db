//! What past purchases alone let expect: the BG/NBD baseline.

use super::error::{ScoreError, above_zero, positive_finite};
use super::name::Name;
use super::value::{ValuedHistory, ValuedInteraction};
use super::{Score, Unit, needs};
use crate::interaction::Projection;
use crate::stats::{BgNbd, PurchaseSummary};
use crate::time::Instant;

/// Expected number of purchases over the next days by [`BgNbd`], from the purchases known.
///
/// - Purchases are transactional rows, those of one day (24 hours from midnight UTC) as one. The clock of an
///   account begins with its first; before it the value is 0.
/// - The parameters are part of the score, so that it cannot see the future through them: fit them
///   ([`BgNbd::fit`] on [`purchase_summary`]) to what came before the panel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedPurchases {
    model: BgNbd,
    horizon_days: f64,
}

impl ExpectedPurchases {
    /// With the model's r, α \[days\], a and b, over the next `horizon_days`.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when a parameter is no positive finite number.
    pub fn new([r, alpha, a, b]: [f64; 4], horizon_days: f64) -> Result<Self, ScoreError> {
        for (name, value) in [("r", r), ("alpha", alpha), ("a", a), ("b", b)] {
            above_zero("bg_nbd", name, value)?;
        }
        let model = BgNbd::new(r, alpha, a, b).expect("all four are above 0");
        let horizon_days = positive_finite("bg_nbd", "horizon_days", horizon_days)?;
        Ok(Self { model, horizon_days })
    }
}

/// Purchase days until now.
#[derive(Debug, Clone, Copy, Default)]
pub struct PurchaseDays {
    /// Day of the first and of the last purchase, and number of days with one.
    days: Option<(i64, i64, u32)>,
}

impl PurchaseDays {
    fn add(&mut self, at: Instant) {
        let day = day_of(at);
        self.days = Some(match self.days {
            None => (day, day, 1),
            Some((first, last, count)) => (first, last.max(day), count + u32::from(day > last)),
        });
    }

    /// In days, as of `as_of`; absent before the first purchase.
    fn summary(&self, as_of: Instant) -> Option<PurchaseSummary> {
        let (first, last, count) = self.days?;
        let age = (day_of(as_of) - first).max(last - first);
        Some(PurchaseSummary {
            repeats: f64::from(count - 1),
            last: (last - first) as f64,
            age: age as f64,
        })
    }
}

fn day_of(at: Instant) -> i64 {
    at.micros().div_euclid(86_400_000_000)
}

/// What is known of the purchases of an account as of `as_of`, in days; absent before its first.
pub fn purchase_summary(history: &ValuedHistory, as_of: Instant) -> Option<PurchaseSummary> {
    let mut days = PurchaseDays::default();
    for row in history.interactions().iter().filter(|row| row.transactional) {
        if row.occurred_at.max(row.known_at) < as_of {
            days.add(row.occurred_at);
        }
    }
    days.summary(as_of)
}

impl Score for ExpectedPurchases {
    type State = PurchaseDays;

    fn name(&self) -> String {
        let mut name = Name::new("bg_nbd");
        name.days(self.horizon_days);
        name.finish()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::interactions()
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        interaction.transactional
    }

    fn observe(&self, days: &mut PurchaseDays, interaction: &ValuedInteraction) {
        days.add(interaction.occurred_at);
    }

    fn value(&self, days: &PurchaseDays, as_of: Instant) -> f64 {
        days.summary(as_of).map_or(0.0, |summary| {
            let expected = self.model.expected(&summary, self.horizon_days);
            expected.expect("later purchase days are later, and the age is not before the last")
        })
    }
}
