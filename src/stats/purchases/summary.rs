//! What the models of purchases in continuous time need of a customer.

use super::super::error::StatsError;

/// Purchases of one customer until now: what the model needs of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PurchaseSummary {
    /// x: purchases after the first.
    pub repeats: f64,
    /// `t_x`: time from the first purchase to the last; 0 without a repeat.
    pub last: f64,
    /// T: time from the first purchase until now.
    pub age: f64,
}

impl PurchaseSummary {
    /// A customer who bought for the first time just now.
    pub(super) const NEW: Self = Self { repeats: 0.0, last: 0.0, age: 0.0 };

    /// Why no customer can have this summary.
    fn fault(&self) -> Option<&'static str> {
        let Self { repeats, last, age } = *self;
        if !(repeats.is_finite() && last.is_finite() && age.is_finite()) {
            Some("a number is not finite")
        } else if repeats < 0.0 || last < 0.0 {
            Some("a number is negative")
        } else if last > age {
            Some("the last purchase is after the end of observation")
        } else if (repeats > 0.0) != (last > 0.0) {
            Some("the last purchase is later than the first with a repeat, and only then")
        } else {
            None
        }
    }

    /// Checks the summary of one customer.
    pub(super) fn check(&self) -> Result<(), StatsError> {
        match self.fault() {
            Some(reason) => Err(StatsError::Impossible { index: 0, reason }),
            None => Ok(()),
        }
    }
}

/// Customers with equal summaries counted once, in ascending order of repeats.
pub(super) struct CustomerBase {
    /// Summaries with the number of customers that have them.
    pub(super) groups: Vec<(PurchaseSummary, f64)>,
    /// Customers.
    pub(super) customers: usize,
    /// Mean age: the unit of time in which a search is well scaled.
    pub(super) mean_age: f64,
}

impl CustomerBase {
    /// Checks that a model can be fitted to `customers` at all, and groups them.
    pub(super) fn new(
        statistic: &'static str,
        customers: &[PurchaseSummary],
    ) -> Result<Self, StatsError> {
        if customers.len() < 10 {
            return Err(StatsError::TooFew { statistic, needed: 10, got: customers.len() });
        }
        let faulty = customers.iter().enumerate().find_map(|(i, c)| Some((i, c.fault()?)));
        if let Some((index, reason)) = faulty {
            return Err(StatsError::Impossible { index, reason });
        }
        if customers.iter().all(|customer| customer.repeats == 0.0) {
            return Err(StatsError::NoFit { statistic, reason: "nobody bought again" });
        }
        let mut sorted = customers.to_vec();
        // Not negative, so their bits are in the order of the numbers.
        let key = |c: &PurchaseSummary| [c.repeats, c.last, c.age].map(|v| (v + 0.0).to_bits());
        sorted.sort_unstable_by_key(key);
        let groups = sorted.chunk_by(|a, b| key(a) == key(b));
        Ok(Self {
            groups: groups.map(|group| (group[0], group.len() as f64)).collect(),
            customers: customers.len(),
            mean_age: customers.iter().map(|c| c.age).sum::<f64>() / customers.len() as f64,
        })
    }
}
