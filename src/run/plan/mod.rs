//! A plan: one strict TOML file that says everything a run depends on.

mod rules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::backtest::{BacktestParams, WeightParams};
use crate::diagnostic::{Problems, Source};
use crate::hypothesis::Hypotheses;
use crate::panel::Relative;
use crate::patterns::{ExceptionParams, PatternParams};
use crate::policy::GoodwillParams;
use crate::rng::Streams;
use crate::score::ScoreSpec;
use crate::time::Month;

pub(super) use rules::Broken;
use rules::{broken_rules, find_key};

/// A plan as written, checked for keys and kinds of values.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `[run]`.
    pub run: RunParams,
    /// `[world]`: simulate.
    pub world: Option<WorldParams>,
    /// `[data]`: read a real log.
    pub data: Option<DataParams>,
    /// `[score]`.
    #[serde(default)]
    pub score: ScoreParams,
    /// `[panel]`.
    #[serde(default)]
    pub panel: PanelSection,
    /// `[backtest]`.
    #[serde(default)]
    pub backtest: BacktestParams,
    /// `[hypotheses]`.
    #[serde(default)]
    pub hypotheses: Hypotheses,
    /// `[patterns]`.
    #[serde(default)]
    pub patterns: PatternParams,
    /// `[exceptions]`.
    #[serde(default)]
    pub exceptions: ExceptionParams,
    /// `[goodwill]`: what today's relationships are worth; not computed when absent.
    pub goodwill: Option<GoodwillParams>,
    /// `[weights]`: learned weights and rank flips; not run when absent.
    pub weights: Option<WeightParams>,
    /// `[gates]`: expectations that end a run with exit code 1.
    #[serde(default)]
    pub gates: BTreeMap<String, Gate>,
    /// `[profiles.NAME]`: tables laid over the plan.
    #[serde(default)]
    pub profiles: BTreeMap<String, toml::Table>,
}

/// `[run]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunParams {
    /// Name of the run: letters, digits, `-` and `_`.
    pub name: String,
    /// Root seed.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Number of the replication: another one is another cohort of the same seed.
    #[serde(default)]
    pub replication: u32,
    /// Currency of every amount.
    #[serde(default = "default_currency")]
    pub currency: String,
    /// IANA time zone of the months.
    #[serde(default = "default_time_zone")]
    pub time_zone: String,
}

impl RunParams {
    /// Every random draw of the run.
    pub fn streams(&self) -> Streams {
        Streams::new(self.seed).replication(self.replication)
    }
}

fn default_seed() -> u64 {
    1
}

fn default_currency() -> String {
    "EUR".to_owned()
}

fn default_time_zone() -> String {
    "UTC".to_owned()
}

/// `[world]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldParams {
    /// Built-in world or TOML file.
    pub world: String,
    /// Worlds run beside it with everything else equal; the null must be among them.
    #[serde(default = "default_beside")]
    pub beside: Vec<String>,
    /// Flow file; the built-in business-to-business flow when absent.
    pub flow: Option<PathBuf>,
    /// Accounts that ever exist.
    pub accounts: u32,
    /// First month of the log.
    pub start: Month,
    /// Length of the log \[months\].
    pub months: u32,
}

fn default_beside() -> Vec<String> {
    vec!["irrelevant".to_owned()]
}

/// `[data]`: an export with its mapping, or a log folder that `rvq ingest` wrote.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataParams {
    /// Log folder.
    pub log: Option<PathBuf>,
    /// Mapping of an export's columns.
    pub mapping: Option<PathBuf>,
    /// Folder of the export; the mapping's folder when absent.
    pub folder: Option<PathBuf>,
    /// Public log fetched by `data/fetch NAME`, in place of `folder`.
    pub fetched: Option<String>,
    /// Flow that plans the interactions of the log, for plan against actual.
    pub flow: Option<PathBuf>,
}

/// `[score]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreParams {
    /// Scores under test.
    pub scores: Vec<ScoreSpec>,
    /// Scores they must beat.
    pub baselines: Vec<ScoreSpec>,
    /// Scores seen within segment and month: further scores under test.
    pub relative: Vec<Relative>,
}

