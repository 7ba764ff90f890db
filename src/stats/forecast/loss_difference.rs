//! Two forecasts compared by their losses.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::super::error::{StatsError, check_pair};
use super::super::estimate::Estimate;
use super::super::models::ClusteredLeastSquares;

/// Diebold-Mariano test of equal mean loss of two forecasts of one series.
///
/// ```text
/// d = loss(a) − loss(b)      V = (γ₀ + 2 Σ_{l<h} γₗ) / n      γₗ with divisor n
/// SE = √V / √((n + 1 − 2h + h(h − 1)/n) / n)                  Harvey, Leybourne and Newbold
/// p and interval by Student's t with n − 1 degrees of freedom
/// ```
///
/// Positive means that b has the smaller loss. A sum of autocovariances that is not positive is
/// replaced by Bartlett's with the same lags, and `method` says so; R's `dm.test` falls back to h = 1.
/// Not for a model against its extension: see [`clark_west`].
///
/// - `loss_a`, `loss_b`: shape `(n,)`, in order of time, any unit. `horizon`: h, steps ahead, below n.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` with fewer than 2 losses, or no more than `horizon`;
/// `OutOfRange` for horizon 0, or losses that differ by a constant.
///
/// # Source
///
/// Diebold and Mariano (1995), *J. Business & Economic Statistics* 13(3), 253–263; Harvey,
/// Leybourne and Newbold (1997), *Int. J. Forecasting* 13(2), 281–291. Parity: R
/// `forecast::dm.test`, `tests/fixtures/diebold_mariano.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let gain = rvq::stats::diebold_mariano(&[1.0, 4.0, 2.0, 5.0], &[1.0, 2.0, 1.0, 4.0], 1)?;
/// assert!((gain.estimate - 1.0).abs() < 1e-12 && (gain.p_value - 0.0917).abs() < 1e-4);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn diebold_mariano(
    loss_a: &[f64],
    loss_b: &[f64],
    horizon: usize,
) -> Result<Estimate, StatsError> {
    let statistic = "diebold_mariano";
    check_pair(statistic, loss_a, loss_b, 2)?;
    let apart: Vec<f64> = loss_a.iter().zip(loss_b).map(|(a, b)| a - b).collect();
    let found = mean_and_variance(statistic, &apart, horizon)?;
    let (n, h) = (apart.len() as f64, horizon as f64);
    let correction = (n + 1.0 - 2.0 * h + h * (h - 1.0) / n) / n;
    let std_error = (found.variance / correction).sqrt();
    let method = if found.bartlett {
        "Diebold-Mariano, small-sample corrected, Bartlett"
    } else {
        "Diebold-Mariano, small-sample corrected"
    };
    Estimate::student_t(found.mean, std_error, n - 1.0, 0.0, apart.len(), method)
}

/// [`diebold_mariano`] for a panel: losses of account-dates, clustered by account.
///
/// ```text
/// d = loss(a) − loss(b)      SE² = G/(G − 1) Σ_g (Σ over g of (d − d̄))² / n²      df = G − 1
/// ```
///
/// Each account-date counts once. What all accounts share at a date is not allowed for.
///
/// - `loss_a`, `loss_b`, `account`: shape `(n,)`, in any order. `n` of the result counts accounts.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` with fewer than 2 accounts; `OutOfRange` when the losses
/// differ by a constant.
///
/// # Source
///
/// Liang and Zeger (1986), *Biometrika* 73(1), 13–22, on the mean of Diebold and Mariano. Parity:
/// `statsmodels` OLS on a constant with `cov_type="cluster"`, `tests/fixtures/forecast.json`,
/// tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let (a, b) = ([1.0, 4.0, 2.0, 5.0], [1.0, 2.0, 1.0, 4.0]);
/// let gain = rvq::stats::clustered_diebold_mariano(&a, &b, &[0, 1, 1, 2])?;
/// assert!(gain.n == 3 && (gain.estimate - 1.0).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn clustered_diebold_mariano(
    loss_a: &[f64],
    loss_b: &[f64],
    account: &[u32],
) -> Result<Estimate, StatsError> {
    check_pair("clustered_diebold_mariano", loss_a, loss_b, 2)?;
    let apart: Vec<f64> = loss_a.iter().zip(loss_b).map(|(a, b)| a - b).collect();
    let (mean, std_error, accounts) = clustered_mean(&apart, account)?;
    let df = accounts as f64 - 1.0;
    Estimate::student_t(mean, std_error, df, 0.0, accounts, "Diebold-Mariano, by account")
}

