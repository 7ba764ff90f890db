//! From a plan to a run folder, and back: `run`, `verify`, gates and expectations.
//!
//! The same binary, plan and inputs give the same bytes at any number of threads; times stand
//! only in `log.jsonl` and `timings.json`, outside every hash. Only this module reads the clock.

mod analyse;
mod answered;
mod audit;
mod data;
mod data_map;
mod diagnose;
mod draw;
mod error;
mod expect;
mod explain;
mod fit;
mod folder;
mod gather;
mod ledger;
mod notes;
mod plan;
mod power;
#[cfg(feature = "sql")]
mod sql;
mod tables;
mod weights;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::chart::{BoardColumn, Chart, VerdictBoardData, verdict_board};
use crate::hypothesis::Decision;
use crate::interaction::write_table;
use crate::report::{
    GateResult, ReportContext, Results, RunInfo, SCHEMA_VERSION, html, junit, summary_markdown,
    write_json,
};

pub use analyse::{
    Analysis, Courses, Focus, PatternsFound, analyse, build_panel, courses, patterns_of,
};
pub use answered::AnsweredMapping;
pub use audit::{AuditReport, audit};
pub use data::{Dataset, Input};
pub use data_map::{data_map_columns, data_map_data, data_map_of, gaps_of};
pub use diagnose::Diagnosed;
pub use draw::world_results;
pub use error::{RunError, ingest_exit_code};
pub use expect::{Expectation, ExpectedFinding, check_expectations};
pub use explain::{Explanation, Move, Part, Question, Step, explain};
pub use fit::{ShapeQuestion, purchases_of, shape_of};
pub use folder::Manifest;
pub use gather::{Counts, Gathered};
pub use plan::{
    DataParams, FULL, Gate, PanelSection, Plan, PlanError, ResolvedPlan, RunParams, ScoreParams,
    WorldParams,
};
pub use power::powers;
#[cfg(feature = "sql")]
pub use sql::ask;
pub use tables::{
    Columns, PANEL_MEASURES, age_columns, exception_columns, goodwill_columns, panel_columns,
    record_columns, unit_columns, write_panel,
};
pub use weights::{WeightsFound, weights_of};

use data::{Dependency, datasets};

/// A plan with everything it depends on, ready to be run.
#[derive(Debug)]
pub struct Run {
    resolved: ResolvedPlan,
    datasets: Vec<Dataset>,
    depends_on: Vec<Dependency>,
    named: OnceLock<Named>,
}

/// Everything that a run depends on with its hash, and the name that follows from it.
#[derive(Debug)]
struct Named {
    inputs: Vec<Input>,
    id: String,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Finished {
    /// The run folder.
    pub folder: PathBuf,
    /// Everything that was found.
    pub results: Results,
    /// The plan's gates.
    pub gates: Vec<GateResult>,
    /// Whether the folder was there already, and was verified instead of written.
    pub existed: bool,
}

impl Run {
    /// Reads what the plan depends on, but for the rows of a log.
    ///
    /// # Errors
    ///
    /// [`RunError`] when a world, flow, mapping, export or log cannot be used.
    pub fn prepare(resolved: ResolvedPlan) -> Result<Self, RunError> {
        let (datasets, depends_on) = datasets(&resolved)?;
        check_names(&datasets, &resolved.plan)?;
        Ok(Self { resolved, datasets, depends_on, named: OnceLock::new() })
    }

    /// Every input with its hash, and the run's id; files are read for it when it is first asked for.
    fn named(&self) -> Result<&Named, RunError> {
        if let Some(named) = self.named.get() {
            return Ok(named);
        }
        let inputs: Vec<Result<Input, RunError>> =
            self.depends_on.par_iter().map(Dependency::input).collect();
        let inputs = inputs.into_iter().collect::<Result<Vec<Input>, RunError>>()?;
        let mut hash = Sha256::new();
        hash.update(self.resolved.hash());
        hash.update(env!("CARGO_PKG_VERSION"));
        for input in &inputs {
            hash.update(&input.name);
            hash.update(&input.sha256);
        }
        let id = plan::hex(&hash.finalize())[..12].to_owned();
        Ok(self.named.get_or_init(|| Named { inputs, id }))
    }

    /// Every file that the run depends on.
    ///
    /// # Errors
    ///
    /// [`RunError`] when one cannot be read.
    pub fn inputs(&self) -> Result<&[Input], RunError> {
        Ok(&self.named()?.inputs)
    }

