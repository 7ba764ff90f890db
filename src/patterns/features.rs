//! Features of a trajectory: its standing among the accounts at equal age.
//!
//! The features are the curve's own coordinates, one per age, as in clustering of longitudinal
//! data by k-means (Genolini and Falissard 2010), taken on the normal-score scale: the share of
//! training accounts below the account at that age, as a quantile of the normal distribution.
//!
//! Why not summaries such as slope, volatility or share of falls: they depend on each other in
//! curved ways even in featureless data (the volatility of a rank is small at both ends), and
//! k-means mistakes such a curve for groups. The coordinates of a featureless random walk are
//! jointly normal, so the reference test of this module is honest for them. What is lost:
//! accounts that differ only in volatility share a pattern.
//!
//! Why standing and not the raw score: scores are skewed (a few large accounts), and one long tail
//! would be the first "pattern" found. Standing makes the result the same under every increasing
//! rescaling of the score, and takes the common course of all accounts out.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::error::PatternError;

/// Scores of accounts at the same ages.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectories {
    /// Ages \[months since the account began\], increasing; the columns of `values`.
    pub ages_months: Vec<i32>,
    /// Score: shape `(accounts, ages)`, as known at that age, finite.
    pub values: Array2<f64>,
}

/// Standing of accounts by age, standardised: what k-means sees.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Shape `(accounts, kept ages)`; each column has mean 0 and standard deviation 1.
    pub values: Array2<f64>,
    /// How the columns were made, to place further accounts.
    pub scale: FeatureScale,
}

/// How a score at each age becomes a feature; learnt from the training accounts only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureScale {
    /// Ages a trajectory must have, in order, in months.
    pub ages_months: Vec<i32>,
    /// One entry per kept age.
    pub kept: Vec<AgeStanding>,
    /// Ages at which all accounts had the same score, in months: nothing to tell them apart.
    pub dropped_ages_months: Vec<i32>,
}

/// The scores of the training accounts at one age, and the scale of their normal scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgeStanding {
    /// Position of the age in [`FeatureScale::ages_months`].
    pub position: usize,
    /// Scores of the training accounts at this age, increasing.
    pub sorted: Vec<f64>,
    /// Mean of the training accounts' normal scores.
    pub mean: f64,
    /// Standard deviation of the training accounts' normal scores.
    pub sd: f64,
}

impl Trajectories {
    /// Checks shape and finiteness.
    ///
    /// # Errors
    ///
    /// `LengthMismatch` when `values` has another number of columns than there are ages;
    /// `NotFinite` at the first NaN or infinite score; `InvalidParameter` when ages do not increase.
    pub fn check(&self) -> Result<(), PatternError> {
        if self.values.ncols() != self.ages_months.len() {
            return Err(PatternError::LengthMismatch {
                what: "trajectory",
                got: self.values.ncols(),
                expected: self.ages_months.len(),
            });
        }
        if let Some(pair) = self.ages_months.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(PatternError::InvalidParameter {
                name: "ages_months",
                value: f64::from(pair[1]),
                expected: "an age above the one before it",
            });
        }
        match self.values.indexed_iter().find(|(_, value)| !value.is_finite()) {
            Some(((account, position), &value)) => {
                Err(PatternError::NotFinite { what: "trajectory", account, position, value })
            }
            None => Ok(()),
        }
    }

    /// The trajectories of some accounts, in the order given.
    #[must_use]
    pub fn select(&self, accounts: &[usize]) -> Self {
        Self {
            ages_months: self.ages_months.clone(),
            values: self.values.select(Axis(0), accounts),
        }
    }
}

/// Standing of each account at each age, as standardised normal scores of mid-ranks.
///
/// ```text
/// f(i, a) = (z(i, a) − mean z(·, a)) / sd z(·, a)
/// z(i, a) = Φ⁻¹((below + (tied + 1) / 2) / (n + 1))     below, tied (itself included): accounts at age a
/// ```
///
/// - `trajectories`: the training accounts, shape `(accounts, ages)`.
/// - Returns one column per age at which the accounts differ; the others are named in
///   [`FeatureScale::dropped_ages_months`].
///
/// # Errors
///
/// Those of [`Trajectories::check`].
///
/// # Source
///
/// Van der Waerden scores: Conover (1999), *Practical Nonparametric Statistics*, 5.10.
/// Curves by k-means: Genolini and Falissard (2010), *Computational Statistics* 25, 317-328.
pub fn features(trajectories: &Trajectories) -> Result<Features, PatternError> {
    trajectories.check()?;
    let mut scale = FeatureScale {
        ages_months: trajectories.ages_months.clone(),
        kept: Vec::new(),
        dropped_ages_months: Vec::new(),
    };
    for (position, column) in trajectories.values.axis_iter(Axis(1)).enumerate() {
        match AgeStanding::learn(position, column) {
            Some(standing) => scale.kept.push(standing),
            None => scale.dropped_ages_months.push(trajectories.ages_months[position]),
        }
    }
    let values = scale.transform(trajectories.values.view())?;
    Ok(Features { values, scale })
}

