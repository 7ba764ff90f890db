//! The starting benchmark: the top fifth of accounts against the others, over the trailing year;
//! attrition over the whole log.

use crate::ids::{AccountIndex, ContactIndex};
use crate::interaction::{AccountHistory, Status};
use crate::rng::{Purpose, Streams};
use crate::time::Instant;

use super::concentration::{Concentration, Year, curves};

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
    year: Year,
    repeat_revenue: f64,
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

    /// The figures; intervals resample accounts.
    ///
    /// `None` when fewer than ten accounts with gross profit were customers, or one of the figures is
    /// not a number, as the cost ratio is without recorded cost.
    pub fn finish(&self, resamples: u32, streams: Streams) -> Option<BenchmarkFigures> {
        if self.rows.len() < 10 {
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
        rows.iter().map(|row| row.year).filter(|year| year.revenue > 0.0).collect();
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
    let first = history.outcomes.iter().position(|o| o.status != Status::Prospect);
    let customer_since = first.map(|first| {
        let start = history.outcomes[first].period_start;
        // A customer from the first row on was one before the log began.
        if first == 0 { start.min(history.account.entered_at) } else { start }
    });
    for outcome in &history.outcomes {
        let inside = outcome.period_start >= year_start && outcome.period_end <= end;
        let there = history.account.exited_at.is_none_or(|exit| outcome.period_start < exit);
        if outcome.status != Status::Prospect && there {
            row.account_years += outcome.period_end.days_since(outcome.period_start) / 365.25;
        }
        if inside && outcome.status != Status::Prospect {
            row.year.add(outcome);
            let known_a_year =
                customer_since.is_some_and(|since| outcome.period_start.days_since(since) >= 365.0);
            if known_a_year {
                row.repeat_revenue += outcome.revenue;
            }
        }
    }
    row.exits = f64::from(u8::from(history.account.exited_at.is_some_and(|exit| exit < end)));
    row
}

/// Cost ratio, revenue ratio, revenue share, profit share, repeat share, attrition.
fn figures(rows: &[Row]) -> Option<[f64; 6]> {
    let mut buyers: Vec<&Row> = rows.iter().filter(|row| row.year.revenue > 0.0).collect();
    buyers.sort_by(|a, b| b.year.contribution.total_cmp(&a.year.contribution));
    let top = (buyers.len() as f64 / 5.0).round() as usize;
    if top == 0 || top == buyers.len() {
        return None;
    }
    let (best, others) = buyers.split_at(top);
    let sum =
        |part: &[&Row], value: fn(&Row) -> f64| part.iter().map(|row| value(row)).sum::<f64>();
    let ratio = |value: fn(&Row) -> f64| {
        (sum(best, value) / best.len() as f64) / (sum(others, value) / others.len() as f64)
    };
    let share = |value: fn(&Row) -> f64| sum(best, value) / sum(&buyers, value);
    let revenue = |row: &Row| row.year.revenue;
    let repeat = |row: &Row| row.repeat_revenue;
    let exits: f64 = rows.iter().map(|row| row.exits).sum();
    let years: f64 = rows.iter().map(|row| row.account_years).sum();
    let values = [
        ratio(|row| row.year.cost_to_engage),
        ratio(revenue),
        share(revenue),
        share(|row| row.year.contribution),
        sum(&buyers, repeat) / sum(&buyers, revenue),
        exits / years,
    ];
    values.iter().all(|value| value.is_finite()).then_some(values)
}
