//! Verdicts as aligned text for a terminal.

use super::Results;

/// The verdicts as aligned plain text, one block per world, and what each answer rests on.
pub fn verdict_table(results: &Results) -> String {
    unimplemented!("{results:?}")
}
