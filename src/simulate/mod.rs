//! Simulated cohorts: a hidden relationship, the interactions it meets and the outcomes it drives.
//!
//! Each account is a pure function of (flow, world, streams, its index): accounts can be made in
//! any order, on any number of threads, and another account changes none of them. Relationship
//! Value is not computed here: it is read off the log as a user would read it.

mod account;
mod cohort;
mod contact_walk;
mod relationship;
mod walk;
mod world;

use rayon::prelude::*;

use crate::flow::Flow;
use crate::ids::{AccountIndex, TypeNames};
use crate::interaction::AccountHistory;
use crate::rng::Streams;
use crate::time::{Calendar, Instant, Month};

pub use contact_walk::{ContactWalk, ContactWalks};
pub use world::{Cohort, Coupling, Observation, OutcomeLaw, Relationship, World, WorldError};

/// A cohort that can be simulated, account by account.
#[derive(Debug, Clone)]
pub struct Simulation {
    flow: Flow,
    world: World,
    streams: Streams,
    calendar: Calendar,
    start: Month,
    months: i32,
    mixes: walk::Mixes,
    effects: Vec<f64>,
}

/// Accounts simulated at a time: enough for every thread, few enough for flat memory.
const CHUNK: u32 = 256;

impl Simulation {
    /// A cohort that is logged for `months` months from `start` on.
    pub fn new(
        flow: Flow,
        world: World,
        streams: Streams,
        calendar: Calendar,
        (start, months): (Month, u32),
    ) -> Self {
        let mixes = walk::Mixes::new(&flow);
        let effects = relationship::true_effects(flow.catalogue(), &world.relationship);
        Self { flow, world, streams, calendar, start, months: months as i32, mixes, effects }
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

    /// One account, whatever the others are.
    pub fn account(&self, index: AccountIndex) -> AccountHistory {
        account::Life::new(self, index).history()
    }

    /// The first `accounts` accounts in order, made in parallel in chunks: memory stays flat.
    pub fn histories(&self, accounts: u32) -> impl Iterator<Item = AccountHistory> + '_ {
        (0..accounts).step_by(CHUNK as usize).flat_map(move |first| {
            let last = accounts.min(first + CHUNK);
            let chunk: Vec<AccountHistory> =
                (first..last).into_par_iter().map(|i| self.account(AccountIndex(i))).collect();
            chunk
        })
    }

    /// First instant of the `position`-th month of the log; negative positions lie before it.
    fn start_of(&self, position: i32) -> Instant {
        self.calendar.start_of(self.start.plus(position))
    }
}
