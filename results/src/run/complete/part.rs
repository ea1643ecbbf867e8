//! The rows of a trial that are audited together, and the row that cannot be one of them.

use crate::records::Row;

/// A row that cannot be what a run left behind.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::run) struct Misfit {
    pub(in crate::run) file: &'static str,
    pub(in crate::run) line: u64,
    pub(in crate::run) reason: String,
}

/// The rows of one trial in one file.
pub(in crate::run) struct Part<'a, T: Row> {
    pub(in crate::run) rows: &'a [T::Kept],
    /// Whether no row of another trial follows them, so that the end of the file may be missing.
    pub(in crate::run) is_last: bool,
    /// Whether it certainly is: the file ends in half a row.
    pub(in crate::run) is_torn: bool,
}
