//! Restricted cubic splines: smooth and linear beyond the outer knots.

use super::error::{StatsError, check_finite};

/// A restricted cubic spline basis in Harrell's truncated-power form.
///
/// ```text
/// B₀(x) = x
/// Bⱼ(x) = [(x − tⱼ)₊³ − (x − tₖ₋₁)₊³ (tₖ − tⱼ)/(tₖ − tₖ₋₁) + (x − tₖ)₊³ (tₖ₋₁ − tⱼ)/(tₖ − tₖ₋₁)]
///         / (tₖ − t₁)²,   j = 1..k−2,   knots t₁ < … < tₖ
/// ```
///
/// # Source
///
/// Harrell (2015), *Regression Modeling Strategies*, 2nd ed., section 2.4.5; Durrleman and Simon
/// (1989), *Stat. Med.* 8(5). Parity: independent NumPy code of the formula, its span checked
/// against patsy's natural spline, `tests/fixtures/spline.json`, tolerance 1e-12.
#[derive(Debug, Clone, PartialEq)]
pub struct RestrictedCubicSpline {
    /// Strictly increasing: 3 or more, or none for a plain linear term.
    knots: Vec<f64>,
}

impl RestrictedCubicSpline {
    /// A basis with these knots.
    ///
    /// # Errors
    ///
    /// `TooFew` with fewer than 3 knots; `NotFinite`; `OutOfRange` when they do not increase.
    ///
    /// # Examples
    ///
    /// ```
    /// let spline = rvq::stats::RestrictedCubicSpline::new(vec![0.0, 1.0, 2.0])?;
    /// let mut row = Vec::new();
    /// spline.basis(1.0, &mut row);
    /// assert_eq!(row, [1.0, 0.25]);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn new(knots: Vec<f64>) -> Result<Self, StatsError> {
        let statistic = "restricted_cubic_spline";
        if knots.len() < 3 {
            return Err(StatsError::TooFew { statistic, needed: 3, got: knots.len() });
        }
        check_finite(&knots)?;
        match knots.windows(2).find(|pair| pair[1] <= pair[0]) {
            Some(pair) => Err(StatsError::OutOfRange {
                argument: "knots",
                value: pair[1],
                expected: "strictly increasing",
            }),
            None => Ok(Self { knots }),
        }
    }

    /// A basis with `k` knots (3 to 7; 4 is the usual choice) at fixed quantiles of `values`.
    ///
    /// Harrell's quantiles, by linear interpolation: 3 knots .10 .50 .90; 4 knots .05 .35 .65 .95;
    /// 5 knots .05 .275 .50 .725 .95; 6 knots .05 .23 .41 .59 .77 .95; 7 knots .025 .1833 .3417 .50
    /// .6583 .8167 .975. Equal knots count once; when fewer than 3 differ, the basis is x alone.
    ///
    /// # Errors
    ///
    /// `OutOfRange` for another `k`; `TooFew` for no values; `NotFinite`.
    ///
    /// # Examples
    ///
    /// ```
    /// let values: Vec<f64> = (0..=100).map(f64::from).collect();
    /// let spline = rvq::stats::RestrictedCubicSpline::from_quantiles(&values, 4)?;
    /// assert_eq!(spline.columns(), 3);
    /// assert!((spline.knots()[0] - 5.0).abs() < 1e-9);
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn from_quantiles(values: &[f64], k: usize) -> Result<Self, StatsError> {
        let quantiles: &[f64] = match k {
            3 => &[0.10, 0.50, 0.90],
            4 => &[0.05, 0.35, 0.65, 0.95],
            5 => &[0.05, 0.275, 0.50, 0.725, 0.95],
            6 => &[0.05, 0.23, 0.41, 0.59, 0.77, 0.95],
            7 => &[0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975],
            _ => {
                let (argument, value) = ("k", k as f64);
                return Err(StatsError::OutOfRange { argument, value, expected: "3 to 7" });
            }
        };
        if values.is_empty() {
            let statistic = "restricted_cubic_spline";
            return Err(StatsError::TooFew { statistic, needed: 1, got: 0 });
        }
        check_finite(values)?;
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut knots: Vec<f64> = quantiles.iter().map(|&q| quantile(&sorted, q)).collect();
        // Knots closer than rounding would divide by next to nothing.
        let span = sorted[sorted.len() - 1] - sorted[0];
        knots.dedup_by(|later, earlier| *later - *earlier <= 1e-9 * span);
        if knots.len() < 3 {
            knots.clear();
        }
        Ok(Self { knots })
    }

    /// The knots; none when the basis is x alone.
    pub fn knots(&self) -> &[f64] {
        &self.knots
    }

    /// Number of columns of the basis: knots − 1, or 1.
    pub fn columns(&self) -> usize {
        self.knots.len().saturating_sub(1).max(1)
    }

    /// Appends the basis at `x` to `row`: [`columns`](Self::columns) numbers.
    pub fn basis(&self, x: f64, row: &mut Vec<f64>) {
        row.push(x);
        let [first, .., before_last, last] = self.knots[..] else { return };
        let scale = (last - first) * (last - first);
        let cube = |knot: f64| (x - knot).max(0.0).powi(3);
        let gap = last - before_last;
        row.extend(self.knots[..self.knots.len() - 2].iter().map(|&knot| {
            let outer = cube(before_last) * (last - knot) - cube(last) * (before_last - knot);
            (cube(knot) - outer / gap) / scale
        }));
    }
}

