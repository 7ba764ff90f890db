//! The compiled flow and one contact's walk through it: the only step function there is.
//!
//! Waits are drawn in raw time and reported in opening hours, where the flow has any. Every step
//! is one keyed draw of 64 bits: the lower half waits, the upper half picks what happens.

use crate::flow::{Clock, Flow, Level, LevelIndex, SojournLaw};
use crate::ids::{AccountIndex, ContactIndex, TypeIndex};
use crate::interaction::Stage;
use crate::rng::{Draws, Purpose, Streams};
use crate::time::{BusinessCalendar, Calendar, Instant};

use super::pending::{Answer, Pending};
use super::sampler::{AliasTable, Place, QuantileTable};

/// 2³², the number of values of 32 bits.
const RANGE: f64 = 4_294_967_296.0;

const MICROS_PER_DAY: f64 = 86_400_000_000.0;

/// Ordinals between one step and the next: room for the answers to it.
const ORDINALS_PER_STEP: u32 = 256;

/// What all walks share: the flow as tables.
#[derive(Debug, Clone)]
pub(super) struct Terrain {
    levels: Box<[Ground]>,
    kinds: usize,
    /// By level, then type: what follows when an answer of this type arrives there.
    arrivals: Box<[Event]>,
    answers: Box<[AnswerLaw]>,
    waits: Box<[QuantileTable]>,
    /// One more than the most answers to one type at one level.
    fan: u32,
    business: Option<BusinessCalendar>,
}

/// One level.
#[derive(Debug, Clone)]
struct Ground {
    mix: Mix,
    wait: Wait,
}

#[derive(Debug, Clone)]
enum Mix {
    /// Types and leaving, in one table.
    Fixed(AliasTable<Event>),
    /// The same in parts, so that the odds of some types can be multiplied.
    Tilted(Box<Split>),
}

#[derive(Debug, Clone)]
struct Split {
    /// Of 2³² draws, those that leave.
    leaving: u32,
    tilted_share: f64,
    tilted: AliasTable<Event>,
    other: AliasTable<Event>,
}

#[derive(Debug, Clone)]
enum Wait {
    Reset(QuantileTable),
    Forward(SojournLaw),
}

/// What a step or an answer brings.
#[derive(Debug, Clone, Copy)]
struct Event {
    kind: TypeIndex,
    /// Where the contact is afterwards; [`GONE`] when it leaves instead.
    to: LevelIndex,
    /// Answers that it may have: a range of [`Terrain::answers`].
    first_answer: u16,
    answers: u16,
}

const GONE: LevelIndex = LevelIndex(u16::MAX);

#[derive(Debug, Clone, Copy)]
struct AnswerLaw {
    then: TypeIndex,
    /// Of 2³² draws, those that answer.
    chance: u64,
    wait: u16,
}

/// How a contact walks for now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Motion {
    /// Divides waits between steps.
    pub(super) pace: f64,
    /// Multiplies the odds of the tilted types.
    pub(super) tilt: f64,
}

impl Terrain {
    /// Compiles `flow` for the time zone of `calendar`; `tilted`: by catalogue position, the types
    /// whose odds a [`Motion`] multiplies.
    pub(super) fn new(flow: &Flow, calendar: Calendar, tilted: &[bool]) -> Self {
        let mut builder = Builder { flow, answers: Vec::new(), waits: Vec::new(), fan: 1 };
        let kinds = flow.catalogue().entries().len();
        let mut arrivals = Vec::with_capacity(flow.levels().len() * kinds);
        let mut levels = Vec::with_capacity(flow.levels().len());
        for (level, position) in flow.levels().iter().zip(0..u16::MAX) {
            let events: Vec<Event> = (0..kinds)
                .map(|kind| builder.event(LevelIndex(position), TypeIndex(kind as u16)))
                .collect();
            let wait = match level.clock {
                Clock::Reset => Wait::Reset(QuantileTable::new(&level.wait)),
                Clock::Forward => Wait::Forward(level.wait.clone()),
            };
            levels.push(Ground { mix: mix(level, &events, tilted), wait });
            arrivals.extend(events);
        }
        Self {
            levels: levels.into(),
            kinds,
            arrivals: arrivals.into(),
            answers: builder.answers.into(),
            waits: builder.waits.into_iter().map(|(_, table)| table).collect(),
            fan: builder.fan,
            business: flow.calendar().map(|hours| BusinessCalendar::new(hours, calendar)),
        }
    }

