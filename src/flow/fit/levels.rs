//! At which level every row happened: as rows say, by replaying triggers, or one level per stage.

use std::collections::BTreeMap;

use serde::Serialize;

use super::prepare::Types;
use super::record::Record;
use super::start;
use crate::ids::TypeIndex;
use crate::interaction::Stage;
use crate::time::Instant;

/// How the levels of rows were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LevelSource {
    /// Rows carry them in column `level`.
    Column,
    /// Replayed from the catalogue's `trigger_to`; before the first trigger they are inferred.
    Triggers,
    /// One level per stage: the log has neither.
    Stages,
}

impl LevelSource {
    /// What the choice means, for a reader of the result.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Column => "from the column `level`, which at least half of the rows carry",
            Self::Triggers => {
                "replayed from `trigger_to` of the catalogue, since rows carry no level; before \
                 a contact's first trigger its level is inferred from what it does"
            }
            Self::Stages => {
                "one level per stage, since rows carry no level and no type of the log moves one"
            }
        }
    }
}

/// The levels of a fit and what moves contacts between them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Levels {
    pub(super) source: LevelSource,
    pub(super) names: Vec<String>,
    pub(super) stages: Vec<Stage>,
    /// By catalogue position.
    pub(super) triggers: Vec<Option<u16>>,
    /// Where customers begin, where the log says so.
    pub(super) retention_entry: Option<u16>,
    /// By position of a level name of the log: the level.
    columns: Vec<Option<u16>>,
    /// Trigger types of the catalogue that move to no level of the log.
    pub(super) lost_triggers: Vec<String>,
}

/// One step of a record as a level sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Event {
    /// An interaction at `level`; `moves` when it leads to another level.
    Row { at: Instant, kind: u16, level: u16, moves: bool },
    /// An outcome moves the contact: the wait at the old level is cut off.
    Reset { at: Instant, level: u16 },
    /// The contact has moved at a time nobody knows.
    Lost,
}

/// A record read from one start level on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) start_level: u16,
    /// When the first wait began, if that is known.
    pub(super) clock: Option<Instant>,
    pub(super) events: Vec<Event>,
    /// When the contact left, else until when it was watched.
    pub(super) end: Instant,
    pub(super) left: bool,
    /// Level at the end.
    pub(super) end_level: u16,
    /// Probability of the start level.
    pub(super) weight: f64,
}

impl Levels {
    /// The levels of `records`.
    pub(super) fn find(records: &[&Record], types: &Types) -> Self {
        let rows = || records.iter().flat_map(|r| r.anchor.iter().chain(&r.rows));
        let (mut all, mut carry) = (0_u64, 0_u64);
        let mut occurs = vec![false; types.entries().len()];
        for row in rows() {
            all += 1;
            carry += u64::from(row.level.is_some());
            occurs[usize::from(row.kind.0)] = true;
        }
        for (_, kind) in records.iter().flat_map(|r| &r.moves) {
            occurs[usize::from(kind.0)] = true;
        }
        let triggered = types
            .entries()
            .iter()
            .zip(&occurs)
            .any(|(e, &occurs)| occurs && e.trigger_to.is_some());
        if carry * 2 >= all && carry > 0 {
            Self::from_columns(records, types)
        } else if triggered {
            Self::from_triggers(records, types, &occurs)
        } else {
            Self::from_stages(records, types)
        }
    }

    fn from_columns(records: &[&Record], types: &Types) -> Self {
        let mut votes = vec![[0_u64; 3]; types.level_names().len()];
        for row in records.iter().flat_map(|r| r.anchor.iter().chain(&r.rows)) {
            if let Some(level) = row.level {
                votes[usize::from(level)][row.stage as usize] += 1;
            }
        }
        let mut levels = Self::empty(LevelSource::Column, types);
        levels.columns = vec![None; votes.len()];
        for stage in Stage::ALL {
            for (position, vote) in votes.iter().enumerate() {
                if winner(vote) == Some(stage) {
                    levels.columns[position] = Some(levels.names.len() as u16);
                    levels.add(&types.level_names()[position], stage);
                }
            }
        }
        levels.name_triggers(types);
        levels.infer_triggers(records, types);
        levels
    }

