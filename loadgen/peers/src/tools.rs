//! What the machine has of the programs that the bazaar is compared with and measured by.
//!
//! Nothing is installed here. What is missing is told with the line that would install it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use serde::Serialize;

/// Where servers are, which a user's `PATH` may lack.
const SERVERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// A program that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tool {
    /// The web server.
    Nginx,
    /// The replicated store.
    Etcd,
    /// The load generator that costs least.
    Wrk,
    /// Another one.
    Oha,
    /// What measures disks.
    Fio,
    /// What counts instructions.
    Valgrind,
}

impl Tool {
    /// The program's name.
    fn program(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Etcd => "etcd",
            Self::Wrk => "wrk",
            Self::Oha => "oha",
            Self::Fio => "fio",
            Self::Valgrind => "valgrind",
        }
    }

    /// What Debian and its children call the package; none where they have none.
    fn package(self) -> Option<&'static str> {
        match self {
            Self::Nginx => Some("nginx-light"),
            Self::Etcd => Some("etcd-server"),
            Self::Wrk => Some("wrk"),
            Self::Fio => Some("fio"),
            Self::Valgrind => Some("valgrind"),
            Self::Oha => None,
        }
    }

    fn version_flag(self) -> &'static str {
        if matches!(self, Self::Nginx | Self::Wrk) { "-v" } else { "--version" }
    }
}

/// A program that is there.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Found {
    /// Which.
    tool: Tool,
    /// Where.
    path: PathBuf,
    /// The line in which it names its version.
    pub(crate) version: String,
}

/// What there is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tools {
    /// Those that are there.
    pub(crate) found: Vec<Found>,
    missing: Vec<Tool>,
}

impl Tools {
    /// Looks for each that is not to be left out.
    pub(crate) fn look(without: &[Tool]) -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> =
            env::split_paths(&path).chain(SERVERS.iter().map(PathBuf::from)).collect();
        let mut tools = Self::default();
        for &tool in Tool::value_variants().iter().filter(|tool| !without.contains(tool)) {
            let place = folders.iter().map(|folder| folder.join(tool.program()));
            match place.into_iter().find(|path| path.is_file()) {
                Some(path) => {
                    let version = version(&path, tool);
                    tools.found.push(Found { tool, path, version });
                }
                None => tools.missing.push(tool),
            }
        }
        tools
    }

    /// Where a program is.
    pub(crate) fn path(&self, tool: Tool) -> Option<&Path> {
        self.found.iter().find(|found| found.tool == tool).map(|found| found.path.as_path())
    }

    /// What is missing, and how to get it; nothing if nothing is.
    pub(crate) fn advice(&self) -> Option<String> {
        let names: Vec<&str> = self.missing.iter().map(|tool| tool.program()).collect();
        if names.is_empty() {
            return None;
        }
        let packages: Vec<&str> = self.missing.iter().filter_map(|tool| tool.package()).collect();
        let mut ways = Vec::new();
        if !packages.is_empty() {
            ways.push(format!("`apt-get install {}`", packages.join(" ")));
        }
        if self.missing.contains(&Tool::Oha) {
            ways.push("`cargo install oha`".to_owned());
        }
        Some(format!(
            "not on this machine, so left out: {}; to have them: {}",
            names.join(", "),
            ways.join(", ")
        ))
    }
}

/// The first line that the program writes when asked for its version; its name if it says nothing. wrk ends with
/// an error after it has told its version, so how it ends does not matter.
fn version(path: &Path, tool: Tool) -> String {
    let said = Command::new(path).arg(tool.version_flag()).output().ok().and_then(|output| {
        let said = [output.stdout, output.stderr].concat();
        let line = String::from_utf8_lossy(&said).lines().next().map(str::to_owned);
        line.filter(|line| !line.trim().is_empty())
    });
    said.unwrap_or_else(|| tool.program().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_the_line_that_installs_it() {
        let tools = Tools { found: Vec::new(), missing: vec![Tool::Etcd, Tool::Wrk] };
        assert_eq!(
            tools.advice().unwrap(),
            "not on this machine, so left out: etcd, wrk; to have them: `apt-get install etcd-server wrk`"
        );
        let tools = Tools { found: Vec::new(), missing: vec![Tool::Oha] };
        assert!(tools.advice().unwrap().ends_with("to have them: `cargo install oha`"));
        assert_eq!(Tools::default().advice(), None);
    }

    #[test]
    fn what_is_to_be_left_out_is_neither_there_nor_missing() {
        let tools = Tools::look(Tool::value_variants());
        assert!(tools.found.is_empty() && tools.advice().is_none());
    }
}
