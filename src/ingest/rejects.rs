//! Rejected rows, put into the order read and completed by the columns that no block reads.

use std::io;

use super::error::{IngestError, SourceError, SourceProblems};
use super::ledger::{Breach, Place, Reason, RejectedRow, Tally};
use super::row::Plan;
use super::spill::{Entries, Room, Spill};
use super::spool::{Origin, in_order, of_order};

/// Rejected rows of all blocks, in any order.
pub(super) struct Rejects(Spill);

/// A rejected row as its block sees it.
struct Reject {
    at: Origin,
    breach: Breach,
    raw: String,
}

impl Rejects {
    pub(super) fn new(room: &Room) -> Self {
        Self(Spill::new(room))
    }

    pub(super) fn add(&mut self, at: Origin, breach: &Breach, raw: &str) -> io::Result<()> {
        let Place { file, row } = at.place;
        let Breach { column, value, reason, message } = breach;
        let reject = (file, row, column, value, *reason as u8, message, raw);
        let value = postcard::to_extend(&reject, Vec::new()).map_err(io::Error::other)?;
        self.0.add(&in_order(at.block, at.number), &value)
    }

    /// Counts every row in its block's tally and gives it to `each`, in the order read.
    pub(super) fn give(
        self,
        plans: &[Plan<'_>],
        tallies: &mut [Tally],
        mut each: impl FnMut(RejectedRow) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let mut sorted = self.0.sorted()?;
        let mut rows = InOrder::new(sorted.entries()?)?;
        for (block, (plan, tally)) in plans.iter().zip(tallies).enumerate() {
            let mut count = |Reject { at, breach, raw }| each(tally.reject(at.place, breach, raw));
            if plan.reads_all_columns() {
                while rows.is_of(block) {
                    count(rows.take()?)?;
                }
            } else if rows.is_of(block) {
                with_all_columns(plan, block, &mut rows, &mut count)?;
            }
        }
        Ok(())
    }
}

/// Gives the rejected rows of a block with the columns that it does not read, by reading the source once more.
fn with_all_columns(
    plan: &Plan<'_>,
    block: usize,
    rows: &mut InOrder,
    each: &mut impl FnMut(Reject) -> Result<(), IngestError>,
) -> Result<(), IngestError> {
    let mut number = 0;
    let mut given = Ok(());
    let read = plan.source.for_each_raw(|file, row, raw| {
        let is_next = rows.next.as_ref().is_some_and(|next| {
            let Origin { block: of, number: nth, place } = next.at;
            of == block && nth == number && place == Place { file, row }
        });
        number += 1;
        if is_next {
            given = rows
                .take()
                .map_err(IngestError::from)
                .and_then(|reject| each(Reject { raw: raw(), ..reject }));
        }
        if given.is_ok() { Ok(()) } else { Err(SourceError::stopped()) }
    });
    given?;
    read.map_err(SourceProblems::one)?;
    if rows.is_of(block) {
        let file = plan.block.file.name.clone();
        return Err(SourceProblems::one(SourceError::Changed { file }));
    }
    Ok(())
}

/// Rejected rows, one ahead.
struct InOrder {
    entries: Entries,
    next: Option<Reject>,
}

impl InOrder {
    fn new(entries: Entries) -> io::Result<Self> {
        let mut rows = Self { entries, next: None };
        rows.advance()?;
        Ok(rows)
    }

    /// Whether the next row is one of block number `block`.
    fn is_of(&self, block: usize) -> bool {
        self.next.as_ref().is_some_and(|next| next.at.block == block)
    }

    /// The next row, which there is.
    fn take(&mut self) -> io::Result<Reject> {
        let row = self.next.take().expect("who takes a row has seen it");
        self.advance()?;
        Ok(row)
    }

    fn advance(&mut self) -> io::Result<()> {
        self.next = match self.entries.next()? {
            None => None,
            Some((key, value)) => {
                let (block, number) = of_order(key.try_into().expect("the key is an order"));
                let (file, row, column, value, reason, message, raw) =
                    postcard::from_bytes::<(usize, u64, String, String, u8, String, String)>(value)
                        .map_err(io::Error::other)?;
                let reason = Reason::ALL[usize::from(reason)];
                Some(Reject {
                    at: Origin { block, number, place: Place { file, row } },
                    breach: Breach { column, value, reason, message },
                    raw,
                })
            }
        };
        Ok(())
    }
}
