//! From a plan to a run folder.
mod plan;
pub use plan::{FULL, Plan, PlanError, ResolvedPlan};
