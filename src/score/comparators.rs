//! Relationship scores from prior art, and value for money: what Relationship Value stands beside.
//!
//! The aged sum of activities is [`Rv`](super::Rv) with the measure `activity`. All scores here read
//! the account as a whole and, like the baselines, keep transactional rows.

use std::collections::VecDeque;

use super::error::{ScoreError, above_zero, at_least, positive_finite};
use super::name::{Name, number};
use super::value::ValuedInteraction;
use super::{Score, Start, Unit, needs};
use crate::interaction::{Direction, Projection};
use crate::time::Instant;

/// What a comparator makes of the interactions in its window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparator {
    /// Weighted contacts: a per inbound and b per outbound interaction.
    WeightedContacts {
        /// a: weight of what the customer began.
        inbound: f64,
        /// b: weight of what the firm began.
        outbound: f64,
    },
    /// Volume, exclusivity, longevity and recency.
    VolumeRecency,
    /// The straw man of the sources: volume times emotional moments.
    VolumeTimesEmotion,
    /// Relationship value per cost.
    RvPerCost {
        /// Least cost that is divided by \[currency\].
        floor: f64,
    },
    /// What the relationship costs the customer: time, expenses and waiting.
    CustomerEffortCost {
        /// Of the customer's people \[currency per hour\].
        wage: f64,
        /// Of each interaction that takes effort \[currency\].
        out_of_pocket: f64,
        /// Of waiting for an answer \[currency per day\].
        delay: f64,
    },
}

impl Comparator {
    const fn name(self) -> &'static str {
        match self {
            Self::WeightedContacts { .. } => "weighted_contacts",
            Self::VolumeRecency => "volume_recency",
            Self::VolumeTimesEmotion => "volume_times_emotion",
            Self::RvPerCost { .. } => "rv_per_cost",
            Self::CustomerEffortCost { .. } => "customer_effort_cost",
        }
    }
}

/// A [`Comparator`] over the last W days.
///
/// ```text
/// weighted contacts     a · inbound + b · outbound
/// volume, recency       ln(1 + n) + largest share of one contact in n + ln(1 + years known)
///                       + 2^(−days since the last / W)
/// volume × emotion      (n/W + minutes of the customer/W) · emotional moments
/// RV per cost           Σ rv / max(Σ variable cost, floor)       without transactional rows
/// customer effort cost  wage · minutes/60 + out of pocket · interactions with effort + delay · days waited
/// ```
///
/// The customer waits from an inbound interaction until the next outbound one with the same contact, or
/// until the score is read.
///
/// Weights of the patents' terms are not public: each term of the second has weight 1, and
/// exclusivity is read as how much of the traffic one contact has. A ratio to cost means little
/// where cost is small, hence the floor, and nothing about efficiency where value is negative.
///
/// # Source
///
/// US patents 9,426,306 (weighted calls and mails), 7,318,037 (volume, exclusivity, longevity,
/// recency).
///
/// # Examples
///
/// ```
/// use rvq::score::{Comparator, Score, Start, TrailingComparator, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, interaction::Direction, time::Instant};
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// let value = |comparator| {
///     let (score, mut rows) = (TrailingComparator::new(comparator, 10.0).unwrap(), Default::default());
///     score.enter(&mut rows, &Start { entered_at: day(0.0), size: None });
///     let row = ValuedInteraction::plain(TypeIndex(0), day(22.0), 3.0);
///     let minutes = ValuedInteraction { customer_effort: 30.0, variable_cost: 8.0, ..row };
///     score.observe(&mut rows, &ValuedInteraction { direction: Direction::Inbound, ..minutes });
///     score.observe(&mut rows, &ValuedInteraction { emotional: true, ..minutes });
///     score.value(&rows, day(25.0))
/// };
/// let contacts = Comparator::WeightedContacts { inbound: 2.0, outbound: 0.5 };
/// assert!((value(contacts) - 2.5).abs() < 1e-12);
/// assert!((value(Comparator::VolumeTimesEmotion) - (0.2 + 6.0)).abs() < 1e-12);
/// assert!((value(Comparator::RvPerCost { floor: 1.0 }) - 6.0 / 16.0).abs() < 1e-12);
/// assert!((value(Comparator::RvPerCost { floor: 60.0 }) - 0.1).abs() < 1e-12);
/// let effort = Comparator::CustomerEffortCost { wage: 40.0, out_of_pocket: 2.0, delay: 10.0 };
/// // An hour, two interactions, answered at once.
/// assert!((value(effort) - 44.0).abs() < 1e-12);
/// // ln 3 + 1 + ln(1 + 25/365.25) + 2^(−.3)
/// assert!((value(Comparator::VolumeRecency) - 2.977_070).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrailingComparator {
    comparator: Comparator,
    window_days: f64,
}

