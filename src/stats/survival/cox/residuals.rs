//! What a Cox fit leaves: residuals, and the hazard of somebody with given covariates.

use std::cmp::Reverse;

use super::super::super::error::{StatsError, check_finite};
use super::super::risk_sets::check_length;
use super::NAME;
use super::fit::CoxFit;
use super::layout::Layout;
use super::layout::columns::dot;
use super::sweep::range_sums::RangeSums;
use super::sweep::{Moments, Sweep};

/// The Schoenfeld residual of one event.
#[derive(Debug, Clone, PartialEq)]
pub struct SchoenfeldResidual {
    /// Row of the input.
    pub row: usize,
    /// Event time.
    pub time: f64,
    /// Covariates less their mean in the risk set, shape `(columns,)`, in units of the covariates.
    pub values: Vec<f64>,
}

/// The cumulative hazard of one stratum at given covariates.
#[derive(Debug, Clone, PartialEq)]
pub struct CumulativeHazard {
    /// The stratum, as given; 0 without strata.
    pub stratum: u32,
    /// Event times, ascending.
    pub times: Vec<f64>,
    /// Cumulative hazard up to and including each.
    pub values: Vec<f64>,
}

impl CumulativeHazard {
    /// Cumulative hazard up to and including `time`; 0 before the first event.
    pub fn at(&self, time: f64) -> f64 {
        let past = self.times.partition_point(|t| *t <= time);
        past.checked_sub(1).map_or(0.0, |last| self.values[last])
    }
}

