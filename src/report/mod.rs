//! Results as files: `results.json`, `report.html`, `summary.md`, `junit.xml`.
pub mod results;
