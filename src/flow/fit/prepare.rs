//! The interaction types of a log as entries of a catalogue: those given, and what rows say of others.

use std::collections::BTreeMap;

use crate::flow::{Catalogue, CatalogueEntry, Worth};
use crate::ids::{TypeIndex, TypeNames};
use crate::interaction::{AccountHistory, Direction, Interaction, Stage};

/// The catalogue of a fit, and how the types and levels of the log are found in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Types {
    entries: Vec<CatalogueEntry>,
    version: String,
    /// By position in the log's types: position in the catalogue.
    positions: Vec<TypeIndex>,
    levels: Vec<String>,
    pub(super) close: Option<TypeIndex>,
    pub(super) renewal: Option<TypeIndex>,
    /// Types that only the log knows.
    pub(super) inferred: Vec<String>,
}

impl Types {
    /// The types of `catalogue`, and those of the log that it lacks with what their rows say.
    pub fn new(
        histories: &[AccountHistory],
        names: &TypeNames,
        catalogue: Option<&Catalogue>,
    ) -> Self {
        let mut entries = catalogue.map_or_else(Vec::new, |known| known.entries().to_vec());
        let position = |entries: &[CatalogueEntry], name: &str| {
            entries.iter().position(|entry| entry.interaction_type == name)
        };
        let mut sayings = None;
        let mut inferred = Vec::new();
        let mut positions = Vec::with_capacity(names.len());
        for (kind, name) in (0..=u16::MAX).zip(names.iter()) {
            let found = position(&entries, name).unwrap_or_else(|| {
                let sayings = sayings.get_or_insert_with(|| sayings_of(histories, names.len()));
                entries.push(sayings[usize::from(kind)].entry(name));
                inferred.push(name.to_owned());
                entries.len() - 1
            });
            positions.push(TypeIndex(found as u16));
        }
        let count = counts(histories, &positions, entries.len());
        let close = most_frequent(&entries, &count, |entry| {
            entry.transactional && entry.stage == Stage::Closing
        });
        let renewal = most_frequent(&entries, &count, |entry| {
            entry.transactional && entry.interaction_type.contains("renew")
        });
        let version = catalogue.map_or("", Catalogue::version).to_owned();
        let levels = level_names(histories);
        Self { entries, version, positions, levels, close, renewal, inferred }
    }

    /// Position in the catalogue of a type of the log.
    pub(super) fn kind(&self, of_log: TypeIndex) -> TypeIndex {
        self.positions[usize::from(of_log.0)]
    }

    /// The entry at a position of the catalogue.
    pub(super) fn entry(&self, kind: TypeIndex) -> &CatalogueEntry {
        &self.entries[usize::from(kind.0)]
    }

    /// All entries.
    pub(super) fn entries(&self) -> &[CatalogueEntry] {
        &self.entries
    }

    /// Version of the catalogue that was given.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Names of the levels that rows carry, in order of bytes.
    pub(super) fn level_names(&self) -> &[String] {
        &self.levels
    }

    pub(super) fn level_position(&self, name: &str) -> Option<u16> {
        self.levels.binary_search_by(|known| known.as_str().cmp(name)).ok().map(|at| at as u16)
    }

    /// Whether an outcome brings the type about at each purchase.
    pub(super) fn is_purchase(&self, kind: TypeIndex) -> bool {
        self.entry(kind).transactional && Some(kind) != self.close && Some(kind) != self.renewal
    }
}

fn level_names(histories: &[AccountHistory]) -> Vec<String> {
    let rows = histories.iter().flat_map(|history| &history.interactions);
    let names = rows.filter_map(|row| row.details.as_ref()?.level.as_deref());
    let mut known: std::collections::BTreeSet<&str> = std::collections::BTreeSet::new();
    known.extend(names);
    known.into_iter().take(usize::from(u16::MAX)).map(str::to_owned).collect()
}

fn counts(histories: &[AccountHistory], positions: &[TypeIndex], types: usize) -> Vec<u64> {
    let mut counts = vec![0; types];
    for row in histories.iter().flat_map(|history| &history.interactions) {
        counts[usize::from(positions[usize::from(row.kind.0)].0)] += 1;
    }
    counts
}

fn most_frequent(
    entries: &[CatalogueEntry],
    counts: &[u64],
    fits: impl Fn(&CatalogueEntry) -> bool,
) -> Option<TypeIndex> {
    let candidates = entries.iter().zip(counts).zip(0..=u16::MAX).filter(|((e, _), _)| fits(e));
    let best = candidates.max_by_key(|((_, count), position)| (**count, u16::MAX - position));
    best.map(|(_, position)| TypeIndex(position))
}

/// What the rows of one type say of it.
#[derive(Debug, Clone, Default)]
struct Sayings {
    stages: BTreeMap<Stage, u64>,
    directions: BTreeMap<Direction, u64>,
    functions: BTreeMap<String, u64>,
    rv: (f64, u64),
    cost: (f64, u64),
    effort: (f64, u64),
}

fn sayings_of(histories: &[AccountHistory], types: usize) -> Vec<Sayings> {
    let mut all = vec![Sayings::default(); types];
    for row in histories.iter().flat_map(|history| &history.interactions) {
        all[usize::from(row.kind.0)].hear(row);
    }
    all
}

impl Sayings {
    fn hear(&mut self, row: &Interaction) {
        if let Some(stage) = row.stage {
            *self.stages.entry(stage).or_default() += 1;
        }
        if let Some(direction) = row.direction {
            *self.directions.entry(direction).or_default() += 1;
        }
        if let Some(function) = row.details.as_ref().and_then(|details| details.function.clone()) {
            *self.functions.entry(function).or_default() += 1;
        }
        let numbers = [
            (&mut self.rv, row.rv),
            (&mut self.cost, row.variable_cost),
            (&mut self.effort, row.customer_effort),
        ];
        for ((sum, count), value) in numbers {
            if let Some(value) = value {
                *sum += value;
                *count += 1;
            }
        }
    }

    fn entry(&self, name: &str) -> CatalogueEntry {
        let mean = |(sum, count): (f64, u64)| if count == 0 { 0.0 } else { sum / count as f64 };
        CatalogueEntry {
            stage: mode(&self.stages).unwrap_or(Stage::Retention),
            direction: mode(&self.directions).unwrap_or(Direction::Outbound),
            function: mode(&self.functions).unwrap_or_default(),
            worth: Worth { variable_cost: mean(self.cost).max(0.0), ..blank(mean(self.rv)) },
            customer_effort: mean(self.effort).max(0.0),
            ..entry(name, Stage::Retention, false)
        }
    }
}

fn mode<K: Ord + Clone>(counts: &BTreeMap<K, u64>) -> Option<K> {
    counts
        .iter()
        .max_by_key(|(key, count)| (**count, std::cmp::Reverse(*key)))
        .map(|(k, _)| k.clone())
}

fn blank(rv: f64) -> Worth {
    Worth { rv, rv_sd: None, variable_cost: 0.0, cost_sd: None }
}

/// An entry of which only name, stage and kind are known.
pub(super) fn entry(name: &str, stage: Stage, transactional: bool) -> CatalogueEntry {
    CatalogueEntry {
        interaction_type: name.to_owned(),
        stage,
        function: String::new(),
        direction: Direction::Outbound,
        worth: blank(0.0),
        overrides: Vec::new(),
        customer_effort: 0.0,
        emotional: false,
        critical: false,
        transactional,
        trigger_to: None,
        is_voc: false,
        expected_within_days: None,
        failure: None,
        recovery: false,
    }
}