impl CoxFit {
    /// Schoenfeld residuals, one per event, by stratum and time, of tied events the last row first.
    ///
    /// ```text
    /// rᵢ = xᵢ − x̄(tᵢ)      x̄: mean of the risk set weighted by risk; with ties over Efron's parts
    /// ```
    ///
    /// They sum to 0 over the events. Parity: R `residuals(fit, "schoenfeld")`,
    /// `tests/fixtures/cox_r.json`.
    ///
    /// # Source
    ///
    /// Schoenfeld (1982), *Biometrika* 69(1), 239–241.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{CoxFit, CoxRows, Ties};
    ///
    /// let (entry, exit, event) = ([0.0; 4], [1.0, 2.0, 3.0, 4.0], [true; 4]);
    /// let rows = CoxRows::new(&entry, &exit, &event, &[2.0, 0.0, 3.0, 1.0], 1)?;
    /// let fit = CoxFit::fit(&rows, Ties::Efron)?;
    /// let sum: f64 = fit.schoenfeld_residuals().iter().map(|r| r.values[0]).sum();
    /// assert!(sum.abs() < 1e-12);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn schoenfeld_residuals(&self) -> Vec<SchoenfeldResidual> {
        let (layout, moments) = (&self.layout, &self.optimum.moments);
        let p = layout.columns();
        let at_time = |j: usize| {
            let mut events = layout.events_at(j).to_vec();
            events.sort_unstable_by_key(|&i| Reverse(layout.row[i as usize]));
            let mean = &moments.mean[j * p..(j + 1) * p];
            events.into_iter().map(move |i| {
                let parts = layout.x.row(i as usize).zip(mean).zip(&layout.scale);
                let values = parts.map(|((x, mean), scale)| (x - mean) * scale).collect();
                SchoenfeldResidual {
                    row: layout.row[i as usize] as usize,
                    time: layout.times[j],
                    values,
                }
            })
        };
        (0..layout.times.len()).flat_map(at_time).collect()
    }

    /// Martingale residuals, one per row of the input: events less those that the model expects.
    ///
    /// ```text
    /// Mᵢ = δᵢ − exp(β'xᵢ) (H₀(exitᵢ) − H₀(entryᵢ))      less Efron's share for a tied event
    /// ```
    ///
    /// They sum to 0. Parity: R `residuals(fit, "martingale")`, `tests/fixtures/cox_r.json`.
    ///
    /// # Source
    ///
    /// Therneau, Grambsch and Fleming (1990), *Biometrika* 77(1), 147–160.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{CoxFit, CoxRows, Ties};
    ///
    /// let (entry, exit, event) = ([0.0; 4], [1.0, 2.0, 3.0, 4.0], [true; 4]);
    /// let rows = CoxRows::new(&entry, &exit, &event, &[2.0, 0.0, 3.0, 1.0], 1)?;
    /// let fit = CoxFit::fit(&rows, Ties::Efron)?;
    /// assert!(fit.martingale_residuals().iter().sum::<f64>().abs() < 1e-12);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn martingale_residuals(&self) -> Vec<f64> {
        let (layout, optimum) = (&self.layout, &self.optimum);
        let mut residuals = vec![0.0; self.n_rows];
        let expected = optimum.sweep.expected(layout, &optimum.moments, |_| 1.0);
        for (&row, expected) in layout.row.iter().zip(expected) {
            residuals[row as usize] = -expected;
        }
        for &i in &layout.events {
            residuals[layout.row[i as usize] as usize] += 1.0;
        }
        residuals
    }

    /// Cumulative hazard of somebody with these covariates, in each stratum: Breslow's estimator, its
    /// increments by the fit's treatment of ties.
    ///
    /// ```text
    /// H(t; x) = exp(β'x) Σ over event times s ≤ t of Σ_l 1/(S(s) − c_l S_D(s))
    /// ```
    ///
    /// - `x`: shape `(columns,)`. Zeros give the baseline hazard; survival is `exp(−H)`.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`, `NotFinite`; `OutOfRange` when the hazard is too large for a number, which
    /// happens at covariates far outside the sample.
    ///
    /// # Source
    ///
    /// Breslow (1974), *Biometrics* 30(1), 89–99. Parity: R `survival::basehaz(centered = FALSE)`,
    /// `tests/fixtures/cox_r.json`.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::{CoxFit, CoxRows, Ties};
    ///
    /// let (entry, exit, event) = ([0.0; 4], [1.0, 2.0, 3.0, 4.0], [true; 4]);
    /// let rows = CoxRows::new(&entry, &exit, &event, &[2.0, 0.0, 3.0, 1.0], 1)?;
    /// let fit = CoxFit::fit(&rows, Ties::Efron)?;
    /// let (of_zero, of_one) = (fit.cumulative_hazard(&[0.0])?, fit.cumulative_hazard(&[1.0])?);
    /// let ratio = of_one[0].at(2.5) / of_zero[0].at(2.5);
    /// assert!((ratio.ln() - fit.coefficients[0].estimate).abs() < 1e-12);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn cumulative_hazard(&self, x: &[f64]) -> Result<Vec<CumulativeHazard>, StatsError> {
        let layout = &self.layout;
        check_length(NAME, layout.columns(), x.len())?;
        check_finite(x)?;
        let parts = x.iter().zip(layout.centre.iter().zip(&layout.scale));
        let standard: Vec<f64> = parts.map(|(x, (centre, scale))| (x - centre) / scale).collect();
        let factor = (dot(&standard, &self.optimum.beta) - self.optimum.sweep.shift).exp();
        let mut curves: Vec<CumulativeHazard> = Vec::new();
        for (j, (&time, &stratum)) in layout.times.iter().zip(&layout.strata).enumerate() {
            if curves.last().is_none_or(|curve| curve.stratum != stratum) {
                curves.push(CumulativeHazard { stratum, times: Vec::new(), values: Vec::new() });
            }
            let curve = curves.last_mut().expect("one was pushed");
            let value =
                curve.values.last().unwrap_or(&0.0) + factor * self.optimum.moments.hazard[j];
            if !value.is_finite() {
                let expected = "a hazard that is a finite number";
                return Err(StatsError::OutOfRange { argument: "x", value, expected });
            }
            curve.times.push(time);
            curve.values.push(value);
        }
        Ok(curves)
    }
}

/// Score residuals of the rows of a layout, in units of standardised covariates, column by column.
///
/// ```text
/// uᵢ = δᵢ (xᵢ − x̄(tᵢ)) − exp(β'xᵢ) ∫ over the row's time at risk of (xᵢ − x̄(t)) dH₀(t)
/// ```
pub(super) fn score_residuals(layout: &Layout, sweep: &Sweep, moments: &Moments) -> Vec<Vec<f64>> {
    let p = layout.columns();
    let risk = &sweep.risk;
    let expected = sweep.expected(layout, moments, |_| 1.0);
    let of_column = |(k, x): (usize, &[f64])| {
        let drift = RangeSums::new(moments.drift.iter().skip(k).step_by(p).copied().collect());
        let mut residuals: Vec<f64> = x.iter().zip(&expected).map(|(x, e)| -x * e).collect();
        for run in &layout.runs {
            let drift = drift.sum(run.span());
            for (residual, risk) in residuals[run.rows()].iter_mut().zip(&risk[run.rows()]) {
                *residual += risk * drift;
            }
        }
        for (i, j) in layout.each_event() {
            let (mean, spared) = (moments.mean[j * p + k], moments.spared_drift[j * p + k]);
            residuals[i] += x[i] - mean - risk[i] * spared;
        }
        residuals
    };
    layout.x.iter().enumerate().map(of_column).collect()
}
