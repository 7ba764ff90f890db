//! What a mapping asks others for, where this `rvq` was built with them: tables of databases copied, queries in
//! SQL answered.
//!
//! The only module that knows which of both there is; without a feature, whatever needs it ends with the command that
//! installs it.

use std::path::Path;

use tempfile::TempDir;

use crate::ingest::{IngestError, Mapping};

use super::RunError;

/// A mapping whose tables are all files, and those that were made for it for as long as they are read.
#[derive(Debug)]
pub struct AnsweredMapping {
    mapping: Mapping,
    _staging: Option<TempDir>,
}

impl AnsweredMapping {
    /// Copies the tables of databases that `mapping` reads, if there are any, and answers its queries from its sources in
    /// the folder `data`; files wait in the system's folder for temporary ones.
    ///
    /// - `memory`: what sorts, joins and groups may hold before they spill \[bytes\]; absent: no limit.
    ///
    /// # Errors
    ///
    /// [`RunError::NoPostgres`] for a database without the feature `postgres`, `RunError::Database` for one that cannot
    /// be read; [`RunError::NoSql`] for a query without the feature `sql`, `RunError::Sql` for one that cannot be
    /// answered.
    pub fn of(mapping: Mapping, data: &Path, memory: Option<usize>) -> Result<Self, RunError> {
        Self::staged(mapping, data, &std::env::temp_dir(), memory)
    }

    /// The same with files that wait in a new folder inside `place`, which is removed with the mapping.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn staged(
        mapping: Mapping,
        data: &Path,
        place: &Path,
        memory: Option<usize>,
    ) -> Result<Self, RunError> {
        if mapping.database_tables().is_empty() && mapping.queries().next().is_none() {
            return Ok(Self { mapping, _staging: None });
        }
        let failed = |source| IngestError::Write { path: place.to_owned(), source };
        let staging =
            tempfile::Builder::new().prefix(".rvq-ingest-").tempdir_in(place).map_err(failed)?;
        let mapping = copied(mapping, staging.path())?;
        let mapping = answered(mapping, data, staging.path(), memory)?;
        Ok(Self { mapping, _staging: Some(staging) })
    }

    /// The mapping.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }
}

/// `mapping` with copies in the place of its tables in databases.
fn copied(mapping: Mapping, staging: &Path) -> Result<Mapping, RunError> {
    if mapping.database_tables().is_empty() {
        return Ok(mapping);
    }
    #[cfg(feature = "postgres")]
    return Ok(crate::database::copy(mapping, staging)?);
    #[cfg(not(feature = "postgres"))]
    {
        let _ = staging;
        let what = format!("`{}` reads a PostgreSQL database", mapping.path().display());
        Err(RunError::NoPostgres { what })
    }
}

/// `mapping` with answers in the place of its queries.
fn answered(
    mapping: Mapping,
    data: &Path,
    staging: &Path,
    memory: Option<usize>,
) -> Result<Mapping, RunError> {
    if mapping.queries().next().is_none() {
        return Ok(mapping);
    }
    #[cfg(feature = "sql")]
    return Ok(crate::engine::answer(mapping, data, staging, memory)?);
    #[cfg(not(feature = "sql"))]
    {
        let _ = (data, staging, memory);
        let what = format!("`{}` has tables in SQL", mapping.path().display());
        Err(RunError::NoSql { what })
    }
}
