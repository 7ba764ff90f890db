//! Why a flow or a catalogue could not be used.

use std::path::PathBuf;

use crate::diagnostic::Problems;

/// Why a flow or a catalogue could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum FlowError {
    /// The file cannot be opened, or is not UTF-8 text.
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// The files were read, but what they say is wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
}
