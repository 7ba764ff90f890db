//! The data map in words: what has data, what never has, and what falls silent.

use super::beside::{Section, heads};
use super::wording::{count, plain};
use crate::journey::{DataMapFigures, SilenceKind};

/// Types shown.
const SHOWN: usize = 12;

/// The section of one world.
pub(super) fn section(figures: &DataMapFigures) -> Section {
    let seen: Vec<_> = figures.types.iter().filter(|one| one.rows > 0).collect();
    let mut says = vec![format!(
        "{} of {} interaction types have data; {} of {} accounts and {} of {} contacts have an interaction. The map \
         tells what was recorded, not what happened.",
        seen.len(),
        figures.types.len(),
        count(figures.n_accounts_seen),
        count(figures.n_accounts),
        count(figures.n_contacts_seen),
        count(figures.n_contacts),
    )];
    let never: Vec<String> = figures.never_seen().map(|one| plain(&one.interaction_type)).collect();
    if !never.is_empty() {
        let more = never.len().saturating_sub(SHOWN);
        let and = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown = never[..never.len().min(SHOWN)].join(", ");
        says.push(format!("Never seen: {shown}{and}."));
    }
    if figures.silences.is_empty() {
        says.push("No function or source system stops, starts or pauses abruptly.".to_owned());
    }
    for silence in &figures.silences {
        let verb = match silence.kind {
            SilenceKind::Starts => "starts at once",
            SilenceKind::Pauses => "pauses",
            SilenceKind::Stops => "stops",
        };
        says.push(format!(
            "Suspicious: {} {} {verb}; it has no row from {} to {}, where its usual rate would have brought {}.",
            silence.what,
            plain(&silence.name),
            silence.from,
            silence.to,
            count(silence.expected_rows.round() as u64),
        ));
    }
    let day = |at: &Option<String>| -> String {
        at.as_deref().unwrap_or_default().chars().take(10).collect()
    };
    let mut by_rows = seen;
    by_rows.sort_by(|a, b| b.rows.cmp(&a.rows).then(a.interaction_type.cmp(&b.interaction_type)));
    let rows = by_rows.into_iter().take(SHOWN).map(|one| {
        let systems: Vec<String> = one.systems.iter().map(|(name, _)| plain(name)).collect();
        vec![
            plain(&one.interaction_type),
            plain(&one.function),
            count(one.rows),
            count(one.n_accounts),
            count(one.n_contacts),
            day(&one.first_at),
            day(&one.last_at),
            systems.join(", "),
        ]
    });
    Section {
        title: "Data map".to_owned(),
        says,
        headers: heads(&[
            "interaction type",
            "function",
            "rows",
            "accounts",
            "contacts",
            "first",
            "last",
            "systems",
        ]),
        rows: rows.collect(),
    }
}
