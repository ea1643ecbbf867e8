//! How much a folder holds.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// The bytes of all files below it, as they were written; a file with holes may take less of the disk. Links are not followed.
pub(super) fn folder_bytes(folder: &Path) -> anyhow::Result<u64> {
    let why = || format!("cannot list {}", folder.display());
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(why)? {
        let entry = entry.with_context(why)?;
        let metadata = entry.metadata().with_context(why)?;
        bytes += match metadata.is_dir() {
            true => folder_bytes(&entry.path())?,
            false => metadata.len(),
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_below_a_folder_count() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("rows.csv"), [0; 700]).unwrap();
        fs::write(folder.path().join("data/a.db"), [0; 300]).unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("data/up")).unwrap();
        let bytes = folder_bytes(folder.path()).unwrap();
        assert!((1_000..1_100).contains(&bytes), "{bytes}");
    }
}
