//! What stands beside Relationship Value: the non-monetary ledger and the standing against rivals.
//!
//! Each part takes account histories one by one, like the starting benchmark, and gives figures at the
//! end; nothing here is ever added to a score.

mod exchange;
mod rivals;

pub use exchange::{
    ComponentFigures, EmptyLedger, ExchangeFigures, Quadrants, RankShift, ValueExchange,
};
pub use rivals::{DimensionFigures, RivalFigures, Rivals};

use crate::rng::Draws;

/// An estimate with its 95 % interval.
#[derive(
    Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Estimate {
    /// The estimate.
    pub estimate: f64,
    /// Lower end.
    pub ci_low: f64,
    /// Upper end.
    pub ci_high: f64,
}

impl Estimate {
    /// `statistic` of all of `n` accounts, with the percentile interval over resamples of accounts.
    ///
    /// `None` when the statistic does not exist for all accounts, or for more than a tenth of the
    /// resamples: an interval over the others would be of another thing.
    fn bootstrap(
        n: usize,
        (resamples, draws): (u32, Draws),
        statistic: impl Fn(&[usize]) -> Option<f64>,
    ) -> Option<Self> {
        let all: Vec<usize> = (0..n).collect();
        let estimate = statistic(&all)?;
        let mut values: Vec<f64> = (0..u64::from(resamples))
            .filter_map(|resample| {
                let mut stream = draws.stream(resample);
                let pick = |_: &usize| (stream.uniform() * n as f64) as usize;
                statistic(&all.iter().map(pick).collect::<Vec<usize>>())
            })
            .collect();
        if values.is_empty() || values.len() * 10 < resamples as usize * 9 {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        Some(Self { estimate, ci_low: at(0.025), ci_high: at(0.975) })
    }
}
