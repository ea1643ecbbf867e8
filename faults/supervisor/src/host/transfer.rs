//! Files that are taken to a host, looked at there, and brought back.

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use super::bootstrap::BROUGHT;
use super::files;
use super::link::{HostError, HostLink, NONSENSE, text};
use super::protocol::{Answer, CHUNK_BYTES, Listed, Question};

/// How deep folders are copied: far beyond any project's.
pub(super) const MAX_DEPTH: usize = 128;

impl HostLink {
    /// Makes a folder, and those on the way to it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub async fn make_folder(&self, path: &Path) -> Result<(), HostError> {
        self.ask(Question::MakeFolder { path: text(path) }).await.map(drop)
    }

    /// Writes a file with this mode, and makes the folders on the way to it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn write(&self, path: &Path, mode: u32, content: &[u8]) -> Result<(), HostError> {
        let mut chunks = content.chunks(CHUNK_BYTES);
        let first = chunks.next().unwrap_or_default();
        for (begins, data) in std::iter::once((true, first)).chain(chunks.map(|data| (false, data)))
        {
            let (path, data) = (text(path), data.to_vec());
            self.ask(Question::Write { path, mode, begins, data }).await?;
        }
        Ok(())
    }

    /// Copies a file of ours, or a folder with what is in it. Links are followed; sockets, pipes and devices are left out.
    ///
    /// # Errors
    /// What cannot be read here or written there.
    pub async fn copy(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        let mut left = vec![(from.to_owned(), to.to_owned(), MAX_DEPTH)];
        while let Some((from, to, depth)) = left.pop() {
            let unread = |error| self.failed(format!("cannot read {}: {error}", from.display()));
            let found = std::fs::metadata(&from).map_err(unread)?;
            if found.is_file() {
                let content = std::fs::read(&from).map_err(unread)?;
                self.write(&to, found.permissions().mode() & 0o777, &content).await?;
            } else if found.is_dir() && depth > 0 {
                self.make_folder(&to).await?;
                for entry in std::fs::read_dir(&from).map_err(unread)? {
                    let entry = entry.map_err(unread)?;
                    left.push((entry.path(), to.join(entry.file_name()), depth - 1));
                }
            } else if found.is_dir() {
                let from = from.display();
                return Err(self.failed(format!("{from} is more than {MAX_DEPTH} folders deep")));
            }
        }
        Ok(())
    }

    /// Whether the program at a path there is the one that is here at the same path, byte by byte.
    ///
    /// # Errors
    /// If ours cannot be read, or the host is lost.
    pub async fn has_program(&self, path: &Path) -> Result<bool, HostError> {
        let own = self.own_hash(path)?;
        match self.ask(Question::HashOfProgram { path: text(path) }).await? {
            Answer::Hash(theirs) => Ok(theirs == Some(own)),
            _ => Err(self.failed(NONSENSE.to_owned())),
        }
    }

    /// Where this very program is there: where it was brought to, or the same path as here.
    ///
    /// # Errors
    /// If the host is lost, or nobody knows where this program is.
    pub async fn program(&self) -> Result<PathBuf, HostError> {
        let brought = self.folder().join(BROUGHT);
        match self.ask(Question::HashOfProgram { path: text(&brought) }).await? {
            Answer::Hash(Some(_)) => Ok(brought),
            Answer::Hash(None) => std::env::current_exe()
                .map_err(|error| self.failed(format!("where this program is: {error}"))),
            _ => Err(self.failed(NONSENSE.to_owned())),
        }
    }

    /// What a file there holds, if that is at most `max_bytes` long.
    ///
    /// # Errors
    /// If it cannot be read, or is longer.
    pub async fn read(&self, path: &Path, max_bytes: u64) -> Result<Vec<u8>, HostError> {
        let content = self.read_if_there(path, max_bytes).await?;
        content.ok_or_else(|| self.failed(format!("there is no {}", path.display())))
    }

    /// The same of a file that need not be there: nothing if it is not.
    ///
    /// # Errors
    /// If nobody knows whether it is there, or it cannot be read, or is longer.
    pub async fn read_if_there(
        &self,
        path: &Path,
        max_bytes: u64,
    ) -> Result<Option<Vec<u8>>, HostError> {
        let mut content = Vec::new();
        loop {
            let ends = match self.part(path, content.len() as u64).await? {
                Some((data, ends)) => {
                    content.extend(data);
                    ends
                }
                None if content.is_empty() => return Ok(None),
                None => {
                    let path = path.display();
                    return Err(self.failed(format!("{path} was removed while it was read")));
                }
            };
            if content.len() as u64 > max_bytes {
                return Err(self.failed(format!("the file is longer than {max_bytes} bytes")));
            }
            if ends {
                return Ok(Some(content));
            }
        }
    }

    /// The first mebibyte of a file there, or all of it if it is shorter; nothing if it is not there.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn beginning(&self, path: &Path) -> Result<Option<Vec<u8>>, HostError> {
        Ok(self.part(path, 0).await?.map(|(data, _)| data))
    }

    /// Whether a file there holds what a file of ours does, byte by byte. One that is not there does not.
    ///
    /// # Errors
    /// If one of both cannot be read.
    pub async fn holds_the_same(&self, own: &Path, there: &Path) -> Result<bool, HostError> {
        let own = self.own_hash(own)?;
        match self.ask(Question::HashOfFile { path: text(there) }).await? {
            Answer::Hash(theirs) => Ok(theirs == Some(own)),
            _ => Err(self.failed(NONSENSE.to_owned())),
        }
    }

    fn own_hash(&self, path: &Path) -> Result<String, HostError> {
        let hashed = files::hash(path).map(|(hash, _)| hash);
        hashed.map_err(|error| self.failed(format!("cannot read {}: {error}", path.display())))
    }

    /// A part of a file there, from `offset` on, and whether nothing follows it; nothing if it is not there.
    async fn part(&self, path: &Path, offset: u64) -> Result<Option<(Vec<u8>, bool)>, HostError> {
        match self.ask(Question::Read { path: text(path), offset }).await? {
            Answer::Part { data, ends } => Ok(Some((data, ends))),
            Answer::NoFile => Ok(None),
            _ => Err(self.failed(NONSENSE.to_owned())),
        }
    }

    /// Copies what is in a folder of the host into one here, if that is at most `max_bytes`. Links, sockets, pipes and devices are
    /// left out; of what is only zeros no disk is taken here either. What is not there is nothing to copy.
    ///
    /// # Errors
    /// What cannot be read there or written here; what was copied before that stays.
    pub async fn bring_back(
        &self,
        from: &Path,
        to: &Path,
        max_bytes: u64,
    ) -> Result<(), HostError> {
        let Answer::Files(found) = self.ask(Question::List { path: text(from) }).await? else {
            return Err(self.failed(NONSENSE.to_owned()));
        };
        let bytes: u64 = found.iter().map(|file| file.bytes).sum();
        if bytes > max_bytes {
            let (from, most) = (from.display(), max_bytes >> 20);
            let problem = format!("{from} holds {} MiB, and at most {most} are taken", bytes >> 20);
            return Err(self.failed(problem));
        }
        for file in found {
            let below = Path::new(&file.path);
            // It is below the folder there, and so it is here.
            if !below.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(self.failed(NONSENSE.to_owned()));
            }
            self.bring_file(&from.join(below), &to.join(below), &file).await?;
        }
        Ok(())
    }

    async fn bring_file(&self, from: &Path, to: &Path, file: &Listed) -> Result<(), HostError> {
        let unwritten = |error| self.failed(format!("cannot write {}: {error}", to.display()));
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(unwritten)?;
        }
        // Whoever may read it there may be somebody else here.
        let made = File::options().write(true).create_new(true).mode(file.mode & 0o700).open(to);
        let (made, mut written) = (made.map_err(unwritten)?, 0);
        // One that has been removed since was nobody's to keep.
        while let Some((data, ends)) = self.part(from, written).await? {
            if data.iter().any(|byte| *byte != 0) {
                made.write_all_at(&data, written).map_err(unwritten)?;
            }
            written += data.len() as u64;
            if ends {
                break;
            }
        }
        made.set_len(written).map_err(unwritten)
    }
}
