//! One data set through every stage: panel, back-test, verdicts, patterns.

use std::path::Path;

use crate::backtest::{
    self, AttritionBand, Baseline, BenchmarkFigures, Finding, InformationCoefficient, LeadLag,
    QuantileMeans, adjust_family, attrition_auc, attrition_by_band, attrition_hazard,
    information_coefficient, lead_lag, quantile_means, quantile_spread, share_model, signs_differ,
    within_account, within_account_jackknifed,
};
use crate::hypothesis::{
    self, HypothesisId, HypothesisParams, Judged, Robustness, Rung, RungTest, Verdict, judge,
};
use crate::ids::{AccountIndex, ContactIndex};
use crate::interaction::{AccountHistory, LogWriter, TableError};
use crate::journey::{DataMapFigures, PlanFigures};
use crate::panel::{AccountRead, Measure, Panel, PanelError, PanelParams, PanelScore};
use crate::patterns::{Exception, Exceptions, Patterns, Trajectories, exceptions, find_patterns};
use crate::policy::{AccountGoodwill, Goodwill, goodwill};
use crate::relationship::{ExchangeFigures, RivalFigures};
use crate::report::HypothesisPower;
use crate::rng::Purpose;
use crate::score::{ScoreColumn, ScoreError, ScoreSpec, Valuation};

use super::RunError;
use super::data::Dataset;
use super::diagnose::{Diagnosed, diagnose};
use super::gather::{Counts, Gathered};
use super::notes::{AccountNotes, Reader};
use super::plan::Plan;
use super::power::powers;
use super::weights::{WeightsFound, weights_of};

/// What was computed on one data set.
#[derive(Debug)]
pub struct Analysis {
    /// The panel.
    pub panel: Panel,
    /// What each hypothesis could show, stated before its verdict.
    pub powers: Vec<HypothesisPower>,
    /// Every estimate.
    pub findings: Vec<Finding>,
    /// Every decision.
    pub verdicts: Vec<Verdict>,
    /// The starting benchmark; absent when the log has no gross profit.
    pub benchmark: Option<BenchmarkFigures>,
    /// The non-monetary ledger; absent when the log has none.
    pub exchange: Option<ExchangeFigures>,
    /// Standing against rivals; absent when nobody compared.
    pub rivals: Option<RivalFigures>,
    /// Which interactions have data.
    pub data_map: DataMapFigures,
    /// Plan against actual; absent without a flow or without new customers.
    pub plan_actual: Option<PlanFigures>,
    /// Learned weights and ranks, where the plan asks for them.
    pub weights: Option<WeightsFound>,
    /// What today's relationships are worth, with that of each account; where the plan asks for it.
    pub goodwill: Option<(Goodwill, Vec<AccountGoodwill>)>,
    /// Relationships that fell out of pattern, and every alarm.
    pub exceptions: Option<(Exceptions, Vec<Exception>)>,
    /// Patterns of the leading score, once [`patterns_of`] looked for them.
    pub patterns: Option<PatternsFound>,
    /// Score, outcome and horizon that the charts show.
    pub focus: Focus,
    /// What stands behind the information coefficients.
    pub diagnosed: Diagnosed,
    /// The lead-lag curve of the focus.
    pub lead_lag: Option<LeadLag>,
    /// Mean later outcome by decile of the focus.
    pub deciles: Option<QuantileMeans>,
    /// Survival by band of the leading score.
    pub attrition: Option<Vec<AttritionBand>>,
    /// What could not be computed, and why.
    pub warnings: Vec<String>,
    /// Contacts, interactions and exits.
    pub counts: Counts,
}

/// What the charts show.
#[derive(Debug, Clone, PartialEq)]
pub struct Focus {
    /// Score.
    pub score: String,
    /// Outcome.
    pub outcome: Measure,
    /// Horizon \[months\].
    pub horizon: u32,
}

/// Patterns with the accounts they were looked for in.
#[derive(Debug)]
pub struct PatternsFound {
    /// The answer.
    pub patterns: Patterns,
    /// Panel positions of the accounts, in the order of `patterns.assignments`.
    pub accounts: Vec<usize>,
}

/// Accounts between two words on progress.
const ACCOUNTS_TOLD: u64 = 5_000;

