//! One account from first touch to exit: interactions meet the relationship, outcomes follow it.

use rand_distr::{Distribution, Exp1, LogNormal, Poisson, StandardNormal};

use crate::flow::Flow;
use crate::ids::{AccountIndex, ContactIndex, TypeIndex};
use crate::interaction::{
    Account, AccountHistory, Contact, Interaction, Outcome, RelationshipState, Status, Survey,
    Truth,
};
use crate::rng::{Draws, Purpose, Streams};
use crate::time::{Instant, Month};

use super::Simulation;
use super::cohort::{self, Traits};
use super::relationship::{Bond, Felt, IndependentBond, State, WARM_UP_MONTHS};
use super::walk::{Cumulative, Terrain, Walker};
use super::world::Coupling;

/// An account while it is simulated.
pub(super) struct Life<'a> {
    simulation: &'a Simulation,
    index: AccountIndex,
    streams: Streams,
    traits: Traits,
    terrain: Terrain<'a>,
    purchases: Cumulative,
    walkers: Vec<Walker>,
    bond: Bond,
    independent: Option<IndependentBond>,
    /// Size relative to the median account.
    size: f64,
    /// Slow part of log revenue that has nothing to do with the relationship.
    drift: f64,
    log_start: Instant,
    exited_at: Option<Instant>,
    history: AccountHistory,
}

/// The part of one month in which the account was there.
#[derive(Debug, Clone, Copy)]
struct Span {
    month: Month,
    start: Instant,
    end: Instant,
    /// First instant as a customer in this month, if there is one.
    customer_from: Option<Instant>,
}

impl Span {
    /// Share of the month as a customer, in `[0, 1]`.
    fn customer_share(&self, month_days: f64) -> f64 {
        self.customer_from.map_or(0.0, |from| self.end.days_since(from).max(0.0) / month_days)
    }
}

impl<'a> Life<'a> {
    pub(super) fn new(simulation: &'a Simulation, index: AccountIndex) -> Self {
        let (world, streams) = (&simulation.world, simulation.streams);
        let bounds = (simulation.start_of(0), simulation.start_of(simulation.months));
        let traits = cohort::traits(streams, index, &world.cohort, bounds);
        let id = format!("A{:07}", index.0 + 1);
        let independent = match world.coupling {
            Coupling::Own => None,
            Coupling::Independent => {
                Some(IndependentBond::new(streams, index, &world.relationship))
            }
        };
        let drift: f64 = StandardNormal
            .sample(&mut streams.draws(Purpose::Outcome, index, ContactIndex(1)).stream(0));
        Self {
            simulation,
            index,
            streams,
            terrain: Terrain { flow: &simulation.flow, mixes: &simulation.mixes },
            purchases: Cumulative::new(simulation.flow.transactions().on_purchase.iter().copied()),
            walkers: Vec::new(),
            bond: Bond::new(streams.draws(Purpose::State, index, ContactIndex(0))),
            independent,
            size: (world.outcome.size_sigma * traits.size_z).exp(),
            drift: drift * world.outcome.drift_sigma,
            log_start: bounds.0,
            exited_at: None,
            history: AccountHistory::empty(Account {
                id,
                segment_id: Some(traits.segment.clone()),
                entered_at: traits.entered_at,
                size: Some(traits.recorded_size),
                ..Account::default()
            }),
            traits,
        }
    }

    /// Lives through every month and gives what the tables hold.
    pub(super) fn history(mut self) -> AccountHistory {
        let calendar = self.simulation.calendar;
        let entry = calendar.month_of(self.traits.entered_at).since(self.simulation.start);
        for month in entry.max(-WARM_UP_MONTHS)..self.simulation.months {
            self.live(month);
            if self.exited_at.is_some() {
                break;
            }
        }
        let mut history = self.history;
        // A stable sort: rows of the same instant stay in the order of their contacts.
        history.interactions.sort_by_key(|row| row.occurred_at);
        let end =
            self.exited_at.unwrap_or_else(|| self.simulation.start_of(self.simulation.months));
        for contact in &mut history.contacts {
            contact.valid_to = contact.valid_to.filter(|&left| left < end);
        }
        history
    }

