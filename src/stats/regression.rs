//! Least squares by normal equations that can grow, join and shrink.
//!
//! Walk-forward evaluation fits on many nested samples: adding a period's rows is cheaper than
//! starting again. Moments are kept about the running mean, so that large levels do not cancel.

use super::error::{StatsError, check_finite};

/// A column is dropped when the share of its variance that earlier columns leave is below this.
const RANK_TOLERANCE: f64 = 1e-10;

/// Running means and centred cross-products of regressors and response.
///
/// # Source
///
/// Chan, Golub and LeVeque (1983), *Am. Stat.* 37(3), 242–247 (updating and joining moments).
#[derive(Debug, Clone, PartialEq)]
pub struct NormalEquations {
    columns: usize,
    count: u64,
    /// Means of the columns, then of the response.
    mean: Vec<f64>,
    /// Centred cross-products, lower triangle by rows, response last.
    cross: Vec<f64>,
}

impl NormalEquations {
    /// No observations of `columns` regressors; the intercept is not one of them.
    pub fn new(columns: usize) -> Self {
        let width = columns + 1;
        let cross = vec![0.0; width * (width + 1) / 2];
        Self { columns, count: 0, mean: vec![0.0; width], cross }
    }

    /// Number of observations.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Number of regressors.
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Adds one observation. O(columns²).
    ///
    /// # Errors
    ///
    /// `LengthMismatch` when `row` has another number of columns; `NotFinite`.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::NormalEquations;
    /// let mut sample = NormalEquations::new(1);
    /// for x in [0.0, 1.0, 2.0] {
    ///     sample.add(&[x], 5.0 + 3.0 * x)?;
    /// }
    /// assert!((sample.solve()?.predict_row(&[4.0]) - 17.0).abs() < 1e-12);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn add(&mut self, row: &[f64], y: f64) -> Result<(), StatsError> {
        if row.len() != self.columns {
            let (left, right) = (self.columns, row.len());
            return Err(StatsError::LengthMismatch { statistic: "least_squares", left, right });
        }
        check_finite(row)?;
        if !y.is_finite() {
            return Err(StatsError::NotFinite { index: self.columns, value: y });
        }
        self.count += 1;
        let n = self.count as f64;
        let values = || row.iter().copied().chain([y]);
        let deviations: Vec<f64> = values().zip(&self.mean).map(|(v, mean)| v - mean).collect();
        self.add_products(&deviations, (n - 1.0) / n);
        for (mean, d) in self.mean.iter_mut().zip(&deviations) {
            *mean += d / n;
        }
        Ok(())
    }

    /// Joins another sample of the same columns.
    ///
    /// # Errors
    ///
    /// `LengthMismatch` when the numbers of columns differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatsError> {
        self.check_columns(other)?;
        if other.count == 0 {
            return Ok(());
        }
        let (left, right) = (self.count as f64, other.count as f64);
        let total = left + right;
        let shift: Vec<f64> = other.mean.iter().zip(&self.mean).map(|(b, a)| b - a).collect();
        for (cross, add) in self.cross.iter_mut().zip(&other.cross) {
            *cross += add;
        }
        self.add_products(&shift, left * right / total);
        for (mean, d) in self.mean.iter_mut().zip(&shift) {
            *mean += d * right / total;
        }
        self.count += other.count;
        Ok(())
    }

    /// Takes away a sample that was added or joined before; the inverse of [`merge`](Self::merge).
    ///
    /// Rounding of what was taken away remains, so rebuild rather than shrink to a small remainder.
    ///
    /// # Errors
    ///
    /// `LengthMismatch` when the numbers of columns differ; `TooFew` when `other` is larger.
    pub fn subtract(&mut self, other: &Self) -> Result<(), StatsError> {
        self.check_columns(other)?;
        let Some(count) = self.count.checked_sub(other.count) else {
            return Err(StatsError::TooFew {
                statistic: "least_squares",
                needed: other.count as usize,
                got: self.count as usize,
            });
        };
        if count == 0 {
            *self = Self::new(self.columns);
            return Ok(());
        }
        let (total, right, left) = (self.count as f64, other.count as f64, count as f64);
        for (mean, other) in self.mean.iter_mut().zip(&other.mean) {
            *mean += (*mean - other) * right / left;
        }
        let shift: Vec<f64> = other.mean.iter().zip(&self.mean).map(|(b, a)| b - a).collect();
        for (cross, take) in self.cross.iter_mut().zip(&other.cross) {
            *cross -= take;
        }
        self.add_products(&shift, -left * right / total);
        self.count = count;
        Ok(())
    }

    /// The least-squares fit with intercept; see [`LeastSquares::fit`].
    ///
    /// # Errors
    ///
    /// `TooFew` with fewer than 2 observations; `OutOfRange` when values are too large to square.
    pub fn solve(&self) -> Result<LeastSquares, StatsError> {
        if self.count < 2 {
            let (statistic, got) = ("least_squares", self.count as usize);
            return Err(StatsError::TooFew { statistic, needed: 2, got });
        }
        if let Some(&value) = self.cross.iter().find(|v| !v.is_finite()) {
            let expected = "finite: rescale the data";
            return Err(StatsError::OutOfRange { argument: "sum of squares", value, expected });
        }
        let p = self.columns;
        let scale: Vec<f64> = (0..p).map(|j| self.at(j, j).max(0.0).sqrt()).collect();
        let factor =
            Factor::new(p, |i, j| self.at(i, j) / (scale[i] * scale[j]), |j| self.varies(j));
        let target: Vec<f64> = (0..p).map(|j| self.at(p, j) / scale[j]).collect();
        let solution = factor.solve(&target);
        let coefficients: Vec<f64> =
            (0..p).map(|j| if factor.kept[j] { solution[j] / scale[j] } else { 0.0 }).collect();
        let explained: f64 = coefficients.iter().zip(&self.mean).map(|(b, mean)| b * mean).sum();
        let fitted: f64 = (0..p).map(|j| coefficients[j] * self.at(p, j)).sum();
        Ok(LeastSquares {
            intercept: self.mean[p] - explained,
            dropped: (0..p).filter(|&j| !factor.kept[j]).collect(),
            coefficients,
            residual_sum_of_squares: (self.at(p, p) - fitted).max(0.0),
            n: self.count,
        })
    }

    /// Whether a column varies by more than the rounding of its level.
    fn varies(&self, column: usize) -> bool {
        let level = self.mean[column] * self.mean[column] * self.count as f64;
        self.at(column, column) > f64::MIN_POSITIVE.max(level * 1e-28)
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.cross[i.max(j) * (i.max(j) + 1) / 2 + i.min(j)]
    }

    /// Adds `weight · d dᵀ` to the cross-products.
    fn add_products(&mut self, d: &[f64], weight: f64) {
        let mut cells = self.cross.iter_mut();
        for (i, a) in d.iter().enumerate() {
            for (cell, b) in cells.by_ref().take(i + 1).zip(&d[..=i]) {
                *cell += weight * a * b;
            }
        }
    }

    fn check_columns(&self, other: &Self) -> Result<(), StatsError> {
        let (left, right) = (self.columns, other.columns);
        if left == right {
            return Ok(());
        }
        Err(StatsError::LengthMismatch { statistic: "least_squares", left, right })
    }
}

