//! Relationship patterns: groups of accounts whose scores took a similar course.
mod summary;

pub use summary::{PatternLabel, PatternSummary};
