//! Files that belong into a run's folder beside its report.

/// A file that belongs beside the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFile {
    /// Its name in the run's folder.
    pub name: String,
    /// What it holds.
    pub contents: String,
}

/// How the names of pictures of histories begin.
pub(super) const PICTURES: &str = "linearizability-";
