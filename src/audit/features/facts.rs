//! What the log says of the accounts of a feature table, on the table's own dates.

use crate::interaction::AccountHistory;
use crate::score::{Valuation, ValuedHistory};
use crate::time::Instant;

/// What can be counted of an account between two dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    Interactions,
    RelativeValue,
    Revenue,
    Contribution,
}

impl Amount {
    pub(super) const ALL: [Self; 4] =
        [Self::Interactions, Self::RelativeValue, Self::Revenue, Self::Contribution];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Interactions => "number of interactions",
            Self::RelativeValue => "relative value",
            Self::Revenue => "revenue",
            Self::Contribution => "contribution",
        }
    }
}

/// One account of the table, as the log has it.
#[derive(Debug, Clone)]
pub(super) struct AccountFacts {
    pub(super) entered_at: Instant,
    pub(super) exited_at: Option<Instant>,
    pub(super) size: f64,
    pub(super) parent: Option<String>,
    /// By amount and interval: what became known then. Interval k ends with date k; one more
    /// holds what became known after the last date.
    pub(super) known: [Vec<f64>; 4],
    /// By interval, interactions and relative value: what happened in it and was known at its end.
    pub(super) on_time: [Vec<f64>; 2],
    /// Likewise, what happened in it and was not known at its end.
    pub(super) late: [Vec<f64>; 2],
    /// By interval: purchases that became known then.
    pub(super) purchases: Vec<f64>,
    /// Over the whole log, purchases included: interactions and relative value.
    pub(super) with_purchases: [f64; 2],
}

impl AccountFacts {
    pub(super) fn new(history: &AccountHistory, valuation: &Valuation, dates: &[Instant]) -> Self {
        let account = &history.account;
        let none = || vec![0.0; dates.len() + 1];
        let mut facts = Self {
            entered_at: account.entered_at,
            exited_at: account.exited_at,
            size: account.size.unwrap_or(0.0),
            parent: account.placement.parent_id.clone(),
            known: std::array::from_fn(|_| none()),
            on_time: [none(), none()],
            late: [none(), none()],
            purchases: none(),
            with_purchases: [0.0; 2],
        };
        let valued = ValuedHistory::new(history, valuation);
        for row in valued.interactions() {
            let amounts = [1.0, row.rv];
            for (total, amount) in facts.with_purchases.iter_mut().zip(amounts) {
                *total += amount;
            }
            // As of a date, rows strictly before it are seen.
            let happened = dates.partition_point(|date| *date <= row.occurred_at);
            let read = dates.partition_point(|date| *date <= row.known_at.max(row.occurred_at));
            if row.transactional {
                facts.purchases[read] += 1.0;
                continue;
            }
            for (position, amount) in amounts.into_iter().enumerate() {
                facts.known[position][read] += amount;
                let in_time = if read == happened { &mut facts.on_time } else { &mut facts.late };
                in_time[position][happened] += amount;
            }
        }
        for outcome in &history.outcomes {
            // An outcome may be read at the close of its period.
            let read = dates.partition_point(|date| *date < outcome.known_at);
            facts.known[2][read] += outcome.revenue;
            facts.known[3][read] += outcome.contribution().unwrap_or(outcome.revenue);
        }
        facts
    }

    /// Whether the account is there at `date`.
    pub(super) fn present(&self, date: Instant) -> bool {
        self.entered_at < date && self.exited_at.is_none_or(|exit| exit >= date)
    }

    /// What became known of `amount` in the intervals after `after` up to `to`.
    pub(super) fn sum(&self, amount: Amount, after: usize, to: usize) -> f64 {
        self.known[amount as usize][after + 1..=to].iter().sum()
    }

    /// As-known amounts at date `k`, to hold against what comes later.
    pub(super) fn past(&self, amount: Amount, k: usize) -> [f64; 5] {
        let series = &self.known[amount as usize];
        let back = |lag: usize| k.checked_sub(lag).map_or(0.0, |at| series[at]);
        let year: f64 = series[k.saturating_sub(11)..=k].iter().sum();
        let all: f64 = series[..=k].iter().sum();
        [back(0), back(1), back(2), year, all]
    }
}