/// A linear model fitted by least squares, with intercept.
#[derive(Debug, Clone, PartialEq)]
pub struct LeastSquares {
    /// Value at zero in every column.
    pub intercept: f64,
    /// One per column; 0 for a dropped one.
    pub coefficients: Vec<f64>,
    /// Columns that earlier ones determine, or that do not vary.
    pub dropped: Vec<usize>,
    /// Sum of squared residuals, in the squared unit of the response.
    pub residual_sum_of_squares: f64,
    /// Observations fitted on.
    pub n: u64,
}

impl LeastSquares {
    /// Ordinary least squares with intercept.
    ///
    /// ```text
    /// β̂ = argmin Σᵢ (yᵢ − β₀ − Σⱼ βⱼ xᵢⱼ)²
    /// ```
    ///
    /// Solved by Cholesky on the correlation matrix of the columns. Rank rule: going from left to
    /// right, a column is dropped (coefficient 0) when the columns before it leave less than 1e-10
    /// of its variance, or when it does not vary.
    ///
    /// - `x`: shape `(n, columns)`, row-major, without a column of ones; `y`: shape `(n,)`, `n ≥ 2`.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`, `TooFew`, `NotFinite`; `OutOfRange` when values are too large to square.
    ///
    /// # Source
    ///
    /// Björck (1996), *Numerical Methods for Least Squares Problems*, ch. 2. Parity: `statsmodels`
    /// OLS on random data and on Longley's, `tests/fixtures/regression.json`, tolerance 1e-9
    /// relative.
    ///
    /// # Examples
    ///
    /// ```
    /// let fit = rvq::stats::LeastSquares::fit(&[0.0, 1.0, 2.0], 1, &[1.0, 3.0, 5.0])?;
    /// assert!((fit.intercept - 1.0).abs() < 1e-12 && (fit.coefficients[0] - 2.0).abs() < 1e-12);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn fit(x: &[f64], columns: usize, y: &[f64]) -> Result<Self, StatsError> {
        if x.len() != columns * y.len() {
            let (left, right) = (x.len(), columns * y.len());
            return Err(StatsError::LengthMismatch { statistic: "least_squares", left, right });
        }
        let mut sample = NormalEquations::new(columns);
        for (i, y) in y.iter().enumerate() {
            sample.add(&x[i * columns..(i + 1) * columns], *y)?;
        }
        sample.solve()
    }

    /// The prediction for one row of the fitted columns.
    pub fn predict_row(&self, row: &[f64]) -> f64 {
        debug_assert_eq!(row.len(), self.coefficients.len());
        self.intercept + row.iter().zip(&self.coefficients).map(|(x, b)| x * b).sum::<f64>()
    }
}

