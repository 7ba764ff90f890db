//! Baselines that Relationship Value must beat (rule R2): what any firm already has in its books.
//!
//! All of them read the account as a whole and keep transactional rows; the purchase-only variants
//! read nothing else. Higher means better for every one of them.

use std::collections::VecDeque;

use super::value::ValuedInteraction;
use super::{Fact, Score, Start, Unit, needs};
use crate::interaction::{Outcome, Projection};
use crate::time::Instant;

/// Which interactions a baseline reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Rows {
    #[default]
    All,
    Purchases,
}

impl Rows {
    fn include(self, interaction: &ValuedInteraction) -> bool {
        self == Self::All || interaction.transactional
    }

    fn column(self, name: &str) -> String {
        match self {
            Self::All => name.to_owned(),
            Self::Purchases => format!("purchase_{name}"),
        }
    }
}

/// Number of interactions so far, or of purchases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    rows: Rows,
}

impl Count {
    /// Counts transactional rows only.
    pub fn of_purchases() -> Self {
        Self { rows: Rows::Purchases }
    }
}

impl Score for Count {
    type State = u32;

    fn name(&self) -> String {
        self.rows.column("count")
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::interactions()
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        self.rows.include(interaction)
    }

    fn observe(&self, count: &mut u32, _interaction: &ValuedInteraction) {
        *count += 1;
    }

    fn value(&self, count: &u32, _as_of: Instant) -> f64 {
        f64::from(*count)
    }

    fn accumulates(&self) -> bool {
        true
    }
}

/// Time since the last interaction, or the last purchase, as a negative number \[days\].
///
/// ```text
/// −(t − t_last)        0 is now, −30 is a month ago: higher is better
/// ```
///
/// Before the first one the clock runs from the start of the relationship.
///
/// # Examples
///
/// ```
/// use rvq::score::{Recency, Score, Start, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, time::Instant};
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// # let row = |at| ValuedInteraction::plain(TypeIndex(0), day(at), 1.0);
/// let (score, mut last) = (Recency::default(), None);
/// score.enter(&mut last, &Start { entered_at: day(0.0), size: None });
/// assert!((score.value(&last, day(4.0)) + 4.0).abs() < 1e-12);
/// score.observe(&mut last, &row(10.0));
/// assert!((score.value(&last, day(40.0)) + 30.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recency {
    rows: Rows,
}

impl Recency {
    /// Reads transactional rows only.
    pub fn of_purchases() -> Self {
        Self { rows: Rows::Purchases }
    }
}

impl Score for Recency {
    /// The last interaction, or else the start of the relationship.
    type State = Option<Instant>;

    fn name(&self) -> String {
        self.rows.column("recency")
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::interactions()
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        self.rows.include(interaction)
    }

    fn enter(&self, last: &mut Option<Instant>, start: &Start) {
        *last = Some(start.entered_at);
    }

    fn observe(&self, last: &mut Option<Instant>, interaction: &ValuedInteraction) {
        *last = Some(interaction.occurred_at);
    }

    fn value(&self, last: &Option<Instant>, as_of: Instant) -> f64 {
        -last.map_or(0.0, |last| days_before(last, as_of))
    }
}

/// Days from `earlier` to `as_of`, 0 when it is not earlier \[days\].
fn days_before(earlier: Instant, as_of: Instant) -> f64 {
    as_of.days_since(earlier).max(0.0)
}

/// Interactions per 30 days over the trailing 180 days.
///
/// ```text
/// 30/180 · #{k: t − 180 ≤ t_k < t}        [1 / 30 days]
/// ```
///
/// The window is the same for an account younger than it, which had no interactions before it began.
///
/// # Examples
///
/// ```
/// use rvq::score::{Frequency, Score, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, time::Instant};
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// # let row = |at| ValuedInteraction::plain(TypeIndex(0), day(at), 1.0);
/// // Day 250 looks back to day 70: three of four interactions, 3 · 30/180 = 0.5.
/// let mut window = Default::default();
/// for at in [10.0, 70.0, 80.0, 200.0] {
///     Frequency.observe(&mut window, &row(at));
/// }
/// assert!((Frequency.value(&window, day(250.0)) - 0.5).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frequency;

const FREQUENCY_WINDOW_DAYS: f64 = 180.0;
const FREQUENCY_UNIT_DAYS: f64 = 30.0;

impl Score for Frequency {
    /// The interactions that may still lie in a window.
    type State = VecDeque<Instant>;

    fn name(&self) -> String {
        "frequency".to_owned()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::interactions()
    }

    fn observe(&self, window: &mut VecDeque<Instant>, interaction: &ValuedInteraction) {
        let now = interaction.occurred_at;
        while window.front().is_some_and(|at| now.days_since(*at) > FREQUENCY_WINDOW_DAYS) {
            window.pop_front();
        }
        window.push_back(now);
    }

