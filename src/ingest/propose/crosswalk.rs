//! Tables that say which keys of several systems are one account.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Taken;
use super::assign::Role;
use super::mapping_text::{delimiter_text, quoted};
use super::names::plain;
use super::profile::Column;
use crate::ingest::field::Field;

/// Share of values by which a column is told to hold the keys of another.
const SHARED: f64 = 0.5;

/// Finds tables that link keys: each becomes [`Role::Links`], and every file whose accounts are keys of
/// another system than that of the accounts file is told so.
///
/// A table links where one of its columns holds ids of the accounts file, and another, nearly a key, holds
/// accounts of some third file that the accounts file does not have. Gives the lines of `[links.account_id]`;
/// none where nothing is linked.
pub(super) fn link(taken: &mut [Taken]) -> String {
    let Some(main) = accounts_file(taken) else { return String::new() };
    let ids: BTreeSet<String> = taken[main].accounts().map(str::to_owned).collect();
    let strongest = system(&taken[main]);
    let (mut precedence, mut tables) = (vec![quoted(&strongest)], String::new());
    for position in (0..taken.len()).filter(|&position| position != main) {
        let others: Vec<usize> = (0..taken.len()).filter(|&o| o != main && o != position).collect();
        let Some(pair) = keys(taken, position, &others, &ids) else { continue };
        let weaker = system(&taken[position]);
        let table = &taken[position].file;
        let _ = writeln!(
            tables,
            "    {{ source = {}{}, columns = {{ {} = {}, {} = {} }} }},  # {:.0} % of {} are accounts of {}",
            quoted(&table.name),
            delimiter_text(table).map_or_else(String::new, |text| format!(", {text}")),
            quoted(&strongest),
            quoted(&pair.of_main.name),
            quoted(&weaker),
            quoted(&pair.own.name),
            100.0 * share(pair.of_main, &ids),
            pair.of_main.name.escape_debug(),
            taken[main].file.name.escape_debug(),
        );
        let own = words(pair.own);
        let known = |other: &usize, keys: &dyn Fn(&str) -> bool| {
            taken[*other].accounts().filter(|id| keys(id)).count()
        };
        let of_own = |other: &usize| {
            known(other, &|id| own.contains(id)) > known(other, &|id| ids.contains(id))
        };
        for other in others.into_iter().filter(of_own).collect::<Vec<_>>() {
            taken[other].assignment.system = Some(weaker.clone());
        }
        precedence.push(quoted(&weaker));
        taken[position].role = Role::Links;
    }
    if tables.is_empty() {
        return tables;
    }
    format!(
        "\n# Keys of several systems that are one account, the strongest first (TODO: is it?).\n\
         [links.account_id]\nprecedence = [{}]\ntables = [\n{tables}]\n",
        precedence.join(", ")
    )
}

/// The file of accounts; of several the one that says most of them.
fn accounts_file(taken: &[Taken]) -> Option<usize> {
    let accounts = (0..taken.len()).filter(|&position| taken[position].role == Role::Accounts);
    let says = |&position: &usize| taken[position].assignment.choices.len();
    // Of equals the first.
    accounts.rev().max_by_key(says)
}

/// The columns by which a table links.
struct Keys<'a> {
    /// Keys of the accounts file.
    of_main: &'a Column,
    own: &'a Column,
}

fn keys<'a>(
    taken: &'a [Taken],
    position: usize,
    others: &[usize],
    ids: &BTreeSet<String>,
) -> Option<Keys<'a>> {
    let one = &taken[position];
    if !matches!(one.role, Role::Accounts | Role::Unknown(_)) {
        return None;
    }
    let columns = || one.file.columns.iter().filter(|column| !column.more_words && column.n > 0);
    let of_main = columns().find(|column| share(column, ids) >= SHARED)?;
    let is_used = |column: &Column| {
        let keys = words(column);
        others.iter().any(|&other| {
            let (known, all) =
                taken[other].accounts().fold((0_usize, 0_usize), |(known, all), id| {
                    (known + usize::from(keys.contains(id)), all + 1)
                });
            known as f64 >= SHARED * all.max(1) as f64
        })
    };
    let own = columns().find(|column| {
        column.name != of_main.name
            && column.is_nearly_key()
            && share(column, ids) < SHARED
            && is_used(column)
    })?;
    Some(Keys { of_main, own })
}

fn words(column: &Column) -> BTreeSet<&str> {
    column.words.keys().map(String::as_str).collect()
}

/// Share of a column's distinct values that are among `ids`.
fn share(column: &Column, ids: &BTreeSet<String>) -> f64 {
    let shared = column.words.keys().filter(|word| ids.contains(*word)).count();
    shared as f64 / column.words.len().max(1) as f64
}

/// What a system is called in links: the name of its file.
fn system(taken: &Taken) -> String {
    let stem = taken.file.name.rsplit('/').next().unwrap_or_default();
    plain(stem.split('.').next().unwrap_or_default())
}

/// The line that names the column of an account's key, where the file knows accounts under another.
pub(super) fn key_line(taken: &Taken) -> Option<String> {
    let column = taken.assignment.column(Field::AccountId)?;
    let system = taken.assignment.system.as_ref()?;
    Some(format!("keys.account_id = {{ {} = {} }}\n", quoted(system), quoted(column)))
}
