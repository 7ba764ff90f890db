//! Quadratic problems under a constraint: a Cholesky step where it is allowed, else accelerated
//! projected gradients.

use nalgebra::{DMatrix, DVector};

/// Steps at most.
const MOST_STEPS: u32 = 50_000;

/// Minimises ½ r′Qr + l′r over the allowed points, to steps below `precision`.
///
/// - `q`: symmetric, positive semi-definite; `start`: an allowed point.
/// - `project`: moves a point to the nearest allowed one.
/// - `None` when the steps do not become that small.
///
/// # Source
///
/// Beck and Teboulle (2009), *SIAM J. Imaging Sciences* 2(1), 183-202, with the gradient restart of
/// O'Donoghue and Candès (2015), *Found. Comput. Math.* 15(3), 715-732.
pub(super) fn minimise(
    q: &DMatrix<f64>,
    linear: &DVector<f64>,
    start: &DVector<f64>,
    precision: f64,
    project: impl Fn(&mut DVector<f64>),
) -> Option<DVector<f64>> {
    if let Some(cholesky) = q.clone().cholesky() {
        let best = -cholesky.solve(linear);
        let mut allowed = best.clone();
        project(&mut allowed);
        if allowed == best {
            return Some(best);
        }
    }
    let curvature = largest_eigenvalue(q);
    if curvature <= 0.0 {
        return Some(start.clone());
    }
    let step = curvature.recip();
    let mut now = start.clone();
    let mut ahead = now.clone();
    let mut gradient = DVector::zeros(now.len());
    let mut momentum = 1.0_f64;
    for _ in 0..MOST_STEPS {
        gradient.copy_from(linear);
        gradient.gemv(1.0, q, &ahead, 1.0);
        let mut next = &ahead - step * &gradient;
        project(&mut next);
        let moved = (&next - &ahead).amax();
        let goes_back = (&ahead - &next).dot(&(&next - &now)) > 0.0;
        let further = if goes_back { 1.0 } else { f64::midpoint(1.0, momentum.hypot(0.5) * 2.0) };
        let carried = if goes_back { 0.0 } else { (momentum - 1.0) / further };
        ahead = &next + carried * (&next - &now);
        (now, momentum) = (next, further);
        if moved < precision {
            return Some(now);
        }
    }
    None
}

/// A bound on the largest eigenvalue that is rarely far above it.
///
/// Power iteration approaches it from below; the margin covers what is left, and a gradient step that is
/// a little too long still converges as long as it is below twice the right one.
fn largest_eigenvalue(q: &DMatrix<f64>) -> f64 {
    let n = q.nrows();
    let mut vector = DVector::from_fn(n, |i, _| 1.0 + (i % 7) as f64 / 10.0).normalize();
    let mut value = 0.0;
    for _ in 0..40 {
        let next = q * &vector;
        value = next.norm();
        if value <= 0.0 {
            return 0.0;
        }
        vector = next / value;
    }
    1.1 * value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_that_binds_moves_the_other_coordinate() {
        // ½(2x² + 2xy + 2y²) − 3x with y ≥ 0: free (2, −1), bound x = 3/2.
        let q = DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 2.0]);
        let linear = DVector::from_vec(vec![-3.0, 0.0]);
        let start = DVector::zeros(2);
        let free = minimise(&q, &linear, &start, 1e-12, |_| {}).unwrap();
        assert!((free[0] - 2.0).abs() < 1e-12 && (free[1] + 1.0).abs() < 1e-12, "{free}");
        let bound = minimise(&q, &linear, &start, 1e-12, |r| r[1] = r[1].max(0.0)).unwrap();
        assert!((bound[0] - 1.5).abs() < 1e-9 && bound[1].abs() < 1e-12, "{bound}");
    }

    #[test]
    fn without_an_end_there_is_no_answer() {
        // A line along which it falls for ever.
        let q = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, 0.0]);
        let linear = DVector::from_vec(vec![0.0, -1.0]);
        assert_eq!(minimise(&q, &linear, &DVector::zeros(2), 1e-9, |_| {}), None);
    }
}
