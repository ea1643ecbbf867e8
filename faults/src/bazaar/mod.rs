//! The processes of a target, the bazaar's or any other's: started together, broken one by one, stopped together.
//!
//! All methods take `&self`, so that the injector, the probes and the run share one bazaar. A
//! process keeps its address, its data and its log through all its incarnations. Every process is a whole tree under a guard
//! (`supervisor::system`). Whatever way a bazaar goes, no process of it stays: [`Bazaar::stop`] is the polite way, dropping it
//! the sure one, and if the harness itself is killed the guards end the trees.
//!
//! Nobody here knows which target it is: all that can be done to it is in what it is started with ([`ServicePlan`]). What a target does
//! not declare cannot be done to it, and is refused with the reason.

mod data;
mod disks;
pub(crate) mod files;
mod hosts;
mod links;
mod own;
mod plan;
mod ready;
mod speed;
mod start;
mod stop;
mod surroundings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use records::{EventKind, FaultName, Processes};
use supervisor::host::HostLink;
use supervisor::system::{self, Incarnation, System};
use supervisor::tree::{GuardProgram, Limit};

pub use crate::act::{Act, ActError};
use crate::disk::Disks;
use crate::dump::Dumps;
use crate::events::EventSink;
use crate::host_network::HostNetwork;
use crate::leadership::Leaders;
use crate::process::{ProcessInfo, ProcessName, ProcessState};
use crate::relay::Network;
use crate::schedule::Action;
pub use crate::start_error::StartError;
pub use disks::{FaultyDisk, PowerCut};
pub use files::{FilesChanged, FilesCopy};
pub(crate) use links::LinkHealed;
pub use own::OwnFault;
pub(crate) use own::OwnUndone;
pub use plan::{CacheSwitch, ServicePlan};
pub use speed::Begun;
use speed::{Flooded, Slowed};

/// A process that ended though nobody had asked it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Death {
    pub(crate) name: ProcessName,
    pub(crate) pid: u32,
    pub(crate) at_monotonic_us: u64,
    pub(crate) status: String,
    /// What of the target's limits it went over, if it was killed for that.
    pub(crate) over_limit: Option<Limit>,
}

/// A running bazaar. Dropping it kills everything.
#[derive(Debug)]
pub struct Bazaar {
    processes: Processes,
    /// Where a process listens, as far as that is known.
    listening: BTreeMap<ProcessName, SocketAddr>,
    /// Those that are not on this host.
    on_hosts: BTreeMap<ProcessName, Arc<HostLink>>,
    data: BTreeMap<ProcessName, Vec<PathBuf>>,
    binaries: BTreeMap<ProcessName, PathBuf>,
    logs: PathBuf,
    dumps: Dumps,
    body_paths: BTreeMap<ProcessName, String>,
    cache: Option<CacheSwitch>,
    copies: PathBuf,
    network: Option<Arc<Network>>,
    host_network: Option<HostNetwork>,
    /// Why links of processes on hosts have relays, if they do.
    why_relays: Option<String>,
    disks: Arc<Disks>,
    files_changes: Mutex<Vec<files::Change>>,
    slowed: Mutex<Vec<Slowed>>,
    floods: Mutex<Vec<Flooded>>,
    own_faults: BTreeMap<FaultName, OwnFault>,
    own_lasting: Mutex<Vec<own::Lasting>>,
    guard: GuardProgram,
    log_bytes: u64,
    leaders: Arc<dyn Leaders>,
    /// Each is held while nobody else may start the process.
    beginnings: BTreeMap<ProcessName, tokio::sync::Mutex<()>>,
    system: System,
}

impl Bazaar {
    /// Where its processes tell what they hold.
    #[must_use]
    pub fn dumps(&self) -> &Dumps {
        &self.dumps
    }

    /// Which processes there are, and what they are there for.
    #[must_use]
    pub fn system(&self) -> &Processes {
        &self.processes
    }

    /// Every process, always in the same order.
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessInfo> {
        let info = |name| {
            let process = self.incarnation(name).ok()?;
            let address = self.listening.get(&name).copied();
            Some(ProcessInfo { name, pid: process.pid(), address, state: process.state() })
        };
        self.processes.names().filter_map(info).collect()
    }

    /// One process.
    #[must_use]
    pub fn process(&self, name: ProcessName) -> Option<ProcessInfo> {
        self.processes().into_iter().find(|process| process.name == name)
    }

    /// Knows who leads.
    #[must_use]
    pub fn leaders(&self) -> &Arc<dyn Leaders> {
        &self.leaders
    }

