//! The start: each process as soon as those that it depends on are there.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{ActError, Condition, Incarnation, Slot, StartError, System, SystemPlan};
use crate::clock::monotonic_us;
use crate::locked::locked;
use crate::probe::Probed;
use crate::tree::{Tree, TreeCommand};

/// How far a process has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    #[default]
    Waiting,
    Started,
    Ready,
}

impl System {
    /// Starts all processes, each as soon as it may, and waits until all are ready.
    ///
    /// # Errors
    /// Everything that is wrong with the plan; or why the first one that failed did. Then nothing is left running.
    pub async fn start(plan: SystemPlan) -> Result<Self, StartError> {
        let stages = plan.stages().map_err(StartError::Plan)?;
        let failed = |source| StartError::Logs { path: plan.logs.clone(), source };
        fs::create_dir_all(&plan.logs).map_err(failed)?;
        // Where a process runs need not be where its log's path begins.
        let logs = plan.logs.canonicalize().map_err(failed)?;
        let slots = plan.programs.iter().map(|program| {
            let name = program.name.clone();
            let slot = Slot {
                program: program.clone(),
                log: logs.join(format!("{name}.log")),
                stage: stages.get(&name).copied().unwrap_or_default(),
                incarnation: Mutex::default(),
                acting: tokio::sync::Mutex::default(),
            };
            (name, slot)
        });
        let slots = slots.collect();
        let stopping = AtomicBool::new(false);
        let system = Arc::new(Self { plan, slots, past_deaths: Mutex::default(), stopping });
        let progress: Arc<BTreeMap<String, watch::Sender<Progress>>> = Arc::new(
            system.slots.keys().map(|name| (name.clone(), watch::Sender::default())).collect(),
        );
        let mut starts = JoinSet::new();
        for name in system.slots.keys() {
            let (name, system, progress) =
                (name.clone(), Arc::clone(&system), Arc::clone(&progress));
            starts.spawn(async move { system.start_one(&name, &progress).await });
        }
        let mut result = Ok(());
        while let Some(started) = starts.join_next().await {
            result = started.unwrap_or(Err(StartError::Stopped));
            if result.is_err() {
                // Everybody else is given up as well, and dropped with the system.
                starts.shutdown().await;
                break;
            }
        }
        match (result, Arc::try_unwrap(system)) {
            (Ok(()), Ok(system)) => Ok(system),
            (Err(error), Ok(system)) => {
                system.kill_all().await;
                Err(error)
            }
            // All who shared it have ended.
            (result, Err(_)) => Err(result.err().unwrap_or(StartError::Stopped)),
        }
    }

    async fn start_one(
        &self,
        name: &str,
        progress: &BTreeMap<String, watch::Sender<Progress>>,
    ) -> Result<(), StartError> {
        let Some(slot) = self.slots.get(name) else { return Err(StartError::Stopped) };
        for (other, condition) in &slot.program.depends_on {
            let needed = match condition {
                Condition::Started => Progress::Started,
                Condition::Healthy => Progress::Ready,
            };
            let Some(other) = progress.get(other) else { return Err(StartError::Stopped) };
            // The sender lives as long as the map.
            let _ = other.subscribe().wait_for(|reached| *reached >= needed).await;
        }
        let reached = |reached| progress.get(name).map(|progress| progress.send_replace(reached));
        let incarnation = self.begin_incarnation(slot, false).await?;
        reached(Progress::Started);
        self.await_ready(slot, &incarnation).await?;
        reached(Progress::Ready);
        Ok(())
    }

    /// Waits, within its probe's time, until a process is ready. Returns when that was first seen, on `CLOCK_MONOTONIC`.
    ///
    /// # Errors
    /// If it ends before, or is not ready in that time.
    pub async fn wait_ready(&self, name: &str) -> Result<u64, ActError> {
        let slot = self.slot(name)?;
        let incarnation = slot.incarnation().ok_or_else(|| ActError::Unknown(name.to_owned()))?;
        Ok(self.await_ready(slot, &incarnation).await?)
    }

    async fn await_ready(&self, slot: &Slot, incarnation: &Incarnation) -> Result<u64, StartError> {
        if let Some(ready_us) = incarnation.ready_monotonic_us.get() {
            return Ok(*ready_us);
        }
        let probed = Probed {
            name: &slot.program.name,
            tree: &incarnation.tree,
            log: &slot.log,
            log_begin: incarnation.log_begin,
            guard: &self.plan.guard,
            working_dir: &slot.program.working_dir,
            environment: &slot.program.environment,
            user: slot.program.user.as_ref(),
        };
        let ready_us = match &slot.program.probe {
            Some(probe) => probed.ready(probe).await?,
            None => monotonic_us(),
        };
        Ok(*incarnation.ready_monotonic_us.get_or_init(|| ready_us))
    }

    /// Starts a process that does not run, for the first time or again.
    pub(super) async fn begin_incarnation(
        &self,
        slot: &Slot,
        again: bool,
    ) -> Result<Arc<Incarnation>, StartError> {
        if self.stopping.load(Ordering::SeqCst) {
            return Err(StartError::Stopped);
        }
        let program = &slot.program;
        let restart = program.restart.as_ref().filter(|_| again);
        let command = TreeCommand {
            command: restart.map_or(&program.command, |restart| &restart.command).clone(),
            environment: restart
                .map_or(&program.environment, |restart| &restart.environment)
                .clone(),
            working_dir: program.working_dir.clone(),
            user: program.user.clone(),
            log: slot.log.clone(),
            log_bytes: self.plan.log_bytes,
            limits: program.limits,
        };
        let log_begin = fs::metadata(&slot.log).map_or(0, |log| log.len());
        let tree = Tree::start(&self.plan.guard, command).await;
        let tree =
            tree.map_err(|source| StartError::Tree { name: program.name.clone(), source })?;
        let incarnation = Arc::new(Incarnation {
            tree,
            log_begin,
            paused: AtomicBool::new(false),
            ready_monotonic_us: OnceLock::new(),
            death_told: AtomicBool::new(false),
        });
        *locked(&slot.incarnation) = Some(Arc::clone(&incarnation));
        Ok(incarnation)
    }
}
