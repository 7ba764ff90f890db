//! `mapping.toml` as written, and the checks that turn it into a [`Mapping`].

mod links;
mod sources;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::cell::{NumberReader, TimeReader};
use super::field::Field;
use super::mapping::{Block, Deduplicate, Filter, Keep, Lookup, Mapping};
use super::query;
use crate::diagnostic::{Problems, nearest};
use crate::flow::Catalogue;
use crate::ids::TypeNames;
use crate::interaction::Table;
use crate::time::{Calendar, Instant};
use links::WireLinks;
use sources::{stays_inside, texts};

/// Share of rejected rows that a source may have when the mapping does not say.
const DEFAULT_MAX_REJECTED: f64 = 0.01;

type Words = BTreeMap<Spanned<String>, Spanned<String>>;

/// The mapping as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    name: String,
    description: String,
    time_zone: Spanned<String>,
    currency: String,
    catalogue: Spanned<String>,
    max_rejected: Option<Spanned<f64>>,
    data_start: Option<Spanned<Value>>,
    data_end: Option<Spanned<Value>>,
    #[serde(default)]
    unlisted_accounts: Unlisted,
    /// Sources that `sql` names.
    #[serde(default)]
    sources: BTreeMap<Spanned<String>, Spanned<Value>>,
    /// Keys of several systems that name one account or contact.
    #[serde(default)]
    links: BTreeMap<Spanned<String>, WireLinks>,
    #[serde(default)]
    accounts: Vec<WireBlock>,
    #[serde(default)]
    contacts: Vec<WireBlock>,
    #[serde(default)]
    interactions: Vec<WireBlock>,
    #[serde(default)]
    outcomes: Vec<WireBlock>,
    #[serde(default)]
    surveys: Vec<WireBlock>,
}

