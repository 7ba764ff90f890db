//! Where the account histories of a run come from: a simulation, an export, or a log folder.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::audit::RefusedRows;
use crate::diagnostic::{Problems, Source, nearest};
use crate::flow::{Catalogue, Flow};
use crate::ids::TypeNames;
use crate::ingest::{IngestError, Mapping, SourceError, ingest};
use crate::interaction::{AccountHistory, Log, Projection, TableError, UnreadAccount};
use crate::report::Dropped;
use crate::rng::Streams;
use crate::simulate::{Simulation, World, WorldError};
use crate::time::{Calendar, Instant, Month};

use super::RunError;
use super::answered::AnsweredMapping;
use super::ledger::{refused_by, refused_in};
use super::plan::{DataParams, FULL, ResolvedPlan, RunParams, WorldParams, hex};

/// One data set of a run.
#[derive(Debug)]
pub struct Dataset {
    /// World, or name of the log.
    pub name: String,
    /// What is true in it, or what it can show.
    pub description: String,
    /// Time zone of the months.
    pub calendar: Calendar,
    /// First month of the data.
    pub first: Month,
    /// Number of whole months of the data.
    pub months: u32,
    /// The catalogue that values its interactions.
    pub catalogue: Catalogue,
    /// The interaction types of the log.
    pub types: TypeNames,
    /// The flow that plans its interactions, where there is one.
    pub flow: Option<Flow>,
    /// Rows left out before the panel, by reason.
    pub dropped: Vec<Dropped>,
    /// Rows that ingest refused, by source and reason, as its ledger says.
    pub refused: Vec<RefusedRows>,
    source: HistorySource,
}

#[derive(Debug)]
enum HistorySource {
    Simulation(Box<Simulation>, u32),
    Memory(Vec<AccountHistory>),
    Folder(Box<Log>),
}

/// Accounts to be read by whoever gets them.
pub(super) type Unread = Box<dyn Iterator<Item = UnreadAccount>>;

/// A file that a run depends on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Input {
    /// What it is; a file name without folder.
    pub name: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl Input {
    fn of(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), sha256: hex(&Sha256::digest(bytes)) }
    }

    fn read(path: &Path) -> Result<Self, RunError> {
        let mut hash = Sha256::new();
        let mut piece = vec![0; HASHED_AT_ONCE];
        let mut file = File::open(path).map_err(|source| RunError::io(path, source))?;
        loop {
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => hash.update(&piece[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(RunError::io(path, source)),
            }
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(Self { name: name.unwrap_or_default(), sha256: hex(&hash.finalize()) })
    }
}

/// Bytes of a file that are hashed at a time.
const HASHED_AT_ONCE: usize = 1 << 18;

/// Something that a run depends on: a file is hashed only when the run is to be named.
#[derive(Debug)]
pub(super) enum Dependency {
    Known(Input),
    File(PathBuf),
}

impl Dependency {
    fn of(name: &str, bytes: &[u8]) -> Self {
        Self::Known(Input::of(name, bytes))
    }

    fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// With its hash.
    pub(super) fn input(&self) -> Result<Input, RunError> {
        match self {
            Self::Known(input) => Ok(input.clone()),
            Self::File(path) => Input::read(path),
        }
    }
}

impl Dataset {
    /// The first instant after the data.
    pub fn end(&self) -> Instant {
        self.calendar.start_of(self.first.plus(self.months as i32))
    }

    /// The histories in order of account id; a log folder is streamed, a simulation made anew.
    ///
    /// # Errors
    ///
    /// When the log folder cannot be opened; the items are errors where its rows cannot be used.
    pub fn histories(
        &self,
    ) -> Result<Box<dyn Iterator<Item = Result<AccountHistory, TableError>> + '_>, TableError> {
        Ok(match &self.source {
            HistorySource::Simulation(simulation, accounts) => {
                Box::new(simulation.histories(*accounts).map(Ok))
            }
            HistorySource::Memory(histories) => Box::new(histories.iter().cloned().map(Ok)),
            HistorySource::Folder(log) if rayon::current_num_threads() > 1 => {
                Box::new(log.histories()?.read_ahead())
            }
            HistorySource::Folder(log) => Box::new(log.histories()?),
        })
    }

    /// The accounts of a log folder, of which `projection` is to be read; absent where there is no such folder.
    pub(super) fn unread(&self, projection: Projection) -> Result<Option<Unread>, TableError> {
        let HistorySource::Folder(log) = &self.source else { return Ok(None) };
        let histories = log.as_ref().clone().with_projection(projection).histories()?;
        Ok(Some(if rayon::current_num_threads() > 1 {
            Box::new(histories.unread_ahead())
        } else {
            Box::new(histories.unread())
        }))
    }

    /// Reads every account of a log folder, of which otherwise nothing but its files is known.
    ///
    /// # Errors
    ///
    /// [`TableError`] for the first account that breaks a rule.
    pub fn check(&self) -> Result<(), TableError> {
        match &self.source {
            HistorySource::Folder(log) => log.histories()?.try_for_each(|one| one.map(|_| ())),
            HistorySource::Simulation(..) | HistorySource::Memory(_) => Ok(()),
        }
    }

    /// Number of accounts, where it is known before they are read.
    pub fn accounts(&self) -> Option<u64> {
        match &self.source {
            HistorySource::Simulation(_, accounts) => Some(u64::from(*accounts)),
            HistorySource::Memory(histories) => Some(histories.len() as u64),
            HistorySource::Folder(_) => None,
        }
    }

    /// The simulation, when the data are simulated.
    pub fn simulation(&self) -> Option<&Simulation> {
        match &self.source {
            HistorySource::Simulation(simulation, _) => Some(simulation),
            HistorySource::Memory(_) | HistorySource::Folder(_) => None,
        }
    }
}

