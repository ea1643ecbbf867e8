//! The one place where the configuration changes: decided, then on disk, then announced.
//!
//! Decisions come from the [`ConfigurationManager`]; this shell makes each of them one step under one lock,
//! which is never held across a call to another process (rule R1), and on a thread that may wait
//! for the disk. Anybody who wants to know the current configuration watches [`Current`], which never
//! shows one that is not on disk.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use base::metrics::Metrics;
use base::planted::{Panics, Part, Planted};
use base::process::{Held, StateOwner, exit_on_disk_error, monotonic_us};
use base::tasks;
use prometheus::{IntCounter, IntGauge};
use tokio::sync::watch;
use uuid::Uuid;
use wire::configuration::{Cause, Configuration, History, MembershipRequest};
use wire::ids::{BazaarId, Epoch, OrderNo, ReplicaId};
use wire::internal::{CatalogStatus, PingReply};

use super::configuration::{Ballot, ConfigurationManager, Refused};
use super::store::Store;

const NO_PANIC: &str = "nothing panics while it holds this lock";

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

/// The configuration, its file, and everybody who watches it.
#[derive(Debug)]
pub struct Membership {
    state: Arc<Mutex<State>>,
    /// The reply with the highest committed number that the manager has not been told of.
    committed: Arc<Mutex<Option<PingReply>>>,
    /// The highest number that a client was told.
    answered: Arc<AtomicU64>,
    /// Why there is no leader, or why it does not serve, if anybody knows.
    trouble: Mutex<Option<Arc<str>>>,
    panics: Panics,
    current: watch::Sender<Current>,
    gauges: Gauges,
}

/// What one step of deciding, storing and recording works on, under one lock.
#[derive(Debug)]
struct State {
    manager: ConfigurationManager,
    /// `None` once the front-end is stopping.
    store: Option<Store>,
    /// Up to where orders are known to be committed by what is on disk.
    stored_floor: OrderNo,
}

impl State {
    fn take_note(&mut self, committed: &Mutex<Option<PingReply>>, answered: &AtomicU64) {
        self.manager.note_answered(OrderNo(answered.load(Ordering::Relaxed)));
        if let Some(reply) = committed.lock().expect(NO_PANIC).take() {
            self.manager.note_committed(&reply);
        }
    }
}

impl State {
    fn store_floor(&mut self) {
        let Some(raised) = self.manager.with_floor() else { return };
        let Some(store) = self.store.as_mut() else { return };
        if raised.committed > self.stored_floor {
            if let Err(error) = store.write(&raised) {
                exit_on_disk_error("storing the configuration", &store.explain(&error));
            }
            self.stored_floor = raised.committed;
        }
    }
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
    pub fn new(
        stored: Option<Configuration>,
        store: Store,
        planted: Planted,
        metrics: &Metrics,
    ) -> Self {
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
        let stored_floor = stored.as_ref().map_or(OrderNo(0), |stored| stored.committed);
        let manager = ConfigurationManager::restored(stored).with_bugs(planted.bugs);
        Self {
            state: Arc::new(Mutex::new(State { manager, store: Some(store), stored_floor })),
            committed: Arc::default(),
            answered: Arc::default(),
            trouble: Mutex::default(),
            panics: planted.panics,
            current: watch::Sender::new(Current { configuration, standing }),
            gauges,
        }
    }

    /// What is current, for anybody who wants to be told when it changes.
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

    /// A replica tells what it knows to be committed. Costs no disk: it is written down with the next
    /// change, or by [`Membership::store_floor`].
    pub fn note_committed(&self, reply: &PingReply) {
        let mut noted = self.committed.lock().expect(NO_PANIC);
        if noted.as_ref().is_none_or(|noted| noted.committed < reply.committed) {
            *noted = Some(reply.clone());
        }
    }

    /// A client is told this number, so it is committed. Costs no disk either.
    pub fn note_answered(&self, order_no: OrderNo) {
        self.answered.fetch_max(order_no.0, Ordering::Relaxed);
    }

    /// Says why there is no leader, or why it does not serve; nothing once it does.
    pub fn set_trouble(&self, trouble: Option<String>) {
        *self.why() = trouble.map(Arc::from);
    }

