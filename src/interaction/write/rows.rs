//! The cells of each table, from the rows of one account.

use std::iter::once;

use super::super::check::effects;
use super::super::schema::column;
use super::super::{
    Account, AccountHistory, Contact, CustomerValue, Details, Direction, Initiative, Interaction,
    InteractionColumns, LedgerEntry, Outcome, Placement, Staff, Stage, Survey, Truth,
};
use super::cells::Cells;
use crate::ids::{ContactIndex, InitiativeIndex, OwnerIndex};

pub(super) fn account(cells: &mut Cells<'_>, account: &Account) {
    type Text = fn(&Placement) -> Option<&str>;
    let place = |text: Text| once(text(&account.placement));
    cells.texts(column::ACCOUNT_ID, once(Some(account.id.as_str())));
    cells.texts(column::PARENT_ID, place(|p| p.parent_id.as_deref()));
    cells.texts(column::SEGMENT_ID, once(account.segment_id.as_deref()));
    cells.texts(column::INDUSTRY, place(|p| p.industry.as_deref()));
    cells.texts(column::TERRITORY, place(|p| p.territory.as_deref()));
    cells.texts(column::REGION, place(|p| p.region.as_deref()));
    cells.texts(column::DIVISION, place(|p| p.division.as_deref()));
    cells.texts(column::BUSINESS_UNIT, place(|p| p.business_unit.as_deref()));
    cells.texts(column::PRODUCT_LINE, place(|p| p.product_line.as_deref()));
    cells.instants(column::ENTERED_AT, once(account.entered_at));
    cells.instants(column::EXITED_AT, once(account.exited_at));
    cells.texts(column::EXIT_REASON, once(account.exit_reason.as_deref()));
    cells.numbers(column::SIZE, once(account.size));
    cells.instants(column::CONTRACT_END, once(account.contract_end));
    cells.flags(column::PRIORITY, once(account.priority));
}

pub(super) fn contacts(cells: &mut Cells<'_>, account: &str, contacts: &[Contact]) {
    let rows = || contacts.iter();
    cells.repeat(column::ACCOUNT_ID, account);
    cells.texts(column::CONTACT_ID, rows().map(|c| Some(c.id.as_str())));
    cells.texts(column::STAKEHOLDER_TYPE, rows().map(|c| c.stakeholder_type.as_deref()));
    cells.texts(column::ROLE, rows().map(|c| c.role.as_deref()));
    cells.numbers(column::INFLUENCE, rows().map(|c| c.influence));
    cells.instants(column::VALID_FROM, rows().map(|c| c.valid_from));
    cells.instants(column::VALID_TO, rows().map(|c| c.valid_to));
}

/// Which columns any interaction of an account has a value in.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one per column")]
struct Present {
    contact: bool,
    known_later: bool,
    rv: bool,
    variable_cost: bool,
    customer_effort: bool,
    stage: bool,
    direction: bool,
    owner: bool,
    initiative: bool,
    details: bool,
}

impl Present {
    fn of(interactions: &[Interaction]) -> Self {
        interactions.iter().fold(Self::default(), |any, row| Self {
            contact: any.contact | row.contact.is_some(),
            known_later: any.known_later || row.known_at != row.occurred_at,
            rv: any.rv | row.rv.is_some(),
            variable_cost: any.variable_cost | row.variable_cost.is_some(),
            customer_effort: any.customer_effort | row.customer_effort.is_some(),
            stage: any.stage | row.stage.is_some(),
            direction: any.direction | row.direction.is_some(),
            owner: any.owner | row.owner.is_some(),
            initiative: any.initiative | row.initiative.is_some(),
            details: any.details | row.details.is_some(),
        })
    }
}

