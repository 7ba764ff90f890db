//! Scores seen among the accounts of the same segment and month.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Panel, PanelError, PanelScore};
use crate::stats::{LeastSquares, mid_ranks};

/// A score of the panel beside those of the other accounts of its segment at the same date.
///
/// ```text
/// rank      (r − ½) / n                   r: mid-rank among the n accounts of segment and month
/// z         (v − mean) / sd               sd with n − 1; 0 where nothing differs
/// residual  v − (a + b ln(1 + c))         least squares within segment and month
/// mutual    min(z of one, z of the other) what both sides have of it
/// ```
///
/// Raw values of segments with different catalogues are not comparable; ranks and z are. The residual
/// says what a score is beyond what its cost lets expect: with returns that diminish, and no ratio
/// that explodes where cost is small. None of them grows with tenure by construction.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Relative {
    /// Mid-rank, in `(0, 1)`.
    Rank {
        /// Name of the score.
        of: String,
    },
    /// Standard score.
    Z {
        /// Name of the score.
        of: String,
    },
    /// What the log of another score (a cost, at least 0) does not explain.
    Residual {
        /// Name of the score.
        of: String,
        /// Name of the score that explains.
        on: String,
    },
    /// The worse of two standard scores, such as what the customer has of it and what the firm has:
    /// never their sum, in which one side's gain would pay for the other's loss.
    Mutual {
        /// Name of a score.
        of: String,
        /// Name of the other.
        with: String,
    },
}

impl Relative {
    /// Name of the column.
    pub fn name(&self) -> String {
        match self {
            Self::Rank { of } => format!("{of}_rank"),
            Self::Z { of } => format!("{of}_z"),
            Self::Residual { of, on } => format!("{of}_residual_on_{on}"),
            Self::Mutual { of, with } => format!("mutual_of_{of}_and_{with}"),
        }
    }

    /// Names of the scores that it needs.
    pub fn needs(&self) -> Vec<&str> {
        match self {
            Self::Rank { of } | Self::Z { of } => vec![of],
            Self::Residual { of, on } => vec![of, on],
            Self::Mutual { of, with } => vec![of, with],
        }
    }

    fn values(&self, own: &[f64], other: &[f64]) -> Vec<f64> {
        match self {
            Self::Rank { .. } => {
                let n = own.len() as f64;
                mid_ranks(own).into_iter().map(|rank| (rank - 0.5) / n).collect()
            }
            Self::Z { .. } => standardised(own),
            Self::Residual { .. } => residuals(own, other),
            Self::Mutual { .. } => {
                let pairs = standardised(own).into_iter().zip(standardised(other));
                pairs.map(|(own, other)| own.min(other)).collect()
            }
        }
    }
}

fn standardised(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let sd = (squares / (n - 1.0).max(1.0)).sqrt();
    let z = |value: &f64| if sd > 0.0 { (value - mean) / sd } else { 0.0 };
    values.iter().map(z).collect()
}

fn residuals(values: &[f64], costs: &[f64]) -> Vec<f64> {
    let x: Vec<f64> = costs.iter().map(|cost| cost.max(0.0).ln_1p()).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    match LeastSquares::fit(&x, 1, values) {
        Ok(line) => {
            values.iter().zip(&x).map(|(value, x)| value - line.predict_row(&[*x])).collect()
        }
        // One account alone has nothing to be compared with.
        Err(_) => values.iter().map(|value| value - mean).collect(),
    }
}

impl Panel {
    /// Adds `relative` as one more score.
    ///
    /// # Errors
    ///
    /// [`PanelError::NoScore`] when the panel lacks a score that it needs.
    pub fn add_relative(&mut self, relative: &Relative) -> Result<(), PanelError> {
        let find = |name: &str| {
            self.score(name).ok_or_else(|| PanelError::NoScore { name: name.to_owned() })
        };
        let needed: Vec<&PanelScore> =
            relative.needs().into_iter().map(find).collect::<Result<_, _>>()?;
        let (own, other) = (&needed[0].values, &needed[needed.len() - 1].values);
        let mut values = vec![f64::NAN; own.len()];
        for month in 0..self.months {
            for rows in self.segments_at(month).into_values() {
                let pick = |all: &[f64]| rows.iter().map(|&at| all[at]).collect::<Vec<f64>>();
                let found = relative.values(&pick(own), &pick(other));
                for (at, value) in rows.into_iter().zip(found) {
                    values[at] = value;
                }
            }
        }
        self.scores.push(PanelScore { name: relative.name(), accumulates: false, values });
        Ok(())
    }

    /// Positions of the rows of a month, by segment.
    fn segments_at(&self, month: usize) -> BTreeMap<Option<&str>, Vec<usize>> {
        let mut segments: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for (account, info) in self.accounts.iter().enumerate() {
            if self.is_active(account, month) {
                let at = account * self.months + month;
                segments.entry(info.segment.as_deref()).or_default().push(at);
            }
        }
        segments
    }
}
