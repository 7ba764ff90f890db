//! The rows of the tables as values.

use super::words::{
    Direction, LedgerComponent, RelationshipState, Stage, Status, ValueAspect, ValueDirection,
};
use crate::ids::{ContactIndex, InitiativeIndex, OwnerIndex, TypeIndex};
use crate::time::Instant;

/// One row of `accounts`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// Unique name of the account.
    pub id: String,
    /// Customer segment, which may override catalogue values.
    pub segment_id: Option<String>,
    /// When the relationship began; may lie before the first row of the log.
    pub entered_at: Instant,
    /// When the relationship ended; absent while it lasts.
    pub exited_at: Option<Instant>,
    /// Why it ended.
    pub exit_reason: Option<String>,
    /// Size of the account in any unit (people, seats, …), used for strata.
    pub size: Option<f64>,
    /// When the current contract ends.
    ///
    /// As known when the log ends (at an exit: of the term then in force), so not to be read as of a date.
    pub contract_end: Option<Instant>,
    /// Whether the firm gives the account priority.
    pub priority: Option<bool>,
    /// Where the account belongs.
    pub placement: Placement,
}

/// Where an account belongs: in its own group, in the market and in the firm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// Account that this one is part of; need not be in the log.
    pub parent_id: Option<String>,
    /// Industry of the customer.
    pub industry: Option<String>,
    /// Sales territory.
    pub territory: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Division of the firm that serves it.
    pub division: Option<String>,
    /// Business unit of the firm that serves it.
    pub business_unit: Option<String>,
    /// Product line that it mainly buys.
    pub product_line: Option<String>,
}

/// One row of `contacts`.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Unique name of the contact.
    pub id: String,
    /// Kind of stakeholder, such as `customer`, `partner` or `regulator`.
    pub stakeholder_type: Option<String>,
    /// Role in the buying group.
    pub role: Option<String>,
    /// Buying influence, non-negative; only ratios within an account matter.
    pub influence: f64,
    /// Joined the account.
    pub valid_from: Option<Instant>,
    /// Left the account.
    pub valid_to: Option<Instant>,
}

/// A nameless contact of influence 1, there throughout.
impl Default for Contact {
    fn default() -> Self {
        Self {
            id: String::new(),
            stakeholder_type: None,
            role: None,
            influence: 1.0,
            valid_from: None,
            valid_to: None,
        }
    }
}

/// One row of `interactions`: one touch between customer and firm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Interaction {
    /// Position of the contact in [`AccountHistory::contacts`](super::AccountHistory::contacts);
    /// absent for account-level rows.
    pub contact: Option<ContactIndex>,
    /// What happened.
    pub kind: TypeIndex,
    /// When it happened.
    pub occurred_at: Instant,
    /// When the row could first have been read.
    pub known_at: Instant,
    /// Overrides the catalogue's relative value.
    pub rv: Option<f64>,
    /// Overrides the catalogue's variable cost \[currency\].
    pub variable_cost: Option<f64>,
    /// Overrides the catalogue's customer effort \[minutes\].
    pub customer_effort: Option<f64>,
    /// Overrides the catalogue's stage.
    pub stage: Option<Stage>,
    /// Overrides the catalogue's direction.
    pub direction: Option<Direction>,
    /// Member of staff, by position in [`AccountHistory::owners`](super::AccountHistory::owners).
    pub owner: Option<OwnerIndex>,
    /// Initiative it was part of, by position in
    /// [`AccountHistory::initiatives`](super::AccountHistory::initiatives).
    pub initiative: Option<InitiativeIndex>,
    /// What few rows have.
    pub details: Option<Box<Details>>,
}

/// What few [`Interaction`]s have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// Segment or record of the account that it belongs to, where an account has several.
    pub segment_id: Option<String>,
    /// Level of the contact when it happened.
    pub level: Option<String>,
    /// Overrides the catalogue's function.
    pub function: Option<String>,
    /// Channel, such as `email` or `phone`.
    pub channel: Option<String>,
    /// Whether the firm planned it.
    pub planned: Option<bool>,
    /// How grave it was, non-negative.
    pub severity: Option<f64>,
    /// How the customer sounded, from −1 (angry) to 1 (delighted), by whatever judged the text.
    pub sentiment: Option<f64>,
    /// System the row came from.
    pub source_system: Option<String>,
    /// The row's name in that system.
    pub source_id: Option<String>,
}

/// One row of `outcomes`: what an account brought in one period.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcome {
    /// First instant of the period.
    pub period_start: Instant,
    /// First instant after the period.
    pub period_end: Instant,
    /// When the row could first have been read.
    pub known_at: Instant,
    /// Revenue \[currency\].
    pub revenue: f64,
    /// Revenue less the variable cost of what was sold \[currency\]; absent when the log has none.
    pub gross_profit: Option<f64>,
    /// Variable cost of interactions \[currency\].
    pub cost_to_engage: Option<f64>,
    /// Cost of serving beyond interactions \[currency\].
    pub cost_to_serve: Option<f64>,
    /// What the customer's own effort cost the customer \[currency\].
    pub customer_effort_cost: Option<f64>,
    /// The customer's spend in the category, whoever it went to \[currency\].
    pub wallet_size: Option<f64>,
    /// Share of the customer's spend in the category, in `[0, 1]`.
    pub share_of_wallet: Option<f64>,
    /// Where the account stood at the end of the period.
    pub status: Status,
}

