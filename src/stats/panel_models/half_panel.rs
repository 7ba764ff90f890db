//! The half-panel jackknife, against the bias of fixed effects in short panels.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};

use super::long_panel::LongPanel;
use super::within::{FixedEffects, Within};
use crate::stats::error::StatsError;
use crate::stats::estimate::Estimate;

const NAME: &str = "half-panel jackknife";

/// Fixed effects coefficients without the bias of order 1/T.
#[derive(Debug, Clone, PartialEq)]
pub struct HalfPanelJackknife {
    /// One for each column.
    pub coefficients: Vec<Estimate>,
    /// The same without correction.
    pub uncorrected: Vec<f64>,
    /// Units used.
    pub units: usize,
}

/// Half-panel jackknife of a fixed effects regression, for dynamic models.
///
/// ```text
/// β̃ = 2 β̂ − (β̂₁ + β̂₂)/2      β̂₁, β̂₂: from the first and the second half of each unit's rows
/// V = G/(G − 1) Σᵢ ψᵢ ψᵢ',   ψᵢ = 2 ψ̂ᵢ − (ψ̂₁ᵢ + ψ̂₂ᵢ)/2,   ψ̂ᵢ = (X̃'X̃)⁻¹ Σₜ x̃ᵢₜ êᵢₜ
/// t with G − 1 degrees of freedom
/// ```
///
/// With the lagged outcome among the columns the within estimator is biased by about −(1 + ρ)/T
/// (Nickell, 1981). A unit with an odd number of rows is split both ways and the two corrections are
/// averaged. The variance is that of the corrected estimator, by unit, and not that of β̂, which it
/// equals only as T grows. Lags are columns: a row's lag may be a row of the other half.
///
/// # Errors
///
/// As [`fixed_effects`](super::fixed_effects), for each half too.
///
/// # Source
///
/// Dhaene and Jochmans (2015), *Rev. Econ. Stud.* 82(3), 991-1030. Parity: dummies and loops in plain
/// NumPy, `tests/fixtures/half_panel.json`, tolerance 1e-9.
///
/// # Examples
///
/// ```
/// use rvq::stats::{FixedEffects, LongPanel, half_panel_jackknife};
/// let unit: Vec<u32> = (0..40).map(|i| i / 8).collect();
/// let period: Vec<u32> = (0..40).map(|i| i % 8).collect();
/// let x: Vec<f64> = (0..40).map(|i| f64::from(i * i % 13)).collect();
/// let y: Vec<f64> = (0..40).map(|i| 2.0 * f64::from(i * i % 13) + f64::from(i * 7 % 3)).collect();
/// let panel = LongPanel::new(&unit, &period, &y, &x, 1)?;
/// let fit = half_panel_jackknife(&panel, FixedEffects::Unit)?;
/// assert!((fit.coefficients[0].estimate - 2.0).abs() < 0.1);
/// # Ok::<(), rvq::stats::StatsError>(())
/// ```
pub fn half_panel_jackknife(
    panel: &LongPanel,
    effects: FixedEffects,
) -> Result<HalfPanelJackknife, StatsError> {
    let whole = Part::new(panel, effects)?;
    let odd = panel.spans().iter().any(|span| span.len() % 2 == 1);
    let mut halves = Vec::new();
    for round_up in if odd { &[false, true][..] } else { &[false][..] } {
        let first = first_half(panel, *round_up);
        let second: Vec<bool> = first.iter().map(|first| !first).collect();
        halves.push(Part::new(&panel.subset(&first), effects)?);
        halves.push(Part::new(&panel.subset(&second), effects)?);
    }
    let share = 1.0 / halves.len() as f64;
    let mut corrected = &whole.coefficients * 2.0;
    let mut influence: BTreeMap<u32, DVector<f64>> =
        whole.influence.iter().map(|(unit, psi)| (*unit, psi * 2.0)).collect();
    for half in &halves {
        corrected -= &half.coefficients * share;
        for (unit, psi) in &half.influence {
            if let Some(sum) = influence.get_mut(unit) {
                *sum -= psi * share;
            }
        }
    }
    let units = influence.len();
    if units < 2 {
        return Err(StatsError::TooFew { statistic: NAME, needed: 2, got: units });
    }
    let groups = units as f64;
    let none = DMatrix::zeros(panel.columns, panel.columns);
    let squares = influence.values().fold(none, |sum, psi| sum + psi * psi.transpose());
    let covariance = squares * (groups / (groups - 1.0));
    let estimate = |(j, value): (usize, &f64)| {
        let std_error = covariance[(j, j)].sqrt();
        let method = "half-panel jackknife, clustered by unit, t(G−1)";
        Estimate::student_t(*value, std_error, groups - 1.0, 0.0, units, method)
    };
    Ok(HalfPanelJackknife {
        coefficients: corrected.iter().enumerate().map(estimate).collect::<Result<_, _>>()?,
        uncorrected: whole.coefficients.iter().copied().collect(),
        units,
    })
}

