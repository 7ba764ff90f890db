//! Regression of outcomes that happen or not, and of shares.

use nalgebra::{DMatrix, DVector};

use super::design::{Design, weighted_cross};
use super::fitted::{FittedModel, ModelVariance, Sandwich};
use super::newton::{Derivatives, Likelihood, maximise};
use crate::stats::error::{StatsError, check_finite};

/// How the probability follows from the linear predictor η.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryLink {
    /// `1 / (1 + exp(−η))`: coefficients are log odds ratios.
    Logit,
    /// `1 − exp(−exp(η))`: in person-period rows coefficients are log hazard ratios of the
    /// proportional hazards model underneath.
    ComplementaryLogLog,
}

impl BinaryLink {
    /// The probability at a linear predictor.
    pub fn probability(self, predictor: f64) -> f64 {
        match self {
            Self::Logit => expit(predictor),
            Self::ComplementaryLogLog => -(-predictor.exp()).exp_m1(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Logit => "logistic regression",
            Self::ComplementaryLogLog => "complementary log-log regression",
        }
    }

    /// The log-likelihood of an outcome; shares between 0 and 1 for the logit only.
    fn log_likelihood(self, y: f64, predictor: f64) -> f64 {
        match self {
            Self::Logit => y * predictor - log_one_plus_exp(predictor),
            Self::ComplementaryLogLog if y > 0.0 => self.probability(predictor).ln(),
            Self::ComplementaryLogLog => -predictor.exp(),
        }
    }

    /// Derivative of the log-likelihood by η, and the expected information about η.
    fn score_and_information(self, y: f64, predictor: f64) -> (f64, f64) {
        let p = self.probability(predictor);
        match self {
            Self::Logit => (y - p, p * expit(-predictor)),
            Self::ComplementaryLogLog => {
                let hazard = predictor.exp();
                // hazard / p tends to 1 as both vanish.
                let ratio = if p > 0.0 { hazard / p } else { 1.0 };
                // 1 − p without cancellation.
                let stays = (-hazard).exp();
                let residual = if y > 0.0 { stays } else { -p };
                (residual * ratio, ratio * hazard * stays)
            }
        }
    }
}

/// Logistic or complementary log-log regression by maximum likelihood.
///
/// ```text
/// P(y = 1 | x) = F(β₀ + x'β)      β̂ by Fisher scoring (IRLS) with step halving
/// classical: V = A⁻¹, A the expected information
/// clustered: V = c A⁻¹ (Σ_g s_g s_g') A⁻¹,  c = G/(G−1) (n−1)/(n−k),  t with G − 1 df
/// ```
///
/// - `x`: row by row, shape `(n, columns)`, without a column of ones; `y`: shape `(n,)`.
///
/// The factor is that of least squares; Stata leaves out (n−1)/(n−k) after `logit`. A is the expected
/// information in the sandwich too, as in R; statsmodels takes the observed one there, which differs
/// under the complementary log-log link.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` with fewer rows than coefficients + 1 or one cluster;
/// `Constant` when the outcome does not vary or other columns determine one; `Separation` when some
/// combination of columns tells the outcomes apart, so that no finite estimate exists ([`firth_logistic`]
/// then has one); `NotConverged`; `OutOfRange` when clusters leave a coefficient without error.
///
/// [`firth_logistic`]: super::firth_logistic
///
/// # Source
///
/// McCullagh and Nelder (1989), *Generalized Linear Models*, 2nd ed.; Liang and Zeger (1986),
/// *Biometrika* 73(1), 13-22 (clusters); Albert and Anderson (1984), *Biometrika* 71(1), 1-10
/// (separation). Parity: R `glm` with `sandwich::vcovCL` and statsmodels `GLM`,
/// `tests/fixtures/binary_regression.json` and `binary_regression_r.json`, tolerance 1e-8.
///
/// # Examples
///
/// ```
/// use rvq::stats::{BinaryLink, ModelVariance, binary_regression};
/// // 1 of 4 without, 3 of 4 with: the log odds ratio is log 9.
/// let x = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
/// let y = [true, false, false, false, true, true, true, false];
/// let fit = binary_regression(BinaryLink::Logit, &x, 1, &y, ModelVariance::Classical)?;
/// assert!((fit.coefficients[1].estimate - 9.0_f64.ln()).abs() < 1e-9);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn binary_regression(
    link: BinaryLink,
    x: &[f64],
    columns: usize,
    y: &[bool],
    variance: ModelVariance<'_>,
) -> Result<FittedModel, StatsError> {
    fit(link.name(), link, (x, columns), None, &as_numbers(y), variance)
}

