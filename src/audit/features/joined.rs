//! A feature table laid on the log: which row is which account at which date.

use std::collections::BTreeMap;

use super::facts::AccountFacts;
use crate::audit::LogSpan;
use crate::ingest::{FeatureColumn, FeatureTable};
use crate::interaction::AccountHistory;
use crate::score::Valuation;
use crate::time::Instant;

/// The rows of a table by account and date, with what the log says of the accounts.
#[derive(Debug)]
pub(super) struct Joined<'a> {
    pub(super) table: &'a FeatureTable,
    pub(super) span: LogSpan,
    /// The table's dates, each once, in order.
    pub(super) dates: Vec<Instant>,
    /// Names of the table's accounts, in order.
    pub(super) names: Vec<&'a str>,
    /// By account: what the log says, where it has the account.
    pub(super) facts: Vec<Option<AccountFacts>>,
    /// By row: positions of account and date.
    pub(super) places: Vec<(usize, usize)>,
    positions: BTreeMap<&'a str, usize>,
}

impl<'a> Joined<'a> {
    pub(super) fn new(table: &'a FeatureTable, span: LogSpan) -> Self {
        let mut dates = table.as_of.clone();
        dates.sort_unstable();
        dates.dedup();
        let mut names: Vec<&str> = table.accounts.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let positions: BTreeMap<&str, usize> =
            names.iter().enumerate().map(|(position, name)| (*name, position)).collect();
        let place = |(account, as_of): (&String, &Instant)| {
            let date = dates.binary_search(as_of).expect("every date was kept");
            (positions[account.as_str()], date)
        };
        let places = table.accounts.iter().zip(&table.as_of).map(place).collect();
        let facts = vec![None; names.len()];
        Self { table, span, dates, names, facts, places, positions }
    }

    pub(super) fn see(&mut self, history: &AccountHistory, valuation: &Valuation) {
        if let Some(&position) = self.positions.get(history.account.id.as_str()) {
            self.facts[position] = Some(AccountFacts::new(history, valuation, &self.dates));
        }
    }

    /// `column` by account and date, shape `(accounts, dates)`: mean of its rows, NaN without any.
    pub(super) fn grid(&self, column: &FeatureColumn) -> Vec<f64> {
        let width = self.dates.len();
        let mut sums = vec![(0.0, 0.0); self.names.len() * width];
        for (&(account, date), value) in self.places.iter().zip(&column.values) {
            if !value.is_nan() {
                let (sum, n) = &mut sums[account * width + date];
                (*sum, *n) = (*sum + value, *n + 1.0);
            }
        }
        sums.into_iter().map(|(sum, n)| if n > 0.0 { sum / n } else { f64::NAN }).collect()
    }

    /// The place of `row`, as examples write it.
    pub(super) fn row_name(&self, row: usize) -> String {
        let (account, date) = self.places[row];
        self.place_name(account, date)
    }

    /// Account and date, as examples write them: the last day that the date knows.
    pub(super) fn place_name(&self, account: usize, date: usize) -> String {
        let day = self.span.day(Instant::from_micros(self.dates[date].micros() - 1));
        format!("{} {day}", self.names[account])
    }
}
