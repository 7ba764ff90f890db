//! How many patterns: the mean silhouette over a range of `k`.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::error::PatternError;
use super::kmeans::{Clustering, KMeansParams, linfa_rng};
use crate::ids::{AccountIndex, ContactIndex};
use crate::rng::{Draws, Purpose, Streams};

/// Above so many accounts the silhouette is computed on a subsample of this size.
pub const SILHOUETTE_EXACT_ACCOUNTS: usize = 2_000;

/// Patterns at one `k`, and how well they separate.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The patterns.
    pub clustering: Clustering,
    /// Their mean silhouette, in `[-1, 1]`.
    pub silhouette: f64,
}

/// What a draw of this module is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    Fit = 1,
    Subsample = 2,
    Reference = 3,
    ReferenceFit = 4,
    Resample = 5,
    ResampleFit = 6,
}

/// The draws for the `number`-th repetition of a task.
pub(super) fn draws(streams: Streams, task: Task, number: usize) -> Draws {
    let number = AccountIndex(u32::try_from(number).expect("fewer than 2^32 repetitions"));
    streams.draws(Purpose::Clustering, number, ContactIndex(task as u16))
}

/// K-means for every `k` from 2 to `k_max`, best mean silhouette first (ties: smaller `k` first).
///
/// A `k` that leaves a pattern empty is left out, so the answer is empty when the accounts do
/// not differ.
///
/// # Errors
///
/// Those of [`KMeansParams::fit`].
pub fn choose_k(
    features: ArrayView2<'_, f64>,
    k_max: usize,
    restarts: usize,
    streams: Streams,
) -> Result<Vec<Fitted>, PatternError> {
    let mut fitted = fit_range(features, k_max, restarts, streams, draws(streams, Task::Fit, 0))?;
    fitted.sort_by(|a, b| {
        b.silhouette.total_cmp(&a.silhouette).then(a.clustering.k().cmp(&b.clustering.k()))
    });
    Ok(fitted)
}

/// K-means for every `k` from 2 to `k_max`, in order of `k`, seeded from `draws`.
pub(super) fn fit_range(
    features: ArrayView2<'_, f64>,
    k_max: usize,
    restarts: usize,
    streams: Streams,
    draws: Draws,
) -> Result<Vec<Fitted>, PatternError> {
    let clusterings = (2..=k_max)
        .map(|k| KMeansParams { k, restarts }.fit(features, linfa_rng(draws.stream(k as u64))))
        .collect::<Result<Vec<_>, _>>()?;
    let clusterings: Vec<Clustering> =
        clusterings.into_iter().filter(|c| c.sizes.iter().all(|&size| size > 0)).collect();
    let groupings: Vec<&[usize]> = clusterings.iter().map(|c| c.assignments.as_slice()).collect();
    let silhouettes = mean_silhouettes(features, &groupings, streams);
    let pairs = clusterings.into_iter().zip(silhouettes);
    Ok(pairs.map(|(clustering, silhouette)| Fitted { clustering, silhouette }).collect())
}

/// Mean silhouette of a grouping: how much nearer accounts are to their own group than to the next.
///
/// ```text
/// s(i) = (b − a) / max(a, b)    a: mean distance to the other members of i's group
///                               b: least mean distance to another group; s = 0 in a group of one
/// ```
///
/// - `features`: shape `(accounts, features)`; Euclidean distance.
/// - `groups`: group of each account, numbered from 0; at least two groups.
/// - Returns a value in `[-1, 1]`. O(n²) up to [`SILHOUETTE_EXACT_ACCOUNTS`] accounts, beyond that
///   on that many accounts drawn without replacement, the same for the same `streams`.
///
/// # Errors
///
/// `LengthMismatch` when `groups` has another length than `features` has rows; `InvalidParameter`
/// when there is one group only.
///
/// # Source
///
/// Rousseeuw (1987), *J. Comput. Appl. Math.* 20, 53-65.
///
/// # Examples
///
/// ```
/// use ndarray::array;
/// let features = array![[0.0], [1.0], [10.0], [11.0]];
/// let streams = rvq::rng::Streams::new(1);
/// let s = rvq::patterns::mean_silhouette(features.view(), &[0, 0, 1, 1], streams)?;
/// assert!((s - (1.0 - (1.0 / 10.5 + 1.0 / 9.5) / 2.0)).abs() < 1e-12);
/// # Ok::<(), rvq::patterns::PatternError>(())
/// ```
pub fn mean_silhouette(
    features: ArrayView2<'_, f64>,
    groups: &[usize],
    streams: Streams,
) -> Result<f64, PatternError> {
    if groups.len() != features.nrows() {
        return Err(PatternError::LengthMismatch {
            what: "groups",
            got: groups.len(),
            expected: features.nrows(),
        });
    }
    if groups.iter().all(|group| Some(group) == groups.first()) {
        return Err(PatternError::InvalidParameter {
            name: "number of groups",
            value: 1.0,
            expected: "at least 2",
        });
    }
    Ok(mean_silhouettes(features, &[groups], streams)[0])
}