/// A logit of which a part of the predictor is given: η = offset + β₀ + x'β.
///
/// Arguments and errors as for [`binary_regression`]; `name` is what errors call the model.
pub(in crate::stats) fn logit_with_offset(
    name: &'static str,
    (x, columns): (&[f64], usize),
    offset: Option<&[f64]>,
    y: &[bool],
    variance: ModelVariance<'_>,
) -> Result<FittedModel, StatsError> {
    fit(name, BinaryLink::Logit, (x, columns), offset, &as_numbers(y), variance)
}

fn as_numbers(y: &[bool]) -> Vec<f64> {
    y.iter().map(|happened| f64::from(u8::from(*happened))).collect()
}

/// Fractional logit: a share between 0 and 1, both included, by quasi-likelihood.
///
/// ```text
/// E(y | x) = 1 / (1 + exp(−β₀ − x'β))      Bernoulli log-likelihood, sandwich variance
/// ```
///
/// - `x`, as in [`binary_regression`]; `y`: shape `(n,)`, in `[0, 1]`.
/// - `cluster`: the cluster of each row; without it the sandwich is over single rows, with the
///   factor n/(n−k).
///
/// # Errors
///
/// As [`binary_regression`], and `OutOfRange` for a share outside `[0, 1]`.
///
/// # Source
///
/// Papke and Wooldridge (1996), *J. Applied Econometrics* 11(6), 619-632. Parity: R `glm` with family
/// quasibinomial and `sandwich::vcovCL`, `tests/fixtures/binary_regression_r.json`, tolerance 1e-8.
///
/// # Examples
///
/// ```
/// use rvq::stats::fractional_logit;
/// let (x, y) = ([0.0, 0.0, 1.0, 1.0], [0.1, 0.3, 0.4, 0.6]);
/// let fit = fractional_logit(&x, 1, &y, None)?;
/// // From odds of 1/4 to odds of 1.
/// assert!((fit.coefficients[1].estimate - 4.0_f64.ln()).abs() < 1e-9);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn fractional_logit(
    x: &[f64],
    columns: usize,
    y: &[f64],
    cluster: Option<&[u32]>,
) -> Result<FittedModel, StatsError> {
    check_finite(y)?;
    if let Some(&value) = y.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        return Err(StatsError::OutOfRange { argument: "y", value, expected: "0 to 1" });
    }
    let variance = cluster.map_or(ModelVariance::Robust, ModelVariance::Clustered);
    fit("fractional logit", BinaryLink::Logit, (x, columns), None, y, variance)
}

fn fit(
    name: &'static str,
    link: BinaryLink,
    (x, columns): (&[f64], usize),
    offset: Option<&[f64]>,
    y: &[f64],
    variance: ModelVariance<'_>,
) -> Result<FittedModel, StatsError> {
    let design = Design::checked(name, x, columns, y.len())?;
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    if !(mean > 0.0 && mean < 1.0) {
        return Err(StatsError::Constant { statistic: name });
    }
    let given = DVector::from_vec(offset.map_or_else(|| vec![0.0; y.len()], <[f64]>::to_vec));
    let model = Binary { name, link, x: &design.matrix, offset: given, y };
    let mut start = DVector::zeros(columns + 1);
    start[0] = match link {
        // With an offset the mean says nothing of the intercept.
        _ if offset.is_some() => 0.0,
        BinaryLink::Logit => (mean / (1.0 - mean)).ln(),
        BinaryLink::ComplementaryLogLog => (-(-mean).ln_1p()).ln(),
    };
    let found = maximise(&model, start)?;
    let (residuals, _) = model.terms(&found.at);
    let sandwich = Sandwich {
        name,
        at: &found.at,
        bread: &found.inverse_information,
        scores: &design.scores(&residuals),
        back: &design.back(),
    };
    let (coefficients, covariance) = sandwich.estimates(variance)?;
    let (log_likelihood, iterations) = (found.value, found.iterations);
    Ok(FittedModel { coefficients, covariance, log_likelihood, iterations })
}

