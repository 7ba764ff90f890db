//! Would any catalogue do as well? The expert's values on other interaction types of the same sign.

use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::{Claim, DrawnPlacebo, PlaceboDates, PlaceboKind, drawn_figures};
use crate::backtest::BacktestError;
use crate::rng::Draws;
use crate::score::Exposures;

/// The exposures of one account at its dates.
#[derive(Debug, Clone, PartialEq)]
pub struct DatedExposures {
    /// Positions of the dates among [`PlaceboDates::months`], ascending.
    pub dates: Vec<usize>,
    /// Exposures at these dates.
    pub exposures: Exposures,
}

/// A linear score of every account taken apart by interaction type: all that another catalogue needs.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogueSample {
    dates: PlaceboDates,
    accounts: Vec<DatedExposures>,
    /// The expert's base value of each type of the log, by position.
    values: Vec<f64>,
}

impl CatalogueSample {
    /// A sample of all accounts of a panel, in its order.
    ///
    /// - `values`: the catalogue's base value of each type of the log, by position.
    pub fn new(dates: PlaceboDates, accounts: Vec<DatedExposures>, values: Vec<f64>) -> Self {
        Self { dates, accounts, values }
    }

    /// The score of every account at every date under other base values, shape `(accounts, dates)`; NaN
    /// where an account has no row.
    pub fn scores(&self, values: &[f64]) -> Vec<f64> {
        let dates = self.dates.months().len();
        let mut scores = vec![f64::NAN; self.accounts.len() * dates];
        for (account, row) in self.accounts.iter().zip(scores.chunks_exact_mut(dates)) {
            let exposures = &account.exposures;
            for (position, &date) in account.dates.iter().enumerate() {
                let parts = exposures.types.iter().zip(exposures.at(position));
                let sum: f64 = parts.map(|(kind, e)| values[usize::from(kind.0)] * e).sum();
                row[date] = exposures.fixed[position] + sum;
            }
        }
        scores
    }

    /// Types that any account met with a value of the given sign, by position.
    fn met(&self, sign: f64) -> Vec<usize> {
        let mut met = vec![false; self.values.len()];
        for kind in self.accounts.iter().flat_map(|account| &account.exposures.types) {
            met[usize::from(kind.0)] = true;
        }
        (0..met.len()).filter(|&kind| met[kind] && sign * self.values[kind] > 0.0).collect()
    }

    /// The expert's catalogue among random ones of the same signs.
    ///
    /// ```text
    /// v*(m) = v(π(m))      π: a random permutation among the types met that have the sign of v(m)
    /// p = (k + 1) / (K + 1),  k = #{IC under v* ≥ IC under v}
    /// ```
    ///
    /// - Counts stay, and so do segment multiples, rows with a value of their own and purchases, which such a
    ///   score leaves out. What is asked is whether it matters which type has which value: signs and the
    ///   number of interactions stay.
    /// - `draws`: K = `params.permutations` catalogues, number k from `draws.stream(k)`.
    /// - The expert's catalogue is no random one, so p is exact only if which value fell to which type had
    ///   been drawn by lot; elsewhere it is a guide.
    ///
    /// # Errors
    ///
    /// [`BacktestError::Statistic`] when the IC is undefined. A catalogue without another one of the same
    /// signs is a refusal inside the result.
    pub fn compare(&self, claim: &Claim<'_>, draws: Draws) -> Result<DrawnPlacebo, BacktestError> {
        let kind = PlaceboKind::RandomCatalogues;
        let groups = [self.met(1.0), self.met(-1.0)];
        let differ = |group: &Vec<usize>| {
            group.iter().any(|&kind| (self.values[kind] - self.values[group[0]]).abs() > 0.0)
        };
        if !groups.iter().any(differ) {
            let why = "no two interaction types of the same sign have different values, so there is no \
                       other catalogue";
            return Ok(claim.refused(kind, why.to_owned()));
        }
        let outcome = claim.panel.outcome(claim.outcome, claim.horizon as i32);
        let outcome = self.dates.of_grid(&outcome);
        let ic = |values: &[f64]| {
            self.dates.ic(&self.scores(values), &outcome, claim.params.min_accounts)
        };
        let fail = claim.failed(kind);
        let real = ic(&self.values).map_err(&fail)?;
        let random = |k: u64| {
            let mut values = self.values.clone();
            let mut stream = draws.stream(k);
            for group in &groups {
                let mut shuffled: Vec<f64> = group.iter().map(|&kind| self.values[kind]).collect();
                shuffled.shuffle(&mut stream);
                group.iter().zip(shuffled).for_each(|(&kind, value)| values[kind] = value);
            }
            ic(&values).map(|statistic| statistic.estimate)
        };
        let found: Vec<f64> = (0..u64::from(claim.params.permutations))
            .into_par_iter()
            .map(random)
            .collect::<Result<_, _>>()
            .map_err(&fail)?;
        let method = format!(
            "mean rank IC under catalogues with the values dealt anew among {} types of positive and {} \
             of negative value, every third month; p asks whether the expert's does better than random ones",
            groups[0].len(),
            groups[1].len()
        );
        let figures = drawn_figures(real.estimate, &found, (real.n_units, real.n_periods), method);
        Ok(DrawnPlacebo { placebo: claim.found(kind, figures), draws: found })
    }
}