/// Quantile of sorted values by linear interpolation (type 7 of Hyndman and Fan).
pub(super) fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let position = probability * (sorted.len() - 1) as f64;
    let below = position as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(spline: &RestrictedCubicSpline, x: f64) -> Vec<f64> {
        let mut row = Vec::new();
        spline.basis(x, &mut row);
        row
    }

    #[test]
    fn the_basis_is_linear_beyond_the_outer_knots() {
        let spline = RestrictedCubicSpline::new(vec![-1.0, 0.0, 0.5, 2.0]).unwrap();
        for start in [-9.0, 2.5] {
            let rows: Vec<Vec<f64>> = (0..3).map(|i| row(&spline, start + f64::from(i))).collect();
            for ((before, middle), after) in rows[0].iter().zip(&rows[1]).zip(&rows[2]) {
                let bend = before - 2.0 * middle + after;
                assert!(bend.abs() < 1e-9, "from {start}: {bend}");
            }
        }
    }

    #[test]
    fn ties_leave_fewer_knots_and_a_constant_leaves_a_line() {
        let mostly_zero: Vec<f64> = (0..100).map(|i| f64::from((i - 60).max(0))).collect();
        let spline = RestrictedCubicSpline::from_quantiles(&mostly_zero, 4).unwrap();
        assert_eq!((spline.knots().len(), spline.columns()), (3, 2));
        let constant = RestrictedCubicSpline::from_quantiles(&[3.0; 9], 4).unwrap();
        assert_eq!((constant.columns(), row(&constant, 3.0).len()), (1, 1));
    }

    #[test]
    fn bad_knots_are_errors() {
        assert!(matches!(
            RestrictedCubicSpline::new(vec![0.0, 1.0, 1.0]),
            Err(StatsError::OutOfRange { argument: "knots", .. })
        ));
        assert!(matches!(
            RestrictedCubicSpline::new(vec![0.0, 1.0]),
            Err(StatsError::TooFew { got: 2, .. })
        ));
        assert!(matches!(
            RestrictedCubicSpline::from_quantiles(&[1.0], 9),
            Err(StatsError::OutOfRange { argument: "k", .. })
        ));
        assert!(matches!(
            RestrictedCubicSpline::from_quantiles(&[f64::NAN], 4),
            Err(StatsError::NotFinite { .. })
        ));
    }
}
