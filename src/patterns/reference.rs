//! Do the accounts group more than ungrouped accounts with the same correlations would?

use nalgebra::{DMatrix, SymmetricEigen};
use ndarray::{Array2, ArrayView2, Axis};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::choose::{Fitted, Task, draws, fit_range};
use super::error::PatternError;
use crate::rng::{Stream, Streams};

/// Monte-Carlo comparison of the silhouettes with those of ungrouped reference data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferenceTest {
    /// One entry per `k`, in order.
    pub silhouettes: Vec<Silhouette>,
    /// P-value of the largest standardised silhouette over all `k` together.
    pub p_value: f64,
    /// Reference data sets drawn.
    pub references: usize,
}

/// Mean silhouette at one `k`, beside those of the reference data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Silhouette {
    /// Number of patterns.
    pub k: usize,
    /// Mean silhouette of the data, in `[-1, 1]`.
    pub silhouette: f64,
    /// Mean over the reference data sets.
    pub reference_mean: f64,
    /// Share of the data sets, the data among them, with at least this silhouette.
    pub p_value: f64,
}

/// Tests "one ungrouped population" against "groups" by the silhouettes of `fitted`.
///
/// A reference data set is drawn from one multivariate normal with the correlations of the
/// features; each of its columns then takes the values of the data's column by rank, so it shares
/// the data's marginals and ties (a mass of equal scores is not taken for a group). It is clustered
/// exactly as the data were. The statistic is the largest silhouette over `k`, each standardised by
/// its mean and deviation over the data and all references together, so the choice of `k` is paid for:
///
/// ```text
/// p = #{T(reference) ≥ T(data), data included} / (references + 1)
/// ```
///
/// - `features`: shape `(accounts, features)`; `fitted`: [`choose_k`](super::choose_k) on them.
///
/// # Errors
///
/// `InvalidParameter` for fewer than 19 references, with which p ≤ .05 cannot be reached; those of
/// [`KMeansParams::fit`](super::KMeansParams::fit).
///
/// # Source
///
/// Null models for the number of groups: Tibshirani, Walther and Hastie (2001), *JRSS B* 63, 411-423;
/// Studer (2021), *Sociological Methodology* 51, 290-318. Monte-Carlo p: Davison and Hinkley (1997), 4.2.
pub fn reference_test(
    features: ArrayView2<'_, f64>,
    fitted: &[Fitted],
    restarts: usize,
    references: usize,
    streams: Streams,
) -> Result<ReferenceTest, PatternError> {
    if references < 19 {
        return Err(PatternError::InvalidParameter {
            name: "references",
            value: references as f64,
            expected: "at least 19",
        });
    }
    let mut observed: Vec<&Fitted> = fitted.iter().collect();
    observed.sort_by_key(|fit| fit.clustering.k());
    let Some(k_max) = observed.last().map(|fit| fit.clustering.k()) else {
        return Ok(ReferenceTest { silhouettes: Vec::new(), p_value: 1.0, references });
    };
    let population = Ungrouped::learn(features);
    let drawn: Vec<Vec<Fitted>> = (0..references)
        .into_par_iter()
        .map(|number| {
            let data = population.draw(draws(streams, Task::Reference, number).stream(0));
            let seeds = draws(streams, Task::ReferenceFit, number);
            fit_range(data.view(), k_max, restarts, streams, seeds)
        })
        .collect::<Result<_, _>>()?;

    let mut silhouettes = Vec::new();
    let mut largest = vec![f64::NEG_INFINITY; references + 1];
    for fit in observed {
        let k = fit.clustering.k();
        let of_references = drawn.iter().map(|fits| silhouette_at(fits, k));
        let all: Vec<f64> = std::iter::once(fit.silhouette).chain(of_references).collect();
        let (mean, sd) = mean_sd(&all);
        for (largest, silhouette) in largest.iter_mut().zip(&all) {
            let standardised = if sd > 0.0 { (silhouette - mean) / sd } else { 0.0 };
            *largest = largest.max(standardised);
        }
        silhouettes.push(Silhouette {
            k,
            silhouette: fit.silhouette,
            reference_mean: all[1..].iter().sum::<f64>() / references as f64,
            p_value: share_at_least_first(&all),
        });
    }
    Ok(ReferenceTest { silhouettes, p_value: share_at_least_first(&largest), references })
}

/// A `k` that left a pattern empty separates nothing.
fn silhouette_at(fits: &[Fitted], k: usize) -> f64 {
    fits.iter().find(|fit| fit.clustering.k() == k).map_or(0.0, |fit| fit.silhouette)
}

