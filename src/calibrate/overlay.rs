//! A fitted world as a file that states only what was fitted.

use crate::simulate::World;

use super::Calibration;

/// Why a fitted world cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OverlayError {
    /// The file of the world cannot be read again.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// Path of the world.
        path: String,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// The file of the world is no TOML.
    #[error("`{path}` is no TOML: {source}")]
    Toml {
        /// Path of the world.
        path: String,
        /// Why it is none.
        source: toml::de::Error,
    },
}

/// The text of a world file: `base` and the fitted numbers when `base` is built in, else the file
/// at that path with its numbers replaced.
///
/// # Errors
///
/// [`OverlayError`] when `base` is a file that cannot be read.
pub fn overlay(base: &str, calibration: &Calibration) -> Result<String, OverlayError> {
    let mut table = if World::builtin_names().any(|name| name == base) {
        toml::Table::from_iter([("base".to_owned(), base.into())])
    } else {
        let path = || base.to_owned();
        let text = std::fs::read_to_string(base)
            .map_err(|source| OverlayError::Read { path: path(), source })?;
        text.parse().map_err(|source| OverlayError::Toml { path: path(), source })?
    };
    let name = format!("{}_calibrated", calibration.world.name);
    table.insert("name".to_owned(), name.into());
    for estimate in &calibration.estimates {
        let (section, key) = estimate.parameter.place();
        let section = table
            .entry(section)
            .or_insert_with(|| toml::Table::new().into())
            .as_table_mut()
            .expect("a checked world has tables");
        section.insert(key.to_owned(), estimate.value.into());
    }
    Ok(table.to_string())
}
