//! The rows of all blocks, account after account.

use std::io;

use super::assemble::{Assembly, Taken};
use super::cell::Cell;
use super::ledger::Breach;
use super::mapping::Mapping;
use super::repeats::{Repeats, Verdict, namesake};
use super::row::Plan;
use super::spool::{Origin, SpooledRow, SpooledRows};

/// The rows of a mapping's sources by account.
pub(super) struct Accounts<'p> {
    pub(super) mapping: &'p Mapping,
    pub(super) plans: &'p [Plan<'p>],
    pub(super) rows: SpooledRows,
}

/// One step on the way through all accounts.
pub(super) enum Step<'s, 'p> {
    /// A row, with its account as far as it is assembled.
    Row { assembly: &'s mut Assembly<'p>, plan: &'p Plan<'p>, at: Origin, cells: &'s [Cell<'s>] },
    /// The account has no further row.
    End(Box<Assembly<'p>>),
}

/// What becomes of one row.
#[derive(Debug)]
pub(super) enum Fate {
    Taken(Taken),
    Rejected(Breach),
}

impl Fate {
    /// Whether the row is in the tables.
    pub(super) fn is_accepted(&self) -> bool {
        matches!(self, Self::Taken(Taken::Made | Taken::Combined))
    }
}

/// Gives the row to the account, unless a rule about repeats forbids it.
pub(super) fn settle(
    repeats: &mut Repeats,
    assembly: &mut Assembly<'_>,
    plan: &Plan<'_>,
    at: Origin,
    cells: &[Cell<'_>],
) -> Fate {
    let verdict = repeats.verdict(plan, at, cells);
    match verdict {
        Verdict::Aside(why) => return Fate::Taken(Taken::Aside(why)),
        Verdict::Repeats => return Fate::Rejected(Breach::repeated_row()),
        Verdict::Take | Verdict::Namesake => {}
    }
    let taken = plan.row(cells).and_then(|row| match verdict {
        Verdict::Namesake => Err(namesake(row)),
        _ => assembly.take(at, row),
    });
    match taken {
        Ok(taken) => {
            // What lies outside the span is repeated by nothing.
            if matches!(taken, Taken::Aside(_)) {
                repeats.not_taken(plan, at, cells);
            }
            Fate::Taken(taken)
        }
        Err(breach) => {
            // What equals a row under another's name has that name too.
            if verdict == Verdict::Take {
                repeats.not_taken(plan, at, cells);
            }
            Fate::Rejected(breach)
        }
    }
}

impl<'p> Accounts<'p> {
    /// Gives every row to `each` with its account, and every account after its last row.
    pub(super) fn walk<E: From<io::Error>>(
        &mut self,
        repeats: &mut Repeats,
        mut each: impl FnMut(&mut Repeats, Step<'_, 'p>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rows = self.rows.rows()?;
        let mut assembly = Assembly::new(self.mapping);
        let mut account = Vec::new();
        while let Some(SpooledRow { account: of, origin: at, cells }) = rows.next()? {
            if of != account {
                of.clone_into(&mut account);
                let ended = std::mem::replace(&mut assembly, Assembly::new(self.mapping));
                each(repeats, Step::End(Box::new(ended)))?;
                repeats.next_account();
            }
            let plan = &self.plans[at.block];
            each(repeats, Step::Row { assembly: &mut assembly, plan, at, cells: &cells })?;
        }
        each(repeats, Step::End(Box::new(assembly)))?;
        repeats.next_account();
        Ok(())
    }
}
