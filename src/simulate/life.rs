//! One account from first touch to exit: interactions meet the relationship, outcomes follow it.
//!
//! A month has two halves: [`Life::walk`] finds what happens and what waits for staff,
//! [`Life::close`] lets the customer feel it, writes the log and settles outcomes. In between the
//! team serves the requests of all its accounts.

use std::collections::VecDeque;

use rand_distr::{Distribution, Exp1, StandardNormal};

use crate::ids::{AccountIndex, ContactIndex, TypeIndex};
use crate::interaction::{Account, AccountHistory, Contact, Outcome, RelationshipState, Status, Truth};
use crate::rng::{Draws, Purpose, Streams};
use crate::time::{Instant, Month};

use super::cohort::{self, Traits, pick, poisson};
use super::market::{self, Standing};
use super::relationship::{Bond, Goodwill, IndependentBond};
use super::setting::{Kind, Setting, logistic};
use super::staff::{Member, Request, Served, Team};
use super::walk::{Motion, Walker};
use super::world::{Coupling, World};
use super::{Simulation, WARM_UP_MONTHS};

/// An account while it is simulated.
pub(super) struct Life<'a> {
    pub(super) simulation: &'a Simulation,
    pub(super) setting: &'a Setting,
    pub(super) world: &'a World,
    pub(super) index: AccountIndex,
    /// Position of the account in its team.
    position: u32,
    pub(super) streams: Streams,
    pub(super) traits: Traits,
    pub(super) seats: Vec<Seat>,
    bond: Bond,
    independent: Option<IndependentBond>,
    pub(super) standing: Standing,
    /// Gross profit by month as a customer, latest last; at most a year.
    trailing: VecDeque<f64>,
    /// Money per catalogue cost unit \[currency\].
    cost_unit: f64,
    /// End of the contract term that runs, and its length \[days\].
    term: Option<(Instant, f64)>,
    treated: u64,
    /// Skill of the member of staff who keeps the account.
    skill: f64,
    /// Interactions that purchases bring about later.
    echoes: Vec<(Instant, ContactIndex, TypeIndex)>,
    /// Contracts renewed in this month.
    renewed: Vec<Instant>,
    pub(super) rows: Vec<Row>,
    span: Option<Span>,
    pub(super) owners: Vec<Member>,
    pub(super) log_start: Instant,
    pub(super) exited_at: Option<Instant>,
    pub(super) history: AccountHistory,
}

/// A place in the buying group, and who holds it.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    pub(super) contact: ContactIndex,
    walker: Walker,
    pub(super) influence: f64,
    pub(super) goodwill: Goodwill,
    /// Initiatives in which the contact takes part, one bit each.
    participates: u64,
}

/// What brought a row about, and so which draws belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Walk,
    Initiative(u8),
    Echo,
    Policy,
    Transaction,
}

impl Origin {
    const fn code(self) -> u64 {
        match self {
            Self::Walk => 0,
            Self::Echo => 1,
            Self::Policy => 2,
            Self::Transaction => 3,
            Self::Initiative(position) => 4 + position as u64,
        }
    }
}

/// One interaction of the month.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) at: Instant,
    pub(super) contact: ContactIndex,
    seat: u16,
    pub(super) kind: TypeIndex,
    pub(super) origin: Origin,
    /// Unique among the rows of this contact and origin.
    ordinal: u64,
    pub(super) served: Option<Served>,
}

impl Row {
    /// Ordinal of every draw about this row.
    pub(super) const fn draw(&self) -> u64 {
        self.ordinal << 8 | self.origin.code()
    }
}

/// The part of one month in which the account was there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) position: i32,
    pub(super) month: Month,
    pub(super) month_start: Instant,
    pub(super) month_end: Instant,
    pub(super) start: Instant,
    pub(super) end: Instant,
    /// First instant as a customer in this month, if there is one.
    pub(super) customer_from: Option<Instant>,
    /// State that drives the outcomes of the month.
    pub(super) state: RelationshipState,
    /// Advantage that this state gives.
    pub(super) advantage: f64,
    /// Standard score of the account as a target of staff.
    target: f64,
    hazard: f64,
    locked_in: bool,
}

