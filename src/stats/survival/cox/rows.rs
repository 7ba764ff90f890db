//! Rows of a Cox regression.

use super::super::super::error::{StatsError, check_finite};
use super::super::risk_sets::{check_length, check_rows};
use super::NAME;

/// How tied events enter the partial likelihood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ties {
    /// Each tied event sees the others as half gone, on average: near the exact likelihood.
    #[default]
    Efron,
    /// Each tied event sees all others still there: biased towards 0 where ties are many.
    Breslow,
}

/// Start-stop rows with covariates: what a Cox regression is fitted to.
///
/// A unit may have many rows, one after the other, with covariates that hold on each of them; the
/// event belongs to the row at whose end it happens. The covariates of a row must be known at its
/// beginning.
#[derive(Debug, Clone, Copy)]
pub struct CoxRows<'a> {
    pub(super) entry: &'a [f64],
    pub(super) exit: &'a [f64],
    pub(super) event: &'a [bool],
    pub(super) x: &'a [f64],
    pub(super) columns: usize,
    pub(super) stratum: Option<&'a [u32]>,
    pub(super) cluster: Option<&'a [u32]>,
}

impl<'a> CoxRows<'a> {
    /// Rows under observation in `(entry, exit]`.
    ///
    /// - `entry`, `exit`: shape `(n,)`, one unit of time for both, `entry < exit`.
    /// - `event`: shape `(n,)`, whether the event happened at `exit`.
    /// - `x`: covariates row by row, shape `(n, columns)`, `columns ≥ 1`, no intercept.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`, `NotFinite`; `TooFew` for no rows; `OutOfRange` when an exit is not after
    /// its entry or there is no column.
    pub fn new(
        entry: &'a [f64],
        exit: &'a [f64],
        event: &'a [bool],
        x: &'a [f64],
        columns: usize,
    ) -> Result<Self, StatsError> {
        check_rows(NAME, entry, exit, event.len())?;
        if columns == 0 {
            let expected = "1 or more";
            return Err(StatsError::OutOfRange { argument: "columns", value: 0.0, expected });
        }
        check_length(NAME, exit.len() * columns, x.len())?;
        check_finite(x)?;
        Ok(Self { entry, exit, event, x, columns, stratum: None, cluster: None })
    }

    /// The same rows with a baseline hazard for each stratum, shape `(n,)`.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`.
    pub fn with_strata(self, stratum: &'a [u32]) -> Result<Self, StatsError> {
        check_length(NAME, self.exit.len(), stratum.len())?;
        Ok(Self { stratum: Some(stratum), ..self })
    }

    /// The same rows with standard errors that let rows of a cluster belong together, shape `(n,)`.
    ///
    /// # Errors
    ///
    /// `LengthMismatch`.
    pub fn with_clusters(self, cluster: &'a [u32]) -> Result<Self, StatsError> {
        check_length(NAME, self.exit.len(), cluster.len())?;
        Ok(Self { cluster: Some(cluster), ..self })
    }

    pub(super) fn stratum_of(&self, row: usize) -> u32 {
        self.stratum.map_or(0, |stratum| stratum[row])
    }
}
