//! Turns batches of `accounts`, `contacts` and `interactions` into rows.

use arrow_array::RecordBatch;

use super::super::schema::{Table, column};
use super::super::{Account, Contact, Details, Direction, Interaction, Placement, Stage};
use super::cells::{Flags, Instants, Numbers, Scope, Texts, Words};
use crate::ids::{TypeIndex, TypeNames};

/// A batch of one table whose rows can be read one by one.
pub(super) trait Rows: Sized + Send + Sync + 'static {
    /// The table.
    const TABLE: Table;
    /// One row.
    type Row;

    /// Takes the columns of `batch`, whose names and types are known to be right.
    fn new(batch: &RecordBatch, types: &TypeNames) -> Self;

    /// Account of a row.
    fn accounts(&self) -> &Texts;

    /// One row; absent when a cell that must be there is not, which is then among the faults.
    fn row(&self, row: usize, scope: &mut Scope<'_, '_>) -> Option<Self::Row>;
}

/// Rows of `accounts`.
#[derive(Debug)]
pub(super) struct AccountRows {
    account: Texts,
    segment: Texts,
    entered_at: Instants,
    exited_at: Instants,
    exit_reason: Texts,
    size: Numbers,
    contract_end: Instants,
    priority: Flags,
    placement: PlacementTexts,
}

impl Rows for AccountRows {
    const TABLE: Table = Table::Accounts;
    type Row = Account;

    fn new(batch: &RecordBatch, _: &TypeNames) -> Self {
        Self {
            account: Texts::new(batch, column::ACCOUNT_ID),
            segment: Texts::new(batch, column::SEGMENT_ID),
            entered_at: Instants::new(batch, column::ENTERED_AT),
            exited_at: Instants::new(batch, column::EXITED_AT),
            exit_reason: Texts::new(batch, column::EXIT_REASON),
            size: Numbers::new(batch, column::SIZE),
            contract_end: Instants::new(batch, column::CONTRACT_END),
            priority: Flags::new(batch, column::PRIORITY),
            placement: PlacementTexts::new(batch),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_, '_>) -> Option<Account> {
        Some(Account {
            id: scope.account.to_owned(),
            segment_id: self.segment.owned(row),
            entered_at: scope.required(column::ENTERED_AT, self.entered_at.get(row))?,
            exited_at: self.exited_at.get(row),
            exit_reason: self.exit_reason.owned(row),
            size: self.size.get(row),
            contract_end: self.contract_end.get(row),
            priority: self.priority.get(row),
            placement: self.placement.get(row),
        })
    }
}

/// The columns of [`Placement`].
#[derive(Debug)]
struct PlacementTexts {
    parent: Texts,
    industry: Texts,
    territory: Texts,
    region: Texts,
    division: Texts,
    business_unit: Texts,
    product_line: Texts,
}

impl PlacementTexts {
    fn new(batch: &RecordBatch) -> Self {
        Self {
            parent: Texts::new(batch, column::PARENT_ID),
            industry: Texts::new(batch, column::INDUSTRY),
            territory: Texts::new(batch, column::TERRITORY),
            region: Texts::new(batch, column::REGION),
            division: Texts::new(batch, column::DIVISION),
            business_unit: Texts::new(batch, column::BUSINESS_UNIT),
            product_line: Texts::new(batch, column::PRODUCT_LINE),
        }
    }

    fn get(&self, row: usize) -> Placement {
        Placement {
            parent_id: self.parent.owned(row),
            industry: self.industry.owned(row),
            territory: self.territory.owned(row),
            region: self.region.owned(row),
            division: self.division.owned(row),
            business_unit: self.business_unit.owned(row),
            product_line: self.product_line.owned(row),
        }
    }
}

/// Rows of `contacts`.
#[derive(Debug)]
pub(super) struct ContactRows {
    account: Texts,
    contact: Texts,
    stakeholder_type: Texts,
    role: Texts,
    influence: Numbers,
    valid_from: Instants,
    valid_to: Instants,
}

impl Rows for ContactRows {
    const TABLE: Table = Table::Contacts;
    type Row = Contact;

