//! Sums over the risk sets at one set of coefficients.

use nalgebra::DMatrix;

use super::layout::Layout;
use super::range_sums::RangeSums;
use super::rows::Ties;

/// Sums are taken anew once they fall below this share of their largest value since the last time:
/// what was taken away leaves its rounding behind.
const RENEWED_BELOW: f64 = 1e-3;

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
    /// Sums at these coefficients of the standardised covariates. O(n · columns).
    pub(super) fn new(layout: &Layout, beta: &[f64], ties: Ties) -> Self {
        let width = layout.columns + 1;
        let times = layout.times.len();
        let linear: Vec<f64> =
            layout.x.chunks_exact(layout.columns).map(|x| dot(x, beta)).collect();
        let shift = linear.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let risk: Vec<f64> = linear.iter().map(|eta| (eta - shift).exp()).collect();
        let mut sweep = Self {
            log_likelihood: 0.0,
            risk,
            shift,
            ties,
            columns: layout.columns,
            at_risk: vec![0.0; times * width],
            with_event: vec![0.0; times * width],
            n_events: (0..times).map(|j| layout.events_at(j).len()).collect(),
        };
        sweep.sum_at_risk(layout);
        for j in 0..times {
            let sums = &mut sweep.with_event[j * width..(j + 1) * width];
            for &i in layout.events_at(j) {
                accumulate(sums, sweep.risk[i as usize], layout.x(i as usize));
            }
        }
        let of_events: f64 = layout.events.iter().map(|&i| linear[i as usize] - shift).sum();
        let of_sets = (0..times).flat_map(|j| {
            sweep
                .parts(j)
                .map(|part| part.times * sweep.denominator(j, part).ln())
                .collect::<Vec<_>>()
        });
        sweep.log_likelihood = of_events - of_sets.sum::<f64>();
        sweep
    }

    /// Backwards in time: rows come in at their end and go out at their beginning.
    fn sum_at_risk(&mut self, layout: &Layout) {
        let width = self.columns + 1;
        let mut sums = vec![0.0; width];
        let (mut entered, mut left) = (0, 0);
        let mut largest = 0.0_f64;
        for j in (0..layout.times.len()).rev() {
            while left < entered && layout.first[layout.leaving[left] as usize] as usize == j + 1 {
                let i = layout.leaving[left] as usize;
                accumulate(&mut sums, -self.risk[i], layout.x(i));
                left += 1;
            }
            if left == entered {
                sums.fill(0.0);
                largest = 0.0;
            }
            while entered < layout.end.len() && layout.end[entered] as usize == j + 1 {
                accumulate(&mut sums, self.risk[entered], layout.x(entered));
                entered += 1;
            }
            largest = largest.max(sums[0]);
            if sums[0] < RENEWED_BELOW * largest {
                sums.fill(0.0);
                for i in (0..entered).filter(|&i| layout.first[i] as usize <= j) {
                    accumulate(&mut sums, self.risk[i], layout.x(i));
                }
                largest = sums[0];
            }
            self.at_risk[j * width..(j + 1) * width].copy_from_slice(&sums);
        }
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
        let p = self.columns;
        let mut lower = vec![0.0; p * (p + 1) / 2];
        let exposure = exposures(layout, moments, &weight);
        for (i, exposure) in exposure.iter().enumerate() {
            add_square(&mut lower, self.risk[i] * exposure, layout.x(i));
        }
        let mut mean = vec![0.0; p];
        for j in 0..self.n_events.len() {
            for part in self.parts(j) {
                self.mean(j, part, self.denominator(j, part), &mut mean);
                add_square(&mut lower, -part.times * weight(j), &mean);
            }
        }
        DMatrix::from_fn(p, p, |a, b| lower[a.max(b) * (a.max(b) + 1) / 2 + a.min(b)])
    }
}

/// The weighted hazard per unit of risk that each row was exposed to.
pub(super) fn exposures(
    layout: &Layout,
    moments: &Moments,
    weight: impl Fn(usize) -> f64,
) -> Vec<f64> {
    let weighted = moments.hazard.iter().enumerate().map(|(j, hazard)| weight(j) * hazard);
    let hazard = RangeSums::new(weighted.collect());
    let of_row = |i: usize| {
        let (first, end) = layout.span(i);
        let spared = if layout.event[i] { weight(end - 1) * moments.spared[end - 1] } else { 0.0 };
        hazard.sum(first, end) - spared
    };
    (0..layout.row.len()).map(of_row).collect()
}

pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// Adds `risk` and `risk · x`.
fn accumulate(sums: &mut [f64], risk: f64, x: &[f64]) {
    let (of_risk, of_x) = sums.split_at_mut(1);
    of_risk[0] += risk;
    for (sum, x) in of_x.iter_mut().zip(x) {
        *sum += risk * x;
    }
}

/// Adds `weight · x x'` to a lower triangle by rows.
fn add_square(lower: &mut [f64], weight: f64, x: &[f64]) {
    let mut rest = lower;
    for (a, of_row) in x.iter().enumerate() {
        let (row, below) = rest.split_at_mut(a + 1);
        let scaled = weight * of_row;
        for (sum, of_column) in row.iter_mut().zip(x) {
            *sum += scaled * of_column;
        }
        rest = below;
    }
}
