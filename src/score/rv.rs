//! The family of relationship values: sum, decay and velocity.
//!
//! Every definition reduces to [`RvSum`], the literal reading of "cumulative", at a named parameter.

use std::collections::VecDeque;

use super::error::{ScoreError, positive, positive_finite};
use super::value::ValuedInteraction;
use super::{Score, Unit};
use crate::time::Instant;

fn column(name: String, transactions: bool) -> String {
    if transactions { name + "_with_transactions" } else { name }
}

/// `180` as `180d`, `7.5` as `7_5d`: fit for a column name.
fn in_days(days: f64) -> String {
    if days.is_infinite() { "inf".to_owned() } else { format!("{days}d").replace('.', "_") }
}

/// Cumulative relationship value: the reference, always reported.
///
/// ```text
/// RV(t) = Σ rv_k        over the rows k known before t
/// ```
///
/// It grows with tenure, so accounts are compared at equal age only. Transactional rows are left
/// out unless asked for (rule R1).
///
/// # Examples
///
/// ```
/// use rvq::score::{RvSum, Score, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, time::Instant};
/// # fn row(day: f64, rv: f64) -> ValuedInteraction {
/// #     let at = Instant::from_micros(0).plus_days(day);
/// #     ValuedInteraction {
/// #         contact: None, kind: TypeIndex(0), occurred_at: at, known_at: at, rv,
/// #         variable_cost: 0.0, customer_effort: 0.0,
/// #         transactional: false, emotional: false, critical: false,
/// #     }
/// # }
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// let (score, mut sum) = (RvSum::default(), 0.0);
/// for (at, rv) in [(0.0, 4.0), (10.0, -1.5)] {
///     score.observe(&mut sum, &row(at, rv));
/// }
/// assert!((score.value(&sum, day(30.0)) - 2.5).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RvSum {
    transactions: bool,
}

impl RvSum {
    /// Includes transactional rows when `transactions`.
    #[must_use]
    pub fn with_transactions(self, transactions: bool) -> Self {
        Self { transactions }
    }
}

impl Score for RvSum {
    type State = f64;

    fn name(&self) -> String {
        column("rv_sum".to_owned(), self.transactions)
    }

    fn unit(&self) -> Unit {
        Unit::Contact
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        self.transactions || !interaction.transactional
    }

    fn observe(&self, sum: &mut f64, interaction: &ValuedInteraction) {
        *sum += interaction.rv;
    }

    fn value(&self, sum: &f64, _as_of: Instant) -> f64 {
        *sum
    }

    fn accumulates(&self) -> bool {
        true
    }
}

/// Relationship value that fades: each interaction loses half its worth every half-life.
///
/// ```text
/// RV(t) = Σ rv_k · 2^(−(t − t_k)/H)        H: half-life \[days\]
/// ```
///
/// An infinite half-life gives [`RvSum`]. Transactional rows are left out unless asked for.
///
/// # Examples
///
/// ```
/// use rvq::score::{RvDecay, Score, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, time::Instant};
/// # fn row(day: f64, rv: f64) -> ValuedInteraction {
/// #     let at = Instant::from_micros(0).plus_days(day);
/// #     ValuedInteraction {
/// #         contact: None, kind: TypeIndex(0), occurred_at: at, known_at: at, rv,
/// #         variable_cost: 0.0, customer_effort: 0.0,
/// #         transactional: false, emotional: false, critical: false,
/// #     }
/// # }
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// // Two half-lives after the first, one after the second: 8/4 + 2/2 = 3.
/// let (score, mut state) = (RvDecay::new(30.0)?, Default::default());
/// for (at, rv) in [(0.0, 8.0), (30.0, 2.0)] {
///     score.observe(&mut state, &row(at, rv));
/// }
/// assert!((score.value(&state, day(60.0)) - 3.0).abs() < 1e-12);
/// # Ok::<(), rvq::score::ScoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RvDecay {
    half_life_days: f64,
    transactions: bool,
}

impl RvDecay {
    /// With the half-life `half_life_days` \[days\]; positive, may be infinite.
    ///
    /// # Errors
    ///
    /// [`ScoreError::NotPositive`] when it is zero, negative or NaN.
    pub fn new(half_life_days: f64) -> Result<Self, ScoreError> {
        let half_life_days = positive("rv_decay", "half_life_days", half_life_days)?;
        Ok(Self { half_life_days, transactions: false })
    }

    /// Includes transactional rows when `transactions`.
    #[must_use]
    pub fn with_transactions(self, transactions: bool) -> Self {
        Self { transactions, ..self }
    }

    fn faded(&self, value: f64, days: f64) -> f64 {
        value * (-days / self.half_life_days).exp2()
    }
}

/// What a fading value was when it last changed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faded {
    value: f64,
    at: Option<Instant>,
}