/// What a larger model gains over the one it contains.
#[derive(Debug, Clone, PartialEq)]
pub struct NestedGain {
    /// Difference of mean squared errors, adjusted for the noise of the larger model.
    pub gain: Estimate,
    /// One-sided p-value against no gain: the test.
    pub p_value: f64,
}

/// Clark-West test of a model against a larger one that contains it.
///
/// ```text
/// f = (y − ŷ₁)² − ((y − ŷ₂)² − (ŷ₁ − ŷ₂)²)      1: smaller, 2: larger model
/// SE² = n/(n − 1) · (γ₀ + 2 Σ_{l<h} γₗ) / n      γₗ of f with divisor n
/// p = 1 − Φ(f̄ / SE)
/// ```
///
/// Under the null the larger model is worse, for it estimates what is 0; f takes that out. So a
/// gain does not say that the larger model forecasts better in use. One-sided, for the
/// alternative is that the larger model helps; `gain.p_value` is the two-sided one. A sum of
/// autocovariances that is not positive is replaced by Bartlett's with the same lags.
///
/// - `actual`, `smaller`, `larger`: outcome and its forecasts, shape `(n,)`, in order of time.
///   `horizon`: h, steps ahead, below n.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` with fewer than 2 forecasts, or no more than `horizon`;
/// `OutOfRange` for horizon 0, or an f that does not vary (equal forecasts).
///
/// # Source
///
/// Clark and West (2007), *J. Econometrics* 138(1), 291–311. Parity: `statsmodels` OLS of f on a
/// constant, with `cov_type="HAC"` and uniform weights for h > 1, `tests/fixtures/forecast.json`,
/// tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let actual = [1.0, -2.0, 3.0, 0.5, 2.0];
/// let larger = [0.5, -1.0, 2.0, 0.1, 1.5];
/// let test = rvq::stats::clark_west(&actual, &[0.0; 5], &larger, 1)?;
/// assert!((test.gain.estimate - 4.62).abs() < 1e-12 && test.p_value < 0.05);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn clark_west(
    actual: &[f64],
    smaller: &[f64],
    larger: &[f64],
    horizon: usize,
) -> Result<NestedGain, StatsError> {
    let statistic = "clark_west";
    let adjusted = adjusted_gain(statistic, actual, smaller, larger)?;
    let found = mean_and_variance(statistic, &adjusted, horizon)?;
    let n = adjusted.len();
    let std_error = (found.variance * n as f64 / (n - 1) as f64).sqrt();
    let method = if found.bartlett { "Clark-West, Bartlett" } else { "Clark-West" };
    let gain = Estimate::normal(found.mean, std_error, 0.0, n, method)?;
    let p_value = Normal::standard().sf(found.mean / std_error);
    Ok(NestedGain { gain, p_value })
}

