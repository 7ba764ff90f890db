//! What happens to an account in one month: contacts walk, communities meet, policies act, customers
//! buy.

use rand_distr::{Distribution, Exp1};

use crate::ids::{ContactIndex, TypeIndex};
use crate::interaction::Contact;
use crate::rng::{Purpose, Stream};
use crate::time::Instant;

use super::cohort::{self, pick, poisson};
use super::life::{Life, Origin, Row, Seat, Span};
use super::relationship::Goodwill;
use super::walk::{Border, Motion, Walker};
use super::world::{InitiativeLaw, Target};

impl Life<'_> {
    /// Walks every contact to the end of the span.
    pub(super) fn contacts_walk(&mut self, span: &Span) {
        let signed =
            self.traits.customer_since.filter(|at| *at > span.start.wall && *at <= span.end.wall);
        if let Some(since) = signed {
            self.walk_until(span.start.wall, self.setting.terrain.border(since), None);
            self.sign(since);
            self.walk_until(since, span.end, Some(span));
        } else {
            let customer = span.customer_from.map(|_| span);
            self.walk_until(span.start.wall, span.end, customer);
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
            self.occur(
                since,
                0,
                self.simulation.flow.transactions().on_close,
                Origin::Transaction,
                u64::MAX >> 8,
            );
        }
    }

    pub(super) fn renew(&mut self, at: Instant) {
        if at >= self.log_start {
            self.renewed.push(at);
        }
    }

    /// How fast contacts walk, and how often into what is bad.
    fn motion(&self, customer: Option<&Span>) -> Motion {
        let activity = &self.world.activity;
        let params = &self.world.relationship;
        let targeted = customer.filter(|_| activity.target != Target::Nobody);
        let attention = targeted.map_or(1.0, |span| (activity.target_strength * span.target).exp());
        let own_pace = if customer.is_some() { activity.own_pace } else { 1.0 };
        Motion {
            pace: (self.traits.pace * own_pace * attention).max(STANDSTILL),
            tilt: params.negative_tilt[self.bond.state as usize] * self.flaws / attention,
        }
    }

    fn walk_until(&mut self, from: Instant, until: Border, customer: Option<&Span>) {
        let motion = self.motion(customer);
        self.fill_seats(from, customer.is_some(), motion);
        let terrain = &self.setting.terrain;
        let walks = self.traits.stakeholder.is_none();
        let (mut position, first_row) = (0, self.rows.len());
        while position < self.seats.len() {
            let Self { seats, rows, .. } = self;
            let seat = &mut seats[position];
            let contact = seat.contact;
            let report = |at, kind, step| {
                rows.push(Row {
                    at: Instant::from_micros(at),
                    contact,
                    seat: position as u16,
                    kind,
                    origin: Origin::Walk,
                    ordinal: u64::from(step),
                    served: None,
                });
            };
            let stays = if walks {
                seat.walker.advance(terrain, until, motion, report)
            } else {
                until.wall < seat.walker.leaves_at()
            };
            if stays {
                position += 1;
            } else {
                let left_at = seat.walker.leaves_at();
                self.history.contacts[usize::from(contact.0)].valid_to = Some(left_at);
                self.departed.push((position as u16, contact, left_at));
                let during = (left_at, left_at);
                self.seats[position] = self.newcomer(during, customer.is_some(), motion);
            }
        }
        // All at once: one conversion need not wait for the one before.
        for row in &mut self.rows[first_row..] {
            row.at = terrain.to_wall(row.at.micros());
        }
    }

    fn fill_seats(&mut self, at: Instant, customer: bool, motion: Motion) {
        while self.seats.len() < usize::from(self.traits.seats) {
            let since = at.min(self.arrival(at));
            let newcomer = self.newcomer((since, at), customer, motion);
            self.seats.push(newcomer);
        }
    }

    /// When the next contact came, who is there at `at`: tenures are exponential, so their past is
    /// as long as their future.
    fn arrival(&self, at: Instant) -> Instant {
        let contact = ContactIndex(self.history.contacts.len() as u16);
        let draws = self.streams.draws(Purpose::Contact, contact);
        let past: f64 = Exp1.sample(&mut draws.stream(4));
        let since = at.plus_days(-past * self.world.cohort.contact_tenure_days);
        since.max(self.traits.entered_at)
    }

    /// A new contact of the account, who came at `since` and is followed from `at` on; nobody
    /// inherits goodwill.
    fn newcomer(
        &mut self,
        (since, at): (Instant, Instant),
        customer: bool,
        motion: Motion,
    ) -> Seat {
        let ordinal = self.history.contacts.len() as u16;
        let contact: Contact = cohort::contact(
            self.streams,
            &self.history.account.id,
            ordinal,
            (since, at),
            (&self.world.cohort, self.traits.stakeholder),
        );
        let leaves_at = contact.valid_to.expect("a drawn contact leaves some day");
        let influence = contact.influence;
        self.history.contacts.push(contact);
        let flow = &self.simulation.flow;
        let contact = ContactIndex(ordinal);
        let (level, begins) = if customer {
            (flow.retention_entry(), self.traits.customer_since.map_or(at, |at| at.max(since)))
        } else {
            let u = self.streams.draws(Purpose::Contact, contact).uniform(3);
            (flow.entry()[pick(flow.entry().iter().map(|(_, share)| *share), u)].0, at)
        };
        let terrain = &self.setting.terrain;
        let during = (begins.min(at), terrain.border(leaves_at));
        let mut walker = Walker::start(terrain, self.streams, contact, 0, level, during, motion);
        if begins < at {
            walker.look_back(terrain, terrain.border(at), motion, level);
        }
        let participates = self.participates(contact);
        Seat { contact, since, walker, influence, goodwill: Goodwill::NONE, participates }
    }

    /// Notes an interaction with whoever sat on seat `seat` then.
    fn occur(&mut self, at: Instant, seat: usize, kind: TypeIndex, origin: Origin, ordinal: u64) {
        let contact = self.sitting(seat, at);
        let seat = seat as u16;
        self.rows.push(Row { at, contact, seat, kind, origin, ordinal, served: None });
    }

    /// Who sat on a seat at an instant of the month.
    pub(super) fn sitting(&self, seat: usize, at: Instant) -> ContactIndex {
        let mut departed = self.departed.iter();
        let before =
            departed.find(|(left, _, left_at)| usize::from(*left) == seat && at < *left_at);
        before.map_or(self.seats[seat].contact, |(_, contact, _)| *contact)
    }

    fn seat_at(&self, u: f64) -> usize {
        ((u * self.seats.len() as f64) as usize).min(self.seats.len() - 1)
    }

    fn participates(&self, contact: ContactIndex) -> u64 {
        if self.world.initiatives.is_empty() {
            return 0;
        }
        let draws = self.streams.draws(Purpose::Initiative, contact);
        let priority = self.history.account.priority == Some(true);
        let joins = |(i, law): (usize, &InitiativeLaw)| {
            let may = law.open || priority;
            let share = if self.traits.stakeholder.is_some() { 1.0 } else { law.participation };
            u64::from(may && draws.uniform(i as u64) < share) << i
        };
        self.world.initiatives.iter().enumerate().map(joins).sum()
    }

    /// Interactions of the month in the communities that contacts take part in.
    pub(super) fn initiatives_run(&mut self, span: &Span) {
        let there = span.customer_from.or(self.traits.stakeholder.map(|_| span.start));
        let Some(from) = there else { return };
        let anyone = self.seats.iter().fold(0, |all, seat| all | seat.participates);
        for (i, law) in self.world.initiatives.iter().enumerate() {
            let runs = law.from_month as i32 <= span.position
                && law.to_month.is_none_or(|end| span.position < end as i32);
            if !runs || anyone >> i & 1 == 0 {
                continue;
            }
            let share = span.end.wall.days_since(from.wall).max(0.0) / span.days();
            for seat in 0..self.seats.len() {
                if self.seats[seat].participates >> i & 1 == 0 {
                    continue;
                }
                let draws = self.streams.draws(Purpose::Initiative, self.seats[seat].contact);
                let mut stream = draws.stream((span.ordinal() << 8) + 64 + i as u64);
                for nth in 0..poisson(law.per_month * share, &mut stream) {
                    let at = self.instant(span, from, stream.uniform());
                    let kind = self.setting.initiatives[i].pick(stream.bits());
                    let ordinal = span.ordinal() << 16 | u64::from(nth);
                    if at >= self.seats[seat].since {
                        self.occur(at, seat, kind, Origin::Initiative(i as u8), ordinal);
                    }
                }
            }
        }
    }

    /// What policies add for the accounts that they treat.
    pub(super) fn policies_act(&mut self, span: &Span, from: Border) {
        for (i, law) in self.world.interventions.iter().enumerate() {
            let acts = law.from_month as i32 <= span.position
                && law.to_month.is_none_or(|end| span.position < end as i32);
            if !acts || self.treated >> i & 1 == 0 {
                continue;
            }
            let mut stream = self.draws(Purpose::Policy).stream((span.ordinal() << 8) + i as u64);
            for nth in 0..poisson(law.per_month * span.customer_share(), &mut stream) {
                let at = self.instant(span, from, stream.uniform());
                let seat = self.seat_at(stream.uniform());
                let ordinal = (span.ordinal() << 8 | i as u64) << 16 | u64::from(nth);
                self.occur(at, seat, self.setting.interventions[i], Origin::Policy, ordinal);
            }
        }
    }

    /// Draws the purchases of the month; an account that falls silent after an order leaves with it.
    pub(super) fn purchase(&mut self, mut span: Span) -> Span {
        let law = &self.world.outcome;
        self.purchases.renewal_seat = 0.0;
        self.purchases.orders.clear();
        let Some(from) = span.customer_from else { return span };
        if span.position < 0 && self.world.activity.per_purchase <= 0.0 {
            return span;
        }
        let mut stream = self.draws(Purpose::Transaction).stream(span.ordinal());
        let rate = law.orders_per_month
            * self.traits.order_factor
            * (ORDERS_BY_SIZE * self.traits.log_size + span.advantage).exp()
            * span.customer_share();
        let mut orders = std::mem::take(&mut self.purchases.orders);
        let order = |nth, stream: &mut Stream| Order {
            at: self.instant(&span, from, stream.uniform()),
            kind: self.setting.purchases.pick(stream.bits()),
            seat: stream.uniform(),
            ordinal: span.ordinal() << 16 | u64::from(nth),
        };
        let n_orders = poisson(rate, &mut stream);
        orders.extend((0..n_orders).map(|nth| order(nth, &mut stream)));
        if law.dropout.is_some() && span.position >= 0 {
            let draws = self.draws(Purpose::Attrition).part(1);
            let last = |order: &&Order| draws.uniform(order.ordinal) < self.traits.dropout;
            if let Some(last) = orders.iter().filter(last).map(|order| order.at).min() {
                orders.retain(|order| order.at <= last);
                let exit = last.plus_days(LAST_ORDER_DAYS).min(span.end.wall);
                self.leave(&mut span, exit, "fell_silent");
            }
        }
        self.purchases = Purchases { orders, renewal_seat: stream.uniform() };
        span
    }

    /// Notes the orders and renewals of the month, and what orders bring about.
    pub(super) fn transact(&mut self, span: &Span) {
        let purchases = std::mem::take(&mut self.purchases);
        for order in &purchases.orders {
            let seat = self.seat_at(order.seat);
            self.occur(order.at, seat, order.kind, Origin::Transaction, order.ordinal);
            self.plan_echoes(order.at, seat, order.ordinal);
        }
        for at in std::mem::take(&mut self.renewed).into_iter().filter(|at| *at < span.end.wall) {
            let kind = self.simulation.flow.transactions().on_renewal;
            let seat = self.seat_at(purchases.renewal_seat);
            let ordinal = span.ordinal() << 16 | 0xffff;
            self.occur(at, seat, kind, Origin::Transaction, ordinal);
        }
        self.purchases = purchases;
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
    pub(super) fn echo(&mut self, span: &Span) {
        if self.echoes.is_empty() {
            return;
        }
        let due: Vec<_> =
            self.echoes.iter().copied().filter(|echo| echo.0 < span.end.wall).collect();
        self.echoes.retain(|echo| echo.0 >= span.end.wall);
        for (nth, (at, contact, kind)) in (0..).zip(due) {
            // Whoever sits there now answers for a contact who left.
            let seat = self.seats.iter().position(|seat| seat.contact == contact).unwrap_or(0);
            self.occur(at, seat, kind, Origin::Echo, span.ordinal() << 16 | nth);
        }
    }
}

/// What a customer buys in one month, before it is noted.
#[derive(Debug, Clone, Default)]
pub(super) struct Purchases {
    orders: Vec<Order>,
    /// Draws who renews.
    renewal_seat: f64,
}

/// An order before it is noted.
#[derive(Debug, Clone, Copy)]
struct Order {
    at: Instant,
    kind: TypeIndex,
    /// Draws who orders.
    seat: f64,
    ordinal: u64,
}

/// From the last order of an account that falls silent to its exit \[days\]: a second.
const LAST_ORDER_DAYS: f64 = 1.0 / 86_400.0;

/// Orders grow with size to this power.
const ORDERS_BY_SIZE: f64 = 0.2;

/// Mean time from a purchase to an interaction that it brings about \[days\].
const ECHO_DAYS: f64 = 5.0;

/// Pace of contacts who do not walk by themselves.
const STANDSTILL: f64 = 1e-9;
