//! Staying under a contract that is renewed or not: the shifted beta-geometric model.

use super::super::error::StatsError;
use super::check_positive;
use super::fit::{LogLikelihood, Maximum, PurchaseFit, maximise};
use super::hypergeometric::hypergeometric_1;

/// Customers won together, counted at every renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    survivors: Vec<u64>,
}

impl Cohort {
    /// From the customers at the start and after each renewal.
    ///
    /// # Errors
    ///
    /// `TooFew` without a renewal, `OutOfRange` when nobody is there at the start or customers come back.
    pub fn new(survivors: Vec<u64>) -> Result<Self, StatsError> {
        if survivors.len() < 2 {
            let got = survivors.len();
            return Err(StatsError::TooFew { statistic: NAME, needed: 2, got });
        }
        let argument = "survivors";
        if survivors[0] == 0 {
            return Err(StatsError::OutOfRange {
                argument,
                value: 0.0,
                expected: "1 or more at first",
            });
        }
        if let Some(pair) = survivors.windows(2).find(|pair| pair[1] > pair[0]) {
            let (value, expected) = (pair[1] as f64, "no more than at the renewal before");
            return Err(StatsError::OutOfRange { argument, value, expected });
        }
        Ok(Self { survivors })
    }

    /// Customers at the start.
    pub fn customers(&self) -> u64 {
        self.survivors[0]
    }
}

const NAME: &str = "shifted beta-geometric";

/// The shifted beta-geometric model of contract renewal (sBG).
///
/// ```text
/// θ ~ Beta(α, β): leaving at a renewal, the same at all renewals of one customer
/// P(T=t) = B(α+1, β+t−1)/B(α, β)      S(t) = B(α, β+t)/B(α, β)      r(t) = (β+t−1)/(α+β+t−1)
/// ```
///
/// - Retention r(t) of a cohort rises although no customer's does: those likely to leave go first. Any
///   chart on which attrition falls with age needs this as its null.
///
/// # Source
///
/// Fader and Hardie (2007), *J. Interactive Marketing* 21(1), 76–90; (2010), *Marketing Science* 29(1),
/// 85–93 (residual lifetime). Parity: published figures of both segments, in this file; SciPy,
/// `tests/fixtures/shifted_beta_geometric.json`, tolerance 1e-10.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShiftedBetaGeometric {
    alpha: f64,
    beta: f64,
}

impl ShiftedBetaGeometric {
    /// The model with these shapes of the probabilities of leaving.
    ///
    /// # Errors
    ///
    /// `OutOfRange` when one of them is no positive finite number.
    pub fn new(alpha: f64, beta: f64) -> Result<Self, StatsError> {
        check_positive([("alpha", alpha), ("beta", beta)])?;
        Ok(Self { alpha, beta })
    }

    /// α, β.
    pub fn parameters(&self) -> [f64; 2] {
        [self.alpha, self.beta]
    }

    /// Log-likelihood of cohorts, each followed as long as it was.
    ///
    /// ```text
    /// Σ over cohorts of Σ_t (n_{t−1} − n_t) ln P(T=t) + n_end ln S(end)
    /// ```
    pub fn log_likelihood(&self, cohorts: &[Cohort]) -> f64 {
        self.of(&Renewals::new(cohorts))
    }

    fn of(&self, renewals: &Renewals) -> f64 {
        renewals
            .asked
            .iter()
            .zip(&renewals.left)
            .zip(0_u32..)
            .map(|((&asked, &left), past)| {
                let stays = self.beta + f64::from(past);
                // ln(leave) and ln(stay) without the loss of digits where one of them is near 1.
                let (leave, stay) = (-(stays / self.alpha).ln_1p(), -(self.alpha / stays).ln_1p());
                left * leave + (asked - left) * stay
            })
            .sum()
    }

    /// Share of a cohort still there after `renewals`; O(`renewals`).
    pub fn survival(&self, renewals: u32) -> f64 {
        (1..=renewals).map(|renewal| self.retention_at(renewal)).product()
    }

    /// Share of those before `renewal`, counted from 1, who renew.
    ///
    /// # Errors
    ///
    /// `OutOfRange` for renewal 0.
    pub fn retention(&self, renewal: u32) -> Result<f64, StatsError> {
        if renewal == 0 {
            let expected = "1 or more";
            return Err(StatsError::OutOfRange { argument: "renewal", value: 0.0, expected });
        }
        Ok(self.retention_at(renewal))
    }

    fn retention_at(&self, renewal: u32) -> f64 {
        let stays = self.beta + f64::from(renewal) - 1.0;
        stays / (self.alpha + stays)
    }