    fn from_triggers(records: &[&Record], types: &Types, occurs: &[bool]) -> Self {
        let mut targets: Vec<&str> = Vec::new();
        for (entry, _) in types.entries().iter().zip(occurs).filter(|(_, occurs)| **occurs) {
            if let Some(target) = entry.trigger_to.as_deref()
                && !targets.contains(&target)
            {
                targets.push(target);
            }
        }
        let target_of = |kind: TypeIndex| {
            let name = types.entry(kind).trigger_to.as_deref()?;
            targets.iter().position(|target| *target == name)
        };
        let mut votes = vec![[0_u64; 3]; targets.len()];
        for record in records {
            let mut level = None;
            let mut moves = record.moves.iter().peekable();
            for row in record.anchor.iter().chain(&record.rows) {
                while let Some((_, kind)) = moves.next_if(|(at, _)| *at <= row.at) {
                    level = target_of(*kind).or(level);
                }
                if let Some(level) = level {
                    let votes: &mut [u64; 3] = &mut votes[level];
                    votes[row.stage as usize] += 1;
                }
                level = target_of(row.kind).or(level);
            }
        }
        let mut levels = Self::empty(LevelSource::Triggers, types);
        for stage in Stage::ALL {
            for (name, vote) in targets.iter().zip(&votes) {
                if winner(vote) == Some(stage) {
                    levels.add(name, stage);
                }
            }
        }
        levels.name_triggers(types);
        start::add_hidden_levels(&mut levels, records, types);
        levels
    }

    fn from_stages(records: &[&Record], types: &Types) -> Self {
        let mut levels = Self::empty(LevelSource::Stages, types);
        let rows = || records.iter().flat_map(|r| r.anchor.iter().chain(&r.rows));
        for stage in Stage::ALL {
            if rows().any(|row| types.entry(row.kind).stage == stage) {
                levels.add(stage.name(), stage);
            }
        }
        levels.infer_triggers(records, types);
        levels
    }

    fn empty(source: LevelSource, types: &Types) -> Self {
        Self {
            source,
            names: Vec::new(),
            stages: Vec::new(),
            triggers: vec![None; types.entries().len()],
            retention_entry: None,
            columns: Vec::new(),
            lost_triggers: Vec::new(),
        }
    }

    /// Appends a level; levels of one stage stay together when stages come in order.
    fn add(&mut self, name: &str, stage: Stage) {
        self.names.push(name.to_owned());
        self.stages.push(stage);
    }

    /// Inserts a level as the first of its stage.
    pub(super) fn insert(&mut self, name: &str, stage: Stage) -> u16 {
        let at = self.stages.iter().position(|&known| known >= stage).unwrap_or(self.names.len());
        self.names.insert(at, name.to_owned());
        self.stages.insert(at, stage);
        for level in self.triggers.iter_mut().chain([&mut self.retention_entry]).flatten() {
            *level += u16::from(usize::from(*level) >= at);
        }
        at as u16
    }

