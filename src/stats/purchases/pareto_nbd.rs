//! Repeat purchases without a contract, customers leaving at any time.

use statrs::function::gamma::ln_gamma;

use super::super::error::StatsError;
use super::fit::{LogLikelihood, Maximum, PurchaseFit, maximise};
use super::hypergeometric::hypergeometric_1;
use super::quadrature::integrate;
use super::summary::{CustomerBase, PurchaseSummary};
use super::{check_horizon, check_positive};

/// The Pareto / negative binomial model of repeat purchases.
///
/// ```text
/// λ ~ Gamma(r, α): purchases while alive      μ ~ Gamma(s, β): leaving
/// L(x, t_x, T) = Γ(r+x) α^r β^s / Γ(r) · [ (α+T)^−(r+x) (β+T)^−s
///                + s ∫ (α+y)^−(r+x) (β+y)^−(s+1) dy,  y from t_x to T ]
/// ```
///
/// - Times in any one unit; α and β are in that unit. s < 1: customers' expected lifetime is infinite,
///   every expectation over a finite horizon is not.
/// - The integral is a difference of two hypergeometric functions. Here each is brought by Euler's
///   transformation to ₂F₁(1, ·; ·; ·), all of whose terms are positive, and only ratios to the first
///   term of the bracket are formed: no overflow at many purchases, no loss of digits where `t_x` is near
///   T, and α = β, α < β and α > β agree.
///
/// # Source
///
/// Schmittlein, Morrison and Colombo (1987), *Management Science* 33(1), 1–24; Fader and Hardie (2005),
/// "A Note on Deriving the Pareto/NBD Model and Related Expressions" (likelihood). Parity: its
/// definition integrated by SciPy, `tests/fixtures/pareto_nbd.json`, tolerance 1e-10; fits,
/// `tests/fixtures/purchase_fits.json`; published parameters of CDNOW. lifetimes takes the log of a
/// difference of the untransformed functions, which is NaN or infinite for some customers where a shape
/// is in the hundreds, and its expectations have no value at s = 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParetoNbd {
    r: f64,
    alpha: f64,
    s: f64,
    beta: f64,
}

/// Arguments of ₂F₁ from which its fraction takes so long that an integral is quicker.
const NEAR_ONE: f64 = 0.9999;

impl ParetoNbd {
    /// The model with these parameters: shape and scale \[time\] of the rates of purchase, shape and
    /// scale \[time\] of the rates of leaving.
    ///
    /// # Errors
    ///
    /// `OutOfRange` when one of them is no positive finite number.
    pub fn new(r: f64, alpha: f64, s: f64, beta: f64) -> Result<Self, StatsError> {
        check_positive([("r", r), ("alpha", alpha), ("s", s), ("beta", beta)])?;
        Ok(Self { r, alpha, s, beta })
    }

    /// r, α, s, β.
    pub fn parameters(&self) -> [f64; 4] {
        [self.r, self.alpha, self.s, self.beta]
    }

    /// Log-likelihood of one customer.
    ///
    /// # Errors
    ///
    /// `Impossible` for a summary that no customer can have.
    pub fn log_likelihood(&self, customer: &PurchaseSummary) -> Result<f64, StatsError> {
        customer.check()?;
        Ok(self.ln_gammas(customer.repeats) + self.of_times(customer))
    }

    fn ln_gammas(&self, repeats: f64) -> f64 {
        ln_gamma(self.r + repeats) - ln_gamma(self.r)
    }

    fn of_times(&self, customer: &PurchaseSummary) -> f64 {
        let Self { r, alpha, s, beta } = *self;
        let PurchaseSummary { repeats: x, age, .. } = *customer;
        let alive = r * (alpha / (alpha + age)).ln() + s * (beta / (beta + age)).ln();
        alive - x * (alpha + age).ln() + self.ln_inverse_alive(customer)
    }

    /// Probability that the customer is still one.
    ///
    /// ```text
    /// P(alive) = (α+T)^−(r+x) (β+T)^−s over the bracket of the likelihood
    /// ```
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn alive(&self, customer: &PurchaseSummary) -> Result<f64, StatsError> {
        customer.check()?;
        Ok((-self.ln_inverse_alive(customer)).exp())
    }

    /// Log of 1 / P(alive).
    fn ln_inverse_alive(&self, customer: &PurchaseSummary) -> f64 {
        let Self { r, alpha, s, beta } = *self;
        let PurchaseSummary { repeats: x, last, age } = *customer;
        // With h(y) = (α+y)^−(r+x) (β+y)^−s, s times the integral from y to ∞ is h(y) q(y), so that
        // the bracket is h(T) (1 − q(T)) + h(t_x) q(t_x): two terms that are not negative.
        let ln_grown = (r + x) * ((alpha + age) / (alpha + last)).ln()
            + s * ((beta + age) / (beta + last)).ln();
        let stayed = (1.0 - self.share_of_leavers(x, age)).max(0.0);
        let left = self.share_of_leavers(x, last);
        if ln_grown > 300.0 {
            // Then the rest of the bracket is lost in rounding.
            ln_grown + left.ln()
        } else {
            (stayed + left * ln_grown.exp()).ln()
        }
    }

