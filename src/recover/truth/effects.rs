//! Effects with their standard errors, from groups of accounts that share nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::hypothesis::{HypothesisId, Rung};
use crate::simulate::Simulation;

use super::as_of::{AsOf, Book, Quarter, Reader};
use super::causal::{Counterfactual, Sums};
use super::claim::{BASELINES, Claim, Lead, claim};
use super::measure::Probe;
use super::pool::Pool;

/// Accounts of one group: whole teams, so that groups have nobody in common.
const GROUP: u32 = 1_000;

/// An effect computed from the truth table, and what finding it in a log takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The effect, positive in the claimed direction; for *robust* the smallest of its checks.
    pub effect: f64,
    /// Its standard error, from the spread over groups of 1,000 accounts.
    pub error: f64,
    /// Accounts with which a test of the log rejects with probability one half; nothing where the
    /// log shows no effect in the claimed direction.
    ///
    /// ```text
    /// N = n·(1.96·s/e)²                        robust: N such that Πᵢ Φ(eᵢ·√(N/n)/sᵢ) = ½
    /// ```
    ///
    /// `e`, `s`: mean and standard deviation of the estimate over groups of n = 1,000 accounts, with
    /// outcomes as logged in place of those expected; `causal` compares the truth of paired runs.
    pub accounts: Option<f64>,
    /// What the effect is made of, by name.
    pub parts: BTreeMap<String, f64>,
}

/// The effects of all cells of a world, by group averages over the first `accounts` accounts.
///
/// Accounts are read every six months once they have been customers for a year; ranks are those of
/// a date; a quarter has three months. What each hypothesis measures is said at
/// [`HypothesisId`]. Rungs:
///
/// - `associated`: the measure with the expected outcome of the quarter to come.
/// - `leads`: the same less that with the quarter before; for H8 the quarter after next, since who
///   left has no quarter before. Profit (H1, H3) gives way to revenue.
/// - `adds_to_baselines`: the same as associated at equal purchases, revenue and past profit.
/// - `robust`: the smallest of associated within accounts, in each segment and in each third of size
///   and of tenure.
/// - `causal`: relative change of the expected outcome's mean by a visit a month more; for H9, by
///   sparing the customer what critical interactions destroy. Not where accounts are missing from
///   the log.
///
/// H3, H10, H14, H30, H31 and H33 compare groups or scores: they have no gain and no cause of their
/// own, and only H3 a lead. H9 has no lead: the quarter of the critical interactions is the quarter
/// before. H14 and H31 are not looked at within accounts, of which size and segment do not change.
///
/// The baselines count purchases of the whole account. A count per contact would not do: at equal
/// purchases per contact an account with more contacts buys more, and is also more often in a quarter
/// with a critical interaction, so that H9 would hold in a world in which nothing is related.
///
/// A cell is missing where score or outcome is the same for all accounts.
///
/// # Panics
///
/// With fewer than 2,000 accounts there is no spread over groups.
pub fn effects(simulation: &Simulation, accounts: u32) -> BTreeMap<(HypothesisId, Rung), Effect> {
    assert!(accounts >= 2 * GROUP, "{accounts} accounts are fewer than two groups");
    let others = Counterfactual::ALL.map(|counterfactual| counterfactual.of(simulation));
    let reader = Reader::new(simulation);
    let groups: Vec<Found> = (0..accounts / GROUP)
        .into_par_iter()
        .map(|group| found(simulation, &reader, &others, group * GROUP..(group + 1) * GROUP))
        .collect();
    let cells = groups[0].keys().filter(|key| groups.iter().all(|group| group.contains_key(key)));
    cells.map(|key| (*key, summary(*key, &groups))).collect()
}

/// Numbers of a cell: expected, then as logged; none of these where the log does not know them.
type Numbers = [Vec<f64>; 2];

type Found = BTreeMap<(HypothesisId, Rung), Numbers>;

