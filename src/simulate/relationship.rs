//! The hidden relationship: goodwill that interactions feed, and four states it moves through.
//!
//! The states and moves follow Zhang, Watson, Palmatier and Dant (2016): transactional,
//! transitional, communal and damaged, with exploration, endowment and recovery up, neglect and
//! betrayal down. True effects are drawn around the catalogue that the flow was written with, as
//! `catalogue_accuracy` says; how an analyst values the log afterwards changes nothing here.

use rand_distr::{Distribution, StandardNormal};

use crate::flow::Catalogue;
use crate::ids::{AccountIndex, ContactIndex, TypeIndex};
use crate::interaction::RelationshipState;
use crate::rng::{Draws, Purpose, Streams};

use super::world;

/// The four hidden states, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Damaged,
    Transactional,
    Transitional,
    Communal,
}

impl State {
    const fn up(self) -> Self {
        match self {
            Self::Damaged => Self::Transactional,
            Self::Transactional => Self::Transitional,
            Self::Transitional | Self::Communal => Self::Communal,
        }
    }

    const fn down(self) -> Self {
        match self {
            Self::Communal => Self::Transitional,
            Self::Damaged => Self::Damaged,
            Self::Transitional | Self::Transactional => Self::Transactional,
        }
    }
}

impl From<State> for RelationshipState {
    fn from(state: State) -> Self {
        match state {
            State::Damaged => Self::Damaged,
            State::Transactional => Self::Transactional,
            State::Transitional => Self::Transitional,
            State::Communal => Self::Communal,
        }
    }
}

/// The true effect of each interaction type on the relationship, by catalogue position.
///
/// Correlated with the catalogue's relative value as `catalogue_accuracy` says.
pub(super) fn true_effects(catalogue: &Catalogue, params: &world::Relationship) -> Vec<f64> {
    let values: Vec<f64> = catalogue.entries().iter().map(|entry| entry.worth.rv).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let draws = Streams::new(params.effects_seed).draws(
        Purpose::Coupling,
        AccountIndex(0),
        ContactIndex(0),
    );
    let accuracy = params.catalogue_accuracy;
    let blur = (1.0 - accuracy * accuracy).sqrt() * sd;
    values
        .iter()
        .enumerate()
        .map(|(kind, value)| {
            let z: f64 = StandardNormal.sample(&mut draws.stream(kind as u64));
            accuracy * value + (1.0 - accuracy) * mean + blur * z
        })
        .collect()
}

/// What happened to a relationship in one month, weighted by the influence of the contacts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Felt {
    pub(super) effect: f64,
    pub(super) critical: f64,
}

impl Felt {
    pub(super) fn add(&mut self, kind: TypeIndex, influence: f64, effects: &[f64], critical: bool) {
        self.effect += influence * effects[usize::from(kind.0)];
        if critical {
            self.critical += influence;
        }
    }
}

/// One account's hidden relationship, moved once a month.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bond {
    pub(super) state: State,
    goodwill: f64,
    draws: Draws,
    month: u64,
}

impl Bond {
    pub(super) fn new(draws: Draws) -> Self {
        Self { state: State::Transactional, goodwill: 0.0, draws, month: 0 }
    }

    /// Moves goodwill and state by what was felt in the month that ends.
    pub(super) fn step(&mut self, felt: Felt, params: &world::Relationship) {
        let standard = (felt.effect - params.effect_centre) / params.effect_scale;
        self.step_standard(standard, felt.critical, params);
    }

    /// Moves by an effect that is already standardised.
    pub(super) fn step_standard(
        &mut self,
        effect: f64,
        critical: f64,
        params: &world::Relationship,
    ) {
        self.goodwill = params.goodwill_persistence * self.goodwill + effect;
        let pull = params.responsiveness * self.goodwill;
        let fall = logistic(params.betrayal - pull + params.betrayal_per_critical * critical);
        let rise = logistic(params.move_up + pull);
        let slip = logistic(params.move_down - pull);
        let u = self.draws.uniform(self.month);
        self.month += 1;
        // Competing moves share what the fall leaves, so that probabilities never exceed 1.
        let (rise, slip) = ((1.0 - fall) * rise, (1.0 - fall) * (1.0 - rise) * slip);
        self.state = if u < fall {
            State::Damaged
        } else if u < fall + rise {
            self.state.up()
        } else if u < fall + rise + slip {
            self.state.down()
        } else {
            self.state
        };
    }
}

/// A relationship that no recorded interaction meets: its monthly effect is a lasting part of the
/// account's own plus noise, so that it persists as one driven by interactions does.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndependentBond {
    pub(super) bond: Bond,
    lasting: f64,
    draws: Draws,
    month: u64,
}

/// Variance of the monthly effect that lasts, of a total of 1.
const LASTING_VARIANCE: f64 = 0.3;
/// Months before the log in which a relationship forgets how it began.
pub(super) const WARM_UP_MONTHS: i32 = 36;

impl IndependentBond {
    pub(super) fn new(
        streams: Streams,
        account: AccountIndex,
        params: &world::Relationship,
    ) -> Self {
        let draws = streams.draws(Purpose::Coupling, account, ContactIndex(0));
        let lasting: f64 = StandardNormal.sample(&mut draws.stream(u64::MAX));
        let bond = Bond::new(streams.draws(Purpose::State, account, ContactIndex(1)));
        let lasting = lasting * LASTING_VARIANCE.sqrt();
        let mut independent = Self { bond, lasting, draws, month: 0 };
        for _ in 0..WARM_UP_MONTHS {
            independent.step(params);
        }
        independent
    }

    pub(super) fn step(&mut self, params: &world::Relationship) {
        let z: f64 = StandardNormal.sample(&mut self.draws.stream(self.month));
        self.month += 1;
        let effect = self.lasting + (1.0 - LASTING_VARIANCE).sqrt() * z;
        self.bond.step_standard(effect, 0.0, params);
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
