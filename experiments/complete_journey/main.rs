//! Does Relationship Value lead the spend of real households?
//!
//! The same as `rvq run experiments/complete_journey/plan.toml`, as a program to start your own from.

use std::path::Path;

use rvq::report::verdict_table;
use rvq::run::{FULL, ResolvedPlan, Run};

#[expect(clippy::print_stdout, reason = "an experiment prints its verdicts")]
fn main() -> anyhow::Result<()> {
    let profile = std::env::args().nth(1).unwrap_or_else(|| FULL.to_owned());
    let plan =
        ResolvedPlan::load(Path::new("experiments/complete_journey/plan.toml"), &profile, &[])?;
    let finished =
        Run::prepare(plan)?.execute(Path::new("runs"), false, &|text| eprintln!("{text}"))?;
    print!("{}", verdict_table(&finished.results));
    println!("\nReport: {}", finished.folder.join("report.html").display());
    anyhow::ensure!(finished.gates.iter().all(|gate| gate.passed), "a gate of the plan failed");
    Ok(())
}
