//! Which types answer which: a test of pairs that stand next to each other more often than chance.
//!
//! Two p-values guard a pair "`a`, then `b`" at a level, and the larger one counts.
//! - The hypergeometric tail: among the rows that come next, `b` is over-represented after `a`.
//! - The binomial tail: `b` next after `a` is more frequent than `a` next after `b`. Contacts that
//!   merely differ in what they do produce both orders alike, so they produce no answers. Where `a`
//!   moves the contact, so that the order cannot be turned round, `b` must be more frequent first
//!   after the move than second; where only `b` moves it, the first tail stands alone.
//!
//! Holm's correction covers all pairs that could stand next to each other. A pair that passes is
//! taken out before the others are judged.

use std::collections::BTreeMap;

use statrs::distribution::{Binomial, DiscreteCDF};
use statrs::function::gamma::ln_gamma;

use super::levels::{Event, Levels, Path};
use super::prepare::Types;
use crate::ids::TypeIndex;
use crate::time::Instant;

/// Family-wise error rate of the test.
pub(super) const LEVEL: f64 = 0.05;

/// Fewer rows in a row are no pair.
const LEAST: u64 = 3;

/// A pair that stands out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    /// Level at which `after` happens.
    pub(super) level: u16,
    pub(super) after: u16,
    pub(super) then: u16,
    /// Share of `after` that is followed by `then` beyond chance.
    pub(super) excess: f64,
    /// Mean time between them \[days\].
    pub(super) lag_days: f64,
    pub(super) p_adjusted: f64,
}