    /// Emits which hosts there are, and `Started` and `Ready` of every process, with the times at which that happened. To
    /// be called when the bazaar has just been started.
    pub fn report_start(&self, events: &EventSink) {
        self.report_hosts(events);
        for name in self.system().names() {
            let Ok(process) = self.incarnation(name) else { continue };
            let times = [
                (EventKind::Started, Some(process.started_monotonic_us())),
                (EventKind::Ready, process.ready_monotonic_us()),
            ];
            for (kind, at_monotonic_us) in times {
                let Some(at_monotonic_us) = at_monotonic_us else { continue };
                let at_us = events.origin().since_origin(at_monotonic_us);
                events.emit_at(at_us, kind, |event| {
                    event.process = Some(name.into());
                    event.pid = Some(process.pid());
                    let adopted = kind == EventKind::Started && process.was_found();
                    event.detail = adopted.then(|| "adopted: it ran before".to_owned());
                });
            }
        }
    }

    /// Sends SIGKILL, to a running or a paused process.
    pub async fn kill(&self, name: ProcessName) -> Result<Act, ActError> {
        self.act(Action::Kill, name, self.system.begin_kill(name.as_str()).await)
    }

    /// Sends SIGSTOP to a running process.
    pub async fn pause(&self, name: ProcessName) -> Result<Act, ActError> {
        self.act(Action::Pause, name, self.system.begin_pause(name.as_str()).await)
    }

    /// Sends SIGCONT to a paused process.
    pub async fn resume(&self, name: ProcessName) -> Result<Act, ActError> {
        self.act(Action::Resume, name, self.system.begin_resume(name.as_str()).await)
    }

    /// Starts a process that is down again, with the address and the data that it had. Whether
    /// it is ready is for [`wait_ready`](Self::wait_ready) to say.
    pub async fn restart(&self, name: ProcessName) -> Result<Act, ActError> {
        let _beginning = self.beginning(name).await?;
        self.begin_again(name).await
    }

    /// Whether it has a cache that can be switched.
    #[must_use]
    pub fn can_switch_cache(&self) -> bool {
        self.cache.is_some()
    }

    /// Stops the process with the cache as an operator would and starts it again with its cache on or off; nothing
    /// else changes. Returns when the new one was started; nothing if the process is down, and will
    /// have its cache so when it is restarted.
    pub async fn switch_cache(&self, on: bool) -> Result<Option<Act>, ActError> {
        let cache = self.cache.as_ref().ok_or(ActError::NoCache)?;
        let (name, action) = (cache.process, Action::Restart);
        let _beginning = self.beginning(name).await?;
        let is = self.incarnation(name)?.state();
        if is == ProcessState::Paused {
            return Err(ActError::State { name, action, is });
        }
        let command = if on { &cache.on } else { &cache.off };
        let failed = |error| ActError::of(error, name, action, &self.logs);
        self.system.set_command(name.as_str(), command.clone()).map_err(failed)?;
        if is == ProcessState::Down {
            return Ok(None);
        }
        self.system.shut_down(name.as_str()).await.map_err(failed)?;
        self.begin_again(name).await.map(Some)
    }

    /// Begins a new incarnation of a process that is down. The caller sees to it that nobody else does.
    async fn begin_again(&self, name: ProcessName) -> Result<Act, ActError> {
        self.act(Action::Restart, name, self.system.begin_restart(name.as_str()).await)
    }

    fn act(
        &self,
        action: Action,
        name: ProcessName,
        begun: Result<system::Begun, system::ActError>,
    ) -> Result<Act, ActError> {
        let begun = begun.map_err(|error| ActError::of(error, name, action, &self.logs))?;
        Ok(Act::new(action, name, begun))
    }

    /// Whether the current incarnation of a process was ended by a signal of the harness.
    pub(crate) fn was_ended_by_signal(&self, name: ProcessName) -> bool {
        let end = self.incarnation(name).ok().and_then(|process| process.end());
        end.is_some_and(|end| end.asked)
    }

    /// The deaths that nobody asked for and nobody was told of yet.
    pub(crate) fn take_deaths(&self) -> Vec<Death> {
        let named = |death: system::Death| {
            let system::Death { name, pid, at_monotonic_us, status, over_limit } = death;
            Some(Death { name: name.parse().ok()?, pid, at_monotonic_us, status, over_limit })
        };
        self.system.take_deaths().into_iter().filter_map(named).collect()
    }

    fn incarnation(&self, name: ProcessName) -> Result<Arc<Incarnation>, ActError> {
        self.system.incarnation(name.as_str()).map_err(|_| ActError::Unknown(name))
    }

    /// While what is returned lives nobody else starts the process.
    async fn beginning(
        &self,
        name: ProcessName,
    ) -> Result<tokio::sync::MutexGuard<'_, ()>, ActError> {
        let beginning = self.beginnings.get(&name).ok_or(ActError::Unknown(name))?;
        Ok(beginning.lock().await)
    }
}

impl Drop for Bazaar {
    fn drop(&mut self) {
        // Before anything else ends that they need; the system then waits for their end.
        self.kill_all();
    }
}

#[cfg(test)]
mod service_tests;
#[cfg(test)]
mod tests;
