//! Simulating a cohort: on one thread, and straight to Parquet on all of them.

use divan::counter::ItemsCount;
use rvq::flow::Flow;
use rvq::ids::AccountIndex;
use rvq::interaction::LogWriter;
use rvq::rng::Streams;
use rvq::simulate::{Simulation, World};
use rvq::time::{Calendar, Month};

const MONTHS: u32 = 48;

fn main() {
    divan::main();
}

fn simulation() -> Simulation {
    let world = World::load("informative").expect("a built-in world");
    let start = Month::new(2022, 1).expect("January is a month");
    Simulation::new(Flow::builtin(), world, Streams::new(1), Calendar::UTC, (start, MONTHS))
        .expect("a built-in world fits the built-in flow")
}

/// Account after account on one thread.
#[divan::bench(args = [100, 1_000], sample_count = 5)]
fn account_loop(bencher: divan::Bencher<'_, '_>, accounts: u32) {
    let simulation = simulation();
    bencher.counter(ItemsCount::new(accounts)).bench_local(|| {
        (0..accounts)
            .map(|index| simulation.account(AccountIndex(index)).interactions.len())
            .sum::<usize>()
    });
}

/// The same in chunks on all threads, written as a log.
#[divan::bench(args = [100, 1_000], sample_count = 5)]
fn straight_to_parquet(bencher: divan::Bencher<'_, '_>, accounts: u32) {
    let simulation = simulation();
    let types = simulation.types();
    bencher
        .counter(ItemsCount::new(accounts))
        .with_inputs(|| tempfile::tempdir().expect("a temporary folder"))
        .bench_local_values(|folder| {
            let mut writer =
                LogWriter::create(folder.path(), &types, "bench").expect("an empty folder");
            for history in simulation.histories(accounts) {
                writer.write(&history).expect("a simulated history keeps the rules");
            }
            writer.finish().expect("the files can be completed")
        });
}