/// The panel of a data set; `say` is told what is going on.
///
/// - `measures`: the outcomes that will be asked for: of a log folder, nothing is read that only others need.
///
/// # Errors
///
/// [`RunError`] from reading or scoring.
pub fn build_panel(
    dataset: &Dataset,
    plan: &Plan,
    measures: &[Measure],
    say: &dyn Fn(&str),
) -> Result<Panel, RunError> {
    let valuation = Valuation::new(&dataset.catalogue, &dataset.types)?;
    let scores = scores_of(plan, &valuation)?;
    let parts = (&valuation, scores.as_slice());
    match dataset.unread(Panel::projection(&scores, measures))? {
        Some(unread) => panel_reading(dataset, plan, parts, say, unread, |_| ()),
        None => panel_of_histories(dataset, plan, parts, say, |_| Ok(()), |_| ()),
    }
    .map(|(panel, _)| panel)
}

/// The columns of a plan's panel.
fn scores_of(plan: &Plan, valuation: &Valuation) -> Result<Vec<Box<dyn ScoreColumn>>, ScoreError> {
    let build = |spec: &ScoreSpec| spec.build().expect("a checked plan has valid scores");
    let mut scores: Vec<Box<dyn ScoreColumn>> =
        plan.score.scores.iter().chain(&plan.score.baselines).map(build).collect();
    scores.extend(hypothesis::columns(plan.hypotheses.keys().copied(), valuation)?);
    Ok(scores)
}

/// How the panel of a data set is cut.
pub(super) fn panel_params(dataset: &Dataset, plan: &Plan) -> PanelParams {
    PanelParams {
        calendar: dataset.calendar,
        first: dataset.first,
        months: dataset.months,
        warm_up_months: plan.panel.warm_up_months,
        min_age_months: plan.panel.min_age_months,
    }
}

