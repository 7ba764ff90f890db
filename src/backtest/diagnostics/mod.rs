//! What stands behind one information coefficient: late data, types, dates, groups, quantiles, moments.
//!
//! Everything here is exploratory: no verdict rests on it, and nothing computed elsewhere changes by it.

mod event_study;
mod groups;
mod leakage;
mod migration;
mod monotone;
mod signs;

pub use event_study::{
    DroppedMoments, EventContrast, EventPoint, EventStudy, EventStudyFigures, event_study,
};
pub use groups::{DateIc, GroupIc, Heterogeneity, IcByGroup, ic_by_group};
pub use leakage::{LateRows, LeakageLift, leakage_lift};
pub use migration::{Migration, RankPersistence, migration};
pub use monotone::{Monotonicity, monotonicity};
pub use signs::{
    DatedCounts, SIGN_HALF_LIFE_DAYS, SignCheck, SignStanding, TypeSample, TypeSign, sign_check,
};