/// A Cholesky factor that leaves out columns the earlier ones determine.
pub(super) struct Factor {
    /// Rows of the lower triangle, shape `(p, p)`.
    lower: Vec<f64>,
    pub(super) kept: Vec<bool>,
}

impl Factor {
    pub(super) fn new(
        p: usize,
        correlation: impl Fn(usize, usize) -> f64,
        varies: impl Fn(usize) -> bool,
    ) -> Self {
        let mut factor = Self { lower: vec![0.0; p * p], kept: vec![false; p] };
        for i in 0..p {
            if !varies(i) {
                continue;
            }
            for j in (0..i).filter(|&j| varies(j)) {
                if factor.kept[j] {
                    let sum = correlation(i, j) - factor.inner(p, i, j);
                    factor.lower[i * p + j] = sum / factor.lower[j * p + j];
                }
            }
            let pivot = correlation(i, i) - factor.inner(p, i, i);
            if pivot > RANK_TOLERANCE {
                factor.lower[i * p + i] = pivot.sqrt();
                factor.kept[i] = true;
            }
        }
        factor
    }

    /// Σ over columns before both of L(i, k) L(j, k).
    fn inner(&self, p: usize, i: usize, j: usize) -> f64 {
        let (left, right) = (&self.lower[i * p..], &self.lower[j * p..]);
        left.iter().zip(right).take(i.min(j)).map(|(l, r)| l * r).sum()
    }

