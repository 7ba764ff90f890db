//! Turns batches of columns into rows, cell by cell.

use std::fmt::Display;
use std::str::FromStr;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampMicrosecondType};
use arrow_array::{Array, DictionaryArray, Float64Array, RecordBatch, StringArray};
use arrow_array::{PrimitiveArray, TimestampMicrosecondArray};

use super::error::Fault;
use super::schema::{Table, column};
use super::{Account, Contact, Details, Interaction, Outcome, Survey, Truth, UnknownWord};
use crate::ids::{ContactIndex, TypeIndex, TypeNames};
use crate::time::Instant;

/// A batch of one table whose rows can be read one by one.
pub(super) trait Rows: Sized {
    /// The table.
    const TABLE: Table;
    /// One row.
    type Row;

    /// Takes the columns of `batch`, whose names and types are known to be right.
    fn new(batch: &RecordBatch, types: &TypeNames) -> Self;

    /// Account of a row.
    fn accounts(&self) -> &Texts;

    /// One row; absent when a cell that must be there is not, which is then among the faults.
    fn row(&self, row: usize, scope: &mut Scope<'_>) -> Option<Self::Row>;
}

/// What surrounds a row that is being read.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) table: Table,
    pub(super) account: &'a str,
    /// Row in the file, from 1.
    pub(super) number: u64,
    pub(super) contacts: &'a [Contact],
    pub(super) faults: &'a mut Vec<Fault>,
}

impl Scope<'_> {
    #[cold]
    pub(super) fn fault(&mut self, column: &'static str, value: impl Display, rule: &'static str) {
        self.faults.push(Fault {
            table: self.table,
            row: self.number,
            account: self.account.to_owned(),
            column,
            value: value.to_string(),
            rule,
        });
    }

    fn required<T>(&mut self, column: &'static str, cell: Option<T>) -> Option<T> {
        if cell.is_none() {
            self.fault(column, "", "a value");
        }
        cell
    }

    fn word<W: FromStr<Err = UnknownWord>>(
        &mut self,
        column: &'static str,
        cell: Option<&str>,
    ) -> Option<W> {
        match cell?.parse() {
            Ok(word) => Some(word),
            Err(UnknownWord { value, expected }) => {
                self.fault(column, value, expected);
                None
            }
        }
    }

    fn contact(&mut self, cell: Option<&str>) -> Option<ContactIndex> {
        let id = cell?;
        let ordered = self.contacts.binary_search_by(|contact| contact.id.as_str().cmp(id)).ok();
        // Contacts out of order are a fault of their own, not one of every row.
        let position = ordered.or_else(|| self.contacts.iter().position(|c| c.id == id));
        let index = position.and_then(|p| u16::try_from(p).ok()).map(ContactIndex);
        if index.is_none() {
            self.fault(column::CONTACT_ID, id, "a contact of the account");
        }
        index
    }
}

/// A column of texts, empty throughout when the file has none.
#[derive(Debug)]
pub(super) struct Texts {
    cells: Option<StringArray>,
    rows: usize,
}

impl Texts {
    fn new(batch: &RecordBatch, name: &str) -> Self {
        let cells = batch.column_by_name(name).map(|c| c.as_string().clone());
        // A column of nothing is not asked row by row.
        let cells = cells.filter(|cells| cells.null_count() < cells.len());
        Self { cells, rows: batch.num_rows() }
    }

    /// Number of rows, whether the file has the column or not.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    pub(super) fn get(&self, row: usize) -> Option<&str> {
        self.cells.as_ref().filter(|cells| cells.is_valid(row)).map(|cells| cells.value(row))
    }

    fn owned(&self, row: usize) -> Option<String> {
        self.get(row).map(str::to_owned)
    }

    fn is_empty(&self) -> bool {
        self.cells.is_none()
    }
}

/// A column of interaction types, looked up once per batch.
#[derive(Debug)]
struct Kinds {
    cells: DictionaryArray<Int32Type>,
    indices: Vec<Option<TypeIndex>>,
}

impl Kinds {
    fn new(batch: &RecordBatch, types: &TypeNames) -> Self {
        let cells = batch[column::INTERACTION_TYPE].as_dictionary::<Int32Type>().clone();
        let words = cells.values().as_string::<i32>();
        let indices = words.iter().map(|word| word.and_then(|word| types.get(word))).collect();
        Self { cells, indices }
    }

    fn get(&self, row: usize) -> Option<TypeIndex> {
        self.cells.key(row).and_then(|position| self.indices[position])
    }
}

