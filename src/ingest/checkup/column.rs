//! One block of a mapping: every value of every column that it names, tried by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::MOST_EXAMPLES;
use crate::ingest::assemble::Assembly;
use crate::ingest::cell::Cell;
use crate::ingest::error::SourceError;
use crate::ingest::field::Field;
use crate::ingest::ledger::{Breach, Place, Reason, RejectedRow};
use crate::ingest::links::LinkIndex;
use crate::ingest::mapping::{Block, Deduplicate, Mapping};
use crate::ingest::row::{Plan, Row};
use crate::ingest::source::Exports;
use crate::interaction::{Direction, Stage, Status, Table};
use crate::time::{Instant, Month};

/// Distinct values of one column that are counted.
const MOST_DISTINCT: usize = 100_000;
/// Words of which the counts are told.
const MOST_WORDS: usize = 12;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What became of one block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockCheck {
    /// Table that the block fills.
    pub table: String,
    /// Source, as the mapping names it.
    pub source: String,
    /// Rows that the block selects.
    pub rows: u64,
    /// Why files or columns could not be read; then the other columns are tried.
    pub problems: Vec<String>,
    /// Whether the mapping names what is not there.
    #[serde(skip)]
    pub(super) is_named_wrongly: bool,
    /// Our columns, one by one.
    pub fields: Vec<FieldCheck>,
    /// Columns of the source that no field reads.
    pub unused_columns: Vec<String>,
}

/// What became of the values of one of our columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldCheck {
    /// Our column.
    pub field: String,
    /// Column of the source, or the constant in quotes.
    pub column: String,
    /// Values read.
    pub read: u64,
    /// Rows without a value.
    pub empty: u64,
    /// Values that break a rule; missing ones too where a value is needed.
    pub refused: u64,
    /// Distinct values read; counted to 100,000.
    pub distinct: u64,
    /// Smallest and largest value, as read.
    pub range: Option<(String, String)>,
    /// The most frequent of few words, with their rows.
    pub words: Vec<(String, u64)>,
    /// What else is to be known.
    pub notes: Vec<String>,
    /// Up to three values that break a rule.
    pub offenders: Vec<Offender>,
}

/// A value that breaks a rule, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offender {
    /// File of the source.
    pub file: String,
    /// Line, row or event, from 1.
    pub row: u64,
    /// The value.
    pub value: String,
    /// The rule.
    pub reason: Reason,
    /// The rule in words.
    pub message: String,
}

impl Offender {
    pub(super) fn of(row: &RejectedRow) -> Self {
        Self {
            file: row.file.clone(),
            row: row.row,
            value: row.value.clone(),
            reason: row.reason,
            message: row.message.clone(),
        }
    }
}

/// Accounts and contacts that each table names.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) accounts: BTreeMap<Table, BTreeMap<String, u64>>,
    pub(super) contacts: BTreeMap<Table, BTreeMap<(String, String), u64>>,
}

/// One of our columns while its values come in.
#[derive(Debug)]
struct Tested {
    field: Field,
    column: String,
    needed: bool,
    read: u64,
    empty: u64,
    refused: u64,
    words: BTreeMap<String, u64>,
    numbers: Option<(f64, f64)>,
    times: Option<(Instant, Instant)>,
    n_with_offset: u64,
    n_midnight: u64,
    offenders: Vec<(Place, Breach)>,
}

/// One value as our column reads it.
enum Value {
    Text(String),
    Number(f64),
    Time(Instant),
}

pub(super) fn check_block(
    exports: Exports<'_>,
    mapping: &Mapping,
    block: &Block,
    ids: &mut Ids,
) -> BlockCheck {
    let mut problems = Vec::new();
    let links = LinkIndex::open_all(exports, mapping, &mut problems);
    let found = Plan::open(exports, mapping, block, &links, &mut problems).is_some();
    let kept = if found { block.clone() } else { without(block, &problems) };
    let plan = Plan::open(exports, mapping, &kept, &links, &mut Vec::new());
    let not_there = |problem: &SourceError| {
        matches!(
            problem,
            SourceError::Missing { .. }
                | SourceError::NoMatch { .. }
                | SourceError::Outside { .. }
                | SourceError::MissingColumn { .. }
        )
    };
    let mut check = BlockCheck {
        table: block.table.name().to_owned(),
        source: block.file.name.clone(),
        rows: 0,
        is_named_wrongly: problems.iter().any(not_there),
        problems: problems.iter().map(ToString::to_string).collect(),
        fields: Vec::new(),
        unused_columns: Vec::new(),
    };
    let Some(plan) = plan else { return check };
    if let Err(problem) = test_rows(mapping, &plan, ids, &mut check) {
        check.problems.push(problem.to_string());
    }
    let unused = plan.source.columns().iter().filter(|name| !plan.uses(name));
    check.unused_columns = unused.cloned().collect();
    check
}