struct Binary<'a> {
    name: &'static str,
    link: BinaryLink,
    x: &'a DMatrix<f64>,
    offset: DVector<f64>,
    y: &'a [f64],
}

impl Binary<'_> {
    fn predictors(&self, at: &DVector<f64>) -> DVector<f64> {
        self.x * at + &self.offset
    }

    /// Each observation's derivative by η and information about it.
    fn terms(&self, at: &DVector<f64>) -> (Vec<f64>, Vec<f64>) {
        let predictors = self.predictors(at);
        let both = |(eta, y): (&f64, &f64)| self.link.score_and_information(*y, *eta);
        predictors.iter().zip(self.y).map(both).unzip()
    }
}

impl Likelihood for Binary<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn value(&self, at: &DVector<f64>) -> f64 {
        let predictors = self.predictors(at);
        let terms = predictors.iter().zip(self.y);
        terms.map(|(eta, y)| self.link.log_likelihood(*y, *eta)).sum()
    }

    fn derivatives(&self, at: &DVector<f64>) -> Derivatives {
        let (residuals, weights) = self.terms(at);
        Derivatives {
            score: self.x.tr_mul(&DVector::from_vec(residuals)),
            information: weighted_cross(self.x, &weights),
        }
    }

    fn gains(&self, step: &DVector<f64>) -> Vec<f64> {
        let moved = self.x * step;
        let gain = |(moved, y): (&f64, &f64)| match *y {
            y if y >= 1.0 => *moved,
            y if y <= 0.0 => -moved,
            _ => -moved.abs(),
        };
        moved.iter().zip(self.y).map(gain).collect()
    }
}

/// 1 / (1 + exp(−η)), without overflow.
pub(super) fn expit(predictor: f64) -> f64 {
    if predictor >= 0.0 {
        1.0 / (1.0 + (-predictor).exp())
    } else {
        let odds = predictor.exp();
        odds / (1.0 + odds)
    }
}

