//! `report.html`: one file that reads on a screen, on a phone and on paper.

use super::{ReportContext, ReportError, Results};
use crate::chart::Chart;

/// The report as one self-contained page: no script, no network, everything from data escaped.
///
/// `charts` are shown under the name of their world, in the order given; a world that is not in
/// `results` makes a section of its own.
///
/// # Errors
///
/// `Page` when the template fails.
pub fn html(
    results: &Results,
    charts: &[(String, Chart)],
    context: &ReportContext,
) -> Result<String, ReportError> {
    unimplemented!("{results:?} {charts:?} {context:?}")
}
