//! The parameters in which weights are searched, and one step of the search.

use nalgebra::{DMatrix, DVector};

use super::constraint::Constraint;
use super::design::{Design, Sums};
use super::quadratic;

/// What a fit may change.
#[derive(Debug, Clone)]
pub(super) struct Freedom {
    pub(super) constraint: Constraint,
    /// λ: 1 weighs as much as the data on a type of which the exposure is correlated with nothing.
    pub(super) penalty: f64,
    /// By type: the spread of its exposure, or 0 where it keeps the expert's weight.
    pub(super) spread: Vec<f64>,
}

/// The parameters of the search: controls, then the scale and the free weights in units of spread.
pub(super) struct Space<'a> {
    design: &'a Design,
    freedom: &'a Freedom,
    /// Types with a weight of their own.
    free: Vec<usize>,
    /// Their spreads and the expert's values.
    spread: Vec<f64>,
    expert: Vec<f64>,
    /// Expert's values in units of spread and of `unit`.
    centre: Vec<f64>,
    /// What the scale is divided by, so that it is of the size of the others.
    unit: f64,
    /// λ n p (1 − p).
    stiffness: f64,
}

impl<'a> Space<'a> {
    pub(super) fn new(design: &'a Design, sums: &Sums, freedom: &'a Freedom) -> Self {
        let free: Vec<usize> =
            (0..design.expert.len()).filter(|&k| freedom.spread[k] > 0.0).collect();
        let pick = |values: &[f64]| free.iter().map(|&k| values[k]).collect::<Vec<f64>>();
        let (spread, expert) = (pick(&freedom.spread), pick(&design.expert));
        let mut space = Self {
            design,
            freedom,
            centre: Vec::new(),
            unit: 1.0,
            stiffness: freedom.penalty * sums.rows() as f64 * sums.information(),
            free,
            spread,
            expert,
        };
        let anchored = space.anchored();
        let (n, width) = (sums.rows().max(1) as f64, design.width());
        let moment = |i: usize, j: usize| sums.gram[i.min(j) * width + i.max(j)];
        let mut variance = 0.0;
        for (i, a) in anchored.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            for (j, b) in anchored.iter().enumerate().filter(|(_, b)| **b != 0.0) {
                variance += a * b * (moment(i, j) / n - moment(0, i) / n * (moment(0, j) / n));
            }
        }
        let own: f64 = space.expert.iter().zip(&space.spread).map(|(v, s)| (v * s).powi(2)).sum();
        let unit = (own + variance.max(0.0)).sqrt();
        space.unit = if unit > 0.0 { unit } else { 1.0 };
        let in_units = space.expert.iter().zip(&space.spread).map(|(v, s)| v * s / space.unit);
        space.centre = in_units.collect();
        space
    }

    /// What a scale of 1 adds to the design's coefficients: the fixed part, and types that keep the
    /// expert's weight.
    fn anchored(&self) -> Vec<f64> {
        let mut column = vec![0.0; self.design.width()];
        let first = self.design.controls;
        column[first] = 1.0;
        column[first + 1..].copy_from_slice(&self.design.expert);
        for &k in &self.free {
            column[first + 1 + k] = 0.0;
        }
        column
    }

    fn column(&self, free: usize) -> usize {
        self.design.controls + 1 + self.free[free]
    }

    pub(super) fn coefficients(&self, at: &DVector<f64>) -> Vec<f64> {
        let first = self.design.controls;
        let scale = at[first] / self.unit;
        let mut all = self.anchored();
        for value in &mut all {
            *value *= scale;
        }
        all[..first].copy_from_slice(&at.as_slice()[..first]);
        for (j, spread) in self.spread.iter().enumerate() {
            all[self.column(j)] = at[first + 1 + j] / spread;
        }
        all
    }

    pub(super) fn parameters(&self, coefficients: &[f64]) -> DVector<f64> {
        let first = self.design.controls;
        let mut at = DVector::zeros(first + 1 + self.free.len());
        at.as_mut_slice()[..first].copy_from_slice(&coefficients[..first]);
        at[first] = coefficients[first] * self.unit;
        for (j, spread) in self.spread.iter().enumerate() {
            at[first + 1 + j] = coefficients[self.column(j)] * spread;
        }
        self.project(&mut at.as_mut_slice()[first..]);
        at
    }

    /// A gradient in the design's columns as one in the parameters.
    pub(super) fn pull_back(&self, gradient: &[f64]) -> DVector<f64> {
        let first = self.design.controls;
        let mut own = DVector::zeros(first + 1 + self.free.len());
        own.as_mut_slice()[..first].copy_from_slice(&gradient[..first]);
        let anchored = self.anchored();
        own[first] = anchored.iter().zip(gradient).map(|(a, g)| a * g).sum::<f64>() / self.unit;
        for (j, spread) in self.spread.iter().enumerate() {
            own[first + 1 + j] = gradient[self.column(j)] / spread;
        }
        own
    }

    pub(super) fn penalty(&self, at: &DVector<f64>) -> f64 {
        let scale = at[self.design.controls];
        let weights = at.iter().skip(self.design.controls + 1);
        let squares = weights.zip(&self.centre).map(|(theta, u)| (theta - scale * u).powi(2));
        0.5 * self.stiffness * squares.sum::<f64>()
    }

    /// Moves the scale and the weights to what is allowed.
    fn project(&self, penalised: &mut [f64]) {
        let (scale, weights) = penalised.split_first_mut().expect("the scale comes first");
        *scale = scale.max(0.0);
        self.freedom.constraint.project(weights, &self.spread, &self.expert);
    }

    /// Second derivatives in the parameters, given those in the design's columns.
    fn hessian(&self, gram: &[f64]) -> DMatrix<f64> {
        let (first, width) = (self.design.controls, self.design.width());
        let cell = |i: usize, j: usize| gram[i.min(j) * width + i.max(j)];
        // Parameters other than the scale are one column each.
        let columns: Vec<(usize, f64)> = (0..first)
            .map(|i| (i, 1.0))
            .chain([(first, 0.0)])
            .chain(self.spread.iter().enumerate().map(|(j, s)| (self.column(j), s.recip())))
            .collect();
        let anchored: Vec<(usize, f64)> =
            self.anchored().into_iter().enumerate().filter(|(_, a)| *a != 0.0).collect();
        let of_scale: Vec<f64> = (0..width)
            .map(|i| anchored.iter().map(|&(j, a)| a * cell(i, j)).sum::<f64>() / self.unit)
            .collect();
        let mut hessian = DMatrix::zeros(columns.len(), columns.len());
        for (i, &(ci, fi)) in columns.iter().enumerate() {
            for (j, &(cj, fj)) in columns.iter().enumerate().take(i + 1) {
                let value = fi * fj * cell(ci, cj);
                hessian[(i, j)] = value;
                hessian[(j, i)] = value;
            }
        }
        for (i, &(ci, fi)) in columns.iter().enumerate() {
            hessian[(i, first)] = fi * of_scale[ci];
            hessian[(first, i)] = fi * of_scale[ci];
        }
        let twice: f64 = anchored.iter().map(|&(i, a)| a * of_scale[i]).sum();
        hessian[(first, first)] = twice / self.unit;
        hessian
    }

    /// The allowed minimum of the quadratic model at `at`; controls are solved for, not searched.
    pub(super) fn newton(
        &self,
        gram: &[f64],
        gradient: &[f64],
        at: &DVector<f64>,
        precision: f64,
    ) -> Option<DVector<f64>> {
        let (first, all) = (self.design.controls, at.len());
        let (hessian, gradient) = (self.hessian(gram), self.pull_back(gradient));
        let part = |from: (usize, usize), size: (usize, usize)| hessian.view(from, size);
        let mut controls = part((0, 0), (first, first)).into_owned();
        // Where all ages are the same they say what the intercept says: any split of the two will do.
        let least = 1e-10 * controls.amax();
        for at in 0..first {
            controls[(at, at)] += least;
        }
        let controls = controls.cholesky()?;
        let across = part((0, first), (first, all - first)).into_owned();
        let solved = controls.solve(&across);
        let of_controls = controls.solve(&gradient.rows(0, first).into_owned());
        let mut q = part((first, first), (all - first, all - first)) - across.transpose() * &solved;
        let slope = gradient.rows(first, all - first) - across.transpose() * &of_controls;
        let here = at.rows(first, all - first).into_owned();
        let mut linear = slope - &q * &here;
        for (j, u) in self.centre.iter().enumerate() {
            q[(j + 1, j + 1)] += self.stiffness;
            q[(0, j + 1)] -= self.stiffness * u;
            q[(j + 1, 0)] -= self.stiffness * u;
            q[(0, 0)] += self.stiffness * u * u;
        }
        // Its scale must not matter to the search.
        let size = q.amax();
        if size > 0.0 {
            q /= size;
            linear /= size;
        }
        let project = |point: &mut DVector<f64>| self.project(point.as_mut_slice());
        let there = quadratic::minimise(&q, &linear, &here, 1e-3 * precision, project)?;
        let moved = &there - &here;
        let mut target = at.clone();
        let controls = at.rows(0, first) - of_controls - solved * moved;
        target.rows_mut(0, first).copy_from(&controls);
        target.rows_mut(first, all - first).copy_from(&there);
        Some(target)
    }
}
