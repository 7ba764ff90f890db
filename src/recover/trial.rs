//! One replication: a fresh cohort of a world, and every test of the hypotheses on it.

use std::collections::BTreeMap;
use std::time::Instant as Clock;

use serde::{Deserialize, Serialize};

use crate::backtest::{BacktestParams, Baseline, Finding, ReadAt, rate_ratio};
use crate::flow::Flow;
use crate::hypothesis::{self, Bench, HypothesisId, HypothesisParams, Rung};
use crate::panel::{Panel, PanelParams, PanelScore};
use crate::rng::Streams;
use crate::score::{ScoreColumn, ScoreSpec, Valuation};
use crate::simulate::{Simulation, World};
use crate::time::{Calendar, Month};

use super::truth::causes;

/// Level of every test.
pub(super) const LEVEL: f64 = 0.05;

/// Months of a panel before its first row, and of an account: past profit is then that of a year.
const YEAR: u32 = 12;

/// Half-life of the score, and window of its velocity \[days\].
const HALF_LIFE_DAYS: f64 = 180.0;
const WINDOW_DAYS: f64 = 90.0;

/// A world at one number of accounts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Setting {
    /// The world.
    pub world: String,
    /// Accounts of each cohort.
    pub accounts: u32,
    /// Months of its log.
    pub months: u32,
    /// Whether every account is a customer from the first day.
    pub balanced: bool,
}

/// What one test said in one replication.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Estimate less its null value.
    pub estimate: f64,
    /// Half the width of its 95 % interval; 0 where the test has none.
    pub half_width: f64,
    /// Whether the test rejects: p at most .05, two-sided; *adds*, *robust* and *causal*: the rung is
    /// passed.
    pub rejects: bool,
}

impl Trial {
    /// Whether its interval lies wholly below 0 or inside ±`delta`.
    pub(super) fn contradicts(&self, delta: f64) -> bool {
        let (low, high) = (self.estimate - self.half_width, self.estimate + self.half_width);
        high < 0.0 || (low > -delta && high < delta)
    }
}

/// A test by name: hypothesis, rung, estimator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TestName {
    /// The hypothesis.
    pub hypothesis: HypothesisId,
    /// The rung.
    pub rung: Rung,
    /// What was computed: `headline`, or what stands beside it.
    pub estimator: String,
}

/// Name of the estimator that decides.
pub(super) const HEADLINE: &str = "headline";

/// What is asked of a replication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Hypotheses and their rungs.
    pub tests: Vec<(HypothesisId, Rung)>,
    /// Whether estimators that were tried and do not decide are computed beside, for known limits.
    pub tried: bool,
}

impl Asked {
    fn rungs_of(&self, id: HypothesisId) -> impl Fn(Rung) -> bool + '_ {
        move |rung| self.tests.contains(&(id, rung))
    }

    /// The tests that decide, one for each rung asked for.
    pub(super) fn headlines(&self) -> impl Iterator<Item = TestName> + '_ {
        self.tests.iter().map(|&(id, rung)| name(id, rung, HEADLINE))
    }

    fn hypotheses(&self) -> Vec<HypothesisId> {
        let asked = |id: &HypothesisId| self.tests.iter().any(|(of, _)| of == id);
        HypothesisId::ALL.into_iter().filter(asked).collect()
    }
}

/// What one replication said, and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Replication {
    /// Its tests; one that cannot be computed on its cohort is absent.
    pub trials: Vec<(TestName, Trial)>,
    /// Elapsed time by hypothesis \[s\]; that of the cohort and of causes under none.
    pub seconds: BTreeMap<Option<HypothesisId>, f64>,
}

