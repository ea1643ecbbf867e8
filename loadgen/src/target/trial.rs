//! One trial's folders and commands: copies of the workspace, an empty scratch folder, logs, and what is run in them.
//!
//! Everything that a target changes here is below its own folder, the copy of that, or scratch; `supervisor::folder`
//! sees to that. The folders are their maker's, who removes them after the last process has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use supervisor::command::{self, Task, TaskError};
use supervisor::folder::Folder;
use targets::target::{Commands, PortChoice, Prepare, RenderedFile, Reset, Target, Variant};
use targets::template::{CommandTemplate, Setting, Template};
use uuid::Uuid;

use super::hosts::Hosts;
use super::ports::{self, ChosenPorts};
use super::relays::Relays;
use crate::program::guard_program;

/// How long after a failure the command of `prepare.wait` is tried again.
const WAIT_PERIOD: Duration = Duration::from_millis(50);

/// What a target is started with: its ports, its folders, and what is filled into its templates.
#[derive(Debug)]
pub(crate) struct TargetTrial {
    /// What is filled into its templates.
    pub(crate) setting: Setting,
    /// Where its paths begin: its folder, or the copy.
    pub(crate) work: PathBuf,
    /// Its logs.
    pub(crate) logs: PathBuf,
    /// Its ports.
    pub(crate) ports: ChosenPorts,
    /// The hosts that its processes are on, and those that the load comes from.
    pub(crate) hosts: Hosts,
    /// Its relays, if links are to be broken.
    pub(super) relays: Option<Relays>,
    /// Where copies of files are kept, beside what its processes know of.
    pub(super) data: PathBuf,
    /// The folder of programs that a build makes.
    pub(super) bin_dir: PathBuf,
    scratch: PathBuf,
    home: PathBuf,
}

/// Where a target's folders are.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Of its copy, and of copies of its files.
    pub data: &'a Path,
    /// What `{{ scratch }}` says. It is its owner's alone.
    pub scratch: &'a Path,
    /// Of its logs.
    pub logs: &'a Path,
    /// What `{{ bin }}` says.
    pub bin_dir: &'a Path,
}

/// The folder of a target's file.
///
/// # Errors
/// If it is not there.
pub(crate) fn home_of(target: &Target) -> anyhow::Result<PathBuf> {
    let home = target.path.parent().filter(|home| !home.as_os_str().is_empty());
    let home = home.unwrap_or(Path::new("."));
    home.canonicalize().with_context(|| format!("no folder {}", home.display()))
}

impl TargetTrial {
    /// Chooses the ports that are not `given`, and makes the folders. Nothing is copied yet.
    ///
    /// # Errors
    /// A port that is taken, or a folder that cannot be made.
    pub(crate) fn new(
        target: &Target,
        places: Places<'_>,
        given: &BTreeMap<String, u16>,
    ) -> anyhow::Result<Self> {
        let Places { data, scratch, logs, bin_dir } = places;
        let wanted = target.ports.iter().map(|(name, choice)| {
            let port = match choice {
                PortChoice::Fixed(port) => Some(*port),
                PortChoice::Free => None,
            };
            (name.clone(), given.get(name).copied().or(port))
        });
        // Where an adopted process listens, it may do so already.
        let adopted = target.processes.iter().filter(|process| process.is_adopted());
        let theirs: BTreeSet<&String> = adopted.flat_map(|process| &process.listens).collect();
        // Those on other hosts are chosen there.
        let elsewhere = target.processes.iter().filter(|process| process.host.is_some());
        let elsewhere: BTreeSet<&String> = elsewhere.flat_map(|process| &process.listens).collect();
        let wanted = wanted.filter(|(name, _)| !elsewhere.contains(name));
        let (theirs, wanted): (BTreeMap<_, _>, BTreeMap<_, _>) =
            wanted.partition(|(name, port)| port.is_some() && theirs.contains(name));
        let mut ports = ports::choose(&wanted)?;
        let theirs = theirs.into_iter().filter_map(|(name, port)| Some((name, port?)));
        ports.ports.extend(theirs);
        let made = |folder: &Path| -> anyhow::Result<PathBuf> {
            let why = || format!("cannot make {}", folder.display());
            std::fs::create_dir_all(folder).with_context(why)?;
            folder.canonicalize().with_context(why)
        };
        // What is in scratch, the token say, is nobody else's business, unless a process runs as somebody else.
        if target.processes.iter().all(|process| process.user.is_none()) {
            let why = || format!("cannot make {}", scratch.display());
            faults::folder::make_private(scratch).with_context(why)?;
        }
        let (scratch, data) = (made(scratch)?, made(data)?);
        let logs = made(logs)?;
        let home = home_of(target)?;
        let work = match target.workspace.is_empty() {
            true => home.clone(),
            false => made(&data.join("work"))?,
        };
        let bin_dir = std::path::absolute(bin_dir)?;
        let setting = Setting::new(
            ports.ports.clone(),
            &scratch.to_string_lossy(),
            &target.plan,
            &bin_dir.to_string_lossy(),
            &Uuid::new_v4().to_string(),
        );
        let setting = setting.with_addresses(target.addresses());
        let hosts = Hosts::default();
        Ok(Self { setting, work, logs, ports, hosts, relays: None, data, scratch, home, bin_dir })
    }

