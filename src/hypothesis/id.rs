//! The twelve core hypotheses by name.

use serde::{Deserialize, Serialize};

/// A hypothesis that can be tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HypothesisId {
    /// Relationship Value leads profit.
    H1,
    /// Relationship Value leads satisfaction.
    H2,
    /// The most and the least profitable accounts had different courses of Relationship Value.
    H3,
    /// Relationship Value moves before revenue grows or shrinks.
    H4,
    /// Relationship Value moves before the share of wallet grows or shrinks.
    H5,
    /// Relationship Value tells who will leave.
    H8,
    /// One bad interaction destroys goodwill.
    H9,
    /// The cumulative effect counts, not which interactions were used or how many.
    H10,
    /// The most profitable fifth costs more to engage and brings much more revenue.
    H14,
    /// What people do goes with what they say.
    H30,
    /// Averages hide who is at risk.
    H31,
    /// Ranks are enough.
    H33,
}

impl HypothesisId {
    /// All of them, in order.
    pub const ALL: [Self; 12] = [
        Self::H1,
        Self::H2,
        Self::H3,
        Self::H4,
        Self::H5,
        Self::H8,
        Self::H9,
        Self::H10,
        Self::H14,
        Self::H30,
        Self::H31,
        Self::H33,
    ];

    /// What it is about, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::H1 => "leads profit",
            Self::H2 => "leads satisfaction",
            Self::H3 => "parts best from worst",
            Self::H4 => "moves before revenue",
            Self::H5 => "moves before wallet share",
            Self::H8 => "tells who will leave",
            Self::H9 => "one bad interaction",
            Self::H10 => "cumulative effect",
            Self::H14 => "top fifth: cost, revenue",
            Self::H30 => "do goes with say",
            Self::H31 => "averages hide risk",
            Self::H33 => "ranks are enough",
        }
    }

    /// Name as written in plans and results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H1 => "H1",
            Self::H2 => "H2",
            Self::H3 => "H3",
            Self::H4 => "H4",
            Self::H5 => "H5",
            Self::H8 => "H8",
            Self::H9 => "H9",
            Self::H10 => "H10",
            Self::H14 => "H14",
            Self::H30 => "H30",
            Self::H31 => "H31",
            Self::H33 => "H33",
        }
    }
}