    #[inline]
    fn to_wall(&self, raw: i64) -> Instant {
        let raw = Instant::from_micros(raw);
        self.business.as_ref().map_or(raw, |business| business.to_wall(raw))
    }

    fn to_raw(&self, wall: Instant) -> i64 {
        self.business.as_ref().map_or(wall, |business| business.to_raw(wall)).micros()
    }
}

fn mix(level: &Level, events: &[Event], tilted: &[bool]) -> Mix {
    let leaving: f64 = level.exits.iter().map(|exit| exit.probability).sum();
    let is_tilted = |kind: TypeIndex| tilted.get(usize::from(kind.0)).is_some_and(|&tilted| tilted);
    let pairs = || level.mix.iter().map(|&(kind, p)| (events[usize::from(kind.0)], p));
    let part = |wanted: bool| AliasTable::new(pairs().filter(|(e, _)| is_tilted(e.kind) == wanted));
    if let (Some(tilted), Some(other)) = (part(true), part(false)) {
        let tilted_share = pairs().filter(|(e, _)| is_tilted(e.kind)).map(|(_, p)| p).sum();
        let leaving = (leaving * RANGE) as u32;
        return Mix::Tilted(Box::new(Split { leaving, tilted_share, tilted, other }));
    }
    let exit = Event { to: GONE, answers: 0, ..events[0] };
    let staying = pairs().map(|(event, p)| (event, p * (1.0 - leaving)));
    let all = AliasTable::new(staying.chain([(exit, leaving)]));
    Mix::Fixed(all.expect("the mix of a checked level sums to 1"))
}

struct Builder<'a> {
    flow: &'a Flow,
    answers: Vec<AnswerLaw>,
    /// One table for all answers that take equally long.
    waits: Vec<(SojournLaw, QuantileTable)>,
    fan: u32,
}

impl Builder<'_> {
    fn event(&mut self, level: LevelIndex, kind: TypeIndex) -> Event {
        let stage = |level: LevelIndex| self.flow.levels()[usize::from(level.0)].stage;
        // A late answer to a prospect does not make a customer a prospect again.
        let back = |to| stage(level) == Stage::Retention && stage(to) != Stage::Retention;
        let to = self.flow.trigger(kind).filter(|&to| !back(to)).unwrap_or(level);
        let first_answer = self.answers.len() as u16;
        let flow = self.flow;
        let answers = flow.levels()[usize::from(level.0)].follow_ups.iter();
        for answer in answers.filter(|answer| answer.after == kind) {
            let chance = (answer.probability * RANGE) as u64;
            let wait = self.wait(&answer.wait);
            self.answers.push(AnswerLaw { then: answer.then, chance, wait });
        }
        let answers = self.answers.len() as u16 - first_answer;
        self.fan = self.fan.max(u32::from(answers) + 1);
        Event { kind, to, first_answer, answers }
    }

    fn wait(&mut self, law: &SojournLaw) -> u16 {
        let known = self.waits.iter().position(|(known, _)| known == law);
        let position = known.unwrap_or_else(|| {
            self.waits.push((law.clone(), QuantileTable::new(law)));
            self.waits.len() - 1
        });
        position as u16
    }
}

