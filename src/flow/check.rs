//! From a flow as written to a checked [`Flow`]: every problem is noted, none stops the check.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;

use super::catalogue::{self, Parsed};
use super::wire::{WireFlow, WireFollowUp, WireLevel, WireMix};
use super::{
    Catalogue, CatalogueEntry, Exit, Flow, FollowUp, Level, LevelIndex, Transactions, calendar, law,
};
use crate::diagnostic::{Problems, nearest};
use crate::ids::TypeIndex;
use crate::interaction::Stage;

/// How far probabilities may be from summing to 1.
const SUM_TOLERANCE: f64 = 1e-6;

/// Positions of the two files among the sources.
const FLOW: usize = 0;
const CATALOGUE: usize = 1;

/// Checks `wire` against the catalogue; `problems` holds the flow's source, then the catalogue's.
pub(super) fn flow(wire: &WireFlow, mut problems: Problems) -> Result<Flow, Problems> {
    let parsed = catalogue::parse(&mut problems, CATALOGUE);
    let Parsed { catalogue, triggers: cells } = parsed;
    let mut check = Check::new(wire, &catalogue, &mut problems);
    let levels: Vec<Level> = check.order.clone().into_iter().map(|l| check.level(l)).collect();
    let entry = check.entry(wire);
    let retention_entry = check.retention_entry(wire);
    let transactions = check.transactions(wire);
    let triggers = check.triggers(&cells, transactions.as_ref());
    let calendar = wire.calendar.as_ref().and_then(|c| calendar::check(c, FLOW, check.problems));
    if check.resolved
        && let (Some(retention_entry), Some(transactions)) = (retention_entry, &transactions)
    {
        let roots = entry.iter().filter(|(_, p)| *p > 0.0).map(|(level, _)| *level);
        let on_close = triggers[usize::from(transactions.on_close.0)];
        let roots = roots.chain([retention_entry]).chain(on_close).collect();
        check.reachable(&levels, &triggers, roots);
    }
    match (retention_entry, transactions) {
        (Some(retention_entry), Some(transactions)) if problems.diagnostics().is_empty() => {
            Ok(Flow { catalogue, levels, entry, retention_entry, transactions, triggers, calendar })
        }
        _ => Err(problems),
    }
}

struct Check<'a> {
    catalogue: &'a Catalogue,
    types: BTreeMap<&'a str, TypeIndex>,
    /// Levels in the order of the relationship.
    order: Vec<&'a WireLevel>,
    names: BTreeMap<&'a str, LevelIndex>,
    problems: &'a mut Problems,
    /// Whether every name was known: only then can one say which levels are never reached.
    resolved: bool,
}

impl<'a> Check<'a> {
    fn new(wire: &'a WireFlow, catalogue: &'a Catalogue, problems: &'a mut Problems) -> Self {
        let types = catalogue
            .entries()
            .iter()
            .zip(0..=u16::MAX)
            .map(|(entry, position)| (entry.interaction_type.as_str(), TypeIndex(position)))
            .collect();
        let mut order: Vec<&WireLevel> = wire.levels.get_ref().iter().collect();
        order.sort_by_key(|level| level.stage);
        if order.is_empty() {
            problems.add(FLOW, wire.levels.span(), "flow has no levels, expected at least 1", None);
        }
        let mut names = BTreeMap::new();
        for (level, position) in order.iter().zip(0..=u16::MAX) {
            let name = level.name.get_ref().as_str();
            if names.contains_key(name) {
                problems.add(FLOW, level.name.span(), format!("level `{name}` occurs twice"), None);
            } else {
                names.insert(name, LevelIndex(position));
            }
        }
        Self { catalogue, types, order, names, problems, resolved: true }
    }

    fn add(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.problems.add(FLOW, span, message, help);
    }

    fn level(&mut self, wire: &WireLevel) -> Level {
        let name = wire.name.get_ref();
        let mix = self.mix(&wire.mix, &format!("mix of `{name}`"));
        for written in wire.mix.get_ref().keys() {
            self.belongs(written, wire);
        }
        let follow_ups = wire.follow_ups.iter().filter_map(|f| self.follow_up(f, wire)).collect();
        self.no_loop(wire);
        Level {
            name: name.clone(),
            stage: wire.stage,
            wait: law::check(&wire.wait, FLOW, self.problems),
            clock: law::clock(wire, FLOW, self.problems),
            mix,
            follow_ups,
            exits: self.exits(wire),
        }
    }

    /// Names and probabilities of `mix`, in catalogue order.
    fn mix(&mut self, mix: &WireMix, subject: &str) -> Vec<(TypeIndex, f64)> {
        let pairs: Vec<(&Spanned<String>, f64)> = self.distribution(mix, subject);
        let mut mix: Vec<(TypeIndex, f64)> = pairs
            .into_iter()
            .filter_map(|(name, probability)| Some((self.known_type(name)?, probability)))
            .collect();
        mix.sort_by_key(|(kind, _)| *kind);
        mix
    }

