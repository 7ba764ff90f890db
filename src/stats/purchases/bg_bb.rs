//! Purchases at given occasions without a contract: the beta-geometric / beta-Bernoulli model.

use super::super::error::StatsError;
use super::fit::{LogLikelihood, Maximum, PurchaseFit, maximise};
use super::hypergeometric::hypergeometric_1;
use super::{check_positive, ln_beta};

/// Occasions of one customer until now (conferences, yearly appeals, seasons): bought or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OccasionSummary {
    /// x: occasions at which the customer bought.
    pub purchases: u32,
    /// `t_x`: the last of them, counted from 1; 0 without any.
    pub last: u32,
    /// n: occasions so far, all of them after the customer was won.
    pub occasions: u32,
}

impl OccasionSummary {
    fn fault(&self) -> Option<&'static str> {
        let Self { purchases, last, occasions } = *self;
        if last > occasions {
            Some("the last purchase is after the last occasion")
        } else if purchases > last {
            Some("there are more purchases than occasions up to the last of them")
        } else if (purchases == 0) != (last == 0) {
            Some("there is a last purchase without a purchase")
        } else {
            None
        }
    }

    fn check(&self) -> Result<(), StatsError> {
        match self.fault() {
            Some(reason) => Err(StatsError::Impossible { index: 0, reason }),
            None => Ok(()),
        }
    }
}

/// The beta-geometric / beta-Bernoulli model of purchases at discrete occasions.
///
/// ```text
/// p ~ Beta(α, β): buying at an occasion while alive      θ ~ Beta(γ, δ): leaving before an occasion
/// L(x, t_x, n) = B(α+x, β+n−x)/B(α, β) · B(γ, δ+n)/B(γ, δ)
///                + Σ_{i<n−t_x} B(α+x, β+t_x−x+i)/B(α, β) · B(γ+1, δ+t_x+i)/B(γ, δ)
/// ```
///
/// # Source
///
/// Fader, Hardie and Shang (2010), *Marketing Science* 29(6), 1086–1108. Parity: its definition
/// integrated by SciPy, `tests/fixtures/bg_bb.json`, tolerance 1e-10; lifetimes' likelihood,
/// `tests/fixtures/purchase_fits.json`, which adds 1e-15 to the sum: its log-likelihood of 20 purchases at 60
/// occasions is .9 too large, that of 30 it is 10 too large.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BgBb {
    alpha: f64,
    beta: f64,
    gamma: f64,
    delta: f64,
}

impl BgBb {
    /// The model with these parameters: both shapes of the probabilities of buying, both of leaving.
    ///
    /// # Errors
    ///
    /// `OutOfRange` when one of them is no positive finite number.
    pub fn new(alpha: f64, beta: f64, gamma: f64, delta: f64) -> Result<Self, StatsError> {
        check_positive([("alpha", alpha), ("beta", beta), ("gamma", gamma), ("delta", delta)])?;
        Ok(Self { alpha, beta, gamma, delta })
    }

    /// α, β, γ, δ.
    pub fn parameters(&self) -> [f64; 4] {
        [self.alpha, self.beta, self.gamma, self.delta]
    }

    /// Log-likelihood of one customer; O(n − `t_x`).
    ///
    /// # Errors
    ///
    /// `Impossible` for a summary that no customer can have.
    pub fn log_likelihood(&self, customer: &OccasionSummary) -> Result<f64, StatsError> {
        customer.check()?;
        Ok(self.of(customer))
    }

    fn of(&self, customer: &OccasionSummary) -> f64 {
        self.ln_alive(customer) + self.dropped_odds(customer).ln_1p()
    }

    /// Log-likelihood of the purchases and of being alive at the last occasion.
    fn ln_alive(&self, customer: &OccasionSummary) -> f64 {
        let Self { alpha, beta, gamma, delta } = *self;
        let [x, n] = [customer.purchases, customer.occasions].map(f64::from);
        ln_beta(alpha + x, beta + n - x) - ln_beta(alpha, beta) + ln_beta(gamma, delta + n)
            - ln_beta(gamma, delta)
    }

    /// Odds of having left before the last occasion.
    ///
    /// The terms of the sum are taken relative to being alive, from the last occasion backwards:
    /// one that left before occasion m and one that left before m + 1 differ by a ratio of shapes.
    fn dropped_odds(&self, customer: &OccasionSummary) -> f64 {
        let Self { alpha, beta, gamma, delta } = *self;
        let [x, n] = [customer.purchases, customer.occasions].map(f64::from);
        let quiet = customer.occasions - customer.last;
        // Seen m = n − 1: B(α+x, β+m−x) / B(α+x, β+n−x) and B(γ+1, δ+m) / B(γ, δ+n).
        let mut bought = 1.0;
        let mut left = gamma / (delta + n - 1.0);
        let mut sum = 0.0;
        for back in 1..=quiet {
            let m = n - f64::from(back);
            bought *= (alpha + beta + m) / (beta + m - x);
            sum += bought * left;
            left *= (gamma + delta + m) / (delta + m - 1.0);
        }
        sum
    }

