//! The one shape of a back-test result.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One estimate of one score against one outcome at one horizon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Hypothesis it belongs to, such as `H1`; absent for exploratory findings.
    pub hypothesis: Option<String>,
    /// Score tested.
    pub score: String,
    /// Outcome it was tested on.
    pub outcome: String,
    /// Horizon \[months\]; negative looks back from the as-of date.
    pub horizon_months: i32,
    /// Name of the statistic, such as `mean_rank_ic`.
    pub statistic: String,
    /// The estimate; absent when it could not be computed (`method` then says why).
    pub estimate: Option<f64>,
    /// Standard error.
    pub std_error: Option<f64>,
    /// Lower end of the 95 % interval.
    pub ci_low: Option<f64>,
    /// Upper end of the 95 % interval.
    pub ci_high: Option<f64>,
    /// Two-sided p-value, unadjusted.
    pub p_value: Option<f64>,
    /// p-value adjusted for the plan's family (Benjamini-Hochberg); absent outside the family.
    pub p_adjusted: Option<f64>,
    /// Accounts that contributed.
    pub n_accounts: u64,
    /// Events (exits) or account-dates that contributed.
    pub n_events: u64,
    /// Dates that contributed.
    pub n_periods: u64,
    /// Method, in words a statistician recognises.
    pub method: String,
    /// Effect detectable with 80 % power at this standard error: (t.975 + t.80) · SE.
    pub detectable_effect: Option<f64>,
    /// Whether the plan named this finding before the data were seen.
    pub in_family: bool,
}

/// Share of accounts without a partner above which a permutation is no guide.
const MAX_WITHOUT_PARTNER: f64 = 0.10;

/// The headline p-value: the larger of clustered and permuted, unless too many accounts have no partner
/// to swap histories with; then the clustered one alone.
pub(super) fn headline_p(clustered: f64, permuted: f64, share_without_partner: f64) -> f64 {
    if share_without_partner <= MAX_WITHOUT_PARTNER { permuted.max(clustered) } else { clustered }
}

impl Finding {
    /// The finding with the headline p-value of its own test and a permutation of whole histories.
    ///
    /// - `permuted`: p-value of the permutation. `share_without_partner`: share of the accounts that no
    ///   other account of their stratum could swap histories with; above a tenth the permutation is no
    ///   guide, and the method says so.
    #[must_use]
    pub fn with_permutation(self, permuted: f64, share_without_partner: f64) -> Self {
        let method = if share_without_partner <= MAX_WITHOUT_PARTNER {
            format!(
                "{}; p is the larger of this and whole-history permutation inside strata",
                self.method
            )
        } else {
            format!(
                "{} alone: {:.0} % of accounts have no permutation partner",
                self.method,
                100.0 * share_without_partner
            )
        };
        let p_value = self.p_value.map(|p| headline_p(p, permuted, share_without_partner));
        Self { p_value, method, ..self }
    }
}
