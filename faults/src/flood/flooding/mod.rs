//! One flood: its thread, its connections, and what becomes of them.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime;
use tokio::sync::{Mutex, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use super::connection;
use crate::process::ProcessName;
use crate::schedule::Flood;

/// How long a place of a flood stays empty after its connection was refused or closed.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Between two connections that are opened: a flood rises, five hundred a second, and is no storm. What it is for is that its
/// connections are there.
const OPEN_EVERY: Duration = Duration::from_millis(2);

/// What has become of a flood's connections so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were opened.
    pub opened: u64,
    /// How many could not be opened.
    pub refused: u64,
    /// How many of the opened ones the process has closed.
    pub closed: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { opened, refused, closed } = self;
        write!(f, "{opened} opened, {refused} refused, {closed} closed by the process")
    }
}

#[derive(Debug)]
struct Counts {
    opened: AtomicU64,
    refused: AtomicU64,
    closed: AtomicU64,
    /// How many places have had a connection that did what the flood is for.
    begun: watch::Sender<u32>,
}

impl Counts {
    fn tally(&self) -> Tally {
        let [opened, refused, closed] =
            [&self.opened, &self.refused, &self.closed].map(|count| count.load(Ordering::Relaxed));
        Tally { opened, refused, closed }
    }
}

/// A flood that lasts until this is dropped.
#[derive(Debug)]
pub(crate) struct Flooding {
    flood: Flood,
    counts: Arc<Counts>,
    /// Dropped first, which ends the thread.
    over: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Flooding {
    /// Begins to open connections to a process, which takes bodies at `path`.
    pub(crate) fn start(
        process: ProcessName,
        address: SocketAddr,
        path: &str,
        flood: Flood,
    ) -> io::Result<Self> {
        let counts = Arc::new(Counts {
            opened: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            begun: watch::Sender::new(0),
        });
        let (over, is_over) = oneshot::channel();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let opening = connection::opening(flood.kind, path).into();
        let counted = Arc::clone(&counts);
        let run = move || {
            runtime.block_on(async {
                let mut turns = interval(OPEN_EVERY);
                turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let turns = Arc::new(Mutex::new(turns));
                let place = Place { flood, address, opening, turns, counts: counted };
                let mut places = JoinSet::new();
                for _ in 0..flood.connections.get() {
                    places.spawn(place.clone().hold());
                }
                // Its end is what is waited for, and every connection ends with the tasks.
                let _ = is_over.await;
            });
        };
        let thread = thread::Builder::new().name(format!("flood-{process}")).spawn(run)?;
        Ok(Self { flood, counts, over: Some(over), thread: Some(thread) })
    }

    /// How many connections it has at most.
    pub(crate) fn connections(&self) -> u32 {
        self.flood.connections.get()
    }

    /// Completes once every place has had a connection that did what the flood is for.
    pub(crate) fn seen(&self) -> impl Future<Output = Tally> + Send + use<> {
        let counts = Arc::clone(&self.counts);
        let all = self.connections();
        async move {
            let mut begun = counts.begun.subscribe();
            // The sender is in what is held here.
            let _ = begun.wait_for(|begun| *begun >= all).await;
            counts.tally()
        }
    }

    /// Closes every connection, and says what became of them before.
    pub(crate) fn end(self) -> Tally {
        let counts = Arc::clone(&self.counts);
        let tally = counts.tally();
        drop(self);
        tally
    }
}

impl Drop for Flooding {
    fn drop(&mut self) {
        self.over = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a flood's thread has panicked");
        }
    }
}

/// Where one connection of a flood is after the other.
#[derive(Clone)]
struct Place {
    flood: Flood,
    address: SocketAddr,
    opening: Arc<[u8]>,
    /// When the next connection may be opened.
    turns: Arc<Mutex<Interval>>,
    counts: Arc<Counts>,
}

impl Place {
    async fn hold(self) {
        let Self { flood, address, opening, turns, counts } = self;
        let mut has_begun = false;
        loop {
            turns.lock().await.tick().await;
            let count = match connection::open(flood.kind, address).await {
                Ok(stream) => {
                    counts.opened.fetch_add(1, Ordering::Relaxed);
                    let begun = || {
                        if !std::mem::replace(&mut has_begun, true) {
                            counts.begun.send_modify(|begun| *begun += 1);
                        }
                    };
                    connection::keep(flood.kind, stream, &opening, begun).await;
                    &counts.closed
                }
                Err(_) => &counts.refused,
            };
            count.fetch_add(1, Ordering::Relaxed);
            sleep(OPEN_AGAIN_AFTER).await;
        }
    }
}

#[cfg(test)]
mod tests;
