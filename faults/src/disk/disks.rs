//! The disks of one bazaar: what is wrong with each now, and what its process has not flushed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use super::journal::{Undone, Unflushed};
use super::library::Library;
use super::page::{self, Page, Word, memory_file, path_of};
use records::Processes;

use crate::process::ProcessName;
use crate::schedule::DiskFault;
use supervisor::locked::locked;

/// Which disks may be broken, so that the processes are prepared for it when they start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskFaults {
    /// Whose.
    pub processes: BTreeSet<ProcessName>,
    /// Whether their power may be cut: then what they write is kept track of until it is flushed.
    pub power_cuts: bool,
}

impl DiskFaults {
    /// Everything, at every one of these processes.
    #[must_use]
    pub fn everywhere(processes: &Processes) -> Self {
        Self { processes: processes.names().collect(), power_cuts: true }
    }
}

/// Something that is wrong with a disk now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ActiveDiskFault {
    pub(crate) fault: u32,
    pub(crate) process: ProcessName,
    pub(crate) kind: DiskFault,
}

#[derive(Debug)]
struct Disk {
    /// Below which its data is, without links: the library compares it with what the kernel calls a file.
    folder: PathBuf,
    page: Page,
    journal: File,
    unflushed: Mutex<Unflushed>,
}

/// The disks that can be broken.
#[derive(Debug)]
pub(crate) struct Disks {
    library: Library,
    power_cuts: bool,
    disks: BTreeMap<ProcessName, Disk>,
    active: Mutex<Vec<ActiveDiskFault>>,
}

impl Disks {
    /// Whole disks, for files below the folder of each process.
    pub(crate) fn new(
        faults: &DiskFaults,
        folders: &BTreeMap<ProcessName, PathBuf>,
    ) -> io::Result<Self> {
        let mut disks = BTreeMap::new();
        for name in &faults.processes {
            let (page, journal) = (Page::new()?, memory_file("disk-journal")?);
            let folder = folders.get(name).cloned().ok_or_else(|| {
                io::Error::other(format!("the target does not say where the data of {name} is"))
            })?;
            disks.insert(*name, Disk { folder, page, journal, unflushed: Mutex::default() });
        }
        let disks = Self {
            library: Library::new()?,
            power_cuts: faults.power_cuts,
            disks,
            active: Mutex::default(),
        };
        for name in &faults.processes {
            disks.tell(*name)?;
        }
        Ok(disks)
    }

    /// What the next incarnation of a process needs in its environment: nothing, if its disk is not broken in this run.
    /// The incarnation before must be over.
    pub(crate) fn begin_incarnation(
        &self,
        name: ProcessName,
    ) -> io::Result<Vec<(&'static str, OsString)>> {
        let Some(disk) = self.disks.get(&name) else { return Ok(Vec::new()) };
        disk.absorb()?;
        disk.page.set(Word::Pid, 0)?;
        Ok(vec![
            ("LD_PRELOAD", self.library.preload()),
            ("DOUBLE_TROUBLE_DISK_CONTROL", disk.page.path().into()),
            ("DOUBLE_TROUBLE_DISK_JOURNAL", path_of(&disk.journal).into()),
            ("DOUBLE_TROUBLE_DISK_DATA", disk.folder.clone().into()),
        ])
    }

    /// Whether the library answers from this very process, or it needs none.
    pub(crate) fn is_reached(&self, name: ProcessName, pid: u32) -> bool {
        self.disks.get(&name).is_none_or(|disk| disk.is_reached(pid))
    }

    /// Whether the disk of a process can be broken at all.
    pub(crate) fn has(&self, name: ProcessName) -> bool {
        self.disks.contains_key(&name)
    }

    /// Makes a disk worse; `fault` is the number by which [`heal`](Self::heal) knows it. Returns how many calls such a
    /// fault had hit before.
    pub(crate) fn inject(&self, active: ActiveDiskFault) -> io::Result<u64> {
        let before = self.hits(active.process, active.kind)?;
        self.active().push(active);
        self.tell(active.process)?;
        Ok(before)
    }