/// What one group of accounts shows.
fn found(
    simulation: &Simulation,
    reader: &Reader<'_>,
    others: &[Option<Simulation>],
    accounts: Range<u32>,
) -> Found {
    let mut found = Found::new();
    let (mut rows, mut sums) = (Vec::new(), Sums::default());
    for (account, history) in simulation.histories_in(accounts.clone()).enumerate() {
        reader.read(account, &history, &mut rows);
        sums.add(&history);
    }
    for hypothesis in HypothesisId::ALL {
        let read = Reading { claim: claim(hypothesis), rows: &rows };
        for rung in Rung::ALL {
            let numbers = |book| read.rung(rung, book).filter(|n| n.iter().all(|n| n.is_finite()));
            if let Some(expected) = numbers(Book::Truth) {
                let logged = numbers(Book::Log).unwrap_or_default();
                found.insert((hypothesis, rung), [expected, logged]);
            }
        }
    }
    for (counterfactual, other) in Counterfactual::ALL.into_iter().zip(others) {
        let Some(other) = other else { continue };
        let mut changed = Sums::default();
        other.histories_in(accounts.clone()).for_each(|history| changed.add(&history));
        for hypothesis in HypothesisId::ALL {
            let claim = claim(hypothesis);
            if claim.counterfactual == Some(counterfactual) {
                // Sparing a customer harm is good news of H9, whose sign is that of harm.
                let good = counterfactual == Counterfactual::Unharmed;
                let sign = if good { 1.0 } else { claim.sign };
                if let Some(change) = sums.change(&changed, claim.before_cost) {
                    let numbers = vec![sign * change];
                    found.insert((hypothesis, Rung::Causal), [numbers.clone(), numbers]);
                }
            }
        }
    }
    found
}

/// A claim and the accounts on which it is looked at.
#[derive(Clone, Copy)]
struct Reading<'a> {
    claim: &'a Claim,
    rows: &'a [AsOf],
}

impl Reading<'_> {
    fn probe(&self, book: Book) -> Probe<'_> {
        let quarter = if self.claim.now { Quarter::Behind } else { Quarter::Ahead };
        Probe { claim: self.claim, series: self.claim.outcome, book, quarter, given: &[] }
    }

    /// The numbers of a rung of which accounts at dates say something.
    fn rung(&self, rung: Rung, book: Book) -> Option<Vec<f64>> {
        let (pool, probe) = (Pool::new(self.rows), self.probe(book));
        let measure = self.claim.measure;
        match rung {
            Rung::Associated => measure(&pool, &probe),
            Rung::Leads => self.leads(book),
            Rung::AddsToBaselines if self.claim.adds => {
                measure(&pool, &Probe { given: &BASELINES, ..probe }).map(first)
            }
            Rung::Robust => self.checks(&pool, &probe),
            Rung::AddsToBaselines | Rung::Causal => None,
        }
    }

    fn leads(&self, book: Book) -> Option<Vec<f64>> {
        let pool = Pool::new(self.rows);
        let at = |quarter| {
            let probe = Probe { series: self.claim.before_cost, quarter, ..self.probe(book) };
            Some((self.claim.measure)(&pool, &probe)?[0])
        };
        match self.claim.lead {
            Lead::Contrast => Some(vec![at(Quarter::Ahead)? - at(Quarter::Behind)?]),
            Lead::Delayed => Some(vec![at(Quarter::Later)?]),
            Lead::No => None,
        }
    }

    /// *Associated* within accounts and in every stratum.
    fn checks(&self, pool: &Pool<'_>, probe: &Probe<'_>) -> Option<Vec<f64>> {
        let third = |ranks: &[f64]| -> Vec<usize> {
            ranks.iter().map(|rank| ((rank + 0.5) * 3.0) as usize).collect()
        };
        let sizes = third(&pool.ranks(|row| row.size));
        let tenures = third(&pool.ranks(|row| row.tenure));
        let segments = pool.rows.iter().map(|row| row.segment).collect();
        let mut pools: Vec<Pool<'_>> = [segments, sizes, tenures]
            .iter()
            .flat_map(|strata: &Vec<usize>| {
                (0..3).map(move |stratum| pool.filter(|k, _| strata[k] == stratum))
            })
            .collect();
        if self.claim.within {
            pools.push(Pool { within: true, ..pool.clone() });
        }
        pools.iter().map(|pool| Some((self.claim.measure)(pool, probe)?[0])).collect()
    }
}