    /// Content hash of plan, inputs and version.
    ///
    /// # Errors
    ///
    /// [`RunError`] when an input cannot be read.
    pub fn id(&self) -> Result<&str, RunError> {
        Ok(&self.named()?.id)
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.resolved.plan
    }

    /// The data sets, the plan's own first.
    pub fn datasets(&self) -> &[Dataset] {
        &self.datasets
    }

    /// Names of the data sets, in words.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.datasets.iter().map(|dataset| dataset.name.as_str()).collect();
        names.join(", ")
    }

    /// `DIR/<name>-<id>`.
    ///
    /// # Errors
    ///
    /// As [`id`](Self::id).
    pub fn folder(&self, out: &Path) -> Result<PathBuf, RunError> {
        Ok(out.join(format!("{}-{}", self.plan().run.name, self.id()?)))
    }

    /// Runs every stage and writes the run folder below `out`.
    ///
    /// When the folder is there already its bytes are checked against its manifest instead;
    /// `force` writes it anew.
    ///
    /// # Errors
    ///
    /// [`RunError`]; an interrupted run leaves no folder with a manifest.
    pub fn execute(
        &self,
        out: &Path,
        force: bool,
        say: &dyn Fn(&str),
    ) -> Result<Finished, RunError> {
        let place = self.folder(out)?;
        if !force && place.join("manifest.json").is_file() {
            check_bytes(&place)?;
            let results = read_results(&place)?;
            let gates = self.gates(&results);
            return Ok(Finished { folder: place, results, gates, existed: true });
        }
        let mut clock = Clock::start();
        let draft = folder::Draft::create(&place)?;
        draft.write("plan.resolved.toml", &self.resolved.text)?;
        let mut worlds = Vec::new();
        let mut charts: Vec<(String, Chart)> = Vec::new();
        let mut warnings = Vec::new();
        for dataset in &self.datasets {
            let tables = draft.path().join("tables").join(&dataset.name);
            std::fs::create_dir_all(&tables).map_err(|source| RunError::io(&tables, source))?;
            let mut analysis = analyse(dataset, self.plan(), Some((&tables, self.id()?)), say)?;
            say(&format!("{}: patterns", dataset.name));
            analysis.patterns = Some(patterns_of(&analysis.panel, self.plan())?);
            let catalogue = tables.join("catalogue.csv");
            std::fs::write(&catalogue, dataset.catalogue.to_csv())
                .map_err(|source| RunError::io(&catalogue, source))?;
            write_table(&tables.join("data_map.parquet"), &data_map_columns(&analysis.data_map))?;
            write_panel(&tables.join("panel.parquet"), &analysis.panel)?;
            diagnose::write_diagnostics(&tables, &analysis.diagnosed)?;
            if let Some(found) = &analysis.weights {
                weights::write_weights(&tables, found)?;
            }
            if let Some((_, accounts)) = &analysis.goodwill {
                write_table(&tables.join("goodwill.parquet"), &goodwill_columns(accounts))?;
            }
            if let Some((_, alarms)) = &analysis.exceptions {
                write_table(&tables.join("exceptions.parquet"), &exception_columns(alarms))?;
            }
            let drawn = draw::charts(dataset, &analysis, &self.plan().run.currency)?;
            charts.extend(drawn.into_iter().map(|chart| (dataset.name.clone(), chart)));
            warnings.extend(analysis.warnings.iter().map(|w| format!("{}: {w}", dataset.name)));
            worlds.push(draw::world_results(dataset, &analysis));
            clock.lap(&dataset.name);
        }
        let results = Results {
            schema_version: SCHEMA_VERSION.to_owned(),
            run: self.info()?,
            worlds,
            warnings,
        };
        let gates = self.gates(&results);
        say("report");
        self.write_report(&draft, &results, charts, &gates)?;
        clock.lap("report");
        draft.write("timings.json", clock.timings())?;
        draft.write("log.jsonl", self.log(&clock))?;
        draft.finish(self.manifest()?)?;
        Ok(Finished { folder: place, results, gates, existed: false })
    }

    /// What is run, as `results.json` states it.
    ///
    /// # Errors
    ///
    /// As [`id`](Self::id).
    pub fn info(&self) -> Result<RunInfo, RunError> {
        let run = &self.plan().run;
        Ok(RunInfo {
            name: run.name.clone(),
            id: self.id()?.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: run.seed,
            currency: run.currency.clone(),
            time_zone: run.time_zone.clone(),
            profile: self.resolved.profile.clone(),
            simulated: self.plan().world.is_some(),
        })
    }

