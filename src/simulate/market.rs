//! The customer's wallet, the rivals for it, and what the firm's share of it brings.

use rand_distr::{Distribution, StandardNormal};

use crate::ids::ContactIndex;
use crate::rng::{AccountStreams, Draws, Purpose, Stream};

use super::cohort::pick;
use super::setting::{self, logistic};
use super::world::{Market, OutcomeLaw, World};

/// Where the firm stands with one account.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// Log-odds of the share of wallet at no advantage, the rival's part left out.
    base: f64,
    /// The best rival's advantage over time \[log-odds\].
    rival: f64,
    /// Slow part of the log wallet that has nothing to do with the relationship.
    drift: f64,
    /// Median wallet times size \[currency\].
    wallet: f64,
    /// By dimension: lasting strength of the firm and of its best rival.
    pub(super) dimensions: Vec<(f64, f64)>,
    draws: Draws,
}

/// What an account brings in one month of being a customer throughout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Month {
    /// Expected revenue given state, wallet and rivals \[currency\].
    pub(super) revenue: f64,
    /// Log-odds of the share of wallet.
    pub(super) share_odds: f64,
    pub(super) share_of_wallet: f64,
}

impl Standing {
    pub(super) fn new(streams: AccountStreams, world: &World, log_size: f64) -> Self {
        let (market, law) = (&world.market, &world.outcome);
        let draws = streams.draws(Purpose::Market, ContactIndex(0));
        let lasting = streams.draws(Purpose::Market, ContactIndex(1));
        let normal = |ordinal| -> f64 { StandardNormal.sample(&mut lasting.stream(ordinal)) };
        let rivals = 1 + pick(market.rivals.into_iter(), lasting.uniform(0));
        let of_dimension = |(position, _): (usize, _)| {
            let ordinal = 10 + 2 * position as u64;
            (market.dimension_sigma * normal(ordinal), market.dimension_sigma * normal(ordinal + 1))
        };
        Self {
            base: market.share_base - (rivals as f64).ln() + market.preference_sigma * normal(1),
            rival: market.rival_sigma * normal(2),
            drift: law.drift_sigma * normal(3),
            wallet: law.median_wallet * log_size.exp(),
            dimensions: market.dimensions.iter().enumerate().map(of_dimension).collect(),
            draws,
        }
    }

    /// Moves wallet and rivals on by a month and gives what the account brings in it.
    ///
    /// ```text
    /// share = logistic(base + slope · advantage − rival)      revenue = wallet · share
    /// ```
    ///
    /// - `advantage`: that of the relationship in this month.
    pub(super) fn step(
        &mut self,
        ordinal: u64,
        advantage: f64,
        shared: setting::Month,
        age_years: f64,
        (market, law): (&Market, &OutcomeLaw),
    ) -> Month {
        let mut stream = self.draws.stream(ordinal);
        self.drift = step(self.drift, law.drift_persistence, law.drift_sigma, &mut stream);
        self.rival = step(self.rival, market.rival_persistence, market.rival_sigma, &mut stream);
        let share_odds = self.base + market.share_slope * advantage - self.rival;
        let mut growth = self.drift;
        if law.age_effect != 0.0 {
            growth += law.age_effect * age_years.max(0.0).ln_1p();
        }
        let wallet = self.wallet * shared.wallet * growth.exp();
        let share_of_wallet = logistic(share_odds);
        Month { revenue: wallet * share_of_wallet, share_odds, share_of_wallet }
    }
}

/// One step of a first-order autoregression with stationary deviation `sigma`.
fn step(value: f64, persistence: f64, sigma: f64, stream: &mut Stream) -> f64 {
    let z: f64 = StandardNormal.sample(stream);
    persistence * value + (1.0 - persistence * persistence).sqrt() * sigma * z
}
