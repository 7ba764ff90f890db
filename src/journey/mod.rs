//! Journeys of contacts through the interaction process flow: what was planned, what happened, and of
//! what there are data at all.

mod data_map;
mod plan;

pub use data_map::{
    DataMap, DataMapFigures, Gap, GapParams, PriorityRule, Silence, SilenceKind, SilenceParams,
    StreamCoverage, TypeCoverage, UNNAMED, gaps, gaps_csv, gaps_mapping,
};
pub use plan::{PathPoint, PlanAgainstActual, PlanFigures, PlannedPath, TypeGap};
