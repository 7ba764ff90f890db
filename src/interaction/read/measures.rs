//! Turns batches of outcomes, surveys, non-monetary value and truth into rows.

use arrow_array::RecordBatch;

use super::super::schema::{Table, column};
use super::super::{
    CustomerValue, LedgerComponent, LedgerEntry, Outcome, RelationshipState, Status, Survey, Truth,
    ValueAspect, ValueDirection,
};
use super::cells::{Flags, Instants, Numbers, Scope, Texts, Words};
use super::rows::Rows;
use crate::ids::TypeNames;

/// Rows of `outcomes`.
#[derive(Debug)]
pub(super) struct OutcomeRows {
    account: Texts,
    period_start: Instants,
    period_end: Instants,
    known_at: Instants,
    revenue: Numbers,
    gross_profit: Numbers,
    cost_to_engage: Numbers,
    cost_to_serve: Numbers,
    customer_effort_cost: Numbers,
    wallet_size: Numbers,
    share_of_wallet: Numbers,
    status: Words<Status>,
}

impl Rows for OutcomeRows {
    const TABLE: Table = Table::Outcomes;
    type Row = Outcome;

    fn new(batch: &RecordBatch, _: &TypeNames) -> Self {
        Self {
            account: Texts::new(batch, column::ACCOUNT_ID),
            period_start: Instants::new(batch, column::PERIOD_START),
            period_end: Instants::new(batch, column::PERIOD_END),
            known_at: Instants::new(batch, column::KNOWN_AT),
            revenue: Numbers::new(batch, column::REVENUE),
            gross_profit: Numbers::new(batch, column::GROSS_PROFIT),
            cost_to_engage: Numbers::new(batch, column::COST_TO_ENGAGE),
            cost_to_serve: Numbers::new(batch, column::COST_TO_SERVE),
            customer_effort_cost: Numbers::new(batch, column::CUSTOMER_EFFORT_COST),
            wallet_size: Numbers::new(batch, column::WALLET_SIZE),
            share_of_wallet: Numbers::new(batch, column::SHARE_OF_WALLET),
            status: Words::fixed(batch, column::STATUS),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_, '_>) -> Option<Outcome> {
        let period_start = scope.required(column::PERIOD_START, self.period_start.get(row));
        let period_end = scope.required(column::PERIOD_END, self.period_end.get(row));
        let revenue = scope.required(column::REVENUE, self.revenue.get(row));
        let status = scope.required_word(column::STATUS, &self.status, row);
        Some(Outcome {
            period_start: period_start?,
            period_end: period_end?,
            known_at: self.known_at.get(row).or(period_end)?,
            revenue: revenue?,
            gross_profit: self.gross_profit.get(row),
            cost_to_engage: self.cost_to_engage.get(row),
            cost_to_serve: self.cost_to_serve.get(row),
            customer_effort_cost: self.customer_effort_cost.get(row),
            wallet_size: self.wallet_size.get(row),
            share_of_wallet: self.share_of_wallet.get(row),
            status: status?,
        })
    }
}

/// Rows of `surveys`.
#[derive(Debug)]
pub(super) struct SurveyRows {
    account: Texts,
    contact: Texts,
    asked_at: Instants,
    answered_at: Instants,
    instrument: Texts,
    dimension: Texts,
    subject: Texts,
    value: Numbers,
    response_expected: Flags,
}

impl Rows for SurveyRows {
    const TABLE: Table = Table::Surveys;
    type Row = Survey;

    fn new(batch: &RecordBatch, _: &TypeNames) -> Self {
        Self {
            account: Texts::new(batch, column::ACCOUNT_ID),
            contact: Texts::new(batch, column::CONTACT_ID),
            asked_at: Instants::new(batch, column::ASKED_AT),
            answered_at: Instants::new(batch, column::ANSWERED_AT),
            instrument: Texts::new(batch, column::INSTRUMENT),
            dimension: Texts::new(batch, column::DIMENSION),
            subject: Texts::new(batch, column::SUBJECT),
            value: Numbers::new(batch, column::VALUE),
            response_expected: Flags::new(batch, column::RESPONSE_EXPECTED),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_, '_>) -> Option<Survey> {
        let contact = scope.contact(&self.contact, row);
        let asked_at = scope.required(column::ASKED_AT, self.asked_at.get(row));
        let instrument = scope.required(column::INSTRUMENT, self.instrument.owned(row));
        Some(Survey {
            contact,
            asked_at: asked_at?,
            answered_at: self.answered_at.get(row),
            instrument: instrument?,
            dimension: self.dimension.owned(row),
            subject: self.subject.owned(row),
            value: self.value.get(row),
            response_expected: self.response_expected.get(row),
        })
    }
}

/// Rows of `value_ledger`.
#[derive(Debug)]
pub(super) struct LedgerRows {
    account: Texts,
    contact: Texts,
    occurred_at: Instants,
    component: Words<LedgerComponent>,
    direction: Words<ValueDirection>,
    quantity: Numbers,
    value_low: Numbers,
    value_high: Numbers,
}

impl Rows for LedgerRows {
    const TABLE: Table = Table::ValueLedger;
    type Row = LedgerEntry;

