//! What is true where: worlds × hypotheses × rungs, with the effect computed from the truth table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Problems, Source};
use crate::interaction::Truth;
use crate::simulate::{Control, Correlation, Intervention, Simulation, TruthColumn};

use super::criterion::{correlations, mean};

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

    /// Those that the effects at the lower rungs are made of.
    fn correlations(self) -> [Correlation; 4] {
        let given = vec![Control::PurchaseCount, Control::PurchaseValue, Control::PastProfit];
        let at = |rung| Correlation { outcome: self.column(rung), ..Correlation::default() };
        let ahead = at(TrueRung::Leads);
        let behind = Correlation { months: -ahead.months, ..ahead.clone() };
        let adds = Correlation { given, ..at(TrueRung::AddsToBaselines) };
        [at(TrueRung::Associated), adds, ahead, behind]
    }

    /// Direction in which the column is claimed to move.
    const fn sign(self) -> f64 {
        if matches!(self, Self::H8) { -1.0 } else { 1.0 }
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

/// The effects of all cells of a world, computed from the truth table of the first `accounts`
/// accounts; without *causal* where accounts are missing from the log.
///
/// - `associated`: rank correlation of decayed RV with the mean of the column over the three months
///   to come; `leads`: the same less that with the three months before; `adds_to_baselines`: the
///   same at equal purchases, revenue and past profit; `causal`: relative change of the column's
///   mean when every customer gets one account manager's visit a month more.
/// - Signs are turned for H8, so that a positive effect is always the claimed direction.
///
/// A rung has no effect where its column is the same for all accounts.
pub fn effects(
    simulation: &Simulation,
    accounts: u32,
) -> BTreeMap<(TrueHypothesis, TrueRung), f64> {
    let wanted: Vec<Correlation> =
        TrueHypothesis::ALL.into_iter().flat_map(TrueHypothesis::correlations).collect();
    let found = correlations(simulation, &wanted, accounts);
    let means: Vec<Option<f64>> =
        found.iter().map(|dates| dates.as_ref().ok().map(|dates| mean(dates))).collect();
    let mut effects = BTreeMap::new();
    for (hypothesis, of) in TrueHypothesis::ALL.into_iter().zip(means.chunks(4)) {
        let leads = of[2].zip(of[3]).map(|(ahead, behind)| ahead - behind);
        let rungs = [TrueRung::Associated, TrueRung::AddsToBaselines, TrueRung::Leads];
        for (rung, effect) in rungs.into_iter().zip([of[0], of[1], leads]) {
            if let Some(effect) = effect {
                effects.insert((hypothesis, rung), hypothesis.sign() * effect);
            }
        }
    }
    for (hypothesis, effect) in TrueHypothesis::ALL.into_iter().zip(causal(simulation, accounts)) {
        effects.insert((hypothesis, TrueRung::Causal), hypothesis.sign() * effect);
    }
    effects
}

/// Relative changes of the columns' means over months as a customer; nothing where accounts cannot
/// be paired.
fn causal(simulation: &Simulation, accounts: u32) -> Vec<f64> {
    let mut world = simulation.world().clone();
    if world.observation.survivors_only {
        return Vec::new();
    }
    world.interventions.push(Intervention {
        name: "visits".to_owned(),
        from_month: 0,
        to_month: None,
        share: 1.0,
        by_team: false,
        interaction_type: "account_manager_visit".to_owned(),
        per_month: 1.0,
    });
    let treated = simulation.in_world(world).expect("the built-in flow has such visits");
    let columns = TrueHypothesis::ALL.map(|hypothesis| hypothesis.column(TrueRung::Causal));
    let means = |simulation: &Simulation| {
        let (mut sums, mut months) = ([0.0; TrueHypothesis::ALL.len()], 0.0);
        for history in simulation.histories(accounts) {
            for truth in history.truth.iter().filter(|truth| truth.expected_revenue > 0.0) {
                months += 1.0;
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum += of(column, truth);
                }
            }
        }
        sums.map(|sum| sum / months)
    };
    let (before, after) = (means(simulation), means(&treated));
    before.iter().zip(after).map(|(before, after)| after / before - 1.0).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::World;

    #[test]
    fn what_is_stated_of_the_fifteen_worlds_agrees_with_the_effects_computed() {
        let table = TruthTable::builtin();
        let with_criterion = World::builtin_names()
            .filter(|name| World::load(name).expect("built in").criterion.is_some());
        let mut names: Vec<&str> = with_criterion.collect();
        names.sort_unstable();
        assert_eq!(names, table.worlds().collect::<Vec<_>>());
        assert_eq!(names.len(), 15);
        for (name, hypotheses) in &table.worlds {
            for (hypothesis, cells) in hypotheses {
                for (rung, Cell { holds, effect }) in cells {
                    // At 20,000 accounts a correlation's standard error is near .01.
                    let agrees = match holds {
                        Some(true) => *effect > 0.0,
                        Some(false) => effect.abs() <= 0.02,
                        None => effect.is_finite(),
                    };
                    assert!(agrees, "{name} {hypothesis:?} {rung:?}: {holds:?}, {effect}");
                }
            }
        }
    }
}