    pub(super) fn of_stage(&self, stage: Stage) -> impl Iterator<Item = u16> + '_ {
        (0..).zip(&self.stages).filter(move |(_, known)| **known == stage).map(|(l, _)| l)
    }

    /// Takes over the triggers of the catalogue where they name a level of the log.
    fn name_triggers(&mut self, types: &Types) {
        for (kind, entry) in (0..).zip(types.entries()) {
            let Some(target) = &entry.trigger_to else { continue };
            let level = self.names.iter().position(|name| name == target).map(|at| at as u16);
            match level {
                Some(level) if self.may_move(types, TypeIndex(kind), level) => {
                    self.triggers[usize::from(kind)] = Some(level);
                }
                _ => self.lost_triggers.push(entry.interaction_type.clone()),
            }
        }
        self.retention_entry = types
            .close
            .and_then(|close| self.triggers[usize::from(close.0)])
            .filter(|&level| self.stages[usize::from(level)] == Stage::Retention);
    }

    /// Only the close leads into retention, and nothing leads out of it.
    fn may_move(&self, types: &Types, kind: TypeIndex, level: u16) -> bool {
        let from = types.entry(kind).stage == Stage::Retention;
        let to = self.stages[usize::from(level)] == Stage::Retention;
        from == to || types.close == Some(kind)
    }

    /// Types without a trigger after which the level of the next row is another one, most times.
    fn infer_triggers(&mut self, records: &[&Record], types: &Types) {
        let mut followed: BTreeMap<u16, (u64, BTreeMap<u16, u64>)> = BTreeMap::new();
        for record in records {
            let rows: Vec<_> = record.anchor.iter().chain(&record.rows).collect();
            let mut level = None;
            let at: Vec<Option<u16>> = rows
                .iter()
                .map(|row| {
                    level = self.carried(row.level, row.stage, level);
                    level
                })
                .collect();
            for (row, pair) in rows.iter().zip(at.windows(2)) {
                let (Some(from), Some(to)) = (pair[0], pair[1]) else { continue };
                let seen = followed.entry(row.kind.0).or_default();
                seen.0 += 1;
                if from != to {
                    *seen.1.entry(to).or_default() += 1;
                }
            }
        }
        for (kind, (rows, moved)) in followed {
            let best = moved.into_iter().max_by_key(|(level, n)| (*n, u16::MAX - level));
            if let Some((level, n)) = best
                && self.triggers[usize::from(kind)].is_none()
                && n >= 3
                && 2 * n >= rows
                && self.may_move(types, TypeIndex(kind), level)
            {
                self.triggers[usize::from(kind)] = Some(level);
            }
        }
    }

    /// Level of a row as it says, given the level of the row before.
    fn carried(&self, column: Option<u16>, stage: Stage, before: Option<u16>) -> Option<u16> {
        match self.source {
            LevelSource::Column => column.and_then(|at| self.columns[usize::from(at)]).or(before),
            LevelSource::Triggers => None,
            LevelSource::Stages => {
                let own = self.of_stage(stage).next();
                before.max(own)
            }
        }
    }

    /// Levels at which the record may have started.
    pub(super) fn candidates(&self, record: &Record) -> Vec<u16> {
        let mut level = None;
        for row in record.anchor.iter().chain(&record.rows) {
            level = self.carried(row.level, row.stage, level);
            if let Some(level) = level {
                return vec![level];
            }
        }
        if record.joined
            && record.stage == Stage::Retention
            && let Some(entry) = self.retention_entry
        {
            return vec![entry];
        }
        let of_stage: Vec<u16> = if record.stage == Stage::Retention {
            self.of_stage(Stage::Retention).collect()
        } else if record.joined {
            // A prospect may enter at any level before retention.
            self.of_stage(Stage::Acquisition).chain(self.of_stage(Stage::Closing)).collect()
        } else {
            self.of_stage(record.stage).collect()
        };
        if of_stage.is_empty() { (0..self.names.len() as u16).collect() } else { of_stage }
    }

    /// The steps of `record` when it started at `start_level`.
    pub(super) fn path(&self, record: &Record, start_level: u16, weight: f64) -> Path {
        let mut events = Vec::with_capacity(record.rows.len() + 1);
        let mut level = start_level;
        let mut moves = record.moves.iter().peekable();
        let end = record.left_at.unwrap_or(record.until);
        let rows: Vec<_> = record.anchor.iter().chain(&record.rows).collect();
        let mut before: Option<u16> = None;
        let carried: Vec<Option<u16>> = rows
            .iter()
            .map(|row| {
                before = self.carried(row.level, row.stage, before);
                before
            })
            .collect();
        for (position, row) in rows.iter().enumerate() {
            while let Some((at, kind)) = moves.next_if(|(at, _)| *at <= row.at) {
                self.reset(&mut events, &mut level, *at, *kind);
            }
            if let Some(carried) = carried[position]
                && carried != level
            {
                events.push(Event::Lost);
                level = carried;
            }
            let to = self.target(row.kind, level);
            let next = carried.get(position + 1).copied().flatten();
            let to = to.filter(|to| next.is_none_or(|next| next == *to));
            events.push(Event::Row { at: row.at, kind: row.kind.0, level, moves: to.is_some() });
            level = to.unwrap_or(level);
        }
        for (at, kind) in moves.filter(|(at, _)| *at < end) {
            self.reset(&mut events, &mut level, *at, *kind);
        }
        let clock = record.joined.then_some(record.start);
        let left = record.left_at.is_some();
        Path { start_level, clock, events, end, left, end_level: level, weight }
    }

    fn reset(&self, events: &mut Vec<Event>, level: &mut u16, at: Instant, kind: TypeIndex) {
        if let Some(to) = self.target(kind, *level) {
            events.push(Event::Reset { at, level: to });
            *level = to;
        }
    }

    /// Level to which a row moves a contact at `level`; a customer is no prospect again.
    pub(super) fn target(&self, kind: TypeIndex, level: u16) -> Option<u16> {
        let to = self.triggers[usize::from(kind.0)]?;
        let stage = |level: u16| self.stages[usize::from(level)];
        let back = stage(level) == Stage::Retention && stage(to) != Stage::Retention;
        (to != level && !back).then_some(to)
    }
}

fn winner(votes: &[u64; 3]) -> Option<Stage> {
    let best =
        Stage::ALL.into_iter().max_by_key(|stage| (votes[*stage as usize], 2 - *stage as usize));
    best.filter(|stage| votes[*stage as usize] > 0)
}
