//! What is true in each world: the number that its paragraph promises, computed from its truth.
//!
//! `worlds [accounts [WORLD …]]` prints the table of `docs/methodology.md`; `worlds --effects
//! [accounts [WORLD …]]` prints `data/worlds/truth.toml` with its effects computed anew; `worlds --pilot
//! FILE …` prints it with the accounts that these `recover.json` of a pilot name.
#![expect(clippy::print_stdout, reason = "its output is a table")]

use std::time::Instant as Clock;

use rvq::flow::Flow;
use rvq::hypothesis::{HypothesisId, Rung};
use rvq::recover::{Cell, RecoveryRow, TruthTable, effects, measure};
use rvq::rng::Streams;
use rvq::simulate::{Simulation, World};
use rvq::time::{Calendar, Month};

const MONTHS: u32 = 36;

/// As long as the panels on which tests are held to their power.
const MONTHS_OF_EFFECTS: u32 = 48;

/// Accounts from which the effects of `truth.toml` were computed.
const EFFECTS: u32 = 60_000;

/// Seed of the pilot; credentials are made with another.
const PILOT_SEED: u64 = 7;

const HEADER: &str = "\
# What is true where. `holds` is true or false by construction (false: zero, not small); absent: not
# applicable (small but not zero, or what the test holds constant, such as size in `size`, or what the log
# never shows, such as exits in `survivor`), or beyond reach (`limit_known`). `effect`, its standard error and `ideal`, the accounts with which an
# ideal test of the same estimate finds a true effect every second time (48 months), are computed by
# `worlds --effects {accounts}`. `accounts`, with which the toolkit's own test must find it every second time,
# were named before the credentials were made, by `worlds --pilot`: the fewest of 100, 200, 400 and 800 at
# which `rvq recover --seed 7 --accounts N --one-size --replications 60 --power-replications 60` found it
# in 60 % of cohorts or more (400 cohorts where 60 left a cell between one half and .6 at 800).
# `limit_known`: true by construction, but found too seldom even with 800.
";

fn header(accounts: u32) -> String {
    HEADER.replace("{accounts}", &accounts.to_string())
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == "--pilot").is_some() {
        return print_piloted(arguments);
    }
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

/// Worlds of `truth.toml`, in its order.
fn names() -> impl Iterator<Item = &'static str> {
    let with_criterion = |name: &&str| World::load(name).is_ok_and(|w| w.criterion.is_some());
    World::builtin_names().filter(with_criterion)
}

/// Prints `truth.toml`: true cells name the accounts at which a pilot found them.
fn print_piloted(files: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut rows: Vec<RecoveryRow> = Vec::new();
    for file in files {
        let mut found: Recovery = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
        anyhow::ensure!(found.seed == PILOT_SEED, "a pilot has the seed {PILOT_SEED}: {file}");
        rows.append(&mut found.rows);
    }
    let table = TruthTable::builtin();
    print!("{}", header(EFFECTS));
    let mut missing = Vec::new();
    for name in names() {
        for hypothesis in HypothesisId::ALL {
            print_cells((name, hypothesis), |rung| {
                let decides = |row: &&RecoveryRow| {
                    (&*row.world, &*row.hypothesis, row.rung) == (name, hypothesis.name(), rung)
                        && row.estimator == "headline"
                        && !row.balanced
                };
                let rates = rows.iter().filter(decides).map(|row| (row.accounts, row.rate));
                let cell = table.cell(name, hypothesis, rung)?;
                let piloted = cell.piloted(&rates.collect::<Vec<_>>());
                if piloted.is_none() {
                    missing.push(format!("{name} {hypothesis:?} {}", rung.words()));
                }
                piloted
            })?;
        }
    }
    anyhow::ensure!(missing.is_empty(), "the pilot did not look at {}", missing.join(", "));
    Ok(())
}

/// What is read of `recover.json`.
#[derive(serde::Deserialize)]
struct Recovery {
    seed: u64,
    rows: Vec<RecoveryRow>,
}

/// Prints the cells of one hypothesis in one world.
fn print_cells(
    (world, hypothesis): (&str, HypothesisId),
    mut cell: impl FnMut(Rung) -> Option<Cell>,
) -> anyhow::Result<()> {
    println!("\n[{world}.{hypothesis:?}]");
    for rung in Rung::ALL {
        let Some(cell) = cell(rung) else { continue };
        let key = serde_json::to_value(rung)?;
        println!("{} = {}", key.as_str().unwrap_or_default(), written(&cell));
    }
    Ok(())
}

/// Prints `truth.toml`: statements as they are, effects computed anew.
fn print_effects(accounts: u32, wanted: &[String]) -> anyhow::Result<()> {
    let table = TruthTable::builtin();
    print!("{}", header(accounts));
    let asked = |name: &&str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    for name in names().filter(asked) {
        let clock = Clock::now();
        let period = (Month::new(2022, 1).expect("January is a month"), MONTHS_OF_EFFECTS);
        let world = World::load(name)?;
        let simulation =
            Simulation::new(Flow::builtin(), world, Streams::new(1), Calendar::UTC, period)?;
        let found = effects(&simulation, accounts);
        for hypothesis in HypothesisId::ALL {
            print_cells((name, hypothesis), |rung| {
                let effect = found.get(&(hypothesis, rung))?;
                Some(Cell::measured(table.cell(name, hypothesis, rung), effect))
            })?;
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
    let ideal = cell.ideal.map(|n| format!("ideal = {n}"));
    let number = |value: f64| format!("{:.4}", value + 0.0);
    let part = |(name, value): (&String, &f64)| format!("{name} = {}", number(*value));
    let parts: Vec<String> = cell.parts.iter().map(part).collect();
    let parts = (!parts.is_empty()).then(|| format!("parts = {{ {} }}", parts.join(", ")));
    let numbers = format!("effect = {}, error = {}", number(cell.effect), number(cell.error));
    let fields: Vec<String> =
        [holds, limit, accounts, ideal, Some(numbers), parts].into_iter().flatten().collect();
    format!("{{ {} }}", fields.join(", "))
}
