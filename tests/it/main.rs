//! Integration tests.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test that cannot go on fails")]

mod architecture;
mod chart;
mod example;
mod flow;
mod ingest;
mod notebook;
mod parity;
mod patterns;
mod report;
mod score;
mod tables;
