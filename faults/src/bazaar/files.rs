//! The files of a process: copied while it is stopped for a moment, removed or put back while it is dead.
//!
//! A copy is what a crash at that moment would leave: the database, and the log of writes beside it, of one
//! moment. SQLite makes its `-shm` again, so that one is not copied.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{ActError, Bazaar, Slot};
use crate::act::CONFIRM_WITHIN;
use crate::clock::monotonic_us;
use crate::process::{ProcessName, ProcessState};
use crate::schedule::Action;
use supervisor::locked::locked;

/// What SQLite makes again.
const SHARED_MEMORY: &str = "-shm";

/// A copy of a process's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesCopy {
    /// Whose.
    pub name: ProcessName,
    /// When it was made, on `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    /// For how long the process was stopped for it.
    pub stopped_for: Duration,
    folder: PathBuf,
}

/// Files of a dead process that were changed, and seen to be.
#[derive(Clone, Copy, Debug)]
pub struct FilesChanged {
    /// The pid of the process's last incarnation.
    pub pid: u32,
    /// Just before it was done, on `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    /// How many files there were before, or are now.
    pub files: usize,
}

/// That the files of a process were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) name: ProcessName,
    /// Just before it was done, on `CLOCK_MONOTONIC`.
    pub(crate) at_monotonic_us: u64,
    /// An old copy was put back; otherwise they were lost.
    pub(crate) is_old: bool,
}

impl Bazaar {
    /// Whose files were changed, in the order in which it was done.
    pub(crate) fn changes_of_files(&self) -> Vec<Change> {
        locked(&self.files_changes).clone()
    }

    /// Copies the files of a process into `folder`, which is made: of one that runs while it is stopped for a moment.
    pub async fn copy_files(
        &self,
        name: ProcessName,
        folder: &Path,
    ) -> Result<FilesCopy, ActError> {
        let slot = self.slot(name)?;
        // Nobody starts it meanwhile.
        let _beginning = slot.beginning.lock().await;
        let failed = |source| ActError::Files { name, source };
        if self.slowed().iter().any(|begun| begun.name == name) {
            return Err(failed(io::Error::other("it is slow, and would run while it is copied")));
        }
        let child = slot.incarnation().child;
        let began = Instant::now();
        let halted = child.halt(true).is_ok();
        let copied = async {
            if halted && child.seen_stopped(true, CONFIRM_WITHIN).await.is_none() {
                // One that has ended writes nothing either.
                if child.exit().is_none() {
                    return Err(io::Error::other("it was not seen stopped"));
                }
            }
            let at_monotonic_us = monotonic_us();
            copy_all(&self.launch.files(name)?, folder)?;
            match child.threads_stopped() {
                Some(false) => Err(io::Error::other("it went on while it was copied")),
                Some(true) | None => Ok(at_monotonic_us),
            }
        };
        let copied = copied.await;
        if halted {
            // One that was paused or killed meanwhile needs nothing.
            let _ = child.halt(false);
        }
        let stopped_for = if halted { began.elapsed() } else { Duration::ZERO };
        let at_monotonic_us = copied.map_err(failed)?;
        Ok(FilesCopy { name, at_monotonic_us, stopped_for, folder: folder.to_owned() })
    }

    /// Removes all files of a process that is dead, and looks that none is left.
    pub async fn lose_files(&self, name: ProcessName) -> Result<FilesChanged, ActError> {
        self.change_files(name, Action::LoseFiles, |_| Ok(0)).await
    }

    /// Puts a copy in the place of the files of a process that is dead, and looks that they are equal.
    pub async fn put_back(&self, copy: &FilesCopy) -> Result<FilesChanged, ActError> {
        let put = |data: &Path| {
            let files = in_folder(&copy.folder, |_| true)?;
            copy_all(&files, data)?;
            for path in &files {
                let put = data.join(path.file_name().unwrap_or_default());
                if fs::read(path)? != fs::read(&put)? {
                    return Err(io::Error::other(format!("{} is another", put.display())));
                }
            }
            Ok(files.len())
        };
        self.change_files(copy.name, Action::OldFiles, put).await
    }

    /// Removes what is there, and does what comes then.
    async fn change_files(
        &self,
        name: ProcessName,
        action: Action,
        then: impl FnOnce(&Path) -> io::Result<usize>,
    ) -> Result<FilesChanged, ActError> {
        let slot: &Slot = self.slot(name)?;
        let _beginning = slot.beginning.lock().await;
        let child = slot.incarnation().child;
        let is = child.state();
        if is != ProcessState::Down {
            return Err(ActError::State { name, action, is });
        }
        let at_monotonic_us = monotonic_us();
        let change = || {
            // What it had not flushed went with them.
            self.disks.forget(name)?;
            let before = self.launch.files(name)?;
            before.iter().try_for_each(fs::remove_file)?;
            let left = self.launch.files(name)?.len();
            if left > 0 {
                return Err(io::Error::other(format!("{left} are still there")));
            }
            Ok(before.len().max(then(self.launch.data_dir())?))
        };
        let files = change().map_err(|source| ActError::Files { name, source })?;
        let is_old = action == Action::OldFiles;
        locked(&self.files_changes).push(Change { name, at_monotonic_us, is_old });
        Ok(FilesChanged { pid: child.pid(), at_monotonic_us, files })
    }

    /// Where copies of this fault are kept: beside the files, where no service looks.
    pub(crate) fn copies_of(&self, fault: u32) -> PathBuf {
        self.launch.data_dir().join(format!("copies-{fault}"))
    }
}

/// The files in a folder of which the names fit, in the order of their names.
pub(crate) fn in_folder(folder: &Path, fits: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && entry.file_name().to_str().is_some_and(&fits) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn copy_all(files: &[PathBuf], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for path in files {
        let name = path.file_name().unwrap_or_default();
        if !name.as_encoded_bytes().ends_with(SHARED_MEMORY.as_bytes()) {
            fs::copy(path, folder.join(name))?;
        }
    }
    Ok(())
}
