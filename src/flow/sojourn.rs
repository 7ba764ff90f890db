//! Waiting times: their means and their samples; their quantiles are in `quantile`.

use rand_distr::{Distribution, Exp, Exp1, Gamma, LogNormal, Weibull};
use statrs::function::gamma::gamma;

use super::SojournLaw;
use crate::rng::Stream;

impl SojournLaw {
    /// Mean of the law \[days\].
    ///
    /// ```text
    /// exponential m · Weibull λ·Γ(1 + 1/k) · gamma m · log-normal median·exp(σ²/2)
    /// piecewise   Σ S(bᵢ)·(1 − exp(−rᵢ·(bᵢ₊₁ − bᵢ)))/rᵢ      bᵢ: breaks from 0, rᵢ: rates
    /// empirical   (Σ x − (x₁ + xₙ)/2)/(n − 1)                x: waits, quantiles linear between
    /// ```
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::flow::SojournLaw;
    ///
    /// let law = SojournLaw::Weibull { shape: 1.0, scale_days: 30.0 };
    /// assert!((law.mean_days() - 30.0).abs() < 1e-9);
    /// ```
    pub fn mean_days(&self) -> f64 {
        match self {
            Self::Exponential { mean_days } | Self::Gamma { mean_days, .. } => *mean_days,
            Self::Weibull { shape, scale_days } => scale_days * gamma(1.0 + shape.recip()),
            Self::LogNormal { median_days, sigma } => median_days * (sigma * sigma / 2.0).exp(),
            Self::Piecewise { breaks_days, rates_per_day } => {
                piecewise_mean(breaks_days, rates_per_day)
            }
            Self::Empirical { days } => {
                let ends = days[0] + days[days.len() - 1];
                (days.iter().sum::<f64>() - ends / 2.0) / (days.len() - 1) as f64
            }
        }
    }

    /// One wait drawn from the law, exactly \[days\].
    ///
    /// # Panics
    ///
    /// When a parameter is not positive and finite; a checked [`Flow`](super::Flow) has no such
    /// law.
    pub fn sample(&self, stream: &mut Stream) -> f64 {
        const CHECKED: &str = "the parameters of a checked law are positive and finite";
        match self {
            Self::Exponential { mean_days } => {
                Exp::new(mean_days.recip()).expect(CHECKED).sample(stream)
            }
            Self::Weibull { shape, scale_days } => {
                Weibull::new(*scale_days, *shape).expect(CHECKED).sample(stream)
            }
            Self::Gamma { shape, mean_days } => {
                Gamma::new(*shape, mean_days / shape).expect(CHECKED).sample(stream)
            }
            Self::LogNormal { median_days, sigma } => {
                LogNormal::new(median_days.ln(), *sigma).expect(CHECKED).sample(stream)
            }
            Self::Piecewise { .. } => self.wait_after(0.0, Exp1.sample(stream)),
            Self::Empirical { .. } => self.quantile(stream.uniform()),
        }
    }
}

fn piecewise_mean(breaks: &[f64], rates: &[f64]) -> f64 {
    let (mut start, mut survival, mut mean) = (0.0, 1.0, 0.0);
    for (&end, &rate) in breaks.iter().zip(rates) {
        let days: f64 = end - start;
        let dies = -(-rate * days).exp_m1();
        mean += survival * if rate > 0.0 { dies / rate } else { days };
        survival *= 1.0 - dies;
        start = end;
    }
    mean + survival / rates[rates.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};

    /// Closed-form variance and fourth central moment over variance squared (kurtosis).
    fn variance_and_kurtosis(law: &SojournLaw) -> (f64, f64) {
        match *law {
            SojournLaw::Exponential { mean_days } => (mean_days * mean_days, 9.0),
            SojournLaw::Weibull { shape, scale_days } => {
                let raw = |r: f64| scale_days.powf(r) * gamma(1.0 + r / shape);
                let (m1, m2, m3, m4) = (raw(1.0), raw(2.0), raw(3.0), raw(4.0));
                let variance = m2 - m1 * m1;
                let fourth = m4 - 4.0 * m3 * m1 + 6.0 * m2 * m1 * m1 - 3.0 * m1.powi(4);
                (variance, fourth / (variance * variance))
            }
            SojournLaw::Gamma { shape, mean_days } => {
                (mean_days * mean_days / shape, 3.0 + 6.0 / shape)
            }
            SojournLaw::LogNormal { median_days, sigma } => {
                let w = (sigma * sigma).exp();
                let kurtosis = w.powi(4) + 2.0 * w.powi(3) + 3.0 * w * w - 3.0;
                (median_days * median_days * w * (w - 1.0), kurtosis)
            }
            SojournLaw::Piecewise { .. } | SojournLaw::Empirical { .. } => {
                unreachable!("these laws are tested by their quantiles")
            }
        }
    }

    #[test]
    fn samples_have_the_mean_and_variance_of_the_law() {
        // Standard errors for n draws: sqrt(variance / n) of the mean, and
        // variance · sqrt((kurtosis - 1) / n) of the variance; the bound is 4 of them.
        let n = 200_000_u32;
        let laws = [
            SojournLaw::Exponential { mean_days: 25.0 },
            SojournLaw::Weibull { shape: 1.3, scale_days: 28.0 },
            SojournLaw::Weibull { shape: 0.8, scale_days: 10.0 },
            SojournLaw::Gamma { shape: 2.0, mean_days: 25.0 },
            SojournLaw::Gamma { shape: 0.7, mean_days: 6.0 },
            SojournLaw::LogNormal { median_days: 32.0, sigma: 0.5 },
        ];
        for (position, law) in laws.iter().enumerate() {
            let draws = Streams::new(11).global(Purpose::Walk);
            let mut stream = draws.stream(position as u64);
            let sample: Vec<f64> = (0..n).map(|_| law.sample(&mut stream)).collect();
            let count = f64::from(n);
            let mean = sample.iter().sum::<f64>() / count;
            let variance = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
            let (expected, kurtosis) = variance_and_kurtosis(law);
            let error = (mean - law.mean_days()).abs();
            assert!(error < 4.0 * (expected / count).sqrt(), "mean of {law:?}: {mean}");
            let error = (variance - expected).abs();
            let bound = 4.0 * expected * ((kurtosis - 1.0) / count).sqrt();
            assert!(error < bound, "variance of {law:?}: {variance}, expected {expected}");
            assert!(sample.iter().all(|x| x.is_finite() && *x >= 0.0));
        }
    }
}
