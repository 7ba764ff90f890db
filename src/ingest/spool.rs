//! The rows of all blocks, sorted by account and then in the order read.

use std::io;

use super::cell::Cell;
use super::ledger::Place;
use super::spill::{Entries, Room, Sorted, Spill};

/// Where a row comes from; in the order read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    /// Position of its block in the mapping.
    pub(super) block: usize,
    /// Position of the row among those of the block's source.
    pub(super) number: u64,
    pub(super) place: Place,
}

/// Rows on their way to be sorted.
pub(super) struct Spool {
    spill: Spill,
    key: Vec<u8>,
    value: Vec<u8>,
}

/// Rows by account.
pub(super) struct SpooledRows(Sorted);

/// The rows, one after the other.
pub(super) struct Rows(Entries);

/// One row that came back.
pub(super) struct SpooledRow<'a> {
    /// The same for all rows of one account and no others.
    pub(super) account: &'a [u8],
    pub(super) origin: Origin,
    pub(super) cells: Vec<Cell<'a>>,
}

impl Spool {
    pub(super) fn new(room: &Room) -> Self {
        Self { spill: Spill::new(room), key: Vec::new(), value: Vec::new() }
    }

    /// Adds a row of `account`; those that name none stand together before all others.
    pub(super) fn add(
        &mut self,
        account: Option<&str>,
        origin: Origin,
        cells: &[Cell<'_>],
    ) -> io::Result<()> {
        let Self { spill, key, value } = self;
        key.clear();
        key.push(u8::from(account.is_some()));
        // Ends below every other byte, so that keys are in the order of the ids.
        for &byte in account.unwrap_or_default().as_bytes() {
            match byte {
                0 => key.extend([0, 1]),
                byte => key.push(byte),
            }
        }
        key.extend([0, 0]);
        key.extend(in_order(origin.block, origin.number));
        value.clear();
        let Place { file, row } = origin.place;
        *value = postcard::to_extend(&(file, row, cells), std::mem::take(value))
            .map_err(io::Error::other)?;
        spill.add(key, value)
    }

    pub(super) fn sorted(self) -> io::Result<SpooledRows> {
        self.spill.sorted().map(SpooledRows)
    }
}

impl SpooledRows {
    /// The rows from the first; one reading at a time.
    pub(super) fn rows(&mut self) -> io::Result<Rows> {
        self.0.entries().map(Rows)
    }
}

impl Rows {
    pub(super) fn next(&mut self) -> io::Result<Option<SpooledRow<'_>>> {
        let Some((key, value)) = self.0.next()? else { return Ok(None) };
        let (account, order) = key.split_last_chunk().expect("a key ends with its order");
        let (block, number) = of_order(order);
        let (file, row, cells) = postcard::from_bytes(value).map_err(io::Error::other)?;
        let origin = Origin { block, number, place: Place { file, row } };
        Ok(Some(SpooledRow { account, origin, cells }))
    }
}

/// Bytes of what puts rows in the order read.
const ORDER: usize = 10;

/// Bytes that sort as block and number do.
pub(super) fn in_order(block: usize, number: u64) -> [u8; ORDER] {
    let block = u16::try_from(block).expect("a mapping has fewer than 65,536 blocks");
    let mut bytes = [0; ORDER];
    bytes[..2].copy_from_slice(&block.to_be_bytes());
    bytes[2..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// Block and number of [`in_order`].
pub(super) fn of_order(bytes: &[u8; ORDER]) -> (usize, u64) {
    let (block, number) = bytes.split_first_chunk().expect("ten bytes begin with two");
    let number = number.try_into().expect("ten bytes end with eight");
    (usize::from(u16::from_be_bytes(*block)), u64::from_be_bytes(number))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn cell() -> impl Strategy<Value = Cell<'static>> {
        let plain = prop_oneof![
            Just(Cell::Missing),
            any::<String>().prop_map(|text| Cell::Text(Cow::Owned(text))),
            any::<i128>().prop_map(Cell::Integer),
            any::<f64>().prop_map(Cell::Number),
            any::<bool>().prop_map(Cell::Bool),
            any::<i64>().prop_map(Cell::Time),
            any::<i64>().prop_map(Cell::WallClock),
        ];
        prop_oneof![
            4 => plain.clone(),
            1 => prop::collection::vec(plain, 0..3).prop_map(Cell::Several),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// As a stable sort by account has them, whatever their names and values.
        #[test]
        fn rows_come_back_as_they_went_by_account_and_in_the_order_read(
            rows in prop::collection::vec(
                (prop::option::of("[a\u{0}\u{1}bé]{0,3}"), 0..3_usize, prop::collection::vec(cell(), 0..4)),
                0..40,
            ),
        ) {
            let room = Room { memory: 0, folder: std::env::temp_dir() };
            let mut spool = Spool::new(&room);
            let origin = |number: usize, block| Origin {
                block,
                number: number as u64,
                place: Place { file: number % 2, row: 7 },
            };
            for (number, (account, block, cells)) in rows.iter().enumerate() {
                spool.add(account.as_deref(), origin(number, *block), cells).unwrap();
            }
            let mut expected: Vec<_> = rows.iter().enumerate().collect();
            expected.sort_by_key(|(number, (account, block, _))| (account, *block, *number));
            let mut sorted = spool.sorted().unwrap();
            for _ in 0..2 {
                let mut back = sorted.rows().unwrap();
                let mut last: Option<(Vec<u8>, Option<String>)> = None;
                for (number, (account, block, cells)) in &expected {
                    let row = back.next().unwrap().unwrap();
                    prop_assert_eq!(row.origin, origin(*number, *block));
                    prop_assert_eq!(format!("{:?}", row.cells), format!("{cells:?}"));
                    if let Some((key, of)) = &last {
                        prop_assert_eq!(key == row.account, of == account);
                    }
                    last = Some((row.account.to_owned(), account.clone()));
                }
                prop_assert!(back.next().unwrap().is_none());
            }
        }
    }
}
