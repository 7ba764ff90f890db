//! What weights are learned from: account-periods with exposures and whether an exit followed.

use super::design::{Case, Design};
use crate::panel::{Measure, Panel};
use crate::score::{Exposures, Valuation};

/// An interaction type with the expert's value.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpertType {
    /// Name in the catalogue.
    pub name: String,
    /// Base value in the catalogue.
    pub value: f64,
}

/// Account-periods: exposures as of dates one horizon apart, and whether an exit followed within it.
///
/// The periods do not overlap, so an exit counts once.
#[derive(Debug, Clone)]
pub struct WeightSample {
    types: Vec<String>,
    horizon: u32,
    /// Month positions of the as-of dates.
    dates: Vec<usize>,
    accounts: usize,
    months: usize,
    /// 1 for an exit, 0 for none, NaN where it is not known; shape `(accounts, dates)`.
    exits: Vec<f64>,
    strata: Vec<u32>,
    rows: Vec<Place>,
    design: Design,
}

/// Account and date of a row, by position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) account: usize,
    pub(super) date: usize,
}

/// Controls of every model: the intercept, and the logarithm of one plus the age in months.
const CONTROLS: usize = 2;

impl WeightSample {
    /// No rows yet.
    ///
    /// - `types`: what may be learned; `horizon`: within which an exit counts \[months\].
    /// - `dates`: as-of months among `months`, by position, ascending and at least a horizon apart.
    /// - `exits`: shape `(accounts, dates)`: 1 for an exit within the horizon, 0 for none, NaN where
    ///   it is not known; `strata`: shape `(accounts,)`, inside which the null moves outcomes.
    ///
    /// # Panics
    ///
    /// When the shapes do not fit each other.
    pub fn new(
        types: &[ExpertType],
        horizon: u32,
        (dates, months): (Vec<usize>, usize),
        exits: Vec<f64>,
        strata: Vec<u32>,
    ) -> Self {
        let accounts = strata.len();
        assert_eq!(exits.len(), accounts * dates.len(), "one outcome per account and date");
        let expert = types.iter().map(|of_type| of_type.value).collect();
        Self {
            types: types.iter().map(|of_type| of_type.name.clone()).collect(),
            horizon,
            dates,
            accounts,
            months,
            exits,
            strata,
            rows: Vec::new(),
            design: Design { controls: CONTROLS, expert, x: Vec::new() },
        }
    }

    /// The dates and exits of `panel`, without rows; `strata` as of
    /// [`account_strata`](crate::backtest::account_strata).
    pub fn of_panel(panel: &Panel, types: &[ExpertType], horizon: u32, strata: Vec<u32>) -> Self {
        let dates = period_dates(panel, horizon);
        let outcomes = panel.outcome(Measure::Attrition, horizon as i32);
        let months = panel.months();
        let of_account = |account: usize| {
            let row = &outcomes[account * months..][..months];
            dates.iter().map(|&month| row[month]).collect::<Vec<f64>>()
        };
        let exits = (0..panel.accounts().len()).flat_map(of_account).collect();
        Self::new(types, horizon, (dates, months), exits, strata)
    }

    /// Adds one account-period.
    ///
    /// - `account`, `date`: positions; rows come in order of account, then date.
    /// - `age`: months since the account became a customer; `fixed`: the part of its score that no
    ///   weight scales; `exposures`: one per type.
    ///
    /// # Panics
    ///
    /// When the number of exposures is not that of the types.
    pub fn push(
        &mut self,
        (account, date): (usize, usize),
        age: f64,
        fixed: f64,
        exposures: &[f64],
    ) {
        assert_eq!(exposures.len(), self.types.len(), "one exposure per type");
        self.rows.push(Place { account, date });
        self.design.x.extend([1.0, age.max(0.0).ln_1p(), fixed]);
        self.design.x.extend(exposures);
    }

