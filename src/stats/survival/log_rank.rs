//! Whether groups leave at the same rate.

use nalgebra::{DMatrix, DVector};

use super::super::error::StatsError;
use super::chi_square::ChiSquareTest;
use super::risk_sets::{AtRisk, check_length, check_rows, runs, sorted};

/// What one group saw and what it would have seen without a difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogRankGroup {
    /// The group, as given.
    pub group: u32,
    /// Units.
    pub n_units: usize,
    /// Events.
    pub observed: usize,
    /// Events expected if all groups had the same hazard.
    pub expected: f64,
}

/// A log-rank test.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRank {
    /// The test that all groups have the same hazard.
    pub test: ChiSquareTest,
    /// One entry per group, groups ascending.
    pub groups: Vec<LogRankGroup>,
}

/// Log-rank test of two or more groups, with late entry and optional strata.
///
/// ```text
/// E_g  = Σ over event times of d n_g/n
/// V_gh = Σ d (n_g/n) (1{g = h} − n_h/n) (n − d)/(n − 1)      hypergeometric: ties are exact
/// X²   = (O − E)' V⁻ (O − E),   df = rank of V: groups − 1 as a rule
/// ```
///
/// Within strata only units of the same stratum are compared; O, E and V are summed over strata. V⁻
/// is the inverse on the space where V varies: a group that is never at risk beside another one
/// carries nothing and lowers the degrees of freedom, which are the rank of V.
///
/// - `entry`, `time`, `event`: as for [`kaplan_meier`](super::kaplan_meier).
/// - `group`: shape `(n,)`, two or more distinct values.
/// - `stratum`: shape `(n,)`, or none.
///
/// # Errors
///
/// As [`kaplan_meier`](super::kaplan_meier); `Constant` for one group, or when no event time has two
/// groups at risk.
///
/// # Source
///
/// Mantel (1966), *Cancer Chemother. Rep.* 50(3), 163–170; Kalbfleisch and Prentice (2002), *The
/// Statistical Analysis of Failure Time Data*, section 1.5. Parity: R `survival::survdiff` (also
/// with strata), R `survival::coxph` score test with exact ties (late entry) and
/// `lifelines.statistics.multivariate_logrank_test`, `tests/fixtures/log_rank_r.json` and
/// `survival_curves.json`, tolerance 1e-9.
///
/// # Examples
///
/// ```
/// let (time, group) = ([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1]);
/// let ranked = rvq::stats::log_rank(&[0.0; 4], &time, &[true; 4], &group, None)?;
/// assert!((ranked.groups[0].expected - 0.833_333).abs() < 1e-6 && ranked.test.df == 1);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn log_rank(
    entry: &[f64],
    time: &[f64],
    event: &[bool],
    group: &[u32],
    stratum: Option<&[u32]>,
) -> Result<LogRank, StatsError> {
    let statistic = "log_rank";
    check_rows(statistic, entry, time, event.len())?;
    check_length(statistic, time.len(), group.len())?;
    if let Some(stratum) = stratum {
        check_length(statistic, time.len(), stratum.len())?;
    }
    let mut groups = group.to_vec();
    groups.sort_unstable();
    groups.dedup();
    let mut order: Vec<usize> = (0..time.len()).collect();
    let stratum_of = |row: usize| stratum.map_or(0, |stratum| stratum[row]);
    order.sort_by_key(|&row| stratum_of(row));
    let mut sums = Sums::new(groups.len());
    for rows in order.chunk_by(|&a, &b| stratum_of(a) == stratum_of(b)) {
        let part = |group_wanted: u32| {
            let own = move |row: &&usize| group[**row] == group_wanted;
            let at_risk = rows.iter().filter(own).map(|&row| (entry[row], time[row]));
            let events = rows.iter().filter(own).filter(|row| event[**row]).map(|&row| time[row]);
            Part { at_risk: AtRisk::new(at_risk), events: sorted(events) }
        };
        sums.add(&groups.iter().map(|&group| part(group)).collect::<Vec<_>>());
    }
    let test = sums.test().ok_or(StatsError::Constant { statistic })??;
    let in_group = groups.iter().enumerate().map(|(k, &wanted)| LogRankGroup {
        group: wanted,
        n_units: group.iter().filter(|group| **group == wanted).count(),
        observed: sums.observed[k],
        expected: sums.expected[k],
    });
    Ok(LogRank { test, groups: in_group.collect() })
}

/// One group within one stratum.
struct Part {
    at_risk: AtRisk,
    events: Vec<f64>,
}

struct Sums {
    observed: Vec<usize>,
    expected: Vec<f64>,
    variance: DMatrix<f64>,
}

impl Sums {
    fn new(groups: usize) -> Self {
        let variance = DMatrix::zeros(groups, groups);
        Self { observed: vec![0; groups], expected: vec![0.0; groups], variance }
    }

    fn add(&mut self, parts: &[Part]) {
        for (observed, part) in self.observed.iter_mut().zip(parts) {
            *observed += part.events.len();
        }
        let all = sorted(parts.iter().flat_map(|part| part.events.iter().copied()));
        for (time, events) in runs(&all) {
            let at_risk: Vec<f64> = parts.iter().map(|p| p.at_risk.at(time) as f64).collect();
            let (n, d) = (at_risk.iter().sum::<f64>(), events as f64);
            for (expected, own) in self.expected.iter_mut().zip(&at_risk) {
                *expected += d * own / n;
            }
            if n > 1.0 {
                self.add_variance(&at_risk, d * (n - d) / (n - 1.0) / (n * n), n);
            }
        }
    }

