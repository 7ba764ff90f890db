//! Features that move with rows which nobody could have known yet.

use std::collections::BTreeMap;

use chrono::Datelike as _;

use super::facts::{AccountFacts, Amount};
use super::joined::Joined;
use super::partial::{Observation, Partial, partial, share_explained, slope};
use crate::audit::finding::{AuditFinding, Severity, Wording};
use crate::stats::roc_auc;
use crate::time::{Calendar, Instant};

const LOOK_AHEAD: Wording = Wording {
    check: "look_ahead",
    why: "the feature knows what only became known after its date: whatever it predicts, it was told",
    remedy: "compute the feature from rows with `known_at` before its date, and nothing else",
};

/// Dates ahead over which levels are held against what follows.
const HORIZONS: [usize; 4] = [1, 3, 6, 12];
/// Dates ahead at which moves are held against one amount.
const LEADS: usize = 12;
/// Share of what as-known data leave open that a level may tell of the future.
const LEVEL_LIMIT: f64 = 0.5;
/// Share of it that a move within one interval may tell of a single later one.
const MOVE_LIMIT: f64 = 0.1;
/// Account-clustered t below which a tie may be an accident, whatever its size.
const SURE: f64 = 5.0;
/// Days of its own past that an account must have in the log.
const PAST_DAYS: f64 = 180.0;

/// The gravest of what the feature tells of later rows, and whether it counts rows not yet known.
pub(super) fn findings(joined: &Joined<'_>, name: &str, grid: &[f64]) -> Vec<AuditFinding> {
    let tied = exits(joined, name, grid).or_else(|| amounts(joined, name, grid));
    match tied {
        Some(finding) => vec![finding],
        None => not_yet_known(joined, name, grid).into_iter().collect(),
    }
}

/// A feature by account and date, with the facts of accounts that the log has.
struct Cells<'a> {
    joined: &'a Joined<'a>,
    grid: &'a [f64],
}

impl<'a> Cells<'a> {
    fn value(&self, account: usize, date: usize) -> Option<f64> {
        let value = self.grid[account * self.joined.dates.len() + date];
        (!value.is_nan()).then_some(value)
    }

