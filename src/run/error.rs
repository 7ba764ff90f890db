//! Why a run failed, and the exit code that says so.

use std::path::Path;

use crate::audit::NothingCompared;
use crate::backtest::{ShapeError, WeightError};
use crate::chart::ChartError;
#[cfg(feature = "postgres")]
use crate::database::DatabaseError;
#[cfg(feature = "sql")]
use crate::engine::SqlError;
use crate::flow::FlowError;
use crate::ingest::{FeatureError, IngestError};
use crate::interaction::TableError;
use crate::panel::PanelError;
use crate::patterns::PatternError;
use crate::report::ReportError;
use crate::score::ScoreError;
use crate::simulate::{SimulationError, WorldError};
use crate::stats::StatsError;

use super::plan::PlanError;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum RunError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The world.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A world that does not fit the flow.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The flow.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// A table of features.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// Tables of features with nothing in common.
    #[error(transparent)]
    Cut(#[from] NothingCompared),
    /// The export or its mapping.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The tables of a log.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The scores.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// The panel.
    #[error(transparent)]
    Panel(PanelError),
    /// The patterns.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Weights.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// Parameters of a relationship value.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// No date with a known outcome.
    #[error(
        "no month end with accounts lies {horizon} months or more before {until}: no outcome is known to fit \
         to; set `--until` later or `--horizon` shorter"
    )]
    NothingToFit { until: String, horizon: u32 },
    /// Parameters of the purchases.
    #[error("purchases: {0}")]
    Purchases(StatsError),
    /// The charts.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// The report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file or folder.
    #[error("`{path}`: {source}")]
    Io { path: String, source: std::io::Error },
    /// SQL, with which this program was not built.
    #[error(
        "{what}, and this `rvq` was built without it; in a clone, `cargo install --path . --features {}` \
         installs it with SQL",
        if cfg!(feature = "postgres") { "sql,postgres" } else { "sql" }
    )]
    NoSql { what: String },
    /// A database, with which this program was not built.
    #[error(
        "{what}, and this `rvq` was built without it; in a clone, `cargo install --path . --features {}` \
         installs it with PostgreSQL",
        if cfg!(feature = "sql") { "sql,postgres" } else { "postgres" }
    )]
    NoPostgres { what: String },
    /// A database that cannot be read.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// SQL that cannot be answered.
    #[cfg(feature = "sql")]
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// A folder that holds no tables.
    #[error(
        "`{folder}` is neither a run (it has no `manifest.json`) nor a log (it has no `accounts.parquet`)"
    )]
    NotALog { folder: String },
    /// A data set that a run does not have, or one of several that was not named.
    #[error(
        "{}; name one of {known} with `--data`",
        asked.as_ref().map_or_else(
            || "the run has several data sets".to_owned(),
            |name| format!("the run has no data set `{name}`")
        )
    )]
    NoDataset { asked: Option<String>, known: String },
    /// A log without outcomes.
    #[error("the log has no outcomes: there is nothing that a score could lead")]
    NoOutcomes,
    /// A public log that was not fetched.
    #[error("the public log `{name}` is not in `{folder}`: run `data/fetch {name}` first")]
    NotFetched { name: String, folder: String },
    /// Neither a built-in world nor a file.
    #[error(
        "`[world]` names `{name}`, which is neither a built-in world ({known}) nor the file \
         `{path}`{hint}"
    )]
    NoWorld { name: String, known: String, path: String, hint: String },
    /// An export that is not where the plan says.
    #[error(
        "{missing}\nhelp: `{mapping}` names these files; put them there, or name their folder with \
         `folder` in `[data]`"
    )]
    NoExport { missing: String, mapping: String },
    /// A plan and a mapping that contradict each other.
    #[error(
        "`{key}` is `{plan}` in `[run]` of the plan and `{mapping}` in `{path}`, expected the same: \
         set `run.{key}` to what is true of the export"
    )]
    OtherConvention { key: &'static str, plan: String, mapping: String, path: String },
    /// A name that is no name of a folder.
    #[error(
        "the data set is named `{name}`, expected a name that does not start with `.` and has no \
         `/`, `\\`, `:` or control character: a folder of the run is named after it"
    )]
    UnusableName { name: String },
    /// An account that the data do not have.
    #[error("`{data}` has no account `{account}`{hint}")]
    NoAccount { account: String, data: String, hint: String },
    /// Two data sets with one name.
    #[error("two worlds of the plan are named `{name}`, expected different names")]
    SameName { name: String },
    /// A gate on a data set that the plan does not have.
    #[error(
        "gate `{gate}` names the world `{world}`, which the plan does not have; it has {known}"
    )]
    UnknownGateWorld { gate: String, world: String, known: String },
    /// A folder without manifest.
    #[error("`{folder}` is not a run: it has no `manifest.json`")]
    NotARun { folder: String },
    /// A file of the run that is not what it should be.
    #[error("`{path}` is not what rvq writes: {source}")]
    BadManifest { path: String, source: serde_json::Error },
    /// Other bytes.
    #[error("not reproduced: {what} and the manifest differ in {}", files.join(", "))]
    Differs { what: String, files: Vec<String> },
    /// Other inputs.
    #[error(
        "the plan, its inputs or the version of rvq changed since: they give run `{found}`, the \
         folder holds `{expected}`"
    )]
    OtherInputs { expected: String, found: String },
    /// Nobody knows where relative paths start.
    #[error("the log of `{folder}` does not say where its plan was: give `--plan-folder`")]
    UnknownPlanFolder { folder: String },
}

