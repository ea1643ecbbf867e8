//! The hosts of a target in one trial: the agents there, and what a trial has on each: a folder of its own, free ports, programs, files.
//!
//! Everything of a trial on a host is below its agent's folder: `scratch`, which `{{ scratch }}` says there, `work`, the copy of the
//! target's workspace, and `bin`, programs of a build that the host does not have. The agent removes it at the end; what processes have left in the
//! first two is brought back before that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use supervisor::host::{Host, HostLink};
use targets::target::{PortChoice, RenderedFile, Target, Variant};
use targets::template::{Setting, Template};
use tokio::task::JoinSet;

use super::programs::{Words, check_executable};
use crate::program::agent_program;

/// The folder there that `{{ scratch }}` says.
const SCRATCH: &str = "scratch";
/// The copy of the workspace there.
const WORK: &str = "work";
/// How much is brought back of each of them: more than the databases of any trial, and less than fills a disk at once.
const MOST_BROUGHT_BYTES: u64 = 1 << 30;

/// The hosts of a trial that a process is on, or that the load comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    hosts: BTreeMap<String, OnHost>,
    /// The host of each process that is on one.
    of: BTreeMap<String, String>,
    /// From where the load comes, in the order in which clients are shared out; none if it comes from here.
    load: Vec<String>,
}

/// One of them.
#[derive(Clone, Debug)]
struct OnHost {
    link: Arc<HostLink>,
    /// What is filled into templates there.
    setting: Setting,
}

/// Where a process of a trial is, if that is another host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct There<'a> {
    /// The host.
    pub(crate) link: &'a Arc<HostLink>,
    /// What is filled into templates there.
    pub(crate) setting: &'a Setting,
}

impl There<'_> {
    /// Where the target's paths begin there.
    pub(crate) fn work(&self) -> PathBuf {
        self.link.folder().join(WORK)
    }

    /// Where a path of the file leads there.
    pub(crate) fn path(&self, path: &Template) -> anyhow::Result<PathBuf> {
        Ok(self.work().join(&*path.render(self.setting)?))
    }
}

/// Whether a process is on a host, of processes on these hosts.
fn is_on(of: &BTreeMap<String, String>, host: &str) -> bool {
    of.values().any(|of| of == host)
}

impl Hosts {
    /// Connects to every host that a process is on, or that the `load` comes from. What they are told besides is in `setting`.
    ///
    /// # Errors
    /// Every host that cannot be reached.
    pub(crate) async fn connect(
        target: &Target,
        setting: &Setting,
        load: &[String],
    ) -> anyhow::Result<Self> {
        let of: BTreeMap<String, String> = target
            .processes
            .iter()
            .filter_map(|process| Some((process.name.clone(), process.host.clone()?)))
            .collect();
        let mut connecting = JoinSet::new();
        for name in of.values().chain(load).collect::<BTreeSet<_>>() {
            let Some(host) = target.hosts.get(name) else {
                bail!("hosts.{name}: there is no such host");
            };
            let connect = host.connect.render(setting)?;
            let (host, name) = (Host { connect, address: host.address.clone() }, name.clone());
            connecting.spawn(async move { HostLink::connect(&name, host, &agent_program()).await });
        }
        let (mut hosts, mut problems) = (BTreeMap::new(), Vec::new());
        for connected in connecting.join_all().await {
            match connected {
                Ok(link) => {
                    let setting = setting.clone();
                    hosts.insert(link.name().to_owned(), OnHost { link, setting });
                }
                Err(error) => problems.push(format!("hosts.{}: {}", error.host, error.reason)),
            }
        }
        problems.sort();
        let load = load.to_vec();
        match problems.as_slice() {
            [] => Ok(Self { hosts, of, load }),
            problems => Err(anyhow!(problems.join("\n"))),
        }
    }

    /// The numbers of all ports that processes on hosts listen on: those that the file or `given` name, and others that are free there.
    ///
    /// # Errors
    /// Too few are free.
    pub(crate) async fn ports(
        &self,
        target: &Target,
        given: &BTreeMap<String, u16>,
    ) -> anyhow::Result<BTreeMap<String, u16>> {
        let mut ports = BTreeMap::new();
        for (host, on) in &self.hosts {
            let mut wanted = Vec::new();
            for name in self.listening_on(target, host) {
                match (given.get(name), target.ports.get(name)) {
                    (Some(port), _) | (None, Some(PortChoice::Fixed(port))) => {
                        ports.insert(name.clone(), *port);
                    }
                    (None, _) => wanted.push(name),
                }
            }
            let free = on.link.free_ports(wanted.len()).await?;
            ports.extend(wanted.into_iter().cloned().zip(free));
        }
        Ok(ports)
    }

