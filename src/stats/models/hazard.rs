//! The hazard of leaving, period by period.

use super::binary::{BinaryLink, binary_regression};
use super::fitted::{FittedModel, ModelVariance};
use crate::stats::error::{StatsError, check_finite};
use crate::stats::spline::RestrictedCubicSpline;

const NAME: &str = "discrete-time hazard";

/// One row for each period in which an account was at risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonPeriods {
    account: Vec<u32>,
    period: Vec<u32>,
    event: Vec<bool>,
}

impl PersonPeriods {
    /// Rows already split by period, in any order.
    ///
    /// - `account`, `period`, `event`: shape `(n,)`; `event` says whether the account left in that
    ///   period.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`; `TooFew` for no rows; `OutOfRange` when an account has a period twice or a
    /// row after its event.
    pub fn new(account: &[u32], period: &[u32], event: &[bool]) -> Result<Self, StatsError> {
        for right in [period.len(), event.len()] {
            if account.len() != right {
                let left = account.len();
                return Err(StatsError::LengthMismatch { statistic: NAME, left, right });
            }
        }
        if account.is_empty() {
            return Err(StatsError::TooFew { statistic: NAME, needed: 1, got: 0 });
        }
        let mut order: Vec<usize> = (0..account.len()).collect();
        order.sort_by_key(|&row| (account[row], period[row]));
        for pair in order.windows(2).filter(|pair| account[pair[0]] == account[pair[1]]) {
            let (argument, value) = ("period", f64::from(period[pair[1]]));
            if period[pair[0]] == period[pair[1]] {
                let expected = "once for each account";
                return Err(StatsError::OutOfRange { argument, value, expected });
            }
            if event[pair[0]] {
                let expected = "no later than the account's event";
                return Err(StatsError::OutOfRange { argument, value, expected });
            }
        }
        let (account, period, event) = (account.to_vec(), period.to_vec(), event.to_vec());
        Ok(Self { account, period, event })
    }

    /// Splits spells: account i is at risk from `entry[i]` to `exit[i]`, both included, and leaves
    /// in `exit[i]` if `event[i]`, else it is censored at that period's end.
    ///
    /// Rows follow the accounts, each in order of time; account i has the number i.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`; `TooFew` for no spells; `OutOfRange` when one ends before it begins.
    ///
    /// # Examples
    ///
    /// ```
    /// let rows = rvq::stats::PersonPeriods::split(&[0, 2], &[1, 4], &[true, false])?;
    /// assert_eq!(rows.account(), [0, 0, 1, 1, 1]);
    /// assert_eq!(rows.period(), [0, 1, 2, 3, 4]);
    /// assert_eq!(rows.event(), [false, true, false, false, false]);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn split(entry: &[u32], exit: &[u32], event: &[bool]) -> Result<Self, StatsError> {
        for right in [exit.len(), event.len()] {
            if entry.len() != right {
                let left = entry.len();
                return Err(StatsError::LengthMismatch { statistic: NAME, left, right });
            }
        }
        let (mut accounts, mut periods, mut events) = (vec![], vec![], vec![]);
        for (account, (first, last)) in entry.iter().zip(exit).enumerate() {
            if last < first {
                let (argument, value) = ("exit", f64::from(*last));
                let expected = "no earlier than its entry";
                return Err(StatsError::OutOfRange { argument, value, expected });
            }
            for period in *first..=*last {
                accounts.push(account as u32);
                periods.push(period);
                events.push(event[account] && period == *last);
            }
        }
        Self::new(&accounts, &periods, &events)
    }

    /// The account of each row.
    pub fn account(&self) -> &[u32] {
        &self.account
    }

    /// The period of each row.
    pub fn period(&self) -> &[u32] {
        &self.period
    }

    /// Whether the account left in the period of the row.
    pub fn event(&self) -> &[bool] {
        &self.event
    }
}

/// How the hazard moves over periods by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum PeriodEffects {
    /// One level for each period; every period then needs an event and a survivor.
    Dummies,
    /// A smooth curve, linear beyond its outer knots.
    Spline(RestrictedCubicSpline),
}

/// A discrete-time hazard model: the probability of leaving in a period, given one is still there.
///
/// ```text
/// h(t | x) = F(α(t) + x'β)      F: logit or complementary log-log, α: dummies or spline of t
/// ```
///
/// Under the complementary log-log link β are the log hazard ratios of the continuous proportional
/// hazards model observed period by period. Variances are clustered by account.
///
/// # Source
///
/// Prentice and Gloeckler (1978), *Biometrics* 34(1), 57-67; Allison (1982), *Sociological
/// Methodology* 13, 61-98. Parity: R `glm` on person-period rows with `sandwich::vcovCL`,
/// `tests/fixtures/hazard_r.json`, tolerance 1e-8.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscreteHazard {
    /// The intercept, the period effects, then one coefficient for each column; variances
    /// clustered by account.
    pub model: FittedModel,
    /// Events.
    pub n_events: usize,
    link: BinaryLink,
    effects: PeriodEffects,
    periods: Vec<u32>,
}

