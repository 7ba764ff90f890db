//! From accounts to the enterprise: profit-weighted standardised scores of the firm's units.

use std::collections::BTreeMap;

use super::{Panel, PanelError};
use crate::time::Month;

/// A level at which accounts are gathered, from the bottom up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitLevel {
    /// Customer segment.
    Segment,
    /// Business unit of the firm.
    BusinessUnit,
    /// Division of the firm.
    Division,
    /// The whole firm.
    Enterprise,
}

impl UnitLevel {
    /// All levels, from the bottom up.
    pub const ALL: [Self; 4] =
        [Self::Segment, Self::BusinessUnit, Self::Division, Self::Enterprise];

    /// Name as in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::BusinessUnit => "business_unit",
            Self::Division => "division",
            Self::Enterprise => "enterprise",
        }
    }
}

/// The score of one unit in one month.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitScore {
    /// The level.
    pub level: UnitLevel,
    /// Name of the unit; absent for accounts that name none, and for the enterprise.
    pub unit: Option<String>,
    /// The month at whose end scores are read.
    pub month: Month,
    /// Accounts of the unit in that month.
    pub accounts: u64,
    /// Sum of the weights: positive trailing profit \[currency\].
    pub profit: f64,
    /// Profit-weighted mean of the standardised score; absent when no account has a profit.
    pub score: Option<f64>,
}

/// Account-months of a segment before its scores are standardised.
const FEWEST: f64 = 20.0;

/// Mean and variance of what has come so far (Welford).
#[derive(Debug, Clone, Copy, Default)]
struct Running {
    n: f64,
    mean: f64,
    squares: f64,
}

impl Running {
    fn add(&mut self, value: f64) {
        self.n += 1.0;
        let step = value - self.mean;
        self.mean += step / self.n;
        self.squares += step * (value - self.mean);
    }

    fn standardise(&self, value: f64) -> Option<f64> {
        let sd = (self.squares / (self.n - 1.0)).sqrt();
        (self.n >= FEWEST && sd > 0.0).then(|| (value - self.mean) / sd)
    }
}

impl Panel {
    /// The score `of` by segment, business unit, division and enterprise, month by month.
    ///
    /// ```text
    /// z_a(t) = (v_a(t) − mean) / sd      over all account-months of a's segment up to t
    /// unit(t) = Σ_a w_a z_a / Σ_a w_a    w_a = max(trailing profit of a, 0)
    /// ```
    ///
    /// - `of` names a score, `profit` the column of trailing profit (`past_profit`).
    /// - Raw values of segments with different catalogues are never added. Standardising over all
    ///   months up to t, not within t, lets a unit rise and fall; no later month is read.
    /// - A segment has no score before 20 account-months. Units come by level, then name, then month.
    ///
    /// # Errors
    ///
    /// [`PanelError::NoScore`] when the panel lacks one of the two columns.
    pub fn units(&self, of: &str, profit: &str) -> Result<Vec<UnitScore>, PanelError> {
        let find = |name: &str| {
            self.score(name).ok_or_else(|| PanelError::NoScore { name: name.to_owned() })
        };
        let (score, profit) = (find(of)?, find(profit)?);
        let mut running: BTreeMap<Option<&str>, Running> = BTreeMap::new();
        let mut units: BTreeMap<(UnitLevel, Option<&str>, usize), Sums> = BTreeMap::new();
        for month in 0..self.months {
            let active: Vec<usize> = (0..self.accounts.len())
                .filter(|&account| self.is_active(account, month))
                .collect();
            let at = |account: usize| account * self.months + month;
            for &account in &active {
                let segment = self.accounts[account].segment.as_deref();
                running.entry(segment).or_default().add(score.values[at(account)]);
            }
            for &account in &active {
                let segment = self.accounts[account].segment.as_deref();
                let z = running[&segment].standardise(score.values[at(account)]);
                for (level, unit) in self.memberships(account) {
                    let sums = units.entry((level, unit, month)).or_default();
                    sums.add(z, profit.values[at(account)].max(0.0));
                }
            }
        }
        Ok(units.into_iter().map(|(key, sums)| self.unit_score(key, &sums)).collect())
    }