    fn listening_on<'t>(&self, target: &'t Target, host: &str) -> BTreeSet<&'t String> {
        let there = target.processes.iter().filter(|process| process.host.as_deref() == Some(host));
        there.flat_map(|process| &process.listens).collect()
    }

    /// Takes to each host what a trial needs there before its processes start: the folders, the copy of the workspace from `work`, the files,
    /// and those programs of `bin_dir` that it does not have. `setting` is what is filled in here.
    ///
    /// # Errors
    /// What cannot be done.
    pub(crate) async fn bring(
        &mut self,
        target: &Target,
        variant: Option<&Variant>,
        (setting, work, bin_dir): (&Setting, &Path, &Path),
    ) -> anyhow::Result<()> {
        let of = &self.of;
        for (name, on) in self.hosts.iter_mut().filter(|(name, _)| is_on(of, name)) {
            let brought = on.bring(name, target, variant, (setting, work, bin_dir)).await;
            brought.with_context(|| format!("hosts.{name}"))?;
        }
        Ok(())
    }

    /// Where a process is, if that is another host.
    pub(crate) fn of(&self, process: &str) -> Option<There<'_>> {
        Some(self.hosts.get(self.of.get(process)?)?.there())
    }

    /// Whether a process is on a host.
    pub(crate) fn has_processes(&self, host: &str) -> bool {
        is_on(&self.of, host)
    }

    /// Those that the load comes from, in the order in which clients are shared out.
    pub(crate) fn load(&self) -> impl Iterator<Item = &Arc<HostLink>> {
        self.load.iter().filter_map(|name| self.hosts.get(name)).map(|on| &on.link)
    }

    /// All of them.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Arc<HostLink>> {
        self.hosts.values().map(|on| &on.link)
    }

    /// Brings what processes have left on their hosts into a folder of each host's name below `to`. What cannot be brought is said.
    pub(crate) async fn bring_back(&self, to: &Path) {
        let mut bringing = JoinSet::new();
        for (name, on) in self.hosts.iter().filter(|(name, _)| is_on(&self.of, name)) {
            // What was on a host that is lost is gone with it.
            if on.link.loss().is_none() {
                let (link, to) = (Arc::clone(&on.link), to.join(name));
                bringing.spawn(async move { bring_back(&link, &to).await });
            }
        }
        for brought in bringing.join_all().await {
            if let Err(error) = brought {
                tracing::warn!("not all that its processes have left is kept: {error:#}");
            }
        }
    }

    /// Ends the agents and all that they have started, and waits for that.
    pub(crate) async fn close(&self) {
        let mut closing = JoinSet::new();
        for link in self.links() {
            let link = Arc::clone(link);
            closing.spawn(async move { link.close().await });
        }
        for closed in closing.join_all().await {
            if let Err(error) = closed {
                tracing::warn!(%error, "something may be left there");
            }
        }
    }
}

async fn bring_back(link: &HostLink, to: &Path) -> anyhow::Result<()> {
    // As scratch is here: what is in it, the token say, is nobody else's business.
    faults::folder::make_private(to).with_context(|| format!("cannot make {}", to.display()))?;
    for folder in [SCRATCH, WORK] {
        let (from, to) = (link.folder().join(folder), to.join(folder));
        link.bring_back(&from, &to, MOST_BROUGHT_BYTES).await?;
    }
    Ok(())
}

impl OnHost {
    fn there(&self) -> There<'_> {
        There { link: &self.link, setting: &self.setting }
    }

    async fn bring(
        &mut self,
        name: &str,
        target: &Target,
        variant: Option<&Variant>,
        (setting, work, bin_dir): (&Setting, &Path, &Path),
    ) -> anyhow::Result<()> {
        let (scratch, work_there) = (self.link.folder().join(SCRATCH), self.there().work());
        self.link.make_folder(&scratch).await?;
        self.link.make_folder(&work_there).await?;
        let bin = self.bring_programs(name, target, variant, (setting, bin_dir)).await?;
        self.setting = setting.with_folders(&scratch.to_string_lossy(), &bin.to_string_lossy());
        for path in &target.workspace {
            self.link.copy(&work.join(path), &work_there.join(path)).await?;
        }
        for RenderedFile { path, content, private } in target.files_of(variant) {
            let path = self.there().path(path)?;
            let content = content.render(&self.setting)?;
            let mode = if *private { 0o600 } else { 0o644 };
            self.link.write(&path, mode, content.as_bytes()).await?;
        }
        Ok(())
    }

    /// Takes those programs of `bin_dir` there that processes are started by, unless it has the same. Returns their folder there.
    async fn bring_programs(
        &self,
        name: &str,
        target: &Target,
        variant: Option<&Variant>,
        (setting, bin_dir): (&Setting, &Path),
    ) -> anyhow::Result<PathBuf> {
        let mut programs = BTreeSet::new();
        for process in &target.processes {
            if process.host.as_deref() != Some(name) || process.is_adopted() {
                continue;
            }
            let words = Words::of(process, variant, setting)?;
            let program = words.command.first().map(PathBuf::from);
            programs.extend(program.filter(|program| program.starts_with(bin_dir)));
        }
        let mut are_there = true;
        for program in &programs {
            check_executable(program)?;
            are_there &= self.link.has_program(program).await?;
        }
        if are_there {
            return Ok(bin_dir.to_owned());
        }
        let bin = self.link.folder().join("bin");
        for program in &programs {
            let below = program.strip_prefix(bin_dir)?;
            self.link.copy(program, &bin.join(below)).await?;
        }
        Ok(bin)
    }
}
