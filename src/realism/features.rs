//! What is compared: counts per account, so that drawing accounts anew is adding them up.

use std::collections::BTreeMap;

use serde::Serialize;

use super::distance::{jensen_shannon, wasserstein};
use crate::flow::fit::AccountRecord;
use crate::time::{Calendar, Instant};

/// One way in which two logs may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Shares of the interaction types.
    Types,
    /// Shares of pairs of types that follow each other at one contact.
    Pairs,
    /// Shares of triples of types that follow each other at one contact.
    Triples,
    /// Logarithm of the time between two interactions of one contact.
    Waits,
    /// Day of the week and hour.
    Hours,
    /// Month of the year.
    Months,
    /// Interactions per contact and calendar month.
    Counts,
    /// Purchases per customer and calendar month.
    Purchases,
    /// Share of contacts' calendar months in which the contact leaves.
    Exits,
}

impl Aspect {
    /// All aspects.
    pub const ALL: [Self; 9] = [
        Self::Types,
        Self::Pairs,
        Self::Triples,
        Self::Waits,
        Self::Hours,
        Self::Months,
        Self::Counts,
        Self::Purchases,
        Self::Exits,
    ];

    /// What is compared and how, for a reader.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Types => "types of interaction [Jensen-Shannon]",
            Self::Pairs => "two types in a row [Jensen-Shannon]",
            Self::Triples => "three types in a row [Jensen-Shannon]",
            Self::Waits => "time between interactions [Wasserstein, log days]",
            Self::Hours => "day of the week and hour [Jensen-Shannon]",
            Self::Months => "month of the year [Jensen-Shannon]",
            Self::Counts => "interactions per contact-month [Wasserstein]",
            Self::Purchases => "purchases per customer-month [Wasserstein]",
            Self::Exits => "exits per contact-month [difference]",
        }
    }

    /// Cells of an ordered aspect; `None` where cells are whatever occurs.
    const fn cells(self) -> Option<usize> {
        match self {
            Self::Types | Self::Pairs | Self::Triples => None,
            Self::Waits => Some(WAIT_CELLS),
            Self::Hours => Some(7 * 24),
            Self::Months => Some(12),
            Self::Counts | Self::Purchases => Some(MOST_A_MONTH + 1),
            Self::Exits => Some(2),
        }
    }

    pub(super) fn distance(self, a: &[f64], b: &[f64]) -> f64 {
        match self {
            Self::Types | Self::Pairs | Self::Triples | Self::Hours | Self::Months => {
                jensen_shannon(a, b)
            }
            Self::Waits => wasserstein(a, b, WAIT_CELL),
            Self::Counts | Self::Purchases | Self::Exits => wasserstein(a, b, 1.0),
        }
    }
}

/// Width of a cell of log waits, and their number: from 0.001 days to over 20 years.
const WAIT_CELL: f64 = 0.05;
const WAIT_CELLS: usize = 320;

/// More in a month count as this many.
const MOST_A_MONTH: usize = 60;

/// Counts of one account, by aspect: (cell, count).
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    by_aspect: [Vec<(u64, f64)>; 9],
}

