//! Waiting-time laws fitted to right-censored waits by maximum likelihood.

use std::f64::consts::{PI, SQRT_2};

use serde::Serialize;
use statrs::function::erf::erfc;
use statrs::function::gamma::{digamma, gamma, gamma_ur, ln_gamma};

use super::FitError;
use crate::flow::SojournLaw;

/// Waits of one level or answer, each with a weight: the probability that it was one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waits {
    /// Waits that ended in an interaction or an exit: (length \[days\], weight).
    pub complete: Vec<(f64, f64)>,
    /// Waits that were still going on when they were last seen: (length \[days\], weight).
    pub censored: Vec<(f64, f64)>,
}

/// The families of laws that are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the textbook names")]
pub enum Family {
    Exponential,
    Weibull,
    Gamma,
    LogNormal,
}

impl Family {
    /// All families, the one with fewest parameters first.
    pub const ALL: [Self; 4] = [Self::Exponential, Self::Weibull, Self::Gamma, Self::LogNormal];

    /// Names of the parameters, as `flow.toml` writes them.
    pub const fn parameter_names(self) -> &'static [&'static str] {
        match self {
            Self::Exponential => &["mean_days"],
            Self::Weibull => &["shape", "scale_days"],
            Self::Gamma => &["shape", "mean_days"],
            Self::LogNormal => &["median_days", "sigma"],
        }
    }

    /// Name as `flow.toml` writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exponential => "exponential",
            Self::Weibull => "weibull",
            Self::Gamma => "gamma",
            Self::LogNormal => "log_normal",
        }
    }
}

/// One law, fitted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LawFit {
    /// Family of the law.
    pub family: Family,
    /// The parameters in the order of [`Family::parameter_names`].
    pub parameters: Vec<f64>,
    /// Their standard errors, from the curvature of the likelihood.
    pub std_errors: Vec<f64>,
    /// Log likelihood at the parameters.
    pub log_likelihood: f64,
    /// Bayesian information criterion: smaller is better.
    pub bic: f64,
    /// Weight of the waits that ended.
    pub n_complete: f64,
    /// Weight of the waits that did not.
    pub n_censored: f64,
}

impl Waits {
    /// Total weight of the waits that ended.
    pub fn n_complete(&self) -> f64 {
        self.complete.iter().map(|(_, weight)| weight).sum()
    }

    fn n_censored(&self) -> f64 {
        self.censored.iter().map(|(_, weight)| weight).sum()
    }

    fn checked(&self) -> Result<(), FitError> {
        for &(days, weight) in self.complete.iter().chain(&self.censored) {
            if !(days.is_finite() && days > 0.0 && weight.is_finite() && weight >= 0.0) {
                return Err(FitError::BadWait { days, weight });
            }
        }
        let n = self.n_complete();
        if n < 2.0 {
            return Err(FitError::TooFewWaits { got: n });
        }
        Ok(())
    }

    fn log_likelihood(&self, law: Law) -> f64 {
        let complete: f64 = self.complete.iter().map(|&(x, w)| w * law.ln_density(x)).sum();
        let censored: f64 = self.censored.iter().map(|&(x, w)| w * law.ln_survival(x)).sum();
        complete + censored
    }
}

/// Fits the law of one family to waits, of which some may be right-censored.
///
/// ```text
/// maximise Σ w ln f(x) over complete waits + Σ w ln S(x) over censored ones
/// ```
///
/// - `waits`: lengths \[days\], positive; weights not negative.
/// - Returns the estimate with standard errors from the curvature of the log likelihood.
///
/// # Errors
///
/// [`FitError::TooFewWaits`] when fewer than two waits ended, [`FitError::BadWait`] for a length
/// or weight that is not a positive number, [`FitError::NoConvergence`] when the waits hardly vary.
///
/// # Source
///
/// Lawless (2003), *Statistical Models and Methods for Lifetime Data*, 2nd ed., ch. 4 and 5; Olsen
/// (1978), *Econometrica* 46, 1211–1215, for the concave form of the censored normal. Parity:
/// `lifelines` and `scipy.stats.CensoredData`, `tests/fixtures/censored_laws.json`.
///
/// # Examples
///
/// ```
/// use rvq::flow::fit::{Family, Waits, fit_family};
///
/// let waits =
///     Waits { complete: vec![(2.0, 1.0), (4.0, 1.0)], censored: vec![(6.0, 1.0)] };
/// let fit = fit_family(Family::Exponential, &waits)?;
/// assert!((fit.parameters[0] - 6.0).abs() < 1e-12);
/// # Ok::<(), rvq::flow::fit::FitError>(())
/// ```
pub fn fit_family(family: Family, waits: &Waits) -> Result<LawFit, FitError> {
    waits.checked()?;
    let law = maximise(family, waits).ok_or(FitError::NoConvergence { family: family.name() })?;
    let log_likelihood = waits.log_likelihood(law);
    if !log_likelihood.is_finite() {
        return Err(FitError::NoConvergence { family: family.name() });
    }
    let parameters = law.parameters();
    let n_complete = waits.n_complete();
    let bic = (parameters.len() as f64) * n_complete.ln() - 2.0 * log_likelihood;
    let n_censored = waits.n_censored();
    Ok(LawFit {
        family,
        parameters,
        std_errors: law.std_errors(waits),
        log_likelihood,
        bic,
        n_complete,
        n_censored,
    })
}

