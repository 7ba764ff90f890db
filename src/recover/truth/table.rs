//! The table of statements: `data/worlds/truth.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Problems, Source};
use crate::hypothesis::{HypothesisId, Rung};

use super::effects::Effect;

/// The table that is part of the program.
const BUILTIN: &str = include_str!("../../../data/worlds/truth.toml");

/// The most accounts with which a true cell must be found: what needs more is a known limit.
const MOST_ACCOUNTS: f64 = 800.0;

/// Accounts of one team: no test is asked to do with fewer.
const FEWEST_ACCOUNTS: f64 = 40.0;

/// What is stated of one cell, and how large the effect is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// True or false by construction (false: zero, not small); absent where the effect is neither
    /// zero by construction nor meant to be found: not applicable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
    /// True by construction, but not to be found with 800 accounts; `holds` is absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limit_known: bool,
    /// Accounts with which a test should find a true effect with probability one half, rounded up
    /// to tens, at least 40; absent where the log never shows it. See [`Effect::accounts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<u32>,
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

    /// The cell with its numbers computed anew: what was stated stays so, but a true effect that more
    /// than 800 accounts are needed for is a known limit.
    #[must_use]
    pub fn measured(stated: Option<&Self>, found: &Effect) -> Self {
        let claimed = stated.is_some_and(Self::is_claimed);
        let needed = found.accounts.filter(|_| claimed);
        let rounded = needed.map(|n| (n.max(FEWEST_ACCOUNTS) / 10.0).ceil() * 10.0);
        let within_reach = rounded.is_some_and(|n| n <= MOST_ACCOUNTS);
        let holds =
            if claimed { within_reach.then_some(true) } else { stated.and_then(|c| c.holds) };
        Self {
            holds,
            limit_known: claimed && !within_reach,
            accounts: rounded.map(|n| n as u32),
            effect: found.effect,
            error: found.error,
            parts: found.parts.clone(),
        }
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
    fn a_true_cell_names_at_most_800_accounts_and_no_other_cell_names_so_few() {
        for (name, cell) in cells(&TruthTable::builtin()) {
            match cell.accounts {
                Some(n) if cell.holds == Some(true) => assert!((40..=800).contains(&n), "{name}"),
                Some(n) => assert!(cell.limit_known && n > 800, "{name}"),
                None => assert!(cell.holds != Some(true), "{name}"),
            }
        }
    }

    #[test]
    fn a_true_effect_out_of_reach_becomes_a_known_limit_and_a_false_one_stays_false() {
        let found =
            Effect { effect: 0.1, error: 0.01, accounts: Some(801.0), parts: BTreeMap::new() };
        let stated = |holds| {
            let (effect, error, parts) = (0.0, 0.0, BTreeMap::new());
            Cell { holds, limit_known: false, accounts: None, effect, error, parts }
        };
        let far = Cell::measured(Some(&stated(Some(true))), &found);
        assert_eq!((far.holds, far.limit_known, far.accounts), (None, true, Some(810)));
        let near = Effect { accounts: Some(3.0), ..found.clone() };
        let near = Cell::measured(Some(&far), &near);
        assert_eq!((near.holds, near.limit_known, near.accounts), (Some(true), false, Some(40)));
        let zero = Cell::measured(Some(&stated(Some(false))), &found);
        assert_eq!((zero.holds, zero.accounts), (Some(false), None));
        assert_eq!(Cell::measured(None, &found).holds, None);
    }
}