/// The interactions of an account, numbered from 0.
pub(super) fn interactions(cells: &mut Cells<'_>, history: &AccountHistory) {
    type Text = fn(&Details) -> Option<&str>;
    let present = Present::of(&history.interactions);
    let rows = || history.interactions.iter();
    let text = |text: Text| rows().map(move |i| i.details.as_deref().and_then(text));
    cells.positions(column::INTERACTION_ID, 0);
    cells.repeat(column::ACCOUNT_ID, &history.account.id);
    if present.contact {
        let ids = history.contacts.iter().map(|contact| contact.id.as_str());
        let picks = rows().map(|i| i.contact.map(|ContactIndex(position)| position));
        cells.pick(column::CONTACT_ID, ids, picks);
    }
    if present.details {
        cells.texts(column::SEGMENT_ID, text(|d| d.segment_id.as_deref()));
    }
    if present.initiative {
        let ids = history.initiatives.iter().map(String::as_str);
        let picks = rows().map(|i| i.initiative.map(|InitiativeIndex(position)| position));
        cells.pick(column::INITIATIVE_ID, ids, picks);
    }
    cells.kinds(column::INTERACTION_TYPE, rows().map(|i| i.kind));
    cells.instants(column::OCCURRED_AT, rows().map(|i| i.occurred_at));
    if present.known_later {
        let later = |i: &Interaction| (i.known_at != i.occurred_at).then_some(i.known_at);
        cells.instants(column::KNOWN_AT, rows().map(later));
    }
    if present.stage {
        cells.texts(column::STAGE, rows().map(|i| i.stage.map(Stage::name)));
    }
    if present.details {
        cells.texts(column::LEVEL, text(|d| d.level.as_deref()));
        cells.texts(column::FUNCTION, text(|d| d.function.as_deref()));
        cells.texts(column::CHANNEL, text(|d| d.channel.as_deref()));
    }
    if present.direction {
        cells.texts(column::DIRECTION, rows().map(|i| i.direction.map(Direction::name)));
    }
    if present.owner {
        let ids = history.owners.iter().map(String::as_str);
        let picks = rows().map(|i| i.owner.map(|OwnerIndex(position)| position));
        cells.pick(column::OWNER_ID, ids, picks);
    }
    if present.details {
        let planned = |i: &Interaction| i.details.as_deref().and_then(|d| d.planned);
        cells.flags(column::PLANNED, rows().map(planned));
    }
    if present.rv {
        cells.numbers(column::RV, rows().map(|i| i.rv));
    }
    if present.variable_cost {
        cells.numbers(column::VARIABLE_COST, rows().map(|i| i.variable_cost));
    }
    if present.customer_effort {
        cells.numbers(column::CUSTOMER_EFFORT, rows().map(|i| i.customer_effort));
    }
    if present.details {
        let number = |of: fn(&Details) -> Option<f64>| {
            rows().map(move |i: &Interaction| i.details.as_deref().and_then(of))
        };
        cells.numbers(column::SEVERITY, number(|d| d.severity));
        cells.numbers(column::SENTIMENT, number(|d| d.sentiment));
        cells.texts(column::SOURCE_SYSTEM, text(|d| d.source_system.as_deref()));
        cells.texts(column::SOURCE_ID, text(|d| d.source_id.as_deref()));
    }
}

/// Interactions of an account that come as columns, numbered from 0.
pub(super) fn columns(
    cells: &mut Cells<'_>,
    history: &AccountHistory,
    columns: &InteractionColumns<'_>,
) {
    cells.positions(column::INTERACTION_ID, 0);
    cells.repeat(column::ACCOUNT_ID, &history.account.id);
    if let Some(picks) = columns.contact {
        let ids = history.contacts.iter().map(|contact| contact.id.as_str());
        cells.pick(column::CONTACT_ID, ids, picks.iter().map(|contact| Some(contact.0)));
    }
    cells.kinds(column::INTERACTION_TYPE, columns.kind.iter().copied());
    cells.instants(column::OCCURRED_AT, columns.occurred_at.iter().copied());
    if let Some(costs) = columns.variable_cost {
        cells.numbers(column::VARIABLE_COST, costs.iter().copied());
    }
}

pub(super) fn outcomes(cells: &mut Cells<'_>, account: &str, outcomes: &[Outcome]) {
    let rows = || outcomes.iter();
    cells.repeat(column::ACCOUNT_ID, account);
    cells.instants(column::PERIOD_START, rows().map(|o| o.period_start));
    cells.instants(column::PERIOD_END, rows().map(|o| o.period_end));
    let known_later = rows().map(|o| (o.known_at != o.period_end).then_some(o.known_at));
    cells.instants(column::KNOWN_AT, known_later);
    cells.numbers(column::REVENUE, rows().map(|o| o.revenue));
    cells.numbers(column::GROSS_PROFIT, rows().map(|o| o.gross_profit));
    cells.numbers(column::COST_TO_ENGAGE, rows().map(|o| o.cost_to_engage));
    cells.numbers(column::COST_TO_SERVE, rows().map(|o| o.cost_to_serve));
    cells.numbers(column::CUSTOMER_EFFORT_COST, rows().map(|o| o.customer_effort_cost));
    cells.numbers(column::WALLET_SIZE, rows().map(|o| o.wallet_size));
    cells.numbers(column::SHARE_OF_WALLET, rows().map(|o| o.share_of_wallet));
    cells.texts(column::STATUS, rows().map(|o| Some(o.status.name())));
}

