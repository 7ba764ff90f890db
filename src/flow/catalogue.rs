//! The catalogue file: one row per interaction type, further rows override it for a segment.

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

use chrono::NaiveDate;

use super::table::{self, Cell, Row};
use super::{Catalogue, CatalogueEntry, Worth};
use crate::diagnostic::{Problems, nearest};
use crate::interaction::{Direction, Failure, Stage};

/// Columns in the order of the built-in catalogue; the constants are positions in this list.
const COLUMNS: [&str; 20] = [
    "interaction_type",
    "segment_id",
    "stage",
    "function",
    "direction",
    "rv",
    "rv_sd",
    "variable_cost",
    "cost_sd",
    "customer_effort",
    "emotional",
    "critical",
    "transactional",
    "trigger_to",
    "is_voc",
    "expected_within_days",
    "version",
    "valid_from",
    "failure",
    "recovery",
];
const TYPE: usize = 0;
const SEGMENT: usize = 1;
const STAGE: usize = 2;
const FUNCTION: usize = 3;
const DIRECTION: usize = 4;
const RV: usize = 5;
const RV_SD: usize = 6;
const COST: usize = 7;
const COST_SD: usize = 8;
const EFFORT: usize = 9;
const EMOTIONAL: usize = 10;
const CRITICAL: usize = 11;
const TRANSACTIONAL: usize = 12;
const TRIGGER: usize = 13;
const VOC: usize = 14;
const WITHIN: usize = 15;
const VERSION: usize = 16;
const VALID_FROM: usize = 17;
const FAILURE: usize = 18;
const RECOVERY: usize = 19;

/// The columns in which an override may differ from its base row.
const OVERRIDABLE: [usize; 5] = [SEGMENT, RV, RV_SD, COST, COST_SD];

/// Positions of types are 16-bit numbers.
const MOST_TYPES: usize = u16::MAX as usize;

impl Catalogue {
    /// The catalogue as a CSV file that [`load`](Self::load) reads back as the same catalogue.
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |row: &[String]| writer.write_record(row).expect("writing to memory");
        write(&COLUMNS.map(str::to_owned));
        for entry in self.entries() {
            write(&self.record(entry, "", entry.worth));
            for (segment, worth) in &entry.overrides {
                write(&self.record(entry, segment, *worth));
            }
        }
        let bytes = writer.into_inner().expect("flushing to memory");
        String::from_utf8(bytes).expect("written from text")
    }

    fn record(&self, entry: &CatalogueEntry, segment: &str, worth: Worth) -> Vec<String> {
        let optional = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let mut row = vec![String::new(); COLUMNS.len()];
        row[TYPE].clone_from(&entry.interaction_type);
        segment.clone_into(&mut row[SEGMENT]);
        row[STAGE] = entry.stage.to_string();
        row[FUNCTION].clone_from(&entry.function);
        row[DIRECTION] = entry.direction.to_string();
        row[RV] = worth.rv.to_string();
        row[RV_SD] = optional(worth.rv_sd);
        row[COST] = worth.variable_cost.to_string();
        row[COST_SD] = optional(worth.cost_sd);
        row[EFFORT] = entry.customer_effort.to_string();
        row[EMOTIONAL] = entry.emotional.to_string();
        row[CRITICAL] = entry.critical.to_string();
        row[TRANSACTIONAL] = entry.transactional.to_string();
        row[TRIGGER] = entry.trigger_to.clone().unwrap_or_default();
        row[VOC] = entry.is_voc.to_string();
        row[WITHIN] = optional(entry.expected_within_days);
        self.version().clone_into(&mut row[VERSION]);
        row[FAILURE] = entry.failure.map_or(String::new(), |failure| failure.to_string());
        row[RECOVERY] = entry.recovery.to_string();
        row
    }
}

/// A catalogue and where its values stand.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) catalogue: Catalogue,
    /// By position of the type: the cell of `trigger_to`, where there is one.
    pub(super) triggers: Vec<Option<Range<usize>>>,
}