    /// Account, date and value wherever the account has a past of its own in the log.
    fn seasoned(&self) -> impl Iterator<Item = (usize, usize, f64, &'a AccountFacts)> + '_ {
        let start = self.joined.span.start();
        let width = self.joined.dates.len();
        (0..self.grid.len()).filter_map(move |cell| {
            let (account, date) = (cell / width, cell % width);
            let facts = self.joined.facts[account].as_ref()?;
            let at = self.joined.dates[date];
            let past = at.days_since(facts.entered_at.max(start));
            let value = self.value(account, date)?;
            (past >= PAST_DAYS && facts.present(at)).then_some((account, date, value, facts))
        })
    }

    fn n_values(&self) -> u64 {
        self.grid.iter().filter(|value| !value.is_nan()).count() as u64
    }
}

/// What may be known at a date and may tell of `amount`: its own past, size and tenure.
fn known(joined: &Joined<'_>, facts: &AccountFacts, amount: Amount, date: usize) -> Vec<f64> {
    let mut known = facts.past(amount, date).to_vec();
    known.push(facts.size);
    known.push(joined.dates[date].days_since(facts.entered_at));
    if amount != Amount::Interactions {
        known.extend(&facts.past(Amount::Interactions, date)[3..]);
    }
    known
}

struct Tie {
    share: f64,
    limit: f64,
    words: String,
    rows: u64,
    examples: Vec<String>,
}

/// The strongest tie of the feature to a later amount, where it is stronger than a forecast.
fn amounts(joined: &Joined<'_>, name: &str, grid: &[f64]) -> Option<AuditFinding> {
    let cells = Cells { joined, grid };
    let mut ties: Vec<Tie> = Vec::new();
    for amount in Amount::ALL {
        for horizon in HORIZONS {
            let rows = levels(&cells, amount, Some(horizon));
            let words = format!("{} of the {horizon} dates after it", amount.name());
            ties.extend(tie(joined, &rows, LEVEL_LIMIT, words));
        }
        let words = format!("{} of the rest of the log", amount.name());
        ties.extend(tie(joined, &levels(&cells, amount, None), LEVEL_LIMIT, words));
        for lead in 1..=LEADS {
            let words = format!("{} {lead} dates ahead", amount.name());
            ties.extend(tie(joined, &moves(&cells, amount, lead), MOVE_LIMIT, words));
        }
    }
    let strongest =
        ties.into_iter().max_by(|a, b| (a.share / a.limit).total_cmp(&(b.share / b.limit)))?;
    let what = format!(
        "`{name}` tells {:.0} % of what was not known of the {} (a forecast: less than {:.0} %)",
        100.0 * strongest.share,
        strongest.words,
        100.0 * strongest.limit
    );
    Some(finding(name, what, (strongest.rows, cells.n_values()), strongest.examples))
}

fn finding(
    name: &str,
    what: String,
    (affected, of): (u64, u64),
    examples: Vec<String>,
) -> AuditFinding {
    AuditFinding {
        check: LOOK_AHEAD.check,
        severity: Severity::Leak,
        about: name.to_owned(),
        affected,
        of,
        unit: "values",
        what,
        examples,
        why: LOOK_AHEAD.why,
        remedy: LOOK_AHEAD.remedy,
    }
}

fn tie(joined: &Joined<'_>, rows: &[Observation], limit: f64, words: String) -> Option<Tie> {
    let Partial { correlation, t, strongest } = partial(rows)?;
    let share = correlation * correlation;
    (share >= limit && t.abs() >= SURE).then(|| {
        let example = |&position: &usize| {
            let Observation { account, date, x, y, .. } = &rows[position];
            format!("{}: {x:.4}, later {y:.4}", joined.place_name(*account, *date))
        };
        let examples = strongest.iter().map(example).collect();
        Tie { share, limit, words, rows: rows.len() as u64, examples }
    })
}

/// The feature's value against the amount of the next `horizon` intervals, or of all that are left.
fn levels(cells: &Cells<'_>, amount: Amount, horizon: Option<usize>) -> Vec<Observation> {
    let joined = cells.joined;
    let dates = joined.dates.len();
    let row = |(account, date, x, facts): (usize, usize, f64, &AccountFacts)| {
        let to = horizon.map_or(dates, |horizon| date + horizon);
        let inside = horizon.is_none() || to < dates;
        inside.then(|| Observation {
            account,
            date,
            x,
            y: facts.sum(amount, date, to),
            known: known(joined, facts, amount, date),
        })
    };
    cells.seasoned().filter_map(row).collect()
}

/// The feature's value, given its value a date before, against the amount of one later interval.
fn moves(cells: &Cells<'_>, amount: Amount, lead: usize) -> Vec<Observation> {
    let joined = cells.joined;
    let dates = joined.dates.len();
    let row = |(account, date, x, facts): (usize, usize, f64, &AccountFacts)| {
        let before = cells.value(account, date.checked_sub(1)?)?;
        (date + lead < dates).then(|| {
            let mut known = known(joined, facts, amount, date);
            known.push(before);
            let y = facts.known[amount as usize][date + lead];
            Observation { account, date, x, y, known }
        })
    };
    cells.seasoned().filter_map(row).collect()
}

/// Distance of an AUC from chance from which on exits are told, not predicted.
const TOLD: f64 = 0.45;
/// How much farther than what is known the feature must be.
const FARTHER: f64 = 0.05;
/// Accounts that must leave.
const LEAST_EXITS: usize = 10;

/// Account, date, value, whether an exit follows, and the account.
type ExitRow<'a> = (usize, usize, f64, bool, &'a AccountFacts);

/// Months after which contracts are commonly renewed.
const CONTRACT_MONTHS: i32 = 12;

/// What is known of every row beside amounts: size, tenure in days, and the share of exits among
/// rows as far into a contract, for contracts of twelve months from the entry.
fn clocks(joined: &Joined<'_>, rows: &[ExitRow<'_>]) -> [Vec<f64>; 3] {
    let tenure = |row: &ExitRow<'_>| joined.dates[row.1].days_since(row.4.entered_at);
    let class = |row: &ExitRow<'_>| {
        let calendar = joined.span.calendar;
        whole_months(calendar, row.4.entered_at, joined.dates[row.1]).rem_euclid(CONTRACT_MONTHS)
    };
    let mut classes: BTreeMap<i32, (f64, f64)> = BTreeMap::new();
    for row in rows {
        let (exits, n) = classes.entry(class(row)).or_default();
        (*exits, *n) = (*exits + f64::from(u8::from(row.3)), *n + 1.0);
    }
    let rate = |row: &ExitRow<'_>| {
        let (exits, n) = classes[&class(row)];
        exits / n
    };
    [
        rows.iter().map(|row| row.4.size).collect(),
        rows.iter().map(tenure).collect(),
        rows.iter().map(rate).collect(),
    ]
}

/// Months that have passed in full.
fn whole_months(calendar: Calendar, from: Instant, to: Instant) -> i32 {
    let begun = calendar.month_of(to).since(calendar.month_of(from));
    begun - i32::from(calendar.date_of(to).day() < calendar.date_of(from).day())
}