impl Span {
    fn days(&self) -> f64 {
        self.month_end.days_since(self.month_start)
    }

    /// Share of the month as a customer, in `[0, 1]`.
    pub(super) fn customer_share(&self) -> f64 {
        self.customer_from.map_or(0.0, |from| self.end.days_since(from).max(0.0) / self.days())
    }

    /// Share of the month in which the account was known, in `[0, 1]`.
    fn present_share(&self) -> f64 {
        self.end.days_since(self.start) / self.days()
    }

    /// The instant at share `u` of the time as a customer.
    pub(super) fn customer_instant(&self, from: Instant, u: f64) -> Instant {
        from.plus_days(u * self.end.days_since(from))
    }

    pub(super) fn ordinal(&self) -> u64 {
        self.month.since(Month::new(1900, 1).expect("January is a month")) as u64
    }
}

/// What one month cost, given and felt.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    cost: f64,
    effort_minutes: f64,
    critical: f64,
    unlogged: f64,
}

impl<'a> Life<'a> {
    pub(super) fn new(simulation: &'a Simulation, index: AccountIndex, team: &Team<'_>) -> Self {
        let (world, setting, streams) =
            (&simulation.world, &simulation.setting, simulation.streams);
        let traits = cohort::traits(streams, index, simulation.census());
        let (team_number, position) = super::staff::team_of(index, &world.staff);
        let params = &world.relationship;
        let own = streams.draws(Purpose::State, index, ContactIndex(0));
        let log_start = simulation.start_of(0);
        let begins = traits.customer_since.is_none_or(|since| since >= log_start);
        let bond = if begins { Bond::new(own) } else { Bond::installed(own, simulation.stationary) };
        let independent = (world.coupling == Coupling::Independent)
            .then(|| IndependentBond::new(streams, index, params, simulation.stationary));
        let treated = |(i, law): (usize, &super::world::Intervention)| {
            let unit = if law.by_team { team_number } else { index.0 };
            let draws = streams.draws(Purpose::Policy, AccountIndex(unit), ContactIndex(u16::MAX));
            u64::from(draws.uniform(i as u64) < law.share) << i
        };
        let portfolio = setting.desks.iter().position(|(_, desk)| desk.portfolio);
        let term_days = TERMS[pick(
            world.contract.terms.into_iter(),
            streams.draws(Purpose::Contract, index, ContactIndex(0)).uniform(0),
        )];
        let first_end = |since: Instant| {
            let terms = (log_start.days_since(since) / term_days).floor().max(0.0) + 1.0;
            (since.plus_days(terms * term_days), term_days)
        };
        let size = traits.log_size.exp();
        let id = format!("A{:07}", index.0 + 1);
        let account = Account {
            segment_id: Some(setting.segments[traits.segment].clone()),
            size: Some(traits.recorded_size),
            priority: Some(traits.log_size > PRIORITY * world.outcome.size_sigma),
            entered_at: traits.entered_at,
            id,
            ..Account::default()
        };
        Self {
            simulation,
            setting,
            world,
            index,
            position,
            streams,
            seats: Vec::new(),
            bond,
            independent,
            standing: Standing::new(streams, index, world, traits.log_size),
            trailing: VecDeque::with_capacity(13),
            cost_unit: world.outcome.cost_unit * size.powf(world.outcome.cost_elasticity),
            term: traits.customer_since.map(first_end),
            treated: world.interventions.iter().enumerate().map(treated).sum(),
            skill: portfolio.map_or(0.0, |desk| team.skill(team.keeper(desk as u8, position))),
            echoes: Vec::new(),
            renewed: Vec::new(),
            rows: Vec::new(),
            span: None,
            owners: Vec::new(),
            log_start,
            exited_at: None,
            history: AccountHistory::empty(account),
            traits,
        }
    }

    /// Month of the log, counted from its beginning, in which the account's life begins.
    pub(super) fn begins(&self) -> i32 {
        let month = self.simulation.calendar.month_of(self.traits.entered_at);
        month.since(self.simulation.start).max(-WARM_UP_MONTHS)
    }