    fn value(&self, window: &VecDeque<Instant>, as_of: Instant) -> f64 {
        let old = window.partition_point(|at| as_of.days_since(*at) > FREQUENCY_WINDOW_DAYS);
        (window.len() - old) as f64 * FREQUENCY_UNIT_DAYS / FREQUENCY_WINDOW_DAYS
    }
}

const MONTHS: usize = 12;

/// Amounts of the latest twelve known periods \[currency\].
#[derive(Debug, Clone, Copy, Default)]
pub struct TrailingYear {
    amounts: [f64; MONTHS],
    periods: usize,
}

impl TrailingYear {
    fn push(&mut self, amount: f64) {
        self.amounts[self.periods % MONTHS] = amount;
        self.periods += 1;
    }

    fn total(&self) -> f64 {
        self.amounts.iter().sum()
    }
}

/// Revenue of the latest twelve known months \[currency\]; fewer when fewer are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spend;

impl Score for Spend {
    type State = TrailingYear;

    fn name(&self) -> String {
        "spend".to_owned()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::outcomes()
    }

    fn reads(&self, _interaction: &ValuedInteraction) -> bool {
        false
    }

    fn observe(&self, _year: &mut TrailingYear, _interaction: &ValuedInteraction) {}

    fn note(&self, year: &mut TrailingYear, fact: Fact<'_>) {
        if let Fact::Outcome(outcome) = fact {
            year.push(outcome.revenue);
        }
    }

    fn value(&self, year: &TrailingYear, _as_of: Instant) -> f64 {
        year.total()
    }
}

/// Recorded size of the account, in whatever unit the log has; 0 without any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size;

impl Score for Size {
    type State = f64;

    fn name(&self) -> String {
        "size".to_owned()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::interactions()
    }

    fn reads(&self, _interaction: &ValuedInteraction) -> bool {
        false
    }

    fn enter(&self, size: &mut f64, start: &Start) {
        *size = start.size.unwrap_or(0.0);
    }

    fn observe(&self, _size: &mut f64, _interaction: &ValuedInteraction) {}

    fn value(&self, size: &f64, _as_of: Instant) -> f64 {
        *size
    }
}

/// Contribution of a period, or its revenue when the log has no gross profit \[currency\].
fn profit(outcome: &Outcome) -> f64 {
    outcome.contribution().unwrap_or(outcome.revenue)
}

/// Contribution of the latest twelve known months \[currency\]; fewer when fewer are known.
///
/// A month without gross profit counts with its revenue: in a log that has none, this is [`Spend`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PastProfit;

impl Score for PastProfit {
    type State = TrailingYear;

    fn name(&self) -> String {
        "past_profit".to_owned()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::outcomes()
    }

    fn reads(&self, _interaction: &ValuedInteraction) -> bool {
        false
    }

    fn observe(&self, _year: &mut TrailingYear, _interaction: &ValuedInteraction) {}

    fn note(&self, year: &mut TrailingYear, fact: Fact<'_>) {
        if let Fact::Outcome(outcome) = fact {
            year.push(profit(outcome));
        }
    }

    fn value(&self, year: &TrailingYear, _as_of: Instant) -> f64 {
        year.total()
    }
}

/// Age of the relationship \[days\]; 0 before it begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tenure;

impl Score for Tenure {
    type State = Option<Instant>;

    fn name(&self) -> String {
        "tenure".to_owned()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::interactions()
    }

    fn reads(&self, _interaction: &ValuedInteraction) -> bool {
        false
    }

    fn enter(&self, entered: &mut Option<Instant>, start: &Start) {
        *entered = Some(start.entered_at);
    }

    fn observe(&self, _entered: &mut Option<Instant>, _interaction: &ValuedInteraction) {}

    fn value(&self, entered: &Option<Instant>, as_of: Instant) -> f64 {
        entered.map_or(0.0, |entered| days_before(entered, as_of))
    }

    fn accumulates(&self) -> bool {
        true
    }
}

/// Contribution of the latest known month \[currency\]; its revenue when the log has no gross profit.
///
/// 0 before the first month is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastValue;

impl Score for LastValue {
    type State = f64;

    fn name(&self) -> String {
        "last_value".to_owned()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::outcomes()
    }

    fn reads(&self, _interaction: &ValuedInteraction) -> bool {
        false
    }

    fn observe(&self, _last: &mut f64, _interaction: &ValuedInteraction) {}

    fn note(&self, last: &mut f64, fact: Fact<'_>) {
        if let Fact::Outcome(outcome) = fact {
            *last = profit(outcome);
        }
    }

    fn value(&self, last: &f64, _as_of: Instant) -> f64 {
        *last
    }
}
