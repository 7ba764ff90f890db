//! The compiled flow and one contact's walk through it: the only step function there is.
//!
//! Waits are drawn in raw time and reported in opening hours, where the flow has any. Every step
//! and every answer is one keyed draw of 64 bits: the lower half waits, the upper half picks what
//! happens then, and the last bits of both decide on an answer to it.

use crate::flow::{Clock, Flow, FollowUp, Level, LevelIndex, SojournLaw};
use crate::ids::{ContactIndex, TypeIndex};
use crate::interaction::Stage;
use crate::rng::{AccountStreams, Draws, Purpose};
use crate::time::{BusinessCalendar, Calendar, Instant};

use super::pending::{Answer, Pending};
use super::sampler::{AliasTable, Place, QuantileTable};

/// 2³², the number of values of 32 bits.
const RANGE: f64 = 4_294_967_296.0;

/// 2²⁰, the number of draws that decide on an answer.
const ASKING: f64 = 1_048_576.0;

const MICROS_PER_DAY: f64 = 86_400_000_000.0;

/// Ordinals between one step and the next: room for the answers to it.
const ORDINALS_PER_STEP: u32 = 256;

/// What all walks share: the flow as tables.
#[derive(Debug, Clone)]
pub(super) struct Terrain {
    levels: Box<[Ground]>,
    kinds: usize,
    /// By level, then type: what an answer of this type brings when it arrives there.
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
    /// Of 2²⁰ draws, those with which the only answer comes; all of them where there are several,
    /// which each decide for themselves.
    asked: u32,
}

const GONE: LevelIndex = LevelIndex(u16::MAX);

#[derive(Debug, Clone, Copy)]
struct AnswerLaw {
    then: TypeIndex,
    wait: u16,
    /// Of 2³² draws, those that answer, where there are others.
    chance: u64,
}

/// An instant at which walks are cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Border {
    pub(super) wall: Instant,
    /// In raw time \[µs\].
    raw: i64,
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

    /// The border at `wall`.
    pub(super) fn border(&self, wall: Instant) -> Border {
        Border { wall, raw: self.to_raw(wall) }
    }

    /// The instant in opening hours at share `u` of the time from `from` to `end`.
    pub(super) fn between(&self, from: Border, end: Border, u: f64) -> Instant {
        let raw = from.raw + (u * (end.raw - from.raw) as f64) as i64;
        // From closing to opening there is no instant: it lies at the end.
        self.to_wall(raw).min(Instant::from_micros(end.wall.micros() - 1)).max(from.wall)
    }

    /// What a step brings; `None` when the contact leaves.
    #[inline]
    fn event(&self, step: Step, motion: Motion) -> Option<Event> {
        match &self.levels[usize::from(step.level.0)].mix {
            Mix::Fixed(table) => Some(table.pick(step.picks)).filter(|event| event.to != GONE),
            Mix::Tilted(split) => split.pick(step.picks, motion.tilt),
        }
    }

    /// The instant in opening hours for a raw time \[µs\].
    #[inline]
    pub(super) fn to_wall(&self, raw: i64) -> Instant {
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
    let all = || level.mix.iter().map(|&(kind, p)| (events[usize::from(kind.0)], p));
    let part = |wanted: bool| AliasTable::new(all().filter(|(e, _)| is_tilted(e.kind) == wanted));
    if let (Some(tilted), Some(other)) = (part(true), part(false)) {
        let tilted_share = all().filter(|(e, _)| is_tilted(e.kind)).map(|(_, p)| p).sum();
        let leaving = (leaving * RANGE) as u32;
        return Mix::Tilted(Box::new(Split { leaving, tilted_share, tilted, other }));
    }
    let exit = Event { to: GONE, answers: 0, asked: 0, ..events[0] };
    let staying = all().map(|(event, p)| (event, p * (1.0 - leaving)));
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
        let flow = self.flow;
        let at = &flow.levels()[usize::from(level.0)];
        let stage = |level: LevelIndex| flow.levels()[usize::from(level.0)].stage;
        // A late answer to a prospect does not make a customer a prospect again.
        let back = |to| at.stage == Stage::Retention && stage(to) != Stage::Retention;
        let to = flow.trigger(kind).filter(|&to| !back(to)).unwrap_or(level);
        let first_answer = self.answers.len() as u16;
        let possible: Vec<&FollowUp> = at.follow_ups.iter().filter(|a| a.after == kind).collect();
        let alone = possible.len() == 1;
        for answer in &possible {
            let wait = self.wait(&answer.wait);
            let chance = if alone { RANGE as u64 } else { (answer.probability * RANGE) as u64 };
            self.answers.push(AnswerLaw { then: answer.then, wait, chance });
        }
        let answers = possible.len() as u16;
        self.fan = self.fan.max(u32::from(answers) + 1);
        let asked = match possible[..] {
            [] => 0,
            [only] => (only.probability * ASKING).round() as u32,
            _ => ASKING as u32,
        };
        Event { kind, to, first_answer, answers, asked }
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
    /// What decides on an answer to it, of 2²⁰.
    asks: u32,
}

