//! Models of a customer base that need nothing but past purchases: baselines that relationship
//! values must beat.
//!
//! | model | contract | customers may buy | and leave |
//! |---|---|---|---|
//! | [`ShiftedBetaGeometric`] | yes | | at every renewal |
//! | [`BgNbd`] | no | at any time | after a repeat purchase |
//! | [`MbgNbd`] | no | at any time | after any purchase, the first included |
//! | [`ParetoNbd`] | no | at any time | at any time |
//! | [`BgBb`] | no | at given occasions | before an occasion |
//! | [`GammaGamma`] | | spend of a purchase, beside one of the above | |
//!
//! Every customer has rates and probabilities of their own, drawn from laws whose few parameters
//! are fitted. Nothing here looks at the future, and nothing knows what a relationship is.

mod beta_geometric;
mod beta_geometric_fit;
mod bg_bb;
mod bg_nbd;
mod fit;
mod gamma_gamma;
mod hypergeometric;
mod mbg_nbd;
mod pareto_nbd;
mod quadrature;
#[cfg(test)]
mod recovery;
mod shifted_beta_geometric;
mod summary;

pub use bg_bb::{BgBb, OccasionSummary};
pub use bg_nbd::{BgNbd, BgNbdFit};
pub use fit::PurchaseFit;
pub use gamma_gamma::{GammaGamma, SpendSummary};
pub use mbg_nbd::MbgNbd;
pub use pareto_nbd::ParetoNbd;
pub use shifted_beta_geometric::{Cohort, ShiftedBetaGeometric};
pub use summary::PurchaseSummary;

use statrs::function::gamma::ln_gamma;

use super::error::StatsError;

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Checks that every named value is a positive finite number.
fn check_positive<const N: usize>(named: [(&'static str, f64); N]) -> Result<(), StatsError> {
    for (argument, value) in named {
        if !(value.is_finite() && value > 0.0) {
            let expected = "a finite number above 0";
            return Err(StatsError::OutOfRange { argument, value, expected });
        }
    }
    Ok(())
}

/// Checks a span of time that may be 0.
fn check_horizon(value: f64) -> Result<(), StatsError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    let expected = "a finite number of 0 or more";
    Err(StatsError::OutOfRange { argument: "horizon", value, expected })
}
