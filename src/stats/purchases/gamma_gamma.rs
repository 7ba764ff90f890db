//! How much a purchase is worth: the gamma-gamma model of spend.

use statrs::function::gamma::{digamma, ln_gamma};

use super::super::error::StatsError;
use super::check_positive;
use super::fit::{LogLikelihood, Maximum, PurchaseFit, maximise};

/// Purchases of one customer and what they were worth on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpendSummary {
    /// x: purchases, at least one. Usually repeats only, so that a first offer does not count.
    pub purchases: u32,
    /// z̄: mean value of them \[money\], above 0.
    pub mean: f64,
}

impl SpendSummary {
    fn fault(&self) -> Option<&'static str> {
        if self.purchases == 0 {
            Some("spend is that of customers with a purchase")
        } else if !(self.mean.is_finite() && self.mean > 0.0) {
            Some("the mean value of a purchase is above 0 and finite")
        } else {
            None
        }
    }
}

/// The gamma-gamma model of the value of a purchase.
///
/// ```text
/// z ~ Gamma(p, ν): values of a customer's purchases      ν ~ Gamma(q, γ): between customers
/// L(z̄, x) = Γ(px+q) / (Γ(px) Γ(q)) · γ^q z̄^(px−1) x^px / (γ + x z̄)^(px+q)      density of z̄
/// ```
///
/// - Assumes that value and frequency are unrelated; check their correlation first.
///
/// # Source
///
/// Fader, Hardie and Lee (2005), *J. Marketing Research* 42(4), 415–430; Fader and Hardie (2013), "The
/// Gamma-Gamma Model of Monetary Value". Parity: its definition integrated by SciPy,
/// `tests/fixtures/gamma_gamma.json`, tolerance 1e-10; lifetimes, `tests/fixtures/purchase_fits.json`
/// (there γ is `v`). Where the expected spend is infinite (q ≤ 1), lifetimes gives a negative one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaGamma {
    p: f64,
    q: f64,
    gamma: f64,
}

impl GammaGamma {
    /// The model with these parameters: shape within customers, shape and scale \[money\] between them.
    ///
    /// # Errors
    ///
    /// `OutOfRange` when one of them is no positive finite number.
    pub fn new(p: f64, q: f64, gamma: f64) -> Result<Self, StatsError> {
        check_positive([("p", p), ("q", q), ("gamma", gamma)])?;
        Ok(Self { p, q, gamma })
    }

    /// p, q, γ.
    pub fn parameters(&self) -> [f64; 3] {
        [self.p, self.q, self.gamma]
    }

    /// Log-likelihood of one customer.
    ///
    /// # Errors
    ///
    /// `Impossible` without a purchase or with a mean that is not above 0.
    pub fn log_likelihood(&self, customer: &SpendSummary) -> Result<f64, StatsError> {
        check(customer)?;
        Ok(self.of(customer))
    }

    fn of(&self, customer: &SpendSummary) -> f64 {
        let spent = f64::from(customer.purchases) * customer.mean;
        self.of_purchases(customer.purchases) + self.of_spent(customer.purchases, spent)
            - customer.mean.ln()
    }

    /// What depends on the number of purchases alone.
    fn of_purchases(&self, purchases: u32) -> f64 {
        let shape = self.p * f64::from(purchases);
        ln_gamma(shape + self.q) - ln_gamma(shape) - ln_gamma(self.q)
    }

    /// With w = γ / (γ + x z̄): q ln w + px ln(1 − w), which no scale of money overflows.
    fn of_spent(&self, purchases: u32, spent: f64) -> f64 {
        let Self { p, q, gamma } = *self;
        -q * (spent / gamma).ln_1p() - p * f64::from(purchases) * (gamma / spent).ln_1p()
    }

    /// Expected value of a purchase of a customer of whom nothing is known \[money\].
    ///
    /// ```text
    /// E[Z] = pγ / (q−1)
    /// ```
    ///
    /// # Errors
    ///
    /// `OutOfRange` for q of 1 or less, where it is infinite.
    pub fn expected_of_new(&self) -> Result<f64, StatsError> {
        let Self { p, q, gamma } = *self;
        if q <= 1.0 {
            let expected = "above 1, or the expected spend is infinite";
            return Err(StatsError::OutOfRange { argument: "q", value: q, expected });
        }
        Ok(p * gamma / (q - 1.0))
    }