/// The block without the columns that its source lacks.
fn without(block: &Block, problems: &[SourceError]) -> Block {
    let missing: BTreeSet<&str> = problems
        .iter()
        .filter_map(|problem| match problem {
            SourceError::MissingColumn { column, .. } => Some(column.as_str()),
            _ => None,
        })
        .collect();
    let mut kept = block.clone();
    kept.columns.retain(|_, column| !missing.contains(column.as_str()));
    kept.keys
        .values_mut()
        .for_each(|keys| keys.retain(|_, column| !missing.contains(column.as_str())));
    kept.distinct.retain(|column| !missing.contains(column.as_str()));
    kept.filter = kept.filter.filter(|filter| !missing.contains(filter.column.as_str()));
    kept.currency_column = kept.currency_column.filter(|name| !missing.contains(name.as_str()));
    let bad_key = |key: &str| missing.contains(key);
    kept.lookup = kept.lookup.filter(|lookup| {
        !bad_key(&lookup.key) && !lookup.columns.values().any(|column| bad_key(column))
    });
    if let Deduplicate::By { columns, .. } = &kept.deduplicate
        && columns.iter().any(|column| missing.contains(column.as_str()))
    {
        kept.deduplicate = Deduplicate::No;
    }
    kept
}

fn test_rows(
    mapping: &Mapping,
    plan: &Plan<'_>,
    ids: &mut Ids,
    check: &mut BlockCheck,
) -> Result<(), SourceError> {
    let block = plan.block;
    let rules = Assembly::new(mapping);
    let mut tested = fields(block);
    plan.source.for_each(&plan.wanted, |source_row| {
        let place = Place { file: source_row.file, row: source_row.number };
        let Ok(cells) = source_row.cells else { return Ok(()) };
        if !plan.selects(&cells) {
            return Ok(());
        }
        check.rows += 1;
        let Ok(row) = plan.row(&cells) else { return Ok(()) };
        for one in &mut tested {
            one.take(place, row, value(&rules, row, one.field));
            one.note_time(row);
        }
        if let Ok(Some(account)) = row.text(Field::AccountId) {
            if let Ok(Some(contact)) = row.text(Field::ContactId) {
                let contacts = ids.contacts.entry(block.table).or_default();
                *contacts.entry((account.clone(), contact)).or_default() += 1;
            }
            *ids.accounts.entry(block.table).or_default().entry(account).or_default() += 1;
        }
        Ok(())
    })?;
    let files: Vec<String> = plan.source.files().map(|file| file.name.clone()).collect();
    let zone = block.times.calendar.name();
    check.fields = tested.into_iter().map(|one| one.finish(&files, zone)).collect();
    Ok(())
}

/// The fields that anything fills, in the order of our columns.
fn fields(block: &Block) -> Vec<Tested> {
    let lookup = block.lookup.as_ref();
    let column = |field: Field| {
        block
            .columns
            .get(&field)
            .cloned()
            .or_else(|| block.constants.get(&field).map(|value| format!("\"{value}\"")))
            .or_else(|| {
                let lookup = lookup?;
                Some(format!("{} of {}", lookup.columns.get(&field)?, lookup.file.name))
            })
            .or_else(|| {
                let keys: Vec<&str> =
                    block.keys.get(&field)?.values().map(String::as_str).collect();
                Some(keys.join(", else "))
            })
    };
    Field::of(block.table, block.aggregate)
        .iter()
        .filter_map(|&field| {
            Some(Tested {
                field,
                column: column(field)?,
                needed: Field::required(block.table, block.aggregate).contains(&field)
                    || field == Field::Month,
                read: 0,
                empty: 0,
                refused: 0,
                words: BTreeMap::new(),
                numbers: None,
                times: None,
                n_with_offset: 0,
                n_midnight: 0,
                offenders: Vec::new(),
            })
        })
        .collect()
}