    /// Solves L Lᵀ b = target over the kept columns; dropped ones stay 0.
    pub(super) fn solve(&self, target: &[f64]) -> Vec<f64> {
        let p = target.len();
        let mut b = vec![0.0; p];
        for i in (0..p).filter(|&i| self.kept[i]) {
            let before: f64 = (0..i).map(|k| self.lower[i * p + k] * b[k]).sum();
            b[i] = (target[i] - before) / self.lower[i * p + i];
        }
        for i in (0..p).rev().filter(|&i| self.kept[i]) {
            let after: f64 =
                (i + 1..p).filter(|&k| self.kept[k]).map(|k| self.lower[k * p + i] * b[k]).sum();
            b[i] = (b[i] - after) / self.lower[i * p + i];
        }
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thirty rows of two columns and a response, at a large level.
    fn rows() -> Vec<([f64; 2], f64)> {
        (0..30)
            .map(|i| {
                let (a, b) = (f64::from(i * 7 % 13), f64::from(i * i % 11) + 1e6);
                ([a, b], 3.0 + 2.0 * a - 0.5 * (b - 1e6) + f64::from(i % 3))
            })
            .collect()
    }

    fn sample(rows: &[([f64; 2], f64)]) -> NormalEquations {
        let mut sample = NormalEquations::new(2);
        for (row, y) in rows {
            sample.add(row, *y).unwrap();
        }
        sample
    }

    fn assert_same_fit(a: &LeastSquares, b: &LeastSquares) {
        for (a, b) in a.coefficients.iter().zip(&b.coefficients) {
            assert!((a - b).abs() < 1e-9, "{a} is not {b}");
        }
        assert!((a.predict_row(&[1.0, 1e6]) - b.predict_row(&[1.0, 1e6])).abs() < 1e-8);
        assert!((a.residual_sum_of_squares - b.residual_sum_of_squares).abs() < 1e-7);
        assert_eq!(a.n, b.n);
    }

    #[test]
    fn joining_parts_gives_the_fit_of_the_whole() {
        let rows = rows();
        let mut joined = sample(&rows[..9]);
        joined.merge(&sample(&rows[9..])).unwrap();
        joined.merge(&NormalEquations::new(2)).unwrap();
        let mut from_nothing = NormalEquations::new(2);
        from_nothing.merge(&sample(&rows)).unwrap();
        let whole = sample(&rows).solve().unwrap();
        assert_same_fit(&joined.solve().unwrap(), &whole);
        assert_same_fit(&from_nothing.solve().unwrap(), &whole);
    }

    #[test]
    fn taking_a_part_away_undoes_joining_it() {
        let rows = rows();
        let mut rest = sample(&rows);
        rest.subtract(&sample(&rows[..9])).unwrap();
        assert_same_fit(&rest.solve().unwrap(), &sample(&rows[9..]).solve().unwrap());
        rest.subtract(&sample(&rows[9..])).unwrap();
        assert_eq!(rest, NormalEquations::new(2));
        assert!(matches!(rest.subtract(&sample(&rows)), Err(StatsError::TooFew { .. })));
    }

    #[test]
    fn residuals_are_orthogonal_to_every_column() {
        let rows = rows();
        let fit = sample(&rows).solve().unwrap();
        let residuals: Vec<f64> = rows.iter().map(|(row, y)| y - fit.predict_row(row)).collect();
        assert!(residuals.iter().sum::<f64>().abs() < 1e-7);
        for column in 0..2 {
            let product = rows.iter().zip(&residuals).map(|((row, _), r)| row[column] % 1e6 * r);
            assert!(product.sum::<f64>().abs() < 1e-6, "column {column}");
        }
    }

    #[test]
    fn a_dependent_or_constant_column_is_dropped_and_predictions_do_not_change() {
        let rows = rows();
        let plain = sample(&rows).solve().unwrap();
        let mut wide = NormalEquations::new(4);
        for ([a, b], y) in &rows {
            wide.add(&[*a, 0.1, *b, 3.0 * a - b], *y).unwrap();
        }
        let wide = wide.solve().unwrap();
        assert_eq!(wide.dropped, [1, 3]);
        for ([a, b], _) in &rows {
            let row = [*a, 0.1, *b, 3.0 * a - b];
            assert!((wide.predict_row(&row) - plain.predict_row(&[*a, *b])).abs() < 1e-7);
        }
    }

    #[test]
    fn more_columns_than_rows_interpolate() {
        let x = [1.0, 5.0, 2.0, 4.0, 4.0, 1.0, 2.0, 9.0, 1.0];
        let fit = LeastSquares::fit(&x, 3, &[1.0, 5.0, 2.0]).unwrap();
        assert_eq!(fit.dropped, [2]);
        assert!((fit.predict_row(&x[3..6]) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn without_columns_the_fit_is_the_mean() {
        let fit = LeastSquares::fit(&[], 0, &[1.0, 2.0, 6.0]).unwrap();
        assert!((fit.predict_row(&[]) - 3.0).abs() < 1e-12);
        assert!((fit.residual_sum_of_squares - 14.0).abs() < 1e-12);
    }

    #[test]
    fn scale_does_not_change_predictions_and_overflow_is_an_error() {
        let y = [1.0, 3.0, 4.0, 8.0];
        for scale in [1e120, 1e-120] {
            let x = [1.0, 2.0, 4.0, 5.0].map(|v| v * scale);
            let fit = LeastSquares::fit(&x, 1, &y).unwrap();
            assert!((fit.predict_row(&[3.0 * scale]) - 4.0).abs() < 1e-9, "scale {scale}");
        }
        assert!(matches!(
            LeastSquares::fit(&[1e200, 2e200], 1, &[1.0, 2.0]),
            Err(StatsError::OutOfRange { .. })
        ));
    }

    #[test]
    fn bad_rows_are_errors() {
        let mut sample = NormalEquations::new(2);
        assert!(matches!(sample.add(&[1.0], 1.0), Err(StatsError::LengthMismatch { .. })));
        assert!(matches!(
            sample.add(&[1.0, f64::NAN], 1.0),
            Err(StatsError::NotFinite { index: 1, .. })
        ));
        assert!(matches!(
            sample.add(&[1.0, 2.0], f64::INFINITY),
            Err(StatsError::NotFinite { index: 2, .. })
        ));
        assert!(matches!(sample.solve(), Err(StatsError::TooFew { got: 0, .. })));
        assert!(sample.merge(&NormalEquations::new(3)).is_err());
    }
}