/// Reads and checks the catalogue at position `source`; what is wrong becomes a problem.
pub(super) fn parse(problems: &mut Problems, source: usize) -> Parsed {
    let rows = table::read(problems, source, &COLUMNS, &["interaction_type", "rv"]);
    let mut reader = Reader { problems, source };
    let version = reader.version(&rows);
    let (overrides, bases): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.get(SEGMENT).is_some());
    let mut entries: Vec<CatalogueEntry> = Vec::with_capacity(bases.len());
    let mut first: BTreeMap<String, (usize, &Row)> = BTreeMap::new();
    let mut triggers = Vec::with_capacity(bases.len());
    for row in bases {
        let Some(name) = reader.name(row) else { continue };
        if first.contains_key(&name.text) {
            let message = format!("type `{}` occurs twice", name.text);
            let help = "remove one row, or give it a `segment_id` to make it an override";
            reader.add(name.span.clone(), message, Some(help.to_owned()));
            continue;
        }
        first.insert(name.text.clone(), (entries.len(), row));
        entries.push(reader.entry(row, &name.text));
        triggers.push(row.get(TRIGGER).map(|cell| cell.span.clone()));
    }
    if entries.len() > MOST_TYPES {
        let message =
            format!("catalogue has {} types, expected at most {MOST_TYPES}", entries.len());
        reader.add(0..0, message, None);
    }
    for row in overrides {
        reader.override_of(&mut entries, &first, row);
    }
    for entry in &mut entries {
        entry.overrides.sort_by(|a, b| a.0.cmp(&b.0));
    }
    Parsed { catalogue: Catalogue { version, entries }, triggers }
}

/// What numbers a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domain {
    Finite,
    NotNegative,
    Positive,
}

struct Reader<'a> {
    problems: &'a mut Problems,
    source: usize,
}

