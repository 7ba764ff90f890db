//! Repeat purchases without a contract: the beta-geometric / negative binomial model.

use std::convert::Infallible;

use argmin::core::{CostFunction, Error as ArgminError, Executor, State as _};
use argmin::solver::neldermead::NelderMead;
use statrs::function::gamma::ln_gamma;

use super::StatsError;

/// Purchases of one customer until now: what the model needs of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PurchaseSummary {
    /// x: purchases after the first.
    pub repeats: f64,
    /// `t_x`: time from the first purchase to the last; 0 without a repeat.
    pub last: f64,
    /// T: time from the first purchase until now.
    pub age: f64,
}

impl PurchaseSummary {
    fn is_valid(&self) -> bool {
        let Self { repeats, last, age } = *self;
        repeats >= 0.0
            && last >= 0.0
            && last <= age
            && age.is_finite()
            && repeats.is_finite()
            && (repeats > 0.0) == (last > 0.0)
    }
}

/// The beta-geometric / negative binomial model of repeat purchases.
///
/// ```text
/// λ ~ Gamma(r, α): purchases while alive      p ~ Beta(a, b): dropping out after a purchase
/// L(x, t_x, T) = Γ(r+x) α^r / Γ(r) · B(a, b+x) / B(a, b)
///                · [ (α+T)^−(r+x) + 1(x>0) · a / (b+x−1) · (α+t_x)^−(r+x) ]
/// ```
///
/// - Times in any one unit; α is in that unit. A customer without a repeat purchase is alive for sure,
///   and that is a known oddity of the model.
/// - Past purchases alone: a baseline that relationship values must beat.
///
/// # Source
///
/// Fader, Hardie and Lee (2005), *Marketing Science* 24(2). Parity: SciPy,
/// `tests/fixtures/bg_nbd.json`; published parameters of CDNOW.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BgNbd {
    /// Shape of the rates of purchase.
    pub r: f64,
    /// Scale of the rates of purchase \[time\].
    pub alpha: f64,
    /// First shape of the probabilities of dropping out.
    pub a: f64,
    /// Second shape of the probabilities of dropping out.
    pub b: f64,
}

/// The model with the largest likelihood, and that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BgNbdFit {
    /// The model.
    pub model: BgNbd,
    /// Its log-likelihood.
    pub log_likelihood: f64,
    /// Customers.
    pub customers: usize,
}

const NAME: &str = "BG/NBD";

/// Steps after which the search is given up.
const MOST_STEPS: u64 = 4_000;

impl BgNbd {
    /// The model with these parameters.
    ///
    /// # Errors
    ///
    /// [`StatsError::OutOfRange`] when one of them is no positive finite number.
    pub fn new(r: f64, alpha: f64, a: f64, b: f64) -> Result<Self, StatsError> {
        for (argument, value) in [("r", r), ("alpha", alpha), ("a", a), ("b", b)] {
            if !(value.is_finite() && value > 0.0) {
                let expected = "a finite number above 0";
                return Err(StatsError::OutOfRange { argument, value, expected });
            }
        }
        Ok(Self { r, alpha, a, b })
    }

