//! The catalogue of interaction types and the interaction process flow.
//!
//! Files as written (`catalogue.csv`, `flow.toml`) become a checked [`Catalogue`] and a checked
//! [`Flow`], or a list of *all* problems with their places. A checked flow cannot be wrong: its
//! fields are private to this module's constructors, so nothing downstream checks again.

mod calendar;
mod catalogue;
mod check;
mod error;
pub mod fit;
mod law;
mod level;
mod load;
mod quantile;
mod sojourn;
mod table;
mod wire;

pub use error::FlowError;

use crate::ids::TypeIndex;
use crate::interaction::{Direction, Failure, Stage};
use crate::time::OpeningHours;

/// One interaction type as the catalogue defines it.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "flags as the catalogue writes them")]
pub struct CatalogueEntry {
    /// Name of the type.
    pub interaction_type: String,
    /// Stage in which it belongs.
    pub stage: Stage,
    /// Function of the firm that carries it out.
    pub function: String,
    /// Who moves first.
    pub direction: Direction,
    /// Relative value (signed, no unit) and variable cost for every segment without an override.
    pub worth: Worth,
    /// Values for single segments, in order of segment id.
    pub overrides: Vec<(String, Worth)>,
    /// Effort of the customer \[minutes\].
    pub customer_effort: f64,
    /// An emotional moment.
    pub emotional: bool,
    /// A bad one of these can destroy goodwill.
    pub critical: bool,
    /// A purchase, renewal or invoice: an outcome in disguise, left out of verdicts (rule R1).
    pub transactional: bool,
    /// Level to which this interaction moves the contact.
    pub trigger_to: Option<String>,
    /// Voice of the customer.
    pub is_voc: bool,
    /// Expected within this many days of the previous step \[days\].
    pub expected_within_days: Option<f64>,
    /// What a critical type fails in; absent for other types.
    pub failure: Option<Failure>,
    /// It repairs what a critical interaction destroyed.
    pub recovery: bool,
}

impl CatalogueEntry {
    /// An outbound interaction of sales in retention that has a relative value and nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::flow::CatalogueEntry;
    ///
    /// let visit = CatalogueEntry { emotional: true, ..CatalogueEntry::plain("visit", 4.0) };
    /// assert!(visit.emotional && !visit.transactional);
    /// assert_eq!(visit.worth.rv, 4.0);
    /// ```
    pub fn plain(interaction_type: &str, rv: f64) -> Self {
        Self {
            interaction_type: interaction_type.to_owned(),
            stage: Stage::Retention,
            function: "sales".to_owned(),
            direction: Direction::Outbound,
            worth: Worth { rv, rv_sd: None, variable_cost: 0.0, cost_sd: None },
            overrides: Vec::new(),
            customer_effort: 0.0,
            emotional: false,
            critical: false,
            transactional: false,
            trigger_to: None,
            is_voc: false,
            expected_within_days: None,
            failure: None,
            recovery: false,
        }
    }
}

/// What one interaction of a type is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// Relative value: signed, no unit.
    pub rv: f64,
    /// Uncertainty of the relative value.
    pub rv_sd: Option<f64>,
    /// Variable cost \[currency\].
    pub variable_cost: f64,
    /// Uncertainty of the variable cost \[currency\].
    pub cost_sd: Option<f64>,
}

/// The checked catalogue: types in the order of the file; names are unique.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    version: String,
    entries: Vec<CatalogueEntry>,
}

/// How long a contact waits, in days; every law has a positive, finite mean.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the parameters are the textbook ones, in days")]
#[non_exhaustive]
pub enum SojournLaw {
    /// Constant hazard.
    Exponential { mean_days: f64 },
    /// Hazard rising (shape > 1) or falling (shape < 1).
    Weibull { shape: f64, scale_days: f64 },
    /// Sum of stages.
    Gamma { shape: f64, mean_days: f64 },
    /// Heavy right tail.
    LogNormal { median_days: f64, sigma: f64 },
    /// Constant hazard between neighbouring breaks: one more rate than breaks.
    Piecewise { breaks_days: Vec<f64>, rates_per_day: Vec<f64> },
    /// Observed waits in ascending order; quantiles are linear between them.
    Empirical { days: Vec<f64> },
}