/// Fits all families and takes the one with the smallest Bayesian information criterion.
///
/// ```text
/// BIC = k ln n − 2 ln L      k: parameters, n: waits that ended (Volinsky and Raftery 2000)
/// ```
///
/// # Errors
///
/// As [`fit_family`], when no family can be fitted.
pub fn fit_law(waits: &Waits) -> Result<LawFit, FitError> {
    let mut best: Option<LawFit> = None;
    let mut failed = None;
    for family in Family::ALL {
        match fit_family(family, waits) {
            Ok(fit) if best.as_ref().is_none_or(|best| fit.bic < best.bic) => best = Some(fit),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
    }
    best.ok_or_else(|| failed.expect("a family that was not fitted failed"))
}

impl LawFit {
    /// The law as a flow holds it.
    pub fn law(&self) -> SojournLaw {
        let p = &self.parameters;
        match self.family {
            Family::Exponential => SojournLaw::Exponential { mean_days: p[0] },
            Family::Weibull => SojournLaw::Weibull { shape: p[0], scale_days: p[1] },
            Family::Gamma => SojournLaw::Gamma { shape: p[0], mean_days: p[1] },
            Family::LogNormal => SojournLaw::LogNormal { median_days: p[0], sigma: p[1] },
        }
    }

    /// The law as numbers, for a likelihood.
    pub(super) fn as_law(&self) -> Law {
        let second = self.parameters.get(1).copied().unwrap_or(1.0);
        Law::new(self.family, self.parameters[0], second)
    }
}

/// A law ready for many evaluations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Law {
    family: Family,
    first: f64,
    second: f64,
    /// Part of the log density that does not depend on the wait.
    constant: f64,
}

impl Law {
    pub(super) fn new(family: Family, first: f64, second: f64) -> Self {
        let constant = match family {
            Family::Exponential => -first.ln(),
            Family::Weibull => first.ln() - first * second.ln(),
            Family::Gamma => first * (first / second).ln() - ln_gamma(first),
            Family::LogNormal => -second.ln() - 0.5 * (2.0 * PI).ln(),
        };
        Self { family, first, second, constant }
    }

    pub(super) fn exponential(mean_days: f64) -> Self {
        Self::new(Family::Exponential, mean_days, 1.0)
    }

    pub(super) fn family(self) -> Family {
        self.family
    }

    pub(super) fn parameters(self) -> Vec<f64> {
        match self.family {
            Family::Exponential => vec![self.first],
            _ => vec![self.first, self.second],
        }
    }

    pub(super) fn mean_days(self) -> f64 {
        match self.family {
            Family::Exponential => self.first,
            Family::Weibull => self.second * gamma(1.0 + self.first.recip()),
            Family::Gamma => self.second,
            Family::LogNormal => self.first * (self.second * self.second / 2.0).exp(),
        }
    }

    /// Log density of a wait of `x` days.
    pub(super) fn ln_density(self, x: f64) -> f64 {
        let (a, b) = (self.first, self.second);
        let varying = match self.family {
            Family::Exponential => -x / a,
            Family::Weibull => (a - 1.0) * x.ln() - (x / b).powf(a),
            Family::Gamma => (a - 1.0) * x.ln() - a * x / b,
            Family::LogNormal => {
                let z = (x / a).ln() / b;
                -x.ln() - 0.5 * z * z
            }
        };
        self.constant + varying
    }