    /// Log-likelihood of one customer.
    pub fn log_likelihood(&self, customer: &PurchaseSummary) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let PurchaseSummary { repeats: x, last, age } = *customer;
        let alive = -(r + x) * (alpha + age).ln();
        let paths = if x > 0.0 {
            let dropped = a.ln() - (b + x - 1.0).ln() - (r + x) * (alpha + last).ln();
            let most = alive.max(dropped);
            most + ((alive - most).exp() + (dropped - most).exp()).ln()
        } else {
            alive
        };
        ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln() + ln_beta(a, b + x) - ln_beta(a, b) + paths
    }

    /// Probability that the customer is still one.
    pub fn alive(&self, customer: &PurchaseSummary) -> f64 {
        (1.0 + self.dropped_odds(customer)).recip()
    }

    /// Odds of having dropped out at the last purchase.
    fn dropped_odds(&self, customer: &PurchaseSummary) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let PurchaseSummary { repeats: x, last, age } = *customer;
        if x > 0.0 {
            a / (b + x - 1.0) * ((r + x) * ((alpha + age) / (alpha + last)).ln()).exp()
        } else {
            0.0
        }
    }

    /// Expected number of purchases over the next `horizon`.
    ///
    /// ```text
    /// E[Y(t)] = (a+b+x−1)/(a−1) · [1 − ((α+T)/(α+T+t))^(r+x) ₂F₁(r+x, b+x; a+b+x−1; t/(α+T+t))]
    ///           · P(alive)
    /// ```
    ///
    /// - `horizon`: in the unit of the times, not negative. At a = 1, where the formula has no value, that
    ///   of a neighbouring a is given.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{BgNbd, PurchaseSummary};
    ///
    /// // Published example: two repeats, the last in week 30.43 of 38.86; the next 39 weeks.
    /// let model = BgNbd::new(0.243, 4.414, 0.793, 2.426)?;
    /// let customer = PurchaseSummary { repeats: 2.0, last: 30.43, age: 38.86 };
    /// assert!((model.expected(&customer, 39.0) - 1.226).abs() < 5e-4);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn expected(&self, customer: &PurchaseSummary, horizon: f64) -> f64 {
        let Self { r, alpha, b, .. } = *self;
        let a = if (self.a - 1.0).abs() < 1e-6 { 1.0 + 1e-6 } else { self.a };
        let PurchaseSummary { repeats: x, age, .. } = *customer;
        let whole = alpha + age + horizon;
        let kept = ((r + x) * ((alpha + age) / whole).ln()).exp();
        let series = hypergeometric(r + x, b + x, a + b + x - 1.0, horizon / whole);
        (a + b + x - 1.0) / (a - 1.0) * (1.0 - kept * series) * self.alive(customer)
    }

    /// The model with the largest likelihood of `customers`.
    ///
    /// - Nelder-Mead (argmin) over the logs of the parameters, in units of the mean age, started anew from
    ///   what it found until the likelihood no longer grows.
    ///
    /// # Errors
    ///
    /// [`StatsError::TooFew`] below ten customers, [`StatsError::NotFinite`] where a summary is impossible
    /// (its position is given), [`StatsError::Constant`] when nobody or everybody bought again at once so
    /// that the likelihood has no top.
    pub fn fit(customers: &[PurchaseSummary]) -> Result<BgNbdFit, StatsError> {
        if customers.len() < 10 {
            let got = customers.len();
            return Err(StatsError::TooFew { statistic: NAME, needed: 10, got });
        }
        if let Some(index) = customers.iter().position(|customer| !customer.is_valid()) {
            return Err(StatsError::NotFinite { index, value: customers[index].last });
        }
        let unit = customers.iter().map(|c| c.age).sum::<f64>() / customers.len() as f64;
        if unit <= 0.0 || customers.iter().all(|customer| customer.repeats == 0.0) {
            return Err(StatsError::Constant { statistic: NAME });
        }
        let problem = Likelihood::new(customers, unit);
        let mut best = (vec![0.0_f64, 0.0, 0.0, 0.5], f64::INFINITY);
        for _ in 0..20 {
            let (found, cost) = problem.search(&best.0);
            let gained = best.1 - cost;
            if cost < best.1 {
                best = (found, cost);
            }
            if gained.is_finite() && gained <= 1e-9 * cost.abs() {
                break;
            }
        }
        let edge = best.0.iter().any(|log| log.abs() > EDGE);
        if edge || !best.1.is_finite() {
            return Err(StatsError::Constant { statistic: NAME });
        }
        let model = problem.model(&best.0);
        let log_likelihood = customers.iter().map(|c| model.log_likelihood(c)).sum();
        Ok(BgNbdFit { model, log_likelihood, customers: customers.len() })
    }
}

/// Logs of parameters beyond which the likelihood is taken to have no top.
const EDGE: f64 = 15.0;

/// Minus the log-likelihood; equal customers are counted once.
struct Likelihood {
    customers: Vec<(PurchaseSummary, f64)>,
    unit: f64,
}

impl Likelihood {
    fn new(customers: &[PurchaseSummary], unit: f64) -> Self {
        let mut sorted: Vec<PurchaseSummary> = customers.to_vec();
        let key = |c: &PurchaseSummary| [c.repeats, c.last, c.age].map(f64::to_bits);
        sorted.sort_by_key(key);
        let groups = sorted.chunk_by(|a, b| key(a) == key(b));
        Self { customers: groups.map(|group| (group[0], group.len() as f64)).collect(), unit }
    }

