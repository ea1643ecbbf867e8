//! The whole bazaar as child processes: started together, broken one by one, stopped together.
//!
//! All methods take `&self`, so that the injector, the probes and the run share one bazaar. A
//! process keeps its address, its data and its log through all its incarnations. Whatever way a bazaar
//! goes, no process of it stays: [`Bazaar::stop`] is the polite way, dropping it the sure one,
//! and if the harness itself is killed the kernel ends the children.

mod disks;
pub(crate) mod files;
mod links;
mod ready;
mod speed;
mod stop;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use records::{EventKind, Processes, built_in};

pub use crate::act::{Act, ActError};
use crate::child::Child;
pub use crate::config::{BazaarConfig, Durability};
use crate::disk::Disks;
use crate::events::EventSink;
use crate::flood;
use crate::http::HttpClient;
use crate::launch::Launch;
use crate::leadership::{BuiltIn, Leaders};
use crate::ports::{self, Reservation};
pub use crate::ports::{Addresses, Ports};
use crate::process::{ProcessInfo, ProcessName, ProcessState};
use crate::relay::{self, Network};
use crate::schedule::Action;
use crate::spawner::Spawner;
pub use crate::start_error::StartError;
pub use disks::{FaultyDisk, PowerCut};
pub use files::{FilesChanged, FilesCopy};
pub use speed::Begun;
use speed::{Flooded, Slowed};
use stop::stop_together;
use supervisor::locked::locked;

/// How often a whole bazaar is tried on other ports when one turned out to be taken after all.
/// Ports are reserved among harnesses, so even one collision is rare.
const MAX_PORT_CHOICES: u32 = 5;

/// A process that ended though nobody had asked it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Death {
    pub(crate) name: ProcessName,
    pub(crate) pid: u32,
    pub(crate) at_monotonic_us: u64,
    pub(crate) status: String,
}

/// A process's current incarnation.
#[derive(Clone, Debug)]
struct Incarnation {
    child: Arc<Child>,
    /// How long its log was before.
    log_begin: u64,
}

#[derive(Debug)]
struct Slot {
    incarnation: Mutex<Incarnation>,
    /// Held while a new incarnation begins, so that there is never more than one.
    beginning: tokio::sync::Mutex<()>,
}