/// Neighbours in one record: a row, the row next to it, and the time between.
#[derive(Debug, Clone, Copy)]
struct Neighbours {
    first: (u16, u16),
    second: (u16, u16),
    lag_days: f64,
    /// Type of the row after the second, at the same level.
    third: Option<u16>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Cell {
    count: u64,
    lag_days: f64,
    /// How often the row after it is of the same type, and how often a row of this type comes
    /// second after a first of another.
    both: u64,
    second_only: u64,
}

/// The pairs that pass the test, strongest first, without any that would lead back to itself; and
/// the number of pairs tested.
pub(super) fn find(paths: &[&Path], levels: &Levels, types: &Types) -> (Vec<Pair>, usize) {
    let mut tables = Tables::new();
    for neighbours in paths.iter().flat_map(|path| neighbours(path)) {
        let ((level, kind), (next_level, next)) = (neighbours.first, neighbours.second);
        let table = tables.entry(next_level).or_default();
        let cell = table.entry((level, kind, next)).or_default();
        cell.count += 1;
        cell.lag_days += neighbours.lag_days;
        cell.both += u64::from(neighbours.third == Some(next));
        if let Some(third) = neighbours.third.filter(|third| *third != next) {
            table.entry((level, kind, third)).or_default().second_only += 1;
        }
    }
    let test_all = |tables: &Tables, level: u16| test(&tables[&level], level, levels, types);
    let mut tested: BTreeMap<u16, Tested> =
        tables.keys().map(|&level| (level, test_all(&tables, level))).collect();
    let n_tested = tested.values().map(|tested| tested.pairs).sum();
    let mut kept: Vec<Pair> = Vec::new();
    // The strongest pair is taken out of the tables before the rest is judged: where an answer
    // comes next, nothing else does, and that must not look like an answer to something else.
    while let Some(pair) = strongest(&tested, n_tested, &kept) {
        for (level, table) in &mut tables {
            let cell = (pair.level, pair.after, pair.then);
            if table.remove(&cell).is_some() {
                tested.insert(*level, test(table, *level, levels, types));
            }
        }
        kept.push(pair);
    }
    (kept, n_tested)
}

/// By level of the later row: cells by (level and type of the earlier, type of the later).
type Tables = BTreeMap<u16, BTreeMap<(u16, u16, u16), Cell>>;

/// Pairs of one table with their p-values, of all that could be there.
#[derive(Debug, Default)]
struct Tested {
    pairs: usize,
    found: Vec<(f64, Pair)>,
}

/// The pair with the smallest p-value, if it passes: the first step of Holm's procedure among the
/// pairs that are left.
fn strongest(tested: &BTreeMap<u16, Tested>, n_tested: usize, kept: &[Pair]) -> Option<Pair> {
    let all = tested.values().flat_map(|tested| &tested.found);
    let free = all.filter(|(_, pair)| pair.excess > 0.0 && !leads_back(kept, pair));
    let (p, pair) = free.min_by(|(p, a), (q, b)| {
        p.total_cmp(q).then((a.level, a.after, a.then).cmp(&(b.level, b.after, b.then)))
    })?;
    let p_adjusted = (p * (n_tested - kept.len()) as f64).min(1.0);
    (p_adjusted <= LEVEL).then(|| Pair { p_adjusted, ..pair.clone() })
}

fn neighbours(path: &Path) -> Vec<Neighbours> {
    let mut all: Vec<Neighbours> = Vec::new();
    let mut before: Option<(Instant, u16, u16)> = None;
    // Whether the last of `all` ends in the row before.
    let mut joined = false;
    for event in &path.events {
        let Event::Row { at, kind, level, .. } = *event else {
            (before, joined) = (None, false);
            continue;
        };
        if let Some(last) = all.last_mut().filter(|last| joined && last.second.0 == level) {
            last.third = Some(kind);
        }
        joined = false;
        if let Some((then, first_kind, first_level)) = before {
            let lag_days = at.days_since(then);
            // Rows of one instant have no order.
            if lag_days > 0.0 {
                let (first, second) = ((first_level, first_kind), (level, kind));
                all.push(Neighbours { first, second, lag_days, third: None });
                joined = true;
            }
        }
        before = Some((at, kind, level));
    }
    all
}

/// Tests all pairs whose later row is at `next_level`.
fn test(
    table: &BTreeMap<(u16, u16, u16), Cell>,
    next_level: u16,
    levels: &Levels,
    types: &Types,
) -> Tested {
    let mut rows: BTreeMap<(u16, u16), u64> = BTreeMap::new();
    let mut columns: BTreeMap<u16, u64> = BTreeMap::new();
    let mut total = 0;
    for (&(level, kind, next), cell) in table {
        *rows.entry((level, kind)).or_default() += cell.count;
        *columns.entry(next).or_default() += cell.count;
        total += cell.count;
    }
    let mut tested = Tested::default();
    for (&(level, after), &row) in &rows {
        let stage = levels.stages[usize::from(level)];
        for (&then, &column) in &columns {
            let fits = types.entries()[usize::from(then)].stage == stage;
            if then == after || !fits {
                continue;
            }
            tested.pairs += 1;
            let Some(cell) = table.get(&(level, after, then)).filter(|c| c.count >= LEAST) else {
                continue;
            };
            let mut p = hypergeometric_tail(cell.count, row, column, total);
            let turns = level == next_level && levels.target(TypeIndex(then), level).is_none();
            if turns {
                let back = table.get(&(level, then, after)).map_or(0, |cell| cell.count);
                p = p.max(order_tail(cell.count, back));
            } else if level != next_level {
                p = p.max(order_tail(cell.count - cell.both, cell.second_only));
            }
            let expected = row as f64 * column as f64 / total as f64;
            let excess = (cell.count as f64 - expected) / row as f64;
            let lag_days = cell.lag_days / cell.count as f64;
            tested.found.push((p, Pair { level, after, then, excess, lag_days, p_adjusted: 1.0 }));
        }
    }
    tested
}

/// Whether `pair` together with `kept` could ask for itself again.
fn leads_back(kept: &[Pair], pair: &Pair) -> bool {
    let mut open = vec![pair.then];
    let mut seen = Vec::new();
    while let Some(kind) = open.pop() {
        if kind == pair.after {
            return true;
        }
        if !seen.contains(&kind) {
            seen.push(kind);
            let next = kept.iter().filter(|k| k.level == pair.level && k.after == kind);
            open.extend(next.map(|k| k.then));
        }
    }
    false
}

/// P(X ≥ `count`) of draws without replacement: `row` draws from `total`, of which `column` count.
fn hypergeometric_tail(count: u64, row: u64, column: u64, total: u64) -> f64 {
    let ln_choose = |n: u64, k: u64| {
        ln_gamma(n as f64 + 1.0) - ln_gamma(k as f64 + 1.0) - ln_gamma((n - k) as f64 + 1.0)
    };
    let whole = ln_choose(total, row);
    let tail: f64 = (count..=row.min(column))
        .filter(|k| row - k <= total - column)
        .map(|k| (ln_choose(column, k) + ln_choose(total - column, row - k) - whole).exp())
        .sum();
    tail.min(1.0)
}

/// P(X ≥ `forward`) of `forward + back` throws of a fair coin.
fn order_tail(forward: u64, back: u64) -> f64 {
    if forward == 0 {
        return 1.0;
    }
    Binomial::new(0.5, forward + back).map_or(1.0, |law| law.sf(forward - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_textbook() {
        // Fisher's tea: 8 cups, 4 with milk first, all 4 or at least 3 named rightly.
        assert!((hypergeometric_tail(4, 4, 4, 8) - 1.0 / 70.0).abs() < 1e-12);
        assert!((hypergeometric_tail(3, 4, 4, 8) - 17.0 / 70.0).abs() < 1e-12);
        assert!((order_tail(5, 0) - 1.0 / 32.0).abs() < 1e-12);
        assert!((order_tail(2, 1) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_pair_that_closes_a_loop_is_seen() {
        let pair = |after, then| Pair {
            level: 0,
            after,
            then,
            excess: 0.1,
            lag_days: 1.0,
            p_adjusted: 0.0,
        };
        let kept = [pair(0, 1), pair(1, 2)];
        assert!(leads_back(&kept, &pair(2, 0)));
        assert!(!leads_back(&kept, &pair(0, 2)));
        assert!(!leads_back(&kept, &Pair { level: 1, ..pair(2, 0) }));
    }
}