    /// Probability that the customer is still one at the occasion `ahead` of the last one.
    ///
    /// ```text
    /// P(alive at n+m) = B(α+x, β+n−x)/B(α, β) · B(γ, δ+n+m)/B(γ, δ) / L(x, t_x, n)
    /// ```
    ///
    /// - `ahead`: m; 0 for the last occasion itself, 1 for the next.
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn alive(&self, customer: &OccasionSummary, ahead: u32) -> Result<f64, StatsError> {
        customer.check()?;
        let Self { gamma, delta, .. } = *self;
        let n = f64::from(customer.occasions);
        let kept = (ln_beta(gamma, delta + n + f64::from(ahead)) - ln_beta(gamma, delta + n)).exp();
        Ok(kept / (1.0 + self.dropped_odds(customer)))
    }

    /// Expected number of purchases at the next `occasions`; O(`occasions`).
    ///
    /// ```text
    /// E[X(n, n+m)] = (α+x)/(α+β+n) · Σ_{j=1..m} P(alive at n+j)
    /// ```
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood).
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{BgBb, OccasionSummary};
    /// // Donors of six years: one who gave every year, over the next five.
    /// let model = BgBb::new(1.204, 0.750, 0.657, 2.783)?;
    /// let always = OccasionSummary { purchases: 6, last: 6, occasions: 6 };
    /// assert!((model.expected(&always, 5)? - 3.75).abs() < 5e-3);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn expected(&self, customer: &OccasionSummary, occasions: u32) -> Result<f64, StatsError> {
        customer.check()?;
        let Self { alpha, beta, gamma, delta } = *self;
        let [x, n] = [customer.purchases, customer.occasions].map(f64::from);
        let (mut there, mut sum) = (1.0, 0.0);
        for ahead in 0..occasions {
            let past = delta + n + f64::from(ahead);
            there *= past / (gamma + past);
            sum += there;
        }
        Ok((alpha + x) / (alpha + beta + n) * sum / (1.0 + self.dropped_odds(customer)))
    }

    /// Expected number of purchases of a new customer at the first `occasions`.
    pub fn expected_of_new(&self, occasions: u32) -> f64 {
        let new = OccasionSummary { purchases: 0, last: 0, occasions: 0 };
        self.expected(&new, occasions).expect("a new customer is possible")
    }

    /// Expected number of purchases ever after, those at the next occasion counted whole and later
    /// ones discounted (DERT).
    ///
    /// ```text
    /// Σ_{j≥1} E[purchase at n+j] / (1+d)^(j−1)
    ///     = (α+x)/(α+β+n) · P(alive at n+1) · ₂F₁(1, δ+n+1; γ+δ+n+1; 1/(1+d))
    /// ```
    ///
    /// - `rate`: d, discount per occasion, above 0.
    /// - As published the sum divides by (1+d)^j; multiply by 1/(1+d) for that.
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood), and `OutOfRange` for the rate.
    pub fn discounted(&self, customer: &OccasionSummary, rate: f64) -> Result<f64, StatsError> {
        check_positive([("rate", rate)])?;
        let Self { alpha, beta, gamma, delta } = *self;
        let [x, n] = [customer.purchases, customer.occasions].map(f64::from);
        let next = delta + n + 1.0;
        let sum = hypergeometric_1(next, gamma + next, (1.0 + rate).recip());
        Ok((alpha + x) / (alpha + beta + n) * self.alive(customer, 1)? * sum)
    }

    /// The model with the largest likelihood of `customers`.
    ///
    /// - L-BFGS (argmin) over the logs of the parameters and Newton's method at the end; equal customers
    ///   are counted once.
    ///
    /// # Errors
    ///
    /// `TooFew` below ten customers, `Impossible` for a summary that no customer can have (its position
    /// is given), `NoFit` when nobody bought or the likelihood has no top.
    pub fn fit(customers: &[OccasionSummary]) -> Result<PurchaseFit<Self, 4>, StatsError> {
        let statistic = "BG/BB";
        if customers.len() < 10 {
            return Err(StatsError::TooFew { statistic, needed: 10, got: customers.len() });
        }
        let faulty = customers.iter().enumerate().find_map(|(i, c)| Some((i, c.fault()?)));
        if let Some((index, reason)) = faulty {
            return Err(StatsError::Impossible { index, reason });
        }
        if customers.iter().all(|customer| customer.purchases == 0) {
            return Err(StatsError::NoFit { statistic, reason: "nobody bought" });
        }
        let mut sorted = customers.to_vec();
        sorted.sort_unstable();
        let groups = sorted.chunk_by(|a, b| a == b).map(|group| (group[0], group.len() as f64));
        let likelihood = Likelihood { groups: groups.collect(), customers: customers.len() };
        let Maximum { logs, std_errors } = maximise(statistic, &likelihood, [0.0; 4])?;
        let model = Likelihood::model(&logs);
        let parameters = model.parameters();
        Ok(PurchaseFit {
            model,
            log_likelihood: likelihood.value(&logs),
            customers: customers.len(),
            std_errors: std::array::from_fn(|i| parameters[i] * std_errors[i]),
        })
    }
}

