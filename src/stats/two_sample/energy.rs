//! Whether two groups differ in distribution, in any way.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::super::error::{StatsError, check_finite};
use super::super::permutation::shuffle_within;
use super::Repeats;
use crate::rng::Draws;

const NAME: &str = "energy_test";

/// Energy distance of two samples of points.
///
/// ```text
/// D = √(2 E|X − Y| − E|X − X'| − E|Y − Y'|)      means over all pairs, a point with itself included
/// ```
///
/// It is 0 only where the two distributions are the same. Columns in different units should be
/// standardised first: the largest one decides otherwise.
///
/// - `x`, `y`: points row by row, shapes `(m, columns)` and `(n, columns)`. O((m + n)²).
///
/// # Errors
///
/// `TooFew` without a point; `LengthMismatch` for a broken row; `NotFinite`; `OutOfRange` for no
/// column or distances that overflow.
///
/// # Source
///
/// Székely and Rizzo (2013), *J. Stat. Planning and Inference* 143(8), 1249–1272. Parity: `scipy.stats.energy_distance` for one column, R `energy::eqdist.etest` for
/// several, `tests/fixtures/two_sample.json` and `energy.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let distance = rvq::stats::energy_distance(&[0.0, 1.0], &[0.0, 3.0], 1)?;
/// assert!((distance - 1.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn energy_distance(x: &[f64], y: &[f64], columns: usize) -> Result<f64, StatsError> {
    let values: Vec<f64> = x.iter().chain(y).copied().collect();
    check_rows("energy_distance", x, columns)?;
    check_rows("energy_distance", y, columns)?;
    let rows: Vec<usize> = (0..values.len() / columns).collect();
    let first = x.len() / columns;
    let distances = distances(&values, columns, &rows, 2, |row| usize::from(row >= first))?;
    Ok(distances.energy(&[true, false], [first, rows.len() - first]).max(0.0).sqrt())
}

/// A permutation test of the energy distance.
#[derive(Debug, Clone, PartialEq)]
pub struct EnergyTest {
    /// The energy distance.
    pub distance: f64,
    /// The energy statistic, mn/(m + n) · D².
    pub statistic: f64,
    /// P-value, (k + 1) / (B + 1).
    pub p_value: f64,
    /// Clusters that moved between the groups, of the first and of the second.
    pub n_clusters: [usize; 2],
}

/// Two-sample test of equal distributions by the energy statistic, clusters kept whole.
///
/// ```text
/// E = mn/(m + n) · D²      p = (k + 1)/(B + 1),  k = #{b : E_b ≥ E}
/// ```
///
/// Group labels move between whole clusters, so that the rows of one account stay together; the
/// sizes m and n of a permutation then differ, which E allows for. Permutation b is named by
/// `draws.stream(b)`.
///
/// - `values`: points row by row, shape `(rows, columns)`. `first`: shape `(rows,)`, whether the row is
///   of the first group. `cluster`: shape `(rows,)`; each lies in one group.
/// - `permutations`: B, at least 1. Distances between clusters are summed once: memory O(clusters²).
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` with a group of no cluster; `OutOfRange` for no
/// permutation or a cluster in both groups; `Constant` when all points coincide.
///
/// # Source
///
/// As [`energy_distance`]; p-value: Phipson and Smyth (2010), *Stat. Appl. Genet. Mol. Biol.* 9(1),
/// 39. Parity: statistic with R `energy::eqdist.etest`, p-value with all orders in NumPy,
/// `tests/fixtures/energy.json` and `two_sample.json`.
///
/// # Examples
///
/// ```
/// use rvq::{rng::{Purpose, Streams}, stats::energy_test};
/// let values: Vec<f64> = (0..20).map(|i| f64::from(i % 10) + f64::from(i / 10) * 20.0).collect();
/// let first: Vec<bool> = (0..20).map(|i| i < 10).collect();
/// let cluster: Vec<u32> = (0..20).collect();
/// let draws = Streams::new(1).global(Purpose::Permutation);
/// let test = energy_test(&values, 1, &first, &cluster, 199, draws)?;
/// assert!((test.p_value - 0.005).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn energy_test(
    values: &[f64],
    columns: usize,
    first: &[bool],
    cluster: &[u32],
    permutations: usize,
    draws: Draws,
) -> Result<EnergyTest, StatsError> {
    let repeats = Repeats::new(permutations, 1, draws)?;
    check_rows(NAME, values, columns)?;
    for right in [first.len(), cluster.len()] {
        if values.len() / columns != right {
            let left = values.len() / columns;
            return Err(StatsError::LengthMismatch { statistic: NAME, left, right });
        }
    }
    let clusters = Clusters::new(first, cluster)?;
    let number = clusters.of_first.len();
    let distances = distances(values, columns, &clusters.rows, number, |row| clusters.of_row[row])?;
    if distances.total <= 0.0 {
        return Err(StatsError::Constant { statistic: NAME });
    }
    let observed = clusters.statistic(&distances, &clusters.of_first);
    let permuted: Vec<f64> = (0..permutations)
        .into_par_iter()
        .map(|b| clusters.statistic(&distances, &clusters.permuted(repeats, b as u64)))
        .collect();
    let sizes = clusters.sizes(&clusters.of_first);
    let in_first = clusters.of_first.iter().filter(|f| **f).count();
    Ok(EnergyTest {
        distance: distances.energy(&clusters.of_first, sizes).max(0.0).sqrt(),
        statistic: observed.max(0.0),
        p_value: repeats.p_value(observed, permuted.into_iter()),
        n_clusters: [in_first, number - in_first],
    })
}

