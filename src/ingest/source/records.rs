//! The bytes of delimited text on their way to the parser: quotes are checked (RFC 4180), lines
//! counted.
//!
//! The parser takes text behind a closing quote for more of the value, so that a quote which is
//! never closed swallows rows until some other quote ends it. Here that is an error.

use std::collections::VecDeque;
use std::io::{self, Read};

use super::lines::{LONGEST_RECORD, broken, too_long};

/// Passes bytes on and remembers where their lines begin.
pub(super) struct Records<R> {
    inner: R,
    delimiter: u8,
    state: State,
    /// Bytes passed on.
    position: u64,
    /// Line of the next byte, from 1.
    line: u64,
    /// The last byte was a carriage return: a line feed behind it ends the same line.
    returned: bool,
    at_line_start: bool,
    /// Bytes of the record so far, and the line in which it begins.
    record: (usize, u64),
    /// Records that the parser has not reached: first byte and line.
    ahead: VecDeque<(u64, u64)>,
}

/// Where in a value the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    /// Between quotes that opened in this line.
    Quoted(u64),
    /// Behind a quote: the first of two, or the one that closes.
    Closed(u64),
}

impl<R: Read> Records<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        Self {
            inner,
            delimiter,
            state: State::Start,
            position: 0,
            line: 1,
            returned: false,
            at_line_start: true,
            record: (0, 1),
            ahead: VecDeque::new(),
        }
    }

    /// Line of the record that begins at `byte` or behind the line ends there.
    pub(super) fn line_of(&mut self, byte: u64) -> u64 {
        while self.ahead.front().is_some_and(|&(start, _)| start < byte) {
            self.ahead.pop_front();
        }
        self.ahead.front().map_or(self.line, |&(_, line)| line)
    }

    fn pass(&mut self, byte: u8) -> io::Result<()> {
        let ends_line = matches!(byte, b'\n' | b'\r');
        if self.at_line_start && !ends_line {
            // Between quotes no record begins.
            if self.state == State::Start {
                self.ahead.push_back((self.position, self.line));
            }
            self.at_line_start = false;
        }
        self.state = self.after(byte)?;
        self.record.0 += 1;
        if self.record.0 > LONGEST_RECORD {
            return Err(broken(too_long("the record that begins in line", self.record.1)));
        }
        if ends_line {
            // A line feed behind a carriage return ends the line that ended.
            self.line += u64::from(byte == b'\r' || !self.returned);
            self.at_line_start = true;
            if self.state == State::Start {
                self.record = (0, self.line);
            }
        }
        self.returned = byte == b'\r';
        self.position += 1;
        Ok(())
    }

    fn after(&self, byte: u8) -> io::Result<State> {
        let ends_value = byte == self.delimiter || matches!(byte, b'\n' | b'\r');
        Ok(match self.state {
            State::Start if byte == b'"' => State::Quoted(self.line),
            State::Start | State::Plain | State::Closed(_) if ends_value => State::Start,
            State::Start | State::Plain => State::Plain,
            State::Quoted(line) if byte == b'"' => State::Closed(line),
            State::Quoted(line) => State::Quoted(line),
            State::Closed(line) if byte == b'"' => State::Quoted(line),
            State::Closed(line) => {
                return Err(broken(format!(
                    "in line {} `{}` stands behind a quote that closes, which was opened in line \
                     {line}: is a quote left open there?",
                    self.line,
                    byte.escape_ascii()
                )));
            }
        })
    }
}

impl<R: Read> Read for Records<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        buffer[..read].iter().try_for_each(|&byte| self.pass(byte))?;
        match self.state {
            State::Quoted(line) if read == 0 && !buffer.is_empty() => {
                Err(broken(format!("a quote that opens in line {line} is never closed")))
            }
            _ => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<String> {
        let mut records = Records::new(text.as_bytes(), b',');
        io::copy(&mut records, &mut io::sink()).err().map(|error| error.to_string())
    }

    #[test]
    fn quotes_stand_where_the_standard_lets_them() {
        for text in ["\"a\nb\",c\r\n\"\"\"x\"\"\"", "a \"b\" c,\"\"\n", "\"a\"\r\"b\"", "it\"s"] {
            assert_eq!(problem(text), None, "{text}");
        }
        insta::assert_snapshot!(problem("a\nb,\"c\n\"d\"\n").unwrap(), @"in line 3 `d` stands behind a quote that closes, which was opened in line 2: is a quote left open there?");
        insta::assert_snapshot!(problem("a\n\"b\n\n").unwrap(), @"a quote that opens in line 2 is never closed");
    }

    #[test]
    fn a_record_is_not_longer_than_its_bound() {
        let line = "x".repeat(LONGEST_RECORD - 1) + "\n";
        assert_eq!(problem(&(line.clone() + &line)), None);
        insta::assert_snapshot!(problem(&(line.clone() + "x" + &line)).unwrap(), @"the record that begins in line 2 is longer than 16 MiB");
    }
}
