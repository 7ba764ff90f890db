//! The interaction process flow as boxes and arrows.

use super::{Chart, ChartError};
use crate::flow::Flow;

/// Draws the flow: levels as boxes in the columns of the three stages, triggers as arrows, ways out.
///
/// # Errors
///
/// `Font` and `Draw` when drawing fails.
pub fn flow_diagram(flow: &Flow) -> Result<Chart, ChartError> {
    unimplemented!("{flow:?}")
}
