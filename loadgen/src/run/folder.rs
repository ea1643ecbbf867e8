//! The folder that holds the runs: a new one for each, and `latest` pointing at the newest.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use results::records::RunFolder;
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

/// The folder that holds the runs, `results/runs`.
#[derive(Clone, Debug)]
pub struct RunsFolder {
    root: PathBuf,
}

/// Sorts by time, and is a plain name on every file system.
const STAMP: &[FormatItem<'static>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");
/// So many runs of one plan may begin within one second.
const MAX_SAME_SECOND: u32 = 100;

impl RunsFolder {
    /// The folder at `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes a folder for a run of the plan called `name`.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn create(&self, name: &str) -> anyhow::Result<RunFolder> {
        let why = |path: &Path| {
            format!("cannot make {}: name a folder that can be written with --out", path.display())
        };
        fs::create_dir_all(&self.root).with_context(|| why(&self.root))?;
        // Errors name the run as it will be known, wherever the program was started.
        let root = fs::canonicalize(&self.root).with_context(|| why(&self.root))?;
        let stamp = OffsetDateTime::now_utc().format(STAMP)?;
        for attempt in 1..=MAX_SAME_SECOND {
            let suffix = if attempt == 1 { String::new() } else { format!("-{attempt}") };
            let path = root.join(format!("{stamp}-{name}{suffix}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(RunFolder::new(path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| why(&path)),
            }
        }
        bail!("{} holds {MAX_SAME_SECOND} runs of this second already", root.display())
    }

    /// Points `latest` at `run`: at every moment it points at a run.
    ///
    /// # Errors
    /// The link cannot be made.
    pub fn point_latest_at(&self, run: &RunFolder) -> anyhow::Result<()> {
        let name = run.root().file_name().context("a run's folder has a name")?;
        let link = self.root.join("latest");
        let new = self.root.join(format!(".latest-{}", name.to_string_lossy()));
        let made = symlink(name, &new).and_then(|()| fs::rename(&new, &link));
        made.with_context(|| format!("cannot point {} at the run", link.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_a_folder_of_its_own_and_latest_is_the_newest() {
        let root = tempfile::tempdir().unwrap();
        let runs = RunsFolder::new(root.path().join("results/runs"));
        let first = runs.create("bench").unwrap();
        runs.point_latest_at(&first).unwrap();
        let second = runs.create("bench").unwrap();
        runs.point_latest_at(&second).unwrap();
        assert_ne!(first.root(), second.root());
        let latest = fs::canonicalize(root.path().join("results/runs/latest")).unwrap();
        assert_eq!(latest, second.root());
        assert_eq!(fs::read_dir(root.path().join("results/runs")).unwrap().count(), 3);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        let error = RunsFolder::new(root.path().join("file/runs")).create("bench").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("file/runs") && text.contains("--out"), "{text}");
    }
}