    /// Expected value of a purchase of this customer \[money\]: between the mean of all and the
    /// customer's own, nearer to the latter the more purchases there are.
    ///
    /// ```text
    /// E[Z | z̄, x] = p (γ + x z̄) / (px + q − 1)
    /// ```
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood), and `OutOfRange` where px + q ≤ 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{GammaGamma, SpendSummary};
    /// let model = GammaGamma::new(6.25, 3.74, 15.44)?;
    /// assert!((model.expected_of_new()? - 35.22).abs() < 0.01);
    /// let once = model.expected(&SpendSummary { purchases: 1, mean: 11.77 })?;
    /// assert!((once - 18.92).abs() < 0.01);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn expected(&self, customer: &SpendSummary) -> Result<f64, StatsError> {
        check(customer)?;
        let Self { p, q, gamma } = *self;
        let x = f64::from(customer.purchases);
        let value = p * x + q;
        if value <= 1.0 {
            let expected = "above 1, or the expected spend is infinite";
            return Err(StatsError::OutOfRange { argument: "p x + q", value, expected });
        }
        Ok(p * (gamma + x * customer.mean) / (value - 1.0))
    }

    /// The model with the largest likelihood of `customers`.
    ///
    /// - L-BFGS (argmin) over the logs of the parameters, in units of the median mean, and Newton's method
    ///   at the end.
    ///
    /// # Errors
    ///
    /// `TooFew` below ten customers, `Impossible` as [`log_likelihood`](Self::log_likelihood) (the
    /// position is given), `NoFit` when customers do not differ enough to have a top of the likelihood.
    pub fn fit(customers: &[SpendSummary]) -> Result<PurchaseFit<Self, 3>, StatsError> {
        let statistic = "gamma-gamma";
        if customers.len() < 10 {
            return Err(StatsError::TooFew { statistic, needed: 10, got: customers.len() });
        }
        let faulty = customers.iter().enumerate().find_map(|(i, c)| Some((i, c.fault()?)));
        if let Some((index, reason)) = faulty {
            return Err(StatsError::Impossible { index, reason });
        }
        let mut means: Vec<f64> = customers.iter().map(|c| c.mean).collect();
        means.sort_by(f64::total_cmp);
        let mut customers = customers.to_vec();
        customers.sort_by_key(|customer| (customer.purchases, customer.mean.to_bits()));
        let likelihood = Likelihood { customers: &customers, unit: means[means.len() / 2] };
        let Maximum { logs, std_errors } = maximise(statistic, &likelihood, [0.5, 0.5, 0.0])?;
        let model = likelihood.model(&logs);
        let parameters = model.parameters();
        Ok(PurchaseFit {
            model,
            log_likelihood: likelihood.value(&logs),
            customers: customers.len(),
            std_errors: std::array::from_fn(|i| parameters[i] * std_errors[i]),
        })
    }
}

fn check(customer: &SpendSummary) -> Result<(), StatsError> {
    match customer.fault() {
        Some(reason) => Err(StatsError::Impossible { index: 0, reason }),
        None => Ok(()),
    }
}

/// The log-likelihood of customers in ascending order of purchases.
struct Likelihood<'a> {
    customers: &'a [SpendSummary],
    /// A typical value, in which the search is well scaled.
    unit: f64,
}

impl Likelihood<'_> {
    fn model(&self, logs: &[f64; 3]) -> GammaGamma {
        let [p, q, gamma] = logs.map(f64::exp);
        GammaGamma { p, q, gamma: gamma * self.unit }
    }
}

