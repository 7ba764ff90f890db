//! SQL on Apache `DataFusion`, embedded: questions about a log, and mappings whose tables are queries.
//!
//! ```text
//! log or run folder ──> Engine ── "SELECT account_id, rv_decay(account_id, …) …" ──> batches
//! mapping with `sql`  ──> answer ── each query once, into a file ──> a mapping without ──> ingest
//! ```
//!
//! Behind the Cargo feature `sql`. What a score is worth is not written here again: its functions
//! call `score` ([`scores`](self)). A query reads the tables that it was given and nothing else: statements that
//! write, define or set anything are refused, and no path is a table.

mod error;
mod in_turn;
mod log;
mod mapping;
mod scores;
pub mod show;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::common::{DataFusionError, TableReference};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{ScalarUDF, SortExpr, ident};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt as _;
use tokio::runtime::Runtime;
use url::Url;

pub use error::SqlError;
pub use log::ScoredLog;
pub use mapping::answer;

use crate::interaction::schema::column;
use crate::interaction::{Log, Table};

/// A query that lists all tables with their columns.
pub const TABLES_AND_COLUMNS: &str = "\
    SELECT table_name AS \"table\", column_name AS \"column\", \
        CASE WHEN data_type LIKE 'Utf8%' THEN 'text' \
             WHEN data_type LIKE 'Timestamp%' THEN 'timestamp' \
             WHEN data_type = 'Float64' THEN 'double' \
             WHEN data_type IN ('Int64', 'UInt64') THEN 'bigint' \
             ELSE lower(data_type) END AS type \
    FROM information_schema.columns WHERE table_schema = 'public' \
    ORDER BY table_name, ordinal_position";

/// What the engine may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Memory that sorts, joins and groups may hold before they spill to disk \[bytes\]; absent: no limit. The
    /// process needs some 300 MiB beside it.
    pub memory: Option<usize>,
    /// Threads, at least 1; with one, rows of a query without `ORDER BY` have the same order in every run, and
    /// one side of a join must fit into memory.
    pub threads: usize,
}

/// A session in which tables can be asked in SQL.
pub struct Engine {
    context: SessionContext,
    runtime: Runtime,
    /// Why there are no scores, where that is known.
    without_scores: Option<String>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine without tables; it spills into the system's folder for temporary files.
    ///
    /// # Errors
    ///
    /// [`SqlError::Start`] when threads or the folder for spilled rows cannot be had.
    pub fn new(limits: Limits) -> Result<Self, SqlError> {
        let threads = limits.threads.max(1);
        let start = |reason: String| SqlError::Start { reason };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .build()
            .map_err(|error| start(error.to_string()))?;
        let mut environment = RuntimeEnvBuilder::new();
        if let Some(memory) = limits.memory {
            environment = environment.with_memory_limit(memory, 1.0);
        }
        let environment = environment.build_arc().map_err(|error| start(error.to_string()))?;
        // What a sort keeps for merging what it spilled, within a limit that may be small.
        let merging = limits.memory.map_or(10 << 20, |memory| (memory / 16).min(10 << 20));
        let config = SessionConfig::new()
            .with_target_partitions(threads)
            .with_sort_spill_reservation_bytes(merging)
            .with_information_schema(true)
            // Scores read the log in order of account, as `accounts CROSS JOIN months` is written.
            .set_bool("datafusion.optimizer.join_reordering", false)
            // Hash joins keep one side in memory; sorted ones spill, but come from two threads on only.
            .set_bool("datafusion.optimizer.prefer_hash_join", limits.memory.is_none());
        let mut state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(environment)
            .with_default_features();
        if threads == 1 {
            state = state.with_physical_optimizer_rule(Arc::new(in_turn::StreamsInTurn));
        }
        let context = SessionContext::new_with_state(state.build());
        Ok(Self { context, runtime, without_scores: None })
    }

    /// Makes Parquet files of the same columns the table `name`.
    ///
    /// # Errors
    ///
    /// [`SqlError::Table`] when one cannot be read.
    pub fn add_files(&self, name: &str, paths: &[PathBuf]) -> Result<(), SqlError> {
        self.add_sorted(name, paths, &[])
    }

    /// The same for files that are in order of the columns `order`.
    fn add_sorted(&self, name: &str, paths: &[PathBuf], order: &[&str]) -> Result<(), SqlError> {
        let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        let failed = |reason: String| SqlError::Table {
            table: name.to_owned(),
            path: shown.join(", "),
            reason,
        };
        let urls: Result<Vec<ListingTableUrl>, DataFusionError> =
            paths.iter().map(|path| file_url(path)).collect();
        let ascending = |column: &&str| -> SortExpr { ident(*column).sort(true, false) };
        let order: Vec<SortExpr> = order.iter().map(ascending).collect();
        let make = async || -> Result<(), DataFusionError> {
            let mut options =
                ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
            if !order.is_empty() {
                options = options.with_file_sort_order(vec![order.clone()]);
            }
            let config = ListingTableConfig::new_with_multi_paths(urls?)
                .with_listing_options(options)
                .infer_schema(&self.context.state())
                .await?;
            let table = Arc::new(ListingTable::try_new(config)?);
            self.context.register_table(TableReference::bare(name), table).map(|_| ())
        };
        self.runtime.block_on(make()).map_err(|error| failed(error::in_words(&error)))
    }

