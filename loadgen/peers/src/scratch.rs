//! The folder of the systems' files while they run: one at a time, on the disk that is measured, and gone at the end.
//!
//! It has a fixed name, so that what a killed run left is removed by the next one, and its parent is locked, so that two
//! runs never share it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Its name in the folder of what is written.
const NAME: &str = "scratch";

/// The folder; removed when dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// An empty one in `out`, which is made.
    ///
    /// # Errors
    /// If another run has it, or the disk refuses.
    pub(crate) fn new(out: &Path) -> anyhow::Result<Self> {
        let failed = || format!("cannot use {}", out.display());
        fs::create_dir_all(out).with_context(failed)?;
        let out = out.canonicalize().with_context(failed)?;
        let lock = File::open(&out).with_context(failed)?;
        if lock.try_lock().is_err() {
            bail!("another run writes into {}: wait for it, or give another --out", out.display());
        }
        let path = out.join(NAME);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(failed)?;
        }
        fs::create_dir(&path).with_context(failed)?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_never_share_it_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("peers");
        fs::create_dir_all(out.join(NAME).join("left by a killed run")).unwrap();
        let first = Scratch::new(&out).unwrap();
        assert_eq!(fs::read_dir(first.path()).unwrap().count(), 0);
        assert!(Scratch::new(&out).unwrap_err().to_string().contains("another run"));
        drop(first);
        assert!(!out.join(NAME).exists());
    }
}
