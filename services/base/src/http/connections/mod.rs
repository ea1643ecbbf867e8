//! Who is connected, who keeps us waiting, and who has to go (rule S4).
//!
//! Nobody can tell a peer from a stranger when a connection is accepted. So every connection is a
//! *newcomer* until its first request's header is there; with the token it then is a *peer*, without
//! it a *client*. Each kind has a bound of its own, so however many clients there are, a replica's
//! ping still gets in. If a kind has no place left, the connection goes that has kept us waiting
//! longest: for a header, a body, or for taking its answer. One whose request is being worked on never
//! goes. *Otherwise: 4,200 connections that pipeline requests and never read an answer lock clients and
//! replicas out, for as long as they like.*
//!
//! A bound on connections of one address would say nothing on loopback, where all come from one.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::Limits;
use crate::planted::{Bug, Bugs};

/// A request of the connection is being worked on.
const BUSY: u64 = 0;
/// The connection has lost its place.
const GONE: u64 = u64::MAX;

/// How often it is looked who dawdles: often enough for the bound to be kept within an eighth, and not more often than that.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);
/// And at least so often.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// What a connection has turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// It has not sent a header yet.
    Newcomer = 0,
    /// It has sent a request without the token.
    Client = 1,
    /// It has shown the token.
    Peer = 2,
}

/// Everybody who is connected to one server.
#[derive(Debug)]
pub(super) struct Connections {
    limits: Limits,
    origin: Instant,
    kinds: Mutex<Kinds>,
    /// Sockets that may be open: as many as there are places. One that has lost its place is open until its
    /// task has run once more.
    sockets: Arc<Semaphore>,
    /// A newcomer has gone, has turned out to be something else, or stays although it was asked to go.
    newcomers_changed: Notify,
    is_closing: AtomicBool,
    bugs: Bugs,
}

#[derive(Debug, Default)]
struct Kinds {
    next_id: u64,
    /// By kind; within it by the order of acceptance.
    open: [BTreeMap<u64, Arc<State>>; 3],
}

/// What is known of one connection.
#[derive(Debug)]
struct State {
    id: u64,
    kind: AtomicU8,
    /// [`BUSY`], [`GONE`], or since when we have been waiting for the other side, in microseconds.
    waiting: AtomicU64,
    /// A request's header is there, and its answer is not.
    is_heard: AtomicBool,
    /// That it has lost its place, is to go if nothing of it is there to be read, or that the server ends.
    told: Notify,
    /// The other side takes no more of an answer.
    is_blocked: AtomicBool,
    unblocked: Notify,
}

/// A connection, for the code that serves it. Its socket is counted until this is dropped, which must be after the
/// socket is closed.
#[derive(Debug)]
pub(super) struct Connection {
    state: Arc<State>,
    all: Arc<Connections>,
    _socket: OwnedSemaphorePermit,
}

/// The connection has lost its place: whatever it has just sent is not looked at any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// What the code that serves a connection is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It has lost its place: it ends at once.
    Gone,
    /// The server ends: it ends once no request of it is worked on.
    Closing,
}

impl Connections {
    pub(super) fn new(limits: Limits, bugs: Bugs) -> Arc<Self> {
        Arc::new(Self {
            limits,
            origin: Instant::now(),
            kinds: Mutex::default(),
            sockets: Arc::new(Semaphore::new(limits.connections())),
            newcomers_changed: Notify::new(),
            is_closing: AtomicBool::new(false),
            bugs,
        })
    }

    /// Takes a newcomer in, in place of the one that came first of those that have sent nothing if there are too many.
    /// Waits while sockets that have lost their places are still open. *Otherwise: anybody who comes fast enough is
    /// accepted faster than those before him are closed, and no file descriptor is left.*
    pub(super) async fn accept(self: &Arc<Self>) -> Connection {
        self.make_room().await;
        // There are as many as there are places, of which one is free now: what is waited for is a socket
        // that is being closed.
        let socket = Arc::clone(&self.sockets).acquire_owned().await.expect("it is never closed");
        let now = self.now();
        let mut kinds = self.kinds();
        kinds.next_id += 1;
        let state = Arc::new(State {
            id: kinds.next_id,
            kind: AtomicU8::new(Kind::Newcomer as u8),
            waiting: AtomicU64::new(now),
            is_heard: AtomicBool::new(false),
            told: Notify::new(),
            is_blocked: AtomicBool::new(false),
            unblocked: Notify::new(),
        });
        kinds.of(Kind::Newcomer).insert(state.id, Arc::clone(&state));
        Connection { state, all: Arc::clone(self), _socket: socket }
    }