/// What the hazard of the next interaction at a level depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Time since the last interaction: every wait is drawn anew.
    #[default]
    Reset,
    /// Time since the level was entered: the next interaction comes from the law of those that
    /// are later than now.
    Forward,
}

/// After one type, maybe another.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// The type that is answered.
    pub after: TypeIndex,
    /// The answer.
    pub then: TypeIndex,
    /// Probability of the answer, in `[0, 1]`.
    pub probability: f64,
    /// How long the answer takes.
    pub wait: SojournLaw,
}

/// Leaving the flow from a level.
#[derive(Debug, Clone, PartialEq)]
pub struct Exit {
    /// Why.
    pub reason: String,
    /// Probability per step, in `[0, 1]`.
    pub probability: f64,
}

/// One contact relationship level.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Name of the level.
    pub name: String,
    /// Stage that contains it.
    pub stage: Stage,
    /// Time between two interactions at this level.
    pub wait: SojournLaw,
    /// What the hazard of `wait` counts from.
    pub clock: Clock,
    /// Interaction types and their probabilities, which sum to 1; positions are catalogue positions.
    pub mix: Vec<(TypeIndex, f64)>,
    /// Answers.
    pub follow_ups: Vec<FollowUp>,
    /// Ways out; the probabilities sum to less than 1.
    pub exits: Vec<Exit>,
}

/// Position of a level in [`Flow::levels`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LevelIndex(pub u16);

/// Transactional interactions that an outcome brings about (an order, a renewal), not the walk.
#[derive(Debug, Clone, PartialEq)]
pub struct Transactions {
    /// Recorded when the account becomes a customer.
    pub on_close: TypeIndex,
    /// Recorded for each purchase: one type drawn by these probabilities, which sum to 1.
    pub on_purchase: Vec<(TypeIndex, f64)>,
    /// Recorded at each anniversary of the contract.
    pub on_renewal: TypeIndex,
}

/// The checked interaction process flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    catalogue: Catalogue,
    levels: Vec<Level>,
    entry: Vec<(LevelIndex, f64)>,
    retention_entry: LevelIndex,
    transactions: Transactions,
    /// By catalogue position: the level a type moves to.
    triggers: Vec<Option<LevelIndex>>,
    calendar: Option<OpeningHours>,
}

impl Catalogue {
    /// A catalogue of `entries`; `None` when two of them have the same name.
    pub fn from_entries(version: impl Into<String>, entries: Vec<CatalogueEntry>) -> Option<Self> {
        let names: std::collections::BTreeSet<&str> =
            entries.iter().map(|entry| entry.interaction_type.as_str()).collect();
        let unique = names.len() == entries.len();
        unique.then(|| Self { version: version.into(), entries })
    }

    /// Version as written in the file.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// All types, in the order of the file.
    pub fn entries(&self) -> &[CatalogueEntry] {
        &self.entries
    }

    /// The type called `name`.
    pub fn get(&self, name: &str) -> Option<&CatalogueEntry> {
        self.entries.iter().find(|entry| entry.interaction_type == name)
    }
}

impl CatalogueEntry {
    /// What this type is worth in `segment`.
    pub fn worth_in(&self, segment: Option<&str>) -> Worth {
        segment
            .and_then(|id| self.overrides.iter().find(|(segment, _)| segment == id))
            .map_or(self.worth, |(_, worth)| *worth)
    }
}

impl Flow {
    /// The catalogue this flow draws from.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// All levels, acquisition first.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Where contacts of a prospect begin, with probabilities that sum to 1.
    pub fn entry(&self) -> &[(LevelIndex, f64)] {
        &self.entry
    }

    /// Where contacts of a customer begin.
    pub fn retention_entry(&self) -> LevelIndex {
        self.retention_entry
    }

    /// Interactions that follow from outcomes.
    pub fn transactions(&self) -> &Transactions {
        &self.transactions
    }

    /// When interactions can happen; `None` is around the clock.
    pub fn calendar(&self) -> Option<&OpeningHours> {
        self.calendar.as_ref()
    }

    /// The same flow around the clock.
    #[must_use]
    pub fn without_calendar(self) -> Self {
        Self { calendar: None, ..self }
    }

    /// The level to which an interaction of type `kind` (a catalogue position) moves a contact.
    pub fn trigger(&self, kind: TypeIndex) -> Option<LevelIndex> {
        self.triggers[usize::from(kind.0)]
    }
}