    fn live(&mut self, position: i32) {
        let span = self.span(position);
        let state = self.outcome_state();
        let span = self.attrition(span, state);
        let felt = self.interact(span);
        if position >= 0 {
            self.transact(span, state);
            self.settle(span, state);
            self.survey(span, state);
        }
        let params = &self.simulation.world.relationship;
        if span.customer_from.is_some() {
            self.bond.step(felt, params);
        }
        if let Some(independent) = &mut self.independent {
            independent.step(params);
        }
    }

    fn span(&self, position: i32) -> Span {
        let start = self.simulation.start_of(position).max(self.traits.entered_at);
        let end = self.simulation.start_of(position + 1);
        let since = self.traits.customer_since;
        let month = self.simulation.start.plus(position);
        Span { month, start, end, customer_from: (since < end).then_some(since.max(start)) }
    }

    /// The state that drives outcomes: the account's own, or one no interaction meets.
    fn outcome_state(&self) -> State {
        self.independent.map_or(self.bond.state, |independent| independent.bond.state)
    }

    fn draws(&self, purpose: Purpose) -> Draws {
        self.streams.draws(purpose, self.index, ContactIndex(0))
    }

    fn month_ordinal(month: Month) -> u64 {
        month.since(Month::new(1900, 1).expect("January is a month")) as u64
    }

    /// Ends the account inside the month when its hazard says so; never before the log begins.
    fn attrition(&mut self, span: Span, state: State) -> Span {
        let Some(from) = span.customer_from.filter(|_| span.start >= self.log_start) else {
            return span;
        };
        let mut stream = self.draws(Purpose::Attrition).stream(Self::month_ordinal(span.month));
        if stream.uniform() >= self.hazard(state) {
            return span;
        }
        let exit = from.plus_days(stream.uniform() * span.end.days_since(from));
        self.exited_at = Some(exit);
        self.history.account.exited_at = Some(exit);
        self.history.account.exit_reason =
            Some(format!("left from state {}", RelationshipState::from(state)));
        Span { end: exit, ..span }
    }

    fn hazard(&self, state: State) -> f64 {
        let law = &self.simulation.world.outcome;
        let monthly = -(1.0 - law.annual_attrition).ln() / 12.0;
        1.0 - (-monthly * law.hazard_effect[state as usize].exp()).exp()
    }

    /// Walks every contact to the end of the span and gives what the customer felt.
    fn interact(&mut self, span: Span) -> Felt {
        let mut felt = Felt::default();
        let since = self.traits.customer_since;
        if since > span.start && since <= span.end {
            self.walk(span.start, since, false, &mut felt);
            felt = Felt::default();
            self.become_customer(since);
            self.walk(since, span.end, true, &mut felt);
        } else {
            self.walk(span.start, span.end, since <= span.start, &mut felt);
        }
        felt
    }

    fn become_customer(&mut self, since: Instant) {
        let level = self.terrain.flow.retention_entry();
        for walker in &mut self.walkers {
            walker.enter(self.terrain, level, since, self.traits.pace);
        }
        if since >= self.log_start
            && let Some(first) = self.walkers.first()
        {
            let contact = first.contact;
            self.record(since, contact, self.terrain.flow.transactions().on_close);
        }
    }

    fn walk(&mut self, from: Instant, until: Instant, customer: bool, felt: &mut Felt) {
        self.fill_seats(from, customer);
        let total: f64 =
            self.walkers.iter().map(|walker| self.influence(walker.contact)).sum::<f64>();
        let mut rows: Vec<(Instant, ContactIndex, TypeIndex)> = Vec::new();
        let motion = (self.traits.pace, self.tilt());
        let mut seat = 0;
        while seat < self.walkers.len() {
            let mut walker = self.walkers[seat].clone();
            let contact = walker.contact;
            let stays = walker
                .advance(self.terrain, until, motion, |at, kind| rows.push((at, contact, kind)));
            let left_at = walker.leaves_at;
            self.walkers[seat] = walker;
            if stays {
                seat += 1;
            } else {
                self.history.contacts[usize::from(contact.0)].valid_to = Some(left_at);
                self.walkers[seat] = self.newcomer(left_at, customer);
            }
        }
        for (at, contact, kind) in rows {
            let influence = self.influence(contact) / total;
            let critical = self.simulation.flow.catalogue().entries()[usize::from(kind.0)].critical;
            felt.add(kind, influence, &self.simulation.effects, critical);
            if at >= self.log_start {
                self.record(at, contact, kind);
            }
        }
    }

