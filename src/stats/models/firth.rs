//! Logistic regression that has an estimate when the outcomes are separated.

use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::binary::{expit, log_one_plus_exp};
use super::design::{Design, weighted_cross};
use super::fitted::{FittedModel, row_major};
use super::newton::{Derivatives, Likelihood, maximise};
use crate::stats::error::StatsError;
use crate::stats::estimate::Estimate;

const NAME: &str = "Firth logistic regression";

/// Logistic regression by Firth's penalised likelihood: for rare or separated outcomes.
///
/// ```text
/// l*(β) = l(β) + ½ log det A(β)        A = X' diag(p(1 − p)) X
/// SE: √ of the diagonal of A(β̂)⁻¹
/// interval of βⱼ: {b : 2 (l*(β̂) − max over the rest of l*(βⱼ = b)) ≤ χ²₁(0.95)}
/// p of βⱼ: χ²₁ of the same statistic at b = 0
/// ```
///
/// Intervals and p-values are by profile of the penalised likelihood, with the penalty of the whole
/// design, and not by the standard errors (Wald): under separation the likelihood is lopsided.
///
/// - `x`, `y`: as in [`binary_regression`](super::binary_regression); the outcome may be constant.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`, `TooFew`, `Constant` for a column that others determine;
/// `NotConverged`.
///
/// # Source
///
/// Firth (1993), *Biometrika* 80(1), 27-38; Heinze and Schemper (2002), *Stat. Med.* 21(16),
/// 2409-2419 (separation, profile). Parity: R `brglm2` (estimates, standard errors) and the Python
/// package `firthmodels` (also intervals and p-values), `tests/fixtures/firth_r.json` and
/// `firth.json`, tolerance 1e-8.
///
/// # Examples
///
/// ```
/// // Never without, always with: maximum likelihood has no answer. Firth's adds half a success and
/// // half a failure to each group of a saturated model.
/// let x = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
/// let y = [false, false, false, true, true, true];
/// let fit = rvq::stats::firth_logistic(&x, 1, &y)?;
/// assert!((fit.coefficients[1].estimate - 2.0 * 7.0_f64.ln()).abs() < 1e-8);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn firth_logistic(x: &[f64], columns: usize, y: &[bool]) -> Result<FittedModel, StatsError> {
    let design = Design::checked(NAME, x, columns, y.len())?;
    let model = Firth { x: &design.matrix, y };
    let found = maximise(&model, DVector::zeros(columns + 1))?;
    // At zero in every column, where the intercept is a coordinate.
    let uncentred = DMatrix::from_fn(y.len(), columns + 1, |i, j| match j.checked_sub(1) {
        None => 1.0,
        Some(at) => x[i * columns + at] / design.scale[at],
    });
    let back = design.back();
    let covariance = &back * &found.inverse_information * back.transpose();
    let values = &back * &found.at;
    let coefficients = (0..=columns).map(|j| {
        let x = if j == 0 { &uncentred } else { &design.matrix };
        let mut best = found.at.clone();
        best[0] = if j == 0 { values[0] } else { best[0] };
        let unit = if j == 0 { 1.0 } else { design.scale[j - 1] };
        let std_error = covariance[(j, j)].sqrt();
        let profile = Profile {
            model: Firth { x, y },
            fixed: j,
            best,
            value: found.value,
            step: std_error * unit,
        };
        Ok(Estimate {
            estimate: values[j],
            std_error,
            ci_low: profile.end(-1.0)? / unit,
            ci_high: profile.end(1.0)? / unit,
            p_value: law().sf(profile.drop_at(0.0)?.max(0.0)),
            n: y.len(),
            method: "profile penalised likelihood",
        })
    });
    Ok(FittedModel {
        coefficients: coefficients.collect::<Result<_, StatsError>>()?,
        covariance: row_major(&covariance),
        log_likelihood: found.value + design.scale.iter().map(|s| s.ln()).sum::<f64>(),
        iterations: found.iterations,
    })
}

fn law() -> ChiSquared {
    ChiSquared::new(1.0).expect("one degree of freedom")
}

#[derive(Clone, Copy)]
struct Firth<'a> {
    x: &'a DMatrix<f64>,
    y: &'a [bool],
}

impl Likelihood for Firth<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn value(&self, at: &DVector<f64>) -> f64 {
        let predictors = self.x * at;
        let term = |(eta, y): (&f64, &bool)| log_one_plus_exp(if *y { -eta } else { *eta });
        let loss: f64 = predictors.iter().zip(self.y).map(term).sum();
        let weights: Vec<f64> = predictors.iter().map(|eta| expit(*eta) * expit(-eta)).collect();
        match weighted_cross(self.x, &weights).cholesky() {
            Some(factor) => factor.l_dirty().diagonal().iter().map(|d| d.ln()).sum::<f64>() - loss,
            None => f64::NEG_INFINITY,
        }
    }

    fn derivatives(&self, at: &DVector<f64>) -> Derivatives {
        let predictors = self.x * at;
        let p: Vec<f64> = predictors.iter().map(|eta| expit(*eta)).collect();
        let weights: Vec<f64> = predictors.iter().map(|eta| expit(*eta) * expit(-eta)).collect();
        let information = weighted_cross(self.x, &weights);
        let leverage = match information.clone().cholesky() {
            Some(factor) => {
                let half = factor.solve(&self.x.transpose());
                let of = |i: usize| weights[i] * self.x.row(i).transpose().dot(&half.column(i));
                (0..self.y.len()).map(of).collect()
            }
            None => vec![0.0; self.y.len()],
        };
        let residual = |i: usize| {
            f64::from(u8::from(self.y[i])) - p[i] + leverage[i] * (0.5 - p[i])
        };
        let residuals = DVector::from_iterator(self.y.len(), (0..self.y.len()).map(residual));
        Derivatives { score: self.x.tr_mul(&residuals), information }
    }

    /// The penalty keeps the maximum finite.
    fn gains(&self, _step: &DVector<f64>) -> Vec<f64> {
        Vec::new()
    }
}

