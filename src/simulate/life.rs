//! One account from first touch to exit: interactions meet the relationship, outcomes follow it.
//!
//! A month has two halves: [`Life::walk`] finds what happens and what waits for staff,
//! [`Life::close`] lets the customer feel it, writes the log and settles outcomes. In between the
//! team serves the requests of all its accounts.

use std::collections::VecDeque;

use crate::ids::{AccountIndex, ContactIndex, OwnerIndex, TypeIndex};
use crate::interaction::{Account, AccountHistory, RelationshipState};
use crate::rng::{AccountStreams, Draws, Purpose};
use crate::time::{Instant, Month};

use super::cohort::{self, Traits, pick};
use super::happen::Purchases;
use super::market::Standing;
use super::relationship::{Bond, Goodwill, IndependentBond};
use super::setting::{Kind, Setting, logistic};
use super::staff::{Member, Request, Served, Team, Turn};
use super::walk::{Border, Walker};
use super::world::{Coupling, Target, World};
use super::{Simulation, WARM_UP_MONTHS};

/// An account while it is simulated.
pub(super) struct Life<'a> {
    pub(super) simulation: &'a Simulation,
    pub(super) setting: &'a Setting,
    /// What interaction types are in the segment of the account.
    pub(super) kinds: &'a [Kind],
    pub(super) world: &'a World,
    pub(super) index: AccountIndex,
    /// Position of the account in its team.
    pub(super) position: u32,
    pub(super) streams: AccountStreams,
    pub(super) traits: Traits,
    pub(super) seats: Vec<Seat>,
    pub(super) bond: Bond,
    pub(super) independent: Option<IndependentBond>,
    pub(super) standing: Standing,
    /// Gross profit by month as a customer, latest last; at most a year.
    pub(super) trailing: VecDeque<f64>,
    /// Money per catalogue cost unit \[currency\].
    pub(super) cost_unit: f64,
    /// End of the contract term that runs, and its length \[days\].
    pub(super) term: Option<(Instant, f64)>,
    pub(super) treated: u64,
    /// Factor on the odds of negative interactions: by the account's lasting quality and the skill
    /// of the member of staff who keeps it.
    pub(super) flaws: f64,
    /// Interactions that purchases bring about later.
    pub(super) echoes: Vec<(Instant, ContactIndex, TypeIndex)>,
    /// What the account buys in this month.
    pub(super) purchases: Purchases,
    /// Contracts renewed in this month.
    pub(super) renewed: Vec<Instant>,
    pub(super) rows: Vec<Row>,
    /// Who left a seat in this month, and when.
    pub(super) departed: Vec<(u16, ContactIndex, Instant)>,
    pub(super) span: Option<Span>,
    /// Who served the account, in order of the first time.
    pub(super) owners: Vec<Member>,
    /// By member of the team: its position among them.
    pub(super) owner_of: Vec<Option<OwnerIndex>>,
    pub(super) log_start: Instant,
    pub(super) log_end: Instant,
    pub(super) exited_at: Option<Instant>,
    pub(super) history: AccountHistory,
}

/// A place in the buying group, and who holds it.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    pub(super) contact: ContactIndex,
    /// When the contact took the seat.
    pub(super) since: Instant,
    pub(super) walker: Walker,
    pub(super) influence: f64,
    pub(super) goodwill: Goodwill,
    /// Initiatives in which the contact takes part, one bit each.
    pub(super) participates: u64,
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
        if let Self::Initiative(position) = self {
            return 4 + position as u64;
        }
        match self {
            Self::Walk | Self::Initiative(_) => 0,
            Self::Echo => 1,
            Self::Policy => 2,
            Self::Transaction => 3,
        }
    }
}

/// One interaction of the month.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) at: Instant,
    pub(super) contact: ContactIndex,
    pub(super) seat: u16,
    pub(super) kind: TypeIndex,
    pub(super) origin: Origin,
    /// Unique among the rows of this contact and origin.
    pub(super) ordinal: u64,
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
    pub(super) start: Border,
    pub(super) end: Border,
    /// First instant as a customer in this month, if there is one.
    pub(super) customer_from: Option<Border>,
    /// State that drives the outcomes of the month.
    pub(super) state: RelationshipState,
    /// Advantage that this state gives.
    pub(super) advantage: f64,
    /// Standard score of the account as a target of staff.
    pub(super) target: f64,
    pub(super) hazard: f64,
    pub(super) locked_in: bool,
}

impl Span {
    pub(super) fn days(&self) -> f64 {
        self.month_end.days_since(self.month_start)
    }

    /// Share of the month as a customer, in `[0, 1]`.
    pub(super) fn customer_share(&self) -> f64 {
        self.customer_from
            .map_or(0.0, |from| self.end.wall.days_since(from.wall).max(0.0) / self.days())
    }

    /// Share of the month in which the account was known, in `[0, 1]`.
    pub(super) fn present_share(&self) -> f64 {
        self.end.wall.days_since(self.start.wall) / self.days()
    }

    pub(super) fn ordinal(&self) -> u64 {
        self.month.since(Month::new(1900, 1).expect("January is a month")) as u64
    }
}

