//! How often the unit with the higher risk has the event first.

use super::super::error::{StatsError, check_finite};
use super::super::estimate::Estimate;
use super::super::rank::same;
use super::censoring::CensoringCurve;
use super::rank_sums::RankSums;
use super::risk_sets::{check_durations, check_length, check_rows};

/// A concordance with the pairs that it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Concordance {
    /// The concordance, tested against a half; `n` counts clusters, or rows without clusters.
    pub concordance: Estimate,
    /// Weight of the pairs in which the unit with the earlier event had the higher risk.
    pub concordant: f64,
    /// Weight of the pairs in which it had the lower risk.
    pub discordant: f64,
    /// Weight of the pairs of equal risk.
    pub tied: f64,
}

/// Harrell's concordance of a risk with the time to an event, with late entry.
///
/// ```text
/// C = Σ over pairs (1{rᵢ > rⱼ} + ½ 1{rᵢ = rⱼ}) / pairs
/// pairs: an event at tᵢ and a j with entryⱼ < tᵢ that outlived it: tⱼ > tᵢ, or tⱼ = tᵢ censored
/// SE: infinitesimal jackknife over clusters
/// ```
///
/// Two events at the same time make no pair, and a unit censored at the time of an event outlived
/// it, as in R and scikit-survival. Under heavy censoring C depends on the censoring: see
/// [`uno_concordance`].
///
/// - `entry`, `time`, `event`: as for [`kaplan_meier`](super::kaplan_meier); rows of one unit with
///   risks that change are compared with others only while they hold.
/// - `risk`: shape `(n,)`, any unit, higher is earlier.
/// - `cluster`: shape `(n,)`, rows that belong together; none when each row is a unit.
///
/// O(n log n).
///
/// # Errors
///
/// As [`kaplan_meier`](super::kaplan_meier); `TooFew` when no pair can be compared; `OutOfRange` for
/// a standard error of 0, as when the order is perfect.
///
/// # Source
///
/// Harrell, Lee and Mark (1996), *Stat. Med.* 15(4), 361–387. Parity: R `survival::concordance`
/// (estimate, counts, standard error; start-stop rows, clusters), `tests/fixtures/concordance_r.json`,
/// and scikit-survival `concordance_index_censored`, `tests/fixtures/survival_metrics.json`.
///
/// # Examples
///
/// ```
/// let (time, risk) = ([1.0, 2.0, 3.0, 4.0], [4.0, 2.0, 3.0, 1.0]);
/// let harrell = rvq::stats::harrell_concordance(&[0.0; 4], &time, &[true; 4], &risk, None)?;
/// assert!((harrell.concordance.estimate - 5.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn harrell_concordance(
    entry: &[f64],
    time: &[f64],
    event: &[bool],
    risk: &[f64],
    cluster: Option<&[u32]>,
) -> Result<Concordance, StatsError> {
    let statistic = "harrell_concordance";
    check_rows(statistic, entry, time, event.len())?;
    check_length(statistic, time.len(), risk.len())?;
    check_finite(risk)?;
    if let Some(cluster) = cluster {
        check_length(statistic, time.len(), cluster.len())?;
    }
    let weight: Vec<f64> = event.iter().map(|event| f64::from(u8::from(*event))).collect();
    let entry = Some(entry);
    Pairs { statistic, entry, time, event, risk, weight: &weight }.concordance(cluster)
}