/// An AUC of exits that what was known does not reach.
fn exits(joined: &Joined<'_>, name: &str, grid: &[f64]) -> Option<AuditFinding> {
    let cells = Cells { joined, grid };
    HORIZONS.iter().find_map(|&horizon| {
        let mut rows: Vec<ExitRow<'_>> = Vec::new();
        for (account, date, x, facts) in cells.seasoned() {
            let Some(end) = joined.dates.get(date + horizon) else { continue };
            let exits = facts.exited_at.is_some_and(|exit| exit < *end);
            rows.push((account, date, x, exits, facts));
        }
        let mut leaving: Vec<usize> = rows.iter().filter(|row| row.3).map(|row| row.0).collect();
        leaving.dedup();
        if leaving.len() < LEAST_EXITS {
            return None;
        }
        let event: Vec<bool> = rows.iter().map(|row| row.3).collect();
        let distance = |values: Vec<f64>| roc_auc(&values, &event).map_or(0.0, |auc| (auc - 0.5).abs());
        let own = distance(rows.iter().map(|row| row.2).collect());
        if own < TOLD {
            return None;
        }
        let of_known = |amount: Amount, at: usize| {
            distance(rows.iter().map(|row| row.4.past(amount, row.1)[at]).collect())
        };
        let best = Amount::ALL
            .into_iter()
            .flat_map(|amount| (0..5).map(move |at| (amount, at)))
            .map(|(amount, at)| of_known(amount, at))
            .chain(clocks(joined, &rows).into_iter().map(&distance))
            .fold(0.0, f64::max);
        (own >= best + FARTHER).then(|| {
            let told = rows.iter().filter(|row| row.3).take(3);
            let example = |row: &ExitRow<'_>| {
                format!("{}: {:.4}, then an exit", joined.place_name(row.0, row.1), row.2)
            };
            let what = format!(
                "`{name}` tells the exits of the next {horizon} dates with an AUC of {:.3}; what was \
                 known reaches {:.3}",
                0.5 + own,
                0.5 + best
            );
            let count = (rows.len() as u64, cells.n_values());
            finding(name, what, count, told.map(example).collect())
        })
    })
}

const IGNORED: Wording = Wording {
    check: "known_at_ignored",
    why: "the feature counts rows from the day they happened, though they were entered later: at \
          its date nobody could have read them",
    remedy: "filter by `known_at`, not by `occurred_at`",
};

/// Late values below which nothing is said.
const LEAST_LATE: usize = 30;
/// Share of its own news that a feature must owe to the rows to be made of them: any other may hear
/// of what happened from elsewhere.
const MADE_OF_ROWS: f64 = 0.5;

/// Rows that happened in an interval and were entered after it move a feature made of rows at once,
/// by more than half of what rows known in time do.
///
/// ```text
/// x_t = a + c·x_{t−1} + purchases and revenue known + b·on_time_t + d·late_t + e
/// leak: d > b/2 by five standard errors, and the rows explain half of what c leaves of x or more
/// ```
fn not_yet_known(joined: &Joined<'_>, name: &str, grid: &[f64]) -> Option<AuditFinding> {
    let cells = Cells { joined, grid };
    let made_of = [Amount::RelativeValue, Amount::Interactions]
        .map(|amount| {
            let news = News::new(&cells, amount);
            (news.made_of_rows(), news)
        })
        .into_iter()
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let (_, news) = made_of.filter(|(share, _)| *share >= MADE_OF_ROWS)?;
    let beyond = news.late_beyond_half().filter(|t| *t >= SURE)?;
    let late: Vec<usize> = (0..news.late.len()).filter(|&i| news.late[i] != 0.0).collect();
    let words = news.amount.name();
    let example = |&i: &usize| {
        let place = joined.place_name(news.accounts[i], news.dates[i]);
        format!("{place}: {:.4} of {words} not yet known", news.late[i])
    };
    (late.len() >= LEAST_LATE).then(|| AuditFinding {
        check: IGNORED.check,
        severity: Severity::Leak,
        about: name.to_owned(),
        affected: late.len() as u64,
        of: news.late.len() as u64,
        unit: "values",
        what: format!(
            "rows that were entered later move `{name}` at once, like rows known in time ({words}, \
             t = {beyond:.1} beyond half)"
        ),
        examples: late.iter().take(3).map(example).collect(),
        why: IGNORED.why,
        remedy: IGNORED.remedy,
    })
}

/// A feature wherever it was there a date before, with what happened between the two.
struct News {
    amount: Amount,
    accounts: Vec<usize>,
    dates: Vec<usize>,
    now: Vec<f64>,
    /// The feature a date before, and the purchases and revenue that became known since.
    known: [Vec<f64>; 3],
    on_time: Vec<f64>,
    late: Vec<f64>,
}

