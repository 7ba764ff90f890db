//! What is true in each world: the number that its paragraph promises, computed from its truth.
//!
//! `worlds [accounts [WORLD …]]` prints the table of `docs/methodology.md`; `worlds --effects
//! [accounts]` prints `data/worlds/truth.toml` with its effects computed anew.
#![expect(clippy::print_stdout, reason = "its output is a table")]

use std::time::Instant as Clock;

use rvq::flow::Flow;
use rvq::recover::{TrueHypothesis, TrueRung, TruthTable, effects, measure};
use rvq::rng::Streams;
use rvq::simulate::{Simulation, World};
use rvq::time::{Calendar, Month};

const MONTHS: u32 = 36;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    let effects = arguments.next_if(|argument| argument == "--effects").is_some();
    let accounts: u32 = arguments.next().map_or(Ok(50_000), |text| text.parse())?;
    if effects {
        return print_effects(accounts);
    }
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

fn print_effects(accounts: u32) -> anyhow::Result<()> {
    let table = TruthTable::builtin();
    let start = Month::new(2022, 1).expect("January is a month");
    println!(
        "# What is true where. `holds` is true or false by construction (false: zero, not small);"
    );
    println!("# absent: not applicable. `effect` is computed, by `worlds --effects {accounts}`.");
    for name in World::builtin_names().filter(|name| table.worlds().any(|known| known == *name)) {
        let world = World::load(name)?;
        let period = (start, MONTHS);
        let simulation =
            Simulation::new(Flow::builtin(), world, Streams::new(1), Calendar::UTC, period)?;
        let found = effects(&simulation, accounts);
        for hypothesis in TrueHypothesis::ALL {
            println!("\n[{name}.{hypothesis:?}]");
            for rung in TrueRung::ALL {
                let cell = table.cell(name, hypothesis, rung);
                let (Some(cell), Some(effect)) = (cell, found.get(&(hypothesis, rung))) else {
                    continue;
                };
                let holds = cell.holds.map_or(String::new(), |holds| format!("holds = {holds}, "));
                let rung = serde_json::to_value(rung)?;
                let rung = rung.as_str().unwrap_or_default();
                println!("{rung} = {{ {holds}effect = {effect:.3} }}");
            }
        }
    }
    Ok(())
}
