//! *Robust*: does the association keep its sign within accounts and in every stratum?

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::backtest::AccountGroup;
use crate::stats::{StatsError, cluster_ewc};

use super::core::Hypothesis;
use super::view::View;

/// One sign that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Where: `within accounts`, or a stratum.
    pub place: String,
    /// The statistic there less its null value.
    pub estimate: f64,
    /// Its standard error; absent where too little varies.
    pub std_error: Option<f64>,
    /// Degrees of freedom, with the standard error.
    pub df: Option<f64>,
}

impl Check {
    /// Upper end of the interval at `level` over `checks` of them (Bonferroni).
    pub(super) fn upper(&self, level: f64, checks: usize) -> Option<f64> {
        let law = StudentsT::new(0.0, 1.0, self.df?).ok()?;
        let t = law.inverse_cdf(1.0 - level / 2.0 / checks as f64);
        Some(self.estimate + t * self.std_error?)
    }
}

/// All checks of one hypothesis.
#[derive(Debug, Clone, PartialEq)]
pub struct Robustness {
    /// Each sign that could be looked at.
    pub checks: Vec<Check>,
    /// p-value of the association itself: histories of other accounts do not do as well.
    pub p_value: f64,
    /// Checks that could not be computed, and why.
    pub skipped: Vec<String>,
}

impl Robustness {
    pub(super) fn of(
        hypothesis: &Hypothesis,
        view: &View<'_>,
        strata: &[AccountGroup],
        p_value: f64,
    ) -> Result<Self, StatsError> {
        let mut found = Self { checks: Vec::new(), p_value, skipped: Vec::new() };
        let mut problem = None;
        let mut look = |place: &str, view: &View<'_>| match check(hypothesis, place, view) {
            Ok(check) => found.checks.push(check),
            Err(error) => {
                found.skipped.push(format!("{place}: {error}"));
                problem = Some(error);
            }
        };
        let mut few = view.clone();
        (few.min_accounts, few.min_exits) = (FEWEST, 1);
        if hypothesis.within {
            look("within accounts", &few.within_accounts(hypothesis.statistic));
        }
        for stratum in strata {
            look(&stratum.name, &few.kept(|cell| stratum.cells[cell]));
        }
        match problem {
            Some(error) if found.checks.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// Whether every sign is the claimed one, and the association is more than chance.
    pub fn holds(&self, level: f64) -> bool {
        self.p_value <= level && self.checks.iter().all(|check| check.estimate > 0.0)
    }

    /// The check that speaks most against the claim.
    pub fn weakest(&self) -> Option<&Check> {
        self.checks.iter().min_by(|a, b| a.estimate.total_cmp(&b.estimate))
    }
}

/// Fewest accounts of a stratum at a date.
const FEWEST: usize = 5;

fn check(hypothesis: &Hypothesis, place: &str, view: &View<'_>) -> Result<Check, StatsError> {
    let statistic = view.measure(hypothesis.statistic)?;
    let inference = cluster_ewc(&statistic, hypothesis.statistic.null()).ok();
    Ok(Check {
        place: place.to_owned(),
        estimate: statistic.estimate - hypothesis.statistic.null(),
        std_error: inference.as_ref().map(|inference| inference.std_error),
        df: inference.map(|inference| inference.df),
    })
}
