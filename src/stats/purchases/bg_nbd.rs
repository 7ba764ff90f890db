//! Repeat purchases without a contract: the beta-geometric / negative binomial model.

use super::super::error::StatsError;
use super::beta_geometric::{BetaGeometric, FirstPurchase};
use super::beta_geometric_fit::{self, Found};
use super::fit::PurchaseFit;
use super::summary::{CustomerBase, PurchaseSummary};
use super::{check_horizon, check_positive};

/// The beta-geometric / negative binomial model of repeat purchases.
///
/// ```text
/// λ ~ Gamma(r, α): purchases while alive      p ~ Beta(a, b): dropping out after a purchase
/// L(x, t_x, T) = Γ(r+x) α^r / Γ(r) · B(a, b+x) / B(a, b)
///                · [ (α+T)^−(r+x) + 1(x>0) · a / (b+x−1) · (α+t_x)^−(r+x) ]
/// ```
///
/// - Times in any one unit; α is in that unit. A customer without a repeat purchase is alive for sure,
///   and that is a known oddity of the model: [`MbgNbd`](super::MbgNbd) has it not.
/// - Past purchases alone: a baseline that relationship values must beat.
///
/// # Source
///
/// Fader, Hardie and Lee (2005), *Marketing Science* 24(2). Parity: SciPy,
/// `tests/fixtures/bg_nbd.json`; lifetimes, `tests/fixtures/purchase_fits.json`; published parameters of
/// CDNOW. lifetimes reports the likelihood per customer and with time in units of the longest
/// age, and its covariances (not the standard errors) are scaled by one of the two parameters only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BgNbd {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
}

/// The model with the largest likelihood, and that.
pub type BgNbdFit = PurchaseFit<BgNbd, 4>;

impl BgNbd {
    /// The model with these parameters: shape and scale \[time\] of the rates of purchase, both shapes
    /// of the probabilities of dropping out.
    ///
    /// # Errors
    ///
    /// [`StatsError::OutOfRange`] when one of them is no positive finite number.
    pub fn new(r: f64, alpha: f64, a: f64, b: f64) -> Result<Self, StatsError> {
        check_positive([("r", r), ("alpha", alpha), ("a", a), ("b", b)])?;
        Ok(Self { r, alpha, a, b })
    }

    /// r, α, a, b.
    pub fn parameters(&self) -> [f64; 4] {
        [self.r, self.alpha, self.a, self.b]
    }

    fn core(&self) -> BetaGeometric {
        let Self { r, alpha, a, b } = *self;
        BetaGeometric { r, alpha, a, b, first: FirstPurchase::Kept }
    }

    /// Log-likelihood of one customer.
    ///
    /// # Errors
    ///
    /// [`StatsError::Impossible`] for a summary that no customer can have.
    pub fn log_likelihood(&self, customer: &PurchaseSummary) -> Result<f64, StatsError> {
        customer.check()?;
        Ok(self.core().log_likelihood(customer))
    }

    /// Probability that the customer is still one; 1 without a repeat purchase.
    ///
    /// ```text
    /// P(alive) = 1 / (1 + 1(x>0) · a/(b+x−1) · ((α+T)/(α+t_x))^(r+x))
    /// ```
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn alive(&self, customer: &PurchaseSummary) -> Result<f64, StatsError> {
        customer.check()?;
        Ok(self.core().alive(customer))
    }