    /// The same with the hosts that its processes are on, or that the `load` comes from, and the ports that processes listen on there:
    /// the `given` ones, or others.
    ///
    /// # Errors
    /// A host that cannot be reached, or has too few ports.
    pub(crate) async fn with_hosts(
        mut self,
        target: &Target,
        given: &BTreeMap<String, u16>,
        load: &[String],
    ) -> anyhow::Result<Self> {
        self.hosts = Hosts::connect(target, &self.setting, load).await?;
        let ports = self.hosts.ports(target, given).await?;
        self.setting = self.setting.with_ports(&ports);
        self.ports.ports.extend(ports);
        Ok(self)
    }

    /// The same, whose processes are told of relays where one is told another's port; `across_hosts`: also those on hosts.
    ///
    /// # Errors
    /// Too few ports are free.
    pub(crate) fn with_relays(
        self,
        target: &Target,
        variant: Option<&Variant>,
        across_hosts: bool,
    ) -> anyhow::Result<Self> {
        let (setting, ports) = (&self.setting, &self.ports.ports);
        let relays = Relays::choose(target, variant, setting, ports, across_hosts)?;
        Ok(Self { relays: Some(relays), ..self })
    }

    /// What a process is told: relays where there are such, instead of others' ports.
    pub(super) fn told_to(&self, process: &str) -> Setting {
        let setting = self.hosts.of(process).map_or(&self.setting, |there| there.setting);
        let relays = self.relays.as_ref();
        relays.map_or_else(|| setting.clone(), |relays| relays.told_to(process, setting))
    }

    /// Runs what is run once per run.
    ///
    /// # Errors
    /// A command that fails, or takes too long.
    pub(crate) async fn set_up(&self, target: &Target) -> anyhow::Result<()> {
        self.run_all("setup", &target.setup, &self.home).await
    }

    /// Does what comes before the processes: the copy, reset, files.
    ///
    /// # Errors
    /// What cannot be done.
    pub(crate) async fn begin(
        &mut self,
        target: &Target,
        variant: Option<&Variant>,
    ) -> anyhow::Result<()> {
        let work = Folder::new(&self.work)?;
        for path in &target.workspace {
            work.copy(&self.home.join(path), path).context("workspace")?;
        }
        let Reset { remove, mkdir, copy, commands } = &target.reset;
        for path in remove {
            let path = self.path(path)?;
            self.folder_of(&path)?.remove(&path).context("reset.remove")?;
        }
        for path in mkdir {
            let path = self.path(path)?;
            self.folder_of(&path)?.mkdir(&path).context("reset.mkdir")?;
        }
        for (from, to) in copy {
            let (from, to) = (self.path(from)?, self.path(to)?);
            self.folder_of(&to)?.copy(&from, &to).context("reset.copy")?;
        }
        for RenderedFile { path, content, private } in target.files_of(variant) {
            let path = self.path(path)?;
            let content = content.render(&self.setting)?;
            let folder = self.folder_of(&path)?;
            let written = match private {
                true => folder.write_private(&path, &content),
                false => folder.write(&path, &content),
            };
            written.context("files")?;
        }
        self.run_all("reset", commands, &self.work).await?;
        let from = (&self.setting, self.work.as_path(), self.bin_dir.as_path());
        self.hosts.bring(target, variant, from).await
    }

    /// Runs what comes once all processes are ready.
    ///
    /// # Errors
    /// A command that fails, or takes too long.
    pub(crate) async fn prepare(&self, prepare: &Prepare) -> anyhow::Result<()> {
        self.run_all("prepare", &prepare.commands, &self.work).await?;
        let Some(wait) = &prepare.wait else { return Ok(()) };
        let task = self.task(&wait.command, &self.work)?;
        let (begun, log) = (Instant::now(), self.logs.join("prepare.log"));
        loop {
            let left = wait.timeout.saturating_sub(begun.elapsed());
            match command::run(&guard_program(), &task, &log, left).await {
                Ok(()) => return Ok(()),
                Err(TaskError::Failed { .. }) if begun.elapsed() < wait.timeout => {}
                Err(error) => return Err(error).context("prepare.wait"),
            }
            tokio::time::sleep(WAIT_PERIOD).await;
        }
    }

    async fn run_all(&self, what: &str, commands: &Commands, at: &Path) -> anyhow::Result<()> {
        let tasks = commands.commands.iter().map(|command| self.task(command, at));
        let tasks = tasks.collect::<anyhow::Result<Vec<_>>>()?;
        let log = self.logs.join(format!("{what}.log"));
        command::run_all(&guard_program(), &tasks, &log, commands.timeout)
            .await
            .with_context(|| format!("{what}.commands"))
    }

    fn task(&self, command: &CommandTemplate, at: &Path) -> anyhow::Result<Task> {
        let (command, working_dir) = (command.render(&self.setting)?, at.to_owned());
        Ok(Task { command, environment: [].into(), working_dir, user: None })
    }

    /// Brings what processes on other hosts have left there beside what those here have: `hosts/NAME`.
    pub(crate) async fn bring_back(&self) {
        self.hosts.bring_back(&self.data.join("hosts")).await;
    }

    /// Where a path of the file leads.
    pub(crate) fn path(&self, path: &Template) -> anyhow::Result<PathBuf> {
        Ok(self.work.join(&*path.render(&self.setting)?))
    }

    /// The same for a process, which may be on another host.
    pub(super) fn path_of(&self, process: &str, path: &Template) -> anyhow::Result<PathBuf> {
        match self.hosts.of(process) {
            Some(there) => there.path(path),
            None => self.path(path),
        }
    }

    fn folder_of(&self, path: &Path) -> anyhow::Result<Folder> {
        let root = if path.starts_with(&self.scratch) { &self.scratch } else { &self.work };
        Ok(Folder::new(root)?)
    }
}
