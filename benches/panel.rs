//! Building a panel of 48 months with the default family and every baseline.

use divan::counter::ItemsCount;
use rvq::flow::Flow;
use rvq::interaction::AccountHistory;
use rvq::panel::{Panel, PanelParams};
use rvq::rng::Streams;
use rvq::score::{ScoreColumn, ScoreSpec, Valuation};
use rvq::simulate::{Simulation, World};
use rvq::time::{Calendar, Month};

const MONTHS: u32 = 48;

fn main() {
    divan::main();
}

/// Histories are cloned outside the clock: a panel takes them by value.
#[divan::bench(args = [200, 1_000], sample_count = 5)]
fn build(bencher: divan::Bencher<'_, '_>, accounts: u32) {
    let world = World::load("informative").expect("a built-in world");
    let first = Month::new(2022, 1).expect("January is a month");
    let period = (first, MONTHS);
    let simulation =
        Simulation::new(Flow::builtin(), world, Streams::new(1), Calendar::UTC, period)
            .expect("a built-in world fits the built-in flow");
    let valuation = Valuation::new(simulation.flow().catalogue(), &simulation.types())
        .expect("the catalogue values its own types");
    let scores: Vec<Box<dyn ScoreColumn>> = [ScoreSpec::default_family(), ScoreSpec::baselines()]
        .concat()
        .iter()
        .map(|spec| spec.build().expect("the defaults are valid"))
        .collect();
    let params = PanelParams {
        calendar: Calendar::UTC,
        first,
        months: MONTHS,
        warm_up_months: 0,
        min_age_months: 0,
    };
    let histories: Vec<AccountHistory> = simulation.histories(accounts).collect();
    bencher
        .counter(ItemsCount::new(u64::from(accounts * MONTHS)))
        .with_inputs(|| histories.clone())
        .bench_local_values(|histories| {
            Panel::build(histories.into_iter(), &valuation, &scores, &params)
        });
}
