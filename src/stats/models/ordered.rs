//! Regression of ordered categories, such as the answers of a survey.

use nalgebra::{DMatrix, DVector};

use super::binary::{expit, log_one_plus_exp};
use super::design::Design;
use super::fitted::{ModelVariance, Sandwich};
use super::newton::{Derivatives, Likelihood, maximise};
use crate::stats::error::StatsError;
use crate::stats::estimate::Estimate;

const NAME: &str = "ordered logit";

/// Ordered logit (proportional odds): thresholds on a scale that the columns shift.
///
/// ```text
/// P(y ≤ j | x) = 1 / (1 + exp(−(αⱼ − x'β)))      α₁ < … < α_{J−1}
/// ```
///
/// A positive coefficient moves towards higher categories. Variances are by the observed
/// information, and by clusters as in [`binary_regression`](super::binary_regression), where k
/// counts the thresholds.
///
/// # Source
///
/// McCullagh (1980), *J. R. Stat. Soc. B* 42(2), 109-142. Parity: R `ordinal::clm` with
/// `sandwich::vcovCL`, and statsmodels `OrderedModel`, `tests/fixtures/ordered_logit_r.json`,
/// tolerance 1e-8, and `ordered_logit.json`, tolerance 1e-5 (its second derivatives are numeric).
#[derive(Debug, Clone, PartialEq)]
pub struct OrderedLogit {
    /// The categories that occur, ascending.
    pub categories: Vec<u32>,
    /// One threshold between each two neighbouring categories.
    pub thresholds: Vec<Estimate>,
    /// One for each column.
    pub coefficients: Vec<Estimate>,
    /// Covariances of the thresholds and then the coefficients, row by row.
    pub covariance: Vec<f64>,
    /// The log-likelihood reached.
    pub log_likelihood: f64,
    /// Iterations taken.
    pub iterations: usize,
}

impl OrderedLogit {
    /// Fits categories to columns.
    ///
    /// - `x`: row by row, shape `(n, columns)`, without a column of ones; `y`: shape `(n,)`, any
    ///   numbers whose order is that of the categories.
    ///
    /// # Errors
    ///
    /// As [`binary_regression`](super::binary_regression): `Constant` with one category,
    /// `Separation` when a combination of columns sorts the categories without fail.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{ModelVariance, OrderedLogit};
    /// let (x, y) = ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [0, 1, 0, 2, 1, 2]);
    /// let fit = OrderedLogit::fit(&x, 1, &y, ModelVariance::Classical)?;
    /// assert!(fit.coefficients[0].estimate > 0.0 && fit.thresholds.len() == 2);
    /// let p = fit.probabilities(&[2.5]);
    /// assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn fit(
        x: &[f64],
        columns: usize,
        y: &[u32],
        variance: ModelVariance<'_>,
    ) -> Result<Self, StatsError> {
        let design = Design::checked(NAME, x, columns, y.len())?;
        let mut categories = y.to_vec();
        categories.sort_unstable();
        categories.dedup();
        let cuts = categories.len() - 1;
        if cuts == 0 {
            return Err(StatsError::Constant { statistic: NAME });
        }
        let needed = cuts + columns + 1;
        if y.len() < needed {
            return Err(StatsError::TooFew { statistic: NAME, needed, got: y.len() });
        }
        let level = |y: &u32| categories.partition_point(|category| category < y);
        let model = Ordered {
            x: design.matrix.columns(1, columns).into_owned(),
            level: y.iter().map(level).collect(),
            cuts,
        };
        let found = maximise(&model, model.start())?;
        let sandwich = Sandwich {
            name: NAME,
            at: &found.at,
            bread: &found.inverse_information,
            scores: &model.scores(&found.at),
            back: &back(&design, cuts),
        };
        let (mut thresholds, covariance) = sandwich.estimates(variance)?;
        let coefficients = thresholds.split_off(cuts);
        Ok(Self {
            categories,
            thresholds,
            coefficients,
            covariance,
            log_likelihood: found.value,
            iterations: found.iterations,
        })
    }

    /// The probability of each category for one row of the fitted columns.
    pub fn probabilities(&self, row: &[f64]) -> Vec<f64> {
        debug_assert_eq!(row.len(), self.coefficients.len());
        let shift: f64 = self.coefficients.iter().zip(row).map(|(b, x)| b.estimate * x).sum();
        let up_to = self.thresholds.iter().map(|cut| expit(cut.estimate - shift)).chain([1.0]);
        let mut below = 0.0;
        up_to.map(|now| now - std::mem::replace(&mut below, now)).collect()
    }
}

