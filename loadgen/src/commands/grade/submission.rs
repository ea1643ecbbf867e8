//! The submissions: a target's file each, and the folder that its pages get.
//!
//! A file that is not there is a mistake of who types the command. A file that describes no target is its author's: that
//! submission did not start, and the others are graded all the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::bail;
use grade::story_run::NoRun;
use targets::Target;

use crate::commands::plain_name::plain_name;
use crate::output::note;

/// A submission.
#[derive(Debug)]
pub(super) struct Submission {
    /// What pages call it.
    pub(super) name: String,
    /// Its folder's name; no two have the same.
    pub(super) folder: String,
    /// Its file.
    pub(super) file: PathBuf,
    /// What the file describes, or why nothing of it can be run.
    pub(super) target: Result<Target, NoRun>,
}

/// Reads the file of every submission.
///
/// # Errors
/// Some are not there: all of them are named.
pub(super) fn read(files: &[PathBuf], replicas: u8) -> anyhow::Result<Vec<Submission>> {
    let missing = files.iter().filter(|file| !file.is_file());
    let missing: Vec<_> = missing.map(|file| file.display().to_string()).collect();
    if !missing.is_empty() {
        bail!("--target: no file {}; name files that can be read", missing.join(", "));
    }
    let mut taken = BTreeSet::new();
    Ok(files.iter().map(|file| submission(file, replicas, &mut taken)).collect())
}

fn submission(file: &Path, replicas: u8, taken: &mut BTreeSet<String>) -> Submission {
    let target = targets::read(file, u32::from(replicas)).map_err(|problems| {
        note!("{problems}");
        let first = problems.each().first().map(ToString::to_string).unwrap_or_default();
        let more = match problems.each().len() {
            0 | 1 => String::new(),
            many => format!(", and {} more problems", many - 1),
        };
        NoRun::DidNotStart(format!("its target's file cannot be used: {first}{more}"))
    });
    let target = target.and_then(own_processes);
    let stem = || file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = target.as_ref().ok().map(|target| target.name.clone());
    let name = name.or_else(stem).unwrap_or_default();
    Submission {
        folder: plain_name(&name, "submission", taken),
        name,
        file: file.to_owned(),
        target,
    }
}

/// A submission's processes are started from its file, and here: nobody else's are broken for it, and each is held to limits.
fn own_processes(target: Target) -> Result<Target, NoRun> {
    let refused = target.processes.iter().find_map(|process| {
        let name = &process.name;
        if process.is_adopted() {
            return Some(format!(
                "processes.{name}.adopt: a submission's processes are started from its file; give it a command"
            ));
        }
        let elsewhere = process.host.is_some();
        elsewhere.then(|| {
            format!(
                "processes.{name}.host: a submission's processes run beside the harness; leave it out"
            )
        })
    });
    refused.map_or(Ok(target), |reason| Err(NoRun::DidNotStart(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_adopts_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.toml");
        let text = "name = 'shop'\n[processes.shop]\nadopt = { pid = 'pgrep -x shop' }\n";
        std::fs::write(&file, text).unwrap();
        let read = read(&[file], 3).unwrap();
        let why = read[0].target.as_ref().unwrap_err().to_string();
        assert!(why.starts_with("it did not start: processes.shop.adopt: "), "{why}");
    }

    #[test]
    fn every_file_that_is_not_there_is_named() {
        let files = ["no/one.toml", "no/two.toml"].map(PathBuf::from);
        let error = read(&files, 3).unwrap_err().to_string();
        assert!(error.contains("no/one.toml, no/two.toml"), "{error}");
    }
}