    /// Why there is no leader, or why it does not serve, if anybody knows.
    #[must_use]
    pub fn trouble(&self) -> Option<Arc<str>> {
        self.why().clone()
    }

    fn why(&self) -> Held<MutexGuard<'_, Option<Arc<str>>>> {
        Held::new("whoever had the reason for no leader", self.trouble.lock())
    }

    /// Writes down what is known to be committed, if that is news. It is no new configuration.
    pub async fn store_floor(&self) {
        let (committed, answered) = (Arc::clone(&self.committed), Arc::clone(&self.answered));
        self.with_state(move |state| {
            state.take_note(&committed, &answered);
            state.store_floor();
        })
        .await;
    }

    /// Stores the first configuration of a bazaar, whose name is drawn now (rule L1).
    pub async fn first(
        &self,
        replicas: BTreeMap<ReplicaId, PingReply>,
        catalog: CatalogStatus,
    ) -> Result<Arc<Configuration>, Refused> {
        let bazaar = BazaarId::new(&Uuid::new_v4().to_string()).expect("a UUID is a name");
        self.change(Cause::First, None, move |manager| {
            manager.first(&replicas, Some(&catalog), &bazaar)
        })
        .await
    }

    /// Stores the configuration with which a bazaar is taken over (rule L4).
    pub async fn adopt(&self, adopted: Configuration) -> Result<Arc<Configuration>, Refused> {
        self.change(Cause::Adopted, None, move |manager| manager.adopt(adopted)).await
    }

    /// Stores the outcome of an election, unless the configuration has changed meanwhile.
    pub async fn elect(&self, ballot: Ballot) -> Result<Arc<Configuration>, Refused> {
        let (cause, suspected_us) = (ballot.cause, ballot.suspected_us);
        self.change(cause, suspected_us, move |manager| manager.elect(&ballot)).await
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
        self.with_state(move |state| state.manager.note_serving(epoch, serving_us)).await;
    }

    /// The last changes.
    pub async fn history(&self) -> History {
        self.with_state(|state| state.manager.history()).await
    }

    /// Writes down what is known to be committed, closes the file and lets go of its lock. Nothing
    /// changes any more. *Otherwise: 240 trades, all stopped, old copies put back; nobody remembers
    /// that there was more.*
    pub async fn close(&self) {
        self.store_floor().await;
        drop(self.with_state(|state| state.store.take()).await);
    }

    /// Decides, stores and publishes, in one step that no other change can come between.
    async fn change(
        &self,
        cause: Cause,
        suspected_us: Option<u64>,
        decide: impl FnOnce(&ConfigurationManager) -> Result<Configuration, Refused> + Send + 'static,
    ) -> Result<Arc<Configuration>, Refused> {
        let (current, gauges) = (self.current.clone(), self.gauges.clone());
        let (committed, answered) = (Arc::clone(&self.committed), Arc::clone(&self.answered));
        self.with_state(move |state| {
            state.take_note(&committed, &answered);
            let store = state.store.as_mut().ok_or(Refused::Stopping)?;
            let decided = decide(&state.manager)?;
            if let Err(error) = store.write(&decided) {
                exit_on_disk_error("storing the configuration", &store.explain(&error));
            }
            state.stored_floor = decided.committed;
            state.manager.record(decided.clone(), cause, suspected_us, monotonic_us());
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
    async fn with_state<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> T {
        let (state, panics) = (Arc::clone(&self.state), self.panics);
        let working = tasks::blocking(move || {
            let _owner = StateOwner::new("what keeps the configuration");
            panics.pass(Part::Membership);
            work(&mut enter(&state))
        });
        match working.await {
            Ok(result) => result,
            // The runtime is ending, and this task with it: a panic would have ended the process.
            Err(_cancelled) => std::future::pending().await,
        }
    }
}

fn enter(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect(NO_PANIC)
}

impl Gauges {
    fn show(&self, configuration: &Configuration) {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.epoch.set(number(configuration.epoch.0));
        self.version.set(number(configuration.version.0));
        self.in_sync.set(number(configuration.in_sync.len() as u64));
    }
}
