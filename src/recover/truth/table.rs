//! The table of statements: `data/worlds/truth.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Problems, Source};
use crate::hypothesis::{HypothesisId, Rung};

use super::effects::Effect;

/// The table that is part of the program.
const BUILTIN: &str = include_str!("../../../data/worlds/truth.toml");

/// Share of a pilot's cohorts in which an effect must be found for its accounts to be named: enough
/// above one half that sixty cohorts seldom name too few.
const NAMED: f64 = 0.6;

/// The most accounts of a pilot: what is not found with them is a known limit.
pub const MOST_ACCOUNTS: u32 = 800;

/// What is stated of one cell, and how large the effect is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// True or false by construction (false: zero, not small); absent where the effect is neither
    /// zero by construction nor meant to be found: not applicable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
    /// True by construction, but the pilot found it too seldom even with 800 accounts; `holds` is absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limit_known: bool,
    /// The fewest accounts, of the pilot's 100, 200, 400 and 800, with which a true effect was found in
    /// 60 % of its cohorts: on fresh ones the test is held to one half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<u32>,
    /// Accounts with which an ideal test of the same estimate finds a true effect with probability one
    /// half, rounded up to tens; absent where the log never shows it. See [`Effect::accounts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ideal: Option<u32>,
    /// The effect, computed from the truth table: positive in the claimed direction.
    pub effect: f64,
    /// Its standard error.
    pub error: f64,
    /// What the effect is made of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, f64>,
}

impl Cell {
    /// Whether it is stated that the effect is there by construction, to be found or not.
    pub fn is_claimed(&self) -> bool {
        self.holds == Some(true) || self.limit_known
    }

    /// The cell with its effect computed anew; what was stated stays so.
    #[must_use]
    pub fn measured(stated: Option<&Self>, found: &Effect) -> Self {
        let claimed = stated.is_some_and(Self::is_claimed);
        let rounded = found.accounts.map(|n| ((n / 10.0).ceil() * 10.0) as u32);
        Self {
            holds: stated.and_then(|cell| cell.holds),
            limit_known: stated.is_some_and(|cell| cell.limit_known),
            accounts: stated.and_then(|cell| cell.accounts),
            ideal: rounded.filter(|_| claimed),
            effect: found.effect,
            error: found.error,
            parts: found.parts.clone(),
        }
    }

    /// The cell with the accounts that a pilot names, given how often its tests found the effect: pairs
    /// of accounts and share of cohorts. Found too seldom at all of them, it is a known limit; nothing where
    /// the pilot neither found it nor looked at the most accounts.
    pub fn piloted(&self, rates: &[(u32, f64)]) -> Option<Self> {
        if !self.is_claimed() {
            return Some(self.clone());
        }
        let enough = rates.iter().filter(|(_, rate)| *rate >= NAMED);
        let accounts = enough.map(|(accounts, _)| *accounts).min();
        let looked = accounts.is_some() || rates.iter().any(|(n, _)| *n == MOST_ACCOUNTS);
        let holds = accounts.map(|_| true);
        looked.then(|| Self { holds, limit_known: accounts.is_none(), accounts, ..self.clone() })
    }
}

/// Cells of one hypothesis by rung.
pub type Cells = BTreeMap<Rung, Cell>;