impl<'a> Life<'a> {
    pub(super) fn new(simulation: &'a Simulation, index: AccountIndex, team: &Team<'_>) -> Self {
        let (world, setting, streams) =
            (&simulation.world, &simulation.setting, simulation.streams.account(index));
        let traits = cohort::traits(streams, simulation.census());
        let (team_number, position) = super::staff::team_of(index, &world.staff);
        let params = &world.relationship;
        let own = streams.draws(Purpose::State, ContactIndex(0));
        let log_start = simulation.start_of(0);
        let begins = traits.customer_since.is_none_or(|since| since >= log_start);
        let bond =
            if begins { Bond::new(own) } else { Bond::installed(own, simulation.stationary) };
        let independent = (world.coupling == Coupling::Independent)
            .then(|| IndependentBond::new(streams, params, simulation.stationary));
        let treated = |(i, law): (usize, &super::world::Intervention)| {
            let unit = if law.by_team { team_number } else { index.0 };
            let unit = simulation.streams.account(AccountIndex(unit));
            let draws = unit.draws(Purpose::Policy, ContactIndex(u16::MAX));
            u64::from(draws.uniform(i as u64) < law.share) << i
        };
        let portfolio = setting.desks.iter().position(|(_, desk)| desk.portfolio);
        let term_days = TERMS[pick(
            world.contract.terms.into_iter(),
            streams.draws(Purpose::Contract, ContactIndex(0)).uniform(0),
        )];
        let first_end = |since: Instant| {
            let terms = (log_start.days_since(since) / term_days).floor().max(0.0) + 1.0;
            (since.plus_days(terms * term_days), term_days)
        };
        let skill = portfolio.map_or(0.0, |desk| team.skill(team.keeper(desk as u8, position)));
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
        let months = simulation.months_from(traits.entered_at) as usize;
        let times = |every: u32| months.checked_div(every as usize).map_or(0, |times| times + 1);
        // More than a contact of this pace has in most months: seldom has to grow.
        let rows_expected = f64::from(traits.seats) * months as f64 * (0.3 + 1.3 * traits.pace);
        Self {
            simulation,
            setting,
            kinds: &setting.kinds[traits.segment],
            world,
            index,
            position,
            streams,
            seats: Vec::with_capacity(traits.seats.into()),
            bond,
            independent,
            standing: Standing::new(streams, world, traits.log_size),
            trailing: VecDeque::with_capacity(13),
            cost_unit: world.outcome.cost_unit * size.powf(world.outcome.cost_elasticity),
            term: traits.customer_since.map(first_end),
            treated: world.interventions.iter().enumerate().map(treated).sum(),
            flaws: (-params.quality_sigma * traits.quality - skill).exp(),
            echoes: Vec::new(),
            purchases: Purchases::default(),
            renewed: Vec::new(),
            rows: Vec::new(),
            departed: Vec::new(),
            span: None,
            owners: Vec::new(),
            owner_of: vec![None; team.size()],
            log_start,
            log_end: simulation.start_of(simulation.months),
            exited_at: None,
            history: AccountHistory {
                contacts: Vec::with_capacity(2 * usize::from(traits.seats)),
                interactions: Vec::with_capacity(rows_expected.min(MOST_ROWS_EXPECTED) as usize),
                surveys: Vec::with_capacity(3 * times(world.survey.every_months)),
                customer_value: Vec::with_capacity(3 * times(world.ledger.assessed_every_months)),
                outcomes: Vec::with_capacity(months),
                truth: Vec::with_capacity(months),
                ..AccountHistory::empty(account)
            },
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
    pub(super) fn walk(&mut self, position: i32, turns: &mut Vec<Turn>) {
        let span = self.attrition(self.span(position));
        let span = self.purchase(span);
        self.rows.clear();
        self.departed.clear();
        self.contacts_walk(&span);
        self.initiatives_run(&span);
        if let Some(from) = span.customer_from {
            self.policies_act(&span, from);
            self.transact(&span);
            self.echo(&span);
        }
        self.rows.sort_unstable_by_key(|row| (row.at, row.contact, row.origin, row.ordinal));
        for (row, happened) in (0..).zip(&self.rows) {
            if happened.origin != Origin::Transaction && self.desk_of(happened).is_some() {
                turns.push(Turn::new(happened.at, self.position, row));
            }
        }
        self.span = Some(span);
    }

    fn desk_of(&self, row: &Row) -> Option<u8> {
        self.kinds[usize::from(row.kind.0)].desk
    }

    /// Hands the request of a row to the team and notes who took it.
    pub(super) fn be_served(&mut self, row: usize, team: &mut Team<'_>) {
        let happened = &self.rows[row];
        let Some(desk) = self.desk_of(happened) else { return };
        let draws = self.streams.draws(Purpose::Handling, happened.contact);
        let handling = draws.uniform(happened.draw());
        let request = Request { at: happened.at, account: self.position, desk, handling };
        self.rows[row].served = Some(team.serve(&request));
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
        let end = self.exited_at.unwrap_or(self.log_end);
        let mut history = self.history;
        for contact in &mut history.contacts {
            contact.valid_to = contact.valid_to.filter(|&left| left < end);
        }
        for survey in &mut history.surveys {
            survey.answered_at = survey.answered_at.filter(|&at| at < end);
            survey.value = survey.value.filter(|_| survey.answered_at.is_some());
        }
        history.interactions.shrink_to_fit();
        history.owners = self.owners.iter().map(|member| team.name(*member).to_owned()).collect();
        history.initiatives = self.world.initiatives.iter().map(|law| law.id.clone()).collect();
        history.account.contract_end = self.term.map(|(end, _)| end);
        // Rows are written month by month; within a month in order of time.
        debug_assert!(history.interactions.is_sorted_by_key(|row| row.occurred_at));
        history
    }

    fn span(&self, position: i32) -> Span {
        let simulation = self.simulation;
        let [begin, end] = [position, position + 1].map(|month| simulation.border_at(month));
        let not_before = |border: Border, at: Instant| {
            if at > border.wall { self.setting.terrain.border(at) } else { border }
        };
        let start = not_before(begin, self.traits.entered_at);
        let since = self.traits.customer_since.filter(|since| *since < end.wall);
        let state = self.outcome_state();
        let shared = self.setting.month(position);
        let law = &self.world.outcome;
        let target = if since.is_some() { self.target() } else { 0.0 };
        Span {
            position,
            month: simulation.start.plus(position),
            month_start: begin.wall,
            month_end: end.wall,
            start,
            end,
            customer_from: since.map(|since| not_before(start, since)),
            state,
            advantage: shared.strength * law.state_effect[state as usize],
            target,
            hazard: 0.0,
            locked_in: true,
        }
    }

    /// Standard score of the account as a target of staff.
    fn target(&self) -> f64 {
        let target = self.world.activity.target;
        if target == Target::Nobody {
            return 0.0;
        }
        let law = &self.world.outcome;
        let share = logistic(self.world.market.share_base);
        let median = law.gross_margin * law.median_wallet * share;
        let trailing: Vec<f64> = self.trailing.iter().copied().collect();
        target.score(&trailing, self.bond.state as usize, (median.ln(), law.size_sigma.max(0.1)))
    }

    /// The instant at share `u` of the time from `from` to the end of the span.
    pub(super) fn instant(&self, span: &Span, from: Border, u: f64) -> Instant {
        self.setting.terrain.between(from, span.end, u)
    }

    /// The state that drives outcomes: the account's own, or one no interaction meets.
    fn outcome_state(&self) -> RelationshipState {
        self.independent.map_or(self.bond.state, |independent| independent.bond.state)
    }

    pub(super) fn draws(&self, purpose: Purpose) -> Draws {
        self.streams.draws(purpose, ContactIndex(0))
    }

    /// Ends the account inside the month when its hazard says so; never before the log begins.
    fn attrition(&mut self, mut span: Span) -> Span {
        let Some(from) = span.customer_from else { return span };
        let (Some((term_end, days)), contract) = (self.term, &self.world.contract) else {
            return span;
        };
        let ends = (term_end < span.end.wall).then_some(term_end);
        let law = &self.world.outcome;
        let monthly = self.traits.monthly_hazard;
        let related = self.setting.related_attrition[span.state as usize];
        let bound = if ends.is_some() { contract.release } else { contract.lock_in };
        let shared = self.setting.month(span.position).hazard;
        let causes = [law.unrelated_attrition, related * bound];
        let rate = monthly * shared * (causes[0] + causes[1]) * span.customer_share();
        span.hazard = -(-rate).exp_m1();
        span.locked_in = ends.is_none();
        let mut stream = self.draws(Purpose::Attrition).stream(span.ordinal());
        if stream.uniform() < span.hazard && span.position >= 0 {
            let at = self.instant(&span, from, stream.uniform());
            let unrelated = stream.uniform() * (causes[0] + causes[1]) < causes[0];
            // Who was bound until the end of a term and does not renew leaves on that day.
            let exit = ends.filter(|end| !unrelated && *end > from.wall).unwrap_or(at);
            self.leave(&mut span, exit, self.exit_reason(unrelated, stream.uniform()));
        }
        // Who is still there when a term ends has the next one.
        if let Some(end) = ends.filter(|end| self.exited_at.is_none_or(|exit| *end < exit)) {
            self.term = Some((end.plus_days(days), days));
            if end >= from.wall {
                self.renew(end);
            }
        }
        span
    }

    /// Ends the account inside the month.
    pub(super) fn leave(&mut self, span: &mut Span, at: Instant, reason: &str) {
        self.exited_at = Some(at);
        self.history.account.exited_at = Some(at);
        self.history.account.exit_reason = Some(reason.to_owned());
        span.end = self.setting.terrain.border(at);
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
}

/// Contract terms \[days\].
const TERMS: [f64; 3] = [365.25, 730.5, 1_095.75];

/// Rows for which an account makes room at the start, at most.
const MOST_ROWS_EXPECTED: f64 = 10_000.0;

/// Standard score of log size from which an account has priority: the top fifth.
const PRIORITY: f64 = 0.841_621;
