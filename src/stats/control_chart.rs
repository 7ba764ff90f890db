//! Control charts: how long until an exponentially weighted moving average raises an alarm.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use statrs::distribution::{Continuous, Normal};

use super::error::StatsError;

/// Nodes of the quadrature: 1e-8 and better for smoothing from .05.
const NODES: usize = 96;

/// Limits beyond which no chart is of use.
const WIDEST: f64 = 6.0;

/// An exponentially weighted moving average with fixed limits.
///
/// ```text
/// w_k = (1 − λ) w_{k−1} + λ e_k,  w_0 = 0        alarm when |w_k| > c √(λ / (2 − λ))
/// ```
///
/// # Source
///
/// Roberts (1959), *Technometrics* 1(3), 239-250; Lucas and Saccucci (1990), *Technometrics* 32(1), 1-12.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EwmaChart {
    smoothing: f64,
    limit: f64,
}

impl EwmaChart {
    /// - `smoothing`: λ, in `[.05, 1]`; `limit`: c, in standard deviations of w, in `(0, 6]`.
    ///
    /// # Errors
    ///
    /// [`StatsError::OutOfRange`].
    pub fn new(smoothing: f64, limit: f64) -> Result<Self, StatsError> {
        check_smoothing(smoothing)?;
        if !(limit > 0.0 && limit <= WIDEST) {
            let expected = "above 0, at most 6";
            return Err(StatsError::OutOfRange { argument: "limit", value: limit, expected });
        }
        Ok(Self { smoothing, limit })
    }

    /// The chart that raises a false alarm every `run_length` steps on average.
    ///
    /// # Errors
    ///
    /// [`StatsError::OutOfRange`] for a smoothing outside `[.05, 1]`, or a run length outside
    /// `[2, 1e6]`.
    ///
    /// # Examples
    ///
    /// ```
    /// // Lucas and Saccucci (1990), table 3: λ = .1 and c = 2.814 for 500.
    /// let chart = rvq::stats::EwmaChart::for_run_length(0.1, 500.0)?;
    /// assert!((chart.limit() - 2.814).abs() < 1e-3);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn for_run_length(smoothing: f64, run_length: f64) -> Result<Self, StatsError> {
        check_smoothing(smoothing)?;
        if !(2.0..=1e6).contains(&run_length) {
            let (argument, value, expected) = ("run_length", run_length, "from 2 to 1e6");
            return Err(StatsError::OutOfRange { argument, value, expected });
        }
        let nodes = gauss_legendre(NODES);
        let (mut low, mut high) = (1e-3, WIDEST);
        for _ in 0..60 {
            let limit = 0.5 * (low + high);
            if (Self { smoothing, limit }).run_length_at(0.0, &nodes) < run_length {
                low = limit;
            } else {
                high = limit;
            }
        }
        Ok(Self { smoothing, limit: 0.5 * (low + high) })
    }

    /// λ.
    pub fn smoothing(&self) -> f64 {
        self.smoothing
    }

    /// c, in standard deviations of the average.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// Mean number of steps to an alarm of independent normal steps with this mean and variance 1.
    ///
    /// ```text
    /// L(u) = 1 + 1/λ ∫_{−h}^{h} L(x) φ((x − (1 − λ) u) / λ − mean) dx,   h = c √(λ / (2 − λ))
    /// ```
    ///
    /// By Gauss-Legendre quadrature at 96 nodes.
    ///
    /// # Source
    ///
    /// Crowder (1987), *Technometrics* 29(4), 401-407. Parity: R `spc::xewma.arl`,
    /// `tests/fixtures/control_chart_r.json`, tolerance 1e-6 relative.
    ///
    /// # Examples
    ///
    /// ```
    /// // Without smoothing a step alarms with probability .0027.
    /// let chart = rvq::stats::EwmaChart::new(1.0, 3.0)?;
    /// assert!((chart.run_length(0.0) - 370.398).abs() < 1e-3);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn run_length(&self, mean: f64) -> f64 {
        self.run_length_at(mean, &gauss_legendre(NODES))
    }

    fn run_length_at(&self, mean: f64, (nodes, weights): &(Vec<f64>, Vec<f64>)) -> f64 {
        let edge = self.edge();
        let normal = Normal::standard();
        let step = |from: f64, to: f64| {
            normal.pdf((to - (1.0 - self.smoothing) * from) / self.smoothing - mean)
                / self.smoothing
        };
        let kernel = DMatrix::from_fn(NODES, NODES, |i, j| {
            let reached = edge * weights[j] * step(edge * nodes[i], edge * nodes[j]);
            f64::from(u8::from(i == j)) - reached
        });
        let lengths = kernel
            .lu()
            .solve(&DVector::from_element(NODES, 1.0))
            .expect("a chain that leaves its limits for certain");
        let from_start = (0..NODES).map(|j| edge * weights[j] * step(0.0, edge * nodes[j]));
        1.0 + from_start.zip(lengths.iter()).map(|(reached, length)| reached * length).sum::<f64>()
    }

    /// Where the average alarms.
    pub fn edge(&self) -> f64 {
        self.limit * (self.smoothing / (2.0 - self.smoothing)).sqrt()
    }

    /// The average after one more step.
    pub fn next(&self, average: f64, step: f64) -> f64 {
        (1.0 - self.smoothing) * average + self.smoothing * step
    }
}

fn check_smoothing(smoothing: f64) -> Result<(), StatsError> {
    if (0.05..=1.0).contains(&smoothing) {
        return Ok(());
    }
    let (argument, value, expected) = ("smoothing", smoothing, "from .05 to 1");
    Err(StatsError::OutOfRange { argument, value, expected })
}

/// Nodes and weights on `[−1, 1]`, from the eigenvalues of the Jacobi matrix.
///
/// Golub and Welsch (1969), *Math. Comp.* 23, 221-230.
fn gauss_legendre(n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut jacobi = DMatrix::zeros(n, n);
    for k in 1..n {
        let beta = k as f64 / (4.0 * (k * k) as f64 - 1.0).sqrt();
        jacobi[(k - 1, k)] = beta;
        jacobi[(k, k - 1)] = beta;
    }
    let eigen = SymmetricEigen::new(jacobi);
    let weights = eigen.eigenvectors.row(0).iter().map(|first| 2.0 * first * first).collect();
    (eigen.eigenvalues.iter().copied().collect(), weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrature_is_exact_for_polynomials() {
        let (nodes, weights) = gauss_legendre(5);
        let integral = |power: i32| -> f64 {
            nodes.iter().zip(&weights).map(|(x, w)| w * x.powi(power)).sum()
        };
        assert!((integral(0) - 2.0).abs() < 1e-13 && (integral(8) - 2.0 / 9.0).abs() < 1e-13);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        assert!(EwmaChart::new(0.01, 3.0).is_err() && EwmaChart::new(0.2, 0.0).is_err());
        assert!(EwmaChart::new(0.2, f64::NAN).is_err());
        assert!(EwmaChart::for_run_length(0.2, 1.0).is_err());
    }

    #[test]
    fn the_limit_of_a_run_length_has_it() {
        let chart = EwmaChart::for_run_length(0.2, 120.0).unwrap();
        assert!((chart.run_length(0.0) - 120.0).abs() < 1e-6);
        // A shift of one standard deviation is seen much sooner.
        assert!(chart.run_length(1.0) < 12.0);
    }
}