/// [`panel_reading`] whole histories, every one shown to `see` before.
fn panel_of_histories<T: Send>(
    dataset: &Dataset,
    plan: &Plan,
    parts: (&Valuation, &[Box<dyn ScoreColumn>]),
    say: &dyn Fn(&str),
    mut see: impl FnMut(&AccountHistory) -> Result<(), TableError>,
    read: impl Fn(&AccountRead<'_>) -> T + Sync,
) -> Result<(Panel, Vec<T>), RunError> {
    let mut failure: Option<TableError> = None;
    let histories = dataset.histories()?.map_while(|history| {
        let seen = history.and_then(|history| see(&history).map(|()| history));
        seen.map_err(|error| failure = Some(error)).ok()
    });
    let panel = panel_reading(dataset, plan, parts, say, histories, read);
    failure.map_or(panel, |failure| Err(failure.into()))
}

/// The panel of the accounts of a data set, and what `read` makes of each account on the way.
fn panel_reading<H, T: Send>(
    dataset: &Dataset,
    plan: &Plan,
    (valuation, scores): (&Valuation, &[Box<dyn ScoreColumn>]),
    say: &dyn Fn(&str),
    accounts: impl Iterator<Item = H>,
    read: impl Fn(&AccountRead<'_>) -> T + Sync,
) -> Result<(Panel, Vec<T>), RunError>
where
    H: TryInto<AccountHistory, Error: Into<PanelError>> + Send,
{
    say(&format!("{}: panel", dataset.name));
    let of = dataset.accounts().map_or(String::new(), |all| format!(" of {all}"));
    let told = (1..).zip(accounts).map(|(position, account): (u64, H)| {
        if position.is_multiple_of(ACCOUNTS_TOLD) {
            say(&format!("{}: panel, {position}{of} accounts", dataset.name));
        }
        account
    });
    let params = panel_params(dataset, plan);
    let (mut panel, reads) = Panel::build_reading(told, valuation, scores, &params, read)?;
    for relative in &plan.score.relative {
        panel.add_relative(relative)?;
    }
    Ok((panel, reads))
}

/// Runs every stage on one data set; `say` is told what is going on.
///
/// # Errors
///
/// [`RunError`] from reading, scoring or writing tables. A single test that cannot be computed is
/// a warning and an inconclusive rung, not an error.
pub fn analyse(
    dataset: &Dataset,
    plan: &Plan,
    tables: Option<(&Path, &str)>,
    say: &dyn Fn(&str),
) -> Result<Analysis, RunError> {
    let valuation = Valuation::new(&dataset.catalogue, &dataset.types)?;
    let reader = Reader::new(dataset, plan, &valuation);
    let mut gathered = Gathered::new(dataset, plan)?;
    let mut writer = match tables {
        Some((folder, id)) => Some(LogWriter::create(folder, &dataset.types, id)?),
        None => None,
    };
    let see = |history: &AccountHistory| {
        gathered.add(history);
        writer.as_mut().map_or(Ok(()), |writer| writer.write(history))
    };
    let scores = scores_of(plan, &valuation)?;
    let parts = (&valuation, scores.as_slice());
    let (panel, notes): (_, Vec<AccountNotes>) =
        panel_of_histories(dataset, plan, parts, say, see, |account| reader.read(account))?;
    if let Some(writer) = writer {
        writer.finish()?;
    }
    let streams = plan.run.streams();
    let baselines = columns(&panel, &plan.score.baselines);
    let bench = Tests {
        panel: &panel,
        plan,
        bench: hypothesis::Bench::new(&panel, &plan.backtest, baselines.clone(), streams),
        baselines,
        scores: under_test(&panel, plan),
    };
    say(&format!("{}: power", dataset.name));
    let (powers, mut warnings) = powers(&panel, plan);
    warnings.extend(constant_scores(&panel));
    let mut findings = bench.tests(say, &dataset.name, &mut warnings);
    let judged = bench.hypotheses(say, &dataset.name, &mut findings, &mut warnings);
    adjust_family(&mut findings);
    let verdicts = judged
        .into_iter()
        .map(|(id, params, tests)| judge(id, params, &read(tests, &findings)))
        .collect();
    let focus = focus(plan);
    let score = panel.score(&focus.score).expect("the focus is a score of the panel");
    say(&format!("{}: curves", dataset.name));
    let with = bench.bench.permutation();
    let curve = lead_lag(&panel, score, focus.outcome, &plan.backtest, with);
    let deciles = quantile_means(&panel, score, focus.outcome, focus.horizon, 10);
    let attrition = attrition_by_band(&panel, score);
    let resamples = plan.backtest.resamples;
    let beside =
        |of: u16| streams.draws(Purpose::Bootstrap, AccountIndex(u32::MAX - 2), ContactIndex(of));
    say(&format!("{}: diagnostics", dataset.name));
    let diagnosed = diagnose(plan, &panel, reader, notes, with, &mut warnings);
    let weights = match &plan.weights {
        Some(params) => {
            say(&format!("{}: weights", dataset.name));
            Some(weights_of(dataset, &panel, plan, params)?)
        }
        None => None,
    };
    let goodwill = plan.goodwill.as_ref().and_then(|params| {
        let score = params.score.as_deref().unwrap_or(&focus.score);
        goodwill(&panel, score, params).map_err(|error| warnings.push(error.to_string())).ok()
    });
    let exceptions = exceptions(&panel, score, &plan.exceptions, beside(2))?;
    Ok(Analysis {
        weights,
        goodwill,
        exceptions: (exceptions.0.n_account_months > 0).then_some(exceptions),
        diagnosed,
        lead_lag: noted(curve, &mut warnings),
        deciles: noted(deciles, &mut warnings),
        attrition: noted(attrition, &mut warnings),
        benchmark: gathered.benchmark.finish(resamples, streams),
        exchange: gathered.exchange.finish(resamples, beside(0)),
        rivals: gathered.rivals.finish(resamples, beside(1)),
        data_map: gathered.data_map.finish(),
        plan_actual: gathered.plan.and_then(|plan| plan.finish()),
        patterns: None,
        powers,
        findings,
        verdicts,
        focus,
        warnings,
        counts: gathered.counts,
        panel,
    })
}

fn noted<T>(result: Result<T, backtest::BacktestError>, warnings: &mut Vec<String>) -> Option<T> {
    result.map_err(|error| warnings.push(error.to_string())).ok()
}

/// A score that tells no account from another says nothing, mostly since the plan asks for what the log lacks.
fn constant_scores(panel: &Panel) -> Vec<String> {
    let constant = |score: &&PanelScore| {
        let mut known = score.values.iter().filter(|value| !value.is_nan());
        known.next().is_some_and(|first| known.all(|value| value.to_bits() == first.to_bits()))
    };
    let told = |score: &PanelScore| {
        format!(
            "`{}` has one value in all account-months, so it says nothing: does the log hold what it reads?",
            score.name
        )
    };
    panel.scores().iter().filter(constant).map(told).collect()
}

fn columns<'a>(panel: &'a Panel, specs: &[ScoreSpec]) -> Vec<&'a PanelScore> {
    specs
        .iter()
        .filter_map(|spec| {
            panel.score(&spec.build().expect("a checked plan has valid scores").name())
        })
        .collect()
}