    /// Odds factor of negative interactions: worse in a bad state, better for lasting quality.
    fn tilt(&self) -> f64 {
        let params = &self.simulation.world.relationship;
        let quality = (-params.quality_sigma * self.traits.quality).exp();
        params.negative_tilt[self.bond.state as usize] * quality
    }

    fn influence(&self, contact: ContactIndex) -> f64 {
        self.history.contacts[usize::from(contact.0)].influence
    }

    fn fill_seats(&mut self, at: Instant, customer: bool) {
        while self.walkers.len() < usize::from(self.traits.seats) {
            let newcomer = self.newcomer(at, customer);
            self.walkers.push(newcomer);
        }
    }

    /// A new contact of the account, at the beginning of its walk.
    fn newcomer(&mut self, at: Instant, customer: bool) -> Walker {
        let ordinal = self.history.contacts.len() as u16;
        let contact: Contact = cohort::contact(
            self.streams,
            self.index,
            &self.history.account.id,
            ordinal,
            at,
            &self.simulation.world.cohort,
        );
        let leaves_at = contact.valid_to.expect("a drawn contact leaves some day");
        self.history.contacts.push(contact);
        let flow: &Flow = self.terrain.flow;
        let contact = ContactIndex(ordinal);
        let level = if customer {
            flow.retention_entry()
        } else {
            let u = self.streams.draws(Purpose::Contact, self.index, contact).uniform(3);
            let mut below = 0.0;
            let entered = flow.entry().iter().find(|(_, share)| {
                below += share;
                u < below
            });
            entered.map_or(flow.entry()[0].0, |(level, _)| *level)
        };
        let who = (self.streams, self.index);
        Walker::start(self.terrain, who, contact, level, (at, leaves_at), self.traits.pace)
    }

    /// Writes an interaction into the log, at once or late.
    fn record(&mut self, at: Instant, contact: ContactIndex, kind: TypeIndex) {
        let world = &self.simulation.world;
        let ordinal = self.history.interactions.len() as u64;
        let mut stream = self.draws(Purpose::Logging).stream(ordinal);
        let known_at = if stream.uniform() < world.observation.late_probability {
            let delay: f64 = Exp1.sample(&mut stream);
            at.plus_days(delay * world.observation.late_mean_days)
        } else {
            at
        };
        let by_interaction = world.outcome.retainer.is_none();
        let variable_cost = by_interaction.then(|| {
            let entry = &self.simulation.flow.catalogue().entries()[usize::from(kind.0)];
            entry.worth_in(Some(&self.traits.segment)).variable_cost * self.cost_factor()
        });
        self.history.interactions.push(Interaction {
            contact: Some(contact),
            kind,
            occurred_at: at,
            known_at,
            variable_cost,
            ..Interaction::default()
        });
    }

    /// Money per catalogue cost unit for an account of this size \[currency\].
    fn cost_factor(&self) -> f64 {
        let law = &self.simulation.world.outcome;
        law.cost_unit * self.size.powf(law.cost_elasticity)
    }

    /// Records the orders and renewals of the month.
    fn transact(&mut self, span: Span, state: State) {
        let Some(from) = span.customer_from else { return };
        let law = &self.simulation.world.outcome;
        let mut stream = self.draws(Purpose::Transaction).stream(Self::month_ordinal(span.month));
        let month_days = 30.4;
        let rate = law.orders_per_month
            * self.size.powf(0.2)
            * (law.strength * law.state_effect[state as usize]).exp()
            * span.customer_share(month_days);
        let orders: f64 =
            Poisson::new(rate.max(1e-12)).expect("a positive rate").sample(&mut stream);
        let mut times: Vec<(Instant, TypeIndex)> = (0..orders as u32)
            .map(|_| {
                let at = from.plus_days(stream.uniform() * span.end.days_since(from));
                (at, self.purchases.pick(stream.uniform()))
            })
            .collect();
        let age = span.end.days_since(self.traits.customer_since);
        let anniversary = (age / 365.25).floor();
        let renewal = self.traits.customer_since.plus_days(anniversary * 365.25);
        if anniversary >= 1.0 && renewal >= from && renewal < span.end {
            times.push((renewal, self.terrain.flow.transactions().on_renewal));
        }
        for (at, kind) in times {
            let seat = (stream.uniform() * self.walkers.len() as f64) as usize;
            let contact = self.walkers[seat.min(self.walkers.len() - 1)].contact;
            self.record(at, contact, kind);
        }
    }

