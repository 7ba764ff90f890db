//! Power before results: what this panel could show, whatever it holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::information::{failed, grid};
use super::{BacktestError, BacktestParams, Finding};
use crate::panel::{Measure, Panel, PanelScore};
use crate::rng::Draws;
use crate::stats::{StatsError, permute_histories};

/// Size at which power is stated, two-sided.
const SIZE: f64 = 0.05;
/// Power at which an effect counts as detectable.
const POWER: f64 = 0.8;
/// Effects of the curve, in detectable ones.
const CURVE: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0];

/// What one test of the panel can show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Power {
    /// Score tested.
    pub score: String,
    /// Outcome it is tested on.
    pub outcome: String,
    /// Horizon \[months\].
    pub horizon_months: u32,
    /// `mean_rank_ic`, `landmark_auc` less ½ for attrition, or the statistic of a comparison less its null.
    pub statistic: String,
    /// Accounts with a score and an outcome.
    pub n_accounts: u64,
    /// Months with a score and an outcome.
    pub n_periods: u64,
    /// Standard error of the statistic if there were no effect.
    pub null_std_error: f64,
    /// Effect found with 80 % power by a two-sided test at 5 %.
    pub detectable_effect: f64,
    /// Part of the null variance that no number of months takes away, in `[0, 1]`: accounts differ for good.
    /// Absent where the halves of the panel are too short to tell.
    pub lasting: Option<f64>,
    /// Effects and the power to find them.
    pub curve: Vec<(f64, f64)>,
}

impl Power {
    /// Probability to find `effect`.
    ///
    /// ```text
    /// power = Φ(δ/SE − z.975) + Φ(−δ/SE − z.975)
    /// ```
    pub fn of(&self, effect: f64) -> f64 {
        power(effect / self.null_std_error)
    }

    /// Accounts with which `effect` would be detectable; the variance falls as 1 / accounts.
    pub fn accounts_for(&self, effect: f64) -> f64 {
        whole(self.n_accounts as f64 * (self.detectable_effect / effect).powi(2))
    }

    /// Months with which `effect` would be detectable; absent where no number of them would do, or the
    /// lasting part is not known.
    ///
    /// ```text
    /// SE²(T) = SE²·(lasting + (1 − lasting)·T₀/T)
    /// ```
    pub fn months_for(&self, effect: f64) -> Option<f64> {
        let lasting = self.lasting?;
        let allowed = (effect / self.detectable_effect).powi(2) - lasting;
        let months = self.n_periods as f64 * (1.0 - lasting) / allowed;
        (allowed > 0.0).then(|| whole(months))
    }
}

/// The next whole number; a rounding error above one is not the next.
fn whole(value: f64) -> f64 {
    (value * (1.0 - 1e-9)).ceil()
}

fn power(standardised: f64) -> f64 {
    let law = Normal::standard();
    let critical = law.inverse_cdf(1.0 - SIZE / 2.0);
    law.cdf(standardised - critical) + law.cdf(-standardised - critical)
}

/// What a test of `score` on `outcome` can show on this panel, before any result is seen.
///
/// - The null spread comes from permuting whole histories inside strata: it holds this panel's accounts,
///   months, attrition, gaps and persistence, and nothing of how score and outcome go together.
/// - What more months would do is read from its halves: var(T) = a + b/T.
/// - For attrition, a rank correlation ρ with exits of share p is an AUC of ½ + ρ/√(12 p (1 − p)), exactly
///   so at a date without ties.
/// - A permutation without any defined month says nothing and is left out.
/// - The headline test takes the larger of two p-values, so its power is a little lower.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when no month has enough accounts, no permutation is asked for, or
/// none of them has a defined month.
pub fn power_of(
    panel: &Panel,
    score: &PanelScore,
    (outcome, horizon): (Measure, u32),
    params: &BacktestParams,
    (strata, draws): (&[u32], Draws),
) -> Result<Power, BacktestError> {
    let fail = || failed("power", &score.name, outcome, horizon as i32);
    let months = panel.months();
    let values = panel.outcome(outcome, horizon as i32);
    let observed = |at: usize| !score.values[at].is_nan() && !values[at].is_nan();
    let dates: Vec<usize> = (0..months)
        .filter(|month| (0..panel.accounts().len()).any(|a| observed(a * months + month)))
        .collect();
    let null = |from: usize, to: usize| -> Result<f64, StatsError> {
        let kept = |at: usize| (from..to).contains(&(at % months));
        let part: Vec<f64> = score
            .values
            .iter()
            .enumerate()
            .map(|(at, value)| if kept(at) { *value } else { f64::NAN })
            .collect();
        let permutations = params.permutations as usize;
        let min = params.min_accounts as usize;
        let test = permute_histories(
            grid(&part, panel)?,
            grid(&values, panel)?,
            strata,
            permutations,
            draws,
            min,
        )?;
        // Where a permutation is undefined the observed value stands, which must not be read here.
        let observed = test.observed.to_bits();
        let null: Vec<f64> =
            test.null.into_iter().filter(|value| value.to_bits() != observed).collect();
        if null.is_empty() {
            return Err(StatsError::NoPeriod { statistic: "power", needed: min });
        }
        Ok(null.iter().map(|value| value * value).sum::<f64>() / null.len() as f64)
    };
    let whole = null(0, months).map_err(fail())?;
    let middle = dates.get(dates.len() / 2).copied().unwrap_or(0);
    let halves = [null(0, middle), null(middle, months)];
    let lasting = match halves {
        // var(T) = a + b/T and var(T/2) = a + 2b/T, so a = 2 var(T) − var(T/2).
        [Ok(first), Ok(second)] => {
            Some((2.0 - f64::midpoint(first, second) / whole).clamp(0.0, 1.0))
        }
        _ => None,
    };
    Ok(described(panel, score, (outcome, horizon), &values, (whole, lasting)))
}