    fn manifest(&self) -> Result<Manifest, RunError> {
        let Named { inputs, id } = self.named()?;
        Ok(Manifest {
            name: self.plan().run.name.clone(),
            id: id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            seed: self.plan().run.seed,
            profile: self.resolved.profile.clone(),
            plan_sha256: self.resolved.hash(),
            inputs: inputs.clone(),
            outputs: BTreeMap::new(),
        })
    }

    fn write_report(
        &self,
        draft: &folder::Draft,
        results: &Results,
        mut charts: Vec<(String, Chart)>,
        gates: &[GateResult],
    ) -> Result<(), RunError> {
        let board = verdict_board(&VerdictBoardData {
            worlds: results
                .worlds
                .iter()
                .map(|world| BoardColumn {
                    world: world.name.clone(),
                    verdicts: world.verdicts.clone(),
                })
                .collect(),
            simulated: results.run.simulated,
        })?;
        for (world, chart) in &charts {
            draft.write(&format!("charts/{world}/{}.svg", chart.name), &chart.svg)?;
            draft.write(&format!("charts/{world}/{}.csv", chart.name), chart.table.to_csv())?;
        }
        draft.write(&format!("charts/{}.svg", board.name), &board.svg)?;
        draft.write(&format!("charts/{}.csv", board.name), board.table.to_csv())?;
        charts.insert(0, ("all data sets".to_owned(), board));
        let context =
            ReportContext { methods: self.methods(), limits: self.limits(), gates: gates.to_vec() };
        draft.write("results.json", write_json(results)?)?;
        draft.write("report.html", html(results, &charts, &context)?)?;
        draft.write("summary.md", summary_markdown(results))?;
        draft.write("junit.xml", junit(results, gates))
    }

    fn methods(&self) -> Vec<String> {
        let backtest = &self.plan().backtest;
        let panel = &self.plan().panel;
        vec![
            format!(
                "Panel: months in {}; the first {} months only feed the scores; an account counts \
                 from {} months as a customer.",
                self.plan().run.time_zone,
                panel.warm_up_months,
                panel.min_age_months
            ),
            format!(
                "{} permutations of whole account histories; {} bootstrap resamples of accounts.",
                backtest.permutations, backtest.resamples
            ),
            format!(
                "Out of sample: {} groups of accounts, blocks of {} test months after at least {} \
                 training months.",
                backtest.account_groups, backtest.test_block_months, backtest.min_train_months
            ),
        ]
    }

