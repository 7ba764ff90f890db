//! The data map: which interactions of the catalogue have data, from which system, since when, for
//! how many accounts, and where a part of the firm falls silent.
//!
//! It tells what was recorded, not what happened: a gap may be a touch that nobody makes or one that
//! nobody writes down, and nothing here can tell the two apart.

mod gaps;
mod silence;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::gaps::{Gap, GapParams, PriorityRule, gaps, gaps_csv, gaps_mapping};
pub use self::silence::{Silence, SilenceKind, SilenceParams};
use crate::flow::Catalogue;
use crate::ids::TypeNames;
use crate::interaction::{AccountHistory, Interaction};
use crate::time::{Calendar, Instant, Month};

/// What stands where the log names no function or system.
pub const UNNAMED: &str = "(not named)";

/// The data map of one log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataMapFigures {
    /// First month, `YYYY-MM`.
    pub first_month: String,
    /// Accounts that were there in each month: entered, and not left before it began.
    pub active: Vec<u64>,
    /// Every type of the catalogue, in its order.
    pub types: Vec<TypeCoverage>,
    /// Functions by name, with their share of active accounts by month.
    pub functions: Vec<StreamCoverage>,
    /// Source systems by name.
    pub systems: Vec<StreamCoverage>,
    /// Accounts.
    pub n_accounts: u64,
    /// Accounts with an interaction.
    pub n_accounts_seen: u64,
    /// Contacts.
    pub n_contacts: u64,
    /// Contacts with an interaction.
    pub n_contacts_seen: u64,
    /// Functions and systems that stop, start or pause abruptly.
    pub silences: Vec<Silence>,
}

/// What the log has of one interaction type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypeCoverage {
    /// Interaction type.
    pub interaction_type: String,
    /// Function that carries it out, as the catalogue says.
    pub function: String,
    /// Stage, as the catalogue says.
    pub stage: String,
    /// Rows in the log; 0 is a gap.
    pub rows: u64,
    /// Source systems and their rows.
    pub systems: Vec<(String, u64)>,
    /// Earliest row, RFC 3339.
    pub first_at: Option<String>,
    /// Latest row, RFC 3339.
    pub last_at: Option<String>,
    /// Accounts with a row.
    pub n_accounts: u64,
    /// Contacts with a row.
    pub n_contacts: u64,
}

/// What the log has of one function or source system, month by month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamCoverage {
    /// Name; `(not named)` where the log has none.
    pub name: String,
    /// Rows in each month.
    pub rows: Vec<u64>,
    /// Share of the active accounts with a row, in `[0, 1]`, in each month; absent without accounts.
    pub coverage: Vec<Option<f64>>,
}

/// Takes accounts one by one and maps what their logs hold.
#[derive(Debug)]
pub struct DataMap {
    calendar: Calendar,
    first: Month,
    /// Start and end of each month.
    bounds: Vec<(Instant, Instant)>,
    silence: SilenceParams,
    names: Vec<String>,
    functions_of: Vec<String>,
    stages_of: Vec<String>,
    active: Vec<u64>,
    types: Vec<Seen>,
    functions: BTreeMap<String, Stream>,
    systems: BTreeMap<String, Stream>,
    n_accounts: u64,
    n_accounts_seen: u64,
    n_contacts: u64,
    n_contacts_seen: u64,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    rows: u64,
    systems: BTreeMap<String, u64>,
    first: Option<Instant>,
    last: Option<Instant>,
    n_accounts: u64,
    n_contacts: u64,
}

/// Rows of one function or system, and accounts with one, by month.
#[derive(Debug, Clone, Default)]
struct Stream {
    rows: Vec<u64>,
    accounts: Vec<u64>,
}

impl DataMap {
    /// Nothing yet; `(first, months)` is the span, `types` the names that rows refer to.
    pub fn new(
        catalogue: &Catalogue,
        types: &TypeNames,
        calendar: Calendar,
        (first, months): (Month, u32),
        silence: SilenceParams,
    ) -> Self {
        let of = |month: u32| first.plus(month as i32);
        let bounds: Vec<(Instant, Instant)> =
            (0..months).map(|m| (calendar.start_of(of(m)), calendar.end_of(of(m)))).collect();
        let entry =
            |name: &str| catalogue.entries().iter().find(|entry| entry.interaction_type == name);
        let names: Vec<String> = types.iter().map(str::to_owned).collect();
        let function = |name: &String| {
            let function = entry(name).map(|entry| entry.function.clone());
            function.filter(|name| !name.is_empty()).unwrap_or_else(|| UNNAMED.to_owned())
        };
        let stage = |name: &String| entry(name).map_or_else(String::new, |e| e.stage.to_string());
        Self {
            calendar,
            first,
            silence,
            functions_of: names.iter().map(function).collect(),
            stages_of: names.iter().map(stage).collect(),
            types: vec![Seen::default(); names.len()],
            names,
            active: vec![0; bounds.len()],
            bounds,
            functions: BTreeMap::new(),
            systems: BTreeMap::new(),
            n_accounts: 0,
            n_accounts_seen: 0,
            n_contacts: 0,
            n_contacts_seen: 0,
        }
    }