    /// q(y): s ∫ (α+z)^−(r+x) (β+z)^−(s+1) dz from y to ∞ over (α+y)^−(r+x) (β+y)^−s.
    ///
    /// ```text
    /// α ≥ β: s/(r+s+x) ₂F₁(1, r+x; r+s+x+1; (α−β)/(α+y))
    /// α < β: s/(r+s+x) (α+y)/(β+y) ₂F₁(1, s+1; r+s+x+1; (β−α)/(β+y))
    /// ```
    fn share_of_leavers(&self, x: f64, y: f64) -> f64 {
        let Self { r, alpha, s, beta } = *self;
        let whole = r + s + x;
        let (rates, leaving) = (alpha + y, beta + y);
        let z = (alpha - beta).abs() / rates.max(leaving);
        if z > NEAR_ONE {
            leavers_by_integral(r + x, s, leaving / rates)
        } else if alpha >= beta {
            s / whole * hypergeometric_1(r + x, whole + 1.0, z)
        } else {
            s / whole * rates / leaving * hypergeometric_1(s + 1.0, whole + 1.0, z)
        }
    }

    /// Expected number of purchases over the next `horizon`.
    ///
    /// ```text
    /// E[Y(t)] = (r+x)(β+T) / ((α+T)(s−1)) · [1 − ((β+T)/(β+T+t))^(s−1)] · P(alive)
    /// ```
    ///
    /// - `horizon`: in the unit of the times, not negative. At s = 1 the limit, a logarithm.
    ///
    /// # Errors
    ///
    /// As [`log_likelihood`](Self::log_likelihood), and `OutOfRange` for the horizon.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{ParetoNbd, PurchaseSummary};
    /// let model = ParetoNbd::new(0.5534, 10.5802, 0.6061, 11.6562)?;
    /// let twice = PurchaseSummary { repeats: 2.0, last: 30.43, age: 38.86 };
    /// assert!((model.alive(&twice)? - 0.8691).abs() < 5e-5);
    /// assert!((model.expected_of_new(52.0)? - 1.473).abs() < 5e-4);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn expected(&self, customer: &PurchaseSummary, horizon: f64) -> Result<f64, StatsError> {
        let alive = self.alive(customer)?;
        check_horizon(horizon)?;
        let Self { r, alpha, s, beta } = *self;
        let PurchaseSummary { repeats: x, age, .. } = *customer;
        let (log, more) = ((horizon / (beta + age)).ln_1p(), s - 1.0);
        let time = if more == 0.0 { log } else { -(-more * log).exp_m1() / more };
        Ok((r + x) * (beta + age) / (alpha + age) * time * alive)
    }

    /// Expected number of repeat purchases of a new customer in the first `horizon`.
    ///
    /// # Errors
    ///
    /// `OutOfRange` for the horizon.
    pub fn expected_of_new(&self, horizon: f64) -> Result<f64, StatsError> {
        self.expected(&PurchaseSummary::NEW, horizon)
    }

    /// The model with the largest likelihood of `customers`.
    ///
    /// - L-BFGS (argmin) over the logs of the parameters, in units of the mean age, and Newton's method at
    ///   the end. The likelihood is flat along s and β: fits that stop early differ from the top, and from
    ///   each other, in the third digit.
    ///
    /// # Errors
    ///
    /// `TooFew` below ten customers, `Impossible` for a summary that no customer can have (its position
    /// is given), `NoFit` when nobody bought again or the likelihood has no top.
    pub fn fit(customers: &[PurchaseSummary]) -> Result<PurchaseFit<Self, 4>, StatsError> {
        const NAME: &str = "Pareto/NBD";
        let base = CustomerBase::new(NAME, customers)?;
        let likelihood = Likelihood { base: &base };
        let Maximum { logs, std_errors } = maximise(NAME, &likelihood, [0.0; 4])?;
        let model = likelihood.model(&logs);
        let parameters = model.parameters();
        Ok(PurchaseFit {
            model,
            log_likelihood: likelihood.value(&logs),
            customers: base.customers,
            std_errors: std::array::from_fn(|i| parameters[i] * std_errors[i]),
        })
    }
}

/// q as an integral over the time v that a customer stays, in logs of β+y.
///
/// ```text
/// q = ∫ s e^(−sv) (1 + w (e^v − 1))^−(r+x) dv      w = (β+y)/(α+y)      v = exp(sinh u)
/// ```
fn leavers_by_integral(shape: f64, s: f64, ratio: f64) -> f64 {
    let integrand = |u: f64| {
        let v = u.sinh().exp();
        let kept = -s * v - shape * (ratio * v.exp_m1()).ln_1p();
        s * (kept + u.sinh()).exp() * u.cosh()
    };
    let shortest = (1.0 / s).min(1.0 / (ratio * shape)).min(1.0);
    integrate((shortest.ln() - 45.0).asinh(), (50.0 / s).ln().max(1.0).asinh(), integrand)
}

