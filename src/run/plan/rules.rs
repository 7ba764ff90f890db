//! Rules of a plan that its types cannot hold.

use std::ops::Range;

use super::{MAX_MONTHS, Plan};
use crate::backtest::BacktestParams;
use crate::diagnostic::nearest;
use crate::hypothesis::Delta;
use crate::panel::Relative;
use crate::patterns::PatternError;
use crate::policy::GoodwillParams;
use crate::score::ScoreSpec;
use crate::time::Calendar;

/// Table and key, what is wrong, and how to mend it.
pub(in crate::run) type Broken = ((&'static str, &'static str), String, Option<String>);

pub(super) fn broken_rules(plan: &Plan) -> Vec<Broken> {
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
        [("patterns", plan.patterns.check()), ("exceptions", plan.exceptions.check())]
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
    broken.extend(crate::run::weights::broken_weights(plan));
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
pub(super) fn find_key(text: &str, table: &str, key: &str) -> Range<usize> {
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
