//! What a process has written to its files and not flushed, and how a power cut takes it back.
//!
//! The library appends to a journal what each block held before it was changed for the first time since the
//! file's last flush (`preload/journal.c` writes what is read here). What the disk is sure to have is what
//! is left when all of that is undone, the newest first; so is what a file's name was before its folder was flushed.
//!
//! All that was not flushed is taken back together. That a disk keeps a part of it, or writes it in another
//! order, is not modelled; neither is a name that comes back because its removal was not flushed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Something that is not sure to be on disk, and what was before.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// The file's size may have changed; it was this.
    Size(PathBuf, u64),
    /// These bytes were at this offset of the file.
    Bytes(PathBuf, u64, Vec<u8>),
    /// There was no such file.
    Made(PathBuf),
    /// It was called the first and is called the second.
    Renamed(PathBuf, PathBuf),
}

impl Change {
    /// Of a file's content: which file.
    fn content_of(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Size(path, _) | Self::Bytes(path, ..) => Some(path),
            Self::Made(_) | Self::Renamed(..) => None,
        }
    }

    /// Of a name: the path that came to be.
    fn name(&self) -> Option<&Path> {
        match self {
            Self::Made(path) | Self::Renamed(_, path) => Some(path),
            Self::Size(..) | Self::Bytes(..) => None,
        }
    }
}

/// A journal that cannot be understood: a power cut by it would undo the wrong things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal of writes makes no sense at byte {0}")]
pub struct BadJournal(u64);

/// What was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// How many files had their content changed back.
    pub files: usize,
    /// How many bytes of them were overwritten with what had been there.
    pub bytes: u64,
    /// How many files were removed or renamed back.
    pub names: usize,
}

impl fmt::Display for Undone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, bytes, names } = self;
        write!(f, "took back {files} files ({bytes} bytes overwritten) and {names} names")
    }
}

/// Everything of one process that is not sure to be on disk, through all its incarnations: a process that is killed
/// leaves it to the operating system, and a power cut of the next one loses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unflushed {
    /// In the order in which it was done, each with the place of its record in the journal.
    changes: Vec<(u64, Change)>,
}

impl Unflushed {
    /// Takes in a journal's records, of which the first is at `begin`; all of one incarnation's.
    ///
    /// # Errors
    /// A record that makes no sense.
    pub fn absorb(&mut self, journal: &[u8], begin: u64) -> Result<(), BadJournal> {
        let mut rest = journal;
        let mut files = BTreeMap::new();
        while !rest.is_empty() {
            let at = begin + (journal.len() - rest.len()) as u64;
            let record = Record::split(&mut rest).ok_or(BadJournal(at))?;
            self.take_in(at, &record, &mut files).ok_or(BadJournal(at))?;
        }
        Ok(())
    }

    fn take_in(
        &mut self,
        at: u64,
        record: &Record<'_>,
        files: &mut BTreeMap<u32, PathBuf>,
    ) -> Option<()> {
        let &Record { kind, file, value, data } = record;
        let path = || PathBuf::from(OsStr::from_bytes(data));
        let of_file = |files: &BTreeMap<u32, PathBuf>| files.get(&file).cloned();
        match kind {
            1 => _ = files.insert(file, path()),
            2 => self.changes.push((at, Change::Size(of_file(files)?, value))),
            3 => self.changes.push((at, Change::Bytes(of_file(files)?, value, data.to_owned()))),
            4 => {
                let flushed = of_file(files)?;
                self.forget(|made_at, change| {
                    made_at < value && change.content_of().is_some_and(|path| *path == flushed)
                });
            }
            5 => self.changes.push((at, Change::Made(path()))),
            6 => {
                let middle = data.iter().position(|byte| *byte == 0)?;
                let name = |bytes| PathBuf::from(OsStr::from_bytes(bytes));
                let (from, to) = (name(&data[..middle]), name(&data[middle + 1..]));
                for path in self.changes.iter_mut().filter_map(|(_, change)| change.content_of()) {
                    if *path == from {
                        path.clone_from(&to);
                    }
                }
                if value != 0 {
                    self.changes.push((at, Change::Renamed(from, to)));
                }
            }
            7 => {
                let gone = path();
                self.forget(|_, change| {
                    change.name() == Some(&gone)
                        || change.content_of().is_some_and(|path| *path == gone)
                });
            }
            8 => {
                let folder = path();
                self.forget(|made_at, change| {
                    let parent = change.name().and_then(Path::parent);
                    made_at < value && parent == Some(&folder)
                });
            }
            _ => return None,
        }
        Some(())
    }

    fn forget(&mut self, of: impl Fn(u64, &mut Change) -> bool) {
        self.changes.retain_mut(|(at, change)| !of(*at, change));
    }

    /// Makes the files what the disk is sure to have. Nothing may write to them meanwhile.
    ///
    /// # Errors
    /// A file that cannot be changed back. One that is gone is as gone as it was.
    pub fn undo(&mut self) -> io::Result<Undone> {
        let changes = std::mem::take(&mut self.changes);
        let (mut undone, mut touched) = (Undone::default(), BTreeSet::new());
        // Contents first: their files have the names that they were renamed to.
        for (_, change) in changes.iter().rev() {
            let (Change::Size(path, _) | Change::Bytes(path, ..)) = change else { continue };
            let file = match File::options().write(true).open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            match change {
                Change::Bytes(_, offset, bytes) => {
                    file.write_all_at(bytes, *offset)?;
                    undone.bytes += bytes.len() as u64;
                }
                Change::Size(_, size) => file.set_len(*size)?,
                Change::Made(_) | Change::Renamed(..) => {}
            }
            touched.insert(path);
        }
        undone.files = touched.len();
        for (_, change) in changes.iter().rev() {
            let done = match change {
                Change::Made(path) => fs::remove_file(path),
                Change::Renamed(from, to) => fs::rename(to, from),
                Change::Size(..) | Change::Bytes(..) => continue,
            };
            match done {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                done => undone.names += usize::from(done.is_ok()),
            }
        }
        Ok(undone)
    }
}

