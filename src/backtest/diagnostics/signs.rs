//! Do the data give every interaction type the sign that the catalogue gives it?

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backtest::ExpertType;
use crate::backtest::information::before_cost;
use crate::backtest::placebo::{Claim, PlaceboDates};
use crate::score::DecayedCounts;
use crate::stats::{
    Grid, Inference, PanelStatistic, StatsError, benjamini_yekutieli, cluster_ewc,
    mean_correlation, mean_rank_correlation, mid_ranks,
};

/// The decayed counts of one account at its dates.
#[derive(Debug, Clone, PartialEq)]
pub struct DatedCounts {
    /// Positions of the dates among [`PlaceboDates::months`], ascending.
    pub dates: Vec<usize>,
    /// Counts at these dates.
    pub counts: DecayedCounts,
}

/// How often every account met every interaction type, as known at each date.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeSample {
    /// The dates.
    pub dates: PlaceboDates,
    /// By account, in the order of the panel.
    pub accounts: Vec<DatedCounts>,
    /// The types of the log by position, with the catalogue's values.
    pub types: Vec<ExpertType>,
    /// Whether each type is a purchase, renewal or invoice (rule R1).
    pub transactional: Vec<bool>,
}

/// What the data say of the sign of one interaction type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignStanding {
    /// The association has the catalogue's sign.
    Agrees,
    /// It has the other sign.
    Contradicts,
    /// It cannot be told apart from none.
    Undecided,
    /// Too few interactions or accounts.
    TooFew,
    /// The catalogue gives it no value, so there is no sign to check.
    NoSign,
}

impl SignStanding {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Contradicts => "contradicts",
            Self::Undecided => "undecided",
            Self::TooFew => "too few",
            Self::NoSign => "no sign",
        }
    }
}

/// The sign check of one interaction type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypeSign {
    /// Name in the catalogue.
    pub interaction_type: String,
    /// Value in the catalogue.
    pub catalogue_value: f64,
    /// Whether it is a purchase, renewal or invoice: an outcome in disguise, whose sign says nothing of the
    /// catalogue.
    pub transactional: bool,
    /// Interactions of the type that were known by the last date.
    pub n_interactions: u64,
    /// Accounts that met it.
    pub n_accounts: u64,
    /// Rank correlation of its decayed count with the later outcome; absent where too few met it.
    pub alone: Option<f64>,
    /// The same, given the decayed count of all other interactions; absent where too few met it.
    pub given_activity: Option<f64>,
    /// Lower end of its 95 % interval.
    pub ci_low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub ci_high: Option<f64>,
    /// Its two-sided p-value: account cluster + EWC date variance.
    pub p_value: Option<f64>,
    /// p-value adjusted for all types that were tested (Benjamini-Yekutieli).
    pub p_adjusted: Option<f64>,
    /// What follows.
    pub standing: SignStanding,
}

/// The sign check of every interaction type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignCheck {
    /// Outcome.
    pub outcome: String,
    /// Horizon \[months\].
    pub horizon_months: u32,
    /// Half-life of the counts \[days\].
    pub half_life_days: f64,
    /// Fewest interactions, and fewest accounts, for a type to be tested.
    pub least: [u64; 2],
    /// Every type that occurs, in the order of the log.
    pub types: Vec<TypeSign>,
}

impl SignCheck {
    /// Number of types with a standing that are no purchases.
    pub fn count(&self, standing: SignStanding) -> usize {
        let counts = |of_type: &&TypeSign| !of_type.transactional && of_type.standing == standing;
        self.types.iter().filter(counts).count()
    }
}

/// Half-life of the counts \[days\].
pub const SIGN_HALF_LIFE_DAYS: f64 = 180.0;
/// Fewest interactions of a type.
const LEAST_INTERACTIONS: u64 = 50;
/// Level of the adjusted p-value.
const LEVEL: f64 = 0.05;