/// The data sets of a plan, and every file they depend on.
///
/// # Errors
///
/// [`RunError`] from reading worlds, flows, mappings, exports and logs.
pub(super) fn datasets(
    resolved: &ResolvedPlan,
) -> Result<(Vec<Dataset>, Vec<Dependency>), RunError> {
    let plan = &resolved.plan;
    let calendar = Calendar::new(&plan.run.time_zone).expect("a checked plan has a time zone");
    match (&plan.world, &plan.data) {
        (Some(params), _) => {
            let streams = plan.run.streams();
            simulated(params, &resolved.folder, calendar, streams)
        }
        (None, Some(params)) => {
            let (mut datasets, mut inputs) = real(params, &plan.run, &resolved.folder)?;
            if let Some(path) = &params.flow {
                let path = resolved.folder.join(path);
                let flow = Flow::load(&path)?;
                inputs.push(Dependency::of("flow", format!("{flow:?}").as_bytes()));
                for dataset in &mut datasets {
                    dataset.flow = Some(flow.clone());
                }
            }
            Ok((datasets, inputs))
        }
        (None, None) => unreachable!("a checked plan has `[world]` or `[data]`"),
    }
}

fn simulated(
    params: &WorldParams,
    folder: &Path,
    calendar: Calendar,
    streams: Streams,
) -> Result<(Vec<Dataset>, Vec<Dependency>), RunError> {
    let mut inputs = Vec::new();
    let flow = match &params.flow {
        None => Flow::builtin(),
        Some(path) => {
            let path = folder.join(path);
            let flow = Flow::load(&path)?;
            inputs.push(Dependency::file(path));
            flow
        }
    };
    // The flow and catalogue as checked, so that a built-in flow counts as an input too.
    inputs.push(Dependency::of("flow", format!("{flow:?}").as_bytes()));
    let mut names = vec![params.world.clone()];
    names.extend(params.beside.iter().filter(|beside| **beside != params.world).cloned());
    let mut datasets = Vec::new();
    for name in names {
        let builtin = World::builtin_names().any(|known| known == name);
        let path = if builtin { name.clone() } else { folder.join(&name).display().to_string() };
        let world = World::load(&path).map_err(|error| no_world(error, &name, &path))?;
        inputs.push(Dependency::of(
            &format!("world {}", world.name),
            format!("{world:?}").as_bytes(),
        ));
        let simulation = Simulation::new(
            flow.clone(),
            world.clone(),
            streams,
            calendar,
            (params.start, params.months),
        )?;
        datasets.push(Dataset {
            name: world.name,
            description: world.description,
            calendar,
            first: params.start,
            months: params.months,
            catalogue: flow.catalogue().clone(),
            flow: Some(flow.clone()),
            types: simulation.types(),
            dropped: Vec::new(),
            refused: Vec::new(),
            source: HistorySource::Simulation(Box::new(simulation), params.accounts),
        });
    }
    Ok((datasets, inputs))
}

