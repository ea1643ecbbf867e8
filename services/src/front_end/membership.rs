//! The one place where the configuration changes: decided, then on disk, then announced.
//!
//! Decisions come from the [`Manager`]; this shell makes each of them one step under one lock,
//! which is never held across a call to another process (rule R1), and on a thread that may wait
//! for the disk. Whoever wants to know the current configuration watches [`Current`], which never
//! shows one that is not on disk.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use prometheus::{IntCounter, IntGauge};
use tokio::sync::watch;
use wire::configuration::{Cause, Configuration, History, MembershipRequest};
use wire::ids::{ConfigVersion, Epoch, ReplicaId};

use super::configuration::{Manager, Refused};
use super::store::Store;
use crate::metrics::Metrics;
use crate::planted::Bugs;
use crate::process::{exit_on_disk_error, monotonic_us};

/// What everybody in the front-end goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// The newest configuration on disk.
    pub configuration: Option<Arc<Configuration>>,
    /// Whether its leader can be counted on.
    pub standing: Standing,
}

/// Where the choice of a leader stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no configuration yet; the text says who is waited for.
    Waiting(Arc<str>),
    /// The front-end was restarted and is about to begin a new epoch: a matter of milliseconds.
    Beginning,
    /// There is a leader. It may be in doubt, but nothing has been concluded.
    Led,
    /// No in-sync replica answers, and no other may lead.
    Leaderless,
}

/// Who may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leader {
    /// This replica, in this epoch.
    Is(ReplicaId, Epoch),
    /// It will be known in a moment.
    Undecided,
    /// Nobody, for the time being.
    Nobody,
}

impl Current {
    /// Who may be asked.
    #[must_use]
    pub fn leader(&self) -> Leader {
        match (&self.standing, &self.configuration) {
            (Standing::Led, Some(current)) => Leader::Is(current.leader, current.epoch),
            (Standing::Beginning, Some(_)) => Leader::Undecided,
            _ => Leader::Nobody,
        }
    }
}

/// What the outcome of an election is based on.
#[derive(Debug)]
pub struct Ballot {
    /// The version that was current before anybody was asked.
    pub based_on: ConfigVersion,
    /// Who answered.
    pub answered: BTreeSet<ReplicaId>,
    /// Why there is an election.
    pub cause: Cause,
    /// When the old leader was first doubted.
    pub suspected_us: Option<u64>,
}

/// The configuration, its file, and everybody who watches it.
#[derive(Debug)]
pub struct Membership {
    office: Arc<Mutex<Office>>,
    current: watch::Sender<Current>,
    gauges: Gauges,
}

#[derive(Debug)]
struct Office {
    manager: Manager,
    /// `None` once the front-end is stopping.
    store: Option<Store>,
}

#[derive(Clone, Debug)]
struct Gauges {
    elections: IntCounter,
    epoch: IntGauge,
    version: IntGauge,
    in_sync: IntGauge,
}

impl Membership {
    /// Starts from what is on disk.
    #[must_use]
    pub fn new(stored: Option<Configuration>, store: Store, bugs: Bugs, metrics: &Metrics) -> Self {
        let gauges = Gauges {
            elections: metrics.counter("elections_total", "Epochs that were begun."),
            epoch: metrics.gauge("epoch", "The current epoch."),
            version: metrics.gauge("configuration_version", "The configuration's version."),
            in_sync: metrics.gauge("in_sync_replicas", "Replicas in the in-sync set."),
        };
        let standing = match &stored {
            Some(configuration) => {
                gauges.show(configuration);
                Standing::Beginning
            }
            None => Standing::Waiting("no replica has answered yet".into()),
        };
        let configuration = stored.clone().map(Arc::new);
        let manager = Manager::restored(stored).with_bugs(bugs);
        Self {
            office: Arc::new(Mutex::new(Office { manager, store: Some(store) })),
            current: watch::Sender::new(Current { configuration, standing }),
            gauges,
        }
    }

