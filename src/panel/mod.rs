//! The panel, account × month: scores as of each month end, and the outcomes around it.
//!
//! A row exists for each month at whose end the account was a customer. Scores are read as of
//! that instant; outcomes lie strictly after it (positive horizons) or end with it (negative
//! ones). What is left out is counted with its reason. The truth of a simulation is never read.

mod build;
mod measure;
mod relative;
mod split;
mod units;

use crate::interaction::Placement;
use crate::time::{Calendar, Month};

pub use build::{AccountRead, PanelError, PanelParams};
pub use measure::Measure;
pub use relative::Relative;
pub use split::{Fold, WalkForward};
pub use units::{UnitLevel, UnitScore};

/// One account of the panel.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelAccount {
    /// Name of the account.
    pub id: String,
    /// Segment, where the log has it.
    pub segment: Option<String>,
    /// Recorded size, where the log has it.
    pub size: Option<f64>,
    /// Where it belongs.
    pub placement: Placement,
    /// Position of the first month as a customer; negative when before the panel.
    pub entry: i32,
    /// Position of the month in which the account exited.
    pub exit: Option<i32>,
    /// Number of contacts.
    pub contacts: u32,
    /// Number of interactions.
    pub interactions: u32,
}

/// One score of the panel.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelScore {
    /// Name of the score.
    pub name: String,
    /// Whether it grows with tenure by construction.
    pub accumulates: bool,
    /// Shape `(accounts, months)`, row-major by account; NaN where there is no row.
    pub values: Vec<f64>,
}

/// Account-months left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drop {
    /// Why.
    pub reason: &'static str,
    /// How many account-months.
    pub count: u64,
}

/// Account × month: scores and outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    calendar: Calendar,
    first: Month,
    months: usize,
    accounts: Vec<PanelAccount>,
    scores: Vec<PanelScore>,
    /// By [`Measure::stored`] position: monthly values, shape `(accounts, months)`; nothing where there is no value.
    monthly: Vec<Vec<f64>>,
    /// Whether there is a row; shape `(accounts, months)`.
    active: Vec<bool>,
    drops: Vec<Drop>,
}

impl Panel {
    /// First month.
    pub fn first_month(&self) -> Month {
        self.first
    }

    /// Number of months.
    pub fn months(&self) -> usize {
        self.months
    }

    /// The accounts, in order of the log.
    pub fn accounts(&self) -> &[PanelAccount] {
        &self.accounts
    }

    /// All scores.
    pub fn scores(&self) -> &[PanelScore] {
        &self.scores
    }

    /// The score called `name`.
    pub fn score(&self, name: &str) -> Option<&PanelScore> {
        self.scores.iter().find(|score| score.name == name)
    }

    /// Account-months left out, by reason.
    pub fn drops(&self) -> &[Drop] {
        &self.drops
    }

    /// Number of account-months in the panel.
    pub fn rows(&self) -> usize {
        self.active.iter().filter(|&&active| active).count()
    }

    /// Whether there is a row for the account at position `account` in month position `month`.
    pub fn is_active(&self, account: usize, month: usize) -> bool {
        self.active[account * self.months + month]
    }

    /// The time zone of the months.
    pub fn calendar(&self) -> Calendar {
        self.calendar
    }

    /// Whether any account has a value of `measure`.
    pub fn has(&self, measure: Measure) -> bool {
        match measure.stored() {
            Some(position) => self.monthly[position].iter().any(|value| !value.is_nan()),
            None => self.accounts.iter().any(|account| account.exit.is_some()),
        }
    }

    /// `measure` around each as-of month; shape `(accounts, months)`, NaN where there is no value.
    ///
    /// For `horizon` h > 0 the months after the as-of date, `t+1..=t+h`; for h < 0 the |h| months
    /// that end with it. Windows that leave the data, or begin before the account's second month
    /// as a customer, have no value. After an exit, money is 0.
    pub fn outcome(&self, measure: Measure, horizon: i32) -> Vec<f64> {
        let mut values = vec![f64::NAN; self.active.len()];
        for (account, info) in self.accounts.iter().enumerate() {
            for month in (0..self.months).filter(|&m| self.is_active(account, m)) {
                if let Some(value) = self.window(measure, horizon, account, info, month as i32) {
                    values[account * self.months + month] = value;
                }
            }
        }
        values
    }

    /// `measure` in one month of an account, whether or not the panel has a row there.
    ///
    /// Absent where the month lies outside the data or not after the account's first as a customer. After
    /// an exit, money is 0.
    pub fn in_month(&self, measure: Measure, account: usize, month: i32) -> Option<f64> {
        self.window(measure, 1, account, &self.accounts[account], month - 1)
    }

    fn window(
        &self,
        measure: Measure,
        horizon: i32,
        account: usize,
        info: &PanelAccount,
        month: i32,
    ) -> Option<f64> {
        let (from, to) =
            if horizon > 0 { (month + 1, month + horizon) } else { (month + horizon + 1, month) };
        if horizon == 0 || from <= info.entry || from < 0 || to >= self.months as i32 {
            return None;
        }
        let Some(stored) = measure.stored() else {
            let exits = info.exit.is_some_and(|exit| (from..=to).contains(&exit));
            return (horizon > 0).then_some(f64::from(u8::from(exits)));
        };
        let series = &self.monthly[stored];
        let known =
            |m: i32| series.get(account * self.months + m as usize).copied().unwrap_or(f64::NAN);
        let value_at = |m: i32| match info.exit {
            Some(exit) if m > exit && measure.is_money() => 0.0,
            _ => known(m),
        };
        if measure.is_growth() {
            return growth(info, (from, to), known);
        }
        if measure == Measure::Satisfaction {
            let answered = (from..=to).map(value_at).filter(|value| !value.is_nan());
            let (sum, n) = answered.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
            return (n > 0.0).then(|| sum / n);
        }
        let begin = if measure.is_cumulative() { info.entry.max(0) } else { from };
        let sum: f64 = (begin..=to).map(value_at).sum();
        let value = if measure.is_money() { sum } else { sum / f64::from(to - begin + 1) };
        (!value.is_nan()).then_some(value)
    }
}

/// Growth of a series over `from..=to` against as many months before, of a customer throughout.
fn growth(info: &PanelAccount, (from, to): (i32, i32), known: impl Fn(i32) -> f64) -> Option<f64> {
    let before = 2 * from - to - 1;
    if before <= info.entry || before < 0 || info.exit.is_some_and(|exit| exit <= to) {
        return None;
    }
    let sum = |months: std::ops::Range<i32>| months.map(&known).sum::<f64>();
    let (earlier, later) = (sum(before..from), sum(from..to + 1));
    // NaN months and no revenue at all have no growth.
    (earlier + later > 0.0).then(|| (later - earlier) / (later + earlier))
}