/// Clusters, numbered by their key.
struct Clusters {
    of_row: Vec<usize>,
    of_first: Vec<bool>,
    size: Vec<usize>,
    rows: Vec<usize>,
}

impl Clusters {
    fn new(first: &[bool], cluster: &[u32]) -> Result<Self, StatsError> {
        let mut group: BTreeMap<u32, bool> = BTreeMap::new();
        for (key, first) in cluster.iter().zip(first) {
            if *group.entry(*key).or_insert(*first) != *first {
                let (argument, value) = ("cluster", f64::from(*key));
                let expected = "in one group only";
                return Err(StatsError::OutOfRange { argument, value, expected });
            }
        }
        let in_first = group.values().filter(|f| **f).count();
        let got = in_first.min(group.len() - in_first);
        if got == 0 {
            return Err(StatsError::TooFew { statistic: NAME, needed: 1, got });
        }
        let number: BTreeMap<u32, usize> = group.keys().enumerate().map(|(i, k)| (*k, i)).collect();
        let of_row: Vec<usize> = cluster.iter().map(|key| number[key]).collect();
        let mut size = vec![0; group.len()];
        for at in &of_row {
            size[*at] += 1;
        }
        let rows = (0..cluster.len()).collect();
        Ok(Self { of_row, of_first: group.into_values().collect(), size, rows })
    }

    fn permuted(&self, repeats: Repeats, b: u64) -> Vec<bool> {
        let clusters = self.of_first.len();
        let moved = shuffle_within(&vec![0; clusters], &vec![true; clusters], repeats.draws, b);
        let mut labels = vec![false; clusters];
        for (from, to) in moved.into_iter().enumerate() {
            labels[to as usize] = self.of_first[from];
        }
        labels
    }

    /// Rows in the first and in the second group.
    fn sizes(&self, first: &[bool]) -> [usize; 2] {
        let in_first = self.size.iter().zip(first).filter(|(_, f)| **f).map(|(n, _)| n).sum();
        [in_first, self.of_row.len() - in_first]
    }

    fn statistic(&self, distances: &Distances, first: &[bool]) -> f64 {
        let [m, n] = self.sizes(first);
        let weight = m as f64 * n as f64 / (m + n) as f64;
        weight * distances.energy(first, [m, n])
    }
}

/// Distances summed over the rows of each pair of clusters.
struct Distances {
    /// Shape `(clusters, clusters)`, symmetric.
    sums: Vec<f64>,
    /// Sums of the rows of `sums`.
    of_cluster: Vec<f64>,
    total: f64,
}

fn distances(
    values: &[f64],
    columns: usize,
    rows: &[usize],
    clusters: usize,
    cluster: impl Fn(usize) -> usize + Sync,
) -> Result<Distances, StatsError> {
    let point = |row: usize| &values[row * columns..(row + 1) * columns];
    let from = |row: &usize| {
        let mut sums = vec![0.0; clusters];
        for other in rows {
            sums[cluster(*other)] += euclid(point(*row), point(*other));
        }
        sums
    };
    let mut sums = vec![0.0; clusters * clusters];
    // In blocks, so that the rows' sums need not all be held at once.
    for block in rows.chunks(256) {
        let found: Vec<Vec<f64>> = block.par_iter().map(from).collect();
        for (row, found) in block.iter().zip(found) {
            let at = cluster(*row) * clusters;
            for (sum, add) in sums[at..at + clusters].iter_mut().zip(found) {
                *sum += add;
            }
        }
    }
    let of_cluster: Vec<f64> = sums.chunks(clusters).map(|row| row.iter().sum()).collect();
    let total: f64 = of_cluster.iter().sum();
    if !total.is_finite() {
        let expected = "finite: rescale the data";
        return Err(StatsError::OutOfRange { argument: "distance", value: total, expected });
    }
    Ok(Distances { sums, of_cluster, total })
}

impl Distances {
    /// D² when the first group holds these clusters and the groups have `sizes` rows.
    fn energy(&self, first: &[bool], [m, n]: [usize; 2]) -> f64 {
        let clusters = first.len();
        let members: Vec<usize> = (0..clusters).filter(|c| first[*c]).collect();
        let (mut from_first, mut within) = (0.0, 0.0);
        for &c in &members {
            let row = &self.sums[c * clusters..(c + 1) * clusters];
            within += members.iter().map(|&d| row[d]).sum::<f64>();
            from_first += self.of_cluster[c];
        }
        let across = from_first - within;
        let within_second = self.total - from_first - across;
        let (m, n) = (m as f64, n as f64);
        2.0 * across / (m * n) - within / (m * m) - within_second / (n * n)
    }
}

