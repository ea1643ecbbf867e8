//! A trial's workspace, and the changes that a target makes in it.
//!
//! The invariant: nothing outside of the folder is changed, nor the folder itself, whatever a path or a symbolic link
//! in it says. A path is looked at once links are resolved. The target's processes are down meanwhile, so nobody turns a
//! folder into a link between the look and the change.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};

/// How deep folders are copied: far beyond any project's, and short of a stack's end.
const MAX_DEPTH: usize = 128;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The path leads out of the folder.
    #[error("{path} is not below {folder}, and only what is may be changed")]
    Outside {
        /// The path.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// The system refused.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was to be done.
        what: &'static str,
        /// To which path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A folder that may be changed.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at `root`, which must be there.
    ///
    /// # Errors
    /// If it is not.
    pub fn new(root: &Path) -> Result<Self, FolderError> {
        let root = root.canonicalize().map_err(at("find", root))?;
        Ok(Self { root })
    }

    /// Where it is, without links.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a path leads, relative ones from the folder, once links are resolved. It need not exist.
    ///
    /// # Errors
    /// If that is the folder itself or not below it.
    pub fn resolve(&self, path: &Path) -> Result<PathBuf, FolderError> {
        let outside = || FolderError::Outside { path: path.to_owned(), folder: self.root.clone() };
        let mut there = self.root.join(path);
        let mut missing = Vec::new();
        // A link that leads nowhere is one that leads out as soon as somebody makes what it names.
        while let Err(error) = there.symlink_metadata() {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(at("look at", path)(error));
            }
            let Some(Component::Normal(name)) = there.components().next_back() else {
                return Err(outside());
            };
            missing.push(name.to_owned());
            there.pop();
        }
        let mut resolved = there.canonicalize().map_err(at("resolve", path))?;
        resolved.extend(missing.iter().rev());
        if resolved == self.root || !resolved.starts_with(&self.root) {
            return Err(outside());
        }
        Ok(resolved)
    }

    /// Removes a file, or a folder with what is in it. That there is none is fine.
    ///
    /// # Errors
    /// If it is not below the folder, or cannot be removed.
    pub fn remove(&self, path: &Path) -> Result<(), FolderError> {
        let there = self.resolve(path)?;
        let removed = match there.symlink_metadata() {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&there),
            Ok(_) => fs::remove_file(&there),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("remove", path)(error)),
            _ => Ok(()),
        }
    }

    /// Makes a folder, and those on the way to it. That it is there is fine.
    ///
    /// # Errors
    /// If it is not below the folder, or cannot be made.
    pub fn mkdir(&self, path: &Path) -> Result<(), FolderError> {
        fs::create_dir_all(self.resolve(path)?).map_err(at("make", path))
    }

    /// Writes a file, and makes the folders on the way to it.
    ///
    /// # Errors
    /// If it is not below the folder, or cannot be written.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), FolderError> {
        let there = self.resolve(path)?;
        make_parent(&there)?;
        fs::write(there, text).map_err(at("write", path))
    }

    /// The same, of a file that nobody but its owner may read, not even for a moment.
    ///
    /// # Errors
    /// If it is not below the folder, or cannot be written.
    pub fn write_private(&self, path: &Path, text: &str) -> Result<(), FolderError> {
        let there = self.resolve(path)?;
        make_parent(&there)?;
        // One that is there may be open to others.
        self.remove(path)?;
        let made = File::options().write(true).create_new(true).mode(0o600).open(there);
        let written = made.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(at("write", path))
    }

    /// Copies a file, or a folder with what is in it, over what is there. Links are copied as links; sockets, pipes and
    /// devices are left out. `from` may be anywhere.
    ///
    /// # Errors
    /// If the copy is not below the folder, would hold itself, or cannot be made.
    pub fn copy(&self, from: &Path, to: &Path) -> Result<(), FolderError> {
        let there = self.resolve(to)?;
        let source = from.canonicalize().map_err(at("read", from))?;
        if there.starts_with(&source) {
            let within = io::Error::other("the copy would be a part of what is copied");
            return Err(at("copy", from)(within));
        }
        make_parent(&there)?;
        copy_entry(&source, &there, MAX_DEPTH)
    }
}

fn at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError + use<> {
    let path = path.to_owned();
    move |source| FolderError::Io { what, path, source }
}

fn make_parent(path: &Path) -> Result<(), FolderError> {
    path.parent().map_or(Ok(()), |parent| fs::create_dir_all(parent).map_err(at("make", parent)))
}

