//! The information coefficient date by date and group by group, beside the pooled one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::backtest::information::{failed, grid};
use crate::backtest::placebo::Claim;
use crate::backtest::{AccountGroup, BacktestError};
use crate::stats::{PanelStatistic, StatsError, cluster_ewc, equality_test, mean_rank_correlation};

/// The rank correlation at one date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateIc {
    /// Month of the as-of date, `YYYY-MM`.
    pub month: String,
    /// Rank correlation over the accounts of that date.
    pub ic: f64,
}

/// The mean rank correlation in one group of accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupIc {
    /// What the groups differ in.
    pub dimension: String,
    /// The group.
    pub group: String,
    /// Mean rank IC among its accounts.
    pub ic: f64,
    /// Lower end of the 95 % interval; absent where too little varies.
    pub ci_low: Option<f64>,
    /// Upper end of the 95 % interval; absent where too little varies.
    pub ci_high: Option<f64>,
    /// Accounts that contributed.
    pub n_accounts: u64,
    /// Dates that contributed.
    pub n_periods: u64,
}

/// The groups of one dimension taken together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heterogeneity {
    /// What the groups differ in.
    pub dimension: String,
    /// Mean of the groups' ICs, weighted by account-months: who is in which group is held fixed.
    pub stratified: f64,
    /// Wald statistic, F, of equal ICs in all groups.
    pub f: f64,
    /// Its p-value, accounts being independent.
    pub p_value: f64,
    /// Whether the pooled IC is told apart from 0 at 5 %, and so is, with the other sign, the stratified IC or a
    /// group: its p-value times the number of groups (Bonferroni).
    pub reversed: bool,
}

/// One information coefficient by date and by group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IcByGroup {
    /// Score.
    pub score: String,
    /// Outcome.
    pub outcome: String,
    /// Horizon \[months\].
    pub horizon_months: u32,
    /// Mean rank IC over all accounts.
    pub pooled: f64,
    /// By date, in order of time.
    pub dates: Vec<DateIc>,
    /// By group.
    pub groups: Vec<GroupIc>,
    /// By dimension that has two groups or more.
    pub heterogeneity: Vec<Heterogeneity>,
    /// Groups without a figure, and why.
    pub skipped: Vec<String>,
}

/// Level of a reversal.
const LEVEL: f64 = 0.05;
/// Fewest accounts of a group at a date, as in the rung *robust*.
const FEWEST: usize = 5;
/// Fewest accounts of every group, for groups to be compared: influences tell the error of a rank correlation
/// too small where there are fewer.
const LEAST_COMPARED: usize = 40;

/// The information coefficient of a claim by date, and in each of `groups`.
///
/// Ranks are made anew inside a group. A pooled IC mixes what differs between groups with what differs inside
/// them; the stratified one holds only the latter.
///
/// # Errors
///
/// [`BacktestError::Statistic`] when the pooled IC is undefined. A group without one is left out with its reason.
pub fn ic_by_group(claim: &Claim<'_>, groups: &[AccountGroup]) -> Result<IcByGroup, BacktestError> {
    let horizon = claim.horizon as i32;
    let fail = || failed("IC by group", &claim.score.name, claim.outcome, horizon);
    let outcome = claim.panel.outcome(claim.outcome, horizon);
    let ic = |outcome: &[f64], least: usize| {
        let (x, y) = (grid(&claim.score.values, claim.panel)?, grid(outcome, claim.panel)?);
        mean_rank_correlation(x, y, least)
    };
    let pooled = ic(&outcome, claim.params.min_accounts as usize).map_err(fail())?;
    let first = claim.panel.first_month();
    let dated = pooled.per_period.iter().enumerate();
    let dates = dated
        .filter_map(|(month, ic)| {
            Some(DateIc { month: first.plus(month as i32).to_string(), ic: (*ic)? })
        })
        .collect();
    let inside = |group: &AccountGroup| -> Result<PanelStatistic, StatsError> {
        let kept = outcome.iter().zip(&group.cells);
        let own: Vec<f64> =
            kept.map(|(value, inside)| if *inside { *value } else { f64::NAN }).collect();
        ic(&own, FEWEST)
    };
    let mut found = IcByGroup {
        score: claim.score.name.clone(),
        outcome: claim.outcome.name().to_owned(),
        horizon_months: claim.horizon,
        pooled: pooled.estimate,
        dates,
        groups: Vec::new(),
        heterogeneity: Vec::new(),
        skipped: Vec::new(),
    };
    for of_dimension in groups.chunk_by(|a, b| a.dimension == b.dimension) {
        let mut statistics = Vec::new();
        let mut rows = Vec::new();
        for group in of_dimension {
            match inside(group) {
                Ok(statistic) => {
                    rows.push(group_ic(group, &statistic));
                    statistics.push(statistic);
                }
                Err(error) => found.skipped.push(format!("{}: {error}", group.name)),
            }
        }
        let dimension = of_dimension[0].dimension;
        match heterogeneity(dimension, &pooled, &statistics) {
            Ok(together) => found.heterogeneity.push(together),
            Err(_) if statistics.len() < 2 => {}
            Err(error) => found.skipped.push(format!("groups of {dimension} together: {error}")),
        }
        found.groups.extend(rows);
    }
    Ok(found)
}

