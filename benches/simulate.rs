//! Simulating a cohort: on one thread, beside the plain walk, and straight to Parquet on all threads.

use divan::counter::ItemsCount;
use rvq::flow::Flow;
use rvq::interaction::LogWriter;
use rvq::rng::Streams;
use rvq::simulate::{PlainFlow, Simulation, WalkColumns, World};
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

/// Team after team on one thread; items are logged interactions. What is not logged (the months
/// before the log, rows that are lost or known too late) is part of what a logged one costs.
#[divan::bench(args = [120, 1_000], sample_count = 20)]
fn team_loop(bencher: divan::Bencher<'_, '_>, accounts: u32) {
    let simulation = simulation();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let logged = || {
        pool.install(|| {
            simulation.histories(accounts).map(|history| history.interactions.len()).sum::<usize>()
        })
    };
    bencher.counter(ItemsCount::new(logged())).bench_local(logged);
}

/// The plain walk of customers in opening hours (as in `benches/walk.rs`), to divide by in the same
/// run; items are interactions, too many for a branch predictor to learn by heart.
#[divan::bench(sample_count = 20)]
fn plain_walk(bencher: divan::Bencher<'_, '_>) {
    let start = Month::new(2022, 1).expect("January is a month");
    let flow = PlainFlow::new(&Flow::builtin(), Streams::new(1), Calendar::UTC, start, MONTHS)
        .of_customers();
    let mut columns = WalkColumns::default();
    flow.walk(0..10_000, &mut columns);
    bencher.counter(ItemsCount::new(columns.kind.len())).bench_local(|| {
        columns.clear();
        flow.walk(0..10_000, &mut columns);
    });
}

/// The same on all threads, written as a log.
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
            simulation.staff(accounts).for_each(|m| writer.write_staff(&m).expect("in order"));
            for initiative in simulation.initiatives() {
                writer.write_initiative(&initiative).expect("in order");
            }
            writer.finish().expect("the files can be completed")
        });
}