    fn model(&self, logs: &[f64]) -> BgNbd {
        let [r, alpha, a, b] = [0, 1, 2, 3].map(|at| logs[at].clamp(-2.0 * EDGE, 2.0 * EDGE).exp());
        BgNbd { r, alpha: alpha * self.unit, a, b }
    }

    fn value(&self, logs: &[f64]) -> f64 {
        let model = self.model(logs);
        let sum: f64 = self.customers.iter().map(|(c, n)| n * model.log_likelihood(c)).sum();
        // A simplex that leaves the plane is sent back.
        let outside: f64 = logs.iter().map(|log| (log.abs() - EDGE).max(0.0)).sum();
        if sum.is_finite() { outside - sum } else { f64::MAX }
    }

    fn search(&self, from: &[f64]) -> (Vec<f64>, f64) {
        let corner = |moved: Option<usize>| -> Vec<f64> {
            let mut corner = from.to_vec();
            if let Some(at) = moved {
                corner[at] += 0.5;
            }
            corner
        };
        let simplex = std::iter::once(None).chain((0..from.len()).map(Some)).map(corner).collect();
        let solver = NelderMead::new(simplex).with_sd_tolerance(1e-10);
        let Ok(solver) = solver else { return (from.to_vec(), f64::INFINITY) };
        let run = Executor::new(self, solver).configure(|state| state.max_iters(MOST_STEPS)).run();
        match run {
            Ok(result) => {
                let found = result.state().get_best_param().cloned();
                (found.unwrap_or_else(|| from.to_vec()), result.state().get_best_cost())
            }
            Err(_) => (from.to_vec(), f64::INFINITY),
        }
    }
}

impl CostFunction for &Likelihood {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, logs: &Vec<f64>) -> Result<f64, ArgminError> {
        Ok::<f64, Infallible>(self.value(logs)).map_err(ArgminError::from)
    }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Gauss' hypergeometric series for `0 <= z < 1` and positive arguments; after Euler's transformation
/// where that converges faster.
fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    if z > 0.5 && c - a - b < 0.0 {
        return (1.0 - z).powf(c - a - b) * series(c - a, c - b, c, z);
    }
    series(a, b, c, z)
}

/// Terms after which the series is cut.
const MOST_TERMS: u32 = 100_000;

fn series(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let (mut term, mut sum) = (1.0_f64, 1.0_f64);
    for count in 0..MOST_TERMS {
        let past = f64::from(count);
        term *= (a + past) * (b + past) / ((c + past) * (past + 1.0)) * z;
        sum += term;
        if term.abs() <= 1e-16 * sum.abs() {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_summaries_and_parameters_are_refused() {
        assert!(BgNbd::new(0.0, 1.0, 1.0, 1.0).is_err());
        let customer = PurchaseSummary { repeats: 1.0, last: 2.0, age: 3.0 };
        assert!(matches!(BgNbd::fit(&[customer; 3]), Err(StatsError::TooFew { .. })));
        let mut customers = vec![customer; 10];
        customers[4].last = 4.0;
        let error = BgNbd::fit(&customers).unwrap_err();
        assert!(matches!(error, StatsError::NotFinite { index: 4, .. }), "{error}");
        let never = PurchaseSummary { repeats: 0.0, last: 0.0, age: 3.0 };
        assert!(matches!(BgNbd::fit(&[never; 10]), Err(StatsError::Constant { .. })));
    }

    #[test]
    fn the_expectation_begins_at_nothing_and_grows() {
        let model = BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap();
        let customer = PurchaseSummary { repeats: 3.0, last: 10.0, age: 20.0 };
        let values: Vec<f64> =
            [0.0, 1.0, 10.0, 100.0, 1e4].map(|t| model.expected(&customer, t)).to_vec();
        assert!(values[0].abs() < 1e-12 && values.is_sorted(), "{values:?}");
        let near = BgNbd::new(0.243, 4.414, 1.0, 2.426).unwrap().expected(&customer, 10.0);
        let beside = BgNbd::new(0.243, 4.414, 1.0001, 2.426).unwrap().expected(&customer, 10.0);
        assert!((near - beside).abs() < 1e-3);
    }
}
