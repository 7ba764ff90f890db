//! Quantiles, hazards and conditional waits of the laws, accurate in both tails.

use std::f64::consts::{PI, SQRT_2};

use statrs::function::erf::{erfc, erfc_inv};
use statrs::function::gamma::{gamma_lr, gamma_ur, ln_gamma};

use super::SojournLaw;

/// Newton steps after which an iteration that keeps its side of the root is exact to rounding.
const MOST_STEPS: usize = 200;

/// Relative change below which an iteration has arrived.
const ARRIVED: f64 = 1e-14;

impl SojournLaw {
    /// The wait \[days\] that a share `p` of waits does not exceed.
    ///
    /// ```text
    /// Q(p) = F⁻¹(p);  empirical: x₍ᵢ₎ + h·(x₍ᵢ₊₁₎ − x₍ᵢ₎) at position (n − 1)·p = i + h
    /// ```
    ///
    /// - `p`: in `[0, 1)`. Relative error about 1e-12.
    ///
    /// # Source
    ///
    /// Empirical: definition 7 of Hyndman and Fan (1996), *Am. Stat.* 50(4), 361-365.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::flow::SojournLaw;
    ///
    /// let law = SojournLaw::Empirical { days: vec![1.0, 2.0, 6.0] };
    /// assert_eq!(law.quantile(0.75), 4.0);
    /// ```
    pub fn quantile(&self, p: f64) -> f64 {
        self.quantile_between(p, 1.0 - p)
    }

    /// Quantile \[days\] with share `lower` before it and `upper` after it; the smaller is exact.
    pub(crate) fn quantile_between(&self, lower: f64, upper: f64) -> f64 {
        match self {
            Self::Gamma { shape, mean_days } => {
                gamma_quantile(*shape, lower, upper) * mean_days / shape
            }
            Self::LogNormal { median_days, sigma } => {
                let z = if lower < upper {
                    -SQRT_2 * erfc_inv(2.0 * lower)
                } else {
                    SQRT_2 * erfc_inv(2.0 * upper)
                };
                median_days * (sigma * z).exp()
            }
            Self::Empirical { days } => {
                let position = (days.len() - 1) as f64 * lower;
                let first = (position as usize).min(days.len() - 2);
                days[first] + (position - first as f64) * (days[first + 1] - days[first])
            }
            _ => {
                let hazard = if lower < upper { -(-lower).ln_1p() } else { -upper.ln() };
                self.wait_after(0.0, hazard)
            }
        }
    }

    /// Hazard gathered in the first `days` of a wait: minus the log of the share that is longer.
    ///
    /// ```text
    /// H(t) = −ln(1 − F(t))
    /// ```
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::flow::SojournLaw;
    ///
    /// let law = SojournLaw::Weibull { shape: 2.0, scale_days: 10.0 };
    /// assert!((law.cumulative_hazard(30.0) - 9.0).abs() < 1e-12);
    /// ```
    pub fn cumulative_hazard(&self, days: f64) -> f64 {
        if days <= 0.0 {
            return 0.0;
        }
        match self {
            Self::Exponential { mean_days } => days / mean_days,
            Self::Weibull { shape, scale_days } => (days / scale_days).powf(*shape),
            Self::Gamma { shape, mean_days } => gamma_hazard(*shape, days * shape / mean_days),
            Self::LogNormal { median_days, sigma } => {
                normal_hazard((days / median_days).ln() / sigma)
            }
            Self::Piecewise { breaks_days, rates_per_day } => {
                piecewise_hazard(breaks_days, rates_per_day, days)
            }
            Self::Empirical { days: waits } => {
                let n = waits.len() - 1;
                let first = waits.partition_point(|&wait| wait <= days);
                if first > n {
                    return f64::INFINITY;
                }
                if first == 0 {
                    return 0.0;
                }
                let (left, right) = (waits[first - 1], waits[first]);
                let position = (first - 1) as f64 + (days - left) / (right - left);
                -(-position / n as f64).ln_1p()
            }
        }
    }

