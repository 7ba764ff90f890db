//! Relationship value: one nested family, of which plain accumulation is the reference.
//!
//! Every parameter has a value at which it does nothing; with all of them there, [`Rv`] is the
//! literal reading of "cumulative".

use serde::{Deserialize, Serialize};

use super::error::{ScoreError, at_least, positive, share};
use super::name::{Name, number};
use super::rollup::Rollup;
use super::value::ValuedInteraction;
use super::{Score, Unit, needs};
use crate::ids::TypeIndex;
use crate::interaction::{Failure, Projection};
use crate::time::Instant;

/// What is accumulated of an interaction.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// Its relative value.
    #[default]
    Rv,
    /// Its variable cost \[currency\]: the cost to engage.
    VariableCost,
    /// The customer's effort \[minutes\].
    CustomerEffort,
    /// One: how much there is, whatever it is worth.
    Activity,
}

impl Measure {
    fn of(self, interaction: &ValuedInteraction) -> f64 {
        match self {
            Self::Rv => interaction.rv,
            Self::VariableCost => interaction.variable_cost,
            Self::CustomerEffort => interaction.customer_effort,
            Self::Activity => 1.0,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rv => "rv",
            Self::VariableCost => "cost",
            Self::CustomerEffort => "effort",
            Self::Activity => "activity",
        }
    }
}

/// Parameters of [`Rv`]; each default leaves the plain sum as it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RvParams {
    /// What is accumulated.
    pub measure: Measure,
    /// H: an interaction loses half its worth in this time \[days\]; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_life_days: Option<f64>,
    /// θ ≥ 0: the n-th interaction of one type counts n^−θ.
    pub position: f64,
    /// ν > 0: the n-th interaction of one type counts 1 / (1 + (n − 1) / ν), another shape for the same
    /// idea; absent: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position_scale: Option<f64>,
    /// λ ≥ 0: what is negative counts λ times.
    pub asymmetry: f64,
    /// η ≥ −1: an emotional moment counts 1 + η times.
    pub emotion: f64,
    /// w in `[0, 1]`: sentiment s moves what an interaction is worth by w · s · |rv|.
    pub sentiment: f64,
    /// κ in `[0, 1]`: the share of what was built up that a critical failure of the product destroys.
    pub shock_product: f64,
    /// The same for a critical failure of the relationship.
    pub shock_relational: f64,
    /// ρ in `[0, 1]`: the share of what was destroyed that a recovery gives back.
    pub recovery: f64,
    /// How long after the failure a recovery still helps \[days\].
    pub recovery_days: f64,
    /// Whether transactional rows are included (rule R1).
    pub transactions: bool,
    /// Whether each segment and initiative of a contact is a record of its own, which a contact sums up.
    pub per_record: bool,
    /// From contacts to the account.
    pub rollup: Rollup,
}

impl Default for RvParams {
    fn default() -> Self {
        Self {
            measure: Measure::Rv,
            half_life_days: None,
            position: 0.0,
            position_scale: None,
            asymmetry: 1.0,
            emotion: 0.0,
            sentiment: 0.0,
            shock_product: 0.0,
            shock_relational: 0.0,
            recovery: 0.0,
            recovery_days: 30.0,
            transactions: false,
            per_record: false,
            rollup: Rollup::Strength,
        }
    }
}

/// Relationship value of a record, accumulated in order of occurrence.
///
/// ```text
/// rv_k = v_k · n_k^−θ · (1 + η·emotional_k) · (λ if v_k < 0, else 1)
/// before k:     RV ← RV · 2^−(t_k − t_(k−1))/H
/// k critical:   cut = κ · max(RV, 0),  RV ← RV − cut,  lost ← lost + cut
/// k a recovery: RV ← RV + ρ · lost within `recovery_days` of the failure,  lost ← 0
/// then:         RV ← RV + rv_k
/// ```
///
/// - v: the catalogue's value of the type in the account's segment, or that of the row; `n_k`: how
///   often the type has occurred in this record, k included; κ by what the type fails in.
/// - Unit: that of the measure. RV itself has none: only ratios and orders mean something.
/// - With H = ∞, θ = 0, λ = 1, η = 0 and κ = 0 it is the plain sum, which grows with tenure:
///   compare accounts at equal age.
/// - What was destroyed does not fade before it is given back.
///
/// # Source
///
/// Sum: the sources' "cumulative effect". Position: Religence. Ageing: US patent 8,892,605. Loss
/// weights: Kahneman and Tversky's prospect theory. Shock: the sources' "one bad interaction can
/// destroy the goodwill", as a share since no addend can destroy any stock.
///
/// # Examples
///
/// ```
/// use rvq::score::{Rv, RvParams, Score, ValuedInteraction};
/// # use rvq::{ids::TypeIndex, time::Instant};
/// # let day = |day| Instant::from_micros(0).plus_days(day);
/// # let row = |at, rv| ValuedInteraction::plain(TypeIndex(0), day(at), rv);
/// // Two half-lives after the first, one after the second: 8/4 + 2/2 = 3.
/// let score = Rv::decay(30.0)?;
/// let mut record = Default::default();
/// score.observe(&mut record, &row(0.0, 8.0));
/// score.observe(&mut record, &row(30.0, 2.0));
/// assert!((score.value(&record, day(60.0)) - 3.0).abs() < 1e-12);
///
/// // The second of its type counts 2^−1, what is negative twice: 4 − 2·3/2 = 1.
/// let score = Rv::new(RvParams { position: 1.0, asymmetry: 2.0, ..RvParams::default() })?;
/// assert_eq!(Score::name(&score), "rv_sum_position_1_asymmetry_2");
/// let mut record = Default::default();
/// score.observe(&mut record, &row(0.0, 4.0));
/// score.observe(&mut record, &row(1.0, -3.0));
/// assert!((score.value(&record, day(2.0)) - 1.0).abs() < 1e-12);
/// # Ok::<(), rvq::score::ScoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rv {
    params: RvParams,
    /// Half-life \[days\]; may be infinite.
    half_life: f64,
}

