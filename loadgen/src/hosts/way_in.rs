//! How the harness gets into one of the hosts.

use std::fmt;
use std::fs;

use nix::unistd::Uid;
use serde::{Deserialize, Serialize};

/// How a host is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum WayIn {
    /// Its namespace is entered
    #[default]
    Nsenter,
    /// Through a server on each, with a key of its own
    Ssh,
}

impl WayIn {
    /// What it needs that is not there, with the line that mends it.
    pub(super) fn lacks(self) -> Option<String> {
        let programs: &[(&str, &str)] = match self {
            Self::Nsenter => &[("nsenter", "util-linux")],
            Self::Ssh => &[
                ("sshd", "openssh-server"),
                ("ssh", "openssh-client"),
                ("ssh-keygen", "openssh-client"),
            ],
        };
        let missing = programs.iter().find_map(|(program, package)| {
            super::tool(program, package).err().map(|error| error.to_string())
        });
        missing.or_else(|| {
            (self == Self::Ssh && !is_root_of_the_machine()).then(|| {
                "sshd lets somebody in as one of several users, which takes root (sudo)".to_owned()
            })
        })
    }
}

impl fmt::Display for WayIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nsenter => "nsenter",
            Self::Ssh => "ssh",
        })
    }
}

/// Whether this is root, and no root of a user namespace that knows of one user alone.
fn is_root_of_the_machine() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let users = map.split_whitespace().nth(2).and_then(|count| count.parse::<u64>().ok());
    Uid::effective().is_root() && users.is_some_and(|count| count > 1)
}