impl From<PanelError> for RunError {
    /// An account that cannot be read is an error of its table, whoever reads it.
    fn from(error: PanelError) -> Self {
        match error {
            PanelError::Log(error) => Self::Table(error),
            error => Self::Panel(error),
        }
    }
}

impl RunError {
    /// Whether the message may hold a value of a row.
    pub fn may_hold_values(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Database(error) => matches!(error, DatabaseError::Rows { .. }),
            error => error.exit_code() != 2,
        }
    }

    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.display().to_string(), source }
    }

    /// Exit code of the command: 2 usage or plan, 3 data, 4 numerical, 5 reproducibility.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Plan(_)
            | Self::World(_)
            | Self::Simulation(_)
            | Self::Flow(_)
            | Self::NotFetched { .. }
            | Self::NoWorld { .. }
            | Self::OtherConvention { .. }
            | Self::UnusableName { .. }
            | Self::NoAccount { .. }
            | Self::SameName { .. }
            | Self::UnknownGateWorld { .. }
            | Self::UnknownPlanFolder { .. }
            | Self::NoSql { .. }
            | Self::NoPostgres { .. }
            | Self::NotALog { .. }
            | Self::NoDataset { .. }
            | Self::NotARun { .. } => 2,
            #[cfg(feature = "postgres")]
            Self::Database(error) => database_exit_code(error),
            #[cfg(feature = "sql")]
            Self::Sql(error) => sql_exit_code(error),
            Self::Ingest(error) => ingest_exit_code(error),
            Self::NoExport { .. }
            | Self::Features(_)
            | Self::Cut(_)
            | Self::Table(_)
            | Self::Score(_)
            | Self::Panel(_)
            | Self::NoOutcomes
            | Self::BadManifest { .. }
            | Self::Io { .. } => 3,
            Self::Pattern(_)
            | Self::Weights(_)
            | Self::Shape(_)
            | Self::NothingToFit { .. }
            | Self::Purchases(_)
            | Self::Chart(_)
            | Self::Report(_) => 4,
            Self::Differs { .. } | Self::OtherInputs { .. } => 5,
        }
    }
}

/// Exit code of a database that was not read: 2 when what the user wrote is wrong, 3 when the server or its rows are.
#[cfg(feature = "postgres")]
fn database_exit_code(error: &DatabaseError) -> u8 {
    match error {
        DatabaseError::Unset { .. }
        | DatabaseError::Unreadable { .. }
        | DatabaseError::Queries(_) => 2,
        _ => 3,
    }
}

/// Exit code of SQL that was not answered: 2 when the query is wrong, 3 when the data are.
#[cfg(feature = "sql")]
fn sql_exit_code(error: &SqlError) -> u8 {
    match error {
        SqlError::Ingest(error) => ingest_exit_code(error),
        SqlError::InMapping { error, .. } => sql_exit_code(error),
        SqlError::Table { .. } | SqlError::Rows { .. } | SqlError::Log(_) | SqlError::Score(_) => 3,
        _ => 2,
    }
}

/// Exit code of a failed ingest: 2 when the mapping or the place of the log is wrong, 3 when the
/// data are.
pub fn ingest_exit_code(error: &IngestError) -> u8 {
    match error {
        IngestError::Mapping(_)
        | IngestError::Unanswered
        | IngestError::NotCopied
        | IngestError::UnreadableMapping { .. }
        | IngestError::Occupied { .. }
        | IngestError::Exists { .. } => 2,
        _ => 3,
    }
}
