//! From estimates to `flow.toml` and `catalogue.csv`: what no flow may hold is left out, and said.

use std::fmt::Write as _;

use super::law::LawFit;
use super::levels::Levels;
use super::maximise::{CLASSES, Estimate};
use super::prepare::{Types, entry};
use super::record::AccountRecord;
use super::{FitError, Starts};
use crate::diagnostic::Source;
use crate::flow::{Catalogue, CatalogueEntry, Flow, LevelIndex};
use crate::ids::TypeIndex;
use crate::interaction::Stage;

/// Steps of a type at a level below which it is left out: as often as not it was none. More are
/// asked of a type that is an answer there: its rows are never told apart for certain.
const LEAST_STEPS: f64 = 0.5;
const LEAST_STEPS_OF_ANSWERS: f64 = 3.0;

/// Added to the steps of every type of a mix: the floor, in the manner of Jeffreys.
pub(super) const FLOOR: f64 = 0.5;

/// Share of prospects that enter at a level which nothing else leads to.
const RARE_ENTRY: f64 = 0.001;

/// A flow before it is written.
pub(super) struct Draft {
    pub(super) levels: Vec<DraftLevel>,
    pub(super) entry: Vec<(String, f64)>,
    pub(super) retention_entry: String,
    entries: Vec<CatalogueEntry>,
    version: String,
    on_close: String,
    on_renewal: String,
    on_purchase: Vec<(String, f64)>,
    /// What a reader must know.
    pub(super) notes: Vec<String>,
}

/// A level before it is written.
pub(super) struct DraftLevel {
    /// Position among the levels of the fit; `None` for one that was added.
    pub(super) position: Option<u16>,
    pub(super) name: String,
    pub(super) stage: Stage,
    pub(super) wait: String,
    pub(super) mix: Vec<(u16, f64)>,
    pub(super) exit: f64,
    /// Positions of the rules of the estimate.
    pub(super) rules: Vec<usize>,
    rules_toml: String,
}

impl Draft {
    pub(super) fn new(
        levels: &Levels,
        types: &Types,
        estimate: &Estimate,
        accounts: &[AccountRecord],
    ) -> Self {
        let mut draft = Self {
            levels: draft_levels(levels, types, estimate),
            entry: Vec::new(),
            retention_entry: String::new(),
            entries: types.entries().to_vec(),
            version: version(types),
            on_close: String::new(),
            on_renewal: String::new(),
            on_purchase: Vec::new(),
            notes: Vec::new(),
        };
        draft.lost_levels(levels);
        draft.transactions(types, accounts);
        draft.retention_entry(levels, estimate);
        draft.entry(levels, estimate);
        draft.reach(levels, types, estimate);
        draft.triggers(levels, types);
        if !types.inferred.is_empty() {
            draft.notes.push(format!(
                "{} types are in no catalogue; stage, function, direction and values are what \
                 their rows say, else retention, outbound and 0: {}",
                types.inferred.len(),
                list(&types.inferred)
            ));
        }
        draft
    }

    fn lost_levels(&mut self, levels: &Levels) {
        let kept: Vec<u16> = self.levels.iter().filter_map(|level| level.position).collect();
        let lost: Vec<String> = (0..)
            .zip(&levels.names)
            .filter(|(position, _)| !kept.contains(position))
            .map(|(_, name)| name.clone())
            .collect();
        if !lost.is_empty() {
            self.notes.push(format!("levels without a step are left out: {}", list(&lost)));
        }
    }

