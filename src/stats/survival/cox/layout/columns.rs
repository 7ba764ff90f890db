//! A matrix column by column, in loops that stay in the cache and that a compiler can vectorise.

use nalgebra::DMatrix;

/// Rows taken at a time: as many as a few columns of them fit into the fastest cache.
const BLOCK: usize = 256;

/// Partial sums that do not wait for each other.
const LANES: usize = 8;

/// Covariates, one contiguous column after the other.
#[derive(Debug, Clone)]
pub(in super::super) struct Columns {
    rows: usize,
    values: Vec<f64>,
}

impl Columns {
    /// Some rows of a matrix that is given row by row.
    pub(in super::super) fn gathered(by_row: &[f64], columns: usize, rows: &[u32]) -> Self {
        let n = rows.len();
        let mut values = vec![0.0; n * columns];
        for (i, &row) in rows.iter().enumerate() {
            let from = row as usize * columns;
            for (k, x) in by_row[from..from + columns].iter().enumerate() {
                values[k * n + i] = *x;
            }
        }
        Self { rows: rows.len(), values }
    }

    pub(in super::super) fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.rows)
    }

    pub(in super::super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        self.values.chunks_exact_mut(self.rows)
    }

    /// The values of one row.
    pub(in super::super) fn row(&self, i: usize) -> impl Iterator<Item = f64> {
        self.values[i..].iter().step_by(self.rows).copied()
    }

    /// Each row's product with a vector.
    pub(in super::super) fn times(&self, vector: &[f64]) -> Vec<f64> {
        let mut products = vec![0.0; self.rows];
        for (block, products) in products.chunks_mut(BLOCK).enumerate() {
            for (column, factor) in self.iter().zip(vector) {
                for (product, x) in products.iter_mut().zip(&column[block * BLOCK..]) {
                    *product += factor * x;
                }
            }
        }
        products
    }

    /// Σ over rows of `weights[i] · xᵢ xᵢ'`.
    pub(in super::super) fn squares(&self, weights: &[f64]) -> DMatrix<f64> {
        let p = self.values.len() / self.rows;
        let mut squares = DMatrix::zeros(p, p);
        let mut weighted = [0.0; BLOCK];
        for (block, weights) in weights.chunks(BLOCK).enumerate() {
            let weighted = &mut weighted[..weights.len()];
            for (a, column) in self.iter().enumerate() {
                for (product, (weight, x)) in
                    weighted.iter_mut().zip(weights.iter().zip(&column[block * BLOCK..]))
                {
                    *product = weight * x;
                }
                for (b, other) in self.iter().enumerate().take(a + 1) {
                    squares[(a, b)] += dot(weighted, &other[block * BLOCK..]);
                }
            }
        }
        squares.fill_upper_triangle_with_lower_triangle();
        squares
    }
}

/// Σ `x[i] · y[i]` over the length of the shorter.
pub(in super::super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (x, y) = (x.chunks_exact(LANES), y[..x.len()].chunks_exact(LANES));
    let rest: f64 = x.remainder().iter().zip(y.remainder()).map(|(x, y)| x * y).sum();
    if x.len() == 0 {
        return rest;
    }
    let mut lanes = [0.0; LANES];
    for (x, y) in x.zip(y) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// Σ `of(x[i])`.
pub(in super::super) fn total(x: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    fold(x, 0.0, |sum, x| sum + of(x), |a, b| a + b)
}

/// The largest of `of(x[i])` and `least`.
pub(in super::super) fn largest(x: &[f64], least: f64, of: impl Fn(f64) -> f64) -> f64 {
    let larger = |a, b| if b > a { b } else { a };
    fold(x, least, |largest, x| larger(largest, of(x)), larger)
}

/// Folds lane by lane, then the lanes.
fn fold(
    x: &[f64],
    start: f64,
    take: impl Fn(f64, f64) -> f64,
    join: impl Fn(f64, f64) -> f64,
) -> f64 {
    let x = x.chunks_exact(LANES);
    let rest = x.remainder().iter().fold(start, |folded, x| take(folded, *x));
    if x.len() == 0 {
        return rest;
    }
    let mut lanes = [start; LANES];
    for x in x {
        for (lane, x) in lanes.iter_mut().zip(x) {
            *lane = take(*lane, *x);
        }
    }
    lanes.into_iter().fold(rest, join)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12 * expected.abs().max(1.0), "{found}, {expected}");
    }

    #[test]
    fn every_row_counts_at_any_length() {
        for n in [1, LANES - 1, LANES, LANES + 1, BLOCK, BLOCK + 1, 2 * BLOCK + LANES + 3] {
            let by_row: Vec<f64> =
                (0..3 * (n + 1)).map(|i| f64::from((i * i % 23) as u8) - 9.0).collect();
            let rows: Vec<u32> = (1..=n as u32).rev().collect();
            let columns = Columns::gathered(&by_row, 3, &rows);
            let of_row = |i: usize| &by_row[3 * rows[i] as usize..][..3];
            assert!((0..n).all(|i| columns.row(i).eq(of_row(i).iter().copied())));
            let weights: Vec<f64> = (0..n).map(|i| f64::from((i % 7) as u8)).collect();
            let squares = columns.squares(&weights);
            for (a, b) in (0..3).flat_map(|a| (0..3).map(move |b| (a, b))) {
                let expected = (0..n).map(|i| weights[i] * of_row(i)[a] * of_row(i)[b]).sum();
                near(squares[(a, b)], expected);
            }
            for (i, product) in columns.times(&[2.0, -1.0, 0.5]).iter().enumerate() {
                let x = of_row(i);
                near(*product, 2.0 * x[0] - x[1] + 0.5 * x[2]);
            }
            near(total(&weights, |w| w + 1.0), weights.iter().map(|w| w + 1.0).sum());
            let top = rows.iter().map(|row| by_row[3 * *row as usize].abs()).fold(0.0, f64::max);
            near(largest(columns.iter().next().unwrap(), 0.0, f64::abs), top);
        }
    }
}
