//! `junit.xml`: gates and verdicts where a CI system shows them.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::results::{Results, WorldResults};
use super::{GateResult, wording};

/// The run as a `JUnit` report: one suite of gates, one of verdicts per world.
///
/// A failed gate is a failure. A verdict is a passed test that states itself, whatever it says:
/// an inconclusive answer is no defect. No times are written.
pub fn junit(results: &Results, gates: &[GateResult]) -> String {
    let mut report = Report::new(results.run.name.as_str());
    report.add_test_suite(gate_suite(gates));
    for world in &results.worlds {
        report.add_test_suite(verdict_suite(world));
    }
    report.to_string().expect("a string takes every byte")
}

fn gate_suite(gates: &[GateResult]) -> TestSuite {
    let mut suite = TestSuite::new("gates");
    for gate in gates {
        let mut status = if gate.passed {
            TestCaseStatus::success()
        } else {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        };
        if !gate.passed {
            status.set_message(gate.message.as_str());
        }
        let mut case = TestCase::new(gate.name.as_str(), status);
        case.set_classname("gates").set_system_out(gate.message.as_str());
        suite.add_test_case(case);
    }
    suite
}

fn verdict_suite(world: &WorldResults) -> TestSuite {
    let mut suite = TestSuite::new(format!("verdicts: {}", world.name));
    for verdict in &world.verdicts {
        let words = wording::verdict(verdict);
        let name = format!("{}: {words}", verdict.hypothesis);
        let mut case = TestCase::new(name, TestCaseStatus::success());
        case.set_classname(format!("verdicts.{}", world.name))
            .set_system_out(format!("{}: {}", verdict.claim, verdict.why));
        suite.add_test_case(case);
    }
    suite
}
