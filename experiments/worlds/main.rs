//! What is true in each world: the number that its paragraph promises, computed from its truth.
//!
//! `worlds [accounts [WORLD …]]` prints the table of `docs/methodology.md`.
#![expect(clippy::print_stdout, reason = "its output is a table")]

use std::time::Instant as Clock;

use rvq::flow::Flow;
use rvq::recover::measure;
use rvq::rng::Streams;
use rvq::simulate::{Simulation, World};
use rvq::time::{Calendar, Month};

const MONTHS: u32 = 36;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let accounts: u32 = arguments.next().map_or(Ok(50_000), |text| text.parse())?;
    let mut names: Vec<String> = arguments.collect();
    if names.is_empty() {
        names = World::builtin_names().map(str::to_owned).collect();
    }
    let start = Month::new(2022, 1).expect("January is a month");
    for name in names {
        let clock = Clock::now();
        let world = World::load(&name)?;
        let Some(criterion) = world.criterion.clone() else { continue };
        let streams = Streams::new(1);
        let simulation =
            Simulation::new(Flow::builtin(), world, streams, Calendar::UTC, (start, MONTHS))?;
        let measured = measure(&simulation, &criterion, accounts)?;
        println!(
            "| `{name}` | {:.4} | {} | {} | {:.1} s",
            measured.value,
            criterion.band(),
            if measured.holds() { "holds" } else { "FAILS" },
            clock.elapsed().as_secs_f64()
        );
    }
    Ok(())
}
