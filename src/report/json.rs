//! `results.json` and its schema.

use super::{ReportError, Results};

/// `results.json`: indented, keys in the order of the types, with a final line break.
///
/// # Errors
///
/// `Json` when a value cannot be written.
pub fn write_json(results: &Results) -> Result<String, ReportError> {
    let mut text =
        serde_json::to_string_pretty(results).map_err(|source| ReportError::Json { source })?;
    text.push('\n');
    Ok(text)
}

/// The JSON Schema of `results.json`.
pub fn results_schema() -> serde_json::Value {
    schemars::schema_for!(Results).to_value()
}