/// A column of numbers, empty throughout when the file has none.
#[derive(Debug)]
struct Numbers(Option<Float64Array>);

impl Numbers {
    fn new(batch: &RecordBatch, name: &str) -> Self {
        let cells = batch.column_by_name(name).map(|c| c.as_primitive::<Float64Type>().clone());
        Self(cells.filter(|cells| cells.null_count() < cells.len()))
    }

    fn get(&self, row: usize) -> Option<f64> {
        value(self.0.as_ref()?, row)
    }
}

/// A column of instants, empty throughout when the file has none.
#[derive(Debug)]
struct Instants(Option<TimestampMicrosecondArray>);

impl Instants {
    fn new(batch: &RecordBatch, name: &str) -> Self {
        let cells = batch
            .column_by_name(name)
            .map(|c| c.as_primitive::<TimestampMicrosecondType>().clone());
        Self(cells.filter(|cells| cells.null_count() < cells.len()))
    }

    fn get(&self, row: usize) -> Option<Instant> {
        value(self.0.as_ref()?, row).map(Instant::from_micros)
    }
}

fn value<T: arrow_array::ArrowPrimitiveType>(
    cells: &PrimitiveArray<T>,
    row: usize,
) -> Option<T::Native> {
    cells.is_valid(row).then(|| cells.value(row))
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
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_>) -> Option<Account> {
        Some(Account {
            id: scope.account.to_owned(),
            segment_id: self.segment.owned(row),
            entered_at: scope.required(column::ENTERED_AT, self.entered_at.get(row))?,
            exited_at: self.exited_at.get(row),
            exit_reason: self.exit_reason.owned(row),
            size: self.size.get(row),
        })
    }
}