/// From thresholds and coefficients of centred and scaled columns to those of the columns.
fn back(design: &Design, cuts: usize) -> DMatrix<f64> {
    let width = cuts + design.scale.len();
    let mut back = DMatrix::identity(width, width);
    for (at, (mean, scale)) in design.mean.iter().zip(&design.scale).enumerate() {
        back.view_mut((0, cuts + at), (cuts, 1)).fill(mean / scale);
        back[(cuts + at, cuts + at)] = scale.recip();
    }
    back
}

struct Ordered {
    x: DMatrix<f64>,
    level: Vec<usize>,
    cuts: usize,
}

/// Derivatives of one observation by its upper and its lower distance to a threshold.
struct Term {
    upper: f64,
    lower: f64,
    upper_upper: f64,
    lower_lower: f64,
    upper_lower: f64,
}

impl Ordered {
    /// Thresholds as without columns.
    fn start(&self) -> DVector<f64> {
        let n = self.level.len() as f64;
        let mut start = DVector::zeros(self.cuts + self.x.ncols());
        for cut in 0..self.cuts {
            let share = self.level.iter().filter(|level| **level <= cut).count() as f64 / n;
            start[cut] = (share / (1.0 - share)).ln();
        }
        start
    }

    /// The distances of each observation to the thresholds above and below it.
    fn distances<'a>(
        &'a self,
        at: &'a DVector<f64>,
    ) -> impl Iterator<Item = (Option<f64>, Option<f64>)> + 'a {
        let shift = &self.x * at.rows(self.cuts, self.x.ncols());
        self.level.iter().enumerate().map(move |(i, level)| {
            let upper = (*level < self.cuts).then(|| at[*level] - shift[i]);
            let lower = level.checked_sub(1).map(|below| at[below] - shift[i]);
            (upper, lower)
        })
    }

    /// Derivatives of each observation by all parameters.
    fn scores(&self, at: &DVector<f64>) -> DMatrix<f64> {
        let mut scores = DMatrix::zeros(self.level.len(), self.cuts + self.x.ncols());
        for (i, (upper, lower)) in self.distances(at).enumerate() {
            let term = Term::new(upper, lower);
            self.add_to_cuts(i, |cut, is_upper| {
                scores[(i, cut)] = if is_upper { term.upper } else { term.lower };
            });
            for j in 0..self.x.ncols() {
                scores[(i, self.cuts + j)] = -(term.upper + term.lower) * self.x[(i, j)];
            }
        }
        scores
    }

    fn add_to_cuts(&self, i: usize, mut add: impl FnMut(usize, bool)) {
        if self.level[i] < self.cuts {
            add(self.level[i], true);
        }
        if let Some(below) = self.level[i].checked_sub(1) {
            add(below, false);
        }
    }
}

impl Likelihood for Ordered {
    fn name(&self) -> &'static str {
        NAME
    }

    fn value(&self, at: &DVector<f64>) -> f64 {
        let log_probability = |(upper, lower): (Option<f64>, Option<f64>)| {
            let below_upper = upper.map_or(0.0, |u| -log_one_plus_exp(-u));
            let above_lower = lower.map_or(0.0, |l| -log_one_plus_exp(l));
            // F(u) − F(l) = F(u) (1 − F(l)) (1 − exp(l − u)), without cancellation.
            let gap = match (upper, lower) {
                (Some(u), Some(l)) if u > l => (-(l - u).exp_m1()).ln(),
                (Some(_), Some(_)) => f64::NEG_INFINITY,
                _ => 0.0,
            };
            below_upper + above_lower + gap
        };
        self.distances(at).map(log_probability).sum()
    }

    fn derivatives(&self, at: &DVector<f64>) -> Derivatives {
        let (cuts, columns) = (self.cuts, self.x.ncols());
        let mut information = DMatrix::zeros(cuts + columns, cuts + columns);
        let mut weights = Vec::with_capacity(self.level.len());
        for (i, (upper, lower)) in self.distances(at).enumerate() {
            let term = Term::new(upper, lower);
            let of_upper = term.upper_upper + term.upper_lower;
            let of_lower = term.lower_lower + term.upper_lower;
            self.add_to_cuts(i, |cut, is_upper| {
                let (own, with_shift) = if is_upper {
                    (term.upper_upper, of_upper)
                } else {
                    (term.lower_lower, of_lower)
                };
                information[(cut, cut)] -= own;
                for j in 0..columns {
                    information[(cut, cuts + j)] += with_shift * self.x[(i, j)];
                }
            });
            if let (Some(_), Some(_)) = (upper, lower) {
                information[(self.level[i] - 1, self.level[i])] -= term.upper_lower;
                information[(self.level[i], self.level[i] - 1)] -= term.upper_lower;
            }
            weights.push(-(of_upper + of_lower));
        }
        let of_columns = super::design::weighted_cross(&self.x, &weights);
        information.view_mut((cuts, cuts), (columns, columns)).copy_from(&of_columns);
        let mixed = information.view((0, cuts), (cuts, columns)).transpose();
        information.view_mut((cuts, 0), (columns, cuts)).copy_from(&mixed);
        Derivatives { score: self.scores(at).row_sum_tr(), information }
    }

    fn gains(&self, step: &DVector<f64>) -> Vec<f64> {
        let gain = |(upper, lower): (Option<f64>, Option<f64>)| {
            upper.unwrap_or(f64::INFINITY).min(-lower.unwrap_or(f64::NEG_INFINITY))
        };
        self.distances(step).map(gain).collect()
    }
}

