//! `results.json`: the public, versioned result of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backtest::{
    EventStudy, Finding, IcByGroup, LateRows, LeakageLift, LearnedWeights, Migration, Monotonicity,
    Placebo, Power, RankFlips, SignCheck,
};
use crate::hypothesis::Verdict;
use crate::journey::{DataMapFigures, PlanFigures};
use crate::patterns::{Exceptions, PatternSummary};
use crate::policy::Goodwill;
use crate::relationship::{ExchangeFigures, RivalFigures};

/// Version of the layout of `results.json`.
pub const SCHEMA_VERSION: &str = "1.4";

/// Everything a run found, for machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// [`SCHEMA_VERSION`].
    pub schema_version: String,
    /// What was run.
    pub run: RunInfo,
    /// One entry per data set of the run; a simulated run holds its world and the irrelevant one.
    pub worlds: Vec<WorldResults>,
    /// Everything a reader must know before believing a number.
    pub warnings: Vec<String>,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunInfo {
    /// Name in the plan.
    pub name: String,
    /// Content hash of plan, inputs and version.
    pub id: String,
    /// Version of rvq.
    pub version: String,
    /// Root seed.
    pub seed: u64,
    /// Currency of every amount.
    pub currency: String,
    /// Time zone of the months.
    pub time_zone: String,
    /// Profile, `full` or `smoke`.
    pub profile: String,
    /// Whether the data are simulated: then results are "planted, recovered", never "found".
    pub simulated: bool,
}

/// The results on one data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorldResults {
    /// World of a simulation, or name of the log.
    pub name: String,
    /// What is true in it, in one paragraph (simulated), or what it can show (real).
    pub description: String,
    /// Counts, span and dropped rows.
    pub data: DataInfo,
    /// The starting benchmark; absent when the log has no gross profit.
    pub benchmark: Option<Benchmark>,
    /// What stands beside the score.
    pub beside: Beside,
    /// What each hypothesis could show on these data, stated before its verdict.
    pub power: Vec<HypothesisPower>,
    /// Every estimate.
    pub findings: Vec<Finding>,
    /// Every decision.
    pub verdicts: Vec<Verdict>,
    /// Patterns; empty when no stable pattern was found.
    pub patterns: Vec<PatternSummary>,
    /// Why there are no patterns, when there are none.
    pub patterns_note: Option<String>,
    /// Relationships that fell out of pattern; absent where none could be charted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceptions: Option<Exceptions>,
    /// Learned weights and rank flips; absent where the plan does not ask for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightResults>,
    /// Which interactions have data; absent in results of version 1.2 and before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_map: Option<DataMapFigures>,
    /// What stands behind the information coefficients; absent in results of version 1.2 and before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Diagnostics>,
}

/// What stands behind the information coefficients: exploratory, no verdict rests on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diagnostics {
    /// Tests in which nothing may be found.
    pub placebos: Vec<Placebo>,
    /// Rows that became known late.
    pub late_rows: LateRows,
    /// What final data would add.
    pub leakage: Vec<LeakageLift>,
    /// Signs of the interaction types against the catalogue.
    pub signs: SignCheck,
    /// Information coefficients by date and group.
    pub by_group: Vec<IcByGroup>,
    /// Whether outcomes rise with the quantile of the score.
    pub monotonicity: Vec<Monotonicity>,
    /// Migration between quantiles of the focus score; absent where the panel is too short.
    pub migration: Option<Migration>,
    /// The outcome of the focus around moments.
    pub event_study: EventStudy,
}

/// What `[weights]` of the plan brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightResults {
    /// Weights with their null, or why there are none.
    pub learned: LearnedWeights,
    /// How far the ranking of accounts hangs on the expert's numbers; absent where nothing is ranked.
    pub rank_flips: Option<RankFlips>,
}

/// What one hypothesis could show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HypothesisPower {
    /// The hypothesis.
    pub hypothesis: String,
    /// Smallest relevant effect of the rung "associated", as the plan states it.
    pub smallest_relevant_effect: f64,
    /// Probability to find it.
    pub power_at_smallest: f64,
    /// Accounts with which it would be found with 80 % power.
    pub accounts_needed: f64,
    /// Months with which it would; absent where no number of months would do, or `power.lasting` is.
    pub months_needed: Option<f64>,
    /// The test and its power.
    pub power: Power,
}

/// What stands beside the score, and is never added to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// The non-monetary ledger beside contribution; absent when the log has none.
    pub value_exchange: Option<ExchangeFigures>,
    /// Standing against rivals; absent when nobody compared.
    pub rivals: Option<RivalFigures>,
    /// Plan against actual for contacts of new customers; absent without a flow or without any.
    pub plan_against_actual: Option<PlanFigures>,
    /// What today's relationships are worth; absent where the plan does not ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goodwill: Option<Goodwill>,
}

/// Counts, span and dropped rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataInfo {
    /// Accounts.
    pub n_accounts: u64,
    /// Contacts.
    pub n_contacts: u64,
    /// Interactions.
    pub n_interactions: u64,
    /// Exits.
    pub n_exits: u64,
    /// First month of the panel, `YYYY-MM`.
    pub first_month: String,
    /// Last month of the panel, `YYYY-MM`.
    pub last_month: String,
    /// Account-months in the panel.
    pub n_account_months: u64,
    /// Account-months or rows that were left out, by reason.
    pub dropped: Vec<Dropped>,
}

/// Rows left out for one reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dropped {
    /// What was left out of what, and why.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Lower end of the 95 % interval.
    pub ci_low: f64,
    /// Upper end of the 95 % interval.
    pub ci_high: f64,
}

/// The starting benchmark: how concentrated revenue, profit and cost are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Benchmark {
    /// Cost to engage per account, top fifth over the others.
    pub cost_ratio: Interval,
    /// Revenue per account, top fifth over the others.
    pub revenue_ratio: Interval,
    /// Share of revenue held by the top fifth.
    pub top20_revenue_share: Interval,
    /// Share of profit held by the top fifth; above 1 when the others lose money.
    pub top20_profit_share: Interval,
    /// Share of revenue from accounts that were customers a year before.
    pub repeat_revenue_share: Interval,
    /// Exits per account-year.
    pub annual_attrition: Interval,
    /// Accounts in the benchmark.
    pub n_accounts: u64,
}
