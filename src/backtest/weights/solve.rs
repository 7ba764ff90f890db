//! A logistic regression whose weights are drawn towards the expert's.

use nalgebra::{DMatrix, DVector};

use super::constraint::Constraint;
use super::quadratic;

/// Rows of a regression: controls (the first is 1), the fixed part of the score, exposures by type.
#[derive(Debug, Clone)]
pub(super) struct Design {
    /// Number of controls, the intercept included.
    pub(super) controls: usize,
    /// The expert's values, by type.
    pub(super) expert: Vec<f64>,
    /// Row-major.
    pub(super) x: Vec<f64>,
}

impl Design {
    pub(super) fn width(&self) -> usize {
        self.controls + 1 + self.expert.len()
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        let width = self.width();
        &self.x[row * width..][..width]
    }

    /// Adds weight · x x′ of one row to the upper triangle of `gram`.
    fn add_square(&self, gram: &mut [f64], row: usize, weight: f64) {
        let (x, width) = (self.row(row), self.width());
        for (i, &xi) in x.iter().enumerate() {
            if xi != 0.0 {
                let factor = weight * xi;
                let sums = &mut gram[i * width + i..(i + 1) * width];
                sums.iter_mut().zip(&x[i..]).for_each(|(sum, xj)| *sum += factor * xj);
            }
        }
    }
}

/// A row of the design and whether the account left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) row: usize,
    pub(super) exits: bool,
}

/// Fewest exits, and fewest others, from which anything is fitted: with fewer, intercept, age and scale, which
/// no penalty holds back, often tell them apart perfectly and have no best value.
pub(super) const LEAST_EXITS: u64 = 10;

/// Sums over rows that fits begin with: they add up over sets of rows.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// Σ x x′, upper triangle.
    gram: Vec<f64>,
    exits: u64,
    n: u64,
}

impl Sums {
    pub(super) fn new(design: &Design) -> Self {
        Self { gram: vec![0.0; design.width() * design.width()], exits: 0, n: 0 }
    }

    pub(super) fn add(&mut self, design: &Design, case: Case) {
        design.add_square(&mut self.gram, case.row, 1.0);
        self.exits += u64::from(case.exits);
        self.n += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.gram.iter_mut().zip(&other.gram).for_each(|(sum, other)| *sum += other);
        self.exits += other.exits;
        self.n += other.n;
    }

    pub(super) const fn exits(&self) -> u64 {
        self.exits
    }

    pub(super) const fn rows(&self) -> u64 {
        self.n
    }

    /// Whether both who left and who stayed are enough for the parameters without penalty.
    pub(super) const fn is_enough(&self) -> bool {
        self.exits >= LEAST_EXITS && self.n - self.exits >= LEAST_EXITS
    }

    /// Standard deviation of the exposure of each type.
    pub(super) fn spreads(&self, design: &Design) -> Vec<f64> {
        let (width, n) = (design.width(), self.n.max(1) as f64);
        (design.controls + 1..width)
            .map(|at| {
                let (mean, square) = (self.gram[at] / n, self.gram[at * width + at] / n);
                let variance = square - mean * mean;
                // What rounding leaves of a constant is no spread.
                if variance > 1e-12 * square { variance.sqrt() } else { 0.0 }
            })
            .collect()
    }

    /// p (1 − p) with the share p of rows that stay: information of a row.
    fn information(&self) -> f64 {
        let p = self.exits as f64 / self.n.max(1) as f64;
        p * (1.0 - p)
    }
}

/// What a fit may change.
#[derive(Debug, Clone)]
pub(super) struct Freedom {
    pub(super) constraint: Constraint,
    /// λ: 1 weighs as much as the data on a type of which the exposure is correlated with nothing.
    pub(super) penalty: f64,
    /// By type: the spread of its exposure, or 0 where it keeps the expert's weight.
    pub(super) spread: Vec<f64>,
}

/// A fitted model: log odds of staying.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model {
    /// Of the design's columns: controls, the scale of the expert's weights, the weights.
    pub(super) coefficients: Vec<f64>,
    pub(super) controls: usize,
}

impl Model {
    /// Nothing known but the intercept.
    fn at_rest(design: &Design, sums: &Sums) -> Self {
        let mut coefficients = vec![0.0; design.width()];
        let odds = (sums.n - sums.exits) as f64 / sums.exits as f64;
        coefficients[0] = odds.ln();
        Self { coefficients, controls: design.controls }
    }

    /// a: what one unit of the expert's score adds to the log odds of staying.
    pub(super) fn scale(&self) -> f64 {
        self.coefficients[self.controls]
    }

    pub(super) fn weights(&self) -> &[f64] {
        &self.coefficients[self.controls + 1..]
    }

    /// Log odds of staying.
    pub(super) fn predict(&self, x: &[f64]) -> f64 {
        dot(&self.coefficients, x)
    }
}

/// −ln of the probability that the model gives to what happened.
pub(super) fn log_loss(log_odds: f64, exits: bool) -> f64 {
    let towards = if exits { log_odds } else { -log_odds };
    towards.max(0.0) + (-towards.abs()).exp().ln_1p()
}

