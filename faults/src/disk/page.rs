//! The page that the harness shares with the library in one process: `preload/control.h` has the same words.
//!
//! The library maps it; the harness, which forbids itself unsafe code, reads and writes the same file at
//! offsets. The kernel keeps both the same.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// What the library must say at its handshake.
pub(super) const VERSION: u64 = 1;
/// What the page is called among the mappings of its process.
pub(super) const CONTROL: &str = "disk-control";
const WORD_BYTES: u64 = 8;
const PAGE_BYTES: u64 = 4096;

/// The bits of [`Word::Mode`].
pub(super) const STALL: u64 = 1;
pub(super) const SLOW: u64 = 2;
pub(super) const FULL: u64 = 4;
pub(super) const JOURNAL: u64 = 8;

/// A word, by its place in the page.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    Mode,
    SlowByUs,
    Version,
    Pid,
    Stalled,
    Slowed,
    Refused,
    Held,
    JournalBegin,
    JournalEnd,
    JournalError,
}

/// A file in memory that a child can open, too.
pub(super) fn memory_file(name: &str) -> io::Result<File> {
    Ok(memfd_create(name, MFdFlags::MFD_CLOEXEC)?.into())
}

/// By what name a child opens it.
pub(super) fn path_of(file: &File) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
}

/// One process's page.
#[derive(Debug)]
pub(super) struct Page(File);

impl Page {
    pub(super) fn new() -> io::Result<Self> {
        let file = memory_file(CONTROL)?;
        file.set_len(PAGE_BYTES)?;
        Ok(Self(file))
    }

    pub(super) fn path(&self) -> PathBuf {
        path_of(&self.0)
    }

    pub(super) fn get(&self, word: Word) -> io::Result<u64> {
        let mut bytes = [0; WORD_BYTES as usize];
        self.0.read_exact_at(&mut bytes, word as u64 * WORD_BYTES)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    pub(super) fn set(&self, word: Word, value: u64) -> io::Result<()> {
        self.0.write_all_at(&value.to_ne_bytes(), word as u64 * WORD_BYTES)
    }
}
