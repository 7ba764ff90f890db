//! A rank correlation with the influences of its members, and a mean of such in standard errors.
//!
//! Ranks stand here doubled and centred, r = 2 (R − R̄) = 2R − (n + 1): whole numbers even where ranks
//! are shared, so that their sums of products are exact in any order. With Sx = Σ rx², Sy = Σ ry², the z of
//! [`mean_rank_correlation`](crate::stats::mean_rank_correlation) are r √(n / S), and n cancels:
//!
//! ```text
//! ρ = Σ rx ry / √(Sx Sy)
//! ψ = (zx zy − ρ (zx² + zy²) / 2) / n = rx ry / √(Sx Sy) − ρ rx² / 2Sx − ρ ry² / 2Sy
//! ```

/// The rank correlation of one period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Correlation {
    pub(super) rho: f64,
    /// Factors of rx ry, of rx² and of ry² in an influence.
    pub(super) cross: f64,
    pub(super) of_x: f64,
    pub(super) of_y: f64,
}

impl Correlation {
    /// From Σ rx ry, Σ rx² and Σ ry²; none where x or y does not vary.
    pub(super) fn new(products: f64, squares_x: f64, squares_y: f64) -> Option<Self> {
        let scale = (squares_x * squares_y).sqrt();
        let rho = products / scale;
        let factor = |squares: f64| rho / (2.0 * squares);
        (scale > 0.0).then(|| Self {
            rho,
            cross: 1.0 / scale,
            of_x: factor(squares_x),
            of_y: factor(squares_y),
        })
    }

    /// Influence of a member with ranks `x` and `y`; 0 for the ranks 0 of a unit that is none.
    pub(super) fn influence(&self, x: f64, y: f64) -> f64 {
        x * (self.cross * y - self.of_x * x) - self.of_y * y * y
    }
}

/// An estimate, and how many standard errors it lies from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Studentised {
    pub(super) estimate: f64,
    pub(super) t: f64,
}

impl Studentised {
    /// The least |t| of a permutation that counts as at least as extreme.
    pub(super) fn limit(self) -> f64 {
        // A permutation that repeats the data may differ by rounding.
        self.t.abs() * (1.0 - 1e-9)
    }

    /// From the influences of units on the estimate; none where neither differs from 0.
    pub(super) fn new(estimate: f64, influence: &[f64]) -> Option<Self> {
        Self::at_least(0.0, estimate, estimate.abs(), influence.iter().copied())
    }

    /// As [`new`](Self::new), but ends, with t = 0, at the unit that shows |t| to be below `least`.
    ///
    /// Squares only add up, so that |t| < |estimate| / √(squares so far): where the data are far from their
    /// null, few units do.
    ///
    /// - `size`: of what estimate and influences are sums of, by which rounding is told from variation.
    pub(super) fn at_least(
        least: f64,
        estimate: f64,
        size: f64,
        influence: impl Iterator<Item = f64>,
    ) -> Option<Self> {
        // What rounding leaves of numbers that cancel is nothing.
        let negligible = |square: f64, of: f64| square <= 1e-24 * of;
        let (estimate_squared, size) = (estimate * estimate, size * size);
        let (mut squares, mut sum) = (Vec::new(), 0.0);
        for s in influence {
            squares.push(s * s);
            sum += s * s;
            if sum * least * least > estimate_squared && !negligible(sum, size) {
                return Some(Self { estimate, t: 0.0 });
            }
        }
        let units = squares.iter().filter(|&&square| !negligible(square, sum)).count() as f64;
        if units < 2.0 || negligible(sum, size) {
            let certain = estimate.abs() > 0.0;
            return certain.then_some(Self { estimate, t: f64::INFINITY.copysign(estimate) });
        }
        Some(Self { estimate, t: estimate / (units / (units - 1.0) * sum).sqrt() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn influences_are_those_of_standardised_ranks() {
        // Ranks 1, 2.5, 2.5, 4 and 2, 1, 3, 4, doubled and centred.
        let (x, y) = ([-3.0, 0.0, 0.0, 3.0], [-1.0, -3.0, 1.0, 3.0]);
        let found = Correlation::new(12.0, 18.0, 20.0).unwrap();
        let (sd_x, sd_y) = ((18.0_f64 / 4.0).sqrt(), (20.0_f64 / 4.0).sqrt());
        assert!((found.rho - 12.0 / 360.0_f64.sqrt()).abs() < 1e-15);
        for (x, y) in x.into_iter().zip(y) {
            let (zx, zy) = (x / sd_x, y / sd_y);
            let psi = (zx * zy - found.rho * (zx * zx + zy * zy) / 2.0) / 4.0;
            assert!((found.influence(x, y) - psi).abs() < 1e-15);
        }
        assert!(Correlation::new(0.0, 0.0, 20.0).is_none());
    }

    #[test]
    fn influences_that_cancel_but_for_rounding_are_certainty_or_nothing() {
        let t = |estimate: f64, influence: &[f64]| {
            Studentised::at_least(0.0, estimate, 1.0, influence.iter().copied()).map(|s| s.t)
        };
        assert_eq!(t(-1.0, &[1e-17, -1e-17, 0.0]), Some(f64::NEG_INFINITY));
        assert_eq!(t(0.0, &[1e-17, -1e-17, 0.0]), None);
        // Two clusters, not three: 1 / √(2/1 · 2).
        assert!((t(1.0, &[1.0, -1.0, 1e-17]).unwrap() - 0.5).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn an_early_end_never_changes_which_permutation_is_extreme(
            estimate in -3.0..3.0_f64,
            influence in proptest::collection::vec(-1.0..1.0_f64, 2..20),
            least in 0.0..4.0_f64,
        ) {
            let whole = Studentised::new(estimate, &influence).unwrap().t.abs();
            let early = Studentised::at_least(least, estimate, 3.0, influence.iter().copied());
            let early = early.unwrap().t.abs();
            prop_assert_eq!(early >= least, whole >= least);
            prop_assert!(early < least || (early - whole).abs() < 1e-12);
        }
    }
}