/// The log-likelihood of a customer base, times in units of the mean age.
struct Likelihood<'a> {
    base: &'a CustomerBase,
}

impl Likelihood<'_> {
    fn model(&self, logs: &[f64; 4]) -> ParetoNbd {
        let [r, alpha, s, beta] = logs.map(f64::exp);
        let unit = self.base.mean_age;
        ParetoNbd { r, alpha: alpha * unit, s, beta: beta * unit }
    }
}

impl LogLikelihood<4> for Likelihood<'_> {
    fn observations(&self) -> f64 {
        self.base.customers as f64
    }

    /// Customers with as many repeats share the gamma functions.
    fn value(&self, logs: &[f64; 4]) -> f64 {
        let model = self.model(logs);
        let runs = self
            .base
            .groups
            .chunk_by(|(left, _), (right, _)| left.repeats.to_bits() == right.repeats.to_bits());
        runs.map(|run| {
            let size: f64 = run.iter().map(|(_, n)| n).sum();
            let times: f64 = run.iter().map(|(customer, n)| n * model.of_times(customer)).sum();
            size * model.ln_gammas(run[0].0.repeats) + times
        })
        .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ways_to_the_leavers_agree_where_both_work() {
        for (alpha, beta) in [(10.0, 0.01), (0.01, 10.0), (5.0, 5.0), (3.0, 4.0)] {
            let model = ParetoNbd::new(0.6, alpha, 0.7, beta).unwrap();
            for (x, y) in [(0.0, 0.0), (3.0, 1.0), (40.0, 7.0)] {
                let found = model.share_of_leavers(x, y);
                let known = leavers_by_integral(0.6 + x, 0.7, (beta + y) / (alpha + y));
                assert!((found / known - 1.0).abs() < 1e-12, "{alpha} {beta} {x}: {found} {known}");
            }
        }
    }

    #[test]
    fn nothing_jumps_where_the_scales_or_s_pass_each_other() {
        let customer = PurchaseSummary { repeats: 3.0, last: 10.0, age: 30.0 };
        let of = |alpha: f64, s: f64| {
            let model = ParetoNbd::new(0.6, alpha, s, 10.0).unwrap();
            [model.log_likelihood(&customer), model.expected(&customer, 20.0)].map(Result::unwrap)
        };
        for (left, right) in [
            (of(10.0 - 1e-9, 0.6), of(10.0, 0.6)),
            (of(10.0, 0.6), of(10.0 + 1e-9, 0.6)),
            (of(8.0, 1.0 - 1e-9), of(8.0, 1.0)),
            (of(8.0, 1.0), of(8.0, 1.0 + 1e-9)),
        ] {
            assert!((left[0] - right[0]).abs() < 1e-8 && (left[1] - right[1]).abs() < 1e-8);
        }
    }

    #[test]
    fn thousands_of_purchases_and_extreme_scales_stay_finite() {
        for (alpha, beta) in [(1e-6, 1e6), (1e6, 1e-6), (10.0, 10.0)] {
            let model = ParetoNbd::new(0.6, alpha, 0.7, beta).unwrap();
            for (repeats, last) in [(0.0, 0.0), (1.0, 1e-9), (5_000.0, 600.0), (5_000.0, 10.0)] {
                let customer = PurchaseSummary { repeats, last, age: 1_000.0 };
                assert!(model.log_likelihood(&customer).unwrap().is_finite());
                let alive = model.alive(&customer).unwrap();
                assert!((0.0..=1.0).contains(&alive), "{alpha} {repeats}: {alive}");
            }
        }
    }

    #[test]
    fn one_who_has_just_bought_is_alive() {
        let model = ParetoNbd::new(0.5534, 10.5802, 0.6061, 11.6562).unwrap();
        let now = PurchaseSummary { repeats: 3.0, last: 20.0, age: 20.0 };
        assert!((model.alive(&now).unwrap() - 1.0).abs() < 1e-14);
        assert!((model.alive(&PurchaseSummary::NEW).unwrap() - 1.0).abs() < 1e-14);
    }

    #[test]
    fn bad_input_is_an_error() {
        assert!(ParetoNbd::new(1.0, 1.0, 0.0, 1.0).is_err());
        let never = PurchaseSummary { repeats: 0.0, last: 0.0, age: 3.0 };
        assert!(matches!(ParetoNbd::fit(&[never; 10]), Err(StatsError::NoFit { .. })));
        assert!(matches!(ParetoNbd::fit(&[never; 2]), Err(StatsError::TooFew { .. })));
        let model = ParetoNbd::new(1.0, 1.0, 1.0, 1.0).unwrap();
        assert!(model.expected(&never, f64::INFINITY).is_err());
        assert!(model.alive(&PurchaseSummary { repeats: 1.0, ..never }).is_err());
    }
}