    /// Adds the rows of the account at position `account` of `panel`.
    ///
    /// - `positions`: where each type of the log stands in the sample; a type without place goes to the
    ///   fixed part at its value in `valuation`.
    /// - `exposures`: at the dates of the sample at which the account has a row in the panel, in order.
    pub fn push_account(
        &mut self,
        panel: &Panel,
        account: usize,
        exposures: &Exposures,
        (positions, valuation): (&[Option<usize>], &Valuation),
    ) {
        let entry = f64::from(panel.accounts()[account].entry);
        let there: Vec<usize> = (0..self.dates.len())
            .filter(|&date| panel.is_active(account, self.dates[date]))
            .collect();
        for (read, date) in there.into_iter().enumerate() {
            let mut by_type = vec![0.0; self.types.len()];
            let mut fixed = exposures.fixed[read];
            for (kind, exposure) in exposures.types.iter().zip(exposures.at(read)) {
                match positions[usize::from(kind.0)] {
                    Some(at) => by_type[at] += exposure,
                    None => fixed += valuation.base_value(*kind) * exposure,
                }
            }
            let age = self.dates[date] as f64 - entry;
            self.push((account, date), age, fixed, &by_type);
        }
    }

    /// Month positions of the as-of dates.
    pub fn dates(&self) -> &[usize] {
        &self.dates
    }

    /// Number of accounts.
    pub fn accounts(&self) -> usize {
        self.accounts
    }

    /// Horizon \[months\].
    pub fn horizon(&self) -> u32 {
        self.horizon
    }

    pub(super) fn months(&self) -> usize {
        self.months
    }

    pub(super) fn types(&self) -> &[String] {
        &self.types
    }

    pub(super) fn strata(&self) -> &[u32] {
        &self.strata
    }

    pub(super) fn design(&self) -> &Design {
        &self.design
    }

    pub(super) fn place(&self, row: usize) -> Place {
        self.rows[row]
    }

    /// The expert's score in place of the exposures: what the expert alone and the controls are fitted on.
    pub(super) fn expert_only(&self, with_score: bool) -> Design {
        let mut x = Vec::with_capacity(self.rows.len() * (CONTROLS + 1));
        for row in 0..self.rows.len() {
            let (controls, rest) = self.design.row(row).split_at(CONTROLS);
            let weighted = rest[1..].iter().zip(&self.design.expert).map(|(e, v)| e * v);
            let score = rest[0] + weighted.sum::<f64>();
            x.extend(controls);
            x.push(if with_score { score } else { 0.0 });
        }
        Design { controls: CONTROLS, expert: Vec::new(), x }
    }

    /// The rows with a known outcome, when account a has the outcomes of `donors[a]`.
    pub(super) fn cases(&self, donors: &[u32]) -> Vec<Case> {
        let n_dates = self.dates.len();
        let outcome =
            |place: &Place| self.exits[donors[place.account] as usize * n_dates + place.date];
        self.rows
            .iter()
            .enumerate()
            .map(|(row, place)| (row, outcome(place)))
            .filter(|(_, exit)| !exit.is_nan())
            .map(|(row, exit)| Case { row, exits: exit > 0.5 })
            .collect()
    }

    /// Accounts with a row and a known outcome.
    pub(super) fn takes_part(&self) -> Vec<bool> {
        let itself: Vec<u32> = (0..self.accounts as u32).collect();
        let mut takes_part = vec![false; self.accounts];
        for case in self.cases(&itself) {
            takes_part[self.rows[case.row].account] = true;
        }
        takes_part
    }
}

/// The months at which account-periods begin: one horizon apart from the first month with rows on.
pub fn period_dates(panel: &Panel, horizon: u32) -> Vec<usize> {
    let (accounts, months) = (panel.accounts().len(), panel.months());
    let has_rows = |month: &usize| (0..accounts).any(|account| panel.is_active(account, *month));
    let first = (0..months).find(has_rows).unwrap_or(months);
    let step = horizon.max(1) as usize;
    (first..months).step_by(step).filter(|month| month + step < months).collect()
}