/// Copies what is at `from`. What a link at `to` or in it names is never written to: a link there is replaced.
fn copy_entry(from: &Path, to: &Path, depth: usize) -> Result<(), FolderError> {
    let kind = from.symlink_metadata().map_err(at("read", from))?.file_type();
    let old = to.symlink_metadata().ok().map(|found| found.file_type());
    if old.is_some_and(|old| old.is_symlink() || (!old.is_dir() && !kind.is_file())) {
        fs::remove_file(to).map_err(at("replace", to))?;
    }
    if kind.is_symlink() {
        let target = fs::read_link(from).map_err(at("read", from))?;
        return symlink(target, to).map_err(at("copy", from));
    }
    if kind.is_file() {
        return fs::copy(from, to).map(drop).map_err(at("copy", from));
    }
    if !kind.is_dir() {
        return Ok(());
    }
    if depth == 0 {
        return Err(at("copy", from)(io::Error::other(format!(
            "it is more than {MAX_DEPTH} folders deep"
        ))));
    }
    if !old.is_some_and(|old| old.is_dir()) {
        fs::create_dir(to).map_err(at("make", to))?;
    }
    for entry in fs::read_dir(from).map_err(at("read", from))? {
        let entry = entry.map_err(at("read", from))?;
        copy_entry(&entry.path(), &to.join(entry.file_name()), depth - 1)?;
    }
    let permissions = from.metadata().map_err(at("read", from))?.permissions();
    fs::set_permissions(to, permissions).map_err(at("copy the permissions of", from))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A folder `work` with a file, beside a folder `other` that nothing may touch.
    fn scene() -> (TempDir, Folder) {
        let scene = tempfile::tempdir().unwrap();
        fs::create_dir_all(scene.path().join("work/src")).unwrap();
        fs::write(scene.path().join("work/src/a.csv"), "a").unwrap();
        fs::create_dir(scene.path().join("other")).unwrap();
        fs::write(scene.path().join("other/keep"), "keep").unwrap();
        let folder = Folder::new(&scene.path().join("work")).unwrap();
        (scene, folder)
    }

    #[test]
    fn files_and_folders_below_are_made_copied_and_removed() {
        let (_scene, folder) = scene();
        folder.mkdir(Path::new("data/deep")).unwrap();
        folder.write(Path::new("conf/a.conf"), "port 1\n").unwrap();
        folder.copy(&folder.root().join("src"), Path::new("data/copy")).unwrap();
        folder.copy(&folder.root().join("src"), Path::new("data/copy")).unwrap();
        assert_eq!(fs::read_to_string(folder.root().join("data/copy/a.csv")).unwrap(), "a");
        folder.remove(Path::new("data")).unwrap();
        folder.remove(Path::new("data")).unwrap();
        assert!(!folder.root().join("data").exists());
        assert_eq!(fs::read_to_string(folder.root().join("conf/a.conf")).unwrap(), "port 1\n");
    }

    #[test]
    fn what_is_not_below_is_refused() {
        let (scene, folder) = scene();
        symlink(scene.path().join("other"), folder.root().join("link")).unwrap();
        symlink("../other/new", folder.root().join("dangling")).unwrap();
        let other = scene.path().join("other");
        let paths = [
            "",
            ".",
            "/",
            "..",
            "../other",
            "src/..",
            "src/../../other",
            "link",
            "link/keep",
            "link/new/deep",
        ];
        for path in paths.iter().map(Path::new).chain([other.as_path()]) {
            assert!(matches!(folder.remove(path), Err(FolderError::Outside { .. })), "{path:?}");
            assert!(folder.mkdir(path).is_err() && folder.write(path, "x").is_err(), "{path:?}");
            assert!(folder.copy(&folder.root().join("src"), path).is_err(), "{path:?}");
        }
        assert!(folder.write(Path::new("dangling"), "x").is_err());
        assert!(folder.write(Path::new("missing/../../other/new"), "x").is_err());
        assert_eq!(fs::read_dir(other).unwrap().count(), 1);
    }

    #[test]
    fn a_private_file_is_its_owners_alone_whatever_was_there() {
        use std::os::unix::fs::PermissionsExt;

        let (_scene, folder) = scene();
        let file = folder.root().join("src/a.csv");
        for text in ["first", "second"] {
            folder.write_private(Path::new("src/a.csv"), text).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(folder.write_private(Path::new("../other/keep"), "x").is_err());
    }

    #[test]
    fn a_copy_holds_links_as_links_and_not_itself() {
        let (scene, folder) = scene();
        symlink("/etc/hostname", folder.root().join("src/link")).unwrap();
        folder.copy(&folder.root().join("src"), Path::new("copy")).unwrap();
        assert!(folder.root().join("copy/link").is_symlink());
        // Once more: the link is replaced, and what it names is not written to.
        folder.copy(&folder.root().join("src"), Path::new("copy")).unwrap();
        assert!(folder.root().join("copy/link").is_symlink());
        let within = folder.copy(scene.path(), Path::new("all")).unwrap_err().to_string();
        assert!(within.contains("part of what is copied"), "{within}");
    }

    #[test]
    fn a_folder_over_a_file_is_an_error_and_not_a_loss() {
        let (_scene, folder) = scene();
        folder.write(Path::new("there/src"), "file").unwrap();
        assert!(folder.copy(&folder.root().join("src/a.csv"), Path::new("there/src")).is_ok());
        assert!(folder.copy(&folder.root().join("src/a.csv"), Path::new("there")).is_err());
        assert!(folder.root().join("there/src").is_file());
    }
}
