//! Goodwill: what customers are worth beyond comparable ones without their relationship.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::study::{Study, Totals, left_out};
use crate::panel::Panel;
use crate::relationship::Estimate;
use crate::stats::StatsError;

/// `[goodwill]` of a plan.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GoodwillParams {
    /// The score; that of the charts when absent.
    pub score: Option<String>,
    /// Scores of the panel that are held equal.
    pub controls: Vec<String>,
    /// What money now is preferred by \[per year\].
    pub discount_rate: f64,
    /// How far ahead value is counted \[months\].
    pub horizon_months: u32,
    /// What the customers are compared with.
    pub compared_with: ComparedWith,
    /// Market value of the company less its book value, to stand beside \[currency\].
    pub market_less_book: Option<f64>,
}

impl Default for GoodwillParams {
    fn default() -> Self {
        Self {
            score: None,
            controls: vec!["tenure".to_owned(), "past_profit".to_owned()],
            discount_rate: 0.1,
            horizon_months: 120,
            compared_with: ComparedWith::NoRelationship,
            market_less_book: None,
        }
    }
}

impl GoodwillParams {
    /// Names of the parameters that no valuation can be made with, each with what was expected.
    pub fn broken_rules(&self) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        if !(0.0..=1.0).contains(&self.discount_rate) {
            let rule = format!("is {}, expected a yearly rate from 0 to 1", self.discount_rate);
            broken.push(("discount_rate", rule));
        }
        if !(1..=MAX_HORIZON).contains(&self.horizon_months) {
            let rule = format!("is {}, expected 1 to {MAX_HORIZON} months", self.horizon_months);
            broken.push(("horizon_months", rule));
        }
        if let Some(value) =
            self.market_less_book.filter(|value| !(value.is_finite() && *value > 0.0))
        {
            let rule = format!("is {value}, expected an amount above 0");
            broken.push(("market_less_book", rule));
        }
        broken
    }
}

/// Longest horizon: half a century.
const MAX_HORIZON: u32 = 600;

/// The relationship that goodwill is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComparedWith {
    /// A score of 0: what no interaction at all would leave.
    NoRelationship,
    /// The mean of the segment. Gains and losses then largely cancel in the sum: it serves to compare
    /// accounts.
    SegmentMean,
}

/// What the relationships of today's customers are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Goodwill {
    /// The score.
    pub score: String,
    /// What is held equal.
    pub controls: Vec<String>,
    /// What the customers are compared with.
    pub compared_with: ComparedWith,
    /// Last month of the panel, at whose end customers are valued, `YYYY-MM`.
    pub valued_at: String,
    /// Customers valued.
    pub n_accounts: u64,
    /// Customers without a score at that month, mostly too young: not valued.
    pub n_left_out: u64,
    /// Account-months that the relations were fitted to.
    pub n_account_months: u64,
    /// Exits among them.
    pub n_events: u64,
    /// Present value of what today's customers are expected to bring \[currency\].
    pub value: Estimate,
    /// What of it goes with their relationship being what it is, and not what it is compared with \[currency\].
    pub goodwill: Estimate,
    /// The same by segment.
    pub segments: Vec<SegmentGoodwill>,
    /// Log odds of leaving within a month, for one standard deviation more of the score.
    pub exit_log_odds: Estimate,
    /// Contribution a month, for one standard deviation more of the score \[currency\].
    pub contribution: Estimate,
    /// Share of a deviation from the segment's mean that is left a month later; after k months its k-th power.
    pub carry_over: Estimate,
    /// Share that is seen to be left a year later: where it is more than the twelfth power of `carry_over`,
    /// accounts differ for good, and goodwill is too small. Absent in short panels.
    pub left_after_a_year: Option<f64>,
    /// By how many per cent the value grows when one per cent more customers stay each year; absent where
    /// the customers are worth nothing.
    pub retention_elasticity: Option<Estimate>,
    /// Share of account-months whose score is at what it is compared with or below: near 0 goodwill is extrapolated.
    pub support: f64,
    /// Market value less book value, where the plan states it \[currency\].
    pub market_less_book: Option<f64>,
    /// How it was computed.
    pub method: String,
}