impl Rv {
    /// With `params`.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] naming the parameter that is out of its range.
    pub fn new(params: RvParams) -> Result<Self, ScoreError> {
        let half_life = params.half_life_days.unwrap_or(f64::INFINITY);
        positive("rv", "half_life_days", half_life)?;
        at_least("rv", "position", params.position, 0.0)?;
        positive("rv", "position_scale", params.position_scale.unwrap_or(f64::INFINITY))?;
        at_least("rv", "asymmetry", params.asymmetry, 0.0)?;
        at_least("rv", "emotion", params.emotion, -1.0)?;
        share("rv", "sentiment", params.sentiment)?;
        share("rv", "shock_product", params.shock_product)?;
        share("rv", "shock_relational", params.shock_relational)?;
        share("rv", "recovery", params.recovery)?;
        at_least("rv", "recovery_days", params.recovery_days, 0.0)?;
        params.rollup.check()?;
        Ok(Self { params, half_life })
    }

    /// The plain sum: the reference, always reported.
    pub fn sum() -> Self {
        Self { params: RvParams::default(), half_life: f64::INFINITY }
    }

    /// The sum that fades with the half-life `days`; positive, may be infinite.
    ///
    /// # Errors
    ///
    /// [`ScoreError::NotPositive`] when it is zero, negative or NaN.
    pub fn decay(days: f64) -> Result<Self, ScoreError> {
        positive("rv_decay", "half_life_days", days)?;
        let half_life_days = days.is_finite().then_some(days);
        Self::new(RvParams { half_life_days, ..RvParams::default() })
    }

    /// The parameters.
    pub fn params(&self) -> &RvParams {
        &self.params
    }

    /// Worth of an interaction that is the `nth` of its type in the record, when it happens.
    fn worth(&self, interaction: &ValuedInteraction, nth: u32) -> f64 {
        let RvParams { measure, asymmetry, emotion, .. } = self.params;
        let mut value = measure.of(interaction);
        if measure == Measure::Rv {
            value += self.params.sentiment * interaction.sentiment * value.abs();
        }
        let sign = if value < 0.0 { asymmetry } else { 1.0 };
        let moment = if interaction.emotional { 1.0 + emotion } else { 1.0 };
        value * self.place(nth) * moment * sign
    }

    /// What the `nth` interaction of its type counts.
    fn place(&self, nth: u32) -> f64 {
        let power = match self.params.position {
            0.0 => 1.0,
            position => f64::from(nth).powf(-position),
        };
        let scale = self.params.position_scale;
        power * scale.map_or(1.0, |scale| (1.0 + f64::from(nth - 1) / scale).recip())
    }

    /// Whether the position of an interaction counts.
    fn counts(&self) -> bool {
        self.params.position > 0.0 || self.params.position_scale.is_some()
    }

    fn shock(&self, interaction: &ValuedInteraction) -> f64 {
        match interaction.failure {
            Some(_) if interaction.rv >= 0.0 => 0.0,
            Some(Failure::Product) => self.params.shock_product,
            Some(Failure::Relational) => self.params.shock_relational,
            None => 0.0,
        }
    }

    fn kept(&self, from: Option<Instant>, to: Instant) -> f64 {
        // Without ageing the power is 1 too, at its cost.
        let from = from.filter(|_| self.half_life.is_finite());
        from.map_or(1.0, |from| (-to.days_since(from) / self.half_life).exp2())
    }

    /// What one more interaction makes of a record, in the terms that a stock and its shares among
    /// rows have in common.
    pub(super) fn step(&self, clock: &mut Clock, interaction: &ValuedInteraction) -> Change {
        let now = interaction.occurred_at;
        let kept = self.kept(clock.at.replace(now), now);
        let nth = if self.counts() { clock.count(interaction.kind) } else { 1 };
        let added = self.worth(interaction, nth);
        Change { kept, cut: self.shock(interaction), added, recovery: interaction.recovery }
    }

