//! Sums over the risk sets at one set of coefficients.

mod exp;
pub(super) mod range_sums;
mod risk_sums;

use nalgebra::{DMatrix, DVector};

use super::layout::Layout;
use super::layout::columns::largest;
use super::rows::Ties;
use exp::exp_all;
use range_sums::RangeSums;
use risk_sums::sums_at_risk;

/// The part of one event in a risk set: how often it counts and which share of the tied is gone.
#[derive(Debug, Clone, Copy)]
struct Part {
    times: f64,
    gone: f64,
}

/// At each event time the sum of risks at risk and of risks with an event, and the same with x.
#[derive(Debug, Clone)]
pub(super) struct Sweep {
    pub(super) log_likelihood: f64,
    /// exp(β'x − shift) of each row.
    pub(super) risk: Vec<f64>,
    /// The largest β'x, taken off so that no risk overflows.
    pub(super) shift: f64,
    ties: Ties,
    columns: usize,
    /// Per event time: risk, then risk · x, of those at risk.
    at_risk: Vec<f64>,
    /// The same of those with an event.
    with_event: Vec<f64>,
    n_events: Vec<usize>,
}

/// What the sweep says of each event time.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    /// Σ 1/denominator: the increment of the cumulative hazard.
    pub(super) hazard: Vec<f64>,
    /// The part of it that those with an event there do not carry.
    pub(super) spared: Vec<f64>,
    /// Mean covariates of the risk set, over the tied events.
    pub(super) mean: Vec<f64>,
    /// Σ mean/denominator, and the part of it that those with an event do not carry.
    pub(super) drift: Vec<f64>,
    pub(super) spared_drift: Vec<f64>,
}

impl Sweep {
    /// Sums at coefficients of 0.
    pub(super) fn at_zero(layout: &Layout, ties: Ties) -> Self {
        Self::of_risk(layout, ties, vec![1.0; layout.row.len()], 0.0)
    }

    /// Sums at these coefficients of the standardised covariates. O(n · columns).
    pub(super) fn new(layout: &Layout, beta: &[f64], ties: Ties) -> Self {
        let mut risk = layout.x.times(beta);
        let shift = largest(&risk, f64::NEG_INFINITY, |eta| eta);
        let of_events: f64 = layout.events.iter().map(|&i| risk[i as usize] - shift).sum();
        for eta in &mut risk {
            *eta -= shift;
        }
        exp_all(&mut risk);
        let sweep = Self::of_risk(layout, ties, risk, shift);
        Self { log_likelihood: sweep.log_likelihood + of_events, ..sweep }
    }

    fn of_risk(layout: &Layout, ties: Ties, risk: Vec<f64>, shift: f64) -> Self {
        let times = layout.times.len();
        let mut sweep = Self {
            log_likelihood: 0.0,
            shift,
            ties,
            columns: layout.columns(),
            at_risk: sums_at_risk(layout, &risk),
            with_event: sums_with_event(layout, &risk),
            n_events: (0..times).map(|j| layout.events_at(j).len()).collect(),
            risk,
        };
        let of_set = |j| {
            let of_part = |part: Part| part.times * sweep.denominator(j, part).ln();
            sweep.parts(j).map(of_part).sum::<f64>()
        };
        sweep.log_likelihood = -(0..times).map(of_set).sum::<f64>();
        sweep
    }

    fn parts(&self, j: usize) -> impl Iterator<Item = Part> + use<> {
        let d = self.n_events[j];
        let (count, times) = match self.ties {
            Ties::Efron => (d, 1.0),
            Ties::Breslow => (1, d as f64),
        };
        (0..count).map(move |l| Part { times, gone: l as f64 / d as f64 })
    }

    fn denominator(&self, j: usize, part: Part) -> f64 {
        let width = self.columns + 1;
        self.at_risk[j * width] - part.gone * self.with_event[j * width]
    }

    /// The mean of the covariates as one tied event sees it.
    fn mean(&self, j: usize, part: Part, denominator: f64, mean: &mut [f64]) {
        let (from, to) = (j * (self.columns + 1) + 1, (j + 1) * (self.columns + 1));
        let sums = self.at_risk[from..to].iter().zip(&self.with_event[from..to]);
        for (mean, (all, tied)) in mean.iter_mut().zip(sums) {
            *mean = (all - part.gone * tied) / denominator;
        }
    }

    /// What the residuals and the information need of each event time. O(events · columns).
    pub(super) fn moments(&self) -> Moments {
        let (times, p) = (self.n_events.len(), self.columns);
        let vector = || vec![0.0; times * p];
        let (hazard, spared) = (vec![0.0; times], vec![0.0; times]);
        let mut moments =
            Moments { hazard, spared, mean: vector(), drift: vector(), spared_drift: vector() };
        let mut mean = vec![0.0; p];
        for j in 0..times {
            for part in self.parts(j) {
                let denominator = self.denominator(j, part);
                let rate = part.times / denominator;
                self.mean(j, part, denominator, &mut mean);
                moments.hazard[j] += rate;
                moments.spared[j] += rate * part.gone;
                let share = part.times / self.n_events[j] as f64;
                for (k, mean) in mean.iter().enumerate() {
                    moments.mean[j * p + k] += share * mean;
                    moments.drift[j * p + k] += rate * mean;
                    moments.spared_drift[j * p + k] += rate * part.gone * mean;
                }
            }
        }
        moments
    }

    /// Σ over events of `weight(j)` times the variance of x in the risk set of event time j.
    ///
    /// The second moments are not summed over each risk set: a row carries x x' times its risk and
    /// the hazard that it was exposed to. O(n · columns²).
    pub(super) fn information(
        &self,
        layout: &Layout,
        moments: &Moments,
        weight: impl Fn(usize) -> f64,
    ) -> DMatrix<f64> {
        let mut information = layout.x.squares(&self.expected(layout, moments, &weight));
        let mut mean = DVector::zeros(self.columns);
        for j in 0..self.n_events.len() {
            for part in self.parts(j) {
                self.mean(j, part, self.denominator(j, part), mean.as_mut_slice());
                information.ger(-part.times * weight(j), &mean, &mean, 1.0);
            }
        }
        information
    }

    /// Each row's risk times the weighted hazard that it was exposed to: with weights of 1 how many
    /// events the model expects of it.
    pub(super) fn expected(
        &self,
        layout: &Layout,
        moments: &Moments,
        weight: impl Fn(usize) -> f64,
    ) -> Vec<f64> {
        let weighted = moments.hazard.iter().enumerate().map(|(j, hazard)| weight(j) * hazard);
        let hazard = RangeSums::new(weighted.collect());
        let mut expected = self.risk.clone();
        for run in &layout.runs {
            let exposure = hazard.sum(run.span());
            for risk in &mut expected[run.rows()] {
                *risk *= exposure;
            }
        }
        for (i, j) in layout.each_event() {
            expected[i] -= self.risk[i] * weight(j) * moments.spared[j];
        }
        expected
    }
}

/// Per event time: the sum of `risk`, then of `risk · x`, of those with an event.
fn sums_with_event(layout: &Layout, risk: &[f64]) -> Vec<f64> {
    let width = layout.columns() + 1;
    let mut sums = vec![0.0; layout.times.len() * width];
    for (i, j) in layout.each_event() {
        let with_one = std::iter::once(1.0).chain(layout.x.row(i));
        for (sum, x) in sums[j * width..].iter_mut().zip(with_one) {
            *sum += risk[i] * x;
        }
    }
    sums
}
