//! A plan: one strict TOML file that says everything a run depends on.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::backtest::{BacktestParams, WeightParams};
use crate::diagnostic::{Problems, Source, nearest};
use crate::hypothesis::{Delta, Hypotheses};
use crate::panel::Relative;
use crate::patterns::{ExceptionParams, PatternError, PatternParams};
use crate::policy::GoodwillParams;
use crate::rng::Streams;
use crate::score::ScoreSpec;
use crate::time::{Calendar, Month};

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

/// Table and key, what is wrong, and how to mend it.
pub(super) type Broken = ((&'static str, &'static str), String, Option<String>);

fn broken_rules(plan: &Plan) -> Vec<Broken> {
    let mut broken: Vec<Broken> = Vec::new();
    let name = &plan.run.name;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_plain) {
        let message = format!("`name` is `{name}`, expected letters, digits, `-` and `_`");
        broken.push((("run", "name"), message, None));
    }
    if let Err(error) = Calendar::new(&plan.run.time_zone) {
        broken.push((("run", "time_zone"), error.to_string(), None));
    }
    match (&plan.world, &plan.data) {
        (Some(_), None) | (None, Some(_)) => {}
        (Some(_), Some(_)) => broken.push((
            ("data", ""),
            "the plan has both `[world]` and `[data]`, expected one of them".to_owned(),
            None,
        )),
        (None, None) => broken.push((
            ("run", ""),
            "the plan has neither `[world]` nor `[data]`".to_owned(),
            Some("add `[world]` to simulate, or `[data]` to read a log".to_owned()),
        )),
    }
    if let Some(data) = &plan.data {
        let (log, mapping) = (data.log.is_some(), data.mapping.is_some());
        if log == mapping {
            let found = if log { "both" } else { "neither" };
            let message = format!("`[data]` has {found} of `log` and `mapping`, expected one");
            broken.push((("data", ""), message, None));
        }
        if data.folder.is_some() && data.fetched.is_some() {
            let message = "`[data]` has both `folder` and `fetched`, expected one".to_owned();
            broken.push((("data", ""), message, None));
        }
    }
    if let Some(world) = &plan.world {
        if world.accounts == 0 {
            broken.push((
                ("world", "accounts"),
                "`accounts` is 0, expected at least 1".to_owned(),
                None,
            ));
        }
        if !(1..=MAX_MONTHS).contains(&world.months) {
            let message = format!("`months` is {}, expected 1 to {MAX_MONTHS}", world.months);
            broken.push((("world", "months"), message, None));
        }
    }
    for (key, months) in [
        ("warm_up_months", plan.panel.warm_up_months),
        ("min_age_months", plan.panel.min_age_months),
    ] {
        if months > MAX_MONTHS {
            let message = format!("`{key}` is {months}, expected at most {MAX_MONTHS}");
            broken.push((("panel", key), message, None));
        }
    }
    broken.extend(broken_scores(plan));
    broken.extend(broken_backtest(&plan.backtest));
    for (table, checked) in
        [("patterns", plan.patterns.check()), ("exceptions", plan.exceptions.chart().map(|_| ()))]
    {
        match checked {
            Err(PatternError::InvalidParameter { name, value, expected }) => {
                let message = format!("`{name}` is {value}, expected {expected}");
                broken.push(((table, name), message, None));
            }
            Err(error) => broken.push(((table, ""), error.to_string(), None)),
            Ok(()) => {}
        }
    }
    broken.extend(plan.goodwill.iter().flat_map(|params| broken_goodwill(plan, params)));
    broken.extend(super::weights::broken_weights(plan));
    broken.extend(broken_gates(plan));
    broken
}

