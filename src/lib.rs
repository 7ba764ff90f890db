//! `rvq`: does Relationship Value lead profit and attrition?

pub mod backtest;
pub mod chart;
pub mod diagnostic;
pub mod flow;
pub mod hypothesis;
pub mod ids;
pub mod ingest;
pub mod interaction;
pub mod panel;
pub mod patterns;
pub mod report;
pub mod rng;
pub mod run;
pub mod score;
pub mod simulate;
pub mod stats;
pub mod time;