    /// Log probability that a wait is longer than `x` days.
    pub(super) fn ln_survival(self, x: f64) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        let (a, b) = (self.first, self.second);
        match self.family {
            Family::Exponential => -x / a,
            Family::Weibull => -(x / b).powf(a),
            Family::Gamma => ln_gamma_survival(a, a * x / b),
            Family::LogNormal => ln_normal_survival((x / a).ln() / b),
        }
    }

    /// From the curvature of the log likelihood in the logs of the parameters.
    fn std_errors(self, waits: &Waits) -> Vec<f64> {
        const STEP: f64 = 1e-3;
        let at = |i: f64, j: f64| {
            let (first, second) = (self.first * i.exp(), self.second * j.exp());
            waits.log_likelihood(Self::new(self.family, first, second))
        };
        let (h, centre) = (STEP, at(0.0, 0.0));
        let first = (at(h, 0.0) - 2.0 * centre + at(-h, 0.0)) / (h * h);
        if self.family == Family::Exponential {
            return vec![self.first * (-first).recip().sqrt()];
        }
        let second = (at(0.0, h) - 2.0 * centre + at(0.0, -h)) / (h * h);
        let cross = (at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4.0 * h * h);
        let determinant = first * second - cross * cross;
        vec![
            self.first * (-second / determinant).sqrt(),
            self.second * (-first / determinant).sqrt(),
        ]
    }
}

fn ln_gamma_survival(shape: f64, y: f64) -> f64 {
    let upper = gamma_ur(shape, y);
    if upper > 1e-290 {
        return upper.ln();
    }
    // The leading terms of the asymptotic series of the incomplete gamma function.
    (shape - 1.0) * y.ln() - y - ln_gamma(shape) + (1.0 + (shape - 1.0) / y).max(1e-9).ln()
}

fn ln_normal_survival(z: f64) -> f64 {
    if z < 30.0 {
        return (0.5 * erfc(z / SQRT_2)).ln();
    }
    -0.5 * z * z - (z * (2.0 * PI).sqrt()).ln()
}

/// φ(z) / (1 − Φ(z)).
fn normal_hazard(z: f64) -> f64 {
    if z < 30.0 {
        (-0.5 * z * z).exp() / ((2.0 * PI).sqrt() * 0.5 * erfc(z / SQRT_2))
    } else {
        z + z.recip()
    }
}

fn maximise(family: Family, waits: &Waits) -> Option<Law> {
    match family {
        Family::Exponential => {
            let all: f64 = waits.complete.iter().chain(&waits.censored).map(|(x, w)| w * x).sum();
            Some(Law::exponential(all / waits.n_complete()))
        }
        Family::Weibull => weibull(waits),
        Family::Gamma => gamma_law(waits),
        Family::LogNormal => log_normal(waits),
    }
}

/// Root of the profile score of the shape, which falls in the shape, by Newton steps inside a
/// bracket.
fn weibull(waits: &Waits) -> Option<Law> {
    let d = waits.n_complete();
    let logs: f64 = waits.complete.iter().map(|(x, w)| w * x.ln()).sum::<f64>() / d;
    // Waits are taken relative to their geometric mean, so that powers stay in range.
    let all: Vec<(f64, f64)> =
        waits.complete.iter().chain(&waits.censored).map(|&(x, w)| (x.ln() - logs, w)).collect();
    let sums = |k: f64| {
        all.iter().fold((0.0, 0.0, 0.0), |(s0, s1, s2), &(l, w)| {
            let power = w * (k * l).exp();
            (s0 + power, s1 + power * l, s2 + power * l * l)
        })
    };
    let (mut low, mut high) = (1e-3_f64, 1e3_f64);
    let mut k = 1.0_f64;
    for _ in 0..200 {
        let (s0, s1, s2) = sums(k);
        let mean = s1 / s0;
        let score = k.recip() - mean;
        if !score.is_finite() || score < 0.0 {
            high = k;
        } else {
            low = k;
        }
        let slope = -(k * k).recip() - (s2 / s0 - mean * mean);
        let newton = k - score / slope;
        let next = if newton > low && newton < high { newton } else { (low * high).sqrt() };
        if (next - k).abs() < 1e-13 * k {
            k = next;
            break;
        }
        k = next;
    }
    let scale = (logs + (sums(k).0 / d).ln() / k).exp();
    (k > 2e-3 && k < 500.0 && scale.is_finite()).then(|| Law::new(Family::Weibull, k, scale))
}

