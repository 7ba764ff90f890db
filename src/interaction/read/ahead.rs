//! Computes the items of an iterator on a thread of their own, a little ahead of whoever works on them.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

/// Items in order, computed ahead; dropping the iterator ends the thread.
#[derive(Debug)]
pub struct ReadAhead<T> {
    chunks: Receiver<Vec<T>>,
    current: std::vec::IntoIter<T>,
    reader: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> ReadAhead<T> {
    /// The items of `items`, handed over `chunk` at a time, of which `waiting` chunks may wait: this bounds the
    /// memory.
    pub(super) fn of(
        mut items: impl Iterator<Item = T> + Send + 'static,
        chunk: usize,
        waiting: usize,
    ) -> Self {
        let (sender, chunks) = sync_channel(waiting);
        let reader = thread::spawn(move || {
            loop {
                let chunk: Vec<T> = items.by_ref().take(chunk).collect();
                if chunk.is_empty() || sender.send(chunk).is_err() {
                    return;
                }
            }
        });
        Self { chunks, current: Vec::new().into_iter(), reader: Some(reader) }
    }
}

impl<T> Iterator for ReadAhead<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if let Some(next) = self.current.next() {
            return Some(next);
        }
        if let Ok(chunk) = self.chunks.recv() {
            self.current = chunk.into_iter();
            return self.current.next();
        }
        // The reader has ended: at the end of its items, or in a panic, which must not pass for it.
        if let Some(Err(panic)) = self.reader.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        None
    }
}