impl Split {
    fn pick(&self, bits: u32, tilt: f64) -> Option<Event> {
        if bits < self.leaving {
            return None;
        }
        let staying = f64::from(bits - self.leaving) / (RANGE - f64::from(self.leaving));
        let odds = self.tilted_share * tilt;
        let share = odds / (odds + 1.0 - self.tilted_share);
        let (table, within) = if staying < share {
            (&self.tilted, staying / share)
        } else {
            (&self.other, (staying - share) / (1.0 - share))
        };
        Some(table.pick((within * RANGE) as u32))
    }
}

/// The draw of one step.
#[derive(Debug, Clone, Copy)]
struct StepDraw {
    /// What the step picks with.
    picks: u32,
    /// What the wait before it is drawn with.
    waits: u32,
    place: Place,
}

impl StepDraw {
    #[inline]
    fn new(draws: Draws, step: u32) -> Self {
        let bits = draws.bits(u64::from(step));
        let waits = bits as u32;
        Self { picks: (bits >> 32) as u32, waits, place: Place::of(waits) }
    }
}

/// For a clock that runs on: how long the contact has been at its level.
#[derive(Debug, Clone, Copy)]
struct Age {
    /// Time of the law since the level was entered, as it will be at the next step \[days\].
    days: f64,
    /// The step for which this was computed, and where; another one begins anew.
    step: u32,
    level: LevelIndex,
}

const NO_AGE: Age = Age { days: 0.0, step: u32::MAX, level: GONE };

/// A contact on its way through the flow.
#[derive(Debug, Clone)]
pub(super) struct Walker {
    /// When the contact leaves the account: for reasons of its own, or by an exit of the flow.
    pub(super) leaves_at: Instant,
    level: LevelIndex,
    /// Raw time of the next step \[µs\].
    next_at: i64,
    step: u32,
    /// What the next step picks with.
    picks: u32,
    /// The draw of the step after the next: made early, it is ready when its level is known.
    ahead: StepDraw,
    age: Age,
    steps: Draws,
    answers: Draws,
    pending: Pending,
}

impl Walker {
    /// A contact that starts its walk at `level` at time `from`.
    ///
    /// `record` is 0 for the contact's main record; others have draws of their own.
    pub(super) fn start(
        terrain: &Terrain,
        (streams, account): (Streams, AccountIndex),
        contact: ContactIndex,
        record: u16,
        level: LevelIndex,
        (from, leaves_at): (Instant, Instant),
        motion: Motion,
    ) -> Self {
        let steps = streams.draws(Purpose::Walk, account, contact).part(record);
        let mut walker = Self {
            leaves_at,
            level,
            next_at: terrain.to_raw(from),
            step: 0,
            picks: 0,
            age: NO_AGE,
            ahead: StepDraw::new(steps, 0),
            steps,
            answers: streams.draws(Purpose::FollowUp, account, contact).part(record),
            pending: Pending::default(),
        };
        walker.wait(terrain, walker.next_at, motion.pace.recip());
        walker
    }

    /// Moves the contact to `level`: its clock starts anew.
    pub(super) fn enter(
        &mut self,
        terrain: &Terrain,
        level: LevelIndex,
        at: Instant,
        motion: Motion,
    ) {
        self.move_to(terrain, level, terrain.to_raw(at), motion.pace.recip());
    }

    /// Where the contact is.
    pub(super) fn level(&self) -> LevelIndex {
        self.level
    }

