//! The folder of what is served: the user's, or one that is removed at the end.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The folder of all that is written.
pub(super) enum DataFolder {
    /// Named by the user.
    Kept(PathBuf),
    /// Ours; removed with this value.
    Temporary(tempfile::TempDir),
}

impl DataFolder {
    /// The one of that name, or a new one.
    pub(super) fn new(named: Option<&Path>) -> anyhow::Result<Self> {
        match named {
            Some(path) => {
                let why =
                    || format!("--data-dir {}: name a folder that can be written", path.display());
                faults::folder::make_private(path).with_context(why)?;
                Ok(Self::Kept(std::fs::canonicalize(path).with_context(why)?))
            }
            None => {
                let made = tempfile::Builder::new().prefix("double-trouble-").tempdir();
                let made =
                    made.context("cannot make a temporary folder; name one with --data-dir")?;
                Ok(Self::Temporary(made))
            }
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    /// What becomes of it, for people.
    pub(super) fn fate(&self) -> &'static str {
        match self {
            Self::Kept(_) => "kept",
            Self::Temporary(_) => "removed at the end; --data-dir keeps one",
        }
    }
}