/// A world that is not there, in words that help.
fn no_world(error: WorldError, name: &str, path: &str) -> RunError {
    let WorldError::Read { known, .. } = error else { return error.into() };
    let hint = nearest(name, World::builtin_names())
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    RunError::NoWorld { name: name.to_owned(), known, path: path.to_owned(), hint }
}

fn real(
    params: &DataParams,
    run: &RunParams,
    folder: &Path,
) -> Result<(Vec<Dataset>, Vec<Dependency>), RunError> {
    if let Some(log) = &params.log {
        return log_folder(&folder.join(log), run);
    }
    let mapping_path = folder.join(params.mapping.as_ref().expect("a checked plan has one"));
    let mapping = Mapping::load(&mapping_path)?;
    let data = match (&params.fetched, &params.folder) {
        (Some(name), _) => fetched(name)?,
        (None, Some(data)) => folder.join(data),
        (None, None) => mapping_path.parent().unwrap_or(Path::new("")).to_owned(),
    };
    Conventions::of(&mapping).check(run, &mapping_path)?;
    let answered = AnsweredMapping::of(mapping.clone(), &data, None)?;
    let ingested = ingest(answered.mapping(), &data).map_err(|error| no_export(error, &mapping))?;
    let mut inputs =
        vec![Dependency::file(&mapping_path), Dependency::file(mapping.catalogue_path())];
    // Lookups too: what they say is in the histories.
    for name in mapping.files(&data)? {
        inputs.push(Dependency::file(data.join(name)));
    }
    for (name, sha256) in answered.mapping().copies() {
        inputs.push(Dependency::Known(Input { name: name.to_owned(), sha256: hex(sha256) }));
    }
    let dropped = ingested
        .report
        .sources
        .iter()
        .filter(|source| source.n_rejected() > 0)
        .map(|source| Dropped {
            reason: format!("row of `{}` rejected on the way into {}", source.source, source.table),
            count: source.n_rejected(),
        })
        .collect();
    let refused = refused_by(&ingested.report);
    let calendar = mapping.calendar();
    let (first, months) = span(&ingested.histories, calendar)?;
    Ok((
        vec![Dataset {
            name: mapping.name().to_owned(),
            description: mapping.description().to_owned(),
            calendar,
            first,
            months,
            catalogue: ingested.catalogue,
            flow: None,
            types: ingested.types,
            dropped,
            refused,
            source: HistorySource::Memory(ingested.histories),
        }],
        inputs,
    ))
}

/// A plan for the log folder `path` alone, in the time zone and currency of its mapping.
pub(super) fn plan_of_log(path: &Path) -> Result<ResolvedPlan, RunError> {
    let conventions = Conventions::of_log(&path.join("mapping.toml"))?;
    let (zone, currency) = conventions
        .map_or_else(Default::default, |conventions| (conventions.time_zone, conventions.currency));
    let mut run = toml::Table::new();
    run.insert("name".to_owned(), "log".into());
    for (key, value) in [("time_zone", zone), ("currency", currency)] {
        if !value.is_empty() {
            run.insert(key.to_owned(), value.into());
        }
    }
    let mut data = toml::Table::new();
    data.insert("log".to_owned(), ".".into());
    let mut plan = toml::Table::new();
    plan.insert("run".to_owned(), run.into());
    plan.insert("data".to_owned(), data.into());
    let text = toml::to_string(&plan).expect("a table of plain values");
    let source = Source::new(path.display().to_string(), text);
    Ok(ResolvedPlan::resolve(&source, path.to_owned(), FULL, &[])?)
}

/// What a mapping says of all its data.
#[derive(Debug, serde::Deserialize)]
struct Conventions {
    name: String,
    description: String,
    time_zone: String,
    currency: String,
}

impl Conventions {
    fn of(mapping: &Mapping) -> Self {
        Self {
            name: mapping.name().to_owned(),
            description: mapping.description().to_owned(),
            time_zone: mapping.calendar().name().to_owned(),
            currency: mapping.currency().to_owned(),
        }
    }

