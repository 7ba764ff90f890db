//! Mean losses of several models, and what they are in resamples.

use std::collections::BTreeMap;

use rand::RngExt;
use rayon::prelude::*;

use super::super::block_bootstrap::stationary_indices;
use super::super::error::{StatsError, check_finite};
use crate::rng::Draws;

const NAME: &str = "resampled_means";

/// Mean losses of models on the same observations, and in resamples of these observations.
///
/// ```text
/// L̄ⱼ = (1/n) Σᵢ lossᵢⱼ      L̄*ⱼ: the same over the observations of a resample
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ResampledMeans {
    pub(super) mean: Vec<f64>,
    /// Shape `(resamples, models)`.
    pub(super) resampled: Vec<f64>,
}

impl ResampledMeans {
    /// Resamples whole clusters, such as accounts with all their dates.
    ///
    /// Clusters are drawn with replacement; each observation counts once, so larger clusters weigh
    /// more. Resample b is named by `draws.stream(b)`.
    ///
    /// - `losses`: row by row, shape `(n, models)`. `cluster`: shape `(n,)`.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`, `NotFinite`; `TooFew` with fewer than 2 clusters; `OutOfRange` for no model
    /// or no resample.
    ///
    /// # Source
    ///
    /// Cameron, Gelbach and Miller (2008), *Rev. Econ. Stat.* 90(3), 414–427.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::{rng::{Purpose, Streams}, stats::ResampledMeans};
    /// let draws = Streams::new(1).global(Purpose::Bootstrap);
    /// let losses = [1.0, 2.0, 3.0, 2.0, 2.0, 5.0];
    /// let means = ResampledMeans::by_cluster(&losses, 2, &[0, 0, 1], 99, draws)?;
    /// assert_eq!(means.mean(), [2.0, 3.0]);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn by_cluster(
        losses: &[f64],
        models: usize,
        cluster: &[u32],
        resamples: usize,
        draws: Draws,
    ) -> Result<Self, StatsError> {
        check(losses, models, cluster.len(), resamples)?;
        let mut sums: BTreeMap<u32, (f64, Vec<f64>)> = BTreeMap::new();
        for (row, key) in losses.chunks(models).zip(cluster) {
            let (count, sum) = sums.entry(*key).or_insert_with(|| (0.0, vec![0.0; models]));
            *count += 1.0;
            for (sum, loss) in sum.iter_mut().zip(row) {
                *sum += loss;
            }
        }
        let sums: Vec<(f64, Vec<f64>)> = sums.into_values().collect();
        let got = sums.len();
        if got < 2 {
            return Err(StatsError::TooFew { statistic: NAME, needed: 2, got });
        }
        let resample = |b: usize| {
            let mut stream = draws.stream(b as u64);
            ratio((0..got).map(|_| &sums[stream.random_range(0..got)]), models)
        };
        let resampled: Vec<Vec<f64>> = (0..resamples).into_par_iter().map(resample).collect();
        Ok(Self { mean: ratio(sums.iter(), models), resampled: resampled.concat() })
    }

    /// Resamples blocks of one series by the stationary bootstrap.
    ///
    /// - `losses`: row by row, shape `(n, models)`, in order of time. `mean_block`: mean length of a
    ///   block, at least 1. Resample b is named by `draws.stream(b)`.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`, `NotFinite`; `TooFew` with fewer than 2 rows; `OutOfRange` for no model, no
    /// resample or a block below 1.
    ///
    /// # Source
    ///
    /// Politis and Romano (1994), *J. Am. Stat. Assoc.* 89(428), 1303–1313.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::{rng::{Purpose, Streams}, stats::ResampledMeans};
    /// let draws = Streams::new(1).global(Purpose::Bootstrap);
    /// let losses = [1.0, 2.0, 3.0, 2.0, 2.0, 5.0];
    /// let means = ResampledMeans::by_block(&losses, 2, 2.0, 99, draws)?;
    /// assert_eq!(means.mean(), [2.0, 3.0]);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn by_block(
        losses: &[f64],
        models: usize,
        mean_block: f64,
        resamples: usize,
        draws: Draws,
    ) -> Result<Self, StatsError> {
        let n = losses.len() / models.max(1);
        check(losses, models, n, resamples)?;
        let draw = |b: usize| stationary_indices(n, mean_block, draws, b as u64);
        let indices: Vec<Vec<usize>> =
            (0..resamples).into_par_iter().map(draw).collect::<Result<_, _>>()?;
        Self::from_rows(losses, models, &indices)
    }

    /// Takes the rows of each resample as given, such as by another bootstrap.
    ///
    /// - `losses`: row by row, shape `(n, models)`. `resamples`: row numbers of each resample.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`, `NotFinite`; `TooFew` with fewer than 2 rows or an empty resample;
    /// `OutOfRange` for no model, no resample or a row that does not exist.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::ResampledMeans;
    /// let losses = [1.0, 2.0, 3.0, 2.0];
    /// let means = ResampledMeans::from_rows(&losses, 2, &[vec![0, 0], vec![1, 0], vec![1, 1]])?;
    /// assert_eq!(means.mean(), [2.0, 2.0]);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn from_rows(
        losses: &[f64],
        models: usize,
        resamples: &[Vec<usize>],
    ) -> Result<Self, StatsError> {
        let n = losses.len() / models.max(1);
        check(losses, models, n, resamples.len())?;
        let rows: Vec<(f64, Vec<f64>)> =
            losses.chunks(models).map(|row| (1.0, row.to_vec())).collect();
        let mut resampled = Vec::with_capacity(resamples.len() * models);
        for drawn in resamples {
            if drawn.is_empty() {
                return Err(StatsError::TooFew { statistic: NAME, needed: 1, got: 0 });
            }
            if let Some(&row) = drawn.iter().find(|row| **row >= n) {
                let (argument, value) = ("row", row as f64);
                let expected = "below the number of rows";
                return Err(StatsError::OutOfRange { argument, value, expected });
            }
            resampled.extend(ratio(drawn.iter().map(|&row| &rows[row]), models));
        }
        Ok(Self { mean: ratio(rows.iter(), models), resampled })
    }

    /// The mean loss of each model.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    pub(super) fn models(&self) -> usize {
        self.mean.len()
    }
}

/// Sums over counts.
fn ratio<'a>(parts: impl Iterator<Item = &'a (f64, Vec<f64>)>, models: usize) -> Vec<f64> {
    let (mut count, mut sums) = (0.0, vec![0.0; models]);
    for (rows, losses) in parts {
        count += rows;
        for (sum, loss) in sums.iter_mut().zip(losses) {
            *sum += loss;
        }
    }
    sums.iter().map(|sum| sum / count).collect()
}

fn check(losses: &[f64], models: usize, rows: usize, resamples: usize) -> Result<(), StatsError> {
    for (argument, value) in [("models", models), ("resamples", resamples)] {
        if value == 0 {
            let expected = "1 or more";
            return Err(StatsError::OutOfRange { argument, value: 0.0, expected });
        }
    }
    if losses.len() != models * rows {
        let (left, right) = (losses.len(), models * rows);
        return Err(StatsError::LengthMismatch { statistic: NAME, left, right });
    }
    if rows < 2 {
        return Err(StatsError::TooFew { statistic: NAME, needed: 2, got: rows });
    }
    check_finite(losses)
}