impl TrailingComparator {
    /// Over the trailing `window_days` \[days\]; positive and finite.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when the window is not positive, or a parameter is out of its range.
    pub fn new(comparator: Comparator, window_days: f64) -> Result<Self, ScoreError> {
        let window_days = positive_finite(comparator.name(), "window_days", window_days)?;
        match comparator {
            Comparator::WeightedContacts { inbound, outbound } => {
                at_least("weighted_contacts", "inbound", inbound, 0.0)?;
                at_least("weighted_contacts", "outbound", outbound, 0.0)?;
            }
            Comparator::RvPerCost { floor } => {
                above_zero("rv_per_cost", "floor", floor)?;
            }
            Comparator::CustomerEffortCost { wage, out_of_pocket, delay } => {
                for (name, value) in
                    [("wage", wage), ("out_of_pocket", out_of_pocket), ("delay", delay)]
                {
                    at_least("customer_effort_cost", name, value, 0.0)?;
                }
            }
            Comparator::VolumeRecency | Comparator::VolumeTimesEmotion => {}
        }
        Ok(Self { comparator, window_days })
    }
}

/// Interactions that may still lie in the window, and the start of the relationship.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    rows: VecDeque<ValuedInteraction>,
    entered_at: Option<Instant>,
}

impl Score for TrailingComparator {
    type State = Recent;

    fn name(&self) -> String {
        let mut name = Name::new(self.comparator.name());
        name.days(self.window_days);
        match self.comparator {
            Comparator::WeightedContacts { inbound, outbound } => {
                name.part("in").part(&number(inbound)).part("out").part(&number(outbound));
            }
            Comparator::RvPerCost { floor } => {
                name.part("floor").part(&number(floor));
            }
            Comparator::CustomerEffortCost { wage, out_of_pocket, delay } => {
                for (word, value) in [("wage", wage), ("pocket", out_of_pocket), ("delay", delay)] {
                    name.part(word).part(&number(value));
                }
            }
            Comparator::VolumeRecency | Comparator::VolumeTimesEmotion => {}
        }
        name.finish()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        match self.comparator {
            Comparator::WeightedContacts { .. } => needs::direction(),
            Comparator::VolumeTimesEmotion => needs::effort(),
            Comparator::RvPerCost { .. } => needs::values().and(needs::costs()),
            Comparator::CustomerEffortCost { .. } => needs::effort().and(needs::direction()),
            Comparator::VolumeRecency => needs::interactions(),
        }
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        let leaves_out = matches!(self.comparator, Comparator::RvPerCost { .. });
        !(leaves_out && interaction.transactional)
    }

    fn enter(&self, recent: &mut Recent, start: &Start) {
        recent.entered_at = Some(start.entered_at);
    }

    fn observe(&self, recent: &mut Recent, interaction: &ValuedInteraction) {
        let now = interaction.occurred_at;
        let old = |row: &ValuedInteraction| now.days_since(row.occurred_at) >= self.window_days;
        while recent.rows.front().is_some_and(old) {
            recent.rows.pop_front();
        }
        recent.rows.push_back(*interaction);
    }

