//! Words of an export that are plainly one of our fixed words.

use std::collections::BTreeMap;

use super::profile::Column;
use crate::ingest::field::Field;
use crate::interaction::{Direction, Stage, Status};

/// Theirs = ours, by field, beyond our own words.
const SAME: [(Field, &str, &str); 14] = [
    (Field::Direction, "in", "inbound"),
    (Field::Direction, "incoming", "inbound"),
    (Field::Direction, "received", "inbound"),
    (Field::Direction, "out", "outbound"),
    (Field::Direction, "outgoing", "outbound"),
    (Field::Direction, "sent", "outbound"),
    (Field::Status, "active", "customer"),
    (Field::Status, "lead", "prospect"),
    (Field::Status, "inactive", "exited"),
    (Field::Status, "closed", "exited"),
    (Field::Status, "churned", "exited"),
    (Field::Status, "lost", "exited"),
    (Field::Stage, "onboarding", "retention"),
    (Field::Stage, "lead", "acquisition"),
];

/// The words of `column` with ours; `None` when one of them is not plain.
pub(super) fn translation(field: Field, column: &Column) -> Option<BTreeMap<String, String>> {
    if column.more_words || column.words.is_empty() {
        return None;
    }
    column
        .words
        .keys()
        .map(|word| {
            let plain = word.to_lowercase();
            let same = SAME.iter().find(|(of, theirs, _)| *of == field && *theirs == plain);
            let ours = same.map_or(plain.as_str(), |(_, _, ours)| ours);
            is_ours(field, ours).then(|| (word.clone(), ours.to_owned()))
        })
        .collect()
}

fn is_ours(field: Field, word: &str) -> bool {
    match field {
        Field::Direction => word.parse::<Direction>().is_ok(),
        Field::Stage => word.parse::<Stage>().is_ok(),
        Field::Status => word.parse::<Status>().is_ok(),
        _ => true,
    }
}
