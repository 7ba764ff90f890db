//! One contact's walk through the interaction process flow.

use crate::flow::{Flow, Level, LevelIndex};
use crate::ids::{AccountIndex, ContactIndex, TypeIndex};
use crate::interaction::Stage;
use crate::rng::{Draws, Purpose, Streams};
use crate::time::Instant;

/// The mix of one level, split so that negative interactions can be made more or less frequent.
#[derive(Debug, Clone)]
struct LevelMix {
    negative_share: f64,
    negative: Cumulative,
    other: Cumulative,
}

/// A discrete law as its cumulative shares.
#[derive(Debug, Clone, Default)]
pub(super) struct Cumulative {
    kinds: Vec<TypeIndex>,
    ends: Vec<f64>,
}

impl Cumulative {
    pub(super) fn new(mix: impl Iterator<Item = (TypeIndex, f64)>) -> Self {
        let mut law = Self::default();
        let mut end = 0.0;
        for (kind, share) in mix {
            end += share;
            law.kinds.push(kind);
            law.ends.push(end);
        }
        for share in &mut law.ends {
            *share /= end;
        }
        law
    }

    pub(super) fn pick(&self, u: f64) -> TypeIndex {
        self.kinds[self.ends.partition_point(|&end| end <= u).min(self.kinds.len() - 1)]
    }
}

/// The mixes of all levels of a flow, ready for drawing.
#[derive(Debug, Clone)]
pub(super) struct Mixes {
    levels: Vec<LevelMix>,
}

impl Mixes {
    pub(super) fn new(flow: &Flow) -> Self {
        let is_negative =
            |kind: &TypeIndex| flow.catalogue().entries()[usize::from(kind.0)].worth.rv < 0.0;
        let split = |level: &Level| {
            let part = |negative: bool| {
                Cumulative::new(
                    level
                        .mix
                        .iter()
                        .copied()
                        .filter(move |(kind, _)| is_negative(kind) == negative),
                )
            };
            let negatives = level.mix.iter().filter(|(kind, _)| is_negative(kind));
            LevelMix {
                negative_share: negatives.map(|(_, share)| share).sum(),
                negative: part(true),
                other: part(false),
            }
        };
        Self { levels: flow.levels().iter().map(split).collect() }
    }

    /// Draws a type at `level`; `tilt` multiplies the odds of a negative one.
    fn pick(&self, level: LevelIndex, tilt: f64, u: f64) -> TypeIndex {
        let mix = &self.levels[usize::from(level.0)];
        let odds = mix.negative_share * tilt;
        let share = odds / (odds + 1.0 - mix.negative_share);
        if u < share {
            mix.negative.pick(u / share)
        } else {
            mix.other.pick((u - share) / (1.0 - share))
        }
    }
}

/// What all walks share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terrain<'a> {
    pub(super) flow: &'a Flow,
    pub(super) mixes: &'a Mixes,
}

/// A contact on its way through the flow.
#[derive(Debug, Clone)]
pub(super) struct Walker {
    pub(super) contact: ContactIndex,
    /// When the contact leaves the account for reasons of its own.
    pub(super) leaves_at: Instant,
    level: LevelIndex,
    next_at: Instant,
    step: u64,
    steps: Draws,
    answers: Draws,
    /// Follow-ups that are on their way.
    pending: Vec<(Instant, TypeIndex)>,
}

impl Walker {
    /// A contact that starts its walk at `level` at time `from`.
    pub(super) fn start(
        terrain: Terrain<'_>,
        (streams, account): (Streams, AccountIndex),
        contact: ContactIndex,
        level: LevelIndex,
        (from, leaves_at): (Instant, Instant),
        pace: f64,
    ) -> Self {
        let mut walker = Self {
            contact,
            leaves_at,
            level,
            next_at: from,
            step: 0,
            steps: streams.draws(Purpose::Walk, account, contact),
            answers: streams.draws(Purpose::FollowUp, account, contact),
            pending: Vec::new(),
        };
        walker.wait(terrain, from, pace);
        walker
    }

    /// Moves the contact to `level`: its clock starts anew.
    pub(super) fn enter(
        &mut self,
        terrain: Terrain<'_>,
        level: LevelIndex,
        at: Instant,
        pace: f64,
    ) {
        self.level = level;
        // The wait in progress has used the draw of this step.
        self.step += 1;
        self.wait(terrain, at, pace);
    }

    fn wait(&mut self, terrain: Terrain<'_>, from: Instant, pace: f64) {
        let law = &terrain.flow.levels()[usize::from(self.level.0)].wait;
        let days = law.sample(&mut self.steps.stream(2 * self.step + 1));
        self.next_at = from.plus_days((days / pace).max(1e-3));
    }

    /// Walks until `until` and reports every interaction; `false` once the contact left the flow.
    pub(super) fn advance(
        &mut self,
        terrain: Terrain<'_>,
        until: Instant,
        (pace, tilt): (f64, f64),
        mut report: impl FnMut(Instant, TypeIndex),
    ) -> bool {
        let until = until.min(self.leaves_at);
        loop {
            let answer = self.pending.iter().enumerate().min_by_key(|(_, (at, _))| *at);
            if let Some((position, &(at, kind))) = answer
                && at <= self.next_at
            {
                if at >= until {
                    break;
                }
                self.pending.swap_remove(position);
                report(at, kind);
                // An answer may be answered too, with draws of its own.
                self.step += 1;
                let level = &terrain.flow.levels()[usize::from(self.level.0)];
                self.schedule_answers(level, kind, at);
                self.follow_trigger(terrain, kind, at, pace);
                continue;
            }
            let at = self.next_at;
            if at >= until {
                break;
            }
            self.step += 1;
            let mut stream = self.steps.stream(2 * self.step);
            let level = &terrain.flow.levels()[usize::from(self.level.0)];
            let exits: f64 = level.exits.iter().map(|exit| exit.probability).sum();
            if stream.uniform() < exits {
                self.leaves_at = at;
                return false;
            }
            let kind = terrain.mixes.pick(self.level, tilt, stream.uniform());
            report(at, kind);
            self.schedule_answers(level, kind, at);
            if !self.follow_trigger(terrain, kind, at, pace) {
                self.wait(terrain, at, pace);
            }
        }
        until < self.leaves_at
    }

    fn schedule_answers(&mut self, level: &Level, kind: TypeIndex, at: Instant) {
        let answers = level.follow_ups.iter().filter(|answer| answer.after == kind);
        for (position, answer) in answers.enumerate() {
            let mut stream = self.answers.stream(8 * self.step + position as u64);
            if stream.uniform() < answer.probability {
                let days = answer.wait.sample(&mut stream);
                self.pending.push((at.plus_days(days), answer.then));
            }
        }
    }

    fn follow_trigger(
        &mut self,
        terrain: Terrain<'_>,
        kind: TypeIndex,
        at: Instant,
        pace: f64,
    ) -> bool {
        let stage = |level: LevelIndex| terrain.flow.levels()[usize::from(level.0)].stage;
        // A late answer to a prospect does not make a customer a prospect again.
        let back = |to| stage(self.level) == Stage::Retention && stage(to) != Stage::Retention;
        match terrain.flow.trigger(kind) {
            Some(level) if level != self.level && !back(level) => {
                self.enter(terrain, level, at, pace);
                true
            }
            _ => false,
        }
    }
}