impl Slot {
    fn incarnation(&self) -> Incarnation {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Incarnation> {
        locked(&self.incarnation)
    }
}

/// A running bazaar. Dropping it kills everything.
#[derive(Debug)]
pub struct Bazaar {
    launch: Launch,
    slots: BTreeMap<ProcessName, Slot>,
    network: Option<Network>,
    disks: Disks,
    files_changes: Mutex<Vec<files::Change>>,
    slowed: Mutex<Vec<Slowed>>,
    floods: Mutex<Vec<Flooded>>,
    /// Deaths of earlier incarnations that nobody has been told of yet.
    past_deaths: Mutex<Vec<Death>>,
    stopping: AtomicBool,
    http: HttpClient,
    leaders: Arc<dyn Leaders>,
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
        flood::make_room(config.flood_connections)?;
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
            let incarnation =
                begin_incarnation(&launch, network.as_ref(), &disks, &spawner, name).await?;
            let beginning = tokio::sync::Mutex::new(());
            slots.insert(name, Slot { incarnation: Mutex::new(incarnation), beginning });
        }
        let http = HttpClient::new().with_token(launch.token().clone());
        let leaders = Arc::new(BuiltIn::new(http.clone(), launch.addresses().clone()));
        let bazaar = Self {
            launch,
            slots,
            network,
            disks,
            files_changes: Mutex::default(),
            slowed: Mutex::default(),
            floods: Mutex::default(),
            past_deaths: Mutex::default(),
            stopping: AtomicBool::new(false),
            http,
            leaders,
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

    /// Which processes there are, and what they are there for.
    #[must_use]
    pub fn system(&self) -> &Processes {
        self.launch.processes()
    }

    /// Every process, in the same order: front-end, catalog, the replicas by id.
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessInfo> {
        let info = |(name, address)| {
            let child = self.slots.get(&name)?.incarnation().child;
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

    /// Knows who leads.
    #[must_use]
    pub fn leaders(&self) -> &Arc<dyn Leaders> {
        &self.leaders
    }

    /// Emits `Started` and `Ready` of every process, with the times at which that happened. To
    /// be called when the bazaar has just been started.
    pub fn report_start(&self, events: &EventSink) {
        for name in self.system().names() {
            let Some(slot) = self.slots.get(&name) else { continue };
            let child = slot.incarnation().child;
            let times = [
                (EventKind::Started, Some(child.started_monotonic_us())),
                (EventKind::Ready, child.ready_monotonic_us.get().copied()),
            ];
            for (kind, at_monotonic_us) in times {
                let Some(at_monotonic_us) = at_monotonic_us else { continue };
                let at_us = events.origin().since_origin(at_monotonic_us);
                events.emit_at(at_us, kind, |event| {
                    event.process = Some(name.into());
                    event.pid = Some(child.pid());
                });
            }
        }
    }

    /// Sends SIGKILL, to a running or a paused process.
    pub fn kill(&self, name: ProcessName) -> Result<Act, ActError> {
        Act::signal(Action::Kill, &self.slot(name)?.incarnation().child, Child::kill)
    }

    /// Sends SIGSTOP to a running process.
    pub fn pause(&self, name: ProcessName) -> Result<Act, ActError> {
        Act::signal(Action::Pause, &self.slot(name)?.incarnation().child, Child::pause)
    }

    /// Sends SIGCONT to a paused process.
    pub fn resume(&self, name: ProcessName) -> Result<Act, ActError> {
        Act::signal(Action::Resume, &self.slot(name)?.incarnation().child, Child::resume)
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
        let name = built_in::front_end();
        let slot = self.slot(name)?;
        let _beginning = slot.beginning.lock().await;
        let old = slot.incarnation().child;
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

    /// Begins a new incarnation of a process that is down. The caller holds the slot's lock for that.
    async fn begin_again(&self, name: ProcessName, slot: &Slot) -> Result<Act, ActError> {
        if self.stopping.load(Ordering::SeqCst) {
            return Err(ActError::Stopping);
        }
        let old = slot.incarnation().child;
        let (action, is) = (Action::Restart, old.state());
        if is != ProcessState::Down {
            return Err(ActError::State { name, action, is });
        }
        let network = self.network.as_ref();
        let incarnation =
            begin_incarnation(&self.launch, network, &self.disks, &self.spawner, name).await?;
        self.past_deaths().extend(death_of(&old));
        let child = Arc::clone(&incarnation.child);
        *slot.lock() = incarnation;
        Ok(Act::new(action, child.started_monotonic_us(), child))
    }

    /// Whether the current incarnation of a process was ended by a signal of the harness.
    pub(crate) fn was_ended_by_signal(&self, name: ProcessName) -> bool {
        let exit = self.slots.get(&name).and_then(|slot| slot.incarnation().child.exit());
        exit.is_some_and(|exit| exit.asked)
    }

    /// The deaths that nobody asked for and nobody was told of yet.
    pub(crate) fn take_deaths(&self) -> Vec<Death> {
        let mut deaths = std::mem::take(&mut *self.past_deaths());
        deaths.extend(self.slots.values().filter_map(|slot| death_of(&slot.incarnation().child)));
        deaths
    }

    fn slot(&self, name: ProcessName) -> Result<&Slot, ActError> {
        self.slots.get(&name).ok_or(ActError::Unknown(name))
    }

    fn past_deaths(&self) -> MutexGuard<'_, Vec<Death>> {
        locked(&self.past_deaths)
    }
}

impl Drop for Bazaar {
    fn drop(&mut self) {
        // All at once; each child's own drop then waits for its end.
        self.kill_all();
    }
}

async fn begin_incarnation(
    launch: &Launch,
    network: Option<&Network>,
    disks: &Disks,
    spawner: &Spawner,
    name: ProcessName,
) -> Result<Incarnation, StartError> {
    let failed = |source| StartError::Spawn { name, source };
    let (mut command, log_begin) = launch.command(name).map_err(failed)?;
    command.envs(disks.begin_incarnation(name).map_err(failed)?);
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
    Ok(Incarnation { child: Arc::new(child), log_begin })
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

#[cfg(test)]
mod tests;
