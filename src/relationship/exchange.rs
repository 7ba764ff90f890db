//! The non-monetary ledger beside the money: what it holds, and whom it would rank otherwise (H28).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Estimate;
use crate::interaction::{AccountHistory, LedgerComponent, LedgerEntry, Status, ValueDirection};
use crate::rng::Draws;
use crate::stats::{kendall, spearman};
use crate::time::Instant;

/// Fewest accounts for a statement about ranks.
const FEWEST: usize = 10;
/// Accounts with an empty ledger that are named.
const NAMED: usize = 10;

/// What one account gave and got over the trailing year.
#[derive(Debug, Clone, Default)]
struct Row {
    id: String,
    contribution: f64,
    /// Received from the customer \[currency\]: least, middle and most.
    received: [f64; 3],
    entries: u32,
}

/// What changed hands of one kind in one direction, over the trailing year.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentFigures {
    /// What it was.
    pub component: String,
    /// Who gave it: `received` by the firm or `given` by it.
    pub direction: String,
    /// Entries.
    pub entries: u64,
    /// Sum of quantities, in the component's own unit.
    pub quantity: f64,
    /// Sum of the lower ends \[currency\].
    pub value_low: f64,
    /// Sum of the upper ends \[currency\].
    pub value_high: f64,
    /// Entries that nobody has put a price on: they are in no sum.
    pub unpriced: u64,
}

/// How the ledger would change the ranking of accounts by contribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RankShift {
    /// Kendall's τ between the ranks without and with the middle of what was received.
    pub kendall: Estimate,
    /// The same with the lower ends, and with the upper ends.
    pub kendall_low_high: [f64; 2],
    /// Share of the best tenth by contribution that stays there.
    pub top_tenth_kept: Estimate,
    /// Spearman correlation of contribution and what was received (CLV against CRV, in kind); absent where
    /// too few accounts gave anything.
    pub correlation: Option<Estimate>,
}

/// Accounts by contribution and by what they gave beside money, each split at its median.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quadrants {
    /// Much of both.
    pub affluents_who_give: u64,
    /// Much contribution, little or nothing given.
    pub affluents: u64,
    /// Little contribution, much given.
    pub advocates: u64,
    /// Little of both.
    pub others: u64,
}

/// An account among the best fifth by contribution that gave nothing beside money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmptyLedger {
    /// The account.
    pub account_id: String,
    /// Contribution of the trailing year \[currency\].
    pub contribution: f64,
}

/// The non-monetary ledger of the trailing year, beside contribution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeFigures {
    /// Accounts that were customers in the trailing year.
    pub n_accounts: u64,
    /// By component as the sources list them, received first; kinds that never occurred too.
    pub components: Vec<ComponentFigures>,
    /// Whom the ledger would rank otherwise; absent with too few accounts.
    pub rank_shift: Option<RankShift>,
    /// Accounts by contribution and gifts.
    pub quadrants: Quadrants,
    /// Accounts of the best fifth by contribution with an empty ledger.
    pub n_empty: u64,
    /// The ten of them with most contribution.
    pub empty: Vec<EmptyLedger>,
}

/// Takes accounts one by one, over a year.
///
/// # Examples
///
/// ```
/// use rvq::interaction::{Account, AccountHistory, LedgerComponent, LedgerEntry, Outcome, ValueDirection};
/// use rvq::relationship::ValueExchange;
/// use rvq::rng::{Purpose, Streams};
/// use rvq::time::Instant;
///
/// let end: Instant = "2024-01-01T00:00:00Z".parse()?;
/// let mut history = AccountHistory::empty(Account { id: "A1".to_owned(), ..Account::default() });
/// history.outcomes.push(Outcome {
///     period_start: "2023-12-01T00:00:00Z".parse()?,
///     period_end: end,
///     gross_profit: Some(100.0),
///     ..Outcome::default()
/// });
/// history.ledger.push(LedgerEntry {
///     contact: None,
///     occurred_at: "2023-06-01T00:00:00Z".parse()?,
///     component: LedgerComponent::CustomerReferral,
///     direction: ValueDirection::Received,
///     quantity: 1.0,
///     value_low: Some(20.0),
///     value_high: Some(40.0),
/// });
/// let mut exchange = ValueExchange::new(("2023-01-01T00:00:00Z".parse()?, end));
/// exchange.add(&history);
/// let figures = exchange.finish(99, Streams::new(1).global(Purpose::Bootstrap)).expect("a ledger");
/// assert_eq!(figures.components[1].component, "customer_referral");
/// assert_eq!(figures.components[1].value_high, 40.0);
/// assert!(figures.rank_shift.is_none(), "one account has no ranking");
/// # Ok::<(), rvq::time::TimeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ValueExchange {
    from: Instant,
    end: Instant,
    rows: Vec<Row>,
    components: Vec<ComponentFigures>,
    found: bool,
}