    fn value(&self, recent: &Recent, as_of: Instant) -> f64 {
        let in_window =
            |row: &&ValuedInteraction| as_of.days_since(row.occurred_at) < self.window_days;
        let rows = || recent.rows.iter().filter(in_window);
        let sum = |of: fn(&ValuedInteraction) -> f64| -> f64 { rows().map(of).sum() };
        let count =
            |is: fn(&ValuedInteraction) -> bool| rows().filter(|row| is(row)).count() as f64;
        match self.comparator {
            Comparator::WeightedContacts { inbound, outbound } => {
                inbound * count(|row| row.direction == Direction::Inbound)
                    + outbound * count(|row| row.direction == Direction::Outbound)
            }
            Comparator::VolumeTimesEmotion => {
                let volume = count(|_| true) + sum(|row| row.customer_effort);
                volume / self.window_days * count(|row| row.emotional)
            }
            Comparator::RvPerCost { floor } => {
                sum(|row| row.rv) / sum(|row| row.variable_cost).max(floor)
            }
            Comparator::CustomerEffortCost { wage, out_of_pocket, delay } => {
                wage / 60.0 * sum(|row| row.customer_effort)
                    + out_of_pocket * count(|row| row.customer_effort > 0.0)
                    + delay * self.days_waited(recent, as_of)
            }
            Comparator::VolumeRecency => self.volume_recency(recent, as_of),
        }
    }
}

impl TrailingComparator {
    /// How long the customer waited for answers to what was begun in the window \[days\].
    fn days_waited(&self, recent: &Recent, as_of: Instant) -> f64 {
        let waits = recent.rows.iter().filter(|row| {
            row.direction == Direction::Inbound
                && as_of.days_since(row.occurred_at) < self.window_days
        });
        let answers = |row: &&ValuedInteraction, asked: &ValuedInteraction| {
            row.direction == Direction::Outbound
                && row.contact == asked.contact
                && row.occurred_at >= asked.occurred_at
        };
        waits
            .map(|asked| {
                let answer = recent.rows.iter().find(|row| answers(row, asked));
                let until = answer.map_or(as_of, |row| row.occurred_at);
                until.days_since(asked.occurred_at).max(0.0)
            })
            .sum()
    }

    fn volume_recency(&self, recent: &Recent, as_of: Instant) -> f64 {
        let days = |at: Instant| as_of.days_since(at).max(0.0);
        let known = recent.entered_at.map_or(0.0, |at| (days(at) / 365.25).ln_1p());
        let rows = recent.rows.iter().filter(|row| days(row.occurred_at) < self.window_days);
        let mut contacts: Vec<_> = rows.clone().map(|row| row.contact).collect();
        contacts.sort_unstable();
        let most = contacts.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap_or(0) as f64;
        let n = contacts.len() as f64;
        let last = recent
            .rows
            .back()
            .filter(|row| days(row.occurred_at) < self.window_days)
            .map_or(0.0, |row| (-days(row.occurred_at) / self.window_days).exp2());
        n.ln_1p() + most / n.max(1.0) + known + last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TypeIndex;

    /// The worked number of the methodology.
    #[test]
    fn a_customer_pays_for_time_expenses_and_waiting() {
        let effort = Comparator::CustomerEffortCost { wage: 40.0, out_of_pocket: 2.0, delay: 10.0 };
        let score = TrailingComparator::new(effort, 10.0).unwrap();
        let at = |day: f64| Instant::from_micros(0).plus_days(day);
        let row = |day: f64, direction, customer_effort| ValuedInteraction {
            customer_effort,
            direction,
            ..ValuedInteraction::plain(TypeIndex(0), at(day), 1.0)
        };
        let mut rows = Recent::default();
        score.observe(&mut rows, &row(5.0, Direction::Inbound, 600.0));
        score.observe(&mut rows, &row(22.0, Direction::Inbound, 30.0));
        score.observe(&mut rows, &row(23.5, Direction::Outbound, 15.0));
        // 45 minutes, two interactions, a day and a half until the answer.
        assert!((score.value(&rows, at(25.0)) - (30.0 + 4.0 + 15.0)).abs() < 1e-9);
        score.observe(&mut rows, &row(24.0, Direction::Inbound, 0.0));
        // One more, without effort, that waits for a day as yet.
        assert!((score.value(&rows, at(25.0)) - 59.0).abs() < 1e-9);
        assert_eq!(score.name(), "customer_effort_cost_10d_wage_40_pocket_2_delay_10");
    }
}
