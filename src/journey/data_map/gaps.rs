//! Gaps of priority accounts: what most accounts had in the last year and this one had not, as a
//! table to fill in and a mapping that reads it back.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use crate::flow::Catalogue;
use crate::ids::{TypeIndex, TypeNames};
use crate::interaction::{AccountHistory, harmless};
use crate::time::Instant;

/// Days in which an interaction should have happened.
const YEAR_DAYS: f64 = 365.0;

/// Which interactions count as expected, and of whom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GapParams {
    /// Share of the active accounts that must have had a type in the last year for it to be expected.
    pub usual_share: f64,
    /// Share of accounts that count as priority, by revenue, where the log flags none.
    pub top_share: f64,
}

impl Default for GapParams {
    fn default() -> Self {
        Self { usual_share: 0.5, top_share: 0.2 }
    }
}

/// How the priority accounts were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriorityRule {
    /// The log flags them.
    Flagged,
    /// The log flags none: those with most revenue in the last year.
    TopRevenue,
}

/// An interaction that a priority account should have had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Who dealt with the account last; empty when nobody is named.
    pub owner_id: String,
    /// Account.
    pub account_id: String,
    /// The contact with most influence; empty without contacts.
    pub contact_id: String,
    /// What is missing.
    pub interaction_type: String,
    /// When it should have happened at the latest.
    pub expected_by: Instant,
}

/// What is kept of one active account.
struct Active {
    gap: Gap,
    types: BTreeSet<TypeIndex>,
    revenue: f64,
    flagged: bool,
}

/// The gaps at `end` by owner, account and type, and how the priority accounts were told.
///
/// An account is active when it has entered before `end` and not left by then. A type is expected
/// when at least `usual_share` of the active accounts had it in the 365 days before `end`, unless its
/// relative value is negative or it is transactional: nobody is to see to those.
pub fn gaps(
    histories: impl IntoIterator<Item = impl Borrow<AccountHistory>>,
    (catalogue, types): (&Catalogue, &TypeNames),
    end: Instant,
    params: &GapParams,
) -> (Vec<Gap>, PriorityRule) {
    let mut accounts: Vec<Active> =
        histories.into_iter().filter_map(|history| active(history.borrow(), end)).collect();
    let mut having: BTreeMap<TypeIndex, usize> = BTreeMap::new();
    for kind in accounts.iter().flat_map(|account| &account.types) {
        *having.entry(*kind).or_default() += 1;
    }
    let least = params.usual_share * accounts.len() as f64;
    let usual: Vec<(TypeIndex, &str)> = types
        .iter()
        .zip(0..)
        .map(|(name, position)| (TypeIndex(position), name))
        .filter(|(_, name)| is_wanted(catalogue, name))
        .filter(|(kind, _)| having.get(kind).is_some_and(|&n| n as f64 >= least))
        .collect();
    let rule = if accounts.iter().any(|account| account.flagged) {
        accounts.retain(|account| account.flagged);
        PriorityRule::Flagged
    } else {
        accounts.sort_by(|a, b| b.revenue.total_cmp(&a.revenue));
        let kept = (params.top_share * accounts.len() as f64).ceil() as usize;
        accounts.truncate(kept);
        PriorityRule::TopRevenue
    };
    let mut gaps: Vec<Gap> = Vec::new();
    for account in &accounts {
        for (_, name) in usual.iter().filter(|(kind, _)| !account.types.contains(kind)) {
            gaps.push(Gap { interaction_type: (*name).to_owned(), ..account.gap.clone() });
        }
    }
    let key =
        |gap: &Gap| (gap.owner_id.clone(), gap.account_id.clone(), gap.interaction_type.clone());
    gaps.sort_by_key(key);
    (gaps, rule)
}

/// Whether anybody should see to it that the type happens.
fn is_wanted(catalogue: &Catalogue, name: &str) -> bool {
    let mut entries = catalogue.entries().iter();
    entries
        .find(|entry| entry.interaction_type == name)
        .is_some_and(|entry| entry.worth.rv >= 0.0 && !entry.transactional)
}

fn active(history: &AccountHistory, end: Instant) -> Option<Active> {
    let account = &history.account;
    if account.entered_at >= end || account.exited_at.is_some_and(|at| at < end) {
        return None;
    }
    let since = end.plus_days(-YEAR_DAYS);
    let rows = || history.interactions.iter().filter(|row| row.occurred_at < end);
    let owner = rows().rev().find_map(|row| row.owner);
    let first = history.contacts.iter().fold(None, |best, contact| match best {
        Some(best) if contact.influence <= best => Some(best),
        _ => Some(contact.influence),
    });
    let main = history.contacts.iter().find(|contact| Some(contact.influence) == first);
    let owner = owner.and_then(|owner| history.owners.get(usize::from(owner.0)));
    Some(Active {
        gap: Gap {
            owner_id: owner.cloned().unwrap_or_default(),
            account_id: account.id.clone(),
            contact_id: main.map(|contact| contact.id.clone()).unwrap_or_default(),
            interaction_type: String::new(),
            expected_by: end,
        },
        types: rows().filter(|row| row.occurred_at >= since).map(|row| row.kind).collect(),
        revenue: history
            .outcomes
            .iter()
            .filter(|outcome| outcome.period_start >= since && outcome.period_start < end)
            .map(|outcome| outcome.revenue)
            .sum(),
        flagged: account.priority == Some(true),
    })
}

/// The gaps as a CSV to fill in: `happened` (yes or no), `occurred_at` and `known_at` are empty.
pub fn gaps_csv(gaps: &[Gap]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |row: [&str; 8]| writer.write_record(row).expect("writing to memory");
    write([
        "owner_id",
        "account_id",
        "contact_id",
        "interaction_type",
        "expected_by",
        "happened",
        "occurred_at",
        "known_at",
    ]);
    for gap in gaps {
        write([
            &harmless(&gap.owner_id),
            &harmless(&gap.account_id),
            &harmless(&gap.contact_id),
            &harmless(&gap.interaction_type),
            &gap.expected_by.to_string(),
            "",
            "",
            "",
        ]);
    }
    let bytes = writer.into_inner().expect("flushing to memory");
    String::from_utf8(bytes).expect("written from text")
}

/// The mapping that reads the filled-in `file` back; `catalogue` stands beside it.
pub fn gaps_mapping(file: &str, catalogue: &str, time_zone: &str, currency: &str) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    format!(
        "# Reads the gaps that were filled in: rows in which `happened` says yes.\n\
         # To add them to a log, copy the block into the mapping of that log.\n\
         name = \"data_gaps\"\n\
         description = \"Interactions that were not recorded when they happened, filled in by their owners.\"\n\
         time_zone = {}\ncurrency = {}\ncatalogue = {}\n\n\
         [[interactions]]\nsource = {}\nwhere = {{ column = \"happened\", equals = [\"yes\", \"Yes\", \"YES\"] }}\n\
         columns.account_id = \"account_id\"\ncolumns.contact_id = \"contact_id\"\n\
         columns.interaction_type = \"interaction_type\"\ncolumns.owner_id = \"owner_id\"\n\
         columns.occurred_at = \"occurred_at\"\n\
         # The day on which the row was filled in: no score of an earlier date may see it.\n\
         columns.known_at = \"known_at\"\nconstants.source_system = \"data_gaps\"\n",
        quoted(time_zone),
        quoted(currency),
        quoted(catalogue),
        quoted(file),
    )
}
