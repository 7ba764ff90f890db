//! SQL, where this `rvq` was built with it: queries of mappings answered, logs that can be asked.
//!
//! The only module that knows both cases; without the feature, whatever needs SQL ends with the command that
//! installs it.

use std::path::Path;

use tempfile::TempDir;

use crate::ingest::Mapping;

use super::RunError;

/// A mapping whose tables are all files, and the answers to its queries for as long as they are read.
#[derive(Debug)]
pub struct AnsweredMapping {
    mapping: Mapping,
    _answers: Option<TempDir>,
}

impl AnsweredMapping {
    /// Answers the queries of `mapping`, if it has any, from its sources in the folder `data`.
    ///
    /// - `memory`: what sorts, joins and groups may hold before they spill \[bytes\]; absent: no limit.
    ///
    /// # Errors
    ///
    /// [`RunError::NoSql`] for a query without the feature `sql`, [`RunError::Sql`] for one that cannot be
    /// answered.
    pub fn of(mapping: Mapping, data: &Path, memory: Option<usize>) -> Result<Self, RunError> {
        if mapping.queries().next().is_none() {
            return Ok(Self { mapping, _answers: None });
        }
        with_queries(mapping, data, memory)
    }

    /// The mapping.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }
}

#[cfg(feature = "sql")]
fn with_queries(
    mapping: Mapping,
    data: &Path,
    memory: Option<usize>,
) -> Result<AnsweredMapping, RunError> {
    let (mapping, answers) = crate::engine::answer(mapping, data, memory)?;
    Ok(AnsweredMapping { mapping, _answers: Some(answers) })
}

#[cfg(not(feature = "sql"))]
fn with_queries(mapping: Mapping, _: &Path, _: Option<usize>) -> Result<AnsweredMapping, RunError> {
    Err(RunError::NoSql { what: format!("`{}` has tables in SQL", mapping.path().display()) })
}

#[cfg(feature = "sql")]
pub use asking::ask;

#[cfg(feature = "sql")]
mod asking {
    use std::path::{Path, PathBuf};

    use super::super::RunError;
    use super::super::data::Conventions;
    use crate::engine::{Engine, Limits, ScoredLog};
    use crate::flow::Catalogue;
    use crate::time::Calendar;

    /// Where the tables of a log are, and the time zone of its months.
    struct Tables {
        folder: PathBuf,
        time_zone: String,
    }

    /// An engine with the tables of the run or log folder `folder`: of the data set `data`, where a run has
    /// several.
    ///
    /// # Errors
    ///
    /// [`RunError::NotALog`] for another folder, [`RunError::NoDataset`] for a name that the run does not have,
    /// [`RunError::Sql`] when a table cannot be read.
    pub fn ask(folder: &Path, data: Option<&str>, limits: Limits) -> Result<Engine, RunError> {
        let tables = if folder.join("manifest.json").is_file() {
            of_run(folder, data)?
        } else {
            of_log(folder)?
        };
        let engine = Engine::new(limits)?;
        engine.add_folder(&tables.folder)?;
        let catalogue = tables.folder.join("catalogue.csv");
        let calendar = Calendar::new(&tables.time_zone).unwrap_or(Calendar::UTC);
        if catalogue.is_file() {
            let catalogue = Catalogue::load(&catalogue)?;
            engine.add_scores(ScoredLog::open(&tables.folder, catalogue, calendar)?)?;
        }
        Ok(engine)
    }

    fn of_run(folder: &Path, data: Option<&str>) -> Result<Tables, RunError> {
        let tables = folder.join("tables");
        let listed = std::fs::read_dir(&tables).map_err(|error| RunError::io(&tables, error))?;
        let mut known: Vec<String> =
            listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        known.sort();
        let name = match (data, known.as_slice()) {
            (Some(name), _) if known.iter().any(|one| one == name) => name.to_owned(),
            (None, [only]) => only.clone(),
            _ => {
                let (asked, known) = (data.map(str::to_owned), known.join(", "));
                return Err(RunError::NoDataset { asked, known });
            }
        };
        let plan = folder.join("plan.resolved.toml");
        let text = std::fs::read_to_string(&plan).map_err(|error| RunError::io(&plan, error))?;
        let zone =
            |table: &toml::Table| Some(table.get("run")?.get("time_zone")?.as_str()?.to_owned());
        let time_zone = text.parse().ok().as_ref().and_then(zone);
        Ok(Tables { folder: tables.join(name), time_zone: time_zone.unwrap_or_default() })
    }

    fn of_log(folder: &Path) -> Result<Tables, RunError> {
        if !folder.join("accounts.parquet").is_file() {
            return Err(RunError::NotALog { folder: folder.display().to_string() });
        }
        let conventions = Conventions::of_log(&folder.join("mapping.toml"))?;
        let time_zone = conventions.map_or_else(String::new, |conventions| conventions.time_zone);
        Ok(Tables { folder: folder.to_owned(), time_zone })
    }
}
