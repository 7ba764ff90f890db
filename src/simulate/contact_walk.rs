//! Single walks through a flow, without the hidden life of an account: for comparing logs.

use crate::flow::{Flow, LevelIndex};
use crate::ids::{AccountIndex, ContactIndex, TypeIndex};
use crate::rng::Streams;
use crate::time::Instant;

use super::walk::{Mixes, Terrain, Walker};

/// A flow that contacts walk one by one.
#[derive(Debug, Clone)]
pub struct ContactWalks {
    flow: Flow,
    mixes: Mixes,
}

/// What one contact did.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactWalk {
    /// Its interactions in order of time.
    pub rows: Vec<(Instant, TypeIndex)>,
    /// When it left the flow.
    pub left_at: Option<Instant>,
}

impl ContactWalks {
    /// Walks through `flow`.
    pub fn new(flow: &Flow) -> Self {
        Self { flow: flow.clone(), mixes: Mixes::new(flow) }
    }

    /// The flow that is walked.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// One contact that enters `level` at `from` and is watched until `until`.
    ///
    /// The walk depends on nothing but its arguments: `streams` and the two indices name its draws.
    pub fn walk(
        &self,
        (streams, account, contact): (Streams, AccountIndex, ContactIndex),
        level: LevelIndex,
        (from, until): (Instant, Instant),
    ) -> ContactWalk {
        let terrain = Terrain { flow: &self.flow, mixes: &self.mixes };
        let never = until.plus_days(1.0);
        let who = (streams, account);
        let mut walker = Walker::start(terrain, who, contact, level, (from, never), 1.0);
        let mut rows = Vec::new();
        let stays = walker.advance(terrain, until, (1.0, 1.0), |at, kind| rows.push((at, kind)));
        ContactWalk { rows, left_at: (!stays).then_some(walker.leaves_at) }
    }
}