/// Checks the sign of every interaction type that occurs against the catalogue.
///
/// ```text
/// r_m = mean over dates of corr(R(count_m) ⊥ R(others), R(y) ⊥ R(others))      R: ranks by date
/// count_m(t) = Σ 2^(−age / 180 days),  others = Σ_{l ≠ m} count_l(t)      l: no purchases, unless m is one
/// ```
///
/// - A partial rank correlation: returns and complaints go with volume, so a type has to say something at equal
///   activity. The correlation without that stands beside it.
/// - Purchases are outcomes in disguise. At equal activity with purchases in it, whoever has more of anything else
///   has bought less, and every type would look harmful: so they are in `others` of purchases only. Their own
///   standing is listed and not counted.
/// - On gross profit where the outcome is contribution, which holds what interactions cost.
/// - A type is judged where at least 50 interactions of at least `min_accounts` accounts are known.
///   Agreement or contradiction: p ≤ .05 after Benjamini-Yekutieli over the types tested, whose tests depend
///   on each other in ways that nobody knows.
/// - An association is no effect: staff call whom they see leaving. The check says where the catalogue and the
///   data differ, not who is right.
pub fn sign_check(claim: &Claim<'_>, sample: &TypeSample) -> SignCheck {
    let outcome = before_cost(claim.outcome);
    let later = sample.dates.of_grid(&claim.panel.outcome(outcome, claim.horizon as i32));
    let grids = Counts::of(sample);
    let least = [LEAST_INTERACTIONS, u64::from(claim.params.min_accounts)];
    let mut types: Vec<TypeSign> = (0..sample.types.len())
        .into_par_iter()
        .map(|kind| of_type(sample, &grids, &later, kind, least))
        .collect();
    types.retain(|of_type| of_type.n_interactions > 0);
    let tested: Vec<usize> = (0..types.len()).filter(|&i| types[i].p_value.is_some()).collect();
    let p_values: Vec<f64> = tested.iter().filter_map(|&i| types[i].p_value).collect();
    for (&i, adjusted) in tested.iter().zip(benjamini_yekutieli(&p_values)) {
        let of_type = &mut types[i];
        of_type.p_adjusted = Some(adjusted);
        let same = of_type.given_activity.unwrap_or(0.0) * of_type.catalogue_value;
        of_type.standing = match adjusted {
            p if p <= LEVEL && same > 0.0 => SignStanding::Agrees,
            p if p <= LEVEL && same < 0.0 => SignStanding::Contradicts,
            _ => SignStanding::Undecided,
        };
    }
    SignCheck {
        outcome: outcome.name().to_owned(),
        horizon_months: claim.horizon,
        half_life_days: SIGN_HALF_LIFE_DAYS,
        least,
        types,
    }
}

/// Counts as grids of shape `(accounts, dates)`, made when asked for.
struct Counts<'a> {
    sample: &'a TypeSample,
    /// Of all types.
    all: Vec<f64>,
    /// Of all types but purchases.
    no_purchases: Vec<f64>,
}

impl<'a> Counts<'a> {
    fn of(sample: &'a TypeSample) -> Self {
        let mut counts = Self { sample, all: Vec::new(), no_purchases: Vec::new() };
        counts.all = counts.grid(|counts, date| counts.at(date).iter().sum());
        counts.no_purchases = counts.grid(|counts, date| {
            let kept = counts.types.iter().zip(counts.at(date));
            kept.filter(|(kind, _)| !sample.transactional[usize::from(kind.0)])
                .map(|(_, count)| count)
                .sum()
        });
        counts
    }

    fn grid(&self, value: impl Fn(&DecayedCounts, usize) -> f64) -> Vec<f64> {
        let dates = self.sample.dates.months().len();
        let mut values = vec![f64::NAN; self.sample.accounts.len() * dates];
        for (account, row) in self.sample.accounts.iter().zip(values.chunks_exact_mut(dates)) {
            for (position, &date) in account.dates.iter().enumerate() {
                row[date] = value(&account.counts, position);
            }
        }
        values
    }

    fn of_type(&self, kind: usize) -> Vec<f64> {
        self.grid(|counts, date| {
            let column = counts.types.binary_search_by_key(&kind, |kind| usize::from(kind.0));
            column.map_or(0.0, |column| counts.at(date)[column])
        })
    }
}

fn of_type(
    sample: &TypeSample,
    counts: &Counts<'_>,
    later: &[f64],
    kind: usize,
    least: [u64; 2],
) -> TypeSign {
    let expert = &sample.types[kind];
    let (mut n_interactions, mut n_accounts) = (0_u64, 0_u64);
    for account in &sample.accounts {
        let counts = &account.counts;
        let column = counts.types.binary_search_by_key(&kind, |kind| usize::from(kind.0));
        let met = column.map_or(0, |column| counts.interactions[column]);
        n_interactions += u64::from(met);
        n_accounts += u64::from(met > 0);
    }
    let mut found = TypeSign {
        interaction_type: expert.name.clone(),
        catalogue_value: expert.value,
        transactional: sample.transactional[kind],
        n_interactions,
        n_accounts,
        alone: None,
        given_activity: None,
        ci_low: None,
        ci_high: None,
        p_value: None,
        p_adjusted: None,
        standing: SignStanding::TooFew,
    };
    if n_interactions < least[0] || n_accounts < least[1] {
        return found;
    }
    if expert.value.abs() <= 0.0 {
        found.standing = SignStanding::NoSign;
        return found;
    }
    let own = counts.of_type(kind);
    let total = if found.transactional { &counts.all } else { &counts.no_purchases };
    let others: Vec<f64> = total.iter().zip(&own).map(|(total, own)| total - own).collect();
    let shape = (sample.accounts.len(), sample.dates.months().len());
    if let Ok((alone, partial)) = associations(&own, &others, later, shape, least[1] as usize) {
        found.alone = Some(alone.estimate);
        found.given_activity = Some(partial.estimate);
        (found.ci_low, found.ci_high) = (Some(partial.ci_low), Some(partial.ci_high));
        found.p_value = Some(partial.p_value);
    }
    found
}