impl DiscreteHazard {
    /// Fits the hazard.
    ///
    /// - `x`: one row for each of `rows`, shape `(n, columns)`: what was known when its period
    ///   began.
    ///
    /// Dummies: the first period is the level that the intercept has.
    ///
    /// # Errors
    ///
    /// As [`binary_regression`]; `Separation` names the case of a period dummy without events too,
    /// `Constant` that of no event at all (all censored).
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{BinaryLink, DiscreteHazard, PeriodEffects, PersonPeriods};
    /// // Half of four leave in period 0, one of two in period 1.
    /// let rows = PersonPeriods::split(&[0; 4], &[0, 0, 1, 1], &[true, true, true, false])?;
    /// let fit = DiscreteHazard::fit(BinaryLink::Logit, &rows, &[], 0, PeriodEffects::Dummies)?;
    /// assert!((fit.hazard(1, &[]) - 0.5).abs() < 1e-9);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn fit(
        link: BinaryLink,
        rows: &PersonPeriods,
        x: &[f64],
        columns: usize,
        effects: PeriodEffects,
    ) -> Result<Self, StatsError> {
        if x.len() != columns * rows.account.len() {
            let (left, right) = (x.len(), columns * rows.account.len());
            return Err(StatsError::LengthMismatch { statistic: NAME, left, right });
        }
        check_finite(x)?;
        let mut periods = rows.period.clone();
        periods.sort_unstable();
        periods.dedup();
        let mut design = Vec::new();
        for (row, period) in rows.period.iter().enumerate() {
            add_effects(&effects, &periods, *period, &mut design);
            design.extend_from_slice(&x[row * columns..(row + 1) * columns]);
        }
        let width = design.len() / rows.account.len();
        let variance = ModelVariance::Clustered(&rows.account);
        let model = binary_regression(link, &design, width, &rows.event, variance)?;
        let n_events = rows.event.iter().filter(|event| **event).count();
        Ok(Self { model, n_events, link, effects, periods })
    }

    /// The probability of leaving in a period, for one row of the fitted columns.
    ///
    /// With dummies a period that was not fitted has the level of the last one before it, or of the
    /// first.
    pub fn hazard(&self, period: u32, row: &[f64]) -> f64 {
        let known = self.periods.partition_point(|fitted| *fitted <= period).saturating_sub(1);
        let at = match self.effects {
            PeriodEffects::Dummies => self.periods[known],
            PeriodEffects::Spline(_) => period,
        };
        let mut columns = Vec::new();
        add_effects(&self.effects, &self.periods, at, &mut columns);
        columns.extend_from_slice(row);
        self.link.probability(self.model.linear_predictor(&columns))
    }
}

fn add_effects(effects: &PeriodEffects, periods: &[u32], period: u32, row: &mut Vec<f64>) {
    match effects {
        PeriodEffects::Dummies => {
            row.extend(periods[1..].iter().map(|other| f64::from(u8::from(*other == period))));
        }
        PeriodEffects::Spline(spline) => spline.basis(f64::from(period), row),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dummies_without_columns_are_the_life_table() {
        let exit: Vec<u32> = (0..40).map(|i| i * 7 % 4).collect();
        let event: Vec<bool> = (0..40).map(|i| i % 3 != 0).collect();
        let rows = PersonPeriods::split(&[0; 40], &exit, &event).unwrap();
        for link in [BinaryLink::Logit, BinaryLink::ComplementaryLogLog] {
            let fit = DiscreteHazard::fit(link, &rows, &[], 0, PeriodEffects::Dummies).unwrap();
            for period in 0..4 {
                let at = |i: &usize| rows.period[*i] == period;
                let at_risk = (0..rows.period.len()).filter(at).count() as f64;
                let left = (0..rows.period.len()).filter(at).filter(|i| rows.event[*i]).count();
                assert!((fit.hazard(period, &[]) - left as f64 / at_risk).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_spline_costs_fewer_columns_and_reads_any_period() {
        let exit: Vec<u32> = (0..60).map(|i| i * 11 % 20).collect();
        let event: Vec<bool> = (0..60).map(|i| i % 4 != 0).collect();
        let rows = PersonPeriods::split(&[0; 60], &exit, &event).unwrap();
        let spline = RestrictedCubicSpline::new(vec![2.0, 9.0, 16.0]).unwrap();
        let link = BinaryLink::ComplementaryLogLog;
        let fit = DiscreteHazard::fit(link, &rows, &[], 0, PeriodEffects::Spline(spline)).unwrap();
        assert_eq!(fit.model.coefficients.len(), 3);
        assert!(fit.hazard(25, &[]) > 0.0 && fit.hazard(25, &[]) < 1.0);
    }

    #[test]
    fn all_censored_and_a_period_without_events_are_errors() {
        let fit = |event: &[bool]| {
            let rows = PersonPeriods::split(&[0; 6], &[0, 1, 1, 2, 2, 2], event).unwrap();
            DiscreteHazard::fit(BinaryLink::Logit, &rows, &[], 0, PeriodEffects::Dummies)
        };
        assert!(matches!(fit(&[false; 6]), Err(StatsError::Constant { .. })));
        let none_in_the_middle = [true, false, false, true, false, true];
        assert!(matches!(fit(&none_in_the_middle), Err(StatsError::Separation { .. })));
    }

    #[test]
    fn bad_rows_are_errors() {
        assert!(PersonPeriods::new(&[1, 1], &[0, 0], &[false, false]).is_err());
        assert!(PersonPeriods::new(&[1, 1], &[1, 0], &[false, true]).is_err());
        assert!(PersonPeriods::new(&[], &[], &[]).is_err());
        assert!(PersonPeriods::split(&[3], &[2], &[true]).is_err());
        let rows = PersonPeriods::split(&[0], &[2], &[true]).unwrap();
        let (link, effects) = (BinaryLink::Logit, PeriodEffects::Dummies);
        assert!(DiscreteHazard::fit(link, &rows, &[1.0], 1, effects).is_err());
    }
}
