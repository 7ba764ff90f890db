//! The ledger of an ingest, as the audit reads it: which rows were refused and why.

use std::collections::BTreeMap;
use std::path::Path;

use super::RunError;
use crate::audit::RefusedRows;
use crate::ingest::IngestReport;

/// What the audit reads of the ledger of an ingest.
#[derive(serde::Deserialize)]
struct Ledger {
    sources: Vec<LedgerSource>,
}

#[derive(serde::Deserialize)]
struct LedgerSource {
    source: String,
    read: u64,
    rejected: BTreeMap<String, u64>,
    examples: Vec<LedgerExample>,
}

#[derive(serde::Deserialize)]
struct LedgerExample {
    file: String,
    row: u64,
    reason: String,
    message: String,
}

/// Rows that were refused, from the ledger `ingest.json`; none where a log has no ledger.
pub(super) fn refused_in(path: &Path) -> Result<Vec<RefusedRows>, RunError> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path).map_err(|source| RunError::io(path, source))?;
    let ledger = serde_json::from_str(&text).and_then(refused);
    ledger.map_err(|source| RunError::io(path, source.into()))
}

/// Rows that the ingest of `report` refused.
pub(super) fn refused_by(report: &IngestReport) -> Vec<RefusedRows> {
    let ledger = serde_json::to_value(report).expect("a report is texts and numbers");
    refused(ledger).expect("a ledger reads as it is written")
}

fn refused(ledger: serde_json::Value) -> Result<Vec<RefusedRows>, serde_json::Error> {
    let ledger: Ledger = serde_json::from_value(ledger)?;
    let of = |source: LedgerSource| {
        source.rejected.into_iter().map(move |(reason, rows)| {
            let example = source.examples.iter().find(|example| example.reason == reason);
            RefusedRows {
                example: example.map(|of| format!("{}, row {}: {}", of.file, of.row, of.message)),
                source: source.source.clone(),
                read: source.read,
                reason,
                rows,
            }
        })
    };
    Ok(ledger.sources.into_iter().flat_map(of).collect())
}
