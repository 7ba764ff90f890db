//! What is true where: worlds × hypotheses × rungs, with the effect computed from the truth table.
//!
//! `claim` names score, outcome and measure of each hypothesis; `as_of` reads accounts at dates,
//! `pool` ranks them, `measure` makes one number of them, `causal` compares worlds, `effects` does so
//! in groups of accounts, whose spread gives the standard error and the accounts that a test needs.
//! Statements are not here: `data/worlds/truth.toml` makes them, and the tests of `table` hold them
//! against the effects.

mod as_of;
mod causal;
mod claim;
mod effects;
mod measure;
mod pool;
mod table;

pub(super) use causal::causes;
pub use effects::{Effect, effects};
pub use table::{Cell, Cells, MOST_ACCOUNTS, TruthTable};
