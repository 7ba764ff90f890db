//! Results as files: `results.json`, `report.html`, `summary.md`, `junit.xml`, and a terminal table.
//!
//! Everything here turns values into text: nothing reads a file, a clock or the network, so the
//! same results give the same bytes. Text that came from data is escaped for the format it enters.

mod beside;
mod credentials;
mod data_map;
mod diagnostics;
mod html;
mod json;
mod junit;
mod markdown;
mod page;
mod power;
pub mod results;
mod table;
mod weights;
mod wording;

pub use credentials::{credentials, recovery_chart, recovery_json, recovery_table};
pub use html::html;
pub use json::{results_schema, write_json};
pub use junit::junit;
pub use markdown::summary_markdown;
pub use power::power_table;
pub use results::{
    Benchmark, Beside, DataInfo, Diagnostics, Dropped, HypothesisPower, Interval, Results, RunInfo,
    SCHEMA_VERSION, WeightResults, WorldResults,
};
pub use table::verdict_table;

/// An expectation of the plan's `[gates]`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateResult {
    /// Name of the gate.
    pub name: String,
    /// Whether it holds.
    pub passed: bool,
    /// What was measured and what was expected.
    pub message: String,
}

/// What a report shows beside [`Results`] and charts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportContext {
    /// Settings of this run that the appendix states, such as the number of permutations; one
    /// sentence each.
    pub methods: Vec<String>,
    /// What this run cannot show, beyond what no run can; one sentence each.
    pub limits: Vec<String>,
    /// The plan's gates, checked.
    pub gates: Vec<GateResult>,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum ReportError {
    /// The results hold a value that JSON has no word for.
    #[error("the results cannot be written as JSON")]
    Json { source: serde_json::Error },
    /// The page template failed.
    #[error("the report page cannot be written")]
    Page { source: minijinja::Error },
}