fn share_at_least_first(values: &[f64]) -> f64 {
    values.iter().filter(|&&value| value >= values[0]).count() as f64 / values.len() as f64
}

fn mean_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, variance.sqrt())
}

/// One population without groups: a multivariate normal, and the values its ranks stand for.
struct Ungrouped {
    /// Square root of the covariance: shape `(features, features)`.
    root: DMatrix<f64>,
    /// Each column's values, increasing.
    sorted: Vec<Vec<f64>>,
    accounts: usize,
}

impl Ungrouped {
    fn learn(features: ArrayView2<'_, f64>) -> Self {
        let (accounts, columns) = features.dim();
        let means = features.sum_axis(Axis(0)) / accounts as f64;
        let covariance = DMatrix::from_fn(columns, columns, |a, b| {
            let pairs = features.column(a).into_iter().zip(features.column(b));
            pairs.map(|(x, y)| (x - means[a]) * (y - means[b])).sum::<f64>() / accounts as f64
        });
        // The eigenvalue root exists for a singular covariance too (an age that repeats another).
        let eigen = SymmetricEigen::new(covariance);
        let scales = eigen.eigenvalues.map(|value| value.max(0.0).sqrt());
        let root = &eigen.eigenvectors * DMatrix::from_diagonal(&scales);
        let sorted = features.axis_iter(Axis(1)).map(|column| {
            let mut values = column.to_vec();
            values.sort_by(f64::total_cmp);
            values
        });
        Self { root, sorted: sorted.collect(), accounts }
    }

    fn draw(&self, mut stream: Stream) -> Array2<f64> {
        let columns = self.sorted.len();
        let mut data = Array2::<f64>::zeros((self.accounts, columns));
        for mut row in data.rows_mut() {
            let normal: Vec<f64> =
                (0..columns).map(|_| StandardNormal.sample(&mut stream)).collect();
            for (column, value) in row.iter_mut().enumerate() {
                *value = normal.iter().enumerate().map(|(j, z)| self.root[(column, j)] * z).sum();
            }
        }
        for (mut column, sorted) in data.axis_iter_mut(Axis(1)).zip(&self.sorted) {
            let mut order: Vec<usize> = (0..self.accounts).collect();
            order.sort_by(|&a, &b| column[a].total_cmp(&column[b]).then(a.cmp(&b)));
            for (&account, &value) in order.iter().zip(sorted) {
                column[account] = value;
            }
        }
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::choose_k;
    use crate::rng::Purpose;

    fn blob(accounts: usize, seed: u64) -> Array2<f64> {
        let mut stream = Streams::new(seed).global(Purpose::Account).stream(0);
        Array2::from_shape_simple_fn((accounts, 3), || StandardNormal.sample(&mut stream))
    }

    #[test]
    fn a_reference_keeps_marginals_and_correlations() {
        let mut data = blob(2_000, 1);
        for mut row in data.rows_mut() {
            row[1] = 0.8 * row[0] + 0.6 * row[1];
        }
        let reference = Ungrouped::learn(data.view())
            .draw(draws(Streams::new(2), Task::Reference, 0).stream(0));
        for column in 0..3 {
            let sorted = |data: &Array2<f64>| {
                let mut values = data.column(column).to_vec();
                values.sort_by(f64::total_cmp);
                values
            };
            assert_eq!(sorted(&data), sorted(&reference));
        }
        let product = |data: &Array2<f64>| (&data.column(0) * &data.column(1)).mean().unwrap();
        // The mean product of 2,000 pairs has standard error √(1 + .8²)/√2000 = .029: two of them, four wide.
        assert!((product(&data) - product(&reference)).abs() < 4.0 * 0.029 * 2_f64.sqrt());
    }

    #[test]
    fn two_groups_stand_out_and_one_does_not() {
        let streams = Streams::new(5);
        let p_value = |data: Array2<f64>| {
            let fitted = choose_k(data.view(), 4, 2, streams).unwrap();
            reference_test(data.view(), &fitted, 2, 19, streams).unwrap().p_value
        };
        let mut grouped = blob(200, 3);
        for mut row in grouped.rows_mut().into_iter().step_by(2) {
            row += 5.0;
        }
        assert!(p_value(grouped) <= 0.05);
        assert!(p_value(blob(200, 3)) > 0.05);
    }

    #[test]
    fn too_few_references_are_refused() {
        let error = reference_test(blob(20, 1).view(), &[], 1, 18, Streams::new(1)).unwrap_err();
        assert!(matches!(error, PatternError::InvalidParameter { name: "references", .. }));
    }
}
