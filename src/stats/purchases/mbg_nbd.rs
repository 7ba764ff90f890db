//! Repeat purchases without a contract, customers lost at the first purchase included.

use super::super::error::StatsError;
use super::beta_geometric::{BetaGeometric, FirstPurchase};
use super::beta_geometric_fit::{self, Found};
use super::fit::PurchaseFit;
use super::summary::{CustomerBase, PurchaseSummary};
use super::{check_horizon, check_positive};

/// The modified beta-geometric / negative binomial model of repeat purchases.
///
/// ```text
/// λ ~ Gamma(r, α): purchases while alive      p ~ Beta(a, b): dropping out after any purchase
/// L(x, t_x, T) = Γ(r+x) α^r / Γ(r) · B(a, b+x+1) / B(a, b)
///                · [ (α+T)^−(r+x) + a / (b+x) · (α+t_x)^−(r+x) ]
/// ```
///
/// Unlike [`BgNbd`](super::BgNbd) a customer may leave right after the first purchase, so that those
/// without a repeat are not alive for sure. Times in any one unit; α is in that unit.
///
/// # Source
///
/// Batislam, Denizel and Filiztekin (2007), *Int. J. Research in Marketing* 24(3); Wagner and Hoppe
/// (2008), *ibid.* 25(3). Parity: its definition integrated by SciPy, `tests/fixtures/mbg_nbd.json`,
/// tolerance 1e-10; lifetimes, `tests/fixtures/purchase_fits.json`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MbgNbd {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
}

impl MbgNbd {
    /// The model with these parameters: shape and scale \[time\] of the rates of purchase, both shapes
    /// of the probabilities of dropping out.
    ///
    /// # Errors
    ///
    /// `OutOfRange` when one of them is no positive finite number.
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
        BetaGeometric { r, alpha, a, b, first: FirstPurchase::MayLose }
    }

    /// Log-likelihood of one customer.
    ///
    /// # Errors
    ///
    /// `Impossible` for a summary that no customer can have.
    pub fn log_likelihood(&self, customer: &PurchaseSummary) -> Result<f64, StatsError> {
        customer.check()?;
        Ok(self.core().log_likelihood(customer))
    }

    /// Probability that the customer is still one.
    ///
    /// ```text
    /// P(alive) = 1 / (1 + a/(b+x) · ((α+T)/(α+t_x))^(r+x))
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
    /// E[Y(t)] = (a+b+x)/(a−1) · [1 − ((α+T)/(α+T+t))^(r+x) ₂F₁(r+x, b+x+1; a+b+x; t/(α+T+t))]
    ///           · P(alive)
    /// ```
    ///
    /// - `horizon`: in the unit of the times, not negative. Computed as a sum over purchases without the
    ///   formula's gap at a = 1.
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood), and `OutOfRange` for the horizon.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{MbgNbd, PurchaseSummary};
    /// let model = MbgNbd::new(0.525, 6.183, 0.891, 1.614)?;
    /// let once = PurchaseSummary { repeats: 0.0, last: 0.0, age: 38.86 };
    /// assert!((model.alive(&once)? - 0.3897).abs() < 5e-5);
    /// assert!((model.expected(&once, 39.0)? - 0.1540).abs() < 5e-5);
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
    /// `OutOfRange` for the horizon.
    pub fn expected_of_new(&self, horizon: f64) -> Result<f64, StatsError> {
        self.expected(&PurchaseSummary::NEW, horizon)
    }

    /// The model with the largest likelihood of `customers`; method as [`BgNbd::fit`](super::BgNbd::fit).
    ///
    /// # Errors
    ///
    /// `TooFew` below ten customers, `Impossible` for a summary that no customer can have (its position
    /// is given), `NoFit` when nobody bought again or the likelihood has no top.
    pub fn fit(customers: &[PurchaseSummary]) -> Result<PurchaseFit<Self, 4>, StatsError> {
        const NAME: &str = "MBG/NBD";
        let base = CustomerBase::new(NAME, customers)?;
        let Found { model, log_likelihood, std_errors } =
            beta_geometric_fit::fit(NAME, FirstPurchase::MayLose, &base)?;
        let BetaGeometric { r, alpha, a, b, .. } = model;
        let model = Self { r, alpha, a, b };
        Ok(PurchaseFit { model, log_likelihood, customers: base.customers, std_errors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_summaries_parameters_and_horizons_are_refused() {
        assert!(MbgNbd::new(1.0, f64::NAN, 1.0, 1.0).is_err());
        let model = MbgNbd::new(0.5, 6.0, 0.9, 1.6).unwrap();
        let late = PurchaseSummary { repeats: 1.0, last: 4.0, age: 3.0 };
        assert!(matches!(model.alive(&late), Err(StatsError::Impossible { index: 0, .. })));
        assert!(model.expected(&late, 1.0).is_err() && model.log_likelihood(&late).is_err());
        assert!(model.expected_of_new(-1.0).is_err() && model.expected_of_new(f64::NAN).is_err());
        let never = PurchaseSummary { repeats: 0.0, last: 0.0, age: 3.0 };
        assert!(matches!(MbgNbd::fit(&[never; 10]), Err(StatsError::NoFit { .. })));
    }

    #[test]
    fn a_year_is_the_same_in_days_and_in_weeks() {
        let weeks = MbgNbd::new(0.5, 6.0, 0.9, 1.6).unwrap();
        let days = MbgNbd::new(0.5, 42.0, 0.9, 1.6).unwrap();
        let in_weeks = PurchaseSummary { repeats: 2.0, last: 20.0, age: 38.0 };
        let in_days = PurchaseSummary { repeats: 2.0, last: 140.0, age: 266.0 };
        let (left, right) = (weeks.alive(&in_weeks).unwrap(), days.alive(&in_days).unwrap());
        assert!((left - right).abs() < 1e-14);
        let left = weeks.expected(&in_weeks, 52.0).unwrap();
        assert!((left - days.expected(&in_days, 364.0).unwrap()).abs() < 1e-13);
    }

    #[test]
    fn huge_counts_stay_finite() {
        let model = MbgNbd::new(0.5, 6.0, 0.9, 1.6).unwrap();
        let busy = PurchaseSummary { repeats: 1e5, last: 1e3, age: 1.1e3 };
        assert!(model.log_likelihood(&busy).unwrap().is_finite());
        assert!(model.alive(&busy).unwrap().abs() < 1e-300);
        let here = PurchaseSummary { age: 1e3, ..busy };
        // About a hundred purchases a week and one chance in 1e5 to go after each.
        let expected = model.expected(&here, 10.0).unwrap();
        assert!((950.0..1_000.0).contains(&expected), "{expected}");
    }
}