    /// Whether there is nothing left to simulate.
    pub(super) const fn is_over(&self) -> bool {
        self.exited_at.is_some()
    }

    /// First half of a month: what happens in it, and what of it waits for staff.
    pub(super) fn walk(&mut self, position: i32, requests: &mut Vec<Request>) {
        let span = self.attrition(self.span(position));
        self.rows.clear();
        self.contacts_walk(&span);
        self.initiatives_run(&span);
        if let Some(from) = span.customer_from {
            self.policies_act(&span, from);
            self.transact(&span, from);
            self.echo(&span);
        }
        // Rows of the same instant stay in the order of their origins.
        self.rows.sort_by_key(|row| (row.at, row.contact, row.origin));
        let handling = self.streams.draws(Purpose::Handling, self.index, ContactIndex(0));
        for (row, happened) in (0..).zip(&self.rows) {
            let desk = self.setting.kinds[usize::from(happened.kind.0)].desk;
            if let Some(desk) = desk.filter(|_| happened.origin != Origin::Transaction) {
                let draws = handling.part(happened.contact.0 + 1);
                requests.push(Request {
                    at: happened.at,
                    account: self.position,
                    row,
                    desk,
                    handling: draws.uniform(happened.draw()),
                });
            }
        }
        self.span = Some(span);
    }

    /// Notes who took the request of a row.
    pub(super) fn take(&mut self, row: u32, served: Served) {
        self.rows[row as usize].served = Some(served);
    }

    /// Second half of a month: what was felt, what is logged, and what it brings.
    pub(super) fn close(&mut self, team: &Team<'_>) {
        let Some(span) = self.span.take() else { return };
        let tally = self.live_through(&span, team);
        let goodwill = self.settle_goodwill(&span, &tally);
        let brought = self.bring(&span);
        if span.position >= 0 && self.traits.stakeholder.is_none() {
            self.settle(&span, brought, &tally, goodwill);
            if let Some(from) = span.customer_from {
                self.ask(&span, from);
                self.give_and_take(&span, from);
                self.appraise(&span, brought, tally.effort_minutes);
            }
        }
    }

    /// Everything the tables hold about the account.
    pub(super) fn into_history(self, team: &Team<'_>) -> AccountHistory {
        let end =
            self.exited_at.unwrap_or_else(|| self.simulation.start_of(self.simulation.months));
        let mut history = self.history;
        for contact in &mut history.contacts {
            contact.valid_to = contact.valid_to.filter(|&left| left < end);
        }
        history.owners = self.owners.iter().map(|member| team.name(*member)).collect();
        history.initiatives = self.world.initiatives.iter().map(|law| law.id.clone()).collect();
        history.account.contract_end = self.term.map(|(end, _)| end);
        // Rows are written month by month; within a month in order of time.
        debug_assert!(history.interactions.is_sorted_by_key(|row| row.occurred_at));
        history
    }

    fn span(&self, position: i32) -> Span {
        let simulation = self.simulation;
        let (month_start, month_end) = (simulation.start_of(position), simulation.start_of(position + 1));
        let start = month_start.max(self.traits.entered_at);
        let since = self.traits.customer_since.filter(|since| *since < month_end);
        let state = self.outcome_state();
        let shared = self.setting.month(position);
        let law = &self.world.outcome;
        let (_, sd) = (0.0, law.size_sigma.max(0.1));
        let median = law.gross_margin * law.median_wallet * super::setting::logistic(self.world.market.share_base);
        let target = if since.is_some() {
            let (a, b) = self.trailing.as_slices();
            debug_assert!(b.is_empty() || a.len() + b.len() <= 12);
            let trailing: Vec<f64> = a.iter().chain(b).copied().collect();
            self.world.activity.target.score(&trailing, self.bond.state as usize, (median.ln(), sd))
        } else {
            0.0
        };
        Span {
            position,
            month: simulation.start.plus(position),
            month_start,
            month_end,
            start,
            end: month_end,
            customer_from: since.map(|since| since.max(start)),
            state,
            advantage: shared.strength * law.state_effect[state as usize],
            target,
            hazard: 0.0,
            locked_in: true,
        }
    }

