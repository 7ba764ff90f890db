//! `junit.xml`: gates and verdicts where a CI system shows them.

use super::{GateResult, Results};

/// The run as a `JUnit` report: one suite of gates, one of verdicts per world.
///
/// A failed gate is a failure; a verdict is a passed test that states itself, whatever it says:
/// an inconclusive answer is no defect.
pub fn junit(results: &Results, gates: &[GateResult]) -> String {
    unimplemented!("{results:?} {gates:?}")
}