/// Newton's method for the censored normal of the logs, in the precision θ = 1/σ and δ = μ/σ, in
/// which the likelihood is concave.
fn log_normal(waits: &Waits) -> Option<Law> {
    let n = waits.n_complete();
    let mean = waits.complete.iter().map(|(x, w)| w * x.ln()).sum::<f64>() / n;
    let square = waits.complete.iter().map(|(x, w)| w * (x.ln() - mean).powi(2)).sum::<f64>() / n;
    if square < 1e-12 {
        return None;
    }
    let value = |theta: f64, delta: f64| -> f64 {
        let complete =
            waits.complete.iter().map(|(x, w)| w * (theta * x.ln() - delta).powi(2)).sum::<f64>();
        let censored = waits
            .censored
            .iter()
            .map(|(x, w)| w * ln_normal_survival(theta * x.ln() - delta))
            .sum::<f64>();
        n * theta.ln() - 0.5 * complete + censored
    };
    let (mut theta, mut delta) = (square.sqrt().recip(), mean / square.sqrt());
    let mut best = value(theta, delta);
    for _ in 0..100 {
        let (mut g1, mut g2) = (n / theta, 0.0);
        let (mut h11, mut h12, mut h22) = (-n / (theta * theta), 0.0, -n);
        for &(x, w) in &waits.complete {
            let y = x.ln();
            let u = theta * y - delta;
            g1 -= w * u * y;
            g2 += w * u;
            h11 -= w * y * y;
            h12 += w * y;
        }
        for &(x, w) in &waits.censored {
            let c = x.ln();
            let v = theta * c - delta;
            let hazard = normal_hazard(v);
            let slope = hazard * (hazard - v);
            g1 -= w * hazard * c;
            g2 += w * hazard;
            h11 -= w * slope * c * c;
            h12 += w * slope * c;
            h22 -= w * slope;
        }
        let determinant = h11 * h22 - h12 * h12;
        let steps = ((h12 * g2 - h22 * g1) / determinant, (h12 * g1 - h11 * g2) / determinant);
        let Some((next, at)) = halve(best, |size| {
            let (t, d) = (theta + size * steps.0, delta + size * steps.1);
            (t > 0.0).then(|| (value(t, d), (t, d)))
        }) else {
            break;
        };
        let moved = (at.0 - theta).abs() / theta + (at.1 - delta).abs() / (1.0 + delta.abs());
        (theta, delta) = at;
        best = next;
        if moved < 1e-13 {
            break;
        }
    }
    let median = (delta / theta).exp();
    (theta < 1e6 && median.is_finite()).then(|| Law::new(Family::LogNormal, median, theta.recip()))
}

/// Halves a step until the value does not fall; `None` when no step is left.
fn halve<P>(best: f64, mut at: impl FnMut(f64) -> Option<(f64, P)>) -> Option<(f64, P)> {
    let mut size = 1.0;
    for _ in 0..40 {
        if let Some((value, point)) = at(size)
            && value >= best
        {
            return Some((value, point));
        }
        size /= 2.0;
    }
    None
}