/// The scores of the plan, and those that it sees within segment and month.
fn under_test<'a>(panel: &'a Panel, plan: &Plan) -> Vec<&'a PanelScore> {
    let relative = plan.score.relative.iter().filter_map(|relative| panel.score(&relative.name()));
    columns(panel, &plan.score.scores).into_iter().chain(relative).collect()
}

/// The first hypothesis on money is what the charts show; else the first score and outcome.
pub(super) fn focus(plan: &Plan) -> Focus {
    let named = plan.hypotheses.values().find(|params| params.outcome != Measure::Attrition);
    if let Some(params) = named {
        return Focus {
            score: params.score.clone(),
            outcome: params.outcome,
            horizon: params.horizon,
        };
    }
    let outcome = plan.backtest.outcomes.iter().find(|outcome| **outcome != Measure::Attrition);
    Focus {
        score: plan.score.scores[0].build().expect("a checked plan has valid scores").name(),
        outcome: outcome.copied().unwrap_or(Measure::Revenue),
        horizon: plan.backtest.horizons.first().copied().unwrap_or(1),
    }
}

/// What every test of one data set shares.
struct Tests<'a> {
    panel: &'a Panel,
    plan: &'a Plan,
    bench: hypothesis::Bench<'a>,
    baselines: Vec<&'a PanelScore>,
    scores: Vec<&'a PanelScore>,
}

/// A test of a rung: its position among the findings, or why there is none.
type Placed = Result<usize, String>;

/// A rung's tests by their positions among the findings, which are adjusted before they are judged.
enum PlacedTest {
    Estimate(Placed),
    Gain { linear: Placed, flexible: Placed },
    Checks(Result<Robustness, String>),
}

/// The tests of one hypothesis, lowest rung first.
type PlacedLadder = Vec<(Rung, PlacedTest)>;

fn read(tests: PlacedLadder, findings: &[Finding]) -> Judged {
    let read = |placed: Placed| placed.map(|position| findings[position].clone());
    let test = |test| match test {
        PlacedTest::Estimate(placed) => RungTest::Estimate(Box::new(read(placed))),
        PlacedTest::Gain { linear, flexible } => {
            RungTest::Gain { linear: Box::new(read(linear)), flexible: Box::new(read(flexible)) }
        }
        PlacedTest::Checks(found) => RungTest::Checks(found),
    };
    tests.into_iter().map(|(rung, placed)| (rung, test(placed))).collect()
}