/// Four sums side by side, always in the same order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut sums, chunks) = ([0.0; 4], a.chunks_exact(4));
    let rest: f64 = chunks.remainder().iter().rev().zip(b.iter().rev()).map(|(a, b)| a * b).sum();
    for (a, b) in chunks.zip(b.chunks_exact(4)) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Rounds at most; those with the curvature at the intercept, and those with one computed on the way.
const MOST_ROUNDS: u32 = 200;
const ROUNDS_AT_REST: u32 = 6;
const ROUNDS_BETWEEN: u32 = 4;
/// Loss per exit below which exits and others are told apart perfectly.
const NO_LOSS: f64 = 1e-3;

/// Minimises, over controls γ, scale a ≥ 0 and weights β that the constraint allows,
///
/// ```text
/// −Σ ln P(what happened) + (λ/2) n p(1−p) Σ_k s_k² (β_k − a v_k)²       ln odds of staying = γ′x + a f + β′e
/// ```
///
/// by Newton steps: the curvature is at first that at the intercept, which costs nothing, then that of the last
/// few steps.
/// Ends when no parameter, per standard deviation of what it multiplies, moves by `precision`.
/// `None` when that does not happen, as where exits and others are told apart perfectly without penalty.
pub(super) fn fit(
    design: &Design,
    cases: &[Case],
    sums: &Sums,
    freedom: &Freedom,
    start: Option<&Model>,
    precision: f64,
) -> Option<Model> {
    let space = Space::new(design, sums, freedom);
    let rest = Model::at_rest(design, sums);
    let mut at = space.parameters(&start.unwrap_or(&rest).coefficients);
    let mut gram = sums.gram.clone();
    for sum in &mut gram {
        *sum *= sums.information();
    }
    let mut now = Loss::at(design, cases, &space, &at);
    for round in 0..MOST_ROUNDS {
        if round >= ROUNDS_AT_REST && (round - ROUNDS_AT_REST).is_multiple_of(ROUNDS_BETWEEN) {
            gram = curvature(design, cases, &space.coefficients(&at));
        }
        let target = space.newton(&gram, &now.gradient, &at, precision)?;
        let step = &target - &at;
        let longest = step.amax();
        // What the quadratic model promises, at first order.
        let promised =
            now.gradient_of(&space).dot(&step) + space.penalty(&target) - space.penalty(&at);
        let mut share = 1.0;
        let (next, loss) = loop {
            let next = &at + share * &step;
            let loss = Loss::at(design, cases, &space, &next);
            let rounding = 1e-12 * now.total.abs();
            if loss.total <= now.total + 1e-4 * share * promised.min(0.0) + rounding {
                break (next, loss);
            }
            share /= 2.0;
            if share < 1e-6 {
                return None;
            }
        };
        (at, now) = (next, loss);
        if longest < precision {
            // Told apart perfectly: the search ends only because nothing is left to gain.
            let loss = now.total - space.penalty(&at);
            if loss < NO_LOSS * sums.exits as f64 {
                return None;
            }
            let coefficients = space.coefficients(&at);
            return Some(Model { coefficients, controls: design.controls });
        }
    }
    None
}

/// Σ p (1 − p) x x′ at given coefficients, upper triangle.
fn curvature(design: &Design, cases: &[Case], coefficients: &[f64]) -> Vec<f64> {
    let mut gram = vec![0.0; design.width() * design.width()];
    for case in cases {
        let away = (-dot(coefficients, design.row(case.row)).abs()).exp();
        design.add_square(&mut gram, case.row, away / (1.0 + away).powi(2));
    }
    gram
}

/// The objective at a point, and the gradient of its loss in the columns of the design.
struct Loss {
    total: f64,
    gradient: Vec<f64>,
}

impl Loss {
    fn at(design: &Design, cases: &[Case], space: &Space<'_>, at: &DVector<f64>) -> Self {
        let coefficients = space.coefficients(at);
        let mut gradient = vec![0.0; design.width()];
        let mut total = space.penalty(at);
        for case in cases {
            let x = design.row(case.row);
            let log_odds = dot(&coefficients, x);
            let away = (-log_odds.abs()).exp();
            let less_likely = away / (1.0 + away);
            let leaves = if log_odds > 0.0 { less_likely } else { 1.0 - less_likely };
            let surprise = if case.exits { log_odds.max(0.0) } else { (-log_odds).max(0.0) };
            total += surprise + away.ln_1p();
            let slope = if case.exits { 1.0 - leaves } else { -leaves };
            gradient.iter_mut().zip(x).for_each(|(sum, x)| *sum += slope * x);
        }
        Self { total, gradient }
    }

    /// In the parameters of the search.
    fn gradient_of(&self, space: &Space<'_>) -> DVector<f64> {
        space.pull_back(&self.gradient)
    }
}

