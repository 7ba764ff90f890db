//! A logistic regression whose weights are drawn towards the expert's.

use nalgebra::DVector;

use super::design::{Case, Design, Sums, dot};
use super::space::{Freedom, Space};

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
        let odds = (sums.rows() - sums.exits()) as f64 / sums.exits() as f64;
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
            if loss < NO_LOSS * sums.exits() as f64 {
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::constraint::Constraint;
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
