//! Which runs are meant: a folder is a run's, or it holds such, as a soak's does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::LeftOut;
use crate::error::CampaignError;

/// More runs than this are a page that nobody reads, and a day of comparing.
const MAX_RUNS: usize = 2_000;
/// What every run's folder has.
const MANIFEST: &str = "manifest.json";
/// A folder of runs may hold folders of runs: soaks, comparisons of systems with their rounds.
const DEEPEST: usize = 4;

/// The folders of runs among what was named, each once however it was named; and what is none.
pub(super) fn find(named: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<LeftOut>), CampaignError> {
    let (mut found, mut left_out, mut known) = (Vec::new(), Vec::new(), BTreeSet::new());
    for path in named {
        let before = known.len();
        collect(path, DEEPEST, &mut found, &mut known)?;
        if known.len() == before && !holds_runs(path) {
            left_out.push(LeftOut {
                run: path.display().to_string(),
                reason: "it is no run's folder (it has no manifest.json), and holds none"
                    .to_owned(),
            });
        }
        if found.len() > MAX_RUNS {
            let reason = format!("more than {MAX_RUNS} runs; name fewer of them");
            return Err(CampaignError::file(path, reason));
        }
    }
    Ok((found, left_out))
}

fn collect(
    path: &Path,
    deeper: usize,
    found: &mut Vec<PathBuf>,
    known: &mut BTreeSet<PathBuf>,
) -> Result<(), CampaignError> {
    if path.join(MANIFEST).is_file() {
        let real = fs::canonicalize(path).map_err(CampaignError::io(path))?;
        if known.insert(real) {
            found.push(path.to_owned());
        }
        return Ok(());
    }
    if deeper == 0 || !path.is_dir() {
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(CampaignError::io(path))?;
    // A link, as `latest` is one, leads to what is there already.
    let folders =
        entries.filter_map(Result::ok).filter(|it| it.file_type().is_ok_and(|it| it.is_dir()));
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders.iter().try_for_each(|folder| collect(folder, deeper - 1, found, known))
}

/// Whether runs were found in it that had been named already.
fn holds_runs(path: &Path) -> bool {
    let mut found = Vec::new();
    collect(path, DEEPEST, &mut found, &mut BTreeSet::new()).is_ok() && !found.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_in_folders_of_runs_and_each_counts_once() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for run in ["runs/a", "runs/soak-7/round-001", "runs/soak-7/round-002"] {
            fs::create_dir_all(at(run)).unwrap();
            fs::write(at(run).join(MANIFEST), "{}").unwrap();
        }
        fs::create_dir(at("empty")).unwrap();
        std::os::unix::fs::symlink("a", at("runs/latest")).unwrap();
        let (found, left_out) =
            find(&[at("runs/a"), at("runs"), at("runs/latest"), at("empty")]).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["a", "round-001", "round-002"]);
        assert_eq!(left_out.len(), 1, "{left_out:?}");
        assert!(left_out[0].run.ends_with("empty"));
    }
}