/// What a test can show, from the standard error of its statistic: for comparisons of groups or scores, of
/// which swapped histories do not give the spread.
///
/// The error is that which a normal test would need for the finding's detectable effect, so that few dates
/// count. The estimate is not read; nothing is said of more months. None where the finding has no error.
pub fn power_from_error(finding: &Finding) -> Option<Power> {
    let detectable_effect = finding.detectable_effect.filter(|effect| effect.is_finite())?;
    Some(Power {
        score: finding.score.clone(),
        outcome: finding.outcome.clone(),
        horizon_months: finding.horizon_months.unsigned_abs(),
        statistic: finding.statistic.clone(),
        n_accounts: finding.n_accounts,
        n_periods: finding.n_periods,
        null_std_error: detectable_effect / detectable(),
        detectable_effect,
        lasting: None,
        curve: curve(detectable_effect),
    })
}

/// Standard errors that an effect must have to be found with 80 % power by a normal test.
pub(super) fn detectable() -> f64 {
    let law = Normal::standard();
    law.inverse_cdf(1.0 - SIZE / 2.0) + law.inverse_cdf(POWER)
}

fn curve(detectable_effect: f64) -> Vec<(f64, f64)> {
    CURVE.map(|part| (part * detectable_effect, power(part * detectable()))).to_vec()
}

fn described(
    panel: &Panel,
    score: &PanelScore,
    (outcome, horizon): (Measure, u32),
    values: &[f64],
    (variance, lasting): (f64, Option<f64>),
) -> Power {
    let months = panel.months();
    let both = |at: &usize| !score.values[*at].is_nan() && !values[*at].is_nan();
    let cells: Vec<usize> = (0..values.len()).filter(both).collect();
    let distinct = |of: &dyn Fn(usize) -> usize| {
        let mut all: Vec<usize> = cells.iter().map(|at| of(*at)).collect();
        all.sort_unstable();
        all.dedup();
        all.len() as u64
    };
    let (statistic, scale) = if outcome == Measure::Attrition {
        let share = cells.iter().map(|at| values[*at]).sum::<f64>() / cells.len() as f64;
        ("landmark_auc", (12.0 * share * (1.0 - share)).sqrt().recip())
    } else {
        ("mean_rank_ic", 1.0)
    };
    let null_std_error = variance.sqrt() * scale;
    let detectable_effect = detectable() * null_std_error;
    Power {
        score: score.name.clone(),
        outcome: outcome.name().to_owned(),
        horizon_months: horizon,
        statistic: statistic.to_owned(),
        n_accounts: distinct(&|at| at / months),
        n_periods: distinct(&|at| at % months),
        null_std_error,
        detectable_effect,
        lasting,
        curve: curve(detectable_effect),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power_with(lasting: Option<f64>) -> Power {
        Power {
            score: "rv_sum".to_owned(),
            outcome: "revenue".to_owned(),
            horizon_months: 3,
            statistic: "mean_rank_ic".to_owned(),
            n_accounts: 200,
            n_periods: 48,
            null_std_error: 0.05,
            detectable_effect: 0.05 * 2.801_585,
            lasting,
            curve: Vec::new(),
        }
    }

    #[test]
    fn the_detectable_effect_has_eighty_percent_power_and_none_has_the_size() {
        let power = power_with(None);
        assert!((power.of(power.detectable_effect) - 0.8).abs() < 1e-4);
        // The quantile and its inverse in `statrs` differ by 2e-12 here.
        assert!((power.of(0.0) - 0.05).abs() < 1e-11, "{:e}", power.of(0.0) - 0.05);
        assert!(power.of(10.0) > 0.999_999);
    }

    #[test]
    fn a_comparison_tells_its_power_from_its_error_and_not_from_its_estimate() {
        let finding = |estimate: f64| Finding {
            hypothesis: None,
            score: "rv_sum".to_owned(),
            outcome: "share_of_wallet".to_owned(),
            horizon_months: -3,
            statistic: "rank_over_raw_contrast".to_owned(),
            estimate: Some(estimate),
            std_error: Some(0.03),
            ci_low: None,
            ci_high: None,
            p_value: None,
            p_adjusted: None,
            n_accounts: 150,
            n_events: 0,
            n_periods: 30,
            method: String::new(),
            detectable_effect: Some(0.1),
            in_family: true,
        };
        let power = power_from_error(&finding(0.5)).unwrap();
        assert_eq!(Some(&power), power_from_error(&finding(-0.2)).as_ref());
        assert!((power.of(0.1) - 0.8).abs() < 1e-4);
        assert!((power.accounts_for(0.05) - 600.0).abs() < 1e-9);
        assert_eq!((power.horizon_months, power.months_for(0.05)), (3, None));
        let unknown = Finding { detectable_effect: None, ..finding(0.5) };
        assert!(power_from_error(&unknown).is_none());
    }

    #[test]
    fn half_the_effect_needs_four_times_the_accounts_and_more_months_than_that_or_none() {
        let half = |power: &Power| 0.5 * power.detectable_effect;
        let steady = power_with(Some(0.0));
        assert!((steady.accounts_for(half(&steady)) - 800.0).abs() < 1e-9);
        assert_eq!(steady.months_for(half(&steady)), Some(192.0));
        // A quarter of the variance allowed, and a tenth of it lasts: 48 · .9 / .15.
        let mixed = power_with(Some(0.1));
        assert_eq!(mixed.months_for(half(&mixed)), Some(288.0));
        let lasting = power_with(Some(0.3));
        assert_eq!(lasting.months_for(half(&lasting)), None);
        let unknown = power_with(None);
        assert_eq!(unknown.months_for(half(&unknown)), None);
    }
}
