//! How many interactions of a kind: what Relationship Value claims to say more than.

use std::collections::VecDeque;

use super::error::{ScoreError, positive_finite};
use super::name::Name;
use super::valuation::Valuation;
use super::value::ValuedInteraction;
use super::{Score, ScoreColumn, Unit, needs};
use crate::interaction::Projection;
use crate::time::Instant;

/// Number of critical interactions in the last W days, weighted by the influence of their contacts.
///
/// ```text
/// Σᵢ wᵢ #{critical interactions of contact i in (t − W, t]}      wᵢ: share of buying influence
/// ```
///
/// # Examples
///
/// ```
/// use rvq::interaction::Failure;
/// use rvq::score::{CriticalCount, Score, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, time::Instant};
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// let (score, mut recent) = (CriticalCount::new(90.0)?, Default::default());
/// let row = ValuedInteraction::plain(TypeIndex(0), day(1.0), -5.0);
/// score.observe(&mut recent, &ValuedInteraction { failure: Some(Failure::Product), ..row });
/// assert_eq!((score.value(&recent, day(50.0)), score.value(&recent, day(100.0))), (1.0, 0.0));
/// # Ok::<(), rvq::score::ScoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CriticalCount {
    window_days: f64,
}

impl CriticalCount {
    /// Over the trailing `window_days` \[days\]; positive and finite.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when the window is not positive.
    pub fn new(window_days: f64) -> Result<Self, ScoreError> {
        let window_days = positive_finite("critical_count", "window_days", window_days)?;
        Ok(Self { window_days })
    }
}

impl Score for CriticalCount {
    type State = VecDeque<Instant>;

    fn name(&self) -> String {
        let mut name = Name::new("critical_count");
        name.days(self.window_days);
        name.finish()
    }

    fn unit(&self) -> Unit {
        Unit::Contact
    }

    fn projection(&self) -> Projection {
        needs::interactions()
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        interaction.failure.is_some() && !interaction.transactional
    }

    fn observe(&self, recent: &mut VecDeque<Instant>, interaction: &ValuedInteraction) {
        let now = interaction.occurred_at;
        while recent.front().is_some_and(|first| now.days_since(*first) > self.window_days) {
            recent.pop_front();
        }
        recent.push_back(now);
    }

    fn value(&self, recent: &VecDeque<Instant>, as_of: Instant) -> f64 {
        recent.iter().filter(|at| as_of.days_since(**at) <= self.window_days).count() as f64
    }
}

/// Fading number of interactions, or of those of one function with values of one sign.
///
/// ```text
/// N(t) = Σ 2^(−(t − tₖ)/H)      over non-transactional interactions of the function and sign
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TypeCount {
    /// Function, and whether values are negative; all interactions without.
    kind: Option<(u16, bool)>,
    name: String,
    half_life_days: f64,
}

impl TypeCount {
    /// All interactions.
    ///
    /// - `half_life_days`: H \[days\]; positive and finite.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when the half-life is not positive.
    pub fn of_all(half_life_days: f64) -> Result<Self, ScoreError> {
        Self::named(None, "all", half_life_days)
    }

    /// Interactions of `function` whose value is negative, or is not.
    ///
    /// - `function`: position among [`Valuation::functions`], and its name.
    ///
    /// # Errors
    ///
    /// As [`of_all`](Self::of_all).
    pub fn of_kind(
        (function, words): (u16, &str),
        negative: bool,
        half_life_days: f64,
    ) -> Result<Self, ScoreError> {
        let sign = if negative { "negative" } else { "positive" };
        Self::named(Some((function, negative)), &format!("{words}_{sign}"), half_life_days)
    }

    fn named(
        kind: Option<(u16, bool)>,
        words: &str,
        half_life_days: f64,
    ) -> Result<Self, ScoreError> {
        let half_life_days = positive_finite("type_count", "half_life_days", half_life_days)?;
        let mut name = Name::new("count_of");
        name.part(words).days(half_life_days);
        Ok(Self { kind, name: name.finish(), half_life_days })
    }
}

impl Score for TypeCount {
    /// The count, and when it was brought up to date.
    type State = Option<(f64, Instant)>;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::functions().and(needs::values())
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        let own = (interaction.function, interaction.rv < 0.0);
        self.kind.is_none_or(|kind| kind == own) && !interaction.transactional
    }

    fn observe(&self, count: &mut Option<(f64, Instant)>, interaction: &ValuedInteraction) {
        let now = interaction.occurred_at;
        *count = Some((1.0 + self.value(count, now), now));
    }

    fn value(&self, count: &Option<(f64, Instant)>, as_of: Instant) -> f64 {
        count.map_or(0.0, |(n, at)| n * (-as_of.days_since(at) / self.half_life_days).exp2())
    }
}

/// One [`TypeCount`] for each function and sign that non-transactional types of a catalogue have, and
/// that of all.
///
/// # Errors
///
/// [`ScoreError`] when the half-life is not positive.
pub fn interaction_mix(
    valuation: &Valuation,
    half_life_days: f64,
) -> Result<Vec<Box<dyn ScoreColumn>>, ScoreError> {
    let count = |(function, negative): (u16, bool)| -> Result<Box<dyn ScoreColumn>, ScoreError> {
        let words = valuation.functions()[usize::from(function)].as_str();
        Ok(Box::new(TypeCount::of_kind((function, words), negative, half_life_days)?))
    };
    let mut mix: Vec<Box<dyn ScoreColumn>> =
        valuation.functions_and_signs().into_iter().map(count).collect::<Result<_, _>>()?;
    mix.push(Box::new(TypeCount::of_all(half_life_days)?));
    Ok(mix)
}
