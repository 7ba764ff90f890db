//! Journeys of contacts through the interaction process flow: what was planned, and what happened.

mod plan;

pub use plan::{PathPoint, PlanAgainstActual, PlanFigures, PlannedPath, TypeGap};