    /// Those of a log that `rvq ingest` wrote, from the mapping it left there.
    fn of_log(path: &Path) -> Result<Option<Self>, RunError> {
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(path).map_err(|source| RunError::io(path, source))?;
        let mut problems = Problems::default();
        let place = problems.add_source(Source::new(path.display().to_string(), text));
        let conventions = problems.parse_toml(place);
        Ok(problems.into_result(conventions).map_err(IngestError::Mapping)?)
    }

    /// The plan must not contradict what the mapping says.
    fn check(&self, run: &RunParams, path: &Path) -> Result<(), RunError> {
        let both = [
            ("time_zone", &run.time_zone, &self.time_zone),
            ("currency", &run.currency, &self.currency),
        ];
        let differs = both.into_iter().find(|(_, plan, mapping)| plan != mapping);
        differs.map_or(Ok(()), |(key, plan, mapping)| {
            Err(RunError::OtherConvention {
                key,
                plan: plan.clone(),
                mapping: mapping.clone(),
                path: path.display().to_string(),
            })
        })
    }
}

/// Files that are not there, in words that help.
fn no_export(error: IngestError, mapping: &Mapping) -> RunError {
    match error {
        IngestError::Sources(problems)
            if problems.as_slice().iter().all(|p| {
                matches!(p, SourceError::Missing { .. } | SourceError::NoMatch { .. })
            }) =>
        {
            RunError::NoExport {
                missing: problems.to_string(),
                mapping: mapping.path().display().to_string(),
            }
        }
        error => error.into(),
    }
}

/// A log folder; one that `rvq ingest` wrote carries its mapping, and with it name and conventions.
fn log_folder(path: &Path, run: &RunParams) -> Result<(Vec<Dataset>, Vec<Dependency>), RunError> {
    let mapping_path = path.join("mapping.toml");
    let conventions = Conventions::of_log(&mapping_path)?;
    if let Some(conventions) = &conventions {
        conventions.check(run, &mapping_path)?;
    }
    let calendar = Calendar::new(&run.time_zone).expect("a checked plan has a time zone");
    let log = Log::open(path)?;
    let catalogue_path = path.join("catalogue.csv");
    let catalogue = Catalogue::load(&catalogue_path)?;
    let mut inputs = vec![Dependency::file(&catalogue_path)];
    let mut files: Vec<PathBuf> = std::fs::read_dir(path)
        .map_err(|source| RunError::io(path, source))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .filter(|path| !path.ends_with("rejected.parquet"))
        .collect();
    files.sort();
    inputs.extend(files.into_iter().map(Dependency::File));
    let (start, end) = log.outcome_span()?.ok_or(RunError::NoOutcomes)?;
    let (first, last) = (calendar.month_of(start), calendar.month_of(end));
    let months = last.since(first) as u32 + 1;
    let (name, description) = if let Some(conventions) = conventions {
        (conventions.name, conventions.description)
    } else {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|| "log".to_owned());
        let description = format!("the log folder `{name}`");
        (name, description)
    };
    let dataset = Dataset {
        name,
        description,
        calendar,
        first,
        months,
        catalogue,
        flow: None,
        types: log.types().clone(),
        dropped: Vec::new(),
        refused: refused_in(&path.join("ingest.json"))?,
        source: HistorySource::Folder(Box::new(log)),
    };
    Ok((vec![dataset], inputs))
}

/// First month and number of months with outcomes.
fn span(histories: &[AccountHistory], calendar: Calendar) -> Result<(Month, u32), RunError> {
    let outcomes = histories.iter().flat_map(|history| &history.outcomes);
    let months = || outcomes.clone().map(|outcome| calendar.month_of(outcome.period_start));
    let (first, last) = months().min().zip(months().max()).ok_or(RunError::NoOutcomes)?;
    Ok((first, last.since(first) as u32 + 1))
}

/// Folder into which `data/fetch NAME` puts a public log.
fn fetched(name: &str) -> Result<PathBuf, RunError> {
    let from = |key: &str| std::env::var_os(key).map(PathBuf::from);
    let cache = from("RVQ_DATA")
        .or_else(|| from("XDG_CACHE_HOME").map(|cache| cache.join("rvq")))
        .or_else(|| from("HOME").map(|home| home.join(".cache").join("rvq")));
    let folder = cache.unwrap_or_default().join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let folder = folder.display().to_string();
    Err(RunError::NotFetched { name: name.to_owned(), folder })
}
