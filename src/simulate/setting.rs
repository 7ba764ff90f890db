//! A world laid over a flow: everything that all accounts of a simulation share, looked up by
//! position.

use rand_distr::{Distribution, StandardNormal};

use crate::diagnostic::nearest;
use crate::flow::{CatalogueEntry, Flow};
use crate::ids::TypeIndex;
use crate::rng::{Purpose, Streams};
use crate::time::Calendar;

use super::effects::true_effects;
use super::sampler::AliasTable;
use super::walk::Terrain;
use super::world::{Target, World};
use super::{SimulationError, WARM_UP_MONTHS};

/// What an interaction type is in this world to a customer of one segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// True effect, weighted by what its function counts.
    pub(super) effect: f64,
    /// Variable cost \[catalogue cost units\].
    pub(super) cost: f64,
    /// Effort of the customer \[minutes\].
    pub(super) effort: f64,
    /// Weight of its function in the relationship.
    pub(super) weight: f64,
    /// A bad one of these can destroy goodwill.
    pub(super) critical: bool,
    /// Repairs a critical one.
    pub(super) recovery: bool,
    /// Desk that carries it out.
    pub(super) desk: Option<u8>,
}

/// A discrete law over interaction types.
pub(super) type KindLaw = AliasTable<TypeIndex>;

/// The law of shares that a checked flow or world has found to sum to 1.
fn law_of(shares: &[(TypeIndex, f64)]) -> KindLaw {
    AliasTable::new(shares.iter().copied()).expect("checked shares sum to 1")
}

/// What holds in one month for all accounts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Month {
    /// Factor on the advantage of the state.
    pub(super) strength: f64,
    /// Factor on every wallet.
    pub(super) wallet: f64,
    /// Factor on the risk of leaving.
    pub(super) hazard: f64,
}

/// What all accounts share.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) terrain: Terrain,
    /// By segment, then catalogue position.
    pub(super) kinds: Vec<Vec<Kind>>,
    pub(super) segments: Vec<String>,
    pub(super) purchases: KindLaw,
    /// What purchases bring about, by level.
    pub(super) echoes: Vec<KindLaw>,
    /// Mixes of the initiatives.
    pub(super) initiatives: Vec<KindLaw>,
    /// What the interventions add.
    pub(super) interventions: Vec<TypeIndex>,
    /// Names and laws of the desks.
    pub(super) desks: Vec<(String, super::world::Desk)>,
    months: Vec<Month>,
    /// Factor on the risk of leaving, as far as the relationship bears on it, by state.
    pub(super) related_attrition: [f64; 4],
    /// Probability of an answer by state.
    pub(super) response: [f64; 4],
    /// Probability of not being logged by state.
    pub(super) unlogged: [f64; 4],
}

impl Setting {
    pub(super) fn new(
        flow: &Flow,
        world: &World,
        (streams, calendar): (Streams, Calendar),
        months: i32,
    ) -> Result<Self, SimulationError> {
        let segments: Vec<String> = world.cohort.segments.keys().cloned().collect();
        let names = Names { flow, world };
        let desks: Vec<_> =
            world.staff.desks.iter().map(|(name, desk)| (name.clone(), *desk)).collect();
        for function in world.staff.desks.keys().chain(world.activity.function_weights.keys()) {
            names.function(function)?;
        }
        let effects = true_effects(flow, &segments, &world.relationship);
        let recovery: Vec<TypeIndex> = world
            .relationship
            .recovery_types
            .iter()
            .map(|name| names.kind("recovery_types", name))
            .collect::<Result<_, _>>()?;
        let kind = |(position, entry): (usize, &CatalogueEntry), segment: usize| {
            let weight = world.function_weight(&entry.function);
            let desk = desks.iter().position(|(name, _)| *name == entry.function);
            Kind {
                effect: weight * effects[segment][position],
                cost: entry.worth_in(Some(&segments[segment])).variable_cost,
                effort: entry.customer_effort,
                weight,
                critical: entry.critical,
                recovery: recovery.contains(&TypeIndex(position as u16)),
                desk: desk.map(|desk| desk as u8),
            }
        };
        let entries = || flow.catalogue().entries().iter().enumerate();
        let in_segment = |segment| entries().map(|entry| kind(entry, segment)).collect();
        let kinds = (0..segments.len()).map(in_segment).collect();
        let tilted = tilted(flow, world, &effects);
        let initiatives = world.initiatives.iter().map(|law| {
            let mix = law.mix.iter().map(|(name, share)| Ok((names.kind("mix", name)?, *share)));
            Ok(law_of(&mix.collect::<Result<Vec<_>, SimulationError>>()?))
        });
        let interventions = world
            .interventions
            .iter()
            .map(|law| names.kind("interaction_type", &law.interaction_type));
        let logit = |p: f64| (p / (1.0 - p)).ln();
        let by_state = |p: f64, effect: [f64; 4]| effect.map(|e| logistic(logit(p) + e));
        Ok(Self {
            terrain: Terrain::new(flow, calendar, &tilted),
            kinds,
            segments,
            purchases: law_of(&flow.transactions().on_purchase),
            echoes: flow.levels().iter().map(|level| law_of(&level.mix)).collect(),
            initiatives: initiatives.collect::<Result<_, _>>()?,
            interventions: interventions.collect::<Result<_, _>>()?,
            desks,
            months: months_of(world, streams, months),
            related_attrition: world
                .outcome
                .hazard_effect
                .map(|effect| (1.0 - world.outcome.unrelated_attrition) * effect.exp()),
            response: by_state(world.survey.response, world.survey.response_effect),
            unlogged: by_state(world.observation.unlogged, world.observation.unlogged_effect),
        })
    }

