//! The data map of a data set: figures, table, and what its chart draws.

use crate::chart::{DataMapData, FunctionCoverage};
use crate::interaction::ColumnData;
use crate::journey::{DataMap, DataMapFigures, Gap, GapParams, PriorityRule, SilenceParams, gaps};

use super::RunError;
use super::data::Dataset;
use super::tables::Columns;

/// An empty map of `dataset`, to which its accounts are added.
pub(super) fn empty(dataset: &Dataset) -> DataMap {
    let span = (dataset.first, dataset.months);
    let silence = SilenceParams::default();
    DataMap::new(&dataset.catalogue, &dataset.types, dataset.calendar, span, silence)
}

/// Reads all accounts of `dataset` into its data map.
///
/// # Errors
///
/// [`RunError::Table`] when the log cannot be read.
pub fn data_map_of(dataset: &Dataset) -> Result<DataMapFigures, RunError> {
    let mut map = empty(dataset);
    for history in dataset.histories()? {
        map.add(&history?);
    }
    Ok(map.finish())
}

/// The gaps of the priority accounts at the end of `dataset`.
///
/// # Errors
///
/// [`RunError::Table`] when the log cannot be read.
pub fn gaps_of(
    dataset: &Dataset,
    params: &GapParams,
) -> Result<(Vec<Gap>, PriorityRule), RunError> {
    let mut failure = None;
    let histories = dataset
        .histories()?
        .map_while(|history| history.map_err(|error| failure = Some(error)).ok());
    let found = gaps(histories, (&dataset.catalogue, &dataset.types), dataset.end(), params);
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(found),
    }
}

/// What the heat map draws.
pub fn data_map_data(figures: &DataMapFigures, dataset: &Dataset) -> DataMapData {
    let months: Vec<String> =
        (0..dataset.months).map(|month| dataset.first.plus(month as i32).to_string()).collect();
    let silent = |name: &str, month: &str| {
        figures.silences.iter().any(|silence| {
            silence.what == "function"
                && silence.name == name
                && (silence.from.as_str()..=silence.to.as_str()).contains(&month)
        })
    };
    let function = |one: &crate::journey::StreamCoverage| FunctionCoverage {
        name: one.name.clone(),
        coverage: one.coverage.iter().map(|share| share.unwrap_or(f64::NAN)).collect(),
        silent: months.iter().map(|month| silent(&one.name, month)).collect(),
    };
    DataMapData {
        functions: figures.functions.iter().map(function).collect(),
        never_seen: (figures.never_seen().count(), figures.types.len()),
        simulated: dataset.simulation().is_some(),
        months: months.clone(),
    }
}

/// The data map, a row per interaction type of the catalogue.
pub fn data_map_columns(figures: &DataMapFigures) -> Columns {
    use crate::journey::TypeCoverage as Type;
    let text = |of: fn(&Type) -> String| ColumnData::Text(figures.types.iter().map(of).collect());
    let count = |of: fn(&Type) -> u64| {
        ColumnData::Integer(figures.types.iter().map(|one| of(one) as i64).collect())
    };
    let systems = |one: &Type| {
        let each: Vec<String> = one.systems.iter().map(|(name, n)| format!("{name} {n}")).collect();
        each.join("; ")
    };
    vec![
        ("interaction_type", text(|one| one.interaction_type.clone())),
        ("function", text(|one| one.function.clone())),
        ("stage", text(|one| one.stage.clone())),
        ("rows", count(|one| one.rows)),
        ("systems", text(systems)),
        ("first_at", text(|one| one.first_at.clone().unwrap_or_default())),
        ("last_at", text(|one| one.last_at.clone().unwrap_or_default())),
        ("accounts", count(|one| one.n_accounts)),
        ("contacts", count(|one| one.n_contacts)),
    ]
}