    fn transactions(&mut self, types: &Types, accounts: &[AccountRecord]) {
        let name = |kind: TypeIndex| types.entry(kind).interaction_type.clone();
        self.on_close = match types.close {
            Some(kind) => name(kind),
            None => self.add_type("contract_signed", Stage::Closing, true),
        };
        self.on_renewal = match types.renewal {
            Some(kind) => name(kind),
            None => self.add_type("contract_renewed", Stage::Retention, true),
        };
        let mut counts: Vec<(u16, u64)> = Vec::new();
        for (_, kind) in accounts.iter().flat_map(|account| &account.purchases) {
            match counts.iter_mut().find(|(known, _)| *known == kind.0) {
                Some((_, count)) => *count += 1,
                None => counts.push((kind.0, 1)),
            }
        }
        counts.sort_unstable();
        let total: u64 = counts.iter().map(|(_, count)| count).sum();
        self.on_purchase = counts
            .iter()
            .map(|(kind, count)| (name(TypeIndex(*kind)), *count as f64 / total as f64))
            .collect();
        if self.on_purchase.is_empty() {
            let known = (0..types.entries().len() as u16).map(TypeIndex);
            let known: Vec<String> =
                known.filter(|kind| types.is_purchase(*kind)).map(name).collect();
            let share = (known.len() as f64).recip();
            self.on_purchase = known.into_iter().map(|name| (name, share)).collect();
            if !self.on_purchase.is_empty() {
                self.notes.push(
                    "the log has no purchase: `on_purchase` holds the catalogue's transactional \
                     types in equal shares"
                        .to_owned(),
                );
            }
        }
        if self.on_purchase.is_empty() {
            let name = self.add_type("order_placed", Stage::Retention, true);
            self.on_purchase.push((name, 1.0));
        }
    }

    /// Adds a type that the log does not have, under a name that is still free.
    fn add_type(&mut self, name: &str, stage: Stage, transactional: bool) -> String {
        let mut name = name.to_owned();
        while self.entries.iter().any(|entry| entry.interaction_type == name) {
            name.push_str("_added");
        }
        self.entries.push(entry(&name, stage, transactional));
        self.notes.push(format!("type `{name}` is added, not estimated: every flow needs one"));
        name
    }

    fn retention_entry(&mut self, levels: &Levels, estimate: &Estimate) {
        let kept = |level: u16| self.levels.iter().any(|draft| draft.position == Some(level));
        let most = |class: usize| {
            let starts = (0..).zip(&estimate.starts[class]);
            let of_stage = starts.filter(|(level, weight)| {
                **weight > 0.0
                    && levels.stages[usize::from(*level)] == Stage::Retention
                    && kept(*level)
            });
            of_stage.max_by(|a, b| a.1.total_cmp(b.1)).map(|(level, _)| level)
        };
        let known = levels.retention_entry.filter(|level| kept(*level));
        let level = known
            .or_else(|| most(1))
            .or_else(|| most(0))
            .or_else(|| levels.of_stage(Stage::Retention).find(|level| kept(*level)));
        self.retention_entry = match level {
            Some(level) => levels.names[usize::from(level)].clone(),
            None => self.add_level("customer", Stage::Retention),
        };
    }

    /// Adds a level that the log does not have.
    fn add_level(&mut self, name: &str, stage: Stage) -> String {
        let kind = self.add_type("any_interaction", stage, false);
        let position = self.entries.iter().position(|entry| entry.interaction_type == kind);
        let position = position.expect("the type was added just now") as u16;
        let mut name = name.to_owned();
        while self.levels.iter().any(|level| level.name == name) {
            name.push_str("_added");
        }
        self.levels.push(DraftLevel {
            position: None,
            name: name.clone(),
            stage,
            wait: "{ exponential = { mean_days = 30 } }".to_owned(),
            mix: vec![(position, 1.0)],
            exit: 0.0,
            rules: Vec::new(),
            rules_toml: String::new(),
        });
        self.notes.push(format!(
            "level `{name}` is added, not estimated: the log has no row of {stage}, and every flow \
             has a level before and in retention"
        ));
        name
    }