/// What happens to accounts that no accounts row names.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unlisted {
    #[default]
    Reject,
    Add,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Aggregate {
    Month,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireBlock {
    source: Option<Spanned<Value>>,
    sql: Option<Spanned<String>>,
    #[serde(default)]
    columns: Words,
    #[serde(default)]
    constants: BTreeMap<Spanned<String>, Spanned<Value>>,
    #[serde(default)]
    values: BTreeMap<Spanned<String>, BTreeMap<String, Spanned<String>>>,
    lookup: Option<WireLookup>,
    #[serde(default)]
    keys: BTreeMap<Spanned<String>, Words>,
    #[serde(rename = "where")]
    filter: Option<WireFilter>,
    distinct: Option<Spanned<Vec<String>>>,
    aggregate: Option<Spanned<Aggregate>>,
    deduplicate: Option<Spanned<Value>>,
    currency_column: Option<String>,
    delimiter: Option<Spanned<String>>,
    decimal: Option<Spanned<String>>,
    thousands: Option<Spanned<String>>,
    time_zone: Option<Spanned<String>>,
    time_format: Option<Spanned<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDeduplicate {
    by: Vec<String>,
    keep: Keep,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLookup {
    source: Spanned<Value>,
    key: String,
    columns: Words,
    delimiter: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFilter {
    column: String,
    equals: Spanned<Value>,
}

/// Path of the catalogue, relative to the mapping; `None` when it leaves the mapping's folder.
pub(super) fn catalogue<'w>(
    wire: &'w Wire,
    problems: &mut Problems,
    source: usize,
) -> Option<&'w str> {
    let name = wire.catalogue.get_ref();
    if stays_inside(name) {
        return Some(name);
    }
    let message = format!("`{name}` leaves the folder of the mapping");
    problems.add(source, wire.catalogue.span(), message, None);
    None
}

/// The checked mapping, or all problems of its only source, the first of `problems`.
pub(super) fn mapping(
    wire: Wire,
    problems: Problems,
    text: String,
    catalogue: Catalogue,
) -> Result<Mapping, Problems> {
    let types = catalogue.entries().iter().map(|entry| entry.interaction_type.as_str()).collect();
    let mut check = Check {
        problems,
        source: 0,
        types,
        precedences: BTreeMap::new(),
        database_queries: BTreeMap::new(),
    };
    let mapping = check.mapping(wire, text, catalogue);
    check.problems.into_result(mapping)
}

/// Turns the mapping as written into the checked one, noting every problem.
struct Check {
    problems: Problems,
    source: usize,
    types: TypeNames,
    /// Keys of linked fields, strongest first.
    precedences: BTreeMap<Field, Vec<String>>,
    /// Numbers of the queries in databases, by variable and text.
    database_queries: BTreeMap<(String, String), usize>,
}

impl Check {
    fn add(&mut self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.problems.add(self.source, span, message, help);
    }

    fn mapping(&mut self, wire: Wire, text: String, catalogue: Catalogue) -> Mapping {
        let calendar = self.calendar(&wire.time_zone);
        let data_start = wire.data_start.and_then(|at| self.bound(&at, calendar));
        let end_span = wire.data_end.as_ref().map(Spanned::span);
        let data_end = wire.data_end.and_then(|at| self.bound(&at, calendar));
        if let (Some(start), Some(end), Some(span)) = (data_start, data_end, end_span.clone())
            && end <= start
        {
            self.add(span, "`data_end` is not after `data_start`", None);
        }
        let max_rejected = self.share(wire.max_rejected);
        let queries: Vec<&str> =
            [&wire.accounts, &wire.contacts, &wire.interactions, &wire.outcomes, &wire.surveys]
                .into_iter()
                .flatten()
                .filter_map(|block| block.sql.as_ref().map(|sql| sql.get_ref().as_str()))
                .collect();
        for name in wire.sources.keys() {
            if !queries.iter().any(|sql| query::is_named(sql, name.get_ref())) {
                let message = format!("`{}` is named by no `sql`", name.get_ref());
                self.add(name.span(), message, None);
            }
        }
        let sources = self.named_sources(wire.sources);
        let links = self.links(wire.links);
        self.precedences =
            links.iter().map(|(&field, links)| (field, links.precedence.clone())).collect();
        let mut blocks = Vec::new();
        let mut queries = 0;
        for (table, wires) in [
            (Table::Accounts, wire.accounts),
            (Table::Contacts, wire.contacts),
            (Table::Interactions, wire.interactions),
            (Table::Outcomes, wire.outcomes),
            (Table::Surveys, wire.surveys),
        ] {
            for block in wires {
                if let Some(aggregate) = &block.aggregate {
                    self.whole_months(aggregate.span(), [data_start, data_end], calendar);
                }
                queries += usize::from(block.sql.is_some());
                blocks.push(self.block(table, block, calendar, queries));
            }
        }
        if !blocks.iter().any(|block| block.table == Table::Interactions) {
            self.add(0..0, "no `[[interactions]]` block: there is nothing to score", None);
        }
        let outcomes = || blocks.iter().filter(|block| block.table == Table::Outcomes);
        if outcomes().any(|block| block.aggregate) && !outcomes().all(|block| block.aggregate) {
            self.add(0..0, "some `[[outcomes]]` are summed by month and some are not", None);
        }
        Mapping {
            name: wire.name,
            description: wire.description,
            currency: wire.currency,
            calendar,
            data_start,
            data_end,
            max_rejected,
            add_unlisted_accounts: wire.unlisted_accounts == Unlisted::Add,
            path: PathBuf::new(),
            text,
            catalogue_path: PathBuf::new(),
            catalogue,
            types: self.types.clone(),
            blocks,
            links,
            sources,
            given: Vec::new(),
        }
    }

    fn whole_months(
        &mut self,
        span: Range<usize>,
        bounds: [Option<Instant>; 2],
        calendar: Calendar,
    ) {
        let whole = |bound: Option<Instant>| {
            bound.is_some_and(|at| calendar.start_of(calendar.month_of(at)) == at)
        };
        if !bounds.into_iter().all(whole) {
            self.add(
                span,
                "`aggregate` needs `data_start` and `data_end` at the start of a month",
                Some(
                    "months without rows count as 0 between them, so state which months the log \
                     covers completely, as in `data_start = \"2024-01-01\"` and \
                     `data_end = \"2026-01-01\"`"
                        .to_owned(),
                ),
            );
        }
    }

    fn calendar(&mut self, zone: &Spanned<String>) -> Calendar {
        Calendar::new(zone.get_ref()).unwrap_or_else(|error| {
            self.add(zone.span(), error.to_string(), None);
            Calendar::UTC
        })
    }

    fn bound(&mut self, value: &Spanned<Value>, calendar: Calendar) -> Option<Instant> {
        let text = scalar(value.get_ref()).unwrap_or_default();
        calendar.parse(&text).map_err(|error| self.add(value.span(), error.to_string(), None)).ok()
    }

    fn share(&mut self, share: Option<Spanned<f64>>) -> f64 {
        let Some(share) = share else { return DEFAULT_MAX_REJECTED };
        if !(0.0..=1.0).contains(share.get_ref()) {
            let message = format!("`max_rejected` is {}, expected 0 to 1", share.get_ref());
            self.add(share.span(), message, None);
        }
        share.into_inner()
    }

    fn deduplicate(&mut self, wire: Option<Spanned<Value>>) -> Deduplicate {
        let Some(wire) = wire else { return Deduplicate::No };
        let span = wire.span();
        match wire.into_inner() {
            Value::Boolean(false) => Deduplicate::No,
            Value::Boolean(true) => Deduplicate::Equal,
            value => match value.try_into::<WireDeduplicate>() {
                Ok(wire) if !wire.by.is_empty() => {
                    Deduplicate::By { columns: wire.by, keep: wire.keep }
                }
                _ => {
                    let help = "as in `deduplicate = { by = [\"Activity ID\"], keep = \"first\" }` \
                                or `keep = \"last\"`; `true` means rows that are equal";
                    self.add(span, "`deduplicate` is no rule", Some(help.to_owned()));
                    Deduplicate::No
                }
            },
        }
    }

    /// How the block writes numbers.
    fn numbers(
        &mut self,
        decimal: Option<&Spanned<String>>,
        thousands: Option<&Spanned<String>>,
    ) -> NumberReader {
        let mut sign = |key: &str, wire: Option<&Spanned<String>>, allowed: &[char]| {
            let wire = wire?;
            let mut signs = wire.get_ref().chars();
            let sign = signs.next().filter(|sign| signs.next().is_none() && allowed.contains(sign));
            if sign.is_none() {
                let message = format!("`{key}` is `{}`", wire.get_ref());
                let allowed: Vec<String> = allowed.iter().map(|sign| format!("`{sign}`")).collect();
                let help = format!("one of {}", allowed.join(", "));
                self.add(wire.span(), message, Some(help));
            }
            sign
        };
        let reader = NumberReader {
            decimal: sign("decimal", decimal, &['.', ',']).unwrap_or('.'),
            thousands: sign("thousands", thousands, &['.', ',', '\'', ' ', '\u{a0}', '\u{202f}']),
        };
        if let Some(wire) = thousands.filter(|_| reader.thousands == Some(reader.decimal)) {
            let message = format!("`{}` is the decimal sign too", reader.decimal);
            self.add(wire.span(), message, None);
        }
        reader
    }

    fn block(&mut self, table: Table, wire: WireBlock, calendar: Calendar, number: usize) -> Block {
        let aggregate = wire.aggregate.is_some();
        if let Some(key) = wire.aggregate.as_ref().filter(|_| table != Table::Outcomes) {
            self.add(key.span(), format!("`aggregate` belongs to outcomes, not {table}"), None);
        }
        if let Some(key) = wire.distinct.as_ref().filter(|_| table != Table::Interactions) {
            self.add(key.span(), format!("`distinct` belongs to interactions, not {table}"), None);
        }
        let aggregated = aggregate && table == Table::Outcomes;
        let (file, span) = self.origin(&wire, table, number);
        let columns = self.columns(wire.columns, table, aggregated);
        let lookup = wire.lookup.map(|lookup| Lookup {
            file: self.file(&lookup.source, lookup.delimiter.as_ref()),
            key: lookup.key,
            columns: self.columns(lookup.columns, table, aggregated),
        });
        let keys = self.keys(wire.keys, table, aggregated);
        let mut constants = BTreeMap::new();
        for (name, value) in wire.constants {
            let Some(field) = self.field(&name, table, aggregated) else { continue };
            match scalar(value.get_ref()) {
                Some(text) => {
                    self.interaction_type(field, &text, value.span());
                    constants.insert(field, text);
                }
                None => self.add(value.span(), "a constant is a text, number or date", None),
            }
        }
        let values = self.values(wire.values, table, aggregated);
        let block = Block {
            table,
            file,
            query: wire.sql.map(Spanned::into_inner),
            columns,
            constants,
            values,
            lookup,
            keys,
            filter: wire.filter.and_then(|filter| self.filter(filter)),
            distinct: wire.distinct.map(Spanned::into_inner).unwrap_or_default(),
            aggregate,
            deduplicate: self.deduplicate(wire.deduplicate),
            currency_column: wire.currency_column,
            times: TimeReader {
                calendar: wire.time_zone.map_or(calendar, |zone| self.calendar(&zone)),
                formats: wire.time_format.map_or_else(Vec::new, |format| self.formats(&format)),
            },
            numbers: self.numbers(wire.decimal.as_ref(), wire.thousands.as_ref()),
        };
        self.origins(&block, aggregated, &span);
        block
    }

    fn field(&mut self, name: &Spanned<String>, table: Table, aggregated: bool) -> Option<Field> {
        Field::find(name.get_ref(), table, aggregated)
            .map_err(|near| {
                let help = near.map_or_else(
                    || {
                        let known: Vec<&str> =
                            Field::of(table, aggregated).iter().map(|f| f.name()).collect();
                        format!("known here: {}", known.join(", "))
                    },
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("`{}` is not a column of {table}", name.get_ref());
                self.add(name.span(), message, Some(help));
            })
            .ok()
    }

    fn columns(&mut self, words: Words, table: Table, aggregated: bool) -> BTreeMap<Field, String> {
        words
            .into_iter()
            .filter_map(|(name, column)| {
                Some((self.field(&name, table, aggregated)?, column.into_inner()))
            })
            .collect()
    }

    fn values(
        &mut self,
        wire: BTreeMap<Spanned<String>, BTreeMap<String, Spanned<String>>>,
        table: Table,
        aggregated: bool,
    ) -> BTreeMap<Field, BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        for (name, words) in wire {
            let Some(field) = self.field(&name, table, aggregated) else { continue };
            if !field.is_text() {
                let message = format!("`{}` holds numbers or times, not words", field.name());
                self.add(name.span(), message, None);
            }
            for word in words.values() {
                self.interaction_type(field, word.get_ref(), word.span());
            }
            values.insert(
                field,
                words.into_iter().map(|(from, to)| (from, to.into_inner())).collect(),
            );
        }
        values
    }

    /// A name in the mapping that must be in the catalogue.
    fn interaction_type(&mut self, field: Field, name: &str, span: Range<usize>) {
        if field == Field::InteractionType && self.types.get(name).is_none() {
            let near = nearest(name, self.types.iter());
            let help = near.map(|near| format!("did you mean `{near}`?"));
            self.add(span, format!("`{name}` is not in the catalogue"), help);
        }
    }

    fn filter(&mut self, filter: WireFilter) -> Option<Filter> {
        let equals = match filter.equals.get_ref() {
            Value::Array(all) => all.iter().map(scalar).collect::<Option<Vec<String>>>(),
            one => scalar(one).map(|text| vec![text]),
        };
        if equals.is_none() {
            self.add(filter.equals.span(), "`equals` is a value or a list of values", None);
        }
        Some(Filter { column: filter.column, equals: equals? })
    }

    /// One time pattern or a list of them.
    fn formats(&mut self, wire: &Spanned<Value>) -> Vec<String> {
        let formats = texts(wire.get_ref()).unwrap_or_default();
        let wrong = |format: &&String| {
            chrono::format::StrftimeItems::new(format)
                .any(|item| matches!(item, chrono::format::Item::Error))
        };
        let message = match formats.iter().find(wrong) {
            Some(format) => format!("`{format}` is not a time pattern"),
            None if formats.is_empty() => "`time_format` names no time pattern".to_owned(),
            None if formats.iter().any(|format| format.contains("%Z")) => {
                "`%Z` is a zone in letters, of which the offset is not known".to_owned()
            }
            None => return formats,
        };
        self.add(wire.span(), message, Some("write it as in `%d/%m/%Y %H:%M`".to_owned()));
        Vec::new()
    }

    /// Every needed column is filled, and none twice.
    fn origins(&mut self, block: &Block, aggregated: bool, span: &Range<usize>) {
        let sources = |field: Field| {
            usize::from(block.columns.contains_key(&field))
                + usize::from(block.constants.contains_key(&field))
                + usize::from(
                    block.lookup.as_ref().is_some_and(|lookup| lookup.columns.contains_key(&field)),
                )
                + usize::from(block.keys.contains_key(&field))
        };
        for &field in Field::of(block.table, aggregated) {
            if sources(field) > 1 {
                let message = format!(
                    "`{}` of {} is filled twice: by `columns`, `constants`, `lookup` or `keys`",
                    field.name(),
                    block.table
                );
                self.add(span.clone(), message, None);
            }
        }
        if block.query.is_some() {
            // Its columns are known when it is answered.
            return;
        }
        for name in block.unfilled(aggregated) {
            let message = format!("{} need `{name}`", block.table);
            let help = format!("add it to `columns`, as in `{name} = \"…\"`");
            self.add(span.clone(), message, Some(help));
        }
        if block.table == Table::Outcomes && !aggregated {
            let whole = sources(Field::PeriodStart) == 1 && sources(Field::PeriodEnd) == 1;
            let parts = sources(Field::PeriodStart) + sources(Field::PeriodEnd);
            if (sources(Field::Month) == 1) == whole || (!whole && parts > 0) {
                self.add(
                    span.clone(),
                    "outcomes need either `month` or both `period_start` and `period_end`",
                    Some("dated amounts are summed with `aggregate = \"month\"`".to_owned()),
                );
            }
        }
    }
}

/// A single value as the text a source would hold.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Datetime(time) => Some(time.to_string()),
        Value::Array(_) | Value::Table(_) => None,
    }
}
