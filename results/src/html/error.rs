//! Why the page could not be written.

use std::io;
use std::path::PathBuf;

use crate::charts::ChartError;
use crate::records::FolderError;

/// The page's name in a run's folder.
pub const FILE: &str = "report.html";

/// Why the page could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A file of the run could not be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A chart could not be drawn.
    #[error(transparent)]
    Drawing(#[from] ChartError),
    /// A chart could not be read back.
    #[error("cannot read {path}: {source}")]
    Chart {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The template could not be filled in.
    #[error("cannot lay out {FILE}: {0}")]
    Layout(#[from] askama::Error),
    /// The page could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