/// The likelihood with one coordinate held.
struct Held<'a> {
    model: Firth<'a>,
    fixed: usize,
    value: f64,
}

impl Likelihood for Held<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn value(&self, at: &DVector<f64>) -> f64 {
        self.model.value(&at.clone().insert_row(self.fixed, self.value))
    }

    fn derivatives(&self, at: &DVector<f64>) -> Derivatives {
        let whole = self.model.derivatives(&at.clone().insert_row(self.fixed, self.value));
        Derivatives {
            score: whole.score.remove_row(self.fixed),
            information: whole.information.remove_row(self.fixed).remove_column(self.fixed),
        }
    }

    fn gains(&self, _step: &DVector<f64>) -> Vec<f64> {
        Vec::new()
    }
}

/// How the likelihood falls as one coordinate leaves its best value and the others follow.
struct Profile<'a> {
    model: Firth<'a>,
    fixed: usize,
    best: DVector<f64>,
    value: f64,
    step: f64,
}

impl Profile<'_> {
    /// Twice the likelihood lost when the coordinate is held at a value.
    fn drop_at(&self, value: f64) -> Result<f64, StatsError> {
        let held = Held { model: self.model, fixed: self.fixed, value };
        let rest = self.best.clone().remove_row(self.fixed);
        let reached =
            if rest.is_empty() { held.value(&rest) } else { maximise(&held, rest)?.value };
        Ok(2.0 * (self.value - reached))
    }

    /// Where the drop is the 95 % quantile, on one side.
    fn end(&self, side: f64) -> Result<f64, StatsError> {
        let limit = law().inverse_cdf(0.95);
        let (centre, mut far) = (self.best[self.fixed], 2.0 * self.step);
        let mut drop = self.drop_at(centre + side * far)?;
        let mut near = (0.0, -limit);
        for _ in 0..60 {
            if drop > limit {
                break;
            }
            near = (far, drop - limit);
            far *= 2.0;
            drop = self.drop_at(centre + side * far)?;
        }
        let found = root(near, (far, drop - limit), |at| {
            Ok(self.drop_at(centre + side * at)? - limit)
        })?;
        Ok(centre + side * found)
    }
}

/// The zero between two points of opposite sign, by the Illinois variant of regula falsi.
fn root(
    mut low: (f64, f64),
    mut high: (f64, f64),
    f: impl Fn(f64) -> Result<f64, StatsError>,
) -> Result<f64, StatsError> {
    for _ in 0..200 {
        let middle = (low.0 * high.1 - high.0 * low.1) / (high.1 - low.1);
        if (high.0 - low.0).abs() <= 1e-12 * high.0.abs() {
            return Ok(middle);
        }
        let value = f(middle)?;
        if value.abs() < 1e-12 {
            return Ok(middle);
        }
        if (value > 0.0) == (high.1 > 0.0) {
            high = (middle, value);
            low.1 /= 2.0;
        } else {
            low = (high.0, high.1);
            high = (middle, value);
        }
    }
    Err(StatsError::NotConverged { statistic: NAME, iterations: 200 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{BinaryLink, ModelVariance, binary_regression};

    #[test]
    fn separated_outcomes_have_a_finite_estimate_and_an_interval_around_it() {
        let x: Vec<f64> = (0..10).map(f64::from).collect();
        let y: Vec<bool> = (0..10).map(|i| i >= 5).collect();
        let plain = binary_regression(BinaryLink::Logit, &x, 1, &y, ModelVariance::Classical);
        assert!(matches!(plain, Err(StatsError::Separation { .. })), "{plain:?}");
        let fit = firth_logistic(&x, 1, &y).unwrap();
        for b in &fit.coefficients {
            assert!(b.ci_low < b.estimate && b.estimate < b.ci_high);
        }
        assert!(fit.coefficients[1].p_value < 0.01);
        // The interval does not shrink to the Wald one: the likelihood is lopsided.
        let slope = &fit.coefficients[1];
        assert!(slope.ci_high - slope.estimate > slope.estimate - slope.ci_low);
    }

    #[test]
    fn an_outcome_that_never_happens_has_the_estimate_of_half_a_case() {
        // One group, no column: (0 + 1/2) of (9 + 1).
        let fit = firth_logistic(&[], 0, &[false; 9]).unwrap();
        assert!((fit.coefficients[0].estimate - (0.5_f64 / 9.5).ln()).abs() < 1e-9);
    }

    #[test]
    fn units_of_the_columns_do_not_matter() {
        let y: Vec<bool> = (0..12).map(|i| i % 5 == 0 || i > 9).collect();
        let x: Vec<f64> = (0..12).map(|i| f64::from(i * 7 % 11)).collect();
        let one = firth_logistic(&x, 1, &y).unwrap();
        let other: Vec<f64> = x.iter().map(|x| x * 1e6).collect();
        let other = firth_logistic(&other, 1, &y).unwrap();
        let (a, b) = (&one.coefficients[1], &other.coefficients[1]);
        assert!((a.estimate - b.estimate * 1e6).abs() < 1e-9);
        assert!((a.ci_low - b.ci_low * 1e6).abs() < 1e-8 && (a.p_value - b.p_value).abs() < 1e-9);
    }
}
