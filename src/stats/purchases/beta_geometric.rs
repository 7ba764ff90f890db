//! What BG/NBD and MBG/NBD share: Gamma rates of purchase, Beta probabilities of dropping out.

use statrs::function::gamma::ln_gamma;

use super::ln_beta;
use super::quadrature::integrate;
use super::summary::PurchaseSummary;

/// Parameters of the two laws, and whether a customer can drop out at the first purchase.
#[derive(Clone, Copy)]
pub(super) struct BetaGeometric {
    pub(super) r: f64,
    pub(super) alpha: f64,
    pub(super) a: f64,
    pub(super) b: f64,
    pub(super) first: FirstPurchase,
}

/// Whether a customer can drop out at the first purchase.
#[derive(Clone, Copy)]
pub(super) enum FirstPurchase {
    /// BG/NBD.
    Kept,
    /// MBG/NBD.
    MayLose,
}

impl FirstPurchase {
    /// Purchases after which a customer with `repeats` may have dropped out.
    pub(super) fn chances(self, repeats: f64) -> f64 {
        match self {
            Self::Kept => repeats,
            Self::MayLose => repeats + 1.0,
        }
    }
}

/// Terms after which the sum over purchases is given up for an integral.
const MOST_TERMS: u32 = 4_000;

impl BetaGeometric {
    /// Log-likelihood of one customer, with k chances to drop out.
    ///
    /// ```text
    /// Γ(r+x) α^r / Γ(r) · B(a, b+k) / B(a, b) · [(α+T)^−(r+x) + 1(k>0) a/(b+k−1) (α+t_x)^−(r+x)]
    /// ```
    pub(super) fn log_likelihood(&self, customer: &PurchaseSummary) -> f64 {
        let Self { r, alpha, .. } = *self;
        let PurchaseSummary { repeats: x, age, .. } = *customer;
        let alive = r * (alpha / (alpha + age)).ln() - x * (alpha + age).ln();
        self.of_repeats(x) + alive + softplus(self.ln_dropped_odds(customer))
    }

    /// What depends on the number of repeats alone.
    pub(super) fn of_repeats(&self, x: f64) -> f64 {
        let Self { r, a, b, .. } = *self;
        ln_gamma(r + x) - ln_gamma(r) + ln_beta(a, b + self.first.chances(x)) - ln_beta(a, b)
    }

    /// Log of the odds of having dropped out at the last purchase.
    fn ln_dropped_odds(&self, customer: &PurchaseSummary) -> f64 {
        let Self { r, alpha, a, b, first } = *self;
        let PurchaseSummary { repeats: x, last, age } = *customer;
        let chances = first.chances(x);
        if chances > 0.0 {
            (a / (b + chances - 1.0)).ln() + (r + x) * ((alpha + age) / (alpha + last)).ln()
        } else {
            f64::NEG_INFINITY
        }
    }

    /// Probability that the customer is still one.
    pub(super) fn alive(&self, customer: &PurchaseSummary) -> f64 {
        (1.0 + self.ln_dropped_odds(customer).exp()).recip()
    }

    /// Expected purchases over the next `horizon`.
    ///
    /// ```text
    /// P(alive) Σ_{n≥1} P(N = n) Σ_{j<n} S(j)      N ~ NB(r+x, u), purchases if they never dropped out
    /// u = t / (α+T+t)      S(j) = B(a, b+k+j) / B(a, b+k), still there after j of them
    /// ```
    ///
    /// All terms are positive, where the closed form has ₂F₁ and a difference that vanishes at a = 1.
    pub(super) fn expected(&self, customer: &PurchaseSummary, horizon: f64) -> f64 {
        let rate = horizon / (self.alpha + customer.age);
        let shape = self.r + customer.repeats;
        let b = self.b + self.first.chances(customer.repeats);
        let while_alive = sum_over_purchases(shape, rate, self.a, b)
            .unwrap_or_else(|| integral_over_chances(shape, rate, self.a, b));
        while_alive * self.alive(customer)
    }
}

/// ln(1 + exp(x)).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Purchases expected of a customer who is there, purchase by purchase; none where that takes long
/// or the first weight is too small to begin with.
fn sum_over_purchases(shape: f64, rate: f64, a: f64, b: f64) -> Option<f64> {
    let (u, ln_none) = (rate / (1.0 + rate), -shape * rate.ln_1p());
    if ln_none < -600.0 {
        return None;
    }
    let (mut weight, mut there, mut survived, mut sum) = (ln_none.exp(), 1.0, 0.0, 0.0);
    for n in 0..MOST_TERMS {
        let n = f64::from(n);
        weight *= (shape + n) / (n + 1.0) * u;
        survived += there;
        there *= (b + n) / (a + b + n);
        let term = weight * survived;
        sum += term;
        // The next term is at most this share of the one before, and so are those after it.
        let share = (shape + n + 1.0) / (n + 1.0) * u;
        if share < 1.0 && term * share <= 1e-16 * sum * (1.0 - share) {
            return Some(sum);
        }
    }
    None
}

/// The same as an integral over the probability p of dropping out.
///
/// ```text
/// ∫ [1 − (1 + p·rate)^−shape] / p · p^(a−1) (1−p)^(b−1) dp / B(a, b),   over x = ln(p/(1−p)) = c + sinh y
/// ```
fn integral_over_chances(shape: f64, rate: f64, a: f64, b: f64) -> f64 {
    let (centre, norm) = ((a / b).ln(), ln_beta(a, b));
    let integrand = |y: f64| {
        let x = centre + y.sinh();
        let (ln_p, ln_rest) = (-softplus(-x), -softplus(x));
        let p = ln_p.exp();
        let bought =
            if p * rate > 0.0 { -(-shape * (p * rate).ln_1p()).exp_m1() / p } else { shape * rate };
        bought * (a * ln_p + b * ln_rest - norm).exp() * y.cosh()
    };
    // Beyond these the weight has fallen below e^−60 of what it was.
    let (low, high) = (-((60.0 + centre.abs()) / a.min(1.0)), (60.0 + centre.abs()) / b.min(1.0));
    integrate(low.asinh(), high.asinh(), integrand)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_and_the_integral_agree_where_both_work() {
        for (a, b) in [(0.8, 2.4), (0.05, 0.3), (1.0, 1.0), (30.0, 400.0)] {
            for (shape, rate) in [(0.24, 1e-6), (0.24, 3.0), (2.5, 80.0), (150.0, 0.7)] {
                let sum = sum_over_purchases(shape, rate, a, b).unwrap();
                let integral = integral_over_chances(shape, rate, a, b);
                let what = format!("{a} {b} {shape} {rate}: {sum} {integral}");
                assert!((sum / integral - 1.0).abs() < 1e-11, "{what}");
            }
        }
    }
}