/// log(1 + exp(η)), without overflow.
pub(super) fn log_one_plus_exp(predictor: f64) -> f64 {
    predictor.max(0.0) + (-predictor.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKS: [BinaryLink; 2] = [BinaryLink::Logit, BinaryLink::ComplementaryLogLog];

    fn fit(link: BinaryLink, x: &[f64], y: &[bool]) -> Result<FittedModel, StatsError> {
        binary_regression(link, x, 1, y, ModelVariance::Classical)
    }

    fn rows(n: u32) -> (Vec<f64>, Vec<bool>) {
        (0..n).map(|i| (f64::from(i * 7 % 13), (i * i + i / 3) % 3 == 0)).unzip()
    }

    #[test]
    fn separation_is_named_whether_complete_or_not() {
        let x: Vec<f64> = (0..12).map(f64::from).collect();
        for link in LINKS {
            for cut in [1, 6, 11] {
                let y: Vec<bool> = (0..12).map(|i| i >= cut).collect();
                let found = fit(link, &x, &y);
                assert!(matches!(found, Err(StatsError::Separation { .. })), "{link:?} {found:?}");
            }
            // A tie at the border, and a group in which it always happens.
            let tied = [0.0, 1.0, 2.0, 2.0, 3.0, 4.0];
            let y = [false, false, false, true, true, true];
            assert!(matches!(fit(link, &tied, &y), Err(StatsError::Separation { .. })), "{link:?}");
            let group = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0];
            let y = [true, false, false, true, true, true];
            assert!(
                matches!(fit(link, &group, &y), Err(StatsError::Separation { .. })),
                "{link:?}"
            );
        }
    }

    #[test]
    fn a_large_effect_without_separation_is_an_estimate() {
        // One of a thousand on the wrong side in each group: a log odds ratio of 13.8.
        let x: Vec<f64> = (0..2000).map(|i| f64::from(u8::from(i >= 1000))).collect();
        let y: Vec<bool> = (0..2000).map(|i| (i >= 1000) != (i % 1000 == 0)).collect();
        let found = fit(BinaryLink::Logit, &x, &y).unwrap();
        assert!((found.coefficients[1].estimate - 2.0 * 999.0_f64.ln()).abs() < 1e-8);
        // An observation far out on the wrong side.
        let x: Vec<f64> = (0..40).map(f64::from).chain([400.0]).collect();
        let y: Vec<bool> = (0..40).map(|i| i > 19).chain([false]).collect();
        for link in LINKS {
            assert!(fit(link, &x, &y).is_ok(), "{link:?} {:?}", fit(link, &x, &y));
        }
    }

    #[test]
    fn order_and_units_do_not_matter() {
        let (x, y) = rows(60);
        for link in LINKS {
            let one = fit(link, &x, &y).unwrap();
            let moved: Vec<f64> = x.iter().rev().map(|x| 1e9 + x * 1e3).collect();
            let turned: Vec<bool> = y.iter().rev().copied().collect();
            let other = fit(link, &moved, &turned).unwrap();
            let (a, b) = (&one.coefficients[1], &other.coefficients[1]);
            assert!((a.estimate - b.estimate * 1e3).abs() < 1e-8);
            assert!((a.p_value - b.p_value).abs() < 1e-8);
            assert!(
                (one.linear_predictor(&[2.0]) - other.linear_predictor(&[1e9 + 2e3])).abs() < 1e-5
            );
        }
    }

    #[test]
    fn a_share_of_zeros_and_ones_is_a_logistic_regression() {
        let (x, y) = rows(40);
        let shares: Vec<f64> = y.iter().map(|y| f64::from(u8::from(*y))).collect();
        let share = fractional_logit(&x, 1, &shares, None).unwrap();
        let robust = binary_regression(BinaryLink::Logit, &x, 1, &y, ModelVariance::Robust);
        assert_eq!(share, robust.unwrap());
        assert!(fractional_logit(&x, 1, &[1.5; 40], None).is_err());
        assert!(fractional_logit(&x, 1, &[f64::NAN; 40], None).is_err());
    }

    #[test]
    fn bad_input_is_an_error() {
        let (x, y) = rows(20);
        let on = |x: &[f64], y: &[bool]| fit(BinaryLink::Logit, x, y);
        assert!(matches!(on(&x, &[true; 20]), Err(StatsError::Constant { .. })));
        assert!(matches!(on(&x, &[false; 20]), Err(StatsError::Constant { .. })));
        assert!(matches!(on(&[3.0; 20], &y), Err(StatsError::Constant { .. })));
        assert!(matches!(on(&x[..2], &y[..2]), Err(StatsError::TooFew { got: 2, .. })));
        assert!(matches!(on(&[], &[]), Err(StatsError::TooFew { got: 0, .. })));
        assert!(matches!(on(&x[..9], &y), Err(StatsError::LengthMismatch { .. })));
        assert!(matches!(on(&[f64::NAN; 20], &y), Err(StatsError::NotFinite { .. })));
        let clustered = |keys: &[u32]| {
            binary_regression(BinaryLink::Logit, &x, 1, &y, ModelVariance::Clustered(keys))
        };
        assert!(matches!(clustered(&[7; 20]), Err(StatsError::TooFew { got: 1, .. })));
        assert!(matches!(clustered(&[7; 3]), Err(StatsError::LengthMismatch { .. })));
        // Two clusters, each all of one value of the column: no error is left to estimate.
        let group: Vec<f64> = (0..20).map(|i| f64::from(i / 10)).collect();
        let keys: Vec<u32> = (0..20).map(|i| i / 10).collect();
        let found =
            binary_regression(BinaryLink::Logit, &group, 1, &y, ModelVariance::Clustered(&keys));
        assert!(matches!(found, Err(StatsError::OutOfRange { .. })), "{found:?}");
    }
}