    fn entry(&mut self, levels: &Levels, estimate: &Estimate) {
        let shares = |classes: &[usize]| {
            let mut weights: Vec<(String, f64)> = Vec::new();
            for draft in self.levels.iter().filter(|draft| draft.stage != Stage::Retention) {
                let Some(position) = draft.position else { continue };
                let weight: f64 =
                    classes.iter().map(|&c| estimate.starts[c][usize::from(position)]).sum();
                if weight >= LEAST_STEPS {
                    weights.push((levels.names[usize::from(position)].clone(), weight));
                }
            }
            weights
        };
        self.entry = shares(&[2]);
        if self.entry.is_empty() {
            self.entry = shares(&[3, 4]);
            if !self.entry.is_empty() {
                self.notes.push(
                    "no prospect joins inside the log: `entry` holds the levels at which prospects \
                     were first seen"
                        .to_owned(),
                );
            }
        }
        if self.entry.is_empty() {
            let before = self.levels.iter().find(|level| level.stage != Stage::Retention);
            let name = before.map(|level| level.name.clone());
            let name = name.unwrap_or_else(|| self.add_level("prospect", Stage::Acquisition));
            self.entry = vec![(name, 1.0)];
        }
    }

    /// Makes every level reachable, or leaves it out.
    fn reach(&mut self, levels: &Levels, types: &Types, estimate: &Estimate) {
        loop {
            let reached = self.reached(levels, types, estimate);
            let lost = self.levels.iter().position(|level| !reached.contains(&level.name));
            let Some(lost) = lost else { break };
            let level = &self.levels[lost];
            if level.stage == Stage::Retention {
                let name = &level.name;
                self.notes
                    .push(format!("level `{name}` is left out: no type of the log leads to it"));
                self.levels.remove(lost);
            } else {
                let (name, total) =
                    (level.name.clone(), self.entry.iter().map(|(_, w)| w).sum::<f64>());
                self.entry.push((name, RARE_ENTRY * total));
            }
        }
        let total: f64 = self.entry.iter().map(|(_, weight)| weight).sum();
        for (_, weight) in &mut self.entry {
            *weight /= total;
        }
    }

    fn reached(&self, levels: &Levels, types: &Types, estimate: &Estimate) -> Vec<String> {
        let mut open: Vec<String> = self.entry.iter().map(|(name, _)| name.clone()).collect();
        open.push(self.retention_entry.clone());
        let target = |kind: u16| {
            let level = levels.triggers.get(usize::from(kind)).copied().flatten()?;
            Some(levels.names[usize::from(level)].clone())
        };
        open.extend(types.close.and_then(|close| target(close.0)));
        let mut reached = Vec::new();
        while let Some(name) = open.pop() {
            let level = self.levels.iter().find(|level| level.name == name);
            let Some(level) = level.filter(|_| !reached.contains(&name)) else { continue };
            reached.push(name);
            let mix = level.mix.iter().map(|(kind, _)| *kind);
            let answers = level.rules.iter().map(|&rule| estimate.model.rules[rule].then);
            open.extend(mix.chain(answers).filter_map(target));
        }
        reached
    }

    /// `trigger_to` as the fit understood it.
    fn triggers(&mut self, levels: &Levels, types: &Types) {
        for (kind, entry) in self.entries.iter_mut().enumerate() {
            let level = levels.triggers.get(kind).copied().flatten();
            entry.trigger_to = level
                .filter(|level| self.levels.iter().any(|draft| draft.position == Some(*level)))
                .map(|level| levels.names[usize::from(level)].clone());
        }
        let ours = types.entries().iter().zip(&self.entries);
        let lost: Vec<String> = ours
            .filter(|(before, now)| before.trigger_to.is_some() && now.trigger_to.is_none())
            .map(|(entry, _)| entry.interaction_type.clone())
            .collect();
        if !lost.is_empty() {
            self.notes.push(format!(
                "{} types lose their `trigger_to`: the log has no such level, or the move crosses \
                 into or out of retention without being the close: {}",
                lost.len(),
                list(&lost)
            ));
        }
    }

