//! The cells of the suite, put together by cohort: what shares a cohort is tested on the same one.

use std::collections::BTreeMap;

use crate::hypothesis::{HypothesisId, Rung};

use super::trial::{Asked, Setting};
use super::truth::{Cell, TruthTable};

/// What a cell is there for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// False by construction: rejections are false alarms.
    Null,
    /// True by construction: rejections are finds.
    True,
    /// Neither by construction, or beyond reach: how often it is found is told and holds to nothing.
    Shown,
}

/// One cohort size of one world, and what is tested on its cohorts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// World and number of accounts.
    pub setting: Setting,
    /// Hypotheses and rungs.
    pub asked: Asked,
    /// Number of cohorts.
    pub replications: u32,
}

impl Job {
    /// What a cell of this job is there for: a true one where the cohort has the accounts it names.
    pub fn role(&self, table: &TruthTable, hypothesis: HypothesisId, rung: Rung) -> Role {
        let cell = table.cell(&self.setting.world, hypothesis, rung);
        match cell.and_then(|cell| cell.holds.map(|holds| (holds, cell.accounts))) {
            Some((false, _)) => Role::Null,
            Some((true, Some(accounts))) if accounts <= self.setting.accounts => Role::True,
            _ => Role::Shown,
        }
    }
}

/// How large a suite is.
#[derive(Debug, Clone, PartialEq)]
pub struct SuiteParams {
    /// Worlds; all of the truth table when empty.
    pub worlds: Vec<String>,
    /// Hypotheses; all when empty.
    pub hypotheses: Vec<HypothesisId>,
    /// Rungs; all when empty.
    pub rungs: Vec<Rung>,
    /// Cohorts for the size of null cells, and for what is shown beside.
    pub replications: u32,
    /// Cohorts for the power of true cells.
    pub power_replications: u32,
    /// Accounts at which sizes are measured.
    pub accounts: u32,
    /// Months of each log.
    pub months: u32,
    /// Accounts at which H1 and H8 are looked at beside, balanced and not.
    pub other_accounts: Vec<u32>,
    /// Whether true cells are measured at the accounts they name too.
    pub at_named_accounts: bool,
}

impl SuiteParams {
    /// The whole suite.
    pub fn full() -> Self {
        Self {
            worlds: Vec::new(),
            hypotheses: Vec::new(),
            rungs: Vec::new(),
            replications: 1_000,
            power_replications: 200,
            accounts: 200,
            months: 48,
            other_accounts: vec![30, 60, 800],
            at_named_accounts: true,
        }
    }

    /// What a CI job can afford: two worlds, the cheap statistics, sizes only.
    pub fn smoke() -> Self {
        Self {
            worlds: vec!["irrelevant".to_owned(), "informative".to_owned()],
            hypotheses: vec![
                HypothesisId::H1,
                HypothesisId::H3,
                HypothesisId::H5,
                HypothesisId::H33,
            ],
            rungs: vec![Rung::Associated, Rung::Leads],
            replications: 200,
            power_replications: 200,
            accounts: 200,
            months: 48,
            other_accounts: Vec::new(),
            at_named_accounts: false,
        }
    }
}

/// The jobs of a suite, cheap cohorts first.
///
/// - Each world at the usual number of accounts, with every cell it has.
/// - Each world at the accounts that its true cells name, with those cells.
/// - H1 and H8 at other numbers of accounts, as they come and balanced, in the worlds that tell sizes,
///   power and drifting slopes.
pub fn jobs(params: &SuiteParams, table: &TruthTable) -> Vec<Job> {
    let mut jobs: BTreeMap<Setting, Job> = BTreeMap::new();
    let worlds: Vec<&str> = table
        .worlds()
        .filter(|name| params.worlds.is_empty() || params.worlds.iter().any(|w| w == name))
        .collect();
    let mut ask = |setting: Setting, test: (HypothesisId, Rung), replications: u32| {
        let empty = Asked { tests: Vec::new() };
        let job =
            jobs.entry(setting.clone()).or_insert(Job { setting, asked: empty, replications });
        job.replications = job.replications.max(replications);
        if !job.asked.tests.contains(&test) {
            job.asked.tests.push(test);
        }
    };
    for world in worlds {
        let at = |accounts: u32, balanced: bool| Setting {
            world: world.to_owned(),
            accounts,
            months: params.months,
            balanced,
        };
        let replications = |cell: Option<&Cell>, rung: Rung| {
            // Where nothing is caused, every pair is equal: one cohort would say so.
            let by_chance = cell.and_then(|c| c.holds) == Some(false) && rung != Rung::Causal;
            if by_chance { params.replications } else { params.power_replications }
        };
        for (hypothesis, rung) in tests(params) {
            let Some(cell) = table.cell(world, hypothesis, rung) else { continue };
            let cohorts = replications(Some(cell), rung);
            ask(at(params.accounts, false), (hypothesis, rung), cohorts);
            if let (true, Some(true), Some(accounts)) =
                (params.at_named_accounts, cell.holds, cell.accounts)
            {
                ask(at(accounts, false), (hypothesis, rung), params.power_replications);
            }
        }
        if BESIDE.contains(&world) {
            let of_two = |id: &HypothesisId| matches!(id, HypothesisId::H1 | HypothesisId::H8);
            for (hypothesis, rung) in tests(params).filter(|(id, _)| of_two(id)) {
                if rung == Rung::Associated {
                    let cohorts = replications(table.cell(world, hypothesis, rung), rung);
                    for &accounts in &params.other_accounts {
                        ask(at(accounts, false), (hypothesis, rung), cohorts);
                        ask(at(accounts, true), (hypothesis, rung), cohorts);
                    }
                }
            }
        }
    }
    let mut jobs: Vec<Job> = jobs.into_values().collect();
    jobs.sort_by_key(|job| job.setting.accounts);
    jobs
}

/// The worlds in which other numbers of accounts are looked at.
const BESIDE: [&str; 3] = ["informative", "irrelevant", SHAKEN];

/// The world in which every slope is shaken by date: sizes are held to less there.
pub(super) const SHAKEN: &str = "slope_shock";

fn tests(params: &SuiteParams) -> impl Iterator<Item = (HypothesisId, Rung)> + '_ {
    let wanted = |id: &HypothesisId| params.hypotheses.is_empty() || params.hypotheses.contains(id);
    let rung = |rung: &Rung| params.rungs.is_empty() || params.rungs.contains(rung);
    HypothesisId::ALL
        .into_iter()
        .filter(wanted)
        .flat_map(move |id| Rung::ALL.into_iter().filter(rung).map(move |rung| (id, rung)))
}
