//! How a relationship moves: what happened in a trailing window, levels, and hand-offs.

use std::collections::VecDeque;

use super::error::{ScoreError, positive_finite};
use super::name::Name;
use super::value::ValuedInteraction;
use super::{Score, Unit, needs};
use crate::interaction::Projection;
use crate::time::Instant;

/// What is said of the interactions in a trailing window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// Slope of cumulative relationship value \[value per day\].
    Velocity,
    /// Change of the velocity since one window ago \[value per day²\].
    Acceleration,
    /// Standard deviation of the values of interactions.
    Volatility,
    /// How often good and bad took turns.
    SignFlips,
    /// Mean of the most extreme and the last value.
    PeakEnd,
}

impl Movement {
    const fn name(self) -> &'static str {
        match self {
            Self::Velocity => "rv_velocity",
            Self::Acceleration => "rv_acceleration",
            Self::Volatility => "rv_volatility",
            Self::SignFlips => "rv_sign_flips",
            Self::PeakEnd => "rv_peak_end",
        }
    }

    /// Windows that have to be remembered.
    const fn windows(self) -> f64 {
        match self {
            Self::Acceleration => 2.0,
            Self::Velocity | Self::Volatility | Self::SignFlips | Self::PeakEnd => 1.0,
        }
    }
}

/// A [`Movement`] of each contact's relationship over the last W days.
///
/// ```text
/// velocity      V(t) = 6/W³ · Σ rv_k s_k (W − s_k)        s_k = t_k − (t − W) in (0, W) [days]
/// acceleration  (V(t) − V(t − W)) / W
/// volatility    √(Σ (rv_k − mean)² / (n − 1)),  0 for fewer than two
/// sign flips    #{k: rv_k and the value before it, zeros left out, have opposite signs}
/// peak-end      (peak + last) / 2                          peak: the rv_k of greatest |rv_k|
/// ```
///
/// Velocity is the slope of the least-squares line through the step function
/// `R(s) = R₀ + Σ rv_k·1(s ≥ s_k)` on the window `[0, W]`: the covariance of `s` and `R` over the
/// variance of `s`. Each step contributes `∫ (s − W/2) ds` from `s_k` to `W`, which is
/// `s_k (W − s_k)/2`, and `∫ (s − W/2)² ds` over the window is `W³/12`. What lies before the window
/// (`R₀`) drops out, so no movement grows with tenure; an account younger than the window had
/// `R = 0` before it began. An empty window is 0. Transactional rows are left out unless asked for.
///
/// # Source
///
/// Velocity: Palmatier, Houston, Dant and Grewal (2013), *Journal of Marketing* 77(1), 13-30.
/// Peak-end: Kahneman, Fredrickson, Schreiber and Redelmeier (1993), *Psychological Science* 4(6).
///
/// # Examples
///
/// ```
/// use rvq::score::{Movement, RvMovement, Score, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, time::Instant};
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// # let row = |at, rv| ValuedInteraction::plain(TypeIndex(0), day(at), rv);
/// let value = |movement| {
///     let (score, mut steps) = (RvMovement::new(movement, 10.0).unwrap(), Default::default());
///     for (at, rv) in [(25.0, 4.0), (28.0, 10.0), (29.0, -2.0)] {
///         score.observe(&mut steps, &row(at, rv));
///     }
///     score.value(&steps, day(30.0))
/// };
/// // W = 10, s = 5, 8 and 9: 6/1000 · (4·5·5 + 10·8·2 − 2·9·1) = 1.452 per day.
/// assert!((value(Movement::Velocity) - 1.452).abs() < 1e-12);
/// // Nothing happened in the window before.
/// assert!((value(Movement::Acceleration) - 0.1452).abs() < 1e-12);
/// // Mean 4, deviations 0, 6 and −6.
/// assert!((value(Movement::Volatility) - 6.0).abs() < 1e-12);
/// assert!((value(Movement::SignFlips) - 1.0).abs() < 1e-12);
/// assert!((value(Movement::PeakEnd) - (10.0 - 2.0) / 2.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RvMovement {
    movement: Movement,
    window_days: f64,
    transactions: bool,
}