    fn limits(&self) -> Vec<String> {
        if self.plan().world.is_some() {
            let text = "The data are simulated: a supported claim shows that the method recovers \
                        what was planted, not that it holds for any firm.";
            return vec![text.to_owned()];
        }
        self.datasets
            .iter()
            .map(|dataset| dataset.description.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    fn gates(&self, results: &Results) -> Vec<GateResult> {
        let gates = &self.plan().gates;
        gates.iter().map(|(name, gate)| check_gate(name, gate, results)).collect()
    }

    fn log(&self, clock: &Clock) -> String {
        // `absolute` refuses the empty path, which is the folder of a plan named without one.
        let plan = std::path::absolute(Path::new(".").join(&self.resolved.folder))
            .unwrap_or_else(|_| self.resolved.folder.clone());
        let started = serde_json::json!({
            "event": "start",
            "unix_seconds": clock.started_unix,
            "plan_folder": plan.display().to_string(),
            "threads": rayon::current_num_threads(),
        });
        let finished = serde_json::json!({
            "event": "finish",
            "seconds": clock.started.elapsed().as_secs_f64(),
        });
        format!("{started}\n{finished}\n")
    }
}

/// Names become folders of the run, and gates refer to them.
fn check_names(datasets: &[Dataset], plan: &Plan) -> Result<(), RunError> {
    for (position, Dataset { name, .. }) in datasets.iter().enumerate() {
        let separates = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
        if name.is_empty() || name.starts_with('.') || name.chars().any(separates) {
            return Err(RunError::UnusableName { name: name.clone() });
        }
        if datasets[..position].iter().any(|earlier| earlier.name == *name) {
            return Err(RunError::SameName { name: name.clone() });
        }
    }
    let known = || datasets.iter().map(|dataset| dataset.name.as_str());
    let unknown = plan.gates.iter().find(|(_, gate)| known().all(|name| name != gate.world));
    unknown.map_or(Ok(()), |(gate, Gate { world, .. })| {
        Err(RunError::UnknownGateWorld {
            gate: gate.clone(),
            world: world.clone(),
            known: known().collect::<Vec<_>>().join(", "),
        })
    })
}

fn check_gate(name: &str, gate: &Gate, results: &Results) -> GateResult {
    let found = results
        .worlds
        .iter()
        .filter(|world| world.name == gate.world)
        .flat_map(|world| &world.verdicts)
        .find(|verdict| verdict.hypothesis == gate.hypothesis);
    let (passed, saw) = match found {
        Some(verdict) => ((verdict.verdict == gate.verdict) != gate.not, words(verdict.verdict)),
        None => (false, "not judged"),
    };
    let not = if gate.not { "not " } else { "" };
    GateResult {
        name: name.to_owned(),
        passed,
        message: format!(
            "{} in {} is {saw}, expected {not}{}",
            gate.hypothesis,
            gate.world,
            words(gate.verdict)
        ),
    }
}

const fn words(decision: Decision) -> &'static str {
    match decision {
        Decision::Supported => "supported",
        Decision::Contradicted => "contradicted",
        Decision::Inconclusive => "inconclusive",
    }
}

/// Reads `results.json` of the run at `folder`.
///
/// # Errors
///
/// [`RunError`] when it is not there or is no such file.
pub fn read_results(folder: &Path) -> Result<Results, RunError> {
    let path = folder.join("results.json");
    let text = std::fs::read_to_string(&path).map_err(|source| RunError::io(&path, source))?;
    serde_json::from_str(&text)
        .map_err(|source| RunError::BadManifest { path: path.display().to_string(), source })
}

fn check_bytes(folder: &Path) -> Result<Manifest, RunError> {
    let manifest = folder::manifest(folder)?;
    let files = folder::differences(&manifest.outputs, &folder::digests(folder)?);
    if files.is_empty() {
        Ok(manifest)
    } else {
        Err(RunError::Differs { what: "the files on disk".to_owned(), files })
    }
}

/// Proves that the run at `folder` is what its plan and inputs give: its files have the bytes of
/// the manifest, and running its plan again gives those bytes once more.
///
/// Relative paths of the plan start from `plan_folder`; by default from where the run was made.
///
/// # Errors
///
/// [`RunError::Differs`] when bytes differ, [`RunError::OtherInputs`] when the inputs or the
/// version of rvq are no longer those of the run.
pub fn verify(
    folder: &Path,
    plan_folder: Option<&Path>,
    say: &dyn Fn(&str),
) -> Result<Manifest, RunError> {
    let manifest = check_bytes(folder)?;
    say(&format!("{} files have the bytes of the manifest", manifest.outputs.len()));
    let path = folder.join("plan.resolved.toml");
    let text = std::fs::read_to_string(&path).map_err(|source| RunError::io(&path, source))?;
    let plan_folder =
        plan_folder.map_or_else(|| made_from(folder), |place| Ok(place.to_owned()))?;
    let resolved = ResolvedPlan::reread(text, manifest.profile.clone(), plan_folder)?;
    let run = Run::prepare(resolved)?;
    let id = run.id()?;
    if id != manifest.id {
        return Err(RunError::OtherInputs { expected: manifest.id, found: id.to_owned() });
    }
    let scratch = tempfile::tempdir().map_err(|source| RunError::io(folder, source))?;
    let again = run.execute(scratch.path(), true, say)?;
    let files = folder::differences(&manifest.outputs, &folder::digests(&again.folder)?);
    if files.is_empty() {
        Ok(manifest)
    } else {
        Err(RunError::Differs { what: "running the plan again".to_owned(), files })
    }
}

/// Folder of the plan that made the run, from its log.
fn made_from(folder: &Path) -> Result<PathBuf, RunError> {
    let path = folder.join("log.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|event| event.get("plan_folder")?.as_str().map(PathBuf::from))
        .ok_or_else(|| RunError::UnknownPlanFolder { folder: folder.display().to_string() })
}

/// Times of a run: they reach only the files outside every hash.
struct Clock {
    started: Instant,
    started_unix: u64,
    last: Instant,
    laps: Vec<(String, f64)>,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this module alone reads the clock")]
    fn start() -> Self {
        let started = Instant::now();
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { started, started_unix: unix, last: started, laps: Vec::new() }
    }

    fn lap(&mut self, name: &str) {
        self.laps.push((name.to_owned(), self.last.elapsed().as_secs_f64()));
        self.last = Instant::now();
    }

    fn timings(&self) -> String {
        let laps: serde_json::Map<String, serde_json::Value> =
            self.laps.iter().map(|(name, seconds)| (name.clone(), (*seconds).into())).collect();
        serde_json::json!({ "seconds": laps }).to_string() + "\n"
    }
}
