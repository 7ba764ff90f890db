//! Clocks: hours shifted by a time zone, days that are the evening before, ties.
//!
//! A shift is looked for between source systems, or, among rows that name none, between interaction
//! types. Changes of a clock within one source are not looked for.

mod evening;
mod night;
mod shift;
mod ties;

pub(super) use evening::EveningDates;
pub(super) use night::WorkAtNight;
pub(super) use shift::HoursShifted;
pub(super) use ties::ClockTies;

use std::collections::BTreeMap;

use super::LogSpan;
use crate::ids::TypeIndex;
use crate::interaction::Interaction;

/// Hours of the day.
const HOURS: usize = 24;
/// Number of rows by hour of the day.
type Hours = [u64; HOURS];

/// Source systems that are told apart; a column with more names is no system.
const SYSTEMS: usize = 64;

/// Something kept by source system, and by interaction type for rows that name none.
#[derive(Debug)]
struct BySource<T> {
    systems: BTreeMap<String, T>,
    types: BTreeMap<TypeIndex, T>,
}

impl<T> Default for BySource<T> {
    fn default() -> Self {
        Self { systems: BTreeMap::new(), types: BTreeMap::new() }
    }
}

impl<T: Default> BySource<T> {
    /// What is kept for the source of `row`.
    fn of(&mut self, row: &Interaction) -> &mut T {
        let system = row.details.as_ref().and_then(|details| details.source_system.as_deref());
        let Some(system) = system else { return self.types.entry(row.kind).or_default() };
        let room = self.systems.len() < SYSTEMS || self.systems.contains_key(system);
        let system = if room { system } else { "" };
        if !self.systems.contains_key(system) {
            self.systems.insert(system.to_owned(), T::default());
        }
        self.systems.get_mut(system).expect("it was just put there")
    }

    /// Every source with its name, systems first.
    fn named(&self, span: &LogSpan) -> Vec<(String, &T)> {
        let systems = self.systems.iter().map(|(name, kept)| (name.clone(), kept));
        let types = self.types.iter().map(|(kind, kept)| (span.type_of(*kind).name.clone(), kept));
        systems.chain(types).collect()
    }
}

#[cfg(test)]
mod sample {
    //! Rows of small sources.

    use super::super::sample::{at, history, row};
    use crate::interaction::{AccountHistory, Details, Interaction};

    /// `n` rows of `system` between 08:00 and 18:00, `shift` hours late.
    pub(super) fn working_day(system: &str, n: u32, shift: f64) -> Vec<Interaction> {
        let source_system = Some(system.to_owned());
        let details = Details { source_system, ..Details::default() };
        let start = at("2024-01-01 08:00").plus_days(shift / 24.0);
        let time = |k: u32| start.plus_days(f64::from(k % 300) + f64::from(k % 97) / 97.0 / 2.4);
        let of = |k: u32| Interaction {
            details: Some(Box::new(details.clone())),
            ..row(&time(k).to_string())
        };
        (0..n).map(of).collect()
    }

    pub(super) fn log(rows: impl IntoIterator<Item = Vec<Interaction>>) -> AccountHistory {
        let mut log = history("A", "2023-01-01", None);
        log.interactions = rows.into_iter().flatten().collect();
        log
    }
}
