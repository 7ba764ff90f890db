//! `rvq`: does Relationship Value lead profit and attrition?
//!
//! ```text
//!  catalogue + flow + world ── simulate ──┐
//!                                         ├─> AccountHistory, one per account   (interaction)
//!  exports + mapping ───────── ingest ────┘          │
//!                                                    ▼
//!                          score, a fold over the past ──> panel: account × month
//!                                                    │
//!                      backtest ──> hypothesis (verdicts)     patterns
//!                                                    │
//!                         chart · report ──> one run folder   (run)
//! ```
//!
//! Simulated and real data meet at one set of tables; nothing downstream knows which it got. A
//! score sees one account's rows that were known by a date, and nothing else: it cannot look ahead.
//! Every random number is named by what it is for, so results do not depend on threads.
//!
//! A short tour, from a simulated cohort to an information coefficient:
//!
//! ```
//! use rvq::backtest::{BacktestParams, information_coefficient};
//! use rvq::flow::Flow;
//! use rvq::panel::{Measure, Panel, PanelParams};
//! use rvq::rng::Streams;
//! use rvq::score::{ScoreSpec, Valuation};
//! use rvq::simulate::{Simulation, World};
//! use rvq::time::Calendar;
//!
//! let (first, months) = ("2024-01".parse()?, 24);
//! let world = World::load("informative")?;
//! let calendar = Calendar::UTC;
//! let cohort =
//!     Simulation::new(Flow::builtin(), world, Streams::new(1), calendar, (first, months))?;
//!
//! let valuation = Valuation::new(cohort.flow().catalogue(), &cohort.types())?;
//! let scores = [ScoreSpec::RvDecay { half_life_days: 180.0, transactions: false }.build()?];
//! let params =
//!     PanelParams { calendar, first, months, warm_up_months: 6, min_age_months: 3 };
//! let panel = Panel::build(cohort.histories(60), &valuation, &scores, &params)?;
//!
//! let backtest = BacktestParams::default();
//! let score = &panel.scores()[0];
//! let found =
//!     information_coefficient(&panel, score, Measure::Contribution, &[3], &backtest, None)?;
//! let ic = found[0].as_ref().map_err(Clone::clone)?;
//! assert!(ic.inference.ci_low < ic.inference.estimate);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What each number means, and what it cannot show, stands in `docs/methodology.md`; where things
//! are, in `docs/architecture.md`.

pub mod stats;

pub mod diagnostic;
pub mod ids;
pub mod rng;
pub mod time;

pub mod interaction;

pub mod flow;

pub mod ingest;
pub mod score;
pub mod simulate;

pub mod panel;
pub mod realism;

#[cfg(feature = "postgres")]
pub mod database;
#[cfg(feature = "sql")]
pub mod engine;

pub mod audit;
pub mod backtest;
pub mod journey;
pub mod patterns;
pub mod relationship;

pub mod calibrate;
pub mod hypothesis;
pub mod policy;
pub mod recover;

pub mod chart;

pub mod report;

pub mod run;
