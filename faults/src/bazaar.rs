//! The whole bazaar as child processes: started together, broken one by one, stopped together.
//!
//! All methods take `&self`, so that the injector, the probes and the run share one bazaar. A
//! process keeps its address, its data and its log through all its lives. Whatever way a bazaar
//! goes, no process of it stays: [`Bazaar::stop`] is the polite way, dropping it the sure one,
//! and if the harness itself is killed the kernel ends the children.

mod disks;
mod links;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use records::EventKind;
use serde::Deserialize;
use tokio::time::Instant;

pub use crate::act::{Act, ActError};
use crate::child::Child;
use crate::clock::monotonic_us;
pub use crate::config::{BazaarConfig, Durability};
use crate::disk::Disks;
use crate::events::EventSink;
use crate::http::{Call, HttpClient};
use crate::launch::{self, Launch};
use crate::ports::{self, Reservation};
pub use crate::ports::{Addresses, Ports};
use crate::process::{ProcessInfo, ProcessName, ProcessState};
use crate::relay::{self, Network};
use crate::schedule::Action;
use crate::spawner::Spawner;
pub use crate::start_error::StartError;
pub use disks::{HarmedDisk, PowerCut};

/// How often a whole bazaar is tried on other ports when one turned out to be taken after all.
/// Ports are reserved among harnesses, so even one collision is rare.
const MAX_PORT_CHOICES: u32 = 5;
/// How long a process may take to be ready. A catch-up after a long outage comes after that.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(30);
/// How often a process that is not ready is asked again.
const READY_POLL: Duration = Duration::from_millis(10);
/// How long one such question may take, so that a process that hangs does not hide one that died.
const HEALTH_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a process may take to drain: a little more than the 3 s that the services allow it.
const STOP_WITHIN: Duration = Duration::from_secs(4);
/// How long SIGKILL may take at the end.
const KILL_WITHIN: Duration = Duration::from_secs(5);

/// A process that ended though nobody had asked it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Death {
    pub(crate) name: ProcessName,
    pub(crate) pid: u32,
    pub(crate) at_monotonic_us: u64,
    pub(crate) status: String,
}

/// A process's current life.
#[derive(Clone, Debug)]
struct Life {
    child: Arc<Child>,
    /// How long its log was before.
    log_begin: u64,
}

#[derive(Debug)]
struct Slot {
    life: Mutex<Life>,
    /// Held while a new life begins, so that there is never more than one.
    beginning: tokio::sync::Mutex<()>,
}