/// Mean silhouettes of several groupings of the same accounts: the distances are shared.
fn mean_silhouettes(
    features: ArrayView2<'_, f64>,
    groupings: &[&[usize]],
    streams: Streams,
) -> Vec<f64> {
    let accounts = subsample(features.nrows(), streams);
    let rows: Vec<Vec<f64>> = accounts.iter().map(|&i| features.row(i).to_vec()).collect();
    let groupings: Vec<Vec<usize>> =
        groupings.iter().map(|groups| accounts.iter().map(|&i| groups[i]).collect()).collect();
    let sizes: Vec<Vec<usize>> = groupings.iter().map(|groups| sizes(groups)).collect();
    let silhouettes: Vec<Vec<f64>> = (0..rows.len())
        .into_par_iter()
        .map(|i| {
            let distances: Vec<f64> = rows.iter().map(|row| distance(&rows[i], row)).collect();
            let groupings = groupings.iter().zip(&sizes);
            groupings.map(|(groups, sizes)| silhouette(i, &distances, groups, sizes)).collect()
        })
        .collect();
    (0..groupings.len())
        .map(|g| silhouettes.iter().map(|s| s[g]).sum::<f64>() / silhouettes.len() as f64)
        .collect()
}

fn silhouette(account: usize, distances: &[f64], groups: &[usize], sizes: &[usize]) -> f64 {
    let own = groups[account];
    if sizes[own] < 2 {
        return 0.0;
    }
    let mut sums = vec![0.0; sizes.len()];
    for (&distance, &group) in distances.iter().zip(groups) {
        sums[group] += distance;
    }
    let within = sums[own] / (sizes[own] - 1) as f64;
    let others = (0..sizes.len()).filter(|&group| group != own && sizes[group] > 0);
    let between =
        others.map(|group| sums[group] / sizes[group] as f64).fold(f64::INFINITY, f64::min);
    let largest = within.max(between);
    if largest > 0.0 && largest.is_finite() { (between - within) / largest } else { 0.0 }
}

fn sizes(groups: &[usize]) -> Vec<usize> {
    let mut sizes = vec![0; groups.iter().max().map_or(0, |&most| most + 1)];
    for &group in groups {
        sizes[group] += 1;
    }
    sizes
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// All accounts, or a keyed draw of [`SILHOUETTE_EXACT_ACCOUNTS`] of them, in order.
fn subsample(accounts: usize, streams: Streams) -> Vec<usize> {
    if accounts <= SILHOUETTE_EXACT_ACCOUNTS {
        return (0..accounts).collect();
    }
    let draws = draws(streams, Task::Subsample, 0);
    let mut keyed: Vec<(f64, usize)> =
        (0..accounts).map(|account| (draws.uniform(account as u64), account)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<usize> =
        keyed[..SILHOUETTE_EXACT_ACCOUNTS].iter().map(|&(_, account)| account).collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn a_group_of_one_counts_as_zero() {
        let features = array![[0.0], [1.0], [50.0]];
        let s = mean_silhouette(features.view(), &[0, 0, 1], Streams::new(1)).unwrap();
        assert!((s - (49.0 / 50.0 + 48.0 / 49.0) / 3.0).abs() < 1e-12);
    }

    #[test]
    fn one_group_has_no_silhouette() {
        let error = mean_silhouette(array![[0.0], [1.0]].view(), &[0, 0], Streams::new(1));
        assert!(matches!(error, Err(PatternError::InvalidParameter { .. })));
    }

    #[test]
    fn three_separate_groups_give_three() {
        let features = Array2::from_shape_fn((30, 2), |(account, column)| {
            let group = account % 3;
            10.0 * f64::from(u8::from(group == column)) + 0.1 * ((account / 3) as f64)
        });
        let fitted = choose_k(features.view(), 6, 4, Streams::new(1)).unwrap();
        assert_eq!(fitted[0].clustering.sizes, [10, 10, 10]);
    }

    #[test]
    fn identical_accounts_give_no_candidate() {
        let fitted = choose_k(Array2::zeros((30, 2)).view(), 4, 2, Streams::new(1)).unwrap();
        assert!(fitted.is_empty());
    }

    #[test]
    fn a_large_cohort_is_subsampled_the_same_way_each_time() {
        let chosen = subsample(5_000, Streams::new(3));
        assert_eq!(chosen.len(), SILHOUETTE_EXACT_ACCOUNTS);
        assert!(chosen.is_sorted_by(|a, b| a < b));
        assert_eq!(chosen, subsample(5_000, Streams::new(3)));
        // Uniform over positions: the mean position has standard error 5000/√(12·2000) · √.6 = 25.
        let mean = chosen.iter().sum::<usize>() as f64 / chosen.len() as f64;
        assert!((mean - 2_499.5).abs() < 100.0, "mean position {mean}");
    }
}