/// [`clark_west`] for a panel: forecasts of account-dates, clustered by account.
///
/// ```text
/// f as in `clark_west`, SE and df as in `clustered_diebold_mariano`, p = P(T_{G−1} > f̄ / SE)
/// ```
///
/// - `actual`, `smaller`, `larger`, `account`: shape `(n,)`, in any order. `gain.n` counts accounts.
///
/// # Errors
///
/// `LengthMismatch`, `NotFinite`; `TooFew` with fewer than 2 accounts; `OutOfRange` for an f that
/// does not vary.
///
/// # Source
///
/// As [`clark_west`] and [`clustered_diebold_mariano`]. Parity: `statsmodels` OLS of f on a constant
/// with `cov_type="cluster"`, `tests/fixtures/forecast.json`, tolerance 1e-10.
///
/// # Examples
///
/// ```
/// let actual = [1.0, -2.0, 3.0, 0.5, 2.0];
/// let larger = [0.5, -1.0, 2.0, 0.1, 1.5];
/// let test = rvq::stats::clustered_clark_west(&actual, &[0.0; 5], &larger, &[0, 0, 1, 1, 2])?;
/// assert!(test.gain.n == 3 && (test.gain.estimate - 4.62).abs() < 1e-12);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn clustered_clark_west(
    actual: &[f64],
    smaller: &[f64],
    larger: &[f64],
    account: &[u32],
) -> Result<NestedGain, StatsError> {
    let adjusted = adjusted_gain("clustered_clark_west", actual, smaller, larger)?;
    let (mean, std_error, accounts) = clustered_mean(&adjusted, account)?;
    let df = accounts as f64 - 1.0;
    let gain = Estimate::student_t(mean, std_error, df, 0.0, accounts, "Clark-West, by account")?;
    let law = StudentsT::new(0.0, 1.0, df).expect("two accounts");
    Ok(NestedGain { gain, p_value: law.sf(mean / std_error) })
}

fn adjusted_gain(
    statistic: &'static str,
    actual: &[f64],
    smaller: &[f64],
    larger: &[f64],
) -> Result<Vec<f64>, StatsError> {
    check_pair(statistic, actual, smaller, 2)?;
    check_pair(statistic, actual, larger, 2)?;
    let gain = |((y, one), two): ((&f64, &f64), &f64)| {
        (y - one).powi(2) - ((y - two).powi(2) - (one - two).powi(2))
    };
    Ok(actual.iter().zip(smaller).zip(larger).map(gain).collect())
}

/// Mean, its clustered standard error, and the number of clusters.
fn clustered_mean(values: &[f64], cluster: &[u32]) -> Result<(f64, f64, usize), StatsError> {
    let fit = ClusteredLeastSquares::fit(&[], 0, values, cluster)?;
    // Rounding leaves a little where nothing varies.
    let size = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let std_error = if fit.std_errors[0] <= 1e-14 * size { 0.0 } else { fit.std_errors[0] };
    Ok((fit.coefficients[0], std_error, fit.clusters))
}

struct LongRun {
    mean: f64,
    /// Of the mean.
    variance: f64,
    /// Whether the plain sum of autocovariances was not positive.
    bartlett: bool,
}