/// The tests of one replication.
///
/// # Errors
///
/// A message when the world is unknown or its panel is empty.
pub fn replicate(
    setting: &Setting,
    asked: &Asked,
    streams: Streams,
) -> Result<Replication, String> {
    let all = Clock::now();
    let simulation = simulation(setting, streams)?;
    let (mut found, mut seconds) = (Vec::new(), BTreeMap::new());
    let observed = |(_, rung): &(HypothesisId, Rung)| *rung != Rung::Causal;
    if asked.tests.iter().any(observed) {
        let panel = panel(&simulation, setting, asked)?;
        let params = BacktestParams::default();
        let baselines: Vec<&PanelScore> = ScoreSpec::baselines()
            .iter()
            .filter_map(|spec| panel.score(&spec.build().ok()?.name()))
            .collect();
        let bench = Bench::new(&panel, &params, baselines, streams);
        for id in asked.hypotheses() {
            let clock = Clock::now();
            ladder(&bench, id, &asked.rungs_of(id), &mut found);
            if asked.tried && asked.tests.contains(&(id, Rung::AddsToBaselines)) {
                found.extend(hazard(&bench, id));
            }
            seconds.insert(Some(id), clock.elapsed().as_secs_f64());
        }
    }
    if asked.tests.contains(&(HypothesisId::H8, Rung::Associated)) {
        found.extend(rate_ratios(&simulation, setting)?);
    }
    let caused = asked.tests.iter().filter(|(_, rung)| *rung == Rung::Causal);
    let caused: Vec<HypothesisId> = caused.map(|(id, _)| *id).collect();
    for (id, by_team, by_account) in causes(&simulation, &caused, setting.accounts) {
        found.push((name(id, Rung::Causal, HEADLINE), by_team));
        if asked.tried {
            found.push((name(id, Rung::Causal, BY_ACCOUNT), by_account));
        }
    }
    let of_tests: f64 = seconds.values().sum();
    seconds.insert(None, all.elapsed().as_secs_f64() - of_tests);
    Ok(Replication { trials: found, seconds })
}

fn simulation(setting: &Setting, streams: Streams) -> Result<Simulation, String> {
    let world = World::load(&setting.world).map_err(|error| error.to_string())?;
    let world = if setting.balanced { world.balanced() } else { world };
    let period = (start(), setting.months);
    Simulation::new(Flow::builtin(), world, streams, Calendar::UTC, period)
        .map_err(|error| error.to_string())
}

fn start() -> Month {
    Month::new(2022, 1).expect("January is a month")
}

/// Estimator that parts accounts by cumulative RV at a landmark of six months and compares exit rates.
pub const LANDMARK: &str = "log_rate_ratio_landmark";
/// The same of cumulative RV at the end.
pub const LIFETIME: &str = "log_rate_ratio_lifetime";

/// Months from the first row to the landmark.
const LANDMARK_MONTHS: u32 = 6;

fn rate_ratios(
    simulation: &Simulation,
    setting: &Setting,
) -> Result<Vec<(TestName, Trial)>, String> {
    let params = PanelParams {
        calendar: Calendar::UTC,
        first: start(),
        months: setting.months,
        warm_up_months: LANDMARK_MONTHS,
        min_age_months: LANDMARK_MONTHS,
    };
    let sum = ScoreSpec::RvSum { transactions: false };
    let scores = vec![sum.build().map_err(|error| error.to_string())?];
    let histories = simulation.histories(setting.accounts);
    let panel = Panel::build(histories, &valuation(simulation)?, &scores, &params)
        .map_err(|error| error.to_string())?;
    let ratios = [(LANDMARK, ReadAt::Landmark), (LIFETIME, ReadAt::End)];
    let trial = |(estimator, read_at)| {
        let estimate = rate_ratio(&panel, &panel.scores()[0], read_at)?.ln();
        let trial = Trial { estimate, half_width: 0.0, rejects: false };
        Some((name(HypothesisId::H8, Rung::Associated, estimator), trial))
    };
    Ok(ratios.into_iter().filter_map(trial).collect())
}

fn valuation(simulation: &Simulation) -> Result<Valuation, String> {
    Valuation::new(simulation.flow().catalogue(), &simulation.types())
        .map_err(|error| error.to_string())
}