impl ValueExchange {
    /// The ledger from the first instant of `year` to before the second.
    pub fn new(year: (Instant, Instant)) -> Self {
        let kinds = ValueDirection::ALL
            .into_iter()
            .flat_map(|direction| LedgerComponent::ALL.map(|component| (component, direction)));
        let empty = |(component, direction): (LedgerComponent, ValueDirection)| ComponentFigures {
            component: component.name().to_owned(),
            direction: direction.name().to_owned(),
            entries: 0,
            quantity: 0.0,
            value_low: 0.0,
            value_high: 0.0,
            unpriced: 0,
        };
        Self {
            from: year.0,
            end: year.1,
            rows: Vec::new(),
            components: kinds.map(empty).collect(),
            found: false,
        }
    }

    /// Takes an account; it counts when it was a customer in a month of the year. The month of exit counts
    /// with what it brought.
    pub fn add(&mut self, history: &AccountHistory) {
        self.found |= !history.ledger.is_empty();
        let months = history.outcomes.iter().filter(|outcome| {
            outcome.period_start >= self.from
                && outcome.period_end <= self.end
                && outcome.status != Status::Prospect
        });
        let mut row = Row { id: history.account.id.clone(), ..Row::default() };
        let mut customer = false;
        for month in months {
            customer |= month.status == Status::Customer;
            row.contribution += month.contribution().unwrap_or(month.revenue);
        }
        if !customer {
            return;
        }
        let in_year = |entry: &&LedgerEntry| (self.from..self.end).contains(&entry.occurred_at);
        for entry in history.ledger.iter().filter(in_year) {
            self.components[position(entry)].add(entry);
            if entry.direction == ValueDirection::Received {
                row.entries += 1;
                let (low, high) = (entry.value_low, entry.value_high);
                let ends = [low.or(high), entry.midpoint(), high.or(low)];
                for (sum, value) in row.received.iter_mut().zip(ends) {
                    *sum += value.unwrap_or(0.0);
                }
            }
        }
        self.rows.push(row);
    }

    /// The figures; intervals resample accounts.
    ///
    /// `None` when no account has an entry, or none was a customer in the trailing year.
    pub fn finish(&self, resamples: u32, draws: Draws) -> Option<ExchangeFigures> {
        if !self.found || self.rows.is_empty() {
            return None;
        }
        let mut best: Vec<&Row> = self.rows.iter().collect();
        best.sort_by(|a, b| b.contribution.total_cmp(&a.contribution).then(a.id.cmp(&b.id)));
        best.truncate(self.rows.len().div_ceil(5));
        let empty: Vec<&Row> = best.into_iter().filter(|row| row.entries == 0).collect();
        let named =
            |row: &&Row| EmptyLedger { account_id: row.id.clone(), contribution: row.contribution };
        Some(ExchangeFigures {
            n_accounts: self.rows.len() as u64,
            components: self.components.clone(),
            rank_shift: (self.rows.len() >= FEWEST)
                .then(|| rank_shift(&self.rows, (resamples, draws)))
                .flatten(),
            quadrants: quadrants(&self.rows),
            n_empty: empty.len() as u64,
            empty: empty.iter().take(NAMED).map(named).collect(),
        })
    }
}

/// Place of an entry's kind among the components.
fn position(entry: &LedgerEntry) -> usize {
    let component = LedgerComponent::ALL.iter().position(|known| *known == entry.component);
    let received = entry.direction == ValueDirection::Received;
    let before = if received { 0 } else { LedgerComponent::ALL.len() };
    before + component.expect("every component is listed")
}

impl ComponentFigures {
    fn add(&mut self, entry: &LedgerEntry) {
        self.entries += 1;
        self.quantity += entry.quantity;
        match entry.midpoint() {
            None => self.unpriced += 1,
            Some(middle) => {
                self.value_low += entry.value_low.unwrap_or(middle);
                self.value_high += entry.value_high.unwrap_or(middle);
            }
        }
    }
}

fn rank_shift(rows: &[Row], resampling: (u32, Draws)) -> Option<RankShift> {
    let n = rows.len();
    let contribution =
        |chosen: &[usize]| -> Vec<f64> { chosen.iter().map(|&at| rows[at].contribution).collect() };
    let with = |chosen: &[usize], end: usize| -> Vec<f64> {
        chosen.iter().map(|&at| rows[at].contribution + rows[at].received[end]).collect()
    };
    let tau =
        |chosen: &[usize], end: usize| kendall(&contribution(chosen), &with(chosen, end)).ok();
    let all: Vec<usize> = (0..n).collect();
    let correlation = |chosen: &[usize]| {
        let received: Vec<f64> = chosen.iter().map(|&at| rows[at].received[1]).collect();
        spearman(&contribution(chosen), &received).ok()
    };
    Some(RankShift {
        kendall: Estimate::bootstrap(n, resampling, |chosen| tau(chosen, 1))?,
        kendall_low_high: [tau(&all, 0)?, tau(&all, 2)?],
        top_tenth_kept: Estimate::bootstrap(n, resampling, |chosen| {
            Some(kept(&contribution(chosen), &with(chosen, 1)))
        })?,
        correlation: Estimate::bootstrap(n, resampling, correlation),
    })
}

