//! `flow.toml` as written: a mirror of the file that keeps the place of every value.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Clock, SojournLaw};
use crate::interaction::Stage;

/// Names with probabilities; TOML itself rejects a name written twice.
pub(super) type WireMix = Spanned<BTreeMap<Spanned<String>, Spanned<f64>>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireFlow {
    pub(super) catalogue: Spanned<String>,
    pub(super) retention_entry: Spanned<String>,
    pub(super) entry: WireMix,
    pub(super) transactions: WireTransactions,
    pub(super) calendar: Option<WireCalendar>,
    pub(super) levels: Spanned<Vec<WireLevel>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "keys as the file writes them")]
pub(super) struct WireTransactions {
    pub(super) on_close: Spanned<String>,
    pub(super) on_purchase: WireMix,
    pub(super) on_renewal: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireCalendar {
    pub(super) working_days: Spanned<Vec<Spanned<String>>>,
    pub(super) opens: Spanned<i64>,
    pub(super) closes: Spanned<i64>,
    #[serde(default)]
    pub(super) holidays: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireLevel {
    pub(super) name: Spanned<String>,
    pub(super) stage: Stage,
    pub(super) wait: Spanned<WireLaw>,
    pub(super) clock: Option<Spanned<Clock>>,
    pub(super) mix: WireMix,
    #[serde(default)]
    pub(super) follow_ups: Vec<WireFollowUp>,
    #[serde(default)]
    pub(super) exits: Vec<WireExit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireFollowUp {
    pub(super) after: Spanned<String>,
    pub(super) then: Spanned<String>,
    pub(super) probability: Spanned<f64>,
    pub(super) wait: Spanned<WireLaw>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireExit {
    pub(super) reason: String,
    pub(super) probability: Spanned<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum WireLaw {
    Exponential { mean_days: Spanned<f64> },
    Weibull { shape: Spanned<f64>, scale_days: Spanned<f64> },
    Gamma { shape: Spanned<f64>, mean_days: Spanned<f64> },
    LogNormal { median_days: Spanned<f64>, sigma: Spanned<f64> },
    Piecewise { breaks_days: Vec<Spanned<f64>>, rates_per_day: Spanned<Vec<Spanned<f64>>> },
    Empirical { days: Spanned<Vec<Spanned<f64>>> },
}

impl WireLaw {
    /// The single parameters with their names: each must be positive.
    pub(super) fn parameters(&self) -> Vec<(&'static str, &Spanned<f64>)> {
        match self {
            Self::Exponential { mean_days } => vec![("mean_days", mean_days)],
            Self::Weibull { shape, scale_days } => {
                vec![("shape", shape), ("scale_days", scale_days)]
            }
            Self::Gamma { shape, mean_days } => vec![("shape", shape), ("mean_days", mean_days)],
            Self::LogNormal { median_days, sigma } => {
                vec![("median_days", median_days), ("sigma", sigma)]
            }
            Self::Piecewise { breaks_days, .. } => {
                breaks_days.iter().map(|value| ("breaks_days", value)).collect()
            }
            Self::Empirical { .. } => Vec::new(),
        }
    }

    /// The values that may be 0, with their name.
    pub(super) fn not_negative(&self) -> Vec<(&'static str, &Spanned<f64>)> {
        let (name, values) = match self {
            Self::Piecewise { rates_per_day, .. } => ("rates_per_day", rates_per_day),
            Self::Empirical { days } => ("days", days),
            _ => return Vec::new(),
        };
        values.get_ref().iter().map(|value| (name, value)).collect()
    }

    /// The law these parameters name, not yet checked.
    pub(super) fn to_law(&self) -> SojournLaw {
        let plain = |values: &[Spanned<f64>]| values.iter().map(|v| *v.get_ref()).collect();
        match self {
            Self::Exponential { mean_days } => {
                SojournLaw::Exponential { mean_days: *mean_days.get_ref() }
            }
            Self::Weibull { shape, scale_days } => {
                SojournLaw::Weibull { shape: *shape.get_ref(), scale_days: *scale_days.get_ref() }
            }
            Self::Gamma { shape, mean_days } => {
                SojournLaw::Gamma { shape: *shape.get_ref(), mean_days: *mean_days.get_ref() }
            }
            Self::LogNormal { median_days, sigma } => SojournLaw::LogNormal {
                median_days: *median_days.get_ref(),
                sigma: *sigma.get_ref(),
            },
            Self::Piecewise { breaks_days, rates_per_day } => SojournLaw::Piecewise {
                breaks_days: plain(breaks_days),
                rates_per_day: plain(rates_per_day.get_ref()),
            },
            Self::Empirical { days } => {
                let mut days: Vec<f64> = plain(days.get_ref());
                days.sort_by(f64::total_cmp);
                SojournLaw::Empirical { days }
            }
        }
    }
}
