//! What is gathered from every account of a data set on its one way into the panel.

use crate::backtest::StartingBenchmark;
use crate::interaction::AccountHistory;
use crate::journey::{DataMap, PlanAgainstActual};
use crate::relationship::{Rivals, ValueExchange};
use crate::rng::Streams;
use crate::time::Instant;

use super::RunError;
use super::data::Dataset;
use super::data_map;
use super::plan::Plan;

/// Rows that were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accounts.
    pub accounts: u64,
    /// Contacts.
    pub contacts: u64,
    /// Interactions.
    pub interactions: u64,
    /// Exits.
    pub exits: u64,
}

/// What takes accounts one by one.
#[derive(Debug)]
pub struct Gathered {
    /// Rows that were read.
    pub counts: Counts,
    /// The starting benchmark.
    pub benchmark: StartingBenchmark,
    /// The non-monetary ledger.
    pub exchange: ValueExchange,
    /// Standing against rivals.
    pub rivals: Rivals,
    /// Plan against actual; absent when the data have no flow.
    pub plan: Option<PlanAgainstActual>,
    /// Which interactions have data.
    pub data_map: DataMap,
    end: Instant,
}

impl Gathered {
    /// Nothing yet, for `dataset`.
    ///
    /// # Errors
    ///
    /// [`RunError::Score`] when the flow's catalogue lacks a type of the log.
    pub(super) fn new(dataset: &Dataset, plan: &Plan) -> Result<Self, RunError> {
        let end = dataset.end();
        let last = dataset.first.plus(dataset.months as i32);
        let year = (dataset.calendar.start_of(last.plus(-12)), end);
        let compare = |flow| {
            let span = (dataset.first, dataset.months);
            // Not the draws of the simulated contacts, who would walk along with the plan.
            let streams = Streams::new(plan.run.seed).replication(u32::MAX);
            PlanAgainstActual::new(flow, &dataset.types, streams, dataset.calendar, span)
        };
        Ok(Self {
            counts: Counts::default(),
            benchmark: StartingBenchmark::new(end),
            exchange: ValueExchange::new(year),
            rivals: Rivals::new(year),
            plan: dataset.flow.as_ref().map(compare).transpose()?,
            data_map: data_map::empty(dataset),
            end,
        })
    }

    pub(super) fn add(&mut self, history: &AccountHistory) {
        self.counts.accounts += 1;
        self.counts.contacts += history.contacts.len() as u64;
        self.counts.interactions += history.interactions.len() as u64;
        let exits = history.account.exited_at.is_some_and(|at| at < self.end);
        self.counts.exits += u64::from(exits);
        self.benchmark.add(history);
        self.exchange.add(history);
        self.rivals.add(history);
        self.data_map.add(history);
        if let Some(plan) = &mut self.plan {
            plan.add(history);
        }
    }
}
