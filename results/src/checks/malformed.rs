//! A row that no client, replica or catalog wrote.

/// A row that lacks what its kind promises.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MalformedRow {
    pub(crate) file: &'static str,
    pub(crate) line: u64,
    pub(crate) reason: String,
}