    /// What is current, for whoever wants to be told when it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Current> {
        self.current.subscribe()
    }

    /// The current configuration.
    #[must_use]
    pub fn configuration(&self) -> Option<Arc<Configuration>> {
        self.current.borrow().configuration.clone()
    }

    /// Where the choice of a leader stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.current.borrow().standing.clone()
    }

    /// Says where the choice of a leader stands now.
    pub fn set_standing(&self, standing: Standing) {
        self.current.send_if_modified(|current| {
            let changed = current.standing != standing;
            current.standing = standing;
            changed
        });
    }

    /// Stores the first configuration.
    pub async fn first(
        &self,
        replicas: BTreeSet<ReplicaId>,
    ) -> Result<Arc<Configuration>, Refused> {
        self.change(Cause::First, None, move |manager| manager.first(&replicas)).await
    }

    /// Stores the outcome of an election, unless the configuration has changed meanwhile.
    pub async fn elect(&self, ballot: Ballot) -> Result<Arc<Configuration>, Refused> {
        let Ballot { based_on, answered, cause, suspected_us } = ballot;
        self.change(cause, suspected_us, move |manager| manager.elect(based_on, &answered, cause))
            .await
    }

    /// Removes or adds a member, as the leader asks.
    pub async fn change_members(
        &self,
        request: MembershipRequest,
    ) -> Result<Arc<Configuration>, Refused> {
        let cause = match request.change {
            wire::configuration::Membership::Remove => Cause::Remove,
            wire::configuration::Membership::Add => Cause::Add,
        };
        self.change(cause, None, move |manager| manager.change_membership(&request)).await
    }

    /// Notes when the leader of `epoch` was first known to serve.
    pub async fn note_serving(&self, epoch: Epoch, serving_us: u64) {
        self.at_the_office(move |office| office.manager.note_serving(epoch, serving_us)).await;
    }

    /// The last changes.
    pub async fn history(&self) -> History {
        self.at_the_office(|office| office.manager.history()).await
    }

    /// Closes the file and lets go of its lock. Nothing changes any more.
    pub async fn close(&self) {
        drop(self.at_the_office(|office| office.store.take()).await);
    }

    /// Decides, stores and publishes, in one step that no other change can come between.
    async fn change(
        &self,
        cause: Cause,
        suspected_us: Option<u64>,
        decide: impl FnOnce(&Manager) -> Result<Configuration, Refused> + Send + 'static,
    ) -> Result<Arc<Configuration>, Refused> {
        let (current, gauges) = (self.current.clone(), self.gauges.clone());
        self.at_the_office(move |office| {
            let store = office.store.as_ref().ok_or(Refused::Stopping)?;
            let decided = decide(&office.manager)?;
            if let Err(error) = store.write(&decided) {
                exit_on_disk_error("storing the configuration", &error);
            }
            office.manager.record(decided.clone(), cause, suspected_us, monotonic_us());
            tracing::info!(configuration = ?decided, ?cause, "the configuration has changed");
            gauges.show(&decided);
            let led = !matches!(cause, Cause::Remove | Cause::Add);
            if led {
                gauges.elections.inc();
            }
            let decided = Arc::new(decided);
            current.send_modify(|current| {
                current.configuration = Some(Arc::clone(&decided));
                if led {
                    current.standing = Standing::Led;
                }
            });
            Ok(decided)
        })
        .await
    }

    /// Runs `work` under the lock, on a thread that may wait for the disk. It runs to its end even
    /// if the caller goes away.
    async fn at_the_office<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Office) -> T + Send + 'static,
    ) -> T {
        let office = Arc::clone(&self.office);
        match tokio::task::spawn_blocking(move || work(&mut enter(&office))).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is ending, and this task with it.
                Err(_cancelled) => std::future::pending().await,
            },
        }
    }
}

fn enter(office: &Mutex<Office>) -> MutexGuard<'_, Office> {
    office.lock().expect("nothing panics while it holds this lock")
}

impl Gauges {
    fn show(&self, configuration: &Configuration) {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.epoch.set(number(configuration.epoch.0));
        self.version.set(number(configuration.version.0));
        self.in_sync.set(number(configuration.in_sync.len() as u64));
    }
}
