//! `expected.json`: what a run must find again, counts exactly, estimates to a stated tolerance.

use serde::{Deserialize, Serialize};

use crate::hypothesis::{Decision, Rung};
use crate::report::Results;

/// What a profile of an experiment is expected to find.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// World, or name of the log.
    pub world: String,
    /// Accounts, exactly.
    pub n_accounts: u64,
    /// Interactions, exactly.
    pub n_interactions: u64,
    /// Account-months in the panel, exactly.
    pub n_account_months: u64,
    /// Verdict and highest rung by hypothesis.
    pub verdicts: Vec<(String, Decision, Option<Rung>)>,
    /// Estimates.
    pub findings: Vec<ExpectedFinding>,
}

/// One expected estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFinding {
    /// Score.
    pub score: String,
    /// Outcome.
    pub outcome: String,
    /// Horizon \[months\].
    pub horizon_months: i32,
    /// Statistic.
    pub statistic: String,
    /// Estimate.
    pub estimate: f64,
    /// Largest allowed absolute difference.
    pub tolerance: f64,
}

impl Expectation {
    /// What `results` hold, as an expectation: the findings of hypotheses, with `tolerance`.
    pub fn of(results: &Results, tolerance: f64) -> Vec<Self> {
        results
            .worlds
            .iter()
            .map(|world| Self {
                world: world.name.clone(),
                n_accounts: world.data.n_accounts,
                n_interactions: world.data.n_interactions,
                n_account_months: world.data.n_account_months,
                verdicts: world
                    .verdicts
                    .iter()
                    .map(|v| (v.hypothesis.clone(), v.verdict, v.rung))
                    .collect(),
                findings: world
                    .findings
                    .iter()
                    .filter(|finding| finding.hypothesis.is_some())
                    .filter_map(|finding| {
                        Some(ExpectedFinding {
                            score: finding.score.clone(),
                            outcome: finding.outcome.clone(),
                            horizon_months: finding.horizon_months,
                            statistic: finding.statistic.clone(),
                            estimate: finding.estimate?,
                            tolerance,
                        })
                    })
                    .collect(),
            })
            .collect()
    }
}

/// Everything in which `results` are not as expected; empty when they are.
pub fn check_expectations(expected: &[Expectation], results: &Results) -> Vec<String> {
    let mut differences = Vec::new();
    for expectation in expected {
        let Some(world) = results.worlds.iter().find(|w| w.name == expectation.world) else {
            differences.push(format!("no results on `{}`", expectation.world));
            continue;
        };
        let name = &world.name;
        let counts = [
            ("accounts", world.data.n_accounts, expectation.n_accounts),
            ("interactions", world.data.n_interactions, expectation.n_interactions),
            ("account-months", world.data.n_account_months, expectation.n_account_months),
        ];
        for (what, found, expected) in counts {
            if found != expected {
                differences.push(format!("{name}: {found} {what}, expected {expected}"));
            }
        }
        for (hypothesis, verdict, rung) in &expectation.verdicts {
            let found = world.verdicts.iter().find(|v| v.hypothesis == *hypothesis);
            let found = found.map(|v| (v.verdict, v.rung));
            if found != Some((*verdict, *rung)) {
                differences.push(format!(
                    "{name}: {hypothesis} is {found:?}, expected {:?}",
                    (verdict, rung)
                ));
            }
        }
        for expected in &expectation.findings {
            let found = world.findings.iter().find(|f| {
                f.score == expected.score
                    && f.outcome == expected.outcome
                    && f.horizon_months == expected.horizon_months
                    && f.statistic == expected.statistic
            });
            let estimate = found.and_then(|finding| finding.estimate);
            if !estimate.is_some_and(|e| (e - expected.estimate).abs() <= expected.tolerance) {
                differences.push(format!(
                    "{name}: {} of `{}` on `{}` at {} is {estimate:?}, expected {} ± {}",
                    expected.statistic,
                    expected.score,
                    expected.outcome,
                    expected.horizon_months,
                    expected.estimate,
                    expected.tolerance
                ));
            }
        }
    }
    differences
}