/// The mean of an h-step-ahead series and its variance from h − 1 autocovariances.
fn mean_and_variance(
    statistic: &'static str,
    series: &[f64],
    horizon: usize,
) -> Result<LongRun, StatsError> {
    if horizon == 0 {
        let expected = "1 or more";
        return Err(StatsError::OutOfRange { argument: "horizon", value: 0.0, expected });
    }
    if series.len() <= horizon {
        let (needed, got) = (horizon + 1, series.len());
        return Err(StatsError::TooFew { statistic, needed, got });
    }
    let n = series.len() as f64;
    let mean = series.iter().sum::<f64>() / n;
    let d: Vec<f64> = series.iter().map(|v| v - mean).collect();
    let covariance = |l: usize| d[l..].iter().zip(&d).map(|(a, b)| a * b).sum::<f64>() / n;
    let of = |weight: &dyn Fn(usize) -> f64| {
        covariance(0) + (1..horizon).map(|l| 2.0 * weight(l) * covariance(l)).sum::<f64>()
    };
    // Rounding leaves a little where nothing varies.
    let size = series.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if covariance(0) <= (1e-14 * size).powi(2) {
        return Ok(LongRun { mean, variance: 0.0, bartlett: false });
    }
    let plain = of(&|_| 1.0);
    let bartlett = plain <= 1e-12 * covariance(0);
    let sum = if bartlett { of(&|l| 1.0 - l as f64 / horizon as f64) } else { plain };
    Ok(LongRun { mean, variance: sum / n, bartlett })
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::*;
    use crate::rng::{Purpose, Streams};

    #[test]
    fn swapped_forecasts_change_the_sign_only() {
        let (a, b) = ([1.0, 4.0, 2.0, 5.0, 3.0], [1.0, 2.0, 1.0, 4.5, 7.0]);
        let (there, back) =
            (diebold_mariano(&a, &b, 2).unwrap(), diebold_mariano(&b, &a, 2).unwrap());
        assert!((there.estimate + back.estimate).abs() < 1e-15);
        assert!((there.p_value - back.p_value).abs() < 1e-15);
        for scale in [1e100, 1e-100] {
            let [a, b] = [&a, &b].map(|v| v.map(|v| v * scale));
            let scaled = diebold_mariano(&a, &b, 2).unwrap();
            assert!((scaled.p_value - there.p_value).abs() < 1e-12);
        }
    }

    #[test]
    fn a_negative_sum_of_autocovariances_falls_back_to_bartlett() {
        let a: Vec<f64> = (0..20).map(|i| f64::from(i % 2) + f64::from(i) * 1e-3).collect();
        let found = diebold_mariano(&a, &[0.0; 20], 2).unwrap();
        assert!(found.method.ends_with("Bartlett") && found.std_error > 0.0);
    }

    #[test]
    fn constant_differences_and_equal_forecasts_are_errors() {
        let a = [0.1, 0.2, 0.3, 0.7];
        let above = a.map(|v| v + 0.1);
        assert!(matches!(diebold_mariano(&above, &a, 1), Err(StatsError::OutOfRange { .. })));
        assert!(clustered_diebold_mariano(&above, &a, &[0, 0, 1, 1]).is_err());
        assert!(clark_west(&a, &above, &above, 1).is_err());
        assert!(clustered_clark_west(&a, &[0.0; 4], &[0.0; 4], &[0, 1, 2, 3]).is_err());
    }

    #[test]
    fn bad_input_is_an_error() {
        let a = [1.0, 2.0, 4.0];
        let b = [0.0; 3];
        assert!(matches!(diebold_mariano(&a, &b, 0), Err(StatsError::OutOfRange { .. })));
        assert!(matches!(diebold_mariano(&a, &b, 3), Err(StatsError::TooFew { .. })));
        assert!(diebold_mariano(&a[..1], &b[..1], 1).is_err());
        assert!(diebold_mariano(&a, &b[..2], 1).is_err());
        assert!(diebold_mariano(&a, &[0.0, f64::NAN, 0.0], 1).is_err());
        assert!(matches!(
            clustered_diebold_mariano(&a, &b, &[4; 3]),
            Err(StatsError::TooFew { got: 1, .. })
        ));
        assert!(clustered_diebold_mariano(&a, &b, &[0; 2]).is_err());
        assert!(clark_west(&a, &b, &b[..2], 1).is_err());
    }

    #[test]
    fn two_losses_and_two_accounts_give_a_wide_interval() {
        let found = diebold_mariano(&[1.0, 2.0], &[0.0, 0.0], 1).unwrap();
        assert!(found.ci_low < -4.0 && found.ci_high > 7.0);
        let panel = clustered_diebold_mariano(&[1.0, 2.0], &[0.0; 2], &[0, 1]).unwrap();
        assert!((panel.std_error - found.std_error).abs() < 1e-12);
    }

    #[test]
    fn accounts_keep_the_size_where_rows_taken_for_a_series_lose_it() {
        let (mut by_row, mut by_account) = (0, 0);
        for replication in 0..300 {
            let draws = Streams::new(5).replication(replication).global(Purpose::Outcome);
            let mut stream = draws.stream(0);
            let (mut loss, mut account) = (vec![], vec![]);
            for unit in 0..40 {
                let level: f64 = stream.sample(StandardNormal);
                for _ in 0..10 {
                    let noise: f64 = stream.sample(StandardNormal);
                    loss.push(level + noise);
                    account.push(unit);
                }
            }
            let zero = vec![0.0; loss.len()];
            by_row += usize::from(diebold_mariano(&loss, &zero, 1).unwrap().p_value < 0.05);
            let panel = clustered_diebold_mariano(&loss, &zero, &account).unwrap();
            by_account += usize::from(panel.p_value < 0.05);
        }
        // Binomial limit for 5 % of 300 at the one-sided 1 % level: 24.
        assert!(by_account <= 24, "{by_account} of 300");
        assert!(by_row > 90, "{by_row} of 300");
    }
}