/// Uno's concordance: pairs weighted so that censoring leaves no trace in the limit.
///
/// ```text
/// C = Σ over pairs (1{rᵢ > rⱼ} + ½ 1{rᵢ = rⱼ}) / G(tᵢ⁻)² / Σ over pairs 1/G(tᵢ⁻)²
/// pairs as in Harrell's concordance, with tᵢ < τ
/// ```
///
/// Needs censoring that does not depend on the risk. The standard error takes G as known.
///
/// - `time`, `event`, `risk`: shape `(n,)`, durations from a common origin.
/// - `censoring`: G, usually of the sample that the risk was fitted on.
/// - `horizon`: τ, so that no event has a weight without bound; infinite for all events.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` when no pair can be compared; `OutOfRange` for an event
/// at a time that nobody in the censoring sample outlived, or a standard error of 0.
///
/// # Source
///
/// Uno, Cai, Pencina, D'Agostino and Wei (2011), *Stat. Med.* 30(10), 1105–1117. G is taken just
/// before the event, as R does; scikit-survival takes it at the event, which differs where events
/// and censorings share times. Parity: R `survival::concordance(timewt = "n/G2")`,
/// `tests/fixtures/concordance_r.json`, and scikit-survival `concordance_index_ipcw` on times without
/// such ties, `tests/fixtures/survival_metrics.json`.
///
/// # Examples
///
/// ```
/// use rvq::stats::{CensoringCurve, uno_concordance};
///
/// let (time, event) = ([1.0, 2.0, 3.0, 4.0], [true, false, true, true]);
/// let censoring = CensoringCurve::fit(&time, &event)?;
/// let uno = uno_concordance(&time, &event, &[4.0, 2.0, 1.0, 3.0], &censoring, f64::INFINITY)?;
/// assert!((uno.concordance.estimate - 3.0 / 5.25).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn uno_concordance(
    time: &[f64],
    event: &[bool],
    risk: &[f64],
    censoring: &CensoringCurve,
    horizon: f64,
) -> Result<Concordance, StatsError> {
    let statistic = "uno_concordance";
    check_durations(statistic, time, event.len())?;
    check_length(statistic, time.len(), risk.len())?;
    check_finite(risk)?;
    let weight = |(time, event): (&f64, &bool)| {
        if *event && *time < horizon {
            censoring.event_weight(*time).map(|weight| weight * weight)
        } else {
            Ok(0.0)
        }
    };
    let weight: Vec<f64> = time.iter().zip(event).map(weight).collect::<Result<_, _>>()?;
    Pairs { statistic, entry: None, time, event, risk, weight: &weight }.concordance(None)
}

/// Rows to compare, each event with those that outlived it.
struct Pairs<'a> {
    statistic: &'static str,
    entry: Option<&'a [f64]>,
    time: &'a [f64],
    event: &'a [bool],
    risk: &'a [f64],
    /// Of each event, 0 for the others.
    weight: &'a [f64],
}

/// Weight of pairs by which of the two has the higher risk.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    concordant: f64,
    discordant: f64,
    tied: f64,
}

impl Counts {
    fn add(&mut self, other: Self, sign: f64) {
        self.concordant += sign * other.concordant;
        self.discordant += sign * other.discordant;
        self.tied += sign * other.tied;
    }

    fn all(self) -> f64 {
        self.concordant + self.discordant + self.tied
    }

    fn won(self) -> f64 {
        self.concordant + 0.5 * self.tied
    }
}

/// What is done with a row at a moment; in this order where the times are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// Ask, seeing only events before.
    AskEvent,
    /// Let the event count.
    Happen,
    /// Ask, seeing events up to now.
    AskCensored,
    /// Ask for what was before the entry, to take it away.
    AskEntry,
}

