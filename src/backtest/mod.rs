//! Back-tests on the panel: does a score lead an outcome?
mod finding;

pub use finding::Finding;
