//! The panel as a table, and those beside it: interaction records, units, scores by age.

use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

use crate::interaction::{ColumnData, FlatWriter, TableError};
use crate::panel::{Measure, Panel, UnitScore};
use crate::patterns::{Direction, Exception};
use crate::policy::AccountGoodwill;
use crate::score::{AgeClock, Rv, ScoreColumn, Valuation, ValuedHistory, interaction_records};
use crate::time::Instant;

use super::RunError;
use super::data::Dataset;

/// A table as columns.
pub type Columns = Vec<(&'static str, ColumnData)>;

/// The outcomes beside the scores in [`panel_columns`].
pub const PANEL_MEASURES: [Measure; 3] =
    [Measure::Contribution, Measure::GrossProfit, Measure::Revenue];

/// The panel's `accounts` as columns: account, month, age, every score, and the money of the month after.
pub fn panel_columns(panel: &Panel, accounts: Range<usize>) -> Vec<(&str, ColumnData)> {
    let first = accounts.start;
    let cells: Vec<(u32, u32)> = accounts
        .clone()
        .flat_map(|account| (0..panel.months()).map(move |month| (account, month)))
        .filter(|&(account, month)| panel.is_active(account, month))
        .map(|(account, month)| ((account - first) as u32, month as u32))
        .collect();
    let infos = &panel.accounts()[accounts];
    let ids = infos.iter().map(|account| account.id.clone()).collect();
    let months = (0..panel.months()).map(|m| panel.first_month().plus(m as i32).to_string());
    let age = |&(a, m): &(u32, u32)| i64::from(m) - i64::from(infos[a as usize].entry);
    let mut columns: Vec<(&str, ColumnData)> = vec![
        (
            "account_id",
            ColumnData::Shared { texts: ids, rows: cells.iter().map(|c| c.0).collect() },
        ),
        (
            "month",
            ColumnData::Shared {
                texts: months.collect(),
                rows: cells.iter().map(|c| c.1).collect(),
            },
        ),
        ("age", ColumnData::Integer(cells.iter().map(age).collect())),
    ];
    let number = |value: &(dyn Fn(usize, usize) -> f64 + Sync)| {
        let cells = cells.iter().map(|&(a, m)| value(first + a as usize, m as usize));
        ColumnData::Number(cells.collect())
    };
    columns.par_extend(panel.scores().par_iter().map(|score| {
        let value = |account: usize, month| score.values[account * panel.months() + month];
        (score.name.as_str(), number(&value))
    }));
    let outcomes = PANEL_MEASURES.par_iter().filter(|measure| panel.has(**measure));
    columns.par_extend(outcomes.map(|&of| {
        let next = |account, month| panel.in_month(of, account, month as i32 + 1);
        (of.name(), number(&|account, month| next(account, month).unwrap_or(f64::NAN)))
    }));
    columns
}

/// Account-months that become columns at a time: this bounds the memory.
const CELLS_PER_PART: usize = 1 << 20;

/// Writes the panel as the Parquet file `path`, some accounts at a time.
///
/// # Errors
///
/// [`TableError::Io`] and [`TableError::Parquet`] when the file cannot be written.
pub fn write_panel(path: &Path, panel: &Panel) -> Result<(), TableError> {
    let mut writer = FlatWriter::create(path, &panel_columns(panel, 0..0))?;
    let step = (CELLS_PER_PART / panel.months().max(1)).max(1);
    let accounts = panel.accounts().len();
    for from in (0..accounts).step_by(step) {
        writer.write(&panel_columns(panel, from..accounts.min(from + step)))?;
    }
    writer.close()
}

/// The interaction records of `dataset` as of `at`: one row per contact, segment and initiative.
///
/// # Errors
///
/// [`RunError`] when the log cannot be read or valued.
pub fn record_columns(dataset: &Dataset, score: &Rv, at: Instant) -> Result<Columns, RunError> {
    let valuation = Valuation::new(&dataset.catalogue, &dataset.types)?;
    let mut texts: [Vec<String>; 4] = Default::default();
    let (mut firsts, mut lasts) = (Vec::new(), Vec::new());
    let (mut values, mut costs, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for history in dataset.histories()? {
        let history = history?;
        let valued = ValuedHistory::new(&history, &valuation);
        for record in interaction_records(score, &valued, at) {
            let contact = record.key.contact.map_or_else(String::new, |contact| {
                let listed = history.contacts.get(usize::from(contact.0));
                listed.map_or_else(|| format!("{}", contact.0 + 1), |contact| contact.id.clone())
            });
            let segment = record.key.segment.or_else(|| history.account.segment_id.clone());
            let cells = [
                history.account.id.clone(),
                contact,
                segment.unwrap_or_default(),
                record.key.initiative.unwrap_or_default(),
            ];
            for (column, cell) in texts.iter_mut().zip(cells) {
                column.push(cell);
            }
            firsts.push(record.first);
            lasts.push(record.last);
            values.push(record.value);
            costs.push(record.cost);
            counts.push(i64::from(record.interactions));
        }
    }
    let [accounts, contacts, segments, initiatives] = texts.map(ColumnData::Text);
    Ok(vec![
        ("account_id", accounts),
        ("contact_id", contacts),
        ("segment_id", segments),
        ("initiative_id", initiatives),
        ("rv", ColumnData::Number(values)),
        ("cost_to_engage", ColumnData::Number(costs)),
        ("interactions", ColumnData::Integer(counts)),
        ("first_at", ColumnData::Instant(firsts)),
        ("last_at", ColumnData::Instant(lasts)),
    ])
}

/// A score by segment, business unit, division and enterprise, month by month; levels that no account
/// names are left out.
///
/// # Errors
///
/// [`RunError::Panel`] when the panel lacks the score, or `past_profit` to weigh by.
pub fn unit_columns(panel: &Panel, score: &str) -> Result<Columns, RunError> {
    let units: Vec<UnitScore> =
        panel.units(score, "past_profit")?.into_iter().filter(|unit| !unit.is_unnamed()).collect();
    let text = |of: fn(&UnitScore) -> String| ColumnData::Text(units.iter().map(of).collect());
    let number = |of: fn(&UnitScore) -> f64| ColumnData::Number(units.iter().map(of).collect());
    Ok(vec![
        ("level", text(|unit| unit.level.name().to_owned())),
        ("unit", text(|unit| unit.unit.clone().unwrap_or_default())),
        ("month", text(|unit| unit.month.to_string())),
        ("accounts", ColumnData::Integer(units.iter().map(|unit| unit.accounts as i64).collect())),
        ("profit", number(|unit| unit.profit)),
        ("score", number(|unit| unit.score.unwrap_or(f64::NAN))),
    ])
}

/// A score at equal ages on `clock`: one row per account and age that it reached.
///
/// # Errors
///
/// [`RunError`] when the log cannot be read or valued.
pub fn age_columns(
    dataset: &Dataset,
    score: &dyn ScoreColumn,
    clock: AgeClock,
    ages: &[f64],
) -> Result<Columns, RunError> {
    let valuation = Valuation::new(&dataset.catalogue, &dataset.types)?;
    let until = dataset.end();
    let (mut accounts, mut at, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for history in dataset.histories()? {
        let history = history?;
        let valued = ValuedHistory::new(&history, &valuation);
        let until = history.account.exited_at.map_or(until, |exited| exited.min(until));
        for (age, value) in ages.iter().zip(clock.values(score, &valued, ages, until)) {
            if value.is_finite() {
                accounts.push(history.account.id.clone());
                at.push(*age);
                values.push(value);
            }
        }
    }
    Ok(vec![
        ("account_id", ColumnData::Text(accounts)),
        (clock.unit(), ColumnData::Number(at)),
        ("score", ColumnData::Number(values)),
    ])
}

/// Goodwill account by account.
pub fn goodwill_columns(accounts: &[AccountGoodwill]) -> Columns {
    let ids = accounts.iter().map(|account| account.account_id.clone()).collect();
    let values = accounts.iter().map(|account| account.value).collect();
    let goodwill = accounts.iter().map(|account| account.goodwill).collect();
    vec![
        ("account_id", ColumnData::Text(ids)),
        ("value", ColumnData::Number(values)),
        ("goodwill", ColumnData::Number(goodwill)),
    ]
}

/// Every alarm.
pub fn exception_columns(alarms: &[Exception]) -> Columns {
    let text = |of: fn(&Exception) -> String| ColumnData::Text(alarms.iter().map(of).collect());
    let number = |of: fn(&Exception) -> f64| ColumnData::Number(alarms.iter().map(of).collect());
    let direction = |alarm: &Exception| match alarm.direction {
        Direction::Good => "good".to_owned(),
        Direction::Bad => "bad".to_owned(),
    };
    vec![
        ("account_id", text(|alarm| alarm.account_id.clone())),
        ("month", text(|alarm| alarm.month.clone())),
        ("age", ColumnData::Integer(alarms.iter().map(|a| i64::from(a.age_months)).collect())),
        ("direction", text(direction)),
        ("deviation", number(|alarm| alarm.deviation)),
        ("strength", number(|alarm| alarm.strength)),
    ]
}