    /// `flow.toml` and `catalogue.csv`.
    pub(super) fn files(&self) -> (String, String) {
        let mut toml = String::from("# Fitted to a log by `rvq flow fit`.\n");
        for note in &self.notes {
            let _ = writeln!(toml, "# {}", note.replace(['\n', '\r'], " "));
        }
        let _ = write!(
            toml,
            "\ncatalogue = \"catalogue.csv\"\nretention_entry = {}\n\n[entry]\n{}\n[transactions]\n\
             on_close = {}\non_renewal = {}\n\n[transactions.on_purchase]\n{}",
            quoted(&self.retention_entry),
            distribution(self.entry.iter().map(|(name, p)| (name.as_str(), *p))),
            quoted(&self.on_close),
            quoted(&self.on_renewal),
            distribution(self.on_purchase.iter().map(|(name, p)| (name.as_str(), *p))),
        );
        for level in &self.levels {
            self.level(level, &mut toml);
        }
        (toml, self.catalogue().to_csv())
    }

    fn level(&self, level: &DraftLevel, toml: &mut String) {
        let name = |kind: u16| self.entries[usize::from(kind)].interaction_type.as_str();
        let _ = write!(
            toml,
            "\n[[levels]]\nname = {}\nstage = \"{}\"\nwait = {}\n",
            quoted(&level.name),
            level.stage,
            level.wait,
        );
        if level.exit > 0.0 {
            let exit = level.exit;
            let _ = writeln!(toml, "exits = [{{ reason = \"left\", probability = {exit:.7} }}]");
        }
        toml.push_str(&level.rules_toml);
        toml.push_str("\n[levels.mix]\n");
        toml.push_str(&distribution(level.mix.iter().map(|(kind, p)| (name(*kind), *p))));
    }

    fn catalogue(&self) -> Catalogue {
        Catalogue::from_entries(self.version.clone(), self.entries.clone())
            .expect("names of a catalogue and those added to it are different")
    }

    /// Where records start, in terms of the levels of `flow`.
    pub(super) fn starts(&self, flow: &Flow, estimate: &Estimate) -> Starts {
        let index = |name: &str| {
            let position = flow.levels().iter().position(|level| level.name == name);
            LevelIndex(position.expect("a level that was written is in the flow") as u16)
        };
        let by_class = (0..CLASSES)
            .map(|class| {
                let mut shares: Vec<(LevelIndex, f64)> = self
                    .levels
                    .iter()
                    .filter_map(|level| {
                        let weight = estimate.starts[class][usize::from(level.position?)];
                        (weight > 0.0).then(|| (index(&level.name), weight))
                    })
                    .collect();
                if class == 1 || shares.is_empty() {
                    let customer = class < 2;
                    shares = if customer {
                        vec![(flow.retention_entry(), 1.0)]
                    } else {
                        flow.entry().to_vec()
                    };
                }
                let total: f64 = shares.iter().map(|(_, weight)| weight).sum();
                shares.into_iter().map(|(level, weight)| (level, weight / total)).collect()
            })
            .collect();
        Starts { by_class }
    }
}

/// The files, read back as a flow.
pub(super) fn read_back(flow_toml: &str, catalogue_csv: &str) -> Result<Flow, FitError> {
    let flow = Source::new("flow.toml", flow_toml);
    Ok(Flow::from_sources(flow, Source::new("catalogue.csv", catalogue_csv))?)
}

fn draft_levels(levels: &Levels, types: &Types, estimate: &Estimate) -> Vec<DraftLevel> {
    let mut drafts = Vec::new();
    for (position, name) in (0..).zip(&levels.names) {
        let at = usize::from(position);
        let stage = levels.stages[at];
        let counts = &estimate.tally.mixes[at];
        let fits = |kind: &usize| types.entries()[*kind].stage == stage;
        let least = |kind: usize| {
            let rules = &estimate.model.rules;
            let answers = rules.iter().any(|r| (r.level, usize::from(r.then)) == (position, kind));
            if answers { LEAST_STEPS_OF_ANSWERS } else { LEAST_STEPS }
        };
        let mut seen: Vec<(u16, f64)> = counts
            .iter()
            .enumerate()
            .filter(|(kind, count)| **count >= least(*kind) && fits(kind))
            .map(|(kind, count)| (kind as u16, count + FLOOR))
            .collect();
        let total: f64 = seen.iter().map(|(_, count)| count).sum();
        for (_, count) in &mut seen {
            *count /= total;
        }
        if seen.is_empty() {
            continue;
        }
        let rules = rules_of(position, &seen, estimate);
        let wait = estimate.waits[at].as_ref().map_or_else(
            || {
                format!(
                    "{{ exponential = {{ mean_days = {} }} }}",
                    estimate.model.waits[at].mean_days()
                )
            },
            law_toml,
        );
        let mut draft = DraftLevel {
            position: Some(position),
            name: name.clone(),
            stage,
            wait,
            mix: seen,
            exit: estimate.model.exits[at],
            rules,
            rules_toml: String::new(),
        };
        draft.rules_toml = rules_toml(&draft, types, estimate);
        drafts.push(draft);
    }
    drafts
}

