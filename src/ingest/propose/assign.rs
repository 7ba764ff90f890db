//! Which table a file seems to fill, and which of its columns is which of our fields.

use std::collections::BTreeSet;

use super::names::{self, place};
use super::profile::{Column, FileProfile};
use super::words;
use crate::ingest::field::Field;
use crate::interaction::Table;

/// What a file is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Accounts,
    Contacts,
    Interactions,
    /// One row per account and month.
    Months,
    /// Dated amounts, to be summed by month; `purchases`: each is an interaction too.
    Amounts {
        purchases: bool,
    },
    Surveys,
    /// A pipeline of deals: opened, and closed with a value.
    Deals,
    /// Keys of several systems that are one account.
    Links,
    /// Nothing that a mapping can read, and why.
    Unknown(String),
}

/// One of our fields and the column that is to fill it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) field: Field,
    pub(super) column: String,
    pub(super) why: String,
}

/// What is proposed for one file and table.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub(super) table: Table,
    pub(super) choices: Vec<Choice>,
    /// Candidates that were not chosen: field, column and why.
    pub(super) others: Vec<Choice>,
    /// The system whose keys the accounts are, where it is not that of the accounts file.
    pub(super) system: Option<String>,
}

impl Assignment {
    pub(super) fn column(&self, field: Field) -> Option<&str> {
        self.choices.iter().find(|c| c.field == field).map(|choice| choice.column.as_str())
    }

    fn has(&self, fields: &[Field]) -> bool {
        fields.iter().all(|&field| self.column(field).is_some())
    }

    fn take(&mut self, field: Field, column: &Column, why: &str) {
        let (column, why) = (column.name.clone(), format!("{why}; {}", column.looks()));
        self.choices.push(Choice { field, column, why });
    }

    fn is_free(&self, column: &Column) -> bool {
        self.choices.iter().all(|choice| choice.column != column.name)
    }
}

/// What `file` is taken for, with its columns; `accounts` are the account ids of other files.
pub(super) fn assign(file: &FileProfile, accounts: &BTreeSet<String>) -> (Role, Assignment) {
    let columns: Vec<String> = file.columns.iter().map(|column| column.name.clone()).collect();
    let as_table = |table, dated| by_name(file, table, dated, accounts);
    let interactions = as_table(Table::Interactions, false);
    let named_type = interactions.has(&[Field::InteractionType]);
    let dated_log = with_dates(file, interactions.clone());
    let months = as_table(Table::Outcomes, false);
    let amounts = with_dates(file, as_table(Table::Outcomes, true));
    let unknown = |why: &str| (Role::Unknown(why.to_owned()), interactions.clone());
    if let Some(why) = names::summary(&columns) {
        return unknown(why);
    }
    if file.column("interaction_type").is_some()
        && file.column("rv").is_some()
        && !dated_log.has(&[Field::OccurredAt])
    {
        return unknown("a catalogue of interaction types: name it as `catalogue` at the top");
    }
    let deal = |name: &str| columns.iter().any(|column| names::plain(column) == name);
    if deal("deal_stage") && deal("close_date") && interactions.has(&[Field::AccountId]) {
        return (Role::Deals, interactions);
    }
    let contacts = as_table(Table::Contacts, false);
    let contact_key = contacts.column(Field::ContactId).and_then(|name| file.column(name));
    if contacts.has(&[Field::AccountId]) && contact_key.is_some_and(Column::is_key) && !named_type {
        return (Role::Contacts, contacts);
    }
    let dated_amounts =
        as_table(Table::Outcomes, true).has(&[Field::AccountId, Field::OccurredAt, Field::Revenue]);
    let as_accounts = account_rows(file, as_table(Table::Accounts, false), accounts);
    let key = as_accounts.column(Field::AccountId).and_then(|name| file.column(name));
    if key.is_some_and(Column::is_key) && !named_type && !dated_amounts {
        return (Role::Accounts, as_accounts);
    }
    let period = months.has(&[Field::Month]) || months.has(&[Field::PeriodStart, Field::PeriodEnd]);
    if period && months.has(&[Field::AccountId, Field::Revenue]) {
        return (Role::Months, months);
    }
    let surveys = as_table(Table::Surveys, false);
    if surveys.has(&[Field::AccountId, Field::AskedAt, Field::Value]) && !named_type {
        return (Role::Surveys, surveys);
    }
    if named_type && dated_log.has(&[Field::AccountId, Field::OccurredAt]) {
        return (Role::Interactions, dated_log);
    }
    if amounts.has(&[Field::AccountId, Field::OccurredAt, Field::Revenue]) {
        let monthly = amounts.column(Field::OccurredAt).is_some_and(names::is_month);
        return (Role::Amounts { purchases: !monthly }, amounts);
    }
    let guessed = with_type(file, dated_log);
    if guessed.has(&[Field::AccountId, Field::OccurredAt, Field::InteractionType]) {
        return (Role::Interactions, guessed);
    }
    let lacks = if interactions.column(Field::AccountId).is_none() {
        "no column is known to hold accounts"
    } else {
        "accounts, but neither dates with a type, nor amounts, nor one row per account"
    };
    (Role::Unknown(lacks.to_owned()), guessed)
}

