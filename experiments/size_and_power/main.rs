//! How often does the headline test reject where nothing is planted, and where something is?
//!
//! ```text
//! cargo run --release --bin size_and_power -- [replications [WORLD:ACCOUNTS ...]]
//! ```
//!
//! Each replication is a fresh cohort of customers from the first day, logged for 48 months, in the
//! world `irrelevant` (size) or `informative` (power; its true information coefficient at three
//! months is .10). Beside the headline stand the tests it is made of and the two that are usual.

use rvq::backtest::{BacktestParams, account_strata, information_coefficient};
use rvq::flow::Flow;
use rvq::panel::{Measure, Panel, PanelParams};
use rvq::rng::{Purpose, Streams};
use rvq::score::{ScoreSpec, Valuation};
use rvq::simulate::{Coupling, Simulation, World};
use rvq::stats::{rejection_limit, wilson_interval};
use rvq::time::{Calendar, Month};

use anyhow::Context as _;
use rayon::prelude::*;

const HORIZONS: [i32; 3] = [1, 3, 6];
const MONTHS: u32 = 48;
const LEVEL: f64 = 0.05;
const SEED: u64 = 20_261_122;
const TESTS: [&str; 5] = [
    "headline (larger of the next two)",
    "account cluster + EWC(date)",
    "permutation of whole histories",
    "Newey-West, lag h − 1",
    "one-sample t on the IC series",
];

/// p-values by horizon and test, and the estimates by horizon.
type Replication = Vec<(f64, [f64; TESTS.len()])>;

fn replicate(world: &World, accounts: u32, replication: u32) -> anyhow::Result<Replication> {
    let streams = Streams::new(SEED).replication(replication);
    let start: Month = "2020-01".parse()?;
    let simulation =
        Simulation::new(Flow::builtin(), world.clone(), streams, Calendar::UTC, (start, MONTHS))
            .expect("a checked world fits the built-in flow");
    let valuation = Valuation::new(simulation.flow().catalogue(), &simulation.types())?;
    let score = ScoreSpec::RvDecay { half_life_days: 180.0, transactions: false }.build()?;
    let params = PanelParams {
        calendar: Calendar::UTC,
        first: start,
        months: MONTHS,
        warm_up_months: 0,
        min_age_months: 1,
    };
    let panel = Panel::build(simulation.histories(accounts), &valuation, &[score], &params)?;
    let backtest = BacktestParams::default();
    let strata = account_strata(&panel, backtest.min_stratum as usize);
    let with = (strata.as_slice(), streams.global(Purpose::Permutation));
    information_coefficient(
        &panel,
        &panel.scores()[0],
        Measure::Contribution,
        &HORIZONS,
        &backtest,
        Some(with),
    )?
    .into_iter()
    .map(|result| {
        let ic = result?;
        let permuted = ic.permutation_p.unwrap_or(1.0);
        let p_values = [
            ic.headline_p(),
            ic.inference.p_value,
            permuted,
            ic.newey_west.p_value,
            ic.naive.p_value,
        ];
        Ok((ic.inference.estimate, p_values))
    })
    .collect()
}

#[expect(clippy::print_stdout, reason = "an experiment prints its table")]
fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let replications: u32 = arguments.next().map_or(Ok(1_000), |text| text.parse())?;
    let mut cells: Vec<String> = arguments.collect();
    if cells.is_empty() {
        cells = ["irrelevant:200", "informative:200", "informative:400"].map(str::to_owned).into();
    }
    let limit = rejection_limit(LEVEL, u64::from(replications), 0.01 / HORIZONS.len() as f64)?;
    println!(
        "{replications} replications, {MONTHS} months, rejections at {LEVEL}; a size fails from \
         {limit} rejections on ({:.1} %).\n",
        100.0 * limit as f64 / f64::from(replications)
    );
    println!("| world | accounts | test | h = 1 | h = 3 | h = 6 |");
    println!("|---|---|---|---|---|---|");
    let mut failed = false;
    for cell in &cells {
        let (name, accounts) = cell.rsplit_once(':').context("a cell is `WORLD:ACCOUNTS`")?;
        let accounts: u32 = accounts.parse()?;
        let world = World::load(name)?.balanced();
        let is_null = world.coupling == Coupling::Independent;
        let all: Vec<Replication> = (0..replications)
            .into_par_iter()
            .map(|replication| replicate(&world, accounts, replication))
            .collect::<anyhow::Result<_>>()?;
        for (test, label) in TESTS.iter().enumerate() {
            let cells: Vec<String> = (0..HORIZONS.len())
                .map(|horizon| {
                    let hits = all.iter().filter(|r| r[horizon].1[test] <= LEVEL).count() as u64;
                    failed |= is_null && test == 0 && hits >= limit;
                    let interval = wilson_interval(hits, u64::from(replications))?;
                    Ok(format!(
                        "{:.1} % [{:.1}, {:.1}]",
                        100.0 * hits as f64 / f64::from(replications),
                        100.0 * interval.low,
                        100.0 * interval.high
                    ))
                })
                .collect::<anyhow::Result<_>>()?;
            println!("| {name} | {accounts} | {label} | {} |", cells.join(" | "));
        }
        let means: Vec<String> = (0..HORIZONS.len())
            .map(|h| all.iter().map(|r| r[h].0).sum::<f64>() / f64::from(replications))
            .map(|mean| format!("{mean:.3}"))
            .collect();
        println!("| {name} | {accounts} | mean IC | {} |", means.join(" | "));
    }
    anyhow::ensure!(!failed, "the headline test's size left its band");
    Ok(())
}
