//! Parameters of scores fitted to a data set: the shape of Relationship Value, and the BG/NBD baseline.

use crate::backtest::{ShapeAccount, ShapeFit, ShapeParameter, fit_shape, period_dates};
use crate::panel::{Measure, Panel};
use crate::score::{RvParams, Valuation, ValuedHistory, purchase_summary};
use crate::stats::{BgNbd, BgNbdFit, PurchaseSummary};
use crate::time::Instant;

use super::RunError;
use super::analyse::panel_params;
use super::data::Dataset;
use super::plan::Plan;

/// What a shape is fitted to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShapeQuestion<'a> {
    /// The score, and what its other parameters stay at.
    pub start: RvParams,
    /// What is estimated.
    pub free: &'a [ShapeParameter],
    /// What follows the score.
    pub outcome: Measure,
    /// Over how long, which is also how far apart the score is read \[months\].
    pub horizon: u32,
    /// Nothing later is read: neither interactions nor outcomes.
    pub until: Instant,
}

impl ShapeQuestion<'_> {
    /// Where the search begins: free parameters at the edge of their range get a usual value.
    fn begun(&self) -> RvParams {
        let mut start = self.start;
        for parameter in self.free {
            match parameter {
                ShapeParameter::HalfLife if start.half_life_days.is_none() => {
                    start.half_life_days = Some(180.0);
                }
                ShapeParameter::Asymmetry if start.asymmetry <= 0.0 => start.asymmetry = 1.0,
                ShapeParameter::Position if start.position <= 0.0 => start.position = 0.2,
                ShapeParameter::ShockProduct => inside(&mut start.shock_product),
                ShapeParameter::ShockRelational => inside(&mut start.shock_relational),
                ShapeParameter::Recovery => inside(&mut start.recovery),
                _ => {}
            }
        }
        start
    }
}

fn inside(share: &mut f64) {
    if *share <= 0.0 || *share >= 1.0 {
        *share = 0.3;
    }
}

/// Parameters of Relationship Value that fit what followed in `dataset` best.
///
/// # Errors
///
/// [`RunError::NothingToFit`] without dates, [`RunError::Shape`] when outcomes say nothing about a
/// parameter; else as reading and valuing.
pub fn shape_of(
    dataset: &Dataset,
    plan: &Plan,
    question: &ShapeQuestion<'_>,
) -> Result<ShapeFit, RunError> {
    let valuation = Valuation::new(&dataset.catalogue, &dataset.types)?;
    let mut failure = None;
    let mut valued: Vec<ValuedHistory> = Vec::new();
    let histories = dataset.histories()?.map_while(|history| match history {
        Ok(history) => {
            valued.push(ValuedHistory::new(&history, &valuation));
            Some(history)
        }
        Err(error) => {
            failure = Some(error);
            None
        }
    });
    let panel = Panel::build(histories, &valuation, &[], &panel_params(dataset, plan));
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    let panel = panel?;
    let outcomes = panel.outcome(question.outcome, question.horizon as i32);
    let month_end = |month: usize| dataset.calendar.end_of(panel.first_month().plus(month as i32));
    let months: Vec<usize> = period_dates(&panel, question.horizon)
        .into_iter()
        .filter(|&month| month_end(month + question.horizon as usize) <= question.until)
        .collect();
    let account = |(position, history): (usize, ValuedHistory)| {
        let rows: Vec<usize> =
            months.iter().copied().filter(|&month| panel.is_active(position, month)).collect();
        let at = |month: &usize| outcomes[position * panel.months() + month];
        let outcomes = rows.iter().map(at).collect();
        ShapeAccount { history, dates: rows.into_iter().map(month_end).collect(), outcomes }
    };
    if months.is_empty() {
        return Err(RunError::NothingToFit {
            until: dataset.calendar.date_of(question.until).to_string(),
            horizon: question.horizon,
        });
    }
    let accounts: Vec<ShapeAccount> = valued.into_iter().enumerate().map(account).collect();
    Ok(fit_shape(&accounts, question.begun(), question.free)?)
}

/// The BG/NBD model of the purchases of `dataset` known by `until`, in days.
///
/// # Errors
///
/// [`RunError::Purchases`] when they let no model be fitted; else as reading and valuing.
pub fn purchases_of(dataset: &Dataset, until: Instant) -> Result<BgNbdFit, RunError> {
    let valuation = Valuation::new(&dataset.catalogue, &dataset.types)?;
    let mut customers: Vec<PurchaseSummary> = Vec::new();
    for history in dataset.histories()? {
        customers.extend(purchase_summary(&ValuedHistory::new(&history?, &valuation), until));
    }
    BgNbd::fit(&customers).map_err(RunError::Purchases)
}