    fn add_variance(&mut self, at_risk: &[f64], weight: f64, n: f64) {
        for (g, own) in at_risk.iter().enumerate() {
            for (h, other) in at_risk.iter().enumerate() {
                let part = if g == h { own * (n - own) } else { -own * other };
                self.variance[(g, h)] += weight * part;
            }
        }
    }

    /// None when no two groups were ever at risk together.
    fn test(&self) -> Option<Result<ChiSquareTest, StatsError>> {
        let kept: Vec<usize> =
            (0..self.expected.len()).filter(|&g| self.variance[(g, g)] > 0.0).collect();
        if kept.is_empty() {
            return None;
        }
        // Scaled to a correlation, so that small groups count as much for the rank.
        let scale = |g: usize| self.variance[(g, g)].sqrt();
        let excess = DVector::from_fn(kept.len(), |i, _| {
            (self.observed[kept[i]] as f64 - self.expected[kept[i]]) / scale(kept[i])
        });
        let correlation = DMatrix::from_fn(kept.len(), kept.len(), |i, j| {
            self.variance[(kept[i], kept[j])] / (scale(kept[i]) * scale(kept[j]))
        });
        let parts = correlation.symmetric_eigen();
        let along = parts.eigenvectors.tr_mul(&excess);
        let free = || parts.eigenvalues.iter().zip(&along).filter(|(value, _)| **value > RANK);
        let df = free().count();
        let statistic: f64 = free().map(|(value, along)| along * along / value).sum();
        (df > 0).then(|| ChiSquareTest::new(statistic, df))
    }
}

/// Eigenvalues of a correlation below this are rounding.
const RANK: f64 = 1e-11;

#[cfg(test)]
mod tests {
    use super::*;

    fn cohort() -> (Vec<f64>, Vec<f64>, Vec<bool>, Vec<u32>) {
        let entry = (0..90).map(|i| f64::from(i % 4) * 0.7).collect();
        let time = (0..90).map(|i| 3.0 + f64::from(i * 37 % 23)).collect();
        let event = (0..90).map(|i| i % 5 != 1).collect();
        (entry, time, event, (0..90).map(|i| i * i % 3).collect())
    }

    #[test]
    fn observed_and_expected_add_to_the_same() {
        let (entry, time, event, group) = cohort();
        let ranked = log_rank(&entry, &time, &event, &group, None).unwrap();
        let excess: f64 = ranked.groups.iter().map(|g| g.observed as f64 - g.expected).sum();
        assert!(excess.abs() < 1e-10 && ranked.groups.len() == 2);
    }

    #[test]
    fn it_ignores_the_unit_of_time_the_names_of_groups_and_the_order_of_rows() {
        let (entry, time, event, group) = cohort();
        let first = log_rank(&entry, &time, &event, &group, None).unwrap().test.statistic;
        let scaled = |values: &[f64]| values.iter().rev().map(|v| v * 1e-200).collect::<Vec<_>>();
        let event: Vec<bool> = event.into_iter().rev().collect();
        let group: Vec<u32> = group.into_iter().rev().map(|g| 9 - g).collect();
        let again = log_rank(&scaled(&entry), &scaled(&time), &event, &group, None).unwrap();
        assert!((first - again.test.statistic).abs() < 1e-10);
    }

    #[test]
    fn a_stratum_with_one_group_adds_nothing() {
        let (entry, time, event, group) = cohort();
        let alone = log_rank(&entry, &time, &event, &group, None).unwrap().test;
        let with = |values: &[f64], more: f64| [values, &[more; 5]].concat();
        let event = [event, vec![true; 5]].concat();
        let stratum = [vec![4; 90], vec![2; 5]].concat();
        let group = [group, vec![1; 5]].concat();
        let both = log_rank(&with(&entry, 0.0), &with(&time, 9.0), &event, &group, Some(&stratum));
        assert!((both.unwrap().test.statistic - alone.statistic).abs() < 1e-12);
    }

    #[test]
    fn two_pairs_of_groups_that_never_meet_have_two_degrees_of_freedom() {
        let entry = [0.0, 0.0, 0.0, 0.0, 5.0, 5.0, 5.0, 5.0];
        let time = [1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0];
        let group = [0, 0, 1, 1, 2, 3, 2, 3];
        let all = log_rank(&entry, &time, &[true; 8], &group, None).unwrap().test;
        let first = log_rank(&[0.0; 4], &time[..4], &[true; 4], &group[..4], None).unwrap().test;
        let last = log_rank(&entry[4..], &time[4..], &[true; 4], &group[4..], None).unwrap().test;
        assert_eq!(all.df, 2);
        assert!((all.statistic - first.statistic - last.statistic).abs() < 1e-12);
    }

    #[test]
    fn groups_never_at_risk_together_cannot_be_compared() {
        let refused = |group: &[u32], entry: &[f64]| {
            log_rank(entry, &[1.0, 2.0, 7.0, 8.0], &[true; 4], group, None)
        };
        assert!(matches!(refused(&[1; 4], &[0.0; 4]), Err(StatsError::Constant { .. })));
        let apart = refused(&[0, 0, 1, 1], &[0.0, 0.0, 5.0, 5.0]);
        assert!(matches!(apart, Err(StatsError::Constant { .. })));
        let censored = log_rank(&[0.0; 2], &[1.0, 2.0], &[false; 2], &[0, 1], None);
        assert!(matches!(censored, Err(StatsError::Constant { .. })));
        assert!(log_rank(&[0.0; 2], &[1.0, 2.0], &[true; 2], &[0], None).is_err());
        assert!(log_rank(&[0.0; 2], &[1.0, 2.0], &[true; 2], &[0, 1], Some(&[1])).is_err());
    }
}
