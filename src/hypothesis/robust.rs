//! *Robust*: does the association keep its sign within accounts and in every stratum?

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::panel::Panel;
use crate::stats::{StatsError, cluster_ewc, quantile_groups};

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
        strata: &[Stratum],
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

/// Cells of the panel that are looked at together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stratum {
    name: String,
    /// Shape `(accounts, months)`.
    cells: Vec<bool>,
}

/// Each segment, and each third of size and of tenure at its date.
pub(super) fn strata_of(panel: &Panel) -> Vec<Stratum> {
    let (accounts, months) = (panel.accounts(), panel.months());
    let mut strata = Vec::new();
    let mut segments: Vec<&str> =
        accounts.iter().filter_map(|account| account.segment.as_deref()).collect();
    segments.sort_unstable();
    segments.dedup();
    let of_accounts = |name: String, keep: &dyn Fn(usize) -> bool| {
        let cells = (0..accounts.len() * months).map(|cell| keep(cell / months)).collect();
        Stratum { name, cells }
    };
    if segments.len() > 1 {
        for segment in &segments {
            let name = format!("segment `{segment}`");
            let inside = |account: usize| accounts[account].segment.as_deref() == Some(segment);
            strata.push(of_accounts(name, &inside));
        }
    }
    let sized: Vec<usize> = (0..accounts.len()).filter(|&a| accounts[a].size.is_some()).collect();
    let sizes: Vec<f64> = sized.iter().map(|&a| accounts[a].size.unwrap_or(0.0)).collect();
    let mut third = vec![None; accounts.len()];
    for (&account, group) in sized.iter().zip(quantile_groups(&sizes, THIRDS.len())) {
        third[account] = Some(group);
    }
    for (group, words) in THIRDS.iter().enumerate() {
        if sized.len() > THIRDS.len() {
            let name = format!("{words} third of size");
            strata.push(of_accounts(name, &|account: usize| third[account] == Some(group)));
        }
    }
    strata.extend(thirds_of_tenure(panel));
    strata
}

const THIRDS: [&str; 3] = ["lowest", "middle", "highest"];

fn thirds_of_tenure(panel: &Panel) -> Vec<Stratum> {
    let (accounts, months) = (panel.accounts(), panel.months());
    let mut cells = vec![vec![false; accounts.len() * months]; THIRDS.len()];
    for month in 0..months {
        let active: Vec<usize> =
            (0..accounts.len()).filter(|&account| panel.is_active(account, month)).collect();
        let ages: Vec<f64> = active
            .iter()
            .map(|&account| f64::from(month as i32 - accounts[account].entry))
            .collect();
        for (&account, group) in active.iter().zip(quantile_groups(&ages, THIRDS.len())) {
            cells[group][account * months + month] = true;
        }
    }
    let named = THIRDS.iter().zip(cells);
    named
        .map(|(words, cells)| Stratum { name: format!("{words} third of tenure"), cells })
        .collect()
}