/// Columns whose name is known and whose values fit, else whose values are accounts.
fn by_name(
    file: &FileProfile,
    table: Table,
    dated: bool,
    accounts: &BTreeSet<String>,
) -> Assignment {
    let mut made = Assignment { table, choices: Vec::new(), others: Vec::new(), system: None };
    for (field, known) in names::known(table, dated) {
        let mut candidates: Vec<(usize, &Column)> = file
            .columns
            .iter()
            .filter(|column| made.is_free(column))
            .filter_map(|column| Some((place(&column.name, known)?, column)))
            .collect();
        candidates.sort_by_key(|(place, _)| *place);
        for (_, column) in candidates {
            let misfit = misfit(field, column);
            let why = match misfit {
                None if made.column(field).is_none() => {
                    made.take(field, column, "name known");
                    continue;
                }
                None => format!("`{}` is the surer name", made.column(field).unwrap_or_default()),
                Some(why) => format!("{why}; {}", column.looks()),
            };
            made.others.push(Choice { field, column: column.name.clone(), why });
        }
    }
    if made.column(Field::AccountId).is_none() {
        let share = |column: &Column| {
            let shared = column.words.keys().filter(|word| accounts.contains(*word)).count();
            shared as f64 / column.words.len().max(1) as f64
        };
        let best = file
            .columns
            .iter()
            .filter(|column| made.is_free(column))
            .map(|column| (share(column), column))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((share, column)) = best.filter(|(share, _)| *share >= 0.5) {
            let why =
                format!("{:.0} % of its values are account ids of the other files", 100.0 * share);
            made.take(Field::AccountId, column, &why);
        }
    }
    let Assignment { choices, others, .. } = &mut made;
    others.retain(|other| choices.iter().all(|choice| choice.column != other.column));
    made
}

/// Why the values of `column` cannot fill `field`, if they cannot.
fn misfit(field: Field, column: &Column) -> Option<&'static str> {
    if column.n == 0 {
        return Some("it is always empty");
    }
    match field {
        Field::Month => (column.n_months * 10 < column.n * 9).then_some("not months as in 2025-01"),
        Field::Planned | Field::Priority | Field::ResponseExpected => {
            (column.n_flags < column.n).then_some("neither yes nor no")
        }
        Field::Stage | Field::Direction | Field::Status => {
            words::translation(field, column).is_none().then_some("words that are not ours")
        }
        Field::InteractionType => {
            (column.more_words || column.words.len() > 500).then_some("too many words to be types")
        }
        Field::SourceId => (!column.is_nearly_key()).then_some("values come again, or are absent"),
        field if field.is_time() => (!column.is_time()).then_some("values are no dates"),
        field if !field.is_text() => (!column.is_number()).then_some("values are no numbers"),
        _ => None,
    }
}

/// Takes the first column of dates where no name of one is known.
fn with_dates(file: &FileProfile, mut made: Assignment) -> Assignment {
    if made.column(Field::OccurredAt).is_none() {
        let mut dates = file.columns.iter().filter(|column| {
            made.is_free(column) && column.is_time() && !(column.is_number() && column.is_key())
        });
        if let Some(first) = dates.next() {
            let more = dates.map(|column| column.name.clone()).collect::<Vec<_>>();
            made.take(Field::OccurredAt, first, "name not known, values are dates");
            for column in more {
                let why = format!("`{}` comes first", first.name);
                made.others.push(Choice { field: Field::OccurredAt, column, why });
            }
        }
    }
    made
}

/// Takes the first column of few words as the type where no name of one is known.
fn with_type(file: &FileProfile, mut made: Assignment) -> Assignment {
    if made.column(Field::InteractionType).is_none() {
        let mut few = file.columns.iter().filter(|column| {
            made.is_free(column)
                && column.is_few_words()
                && !column.is_number()
                && !column.is_time()
        });
        if let Some(first) = few.next() {
            let more = few.map(|column| column.name.clone()).collect::<Vec<_>>();
            made.take(Field::InteractionType, first, "name not known, few words that come again");
            for column in more {
                let why = format!("`{}` comes first", first.name);
                made.others.push(Choice { field: Field::InteractionType, column, why });
            }
        }
    }
    made
}

/// In a file with one row per something called `id` or `name`, that is the account.
fn account_rows(
    file: &FileProfile,
    mut made: Assignment,
    accounts: &BTreeSet<String>,
) -> Assignment {
    let key = file.columns.iter().find(|column| {
        matches!(names::plain(&column.name).as_str(), "id" | "name") && column.is_key()
    });
    if let (None, Some(key)) = (made.column(Field::AccountId), key)
        && (accounts.is_empty() || key.words.keys().any(|word| accounts.contains(word)))
    {
        made.take(Field::AccountId, key, "one row for each of its values");
    }
    made
}
