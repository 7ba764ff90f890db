//! Does the toolkit find what is true, and nothing else? Worlds held against their own truth.

mod criterion;
mod sample;
mod truth;

pub use criterion::{Measured, measure};
pub use truth::{Cell, Cells, Effect, TruthTable, effects};
