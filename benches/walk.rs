//! The walk through the flow alone: around the clock, in opening hours, and from level to level.

use divan::counter::ItemsCount;
use rvq::flow::Flow;
use rvq::rng::Streams;
use rvq::simulate::{PlainFlow, WalkColumns};
use rvq::time::{Calendar, Month};

fn main() {
    divan::main();
}

fn run(bencher: divan::Bencher<'_, '_>, flow: &PlainFlow) {
    let mut columns = WalkColumns::default();
    flow.walk(0..1_000, &mut columns);
    bencher.counter(ItemsCount::new(columns.kind.len())).bench_local(|| {
        columns.clear();
        flow.walk(0..1_000, &mut columns);
    });
}

fn plain(flow: &Flow) -> PlainFlow {
    let start = Month::new(2020, 1).expect("January is a month");
    PlainFlow::new(flow, Streams::new(1), Calendar::UTC, start, 60)
}

/// Contacts of customers, five years.
#[divan::bench]
fn customers_around_the_clock(bencher: divan::Bencher<'_, '_>) {
    run(bencher, &plain(&Flow::builtin().without_calendar()).of_customers());
}

/// The same in opening hours.
#[divan::bench]
fn customers_in_opening_hours(bencher: divan::Bencher<'_, '_>) {
    run(bencher, &plain(&Flow::builtin()).of_customers());
}

/// Contacts of prospects: short walks with many changes of level.
#[divan::bench]
fn prospects(bencher: divan::Bencher<'_, '_>) {
    run(bencher, &plain(&Flow::builtin()));
}