impl RvMovement {
    /// Over the trailing `window_days` \[days\]; positive and finite.
    ///
    /// # Errors
    ///
    /// [`ScoreError::NotPositive`] when it is not.
    pub fn new(movement: Movement, window_days: f64) -> Result<Self, ScoreError> {
        let window_days = positive_finite(movement.name(), "window_days", window_days)?;
        Ok(Self { movement, window_days, transactions: false })
    }

    /// Includes transactional rows when `transactions`.
    #[must_use]
    pub fn with_transactions(self, transactions: bool) -> Self {
        Self { transactions, ..self }
    }

    /// Velocity over the window that ends at `end`.
    fn velocity(&self, steps: &Steps, end: Instant) -> f64 {
        // In units of the window, so that no power of it can overflow.
        let slope: f64 = steps
            .iter()
            .map(|(at, rv)| (rv, 1.0 - end.days_since(*at) / self.window_days))
            .filter(|(_, position)| (0.0..1.0).contains(position) && *position > 0.0)
            .map(|(rv, position)| rv * position * (1.0 - position))
            .sum();
        6.0 / self.window_days * slope
    }

    fn values<'s>(
        &self,
        steps: &'s Steps,
        as_of: Instant,
    ) -> impl Iterator<Item = f64> + Clone + 's {
        let window = self.window_days;
        steps.iter().filter(move |(at, _)| as_of.days_since(*at) < window).map(|(_, rv)| *rv)
    }
}

/// The interactions that may still lie in a window: when, and their value.
type Steps = VecDeque<(Instant, f64)>;

impl Score for RvMovement {
    type State = Steps;

    fn name(&self) -> String {
        let mut name = Name::new(self.movement.name());
        name.days(self.window_days);
        if self.transactions {
            name.part("with_transactions");
        }
        name.finish()
    }

    fn unit(&self) -> Unit {
        Unit::Contact
    }

    fn projection(&self) -> Projection {
        needs::values()
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        self.transactions || !interaction.transactional
    }

    fn observe(&self, steps: &mut Steps, interaction: &ValuedInteraction) {
        let now = interaction.occurred_at;
        let memory = self.movement.windows() * self.window_days;
        while steps.front().is_some_and(|(at, _)| now.days_since(*at) >= memory) {
            steps.pop_front();
        }
        steps.push_back((now, interaction.rv));
    }

    fn value(&self, steps: &Steps, as_of: Instant) -> f64 {
        let values = self.values(steps, as_of);
        match self.movement {
            Movement::Velocity => self.velocity(steps, as_of),
            Movement::Acceleration => {
                let before = self.velocity(steps, as_of.plus_days(-self.window_days));
                (self.velocity(steps, as_of) - before) / self.window_days
            }
            Movement::Volatility => standard_deviation(values),
            Movement::SignFlips => sign_flips(values),
            Movement::PeakEnd => peak_end(values),
        }
    }
}

fn standard_deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = values.clone().sum::<f64>() / n;
    (values.map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

fn sign_flips(values: impl Iterator<Item = f64>) -> f64 {
    let (mut flips, mut before) = (0_u32, 0.0);
    for value in values.filter(|value| *value != 0.0) {
        flips += u32::from(before != 0.0 && (value < 0.0) != (before < 0.0));
        before = value;
    }
    f64::from(flips)
}

fn peak_end(values: impl Iterator<Item = f64>) -> f64 {
    let (mut peak, mut end) = (0.0_f64, 0.0);
    for value in values {
        if value.abs() > peak.abs() {
            peak = value;
        }
        end = value;
    }
    f64::midpoint(peak, end)
}

/// How far a contact has come: the rank of the level to which the last trigger interaction moved it.
///
/// Ranks count from 1 by stage and then in the order of the catalogue; 0 before the first trigger.
/// Levels move on trigger interactions, never on a threshold of relationship value.
///
/// # Source
///
/// US patent 7,526,434, claim 1: levels, and the interactions that trigger a move between them.
///
/// # Examples
///
/// ```
/// use rvq::score::{Level, Score, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, time::Instant};
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// let (score, mut level) = (Level::default(), 0);
/// let meeting = ValuedInteraction::plain(TypeIndex(0), day(1.0), 5.0);
/// score.observe(&mut level, &ValuedInteraction { level: Some(3), ..meeting });
/// score.observe(&mut level, &meeting);
/// assert!((score.value(&level, day(2.0)) - 3.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Level {
    transactions: bool,
}

