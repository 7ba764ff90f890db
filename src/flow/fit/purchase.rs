//! How often customers buy: what an outcome brings about, and so no part of the walk.

use serde::Serialize;

use super::record::AccountRecord;
use crate::ids::TypeIndex;

/// Days of a mean month.
const MONTH_DAYS: f64 = 365.25 / 12.0;

/// Purchases of an account as a Poisson process whose rate differs between accounts by a gamma law.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PurchaseLaw {
    /// Mean number per account and month.
    pub monthly_rate: f64,
    /// Variance of the rate between accounts, relative to its square; 0 when all are alike.
    pub relative_variance: f64,
    /// Types with their shares.
    #[serde(skip)]
    pub mix: Vec<(TypeIndex, f64)>,
    /// Number of purchases.
    pub n_purchases: usize,
    /// Number of accounts that were customers.
    pub n_accounts: usize,
}

impl PurchaseLaw {
    /// The law of the purchases of `accounts`, by moments.
    ///
    /// ```text
    /// μ = ΣN / ΣT      v = max(0, Σ((N − μT)² − μT) / Σ(μT)²)
    /// ```
    ///
    /// `N`: purchases of an account, `T`: its months as a customer; `None` without any purchase.
    ///
    /// # Source
    ///
    /// Ehrenberg (1959), *Appl. Stat.* 8, 26–41: the negative binomial of purchases.
    pub fn fit(accounts: &[AccountRecord]) -> Option<Self> {
        let mut counts: Vec<(f64, f64)> = Vec::new();
        let mut by_type: std::collections::BTreeMap<TypeIndex, usize> =
            std::collections::BTreeMap::new();
        for account in accounts {
            let Some((from, to)) = account.customer else { continue };
            let bought = account.purchases.iter().filter(|(at, _)| *at >= from && *at < to);
            let mut count = 0.0;
            for (_, kind) in bought {
                count += 1.0;
                *by_type.entry(*kind).or_default() += 1;
            }
            counts.push((count, to.days_since(from) / MONTH_DAYS));
        }
        let n_purchases: usize = by_type.values().sum();
        let months: f64 = counts.iter().map(|(_, months)| months).sum();
        if n_purchases == 0 || months <= 0.0 {
            return None;
        }
        let rate = n_purchases as f64 / months;
        let excess: f64 = counts.iter().map(|(n, t)| (n - rate * t).powi(2) - rate * t).sum();
        let square: f64 = counts.iter().map(|(_, t)| (rate * t).powi(2)).sum();
        let mix = by_type.iter().map(|(kind, n)| (*kind, *n as f64 / n_purchases as f64)).collect();
        Some(Self {
            monthly_rate: rate,
            relative_variance: (excess / square).max(0.0),
            mix,
            n_purchases,
            n_accounts: counts.len(),
        })
    }
}