impl Pairs<'_> {
    fn concordance(&self, cluster: Option<&[u32]>) -> Result<Concordance, StatsError> {
        let ranks = dense_ranks(self.risk);
        let as_survivor = self.as_survivor(&ranks);
        let as_event = self.as_event(&ranks);
        let mut total = Counts::default();
        for counts in &as_event {
            total.add(*counts, 1.0);
        }
        let all = total.all();
        if all <= 0.0 {
            let statistic = self.statistic;
            return Err(StatsError::TooFew { statistic, needed: 1, got: 0 });
        }
        let share = total.won() / all;
        let influence = as_event.iter().zip(&as_survivor).map(|(first, last)| {
            (first.won() + last.won() - share * (first.all() + last.all())) / all
        });
        let influence: Vec<f64> = influence.collect();
        let (squares, n, method) = match cluster {
            Some(cluster) => {
                let sums = cluster_sums(&influence, cluster);
                (sums.iter().map(|s| s * s).sum::<f64>(), sums.len(), "jackknife by cluster")
            }
            None => (influence.iter().map(|i| i * i).sum(), influence.len(), "jackknife by row"),
        };
        let concordance = Estimate::normal(share, squares.sqrt(), 0.5, n, method)?;
        let Counts { concordant, discordant, tied } = total;
        Ok(Concordance { concordance, concordant, discordant, tied })
    }

    /// Each row's pairs in which it outlived the other: events while it was under observation.
    fn as_survivor(&self, ranks: &[usize]) -> Vec<Counts> {
        let mut acts: Vec<(f64, Act, usize)> = Vec::with_capacity(2 * ranks.len());
        for row in 0..ranks.len() {
            let ask = if self.event[row] { Act::AskEvent } else { Act::AskCensored };
            acts.push((self.time[row], ask, row));
            if self.weight[row] > 0.0 {
                acts.push((self.time[row], Act::Happen, row));
            }
            if let Some(entry) = self.entry {
                acts.push((entry[row], Act::AskEntry, row));
            }
        }
        acts.sort_unstable_by(|a, b| in_time(a.0, b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut tree = RankSums::new(ranks);
        let mut counts = vec![Counts::default(); ranks.len()];
        for (_, act, row) in acts {
            if act == Act::Happen {
                tree.add(ranks[row], self.weight[row]);
                continue;
            }
            let (less, equal, greater) = tree.split(ranks[row]);
            let seen = Counts { concordant: greater, discordant: less, tied: equal };
            counts[row].add(seen, if act == Act::AskEntry { -1.0 } else { 1.0 });
        }
        counts
    }

    /// Each event's pairs with those that outlived it.
    fn as_event(&self, ranks: &[usize]) -> Vec<Counts> {
        let mut exits: Vec<usize> = (0..ranks.len()).collect();
        exits.sort_unstable_by(|&a, &b| in_time(self.time[b], self.time[a]).then(a.cmp(&b)));
        let mut leaving: Vec<usize> = self.entry.map_or(Vec::new(), |_| exits.clone());
        if let Some(entry) = self.entry {
            leaving.sort_unstable_by(|&a, &b| in_time(entry[b], entry[a]).then(a.cmp(&b)));
        }
        let mut leaving = leaving.into_iter().peekable();
        let mut tree = RankSums::new(ranks);
        let mut counts = vec![Counts::default(); ranks.len()];
        for tied in exits.chunk_by(|&a, &b| same(self.time[a], self.time[b])) {
            let now = self.time[tied[0]];
            let has_event = |row: &&usize| self.event[**row];
            for &row in tied.iter().filter(|row| !has_event(row)) {
                tree.add(ranks[row], 1.0);
            }
            let gone = |row: &usize| self.entry.is_some_and(|entry| entry[*row] >= now);
            while let Some(row) = leaving.next_if(gone) {
                tree.add(ranks[row], -1.0);
            }
            for &row in tied.iter().filter(has_event) {
                let (less, equal, greater) = tree.split(ranks[row]);
                let weight = self.weight[row];
                counts[row] = Counts {
                    concordant: weight * less,
                    discordant: weight * greater,
                    tied: weight * equal,
                };
            }
            for &row in tied.iter().filter(has_event) {
                tree.add(ranks[row], 1.0);
            }
        }
        counts
    }
}

fn in_time(a: f64, b: f64) -> std::cmp::Ordering {
    a.partial_cmp(&b).expect("times were checked to be finite")
}

fn dense_ranks(values: &[f64]) -> Vec<usize> {
    let mut distinct = values.to_vec();
    distinct.sort_unstable_by(|a, b| in_time(*a, *b));
    distinct.dedup_by(|a, b| same(*a, *b));
    values.iter().map(|value| distinct.partition_point(|other| other < value)).collect()
}

fn cluster_sums(values: &[f64], cluster: &[u32]) -> Vec<f64> {
    let mut names = cluster.to_vec();
    names.sort_unstable();
    names.dedup();
    let mut sums = vec![0.0; names.len()];
    for (value, name) in values.iter().zip(cluster) {
        sums[names.partition_point(|other| other < name)] += value;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rows = (Vec<f64>, Vec<f64>, Vec<bool>, Vec<f64>);

    fn rows() -> Rows {
        let entry = (0..70).map(|i| f64::from(i * 11 % 5)).collect();
        let time = (0..70).map(|i| 5.0 + f64::from(i * 37 % 13)).collect();
        let event = (0..70).map(|i| i % 3 != 1).collect();
        (entry, time, event, (0..70).map(|i| f64::from(i * i % 9)).collect())
    }

    fn by_pairs((entry, time, event, risk): &Rows) -> (f64, f64, f64) {
        let (mut concordant, mut discordant, mut tied) = (0.0, 0.0, 0.0);
        for i in (0..time.len()).filter(|&i| event[i]) {
            for j in 0..time.len() {
                let outlived = time[j] > time[i] || (same(time[j], time[i]) && !event[j]);
                if outlived && entry[j] < time[i] {
                    match risk[i].total_cmp(&risk[j]) {
                        std::cmp::Ordering::Greater => concordant += 1.0,
                        std::cmp::Ordering::Less => discordant += 1.0,
                        std::cmp::Ordering::Equal => tied += 1.0,
                    }
                }
            }
        }
        (concordant, discordant, tied)
    }

    #[test]
    fn it_is_what_counting_pairs_gives() {
        let data = rows();
        let harrell = harrell_concordance(&data.0, &data.1, &data.2, &data.3, None).unwrap();
        let counted = (harrell.concordant, harrell.discordant, harrell.tied);
        assert_eq!(format!("{counted:?}"), format!("{:?}", by_pairs(&data)));
    }

    #[test]
    fn the_opposite_risk_has_the_rest_and_only_the_order_matters() {
        let (entry, time, event, risk) = rows();
        let of = |f: fn(f64) -> f64| {
            let risk: Vec<f64> = risk.iter().map(|r| f(*r)).collect();
            harrell_concordance(&entry, &time, &event, &risk, None).unwrap().concordance
        };
        let (plain, opposite, curved) = (of(|r| r), of(|r| -r), of(|r| (r * 50.0).exp()));
        assert!((plain.estimate + opposite.estimate - 1.0).abs() < 1e-12);
        assert!((plain.estimate - curved.estimate).abs() < 1e-12);
        assert!((plain.std_error - opposite.std_error).abs() < 1e-12);
    }

    #[test]
    fn without_censoring_unos_is_harrells() {
        let (_, time, _, risk) = rows();
        let event = vec![true; time.len()];
        let censoring = CensoringCurve::fit(&time, &event).unwrap();
        let uno = uno_concordance(&time, &event, &risk, &censoring, f64::INFINITY).unwrap();
        let harrell =
            harrell_concordance(&vec![0.0; time.len()], &time, &event, &risk, None).unwrap();
        assert!((uno.concordance.estimate - harrell.concordance.estimate).abs() < 1e-12);
    }

    #[test]
    fn a_constant_risk_says_a_half_without_error_and_bad_input_is_an_error() {
        let of = |time: &[f64], event: &[bool], risk: &[f64]| {
            harrell_concordance(&vec![0.0; time.len()], time, event, risk, None)
        };
        assert!(matches!(
            of(&[1.0, 2.0], &[true; 2], &[1.0; 2]),
            Err(StatsError::OutOfRange { .. })
        ));
        assert!(matches!(of(&[1.0, 1.0], &[true; 2], &[1.0, 2.0]), Err(StatsError::TooFew { .. })));
        assert!(matches!(
            of(&[1.0, 2.0], &[false; 2], &[1.0, 2.0]),
            Err(StatsError::TooFew { .. })
        ));
        assert!(of(&[1.0, 2.0], &[true; 2], &[f64::NAN, 2.0]).is_err());
        assert!(of(&[1.0, 2.0], &[true; 2], &[2.0]).is_err());
    }
}