impl Level {
    /// Lets transactional rows (such as a signature) move contacts when `transactions`.
    #[must_use]
    pub fn with_transactions(self, transactions: bool) -> Self {
        Self { transactions }
    }
}

impl Score for Level {
    type State = u16;

    fn name(&self) -> String {
        let name = if self.transactions { "level_with_transactions" } else { "level" };
        name.to_owned()
    }

    fn unit(&self) -> Unit {
        Unit::Contact
    }

    fn projection(&self) -> Projection {
        needs::interactions()
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        self.transactions || !interaction.transactional
    }

    fn observe(&self, level: &mut u16, interaction: &ValuedInteraction) {
        *level = interaction.level.unwrap_or(*level);
    }

    fn value(&self, level: &u16, _as_of: Instant) -> f64 {
        f64::from(*level)
    }
}

/// How well functions of the firm hand over to each other, in `[0, 1]`.
///
/// ```text
/// cohesion = share of the hand-offs in the last W days that came within G days and were not bad
/// ```
///
/// A hand-off is an interaction of another function than the interaction of the account before it;
/// it is bad when its value is negative. Without a hand-off nothing was dropped: the value is 1.
///
/// # Examples
///
/// ```
/// use rvq::score::{Cohesion, Score, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, time::Instant};
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// let (score, mut hand_offs) = (Cohesion::new(90.0, 7.0)?, Default::default());
/// // Sales to service after 2 days, to finance after 20, back to service in anger.
/// for (at, function, rv) in [(0.0, 0, 1.0), (2.0, 1, 1.0), (22.0, 2, 1.0), (23.0, 1, -3.0)] {
///     let row = ValuedInteraction::plain(TypeIndex(0), day(at), rv);
///     score.observe(&mut hand_offs, &ValuedInteraction { function, ..row });
/// }
/// assert!((score.value(&hand_offs, day(30.0)) - 1.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), rvq::score::ScoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cohesion {
    window_days: f64,
    gap_days: f64,
}

impl Cohesion {
    /// Over the trailing `window_days`, with hand-offs in time within `gap_days` \[days\].
    ///
    /// # Errors
    ///
    /// [`ScoreError::NotPositive`] when one of them is not positive and finite.
    pub fn new(window_days: f64, gap_days: f64) -> Result<Self, ScoreError> {
        let window_days = positive_finite("cohesion", "window_days", window_days)?;
        let gap_days = positive_finite("cohesion", "gap_days", gap_days)?;
        Ok(Self { window_days, gap_days })
    }
}

/// The hand-offs that may still lie in the window, and the last interaction.
#[derive(Debug, Clone, Default)]
pub struct HandOffs {
    /// When, and whether it was clean.
    all: VecDeque<(Instant, bool)>,
    last: Option<(Instant, u16)>,
}

impl Score for Cohesion {
    type State = HandOffs;

    fn name(&self) -> String {
        let mut name = Name::new("cohesion");
        name.days(self.window_days).part("gap").days(self.gap_days);
        name.finish()
    }

    fn unit(&self) -> Unit {
        Unit::Account
    }

    fn projection(&self) -> Projection {
        needs::functions().and(needs::values())
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        !interaction.transactional
    }

    fn observe(&self, state: &mut HandOffs, interaction: &ValuedInteraction) {
        let now = interaction.occurred_at;
        while state.all.front().is_some_and(|(at, _)| now.days_since(*at) >= self.window_days) {
            state.all.pop_front();
        }
        if let Some((at, function)) = state.last
            && function != interaction.function
        {
            let clean = now.days_since(at) <= self.gap_days && interaction.rv >= 0.0;
            state.all.push_back((now, clean));
        }
        state.last = Some((now, interaction.function));
    }

    fn value(&self, state: &HandOffs, as_of: Instant) -> f64 {
        let recent = || state.all.iter().filter(|(at, _)| as_of.days_since(*at) < self.window_days);
        let n = recent().count() as f64;
        if n > 0.0 { recent().filter(|(_, clean)| *clean).count() as f64 / n } else { 1.0 }
    }
}