    /// The state that drives outcomes: the account's own, or one no interaction meets.
    fn outcome_state(&self) -> RelationshipState {
        self.independent.map_or(self.bond.state, |independent| independent.bond.state)
    }

    fn draws(&self, purpose: Purpose) -> Draws {
        self.streams.draws(purpose, self.index, ContactIndex(0))
    }

    /// Ends the account inside the month when its hazard says so; never before the log begins.
    fn attrition(&mut self, mut span: Span) -> Span {
        let Some(from) = span.customer_from else { return span };
        let (Some((term_end, days)), contract) = (self.term, &self.world.contract) else { return span };
        let ends = (term_end < span.end).then_some(term_end);
        if ends.is_some() {
            self.term = Some((term_end.plus_days(days), days));
        }
        let law = &self.world.outcome;
        let monthly = -(1.0 - law.annual_attrition).ln() / 12.0;
        let related = (1.0 - law.unrelated_attrition) * law.hazard_effect[span.state as usize].exp();
        let bound = if ends.is_some() { contract.release } else { contract.lock_in };
        let shared = self.setting.month(span.position).hazard;
        let causes = [law.unrelated_attrition, related * bound];
        let rate = monthly * shared * (causes[0] + causes[1]) * span.customer_share();
        span.hazard = -(-rate).exp_m1();
        span.locked_in = ends.is_none();
        if span.position < 0 {
            return span;
        }
        let mut stream = self.draws(Purpose::Attrition).stream(span.ordinal());
        if stream.uniform() < span.hazard {
            let at = span.customer_instant(from, stream.uniform());
            let unrelated = stream.uniform() * (causes[0] + causes[1]) < causes[0];
            // Who was bound until the end of a term and does not renew leaves on that day.
            let exit = ends.filter(|end| !unrelated && *end > from).unwrap_or(at);
            self.exited_at = Some(exit);
            self.history.account.exited_at = Some(exit);
            self.history.account.exit_reason =
                Some(self.exit_reason(unrelated, stream.uniform()).to_owned());
            span.end = exit;
        } else if let Some(end) = ends.filter(|end| *end >= from) {
            self.renew(end);
        }
        span
    }

