//! Panels with known properties, for the simulation tests of this module.

use rand::RngExt;
use rand_distr::StandardNormal;

use crate::rng::{Purpose, Stream, Streams};

/// What is true of a generated panel.
#[derive(Clone, Copy)]
pub(super) struct World {
    pub(super) units: usize,
    pub(super) periods: usize,
    /// Share of the variance of x and of y that is a stable, independent level of the unit.
    pub(super) stable: f64,
    /// Slope of y on x, at every period.
    pub(super) slope: f64,
    /// Standard deviation of a slope that drifts over time about `slope`: AR(1) .8, common to all.
    pub(super) slope_drift: f64,
}

/// x and y of one replication, shape `(units, periods)`; x is AR(1) .95 about its stable level.
pub(super) fn panel(world: World, replication: u32) -> (Vec<f64>, Vec<f64>) {
    let streams = Streams::new(20).replication(replication);
    let mut stream = streams.global(Purpose::Outcome).stream(0);
    let mut slopes = autoregression(&mut stream, world.periods, 0.8);
    for slope in &mut slopes {
        *slope = world.slope + world.slope_drift * *slope;
    }
    let (level, moving) = (world.stable.sqrt(), (1.0 - world.stable).sqrt());
    let (mut xs, mut ys) = (vec![], vec![]);
    for _ in 0..world.units {
        let (level_x, level_y) = (level * normal(&mut stream), level * normal(&mut stream));
        let path = autoregression(&mut stream, world.periods, 0.95);
        for (slope, moved) in slopes.iter().zip(path) {
            let x = level_x + moving * moved;
            xs.push(x);
            ys.push(slope * x + level_y + moving * normal(&mut stream));
        }
    }
    (xs, ys)
}

/// A stationary first-order autoregression with variance 1.
fn autoregression(stream: &mut Stream, periods: usize, persistence: f64) -> Vec<f64> {
    let mut value = normal(stream);
    let innovation = (1.0 - persistence * persistence).sqrt();
    (0..periods)
        .map(|_| {
            let next = persistence * value + innovation * normal(stream);
            std::mem::replace(&mut value, next)
        })
        .collect()
}

fn normal(stream: &mut Stream) -> f64 {
    stream.sample(StandardNormal)
}