/// The log-likelihood of customers, equal ones counted once.
struct Likelihood {
    groups: Vec<(OccasionSummary, f64)>,
    customers: usize,
}

impl Likelihood {
    fn model(logs: &[f64; 4]) -> BgBb {
        let [alpha, beta, gamma, delta] = logs.map(f64::exp);
        BgBb { alpha, beta, gamma, delta }
    }
}

impl LogLikelihood<4> for Likelihood {
    fn observations(&self) -> f64 {
        self.customers as f64
    }

    fn value(&self, logs: &[f64; 4]) -> f64 {
        let model = Self::model(logs);
        self.groups.iter().map(|(customer, n)| n * model.of(customer)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONORS: BgBb = BgBb { alpha: 1.2035, beta: 0.7497, gamma: 0.6567, delta: 2.7834 };

    fn customer(purchases: u32, last: u32, occasions: u32) -> OccasionSummary {
        OccasionSummary { purchases, last, occasions }
    }

    #[test]
    fn all_histories_together_are_certain() {
        // Among n occasions with the last purchase at t, the x − 1 before can fall anywhere.
        let choose =
            |n: u32, k: u32| (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
        let n = 7;
        let of = |x, t| DONORS.log_likelihood(&customer(x, t, n)).unwrap().exp();
        let some: f64 = (1..=n)
            .flat_map(|t| (1..=t).map(move |x| (x, t)))
            .map(|(x, t)| choose(t - 1, x - 1) * of(x, t))
            .sum();
        assert!((some + of(0, 0) - 1.0).abs() < 1e-13);
    }

    #[test]
    fn the_discounted_sum_is_that_of_its_terms() {
        let donor = customer(3, 5, 6);
        let buys = (DONORS.alpha + 3.0) / (DONORS.alpha + DONORS.beta + 6.0);
        let terms =
            (1..=400).map(|j| DONORS.alive(&donor, j).unwrap() / 1.1_f64.powi(j as i32 - 1));
        let direct = buys * terms.sum::<f64>();
        assert!((DONORS.discounted(&donor, 0.1).unwrap() / direct - 1.0).abs() < 1e-12);
        assert!(DONORS.discounted(&donor, 0.0).is_err());
    }

    #[test]
    fn a_long_history_keeps_its_likelihood() {
        let rare = customer(200, 400, 1_000);
        let found = DONORS.log_likelihood(&rare).unwrap();
        assert!(found.is_finite() && found < -200.0);
        assert!(DONORS.alive(&rare, 0).unwrap() < 1e-20);
        assert!((DONORS.alive(&customer(9, 9, 9), 0).unwrap() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn bad_input_is_an_error() {
        for impossible in
            [customer(2, 1, 3), customer(0, 1, 3), customer(1, 0, 3), customer(1, 4, 3)]
        {
            let error = DONORS.alive(&impossible, 1).unwrap_err();
            assert!(matches!(error, StatsError::Impossible { .. }), "{error}");
            assert!(BgBb::fit(&[impossible; 10]).is_err());
        }
        assert!(matches!(BgBb::fit(&[customer(0, 0, 3); 10]), Err(StatsError::NoFit { .. })));
        assert!(matches!(BgBb::fit(&[customer(3, 3, 3); 10]), Err(StatsError::NoFit { .. })));
        assert!(matches!(BgBb::fit(&[customer(3, 3, 3); 9]), Err(StatsError::TooFew { .. })));
        assert!(BgBb::new(1.0, 1.0, 1.0, f64::INFINITY).is_err());
    }
}