    /// Ends a fault. `None` if it had ended before.
    pub(crate) fn heal(&self, fault: u32) -> io::Result<Option<ActiveDiskFault>> {
        let healed = self.active().extract_if(.., |active| active.fault == fault).next();
        if let Some(healed) = healed {
            self.tell(healed.process)?;
        }
        Ok(healed)
    }

    /// What is wrong now.
    pub(crate) fn all_active(&self) -> Vec<ActiveDiskFault> {
        self.active().clone()
    }

    /// How many calls such a fault has hit so far.
    pub(crate) fn hits(&self, name: ProcessName, kind: DiskFault) -> io::Result<u64> {
        let word = match kind {
            DiskFault::Stall => Word::Stalled,
            DiskFault::Slow(_) => Word::Slowed,
            DiskFault::Full => Word::Refused,
        };
        self.disks.get(&name).map_or(Ok(0), |disk| disk.page.get(word))
    }

    /// How many flushes of a process are being held now.
    pub(crate) fn held(&self, name: ProcessName) -> io::Result<u64> {
        self.disks.get(&name).map_or(Ok(0), |disk| disk.page.get(Word::Held))
    }

    /// Takes back what a process that is dead had not flushed.
    pub(crate) fn undo(&self, name: ProcessName) -> io::Result<Undone> {
        let Some(disk) = self.disks.get(&name) else { return Ok(Undone::default()) };
        disk.absorb()?;
        disk.unflushed().undo()
    }

    /// Takes it that a process that is dead has flushed everything: its files are about to be replaced, and what is undone
    /// later must not be undone in what takes their place.
    pub(crate) fn forget(&self, name: ProcessName) -> io::Result<()> {
        let Some(disk) = self.disks.get(&name) else { return Ok(()) };
        disk.absorb()?;
        *disk.unflushed() = Unflushed::default();
        Ok(())
    }

    /// Writes into a process's page what is wrong with its disk.
    fn tell(&self, name: ProcessName) -> io::Result<()> {
        let Some(disk) = self.disks.get(&name) else { return Ok(()) };
        let active = self.active();
        let kinds = active.iter().filter(|active| active.process == name).map(|active| active.kind);
        let mut mode = if self.power_cuts { page::JOURNAL } else { 0 };
        let mut slow_by_us = 0;
        for kind in kinds {
            match kind {
                DiskFault::Stall => mode |= page::STALL,
                DiskFault::Slow(by) => {
                    mode |= page::SLOW;
                    slow_by_us = slow_by_us.max(u64::try_from(by.as_micros()).unwrap_or(u64::MAX));
                }
                DiskFault::Full => mode |= page::FULL,
            }
        }
        disk.page.set(Word::SlowByUs, slow_by_us)?;
        disk.page.set(Word::Mode, mode)
    }

    fn active(&self) -> MutexGuard<'_, Vec<ActiveDiskFault>> {
        locked(&self.active)
    }
}

impl Disk {
    fn is_reached(&self, pid: u32) -> bool {
        let version = self.page.get(Word::Version).ok();
        let is_loaded =
            version == Some(page::VERSION) && self.page.get(Word::Pid).ok() == Some(pid.into());
        // A program that it replaced itself with (a shell's exec) may have been started without the library.
        let maps = fs::read_to_string(format!("/proc/{pid}/maps"));
        is_loaded && maps.is_ok_and(|maps| maps.contains(page::CONTROL))
    }

    fn unflushed(&self) -> MutexGuard<'_, Unflushed> {
        locked(&self.unflushed)
    }

    /// Takes in what the process's last incarnation has left in the journal, and empties it. Places in it go on counting.
    fn absorb(&self) -> io::Result<()> {
        let failed = i32::try_from(self.page.get(Word::JournalError)?).unwrap_or(i32::MAX);
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        let (begin, end) = (self.page.get(Word::JournalBegin)?, self.page.get(Word::JournalEnd)?);
        let length = usize::try_from(end.saturating_sub(begin)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.journal.read_exact_at(&mut bytes, begin)?;
        self.unflushed().absorb(&bytes, begin).map_err(io::Error::other)?;
        // The memory of what was read goes back; the file's length says nothing.
        self.journal.set_len(0)?;
        self.page.set(Word::JournalBegin, end)
    }
}