    fn new(batch: &RecordBatch, _: &TypeNames) -> Self {
        Self {
            account: Texts::new(batch, column::ACCOUNT_ID),
            contact: Texts::new(batch, column::CONTACT_ID),
            occurred_at: Instants::new(batch, column::OCCURRED_AT),
            component: Words::fixed(batch, column::COMPONENT),
            direction: Words::fixed(batch, column::DIRECTION),
            quantity: Numbers::new(batch, column::QUANTITY),
            value_low: Numbers::new(batch, column::VALUE_LOW),
            value_high: Numbers::new(batch, column::VALUE_HIGH),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_, '_>) -> Option<LedgerEntry> {
        let contact = scope.contact(&self.contact, row);
        let occurred_at = scope.required(column::OCCURRED_AT, self.occurred_at.get(row));
        let component = scope.required_word(column::COMPONENT, &self.component, row);
        let direction = scope.required_word(column::DIRECTION, &self.direction, row);
        let quantity = scope.required(column::QUANTITY, self.quantity.get(row));
        Some(LedgerEntry {
            contact,
            occurred_at: occurred_at?,
            component: component?,
            direction: direction?,
            quantity: quantity?,
            value_low: self.value_low.get(row),
            value_high: self.value_high.get(row),
        })
    }
}

/// Rows of `customer_value`.
#[derive(Debug)]
pub(super) struct CustomerValueRows {
    account: Texts,
    period_start: Instants,
    aspect: Words<ValueAspect>,
    score: Numbers,
    total_cost_of_ownership: Numbers,
}

impl Rows for CustomerValueRows {
    const TABLE: Table = Table::CustomerValue;
    type Row = CustomerValue;

    fn new(batch: &RecordBatch, _: &TypeNames) -> Self {
        Self {
            account: Texts::new(batch, column::ACCOUNT_ID),
            period_start: Instants::new(batch, column::PERIOD_START),
            aspect: Words::fixed(batch, column::ASPECT),
            score: Numbers::new(batch, column::SCORE),
            total_cost_of_ownership: Numbers::new(batch, column::TOTAL_COST_OF_OWNERSHIP),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_, '_>) -> Option<CustomerValue> {
        let period_start = scope.required(column::PERIOD_START, self.period_start.get(row));
        let aspect = scope.required_word(column::ASPECT, &self.aspect, row);
        let score = scope.required(column::SCORE, self.score.get(row));
        Some(CustomerValue {
            period_start: period_start?,
            aspect: aspect?,
            score: score?,
            total_cost_of_ownership: self.total_cost_of_ownership.get(row),
        })
    }
}

/// Rows of `truth`.
#[derive(Debug)]
pub(super) struct TruthRows {
    account: Texts,
    period_start: Instants,
    state: Words<RelationshipState>,
    hazard: Numbers,
    profit: Numbers,
    revenue: Numbers,
    satisfaction: Numbers,
    share_of_wallet: Numbers,
    mirrored_purchases: Numbers,
    owner_target: Numbers,
    felt_effect: Numbers,
    goodwill: Numbers,
    unlogged: Numbers,
    critical: Numbers,
    locked_in: Numbers,
}

impl Rows for TruthRows {
    const TABLE: Table = Table::Truth;
    type Row = Truth;

    fn new(batch: &RecordBatch, _: &TypeNames) -> Self {
        Self {
            account: Texts::new(batch, column::ACCOUNT_ID),
            period_start: Instants::new(batch, column::PERIOD_START),
            state: Words::fixed(batch, column::STATE),
            hazard: Numbers::new(batch, column::HAZARD),
            profit: Numbers::new(batch, column::EXPECTED_PROFIT),
            revenue: Numbers::new(batch, column::EXPECTED_REVENUE),
            satisfaction: Numbers::new(batch, column::EXPECTED_SATISFACTION),
            share_of_wallet: Numbers::new(batch, column::EXPECTED_SHARE_OF_WALLET),
            mirrored_purchases: Numbers::new(batch, column::MIRRORED_PURCHASES),
            owner_target: Numbers::new(batch, column::OWNER_TARGET),
            felt_effect: Numbers::new(batch, column::FELT_EFFECT),
            goodwill: Numbers::new(batch, column::GOODWILL),
            unlogged: Numbers::new(batch, column::UNLOGGED),
            critical: Numbers::new(batch, column::CRITICAL),
            locked_in: Numbers::new(batch, column::LOCKED_IN),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_, '_>) -> Option<Truth> {
        let period_start = scope.required(column::PERIOD_START, self.period_start.get(row));
        let state = scope.required_word(column::STATE, &self.state, row);
        let mut number = |name, cells: &Numbers| scope.required(name, cells.get(row));
        let hazard = number(column::HAZARD, &self.hazard);
        let profit = number(column::EXPECTED_PROFIT, &self.profit);
        let revenue = number(column::EXPECTED_REVENUE, &self.revenue);
        let satisfaction = number(column::EXPECTED_SATISFACTION, &self.satisfaction);
        let share_of_wallet = number(column::EXPECTED_SHARE_OF_WALLET, &self.share_of_wallet);
        let or_nan = |cells: &Numbers| cells.get(row).unwrap_or(f64::NAN);
        Some(Truth {
            period_start: period_start?,
            state: state?,
            hazard: hazard?,
            expected_profit: profit?,
            expected_revenue: revenue?,
            expected_satisfaction: satisfaction?,
            expected_share_of_wallet: share_of_wallet?,
            mirrored_purchases: or_nan(&self.mirrored_purchases),
            owner_target: or_nan(&self.owner_target),
            felt_effect: or_nan(&self.felt_effect),
            goodwill: or_nan(&self.goodwill),
            unlogged: or_nan(&self.unlogged),
            critical: or_nan(&self.critical),
            locked_in: or_nan(&self.locked_in),
        })
    }
}
