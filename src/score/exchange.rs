//! Value beside the money: what changes hands without it, and what the customer has of the firm.
//!
//! Both stand beside Relationship Value and are never added to it: a referral is an interaction too,
//! and a sum would count it twice.

use std::collections::VecDeque;

use super::error::{ScoreError, at_least, positive_finite};
use super::name::{Name, number};
use super::value::ValuedInteraction;
use super::{Fact, Score, Unit, needs};
use crate::interaction::{CustomerValue, LedgerEntry, Projection, ValueAspect, ValueDirection};
use crate::time::Instant;

impl LedgerEntry {
    /// What it is worth: the middle of its range, or its only end \[currency\]; absent without any.
    pub fn midpoint(&self) -> Option<f64> {
        match (self.value_low, self.value_high) {
            (Some(low), Some(high)) => Some(f64::midpoint(low, high)),
            (low, high) => low.or(high),
        }
    }
}

/// Non-monetary value that changed hands in one direction over a trailing window \[currency\].
///
/// ```text
/// value(t) = Σ over entries in (t − W, t] of (value_low + value_high) / 2
/// ```
///
/// - An entry without a value counts nothing: its price is not known, not 0 by proof.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NonMonetary {
    direction: ValueDirection,
    window_days: f64,
}

impl NonMonetary {
    /// What went in `direction` over the trailing `window_days`.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when the window is no positive number of days.
    pub fn new(direction: ValueDirection, window_days: f64) -> Result<Self, ScoreError> {
        let window_days = positive_finite("non_monetary", "window_days", window_days)?;
        Ok(Self { direction, window_days })
    }
}

impl Score for NonMonetary {
    type State = VecDeque<(Instant, f64)>;

    fn name(&self) -> String {
        let mut name = Name::new("non_monetary");
        name.part(self.direction.name()).days(self.window_days);
        name.finish()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::ledger()
    }

    fn reads(&self, _interaction: &ValuedInteraction) -> bool {
        false
    }

    fn observe(&self, _entries: &mut Self::State, _interaction: &ValuedInteraction) {}

    fn note(&self, entries: &mut Self::State, fact: Fact<'_>) {
        let Fact::Ledger(entry) = fact else { return };
        let now = entry.occurred_at;
        while entries.front().is_some_and(|(at, _)| now.days_since(*at) >= self.window_days) {
            entries.pop_front();
        }
        if entry.direction == self.direction
            && let Some(value) = entry.midpoint()
        {
            entries.push_back((now, value));
        }
    }

    fn value(&self, entries: &Self::State, as_of: Instant) -> f64 {
        let recent = entries.iter().filter(|(at, _)| as_of.days_since(*at) < self.window_days);
        recent.fold(0.0, |sum, (_, value)| sum + value)
    }
}

/// What the customer has of the firm after all that it costs the customer, per month \[currency\].
///
/// ```text
/// value(t) = worth · Σ_a weight_a · score_a / Σ_a weight_a − total cost of ownership
/// ```
///
/// - Scores of brand, product and experience in `[0, 1]` and cost are those last appraised; an aspect that
///   never was does not count. 0 before any appraisal.
/// - The total cost of ownership holds the price paid, so the value mirrors purchases (rule R1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CustomerNetValue {
    worth: f64,
    /// By [`ValueAspect`].
    weights: [f64; 3],
}

impl CustomerNetValue {
    /// With `worth` \[currency per month\] for full scores, and weights of brand, product and experience.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when a parameter is negative or not finite.
    pub fn new(worth: f64, weights: [f64; 3]) -> Result<Self, ScoreError> {
        at_least("customer_net_value", "worth", worth, 0.0)?;
        for (name, weight) in ["brand", "product", "experience"].into_iter().zip(weights) {
            at_least("customer_net_value", name, weight, 0.0)?;
        }
        Ok(Self { worth, weights })
    }
}

/// What was last appraised.
#[derive(Debug, Clone, Copy, Default)]
pub struct Appraised {
    /// By [`ValueAspect`].
    scores: [Option<f64>; 3],
    cost: f64,
}

impl Score for CustomerNetValue {
    type State = Appraised;

    fn name(&self) -> String {
        let mut name = Name::new("customer_net_value");
        name.part("worth").part(&number(self.worth));
        for (aspect, weight) in ["brand", "product", "experience"].into_iter().zip(self.weights) {
            name.unless(weight, 1.0, aspect);
        }
        name.finish()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::appraisals()
    }

    fn reads(&self, _interaction: &ValuedInteraction) -> bool {
        false
    }

    fn observe(&self, _last: &mut Appraised, _interaction: &ValuedInteraction) {}

    fn note(&self, last: &mut Appraised, fact: Fact<'_>) {
        if let Fact::Appraisal(CustomerValue { aspect, score, total_cost_of_ownership, .. }) = fact
        {
            let position = match aspect {
                ValueAspect::Brand => 0,
                ValueAspect::Product => 1,
                ValueAspect::Experience => 2,
            };
            last.scores[position] = Some(*score);
            last.cost = total_cost_of_ownership.unwrap_or(last.cost);
        }
    }

    fn value(&self, last: &Appraised, _as_of: Instant) -> f64 {
        let known = || {
            let pairs = self.weights.iter().zip(last.scores);
            pairs.filter_map(|(weight, score)| Some((*weight, score?)))
        };
        let total: f64 = known().map(|(weight, _)| weight).sum();
        let score: f64 = known().map(|(weight, score)| weight * score).sum();
        let mean = if total > 0.0 { score / total } else { 0.0 };
        self.worth * mean - last.cost
    }
}
