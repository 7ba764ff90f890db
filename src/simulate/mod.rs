//! Simulated cohorts: a hidden relationship, the interactions it meets and the outcomes it drives.
//!
//! Accounts are made team by team: a team of staff serves a fixed group of neighbours, and each
//! group is a pure function of (flow, world, streams, its number). Groups can be made in any
//! order, on any number of threads, and no group changes another. Relationship Value is not
//! computed here: it is read off the log as a user would read it.

mod cohort;
mod effects;
mod happen;
mod life;
mod logging;
mod market;
mod pair;
mod pending;
mod plain;
mod relationship;
mod sampler;
mod setting;
mod settle;
mod staff;
mod voice;
mod walk;
mod world;

use std::ops::Range;

use rayon::prelude::*;

use crate::flow::Flow;
use crate::ids::{AccountIndex, TypeNames};
use crate::interaction::{AccountHistory, Initiative, Staff};
use crate::rng::Streams;
use crate::time::{Calendar, Instant, Month};

use self::cohort::Census;
use self::life::Life;
use self::setting::Setting;
use self::staff::{Team, Turn};
use self::walk::Border;

pub use pair::{PairError, PairedDifference, paired_difference};
pub use plain::{ContactWalk, PlainFlow, WalkColumns};
pub use world::{
    Accumulation, Activity, Cohort, Contract, Control, Correlation, Coupling, Criterion, Desk,
    Dropout, InitiativeLaw, Intervention, LedgerLaw, Market, Observation, OutcomeLaw, Regime,
    Relationship, Staffing, Statistic, SurveyLaw, Target, TruthColumn, Weights, World, WorldError,
};

/// Months before the log in which a relationship forgets how it began.
const WARM_UP_MONTHS: i32 = 18;

/// Why a world does not fit its flow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// The world names something that the flow does not have.
    #[error("world `{world}`: `{key}` names `{name}`, which the catalogue does not have{hint}")]
    UnknownName {
        /// Name of the world.
        world: String,
        /// Key of the world.
        key: &'static str,
        /// What it names.
        name: String,
        /// The nearest known name, if there is one.
        hint: String,
    },
}

/// A cohort that can be simulated, team by team.
#[derive(Debug, Clone)]
pub struct Simulation {
    flow: Flow,
    world: World,
    streams: Streams,
    calendar: Calendar,
    start: Month,
    months: i32,
    /// Starts of the months from the warm-up to the first one after the log.
    month_starts: Vec<Border>,
    setting: Setting,
    /// Where installed relationships begin.
    stationary: [f64; 4],
    installed_share: f64,
}

/// Teams simulated at a time: enough for every thread, few enough for flat memory.
const TEAMS_PER_CHUNK: usize = 16;

impl Simulation {
    /// A cohort that is logged for `months` months from `start` on.
    ///
    /// # Errors
    ///
    /// [`SimulationError`] when the world names what the flow does not have.
    pub fn new(
        flow: Flow,
        world: World,
        streams: Streams,
        calendar: Calendar,
        (start, months): (Month, u32),
    ) -> Result<Self, SimulationError> {
        let months = months as i32;
        let setting = Setting::new(&flow, &world, (streams, calendar), months)?;
        let starts = -WARM_UP_MONTHS..=months;
        let years = f64::from(months) / 12.0;
        Ok(Self {
            month_starts: starts
                .map(|position| setting.terrain.border(calendar.start_of(start.plus(position))))
                .collect(),
            stationary: relationship::stationary(&world.relationship),
            installed_share: world.cohort.installed_share(world.outcome.annual_attrition, years),
            setting,
            flow,
            world,
            streams,
            calendar,
            start,
            months,
        })
    }

    /// The same accounts in another world: same flow, seed, replication and months.
    ///
    /// # Errors
    ///
    /// As [`Simulation::new`].
    pub fn in_world(&self, world: World) -> Result<Self, SimulationError> {
        let period = (self.start, self.months as u32);
        Self::new(self.flow.clone(), world, self.streams, self.calendar, period)
    }

    /// The interaction types of the log, by catalogue position.
    pub fn types(&self) -> TypeNames {
        self.flow.catalogue().entries().iter().map(|e| e.interaction_type.as_str()).collect()
    }

    /// The flow that is walked.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The world that is simulated.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Number of months of the log.
    pub const fn months(&self) -> u32 {
        self.months as u32
    }

    /// Position in the log of the month that begins at `start`.
    pub(crate) fn month_position(&self, start: Instant) -> usize {
        self.calendar.month_of(start).since(self.start) as usize
    }

    /// The true effect of each interaction type on the relationship in the segment at `segment`
    /// of the world, by catalogue position, before staff and delay change it.
    pub fn true_effects(&self, segment: usize) -> Vec<f64> {
        self.setting.kinds[segment].iter().map(|kind| kind.effect).collect()
    }

    /// One account, whatever the others of its team do beside it.
    ///
    /// `None` when the world keeps accounts that left out of its log, and this one left.
    pub fn account(&self, index: AccountIndex) -> Option<AccountHistory> {
        self.histories_in(index.0..index.0 + 1).next()
    }