pub(super) fn surveys(cells: &mut Cells<'_>, history: &AccountHistory, surveys: &[Survey]) {
    let rows = || surveys.iter();
    cells.repeat(column::ACCOUNT_ID, &history.account.id);
    cells.texts(column::CONTACT_ID, rows().map(|s| contact_id(history, s.contact)));
    cells.instants(column::ASKED_AT, rows().map(|s| s.asked_at));
    cells.instants(column::ANSWERED_AT, rows().map(|s| s.answered_at));
    cells.texts(column::INSTRUMENT, rows().map(|s| Some(s.instrument.as_str())));
    cells.texts(column::DIMENSION, rows().map(|s| s.dimension.as_deref()));
    cells.texts(column::SUBJECT, rows().map(|s| s.subject.as_deref()));
    cells.numbers(column::VALUE, rows().map(|s| s.value));
    cells.flags(column::RESPONSE_EXPECTED, rows().map(|s| s.response_expected));
}

pub(super) fn ledger(cells: &mut Cells<'_>, history: &AccountHistory, ledger: &[LedgerEntry]) {
    let rows = || ledger.iter();
    cells.repeat(column::ACCOUNT_ID, &history.account.id);
    cells.texts(column::CONTACT_ID, rows().map(|e| contact_id(history, e.contact)));
    cells.instants(column::OCCURRED_AT, rows().map(|e| e.occurred_at));
    cells.texts(column::COMPONENT, rows().map(|e| Some(e.component.name())));
    cells.texts(column::DIRECTION, rows().map(|e| Some(e.direction.name())));
    cells.numbers(column::QUANTITY, rows().map(|e| e.quantity));
    cells.numbers(column::VALUE_LOW, rows().map(|e| e.value_low));
    cells.numbers(column::VALUE_HIGH, rows().map(|e| e.value_high));
}

pub(super) fn customer_value(cells: &mut Cells<'_>, account: &str, values: &[CustomerValue]) {
    let rows = || values.iter();
    cells.repeat(column::ACCOUNT_ID, account);
    cells.instants(column::PERIOD_START, rows().map(|v| v.period_start));
    cells.texts(column::ASPECT, rows().map(|v| Some(v.aspect.name())));
    cells.numbers(column::SCORE, rows().map(|v| v.score));
    cells.numbers(column::TOTAL_COST_OF_OWNERSHIP, rows().map(|v| v.total_cost_of_ownership));
}

pub(super) fn truth(cells: &mut Cells<'_>, account: &str, truth: &[Truth]) {
    let rows = || truth.iter();
    cells.repeat(column::ACCOUNT_ID, account);
    cells.instants(column::PERIOD_START, rows().map(|t| t.period_start));
    cells.texts(column::STATE, rows().map(|t| Some(t.state.name())));
    cells.numbers(column::HAZARD, rows().map(|t| t.hazard));
    cells.numbers(column::EXPECTED_PROFIT, rows().map(|t| t.expected_profit));
    cells.numbers(column::EXPECTED_REVENUE, rows().map(|t| t.expected_revenue));
    cells.numbers(column::EXPECTED_SATISFACTION, rows().map(|t| t.expected_satisfaction));
    cells.numbers(column::EXPECTED_SHARE_OF_WALLET, rows().map(|t| t.expected_share_of_wallet));
    for (position, (name, _)) in effects(&Truth::default()).into_iter().enumerate() {
        cells.numbers(name, rows().map(|t| effects(t)[position].1));
    }
}

pub(super) fn staff(cells: &mut Cells<'_>, staff: &Staff) {
    cells.texts(column::OWNER_ID, once(Some(staff.id.as_str())));
    cells.texts(column::FUNCTION, once(Some(staff.function.as_str())));
    cells.texts(column::TEAM, once(staff.team.as_deref()));
    cells.instants(column::JOINED_AT, once(staff.joined_at));
    cells.instants(column::LEFT_AT, once(staff.left_at));
}

pub(super) fn initiative(cells: &mut Cells<'_>, initiative: &Initiative) {
    cells.texts(column::INITIATIVE_ID, once(Some(initiative.id.as_str())));
    cells.texts(column::PURPOSE, once(Some(initiative.purpose.as_str())));
    cells.flags(column::OPEN, once(initiative.open));
    cells.instants(column::STARTED_AT, once(initiative.started_at));
    cells.instants(column::ENDED_AT, once(initiative.ended_at));
}

fn contact_id(history: &AccountHistory, contact: Option<ContactIndex>) -> Option<&str> {
    contact.map(|ContactIndex(position)| history.contacts[usize::from(position)].id.as_str())
}