/// The parameters of the search: controls, then the scale and the free weights in units of spread.
struct Space<'a> {
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
    fn new(design: &'a Design, sums: &Sums, freedom: &'a Freedom) -> Self {
        let free: Vec<usize> =
            (0..design.expert.len()).filter(|&k| freedom.spread[k] > 0.0).collect();
        let pick = |values: &[f64]| free.iter().map(|&k| values[k]).collect::<Vec<f64>>();
        let (spread, expert) = (pick(&freedom.spread), pick(&design.expert));
        let mut space = Self {
            design,
            freedom,
            centre: Vec::new(),
            unit: 1.0,
            stiffness: freedom.penalty * sums.n as f64 * sums.information(),
            free,
            spread,
            expert,
        };
        let anchored = space.anchored();
        let (n, width) = (sums.n.max(1) as f64, design.width());
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

    fn coefficients(&self, at: &DVector<f64>) -> Vec<f64> {
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

    fn parameters(&self, coefficients: &[f64]) -> DVector<f64> {
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
    fn pull_back(&self, gradient: &[f64]) -> DVector<f64> {
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

    fn penalty(&self, at: &DVector<f64>) -> f64 {
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
    fn newton(
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Fixture {
        tool: String,
        tolerance: f64,
        cases: Vec<Optimum>,
    }

    #[derive(Deserialize)]
    struct Optimum {
        name: String,
        constraint: Constraint,
        penalty: f64,
        x: Vec<f64>,
        exits: Vec<f64>,
        expert: Vec<f64>,
        spread: Vec<f64>,
        coefficients: Vec<f64>,
    }

    fn sums(design: &Design, cases: &[Case]) -> Sums {
        let mut sums = Sums::new(design);
        for case in cases {
            sums.add(design, *case);
        }
        sums
    }

    #[test]
    fn every_constraint_has_the_optimum_of_scipy() {
        let fixture: Fixture =
            serde_json::from_str(include_str!("../../../tests/fixtures/weights.json")).unwrap();
        let mut design = Design { controls: 2, expert: Vec::new(), x: fixture.cases[0].x.clone() };
        for case in &fixture.cases {
            design.expert.clone_from(&case.expert);
            let cases: Vec<Case> = (0..)
                .zip(&case.exits)
                .map(|(row, exit)| Case { row, exits: *exit > 0.5 })
                .collect();
            let sums = sums(&design, &cases);
            for (found, expected) in sums.spreads(&design).iter().zip(&case.spread) {
                assert!(*expected == 0.0 || (found - expected).abs() < 1e-12);
            }
            let spread = case.spread.clone();
            let freedom = Freedom { constraint: case.constraint, penalty: case.penalty, spread };
            let model = fit(&design, &cases, &sums, &freedom, None, 1e-9).unwrap();
            for (found, expected) in model.coefficients.iter().zip(&case.coefficients) {
                assert!(
                    (found - expected).abs() < fixture.tolerance,
                    "{}: {:?}, but {:?} by {}",
                    case.name,
                    model.coefficients,
                    case.coefficients,
                    fixture.tool
                );
            }
        }
    }

    /// Sixty rows on one exposure, which alone decides who exits.
    fn separated() -> (Design, Vec<Case>) {
        let x = (0..60).flat_map(|i| [1.0, f64::from(i % 5), 0.0, f64::from(i)]).collect();
        let design = Design { controls: 2, expert: vec![1.0], x };
        (design, (0..60).map(|row| Case { row, exits: row < 20 }).collect())
    }

    #[test]
    fn what_a_penalty_alone_holds_back_does_not_converge_without_it() {
        let (design, cases) = separated();
        let sums = sums(&design, &cases);
        let spread = sums.spreads(&design);
        let with = |penalty| {
            // Without a scale to follow, the penalty draws towards nothing.
            let mut design = design.clone();
            design.expert = vec![0.0];
            let freedom = Freedom { constraint: Constraint::Free, penalty, spread: spread.clone() };
            fit(&design, &cases, &sums, &freedom, None, 1e-8)
        };
        assert!(with(0.1).is_some());
        assert_eq!(with(0.0), None);
    }

    #[test]
    fn an_endless_penalty_gives_the_expert_back() {
        let (design, mut cases) = separated();
        cases[3].exits = false;
        cases[50].exits = true;
        let sums = sums(&design, &cases);
        let spread = sums.spreads(&design);
        let freedom = Freedom { constraint: Constraint::Free, penalty: 1e7, spread };
        let model = fit(&design, &cases, &sums, &freedom, None, 1e-9).unwrap();
        assert!(model.scale() > 0.0);
        assert!((model.weights()[0] / model.scale() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_log_loss_is_that_of_the_probabilities() {
        for log_odds in [-40.0, -1.5, 0.0, 2.0, 40.0_f64] {
            let stays = 1.0 / (1.0 + (-log_odds).exp());
            assert!((log_loss(log_odds, false) + stays.ln()).abs() < 1e-12);
            let leaves = 1.0 / (1.0 + log_odds.exp());
            assert!((log_loss(log_odds, true) + leaves.ln()).abs() < 1e-12);
        }
    }
}