impl Tests<'_> {
    /// Every score and baseline on every outcome and horizon of the plan.
    fn tests(&self, say: &dyn Fn(&str), name: &str, warnings: &mut Vec<String>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let all =
            self.scores.iter().map(|s| (s, true)).chain(self.baselines.iter().map(|s| (s, false)));
        for (score, tested) in all {
            say(&format!("{name}: back-test of {}", score.name));
            for &outcome in &self.plan.backtest.outcomes {
                if !self.panel.has(outcome) {
                    let warning =
                        format!("no account has a value of `{}`: not tested", outcome.name());
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                } else if outcome == Measure::Attrition {
                    self.attrition(score, tested, &mut findings, warnings);
                } else {
                    self.money(score, outcome, tested, &mut findings, warnings);
                }
            }
        }
        findings
    }

    fn coefficients(
        &self,
        score: &PanelScore,
        outcome: Measure,
        horizons: &[i32],
        permute: bool,
    ) -> Result<Vec<Result<InformationCoefficient, backtest::BacktestError>>, backtest::BacktestError>
    {
        let permutation = permute.then(|| self.bench.permutation());
        information_coefficient(
            self.panel,
            score,
            outcome,
            horizons,
            &self.plan.backtest,
            permutation,
        )
    }

    fn money(
        &self,
        score: &PanelScore,
        outcome: Measure,
        tested: bool,
        findings: &mut Vec<Finding>,
        warnings: &mut Vec<String>,
    ) {
        let horizons: Vec<i32> = self.plan.backtest.horizons.iter().map(|&h| h as i32).collect();
        match self.coefficients(score, outcome, &horizons, tested) {
            Err(refused) => warnings.push(refused.to_string()),
            Ok(results) => {
                for result in results {
                    if let Some(result) = noted(result, warnings) {
                        findings.extend(result.findings(tested));
                        if tested {
                            self.within(&result, findings, warnings);
                        }
                    }
                }
            }
        }
        if tested && outcome == Measure::ShareOfWallet {
            for &horizon in &self.plan.backtest.horizons {
                findings.extend(noted(share_model(self.panel, score, horizon), warnings));
            }
        }
        for &horizon in &self.plan.backtest.horizons {
            let spread = quantile_spread(self.panel, score, outcome, horizon, &self.plan.backtest);
            findings.extend(noted(spread, warnings));
        }
    }

    /// The within-account slopes beside a pooled coefficient, with a warning when their signs differ.
    ///
    /// The jackknifed one is asked, where there is one: the other is below 0 for a score that follows the
    /// outcome even where nothing is there.
    fn within(
        &self,
        pooled: &InformationCoefficient,
        findings: &mut Vec<Finding>,
        warnings: &mut Vec<String>,
    ) {
        let Some(score) = self.panel.score(&pooled.score) else { return };
        let horizon = pooled.horizon as u32;
        let slope = within_account(self.panel, score, pooled.outcome, horizon);
        let Some(slope) = noted(slope, warnings) else { return };
        let freed = within_account_jackknifed(self.panel, score, pooled.outcome, horizon);
        let freed = noted(freed, warnings);
        let within = freed.as_ref().unwrap_or(&slope);
        warnings.extend(signs_differ(&pooled.findings(false)[0], within));
        findings.push(slope);
        findings.extend(freed);
    }

    fn attrition(
        &self,
        score: &PanelScore,
        tested: bool,
        findings: &mut Vec<Finding>,
        warnings: &mut Vec<String>,
    ) {
        for &horizon in &self.plan.backtest.horizons {
            let permutation = tested.then(|| self.bench.permutation());
            let what = (horizon, 0);
            let auc = attrition_auc(self.panel, score, what, &self.plan.backtest, permutation);
            if let Some(mut finding) = noted(auc, warnings) {
                finding.in_family = tested;
                findings.push(finding);
            }
        }
        if tested {
            for given in [&[], &self.baselines[..]] {
                findings.extend(noted(attrition_hazard(self.panel, score, given), warnings));
            }
        }
    }

    /// The tests of each hypothesis; new findings are added, known ones are found again.
    fn hypotheses(
        &self,
        say: &dyn Fn(&str),
        name: &str,
        findings: &mut Vec<Finding>,
        warnings: &mut Vec<String>,
    ) -> Vec<(HypothesisId, &HypothesisParams, PlacedLadder)> {
        let mut judged = Vec::new();
        for (&id, params) in &self.plan.hypotheses {
            say(&format!("{name}: {}", id.name()));
            let tests = self.ladder(id, params, findings);
            for (_, test) in &tests {
                let mut of_family = |placed: &Placed| match placed {
                    Ok(position) => {
                        findings[*position].hypothesis = Some(id.name().to_owned());
                        findings[*position].in_family = true;
                    }
                    Err(why) => warnings.push(format!("{}: {why}", id.name())),
                };
                match test {
                    PlacedTest::Estimate(placed) => of_family(placed),
                    PlacedTest::Gain { linear, flexible } => {
                        of_family(linear);
                        of_family(flexible);
                    }
                    PlacedTest::Checks(Ok(_)) => {}
                    PlacedTest::Checks(Err(why)) => warnings.push(format!("{}: {why}", id.name())),
                }
            }
            judged.push((id, params, tests));
        }
        judged
    }

    fn ladder(
        &self,
        id: HypothesisId,
        params: &HypothesisParams,
        findings: &mut Vec<Finding>,
    ) -> PlacedLadder {
        let associated = known(findings, id, params).map_or_else(
            || {
                let found = self.bench.associated(id, params);
                place(findings, found.map(|association| association.headline()))
            },
            Ok,
        );
        let robust = match &associated {
            Ok(position) => self
                .bench
                .robust(id, params, &findings[*position])
                .map_err(|error| error.to_string()),
            Err(why) => Err(why.clone()),
        };
        let mut tests = vec![(Rung::Associated, PlacedTest::Estimate(associated))];
        if let Some(leads) = self.bench.leads(id, params) {
            tests.push((Rung::Leads, PlacedTest::Estimate(place(findings, leads))));
        }
        let mut gain = |kind| Some(place(findings, self.bench.adds(id, params, kind)?));
        if let (Some(linear), Some(flexible)) = (gain(Baseline::Linear), gain(Baseline::Flexible)) {
            tests.push((Rung::AddsToBaselines, PlacedTest::Gain { linear, flexible }));
        }
        tests.push((Rung::Robust, PlacedTest::Checks(robust)));
        tests
    }
}