/// Goodwill of one segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentGoodwill {
    /// The segment; absent where the log has none.
    pub segment: Option<String>,
    /// Customers valued.
    pub n_accounts: u64,
    /// Present value \[currency\].
    pub value: Estimate,
    /// What of it is goodwill \[currency\].
    pub goodwill: Estimate,
}

/// Goodwill of one account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountGoodwill {
    /// The account.
    pub account_id: String,
    /// Present value \[currency\].
    pub value: f64,
    /// What of it is goodwill \[currency\].
    pub goodwill: f64,
}

/// Why goodwill could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GoodwillError {
    /// The panel has no score of that name.
    #[error("goodwill: the panel has no score `{name}`; it has {known}")]
    UnknownScore {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Too few customers left to say what they left for.
    #[error(
        "goodwill: {events} exits for {coefficients} coefficients, expected at least {needed}: retention \
         cannot be tied to a score with so few"
    )]
    TooFewExits {
        /// Exits.
        events: usize,
        /// Coefficients of the hazard.
        coefficients: usize,
        /// Exits needed.
        needed: usize,
    },
    /// The log has no contribution.
    #[error("goodwill: no account has a `contribution`, expected outcomes with gross profit")]
    NoContribution,
    /// Nobody is a customer at the end.
    #[error("goodwill: no account is a customer in the last month of the panel")]
    NoCustomers,
    /// A relation could not be fitted.
    #[error("goodwill, {what}: {source}")]
    Fit {
        /// What was fitted.
        what: &'static str,
        /// Why it could not be.
        source: StatsError,
    },
}

/// Groups of accounts of the jackknife.
pub(super) const GROUPS: usize = 40;