    /// The first `accounts` accounts in order, made in parallel in chunks: memory stays flat.
    pub fn histories(&self, accounts: u32) -> impl Iterator<Item = AccountHistory> + '_ {
        self.histories_in(0..accounts)
    }

    /// The accounts of a range, in order: the shards of a cohort concatenate to the whole.
    pub fn histories_in(&self, accounts: Range<u32>) -> impl Iterator<Item = AccountHistory> + '_ {
        let size = self.world.staff.accounts_per_team;
        let teams = accounts.start / size..accounts.end.div_ceil(size);
        teams.step_by(TEAMS_PER_CHUNK).flat_map(move |first| {
            let last = accounts.end.div_ceil(size).min(first + TEAMS_PER_CHUNK as u32);
            let wanted = accounts.clone();
            let made: Vec<Vec<AccountHistory>> =
                (first..last).into_par_iter().map(|team| self.team(team, &wanted)).collect();
            made.into_iter().flatten()
        })
    }

    /// The staff of the first `accounts` accounts, in order of id.
    pub fn staff(&self, accounts: u32) -> impl Iterator<Item = Staff> + '_ {
        self.staff_in(0..accounts)
    }

    /// The staff of the teams of a range of accounts, in order of id.
    pub fn staff_in(&self, accounts: Range<u32>) -> impl Iterator<Item = Staff> + '_ {
        let size = self.world.staff.accounts_per_team;
        let teams = accounts.start / size..accounts.end.div_ceil(size);
        let since = self.start_of(-WARM_UP_MONTHS);
        teams.flat_map(move |team| staff::members(team, &self.setting.desks, since))
    }

    /// The accounts of the `number`-th of `shards` parts (from 1) of a cohort of `accounts`: whole
    /// teams, so that neither accounts nor staff are in two parts.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::flow::Flow;
    /// use rvq::rng::Streams;
    /// use rvq::simulate::{Simulation, World};
    /// use rvq::time::{Calendar, Month};
    ///
    /// let world = World::load("informative")?;
    /// let period = (Month::new(2024, 1).expect("January is a month"), 12);
    /// let simulation =
    ///     Simulation::new(Flow::builtin(), world, Streams::new(1), Calendar::UTC, period)?;
    /// // Teams of 40 accounts.
    /// let shards = [1, 2, 3].map(|number| simulation.shard((number, 3), 1_000));
    /// assert_eq!(shards, [0..320, 320..640, 640..1_000]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shard(&self, (number, shards): (u32, u32), accounts: u32) -> Range<u32> {
        let size = u64::from(self.world.staff.accounts_per_team);
        let teams = u64::from(accounts).div_ceil(size);
        let border = |number: u32| {
            let team = teams * u64::from(number.min(shards)) / u64::from(shards.max(1));
            (team * size).min(accounts.into()) as u32
        };
        border(number.saturating_sub(1))..border(number)
    }

    /// The initiatives of the world, in order of id.
    pub fn initiatives(&self) -> Vec<Initiative> {
        let at = |month: u32| self.start_of((month as i32).min(self.months));
        let mut initiatives: Vec<Initiative> = self
            .world
            .initiatives
            .iter()
            .map(|law| Initiative {
                id: law.id.clone(),
                purpose: law.purpose.clone(),
                open: Some(law.open),
                started_at: Some(at(law.from_month)),
                ended_at: law.to_month.filter(|end| (*end as i32) < self.months).map(at),
            })
            .collect();
        initiatives.sort_by(|a, b| a.id.cmp(&b.id));
        initiatives
    }

    /// All accounts of one team, month by month, of which those in `wanted` are given.
    fn team(&self, number: u32, wanted: &Range<u32>) -> Vec<AccountHistory> {
        let size = self.world.staff.accounts_per_team;
        let mut team = Team::new(number, &self.setting.desks, &self.world.staff, self.streams);
        let mut lives: Vec<Life<'_>> = (number * size..(number + 1) * size)
            .map(|index| Life::new(self, AccountIndex(index), &team))
            .collect();
        let begins: Vec<i32> = lives.iter().map(Life::begins).collect();
        let mut turns: Vec<Turn> = Vec::new();
        for position in -WARM_UP_MONTHS..self.months {
            turns.clear();
            for (life, begins) in lives.iter_mut().zip(&begins) {
                if *begins <= position && !life.is_over() {
                    life.walk(position, &mut turns);
                }
            }
            turns.sort_unstable();
            for turn in &turns {
                lives[turn.account()].be_served(turn.row(), &mut team);
            }
            for life in &mut lives {
                life.close(&team);
            }
        }
        let kept = |life: &Life<'_>| {
            wanted.contains(&life.index.0)
                && !(self.world.observation.survivors_only && life.is_over())
        };
        lives.into_iter().filter(kept).map(|life| life.into_history(&team)).collect()
    }

    fn census(&self) -> Census<'_> {
        Census {
            world: &self.world,
            log: (self.start_of(0), self.start_of(self.months)),
            installed_share: self.installed_share,
        }
    }

    /// First instant of the `position`-th month of the log; negative positions lie before it.
    fn start_of(&self, position: i32) -> Instant {
        self.border_at(position).wall
    }

    /// Months of the log that an account that enters at `entered_at` can be in.
    fn months_from(&self, entered_at: Instant) -> i32 {
        let before = self.calendar.month_of(entered_at).since(self.start);
        self.months - before.clamp(0, self.months)
    }

    fn border_at(&self, position: i32) -> Border {
        self.month_starts[(position + WARM_UP_MONTHS) as usize]
    }
}