    /// Writes the outcome and the truth of the month.
    fn settle(&mut self, span: Span, state: State) {
        let world = &self.simulation.world;
        let law = &world.outcome;
        let (period_start, period_end) = (
            self.simulation.calendar.start_of(span.month),
            self.simulation.calendar.end_of(span.month),
        );
        let share = span.customer_share(period_end.days_since(period_start));
        let mut stream = self.draws(Purpose::Outcome).stream(Self::month_ordinal(span.month));
        let mut normal = || -> f64 { StandardNormal.sample(&mut stream) };
        let (noise, innovation, wallet_noise, cost_noise) =
            (normal(), normal(), normal(), normal());
        let persistence = law.drift_persistence;
        self.drift = persistence * self.drift
            + (1.0 - persistence * persistence).sqrt() * law.drift_sigma * innovation;
        let effect = law.strength * law.state_effect[state as usize];
        let expected = law.median_revenue * self.size * (effect + self.drift).exp() * share;
        let variance = law.noise_sigma * law.noise_sigma;
        let revenue = expected * (law.noise_sigma * noise - variance / 2.0).exp();
        let present = span.end.days_since(span.start) / period_end.days_since(period_start);
        let cost_to_engage = match law.retainer {
            Some(retainer) => {
                retainer * self.cost_factor() * (0.3 * cost_noise - 0.045).exp() * present
            }
            None => self
                .history
                .interactions
                .iter()
                .rev()
                .take_while(|row| row.occurred_at >= span.start)
                .filter_map(|row| row.variable_cost)
                .sum(),
        };
        let expected_cost = match law.retainer {
            Some(retainer) => retainer * self.cost_factor() * present,
            None => cost_to_engage,
        };
        let wallet = 0.2 + 0.8 * effect;
        let status = match (self.exited_at, span.customer_from) {
            (Some(_), _) => Status::Exited,
            (None, Some(_)) => Status::Customer,
            (None, None) => Status::Prospect,
        };
        self.history.outcomes.push(Outcome {
            period_start,
            period_end,
            known_at: period_end,
            revenue,
            gross_profit: Some(law.gross_margin * revenue),
            cost_to_engage: Some(cost_to_engage),
            cost_to_serve: Some(law.cost_to_serve_rate * revenue),
            share_of_wallet: span.customer_from.map(|_| logistic(wallet + 0.3 * wallet_noise)),
            status,
            ..Outcome::default()
        });
        self.history.truth.push(Truth {
            period_start,
            state: state.into(),
            hazard: self.hazard(state),
            expected_profit: (law.gross_margin - law.cost_to_serve_rate) * expected - expected_cost,
            expected_revenue: expected,
            expected_satisfaction: 3.6 + 0.8 * effect,
            expected_share_of_wallet: logistic(wallet),
            ..Truth::default()
        });
    }

    /// Asks one contact twice a year how satisfied they are.
    fn survey(&mut self, span: Span, state: State) {
        let Some(from) = span.customer_from else { return };
        let law = &self.simulation.world.outcome;
        let ordinal = Self::month_ordinal(span.month);
        if !ordinal.wrapping_add(u64::from(self.index.0)).is_multiple_of(6) {
            return;
        }
        let mut stream = self.draws(Purpose::Survey).stream(ordinal);
        let seat = (stream.uniform() * self.walkers.len() as f64) as usize;
        let contact = self.walkers[seat.min(self.walkers.len() - 1)].contact;
        let asked_at = from.plus_days(stream.uniform() * span.end.days_since(from));
        let answered = stream.uniform() < law.survey_response;
        let wait = LogNormal::new(1.0, 0.7).expect("constants are valid").sample(&mut stream);
        let answered_at = asked_at.plus_days(wait);
        let z: f64 = StandardNormal.sample(&mut stream);
        let effect = law.strength * law.state_effect[state as usize];
        let value = (3.6 + 0.8 * effect + 0.8 * z).round().clamp(1.0, 5.0);
        let answered = answered && self.exited_at.is_none_or(|exit| answered_at < exit);
        self.history.surveys.push(Survey {
            contact: Some(contact),
            asked_at,
            answered_at: answered.then_some(answered_at),
            instrument: "satisfaction".to_owned(),
            value: answered.then_some(value),
            ..Survey::default()
        });
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
