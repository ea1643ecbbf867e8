//! Why a page over several runs cannot be made.

use std::io;
use std::path::{Path, PathBuf};

use results::charts::ChartError;
use results::records::FolderError;

/// Why a page over several runs cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// A file of a run cannot be read, or is none.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file with figures is not what it should be.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file cannot be written or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A chart cannot be drawn.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// The template cannot be filled in.
    #[error("cannot lay out the page: {0}")]
    Layout(#[from] askama::Error),
}

impl CampaignError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn file(path: &Path, reason: impl ToString) -> Self {
        Self::File { path: path.to_owned(), reason: reason.to_string() }
    }
}
