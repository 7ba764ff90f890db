//! What customers say, and what they give that is not money: surveys, ledger and appraisals.

use rand_distr::{Distribution, LogNormal, StandardNormal};

use crate::interaction::{
    CustomerValue, LedgerComponent, LedgerEntry, Survey, ValueAspect, ValueDirection,
};
use crate::rng::Purpose;

use super::cohort::pick;
use super::life::{Life, Span};
use super::setting::logistic;
use super::settle::Brought;
use super::walk::Border;

/// Answer expected to the satisfaction survey, of 1 to 5, before rounding and cutting.
pub(super) fn expected_answer(advantage: f64) -> f64 {
    3.6 + 0.8 * advantage
}

/// What an entry of each component is worth to the firm: median \[currency\]; 0 where only an
/// ordinal judgement is possible.
const LEDGER_VALUE: [f64; 6] = [60.0, 4_000.0, 2_500.0, 1_500.0, 800.0, 0.0];

impl Life<'_> {
    /// Asks one contact now and then: how satisfied, and how the firm compares in one dimension.
    pub(super) fn ask(&mut self, span: &Span, from: Border) {
        let law = &self.world.survey;
        let turn = span.ordinal().wrapping_add(u64::from(self.index.0));
        if !turn.is_multiple_of(u64::from(law.every_months)) {
            return;
        }
        let draws = self.draws(Purpose::Survey);
        let mut stream = draws.stream(span.ordinal());
        let seat = (stream.uniform() * self.seats.len() as f64) as usize;
        let seat = seat.min(self.seats.len() - 1);
        let asked_at = self.instant(span, from, stream.uniform());
        let answered = stream.uniform() < self.setting.response[span.state as usize];
        let wait = LogNormal::new(1.0, 0.7).expect("constants are valid").sample(&mut stream);
        let answered_at = asked_at.plus_days(wait);
        let answered_at = answered.then_some(answered_at);
        // Whether asking itself acts is a part of the relationship, not of the answer.
        let contact = Some(self.sitting(seat, asked_at));
        if contact == Some(self.seats[seat].contact) {
            self.seats[seat].goodwill.stock += law.asking_effect;
        }
        let dimension = (stream.uniform() * self.standing.dimensions.len() as f64) as usize;
        let dimension = dimension.min(self.standing.dimensions.len() - 1);
        let (ours, theirs) = self.standing.dimensions[dimension];
        let name = self.world.market.dimensions.keys().nth(dimension);
        let questions = [
            ("satisfaction", None, None, 0.0),
            ("comparison", name, Some("us"), ours),
            ("comparison", name, Some("leader"), theirs),
        ];
        for (instrument, dimension, subject, strength) in questions {
            let advantage = if subject == Some("leader") { 0.0 } else { span.advantage };
            let z: f64 = StandardNormal.sample(&mut stream);
            let felt = expected_answer(advantage) + strength + law.answer_sigma * z;
            self.history.surveys.push(Survey {
                contact,
                asked_at,
                answered_at,
                instrument: instrument.to_owned(),
                dimension: dimension.cloned(),
                subject: subject.map(str::to_owned),
                value: answered.then(|| felt.round().clamp(1.0, 5.0)),
                response_expected: Some(true),
            });
        }
    }

    /// An entry of the ledger, if the month brings one.
    pub(super) fn give_and_take(&mut self, span: &Span, from: Border) {
        let law = &self.world.ledger;
        let total: f64 = law.per_year.iter().sum::<f64>() / 12.0;
        let rate = total * (law.advantage_effect * span.advantage).exp() * span.customer_share();
        let draws = self.draws(Purpose::Ledger);
        let mut stream = draws.stream(span.ordinal());
        if stream.uniform() >= -(-rate).exp_m1() {
            return;
        }
        let shares = law.per_year.iter().map(|yearly| yearly / (12.0 * total));
        let position = pick(shares, stream.uniform());
        let given = stream.uniform() < law.given_share;
        let z: f64 = StandardNormal.sample(&mut stream);
        let value = LEDGER_VALUE[position] * (0.5 * self.traits.log_size + 0.6 * z).exp();
        let worth = (value > 0.0).then_some(value);
        let seat = (stream.uniform() * self.seats.len() as f64) as usize;
        let seat = seat.min(self.seats.len() - 1);
        let occurred_at = self.instant(span, from, stream.uniform());
        let contact = Some(self.sitting(seat, occurred_at));
        self.history.ledger.push(LedgerEntry {
            contact,
            occurred_at,
            component: LedgerComponent::ALL[position],
            direction: if given { ValueDirection::Given } else { ValueDirection::Received },
            quantity: 1.0,
            value_low: worth.map(|value| 0.5 * value),
            value_high: worth.map(|value| 2.0 * value),
        });
    }

    /// What the firm is worth to the customer: brand, product and experience, as assessed.
    pub(super) fn appraise(&mut self, span: &Span, brought: Brought, effort_minutes: f64) {
        let every = u64::from(self.world.ledger.assessed_every_months);
        if every == 0 || !(span.ordinal() + u64::from(self.index.0)).is_multiple_of(every) {
            return;
        }
        let draws = self.draws(Purpose::Appraisal);
        let mut stream = draws.stream(span.ordinal());
        let effort = self.world.outcome.effort_minute * effort_minutes;
        let aspects = [
            (ValueAspect::Brand, 0.4),
            (ValueAspect::Product, 0.6),
            (ValueAspect::Experience, 1.2),
        ];
        for (aspect, weight) in aspects {
            let z: f64 = StandardNormal.sample(&mut stream);
            self.history.customer_value.push(CustomerValue {
                period_start: span.month_start,
                aspect,
                score: logistic(0.4 + weight * span.advantage + 0.4 * z),
                total_cost_of_ownership: Some(OWNERSHIP * brought.revenue + effort),
            });
        }
    }
}

/// What owning and using costs the customer beyond the price, per unit of price.
const OWNERSHIP: f64 = 1.15;