/// A record of the journal: `struct header` of `preload/journal.c`, and what follows it.
struct Record<'a> {
    kind: u32,
    file: u32,
    value: u64,
    data: &'a [u8],
}

impl<'a> Record<'a> {
    fn split(bytes: &mut &'a [u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first_chunk()?;
        let (file, rest) = rest.split_first_chunk()?;
        let (value, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (data, rest) =
            rest.split_at_checked(usize::try_from(u64::from_ne_bytes(*length)).ok()?)?;
        *bytes = rest;
        let (kind, file) = (u32::from_ne_bytes(*kind), u32::from_ne_bytes(*file));
        Some(Self { kind, file, value: u64::from_ne_bytes(*value), data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A journal that is written here, beside the files that it is about.
    struct Written {
        folder: tempfile::TempDir,
        bytes: Vec<u8>,
    }

    impl Written {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), bytes: Vec::new() }
        }

        fn path(&self, name: &str) -> String {
            self.folder.path().join(name).to_str().unwrap().to_owned()
        }

        fn record(&mut self, kind: u32, file: u32, value: u64, data: impl AsRef<[u8]>) -> u64 {
            let (at, data) = (self.bytes.len() as u64, data.as_ref());
            self.bytes.extend([kind.to_ne_bytes(), file.to_ne_bytes()].concat());
            self.bytes.extend([value.to_ne_bytes(), (data.len() as u64).to_ne_bytes()].concat());
            self.bytes.extend(data);
            at
        }

        fn undo(&self) -> Undone {
            let mut unflushed = Unflushed::default();
            unflushed.absorb(&self.bytes, 0).unwrap();
            unflushed.undo().unwrap()
        }
    }

    #[test]
    fn what_was_not_flushed_is_undone_the_newest_first() {
        let mut journal = Written::new();
        let path = journal.path("a");
        fs::write(&path, "third state, longer").unwrap();
        journal.record(1, 0, 0, &path);
        journal.record(2, 0, 5, "");
        journal.record(3, 0, 0, "first");
        journal.record(3, 0, 0, "later");
        assert_eq!(journal.undo(), Undone { files: 1, bytes: 10, names: 0 });
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
    }

    #[test]
    fn a_flush_covers_the_records_before_it_of_its_own_file() {
        let mut journal = Written::new();
        let (one, other) = (journal.path("one"), journal.path("other"));
        for path in [&one, &other] {
            fs::write(path, "new").unwrap();
        }
        journal.record(1, 0, 0, &one);
        journal.record(1, 1, 0, &other);
        journal.record(3, 0, 0, "old");
        let position = journal.record(3, 1, 0, "old");
        journal.record(4, 0, position, "");
        // Written while the flush was under way: it says nothing about this.
        journal.record(4, 1, position, "");
        journal.undo();
        assert_eq!(fs::read_to_string(&one).unwrap(), "new");
        assert_eq!(fs::read_to_string(&other).unwrap(), "old");
    }

    #[test]
    fn names_are_undone_unless_their_folder_was_flushed() {
        let mut journal = Written::new();
        let names = ["kept", "gone", "moved", "back"].map(|name| journal.path(name));
        let [kept, gone, moved, back] = &names;
        for path in [kept, gone, moved] {
            fs::write(path, "").unwrap();
        }
        journal.record(5, 0, 0, kept);
        let position = journal.record(5, 0, 0, gone);
        journal.record(6, 0, 1, format!("{back}\0{moved}"));
        let folder = journal.path("");
        journal.record(8, 0, position, folder.trim_end_matches('/'));
        assert_eq!(journal.undo().names, 2);
        let there = names.each_ref().map(|path| Path::new(path).exists());
        assert_eq!(there, [true, false, false, true]);
    }

    #[test]
    fn content_follows_its_file_to_another_name() {
        let mut journal = Written::new();
        let (old, new) = (journal.path("old"), journal.path("new"));
        fs::write(&new, "changed").unwrap();
        journal.record(1, 0, 0, &old);
        journal.record(3, 0, 0, "content");
        journal.record(6, 0, 0, format!("{old}\0{new}"));
        journal.undo();
        assert_eq!(fs::read_to_string(&new).unwrap(), "content");
        assert!(!Path::new(&old).exists());
    }

    #[test]
    fn what_was_removed_is_not_brought_back() {
        let mut journal = Written::new();
        let path = journal.path("a");
        journal.record(1, 0, 0, &path);
        journal.record(2, 0, 3, "");
        journal.record(5, 0, 0, &path);
        journal.record(7, 0, 0, &path);
        assert_eq!(journal.undo(), Undone::default());
        assert!(!Path::new(&path).exists());
    }

    #[test]
    fn a_journal_that_was_cut_off_is_refused() {
        let mut journal = Written::new();
        journal.record(1, 0, 0, "/a");
        journal.record(2, 0, 3, "");
        let mut unflushed = Unflushed::default();
        let cut = &journal.bytes[..journal.bytes.len() - 1];
        assert_eq!(unflushed.absorb(cut, 100), Err(BadJournal(126)));
        assert_eq!(unflushed.absorb(&[9; 24], 0), Err(BadJournal(0)));
    }
}
