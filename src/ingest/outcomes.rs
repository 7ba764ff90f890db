//! Outcomes: periods as the source gives them, or dated amounts summed per calendar month.

use std::collections::BTreeMap;

use super::assemble::{Assembly, Taken};
use super::checked::{Checked, check_known};
use super::field::Field;
use super::ledger::{Breach, Reason};
use super::mapping::Mapping;
use super::row::Row;
use crate::interaction::{Account, Outcome, Status};
use crate::time::{Instant, Month};

/// Amounts of one account, by month.
#[derive(Debug, Default)]
pub(super) struct Months {
    sums: BTreeMap<Month, Sums>,
}

/// Amounts of one month, each summed in the order of the source; absent when no row had it.
#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    revenue: f64,
    gross_profit: Option<f64>,
    cost_to_engage: Option<f64>,
    cost_to_serve: Option<f64>,
}

fn add(sum: &mut Option<f64>, amount: Option<f64>) {
    if let Some(amount) = amount {
        *sum = Some(sum.unwrap_or(0.0) + amount);
    }
}

/// Amounts of one dated row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    at: Instant,
    revenue: f64,
    gross_profit: Option<f64>,
    cost_to_engage: Option<f64>,
    cost_to_serve: Option<f64>,
}

/// The amounts of `row`.
pub(super) fn amount(assembly: &Assembly<'_>, row: Row<'_>) -> Result<Checked, Breach> {
    let account = row.needed_text(Field::AccountId)?;
    let at = row.needed_instant(Field::OccurredAt)?;
    if let Some(why) = assembly.outside_span(at) {
        return Ok(Checked::Aside(why));
    }
    assembly.check_account(row, &account)?;
    assembly.check_entry(row, &account, (Field::OccurredAt, at))?;
    let amount = Amount {
        at,
        revenue: row.needed_number(Field::Revenue)?,
        gross_profit: row.number(Field::GrossProfit)?,
        cost_to_engage: row.number(Field::CostToEngage)?,
        cost_to_serve: row.number(Field::CostToServe)?,
    };
    Ok(Checked::Amount(account, amount))
}

/// Adds amounts to the sums of their month.
pub(super) fn add_amount(assembly: &mut Assembly<'_>, account: &str, amount: Amount) -> Taken {
    let month = assembly.mapping.calendar().month_of(amount.at);
    let draft = assembly.draft(account);
    draft.seen(amount.at);
    let sums = draft.months.sums.entry(month).or_default();
    sums.revenue += amount.revenue;
    add(&mut sums.gross_profit, amount.gross_profit);
    add(&mut sums.cost_to_engage, amount.cost_to_engage);
    add(&mut sums.cost_to_serve, amount.cost_to_serve);
    Taken::Combined
}

/// Start and end of the row's period.
fn bounds(assembly: &Assembly<'_>, row: Row<'_>) -> Result<(Instant, Instant), Breach> {
    if row.plan.block.columns.contains_key(&Field::Month)
        || row.plan.block.lookup.as_ref().is_some_and(|l| l.columns.contains_key(&Field::Month))
        || row.plan.block.constants.contains_key(&Field::Month)
    {
        let text = row.needed_text(Field::Month)?;
        let month: Month = text.parse().map_err(|error: crate::time::TimeError| {
            row.breach(Field::Month, Reason::NotATime, error.to_string())
        })?;
        let calendar = assembly.mapping.calendar();
        return Ok((calendar.start_of(month), calendar.end_of(month)));
    }
    let start = row.needed_instant(Field::PeriodStart)?;
    let end = row.needed_instant(Field::PeriodEnd)?;
    if end <= start {
        let message = format!("{end} is not after {start}, when the period begins");
        return Err(row.breach(Field::PeriodEnd, Reason::EndsBeforeItBegins, message));
    }
    Ok((start, end))
}

/// The column that says which period a row is of.
fn when(row: Row<'_>) -> Field {
    if row.plan.block.columns.contains_key(&Field::Month) { Field::Month } else { Field::PeriodEnd }
}

