//! Least squares by damped Gauss-Newton steps, with Broyden's update of the derivatives.

use nalgebra::{DMatrix, DVector};

/// Residuals at a point, or why there are none.
type Residuals<'a, E> = dyn FnMut(&DVector<f64>) -> Result<DVector<f64>, E> + 'a;

/// When a fit stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stop {
    /// Every residual is at most this.
    pub(super) worst: f64,
    /// The next step promises to take less than this share off the sum of squares.
    pub(super) gain: f64,
    /// Most evaluations, those of the start and of the first derivatives left out.
    pub(super) evaluations: u32,
}

/// Where a fit ended.
#[derive(Debug, Clone)]
pub(super) struct Fitted {
    pub(super) point: DVector<f64>,
    pub(super) residuals: DVector<f64>,
    /// Derivatives of the residuals, one column a coordinate.
    pub(super) jacobian: DMatrix<f64>,
    /// Whether these are differences taken here, not updates of older ones.
    pub(super) fresh: bool,
    pub(super) evaluations: u32,
    pub(super) converged: bool,
}

impl Fitted {
    /// A fit before its first step.
    pub(super) fn starting(
        (point, residuals): (DVector<f64>, DVector<f64>),
        (jacobian, fresh): (DMatrix<f64>, bool),
    ) -> Self {
        Self { point, residuals, jacobian, fresh, evaluations: 0, converged: false }
    }

    /// Share of the sum of squares that an undamped step would take off a linear problem.
    fn promised(&self) -> f64 {
        let left = &self.residuals + &self.jacobian * step(&self.jacobian, &self.residuals, 0.0);
        1.0 - left.norm_squared() / self.residuals.norm_squared()
    }

    /// Broyden's update: the residuals are `found` after `step`.
    fn update(&mut self, step: &DVector<f64>, found: &DVector<f64>) {
        let surprise = found - &self.residuals - &self.jacobian * step;
        self.jacobian += surprise * step.transpose() / step.norm_squared();
        self.fresh = false;
    }

    fn refresh<E>(&mut self, residuals: &mut Residuals<'_, E>, steps: &[f64]) -> Result<(), E> {
        self.jacobian = differences(residuals, (&self.point, &self.residuals), steps)?;
        self.fresh = true;
        Ok(())
    }
}

/// Derivatives of `residuals` at `start` by forward differences of `steps`.
pub(super) fn differences<E>(
    residuals: &mut Residuals<'_, E>,
    (start, at_start): (&DVector<f64>, &DVector<f64>),
    steps: &[f64],
) -> Result<DMatrix<f64>, E> {
    let mut jacobian = DMatrix::zeros(at_start.len(), start.len());
    for (j, step) in steps.iter().enumerate() {
        let mut moved = start.clone();
        moved[j] += step;
        jacobian.set_column(j, &((residuals(&moved)? - at_start) / *step));
    }
    Ok(jacobian)
}

/// Goes on from `now` until the residuals are small or cannot be made smaller.
///
/// ```text
/// δ = −(JᵀJ + λ·diag JᵀJ)⁻¹ Jᵀr        accepted when |r| falls; else λ grows tenfold
/// J ← J + (Δr − J δ) δᵀ / δᵀδ           after every accepted step
/// ```
///
/// Updated derivatives that led astray, or that promise nothing more, are taken anew before they
/// are believed.
///
/// - `steps`: steps of the differences; one step of the fit goes [`REACH`] times as far at most.
///
/// # Source
///
/// Dennis and Schnabel (1983), *Numerical Methods for Unconstrained Optimization and Nonlinear
/// Equations*, chapters 8 and 10.
pub(super) fn fit<E>(
    residuals: &mut Residuals<'_, E>,
    mut now: Fitted,
    steps: &[f64],
    stop: Stop,
) -> Result<Fitted, E> {
    let mut damping = 0.0;
    loop {
        let small = now.residuals.amax() <= stop.worst;
        let hopeless = now.promised() <= stop.gain;
        now.converged = small || (hopeless && now.fresh);
        if now.converged || now.evaluations >= stop.evaluations || damping > LAST_DAMPING {
            return Ok(now);
        }
        if hopeless {
            now.refresh(residuals, steps)?;
            continue;
        }
        let step = limited(&step(&now.jacobian, &now.residuals, damping), steps);
        let moved = &now.point + &step;
        let found = residuals(&moved)?;
        now.evaluations += 1;
        if found.norm() < now.residuals.norm() {
            now.update(&step, &found);
            (now.point, now.residuals) = (moved, found);
            damping = if damping > FIRST_DAMPING { damping / 10.0 } else { 0.0 };
        } else if now.fresh {
            damping = (10.0 * damping).max(FIRST_DAMPING);
        } else {
            now.refresh(residuals, steps)?;
        }
    }
}

