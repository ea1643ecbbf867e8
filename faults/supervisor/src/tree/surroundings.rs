//! What a process, or a command that a guard runs, finds around it: the same wherever one is started, adopted or taken back, and on
//! the way to the guard that does it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which variables of the harness's environment a process gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inherit {
    /// Every one.
    #[default]
    All,
    /// Those of these names.
    Only(BTreeSet<String>),
}

/// What a process finds around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// What it gets of the harness's environment.
    pub inherit: Inherit,
    /// Added to that.
    pub environment: BTreeMap<String, String>,
    /// Where it runs.
    #[serde(with = "any_path")]
    pub working_dir: PathBuf,
    /// Who it runs as, if the harness is root.
    pub user: Option<String>,
    /// Where its output goes, behind what is there.
    #[serde(with = "any_path")]
    pub log: PathBuf,
    /// How large the log may become, in bytes. What is written to it then is dropped.
    pub log_bytes: u64,
}

impl Surroundings {
    /// The harness's whole environment, and its user.
    #[must_use]
    pub fn new(working_dir: impl Into<PathBuf>, log: impl Into<PathBuf>, log_bytes: u64) -> Self {
        Self {
            inherit: Inherit::All,
            environment: BTreeMap::new(),
            working_dir: working_dir.into(),
            user: None,
            log: log.into(),
            log_bytes,
        }
    }
}

/// A path in a message, which need not be UTF-8.
mod any_path {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        path.as_os_str().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        OsString::deserialize(from).map(PathBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn paths_that_are_no_utf_8_come_through_as_they_were() {
        let path = PathBuf::from(OsString::from_vec(b"/tmp/\xff\xfe".to_vec()));
        let sent = Surroundings::new(path.clone(), path, 1 << 20);
        let read: Surroundings =
            serde_json::from_slice(&serde_json::to_vec(&sent).unwrap()).unwrap();
        assert_eq!(read, sent);
    }
}