impl Reader<'_> {
    fn add(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.problems.add(self.source, span, message, help);
    }

    fn name<'r>(&mut self, row: &'r Row) -> Option<&'r Cell> {
        let name = row.get(TYPE);
        if name.is_none() {
            self.add(row.span.clone(), "`interaction_type` is empty".to_owned(), None);
        }
        name
    }

    fn version(&mut self, rows: &[Row]) -> String {
        let mut cells = rows.iter().filter_map(|row| row.get(VERSION));
        let Some(first) = cells.next() else { return String::new() };
        for cell in cells {
            if cell.text != first.text {
                let message = format!("`version` is `{}`, expected `{}`", cell.text, first.text);
                let help = "one file holds one version of the catalogue".to_owned();
                self.add(cell.span.clone(), message, Some(help));
            }
        }
        first.text.clone()
    }

    fn entry(&mut self, row: &Row, name: &str) -> CatalogueEntry {
        if row.get(RV).is_none() {
            self.add(row.span.clone(), format!("`rv` of `{name}` is empty"), None);
        }
        self.date(row);
        let critical = self.flag(row, CRITICAL);
        let none = Worth { rv: 0.0, rv_sd: None, variable_cost: 0.0, cost_sd: None };
        CatalogueEntry {
            interaction_type: name.to_owned(),
            stage: self.word(row, STAGE).unwrap_or(Stage::Retention),
            function: text(row, FUNCTION).unwrap_or_default(),
            direction: self.word(row, DIRECTION).unwrap_or(Direction::Outbound),
            worth: self.worth(row, none, critical),
            overrides: Vec::new(),
            customer_effort: self.number(row, EFFORT, Domain::NotNegative).unwrap_or(0.0),
            emotional: self.flag(row, EMOTIONAL),
            critical,
            transactional: self.flag(row, TRANSACTIONAL),
            trigger_to: text(row, TRIGGER),
            is_voc: self.flag(row, VOC),
            expected_within_days: self.number(row, WITHIN, Domain::Positive),
            failure: self.failure(row, critical),
            recovery: self.flag(row, RECOVERY),
        }
    }

    /// What a critical type fails in: the product unless the row says otherwise.
    fn failure(&mut self, row: &Row, critical: bool) -> Option<Failure> {
        let written = self.word(row, FAILURE);
        if let (false, Some(_), Some(cell)) = (critical, written, row.get(FAILURE)) {
            let message = "`failure` is set for a type that is not `critical`".to_owned();
            self.add(cell.span.clone(), message, None);
        }
        critical.then(|| written.unwrap_or(Failure::Product))
    }

    /// The values of `row`, those of `base` where a cell is empty.
    fn worth(&mut self, row: &Row, base: Worth, critical: bool) -> Worth {
        let rv = self.number(row, RV, Domain::Finite);
        if let (true, Some(rv), Some(cell)) = (critical, rv, row.get(RV))
            && rv >= 0.0
        {
            let message = format!("`rv` of a critical type is {rv}, expected a negative number");
            self.add(cell.span.clone(), message, None);
        }
        Worth {
            rv: rv.unwrap_or(base.rv),
            rv_sd: self.number(row, RV_SD, Domain::NotNegative).or(base.rv_sd),
            variable_cost: self
                .number(row, COST, Domain::NotNegative)
                .unwrap_or(base.variable_cost),
            cost_sd: self.number(row, COST_SD, Domain::NotNegative).or(base.cost_sd),
        }
    }

    fn override_of(
        &mut self,
        entries: &mut [CatalogueEntry],
        first: &BTreeMap<String, (usize, &Row)>,
        row: &Row,
    ) {
        let (Some(name), Some(segment)) = (self.name(row), row.get(SEGMENT)) else { return };
        let Some(&(position, base)) = first.get(&name.text) else {
            let message = format!("override of `{}` has no base row", name.text);
            let help = match nearest(&name.text, first.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add a row of this type without `segment_id`".to_owned(),
            };
            self.add(name.span.clone(), message, Some(help));
            return;
        };
        for column in (0..COLUMNS.len()).filter(|column| !OVERRIDABLE.contains(column)) {
            let Some(cell) = row.get(column) else { continue };
            let expected = base.get(column).map_or("", |cell| cell.text.as_str());
            if cell.text != expected {
                let message = format!(
                    "`{}` of an override is `{}`, expected `{expected}` as in its base row",
                    COLUMNS[column], cell.text,
                );
                let help = "only `rv`, `rv_sd`, `variable_cost` and `cost_sd` may differ";
                self.add(cell.span.clone(), message, Some(help.to_owned()));
            }
        }
        let entry = &mut entries[position];
        if entry.overrides.iter().any(|(id, _)| *id == segment.text) {
            let message = format!("`{}` is overridden twice for `{}`", name.text, segment.text);
            self.add(segment.span.clone(), message, None);
            return;
        }
        let worth = self.worth(row, entry.worth, entry.critical);
        entry.overrides.push((segment.text.clone(), worth));
    }

    fn number(&mut self, row: &Row, column: usize, domain: Domain) -> Option<f64> {
        let cell = row.get(column)?;
        let number = cell.text.parse::<f64>().ok().filter(|value| value.is_finite());
        let (allowed, expected) = match domain {
            Domain::Finite => (number.is_some(), "a finite number"),
            Domain::NotNegative => {
                (number.is_some_and(|value| value >= 0.0), "a finite number of at least 0")
            }
            Domain::Positive => {
                (number.is_some_and(|value| value > 0.0), "a finite number above 0")
            }
        };
        if allowed {
            return number;
        }
        let message = format!("`{}` is `{}`, expected {expected}", COLUMNS[column], cell.text);
        self.add(cell.span.clone(), message, None);
        None
    }

    fn flag(&mut self, row: &Row, column: usize) -> bool {
        let Some(cell) = row.get(column) else { return false };
        match cell.text.as_str() {
            "true" => true,
            "false" => false,
            other => {
                let name = COLUMNS[column];
                let message = format!("`{name}` is `{other}`, expected `true` or `false`");
                self.add(cell.span.clone(), message, None);
                false
            }
        }
    }

    fn word<T: FromStr<Err: std::fmt::Display>>(&mut self, row: &Row, column: usize) -> Option<T> {
        let cell = row.get(column)?;
        match cell.text.parse() {
            Ok(word) => Some(word),
            Err(error) => {
                let message = format!("`{}`: {error}", COLUMNS[column]);
                self.add(cell.span.clone(), message, None);
                None
            }
        }
    }

    fn date(&mut self, row: &Row) {
        let Some(cell) = row.get(VALID_FROM) else { return };
        if NaiveDate::parse_from_str(&cell.text, "%Y-%m-%d").is_err() {
            let message = format!("`valid_from` is `{}`, expected `YYYY-MM-DD`", cell.text);
            self.add(cell.span.clone(), message, None);
        }
    }
}

fn text(row: &Row, column: usize) -> Option<String> {
    row.get(column).map(|cell| cell.text.clone())
}
