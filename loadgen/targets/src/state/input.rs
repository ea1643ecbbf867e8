//! The bytes of a source, within their bound, and its lines.

use std::io::{self, BufRead, BufReader, Read};

use super::StateError;

/// The kind of error that a source which is too long gives.
pub(super) const TOO_LONG: io::ErrorKind = io::ErrorKind::FileTooLarge;

/// How much an open quote of a csv may take in, in bytes: one that is never closed would take all that follows into one row,
/// line by line counted anew.
const MAX_RECORD_BYTES: usize = 4 << 10;

/// A reader that fails after so many bytes. `Read::take` would end there instead, and the rows so far would look like all.
#[derive(Debug)]
pub(super) struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    pub(super) fn new(inner: R, bound: u64) -> Self {
        Self { inner, left: bound }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::from(TOO_LONG)),
        }
        Ok(read)
    }
}

/// Says that a source is too long by its own error.
pub(super) fn state_error(error: io::Error) -> StateError {
    if error.kind() == TOO_LONG { StateError::TooLong } else { StateError::Read(error) }
}

/// Leaves `count` lines out, and says how many there were.
pub(super) fn skip_lines(input: &mut impl BufRead, count: u64) -> Result<u64, StateError> {
    for skipped in 0..count {
        if input.skip_until(b'\n').map_err(state_error)? == 0 {
            return Ok(skipped);
        }
    }
    Ok(count)
}

/// Lines of bytes, without their ends.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: BufReader<R>,
    skip: u64,
    number: u64,
    line: Vec<u8>,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R, skip: u64) -> Self {
        Self { input: BufReader::new(input), skip, number: 0, line: Vec::new() }
    }

    /// The next line and its number, from 1.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, StateError> {
        self.line.clear();
        let more = self.append()?;
        Ok(more.then(|| (self.number, self.ended())))
    }

    /// The next record of a csv and the number of its first line: a quote that is open goes on in the next line.
    pub(super) fn next_record(&mut self) -> Result<Option<(u64, &[u8])>, StateError> {
        self.line.clear();
        if !self.append()? {
            return Ok(None);
        }
        let first = self.number;
        let open = |line: &[u8]| line.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
        while self.line.len() < MAX_RECORD_BYTES && open(&self.line) && self.append()? {}
        Ok(Some((first, self.ended())))
    }

    /// Adds the next line to what is there; false at the end.
    fn append(&mut self) -> Result<bool, StateError> {
        if self.number == 0 {
            self.number = skip_lines(&mut self.input, self.skip)?;
        }
        if self.input.read_until(b'\n', &mut self.line).map_err(state_error)? == 0 {
            return Ok(false);
        }
        self.number += 1;
        Ok(true)
    }

    fn ended(&self) -> &[u8] {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}