    /// Further wait \[days\] of one that has lasted `age_days`, until `hazard` more is gathered.
    ///
    /// ```text
    /// w = H⁻¹(H(s) + e) − s      s: age, e: hazard; with e = −ln(1 − u) this is
    ///                            Q(F(s) + u·(1 − F(s))) − s
    /// ```
    ///
    /// - `hazard`: unit exponential for a random wait; no unit.
    /// - An empirical law ends at its last wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::flow::SojournLaw;
    ///
    /// let law = SojournLaw::Weibull { shape: 2.0, scale_days: 10.0 };
    /// assert!((law.wait_after(30.0, 7.0) - 10.0).abs() < 1e-12);
    /// ```
    pub fn wait_after(&self, age_days: f64, hazard: f64) -> f64 {
        let target = self.cumulative_hazard(age_days) + hazard;
        let end = match self {
            Self::Exponential { mean_days } => return mean_days * hazard,
            Self::Weibull { shape, scale_days } => scale_days * target.powf(shape.recip()),
            Self::Piecewise { breaks_days, rates_per_day } => {
                piecewise_end(breaks_days, rates_per_day, target)
            }
            Self::Gamma { shape, mean_days } => {
                let unit = mean_days / shape;
                let hazard = |x| gamma_hazard(*shape, x);
                let log_density = |x: f64| (shape - 1.0) * x.ln() - x - ln_gamma(*shape);
                unit * end_of(target, gamma_start(*shape, target), hazard, log_density)
            }
            Self::LogNormal { median_days, sigma } => {
                let hazard = |x: f64| normal_hazard(x.ln() / sigma);
                let log_density = |x: f64| {
                    let z = x.ln() / sigma;
                    -0.5 * z * z - (x * sigma * (2.0 * PI).sqrt()).ln()
                };
                let start = (sigma * (2.0 * target).sqrt()).exp();
                median_days * end_of(target, start, hazard, log_density)
            }
            Self::Empirical { .. } => self.quantile(-(-target).exp_m1()),
        };
        (end - age_days).max(0.0)
    }
}

/// Where the cumulative hazard reaches `target`, by Newton's iteration in the log of time.
///
/// The log of a survival function is concave in the log of time for these laws, so from the right
/// of the root every step stays there, and from the left one step leads to its right.
fn end_of(
    target: f64,
    start: f64,
    hazard: impl Fn(f64) -> f64,
    log_density: impl Fn(f64) -> f64,
) -> f64 {
    let mut time = start;
    for _ in 0..MOST_STEPS {
        let reached = hazard(time);
        let slope = time * (log_density(time) + reached).exp();
        let step = ((target - reached) / slope).clamp(-4.0, 4.0);
        time *= step.exp();
        if step.abs() < ARRIVED {
            break;
        }
    }
    time
}

/// A point at which the gamma law has gathered a hazard of the order of `target`.
fn gamma_start(shape: f64, target: f64) -> f64 {
    let early = ((target.min(1.0)).ln() + ln_gamma(shape + 1.0)) / shape;
    early.exp().max(f64::MIN_POSITIVE) + if target > 0.5 { target } else { 0.0 }
}

/// Cumulative hazard of the gamma law with unit scale.
fn gamma_hazard(shape: f64, x: f64) -> f64 {
    let lower = gamma_lr(shape, x);
    if lower < 0.5 {
        return -(-lower).ln_1p();
    }
    let upper = gamma_ur(shape, x);
    if upper > 1e-290 {
        return -upper.ln();
    }
    // Γ(a, x) ~ x^(a−1)·e^(−x)·(1 + (a − 1)/x): Abramowitz and Stegun 6.5.32.
    x - (shape - 1.0) * x.ln() + ln_gamma(shape) - ((shape - 1.0) / x).ln_1p()
}

/// Cumulative hazard of the standard normal law at `z`.
fn normal_hazard(z: f64) -> f64 {
    if z < 0.0 {
        -(-0.5 * erfc(-z / SQRT_2)).ln_1p()
    } else if z < 30.0 {
        -(0.5 * erfc(z / SQRT_2)).ln()
    } else {
        // Mills' ratio: Abramowitz and Stegun 26.2.12.
        0.5 * z * z + (z * (2.0 * PI).sqrt()).ln() - (-1.0 / (z * z)).ln_1p()
    }
}

/// Quantile of the gamma law with unit scale, by Newton's iteration in the log of time.
///
/// Both log-tails are concave in the log of time, so the iteration keeps its side of the root
/// after at most one step.
fn gamma_quantile(shape: f64, lower: f64, upper: f64) -> f64 {
    if lower <= 0.0 {
        return 0.0;
    }
    let early = ((lower.ln() + ln_gamma(shape + 1.0)) / shape).exp();
    if early < 1e-280 {
        return early;
    }
    let (tail, sign, mut x) =
        if lower < upper { (lower, 1.0, early) } else { (upper, -1.0, shape - upper.ln()) };
    for _ in 0..MOST_STEPS {
        let reached = if sign > 0.0 { gamma_lr(shape, x) } else { gamma_ur(shape, x) };
        let slope = (shape * x.ln() - x - ln_gamma(shape)).exp() / reached;
        let step = (sign * (tail / reached).ln() / slope).clamp(-4.0, 4.0);
        x *= step.exp();
        if step.abs() < ARRIVED {
            break;
        }
    }
    x
}

fn piecewise_hazard(breaks: &[f64], rates: &[f64], days: f64) -> f64 {
    let (mut start, mut hazard) = (0.0, 0.0);
    for (&end, rate) in breaks.iter().zip(rates) {
        if days <= end {
            return hazard + rate * (days - start);
        }
        hazard += rate * (end - start);
        start = end;
    }
    hazard + rates[rates.len() - 1] * (days - start)
}

