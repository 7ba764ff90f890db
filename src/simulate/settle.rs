//! How a month ends: what was felt, what it brought, and what is written down of it.

use rand_distr::{Distribution, StandardNormal};

use crate::interaction::{Outcome, Status, Truth};
use crate::rng::Purpose;

use super::life::{Life, Origin, Row, Seat, Span};
use super::market;
use super::relationship::Goodwill;
use super::setting::{Kind, logistic};
use super::staff::Team;

/// What one month cost, and what of it was critical or lost to the log.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    cost: f64,
    pub(super) effort_minutes: f64,
    critical: f64,
    unlogged: f64,
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

impl Life<'_> {
    /// Lets the customer feel the rows of the month, in order, and logs them.
    pub(super) fn live_through(&mut self, span: &Span, team: &Team<'_>) -> Tally {
        let mut tally = Tally::default();
        let total: f64 = self.seats.iter().map(|seat| seat.influence).sum();
        let rows = std::mem::take(&mut self.rows);
        let kinds = self.kinds;
        for row in &rows {
            let kind = &kinds[usize::from(row.kind.0)];
            let customer = span.customer_from.is_some_and(|from| row.at >= from.wall);
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
        let destroys = kind.critical && kind.weight > 0.0;
        if destroys {
            tally.critical += seat.influence / total;
        }
        // Who left in this month has taken goodwill along.
        if seat.contact != row.contact {
            return;
        }
        let served = row.served.map_or(0.0, |served| {
            kind.effect.abs() * team.skill(served.member)
                - kind.weight * self.world.staff.delay_effect * served.wait_days.ln_1p()
        });
        seat.goodwill.feel(kind.effect + served);
        if destroys {
            seat.goodwill.destroy(row.at, params);
        } else if kind.recovery {
            seat.goodwill.repair(row.at, params);
        }
    }

    pub(super) fn cost_of(&self, kind: &Kind) -> f64 {
        kind.cost * self.cost_unit
    }

    /// Ends the month for goodwill and states; gives what was felt and the goodwill that results.
    pub(super) fn settle_goodwill(&mut self, span: &Span, tally: &Tally) -> (f64, f64) {
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
    pub(super) fn bring(&mut self, span: &Span) -> Brought {
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
    pub(super) fn settle(
        &mut self,
        span: &Span,
        brought: Brought,
        tally: &Tally,
        goodwill: (f64, f64),
    ) {
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
            expected_share_of_wallet: brought.month.map_or(0.0, |month| month.share_of_wallet),
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
