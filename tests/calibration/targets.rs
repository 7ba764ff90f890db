//! The calibrated worlds meet their targets together.

use rvq::calibrate::{Targets, Template, all_met, target_table};
use rvq::flow::Flow;
use rvq::rng::Streams;
use rvq::simulate::World;
use rvq::time::Calendar;

use super::start;

fn misses(world: &str, seed: u64) -> Option<String> {
    let template = Template {
        flow: Flow::builtin(),
        streams: Streams::new(seed),
        calendar: Calendar::UTC,
        first: start(),
        months: 36,
    };
    let targets = Targets::of_world(world).unwrap();
    let moments = template.moments(&World::load(world).unwrap(), 50_000).unwrap();
    let table = format!("{world}, seed {seed}\n{}", target_table(&targets, &moments));
    println!("{table}");
    (!all_met(&targets, &moments)).then_some(table)
}

#[test]
#[cfg_attr(debug_assertions, ignore = "150,000 accounts: for release builds")]
fn the_default_world_meets_every_target_at_three_seeds() {
    let missed: Vec<String> =
        [1, 2, 3].into_iter().filter_map(|seed| misses("informative", seed)).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// The other presets are not here: a profit near zero makes their shares jump from seed to seed
/// (docs/methodology.md, Calibration).
#[test]
#[cfg_attr(debug_assertions, ignore = "150,000 accounts: for release builds")]
fn the_mild_preset_meets_every_target_at_three_seeds() {
    let missed: Vec<String> =
        [1, 2, 3].into_iter().filter_map(|seed| misses("whale_mild", seed)).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