const FIRST_DAMPING: f64 = 0.01;

/// Steps so short are lost in the jumps of a finite cohort.
const LAST_DAMPING: f64 = 1e4;

/// The damped step; coordinates that move no residual stay.
fn step(jacobian: &DMatrix<f64>, residuals: &DVector<f64>, damping: f64) -> DVector<f64> {
    let mut normal = jacobian.tr_mul(jacobian);
    let still = STILL * normal.diagonal().amax();
    for j in 0..normal.nrows() {
        normal[(j, j)] += (damping * normal[(j, j)]).max(still);
    }
    let downhill = -jacobian.tr_mul(residuals);
    normal
        .cholesky()
        .map_or_else(|| DVector::zeros(downhill.len()), |factor| factor.solve(&downhill))
}

/// Share of the largest squared derivative below which a coordinate counts as moving nothing.
const STILL: f64 = 1e-10;

/// The step, shortened as a whole until no coordinate moves beyond its reach.
fn limited(step: &DVector<f64>, steps: &[f64]) -> DVector<f64> {
    let excess = step.iter().zip(steps).map(|(by, step)| by.abs() / (REACH * step));
    step / excess.fold(1.0, f64::max)
}

/// Steps of the differences that one step of the fit may go.
const REACH: f64 = 5.0;

/// Covariance of the fitted point when the residuals have `covariance`.
///
/// ```text
/// (JᵀJ)⁻¹ Jᵀ Σ J (JᵀJ)⁻¹
/// ```
///
/// `None` when a coordinate moves no residual.
pub(super) fn point_covariance(
    jacobian: &DMatrix<f64>,
    covariance: &DMatrix<f64>,
) -> Option<DMatrix<f64>> {
    let inverse = jacobian.tr_mul(jacobian).try_inverse()?;
    let weights = inverse * jacobian.transpose();
    Some(&weights * covariance * weights.transpose())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: Stop = Stop { worst: 1e-8, gain: 1e-14, evaluations: 200 };

    fn run(of: impl Fn(f64, f64) -> Vec<f64>, start: [f64; 2]) -> Fitted {
        let mut residuals = |x: &DVector<f64>| Ok::<_, ()>(DVector::from_vec(of(x[0], x[1])));
        let start = DVector::from_row_slice(&start);
        let at_start = residuals(&start).unwrap();
        let jacobian = differences(&mut residuals, (&start, &at_start), &[0.1; 2]).unwrap();
        let start = Fitted::starting((start, at_start), (jacobian, true));
        fit(&mut residuals, start, &[0.1; 2], STOP).unwrap()
    }

    #[test]
    fn rosenbrock_s_valley_ends_at_one_one() {
        let found = run(|x, y| vec![10.0 * (y - x * x), 1.0 - x], [-1.2, 1.0]);
        assert!(found.converged);
        assert!((found.point[0] - 1.0).abs() < 1e-6 && (found.point[1] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn three_lines_that_do_not_meet_give_the_least_squares_point() {
        // x = 1, y = 2, x + y = 4.5: the excess of 1.5 is shared, half a unit each.
        let found = run(|x, y| vec![x - 1.0, y - 2.0, x + y - 4.5], [0.0, 0.0]);
        assert!(found.converged);
        assert!((found.point[0] - 1.5).abs() < 1e-6 && (found.point[1] - 2.5).abs() < 1e-6);
    }

    #[test]
    fn a_coordinate_that_moves_nothing_stays_where_it_is() {
        let found = run(|x, _| vec![x - 1.0, 2.0 * (x - 1.0)], [0.0, 5.0]);
        assert!(found.converged);
        assert!((found.point[0] - 1.0).abs() < 1e-6 && (found.point[1] - 5.0).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be_had_in_the_evaluations_given_is_not_called_converged() {
        let mut residuals = |x: &DVector<f64>| Ok::<_, ()>(DVector::from_vec(vec![x[0] - 100.0]));
        let at_start = (DVector::zeros(1), DVector::from_element(1, -100.0));
        let start = Fitted::starting(at_start, (DMatrix::identity(1, 1), true));
        let stop = Stop { evaluations: 2, ..STOP };
        let found = fit(&mut residuals, start, &[0.2], stop).unwrap();
        assert!(!found.converged && found.evaluations == 2);
        assert!((found.point[0] - 2.0).abs() < 1e-9);
    }
}
