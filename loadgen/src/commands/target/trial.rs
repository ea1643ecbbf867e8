//! One trial's folders and commands: copies of the workspace, an empty scratch folder, logs, and what is run in them.
//!
//! Everything that a target changes here is below its own folder, the copy of that, or scratch; `supervisor::folder`
//! sees to that. Whoever holds the trial keeps the folder, so it is removed after the last process has ended.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use supervisor::command::{self, Task, TaskError};
use supervisor::folder::Folder;
use targets::target::{Commands, Prepare, RenderedFile, Reset, Target, Variant};
use targets::template::{CommandTemplate, Setting, Template};
use tempfile::TempDir;

use crate::output::note;
use crate::program::guard_program;

/// How long after a failure the command of `prepare.wait` is tried again.
const WAIT_PERIOD: Duration = Duration::from_millis(50);

/// The folder of a trial: `scratch`, `logs`, and `work` if there is a workspace.
#[derive(Debug)]
pub(super) struct TrialFolder {
    folder: TempDir,
}

impl TrialFolder {
    /// Makes it.
    pub(super) fn new() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("double-trouble-target-").tempdir();
        let folder = folder.context("cannot make a temporary folder; set TMPDIR to another")?;
        for name in ["scratch", "logs", "work"] {
            std::fs::create_dir(folder.path().join(name)).context("cannot make a folder")?;
        }
        Ok(Self { folder })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes it; says where it is if it is to be kept, or if something `failed` of which there are logs.
    pub(super) fn end(self, keep: bool, failed: bool) -> anyhow::Result<()> {
        let mut logs = std::fs::read_dir(self.path().join("logs")).context("the logs are gone")?;
        if keep || (failed && logs.next().is_some()) {
            note!("logs, files and copies are kept in {}", self.folder.keep().display());
            return Ok(());
        }
        let path = self.path().to_owned();
        self.folder.close().with_context(|| format!("cannot remove {}", path.display()))
    }
}

/// What a target is started with.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    /// What is filled into its templates.
    pub(super) setting: &'a Setting,
    /// Where its paths begin: its folder, or the copy.
    pub(super) work: PathBuf,
    /// Its logs.
    pub(super) logs: PathBuf,
    scratch: PathBuf,
    home: PathBuf,
}

impl<'a> Trial<'a> {
    /// The trial of `target` in `folder`; nothing is copied yet.
    pub(super) fn new(
        target: &Target,
        setting: &'a Setting,
        folder: &Path,
        scratch: PathBuf,
    ) -> anyhow::Result<Self> {
        let home = target.path.parent().filter(|home| !home.as_os_str().is_empty());
        let home = home.unwrap_or(Path::new("."));
        let home = home.canonicalize().with_context(|| format!("no folder {}", home.display()))?;
        let work = if target.workspace.is_empty() { home.clone() } else { folder.join("work") };
        Ok(Self { setting, work, logs: folder.join("logs"), scratch, home })
    }

    /// Runs what comes before the processes: setup, the copy, reset, files.
    pub(super) async fn begin(
        &self,
        target: &Target,
        variant: Option<&Variant>,
    ) -> anyhow::Result<()> {
        self.run_all("setup", &target.setup, &self.home).await?;
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
        let changes = variant.iter().flat_map(|variant| variant.changes.values());
        let changed = changes.flat_map(|change| &change.files);
        // A variant's files come last, for they stand over the target's.
        for RenderedFile { path, content } in target.files.iter().chain(changed) {
            let path = self.path(path)?;
            let content = content.render(self.setting)?;
            self.folder_of(&path)?.write(&path, &content).context("files")?;
        }
        self.run_all("reset", commands, &self.work).await
    }

    /// Runs what comes once all processes are ready.
    pub(super) async fn prepare(&self, prepare: &Prepare) -> anyhow::Result<()> {
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
        let (command, working_dir) = (command.render(self.setting)?, at.to_owned());
        Ok(Task { command, environment: [].into(), working_dir, user: None })
    }

    /// Where a path of the file leads.
    pub(super) fn path(&self, path: &Template) -> anyhow::Result<PathBuf> {
        Ok(self.work.join(&*path.render(self.setting)?))
    }

    fn folder_of(&self, path: &Path) -> anyhow::Result<Folder> {
        let root = if path.starts_with(&self.scratch) { &self.scratch } else { &self.work };
        Ok(Folder::new(root)?)
    }
}