impl LogLikelihood<3> for Likelihood<'_> {
    fn observations(&self) -> f64 {
        self.customers.len() as f64
    }

    fn value(&self, logs: &[f64; 3]) -> f64 {
        let model = self.model(logs);
        self.customers.iter().map(|customer| model.of(customer)).sum()
    }

    /// Customers with as many purchases share the gamma functions, which cost most.
    fn with_gradient(&self, logs: &[f64; 3]) -> (f64, [f64; 3]) {
        let model = self.model(logs);
        let GammaGamma { p, q, gamma } = model;
        let (mut value, mut slopes) = (0.0, [0.0; 3]);
        for group in self.customers.chunk_by(|a, b| a.purchases == b.purchases) {
            let (purchases, size) = (group[0].purchases, group.len() as f64);
            let (x, shape) = (f64::from(purchases), p * f64::from(purchases));
            let whole = digamma(shape + q);
            value += size * model.of_purchases(purchases);
            slopes[0] += size * shape * (whole - digamma(shape));
            slopes[1] += size * q * (whole - digamma(q));
            for customer in group {
                let spent = x * customer.mean;
                let (more, less) = ((spent / gamma).ln_1p(), (gamma / spent).ln_1p());
                value -= q * more + shape * less + customer.mean.ln();
                slopes[0] -= shape * less;
                slopes[1] -= q * more;
                slopes[2] += (q * spent - shape * gamma) / (gamma + spent);
            }
        }
        (value, slopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Customers differ by a factor, and their means by less the more they buy.
    fn customers() -> Vec<SpendSummary> {
        (0..60_u32)
            .map(|i| {
                let purchases = 1 + i % 7;
                let own = 20.0 + f64::from(i * 37 % 101);
                let noise = (f64::from(i * 53 % 61) / 30.0 - 1.0) / f64::from(purchases).sqrt();
                SpendSummary { purchases, mean: own * (1.0 + 0.8 * noise) }
            })
            .collect()
    }

    #[test]
    fn the_currency_does_not_matter() {
        let base = GammaGamma::fit(&customers()).unwrap();
        for scale in [1e-9, 1e9] {
            let scaled: Vec<_> =
                customers().iter().map(|c| SpendSummary { mean: c.mean * scale, ..*c }).collect();
            let fit = GammaGamma::fit(&scaled).unwrap();
            let [p, q, gamma] = fit.model.parameters();
            let known = base.model.parameters();
            for (found, known) in [p, q, gamma / scale].iter().zip(known) {
                assert!((found / known - 1.0).abs() < 1e-6, "{found} {known}");
            }
            let moved = fit.log_likelihood + 60.0 * scale.ln();
            assert!((moved - base.log_likelihood).abs() < 1e-8);
        }
    }

    #[test]
    fn an_expectation_lies_between_the_customer_and_all_and_infinite_ones_are_refused() {
        let model = GammaGamma::new(6.25, 3.74, 15.44).unwrap();
        let all = model.expected_of_new().unwrap();
        let mut before = all;
        for purchases in [1, 10, 100, 10_000] {
            let own = model.expected(&SpendSummary { purchases, mean: 90.0 }).unwrap();
            assert!(before < own && own < 90.0);
            before = own;
        }
        let heavy = GammaGamma::new(0.3, 0.5, 10.0).unwrap();
        assert!(matches!(heavy.expected_of_new(), Err(StatsError::OutOfRange { .. })));
        assert!(heavy.expected(&SpendSummary { purchases: 1, mean: 5.0 }).is_err());
        assert!(heavy.expected(&SpendSummary { purchases: 2, mean: 5.0 }).is_ok());
    }

    #[test]
    fn bad_input_is_an_error() {
        let mut bad = customers();
        bad[7].mean = -1.0;
        assert!(matches!(GammaGamma::fit(&bad), Err(StatsError::Impossible { index: 7, .. })));
        bad[3].purchases = 0;
        assert!(matches!(GammaGamma::fit(&bad), Err(StatsError::Impossible { index: 3, .. })));
        assert!(matches!(GammaGamma::fit(&bad[..2]), Err(StatsError::TooFew { .. })));
        let alike = [SpendSummary { purchases: 3, mean: 20.0 }; 30];
        assert!(matches!(GammaGamma::fit(&alike), Err(StatsError::NoFit { .. })));
        assert!(GammaGamma::new(1.0, -1.0, 1.0).is_err());
    }
}