impl Counts {
    pub(super) fn of(account: &AccountRecord, calendar: Calendar) -> Self {
        let mut maps: [BTreeMap<u64, f64>; 9] = Default::default();
        let mut add = |aspect: Aspect, cell: u64| {
            *maps[aspect as usize].entry(cell).or_default() += 1.0;
        };
        for contact in &account.contacts {
            let kinds: Vec<u64> = contact.rows.iter().map(|row| u64::from(row.kind.0)).collect();
            for &kind in &kinds {
                add(Aspect::Types, kind);
            }
            for pair in kinds.windows(2) {
                add(Aspect::Pairs, (pair[0] << 16) | pair[1]);
            }
            for triple in kinds.windows(3) {
                add(Aspect::Triples, (triple[0] << 32) | (triple[1] << 16) | triple[2]);
            }
            let mut before = contact.start;
            for row in &contact.rows {
                add(Aspect::Waits, wait_cell(row.at.days_since(before)));
                before = row.at;
                let (weekday, hour) = calendar.weekday_and_hour(row.at);
                add(Aspect::Hours, u64::from(weekday * 24 + hour));
                add(Aspect::Months, calendar.month_of(row.at).of_year());
            }
            let at: Vec<Instant> = contact.rows.iter().map(|row| row.at).collect();
            for (from, to, count) in by_month(&at, contact.start, contact.until, calendar) {
                add(Aspect::Counts, count.min(MOST_A_MONTH) as u64);
                if contact.left_at.is_none_or(|left| left >= from) {
                    let leaves = contact.left_at.is_some_and(|left| left < to);
                    add(Aspect::Exits, u64::from(leaves));
                }
            }
        }
        if let Some((from, to)) = account.customer {
            let mut at: Vec<Instant> = account.purchases.iter().map(|(at, _)| *at).collect();
            at.sort_unstable();
            for (_, _, count) in by_month(&at, from, to, calendar) {
                add(Aspect::Purchases, count.min(MOST_A_MONTH) as u64);
            }
        }
        Self { by_aspect: maps.map(|map| map.into_iter().collect()) }
    }
}

fn wait_cell(days: f64) -> u64 {
    let log = days.max(1e-3).ln() - 1e-3_f64.ln();
    ((log / WAIT_CELL) as u64).min(WAIT_CELLS as u64 - 1)
}

/// Whole calendar months inside `[from, to)` with the number of instants in each.
fn by_month(
    at: &[Instant],
    from: Instant,
    to: Instant,
    calendar: Calendar,
) -> Vec<(Instant, Instant, usize)> {
    let mut month = calendar.month_of(from);
    if calendar.start_of(month) < from {
        month = month.plus(1);
    }
    let mut months = Vec::new();
    while calendar.end_of(month) <= to {
        let (start, end) = (calendar.start_of(month), calendar.end_of(month));
        let count = at.partition_point(|at| *at < end) - at.partition_point(|at| *at < start);
        months.push((start, end, count));
        month = month.plus(1);
    }
    months
}

/// The cells of every aspect over several logs, and accounts as positions in them.
#[derive(Debug)]
pub(super) struct Cells {
    known: [Vec<u64>; 9],
}

/// One account as (position of the cell, count), by aspect.
pub(super) type Dense = [Vec<(u32, f64)>; 9];

impl Cells {
    pub(super) fn over<'a>(all: &(impl Iterator<Item = &'a Counts> + Clone)) -> Self {
        let known = Aspect::ALL.map(|aspect| {
            if let Some(cells) = aspect.cells() {
                return (0..cells as u64).collect();
            }
            let mut cells: Vec<u64> = all
                .clone()
                .flat_map(|counts| counts.by_aspect[aspect as usize].iter().map(|(c, _)| *c))
                .collect();
            cells.sort_unstable();
            cells.dedup();
            cells
        });
        Self { known }
    }

    pub(super) fn place(&self, counts: &Counts) -> Dense {
        Aspect::ALL.map(|aspect| {
            let known = &self.known[aspect as usize];
            counts.by_aspect[aspect as usize]
                .iter()
                .map(|(cell, count)| {
                    let position = known.binary_search(cell).expect("cells of all logs are known");
                    (position as u32, *count)
                })
                .collect()
        })
    }

    /// Sum over accounts, by aspect.
    pub(super) fn sum<'a>(&self, accounts: impl Iterator<Item = &'a Dense>) -> [Vec<f64>; 9] {
        let mut sums = Aspect::ALL.map(|aspect| vec![0.0; self.known[aspect as usize].len()]);
        for account in accounts {
            for (sum, cells) in sums.iter_mut().zip(account) {
                for &(cell, count) in cells {
                    sum[cell as usize] += count;
                }
            }
        }
        sums
    }
}
