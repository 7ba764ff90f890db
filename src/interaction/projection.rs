//! Which tables and columns of a log are read.

use super::schema::{Column, Table};

/// The tables and columns of a log that somebody needs: a reader leaves out the others, as if the log had none of
/// them.
///
/// Accounts, contacts, interactions and outcomes are always read, and of every table that is read the columns that
/// it must have. Projections add up ([`and`](Self::and)).
///
/// # Examples
///
/// ```
/// use rvq::interaction::{Projection, Table, schema::column};
///
/// let values = Projection::LEAST.with(Table::Interactions, &[column::RV, column::SEGMENT_ID]);
/// let surveys = Projection::LEAST.with(Table::Surveys, &[column::VALUE]);
/// let both = values.and(surveys);
/// assert!(both.has(Table::Surveys) && !values.has(Table::Surveys));
/// assert_eq!(both.columns(Table::Surveys), ["account_id", "asked_at", "instrument", "value"]);
/// assert_eq!(both.and(Projection::ALL), Projection::ALL);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Projection {
    /// By table, then by position of the column.
    columns: [u32; Table::ALL.len()],
}

impl Projection {
    /// Every table with every column.
    pub const ALL: Self = Self::of(false);

    /// The tables that every log has, with the columns that they must have.
    pub const LEAST: Self = Self::of(true);

    const fn of(least: bool) -> Self {
        let mut columns = [0; Table::ALL.len()];
        let mut table = 0;
        while table < columns.len() {
            if !least || Table::ALL[table].is_required() {
                columns[table] = bits(Table::ALL[table].columns(), least);
            }
            table += 1;
        }
        Self { columns }
    }

    /// And the columns `names` of `table`.
    ///
    /// # Panics
    ///
    /// When the table has no such column.
    #[must_use]
    pub fn with(mut self, table: Table, names: &[&str]) -> Self {
        let all = table.columns();
        let columns = &mut self.columns[table as usize];
        *columns |= bits(all, true);
        for name in names {
            let position = all.iter().position(|column| column.name == *name);
            *columns |= 1 << position.expect("the table has the column");
        }
        self
    }

    /// And `table` with every column.
    #[must_use]
    pub const fn with_all_of(mut self, table: Table) -> Self {
        self.columns[table as usize] = bits(table.columns(), false);
        self
    }

    /// Whatever one of the two reads.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (columns, more) in self.columns.iter_mut().zip(other.columns) {
            *columns |= more;
        }
        self
    }

    /// Whether `table` is read.
    pub const fn has(&self, table: Table) -> bool {
        self.columns[table as usize] != 0
    }

    /// The columns of `table` that are read, in the order of the file.
    pub fn columns(&self, table: Table) -> Vec<&'static str> {
        let read = |position: &usize| self.columns[table as usize] & (1 << position) != 0;
        let all = table.columns();
        (0..all.len()).filter(read).map(|position| all[position].name).collect()
    }
}

/// One bit per column, or per column that must be there.
const fn bits(columns: &[Column], required: bool) -> u32 {
    let (mut bits, mut position) = (0, 0);
    while position < columns.len() {
        if !required || columns[position].required {
            bits |= 1 << position;
        }
        position += 1;
    }
    bits
}