impl Slot {
    fn life(&self) -> Life {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running bazaar. Dropping it kills everything.
#[derive(Debug)]
pub struct Bazaar {
    launch: Launch,
    slots: BTreeMap<ProcessName, Slot>,
    network: Option<Network>,
    disks: Disks,
    /// Deaths of earlier lives that nobody has been told of yet.
    past_deaths: Mutex<Vec<Death>>,
    stopping: AtomicBool,
    http: HttpClient,
    _reservations: Vec<Reservation>,
    /// The last to go: its thread's end is what the kernel takes for the parent's.
    spawner: Spawner,
}

impl Bazaar {
    /// Starts everything and returns once every service says that it is ready. On failure
    /// whatever was started is killed.
    pub async fn start(config: BazaarConfig) -> Result<Self, StartError> {
        if config.replicas == 0 {
            return Err(StartError::NoReplicas);
        }
        let mut choices = 1;
        loop {
            let (addresses, reservation) = ports::choose(config.ports, config.replicas)?;
            let mut reservations = vec![reservation];
            let network = if config.relays {
                let needed = relay::addresses_needed(&addresses);
                let (own, reservation) = ports::choose_more(needed)?;
                reservations.push(reservation);
                Some(Network::new(&addresses, own))
            } else {
                None
            };
            let launch = Launch::prepare(config.clone(), addresses, network.as_ref())?;
            let disks = Disks::new(&config.disk_faults, &config.data_dir);
            let disks = disks.map_err(StartError::Disks)?;
            match Self::start_on(launch, network, disks, reservations).await {
                Err(error)
                    if config.ports == Ports::Free
                        && choices < MAX_PORT_CHOICES
                        && error.is_address_in_use() =>
                {
                    tracing::warn!(%error, "trying the whole bazaar again on other ports");
                    choices += 1;
                }
                result => return result,
            }
        }
    }

    async fn start_on(
        launch: Launch,
        network: Option<Network>,
        disks: Disks,
        reservations: Vec<Reservation>,
    ) -> Result<Self, StartError> {
        let spawner = Spawner::new().map_err(StartError::Thread)?;
        let mut slots = BTreeMap::new();
        for (name, _) in launch.addresses().processes() {
            let life = begin_life(&launch, network.as_ref(), &disks, &spawner, name).await?;
            let beginning = tokio::sync::Mutex::new(());
            slots.insert(name, Slot { life: Mutex::new(life), beginning });
        }
        let http = HttpClient::new().with_token(launch.token().clone());
        let bazaar = Self {
            launch,
            slots,
            network,
            disks,
            past_deaths: Mutex::default(),
            stopping: AtomicBool::new(false),
            http,
            _reservations: reservations,
            spawner,
        };
        let everybody: Vec<_> = bazaar.slots.keys().copied().collect();
        bazaar.await_ready(&everybody).await?;
        bazaar.check_reach()?;
        Ok(bazaar)
    }

    /// Where everything listens.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        self.launch.addresses()
    }

    /// Every process, front-end first, then the catalog, then the replicas by id.
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessInfo> {
        let info = |(name, address)| {
            let child = self.slots.get(&name)?.life().child;
            Some(ProcessInfo { name, pid: child.pid(), address, state: child.state() })
        };
        self.addresses().processes().filter_map(info).collect()
    }

    /// One process.
    #[must_use]
    pub fn process(&self, name: ProcessName) -> Option<ProcessInfo> {
        self.processes().into_iter().find(|process| process.name == name)
    }

    /// The client that the harness asks the services with.
    #[must_use]
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Emits `Started` and `Ready` of every process, with the times at which that happened. To
    /// be called when the bazaar has just been started.
    pub fn report_start(&self, events: &EventSink) {
        for (name, slot) in &self.slots {
            let child = slot.life().child;
            let times = [
                (EventKind::Started, Some(child.started_monotonic_us())),
                (EventKind::Ready, child.ready_monotonic_us.get().copied()),
            ];
            for (kind, at_monotonic_us) in times {
                let Some(at_monotonic_us) = at_monotonic_us else { continue };
                let at_us = events.origin().since_origin(at_monotonic_us);
                events.emit_at(at_us, kind, |event| {
                    event.process = Some((*name).into());
                    event.pid = Some(child.pid());
                });
            }
        }
    }

    /// Sends SIGKILL, to a running or a paused process.
    pub fn kill(&self, name: ProcessName) -> Result<Act, ActError> {
        Act::signal(Action::Kill, &self.slot(name)?.life().child, Child::kill)
    }

    /// Sends SIGSTOP to a running process.
    pub fn pause(&self, name: ProcessName) -> Result<Act, ActError> {
        Act::signal(Action::Pause, &self.slot(name)?.life().child, Child::pause)
    }

    /// Sends SIGCONT to a paused process.
    pub fn resume(&self, name: ProcessName) -> Result<Act, ActError> {
        Act::signal(Action::Resume, &self.slot(name)?.life().child, Child::resume)
    }

    /// Starts a process that is down again, with the address and the data that it had. Whether
    /// it is ready is for [`wait_ready`](Self::wait_ready) to say.
    pub async fn restart(&self, name: ProcessName) -> Result<Act, ActError> {
        let slot = self.slot(name)?;
        let _beginning = slot.beginning.lock().await;
        self.begin_again(name, slot).await
    }

    /// Stops the front-end as an operator would and starts it again with its cache on or off; nothing
    /// else changes. Returns when the new one was started; nothing if the front-end is down, and will
    /// have its cache so when it is restarted.
    pub async fn switch_cache(&self, on: bool) -> Result<Option<Act>, ActError> {
        let name = ProcessName::FrontEnd;
        let slot = self.slot(name)?;
        let _beginning = slot.beginning.lock().await;
        let old = slot.life().child;
        match old.state() {
            ProcessState::Down => {
                self.launch.set_cache(on);
                return Ok(None);
            }
            is @ ProcessState::Paused => {
                return Err(ActError::State { name, action: Action::Restart, is });
            }
            ProcessState::Running => {}
        }
        self.launch.set_cache(on);
        stop_together(std::slice::from_ref(&old)).await;
        self.begin_again(name, slot).await.map(Some)
    }

    /// Begins a new life of a process that is down. The caller holds the slot's lock for that.
    async fn begin_again(&self, name: ProcessName, slot: &Slot) -> Result<Act, ActError> {
        if self.stopping.load(Ordering::SeqCst) {
            return Err(ActError::Stopping);
        }
        let old = slot.life().child;
        let (action, is) = (Action::Restart, old.state());
        if is != ProcessState::Down {
            return Err(ActError::State { name, action, is });
        }
        let network = self.network.as_ref();
        let life = begin_life(&self.launch, network, &self.disks, &self.spawner, name).await?;
        self.past_deaths().extend(death_of(&old));
        let child = Arc::clone(&life.child);
        *slot.lock() = life;
        Ok(Act::new(action, child.started_monotonic_us(), child))
    }

    /// Waits, within a bound, until a process says that it is ready. Returns when that was first
    /// seen, on `CLOCK_MONOTONIC`.
    pub async fn wait_ready(&self, name: ProcessName) -> Result<u64, ActError> {
        let slot = self.slot(name)?;
        self.await_ready(&[name]).await?;
        Ok(slot.life().child.ready_monotonic_us.get().copied().unwrap_or_else(monotonic_us))
    }

    /// Whether the current life of a process has been seen ready.
    pub(crate) fn was_ready(&self, name: ProcessName) -> bool {
        let slot = self.slots.get(&name);
        slot.is_some_and(|slot| slot.life().child.ready_monotonic_us.get().is_some())
    }

    /// Whether the current life of a process was ended by a signal of the harness.
    pub(crate) fn was_ended_by_signal(&self, name: ProcessName) -> bool {
        let exit = self.slots.get(&name).and_then(|slot| slot.life().child.exit());
        exit.is_some_and(|exit| exit.asked)
    }

    /// The deaths that nobody asked for and nobody was told of yet.
    pub(crate) fn take_deaths(&self) -> Vec<Death> {
        let mut deaths = std::mem::take(&mut *self.past_deaths());
        deaths.extend(self.slots.values().filter_map(|slot| death_of(&slot.life().child)));
        deaths
    }

    /// Kills everything at once, for somebody who does not wait for [`stop`](Self::stop). Afterwards
    /// nothing can be restarted. The files of the services are as a power failure would leave them,
    /// which they are made for.
    pub fn kill_all(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for slot in self.slots.values() {
            let child = slot.life().child;
            if child.exit().is_none() {
                note_unsent(&child, child.kill());
            }
        }
    }

    /// Stops everything: lets paused processes go on, then SIGTERM, a bounded wait, and SIGKILL
    /// for what is left; the front-end first, so that nobody answers for a bazaar that is half
    /// gone, then the replicas, then the catalog. Afterwards nothing can be restarted.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // A service drains what it has begun, for which it may need the others.
        for (fault, _) in self.harmed_links() {
            self.heal_link(fault);
        }
        self.heal_disks();
        let mut stages: [Vec<Arc<Child>>; 3] = Default::default();
        for (name, slot) in &self.slots {
            // A restart that was under way has begun its process once the lock is free.
            let _beginning = slot.beginning.lock().await;
            let stage = match name {
                ProcessName::FrontEnd => 0,
                ProcessName::Order(_) => 1,
                ProcessName::Catalog => 2,
            };
            let child = slot.life().child;
            if child.state() == ProcessState::Paused {
                note_unsent(&child, child.resume());
            }
            stages[stage].push(child);
        }
        for stage in stages {
            stop_together(&stage).await;
        }
    }