/// Share of the best tenth by `before` that is in the best tenth by `after`.
fn kept(before: &[f64], after: &[f64]) -> f64 {
    let best = |values: &[f64]| -> Vec<usize> {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
        order.truncate(values.len().div_ceil(10));
        order.sort_unstable();
        order
    };
    let (first, second) = (best(before), best(after));
    let both = first.iter().filter(|at| second.binary_search(at).is_ok()).count();
    both as f64 / first.len() as f64
}

fn quadrants(rows: &[Row]) -> Quadrants {
    let median = |of: &dyn Fn(&Row) -> f64| {
        let mut values: Vec<f64> = rows.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
    };
    let contribution = median(&|row| row.contribution);
    let received = median(&|row| row.received[1]);
    let mut all = Quadrants::default();
    for row in rows {
        *match (row.contribution > contribution, row.received[1] > received) {
            (true, true) => &mut all.affluents_who_give,
            (true, false) => &mut all.affluents,
            (false, true) => &mut all.advocates,
            (false, false) => &mut all.others,
        } += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interaction::{Account, Outcome};
    use crate::rng::{Purpose, Streams};

    fn end() -> Instant {
        "2024-01-01T00:00:00Z".parse().unwrap()
    }

    fn customer(id: usize, contribution: f64, received: &[f64]) -> AccountHistory {
        let mut history =
            AccountHistory::empty(Account { id: format!("A{id:02}"), ..Account::default() });
        history.outcomes.push(Outcome {
            period_start: end().plus_days(-31.0),
            period_end: end(),
            gross_profit: Some(contribution),
            ..Outcome::default()
        });
        history.ledger = received
            .iter()
            .map(|value| LedgerEntry {
                contact: None,
                occurred_at: end().plus_days(-50.0),
                component: LedgerComponent::Reference,
                direction: ValueDirection::Received,
                quantity: 1.0,
                value_low: Some(value * 0.5),
                value_high: Some(value * 1.5),
            })
            .collect();
        history
    }

    fn figures(histories: &[AccountHistory]) -> Option<ExchangeFigures> {
        let mut exchange = ValueExchange::new((end().plus_days(-365.0), end()));
        for history in histories {
            exchange.add(history);
        }
        exchange.finish(199, Streams::new(1).global(Purpose::Bootstrap))
    }

    #[test]
    fn a_ledger_turns_ranks_round_and_says_who_gave_nothing() {
        // Twenty accounts with contributions 1 to 20; the least one gave as much as 100.
        let histories: Vec<AccountHistory> = (1..=20)
            .map(|n| customer(n, n as f64, if n == 1 { &[60.0, 40.0] } else { &[] }))
            .collect();
        let figures = figures(&histories).unwrap();
        let shift = figures.rank_shift.unwrap();
        // The first overtakes 19 of the 190 pairs.
        assert!((shift.kendall.estimate - (190.0 - 2.0 * 19.0) / 190.0).abs() < 1e-12);
        let ends = shift.kendall_low_high;
        assert!(ends.iter().all(|tau| (tau - shift.kendall.estimate).abs() < 1e-12), "{ends:?}");
        // The best two were 20 and 19; with the ledger 1 and 20.
        assert!((shift.top_tenth_kept.estimate - 0.5).abs() < 1e-12);
        // Every third resample leaves the only giver out: no interval, so no figure.
        assert_eq!(shift.correlation, None);
        assert!(shift.kendall.ci_low <= shift.kendall.estimate);
        assert_eq!(figures.quadrants.advocates, 1);
        assert_eq!(figures.quadrants.affluents, 10);
        assert_eq!(figures.n_empty, 4);
        assert_eq!(figures.empty[0].account_id, "A20");
        let reference = &figures.components[3];
        assert_eq!(
            (reference.entries, reference.value_low, reference.value_high),
            (2, 50.0, 150.0)
        );
    }

    #[test]
    fn without_any_entry_there_is_no_ledger() {
        assert_eq!(figures(&[customer(1, 1.0, &[])]), None);
    }

    #[test]
    fn what_has_no_price_is_counted_and_not_summed() {
        let mut history = customer(1, 5.0, &[10.0]);
        history.ledger[0].value_low = None;
        history.ledger[0].value_high = None;
        let figures = figures(&[history]).unwrap();
        assert_eq!((figures.components[3].unpriced, figures.components[3].value_high), (1, 0.0));
        assert_eq!(figures.n_empty, 0, "an entry without a price is an entry");
    }
}
