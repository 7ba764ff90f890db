//! Hypotheses, their evidence ladder and verdicts.
//!
//! Each hypothesis names its variables, null, smallest relevant effect and one test per rung.
//! Causal wording does not occur: observational data cannot earn it.

mod judge;
mod plan;
mod verdict;

pub use judge::{Judged, judge};
pub use plan::{Delta, Hypotheses, HypothesisId, HypothesisParams};
pub use verdict::{Decision, Rung, RungResult, Verdict};
