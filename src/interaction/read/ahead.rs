//! Reads accounts on a thread of their own, a little ahead of whoever works on them.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use super::super::AccountHistory;
use super::super::error::TableError;
use super::merge::Histories;

/// Accounts handed over at a time.
const CHUNK: usize = 64;

/// Chunks that may wait: this bounds the memory.
const WAITING: usize = 4;

type Read = Result<AccountHistory, TableError>;

/// The accounts of a log in order, read ahead.
#[derive(Debug)]
pub struct ReadAhead {
    chunks: Receiver<Vec<Read>>,
    current: std::vec::IntoIter<Read>,
    reader: Option<JoinHandle<()>>,
}

impl Histories {
    /// The same accounts in the same order, read on another thread; dropping the iterator ends it.
    pub fn read_ahead(mut self) -> ReadAhead {
        let (sender, chunks) = sync_channel(WAITING);
        let reader = thread::spawn(move || {
            loop {
                let chunk: Vec<Read> = self.by_ref().take(CHUNK).collect();
                if chunk.is_empty() || sender.send(chunk).is_err() {
                    return;
                }
            }
        });
        ReadAhead { chunks, current: Vec::new().into_iter(), reader: Some(reader) }
    }
}

impl Iterator for ReadAhead {
    type Item = Read;

    fn next(&mut self) -> Option<Read> {
        if let Some(next) = self.current.next() {
            return Some(next);
        }
        if let Ok(chunk) = self.chunks.recv() {
            self.current = chunk.into_iter();
            return self.current.next();
        }
        // The reader has ended: at the end of the log, or in a panic, which must not pass for it.
        if let Some(Err(panic)) = self.reader.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        None
    }
}