    /// What holds in the month at `position`, counted from the beginning of the log.
    pub(super) fn month(&self, position: i32) -> Month {
        self.months[(position + WARM_UP_MONTHS) as usize]
    }
}

/// The types that a bad state makes more frequent.
fn tilted(flow: &Flow, world: &World, effects: &[Vec<f64>]) -> Vec<bool> {
    let entries = flow.catalogue().entries().iter().enumerate();
    entries
        .map(|(position, entry)| {
            let felt = if world.relationship.tilt_by_effect {
                effects.iter().map(|of| of[position]).sum::<f64>()
            } else {
                entry.worth.rv
            };
            felt < 0.0 && world.function_weight(&entry.function) > 0.0
        })
        .collect()
}

fn months_of(world: &World, streams: Streams, months: i32) -> Vec<Month> {
    let law = &world.outcome;
    let draws = streams.global(Purpose::Regime);
    let normal = |ordinal: u64| -> f64 { StandardNormal.sample(&mut draws.stream(ordinal)) };
    let keep = law.slope_persistence;
    let mut shock = normal(0);
    (-WARM_UP_MONTHS..months)
        .map(|position| {
            shock = keep * shock
                + (1.0 - keep * keep).sqrt() * normal((position + WARM_UP_MONTHS + 1) as u64);
            let regime = world.regimes.iter().rev().find(|r| r.from_month as i32 <= position);
            let slope = law.slope_mean + law.slope_sigma * shock;
            Month {
                strength: law.strength * slope * regime.map_or(1.0, |r| r.strength),
                wallet: regime.map_or(1.0, |r| r.wallet),
                hazard: regime.map_or(1.0, |r| r.hazard),
            }
        })
        .collect()
}

/// Looks up names of a world in a flow.
struct Names<'a> {
    flow: &'a Flow,
    world: &'a World,
}

impl Names<'_> {
    fn kind(&self, key: &'static str, name: &str) -> Result<TypeIndex, SimulationError> {
        let entries = self.flow.catalogue().entries();
        let found = entries.iter().position(|entry| entry.interaction_type == name);
        found.map(|position| TypeIndex(position as u16)).ok_or_else(|| {
            self.unknown(key, name, entries.iter().map(|entry| entry.interaction_type.as_str()))
        })
    }

    fn function(&self, name: &str) -> Result<(), SimulationError> {
        let mut known = self.flow.catalogue().entries().iter().map(|entry| entry.function.as_str());
        if known.clone().any(|function| function == name) {
            return Ok(());
        }
        Err(self.unknown("desks` or `function_weights", name, &mut known))
    }

    fn unknown<'b>(
        &self,
        key: &'static str,
        name: &str,
        known: impl Iterator<Item = &'b str>,
    ) -> SimulationError {
        SimulationError::UnknownName {
            world: self.world.name.clone(),
            key,
            name: name.to_owned(),
            hint: nearest(name, known)
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?")),
        }
    }
}

/// Standard score of the relationship as a target of staff, by state: the worse, the higher.
pub(super) const RISK: [f64; 4] = [1.5, 0.5, -0.5, -1.5];

/// Standard scores beyond this are cut: nobody gets a hundred times the attention.
pub(super) const TARGET_CUT: f64 = 2.5;

impl Target {
    /// Standard score of an account for this target, from its gross profit by month, latest last.
    pub(super) fn score(self, trailing: &[f64], state: usize, scale: (f64, f64)) -> f64 {
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let (centre, sd) = scale;
        let score = match self {
            Self::Risk => RISK[state],
            Self::Profit if trailing.len() >= 3 => {
                (mean(trailing).max(f64::MIN_POSITIVE).ln() - centre) / sd
            }
            Self::Rise if trailing.len() >= 6 => {
                let (before, last) = trailing.split_at(trailing.len() - 3);
                let (before, last) = (mean(before), mean(last));
                if before > 0.0 && last > 0.0 { (last / before).ln() / RISE_SIGMA } else { 0.0 }
            }
            Self::Nobody | Self::Profit | Self::Rise => 0.0,
        };
        score.clamp(-TARGET_CUT, TARGET_CUT)
    }
}

/// Standard deviation of the log ratio of a quarter's revenue to that of the three before.
const RISE_SIGMA: f64 = 0.3;

pub(super) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