/// Newton's method in the logs of shape and mean; the curvature from differences of the score.
#[expect(clippy::many_single_char_names, reason = "the letters of the formulas")]
fn gamma_law(waits: &Waits) -> Option<Law> {
    let n = waits.n_complete();
    let sum: f64 = waits.complete.iter().map(|(x, w)| w * x).sum();
    let logs: f64 = waits.complete.iter().map(|(x, w)| w * x.ln()).sum();
    let spread = (sum / n).ln() - logs / n;
    if spread < 1e-9 {
        return None;
    }
    let value = |k: f64, m: f64| -> f64 {
        let complete = n * (k * (k / m).ln() - ln_gamma(k)) + (k - 1.0) * logs - k * sum / m;
        let censored =
            waits.censored.iter().map(|(x, w)| w * ln_gamma_survival(k, k * x / m)).sum::<f64>();
        complete + censored
    };
    let score = |k: f64, m: f64| -> (f64, f64) {
        let mut by_shape = k * (n * ((k / m).ln() + 1.0 - digamma(k)) + logs - sum / m);
        let mut by_mean = k * (sum / m - n);
        for &(x, w) in &waits.censored {
            let h = 1e-5;
            let (up, down) = (k * (1.0 + h), k * (1.0 - h));
            let difference =
                ln_gamma_survival(up, up * x / m) - ln_gamma_survival(down, down * x / m);
            by_shape += w * difference / (2.0 * h);
            let y = k * x / m;
            by_mean += w * (k * y.ln() - y - ln_gamma(k) - ln_gamma_survival(k, y)).exp();
        }
        (by_shape, by_mean)
    };
    // Minka's closed-form start for complete waits; the mean with the censored time added.
    let mut k = ((3.0 - spread + ((spread - 3.0).powi(2) + 24.0 * spread).sqrt())
        / (12.0 * spread))
        .clamp(0.05, 500.0);
    let mut m = (sum + waits.censored.iter().map(|(x, w)| w * x).sum::<f64>()) / n;
    let mut best = value(k, m);
    for _ in 0..60 {
        let (g1, g2) = score(k, m);
        let h = 1e-4_f64;
        let (s1, s2) = (score(k * h.exp(), m), score(k, m * h.exp()));
        let (h11, h22) = ((s1.0 - g1) / h, (s2.1 - g2) / h);
        let h12 = ((s1.1 - g2) + (s2.0 - g1)) / (2.0 * h);
        let determinant = h11 * h22 - h12 * h12;
        let concave = h11 < 0.0 && determinant > 0.0;
        let steps = if concave {
            ((h12 * g2 - h22 * g1) / determinant, (h12 * g1 - h11 * g2) / determinant)
        } else {
            (g1 / n, g2 / n)
        };
        let Some((next, at)) = halve(best, |size| {
            let (a, b) = (size * steps.0.clamp(-2.0, 2.0), size * steps.1.clamp(-2.0, 2.0));
            let (a, b) = (k * a.exp(), m * b.exp());
            Some((value(a, b), (a, b)))
        }) else {
            break;
        };
        let moved = (at.0 - k).abs() / k + (at.1 - m).abs() / m;
        (k, m) = at;
        best = next;
        if moved < 1e-11 {
            break;
        }
    }
    (k < 1e4 && m.is_finite()).then(|| Law::new(Family::Gamma, k, m))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(complete: &[f64], censored: &[f64]) -> Waits {
        let one = |days: &[f64]| days.iter().map(|&x| (x, 1.0)).collect();
        Waits { complete: one(complete), censored: one(censored) }
    }

    #[test]
    fn a_weight_of_two_is_the_wait_seen_twice() {
        let twice = waits(&[1.0, 3.0, 3.0, 9.0], &[4.0, 4.0]);
        let weighted = Waits {
            complete: vec![(1.0, 1.0), (3.0, 2.0), (9.0, 1.0)],
            censored: vec![(4.0, 2.0)],
        };
        for family in Family::ALL {
            let (a, b) =
                (fit_family(family, &twice).unwrap(), fit_family(family, &weighted).unwrap());
            for (a, b) in a.parameters.iter().zip(&b.parameters) {
                assert!((a / b - 1.0).abs() < 1e-8, "{family:?}: {a} and {b}");
            }
        }
    }

    #[test]
    fn the_unit_of_time_only_scales_the_law() {
        let days = waits(&[0.5, 2.0, 7.0, 11.0, 30.0], &[5.0, 20.0]);
        let hours = waits(&[12.0, 48.0, 168.0, 264.0, 720.0], &[120.0, 480.0]);
        for family in Family::ALL {
            let (a, b) = (fit_family(family, &days).unwrap(), fit_family(family, &hours).unwrap());
            for ((name, a), b) in
                family.parameter_names().iter().zip(&a.parameters).zip(&b.parameters)
            {
                let factor = if name.ends_with("_days") { 24.0 } else { 1.0 };
                assert!((factor * a / b - 1.0).abs() < 1e-6, "{family:?} {name}: {a} and {b}");
            }
        }
    }

    #[test]
    fn too_few_waits_and_waits_that_are_no_time_are_named() {
        let error = fit_law(&waits(&[3.0], &[1.0])).unwrap_err();
        assert_eq!(error.to_string(), "1 waits ended, expected at least 2");
        let error = fit_law(&waits(&[3.0, -1.0], &[])).unwrap_err();
        assert!(matches!(error, FitError::BadWait { .. }), "{error}");
    }
}