    /// What is left at `as_of` of a stock after its last interaction.
    pub(super) fn left(&self, clock: &Clock, as_of: Instant) -> f64 {
        self.kept(clock.at, as_of)
    }

    /// What a recovery at `now` gives back of what was lost.
    pub(super) fn given_back(&self, lost: &mut Lost, now: Instant) -> f64 {
        let Lost { amount, at } = std::mem::take(lost);
        let in_time = at.is_some_and(|at| now.days_since(at) <= self.params.recovery_days);
        if in_time { self.params.recovery * amount } else { 0.0 }
    }
}

/// When a record last changed, and how often each type occurred in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock {
    at: Option<Instant>,
    counts: Vec<(TypeIndex, u32)>,
}

impl Clock {
    /// How often `kind` has occurred, now included.
    fn count(&mut self, kind: TypeIndex) -> u32 {
        let known = self.counts.iter_mut().find(|(known, _)| *known == kind);
        if let Some((_, count)) = known {
            *count += 1;
            return *count;
        }
        self.counts.push((kind, 1));
        1
    }
}

/// What an interaction does to a stock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    /// Share that has not faded since the interaction before.
    pub(super) kept: f64,
    /// Share of a positive stock that is destroyed.
    pub(super) cut: f64,
    /// What is added at last.
    pub(super) added: f64,
    pub(super) recovery: bool,
}

/// What critical interactions destroyed and no recovery has given back.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lost {
    pub(super) amount: f64,
    pub(super) at: Option<Instant>,
}

/// The relationship value of one record, as it was when the record last changed.
#[derive(Debug, Clone, Default)]
pub struct RvRecord {
    value: f64,
    clock: Clock,
    lost: Lost,
}

impl Score for Rv {
    type State = RvRecord;

    fn name(&self) -> String {
        let p = self.params;
        let mut name = Name::new(p.measure.name());
        match p.half_life_days {
            Some(days) => name.part("decay").days(days),
            None => name.part("sum"),
        };
        name.unless(p.position, 0.0, "position");
        if let Some(scale) = p.position_scale {
            name.part("position_scale").part(&number(scale));
        }
        name.unless(p.asymmetry, 1.0, "asymmetry");
        name.unless(p.emotion, 0.0, "emotion");
        name.unless(p.sentiment, 0.0, "sentiment");
        if p.shock_product.to_bits() == p.shock_relational.to_bits() {
            name.unless(p.shock_product, 0.0, "shock");
        } else {
            name.unless(p.shock_product, 0.0, "product_shock");
            name.unless(p.shock_relational, 0.0, "relational_shock");
        }
        if p.recovery > 0.0 {
            name.part("recovery").part(&number(p.recovery)).part("within").days(p.recovery_days);
        }
        if p.transactions {
            name.part("with_transactions");
        }
        if p.per_record {
            name.part("per_record");
        }
        name.part(&p.rollup.name());
        name.finish()
    }

    fn unit(&self) -> Unit {
        if self.params.per_record { Unit::Record } else { Unit::Contact }
    }

    fn projection(&self) -> Projection {
        let p = self.params;
        let measure = match p.measure {
            Measure::Rv => needs::values(),
            Measure::VariableCost => needs::costs(),
            Measure::CustomerEffort => needs::effort(),
            Measure::Activity => needs::interactions(),
        };
        [
            (p.sentiment > 0.0, needs::sentiment()),
            // Only what is worth less than nothing destroys anything.
            (p.shock_product > 0.0 || p.shock_relational > 0.0, needs::values()),
            (p.per_record, needs::records()),
        ]
        .into_iter()
        .filter(|(needed, _)| *needed)
        .fold(measure, |all, (_, more)| all.and(more))
    }

    fn rollup(&self) -> Rollup {
        self.params.rollup
    }

    fn reads(&self, interaction: &ValuedInteraction) -> bool {
        self.params.transactions || !interaction.transactional
    }

    fn observe(&self, record: &mut RvRecord, interaction: &ValuedInteraction) {
        let change = self.step(&mut record.clock, interaction);
        record.value *= change.kept;
        if change.cut > 0.0 {
            let cut = change.cut * record.value.max(0.0);
            record.value -= cut;
            record.lost =
                Lost { amount: record.lost.amount + cut, at: Some(interaction.occurred_at) };
        }
        if change.recovery {
            record.value += self.given_back(&mut record.lost, interaction.occurred_at);
        }
        record.value += change.added;
    }

    fn value(&self, record: &RvRecord, as_of: Instant) -> f64 {
        record.value * self.left(&record.clock, as_of)
    }

    fn accumulates(&self) -> bool {
        self.half_life.is_infinite()
    }
}
