//! What a system is made of, and what can be wrong with that before anything is started.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::host::HostLink;
use crate::probe::Probe;
use crate::tree::{Adopt, GuardProgram, Inherit, Limits};

/// The longest name, for it becomes a file's.
const MAX_NAME_BYTES: usize = 64;

/// What a process waits for before it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The other one was started.
    Started,
    /// The other one is ready. One without a probe is ready once it was started.
    Healthy,
    /// Nothing, at the start. At the end the other one is stopped after it.
    StopsLater,
}

/// How a process is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// What is sent first.
    pub signal: Signal,
    /// After how long SIGKILL follows.
    pub timeout: Duration,
}

/// What differs when a process is started again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The whole command.
    pub command: Vec<OsString>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
}

/// A process of a system.
#[derive(Clone, Debug)]
pub struct Program {
    /// What faults and reports call it, and what its log is called.
    pub name: String,
    /// What it does in the system, in the target's words.
    pub role: String,
    /// The program and its arguments, without a shell. Empty if it is adopted.
    pub command: Vec<OsString>,
    /// How it is reached if something else keeps it. It is left as it was found, and not held to any limit.
    pub adopt: Option<Adopt>,
    /// What differs when it is started again, if anything does.
    pub restart: Option<Restart>,
    /// Where it runs.
    pub working_dir: PathBuf,
    /// What it gets of the harness's environment.
    pub inherit: Inherit,
    /// Added to that.
    pub environment: BTreeMap<String, String>,
    /// Who it runs as, if the harness is root.
    pub user: Option<String>,
    /// The host that it runs on; `None`: this one. Its log is here all the same.
    pub host: Option<Arc<HostLink>>,
    /// Whom it waits for.
    pub depends_on: BTreeMap<String, Condition>,
    /// When it is ready; without one, once it was started.
    pub probe: Option<Probe>,
    /// How it is asked to end.
    pub shutdown: Shutdown,
    /// What it may take.
    pub limits: Limits,
}

impl Program {
    /// A program on this machine that plays no part and waits for nobody, is ready once it was started, has the harness's whole environment
    /// and may take what it likes.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        command: Vec<OsString>,
        working_dir: impl Into<PathBuf>,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            name: name.into(),
            role: String::new(),
            command,
            adopt: None,
            restart: None,
            working_dir: working_dir.into(),
            inherit: Inherit::All,
            environment: BTreeMap::new(),
            user: None,
            host: None,
            depends_on: BTreeMap::new(),
            probe: None,
            shutdown,
            limits: Limits::default(),
        }
    }
}

/// A system to start.
#[derive(Clone, Debug)]
pub struct SystemPlan {
    /// Its processes.
    pub programs: Vec<Program>,
    /// The folder of their logs, `NAME.log` each. It is made.
    pub logs: PathBuf,
    /// How large each log may become, in bytes.
    pub log_bytes: u64,
    /// How their guards are started.
    pub guard: GuardProgram,
}

impl SystemPlan {
    /// The stages in which processes can be started, those of one stage together; or everything that is wrong.
    pub(super) fn stages(&self) -> Result<BTreeMap<String, usize>, Vec<String>> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut stages = BTreeMap::new();
        // Every round but the last places a process, so there are no more rounds than processes.
        for _ in 0..=self.programs.len() {
            for program in &self.programs {
                let before: Option<Vec<usize>> =
                    program.depends_on.keys().map(|name| stages.get(name).copied()).collect();
                if let Some(before) = before {
                    let stage = before.iter().max().map_or(0, |last| last + 1);
                    stages.entry(program.name.clone()).or_insert(stage);
                }
            }
        }
        if stages.len() == self.programs.len() {
            return Ok(stages);
        }
        let names = self.programs.iter().map(|program| program.name.as_str());
        let stuck: Vec<_> = names.filter(|name| !stages.contains_key(*name)).collect();
        Err(vec![format!(
            "depends_on goes in a circle, so none of these can be the first: {}",
            stuck.join(", ")
        )])
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut names = BTreeSet::new();
        for program in &self.programs {
            if !names.insert(program.name.as_str()) {
                problems.push(format!("two processes are called {}", program.name));
            }
        }
        for Program { name, command, adopt, restart, depends_on, .. } in &self.programs {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            if name.is_empty()
                || name.len() > MAX_NAME_BYTES
                || name.starts_with('.')
                || !name.chars().all(fits)
            {
                problems.push(format!(
                    "{name:?} names no process: a name has 1 to {MAX_NAME_BYTES} letters, digits, -, _ and ., and begins with no ."
                ));
            }
            let commands = match adopt {
                None => vec![Some(command), restart.as_ref().map(|restart| &restart.command)],
                Some(Adopt { pid, start, kill, pause, resume }) => {
                    vec![Some(pid), start.as_ref(), kill.as_ref(), pause.as_ref(), resume.as_ref()]
                }
            };
            if commands
                .into_iter()
                .flatten()
                .any(|command| command.first().is_none_or(|word| word.is_empty()))
            {
                problems.push(format!("{name}: the command is empty"));
            }
            for other in depends_on.keys().filter(|other| !names.contains(other.as_str())) {
                problems.push(format!(
                    "{name}: depends_on names {other}, and there is no such process"
                ));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(programs: &[(&str, &[&str])]) -> SystemPlan {
        let shutdown = Shutdown { signal: Signal::SIGTERM, timeout: Duration::from_secs(1) };
        let program = |(name, depends_on): &(&str, &[&str])| {
            let on = depends_on.iter().map(|name| ((*name).to_owned(), Condition::Started));
            let program = Program::new(*name, vec!["true".into()], "/", shutdown);
            Program { depends_on: on.collect(), ..program }
        };
        let guard = GuardProgram::new("", [""; 0]);
        let programs = programs.iter().map(program).collect();
        SystemPlan { programs, logs: PathBuf::new(), log_bytes: 0, guard }
    }

    #[test]
    fn who_waits_for_nobody_comes_first_in_whatever_order_they_are_named() {
        let plan = plan(&[
            ("front", &["order-1", "order-2"]),
            ("order-1", &["db"]),
            ("order-2", &[]),
            ("db", &[]),
        ]);
        let stages = plan.stages().unwrap();
        let stages: Vec<_> = stages.iter().map(|(name, stage)| (name.as_str(), *stage)).collect();
        assert_eq!(stages, [("db", 0), ("front", 2), ("order-1", 1), ("order-2", 0)]);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let mut plan =
            plan(&[("a", &["nobody"]), ("a", &[]), ("../x", &[]), ("", &[]), ("b", &[])]);
        plan.programs[4].command.clear();
        assert_eq!(plan.stages().unwrap_err().len(), 5);
    }

    #[test]
    fn a_circle_is_named() {
        let plan = plan(&[("a", &["b"]), ("b", &["a"]), ("c", &[])]);
        let problems = plan.stages().unwrap_err();
        assert!(problems.len() == 1 && problems[0].ends_with("first: a, b"), "{problems:?}");
    }
}