fn first(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.truncate(1);
    numbers
}

fn summary((hypothesis, rung): (HypothesisId, Rung), groups: &[Found]) -> Effect {
    let moments = |book: usize| -> Vec<(f64, f64)> {
        let of = |group: &Found| group[&(hypothesis, rung)][book].clone();
        let all: Vec<Vec<f64>> = groups.iter().map(of).collect();
        let known = all.iter().map(Vec::len).min().unwrap_or(0);
        (0..known).map(|k| mean_and_deviation(all.iter().map(|n| n[k]))).collect()
    };
    let (expected, logged) = (moments(Book::Truth as usize), moments(Book::Log as usize));
    let robust = rung == Rung::Robust;
    let checks = if robust { &expected[..] } else { &expected[..1] };
    let (effect, deviation) =
        checks.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0)).expect("a cell has a number");
    let names = claim(hypothesis).parts.iter().map(|name| (*name).to_owned());
    let parts = names.zip(expected.iter().skip(1).map(|(mean, _)| *mean));
    Effect {
        effect,
        error: deviation / (groups.len() as f64).sqrt(),
        accounts: match logged[..] {
            [] => None,
            _ if robust => accounts_for_all(&logged),
            [first, ..] => accounts_for(first),
        },
        parts: if robust { BTreeMap::new() } else { parts.collect() },
    }
}

fn mean_and_deviation(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

/// Accounts at which a two-sided test at 5 % of a normal estimate has a power of one half.
fn accounts_for((effect, deviation): (f64, f64)) -> Option<f64> {
    (effect > 0.0).then(|| f64::from(GROUP) * (1.96 * deviation / effect).powi(2))
}

/// Accounts at which all of some normal estimates, taken as independent, are positive with
/// probability one half.
fn accounts_for_all(checks: &[(f64, f64)]) -> Option<f64> {
    let normal = Normal::standard();
    let passes = |accounts: f64| -> f64 {
        let z = |(effect, deviation): &(f64, f64)| {
            normal.cdf(effect / deviation.max(1e-12) * (accounts / f64::from(GROUP)).sqrt())
        };
        checks.iter().map(z).product()
    };
    let (mut low, mut high) = (1.0, 1e7);
    if passes(high) < 0.5 {
        return None;
    }
    while high / low > 1.001 {
        let middle = (low * high).sqrt();
        if passes(middle) < 0.5 { low = middle } else { high = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_is_one_half_where_the_estimate_is_at_its_critical_value() {
        // At 250 accounts the deviation doubles: .1 / (2·.0255) = 1.96.
        let accounts = accounts_for((0.1, 0.0255)).unwrap();
        assert!((accounts - 249.8).abs() < 0.1, "{accounts}");
        assert!(accounts_for((-0.1, 0.1)).is_none());
    }

    #[test]
    fn more_checks_need_more_accounts_and_one_at_zero_needs_them_all() {
        let one = accounts_for_all(&[(0.1, 0.1)]).unwrap();
        let ten = accounts_for_all(&[(0.1, 0.1); 10]).unwrap();
        // Φ(1.498) = .5^(1/10).
        assert!(one < 2.0 && (ten / 1_000.0 - 1.498 * 1.498).abs() < 0.01, "{one} {ten}");
        assert!(accounts_for_all(&[(0.1, 0.1), (-0.01, 0.1)]).is_none());
    }
}
