//! Hypotheses, their evidence ladder and verdicts.
mod verdict;

pub use verdict::{Decision, Rung, RungResult, Verdict};
