//! Rows of units and periods.

use crate::stats::error::{StatsError, check_finite};

/// A panel in long form: one row for each unit and period that was observed, gaps allowed.
///
/// Rows are kept in order of unit and then period; every value is finite and no unit has a period
/// twice: [`LongPanel::new`] is the only way in.
#[derive(Debug, Clone, PartialEq)]
pub struct LongPanel {
    pub(super) unit: Vec<u32>,
    pub(super) period: Vec<u32>,
    pub(super) y: Vec<f64>,
    pub(super) x: Vec<f64>,
    pub(super) columns: usize,
    /// Where each row was in the input.
    pub(super) origin: Vec<usize>,
}

const NAME: &str = "panel";

impl LongPanel {
    /// Rows in any order.
    ///
    /// - `unit`, `period`, `y`: shape `(n,)`; `x`: row by row, shape `(n, columns)`, 1 column or
    ///   more and none of ones.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`, `NotFinite`; `TooFew` for no column; `OutOfRange` when a unit has a period
    /// twice.
    ///
    /// # Examples
    ///
    /// ```
    /// use rvq::stats::LongPanel;
    /// let panel = LongPanel::new(&[1, 1, 2], &[0, 1, 0], &[2.0, 3.0, 4.0], &[0.0, 1.0, 2.0], 1)?;
    /// assert_eq!(panel.rows(), 3);
    /// assert!(LongPanel::new(&[1, 1], &[0, 0], &[2.0, 3.0], &[0.0, 1.0], 1).is_err());
    /// # Ok::<(), rvq::stats::StatsError>(())
    /// ```
    pub fn new(
        unit: &[u32],
        period: &[u32],
        y: &[f64],
        x: &[f64],
        columns: usize,
    ) -> Result<Self, StatsError> {
        let rows = y.len();
        for (left, right) in [(unit.len(), rows), (period.len(), rows), (x.len(), columns * rows)] {
            if left != right {
                return Err(StatsError::LengthMismatch { statistic: NAME, left, right });
            }
        }
        if columns == 0 {
            return Err(StatsError::TooFew { statistic: NAME, needed: 1, got: 0 });
        }
        check_finite(x)?;
        check_finite(y)?;
        let mut origin: Vec<usize> = (0..rows).collect();
        origin.sort_by_key(|&row| (unit[row], period[row]));
        let key = |row: usize| (unit[row], period[row]);
        if let Some(pair) = origin.windows(2).find(|pair| key(pair[0]) == key(pair[1])) {
            let (argument, value) = ("period", f64::from(period[pair[0]]));
            let expected = "once for each unit";
            return Err(StatsError::OutOfRange { argument, value, expected });
        }
        let x_of = |row: &usize| x[row * columns..(row + 1) * columns].iter().copied();
        Ok(Self {
            unit: origin.iter().map(|&row| unit[row]).collect(),
            period: origin.iter().map(|&row| period[row]).collect(),
            y: origin.iter().map(|&row| y[row]).collect(),
            x: origin.iter().flat_map(x_of).collect(),
            columns,
            origin,
        })
    }

    /// Observed rows.
    pub fn rows(&self) -> usize {
        self.y.len()
    }

    /// Regressors.
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// The rows that are asked for, still in order.
    pub(super) fn subset(&self, keep: &[bool]) -> Self {
        let rows: Vec<usize> = (0..self.rows()).filter(|row| keep[*row]).collect();
        let width = self.columns;
        Self {
            unit: rows.iter().map(|&row| self.unit[row]).collect(),
            period: rows.iter().map(|&row| self.period[row]).collect(),
            y: rows.iter().map(|&row| self.y[row]).collect(),
            x: rows
                .iter()
                .flat_map(|row| &self.x[row * width..(row + 1) * width])
                .copied()
                .collect(),
            columns: width,
            origin: rows.iter().map(|&row| self.origin[row]).collect(),
        }
    }

    /// The ranges of rows of each unit.
    pub(super) fn spans(&self) -> Vec<std::ops::Range<usize>> {
        let mut start = 0;
        let span = |rows: &[u32]| {
            let from = start;
            start += rows.len();
            from..start
        };
        self.unit.chunk_by(|a, b| a == b).map(span).collect()
    }

    /// The periods that occur, ascending.
    pub(super) fn periods(&self) -> Vec<u32> {
        let mut periods = self.period.clone();
        periods.sort_unstable();
        periods.dedup();
        periods
    }
}
