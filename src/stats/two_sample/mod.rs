//! Whether two groups differ: in level, in distribution, or as curves.

mod contrast;
mod curves;
mod energy;
mod mann_whitney;

pub use curves::{CurveDifference, CurveTest, curve_test};
pub use energy::{EnergyTest, energy_distance, energy_test};
pub use mann_whitney::{MannWhitney, cliffs_delta, mann_whitney};

use super::error::StatsError;
use crate::rng::Draws;

/// How often, and with which named draws, a test is redone on permuted or resampled data.
#[derive(Clone, Copy)]
struct Repeats {
    count: usize,
    draws: Draws,
}

impl Repeats {
    fn new(count: usize, needed: usize, draws: Draws) -> Result<Self, StatsError> {
        if count < needed {
            let (argument, value) = ("permutations", count as f64);
            let expected = if needed == 1 { "1 or more" } else { "19 or more" };
            return Err(StatsError::OutOfRange { argument, value, expected });
        }
        Ok(Self { count, draws })
    }

    /// (k + 1) / (B + 1), k permuted values at least as large as the observed one up to rounding.
    fn p_value(self, observed: f64, permuted: impl Iterator<Item = f64>) -> f64 {
        let limit = observed - observed.abs() * 1e-12;
        let extreme = permuted.filter(|v| *v >= limit).count();
        (extreme + 1) as f64 / (self.count + 1) as f64
    }
}