    fn new(batch: &RecordBatch, _: &TypeNames) -> Self {
        Self {
            account: Texts::new(batch, column::ACCOUNT_ID),
            contact: Texts::new(batch, column::CONTACT_ID),
            stakeholder_type: Texts::new(batch, column::STAKEHOLDER_TYPE),
            role: Texts::new(batch, column::ROLE),
            influence: Numbers::new(batch, column::INFLUENCE),
            valid_from: Instants::new(batch, column::VALID_FROM),
            valid_to: Instants::new(batch, column::VALID_TO),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_, '_>) -> Option<Contact> {
        let id = scope.required(column::CONTACT_ID, self.contact.owned(row));
        let influence = scope.required(column::INFLUENCE, self.influence.get(row));
        Some(Contact {
            id: id?,
            stakeholder_type: self.stakeholder_type.owned(row),
            role: self.role.owned(row),
            influence: influence?,
            valid_from: self.valid_from.get(row),
            valid_to: self.valid_to.get(row),
        })
    }
}

/// Rows of `interactions`.
#[derive(Debug)]
pub(super) struct InteractionRows {
    account: Texts,
    contact: Texts,
    kind: Words<TypeIndex>,
    occurred_at: Instants,
    known_at: Instants,
    rv: Numbers,
    variable_cost: Numbers,
    customer_effort: Numbers,
    stage: Words<Stage>,
    direction: Words<Direction>,
    owner: Texts,
    initiative: Texts,
    details: DetailCells,
}

impl Rows for InteractionRows {
    const TABLE: Table = Table::Interactions;
    type Row = Interaction;

    fn new(batch: &RecordBatch, types: &TypeNames) -> Self {
        Self {
            account: Texts::new(batch, column::ACCOUNT_ID),
            contact: Texts::new(batch, column::CONTACT_ID),
            kind: Words::new(batch, column::INTERACTION_TYPE, |name| types.get(name)),
            occurred_at: Instants::new(batch, column::OCCURRED_AT),
            known_at: Instants::new(batch, column::KNOWN_AT),
            rv: Numbers::new(batch, column::RV),
            variable_cost: Numbers::new(batch, column::VARIABLE_COST),
            customer_effort: Numbers::new(batch, column::CUSTOMER_EFFORT),
            stage: Words::fixed(batch, column::STAGE),
            direction: Words::fixed(batch, column::DIRECTION),
            owner: Texts::new(batch, column::OWNER_ID),
            initiative: Texts::new(batch, column::INITIATIVE_ID),
            details: DetailCells::new(batch),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    #[inline]
    fn row(&self, row: usize, scope: &mut Scope<'_, '_>) -> Option<Interaction> {
        let kind = scope.required(column::INTERACTION_TYPE, self.kind.get(row));
        let occurred_at = scope.required(column::OCCURRED_AT, self.occurred_at.get(row));
        let contact = scope.contact(&self.contact, row);
        let stage = scope.word(column::STAGE, &self.stage, row);
        let direction = scope.word(column::DIRECTION, &self.direction, row);
        let owner = scope.owner(&self.owner, row);
        let initiative = scope.initiative(&self.initiative, row);
        Some(Interaction {
            contact,
            kind: kind?,
            occurred_at: occurred_at?,
            known_at: self.known_at.get(row).or(occurred_at)?,
            rv: self.rv.get(row),
            variable_cost: self.variable_cost.get(row),
            customer_effort: self.customer_effort.get(row),
            stage,
            direction,
            owner,
            initiative,
            details: self.details.get(row),
        })
    }
}

/// The columns of [`Details`].
#[derive(Debug)]
struct DetailCells {
    segment: Texts,
    level: Texts,
    function: Texts,
    channel: Texts,
    planned: Flags,
    severity: Numbers,
    sentiment: Numbers,
    source_system: Texts,
    source: Texts,
    is_empty: bool,
}

impl DetailCells {
    fn new(batch: &RecordBatch) -> Self {
        let mut all = Self {
            segment: Texts::new(batch, column::SEGMENT_ID),
            level: Texts::new(batch, column::LEVEL),
            function: Texts::new(batch, column::FUNCTION),
            channel: Texts::new(batch, column::CHANNEL),
            planned: Flags::new(batch, column::PLANNED),
            severity: Numbers::new(batch, column::SEVERITY),
            sentiment: Numbers::new(batch, column::SENTIMENT),
            source_system: Texts::new(batch, column::SOURCE_SYSTEM),
            source: Texts::new(batch, column::SOURCE_ID),
            is_empty: false,
        };
        let texts = [
            &all.segment,
            &all.level,
            &all.function,
            &all.channel,
            &all.source_system,
            &all.source,
        ];
        all.is_empty = texts.into_iter().all(Texts::is_empty)
            && all.planned.is_empty()
            && all.severity.is_empty()
            && all.sentiment.is_empty();
        all
    }

    #[inline]
    fn get(&self, row: usize) -> Option<Box<Details>> {
        if self.is_empty { None } else { self.some(row) }
    }

    fn some(&self, row: usize) -> Option<Box<Details>> {
        let details = Details {
            segment_id: self.segment.owned(row),
            level: self.level.owned(row),
            function: self.function.owned(row),
            channel: self.channel.owned(row),
            planned: self.planned.get(row),
            severity: self.severity.get(row),
            sentiment: self.sentiment.get(row),
            source_system: self.source_system.owned(row),
            source_id: self.source.owned(row),
        };
        (details != Details::default()).then(|| Box::new(details))
    }
}
