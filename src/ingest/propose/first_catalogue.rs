//! A first catalogue: every interaction type found, with values that say nothing yet.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::mapping_text::quoted;
use crate::diagnostic::nearest;

/// What `version` of a proposed catalogue says, so that nobody takes its values for findings.
const VERSION: &str = "proposed: rv and variable_cost neutral and to be set by you";
/// Parts of names of types that are mostly purchases or bills: outcomes in disguise.
const MONEY: [&str; 8] =
    ["purchase", "order", "invoice", "payment", "renewal", "billing", "subscription", "sale"];

/// Interaction types by name: rows, and whether they are outcomes in disguise for sure.
#[derive(Debug, Default)]
pub(super) struct Types {
    found: BTreeMap<String, (u64, bool)>,
}

impl Types {
    pub(super) fn add(&mut self, name: &str, rows: u64, transactional: bool) {
        let entry = self.found.entry(name.to_owned()).or_default();
        entry.0 += rows;
        entry.1 |= transactional;
    }

    pub(super) fn add_purchases(&mut self, rows: u64) {
        self.add("purchase", rows, true);
    }

    /// Adds the words of a column; gives the lines of the mapping that tell of them.
    pub(super) fn add_words(&mut self, words: &BTreeMap<String, u64>) -> String {
        let mut by_count: Vec<(&String, &u64)> = words.iter().collect();
        by_count.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let mut text = format!("# {} types found, with their rows:\n", words.len());
        for (word, count) in &by_count {
            let _ = writeln!(text, "#   {count:>8}  {}", quoted(word).replace('\n', " "));
        }
        let safe = |word: &str| {
            let bare = word.trim_start_matches(['=', '+', '-', '@', '\t', '\r']);
            if bare == word { word.to_owned() } else { format!("type {bare}") }
        };
        if words.keys().any(|word| safe(word) != *word) {
            let pairs: Vec<String> = words
                .keys()
                .map(|word| format!("{} = {}", quoted(word), quoted(&safe(word))))
                .collect();
            let _ = writeln!(text, "values.interaction_type = {{ {} }}", pairs.join(", "));
        }
        for (word, count) in words {
            self.add(&safe(word), *count, false);
        }
        for (word, count) in words {
            let near =
                nearest(word, words.keys().map(String::as_str).filter(|other| other != word));
            if let Some(near) = near.filter(|near| words[*near] >= 100 * count) {
                let _ = writeln!(
                    text,
                    "# TODO: {} ({count}) may be {} mistyped: take it out of the catalogue, or name both in \
                     `values.interaction_type`",
                    quoted(word),
                    quoted(near)
                );
            }
        }
        let money = |word: &&String| {
            let word = word.to_lowercase();
            MONEY.iter().any(|part| word.contains(part))
        };
        let doubtful: Vec<String> = words.keys().filter(money).map(|word| quoted(word)).collect();
        if !doubtful.is_empty() {
            let _ = writeln!(
                text,
                "# TODO: outcomes in disguise? Then set `transactional` to true in the catalogue: {}",
                doubtful.join(", ").replace('\n', " ")
            );
        }
        text
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    /// The catalogue as CSV.
    ///
    /// Every type is worth 1 and costs 0, so that a score counts interactions until values are set.
    pub(super) fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |row: &[&str]| writer.write_record(row).expect("writing to memory");
        write(&[
            "interaction_type",
            "stage",
            "function",
            "direction",
            "rv",
            "variable_cost",
            "transactional",
            "version",
        ]);
        for (name, (_, transactional)) in &self.found {
            write(&[
                name,
                "",
                "",
                "",
                "1",
                "0",
                if *transactional { "true" } else { "false" },
                VERSION,
            ]);
        }
        let bytes = writer.into_inner().expect("flushing to memory");
        String::from_utf8(bytes).expect("written from text")
    }
}
