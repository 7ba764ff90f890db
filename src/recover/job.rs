//! The cells of the suite, put together by cohort: what shares a cohort is tested on the same one.

use std::collections::BTreeMap;

use crate::hypothesis::{HypothesisId, Rung};

use super::trial::{Asked, Setting};
use super::truth::{MOST_ACCOUNTS, TruthTable};

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
    fn wants(&self, world: &str) -> bool {
        self.worlds.is_empty() || self.worlds.iter().any(|wanted| wanted == world)
    }

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
/// - Each known limit with the most accounts of a pilot, and the same tests where nothing is related, with
///   the estimators that were tried.
pub fn jobs(params: &SuiteParams, table: &TruthTable) -> Vec<Job> {
    let mut suite = Suite { params, table, jobs: BTreeMap::new() };
    for world in table.worlds().filter(|world| params.wants(world)) {
        tests(params).for_each(|test| suite.ask_cell(world, test));
        if BESIDE.contains(&world) {
            tests(params).for_each(|test| suite.ask_other_accounts(world, test));
        }
    }
    if params.at_named_accounts {
        suite.ask_limits();
    }
    let mut jobs: Vec<Job> = suite.jobs.into_values().collect();
    jobs.sort_by_key(|job| job.setting.accounts);
    jobs
}

/// The jobs of a suite while they are put together, by setting and whether other estimators are tried.
struct Suite<'a> {
    params: &'a SuiteParams,
    table: &'a TruthTable,
    jobs: BTreeMap<(Setting, bool), Job>,
}

impl Suite<'_> {
    fn ask_cell(&mut self, world: &str, test: (HypothesisId, Rung)) {
        let Some(cell) = self.table.cell(world, test.0, test.1) else { return };
        self.ask((world, self.params.accounts), Cohort::AsItComes, test);
        if let (true, Some(true), Some(accounts)) =
            (self.params.at_named_accounts, cell.holds, cell.accounts)
        {
            self.ask((world, accounts), Cohort::AsItComes, test);
        }
    }

    fn ask_other_accounts(&mut self, world: &str, test: (HypothesisId, Rung)) {
        let beside = [HypothesisId::H1, HypothesisId::H8].map(|id| (id, Rung::Associated));
        if beside.contains(&test) {
            for &accounts in &self.params.other_accounts {
                self.ask((world, accounts), Cohort::AsItComes, test);
                self.ask((world, accounts), Cohort::Balanced, test);
            }
        }
    }

    fn ask_limits(&mut self) {
        let wanted: Vec<(HypothesisId, Rung)> = tests(self.params).collect();
        for (world, id, rung, _) in self.table.limits() {
            for world in [world, UNRELATED].into_iter().filter(|world| self.params.wants(world)) {
                if wanted.contains(&(id, rung)) {
                    self.ask((world, MOST_ACCOUNTS), Cohort::Tried, (id, rung));
                }
            }
        }
    }

    fn ask(&mut self, (world, accounts): (&str, u32), cohort: Cohort, test: (HypothesisId, Rung)) {
        let (id, rung) = test;
        let is_false = self.table.cell(world, id, rung).and_then(|cell| cell.holds) == Some(false);
        // Where nothing is caused, every pair is equal: one cohort would say so.
        let by_chance = is_false && rung != Rung::Causal;
        let replications =
            if by_chance { self.params.replications } else { self.params.power_replications };
        let setting = Setting {
            world: world.to_owned(),
            accounts,
            months: self.params.months,
            balanced: cohort == Cohort::Balanced,
        };
        let tried = cohort == Cohort::Tried;
        let empty = Asked { tests: Vec::new(), tried };
        let job = self.jobs.entry((setting.clone(), tried)).or_insert(Job {
            setting,
            asked: empty,
            replications,
        });
        job.replications = job.replications.max(replications);
        if !job.asked.tests.contains(&test) {
            job.asked.tests.push(test);
        }
    }
}

/// How cohorts are made, and what is computed on them.
#[derive(Clone, Copy, PartialEq)]
enum Cohort {
    AsItComes,
    /// Every account is a customer from the first day.
    Balanced,
    /// As it comes, with the estimators that were tried beside those that decide.
    Tried,
}

/// The world in which nothing is related: what is tried at a known limit shows its size there.
pub const UNRELATED: &str = "irrelevant";

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