/// Rules of a level whose question is asked there, by the mix or as another answer.
fn rules_of(level: u16, mix: &[(u16, f64)], estimate: &Estimate) -> Vec<usize> {
    let of_level: Vec<usize> = (0..estimate.model.rules.len())
        .filter(|&rule| estimate.model.rules[rule].level == level)
        .collect();
    let asked = |rule: &usize| {
        let after = estimate.model.rules[*rule].after;
        mix.iter().any(|(kind, _)| *kind == after)
            || of_level.iter().any(|&other| estimate.model.rules[other].then == after)
    };
    of_level.iter().copied().filter(asked).collect()
}

fn rules_toml(level: &DraftLevel, types: &Types, estimate: &Estimate) -> String {
    if level.rules.is_empty() {
        return String::new();
    }
    let name = |kind: u16| quoted(&types.entries()[usize::from(kind)].interaction_type);
    let mut toml = String::from("follow_ups = [\n");
    for &position in &level.rules {
        let rule = &estimate.model.rules[position];
        let wait = estimate.answers[position].as_ref().map_or_else(
            || format!("{{ exponential = {{ mean_days = {} }} }}", rule.wait.mean_days()),
            law_toml,
        );
        let _ = writeln!(
            toml,
            "  {{ after = {}, then = {}, probability = {:.7}, wait = {wait} }},",
            name(rule.after),
            name(rule.then),
            rule.probability,
        );
    }
    toml.push_str("]\n");
    toml
}

fn law_toml(fit: &LawFit) -> String {
    let names = fit.family.parameter_names().iter().zip(&fit.parameters);
    let parameters: Vec<String> =
        names.map(|(name, value)| format!("{name} = {}", rounded(*value))).collect();
    format!("{{ {} = {{ {} }} }}", fit.family.name(), parameters.join(", "))
}

/// Seven significant digits, as TOML writes a number.
fn rounded(value: f64) -> String {
    let digits = (6 - value.abs().log10().floor() as i32).clamp(0, 17) as usize;
    format!("{value:.digits$}")
}

/// Names with probabilities to seven places; the largest takes what rounding leaves.
fn distribution<'a>(shares: impl Iterator<Item = (&'a str, f64)>) -> String {
    const PLACES: f64 = 1e7;
    let mut whole: Vec<(&str, i64)> =
        shares.map(|(name, share)| (name, (share * PLACES).round() as i64)).collect();
    let rest = PLACES as i64 - whole.iter().map(|(_, count)| count).sum::<i64>();
    if let Some((_, most)) = whole.iter_mut().max_by_key(|(_, count)| *count) {
        *most += rest;
    }
    let mut text = String::new();
    for (name, count) in whole {
        let _ = writeln!(text, "{} = {:.7}", quoted(name), count as f64 / PLACES);
    }
    text
}

fn quoted(text: &str) -> String {
    // A basic string in TOML escapes as one in JSON does.
    serde_json::Value::String(text.to_owned()).to_string()
}

fn version(types: &Types) -> String {
    match types.version() {
        "" => "fitted".to_owned(),
        version if version.ends_with("fitted") => version.to_owned(),
        version => format!("{version} fitted"),
    }
}

/// The first few of `names`.
fn list(names: &[String]) -> String {
    const MOST: usize = 8;
    let mut text =
        names.iter().take(MOST).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        let _ = write!(text, " and {} more", names.len() - MOST);
    }
    text
}
