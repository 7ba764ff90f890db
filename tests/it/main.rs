//! Integration tests.
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and one that is skipped says so"
)]

mod architecture;
mod audit;
mod audit_log;
mod backtest;
mod bad_input;
mod calibrate;
mod chart;
mod cli;
mod data_map;
mod example;
mod exceptions;
mod flow;
mod flow_fit;
mod hazard;
mod hypothesis;
mod ingest;
mod links;
mod notebook;
mod panel;
mod parity;
mod patterns;
mod placebo;
mod policy;
#[cfg(all(feature = "postgres", unix))]
mod postgres;
mod propose;
mod pseudonym;
mod public_logs;
mod readers;
mod recover;
mod report;
mod score;
mod simulate;
#[cfg(feature = "sql")]
mod sql;
mod tables;
mod told;
mod walk;