fn panel(simulation: &Simulation, setting: &Setting, asked: &Asked) -> Result<Panel, String> {
    let valuation = valuation(simulation)?;
    let own = [
        ScoreSpec::RvDecay { half_life_days: HALF_LIFE_DAYS, transactions: false },
        ScoreSpec::RvVelocity(crate::score::WindowParams {
            window_days: WINDOW_DAYS,
            transactions: false,
        }),
    ];
    let mut scores: Vec<Box<dyn ScoreColumn>> = own
        .iter()
        .chain(&ScoreSpec::baselines())
        .map(|spec| spec.build().map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    let helpers = hypothesis::columns(asked.hypotheses(), &valuation);
    scores.extend(helpers.map_err(|error| error.to_string())?);
    let params = PanelParams {
        calendar: Calendar::UTC,
        first: start(),
        months: setting.months,
        warm_up_months: YEAR,
        min_age_months: YEAR,
    };
    Panel::build(simulation.histories(setting.accounts), &valuation, &scores, &params)
        .map_err(|error| error.to_string())
}

fn name(hypothesis: HypothesisId, rung: Rung, estimator: &str) -> TestName {
    TestName { hypothesis, rung, estimator: estimator.to_owned() }
}

fn ladder(
    bench: &Bench<'_>,
    id: HypothesisId,
    asked: &dyn Fn(Rung) -> bool,
    found: &mut Vec<(TestName, Trial)>,
) {
    let params = HypothesisParams::of(id);
    let null = id.hypothesis().statistic.null();
    if (asked(Rung::Associated) || asked(Rung::Robust))
        && let Ok(association) = bench.associated(id, &params)
    {
        let headline = association.headline();
        if asked(Rung::Associated) {
            let trial = estimated(&headline, null);
            found.extend(trial.map(|trial| (name(id, Rung::Associated, HEADLINE), trial)));
            for (estimator, p) in association.p_values(params.horizon) {
                let beside = trial.map(|trial| Trial { rejects: p <= LEVEL, ..trial });
                found.extend(beside.map(|trial| (name(id, Rung::Associated, estimator), trial)));
            }
        }
        if asked(Rung::Robust)
            && let Ok(robust) = bench.robust(id, &params, &headline)
            && let Some(weakest) = robust.weakest()
        {
            let trial =
                Trial { estimate: weakest.estimate, half_width: 0.0, rejects: robust.holds(LEVEL) };
            found.push((name(id, Rung::Robust, HEADLINE), trial));
        }
    }
    if asked(Rung::Leads)
        && let Some(Ok(leads)) = bench.leads(id, &params)
    {
        let null = if null > 0.0 && leads.statistic.starts_with("landmark") { null } else { 0.0 };
        let trial = estimated(&leads, null);
        found.extend(trial.map(|trial| (name(id, Rung::Leads, HEADLINE), trial)));
    }
    if asked(Rung::AddsToBaselines) {
        adds(bench, id, &params, found);
    }
}

fn adds(
    bench: &Bench<'_>,
    id: HypothesisId,
    params: &HypothesisParams,
    found: &mut Vec<(TestName, Trial)>,
) {
    let gain = |kind| estimated(&bench.adds(id, params, kind)?.ok()?, 0.0);
    let passed = |trial: Trial| trial.rejects && trial.estimate > 0.0;
    let (Some(linear), Some(flexible)) = (gain(Baseline::Linear), gain(Baseline::Flexible)) else {
        return;
    };
    let rung = Rung::AddsToBaselines;
    let both = Trial { rejects: passed(flexible) && passed(linear), ..flexible };
    found.push((name(id, rung, HEADLINE), both));
    found.push((name(id, rung, "linear"), Trial { rejects: passed(linear), ..linear }));
    found.push((name(id, rung, "flexible"), Trial { rejects: passed(flexible), ..flexible }));
}

/// Estimator of a gain in who leaves: the log hazard ratio among accounts alike in the baselines.
pub const HAZARD: &str = "log_hazard_ratio_given_baselines";

/// Estimator of a cause that takes accounts, not teams, for independent.
pub const BY_ACCOUNT: &str = "accounts_as_units";

/// What the monthly hazard says beside a gain; nothing for hypotheses that are not of attrition.
fn hazard(bench: &Bench<'_>, id: HypothesisId) -> Option<(TestName, Trial)> {
    let found = bench.hazard_given_baselines(id, &HypothesisParams::of(id))?.ok()?;
    let trial = estimated(&found, 0.0)?;
    // Who has more leaves less: the claimed direction is the negative one.
    let claimed = Trial { estimate: -trial.estimate, ..trial };
    let rejects = claimed.rejects && claimed.estimate > 0.0;
    Some((name(id, Rung::AddsToBaselines, HAZARD), Trial { rejects, ..claimed }))
}

/// A finding as a trial; nothing where it has no interval or p-value.
fn estimated(finding: &Finding, null: f64) -> Option<Trial> {
    Some(Trial {
        estimate: finding.estimate? - null,
        half_width: (finding.ci_high? - finding.ci_low?) / 2.0,
        rejects: finding.p_value? <= LEVEL,
    })
}