fn piecewise_end(breaks: &[f64], rates: &[f64], target: f64) -> f64 {
    let (mut start, mut hazard) = (0.0, 0.0);
    for (&end, rate) in breaks.iter().zip(rates) {
        let reached = hazard + rate * (end - start);
        if reached > target {
            return start + (target - hazard) / rate;
        }
        (start, hazard) = (end, reached);
    }
    start + (target - hazard) / rates[rates.len() - 1]
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, Exp, Gamma, LogNormal, Weibull};

    use super::*;

    /// Laws of extreme and of usual shapes, each with its distribution in another library.
    fn laws() -> Vec<(SojournLaw, Box<dyn ContinuousCDF<f64, f64>>)> {
        let mut laws: Vec<(SojournLaw, Box<dyn ContinuousCDF<f64, f64>>)> = vec![(
            SojournLaw::Exponential { mean_days: 25.0 },
            Box::new(Exp::new(1.0 / 25.0).unwrap()),
        )];
        for shape in [0.3, 0.8, 1.0, 2.0, 20.0] {
            laws.push((
                SojournLaw::Weibull { shape, scale_days: 25.0 },
                Box::new(Weibull::new(shape, 25.0).unwrap()),
            ));
            laws.push((
                SojournLaw::Gamma { shape, mean_days: 25.0 },
                Box::new(Gamma::new(shape, shape / 25.0).unwrap()),
            ));
        }
        for sigma in [0.05, 0.6, 2.0] {
            laws.push((
                SojournLaw::LogNormal { median_days: 25.0, sigma },
                Box::new(LogNormal::new(25.0_f64.ln(), sigma).unwrap()),
            ));
        }
        laws
    }

    #[test]
    fn quantiles_undo_the_distribution_functions_of_statrs() {
        for (law, reference) in laws() {
            for p in [1e-9, 1e-4, 0.1, 0.499, 0.5, 0.9] {
                let back = reference.cdf(law.quantile(p));
                // The reference takes some lower tails from 1: its own rounding is left aside.
                assert!((back - p).abs() < 1e-9 * p + f64::EPSILON, "{law:?} at {p}: {back}");
            }
            for upper in [0.5, 0.1, 1e-3, 1e-6, 1e-10] {
                let back = reference.sf(law.quantile_between(1.0 - upper, upper));
                assert!((back / upper - 1.0).abs() < 1e-8, "{law:?} at 1 − {upper}: {back}");
            }
        }
    }

    #[test]
    fn conditional_waits_gather_the_hazard_they_were_asked_for() {
        let piecewise = SojournLaw::Piecewise {
            breaks_days: vec![7.0, 30.0],
            rates_per_day: vec![0.1, 0.0, 0.02],
        };
        let laws = laws().into_iter().map(|(law, _)| law).chain([piecewise]);
        for law in laws {
            for age in [0.0, 0.5, 25.0, 60.0] {
                for hazard in [1e-3, 0.4, 3.0, 40.0] {
                    let end = age + law.wait_after(age, hazard);
                    let found = law.cumulative_hazard(end) - law.cumulative_hazard(age);
                    // A wait far shorter than its age loses digits in the difference.
                    let lost = 1e-12 * law.cumulative_hazard(age).max(1.0) * 20.0;
                    let close = (found - hazard).abs() < 1e-8 * hazard + lost;
                    assert!(close, "{law:?} from {age} by {hazard}: {found}");
                }
            }
        }
    }

    #[test]
    fn hazards_go_on_smoothly_where_survival_leaves_the_range_of_numbers() {
        // The hazard per unit of time tends to 1 (gamma) and to z (normal), from above and below.
        let step = gamma_hazard(2.5, 700.0) - gamma_hazard(2.5, 640.0);
        assert!((step - 60.0 + 1.5 * (700.0_f64 / 640.0).ln()).abs() < 1e-3, "{step}");
        let (below, above) = (normal_hazard(29.999), normal_hazard(30.001));
        assert!((above - below - 0.002 * 30.033).abs() < 1e-4, "{}", above - below);
    }

    #[test]
    fn means_of_piecewise_and_empirical_laws_are_the_integrals_of_their_quantiles() {
        let laws = [
            SojournLaw::Piecewise {
                breaks_days: vec![7.0, 30.0],
                rates_per_day: vec![0.1, 0.05, 0.02],
            },
            SojournLaw::Empirical { days: vec![0.0, 1.0, 1.0, 5.0, 9.0] },
        ];
        for law in laws {
            // Midpoint rule: the error is at most the last cell's share of the tail.
            let n = 200_000;
            let sum: f64 = (0..n).map(|i| law.quantile((f64::from(i) + 0.5) / f64::from(n))).sum();
            let mean = sum / f64::from(n);
            assert!((mean / law.mean_days() - 1.0).abs() < 1e-4, "{law:?}: {mean}");
        }
    }
}