    /// Walks until `until` and reports every interaction with its ordinal; `false` once the
    /// contact left.
    ///
    /// Ordinals name the rows of one record, so draws about a row can be keyed by them: step `n`
    /// has `256·n`, and answers to it the numbers up to the next step.
    #[inline]
    pub(super) fn advance(
        &mut self,
        terrain: &Terrain,
        until: Instant,
        motion: Motion,
        mut report: impl FnMut(Instant, TypeIndex, u32),
    ) -> bool {
        let end = terrain.to_raw(until.min(self.leaves_at));
        let slowness = motion.pace.recip();
        loop {
            if self.pending.first_at() <= self.next_at {
                let Some(answer) = self.pending.pop_before(end) else { break };
                report(terrain.to_wall(answer.at), answer.kind, answer.ordinal);
                self.arrive(terrain, answer, slowness);
                continue;
            }
            let at = self.next_at;
            if at >= end {
                break;
            }
            let event = match &terrain.levels[usize::from(self.level.0)].mix {
                Mix::Fixed(table) => Some(table.pick(self.picks)).filter(|event| event.to != GONE),
                Mix::Tilted(split) => split.pick(self.picks, motion.tilt),
            };
            let Some(event) = event else {
                self.leaves_at = terrain.to_wall(at);
                return false;
            };
            let ordinal = self.step.wrapping_mul(ORDINALS_PER_STEP);
            report(terrain.to_wall(at), event.kind, ordinal);
            if event.answers > 0 {
                self.schedule(terrain, event, at, ordinal);
            }
            self.level = event.to;
            self.step = self.step.wrapping_add(1);
            self.wait(terrain, at, slowness);
        }
        until < self.leaves_at
    }

    /// Draws step `self.step`, which comes after `from`.
    #[inline]
    fn wait(&mut self, terrain: &Terrain, from: i64, slowness: f64) {
        let draw = self.ahead;
        self.ahead = StepDraw::new(self.steps, self.step.wrapping_add(1));
        self.picks = draw.picks;
        let micros = match &terrain.levels[usize::from(self.level.0)].wait {
            Wait::Reset(table) => table.at_place(draw.place),
            Wait::Forward(law) => self.forward(law, draw.waits),
        };
        self.next_at = from.saturating_add(((micros * slowness) as i64).max(1));
    }

    /// The wait \[µs\] from the hazard that the level's age has not used up.
    #[cold]
    fn forward(&mut self, law: &SojournLaw, bits: u32) -> f64 {
        let hazard = -((f64::from(bits) + 0.5) / RANGE).ln();
        let goes_on = self.age.level == self.level && self.age.step.wrapping_add(1) == self.step;
        let age = if goes_on { self.age.days } else { 0.0 };
        let days = law.wait_after(age, hazard);
        self.age = Age { days: age + days, step: self.step, level: self.level };
        days * MICROS_PER_DAY
    }

    fn move_to(&mut self, terrain: &Terrain, level: LevelIndex, at: i64, slowness: f64) {
        self.level = level;
        self.age = NO_AGE;
        // The wait in progress has used the draw of this step.
        self.step = self.step.wrapping_add(1);
        self.wait(terrain, at, slowness);
    }

    fn arrive(&mut self, terrain: &Terrain, answer: Answer, slowness: f64) {
        let position = usize::from(self.level.0) * terrain.kinds + usize::from(answer.kind.0);
        let event = terrain.arrivals[position];
        self.schedule(terrain, event, answer.at, answer.ordinal);
        if event.to != self.level {
            self.move_to(terrain, event.to, answer.at, slowness);
        }
    }

    #[inline]
    fn schedule(&mut self, terrain: &Terrain, event: Event, at: i64, ordinal: u32) {
        let first = usize::from(event.first_answer);
        let laws = &terrain.answers[first..first + usize::from(event.answers)];
        for (law, position) in laws.iter().zip(1..) {
            let place = ordinal % ORDINALS_PER_STEP * terrain.fan + position;
            let ordinal =
                ordinal / ORDINALS_PER_STEP * ORDINALS_PER_STEP + place.min(ORDINALS_PER_STEP - 1);
            let bits = self.answers.bits(u64::from(ordinal));
            let wait = terrain.waits[usize::from(law.wait)].at(bits as u32);
            if bits >> 32 < law.chance {
                let at = at.saturating_add((wait as i64).max(1));
                self.pending.add(Answer { at, kind: law.then, ordinal });
            }
        }
    }
}
