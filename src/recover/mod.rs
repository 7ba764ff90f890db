//! Does the toolkit find what is true, and nothing else? Worlds held against their own truth.
//!
//! [`effects`] computes what is true from the truth table, [`TruthTable`] states it. [`jobs`] lists the
//! cohorts on which every test is tried, [`run_job`] tries them, [`rows`] turns what they said into
//! rates and holds them to their bands.

mod criterion;
mod job;
mod row;
mod sample;
mod suite;
mod trial;
mod truth;

pub use criterion::{Measured, measure};
pub use job::{Job, Role, SuiteParams, UNRELATED, jobs};
pub use row::{Band, RecoveryRow, rows};
pub use suite::{SuiteError, Trials, run_job};
pub use trial::{
    Asked, BY_ACCOUNT, HAZARD, LANDMARK, LIFETIME, Replication, Setting, TestName, Trial, replicate,
};
pub use truth::{Cell, Cells, Effect, MOST_ACCOUNTS, TruthTable, effects};