/// World → hypothesis → rung → cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TruthTable {
    worlds: BTreeMap<String, BTreeMap<HypothesisId, Cells>>,
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
    pub fn cell(&self, world: &str, hypothesis: HypothesisId, rung: Rung) -> Option<&Cell> {
        self.worlds.get(world)?.get(&hypothesis)?.get(&rung)
    }

    /// Cells that are true by construction and were found too seldom by the pilot: world, hypothesis, rung.
    pub fn limits(&self) -> impl Iterator<Item = (&str, HypothesisId, Rung, &Cell)> {
        self.worlds.iter().flat_map(|(world, hypotheses)| {
            hypotheses.iter().flat_map(move |(id, cells)| {
                let limits = cells.iter().filter(|(_, cell)| cell.limit_known);
                limits.map(move |(rung, cell)| (world.as_str(), *id, *rung, cell))
            })
        })
    }

    /// Names of the worlds in the table.
    pub fn worlds(&self) -> impl Iterator<Item = &str> {
        self.worlds.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::World;

    /// Standard errors by which an effect may differ from zero, and must: with some 150 cells stated
    /// false, one of them is wrongly refused once in a hundred tables.
    const ERRORS: f64 = 4.0;

    /// The largest standard error with which an effect of zero says anything.
    const SHARP: f64 = 0.015;

    fn cells(table: &TruthTable) -> Vec<(String, &Cell)> {
        let mut cells = Vec::new();
        for (world, hypotheses) in &table.worlds {
            for (hypothesis, of) in hypotheses {
                for (rung, cell) in of {
                    cells.push((format!("{world} {hypothesis:?} {rung:?}"), cell));
                }
            }
        }
        cells
    }

    #[test]
    fn two_hypotheses_have_known_limits_and_say_so() {
        let table = TruthTable::builtin();
        let mut limited: Vec<HypothesisId> = table.limits().map(|(_, id, ..)| id).collect();
        limited.sort();
        limited.dedup();
        assert!(limited.len() <= 2, "{limited:?}");
        for id in HypothesisId::ALL {
            let of_world =
                table.limits().filter(|(world, of, ..)| (*world, *of) == ("informative", id));
            let rungs: Vec<Rung> = of_world.map(|(.., rung, _)| rung).collect();
            assert_eq!(rungs, id.hypothesis().known_limits, "{id:?}");
        }
    }

    #[test]
    fn the_table_has_the_fifteen_worlds_and_twelve_hypotheses() {
        let table = TruthTable::builtin();
        let with_criterion = World::builtin_names()
            .filter(|name| World::load(name).expect("built in").criterion.is_some());
        let mut names: Vec<&str> = with_criterion.collect();
        names.sort_unstable();
        assert_eq!(names, table.worlds().collect::<Vec<_>>());
        assert_eq!(names.len(), 15);
        for (world, hypotheses) in &table.worlds {
            assert!(hypotheses.keys().copied().eq(HypothesisId::ALL), "{world}");
        }
    }

    #[test]
    fn what_is_stated_false_is_zero_and_what_is_stated_true_is_not() {
        let table = TruthTable::builtin();
        let mut wrong = Vec::new();
        for (name, cell) in cells(&table) {
            let bound = ERRORS * cell.error;
            let agrees = match (cell.holds, cell.limit_known) {
                (Some(true), false) => cell.effect > bound && cell.accounts.is_some(),
                (Some(false), false) => cell.effect.abs() <= bound && cell.error <= SHARP,
                (None, true) => cell.effect > 0.0,
                (None, false) => cell.effect.is_finite(),
                (Some(_), true) => false,
            };
            if !agrees {
                wrong.push(format!("{name}: {cell:?}"));
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    #[test]
    fn a_true_cell_names_accounts_of_the_pilot_and_no_other_names_any() {
        for (name, cell) in cells(&TruthTable::builtin()) {
            let of_the_pilot = cell.accounts.is_some_and(|n| [100, 200, 400, 800].contains(&n));
            assert_eq!(of_the_pilot, cell.holds == Some(true), "{name}");
            assert!(of_the_pilot || cell.accounts.is_none(), "{name}");
            assert!(cell.is_claimed() || cell.ideal.is_none(), "{name}");
        }
    }

    #[test]
    fn a_new_effect_changes_no_statement_and_a_pilot_changes_only_what_is_claimed() {
        let found =
            Effect { effect: 0.1, error: 0.01, accounts: Some(801.0), parts: BTreeMap::new() };
        let stated = |holds| Cell {
            holds,
            limit_known: false,
            accounts: holds.filter(|holds| *holds).map(|_| 200),
            ideal: None,
            effect: 0.0,
            error: 0.0,
            parts: BTreeMap::new(),
        };
        let of = |cell: &Cell| (cell.holds, cell.limit_known, cell.accounts, cell.ideal);
        let cell = Cell::measured(Some(&stated(Some(true))), &found);
        assert_eq!(of(&cell), (Some(true), false, Some(200), Some(810)));
        let rates = |at_800| [(400, 0.59), (800, at_800), (100, 0.1)];
        let piloted = |cell: &Cell, at_800| cell.piloted(&rates(at_800)).unwrap();
        assert_eq!(of(&piloted(&cell, 0.6)), (Some(true), false, Some(800), Some(810)));
        assert_eq!(cell.piloted(&[(200, 0.1), (400, 0.2)]), None);
        let limit = piloted(&cell, 0.59);
        assert_eq!(of(&limit), (None, true, None, Some(810)));
        assert_eq!(of(&piloted(&limit, 0.7)), (Some(true), false, Some(800), Some(810)));
        let zero = Cell::measured(Some(&stated(Some(false))), &found);
        assert_eq!(of(&piloted(&zero, 0.9)), (Some(false), false, None, None));
        assert_eq!(of(&Cell::measured(None, &found)), (None, false, None, None));
    }
}