/// Which rows are in the first half of their unit.
fn first_half(panel: &LongPanel, round_up: bool) -> Vec<bool> {
    let half = |n: usize| if round_up { n.div_ceil(2) } else { n / 2 };
    let spans = panel.spans();
    spans.iter().flat_map(|span| (0..span.len()).map(|at| at < half(span.len()))).collect()
}

/// A fit in the units of the columns, and what each unit does to it.
struct Part {
    coefficients: DVector<f64>,
    influence: BTreeMap<u32, DVector<f64>>,
}

impl Part {
    fn new(panel: &LongPanel, effects: FixedEffects) -> Result<Self, StatsError> {
        let within = Within::new(panel, effects, NAME)?;
        let scaled = within.coefficients();
        let residuals = within.residuals(&scaled);
        let mut influence = BTreeMap::new();
        for span in within.panel.spans() {
            let rows = within.x.rows(span.start, span.len());
            let score = rows.tr_mul(&residuals.rows(span.start, span.len()));
            let psi = within.in_units(&(&within.inverse * score));
            influence.insert(within.panel.unit[span.start], DVector::from_vec(psi));
        }
        Ok(Self { coefficients: DVector::from_vec(within.in_units(&scaled)), influence })
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::*;
    use crate::rng::{Purpose, Streams};

    /// 100 units of 12 rows: y follows its own past by 0.5, with a level of its own.
    fn dynamic(replication: u32) -> LongPanel {
        let draws = Streams::new(8).replication(replication).global(Purpose::Outcome);
        let mut stream = draws.stream(0);
        let mut normal = || -> f64 { stream.sample(StandardNormal) };
        let (mut unit, mut period, mut x, mut y) = (vec![], vec![], vec![], vec![]);
        for i in 0..100 {
            let level = normal();
            let mut before = 2.0 * level + normal() / 0.75_f64.sqrt();
            for t in 0..12 {
                let now = level + 0.5 * before + normal();
                unit.push(i);
                period.push(t);
                x.push(std::mem::replace(&mut before, now));
                y.push(now);
            }
        }
        LongPanel::new(&unit, &period, &y, &x, 1).unwrap()
    }

    #[test]
    fn most_of_the_bias_of_a_dynamic_model_goes_and_the_interval_covers() {
        let fits: Vec<HalfPanelJackknife> = (0..100)
            .map(|b| half_panel_jackknife(&dynamic(b), FixedEffects::Unit).unwrap())
            .collect();
        let mean =
            |of: &dyn Fn(&HalfPanelJackknife) -> f64| fits.iter().map(of).sum::<f64>() / 100.0;
        let plain = mean(&|fit| fit.uncorrected[0]) - 0.5;
        let corrected = mean(&|fit| fit.coefficients[0].estimate) - 0.5;
        // Nickell's bias is about -(1 + 0.5)/12; what is left is of the order of 1/T².
        assert!((plain + 0.125).abs() < 0.02, "{plain}");
        assert!(corrected.abs() < 0.25 * plain.abs(), "{corrected}");
        let around = |fit: &&HalfPanelJackknife| {
            (fit.coefficients[0].ci_low..fit.coefficients[0].ci_high).contains(&0.5)
        };
        assert!(fits.iter().filter(around).count() >= 85);
        assert_eq!(fits[0].units, 100);
    }

    #[test]
    fn a_half_without_variation_is_an_error() {
        let x = [1.0, 1.0, 2.0, 3.0, 5.0, 5.0, 1.0, 0.0];
        let y = [1.0, 2.0, 2.0, 4.0, 5.0, 4.0, 1.0, 0.5];
        let (unit, period) = ([0, 0, 0, 0, 1, 1, 1, 1], [0, 1, 2, 3, 0, 1, 2, 3]);
        let panel = LongPanel::new(&unit, &period, &y, &x, 1).unwrap();
        let refused = half_panel_jackknife(&panel, FixedEffects::Unit);
        assert_eq!(refused.unwrap_err(), StatsError::Constant { statistic: NAME });
    }
}
