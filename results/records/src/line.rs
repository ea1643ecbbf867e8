//! Where a row stands in its file.

use std::ops::Deref;

/// A row and where it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered<T> {
    /// The line in the file on which the row begins; the header is line 1.
    pub line: u64,
    /// The row.
    pub row: T,
}

/// What stands in a line of a file.
pub trait AtLine {
    /// The line on which it begins; the header is line 1.
    fn line(&self) -> u64;
}

impl<T> AtLine for Numbered<T> {
    fn line(&self) -> u64 {
        self.line
    }
}

impl<T> Deref for Numbered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.row
    }
}