/// The period of `row`.
pub(super) fn period(assembly: &Assembly<'_>, row: Row<'_>) -> Result<Checked, Breach> {
    let account = row.needed_text(Field::AccountId)?;
    let (period_start, period_end) = bounds(assembly, row)?;
    let last_moment = Instant::from_micros(period_end.micros() - 1);
    if let Some(why) =
        assembly.outside_span(period_start).or_else(|| assembly.outside_span(last_moment))
    {
        return Ok(Checked::Aside(why));
    }
    assembly.check_account(row, &account)?;
    // A period that holds the entry counts: accounts seldom enter on the first of a month.
    assembly.check_entry(row, &account, (when(row), last_moment))?;
    let known_at = row.instant(Field::KnownAt)?;
    check_known(row, period_end, known_at)?;
    let outcome = Outcome {
        period_start,
        period_end,
        known_at: known_at.unwrap_or(period_end),
        revenue: row.needed_number(Field::Revenue)?,
        gross_profit: row.number(Field::GrossProfit)?,
        cost_to_engage: row.number(Field::CostToEngage)?,
        cost_to_serve: row.number(Field::CostToServe)?,
        customer_effort_cost: row.number(Field::CustomerEffortCost)?,
        wallet_size: row.number_within(Field::WalletSize, 0.0..=f64::INFINITY)?,
        share_of_wallet: row.number_within(Field::ShareOfWallet, 0.0..=1.0)?,
        status: Status::Customer,
    };
    Ok(Checked::Outcome(account, Box::new(outcome), row.word(Field::Status)?))
}

/// Adds a period, which may share no time with another of the account.
pub(super) fn add_period(
    assembly: &mut Assembly<'_>,
    row: Row<'_>,
    account: &str,
    outcome: Outcome,
    status: Option<Status>,
) -> Result<Taken, Breach> {
    let (period_start, period_end) = (outcome.period_start, outcome.period_end);
    let draft = assembly.draft(account);
    if draft.outcomes.contains_key(&period_start) {
        let message = format!("account `{account}` already has a period from {period_start}");
        return Err(row.breach(when(row), Reason::Duplicate, message));
    }
    let before = draft.outcomes.range(..period_start).next_back();
    let after = draft.outcomes.range(period_start..).next();
    if before.is_some_and(|(_, other)| other.period_end > period_start)
        || after.is_some_and(|(&start, _)| start < period_end)
    {
        let message = format!("shares time with another period of account `{account}`");
        return Err(row.breach(when(row), Reason::OverlappingPeriod, message));
    }
    draft.seen(period_start);
    let status = status.unwrap_or_else(|| draft.status_in(period_start));
    draft.outcomes.insert(period_start, Outcome { status, ..outcome });
    Ok(Taken::Made)
}

/// Status where the log states none: exited once the period begins after the exit.
pub(super) fn status_in(exited_at: Option<Instant>, period_start: Instant) -> Status {
    if exited_at.is_some_and(|exit| exit <= period_start) {
        Status::Exited
    } else {
        Status::Customer
    }
}

impl Months {
    /// One outcome per month from entry (or the log's start) until exit (or the log's end).
    ///
    /// Months without rows are 0: the log covers them and nothing was spent. Amounts of which the
    /// account has no value in any month stay absent.
    pub(super) fn outcomes(&self, mapping: &Mapping, account: &Account) -> Vec<Outcome> {
        let aggregates = mapping.blocks.iter().any(|block| block.aggregate);
        let (Some(start), Some(end)) = (mapping.data_start(), mapping.data_end()) else {
            return Vec::new();
        };
        if !aggregates {
            return Vec::new();
        }
        let calendar = mapping.calendar();
        let first = calendar.month_of(account.entered_at.max(start));
        let mut until = calendar.month_of(end);
        if let Some(exit) = account.exited_at {
            let last_row = self.sums.keys().next_back().map(|month| month.plus(1));
            let exit = calendar.month_of(exit).plus(1);
            until = until.min(last_row.map_or(exit, |last| last.max(exit)));
        }
        let any = |of: fn(&Sums) -> Option<f64>| self.sums.values().any(|sums| of(sums).is_some());
        let (profit, engage, serve) =
            (any(|s| s.gross_profit), any(|s| s.cost_to_engage), any(|s| s.cost_to_serve));
        (0..until.since(first).max(0))
            .map(|offset| {
                let month = first.plus(offset);
                let sums = self.sums.get(&month).copied().unwrap_or_default();
                let filled = |known: bool, sum: Option<f64>| known.then(|| sum.unwrap_or(0.0));
                let (period_start, period_end) = (calendar.start_of(month), calendar.end_of(month));
                Outcome {
                    period_start,
                    period_end,
                    known_at: period_end,
                    revenue: sums.revenue,
                    gross_profit: filled(profit, sums.gross_profit),
                    cost_to_engage: filled(engage, sums.cost_to_engage),
                    cost_to_serve: filled(serve, sums.cost_to_serve),
                    status: status_in(account.exited_at, period_start),
                    ..Outcome::default()
                }
            })
            .collect()
    }
}
