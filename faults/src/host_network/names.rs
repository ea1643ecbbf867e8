//! What a holder calls its tables: whose they are, and what else of it there is.
//!
//! The name is all that is left of a holder and its guard that were killed in one moment. It says which process it was; a table
//! whose owner is dead is a leftover, and any holder may remove it. A process of another pid namespace cannot be looked for,
//! so its tables are left alone. A table goes with its network namespace, and with the machine.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;

use supervisor::tree::started_ticks;

/// What all names begin with.
const PREFIX: &str = "double_trouble";

/// The name of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableName {
    /// The run's.
    token: String,
    fault: u32,
    /// The class of the queue in which its packets wait; 0 if they wait in none.
    pub(super) class: u16,
    owner: Owner,
}

/// A process of this machine, since it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner {
    pid_namespace: u64,
    pid: u32,
    /// In ticks since the machine was started.
    started: u64,
}

impl TableName {
    /// A table of this very process.
    pub(super) fn of_this_process(token: &str, fault: u32, class: u16) -> Result<Self, String> {
        let token: String = token.chars().filter(char::is_ascii_alphanumeric).collect();
        let pid = std::process::id();
        let started = started_ticks(pid).ok_or("cannot read /proc/self/stat")?;
        let pid_namespace = pid_namespace().ok_or("cannot read /proc/self/ns/pid")?;
        Ok(Self { token, fault, class, owner: Owner { pid_namespace, pid, started } })
    }

    /// Whether nobody can take it back any more.
    pub(super) fn is_left_over(&self) -> bool {
        let Owner { pid_namespace: of, pid, started: since } = self.owner;
        pid_namespace() == Some(of) && started_ticks(pid) != Some(since)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token, fault, class, owner: Owner { pid_namespace, pid, started } } = self;
        write!(f, "{PREFIX}_{token}_{fault}_{class:x}_{pid_namespace}_{pid}_{started}")
    }
}

/// The text is no name of such a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no table of a fault")]
pub(super) struct NotOurs(String);

impl FromStr for TableName {
    type Err = NotOurs;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = || {
            let parts: Vec<&str> =
                text.strip_prefix(PREFIX)?.strip_prefix('_')?.split('_').collect();
            let [token, fault, class, pid_namespace, pid, started] = parts[..] else { return None };
            Some(Self {
                token: token.to_owned(),
                fault: fault.parse().ok()?,
                class: u16::from_str_radix(class, 16).ok()?,
                owner: Owner {
                    pid_namespace: pid_namespace.parse().ok()?,
                    pid: pid.parse().ok()?,
                    started: started.parse().ok()?,
                },
            })
        };
        parsed().ok_or_else(|| NotOurs(text.to_owned()))
    }
}

fn pid_namespace() -> Option<u64> {
    fs::metadata("/proc/self/ns/pid").ok().map(|file| file.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_table_it_is_and_reads_as_it_was_written() {
        let name = TableName::of_this_process("a-1_b", 3, 0x2a).unwrap();
        let text = name.to_string();
        assert!(text.starts_with("double_trouble_a1b_3_2a_"), "{text}");
        assert_eq!(text.parse::<TableName>().unwrap(), name);
        assert!(!name.is_left_over());
        for other in
            ["filter", "double_trouble", "double_trouble_a_1_0_5_6", "double_trouble_a_x_0_1_2_3"]
        {
            other.parse::<TableName>().unwrap_err();
        }
    }

    #[test]
    fn a_table_is_left_over_once_its_owner_is_gone_even_if_another_has_its_pid() {
        let mut name = TableName::of_this_process("a", 1, 0).unwrap();
        name.owner.started += 1;
        assert!(name.is_left_over());
        name.owner.pid_namespace += 1;
        assert!(!name.is_left_over(), "nobody can say here");
    }
}
