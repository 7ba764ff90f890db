//! Taking columns out of others by orthogonal directions.

/// What is left of a column, as a share of its length, below which it is taken as determined.
const DETERMINED: f64 = 1e-8;

/// Orthogonal directions of length 1, grown column by column (modified Gram-Schmidt, twice).
pub(super) struct Basis {
    pub(super) directions: Vec<Vec<f64>>,
}

impl Basis {
    pub(super) const fn new() -> Self {
        Self { directions: Vec::new() }
    }

    /// What the directions leave of a column; none when that is only rounding.
    pub(super) fn residual(&self, mut column: Vec<f64>) -> Option<Vec<f64>> {
        let before = norm(&column);
        self.sweep(&mut column);
        (norm(&column) > DETERMINED * before).then_some(column)
    }

    /// Adds the direction of a column; false when the others determine it.
    pub(super) fn add(&mut self, column: Vec<f64>) -> bool {
        let Some(mut left) = self.residual(column) else { return false };
        let length = norm(&left);
        for value in &mut left {
            *value /= length;
        }
        self.directions.push(left);
        true
    }

    /// Takes the directions out of a column.
    pub(super) fn sweep(&self, column: &mut [f64]) {
        for _ in 0..2 {
            for direction in &self.directions {
                let along = dot(direction, column);
                for (value, d) in column.iter_mut().zip(direction) {
                    *value -= along * d;
                }
            }
        }
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Euclidean length, without overflow or underflow of squares.
fn norm(values: &[f64]) -> f64 {
    let largest = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    if largest > 0.0 {
        largest * values.iter().map(|v| (v / largest).powi(2)).sum::<f64>().sqrt()
    } else {
        0.0
    }
}