/// Rows of `contacts`.
#[derive(Debug)]
pub(super) struct ContactRows {
    account: Texts,
    contact: Texts,
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
            role: Texts::new(batch, column::ROLE),
            influence: Numbers::new(batch, column::INFLUENCE),
            valid_from: Instants::new(batch, column::VALID_FROM),
            valid_to: Instants::new(batch, column::VALID_TO),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_>) -> Option<Contact> {
        let id = scope.required(column::CONTACT_ID, self.contact.owned(row));
        let influence = scope.required(column::INFLUENCE, self.influence.get(row));
        Some(Contact {
            id: id?,
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
    kind: Kinds,
    occurred_at: Instants,
    known_at: Instants,
    rv: Numbers,
    variable_cost: Numbers,
    customer_effort: Numbers,
    stage: Texts,
    direction: Texts,
    details: DetailTexts,
}

impl Rows for InteractionRows {
    const TABLE: Table = Table::Interactions;
    type Row = Interaction;

    fn new(batch: &RecordBatch, types: &TypeNames) -> Self {
        Self {
            account: Texts::new(batch, column::ACCOUNT_ID),
            contact: Texts::new(batch, column::CONTACT_ID),
            kind: Kinds::new(batch, types),
            occurred_at: Instants::new(batch, column::OCCURRED_AT),
            known_at: Instants::new(batch, column::KNOWN_AT),
            rv: Numbers::new(batch, column::RV),
            variable_cost: Numbers::new(batch, column::VARIABLE_COST),
            customer_effort: Numbers::new(batch, column::CUSTOMER_EFFORT),
            stage: Texts::new(batch, column::STAGE),
            direction: Texts::new(batch, column::DIRECTION),
            details: DetailTexts::new(batch),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_>) -> Option<Interaction> {
        let kind = scope.required(column::INTERACTION_TYPE, self.kind.get(row));
        let occurred_at = scope.required(column::OCCURRED_AT, self.occurred_at.get(row));
        let contact = scope.contact(self.contact.get(row));
        let stage = scope.word(column::STAGE, self.stage.get(row));
        let direction = scope.word(column::DIRECTION, self.direction.get(row));
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
            details: self.details.get(row),
        })
    }
}

/// The columns of [`Details`].
#[derive(Debug)]
struct DetailTexts {
    level: Texts,
    function: Texts,
    channel: Texts,
    owner: Texts,
    source_system: Texts,
    source: Texts,
    is_empty: bool,
}

impl DetailTexts {
    fn new(batch: &RecordBatch) -> Self {
        let mut all = Self {
            level: Texts::new(batch, column::LEVEL),
            function: Texts::new(batch, column::FUNCTION),
            channel: Texts::new(batch, column::CHANNEL),
            owner: Texts::new(batch, column::OWNER_ID),
            source_system: Texts::new(batch, column::SOURCE_SYSTEM),
            source: Texts::new(batch, column::SOURCE_ID),
            is_empty: false,
        };
        let columns =
            [&all.level, &all.function, &all.channel, &all.owner, &all.source_system, &all.source];
        all.is_empty = columns.into_iter().all(Texts::is_empty);
        all
    }

    fn get(&self, row: usize) -> Option<Box<Details>> {
        if self.is_empty {
            return None;
        }
        let details = Details {
            level: self.level.owned(row),
            function: self.function.owned(row),
            channel: self.channel.owned(row),
            owner_id: self.owner.owned(row),
            source_system: self.source_system.owned(row),
            source_id: self.source.owned(row),
        };
        (details != Details::default()).then(|| Box::new(details))
    }
}

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
    share_of_wallet: Numbers,
    status: Texts,
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
            share_of_wallet: Numbers::new(batch, column::SHARE_OF_WALLET),
            status: Texts::new(batch, column::STATUS),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_>) -> Option<Outcome> {
        let period_start = scope.required(column::PERIOD_START, self.period_start.get(row));
        let period_end = scope.required(column::PERIOD_END, self.period_end.get(row));
        let revenue = scope.required(column::REVENUE, self.revenue.get(row));
        let status = scope.required(column::STATUS, self.status.get(row));
        let status = scope.word(column::STATUS, status);
        Some(Outcome {
            period_start: period_start?,
            period_end: period_end?,
            known_at: self.known_at.get(row).or(period_end)?,
            revenue: revenue?,
            gross_profit: self.gross_profit.get(row),
            cost_to_engage: self.cost_to_engage.get(row),
            cost_to_serve: self.cost_to_serve.get(row),
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
    value: Numbers,
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
            value: Numbers::new(batch, column::VALUE),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_>) -> Option<Survey> {
        let contact = scope.contact(self.contact.get(row));
        let asked_at = scope.required(column::ASKED_AT, self.asked_at.get(row));
        let instrument = scope.required(column::INSTRUMENT, self.instrument.owned(row));
        Some(Survey {
            contact,
            asked_at: asked_at?,
            answered_at: self.answered_at.get(row),
            instrument: instrument?,
            value: self.value.get(row),
        })
    }
}

/// Rows of `truth`.
#[derive(Debug)]
pub(super) struct TruthRows {
    account: Texts,
    period_start: Instants,
    state: Texts,
    hazard: Numbers,
    profit: Numbers,
    revenue: Numbers,
    satisfaction: Numbers,
    share_of_wallet: Numbers,
}

impl Rows for TruthRows {
    const TABLE: Table = Table::Truth;
    type Row = Truth;

    fn new(batch: &RecordBatch, _: &TypeNames) -> Self {
        Self {
            account: Texts::new(batch, column::ACCOUNT_ID),
            period_start: Instants::new(batch, column::PERIOD_START),
            state: Texts::new(batch, column::STATE),
            hazard: Numbers::new(batch, column::HAZARD),
            profit: Numbers::new(batch, column::EXPECTED_PROFIT),
            revenue: Numbers::new(batch, column::EXPECTED_REVENUE),
            satisfaction: Numbers::new(batch, column::EXPECTED_SATISFACTION),
            share_of_wallet: Numbers::new(batch, column::EXPECTED_SHARE_OF_WALLET),
        }
    }

    fn accounts(&self) -> &Texts {
        &self.account
    }

    fn row(&self, row: usize, scope: &mut Scope<'_>) -> Option<Truth> {
        let period_start = scope.required(column::PERIOD_START, self.period_start.get(row));
        let state = scope.required(column::STATE, self.state.owned(row));
        let mut number = |name, cells: &Numbers| scope.required(name, cells.get(row));
        let hazard = number(column::HAZARD, &self.hazard);
        let profit = number(column::EXPECTED_PROFIT, &self.profit);
        let revenue = number(column::EXPECTED_REVENUE, &self.revenue);
        let satisfaction = number(column::EXPECTED_SATISFACTION, &self.satisfaction);
        let share_of_wallet = number(column::EXPECTED_SHARE_OF_WALLET, &self.share_of_wallet);
        Some(Truth {
            period_start: period_start?,
            state: state?,
            hazard: hazard?,
            expected_profit: profit?,
            expected_revenue: revenue?,
            expected_satisfaction: satisfaction?,
            expected_share_of_wallet: share_of_wallet?,
        })
    }
}