    /// Takes one account.
    pub fn add(&mut self, history: &AccountHistory) {
        self.n_accounts += 1;
        self.n_contacts += history.contacts.len() as u64;
        let account = &history.account;
        for ((start, end), active) in self.bounds.iter().zip(&mut self.active) {
            let there = account.entered_at < *end && account.exited_at.is_none_or(|at| at > *start);
            *active += u64::from(there);
        }
        let mut types = BTreeSet::new();
        let mut contacts = BTreeSet::new();
        let mut streams: BTreeSet<(bool, String, usize)> = BTreeSet::new();
        for row in &history.interactions {
            self.take(row);
            types.insert(row.kind);
            contacts.extend(row.contact.map(|contact| (row.kind, contact)));
            if let Some(month) = self.month(row.occurred_at) {
                streams.insert((true, self.function(row).to_owned(), month));
                streams.insert((false, system(row).to_owned(), month));
            }
        }
        for (is_function, name, month) in streams {
            self.stream(is_function, &name).accounts[month] += 1;
        }
        for kind in &types {
            self.types[usize::from(kind.0)].n_accounts += 1;
        }
        for (kind, _) in &contacts {
            self.types[usize::from(kind.0)].n_contacts += 1;
        }
        self.n_accounts_seen += u64::from(!history.interactions.is_empty());
        let people: BTreeSet<_> = contacts.into_iter().map(|(_, contact)| contact).collect();
        self.n_contacts_seen += people.len() as u64;
    }

    fn take(&mut self, row: &Interaction) {
        let seen = &mut self.types[usize::from(row.kind.0)];
        seen.rows += 1;
        *seen.systems.entry(system(row).to_owned()).or_default() += 1;
        let at = row.occurred_at;
        seen.first = Some(seen.first.map_or(at, |first| first.min(at)));
        seen.last = Some(seen.last.map_or(at, |last| last.max(at)));
        if let Some(month) = self.month(at) {
            let function = self.function(row).to_owned();
            self.stream(true, &function).rows[month] += 1;
            self.stream(false, system(row)).rows[month] += 1;
        }
    }

    fn month(&self, at: Instant) -> Option<usize> {
        let month = self.calendar.month_of(at).since(self.first);
        usize::try_from(month).ok().filter(|&month| month < self.bounds.len())
    }

    fn function<'r>(&'r self, row: &'r Interaction) -> &'r str {
        let own = row.details.as_ref().and_then(|details| details.function.as_deref());
        own.unwrap_or(&self.functions_of[usize::from(row.kind.0)])
    }

    fn stream(&mut self, is_function: bool, name: &str) -> &mut Stream {
        let months = self.bounds.len();
        let streams = if is_function { &mut self.functions } else { &mut self.systems };
        if !streams.contains_key(name) {
            let none = vec![0; months];
            streams.insert(name.to_owned(), Stream { rows: none.clone(), accounts: none });
        }
        streams.get_mut(name).expect("it was just made")
    }

    /// The map.
    pub fn finish(self) -> DataMapFigures {
        let mut silences = Vec::new();
        let coverage = |streams: &BTreeMap<String, Stream>| -> Vec<StreamCoverage> {
            let share = |accounts: &[u64]| {
                let of = accounts.iter().zip(&self.active);
                of.map(|(&n, &all)| (all > 0).then(|| n.min(all) as f64 / all as f64)).collect()
            };
            let one = |(name, stream): (&String, &Stream)| StreamCoverage {
                name: name.clone(),
                rows: stream.rows.clone(),
                coverage: share(&stream.accounts),
            };
            streams.iter().map(one).collect()
        };
        for (what, streams) in [("function", &self.functions), ("system", &self.systems)] {
            for (name, stream) in streams {
                let found = silence::silences(&self.silence, &stream.rows, &self.active);
                silences.extend(found.into_iter().map(|run| run.named(what, name, self.first)));
            }
        }
        let types = self.names.iter().enumerate().map(|(position, name)| {
            let seen = &self.types[position];
            TypeCoverage {
                interaction_type: name.clone(),
                function: self.functions_of[position].clone(),
                stage: self.stages_of[position].clone(),
                rows: seen.rows,
                systems: seen.systems.iter().map(|(name, rows)| (name.clone(), *rows)).collect(),
                first_at: seen.first.map(|at| at.to_string()),
                last_at: seen.last.map(|at| at.to_string()),
                n_accounts: seen.n_accounts,
                n_contacts: seen.n_contacts,
            }
        });
        DataMapFigures {
            first_month: self.first.to_string(),
            types: types.collect(),
            functions: coverage(&self.functions),
            systems: coverage(&self.systems),
            active: self.active.clone(),
            n_accounts: self.n_accounts,
            n_accounts_seen: self.n_accounts_seen,
            n_contacts: self.n_contacts,
            n_contacts_seen: self.n_contacts_seen,
            silences,
        }
    }
}

fn system(row: &Interaction) -> &str {
    let own = row.details.as_ref().and_then(|details| details.source_system.as_deref());
    own.unwrap_or(UNNAMED)
}

impl DataMapFigures {
    /// Types of the catalogue that the log never has.
    pub fn never_seen(&self) -> impl Iterator<Item = &TypeCoverage> {
        self.types.iter().filter(|one| one.rows == 0)
    }
}
