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

#[test]
#[cfg_attr(debug_assertions, ignore = "450,000 accounts: for release builds")]
fn the_whale_presets_meet_every_target_at_three_seeds() {
    let seeds = || [1, 2, 3].into_iter();
    let worlds = ["whale_mild", "whale_kanthal", "whale_extreme"].into_iter();
    let missed: Vec<String> =
        worlds.flat_map(|world| seeds().filter_map(move |seed| misses(world, seed))).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