    fn slot(&self, name: ProcessName) -> Result<&Slot, ActError> {
        self.slots.get(&name).ok_or(ActError::Unknown(name))
    }

    fn past_deaths(&self) -> MutexGuard<'_, Vec<Death>> {
        self.past_deaths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks all of `names` in turn until all are ready, so that one that dies is noticed while
    /// another is still being waited for.
    async fn await_ready(&self, names: &[ProcessName]) -> Result<(), StartError> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let mut not_ready = None;
            for (name, address) in self.addresses().processes() {
                let Some(slot) = self.slots.get(&name).filter(|_| names.contains(&name)) else {
                    continue;
                };
                let life = slot.life();
                let ready = &life.child.ready_monotonic_us;
                let health =
                    if ready.get().is_some() { Ok(()) } else { self.health(address).await };
                if let Some(exit) = life.child.exit() {
                    let log = self.launch.log(name);
                    let reason = launch::last_line(&log, life.log_begin)
                        .unwrap_or_else(|| "it ended without a word".to_owned());
                    return Err(StartError::Ended { name, reason, status: exit.describe(), log });
                }
                match health {
                    Ok(()) => {
                        ready.get_or_init(monotonic_us);
                    }
                    // The front-end comes first, and knows best for what the others wait.
                    Err(reason) => _ = not_ready.get_or_insert((name, reason)),
                }
            }
            let Some((name, reason)) = not_ready else { return Ok(()) };
            if Instant::now() >= deadline {
                let log = self.launch.log(name);
                return Err(StartError::NotReady { name, within: READY_WITHIN, reason, log });
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }

    async fn health(&self, address: SocketAddr) -> Result<(), String> {
        let reply = self.http.call(address, &Call::get("/healthz"), HEALTH_TIMEOUT).await;
        let reply = reply.map_err(|error| error.to_string())?;
        if reply.status.is_success() {
            return Ok(());
        }
        Err(reply.json().map_or_else(|_| reply.message(), |Unready { reason }| reason))
    }
}

/// The answer of `GET /healthz` while a service is not ready.
#[derive(Deserialize)]
struct Unready {
    reason: String,
}

impl Drop for Bazaar {
    fn drop(&mut self) {
        // All at once; each child's own drop then waits for its end.
        self.kill_all();
    }
}

async fn begin_life(
    launch: &Launch,
    network: Option<&Network>,
    disks: &Disks,
    spawner: &Spawner,
    name: ProcessName,
) -> Result<Life, StartError> {
    let failed = |source| StartError::Spawn { name, source };
    let (mut command, log_begin) = launch.command(name).map_err(failed)?;
    command.envs(disks.begin_life(name).map_err(failed)?);
    // Before the process can do anything: a relay refuses nobody while it lives.
    let listening = match network {
        Some(network) => {
            let listening = network.listen(name).await;
            Some((network, listening.map_err(|source| StartError::Relay { name, source })?))
        }
        None => None,
    };
    let child = spawner.spawn(name, command).await.map_err(failed)?;
    if let Some((network, listening)) = listening {
        network.serve(listening, || child.death());
    }
    Ok(Life { child: Arc::new(child), log_begin })
}

fn death_of(child: &Child) -> Option<Death> {
    let exit = child.take_unasked_end()?;
    Some(Death {
        name: child.name(),
        pid: child.pid(),
        at_monotonic_us: exit.at_monotonic_us,
        status: exit.describe(),
    })
}

async fn stop_together(children: &[Arc<Child>]) {
    let deadline = Instant::now() + STOP_WITHIN;
    let living = || children.iter().filter(|child| child.exit().is_none());
    for child in living() {
        note_unsent(child, child.terminate());
    }
    for child in children {
        child.ended(deadline.saturating_duration_since(Instant::now())).await;
    }
    for child in living() {
        tracing::warn!(process = %child.name(), pid = child.pid(), "did not stop when told; killed");
        note_unsent(child, child.kill());
    }
    for child in children {
        if child.ended(KILL_WITHIN).await.is_none() {
            tracing::warn!(process = %child.name(), pid = child.pid(), "killed, but not gone yet");
        }
    }
}

/// A process may end between the look and the signal; that is not worth more than a line.
fn note_unsent(child: &Child, sent: Result<u64, crate::child::Unsent>) {
    if let Err(unsent) = sent {
        tracing::debug!(process = %child.name(), ?unsent, "signal not sent");
    }
}

#[cfg(test)]
mod tests;
