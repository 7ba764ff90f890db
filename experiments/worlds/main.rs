//! What is true in each world: the number that its paragraph promises, computed from its truth.
//!
//! `worlds [accounts [WORLD …]]` prints the table of `docs/methodology.md`; `worlds --effects
//! [accounts [WORLD …]]` prints `data/worlds/truth.toml` with its numbers computed anew.
#![expect(clippy::print_stdout, reason = "its output is a table")]

use std::time::Instant as Clock;

use rvq::flow::Flow;
use rvq::hypothesis::{HypothesisId, Rung};
use rvq::recover::{Cell, TruthTable, effects, measure};
use rvq::rng::Streams;
use rvq::simulate::{Simulation, World};
use rvq::time::{Calendar, Month};

const MONTHS: u32 = 36;

/// As long as the panels on which tests are held to their power.
const MONTHS_OF_EFFECTS: u32 = 48;

const HEADER: &str = "\
# What is true where. `holds` is true or false by construction (false: zero, not small) and typed by
# hand; absent: not applicable. All else is computed, by `worlds --effects {accounts}`: the effect, its
# standard error, and for a true cell the accounts at which a test should find it with probability 1/2
# (48 months). `limit_known`: true, but more than 800 accounts are needed, or the log never shows it.
";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    let effects = arguments.next_if(|argument| argument == "--effects").is_some();
    let accounts: u32 = arguments.next().map_or(Ok(50_000), |text| text.parse())?;
    let mut names: Vec<String> = arguments.collect();
    if effects {
        return print_effects(accounts, &names);
    }
    if names.is_empty() {
        names = World::builtin_names().map(str::to_owned).collect();
    }
    let start = Month::new(2022, 1).expect("January is a month");
    let mut failed = Vec::new();
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
        if !measured.holds() {
            failed.push(name);
        }
    }
    anyhow::ensure!(failed.is_empty(), "not as their criterion says: {}", failed.join(", "));
    Ok(())
}

/// Prints `truth.toml`: statements as they are, numbers computed anew.
fn print_effects(accounts: u32, names: &[String]) -> anyhow::Result<()> {
    let table = TruthTable::builtin();
    print!("{}", HEADER.replace("{accounts}", &accounts.to_string()));
    let with_criterion = |name: &&str| World::load(name).is_ok_and(|w| w.criterion.is_some());
    let wanted = |name: &&str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for name in World::builtin_names().filter(with_criterion).filter(wanted) {
        let clock = Clock::now();
        let period = (Month::new(2022, 1).expect("January is a month"), MONTHS_OF_EFFECTS);
        let world = World::load(name)?;
        let simulation =
            Simulation::new(Flow::builtin(), world, Streams::new(1), Calendar::UTC, period)?;
        let found = effects(&simulation, accounts);
        for hypothesis in HypothesisId::ALL {
            println!("\n[{name}.{hypothesis:?}]");
            for rung in Rung::ALL {
                let Some(effect) = found.get(&(hypothesis, rung)) else { continue };
                let stated = table.cell(name, hypothesis, rung);
                let key = serde_json::to_value(rung)?;
                let key = key.as_str().unwrap_or_default().to_owned();
                println!("{key} = {}", written(&Cell::measured(stated, effect)));
            }
        }
        eprintln!("{name}: {:.0} s", clock.elapsed().as_secs_f64());
    }
    Ok(())
}

/// A cell as an inline table, numbers to a ten-thousandth.
fn written(cell: &Cell) -> String {
    let holds = cell.holds.map(|holds| format!("holds = {holds}"));
    let limit = cell.limit_known.then(|| "limit_known = true".to_owned());
    let accounts = cell.accounts.map(|n| format!("accounts = {n}"));
    let number = |value: f64| format!("{:.4}", value + 0.0);
    let part = |(name, value): (&String, &f64)| format!("{name} = {}", number(*value));
    let parts: Vec<String> = cell.parts.iter().map(part).collect();
    let parts = (!parts.is_empty()).then(|| format!("parts = {{ {} }}", parts.join(", ")));
    let numbers = format!("effect = {}, error = {}", number(cell.effect), number(cell.error));
    let fields: Vec<String> =
        [holds, limit, accounts, Some(numbers), parts].into_iter().flatten().collect();
    format!("{{ {} }}", fields.join(", "))
}