impl Faded {
    fn at(self, score: &RvDecay, now: Instant) -> f64 {
        self.at.map_or(0.0, |at| score.faded(self.value, now.days_since(at)))
    }
}

impl Score for RvDecay {
    type State = Faded;

    fn name(&self) -> String {
        column(format!("rv_decay_{}", in_days(self.half_life_days)), self.transactions)
    }

    fn unit(&self) -> Unit {
        Unit::Contact
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        self.transactions || !interaction.transactional
    }

    fn observe(&self, state: &mut Faded, interaction: &ValuedInteraction) {
        let now = interaction.occurred_at;
        *state = Faded { value: state.at(self, now) + interaction.rv, at: Some(now) };
    }

    fn value(&self, state: &Faded, as_of: Instant) -> f64 {
        state.at(self, as_of)
    }

    fn accumulates(&self) -> bool {
        self.half_life_days.is_infinite()
    }
}

/// Slope of the cumulative relationship value over a trailing window [value per day].
///
/// The least-squares line through the step function `R(s) = R₀ + Σ rv_k·1(s ≥ s_k)` on the window
/// `[0, W]`, which ends at the as-of. Its slope is the covariance of `s` and `R` over the variance
/// of `s`; each step contributes `∫ (s − W/2) ds` from `s_k` to `W`, which is `s_k (W − s_k)/2`, and
/// `∫ (s − W/2)² ds` over the window is `W³/12`:
///
/// ```text
/// V_W(t) = 6/W³ · Σ rv_k s_k (W − s_k)        s_k = t_k − (t − W) in (0, W) \[days\]
/// ```
///
/// What lies before the window (`R₀`) drops out, so the value does not grow with tenure; an
/// account younger than the window had `R = 0` before it began. Weights are greatest in the middle
/// of the window and fall to 0 at both ends: one interaction enters and leaves smoothly.
/// Transactional rows are left out unless asked for.
///
/// # Examples
///
/// ```
/// use rvq::score::{RvVelocity, Score, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, time::Instant};
/// # fn row(day: f64, rv: f64) -> ValuedInteraction {
/// #     let at = Instant::from_micros(0).plus_days(day);
/// #     ValuedInteraction {
/// #         contact: None, kind: TypeIndex(0), occurred_at: at, known_at: at, rv,
/// #         variable_cost: 0.0, customer_effort: 0.0,
/// #         transactional: false, emotional: false, critical: false,
/// #     }
/// # }
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// // W = 10, s = 5 and 8: 6/1000 · (4·5·5 + 10·8·2) = 1.56 per day.
/// let (score, mut state) = (RvVelocity::new(10.0)?, Default::default());
/// for (at, rv) in [(25.0, 4.0), (28.0, 10.0)] {
///     score.observe(&mut state, &row(at, rv));
/// }
/// assert!((score.value(&state, day(30.0)) - 1.56).abs() < 1e-12);
/// # Ok::<(), rvq::score::ScoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RvVelocity {
    window_days: f64,
    transactions: bool,
}

impl RvVelocity {
    /// Over the trailing `window_days` \[days\]; positive and finite.
    ///
    /// # Errors
    ///
    /// [`ScoreError::NotPositive`] when it is not.
    pub fn new(window_days: f64) -> Result<Self, ScoreError> {
        let window_days = positive_finite("rv_velocity", "window_days", window_days)?;
        Ok(Self { window_days, transactions: false })
    }

    /// Includes transactional rows when `transactions`.
    #[must_use]
    pub fn with_transactions(self, transactions: bool) -> Self {
        Self { transactions, ..self }
    }
}

impl Score for RvVelocity {
    /// The steps that may still lie in a window: when, and how high.
    type State = VecDeque<(Instant, f64)>;

    fn name(&self) -> String {
        column(format!("rv_velocity_{}", in_days(self.window_days)), self.transactions)
    }

    fn unit(&self) -> Unit {
        Unit::Contact
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        self.transactions || !interaction.transactional
    }

    fn observe(&self, steps: &mut Self::State, interaction: &ValuedInteraction) {
        let now = interaction.occurred_at;
        while steps.front().is_some_and(|(at, _)| now.days_since(*at) >= self.window_days) {
            steps.pop_front();
        }
        steps.push_back((now, interaction.rv));
    }

    fn value(&self, steps: &Self::State, as_of: Instant) -> f64 {
        // In units of the window, so that no power of it can overflow.
        let slope: f64 = steps
            .iter()
            .map(|(at, rv)| (rv, 1.0 - as_of.days_since(*at) / self.window_days))
            .filter(|(_, position)| *position > 0.0)
            .map(|(rv, position)| rv * position * (1.0 - position))
            .sum();
        6.0 / self.window_days * slope
    }
}