impl Term {
    fn new(upper: Option<f64>, lower: Option<f64>) -> Self {
        // How the gap between two thresholds limits the probability.
        let (first, second) = match (upper, lower) {
            (Some(u), Some(l)) => {
                let odds = (u - l).exp_m1();
                (odds.recip(), (1.0 + odds) / (odds * odds))
            }
            _ => (0.0, 0.0),
        };
        let density = |at: f64| expit(at) * expit(-at);
        Self {
            upper: upper.map_or(0.0, |u| expit(-u) + first),
            lower: lower.map_or(0.0, |l| -expit(l) - first),
            upper_upper: upper.map_or(0.0, |u| -density(u) - second),
            lower_lower: lower.map_or(0.0, |l| -density(l) - second),
            upper_lower: second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{BinaryLink, binary_regression};

    #[test]
    fn two_categories_are_a_logistic_regression() {
        let x: Vec<f64> = (0..20).map(|i| f64::from(i * 7 % 13)).collect();
        let y: Vec<bool> = (0..20).map(|i| (i * 5 + 3) % 7 > 3).collect();
        let levels: Vec<u32> = y.iter().map(|y| if *y { 9 } else { 4 }).collect();
        let cluster: Vec<u32> = (0..20).map(|i| i / 4).collect();
        for variance in [ModelVariance::Classical, ModelVariance::Clustered(&cluster)] {
            let ordered = OrderedLogit::fit(&x, 1, &levels, variance).unwrap();
            let binary = binary_regression(BinaryLink::Logit, &x, 1, &y, variance).unwrap();
            let (a, b) = (&ordered.coefficients[0], &binary.coefficients[1]);
            assert!((a.estimate - b.estimate).abs() < 1e-10);
            assert!((a.std_error - b.std_error).abs() < 1e-10);
            let sum = ordered.thresholds[0].estimate + binary.coefficients[0].estimate;
            assert!(sum.abs() < 1e-10);
        }
    }

    #[test]
    fn turning_the_order_round_turns_the_sign() {
        let x: Vec<f64> = (0..30).map(|i| f64::from(i * 7 % 13)).collect();
        let y: Vec<u32> = (0..30).map(|i| (i * i + i / 3) % 4).collect();
        let turned: Vec<u32> = y.iter().map(|y| 10 - y).collect();
        let one = OrderedLogit::fit(&x, 1, &y, ModelVariance::Robust).unwrap();
        let other = OrderedLogit::fit(&x, 1, &turned, ModelVariance::Robust).unwrap();
        let (a, b) = (&one.coefficients[0], &other.coefficients[0]);
        assert!(
            (a.estimate + b.estimate).abs() < 1e-10 && (a.std_error - b.std_error).abs() < 1e-10
        );
        assert!((one.log_likelihood - other.log_likelihood).abs() < 1e-10);
    }

    #[test]
    fn sorted_categories_are_separated() {
        let x: Vec<f64> = (0..12).map(f64::from).collect();
        let y: Vec<u32> = (0..12).map(|i| i / 4).collect();
        let fit = OrderedLogit::fit(&x, 1, &y, ModelVariance::Classical);
        assert_eq!(fit.unwrap_err(), StatsError::Separation { statistic: NAME });
        let one = OrderedLogit::fit(&x, 1, &[3; 12], ModelVariance::Classical);
        assert_eq!(one.unwrap_err(), StatsError::Constant { statistic: NAME });
    }
}