    /// Asks newcomers to go, one after the other, until there is room for one more. *Otherwise: of thousands that ask at
    /// the same moment the first are told to go although their requests are there, and nobody has had the time to read them.*
    async fn make_room(&self) {
        let mut last_asked = 0;
        loop {
            let mut changed = pin!(self.newcomers_changed.notified());
            changed.as_mut().enable();
            {
                let mut kinds = self.kinds();
                if !self.is_crowded(&mut kinds) {
                    return;
                }
                let newcomers = kinds.of(Kind::Newcomer);
                let next = newcomers.range(last_asked + 1..).next().or(newcomers.first_key_value());
                if let Some((id, state)) = next {
                    last_asked = *id;
                    state.told.notify_one();
                }
            }
            changed.await;
        }
    }

    fn is_crowded(&self, kinds: &mut Kinds) -> bool {
        kinds.of(Kind::Newcomer).len() >= self.limits.newcomers
    }

    /// Closes the connection that can best be spared: there are no more file descriptors.
    pub(super) fn spare_one(&self) {
        let mut kinds = self.kinds();
        let _ = kinds.evict_first() || kinds.evict_longest_waiting(Kind::Client);
    }

    /// Closes, for as long as there are such connections, those that idle or dawdle over a header. A connection needs no clock of its
    /// own for that: one that is set and taken back with each request costs as much as looking for its answer.
    pub(super) async fn watch_headers(connections: Weak<Self>) {
        while let Some(period) = connections.upgrade().map(|all| {
            all.evict_dawdlers();
            (all.limits.header_time / 8).clamp(SHORTEST_LOOK, LONGEST_LOOK)
        }) {
            tokio::time::sleep(period).await;
        }
    }

    fn evict_dawdlers(&self) {
        let header_time = u64::try_from(self.limits.header_time.as_micros()).unwrap_or(GONE);
        let Some(oldest) = self.now().checked_sub(header_time) else { return };
        let dawdles = |state: &State| {
            let waiting = state.waiting.load(Ordering::Acquire);
            // How long a body may take, and an answer be left lying, is bounded where they are read and written.
            let is_something_else = || {
                state.is_heard.load(Ordering::Acquire) || state.is_blocked.load(Ordering::Acquire)
            };
            waiting != BUSY && waiting <= oldest && !is_something_else()
        };
        let mut kinds = self.kinds();
        for states in &mut kinds.open {
            states.retain(|_, state| !(dawdles(state) && state.evict()));
        }
        drop(kinds);
        self.newcomers_changed.notify_waiters();
    }

    /// Tells every connection that the server ends, and completes once all are closed.
    pub(super) async fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        for states in &self.kinds().open {
            states.values().for_each(|state| state.told.notify_one());
        }
        let places = u32::try_from(self.limits.connections()).unwrap_or(u32::MAX);
        // It is never closed itself.
        let _ = self.sockets.acquire_many(places).await;
    }

    /// Microseconds, at least 1.
    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(GONE - 1).clamp(1, GONE - 1)
    }

    fn kinds(&self) -> MutexGuard<'_, Kinds> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limit(&self, kind: Kind) -> usize {
        match kind {
            Kind::Newcomer => self.limits.newcomers,
            Kind::Client => self.limits.clients,
            Kind::Peer => self.limits.peers,
        }
    }
}

impl Kinds {
    fn of(&mut self, kind: Kind) -> &mut BTreeMap<u64, Arc<State>> {
        &mut self.open[kind as usize]
    }

    /// Newcomers come and go in order, so looking for one costs nothing however many there are.
    fn evict_first(&mut self) -> bool {
        let newcomers = self.of(Kind::Newcomer);
        let first = newcomers.values().find(|state| state.evict()).map(|state| state.id);
        first.is_some_and(|id| newcomers.remove(&id).is_some())
    }

    fn evict_longest_waiting(&mut self, kind: Kind) -> bool {
        let states = self.of(kind);
        loop {
            let waiting = |state: &&Arc<State>| state.waiting.load(Ordering::Relaxed);
            let longest =
                states.values().filter(|state| waiting(state) != BUSY).min_by_key(waiting);
            let Some(id) = longest.map(|state| state.id) else { return false };
            // Its request may have come this very moment; then the next one is it.
            if states.get(&id).is_some_and(|state| state.evict()) {
                states.remove(&id);
                return true;
            }
        }
    }
}

impl State {
    /// Takes its place away, unless a request of it is being worked on.
    fn evict(&self) -> bool {
        let waiting = self.waiting.load(Ordering::Acquire);
        if waiting == BUSY || waiting == GONE {
            return false;
        }
        let evicted =
            self.waiting.compare_exchange(waiting, GONE, Ordering::AcqRel, Ordering::Acquire);
        if evicted.is_ok() {
            self.told.notify_one();
        }
        evicted.is_ok()
    }
}

