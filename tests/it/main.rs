//! Integration tests.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test that cannot go on fails")]

mod architecture;
mod backtest;
mod flow;
mod ingest;
mod notebook;
mod parity;
mod panel;
mod patterns;
mod score;
mod simulate;
mod tables;
