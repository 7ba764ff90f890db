//! Lines of a text file, none of them without bound.

use std::io::{self, BufRead, Read as _};

use super::files::ExportFile;
use crate::ingest::error::SourceError;

/// Bytes of the longest line, record, event or object that is read \[16 MiB\]: what is
/// longer is broken, or made to fill the memory.
pub(super) const LONGEST_RECORD: usize = 16 << 20;

/// The lines of one file, counted from 1.
pub(super) struct Lines<'a> {
    file: &'a ExportFile,
    reader: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn of(file: &'a ExportFile) -> Result<Self, SourceError> {
        let reader = file.open().map_err(|error| file.unreadable(&error))?;
        Ok(Self { file, reader, line: Vec::new(), number: 0 })
    }

    /// The next line with its number, without the blanks around it.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, SourceError> {
        self.line.clear();
        self.number += 1;
        let read = self
            .reader
            .by_ref()
            .take(LONGEST_RECORD as u64 + 1)
            .read_until(b'\n', &mut self.line)
            .map_err(|error| self.file.unreadable(&error))?;
        if read > LONGEST_RECORD {
            return Err(self.file.unreadable(&too_long("line", self.number)));
        }
        Ok((read > 0).then_some((self.number, self.line.trim_ascii())))
    }
}

/// That the record which begins in `line` is too long.
pub(super) fn too_long(what: &str, line: u64) -> String {
    format!("{what} {line} is longer than {} MiB", LONGEST_RECORD >> 20)
}

/// What a reader reports as its own error.
pub(super) fn broken(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
