//! A copy of a target's own folder, for who must not let a stranger's programs change it: not even its setup does then.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use supervisor::folder::Folder;
use targets::Target;

use super::trial::home_of;

/// How much is copied where the file has no workspace: a submission's sources and what they are built to. It is copied for
/// every story, and more would cost minutes.
const MAX_MIB: u64 = 256;
/// How many files and folders: a project with its packages, and no end to a folder that is all empty files.
const MAX_ENTRIES: u64 = 100_000;

/// Copies the target's workspace, or its whole folder where its file has none, into `into`, and reads the file there. An
/// entry that holds `into`, as the folder of results may, is left out.
///
/// # Errors
/// What is too large, or cannot be copied or read.
pub(crate) fn isolated(target: &Target, into: &Path) -> anyhow::Result<Target> {
    let home = home_of(target)?;
    let file = target.path.file_name().context("a target's file has a name")?;
    let copy = Folder::new(into)?;
    let mut entries = target.workspace.clone();
    if entries.is_empty() {
        entries = whole(&home, copy.root())?;
    }
    for entry in entries.iter().chain([&PathBuf::from(file)]) {
        copy.copy(&home.join(entry), entry).context("the copy of its folder")?;
    }
    targets::read(&copy.root().join(file), &target.plan).map_err(|problems| anyhow!("{problems}"))
}

/// All that is in `home` but what holds `into`.
fn whole(home: &Path, into: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let why = || format!("cannot read {}", home.display());
    let (mut entries, mut bytes, mut count) = (Vec::new(), 0, 0);
    for entry in fs::read_dir(home).with_context(why)? {
        let entry = entry.with_context(why)?;
        if into.starts_with(entry.path()) {
            continue;
        }
        entries.push(PathBuf::from(entry.file_name()));
        let mut left = vec![entry.path()];
        while let Some(path) = left.pop() {
            let why = || format!("cannot read {}", path.display());
            let found = path.symlink_metadata().with_context(why)?;
            count += 1;
            if found.is_file() {
                bytes += found.len();
            }
            if bytes > MAX_MIB << 20 || count > MAX_ENTRIES {
                bail!(
                    "its folder is copied, and holds more than {MAX_MIB} MiB or {MAX_ENTRIES} files: name what it needs \
                     with workspace = [...] in its file"
                );
            }
            if found.is_dir() {
                for inner in fs::read_dir(&path).with_context(why)? {
                    left.push(inner.with_context(why)?.path());
                }
            }
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    /// A target's folder with a program, results and this first line in its file; and the folder of a copy in its results.
    fn scene(first: &str) -> (tempfile::TempDir, Target, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("shop.toml");
        fs::write(&file, format!("{first}\n{}", targets::new_file("shop"))).unwrap();
        for folder in ["app", "results/grades/copy"] {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        fs::write(home.path().join("app/shop.py"), "as handed in").unwrap();
        let copy = home.path().join("results/grades/copy");
        let target = targets::read(&file, 3).unwrap();
        (home, target, copy)
    }

    #[test]
    fn the_whole_folder_is_copied_but_for_the_results_that_the_copy_is_in() {
        let (home, target, copy) = scene("");
        let isolated = isolated(&target, &copy).unwrap();
        assert_eq!(isolated.path, copy.canonicalize().unwrap().join("shop.toml"));
        assert!(copy.join("app/shop.py").is_file() && !copy.join("results").exists());
        fs::write(copy.join("app/shop.py"), "changed").unwrap();
        assert_eq!(fs::read_to_string(home.path().join("app/shop.py")).unwrap(), "as handed in");
    }

    #[test]
    fn a_folder_that_is_too_large_is_refused_with_the_way_out() {
        let (home, target, copy) = scene("");
        File::create(home.path().join("app/film")).unwrap().set_len((MAX_MIB << 20) + 1).unwrap();
        let error = isolated(&target, &copy).unwrap_err().to_string();
        assert!(error.contains("256 MiB") && error.contains("workspace = [...]"), "{error}");
    }
}