    /// The pairs of `mix` after checking that they are a probability distribution.
    fn distribution<'w>(
        &mut self,
        mix: &'w WireMix,
        subject: &str,
    ) -> Vec<(&'w Spanned<String>, f64)> {
        let pairs: Vec<_> =
            mix.get_ref().iter().map(|(name, p)| (name, self.probability(p))).collect();
        let total: f64 = pairs.iter().map(|(_, p)| p).sum();
        if total.is_nan() || (total - 1.0).abs() > SUM_TOLERANCE {
            // The sum is rounded to the tolerance: further digits are noise of the addition.
            let total = (total / SUM_TOLERANCE).round() * SUM_TOLERANCE;
            let message = format!("probabilities in {subject} sum to {total:.6}, expected 1");
            let help = "scale the probabilities, or add the missing one".to_owned();
            self.add(heading(mix), message, Some(help));
        }
        pairs
    }

    fn probability(&mut self, written: &Spanned<f64>) -> f64 {
        let probability = *written.get_ref();
        if !(0.0..=1.0).contains(&probability) {
            let message = format!("probability is {probability}, expected 0 to 1");
            self.add(written.span(), message, None);
        }
        probability
    }

    fn known_type(&mut self, name: &Spanned<String>) -> Option<TypeIndex> {
        let found = self.types.get(name.get_ref().as_str()).copied();
        if found.is_none() {
            self.resolved = false;
            let help = suggestion(name.get_ref(), self.types.keys().copied(), "types");
            let message = format!("unknown interaction type `{}`", name.get_ref());
            self.add(name.span(), message, Some(help));
        }
        found
    }

    fn known_level(&mut self, name: &Spanned<String>) -> Option<LevelIndex> {
        let found = self.names.get(name.get_ref().as_str()).copied();
        if found.is_none() {
            self.resolved = false;
            let help = suggestion(name.get_ref(), self.names.keys().copied(), "levels");
            let message = format!("unknown level `{}`", name.get_ref());
            self.add(name.span(), message, Some(help));
        }
        found
    }

    fn entry_of(&self, name: &str) -> Option<&'a CatalogueEntry> {
        self.types.get(name).map(|kind| &self.catalogue.entries()[usize::from(kind.0)])
    }

    /// A type may occur at a level of its own stage, unless an outcome brings it about.
    fn belongs(&mut self, name: &Spanned<String>, level: &WireLevel) {
        let Some(entry) = self.entry_of(name.get_ref()) else { return };
        let (kind, at, stage) = (name.get_ref(), level.name.get_ref(), level.stage);
        if entry.transactional {
            let message = format!("transactional type `{kind}` occurs at level `{at}`");
            let help = "outcomes bring it about: list it under `[transactions]`".to_owned();
            self.add(name.span(), message, Some(help));
        }
        if entry.stage != stage {
            let message =
                format!("`{kind}` is of stage {}, expected {stage} as level `{at}`", entry.stage);
            self.add(name.span(), message, None);
        }
    }

    fn follow_up(&mut self, wire: &WireFollowUp, level: &WireLevel) -> Option<FollowUp> {
        let after = self.known_type(&wire.after);
        let then = self.known_type(&wire.then);
        self.belongs(&wire.then, level);
        let occurs = level.mix.get_ref().contains_key(&wire.after)
            || level.follow_ups.iter().any(|other| other.then == wire.after);
        if after.is_some() && !occurs {
            let (kind, level) = (wire.after.get_ref(), level.name.get_ref());
            let message = format!("follow-up of `{kind}`, which never occurs at level `{level}`");
            self.add(wire.after.span(), message, None);
        }
        let probability = self.probability(&wire.probability);
        let wait = law::check(&wire.wait, FLOW, self.problems);
        Some(FollowUp { after: after?, then: then?, probability, wait })
    }

    /// An answer that asks for itself again could go on for ever.
    fn no_loop(&mut self, level: &WireLevel) {
        for start in &level.follow_ups {
            let first = start.after.get_ref();
            let mut reached = BTreeSet::from([start.then.get_ref()]);
            loop {
                let next: BTreeSet<&String> = level
                    .follow_ups
                    .iter()
                    .filter(|f| reached.contains(f.after.get_ref()))
                    .map(|f| f.then.get_ref())
                    .chain(reached.iter().copied())
                    .collect();
                if next == reached {
                    break;
                }
                reached = next;
            }
            if reached.contains(first) {
                let message = format!("follow-ups of `{first}` lead back to it");
                self.add(start.after.span(), message, None);
            }
        }
    }

    fn exits(&mut self, level: &WireLevel) -> Vec<Exit> {
        let exits: Vec<Exit> = level
            .exits
            .iter()
            .map(|exit| Exit {
                reason: exit.reason.clone(),
                probability: self.probability(&exit.probability),
            })
            .collect();
        let total: f64 = exits.iter().map(|exit| exit.probability).sum();
        if !exits.is_empty() && (total.is_nan() || total >= 1.0) {
            let name = level.name.get_ref();
            let message = format!("exits of `{name}` sum to {total}, expected less than 1");
            self.add(level.exits[0].probability.span(), message, None);
        }
        exits
    }

    fn entry(&mut self, wire: &WireFlow) -> Vec<(LevelIndex, f64)> {
        let pairs = self.distribution(&wire.entry, "`entry`");
        let mut entry = Vec::with_capacity(pairs.len());
        for (name, probability) in pairs {
            let Some(level) = self.known_level(name) else { continue };
            if self.stage_of(level) == Stage::Retention {
                let message = format!("prospects enter at retention level `{}`", name.get_ref());
                let help = "customers begin at `retention_entry`".to_owned();
                self.add(name.span(), message, Some(help));
            }
            entry.push((level, probability));
        }
        entry.sort_by_key(|(level, _)| *level);
        entry
    }

    fn retention_entry(&mut self, wire: &WireFlow) -> Option<LevelIndex> {
        let level = self.known_level(&wire.retention_entry)?;
        let stage = self.stage_of(level);
        if stage != Stage::Retention {
            let message = format!("`retention_entry` is a level of {stage}, expected retention");
            self.add(wire.retention_entry.span(), message, None);
        }
        Some(level)
    }

    fn transactions(&mut self, wire: &WireFlow) -> Option<Transactions> {
        let wire = &wire.transactions;
        let on_purchase = self.mix(&wire.on_purchase, "`on_purchase`");
        let on_close = self.known_type(&wire.on_close);
        let on_renewal = self.known_type(&wire.on_renewal);
        let purchases = wire.on_purchase.get_ref().keys();
        for name in purchases.chain([&wire.on_close, &wire.on_renewal]) {
            if self.entry_of(name.get_ref()).is_some_and(|entry| !entry.transactional) {
                let message = format!("`{}` is not transactional", name.get_ref());
                let help = "only transactional types follow from outcomes".to_owned();
                self.add(name.span(), message, Some(help));
            }
        }
        Some(Transactions { on_close: on_close?, on_purchase, on_renewal: on_renewal? })
    }

    /// By catalogue position: the level a type moves to.
    fn triggers(
        &mut self,
        cells: &[Option<Range<usize>>],
        transactions: Option<&Transactions>,
    ) -> Vec<Option<LevelIndex>> {
        let catalogue = self.catalogue;
        let mut triggers = Vec::with_capacity(cells.len());
        for ((entry, cell), position) in catalogue.entries().iter().zip(cells).zip(0..=u16::MAX) {
            let (Some(name), Some(cell)) = (&entry.trigger_to, cell) else {
                triggers.push(None);
                continue;
            };
            let target = self.names.get(name.as_str()).copied();
            match target {
                None => {
                    self.resolved = false;
                    let message = format!("`trigger_to` is unknown level `{name}`");
                    let help = suggestion(name, self.names.keys().copied(), "levels");
                    self.problems.add(CATALOGUE, cell.clone(), message, Some(help));
                }
                Some(target) => {
                    let is_close = transactions.is_some_and(|t| t.on_close == TypeIndex(position));
                    self.trigger_stage(entry, cell, target, is_close);
                }
            }
            triggers.push(target);
        }
        triggers
    }

    /// Only the signed contract makes a customer, and a customer is no prospect again.
    fn trigger_stage(
        &mut self,
        entry: &CatalogueEntry,
        cell: &Range<usize>,
        target: LevelIndex,
        is_close: bool,
    ) {
        let (from, to) = (entry.stage, self.stage_of(target));
        if (from == Stage::Retention) != (to == Stage::Retention) && !is_close {
            let kind = &entry.interaction_type;
            let message = format!("`{kind}` of stage {from} moves to a level of {to}");
            let help = "only the type named by `on_close` leads into retention".to_owned();
            self.problems.add(CATALOGUE, cell.clone(), message, Some(help));
        }
    }

    fn stage_of(&self, level: LevelIndex) -> Stage {
        self.order[usize::from(level.0)].stage
    }

    fn reachable(
        &mut self,
        levels: &[Level],
        triggers: &[Option<LevelIndex>],
        roots: Vec<LevelIndex>,
    ) {
        let mut reached: BTreeSet<LevelIndex> = BTreeSet::new();
        let mut open = roots;
        while let Some(level) = open.pop() {
            if reached.insert(level) {
                let types = levels[usize::from(level.0)].types();
                open.extend(types.filter_map(|kind| triggers[usize::from(kind.0)]));
            }
        }
        let lost = self.names.iter().filter(|(_, level)| !reached.contains(level));
        let lost: Vec<LevelIndex> = lost.map(|(_, level)| *level).collect();
        for level in lost {
            let name = &self.order[usize::from(level.0)].name;
            let message = format!("level `{}` is never reached", name.get_ref());
            let help = "enter at it, or let a type of another level trigger it".to_owned();
            self.add(name.span(), message, Some(help));
        }
    }
}

/// Where to point for a table as a whole: its span begins at the heading, and one line is enough.
fn heading(mix: &WireMix) -> Range<usize> {
    let span = mix.span();
    match mix.get_ref().keys().map(Spanned::span).min_by_key(|key| key.start) {
        Some(first) if first.start > span.start => span.start..span.end.min(first.start),
        _ => span,
    }
}

fn suggestion<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone, what: &str) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{} {what} are known", known.count()),
    }
}
