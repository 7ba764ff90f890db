//! Runs and logs that can be asked in SQL.

use std::path::{Path, PathBuf};

use super::RunError;
use crate::engine::{Engine, Limits, ScoredLog, SqlError};
use crate::flow::Catalogue;

/// An engine with the tables of the run or log folder `folder`: of the data set `data`, where a run has
/// several. Scores that cannot be had are missed only by queries that ask for them.
///
/// # Errors
///
/// [`RunError::NotALog`] for another folder, [`RunError::NoDataset`] for a name that the run does not have,
/// [`RunError::Sql`] when a table cannot be read.
pub fn ask(folder: &Path, data: Option<&str>, limits: Limits) -> Result<Engine, RunError> {
    let tables = if folder.join("manifest.json").is_file() {
        tables_of(folder, data)?
    } else if folder.join("accounts.parquet").is_file() {
        folder.to_owned()
    } else {
        return Err(RunError::NotALog { folder: folder.display().to_string() });
    };
    let mut engine = Engine::new(limits)?;
    engine.add_folder(&tables)?;
    engine.add_months()?;
    match scored(&tables) {
        Ok(log) => engine.add_scores(log)?,
        Err(why) => engine.lack_scores(why),
    }
    Ok(engine)
}

fn scored(tables: &Path) -> Result<ScoredLog, String> {
    let path = tables.join("catalogue.csv");
    if !path.is_file() {
        return Err("the folder has no `catalogue.csv`, which values interactions".to_owned());
    }
    let catalogue = Catalogue::load(&path).map_err(|error| error.to_string())?;
    ScoredLog::open(tables, catalogue).map_err(|error: SqlError| error.to_string())
}

/// The tables of a data set of the run in `folder`.
fn tables_of(folder: &Path, data: Option<&str>) -> Result<PathBuf, RunError> {
    let tables = folder.join("tables");
    let listed = std::fs::read_dir(&tables).map_err(|error| RunError::io(&tables, error))?;
    let mut known: Vec<String> = listed
        .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    known.sort();
    match (data, known.as_slice()) {
        (Some(name), _) if known.iter().any(|one| one == name) => Ok(tables.join(name)),
        (None, [only]) => Ok(tables.join(only)),
        _ => {
            let (asked, known) = (data.map(str::to_owned), known.join(", "));
            Err(RunError::NoDataset { asked, known })
        }
    }
}