/// The rank correlation of `x` with `y`, and the partial one given `z`.
fn associations(
    x: &[f64],
    z: &[f64],
    y: &[f64],
    (accounts, dates): (usize, usize),
    least: usize,
) -> Result<(PanelStatistic, Inference), StatsError> {
    let grid = |values| Grid::new(values, accounts, dates);
    let alone = mean_rank_correlation(grid(x)?, grid(y)?, least)?;
    let (mut free_x, mut free_y) = (vec![f64::NAN; x.len()], vec![f64::NAN; x.len()]);
    for date in 0..dates {
        let cells: Vec<usize> = (0..accounts)
            .map(|account| account * dates + date)
            .filter(|&cell| !x[cell].is_nan() && !y[cell].is_nan())
            .collect();
        let ranks =
            |of: &[f64]| mid_ranks(&cells.iter().map(|&cell| of[cell]).collect::<Vec<f64>>());
        let given = ranks(z);
        for (values, free) in [(x, &mut free_x), (y, &mut free_y)] {
            let freed = residuals(&ranks(values), &given);
            cells.iter().zip(freed).for_each(|(&cell, value)| free[cell] = value);
        }
    }
    let partial = mean_correlation(grid(&free_x)?, grid(&free_y)?, least)?;
    Ok((alone, cluster_ewc(&partial, 0.0)?))
}

/// What a straight line through `given` leaves of `values`; exactly 0 where it leaves nothing.
fn residuals(values: &[f64], given: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let mean = |of: &[f64]| of.iter().sum::<f64>() / n;
    let (mean_v, mean_g) = (mean(values), mean(given));
    let square: f64 = given.iter().map(|g| (g - mean_g).powi(2)).sum();
    let product: f64 = values.iter().zip(given).map(|(v, g)| (v - mean_v) * (g - mean_g)).sum();
    let slope = if square > 0.0 { product / square } else { 0.0 };
    let left: Vec<f64> =
        values.iter().zip(given).map(|(v, g)| v - mean_v - slope * (g - mean_g)).collect();
    // What rounding leaves is no variation.
    let noise = 1e-18 * values.iter().map(|v| v * v).sum::<f64>();
    let varies = left.iter().map(|v| v * v).sum::<f64>() > noise;
    if varies { left } else { vec![0.0; left.len()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_rank_correlation_is_that_of_the_formula() {
        let x = [1.0, 5.0, 2.0, 8.0, 3.0, 9.0, 4.0];
        let y = [2.0, 4.0, 1.0, 9.0, 7.0, 6.0, 3.0];
        let z = [3.0, 3.0, 5.0, 8.0, 1.0, 9.0, 4.0];
        let twice = |of: [f64; 7]| of.iter().flat_map(|v| [*v, *v]).collect::<Vec<f64>>();
        let (alone, partial) = associations(&twice(x), &twice(z), &twice(y), (7, 2), 3).unwrap();
        let r = |a: &[f64], b: &[f64]| crate::stats::spearman(a, b).unwrap();
        let (xy, xz, yz) = (r(&x, &y), r(&x, &z), r(&y, &z));
        let expected = (xy - xz * yz) / ((1.0 - xz * xz) * (1.0 - yz * yz)).sqrt();
        assert!((alone.estimate - xy).abs() < 1e-12);
        assert!((partial.estimate - expected).abs() < 1e-12, "{} {expected}", partial.estimate);
    }

    #[test]
    fn what_is_determined_leaves_nothing() {
        assert_eq!(residuals(&[2.0; 7], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), vec![0.0; 7]);
        assert_eq!(residuals(&[0.3, 0.5, 0.7], &[1.0, 2.0, 3.0]), vec![0.0; 3]);
        let left = residuals(&[1.0, 3.0, 2.0], &[1.0, 2.0, 3.0]);
        assert!((left[1] - 1.0).abs() < 1e-12 && (left[0] + 0.5).abs() < 1e-12);
    }
}