impl FeatureScale {
    /// Features of further accounts: shape `(accounts, ages)` in, `(accounts, kept ages)` out.
    ///
    /// # Errors
    ///
    /// `LengthMismatch` when the columns are not the ages it was learnt at.
    pub fn transform(&self, values: ArrayView2<'_, f64>) -> Result<Array2<f64>, PatternError> {
        if values.ncols() != self.ages_months.len() {
            return Err(PatternError::LengthMismatch {
                what: "trajectory",
                got: values.ncols(),
                expected: self.ages_months.len(),
            });
        }
        Ok(Array2::from_shape_fn((values.nrows(), self.kept.len()), |(account, column)| {
            let standing = &self.kept[column];
            standing.feature(values[[account, standing.position]])
        }))
    }
}

impl AgeStanding {
    fn learn(position: usize, column: ArrayView1<'_, f64>) -> Option<Self> {
        let mut sorted = column.to_vec();
        sorted.sort_by(f64::total_cmp);
        if sorted.first()? >= sorted.last()? {
            return None;
        }
        let mut standing = Self { position, sorted, mean: 0.0, sd: 1.0 };
        let scores: Array1<f64> = column.iter().map(|&value| standing.feature(value)).collect();
        standing.mean = scores.mean()?;
        standing.sd = scores.std(1.0);
        Some(standing)
    }

    /// Standing of a score; one not seen in training lies halfway between its neighbours' ranks.
    fn feature(&self, value: f64) -> f64 {
        let below = self.sorted.partition_point(|&other| other < value);
        let up_to = self.sorted.partition_point(|&other| other <= value);
        let mid_rank = (below as f64 + up_to as f64 + 1.0) / 2.0;
        (normal_score(mid_rank, self.sorted.len()) - self.mean) / self.sd
    }
}

/// Normal score of a mid-rank in `0.5..=n + 0.5`.
pub(super) fn normal_score(mid_rank: f64, n: usize) -> f64 {
    Normal::standard().inverse_cdf(mid_rank / (n as f64 + 1.0))
}

/// Normal scores of a sample, ties taking mid-ranks.
pub(super) fn normal_scores(sample: &[f64]) -> Vec<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let standing = AgeStanding { position: 0, sorted, mean: 0.0, sd: 1.0 };
    sample.iter().map(|&value| standing.feature(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn example() -> Trajectories {
        Trajectories {
            ages_months: vec![0, 3, 6],
            values: array![[0.0, 1.0, 9.0], [0.0, 2.0, 4.0], [0.0, 3.0, 1.0], [0.0, 3.0, 0.0]],
        }
    }

    #[test]
    fn a_constant_age_is_dropped_and_named() {
        let found = features(&example()).unwrap();
        assert_eq!(found.scale.dropped_ages_months, [0]);
        assert_eq!(found.values.dim(), (4, 2));
    }

    #[test]
    fn columns_have_mean_zero_and_unit_deviation() {
        let found = features(&example()).unwrap();
        for column in found.values.axis_iter(Axis(1)) {
            assert!(column.mean().unwrap().abs() < 1e-12);
            assert!((column.std(1.0) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn features_do_not_change_under_an_increasing_rescaling() {
        let plain = features(&example()).unwrap();
        let mut rescaled = example();
        rescaled.values.mapv_inplace(|value| 1_000.0 * value.exp() - 7.0);
        assert_eq!(plain.values, features(&rescaled).unwrap().values);
    }

    #[test]
    fn a_training_account_keeps_its_features_and_ties_share_theirs() {
        let found = features(&example()).unwrap();
        let again = found.scale.transform(example().values.view()).unwrap();
        assert_eq!(found.values, again);
        assert_eq!(again[[2, 0]].to_bits(), again[[3, 0]].to_bits());
    }

    #[test]
    fn a_score_beyond_all_seen_stays_finite() {
        let found = features(&example()).unwrap();
        let far = found.scale.transform(array![[0.0, 1e9, -1e9]].view()).unwrap();
        assert!(far.iter().all(|value| value.is_finite()));
        assert!(far[[0, 0]] > 0.0 && far[[0, 1]] < 0.0);
    }

    #[test]
    fn a_nan_is_refused_with_its_place() {
        let mut broken = example();
        broken.values[[1, 2]] = f64::NAN;
        let error = features(&broken).unwrap_err();
        assert!(matches!(error, PatternError::NotFinite { account: 1, position: 2, .. }));
    }
}
