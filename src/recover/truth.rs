//! What is true where: worlds × hypotheses × rungs, with the effect computed from the truth table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Problems, Source};
use crate::interaction::{AccountHistory, Truth};
use crate::simulate::{
    Control, Correlation, Criterion, Intervention, Simulation, Statistic, TruthColumn,
    paired_difference,
};

use super::criterion::measure;

/// The table that is part of the program.
const BUILTIN: &str = include_str!("../../data/worlds/truth.toml");

/// A rung at which a simulated truth is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrueRung {
    /// Score and what is expected to come go together.
    Associated,
    /// The score goes with what is expected to come more than with what was.
    Leads,
    /// The score goes with what is expected to come at equal purchases, revenue and past profit.
    AddsToBaselines,
    /// An interaction more changes what is expected to come.
    Causal,
}

impl TrueRung {
    /// All rungs, lowest first.
    pub const ALL: [Self; 4] = [Self::Associated, Self::Leads, Self::AddsToBaselines, Self::Causal];
}

/// A hypothesis of which the truth table of a simulation knows the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in the glossary")]
pub enum TrueHypothesis {
    H1,
    H2,
    H4,
    H5,
    H8,
}

impl TrueHypothesis {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::H1, Self::H2, Self::H4, Self::H5, Self::H8];

    /// Column of the truth table that the hypothesis is about, at a rung.
    ///
    /// H1 is judged on gross profit where the cost of interactions would answer for itself: one that
    /// raises the score costs money at once.
    const fn column(self, rung: TrueRung) -> TruthColumn {
        match (self, rung) {
            (Self::H1, TrueRung::Associated | TrueRung::AddsToBaselines) => {
                TruthColumn::ExpectedProfit
            }
            (Self::H1 | Self::H4, _) => TruthColumn::ExpectedRevenue,
            (Self::H2, _) => TruthColumn::ExpectedSatisfaction,
            (Self::H5, _) => TruthColumn::ExpectedShareOfWallet,
            (Self::H8, _) => TruthColumn::Hazard,
        }
    }
}

/// What is stated of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// True or false by construction; absent where the effect is neither zero by construction nor
    /// meant to be found: not applicable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
    /// The effect, computed from the truth table: a rank correlation, or for *causal* the relative
    /// change by one account manager's visit a month more.
    pub effect: f64,
}

/// Cells of one hypothesis by rung.
pub type Cells = BTreeMap<TrueRung, Cell>;

/// World → hypothesis → rung → cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TruthTable {
    worlds: BTreeMap<String, BTreeMap<TrueHypothesis, Cells>>,
}

impl TruthTable {
    /// The table of the worlds that are part of the program.
    pub fn builtin() -> Self {
        Self::parse(Source::new("data/worlds/truth.toml", BUILTIN))
            .unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// Reads a table as written.
    ///
    /// # Errors
    ///
    /// All problems, each with its place.
    pub fn parse(source: Source) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let place = problems.add_source(source);
        match problems.parse_toml(place) {
            Some(table) => problems.into_result(table),
            None => Err(problems),
        }
    }

    /// The cell of a world, hypothesis and rung, where one is stated.
    pub fn cell(&self, world: &str, hypothesis: TrueHypothesis, rung: TrueRung) -> Option<Cell> {
        self.worlds.get(world)?.get(&hypothesis)?.get(&rung).copied()
    }

    /// Names of the worlds in the table.
    pub fn worlds(&self) -> impl Iterator<Item = &str> {
        self.worlds.keys().map(String::as_str)
    }
}

/// The effect of one cell, computed from the truth table of the first `accounts` accounts.
///
/// - `associated`: rank correlation of decayed RV with the mean of the column over the three months
///   to come; `leads`: the same less that with the three months before; `adds_to_baselines`: the
///   same at equal purchases, revenue and past profit; `causal`: relative change of the column's
///   mean when every customer gets one account manager's visit a month more.
/// - Signs are turned for H8, so that a positive effect is always the claimed direction.
///
/// # Errors
///
/// In words, when the world's accounts cannot be correlated or paired.
pub fn effect(
    simulation: &Simulation,
    (hypothesis, rung): (TrueHypothesis, TrueRung),
    accounts: u32,
) -> Result<f64, String> {
    let column = hypothesis.column(rung);
    let sign = if hypothesis == TrueHypothesis::H8 { -1.0 } else { 1.0 };
    let ahead = Correlation { outcome: column, ..Correlation::default() };
    let statistic = match rung {
        TrueRung::Associated => Statistic::RankCorrelation(ahead),
        TrueRung::Leads => Statistic::Difference {
            first: ahead.clone(),
            second: Correlation { months: -ahead.months, ..ahead },
        },
        TrueRung::AddsToBaselines => {
            let given = vec![Control::PurchaseCount, Control::PurchaseValue, Control::PastProfit];
            Statistic::RankCorrelation(Correlation { given, ..ahead })
        }
        TrueRung::Causal => {
            return causal(simulation, column, accounts).map(|effect| sign * effect);
        }
    };
    let criterion = Criterion { statistic, at_least: None, at_most: None };
    let measured = measure(simulation, &criterion, accounts).map_err(|error| error.to_string())?;
    Ok(sign * measured.value)
}

/// Relative change of a column's mean over months as a customer.
fn causal(simulation: &Simulation, column: TruthColumn, accounts: u32) -> Result<f64, String> {
    let mut world = simulation.world().clone();
    world.interventions.push(Intervention {
        name: "visits".to_owned(),
        from_month: 0,
        to_month: None,
        share: 1.0,
        by_team: false,
        interaction_type: "account_manager_visit".to_owned(),
        per_month: 1.0,
    });
    let treated = simulation.in_world(world).map_err(|error| error.to_string())?;
    let value = |history: &AccountHistory| -> f64 {
        let months = history.truth.iter().filter(|truth| truth.expected_revenue > 0.0);
        let (sum, count) =
            months.fold((0.0, 0.0), |(sum, count), truth| (sum + of(column, truth), count + 1.0));
        if count > 0.0 { sum / count } else { 0.0 }
    };
    let pair = paired_difference((simulation, &treated), accounts, value)
        .map_err(|error| error.to_string())?;
    Ok(pair.estimate / pair.before)
}

fn of(column: TruthColumn, truth: &Truth) -> f64 {
    match column {
        TruthColumn::ExpectedProfit => truth.expected_profit,
        TruthColumn::ExpectedRevenue => truth.expected_revenue,
        TruthColumn::ExpectedSatisfaction => truth.expected_satisfaction,
        TruthColumn::ExpectedShareOfWallet => truth.expected_share_of_wallet,
        TruthColumn::Hazard => truth.hazard,
    }
}