    fn memberships(&self, account: usize) -> [(UnitLevel, Option<&str>); 4] {
        let info = &self.accounts[account];
        [
            (UnitLevel::Segment, info.segment.as_deref()),
            (UnitLevel::BusinessUnit, info.placement.business_unit.as_deref()),
            (UnitLevel::Division, info.placement.division.as_deref()),
            (UnitLevel::Enterprise, None),
        ]
    }

    fn unit_score(
        &self,
        (level, unit, month): (UnitLevel, Option<&str>, usize),
        sums: &Sums,
    ) -> UnitScore {
        UnitScore {
            level,
            unit: unit.map(str::to_owned),
            month: self.first.plus(month as i32),
            accounts: sums.accounts,
            profit: sums.weight,
            score: (sums.weight > 0.0).then(|| sums.weighted / sums.weight),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    accounts: u64,
    weight: f64,
    weighted: f64,
}

impl Sums {
    fn add(&mut self, z: Option<f64>, weight: f64) {
        self.accounts += 1;
        if let Some(z) = z {
            self.weight += weight;
            self.weighted += weight * z;
        }
    }
}

impl UnitScore {
    /// Whether the level says nothing here: no account names such a unit.
    pub fn is_unnamed(&self) -> bool {
        self.unit.is_none() && self.level != UnitLevel::Enterprise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interaction::Placement;
    use crate::panel::{PanelAccount, PanelScore};
    use crate::time::Calendar;

    /// Two segments of ten accounts over three months; the catalogue of the second is a hundredfold.
    fn panel() -> Panel {
        let account = |n: usize| PanelAccount {
            id: format!("A{n:02}"),
            segment: Some(if n < 10 { "small" } else { "large" }.to_owned()),
            size: None,
            placement: Placement { division: Some("north".to_owned()), ..Placement::default() },
            entry: 0,
            exit: None,
            contacts: 0,
            interactions: 0,
        };
        let value = |n: usize, month: usize| {
            let scale = if n < 10 { 1.0 } else { 100.0 };
            scale * ((n % 10) as f64 + month as f64)
        };
        let column = |name: &str, of: &dyn Fn(usize, usize) -> f64| PanelScore {
            name: name.to_owned(),
            accumulates: false,
            values: (0..20)
                .flat_map(|n| (0..3).map(move |m| (n, m)))
                .map(|(n, m)| of(n, m))
                .collect(),
        };
        Panel {
            calendar: Calendar::UTC,
            first: Month::new(2024, 1).unwrap(),
            months: 3,
            accounts: (0..20).map(account).collect(),
            scores: vec![
                column("rv", &value),
                // All profit is with the best account of each segment; one loses.
                column("past_profit", &|n, _| match n % 10 {
                    9 => 50.0,
                    0 => -20.0,
                    _ => 0.0,
                }),
            ],
            monthly: vec![vec![f64::NAN; 60]; crate::panel::Measure::STORED],
            active: vec![true; 60],
            drops: Vec::new(),
        }
    }

    #[test]
    fn units_weigh_standard_scores_by_profit_and_need_enough_months() {
        let units = panel().units("rv", "past_profit").unwrap();
        let of = |level, unit: Option<&str>| -> Vec<Option<f64>> {
            let own = units.iter().filter(|u| u.level == level && u.unit.as_deref() == unit);
            own.map(|unit| unit.score).collect()
        };
        // Ten account-months are too few; twenty are enough.
        let small = of(UnitLevel::Segment, Some("small"));
        assert_eq!(small[0], None);
        // Values 0..9 and 1..10: mean 5, squares 2·82.5 + 20·.25 = 170, sd √(170 / 19); the best has 10.
        let expected = 5.0 / (170.0_f64 / 19.0).sqrt();
        assert!((small[1].unwrap() - expected).abs() < 1e-12);
        // The scale of a catalogue does not matter, so segments can be gathered.
        let large = of(UnitLevel::Segment, Some("large"));
        let enterprise = of(UnitLevel::Enterprise, None);
        for (a, b) in [(&small, &large), (&small, &enterprise)] {
            assert!((a[1].unwrap() - b[1].unwrap()).abs() < 1e-12);
        }
        assert_eq!(of(UnitLevel::Division, Some("north")), enterprise);
        assert!(
            units.iter().any(|unit| unit.level == UnitLevel::BusinessUnit && unit.is_unnamed())
        );
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = panel().units("rv", "profit").unwrap_err();
        assert_eq!(error.to_string(), "the panel has no score `profit`");
    }
}