impl StepDraw {
    #[inline]
    fn new(draws: Draws, step: u32) -> Self {
        let bits = draws.bits(u64::from(step));
        let waits = bits as u32;
        let picks = (bits >> 32) as u32;
        // The last bits of both halves: they move a pick or a wait by less than 10⁻⁴ of itself.
        let asks = (picks & 0xfff) << 8 | (waits & 0xff);
        Self { picks, waits, place: Place::of(waits), asks }
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

impl Age {
    /// The wait \[µs\] before `step` at `level` from the hazard that the age has not used up.
    #[cold]
    fn wait(&mut self, law: &SojournLaw, (level, step): (LevelIndex, u32), bits: u32) -> f64 {
        let hazard = -((f64::from(bits) + 0.5) / RANGE).ln();
        let goes_on = self.level == level && self.step.wrapping_add(1) == step;
        let age = if goes_on { self.days } else { 0.0 };
        let days = law.wait_after(age, hazard);
        *self = Self { days: age + days, step, level };
        days * MICROS_PER_DAY
    }
}

/// The step that comes next; small and by value, so that a walk keeps it in registers.
#[derive(Debug, Clone, Copy)]
struct Step {
    level: LevelIndex,
    number: u32,
    /// Raw time \[µs\].
    at: i64,
    picks: u32,
    asks: u32,
    /// The draw of the step after this one: made early, it is ready when its level is known.
    ahead: StepDraw,
}

/// What the steps of a walk are drawn with.
#[derive(Debug, Clone, Copy)]
struct Pace {
    steps: Draws,
    /// Multiplies waits between steps.
    slowness: f64,
}

impl Step {
    /// Step `number` at `level`, after `from`.
    #[inline]
    fn draw(
        (terrain, pace): (&Terrain, Pace),
        (level, number): (LevelIndex, u32),
        from: i64,
        draw: StepDraw,
        age: &mut Age,
    ) -> Self {
        let micros = match &terrain.levels[usize::from(level.0)].wait {
            Wait::Reset(table) => table.at_place(draw.place),
            Wait::Forward(law) => age.wait(law, (level, number), draw.waits),
        };
        let at = from.saturating_add(whole_micros(micros * pace.slowness));
        let ahead = StepDraw::new(pace.steps, number.wrapping_add(1));
        Self { level, number, at, picks: draw.picks, asks: draw.asks, ahead }
    }

    /// The step after this one, at `level`, after `from`.
    #[inline]
    fn then(self, shared: (&Terrain, Pace), level: LevelIndex, from: i64, age: &mut Age) -> Self {
        Self::draw(shared, (level, self.number.wrapping_add(1)), from, self.ahead, age)
    }
}

/// At least 1 µs and at most 71 years, rounded.
#[inline]
fn whole_micros(micros: f64) -> i64 {
    // Beside 1.5·2⁵² a number's last bit is worth 1: its bits then end in the rounded number.
    const ANCHOR: f64 = 6_755_399_441_055_744.0;
    const MOST: f64 = 2_251_799_813_685_247.0;
    let bits = (micros.min(MOST) + ANCHOR).to_bits() as i64;
    (bits - ANCHOR.to_bits() as i64).max(1)
}

/// A contact on its way through the flow.
#[derive(Debug, Clone)]
pub(super) struct Walker {
    /// When the contact leaves the account: for reasons of its own, or by an exit of the flow.
    leaves: Border,
    next: Step,
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
        streams: AccountStreams,
        contact: ContactIndex,
        record: u16,
        level: LevelIndex,
        (from, leaves): (Instant, Border),
        motion: Motion,
    ) -> Self {
        let steps = streams.draws(Purpose::Walk, contact).part(record);
        let pace = Pace { steps, slowness: motion.pace.recip() };
        let mut age = NO_AGE;
        let first = StepDraw::new(steps, 0);
        let next = Step::draw((terrain, pace), (level, 0), terrain.to_raw(from), first, &mut age);
        Self {
            leaves,
            next,
            age,
            steps,
            answers: streams.draws(Purpose::FollowUp, contact).part(record),
            pending: Pending::default(),
        }
    }

    /// Moves the contact to `level`: its clock starts anew.
    pub(super) fn enter(
        &mut self,
        terrain: &Terrain,
        level: LevelIndex,
        at: Instant,
        motion: Motion,
    ) {
        let pace = Pace { steps: self.steps, slowness: motion.pace.recip() };
        self.age = NO_AGE;
        self.next = self.next.then((terrain, pace), level, terrain.to_raw(at), &mut self.age);
    }

    /// Where the contact is.
    pub(super) fn level(&self) -> LevelIndex {
        self.next.level
    }

    /// When the contact leaves.
    pub(super) fn leaves_at(&self) -> Instant {
        self.leaves.wall
    }

    /// Walks until `until` without a trace; whom the flow lets go begins anew at `entry`.
    pub(super) fn look_back(
        &mut self,
        terrain: &Terrain,
        until: Border,
        motion: Motion,
        entry: LevelIndex,
    ) {
        let leaves = self.leaves;
        while !self.advance(terrain, until, motion, |_, _, _| ()) {
            let let_go_at = std::mem::replace(&mut self.leaves, leaves).wall;
            self.enter(terrain, entry, let_go_at, motion);
        }
    }

    /// Walks until `until` and reports every interaction in raw time with its ordinal; `false` once
    /// the contact left.
    ///
    /// Ordinals name the rows of one record, so draws about a row can be keyed by them: step `n`
    /// has `256·n`, and answers to it the numbers up to the next step.
    #[inline]
    pub(super) fn advance(
        &mut self,
        terrain: &Terrain,
        until: Border,
        motion: Motion,
        mut report: impl FnMut(i64, TypeIndex, u32),
    ) -> bool {
        let end = until.raw.min(self.leaves.raw);
        if self.next.at.min(self.pending.first_at()) >= end {
            return until.wall < self.leaves.wall;
        }
        let pace = Pace { steps: self.steps, slowness: motion.pace.recip() };
        let mut next = self.next;
        loop {
            let (to, from) = if self.pending.first_at() <= next.at {
                let Some(answer) = self.pending.pop_before(end) else { break };
                report(answer.at, answer.kind, answer.ordinal);
                let to = self.arrive(terrain, next.level, answer);
                if to == next.level {
                    continue;
                }
                // The wait in progress has used the draw of this step.
                self.age = NO_AGE;
                (to, answer.at)
            } else {
                if next.at >= end {
                    break;
                }
                let Some(event) = terrain.event(next, motion) else {
                    self.next = next;
                    self.leaves = Border { wall: terrain.to_wall(next.at), raw: next.at };
                    return false;
                };
                let ordinal = next.number.wrapping_mul(ORDINALS_PER_STEP);
                report(next.at, event.kind, ordinal);
                if next.asks < event.asked {
                    self.schedule(terrain, event, next.at, ordinal);
                }
                (event.to, next.at)
            };
            next = next.then((terrain, pace), to, from, &mut self.age);
        }
        self.next = next;
        until.wall < self.leaves.wall
    }

    /// Notes what an answer brings at `level`; where the contact is afterwards.
    fn arrive(&mut self, terrain: &Terrain, level: LevelIndex, answer: Answer) -> LevelIndex {
        let position = usize::from(level.0) * terrain.kinds + usize::from(answer.kind.0);
        let event = terrain.arrivals[position];
        if answer.asks < event.asked {
            self.schedule(terrain, event, answer.at, answer.ordinal);
        }
        event.to
    }

    fn schedule(&mut self, terrain: &Terrain, event: Event, at: i64, ordinal: u32) {
        let first = usize::from(event.first_answer);
        let laws = &terrain.answers[first..first + usize::from(event.answers)];
        for (law, position) in laws.iter().zip(1..) {
            let place = ordinal % ORDINALS_PER_STEP * terrain.fan + position;
            let ordinal =
                ordinal / ORDINALS_PER_STEP * ORDINALS_PER_STEP + place.min(ORDINALS_PER_STEP - 1);
            let bits = self.answers.bits(u64::from(ordinal));
            if bits >> 32 < law.chance {
                let wait = terrain.waits[usize::from(law.wait)].at(bits as u32);
                let at = at.saturating_add(whole_micros(wait));
                // The last 20 of the bits that decided on this answer.
                let asks = (bits >> 32) as u32 % ASKING as u32;
                self.pending.add(Answer { at, kind: law.then, asks, ordinal });
            }
        }
    }
}