    /// Makes the tables of a log folder tables of the same names, and every other Parquet file there one of its
    /// file's name.
    ///
    /// # Errors
    ///
    /// [`SqlError::Table`] when a file cannot be read.
    pub fn add_folder(&self, folder: &Path) -> Result<(), SqlError> {
        let listed = std::fs::read_dir(folder).map_err(|error| SqlError::Table {
            table: String::new(),
            path: folder.display().to_string(),
            reason: error.to_string(),
        })?;
        let mut paths: Vec<_> =
            listed.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "parquet"));
        paths.sort();
        let log = Log::open(folder).ok();
        let in_order =
            |table: &Table| log.as_ref().is_some_and(|log| log.was_written_whole(*table));
        for path in paths {
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            let table = Table::ALL.into_iter().find(|table| table.name() == name);
            // Only what this program wrote is known to be in order.
            let order = table.filter(in_order).map(Table::sorted_by).unwrap_or_default();
            self.add_sorted(name, std::slice::from_ref(&path), &order)?;
        }
        Ok(())
    }

    /// Makes the months that have outcomes, each with the instant at which it ends, the table `months`: the panel's
    /// months, in the time zone of the log.
    ///
    /// # Errors
    ///
    /// [`SqlError::Table`] without the table `outcomes`.
    pub fn add_months(&self) -> Result<(), SqlError> {
        // In every zone on Earth a month that began 14 hours ago has begun in UTC too, and is that month.
        let (start, end) = (column::PERIOD_START, column::PERIOD_END);
        let view = format!(
            "CREATE VIEW months AS SELECT DISTINCT \
             to_char({start} + INTERVAL '14 hours', '%Y-%m') AS month, {end} AS as_of FROM {}",
            Table::Outcomes
        );
        let made = self.runtime.block_on(self.context.sql(&view));
        made.map(|_| ()).map_err(|error| SqlError::Table {
            table: "months".to_owned(),
            path: Table::Outcomes.file_name(),
            reason: error::in_words(&error),
        })
    }

    /// Makes the catalogue of `log` the table `catalogue`, and its scores functions of account and instant.
    ///
    /// # Errors
    ///
    /// [`SqlError::Table`] when the table cannot be made.
    pub fn add_scores(&self, log: ScoredLog) -> Result<(), SqlError> {
        let made = log
            .catalogue()
            .map_err(DataFusionError::from)
            .and_then(|batch| self.context.register_batch("catalogue", batch));
        made.map_err(|error| SqlError::Table {
            table: "catalogue".to_owned(),
            path: "catalogue.csv".to_owned(),
            reason: error::in_words(&error),
        })?;
        for function in scores::functions(&Arc::new(log)) {
            self.context.register_udf(ScalarUDF::from(function));
        }
        Ok(())
    }

    /// Says of queries that ask for scores why there are none.
    pub fn lack_scores(&mut self, why: String) {
        self.without_scores = Some(why);
    }

    /// The error of a query that cannot be understood.
    fn misunderstood(&self, error: &DataFusionError) -> SqlError {
        let error = SqlError::of(error, &self.tables());
        match (error, &self.without_scores) {
            (SqlError::Query { reason }, Some(why)) if scores::is_missing(&reason) => {
                SqlError::Query { reason: format!("{reason} There are no scores: {why}") }
            }
            (error, _) => error,
        }
    }

    /// Answers `sql`, one query, and gives each batch of rows to `each`; returns the columns.
    ///
    /// # Errors
    ///
    /// [`SqlError`] when the query is refused, names what is not there or needs more memory than there is, and
    /// whatever `each` returns.
    pub fn query<E: From<SqlError>>(
        &self,
        sql: &str,
        mut each: impl FnMut(&RecordBatch) -> Result<(), E>,
    ) -> Result<SchemaRef, E> {
        let of = |error: DataFusionError| E::from(self.misunderstood(&error));
        self.runtime.block_on(async {
            let options = SQLOptions::new()
                .with_allow_ddl(false)
                .with_allow_dml(false)
                .with_allow_statements(false);
            let frame = self.context.sql_with_options(sql, options).await.map_err(of)?;
            let mut stream = frame.execute_stream().await.map_err(of)?;
            let schema = stream.schema();
            while let Some(batch) = stream.next().await {
                each(&batch.map_err(|error| SqlError::of_rows(&error))?)?;
            }
            Ok(schema)
        })
    }

    /// Names of the tables, in order.
    fn tables(&self) -> Vec<String> {
        let catalog = self.context.catalog("datafusion");
        let schema = catalog.and_then(|catalog| catalog.schema("public"));
        let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
        names.sort();
        names
    }
}

/// A file by its whole path, whatever characters are in it.
fn file_url(path: &Path) -> Result<ListingTableUrl, DataFusionError> {
    let whole = std::path::absolute(path)?;
    let url = Url::from_file_path(&whole)
        .map_err(|()| DataFusionError::Plan(format!("`{}` is no path", whole.display())))?;
    ListingTableUrl::try_new(url, None)
}
