//! The hidden relationship: goodwill that interactions feed, and four states it moves through.
//!
//! The states and moves follow Zhang, Watson, Palmatier and Dant (2016): transactional,
//! transitional, communal and damaged, with exploration, endowment and recovery up, neglect and
//! betrayal down.

use rand_distr::{Distribution, StandardNormal};

use crate::ids::ContactIndex;
use crate::interaction::RelationshipState as State;
use crate::rng::{AccountStreams, Draws, Purpose};
use crate::time::Instant;

use super::WARM_UP_MONTHS;
use super::setting::logistic;
use super::world;

const fn up(state: State) -> State {
    match state {
        State::Damaged => State::Transactional,
        State::Transactional => State::Transitional,
        State::Transitional | State::Communal => State::Communal,
    }
}

const fn down(state: State) -> State {
    match state {
        State::Communal => State::Transitional,
        State::Damaged => State::Damaged,
        State::Transitional | State::Transactional => State::Transactional,
    }
}

/// Probabilities of the moves of one month at a given goodwill: they never sum to more than 1.
#[derive(Debug, Clone, Copy)]
struct Moves {
    fall: f64,
    rise: f64,
    slip: f64,
}

impl Moves {
    fn new(goodwill: f64, critical: f64, params: &world::Relationship) -> Self {
        let pull = params.responsiveness * goodwill;
        let fall = logistic(params.betrayal - pull + params.betrayal_per_critical * critical);
        let rise = logistic(params.move_up + pull);
        let slip = logistic(params.move_down - pull);
        // Competing moves share what the fall leaves.
        Self { fall, rise: (1.0 - fall) * rise, slip: (1.0 - fall) * (1.0 - rise) * slip }
    }

    fn next(self, state: State, u: f64) -> State {
        if u < self.fall {
            State::Damaged
        } else if u < self.fall + self.rise {
            up(state)
        } else if u < self.fall + self.rise + self.slip {
            down(state)
        } else {
            state
        }
    }
}

/// Long-run shares of the four states at no goodwill: where an installed relationship begins.
pub(super) fn stationary(params: &world::Relationship) -> [f64; 4] {
    let moves = Moves::new(0.0, 0.0, params);
    let mut shares = [0.25; 4];
    for _ in 0..2_000 {
        let mut next = [0.0; 4];
        for (state, share) in State::ALL.into_iter().zip(shares) {
            next[State::Damaged as usize] += share * moves.fall;
            next[up(state) as usize] += share * moves.rise;
            next[down(state) as usize] += share * moves.slip;
            next[state as usize] += share * (1.0 - moves.fall - moves.rise - moves.slip);
        }
        shares = next;
    }
    shares
}

/// The state of one account's relationship, moved once a month.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bond {
    pub(super) state: State,
    draws: Draws,
    month: u64,
}

impl Bond {
    /// A relationship that begins: transactional.
    pub(super) const fn new(draws: Draws) -> Self {
        Self { state: State::Transactional, draws, month: 0 }
    }

    /// A relationship that has lasted for long.
    pub(super) fn installed(draws: Draws, stationary: [f64; 4]) -> Self {
        let position = super::cohort::pick(stationary.into_iter(), draws.uniform(u64::MAX));
        Self { state: State::ALL[position], draws, month: 0 }
    }

    /// Moves the state by the goodwill at the end of a month and what critical was felt in it.
    pub(super) fn step(&mut self, goodwill: f64, critical: f64, params: &world::Relationship) {
        let u = self.draws.uniform(self.month);
        self.month += 1;
        self.state = Moves::new(goodwill, critical, params).next(self.state, u);
    }
}

/// What one contact holds of the relationship.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goodwill {
    pub(super) stock: f64,
    felt: f64,
    destroyed: f64,
    destroyed_at: Instant,
}

impl Goodwill {
    pub(super) const NONE: Self =
        Self { stock: 0.0, felt: 0.0, destroyed: 0.0, destroyed_at: Instant::from_micros(0) };

    pub(super) fn feel(&mut self, effect: f64) {
        self.felt += effect;
    }

    /// A critical negative interaction destroys a share of what was built up.
    pub(super) fn destroy(&mut self, at: Instant, params: &world::Relationship) {
        let loss = params.critical_cut * self.stock.max(0.0);
        self.stock -= loss;
        self.destroyed += loss;
        self.destroyed_at = at;
    }

    /// A repair in time gives back a share of what was destroyed.
    pub(super) fn repair(&mut self, at: Instant, params: &world::Relationship) {
        if self.destroyed > 0.0 && at.days_since(self.destroyed_at) <= params.recovery_within_days {
            self.stock += params.recovery_share * self.destroyed;
        }
        self.destroyed = 0.0;
    }

    /// Ends a month: what was felt enters the stock, and part of the stock is forgotten.
    pub(super) fn settle(&mut self, params: &world::Relationship) {
        let standard = (self.felt - params.effect_centre) / params.effect_scale;
        self.stock = params.goodwill_persistence * self.stock + standard;
        self.felt = 0.0;
    }

    /// What was felt so far in this month.
    pub(super) const fn felt(&self) -> f64 {
        self.felt
    }

    /// Forgets what was felt before there was a contract.
    pub(super) fn begin(&mut self) {
        self.felt = 0.0;
    }
}

/// A relationship that no recorded interaction meets: its monthly effect is a lasting part of the
/// account's own plus noise, so that it persists as one driven by interactions does.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndependentBond {
    pub(super) bond: Bond,
    goodwill: f64,
    lasting: f64,
    draws: Draws,
    month: u64,
}

/// Variance of the monthly effect that lasts, of a total of 1.
const LASTING_VARIANCE: f64 = 0.3;

impl IndependentBond {
    pub(super) fn new(
        streams: AccountStreams,
        params: &world::Relationship,
        stationary: [f64; 4],
    ) -> Self {
        let draws = streams.draws(Purpose::Coupling, ContactIndex(0));
        let lasting: f64 = StandardNormal.sample(&mut draws.stream(u64::MAX));
        let own = streams.draws(Purpose::State, ContactIndex(1));
        let lasting = lasting * LASTING_VARIANCE.sqrt();
        let bond = Bond::installed(own, stationary);
        let mut independent = Self { bond, goodwill: 0.0, lasting, draws, month: 0 };
        for _ in 0..WARM_UP_MONTHS {
            independent.step(params);
        }
        independent
    }

    pub(super) fn step(&mut self, params: &world::Relationship) {
        let z: f64 = StandardNormal.sample(&mut self.draws.stream(self.month));
        self.month += 1;
        let effect = self.lasting + (1.0 - LASTING_VARIANCE).sqrt() * z;
        self.goodwill = params.goodwill_persistence * self.goodwill + effect;
        self.bond.step(self.goodwill, 0.0, params);
    }
}
