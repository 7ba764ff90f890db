//! Values of many units at many periods.

use super::error::StatsError;

/// Values of `units` at `periods`, row-major by unit; NaN means not observed.
///
/// Every observed value is finite and the shape holds: [`Grid::new`] is the only way in.
#[derive(Debug, Clone, Copy)]
pub struct Grid<'a> {
    values: &'a [f64],
    units: usize,
    periods: usize,
}

impl<'a> Grid<'a> {
    /// A view of `values`, shape `(units, periods)`.
    ///
    /// # Errors
    ///
    /// `Shape` when the number of values is not `units · periods`; `NotFinite` for an infinite one.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::Grid;
    /// let grid = Grid::new(&[1.0, 2.0, f64::NAN, 4.0], 2, 2)?;
    /// assert_eq!((grid.get(1, 0), grid.get(1, 1)), (None, Some(4.0)));
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn new(values: &'a [f64], units: usize, periods: usize) -> Result<Self, StatsError> {
        if units.checked_mul(periods) != Some(values.len()) {
            return Err(StatsError::Shape { values: values.len(), units, periods });
        }
        match values.iter().position(|v| v.is_infinite()) {
            Some(index) => Err(StatsError::NotFinite { index, value: values[index] }),
            None => Ok(Self { values, units, periods }),
        }
    }

    /// Number of units.
    pub const fn units(&self) -> usize {
        self.units
    }

    /// Number of periods.
    pub const fn periods(&self) -> usize {
        self.periods
    }

    /// The value of one unit at one period; none when it was not observed.
    pub fn get(&self, unit: usize, period: usize) -> Option<f64> {
        let value = self.values[unit * self.periods + period];
        (!value.is_nan()).then_some(value)
    }

    /// The values of one unit, shape `(periods,)`; NaN where not observed.
    pub fn row(&self, unit: usize) -> &'a [f64] {
        &self.values[unit * self.periods..(unit + 1) * self.periods]
    }

    /// Checks that two grids have the same shape.
    pub(super) fn check_same_shape(
        &self,
        other: &Grid<'_>,
        statistic: &'static str,
    ) -> Result<(), StatsError> {
        for (left, right) in [(self.units, other.units), (self.periods, other.periods)] {
            if left != right {
                return Err(StatsError::LengthMismatch { statistic, left, right });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_shape_and_an_infinite_value_are_errors() {
        assert_eq!(
            Grid::new(&[1.0; 5], 2, 3).unwrap_err(),
            StatsError::Shape { values: 5, units: 2, periods: 3 }
        );
        assert!(Grid::new(&[], usize::MAX, 2).is_err());
        assert_eq!(
            Grid::new(&[1.0, f64::INFINITY], 1, 2).unwrap_err(),
            StatsError::NotFinite { index: 1, value: f64::INFINITY }
        );
    }

    #[test]
    fn rows_belong_to_units() {
        let grid = Grid::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3).unwrap();
        assert_eq!(grid.row(1).len(), 3);
        assert_eq!(grid.get(1, 0), Some(4.0));
        assert_eq!((grid.units(), grid.periods()), (2, 3));
    }
}
