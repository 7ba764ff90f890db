//! What learned weights may be, as projections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What learned weights must have in common with the expert's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// Nothing but the centre.
    Free,
    /// No weight has the sign opposite to the expert's; a value of 0 has no sign.
    #[default]
    Sign,
    /// A type that the expert values less has no larger weight; types valued alike may differ.
    Order,
}

impl Constraint {
    /// Every constraint.
    pub const ALL: [Self; 3] = [Self::Free, Self::Sign, Self::Order];

    /// Its name in a plan.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Sign => "sign",
            Self::Order => "order",
        }
    }

    /// Moves `theta` to the nearest point that is allowed.
    ///
    /// `theta`: weights times their `spread` (all positive); `expert`: the values they belong to.
    pub(super) fn project(self, theta: &mut [f64], spread: &[f64], expert: &[f64]) {
        match self {
            Self::Free => {}
            Self::Sign => {
                for (theta, &value) in theta.iter_mut().zip(expert) {
                    if *theta * value < 0.0 {
                        *theta = 0.0;
                    }
                }
            }
            Self::Order => project_order(theta, spread, expert),
        }
    }
}

/// Weights pooled to one value: their sum of squares as a weight, their mean, and how many.
struct Block {
    mass: f64,
    mean: f64,
    count: usize,
}

/// Pool-adjacent-violators in the norm of `theta`; within a tie of the expert in the order of the
/// weights, since tied types share their bounds.
///
/// # Source
///
/// Barlow, Bartholomew, Bremner and Brunk (1972), *Statistical Inference under Order Restrictions*;
/// ties: Kruskal (1964), *Psychometrika* 29(2), 115-129, primary approach.
fn project_order(theta: &mut [f64], spread: &[f64], expert: &[f64]) {
    let weight = |at: usize, theta: &[f64]| theta[at] / spread[at];
    let mut order: Vec<usize> = (0..theta.len()).collect();
    order.sort_unstable_by(|&i, &j| {
        let by_weight = weight(i, theta).total_cmp(&weight(j, theta));
        expert[i].total_cmp(&expert[j]).then(by_weight).then(i.cmp(&j))
    });
    let mut blocks: Vec<Block> = Vec::with_capacity(order.len());
    for &at in &order {
        let mass = spread[at] * spread[at];
        let mut block = Block { mass, mean: weight(at, theta), count: 1 };
        while let Some(before) = blocks.pop_if(|before| before.mean > block.mean) {
            let total = before.mass + block.mass;
            block = Block {
                mean: (before.mass * before.mean + block.mass * block.mean) / total,
                mass: total,
                count: before.count + block.count,
            };
        }
        blocks.push(block);
    }
    let mut next = order.iter();
    for block in blocks {
        for &at in next.by_ref().take(block.count) {
            // A block of one is where it was, to the last bit.
            if block.count > 1 {
                theta[at] = block.mean * spread[at];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn projected(constraint: Constraint, theta: &[f64], expert: &[f64]) -> Vec<f64> {
        let mut theta = theta.to_vec();
        let spread = vec![1.0; theta.len()];
        constraint.project(&mut theta, &spread, expert);
        theta
    }

    #[test]
    fn signs_and_orders_are_kept() {
        let expert = [-2.0, 0.0, 1.0, 3.0];
        let theta = [1.0, -1.0, 4.0, 2.0];
        assert_eq!(projected(Constraint::Free, &theta, &expert), theta);
        assert_eq!(projected(Constraint::Sign, &theta, &expert), [0.0, -1.0, 4.0, 2.0]);
        assert_eq!(projected(Constraint::Order, &theta, &expert), [0.0, 0.0, 3.0, 3.0]);
        // Two types valued alike may differ in either direction.
        assert_eq!(projected(Constraint::Order, &[2.0, 1.0], &[5.0, 5.0]), [2.0, 1.0]);
    }

    #[test]
    fn a_type_with_more_spread_moves_less() {
        // Weights 3 and 0 with masses 4 and 1 pool to 2.4.
        let mut theta = [6.0, 0.0];
        Constraint::Order.project(&mut theta, &[2.0, 1.0], &[1.0, 2.0]);
        assert!((theta[0] - 4.8).abs() < 1e-12 && (theta[1] - 2.4).abs() < 1e-12, "{theta:?}");
    }

    proptest! {
        /// A projection onto a convex set: allowed, itself unmoved, and at an obtuse angle to every
        /// allowed point.
        #[test]
        fn it_is_the_nearest_allowed_point(
            rows in proptest::collection::vec(
                (-3.0..3.0, 0.5..2.0, -2_i32..3, -3.0..3.0), 1..12,
            ),
        ) {
            let theta: Vec<f64> = rows.iter().map(|row| row.0).collect();
            let spread: Vec<f64> = rows.iter().map(|row| row.1).collect();
            let expert: Vec<f64> = rows.iter().map(|row| f64::from(row.2)).collect();
            for constraint in Constraint::ALL {
                let project = |theta: &[f64]| {
                    let mut theta = theta.to_vec();
                    constraint.project(&mut theta, &spread, &expert);
                    theta
                };
                let near = project(&theta);
                let other = project(&rows.iter().map(|row| row.3).collect::<Vec<f64>>());
                for (again, near) in project(&near).iter().zip(&near) {
                    prop_assert!((again - near).abs() < 1e-12);
                }
                for i in 0..rows.len() {
                    prop_assert!(constraint != Constraint::Sign || near[i] * expert[i] >= 0.0);
                    for j in 0..rows.len() {
                        let is_less = constraint == Constraint::Order && expert[i] < expert[j];
                        let (low, high) = (near[i] / spread[i], near[j] / spread[j]);
                        prop_assert!(!is_less || low <= high + 1e-12);
                    }
                }
                let angle: f64 =
                    (0..rows.len()).map(|i| (theta[i] - near[i]) * (other[i] - near[i])).sum();
                prop_assert!(angle <= 1e-9, "{angle}");
            }
        }
    }
}
