//! A pipeline of deals: what was known when it was opened, and how and when it was closed.
//!
//! The stage in such an export is that of the day of the export: only a closed one is dated.

use std::fmt::Write as _;

use super::Taken;
use super::crosswalk::key_line;
use super::first_catalogue::Types;
use super::mapping_text::{delimiter_text, quoted, source_system};
use super::names::plain;
use super::profile::Column;
use crate::ingest::field::Field;

pub(super) fn blocks(taken: &Taken, types: &mut Types) -> String {
    let find = |names: &[&str]| -> Option<&Column> {
        taken.file.columns.iter().find(|column| names.contains(&plain(&column.name).as_str()))
    };
    let account = taken.assignment.column(Field::AccountId).unwrap_or_default();
    let account =
        key_line(taken).unwrap_or_else(|| format!("columns.account_id = {}\n", quoted(account)));
    let (stage, closed) = (find(&["deal_stage"]), find(&["close_date"]));
    let (Some(stage), Some(closed)) = (stage, closed) else { return String::new() };
    let owner = taken.assignment.column(Field::OwnerId).map(quoted);
    let mut text = String::from(
        "# The stage is that of the day of the export: only when a deal is closed does it have a date.\n",
    );
    let is = |word: &str, end: &str| plain(word).split('_').any(|part| part == end);
    let of = |end: &str| -> Vec<(String, u64)> {
        let words = stage.words.iter().filter(|(word, _)| is(word, end));
        words.map(|(word, count)| (word.clone(), *count)).collect()
    };
    let (won, lost) = (of("won"), of("lost"));
    let list = |words: &[(String, u64)]| {
        words.iter().map(|(word, _)| quoted(word)).collect::<Vec<_>>().join(", ")
    };
    let mut block = |table: &str, date: &Column, lines: &str| {
        let _ = writeln!(text, "[[{table}]]\nsource = {}", quoted(&taken.file.name));
        if let Some(delimiter) = delimiter_text(&taken.file) {
            let _ = writeln!(text, "{delimiter}");
        }
        let writing = date.times.writing();
        if let [pattern] = writing.patterns.as_slice() {
            let doubt = if writing.day_or_month { "  # TODO: day or month first?" } else { "" };
            let _ = writeln!(text, "time_format = {}{doubt}", quoted(pattern));
        }
        text.push_str(&account);
        let _ = writeln!(text, "columns.occurred_at = {}  # {}", quoted(&date.name), date.looks());
        text.push_str(lines);
        text.push('\n');
    };
    let owner = owner.map_or(String::new(), |owner| format!("columns.owner_id = {owner}\n"));
    let system = source_system(&taken.file);
    if let Some(opened) = find(&["engage_date", "open_date", "opened_at", "created_date"]) {
        let note = if opened.n_empty > 0 {
            "# TODO: rows without this date are rejected; leave them out with `where`\n"
        } else {
            ""
        };
        types.add("deal_opened", opened.n, false);
        let lines = format!("constants.interaction_type = \"deal_opened\"\n{owner}{system}{note}");
        block("interactions", opened, &lines);
    }
    let ends: Vec<(String, u64)> = won.iter().chain(&lost).cloned().collect();
    if !ends.is_empty() {
        for (word, count) in &ends {
            types.add(word, *count, false);
        }
        let lines = format!(
            "columns.interaction_type = {stage}\n{owner}{system}where = {{ column = {stage}, equals = [{}] }}\n",
            list(&ends),
            stage = quoted(&stage.name),
        );
        block("interactions", closed, &lines);
    }
    if let (Some(value), false) = (find(&["close_value", "amount", "value"]), won.is_empty()) {
        let lines = format!(
            "aggregate = \"month\"\ncolumns.revenue = {}  # TODO: booked in the month of closing\n\
             where = {{ column = {}, equals = [{}] }}\n",
            quoted(&value.name),
            quoted(&stage.name),
            list(&won)
        );
        block("outcomes", closed, &lines);
    }
    text
}