    /// Expected number of periods of a new customer, later ones discounted.
    ///
    /// ```text
    /// Σ_{t≥0} S(t) / (1+d)^t = ₂F₁(1, β; α+β; 1/(1+d))
    /// ```
    ///
    /// - `rate`: d, discount per period, above 0. The first period is counted whole.
    ///
    /// # Errors
    ///
    /// `OutOfRange` for the rate.
    pub fn discounted_lifetime(&self, rate: f64) -> Result<f64, StatsError> {
        self.discounted(self.beta, rate)
    }

    /// Expected number of further periods of a customer about to be asked for renewal number
    /// `renewal`, later ones discounted (DERL).
    ///
    /// ```text
    /// Σ_{t≥n} S(t)/S(n−1) / (1+d)^(t−n) = r(n) · ₂F₁(1, β+n; α+β+n; 1/(1+d))
    /// ```
    ///
    /// - `renewal`: n, counted from 1. `rate`: d, discount per period, above 0.
    ///
    /// # Errors
    ///
    /// `OutOfRange` for renewal 0 and for the rate.
    ///
    /// # Examples
    ///
    /// ```
    /// let high_end = rvq::stats::ShiftedBetaGeometric::new(0.668, 3.806)?;
    /// assert!((high_end.residual_lifetime(8, 0.1)? - 7.53).abs() < 5e-3);
    /// assert!((high_end.survival(8) - 0.460).abs() < 5e-4);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn residual_lifetime(&self, renewal: u32, rate: f64) -> Result<f64, StatsError> {
        let retention = self.retention(renewal)?;
        Ok(retention * self.discounted(self.beta + f64::from(renewal), rate)?)
    }

    /// The discounted sum of survival from a period that is certain, `stays` being β there.
    fn discounted(&self, stays: f64, rate: f64) -> Result<f64, StatsError> {
        check_positive([("rate", rate)])?;
        Ok(hypergeometric_1(stays, self.alpha + stays, (1.0 + rate).recip()))
    }

    /// The model with the largest likelihood of `cohorts`, one or more.
    ///
    /// - L-BFGS (argmin) over the logs of the parameters and Newton's method at the end. Cohorts of
    ///   different lengths are pooled renewal by renewal.
    ///
    /// # Errors
    ///
    /// `TooFew` without a cohort of two renewals, which two parameters need; `NoFit` when nobody leaves
    /// or the likelihood has no top, as where retention does not rise.
    pub fn fit(cohorts: &[Cohort]) -> Result<PurchaseFit<Self, 2>, StatsError> {
        let renewals = Renewals::new(cohorts);
        if renewals.asked.len() < 2 {
            let got = renewals.asked.len();
            return Err(StatsError::TooFew { statistic: NAME, needed: 2, got });
        }
        if renewals.left.iter().all(|left| *left == 0.0) {
            return Err(StatsError::NoFit { statistic: NAME, reason: "nobody left" });
        }
        let Maximum { logs, std_errors } = maximise(NAME, &renewals, [0.0; 2])?;
        let [alpha, beta] = logs.map(f64::exp);
        let model = Self { alpha, beta };
        Ok(PurchaseFit {
            model,
            log_likelihood: model.of(&renewals),
            customers: renewals.customers,
            std_errors: [alpha * std_errors[0], beta * std_errors[1]],
        })
    }
}

/// What the likelihood needs of cohorts: customers asked, and who left, at every renewal.
struct Renewals {
    asked: Vec<f64>,
    left: Vec<f64>,
    customers: usize,
}

impl Renewals {
    fn new(cohorts: &[Cohort]) -> Self {
        let longest = cohorts.iter().map(|c| c.survivors.len() - 1).max().unwrap_or(0);
        let (mut asked, mut left) = (vec![0.0; longest], vec![0.0; longest]);
        for cohort in cohorts {
            for (renewal, pair) in cohort.survivors.windows(2).enumerate() {
                asked[renewal] += pair[0] as f64;
                left[renewal] += (pair[0] - pair[1]) as f64;
            }
        }
        let customers = cohorts.iter().map(Cohort::customers).sum::<u64>() as usize;
        Self { asked, left, customers }
    }
}

impl LogLikelihood<2> for Renewals {
    fn observations(&self) -> f64 {
        self.customers as f64
    }

