//! Hypotheses, their evidence ladder and verdicts.
//!
//! Each hypothesis is one object ([`Hypothesis`]): its variables, null, smallest relevant effect, and
//! one test per rung. A [`Bench`] runs the tests on a panel, [`judge`] turns what they found into a
//! [`Verdict`]. Causal wording does not occur: observational data cannot earn it.

mod bench;
mod columns;
mod core;
mod id;
mod judge;
mod plan;
mod robust;
mod verdict;
mod view;

pub use bench::{Association, Bench};
pub use columns::columns;
pub use core::{Hypothesis, Lead, Statistic};
pub use id::HypothesisId;
pub use judge::{Judged, RungTest, judge};
pub use plan::{Delta, Hypotheses, HypothesisParams};
pub use robust::{Check, Robustness};
pub use verdict::{Decision, Rung, RungResult, Verdict};
