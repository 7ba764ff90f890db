//! Reads the tables that belong to the whole log: staff and initiatives.

use arrow_array::RecordBatch;

use super::super::check::{check_initiative, check_staff};
use super::super::error::Fault;
use super::super::schema::{Table, column};
use super::super::{Initiative, Staff};
use super::cells::{Flags, Instants, Texts};

/// A row of a table that is short, in order of id and read whole.
pub(super) trait Listed: Sized {
    /// The table.
    const TABLE: Table;

    /// All rows of a batch, by position; empty texts where a cell that must be there is not.
    fn rows(batch: &RecordBatch) -> Vec<Self>;

    /// Unique name.
    fn id(&self) -> &str;

    /// Every broken rule in this row, the `row`-th (from 0), after that of id `previous`.
    fn check(&self, row: u64, previous: Option<&str>) -> Vec<Fault>;
}

impl Listed for Staff {
    const TABLE: Table = Table::Staff;

    fn rows(batch: &RecordBatch) -> Vec<Self> {
        let id = Texts::new(batch, column::OWNER_ID);
        let function = Texts::new(batch, column::FUNCTION);
        let team = Texts::new(batch, column::TEAM);
        let joined_at = Instants::new(batch, column::JOINED_AT);
        let left_at = Instants::new(batch, column::LEFT_AT);
        let staff = |row| Self {
            id: id.owned(row).unwrap_or_default(),
            function: function.owned(row).unwrap_or_default(),
            team: team.owned(row),
            joined_at: joined_at.get(row),
            left_at: left_at.get(row),
        };
        (0..batch.num_rows()).map(staff).collect()
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn check(&self, row: u64, previous: Option<&str>) -> Vec<Fault> {
        check_staff(self, row, previous)
    }
}

impl Listed for Initiative {
    const TABLE: Table = Table::Initiatives;

    fn rows(batch: &RecordBatch) -> Vec<Self> {
        let id = Texts::new(batch, column::INITIATIVE_ID);
        let purpose = Texts::new(batch, column::PURPOSE);
        let open = Flags::new(batch, column::OPEN);
        let started_at = Instants::new(batch, column::STARTED_AT);
        let ended_at = Instants::new(batch, column::ENDED_AT);
        let initiative = |row| Self {
            id: id.owned(row).unwrap_or_default(),
            purpose: purpose.owned(row).unwrap_or_default(),
            open: open.get(row),
            started_at: started_at.get(row),
            ended_at: ended_at.get(row),
        };
        (0..batch.num_rows()).map(initiative).collect()
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn check(&self, row: u64, previous: Option<&str>) -> Vec<Fault> {
        check_initiative(self, row, previous)
    }
}