impl Default for ScoreParams {
    fn default() -> Self {
        Self {
            scores: ScoreSpec::default_family(),
            baselines: ScoreSpec::baselines(),
            relative: Vec::new(),
        }
    }
}

/// `[panel]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PanelSection {
    /// Months at the start of the data that only feed the scores.
    pub warm_up_months: u32,
    /// Months as a customer before an account's first row.
    pub min_age_months: u32,
}

impl Default for PanelSection {
    fn default() -> Self {
        Self { warm_up_months: 6, min_age_months: 3 }
    }
}

/// An expectation of a plan: a hypothesis has a verdict in a world.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Hypothesis.
    pub hypothesis: String,
    /// World, or name of the log.
    pub world: String,
    /// Verdict that must come out; or, with `not`, must not.
    pub verdict: crate::hypothesis::Decision,
    /// Turns the expectation round.
    #[serde(default)]
    pub not: bool,
}

/// A plan with its profile and overrides applied, and the text that says so.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedPlan {
    /// The plan.
    pub plan: Plan,
    /// Its text: what `plan.resolved.toml` holds.
    pub text: String,
    /// Profile applied.
    pub profile: String,
    /// Folder that relative paths of the plan start from.
    pub folder: PathBuf,
}

/// Why a plan cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The file cannot be read.
    #[error("cannot read plan `{path}`: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no valid plan: every problem with its place.
    #[error("{0}")]
    Invalid(#[from] Problems),
    /// An override is not `key=value`.
    #[error("`--set {0}` is not `key=value`, such as `world.accounts=500`")]
    NotAnOverride(String),
    /// The plan has no profile of that name.
    #[error("the plan has no profile `{name}`; it has: {known}")]
    UnknownProfile {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

/// Longest log and horizon: a century.
const MAX_MONTHS: u32 = 1_200;

/// The profile that is the plan itself.
pub const FULL: &str = "full";

impl ResolvedPlan {
    /// Reads the plan at `path` and applies a profile and overrides (`key=value`).
    ///
    /// # Errors
    ///
    /// [`PlanError`]: all problems of the file at once, each with line, caret and hint.
    pub fn load(path: &Path, profile: &str, overrides: &[String]) -> Result<Self, PlanError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PlanError::Read { path: path.display().to_string(), source })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let source = Source::new(path.display().to_string(), text);
        Self::resolve(&source, folder, profile, overrides)
    }

    /// As [`load`](Self::load), from a text.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn resolve(
        source: &Source,
        folder: PathBuf,
        profile: &str,
        overrides: &[String],
    ) -> Result<Self, PlanError> {
        let written = check(source)?;
        let mut table: toml::Table =
            toml::from_str(&source.text).expect("a text that was just parsed");
        table.remove("profiles");
        if profile != FULL {
            let laid_over = written.profiles.get(profile).ok_or_else(|| {
                let known: Vec<&str> =
                    written.profiles.keys().map(String::as_str).chain([FULL]).collect();
                PlanError::UnknownProfile { name: profile.to_owned(), known: known.join(", ") }
            })?;
            lay_over(&mut table, laid_over);
        }
        for text in overrides {
            lay_over(&mut table, &parse_override(text)?);
        }
        let text = toml::to_string(&table).expect("a table of plain values");
        let resolved = Source::new("plan.resolved.toml (profile and --set applied)", text.clone());
        Ok(Self { plan: check(&resolved)?, text, profile: profile.to_owned(), folder })
    }

    /// The plan of a run folder, whose text is resolved already.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn reread(text: String, profile: String, folder: PathBuf) -> Result<Self, PlanError> {
        let plan = check(&Source::new("plan.resolved.toml", text.clone()))?;
        Ok(Self { plan, text, profile, folder })
    }

    /// SHA-256 of the resolved text and profile, in hexadecimal.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(format!("{}\n{}", self.profile, self.text)))
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}

