//! `summary.md`: what fits a pull-request comment.

use super::Results;

/// Verdicts, benchmark and warnings as Markdown.
pub fn summary_markdown(results: &Results) -> String {
    unimplemented!("{results:?}")
}
