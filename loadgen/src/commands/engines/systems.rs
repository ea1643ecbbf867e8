//! Who is compared: targets by their files, each in one of its variants, and the bazaar.
//!
//! A file that is not there, or a variant that no file has, is a mistake of who types the command; all of them are named at
//! once. Whether the system is installed shows when it is started.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::bail;
use campaign::engines::SystemRecord;

use crate::commands::plain_name::plain_name;
use crate::plan::{System as SystemPlan, UnderTest};

/// A system.
#[derive(Clone, Debug)]
pub(super) struct System {
    /// What pages call it.
    pub(super) name: String,
    /// Its folder's name in each round; no two have the same.
    pub(super) folder: String,
    /// Its file; none of the bazaar that the program carries.
    pub(super) file: Option<PathBuf>,
    /// The variant that is started, if it was named.
    pub(super) variant: Option<String>,
}

impl System {
    /// As the record has it.
    pub(super) fn record(&self) -> SystemRecord {
        SystemRecord { name: self.name.clone(), absent: None }
    }
}

/// Reads what was named, in that order; the bazaar comes last.
///
/// # Errors
/// A file cannot be used, or has no such variant: all of them are named.
pub(super) fn read(named: &[String], with_bazaar: bool) -> anyhow::Result<Vec<System>> {
    let replicas = u32::from(SystemPlan::default().replicas);
    let (mut systems, mut problems, mut taken) = (Vec::new(), Vec::new(), BTreeSet::new());
    for one in named {
        let (file, variant) = parts(one);
        let under_test = match UnderTest::read(Some(&file), replicas) {
            Ok(under_test) => under_test,
            Err(error) => {
                problems.push(error.to_string());
                continue;
            }
        };
        let target = under_test.target();
        if let Some(name) = variant.as_deref().filter(|name| target.variant(name).is_none()) {
            let there: Vec<&str> = target.variants.iter().map(|it| it.name.as_str()).collect();
            problems.push(match there.as_slice() {
                [] => format!(
                    "--target {one}: no file has that name, and {} has no [variants], so no {name}",
                    file.display()
                ),
                names => format!(
                    "--target {one}: there is no variant {name}; there are {}",
                    names.join(", ")
                ),
            });
            continue;
        }
        let started = variant.clone().or_else(|| Some(target.default_variant()?.name.clone()));
        let name = match started {
            Some(variant) => format!("{} {variant}", target.name),
            None => target.name.clone(),
        };
        let folder = plain_name(&name, "system", &mut taken);
        systems.push(System { name, folder, file: Some(file), variant });
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    if with_bazaar {
        let folder = plain_name("bazaar", "system", &mut taken);
        systems.push(System { name: "bazaar".to_owned(), folder, file: None, variant: None });
    }
    Ok(systems)
}

/// The file, and the variant behind the last colon, unless a file has that name as a whole.
fn parts(named: &str) -> (PathBuf, Option<String>) {
    match named.rsplit_once(':') {
        Some((file, variant)) if !Path::new(named).is_file() => {
            (file.into(), Some(variant.to_owned()))
        }
        _ => (named.into(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "name = 'toy'\n[processes.toy]\ncommand = 'toy'\n[variants.safe.toy]\nargs = ['--safe']\n";

    #[test]
    fn a_variant_stands_behind_a_colon_and_the_bazaar_comes_last() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("toy.toml");
        std::fs::write(&file, FILE).unwrap();
        let path = file.to_str().unwrap().to_owned();
        let systems = read(&[path.clone(), format!("{path}:safe")], true).unwrap();
        let names: Vec<_> =
            systems.iter().map(|one| (one.name.as_str(), one.folder.as_str())).collect();
        assert_eq!(names, [("toy", "toy"), ("toy safe", "toy-safe"), ("bazaar", "bazaar")]);
        assert_eq!(systems[1].variant.as_deref(), Some("safe"));
        assert!(systems[2].file.is_none());
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("toy.toml");
        std::fs::write(&file, FILE).unwrap();
        let path = file.to_str().unwrap();
        let named = [format!("{path}:fast"), "no/such.toml".to_owned()];
        let error = read(&named, true).unwrap_err().to_string();
        assert!(error.contains("no variant fast; there are safe"), "{error}");
        assert!(error.contains("no/such.toml"), "{error}");
    }
}