fn broken_goodwill(plan: &Plan, params: &GoodwillParams) -> Vec<Broken> {
    let of_value =
        |(key, rule): (&'static str, String)| (("goodwill", key), format!("`{key}` {rule}"), None);
    let known: Vec<String> = plan
        .score
        .scores
        .iter()
        .chain(&plan.score.baselines)
        .filter_map(|spec| spec.build().ok().map(|score| score.name()))
        .chain(plan.score.relative.iter().map(Relative::name))
        .collect();
    let named = params.score.iter().map(|name| ("score", name));
    let held = params.controls.iter().map(|name| ("controls", name));
    let unknown = named.chain(held).filter(|(_, name)| !known.contains(name)).map(|(key, name)| {
        let message = format!("`{key}` names the score `{name}`, which `[score]` lacks");
        let help = nearest(name, known.iter().map(String::as_str))
            .map(|near| format!("did you mean `{near}`?"))
            .or_else(|| Some(format!("the plan's scores: {}", known.join(", "))));
        (("goodwill", key), message, help)
    });
    params.broken_rules().into_iter().map(of_value).chain(unknown).collect()
}

/// What is wrong with a score that is seen beside others, given the names before it.
fn broken_relative(relative: &Relative, names: &[(String, bool)]) -> Vec<Broken> {
    let known = || names.iter().map(|(name, _)| name.as_str());
    let place = ("score", "relative");
    let missing = |needed: &str| {
        let message = format!("`relative` needs the score `{needed}`, which `[score]` lacks");
        let help = nearest(needed, known()).map(|near| format!("did you mean `{near}`?"));
        (place, message, help)
    };
    let mut broken: Vec<Broken> = relative
        .needs()
        .into_iter()
        .filter(|needed| known().all(|name| name != *needed))
        .map(missing)
        .collect();
    let name = relative.name();
    if known().any(|known| known == name) {
        broken.push((place, format!("score `{name}` is named twice"), None));
    }
    broken
}

/// Why no verdict can come from the score that the hypothesis `key` names.
fn unfit(plan: &Plan, key: &'static str, score: &str) -> Vec<Broken> {
    let is_meant = |spec: &&ScoreSpec| spec.build().is_ok_and(|built| built.name() == score);
    let named =
        |specs: &'_ [ScoreSpec]| specs.iter().find(is_meant).map(ScoreSpec::reads_transactions);
    if let Some(relative) = plan.score.relative.iter().find(|relative| relative.name() == score) {
        return relative.needs().into_iter().flat_map(|needed| unfit(plan, key, needed)).collect();
    }
    let mut broken = Vec::new();
    if named(&plan.score.scores) == Some(true) {
        let message = format!(
            "`{key}` names `{score}`, which reads purchases: outcomes in disguise give no verdict \
             (rule R1)"
        );
        broken.push((("hypotheses", key), message, None));
    }
    if named(&plan.score.baselines).is_some() {
        let message = format!("`{key}` names the baseline `{score}`, expected a score under test");
        broken.push((("hypotheses", key), message, None));
    }
    broken
}

fn broken_scores(plan: &Plan) -> Vec<Broken> {
    let mut broken: Vec<Broken> = Vec::new();
    let mut names: Vec<(String, bool)> = Vec::new();
    for spec in plan.score.scores.iter().chain(&plan.score.baselines) {
        match spec.build() {
            Ok(score) if names.iter().any(|(name, _)| *name == score.name()) => {
                broken.push((
                    ("score", ""),
                    format!("score `{}` is named twice", score.name()),
                    None,
                ));
            }
            Ok(score) => names.push((score.name(), score.accumulates())),
            Err(error) => broken.push((("score", ""), error.to_string(), None)),
        }
    }
    for relative in &plan.score.relative {
        broken.extend(broken_relative(relative, &names));
        names.push((relative.name(), false));
    }
    if plan.score.scores.is_empty() {
        let message = "`scores` is empty, expected at least one".to_owned();
        broken.push((("score", "scores"), message, None));
    }
    for (id, hypothesis) in &plan.hypotheses {
        let key = id.name();
        let Some((_, accumulates)) = names.iter().find(|(name, _)| *name == hypothesis.score)
        else {
            let known = names.iter().map(|(name, _)| name.as_str());
            let help = nearest(&hypothesis.score, known.clone())
                .map(|near| format!("did you mean `{near}`?"))
                .or_else(|| {
                    Some(format!("the plan's scores: {}", known.collect::<Vec<_>>().join(", ")))
                });
            let message =
                format!("`{key}` names the score `{}`, which `[score]` lacks", hypothesis.score);
            broken.push((("hypotheses", key), message, help));
            continue;
        };
        let refused = crate::backtest::refuse_level_on_level(
            &hypothesis.score,
            *accumulates,
            hypothesis.outcome,
        );
        if let Err(reason) = refused {
            broken.push((("hypotheses", key), reason.to_string(), None));
        } else if hypothesis.outcome.is_cumulative() {
            let message = format!(
                "`{key}` is on `{}`, which holds what came before the date too; expected an \
                 outcome over the horizon",
                hypothesis.outcome.name()
            );
            broken.push((("hypotheses", key), message, None));
        }
        broken.extend(unfit(plan, key, &hypothesis.score));
        let outcomes = id.hypothesis().outcomes;
        if !outcomes.contains(&hypothesis.outcome) && !hypothesis.outcome.is_cumulative() {
            let names: Vec<String> =
                outcomes.iter().map(|outcome| format!("`{}`", outcome.name())).collect();
            let message = format!(
                "`{key}` is on `{}`, expected {}",
                hypothesis.outcome.name(),
                names.join(" or ")
            );
            broken.push((("hypotheses", key), message, None));
        }
        if !(1..=MAX_MONTHS).contains(&hypothesis.horizon) {
            let message = format!(
                "`{key}` has a horizon of {} months, expected 1 to {MAX_MONTHS}",
                hypothesis.horizon
            );
            broken.push((("hypotheses", key), message, None));
        }
        let Delta { associated, leads, adds } = hypothesis.delta;
        for (rung, delta) in [("associated", associated), ("leads", leads), ("adds", adds)] {
            if !(delta.is_finite() && delta > 0.0) {
                let message = format!(
                    "smallest relevant effect `{rung}` of `{key}` is {delta}, expected a positive \
                     number"
                );
                broken.push((("hypotheses", key), message, None));
            }
        }
    }
    broken
}

fn broken_gates(plan: &Plan) -> Vec<Broken> {
    let judged: Vec<&str> = plan.hypotheses.keys().map(|id| id.name()).collect();
    let unjudged =
        plan.gates.iter().filter(|(_, gate)| !judged.contains(&gate.hypothesis.as_str()));
    unjudged
        .map(|(name, gate)| {
            let message = format!(
                "gate `{name}` names the hypothesis `{}`, which the plan does not state",
                gate.hypothesis
            );
            (("gates", ""), message, Some(format!("`[hypotheses]` has: {}", judged.join(", "))))
        })
        .collect()
}

fn broken_backtest(params: &BacktestParams) -> Vec<Broken> {
    let twice =
        |horizons: &[u32]| (1..horizons.len()).any(|i| horizons[..i].contains(&horizons[i]));
    let out_of_range = |horizons: &[u32]| horizons.iter().any(|h| !(1..=MAX_MONTHS).contains(h));
    [
        (
            out_of_range(&params.horizons),
            "horizons",
            "`horizons` has one outside 1 to 1200 months, expected all inside",
        ),
        (
            out_of_range(&params.lead_lag),
            "lead_lag",
            "`lead_lag` has a horizon outside 1 to 1200 months, expected all inside",
        ),
        (params.outcomes.is_empty(), "outcomes", "`outcomes` is empty, expected at least one"),
        (params.horizons.is_empty(), "horizons", "`horizons` is empty, expected at least one"),
        (
            params.permutations < 19,
            "permutations",
            "fewer than 19 permutations cannot give p ≤ .05",
        ),
        (params.resamples < 99, "resamples", "fewer than 99 resamples give no 95 % interval"),
        (params.quantiles < 2, "quantiles", "fewer than 2 quantiles have no spread"),
        (params.min_accounts < 5, "min_accounts", "a rank correlation needs at least 5 accounts"),
        (
            !(2..=100).contains(&params.account_groups),
            "account_groups",
            "`account_groups` is outside 2 to 100: someone must be left to train on",
        ),
        (
            params.attrition_lead_months == 0,
            "attrition_lead_months",
            "a lead of 0 months is no lead",
        ),
        (twice(&params.horizons), "horizons", "`horizons` names one twice"),
    ]
    .into_iter()
    .filter(|(is_broken, _, _)| *is_broken)
    .map(|(_, key, message)| (("backtest", key), message.to_owned(), None))
    .collect()
}

/// Where `key` of `table` stands in a TOML text, as a line or as a table of its own; the head of
/// `table` when it is not there, or else the start.
fn find_key(text: &str, table: &str, key: &str) -> Range<usize> {
    let ends = |c: char| c.is_alphanumeric() || c == '_';
    let begins = |line: &str, word: &str| {
        line.strip_prefix(word).is_some_and(|rest| !rest.starts_with(ends))
    };
    let mut head = 0..0;
    let mut inside = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let whole = start..start + line.trim_end().len();
        start += line.len();
        if let Some(name) = line.trim_start().strip_prefix('[') {
            inside = begins(name, table);
            let of_key = inside && !key.is_empty() && begins(name, &format!("{table}.{key}"));
            if of_key {
                return whole;
            }
            if inside && head.is_empty() {
                head = whole;
            }
        } else if inside && !key.is_empty() && begins(line.trim_start(), key) {
            return whole;
        }
    }
    head
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
