//! The folder in which a target is tried.

use std::path::Path;

use anyhow::Context;
use tempfile::TempDir;

use crate::output::note;

/// A folder for a trial, and its logs. Whoever holds it keeps it, so it is removed after the last process has ended.
#[derive(Debug)]
pub(super) struct TrialFolder {
    folder: TempDir,
}

impl TrialFolder {
    /// Makes it.
    pub(super) fn new() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("double-trouble-target-").tempdir();
        let folder = folder.context("cannot make a temporary folder; set TMPDIR to another")?;
        std::fs::create_dir(folder.path().join("logs")).context("cannot make a folder")?;
        Ok(Self { folder })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes it; says where it is if it is to be kept, or if something `failed` of which there are logs.
    pub(super) fn end(self, keep: bool, failed: bool) -> anyhow::Result<()> {
        let mut logs = std::fs::read_dir(self.path().join("logs")).context("the logs are gone")?;
        if keep || (failed && logs.next().is_some()) {
            note!("logs, files and copies are kept in {}", self.folder.keep().display());
            return Ok(());
        }
        let path = self.path().to_owned();
        self.folder.close().with_context(|| format!("cannot remove {}", path.display()))
    }
}