impl Outcome {
    /// Gross profit less cost to engage and cost to serve, where these are known \[currency\].
    ///
    /// Absent when gross profit is.
    pub fn contribution(&self) -> Option<f64> {
        let costs = self.cost_to_engage.unwrap_or(0.0) + self.cost_to_serve.unwrap_or(0.0);
        self.gross_profit.map(|profit| profit - costs)
    }
}

/// One row of `surveys`: a question asked, and its answer where there is one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// Position of the contact in [`AccountHistory::contacts`](super::AccountHistory::contacts).
    pub contact: Option<ContactIndex>,
    /// When it was asked.
    pub asked_at: Instant,
    /// When it was answered.
    pub answered_at: Option<Instant>,
    /// Questionnaire, such as `satisfaction`.
    pub instrument: String,
    /// What it asked about, such as `service`.
    pub dimension: Option<String>,
    /// Whom it asked about: `us` or the name of a competitor.
    pub subject: Option<String>,
    /// The answer.
    pub value: Option<f64>,
    /// Whether the customer was told to expect an answer from the firm.
    pub response_expected: Option<bool>,
}

/// One row of `truth`: what only a simulation knows.
///
/// The last seven numbers are NaN where a log of version 1 is read, which has no such columns.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Truth {
    /// First instant of the period.
    pub period_start: Instant,
    /// Hidden relationship state.
    pub state: RelationshipState,
    /// Probability of leaving in this period.
    pub hazard: f64,
    /// Expected contribution in this period given the state \[currency\].
    pub expected_profit: f64,
    /// Expected revenue in this period given the state \[currency\].
    pub expected_revenue: f64,
    /// Expected answer to the satisfaction survey given the state.
    pub expected_satisfaction: f64,
    /// Expected share of wallet given the state.
    pub expected_share_of_wallet: f64,
    /// Number of transactional interactions of the period: what Relationship Value may mirror.
    pub mirrored_purchases: f64,
    /// Standard score by which staff turn to the account; 0 where they treat all alike.
    pub owner_target: f64,
    /// True effect of the period's interactions on the relationship.
    pub felt_effect: f64,
    /// Stock of goodwill at the end of the period.
    pub goodwill: f64,
    /// Number of interactions of the period that were not logged.
    pub unlogged: f64,
    /// Critical interactions of the period, each weighted by its contact's share of influence.
    pub critical: f64,
    /// Share of the period in which the customer could not leave.
    pub locked_in: f64,
}

/// One row of `value_ledger`: a value that changed hands without money.
///
/// Kept beside relationship value, never added to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LedgerEntry {
    /// Position of the contact in [`AccountHistory::contacts`](super::AccountHistory::contacts).
    pub contact: Option<ContactIndex>,
    /// When it changed hands.
    pub occurred_at: Instant,
    /// What it was.
    pub component: LedgerComponent,
    /// Who gave it.
    pub direction: ValueDirection,
    /// How much of it, in the component's own unit (people, talks, …); non-negative.
    pub quantity: f64,
    /// Lower end of what it is worth \[currency\].
    pub value_low: Option<f64>,
    /// Upper end of what it is worth \[currency\].
    pub value_high: Option<f64>,
}

/// One row of `customer_value`: what the firm was worth to the customer in one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CustomerValue {
    /// First instant of the period.
    pub period_start: Instant,
    /// Aspect that is scored.
    pub aspect: ValueAspect,
    /// How good it is, in `[0, 1]`.
    pub score: f64,
    /// What buying, owning and using costs the customer in the period \[currency\].
    pub total_cost_of_ownership: Option<f64>,
}

/// One row of `staff`: a member of staff who deals with customers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staff {
    /// Unique name, as `owner_id` of `interactions`.
    pub id: String,
    /// Function, such as `sales` or `service`.
    pub function: String,
    /// Team.
    pub team: Option<String>,
    /// When they joined.
    pub joined_at: Option<Instant>,
    /// When they left.
    pub left_at: Option<Instant>,
}

/// One row of `initiatives`: a joint effort that several interactions belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Initiative {
    /// Unique name, as `initiative_id` of `interactions`.
    pub id: String,
    /// What it is for.
    pub purpose: String,
    /// Whether anyone may join.
    pub open: Option<bool>,
    /// When it started.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interaction_stays_small() {
        // Ten million of them are held at once by a run in memory.
        assert!(size_of::<Interaction>() <= 96, "{} bytes", size_of::<Interaction>());
    }

    #[test]
    fn costs_are_taken_from_gross_profit_where_they_are_known() {
        let outcome = Outcome {
            gross_profit: Some(40.0),
            cost_to_engage: Some(3.0),
            customer_effort_cost: Some(9.0),
            ..Outcome::default()
        };
        assert_eq!(outcome.contribution(), Some(37.0));
        assert_eq!(Outcome { gross_profit: None, ..outcome }.contribution(), None);
    }
}