impl Connection {
    /// A header has come, with the token or without. Says whether there is a place for its sender.
    pub(super) fn is_admitted(&self, has_token: bool) -> bool {
        let kind = self.state.kind.load(Ordering::Relaxed);
        let has_reserve = has_token && !self.all.bugs.has(Bug::NoReserve);
        let wanted = if has_reserve { Kind::Peer } else { Kind::Client };
        // Who was a peer once is taken for one from then on.
        if kind >= wanted as u8 {
            return true;
        }
        let mut kinds = self.all.kinds();
        if kinds.open[usize::from(kind)].remove(&self.state.id).is_none() {
            return false;
        }
        let has_room =
            kinds.of(wanted).len() < self.all.limit(wanted) || kinds.evict_longest_waiting(wanted);
        if has_room {
            // Connections are evicted under this lock only, so it still has its place.
            self.state.waiting.store(self.all.now(), Ordering::Release);
            kinds.of(wanted).insert(self.state.id, Arc::clone(&self.state));
            self.state.kind.store(wanted as u8, Ordering::Relaxed);
            self.all.newcomers_changed.notify_waiters();
        } else {
            kinds.open[usize::from(kind)].insert(self.state.id, Arc::clone(&self.state));
        }
        has_room
    }

    /// The request is whole: from now on it is we who are waited for.
    fn begin(&self) -> Result<(), Gone> {
        let begun = self
            .state
            .waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| (now != GONE).then_some(BUSY));
        begun.map(drop).map_err(|_| Gone)
    }

    /// The answer is there: it is the other side's turn.
    fn end(&self) {
        self.state.waiting.store(self.all.now(), Ordering::Release);
    }

    /// Completes when the connection has to go. `has_sent` says whether something of it is there to be read: then a
    /// newcomer stays that was asked to make room.
    pub(super) async fn told(&self, has_sent: impl Fn() -> bool) -> Told {
        loop {
            self.state.told.notified().await;
            if self.state.waiting.load(Ordering::Acquire) == GONE {
                return Told::Gone;
            }
            if self.all.is_closing.load(Ordering::Acquire) {
                return Told::Closing;
            }
            let has_sent = has_sent();
            let mut kinds = self.all.kinds();
            let is_new = kinds.of(Kind::Newcomer).contains_key(&self.state.id);
            if is_new && !has_sent && self.all.is_crowded(&mut kinds) && self.state.evict() {
                kinds.of(Kind::Newcomer).remove(&self.state.id);
            }
            drop(kinds);
            self.all.newcomers_changed.notify_waiters();
        }
    }

    /// The other side takes no more for the time being, or has taken everything.
    pub(super) fn set_blocked(&self, is_blocked: bool) {
        if self.state.is_blocked.swap(is_blocked, Ordering::AcqRel) && !is_blocked {
            self.state.unblocked.notify_one();
        }
    }

    /// Whether its other side has shown the token.
    pub(super) fn is_peer(&self) -> bool {
        self.state.kind.load(Ordering::Relaxed) == Kind::Peer as u8
    }

    /// Whether the other side has not taken every answer so far.
    pub(super) fn is_blocked(&self) -> bool {
        self.state.is_blocked.load(Ordering::Acquire)
    }

    /// Completes once it has.
    pub(super) async fn unblocked(&self) {
        while self.is_blocked() {
            self.state.unblocked.notified().await;
        }
    }
}

/// While it lasts a request's header is there, and its answer is not.
#[derive(Debug)]
pub(super) struct Heard(Arc<Connection>);

impl Heard {
    /// The header is there.
    pub(super) fn of(connection: &Arc<Connection>) -> Self {
        connection.state.is_heard.store(true, Ordering::Release);
        Self(Arc::clone(connection))
    }

    /// Whose request it is.
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.0
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.0.state.is_heard.store(false, Ordering::Release);
    }
}

/// While it lasts a request of this connection is worked on, or its answer is not whole yet.
#[derive(Debug)]
pub(super) struct Turn(Arc<Connection>);

impl Turn {
    /// The request is whole.
    pub(super) fn begin(connection: &Arc<Connection>) -> Result<Self, Gone> {
        connection.begin()?;
        Ok(Self(Arc::clone(connection)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let kind = usize::from(self.state.kind.load(Ordering::Relaxed));
        self.all.kinds().open[kind].remove(&self.state.id);
        self.all.newcomers_changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