    fn value(&self, logs: &[f64; 2]) -> f64 {
        let [alpha, beta] = logs.map(f64::exp);
        ShiftedBetaGeometric { alpha, beta }.of(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cohort(survivors: &[u64]) -> Cohort {
        Cohort::new(survivors.to_vec()).unwrap()
    }

    fn high_end() -> Cohort {
        cohort(&[1_000, 869, 743, 653, 593, 551, 517, 491])
    }

    #[test]
    fn the_published_high_end_segment_is_met() {
        let start = ShiftedBetaGeometric::new(1.0, 1.0).unwrap();
        assert!((start.log_likelihood(&[high_end()]) / 1e3 - -2.1155).abs() < 5e-5);
        let fit = ShiftedBetaGeometric::fit(&[high_end()]).unwrap();
        let [alpha, beta] = fit.model.parameters();
        assert!((alpha - 0.668).abs() < 5e-4 && (beta - 3.806).abs() < 5e-4, "{alpha} {beta}");
        for (year, known) in (8..=12).zip([0.460, 0.436, 0.414, 0.395, 0.378]) {
            assert!((fit.model.survival(year) - known).abs() < 5.01e-4, "{year}");
        }
        assert!((fit.model.residual_lifetime(8, 0.1).unwrap() - 7.530).abs() < 5e-4);
    }

    #[test]
    fn the_published_regular_segment_is_met() {
        let regular = cohort(&[1_000, 631, 468, 382, 326, 289, 262, 241]);
        let [alpha, beta] = ShiftedBetaGeometric::fit(&[regular]).unwrap().model.parameters();
        assert!((alpha - 0.704).abs() < 5e-4 && (beta - 1.182).abs() < 5e-4, "{alpha} {beta}");
    }

    #[test]
    fn the_published_four_cohorts_are_met() {
        let longest = [10_000, 8_000, 6_480, 5_307, 4_391];
        let cohorts: Vec<Cohort> = (2..=5).map(|length| cohort(&longest[..length])).collect();
        let fit = ShiftedBetaGeometric::fit(&cohorts).unwrap();
        let [alpha, beta] = fit.model.parameters();
        assert!((alpha - 3.80).abs() < 5e-3 && (beta - 15.19).abs() < 5e-3, "{alpha} {beta}");
        assert_eq!(fit.customers, 40_000);
        // One cohort in two halves is that cohort.
        let halves = [cohort(&[600, 400, 300]), cohort(&[400, 269, 243])];
        let whole = [cohort(&[1_000, 669, 543])];
        assert_eq!(ShiftedBetaGeometric::fit(&halves), ShiftedBetaGeometric::fit(&whole));
    }

    #[test]
    fn retention_rises_and_survival_is_its_product() {
        let model = ShiftedBetaGeometric::new(0.668, 3.806).unwrap();
        let retention: Vec<f64> = (1..=5).map(|t| model.retention(t).unwrap()).collect();
        for (found, known) in retention.iter().zip([0.851, 0.878, 0.897, 0.911, 0.921]) {
            assert!((found - known).abs() < 6e-4, "{found} {known}");
        }
        assert!((model.survival(0) - 1.0).abs() < 1e-15 && model.retention(0).is_err());
        // E of all periods = the first and, after it, what is left.
        let whole = model.discounted_lifetime(0.1).unwrap();
        let rest = model.residual_lifetime(1, 0.1).unwrap();
        assert!((whole - 1.0 - rest / 1.1).abs() < 1e-12);
        assert!(model.discounted_lifetime(0.0).is_err());
    }

    #[test]
    fn cohorts_that_cannot_be_or_say_nothing_are_errors() {
        assert!(matches!(Cohort::new(vec![5]), Err(StatsError::TooFew { .. })));
        assert!(Cohort::new(vec![0, 0]).is_err() && Cohort::new(vec![5, 6]).is_err());
        let fit = |survivors: &[u64]| ShiftedBetaGeometric::fit(&[cohort(survivors)]);
        assert!(matches!(fit(&[10, 5]), Err(StatsError::TooFew { got: 1, .. })));
        assert!(matches!(ShiftedBetaGeometric::fit(&[]), Err(StatsError::TooFew { .. })));
        assert!(matches!(fit(&[10, 10, 10]), Err(StatsError::NoFit { .. })));
        // All at once, always the same share, and a share that falls: no mixture does better than one θ.
        assert!(matches!(fit(&[10, 0, 0]), Err(StatsError::NoFit { .. })));
        assert!(matches!(fit(&[1_000, 500, 250, 125]), Err(StatsError::NoFit { .. })));
        assert!(matches!(fit(&[1_000, 900, 700, 300]), Err(StatsError::NoFit { .. })));
    }
}