    /// Why the account left: in words that a firm would record, never the hidden state.
    fn exit_reason(&self, unrelated: bool, u: f64) -> &'static str {
        if unrelated {
            return ["ceased_trading", "moved_in_house"][usize::from(u < 0.4)];
        }
        let wronged = self.outcome_state() == RelationshipState::Damaged;
        let weights = if wronged { [0.5, 0.3, 0.2] } else { [0.15, 0.5, 0.35] };
        ["service_failure", "lost_to_rival", "price"][pick(weights.into_iter(), u)]
    }

    /// Walks every contact to the end of the span.
    fn contacts_walk(&mut self, span: &Span) {
        let signed = self.traits.customer_since.filter(|at| *at > span.start && *at <= span.end);
        match signed {
            Some(since) => {
                self.walk_until(span.start, since, None);
                self.sign(since);
                self.walk_until(since, span.end, Some(span));
            }
            None => {
                let customer = span.customer_from.map(|_| span);
                self.walk_until(span.start, span.end, customer);
            }
        }
    }

    /// The account signs: everybody's clock starts anew, and what was felt before counts no more.
    fn sign(&mut self, since: Instant) {
        let setting = self.setting;
        let level = self.simulation.flow.retention_entry();
        let motion = self.motion(None);
        for seat in &mut self.seats {
            seat.walker.enter(&setting.terrain, level, since, motion);
        }
        if since >= self.log_start {
            self.occur(since, 0, self.simulation.flow.transactions().on_close, Origin::Transaction, u64::MAX >> 8);
        }
    }

    fn renew(&mut self, at: Instant) {
        if at >= self.log_start {
            self.renewed.push(at);
        }
    }

    /// How fast contacts walk, and how often into what is bad.
    fn motion(&self, customer: Option<&Span>) -> Motion {
        let activity = &self.world.activity;
        let params = &self.world.relationship;
        let attention = customer.map_or(0.0, |span| activity.target_strength * span.target);
        let own_pace = if customer.is_some() { activity.own_pace } else { 1.0 };
        let quality = params.quality_sigma * self.traits.quality + self.skill;
        Motion {
            pace: (self.traits.pace * own_pace * attention.exp()).max(STANDSTILL),
            tilt: params.negative_tilt[self.bond.state as usize] * (-quality - attention).exp(),
        }
    }

    fn walk_until(&mut self, from: Instant, until: Instant, customer: Option<&Span>) {
        let motion = self.motion(customer);
        self.fill_seats(from, customer.is_some(), motion);
        if self.traits.stakeholder.is_some() {
            return;
        }
        let setting = self.setting;
        let mut position = 0;
        while position < self.seats.len() {
            let Self { seats, rows, .. } = self;
            let seat = &mut seats[position];
            let contact = seat.contact;
            let stays = seat.walker.advance(&setting.terrain, until, motion, |at, kind, step| {
                rows.push(Row {
                    at,
                    contact,
                    seat: position as u16,
                    kind,
                    origin: Origin::Walk,
                    ordinal: u64::from(step),
                    served: None,
                });
            });
            if stays {
                position += 1;
            } else {
                let left_at = self.seats[position].walker.leaves_at;
                self.history.contacts[usize::from(contact.0)].valid_to = Some(left_at);
                self.seats[position] = self.newcomer(left_at, customer.is_some(), motion);
            }
        }
    }

    fn fill_seats(&mut self, at: Instant, customer: bool, motion: Motion) {
        while self.seats.len() < usize::from(self.traits.seats) {
            let newcomer = self.newcomer(at, customer, motion);
            self.seats.push(newcomer);
        }
    }

    /// A new contact of the account, at the beginning of its walk: goodwill is not inherited.
    fn newcomer(&mut self, at: Instant, customer: bool, motion: Motion) -> Seat {
        let ordinal = self.history.contacts.len() as u16;
        let contact: Contact = cohort::contact(
            self.streams,
            (self.index, &self.history.account.id),
            ordinal,
            at,
            (&self.world.cohort, self.traits.stakeholder),
        );
        let leaves_at = contact.valid_to.expect("a drawn contact leaves some day");
        let influence = contact.influence;
        self.history.contacts.push(contact);
        let flow = &self.simulation.flow;
        let contact = ContactIndex(ordinal);
        let level = if customer {
            flow.retention_entry()
        } else {
            let u = self.streams.draws(Purpose::Contact, self.index, contact).uniform(3);
            flow.entry()[pick(flow.entry().iter().map(|(_, share)| *share), u)].0
        };
        let who = (self.streams, self.index);
        let during = (at, leaves_at);
        let walker =
            Walker::start(&self.setting.terrain, who, contact, 0, level, during, motion);
        let participates = self.participates(contact);
        Seat { contact, walker, influence, goodwill: Goodwill::NONE, participates }
    }

    /// Notes an interaction with the contact on seat `seat`.
    fn occur(&mut self, at: Instant, seat: usize, kind: TypeIndex, origin: Origin, ordinal: u64) {
        let contact = self.seats[seat].contact;
        let seat = seat as u16;
        self.rows.push(Row { at, contact, seat, kind, origin, ordinal, served: None });
    }

    fn seat_at(&self, u: f64) -> usize {
        ((u * self.seats.len() as f64) as usize).min(self.seats.len() - 1)
    }

    fn participates(&self, contact: ContactIndex) -> u64 {
        if self.world.initiatives.is_empty() {
            return 0;
        }
        let draws = self.streams.draws(Purpose::Initiative, self.index, contact);
        let priority = self.history.account.priority == Some(true);
        let joins = |(i, law): (usize, &super::world::InitiativeLaw)| {
            let may = law.open || priority;
            let share = if self.traits.stakeholder.is_some() { 1.0 } else { law.participation };
            u64::from(may && draws.uniform(i as u64) < share) << i
        };
        self.world.initiatives.iter().enumerate().map(joins).sum()
    }

    /// Interactions of the month in the communities that contacts take part in.
    fn initiatives_run(&mut self, span: &Span) {
        let there = span.customer_from.or(self.traits.stakeholder.map(|_| span.start));
        let Some(from) = there else { return };
        for (i, law) in self.world.initiatives.iter().enumerate() {
            let runs = law.from_month as i32 <= span.position
                && law.to_month.is_none_or(|end| span.position < end as i32);
            if !runs {
                continue;
            }
            let share = span.end.days_since(from).max(0.0) / span.days();
            for seat in 0..self.seats.len() {
                if self.seats[seat].participates >> i & 1 == 0 {
                    continue;
                }
                let draws =
                    self.streams.draws(Purpose::Initiative, self.index, self.seats[seat].contact);
                let mut stream = draws.stream((span.ordinal() << 8) + 64 + i as u64);
                for nth in 0..poisson(law.per_month * share, &mut stream) {
                    let at = span.customer_instant(from, stream.uniform());
                    let kind = self.setting.initiatives[i].pick(stream.bits());
                    let ordinal = span.ordinal() << 16 | u64::from(nth);
                    self.occur(at, seat, kind, Origin::Initiative(i as u8), ordinal);
                }
            }
        }
    }

    /// What policies add for the accounts that they treat.
    fn policies_act(&mut self, span: &Span, from: Instant) {
        for (i, law) in self.world.interventions.iter().enumerate() {
            let acts = law.from_month as i32 <= span.position
                && law.to_month.is_none_or(|end| span.position < end as i32);
            if !acts || self.treated >> i & 1 == 0 {
                continue;
            }
            let mut stream = self.draws(Purpose::Policy).stream((span.ordinal() << 8) + i as u64);
            for nth in 0..poisson(law.per_month * span.customer_share(), &mut stream) {
                let at = span.customer_instant(from, stream.uniform());
                let seat = self.seat_at(stream.uniform());
                let ordinal = (span.ordinal() << 8 | i as u64) << 16 | u64::from(nth);
                self.occur(at, seat, self.setting.interventions[i], Origin::Policy, ordinal);
            }
        }
    }

    /// The orders and renewals of the month, and what orders bring about.
    fn transact(&mut self, span: &Span, from: Instant) {
        if span.position < 0 && self.world.activity.per_purchase <= 0.0 {
            return;
        }
        let law = &self.world.outcome;
        let mut stream = self.draws(Purpose::Transaction).stream(span.ordinal());
        let rate = law.orders_per_month
            * (ORDERS_BY_SIZE * self.traits.log_size + span.advantage).exp()
            * span.customer_share();
        let orders = poisson(rate, &mut stream);
        for nth in 0..orders {
            let at = span.customer_instant(from, stream.uniform());
            let kind = self.setting.purchases.pick(stream.bits());
            let seat = self.seat_at(stream.uniform());
            let ordinal = span.ordinal() << 16 | u64::from(nth);
            self.occur(at, seat, kind, Origin::Transaction, ordinal);
            self.plan_echoes(at, seat, ordinal);
        }
        for at in std::mem::take(&mut self.renewed) {
            let kind = self.simulation.flow.transactions().on_renewal;
            let ordinal = span.ordinal() << 16 | 0xffff;
            let seat = self.seat_at(stream.uniform());
            self.occur(at, seat, kind, Origin::Transaction, ordinal);
        }
    }

    fn plan_echoes(&mut self, at: Instant, seat: usize, ordinal: u64) {
        let mean = self.world.activity.per_purchase;
        if mean <= 0.0 {
            return;
        }
        let contact = self.seats[seat].contact;
        let mut stream = self.draws(Purpose::Echo).stream(ordinal);
        let level = usize::from(self.seats[seat].walker.level().0);
        for _ in 0..poisson(mean, &mut stream) {
            let wait: f64 = Exp1.sample(&mut stream);
            let kind = self.setting.echoes[level].pick(stream.bits());
            self.echoes.push((at.plus_days(ECHO_DAYS * wait), contact, kind));
        }
    }

    /// What earlier purchases bring about in this month.
    fn echo(&mut self, span: &Span) {
        if self.echoes.is_empty() {
            return;
        }
        let due: Vec<_> = self.echoes.iter().copied().filter(|echo| echo.0 < span.end).collect();
        self.echoes.retain(|echo| echo.0 >= span.end);
        for (nth, (at, contact, kind)) in (0..).zip(due) {
            // Whoever sits there now answers for a contact who left.
            let seat = self.seats.iter().position(|seat| seat.contact == contact).unwrap_or(0);
            self.occur(at, seat, kind, Origin::Echo, span.ordinal() << 16 | nth);
        }
    }

    /// Lets the customer feel the rows of the month, in order, and logs them.
    fn live_through(&mut self, span: &Span, team: &Team<'_>) -> Tally {
        let mut tally = Tally::default();
        let total: f64 = self.seats.iter().map(|seat| seat.influence).sum();
        let rows = std::mem::take(&mut self.rows);
        let setting = self.setting;
        for row in &rows {
            let kind = &setting.kinds[usize::from(row.kind.0)];
            let customer = span.customer_from.is_some_and(|from| row.at >= from);
            if row.origin != Origin::Transaction && customer {
                self.feel(row, kind, team, &mut tally, total);
            }
            if span.position >= 0 && row.at >= self.log_start {
                tally.cost += self.cost_of(kind);
                tally.effort_minutes += kind.effort;
                tally.unlogged += self.record(row, kind, span.state);
            }
        }
        self.rows = rows;
        tally
    }

    fn feel(&mut self, row: &Row, kind: &Kind, team: &Team<'_>, tally: &mut Tally, total: f64) {
        let params = &self.world.relationship;
        let seat = &mut self.seats[usize::from(row.seat)];
        let share = seat.influence / total;
        if kind.critical && kind.weight > 0.0 {
            tally.critical += share;
        }
        // Who left in this month has taken goodwill along.
        if seat.contact != row.contact {
            return;
        }
        let effect = kind.effect[self.traits.segment];
        let served = row.served.map_or(0.0, |served| {
            effect.abs() * team.skill(served.member)
                - kind.weight * self.world.staff.delay_effect * served.wait_days.ln_1p()
        });
        seat.goodwill.feel(effect + served);
        if kind.critical && kind.weight > 0.0 {
            seat.goodwill.destroy(row.at, params);
        } else if kind.recovery {
            seat.goodwill.repair(row.at, params);
        }
    }

    pub(super) fn cost_of(&self, kind: &Kind) -> f64 {
        kind.cost[self.traits.segment] * self.cost_unit
    }

    /// Ends the month for goodwill and states; gives what was felt and the goodwill that results.
    fn settle_goodwill(&mut self, span: &Span, tally: &Tally) -> (f64, f64) {
        let params = &self.world.relationship;
        if let Some(independent) = &mut self.independent {
            independent.step(params);
        }
        if span.customer_from.is_none() {
            self.seats.iter_mut().for_each(|seat| seat.goodwill.begin());
            return (0.0, 0.0);
        }
        let total: f64 = self.seats.iter().map(|seat| seat.influence).sum();
        let mean = |of: fn(&Goodwill) -> f64, seats: &[Seat]| -> f64 {
            seats.iter().map(|seat| seat.influence * of(&seat.goodwill)).sum::<f64>() / total
        };
        let felt = mean(Goodwill::felt, &self.seats);
        self.seats.iter_mut().for_each(|seat| seat.goodwill.settle(params));
        let goodwill = mean(|goodwill| goodwill.stock, &self.seats);
        for seat in &mut self.seats {
            seat.goodwill.stock += params.spill_over * (goodwill - seat.goodwill.stock);
        }
        self.bond.step(goodwill, tally.critical, params);
        (felt, goodwill)
    }

    /// Moves wallet and rivals on; remembers gross profit as staff would see it.
    fn bring(&mut self, span: &Span) -> Brought {
        let Some(_) = span.customer_from else { return Brought::default() };
        let law = &self.world.outcome;
        let since = self.traits.customer_since.expect("a customer signed");
        let age_years = span.month_start.days_since(since) / 365.25;
        let shared = self.setting.month(span.position);
        let laws = (&self.world.market, law);
        let month = self.standing.step(span.ordinal(), span.advantage, shared, age_years, laws);
        let mut stream = self.draws(Purpose::Outcome).stream(span.ordinal());
        let noise: f64 = StandardNormal.sample(&mut stream);
        let variance = law.noise_sigma * law.noise_sigma;
        let share = span.customer_share();
        let expected = month.revenue * share;
        let revenue = expected * (law.noise_sigma * noise - variance / 2.0).exp();
        if self.trailing.len() == 12 {
            self.trailing.pop_front();
        }
        if share > 0.0 {
            self.trailing.push_back(law.gross_margin * revenue / share);
        }
        let cost_noise: f64 = StandardNormal.sample(&mut stream);
        let wallet_noise: f64 = StandardNormal.sample(&mut stream);
        Brought {
            revenue,
            expected,
            month: Some(month),
            cost_noise,
            reported_odds: month.share_odds + self.world.market.wallet_error * wallet_noise,
        }
    }

    /// Writes the outcome and the truth of the month.
    fn settle(&mut self, span: &Span, brought: Brought, tally: &Tally, goodwill: (f64, f64)) {
        let law = &self.world.outcome;
        let present = span.present_share();
        let (cost_to_engage, expected_cost) = match law.retainer {
            Some(retainer) => {
                let expected = retainer * self.cost_unit * present;
                (expected * (0.3 * brought.cost_noise - 0.045).exp(), expected)
            }
            None => (tally.cost, tally.cost),
        };
        let status = match (self.exited_at, span.customer_from) {
            (Some(_), _) => Status::Exited,
            (None, Some(_)) => Status::Customer,
            (None, None) => Status::Prospect,
        };
        let share = brought.month.map(|_| logistic(brought.reported_odds));
        self.history.outcomes.push(Outcome {
            period_start: span.month_start,
            period_end: span.month_end,
            known_at: span.month_end,
            revenue: brought.revenue,
            gross_profit: Some(law.gross_margin * brought.revenue),
            cost_to_engage: Some(cost_to_engage),
            cost_to_serve: Some(law.cost_to_serve_rate * brought.revenue),
            customer_effort_cost: Some(law.effort_minute * tally.effort_minutes),
            wallet_size: share.map(|share| brought.revenue / share),
            share_of_wallet: share,
            status,
        });
        let purchases =
            self.rows.iter().filter(|row| row.origin == Origin::Transaction).count() as f64;
        self.history.truth.push(Truth {
            period_start: span.month_start,
            state: span.state,
            hazard: span.hazard,
            expected_profit: (law.gross_margin - law.cost_to_serve_rate) * brought.expected
                - expected_cost,
            expected_revenue: brought.expected,
            expected_satisfaction: super::voice::expected_answer(span.advantage),
            expected_share_of_wallet: brought.month.map_or(0.0, market::Month::share_of_wallet),
            mirrored_purchases: purchases,
            owner_target: span.target,
            felt_effect: goodwill.0,
            goodwill: goodwill.1,
            unlogged: tally.unlogged,
            critical: tally.critical,
            locked_in: f64::from(u8::from(span.locked_in && span.customer_from.is_some())),
        });
    }
}

/// What an account brought in one month.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Brought {
    pub(super) revenue: f64,
    expected: f64,
    month: Option<market::Month>,
    cost_noise: f64,
    reported_odds: f64,
}

/// Contract terms \[days\].
const TERMS: [f64; 3] = [365.25, 730.5, 1_095.75];

/// Standard score of log size from which an account has priority: the top fifth.
const PRIORITY: f64 = 0.841_621;

/// Orders grow with size to this power.
const ORDERS_BY_SIZE: f64 = 0.2;

/// Mean time from a purchase to an interaction that it brings about \[days\].
const ECHO_DAYS: f64 = 5.0;

/// Pace of contacts who do not walk by themselves.
const STANDSTILL: f64 = 1e-9;
