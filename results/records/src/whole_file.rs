//! A file that is whole at every moment, for whoever reads it while it is written again: the new one is written beside it, and then
//! takes its place.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Puts `contents` into the file at `path`, whatever was there. If that fails, at any moment, by a full disk, a kill or a loss of power, what
/// was there is still there.
///
/// # Errors
/// It cannot be written; nothing of the attempt is left then.
pub fn write_whole(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let new = path.with_file_name(format!(".{}.new", name.to_string_lossy()));
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(contents.as_ref())?;
        // Or the name could be on the disk before what the file holds.
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().inspect_err(|_| _ = fs::remove_file(&new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("a.json"), folder.path().join("old"));
        write_whole(&path, "first").unwrap();
        // Another name of what was there, as a reader has it who opened it before.
        fs::hard_link(&path, &old).unwrap();
        write_whole(&path, "second").unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "first");
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn an_attempt_that_fails_leaves_nothing_and_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        // No file takes the place of a folder that holds something.
        let path = folder.path().join("taken");
        fs::create_dir_all(path.join("by a folder")).unwrap();
        write_whole(&path, "x").unwrap_err();
        let left = fs::read_dir(folder.path()).unwrap();
        assert_eq!(left.map(|it| it.unwrap().file_name()).collect::<Vec<_>>(), ["taken"]);
    }
}
