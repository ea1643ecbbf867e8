//! The start: each process as soon as those that it depends on are there.

use std::collections::BTreeMap;
use std::fs;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;

use super::{
    ActError, Companion, Condition, Incarnation, Prepared, Slot, StartError, System, SystemPlan,
};
use crate::clock::monotonic_us;
use crate::locked::locked;
use crate::probe::{ProbeError, Probed};
use crate::tree::{AdoptCommand, Surroundings, Tree, TreeCommand};

/// Processes that were started together have the same time to get ready, and are given up together: who was given up first
/// waits so long for the others.
const GIVEN_UP_TOGETHER: Duration = Duration::from_millis(100);

/// The start of one process.
type Starting<'a> = Pin<Box<dyn Future<Output = Result<(), StartError>> + Send + 'a>>;

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
    /// Everything that is wrong with the plan; or why one failed: of several that did not get ready the first of the plan.
    /// Then nothing is left running, and neither is if this is dropped.
    pub async fn start(plan: SystemPlan) -> Result<Self, StartError> {
        Self::start_accompanied(plan, None).await
    }

    /// The same, with what goes with each process.
    ///
    /// # Errors
    /// As there.
    pub async fn start_accompanied(
        plan: SystemPlan,
        companion: Option<Arc<dyn Companion>>,
    ) -> Result<Self, StartError> {
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
                command: Mutex::default(),
                was_down: OnceLock::new(),
                beginning: tokio::sync::Mutex::default(),
            };
            (name, slot)
        });
        let slots = slots.collect();
        let (past_deaths, stopping) = (Mutex::default(), AtomicBool::new(false));
        let system = Self { plan, companion, slots, past_deaths, stopping };
        let progress: BTreeMap<String, watch::Sender<Progress>> =
            system.slots.keys().map(|name| (name.clone(), watch::Sender::default())).collect();
        let start = |name| -> Starting<'_> { Box::pin(system.start_one(name, &progress)) };
        let started = all(system.plan.programs.iter().map(|program| start(&program.name))).await;
        match started {
            Ok(()) => Ok(system),
            Err(error) => {
                system.kill_all().await;
                Err(error)
            }
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
                Condition::StopsLater => continue,
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
        let incarnation = self.incarnation(name)?;
        Ok(self.await_ready(slot, &incarnation).await?)
    }

    async fn await_ready(&self, slot: &Slot, incarnation: &Incarnation) -> Result<u64, StartError> {
        if let Some(ready_us) = incarnation.ready_monotonic_us.get() {
            return Ok(*ready_us);
        }
        let guard = self.plan.guard.on(slot.program.host.as_ref());
        let probed = Probed {
            name: &slot.program.name,
            tree: &incarnation.tree,
            log: &slot.log,
            log_begin: incarnation.log_begin,
            guard: &guard,
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
        if self.is_stopping() {
            return Err(StartError::Stopped);
        }
        self.begin_anew(slot, again).await
    }

    /// The same, also while the system is being stopped.
    pub(super) async fn begin_anew(
        &self,
        slot: &Slot,
        again: bool,
    ) -> Result<Arc<Incarnation>, StartError> {
        let program = &slot.program;
        let name = &program.name;
        let Prepared { environment: more, started } = match &self.companion {
            Some(companion) => {
                let prepared = companion.prepare(name).await;
                prepared.map_err(|source| StartError::Companion { name: name.clone(), source })?
            }
            None => Prepared::default(),
        };
        let restart = program.restart.as_ref().filter(|_| again);
        let command = restart.map_or(&program.command, |restart| &restart.command);
        let environment = restart.map_or(&program.environment, |restart| &restart.environment);
        let command = locked(&slot.command).as_ref().unwrap_or(command).clone();
        let surroundings = Surroundings {
            inherit: program.inherit.clone(),
            environment: environment.clone().into_iter().chain(more).collect(),
            working_dir: program.working_dir.clone(),
            user: program.user.clone(),
            log: slot.log.clone(),
            log_bytes: self.plan.log_bytes,
        };
        let log_begin = fs::metadata(&slot.log).map_or(0, |log| log.len());
        let guard = self.plan.guard.on(program.host.as_ref());
        let tree = match program.adopt.clone() {
            None => {
                let command = TreeCommand { command, surroundings, limits: program.limits };
                Tree::start(&guard, command).await
            }
            Some(adopt) => {
                let was_down = slot.was_down.get().copied();
                Tree::adopt(&guard, AdoptCommand { adopt, was_down, surroundings }).await
            }
        };
        let tree = tree.map_err(|source| StartError::Tree { name: name.clone(), source })?;
        slot.was_down.get_or_init(|| !tree.was_found());
        started(&tree);
        let incarnation = Arc::new(Incarnation::new(tree, log_begin));
        *locked(&slot.incarnation) = Some(Arc::clone(&incarnation));
        Ok(incarnation)
    }
}

/// Brings all starts to their end, or to the first failure. They are no tasks of their own: nothing of them goes on once this
/// is dropped.
async fn all<'a>(starts: impl Iterator<Item = Starting<'a>>) -> Result<(), StartError> {
    let mut starts: Vec<_> = starts.enumerate().collect();
    let mut failed: Vec<(usize, StartError)> = Vec::new();
    while !starts.is_empty() && failed.is_empty() {
        poll_fn(|context| poll_all(&mut starts, &mut failed, context)).await;
    }
    let others = async {
        while !starts.is_empty() && failed.iter().all(|(_, error)| is_not_ready(error)) {
            poll_fn(|context| poll_all(&mut starts, &mut failed, context)).await;
        }
    };
    // Who has not failed by then is not what is wrong.
    let _ = tokio::time::timeout(GIVEN_UP_TOGETHER, others).await;
    // Who has ended says more than who is not ready: the others may have waited for it.
    failed.sort_by_key(|(place, error)| (is_not_ready(error), *place));
    failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
}

/// Ready as soon as one more has failed, or all are through.
fn poll_all(
    starts: &mut Vec<(usize, Starting<'_>)>,
    failed: &mut Vec<(usize, StartError)>,
    context: &mut Context<'_>,
) -> Poll<()> {
    let before = failed.len();
    starts.retain_mut(|(place, start)| match start.as_mut().poll(context) {
        Poll::Pending => true,
        Poll::Ready(started) => {
            failed.extend(started.err().map(|error| (*place, error)));
            false
        }
    });
    if starts.is_empty() || failed.len() > before { Poll::Ready(()) } else { Poll::Pending }
}

fn is_not_ready(error: &StartError) -> bool {
    matches!(error, StartError::Probe(ProbeError::NotReady { .. }))
}