/// The value of one field, or the rule that it breaks by itself.
fn value(rules: &Assembly<'_>, row: Row<'_>, field: Field) -> Result<Option<Value>, Breach> {
    Ok(match field {
        _ if field.is_time() => row.instant(field)?.map(Value::Time),
        _ if field.is_number() => row.number(field)?.map(Value::Number),
        Field::Planned | Field::Priority | Field::ResponseExpected => {
            row.flag(field)?.map(|flag| Value::Text(flag.to_string()))
        }
        Field::Stage => row.word::<Stage>(field)?.map(|word| Value::Text(word.to_string())),
        Field::Direction => row.word::<Direction>(field)?.map(|w| Value::Text(w.to_string())),
        Field::Status => row.word::<Status>(field)?.map(|word| Value::Text(word.to_string())),
        Field::Month => match row.text(field)? {
            None => None,
            Some(text) => Some(Value::Text(
                text.parse::<Month>()
                    .map_err(|error| row.breach(field, Reason::NotATime, error.to_string()))?
                    .to_string(),
            )),
        },
        Field::InteractionType => {
            let text = row.text(field)?;
            if text.is_some() {
                rules.kind(row)?;
            }
            text.map(Value::Text)
        }
        _ => row.text(field)?.map(Value::Text),
    })
}

impl Tested {
    fn take(&mut self, place: Place, row: Row<'_>, value: Result<Option<Value>, Breach>) {
        let text = match value {
            Ok(None) => {
                self.empty += 1;
                if self.needed {
                    let message = format!("`{}` is empty", self.field.name());
                    self.refuse(place, row.breach(self.field, Reason::Empty, message));
                }
                return;
            }
            Err(breach) => {
                self.read += 1;
                self.refuse(place, breach);
                return;
            }
            Ok(Some(Value::Text(text))) => text,
            Ok(Some(Value::Number(number))) => {
                let (low, high) = self.numbers.unwrap_or((number, number));
                self.numbers = Some((low.min(number), high.max(number)));
                number.to_string()
            }
            Ok(Some(Value::Time(at))) => {
                let (first, last) = self.times.unwrap_or((at, at));
                self.times = Some((first.min(at), last.max(at)));
                at.to_string()
            }
        };
        self.read += 1;
        if let Some(count) = self.words.get_mut(&text) {
            *count += 1;
        } else if self.words.len() < MOST_DISTINCT {
            self.words.insert(text, 1);
        }
    }

    fn refuse(&mut self, place: Place, breach: Breach) {
        self.refused += 1;
        let new = self.offenders.iter().all(|(_, other)| other.value != breach.value);
        if new && self.offenders.len() < MOST_EXAMPLES {
            self.offenders.push((place, breach));
        }
    }

    /// Notes whether a time says its offset, and whether it has a time of day.
    fn note_time(&mut self, row: Row<'_>) {
        if !self.field.is_time() {
            return;
        }
        let cell = row.cell(self.field);
        let offset = match &cell {
            Cell::Time(_) => true,
            Cell::Text(text) => text.parse::<Instant>().is_ok(),
            _ => false,
        };
        self.n_with_offset += u64::from(offset);
        let midnight = match &cell {
            Cell::Text(text) => !text.contains(':'),
            Cell::Integer(_) => true,
            Cell::Time(micros) | Cell::WallClock(micros) => micros % MICROS_PER_DAY == 0,
            _ => false,
        };
        self.n_midnight += u64::from(midnight);
    }

    fn finish(self, files: &[String], zone: &str) -> FieldCheck {
        let distinct = self.words.len() as u64;
        let is_word = self.numbers.is_none() && self.times.is_none();
        let range = match (self.numbers, self.times) {
            (Some((low, high)), _) => Some((low.to_string(), high.to_string())),
            (_, Some((first, last))) => Some((first.to_string(), last.to_string())),
            _ => {
                let ends = self.words.keys().next().zip(self.words.keys().next_back());
                ends.map(|(first, last)| (first.clone(), last.clone()))
            }
        };
        let mut notes = Vec::new();
        if self.times.is_some() {
            let without = self.read.saturating_sub(self.n_with_offset + self.refused);
            let days_only = self.n_midnight >= self.read;
            if days_only {
                notes.push(format!("no time of day: each counts from midnight in {zone}"));
            } else if without > 0 {
                notes.push(format!("{without} times without offset are read in {zone}"));
            }
            if self.n_with_offset > 0 {
                notes.push(format!("{} times say their own offset", self.n_with_offset));
            }
        }
        let mut words = Vec::new();
        if is_word && distinct <= 50 && self.read >= 2 * distinct {
            words = self.words.into_iter().collect();
            words.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            words.truncate(MOST_WORDS);
        }
        FieldCheck {
            field: self.field.name().to_owned(),
            column: self.column,
            read: self.read,
            empty: self.empty,
            refused: self.refused,
            distinct,
            range,
            words,
            notes,
            offenders: self
                .offenders
                .into_iter()
                .map(|(place, breach)| Offender {
                    file: files[place.file].clone(),
                    row: place.row,
                    value: breach.value,
                    reason: breach.reason,
                    message: breach.message,
                })
                .collect(),
        }
    }
}
