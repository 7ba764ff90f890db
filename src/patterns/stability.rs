//! Do the same patterns come back when the accounts are resampled?

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::choose::{Task, draws};
use super::error::PatternError;
use super::kmeans::{Clustering, KMeansParams, linfa_rng};
use crate::rng::Streams;

/// A pattern is called stable from this mean Jaccard similarity (Hennig 2007).
pub const STABLE_FROM: f64 = 0.75;

/// How reliably each pattern is found again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatternStability {
    /// Mean over the resamples of the largest Jaccard similarity with a pattern found there, by pattern.
    pub jaccard: Vec<f64>,
    /// Resamples drawn.
    pub resamples: usize,
}

impl PatternStability {
    /// The least stable pattern's mean Jaccard similarity.
    pub fn lowest(&self) -> f64 {
        self.jaccard.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Whether every pattern reaches [`STABLE_FROM`].
    pub fn is_stable(&self) -> bool {
        self.lowest() >= STABLE_FROM
    }
}

/// Mean bootstrap Jaccard similarity of every pattern of `clustering`.
///
/// Accounts are drawn with replacement, k-means is run again, and all original accounts are
/// placed in the new patterns:
///
/// ```text
/// stability(C) = mean over resamples of  max over new patterns D of  |C ∩ D| / |C ∪ D|
/// ```
///
/// - `features`: shape `(accounts, features)`, those `clustering` was fitted on.
///
/// # Errors
///
/// `LengthMismatch` when they are others; `InvalidParameter` for no resamples; those of
/// [`KMeansParams::fit`].
///
/// # Source
///
/// Hennig (2007), *Comput. Stat. Data Anal.* 52, 258-271. R `fpc::clusterboot` compares on the
/// resampled accounts only; here all original accounts are compared.
pub fn bootstrap_stability(
    features: ArrayView2<'_, f64>,
    clustering: &Clustering,
    restarts: usize,
    resamples: usize,
    streams: Streams,
) -> Result<PatternStability, PatternError> {
    let accounts = features.nrows();
    if clustering.assignments.len() != accounts {
        return Err(PatternError::LengthMismatch {
            what: "assignments",
            got: clustering.assignments.len(),
            expected: accounts,
        });
    }
    if resamples == 0 {
        return Err(PatternError::InvalidParameter {
            name: "resamples",
            value: 0.0,
            expected: "at least 1",
        });
    }
    let params = KMeansParams { k: clustering.k(), restarts };
    let similarities: Vec<Vec<f64>> = (0..resamples)
        .into_par_iter()
        .map(|number| {
            let draw = draws(streams, Task::Resample, number);
            let chosen: Vec<usize> = (0..accounts)
                .map(|i| (draw.uniform(i as u64) * accounts as f64) as usize)
                .collect();
            let seed = draws(streams, Task::ResampleFit, number).stream(params.k as u64);
            let again = params.fit(features.select(Axis(0), &chosen).view(), linfa_rng(seed))?;
            let placed: Vec<usize> =
                features.rows().into_iter().map(|row| again.assign(row).pattern).collect();
            Ok(best_jaccard(&clustering.assignments, &placed, params.k))
        })
        .collect::<Result<_, PatternError>>()?;
    let jaccard = (0..params.k)
        .map(|pattern| similarities.iter().map(|s| s[pattern]).sum::<f64>() / resamples as f64)
        .collect();
    Ok(PatternStability { jaccard, resamples })
}

/// For each group of `original`, the largest Jaccard similarity with a group of `other`.
fn best_jaccard(original: &[usize], other: &[usize], k: usize) -> Vec<f64> {
    let mut shared = vec![vec![0_u32; k]; k];
    for (&a, &b) in original.iter().zip(other) {
        shared[a][b] += 1;
    }
    let other_sizes: Vec<u32> = (0..k).map(|b| shared.iter().map(|row| row[b]).sum()).collect();
    let similarity = |row: &Vec<u32>| {
        let size: u32 = row.iter().sum();
        let pairs = row.iter().zip(&other_sizes);
        pairs
            .map(|(&both, &other)| f64::from(both) / f64::from((size + other - both).max(1)))
            .fold(0.0, f64::max)
    };
    shared.iter().map(similarity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::choose_k;
    use ndarray::Array2;

    #[test]
    fn equal_groupings_have_similarity_one_whatever_their_numbers() {
        assert_eq!(best_jaccard(&[0, 0, 1, 1, 1], &[1, 1, 0, 0, 0], 2), [1.0, 1.0]);
    }

    #[test]
    fn a_split_group_has_the_similarity_of_its_larger_part() {
        assert_eq!(best_jaccard(&[0, 0, 0, 0, 1], &[0, 0, 0, 1, 1], 2), [0.75, 0.5]);
    }

    #[test]
    fn separate_groups_are_stable_and_too_many_are_not() {
        let features = Array2::from_shape_fn((60, 2), |(account, column)| {
            let shift = if account % 2 == 0 { 0.0 } else { 20.0 };
            shift + ((account * (7 + 4 * column)) % 13) as f64 / 13.0
        });
        let streams = Streams::new(1);
        for fit in choose_k(features.view(), 6, 4, streams).unwrap() {
            let stability =
                bootstrap_stability(features.view(), &fit.clustering, 2, 20, streams).unwrap();
            assert_eq!(stability.is_stable(), fit.clustering.k() == 2, "{stability:?}");
        }
    }
}
