//! Does the toolkit find what is true, and nothing else? Worlds held against their own truth.

mod criterion;
mod sample;

pub use criterion::{Measured, measure};
