//! Scores: folds over the past of one account, which can never see the future.
//!
//! A log is valued once ([`Valuation`], [`ValuedHistory`]); a score then folds the rows known at an
//! as-of instant ([`series`], the only reader) into one number. The family is [`Rv`], its
//! [`RvMovement`], levels and cohesion, rolled up from contacts to the account ([`Rollup`]); the
//! baselines that it must beat and scores of prior art stand beside it. Rule R1: transactional rows are outcomes in disguise, so the family
//! leaves them out unless asked, while baselines keep them.
//!
//! Rank and z within a segment are not here: they need other accounts, hence the panel.

mod baselines;
mod clock;
mod comparators;
mod counts;
mod decayed_counts;
mod dynamics;
mod error;
mod exchange;
mod explain;
mod exposure;
mod fold;
mod name;
mod needs;
mod purchases;
mod record;
mod rollup;
mod rv;
mod spec;
mod valuation;
mod value;
mod voice;

pub use baselines::{Count, Frequency, LastValue, PastProfit, Recency, Size, Spend, Tenure};
pub use clock::AgeClock;
pub use comparators::{Comparator, Recent, TrailingComparator};
pub use counts::{CriticalCount, TypeCount, interaction_mix};
pub use decayed_counts::{DecayedCounts, decayed_counts};
pub use dynamics::{Cohesion, HandOffs, Level, Movement, RvMovement};
pub use error::{ScoreError, UnknownType};
pub use exchange::{Appraised, CustomerNetValue, NonMonetary};
pub use explain::{Bridge, Driver, InteractionRecord, bridge, drivers, interaction_records};
pub use exposure::{Exposures, check_linear, exposures};
pub use fold::series;
pub use purchases::{ExpectedPurchases, PurchaseDays, purchase_summary};
pub use record::{RecordKey, Records};
pub use rollup::Rollup;
pub use rv::{Measure, Rv, RvParams, RvRecord};
pub use spec::{ScoreSpec, WindowParams};
pub use valuation::Valuation;
pub use value::{Membership, Start, ValuedHistory, ValuedInteraction};
pub use voice::{
    AgainstRivals, Comparison, Dimensions, LastSurvey, Standing, US, standings, wallet_allocation,
    wallet_allocation_share,
};

use crate::interaction::{CustomerValue, LedgerEntry, Outcome, Projection, Survey};
use crate::time::Instant;

/// Whose past a score folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Each contact on its own, rolled up to the account by a [`Rollup`].
    Contact,
    /// Each of a contact's records, one per segment and initiative, on its own; a contact has their sum.
    Record,
    /// The account as a whole.
    Account,
}

/// What a score of accounts is told beside interactions, each once it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Fact<'a> {
    /// A period has closed.
    Outcome(&'a Outcome),
    /// A question was answered.
    Survey(&'a Survey),
    /// A value changed hands without money.
    Ledger(&'a LedgerEntry),
    /// The customer has appraised the firm over a period.
    Appraisal(&'a CustomerValue),
}

/// A running measure of one relationship, as a fold over its past.
///
/// [`series`] feeds what is known in order of occurrence and reads the value at each as-of, so a
/// score cannot see the future: it has no other way to a row.
pub trait Score: Sync {
    /// What is remembered between interactions.
    type State: Default + Clone;

    /// Name of the score's column, in `snake_case`.
    fn name(&self) -> String;

    /// Whose past is folded.
    fn unit(&self) -> Unit;

    /// What the account has, given what its contacts have; for scores of contacts.
    fn rollup(&self) -> Rollup {
        Rollup::Strength
    }

    /// The tables and columns of a log that can change a value: a log without the others gives the same values.
    fn projection(&self) -> Projection {
        Projection::ALL
    }

    /// Whether an interaction is for this score at all; one that is not leaves no trace.
    fn reads(&self, _interaction: &ValuedInteraction) -> bool {
        true
    }

    /// Takes the start of the relationship into account; only account-level scores are told.
    fn enter(&self, _state: &mut Self::State, _start: &Start) {}

    /// Takes one interaction into account; they arrive in order of occurrence.
    fn observe(&self, state: &mut Self::State, interaction: &ValuedInteraction);

    /// Takes what is known beside interactions into account; only account-level scores are told.
    fn note(&self, _state: &mut Self::State, _fact: Fact<'_>) {}

    /// Value at `as_of`, which lies after everything observed.
    fn value(&self, state: &Self::State, as_of: Instant) -> f64;

    /// Whether the value is a level that grows with tenure.
    ///
    /// Such a score is refused against cumulative outcomes: two growing levels always correlate.
    fn accumulates(&self) -> bool {
        false
    }
}

/// One score as a column of the panel: a [`Score`] whose state nobody needs to name.
pub trait ScoreColumn: Sync {
    /// Name of the column, in `snake_case`.
    fn name(&self) -> String;

    /// Whether the value is a level that grows with tenure.
    fn accumulates(&self) -> bool;

    /// The tables and columns of a log that can change a value.
    fn projection(&self) -> Projection {
        Projection::ALL
    }

    /// Values at each of `as_of`, ascending and exclusive; see [`series`].
    fn series(&self, history: &ValuedHistory, as_of: &[Instant]) -> Vec<f64>;
}

impl<S: Score> ScoreColumn for S {
    fn name(&self) -> String {
        Score::name(self)
    }

    fn accumulates(&self) -> bool {
        Score::accumulates(self)
    }

    fn projection(&self) -> Projection {
        Score::projection(self)
    }

    fn series(&self, history: &ValuedHistory, as_of: &[Instant]) -> Vec<f64> {
        series(self, history, as_of)
    }
}
