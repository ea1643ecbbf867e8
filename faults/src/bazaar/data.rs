//! What is called the data of a process: folders with all that is below them, and files with what is called after them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What SQLite makes again.
const SHARED_MEMORY: &str = "-shm";
/// How deep folders are looked into: far beyond any database's, and short of a stack's end.
const MAX_DEPTH: usize = 64;

/// One of the paths that stand for a process's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DataPath {
    /// The folder that it is, or stands in.
    folder: PathBuf,
    /// How its files begin to be called; `None`: everything below the folder.
    file: Option<String>,
}

impl DataPath {
    /// What a path stands for now. One that is not there is a file's.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Ok(Self { folder: path.to_owned(), file: None });
        }
        let file = path.file_name().and_then(|name| name.to_str());
        let (Some(folder), Some(file)) = (path.parent(), file) else {
            return Err(io::Error::other(format!("{} names no file", path.display())));
        };
        Ok(Self { folder: folder.to_owned(), file: Some(file.to_owned()) })
    }

    /// Its files that are there now, in the order of their names. What is neither file nor folder, a link say, is none.
    pub(super) fn files(&self) -> io::Result<Vec<PathBuf>> {
        let Some(file) = &self.file else { return files_below(&self.folder) };
        let belongs = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            let rest = name.and_then(|name| name.strip_prefix(file.as_str()));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
        };
        Ok(entries(&self.folder)?.0.into_iter().filter(belongs).collect())
    }

    /// Copies its files into a folder, which is made. Returns how many there are.
    pub(super) fn copy_to(&self, copy: &Path) -> io::Result<usize> {
        fs::create_dir_all(copy)?;
        let files = self.files()?;
        for path in &files {
            put(path, &self.folder, copy)?;
        }
        Ok(files.len())
    }

    /// Puts a copy where its files were, and looks that they are equal. Returns how many there are.
    pub(super) fn put_back(&self, copy: &Path) -> io::Result<usize> {
        let files = files_below(copy)?;
        for path in &files {
            let Some(there) = put(path, copy, &self.folder)? else { continue };
            if fs::read(path)? != fs::read(&there)? {
                return Err(io::Error::other(format!("{} is another", there.display())));
            }
        }
        Ok(files.len())
    }
}

/// Copies a file from one folder to the same place in another. `None`: it is made again by who needs it.
fn put(path: &Path, from: &Path, to: &Path) -> io::Result<Option<PathBuf>> {
    if path.as_os_str().as_encoded_bytes().ends_with(SHARED_MEMORY.as_bytes()) {
        return Ok(None);
    }
    let there = to.join(path.strip_prefix(from).map_err(io::Error::other)?);
    if let Some(folder) = there.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(path, &there)?;
    Ok(Some(there))
}

/// All files below a folder.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![(folder.to_owned(), MAX_DEPTH)];
    while let Some((folder, depth)) = waiting.pop() {
        if depth == 0 {
            let deep = format!("{} is more than {MAX_DEPTH} folders deep", folder.display());
            return Err(io::Error::other(deep));
        }
        let (of_folder, folders) = entries(&folder)?;
        files.extend(of_folder);
        waiting.extend(folders.into_iter().map(|folder| (folder, depth - 1)));
    }
    files.sort();
    Ok(files)
}

/// The files and the folders in a folder, files in the order of their names. There are none in one that is not there.
fn entries(folder: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((files, folders)),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_file() {
            files.push(entry.path());
        } else if kind.is_dir() {
            folders.push(entry.path());
        }
    }
    files.sort();
    Ok((files, folders))
}

/// The folder below which all of these paths are, without links; `None` if there are no paths. It need not be there.
pub(super) fn common_folder(paths: &[PathBuf]) -> Option<io::Result<PathBuf>> {
    let folders = paths.iter().map(|path| resolved(&DataPath::new(path)?.folder));
    folders.reduce(|one, other| {
        let (one, other) = (one?, other?);
        let same = one.components().zip(other.components()).take_while(|(one, other)| one == other);
        Ok(same.map(|(one, _)| one).collect())
    })
}

/// A path without links, as far as it is there.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut there = path.as_path();
    while !there.exists() {
        let Some(parent) = there.parent() else { break };
        there = parent;
    }
    let missing = path.strip_prefix(there).map_err(io::Error::other)?;
    let there = there.canonicalize()?;
    Ok(if missing.as_os_str().is_empty() { there } else { there.join(missing) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(files: &[&str]) -> tempfile::TempDir {
        let scene = tempfile::tempdir().unwrap();
        for file in files {
            let path = scene.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        scene
    }

    fn names(scene: &Path, files: &[PathBuf]) -> Vec<String> {
        let name = |path: &PathBuf| path.strip_prefix(scene).unwrap().display().to_string();
        files.iter().map(name).collect()
    }

    #[test]
    fn a_file_stands_for_what_is_called_after_it_and_a_folder_for_all_below() {
        let scene =
            scene(&["o-1.db", "o-1.db-wal", "o-1.dbx", "o-10.db", "o-1/a", "o-1/deep/b", "o"]);
        let of = |path: &str| {
            let files = DataPath::new(&scene.path().join(path)).unwrap().files().unwrap();
            names(scene.path(), &files)
        };
        assert_eq!(of("o-1.db"), ["o-1.db", "o-1.db-wal"]);
        assert_eq!(of("o-1"), ["o-1/a", "o-1/deep/b"]);
        assert_eq!(of("missing"), [""; 0]);
        assert_eq!(of("missing/deep"), [""; 0]);
    }

    #[test]
    fn a_copy_is_put_back_where_it_was_without_what_is_made_again() {
        let scene = scene(&["data/a", "data/deep/b", "data/c-shm"]);
        let data = DataPath::new(&scene.path().join("data")).unwrap();
        let copy = scene.path().join("copy");
        assert_eq!(data.copy_to(&copy).unwrap(), 3);
        for path in data.files().unwrap() {
            fs::remove_file(path).unwrap();
        }
        fs::remove_dir(scene.path().join("data/deep")).unwrap();
        assert_eq!(data.put_back(&copy).unwrap(), 2);
        let files = data.files().unwrap();
        assert_eq!(names(scene.path(), &files), ["data/a", "data/deep/b"]);
    }

    #[test]
    fn several_paths_have_the_folder_in_common_that_holds_all() {
        let scene = scene(&["shop/data/a.db", "shop/logs/b"]);
        let root = scene.path().canonicalize().unwrap();
        let common = |paths: &[&str]| {
            let paths: Vec<_> = paths.iter().map(|path| scene.path().join(path)).collect();
            common_folder(&paths).map(|folder| folder.unwrap())
        };
        assert_eq!(common(&["shop/data/a.db"]), Some(root.join("shop/data")));
        assert_eq!(common(&["shop/data/a.db", "shop/logs"]), Some(root.join("shop")));
        assert_eq!(common(&["shop/new/deep/x"]), Some(root.join("shop/new/deep")));
        assert_eq!(common(&[]), None);
    }
}
