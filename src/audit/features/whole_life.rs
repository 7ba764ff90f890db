//! Features that never change: attributes, or sums over a life that was not over.

use super::facts::{AccountFacts, Amount};
use super::joined::Joined;
use crate::audit::finding::{AuditFinding, Severity, Tally, Wording};
use crate::time::Instant;

const WHOLE_LIFE: Wording = Wording {
    check: "whole_life",
    why: "a number over the whole life of an account knows how long it stayed: groups cut by it \
          differ in attrition even where nothing matters (immortal time)",
    remedy: "read the feature as of each date, from rows known by then",
};

const CONSTANT: Wording = Wording {
    check: "constant_feature",
    why: "it is an attribute such as size, or it was computed once for all dates",
    remedy: "make sure that it was known at the first of its dates",
};

/// Accounts with several dates below which nothing is said.
const LEAST_ACCOUNTS: usize = 30;
/// Agreement from which on a feature is a whole-life number in other words.
const TIED: f64 = 0.95;
/// By how much it must exceed the agreement with the same number as first known.
const BEYOND: f64 = 0.02;
/// Accounts that are compared pair by pair.
const COMPARED: usize = 1_000;

/// What a feature says that is constant over the life of each account; none when it is not.
///
/// ```text
/// γ = (C − D)/(C + D)      C, D: pairs of accounts in the same and the opposite order
/// ```
///
/// A leak when |γ| with a whole-life number is at least .95, and .02 beyond that with the same
/// number as known at the account's first date in the table.
pub(super) fn finding(joined: &Joined<'_>, name: &str, grid: &[f64]) -> Option<AuditFinding> {
    let width = joined.dates.len();
    let mut lives = Vec::new();
    let (mut tally, mut moving) = (Tally::default(), 0_usize);
    for (account, values) in grid.chunks(width).enumerate() {
        let filled: Vec<usize> = (0..width).filter(|&date| !values[date].is_nan()).collect();
        let (Some(&first), Some(facts)) = (filled.first(), &joined.facts[account]) else {
            continue;
        };
        if filled.len() > 1 {
            let constant =
                filled.iter().all(|&date| values[date].to_bits() == values[first].to_bits());
            moving += usize::from(!constant);
            lives.push((account, first, values[first], facts));
            for &date in &filled {
                tally.see(true, || {
                    format!("{}: {:.4}", joined.place_name(account, date), values[date])
                });
            }
        }
    }
    let varies = lives.iter().any(|life| life.2.to_bits() != lives[0].2.to_bits());
    if moving > 0 || lives.len() < LEAST_ACCOUNTS || !varies {
        return None;
    }
    let step = lives.len().div_ceil(COMPARED);
    let lives: Vec<_> = lives.into_iter().step_by(step).collect();
    let tied = Total::all().filter_map(|total| {
        let agreement = |of: &dyn Fn(&AccountFacts, usize) -> f64| {
            let pairs: Vec<(f64, f64)> =
                lives.iter().map(|life| (life.2, of(life.3, life.1))).collect();
            gamma(&pairs).abs()
        };
        let whole = agreement(&|facts, _| total.whole(facts, joined));
        let first = agreement(&|facts, date| total.known(facts, date, joined));
        (whole >= TIED && whole >= first + BEYOND).then_some((whole, first, total.words()))
    });
    let found = tied.max_by(|a, b| a.0.total_cmp(&b.0));
    let about = (name, "values");
    Some(if let Some((whole, first, words)) = found {
        let what = format!(
            "`{name}` never changes and orders accounts by their {words} over the whole log \
             (γ = {whole:.3}; as known at their first date {first:.3})"
        );
        tally.finding(WHOLE_LIFE, Severity::Leak, about, what)
    } else {
        let what = format!("`{name}` has one value for all dates of each account");
        tally.finding(CONSTANT, Severity::Note, about, what)
    })
}

/// A number of an account over its whole life.
#[derive(Debug, Clone, Copy)]
enum Total {
    Sum(Amount),
    PerDay(Amount),
    /// Interactions (0) or relative value (1), purchases included.
    WithPurchases(usize),
    Duration,
    Exit,
}

impl Total {
    fn all() -> impl Iterator<Item = Self> {
        let sums = Amount::ALL.into_iter().flat_map(|a| [Self::Sum(a), Self::PerDay(a)]);
        let others = [Self::WithPurchases(0), Self::WithPurchases(1), Self::Duration, Self::Exit];
        sums.chain(others)
    }

    fn words(self) -> String {
        match self {
            Self::Sum(amount) => amount.name().to_owned(),
            Self::PerDay(amount) => format!("{} per day", amount.name()),
            Self::WithPurchases(0) => "number of interactions, purchases included".to_owned(),
            Self::WithPurchases(_) => "relative value, purchases included".to_owned(),
            Self::Duration => "time as a customer".to_owned(),
            Self::Exit => "exits".to_owned(),
        }
    }

    fn whole(self, facts: &AccountFacts, joined: &Joined<'_>) -> f64 {
        match self {
            Self::WithPurchases(position) => facts.with_purchases[position],
            Self::Exit => f64::from(u8::from(facts.exited_at.is_some())),
            other => other.up_to(facts, joined.dates.len(), joined.span.end(), joined),
        }
    }

    fn known(self, facts: &AccountFacts, date: usize, joined: &Joined<'_>) -> f64 {
        match self {
            Self::WithPurchases(0) => facts.past(Amount::Interactions, date)[4],
            Self::WithPurchases(_) => facts.past(Amount::RelativeValue, date)[4],
            Self::Exit => 0.0,
            other => other.up_to(facts, date, joined.dates[date], joined),
        }
    }

    fn up_to(self, facts: &AccountFacts, date: usize, at: Instant, joined: &Joined<'_>) -> f64 {
        let until = facts.exited_at.map_or(at, |exit| exit.min(at));
        let days = |from: Instant| until.days_since(from).max(1.0);
        match self {
            Self::Sum(amount) => facts.past(amount, date)[4],
            Self::PerDay(amount) => {
                facts.past(amount, date)[4] / days(facts.entered_at.max(joined.span.start()))
            }
            _ => days(facts.entered_at),
        }
    }
}

/// Goodman and Kruskal's γ of pairs; 0 when no two differ in both.
fn gamma(pairs: &[(f64, f64)]) -> f64 {
    let (mut concordant, mut discordant) = (0_u64, 0_u64);
    for (i, a) in pairs.iter().enumerate() {
        for b in &pairs[..i] {
            let sign = (a.0 - b.0) * (a.1 - b.1);
            concordant += u64::from(sign > 0.0);
            discordant += u64::from(sign < 0.0);
        }
    }
    let all = concordant + discordant;
    if all == 0 { 0.0 } else { (concordant as f64 - discordant as f64) / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_cut_by_a_number_agree_with_it_wholly() {
        let cut: Vec<(f64, f64)> = (0..9).map(|i| (f64::from(i / 3), f64::from(i))).collect();
        assert!((gamma(&cut) - 1.0).abs() < 1e-15);
        // Of the six pairs, five agree and one does not.
        let nearly = [(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0)];
        assert!((gamma(&nearly) - 4.0 / 6.0).abs() < 1e-15);
        assert!(gamma(&[(1.0, 1.0), (1.0, 2.0)]).abs() < 1e-15);
    }
}
