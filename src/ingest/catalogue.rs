//! The interaction types a log may hold: the first column of its catalogue.

use std::path::Path;

use super::error::IngestError;
use crate::ids::TypeNames;

/// Interaction types of the catalogue at `path`, in the order of the file.
pub(super) fn types(path: &Path) -> Result<TypeNames, IngestError> {
    let unreadable =
        |source: std::io::Error| IngestError::UnreadableMapping { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    let wrong = |error: csv::Error| unreadable(std::io::Error::other(error));
    let position = reader
        .headers()
        .map_err(wrong)?
        .iter()
        .position(|name| name == "interaction_type")
        .ok_or_else(|| unreadable(std::io::Error::other("no column `interaction_type`")))?;
    let mut types = TypeNames::default();
    for record in reader.records() {
        types.register(&record.map_err(wrong)?[position]);
    }
    Ok(types)
}