/// The finding of the plan's own tests that a hypothesis asks for too, if no other has it.
fn known(findings: &[Finding], id: HypothesisId, params: &HypothesisParams) -> Option<usize> {
    let hypothesis = id.hypothesis();
    findings.iter().position(|finding| {
        finding.hypothesis.is_none()
            && finding.statistic == hypothesis.statistic.name()
            && finding.score == params.score
            && finding.outcome == params.outcome.name()
            && finding.horizon_months == hypothesis.horizon(params)
    })
}

fn place(findings: &mut Vec<Finding>, finding: Result<Finding, backtest::BacktestError>) -> Placed {
    let finding = finding.map_err(|error| error.to_string())?;
    findings.push(finding);
    Ok(findings.len() - 1)
}

/// Accounts with a complete course of the focus score at equal age, and what they brought later.
#[derive(Debug)]
pub struct Courses {
    /// One row per account.
    pub trajectories: Trajectories,
    /// Outcome of the focus over the longest horizon of the plan after the last age; NaN where the
    /// data end before.
    pub later: Vec<f64>,
    /// Name of that outcome.
    pub outcome: String,
    /// Panel positions of the accounts.
    pub accounts: Vec<usize>,
}

/// Looks for patterns of the focus score at equal age, named by what came later.
///
/// # Errors
///
/// [`RunError::Pattern`] when the plan's `[patterns]` cannot be used.
pub fn patterns_of(panel: &Panel, plan: &Plan) -> Result<PatternsFound, RunError> {
    let Courses { trajectories, later, outcome, accounts } = courses(panel, plan);
    let streams = plan.run.streams();
    let patterns = find_patterns(&trajectories, &later, &outcome, &plan.patterns, streams)?;
    Ok(PatternsFound { patterns, accounts })
}

/// The courses of the focus score; accounts that entered before the log have no equal age.
pub fn courses(panel: &Panel, plan: &Plan) -> Courses {
    let focus = focus(plan);
    let ages = plan.patterns.ages_months();
    let last_age = plan.patterns.last_age_months;
    let score = panel.score(&focus.score).expect("the focus is a score of the panel");
    let horizon = plan.backtest.horizons.iter().copied().max().unwrap_or(1);
    let later = panel.outcome(focus.outcome, horizon as i32);
    let months = panel.months() as i32;
    let mut accounts = Vec::new();
    let (mut values, mut outcomes) = (Vec::new(), Vec::new());
    for (account, info) in panel.accounts().iter().enumerate() {
        let cell = |age: i32| {
            let month = info.entry + age;
            (info.entry >= 0 && month < months).then(|| account * panel.months() + month as usize)
        };
        let course: Option<Vec<f64>> = ages
            .iter()
            .map(|&age| cell(age).map(|cell| score.values[cell]).filter(|value| !value.is_nan()))
            .collect();
        if let Some(course) = course {
            accounts.push(account);
            values.extend(course);
            outcomes.push(cell(last_age).map_or(f64::NAN, |cell| later[cell]));
        }
    }
    let values = ndarray::Array2::from_shape_vec((accounts.len(), ages.len()), values)
        .expect("one row of ages per account");
    Courses {
        trajectories: Trajectories { ages_months: ages, values },
        later: outcomes,
        outcome: format!("{} over the next {horizon} months", focus.outcome.name()),
        accounts,
    }
}
