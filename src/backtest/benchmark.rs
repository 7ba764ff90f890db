//! The starting benchmark: the top fifth of accounts against the others, over the trailing year;
//! attrition over the whole log.

use crate::ids::{AccountIndex, ContactIndex};
use crate::interaction::{AccountHistory, Status};
use crate::rng::{Purpose, Streams};
use crate::time::Instant;

use super::concentration::{Concentration, Year, curves};
use super::moments::{FEWEST, Moment, Moments, Sums, Trailing};

/// An estimate with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The estimate.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The figures of the starting benchmark; the group is always the same top fifth by contribution.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchmarkFigures {
    /// Cost to engage per account, top fifth over the others.
    pub cost_ratio: Figure,
    /// Revenue per account, top fifth over the others.
    pub revenue_ratio: Figure,
    /// Share of revenue held by the top fifth.
    pub revenue_share: Figure,
    /// Share of contribution held by the top fifth.
    pub profit_share: Figure,
    /// Share of revenue from accounts that were customers a year before.
    pub repeat_share: Figure,
    /// Exits per account-year.
    pub attrition: Figure,
    /// Accounts with revenue in the trailing year.
    pub accounts: usize,
    /// Cumulative shares over accounts; absent when a total is not positive.
    pub concentration: Option<Concentration>,
}

/// What the benchmark needs of one account.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    trailing: Trailing,
    exits: f64,
    account_years: f64,
}

/// The starting benchmark over the twelve months before `end`, account by account.
#[derive(Debug, Clone)]
pub struct StartingBenchmark {
    year_start: Instant,
    end: Instant,
    rows: Vec<Row>,
}

impl StartingBenchmark {
    /// A benchmark that ends at `end`.
    pub fn new(end: Instant) -> Self {
        Self { year_start: end.plus_days(-366.25), end, rows: Vec::new() }
    }

    /// Takes an account into the benchmark, if its outcomes have gross profit.
    pub fn add(&mut self, history: &AccountHistory) {
        if history.outcomes.iter().any(|outcome| outcome.gross_profit.is_some()) {
            let row = row(history, self.year_start, self.end);
            if row.account_years > 0.0 {
                self.rows.push(row);
            }
        }
    }

    /// The figures that worlds are calibrated to, all of the trailing year, with their sampling
    /// error.
    ///
    /// `None` as in [`finish`](Self::finish), or without customers at both ends of the year.
    pub fn moments(&self) -> Option<Moments> {
        let rows: Vec<Trailing> = self.rows.iter().map(|row| row.trailing).collect();
        Moments::of(&rows)
    }

    /// The figures; intervals resample accounts.
    ///
    /// `None` when fewer than ten accounts with gross profit were customers, or one of the figures is
    /// not a number, as the cost ratio is without recorded cost.
    pub fn finish(&self, resamples: u32, streams: Streams) -> Option<BenchmarkFigures> {
        if self.rows.len() < FEWEST {
            return None;
        }
        summarise(&self.rows, resamples, streams)
    }
}

fn summarise(rows: &[Row], resamples: u32, streams: Streams) -> Option<BenchmarkFigures> {
    let whole = figures(rows)?;
    let draws = streams.draws(Purpose::Bootstrap, AccountIndex(u32::MAX - 1), ContactIndex(0));
    let mut resampled: [Vec<f64>; 6] = Default::default();
    for resample in 0..u64::from(resamples) {
        let mut stream = draws.stream(resample);
        let sample: Vec<Row> = (0..rows.len())
            .map(|_| rows[(stream.uniform() * rows.len() as f64) as usize])
            .collect();
        if let Some(values) = figures(&sample) {
            for (column, value) in resampled.iter_mut().zip(values) {
                column.push(value);
            }
        }
    }
    let figure = |position: usize| {
        let mut values = resampled[position].clone();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        Figure { estimate: whole[position], low: at(0.025), high: at(0.975) }
    };
    if resampled[0].is_empty() {
        return None;
    }
    let buyers: Vec<Year> =
        rows.iter().map(|row| row.trailing.year).filter(|year| year.revenue > 0.0).collect();
    Some(BenchmarkFigures {
        cost_ratio: figure(0),
        revenue_ratio: figure(1),
        revenue_share: figure(2),
        profit_share: figure(3),
        repeat_share: figure(4),
        attrition: figure(5),
        accounts: buyers.len(),
        concentration: curves(&buyers),
    })
}

fn row(history: &AccountHistory, year_start: Instant, end: Instant) -> Row {
    let mut row = Row::default();
    let exit = history.account.exited_at.filter(|exit| *exit < end);
    let first = history.outcomes.iter().position(|o| o.status != Status::Prospect);
    let customer_since = first.map(|first| {
        let start = history.outcomes[first].period_start;
        // A customer from the first row on was one before the log began.
        if first == 0 { start.min(history.account.entered_at) } else { start }
    });
    let mut began_in_year = None;
    for outcome in &history.outcomes {
        let inside = outcome.period_start >= year_start && outcome.period_end <= end;
        let there = exit.is_none_or(|exit| outcome.period_start < exit);
        let customer = outcome.status != Status::Prospect;
        let until = exit.map_or(outcome.period_end, |exit| exit.min(outcome.period_end));
        let years = until.days_since(outcome.period_start) / 365.25;
        if customer && there {
            row.account_years += years;
        }
        if !inside {
            continue;
        }
        let trailing = &mut row.trailing;
        let began = *began_in_year.get_or_insert(outcome.period_start);
        let since = customer_since.filter(|_| there);
        trailing.customer_before |= since.is_some_and(|since| since < began);
        trailing.customer_after = there && exit.is_none() && outcome.status == Status::Customer;
        if customer && there {
            trailing.customer_years += years;
            trailing.exited |= exit.is_some_and(|exit| exit <= outcome.period_end);
        }
        if customer {
            trailing.year.add(outcome);
            let known_a_year =
                customer_since.is_some_and(|since| outcome.period_start.days_since(since) >= 365.0);
            if known_a_year {
                trailing.repeat_revenue += outcome.revenue;
            }
        }
    }
    if row.trailing.customer_after {
        row.trailing.contacts = contacts_at(history, end);
    }
    row.exits = f64::from(u8::from(exit.is_some()));
    row
}

/// Number of contacts who are with the account at `instant`.
fn contacts_at(history: &AccountHistory, instant: Instant) -> u32 {
    let there = history.contacts.iter().filter(|contact| {
        contact.valid_from.is_none_or(|from| from <= instant)
            && contact.valid_to.is_none_or(|to| to >= instant)
    });
    there.count() as u32
}

/// Cost ratio, revenue ratio, revenue share, profit share, repeat share, attrition.
fn figures(rows: &[Row]) -> Option<[f64; 6]> {
    let trailing: Vec<&Trailing> = rows.iter().map(|row| &row.trailing).collect();
    let sums = Sums::of(&trailing)?;
    let exits: f64 = rows.iter().map(|row| row.exits).sum();
    let years: f64 = rows.iter().map(|row| row.account_years).sum();
    let values = [
        sums.estimate(Moment::CostRatio),
        sums.estimate(Moment::RevenueRatio),
        sums.estimate(Moment::TopFifthRevenueShare),
        sums.estimate(Moment::TopFifthProfitShare),
        sums.estimate(Moment::RepeatRevenueShare),
        exits / years,
    ];
    values.iter().all(|value| value.is_finite()).then_some(values)
}
