//! One function per chart: plain data in; picture, table and description out.
//!
//! A title states the finding in words and is computed from the data, "inconclusive" included.
//! Pictures are SVG with real text, 960 × 540 and scalable, in the colours of Okabe and Ito, and
//! the same data give the same bytes. Nothing here reads a file, a clock or a setting.

mod attrition_by_band;
mod canvas;
mod concentration;
mod data_map;
mod event_study;
mod flow_diagram;
mod lead_lag;
mod learned_weights;
mod number;
mod outcome_by_decile;
mod placebos;
mod plan_path;
mod plot;
mod rates;
mod table;
mod trajectories;
mod verdict_board;
mod waterfall;

pub use attrition_by_band::{AttritionBand, AttritionData, attrition_by_band};
pub use concentration::{ConcentrationData, concentration};
pub use data_map::{DataMapData, FunctionCoverage, data_map};
pub use event_study::{EventStudyData, event_study};
pub use flow_diagram::flow_diagram;
pub use lead_lag::{LeadLagData, lead_lag};
pub use learned_weights::{LearnedWeightsData, WeightRow, learned_weights};
pub use number::{percent, three_digits};
pub use outcome_by_decile::{DecileData, outcome_by_decile};
pub use placebos::{PlaceboColumn, PlaceboData, placebos};
pub use plan_path::{PathAge, PlanPathData, plan_path};
pub use rates::{Rate, rates};
pub use table::{Cell, ChartTable};
pub use trajectories::{Curve, PatternCurve, TrajectoryData, trajectories};
pub use verdict_board::{BoardColumn, VerdictBoardData, verdict_board};
pub use waterfall::{WaterfallData, waterfall};

/// A chart in its three forms: picture, numbers, words.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// File name without extension: lower-case letters, digits and `_` only.
    pub name: String,
    /// The finding in words.
    pub title: String,
    /// The picture: one `svg` element without XML declaration, fit to stand inside HTML.
    pub svg: String,
    /// The numbers drawn.
    pub table: ChartTable,
    /// What the picture shows, for those who cannot see it.
    pub alt: String,
}

/// An estimate and the ends of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Why a chart could not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are explained by the messages")]
pub enum ChartError {
    /// Columns that belong together differ in length.
    #[error("`{column}` of chart `{chart}` has {actual} values, expected {expected}")]
    LengthMismatch { chart: &'static str, column: String, actual: usize, expected: usize },
    /// The font that measures text could not be registered.
    #[error("the font `{font}` cannot be read")]
    Font { font: &'static str },
    /// The drawing library failed.
    #[error("chart `{chart}` cannot be drawn")]
    Draw { chart: String, source: plotters::drawing::DrawingAreaErrorKind<std::io::Error> },
}

/// `LengthMismatch` unless `column` has as many values as the x-axis.
fn check_length(
    chart: &'static str,
    column: &str,
    actual: usize,
    expected: usize,
) -> Result<(), ChartError> {
    if actual == expected {
        return Ok(());
    }
    Err(ChartError::LengthMismatch { chart, column: column.to_owned(), actual, expected })
}

/// A file name from a chart's kind and what it is about: other characters become `_`.
fn file_name(parts: &[&str]) -> String {
    let mut name = String::new();
    for character in parts.join("_").chars() {
        let plain = character.to_ascii_lowercase();
        if plain.is_ascii_alphanumeric() {
            name.push(plain);
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    name.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_keeps_nothing_that_could_leave_the_folder() {
        assert_eq!(file_name(&["lead_lag", "../RV (90 d)"]), "lead_lag_rv_90_d");
    }

    #[test]
    fn a_length_mismatch_names_the_column() {
        let error = check_length("lead_lag", "ic", 2, 3).unwrap_err();
        assert_eq!(error.to_string(), "`ic` of chart `lead_lag` has 2 values, expected 3");
    }
}
