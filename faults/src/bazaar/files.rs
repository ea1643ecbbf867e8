//! The files of a process: copied while it is stopped for a moment, removed or put back while it is dead.
//!
//! A copy is what a crash at that moment would leave: the database, and the log of writes beside it, of one
//! moment. SQLite makes its `-shm` again, so that one is not copied.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use supervisor::locked::locked;
use supervisor::tree::SignalError;

use super::data::DataPath;
use super::{ActError, Bazaar};
use crate::clock::monotonic_us;
use crate::process::{ProcessName, ProcessState};
use crate::schedule::Action;

/// A copy of a process's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesCopy {
    /// Whose.
    pub name: ProcessName,
    /// When it was made, on `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    /// For how long the process was stopped for it.
    pub stopped_for: Duration,
    /// Each path of its data, and where the copy of it is.
    parts: Vec<(DataPath, PathBuf)>,
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
        let paths = self.data_of(name, Action::OldFiles)?;
        // Nobody starts it meanwhile.
        let _beginning = self.beginning(name).await?;
        let failed = |source| ActError::Files { name, source };
        if self.slowed().iter().any(|begun| begun.name == name) {
            return Err(failed(io::Error::other("it is slow, and would run while it is copied")));
        }
        let process = self.incarnation(name)?;
        let began = Instant::now();
        let halted = match process.halt().await {
            Ok(_) => true,
            // One that has ended writes nothing either, and one that is paused is stopped.
            Err(SignalError::Ended | SignalError::Paused) => false,
            Err(error) => {
                // Some of its processes may have been stopped.
                let _ = process.go().await;
                return Err(failed(io::Error::other(format!("it was not seen stopped: {error}"))));
            }
        };
        let copied = async {
            let at_monotonic_us = monotonic_us();
            let alone = paths.len() == 1;
            let place = |number: usize| {
                if alone { folder.to_owned() } else { folder.join(number.to_string()) }
            };
            let parts = paths.iter().enumerate();
            let parts = parts.map(|(number, path)| Ok((DataPath::new(path)?, place(number))));
            let parts = parts.collect::<io::Result<Vec<_>>>()?;
            for (data, place) in &parts {
                data.copy_to(place)?;
            }
            match process.seen_stopped().await {
                Ok(_) | Err(SignalError::Ended) => Ok((at_monotonic_us, parts)),
                Err(error) => {
                    Err(io::Error::other(format!("it went on while it was copied: {error}")))
                }
            }
        };
        let copied = copied.await;
        if halted {
            // One that was paused or killed meanwhile needs nothing.
            let _ = process.go().await;
        }
        let stopped_for = if halted { began.elapsed() } else { Duration::ZERO };
        let (at_monotonic_us, parts) = copied.map_err(failed)?;
        Ok(FilesCopy { name, at_monotonic_us, stopped_for, parts })
    }

    /// Removes all files of a process that is dead, and looks that none is left.
    pub async fn lose_files(&self, name: ProcessName) -> Result<FilesChanged, ActError> {
        self.change_files(name, Action::LoseFiles, || Ok(0)).await
    }

    /// Puts a copy in the place of the files of a process that is dead, and looks that they are equal.
    pub async fn put_back(&self, copy: &FilesCopy) -> Result<FilesChanged, ActError> {
        let put = || copy.parts.iter().map(|(data, place)| data.put_back(place)).sum();
        self.change_files(copy.name, Action::OldFiles, put).await
    }

    /// Removes what is there, and does what comes then.
    async fn change_files(
        &self,
        name: ProcessName,
        action: Action,
        then: impl FnOnce() -> io::Result<usize>,
    ) -> Result<FilesChanged, ActError> {
        let paths = self.data_of(name, action)?;
        let _beginning = self.beginning(name).await?;
        let process = self.incarnation(name)?;
        let is = process.state();
        if is != ProcessState::Down {
            return Err(ActError::State { name, action, is });
        }
        let at_monotonic_us = monotonic_us();
        let change = || {
            // What it had not flushed went with them.
            self.disks.forget(name)?;
            let before = files(paths)?;
            before.iter().try_for_each(fs::remove_file)?;
            let left = files(paths)?.len();
            if left > 0 {
                return Err(io::Error::other(format!("{left} are still there")));
            }
            Ok(before.len().max(then()?))
        };
        let files = change().map_err(|source| ActError::Files { name, source })?;
        let is_old = action == Action::OldFiles;
        locked(&self.files_changes).push(Change { name, at_monotonic_us, is_old });
        Ok(FilesChanged { pid: process.pid(), at_monotonic_us, files })
    }

    fn data_of(&self, name: ProcessName, action: Action) -> Result<&[PathBuf], ActError> {
        self.incarnation(name)?;
        self.must_be_here(name, action)?;
        let paths = self.data.get(&name).filter(|paths| !paths.is_empty());
        paths.map(Vec::as_slice).ok_or(ActError::NoData(name))
    }

    /// Where copies of this fault are kept.
    pub(crate) fn copies_of(&self, fault: u32) -> PathBuf {
        self.copies.join(format!("copies-{fault}"))
    }
}

/// The files that these paths stand for now.
fn files(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let files: Vec<_> =
        paths.iter().map(|path| DataPath::new(path)?.files()).collect::<io::Result<_>>()?;
    Ok(files.concat())
}