/// Goodwill of today's customers, with that of each account.
///
/// ```text
/// goodwill = Σ_a PV(z_a, x_a) − PV(z₀, x_a)          z: score within its segment, x: controls
/// PV(z, x) = Σ_k m_k v^k Π_{j<k} (1 − h_j)           k = 1..horizon, v = (1 + r)^(−1/12)
/// h_k = 1 / (1 + exp(−α − β z_k − γ'x))              logit of leaving within the month
/// m_k = a + b z_k + c'x                              contribution of the month
/// z_k = φ^(k−1) z                                    deviations fade at the rate seen
/// ```
///
/// - z: (score − mean) / sd over all months of the segment; z₀: where a score of 0 stands there, or 0 for the mean. By
///   month mean and sd would be those of few accounts, and their noise would be taken for given.
/// - Controls enter within segment too. Segments with at least 10 exits have levels of their own.
/// - Intervals: delete-a-group jackknife, accounts dealt to 40 groups, Student's t with 39 degrees of
///   freedom. Today's customers are given, and so are mean, sd and z₀ of their segments; the relations are
///   what is estimated. Controls stay as they are today.
/// - It tells customers with such relationships from comparable ones: predicted, not caused. It extrapolates
///   where hardly anybody has such a score ([`Goodwill::support`]).
///
/// # Errors
///
/// [`GoodwillError`]: an unknown score, no contribution or customers, fewer than 10 exits a coefficient, or
/// a relation that cannot be fitted.
///
/// # Source
///
/// Gupta, Lehmann and Stuart (2004), *J. Marketing Research* 41(1), 7-18 (customers as an asset); Kott (2001),
/// *J. Official Statistics* 17(4), 521-526 (jackknife of groups).
pub fn goodwill(
    panel: &Panel,
    score: &str,
    params: &GoodwillParams,
) -> Result<(Goodwill, Vec<AccountGoodwill>), GoodwillError> {
    let study = Study::new(panel, score, params)?;
    let whole = study.value(None)?;
    let parts: Vec<Totals> = (0..GROUPS)
        .into_par_iter()
        .map(|group| study.value(Some(group)).map(|valued| valued.totals))
        .collect::<Result<_, _>>()?;
    let estimate = |of: &dyn Fn(&Totals) -> f64| {
        let replicates: Vec<f64> = parts.iter().map(of).collect();
        jackknife(of(&whole.totals), &replicates)
    };
    let segments =
        study.segments.iter().enumerate().map(|(at, (segment, n_accounts))| SegmentGoodwill {
            segment: segment.clone(),
            n_accounts: *n_accounts,
            value: estimate(&|totals| totals.segments[at].0),
            goodwill: estimate(&|totals| totals.segments[at].1),
        });
    let last = panel.first_month().plus(panel.months() as i32 - 1);
    let worth_something = parts.iter().chain([&whole.totals]).all(|totals| totals.value() > 0.0);
    let figures = Goodwill {
        score: score.to_owned(),
        controls: params.controls.clone(),
        compared_with: params.compared_with,
        valued_at: last.to_string(),
        n_accounts: study.customers.len() as u64,
        n_left_out: left_out(panel, study.customers.len()),
        n_account_months: study.rows.len() as u64,
        n_events: study.rows.iter().filter(|row| row.leaves).count() as u64,
        value: estimate(&Totals::value),
        goodwill: estimate(&Totals::goodwill),
        segments: segments.collect(),
        exit_log_odds: estimate(&|totals| totals.exit_log_odds),
        contribution: estimate(&|totals| totals.contribution),
        carry_over: estimate(&|totals| totals.carry_over),
        left_after_a_year: study.left_after_a_year(),
        retention_elasticity: worth_something.then(|| estimate(&|totals| totals.elasticity)),
        support: study.support,
        market_less_book: params.market_less_book,
        method: format!(
            "logit hazard and least squares of monthly contribution on the score within its segment, \
             {} held equal; present value over {} months at {} % a year; delete-a-group jackknife, \
             {GROUPS} groups of accounts",
            params.controls.join(", "),
            params.horizon_months,
            100.0 * params.discount_rate
        ),
    };
    Ok((figures, whole.accounts))
}

/// Student's t interval from estimates that each leave one group out.
fn jackknife(estimate: f64, replicates: &[f64]) -> Estimate {
    let groups = replicates.len() as f64;
    let mean = replicates.iter().sum::<f64>() / groups;
    let squares: f64 = replicates.iter().map(|value| (value - mean).powi(2)).sum();
    let law = StudentsT::new(0.0, 1.0, groups - 1.0).expect("more than one group");
    let half = law.inverse_cdf(0.975) * ((groups - 1.0) / groups * squares).sqrt();
    Estimate { estimate, ci_low: estimate - half, ci_high: estimate + half }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jackknife_of_a_mean_has_its_standard_error() {
        // Leaving out one of n values: the jackknife gives s / √n exactly.
        let values: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17)).collect();
        let (n, sum) = (40.0, values.iter().sum::<f64>());
        let mean = sum / n;
        let left: Vec<f64> = values.iter().map(|v| (sum - v) / (n - 1.0)).collect();
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let found = jackknife(mean, &left);
        // 97.5 % quantile of Student's t with 39 degrees of freedom, by SciPy.
        let half = 2.022_690_920_036_761 * (variance / n).sqrt();
        assert!((found.ci_high - mean - half).abs() < 1e-12);
    }

    #[test]
    fn impossible_parameters_are_named() {
        let params =
            GoodwillParams { discount_rate: -0.1, horizon_months: 0, ..Default::default() };
        let broken: Vec<&str> = params.broken_rules().into_iter().map(|(key, _)| key).collect();
        assert_eq!(broken, ["discount_rate", "horizon_months"]);
    }
}
