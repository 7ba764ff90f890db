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
/// Standard errors are those of `brglm2`; `firthmodels` has smaller ones, of the rows with their
/// pseudo-observations.
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
/// package `firthmodels` (estimates, intervals, p-values), `tests/fixtures/firth_r.json`, tolerance
/// 1e-8, and `firth.json`, 1e-7; the published numbers of the endometrial cancer study.
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
    let (statistic, iterations) = (NAME, found.iterations);
    let inverse = model.information(&found.at).cholesky().map(|factor| factor.inverse());
    let inverse = inverse.ok_or(StatsError::NotConverged { statistic, iterations })?;
    let covariance = &back * inverse * back.transpose();
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
            p_value: law().sf(profile.drop_at_zero()?),
            n: y.len(),
            method: "profile penalised likelihood",
        })
    });
    Ok(FittedModel {
        coefficients: coefficients.collect::<Result<_, StatsError>>()?,
        covariance: row_major(&covariance),
        log_likelihood: found.value + design.scale.iter().map(|s| s.ln()).sum::<f64>(),
        iterations,
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

impl Firth<'_> {
    /// Probabilities and their variances.
    fn probabilities(&self, at: &DVector<f64>) -> (Vec<f64>, Vec<f64>) {
        let predictors = self.x * at;
        predictors.iter().map(|eta| (expit(*eta), expit(*eta) * expit(-eta))).unzip()
    }

    /// The information about the coefficients, without the penalty.
    fn information(&self, at: &DVector<f64>) -> DMatrix<f64> {
        weighted_cross(self.x, &self.probabilities(at).1)
    }

    fn curvature(&self, at: &DVector<f64>) -> Curvature {
        let (p, weights) = self.probabilities(at);
        let information = weighted_cross(self.x, &weights);
        let Some(factor) = information.clone().cholesky() else {
            let score = DVector::zeros(at.len());
            return Curvature { score, penalised: information.clone(), information };
        };
        let half = factor.solve(&self.x.transpose());
        let rows = self.y.len();
        let leverage = |i: usize| weights[i] * self.x.row(i).transpose().dot(&half.column(i));
        let leverage: Vec<f64> = (0..rows).map(leverage).collect();
        let residual =
            |i: usize| f64::from(u8::from(self.y[i])) - p[i] + leverage[i] * (0.5 - p[i]);
        let residuals = DVector::from_iterator(rows, (0..rows).map(residual));
        let score = self.x.tr_mul(&residuals);
        let penalised = &information - self.bend(&p, &weights, &leverage, &factor.inverse());
        Curvature { score, information, penalised }
    }

    /// Second derivatives of the penalty.
    ///
    /// ```text
    /// X' diag(h ((1 − 2p)²/2 − p(1 − p))) X − ½ [tr(A⁻¹ Mⱼ A⁻¹ Mₖ)]ⱼₖ
    /// Mⱼ = X' diag(xⱼ p (1 − p) (1 − 2p)) X,   h: leverages
    /// ```
    fn bend(
        &self,
        p: &[f64],
        weights: &[f64],
        leverage: &[f64],
        inverse: &DMatrix<f64>,
    ) -> DMatrix<f64> {
        let rows = self.y.len();
        let direct = |i: usize| {
            let skew = 1.0 - 2.0 * p[i];
            leverage[i] * (skew * skew / 2.0 - weights[i])
        };
        let direct: Vec<f64> = (0..rows).map(direct).collect();
        let moved = |j: usize| {
            let by = |i: usize| self.x[(i, j)] * weights[i] * (1.0 - 2.0 * p[i]);
            inverse * weighted_cross(self.x, &(0..rows).map(by).collect::<Vec<f64>>())
        };
        let moved: Vec<DMatrix<f64>> = (0..self.x.ncols()).map(moved).collect();
        let traces = DMatrix::from_fn(moved.len(), moved.len(), |j, k| {
            moved[j].component_mul(&moved[k].transpose()).sum() / 2.0
        });
        weighted_cross(self.x, &direct) - traces
    }
}

/// The slope and the curvature of the penalised likelihood.
struct Curvature {
    score: DVector<f64>,
    /// Of the likelihood alone: always positive.
    information: DMatrix<f64>,
    /// With the penalty, which far from the maximum may bend the other way.
    penalised: DMatrix<f64>,
}

impl Curvature {
    fn derivatives(self) -> Derivatives {
        let bends_down = self.penalised.clone().cholesky().is_some();
        let information = if bends_down { self.penalised } else { self.information };
        Derivatives { score: self.score, information }
    }

    fn without(self, coordinate: usize) -> Self {
        let rest = |m: DMatrix<f64>| m.remove_row(coordinate).remove_column(coordinate);
        Self {
            score: self.score.remove_row(coordinate),
            information: rest(self.information),
            penalised: rest(self.penalised),
        }
    }
}

impl Likelihood for Firth<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn value(&self, at: &DVector<f64>) -> f64 {
        let predictors = self.x * at;
        let term = |(eta, y): (&f64, &bool)| log_one_plus_exp(if *y { -eta } else { *eta });
        let loss: f64 = predictors.iter().zip(self.y).map(term).sum();
        match self.information(at).cholesky() {
            Some(factor) => factor.l_dirty().diagonal().iter().map(|d| d.ln()).sum::<f64>() - loss,
            None => f64::NEG_INFINITY,
        }
    }

    fn derivatives(&self, at: &DVector<f64>) -> Derivatives {
        self.curvature(at).derivatives()
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
        let whole = self.model.curvature(&at.clone().insert_row(self.fixed, self.value));
        whole.without(self.fixed).derivatives()
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

/// One point of a profile: how much twice the likelihood lost exceeds a limit, and where the others
/// went.
struct Point {
    at: f64,
    excess: f64,
    rest: DVector<f64>,
}

impl Profile<'_> {
    /// Where the profile is with the coordinate held at a value.
    ///
    /// The penalised likelihood can have two hills there: the search starts from the best point and
    /// from known neighbours, and the higher hill counts.
    fn point(&self, at: f64, limit: f64, neighbours: &[&Point]) -> Result<Point, StatsError> {
        let held = Held { model: self.model, fixed: self.fixed, value: at };
        let best = self.best.clone().remove_row(self.fixed);
        if best.is_empty() {
            let excess = 2.0 * (self.value - held.value(&best)) - limit;
            return Ok(Point { at, excess, rest: best });
        }
        let mut highest = maximise(&held, best)?;
        for neighbour in neighbours {
            let other = maximise(&held, neighbour.rest.clone())?;
            if other.value > highest.value {
                highest = other;
            }
        }
        Ok(Point { at, excess: 2.0 * (self.value - highest.value) - limit, rest: highest.at })
    }

    /// Twice the likelihood lost at 0, approached in steps so that no higher hill is missed.
    fn drop_at_zero(&self) -> Result<f64, StatsError> {
        let centre = self.best[self.fixed];
        let mut last = self.point(0.75 * centre, 0.0, &[])?;
        for share in [0.5, 0.25, 0.0] {
            last = self.point(share * centre, 0.0, &[&last])?;
        }
        Ok(last.excess.max(0.0))
    }

    /// Where the drop is the 95 % quantile, on one side.
    fn end(&self, side: f64) -> Result<f64, StatsError> {
        let limit = law().inverse_cdf(0.95);
        let centre = self.best[self.fixed];
        let rest = self.best.clone().remove_row(self.fixed);
        let mut near = Point { at: centre, excess: -limit, rest };
        let mut width = self.step;
        let mut far = self.point(centre + side * width, limit, &[])?;
        for _ in 0..MAX_STEPS {
            if far.excess >= 0.0 {
                return self.root(near, far, limit);
            }
            width *= 1.5;
            let next = self.point(centre + side * width, limit, &[&far])?;
            near = std::mem::replace(&mut far, next);
        }
        Err(StatsError::NotConverged { statistic: NAME, iterations: MAX_STEPS })
    }

    /// The zero between two points of opposite sign, by the Illinois variant of regula falsi.
    fn root(&self, mut kept: Point, mut last: Point, limit: f64) -> Result<f64, StatsError> {
        for _ in 0..MAX_STEPS {
            let slope = (last.excess - kept.excess) / (last.at - kept.at);
            let at = last.at - last.excess / slope;
            let next = self.point(at, limit, &[&kept, &last])?;
            let moved = (next.at - last.at).abs();
            if next.excess.abs() < 1e-12 || moved <= 1e-13 * self.step {
                return Ok(next.at);
            }
            if (next.excess > 0.0) == (last.excess > 0.0) {
                kept.excess /= 2.0;
            } else {
                kept = last;
            }
            last = next;
        }
        Err(StatsError::NotConverged { statistic: NAME, iterations: MAX_STEPS })
    }
}

const MAX_STEPS: usize = 200;

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