fn group_ic(group: &AccountGroup, statistic: &PanelStatistic) -> GroupIc {
    let inference = cluster_ewc(statistic, 0.0).ok();
    GroupIc {
        dimension: group.dimension.to_owned(),
        group: group.name.clone(),
        ic: statistic.estimate,
        ci_low: inference.as_ref().map(|inference| inference.ci_low),
        ci_high: inference.as_ref().map(|inference| inference.ci_high),
        n_accounts: statistic.n_units as u64,
        n_periods: statistic.n_periods as u64,
    }
}

fn heterogeneity(
    dimension: &str,
    pooled: &PanelStatistic,
    statistics: &[PanelStatistic],
) -> Result<Heterogeneity, StatsError> {
    if let Some(got) = statistics.iter().map(|s| s.n_units).find(|n| *n < LEAST_COMPARED) {
        let statistic = "equality_test";
        return Err(StatsError::TooFew { statistic, needed: LEAST_COMPARED, got });
    }
    let test = equality_test(statistics)?;
    let pairs: f64 = statistics.iter().map(|s| s.n_pairs as f64).sum();
    let weighted: f64 = statistics.iter().map(|s| s.n_pairs as f64 * s.estimate).sum();
    let stratified = weighted / pairs;
    Ok(Heterogeneity {
        dimension: dimension.to_owned(),
        stratified,
        f: test.f,
        p_value: test.p_value,
        reversed: reverses(pooled, statistics, stratified),
    })
}

/// Whether the groups say, beyond chance, the opposite of the pooled statistic.
fn reverses(pooled: &PanelStatistic, groups: &[PanelStatistic], stratified: f64) -> bool {
    let told_apart = |statistic: &PanelStatistic, tests: usize| {
        cluster_ewc(statistic, 0.0).is_ok_and(|test| test.p_value * tests as f64 <= LEVEL)
    };
    let against = |group: &PanelStatistic| {
        group.estimate * pooled.estimate < 0.0 && told_apart(group, groups.len())
    };
    let together =
        || stratified * pooled.estimate < 0.0 && stratified_is_told_apart(groups, stratified);
    told_apart(pooled, 1) && (groups.iter().any(against) || together())
}

/// Whether the mean of the groups, weighted by account-months, differs from 0: standard errors of
/// [`cluster_ewc`] in each group, the fewest degrees of freedom of all.
fn stratified_is_told_apart(groups: &[PanelStatistic], stratified: f64) -> bool {
    let pairs: f64 = groups.iter().map(|group| group.n_pairs as f64).sum();
    let (mut std_error, mut df) = (0.0, f64::INFINITY);
    for group in groups {
        let Ok(test) = cluster_ewc(group, 0.0) else { return false };
        // Dates may be shared: errors are added as if they went together.
        std_error += group.n_pairs as f64 / pairs * test.std_error;
        df = test.df.min(df);
    }
    let law = StudentsT::new(0.0, 1.0, df);
    law.is_ok_and(|law| 2.0 * law.sf((stratified / std_error).abs()) <= LEVEL)
}
