//! Decodes a table batch by batch: when it is asked, or ahead, row groups side by side.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::super::error::TableError;
use super::ahead::ReadAhead;
use super::file::{TableFile, decode, next_batch};
use super::rows::Rows;
use crate::ids::TypeNames;

/// The batches of a table, in order.
#[derive(Debug)]
pub(super) enum Batches<R> {
    /// Decoded when they are asked for.
    Plain(Decoder<R>),
    /// Decoded ahead.
    Ahead(InTurn<R>),
}

type Decoded<R> = Result<R, TableError>;

impl<R: Rows> Batches<R> {
    /// The columns `names` of the row groups `groups` of `file`; none of a table that the log does not have.
    pub(super) fn new(
        file: Option<TableFile>,
        names: Vec<&'static str>,
        groups: Range<usize>,
        types: &Arc<TypeNames>,
    ) -> Self {
        let groups = Groups { file, names, left: groups, step: 1 };
        Self::Plain(Decoder { groups, open: None, types: Arc::clone(types), rows: PhantomData })
    }

    /// Decodes from now on ahead, as many row groups side by side as half the threads.
    pub(super) fn go_ahead(&mut self) {
        if let Self::Plain(decoder) = self
            && decoder.open.is_none()
        {
            *self = Self::Ahead(InTurn::new(decoder));
        }
    }
}

impl<R: Rows> Iterator for Batches<R> {
    type Item = Decoded<R>;

    fn next(&mut self) -> Option<Decoded<R>> {
        match self {
            Self::Plain(decoder) => decoder.find_map(|step| step),
            Self::Ahead(decoders) => decoders.next(),
        }
    }
}

/// Row groups that are still to be decoded.
#[derive(Debug, Clone)]
struct Groups {
    file: Option<TableFile>,
    names: Vec<&'static str>,
    left: Range<usize>,
    step: usize,
}

/// Decodes row groups one after the other: batches, and nothing after the last of each group.
#[derive(Debug)]
pub(super) struct Decoder<R> {
    groups: Groups,
    open: Option<ParquetRecordBatchReader>,
    types: Arc<TypeNames>,
    rows: PhantomData<fn() -> R>,
}

impl<R: Rows> Iterator for Decoder<R> {
    type Item = Option<Decoded<R>>;

    fn next(&mut self) -> Option<Self::Item> {
        let Groups { file, names, left, step } = &mut self.groups;
        let file = file.as_ref()?;
        let open = match &mut self.open {
            Some(open) => open,
            None if left.start >= left.end => return None,
            closed => {
                let group = left.start;
                left.start += *step;
                match file.read(&file.filled(names, group), group..group + 1) {
                    Ok(batches) => closed.insert(batches),
                    Err(error) => return Some(Some(Err(error))),
                }
            }
        };
        let batch = decode(|| next_batch(open)).map_err(|error| file.failed(error)).transpose();
        if batch.is_none() {
            self.open = None;
        }
        Some(batch.map(|batch| batch.map(|batch| R::new(&batch, &self.types))))
    }
}

/// Decoders on threads of their own that share the row groups in turn.
#[derive(Debug)]
pub(super) struct InTurn<R> {
    decoders: Vec<ReadAhead<Option<Decoded<R>>>>,
    turn: usize,
}

/// Most decoders of one table: each may hold a row group that it has decoded before its turn.
const MOST_DECODERS: usize = 8;

/// Batches that a decoder may hold: those of a row group, and the memory of the table is bounded.
const BATCHES_WAITING: usize = 64;

impl<R: Rows> InTurn<R> {
    /// Shares what `decoder` has not begun.
    fn new(decoder: &Decoder<R>) -> Self {
        let step = rayon::current_num_threads().div_ceil(2).min(MOST_DECODERS);
        let all = &decoder.groups;
        let decoders = all.left.clone().take(step).map(|first| {
            let groups = Groups { left: first..all.left.end, step, ..all.clone() };
            let types = Arc::clone(&decoder.types);
            let decoder = Decoder { groups, open: None, types, rows: PhantomData };
            ReadAhead::of(decoder, 1, BATCHES_WAITING)
        });
        Self { decoders: decoders.collect(), turn: 0 }
    }
}

impl<R> Iterator for InTurn<R> {
    type Item = Decoded<R>;

    fn next(&mut self) -> Option<Decoded<R>> {
        loop {
            // The first that has no row group left in its turn shows that nobody has.
            match self.decoders.get_mut(self.turn)?.next()? {
                Some(batch) => return Some(batch),
                None => self.turn = (self.turn + 1) % self.decoders.len(),
            }
        }
    }
}