    /// Expected number of purchases over the next `horizon`.
    ///
    /// ```text
    /// E[Y(t)] = (a+b+x−1)/(a−1) · [1 − ((α+T)/(α+T+t))^(r+x) ₂F₁(r+x, b+x; a+b+x−1; t/(α+T+t))]
    ///           · P(alive)
    /// ```
    ///
    /// - `horizon`: in the unit of the times, not negative. Computed as a sum over purchases without the
    ///   formula's gap at a = 1.
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood), and [`StatsError::OutOfRange`] for the horizon.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{BgNbd, PurchaseSummary};
    ///
    /// // Published example: two repeats, the last in week 30.43 of 38.86; the next 39 weeks.
    /// let model = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
    /// let customer = PurchaseSummary { repeats: 2.0, last: 30.43, age: 38.86 };
    /// assert!((model.expected(&customer, 39.0)? - 1.226).abs() < 5e-4);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn expected(&self, customer: &PurchaseSummary, horizon: f64) -> Result<f64, StatsError> {
        customer.check()?;
        check_horizon(horizon)?;
        Ok(self.core().expected(customer, horizon))
    }

    /// Expected number of repeat purchases of a new customer in the first `horizon`.
    ///
    /// # Errors
    ///
    /// [`StatsError::OutOfRange`] for the horizon.
    ///
    /// # Examples
    ///
    /// ```
    /// let model = rvq::stats::BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
    /// assert!((model.expected_of_new(39.0)? - 1.197).abs() < 5e-4);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn expected_of_new(&self, horizon: f64) -> Result<f64, StatsError> {
        self.expected(&PurchaseSummary::NEW, horizon)
    }

    /// The model with the largest likelihood of `customers`.
    ///
    /// - L-BFGS (argmin) with the analytic gradient over the logs of the parameters, in units of the mean
    ///   age, and Newton's method at the end; equal customers are counted once.
    ///
    /// # Errors
    ///
    /// [`StatsError::TooFew`] below ten customers, [`StatsError::Impossible`] for a summary that no customer
    /// can have (its position is given), [`StatsError::NoFit`] when nobody bought again or the likelihood
    /// has no top.
    pub fn fit(customers: &[PurchaseSummary]) -> Result<BgNbdFit, StatsError> {
        const NAME: &str = "BG/NBD";
        let base = CustomerBase::new(NAME, customers)?;
        let Found { model, log_likelihood, std_errors } =
            beta_geometric_fit::fit(NAME, FirstPurchase::Kept, &base)?;
        let BetaGeometric { r, alpha, a, b, .. } = model;
        let model = Self { r, alpha, a, b };
        Ok(PurchaseFit { model, log_likelihood, customers: base.customers, std_errors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_summaries_and_parameters_are_refused() {
        assert!(BgNbd::new(0.0, 1.0, 1.0, 1.0).is_err());
        let model = BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap();
        assert!(model.expected_of_new(f64::NAN).is_err() && model.expected_of_new(-1.0).is_err());
        let customer = PurchaseSummary { repeats: 1.0, last: 2.0, age: 3.0 };
        assert!(matches!(BgNbd::fit(&[customer; 3]), Err(StatsError::TooFew { .. })));
        let mut customers = vec![customer; 10];
        customers[4].last = 4.0;
        let error = BgNbd::fit(&customers).unwrap_err();
        assert!(matches!(error, StatsError::Impossible { index: 4, .. }), "{error}");
        customers[4].last = f64::NAN;
        assert!(matches!(BgNbd::fit(&customers), Err(StatsError::Impossible { index: 4, .. })));
        let never = PurchaseSummary { repeats: 0.0, last: 0.0, age: 3.0 };
        assert!(matches!(BgNbd::fit(&[never; 10]), Err(StatsError::NoFit { .. })));
    }

    #[test]
    fn customers_who_are_all_alike_have_no_fit() {
        let customer = PurchaseSummary { repeats: 4.0, last: 9.0, age: 10.0 };
        assert!(matches!(BgNbd::fit(&[customer; 50]), Err(StatsError::NoFit { .. })));
    }

    #[test]
    fn the_expectation_begins_at_nothing_and_grows() {
        let model = BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap();
        let customer = PurchaseSummary { repeats: 3.0, last: 10.0, age: 20.0 };
        let values =
            [0.0, 1.0, 10.0, 100.0, 1e4, 1e8].map(|t| model.expected(&customer, t).unwrap());
        assert!(values[0].abs() < 1e-12 && values.is_sorted(), "{values:?}");
        let at = |a: f64| BgNbd::new(0.243, 4.414, a, 2.426).unwrap().expected(&customer, 10.0);
        let (near, beside) = (at(1.0).unwrap(), at(1.0001).unwrap());
        assert!((near - beside).abs() < 1e-3);
    }
}
