//! What the page template is filled with: every number already in words.

use serde::Serialize;

use super::beside::{Section, sections};
use super::diagnostics;
use super::power::sentence;
use super::results::{Results, WorldResults};
use super::weights::{COMPARISON, TYPES, WeightSection, section};
use super::wording::{self, BENCHMARK, count, ends, headline, horizon, number, p_value, plain};
use super::{GateResult, ReportContext};
use crate::backtest::Finding;
use crate::chart::Chart;
use crate::hypothesis::Verdict;

/// Everything on the page, top to bottom.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    title: String,
    planted: Option<&'static str>,
    facts: Vec<Fact>,
    warnings: Vec<String>,
    gates: Vec<Gate>,
    worlds: Vec<World>,
    powers: Vec<String>,
    hypotheses: Vec<Hypothesis>,
    measured_worlds: Vec<String>,
    benchmark: Vec<Measure>,
    limits: Vec<String>,
    methods: Vec<Fact>,
    settings: Vec<String>,
    comparison_heads: [&'static str; 5],
    type_heads: [&'static str; 7],
}

/// A name and what it says.
#[derive(Debug, Serialize)]
struct Fact {
    name: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Gate {
    name: String,
    outcome: &'static str,
    message: String,
}

/// One row of the verdict table: a hypothesis in every world.
#[derive(Debug, Serialize)]
struct Hypothesis {
    name: String,
    claim: String,
    answers: Vec<Answer>,
}

#[derive(Debug, Serialize)]
struct Answer {
    world: String,
    judged: Option<Judged>,
}

#[derive(Debug, Serialize)]
struct Judged {
    words: String,
    class: &'static str,
    why: String,
    headline: Option<Headline>,
    rungs: Vec<Rung>,
}

#[derive(Debug, Serialize)]
struct Headline {
    tested: String,
    estimate: String,
    interval: String,
    p: String,
    detectable: String,
    /// Why there is no estimate, when there is none.
    missing: Option<String>,
}

#[derive(Debug, Serialize)]
struct Rung {
    name: &'static str,
    words: &'static str,
    why: String,
}

#[derive(Debug, Serialize)]
struct Measure {
    name: &'static str,
    values: Vec<String>,
    claim: &'static str,
}

#[derive(Debug, Serialize)]
struct World {
    name: String,
    description: String,
    charts: Vec<Picture>,
    beside: Vec<Section>,
    patterns: Vec<Vec<String>>,
    patterns_note: String,
    weights: Option<WeightSection>,
    data: Vec<Fact>,
    dropped: Vec<Fact>,
    findings: Vec<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct Picture {
    title: String,
    alt: String,
    svg: String,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Page {
    pub(super) fn of(
        results: &Results,
        charts: &[(String, Chart)],
        context: &ReportContext,
    ) -> Self {
        let measured = || results.worlds.iter().filter_map(|w| Some((w, w.benchmark.as_ref()?)));
        let benchmark = BENCHMARK.iter().map(|row| Measure {
            name: row.name,
            values: measured().map(|(_, benchmark)| row.words(benchmark)).collect(),
            claim: row.claim,
        });
        let general = wording::LIMITS.iter().map(|limit| (*limit).to_owned());
        Self {
            title: results.run.name.clone(),
            planted: results.run.simulated.then_some(wording::PLANTED),
            facts: facts(results),
            warnings: results.warnings.iter().map(|w| plain(w)).collect(),
            gates: context.gates.iter().map(gate).collect(),
            worlds: worlds(results, charts),
            powers: powers(results),
            hypotheses: hypotheses(results),
            measured_worlds: measured().map(|(world, _)| world.name.clone()).collect(),
            benchmark: if measured().next().is_some() { benchmark.collect() } else { Vec::new() },
            limits: general.chain(context.limits.iter().map(|limit| plain(limit))).collect(),
            methods: wording::METHODS.iter().map(|(name, text)| fact(name, *text)).collect(),
            settings: context.methods.iter().map(|setting| plain(setting)).collect(),
            comparison_heads: COMPARISON,
            type_heads: TYPES,
        }
    }
}

fn fact(name: &str, text: impl Into<String>) -> Fact {
    Fact { name: name.to_owned(), text: text.into() }
}

fn facts(results: &Results) -> Vec<Fact> {
    let run = &results.run;
    vec![
        fact("Run", run.id.as_str()),
        fact("Version", format!("rvq {}", run.version)),
        fact("Seed", run.seed.to_string()),
        fact("Profile", run.profile.as_str()),
        fact("Currency", run.currency.as_str()),
        fact("Time zone", run.time_zone.as_str()),
    ]
}

fn powers(results: &Results) -> Vec<String> {
    let of = |world: &WorldResults| {
        let name = plain(&world.name);
        let said = world.power.iter().map(move |power| format!("In {name}, {}", sentence(power)));
        said.collect::<Vec<_>>()
    };
    results.worlds.iter().flat_map(of).collect()
}

fn gate(gate: &GateResult) -> Gate {
    Gate {
        name: gate.name.clone(),
        outcome: if gate.passed { "passed" } else { "failed" },
        message: plain(&gate.message),
    }
}

/// Hypotheses in order of first appearance, each with its answer in every world.
fn hypotheses(results: &Results) -> Vec<Hypothesis> {
    let mut rows: Vec<Hypothesis> = Vec::new();
    for verdict in results.worlds.iter().flat_map(|world| &world.verdicts) {
        if rows.iter().any(|row| row.name == verdict.hypothesis) {
            continue;
        }
        let answer = |world: &WorldResults| {
            let here = world.verdicts.iter().find(|v| v.hypothesis == verdict.hypothesis);
            Answer { world: world.name.clone(), judged: here.map(|v| judged(world, v)) }
        };
        rows.push(Hypothesis {
            name: verdict.hypothesis.clone(),
            claim: plain(&verdict.claim),
            answers: results.worlds.iter().map(answer).collect(),
        });
    }
    rows
}

fn judged(world: &WorldResults, verdict: &Verdict) -> Judged {
    let rungs = verdict.rungs.iter().map(|judged| Rung {
        name: wording::rung(judged.rung),
        words: wording::decision(judged.decision),
        why: plain(&judged.why),
    });
    Judged {
        words: wording::verdict(verdict),
        class: wording::decision(verdict.verdict),
        why: plain(&verdict.why),
        headline: headline(world, verdict).map(|finding| Headline {
            tested: format!(
                "{} → {}, {}",
                finding.score,
                finding.outcome,
                horizon(finding.horizon_months)
            ),
            estimate: format!("{} = {}", finding.statistic, number(finding.estimate)),
            interval: ends(finding.ci_low, finding.ci_high),
            p: p_value(finding.p_value),
            detectable: number(finding.detectable_effect),
            missing: finding.estimate.is_none().then(|| plain(&finding.method)),
        }),
        rungs: rungs.collect(),
    }
}

/// The worlds of the results, then those that only have charts.
fn worlds(results: &Results, charts: &[(String, Chart)]) -> Vec<World> {
    let mut worlds: Vec<World> = results.worlds.iter().map(world).collect();
    for (name, chart) in charts {
        let picture = picture(chart);
        match worlds.iter_mut().find(|world| world.name == *name) {
            Some(world) => world.charts.push(picture),
            None => worlds.push(World {
                name: name.clone(),
                description: String::new(),
                charts: vec![picture],
                beside: Vec::new(),
                patterns: Vec::new(),
                patterns_note: String::new(),
                weights: None,
                data: Vec::new(),
                dropped: Vec::new(),
                findings: Vec::new(),
            }),
        }
    }
    worlds
}

fn world(world: &WorldResults) -> World {
    let note = world.patterns_note.as_deref().unwrap_or("no reason was given");
    World {
        name: world.name.clone(),
        description: plain(&world.description),
        charts: Vec::new(),
        beside: sections(world).into_iter().chain(diagnostics::sections(world)).collect(),
        patterns: patterns(world),
        patterns_note: format!("No pattern: {}.", plain(note).trim_end_matches('.')),
        weights: section(world),
        data: data(world),
        dropped: world
            .data
            .dropped
            .iter()
            .map(|dropped| fact(&plain(&dropped.reason), count(dropped.count)))
            .collect(),
        findings: world.findings.iter().map(finding).collect(),
    }
}

fn patterns(world: &WorldResults) -> Vec<Vec<String>> {
    let row = |p: &crate::patterns::PatternSummary| {
        vec![
            p.pattern.to_string(),
            wording::label(p.label).to_owned(),
            count(p.n_accounts),
            count(p.n_held_out),
            number(Some(p.stability)),
            plain(&p.outcome),
            number(p.difference),
            ends(p.ci_low, p.ci_high),
        ]
    };
    world.patterns.iter().map(row).collect()
}

fn data(world: &WorldResults) -> Vec<Fact> {
    let data = &world.data;
    vec![
        fact("Accounts", count(data.n_accounts)),
        fact("Contacts", count(data.n_contacts)),
        fact("Interactions", count(data.n_interactions)),
        fact("Exits", count(data.n_exits)),
        fact("Account-months", count(data.n_account_months)),
        fact("Months", format!("{} to {}", data.first_month, data.last_month)),
    ]
}

fn finding(finding: &Finding) -> Vec<String> {
    vec![
        finding.hypothesis.clone().unwrap_or_else(|| "exploratory".to_owned()),
        finding.score.clone(),
        finding.outcome.clone(),
        horizon(finding.horizon_months),
        finding.statistic.clone(),
        number(finding.estimate),
        ends(finding.ci_low, finding.ci_high),
        p_value(finding.p_value),
        p_value(finding.p_adjusted),
        number(finding.detectable_effect),
        count(finding.n_accounts),
        count(finding.n_events),
        count(finding.n_periods),
        if finding.in_family { "planned" } else { "exploratory" }.to_owned(),
        plain(&finding.method),
    ]
}

fn picture(chart: &Chart) -> Picture {
    let row = |row: &Vec<crate::chart::Cell>| row.iter().map(crate::chart::Cell::display).collect();
    Picture {
        title: chart.title.clone(),
        alt: chart.alt.clone(),
        svg: chart.svg.clone(),
        headers: chart.table.headers.clone(),
        rows: chart.table.rows.iter().map(row).collect(),
    }
}
