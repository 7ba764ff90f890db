//! Integration tests.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test that cannot go on fails")]

mod architecture;
mod chart;
mod example;
mod backtest;
mod flow;
mod ingest;
mod notebook;
mod parity;
mod panel;
mod patterns;
mod report;
mod score;
mod simulate;
mod tables;
