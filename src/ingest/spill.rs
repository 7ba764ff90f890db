//! Entries sorted by key within a limit of memory: what does not fit waits on disk.

use std::borrow::Cow;
use std::cell::RefCell;
use std::convert::Infallible;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::rc::Rc;

use grenad::{
    ChunkCreator, CompressionType, MergeFunction, Merger, MergerIter, Reader, SortAlgorithm, Sorter,
};
use tempfile::{SpooledTempFile, spooled_tempfile_in};

/// Bytes of a sorted run below which it needs no file.
const SMALL_RUN: usize = 1 << 20;
/// Bytes read from a run at once.
const BLOCK: usize = 1 << 16;
/// Runs that are merged at once: with more of them, they become one.
const MOST_RUNS: usize = 256;

/// Where rows are sorted, and how much memory that may take.
#[derive(Debug, Clone)]
pub(super) struct Room {
    /// Bytes for all that is sorted at one time.
    pub(super) memory: usize,
    /// Folder of what does not fit; its files have no names and are gone with the process.
    pub(super) folder: PathBuf,
}

impl Room {
    /// A part of the memory: one of `parts` equal ones.
    pub(super) fn part(&self, parts: usize) -> Self {
        Self { memory: self.memory / parts, folder: self.folder.clone() }
    }
}

/// Takes entries in any order; no key twice.
pub(super) struct Spill(Sorter<Unmerged, Runs>);

/// The entries in order of their keys, as bytes; can be read more than once.
pub(super) struct Sorted(Vec<Run>);

/// The entries in order, one after the other.
pub(super) struct Entries(MergerIter<Run, Unmerged>);

impl Spill {
    pub(super) fn new(room: &Room) -> Self {
        let mut builder = Sorter::builder(Unmerged).chunk_creator(Runs(room.folder.clone()));
        builder
            // The buffer doubles until it is above this, so it stays within the memory.
            .dump_threshold(room.memory / 2)
            .max_nb_chunks(MOST_RUNS)
            .chunk_compression_type(CompressionType::Snappy)
            .block_size(BLOCK)
            .sort_algorithm(SortAlgorithm::Unstable)
            .sort_in_parallel(true);
        Self(builder.build())
    }

    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.0.insert(key, value).map_err(failed)
    }

    pub(super) fn sorted(self) -> io::Result<Sorted> {
        let runs = self.0.into_reader_cursors().map_err(failed)?;
        Ok(Sorted(runs.into_iter().map(grenad::ReaderCursor::into_inner).collect()))
    }
}

impl Sorted {
    /// The entries from the first; one reading at a time.
    pub(super) fn entries(&mut self) -> io::Result<Entries> {
        let mut merger = Merger::builder(Unmerged);
        for run in &self.0 {
            let reader = Reader::new(run.clone()).map_err(broken)?;
            merger.push(reader.into_cursor().map_err(broken)?);
        }
        merger.build().into_stream_merger_iter().map(Entries).map_err(broken)
    }
}

impl Entries {
    /// The next key and value.
    pub(super) fn next(&mut self) -> io::Result<Option<(&[u8], &[u8])>> {
        self.0.next().map_err(failed)
    }
}

fn failed(error: grenad::Error<Infallible>) -> io::Error {
    match error {
        grenad::Error::Io(error) => error,
        error => io::Error::other(error.to_string()),
    }
}

fn broken(error: grenad::Error) -> io::Error {
    failed(error)
}

/// Keys are unique: there is nothing to merge.
#[derive(Clone, Copy)]
struct Unmerged;

impl MergeFunction for Unmerged {
    type Error = Infallible;

    fn merge<'a>(
        &self,
        key: &[u8],
        values: &[Cow<'a, [u8]>],
    ) -> Result<Cow<'a, [u8]>, Self::Error> {
        assert_eq!(values.len(), 1, "a key twice: {key:?}");
        Ok(values[0].clone())
    }
}

struct Runs(PathBuf);

impl ChunkCreator for Runs {
    type Chunk = Run;
    type Error = io::Error;

    fn create(&self) -> Result<Run, io::Error> {
        Ok(Run(Rc::new(RefCell::new(spooled_tempfile_in(SMALL_RUN, &self.0)))))
    }
}

/// One sorted run; its copies read the same bytes.
#[derive(Clone)]
struct Run(Rc<RefCell<SpooledTempFile>>);

impl Read for Run {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(buffer)
    }
}

impl Write for Run {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

impl Seek for Run {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.0.borrow_mut().seek(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More entries than the memory holds, in a shuffled order, read twice.
    #[test]
    fn entries_come_back_in_order_from_more_runs_than_one() {
        let room = Room { memory: 0, folder: std::env::temp_dir() };
        let mut spill = Spill::new(&room);
        let n = 200_000_u32;
        // 65,537 is prime and shares no factor with n.
        for i in 0..n {
            let key = ((u64::from(i) * 65_537 % u64::from(n)) as u32).to_be_bytes();
            spill.add(&key, &[key.as_slice(), &[7; 96]].concat()).unwrap();
        }
        let mut sorted = spill.sorted().unwrap();
        assert!(sorted.0.len() > 1, "{} runs", sorted.0.len());
        assert!(sorted.0.iter().any(|run| run.0.borrow().is_rolled()), "no run is on disk");
        for _ in 0..2 {
            let mut entries = sorted.entries().unwrap();
            for i in 0..n {
                let (key, value) = entries.next().unwrap().unwrap();
                assert_eq!((key, &value[..4]), (&i.to_be_bytes()[..], &i.to_be_bytes()[..]));
            }
            assert!(entries.next().unwrap().is_none());
        }
    }
}