fn euclid(a: &[f64], b: &[f64]) -> f64 {
    match (a, b) {
        ([a], [b]) => (a - b).abs(),
        _ => a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt(),
    }
}

fn check_rows(statistic: &'static str, values: &[f64], columns: usize) -> Result<(), StatsError> {
    if columns == 0 {
        let expected = "1 or more";
        return Err(StatsError::OutOfRange { argument: "columns", value: 0.0, expected });
    }
    if values.is_empty() {
        return Err(StatsError::TooFew { statistic, needed: 1, got: 0 });
    }
    if !values.len().is_multiple_of(columns) {
        let (left, right) = (values.len(), values.len() / columns * columns);
        return Err(StatsError::LengthMismatch { statistic, left, right });
    }
    check_finite(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};

    fn draws(replication: u32) -> Draws {
        Streams::new(4).replication(replication).global(Purpose::Permutation)
    }

    #[test]
    fn distance_scales_with_the_data_and_not_with_the_order() {
        let (x, y) = ([0.0, 1.0, 5.0, 2.0], [0.5, 3.0, 4.0, 4.0, 1.0, 7.0]);
        let plain = energy_distance(&x, &y, 2).unwrap();
        let back = energy_distance(&y, &x, 2).unwrap();
        assert!((plain - back).abs() < 1e-14 && plain > 0.0);
        for scale in [1e100, 1e-100] {
            let [x, y] = [&x[..], &y[..]].map(|v| v.iter().map(|v| v * scale).collect::<Vec<_>>());
            let scaled = energy_distance(&x, &y, 2).unwrap();
            // D² scales, D with its root.
            assert!((scaled / scale.sqrt() / plain - 1.0).abs() < 1e-12);
        }
        assert!(energy_distance(&x, &x, 2).unwrap() < 1e-7);
    }

    #[test]
    fn accounts_with_many_alike_rows_do_not_make_a_difference() {
        // Twelve accounts of ten nearly equal rows, groups assigned at random.
        let (mut by_row, mut by_cluster) = (0, 0);
        for replication in 0..100 {
            let mut stream = draws(replication).part(1).stream(0);
            let level: Vec<f64> = (0..12).map(|_| stream.uniform()).collect();
            let values: Vec<f64> =
                (0..120).map(|row| level[row / 10] + 0.05 * stream.uniform()).collect();
            let first: Vec<bool> = (0..120).map(|row| row < 60).collect();
            let accounts: Vec<u32> = (0..120).map(|row| row / 10).collect();
            let rows: Vec<u32> = (0..120).collect();
            let p = |cluster: &[u32]| {
                energy_test(&values, 1, &first, cluster, 39, draws(replication)).unwrap().p_value
            };
            by_row += usize::from(p(&rows) <= 0.05);
            by_cluster += usize::from(p(&accounts) <= 0.05);
        }
        // Binomial limit for 5 % of 100 at the one-sided 1 % level: 11.
        assert!(by_cluster <= 11, "{by_cluster}");
        assert!(by_row > 40, "{by_row}");
    }

    #[test]
    fn the_same_bytes_come_out_of_any_number_of_threads() {
        let values: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 61)).collect();
        let first: Vec<bool> = (0..30).map(|i| i % 2 == 0).collect();
        let cluster: Vec<u32> = (0..30).map(|i| i / 4 * 2 + i % 2).collect();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| energy_test(&values, 2, &first, &cluster, 60, draws(0)).unwrap())
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(5));
    }

    #[test]
    fn two_rows_have_a_p_of_one() {
        let test = energy_test(&[0.0, 1.0], 1, &[true, false], &[0, 1], 19, draws(0)).unwrap();
        assert!((test.p_value - 1.0).abs() < 1e-15);
        assert_eq!(test.n_clusters, [1, 1]);
    }

    #[test]
    fn bad_input_is_an_error() {
        let on = |values: &[f64], columns, first: &[bool], cluster: &[u32]| {
            energy_test(values, columns, first, cluster, 9, draws(0))
        };
        let (two, apart) = ([true, false], [0, 1]);
        assert!(matches!(on(&[1.0, 1.0], 1, &two, &apart), Err(StatsError::Constant { .. })));
        assert!(matches!(on(&[1.0, 2.0], 1, &two, &[0, 0]), Err(StatsError::OutOfRange { .. })));
        assert!(matches!(on(&[1.0, 2.0], 1, &[true; 2], &apart), Err(StatsError::TooFew { .. })));
        assert!(on(&[1.0, 2.0], 0, &two, &apart).is_err());
        assert!(on(&[1.0, f64::NAN], 1, &two, &apart).is_err());
        assert!(on(&[1.0, 2.0, 3.0], 2, &two, &apart).is_err());
        assert!(on(&[1.0, 2.0, 3.0], 1, &two, &apart).is_err());
        assert!(on(&[1e308, -1e308], 1, &two, &apart).is_err());
        assert!(energy_test(&[1.0, 2.0], 1, &two, &apart, 0, draws(0)).is_err());
    }
}