impl News {
    fn new(cells: &Cells<'_>, amount: Amount) -> Self {
        let mut news = Self {
            amount,
            accounts: Vec::new(),
            dates: Vec::new(),
            now: Vec::new(),
            known: [const { Vec::new() }; 3],
            on_time: Vec::new(),
            late: Vec::new(),
        };
        for (account, date, value, facts) in cells.seasoned() {
            let Some(before) = date.checked_sub(1).and_then(|date| cells.value(account, date))
            else {
                continue;
            };
            news.accounts.push(account);
            news.dates.push(date);
            news.now.push(value);
            let paid = facts.known[Amount::Revenue as usize][date];
            for (column, value) in news.known.iter_mut().zip([before, facts.purchases[date], paid])
            {
                column.push(value);
            }
            news.on_time.push(facts.on_time[amount as usize][date]);
            news.late.push(facts.late[amount as usize][date]);
        }
        news
    }

    fn known(&self) -> Vec<&[f64]> {
        self.known.iter().map(Vec::as_slice).collect()
    }

    fn made_of_rows(&self) -> f64 {
        share_explained(&self.now, &[&self.on_time, &self.late], &self.known())
    }

    /// Standard errors by which d exceeds b/2, in the direction of b; none when b is nothing.
    fn late_beyond_half(&self) -> Option<f64> {
        let mut known = self.known();
        let (in_time, t) = slope(&self.now, &self.on_time, &known, &self.accounts)?;
        // b·on_time + d·late = b·(on_time + late/2) + (d − b/2)·late
        let middle: Vec<f64> =
            self.on_time.iter().zip(&self.late).map(|(a, b)| a + b / 2.0).collect();
        known.push(&middle);
        let (_, beyond) = slope(&self.now, &self.late, &known, &self.accounts)?;
        (t.abs() >= SURE).then_some(in_time.signum() * beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::sample::{at, span};
    use crate::ingest::FeatureTable;

    /// Entry and exit of an account with contracts of twelve months, the first two to five kept.
    fn life(account: usize) -> (Instant, Instant) {
        let calendar = span().calendar;
        let begun = span().first.plus(-24 + (account % 24) as i32);
        let ends = begun.plus(12 * (2 + (account / 24 % 4) as i32));
        let day = (account % 28) as f64;
        (calendar.start_of(begun).plus_days(day), calendar.start_of(ends).plus_days(day))
    }

    /// 240 such accounts and their rows at every month end of their lives; nothing else is known.
    fn rows() -> FeatureTable {
        let mut table = FeatureTable {
            name: "f.csv".to_owned(),
            accounts: Vec::new(),
            contacts: None,
            as_of: Vec::new(),
            folds: None,
            columns: Vec::new(),
            texts: Vec::new(),
        };
        for account in 0..240 {
            let (entered, exit) = life(account);
            for month in 0..24 {
                let as_of = span().calendar.end_of(span().first.plus(month));
                if entered < as_of && as_of <= exit {
                    table.accounts.push(format!("{account:03}"));
                    table.as_of.push(as_of);
                }
            }
        }
        table
    }

    fn facts(account: usize, dates: usize) -> AccountFacts {
        let none = || vec![0.0; dates + 1];
        let (entered_at, exit) = life(account);
        AccountFacts {
            entered_at,
            exited_at: Some(exit),
            size: 1.0,
            parent: None,
            known: std::array::from_fn(|_| none()),
            on_time: [none(), none()],
            late: [none(), none()],
            purchases: none(),
            with_purchases: [0.0; 2],
        }
    }

    /// Whether a feature of account and date is told of exits.
    fn told(feature: impl Fn(usize, Instant) -> f64) -> bool {
        let table = rows();
        let mut joined = Joined::new(&table, span());
        let dates = joined.dates.len();
        joined.facts = (0..240).map(|account| Some(facts(account, dates))).collect();
        let mut grid = vec![f64::NAN; 240 * dates];
        for &(account, date) in &joined.places {
            grid[account * dates + date] = feature(account, joined.dates[date]);
        }
        exits(&joined, "feature", &grid).is_some()
    }

    #[test]
    fn a_renewal_clock_is_no_leak_where_contracts_end_and_the_exit_itself_is() {
        let since = |account: usize, date| whole_months(span().calendar, life(account).0, date);
        assert!(!told(|account, date| f64::from(since(account, date) % 12)));
        assert!(!told(|account, date| f64::from(since(account, date))));
        assert!(told(|account, date| life(account).1.days_since(date)));
    }

    #[test]
    fn months_pass_on_the_day_of_the_first() {
        let months = |from, to| whole_months(Calendar::UTC, at(from), at(to));
        assert_eq!(months("2024-01-15", "2025-01-14"), 11);
        assert_eq!(months("2024-01-15", "2025-01-15"), 12);
    }
}
