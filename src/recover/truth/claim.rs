//! The twelve core hypotheses, one object each: score, outcome, measure, rungs.

use crate::hypothesis::HypothesisId;

use super::as_of::{AsOf, Series};
use super::causal::Counterfactual;
use super::measure::{self, Measure};

/// What is measured of a hypothesis.
///
/// ```text
/// H1   ρ of RV with expected profit                       ρ: rank correlation
/// H2   ρ of RV with the expected answer
/// H3   AUC − ½ of RV between the most and the least profitable fifth
/// H4   ρ of the velocity of RV with the growth of expected revenue from one quarter to the next;
///      part `level`: ρ of RV itself
/// H5   as H4 with the share of wallet
/// H8   −ρ of RV with the hazard
/// H9   −ρ of the critical interactions of the last quarter with the share of wallet, at equal RV
/// H10  ρ of RV with the share of wallet, less the correlation that type mix and count add at equal
///      RV (both are parts)
/// H14  log ratio of revenue less log ratio of cost, top fifth to the rest; both, and the fifth's
///      share of profit, are parts
/// H30  ρ of RV with the expected answer of the same quarter
/// H31  −ρ of RV with the hazard, less that of the segment's mean RV
/// H33  twice the correlation of ranked RV with the share of wallet, less that of raw RV (both parts)
/// ```
pub(super) const fn claim(hypothesis: HypothesisId) -> &'static Claim {
    &CLAIMS[hypothesis as usize]
}

/// A number of one account at one date.
pub(super) type Column = fn(&AsOf) -> f64;

/// How the outcome is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Its mean over a quarter.
    Level,
    /// Log ratio of a quarter's mean to that of the quarter before.
    Growth,
}

/// What *leads* compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// What comes less what was.
    Contrast,
    /// What comes after a quarter's delay, where there is no past: who left has none.
    Delayed,
    /// Nothing: the rung makes no sense.
    No,
}

/// What is measured of one hypothesis.
pub(super) struct Claim {
    /// One number, and what it is made of.
    pub(super) measure: Measure,
    /// Names of what it is made of.
    pub(super) parts: &'static [&'static str],
    /// The score.
    pub(super) score: Column,
    /// What is held constant at every rung.
    pub(super) given: &'static [Column],
    /// What the score is claimed to go with.
    pub(super) outcome: Series,
    /// The same where the cost of interactions would answer for itself (*leads*, *causal*): an
    /// interaction that raises the score costs money at once, so profit gives way to revenue.
    pub(super) before_cost: Series,
    pub(super) form: Form,
    /// Whether the outcome is that of the quarter before the date.
    pub(super) now: bool,
    /// Direction in which the outcome is claimed to move.
    pub(super) sign: f64,
    pub(super) lead: Lead,
    /// Whether *adds to baselines* makes sense.
    pub(super) adds: bool,
    /// Whether the measure has a meaning within accounts.
    pub(super) within: bool,
    /// What *causal* compares with.
    pub(super) counterfactual: Option<Counterfactual>,
}

/// What a score must beat.
pub(super) const BASELINES: [Column; 3] =
    [|row| row.purchase_count, |row| row.purchase_value, |row| row.past_profit];

const RV: Column = |row| row.value;

/// RV and a level ahead, at all rungs.
const LEVEL: Claim = Claim {
    measure: measure::correlation,
    parts: &[],
    score: RV,
    given: &[],
    outcome: Series::Share,
    before_cost: Series::Share,
    form: Form::Level,
    now: false,
    sign: 1.0,
    lead: Lead::Contrast,
    adds: true,
    within: true,
    counterfactual: Some(Counterfactual::Visits),
};

/// The same where only association and its robustness make sense: a comparison of scores or groups,
/// of which lead, gain and cause are those of H1, H2 and H8.
const COMPARISON: Claim = Claim { lead: Lead::No, adds: false, counterfactual: None, ..LEVEL };

const TREND: Claim = Claim {
    measure: measure::trend,
    parts: &["level"],
    score: |row| row.velocity,
    form: Form::Growth,
    ..LEVEL
};

/// In the order of [`HypothesisId::ALL`].
static CLAIMS: [Claim; 12] = [
    Claim { outcome: Series::Profit, before_cost: Series::Revenue, ..LEVEL },
    Claim { outcome: Series::Satisfaction, before_cost: Series::Satisfaction, ..LEVEL },
    Claim {
        measure: measure::separation,
        outcome: Series::Profit,
        before_cost: Series::Revenue,
        lead: Lead::Contrast,
        ..COMPARISON
    },
    Claim { outcome: Series::Revenue, before_cost: Series::Revenue, ..TREND },
    TREND,
    Claim {
        outcome: Series::Hazard,
        before_cost: Series::Hazard,
        sign: -1.0,
        lead: Lead::Delayed,
        ..LEVEL
    },
    Claim {
        score: |row| row.critical,
        given: &[RV],
        sign: -1.0,
        lead: Lead::No,
        counterfactual: Some(Counterfactual::Unharmed),
        ..LEVEL
    },
    Claim { measure: measure::sufficiency, parts: &["value", "mix"], ..COMPARISON },
    Claim {
        measure: measure::benchmark,
        parts: &["cost", "revenue", "profit_share"],
        outcome: Series::Profit,
        within: false,
        ..COMPARISON
    },
    Claim { outcome: Series::Satisfaction, now: true, ..COMPARISON },
    Claim {
        measure: measure::individual,
        parts: &["individual", "segment"],
        outcome: Series::Hazard,
        sign: -1.0,
        within: false,
        ..COMPARISON
    },
    Claim { measure: measure::ordinal, parts: &["rank", "raw"], ..COMPARISON },
];