fn parse_override(text: &str) -> Result<toml::Table, PlanError> {
    let wrong = || PlanError::NotAnOverride(text.to_owned());
    let (key, value) = text.split_once('=').ok_or_else(wrong)?;
    let plain = format!("{key} = {value}");
    let quoted = format!("{key} = {}", toml::Value::String(value.trim().to_owned()));
    toml::from_str(&plain).or_else(|_| toml::from_str(&quoted)).map_err(|_| wrong())
}

fn lay_over(base: &mut toml::Table, over: &toml::Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => lay_over(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Parses a plan and checks the rules that its types cannot hold.
fn check(source: &Source) -> Result<Plan, Problems> {
    let mut problems = Problems::default();
    let place = problems.add_source(source.clone());
    let Some(plan) = problems.parse_toml::<Plan>(place) else {
        return Err(problems);
    };
    for ((table, key), message, help) in broken_rules(&plan) {
        let span = find_key(&problems.sources()[place].text, table, key);
        problems.add(place, span, message, help);
    }
    problems.into_result(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"
[run]
name = "example"

[world]
world = "informative"
accounts = 100
start = "2020-01"
months = 36

[profiles.smoke.world]
accounts = 20
"#;

    fn resolve(text: &str, profile: &str, overrides: &[&str]) -> Result<ResolvedPlan, PlanError> {
        let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
        let source = Source::new("plan.toml", text);
        ResolvedPlan::resolve(&source, PathBuf::new(), profile, &overrides)
    }

    #[test]
    fn a_profile_and_overrides_are_laid_over_the_plan_in_this_order() {
        let accounts = |plan: &ResolvedPlan| plan.plan.world.as_ref().unwrap().accounts;
        assert_eq!(accounts(&resolve(PLAN, FULL, &[]).unwrap()), 100);
        assert_eq!(accounts(&resolve(PLAN, "smoke", &[]).unwrap()), 20);
        let plan = resolve(PLAN, "smoke", &["world.accounts=7", "world.world=irrelevant"]).unwrap();
        assert_eq!(accounts(&plan), 7);
        assert_eq!(plan.plan.world.unwrap().world, "irrelevant");
        assert_ne!(
            resolve(PLAN, FULL, &[]).unwrap().hash(),
            resolve(PLAN, "smoke", &[]).unwrap().hash()
        );
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_nearest_one() {
        let error =
            resolve(&PLAN.replace("accounts = 100", "acounts = 100"), FULL, &[]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("unknown key `acounts`"), "{text}");
        assert!(text.contains("plan.toml:7:1"), "{text}");
        assert!(text.contains("did you mean `accounts`?"), "{text}");
        let error = resolve(PLAN, FULL, &["world.acounts=9"]).unwrap_err().to_string();
        assert!(error.contains("did you mean `accounts`?"), "{error}");
    }

    #[test]
    fn cumulative_value_against_cumulative_profit_is_refused_with_the_reason() {
        let text = format!(
            "{PLAN}\n[hypotheses.H1]\nscore = \"rv_sum\"\noutcome = \"cumulative_contribution\"\n\
             horizon = 3\ndelta = {{ associated = 0.02, leads = 0.02, adds = 0.002 }}\n"
        );
        let error = resolve(&text, FULL, &[]).unwrap_err().to_string();
        assert!(error.contains("is refused: both grow with tenure"), "{error}");
    }

    #[test]
    fn a_key_is_found_in_its_own_table() {
        let text = "[backtest]\nresamples = 1\n[patterns]\nresamples = 2\n[hypotheses.H1]\n";
        let found = |table, key| &text[find_key(text, table, key)];
        assert_eq!(found("patterns", "resamples"), "resamples = 2");
        assert_eq!(found("patterns", "k_max"), "[patterns]");
        assert_eq!(found("hypotheses", "H1"), "[hypotheses.H1]");
        assert_eq!(found("world", "months"), "");
    }

    #[test]
    fn every_broken_rule_is_reported_at_once() {
        let text = PLAN.replace("months = 36", "months = 0").replace("\"example\"", "\"a b\"");
        let error = resolve(&text, FULL, &[]).unwrap_err().to_string();
        assert!(error.contains("`months` is 0") && error.contains("`name` is `a b`"), "{error}");
    }
}
