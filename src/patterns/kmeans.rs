//! K-means behind two types of our own: settings in, a model out.

use linfa::prelude::*;
use linfa_clustering::KMeans;
use ndarray::{Array2, ArrayView1, ArrayView2};
use rand::Rng;
use rand_xoshiro06::Xoshiro256Plus;
use rand_xoshiro06::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use super::error::PatternError;
use crate::rng::Stream;

/// The generator of linfa's older line of `rand`; nothing else uses it.
pub type LinfaRng = Xoshiro256Plus;

/// Linfa's generator, seeded from a named stream of the run.
pub(super) fn linfa_rng(mut stream: Stream) -> LinfaRng {
    LinfaRng::seed_from_u64(stream.next_u64())
}

/// How k-means is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KMeansParams {
    /// Number of patterns.
    pub k: usize,
    /// Independent starts (k-means++); the one with the least inertia is kept.
    pub restarts: usize,
}

/// Accounts in patterns, numbered from 0, largest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clustering {
    /// Centre of each pattern in feature space.
    pub centroids: Vec<Vec<f64>>,
    /// Pattern of each account it was fitted on.
    pub assignments: Vec<usize>,
    /// Accounts in each pattern; zero when there are fewer distinct accounts than patterns.
    pub sizes: Vec<usize>,
    /// Mean squared distance of an account from its centre.
    pub inertia: f64,
}

/// The pattern nearest to an account.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Pattern, from 0.
    pub pattern: usize,
    /// 1 − (distance to its centre) / (distance to the next nearest): 0 on the border, 1 at the centre.
    pub margin: f64,
}

impl KMeansParams {
    /// Finds `k` patterns in `features`: shape `(accounts, features)`, standardised columns.
    ///
    /// # Errors
    ///
    /// `InvalidParameter` when `k` or `restarts` is 0; `TooManyPatterns` when `k` exceeds the
    /// accounts; `KMeans` when the solver fails.
    ///
    /// # Source
    ///
    /// Lloyd's algorithm with k-means++ starts (Arthur and Vassilvitskii 2007), by `linfa-clustering`.
    pub fn fit(
        &self,
        features: ArrayView2<'_, f64>,
        rng: LinfaRng,
    ) -> Result<Clustering, PatternError> {
        for (name, value) in [("k", self.k), ("restarts", self.restarts)] {
            if value == 0 {
                return Err(PatternError::InvalidParameter {
                    name,
                    value: 0.0,
                    expected: "at least 1",
                });
            }
        }
        let accounts = features.nrows();
        if accounts < self.k {
            return Err(PatternError::TooManyPatterns { k: self.k, accounts });
        }
        let data = DatasetBase::from(features);
        let model = KMeans::params_with_rng(self.k, rng).n_runs(self.restarts).fit(&data)?;
        Ok(Clustering::new(model.centroids(), features))
    }
}

impl Clustering {
    /// Places the accounts and numbers the patterns, largest first (ties: smaller centre first).
    fn new(centroids: &Array2<f64>, features: ArrayView2<'_, f64>) -> Self {
        let mut centroids: Vec<Vec<f64>> =
            centroids.rows().into_iter().map(|row| row.to_vec()).collect();
        let count = |centroids: &[Vec<f64>]| {
            let mut sizes = vec![0; centroids.len()];
            let assignments: Vec<usize> =
                features.rows().into_iter().map(|row| nearest(centroids, row).pattern).collect();
            for &pattern in &assignments {
                sizes[pattern] += 1;
            }
            (assignments, sizes)
        };
        let (_, sizes) = count(&centroids);
        let mut order: Vec<usize> = (0..centroids.len()).collect();
        order.sort_by(|&a, &b| {
            let centres = centroids[a].iter().zip(&centroids[b]);
            let by_centre = centres.map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
            sizes[b].cmp(&sizes[a]).then(by_centre.unwrap_or(std::cmp::Ordering::Equal))
        });
        centroids = order.iter().map(|&pattern| centroids[pattern].clone()).collect();
        let (assignments, sizes) = count(&centroids);
        let squares = features.rows().into_iter().zip(&assignments);
        let inertia = squares.map(|(row, &pattern)| squared(&centroids[pattern], row)).sum::<f64>()
            / assignments.len() as f64;
        Self { centroids, assignments, sizes, inertia }
    }

    /// Number of patterns.
    pub fn k(&self) -> usize {
        self.centroids.len()
    }

    /// The pattern nearest to one account's features.
    pub fn assign(&self, features: ArrayView1<'_, f64>) -> Assignment {
        nearest(&self.centroids, features)
    }
}

/// The nearest of some centres, the first of them at equal distance.
pub(super) fn nearest(centroids: &[Vec<f64>], features: ArrayView1<'_, f64>) -> Assignment {
    let (mut pattern, mut least, mut second) = (0, f64::INFINITY, f64::INFINITY);
    for (candidate, centroid) in centroids.iter().enumerate() {
        let distance = squared(centroid, features);
        if distance < least {
            (pattern, least, second) = (candidate, distance, least);
        } else if distance < second {
            second = distance;
        }
    }
    let margin = if second > 0.0 { 1.0 - (least / second).sqrt() } else { 0.0 };
    Assignment { pattern, margin }
}

fn squared(centroid: &[f64], features: ArrayView1<'_, f64>) -> f64 {
    centroid.iter().zip(features).map(|(centre, value)| (centre - value).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};
    use ndarray::array;

    fn rng(ordinal: u64) -> LinfaRng {
        linfa_rng(Streams::new(1).global(Purpose::Clustering).stream(ordinal))
    }

    #[test]
    fn separate_groups_are_found_and_numbered_largest_first() {
        let features = array![[9.0, 9.0], [0.0, 0.1], [0.1, 0.0], [9.1, 9.0], [0.0, 0.0]];
        let found = KMeansParams { k: 2, restarts: 3 }.fit(features.view(), rng(0)).unwrap();
        assert_eq!(found.assignments, [1, 0, 0, 1, 0]);
        assert_eq!(found.sizes, [3, 2]);
    }

    #[test]
    fn the_margin_is_one_at_a_centre_and_zero_on_the_border() {
        let centroids = [vec![0.0], vec![2.0]];
        assert_eq!(nearest(&centroids, array![2.0].view()), Assignment { pattern: 1, margin: 1.0 });
        assert_eq!(nearest(&centroids, array![1.0].view()), Assignment { pattern: 0, margin: 0.0 });
        assert!((nearest(&centroids, array![0.5].view()).margin - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn one_pattern_has_its_centre_at_the_mean() {
        let features = array![[0.0, 4.0], [2.0, 0.0], [4.0, 2.0]];
        let found = KMeansParams { k: 1, restarts: 1 }.fit(features.view(), rng(0)).unwrap();
        // Linfa stops when the centre moves less than 1e-4.
        assert!(found.centroids[0].iter().all(|value| (value - 2.0).abs() < 1e-3));
        assert!((found.inertia - 16.0 / 3.0).abs() < 1e-3);
    }

    #[test]
    fn more_patterns_than_accounts_are_refused() {
        let error = KMeansParams { k: 3, restarts: 1 }
            .fit(array![[0.0], [1.0]].view(), rng(0))
            .unwrap_err();
        assert!(matches!(error, PatternError::TooManyPatterns { k: 3, accounts: 2 }));
    }
}
